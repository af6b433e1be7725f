/* SPDX-License-Identifier: MIT
 *
 * asks: what policies ask beyond the message: spaces, budgets, and the record of it. Also
 * lua/questions.c, by policies that ask.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/report/results.h"
#include "engine/store/store.h"
#include "engine/verdict/asks.h"
#include "tests/support/policy_case.h"

#define HEAD "local moon = require 'moonscan'\nreturn { message = function(m)\n"
#define TAIL "\nend }"

struct fixture {
    struct policy_case c;
    struct moon_store *store;
    struct moon_dns_backend *backend;
    struct moon_dns *dns;
    struct moon_asks_shared *shared;
    struct moon_asks *asks;
};

static void begin_again(struct fixture *f)
{
    f->shared = moon_asks_share(f->c.arena, &f->c.msg, f->dns, f->store);
    assert_non_null(f->shared);
    f->c.input.asks = f->asks = moon_asks_begin(f->shared, "acme");
    assert_non_null(f->asks);
}

static void begin(struct fixture *f, const char *zone)
{
    struct moon_error error = {""};
    memset(f, 0, sizeof *f);
    policy_case_begin(&f->c);
    assert_int_equal(moon_store_memory(&f->store, NULL), MOON_OK);
    if (zone) {
        assert_int_equal(moon_dns_backend_zone(moon_span_of(zone), "zone", &f->backend, &error),
                         MOON_OK);
        f->dns = moon_dns_begin(f->c.arena, f->backend, 5000, 2);
        assert_non_null(f->dns);
    }
    begin_again(f);
}

static void end(struct fixture *f)
{
    if (f->dns)
        moon_dns_end(&f->dns);
    if (f->backend)
        moon_dns_backend_destroy(&f->backend);
    moon_store_destroy(&f->store);
    policy_case_end(&f->c);
}

/* A policy whose expression must be true on the standard message. */
static void expect_true(struct fixture *f, const char *expression)
{
    char text[4096];
    (void)snprintf(text, sizeof text,
                   HEAD "if %s then return moon.discard {} end return moon.accept {}" TAIL,
                   expression);
    policy_case_policy(&f->c, text);
    struct moon_verdict verdict = policy_case_decide(&f->c);
    if (verdict.kind != MOON_VERDICT_DISCARD)
        fail_msg("%s: got %s", expression, verdict.failure ? verdict.failure : "false");
}

static void expect_failure(const char *body, const char *want)
{
    struct fixture f;
    char text[4096];
    begin(&f, NULL);
    (void)snprintf(text, sizeof text, HEAD "%s" TAIL, body);
    policy_case_policy(&f.c, text);
    struct moon_verdict verdict = policy_case_decide(&f.c);
    if (!verdict.failure || !strstr(verdict.failure, want))
        fail_msg("%s:\n  got  %s\n  want %s", body,
                 verdict.failure ? verdict.failure : "no failure", want);
    end(&f);
}

/* The record of the tenant's decision. */
static const char *record(struct fixture *f, const struct moon_asks *asks)
{
    struct moon_json json;
    struct moon_tenant_verdict tenant = {.tenant = "acme",
                                         .verdict = {.kind = MOON_VERDICT_ACCEPT},
                                         .asks = (void *)(uintptr_t)asks};
    struct moon_outcome outcome = {
        .tenants = &tenant, .tenant_count = 1, .action = MOON_ACTION_ACCEPT};
    moon_json_begin(&json, f->c.arena);
    moon_json_object(&json, NULL);
    moon_json_outcome(&json, &f->c.msg, &outcome);
    moon_json_close(&json, '}');
    return moon_json_end(&json);
}

static void expect_record(struct fixture *f, const struct moon_asks *asks, const char *want)
{
    const char *got = record(f, asks);
    if (!got || !strstr(got, want))
        fail_msg("got  %s\nwant %s", got, want);
}

static void a_policy_counts(void **state)
{
    struct fixture f;
    (void)state; /* cmocka's, not used */
    begin(&f, NULL);
    expect_true(&f, "moon.count { key = m.from.domain } == 1 and"
                    " moon.count { key = m.from.domain, add = 4 } == 5 and"
                    " moon.count { key = m.from.domain, window = '24h', add = 0 } == 5 and"
                    " moon.count { key = m.from.domain, window = 86400, add = 0 } == 5 and"
                    " moon.count { key = m.from.domain, window = '60m' } == 1 and"
                    " moon.count { key = 25 } == 1 and"
                    " moon.count { key = m.list.unsubscribe } == nil");
    expect_record(&f, f.asks,
                  "\"asked\":[{\"count\":\"bank.example\",\"window\":86400,\"add\":1,\"answer\":1},"
                  "{\"count\":\"bank.example\",\"window\":86400,\"add\":4,\"answer\":5},");
    end(&f);
}

