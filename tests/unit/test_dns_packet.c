/* SPDX-License-Identifier: MIT
 *
 * Packets: what is made of replies, good and bad, and what a query looks like.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/dns/packet.h"

/* Pieces of packets; the question is always "q.example" of some type. */
#define HEADER(flags, an, ns, ar)                                                                  \
    "\0\1" flags "\0\1"                                                                            \
    "\0" an "\0" ns "\0" ar
#define OK                      "\x81\x80" /* recursion available */
#define OK_AA                   "\x84\x00" /* authoritative, no recursion */
#define OK_BARE                 "\x80\x00"
#define NX                      "\x81\x83"
#define Q                       "\1q\7example\0"
#define QA                      Q "\0\1\0\1"
#define QTXT                    Q "\0\20\0\1"
#define QMX                     Q "\0\17\0\1"
#define QPTR                    Q "\0\14\0\1"
#define QAAAA                   Q "\0\34\0\1"
#define SELF                    "\300\14"
#define ORG                     "\300\16" /* "example" inside the question */
#define RR(owner, type, length) owner "\0" type "\0\1\0\0\0\74\0" length
#define IP1                     RR(SELF, "\1", "\4") "\300\0\2\1"
#define LITERAL(text)                                                                              \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct {
    const char *label;
    enum moon_dns_type type;
    struct moon_span packet;
    const char *want;
} cases[] = {
    {"one address", MOON_DNS_TYPE_A, LITERAL(HEADER(OK, "\1", "\0", "\0") QA IP1),
     "found 192.0.2.1"},
    {"an owner in capitals", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\1", "\0", "\0") "\1Q\7EXAMPLE\0\0\1\0\1" RR("\1q\7eXample\0", "\1",
                                                                      "\4") "\300\0\2\1"),
     "found 192.0.2.1"},
    {"a record of another owner", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\2", "\0", "\0") QA RR(ORG, "\1", "\4") "\300\0\2\2" IP1),
     "found 192.0.2.1"},
    {"a record of another class", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QA SELF "\0\1\0\3\0\0\0\74\0\4\300\0\2\1"), "nodata"},
    {"no records", MOON_DNS_TYPE_A, LITERAL(HEADER(OK, "\0", "\0", "\0") QA), "nodata"},
    {"NXDOMAIN", MOON_DNS_TYPE_A, LITERAL(HEADER(NX, "\0", "\0", "\0") QA), "nxdomain"},
    {"NXDOMAIN behind a CNAME", MOON_DNS_TYPE_A,
     LITERAL(HEADER(NX, "\1", "\0", "\0") QA RR(SELF, "\5", "\4") "\1b" ORG), "nxdomain"},
    {"SERVFAIL", MOON_DNS_TYPE_A, LITERAL(HEADER("\x81\x82", "\0", "\0", "\0") QA),
     "trouble SERVFAIL"},
    {"REFUSED without a question", MOON_DNS_TYPE_A, LITERAL("\0\1\x81\x85\0\0\0\0\0\0\0\0"),
     "trouble REFUSED"},
    {"an rcode without a name", MOON_DNS_TYPE_A, LITERAL(HEADER("\x81\x8f", "\0", "\0", "\0") QA),
     "trouble unknown rcode"},
    {"truncated", MOON_DNS_TYPE_A, LITERAL(HEADER("\x83\x80", "\0", "\0", "\0") QA),
     "trouble truncated"},
    {"BADVERS of EDNS", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\0", "\0", "\1") QA "\0\0\51\4\320\1\0\0\0\0\0"),
     "trouble extended rcode"},
    {"a plain OPT record", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\1", "\0", "\1") QA IP1 "\0\0\51\4\320\0\0\0\0\0\0"), "found 192.0.2.1"},
    {"IPv6, mapped and left as it is", MOON_DNS_TYPE_AAAA,
     LITERAL(HEADER(OK, "\1", "\0", "\0")
                 QAAAA RR(SELF, "\34", "\20") "\0\0\0\0\0\0\0\0\0\0\377\377\300\0\2\1"),
     "found ::ffff:192.0.2.1"},
    {"strings joined, NUL kept", MOON_DNS_TYPE_TXT,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QTXT RR(SELF, "\20", "\11") "\2v=\0\1\0\2ok"),
     "found v=|ok"},
    {"TXT of one empty string", MOON_DNS_TYPE_TXT,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QTXT RR(SELF, "\20", "\1") "\0"), "found "},
    {"MX, compressed and root", MOON_DNS_TYPE_MX,
     LITERAL(HEADER(OK, "\2", "\0", "\0")
                 QMX RR(SELF, "\17", "\6") "\0\12\1M" ORG RR(SELF, "\17", "\3") "\1\0\0"),
     "found 10:m.example 256:"},
    {"PTR with special bytes", MOON_DNS_TYPE_PTR,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QPTR RR(SELF, "\14", "\10") "\5A.\\\0\377" ORG),
     "found a\\.\\\\\\000\\255.example"},
    {"CNAME and its target", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\2", "\0", "\0")
                 QA RR(SELF, "\5", "\4") "\1b" ORG RR("\1B" ORG, "\1", "\4") "\300\0\2\1"),
     "found 192.0.2.1"},
    {"the target before its CNAME", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\2", "\0", "\0")
                 QA RR("\1b" ORG, "\1", "\4") "\300\0\2\1" RR(SELF, "\5", "\4") "\1b" ORG),
     "found 192.0.2.1"},
    {"CNAME without more, from a recursive server", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QA RR(SELF, "\5", "\4") "\1b" ORG), "nodata"},
    {"CNAME without more, from an authoritative one", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK_AA, "\1", "\0", "\0") QA RR(SELF, "\5", "\4") "\1b" ORG),
     "follow b.example"},
    {"CNAME inside the zone, no data by its SOA", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK_AA, "\1", "\1", "\0") QA RR(SELF, "\5", "\4") "\1b" ORG RR(ORG, "\6", "\0")),
     "nodata"},
    {"SOA of another zone", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK_AA, "\1", "\1", "\0")
                 QA RR(SELF, "\5", "\5") "\1b\1c\0" RR(ORG, "\6", "\0")),
     "follow b.c"},
    {"CNAME to itself", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QA RR(SELF, "\5", "\2") SELF), "nodata CNAME loop"},
    {"CNAMEs in a circle", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\2", "\0", "\0")
                 QA RR(SELF, "\5", "\4") "\1b" ORG RR("\1b" ORG, "\5", "\2") SELF),
     "nodata CNAME loop"},
    {"a referral", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK_BARE, "\0", "\1", "\0") QA RR(ORG, "\2", "\2") SELF), "trouble referral"},
    /* --- malformed --- */
    {"nothing", MOON_DNS_TYPE_A, {NULL, 0}, "trouble malformed"},
    {"half a header", MOON_DNS_TYPE_A, LITERAL("\0\1\x81\x80\0"), "trouble malformed"},
    {"a query", MOON_DNS_TYPE_A, LITERAL(HEADER("\1\0", "\0", "\0", "\0") QA), "trouble malformed"},
    {"another opcode", MOON_DNS_TYPE_A, LITERAL(HEADER("\x91\0", "\0", "\0", "\0") QA),
     "trouble malformed"},
    {"another question", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\0", "\0", "\0") "\1r"
                                          "\0\0\1\0\1"),
     "trouble malformed"},
    {"another type", MOON_DNS_TYPE_A, LITERAL(HEADER(OK, "\0", "\0", "\0") QTXT),
     "trouble malformed"},
    {"an answer that is not there", MOON_DNS_TYPE_A, LITERAL(HEADER(OK, "\1", "\0", "\0") QA),
     "trouble malformed"},
    {"an address of three bytes", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QA RR(SELF, "\1", "\3") "\300\0\2"), "trouble malformed"},
    {"data longer than the packet", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QA RR(SELF, "\1", "\4") "\300\0\2"), "trouble malformed"},
    {"a pointer to itself", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QA RR("\300\33", "\1", "\4") "\300\0\2\1"),
     "trouble malformed"},
    {"a pointer forward", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QA RR("\300\50", "\1", "\4") "\300\0\2\1"),
     "trouble malformed"},
    {"a pointer into the header", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QA RR("\300\4", "\1", "\4") "\300\0\2\1"),
     "trouble malformed"},
    {"a label type of the past", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QA RR("\101a\0", "\1", "\4") "\300\0\2\1"),
     "trouble malformed"},
    {"a string longer than its record", MOON_DNS_TYPE_TXT,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QTXT RR(SELF, "\20", "\3") "\3ab"), "trouble malformed"},
    {"TXT without a string", MOON_DNS_TYPE_TXT,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QTXT RR(SELF, "\20", "\0")), "trouble malformed"},
    {"MX of one byte", MOON_DNS_TYPE_MX,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QMX RR(SELF, "\17", "\1") "\0"), "trouble malformed"},
    {"MX with bytes behind its name", MOON_DNS_TYPE_MX,
     LITERAL(HEADER(OK, "\1", "\0", "\0") QMX RR(SELF, "\17", "\5") "\0\1" SELF "\0"),
     "trouble malformed"},
    {"a name that ends behind its record", MOON_DNS_TYPE_PTR,
     LITERAL(HEADER(OK, "\2", "\0", "\0") QPTR RR(SELF, "\14", "\2") "\2a" RR("b\0", "\1", "\0")),
     "trouble malformed"},
    {"a broken record in the additional section", MOON_DNS_TYPE_A,
     LITERAL(HEADER(OK, "\1", "\0", "\1") QA IP1 SELF), "trouble malformed"},
};

