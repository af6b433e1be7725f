/* SPDX-License-Identifier: MIT
 *
 * results (report): one JSON shape for people, scripts and the decision log. Members without a
 * value are left out, so that a record of a plain message stays near one kilobyte.
 */
#include "engine/report/results.h"

#include "engine/base/limits.h"
#include "engine/message/domain.h"

/* What a stranger can make long is cut to this in records. */
#define TEXT_MAX        512u
#define UNSIGNED_FIELDS 10u /* names; a message has few */
/* Kept of a chain: the newest sets, and of each the first results and properties, while the text is
 * not longer than ARC_BYTES. Real chains have less; a hostile one must not crowd the rest out of
 * the record. */
#define ARC_SETS       5u
#define ARC_RESULTS    8u
#define ARC_PROPERTIES 6u
#define ARC_VALUE      128u
#define ARC_BYTES      4000u

static void add(struct moon_json *json, const char *key, const char *value)
{
    if (value && *value)
        moon_json_span(json, key, moon_span_sub(moon_span_of(value), 0, TEXT_MAX));
}

static void add_count(struct moon_json *json, const char *key, int64_t value)
{
    if (value)
        moon_json_int(json, key, value);
}

static void add_flag(struct moon_json *json, const char *key, bool value)
{
    if (value)
        moon_json_bool(json, key, true);
}

static void add_result(struct moon_json *json, enum moon_result result, const char *reason)
{
    moon_json_string(json, "result", moon_result_name(result));
    add(json, "reason", reason);
}

void moon_json_message(struct moon_json *json, const struct moon_message *msg)
{
    const struct moon_session *session = &msg->session;
    char ip[MOON_IP_TEXT_MAX];

    moon_json_object(json, "client");
    add(json, "ip", moon_ip_format(&session->ip, ip));
    add_count(json, "port", session->port);
    add(json, "helo", session->helo);
    add(json, "host", session->host_name);
    add(json, "protocol", session->protocol);
    add(json, "tls", session->tls);
    add(json, "authenticated", session->authenticated);
    moon_json_close(json, '}');

    moon_json_object(json, "envelope");
    moon_json_span(json, "from", moon_span_sub(moon_span_of(msg->mail_from), 0, TEXT_MAX));
    moon_json_array(json, "to");
    for (size_t i = 0; i < msg->recipient_count && i < 10; i++)
        moon_json_span(json, NULL,
                       moon_span_sub(moon_span_of(msg->recipients[i].address), 0, TEXT_MAX));
    moon_json_close(json, ']');
    moon_json_int(json, "recipients", (int64_t)msg->recipient_count);
    moon_json_close(json, '}');

    const struct moon_field *id = moon_message_field(msg, "Message-ID", NULL, false);
    if (id)
        moon_json_span(json, "message_id", moon_span_sub(moon_span_trim(id->value), 0, TEXT_MAX));
    moon_json_int(json, "body_bytes", msg->body.size_bytes);
}

static void json_from(struct moon_json *json, const struct moon_from *from)
{
    moon_json_object(json, "from");
    add(json, "domain", from->domain);
    if (from->kept)
        add(json, "address", from->authors[0].address);
    if (from->count != 1)
        moon_json_int(json, "count", (int64_t)from->count);
    add_flag(json, "ambiguous", from->ambiguous);
    add(json, "reason", from->reason);
    moon_json_close(json, '}');
}

static void json_step(struct moon_json *json, const struct moon_spf_step *step)
{
    moon_json_object(json, NULL);
    moon_json_int(json, "depth", step->depth);
    add(json, "domain", step->domain);
    moon_json_span(json, "term", moon_span_sub(step->term, 0, TEXT_MAX));
    add_count(json, "more", step->more);
    moon_json_string(json, "outcome", moon_spf_outcome_name(step->outcome));
    if (step->result != MOON_RESULT_NONE)
        moon_json_string(json, "result", moon_result_name(step->result));
    moon_json_int(json, "lookups", step->lookups);
    moon_json_close(json, '}');
}

static void json_spf(struct moon_json *json, const char *key, const struct moon_spf *spf,
                     bool everything)
{
    moon_json_object(json, key);
    /* "none" needs no reason: there is no record, as most HELO names have none. */
    add_result(json, spf->result, spf->result == MOON_RESULT_NONE ? NULL : spf->reason);
    add(json, "domain", spf->domain);
    add(json, "matched", spf->matched);
    add(json, "explanation", spf->explanation);
    add_count(json, "lookups", spf->lookups);
    add_count(json, "voids", spf->voids);
    add_flag(json, "aligned", spf->aligned);
    if (everything && spf->step_count) {
        moon_json_array(json, "terms");
        for (size_t i = 0; i < spf->step_count; i++)
            json_step(json, &spf->steps[i]);
        moon_json_close(json, ']');
    }
    moon_json_close(json, '}');
}

