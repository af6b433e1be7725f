/* SPDX-License-Identifier: MIT
 *
 * zone: the backend that answers from a zone text, for tests, scenarios and trials on the command
 * line. It behaves like a recursive resolver that knows nothing but this text. The answer to a
 * question (RFC 1034 section 4.3.2, RFC 4592 section 3.3.1):
 *
 *  1. The name itself, if it exists; a name above an existing one exists (RFC 8020 section 2).
 *  2. Otherwise the wildcard at the closest encloser, the nearest existing name above.
 *  3. Neither: NXDOMAIN.
 *  4. Records of the type, or the target of a CNAME, followed from step 1.
 *
 * Questions are answered in batches: one step answers what was asked before it, so that dependent
 * questions take as many steps as they would take rounds on a network.
 */
#include "engine/dns/zone.h"

#include <stdlib.h>
#include <string.h>

static struct moon_zone_node *find(const struct moon_zone *zone, const struct moon_dns_wire *name)
{
    struct moon_zone_node *node = zone->buckets[moon_dns_wire_hash(name) % MOON_ZONE_BUCKETS];
    while (node && !moon_dns_wire_equal(&node->name, name))
        node = node->next;
    return node;
}

static struct moon_zone_node *add_node(struct moon_zone *zone, const struct moon_dns_wire *name)
{
    struct moon_zone_node **bucket = &zone->buckets[moon_dns_wire_hash(name) % MOON_ZONE_BUCKETS];
    struct moon_zone_node *node = moon_arena_alloc(zone->arena, sizeof *node);
    if (!node)
        return NULL;
    node->name = *name;
    node->end = &node->first;
    node->next = *bucket;
    *bucket = node;
    return node;
}

struct moon_zone_node *moon_zone_enter(struct moon_zone *zone, const struct moon_dns_wire *name)
{
    struct moon_zone_node *node = find(zone, name);
    if (node)
        return node;
    struct moon_dns_wire above = *name;
    while (moon_dns_wire_parent(&above, &above) && !find(zone, &above))
        if (!add_node(zone, &above))
            return NULL;
    return add_node(zone, name);
}

/* Steps 1 and 2. */
static struct moon_zone_node *node_for(const struct moon_zone *zone,
                                       const struct moon_dns_wire *name)
{
    struct moon_zone_node *node = find(zone, name);
    struct moon_dns_wire above = *name, wildcard = {0};
    if (node)
        return node;
    do {
        if (!moon_dns_wire_parent(&above, &above))
            return NULL; /* an empty zone */
    } while (!find(zone, &above));
    if (above.length + 2u > MOON_DNS_WIRE_MAX || !moon_dns_wire_add(&wildcard, MOON_SPAN("*")))
        return NULL;
    memcpy(wildcard.bytes + wildcard.length, above.bytes, above.length);
    wildcard.length = (uint8_t)(wildcard.length + above.length);
    return find(zone, &wildcard);
}

static bool fill(struct moon_arena *arena, const struct moon_zone_record *from,
                 struct moon_dns_record *to)
{
    char *text = moon_arena_dup(arena, from->text);
    to->text = (struct moon_span){text, from->text.n};
    to->ip = from->ip;
    to->preference = from->preference;
    to->name = from->target ? moon_dns_wire_text(arena, from->target) : "";
    return text && to->name;
}

/* The records of the type; false when there is none. */
static bool collect(struct moon_arena *arena, const struct moon_zone_node *node,
                    enum moon_dns_type type, struct moon_dns_reply *reply)
{
    for (const struct moon_zone_record *r = node->first; r; r = r->next) {
        if (r->type != type)
            continue;
        *reply = (struct moon_dns_reply){.state = MOON_DNS_STATE_FOUND,
                                         .records = reply->records,
                                         .count = reply->count,
                                         .more = reply->count == MOON_DNS_RECORDS_MAX};
        if (r->trouble) {
            *reply = (struct moon_dns_reply){.state = MOON_DNS_STATE_TROUBLE, .reason = r->trouble};
            return true;
        }
        if (reply->more)
            return true;
        struct moon_dns_record *records =
            moon_arena_append(arena, reply->records, reply->count, sizeof *records);
        if (!records || !fill(arena, r, &records[reply->count])) {
            *reply =
                (struct moon_dns_reply){.state = MOON_DNS_STATE_TROUBLE, .reason = "no memory"};
            return true;
        }
        reply->records = records;
        reply->count++;
    }
    return reply->count > 0;
}

