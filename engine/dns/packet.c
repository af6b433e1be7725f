/* SPDX-License-Identifier: MIT
 *
 * packet: writes queries and reads replies, byte by byte through the checked cursor, because the
 * reply is a stranger's. Reading a reply to a question (RFC 1035 sections 4.1 and 7.3):
 *
 *  1. The header: a reply, not cut, with one question, which is ours.
 *  2. The rcode: no error and NXDOMAIN are answers, the rest is trouble under its own name.
 *  3. Every record of every section must be readable, also those nobody asked for.
 *  4. From the asked name along CNAMEs to records of the asked type (RFC 1034 section 3.6.2),
 *     bounded in hops, loops noticed.
 *  5. A chain that ends without them: no data if the server knows (it recurses, or it shows the SOA
 *     record of RFC 2308 section 2.2), otherwise the target has to be asked for.
 */
#include "engine/dns/packet.h"

#include <string.h>

#define HEADER_BYTES 12u
#define FLAG_QR      0x8000u
#define FLAG_OPCODE  0x7800u
#define FLAG_AA      0x0400u
#define FLAG_TC      0x0200u
#define FLAG_RD      0x0100u
#define FLAG_RA      0x0080u
#define CLASS_IN     1u
#define TYPE_NS      2u
#define TYPE_SOA     6u
#define TYPE_OPT     41u
#define POINTER      0xc0u

enum { RCODE_OK = 0, RCODE_NXDOMAIN = 3 };

static const char malformed[] = "malformed";

/* --- writing ------------------------------------------------------------------------------------
 */

static size_t put_u16(uint8_t *out, size_t at, unsigned value)
{
    out[at] = (uint8_t)(value >> 8);
    out[at + 1] = (uint8_t)value;
    return at + 2;
}

size_t moon_dns_packet_query(uint16_t id, const struct moon_dns_wire *name, enum moon_dns_type type,
                             bool edns, uint8_t out[MOON_DNS_QUERY_MAX])
{
    memset(out, 0, MOON_DNS_QUERY_MAX);
    (void)put_u16(out, 0, id); /* the header's fields have fixed places */
    (void)put_u16(out, 2, FLAG_RD);
    (void)put_u16(out, 4, 1);
    (void)put_u16(out, 10, edns);
    memcpy(out + HEADER_BYTES, name->bytes, name->length);
    size_t at = put_u16(out, HEADER_BYTES + name->length, (unsigned)type);
    at = put_u16(out, at, CLASS_IN);
    if (edns) { /* RFC 6891 section 6.1.2: root, OPT, size, extended rcode and flags, no options */
        at = put_u16(out, at + 1, TYPE_OPT);
        at = put_u16(out, at, MOON_DNS_EDNS_BYTES) + 6;
    }
    return at;
}

/* --- reading ------------------------------------------------------------------------------------
 */

struct packet {
    struct moon_span all;
    unsigned flags, questions;
    unsigned counts[3]; /* answer, authority, additional */
    size_t answers;     /* offset of the first record */
};

struct rr {
    struct moon_dns_wire owner;
    uint16_t type, class;
    uint32_t ttl;
    size_t data, length; /* offset and size of the data */
};

static struct moon_buf cursor_at(const struct packet *packet, size_t at)
{
    return moon_buf_of(moon_span_sub(packet->all, at, packet->all.n));
}

/* The name at *at, which is moved behind it. RFC 1035 section 4.1.4: a pointer leads to an earlier
 * place; that each leads further back than the one before is what ends the loop. */
static bool read_name(const struct packet *packet, size_t *at, struct moon_dns_wire *name_r)
{
    size_t place = *at, lowest = *at, end = 0;
    memset(name_r, 0, sizeof *name_r);
    for (;;) {
        struct moon_buf in = cursor_at(packet, place);
        unsigned length = moon_buf_u8(&in);
        if ((length & POINTER) == POINTER) {
            size_t target = (length & ~POINTER) << 8 | moon_buf_u8(&in);
            if (in.failed || target >= lowest || target < HEADER_BYTES)
                return false;
            end = end ? end : place + 2;
            place = lowest = target;
            continue;
        }
        struct moon_span label = moon_buf_take(&in, length);
        if (in.failed || length & POINTER)
            return false;
        place += 1 + length;
        if (length == 0)
            break;
        if (!moon_dns_wire_add(name_r, label))
            return false;
    }
    *at = end ? end : place;
    return moon_dns_wire_close(name_r);
}

