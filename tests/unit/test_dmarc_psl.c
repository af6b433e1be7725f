/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/dmarc.c and dmarc_psl.c: DMARC by the Public Suffix List (RFC 7489).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/dmarc_case.h"

/* RFC 7489 sections 3.1, 3.2, 6.6.3 and 6.6.4 */
static void psl_mode_asks_the_list_for_the_organization(void **state)
{
    static const struct dmarc_row rows[] = {
        {{.zone = "_dmarc.example.co.uk TXT \"v=DMARC1; p=none; sp=quarantine; np=reject\"",
          .author = "a.b.example.co.uk",
          .spf = "pass c.example.co.uk",
          .psl = true},
         "pass policy=quarantine tag=sp at=example.co.uk org=example.co.uk spf"},
        {{.zone = "_dmarc.co.uk TXT \"v=DMARC1; p=reject; psd=y\"",
          .author = "example.co.uk",
          .dkim = {"pass other.co.uk"},
          .psl = true},
         "none policy=- tag=- at=- org=example.co.uk"},
        {{.zone = "_dmarc.b.example.com TXT \"v=DMARC1; p=reject; psd=n\"\n"
                  "_dmarc.example.com TXT \"v=DMARC1; p=quarantine; t=y\"",
          .author = "a.b.example.com",
          .dkim = {"fail example.com", "pass other.example"},
          .psl = true},
         "fail policy=quarantine tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.co.uk TXT \"v=DMARC1; p=reject\"", .author = "co.uk", .psl = true},
         "fail policy=reject tag=p at=co.uk org=co.uk"},
        {{.zone = "_dmarc.a.example.com TXT \"v=DMARC1; p=none\"\n"
                  "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\"\n"
                  "_dmarc.example.com TXT \"v=DMARC1; p=reject\"",
          .author = "a.example.com",
          .psl = true},
         "permerror policy=- tag=- at=- org=example.com"},
        {{.zone = "_dmarc.example.com TIMEOUT", .author = "a.example.com", .psl = true},
         "temperror policy=- tag=- at=- org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; aspf=s\"",
          .author = "example.com",
          .spf = "pass a.example.com",
          .psl = true},
         "fail policy=reject tag=p at=example.com org=example.com"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
}

static void psl_mode_samples_by_the_callers_draw(void **state)
{
    static const struct dmarc_row rows[] = {
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; pct=20\"",
          .author = "example.com",
          .psl = true,
          .pct_draw = 19},
         "fail policy=reject tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; pct=20\"",
          .author = "example.com",
          .psl = true,
          .pct_draw = 20},
         "fail policy=quarantine tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=quarantine; pct=0\"",
          .author = "example.com",
          .psl = true},
         "fail policy=none tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject\"",
          .author = "example.com",
          .psl = true,
          .pct_draw = 99},
         "fail policy=reject tag=p at=example.com org=example.com"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
}

static void the_list_asks_for_one_name_or_two(void **state)
{
    static const char *const authors[] = {"example.com", "a.example.com"};
    (void)state; /* cmocka's, not used */
    for (unsigned i = 0; i < 2; i++) {
        struct dmarc_case test = {.psl = true,
                                  .author = authors[i],
                                  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none\""};
        struct dmarc_outcome out;
        dmarc_case_run(&test, 0, &out);
        assert_int_equal(out.results.dmarc.walk_queries, i + 1);
        dmarc_case_end(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(psl_mode_asks_the_list_for_the_organization),
        cmocka_unit_test(psl_mode_samples_by_the_callers_draw),
        cmocka_unit_test(the_list_asks_for_one_name_or_two),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
