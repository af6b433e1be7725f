/* SPDX-License-Identifier: MIT
 *
 * scan: the way of one message through the engine.
 *
 *   0. who the client was, when a trusted host has handed the message on
 *   1. who wrote it (From)              5. DMARC, which needs both; then ARC
 *   2. ask DNS for all we can foresee   6. seal: the results are const from here
 *   3. SPF of MAIL FROM and HELO        7. every tenant's policy
 *   4. DKIM                             8. merge and decide
 *
 * Steps 1 and 2 never wait; in steps 3 to 5 whoever needs an answer lets all questions go on.
 */
#include "engine/verdict/scan.h"

#include <string.h>

#include "engine/auth/arc.h"
#include "engine/auth/dkim.h"
#include "engine/auth/dmarc.h"
#include "engine/auth/dmarc_parked.h"
#include "engine/auth/origin.h"
#include "engine/auth/spf.h"
#include "engine/base/limits.h"
#include "engine/message/domain.h"
#include "engine/message/hops.h"
#include "engine/verdict/decide.h"
#include "engine/verdict/modes.h"
#include "engine/verdict/shares.h"
#include "engine/verdict/tenants.h"

static enum moon_dmarc_discovery discovery_of(const struct moon_conf *conf)
{
    return conf->dmarc_psl ? MOON_DMARC_DISCOVERY_PSL : MOON_DMARC_DISCOVERY_TREEWALK;
}

/* For dmarc.compare. */
static enum moon_dmarc_discovery other_discovery_of(const struct moon_conf *conf)
{
    return conf->dmarc_psl ? MOON_DMARC_DISCOVERY_TREEWALK : MOON_DMARC_DISCOVERY_PSL;
}

/* Whose SPF result DMARC will look at: the HELO domain stands in for a null sender (RFC 7208
 * section 2.4). NULL: nobody's. Only for asking ahead. */
static const char *spf_domain(struct moon_arena *arena, const struct moon_message *msg)
{
    if (msg->mail_from && msg->mail_from[0] != '\0')
        return msg->mail_from_domain;
    return msg->session.helo ? moon_domain_normalize(arena, moon_span_of(msg->session.helo)) : NULL;
}

/* SPF has no client to look at: its reason says which trusted host stands before it. */
static enum moon_status explain_hop(struct moon_arena *arena, const struct moon_session *session,
                                    struct moon_results *results)
{
    char hop[MOON_IP_TEXT_MAX];

    if (!session->hop_reason)
        return MOON_OK;
    const char *reason = moon_arena_printf(arena, "the client behind %s is not known: %s",
                                           moon_ip_format(&session->hop, hop), session->hop_reason);
    results->spf.reason = results->spf_helo.reason = reason;
    return reason ? MOON_OK : MOON_ENOMEM;
}

/* Steps 1 to 5. */
static enum moon_status authenticate(const struct moon_engine *engine, struct moon_arena *arena,
                                     const struct moon_message *msg, struct moon_dns *dns,
                                     struct moon_results *results)
{
    enum moon_dmarc_discovery discovery = discovery_of(engine->conf);
    struct moon_spf_query query = {.ip = msg->session.ip,
                                   .helo = msg->session.helo,
                                   .mail_from = msg->mail_from,
                                   .receiver = msg->receiver_name,
                                   .now_s = msg->received_s};
    struct moon_dkim_check *dkim = NULL;
    struct moon_arc_check *arc = NULL;

    enum moon_status status = moon_from_parse(arena, msg, &results->from);
    if (status != MOON_OK)
        return status;
    struct moon_spf_prefetch *prefetch = moon_spf_prefetch_begin(arena, dns, &query);
    if (prefetch)
        moon_dns_observe(dns, moon_spf_prefetch_observe, prefetch);
    moon_dmarc_prefetch(dns, &results->from, discovery);
    if (engine->conf->dmarc_compare)
        moon_dmarc_prefetch(dns, &results->from, other_discovery_of(engine->conf));
    moon_dmarc_prefetch_identifier(dns, &results->from, discovery, spf_domain(arena, msg));
    struct moon_sig_bodies *bodies = moon_sig_bodies_of(arena, &msg->body);
    status = bodies ? moon_dkim_begin(arena, dns, msg, bodies, &dkim) : MOON_ENOMEM;
    for (size_t i = 0; status == MOON_OK && i < MOON_SIG_MAX; i++)
        moon_dmarc_prefetch_identifier(dns, &results->from, discovery,
                                       moon_dkim_candidate(dkim, i));
    if (status == MOON_OK)
        status = moon_arc_begin(arena, dns, msg, bodies, &arc);
    if (status == MOON_OK)
        status = moon_spf_check_mail_from(arena, dns, &query, &results->spf);
    if (status == MOON_OK)
        status = moon_spf_check_helo(arena, dns, &query, &results->spf_helo);
    if (status == MOON_OK)
        status = explain_hop(arena, &msg->session, results);
    if (status == MOON_OK)
        status = moon_dkim_finish(dkim, &results->dkim);
    if (status == MOON_OK)
        status = moon_dmarc_evaluate(arena, dns, discovery, moon_message_draw(msg, ""), results);
    if (status == MOON_OK)
        moon_dmarc_parked_start(arena, dns, results);
    if (status == MOON_OK && engine->conf->dmarc_compare)
        status = moon_dmarc_compare(arena, dns, other_discovery_of(engine->conf),
                                    moon_message_draw(msg, ""), results);
    if (status == MOON_OK) /* last: DMARC does not see it, and it may want many keys */
        status = moon_arc_finish(arc, &results->arc);
    if (status == MOON_OK)
        status = moon_dmarc_parked(arena, dns, results);
    if (status == MOON_OK)
        status = moon_origin_evaluate(arena, msg, results);
    results->iprev = msg->session.host_name ? MOON_RESULT_PASS : MOON_RESULT_NONE;
    return status;
}

