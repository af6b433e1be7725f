/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/author.c: whose mail a message says it is, and whether that is proven.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "engine/auth/results.h"

#define PASS MOON_RESULT_PASS
#define FAIL MOON_RESULT_FAIL
#define NONE MOON_RESULT_NONE

struct row {
    const char *author, *organization; /* NULL: none */
    enum moon_result dmarc, spf;
    const char *spf_domain;
    enum moon_result dkim;
    const char *signer;
    bool proven;
};

/* RFC 7489 section 3.2 */
static void an_author_is_proven_by_a_pass_of_the_same_registration(void **state)
{
    static const struct row rows[] = {
        {"a.example.com", "example.com", NONE, NONE, NULL, NONE, NULL, false},
        {"a.example.com", "example.com", PASS, NONE, NULL, NONE, NULL, true},
        {"a.example.com", "example.com", FAIL, NONE, NULL, NONE, NULL, false},
        {"a.example.com", "example.com", NONE, PASS, "b.example.com", NONE, NULL, true},
        {"a.example.com", "example.com", NONE, PASS, "example.net", NONE, NULL, false},
        {"a.example.com", "example.com", NONE, PASS, NULL, NONE, NULL, false},
        {"a.example.com", "example.com", NONE, FAIL, "example.com", NONE, NULL, false},
        {"a.example.com", "example.com", NONE, FAIL, "example.com", PASS, "b.example.com", true},
        {"a.example.com", "example.com", NONE, NONE, NULL, PASS, "example.net", false},
        {"a.example.com", "example.com", NONE, NONE, NULL, FAIL, "example.com", false},
        {"a.co.uk", "a.co.uk", NONE, PASS, "b.co.uk", PASS, "co.uk", false},
        /* nobody's */
        {NULL, NULL, NONE, NONE, NULL, NONE, NULL, false},
        {NULL, NULL, PASS, PASS, "example.com", PASS, "example.com", false},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i / 2];
        struct moon_dkim_sig sigs[2] = {{.result = NONE}, {.result = NONE}};
        struct moon_results results = {
            .from = {.domain = row->author},
            .dmarc = {.result = row->dmarc},
            .spf = {.result = row->spf, .domain = row->spf_domain},
            .dkim = {.sigs = sigs, .count = 2},
        };
        sigs[i % 2] = (struct moon_dkim_sig){.result = row->dkim, .domain = row->signer};
        const char *got = moon_results_author_organization(&results);
        assert_true((got != NULL) == (row->organization != NULL));
        if (got)
            assert_string_equal(got, row->organization);
        if (moon_results_author_proven(&results) != row->proven)
            fail_msg("row %zu: want %d", i / 2, row->proven);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_author_is_proven_by_a_pass_of_the_same_registration),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
