/* SPDX-License-Identifier: MIT
 *
 * policy: one tenant's verdict. The layers are asked from the top down until one has an opinion:
 * the site's locked rules, the tenant's policy, the site's, the built-in one; each is compiled once
 * and run in a sandbox of its own (layer.c). Any error ends in the failure verdict.
 */
#include "engine/verdict/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "lua/code.h"
#include "lua/groups.h"
#include "lua/layer.h"
#include "lua/list_pack.h"
#include "lua/lint.h"
#include "lua/profiles.h"
#include "lua/sources.h"

struct moon_policies {
    const struct moon_conf *conf;
    const struct moon_snapshot *snapshot;
    struct moon_sources *sources;
    struct moon_lint *lint; /* NULL until it is needed */
    struct moon_limits limits;
    char *file;      /* in every tenant's place, or NULL */
    bool no_lock[2]; /* site.lua, and its next version, were seen to have no function locked */
    int64_t peak_bytes;
    char setting[64]; /* that the policy checked last read last; cut */
};

enum moon_status moon_policies_create(const struct moon_conf *conf,
                                      const struct moon_snapshot *snapshot,
                                      struct moon_policies **policies_r, struct moon_error *error)
{
    char name[64];
    struct moon_span code;

    *policies_r = NULL;
    struct moon_policies *policies = calloc(1, sizeof *policies);
    if (!policies)
        return moon_fail(error, MOON_ENOMEM, "no memory for policies");
    policies->conf = conf;
    policies->snapshot = snapshot;
    policies->limits =
        (struct moon_limits){conf->policy_instructions, conf->policy_bytes, conf->policy_ms};
    policies->sources = moon_sources_create(&policies->limits, snapshot);
    (void)snprintf(name, sizeof name, "built-in:%s", conf->policy); /* one of three short words */
    enum moon_status status = policies->sources
                                  ? moon_sources_policy(policies->sources, name, &code, error)
                                  : moon_fail(error, MOON_ENOMEM, "no memory for policies");
    if (status != MOON_OK)
        moon_policies_destroy(&policies);
    *policies_r = policies;
    return status;
}

void moon_policies_destroy(struct moon_policies **policies)
{
    if (!*policies)
        return;
    moon_sources_destroy(&(*policies)->sources);
    moon_lint_destroy(&(*policies)->lint);
    free((*policies)->file);
    free(*policies);
    *policies = NULL;
}

int64_t moon_policies_peak_bytes(const struct moon_policies *policies)
{
    return policies->peak_bytes;
}

enum moon_status moon_policies_use_file(struct moon_policies *policies, const char *path,
                                        struct moon_error *error)
{
    char *copy = strdup(path);
    if (!copy)
        return moon_fail(error, MOON_ENOMEM, "no memory for policies");
    free(policies->file);
    policies->file = copy;
    moon_sources_use_files(policies->sources, copy);
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    const char **findings = NULL;
    size_t count = 0;
    enum moon_status status =
        arena ? moon_policies_lint(policies, arena, copy, &findings, &count, error)
              : moon_fail(error, MOON_ENOMEM, "no memory for policies");
    if (status == MOON_OK && count > 1)
        status = moon_fail(error, MOON_ECONF, "%s (and %zu more)", findings[0], count - 1);
    else if (status == MOON_OK && count)
        status = moon_fail(error, MOON_ECONF, "%s", findings[0]);
    moon_arena_destroy(&arena);
    return status;
}

/* --- layers ------------------------------------------------------------------------------------
 */

/* Below this stand the next versions of files, each at its own path. */
#define NEXT "next/"

static const char *live_path(const char *path)
{
    return strncmp(path, NEXT, sizeof NEXT - 1) == 0 ? path + sizeof NEXT - 1 : path;
}

static bool has_list(const struct moon_policies *policies, const char *path)
{
    char key[MOON_SNAPSHOT_KEY_MAX];
    struct moon_span text;
    int n = snprintf(key, sizeof key, "list/%s", path);
    return policies->snapshot && n > 0 && (size_t)n < sizeof key &&
           moon_snapshot_get(policies->snapshot, (struct moon_span){key, (size_t)n}, &text);
}

