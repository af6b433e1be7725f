/* SPDX-License-Identifier: MIT
 *
 * results (report): one JSON shape for people, scripts and the decision log. Members without a
 * value are left out, so that a record of a plain message stays near one kilobyte.
 */
#include "engine/report/results.h"

#include "engine/base/limits.h"
#include "engine/message/domain.h"
#include "engine/report/members.h"

#define UNSIGNED_FIELDS 10u /* names; a message has few */
/* Kept of a chain: the newest sets, and of each the first results and properties, while the text is
 * not longer than ARC_BYTES. Real chains have less; a hostile one must not crowd the rest out of
 * the record. */
#define ARC_SETS       5u
#define ARC_RESULTS    8u
#define ARC_PROPERTIES 6u
#define ARC_VALUE      128u
#define ARC_BYTES      4000u

void moon_json_message(struct moon_json *json, const struct moon_message *msg)
{
    const struct moon_session *session = &msg->session;
    char ip[MOON_IP_TEXT_MAX];

    moon_json_object(json, "client");
    moon_member(json, "ip", moon_ip_format(&session->ip, ip));
    moon_member_count(json, "port", session->port);
    moon_member(json, "hop", moon_ip_format(&session->hop, ip));
    moon_member(json, "hop_reason", session->hop_reason);
    moon_member(json, "helo", session->helo);
    moon_member(json, "host", session->host_name);
    moon_member(json, "protocol", session->protocol);
    moon_member(json, "tls", session->tls);
    moon_member(json, "authenticated", session->authenticated);
    moon_json_close(json, '}');

    moon_json_object(json, "envelope");
    moon_json_span(json, "from",
                   moon_span_sub(moon_span_of(msg->mail_from), 0, MOON_MEMBER_TEXT_MAX));
    moon_json_array(json, "to");
    for (size_t i = 0; i < msg->recipient_count && i < 10; i++)
        moon_json_span(
            json, NULL,
            moon_span_sub(moon_span_of(msg->recipients[i].address), 0, MOON_MEMBER_TEXT_MAX));
    moon_json_close(json, ']');
    moon_json_int(json, "recipients", (int64_t)msg->recipient_count);
    moon_json_close(json, '}');

    const struct moon_field *id = moon_message_field(msg, "Message-ID", NULL, false);
    if (id)
        moon_json_span(json, "message_id",
                       moon_span_sub(moon_span_trim(id->value), 0, MOON_MEMBER_TEXT_MAX));
    moon_json_int(json, "body_bytes", msg->body.size_bytes);
}

static void json_from(struct moon_json *json, const struct moon_from *from)
{
    moon_json_object(json, "from");
    moon_member(json, "domain", from->domain);
    if (from->kept)
        moon_member(json, "address", from->authors[0].address);
    if (from->count != 1)
        moon_json_int(json, "count", (int64_t)from->count);
    moon_member_flag(json, "ambiguous", from->ambiguous);
    moon_member(json, "reason", from->reason);
    moon_json_close(json, '}');
}

static void json_step(struct moon_json *json, const struct moon_spf_step *step)
{
    moon_json_object(json, NULL);
    moon_json_int(json, "depth", step->depth);
    moon_member(json, "domain", step->domain);
    moon_json_span(json, "term", moon_span_sub(step->term, 0, MOON_MEMBER_TEXT_MAX));
    moon_member_count(json, "more", step->more);
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
    moon_member_result(json, spf->result, spf->result == MOON_RESULT_NONE ? NULL : spf->reason);
    moon_member(json, "domain", spf->domain);
    moon_member(json, "matched", spf->matched);
    moon_member(json, "explanation", spf->explanation);
    moon_member_count(json, "lookups", spf->lookups);
    moon_member_count(json, "voids", spf->voids);
    moon_member_flag(json, "aligned", spf->aligned);
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
    moon_member_result(json, sig->result, sig->reason);
    moon_member(json, "domain", sig->domain);
    moon_member(json, "selector", sig->selector);
    if (sig->identity && !is_default_identity(sig))
        moon_member(json, "identity", sig->identity);
    moon_member(json, "algorithm", sig->algorithm);
    moon_member_count(json, "bits", sig->bits);
    moon_member(json, "canonicalization", sig->canonicalization);
    if (sig->body_length >= 0)
        moon_json_int(json, "body_length", sig->body_length);
    moon_member_count(json, "unsigned_bytes", sig->unsigned_bytes);
    if (sig->unsigned_field_count) {
        moon_json_array(json, "unsigned_fields");
        for (size_t i = 0; i < sig->unsigned_field_count && i < UNSIGNED_FIELDS; i++)
            moon_member(json, NULL, sig->unsigned_fields[i]);
        moon_json_close(json, ']');
    }
    if (sig->signed_at_s >= 0)
        moon_json_int(json, "signed_at", sig->signed_at_s);
    if (sig->expires_s >= 0)
        moon_json_int(json, "expires", sig->expires_s);
    moon_member_flag(json, "testing", sig->testing);
    moon_member_flag(json, "aligned", sig->aligned);
    moon_json_close(json, '}');
}

