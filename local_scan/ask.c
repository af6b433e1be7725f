/* SPDX-License-Identifier: MIT
 *
 * ask: one message, one question, one deadline.
 *
 *  1 a worker that still runs is kept; else the service's, if one is heard of soon; else one is
 *    started;
 *  2 REQUEST with the body's descriptor, at once;
 *  3 READY, unless DECISION comes first (engine/wire/wire.h): it may be more time;
 *  4 DECISION: of our format, its indices within our request, its texts cleaned;
 *  5 whatever else happens: the worker is killed and reaped, and the failure verdict stands. The
 * next message of the connection starts a new worker.
 *
 * The failure verdict stands in READY. Where a worker dies before it had to say that, a new one is
 * started at once, for that.
 */
#include "local_scan/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "local_scan/service.h"

#define ASK_SERVICE_MS 250   /* for a spare worker of the service to be heard of */
#define ASK_START_MS   10000 /* a start takes milliseconds; a full machine some seconds */
#define ASK_LEARN_MS   1000  /* for one that is only started to say its failure verdict */
#define ASK_GRACE_MS   200   /* for a dying worker to end, so that the log can say how */
#define ASK_APPLIED_MS 1000  /* APPLIED is small: only a worker that hangs does not take it */
/* A larger REQUEST waits for READY: it would not fit into the socket of a worker that is busy or
 * not there yet, and the module would wait with half of it said. Headers are some kilobytes. */
#define ASK_EARLY_BYTES 65536

static int64_t allowed_ms(const struct moon_ask *ask, const struct moon_settings *settings)
{
    return settings->timeout_ms ? settings->timeout_ms : moon_wire_waits_ms(ask->ready.message_ms);
}

/* What the worker does when something goes wrong, and where to look then. */
struct ask_phase {
    const char *doing, *late, *gone;
};
static const struct ask_phase starting = {"starting",
                                          "see whether `moonscan config` works for Exim's user",
                                          "see whether `moonscan config` works for Exim's user"};
static const struct ask_phase answering = {
    "starting or deciding", "look for slow DNS or a slow policy, or raise MOONSCAN_TIMEOUT",
    "see whether `moonscan config` works for Exim's user, and `moonscan check` on this message"};
static const struct ask_phase reading = {
    "taking the message", "the next message starts a new one",
    "the next message starts a new one, `moonscan check` on this one may show the cause"};
static const struct ask_phase deciding = {
    "deciding", "look for slow DNS or a slow policy, or raise MOONSCAN_TIMEOUT",
    "the next message starts a new one, `moonscan check` on this one may show the cause"};

/* Step 5: what happened, how the worker ended, and what to do, in one line. */
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

/* One message, and the worker that has it. */
struct talk {
    struct moon_ask *ask;
    const struct moon_settings *settings;
    const struct moon_request *request;
    struct moon_answer *answer;
    int body_fd;
    int64_t start_ms;
    struct moon_wire_out out;             /* REQUEST */
    bool large;                           /* it waits for READY */
    bool sent, ready, decided;            /* to and by this worker, for this message */
    bool own_died;                        /* one of our own did, that had REQUEST */
    const struct ask_phase *phase;        /* of this worker */
    const char *reason;                   /* why what it said is no answer */
    char trouble[MOON_ASK_LOG_BYTES / 2]; /* why it cannot start, or empty */
};

/* As it said in READY, if it did. */
static int64_t deadline_of(const struct talk *talk)
{
    return talk->start_ms + allowed_ms(talk->ask, talk->settings);
}

static void begin_talk(struct talk *talk)
{
    moon_answer_free(talk->answer);
    moon_answer_begin(talk->answer);
    talk->sent = talk->ready = talk->decided = false;
    talk->ask->heard = false;
    talk->trouble[0] = '\0';
    talk->phase = &starting;
    talk->reason = "not a frame of protocol version 1";
}

/* For step 2. The worker is told how long we shall wait from now on: it shares that out, and
 * answers in good time. `by_ms`: when it must be heard of; 0: it was. */
static bool put_request(struct talk *talk, int64_t by_ms)
{
    struct moon_request told = *talk->request;
    int64_t left_ms = deadline_of(talk) - moon_wire_now_ms();

    told.waited_ms = left_ms > 1 ? (uint32_t)left_ms : 1; /* 0 would say that nobody knows */
    told.ready_by_ms = by_ms;
    if (by_ms && !talk->settings->timeout_ms && !talk->ask->ready.message_ms)
        told.flags |= MOON_WIRE_FLAG_ADAPTS;
    return moon_wire_put_request(&talk->out, &told);
}

/* Step 2. */
static enum moon_wire_io say_request(struct talk *talk, int64_t by_ms, int64_t deadline_ms)
{
    if (!put_request(talk, by_ms))
        return MOON_WIRE_IO_BAD; /* it could be put before */
    bool fresh = talk->phase == &starting;
    talk->phase = &reading;
    enum moon_wire_io io =
        moon_wire_send(talk->ask->worker.socket, &talk->out, talk->body_fd, deadline_ms);
    if (io != MOON_WIRE_IO_OK)
        return io;
    talk->sent = true;
    talk->phase = fresh && by_ms ? &answering : &deciding;
    return io;
}