/* Puts "next/" in front when the next version is asked and has that list. True: the list is there.
 */
static bool choose_list(const struct moon_policies *policies, const struct moon_decide *decide,
                        char path[MOON_SNAPSHOT_KEY_MAX])
{
    char next[MOON_SNAPSHOT_KEY_MAX];
    if (decide->input->next && (size_t)snprintf(next, sizeof next, NEXT "%s", path) < sizeof next &&
        has_list(policies, next)) {
        memcpy(path, next, sizeof next);
        return true;
    }
    return has_list(policies, path);
}

/* Where a list of that name is: for a shared policy in the tenant's own folder first, else beside
 * the policy; of the next version where it has one. False: it cannot be a list's name. */
static bool list_path(const struct moon_policies *policies, const struct moon_decide *decide,
                      const char *name, char path_r[MOON_SNAPSHOT_KEY_MAX])
{
    const char *policy = live_path(decide->name);
    char own[MOON_SNAPSHOT_KEY_MAX];
    bool file = policies->file && !strcmp(decide->name, policies->file);

    if (!moon_sources_list_path(policy, name, path_r, MOON_SNAPSHOT_KEY_MAX))
        return false;
    int n = snprintf(own, sizeof own, "tenants/%s/lists/%s.lua", decide->input->tenant, name);
    if (!file && !strncmp(policy, "policies/", 9) && n > 0 && (size_t)n < sizeof own &&
        choose_list(policies, decide, own))
        memcpy(path_r, own, sizeof own);
    else if (!file)
        (void)choose_list(policies, decide, path_r); /* none: the error names the live path */
    return true;
}

static const struct moon_list *find_list(struct moon_decide *decide, const char *name,
                                         struct moon_error *error)
{
    struct moon_policies *policies = decide->list_context;
    const struct moon_list *list = NULL;
    char path[MOON_SNAPSHOT_KEY_MAX] = "";
    if (!list_path(policies, decide, name, path))
        (void)moon_fail(error, MOON_ECONF,
                        "a list is named by lower-case letters, digits, - and _");
    else if (moon_sources_list(policies->sources, path, name, &list, error) == MOON_ENOMEM)
        decide->no_memory = true;
    return list;
}

static const struct moon_providers *find_providers(struct moon_decide *decide,
                                                   struct moon_error *error)
{
    struct moon_policies *policies = decide->list_context;
    const struct moon_providers *providers;
    if (moon_sources_providers(policies->sources, &providers, error) == MOON_ENOMEM)
        decide->no_memory = true;
    return providers;
}

static bool find_profile(struct moon_decide *decide, const char *name, struct moon_span *code_r,
                         const char **path_r, struct moon_error *error)
{
    struct moon_policies *policies = decide->list_context;
    enum moon_status status =
        name ? moon_sources_profile(policies->sources, name, code_r, path_r, error)
             : moon_sources_policy(policies->sources, *path_r = MOON_RULES_PATH, code_r, error);
    if (status == MOON_ENOMEM)
        decide->no_memory = true;
    return status == MOON_OK;
}

static int find_group_line(const struct moon_decide *decide, struct moon_span key)
{
    const struct moon_policies *policies = decide->list_context;
    struct moon_error error = {""};
    struct moon_span text;
    char *owned = NULL;
    int line = 0;
    if (moon_sources_text(policies->sources, decide->name, &text, &owned, &error) == MOON_OK)
        line = moon_groups_line(text, key);
    free(owned);
    return line ? line : 1;
}

/* All that a run of a policy can reach. */
static struct moon_decide begin(struct moon_policies *policies, struct moon_arena *arena,
                                const struct moon_policy_input *input, struct moon_verdict *verdict)
{
    return (struct moon_decide){.arena = arena,
                                .input = input,
                                .snapshot = policies->snapshot,
                                .list = find_list,
                                .providers = find_providers,
                                .profile = find_profile,
                                .group_line = find_group_line,
                                .list_context = policies,
                                .verdict = verdict};
}