static struct moon_dns_wire asked(void)
{
    struct moon_dns_wire name;
    assert_true(moon_dns_wire_parse(MOON_SPAN("q.example"), &name));
    return name;
}

static void add_shown(struct moon_str *str, enum moon_dns_type type,
                      const struct moon_dns_record *record)
{
    char ip[MOON_IP_TEXT_MAX];
    moon_str_add_char(str, ' ');
    if (type == MOON_DNS_TYPE_TXT)
        for (size_t i = 0; i < record->text.n; i++)
            moon_str_add_char(str, record->text.p[i] ? record->text.p[i] : '|');
    else if (type == MOON_DNS_TYPE_MX)
        moon_str_addf(str, "%u:%s", record->preference, record->name);
    else if (type == MOON_DNS_TYPE_PTR)
        moon_str_add(str, record->name);
    else
        moon_str_add(str, moon_ip_format(&record->ip, ip));
}

static const char *shown(struct moon_arena *arena, enum moon_dns_type type,
                         const struct moon_dns_reply *reply)
{
    struct moon_str str;
    moon_str_begin(&str, arena);
    if (reply->follow)
        moon_str_addf(&str, "follow %s", moon_dns_wire_text(arena, &reply->target));
    else
        moon_str_add(&str, moon_dns_state_name(reply->state));
    if (reply->reason && *reply->reason)
        moon_str_addf(&str, " %s", reply->reason);
    for (size_t i = 0; i < reply->count; i++)
        add_shown(&str, type, &reply->records[i]);
    return moon_str_end(&str);
}