static bool take_ready(struct talk *talk, struct moon_span payload)
{
    struct moon_wire_ready ready;

    if (!moon_wire_get_ready(payload, &ready, &talk->reason))
        return false;
    if (ready.trouble.n) {
        moon_clean_line(ready.trouble, talk->trouble, sizeof talk->trouble);
        return true;
    }
    ready.trouble = (struct moon_span){NULL, 0}; /* it pointed into the payload */
    talk->ask->ready = ready;
    talk->ask->heard = talk->ready = true;
    if (talk->sent)
        talk->phase = &deciding;
    return true;
}

/* Steps 3 and 4: one frame, READY or DECISION. OK with a text in talk->trouble: the worker says
 * that it cannot start. */
static enum moon_wire_io hear(struct talk *talk, int64_t deadline_ms)
{
    enum moon_wire_type type = MOON_WIRE_APPLIED;
    struct moon_span payload;
    bool good = false;

    talk->reason = "not a frame of protocol version 1";
    enum moon_wire_io io =
        moon_wire_receive(talk->ask->worker.socket, &type, &payload, NULL, deadline_ms, NULL);
    if (io != MOON_WIRE_IO_OK)
        return io == MOON_WIRE_IO_UNREAD ? MOON_WIRE_IO_CLOSED : io;
    talk->reason = talk->sent ? "not DECISION" : "not READY";
    if (type == MOON_WIRE_DECISION && talk->sent) {
        talk->answer->payload = payload;
        talk->decided = good = moon_answer_take(talk->answer, talk->request, &talk->reason);
        return good ? MOON_WIRE_IO_OK : MOON_WIRE_IO_BAD;
    }
    if (type == MOON_WIRE_READY && !talk->ask->heard)
        good = take_ready(talk, payload);
    free((char *)(uintptr_t)payload.p);
    return good ? MOON_WIRE_IO_OK : MOON_WIRE_IO_BAD;
}

/* The first word of a new worker, until `by_ms`. Called again after TIMEOUT, it goes on waiting. */
static enum moon_wire_io hear_first(struct talk *talk, int64_t by_ms)
{
    enum moon_wire_io io = MOON_WIRE_IO_OK;

    if (!talk->sent && !talk->large)
        io = say_request(talk, by_ms, by_ms);
    if (io == MOON_WIRE_IO_TIMEOUT)
        talk->large = true; /* for this socket's buffer: another worker first says READY */
    if (io == MOON_WIRE_IO_OK || io == MOON_WIRE_IO_CLOSED) /* it may have said why it ends */
        io = hear(talk, by_ms);
    return io;
}

/* Steps 2 to 4, what is left of them. */
static enum moon_wire_io converse(struct talk *talk)
{
    enum moon_wire_io io = MOON_WIRE_IO_OK;

    if (!talk->sent)
        io = say_request(talk, talk->ask->heard ? 0 : deadline_of(talk), deadline_of(talk));
    while (io == MOON_WIRE_IO_OK && !talk->decided) /* READY at most, then DECISION */
        io = hear(talk, deadline_of(talk));
    return io;
}

/* Step 1: a worker of our own. */
static bool start_worker(struct talk *talk, char *why, size_t why_size)
{
    struct moon_ask *ask = talk->ask;
    int64_t by_ms = moon_wire_now_ms() + ASK_START_MS, deadline_ms = deadline_of(talk);

    begin_talk(talk);
    if (!moon_spawn_start(&ask->worker, talk->settings, why, why_size))
        return false;
    enum moon_wire_io io = hear_first(talk, by_ms < deadline_ms ? by_ms : deadline_ms);
    if (io != MOON_WIRE_IO_OK) {
        talk->own_died = talk->sent;
        end_badly(ask, io, talk->phase, talk->reason, why, why_size);
    } else if (talk->trouble[0]) {
        cannot_start(ask, talk->trouble, why, why_size);
    }
    return io == MOON_WIRE_IO_OK && !talk->trouble[0];
}

static void hang_up(struct moon_ask *ask)
{
    char how[64];
    moon_spawn_end(&ask->worker, 0, how, sizeof how);
}

/* The first word of a service's worker, connecting again and again where its queue is full. */
static enum moon_wire_io hear_service(struct talk *talk, int64_t by_ms)
{
    static const struct timespec nap = {0, 20000000};
    struct moon_ask *ask = talk->ask;

    for (;;) { /* ends with the deadline */
        enum moon_service found = MOON_SERVICE_CONNECTED;
        if (ask->worker.socket < 0) {
            begin_talk(talk);
            found = moon_service_connect(talk->settings->socket, &ask->worker.socket);
        }
        if (found == MOON_SERVICE_CONNECTED)
            return hear_first(talk, by_ms);
        ask->barred = found == MOON_SERVICE_BARRED;
        if (found == MOON_SERVICE_ABSENT || found == MOON_SERVICE_BARRED)
            return MOON_WIRE_IO_CLOSED;
        if (moon_wire_now_ms() >= by_ms)
            return MOON_WIRE_IO_TIMEOUT;
        (void)nanosleep(&nap, NULL); /* a signal only shortens it */
    }
}