/* Runs one layer; decide->verdict->kind stays NONE without an opinion. */
static enum moon_status run_policy(struct moon_policies *policies, struct moon_decide *decide,
                                   const char *path, const char *layer, struct moon_error *error)
{
    decide->name = path;
    decide->layer = layer;
    moon_asks_enter(decide->input->asks, strcmp(layer, MOON_LAYER_TENANT) != 0);
    enum moon_status status = moon_sources_policy(policies->sources, path, &decide->code, error);
    return status == MOON_OK ? moon_layer_run(&policies->limits, decide, error) : status;
}

/* The site's locked rules. Whether a file has any never changes, so one that has none is asked
 * once. */
static enum moon_status run_locked(struct moon_policies *policies, struct moon_decide *decide,
                                   const char *path, struct moon_error *error)
{
    bool *known = path ? &policies->no_lock[path != live_path(path)] : NULL;
    if (!path || *known)
        return MOON_OK;
    decide->no_lock = false;
    enum moon_status status = run_policy(policies, decide, path, MOON_LAYER_LOCKED, error);
    *known = status == MOON_OK && decide->no_lock;
    return status;
}

/* The failure verdict: where and why are for the log, the client learns nothing of them. */
static enum moon_status fail_verdict(const struct moon_policies *policies,
                                     struct moon_decide *decide, const struct moon_error *error)
{
    size_t n = 0;
    const char *end = strstr(error->text, ": ");
    if (end && end > error->text && moon_is_digit(end[-1]))
        n = (size_t)(end - error->text);
    *decide->verdict = moon_verdict_failed(policies->conf);
    decide->verdict->failure = moon_arena_cstr(decide->arena, error->text);
    decide->verdict->rule = n ? moon_arena_dup(decide->arena, (struct moon_span){error->text, n})
                              : moon_arena_cstr(decide->arena, decide->name);
    return decide->verdict->failure && decide->verdict->rule ? MOON_OK : MOON_ENOMEM;
}

/* The path of a layer's policy in the arena, or NULL: there is none. */
static const char *path_in_snapshot(const struct moon_policies *policies,
                                    struct moon_decide *decide, const char *key)
{
    struct moon_span path;
    if (!policies->snapshot || !moon_snapshot_get(policies->snapshot, moon_span_of(key), &path) ||
        path.n == 0)
        return NULL;
    const char *copy = moon_arena_dup(decide->arena, path);
    if (!copy)
        decide->no_memory = true;
    return copy;
}

static const char *tenant_path(const struct moon_policies *policies, struct moon_decide *decide)
{
    char key[300];
    const char *path = NULL;
    if (policies->file)
        return policies->file;
    int n = snprintf(key, sizeof key, "next-tenant/%s", decide->input->tenant);
    if (!*decide->input->tenant || n < 0 || (size_t)n >= sizeof key)
        return NULL;
    if (decide->input->next)
        path = path_in_snapshot(policies, decide, key);
    return path ? path : path_in_snapshot(policies, decide, key + sizeof "next-" - 1);
}

static const char *site_path(const struct moon_policies *policies, struct moon_decide *decide)
{
    const char *path = decide->input->next ? path_in_snapshot(policies, decide, "next-site") : NULL;
    return path ? path : path_in_snapshot(policies, decide, "site");
}

enum moon_status moon_policy_decide(struct moon_policies *policies, struct moon_arena *arena,
                                    const struct moon_policy_input *input,
                                    struct moon_verdict *verdict_r)
{
    struct moon_decide decide = begin(policies, arena, input, verdict_r);
    static const char *const layers[] = {MOON_LAYER_TENANT, MOON_LAYER_SITE, MOON_LAYER_BUILT_IN};
    struct moon_error error = {""};

