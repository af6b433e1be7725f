/* SPDX-License-Identifier: MIT
 *
 * ask: one message's question to the worker, and an answer in every case: what the worker decided,
 * checked and cleaned, or the failure verdict with the line that explains it.
 */
#ifndef MOON_LOCAL_SCAN_ASK_H
#define MOON_LOCAL_SCAN_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/wire/wire.h"
#include "local_scan/clean.h"
#include "local_scan/settings.h"
#include "local_scan/spawn.h"

#define MOON_ASK_DATA_BYTES                                                                        \
    16001 /* Exim 4.96 keeps 16360 of $local_scan_data, and cuts silently                          \
           */
#define MOON_ASK_LOG_BYTES 1024

/* What lives as long as the SMTP connection. Start with MOON_ASK_START. */
struct moon_ask {
    struct moon_spawn worker;
    int slot; /* -1, or held because this connection has a worker beside a busy service */
    bool
        barred; /* the service's socket is there, and not for us: to be told with the next answer */
    bool heard; /* READY of this worker */
    struct moon_wire_ready ready; /* of this worker or the last one; failure 0: never heard */
};
#define MOON_ASK_START ((struct moon_ask){.worker = {.pid = 0, .socket = -1}, .slot = -1})

/* What to do now. Release with moon_answer_free. */
struct moon_answer {
    enum moon_wire_verdict verdict;
    bool failed;                          /* there is no decision: this is the failure verdict */
    char reply[MOON_CLEAN_REPLY_BYTES];   /* for REJECT and DEFER */
    char data[MOON_ASK_DATA_BYTES];       /* for ACCEPT and FREEZE; may be empty */
    char log[MOON_ASK_LOG_BYTES];         /* one line for the main log, or empty */
    struct moon_decision decision;        /* additions and removals; indices are within the request;
                                             no additions that Exim cannot bear */
    uint32_t refused_count;               /* additions that were left out for that */
    struct moon_wire_added failure_field; /* what failure adds to an accepted message */
    struct moon_span payload;             /* what decision points into */
};

/* Asks; at the latest when the time is over there is an answer. `body_fd` may be -1. Between
 * moon_spawn_enter and moon_spawn_leave. */
void moon_ask_message(struct moon_ask *ask, const struct moon_settings *settings,
                      const struct moon_request *request, int body_fd,
                      struct moon_answer *answer_r);

/* The answer when it never came to asking: `why` is the reason in the log line. */
void moon_ask_fail(const struct moon_ask *ask, const struct moon_settings *settings,
                   const char *why, struct moon_answer *answer_r);

/* Tells the worker what was done. False: it could not be told, and was ended; then `why` says so
 * for the log (its record of the message is missing). After a failure: true, nothing to tell. */
bool moon_ask_applied(struct moon_ask *ask, const struct moon_answer *answer,
                      const struct moon_applied *applied, char *why, size_t why_size);

/* For ask.c: an answer that says nothing yet; and what it says when answer->payload is DECISION.
 * False: that is none that can be followed, and why. */
void moon_answer_begin(struct moon_answer *answer_r);
bool moon_answer_take(struct moon_answer *answer, const struct moon_request *request,
                      const char **reason_r);

void moon_answer_free(struct moon_answer *answer);

#endif
