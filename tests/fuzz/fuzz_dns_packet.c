/* SPDX-License-Identifier: MIT
 *
 * fuzz: a DNS reply. The first byte chooses the type asked for; the question is the one in the
 * packet, so that the inputs get past the check that it is ours. Whatever comes, the reply is
 * finished and consistent, and its names are names.
 *
 * Parser: engine/dns/packet.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/dns/kept.h"
#include "engine/dns/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* The labels of the question, without pointers; "q.example" when there are none. */
static void question_of(struct moon_span packet, struct moon_dns_wire *name)
{
    struct moon_buf in = moon_buf_of(moon_span_sub(packet, 12, 300));
    memset(name, 0, sizeof *name);
    while (moon_buf_peek(&in) > 0 && moon_dns_wire_add(name, moon_buf_take(&in, moon_buf_u8(&in))))
        continue;
    if (in.failed || name->length == 0 || !moon_dns_wire_close(name))
        require(moon_dns_wire_parse(MOON_SPAN("q.example"), name));
}

static void check_records(const struct moon_dns_reply *reply, enum moon_dns_type type)
{
    require(reply->count <= MOON_DNS_RECORDS_MAX);
    for (size_t i = 0; i < reply->count; i++) {
        const struct moon_dns_record *record = &reply->records[i];
        struct moon_dns_wire name;
        volatile char sum = 0;
        for (size_t k = 0; k < record->text.n; k++)
            sum = (char)(sum ^ record->text.p[k]);
        if (type == MOON_DNS_TYPE_MX || type == MOON_DNS_TYPE_PTR)
            require(!*record->name || moon_dns_wire_parse(moon_span_of(record->name), &name));
    }
}

/* Our own question, cut anywhere, is no answer; nor is it with the bit set that says so. */
static void check_query(const struct moon_dns_wire *name, enum moon_dns_type type,
                        struct moon_arena *arena, size_t cut)
{
    uint8_t out[MOON_DNS_QUERY_MAX];
    size_t n = moon_dns_packet_query(0x1234, name, type, cut % 2, out);
    struct moon_dns_reply reply;
    require(n <= sizeof out && n >= (size_t)name->length + 16);
    struct moon_span query = {(const char *)out, n};
    moon_dns_packet_read(query, name, type, 0, arena, &reply);
    require(reply.state == MOON_DNS_STATE_TROUBLE);
    out[2] |= 0x80;
    moon_dns_packet_read(query, name, type, 0, arena, &reply);
    require(reply.state == MOON_DNS_STATE_NODATA && reply.count == 0);
    moon_dns_packet_read(moon_span_sub(query, 0, cut % n), name, type, 0, arena, &reply);
    require(reply.count == 0);
}

/* What is kept of it and given back is the same answer. */
static void check_kept(const struct moon_dns_reply *reply, const struct moon_dns_wire *name,
                       enum moon_dns_type type, struct moon_arena *arena)
{
    struct moon_dns_kept *kept = moon_dns_kept_create(60);
    struct moon_dns_answer put = {.type = type,
                                  .state = reply->state,
                                  .reason = reply->reason ? reply->reason : "",
                                  .records = reply->records,
                                  .count = reply->count,
                                  .more = reply->more};
    struct moon_dns_answer got = {.type = type};
    unsigned questions = 0;
    require(kept);
    moon_dns_kept_put(kept, name, &put, reply->ttl_s, 1, 0);
    if (moon_dns_kept_get(kept, name, 0, arena, &got, &questions)) {
        require(got.state == put.state && got.count == put.count && got.more == put.more);
        for (size_t i = 0; i < got.count; i++) {
            const struct moon_dns_record *a = &put.records[i], *b = &got.records[i];
            require(a->text.n == b->text.n && strcmp(a->name, b->name) == 0);
            require(!a->text.n || memcmp(a->text.p, b->text.p, a->text.n) == 0);
            require(memcmp(&a->ip, &b->ip, sizeof a->ip) == 0 && a->preference == b->preference);
        }
    }
    require(reply->state != MOON_DNS_STATE_TROUBLE || reply->ttl_s == 0);
    moon_dns_kept_destroy(&kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum moon_dns_type types[] = {MOON_DNS_TYPE_A,   MOON_DNS_TYPE_CNAME,
                                               MOON_DNS_TYPE_MX,  MOON_DNS_TYPE_PTR,
                                               MOON_DNS_TYPE_TXT, MOON_DNS_TYPE_AAAA};
    if (size == 0)
        return 0;
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_span packet = {(const char *)data + 1, size - 1};
    enum moon_dns_type type = types[data[0] % 6];
    struct moon_dns_wire name;
    struct moon_dns_reply reply;
    if (!arena)
        return 0;
    question_of(packet, &name);
    moon_dns_packet_read(packet, &name, type, 0, arena, &reply);
    require(reply.state != MOON_DNS_STATE_PENDING);
    require((reply.state == MOON_DNS_STATE_FOUND) == (reply.count > 0));
    require(!reply.follow || reply.target.length > 0);
    require(reply.hops <= MOON_DNS_CNAMES_MAX + 1);
    check_records(&reply, type);
    check_kept(&reply, &name, type, arena);
    require(moon_dns_packet_rcode(packet) <= 15 || packet.n < 4);
    check_query(&name, type, arena, size);
    moon_arena_destroy(&arena);
    return 0;
}
