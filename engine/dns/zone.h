/* SPDX-License-Identifier: MIT
 *
 * zone: the zone text as a table of names, built by zone_parse.c and searched by zone.c. Used
 * inside engine/dns only.
 */
#ifndef MOON_DNS_ZONE_H
#define MOON_DNS_ZONE_H

#include "engine/dns/backend.h"

#define MOON_ZONE_BUCKETS 4096u

struct moon_zone_record {
    struct moon_zone_record *next; /* of the same owner, in the order of the file */
    enum moon_dns_type type;
    const char *trouble; /* "timeout", "SERVFAIL": the type cannot be had; else NULL */
    struct moon_span text;
    struct moon_ip ip;
    uint16_t preference;
    struct moon_dns_wire *target; /* MX, PTR, CNAME */
};

/* A name that exists: it has records, or stands above one that has. */
struct moon_zone_node {
    struct moon_zone_node *next; /* in its bucket */
    struct moon_dns_wire name;
    const char *trouble; /* for every type */
    struct moon_zone_record *first, **end;
};

struct moon_zone {
    struct moon_dns_backend backend; /* its first member */
    struct moon_arena *arena;
    struct moon_zone_node *buckets[MOON_ZONE_BUCKETS];
    size_t record_count;
    struct moon_dns_ask *asked, **asked_end;
};

/* The node of a name, made with all names above it when it is missing; NULL without memory. */
struct moon_zone_node *moon_zone_enter(struct moon_zone *zone, const struct moon_dns_wire *name);

/* Reads the text into the zone. */
enum moon_status moon_zone_parse(struct moon_zone *zone, struct moon_span text, const char *origin,
                                 struct moon_error *error);

#endif
