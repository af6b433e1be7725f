/* SPDX-License-Identifier: MIT
 *
 * shares: see the header. Texts say what was used up, how long it was, and what can be done.
 */
#include "engine/verdict/shares.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/limits.h"

#define LAYERS         4  /* of a decision: locked, tenant, site, built-in */
#define FLOOR_MS       10 /* of a share: less than a busy machine lets a process wait now and then */
#define MARGIN_MS      1000 /* between the end of the message's time and that of whoever waits */
#define MARGIN_PART    10   /* of a shorter time, this part */
#define DNS_PART       2    /* of the message's time, the most that DNS may have */
#define SPARE_TURNS    2    /* that should fit behind DNS which used up all of its time */
#define MESSAGE_MS_MIN 10

int64_t moon_shares_wanted_ms(const struct moon_conf *conf)
{
    return DNS_PART * conf->dns_ms + SPARE_TURNS * LAYERS * conf->policy_ms;
}

struct moon_shares moon_shares_begin(const struct moon_conf *conf, int64_t waited_ms)
{
    int64_t margin_ms = waited_ms / MARGIN_PART;
    struct moon_shares shares = {.message_ms = moon_shares_wanted_ms(conf),
                                 .dns_wanted_ms = conf->dns_ms};

    if (margin_ms > MARGIN_MS)
        margin_ms = MARGIN_MS;
    if (waited_ms > 0)
        shares.message_ms = waited_ms - margin_ms;
    if (shares.message_ms < MESSAGE_MS_MIN)
        shares.message_ms = MESSAGE_MS_MIN;
    shares.message = moon_budget_of(shares.message_ms);
    shares.dns_ms = shares.message_ms / DNS_PART;
    if (shares.dns_ms > conf->dns_ms)
        shares.dns_ms = conf->dns_ms;
    return shares;
}

void moon_shares_evaluated(struct moon_shares *shares)
{
    shares->evaluated_ms = shares->message_ms - moon_budget_left_ms(&shares->message);
}

bool moon_shares_turn(const struct moon_shares *shares, size_t waiting, struct moon_turn *turn_r)
{
    int64_t left_ms = moon_budget_left_ms(&shares->message);
    int64_t share_ms = waiting ? left_ms / (int64_t)waiting : left_ms;

    *turn_r = (struct moon_turn){.ms = share_ms > FLOOR_MS ? share_ms : FLOOR_MS};
    turn_r->end_ms = moon_clock_ms() + turn_r->ms;
    if (left_ms > 0)
        (void)snprintf(turn_r->over, sizeof turn_r->over, /* fits, as the others */
                       "share of %" PRId64 " ms used up (%zu tenants had %" PRId64
                       " ms of the message's %" PRId64
                       " ms left); mend this policy, or raise MOONSCAN_TIMEOUT",
                       turn_r->ms, waiting, left_ms, shares->message_ms);
    else
        (void)snprintf(turn_r->over, sizeof turn_r->over,
                       "no time left: of the message's %" PRId64 " ms, SPF, DKIM, ARC and DMARC "
                       "took %" PRId64 " ms and policies the rest; raise MOONSCAN_TIMEOUT",
                       shares->message_ms, shares->evaluated_ms);
    return left_ms > 0;
}

struct moon_turn moon_shares_half(const struct moon_turn *turn)
{
    struct moon_turn half = {.ms = turn->ms / 2, .end_ms = turn->end_ms - turn->ms + turn->ms / 2};

    (void)snprintf(half.over, sizeof half.over,
                   "share of %" PRId64 " ms used up (half of this tenant's %" PRId64
                   " ms, because the live version decides when this one fails)",
                   half.ms, turn->ms);
    return half;
}

const char *moon_shares_dns_late(const struct moon_shares *shares, struct moon_arena *arena,
                                 unsigned late)
{
    bool cut = shares->dns_ms < shares->dns_wanted_ms;

    return moon_arena_printf(arena,
                             "%u questions had no answer in %" PRId64 " ms%s; see why the name "
                             "servers do not answer, or raise %s",
                             late, shares->dns_ms,
                             cut ? ", half of the message's time" : " (dns.timeout_ms)",
                             cut ? "MOONSCAN_TIMEOUT" : "dns.timeout_ms");
}
