/* SPDX-License-Identifier: MIT
 *
 * spf_trace: the steps of whole checks, each with the zone that leads to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/spf.h"
#include "engine/auth/spf_trace.h"

struct row {
    const char *what, *zone, *want; /* a line for each step */
};

/* "depth domain term[+more] outcome[/result] lookups" */
static void say(struct moon_str *str, const struct moon_spf_step *step)
{
    moon_str_addf(str, "%u %s %.*s", step->depth, step->domain, (int)step->term.n, step->term.p);
    if (step->more)
        moon_str_addf(str, "+%u", step->more);
    moon_str_addf(str, " %s", moon_spf_outcome_name(step->outcome));
    if (step->result != MOON_RESULT_NONE)
        moon_str_addf(str, "/%s", moon_result_name(step->result));
    moon_str_addf(str, " %u\n", step->lookups);
}

static void run(const struct row *row)
{
    struct moon_spf_query query = {
        .helo = "", .mail_from = "\xc3\xa4@d.example", .receiver = "r.example"};
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_dns_backend *backend = NULL;
    struct moon_spf spf;
    struct moon_str str;

    assert_true(moon_ip_parse(MOON_SPAN("192.0.2.1"), &query.ip));
    assert_int_equal(moon_dns_backend_zone(moon_span_of(row->zone), row->what, &backend, NULL),
                     MOON_OK);
    struct moon_dns *dns = moon_dns_begin(arena, backend, MOON_DNS_MS, 1000);
    assert_non_null(dns);
    assert_int_equal(moon_spf_check_mail_from(arena, dns, &query, &spf), MOON_OK);
    moon_str_begin(&str, arena);
    for (size_t i = 0; i < spf.step_count; i++)
        say(&str, &spf.steps[i]);
    const char *got = moon_str_end(&str);
    if (strcmp(got, row->want) != 0)
        print_message("# %s: got\n%swant\n%s", row->what, got, row->want);
    assert_string_equal(got, row->want);
    moon_dns_end(&dns);
    moon_dns_backend_destroy(&backend);
    moon_arena_destroy(&arena);
}

#define ROWS(rows)                                                                                 \
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)                                        \
    run(&rows[i])