/* On the heap in its exact size, so that the sanitizers see a byte too far. */
static struct moon_dns_reply read_exact(struct moon_arena *arena, struct moon_span packet,
                                        enum moon_dns_type type)
{
    struct moon_dns_wire name = asked();
    struct moon_dns_reply reply;
    char *exact = malloc(packet.n ? packet.n : 1);
    assert_non_null(exact);
    if (packet.n)
        memcpy(exact, packet.p, packet.n);
    moon_dns_packet_read((struct moon_span){exact, packet.n}, &name, type, 0, arena, &reply);
    free(exact);
    return reply;
}

static void reads_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        assert_non_null(arena);
        struct moon_dns_reply reply = read_exact(arena, cases[i].packet, cases[i].type);
        const char *got = shown(arena, cases[i].type, &reply);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", cases[i].label, got, cases[i].want);
        moon_arena_destroy(&arena);
    }
}

#define TTL(owner, type, ttl, length) owner "\0" type "\0\1" ttl "\0" length
#define S5                            "\0\0\0\5"
#define S9                            "\0\0\0\11"
#define IP(owner, ttl)                TTL(owner, "\1", ttl, "\4") "\300\0\2\1"
#define ALIAS(ttl)                    TTL(SELF, "\5", ttl, "\4") "\1b" ORG
#define SOA(ttl, minimum)                                                                          \
    TTL(ORG, "\6", ttl, "\31") "\1n" ORG "\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4" minimum

