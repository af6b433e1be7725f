/* SPDX-License-Identifier: MIT
 *
 * Kept answers: the table by itself with a clock of its own, and one message after the other on a
 * backend that the test plays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/dns/dns.h"
#include "engine/dns/kept.h"

#define A     MOON_DNS_TYPE_A
#define TXT   MOON_DNS_TYPE_TXT
#define FOUND MOON_DNS_STATE_FOUND

#define PLENTY_MS 60000
#define NOW_MS    1000000

/* --- the table ----------------------------------------------------------------------------------
 */

static struct moon_dns_wire wire_of(const char *name)
{
    struct moon_dns_wire wire;
    assert_true(moon_dns_wire_parse(moon_span_of(name), &wire));
    return wire;
}

static void put_text(struct moon_dns_kept *kept, const char *name, struct moon_span text,
                     uint32_t ttl_s, int64_t now_ms)
{
    struct moon_dns_wire wire = wire_of(name);
    struct moon_dns_record record = {.text = text, .name = ""};
    struct moon_dns_answer answer = {
        .name = name, .type = TXT, .state = FOUND, .reason = "", .records = &record, .count = 1};
    moon_dns_kept_put(kept, &wire, &answer, ttl_s, 1, now_ms);
}

static bool is_kept(const struct moon_dns_kept *kept, const char *name, enum moon_dns_type type,
                    int64_t now_ms)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_dns_answer answer = {.type = type, .reason = ""};
    struct moon_dns_wire wire = wire_of(name);
    unsigned questions;
    assert_non_null(arena);
    bool kept_one = moon_dns_kept_get(kept, &wire, now_ms, arena, &answer, &questions);
    moon_arena_destroy(&arena);
    return kept_one;
}

static void gives_back_all_of_an_answer(void **state)
{
    struct moon_dns_kept *kept = moon_dns_kept_create(60);
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_dns_wire wire = wire_of("Q.Example");
    struct moon_dns_record records[] = {
        {.text = {"a\0b", 3}, .name = ""},
        {.text = {"", 0}, .name = ""},
        {.ip = {.family = 4, .bytes = {192, 0, 2, 1}}, .name = ""},
        {.preference = 10, .name = "mail.example"},
        {.preference = 20, .name = ""},
    };
    struct moon_dns_answer put = {.name = "q.example",
                                  .type = MOON_DNS_TYPE_MX,
                                  .state = FOUND,
                                  .reason = "",
                                  .records = records,
                                  .count = 5,
                                  .more = true};
    struct moon_dns_answer got = {.type = MOON_DNS_TYPE_MX, .reason = ""};
    unsigned questions = 0;
    (void)state;
    moon_dns_kept_put(kept, &wire, &put, 60, 3, NOW_MS);
    wire = wire_of("q.example");
    assert_true(moon_dns_kept_get(kept, &wire, NOW_MS, arena, &got, &questions));
    moon_dns_kept_destroy(&kept); /* what was given is a copy */
    assert_int_equal(got.state, FOUND);
    assert_int_equal(got.count, 5);
    assert_true(got.more);
    assert_int_equal(questions, 3);
    assert_int_equal(got.records[0].text.n, 3);
    assert_memory_equal(got.records[0].text.p, "a\0b", 3);
    assert_int_equal(got.records[1].text.n, 0);
    assert_memory_equal(got.records[2].ip.bytes, records[2].ip.bytes, 4);
    assert_string_equal(got.records[3].name, "mail.example");
    assert_int_equal(got.records[3].preference, 10);
    assert_string_equal(got.records[4].name, "");
    moon_arena_destroy(&arena);
}

static void keeps_as_long_as_the_ttl_and_the_bound_allow(void **state)
{
    static const struct {
        uint32_t ttl_s;
        int64_t kept_ms;
    } table[] = {{0, 0}, {1, 1000}, {59, 59000}, {60, 60000}, {61, 60000}, {UINT32_MAX, 60000}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_dns_kept *kept = moon_dns_kept_create(60);
        put_text(kept, "q.x", MOON_SPAN("text"), table[i].ttl_s, NOW_MS);
        assert_false(is_kept(kept, "q.x", TXT, NOW_MS + table[i].kept_ms));
        if (table[i].kept_ms)
            assert_true(is_kept(kept, "q.x", TXT, NOW_MS + table[i].kept_ms - 1));
        moon_dns_kept_destroy(&kept);
    }
}

