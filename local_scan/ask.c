/* SPDX-License-Identifier: MIT
 *
 * ask: one message, one question, one deadline.
 *
 *  1 a worker that still runs is kept; else the service's, if one says READY soon; else one is
 *    started and must say READY;
 *  2 REQUEST with the body's descriptor;
 *  3 DECISION: of our format, its indices within our request, its texts cleaned;
 *  4 whatever else happens: the worker is killed and reaped, and the failure verdict stands. The
 * next message of the connection starts a new worker.
 */
#include "local_scan/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "local_scan/service.h"

#define ASK_SLACK_MS     2000   /* over what the worker itself allows for a message */
#define ASK_LONGEST_MS   240000 /* below Exim's local_scan_timeout of 5 minutes */
#define ASK_SERVICE_MS   250    /* for a spare worker of the service to say READY */
#define ASK_START_MS     10000  /* a start takes milliseconds; a full machine some seconds */
#define ASK_GRACE_MS     200    /* for a dying worker to end, so that the log can say how */
#define ASK_APPLIED_MS   1000   /* APPLIED is small: only a worker that hangs does not take it */
#define ASK_FAILURE_NAME "X-Moonscan-Failure: this message was not evaluated"

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
static void begin_answer(struct moon_answer *answer_r, bool failed)
{
    answer_r->verdict = MOON_WIRE_DEFER;
    answer_r->failed = failed;
    answer_r->reply[0] = answer_r->data[0] = answer_r->log[0] = '\0';
    answer_r->decision = (struct moon_decision){0};
    answer_r->refused_count = 0;
    answer_r->failure_field = (struct moon_wire_added){0};
    answer_r->payload = (struct moon_span){NULL, 0};
}

