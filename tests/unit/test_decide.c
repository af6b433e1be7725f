/* SPDX-License-Identifier: MIT
 *
 * decide: a message for many tenants gets past nobody's quarantine; overrides are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/verdict/decide.h"

#define TENANTS_MAX 1000

static struct moon_arena *arena;
static struct moon_outcome outcome;

/* The outcome for `count` tenants with names of 60 bytes; every second one takes the message. */
static const char *first_failure;

static void decide(enum moon_quarantine how, size_t count)
{
    static struct moon_tenant_verdict tenants[TENANTS_MAX];
    struct moon_conf conf = {.quarantine = how, .snapshot_hash = "test"};
    struct moon_engine engine = {.conf = &conf};
    struct moon_message msg = {.id = "", .mail_from = ""};

    arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    assert_non_null(arena);
    memset(&outcome, 0, sizeof outcome);
    memset(tenants, 0, sizeof tenants);
    outcome.results.authserv_id = "mx.test";
    outcome.tenants = tenants;
    outcome.tenant_count = count;
    for (size_t i = 0; i < count; i++) {
        tenants[i].tenant = moon_arena_printf(arena, "tenant%054zu", i);
        tenants[i].verdict.kind = i % 2 ? MOON_VERDICT_ACCEPT : MOON_VERDICT_QUARANTINE;
    }
    tenants[0].verdict.failure = first_failure;
    assert_int_equal(moon_decide(&engine, arena, &msg, &outcome), MOON_OK);
    assert_int_equal(outcome.action, MOON_ACTION_ACCEPT);
}

/* Does a field name that tenant, or everybody? A simple reader: between blanks and commas. */
static bool is_named(const char *tenant)
{
    for (size_t i = 0; i < outcome.added_count; i++) {
        const char *text = outcome.added[i].text;
        if (strncmp(text, "X-Moonscan-Quarantine: ", 23) != 0)
            continue;
        text += 23;
        if (strcmp(text, "*") == 0)
            return true;
        for (size_t n; *text; text += n + (text[n] == ',')) {
            n = strcspn(text, ",");
            if (n == strlen(tenant) && strncmp(text, tenant, n) == 0)
                return true;
        }
    }
    return false;
}

static void every_quarantined_tenant_is_named_in_a_field(void **state)
{
    static const size_t counts[] = {2, 28, 30, 32, 60, 240, 250, 1000};

    (void)state;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        decide(MOON_QUARANTINE_HEADER, counts[k]);
        for (size_t i = 0; i < counts[k]; i += 2)
            if (!is_named(outcome.tenants[i].tenant))
                fail_msg("of %zu tenants number %zu is not named", counts[k], i);
        if (is_named(outcome.tenants[1].tenant) != (counts[k] > 245))
            fail_msg("%zu tenants: who takes it is named, or not all are", counts[k]);
        moon_arena_destroy(&arena);
    }
}

static void the_text_for_routers_is_never_longer_than_exim_keeps(void **state)
{
    static const size_t counts[] = {2, 240, 250, 1000};

    (void)state;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        decide(MOON_QUARANTINE_ROUTER, counts[k]);
        if (strlen(outcome.data) > 16000)
            fail_msg("%zu tenants: got %zu bytes", counts[k], strlen(outcome.data));
        assert_int_equal(strncmp(outcome.data, "q=* spf", 7) == 0, counts[k] > 245);
        moon_arena_destroy(&arena);
    }
}

static void a_failure_cannot_look_like_other_words_of_the_log(void **state)
{
    (void)state;
    first_failure = "x.lua:1: bad \" verdict=accept rule=\"forged\nline";
    decide(MOON_QUARANTINE_NONE, 1);
    first_failure = NULL;
    const char *at =
        strstr(outcome.log, " failure=\"x.lua:1: bad ' verdict=accept rule='forged?line\"");
    if (!at)
        fail_msg("got %s", outcome.log);
    moon_arena_destroy(&arena);
}

/* --- overrides ---------------------------------------------------------------------------------
 */

/* `count` tenants that take the message, the first by an override of that comment. */
static void override(size_t count, const char *comment, int line)
{
    static struct moon_tenant_verdict tenants[2];
    static struct moon_entry_ref via;
    struct moon_conf conf = {.snapshot_hash = "test"};
    struct moon_engine engine = {.conf = &conf};
    struct moon_message msg = {.id = "", .mail_from = ""};

    arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    assert_non_null(arena);
    memset(&outcome, 0, sizeof outcome);
    memset(tenants, 0, sizeof tenants);
    via = (struct moon_entry_ref){"lists/f.lua", line, "Old server", "dkim=l.example"};
    outcome.results.authserv_id = "mx.test";
    outcome.results.dmarc.result = MOON_RESULT_FAIL;
    outcome.results.from.domain = "bank.example";
    outcome.tenants = tenants;
    outcome.tenant_count = count;
    for (size_t i = 0; i < count; i++) {
        tenants[i].tenant = i ? "beta" : "acme";
        tenants[i].verdict.kind = MOON_VERDICT_ACCEPT;
    }
    tenants[0].verdict.override = "trusted_forwarder";
    tenants[0].verdict.comment = comment;
    tenants[0].verdict.via = line < 0 ? NULL : &via;
    assert_int_equal(moon_decide(&engine, arena, &msg, &outcome), MOON_OK);
}

static void an_override_is_told_in_the_log(void **state)
{
    static const struct {
        const char *comment;
        int line;
        const char *want;
    } table[] = {
        {"Old server", 3,
         " override=trusted_forwarder via=lists/f.lua:3 comment=\"Old server\" snapshot="},
        {"Old server", 0,
         " override=trusted_forwarder via=lists/f.lua comment=\"Old server\" snapshot="},
        {NULL, -1, " override=trusted_forwarder snapshot="},
        {"a\" verdict=reject\nx", -1,
         " override=trusted_forwarder comment=\"a' verdict=reject?x\" snapshot="},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        override(1, table[i].comment, table[i].line);
        if (!strstr(outcome.log, table[i].want))
            fail_msg("got %s, want %s", outcome.log, table[i].want);
        moon_arena_destroy(&arena);
    }
}

static void an_override_of_one_tenant_is_told_in_the_header_to_nobody_else(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 2; count++) {
        override(count, "Old server", 3);
        const char *at = strstr(outcome.added[0].text, "(override trusted_forwarder: Old server)");
        assert_int_equal(at != NULL, count == 1);
        moon_arena_destroy(&arena);
    }
    override(1, "x); dmarc=pass (\"y\\", -1); /* no way out of the comment */
    assert_non_null(
        strstr(outcome.added[0].text, "\n\t (override trusted_forwarder: x], dmarc:pass ['y/)\n"));
    moon_arena_destroy(&arena);
    override(1, NULL, -1);
    assert_non_null(strstr(outcome.added[0].text, "\n\t (override trusted_forwarder)\n"));
    moon_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_quarantined_tenant_is_named_in_a_field),
        cmocka_unit_test(a_failure_cannot_look_like_other_words_of_the_log),
        cmocka_unit_test(the_text_for_routers_is_never_longer_than_exim_keeps),
        cmocka_unit_test(an_override_is_told_in_the_log),
        cmocka_unit_test(an_override_of_one_tenant_is_told_in_the_header_to_nobody_else),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
