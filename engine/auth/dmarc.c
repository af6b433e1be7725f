/* SPDX-License-Identifier: MIT
 *
 * dmarc: the DMARC result of one message.
 *
 *   1. Author Domain: exactly one, or DMARC cannot be applied (RFC 9989 section 5.3.1).
 *   2. Discovery of the DMARC Policy Record: the Author Domain's own, else that of its
 *      Organizational Domain, else that of its Public Suffix Domain (section 4.10.1).
 *   3. Is the record usable; which tag speaks for this domain: p, sp or np.
 *   4. Alignment of every identifier (section 4.10.2).
 *   5. Result: pass when an aligned identifier passes; temperror when DNS trouble leaves that open;
 *      else fail (sections 5.3.5 and 5.3.6).
 *   6. The policy asked for: t=y is one level lower (section 4.7); so is what pct leaves out of the
 *      sample in PSL mode (RFC 7489 section 6.6.4).
 */
#include "engine/auth/dmarc.h"

#include "engine/auth/dmarc_align.h"
#include "engine/auth/dmarc_psl.h"
#include "engine/auth/dmarc_walk.h"
#include "engine/message/domain.h"

struct evaluation {
    struct moon_arena *arena;
    struct moon_dns *dns;
    unsigned pct_draw;
    struct moon_results *results;
    struct moon_dmarc *dmarc;
    const char *author;
    const char *walk_error;
    struct moon_dmarc_lookup policy; /* records == 1: the DMARC Policy Record */
    /* The record of the Organizational Domain where it is another; NULL: none, or not known. */
    const struct moon_dmarc_record *organization;
    const char *trouble; /* discovery met DNS trouble that leaves something open */
};

void moon_dmarc_prefetch(struct moon_dns *dns, const struct moon_from *from,
                         enum moon_dmarc_discovery discovery)
{
    if (!from->domain)
        return;
    if (discovery == MOON_DMARC_DISCOVERY_PSL) {
        moon_dmarc_lookup_start(dns, from->domain);
        moon_dmarc_lookup_start(dns, moon_dmarc_psl_organization(from->domain));
        return;
    }
    moon_dmarc_walk_start(dns, from->domain);
    /* Whether it exists, for np. The SPF check asks the same question of most messages. */
    if (moon_domain_parent(from->domain))
        (void)moon_dns_start(dns, from->domain, MOON_DNS_TYPE_TXT); /* read when needed */
}

/* Domains that share less than two labels are hardly of one organization; names that the Author's
 * walk asks for are not asked again. */
void moon_dmarc_prefetch_identifier(struct moon_dns *dns, const struct moon_from *from,
                                    enum moon_dmarc_discovery discovery, const char *domain)
{
    const char *names[MOON_DMARC_QUERIES_MAX];

    if (!from->domain || !domain || discovery != MOON_DMARC_DISCOVERY_TREEWALK ||
        !moon_domain_within(from->domain, moon_domain_tail(domain, 2)))
        return;
    size_t count = moon_dmarc_walk_names(domain, names);
    for (size_t i = 0; i < count && !moon_domain_within(from->domain, names[i]); i++)
        moon_dmarc_lookup_start(dns, names[i]);
}

/* Sets result and reason; MOON_ENOMEM when the reason could not be built. */
static enum moon_status conclude(struct evaluation *e, enum moon_result result, const char *reason)
{
    e->dmarc->result = result;
    e->dmarc->reason = reason;
    return reason ? MOON_OK : MOON_ENOMEM;
}

/* --- step 2 -------------------------------------------------------------------------------------
 */

static const struct moon_dmarc_lookup *found_at(const struct moon_dmarc_walk *walk,
                                                const char *domain)
{
    for (size_t i = 0; i < walk->count; i++)
        if (moon_domain_equal(walk->found[i].domain, domain))
            return &walk->found[i];
    return NULL;
}

/* Section 4.10.1. The walk starts at the Author Domain also where this one has no record: a PSD
 * directly above it must not look like the start of the walk (section 4.10.2, rule 2). */
