/* SPDX-License-Identifier: MIT
 *
 * spf_random: terms are drawn from a list of words about a small world of hosts, so that their
 * targets meet often; a term is now and then made at random from a mechanism, a macro and prefix
 * lengths.
 */
#include "tests/support/spf_random.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/spf_walker.h"

#define RECORDS 9 /* d.e and r0.e to r7.e */

static const char *const words[] = {"a:slow.e",
                                    "mx:m3.e/0//0",
                                    "exists:down.e",
                                    "include:slow.e",
                                    "a",
                                    "mx",
                                    "ptr",
                                    "a:h0.e",
                                    "a:h1.e/24",
                                    "a:h2.e//64",
                                    "a:none.e",
                                    "a/0",
                                    "a//0",
                                    "mx:m0.e",
                                    "mx:m1.e/24//64",
                                    "mx:m2.e",
                                    "mx:null.e",
                                    "mx:none.e",
                                    "mx:ten.e",
                                    "mx:void.e",
                                    "exists:h0.e",
                                    "exists:%{i}.e",
                                    "exists:%{l}.x.e",
                                    "exists:%{p}.x.e",
                                    "exists:none.e",
                                    "exists:%{l1r-}.%{d2}",
                                    "exists:%{ir}.%{v}.%{d1}",
                                    "exists:a..e",
                                    "ptr:e",
                                    "ptr:none.e",
                                    "ptr:h0.e",
                                    "ip4:192.0.2.0/24",
                                    "ip4:10.0.0.0/8",
                                    "ip4:192.0.2.1",
                                    "ip6:2001:db8::/32",
                                    "ip6:::/0",
                                    "ip6:2001:db8::1",
                                    "all",
                                    "a:%{d}",
                                    "a:%{h}",
                                    "a:c0.e",
                                    "a:c1.e",
                                    "mx:c2.e",
                                    "A:H0.E",
                                    "exists:w.w.e.",
                                    "exists:%{s}.e",
                                    "exists:%{o}.%{h2}.e",
                                    "include:%{d3}",
                                    "ip4:203.0.113.0/24",
                                    "ip6:fe80::/10",
                                    "ip4:198.51.100.7",
                                    "ip4:198.51.100.0/25"};
/* Broken, or in trouble: such a term ends most checks. */
static const char *const odd_words[] = {"a:down.e",         "a:slow.e",
                                        "mx:m3.e/0//0",     "mx:many.e",
                                        "include:none.e",   "include:bad.e",
                                        "include:down.e",   "include:slow.e",
                                        "include:%{l}.x.e", "include:two.e",
                                        "a:e//129",         "ip4:192.0.2.256",
                                        "foo:bar",          "a:[1.2.3.4]",
                                        "exists:%{x}.e",    "all:e",
                                        "include",          "moo=",
                                        "redirect=",        "other=%{",
                                        "redirect=none.e",  "redirect=slow.e",
                                        "redirect=two.e",   "exp=x.e",
                                        "exp=y.e",          "moo",
                                        "ip6:1::2::3",      "a:b\\195\\164.e"};
static const char *const redirects[] = {"redirect=r0.e", "redirect=r1.e", "redirect=r2.e",
                                        "redirect=r3.e", "REDIRECT=r7.e", "redirect=%{l}.x.e",
                                        "redirect=h0.e", "redirect=%{d}"};
static const char *const explanations[] = {"exp=x.e",   "exp=x.e",    "exp=%{l}.e",
                                           "exp=y.e",   "exp=none.e", "exp=slow.e",
                                           "exp=two.e", "exp=h0.e",   "exp=x.%{d}"};
static const char *const mechanisms[] = {"a", "mx", "ptr", "exists", "include"};
static const char letters[] = "sSlLoOdDiIpPvVhH";
static const char hosts[] =
    "h0.e. A 192.0.2.1\nh0.e. AAAA 2001:db8::1\nh1.e. A 192.0.2.77\nh2.e. AAAA 2001:db8::77\n"
    "h3.e. A 10.0.0.1\nd.e. A 10.0.0.2\nd.e. MX 1 h3.e.\nd.e. MX 2 h0.e.\ndown.e. SERVFAIL\n"
    "slow.e. TIMEOUT\nm0.e. MX 1 h0.e.\nm1.e. MX 1 h3.e.\nm1.e. MX 2 h1.e.\nm1.e. MX 3 h2.e.\n"
    "m2.e. MX 1 none.e.\nm2.e. MX 2 h3.e.\nm3.e. MX 1 h3.e.\nm3.e. MX 2 down.e.\nnull.e. MX 0 .\n"
    "many.e. MX 1 a1.e.\nmany.e. MX 1 a2.e.\nmany.e. MX 1 a3.e.\nmany.e. MX 1 a4.e.\n"
    "many.e. MX 1 a5.e.\nmany.e. MX 1 a6.e.\nmany.e. MX 1 a7.e.\nmany.e. MX 1 a8.e.\n"
    "many.e. MX 1 a9.e.\nmany.e. MX 1 a10.e.\nmany.e. MX 1 a11.e.\n"
    "ten.e. MX 1 h3.e.\nten.e. MX 2 h3.e.\nten.e. MX 3 a3.e.\nten.e. MX 4 a4.e.\nten.e. MX 5 "
    "a5.e.\n"
    "ten.e. MX 6 h1.e.\nten.e. MX 7 h2.e.\nten.e. MX 8 h3.e.\nten.e. MX 9 h3.e.\n"
    "ten.e. MX 10 h0.e.\nvoid.e. MX 1 v1.e.\nvoid.e. MX 2 v2.e.\nvoid.e. MX 3 v3.e.\n"
    "bad.e. TXT \"v=spf1 moo\"\ntwo.e. TXT \"v=spf1 a\"\ntwo.e. TXT \"v=spf1 mx\"\n"
    "c0.e. CNAME h0.e.\nc1.e. CNAME c1.e.\nc2.e. CNAME m1.e.\nw.w.e. A 127.0.0.2\n"
    "*.in-addr.e. A 127.0.0.2\nx.e. TXT \"%{i} is not of %{d}, says %{o} to %{r} by %{c}\"\n"
    "y.e. TXT \"%{broken\"\nuser.x.e. A 127.0.0.2\nh0.e.x.e. A 127.0.0.2\n";