static const struct {
    const char *label;
    struct moon_span packet;
    uint32_t want;
} lives[] = {
    {"one record", LITERAL(HEADER(OK, "\1", "\0", "\0") QA IP(SELF, S5)), 5},
    {"the least of two", LITERAL(HEADER(OK, "\2", "\0", "\0") QA IP(SELF, S9) IP(SELF, S5)), 5},
    {"zero", LITERAL(HEADER(OK, "\2", "\0", "\0") QA IP(SELF, S9) IP(SELF, "\0\0\0\0")), 0},
    {"the greatest", LITERAL(HEADER(OK, "\1", "\0", "\0") QA IP(SELF, "\177\377\377\377")),
     INT32_MAX},
    /* RFC 2181 section 8: one with the highest bit is zero. */
    {"a negative one", LITERAL(HEADER(OK, "\1", "\0", "\0") QA IP(SELF, "\200\0\0\1")), 0},
    {"a shorter CNAME", LITERAL(HEADER(OK, "\2", "\0", "\0") QA ALIAS(S5) IP("\1b" ORG, S9)), 5},
    {"a longer CNAME", LITERAL(HEADER(OK, "\2", "\0", "\0") QA ALIAS(S9) IP("\1b" ORG, S5)), 5},
    {"a CNAME to follow", LITERAL(HEADER(OK_AA, "\1", "\0", "\0") QA ALIAS(S5)), 5},
    {"records beside an SOA", LITERAL(HEADER(OK, "\1", "\1", "\0") QA IP(SELF, S9) SOA(S5, S5)), 9},
    /* RFC 2308 section 5: nothing there, for as long as the SOA record says. */
    {"no data", LITERAL(HEADER(OK, "\0", "\1", "\0") QA SOA(S9, S5)), 5},
    {"no data, SOA's own TTL", LITERAL(HEADER(OK, "\0", "\1", "\0") QA SOA(S5, S9)), 5},
    {"no data, two SOAs", LITERAL(HEADER(OK, "\0", "\2", "\0") QA SOA(S9, S5) SOA(S9, S9)), 5},
    {"no data, no SOA", LITERAL(HEADER(OK, "\0", "\0", "\0") QA), 0},
    {"no data, SOA elsewhere", LITERAL(HEADER(OK, "\0", "\0", "\1") QA SOA(S9, S9)), 0},
    {"no data, half an SOA",
     LITERAL(HEADER(OK, "\0", "\1", "\0") QA TTL(ORG, "\6", S9, "\6") "\0\0\0\0\0\5"), 0},
    {"no data, a minimum of 0", LITERAL(HEADER(OK, "\0", "\1", "\0") QA SOA(S9, "\0\0\0\0")), 0},
    {"no data behind a CNAME", LITERAL(HEADER(OK, "\1", "\1", "\0") QA ALIAS(S5) SOA(S9, S9)), 5},
    {"NXDOMAIN", LITERAL(HEADER(NX, "\0", "\1", "\0") QA SOA(S9, S5)), 5},
    {"NXDOMAIN without an SOA", LITERAL(HEADER(NX, "\0", "\0", "\0") QA), 0},
    {"NXDOMAIN behind a CNAME", LITERAL(HEADER(NX, "\1", "\1", "\0") QA ALIAS(S5) SOA(S9, S9)), 5},
    {"CNAME and no SOA", LITERAL(HEADER(NX, "\1", "\0", "\0") QA ALIAS(S5)), 0},
    {"SERVFAIL", LITERAL(HEADER("\x81\x82", "\1", "\1", "\0") QA IP(SELF, S9) SOA(S9, S9)), 0},
    {"truncated", LITERAL(HEADER("\x83\x80", "\1", "\0", "\0") QA IP(SELF, S9)), 0},
    {"malformed", LITERAL(HEADER(OK, "\2", "\0", "\0") QA IP(SELF, S9)), 0},
};

