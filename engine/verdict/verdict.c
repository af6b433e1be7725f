/* SPDX-License-Identifier: MIT
 *
 * verdict: the words of verdicts, fates and actions.
 */
#include "engine/verdict/verdict.h"

#include <string.h>

#include "engine/verdict/scan.h"

static const char *const verdict_names[] = {"none",   "accept", "quarantine",
                                            "reject", "defer",  "discard"};

const char *moon_verdict_name(enum moon_verdict_kind kind)
{
    return verdict_names[kind];
}

bool moon_verdict_of_name(const char *name, enum moon_verdict_kind *kind_r)
{
    for (size_t i = 0; i < sizeof verdict_names / sizeof *verdict_names; i++) {
        if (strcmp(name, verdict_names[i]) == 0) {
            *kind_r = (enum moon_verdict_kind)i;
            return true;
        }
    }
    return false;
}

struct moon_verdict moon_verdict_failed(const struct moon_conf *conf)
{
    static const enum moon_verdict_kind kinds[] = {
        [MOON_FAILURE_DEFER] = MOON_VERDICT_DEFER,
        [MOON_FAILURE_ACCEPT] = MOON_VERDICT_ACCEPT,
        [MOON_FAILURE_QUARANTINE] = MOON_VERDICT_QUARANTINE,
        [MOON_FAILURE_REJECT] = MOON_VERDICT_REJECT,
    };
    return (struct moon_verdict){
        .kind = kinds[conf->failure], .layer = "failure", .rule = "failure"};
}

const char *moon_fate_name(enum moon_fate fate)
{
    static const char *const names[] = {"deliver", "quarantine", "discard"};
    return names[fate];
}

const char *moon_action_name(enum moon_action action)
{
    static const char *const names[] = {"", "accept", "reject", "defer", "freeze"};
    return names[action];
}
