/* SPDX-License-Identifier: MIT
 *
 * questions: moon.count, moon.first_seen, moon.dns and moon.retry_within as policies use them; also
 * lua/question_dns.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/asks_case.h"

static void a_policy_counts(void **state)
{
    struct asks_case f;
    (void)state; /* cmocka's, not used */
    asks_case_begin(&f, NULL);
    asks_case_expect_true(&f,
                          "moon.count { key = m.from.domain } == 1 and"
                          " moon.count { key = m.from.domain, add = 4 } == 5 and"
                          " moon.count { key = m.from.domain, window = '24h', add = 0 } == 5 and"
                          " moon.count { key = m.from.domain, window = 86400, add = 0 } == 5 and"
                          " moon.count { key = m.from.domain, window = '60m' } == 1 and"
                          " moon.count { key = 25 } == 1 and"
                          " moon.count { key = m.list.unsubscribe } == nil");
    asks_case_expect_record(
        &f, f.asks,
        "\"asked\":[{\"count\":\"bank.example\",\"window\":86400,\"add\":1,\"answer\":1},"
        "{\"count\":\"bank.example\",\"window\":86400,\"add\":4,\"answer\":5},");
    asks_case_end(&f);
}

static void a_policy_asks_for_the_first_time(void **state)
{
    struct asks_case f;
    struct moon_store_question q = {
        .space = MOON_SPAN("t acme"), .key = MOON_SPAN("old"), .span_s = 864000, .add = 1};
    int64_t first_s;
    const char *why;
    (void)state; /* cmocka's, not used */
    asks_case_begin(&f, NULL);
    q.now_s = f.c.msg.received_s - 7200;
    assert_true(moon_store_first_seen(f.store, &q, &first_s, &why));
    asks_case_expect_true(&f, "moon.first_seen { key = 'old' } == 7200 and"
                              " moon.first_seen { key = 'new', add = 0 } == false and"
                              " moon.first_seen { key = 'new', keep = '30d' } == 0 and"
                              " moon.first_seen { key = 'new', add = 0 } == 0 and"
                              " moon.first_seen {} == nil");
    asks_case_expect_record(&f, f.asks,
                            "{\"first_seen\":\"old\",\"keep\":7776000,\"add\":1,\"answer\":7200},"
                            "{\"first_seen\":\"new\",\"keep\":7776000,\"add\":0,\"answer\":-1},");
    asks_case_end(&f);
}

#define ZONE                                                                                       \
    "a.example. A 192.0.2.1\na.example. A 192.0.2.2\na.example. AAAA 2001:db8::1\n"                \
    "a.example. TXT \"one\" \" and two\"\nm.example. MX 20 b.example.\nm.example. MX 10 "          \
    "c.example.\n"                                                                                 \
    "m.example. MX 20 a.example.\nbad.example. SERVFAIL\n"                                         \
    "7.2.0.192.bl.example. A 127.0.0.2\n7.2.0.192.in-addr.arpa. PTR Out.FWD.example.\n"            \
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example. A 127.0.0.3\n"    \
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR six.example.\n"

static void a_policy_asks_dns(void **state)
{
    static const char *const table[] = {
        "(function() local a = moon.dns { name = 'a.example' } return a.result == 'answer' and"
        " a.name == 'a.example' and a.type == 'A' and a.reason == '' and #a.items == 2 and"
        " table.concat(a.items, ' ') == '192.0.2.1 192.0.2.2' end)()",
        "moon.dns { name = 'A.Example.', type = 'AAAA' }.items[1] == '2001:db8::1'",
        "moon.dns { name = 'a.example', type = 'TXT' }.items[1] == 'one and two'",
        "table.concat(moon.dns { name = 'm.example', type = 'MX' }.items, ' ') =="
        " 'c.example b.example a.example'",
        "moon.dns { name = 'm.example' }.result == 'nodata' and"
        " #moon.dns { name = 'm.example' }.items == 0",
        "moon.dns { name = 'nowhere.example' }.result == 'nxdomain'",
        "moon.dns { name = 'bad.example' }.result == 'temperror' and"
        " moon.dns { name = 'bad.example' }.reason == 'SERVFAIL'",
        "moon.dns { ip = m.session.ip, zone = 'bl.example' }.items[1] == '127.0.0.2'",
        "moon.dns { ip = m.session.ip, type = 'PTR' }.items[1] == 'out.fwd.example'",
        "moon.dns { ip = '2001:db8::1', zone = 'bl.example' }.items[1] == '127.0.0.3'",
        "moon.dns { ip = '2001:db8::1', type = 'PTR' }.items[1] == 'six.example'",
        /* What the message does not have is no mistake of the policy's. */
        "moon.dns { name = m.list.unsubscribe }.result == 'nxdomain' and"
        " moon.dns { name = m.list.unsubscribe }.reason == 'the name is nil'",
        "moon.dns { ip = m.session.hostname, zone = 'bl.example' }.reason == 'the address is nil'",
        "moon.dns { ip = 'localhost', zone = 'bl.example' }.reason == 'no address'",
        "moon.dns { ip = m.session.hostname, type = 'PTR' }.result == 'nxdomain'",
        "moon.dns { name = 'a\\0.example' }.reason == 'bad name'",
        "moon.dns { name = ('a.'):rep(600) .. 'example' }.result == 'nxdomain'",
        "moon.dns { name = 'a..example' }.reason == 'bad name'",
        "moon.dns { name = '' }.result == 'nxdomain'",
        "(function() for i = 1, 5 do moon.dns { name = i .. '.example' } end"
        " local a = moon.dns { name = 'a.example' }"
        " return a.result == 'temperror' and a.reason == 'question limit' end)()",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct asks_case f;
        asks_case_begin(&f, ZONE);
        asks_case_expect_true(&f, table[i]);
        asks_case_end(&f);
    }
    struct asks_case f;
    asks_case_begin(&f, NULL);
    f.c.input.asks = NULL;
    asks_case_expect_true(&f, "moon.dns { name = 'a.example' }.result == 'temperror'");
    asks_case_end(&f);
}

