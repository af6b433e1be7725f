/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/message/list_id.c and engine/auth/origin.c: which list and forwarder a message
 * names, and when that is believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/auth/origin.h"

/* A header of up to two List-Id fields. */
static void fill(struct moon_arena *arena, struct moon_message *msg, const char *first,
                 const char *second)
{
    struct moon_error error;
    const char *text =
        moon_arena_printf(arena, "From: a@bank.example\r\n%s%s%s%s%s%s\r\n",
                          first ? "List-ID: " : "", first ? first : "", first ? "\r\n" : "",
                          second ? "List-Id: " : "", second ? second : "", second ? "\r\n" : "");
    *msg = (struct moon_message){.id = "", .mail_from = ""};
    assert_int_equal(moon_message_parse(arena, moon_span_of(text), msg, &error), MOON_OK);
}

/* RFC 2919 sections 2, 3 and 6.1 */
static void reads_the_identifier_of_a_list(void **state)
{
    static const struct {
        const char *field, *id, *domain;
    } rows[] = {
        {NULL, NULL, NULL},
        {"", NULL, NULL},
        {"<dev.lists.example>", "dev.lists.example", "lists.example"},
        {"The \"<developers>\" of it < Dev.Lists.Example >", "Dev.Lists.Example", "lists.example"},
        {"dev.lists.example", "dev.lists.example", "lists.example"},
        {"A list\r\n <dev.lists.example> (old)", "dev.lists.example", "lists.example"},
        {"<dev.lists.example", "dev.lists.example", "lists.example"},
        {"<dev>", "dev", NULL},
        {"<12:34.lists.example>", "12:34.lists.example", NULL},
        {"<two words.lists.example>", NULL, NULL},
        {"Just words", NULL, NULL},
        {"<>", NULL, NULL},
        {"<a>", "a", NULL},
        {"<!~.lists.example>", "!~.lists.example", NULL},
        {"<\x7f.lists.example>", NULL, NULL},
        {"<a\x7f.lists.example>", NULL, NULL},
        {"\x7f\x7f.lists.example", NULL, NULL},
        {"<d\xc3\xa9v.lists.example>", NULL, NULL},
        {"dev.lists.example>", NULL, NULL},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_message msg;
        struct moon_list_id list;
        fill(arena, &msg, rows[i].field, NULL);
        assert_int_equal(moon_list_id_parse(arena, &msg, &list), MOON_OK);
        assert_int_equal(list.count, rows[i].field != NULL);
        const char *id = list.id ? list.id : "-", *domain = list.domain ? list.domain : "-";
        if (strcmp(id, rows[i].id ? rows[i].id : "-") != 0 ||
            strcmp(domain, rows[i].domain ? rows[i].domain : "-") != 0)
            fail_msg("%s: got %s in %s", rows[i].field, id, domain);
        moon_arena_destroy(&arena);
    }
}

static void a_field_that_is_not_delivered_names_no_list(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_message msg;
    struct moon_list_id list;
    (void)state; /* cmocka's, not used */
    fill(arena, &msg, "<dev.lists.example>", "<old.lists.example>");
    msg.fields[1].removed = true;
    assert_int_equal(moon_list_id_parse(arena, &msg, &list), MOON_OK);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.id, "old.lists.example");
    moon_arena_destroy(&arena);
}

static void an_identifier_has_at_most_255_bytes(void **state)
{
    char field[300];
    (void)state; /* cmocka's, not used */
    for (size_t n = 255; n <= 256; n++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_message msg;
        struct moon_list_id list;
        memset(field, 'a', n);
        field[n] = '\0';
        fill(arena, &msg, field, NULL);
        assert_int_equal(moon_list_id_parse(arena, &msg, &list), MOON_OK);
        assert_int_equal(list.id != NULL, n == 255);
        moon_arena_destroy(&arena);
    }
}

struct claim {
    const char *first, *second; /* List-Id fields */
    enum moon_result dkim;
    const char *signer;
    enum moon_result spf;
    const char *spf_domain;
    const char *want; /* "method domain", or "no" */
};

static void check_claim(const struct claim *claim)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_dkim_sig sig = {.result = claim->dkim, .domain = claim->signer};
    struct moon_results results = {
        .dkim = {claim->dkim, &sig, claim->signer ? 1 : 0, 1},
        .spf = {.result = claim->spf, .domain = claim->spf_domain},
    };
    struct moon_message msg;
    char got[200] = "no";

    fill(arena, &msg, claim->first, claim->second);
    assert_int_equal(moon_origin_evaluate(arena, &msg, &results), MOON_OK);
    if (results.list.verified)
        (void)snprintf(got, sizeof got, "%s %s", results.list.verified_by,
                       results.list.verified_domain);
    if (strcmp(got, claim->want) != 0)
        fail_msg("%s, dkim of %s, spf of %s: got %s, want %s", claim->first,
                 claim->signer ? claim->signer : "-", claim->spf_domain ? claim->spf_domain : "-",
                 got, claim->want);
    moon_arena_destroy(&arena);
}

#define PASS MOON_RESULT_PASS
#define FAIL MOON_RESULT_FAIL
#define NONE MOON_RESULT_NONE

