/* SPDX-License-Identifier: MIT
 *
 * arc_set: the ARC fields of a message sorted into sets, and whether they can be a chain at all
 * (RFC 8617 sections 4.2 and 5.2, steps 1 to 3). Nothing here needs DNS, body or keys.
 */
#ifndef MOON_AUTH_ARC_SET_H
#define MOON_AUTH_ARC_SET_H

#include "engine/auth/arc_aar.h"
#include "engine/auth/sig.h"
#include "engine/base/limits.h"
#include "engine/message/message.h"

enum moon_arc_part {
    MOON_ARC_PART_STRUCTURE = 0,
    MOON_ARC_PART_SEAL,
    MOON_ARC_PART_SIGNATURE,
    MOON_ARC_PART_RESULTS,
};

/* One instance. A field is NULL when it is missing; the rest then says nothing. */
struct moon_arc_entry {
    const struct moon_field *seal_field, *signature_field, *results_field;
    struct moon_sig seal, signature;
    struct moon_aar results;
    const char *cv; /* of the seal, as written, or NULL */
};

struct moon_arc_sets {
    struct moon_arena *arena;
    struct moon_arc_entry *entries; /* [1] to [MOON_ARC_INSTANCES_MAX]; NULL without fields */
    unsigned highest;               /* instance */
    size_t counts[4];               /* fields found, by part */
    bool failed;                    /* the first failure: */
    unsigned failed_instance;       /* 0: none can be told */
    enum moon_arc_part failed_part;
    const char *reason;
};

/* "seal", "signature", "results", "structure" */
const char *moon_arc_part_name(enum moon_arc_part part);

/* Notes a failure; the first one stays. The reason names field and instance. MOON_ENOMEM. */
enum moon_status moon_arc_fail(struct moon_arc_sets *sets, enum moon_arc_part part,
                               unsigned instance, const char *what);

/* Steps 1 to 3; `failed` tells. MOON_ENOMEM is the only failure. */
enum moon_status moon_arc_collect(struct moon_arena *arena, const struct moon_message *msg,
                                  struct moon_arc_sets *sets_r);

#endif