static bool read_rr(const struct packet *packet, size_t *at, struct rr *rr)
{
    if (!read_name(packet, at, &rr->owner))
        return false;
    struct moon_buf in = cursor_at(packet, *at);
    rr->type = moon_buf_u16(&in);
    rr->class = moon_buf_u16(&in);
    rr->ttl = moon_buf_u32(&in);
    rr->length = moon_buf_u16(&in);
    rr->data = *at + 10;
    (void)moon_buf_take(&in, rr->length); /* only whether it is there: failed tells */
    *at = rr->data + rr->length;
    return !in.failed;
}

/* A name that fills the data from `at` on. */
static bool read_data_name(const struct packet *packet, const struct rr *rr, size_t skip,
                           struct moon_dns_wire *name_r)
{
    size_t at = rr->data + skip;
    return skip <= rr->length && read_name(packet, &at, name_r) && at == rr->data + rr->length;
}

/* Step 1: the header. Questions are counted only: an error reply may come without. */
static bool read_header(struct packet *packet)
{
    struct moon_buf in = moon_buf_of(packet->all);
    unsigned total = 0;
    (void)moon_buf_u16(&in); /* the id was checked by who received it */
    packet->flags = moon_buf_u16(&in);
    packet->questions = moon_buf_u16(&in);
    for (int i = 0; i < 3; i++)
        total += packet->counts[i] = moon_buf_u16(&in);
    return !in.failed && packet->flags & FLAG_QR && !(packet->flags & FLAG_OPCODE) &&
           total <= MOON_DNS_RRS_MAX;
}

/* Step 1: is the question ours? */
static bool read_question(struct packet *packet, const struct moon_dns_wire *name,
                          enum moon_dns_type type)
{
    struct moon_dns_wire asked;
    size_t at = HEADER_BYTES;
    if (packet->questions != 1 || !read_name(packet, &at, &asked))
        return false;
    struct moon_buf in = cursor_at(packet, at);
    unsigned asked_type = moon_buf_u16(&in), asked_class = moon_buf_u16(&in);
    packet->answers = at + 4;
    return !in.failed && moon_dns_wire_equal(&asked, name) && asked_type == (unsigned)type &&
           asked_class == CLASS_IN;
}

/* Step 3, and what the other sections say. */
struct sections {
    unsigned extended_rcode;
    uint32_t answers_ttl_s; /* the least of the answer section */
    uint32_t soa_ttl_s;     /* how long to know that there is nothing */
    bool soa, ns;           /* in the authority section */
    struct moon_dns_wire soa_owner;
};

/* RFC 2181 section 8. */
static uint32_t sane_ttl(uint32_t ttl)
{
    return ttl > INT32_MAX ? 0 : ttl;
}

/* RFC 2308 section 5: the least of the SOA record's TTL and its MINIMUM field, the last of five
 * numbers behind two names (RFC 1035 section 3.3.13). */
static uint32_t read_soa_ttl(const struct packet *packet, const struct rr *rr)
{
    struct moon_dns_wire name;
    size_t at = rr->data;
    if (!read_name(packet, &at, &name) || !read_name(packet, &at, &name) ||
        at + 20 != rr->data + rr->length)
        return 0;
    struct moon_buf in = cursor_at(packet, at + 16);
    uint32_t minimum = sane_ttl(moon_buf_u32(&in)), ttl = sane_ttl(rr->ttl);
    return minimum < ttl ? minimum : ttl;
}

static bool read_sections(const struct packet *packet, struct sections *sections_r)
{
    size_t at = packet->answers;
    memset(sections_r, 0, sizeof *sections_r);
    sections_r->answers_ttl_s = UINT32_MAX;
    for (int section = 0; section < 3; section++) {
        for (unsigned i = 0; i < packet->counts[section]; i++) {
            struct rr rr;
            if (!read_rr(packet, &at, &rr))
                return false;
            if (section == 0 && sane_ttl(rr.ttl) < sections_r->answers_ttl_s)
                sections_r->answers_ttl_s = sane_ttl(rr.ttl);
            if (section == 1 && rr.type == TYPE_SOA) {
                uint32_t ttl_s = read_soa_ttl(packet, &rr);
                if (!sections_r->soa || ttl_s < sections_r->soa_ttl_s)
                    sections_r->soa_ttl_s = ttl_s;
                sections_r->soa = true;
                sections_r->soa_owner = rr.owner;
            }
            if (section == 1 && rr.type == TYPE_NS)
                sections_r->ns = true;
            if (section == 2 && rr.type == TYPE_OPT)
                sections_r->extended_rcode = rr.ttl >> 24;
        }
    }
    return true;
}

/* --- records ------------------------------------------------------------------------------------
 */

enum outcome { OUTCOME_OK, OUTCOME_MALFORMED, OUTCOME_NO_MEMORY };

