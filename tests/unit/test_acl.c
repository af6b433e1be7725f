/* SPDX-License-Identifier: MIT
 *
 * Tests of local_scan/acl.c: words and their values, also of a worker that says what it likes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "local_scan/acl.h"

static struct moon_answer answer;
static char value[MOON_ACL_VALUE_BYTES];

static const char *value_of(const struct moon_answer *from, const char *name)
{
    unsigned word = 0;
    char why[256];

    if (!moon_acl_find(name, &word, why, sizeof why))
        fail_msg("%s", why);
    moon_acl_value(from, word, value);
    return value;
}

static const char *const names[] = {"verdict", "reply", "esc",    "text",    "spf",
                                    "dkim",    "arc",   "dmarc",  "policy",  "from",
                                    "authres", "rule",  "tenant", "failure", NULL};

static void a_word_that_is_none_is_told_with_the_nearest(void **state)
{
    static const struct {
        const char *name, *want;
    } table[] = {
        {"verdikt", "moon_data has no word \"verdikt\"; did you mean \"verdict\"?"},
        {"Verdict", "did you mean \"verdict\"?"},
        {"auth", "did you mean \"authres\"?"},
        {"dkimm", "did you mean \"dkim\"?"},
        {"xyzzy", "it has verdict, reply, esc, text, spf, dkim, arc, dmarc, policy, from, authres, "
                  "tenant, rule and failure"},
        {"", "moon_data has no word \"\"; it has"},
        {"a\nb\x7f", "no word \"a?b?\""},
    };
    char why[256], longest[300];
    unsigned word;

    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_false(moon_acl_find(table[i].name, &word, why, sizeof why));
        if (!strstr(why, table[i].want))
            fail_msg("%s: got %s, want %s", table[i].name, why, table[i].want);
    }
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_false(moon_acl_find(longest, &word, why, sizeof why));
    assert_non_null(strstr(why, "rule and failure"));
}

static void a_message_that_is_not_looked_at_is_accepted_and_has_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; names[i]; i++)
        assert_string_equal(value_of(NULL, names[i]), i == 0 ? "accept" : "");
}

/* What is applied is said, whatever the worker calls it. */
static void the_verdict_is_the_one_that_is_applied(void **state)
{
    static const struct {
        enum moon_wire_verdict verdict;
        const char *said, *want;
    } table[] = {
        {MOON_WIRE_ACCEPT, "accept", "accept"},
        {MOON_WIRE_ACCEPT, "quarantine", "quarantine"},
        {MOON_WIRE_ACCEPT, "discard", "discard"},
        {MOON_WIRE_ACCEPT, NULL, "accept"},
        {MOON_WIRE_ACCEPT, "reject", "accept"},
        {MOON_WIRE_ACCEPT, "Quarantine", "accept"},
        {MOON_WIRE_FREEZE, "quarantine", "quarantine"},
        {MOON_WIRE_FREEZE, "accept", "quarantine"},
        {MOON_WIRE_REJECT, "accept", "reject"},
        {MOON_WIRE_DEFER, NULL, "defer"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        answer = (struct moon_answer){.verdict = table[i].verdict};
        answer.decision.words[MOON_WIRE_WORD_VERDICT] = moon_span_of(table[i].said);
        assert_string_equal(value_of(&answer, "verdict"), table[i].want);
    }
}

static void a_reply_comes_whole_and_in_parts(void **state)
{
    (void)state;
    for (int verdict = MOON_WIRE_ACCEPT; verdict <= MOON_WIRE_FREEZE; verdict++) {
        bool refused = verdict == MOON_WIRE_REJECT || verdict == MOON_WIRE_DEFER;
        answer = (struct moon_answer){.verdict = (enum moon_wire_verdict)verdict};
        moon_clean_reply(MOON_SPAN("5.7.26 one two\n5.7.27 three"), MOON_WIRE_REJECT, answer.reply);
        assert_string_equal(value_of(&answer, "reply"),
                            refused ? "5.7.26 one two\n5.7.27 three" : "");
        assert_string_equal(value_of(&answer, "esc"), refused ? "5.7.26" : "");
        assert_string_equal(value_of(&answer, "text"), refused ? "one two\nthree" : "");
    }
}

static void the_longest_reply_fits(void **state)
{
    static char text[MOON_REPLY_LINES_MAX * 1000];

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 1000 == 999 ? '\n' : 'x';
    answer = (struct moon_answer){.verdict = MOON_WIRE_REJECT};
    moon_clean_reply((struct moon_span){text, sizeof text}, MOON_WIRE_REJECT, answer.reply);
    assert_int_equal(strlen(value_of(&answer, "reply")),
                     MOON_REPLY_LINES_MAX * MOON_REPLY_LINE_MAX + MOON_REPLY_LINES_MAX - 1);
    assert_int_equal(strlen(value_of(&answer, "text")),
                     MOON_REPLY_LINES_MAX * (MOON_REPLY_LINE_MAX - 6) + MOON_REPLY_LINES_MAX - 1);
}

static void what_a_worker_says_is_one_clean_line(void **state)
{
    static char text[3 * MOON_ACL_VALUE_BYTES];

    (void)state;
    memset(text, 'x', sizeof text);
    text[0] = '\n';
    text[1] = '\0';
    text[2] = '\xff';
    for (size_t i = 4; names[i]; i++) {
        answer = (struct moon_answer){.verdict = MOON_WIRE_ACCEPT};
        for (size_t k = 1; k < MOON_WIRE_WORD_COUNT; k++)
            answer.decision.words[k] = (struct moon_span){text, sizeof text};
        const char *got = value_of(&answer, names[i]);
        if (strcmp(names[i], "failure") == 0) {
            assert_string_equal(got, "");
            continue;
        }
        assert_int_equal(strncmp(got, "???xx", 5), 0);
        assert_int_equal(strlen(got), MOON_ACL_VALUE_BYTES - 1);
    }
}

static void a_failure_says_why(void **state)
{
    struct moon_ask ask = MOON_ASK_START;
    struct moon_settings settings = {.failure = MOON_WIRE_ACCEPT};

    (void)state;
    moon_ask_fail(&ask, &settings, "no such file", &answer);
    assert_string_equal(value_of(&answer, "verdict"), "accept");
    assert_non_null(strstr(value_of(&answer, "failure"), "no such file"));
    assert_string_equal(value_of(&answer, "dmarc"), "");
    settings.failure = MOON_WIRE_DEFER;
    moon_ask_fail(&ask, &settings, "no such file", &answer);
    assert_string_equal(value_of(&answer, "verdict"), "defer");
    assert_string_equal(value_of(&answer, "esc"), "4.3.0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_that_is_none_is_told_with_the_nearest),
        cmocka_unit_test(a_message_that_is_not_looked_at_is_accepted_and_has_nothing_else),
        cmocka_unit_test(the_verdict_is_the_one_that_is_applied),
        cmocka_unit_test(a_reply_comes_whole_and_in_parts),
        cmocka_unit_test(the_longest_reply_fits),
        cmocka_unit_test(what_a_worker_says_is_one_clean_line),
        cmocka_unit_test(a_failure_says_why),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