static void says_how_long_an_answer_may_be_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_dns_reply reply = read_exact(arena, lives[i].packet, MOON_DNS_TYPE_A);
        if (reply.ttl_s != lives[i].want)
            fail_msg("%s: got %u s, want %u", lives[i].label, reply.ttl_s, lives[i].want);
        moon_arena_destroy(&arena);
    }
}

static void calls_every_cut_packet_trouble_and_reads_nothing_behind_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool answers = strncmp(cases[i].want, "found", 5) == 0;
        for (size_t n = 0; n < cases[i].packet.n; n++) {
            struct moon_arena *arena = moon_arena_create(1 << 20);
            struct moon_dns_reply reply =
                read_exact(arena, moon_span_sub(cases[i].packet, 0, n), cases[i].type);
            if (answers && reply.state != MOON_DNS_STATE_TROUBLE)
                fail_msg("%s cut to %zu: got %s, want trouble", cases[i].label, n,
                         moon_dns_state_name(reply.state));
            moon_arena_destroy(&arena);
        }
    }
}

/* A chain of `hops` CNAMEs n0 -> n1 -> ..., the last with an address. */
static struct moon_span chain_packet(char *out, size_t size, unsigned hops)
{
    size_t n = 0;
    char owner[3] = SELF;
    const char head[] = HEADER(OK, "\0", "\0", "\0") QA;
    assert_true(size > 1000);
    memcpy(out, head, sizeof head - 1);
    n = sizeof head - 1;
    out[7] = (char)(hops + 1);
    for (unsigned i = 0; i <= hops; i++) {
        bool last = i == hops;
        char rr[] = "\0\0\0\5\0\1\0\0\0\74\0\4";
        memcpy(rr, owner, 2);
        rr[3] = last ? 1 : 5;
        memcpy(out + n, rr, 12);
        n += 12;
        owner[0] = '\300';
        owner[1] = (char)n; /* the name in this data is the next owner */
        char data[] = "\1a\300\16";
        data[1] = (char)('a' + (int)i);
        memcpy(out + n, data, 4);
        n += 4;
    }
    return (struct moon_span){out, n};
}

static void follows_as_many_cnames_as_allowed(void **state)
{
    char bytes[1024];
    struct moon_dns_wire name = asked();
    struct moon_dns_reply reply;
    struct moon_arena *arena = moon_arena_create(1 << 20);
    (void)state;
    struct moon_span packet = chain_packet(bytes, sizeof bytes, MOON_DNS_CNAMES_MAX);
    moon_dns_packet_read(packet, &name, MOON_DNS_TYPE_A, 0, arena, &reply);
    assert_int_equal(reply.state, MOON_DNS_STATE_FOUND);
    moon_dns_packet_read(packet, &name, MOON_DNS_TYPE_A, 1, arena, &reply); /* one before */
    assert_int_equal(reply.state, MOON_DNS_STATE_NODATA);
    assert_string_equal(reply.reason, "CNAME chain too long");
    packet = chain_packet(bytes, sizeof bytes, MOON_DNS_CNAMES_MAX + 1);
    moon_dns_packet_read(packet, &name, MOON_DNS_TYPE_A, 0, arena, &reply);
    assert_string_equal(reply.reason, "CNAME chain too long");
    assert_false(reply.follow);
    moon_arena_destroy(&arena);
}