static void json_dmarc(struct moon_json *json, const struct moon_dmarc *dmarc)
{
    moon_json_object(json, "dmarc");
    moon_member_result(json, dmarc->result, dmarc->reason);
    moon_member(json, "policy", moon_dmarc_policy_name(dmarc->policy));
    if (dmarc->published != dmarc->policy)
        moon_member(json, "published", moon_dmarc_policy_name(dmarc->published));
    moon_member(json, "published_tag", dmarc->published_tag);
    moon_member(json, "policy_domain", dmarc->policy_domain);
    if (!dmarc->policy_domain || !dmarc->organizational_domain ||
        !moon_domain_equal(dmarc->policy_domain, dmarc->organizational_domain))
        moon_member(json, "organizational_domain", dmarc->organizational_domain);
    moon_json_string(json, "discovery",
                     dmarc->discovery == MOON_DMARC_DISCOVERY_PSL ? "psl" : "treewalk");
    moon_member(json, "record", dmarc->record);
    moon_member_flag(json, "testing", dmarc->testing);
    moon_member_flag(json, "dkim_aligned", dmarc->dkim_aligned);
    moon_member_flag(json, "spf_aligned", dmarc->spf_aligned);
    moon_member_flag(json, "parked", dmarc->parked == MOON_DMARC_PARKED_YES);
    moon_member(json, "error", dmarc->error);
    moon_json_close(json, '}');
}

/* What would be otherwise by the other discovery; nothing when all is the same. */
static void json_dmarc_other(struct moon_json *json, const struct moon_results *results)
{
    const struct moon_dmarc *other = results->dmarc_other;

    if (!other || !moon_dmarc_differs(&results->dmarc, other))
        return;
    moon_json_object(json, "dmarc_other");
    moon_member_result(json, other->result, other->reason);
    moon_member(json, "policy", moon_dmarc_policy_name(other->policy));
    moon_member(json, "published_tag", other->published_tag);
    moon_member(json, "policy_domain", other->policy_domain);
    moon_member(json, "organizational_domain", other->organizational_domain);
    moon_json_string(json, "discovery",
                     other->discovery == MOON_DMARC_DISCOVERY_PSL ? "psl" : "treewalk");
    moon_member_flag(json, "dkim_aligned", other->dkim_aligned);
    moon_member_flag(json, "spf_aligned", other->spf_aligned);
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
        moon_member(json, "method", result->method);
        moon_member(json, "result", result->result);
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
    moon_member(json, "domain", set->domain);
    moon_member(json, "selector", set->selector);
    add_short(json, "cv", set->cv);
    add_short(json, "authserv_id", set->authserv_id);
    if (set->seal_result != MOON_RESULT_NONE)
        moon_json_string(json, "seal", moon_result_name(set->seal_result));
    moon_member(json, "seal_reason", set->seal_reason);
    if (signature->result != MOON_RESULT_NONE)
        moon_json_string(json, "signature", moon_result_name(signature->result));
    moon_member(json, "signature_reason", signature->reason);
    if (signature->domain && (!set->domain || !moon_domain_equal(set->domain, signature->domain)))
        moon_member(json, "signature_domain", signature->domain);
    moon_member(json, "body", bodies[signature->body]);
    if (signature->body_length >= 0)
        moon_json_int(json, "body_length", signature->body_length);
    add_short(json, "algorithm", set->algorithm);
    moon_member_count(json, "bits", set->bits);
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
    moon_member_result(json, arc->result, arc->reason);
    moon_member_flag(json, "temperror", arc->temperror);
    moon_member_flag(json, "verified", arc->verified);
    moon_member_count(json, "instances", arc->instances);
    if (arc->result == MOON_RESULT_PASS && arc->oldest_pass >= 0)
        moon_json_int(json, "oldest_pass", arc->oldest_pass);
    moon_member_count(json, "failed_instance", arc->failed_instance);
    moon_member(json, "failed_part", arc->failed_part);
    moon_member_count(json, "body_changed_after", arc->body_changed_after);
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
        moon_member(json, "id", list->id.id);
        moon_member_count(json, "fields", list->id.count > 1 ? (int64_t)list->id.count : 0);
        moon_member_flag(json, "verified", list->verified);
        moon_member(json, "verified_by", list->verified_by);
        moon_member(json, "verified_domain", list->verified_domain);
        moon_json_close(json, '}');
    }
    if (by->pattern) {
        moon_json_object(json, "forwarding");
        moon_member(json, "pattern", by->pattern);
        moon_member_flag(json, "verified", results->forwarding.verified);
        moon_member(json, "forwarder", by->forwarder);
        moon_member(json, "mailbox", by->mailbox);
        moon_member(json, "original", by->original);
        moon_member(json, "destination", by->destination);
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
