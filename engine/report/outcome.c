/* SPDX-License-Identifier: MIT
 *
 * outcome (report): verdicts, decision and DNS evidence as JSON; the results are in results.c.
 */
#include "engine/report/members.h"
#include "engine/report/results.h"
#include "engine/verdict/evaluated.h"

/* The first four. */
static void json_records(struct moon_json *json, const struct moon_dns_answer *answer)
{
    char ip[MOON_IP_TEXT_MAX];

    if (answer->count == 0)
        return;
    moon_json_array(json, "records");
    for (size_t i = 0; i < answer->count && i < 4; i++) {
        const struct moon_dns_record *record = &answer->records[i];
        if (answer->type == MOON_DNS_TYPE_TXT)
            moon_json_span(json, NULL, moon_span_sub(record->text, 0, MOON_MEMBER_TEXT_MAX));
        else if (record->ip.family)
            moon_json_string(json, NULL, moon_ip_format(&record->ip, ip));
        else
            moon_json_string(json, NULL, record->name);
    }
    moon_json_close(json, ']');
}

/* {"count": key, ..., "answer": number}: the kind is the first key. */
static void json_asked(struct moon_json *json, const struct moon_asked *asked)
{
    static const char *const kinds[] = {[MOON_ASKED_COUNT] = "count",
                                        [MOON_ASKED_FIRST_SEEN] = "first_seen",
                                        [MOON_ASKED_DNS] = "dns"};
    moon_json_object(json, NULL);
    moon_json_string(json, kinds[asked->kind], asked->key);
    moon_member(json, "space", asked->space);
    if (asked->kind == MOON_ASKED_DNS) {
        moon_json_string(json, "type", moon_dns_type_name(asked->type));
        moon_json_string(json, "answer",
                         asked->dns ? moon_dns_state_name(asked->dns->state) : NULL);
        if (asked->dns) {
            moon_member(json, "reason", asked->dns->reason);
            json_records(json, asked->dns);
        }
    } else {
        moon_json_int(json, asked->kind == MOON_ASKED_COUNT ? "window" : "keep", asked->span_s);
        moon_json_int(json, "add", asked->add);
        moon_member_flag(json, "pretended", asked->pretended);
        if (asked->answered)
            moon_json_int(json, "answer", asked->value);
        else
            moon_json_string(json, "answer", NULL);
    }
    moon_member(json, "why", asked->why);
    moon_json_close(json, '}');
}

static void json_asks(struct moon_json *json, const struct moon_asks *asks)
{
    const struct moon_asked *asked;

    for (size_t i = 0; (asked = moon_asks_each(asks, i)); i++) {
        if (i == 0)
            moon_json_array(json, "asked");
        json_asked(json, asked);
    }
    if (moon_asks_each(asks, 0))
        moon_json_close(json, ']');
    moon_member_count(json, "asked_left_out", (int64_t)moon_asks_refused(asks));
}

/* The next version beside the one that decided. */
static void json_shadow(struct moon_json *json, const struct moon_shadow *shadow)
{
    const struct {
        bool differs;
        const char *name;
    } all[] = {{shadow->kind_differs, "verdict"},
               {shadow->esc_differs, "esc"},
               {shadow->override_differs, "override"},
               {shadow->layer_differs, "layer"}};
    bool any = false;

    moon_json_object(json, "shadow");
    moon_member(json, "skipped", shadow->skipped);
    if (!shadow->skipped)
        moon_json_string(json, "verdict", moon_verdict_name(shadow->verdict.kind));
    moon_member(json, "layer", shadow->verdict.layer);
    moon_member(json, "rule", shadow->verdict.rule);
    moon_member(json, "esc", shadow->verdict.esc);
    moon_member(json, "override", shadow->verdict.override);
    moon_member(json, "failure", shadow->verdict.failure);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!all[i].differs)
            continue;
        if (!any)
            moon_json_array(json, "differs");
        any = true;
        moon_json_string(json, NULL, all[i].name);
    }
    if (any)
        moon_json_close(json, ']');
    moon_json_close(json, '}');
}

static void json_via(struct moon_json *json, const struct moon_entry_ref *via)
{
    if (!via)
        return;
    moon_json_object(json, "via");
    moon_member(json, "list", via->list);
    moon_member_count(json, "line", via->line);
    moon_member(json, "entry", via->entry);
    moon_member(json, "by", via->by);
    moon_json_close(json, '}');
}

static void json_evaluated(struct moon_json *json, struct moon_evaluated evaluated)
{
    if (!evaluated.disposition)
        return;
    moon_json_object(json, "policy_evaluated");
    moon_member(json, "disposition", evaluated.disposition);
    moon_member(json, "type", evaluated.type);
    moon_json_close(json, '}');
}

