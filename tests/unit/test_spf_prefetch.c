/* SPDX-License-Identifier: MIT
 *
 * spf_prefetch: how many dependent rounds a check waits for, and what is asked early. The zone
 * backend answers at once; the rounds are counted by who learned of a name from which answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/spf.h"
#include "engine/base/limits.h"

struct bench {
    struct moon_dns_backend *backend;
    struct moon_arena *arena;
    struct moon_dns *dns;
    struct moon_spf_query query;
};

static struct bench begin(const char *zone, const char *ip)
{
    struct bench bench = {
        .query = {.helo = "mx.example", .mail_from = "user@d.example", .receiver = "r.example"}};
    struct moon_error error = {{0}};

    assert_true(moon_ip_parse(moon_span_of(ip), &bench.query.ip));
    if (moon_dns_backend_zone(moon_span_of(zone), "zone", &bench.backend, &error) != MOON_OK)
        fail_msg("%s", error.text);
    bench.arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    assert_non_null(bench.arena);
    bench.dns = moon_dns_begin(bench.arena, bench.backend, MOON_DNS_MS, 0);
    assert_non_null(bench.dns);
    return bench;
}

static void end(struct bench *bench)
{
    moon_dns_end(&bench->dns);
    moon_dns_backend_destroy(&bench->backend);
    moon_arena_destroy(&bench->arena);
}

/* Both identities, as the driver does it. Returns the result of MAIL FROM. */
static enum moon_result run(struct bench *bench)
{
    struct moon_spf spf, helo;
    struct moon_spf_prefetch *prefetch =
        moon_spf_prefetch_begin(bench->arena, bench->dns, &bench->query);

    assert_non_null(prefetch);
    moon_dns_observe(bench->dns, moon_spf_prefetch_observe, prefetch);
    assert_int_equal(moon_spf_check_mail_from(bench->arena, bench->dns, &bench->query, &spf),
                     MOON_OK);
    assert_int_equal(moon_spf_check_helo(bench->arena, bench->dns, &bench->query, &helo), MOON_OK);
    return spf.result;
}

static bool was_asked(const struct bench *bench, const char *name)
{
    const struct moon_dns_answer *answer;
    for (size_t i = 0; (answer = moon_dns_each(bench->dns, i)); i++)
        if (strcmp(answer->name, name) == 0)
            return true;
    return false;
}

#define INCLUDES                                                                                   \
    "i1.example. TXT \"v=spf1 ip4:10.0.0.1 ?all\"\ni2.example. TXT \"v=spf1 ip4:10.0.0.1 ?all\"\n" \
    "i3.example. TXT \"v=spf1 a ?all\"\ni3.example. A 10.0.0.1\nm.example. A 192.0.2.1\n"          \
    "d.example. MX 1 m.example.\n192.0.2.1.e.example. A 127.0.0.2\n"

static void needs_three_rounds_for_includes_and_mx(void **state)
{
    struct bench bench = begin("d.example. TXT \"v=spf1 include:i1.example include:i2.example "
                               "include:i3.example -exists:no.%{i}.e.example mx -all\"\n" INCLUDES,
                               "192.0.2.1");

    (void)state; /* the zone carries all */
    assert_int_equal(run(&bench), MOON_RESULT_PASS);
    struct moon_dns_stats stats = moon_dns_stats(bench.dns);
    assert_int_equal(stats.rounds, 3);
    /* two records, three includes, a of one, exists, mx, its host */
    assert_int_equal(stats.questions, 9);
    assert_int_equal(stats.prefetched, 9);
    end(&bench);
}