/* Step 1: a worker of the service. Where somebody listens who has no worker for us soon, we start
 * one of our own if not many do that now; else we go on waiting. *own_r: it shall be our own. */
static bool ask_service(struct talk *talk, bool *own_r)
{
    struct moon_ask *ask = talk->ask;
    int64_t ms = allowed_ms(ask, talk->settings);
    int64_t soon_ms = talk->start_ms + (ms < ASK_SERVICE_MS ? ms : ASK_SERVICE_MS);
    int64_t late_ms = talk->start_ms + (ms < ASK_START_MS ? ms : ASK_START_MS);

    ask->worker = (struct moon_spawn){0, -1};
    enum moon_wire_io io = hear_service(talk, soon_ms);
    if (io == MOON_WIRE_IO_TIMEOUT && ask->slot < 0)
        ask->slot = moon_service_slot();
    if (io == MOON_WIRE_IO_TIMEOUT && ask->slot < 0) {
        if (!talk->sent) /* half of REQUEST may have been said */
            hang_up(ask);
        io = hear_service(talk, late_ms);
    }
    if (io == MOON_WIRE_IO_OK && !talk->trouble[0])
        return true;
    hang_up(ask);
    *own_r = io != MOON_WIRE_IO_TIMEOUT || ask->slot >= 0;
    return false;
}

/* Step 1, and 2 to 4 as far as a new worker is concerned. */
static bool have_worker(struct talk *talk, char *why, size_t why_size)
{
    bool own = true;

    if (moon_spawn_alive(&talk->ask->worker))
        return true;
    if (talk->settings->socket && ask_service(talk, &own))
        return true;
    if (own)
        return start_worker(talk, why, why_size);
    (void)snprintf(why, why_size, /* fits */
                   "the service on %.110s has no worker free, and enough messages have one beside "
                   "it; see what keeps its workers busy, or raise `moonscan serve --workers`",
                   talk->settings->socket);
    return false;
}

/* The failure verdict, from a worker that has no message; it is there for the next one. */
static void learn_failure(struct talk *talk)
{
    char why[MOON_ASK_LOG_BYTES], how[64];
    int64_t by_ms = moon_wire_now_ms() + ASK_LEARN_MS;

    if (!talk->own_died || talk->settings->failure || talk->ask->ready.failure)
        return;
    begin_talk(talk);
    talk->large = true; /* nothing is asked */
    if (moon_spawn_start(&talk->ask->worker, talk->settings, why, sizeof why) &&
        (hear_first(talk, by_ms) != MOON_WIRE_IO_OK || !talk->ready))
        moon_spawn_end(&talk->ask->worker, 0, how, sizeof how);
}

/* Step 5. */
static void fail(struct talk *talk, const char *why)
{
    moon_answer_free(talk->answer);
    learn_failure(talk);
    moon_ask_fail(talk->ask, talk->settings, why, talk->answer);
}

void moon_ask_message(struct moon_ask *ask, const struct moon_settings *settings,
                      const struct moon_request *request, int body_fd, struct moon_answer *answer_r)
{
    struct talk talk = {.ask = ask,
                        .settings = settings,
                        .request = request,
                        .answer = answer_r,
                        .body_fd = body_fd,
                        .start_ms = moon_wire_now_ms(),
                        .phase = &reading};
    char why[MOON_ASK_LOG_BYTES - 128] =
        "the message's header is too large to be handed over, or there is no memory; "
        "header_maxsize limits it in Exim";

    moon_answer_begin(answer_r);
    if (!put_request(&talk, 0)) {
        talk.own_died = !moon_spawn_alive(&ask->worker); /* there is none to tell */
        fail(&talk, why);
        goto done;
    }
    talk.large = talk.out.length > ASK_EARLY_BYTES;
    if (!have_worker(&talk, why, sizeof why)) {
        fail(&talk, why);
        goto done;
    }
    enum moon_wire_io io = converse(&talk);
    if (io == MOON_WIRE_IO_CLOSED && ask->worker.pid <= 0) {
        /* The service is being stopped, or its worker has died: nothing was applied, so another
         * worker may decide instead. If it is the message that kills workers, ours tells. */
        hang_up(ask);
        if (!start_worker(&talk, why, sizeof why)) {
            fail(&talk, why);
            goto done;
        }
        io = converse(&talk);
    }
    if (io == MOON_WIRE_IO_OK && answer_r->decision.failure.n) { /* it says so itself */
        moon_clean_line(answer_r->decision.failure, why, sizeof why);
        hang_up(ask);
        fail(&talk, why);
    } else if (io != MOON_WIRE_IO_OK) {
        talk.own_died = ask->worker.pid > 0;
        end_badly(ask, io, talk.phase, talk.reason, why, sizeof why);
        fail(&talk, why);
    }
    tell_barred(ask, settings, answer_r);
done:
    moon_wire_out_free(&talk.out);
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
