/* SPDX-License-Identifier: MIT
 *
 * The message's questions: cache, cap, deadline, rounds and the observer, on the zone backend and
 * on a backend that the test plays itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/dns/backend.h"
#include "engine/dns/dns.h"

#define A   MOON_DNS_TYPE_A
#define TXT MOON_DNS_TYPE_TXT

#define PLENTY_MS 60000

static const char zone_text[] = "a TXT one\n"
                                "b TXT two\n"
                                "c TXT three\n"
                                "d TXT four\n"
                                "e TXT five\n"
                                "a A 192.0.2.1\n"
                                "alias CNAME a\n";

struct fixture {
    struct moon_arena *arena;
    struct moon_dns_backend *backend;
    struct moon_dns *dns;
};

static void begin_with(struct fixture *f, struct moon_dns_backend *backend, int64_t deadline_ms,
                       unsigned questions_max)
{
    struct moon_error error = {""};
    f->arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    assert_non_null(f->arena);
    f->backend = backend;
    if (!backend &&
        moon_dns_backend_zone(moon_span_of(zone_text), "test.zone", &f->backend, &error) != MOON_OK)
        fail_msg("got \"%s\", want a zone", error.text);
    f->dns = moon_dns_begin(f->arena, f->backend, deadline_ms, questions_max);
    assert_non_null(f->dns);
}

static void begin(struct fixture *f)
{
    begin_with(f, NULL, PLENTY_MS, 0);
}

static void end(struct fixture *f)
{
    moon_dns_end(&f->dns);
    assert_null(f->dns);
    moon_dns_backend_destroy(&f->backend);
    moon_arena_destroy(&f->arena);
}

static void assert_answer(const struct moon_dns_answer *answer, enum moon_dns_state state,
                          const char *reason)
{
    if (answer->state != state || strcmp(answer->reason, reason) != 0)
        fail_msg("%s: got %s \"%s\", want %s \"%s\"", answer->name,
                 moon_dns_state_name(answer->state), answer->reason, moon_dns_state_name(state),
                 reason);
}

static void asks_each_name_and_type_once(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    const struct moon_dns_answer *first = moon_dns_wait(f.dns, "a", TXT);
    assert_ptr_equal(moon_dns_wait(f.dns, "A.", TXT), first);
    assert_ptr_equal(moon_dns_start(f.dns, "\\097", TXT), first);
    assert_ptr_not_equal(moon_dns_wait(f.dns, "a", A), first);
    assert_int_equal(moon_dns_stats(f.dns).questions, 2);
    assert_string_equal(first->name, "a");
    end(&f);
}

static void answers_names_that_cannot_exist_without_asking(void **state)
{
    static const char label[] = "0123456789012345678901234567890123456789012345678901234567890123";
    char longest[256], text[300];
    struct fixture f;
    (void)state;
    begin(&f);
    (void)snprintf(longest, sizeof longest, "%.63s.%.63s.%.63s.%.61s", label, label, label, label);
    assert_int_equal(strlen(longest), MOON_DOMAIN_MAX);
    (void)snprintf(text, sizeof text, "%s0", longest);
    const char *const bad[] = {"",    ".",  "..",  ".a",    "a..b",   "a..",
                               label, text, "a\\", "a\\25", "a\\256", "a\\2x5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct moon_dns_answer *answer = moon_dns_start(f.dns, bad[i], TXT);
        assert_answer(answer, MOON_DNS_STATE_NXDOMAIN, "bad name");
        assert_int_equal(answer->round, 0);
        assert_ptr_equal(moon_dns_wait(f.dns, bad[i], TXT), answer);
    }
    assert_int_equal(moon_dns_stats(f.dns).questions, 0);
    assert_answer(moon_dns_wait(f.dns, longest, TXT), MOON_DNS_STATE_NXDOMAIN, "");
    (void)snprintf(text, sizeof text, "%.63s.x", label);
    assert_answer(moon_dns_wait(f.dns, text, TXT), MOON_DNS_STATE_NXDOMAIN, "");
    assert_int_equal(moon_dns_stats(f.dns).questions, 2);
    end(&f);
}

static void writes_special_bytes_so_that_no_name_forges_another(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    assert_string_equal(moon_dns_start(f.dns, "a\\.b\\\\c\\000\\ d.X", TXT)->name,
                        "a\\.b\\\\c\\000\\032d.x");
    assert_ptr_not_equal(moon_dns_start(f.dns, "a\\.b", TXT), moon_dns_start(f.dns, "a.b", TXT));
    end(&f);
}

static void refuses_questions_above_the_cap(void **state)
{
    struct fixture f;
    (void)state;
    begin_with(&f, NULL, PLENTY_MS, 2);
    assert_answer(moon_dns_wait(f.dns, "a", TXT), MOON_DNS_STATE_FOUND, "");
    assert_answer(moon_dns_start(f.dns, "b", TXT), MOON_DNS_STATE_PENDING, "");
    /* what is only foreseen is refused without a trace */
    assert_answer(moon_dns_start(f.dns, "c", TXT), MOON_DNS_STATE_TROUBLE, "question limit");
    assert_null(moon_dns_each(f.dns, 2));
    assert_answer(moon_dns_wait(f.dns, "c", TXT), MOON_DNS_STATE_TROUBLE, "question limit");
    assert_answer(moon_dns_wait(f.dns, "c", TXT), MOON_DNS_STATE_TROUBLE, "question limit");
    assert_true(moon_dns_wait(f.dns, "c", TXT)->refused);
    assert_false(moon_dns_wait(f.dns, "a", TXT)->refused);
    assert_answer(moon_dns_wait(f.dns, "b", TXT), MOON_DNS_STATE_FOUND, "");
    assert_answer(moon_dns_wait(f.dns, "a..", TXT), MOON_DNS_STATE_NXDOMAIN, "bad name");
    struct moon_dns_stats stats = moon_dns_stats(f.dns);
    assert_int_equal(stats.questions, 2);
    assert_int_equal(stats.capped, 1);
    assert_int_equal(stats.prefetched, 1);
    end(&f);
}

