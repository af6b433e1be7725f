/* SPDX-License-Identifier: MIT
 *
 * decide: 1. merge the verdicts.  2. Fields that must go.  3. Recipients that must go.  4. Fields
 * to add.  5. Reply.  6. $local_scan_data.  7. The log line.
 */
#include "engine/verdict/decide.h"

#include <string.h>

#include "engine/auth/authres.h"
#include "engine/base/limits.h"
#include "engine/message/hops.h"
#include "engine/verdict/merge.h"

/* Both lists of tenants in $local_scan_data, of which Exim keeps 16360 bytes; also as fields they
 * stay below MOON_ADDED_MAX then. */
#define TENANTS_BYTES_MAX 15000u
/* In the log line, of which Exim is given 1 KB: a few tenants must fit. */
#define TROUBLE_BYTES_MAX   200u
#define OVERRIDE_BYTES_MAX  100u
#define QUARANTINE_LINE_MAX 900u /* with the name below MOON_FIELD_LINE_MAX: never folded */

/* The part of the work that every step shares. */
struct decider {
    const struct moon_engine *engine;
    struct moon_arena *arena;
    const struct moon_message *msg;
    struct moon_outcome *out;
    bool failed; /* no memory: sticky */
};

static void remove_field(struct decider *d, uint32_t index)
{
    struct moon_outcome *out = d->out;
    out->removed_fields =
        moon_arena_append(d->arena, out->removed_fields, out->removed_field_count, sizeof index);
    if (out->removed_fields)
        out->removed_fields[out->removed_field_count++] = index;
    else
        d->failed = true;
}

static void add_field(struct decider *d, bool top, const char *field)
{
    struct moon_outcome *out = d->out;
    struct moon_added_field added = {.top = top};

    if (!field || moon_field_sanitize(d->arena, field, &added.text) != MOON_OK) {
        d->failed = true;
        return;
    }
    if (!added.text || out->added_count == MOON_ADDED_MAX)
        return; /* constructors of verdicts refuse both beforehand */
    out->added = moon_arena_append(d->arena, out->added, out->added_count, sizeof added);
    if (out->added)
        out->added[out->added_count++] = added;
    else
        d->failed = true;
}

static bool is_sister(const struct moon_conf *conf, const struct moon_ip *ip)
{
    for (size_t i = 0; i < conf->sister_host_count; i++)
        if (moon_net_has(&conf->sister_hosts[i], ip))
            return true;
    return false;
}

/* Step 2. RFC 8601 section 5: no message may bring results in our name, unless a sister host that
 * shares our name wrote them. */
static void remove_forged(struct decider *d)
{
    bool sister = is_sister(d->engine->conf, moon_hops_peer(&d->msg->session));
    struct moon_span prefix = MOON_SPAN(MOON_FIELD_PREFIX);

    for (size_t i = 0; i < d->msg->field_count; i++) {
        const struct moon_field *field = &d->msg->fields[i];
        if (field->removed)
            continue;
        bool forged = moon_span_eq_nocase(moon_span_sub(field->name, 0, prefix.n), prefix);
        if (moon_span_is_nocase(field->name, "Authentication-Results"))
            forged = moon_authres_is_ours(field->value, d->out->results.authserv_id);
        if (forged && !sister)
            remove_field(d, field->index);
    }
}

/* Step 3. */
static void remove_recipients(struct decider *d)
{
    struct moon_outcome *out = d->out;
    size_t n = 0;

    out->removed_recipients =
        moon_arena_array(d->arena, d->msg->recipient_count, sizeof *out->removed_recipients);
    if (!out->removed_recipients) {
        d->failed = true;
        return;
    }
    for (size_t i = 0; i < out->tenant_count; i++) {
        if (out->tenants[i].fate != MOON_FATE_DISCARD)
            continue;
        for (size_t k = 0; k < out->tenants[i].recipient_count; k++)
            out->removed_recipients[n++] = (uint32_t)out->tenants[i].recipients[k];
    }
    out->removed_recipient_count = n;
}

static size_t count_fate(const struct moon_outcome *out, enum moon_fate fate)
{
    size_t count = 0;
    for (size_t i = 0; i < out->tenant_count; i++)
        count += out->tenants[i].fate == fate;
    return count;
}