static enum moon_status discover_by_walk(struct evaluation *e)
{
    struct moon_dmarc_walk *walk = moon_arena_alloc(e->arena, sizeof *walk);
    if (!walk)
        return MOON_ENOMEM;
    enum moon_status status = moon_dmarc_walk(e->arena, e->dns, e->author, walk);
    if (status != MOON_OK)
        return status;

    const struct moon_dmarc_lookup *policy = found_at(walk, e->author);
    const char *organization = walk->organizational_domain;
    e->dmarc->walk_queries = walk->queries;
    e->dmarc->organizational_domain = organization;
    e->walk_error = walk->error;
    e->trouble = walk->trouble;
    if (!policy && organization)
        policy = found_at(walk, organization);
    if (!policy && organization && walk->count && walk->found[walk->count - 1].record.psd == 'y')
        policy = &walk->found[walk->count - 1];
    if (policy)
        e->policy = *policy;
    policy = organization ? found_at(walk, organization) : NULL;
    e->organization = policy ? &policy->record : NULL;
    return MOON_OK;
}

/* RFC 7489 section 6.6.3: the Author Domain, else its Organizational Domain; several records at the
 * one that is used end it. */
static enum moon_status discover_by_list(struct evaluation *e)
{
    const char *organization = moon_dmarc_psl_organization(e->author);

    e->dmarc->organizational_domain = organization;
    enum moon_status status = moon_dmarc_lookup(e->arena, e->dns, e->author, &e->policy);
    e->dmarc->walk_queries = 1;
    if (status == MOON_OK && !e->policy.trouble && e->policy.records == 0 &&
        !moon_domain_equal(organization, e->author)) {
        status = moon_dmarc_lookup(e->arena, e->dns, organization, &e->policy);
        e->dmarc->walk_queries++;
    }
    e->trouble = e->policy.trouble;
    return status;
}

/* --- steps 3 and 6 ------------------------------------------------------------------------------
 */

static bool is_subdomain_policy(const struct evaluation *e)
{
    return !moon_domain_equal(e->policy.domain, e->author);
}

static void publish(struct evaluation *e, enum moon_dmarc_policy policy, const char *tag)
{
    e->dmarc->published = policy;
    e->dmarc->published_tag = tag;
}

/* Which tag speaks; sets *open_r when only DNS could tell and did not. */
static void select_policy(struct evaluation *e, bool *open_r)
{
    const struct moon_dmarc_record *record = &e->policy.record;
    bool treewalk = e->dmarc->discovery == MOON_DMARC_DISCOVERY_TREEWALK;

    *open_r = false;
    if (!record->usable) { /* as if a record containing p=none was retrieved */
        publish(e, MOON_DMARC_POLICY_NONE, "p");
        return;
    }
    publish(e, record->p, "p");
    if (!is_subdomain_policy(e))
        return;
    if (record->sp != MOON_DMARC_POLICY_ABSENT)
        publish(e, record->sp, "sp");
    if (!treewalk || record->np == MOON_DMARC_POLICY_ABSENT)
        return;
    /* Section 3.2.13: only NXDOMAIN means that it does not exist. */
    const struct moon_dns_answer *answer = moon_dns_wait(e->dns, e->author, MOON_DNS_TYPE_TXT);
    *open_r = answer->state == MOON_DNS_STATE_TROUBLE && record->np != e->dmarc->published;
    if (answer->state == MOON_DNS_STATE_NXDOMAIN)
        publish(e, record->np, "np");
}

static enum moon_dmarc_policy one_lower(enum moon_dmarc_policy policy)
{
    return policy == MOON_DMARC_POLICY_REJECT ? MOON_DMARC_POLICY_QUARANTINE
                                              : MOON_DMARC_POLICY_NONE;
}

static void ask_for_policy(struct evaluation *e)
{
    struct moon_dmarc *dmarc = e->dmarc;
    bool sampled_out =
        dmarc->discovery == MOON_DMARC_DISCOVERY_PSL && e->pct_draw >= e->policy.record.pct;

    dmarc->policy = dmarc->published;
    if (dmarc->testing || sampled_out)
        dmarc->policy = one_lower(dmarc->published);
}

/* --- steps 4 and 5 ------------------------------------------------------------------------------
 */