static void keeps_answers_and_no_trouble(void **state)
{
    static const struct {
        enum moon_dns_state state;
        const char *reason;
        bool want;
    } table[] = {
        {MOON_DNS_STATE_NODATA, "", true},
        {MOON_DNS_STATE_NXDOMAIN, "", true},
        {MOON_DNS_STATE_NODATA, "CNAME loop", false},
        {MOON_DNS_STATE_TROUBLE, "timeout", false},
        {MOON_DNS_STATE_TROUBLE, "", false},
        {MOON_DNS_STATE_PENDING, "", false},
    };
    struct moon_dns_wire wire = wire_of("q.x");
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_dns_kept *kept = moon_dns_kept_create(60);
        struct moon_dns_answer answer = {
            .type = TXT, .state = table[i].state, .reason = table[i].reason};
        moon_dns_kept_put(kept, &wire, &answer, 60, 1, NOW_MS);
        assert_int_equal(is_kept(kept, "q.x", TXT, NOW_MS), table[i].want);
        moon_dns_kept_destroy(&kept);
    }
}

static void tells_names_and_types_apart(void **state)
{
    struct moon_dns_kept *kept = moon_dns_kept_create(60);
    (void)state;
    put_text(kept, "q.x", MOON_SPAN("text"), 60, NOW_MS);
    assert_true(is_kept(kept, "Q.X.", TXT, NOW_MS));
    assert_false(is_kept(kept, "q.x", A, NOW_MS));
    assert_false(is_kept(kept, "q.y", TXT, NOW_MS));
    assert_false(is_kept(kept, "q.x.x", TXT, NOW_MS));
    moon_dns_kept_empty(kept);
    assert_false(is_kept(kept, "q.x", TXT, NOW_MS));
    assert_int_equal(moon_dns_kept_size(kept).count, 0);
    assert_int_equal(moon_dns_kept_size(kept).bytes, 0);
    moon_dns_kept_destroy(&kept);
}

static void puts_the_newer_answer_in_the_place_of_the_older(void **state)
{
    struct moon_dns_kept *kept = moon_dns_kept_create(60);
    (void)state;
    put_text(kept, "q.x", MOON_SPAN("one"), 60, NOW_MS);
    put_text(kept, "q.x", MOON_SPAN("another"), 1, NOW_MS);
    assert_int_equal(moon_dns_kept_size(kept).count, 1);
    assert_false(is_kept(kept, "q.x", TXT, NOW_MS + 1000));
    moon_dns_kept_destroy(&kept);
}

static void has_bounded_room(void **state)
{
    static char large[MOON_DNS_KEPT_ANSWER_BYTES_MAX];
    static const size_t sizes[] = {1, 100, 4000, sizeof large - 500};
    struct moon_dns_kept *kept = moon_dns_kept_create(60);
    char name[32];
    (void)state;
    memset(large, 'x', sizeof large);
    for (int i = 0; i < 4000; i++) {
        (void)snprintf(name, sizeof name, "n%d.x", i);
        put_text(kept, name, (struct moon_span){large, sizes[i / 1000]}, 60, NOW_MS);
        assert_true(is_kept(kept, name, TXT, NOW_MS)); /* the newest always has room */
        assert_true(moon_dns_kept_size(kept).count <= MOON_DNS_KEPT_MAX);
        assert_true(moon_dns_kept_size(kept).bytes <= MOON_DNS_KEPT_BYTES_MAX);
    }
    assert_true(moon_dns_kept_size(kept).count > 20); /* and not only that one */
    put_text(kept, "large.x", (struct moon_span){large, sizeof large}, 60, NOW_MS);
    assert_false(is_kept(kept, "large.x", TXT, NOW_MS));
    moon_dns_kept_destroy(&kept);
    assert_null(kept);
}

