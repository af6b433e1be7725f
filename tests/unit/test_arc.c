/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/arc.c: the survey.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/auth/arc.h"
#include "engine/base/limits.h"

static struct moon_arena *arena;

static int begin(void **state)
{
    (void)state; /* cmocka's, not used */
    arena = moon_arena_create(16 << 20);
    return arena ? 0 : -1;
}

static int end(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_arena_destroy(&arena);
    return 0;
}

static struct moon_arc survey(const char *header)
{
    struct moon_message msg = {.id = ""};
    struct moon_error error = {""};
    struct moon_arc arc;
    assert_int_equal(moon_message_parse(arena, moon_span_of(header), &msg, &error), MOON_OK);
    assert_int_equal(moon_arc_survey(arena, &msg, &arc), MOON_OK);
    assert_false(arc.verified);
    assert_int_not_equal(arc.result, MOON_RESULT_PASS);
    return arc;
}

/* One set as a sealer writes it; for the allocation test too. */
static const char one_set[] =
    "ARC-Seal: i=1; a=rsa-sha256; d=Sealer.example; s=k1; cv=none; b=aaaa\r\n"
    "ARC-Message-Signature: i=1; a=rsa-sha256; d=sealer.example; s=k1; h=from; bh=a; b=b\r\n"
    "ARC-Authentication-Results: i=1; (x) mx.sealer.example 1; spf=pass\r\n\r\n";

static void without_fields_the_result_is_none(void **state)
{
    struct moon_arc arc = survey("From: a@example.com\r\n\r\n");
    (void)state; /* cmocka's, not used */
    assert_int_equal(arc.result, MOON_RESULT_NONE);
    assert_int_equal(arc.instances, 0);
    assert_int_equal(arc.set_count, 0);
}

/* RFC 8617 section 4.1 */
static void reads_a_set_without_verifying_it(void **state)
{
    struct moon_arc arc = survey(one_set);
    (void)state; /* cmocka's, not used */
    assert_int_equal(arc.result, MOON_RESULT_NEUTRAL);
    assert_int_equal(arc.instances, 1);
    assert_int_equal(arc.set_count, 1);
    assert_int_equal(arc.seal_count, 1);
    assert_int_equal(arc.signature_count, 1);
    assert_int_equal(arc.results_count, 1);
    assert_string_equal(arc.sets[0].domain, "sealer.example");
    assert_string_equal(arc.sets[0].selector, "k1");
    assert_string_equal(arc.sets[0].cv, "none");
    assert_string_equal(arc.sets[0].authserv_id, "mx.sealer.example");
}

static void sets_come_in_the_order_of_their_instances(void **state)
{
    struct moon_arc arc = survey("ARC-Seal: i=3; d=c.example; s=k; cv=pass\r\n"
                                 "ARC-Seal: i=1; d=a.example; s=k; cv=none\r\n"
                                 "ARC-Authentication-Results: i = 2 ; b.example; none\r\n\r\n");
    (void)state; /* cmocka's, not used */
    assert_int_equal(arc.instances, 3);
    assert_int_equal(arc.set_count, 3);
    assert_string_equal(arc.sets[0].domain, "a.example");
    assert_string_equal(arc.sets[1].authserv_id, "b.example");
    assert_null(arc.sets[1].domain);
    assert_string_equal(arc.sets[2].cv, "pass");
}

/* RFC 8617 section 4.2.1 */
static void counts_fields_it_cannot_read(void **state)
{
    struct moon_arc arc = survey("ARC-Seal: i=51; d=a.example; s=k; cv=none\r\n"
                                 "ARC-Seal: i=0; d=a.example\r\n"
                                 "ARC-Seal: i=1; i=2\r\n"
                                 "ARC-Seal: rubbish\r\n"
                                 "ARC-Authentication-Results: mx.example; spf=pass\r\n"
                                 "ARC-Authentication-Results: i=1\r\n"
                                 "ARC-Message-Signature: i=99999999999999999999; d=x\r\n\r\n");
    (void)state; /* cmocka's, not used */
    assert_int_equal(arc.seal_count, 4);
    assert_int_equal(arc.results_count, 2);
    assert_int_equal(arc.signature_count, 1);
    assert_int_equal(arc.set_count, 0);
    assert_int_equal(arc.result, MOON_RESULT_NEUTRAL);
}

static void looks_into_a_limited_number_of_fields(void **state)
{
    struct moon_str str;
    (void)state; /* cmocka's, not used */
    moon_str_begin(&str, arena);
    for (unsigned i = 0; i < 1000; i++)
        moon_str_add(&str, "ARC-Seal: i=1; d=a.example; s=k; cv=none\r\n");
    moon_str_add(&str, "ARC-Seal: i=2; d=a.example; s=k; cv=none\r\n\r\n");
    struct moon_arc arc = survey(moon_str_end(&str));
    assert_int_equal(arc.seal_count, 1001);
    assert_int_equal(arc.instances, 1);
}

static void says_when_memory_runs_out(void **state)
{
    struct moon_message msg = {.id = ""};
    struct moon_error error = {""};
    struct moon_arc arc;
    enum moon_status status = MOON_ENOMEM;
    (void)state; /* cmocka's, not used */
    assert_int_equal(moon_message_parse(arena, moon_span_of(one_set), &msg, &error), MOON_OK);
    for (size_t n = 1; status == MOON_ENOMEM; n++) {
        assert_true(n < 1000);
        moon_arena_fail_at(arena, n);
        status = moon_arc_survey(arena, &msg, &arc);
        assert_true(n > 1 || status == MOON_ENOMEM);
    }
    moon_arena_fail_at(arena, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_fields_the_result_is_none, begin, end),
        cmocka_unit_test_setup_teardown(reads_a_set_without_verifying_it, begin, end),
        cmocka_unit_test_setup_teardown(sets_come_in_the_order_of_their_instances, begin, end),
        cmocka_unit_test_setup_teardown(counts_fields_it_cannot_read, begin, end),
        cmocka_unit_test_setup_teardown(looks_into_a_limited_number_of_fields, begin, end),
        cmocka_unit_test_setup_teardown(says_when_memory_runs_out, begin, end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
