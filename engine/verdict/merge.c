/* SPDX-License-Identifier: MIT
 *
 * merge: rule 4 of docs/policy-api.md as one table.
 */
#include "engine/verdict/merge.h"

static bool takes(enum moon_verdict_kind kind)
{
    return kind == MOON_VERDICT_ACCEPT || kind == MOON_VERDICT_QUARANTINE;
}

static enum moon_fate fate_of(enum moon_verdict_kind kind)
{
    switch (kind) {
    case MOON_VERDICT_ACCEPT:
        return MOON_FATE_DELIVER;
    case MOON_VERDICT_DISCARD:
        return MOON_FATE_DISCARD;
    default:
        return MOON_FATE_QUARANTINE;
    }
}

/* The verdict that counts: that of a dry run is only logged. */
static enum moon_verdict_kind kind_of(const struct moon_tenant_verdict *tenant)
{
    return tenant->dry_run ? MOON_VERDICT_ACCEPT : tenant->verdict.kind;
}

enum moon_action moon_merge(struct moon_tenant_verdict *tenants, size_t count, bool *split_r)
{
    bool taken = false, defers = false, rejects = false, differ = false;

    for (size_t i = 0; i < count; i++) {
        enum moon_verdict_kind kind = kind_of(&tenants[i]);
        if (MOON_BUG(kind == MOON_VERDICT_NONE))
            kind = tenants[i].verdict.kind = MOON_VERDICT_DEFER;
        taken = taken || takes(kind);
        defers = defers || kind == MOON_VERDICT_DEFER;
        rejects = rejects || kind == MOON_VERDICT_REJECT;
        differ = differ || kind != kind_of(&tenants[0]);
    }
    bool all_discard = !taken && !defers && !rejects;
    bool accepted = taken || all_discard;

    *split_r = accepted && differ;
    for (size_t i = 0; i < count; i++) {
        enum moon_verdict_kind kind = kind_of(&tenants[i]);
        tenants[i].fate = fate_of(kind);
        tenants[i].by_split =
            accepted && (kind == MOON_VERDICT_REJECT || kind == MOON_VERDICT_DEFER);
    }
    if (accepted)
        return MOON_ACTION_ACCEPT;
    return defers ? MOON_ACTION_DEFER : MOON_ACTION_REJECT;
}
