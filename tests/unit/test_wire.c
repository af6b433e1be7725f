/* SPDX-License-Identifier: MIT
 *
 * Frames: round trips, truncation, unknown items, bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/wire/wire.h"
#include "engine/wire/wire_tags.h"

/* A copy of exactly the payload's size, so that the sanitizer sees one byte too far. */
static struct moon_span exact(const unsigned char *bytes, size_t n)
{
    char *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    return (struct moon_span){copy, n};
}

static struct moon_span payload_of(const struct moon_wire_out *out)
{
    return exact(out->bytes + MOON_WIRE_HEAD_BYTES, out->length - MOON_WIRE_HEAD_BYTES);
}

static void drop(struct moon_span span)
{
    free((char *)(uintptr_t)span.p);
}

static void assert_span(struct moon_span got, const char *want)
{
    if (!moon_span_is(got, want))
        fail_msg("got %.*s, want %s", (int)got.n, got.p ? got.p : "", want);
}

static struct moon_span recipients[] = {
    MOON_SPAN("a@one.example"), {NULL, 0}, MOON_SPAN("b@two.example")};
static struct moon_wire_field fields[] = {{'*', MOON_SPAN("From: a@b\n")},
                                          {' ', MOON_SPAN("X-A: 1\n\t2\n")}};

static struct moon_request full_request(void)
{
    return (struct moon_request){
        .flags = MOON_WIRE_FLAG_DRY_RUN | MOON_WIRE_FLAG_BODY,
        .id = MOON_SPAN("1abcde-000001-00"),
        .client_ip = MOON_SPAN("192.0.2.1"),
        .host_name = MOON_SPAN("mx.example"),
        .helo = MOON_SPAN("helo.example"),
        .protocol = MOON_SPAN("esmtps"),
        .tls = MOON_SPAN("TLS_AES_256"),
        .tls_version = MOON_SPAN("TLS1.3"),
        .authenticated = MOON_SPAN("plain"),
        .authenticated_id = MOON_SPAN("user"),
        .interface_ip = MOON_SPAN("192.0.2.2"),
        .receiver_name = MOON_SPAN("here.example"),
        .tenants = MOON_SPAN("one two"),
        .mail_from = MOON_SPAN("s@example"),
        .client_port = 65535,
        .interface_port = 25,
        .body_start_bytes = 1ull << 40,
        .received_s = -1,
        .waited_ms = 29500,
        .ready_by_ms = (1ll << 40) + 7,
        .recipients = recipients,
        .recipient_count = 3,
        .fields = fields,
        .field_count = 2,
    };
}

