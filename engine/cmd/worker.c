/* SPDX-License-Identifier: MIT
 *
 * worker: serves one SMTP connection of Exim's. Its socket is descriptor 3. (As a spare worker of
 * the service, one connection after the other: spare.c.)
 *
 *   1. confine what can be confined before anything is read     4. REQUEST -> message -> moon_scan
 *   2. settings, policies; then the seccomp filter              5. DECISION
 *   3. READY, where it is waited for                            6. APPLIED -> decision log; again 4
 *
 * Mostly REQUEST is there before READY is said, and DECISION soon after it: then READY is not said
 * at all, as it would wake Exim's process for nothing (engine/wire/wire.h). When it is due, the
 * alarm says it, whatever the worker is busy with, and from then on watches over the message.
 *
 * When the DATA ACL has asked (EARLY), APPLIED comes after the rest of that ACL, however long its
 * scanners take; or never, when the ACL refuses the message and the connection ends.
 *
 * It ends when the module closes the socket or Exim's process dies. An alarm ends a message that
 * takes too long: the module then answers the declared failure verdict, as for any dead worker.
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/budget.h"
#include "engine/base/limits.h"
#include "engine/cmd/cmd.h"
#include "engine/cmd/confine.h"
#include "engine/cmd/intake.h"
#include "engine/cmd/sanitized.h"
#include "engine/cmd/watch.h"
#include "engine/cmd/words.h"
#include "engine/cmd/worker.h"
#include "engine/report/record.h"
#include "engine/store/store.h"
#include "engine/verdict/shares.h"

#define SOCKET_FD      3
#define SEND_MS        10000 /* the module is waiting for us: it reads at once */
#define APPLIED_MS     60000 /* Exim applies at once; later it is gone */
#define ALARM_MARGIN_S 2
/* After Exim's death: time to write the record. And of this, when it may only be the service that
 * ends, to hear what Exim does. */
#define LAST_WORDS_S    10
#define LAST_APPLIED_MS 8000
/* Of memory: what a message has freed is kept for the next one, as giving it back and getting it
 * again costs a page fault for each 4 KB; what is larger than any block of an arena goes back. */
#define KEPT_BYTES  (4 * 1024 * 1024)
#define LARGE_BYTES (512 * 1024)
/* For REQUEST of a new connection: the module sends it at once, or waits for READY. */
#define REQUEST_MS 10

static volatile int exim_is_gone; /* or the service wants to end */

bool moon_worker_is_ending(void)
{
    return exim_is_gone != 0;
}

static void on_terminate(int signal_number)
{
    int error = errno;

    (void)signal_number;
    exim_is_gone = 1;
    moon_watch_last_alarm(LAST_WORDS_S);
    errno = error;
}

/* One message. */
struct job {
    struct moon_worker *worker;
    struct moon_arena *arena;
    struct moon_request request;
    struct moon_message msg;
    struct moon_outcome outcome;
    bool decided; /* by moon_scan: there is something to record */
};

/* A file for each user that writes: neither could append to the other's. */
static const char *log_path(const struct moon_worker *worker)
{
    const struct moon_conf *conf = &worker->setup->conf;
    return worker->state_fd >= 0 ? conf->log_service_path : conf->log_path;
}

static enum moon_wire_verdict failure_verdict(const struct moon_conf *conf)
{
    switch (conf->failure) {
    case MOON_FAILURE_ACCEPT:
        return MOON_WIRE_ACCEPT;
    case MOON_FAILURE_REJECT:
        return MOON_WIRE_REJECT;
    case MOON_FAILURE_QUARANTINE: /* nobody is there to say whose quarantine: the client keeps it */
    case MOON_FAILURE_DEFER:
        break;
    }
    return MOON_WIRE_DEFER;
}

/* What Exim is told when the engine itself could not do its work. The module has the failure
 * verdict out of READY, or another one of its own; a module that does not know `failure` yet does
 * what stands here, and it must not accept what nobody has evaluated. */
static struct moon_decision failure_decision(const struct moon_worker *worker, const char *reason)
{
    bool reject = failure_verdict(&worker->setup->conf) == MOON_WIRE_REJECT;

    return (struct moon_decision){
        .verdict = reject ? MOON_WIRE_REJECT : MOON_WIRE_DEFER,
        .reply = reject ? MOON_SPAN("5.3.0 This message cannot be accepted")
                        : MOON_SPAN("4.3.0 Temporary local problem, please try again later"),
        .log = MOON_SPAN("moonscan: not evaluated (failure verdict)"),
        .failure = moon_span_of(reason),
    };
}