static void has_a_default_cap_and_bounds_what_it_keeps(void **state)
{
    struct fixture f;
    char name[32];
    size_t kept = 0;
    (void)state;
    begin(&f);
    for (unsigned i = 0; i < 2 * MOON_DNS_ANSWERS_MAX; i++) {
        (void)snprintf(name, sizeof name, "n%u", i);
        assert_true(moon_dns_wait(f.dns, name, TXT)->state != MOON_DNS_STATE_PENDING);
    }
    while (moon_dns_each(f.dns, kept))
        kept++;
    assert_int_equal(kept, MOON_DNS_ANSWERS_MAX);
    assert_int_equal(moon_dns_stats(f.dns).questions, MOON_DNS_QUESTIONS_MAX);
    end(&f);
}

static void lists_answers_in_the_order_asked(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    (void)moon_dns_start(f.dns, "c", TXT);
    (void)moon_dns_wait(f.dns, "a", A);
    (void)moon_dns_wait(f.dns, "nowhere", TXT);
    assert_string_equal(moon_dns_each(f.dns, 0)->name, "c");
    assert_string_equal(moon_dns_each(f.dns, 1)->name, "a");
    assert_int_equal(moon_dns_each(f.dns, 1)->type, A);
    assert_int_equal(moon_dns_each(f.dns, 2)->state, MOON_DNS_STATE_NXDOMAIN);
    assert_null(moon_dns_each(f.dns, 3));
    end(&f);
}

/* --- rounds and the observer --------------------------------------------------------------------
 */

struct chain {
    struct moon_dns *dns;
    unsigned told;
    char order[64];
};

/* a leads to b and c, c to d */
static void prefetch_chain(void *context, const struct moon_dns_answer *answer)
{
    struct chain *chain = context;
    chain->told++;
    (void)strncat(chain->order, answer->name, sizeof chain->order - strlen(chain->order) - 1);
    if (strcmp(answer->name, "a") == 0) {
        (void)moon_dns_start(chain->dns, "b", TXT);
        (void)moon_dns_start(chain->dns, "c", TXT);
    }
    if (strcmp(answer->name, "c") == 0)
        (void)moon_dns_start(chain->dns, "d", TXT);
}

