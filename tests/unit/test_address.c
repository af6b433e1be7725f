/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/message/address.c and utf8.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "engine/base/limits.h"
#include "engine/message/address.h"
#include "tests/support/arena_case.h"

static struct moon_from parse_header(const char *header)
{
    struct moon_message msg = {.id = ""};
    struct moon_from from;
    struct moon_error error = {""};
    assert_int_equal(moon_message_parse(arena, moon_span_of(header), &msg, &error), MOON_OK);
    assert_int_equal(moon_from_parse(arena, &msg, &from), MOON_OK);
    assert_true(from.ambiguous == (from.reason != NULL));
    return from;
}

static struct moon_from parse_value(const char *value)
{
    return parse_header(moon_arena_printf(arena, "From:%s\r\n\r\n", value));
}

struct good {
    const char *value, *address, *domain, *name;
};

static void check_good(const struct good *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct moon_from from = parse_value(cases[i].value);
        if (from.ambiguous || from.count != 1)
            fail_msg("%s: got %s, want one author", cases[i].value, from.reason);
        assert_string_equal(from.authors[0].address, cases[i].address);
        assert_string_equal(from.authors[0].domain, cases[i].domain);
        assert_string_equal(from.authors[0].display_name, cases[i].name);
        assert_string_equal(from.domain, cases[i].domain);
    }
}