/* Asks at `now_s`; '+': true, '-': false, '?': nil. */
static char retry(struct asks_case *f, int64_t now_s, const char *time)
{
    char text[400];
    policy_case_end(&f->c); /* another decision: the store stays */
    policy_case_begin(&f->c);
    f->c.msg.received_s = now_s;
    asks_case_begin_again(f);
    (void)snprintf(text, sizeof text,
                   HEAD "local r = moon.retry_within(m, %s) if r then return moon.defer {} end"
                        " if r == false then return moon.reject {} end" TAIL,
                   time);
    policy_case_policy(&f->c, text);
    struct moon_verdict verdict = policy_case_decide(&f->c);
    assert_null(verdict.failure);
    return verdict.kind == MOON_VERDICT_DEFER    ? '+'
           : verdict.kind == MOON_VERDICT_REJECT ? '-'
                                                 : '?';
}

static void a_retry_is_known_for_a_bounded_time(void **state)
{
    static const struct {
        int64_t after_s;
        char want;
    } table[] = {
        {0, '+'},
        {900, '+'},
        {14399, '+'},
        {14400, '-'},
        {14400 + 20 * 3600, '-'}, /* a client that tries again seldom */
        {14400 + 40 * 3600, '-'},
        {14400 + 70 * 3600, '+'}, /* and this is another trouble */
    };
    struct asks_case f;
    int64_t now_s = 1790000000;
    (void)state; /* cmocka's, not used */
    asks_case_begin(&f, NULL);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char got = retry(&f, now_s + table[i].after_s, "'4h'");
        if (got != table[i].want)
            fail_msg("row %zu: got %c, want %c", i, got, table[i].want);
    }
    asks_case_expect_record(&f, f.asks,
                            "{\"first_seen\":\"retry 192.0.2.0 <bounce@fwd.example> x@acme.example "
                            "Y@acme.example\",\"keep\":100800,\"add\":1,\"answer\":0}");
    asks_case_end(&f);
    asks_case_begin(&f, NULL);
    moon_store_destroy(&f.store);
    assert_int_equal(retry(&f, now_s, "'4h'"), '?');
    asks_case_end(&f);
    asks_case_expect_failure("moon.retry_within('4h')",
                             "moon.retry_within wants m and a time, like");
    asks_case_expect_failure("moon.retry_within(m)",
                             "moon.retry_within: the time must be a time like");
    asks_case_expect_failure("moon.retry_within(m, 4.5)", "must be a time like \"24h\"");
}

static void a_retry_is_of_a_network_a_sender_and_recipients(void **state)
{
    struct asks_case f;
    const char *one = "moon.retry_within(m, '4h')";
    int64_t first_s;
    (void)state; /* cmocka's, not used */
    asks_case_begin(&f, NULL);
    asks_case_expect_true(&f, one);
    asks_case_end(&f);
    asks_case_begin(&f, NULL);
    assert_true(moon_ip_parse(MOON_SPAN("2001:db8:1:2:3:4:5:6"), &f.c.msg.session.ip));
    asks_case_expect_true(&f, one);
    asks_case_expect_record(&f, f.asks, "\"retry 2001:db8:1:2:: <bounce@fwd.example> ");
    assert_true(moon_asks_first_seen(f.asks, MOON_SPAN("retry other"), 86400, true, &first_s));
    assert_int_equal(first_s, -1);
    asks_case_end(&f);
}

