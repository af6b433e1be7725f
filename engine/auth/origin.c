/* SPDX-License-Identifier: MIT
 *
 * origin: claims of lists and forwarders against the domains that passed SPF and DKIM. A List-Id
 * can be written by anybody (RFC 2919 section 8).
 */
#include "engine/auth/origin.h"

#include <string.h>

#include "engine/auth/dmarc_psl.h"
#include "engine/message/domain.h"

/* May `domain`, which passed, speak for the list? */
static bool owns(const char *domain, const struct moon_list_id *id)
{
    if (!domain || !strchr(domain, '.'))
        return false;
    if (moon_domain_within(id->name, domain))
        return true;
    return moon_domain_equal(moon_dmarc_psl_organization(domain),
                             moon_dmarc_psl_organization(id->domain));
}

static void verify(struct moon_mailing_list *list, const char *method, const char *domain)
{
    list->verified = true;
    list->verified_by = method;
    list->verified_domain = domain;
}

static void evaluate_list(const struct moon_results *results, struct moon_mailing_list *list)
{
    if (list->id.count != 1 || !list->id.domain)
        return;
    for (size_t i = 0; i < results->dkim.count && !list->verified; i++) {
        const struct moon_dkim_sig *sig = &results->dkim.sigs[i];
        if (sig->result == MOON_RESULT_PASS && owns(sig->domain, &list->id))
            verify(list, "dkim", sig->domain);
    }
    if (!list->verified && results->spf.result == MOON_RESULT_PASS &&
        owns(results->spf.domain, &list->id))
        verify(list, "spf", results->spf.domain);
}

enum moon_status moon_origin_evaluate(struct moon_arena *arena, const struct moon_message *msg,
                                      struct moon_results *results)
{
    struct moon_forwarded *forwarding = &results->forwarding;

    results->list = (struct moon_mailing_list){.verified = false};
    *forwarding = (struct moon_forwarded){.verified = false};
    enum moon_status status = moon_list_id_parse(arena, msg, &results->list.id);
    if (status == MOON_OK)
        status =
            moon_forwarding_parse(arena, msg->mail_from, msg->mail_from_domain, &forwarding->by);
    if (status != MOON_OK)
        return status;
    evaluate_list(results, &results->list);
    forwarding->verified = forwarding->by.pattern && results->spf.result == MOON_RESULT_PASS &&
                           results->spf.domain &&
                           moon_domain_equal(results->spf.domain, forwarding->by.forwarder);
    return MOON_OK;
}
