/* SPDX-License-Identifier: MIT
 *
 * shares: how the time of one message is shared out.
 *
 *   DNS          dns.timeout_ms, never more than half of the message's time
 *   evaluation   has no share: its work is bounded (base/limits.h), and what it takes is gone
 *   each tenant  an equal share of what is left when its turn comes, for its policies and all that
 *                they ask; what one does not use, the later ones have
 *   shadows      what is left when every tenant has its verdict, shared out in the same way
 *
 * So a policy that never ends takes no more than its own share, and who comes behind it has a turn.
 */
#ifndef MOON_VERDICT_SHARES_H
#define MOON_VERDICT_SHARES_H

#include "engine/base/budget.h"
#include "engine/verdict/policy.h"

struct moon_shares {
    struct moon_budget message;
    int64_t message_ms, dns_ms;
    int64_t dns_wanted_ms; /* of the configuration */
    int64_t evaluated_ms;  /* how long it took; 0 until moon_shares_evaluated */
};

/* The time that a message should have with these settings: whoever waits for the decision waits a
 * little longer than that. */
int64_t moon_shares_wanted_ms(const struct moon_conf *conf);
/* From now on. `waited_ms`: how long somebody waits for the decision, which is sent in good time
 * before that is over; 0: nobody said, then it is what should be. */
struct moon_shares moon_shares_begin(const struct moon_conf *conf, int64_t waited_ms);
/* Everything is evaluated: the turns begin. */
void moon_shares_evaluated(struct moon_shares *shares);
/* A turn that begins now, when `waiting` are to come, this one included. False: there is nothing
 * left; turn_r->over then says why. */
bool moon_shares_turn(const struct moon_shares *shares, size_t waiting, struct moon_turn *turn_r);
/* Half of it, for the first of two versions of a policy, when the second decides where the first
 * fails. */
struct moon_turn moon_shares_half(const struct moon_turn *turn);
/* What the record says of `late` questions to DNS that had no answer in the message's time for
 * them. In the arena. NULL without memory. */
const char *moon_shares_dns_late(const struct moon_shares *shares, struct moon_arena *arena,
                                 unsigned late);

#endif
