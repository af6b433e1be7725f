/* SPDX-License-Identifier: MIT
 *
 * arc_set: RFC 8617 section 5.2, steps 1 to 3.
 *
 * 1. Every field named ARC-Seal, ARC-Message-Signature or ARC-Authentication-Results goes to the
 *    set of its instance. More than 50 of a kind end the work.
 * 2. The newest seal says cv=fail: the chain was given up before.
 * 3. Each field belongs to an instance; each of 1 to N has one field of each kind; cv= is none for
 *    the first seal and pass for the others.
 * 4. The newest signature and all seals can be read: they will have to verify.
 */
#include "engine/auth/arc_set.h"

#include <string.h>

static const char *const field_names[] = {
    [MOON_ARC_PART_STRUCTURE] = "ARC set",
    [MOON_ARC_PART_SEAL] = "ARC-Seal",
    [MOON_ARC_PART_SIGNATURE] = "ARC-Message-Signature",
    [MOON_ARC_PART_RESULTS] = "ARC-Authentication-Results",
};

const char *moon_arc_part_name(enum moon_arc_part part)
{
    static const char *const names[] = {
        [MOON_ARC_PART_STRUCTURE] = "structure",
        [MOON_ARC_PART_SEAL] = "seal",
        [MOON_ARC_PART_SIGNATURE] = "signature",
        [MOON_ARC_PART_RESULTS] = "results",
    };
    return names[part];
}

enum moon_status moon_arc_fail(struct moon_arc_sets *sets, enum moon_arc_part part,
                               unsigned instance, const char *what)
{
    if (sets->failed)
        return MOON_OK;
    sets->failed = true;
    sets->failed_part = part;
    sets->failed_instance = instance;
    sets->reason =
        instance ? moon_arena_printf(sets->arena, "%s i=%u: %s", field_names[part], instance, what)
                 : moon_arena_printf(sets->arena, "%s: %s", field_names[part], what);
    return sets->reason ? MOON_OK : MOON_ENOMEM;
}

/* --- step 1, the three fields of RFC 8617 section 4.1 --- */

static enum moon_status read_seal(struct moon_arc_sets *sets, const struct moon_message *msg,
                                  const struct moon_field *field)
{
    struct moon_sig seal;
    enum moon_status status =
        moon_sig_parse_kind(sets->arena, field, MOON_SIG_KIND_ARC_SEAL, msg->received_s, &seal);

    if (status != MOON_OK)
        return status;
    if (seal.instance == 0)
        return moon_arc_fail(sets, MOON_ARC_PART_SEAL, 0, seal.reason);
    struct moon_arc_entry *entry = &sets->entries[seal.instance];
    if (entry->seal_field)
        return moon_arc_fail(sets, MOON_ARC_PART_SEAL, seal.instance, "occurs twice");
    entry->seal_field = field;
    entry->seal = seal;
    const struct moon_tag *cv = moon_tags_find(&seal.tags, "cv");
    entry->cv = cv ? moon_arena_dup(sets->arena, cv->value) : NULL;
    return cv && !entry->cv ? MOON_ENOMEM : MOON_OK;
}

static enum moon_status read_signature(struct moon_arc_sets *sets, const struct moon_message *msg,
                                       const struct moon_field *field)
{
    struct moon_sig signature;
    enum moon_status status = moon_sig_parse_kind(sets->arena, field, MOON_SIG_KIND_ARC_MESSAGE,
                                                  msg->received_s, &signature);

    if (status != MOON_OK)
        return status;
    if (signature.instance == 0)
        return moon_arc_fail(sets, MOON_ARC_PART_SIGNATURE, 0, signature.reason);
    struct moon_arc_entry *entry = &sets->entries[signature.instance];
    if (entry->signature_field)
        return moon_arc_fail(sets, MOON_ARC_PART_SIGNATURE, signature.instance, "occurs twice");
    entry->signature_field = field;
    entry->signature = signature;
    return MOON_OK;
}

static enum moon_status read_results(struct moon_arc_sets *sets, const struct moon_message *msg,
                                     const struct moon_field *field)
{
    struct moon_aar aar;
    enum moon_status status = moon_aar_parse(sets->arena, field->value, &aar);

    (void)msg; /* the clock is for signatures */
    if (status != MOON_OK)
        return status;
    if (aar.instance == 0)
        return moon_arc_fail(sets, MOON_ARC_PART_RESULTS, 0,
                             "does not begin with i= and a number from 1 to 50");
    struct moon_arc_entry *entry = &sets->entries[aar.instance];
    if (entry->results_field)
        return moon_arc_fail(sets, MOON_ARC_PART_RESULTS, aar.instance, "occurs twice");
    entry->results_field = field;
    entry->results = aar;
    return MOON_OK;
}

static enum moon_arc_part part_of(const struct moon_field *field)
{
    for (int part = MOON_ARC_PART_SEAL; part <= MOON_ARC_PART_RESULTS; part++)
        if (moon_span_is_nocase(field->name, field_names[part]))
            return (enum moon_arc_part)part;
    return MOON_ARC_PART_STRUCTURE; /* none of the three */
}