/* "@d", which i= stands for when it is absent (RFC 6376 section 3.5). */
static bool is_default_identity(const struct moon_dkim_sig *sig)
{
    return sig->domain && sig->identity[0] == '@' &&
           moon_span_is_nocase(moon_span_of(sig->identity + 1), sig->domain);
}

static void json_signature(struct moon_json *json, const struct moon_dkim_sig *sig)
{
    moon_json_object(json, NULL);
    add_result(json, sig->result, sig->reason);
    add(json, "domain", sig->domain);
    add(json, "selector", sig->selector);
    if (sig->identity && !is_default_identity(sig))
        add(json, "identity", sig->identity);
    add(json, "algorithm", sig->algorithm);
    add_count(json, "bits", sig->bits);
    add(json, "canonicalization", sig->canonicalization);
    if (sig->body_length >= 0)
        moon_json_int(json, "body_length", sig->body_length);
    add_count(json, "unsigned_bytes", sig->unsigned_bytes);
    if (sig->unsigned_field_count) {
        moon_json_array(json, "unsigned_fields");
        for (size_t i = 0; i < sig->unsigned_field_count && i < UNSIGNED_FIELDS; i++)
            add(json, NULL, sig->unsigned_fields[i]);
        moon_json_close(json, ']');
    }
    if (sig->signed_at_s >= 0)
        moon_json_int(json, "signed_at", sig->signed_at_s);
    if (sig->expires_s >= 0)
        moon_json_int(json, "expires", sig->expires_s);
    add_flag(json, "testing", sig->testing);
    add_flag(json, "aligned", sig->aligned);
    moon_json_close(json, '}');
}

static void json_dmarc(struct moon_json *json, const struct moon_dmarc *dmarc)
{
    moon_json_object(json, "dmarc");
    add_result(json, dmarc->result, dmarc->reason);
    add(json, "policy", moon_dmarc_policy_name(dmarc->policy));
    if (dmarc->published != dmarc->policy)
        add(json, "published", moon_dmarc_policy_name(dmarc->published));
    add(json, "published_tag", dmarc->published_tag);
    add(json, "policy_domain", dmarc->policy_domain);
    if (!dmarc->policy_domain || !dmarc->organizational_domain ||
        !moon_domain_equal(dmarc->policy_domain, dmarc->organizational_domain))
        add(json, "organizational_domain", dmarc->organizational_domain);
    moon_json_string(json, "discovery",
                     dmarc->discovery == MOON_DMARC_DISCOVERY_PSL ? "psl" : "treewalk");
    add(json, "record", dmarc->record);
    add_flag(json, "testing", dmarc->testing);
    add_flag(json, "dkim_aligned", dmarc->dkim_aligned);
    add_flag(json, "spf_aligned", dmarc->spf_aligned);
    add(json, "error", dmarc->error);
    moon_json_close(json, '}');
}

/* What would be otherwise by the other discovery; nothing when all is the same. */
static void json_dmarc_other(struct moon_json *json, const struct moon_results *results)
{
    const struct moon_dmarc *other = results->dmarc_other;

    if (!other || !moon_dmarc_differs(&results->dmarc, other))
        return;
    moon_json_object(json, "dmarc_other");
    add_result(json, other->result, other->reason);
    add(json, "policy", moon_dmarc_policy_name(other->policy));
    add(json, "published_tag", other->published_tag);
    add(json, "policy_domain", other->policy_domain);
    add(json, "organizational_domain", other->organizational_domain);
    moon_json_string(json, "discovery",
                     other->discovery == MOON_DMARC_DISCOVERY_PSL ? "psl" : "treewalk");
    add_flag(json, "dkim_aligned", other->dkim_aligned);
    add_flag(json, "spf_aligned", other->spf_aligned);
    moon_json_close(json, '}');
}

static void add_short(struct moon_json *json, const char *key, const char *value)
{
    if (value && *value)
        moon_json_span(json, key, moon_span_sub(moon_span_of(value), 0, ARC_VALUE));
}

/* {"method", "result", "properties"}: what a policy and a reader can use of it. `end` of the text:
 * nothing is begun behind it. */
static void json_arc_results(struct moon_json *json, const struct moon_arc_set *set, size_t end)
{
    if (set->result_count == 0)
        return;
    moon_json_array(json, "results");
    for (size_t i = 0; i < set->result_count && i < ARC_RESULTS && json->str.length < end; i++) {
        const struct moon_arc_result *result = &set->results[i];
        moon_json_object(json, NULL);
        add(json, "method", result->method);
        add(json, "result", result->result);
        add_short(json, "reason", result->reason);
        for (size_t k = 0; k < result->property_count && k < ARC_PROPERTIES; k++) {
            if (k == 0)
                moon_json_object(json, "properties");
            add_short(json, result->properties[k].name, result->properties[k].value);
        }
        if (result->property_count)
            moon_json_close(json, '}');
        moon_json_close(json, '}');
    }
    moon_json_close(json, ']');
}

