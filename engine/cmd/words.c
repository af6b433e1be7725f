/* SPDX-License-Identifier: MIT
 *
 * words: the decision in the words of an ACL. One verdict for the message as a whole, the results
 * in a word each, Authentication-Results on one line; of tenants and rules a list.
 */
#include "engine/cmd/words.h"

#include "engine/auth/authres.h"

#define WORDS_TENANTS_MAX 10u /* as in the decision log */

/* What becomes of the message: what at least one recipient gets delivered is accepted. */
static const char *verdict_word(const struct moon_outcome *out)
{
    bool quarantined = false, delivered = out->tenant_count == 0;

    if (out->action == MOON_ACTION_REJECT || out->action == MOON_ACTION_DEFER)
        return moon_action_name(out->action);
    for (size_t i = 0; i < out->tenant_count; i++) {
        quarantined = quarantined || out->tenants[i].fate == MOON_FATE_QUARANTINE;
        delivered = delivered || out->tenants[i].fate == MOON_FATE_DELIVER;
    }
    if (delivered)
        return "accept";
    return moon_verdict_name(quarantined ? MOON_VERDICT_QUARANTINE : MOON_VERDICT_DISCARD);
}

/* The field that the decision adds, else (a message that is not taken gets none) the same made for
 * this; without its name and its folds. NULL without memory. */
static const char *authres_value(struct moon_arena *arena, const struct moon_message *msg,
                                 const struct moon_outcome *out)
{
    static const struct moon_span name = MOON_SPAN("Authentication-Results:");
    const char *field = NULL;
    struct moon_str str;

    for (size_t i = 0; i < out->added_count && !field; i++)
        if (moon_span_eq(moon_span_sub(moon_span_of(out->added[i].text), 0, name.n), name))
            field = out->added[i].text;
    if (!field)
        field = moon_authres_compose(arena, msg, &out->results);
    if (!field)
        return NULL;
    struct moon_span all = moon_span_of(field);
    struct moon_buf buf = moon_buf_of(moon_span_sub(all, name.n, all.n));
    moon_str_begin(&str, arena);
    while (!moon_buf_at_end(&buf)) { /* a line each time */
        struct moon_span line = moon_span_trim(moon_buf_until(&buf, '\n'));
        (void)moon_buf_skip(&buf, '\n'); /* none at the end */
        moon_str_add(&str, str.length ? " " : "");
        moon_str_add_span(&str, line);
    }
    return moon_str_end(&str);
}

static const char *tenant_of(const struct moon_tenant_verdict *tenant)
{
    return *tenant->tenant ? tenant->tenant : "-";
}

static const char *rule_of(const struct moon_tenant_verdict *tenant)
{
    return tenant->verdict.rule ? tenant->verdict.rule : "-";
}

/* Separated by commas. NULL without memory. */
static const char *of_tenants(struct moon_arena *arena, const struct moon_outcome *out,
                              const char *(*what)(const struct moon_tenant_verdict *))
{
    struct moon_str str;

    moon_str_begin(&str, arena);
    for (size_t i = 0; i < out->tenant_count && i < WORDS_TENANTS_MAX; i++)
        moon_str_addf(&str, "%s%s", i ? "," : "", what(&out->tenants[i]));
    return moon_str_end(&str);
}

enum moon_status moon_words_of(struct moon_arena *arena, const struct moon_message *msg,
                               const struct moon_outcome *outcome,
                               struct moon_span words_r[MOON_WIRE_WORD_COUNT])
{
    const struct moon_results *r = &outcome->results;
    const char *words[MOON_WIRE_WORD_COUNT] = {
        [0] = "", /* is none */
        [MOON_WIRE_WORD_VERDICT] = verdict_word(outcome),
        [MOON_WIRE_WORD_SPF] = moon_result_name(r->spf.result),
        [MOON_WIRE_WORD_DKIM] = moon_result_name(r->dkim.result),
        [MOON_WIRE_WORD_ARC] = moon_result_name(r->arc.result),
        [MOON_WIRE_WORD_DMARC] = moon_result_name(r->dmarc.result),
        [MOON_WIRE_WORD_POLICY] = r->dmarc.policy ? moon_dmarc_policy_name(r->dmarc.policy) : "",
        [MOON_WIRE_WORD_FROM] = r->from.domain ? r->from.domain : "",
        [MOON_WIRE_WORD_AUTHRES] = authres_value(arena, msg, outcome),
        [MOON_WIRE_WORD_TENANT] = of_tenants(arena, outcome, tenant_of),
        [MOON_WIRE_WORD_RULE] = of_tenants(arena, outcome, rule_of),
    };

    for (unsigned i = 0; i < MOON_WIRE_WORD_COUNT; i++) {
        if (!words[i])
            return MOON_ENOMEM;
        words_r[i] = moon_span_of(words[i]);
    }
    return MOON_OK;
}