/* Each value must be ambiguous without an Author Domain, and for this reason. */
static void check_refused(const char *const cases[][2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct moon_from from = parse_value(cases[i][0]);
        if (!from.ambiguous || from.domain)
            fail_msg("%s: got %s, want no Author Domain", cases[i][0], from.domain);
        if (strcmp(from.reason, cases[i][1]) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", cases[i][0], from.reason, cases[i][1]);
    }
}
#define COUNT(table) (sizeof(table) / sizeof *(table))

/* RFC 5322 section 3.4, 3.4.1, appendix A.1 */
static void reads_one_author_in_every_plain_form(void **state)
{
    static const struct good cases[] = {
        {" a@example.com", "a@example.com", "example.com", ""},
        {" John Doe <jdoe@machine.example>", "jdoe@machine.example", "machine.example", "John Doe"},
        {" <boss@nil.test>", "boss@nil.test", "nil.test", ""},
        {" \"Joe Q. Public\" <john.q.public@Example.COM>", "john.q.public@Example.COM",
         "example.com", "Joe Q. Public"},
        {" \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>", "sysservices@example.net",
         "example.net", "Giant; \"Big\" Box"},
        {" \"a b\"@example.com", "\"a b\"@example.com", "example.com", ""},
        {" \"a\r\n b\"@example.com", "\"a b\"@example.com", "example.com", ""},
        {" \xc3\x80@example.com", "\xc3\x80@example.com", "example.com", ""},
        {" \"x@bank.example\"@example.com", "\"x@bank.example\"@example.com", "example.com", ""},
        {" =?=@example.com", "=?=@example.com", "example.com", ""},
        {"a@localhost", "a@localhost", "localhost", ""},
        {" =?utf-8?Q?J=C3=BCrgen?= <j@example.com>", "j@example.com", "example.com",
         "=?utf-8?Q?J=C3=BCrgen?="},
        {" Team: a@example.com;", "a@example.com", "example.com", ""},
    };
    (void)state; /* cmocka's, not used */
    check_good(cases, COUNT(cases));
}

/* RFC 5322 section 3.2.2 */
static void skips_comments_and_folds(void **state)
{
    static const struct good cases[] = {
        {" Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "pete@silly.test",
         "silly.test", "Pete"},
        {" (a@evil.example (b, <c@d.example>)) a@example.com (Bank \"x)", "a@example.com",
         "example.com", ""},
        {"\r\n\tJohn\r\n Doe\r\n <\r\n j@example.com\r\n >\r\n ", "j@example.com", "example.com",
         "John Doe"},
        {" \"John\r\n Doe\" <j@example.com>", "j@example.com", "example.com", "John Doe"},
        {" a(x)@(y)example.com", "a@example.com", "example.com", ""},
    };
    (void)state; /* cmocka's, not used */
    check_good(cases, COUNT(cases));
}

/* RFC 5322 section 4.4 */
static void takes_obsolete_forms_that_all_readers_understand_alike(void **state)
{
    static const struct good cases[] = {
        {" Joe Q. Public <j@example.com>", "j@example.com", "example.com", "Joe Q. Public"},
        {" a @ example.com", "a@example.com", "example.com", ""},
        {" \"a\".b@example.com", "\"a\".b@example.com", "example.com", ""},
        {" , a@example.com,, ,", "a@example.com", "example.com", ""},
        {" G: , a@example.com ,;", "a@example.com", "example.com", ""},
    };
    (void)state; /* cmocka's, not used */
    check_good(cases, COUNT(cases));
}

/* RFC 6532 section 3.2; RFC 9989 section 5.3.1 */
static void turns_u_labels_into_a_labels(void **state)
{
    static const struct good cases[] = {
        {" J\xc3\xbcrgen <j\xc3\xbc@b\xc3\xbc"
         "cher.example>",
         "j\xc3\xbc@b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example", "J\xc3\xbcrgen"},
        {" a@XN--BCHER-KVA.example", "a@XN--BCHER-KVA.example", "xn--bcher-kva.example", ""},
    };
    (void)state; /* cmocka's, not used */
    check_good(cases, COUNT(cases));
}

/* RFC 2047 section 5, RFC 5322 section 4.4 */
static void refuses_what_mail_programs_read_differently(void **state)
{
    static const char *const cases[][2] = {
        {" <@bank.example:a@evil.example>", "a route before an address in From"},
        {" <@bank.example,@x.example:a@evil.example>", "a route before an address in From"},
        {" a@evil.example .bank.example", "white space inside a domain in From"},
        {" a@evil.example(.bank.example).x", "white space inside a domain in From"},
        {" a@evil .example", "white space inside a domain in From"},
        {" a . b@example.com", "an ill-formed local part in From"},
        {" a b@example.com", "an ill-formed local part in From"},
        {" a..b@example.com", "an ill-formed local part in From"},
        {" .a@example.com", "an ill-formed local part in From"},
        {" a.@example.com", "an ill-formed local part in From"},
        {" ceo@bank.example <x@evil.example>", "text with '@' before an address in From"},
        {" ceo@bank.example x@evil.example", "text behind an address in From"},
        {" <x@evil.example> ceo@bank.example", "text behind an address in From"},
        {" <x@evil.example> <ceo@bank.example>", "text behind an address in From"},
        {" x@evil.example; ceo@bank.example", "text behind an address in From"},
        {" g: x@evil.example; ceo@bank.example", "text behind an address in From"},
        {" g:; ceo@bank.example", "text behind an address in From"},
        {" =?utf-8?b?Y2VvQGJhbmsuZXhhbXBsZQA=?=@evil.example",
         "an encoded word inside an address in From"},
        {" =?\?=@bank.example", "an encoded word inside an address in From"},
        {" a@b@example.com", "text behind an address in From"},
        {" a@example.com\x01", "a control character in From"},
        {" \"a\x7f\" <a@example.com>", "a control character in From"},
        {" a@example.com\rBcc: x", "a line end in From that is no fold"},
        {" a@example.com\rB c", "a line end in From that is no fold"},
        {" a@example.com (b\\", "a comment in From without its end"},
        {" J\xfcrgen <j@example.com>", "bytes in From that are not UTF-8"},
        {" J\x80 <j@example.com>", "bytes in From that are not UTF-8"},
        {" J\x1f <j@example.com>", "a control character in From"},
        {" \xed\xa0\x80 <j@example.com>", "bytes in From that are not UTF-8"},
        {" \xc0\xbcx@evil.example\xc0\xbe", "bytes in From that are not UTF-8"},
        {" \xf4\x90\x80\x80 <j@example.com>", "bytes in From that are not UTF-8"},
    };
    (void)state; /* cmocka's, not used */
    check_refused(cases, COUNT(cases));
}

static void refuses_what_is_no_address_or_no_domain(void **state)
{
    static const char *const cases[][2] = {
        {"", "no author in From"},
        {" ", "no author in From"},
        {" (a@example.com)", "no author in From"},
        {" undisclosed-recipients:;", "no author in From"},
        {" <>", "an empty address in From"},
        {" Bank <>", "an empty address in From"},
        {" root", "an author without a domain"},
        {" <root>", "an author without a domain"},
        {" Doe, John <j@example.com>", "an author without a domain"},
        {" @example.com", "an address in From without a local part"},
        {" a@", "an address in From without a proper domain"},
        {" a@.example.com", "an address in From without a proper domain"},
        {" a@example.com.", "an address in From without a proper domain"},
        {" a@example..com", "an address in From without a proper domain"},
        {" a@[192.0.2.1]", "a domain literal in From"},
        {" a@[IPv6:2001:db8::1]", "a domain literal in From"},
        {" a@[x", "an ill-formed domain literal in From"},
        {" a@[x[y]", "an ill-formed domain literal in From"},
        {" a@[x\\y]", "an ill-formed domain literal in From"},
        {" a@[x\r\n y]", "an ill-formed domain literal in From"},
        {" <a;>", "an ill-formed address in From"},
        {" G: root;", "an author without a domain"},
        {" a@exa!mple.com", "not a domain name in From"},
        {" a@\xef\xbc\xa0.example", "not a domain name in From"},
        {" <a@example.com", "an address in From without its '>'"},
        {" a@example.com>", "text behind an address in From"},
        {" \"a@example.com", "a quoted string in From without its end"},
        {" a@example.com (x", "a comment in From without its end"},
        {" a@example.com (x\\", "a comment in From without its end"},
        {" G: a@example.com", "a group in From without its end"},
        {" G: H: a@example.com;;", "From does not follow the grammar"},
        {" :;", "From does not follow the grammar"},
    };
    (void)state; /* cmocka's, not used */
    check_refused(cases, COUNT(cases));
}

/* Authors that cannot be used are counted like others: policies see how many there are. */
static void counts_authors_that_cannot_be_used(void **state)
{
    static const struct {
        const char *value;
        size_t count, kept;
    } cases[] = {{" root", 1, 0},
                 {" two words", 1, 0},
                 {" :;", 0, 0},
                 {" a@b@c", 1, 1},
                 {" <>", 1, 0},
                 {" a@", 1, 0},
                 {" @x", 1, 0},
                 {" ,", 0, 0},
                 {" a@[x", 1, 0},
                 {" a@b.example, root", 2, 1},
                 {" <a@[192.0.2.1],b@example.com", 1, 1},
                 /* nothing is counted behind what cannot be read */
                 {" a (b", 0, 0},
                 {" x <a (b", 0, 0},
                 {" a@(b", 1, 0},
                 {" a@example.com (b", 1, 0},
                 {" a@, b@example.com", 1, 0},
                 {" <a@>, b@example.com", 1, 0}};
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct moon_from from = parse_value(cases[i].value);
        if (from.count != cases[i].count || from.kept != cases[i].kept)
            fail_msg("%s: got %zu, %zu kept, want %zu, %zu", cases[i].value, from.count, from.kept,
                     cases[i].count, cases[i].kept);
    }
}

