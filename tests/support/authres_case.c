/* SPDX-License-Identifier: MIT
 *
 * authres_case: see the header.
 */
#include "tests/support/authres_case.h"

struct moon_message authres_case_message(void)
{
    struct moon_message msg = {.id = "", .mail_from = "a@example.com"};
    return msg;
}

struct moon_results authres_case_results(void)
{
    struct moon_results results = {
        .authserv_id = "mx.rcpt.example",
        .from = {.domain = "example.com"},
        .spf = {.result = MOON_RESULT_PASS, .domain = "example.com", .reason = ""},
        .spf_helo = {.result = MOON_RESULT_NONE, .domain = "mail.example.com", .reason = ""},
        .arc = {.result = MOON_RESULT_NONE, .reason = ""},
        .dmarc = {.result = MOON_RESULT_PASS, .reason = "", .policy = MOON_DMARC_POLICY_REJECT},
    };
    return results;
}

struct moon_dkim_sig authres_case_signature(void)
{
    return (struct moon_dkim_sig){.result = MOON_RESULT_PASS,
                                  .reason = "",
                                  .domain = "example.com",
                                  .selector = "s1",
                                  .identity = "@example.com",
                                  .algorithm = "rsa-sha256",
                                  .signature_start = "abcdefgh"};
}