static void json_arc_set(struct moon_json *json, const struct moon_arc_set *set, size_t end)
{
    static const char *const bodies[] = {NULL, "intact", "changed"};
    const struct moon_arc_signature *signature = &set->signature;

    moon_json_object(json, NULL);
    moon_json_int(json, "instance", set->instance);
    add(json, "domain", set->domain);
    add(json, "selector", set->selector);
    add_short(json, "cv", set->cv);
    add_short(json, "authserv_id", set->authserv_id);
    if (set->seal_result != MOON_RESULT_NONE)
        moon_json_string(json, "seal", moon_result_name(set->seal_result));
    add(json, "seal_reason", set->seal_reason);
    if (signature->result != MOON_RESULT_NONE)
        moon_json_string(json, "signature", moon_result_name(signature->result));
    add(json, "signature_reason", signature->reason);
    if (signature->domain && (!set->domain || !moon_domain_equal(set->domain, signature->domain)))
        add(json, "signature_domain", signature->domain);
    add(json, "body", bodies[signature->body]);
    if (signature->body_length >= 0)
        moon_json_int(json, "body_length", signature->body_length);
    add_short(json, "algorithm", set->algorithm);
    add_count(json, "bits", set->bits);
    if (set->signed_at_s >= 0)
        moon_json_int(json, "signed_at", set->signed_at_s);
    json_arc_results(json, set, end);
    moon_json_close(json, '}');
}

static void json_arc(struct moon_json *json, const struct moon_arc *arc)
{
    size_t first = arc->set_count > ARC_SETS ? arc->set_count - ARC_SETS : 0;
    size_t end = json->str.length + ARC_BYTES;

    moon_json_object(json, "arc");
    add_result(json, arc->result, arc->reason);
    add_flag(json, "temperror", arc->temperror);
    add_flag(json, "verified", arc->verified);
    add_count(json, "instances", arc->instances);
    if (arc->result == MOON_RESULT_PASS && arc->oldest_pass >= 0)
        moon_json_int(json, "oldest_pass", arc->oldest_pass);
    add_count(json, "failed_instance", arc->failed_instance);
    add(json, "failed_part", arc->failed_part);
    add_count(json, "body_changed_after", arc->body_changed_after);
    for (size_t i = first; i < arc->set_count; i++) {
        if (i == first)
            moon_json_array(json, "sets");
        json_arc_set(json, &arc->sets[i], end);
    }
    if (arc->set_count)
        moon_json_close(json, ']');
    moon_json_close(json, '}');
}

/* What the message says of the list and the forwarder it comes from; nothing when it says nothing.
 */
static void json_origin(struct moon_json *json, const struct moon_results *results)
{
    const struct moon_mailing_list *list = &results->list;
    const struct moon_forwarding *by = &results->forwarding.by;

    if (list->id.count) {
        moon_json_object(json, "list");
        add(json, "id", list->id.id);
        add_count(json, "fields", list->id.count > 1 ? (int64_t)list->id.count : 0);
        add_flag(json, "verified", list->verified);
        add(json, "verified_by", list->verified_by);
        add(json, "verified_domain", list->verified_domain);
        moon_json_close(json, '}');
    }
    if (by->pattern) {
        moon_json_object(json, "forwarding");
        add(json, "pattern", by->pattern);
        add_flag(json, "verified", results->forwarding.verified);
        add(json, "forwarder", by->forwarder);
        add(json, "mailbox", by->mailbox);
        add(json, "original", by->original);
        add(json, "destination", by->destination);
        moon_json_close(json, '}');
    }
}