static void a_request_comes_back_as_it_was(void **state)
{
    (void)state;
    struct moon_request want = full_request(), got;
    struct moon_wire_out out = {0};
    const char *reason = NULL;

    assert_true(moon_wire_put_request(&out, &want));
    enum moon_wire_type type;
    size_t n;
    assert_true(moon_wire_head(out.bytes, &type, &n));
    assert_int_equal(type, MOON_WIRE_REQUEST);
    assert_int_equal(n, out.length - MOON_WIRE_HEAD_BYTES);
    struct moon_span payload = payload_of(&out);
    assert_true(moon_wire_get_request(payload, &got, &reason));

    assert_int_equal(got.flags, want.flags);
    const struct moon_span *pairs[][2] = {
        {&got.id, &want.id},
        {&got.client_ip, &want.client_ip},
        {&got.host_name, &want.host_name},
        {&got.helo, &want.helo},
        {&got.protocol, &want.protocol},
        {&got.tls, &want.tls},
        {&got.tls_version, &want.tls_version},
        {&got.authenticated, &want.authenticated},
        {&got.authenticated_id, &want.authenticated_id},
        {&got.interface_ip, &want.interface_ip},
        {&got.receiver_name, &want.receiver_name},
        {&got.tenants, &want.tenants},
        {&got.mail_from, &want.mail_from},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_true(moon_span_eq(*pairs[i][0], *pairs[i][1]));
    assert_int_equal(got.client_port, 65535);
    assert_int_equal(got.interface_port, 25);
    assert_true(got.body_start_bytes == 1ull << 40);
    assert_true(got.received_s == -1);
    assert_true(got.waited_ms == 29500 && got.ready_by_ms == (1ll << 40) + 7);
    assert_int_equal(got.recipient_count, 3);
    assert_span(got.recipients[0], "a@one.example");
    assert_span(got.recipients[1], "");
    assert_span(got.recipients[2], "b@two.example");
    assert_int_equal(got.field_count, 2);
    assert_int_equal(got.fields[0].type, '*');
    assert_span(got.fields[0].text, "From: a@b\n");
    assert_int_equal(got.fields[1].type, ' ');
    assert_span(got.fields[1].text, "X-A: 1\n\t2\n");
    moon_request_free(&got);
    drop(payload);
    moon_wire_out_free(&out);
}

static void an_empty_request_comes_back_with_its_defaults(void **state)
{
    (void)state;
    struct moon_request want = {0}, got;
    struct moon_wire_out out = {0};
    const char *reason = NULL;

    assert_true(moon_wire_put_request(&out, &want));
    struct moon_span payload = payload_of(&out);
    assert_true(moon_wire_get_request(payload, &got, &reason));
    assert_int_equal(got.field_count, 0);
    assert_int_equal(got.recipient_count, 0);
    assert_int_equal(got.flags, 0);
    moon_request_free(&got);
    drop(payload);
    moon_wire_out_free(&out);
}

static struct moon_wire_added added[] = {{MOON_WIRE_TOP, MOON_SPAN("A: 1")},
                                         {MOON_WIRE_BOTTOM, MOON_SPAN("B: 2\n 3")}};
static uint32_t removed_fields[] = {0, 7, 4000000000u};
static uint32_t removed_recipients[] = {1};

static struct moon_decision full_decision(void)
{
    return (struct moon_decision){
        .verdict = MOON_WIRE_REJECT,
        .reply = MOON_SPAN("5.7.1 no\n5.7.1 really"),
        .data = MOON_SPAN("q=*"),
        .log = MOON_SPAN("a line"),
        .added = added,
        .added_count = 2,
        .removed_fields = removed_fields,
        .removed_field_count = 3,
        .removed_recipients = removed_recipients,
        .removed_recipient_count = 1,
        .failure = MOON_SPAN("no memory"),
        .words = {[MOON_WIRE_WORD_VERDICT] = MOON_SPAN("reject"),
                  [MOON_WIRE_WORD_RULE] = MOON_SPAN("site.lua:3")},
    };
}

static void a_decision_comes_back_as_it_was(void **state)
{
    (void)state;
    struct moon_decision want = full_decision(), got;
    struct moon_wire_out out = {0};
    const char *reason = NULL;

    assert_true(moon_wire_put_decision(&out, &want));
    struct moon_span payload = payload_of(&out);
    assert_true(moon_wire_get_decision(payload, &got, &reason));
    assert_int_equal(got.verdict, MOON_WIRE_REJECT);
    assert_span(got.reply, "5.7.1 no\n5.7.1 really");
    assert_span(got.data, "q=*");
    assert_span(got.log, "a line");
    assert_span(got.failure, "no memory");
    assert_int_equal(got.added_count, 2);
    assert_int_equal(got.added[0].where, MOON_WIRE_TOP);
    assert_span(got.added[1].text, "B: 2\n 3");
    assert_int_equal(got.removed_field_count, 3);
    assert_memory_equal(got.removed_fields, removed_fields, sizeof removed_fields);
    assert_int_equal(got.removed_recipient_count, 1);
    assert_int_equal(got.removed_recipients[0], 1);
    assert_span(got.words[MOON_WIRE_WORD_VERDICT], "reject");
    assert_span(got.words[MOON_WIRE_WORD_SPF], "");
    assert_span(got.words[MOON_WIRE_WORD_RULE], "site.lua:3");
    moon_decision_free(&got);
    drop(payload);
    moon_wire_out_free(&out);
}

static void words_of_a_later_version_are_skipped(void **state)
{
    (void)state;
    static const char bytes[] = "\0\1\0\0\0\1\1\0\11\0\0\0\4\310new\0\11\0\0\0\5\0zero"
                                "\0\11\0\0\0\5\2pass\xff\xff\0\0\0";
    struct moon_decision got;
    const char *reason = NULL;

    struct moon_span payload = exact((const unsigned char *)bytes, sizeof bytes);
    assert_true(moon_wire_get_decision(payload, &got, &reason));
    for (unsigned i = 1; i < MOON_WIRE_WORD_COUNT; i++)
        assert_span(got.words[i], i == MOON_WIRE_WORD_SPF ? "pass" : "");
    moon_decision_free(&got);
    drop(payload);
}

static void ready_and_applied_come_back_as_they_were(void **state)
{
    (void)state;
    struct moon_wire_ready ready = {MOON_WIRE_DEFER, 25000, MOON_SPAN("no snapshot")}, ready_got;
    struct moon_applied applied = {MOON_WIRE_REFUSED, 1, 2, 3, MOON_SPAN("less")}, applied_got;
    struct moon_wire_out out = {0};
    const char *reason = NULL;

    assert_true(moon_wire_put_ready(&out, &ready));
    struct moon_span payload = payload_of(&out);
    assert_true(moon_wire_get_ready(payload, &ready_got, &reason));
    assert_int_equal(ready_got.failure, MOON_WIRE_DEFER);
    assert_int_equal(ready_got.message_ms, 25000);
    assert_true(moon_span_is(ready_got.trouble, "no snapshot"));
    drop(payload);
    assert_true(moon_wire_put_applied(&out, &applied));
    payload = payload_of(&out);
    assert_true(moon_wire_get_applied(payload, &applied_got, &reason));
    assert_int_equal(applied_got.verdict, MOON_WIRE_REFUSED);
    assert_int_equal(applied_got.added_count, 1);
    assert_int_equal(applied_got.removed_field_count, 2);
    assert_int_equal(applied_got.removed_recipient_count, 3);
    assert_span(applied_got.text, "less");
    drop(payload);
    moon_wire_out_free(&out);
}

static bool accepts(enum moon_wire_type type, struct moon_span payload, const char **reason)
{
    struct moon_wire_ready ready;
    struct moon_request request;
    struct moon_decision decision;
    struct moon_applied applied;
    bool good;

    switch (type) {
    case MOON_WIRE_READY:
        return moon_wire_get_ready(payload, &ready, reason);
    case MOON_WIRE_REQUEST:
        good = moon_wire_get_request(payload, &request, reason);
        if (good)
            moon_request_free(&request);
        return good;
    case MOON_WIRE_DECISION:
        good = moon_wire_get_decision(payload, &decision, reason);
        if (good)
            moon_decision_free(&decision);
        return good;
    case MOON_WIRE_APPLIED:
        return moon_wire_get_applied(payload, &applied, reason);
    }
    return false;
}

static void put_full(struct moon_wire_out *out, enum moon_wire_type type)
{
    struct moon_wire_ready ready = {MOON_WIRE_DEFER, 25000, MOON_SPAN("no snapshot")};
    struct moon_request request = full_request();
    struct moon_decision decision = full_decision();
    struct moon_applied applied = {MOON_WIRE_ACCEPT, 1, 2, 3, MOON_SPAN("less")};

    if (type == MOON_WIRE_READY)
        assert_true(moon_wire_put_ready(out, &ready));
    else if (type == MOON_WIRE_REQUEST)
        assert_true(moon_wire_put_request(out, &request));
    else if (type == MOON_WIRE_DECISION)
        assert_true(moon_wire_put_decision(out, &decision));
    else
        assert_true(moon_wire_put_applied(out, &applied));
}

static void refuses_every_truncation_of_every_frame(void **state)
{
    (void)state;
    for (int type = MOON_WIRE_READY; type <= MOON_WIRE_APPLIED; type++) {
        struct moon_wire_out out = {0};
        put_full(&out, (enum moon_wire_type)type);
        size_t n = out.length - MOON_WIRE_HEAD_BYTES;
        for (size_t cut = 0; cut <= n; cut++) {
            const char *reason = NULL;
            struct moon_span payload = exact(out.bytes + MOON_WIRE_HEAD_BYTES, cut);
            bool got = accepts((enum moon_wire_type)type, payload, &reason);
            if (got != (cut == n))
                fail_msg("type %d cut at %zu of %zu: got %d", type, cut, n, got);
            if (!got)
                assert_non_null(reason);
            drop(payload);
        }
        moon_wire_out_free(&out);
    }
}

static void skips_items_with_unknown_tags(void **state)
{
    (void)state;
    static const unsigned char unknown[] = {0x7f, 0x01, 0, 0, 0, 3, 'n', 'e', 'w'};
    for (int type = MOON_WIRE_READY; type <= MOON_WIRE_APPLIED; type++) {
        struct moon_wire_out out = {0};
        const char *reason = NULL;
        put_full(&out, (enum moon_wire_type)type);
        size_t n = out.length - MOON_WIRE_HEAD_BYTES;
        unsigned char *longer = malloc(n + sizeof unknown);
        assert_non_null(longer);
        memcpy(longer, unknown, sizeof unknown);
        memcpy(longer + sizeof unknown, out.bytes + MOON_WIRE_HEAD_BYTES, n);
        struct moon_span payload = exact(longer, n + sizeof unknown);
        if (!accepts((enum moon_wire_type)type, payload, &reason))
            fail_msg("type %d: %s", type, reason);
        drop(payload);
        free(longer);
        moon_wire_out_free(&out);
    }
}

static void refuses_wrong_items(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        enum moon_wire_type type;
        const char *bytes;
        size_t n;
    } table[] = {
#define ROW(what, type, bytes) {what, type, bytes, sizeof bytes - 1}
#define END                    "\xff\xff\0\0\0\0"
        ROW("nothing", MOON_WIRE_READY, ""),
        ROW("no failure verdict", MOON_WIRE_READY, END),
        ROW("failure verdict freeze", MOON_WIRE_READY, "\0\1\0\0\0\1\4" END),
        ROW("failure verdict of two bytes", MOON_WIRE_READY, "\0\1\0\0\0\2\0\1" END),
        ROW("bytes after the end", MOON_WIRE_READY, "\0\1\0\0\0\1\1" END "x"),
        ROW("an end with content", MOON_WIRE_READY, "\0\1\0\0\0\1\1\xff\xff\0\0\0\1x"),
        ROW("length beyond the frame", MOON_WIRE_READY, "\0\1\xff\xff\xff\xff\1" END),
        ROW("flags of one byte", MOON_WIRE_REQUEST, "\0\1\0\0\0\1\1" END),
        ROW("port of two bytes", MOON_WIRE_REQUEST, "\0\17\0\0\0\2\1\1" END),
        ROW("body start of four bytes", MOON_WIRE_REQUEST, "\0\21\0\0\0\4\1\1\1\1" END),
        ROW("time of four bytes", MOON_WIRE_REQUEST, "\0\22\0\0\0\4\1\1\1\1" END),
        ROW("field without a type", MOON_WIRE_REQUEST, "\0\24\0\0\0\0" END),
        ROW("no verdict", MOON_WIRE_DECISION, END),
        ROW("verdict 5", MOON_WIRE_DECISION, "\0\1\0\0\0\1\5" END),
        ROW("verdict 0", MOON_WIRE_DECISION, "\0\1\0\0\0\1\0" END),
        ROW("added nowhere", MOON_WIRE_DECISION, "\0\1\0\0\0\1\1\0\5\0\0\0\2\3x" END),
        ROW("added without a place", MOON_WIRE_DECISION, "\0\1\0\0\0\1\1\0\5\0\0\0\0" END),
        ROW("a half index", MOON_WIRE_DECISION, "\0\1\0\0\0\1\1\0\6\0\0\0\3\0\0\0" END),
        ROW("no index", MOON_WIRE_DECISION, "\0\1\0\0\0\1\1\0\6\0\0\0\0" END),
        ROW("indices twice", MOON_WIRE_DECISION,
            "\0\1\0\0\0\1\1\0\6\0\0\0\4\0\0\0\0\0\6\0\0\0\4\0\0\0\0" END),
        ROW("a word without a number", MOON_WIRE_DECISION, "\0\1\0\0\0\1\1\0\11\0\0\0\0" END),
        ROW("no verdict", MOON_WIRE_APPLIED, END),
        ROW("verdict 6", MOON_WIRE_APPLIED, "\0\1\0\0\0\1\6" END),
        ROW("verdict 9", MOON_WIRE_APPLIED, "\0\1\0\0\0\1\11" END),
        ROW("count of one byte", MOON_WIRE_APPLIED, "\0\1\0\0\0\1\1\0\2\0\0\0\1\1" END),
#undef ROW
#undef END
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *reason = NULL;
        struct moon_span payload = exact((const unsigned char *)table[i].bytes, table[i].n);
        if (accepts(table[i].type, payload, &reason))
            fail_msg("%s: got accepted, want refused", table[i].what);
        assert_non_null(reason);
        drop(payload);
    }
}