    decide.publishing = policies->file != NULL; /* somebody tries it out */
    moon_sources_trim(policies->sources);
    *verdict_r = (struct moon_verdict){.kind = MOON_VERDICT_NONE};
    const char *built_in = moon_arena_printf(arena, "built-in:%s", policies->conf->policy);
    if (!built_in)
        return MOON_ENOMEM;
    const char *paths[] = {tenant_path(policies, &decide), site_path(policies, &decide), built_in};
    enum moon_status status = run_locked(policies, &decide, paths[1], &error);
    for (size_t i = 0; i < 3 && status == MOON_OK && verdict_r->kind == MOON_VERDICT_NONE; i++)
        if (paths[i])
            status = run_policy(policies, &decide, paths[i], layers[i], &error);
    if (decide.peak_bytes > policies->peak_bytes)
        policies->peak_bytes = decide.peak_bytes;
    if (status == MOON_ENOMEM || decide.no_memory)
        return MOON_ENOMEM;
    if (status != MOON_OK) {
        if (fail_verdict(policies, &decide, &error) != MOON_OK)
            return MOON_ENOMEM;
    } else if (verdict_r->kind == MOON_VERDICT_NONE) {
        *verdict_r =
            (struct moon_verdict){.kind = MOON_VERDICT_ACCEPT, .layer = MOON_LAYER_BUILT_IN};
    }
    if (!strcmp(verdict_r->layer, MOON_LAYER_BUILT_IN))
        verdict_r->rule = built_in;
    verdict_r->facts = decide.facts;
    verdict_r->fact_count = decide.fact_count;
    return MOON_OK;
}

bool moon_policies_has_next(const struct moon_policies *policies, const char *tenant)
{
    char key[300];
    struct moon_span path;
    int n = snprintf(key, sizeof key, "next-tenant/%s", tenant);
    if (!policies->snapshot || n < 0 || (size_t)n >= sizeof key)
        return false;
    return moon_snapshot_get(policies->snapshot, MOON_SPAN("next-site"), &path) ||
           (*tenant &&
            moon_snapshot_get(policies->snapshot, (struct moon_span){key, (size_t)n}, &path));
}

/* --- publishing --------------------------------------------------------------------------------
 */

static void keep_setting(struct moon_policies *policies, const struct moon_decide *decide)
{
    static const char lead[] = "tenant.settings.";
    policies->setting[0] = '\0';
    for (size_t i = decide->fact_count; i-- > 0 && !policies->setting[0];)
        if (!strncmp(decide->facts[i], lead, sizeof lead - 1))
            (void)snprintf(policies->setting, sizeof policies->setting, "%s",
                           decide->facts[i] + sizeof lead - 1);
}

const char *moon_policies_checked_setting(const struct moon_policies *policies)
{
    return policies->setting;
}

enum moon_status moon_policies_check(struct moon_policies *policies, const char *path,
                                     const struct moon_policy_input *input,
                                     struct moon_error *error)
{
    struct moon_verdict verdict = {.kind = MOON_VERDICT_NONE};
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    if (!arena)
        return moon_fail(error, MOON_ENOMEM, "%s: no memory", path);
    struct moon_decide decide = begin(policies, arena, input, &verdict);
    decide.publishing = true;
    bool site = !strcmp(live_path(path), "site.lua");
    enum moon_status status = MOON_OK;
    moon_sources_trim(policies->sources);
    if (site)
        status = run_policy(policies, &decide, path, MOON_LAYER_LOCKED, error);
    verdict = (struct moon_verdict){.kind = MOON_VERDICT_NONE};
    if (status == MOON_OK)
        status =
            run_policy(policies, &decide, path, site ? MOON_LAYER_SITE : MOON_LAYER_TENANT, error);
    keep_setting(policies, &decide);
    moon_arena_destroy(&arena);
    return status == MOON_EBUDGET ? MOON_ECONF : status;
}

enum moon_status moon_policies_lint(struct moon_policies *policies, struct moon_arena *arena,
                                    const char *path, const char ***findings_r, size_t *count_r,
                                    struct moon_error *error)
{
    struct moon_span code, text;
    struct moon_findings findings = {NULL, 0};
    char *owned = NULL;