void moon_ask_fail(const struct moon_ask *ask, const struct moon_settings *settings,
                   const char *why, struct moon_answer *answer_r)
{
    uint8_t failure = settings->failure ? settings->failure : ask->ready.failure;
    char cleaned[MOON_ASK_LOG_BYTES - 128];

    begin_answer(answer_r, true);
    if (failure == MOON_WIRE_ACCEPT || failure == MOON_WIRE_REJECT)
        answer_r->verdict = (enum moon_wire_verdict)failure;
    (void)snprintf(answer_r->reply, sizeof answer_r->reply, "%s", /* it fits */
                   answer_r->verdict == MOON_WIRE_REJECT
                       ? "5.3.0 This message cannot be accepted"
                       : "4.3.0 Temporary local problem, please try again later");
    answer_r->failure_field =
        (struct moon_wire_added){MOON_WIRE_BOTTOM, MOON_SPAN(ASK_FAILURE_NAME)};
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

static int64_t allowed_ms(const struct moon_ask *ask, const struct moon_settings *settings)
{
    int64_t ms = MOON_SETTINGS_TIMEOUT_S * 1000;

    if (settings->timeout_ms)
        return settings->timeout_ms;
    if (ask->ready.message_ms && ask->ready.message_ms + (int64_t)ASK_SLACK_MS > ms)
        ms = ask->ready.message_ms + (int64_t)ASK_SLACK_MS;
    return ms < ASK_LONGEST_MS ? ms : ASK_LONGEST_MS;
}

/* What the worker does when something goes wrong, and where to look then. */
struct ask_phase {
    const char *doing, *late, *gone;
};
static const struct ask_phase starting = {"starting",
                                          "see whether `moonscan config` works for Exim's user",
                                          "see whether `moonscan config` works for Exim's user"};
static const struct ask_phase reading = {
    "taking the message", "the next message starts a new one",
    "the next message starts a new one, `moonscan check` on this one may show the cause"};
static const struct ask_phase deciding = {
    "deciding", "look for slow DNS or a slow policy, or raise MOONSCAN_TIMEOUT",
    "the next message starts a new one, `moonscan check` on this one may show the cause"};

/* Step 4: what happened, how the worker ended, and what to do, in one line. */
static void end_badly(struct moon_ask *ask, enum moon_wire_io io, const struct ask_phase *phase,
                      const char *reason, char *why, size_t why_size)
{
    char name[40], how[64];

    moon_spawn_name(&ask->worker, name, sizeof name);
    moon_spawn_end(&ask->worker, io == MOON_WIRE_IO_CLOSED ? ASK_GRACE_MS : 0, how, sizeof how);
    if (io == MOON_WIRE_IO_TIMEOUT)
        (void)snprintf(why, why_size, /* fits, as the others */
                       "%s was still %s when its time was over and %s; %s", name, phase->doing, how,
                       phase->late);
    else if (io == MOON_WIRE_IO_CLOSED)
        (void)snprintf(why, why_size, "%s closed its end while %s and %s; %s", name, phase->doing,
                       how, phase->gone);
    else
        (void)snprintf(why, why_size,
                       "%s, while %s, said what is no answer (%s) and %s; are module and "
                       "program of one release?",
                       name, phase->doing, reason, how);
}

/* It says itself why it cannot start. */
static void cannot_start(struct moon_ask *ask, const char *trouble, char *why, size_t why_size)
{
    char how[64];

    moon_spawn_end(&ask->worker, ASK_GRACE_MS, how, sizeof how);
    (void)snprintf(
        why, why_size, /* fits */
        "the worker cannot start: %s; see whether `moonscan config` works for Exim's user",
        trouble);
}

/* Waits for READY. OK with a text in `trouble`: the worker says that it cannot start. */
static enum moon_wire_io hear_ready(struct moon_ask *ask, int64_t deadline_ms, char *trouble,
                                    size_t trouble_size, const char **reason_r)
{
    enum moon_wire_type type = MOON_WIRE_APPLIED;
    struct moon_wire_ready ready;
    struct moon_span payload;

    trouble[0] = '\0';
    *reason_r = "not a frame of protocol version 1";
    enum moon_wire_io io =
        moon_wire_receive(ask->worker.socket, &type, &payload, NULL, deadline_ms, NULL);
    if (io != MOON_WIRE_IO_OK)
        return io;
    if (type != MOON_WIRE_READY) {
        *reason_r = "not READY";
        io = MOON_WIRE_IO_BAD;
    } else if (!moon_wire_get_ready(payload, &ready, reason_r)) {
        io = MOON_WIRE_IO_BAD;
    } else if (ready.trouble.n) {
        moon_clean_line(ready.trouble, trouble, trouble_size);
    } else {
        ready.trouble = (struct moon_span){NULL, 0}; /* it pointed into the payload */
        ask->ready = ready;
    }
    free((char *)(uintptr_t)payload.p);
    return io;
}

/* Step 1: a worker of our own. */
static bool start_worker(struct moon_ask *ask, const struct moon_settings *settings,
                         int64_t deadline_ms, char *why, size_t why_size)
{
    char trouble[MOON_ASK_LOG_BYTES / 2];
    const char *reason;

    if (!moon_spawn_start(&ask->worker, settings, why, why_size))
        return false;
    enum moon_wire_io io = hear_ready(ask, deadline_ms, trouble, sizeof trouble, &reason);
    if (io != MOON_WIRE_IO_OK)
        end_badly(ask, io, &starting, reason, why, why_size);
    else if (trouble[0])
        cannot_start(ask, trouble, why, why_size);
    return io == MOON_WIRE_IO_OK && !trouble[0];
}

static void hang_up(struct moon_ask *ask)
{
    char how[64];
    moon_spawn_end(&ask->worker, 0, how, sizeof how);
}

/* Waits for READY of a service's worker, connecting again and again where its queue is full. */
static enum moon_wire_io hear_service(struct moon_ask *ask, const struct moon_settings *settings,
                                      int64_t deadline_ms, char *trouble, size_t trouble_size)
{
    static const struct timespec nap = {0, 20000000};
    const char *reason;

    for (;;) { /* ends with the deadline */
        enum moon_service found = MOON_SERVICE_CONNECTED;
        if (ask->worker.socket < 0)
            found = moon_service_connect(settings->socket, &ask->worker.socket);
        if (found == MOON_SERVICE_CONNECTED)
            return hear_ready(ask, deadline_ms, trouble, trouble_size, &reason);
        ask->barred = found == MOON_SERVICE_BARRED;
        if (found == MOON_SERVICE_ABSENT || found == MOON_SERVICE_BARRED)
            return MOON_WIRE_IO_CLOSED;
        if (moon_wire_now_ms() >= deadline_ms)
            return MOON_WIRE_IO_TIMEOUT;
        (void)nanosleep(&nap, NULL); /* a signal only shortens it */
    }
}

/* Step 1: a worker of the service. Where somebody listens who has no worker for us soon, we start
 * one of our own if not many do that now; else we go on waiting. *own_r: it shall be our own. */
static bool ask_service(struct moon_ask *ask, const struct moon_settings *settings,
                        int64_t start_ms, int64_t deadline_ms, bool *own_r)
{
    char trouble[MOON_ASK_LOG_BYTES / 2];
    int64_t soon_ms = start_ms + ASK_SERVICE_MS;

    ask->worker = (struct moon_spawn){0, -1};
    enum moon_wire_io io = hear_service(
        ask, settings, soon_ms < deadline_ms ? soon_ms : deadline_ms, trouble, sizeof trouble);
    if (io == MOON_WIRE_IO_TIMEOUT && ask->slot < 0)
        ask->slot = moon_service_slot();
    if (io == MOON_WIRE_IO_TIMEOUT && ask->slot < 0)
        io = hear_service(ask, settings, deadline_ms, trouble, sizeof trouble);
    if (io == MOON_WIRE_IO_OK && !trouble[0])
        return true;
    hang_up(ask);
    *own_r = io != MOON_WIRE_IO_TIMEOUT || ask->slot >= 0;
    return false;
}

/* Step 1. */
static bool have_worker(struct moon_ask *ask, const struct moon_settings *settings,
                        int64_t start_ms, char *why, size_t why_size)
{
    int64_t ms = allowed_ms(ask, settings);
    int64_t deadline_ms = start_ms + (ms < ASK_START_MS ? ms : ASK_START_MS);
    bool own = true;

    if (moon_spawn_alive(&ask->worker))
        return true;
    if (settings->socket && ask_service(ask, settings, start_ms, deadline_ms, &own))
        return true;
    if (own)
        return start_worker(ask, settings, deadline_ms, why, why_size);
    (void)snprintf(why, why_size, /* fits */
                   "the service on %.110s has no worker free, and enough messages have one beside "
                   "it; see what keeps its workers busy, or raise `moonscan serve --workers`",
                   settings->socket);
    return false;
}

static bool indices_ok(const uint32_t *indices, uint32_t count, uint32_t below)
{
    for (uint32_t i = 0; i < count; i++)
        if (indices[i] >= below)
            return false;
    return true;
}

/* Step 3. */
static bool take_decision(struct moon_answer *answer, const struct moon_request *request,
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

/* Mail does not suffer from it, so the log line is where an operator learns of it. */
static void tell_barred(struct moon_ask *ask, const struct moon_settings *settings,
                        struct moon_answer *answer)
{
    size_t n = strlen(answer->log);

    if (ask->barred && n + 1 < sizeof answer->log)
        (void)snprintf(answer->log + n, sizeof answer->log - n, /* cut where it is full */
                       "%strouble=\"service on %.110s: Permission denied; Exim's user must be in "
                       "its group, and Exim restarted since\"",
                       n ? " " : "", settings->socket);
    ask->barred = false;
}

/* For step 2. The worker is told how long we shall wait from now on: it shares that out, and
 * answers in good time. False: *why has the reason. */
static bool put_request(struct moon_wire_out *out, const struct moon_request *request,
                        int64_t deadline_ms, char *why, size_t why_size)
{
    struct moon_request told = *request;
    int64_t left_ms = deadline_ms - moon_wire_now_ms();

    moon_wire_out_free(out);
    told.waited_ms = left_ms > 1 ? (uint32_t)left_ms : 1; /* 0 would say that nobody knows */
    if (moon_wire_put_request(out, &told))
        return true;
    (void)snprintf(why, why_size, /* fits */
                   "the message's header is too large to be handed over, or there is no memory; "
                   "header_maxsize limits it in Exim");
    return false;
}

/* Steps 2 and 3. What the worker was doing is in *phase_r. */
static enum moon_wire_io converse(struct moon_ask *ask, const struct moon_request *request,
                                  const struct moon_wire_out *out, int body_fd, int64_t deadline_ms,
                                  struct moon_answer *answer, const struct ask_phase **phase_r,
                                  const char **reason_r)
{
    enum moon_wire_type type = MOON_WIRE_READY;

    *phase_r = &reading;
    *reason_r = "not a frame of protocol version 1";
    enum moon_wire_io io = moon_wire_send(ask->worker.socket, out, body_fd, deadline_ms);
    if (io != MOON_WIRE_IO_OK)
        return io;
    *phase_r = &deciding; /* step 2 is done */
    io = moon_wire_receive(ask->worker.socket, &type, &answer->payload, NULL, deadline_ms, NULL);
    if (io != MOON_WIRE_IO_OK)
        return io;
    *reason_r = "not DECISION";
    if (type != MOON_WIRE_DECISION || !take_decision(answer, request, reason_r)) /* step 3 */
        return MOON_WIRE_IO_BAD;
    return MOON_WIRE_IO_OK;
}

void moon_ask_message(struct moon_ask *ask, const struct moon_settings *settings,
                      const struct moon_request *request, int body_fd, struct moon_answer *answer_r)
{
    int64_t start_ms = moon_wire_now_ms();
    const struct ask_phase *phase;
    const char *reason;
    struct moon_wire_out out = {0};
    char why[MOON_ASK_LOG_BYTES - 128];

    begin_answer(answer_r, false);
    bool begun = have_worker(ask, settings, start_ms, why, sizeof why); /* step 1 */
    int64_t deadline_ms = start_ms + allowed_ms(ask, settings);         /* as it said in READY */
    if (!begun || !put_request(&out, request, deadline_ms, why, sizeof why)) {
        moon_ask_fail(ask, settings, why, answer_r);
        goto done;
    }
    enum moon_wire_io io =
        converse(ask, request, &out, body_fd, deadline_ms, answer_r, &phase, &reason);
    if (io == MOON_WIRE_IO_CLOSED && ask->worker.pid <= 0) {
        /* The service is being stopped, or its worker has died: nothing was applied, so another
         * worker may decide instead. If it is the message that kills workers, ours tells. */
        hang_up(ask);
        if (!start_worker(ask, settings, deadline_ms, why, sizeof why) ||
            !put_request(&out, request, deadline_ms, why, sizeof why)) {
            moon_ask_fail(ask, settings, why, answer_r);
            goto done;
        }
        io = converse(ask, request, &out, body_fd, deadline_ms, answer_r, &phase, &reason);
    }
    if (io == MOON_WIRE_IO_OK && answer_r->decision.failure.n) { /* step 4: it says so itself */
        moon_clean_line(answer_r->decision.failure, why, sizeof why);
        moon_answer_free(answer_r);
        hang_up(ask);
        moon_ask_fail(ask, settings, why, answer_r);
    } else if (io != MOON_WIRE_IO_OK) { /* step 4 */
        moon_answer_free(answer_r);
        end_badly(ask, io, phase, reason, why, sizeof why);
        moon_ask_fail(ask, settings, why, answer_r);
    }
    tell_barred(ask, settings, answer_r);
done:
    moon_wire_out_free(&out);
}

bool moon_ask_applied(struct moon_ask *ask, const struct moon_answer *answer,
                      const struct moon_applied *applied, char *why, size_t why_size)
{
    struct moon_wire_out out = {0};
    char name[40], how[64];

    if (answer->failed || ask->worker.socket < 0)
        return true;
    bool told = moon_wire_put_applied(&out, applied) &&
                moon_wire_send(ask->worker.socket, &out, -1, moon_wire_now_ms() + ASK_APPLIED_MS) ==
                    MOON_WIRE_IO_OK;
    moon_wire_out_free(&out);
    if (told)
        return true;
    moon_spawn_name(&ask->worker, name, sizeof name);
    moon_spawn_end(&ask->worker, ASK_GRACE_MS, how, sizeof how);
    (void)snprintf(why, why_size, /* fits */
                   "%s %s before it could be told what was done; its record of the message may be "
                   "missing",
                   name, how);
    return false;
}
