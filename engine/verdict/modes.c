/* SPDX-License-Identifier: MIT
 *
 * modes: see the header. The draw of a canary is a hash of the message's ids and the tenant, so
 * that a message has the same version whenever it is decided again.
 */
#include "engine/verdict/modes.h"

#include <string.h>

#include "engine/base/limits.h"
#include "engine/verdict/shares.h"

#define SHADOW_TEXT_MAX 300u /* what is kept of a rule or failure */

static bool is_same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* A text of the shadow's own memory, cut; NULL stays NULL. */
static const char *keep(struct moon_arena *arena, const char *text)
{
    return text ? moon_arena_dup(arena, moon_span_sub(moon_span_of(text), 0, SHADOW_TEXT_MAX))
                : NULL;
}

/* What counts of the next version's verdict, and where it differs from the one that decided. Lines
 * of rules move with each change of a file, so the layer is what is held against each other. */
static enum moon_status note_shadow(struct moon_arena *arena, const struct moon_verdict *next,
                                    struct moon_tenant_verdict *tenant)
{
    const struct moon_verdict *live = &tenant->verdict;
    struct moon_shadow *shadow = moon_arena_alloc(arena, sizeof *shadow);

    if (!shadow)
        return MOON_ENOMEM;
    *shadow = (struct moon_shadow){.verdict = {.kind = next->kind,
                                               .esc = keep(arena, next->esc),
                                               .override = keep(arena, next->override),
                                               .rule = keep(arena, next->rule),
                                               .layer = keep(arena, next->layer),
                                               .failure = keep(arena, next->failure)},
                                   .kind_differs = next->kind != live->kind,
                                   .esc_differs = !is_same(next->esc, live->esc),
                                   .override_differs = !is_same(next->override, live->override),
                                   .layer_differs = !is_same(next->layer, live->layer)};
    tenant->shadow = shadow;
    return moon_arena_failed(arena) ? MOON_ENOMEM : MOON_OK;
}

static enum moon_status skip(struct moon_arena *arena, struct moon_tenant_verdict *tenant,
                             const char *why)
{
    struct moon_shadow *shadow = moon_arena_alloc(arena, sizeof *shadow);
    if (!shadow)
        return MOON_ENOMEM;
    *shadow = (struct moon_shadow){.skipped = moon_arena_cstr(arena, why)};
    tenant->shadow = shadow;
    return shadow->skipped ? MOON_OK : MOON_ENOMEM;
}

/* The settings of a tenant cannot be read: nobody knows what its policy would say. */
static struct moon_verdict unreadable(const struct moon_conf *conf)
{
    struct moon_verdict verdict = moon_verdict_failed(conf);
    verdict.failure = "the settings of this tenant are damaged; publish again";
    return verdict;
}

enum moon_status moon_modes_late(const struct moon_engine *engine, struct moon_arena *arena,
                                 const char *why, struct moon_tenant_verdict *tenant)
{
    bool sound = moon_tenant_conf_get(engine->snapshot, tenant->tenant, &tenant->conf);
    tenant->dry_run = sound && tenant->conf.mode == MOON_MODE_DRY_RUN;
    tenant->verdict = moon_verdict_failed(engine->conf);
    tenant->verdict.failure = moon_arena_cstr(arena, why);
    return tenant->verdict.failure ? MOON_OK : MOON_ENOMEM;
}

/* One version, with questions of its own. */
static enum moon_status ask(const struct moon_engine *engine, struct moon_arena *arena,
                            const struct moon_policy_input *input, struct moon_asks *asks,
                            bool next, const struct moon_tenant_verdict *tenant,
                            struct moon_verdict *verdict_r)
{
    struct moon_policy_input copy = *input;
    copy.conf = &tenant->conf;
    copy.asks = asks;
    copy.next = next;
    if (copy.turn)
        moon_asks_until(asks, copy.turn->end_ms);
    return moon_policy_decide(engine->policies, arena, &copy, verdict_r);
}

enum moon_status moon_modes_decide(const struct moon_engine *engine, struct moon_arena *arena,
                                   struct moon_asks_shared *shared,
                                   const struct moon_policy_input *input,
                                   struct moon_tenant_verdict *tenant)
{
    if (!moon_tenant_conf_get(engine->snapshot, tenant->tenant, &tenant->conf)) {
        tenant->verdict = unreadable(engine->conf);
        return MOON_OK;
    }
    tenant->dry_run =
        engine->version == MOON_VERSION_BY_MODE && tenant->conf.mode == MOON_MODE_DRY_RUN;
    bool next = tenant->conf.canary > 0 &&
                moon_message_draw(input->msg, tenant->tenant) < tenant->conf.canary &&
                moon_policies_has_next(engine->policies, tenant->tenant);
    if (engine->version != MOON_VERSION_BY_MODE)
        next = engine->version == MOON_VERSION_NEXT;
    tenant->asks = moon_asks_begin(shared, tenant->tenant);
    if (!tenant->asks)
        return MOON_ENOMEM;
    struct moon_policy_input first = *input;
    struct moon_turn half;
    if (input->turn && next && engine->version == MOON_VERSION_BY_MODE) {
        half = moon_shares_half(input->turn);
        first.turn = &half;
    }
    enum moon_status status =
        ask(engine, arena, &first, tenant->asks, next, tenant, &tenant->verdict);
    tenant->next = next && status == MOON_OK && !tenant->verdict.failure;
    if (status != MOON_OK || tenant->next == next || engine->version != MOON_VERSION_BY_MODE)
        return status;
    struct moon_verdict failed = tenant->verdict;
    struct moon_asks *asks = moon_asks_begin(shared, tenant->tenant);
    if (!asks)
        return MOON_ENOMEM;
    moon_asks_like(asks, tenant->asks); /* what was counted is not counted again */
    tenant->asks = asks;
    status = ask(engine, arena, input, asks, false, tenant, &tenant->verdict);
    return status == MOON_OK ? note_shadow(arena, &failed, tenant) : status;
}

/* Does the next version run beside the one that decided? */
static bool has_shadow(const struct moon_engine *engine, const struct moon_tenant_verdict *tenant)
{
    return engine->version == MOON_VERSION_BY_MODE && !tenant->next && !tenant->shadow &&
           (tenant->conf.mode == MOON_MODE_NONE || tenant->conf.mode == MOON_MODE_SHADOW) &&
           moon_policies_has_next(engine->policies, tenant->tenant);
}

enum moon_status moon_modes_skip(const struct moon_engine *engine, struct moon_arena *arena,
                                 const char *why, struct moon_tenant_verdict *tenant)
{
    return has_shadow(engine, tenant) ? skip(arena, tenant, why) : MOON_OK;
}

enum moon_status moon_modes_shadow(const struct moon_engine *engine, struct moon_arena *arena,
                                   struct moon_asks_shared *shared,
                                   const struct moon_policy_input *input,
                                   struct moon_tenant_verdict *tenant)
{
    struct moon_verdict verdict;

    if (!has_shadow(engine, tenant))
        return MOON_OK;
    struct moon_asks *asks = moon_asks_begin(shared, tenant->tenant);
    if (!asks)
        return MOON_ENOMEM;
    moon_asks_pretend(asks);
    moon_asks_like(asks, tenant->asks);
    struct moon_arena *own = moon_arena_create(MOON_ARENA_BYTES_MAX);
    enum moon_status status =
        own ? ask(engine, own, input, asks, true, tenant, &verdict) : MOON_ENOMEM;
    status =
        status == MOON_OK ? note_shadow(arena, &verdict, tenant) : skip(arena, tenant, "no memory");
    moon_arena_destroy(&own);
    return status;
}
