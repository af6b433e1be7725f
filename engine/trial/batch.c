/* SPDX-License-Identifier: MIT
 *
 * batch: 1. the tests of the policy are read  2. each is run in an arena of its own, until the time
 * for this policy is used up  3. each is told as it ends.
 */
#include "engine/trial/batch.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/budget.h"
#include "engine/base/limits.h"

static void tell(struct moon_trial_batch *batch, const struct moon_trial_told *told)
{
    batch->test_count++;
    batch->failed_count += !told->passed;
    batch->tell(batch->context, told);
}

/* One test, told. */
static enum moon_status run_test(struct moon_trial_batch *batch, const char *path,
                                 const char *tenant, const struct moon_test *test)
{
    struct moon_trial_told told = {.path = path, .test = test, .mistake = test->mistake};
    struct moon_trial_result result;
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    enum moon_status status = arena ? MOON_OK : MOON_ENOMEM;

    if (status == MOON_OK && !told.mistake) {
        status = moon_trial_test(batch->trial, arena, path, tenant, test, &result);
        if (status == MOON_ENOMEM && moon_arena_failed(arena)) {
            result = (struct moon_trial_result){.mistake = "it needs more memory than a test may"};
            status = MOON_OK;
        }
        told.result = &result;
        if (status == MOON_OK && result.mistake)
            told.mistake =
                moon_arena_printf(batch->arena, "%s:%d: %s", path, test->line, result.mistake);
        told.passed = status == MOON_OK && !result.mistake && result.difference_count == 0;
        if (batch->coverage && status == MOON_OK && !result.mistake && !result.verdict->failure)
            moon_coverage_decided(batch->coverage, result.verdict->rule);
    }
    if (status == MOON_OK)
        tell(batch, &told);
    moon_arena_destroy(&arena);
    return status;
}

enum moon_status moon_trial_policy(struct moon_trial_batch *batch, const char *path,
                                   const char *tenant)
{
    int64_t end_ms = moon_clock_ms() + batch->policy_ms;
    struct moon_tests tests;
    struct moon_error error = {""};
    struct moon_span source;
    struct moon_arena *arena = moon_arena_create(MOON_TEST_BYTES_MAX);
    const char *key = arena ? moon_arena_printf(arena, "policy/%s", path) : NULL;

    if (!key) {
        moon_arena_destroy(&arena);
        return MOON_ENOMEM;
    }
    if (!moon_snapshot_get(batch->trial->snapshot, moon_span_of(key), &source))
        source = moon_span_of("");
    enum moon_status status =
        moon_policies_tests(batch->trial->policies, arena, path, source, &tests, &error);
    if (status == MOON_OK && batch->coverage)
        status = moon_coverage_add(batch->coverage, path, source);
    if (status == MOON_ECONF) {
        struct moon_error placed = error;
        if (strncmp(error.text, path, strlen(path)) != 0) /* no line of it was running */
            (void)moon_fail(&placed, status, "%.100s:1: %.380s", path, error.text); /* told */
        tell(batch, &(struct moon_trial_told){.path = path, .mistake = placed.text});
        status = MOON_OK;
        tests.count = 0;
    }
    for (size_t i = 0; status == MOON_OK && i < tests.count; i++) {
        if (moon_clock_ms() < end_ms) {
            status = run_test(batch, path, tenant, &tests.test[i]);
            continue;
        }
        (void)moon_fail(&error, MOON_EBUDGET,
                        "%s:%d: %zu of %zu tests were not run: those before took longer than the "
                        "%lld s that one policy has",
                        path, tests.test[i].line, tests.count - i, tests.count,
                        (long long)(batch->policy_ms / 1000)); /* told */
        tell(batch, &(struct moon_trial_told){.path = path, .mistake = error.text});
        break;
    }
    moon_arena_destroy(&arena);
    return status;
}

/* --- all policies --------------------------------------------------------------------------------
 */

struct owner {
    const char *path, *tenant;
};

struct owners {
    struct owner *owner; /* sorted by path, then by tenant */
    size_t count;
};

static int by_path(const void *a, const void *b)
{
    const struct owner *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order ? order : strcmp(x->tenant, y->tenant);
}

static int path_only(const void *a, const void *b)
{
    return strcmp(((const struct owner *)a)->path, ((const struct owner *)b)->path);
}

static enum moon_status read_owners(const struct moon_snapshot *snapshot, struct moon_arena *arena,
                                    struct owners *owners_r)
{
    struct moon_span key, value;
    *owners_r = (struct owners){NULL, 0};
    for (size_t i = 0; moon_snapshot_each(snapshot, i, &key, &value); i++) {
        size_t prefix = moon_span_is(moon_span_sub(key, 0, 7), "tenant/")         ? 7
                        : moon_span_is(moon_span_sub(key, 0, 12), "next-tenant/") ? 12
                                                                                  : 0;
        if (prefix == 0 || value.n == 0)
            continue;
        struct owner *larger =
            moon_arena_append(arena, owners_r->owner, owners_r->count, sizeof *larger);
        const char *path = larger ? moon_arena_dup(arena, value) : NULL;
        const char *tenant = path ? moon_arena_dup(arena, moon_span_sub(key, prefix, key.n)) : NULL;
        if (!tenant)
            return MOON_ENOMEM;
        owners_r->owner = larger;
        larger[owners_r->count++] = (struct owner){path, tenant};
    }
    if (owners_r->count)
        qsort(owners_r->owner, owners_r->count, sizeof *owners_r->owner, by_path);
    return MOON_OK;
}

/* Of several tenants that share a policy, the first. */
static const char *owner_of(const struct owners *owners, const char *path)
{
    struct owner wanted = {path, ""};
    const struct owner *found =
        owners->count ? bsearch(&wanted, owners->owner, owners->count, sizeof wanted, path_only)
                      : NULL;
    while (found && found > owners->owner && !strcmp(found[-1].path, path))
        found--;
    return found ? found->tenant : "";
}

const char *moon_trial_tenant_of(const struct moon_snapshot *snapshot, struct moon_arena *arena,
                                 const char *path)
{
    struct owners owners;
    return read_owners(snapshot, arena, &owners) == MOON_OK ? owner_of(&owners, path) : NULL;
}

enum moon_status moon_trial_policies(struct moon_trial_batch *batch)
{
    const struct moon_snapshot *snapshot = batch->trial->snapshot;
    struct moon_span key, value;
    struct owners owners;

    enum moon_status status = read_owners(snapshot, batch->arena, &owners);
    for (size_t i = 0; status == MOON_OK && moon_snapshot_each(snapshot, i, &key, &value); i++) {
        if (!moon_span_is(moon_span_sub(key, 0, 7), "policy/"))
            continue;
        const char *path = moon_arena_dup(batch->arena, moon_span_sub(key, 7, key.n));
        status = path ? moon_trial_policy(batch, path, owner_of(&owners, path)) : MOON_ENOMEM;
    }
    return status;
}
