/* SPDX-License-Identifier: MIT
 *
 * check_print: which terms of SPF the page shows, and how; list, forwarder and override.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/cmd/check_print.h"

static const struct moon_spf_step steps[] = {
    {.domain = "d.example",
     .term = MOON_SPAN("include:i.example"),
     .result = MOON_RESULT_FAIL,
     .lookups = 1},
    {.domain = "i.example", .term = MOON_SPAN("ip4:10.0.0.1"), .more = 2, .depth = 1, .lookups = 1},
    {.domain = "i.example",
     .term = MOON_SPAN("a:\x1b[2J"),
     .depth = 1,
     .outcome = MOON_SPF_OUTCOME_VOID,
     .lookups = 2},
    {.domain = "d.example",
     .term = MOON_SPAN("?all"),
     .outcome = MOON_SPF_OUTCOME_MATCH,
     .result = MOON_RESULT_NEUTRAL,
     .lookups = 2},
};

static const char tree[] = "            include:i.example: no match (fail)\n"
                           "              ip4:10.0.0.1 and 2 more: no match\n"
                           "              a:?[2J: void\n"
                           "            ?all: match (neutral)\n"
                           "SPF HELO  ";

static void shows_the_terms_where_spf_did_not_pass_or_when_asked(void **state)
{
    static const struct {
        enum moon_result result;
        bool verbose, want;
    } table[] = {{MOON_RESULT_PASS, false, false},
                 {MOON_RESULT_PASS, true, true},
                 {MOON_RESULT_FAIL, false, true},
                 {MOON_RESULT_PERMERROR, false, true},
                 {MOON_RESULT_NEUTRAL, true, true}};
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);

    (void)state; /* the table carries all */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct moon_message msg = {.id = ""};
        const struct moon_conf conf = {.snapshot_hash = "built-in"};
        const struct moon_outcome outcome = {
            .results.spf = {.result = table[i].result, .steps = steps, .step_count = 4}};
        char *text = NULL;
        size_t n = 0;
        FILE *to = open_memstream(&text, &n);
        assert_non_null(to);
        assert_int_equal(
            moon_check_print(to, arena, &conf, &msg, &outcome, false, table[i].verbose), MOON_OK);
        assert_int_equal(fclose(to), 0);
        if ((strstr(text, tree) != NULL) != table[i].want)
            print_message("# row %zu: got\n%s", i, text);
        assert_int_equal(strstr(text, tree) != NULL, table[i].want);
        assert_int_equal(strstr(text, "include:") != NULL, table[i].want);
        free(text);
    }
    moon_arena_destroy(&arena);
}

/* The page of this outcome; to be freed. */
static char *page_of(struct moon_arena *arena, const struct moon_outcome *outcome)
{
    const struct moon_message msg = {.id = ""};
    const struct moon_conf conf = {.snapshot_hash = "built-in"};
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    assert_non_null(to);
    assert_int_equal(moon_check_print(to, arena, &conf, &msg, outcome, false, false), MOON_OK);
    assert_int_equal(fclose(to), 0);
    return text;
}

static void shows_list_forwarder_and_the_entry_of_an_override(void **state)
{
    const struct moon_entry_ref via = {"lists/f.lua", 3, "Old server", "dkim=l.example"};
    struct moon_tenant_verdict tenant = {.tenant = "acme",
                                         .verdict = {.kind = MOON_VERDICT_ACCEPT,
                                                     .rule = "t.lua:2",
                                                     .override = "trusted_forwarder",
                                                     .comment = "Old server",
                                                     .via = &via}};
    struct moon_outcome outcome = {.tenants = &tenant, .tenant_count = 1};
    struct moon_mailing_list *list = &outcome.results.list;
    struct moon_forwarded *forwarding = &outcome.results.forwarding;
    static const char *const want[] = {
        "override trusted_forwarder (Old server), by lists/f.lua:3\n",
        "List      claimed   dev.l.example                several List-Id fields\n",
        "Forwarded claimed   gmail.com                    gmail, to x@acme.example\n",
        "List      verified  dev.l.example                dkim of l.example\n",
        "Forwarded verified  f.example                    srs, from a@?[2Jbank.example\n",
    };
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    (void)state; /* cmocka's argument, nothing is set up */
    for (int i = 0; i < 2; i++) {
        list->id = (struct moon_list_id){.id = "dev.l.example", .count = i ? 1 : 2};
        list->verified = i;
        list->verified_by = "dkim";
        list->verified_domain = "l.example";
        forwarding->verified = i;
        forwarding->by = i ? (struct moon_forwarding){.pattern = "srs",
                                                      .forwarder = "f.example",
                                                      .original = "a@\x1b[2Jbank.example"}
                           : (struct moon_forwarding){.pattern = "gmail",
                                                      .forwarder = "gmail.com",
                                                      .destination = "x@acme.example"};
        char *text = page_of(arena, &outcome);
        for (int k = i ? 3 : 0; k < (i ? 5 : 3); k++)
            if (!strstr(text, want[k]))
                fail_msg("got %s, want %s", text, want[k]);
        free(text);
    }
    moon_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_the_terms_where_spf_did_not_pass_or_when_asked),
        cmocka_unit_test(shows_list_forwarder_and_the_entry_of_an_override),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