static void asks_no_more_than_the_walk_could(void **state)
{
    static const struct {
        const char *record, *name;
        bool want;
    } table[] = {
        {"v=spf1 a:n.example -all", "n.example", true},
        {"v=spf1 -all a:n.example", "n.example", false},
        {"v=spf1 ip4:192.0.2.1 a:n.example -all", "n.example", false},
        {"v=spf1 ip4:192.0.2.9 a:n.example -all", "n.example", true},
        {"v=spf1 redirect=n.example", "n.example", true},
        {"v=spf1 redirect=n.example -all", "n.example", false},
        {"v=spf1 a:n.example moo", "n.example", false},
        {"v=spf1 ?exists:%{p}.n.example ip4:192.0.2.1", "unknown.n.example",
         true}, /* by the walk */
        {"v=spf1 mx", "h.example", true},
        {"v=spf1 ptr", "p.d.example", true},
        {"v=spf1 ptr", "other.example", false},
        {"v=spf1 a:n1.e a:n2.e a:n3.e a:n4.e a:n5.e a:n6.e a:n7.e a:n8.e a:n9.e a:n10.e a:n11.e",
         "n10.e", true},
        {"v=spf1 a:n1.e a:n2.e a:n3.e a:n4.e a:n5.e a:n6.e a:n7.e a:n8.e a:n9.e a:n10.e a:n11.e",
         "n11.e", false},
        {"v=spf1 include:n..example", "n..example", false},
        {"v=spf1 include:%{l}", "user", false}, /* no record can be there */
    };

    (void)state; /* the table carries all */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char zone[1000];
        (void)snprintf(zone, sizeof zone,
                       "d.example. TXT \"%s\"\nd.example. MX 1 h.example.\nh.example. A 10.0.0.1\n"
                       "1.2.0.192.in-addr.arpa. PTR p.d.example.\n"
                       "1.2.0.192.in-addr.arpa. PTR other.example.\n",
                       table[i].record); /* fits: the zone would not parse */
        struct bench bench = begin(zone, "192.0.2.1");
        (void)run(&bench); /* the questions are what counts here */
        if (was_asked(&bench, table[i].name) != table[i].want)
            fail_msg("%s: %s %s", table[i].record, table[i].name,
                     table[i].want ? "was not asked for" : "was asked for");
        end(&bench);
    }
}

static void asks_every_question_of_the_walk_early(void **state)
{
    static const char *const records[] = {
        "a:n.example", "mx", "ptr", "exists:n.example", "include:n.example", "redirect=n.example"};

    (void)state; /* the table carries all */
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        char zone[1000];
        (void)snprintf(zone, sizeof zone,
                       "d.example. TXT \"v=spf1 %s\"\nd.example. MX 1 h.example.\n"
                       "h.example. A 10.0.0.1\nn.example. TXT \"v=spf1 ?all\"\n"
                       "1.2.0.192.in-addr.arpa. PTR p.d.example.\n",
                       records[i]); /* fits: the zone would not parse */
        struct bench bench = begin(zone, "192.0.2.1");
        (void)run(&bench); /* the questions are what counts here */
        struct moon_dns_stats stats = moon_dns_stats(bench.dns);
        if (stats.questions < 3 || stats.prefetched != stats.questions)
            fail_msg("%s: got %u of %u questions early", records[i], stats.prefetched,
                     stats.questions);
        end(&bench);
    }
}

/* RFC 7208 section 2.4: the null sender's identity is that of HELO, asked for once. */
static void begins_with_the_records_of_both_identities(void **state)
{
    static const struct {
        const char *mail_from;
        unsigned questions;
    } rows[] = {{"user@d.example", 2}, {"", 1}, {NULL, 1}, {"user@localhost", 1}};

    (void)state; /* the table carries all */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench bench = begin("d.example. TXT \"v=spf1 -all\"\n", "192.0.2.1");
        bench.query.mail_from = rows[i].mail_from;
        assert_non_null(moon_spf_prefetch_begin(bench.arena, bench.dns, &bench.query));
        assert_int_equal(moon_dns_stats(bench.dns).questions, rows[i].questions);
        assert_true(was_asked(&bench, "mx.example"));
        end(&bench);
    }
}

/* The second identity meets a record that was told before, with other macro values. */
static void follows_an_answer_that_came_for_the_other_identity(void **state)
{
    struct bench bench = begin("d.example. TXT \"v=spf1 include:j.example ?all\"\n"
                               "mx.example. TXT \"v=spf1 include:k.example ?all\"\n"
                               "k.example. TXT \"v=spf1 include:j.example ?all\"\n"
                               "j.example. TXT \"v=spf1 exists:%{o}.n.example ?all\"\n",
                               "192.0.2.1");

    (void)state; /* the zone carries all */
    assert_int_equal(run(&bench), MOON_RESULT_NEUTRAL);
    struct moon_dns_stats stats = moon_dns_stats(bench.dns);
    assert_true(was_asked(&bench, "mx.example.n.example"));
    assert_int_equal(stats.questions, 6);
    assert_int_equal(stats.prefetched, 6);
    end(&bench);
}