static void takes_no_answer_for_another_in_a_full_table(void **state)
{
    struct moon_dns_kept *kept = moon_dns_kept_create(60);
    char name[32];
    (void)state;
    for (int i = 0; i < 8 * (int)MOON_DNS_KEPT_MAX; i++) {
        (void)snprintf(name, sizeof name, "n%d.x", i);
        put_text(kept, name, MOON_SPAN("text"), 60, NOW_MS);
    }
    assert_int_equal(moon_dns_kept_size(kept).count, MOON_DNS_KEPT_MAX);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "m%d.x", i);
        assert_false(is_kept(kept, name, TXT, NOW_MS));
    }
    moon_dns_kept_empty(kept);
    assert_int_equal(moon_dns_kept_size(kept).count, 0);
    assert_int_equal(moon_dns_kept_size(kept).bytes, 0);
    moon_dns_kept_destroy(&kept);
}

static void keeps_answers_up_to_the_bound_and_no_larger_ones(void **state)
{
    static char large[MOON_DNS_KEPT_ANSWER_BYTES_MAX];
    struct moon_dns_kept *kept = moon_dns_kept_create(60);
    (void)state;
    put_text(kept, "q.x", (struct moon_span){large, 1}, 60, NOW_MS);
    size_t room = sizeof large - (moon_dns_kept_size(kept).bytes - 1);
    moon_dns_kept_empty(kept);
    put_text(kept, "q.x", (struct moon_span){large, room}, 60, NOW_MS);
    assert_int_equal(moon_dns_kept_size(kept).bytes, sizeof large);
    put_text(kept, "q.y", (struct moon_span){large, room + 1}, 60, NOW_MS);
    assert_false(is_kept(kept, "q.y", TXT, NOW_MS));
    moon_dns_kept_destroy(&kept);
}

static void frees_what_has_ended(void **state)
{
    struct moon_dns_kept *kept = moon_dns_kept_create(60);
    char name[32];
    (void)state;
    for (int i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof name, "old%d.x", i);
        put_text(kept, name, MOON_SPAN("text"), 1, NOW_MS);
    }
    for (int i = 0; i < (int)MOON_DNS_KEPT_MAX; i++) /* the same question again and again */
        put_text(kept, "new.x", MOON_SPAN("text"), 60, NOW_MS + 1000);
    assert_int_equal(moon_dns_kept_size(kept).count, 1);
    moon_dns_kept_destroy(&kept);
}

static void gives_nothing_without_memory(void **state)
{
    struct moon_dns_kept *kept = moon_dns_kept_create(60);
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_dns_answer answer = {.type = TXT, .reason = ""};
    struct moon_dns_wire wire = wire_of("q.x");
    unsigned questions = 0;
    (void)state;
    put_text(kept, "q.x", MOON_SPAN("text"), 60, NOW_MS);
    moon_arena_fail_at(arena, 1);
    assert_false(moon_dns_kept_get(kept, &wire, NOW_MS, arena, &answer, &questions));
    assert_int_equal(answer.state, MOON_DNS_STATE_PENDING);
    moon_arena_destroy(&arena);
    moon_dns_kept_destroy(&kept);
}

/* --- messages -----------------------------------------------------------------------------------
 *
 * The played server knows by a name's first label what to say: "nx", "nodata", "fail"; "alias" is a
 * CNAME that has to be followed, of 7 s; anything else has a record.
 */

struct played {
    struct moon_dns_backend backend;
    uint32_t ttl_s;
    unsigned asked;
};

static void played_ask(struct moon_dns_backend *backend, struct moon_dns_ask *ask)
{
    struct played *played = (struct played *)(void *)backend;
    struct moon_dns_record record = {.text = MOON_SPAN("text"), .name = ""};
    struct moon_dns_reply reply = {.state = FOUND, .ttl_s = played->ttl_s};
    struct moon_span label = {(const char *)ask->name.bytes + 1, ask->name.bytes[0]};
    played->asked++;
    if (moon_span_is(label, "nx"))
        reply.state = MOON_DNS_STATE_NXDOMAIN;
    else if (moon_span_is(label, "nodata"))
        reply.state = MOON_DNS_STATE_NODATA;
    else if (moon_span_is(label, "fail"))
        reply = (struct moon_dns_reply){.state = MOON_DNS_STATE_TROUBLE, .reason = "SERVFAIL"};
    else if (moon_span_is(label, "alias")) {
        reply = (struct moon_dns_reply){.follow = true, .target = wire_of("target.y"), .ttl_s = 7};
    } else {
        reply.records = moon_arena_alloc(moon_dns_arena(ask->dns), sizeof record);
        assert_non_null(reply.records);
        *reply.records = record;
        reply.count = 1;
    }
    moon_dns_deliver(ask, &reply);
}

