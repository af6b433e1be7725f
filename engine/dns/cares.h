/* SPDX-License-Identifier: MIT
 *
 * cares: the c-ares backend with the place of resolv.conf given, for tests.
 */
#ifndef MOON_DNS_CARES_H
#define MOON_DNS_CARES_H

#include "engine/dns/backend.h"

/* As moon_dns_backend_cares with count 0, but reads `path`, which is copied. */
enum moon_status moon_dns_backend_resolv_conf(const char *path, struct moon_dns_backend **backend_r,
                                              struct moon_error *error);

#endif
