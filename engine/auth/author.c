/* SPDX-License-Identifier: MIT
 *
 * author: whose mail a message says it is, and whether that is proven. For counting mail: as DMARC
 * in relaxed mode, but by the Public Suffix List also where the Tree Walk rules, since a sender
 * could divide himself by records (psd=n), and one without any record must not be many either.
 */
#include "engine/auth/results.h"

#include "engine/auth/dmarc_psl.h"
#include "engine/message/domain.h"

const char *moon_results_author_organization(const struct moon_results *results)
{
    return results->from.domain ? moon_dmarc_psl_organization(results->from.domain) : NULL;
}

static bool passed_for(enum moon_result result, const char *domain, const char *organization)
{
    return result == MOON_RESULT_PASS && domain &&
           moon_domain_equal(moon_dmarc_psl_organization(domain), organization);
}

bool moon_results_author_proven(const struct moon_results *results)
{
    const char *organization = moon_results_author_organization(results);
    if (!organization)
        return false;
    if (results->dmarc.result == MOON_RESULT_PASS ||
        passed_for(results->spf.result, results->spf.domain, organization))
        return true;
    for (size_t i = 0; i < results->dkim.count; i++)
        if (passed_for(results->dkim.sigs[i].result, results->dkim.sigs[i].domain, organization))
            return true;
    return false;
}
