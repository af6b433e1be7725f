/* SPDX-License-Identifier: MIT
 *
 * spf_differential: SPF by the production path and by the oracle of the tests on checks made at
 * random. The first difference ends it with status 1, both lines and the zone.
 *
 *   spf_differential [--count N] [--seed N]
 *
 * An evaluation is one check by both; every second one with questions asked ahead.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/budget.h"
#include "tests/support/spf_random.h"

static bool read_number(const char *text, uint64_t *value_r)
{
    return moon_span_number(moon_span_of(text), UINT32_MAX, value_r) && *value_r > 0;
}

static bool agree(struct moon_spf_random *random, uint64_t round, unsigned seen[8])
{
    static char got[2000], want[2000];
    uint32_t seed = random->seed;
    bool ahead = seed % 2; /* so that the seed alone repeats it */

    moon_spf_random_next(random);
    moon_spf_random_say(random, ahead ? MOON_SPF_RANDOM_BY_PREFETCH : MOON_SPF_RANDOM_BY_PRODUCTION,
                        !ahead, got, sizeof got);
    moon_spf_random_say(random, MOON_SPF_RANDOM_BY_ORACLE, !ahead, want, sizeof want);
    for (unsigned result = 0; result < 8; result++)
        seen[result] +=
            strncmp(got, moon_result_name((enum moon_result)result), strcspn(got, ";")) == 0;
    if (strcmp(got, want) == 0)
        return true;
    printf("%s\nevaluation %" PRIu64 " (SEED=%" PRIu32 " makes it the first)%s: client %s, helo"
           " \"%s\", MAIL FROM \"%s\"\n  got  %s\n  want %s\n",
           random->zone, round, seed, ahead ? ", asked ahead" : "",
           random->query.ip.family == 6 ? "IPv6" : "IPv4", random->query.helo,
           random->query.mail_from, got, want);
    return false;
}

int main(int argc, char **argv)
{
    static struct moon_spf_random random;
    uint64_t count = 100000, seed = (uint64_t)time(NULL) & UINT32_MAX;
    unsigned seen[8] = {0};

    for (int i = 1; i < argc; i += 2) {
        uint64_t *number = strcmp(argv[i], "--count") == 0  ? &count
                           : strcmp(argv[i], "--seed") == 0 ? &seed
                                                            : NULL;
        if (!number || i + 1 == argc || !read_number(argv[i + 1], number)) {
            (void)fprintf(stderr, "usage: spf_differential [--count N] [--seed N]\n");
            return 2;
        }
    }
    moon_bug_is_fatal = true;
    random.seed = (uint32_t)seed;
    int64_t start_ms = moon_clock_ms();
    for (uint64_t round = 0; round < count; round++)
        if (!agree(&random, round, seen))
            return 1;
    printf("spf: %" PRIu64 " evaluations agree, SEED=%" PRIu64 ", %.1f s:", count, seed,
           (double)(moon_clock_ms() - start_ms) / 1000);
    for (unsigned result = 0; result < 8; result++)
        if (seen[result])
            printf(" %s %u", moon_result_name((enum moon_result)result), seen[result]);
    printf("\n");
    return 0;
}