static void keep_record(struct evaluation *e)
{
    const struct moon_dmarc_record *record = &e->policy.record;
    struct moon_dmarc *dmarc = e->dmarc;
    bool treewalk = dmarc->discovery == MOON_DMARC_DISCOVERY_TREEWALK;

    dmarc->record = record->text;
    dmarc->tags = record->tags;
    dmarc->tag_count = record->tag_count;
    dmarc->policy_domain = e->policy.domain;
    dmarc->testing = treewalk && record->testing;
    dmarc->psd = treewalk ? record->psd : 'u';
    dmarc->adkim = record->adkim;
    dmarc->aspf = record->aspf;
}

/* What the owner should be told in reports. */
static enum moon_status note_errors(struct evaluation *e, const char *skipped)
{
    struct moon_str str;
    const char *record_error = e->policy.records == 1 ? e->policy.record.error : NULL;

    if (!e->walk_error && !record_error && !skipped)
        return MOON_OK;
    moon_str_begin(&str, e->arena);
    if (e->walk_error)
        moon_str_add(&str, e->walk_error);
    if (record_error)
        moon_str_addf(&str, "%srecord of %s: %s", str.length ? "; " : "", e->policy.domain,
                      record_error);
    if (skipped)
        moon_str_addf(&str, "%stoo many identifiers, %s not evaluated", str.length ? "; " : "",
                      skipped);
    e->dmarc->error = moon_str_end(&str);
    return e->dmarc->error ? MOON_OK : MOON_ENOMEM;
}

static const char *pass_reason(const struct evaluation *e)
{
    const struct moon_results *results = e->results;

    if (!e->dmarc->dkim_aligned)
        return moon_arena_printf(e->arena, "SPF of %s is aligned", results->spf.domain);
    for (size_t i = 0; i < results->dkim.count; i++) {
        const struct moon_dkim_sig *sig = &results->dkim.sigs[i];
        if (sig->aligned && sig->result == MOON_RESULT_PASS)
            return moon_arena_printf(e->arena, "DKIM of %s is aligned%s", sig->domain,
                                     e->dmarc->spf_aligned ? ", and so is SPF" : "");
    }
    return "";
}

/* BIMI wants quarantine or reject, subdomains too; quarantine for all of the mail. RFC 9989 knows
 * no pct any more and has t instead; an owner who still publishes either does not enforce. */
static bool enforces(const struct evaluation *e, const struct moon_dmarc_record *record)
{
    bool treewalk = e->dmarc->discovery == MOON_DMARC_DISCOVERY_TREEWALK;
    return record->usable && record->p >= MOON_DMARC_POLICY_QUARANTINE &&
           (record->sp == MOON_DMARC_POLICY_ABSENT || record->sp >= MOON_DMARC_POLICY_QUARANTINE) &&
           (record->p == MOON_DMARC_POLICY_REJECT || record->pct == 100) &&
           !(treewalk && record->testing);
}

/* Both the Author Domain's record and that of its Organizational Domain have to enforce. By the
 * Public Suffix List the latter was asked for with the former (moon_dmarc_prefetch). */
static enum moon_status look_for_bimi(struct evaluation *e)
{
    const char *organization = e->dmarc->organizational_domain;
    struct moon_dmarc_lookup lookup;

    if (!organization || !enforces(e, &e->policy.record))
        return MOON_OK;
    if (moon_domain_equal(organization, e->policy.domain))
        e->organization = &e->policy.record;
    else if (e->dmarc->discovery == MOON_DMARC_DISCOVERY_PSL) {
        if (moon_dmarc_lookup(e->arena, e->dns, organization, &lookup) != MOON_OK)
            return MOON_ENOMEM;
        e->organization = lookup.records == 1 ? &lookup.record : NULL;
    }
    e->dmarc->bimi_eligible = e->organization && enforces(e, e->organization);
    e->organization = NULL; /* it may be a local's */
    return MOON_OK;
}

/* Everything behind a usable record. */
static enum moon_status judge(struct evaluation *e)
{
    struct moon_dmarc_alignment alignment;
    bool policy_open;