/* The same where it is the record of the first identity itself. */
static void follows_the_record_that_the_first_identity_began_with(void **state)
{
    struct bench bench = begin("d.example. TXT \"v=spf1 exists:%{o}.n.example ?all\"\n"
                               "mx.example. TXT \"v=spf1 include:d.example ?all\"\n",
                               "192.0.2.1");

    (void)state; /* the zone carries all */
    assert_int_equal(run(&bench), MOON_RESULT_NEUTRAL);
    struct moon_dns_stats stats = moon_dns_stats(bench.dns);
    assert_true(was_asked(&bench, "mx.example.n.example"));
    assert_int_equal(stats.questions, 4);
    assert_int_equal(stats.prefetched, 4);
    end(&bench);
}

static void follows_an_include_met_twice_and_the_other_identity(void **state)
{
    struct bench bench =
        begin("d.example. TXT \"v=spf1 include:i.example include:j.example -all\"\n"
              "i.example. TXT \"v=spf1 include:j.example ?all\"\n"
              "j.example. TXT \"v=spf1 a:%{d}.n.example ?all\"\n"
              "mx.example. TXT \"v=spf1 a:n2.example -all\"\n"
              "j.example.n.example. AAAA 2001:db8::2\n",
              "2001:db8::1");

    (void)state; /* the zone carries all */
    assert_int_equal(run(&bench), MOON_RESULT_FAIL);
    struct moon_dns_stats stats = moon_dns_stats(bench.dns);
    assert_int_equal(stats.prefetched, stats.questions);
    assert_true(was_asked(&bench, "n2.example"));
    assert_int_equal(stats.rounds, 3);
    end(&bench);
}

/* What an include met three times takes three times is not there for what lies deeper. */
static void follows_an_include_met_again_once(void **state)
{
    struct bench bench = begin(
        "d.example. TXT \"v=spf1 include:i.example include:i.example include:i.example -all\"\n"
        "i.example. TXT \"v=spf1 a:a1.example a:a2.example a:a3.example include:j.example ?all\"\n"
        "j.example. TXT \"v=spf1 a:b.example ?all\"\nb.example. A 192.0.2.1\n"
        "a1.example. A 10.0.0.1\na2.example. A 10.0.0.1\na3.example. A 10.0.0.1\n",
        "192.0.2.1");

    (void)state; /* the zone carries all */
    assert_int_equal(run(&bench), MOON_RESULT_PASS);
    struct moon_dns_stats stats = moon_dns_stats(bench.dns);
    assert_int_equal(stats.questions, 8);
    assert_int_equal(stats.prefetched, 8);
    end(&bench);
}

/* Both ask the same question, but for hosts of their own. */
static void follows_the_hosts_of_two_ptr_terms(void **state)
{
    struct bench bench = begin("d.example. TXT \"v=spf1 ptr:a.example ptr:b.example -all\"\n"
                               "1.2.0.192.in-addr.arpa. PTR h.a.example.\n"
                               "1.2.0.192.in-addr.arpa. PTR h.b.example.\n"
                               "h.b.example. A 192.0.2.1\n",
                               "192.0.2.1");

    (void)state; /* the zone carries all */
    assert_int_equal(run(&bench), MOON_RESULT_PASS);
    struct moon_dns_stats stats = moon_dns_stats(bench.dns);
    assert_int_equal(stats.prefetched, stats.questions);
    end(&bench);
}

/* Ten terms of each identity, and both records. */
static void follows_as_many_answers_as_both_walks(void **state)
{
    char zone[4000];
    size_t n = 0;

    (void)state; /* the zone carries all */
    for (int at = 0; at < 2; at++) {
        n += (size_t)snprintf(zone + n, sizeof zone - n, "%s.example. TXT \"v=spf1",
                              at ? "mx" : "d");
        for (int i = 0; i < 10; i++)
            n += (size_t)snprintf(zone + n, sizeof zone - n, " include:%c%d.e", 'a' + at, i);
        n += (size_t)snprintf(zone + n, sizeof zone - n, " -all\"\n");
        for (int i = 0; i < 10; i++)
            n += (size_t)snprintf(zone + n, sizeof zone - n, "%c%d.e. TXT \"v=spf1 ?all\"\n",
                                  'a' + at, i);
    }
    assert_true(n < sizeof zone);
    struct bench bench = begin(zone, "192.0.2.1");
    assert_int_equal(run(&bench), MOON_RESULT_FAIL);
    struct moon_dns_stats stats = moon_dns_stats(bench.dns);
    assert_int_equal(stats.questions, 22);
    assert_int_equal(stats.prefetched, 22);
    end(&bench);
}