static void a_policy_asks_for_the_first_time(void **state)
{
    struct fixture f;
    struct moon_store_question q = {
        .space = MOON_SPAN("t acme"), .key = MOON_SPAN("old"), .span_s = 864000, .add = 1};
    int64_t first_s;
    const char *why;
    (void)state; /* cmocka's, not used */
    begin(&f, NULL);
    q.now_s = f.c.msg.received_s - 7200;
    assert_true(moon_store_first_seen(f.store, &q, &first_s, &why));
    expect_true(&f, "moon.first_seen { key = 'old' } == 7200 and"
                    " moon.first_seen { key = 'new', add = 0 } == false and"
                    " moon.first_seen { key = 'new', keep = '30d' } == 0 and"
                    " moon.first_seen { key = 'new', add = 0 } == 0 and"
                    " moon.first_seen {} == nil");
    expect_record(&f, f.asks,
                  "{\"first_seen\":\"old\",\"keep\":7776000,\"add\":1,\"answer\":7200},"
                  "{\"first_seen\":\"new\",\"keep\":7776000,\"add\":0,\"answer\":-1},");
    end(&f);
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
        struct fixture f;
        begin(&f, ZONE);
        expect_true(&f, table[i]);
        end(&f);
    }
    struct fixture f;
    begin(&f, NULL);
    f.c.input.asks = NULL;
    expect_true(&f, "moon.dns { name = 'a.example' }.result == 'temperror'");
    end(&f);
}

/* Asks at `now_s`; '+': true, '-': false, '?': nil. */
static char retry(struct fixture *f, int64_t now_s, const char *time)
{
    char text[400];
    policy_case_end(&f->c); /* another decision: the store stays */
    policy_case_begin(&f->c);
    f->c.msg.received_s = now_s;
    begin_again(f);
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
    struct fixture f;
    int64_t now_s = 1790000000;
    (void)state; /* cmocka's, not used */
    begin(&f, NULL);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char got = retry(&f, now_s + table[i].after_s, "'4h'");
        if (got != table[i].want)
            fail_msg("row %zu: got %c, want %c", i, got, table[i].want);
    }
    expect_record(&f, f.asks,
                  "{\"first_seen\":\"retry 192.0.2.0 <bounce@fwd.example> x@acme.example "
                  "Y@acme.example\",\"keep\":100800,\"add\":1,\"answer\":0}");
    end(&f);
    begin(&f, NULL);
    moon_store_destroy(&f.store);
    assert_int_equal(retry(&f, now_s, "'4h'"), '?');
    end(&f);
    expect_failure("moon.retry_within('4h')", "moon.retry_within wants m and a time, like");
    expect_failure("moon.retry_within(m)", "moon.retry_within: the time must be a time like");
    expect_failure("moon.retry_within(m, 4.5)", "must be a time like \"24h\"");
}

static void a_retry_is_of_a_network_a_sender_and_recipients(void **state)
{
    struct fixture f;
    const char *one = "moon.retry_within(m, '4h')";
    int64_t first_s;
    (void)state; /* cmocka's, not used */
    begin(&f, NULL);
    expect_true(&f, one);
    end(&f);
    begin(&f, NULL);
    assert_true(moon_ip_parse(MOON_SPAN("2001:db8:1:2:3:4:5:6"), &f.c.msg.session.ip));
    expect_true(&f, one);
    expect_record(&f, f.asks, "\"retry 2001:db8:1:2:: <bounce@fwd.example> ");
    assert_true(moon_asks_first_seen(f.asks, MOON_SPAN("retry other"), 86400, true, &first_s));
    assert_int_equal(first_s, -1);
    end(&f);
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
        expect_failure(table[i][0], table[i][1]);
}