/* The outcome in the words of the wire. False without memory. */
static bool decision_of(struct job *job, struct moon_decision *decision_r)
{
    static const uint8_t verdicts[] = {[MOON_ACTION_ACCEPT] = MOON_WIRE_ACCEPT,
                                       [MOON_ACTION_REJECT] = MOON_WIRE_REJECT,
                                       [MOON_ACTION_DEFER] = MOON_WIRE_DEFER,
                                       [MOON_ACTION_FREEZE] = MOON_WIRE_FREEZE};
    const struct moon_outcome *out = &job->outcome;
    const char *log = out->log;

    if (job->worker->trouble.text[0]) {
        for (char *c = job->worker->trouble.text; (c = strchr(c, '"')); c++)
            *c = '\''; /* it stands between quotes in the line */
        log =
            moon_arena_printf(job->arena, "%s trouble=\"%s\"", out->log, job->worker->trouble.text);
        job->worker->trouble.text[0] = '\0';
    }
    *decision_r = (struct moon_decision){
        .verdict = verdicts[out->action],
        .reply = moon_span_of(out->reply),
        .data = moon_span_of(out->data),
        .log = moon_span_of(log),
        .added = moon_arena_array(job->arena, out->added_count, sizeof *decision_r->added),
        .added_count = (uint32_t)out->added_count,
        .removed_fields = out->removed_fields,
        .removed_field_count = (uint32_t)out->removed_field_count,
        .removed_recipients = out->removed_recipients,
        .removed_recipient_count = (uint32_t)out->removed_recipient_count,
    };
    if (!decision_r->added)
        return false;
    if (job->request.flags & MOON_WIRE_FLAG_EARLY &&
        moon_words_of(job->arena, &job->msg, out, decision_r->words) != MOON_OK)
        return false;
    for (size_t i = 0; i < out->added_count; i++)
        decision_r->added[i] =
            (struct moon_wire_added){.where = out->added[i].top ? MOON_WIRE_TOP : MOON_WIRE_BOTTOM,
                                     .text = moon_span_of(out->added[i].text)};
    return true;
}

/* Once for each outage of the store, which a policy just met. */
static void tell_store_trouble(struct moon_worker *worker)
{
    struct moon_store *store = worker->setup->store;
    const char *trouble = store ? moon_store_trouble(store) : NULL;

    if (trouble && !worker->trouble.text[0])
        (void)moon_fail(&worker->trouble, MOON_EIO, "%s", trouble);
}

/* Steps 4 and 5. False: the module cannot be told, the worker ends. */
static bool decide(struct job *job, int body_fd)
{
    struct moon_worker *worker = job->worker;
    struct moon_error error = {"no memory for the decision"};
    struct moon_wire_out out = {.max = MOON_WIRE_DECISION_MAX};
    struct moon_decision decision;

    enum moon_status status = moon_intake(job->arena, &job->request, body_fd, &job->msg, &error);
    if (status == MOON_OK) {
        status = moon_scan(&worker->setup->engine, job->arena, &job->msg, &job->outcome, &error);
        job->decided = status == MOON_OK;
        tell_store_trouble(worker);
    }
    if (!job->decided || !decision_of(job, &decision) || !moon_wire_put_decision(&out, &decision)) {
        job->decided = false;
        moon_wire_out_free(&out);
        out = (struct moon_wire_out){.max = MOON_WIRE_DECISION_MAX};
        decision = failure_decision(worker, error.text);
        (void)moon_wire_put_decision(&out, &decision); /* out.failed tells below */
        moon_watch_say_due(); /* the module shall know its failure verdict */
    }
    moon_watch_forget();
    bool sent = !out.failed && moon_wire_send(worker->socket, &out, -1,
                                              moon_clock_ms() + SEND_MS) == MOON_WIRE_IO_OK;
    moon_wire_out_free(&out);
    return sent;
}

static void read_applied(struct moon_span payload, struct moon_record_applied *applied_r)
{
    static const enum moon_action actions[] = {[MOON_WIRE_ACCEPT] = MOON_ACTION_ACCEPT,
                                               [MOON_WIRE_REJECT] = MOON_ACTION_REJECT,
                                               [MOON_WIRE_DEFER] = MOON_ACTION_DEFER,
                                               [MOON_WIRE_FREEZE] = MOON_ACTION_FREEZE};
    struct moon_applied applied;
    const char *reason;

    if (!moon_wire_get_applied(payload, &applied, &reason))
        return;
    bool refused = applied.verdict == MOON_WIRE_REFUSED;
    *applied_r = (struct moon_record_applied){
        .refused = refused,
        .action = refused ? 0 : actions[applied.verdict],
        .added = applied.added_count,
        .removed_fields = applied.removed_field_count,
        .discarded_recipients = applied.removed_recipient_count,
        .difference = applied.text,
    };
}

/* Step 6: waits for APPLIED; as moon_wire_receive. The rest of a DATA ACL has no deadline: the
 * connection's end is its end. */
