/* SPDX-License-Identifier: MIT
 *
 * results: the words of RFC 8601 section 2.7 and of RFC 9989 section 4.7 for our enumerations.
 * Every writer (Authentication-Results, decision log, Lua facts, command line) takes them from
 * here.
 */
#include "engine/auth/results.h"

#include "engine/base/status.h"

const char *moon_result_name(enum moon_result result)
{
    switch (result) {
    case MOON_RESULT_NONE:
        return "none";
    case MOON_RESULT_PASS:
        return "pass";
    case MOON_RESULT_FAIL:
        return "fail";
    case MOON_RESULT_SOFTFAIL:
        return "softfail";
    case MOON_RESULT_NEUTRAL:
        return "neutral";
    case MOON_RESULT_POLICY:
        return "policy";
    case MOON_RESULT_TEMPERROR:
        return "temperror";
    case MOON_RESULT_PERMERROR:
        return "permerror";
    }
    /* in production the word below is the answer */
    (void)moon_bug(__FILE__, __LINE__, "a result that is none");
    return "none";
}

const char *moon_dmarc_policy_name(enum moon_dmarc_policy policy)
{
    switch (policy) {
    case MOON_DMARC_POLICY_ABSENT:
        return "";
    case MOON_DMARC_POLICY_NONE:
        return "none";
    case MOON_DMARC_POLICY_QUARANTINE:
        return "quarantine";
    case MOON_DMARC_POLICY_REJECT:
        return "reject";
    }
    (void)moon_bug(__FILE__, __LINE__, "a policy that is none");
    return "";
}

bool moon_dmarc_differs(const struct moon_dmarc *a, const struct moon_dmarc *b)
{
    return a->result != b->result || a->policy != b->policy || a->dkim_aligned != b->dkim_aligned ||
           a->spf_aligned != b->spf_aligned;
}

const char *moon_spf_outcome_name(enum moon_spf_outcome outcome)
{
    switch (outcome) {
    case MOON_SPF_OUTCOME_NO_MATCH:
        return "no match";
    case MOON_SPF_OUTCOME_MATCH:
        return "match";
    case MOON_SPF_OUTCOME_VOID:
        return "void";
    case MOON_SPF_OUTCOME_ERROR:
        return "error";
    case MOON_SPF_OUTCOME_FOLLOWED:
        return "followed";
    }
    (void)moon_bug(__FILE__, __LINE__, "an outcome that is none");
    return "no match";
}