static void counts_rounds_of_an_evaluator_that_asks_one_by_one(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    assert_int_equal(moon_dns_wait(f.dns, "a", TXT)->round, 1);
    assert_int_equal(moon_dns_wait(f.dns, "b", TXT)->round, 2);
    assert_int_equal(moon_dns_wait(f.dns, "a", TXT)->round, 1);
    assert_int_equal(moon_dns_wait(f.dns, "c", TXT)->round, 3);
    assert_int_equal(moon_dns_stats(f.dns).rounds, 3);
    assert_int_equal(moon_dns_stats(f.dns).prefetched, 0);
    end(&f);
}

static void counts_one_round_for_questions_started_together(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    (void)moon_dns_start(f.dns, "a", TXT);
    (void)moon_dns_start(f.dns, "b", TXT);
    (void)moon_dns_start(f.dns, "c", TXT);
    assert_int_equal(moon_dns_wait(f.dns, "a", TXT)->round, 1);
    assert_int_equal(moon_dns_wait(f.dns, "b", TXT)->round, 1);
    assert_int_equal(moon_dns_wait(f.dns, "c", TXT)->round, 1);
    assert_int_equal(moon_dns_stats(f.dns).rounds, 1);
    assert_int_equal(moon_dns_stats(f.dns).prefetched, 3);
    end(&f);
}

static void tells_the_observer_each_answer_once_and_counts_its_chain(void **state)
{
    struct fixture f;
    struct chain chain = {0};
    (void)state;
    begin(&f);
    chain.dns = f.dns;
    moon_dns_observe(f.dns, prefetch_chain, &chain);
    assert_int_equal(moon_dns_wait(f.dns, "a", TXT)->round, 1);
    assert_string_equal(chain.order, "a");
    assert_int_equal(moon_dns_start(f.dns, "c", TXT)->state, MOON_DNS_STATE_PENDING);
    assert_int_equal(moon_dns_wait(f.dns, "b", TXT)->round, 2);
    assert_string_equal(chain.order, "abc"); /* c came with b, and started d */
    assert_int_equal(moon_dns_stats(f.dns).rounds, 2);
    assert_int_equal(moon_dns_wait(f.dns, "d", TXT)->round, 3);
    assert_int_equal(moon_dns_stats(f.dns).rounds, 3);
    assert_int_equal(moon_dns_stats(f.dns).prefetched, 3);
    assert_int_equal(chain.told, 4);
    end(&f);
}

static void prefetch_many(void *context, const struct moon_dns_answer *answer)
{
    char name[32];
    for (int i = 0; i < 100 && strcmp(answer->name, "a") == 0; i++) {
        (void)snprintf(name, sizeof name, "many%d", i);
        (void)moon_dns_start(context, name, TXT);
    }
}

static void keeps_a_part_of_the_cap_from_the_observer(void **state)
{
    struct fixture f;
    (void)state;
    begin_with(&f, NULL, PLENTY_MS, 10);
    moon_dns_observe(f.dns, prefetch_many, f.dns);
    (void)moon_dns_wait(f.dns, "a", TXT);
    assert_int_equal(moon_dns_stats(f.dns).questions, 8);
    assert_answer(moon_dns_wait(f.dns, "b", TXT), MOON_DNS_STATE_FOUND, "");
    assert_answer(moon_dns_wait(f.dns, "many99", TXT), MOON_DNS_STATE_NXDOMAIN, "");
    assert_answer(moon_dns_wait(f.dns, "c", TXT), MOON_DNS_STATE_TROUBLE, "question limit");
    end(&f);
}

/* --- a backend played by the test ---------------------------------------------------------------
 */

struct played {
    struct moon_dns_backend backend;
    struct moon_dns_ask *asks[64];
    size_t asked, answered, cancelled;
    bool at_once; /* deliver from inside ask */
    bool silent;
    bool follows; /* every answer is a CNAME to the next name */
};

static void played_answer(struct moon_dns_ask *ask, struct played *p)
{
    struct moon_dns_reply reply = {.state = MOON_DNS_STATE_NODATA};
    p->answered++;
    reply.follow = p->follows;
    if (p->follows)
        assert_true(moon_dns_wire_parse(MOON_SPAN("target"), &reply.target));
    moon_dns_deliver(ask, &reply);
}

static void played_ask(struct moon_dns_backend *backend, struct moon_dns_ask *ask)
{
    struct played *p = (struct played *)(void *)backend;
    assert_true(p->asked < 64);
    p->asks[p->asked++] = ask;
    if (p->at_once)
        played_answer(ask, p);
}

