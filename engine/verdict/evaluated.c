/* SPDX-License-Identifier: MIT
 *
 * evaluated: 1. what was applied.  2. What the owner asked for, before and after t=y.  3. The
 * override type, when the two differ or the policy named one.
 */
#include "engine/verdict/evaluated.h"

/* Step 1, of a message that fails DMARC. */
static enum moon_dmarc_policy applied(const struct moon_tenant_verdict *tenant,
                                      enum moon_action action)
{
    enum moon_verdict_kind kind = tenant->verdict.kind;
    if (tenant->dry_run)
        return MOON_DMARC_POLICY_NONE;
    if (action == MOON_ACTION_REJECT || kind == MOON_VERDICT_DISCARD)
        return MOON_DMARC_POLICY_REJECT;
    if (tenant->by_split || kind == MOON_VERDICT_QUARANTINE)
        return MOON_DMARC_POLICY_QUARANTINE;
    return MOON_DMARC_POLICY_NONE;
}

static bool enforces(enum moon_dmarc_policy policy)
{
    return policy == MOON_DMARC_POLICY_QUARANTINE || policy == MOON_DMARC_POLICY_REJECT;
}

struct moon_evaluated moon_evaluated_of(const struct moon_dmarc *dmarc,
                                        const struct moon_tenant_verdict *tenant,
                                        enum moon_action action)
{
    const struct moon_verdict *verdict = &tenant->verdict;
    struct moon_evaluated out = {NULL, NULL};

    if (action == MOON_ACTION_DEFER || dmarc->policy == MOON_DMARC_POLICY_ABSENT)
        return out;
    if (dmarc->result == MOON_RESULT_PASS) {
        out.disposition = enforces(dmarc->policy) ? "pass" : "none";
        out.type = tenant->dry_run
                       ? NULL
                       : verdict->override; /* RFC 9990 section 3.1.1.9: a note, no deviation */
        return out;
    }
    if (dmarc->result != MOON_RESULT_FAIL)
        return out;
    enum moon_dmarc_policy now = applied(tenant, action);
    out.disposition = moon_dmarc_policy_name(now);
    if (verdict->override && !tenant->dry_run)
        out.type = verdict->override;
    else if (now == dmarc->policy) /* RFC 9990 section 3.1.6: t=y is told as well */
        out.type = dmarc->testing && dmarc->published != now ? "policy_test_mode" : NULL;
    else
        out.type = verdict->failure ? "other" : "local_policy";
    return out;
}
