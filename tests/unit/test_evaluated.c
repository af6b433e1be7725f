/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/verdict/evaluated.c: verdicts in the words of reports.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/verdict/evaluated.h"

#define PASS       MOON_RESULT_PASS
#define FAIL       MOON_RESULT_FAIL
#define ABSENT     MOON_DMARC_POLICY_ABSENT
#define NONE       MOON_DMARC_POLICY_NONE
#define QUARANTINE MOON_DMARC_POLICY_QUARANTINE
#define REJECT     MOON_DMARC_POLICY_REJECT

static const struct row {
    enum moon_result result;
    enum moon_dmarc_policy published, asked; /* asked differs under t=y */
    enum moon_verdict_kind verdict;
    const char *override;
    enum moon_action action;
    bool by_split, failed;
    bool dry_run;
    const char *want; /* "disposition type" */
} rows[] = {
    /* RFC 9990 section 3.1.1.9: a deviation must have its reason */
    {FAIL, REJECT, REJECT, MOON_VERDICT_REJECT, NULL, MOON_ACTION_REJECT, 0, 0, 0, "reject -"},
    {FAIL, REJECT, REJECT, MOON_VERDICT_QUARANTINE, "local_policy", MOON_ACTION_ACCEPT, 0, 0, 0,
     "quarantine local_policy"},
    {FAIL, REJECT, REJECT, MOON_VERDICT_QUARANTINE, NULL, MOON_ACTION_ACCEPT, 0, 0, 0,
     "quarantine local_policy"},
    {FAIL, REJECT, REJECT, MOON_VERDICT_ACCEPT, "trusted_forwarder", MOON_ACTION_ACCEPT, 0, 0, 0,
     "none trusted_forwarder"},
    {FAIL, REJECT, REJECT, MOON_VERDICT_ACCEPT, "mailing_list", MOON_ACTION_ACCEPT, 0, 0, 0,
     "none mailing_list"},
    {FAIL, QUARANTINE, QUARANTINE, MOON_VERDICT_ACCEPT, NULL, MOON_ACTION_ACCEPT, 0, 0, 0,
     "none local_policy"},
    {FAIL, QUARANTINE, QUARANTINE, MOON_VERDICT_QUARANTINE, NULL, MOON_ACTION_FREEZE, 0, 0, 0,
     "quarantine -"},
    {FAIL, NONE, NONE, MOON_VERDICT_ACCEPT, NULL, MOON_ACTION_ACCEPT, 0, 0, 0, "none -"},
    {FAIL, NONE, NONE, MOON_VERDICT_REJECT, "local_policy", MOON_ACTION_REJECT, 0, 0, 0,
     "reject local_policy"},
    {FAIL, NONE, NONE, MOON_VERDICT_REJECT, NULL, MOON_ACTION_REJECT, 0, 0, 0,
     "reject local_policy"},
    {FAIL, NONE, NONE, MOON_VERDICT_DISCARD, NULL, MOON_ACTION_ACCEPT, 0, 0, 0,
     "reject local_policy"},
    {FAIL, REJECT, REJECT, MOON_VERDICT_QUARANTINE, NULL, MOON_ACTION_ACCEPT, 0, 1, 0,
     "quarantine other"},
    /* a verdict that another tenant's changed */
    {FAIL, REJECT, REJECT, MOON_VERDICT_REJECT, NULL, MOON_ACTION_ACCEPT, 1, 0, 0,
     "quarantine local_policy"},
    {FAIL, QUARANTINE, QUARANTINE, MOON_VERDICT_DEFER, NULL, MOON_ACTION_ACCEPT, 1, 0, 0,
     "quarantine -"},
    /* RFC 9990 section 3.1.6: t=y lowers what is asked for */
    {FAIL, REJECT, QUARANTINE, MOON_VERDICT_QUARANTINE, NULL, MOON_ACTION_ACCEPT, 0, 0, 0,
     "quarantine policy_test_mode"},
    {FAIL, QUARANTINE, NONE, MOON_VERDICT_ACCEPT, NULL, MOON_ACTION_ACCEPT, 0, 0, 0,
     "none policy_test_mode"},
    {FAIL, QUARANTINE, NONE, MOON_VERDICT_QUARANTINE, NULL, MOON_ACTION_ACCEPT, 0, 0, 0,
     "quarantine local_policy"},
    /* what a dry run would have done was not applied */
    {FAIL, REJECT, REJECT, MOON_VERDICT_REJECT, NULL, MOON_ACTION_ACCEPT, 0, 0, 1,
     "none local_policy"},
    {FAIL, NONE, NONE, MOON_VERDICT_REJECT, "other", MOON_ACTION_ACCEPT, 0, 0, 1, "none -"},
    {PASS, REJECT, REJECT, MOON_VERDICT_REJECT, "other", MOON_ACTION_ACCEPT, 0, 0, 1, "pass -"},
    /* a pass is a pass, whatever else was done to the message */
    {PASS, REJECT, REJECT, MOON_VERDICT_ACCEPT, NULL, MOON_ACTION_ACCEPT, 0, 0, 0, "pass -"},
    {PASS, QUARANTINE, QUARANTINE, MOON_VERDICT_REJECT, NULL, MOON_ACTION_REJECT, 0, 0, 0,
     "pass -"},
    {PASS, NONE, NONE, MOON_VERDICT_ACCEPT, NULL, MOON_ACTION_ACCEPT, 0, 0, 0, "none -"},
    {PASS, REJECT, REJECT, MOON_VERDICT_REJECT, "other", MOON_ACTION_REJECT, 0, 0, 0, "pass other"},
    /* no row: RFC 9989 section 5.3.6; deferred; no record */
    {MOON_RESULT_TEMPERROR, REJECT, REJECT, MOON_VERDICT_ACCEPT, NULL, MOON_ACTION_ACCEPT, 0, 0, 0,
     "- -"},
    {MOON_RESULT_NONE, ABSENT, ABSENT, MOON_VERDICT_ACCEPT, NULL, MOON_ACTION_ACCEPT, 0, 0, 0,
     "- -"},
    {FAIL, REJECT, REJECT, MOON_VERDICT_DEFER, NULL, MOON_ACTION_DEFER, 0, 0, 0, "- -"},
    {FAIL, REJECT, REJECT, MOON_VERDICT_REJECT, NULL, MOON_ACTION_DEFER, 0, 0, 0, "- -"},
    {FAIL, ABSENT, ABSENT, MOON_VERDICT_REJECT, NULL, MOON_ACTION_REJECT, 0, 0, 0, "- -"},
};

static void each_verdict_has_its_disposition_and_type(void **state)
{
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct moon_dmarc dmarc = {.result = row->result,
                                   .published = row->published,
                                   .policy = row->asked,
                                   .testing = row->published != row->asked};
        struct moon_tenant_verdict tenant = {
            .verdict = {.kind = row->verdict,
                        .override = row->override,
                        .failure = row->failed ? "it failed" : NULL},
            .by_split = row->by_split,
            .dry_run = row->dry_run};
        struct moon_evaluated e = moon_evaluated_of(&dmarc, &tenant, row->action);
        char got[80];
        (void)snprintf(got, sizeof got, "%s %s", e.disposition ? e.disposition : "-",
                       e.type ? e.type : "-");
        if (strcmp(got, row->want) != 0)
            fail_msg("row %zu: got %s, want %s", i, got, row->want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_verdict_has_its_disposition_and_type)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