/* Step 7. Shadows come last: they may use up the time, but not that of another's verdict. */
static enum moon_status ask_policies(const struct moon_engine *engine, struct moon_arena *arena,
                                     const struct moon_message *msg,
                                     const struct moon_shares *shares, struct moon_outcome *outcome)
{
    enum moon_status status = moon_tenants_group(arena, engine->snapshot, msg, &outcome->tenants,
                                                 &outcome->tenant_count, &outcome->notes);
    struct moon_asks_shared *shared = moon_asks_share(arena, msg, outcome->dns, engine->store);

    if (!shared)
        return MOON_ENOMEM;
    for (size_t i = 0; status == MOON_OK && i < 2 * outcome->tenant_count; i++) {
        struct moon_tenant_verdict *tenant = &outcome->tenants[i % outcome->tenant_count];
        bool shadow = i >= outcome->tenant_count;
        struct moon_turn turn;
        bool late =
            !moon_shares_turn(shares, outcome->tenant_count - i % outcome->tenant_count, &turn);
        struct moon_policy_input input = {.msg = msg,
                                          .results = &outcome->results,
                                          .tenant = tenant->tenant,
                                          .recipients = tenant->recipients,
                                          .recipient_count = tenant->recipient_count,
                                          .turn = &turn};
        if (shadow)
            status = late ? moon_modes_skip(engine, arena, turn.over, tenant)
                          : moon_modes_shadow(engine, arena, shared, &input, tenant);
        else if (late)
            status = moon_modes_late(engine, arena, turn.over, tenant);
        else
            status = moon_modes_decide(engine, arena, shared, &input, tenant);
    }
    return status;
}

enum moon_status moon_scan(const struct moon_engine *engine, struct moon_arena *arena,
                           struct moon_message *msg, struct moon_outcome *outcome_r,
                           struct moon_error *error)
{
    const struct moon_conf *conf = engine->conf;
    int64_t started_us = moon_clock_us();
    struct moon_shares shares = moon_shares_begin(conf, msg->waited_ms);
    struct moon_results *results = &outcome_r->results;

    memset(outcome_r, 0, sizeof *outcome_r);
    results->authserv_id = conf->authserv_id ? conf->authserv_id : msg->receiver_name;
    outcome_r->dns = moon_dns_begin(arena, engine->dns, shares.dns_ms, conf->dns_questions_max);
    if (!outcome_r->dns)
        return moon_fail(error, MOON_ENOMEM, "no memory for DNS");

    enum moon_status status =
        moon_hops_follow(arena, conf->trusted_hops, conf->trusted_hop_count, msg);
    if (status == MOON_OK)
        status = authenticate(engine, arena, msg, outcome_r->dns, results);
    if (status != MOON_OK)
        return moon_fail(error, status, "authentication: %s", moon_status_name(status));
    results->dns = moon_dns_stats(outcome_r->dns);
    results->took_us = moon_clock_us() - started_us;
    moon_shares_evaluated(&shares);
    if (results->dns.late > 0)
        outcome_r->dns_late = moon_shares_dns_late(&shares, arena, results->dns.late);

    status = ask_policies(engine, arena, msg, &shares, outcome_r);
    if (status == MOON_OK)
        status = moon_decide(engine, arena, msg, outcome_r);
    if (status != MOON_OK)
        return moon_fail(error, status, "decision: %s", moon_status_name(status));
    return MOON_OK;
}

void moon_outcome_end(struct moon_outcome *outcome)
{
    if (outcome->dns)
        moon_dns_end(&outcome->dns);
}
