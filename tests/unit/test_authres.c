/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/authres.c: what our field says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "engine/auth/authres.h"
#include "engine/base/limits.h"
#include "tests/support/arena_case.h"
#include "tests/support/authres_case.h"

/* The whole field with folds as single spaces. */
static const char *compose(const struct moon_message *msg, const struct moon_results *results)
{
    char *text = moon_authres_compose(arena, msg, results);
    size_t n = 0, line = 0;
    assert_non_null(text);
    assert_true(strlen(text) <= MOON_FIELD_BYTES_MAX);
    for (const char *c = text; *c; c++) {
        line = *c == '\n' ? 0 : line + 1;
        assert_true(line <= MOON_FIELD_LINE_MAX);
        assert_true(*c != '\n' || c[1] == '\t');
        assert_true(*c == '\n' || *c == '\t' || (*c >= 0x20 && *c < 0x7f));
        if (*c == '\n' || *c == '\t' || (*c == ' ' && n && text[n - 1] == ' '))
            text[n] = ' ';
        else
            text[n] = *c;
        n += text[n] != ' ' || (n && text[n - 1] != ' ');
    }
    text[n] = '\0';
    return text;
}

static void check(const char *got, const char *want)
{
    if (strcmp(got, want) != 0)
        fail_msg("got  %s\nwant %s", got, want);
}

/* RFC 8601 section 2.2, RFC 9989 section 9.1 */
static void names_every_method_with_its_properties(void **state)
{
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    struct moon_dkim_sig sig = authres_case_signature();
    (void)state; /* cmocka's, not used */
    results.dkim =
        (struct moon_dkim){.result = MOON_RESULT_PASS, .sigs = &sig, .count = 1, .found = 1};
    check(compose(&msg, &results),
          "Authentication-Results: mx.rcpt.example; spf=pass smtp.mailfrom=a@example.com; "
          "dkim=pass header.d=example.com header.s=s1 header.a=rsa-sha256 header.b=abcdefgh; "
          "dmarc=pass header.from=example.com policy.dmarc=reject; arc=none");
}

/* RFC 8601 section 2.7: each result word of each method, with its reason behind it. */
static void every_result_is_said_with_its_reason(void **state)
{
    static const enum moon_result words[] = {
        MOON_RESULT_PASS,   MOON_RESULT_FAIL,      MOON_RESULT_SOFTFAIL, MOON_RESULT_NEUTRAL,
        MOON_RESULT_POLICY, MOON_RESULT_TEMPERROR, MOON_RESULT_PERMERROR};
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct moon_message msg = authres_case_message();
        struct moon_results results = authres_case_results();
        struct moon_dkim_sig sig = authres_case_signature();
        const char *word = moon_result_name(words[i]);
        results.spf.result = sig.result = results.dmarc.result = words[i];
        results.spf.reason = "one";
        sig.reason = "two";
        results.dmarc.reason = "three";
        results.dkim = (struct moon_dkim){.result = words[i], .sigs = &sig, .count = 1, .found = 1};
        const char *text = compose(&msg, &results);
        for (size_t k = 0; k < 3; k++) {
            static const char *const methods[] = {"spf", "dkim", "dmarc"};
            const char *want = moon_arena_printf(arena, "; %s=%s ", methods[k], word);
            if (!strstr(text, want))
                fail_msg("got %s, want %s", text, want);
        }
        if (words[i] != MOON_RESULT_PASS && !strstr(text, "reason="))
            fail_msg("no reason in %s", text);
    }
}

static void says_none_where_there_was_nothing(void **state)
{
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    (void)state; /* cmocka's, not used */
    msg.mail_from = "";
    results.spf = (struct moon_spf){.result = MOON_RESULT_NONE};
    results.dmarc = (struct moon_dmarc){.result = MOON_RESULT_NONE};
    check(compose(&msg, &results), "Authentication-Results: mx.rcpt.example; spf=none; dkim=none; "
                                   "dmarc=none header.from=example.com; arc=none");
}

/* RFC 7208 section 2.4 */
static void the_null_sender_is_reported_by_its_helo(void **state)
{
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    (void)state; /* cmocka's, not used */
    msg.mail_from = "";
    results.spf.domain = "mail.example.com";
    results.spf_helo.result = MOON_RESULT_PASS;
    check(compose(&msg, &results),
          "Authentication-Results: mx.rcpt.example; spf=pass smtp.helo=mail.example.com; "
          "dkim=none; dmarc=pass header.from=example.com policy.dmarc=reject; arc=none");
}