static void mistakes_are_told_at_their_line(void **state)
{
    static const char *const table[][2] = {
        {"moon.count 'x'", "tenants/acme.lua:3: moon.count wants a table, like moon.count { key"},
        {"moon.count { kye = 'x' }", "moon.count has no field 'kye'; did you mean 'key'?"},
        {"moon.count { 'x' }", "moon.count wants named fields"},
        {"moon.count { key = {} }", "moon.count: key must be a text, not a table"},
        {"moon.count { key = 'x', window = 'day' }", "window must be a time like \"24h\""},
        {"moon.count { key = 'x', window = '24H' }", "window must be a time like \"24h\""},
        {"moon.count { key = 'x', window = '59s' }", "from 1m to 90d"},
        {"moon.count { key = 'x', window = '91d' }", "from 1m to 90d"},
        {"moon.count { key = 'x', window = -1 }", "window must be a time"},
        {"moon.count { key = 'x', add = -1 }", "add must be a whole number from 0"},
        {"moon.count { key = 'x', add = 1.5 }", "add must be a whole number from 0"},
        {"moon.count { key = 'x', add = '1' }", "add must be a whole number from 0"},
        {"moon.first_seen { key = 'x', window = '1h' }", "moon.first_seen has no field 'window'"},
        {"moon.first_seen { key = 'x', keep = '401d' }", "from 1m to 400d"},
        {"moon.dns 'x'", "moon.dns wants a table, like moon.dns { name = m.from.domain, type"},
        {"moon.dns { nmae = 'x' }", "moon.dns has no field 'nmae'; did you mean 'name'?"},
        {"moon.dns { name = 'x', type = 'SOA' }", "moon.dns: type must be \"A\", \"AAAA\""},
        {"moon.dns { name = 'x', type = 1 }", "moon.dns: type must be a text, not a number"},
        {"moon.dns { name = 25 }", "moon.dns: name must be a text, not a number"},
        {"moon.dns { name = 'x', ip = '192.0.2.1', zone = 'y' }", "a name, or an ip and a zone"},
        {"moon.dns { ip = '192.0.2.1' }", "with ip, name the zone"},
        {"return moon.dns { name = 'x' }.rsult",
         "the DNS answer has no field 'rsult'; did you mean 'result'?"},
        {"moon.first_seen { key = 'x', add = 2 }", "add must be a whole number from 0"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        asks_case_expect_failure(table[i][0], table[i][1]);
}

static void survives_the_failure_of_every_allocation(void **state)
{
    struct asks_case f;
    bool done = false;
    (void)state; /* cmocka's, not used */
    asks_case_begin(&f, ZONE);
    policy_case_policy(&f.c, HEAD
                       "local n = moon.count { key = 'k', add = 0 }\n"
                       "local first = moon.first_seen { key = 'k' }\n"
                       "local again = moon.retry_within(m, '4h')\n"
                       "local a = moon.dns { ip = m.session.ip, zone = 'bl.example' }\n"
                       "if n == 0 and first == 0 and again and a.items[1] == '127.0.0.2' then\n"
                       "return moon.discard { comment = a.name } end return moon.accept {}" TAIL);
    assert_int_equal(policy_case_decide(&f.c).kind, MOON_VERDICT_DISCARD);
    for (size_t n = 1; n < 100 && !done; n++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_dns *dns = moon_dns_begin(arena, f.backend, 5000, 2);
        struct moon_verdict verdict;
        assert_non_null(dns);
        moon_store_destroy(&f.store);
        assert_int_equal(moon_store_memory(&f.store, NULL), MOON_OK);
        moon_arena_fail_at(arena, n);
        struct moon_asks_shared *shared = moon_asks_share(arena, &f.c.msg, dns, f.store);
        f.c.input.asks = shared ? moon_asks_begin(shared, "acme") : NULL;
        if (f.c.input.asks) {
            enum moon_status status = moon_policy_decide(f.c.policies, arena, &f.c.input, &verdict);
            assert_true(status == MOON_OK || status == MOON_ENOMEM);
            done = status == MOON_OK;
            if (done && verdict.kind != MOON_VERDICT_DISCARD)
                fail_msg("allocation %zu changes the verdict", n);
        }
        moon_dns_end(&dns);
        moon_arena_destroy(&arena);
    }
    assert_true(done);
    asks_case_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_counts),
        cmocka_unit_test(a_policy_asks_for_the_first_time),
        cmocka_unit_test(a_policy_asks_dns),
        cmocka_unit_test(a_retry_is_known_for_a_bounded_time),
        cmocka_unit_test(a_retry_is_of_a_network_a_sender_and_recipients),
        cmocka_unit_test(mistakes_are_told_at_their_line),
        cmocka_unit_test(survives_the_failure_of_every_allocation),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