/* RFC 9989 sections 5.3.1 and 11.5 */
static void several_authors_of_several_domains_have_no_author_domain(void **state)
{
    struct moon_from from = parse_value(" a@example.com, b@other.example");
    (void)state; /* cmocka's, not used */
    assert_true(from.ambiguous);
    assert_null(from.domain);
    assert_int_equal(from.count, 2);
    assert_string_equal(from.reason, "authors of several domains");
    assert_string_equal(from.authors[1].domain, "other.example");
}

static void several_authors_of_one_domain_share_it_and_are_ambiguous(void **state)
{
    struct moon_from from = parse_value(" A <a@example.com>, G: b@EXAMPLE.com;, c@example.com");
    (void)state; /* cmocka's, not used */
    assert_true(from.ambiguous);
    assert_int_equal(from.count, 3);
    assert_string_equal(from.domain, "example.com");
    assert_string_equal(from.reason, "several authors");
}

static void several_from_fields_are_ambiguous(void **state)
{
    struct moon_from same = parse_header("From: a@example.com\r\nfrom : a@example.com\r\n\r\n");
    struct moon_from other = parse_header("From: a@example.com\r\nFROM: a@bank.example\r\n\r\n");
    struct moon_from half = parse_header("From: a@example.com\r\nFrom:\r\n\r\n");
    struct moon_from bad = parse_header("From: <a@\r\nFrom: a@example.com\r\n\r\n");
    (void)state; /* cmocka's, not used */
    assert_string_equal(same.reason, "several From fields");
    assert_string_equal(same.domain, "example.com");
    assert_int_equal(same.field_count, 2);
    assert_null(other.domain);
    assert_string_equal(other.reason, "authors of several domains");
    assert_true(half.ambiguous);
    assert_null(bad.domain);
    assert_true(bad.ambiguous);
}