static void without_a_store_there_is_nil_and_a_reason(void **state)
{
    struct fixture f;
    (void)state; /* cmocka's, not used */
    begin(&f, NULL);
    moon_store_destroy(&f.store);
    begin_again(&f);
    expect_true(&f, "moon.count { key = 'x' } == nil and moon.first_seen { key = 'x' } == nil");
    expect_record(&f, f.asks,
                  "{\"count\":\"x\",\"window\":86400,\"add\":1,\"answer\":null,"
                  "\"why\":\"no store is set up\"}");
    end(&f);
    begin(&f, NULL); /* nobody to ask at all: a policy that is being published */
    f.c.input.asks = NULL;
    expect_true(&f, "moon.count { key = 'x' } == nil and moon.first_seen { key = 'x' } == nil");
    end(&f);
}

static void a_question_above_the_limit_is_counted_only(void **state)
{
    struct fixture f;
    char want[60];
    (void)state; /* cmocka's, not used */
    begin(&f, NULL);
    expect_true(&f, "(function() local n = 0"
                    " for i = 1, 23 do n = n + (moon.count { key = 'x' } and 1 or 100) end"
                    " return n end)() == 20 + 300");
    assert_int_equal(moon_asks_refused(f.asks), 3);
    assert_non_null(moon_asks_each(f.asks, MOON_ASKS_MAX - 1));
    assert_null(moon_asks_each(f.asks, MOON_ASKS_MAX));
    (void)snprintf(want, sizeof want, "\"answer\":%u}],\"asked_left_out\":3}", MOON_ASKS_MAX);
    expect_record(&f, f.asks, want);
    end(&f);
}

static int64_t count(struct moon_asks *asks, const char *key)
{
    int64_t n = -1;
    return moon_asks_count(asks, moon_span_of(key), 86400, 1, &n) ? n : -1;
}

static int64_t volume(struct moon_asks *asks, const char *key)
{
    int64_t n = -1;
    return moon_asks_engine_count(asks, "volume", moon_span_of(key), 86400, 1, &n) ? n : -1;
}

static void nobody_reaches_anothers_keys(void **state)
{
    struct fixture f;
    (void)state; /* cmocka's, not used */
    begin(&f, NULL);
    struct moon_asks *beta = moon_asks_begin(f.shared, "beta");
    struct moon_asks *none = moon_asks_begin(f.shared, "");
    assert_int_equal(count(f.asks, "k"), 1);
    assert_int_equal(count(f.asks, "k"), 2);
    assert_int_equal(count(beta, "k"), 1);
    moon_asks_enter(beta, true);
    assert_int_equal(count(beta, "k"), 1); /* the site's own policy, for beta's mail */
    moon_asks_enter(f.asks, true);
    assert_int_equal(count(f.asks, "k"), 2); /* and for acme's: the same space */
    moon_asks_enter(none, false);
    assert_int_equal(count(none, "k"), 3); /* no tenant: the site's */
    moon_asks_enter(f.asks, false);
    assert_int_equal(count(f.asks, "k"), 3);
    assert_int_equal(volume(f.asks, "k"), 1);
    expect_record(&f, f.asks, "{\"count\":\"k\",\"space\":\"site\",");
    expect_record(&f, f.asks, "{\"count\":\"k\",\"space\":\"volume\",");
    end(&f);
}

static void one_message_counts_once_in_the_engines_spaces(void **state)
{
    struct fixture f;
    int64_t first_s = 0;
    (void)state; /* cmocka's, not used */
    begin(&f, NULL);
    struct moon_asks *beta = moon_asks_begin(f.shared, "beta");
    assert_int_equal(volume(f.asks, "a.example"), 1);
    assert_int_equal(volume(beta, "a.example"), 1);
    assert_int_equal(volume(beta, "b.example"), 1);
    assert_non_null(moon_asks_each(beta, 1)); /* both are in its record */
    assert_true(moon_asks_engine_first_seen(beta, "bulk", MOON_SPAN("x"), 864000, true, &first_s));
    assert_int_equal(first_s, -1);
    begin_again(&f); /* the next message */
    assert_int_equal(volume(f.asks, "a.example"), 2);
    assert_true(
        moon_asks_engine_first_seen(f.asks, "bulk", MOON_SPAN("x"), 864000, false, &first_s));
    assert_int_equal(first_s, f.c.msg.received_s);
    end(&f);
}

