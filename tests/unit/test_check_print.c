/* SPDX-License-Identifier: MIT
 *
 * check_print: which terms of SPF the page shows, and how.
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_the_terms_where_spf_did_not_pass_or_when_asked),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