static void tells_what_each_mechanism_came_to(void **state)
{
    static const struct row rows[] = {
        {"no record", "e.example. A 192.0.2.1", ""},
        {"a record of its version alone", "d.example. TXT \"v=spf1\"", ""},
        {"all", "d.example. TXT \"v=spf1 ~all a\"", "0 d.example ~all match/softfail 0\n"},
        {"a: not, void, match",
         "d.example. TXT \"v=spf1 a:x.example a:y.example ?a:z.example/24 -all\"\n"
         "x.example. A 10.0.0.1\nz.example. A 10.0.0.1\nz.example. A 192.0.2.9",
         "0 d.example a:x.example no match 1\n0 d.example a:y.example void 2\n"
         "0 d.example ?a:z.example/24 match/neutral 3\n"},
        {"length 0", "d.example. TXT \"v=spf1 a:x.example/0\"\nx.example. A 10.0.0.1",
         "0 d.example a:x.example/0 match/pass 1\n"},
        {"mx: the hosts are no steps",
         "d.example. TXT \"v=spf1 mx:x.example mx -all\"\nx.example. MX 1 h.example.\n"
         "h.example. A 10.0.0.1\nd.example. MX 1 h.example.\nd.example. MX 2 i.example.\n"
         "i.example. A 192.0.2.1",
         "0 d.example mx:x.example no match 1\n0 d.example mx match/pass 2\n"},
        {"mx with a host that is not there",
         "d.example. TXT \"v=spf1 mx -all\"\nd.example. MX 1 h.example.",
         "0 d.example mx void 1\n0 d.example -all match/fail 1\n"},
        {"ptr and exists",
         "d.example. TXT \"v=spf1 exists:no.example ptr:e.example exists:x.example\"\n"
         "1.2.0.192.in-addr.arpa. PTR h.example.\nx.example. A 127.0.0.2",
         "0 d.example exists:no.example void 1\n0 d.example ptr:e.example no match 2\n"
         "0 d.example exists:x.example match/pass 3\n"},
        {"a term that RFC 8616 section 4 makes mute",
         "d.example. TXT \"v=spf1 exists:%{l}.x.example -all\"",
         "0 d.example exists:%{l}.x.example no match 1\n0 d.example -all match/fail 1\n"},
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

/* RFC 7208 section 4.7: an include of a record in which nothing matches is neutral, no match. */
static void lists_a_run_of_addresses_once(void **state)
{
    static const struct row rows[] = {
        {"in front of a match", "d.example. TXT \"v=spf1 ip4:10.0.0.1 ip6:::1 ip4:192.0.2.0/24\"",
         "0 d.example ip4:10.0.0.1+1 no match 0\n0 d.example ip4:192.0.2.0/24 match/pass 0\n"},
        {"around a question, and at the end",
         "d.example. TXT \"v=spf1 ip4:10.0.0.1 a:x.example ip4:10.0.0.2 ip4:10.0.0.3 ip4:10.0.0.4\""
         "\nx.example. A 10.0.0.1",
         "0 d.example ip4:10.0.0.1 no match 0\n0 d.example a:x.example no match 1\n"
         "0 d.example ip4:10.0.0.2+2 no match 1\n"},
        {"at the end of an included record, and behind the include",
         "d.example. TXT \"v=spf1 include:i.example ip4:10.0.0.2 -all\"\n"
         "i.example. TXT \"v=spf1 ip4:10.0.0.1\"",
         "0 d.example include:i.example no match/neutral 1\n1 i.example ip4:10.0.0.1 no match 1\n"
         "0 d.example ip4:10.0.0.2 no match 1\n0 d.example -all match/fail 1\n"},
        {"not behind what decides",
         "d.example. TXT \"v=spf1 a:x.example ip4:10.0.0.1\"\n"
         "x.example. A 192.0.2.1",
         "0 d.example a:x.example match/pass 1\n"},
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

/* RFC 7208 sections 5.2 and 6.1 */
static void shows_the_tree_of_includes(void **state)
{
    static const struct row rows[] = {
        {"a fail is no match, a pass is",
         "d.example. TXT \"v=spf1 include:i.example ~include:j.example -all\"\n"
         "i.example. TXT \"v=spf1 a:x.example -all\"\nx.example. A 10.0.0.1\n"
         "j.example. TXT \"v=spf1 include:k.example\"\nk.example. TXT \"v=spf1 +all\"",
         "0 d.example include:i.example no match/fail 1\n1 i.example a:x.example no match 2\n"
         "1 i.example -all match/fail 2\n0 d.example ~include:j.example match/softfail 3\n"
         "1 j.example include:k.example match/pass 4\n2 k.example +all match/pass 4\n"},
        {"an include that passes by a redirect, and addresses that are not reached",
         "d.example. TXT \"v=spf1 include:i.example ip4:10.0.0.1\"\n"
         "i.example. TXT \"v=spf1 redirect=s.example\"\ns.example. TXT \"v=spf1 ip4:192.0.2.1\"",
         "0 d.example include:i.example match/pass 1\n"
         "1 i.example redirect=s.example followed/pass 2\n"
         "2 s.example ip4:192.0.2.1 match/pass 2\n"},
        {"redirect, and an include with a redirect",
         "d.example. TXT \"v=spf1 redirect=r.example include:i.example\"\n"
         "i.example. TXT \"v=spf1 redirect=s.example\"\ns.example. TXT \"v=spf1 ?all\"\n"
         "r.example. TXT \"v=spf1 -all\"",
         "0 d.example include:i.example no match/neutral 1\n"
         "1 i.example redirect=s.example followed/neutral 2\n2 s.example ?all match/neutral 2\n"
         "0 d.example redirect=r.example followed/fail 3\n1 r.example -all match/fail 3\n"},
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

static void an_error_marks_the_way_to_it(void **state)
{
    static const struct row rows[] = {
        {"below an include",
         "d.example. TXT \"v=spf1 include:i.example -all\"\ni.example. TXT \"v=spf1 ip4:10.0.0.1 "
         "include:j.example\"\nj.example. TXT \"v=spf1 a:x.example -all\"\nx.example. A TIMEOUT",
         "0 d.example include:i.example error/temperror 1\n1 i.example ip4:10.0.0.1 no match 1\n"
         "1 i.example include:j.example error/temperror 2\n"
         "2 j.example a:x.example error/temperror 3\n"},
        {"of an include without a record", "d.example. TXT \"v=spf1 include:i.example -all\"",
         "0 d.example include:i.example error/permerror 1\n"},
        {"the third void answer", "d.example. TXT \"v=spf1 a:x.x a:y.y a:z.z -all\"",
         "0 d.example a:x.x void 1\n0 d.example a:y.y void 2\n"
         "0 d.example a:z.z error/permerror 3\n"},
        {"a redirect to nothing", "d.example. TXT \"v=spf1 redirect=r.example\"",
         "0 d.example redirect=r.example error/permerror 1\n"},
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

/* As many steps as the limits of RFC 7208 section 4.6.4 allow: eleven includes one in another, each
 * behind an address. */
static void the_longest_chain_has_room(void **state)
{
    static const struct row row = {
        "a record that includes itself", "d.example. TXT \"v=spf1 ip4:10.0.0.1 include:d.example\"",
        "0 d.example ip4:10.0.0.1 no match 0\n0 d.example include:d.example error/permerror 1\n"
        "1 d.example ip4:10.0.0.1 no match 1\n1 d.example include:d.example error/permerror 2\n"
        "2 d.example ip4:10.0.0.1 no match 2\n2 d.example include:d.example error/permerror 3\n"
        "3 d.example ip4:10.0.0.1 no match 3\n3 d.example include:d.example error/permerror 4\n"
        "4 d.example ip4:10.0.0.1 no match 4\n4 d.example include:d.example error/permerror 5\n"
        "5 d.example ip4:10.0.0.1 no match 5\n5 d.example include:d.example error/permerror 6\n"
        "6 d.example ip4:10.0.0.1 no match 6\n6 d.example include:d.example error/permerror 7\n"
        "7 d.example ip4:10.0.0.1 no match 7\n7 d.example include:d.example error/permerror 8\n"
        "8 d.example ip4:10.0.0.1 no match 8\n8 d.example include:d.example error/permerror 9\n"
        "9 d.example ip4:10.0.0.1 no match 9\n9 d.example include:d.example error/permerror 10\n"
        "10 d.example ip4:10.0.0.1 no match 10\n"
        "10 d.example include:d.example error/permerror 11\n"};

    (void)state; /* the row carries all */
    run(&row);
}

static void says_when_there_is_no_memory_for_the_steps(void **state)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_spf_check check = {.arena = arena};
    struct moon_spf_scope scope = {.record = {.count = 0}};
    struct moon_spf_trace trace;

    (void)state; /* nothing is set up */
    moon_arena_fail_at(arena, 1);
    assert_false(moon_spf_trace_begin(&trace, &check, &scope));
    assert_int_equal(check.status, MOON_ENOMEM);
    moon_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_each_mechanism_came_to),
        cmocka_unit_test(lists_a_run_of_addresses_once),
        cmocka_unit_test(shows_the_tree_of_includes),
        cmocka_unit_test(an_error_marks_the_way_to_it),
        cmocka_unit_test(the_longest_chain_has_room),
        cmocka_unit_test(says_when_there_is_no_memory_for_the_steps),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
