/* SPDX-License-Identifier: MIT
 *
 * lint: mistakes that a policy's source shows without being run, so that a branch that no trial
 * enters is looked at, too. Internal to this room; moon_policies_lint is for the others.
 *
 * It knows what lua/moonscan.d.lua says, follows names from where they are bound (the argument of
 * policy.message and its like, require "moonscan", locals made of them), and keeps silent wherever
 * a name may hold something else. A source that Lua accepts gets a finding only for what is an
 * error, or always or never true, once that place is run.
 */
#ifndef MOON_LUA_LINT_H
#define MOON_LUA_LINT_H

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/base/status.h"

/* What lint knows: the API and the sandbox's globals. On the heap; NULL without memory. */
struct moon_lint;
struct moon_lint *moon_lint_create(void);
void moon_lint_destroy(struct moon_lint **lint);

struct moon_findings {
    const char **texts; /* "path:line: what" in order of discovery, in the caller's arena */
    size_t count;       /* at most MOON_LINT_FINDINGS_MAX */
};

/* `source` is one that Lua compiles; for any other the findings mean nothing, but it ends. The work
 * is bounded by the length of the source. MOON_ENOMEM is the only failure. */
enum moon_status moon_lint_run(const struct moon_lint *lint, struct moon_arena *arena,
                               struct moon_span source, const char *path,
                               struct moon_findings *findings_r);

#endif