static enum moon_wire_io hear_applied(const struct job *job, enum moon_wire_type *type_r,
                                      struct moon_span *payload_r)
{
    int socket = job->worker->socket;
    int64_t wait_ms = APPLIED_MS;

    if (job->request.flags & MOON_WIRE_FLAG_EARLY) {
        moon_watch_alarm(0);
        /* The supervisor shall not take it for hanging. */
        moon_worker_tell(job->worker, MOON_WORKER_CONNECTION);
        enum moon_wire_io io =
            moon_wire_receive(socket, type_r, payload_r, NULL, -1, &exim_is_gone);
        moon_watch_alarm(exim_is_gone ? LAST_WORDS_S : APPLIED_MS / 1000);
        if (io != MOON_WIRE_IO_CLOSED || !exim_is_gone)
            return io;
        wait_ms = LAST_APPLIED_MS;
    }
    return moon_wire_receive(socket, type_r, payload_r, NULL, moon_clock_ms() + wait_ms, NULL);
}

/* Step 6. False: the connection is over. */
static bool record(struct job *job)
{
    struct moon_worker *worker = job->worker;
    struct moon_record_applied applied = {.action = 0};
    struct moon_span payload = {NULL, 0};
    enum moon_wire_type type = MOON_WIRE_READY;

    enum moon_wire_io io = hear_applied(job, &type, &payload);
    bool heard = io == MOON_WIRE_IO_OK && type == MOON_WIRE_APPLIED;
    if (heard)
        read_applied(payload, &applied);
    else
        applied.refused = io == MOON_WIRE_IO_CLOSED && job->request.flags & MOON_WIRE_FLAG_EARLY;
    /* Unread it was no decision: the module had given us up. */
    if (job->decided && !job->msg.dry_run && io != MOON_WIRE_IO_UNREAD) {
        const char *line =
            moon_record_line(job->arena, &worker->setup->conf, &job->msg, &job->outcome, &applied);
        if (!line)
            (void)moon_fail(&worker->trouble, MOON_ENOMEM, "no memory for the record of %s",
                            job->msg.id);
        else
            (void)moon_record_append(log_path(worker), line, &worker->trouble);
    }
    free((void *)(uintptr_t)payload.p); /* ours, by the contract of moon_wire_receive */
    return heard;
}

/* As long as the module waits; one that does not say so waits longer than we want. */
static int64_t longest_ms(const struct job *job)
{
    return job->request.waited_ms ? job->request.waited_ms
                                  : moon_shares_wanted_ms(&job->worker->setup->conf);
}

/* Steps 4 to 6 for one request. */
static bool serve(struct moon_worker *worker, struct moon_span payload, int body_fd)
{
    struct job job = {.worker = worker};
    const char *reason = NULL;

    if (!moon_wire_get_request(payload, &job.request, &reason))
        return false;
    job.request.waited_ms =
        moon_wire_waited_ms(&job.request, (uint32_t)moon_shares_wanted_ms(&worker->setup->conf));
    job.arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    /* The last resort: a policy's time is looked at by the sandbox that it runs in. */
    unsigned longest_s = (unsigned)(longest_ms(&job) / 1000) + ALARM_MARGIN_S;
    bool go_on = job.arena && moon_watch_begin(worker->socket, &job.request, longest_s) &&
                 decide(&job, body_fd);
    moon_watch_alarm(APPLIED_MS / 1000 + ALARM_MARGIN_S);
    go_on = go_on && record(&job);
    moon_watch_alarm(exim_is_gone ? LAST_WORDS_S : 0);
    moon_outcome_end(&job.outcome);
    moon_request_free(&job.request);
    moon_arena_destroy(&job.arena);
    return go_on;
}

bool moon_worker_serve(struct moon_worker *worker)
{
    /* Step 3. */
    enum moon_wire_io begun =
        moon_wire_wait(worker->socket, moon_clock_ms() + REQUEST_MS, &exim_is_gone);
    bool go_on = begun == MOON_WIRE_IO_OK ||
                 (begun == MOON_WIRE_IO_TIMEOUT && moon_watch_say_ready(worker->socket));
    bool asked = false;

    while (go_on && !exim_is_gone) {
        struct moon_span payload = {NULL, 0};
        enum moon_wire_type type = MOON_WIRE_READY;
        int body_fd = -1;
        enum moon_wire_io io =
            moon_wire_receive(worker->socket, &type, &payload, &body_fd, -1, &exim_is_gone);
        go_on = io == MOON_WIRE_IO_OK && type == MOON_WIRE_REQUEST;
        asked = asked || go_on;
        if (go_on) {
            moon_worker_tell(worker, MOON_WORKER_MESSAGE);
            go_on = serve(worker, payload, body_fd);
            moon_worker_tell(worker, MOON_WORKER_CONNECTION);
        }
        free((void *)(uintptr_t)payload.p); /* ours, by the contract of moon_wire_receive */
        if (body_fd >= 0)
            (void)close(body_fd); /* was only read */
    }
    return asked;
}