/* RFC 2919 section 8 */
static void a_list_is_believed_with_a_pass_of_its_owner_only(void **state)
{
    static const struct claim claims[] = {
        {"<dev.lists.example.org>", NULL, NONE, NULL, NONE, NULL, "no"},
        {"<dev.lists.example.org>", NULL, PASS, "lists.example.org", NONE, NULL,
         "dkim lists.example.org"},
        {"<dev.lists.example.org>", NULL, PASS, "example.org", NONE, NULL, "dkim example.org"},
        {"<dev.lists.example.org>", NULL, PASS, "dev.lists.example.org", NONE, NULL,
         "dkim dev.lists.example.org"},
        {"<DEV.Lists.example.org>", NULL, FAIL, "example.org", PASS, "bounce.example.org",
         "spf bounce.example.org"},
        {"<dev.lists.example.org>", NULL, FAIL, "lists.example.org", NONE, NULL, "no"},
        {"<dev.lists.example.org>", NULL, NONE, NULL, FAIL, "lists.example.org", "no"},
        {"<dev.lists.example.org>", NULL, NONE, NULL, MOON_RESULT_NEUTRAL, "lists.example.org",
         "no"},
        {"<dev.lists.example.org>", NULL, MOON_RESULT_POLICY, "lists.example.org", NONE, NULL,
         "no"},
        {"<dev.lists.example.org>", NULL, PASS, "evil.example", PASS, "evil.example", "no"},
        {"<dev.lists.example.org>", NULL, PASS, "s.example.org", NONE, NULL, "dkim s.example.org"},
        {"<dev.lists.example.org>", NULL, PASS, "notexample.org", NONE, NULL, "no"},
        {"<dev.lists.example.org>", NULL, PASS, "org", NONE, NULL, "no"},
        /* the owner of a public suffix is not whoever has a name below it */
        {"<bank.co.uk>", NULL, PASS, "evil.co.uk", PASS, "evil.co.uk", "no"},
        {"<x.bank.co.uk>", NULL, PASS, "evil.co.uk", NONE, NULL, "no"},
        {"<x.bank.co.uk>", NULL, PASS, "mail.bank.co.uk", NONE, NULL, "dkim mail.bank.co.uk"},
        {"<x.com>", NULL, PASS, "evil.com", NONE, NULL, "no"},
        {"<example>", NULL, PASS, "example.org", NONE, NULL, "no"},
        /* somebody put a field of his own on top */
        {"<dev.lists.example.org>", "<dev.lists.example.org>", PASS, "example.org", NONE, NULL,
         "no"},
        {NULL, NULL, PASS, "example.org", PASS, "example.org", "no"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
        check_claim(&claims[i]);
}

static void forwarding_is_believed_when_spf_passes_for_the_forwarder(void **state)
{
    static const struct {
        const char *mail_from;
        enum moon_result spf;
        const char *spf_domain;
        bool pattern, verified;
    } rows[] = {
        {"SRS0=h=4G=bank.example=ann@fwd.example", PASS, "fwd.example", true, true},
        {"SRS0=h=4G=bank.example=ann@fwd.example", FAIL, "fwd.example", true, false},
        {"SRS0=h=4G=bank.example=ann@fwd.example", MOON_RESULT_SOFTFAIL, "fwd.example", true,
         false},
        {"SRS0=h=4G=bank.example=ann@fwd.example", PASS, "bank.example", true, false},
        {"SRS0=h=4G=bank.example=ann@fwd.example", PASS, NULL, true, false},
        {"ann@fwd.example", PASS, "fwd.example", false, false},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_results results = {
            .spf = {.result = rows[i].spf, .domain = rows[i].spf_domain}};
        struct moon_message msg;
        fill(arena, &msg, NULL, NULL);
        msg.mail_from = rows[i].mail_from;
        msg.mail_from_domain = "fwd.example";
        assert_int_equal(moon_origin_evaluate(arena, &msg, &results), MOON_OK);
        assert_int_equal(results.forwarding.by.pattern != NULL, rows[i].pattern);
        assert_int_equal(results.forwarding.verified, rows[i].verified);
        moon_arena_destroy(&arena);
    }
}

static void survives_the_failure_of_every_allocation(void **state)
{
    enum moon_status status = MOON_ENOMEM;
    size_t n = 1;
    (void)state; /* cmocka's, not used */
    for (; n < 20 && status != MOON_OK; n++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_results results = {.spf = {.result = PASS, .domain = "fwd.example"}};
        struct moon_message msg;
        fill(arena, &msg, "<l.fwd.example>", NULL);
        msg.mail_from = "SRS0=h=4G=bank.example=ann@fwd.example";
        msg.mail_from_domain = "fwd.example";
        moon_arena_fail_at(arena, n);
        status = moon_origin_evaluate(arena, &msg, &results);
        assert_true(status == MOON_OK || status == MOON_ENOMEM);
        assert_int_equal(results.list.verified, status == MOON_OK);
        assert_int_equal(results.forwarding.verified, status == MOON_OK);
        moon_arena_destroy(&arena);
    }
    assert_true(n > 4 && status == MOON_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_identifier_of_a_list),
        cmocka_unit_test(a_field_that_is_not_delivered_names_no_list),
        cmocka_unit_test(an_identifier_has_at_most_255_bytes),
        cmocka_unit_test(a_list_is_believed_with_a_pass_of_its_owner_only),
        cmocka_unit_test(forwarding_is_believed_when_spf_passes_for_the_forwarder),
        cmocka_unit_test(survives_the_failure_of_every_allocation),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
