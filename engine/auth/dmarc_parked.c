/* SPDX-License-Identifier: MIT
 *
 * dmarc_parked: see the header.
 *
 *   1. Is it worth a question: DMARC fails, and reject is published for the Author Domain.
 *   2. TXT of the Author Domain: exactly one SPF record, and its one mechanism is "-all" (RFC 7208
 *      section 5.1).
 *   3. MX of the Author Domain: exactly one, whose host is the root (RFC 7505 section 3). Its
 *      preference does not count: mail cannot be sent there whatever it is.
 */
#include "engine/auth/dmarc_parked.h"

#include "engine/auth/spf_record.h"

static bool is_candidate(const struct moon_results *results)
{
    return results->from.domain && results->dmarc.result == MOON_RESULT_FAIL &&
           results->dmarc.published == MOON_DMARC_POLICY_REJECT;
}

/* Step 2 of an answer that is there; *no_memory_r when it could not be looked at. */
static bool allows_nobody(struct moon_arena *arena, const struct moon_dns_answer *answer,
                          bool *no_memory_r)
{
    struct moon_spf_record record = {.count = 0};
    const char *reason = "no SPF record";
    size_t found = 0;

    *no_memory_r = false;
    for (size_t i = 0; answer->state == MOON_DNS_STATE_FOUND && i < answer->count; i++) {
        if (!moon_spf_record_is(answer->records[i].text))
            continue;
        if (found++ == 0 &&
            moon_spf_record_parse(arena, answer->records[i].text, &record, &reason) != MOON_OK) {
            *no_memory_r = true;
            return false;
        }
    }
    return found == 1 && !reason && !record.has_redirect && record.count == 1 &&
           record.mechanisms[0].kind == MOON_SPF_KIND_ALL &&
           record.mechanisms[0].qualifier == MOON_RESULT_FAIL;
}

void moon_dmarc_parked_start(struct moon_arena *arena, struct moon_dns *dns,
                             const struct moon_results *results)
{
    bool no_memory;
    if (!is_candidate(results))
        return;
    const struct moon_dns_answer *spf =
        moon_dns_start(dns, results->from.domain, MOON_DNS_TYPE_TXT);
    if (spf->state == MOON_DNS_STATE_PENDING || allows_nobody(arena, spf, &no_memory))
        (void)moon_dns_start(dns, results->from.domain, MOON_DNS_TYPE_MX); /* read below */
}

enum moon_status moon_dmarc_parked(struct moon_arena *arena, struct moon_dns *dns,
                                   struct moon_results *results)
{
    enum moon_dmarc_parked *parked_r = &results->dmarc.parked;
    bool no_memory;

    *parked_r = results->dmarc.result == MOON_RESULT_TEMPERROR ? MOON_DMARC_PARKED_UNKNOWN
                                                               : MOON_DMARC_PARKED_NO;
    if (!is_candidate(results))
        return MOON_OK;
    const struct moon_dns_answer *answer =
        moon_dns_wait_half(dns, results->from.domain, MOON_DNS_TYPE_TXT);
    if (answer->state != MOON_DNS_STATE_TROUBLE && !allows_nobody(arena, answer, &no_memory))
        return no_memory ? MOON_ENOMEM : MOON_OK;
    if (answer->state != MOON_DNS_STATE_TROUBLE)
        answer = moon_dns_wait_half(dns, results->from.domain, MOON_DNS_TYPE_MX);
    if (answer->state == MOON_DNS_STATE_TROUBLE)
        *parked_r = MOON_DMARC_PARKED_UNKNOWN;
    else if (answer->state == MOON_DNS_STATE_FOUND && answer->count == 1 && !answer->more &&
             !answer->records[0].name[0])
        *parked_r = MOON_DMARC_PARKED_YES;
    return MOON_OK;
}