static void json_verdict(struct moon_json *json, const struct moon_tenant_verdict *tenant,
                         const struct moon_outcome *outcome)
{
    bool taken = outcome->action == MOON_ACTION_ACCEPT || outcome->action == MOON_ACTION_FREEZE;
    const struct moon_verdict *verdict = &tenant->verdict;

    moon_json_object(json, NULL);
    moon_json_string(json, "tenant", tenant->tenant);
    moon_json_int(json, "recipients", (int64_t)tenant->recipient_count);
    moon_json_string(json, "verdict", moon_verdict_name(verdict->kind));
    if (tenant->dry_run)
        moon_json_string(json, "mode", moon_mode_name(MOON_MODE_DRY_RUN));
    if (tenant->next)
        moon_json_string(json, "version", "next");
    if (taken && tenant->by_split)
        moon_json_string(json, "fate", moon_fate_name(tenant->fate));
    moon_member(json, "layer", verdict->layer);
    moon_member(json, "rule", verdict->rule);
    moon_member(json, "esc", verdict->esc);
    moon_member(json, "override", verdict->override);
    moon_member(json, "comment", verdict->comment);
    json_via(json, verdict->via);
    json_evaluated(json, moon_evaluated_of(&outcome->results.dmarc, tenant, outcome->action));
    moon_member(json, "reason", verdict->reason);
    moon_member(json, "failure", verdict->failure);
    if (tenant->shadow)
        json_shadow(json, tenant->shadow);
    if (verdict->fact_count) {
        moon_json_array(json, "facts");
        for (size_t i = 0; i < verdict->fact_count && i < 40; i++)
            moon_member(json, NULL, verdict->facts[i]);
        moon_json_close(json, ']');
    }
    json_asks(json, tenant->asks);
    moon_json_close(json, '}');
}

/* "Name" of "Name: value". */
static struct moon_span field_name(const char *field)
{
    struct moon_span text = moon_span_of(field);
    return moon_span_sub(text, 0, moon_span_find(text, ':'));
}

void moon_json_outcome(struct moon_json *json, const struct moon_message *msg,
                       const struct moon_outcome *outcome)
{
    (void)msg; /* part of the contract: later members name recipients */
    moon_json_array(json, "verdicts");
    for (size_t i = 0; i < outcome->tenant_count && i < 10; i++)
        json_verdict(json, &outcome->tenants[i], outcome);
    moon_json_close(json, ']');
    moon_member_count(json, "verdicts_left_out",
                      outcome->tenant_count > 10 ? (int64_t)outcome->tenant_count - 10 : 0);

    moon_json_object(json, "decision");
    moon_json_string(json, "action", moon_action_name(outcome->action));
    moon_member_flag(json, "split", outcome->split);
    moon_member(json, "reply", outcome->reply);
    if (outcome->data &&
        moon_span_eq(moon_span_sub(moon_span_of(outcome->data), 0, 2), MOON_SPAN("q=")))
        moon_member(json, "data", outcome->data);
    if (outcome->added_count) {
        moon_json_array(json, "added");
        for (size_t i = 0; i < outcome->added_count; i++)
            moon_json_span(json, NULL, field_name(outcome->added[i].text));
        moon_json_close(json, ']');
    }
    moon_member_count(json, "removed_fields", (int64_t)outcome->removed_field_count);
    moon_member_count(json, "discarded_recipients", (int64_t)outcome->removed_recipient_count);
    moon_member(json, "notes", outcome->notes);
    moon_json_close(json, '}');
}

static void json_answer(struct moon_json *json, const struct moon_dns_answer *answer)
{
    moon_json_object(json, NULL);
    moon_member(json, "name", answer->name);
    moon_json_string(json, "type", moon_dns_type_name(answer->type));
    moon_json_string(json, "state", moon_dns_state_name(answer->state));
    moon_member(json, "reason", answer->reason);
    if (answer->cached)
        moon_json_bool(json, "cached", true);
    if (answer->round != 1)
        moon_json_int(json, "round", answer->round);
    json_records(json, answer);
    moon_json_close(json, '}');
}

void moon_json_dns(struct moon_json *json, const struct moon_outcome *outcome, bool everything)
{
    struct moon_dns_stats stats = moon_dns_stats(outcome->dns);
    const struct moon_dns_answer *answer;

    moon_json_object(json, "dns");
    moon_json_int(json, "questions", stats.questions);
    moon_member_count(json, "cached", stats.cached);
    moon_json_int(json, "rounds", stats.rounds);
    moon_json_int(json, "waiting_us", stats.waiting_us);
    moon_member_count(json, "refused_by_cap", stats.capped);
    moon_member(json, "late", outcome->dns_late);
    if (everything) {
        moon_json_array(json, "answers");
        for (size_t i = 0; (answer = moon_dns_each(outcome->dns, i)); i++)
            json_answer(json, answer);
        moon_json_close(json, ']');
    }
    moon_json_close(json, '}');
}