static enum outcome read_address(const struct packet *packet, const struct rr *rr, uint8_t family,
                                 struct moon_dns_record *record)
{
    size_t size = family == 4 ? 4 : 16;
    if (rr->length != size)
        return OUTCOME_MALFORMED;
    struct moon_span bytes = moon_span_sub(packet->all, rr->data, size);
    record->ip.family = family;
    memcpy(record->ip.bytes, bytes.p, bytes.n);
    return OUTCOME_OK;
}

/* RFC 7208 section 3.3 and RFC 6376 section 3.6.2.2: strings joined without separator. */
static enum outcome read_txt(const struct packet *packet, const struct rr *rr,
                             struct moon_arena *arena, struct moon_dns_record *record)
{
    struct moon_buf in = moon_buf_of(moon_span_sub(packet->all, rr->data, rr->length));
    if (rr->length == 0)
        return OUTCOME_MALFORMED; /* RFC 1035 section 3.3.14: one or more strings */
    char *text = moon_arena_alloc(arena, rr->length);
    if (!text)
        return OUTCOME_NO_MEMORY;
    record->text.p = text;
    while (!moon_buf_at_end(&in)) { /* takes a byte each time */
        struct moon_span part = moon_buf_take(&in, moon_buf_u8(&in));
        if (in.failed)
            return OUTCOME_MALFORMED;
        if (part.n)
            memcpy(text + record->text.n, part.p, part.n);
        record->text.n += part.n;
    }
    return OUTCOME_OK;
}

static enum outcome read_target(const struct packet *packet, const struct rr *rr, size_t skip,
                                struct moon_arena *arena, struct moon_dns_record *record)
{
    struct moon_dns_wire name;
    if (!read_data_name(packet, rr, skip, &name))
        return OUTCOME_MALFORMED;
    record->name = moon_dns_wire_text(arena, &name);
    return record->name ? OUTCOME_OK : OUTCOME_NO_MEMORY;
}

static enum outcome read_record(const struct packet *packet, const struct rr *rr,
                                struct moon_arena *arena, struct moon_dns_record *record)
{
    record->name = "";
    switch ((enum moon_dns_type)rr->type) {
    case MOON_DNS_TYPE_A:
        return read_address(packet, rr, 4, record);
    case MOON_DNS_TYPE_AAAA:
        return read_address(packet, rr, 6, record);
    case MOON_DNS_TYPE_TXT:
        return read_txt(packet, rr, arena, record);
    case MOON_DNS_TYPE_MX: {
        struct moon_buf in = cursor_at(packet, rr->data);
        record->preference = moon_buf_u16(&in); /* read_target sees whether it is inside */
        return read_target(packet, rr, 2, arena, record);
    }
    case MOON_DNS_TYPE_PTR:
    case MOON_DNS_TYPE_CNAME:
        return read_target(packet, rr, 0, arena, record);
    }
    return OUTCOME_OK; /* a type nobody asks for: there, without contents */
}

static enum outcome add_record(const struct packet *packet, const struct rr *rr,
                               struct moon_arena *arena, struct moon_dns_reply *reply)
{
    if (reply->count == MOON_DNS_RECORDS_MAX) {
        reply->more = true;
        return OUTCOME_OK;
    }
    struct moon_dns_record *records =
        moon_arena_append(arena, reply->records, reply->count, sizeof *records);
    if (!records)
        return OUTCOME_NO_MEMORY;
    reply->records = records;
    return read_record(packet, rr, arena, &records[reply->count++]);
}

/* Step 4, one hop: the records of `owner`, and the target of its CNAME (length 0: none). */
static enum outcome read_owner(const struct packet *packet, const struct moon_dns_wire *owner,
                               enum moon_dns_type type, struct moon_arena *arena,
                               struct moon_dns_reply *reply, struct moon_dns_wire *target_r)
{
    enum outcome outcome = OUTCOME_OK;
    size_t at = packet->answers;
    target_r->length = 0;
    for (unsigned i = 0; i < packet->counts[0] && outcome == OUTCOME_OK; i++) {
        struct rr rr;
        if (!read_rr(packet, &at, &rr))
            return OUTCOME_MALFORMED;
        if (rr.class != CLASS_IN || !moon_dns_wire_equal(&rr.owner, owner))
            continue;
        if (rr.type == (unsigned)type)
            outcome = add_record(packet, &rr, arena, reply);
        else if (rr.type == MOON_DNS_TYPE_CNAME && target_r->length == 0 &&
                 !read_data_name(packet, &rr, 0, target_r))
            outcome = OUTCOME_MALFORMED;
    }
    return outcome;
}

