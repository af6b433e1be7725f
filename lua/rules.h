/* SPDX-License-Identifier: MIT
 *
 * rules: where a policy decides. A rule is a place of the source that makes a verdict: a call of
 * `accept`, `quarantine`, `reject`, `defer` or `discard`, of any table or by its bare name.
 */
#ifndef MOON_LUA_RULES_H
#define MOON_LUA_RULES_H

#include "engine/base/arena.h"
#include "engine/base/status.h"

struct moon_rule {
    int line;
    struct moon_span verdict; /* borrowed of the source */
};

/* In the order of the lines, one a line. Found by the source's tokens, so that a rule no message
 * ever met is seen too. MOON_ENOMEM is the only failure. */
enum moon_status moon_rules_find(struct moon_arena *arena, struct moon_span source,
                                 struct moon_rule **rules_r, size_t *count_r);

#endif