static const struct moon_dns_wire *alias_of(const struct moon_zone_node *node)
{
    for (const struct moon_zone_record *r = node->first; r; r = r->next)
        if (r->type == MOON_DNS_TYPE_CNAME && r->target)
            return r->target;
    return NULL;
}

static struct moon_dns_reply resolve(const struct moon_zone *zone, const struct moon_dns_ask *ask)
{
    struct moon_dns_reply reply = {.state = MOON_DNS_STATE_NODATA};
    struct moon_dns_wire seen[MOON_DNS_CNAMES_MAX + 1];
    seen[0] = ask->name;
    for (size_t hops = 0;; hops++) {
        const struct moon_zone_node *node = node_for(zone, &seen[hops]);
        if (!node) {
            reply.state = MOON_DNS_STATE_NXDOMAIN;
            return reply;
        }
        if (node->trouble) {
            reply.state = MOON_DNS_STATE_TROUBLE;
            reply.reason = node->trouble;
            return reply;
        }
        const struct moon_dns_wire *alias = alias_of(node);
        if (collect(moon_dns_arena(ask->dns), node, ask->type, &reply) || !alias)
            return reply;
        for (size_t i = 0; i <= hops; i++) {
            if (moon_dns_wire_equal(&seen[i], alias)) {
                reply.reason = "CNAME loop";
                return reply;
            }
        }
        if (hops == MOON_DNS_CNAMES_MAX) {
            reply.reason = "CNAME chain too long";
            return reply;
        }
        seen[hops + 1] = *alias;
    }
}

/* --- the backend --------------------------------------------------------------------------------
 */

static struct moon_zone *zone_of(struct moon_dns_backend *backend)
{
    return (struct moon_zone *)(void *)backend; /* its first member */
}

static void destroy(struct moon_dns_backend *backend)
{
    struct moon_zone *zone = zone_of(backend);
    moon_arena_destroy(&zone->arena);
    free(zone);
}

static void ask_zone(struct moon_dns_backend *backend, struct moon_dns_ask *ask)
{
    struct moon_zone *zone = zone_of(backend);
    ask->next = NULL;
    *zone->asked_end = ask;
    zone->asked_end = &ask->next;
}

/* Takes the questions of `dns` out of the queue, in order. */
static struct moon_dns_ask *take(struct moon_zone *zone, const struct moon_dns *dns)
{
    struct moon_dns_ask *taken = NULL, **taken_end = &taken, **link = &zone->asked;
    while (*link) {
        struct moon_dns_ask *ask = *link;
        if (ask->dns == dns) {
            *link = ask->next;
            ask->next = NULL;
            *taken_end = ask;
            taken_end = &ask->next;
        } else {
            link = &ask->next;
        }
    }
    zone->asked_end = link;
    return taken;
}

static void step(struct moon_dns_backend *backend, struct moon_dns *dns, int64_t wait_ms)
{
    struct moon_zone *zone = zone_of(backend);
    (void)wait_ms; /* never waits */
    for (struct moon_dns_ask *ask = take(zone, dns), *next; ask; ask = next) {
        next = ask->next;
        struct moon_dns_reply reply = resolve(zone, ask);
        moon_dns_deliver(ask, &reply);
    }
}

static void cancel(struct moon_dns_backend *backend, struct moon_dns *dns)
{
    (void)take(zone_of(backend), dns); /* they are the message's own */
}

static const struct moon_dns_backend_ops ops = {
    .destroy = destroy, .ask = ask_zone, .step = step, .cancel = cancel};

enum moon_status moon_dns_backend_zone(struct moon_span text, const char *origin,
                                       struct moon_dns_backend **backend_r,
                                       struct moon_error *error)
{
    struct moon_dns_wire root = {.length = 1};
    struct moon_zone *zone = calloc(1, sizeof *zone);
    *backend_r = NULL;
    if (!zone)
        return moon_fail(error, MOON_ENOMEM, "%s: no memory", origin);
    zone->backend.ops = &ops;
    zone->asked_end = &zone->asked;
    zone->arena = moon_arena_create(MOON_ZONE_ARENA_MAX);
    enum moon_status status = MOON_ENOMEM;
    if (zone->arena && moon_zone_enter(zone, &root))
        status = moon_zone_parse(zone, text, origin, error);
    else
        (void)moon_fail(error, status, "%s: no memory", origin); /* returned below */
    if (status == MOON_OK)
        *backend_r = &zone->backend;
    else
        destroy(&zone->backend);
    return status;
}