static enum outcome follow_chain(const struct packet *packet, const struct moon_dns_wire *name,
                                 enum moon_dns_type type, unsigned hops, struct moon_arena *arena,
                                 struct moon_dns_reply *reply)
{
    struct moon_dns_wire seen[MOON_DNS_CNAMES_MAX + 1], target;
    seen[0] = *name;
    reply->hops = hops;
    for (size_t here = 0;; here++) {
        enum outcome outcome = read_owner(packet, &seen[here], type, arena, reply, &target);
        if (outcome != OUTCOME_OK)
            return outcome;
        reply->state = reply->count ? MOON_DNS_STATE_FOUND : MOON_DNS_STATE_NODATA;
        reply->target = seen[here];
        reply->follow = here > 0 && reply->count == 0; /* unless the caller knows better */
        if (reply->count || target.length == 0)
            return OUTCOME_OK;
        reply->follow = false;
        for (size_t i = 0; i <= here; i++) {
            if (moon_dns_wire_equal(&seen[i], &target)) {
                reply->reason = "CNAME loop";
                return OUTCOME_OK;
            }
        }
        if (reply->hops++ >= MOON_DNS_CNAMES_MAX) {
            reply->reason = "CNAME chain too long";
            return OUTCOME_OK;
        }
        seen[here + 1] = target;
    }
}

const char *moon_dns_rcode_name(unsigned rcode)
{
    static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                        "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                        "NXRRSET", "NOTAUTH", "NOTZONE"};
    return rcode < sizeof names / sizeof *names ? names[rcode] : "unknown rcode";
}

/* Nothing there is known as long as its SOA record says; and a CNAME that led there may change. */
static uint32_t ttl_of(const struct sections *sections, const struct moon_dns_reply *reply)
{
    bool there = reply->follow || reply->state == MOON_DNS_STATE_FOUND;
    if (!there && sections->soa_ttl_s < sections->answers_ttl_s)
        return sections->soa_ttl_s; /* 0 without an SOA record */
    return sections->answers_ttl_s;
}

static void trouble(struct moon_dns_reply *reply, const char *reason)
{
    *reply = (struct moon_dns_reply){.state = MOON_DNS_STATE_TROUBLE, .reason = reason};
}

void moon_dns_packet_read(struct moon_span bytes, const struct moon_dns_wire *name,
                          enum moon_dns_type type, unsigned hops, struct moon_arena *arena,
                          struct moon_dns_reply *reply_r)
{
    struct packet packet = {.all = bytes};
    struct sections sections;
    trouble(reply_r, malformed);
    if (bytes.n > MOON_DNS_ANSWER_MAX || !read_header(&packet)) /* step 1 */
        return;
    unsigned rcode = packet.flags & 15u;
    if (packet.flags & FLAG_TC) {
        trouble(reply_r, "truncated");
        return;
    }
    if (rcode != RCODE_OK && rcode != RCODE_NXDOMAIN) { /* step 2 */
        trouble(reply_r, moon_dns_rcode_name(rcode));
        return;
    }
    if (!read_question(&packet, name, type) || !read_sections(&packet, &sections)) /* step 3 */
        return;
    if (sections.extended_rcode) {
        trouble(reply_r, "extended rcode");
        return;
    }
    if (rcode == RCODE_NXDOMAIN) {
        *reply_r = (struct moon_dns_reply){.state = MOON_DNS_STATE_NXDOMAIN};
        reply_r->ttl_s = ttl_of(&sections, reply_r);
        return;
    }
    *reply_r = (struct moon_dns_reply){.state = MOON_DNS_STATE_NODATA};
    enum outcome outcome = follow_chain(&packet, name, type, hops, arena, reply_r); /* step 4 */
    if (outcome != OUTCOME_OK) {
        trouble(reply_r, outcome == OUTCOME_MALFORMED ? malformed : "no memory");
        return;
    }
    bool knows = packet.flags & FLAG_RA || /* step 5 */
                 (sections.soa && moon_dns_wire_below(&reply_r->target, &sections.soa_owner));
    if (reply_r->follow && knows)
        reply_r->follow = false;
    reply_r->ttl_s = ttl_of(&sections, reply_r);
    bool referral = sections.ns && !sections.soa && !(packet.flags & (FLAG_AA | FLAG_RA));
    if (packet.counts[0] == 0 && referral)
        trouble(reply_r, "referral");
}

unsigned moon_dns_packet_rcode(struct moon_span packet)
{
    struct moon_buf in = moon_buf_of(moon_span_sub(packet, 3, 1));
    unsigned rcode = moon_buf_u8(&in) & 15u;
    return in.failed ? 255u : rcode;
}