static void follows_a_record_that_includes_itself_once(void **state)
{
    struct bench bench =
        begin("d.example. TXT \"v=spf1 include:d.example include:i.example -all\"\n"
              "i.example. TXT \"v=spf1 a:a1.e a:a2.e a:a3.e a:a4.e a:a5.e a:a6.e "
              "a:a7.e a:a8.e -all\"\n",
              "192.0.2.1");

    (void)state; /* the zone carries all */
    assert_int_equal(run(&bench), MOON_RESULT_PERMERROR);
    (void)moon_dns_wait(bench.dns, "i.example", MOON_DNS_TYPE_TXT); /* the walk did not */
    assert_true(was_asked(&bench, "a8.e"));
    end(&bench);
}

/* RFC 7208 section 4.6.4 */
static void asks_for_hosts_as_far_as_the_walk(void **state)
{
    for (int count = 10; count <= 11; count++) {
        char zone[2000] = "d.example. TXT \"v=spf1 mx ptr -all\"\n";
        size_t n = strlen(zone);
        for (int i = 0; i < count; i++)
            n += (size_t)snprintf(zone + n, sizeof zone - n,
                                  "d.example. MX 1 m%d.e.\n"
                                  "1.2.0.192.in-addr.arpa. PTR p%d.d.example.\n",
                                  i, i);
        assert_true(n < sizeof zone);
        struct bench bench = begin(zone, "192.0.2.1");
        struct moon_spf_prefetch *prefetch =
            moon_spf_prefetch_begin(bench.arena, bench.dns, &bench.query);
        moon_dns_observe(bench.dns, moon_spf_prefetch_observe, prefetch);
        (void)moon_dns_wait(bench.dns, "d.example", MOON_DNS_TYPE_TXT); /* each tells of it */
        (void)moon_dns_wait(bench.dns, "d.example", MOON_DNS_TYPE_MX);
        (void)moon_dns_wait(bench.dns, "1.2.0.192.in-addr.arpa", MOON_DNS_TYPE_PTR);
        assert_true(was_asked(&bench, "p9.d.example"));
        assert_int_equal(was_asked(&bench, "m9.e"), count == 10);
        assert_false(was_asked(&bench, "p10.d.example"));
        end(&bench);
    }
    (void)state; /* the zone carries all */
}

/* RFC 7505 section 3 */
static void asks_for_every_host_but_that_of_a_null_mx(void **state)
{
    static const char *const hosts[][2] = {{"x.", "x"}, {".", ""}};

    for (size_t i = 0; i < 2; i++) {
        char zone[200];
        (void)snprintf(zone, sizeof zone, "d.example. TXT \"v=spf1 mx -all\"\nd.example. MX 1 %s\n",
                       hosts[i][0]); /* fits: the zone would not parse */
        struct bench bench = begin(zone, "192.0.2.1");
        struct moon_spf_prefetch *prefetch =
            moon_spf_prefetch_begin(bench.arena, bench.dns, &bench.query);
        moon_dns_observe(bench.dns, moon_spf_prefetch_observe, prefetch);
        (void)moon_dns_wait(bench.dns, "d.example", MOON_DNS_TYPE_TXT); /* each tells of it */
        (void)moon_dns_wait(bench.dns, "d.example", MOON_DNS_TYPE_MX);
        assert_int_equal(was_asked(&bench, hosts[i][1]), i == 0);
        end(&bench);
    }
    (void)state; /* the zone carries all */
}

