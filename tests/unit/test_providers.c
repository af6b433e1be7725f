/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/providers.c and lua/data.c, and of the shipped table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "lua/embedded.h"
#include "lua/providers.h"

static const struct moon_limits limits = {10000000, 8 << 20, 20000};

/* NULL and the error, or the table. */
static const struct moon_providers *parse(struct moon_arena *arena, const char *text,
                                          struct moon_error *error)
{
    const struct moon_providers *providers = NULL;
    enum moon_status status = moon_providers_parse(arena, &limits, moon_span_of(text),
                                                   "profiles/providers.lua", &providers, error);
    assert_true((status == MOON_OK) == (providers != NULL));
    return providers;
}

#define HEAD "return { dated = '2026-01-01',\n"
#define ONE  "{ name = 'a', title = 'A', source = 's', hosts = { 'a.example' } },\n"

static void a_wrong_table_is_refused_with_its_line(void **state)
{
    static const char *const table[][2] = {
        {"return 5", "providers.lua:1: the file returns a table"},
        {"return {}", "dated is missing"},
        {"return { dated = '2026-01-01' }", "the table holds 1 to 10000 entries"},
        {"return {\n dated = '2026-02-30', {} }", "providers.lua:2: dated must be a date like"},
        {"return {\n dated = '2026-13-01', {} }", "dated must be a date like"},
        {"return {\n dated = 20260101, {} }",
         "providers.lua:2: dated must be a text, not a number"},
        {"return { date = '2026-01-01' }", "there is no field 'date'; did you mean 'dated'?"},
        {HEAD "5 }", "providers.lua:2: entry 1: a table is wanted"},
        {HEAD "{ name = 'a' } }", "providers.lua:2: title is missing"},
        {HEAD "{ title = 'a' } }", "name is missing"},
        {HEAD ONE "{ name = 'b', title = 'B' } }", "providers.lua:3: source is missing"},
        {HEAD "{ name = 'b', title = 'B', source = 's' } }",
         "b: hosts, networks, spf, arc or dkim"},
        {HEAD "{ name = 'A b' , title = 'B', source = 's' } }", "name: lower-case letters"},
        {HEAD "{ name = 'b', title = 'B', source = 's',\nhost = { 'b.example' } } }",
         "providers.lua:3: there is no field 'host'; did you mean 'hosts'?"},
        {HEAD "{ name = 'b', title = 'B', source = 's',\nhosts = 'b.example' } }",
         "providers.lua:3: hosts must be a list, not a string"},
        {HEAD "{ name = 'b', title = 'B', source = 's', hosts = {} } }",
         "hosts: a list with something in it is wanted"},
        {HEAD "{ name = 'b', title = 'B', source = 's', hosts = { 5 } } }",
         "hosts: a list of texts is wanted"},
        {HEAD "{ name = 'b', title = 'B', source = 's', hosts = { 'com' } } }",
         "hosts: 'com' is no domain"},
        {HEAD "{ name = 'b', title = 'B', source = 's', dkim = { 'a b' } } }",
         "dkim: 'a b' is no domain"},
        {HEAD "{ name = 'b', title = 'B', source = 's',\nnetworks = { '1.2.3' } } }",
         "providers.lua:3: networks: '1.2.3' is no address"},
        {HEAD "{ name = 'b', title = 'a\\nb', source = 's' } }", "title: a text of one line"},
        {HEAD ONE "{ name = 'b', title = 'B', source = 's',\nhosts = { 'A.Example' } } }",
         "providers.lua:4: hosts: 'a.example' stands with a already"},
        {HEAD "{ name = 'a', title = 'A', source = 's', networks = { '192.0.2.1/24' } },\n"
              "{ name = 'b', title = 'B', source = 's',\nnetworks = { '192.0.2.0/24' } } }",
         "providers.lua:4: networks: '192.0.2.0/24' stands with a already"},
        {"while true do end", "providers.lua:1: instruction limit of 10000000 reached"},
        {"return os", "'os' is not available"},
        {"return { dated = ('x'):rep(2000) }", "dated: a text of 1 to 1000 bytes is wanted"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_error error = {""};
        const struct moon_providers *providers = parse(arena, table[i][0], &error);
        if (providers || !strstr(error.text, table[i][1]))
            fail_msg("%s: got '%s', want '%s'", table[i][0], error.text, table[i][1]);
        moon_arena_destroy(&arena);
    }
}

static void want_provider(const struct moon_providers *providers, const struct moon_message *msg,
                          const struct moon_results *results, const char *want)
{
    struct moon_provider_found found = {.name = "?"};
    char got[500] = "nobody";
    if (moon_providers_find(providers, msg, results, &found))
        (void)snprintf(got, sizeof got, "%s by %s: %s", found.name,
                       moon_provider_kind_name(found.kind), found.evidence);
    assert_string_equal(got, want);
}

static void the_longest_network_and_the_nearest_name_win(void **state)
{
    static const char *const text =
        HEAD "{ name = 'wide', title = 'W', source = 's', networks = { '192.0.2.0/24', '::/0' },\n"
             "hosts = { 'wide.example' } },\n"
             "{ name = 'small', title = 'S', source = 's', networks = { '192.0.2.128/25' },\n"
             "hosts = { 'small.wide.example' } } }";
    static const char *const table[][3] = {
        {"192.0.2.1", NULL, "wide by network: address 192.0.2.1 in 192.0.2.0/24"},
        {"192.0.2.200", NULL, "small by network: address 192.0.2.200 in 192.0.2.128/25"},
        {"192.0.3.1", NULL, "nobody"},
        {"2001:db8::1", NULL, "wide by network: address 2001:db8::1 in ::/0"},
        {"192.0.3.1", "a.wide.example", "wide by hostname: host name a.wide.example"},
        {"192.0.3.1", "a.small.wide.example", "small by hostname: host name a.small.wide.example"},
        {"192.0.3.1", "example", "nobody"},
        {"192.0.3.1", "", "nobody"},
        {"192.0.3.1", ".", "nobody"},
    };
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_error error = {""};
    const struct moon_providers *providers = parse(arena, text, &error);
    struct moon_results results = {.arc = {.result = MOON_RESULT_NONE}};
    (void)state; /* cmocka's, not used */
    assert_non_null(providers);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct moon_message msg = {.session = {.host_name = table[i][1]}};
        assert_true(moon_ip_parse(moon_span_of(table[i][0]), &msg.session.ip));
        want_provider(providers, &msg, &results, table[i][2]);
    }
    struct moon_message unknown = {.session = {.host_name = NULL}};
    want_provider(providers, &unknown, &results, "nobody");
    moon_arena_destroy(&arena);
}

