/* SPDX-License-Identifier: MIT
 *
 * tenants_cost: one message, decided again and again for tenants drawn from a snapshot, as a worker
 * does it, with the answers of DNS in memory. For counting instructions and memory.
 *
 *   tenants_cost --snapshot FILE --zone FILE --tenants N --decisions D [--warm W] [--each] MESSAGE
 *
 * Tenants are t0 ... t(N-1), drawn uniformly; with --each they come in turn. The first W decisions
 * come before those that are counted, which are the calls of cost_decision(). Prints how many
 * verdicts came from tenants' policies, and the anonymous memory of this process in KB.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/cmd/mailfile.h"
#include "engine/cmd/setup.h"
#include "engine/message/address.h"

struct cost {
    struct moon_setup setup;
    struct moon_mailfile mail;
    unsigned long by_tenant, failed;
};

void cost_decision(struct cost *cost, unsigned long tenant);
void cost_warm(struct cost *cost, unsigned long tenant);

static void die(const char *what)
{
    (void)fprintf(stderr, "tenants_cost: %s\n", what);
    exit(1);
}

static void decide(struct cost *cost, unsigned long tenant)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_outcome outcome;
    struct moon_error error = {""};
    char address[80], domain[64];

    (void)snprintf(domain, sizeof domain, "t%lu.example", tenant);
    (void)snprintf(address, sizeof address, "joe@%s", domain);
    struct moon_recipient recipient = {address, domain};
    struct moon_message msg = {.id = "1vMabc-000001-Xy",
                               .session = {.helo = "out.shop.example", .protocol = "esmtps"},
                               .received_s = 1795262400,
                               .dry_run = true,
                               .receiver_name = "mx.example",
                               .mail_from = "bulk@shop.example",
                               .mail_from_domain = "shop.example",
                               .recipients = &recipient,
                               .recipient_count = 1};
    (void)moon_ip_parse(MOON_SPAN("192.0.2.7"), &msg.session.ip); /* a constant */
    if (!arena || moon_mailfile_parse(&cost->mail, arena, &msg, &error) != MOON_OK ||
        moon_scan(&cost->setup.engine, arena, &msg, &outcome, &error) != MOON_OK)
        die(error.text);
    const struct moon_verdict *verdict = &outcome.tenants[0].verdict;
    cost->by_tenant += !strcmp(verdict->layer, "tenant");
    cost->failed += verdict->failure != NULL;
    moon_outcome_end(&outcome);
    moon_arena_destroy(&arena);
}

/* Two names for the same work: callgrind counts in one of them. */
__attribute__((noinline)) void cost_decision(struct cost *cost, unsigned long tenant)
{
    decide(cost, tenant);
}

__attribute__((noinline)) void cost_warm(struct cost *cost, unsigned long tenant)
{
    decide(cost, tenant);
}

/* Numbers of the last line that begins so, in KB; 0: there is none. */
static unsigned long anonymous_kb(void)
{
    char line[200];
    unsigned long kb = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "Anonymous:", 10) == 0)
            kb = strtoul(line + 10, NULL, 10);
    if (file)
        (void)fclose(file); /* was only read */
    return kb;
}

static struct moon_dns_backend *zone_of(const char *path)
{
    struct moon_dns_backend *dns = NULL;
    struct moon_error error = {""};
    static char text[65536];
    FILE *file = fopen(path, "rbe");
    size_t n = file ? fread(text, 1, sizeof text, file) : 0;
    if (n == 0 || n == sizeof text || fclose(file) != 0 ||
        moon_dns_backend_zone((struct moon_span){text, n}, path, &dns, &error) != MOON_OK)
        die(*error.text ? error.text : "no zone");
    return dns;
}

static void run(struct cost *cost, unsigned long tenants, unsigned long decisions,
                unsigned long warm, bool each)
{
    unsigned long long state = 88172645463325252ull; /* xorshift64 */

    for (unsigned long i = 0; i < warm + decisions; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        unsigned long tenant = each ? i % tenants : (unsigned long)(state % tenants);
        if (i < warm)
            cost_warm(cost, tenant);
        else
            cost_decision(cost, tenant);
    }
    printf("%lu decisions, %lu by the tenant, %lu failed, %lu KB\n", warm + decisions,
           cost->by_tenant, cost->failed, anonymous_kb());
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"snapshot", 1, NULL, 's'},  {"zone", 1, NULL, 'z'},
                                            {"tenants", 1, NULL, 't'},   {"each", 0, NULL, 'e'},
                                            {"decisions", 1, NULL, 'd'}, {"warm", 1, NULL, 'w'},
                                            {NULL, 0, NULL, 0}};
    const char *snapshot = NULL, *zone = "";
    unsigned long tenants = 1, decisions = 1, warm = 0;
    bool each = false;
    struct moon_error error = {""};
    struct cost cost = {0};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        unsigned long number = optarg ? strtoul(optarg, NULL, 10) : 0;
        snapshot = option == 's' ? optarg : snapshot;
        zone = option == 'z' ? optarg : zone;
        tenants = option == 't' && number ? number : tenants;
        decisions = option == 'd' ? number : decisions;
        warm = option == 'w' ? number : warm;
        each = each || option == 'e';
    }
    if (optind + 1 != argc)
        die("one MESSAGE");
    if (moon_mailfile_open(argv[optind], &cost.mail, &error) != MOON_OK ||
        moon_setup_open(snapshot, zone_of(zone), &cost.setup, &error) != MOON_OK)
        die(error.text);
    run(&cost, tenants, decisions, warm, each);
    moon_setup_close(&cost.setup);
    moon_mailfile_close(&cost.mail);
    return 0;
}