static void refuses_heads_out_of_bounds(void **state)
{
    (void)state;
    static const struct {
        unsigned char head[MOON_WIRE_HEAD_BYTES];
        bool want;
        size_t payload;
    } table[] = {
        {{0, 0, 0, 2, MOON_WIRE_READY, 1}, true, 0},
        {{0, 0, 0, 9, MOON_WIRE_APPLIED, 1}, true, 7},
        {{0, 0, 0, 2, MOON_WIRE_READY, 2}, true, 0}, /* N + 1 speaks to N */
        {{0, 0, 0, 2, MOON_WIRE_READY, 3}, false, 0},
        {{0, 0, 0, 2, MOON_WIRE_READY, 0}, false, 0},
        {{0, 0, 0, 2, 0, 1}, false, 0},
        {{0, 0, 0, 2, 5, 1}, false, 0},
        {{0, 0, 0, 1, MOON_WIRE_READY, 1}, false, 0},
        {{0, 0, 0, 0, MOON_WIRE_READY, 1}, false, 0},
        {{0, 0, 0x3f, 0xfc, MOON_WIRE_READY, 1}, true, 0x3ffa},
        {{0, 0, 0x3f, 0xfd, MOON_WIRE_READY, 1}, false, 0},
        {{0, 0x1f, 0xff, 0xfd, MOON_WIRE_DECISION, 1}, false, 0},
        {{0, 0x7f, 0xff, 0xfc, MOON_WIRE_REQUEST, 1}, true, 0x7ffffa},
        {{0, 0x7f, 0xff, 0xfd, MOON_WIRE_REQUEST, 1}, false, 0},
        {{0xff, 0xff, 0xff, 0xff, MOON_WIRE_REQUEST, 1}, false, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        enum moon_wire_type type;
        size_t n = 0;
        bool got = moon_wire_head(table[i].head, &type, &n);
        if (got != table[i].want || n != table[i].payload)
            fail_msg("row %zu: got %d %zu, want %d %zu", i, got, n, table[i].want,
                     table[i].payload);
    }
}

static void refuses_to_write_a_frame_above_its_maximum(void **state)
{
    (void)state;
    char *big = calloc(1, MOON_WIRE_REQUEST_MAX);
    assert_non_null(big);
    struct moon_wire_field field = {' ', {big, MOON_WIRE_REQUEST_MAX - 1024}};
    struct moon_request request = {.fields = &field, .field_count = 1};
    struct moon_applied applied = {.verdict = 1, .text = {big, MOON_WIRE_SMALL_MAX}};
    struct moon_wire_out out = {0};

    assert_true(moon_wire_put_request(&out, &request));
    field.text.n = MOON_WIRE_REQUEST_MAX;
    assert_false(moon_wire_put_request(&out, &request));
    assert_true(out.failed);
    assert_false(moon_wire_put_applied(&out, &applied));
    applied.text.n = 5;
    assert_true(moon_wire_put_applied(&out, &applied)); /* the buffer is good again */
    moon_wire_out_free(&out);
    free(big);
}

/* `count` empty items of `tag`, then END. */
static struct moon_span many(unsigned tag, size_t content, size_t count)
{
    size_t each = MOON_WIRE_ITEM_BYTES + content, n = each * count;
    unsigned char *bytes = calloc(1, n + MOON_WIRE_ITEM_BYTES);
    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++) {
        bytes[i * each + 1] = (unsigned char)tag;
        bytes[i * each + 5] = (unsigned char)content;
        if (content)
            bytes[i * each + 6] = MOON_WIRE_TOP;
    }
    bytes[n] = bytes[n + 1] = 0xff;
    return (struct moon_span){(char *)bytes, n + MOON_WIRE_ITEM_BYTES};
}