/* Names of the tenants with that fate, separated by commas; those without a name are "-". */
static const char *tenants_of_fate(struct decider *d, enum moon_fate fate)
{
    const struct moon_outcome *out = d->out;
    struct moon_str str;

    moon_str_begin(&str, d->arena);
    for (size_t i = 0; i < out->tenant_count; i++) {
        const struct moon_tenant_verdict *tenant = &out->tenants[i];
        if (tenant->fate == fate)
            moon_str_addf(&str, "%s%s", str.length ? "," : "",
                          *tenant->tenant ? tenant->tenant : "-");
    }
    return moon_str_end(&str);
}

/* Whose recipients are quarantined: "*" when nobody's are delivered; "" when none are. A list that
 * Exim could not hold must not be cut: nobody's mail may get past his quarantine because the sender
 * named many tenants. */
static const char *quarantined_tenants(struct decider *d)
{
    if (count_fate(d->out, MOON_FATE_QUARANTINE) == 0)
        return "";
    if (count_fate(d->out, MOON_FATE_DELIVER) == 0)
        return "*";
    const char *quarantined = tenants_of_fate(d, MOON_FATE_QUARANTINE);
    const char *delivered = tenants_of_fate(d, MOON_FATE_DELIVER);
    if (!quarantined || !delivered)
        return NULL;
    if (strlen(quarantined) + strlen(delivered) <= TENANTS_BYTES_MAX)
        return quarantined;
    d->out->notes = "too many tenants to name them: quarantined for all";
    return "*";
}

/* As many fields as it takes, cut between two names: a name in two halves is nobody's. */
static void add_quarantine_fields(struct decider *d, const char *quarantined)
{
    struct moon_span left = moon_span_of(quarantined);

    while (left.n) {
        size_t n = left.n;
        if (n > QUARANTINE_LINE_MAX)
            n = moon_span_rfind(moon_span_sub(left, 0, QUARANTINE_LINE_MAX), ',');
        if (n > left.n) { /* no name is that long */
            d->failed = true;
            return;
        }
        add_field(
            d, true,
            moon_arena_printf(d->arena, MOON_FIELD_PREFIX "Quarantine: %.*s", (int)n, left.p));
        left = moon_span_sub(left, n + 1, left.n);
    }
}

/* The Subject with a tenant's tag in front, instead of the one that came. */
static void tag_subject(struct decider *d, const char *tag)
{
    const struct moon_field *subject = moon_message_field(d->msg, "Subject", NULL, false);
    const char *text = subject ? moon_field_text(d->arena, subject) : "";

    if (subject)
        remove_field(d, subject->index);
    add_field(d, false, moon_arena_printf(d->arena, "Subject: %s %s", tag, text ? text : ""));
}

/* What the one tenant of a message did otherwise than the domain owner asks: "trusted_forwarder:
 * Old lists server". The field is read by every tenant, so none learns of another's. NULL: nothing.
 */
static const char *remark_of(struct decider *d)
{
    const struct moon_verdict *verdict = &d->out->tenants[0].verdict;
    if (d->out->tenant_count != 1 || d->out->tenants[0].dry_run || !verdict->override)
        return NULL;
    const char *remark =
        moon_arena_printf(d->arena, "%s%s%s", verdict->override, verdict->comment ? ": " : "",
                          verdict->comment ? verdict->comment : "");
    d->failed = d->failed || !remark;
    return remark;
}

/* Step 4. Header fields belong to the whole message: what a policy wants added is added when it is
 * alone on the message, and told in the notes otherwise. */