static void only_the_newest_seal_of_a_chain_that_passes_counts(void **state)
{
    static const char *const text =
        HEAD "{ name = 'seals', title = 'S', source = 's', arc = { 'seal.example' } },\n"
             "{ name = 'signs', title = 'S', source = 's', dkim = { 'sign.example' } } }";
    struct moon_arc_set sets[2] = {{.domain = "list.example"}, {.domain = "seal.example"}};
    struct moon_dkim_sig sig = {.result = MOON_RESULT_PASS, .domain = "sign.example"};
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_error error = {""};
    const struct moon_providers *providers = parse(arena, text, &error);
    struct moon_message msg = {.session = {.host_name = NULL}};
    struct moon_results results = {
        .arc = {.result = MOON_RESULT_PASS, .verified = true, .sets = sets, .set_count = 2},
        .dkim = {.result = MOON_RESULT_PASS, .sigs = &sig, .count = 1}};
    (void)state; /* cmocka's, not used */
    assert_non_null(providers);
    want_provider(providers, &msg, &results, "seals by arc: ARC seal of seal.example");
    results.arc.result = MOON_RESULT_FAIL;
    want_provider(providers, &msg, &results, "signs by dkim: DKIM pass of sign.example");
    results.arc.result = MOON_RESULT_PASS;
    results.arc.verified = false;
    want_provider(providers, &msg, &results, "signs by dkim: DKIM pass of sign.example");
    results.arc.verified = true;
    sets[0].domain = "seal.example";
    sets[1].domain = "list.example";
    want_provider(providers, &msg, &results, "signs by dkim: DKIM pass of sign.example");
    sig.result = MOON_RESULT_FAIL;
    want_provider(providers, &msg, &results, "nobody");
    moon_arena_destroy(&arena);
}

/* The shipped table is as our readers will see it: parsed, dated, its domains written as they are
 * compared (an alias in other case would be a mistake of ours). */
static void the_shipped_table_is_in_order(void **state)
{
    const struct moon_embedded *e = moon_embedded;
    struct moon_arena *arena = moon_arena_create(MOON_LIST_MEMORY_MAX);
    struct moon_error error = {""};
    (void)state; /* cmocka's, not used */
    while (e->name && strcmp(e->name, "policies/profiles/providers.lua") != 0)
        e++;
    assert_non_null(e->name);
    const struct moon_providers *providers = parse(arena, e->text, &error);
    if (!providers)
        fail_msg("%s", error.text);
    assert_true(strcmp(moon_providers_dated(providers), "2026-11-21") >= 0);
    struct moon_buf buf = moon_buf_of(moon_span_of(e->text));
    while (moon_buf_until(&buf, '"').p && moon_buf_skip(&buf, '"')) {
        struct moon_span text = moon_buf_until(&buf, '"');
        bool domain =
            moon_span_find(text, ' ') == (size_t)-1 && moon_span_rfind(text, '.') < text.n;
        assert_true(moon_buf_skip(&buf, '"'));
        for (size_t i = 0; domain && i < text.n; i++)
            if (moon_lower(text.p[i]) != text.p[i])
                fail_msg("%.*s is not in lower case", (int)text.n, text.p);
    }
    moon_arena_destroy(&arena);
}

static void without_memory_it_says_so(void **state)
{
    (void)state; /* cmocka's, not used */
    size_t tried = 0;
    for (size_t n = 1; n < 100; n++, tried++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_error error = {""};
        const struct moon_providers *providers = NULL;
        moon_arena_fail_at(arena, n);
        enum moon_status status = moon_providers_parse(arena, &limits, moon_span_of(HEAD ONE "}"),
                                                       "p.lua", &providers, &error);
        moon_arena_destroy(&arena);
        if (status == MOON_OK)
            break;
        assert_int_equal(status, MOON_ENOMEM);
        assert_string_equal(error.text, "p.lua: no memory");
    }
    assert_true(tried > 3 && tried < 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_table_is_refused_with_its_line),
        cmocka_unit_test(the_longest_network_and_the_nearest_name_win),
        cmocka_unit_test(only_the_newest_seal_of_a_chain_that_passes_counts),
        cmocka_unit_test(the_shipped_table_is_in_order),
        cmocka_unit_test(without_memory_it_says_so),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