static void keeps_at_most_the_allowed_records_and_says_there_are_more(void **state)
{
    static const char head[] = HEADER(OK, "\0", "\0", "\0") QA, ip[] = IP1;
    char bytes[2048];
    size_t n = sizeof head - 1;
    struct moon_arena *arena = moon_arena_create(1 << 20);
    (void)state;
    memcpy(bytes, head, n);
    bytes[7] = MOON_DNS_RECORDS_MAX + 1;
    for (unsigned i = 0; i <= MOON_DNS_RECORDS_MAX; i++, n += sizeof ip - 1)
        memcpy(bytes + n, ip, sizeof ip - 1);
    struct moon_dns_reply reply = read_exact(arena, (struct moon_span){bytes, n}, MOON_DNS_TYPE_A);
    assert_int_equal(reply.count, MOON_DNS_RECORDS_MAX);
    assert_true(reply.more);
    moon_arena_destroy(&arena);
}

static void refuses_more_records_than_the_bound(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    (void)state;
    struct moon_dns_reply reply =
        read_exact(arena, MOON_SPAN("\0\1\x81\x80\0\1\x20\0\0\0\0\0" QA IP1), MOON_DNS_TYPE_A);
    assert_string_equal(reply.reason, "malformed");
    moon_arena_destroy(&arena);
}

static void builds_queries(void **state)
{
    static const char plain[] = "\1\2\1\0\0\1\0\0\0\0\0\0" QTXT;
    static const char edns[] = "\1\2\1\0\0\1\0\0\0\0\0\1" QTXT "\0\0\51\4\320\0\0\0\0\0\0";
    struct moon_dns_wire name = asked();
    uint8_t out[MOON_DNS_QUERY_MAX];
    (void)state;
    assert_int_equal(moon_dns_packet_query(0x0102, &name, MOON_DNS_TYPE_TXT, false, out),
                     sizeof plain - 1);
    assert_memory_equal(out, plain, sizeof plain - 1);
    assert_int_equal(moon_dns_packet_query(0x0102, &name, MOON_DNS_TYPE_TXT, true, out),
                     sizeof edns - 1);
    assert_memory_equal(out, edns, sizeof edns - 1);
}

static void gives_trouble_without_memory_at_every_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strncmp(cases[i].want, "found", 5) != 0)
            continue;
        bool found = false;
        for (size_t n = 1; n < 20 && !found; n++) {
            struct moon_arena *arena = moon_arena_create(1 << 20);
            moon_arena_fail_at(arena, n);
            struct moon_dns_reply reply = read_exact(arena, cases[i].packet, cases[i].type);
            found = reply.state == MOON_DNS_STATE_FOUND;
            if (!found)
                assert_string_equal(reply.reason, "no memory");
            else
                assert_true(n > 1);
            moon_arena_destroy(&arena);
        }
        assert_true(found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_replies),
        cmocka_unit_test(says_how_long_an_answer_may_be_kept),
        cmocka_unit_test(calls_every_cut_packet_trouble_and_reads_nothing_behind_it),
        cmocka_unit_test(follows_as_many_cnames_as_allowed),
        cmocka_unit_test(keeps_at_most_the_allowed_records_and_says_there_are_more),
        cmocka_unit_test(refuses_more_records_than_the_bound),
        cmocka_unit_test(builds_queries),
        cmocka_unit_test(gives_trouble_without_memory_at_every_point),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