    keep_record(e);
    select_policy(e, &policy_open);
    enum moon_status status = look_for_bimi(e);
    if (status == MOON_OK)
        status = moon_dmarc_align(e->arena, e->dns, false, e->results, &alignment);
    if (status == MOON_OK)
        status = note_errors(e, alignment.skipped);
    if (status != MOON_OK)
        return status;
    if (e->dmarc->dkim_aligned || e->dmarc->spf_aligned) {
        ask_for_policy(e);
        return conclude(e, MOON_RESULT_PASS, pass_reason(e));
    }
    if (alignment.undecided)
        return conclude(e, MOON_RESULT_TEMPERROR,
                        alignment.trouble ? alignment.trouble
                        : e->trouble      ? e->trouble
                                          : "DNS trouble");
    if (policy_open)
        return conclude(
            e, MOON_RESULT_TEMPERROR,
            moon_arena_printf(e->arena, "%s: DNS does not say whether it exists", e->author));
    ask_for_policy(e);
    return conclude(
        e, MOON_RESULT_FAIL,
        moon_arena_printf(e->arena, "nothing that passed is aligned with %s", e->author));
}

static enum moon_status evaluate(struct evaluation *e)
{
    struct moon_dmarc_alignment alignment;
    enum moon_result result = MOON_RESULT_PERMERROR;
    const char *reason;
    bool psl = e->dmarc->discovery == MOON_DMARC_DISCOVERY_PSL;
    enum moon_status status = psl ? discover_by_list(e) : discover_by_walk(e);

    if (status != MOON_OK)
        return status;
    if (e->policy.records == 1 && (e->policy.record.usable || e->policy.record.reports))
        return judge(e);

    if (e->policy.records == 1) { /* section 4.10.1: no DMARC processing */
        keep_record(e);
        reason =
            moon_arena_printf(e->arena, "the record of %s has no valid policy", e->policy.domain);
    } else if (e->policy.records) {
        reason = moon_arena_printf(e->arena, "%s has several DMARC records", e->policy.domain);
    } else if (e->trouble) {
        result = MOON_RESULT_TEMPERROR;
        reason = e->trouble;
    } else {
        result = MOON_RESULT_NONE;
        reason = moon_arena_printf(e->arena, "no DMARC record for %s", e->author);
    }
    status = moon_dmarc_align(e->arena, e->dns, true, e->results, &alignment);
    if (status == MOON_OK)
        status = note_errors(e, NULL);
    return status == MOON_OK ? conclude(e, result, reason) : status;
}

enum moon_status moon_dmarc_evaluate(struct moon_arena *arena, struct moon_dns *dns,
                                     enum moon_dmarc_discovery discovery, unsigned pct_draw,
                                     struct moon_results *results)
{
    struct evaluation e = {.arena = arena,
                           .dns = dns,
                           .pct_draw = pct_draw,
                           .results = results,
                           .dmarc = &results->dmarc,
                           .author = results->from.domain};

    results->dmarc = (struct moon_dmarc){
        .discovery = discovery, .psd = 'u', .adkim = 'r', .aspf = 'r', .reason = ""};
    if (!e.author) /* step 1 */
        return conclude(&e, MOON_RESULT_PERMERROR,
                        results->from.reason ? results->from.reason : "no Author Domain");
    return evaluate(&e);
}

/* On a copy, so that the `aligned` of every identifier stays that of the discovery in force. */
enum moon_status moon_dmarc_compare(struct moon_arena *arena, struct moon_dns *dns,
                                    enum moon_dmarc_discovery discovery, unsigned pct_draw,
                                    struct moon_results *results)
{
    struct moon_results *copy = moon_arena_alloc(arena, sizeof *copy);
    size_t count = results->dkim.count;
    struct moon_dkim_sig *sigs = moon_arena_array(arena, count, sizeof *sigs);

    if (!copy || !sigs)
        return MOON_ENOMEM;
    *copy = *results;
    for (size_t i = 0; i < count; i++)
        sigs[i] = results->dkim.sigs[i];
    copy->dkim.sigs = sigs;
    enum moon_status status = moon_dmarc_evaluate(arena, dns, discovery, pct_draw, copy);
    if (status == MOON_OK)
        results->dmarc_other = &copy->dmarc;
    return status;
}
