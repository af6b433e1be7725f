/* SPDX-License-Identifier: MIT
 *
 * answer: what Exim is to do, out of a decision, or without one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local_scan/ask.h"

#define ANSWER_FAILURE_NAME "X-Moonscan-Failure: this message was not evaluated"

static const char *verdict_word(enum moon_wire_verdict verdict)
{
    switch (verdict) {
    case MOON_WIRE_ACCEPT:
        return "accepted";
    case MOON_WIRE_REJECT:
        return "rejected with 550";
    case MOON_WIRE_DEFER:
        return "deferred with 451";
    case MOON_WIRE_FREEZE:
        return "frozen";
    }
    return "deferred with 451";
}

/* Not by an initializer: that would write the room for its texts, too, five pages of memory. */
static void answer_begin(struct moon_answer *answer_r, bool failed)
{
    answer_r->verdict = MOON_WIRE_DEFER;
    answer_r->failed = failed;
    answer_r->reply[0] = answer_r->data[0] = answer_r->log[0] = '\0';
    answer_r->decision = (struct moon_decision){0};
    answer_r->refused_count = 0;
    answer_r->failure_field = (struct moon_wire_added){0};
    answer_r->payload = (struct moon_span){NULL, 0};
}

void moon_answer_begin(struct moon_answer *answer_r)
{
    answer_begin(answer_r, false);
}

void moon_ask_fail(const struct moon_ask *ask, const struct moon_settings *settings,
                   const char *why, struct moon_answer *answer_r)
{
    uint8_t failure = settings->failure ? settings->failure : ask->ready.failure;
    char cleaned[MOON_ASK_LOG_BYTES - 128];

    answer_begin(answer_r, true);
    if (failure == MOON_WIRE_ACCEPT || failure == MOON_WIRE_REJECT)
        answer_r->verdict = (enum moon_wire_verdict)failure;
    (void)snprintf(answer_r->reply, sizeof answer_r->reply, "%s", /* it fits */
                   answer_r->verdict == MOON_WIRE_REJECT
                       ? "5.3.0 This message cannot be accepted"
                       : "4.3.0 Temporary local problem, please try again later");
    answer_r->failure_field =
        (struct moon_wire_added){MOON_WIRE_BOTTOM, MOON_SPAN(ANSWER_FAILURE_NAME)};
    moon_clean_line(moon_span_of(why), cleaned, sizeof cleaned);
    (void)snprintf(answer_r->log, sizeof answer_r->log, /* fits */
                   "moonscan: not evaluated, %s (failure verdict): %s",
                   verdict_word(answer_r->verdict), cleaned);
}

void moon_answer_free(struct moon_answer *answer)
{
    moon_decision_free(&answer->decision);
    free((char *)(uintptr_t)answer->payload.p);
    answer->payload = (struct moon_span){NULL, 0};
}

static bool indices_ok(const uint32_t *indices, uint32_t count, uint32_t below)
{
    for (uint32_t i = 0; i < count; i++)
        if (indices[i] >= below)
            return false;
    return true;
}

bool moon_answer_take(struct moon_answer *answer, const struct moon_request *request,
                      const char **reason_r)
{
    struct moon_decision *decision = &answer->decision;
    uint32_t kept = 0;

    if (!moon_wire_get_decision(answer->payload, decision, reason_r))
        return false;
    *reason_r = "an index that was not in the request";
    if (!indices_ok(decision->removed_fields, decision->removed_field_count,
                    request->field_count) ||
        !indices_ok(decision->removed_recipients, decision->removed_recipient_count,
                    request->recipient_count))
        return false;
    *reason_r = "more text for $local_scan_data than Exim keeps";
    if (decision->data.n >= sizeof answer->data)
        return false;
    answer->verdict = (enum moon_wire_verdict)decision->verdict;
    moon_clean_reply(decision->reply, answer->verdict, answer->reply);
    moon_clean_line(decision->data, answer->data, sizeof answer->data);
    moon_clean_line(decision->log, answer->log, sizeof answer->log);
    for (uint32_t i = 0; i < decision->added_count; i++)
        if (moon_clean_field_ok(decision->added[i].text))
            decision->added[kept++] = decision->added[i];
    answer->refused_count = decision->added_count - kept;
    decision->added_count = kept;
    return true;
}