static void played_step(struct moon_dns_backend *backend, struct moon_dns *dns, int64_t wait_ms)
{
    struct played *p = (struct played *)(void *)backend;
    (void)dns;
    (void)wait_ms;
    while (!p->silent && p->answered < p->asked)
        played_answer(p->asks[p->answered], p);
}

static void played_cancel(struct moon_dns_backend *backend, struct moon_dns *dns)
{
    (void)dns;
    ((struct played *)(void *)backend)->cancelled++;
}

static void played_destroy(struct moon_dns_backend *backend)
{
    (void)backend; /* on the test's stack */
}

static const struct moon_dns_backend_ops played_ops = {
    .destroy = played_destroy, .ask = played_ask, .step = played_step, .cancel = played_cancel};

static void turns_everything_outstanding_into_trouble_at_the_deadline(void **state)
{
    struct played p = {.backend = {&played_ops}, .silent = true};
    struct chain chain = {0};
    struct fixture f;
    (void)state;
    begin_with(&f, &p.backend, 5, 0);
    chain.dns = f.dns;
    moon_dns_observe(f.dns, prefetch_chain, &chain);
    const struct moon_dns_answer *other = moon_dns_start(f.dns, "e", TXT);
    assert_answer(moon_dns_wait(f.dns, "a", TXT), MOON_DNS_STATE_TROUBLE, "timeout");
    assert_answer(other, MOON_DNS_STATE_TROUBLE, "timeout");
    assert_int_equal(p.cancelled, 1);
    assert_int_equal(p.asked, 2); /* what the observer started then was not sent */
    assert_answer(moon_dns_wait(f.dns, "new", TXT), MOON_DNS_STATE_TROUBLE, "timeout");
    assert_int_equal(p.asked, 2);
    assert_int_equal(moon_dns_stats(f.dns).late, 2);
    assert_true(moon_dns_stats(f.dns).waiting_us > 0);
    end(&f);
}

static void follows_cnames_itself_within_the_bound(void **state)
{
    struct played p = {.backend = {&played_ops}, .follows = true};
    struct fixture f;
    (void)state;
    begin_with(&f, &p.backend, PLENTY_MS, 0);
    const struct moon_dns_answer *answer = moon_dns_wait(f.dns, "a", TXT);
    assert_answer(answer, MOON_DNS_STATE_NODATA, "CNAME chain too long");
    assert_string_equal(answer->name, "a");
    assert_int_equal(answer->round, 1 + MOON_DNS_CNAMES_MAX);
    assert_int_equal(moon_dns_stats(f.dns).questions, 1 + MOON_DNS_CNAMES_MAX);
    assert_null(moon_dns_each(f.dns, 1));
    end(&f);

    p = (struct played){.backend = {&played_ops}, .follows = true, .at_once = true};
    begin_with(&f, &p.backend, PLENTY_MS, 3);
    answer = moon_dns_wait(f.dns, "a", TXT);
    assert_answer(answer, MOON_DNS_STATE_TROUBLE, "question limit");
    assert_int_equal(p.asked, 3);
    end(&f);
}

static void tells_answers_that_came_at_once_in_the_next_wait(void **state)
{
    struct played p = {.backend = {&played_ops}, .at_once = true};
    struct chain chain = {0};
    struct fixture f;
    (void)state;
    begin_with(&f, &p.backend, PLENTY_MS, 0);
    chain.dns = f.dns;
    moon_dns_observe(f.dns, prefetch_chain, &chain);
    assert_answer(moon_dns_start(f.dns, "a", TXT), MOON_DNS_STATE_NODATA, "");
    assert_int_equal(chain.told, 0);
    assert_answer(moon_dns_wait(f.dns, "a", TXT), MOON_DNS_STATE_NODATA, "");
    assert_string_equal(chain.order, "abcd");
    assert_answer(moon_dns_wait(f.dns, "e", TXT), MOON_DNS_STATE_NODATA, "");
    assert_string_equal(chain.order, "abcde");
    end(&f);
}

