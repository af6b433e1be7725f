/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/arc.c: how much work a chain may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/arc.h"
#include "engine/base/limits.h"
#include "tests/support/arc_case.h"
#include "tests/support/arc_chain.h"
#include "tests/support/dkim_case.h"

static void beyond_four_bodies_the_oldest_pass_is_not_known(void **state)
{
    (void)state; /* cmocka's, not used */
    for (unsigned i = 1; i <= 5; i++) {
        struct moon_seal seal = moon_chain_seal(i, "a.example");
        seal.length = 1 + i;
        moon_chain_add(seal);
    }
    struct moon_arc arc = moon_chain_passes(-1);
    assert_int_equal(arc.sets[1].signature.result, MOON_RESULT_PASS);
    assert_int_equal(arc.sets[0].signature.result, MOON_RESULT_NONE);
    assert_int_equal(arc.sets[0].signature.body, MOON_ARC_BODY_UNKNOWN);
}

static void beyond_sixteen_megabytes_of_header_the_oldest_pass_is_not_known(void **state)
{
    struct moon_str str;
    (void)state; /* cmocka's, not used */
    moon_str_begin(&str, moon_chain_arena);
    moon_str_add(&str, "X-Long: ");
    for (size_t i = 0; i < MOON_HEADER_BYTES_MAX - 65536; i += 16)
        moon_str_add(&str, "0123456789abcde ");
    moon_chain_put_field(moon_str_end(&str));
    for (unsigned i = 1; i <= 6; i++)
        moon_chain_add(moon_chain_seal(i, "a.example"));
    struct moon_arc arc = moon_chain_passes(-1);
    assert_int_equal(arc.sets[2].signature.result, MOON_RESULT_PASS);
    assert_int_equal(arc.sets[0].signature.result, MOON_RESULT_NONE);
    assert_int_equal(arc.sets[0].signature.body, MOON_ARC_BODY_INTACT);
}

/* Eight older signatures and two megabytes: exactly the limit, and a byte more. */
static void the_limit_of_header_bytes_is_exact(void **state)
{
    const size_t wanted = MOON_ARC_OLDER_BYTES_MAX / 8;
    (void)state; /* cmocka's, not used */
    for (size_t more = 0; more < 2; more++) {
        struct moon_str str;
        size_t bytes = 0;
        assert_int_equal(moon_chain_end(NULL) + moon_chain_begin(NULL), 0); /* anew */
        moon_chain_grow(9);
        const char *text = moon_chain_text();
        struct moon_message *msg = moon_case_message(moon_chain_arena, text, strlen(text));
        for (size_t i = 0; i < msg->field_count; i++)
            bytes += msg->fields[i].raw.n;
        moon_str_begin(&str, moon_chain_arena);
        moon_str_add(&str, "X-Long: ");
        for (size_t i = bytes + strlen("X-Long: "); i < wanted + more; i++)
            moon_str_add_char(&str, 'x');
        moon_chain_put_field(moon_str_end(&str));
        (void)moon_chain_passes(more ? -1 : 0);
    }
}

