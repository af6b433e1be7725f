/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/arc_set.c: structure only, nothing here is really signed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/arc_set.h"
#include "tests/support/arena_case.h"
#include "tests/support/dkim_case.h"

/* Well-formed fields of instance 1 and 2. */
#define AS(i, cv) "ARC-Seal: i=" i "; a=rsa-sha256; cv=" cv "; d=a.example; s=k; b=AAAA\r\n"
#define HASH      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define AMS(i)                                                                                     \
    "ARC-Message-Signature: i=" i "; a=rsa-sha256; d=a.example; s=k; h=from; bh=" HASH             \
    "; b=AAAA\r\n"
#define AAR(i)     "ARC-Authentication-Results: i=" i "; mx.a.example; none\r\n"
#define SET(i, cv) AS(i, cv) AMS(i) AAR(i)

static struct moon_arc_sets collect(const char *fields)
{
    struct moon_arc_sets sets;
    const char *text = moon_arena_printf(arena, "%sFrom: a@b.example\r\n\r\n", fields);
    struct moon_message *msg = moon_case_message(arena, text, strlen(text));
    assert_non_null(msg);
    assert_int_equal(moon_arc_collect(arena, msg, &sets), MOON_OK);
    assert_int_equal(sets.failed, sets.reason != NULL);
    return sets;
}