static void gives_trouble_without_memory_at_every_point(void **state)
{
    struct fixture f;
    bool found = false;
    (void)state;
    for (size_t n = 1; n < 20 && !found; n++) {
        begin(&f);
        moon_arena_fail_at(f.arena, n);
        const struct moon_dns_answer *answer = moon_dns_wait(f.dns, "alias", TXT);
        found = answer->state == MOON_DNS_STATE_FOUND;
        if (!found)
            assert_answer(answer, MOON_DNS_STATE_TROUBLE, "no memory");
        else
            assert_true(n > 3);
        end(&f);
    }
    assert_true(found);
    begin(&f);
    moon_arena_fail_at(f.arena, 1);
    assert_null(moon_dns_begin(f.arena, f.backend, PLENTY_MS, 0));
    end(&f);
}

static void names_types_and_states(void **state)
{
    (void)state;
    assert_string_equal(moon_dns_type_name(A), "A");
    assert_string_equal(moon_dns_type_name(MOON_DNS_TYPE_AAAA), "AAAA");
    assert_string_equal(moon_dns_type_name(MOON_DNS_TYPE_CNAME), "CNAME");
    assert_string_equal(moon_dns_type_name(MOON_DNS_TYPE_PTR), "PTR");
    assert_string_equal(moon_dns_type_name(MOON_DNS_TYPE_MX), "MX");
    assert_string_equal(moon_dns_type_name(TXT), "TXT");
    assert_string_equal(moon_dns_state_name(MOON_DNS_STATE_PENDING), "pending");
    assert_string_equal(moon_dns_state_name(MOON_DNS_STATE_NXDOMAIN), "nxdomain");
}

/* For policies. */
static void one_question_more_has_time_of_its_own(void **state)
{
    struct played p = {.backend = {&played_ops}, .silent = true};
    struct fixture f;
    (void)state; /* cmocka's, not used */
    begin_with(&f, NULL, 0, 1);
    assert_answer(moon_dns_wait(f.dns, "a", TXT), MOON_DNS_STATE_TROUBLE, "timeout");
    assert_answer(moon_dns_wait_extra(f.dns, "a", TXT, PLENTY_MS), MOON_DNS_STATE_TROUBLE,
                  "timeout"); /* it had its time */
    assert_answer(moon_dns_wait_extra(f.dns, "b", TXT, PLENTY_MS), MOON_DNS_STATE_FOUND, "");
    assert_answer(moon_dns_wait_extra(f.dns, "c", TXT, PLENTY_MS), MOON_DNS_STATE_FOUND, "");
    end(&f);
    begin_with(&f, &p.backend, 0, 1);
    const struct moon_dns_answer *answer = moon_dns_wait_extra(f.dns, "a", TXT, 0);
    assert_answer(answer, MOON_DNS_STATE_TROUBLE, "timeout");
    assert_int_equal(p.asked, 1);
    assert_int_equal(p.cancelled, 0);
    p.silent = false; /* who comes later has the answer */
    assert_answer(moon_dns_wait_extra(f.dns, "a", TXT, PLENTY_MS), MOON_DNS_STATE_NODATA, "");
    assert_int_equal(p.asked, 1);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_question_more_has_time_of_its_own),
        cmocka_unit_test(asks_each_name_and_type_once),
        cmocka_unit_test(answers_names_that_cannot_exist_without_asking),
        cmocka_unit_test(writes_special_bytes_so_that_no_name_forges_another),
        cmocka_unit_test(refuses_questions_above_the_cap),
        cmocka_unit_test(has_a_default_cap_and_bounds_what_it_keeps),
        cmocka_unit_test(lists_answers_in_the_order_asked),
        cmocka_unit_test(counts_rounds_of_an_evaluator_that_asks_one_by_one),
        cmocka_unit_test(counts_one_round_for_questions_started_together),
        cmocka_unit_test(tells_the_observer_each_answer_once_and_counts_its_chain),
        cmocka_unit_test(keeps_a_part_of_the_cap_from_the_observer),
        cmocka_unit_test(turns_everything_outstanding_into_trouble_at_the_deadline),
        cmocka_unit_test(follows_cnames_itself_within_the_bound),
        cmocka_unit_test(tells_answers_that_came_at_once_in_the_next_wait),
        cmocka_unit_test(gives_trouble_without_memory_at_every_point),
        cmocka_unit_test(names_types_and_states),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