static void a_message_without_from_says_so(void **state)
{
    struct moon_from from = parse_header("Sender: a@example.com\r\n\r\n");
    (void)state; /* cmocka's, not used */
    assert_int_equal(from.field_count, 0);
    assert_string_equal(from.reason, "no From field");
    assert_null(from.domain);
}

static void removed_from_fields_do_not_count(void **state)
{
    struct moon_message msg = {.id = ""};
    struct moon_from from;
    struct moon_error error = {""};
    (void)state; /* cmocka's, not used */
    assert_int_equal(moon_message_parse(arena, MOON_SPAN("From: a@b.example\r\nFrom: c@d.example"),
                                        &msg, &error),
                     MOON_OK);
    msg.fields[0].removed = true;
    assert_int_equal(moon_from_parse(arena, &msg, &from), MOON_OK);
    assert_false(from.ambiguous);
    assert_string_equal(from.domain, "d.example");
}

static void stops_at_its_limits(void **state)
{
    struct moon_str str;
    struct moon_from from;
    (void)state; /* cmocka's, not used */
    moon_str_begin(&str, arena);
    for (size_t i = 0; i < 2 * MOON_FROM_MAX; i++)
        moon_str_add(&str, " a@example.com,");
    from = parse_value(moon_str_end(&str));
    assert_int_equal(from.kept, MOON_FROM_MAX);
    assert_int_equal(from.count, MOON_FROM_MAX + 1);
    assert_null(from.domain);
    assert_string_equal(from.reason, "more authors than are looked at");
    moon_str_begin(&str, arena);
    moon_str_add(&str, "From: a@example.com");
    for (size_t i = 2; i < MOON_FROM_MAX; i++)
        moon_str_add(&str, ", a@example.com");
    const char *several = moon_str_end(&str); /* with that of another field as many as are kept */
    from = parse_header(moon_arena_printf(arena, "%s\r\nFrom: a@example.com\r\n\r\n", several));
    assert_int_equal(from.kept, MOON_FROM_MAX);
    assert_string_equal(from.reason, "several From fields");
    from = parse_header(moon_arena_printf(
        arena, "%s\r\nFrom: a@example.com\r\nFrom: a@example.com\r\n\r\n", several));
    assert_int_equal(from.field_count, 3);
    assert_int_equal(from.count, MOON_FROM_MAX); /* the third is not even read */
    assert_string_equal(from.reason, "more authors than are looked at");

    moon_str_begin(&str, arena);
    for (size_t i = 0; i < 100000; i++)
        moon_str_add_char(&str, '(');
    from = parse_value(moon_str_end(&str));
    assert_string_equal(from.reason, "comments in From nested too deeply");
    for (int depth = MOON_FROM_DEPTH_MAX; depth <= (int)MOON_FROM_DEPTH_MAX + 1; depth++) {
        moon_str_begin(&str, arena);
        for (int i = 0; i < 2 * depth; i++)
            moon_str_add_char(&str, i < depth ? '(' : ')');
        moon_str_add(&str, "a@example.com");
        from = parse_value(moon_str_end(&str));
        assert_int_equal(from.domain != NULL, depth == (int)MOON_FROM_DEPTH_MAX);
    }
}