struct row {
    const char *fields, *want; /* "": can be a chain */
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct moon_arc_sets sets = collect(rows[i].fields);
        const char *got = sets.reason ? sets.reason : "";
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s: got %s, want %s", rows[i].fields, got, rows[i].want);
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

/* RFC 8617 section 4.1 */
static void whole_sets_may_be_a_chain(void **state)
{
    static const struct row rows[] = {
        {"", ""},
        {SET("1", "none"), ""},
        {SET("2", "pass") SET("1", "none"), ""},
        {AAR("1") AMS("2") AS("1", "none") AAR("2") AS("2", "pass") AMS("1"), ""},
        {SET("01", "none"), ""},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
    assert_int_equal(collect(rows[2].fields).highest, 2);
    assert_null(collect(rows[0].fields).entries);
}

static void a_field_of_any_kind_makes_its_instance_the_highest(void **state)
{
    static const char *const fields[] = {AS("3", "pass"), AMS("3"), AAR("3")};
    struct moon_str str;
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(collect(fields[i]).highest, 3);
    /* the 51st of a kind is counted only */
    moon_str_begin(&str, arena);
    for (size_t i = 0; i < 50; i++)
        moon_str_add(&str, AS("1", "none"));
    moon_str_add(&str, AS("2", "pass"));
    struct moon_arc_sets sets = collect(moon_str_end(&str));
    assert_int_equal(sets.counts[MOON_ARC_PART_SEAL], 51);
    assert_int_equal(sets.highest, 1);
}

/* RFC 8617 section 5.2, step 2: before anything else is looked at. */
static void a_chain_given_up_before_fails_whatever_else_is_wrong(void **state)
{
    static const struct row rows[] = {
        {SET("1", "fail"), "ARC-Seal i=1: cv=fail"},
        {SET("2", "fail") SET("1", "none"), "ARC-Seal i=2: cv=fail"},
        {SET("3", "fail") SET("1", "none") "ARC-Seal: rubbish\r\n" AAR("1"),
         "ARC-Seal i=3: cv=fail"},
        {SET("2", "pass") SET("1", "fail"), "ARC-Seal i=1: cv= is not none"},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

/* RFC 8617 section 4.2; section 5.2, step 3 */
static void each_instance_has_one_of_each_kind(void **state)
{
    static const struct row rows[] = {
        {AMS("1") AAR("1"), "ARC-Seal i=1: is missing"},
        {AS("1", "none") AAR("1"), "ARC-Message-Signature i=1: is missing"},
        {AS("1", "none") AMS("1"), "ARC-Authentication-Results i=1: is missing"},
        {SET("3", "pass") SET("1", "none"), "ARC set i=2: is missing"},
        {SET("2", "pass"), "ARC set i=1: is missing"},
        {SET("50", "pass") SET("1", "none"), "ARC set i=2: is missing"},
        {SET("1", "none") AS("1", "none"), "ARC-Seal i=1: occurs twice"},
        {SET("1", "none") AMS("1"), "ARC-Message-Signature i=1: occurs twice"},
        {AAR("1") SET("1", "none"), "ARC-Authentication-Results i=1: occurs twice"},
        {SET("2", "pass") AS("1", "none") AMS("1") AAR("2"),
         "ARC-Authentication-Results i=2: occurs twice"},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

/* RFC 8617 section 4.4 */
static void chain_status_is_none_then_pass_in_lower_case(void **state)
{
    static const struct row rows[] = {
        {SET("1", "pass"), "ARC-Seal i=1: cv= is not none"},
        {SET("1", "None"), "ARC-Seal i=1: cv= is not none"},
        {SET("1", ""), "ARC-Seal i=1: cv= is not none"},
        {SET("2", "none") SET("1", "none"), "ARC-Seal i=2: cv= is not pass"},
        {SET("2", "Pass") SET("1", "none"), "ARC-Seal i=2: cv= is not pass"},
        {SET("3", "pass") SET("2", "fail") SET("1", "none"), "ARC-Seal i=2: cv= is not pass"},
        {"ARC-Seal: i=1; a=rsa-sha256; d=a.example; s=k; b=AAAA\r\n" AMS("1") AAR("1"),
         "ARC-Seal i=1: has no cv="},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

/* RFC 8617 section 4.2.1 */
static void a_field_without_instance_fails_the_chain(void **state)
{
    static const char number[] = "i= is no number from 1 to 50";
    static const struct row rows[] = {
        {SET("0", "none"), "ARC-Seal: i= is no number from 1 to 50"},
        {SET("51", "none"), "ARC-Seal: i= is no number from 1 to 50"},
        {SET("001", "none"), "ARC-Seal: i= is no number from 1 to 50"},
        {SET("+1", "none"), "ARC-Seal: i= is no number from 1 to 50"},
        {SET("1", "none") AMS("x"), "ARC-Message-Signature: i= is no number from 1 to 50"},
        {SET("1", "none") AAR("51"), "ARC-Authentication-Results: does not begin with i= and a "
                                     "number from 1 to 50"},
        {SET("1", "none") "ARC-Seal: rubbish\r\n", "ARC-Seal: the signature has a tag without '='"},
        {SET("1", "none") "ARC-Seal: i=2; i=3\r\n",
         "ARC-Seal: the signature has a tag that occurs twice"},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
    assert_true(strstr(collect(rows[0].fields).reason, number) != NULL);
    assert_int_equal(collect(rows[0].fields).failed_instance, 0);
}

#define SEAL(tags)      "ARC-Seal: i=1; cv=none; " tags "\r\n" AMS("1") AAR("1")
#define SIGNATURE(tags) AS("1", "none") "ARC-Message-Signature: i=1; " tags "\r\n" AAR("1")
#define GOOD            "a=rsa-sha256; d=a.example; s=k; b=AAAA; "
#define WHOLE           GOOD "bh=" HASH "; "

/* RFC 8617 section 4.1.3 */
static void a_seal_has_its_own_tags(void **state)
{
    static const struct row rows[] = {
        {SEAL(GOOD), ""},
        {SEAL(GOOD "t=1;"), ""},
        {SEAL(GOOD "c=rubbish; bh=rubbish; l=rubbish; q=rubbish; x=1; v=2; z=;"), ""},
        {SEAL(GOOD "h=from;"), "ARC-Seal i=1: h= is not allowed in a seal"},
        {SEAL(GOOD "h=;"), "ARC-Seal i=1: h= is not allowed in a seal"},
        {SEAL(GOOD "t=x;"), "ARC-Seal i=1: t= is no time"},
        {SEAL("a=rsa-sha1; d=a.example; s=k; b=AAAA"),
         "ARC-Seal i=1: rsa-sha1 is not acceptable (RFC 8301)"},
        {SEAL("a=rsa-sha256; d=a.example; b=AAAA"), "ARC-Seal i=1: the signature has no s="},
        {SEAL("a=rsa-sha256; s=k; b=AAAA"), "ARC-Seal i=1: the signature has no d="},
        {SEAL("a=rsa-sha256; d=a.example; s=k"), "ARC-Seal i=1: the signature has no b="},
        {SEAL("a=rsa-sha256; d=a.example; s=k; b=A"), "ARC-Seal i=1: b= is no base64"},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

/* RFC 8617 section 4.1.2 */
static void a_signature_is_like_that_of_dkim_but_for_version_identity_and_from(void **state)
{
    static const struct row rows[] = {
        {SIGNATURE(WHOLE "h=from"), ""},
        {SIGNATURE(WHOLE "h=subject; v=77; q=dns/txt; c=simple/relaxed; x=2000000000"), ""},
        {SIGNATURE(WHOLE "h="), ""},
        {SIGNATURE(WHOLE "h=to: : arc-authentication-results:arc-message-signature"), ""},
        {SIGNATURE(WHOLE "h=to:ARC-Seal"), "ARC-Message-Signature i=1: h= names ARC-Seal"},
        {SIGNATURE(WHOLE), "ARC-Message-Signature i=1: the signature has no h="},
        {SIGNATURE(GOOD "h=from"), "ARC-Message-Signature i=1: the signature has no bh="},
        {SIGNATURE(WHOLE "h=from; c=x"), "ARC-Message-Signature i=1: c= is unknown"},
        {SIGNATURE(WHOLE "h=from; q=x"),
         "ARC-Message-Signature i=1: q= has no method that is known"},
        {SIGNATURE(WHOLE "h=from; l=-1"), "ARC-Message-Signature i=1: l= is no length"},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

/* Older signatures may be anything: they need not verify. */
static void an_older_signature_may_be_unreadable(void **state)
{
    static const struct row rows[] = {
        {SET("2", "pass") SIGNATURE("a=rsa-sha1; y=z"), ""},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

static void more_than_fifty_fields_of_a_kind_end_the_work(void **state)
{
    static const struct {
        const char *field;
        enum moon_arc_part part;
    } rows[] = {
        {AS("1", "none"), MOON_ARC_PART_SEAL},
        {AMS("1"), MOON_ARC_PART_SIGNATURE},
        {AAR("1"), MOON_ARC_PART_RESULTS},
    };
    (void)state; /* cmocka's, not used */
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        struct moon_str str;
        moon_str_begin(&str, arena);
        for (unsigned i = 0; i < 20000; i++)
            moon_str_add(&str, rows[row].field);
        size_t before = moon_arena_used_bytes(arena);
        struct moon_arc_sets sets = collect(moon_str_end(&str));
        assert_string_equal(sets.reason, "ARC set: more than 50");
        assert_int_equal(sets.counts[rows[row].part], 20000);
        assert_true(moon_arena_used_bytes(arena) - before < (8u << 20));
    }
}

/* A field that there was no memory for is never one that was not there, although the chain has
 * failed before it. */
static void memory_that_ends_at_any_field_is_told(void **state)
{
#define TWICE AS("2", "pass") AS("2", "pass")
    static const char *const rows[] = {
        TWICE AMS("1") AAR("1") AS("1", "none"),
        TWICE AS("1", "none") AAR("1") AMS("1"),
        TWICE AS("1", "none") AMS("1") AAR("1"),
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text = moon_arena_printf(arena, "From: a@b.example\r\n%s\r\n", rows[i]);
        struct moon_message *msg = moon_case_message(arena, text, strlen(text));
        enum moon_status status = MOON_ENOMEM;
        struct moon_arc_sets sets;
        assert_non_null(msg);
        for (size_t n = 1; status == MOON_ENOMEM; n++) {
            assert_true(n < 1000);
            moon_arena_fail_at(arena, n);
            status = moon_arc_collect(arena, msg, &sets);
        }
        moon_arena_fail_at(arena, 0);
        assert_int_equal(status, MOON_OK);
        assert_string_equal(sets.reason, "ARC-Seal i=2: occurs twice");
        assert_non_null(sets.entries[1].seal_field);
        assert_non_null(sets.entries[1].signature_field);
        assert_non_null(sets.entries[1].results_field);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(whole_sets_may_be_a_chain),
        CASE(a_field_of_any_kind_makes_its_instance_the_highest),
        CASE(a_chain_given_up_before_fails_whatever_else_is_wrong),
        CASE(each_instance_has_one_of_each_kind),
        CASE(chain_status_is_none_then_pass_in_lower_case),
        CASE(a_field_without_instance_fails_the_chain),
        CASE(a_seal_has_its_own_tags),
        CASE(a_signature_is_like_that_of_dkim_but_for_version_identity_and_from),
        CASE(an_older_signature_may_be_unreadable),
        CASE(more_than_fifty_fields_of_a_kind_end_the_work),
        CASE(memory_that_ends_at_any_field_is_told),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