    *findings_r = NULL;
    *count_r = 0;
    moon_sources_trim(policies->sources);
    enum moon_status status = moon_sources_policy(policies->sources, path, &code, error);
    if (status == MOON_OK)
        status = moon_sources_text(policies->sources, path, &text, &owned, error);
    if (status == MOON_OK && !policies->lint)
        policies->lint = moon_lint_create();
    if (status == MOON_OK &&
        (!policies->lint || moon_lint_run(policies->lint, arena, text, path, &findings) != MOON_OK))
        status = moon_fail(error, MOON_ENOMEM, "%s: no memory", path);
    free(owned);
    *findings_r = findings.texts;
    *count_r = findings.count;
    return status == MOON_EBUDGET ? MOON_ECONF : status;
}

enum moon_status moon_policies_check_profile(struct moon_policies *policies, const char *name,
                                             struct moon_profile_dates *dates_r,
                                             struct moon_error *error)
{
    moon_sources_trim(policies->sources);
    enum moon_status status = moon_sources_profile_dates(policies->sources, name, dates_r, error);
    return status == MOON_EBUDGET ? MOON_ECONF : status;
}

enum moon_status moon_policies_compile(struct moon_policies *policies, struct moon_arena *arena,
                                       const char *path, struct moon_span *record_r,
                                       struct moon_error *error)
{
    struct moon_span code = {NULL, 0};
    moon_sources_trim(policies->sources);
    enum moon_status status = moon_sources_policy(policies->sources, path, &code, error);
    *record_r = status == MOON_OK ? moon_code_record(arena, code) : (struct moon_span){NULL, 0};
    return status == MOON_OK && !record_r->n ? MOON_ENOMEM : status;
}

enum moon_status moon_policies_pack_list(struct moon_policies *policies, struct moon_arena *arena,
                                         const char *path, struct moon_span *record_r,
                                         struct moon_error *error)
{
    const struct moon_list *list;
    moon_sources_trim(policies->sources);
    enum moon_status status = moon_sources_list(policies->sources, path, "list", &list, error);
    *record_r = status == MOON_OK ? moon_list_pack(arena, list) : (struct moon_span){NULL, 0};
    return status == MOON_OK && !record_r->n ? MOON_ENOMEM : status;
}

struct moon_span moon_policies_stamp(struct moon_arena *arena)
{
    return moon_code_stamp(arena);
}

enum moon_status moon_policies_check_list(struct moon_policies *policies, const char *path,
                                          struct moon_error *error)
{
    const struct moon_list *list;
    return moon_policies_list(policies, path, &list, error);
}

enum moon_status moon_policies_list(struct moon_policies *policies, const char *path,
                                    const struct moon_list **list_r, struct moon_error *error)
{
    moon_sources_trim(policies->sources);
    enum moon_status status = moon_sources_list(policies->sources, path, "list", list_r, error);
    return status == MOON_EBUDGET ? MOON_ECONF : status;
}

enum moon_status moon_policies_tests(struct moon_policies *policies, struct moon_arena *arena,
                                     const char *path, struct moon_span source,
                                     struct moon_tests *tests_r, struct moon_error *error)
{
    static const struct moon_message msg = {.id = ""};
    static const struct moon_results results = {.authserv_id = ""};
    const struct moon_policy_input nobody = {.msg = &msg,
                                             .results = &results,
                                             .tenant = "",
                                             .next = !strncmp(path, NEXT, sizeof NEXT - 1)};
    struct moon_verdict verdict = {.kind = MOON_VERDICT_NONE};
    struct moon_decide decide = begin(policies, arena, &nobody, &verdict);

    decide.tests = tests_r;
    *tests_r = (struct moon_tests){.arena = arena, .source = source, .path = path};
    moon_sources_trim(policies->sources);
    enum moon_status status = run_policy(policies, &decide, path, MOON_LAYER_TENANT, error);
    return status == MOON_EBUDGET ? MOON_ECONF : status;
}