void moon_json_results(struct moon_json *json, const struct moon_results *results, bool everything)
{
    json_from(json, &results->from);
    json_spf(json, "spf", &results->spf, everything);
    json_spf(json, "spf_helo", &results->spf_helo, everything);
    if (results->iprev != MOON_RESULT_NONE)
        moon_json_string(json, "iprev", moon_result_name(results->iprev));
    moon_json_array(json, "dkim");
    for (size_t i = 0; i < results->dkim.count; i++)
        json_signature(json, &results->dkim.sigs[i]);
    moon_json_close(json, ']');
    if (results->dkim.found > results->dkim.count)
        moon_json_int(json, "dkim_found", (int64_t)results->dkim.found);
    json_arc(json, &results->arc);
    json_origin(json, results);
    json_dmarc(json, &results->dmarc);
    json_dmarc_other(json, results);
}

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
            moon_json_span(json, NULL, moon_span_sub(record->text, 0, TEXT_MAX));
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
    add(json, "space", asked->space);
    if (asked->kind == MOON_ASKED_DNS) {
        moon_json_string(json, "type", moon_dns_type_name(asked->type));
        moon_json_string(json, "answer",
                         asked->dns ? moon_dns_state_name(asked->dns->state) : NULL);
        if (asked->dns) {
            add(json, "reason", asked->dns->reason);
            json_records(json, asked->dns);
        }
    } else {
        moon_json_int(json, asked->kind == MOON_ASKED_COUNT ? "window" : "keep", asked->span_s);
        moon_json_int(json, "add", asked->add);
        add_flag(json, "pretended", asked->pretended);
        if (asked->answered)
            moon_json_int(json, "answer", asked->value);
        else
            moon_json_string(json, "answer", NULL);
    }
    add(json, "why", asked->why);
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
    add_count(json, "asked_left_out", (int64_t)moon_asks_refused(asks));
}

static void json_verdict(struct moon_json *json, const struct moon_tenant_verdict *tenant,
                         bool taken)
{
    const struct moon_verdict *verdict = &tenant->verdict;

    moon_json_object(json, NULL);
    moon_json_string(json, "tenant", tenant->tenant);
    moon_json_int(json, "recipients", (int64_t)tenant->recipient_count);
    moon_json_string(json, "verdict", moon_verdict_name(verdict->kind));
    if (taken && tenant->by_split)
        moon_json_string(json, "fate", moon_fate_name(tenant->fate));
    add(json, "layer", verdict->layer);
    add(json, "rule", verdict->rule);
    add(json, "esc", verdict->esc);
    add(json, "override", verdict->override);
    add(json, "comment", verdict->comment);
    add(json, "reason", verdict->reason);
    add(json, "failure", verdict->failure);
    if (verdict->fact_count) {
        moon_json_array(json, "facts");
        for (size_t i = 0; i < verdict->fact_count && i < 40; i++)
            add(json, NULL, verdict->facts[i]);
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
    bool taken = outcome->action == MOON_ACTION_ACCEPT || outcome->action == MOON_ACTION_FREEZE;

    (void)msg; /* part of the contract: later members name recipients */
    moon_json_array(json, "verdicts");
    for (size_t i = 0; i < outcome->tenant_count && i < 10; i++)
        json_verdict(json, &outcome->tenants[i], taken);
    moon_json_close(json, ']');
    add_count(json, "verdicts_left_out",
              outcome->tenant_count > 10 ? (int64_t)outcome->tenant_count - 10 : 0);

    moon_json_object(json, "decision");
    moon_json_string(json, "action", moon_action_name(outcome->action));
    add_flag(json, "split", outcome->split);
    add(json, "reply", outcome->reply);
    if (outcome->data &&
        moon_span_eq(moon_span_sub(moon_span_of(outcome->data), 0, 2), MOON_SPAN("q=")))
        add(json, "data", outcome->data);
    if (outcome->added_count) {
        moon_json_array(json, "added");
        for (size_t i = 0; i < outcome->added_count; i++)
            moon_json_span(json, NULL, field_name(outcome->added[i].text));
        moon_json_close(json, ']');
    }
    add_count(json, "removed_fields", (int64_t)outcome->removed_field_count);
    add_count(json, "discarded_recipients", (int64_t)outcome->removed_recipient_count);
    add(json, "notes", outcome->notes);
    moon_json_close(json, '}');
}

static void json_answer(struct moon_json *json, const struct moon_dns_answer *answer)
{
    moon_json_object(json, NULL);
    add(json, "name", answer->name);
    moon_json_string(json, "type", moon_dns_type_name(answer->type));
    moon_json_string(json, "state", moon_dns_state_name(answer->state));
    add(json, "reason", answer->reason);
    if (answer->round != 1)
        moon_json_int(json, "round", answer->round);
    json_records(json, answer);
    moon_json_close(json, '}');
}

void moon_json_dns(struct moon_json *json, const struct moon_dns *dns, bool everything)
{
    struct moon_dns_stats stats = moon_dns_stats(dns);
    const struct moon_dns_answer *answer;

    moon_json_object(json, "dns");
    moon_json_int(json, "questions", stats.questions);
    moon_json_int(json, "rounds", stats.rounds);
    moon_json_int(json, "waiting_us", stats.waiting_us);
    add_count(json, "refused_by_cap", stats.capped);
    if (everything) {
        moon_json_array(json, "answers");
        for (size_t i = 0; (answer = moon_dns_each(dns, i)); i++)
            json_answer(json, answer);
        moon_json_close(json, ']');
    }
    moon_json_close(json, '}');
}
