/* SPDX-License-Identifier: MIT
 *
 * redis: the store on a Redis or Valkey server, shared by several Exim hosts.
 */
#ifndef MOON_STORE_REDIS_H
#define MOON_STORE_REDIS_H

#include "engine/store/store.h"

/* Reads the password; nothing is connected before the first question. `address` is an IP address;
 * `password_file` names a file with the password in its first line, or is NULL. `timeout_ms` bounds
 * the connecting and each question. MOON_ENOMEM. */
enum moon_status moon_store_redis(const char *address, uint16_t port, unsigned database,
                                  const char *password_file, int64_t timeout_ms,
                                  struct moon_store **store_r, struct moon_error *error);

#endif
