/* SPDX-License-Identifier: MIT
 *
 * spf_walker: the walk by libspf2 and the plain one agree on everything a result tells, and ask the
 * same number of questions, for records made at random from a fixed seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "tests/support/spf_walker.h"

#define ROUNDS 6000

/* Numbers that look random and are the same on every machine. */
static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % below;
}

static const char *const words[] = {
    "a",
    "mx",
    "ptr",
    "a:h0.e",
    "a:h1.e/24",
    "a:h2.e//64",
    "a:none.e",
    "a:down.e",
    "a/0",
    "a//0",
    "mx:m0.e",
    "mx:m1.e/24//64",
    "mx:m2.e",
    "mx:m3.e/0//0",
    "mx:many.e",
    "mx:null.e",
    "mx:none.e",
    "exists:h0.e",
    "exists:%{i}.e",
    "exists:%{l}.x.e",
    "exists:%{p}.x.e",
    "exists:none.e",
    "exists:%{l1r-}.%{d2}",
    "exists:a..e",
    "include:r0.e",
    "include:r1.e",
    "include:r2.e",
    "include:r3.e",
    "include:none.e",
    "include:bad.e",
    "include:down.e",
    "include:%{l}.x.e",
    "ptr:e",
    "ptr:none.e",
    "ip4:192.0.2.0/24",
    "ip4:10.0.0.0/8",
    "ip6:2001:db8::/32",
    "ip6:::/0",
    "all",
    "a:%{d}",
    "a:%{h}",
    "include:%{d3}",
};
static const char *const modifiers[] = {
    "redirect=r0.e",   "redirect=r1.e",     "redirect=r2.e",
    "redirect=none.e", "redirect=%{l}.x.e", "exp=x.e",
    "exp=%{l}.e",      "other=thing",       "moo",
};
static const char hosts[] =
    "h0.e. A 192.0.2.1\nh0.e. AAAA 2001:db8::1\nh1.e. A 192.0.2.77\nh2.e. AAAA 2001:db8::77\n"
    "h3.e. A 10.0.0.1\nd.e. A 10.0.0.2\nd.e. MX 1 h3.e.\nd.e. MX 2 h0.e.\ndown.e. SERVFAIL\n"
    "m0.e. MX 1 h0.e.\nm1.e. MX 1 h3.e.\nm1.e. MX 2 h1.e.\nm1.e. MX 3 h2.e.\nm2.e. MX 1 none.e.\n"
    "m2.e. MX 2 h3.e.\nm3.e. MX 1 h3.e.\nm3.e. MX 2 down.e.\nnull.e. MX 0 .\n"
    "many.e. MX 1 a1.e.\nmany.e. MX 1 a2.e.\nmany.e. MX 1 a3.e.\nmany.e. MX 1 a4.e.\n"
    "many.e. MX 1 a5.e.\nmany.e. MX 1 a6.e.\nmany.e. MX 1 a7.e.\nmany.e. MX 1 a8.e.\n"
    "many.e. MX 1 a9.e.\nmany.e. MX 1 a10.e.\nmany.e. MX 1 a11.e.\nbad.e. TXT \"v=spf1 moo\"\n"
    "1.2.0.192.in-addr.arpa. PTR h0.e.\nx.e. TXT \"%{i} is not of %{d}, says %{o}\"\n"
    "user.x.e. A 127.0.0.2\nh0.e.x.e. A 127.0.0.2\n";

static size_t add_record(char *zone, size_t size, const char *name, uint32_t *seed)
{
    size_t n = (size_t)snprintf(zone, size, "%s. TXT \"v=spf1\"", name);
    uint32_t terms = draw(seed, 5) == 0 ? 14 : 1 + draw(seed, 5);

    for (uint32_t i = 0; i < terms; i++)
        n += (size_t)snprintf(zone + n, size - n, " \" %c%s\"", "+-~?"[draw(seed, 4)],
                              words[draw(seed, sizeof words / sizeof *words)]);
    for (uint32_t i = draw(seed, 3); i > 0; i--)
        n += (size_t)snprintf(zone + n, size - n, " \" %s\"",
                              modifiers[draw(seed, sizeof modifiers / sizeof *modifiers)]);
    n += (size_t)snprintf(zone + n, size - n, "\n");
    assert_true(n < size);
    return n;
}

static const char *or_none(const char *text)
{
    return text ? text : "(none)";
}

/* One check by one of the two, in one line. */
static void say(char *line, size_t size, const char *zone, const struct moon_spf_query *query,
                bool oracle)
{
    struct moon_error error = {{0}};
    struct moon_dns_backend *backend = NULL;
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_spf spf;

    assert_non_null(arena);
    if (moon_dns_backend_zone(moon_span_of(zone), "random", &backend, &error) != MOON_OK)
        fail_msg("%s", error.text);
    struct moon_dns *dns = moon_dns_begin(arena, backend, MOON_DNS_MS, 1000);
    assert_non_null(dns);
    assert_int_equal(oracle ? moon_spf_walker_check(arena, dns, query, &spf)
                            : moon_spf_check_mail_from(arena, dns, query, &spf),
                     MOON_OK);
    (void)snprintf(line, size, "%s; matched %s; %u terms; %u void; %u questions; %s; %s",
                   moon_result_name(spf.result), or_none(spf.matched), spf.lookups, spf.voids,
                   moon_dns_stats(dns).questions, or_none(spf.explanation),
                   or_none(spf.reason)); /* cut at worst, both alike */
    moon_dns_end(&dns);
    moon_dns_backend_destroy(&backend);
    moon_arena_destroy(&arena);
}

static void agree_on_records_made_at_random(void **state)
{
    static const char *const senders[] = {"user@d.e", "user@d.e", "\xc3\xa4@d.e", "", "a b@d.e"};
    static const char *const clients[] = {"192.0.2.1", "2001:db8::1", "192.0.2.200"};
    static const char *const names[] = {"d.e", "r0.e", "r1.e", "r2.e", "r3.e"};
    static char zone[16000], got[2000], want[2000];
    unsigned seen[8] = {0};
    uint32_t seed = 20240501;

    (void)state; /* the seed carries all */
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct moon_spf_query query = {.helo = "d.e", .receiver = "receiver.example"};
        size_t n = (size_t)snprintf(zone, sizeof zone, "%s", hosts);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            n += add_record(zone + n, sizeof zone - n, names[i], &seed);
        query.mail_from = senders[draw(&seed, sizeof senders / sizeof *senders)];
        assert_true(moon_ip_parse(
            moon_span_of(clients[draw(&seed, sizeof clients / sizeof *clients)]), &query.ip));
        say(got, sizeof got, zone, &query, false);
        say(want, sizeof want, zone, &query, true);
        if (strcmp(got, want) != 0)
            fail_msg("round %u: got \"%s\", want \"%s\" for\n%s", round, got, want,
                     zone + sizeof hosts - 1);
        for (unsigned result = 0; result < 8; result++)
            seen[result] +=
                strncmp(got, moon_result_name((enum moon_result)result), strcspn(got, ";")) == 0;
    }
    /* The records are worth something only if every result comes up often. */
    assert_true(seen[MOON_RESULT_PASS] > 300 && seen[MOON_RESULT_FAIL] > 300 &&
                seen[MOON_RESULT_SOFTFAIL] > 300 && seen[MOON_RESULT_NEUTRAL] > 300 &&
                seen[MOON_RESULT_PERMERROR] > 300 && seen[MOON_RESULT_TEMPERROR] > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agree_on_records_made_at_random),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