static void add_fields(struct decider *d, const char *quarantined)
{
    struct moon_outcome *out = d->out;
    bool by_router = d->engine->conf->quarantine == MOON_QUARANTINE_ROUTER;

    add_field(d, true, moon_authres_compose_with(d->arena, d->msg, &out->results, remark_of(d)));
    if (*quarantined && !by_router)
        add_quarantine_fields(d, quarantined);
    for (size_t i = 0; i < out->tenant_count; i++) {
        const struct moon_verdict *verdict = &out->tenants[i].verdict;
        if (out->tenants[i].dry_run)
            continue; /* nothing is done that the verdict asks for */
        if (verdict->failure && out->tenants[i].fate == MOON_FATE_DELIVER)
            add_field(d, true,
                      moon_arena_cstr(d->arena, MOON_FIELD_PREFIX "Failure: policy not evaluated"));
        if (out->tenant_count > 1) {
            if (verdict->header_count || verdict->tag)
                out->notes =
                    "fields and tag of a policy left out: several tenants share the message";
            continue;
        }
        for (size_t k = 0; k < verdict->header_count; k++)
            add_field(d, false, verdict->headers[k]);
        if (verdict->tag)
            tag_subject(d, verdict->tag);
    }
}

/* Step 5. The first tenant that wants the action speaks; a failed policy says nothing of itself. */
static void compose_reply(struct decider *d)
{
    struct moon_outcome *out = d->out;
    bool defer = out->action == MOON_ACTION_DEFER;
    enum moon_verdict_kind wanted = defer ? MOON_VERDICT_DEFER : MOON_VERDICT_REJECT;
    const struct moon_verdict *speaker = NULL;

    for (size_t i = 0; i < out->tenant_count; i++) {
        const struct moon_verdict *verdict = &out->tenants[i].verdict;
        if (verdict->kind == wanted && !out->tenants[i].dry_run &&
            (!speaker || (speaker->failure && !verdict->failure)))
            speaker = verdict;
    }
    if (MOON_BUG(!speaker))
        return;
    const char *esc = defer ? "4.7.0" : "5.7.1";
    const char *text = defer ? "This message cannot be accepted now, please try again later"
                             : "This message is refused by policy";
    if (speaker->failure) {
        esc = defer ? "4.3.0" : "5.3.0";
        text = defer ? "Temporary local problem, please try again later"
                     : "This message cannot be accepted";
    } else {
        esc = speaker->esc ? speaker->esc : esc;
        text = speaker->text ? speaker->text : text;
    }
    out->reply = moon_reply_text(d->arena, esc, text);
    d->failed = d->failed || !out->reply;
}

/* Step 6. For routers: whose recipients go to quarantine and whose are delivered (so that a router
 * can tell a tenant that it knows otherwise), and the results in one word each. */
static void compose_data(struct decider *d, const char *quarantined)
{
    const struct moon_results *r = &d->out->results;
    struct moon_str str;

    moon_str_begin(&str, d->arena);
    if (*quarantined && d->engine->conf->quarantine == MOON_QUARANTINE_ROUTER) {
        bool all = strcmp(quarantined, "*") == 0;
        const char *delivered = all ? "" : tenants_of_fate(d, MOON_FATE_DELIVER);
        d->failed = d->failed || !delivered;
        moon_str_addf(&str, "q=%s ", quarantined);
        if (delivered && *delivered)
            moon_str_addf(&str, "d=%s ", delivered);
    }
    moon_str_addf(&str, "spf=%s dkim=%s arc=%s dmarc=%s", moon_result_name(r->spf.result),
                  moon_result_name(r->dkim.result), moon_result_name(r->arc.result),
                  moon_result_name(r->dmarc.result));
    d->out->data = moon_str_end(&str);
    d->failed = d->failed || !d->out->data;
}

/* key="text": a policy's error may hold a sender's words, which shall not look like another key. */
static void add_quoted(struct moon_str *str, const char *key, const char *text, size_t max)
{
    struct moon_span rest = moon_span_sub(moon_span_of(text), 0, max);

    moon_str_addf(str, " %s=\"", key);
    for (size_t i = 0; i < rest.n; i++)
        moon_str_add_char(str, rest.p[i] == '"' ? '\'' : rest.p[i]);
    moon_str_add_char(str, '"');
}

/* The message came by a trusted host. */
static void log_hop(struct moon_str *str, const struct moon_session *session)
{
    char ip[MOON_IP_TEXT_MAX];

    if (!session->hop.family)
        return;
    moon_str_addf(str, " hop=%s", moon_ip_format(&session->hop, ip));
    moon_str_addf(str, " client=%s",
                  session->ip.family ? moon_ip_format(&session->ip, ip) : "unknown");
}

