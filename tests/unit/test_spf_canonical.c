/* SPDX-License-Identifier: MIT
 *
 * spf_canonical: what libspf2 is given for a record.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/spf_canonical.h"
#include "engine/base/limits.h"

struct bench {
    struct moon_arena *arena;
    struct moon_spf_check check;
    struct moon_spf_tokens tokens;
    struct moon_spf_scope scope;
};

static void begin(struct bench *bench, const char *record, const char *ip, const char *local)
{
    const char *reason;

    *bench = (struct bench){.arena = moon_arena_create(MOON_ARENA_BYTES_MAX)};
    assert_non_null(bench->arena);
    bench->check.arena = bench->arena;
    bench->check.vars.local = local;
    assert_true(moon_ip_parse(moon_span_of(ip), &bench->check.vars.ip));
    assert_int_equal(
        moon_spf_record_parse(bench->arena, moon_span_of(record), &bench->scope.record, &reason),
        MOON_OK);
    assert_null(reason);
}

#define V4 "192.0.2.1"
#define V6 "2001:db8::1"

static const struct {
    const char *record, *ip, *local, *want;
} table[] = {
    {"v=spf1", V4, "x", "v=spf1"},
    {"v=spf1 -all", V4, "x", "v=spf1 -exists:t0.x"},
    {"v=spf1 ?all a mx", V4, "x", "v=spf1 ?exists:t0.x"},
    {"v=spf1 ip4:192.0.2.0/24 a -all", V4, "x", "v=spf1 +exists:t0.x"},
    {"v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all", V6, "x", "v=spf1 +exists:t0.x"},
    {"v=spf1 ip4:192.0.3.0/24 ip6:2001:db9::/32 -all", V6, "x", "v=spf1 -exists:t0.x"},
    {"v=spf1 a ~mx:e.example", V4, "x", "v=spf1 +a:t0.x ~mx:t1.x"},
    {"v=spf1 a/24//64 mx/32//128", V4, "x", "v=spf1 +a:t0.x/24 +mx:t1.x"},
    {"v=spf1 a/24//64 mx/32//128", V6, "x", "v=spf1 +a:t0.x//64 +mx:t1.x"},
    {"v=spf1 a/31//127 mx", V4, "x", "v=spf1 +a:t0.x/31 +mx:t1.x"},
    {"v=spf1 a/31//127 mx", V6, "x", "v=spf1 +a:t0.x//127 +mx:t1.x"},
    {"v=spf1 a/0 mx//0", V4, "x", "v=spf1 +exists:t0.x +mx:t1.x"},
    {"v=spf1 a/0 mx//0", V6, "x", "v=spf1 +a:t0.x +exists:t1.x"},
    {"v=spf1 ptr -exists:%{l}.e.example include:%{d}.e.example", V4, "x",
     "v=spf1 +exists:t0.x -exists:t1.x +include:t2.x"},
    {"v=spf1 exists:%{l}.e.example include:%{s}.e.example a:%{l}.example", V4, "\xc3\xa4",
     "v=spf1 +exists:t0.x +exists:t1.x +exists:t2.x"},
    {"v=spf1 redirect=e.example a exp=x.example un=known", V4, "x", "v=spf1 +a:t0.x redirect=t1.x"},
    {"v=spf1 redirect=e.example a ~all", V4, "x", "v=spf1 +a:t0.x ~exists:t1.x"},
    {"v=spf1 redirect=e.example ip4:192.0.2.1", V4, "x", "v=spf1 +exists:t0.x"},
    {"v=spf1 redirect=%{l}.e.example", V4, "\xc3\xa4", "v=spf1"},
    {"v=spf1 a a a a a a a a a a a a mx -all", V4, "x",
     "v=spf1 +a:t0.x +a:t1.x +a:t2.x +a:t3.x +a:t4.x +a:t5.x +a:t6.x +a:t7.x +a:t8.x +a:t9.x"
     " +a:t10.x"},
};

static void writes_tokens_for_names_and_only_the_numbers_that_count(void **state)
{
    static struct bench bench;

    (void)state; /* the table carries all */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        begin(&bench, table[i].record, table[i].ip, table[i].local);
        const char *got = moon_spf_canonical(&bench.check, &bench.tokens, &bench.scope);
        if (!got || strcmp(got, table[i].want) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", table[i].record, got ? got : "nothing",
                     table[i].want);
        moon_arena_destroy(&bench.arena);
    }
}

static void finds_tokens_and_nothing_else(void **state)
{
    static const char *const no_tokens[] = {"t2.x", "t256.x", "t.x",  "x",
                                            "",     "t-1.x",  "T0.x", "1.x"};
    static struct bench bench;

    (void)state; /* as above */
    begin(&bench, "v=spf1 a mx", V4, "x");
    assert_non_null(moon_spf_canonical(&bench.check, &bench.tokens, &bench.scope));
    assert_ptr_equal(moon_spf_token_find(&bench.tokens, "t1.x")->term,
                     &bench.scope.record.mechanisms[1]);
    for (size_t i = 0; i < sizeof no_tokens / sizeof *no_tokens; i++)
        assert_null(moon_spf_token_find(&bench.tokens, no_tokens[i]));
    moon_arena_destroy(&bench.arena);
}

static void fails_the_check_when_memory_ends(void **state)
{
    static struct bench bench;

    (void)state; /* as above */
    begin(&bench, "v=spf1 a", V4, "x");
    moon_arena_fail_at(bench.arena, 1);
    assert_null(moon_spf_canonical(&bench.check, &bench.tokens, &bench.scope));
    assert_int_equal(bench.check.status, MOON_ENOMEM);
    moon_arena_destroy(&bench.arena);
}

/* The limits of terms and hosts keep it far from that: it would be a bug of ours. */
static void takes_no_more_tokens_than_there_is_room_for(void **state)
{
    static struct moon_spf_tokens tokens;
    struct moon_spf_check check = {.status = MOON_OK};
    struct moon_spf_token token = {.kind = MOON_SPF_TOKEN_YES};
    char name[MOON_SPF_TOKEN_BYTES] = "";

    (void)state; /* cmocka's, not used */
    moon_bug_is_fatal = false;
    for (size_t i = 0; i < MOON_SPF_TOKENS_MAX; i++)
        assert_true(moon_spf_token_new(&check, &tokens, token, name));
    assert_string_equal(name, "t255.x");
    assert_ptr_equal(moon_spf_token_find(&tokens, name), &tokens.items[255]);
    assert_false(moon_spf_token_new(&check, &tokens, token, name));
    moon_bug_is_fatal = true;
    assert_true(check.stopped);
    assert_int_equal(check.status, MOON_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_tokens_for_names_and_only_the_numbers_that_count),
        cmocka_unit_test(finds_tokens_and_nothing_else),
        cmocka_unit_test(fails_the_check_when_memory_ends),
        cmocka_unit_test(takes_no_more_tokens_than_there_is_room_for),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