/* A set has up to two keys: limits hold for the older signatures only. */
static void asks_for_every_seal_key_but_not_for_every_signature(void **state)
{
    static const struct {
        unsigned sets, questions, newest_too;
    } rows[] = {{MOON_ARC_INSTANCES_MAX, MOON_ARC_INSTANCES_MAX, MOON_ARC_INSTANCES_MAX + 1},
                {MOON_KEYS_MAX - 1, MOON_KEYS_MAX, MOON_KEYS_MAX},
                {MOON_KEYS_MAX / 2, MOON_KEYS_MAX - 1, MOON_KEYS_MAX}};
    (void)state; /* cmocka's, not used */
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        unsigned questions = 0, sets = rows[row].sets;
        assert_int_equal(moon_chain_end(NULL) + moon_chain_begin(NULL), 0); /* anew */
        for (unsigned i = 1; i <= sets; i++)
            moon_chain_add(
                moon_chain_seal(i, moon_arena_printf(moon_chain_arena, "s%u.example", i)));
        (void)moon_chain_passes(0); /* signatures use the seals' keys */
        for (unsigned i = 1; i <= sets; i++) {
            if (i == sets) {
                const char *text = moon_chain_text();
                (void)moon_case_arc(moon_chain_arena, "", text, strlen(text), 1000, &questions);
                assert_int_equal(questions, rows[row].questions);
            }
            /* the other selectors have no key; the seals break, but who asks sees the number */
            moon_chain_change(moon_arena_printf(moon_chain_arena, "d=s%u.example; s=k; h=", i),
                              moon_arena_printf(moon_chain_arena, "d=s%u.example; s=o; h=", i));
        }
        const char *text = moon_chain_text();
        (void)moon_case_arc(moon_chain_arena, "", text, strlen(text), 1000, &questions);
        assert_int_equal(questions, rows[row].newest_too);
    }
}

static void beyond_the_question_limit_the_chain_fails_for_now(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_chain_grow(3);
    const char *text = moon_chain_text();
    struct moon_arc arc = moon_case_arc(moon_chain_arena, "", text, strlen(text), 1, NULL);
    assert_int_equal(arc.result, MOON_RESULT_FAIL);
    arc = moon_chain_passes(0);
}

static void says_when_memory_runs_out(void **state)
{
    struct moon_dns_backend *backend = NULL;
    struct moon_error error;
    struct moon_arc arc;
    bool done = false;
    (void)state; /* cmocka's, not used */
    moon_chain_grow(2);
    const char *text = moon_chain_text();
    char *record = moon_sign_record(moon_chain_rsa, 0);
    const char *zone = moon_arena_printf(
        moon_chain_arena, "%s%s", moon_case_txt(moon_chain_arena, "k._domainkey.a.example", record),
        moon_case_txt(moon_chain_arena, "k._domainkey.b.example", record));
    free(record);
    assert_int_equal(moon_dns_backend_zone(moon_span_of(zone), "zone", &backend, &error), MOON_OK);
    for (size_t n = 1; !done; n++) {
        struct moon_arena *small = moon_arena_create(16u << 20);
        struct moon_arena *apart = moon_arena_create(16u << 20); /* DNS has tests of its own */
        struct moon_message *msg = moon_case_message(small, text, strlen(text));
        struct moon_dns *dns = moon_dns_begin(apart, backend, 1000, 0);
        struct moon_arc_check *check;
        assert_true(n < 5000 && msg && dns);
        moon_arena_fail_at(small, n);
        struct moon_sig_bodies *bodies = moon_sig_bodies_of(small, &msg->body);
        enum moon_status status =
            bodies ? moon_arc_begin(small, dns, msg, bodies, &check) : MOON_ENOMEM;
        if (status == MOON_OK)
            status = moon_arc_finish(check, &arc);
        assert_int_equal(status, moon_arena_failed(small) ? MOON_ENOMEM : MOON_OK);
        done = status == MOON_OK;
        assert_true(n > 1 || !done);
        if (done)
            assert_int_equal(arc.result, MOON_RESULT_PASS);
        moon_dns_end(&dns);
        moon_arena_destroy(&apart);
        moon_arena_destroy(&small);
    }
    moon_dns_backend_destroy(&backend);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, moon_chain_begin, moon_chain_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(beyond_four_bodies_the_oldest_pass_is_not_known),
        CASE(beyond_sixteen_megabytes_of_header_the_oldest_pass_is_not_known),
        CASE(the_limit_of_header_bytes_is_exact),
        CASE(asks_for_every_seal_key_but_not_for_every_signature),
        CASE(beyond_the_question_limit_the_chain_fails_for_now),
        CASE(says_when_memory_runs_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, moon_chain_keys, moon_chain_keys_end);
}
