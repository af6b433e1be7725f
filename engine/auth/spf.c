/* SPDX-License-Identifier: MIT
 *
 * spf: check_host() of RFC 7208 for the two identities of a message, put together from the parts:
 *   1. the identity (section 4.3): without a usable domain the result is none and nothing is asked,
 *   2. its record (sections 4.4 and 4.5): none without one,
 *   3. the walk over its terms by libspf2 (spf_libspf2.c),
 *   4. on fail the explanation (section 6.2), of the record that decided after redirects.
 * Loopback clients are evaluated like any other: libspf2 would let them pass.
 */
#include "engine/auth/spf.h"

#include "engine/auth/spf_check.h"
#include "engine/auth/spf_libspf2.h"

/* A stopped check: the result is in it. */
static void take_stop(const struct moon_spf_check *check, struct moon_spf *spf_r)
{
    spf_r->result = check->stop_result;
    spf_r->reason = check->stop_reason;
}

/* Step 2. NULL: the check ended here. */
static struct moon_spf_scope *first_record(struct moon_spf_check *check, struct moon_spf *spf_r)
{
    struct moon_spf_target at;
    bool none;

    if (moon_spf_target_of(check->arena, check->identity, &at) != MOON_OK) {
        moon_spf_check_fail(check, MOON_ENOMEM);
        return NULL;
    }
    struct moon_spf_scope *scope = moon_spf_check_fetch(check, &at, &none);
    if (none)
        spf_r->reason = "the domain publishes no SPF record";
    else if (!scope)
        take_stop(check, spf_r);
    return scope;
}

/* Steps 3 and 4. */
static void evaluate(struct moon_spf_check *check, const struct moon_spf_scope *scope,
                     struct moon_spf *spf_r)
{
    struct moon_spf_walk walk;

    moon_spf_libspf2_walk(check, scope, &walk);
    spf_r->lookups = check->lookups;
    spf_r->voids = check->voids;
    spf_r->steps = walk.steps;
    spf_r->step_count = walk.step_count;
    if (check->stopped) {
        take_stop(check, spf_r);
        return;
    }
    spf_r->result = walk.result;
    if (!walk.matched)
        spf_r->reason = "no term matched";
    else if (!(spf_r->matched = moon_arena_dup(check->arena, walk.matched->text)))
        moon_spf_check_fail(check, MOON_ENOMEM);
    if (walk.result == MOON_RESULT_FAIL)
        spf_r->explanation = moon_spf_check_explain(check, walk.scope);
}

static enum moon_status check_host(struct moon_arena *arena, struct moon_dns *dns,
                                   const struct moon_spf_query *query, bool helo,
                                   struct moon_spf *spf_r)
{
    struct moon_spf_check check;
    const char *reason;

    *spf_r = (struct moon_spf){.reason = "", .scope = helo ? "helo" : "mfrom"};
    enum moon_status status = moon_spf_check_begin(&check, arena, dns, query, helo, &reason);
    if (status != MOON_OK)
        return status;
    if (reason) {
        spf_r->reason = reason;
        return MOON_OK;
    }
    spf_r->domain = check.identity;
    spf_r->sender = check.vars.sender;
    struct moon_spf_scope *scope = first_record(&check, spf_r);
    if (scope) {
        spf_r->record = moon_arena_dup(arena, scope->record.text);
        if (!spf_r->record)
            return MOON_ENOMEM;
        evaluate(&check, scope, spf_r);
    }
    return check.status;
}

enum moon_status moon_spf_check_mail_from(struct moon_arena *arena, struct moon_dns *dns,
                                          const struct moon_spf_query *query,
                                          struct moon_spf *spf_r)
{
    return check_host(arena, dns, query, false, spf_r);
}

enum moon_status moon_spf_check_helo(struct moon_arena *arena, struct moon_dns *dns,
                                     const struct moon_spf_query *query, struct moon_spf *spf_r)
{
    return check_host(arena, dns, query, true, spf_r);
}