static void log_tenant(struct moon_str *str, const struct moon_tenant_verdict *tenant)
{
    const struct moon_verdict *verdict = &tenant->verdict;
    const struct moon_shadow *shadow = tenant->shadow;

    moon_str_addf(str, " tenant=%s verdict=%s%s rule=%s", *tenant->tenant ? tenant->tenant : "-",
                  moon_verdict_name(verdict->kind),
                  tenant->by_split  ? " (split: own quarantine)"
                  : tenant->dry_run ? " (dry run: treated as accept)"
                                    : "",
                  verdict->rule ? verdict->rule : "-");
    if (verdict->override)
        moon_str_addf(str, " override=%s", verdict->override);
    if (verdict->override && verdict->via && verdict->via->line)
        moon_str_addf(str, " via=%.100s:%d", verdict->via->list, verdict->via->line);
    else if (verdict->override && verdict->via)
        moon_str_addf(str, " via=%.100s", verdict->via->list);
    if (verdict->override && verdict->comment)
        add_quoted(str, "comment", verdict->comment, OVERRIDE_BYTES_MAX);
    if (verdict->failure)
        add_quoted(str, "failure", verdict->failure, TROUBLE_BYTES_MAX);
    if (tenant->next)
        moon_str_add(str, " version=next");
    if (shadow && shadow->verdict.failure)
        moon_str_add(str, " shadow=failed");
    else if (shadow && (shadow->kind_differs || shadow->esc_differs || shadow->override_differs ||
                        shadow->layer_differs))
        moon_str_addf(str, " shadow=%s", moon_verdict_name(shadow->verdict.kind));
}

/* Step 7. One line for Exim's main log. */
static void compose_log(struct decider *d)
{
    const struct moon_outcome *out = d->out;
    const struct moon_results *r = &out->results;
    struct moon_str str;

    moon_str_begin(&str, d->arena);
    moon_str_addf(&str, "moonscan %s%s spf=%s dkim=%s dmarc=%s", moon_action_name(out->action),
                  out->split ? " split" : "", moon_result_name(r->spf.result),
                  moon_result_name(r->dkim.result), moon_result_name(r->dmarc.result));
    if (r->dmarc.policy)
        moon_str_addf(&str, " policy=%s", moon_dmarc_policy_name(r->dmarc.policy));
    moon_str_addf(&str, " from=%.253s", r->from.domain ? r->from.domain : "-");
    log_hop(&str, &d->msg->session);
    for (size_t i = 0; i < out->tenant_count && str.length < 2 * MOON_REPLY_LINE_MAX; i++)
        log_tenant(&str, &out->tenants[i]);
    moon_str_addf(&str, " snapshot=%s", d->engine->conf->snapshot_hash);
    if (out->notes)
        add_quoted(&str, "note", out->notes, TROUBLE_BYTES_MAX);
    char *line = moon_str_end(&str);
    for (char *c = line; c && *c; c++)
        if (*c < 0x20 || *c >= 0x7f)
            *c = '?';
    d->out->log = line;
    d->failed = d->failed || !line;
}

enum moon_status moon_decide(const struct moon_engine *engine, struct moon_arena *arena,
                             const struct moon_message *msg, struct moon_outcome *outcome)
{
    struct decider d = {engine, arena, msg, outcome, false};

    outcome->action = moon_merge(outcome->tenants, outcome->tenant_count, &outcome->split);
    remove_forged(&d);
    if (outcome->action == MOON_ACTION_ACCEPT) {
        remove_recipients(&d);
        const char *quarantined = quarantined_tenants(&d);
        if (!quarantined)
            return MOON_ENOMEM;
        add_fields(&d, quarantined);
        compose_data(&d, quarantined);
        /* Freezing holds up the whole message: only when nobody's mail would wait with it. */
        if (engine->conf->quarantine == MOON_QUARANTINE_FREEZE && strcmp(quarantined, "*") == 0 &&
            count_fate(outcome, MOON_FATE_DELIVER) == 0)
            outcome->action = MOON_ACTION_FREEZE;
    } else {
        compose_reply(&d);
    }
    compose_log(&d);
    return d.failed ? MOON_ENOMEM : MOON_OK;
}