static void nothing_to_step(struct moon_dns_backend *backend, struct moon_dns *dns, int64_t wait_ms)
{
    (void)backend; /* every answer was there at once */
    (void)dns;
    (void)wait_ms;
}

static void nothing_to_cancel(struct moon_dns_backend *backend, struct moon_dns *dns)
{
    (void)backend; /* the same */
    (void)dns;
}

static void nothing_to_destroy(struct moon_dns_backend *backend)
{
    (void)backend; /* it is on the stack */
}

static const struct moon_dns_backend_ops played_ops = {.destroy = nothing_to_destroy,
                                                       .ask = played_ask,
                                                       .step = nothing_to_step,
                                                       .cancel = nothing_to_cancel};

struct fixture {
    struct played played;
    struct moon_dns_backend *backend;
    struct moon_arena *arena;
    struct moon_dns *dns;
};

static void begin_message(struct fixture *f, unsigned questions_max)
{
    if (f->dns)
        moon_dns_end(&f->dns);
    moon_arena_destroy(&f->arena);
    f->arena = moon_arena_create(1 << 20);
    f->dns = moon_dns_begin(f->arena, f->backend, PLENTY_MS, questions_max);
    assert_non_null(f->dns);
    f->played.asked = 0;
}

static void begin(struct fixture *f, uint32_t ttl_s, int64_t seconds)
{
    *f = (struct fixture){.played = {.backend = {.ops = &played_ops}, .ttl_s = ttl_s}};
    f->backend = &f->played.backend;
    moon_dns_backend_keep(f->backend, seconds);
    begin_message(f, 0);
}

static void end(struct fixture *f)
{
    moon_dns_end(&f->dns);
    moon_dns_backend_destroy(&f->backend);
    moon_arena_destroy(&f->arena);
}

static void asks_nothing_that_an_earlier_message_has_asked(void **state)
{
    static const char *const names[] = {"a.x", "nx.x", "nodata.x"};
    struct fixture f;
    (void)state;
    begin(&f, 60, 60);
    for (int message = 0; message < 3; message++) {
        for (size_t i = 0; i < 3; i++) {
            const struct moon_dns_answer *answer = moon_dns_wait(f.dns, names[i], TXT);
            assert_int_equal(answer->state, i == 0   ? FOUND
                                            : i == 1 ? MOON_DNS_STATE_NXDOMAIN
                                                     : MOON_DNS_STATE_NODATA);
            assert_int_equal(answer->cached, message > 0);
        }
        struct moon_dns_stats stats = moon_dns_stats(f.dns);
        assert_int_equal(f.played.asked, message ? 0 : 3);
        assert_int_equal(stats.questions, message ? 0 : 3);
        assert_int_equal(stats.cached, message ? 3 : 0);
        assert_int_equal(stats.rounds, message ? 0 : 3);
        begin_message(&f, 0);
    }
    assert_int_equal(moon_dns_wait(f.dns, "fresh.x", TXT)->round, 1);
    assert_int_equal(moon_dns_wait(f.dns, "a.x", TXT)->round, 1);
    assert_int_equal(moon_dns_wait(f.dns, "fresh.y", TXT)->round, 2);
    end(&f);
}

static void asks_again_when_nothing_may_be_kept(void **state)
{
    static const struct {
        const char *name;
        uint32_t ttl_s;
        int64_t seconds;
    } table[] = {{"a.x", 0, 60}, {"nx.x", 0, 60}, {"a.x", 60, 0}, {"fail.x", 60, 60}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct fixture f;
        begin(&f, table[i].ttl_s, table[i].seconds);
        for (int message = 0; message < 2; message++) {
            assert_false(moon_dns_wait(f.dns, table[i].name, TXT)->cached);
            assert_int_equal(f.played.asked, 1);
            begin_message(&f, 0);
        }
        end(&f);
    }
}