void moon_worker_tell(const struct moon_worker *worker, enum moon_worker_state state)
{
    char word = (char)state;
    if (worker->state_fd < 0 || (worker->slot && !moon_slot_put(worker->slot, state)))
        return;
    (void)!write(worker->state_fd, &word, 1); /* nobody listens: then nobody wants to know */
}

static void set_signals(void)
{
    static const int defaults[] = {SIGSEGV, SIGBUS, SIGFPE,  SIGILL, SIGABRT,
                                   SIGALRM, SIGINT, SIGUSR1, SIGHUP, SIGCHLD};
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;

    (void)sigemptyset(&none); /* these three cannot fail with these arguments */
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        (void)sigaction(defaults[i], &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
    action.sa_handler = on_terminate;
    (void)sigaddset(&action.sa_mask, SIGALRM);
    (void)sigaction(SIGTERM, &action, NULL);
}

static int usage(FILE *to, int status)
{
    (void)fputs("Usage: moonscan worker [--snapshot FILE] [--spare]\n\n"
                "Serves one SMTP connection over the socket on descriptor 3, or with --spare one\n"
                "after the other of those that the socket on descriptor 3 listens for. The module\n"
                "in Exim or `moonscan serve` starts it; there is no reason to start it by hand\n"
                "(see `moonscan check`).\n",
                to);
    return status;
}

/* Nothing is freed that ends with the process: that would take as long as a start. */
static _Noreturn void end(struct moon_worker *worker, int status)
{
    if (MOON_SANITIZED) {
        moon_watch_close();
        moon_setup_close(worker->setup);
        moon_slot_destroy(&worker->slot);
        exit(status); /* what is left is a leak */
    }
    if (worker->setup->store)
        moon_store_destroy(&worker->setup->store);
    _exit(status); /* standard output and error have no buffers that matter */
}

static bool open_watch(const struct moon_worker *worker)
{
    const struct moon_conf *conf = &worker->setup->conf;
    struct moon_wire_ready ready = {.failure = (uint8_t)failure_verdict(conf),
                                    .message_ms = (uint32_t)moon_shares_wanted_ms(conf)};

    return moon_watch_open(&ready);
}

static int run(struct moon_worker *worker, const char *snapshot)
{
    bool spare = worker->state_fd >= 0;
    struct moon_spare begun = spare ? moon_spare_begin(snapshot) : (struct moon_spare){0};
    struct moon_error error = {""};

    if (spare)
        worker->slot = moon_slot_open(MOON_SPARE_SLOT_FD);
    if (moon_confine_start(spare ? MOON_SPARE_STATE_FD : SOCKET_FD, 0, &error) != MOON_OK ||
        (spare && moon_spare_watch(&begun, &error) != MOON_OK) ||
        moon_setup_open(snapshot, NULL, worker->setup, &error) != MOON_OK ||
        moon_setup_store(worker->setup, false, &error) != MOON_OK) {
        (void)fprintf(stderr, "moonscan worker: %s\n", error.text);
        if (!spare)
            moon_watch_say_trouble(worker->socket, error.text);
        return MOON_EXIT_FAILURE;
    }
    moon_dns_backend_keep(worker->setup->dns, worker->setup->conf.dns_cache_s);
    /* A kernel that has not all of it: told in Exim's log. */
    (void)moon_confine_files(&worker->setup->conf, log_path(worker), &worker->trouble);
    (void)moon_confine_filter(spare, moon_setup_store_fd(worker->setup), &worker->trouble);
    /* Told with the first message already: most connections have no second one. */
    if (!worker->trouble.text[0])
        (void)moon_record_try(log_path(worker), &worker->trouble);
    int status = MOON_EXIT_FAILURE;
    if (!open_watch(worker))
        (void)fputs("moonscan worker: no memory\n", stderr);
    else if (spare)
        status = moon_spare_run(worker, &begun);
    else if (moon_worker_serve(worker))
        status = MOON_EXIT_OK;
    end(worker, status);
}

int moon_cmd_worker(int argc, char **argv)
{
    static const struct option options[] = {{"snapshot", required_argument, NULL, 's'},
                                            {"spare", no_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *snapshot = moon_setup_snapshot_path();
    static struct moon_setup setup;
    struct moon_worker worker = {.setup = &setup, .socket = SOCKET_FD, .state_fd = -1};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's')
            snapshot = optarg;
        else if (option == 'p')
            worker.state_fd = MOON_SPARE_STATE_FD;
        else
            return usage(option == 'h' ? stdout : stderr,
                         option == 'h' ? MOON_EXIT_OK : MOON_EXIT_USAGE);
    }
    set_signals();
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES); /* both values are within what it takes */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    return run(&worker, snapshot);
}