static enum moon_status read_field(struct moon_arc_sets *sets, const struct moon_message *msg,
                                   const struct moon_field *field, enum moon_arc_part part)
{
    if (!sets->entries) {
        sets->entries =
            moon_arena_array(sets->arena, MOON_ARC_INSTANCES_MAX + 1, sizeof *sets->entries);
        if (!sets->entries)
            return MOON_ENOMEM;
    }
    if (part == MOON_ARC_PART_SEAL)
        return read_seal(sets, msg, field);
    if (part == MOON_ARC_PART_SIGNATURE)
        return read_signature(sets, msg, field);
    return read_results(sets, msg, field);
}

static bool too_many(const struct moon_arc_sets *sets)
{
    for (int part = MOON_ARC_PART_SEAL; part <= MOON_ARC_PART_RESULTS; part++)
        if (sets->counts[part] > MOON_ARC_INSTANCES_MAX)
            return true;
    return false;
}

static enum moon_status read_fields(struct moon_arc_sets *sets, const struct moon_message *msg)
{
    for (size_t i = 0; i < msg->field_count; i++) {
        enum moon_arc_part part = part_of(&msg->fields[i]);
        if (part == MOON_ARC_PART_STRUCTURE || ++sets->counts[part] > MOON_ARC_INSTANCES_MAX)
            continue; /* beyond the limit: counted only */
        enum moon_status status = read_field(sets, msg, &msg->fields[i], part);
        if (status != MOON_OK)
            return status;
    }
    for (unsigned i = MOON_ARC_INSTANCES_MAX; sets->entries && i > 0 && !sets->highest; i--) {
        const struct moon_arc_entry *entry = &sets->entries[i];
        if (entry->seal_field || entry->signature_field || entry->results_field)
            sets->highest = i;
    }
    return MOON_OK;
}

/* --- step 3 --- */

static enum moon_status check_set(struct moon_arc_sets *sets, unsigned i)
{
    const struct moon_arc_entry *entry = &sets->entries[i];
    const char *wanted = i == 1 ? "none" : "pass";

    if (!entry->seal_field && !entry->signature_field && !entry->results_field)
        return moon_arc_fail(sets, MOON_ARC_PART_STRUCTURE, i, "is missing");
    if (!entry->results_field)
        return moon_arc_fail(sets, MOON_ARC_PART_RESULTS, i, "is missing");
    if (!entry->signature_field)
        return moon_arc_fail(sets, MOON_ARC_PART_SIGNATURE, i, "is missing");
    if (!entry->seal_field)
        return moon_arc_fail(sets, MOON_ARC_PART_SEAL, i, "is missing");
    if (!entry->cv)
        return moon_arc_fail(sets, MOON_ARC_PART_SEAL, i, "has no cv=");
    if (strcmp(entry->cv, wanted) != 0)
        return moon_arc_fail(sets, MOON_ARC_PART_SEAL, i,
                             i == 1 ? "cv= is not none" : "cv= is not pass");
    return MOON_OK;
}

/* --- step 4 --- */

static enum moon_status check_signatures(struct moon_arc_sets *sets)
{
    const struct moon_sig *newest = &sets->entries[sets->highest].signature;
    enum moon_status status = MOON_OK;

    if (newest->result != MOON_RESULT_NONE)
        status = moon_arc_fail(sets, MOON_ARC_PART_SIGNATURE, sets->highest, newest->reason);
    for (unsigned i = sets->highest; status == MOON_OK && i > 0; i--)
        if (sets->entries[i].seal.result != MOON_RESULT_NONE)
            status = moon_arc_fail(sets, MOON_ARC_PART_SEAL, i, sets->entries[i].seal.reason);
    return status;
}

enum moon_status moon_arc_collect(struct moon_arena *arena, const struct moon_message *msg,
                                  struct moon_arc_sets *sets_r)
{
    struct moon_arc_sets found = {.arena = arena};
    enum moon_status status = read_fields(&found, msg);

    *sets_r = found;
    sets_r->failed = false; /* what was met on the way stands behind the first two questions */
    if (status == MOON_OK && too_many(sets_r))
        status = moon_arc_fail(sets_r, MOON_ARC_PART_STRUCTURE, 0, "more than 50");
    if (status == MOON_OK && found.highest) { /* step 2 */
        const char *cv = found.entries[found.highest].cv;
        if (cv && strcmp(cv, "fail") == 0)
            status = moon_arc_fail(sets_r, MOON_ARC_PART_SEAL, found.highest, "cv=fail");
    }
    if (status == MOON_OK && !sets_r->failed)
        *sets_r = found;
    for (unsigned i = 1; status == MOON_OK && i <= found.highest; i++)
        status = check_set(sets_r, i);
    if (status == MOON_OK && found.highest && !sets_r->failed)
        status = check_signatures(sets_r);
    return status;
}