static void a_dry_run_changes_nothing(void **state)
{
    struct fixture f;
    (void)state; /* cmocka's, not used */
    begin(&f, NULL);
    assert_int_equal(count(f.asks, "k"), 1);
    f.c.msg.dry_run = true;
    begin_again(&f);
    assert_int_equal(count(f.asks, "k"), 2);
    assert_int_equal(count(f.asks, "k"), 2);
    assert_int_equal(volume(f.asks, "k"), 1);
    expect_record(&f, f.asks, "\"add\":1,\"pretended\":true,\"answer\":2}");
    f.c.msg.dry_run = false;
    begin_again(&f);
    moon_asks_pretend(f.asks); /* a shadow */
    assert_int_equal(count(f.asks, "k"), 2);
    assert_int_equal(volume(f.asks, "k"), 1);
    struct moon_asks *live = moon_asks_begin(f.shared, "acme");
    assert_int_equal(count(live, "k"), 2);
    assert_int_equal(volume(live, "k"), 1);
    begin_again(&f);
    assert_int_equal(volume(f.asks, "k"), 2); /* the live one was not taken for the shadow's */
    end(&f);
}

static void dns_has_its_own_budget(void **state)
{
    struct fixture f;
    (void)state; /* cmocka's, not used */
    begin(&f, "a.example. A 192.0.2.1\nb.example. TXT \"x\"\nc.example. SERVFAIL\n");
    (void)moon_dns_wait(f.dns, "own1.example", MOON_DNS_TYPE_A);
    (void)moon_dns_wait(f.dns, "own2.example", MOON_DNS_TYPE_A);
    const struct moon_dns_answer *answer = moon_dns_wait(f.dns, "own3.example", MOON_DNS_TYPE_A);
    assert_true(answer->refused); /* the message's own questions are used up */
    answer = moon_asks_dns(f.asks, "a.example", MOON_DNS_TYPE_A);
    assert_true(answer && answer->state == MOON_DNS_STATE_FOUND);
    answer = moon_asks_dns(f.asks, "c.example", MOON_DNS_TYPE_A);
    assert_true(answer && answer->state == MOON_DNS_STATE_TROUBLE);
    assert_null(moon_asks_dns(f.asks, "own3.example", MOON_DNS_TYPE_A));
    answer = moon_asks_dns(f.asks, "b.example", MOON_DNS_TYPE_A);
    assert_true(answer && answer->state == MOON_DNS_STATE_NODATA);
    assert_non_null(moon_asks_dns(f.asks, "d.example", MOON_DNS_TYPE_MX));
    assert_null(moon_asks_dns(f.asks, "e.example", MOON_DNS_TYPE_A));
    expect_record(&f, f.asks,
                  "[{\"dns\":\"a.example\",\"type\":\"A\",\"answer\":\"found\",\"records\":"
                  "[\"192.0.2.1\"]},{\"dns\":\"c.example\",\"type\":\"A\",\"answer\":\"trouble\","
                  "\"reason\":\"SERVFAIL\"},{\"dns\":\"own3.example\",\"type\":\"A\","
                  "\"answer\":null,\"why\":\"question limit\"},");
    for (unsigned i = 0; i < 5; i++) { /* and all decisions of a message have one together */
        struct moon_asks *more = moon_asks_begin(f.shared, "acme");
        for (unsigned k = 0; k < MOON_ASKS_DNS_MAX; k++)
            assert_true(
                (moon_asks_dns(more, "a.example", MOON_DNS_TYPE_A) != NULL) ==
                (i * MOON_ASKS_DNS_MAX + k < MOON_ASKS_DNS_MESSAGE_MAX - MOON_ASKS_DNS_MAX));
    }
    assert_null(moon_asks_dns(NULL, "a.example", MOON_DNS_TYPE_A));
    end(&f);
}

static void survives_the_failure_of_every_allocation(void **state)
{
    struct fixture f;
    bool done = false;
    (void)state; /* cmocka's, not used */
    begin(&f, ZONE);
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
    end(&f);
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
        cmocka_unit_test(without_a_store_there_is_nil_and_a_reason),
        cmocka_unit_test(a_question_above_the_limit_is_counted_only),
        cmocka_unit_test(nobody_reaches_anothers_keys),
        cmocka_unit_test(one_message_counts_once_in_the_engines_spaces),
        cmocka_unit_test(a_dry_run_changes_nothing),
        cmocka_unit_test(dns_has_its_own_budget),
        cmocka_unit_test(survives_the_failure_of_every_allocation),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