static void spf_of_mail_from_stands_behind_that_of_helo(void **state)
{
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    (void)state; /* cmocka's, not used */
    results.spf_helo.result = MOON_RESULT_FAIL;
    results.spf_helo.reason = "-all";
    check(compose(&msg, &results),
          "Authentication-Results: mx.rcpt.example; "
          "spf=fail reason=\"-all\" smtp.helo=mail.example.com; "
          "spf=pass smtp.mailfrom=a@example.com; dkim=none; "
          "dmarc=pass header.from=example.com policy.dmarc=reject; arc=none");
}

static void tells_what_the_session_knows(void **state)
{
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    (void)state; /* cmocka's, not used */
    assert_true(moon_ip_parse(MOON_SPAN("2001:db8::7"), &msg.session.ip));
    results.iprev = MOON_RESULT_PASS;
    msg.session.authenticated = "plain";
    msg.session.authenticated_id = "joe@rcpt.example";
    assert_non_null(strstr(compose(&msg, &results), "; iprev=pass policy.iprev=\"2001:db8::7\"; "
                                                    "auth=pass smtp.auth=joe@rcpt.example"));
}

/* RFC 8617 sections 6 and 10.2 */
static void arc_names_the_oldest_pass_and_the_client(void **state)
{
    static const struct {
        enum moon_result result;
        const char *reason;
        int oldest_pass;
        const char *ip, *want;
    } rows[] = {
        {MOON_RESULT_PASS, "", 0, "192.0.2.7",
         "; arc=pass header.oldest-pass=0 smtp.remote-ip=192.0.2.7"},
        {MOON_RESULT_PASS, "", 3, "2001:db8::7",
         "; arc=pass header.oldest-pass=3 smtp.remote-ip=\"2001:db8::7\""},
        {MOON_RESULT_PASS, "", -1, "192.0.2.7", "; arc=pass smtp.remote-ip=192.0.2.7"},
        {MOON_RESULT_FAIL, "ARC-Seal i=2: is missing", -1, "192.0.2.7",
         "; arc=fail reason=\"ARC-Seal i:2: is missing\" smtp.remote-ip=192.0.2.7"},
        {MOON_RESULT_NONE, "", -1, "192.0.2.7", "; arc=none"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct moon_message msg = authres_case_message();
        struct moon_results results = authres_case_results();
        results.arc.result = rows[i].result;
        results.arc.reason = rows[i].reason;
        results.arc.oldest_pass = rows[i].oldest_pass;
        assert_true(moon_ip_parse(moon_span_of(rows[i].ip), &msg.session.ip));
        const char *got = compose(&msg, &results), *at = strstr(got, "; arc=");
        if (!at || strcmp(at, rows[i].want) != 0)
            fail_msg("got %s, want %s", got, rows[i].want);
    }
}

static void what_strangers_wrote_cannot_change_the_structure(void **state)
{
    static const char evil[] = "x\"; dmarc=pass\r\nX-Evil: (y\\\x01\xc3\xa9";
    static const char tame[] = "\"x', dmarc:pass??X-Evil: [y/???\"";
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    struct moon_dkim_sig sig = authres_case_signature();
    (void)state; /* cmocka's, not used */
    sig.result = MOON_RESULT_FAIL;
    sig.reason = sig.selector = sig.identity = sig.algorithm = sig.signature_start = evil;
    results.dkim = (struct moon_dkim){.sigs = &sig, .count = 1, .found = 1};
    msg.mail_from = moon_arena_printf(arena, "%s@example.com", evil);
    const char *want = moon_arena_printf(
        arena,
        "Authentication-Results: mx.rcpt.example; spf=pass smtp.mailfrom=example.com; "
        "dkim=fail reason=%s header.d=example.com header.i=%s header.s=%s header.a=%s "
        "header.b=%s; dmarc=pass header.from=example.com policy.dmarc=reject; arc=none",
        tame, tame, tame, tame, tame);
    check(compose(&msg, &results), want);
    results.spf.domain = NULL;
    assert_non_null(strstr(compose(&msg, &results), "smtp.mailfrom=\"x', dmarc:pass"));
}

static void base64_is_quoted_where_it_is_no_token(void **state)
{
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    struct moon_dkim_sig sig = authres_case_signature();
    (void)state; /* cmocka's, not used */
    sig.signature_start = "ab/d+fgh";
    sig.identity = "joe=x@mail.example.com";
    results.dkim = (struct moon_dkim){.sigs = &sig, .count = 1, .found = 1};
    const char *text = compose(&msg, &results);
    assert_non_null(strstr(text, "header.b=\"ab/d+fgh\""));
    assert_non_null(strstr(text, "header.i=joe=x@mail.example.com "));
}

static const char *of_length(size_t n)
{
    struct moon_str str;
    moon_str_begin(&str, arena);
    for (size_t i = 0; i < n; i++)
        moon_str_add_char(&str, 'a');
    return moon_str_end(&str);
}

/* RFC 8601 section 2.2: pvalue. What is neither a token nor a plain address is quoted as a whole,
 * with nothing in it that means something. */
static void an_address_is_quoted_unless_it_is_plain(void **state)
{
    const struct {
        const char *address, *want;
    } cases[] = {
        {"joe@rcpt.example", "joe@rcpt.example"},
        {"@rcpt.example", "@rcpt.example"},
        {"a.b+c=d/e@rcpt.example", "a.b+c=d/e@rcpt.example"},
        {"joe", "joe"},
        {"joe@;x", "\"joe@,x\""},
        {"joe@", "\"joe@\""},
        {".joe@x.example", "\".joe@x.example\""},
        {"joe.@x.example", "\"joe.@x.example\""},
        {"j..oe@x.example", "\"j..oe@x.example\""},
        {"j oe@x.example", "\"j oe@x.example\""},
        {"a@b@x.example", "\"a@b@x.example\""},
        {"~ \x7f\x1f", "\"~ ??\""},
    };
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    (void)state; /* cmocka's, not used */
    msg.session.authenticated = "plain";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        msg.session.authenticated_id = cases[i].address;
        const char *text = compose(&msg, &results);
        check(strstr(text, " smtp.auth="),
              moon_arena_printf(arena, " smtp.auth=%s", cases[i].want));
    }
}

