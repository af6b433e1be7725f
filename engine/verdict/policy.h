/* SPDX-License-Identifier: MIT
 *
 * policy: the interface that the Lua room implements. A policy is a pure function of the message
 * and its results.
 */
#ifndef MOON_VERDICT_POLICY_H
#define MOON_VERDICT_POLICY_H

#include "engine/auth/results.h"
#include "engine/base/conf.h"
#include "engine/base/tenant_conf.h"
#include "engine/verdict/verdict.h"

/* Compiled policies of one snapshot (or of one file, for the command line). On the heap; kept for
 * the life of a worker. */
struct moon_policies;

/* From the snapshot; sources are compiled when first needed and kept. `snapshot` NULL: only the
 * built-in layer. Both are borrowed. */
enum moon_status moon_policies_create(const struct moon_conf *conf,
                                      const struct moon_snapshot *snapshot,
                                      struct moon_policies **policies_r, struct moon_error *error);
/* Puts a file in the tenant's place for every tenant (command line, tests). MOON_ECONF with
 * file:line when it does not load, or shows a mistake (moon_policies_lint). */
enum moon_status moon_policies_use_file(struct moon_policies *policies, const char *path,
                                        struct moon_error *error);
void moon_policies_destroy(struct moon_policies **policies);
/* The most memory that one layer of one decision has used so far, of limits.policy_bytes. */
int64_t moon_policies_peak_bytes(const struct moon_policies *policies);

/* Is there a next version of what decides for this tenant? */
bool moon_policies_has_next(const struct moon_policies *policies, const char *tenant);

struct moon_policy_input;
/* For publishing: loads the policy of that path (as in the snapshot's policy/<path>), runs it once
 * on `input` and forgets the verdict. MOON_ECONF with "file:line: what" for any error or limit. */
enum moon_status moon_policies_check(struct moon_policies *policies, const char *path,
                                     const struct moon_policy_input *input,
                                     struct moon_error *error);
/* The setting of m.tenant.settings that the last policy checked read last; "": none. */
const char *moon_policies_checked_setting(const struct moon_policies *policies);
/* For publishing, too: the mistakes that the source of that policy shows without being run, in
 * branches that no trial enters as well: "file:line: what" each, in the arena. MOON_ECONF when the
 * policy does not load; then there is nothing else to tell. */
enum moon_status moon_policies_lint(struct moon_policies *policies, struct moon_arena *arena,
                                    const char *path, const char ***findings_r, size_t *count_r,
                                    struct moon_error *error);
/* The records of compiled policies for the snapshot, in the arena: of one path (also
 * "built-in:NAME"), and the stamp that says for which program. Empty without memory. */
enum moon_status moon_policies_compile(struct moon_policies *policies, struct moon_arena *arena,
                                       const char *path, struct moon_span *record_r,
                                       struct moon_error *error);
struct moon_span moon_policies_stamp(struct moon_arena *arena);
/* The record of a parsed list, which this runs. */
enum moon_status moon_policies_pack_list(struct moon_policies *policies, struct moon_arena *arena,
                                         const char *path, struct moon_span *record_r,
                                         struct moon_error *error);
/* moon_policies_check for a list (list/<path>), also one that no policy reads. */
enum moon_status moon_policies_check_list(struct moon_policies *policies, const char *path,
                                          struct moon_error *error);

/* The same for the site's own profile of that name, or its table of providers ("providers"). When
 * it is in order, dates_r has the dates of both, "" for the program's when it has none. */
struct moon_profile_dates {
    char site[11], program[11];
};
enum moon_status moon_policies_check_profile(struct moon_policies *policies, const char *name,
                                             struct moon_profile_dates *dates_r,
                                             struct moon_error *error);

/* The time of one tenant's decision: all its layers, and what they ask. */
struct moon_turn {
    int64_t ms, end_ms; /* its length; its end, on moon_clock_ms */
    char over[200];     /* what is said when it is over: what, how long, what to do */
};

struct moon_policy_input {
    const struct moon_message *msg;
    const struct moon_results *results;
    const char *tenant;       /* name, or "" : no tenant, only site and built-in */
    const size_t *recipients; /* indices into msg->recipients: this tenant's only */
    size_t recipient_count;
    struct moon_asks *asks; /* what the policy may ask beyond the message (asks.h); NULL: nothing */
    const struct moon_tenant_conf *conf; /* of the tenant; NULL: tenants.lua says nothing */
    bool next;                           /* ask the next version of its files */
    const struct moon_turn *turn;        /* NULL: each layer has its own limit and nothing else */
};

/* One tenant's verdict through all layers: recipient group, tenant, site, built-in. Always fills
 * *verdict_r with a kind other than NONE: a policy that fails (error, limit, wrong type) gives
 * conf->failure with verdict_r->failure set. Strings are in the arena. MOON_ENOMEM is the only
 * failure, and the caller's arena is the only one that can run out: a policy's own memory is
 * capped apart. */
enum moon_status moon_policy_decide(struct moon_policies *policies, struct moon_arena *arena,
                                    const struct moon_policy_input *input,
                                    struct moon_verdict *verdict_r);

#endif