static const char *const reverse[] = {
    "1.2.0.192.in-addr.arpa. PTR h0.e.\n",
    "$ORIGIN 2.0.192.in-addr.arpa\n1 PTR none.e.\n1 PTR d.e.\n1 PTR h0.e.\n$ORIGIN .\n",
    "1.2.0.192.in-addr.arpa. TIMEOUT\n",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR h0.e.\n",
    "",
};

/* Numbers that look random and are the same on every machine. */
static uint32_t draw(struct moon_spf_random *random, uint32_t below)
{
    random->seed ^= random->seed << 13;
    random->seed ^= random->seed >> 17;
    random->seed ^= random->seed << 5;
    return random->seed % below;
}

static void add(struct moon_spf_random *random, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add(struct moon_spf_random *random, const char *format, ...)
{
    size_t n = strlen(random->zone);
    va_list arguments;

    va_start(arguments, format);
    int more = vsnprintf(random->zone + n, sizeof random->zone - n, format, arguments);
    va_end(arguments);
    if (more < 0 || (size_t)more >= sizeof random->zone - n)
        abort(); /* the zone is large enough for all that can be drawn */
}

#define DRAW(random, list) ((list)[draw((random), sizeof(list) / sizeof *(list))])

/* A mechanism with a target made of macros, and perhaps prefix lengths. */
static void add_made(struct moon_spf_random *random)
{
    const char *mechanism = DRAW(random, mechanisms);

    add(random, "%s:%%{%c", mechanism, letters[draw(random, sizeof letters - 1)]);
    if (draw(random, 2))
        add(random, "%u", draw(random, 5));
    add(random, "%s%s}.%s", draw(random, 2) ? "r" : "", draw(random, 4) ? "" : "-+",
        draw(random, 2) ? "x.e" : "e");
    if (draw(random, 4) == 0 && (*mechanism == 'a' || *mechanism == 'm'))
        add(random, "/%u", draw(random, 34));
    if (draw(random, 4) == 0 && (*mechanism == 'a' || *mechanism == 'm'))
        add(random, "//%u", draw(random, 130));
}

static void add_term(struct moon_spf_random *random)
{
    static const char *const ends[] = {"e", "E", "e."};
    uint32_t kind = draw(random, 60);

    add(random, " \" ");
    if (kind == 0) {
        add(random, "%s\"", DRAW(random, odd_words));
        return;
    }
    if (draw(random, 2))
        add(random, "%c", "+-~?"[draw(random, 4)]);
    if (kind < 12) {
        uint32_t which = draw(random, RECORDS - 1);
        add(random, "include:r%u.%s", which, DRAW(random, ends));
    } else if (kind < 18) {
        add_made(random);
    } else {
        add(random, "%s", DRAW(random, words));
    }
    add(random, "\"");
}

static void add_record(struct moon_spf_random *random, const char *name)
{
    uint32_t terms = draw(random, 8) == 0 ? 14 : draw(random, 6);

    add(random, "%s. TXT \"v=spf1\"", name);
    for (uint32_t i = 0; i < terms; i++)
        add_term(random);
    if (draw(random, 4) == 0)
        add(random, " \" %s\"", DRAW(random, redirects));
    if (draw(random, 3) == 0)
        add(random, " \" %s\"", DRAW(random, explanations));
    if (draw(random, 2))
        add(random, " \" %call\"", "+-~?"[draw(random, 4)]);
    if (draw(random, 60) == 0)
        add(random, " \" %s\"", DRAW(random, odd_words));
    add(random, "\n");
}

void moon_spf_random_next(struct moon_spf_random *random)
{
    static const char *const senders[] = {"user@d.e", "user@d.e",    "\xc3\xa4@d.e",
                                          "",         "a b@d.e",     "user@r0.e",
                                          "@d.e",     "a.b-c+d@D.E", "user@d.e."};
    static const char *const odd_senders[] = {"d.e",        "x@none.e",  "user@[192.0.2.1]",
                                              "a@b@d.e",    "\"q\"@d.e", "user@",
                                              "user@two.e", "u@slow.e"};
    static const char *const helos[] = {"d.e", "d.e", "d.e", "r1.e", "r2.e", "h0.e", "[192.0.2.1]"};
    static const char *const clients[] = {"192.0.2.1",   "2001:db8::1", "192.0.2.200",
                                          "2001:db8::2", "127.0.0.1",   "::ffff:192.0.2.1"};
    char name[8];

    random->zone[0] = '\0';
    add(random, "%s%s", hosts, DRAW(random, reverse));
    add_record(random, "d.e");
    for (unsigned i = 0; i + 1 < RECORDS; i++) {
        (void)snprintf(name, sizeof name, "r%u.e", i); /* it fits */
        add_record(random, name);
    }
    random->query = (struct moon_spf_query){
        .helo = DRAW(random, helos),
        .mail_from = draw(random, 20) ? DRAW(random, senders) : DRAW(random, odd_senders),
        .receiver = "receiver.example",
        .now_s = 1700000000};
    if (!moon_ip_parse(moon_span_of(DRAW(random, clients)), &random->query.ip))
        abort();
}

static const char *or_none(const char *text)
{
    return text ? text : "(none)";
}

/* What follows from the steps, which our side notes, is the result, which is libspf2's. */
static bool steps_agree(const struct moon_spf *spf)
{
    enum moon_result result = MOON_RESULT_NEUTRAL;
    const struct moon_spf_step *matched = NULL;
    unsigned depth = 0;

    if (spf->step_count == 0) /* no record, or one of nothing but its version */
        return !spf->matched;
    if (spf->steps[spf->step_count - 1].lookups != spf->lookups)
        return false;
    for (size_t i = 0; i < spf->step_count && !matched; i++) {
        const struct moon_spf_step *step = &spf->steps[i];
        if (step->depth != depth || step->outcome == MOON_SPF_OUTCOME_NO_MATCH ||
            step->outcome == MOON_SPF_OUTCOME_VOID)
            continue;
        if (step->outcome == MOON_SPF_OUTCOME_FOLLOWED)
            depth++;
        else
            matched = step;
        result = step->result;
    }
    if (matched && matched->outcome == MOON_SPF_OUTCOME_ERROR)
        return !spf->matched && result == spf->result;
    return result == spf->result && !matched == !spf->matched &&
           (!matched || moon_span_eq(matched->term, moon_span_of(spf->matched)));
}

static void check(const struct moon_spf_random *random, enum moon_spf_random_by by,
                  struct moon_arena *arena, struct moon_dns *dns, struct moon_spf *spf_r)
{
    const struct moon_spf_query *query = &random->query;
    struct moon_spf_prefetch *prefetch;

    if (by == MOON_SPF_RANDOM_BY_PREFETCH) {
        prefetch = moon_spf_prefetch_begin(arena, dns, query);
        if (!prefetch)
            abort();
        moon_dns_observe(dns, moon_spf_prefetch_observe, prefetch);
    }
    if ((by == MOON_SPF_RANDOM_BY_ORACLE
             ? moon_spf_walker_check(arena, dns, query, spf_r)
             : moon_spf_check_mail_from(arena, dns, query, spf_r)) != MOON_OK)
        abort();
    if (by != MOON_SPF_RANDOM_BY_ORACLE && !steps_agree(spf_r)) {
        (void)fprintf(stderr, "the steps do not lead to the result; the zone:\n%s\n", random->zone);
        abort();
    }
}

void moon_spf_random_say(const struct moon_spf_random *random, enum moon_spf_random_by by,
                         bool questions, char *line_r, size_t size)
{
    struct moon_error error = {{0}};
    struct moon_dns_backend *backend = NULL;
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    char asked[32] = "";
    struct moon_spf spf;

    if (!arena ||
        moon_dns_backend_zone(moon_span_of(random->zone), "random", &backend, &error) != MOON_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        abort();
    }
    struct moon_dns *dns = moon_dns_begin(arena, backend, 60000, 1000);
    if (!dns)
        abort();
    check(random, by, arena, dns, &spf);
    if (questions)
        (void)snprintf(asked, sizeof asked, "%u questions; ", moon_dns_stats(dns).questions);
    (void)snprintf(line_r, size, "%s; matched %s; %u terms; %u void; %s%s; %s",
                   moon_result_name(spf.result), or_none(spf.matched), spf.lookups, spf.voids,
                   asked, or_none(spf.explanation), or_none(spf.reason)); /* cut at worst, alike */
    moon_dns_end(&dns);
    moon_dns_backend_destroy(&backend);
    moon_arena_destroy(&arena);
}