/* Results must not depend on what others have asked before. */
static void counts_what_is_kept_under_the_cap(void **state)
{
    char name[32];
    struct fixture f;
    (void)state;
    begin(&f, 60, 60);
    for (int message = 0; message < 2; message++) {
        begin_message(&f, 4);
        for (int i = 0; i < 6; i++) {
            (void)snprintf(name, sizeof name, "n%d.x", i);
            assert_int_equal(moon_dns_wait(f.dns, name, TXT)->refused, i >= 4);
        }
        assert_int_equal(moon_dns_stats(f.dns).capped, 2);
    }
    assert_int_equal(moon_dns_stats(f.dns).cached, 4);
    end(&f);
}

static void counts_the_questions_for_a_cname_too(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, 60, 60);
    assert_int_equal(moon_dns_wait(f.dns, "alias.x", TXT)->state, FOUND);
    assert_int_equal(f.played.asked, 2);
    begin_message(&f, 2);
    assert_int_equal(moon_dns_wait(f.dns, "alias.x", TXT)->count, 1);
    assert_int_equal(moon_dns_stats(f.dns).cached, 2);
    assert_true(moon_dns_wait(f.dns, "other.x", TXT)->refused);
    begin_message(&f, 1); /* room for the CNAME, not for its target */
    const struct moon_dns_answer *answer = moon_dns_wait(f.dns, "alias.x", TXT);
    assert_true(answer->refused);
    assert_int_equal(answer->count, 0);
    assert_int_equal(f.played.asked, 0);
    end(&f);
}

static void keeps_no_longer_than_the_cname_on_the_way(void **state)
{
    struct moon_dns_wire wire = wire_of("alias.x");
    struct moon_dns_answer answer = {.type = TXT, .reason = ""};
    unsigned questions = 0;
    struct fixture f;
    (void)state;
    begin(&f, 60, 60);
    int64_t before_ms = moon_clock_ms();
    (void)moon_dns_wait(f.dns, "alias.x", TXT); /* looked at below */
    int64_t after_ms = moon_clock_ms();
    assert_true(
        moon_dns_kept_get(f.backend->kept, &wire, before_ms + 6999, f.arena, &answer, &questions));
    assert_false(
        moon_dns_kept_get(f.backend->kept, &wire, after_ms + 7000, f.arena, &answer, &questions));
    end(&f);
}

static void note(void *context, const struct moon_dns_answer *answer)
{
    struct fixture *f = context;
    if (strcmp(answer->name, "first.x") == 0)
        (void)moon_dns_start(f->dns, "second.x", TXT); /* waited for below */
}

static void tells_the_observer_of_kept_answers(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, 60, 60);
    for (int message = 0; message < 2; message++) {
        begin_message(&f, 0);
        moon_dns_observe(f.dns, note, &f);
        (void)moon_dns_start(f.dns, "first.x", TXT); /* waited for below */
        assert_int_equal(moon_dns_wait(f.dns, "first.x", TXT)->state, FOUND);
        assert_non_null(moon_dns_each(f.dns, 1));
        assert_string_equal(moon_dns_each(f.dns, 1)->name, "second.x");
        assert_int_equal(moon_dns_each(f.dns, 1)->round, message ? 0 : 2);
    }
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_all_of_an_answer),
        cmocka_unit_test(keeps_as_long_as_the_ttl_and_the_bound_allow),
        cmocka_unit_test(keeps_answers_and_no_trouble),
        cmocka_unit_test(tells_names_and_types_apart),
        cmocka_unit_test(puts_the_newer_answer_in_the_place_of_the_older),
        cmocka_unit_test(has_bounded_room),
        cmocka_unit_test(takes_no_answer_for_another_in_a_full_table),
        cmocka_unit_test(keeps_answers_up_to_the_bound_and_no_larger_ones),
        cmocka_unit_test(frees_what_has_ended),
        cmocka_unit_test(gives_nothing_without_memory),
        cmocka_unit_test(asks_nothing_that_an_earlier_message_has_asked),
        cmocka_unit_test(asks_again_when_nothing_may_be_kept),
        cmocka_unit_test(counts_what_is_kept_under_the_cap),
        cmocka_unit_test(counts_the_questions_for_a_cname_too),
        cmocka_unit_test(keeps_no_longer_than_the_cname_on_the_way),
        cmocka_unit_test(tells_the_observer_of_kept_answers),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