static void refuses_more_items_than_the_limits(void **state)
{
    (void)state;
    static const struct {
        enum moon_wire_type type;
        unsigned tag;
        size_t content, max;
    } table[] = {
        {MOON_WIRE_REQUEST, MOON_WIRE_REQUEST_RECIPIENT, 0, MOON_RECIPIENTS_MAX},
        {MOON_WIRE_REQUEST, MOON_WIRE_REQUEST_FIELD, 1, MOON_FIELDS_MAX},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *reason = NULL;
        struct moon_span fits = many(table[i].tag, table[i].content, table[i].max);
        struct moon_span over = many(table[i].tag, table[i].content, table[i].max + 1);
        assert_true(accepts(table[i].type, fits, &reason));
        assert_false(accepts(table[i].type, over, &reason));
        drop(fits);
        drop(over);
    }
    const char *reason = NULL;
    struct moon_span over = many(MOON_WIRE_DECISION_ADDED, 1, MOON_ADDED_MAX + 1);
    assert_false(accepts(MOON_WIRE_DECISION, over, &reason));
    assert_string_equal(reason, "DECISION adds too many fields");
    drop(over);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_comes_back_as_it_was),
        cmocka_unit_test(an_empty_request_comes_back_with_its_defaults),
        cmocka_unit_test(a_decision_comes_back_as_it_was),
        cmocka_unit_test(words_of_a_later_version_are_skipped),
        cmocka_unit_test(ready_and_applied_come_back_as_they_were),
        cmocka_unit_test(refuses_every_truncation_of_every_frame),
        cmocka_unit_test(skips_items_with_unknown_tags),
        cmocka_unit_test(refuses_wrong_items),
        cmocka_unit_test(refuses_heads_out_of_bounds),
        cmocka_unit_test(refuses_to_write_a_frame_above_its_maximum),
        cmocka_unit_test(refuses_more_items_than_the_limits),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
