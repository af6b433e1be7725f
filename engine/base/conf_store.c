/* SPDX-License-Identifier: MIT
 *
 * conf_store: see the header.
 */
#include "engine/base/conf_store.h"

#include "engine/base/ip.h"

#define REDIS_PORT         6379
#define REDIS_DATABASE_MAX 9999

/* "192.0.2.1", "192.0.2.1:6379", "2001:db8::1", "[2001:db8::1]:6379" */
static bool parse_server(struct moon_span text, struct moon_conf_store *store)
{
    struct moon_ip ip;
    uint64_t port = REDIS_PORT;
    size_t colon = moon_span_rfind(text, ':');

    store->address = text;
    if (!moon_ip_parse(text, &ip)) {
        if (colon == (size_t)-1 ||
            !moon_span_number(moon_span_sub(text, colon + 1, text.n), 65535, &port))
            return false;
        store->address = moon_span_sub(text, 0, colon);
        bool brackets = colon > 2 && text.p[0] == '[' && text.p[colon - 1] == ']';
        if (brackets)
            store->address = moon_span_sub(text, 1, colon - 2);
        if (!moon_ip_parse(store->address, &ip) || (ip.family == 4) == brackets)
            return false;
    }
    store->port = (uint16_t)port;
    return port != 0;
}

bool moon_conf_store_parse(struct moon_span value, struct moon_conf_store *store_r)
{
    const struct moon_span sqlite = MOON_SPAN("sqlite:"), redis = MOON_SPAN("redis://");
    uint64_t database = 0;

    *store_r = (struct moon_conf_store){.kind = MOON_STORE_KIND_NONE};
    if (moon_span_is(value, "none"))
        return true;
    if (moon_span_is(value, "sqlite")) {
        store_r->kind = MOON_STORE_KIND_SQLITE;
        store_r->path = MOON_SPAN(MOON_STORE_FILE);
        return true;
    }
    if (moon_span_eq(moon_span_sub(value, 0, sqlite.n), sqlite)) {
        store_r->kind = MOON_STORE_KIND_SQLITE;
        store_r->path = moon_span_sub(value, sqlite.n, value.n);
        return store_r->path.n > 1 && store_r->path.p[0] == '/';
    }
    if (!moon_span_eq(moon_span_sub(value, 0, redis.n), redis))
        return false;
    store_r->kind = MOON_STORE_KIND_REDIS;
    struct moon_span rest = moon_span_sub(value, redis.n, value.n);
    size_t slash = moon_span_find(rest, '/');
    if (slash != (size_t)-1 && slash + 1 < rest.n &&
        !moon_span_number(moon_span_sub(rest, slash + 1, rest.n), REDIS_DATABASE_MAX, &database))
        return false;
    store_r->database = (unsigned)database;
    return parse_server(moon_span_sub(rest, 0, slash), store_r);
}
