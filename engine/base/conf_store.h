/* SPDX-License-Identifier: MIT
 *
 * conf_store: the setting `store` taken apart.
 */
#ifndef MOON_BASE_CONF_STORE_H
#define MOON_BASE_CONF_STORE_H

#include <stdint.h>

#include "engine/base/arena.h"

#define MOON_STORE_FILE "/var/lib/moonscan/counters/counters.sqlite"

enum moon_store_kind { MOON_STORE_KIND_NONE, MOON_STORE_KIND_SQLITE, MOON_STORE_KIND_REDIS };

struct moon_conf_store {
    enum moon_store_kind kind;
    struct moon_span path;    /* SQLite: the file */
    struct moon_span address; /* Redis: of the server, without brackets */
    uint16_t port;
    unsigned database;
};

/* "none", "sqlite" (MOON_STORE_FILE), "sqlite:/path", "redis://ADDRESS[:PORT][/DATABASE]"; an IPv6
 * address with a port stands in brackets. Names of hosts are not understood: the worker asks nobody
 * for them. False: none of these. */
bool moon_conf_store_parse(struct moon_span value, struct moon_conf_store *store_r);

#endif