/* RFC 5321 section 4.5.3.1: 64 bytes, '@', 253 bytes. */
static void values_of_the_longest_length_are_whole(void **state)
{
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    (void)state; /* cmocka's, not used */
    msg.session.authenticated = "plain";
    const struct {
        size_t local, domain, reason;
        bool quoted;
    } cases[] = {{64, 253, 160, false}, {65, 253, 161, true}, {64, 255, 300, false},
                 {64, 256, 160, true},  {0, 319, 160, false}, {0, 320, 160, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *id = moon_arena_printf(arena, "%s@%s", of_length(cases[i].local),
                                           of_length(cases[i].domain));
        msg.session.authenticated_id = id;
        results.spf.result = MOON_RESULT_FAIL;
        results.spf.reason = of_length(cases[i].reason);
        const char *text = compose(&msg, &results);
        size_t n = strlen(id) > 320 ? 320 : strlen(id);
        const char *want = cases[i].quoted ? moon_arena_printf(arena, "=\"%.*s\"", (int)n, id)
                                           : moon_arena_printf(arena, "=%s", id);
        check(strstr(text, " smtp.auth=") + 10, want);
        n = cases[i].reason > 160 ? 160 : cases[i].reason;
        want = moon_arena_printf(arena, "reason=\"%s\" ", of_length(n));
        assert_non_null(strstr(text, want));
    }
    const char *token = of_length(320);
    msg.session.authenticated_id = token;
    check(strstr(compose(&msg, &results), " smtp.auth=") + 11, token);
    token = of_length(321);
    msg.session.authenticated_id = token;
    check(strstr(compose(&msg, &results), " smtp.auth=") + 11,
          moon_arena_printf(arena, "\"%s\"", of_length(320)));
}

/* RFC 8601 section 2.7.1: i= says something only when it differs from d=. */
static void an_identity_that_says_no_more_than_the_domain_is_left_out(void **state)
{
    static const struct {
        const char *identity;
        bool shown;
    } cases[] = {{"@example.com", false},
                 {"@mail.example.com", true},
                 {"xexample.com", true},
                 {"a@example.com", true},
                 {"@", true}};
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    struct moon_dkim_sig sig = authres_case_signature();
    (void)state; /* cmocka's, not used */
    results.dkim = (struct moon_dkim){.sigs = &sig, .count = 1, .found = 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sig.identity = cases[i].identity;
        if ((strstr(compose(&msg, &results), " header.i=") != NULL) != cases[i].shown)
            fail_msg("%s: want it %s", cases[i].identity, cases[i].shown ? "shown" : "left out");
    }
    sig.identity = "@";
    sig.domain = NULL;
    assert_null(strstr(compose(&msg, &results), " header.d="));
}

/* RFC 5322 section 2.1.1: lines of 78 characters; the value may make one longer. */
static void a_line_is_folded_before_it_gets_longer_than_76(void **state)
{
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    struct moon_dkim_sig sig = authres_case_signature();
    (void)state; /* cmocka's, not used */
    msg.mail_from = "";
    for (size_t more = 0; more < 2; more++) {
        const char *join = more ? "\n\t " : " ";
        results.spf.domain = of_length(54 + more);
        const char *text = moon_authres_compose(arena, &msg, &results);
        assert_non_null(strstr(
            text, moon_arena_printf(arena, ";\n\tspf=pass%ssmtp.helo=%s;\n\tdkim=none;\n\tdmarc=",
                                    join, results.spf.domain)));

        /* behind a fold the column starts again */
        sig.domain = of_length(30);
        sig.selector = of_length(15);
        sig.algorithm = of_length(33 + more);
        results.dkim = (struct moon_dkim){.sigs = &sig, .count = 1, .found = 1};
        text = moon_authres_compose(arena, &msg, &results);
        sig.identity = NULL;
        text = moon_authres_compose(arena, &msg, &results);
        const char *want =
            moon_arena_printf(arena, ";\n\tdkim=pass header.d=%s\n\t header.s=%s%sheader.a=%s",
                              sig.domain, sig.selector, join, sig.algorithm);
        assert_non_null(strstr(text, want));
        results.dkim = (struct moon_dkim){.count = 0};
    }
}

static void signatures_are_left_out_only_when_they_do_not_fit(void **state)
{
    static char texts[MOON_SIG_MAX][321];
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    struct moon_dkim_sig sigs[MOON_SIG_MAX];
    size_t length = 0;
    for (size_t i = 0; i < MOON_SIG_MAX; i++) {
        memset(texts[i], 'a', 320);
        sigs[i] = authres_case_signature();
        sigs[i].algorithm = texts[i] + 319;
    }
    results.dkim = (struct moon_dkim){.sigs = sigs, .count = MOON_SIG_MAX};
    for (size_t n = 0; n < 320 * MOON_SIG_MAX; n++) { /* one after the other grows byte by byte */
        sigs[n / 320].algorithm = texts[0] + 319 - n % 320;
        assert_int_equal(arena_end(state) + arena_begin(state), 0);
        const char *text = moon_authres_compose(arena, &msg, &results);
        if (strstr(text, " more signatures)"))
            break;
        length = strlen(text);
    }
    /* 40 bytes stay for the line that counts */
    assert_int_equal(length, MOON_FIELD_BYTES_MAX - 40);
}

static void signatures_that_do_not_fit_are_counted(void **state)
{
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    struct moon_dkim_sig sigs[MOON_SIG_MAX];
    char label[254];
    (void)state; /* cmocka's, not used */
    memset(label, 'a', sizeof label - 1);
    label[sizeof label - 1] = '\0';
    for (size_t i = 0; i < MOON_SIG_MAX; i++) {
        sigs[i] = authres_case_signature();
        sigs[i].domain = sigs[i].selector = sigs[i].algorithm = label;
    }
    results.dkim =
        (struct moon_dkim){.sigs = sigs, .count = MOON_SIG_MAX, .found = MOON_SIG_MAX + 5};
    const char *text = compose(&msg, &results);
    assert_non_null(strstr(text, " more signatures); dmarc=pass"));
    assert_true(strlen(text) > 6000);
}

/* RFC 8601 section 2.2: a comment between two parts; nobody must get out of it. */
static void what_was_overridden_is_a_comment(void **state)
{
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    (void)state; /* cmocka's, not used */
    assert_non_null(strstr(moon_authres_compose_with(arena, &msg, &results, "other: a (b) \\ c"),
                           "\n\t (override other: a [b] / c)\n"));
    /* and what is too long is cut */
    char *long_one = moon_arena_printf(arena, "%0161d", 0);
    char *want = moon_arena_printf(arena, "\n\t (override %0160d)\n", 0);
    assert_non_null(strstr(moon_authres_compose_with(arena, &msg, &results, long_one), want));
    assert_non_null(strstr(moon_authres_compose_with(arena, &msg, &results, long_one + 1), want));
}

static void a_sender_without_a_domain_is_told_by_what_was_checked(void **state)
{
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    (void)state; /* cmocka's, not used */
    msg.mail_from = "ann";
    assert_non_null(strstr(compose(&msg, &results), " smtp.mailfrom=example.com;"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_every_method_with_its_properties, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(every_result_is_said_with_its_reason, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(says_none_where_there_was_nothing, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(the_null_sender_is_reported_by_its_helo, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(spf_of_mail_from_stands_behind_that_of_helo, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(tells_what_the_session_knows, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(arc_names_the_oldest_pass_and_the_client, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(what_strangers_wrote_cannot_change_the_structure,
                                        arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(base64_is_quoted_where_it_is_no_token, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(an_address_is_quoted_unless_it_is_plain, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(values_of_the_longest_length_are_whole, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(an_identity_that_says_no_more_than_the_domain_is_left_out,
                                        arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(a_line_is_folded_before_it_gets_longer_than_76, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(signatures_are_left_out_only_when_they_do_not_fit,
                                        arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(signatures_that_do_not_fit_are_counted, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(what_was_overridden_is_a_comment, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(a_sender_without_a_domain_is_told_by_what_was_checked,
                                        arena_begin, arena_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