static void keeps_to_its_own_cap(void **state)
{
    char zone[8000];
    size_t n = (size_t)snprintf(zone, sizeof zone,
                                "d.example. TXT \"v=spf1 mx:a.e mx:b.e mx:c.e mx:d.e"
                                " mx:e.e mx:f.e mx:g.e -all\"\n");
    struct bench bench;

    (void)state; /* the zone carries all */
    for (char c = 'a'; c <= 'g'; c++)
        for (int host = 0; host < 10; host++)
            n += (size_t)snprintf(zone + n, sizeof zone - n,
                                  "%c.e. MX 1 %c%d.e.\n%c%d.e. A 10.0.0.1\n", c, c, host, c, host);
    assert_true(n < sizeof zone);
    bench = begin(zone, "192.0.2.1");
    (void)run(&bench); /* temperror: more questions than a message may ask */
    struct moon_dns_stats stats = moon_dns_stats(bench.dns);
    assert_int_equal(stats.prefetched, MOON_SPF_PREFETCH_MAX);
    assert_true(stats.questions <= MOON_DNS_QUESTIONS_MAX);
    end(&bench);
}

/* A question that was asked before takes nothing from the cap: 24 different ones, ten of them
 * twice. */
static void counts_a_question_once(void **state)
{
    char zone[8000];
    size_t n = (size_t)snprintf(zone, sizeof zone,
                                "d.example. TXT \"v=spf1 mx:a.e mx:b.e mx:c.e -all\"\n");

    (void)state; /* the zone carries all */
    for (unsigned host = 0; host < 10; host++)
        n += (size_t)snprintf(zone + n, sizeof zone - n,
                              "a.e. MX 1 h%u.e.\nb.e. MX 1 h%u.e.\nh%u.e. A 10.0.0.1\n", host, host,
                              host);
    for (unsigned host = 0; host < MOON_SPF_PREFETCH_MAX - 15; host++)
        n += (size_t)snprintf(zone + n, sizeof zone - n, "c.e. MX 1 c%u.e.\nc%u.e. A 10.0.0.1\n",
                              host, host);
    assert_true(n < sizeof zone);
    struct bench bench = begin(zone, "192.0.2.1");
    assert_int_equal(run(&bench), MOON_RESULT_FAIL);
    struct moon_dns_stats stats = moon_dns_stats(bench.dns);
    assert_int_equal(stats.questions, MOON_SPF_PREFETCH_MAX);
    assert_int_equal(stats.prefetched, MOON_SPF_PREFETCH_MAX);
    end(&bench);
}

static void changes_no_result_whenever_memory_ends(void **state)
{
    (void)state; /* the zone carries all */
    for (size_t n = 1; n < 200; n++) {
        struct bench bench =
            begin("d.example. TXT \"v=spf1 include:i1.example mx -all\"\n" INCLUDES, "192.0.2.1");
        struct moon_spf spf;
        moon_arena_fail_at(bench.arena, n);
        struct moon_spf_prefetch *prefetch =
            moon_spf_prefetch_begin(bench.arena, bench.dns, &bench.query);
        if (prefetch)
            moon_dns_observe(bench.dns, moon_spf_prefetch_observe, prefetch);
        enum moon_status status =
            moon_spf_check_mail_from(bench.arena, bench.dns, &bench.query, &spf);
        assert_true(status == MOON_ENOMEM ||
                    (status == MOON_OK &&
                     (spf.result == MOON_RESULT_PASS || spf.result == MOON_RESULT_TEMPERROR)));
        end(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(needs_three_rounds_for_includes_and_mx),
        cmocka_unit_test(asks_no_more_than_the_walk_could),
        cmocka_unit_test(asks_every_question_of_the_walk_early),
        cmocka_unit_test(begins_with_the_records_of_both_identities),
        cmocka_unit_test(follows_an_include_met_twice_and_the_other_identity),
        cmocka_unit_test(follows_an_answer_that_came_for_the_other_identity),
        cmocka_unit_test(follows_the_record_that_the_first_identity_began_with),
        cmocka_unit_test(follows_an_include_met_again_once),
        cmocka_unit_test(follows_the_hosts_of_two_ptr_terms),
        cmocka_unit_test(follows_as_many_answers_as_both_walks),
        cmocka_unit_test(follows_a_record_that_includes_itself_once),
        cmocka_unit_test(asks_for_hosts_as_far_as_the_walk),
        cmocka_unit_test(asks_for_every_host_but_that_of_a_null_mx),
        cmocka_unit_test(keeps_to_its_own_cap),
        cmocka_unit_test(counts_a_question_once),
        cmocka_unit_test(changes_no_result_whenever_memory_ends),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