static void splits_a_path_at_its_last_at(void **state)
{
    static const char *const cases[][3] = {
        {"a@Example.COM", "a", "example.com"},
        {"\"a@b\"@example.com", "\"a@b\"", "example.com"},
        {"@example.com", "", "example.com"},
        {"a@[192.0.2.1]", "a", NULL},
        {"a@", "a", NULL},
        {"postmaster", "", NULL},
        {"", "", NULL},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *local, *domain;
        assert_int_equal(moon_path_split(arena, cases[i][0], &local, &domain), MOON_OK);
        assert_string_equal(local, cases[i][1]);
        if (cases[i][2])
            assert_string_equal(domain, cases[i][2]);
        else
            assert_null(domain);
    }
}

static void says_when_memory_runs_out(void **state)
{
    struct moon_message msg = {.id = ""};
    struct moon_error error = {""};
    struct moon_from from;
    const char *local, *domain;
    enum moon_status status = MOON_ENOMEM;
    (void)state; /* cmocka's, not used */
    assert_int_equal(moon_message_parse(
                         arena, MOON_SPAN("From: \"A b\" <a@e.example>, c@d.example, f@g.example"),
                         &msg, &error),
                     MOON_OK);
    for (size_t n = 1; status == MOON_ENOMEM; n++) {
        assert_true(n < 1000);
        moon_arena_fail_at(arena, n);
        status = moon_from_parse(arena, &msg, &from);
        assert_true(status == MOON_ENOMEM || from.kept == 3);
        for (size_t i = 0; status == MOON_OK && i < 3; i++)
            assert_non_null(from.authors[i].address);
        assert_true(n > 1 || status == MOON_ENOMEM);
    }
    moon_arena_fail_at(arena, 1);
    assert_int_equal(moon_path_split(arena, "a@b.example", &local, &domain), MOON_ENOMEM);
    moon_arena_fail_at(arena, 2);
    assert_int_equal(moon_path_split(arena, "a@b.example", &local, &domain), MOON_ENOMEM);
    moon_arena_fail_at(arena, 0);
}

/* A request that fails says nothing of a smaller one behind it. */
static void says_when_only_the_local_part_finds_no_memory(void **state)
{
    struct moon_message msg = {.id = ""};
    struct moon_from from;
    enum moon_status status = MOON_ENOMEM;
    (void)state; /* cmocka's, not used */
    assert_int_equal(
        moon_message_parse(arena,
                           MOON_SPAN("From: a-mailbox-with-a-name-that-is-longer-than-what-a-text-"
                                     "in-the-arena-begins-with@e.example"),
                           &msg, NULL),
        MOON_OK);
    for (size_t bytes = 8; status == MOON_ENOMEM; bytes += 8) {
        assert_true(bytes < 10000);
        struct moon_arena *own = moon_arena_create(bytes);
        status = moon_from_parse(own, &msg, &from);
        assert_true(status == MOON_ENOMEM || from.kept == 1);
        moon_arena_destroy(&own);
    }
    assert_int_equal(status, MOON_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_one_author_in_every_plain_form, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(skips_comments_and_folds, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(takes_obsolete_forms_that_all_readers_understand_alike,
                                        arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(turns_u_labels_into_a_labels, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(refuses_what_mail_programs_read_differently, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_address_or_no_domain, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(counts_authors_that_cannot_be_used, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(several_authors_of_several_domains_have_no_author_domain,
                                        arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(several_authors_of_one_domain_share_it_and_are_ambiguous,
                                        arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(several_from_fields_are_ambiguous, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(a_message_without_from_says_so, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(removed_from_fields_do_not_count, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(stops_at_its_limits, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(splits_a_path_at_its_last_at, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(says_when_memory_runs_out, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(says_when_only_the_local_part_finds_no_memory, arena_begin,
                                        arena_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
