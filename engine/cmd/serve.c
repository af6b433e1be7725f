/* SPDX-License-Identifier: MIT
 *
 * serve: the service. It listens on a Unix socket and keeps a few spare workers (spare.c) that wait
 * for connections; each serves one SMTP connection at a time, so slow DNS for one client stalls
 * nobody. The supervisor itself reads nothing that a stranger sends.
 *
 *   1 the socket; the user     4 which of them shall wake us; we sleep
 *   2 what workers are doing   5 those that have ended
 *   3 spare workers            6 one that hangs is killed; again 2
 *
 * A message wakes no supervisor. Each worker writes what it is doing into its slot (slot.h), where
 * step 2 reads it. There are idle workers beyond those that shall be spare as soon as more than one
 * connection was served at a time; as many of them as are too many may take a connection unheard,
 * and the others wake us when they do, for then there are too few (step 4). The kernel wakes idle
 * workers in an order of its own, always beginning at the same one: those that were busy last are
 * the ones that need not be heard. Once a second we look in any case.
 *
 * SIGTERM: no new connections, workers end after the message in hand. A new snapshot needs no
 * signal: workers look for it at each connection. More connections than workers wait in the
 * socket's queue; the module goes elsewhere when none says READY soon.
 */
#include "engine/cmd/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/budget.h"
#include "engine/base/buf.h"
#include "engine/cmd/cmd.h"
#include "engine/cmd/setup.h"
#include "engine/cmd/worker.h"

#define WORKERS_DEFAULT 64u
#define WORKERS_MAX     1000u
#define SPARE_DEFAULT   4u
/* The module waits 240 s at most; where MOONSCAN_TIMEOUT is more, its own worker begins anew. */
#define HANG_MS      250000
#define END_MS       30000 /* for messages in hand when the service ends */
#define RETRY_MS     1000  /* after a worker that could not start; doubled up to a minute */
#define RETRY_MS_MAX 60000
#define PAUSE_MS     10 /* far below the time that the module waits for a spare worker */
#define TICK_S       1  /* for what wakes nobody: a worker that hangs, a start that is due again */

static const char help[] =
    "Usage: moonscan serve [OPTIONS]\n"
    "\n"
    "The service: keeps workers ready, so that no SMTP connection has to start one. Exim's\n"
    "module finds it by its socket, and starts workers itself when it is not there.\n"
    "\n"
    "  --socket FILE    where to listen            (" MOON_SERVE_SOCKET ")\n"
    "  --spare N        workers that wait          (4)\n"
    "  --workers N      workers at most            (64)\n"
    "  --snapshot FILE  the published snapshot     (/var/lib/moonscan/current)\n"
    "  --user NAME      become this user first (only root can)\n"
    "  --help           this text\n"
    "\n"
    "SIGTERM ends it when the messages in hand are done. A new snapshot is taken up by itself.\n";

struct child {
    pid_t pid;
    int state_fd; /* -1: it has closed its end */
    struct moon_slot *slot;
    uint32_t word; /* of the slot, when we looked */
    enum moon_worker_state state;
    int64_t since_ms; /* when we saw it change */
    int64_t busy_ms;  /* when we last saw that it had served; 0: never */
};

struct server {
    const char *socket_path, *snapshot, *user;
    unsigned spare, workers_max;
    char program[4096];
    int listen_fd;
    struct child *children;
    size_t count;
    size_t left; /* connections that workers left to fresh ones which are not started yet */
    bool woken;  /* by a worker, just now */
    int64_t not_before_ms, retry_ms; /* of the next start, after one that failed */
    bool ready_told;
};

static volatile sig_atomic_t ending, child_ended;

static void on_end(int signal_number)
{
    (void)signal_number;
    ending = 1;
}

static void on_child(int signal_number)
{
    (void)signal_number;
    child_ended = 1;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    va_list args;
    (void)fputs("moonscan serve: ", stderr); /* the journal's end is not ours to mend */
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

/* Between fork and exec: descriptors 3 to 5, and nothing else of ours. Never returns. */
static void become_worker(const struct server *server, int state_fd, int slot_fd)
{
    sigset_t none;
    char *argv[] = {(char *)(uintptr_t)server->program,  (char *)(uintptr_t) "worker",
                    (char *)(uintptr_t) "--spare",       (char *)(uintptr_t) "--snapshot",
                    (char *)(uintptr_t)server->snapshot, NULL};

    (void)sigemptyset(&none); /* these two cannot fail with these arguments */
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(server->listen_fd, MOON_SPARE_LISTEN_FD) >= 0 &&
        dup2(state_fd, MOON_SPARE_STATE_FD) >= 0 && dup2(slot_fd, MOON_SPARE_SLOT_FD) >= 0)
        (void)execv(server->program, argv);
    _exit(127);
}

/* The descriptor above the numbers that the worker gets; -1 with errno. */
static int move_up(int fd)
{
    int moved = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, MOON_SPARE_SLOT_FD + 1) : -1;
    int error = errno;

    if (fd >= 0)
        (void)close(fd); /* replaced */
    errno = error;
    return moved;
}

/* Starts one worker; false with errno when the system refuses. */
static bool start_worker(struct server *server)
{
    int pair[2] = {-1, -1}, slot_fd = -1, error;
    struct child child = {.pid = -1, .state = MOON_WORKER_STARTING, .since_ms = moon_clock_ms()};

    if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) == 0 && (pair[1] = move_up(pair[1])) >= 0 &&
        (child.slot = moon_slot_create(&slot_fd)) && (slot_fd = move_up(slot_fd)) >= 0) {
        child.word = moon_slot_word(child.slot);
        child.pid = fork();
    }
    if (child.pid == 0)
        become_worker(server, pair[1], slot_fd);
    error = errno;
    if (pair[1] >= 0)
        (void)close(pair[1]); /* the worker's, as this one: */
    if (slot_fd >= 0)
        (void)close(slot_fd);
    if (child.pid > 0) {
        child.state_fd = pair[0];
        server->children[server->count++] = child;
        return true;
    }
    if (pair[0] >= 0)
        (void)close(pair[0]); /* nobody at the other end */
    moon_slot_destroy(&child.slot);
    errno = error;
    return false;
}

/* Step 2: its slot. */
static void look_at(struct server *server, struct child *child)
{
    uint32_t word = moon_slot_word(child->slot);

    if (word == child->word)
        return;
    child->since_ms = moon_clock_ms();
    if (child->state == MOON_WORKER_STARTING)
        server->retry_ms = 0;
    else
        child->busy_ms = child->since_ms;
    child->word = word;
    child->state = moon_slot_state(word);
    if (!server->ready_told) {
        say("listening on %s: %u spare workers, %u at most", server->socket_path, server->spare,
            server->workers_max);
        moon_serve_notify("READY=1");
        server->ready_told = true;
    }
}

static void look(struct server *server)
{
    for (size_t i = 0; i < server->count; i++)
        look_at(server, &server->children[i]);
}

/* Step 3. A worker that is starting will be spare soon. For a connection that was left one is
 * started in any case: of those that are idle the kernel wakes none for it any more. */
static void keep_spare(struct server *server)
{
    size_t spare = 0;

    for (size_t i = 0; i < server->count; i++)
        spare += server->children[i].state == MOON_WORKER_STARTING ||
                 server->children[i].state == MOON_WORKER_IDLE;
    for (; (spare < server->spare || server->left) && server->count < server->workers_max &&
           moon_clock_ms() >= server->not_before_ms;
         spare++) {
        if (start_worker(server)) {
            server->left -= server->left > 0;
            continue;
        }
        say("no worker can be started: %s; trying again", strerror(errno));
        server->not_before_ms = moon_clock_ms() + RETRY_MS;
    }
}

/* It wakes us: what it is doing stands in its slot. */
static void hear(struct server *server, struct child *child)
{
    char bytes[256];
    ssize_t n = read(child->state_fd, bytes, sizeof bytes);

    server->woken = server->woken || n > 0;
    if (n == 0) { /* or poll() would tell us without end; it ends with SIGCHLD, or is killed */
        (void)close(child->state_fd);
        child->state_fd = -1;
    }
}

static void tell_end(struct server *server, const struct child *child, int status)
{
    bool bad = !WIFEXITED(status) || WEXITSTATUS(status) != 0;

    if (bad && WIFSIGNALED(status))
        say("worker %ld was ended by signal %d%s", (long)child->pid, WTERMSIG(status),
            child->state == MOON_WORKER_MESSAGE ? " in the middle of a message" : "");
    else if (bad)
        say("worker %ld ended with status %d%s", (long)child->pid, WEXITSTATUS(status),
            child->state == MOON_WORKER_STARTING ? "; see whether `moonscan config` works for this "
                                                   "user"
                                                 : "");
    if (bad && child->state == MOON_WORKER_STARTING) {
        server->retry_ms = server->retry_ms ? 2 * server->retry_ms : RETRY_MS;
        if (server->retry_ms > RETRY_MS_MAX)
            server->retry_ms = RETRY_MS_MAX;
        server->not_before_ms = moon_clock_ms() + server->retry_ms;
    }
}

/* Step 5. */
static void reap(struct server *server)
{
    int status;

    if (!child_ended)
        return;
    child_ended = 0; /* the signal is held until the next wait */
    for (size_t i = 0; i < server->count;) {
        struct child *child = &server->children[i];
        if (waitpid(child->pid, &status, WNOHANG) != child->pid) {
            i++;
            continue;
        }
        look_at(server, child); /* its last words */
        tell_end(server, child, status);
        if (child->state_fd >= 0)
            (void)close(child->state_fd); /* its other end is gone */
        moon_slot_destroy(&child->slot);
        server->left += child->state == MOON_WORKER_LEAVING;
        *child = server->children[--server->count];
    }
}

/* Step 6. */
static void end_hanging(const struct server *server)
{
    for (size_t i = 0; i < server->count; i++) {
        const struct child *child = &server->children[i];
        bool working = child->state == MOON_WORKER_MESSAGE || child->state == MOON_WORKER_STARTING;
        if (!working || moon_clock_ms() - child->since_ms < HANG_MS)
            continue;
        say("worker %ld has been at one message for %d s: killed", (long)child->pid,
            HANG_MS / 1000);
        (void)kill(child->pid, SIGKILL); /* our child, not yet reaped */
    }
}

static bool somebody_is_idle(const struct server *server)
{
    for (size_t i = 0; i < server->count; i++)
        if (server->children[i].state == MOON_WORKER_IDLE)
            return true;
    return false;
}

/* Step 4. Of the idle workers those that were busy last may take a connection unheard, as many as
 * are not needed as spare ones; none is listened to while no other can be started. False: one of
 * them has become busy meanwhile, perhaps unheard. */
static bool choose_heard(struct server *server)
{
    static size_t idle[WORKERS_MAX];
    size_t count = 0, unheard;
    bool good = true;

    for (size_t i = 0; i < server->count; i++) { /* in order: busy last, first */
        size_t at = count;
        if (server->children[i].state != MOON_WORKER_IDLE)
            continue;
        for (; at > 0 && server->children[idle[at - 1]].busy_ms < server->children[i].busy_ms; at--)
            idle[at] = idle[at - 1];
        idle[at] = i;
        count++;
    }
    unheard = count > server->spare ? count - server->spare : 0;
    if (server->count == server->workers_max)
        unheard = count;
    for (size_t i = 0; i < count; i++) {
        const struct child *child = &server->children[idle[i]];
        moon_slot_want(child->slot, i >= unheard);
        good = good && moon_slot_word(child->slot) == child->word;
    }
    return good;
}

/* Step 4: sleeps until a worker wakes us, one ends, or a signal comes. While workers are idle
 * nobody waits for us: what others say after one that has woken us is then heard together with it,
 * so that none of them can keep us busy. */
static void wait_news(struct server *server, const sigset_t *while_waiting)
{
    static const struct timespec tick = {TICK_S, 0}, pause = {0, PAUSE_MS * 1000000};
    static struct pollfd polled[WORKERS_MAX];
    bool settled = choose_heard(server), woken = server->woken;

    server->woken = false;
    if (((woken && somebody_is_idle(server)) || !settled) &&
        ppoll(NULL, 0, &pause, while_waiting) != 0)
        return; /* a signal */
    if (!settled)
        return;
    for (size_t i = 0; i < server->count; i++)
        polled[i] = (struct pollfd){.fd = server->children[i].state_fd, .events = POLLIN};
    size_t count = server->count;
    if (ppoll(polled, (nfds_t)count, &tick, while_waiting) <= 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (polled[i].revents)
            hear(server, &server->children[i]);
}

/* The service ends: no new connections, SIGTERM, and SIGKILL for who takes too long. */
static void end_all(struct server *server, const sigset_t *while_waiting)
{
    int64_t end_ms = moon_clock_ms() + END_MS;

    moon_serve_notify("STOPPING=1");
    (void)unlink(server->socket_path); /* another service may have it already */
    (void)close(server->listen_fd);
    while (server->count && moon_clock_ms() < end_ms) {
        /* Again each time: it may have come just before a worker began to wait. */
        for (size_t i = 0; i < server->count; i++)
            (void)kill(server->children[i].pid, SIGTERM); /* our children, not yet reaped */
        look(server);
        wait_news(server, while_waiting);
        reap(server);
    }
    for (size_t i = 0; i < server->count; i++)
        (void)kill(server->children[i].pid, SIGKILL);
    say("ended%s", server->count ? "; messages in hand took too long and were given up" : "");
}

static void set_signals(sigset_t *while_waiting_r)
{
    struct sigaction action = {.sa_handler = on_end};
    sigset_t held;

    /* Held but while waiting, so that none is missed. None of these calls can fail so. */
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGTERM);
    (void)sigaddset(&held, SIGINT);
    (void)sigaddset(&held, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &held, while_waiting_r);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    action.sa_handler = on_child;
    (void)sigaction(SIGCHLD, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL); /* nothing to reload: workers follow the snapshot */
}

static int serve(struct server *server)
{
    struct moon_error error = {""};
    sigset_t while_waiting;

    ssize_t n = readlink("/proc/self/exe", server->program, sizeof server->program - 1);
    server->program[n > 0 ? n : 0] = '\0';
    server->children = calloc(server->workers_max, sizeof *server->children);
    if (n <= 0 || !server->children) {
        say("%s", n <= 0 ? "/proc must be mounted" : "no memory");
        return MOON_EXIT_FAILURE;
    }
    set_signals(&while_waiting);
    if (moon_serve_listen(server->socket_path, server->user, &server->listen_fd, &error) !=
        MOON_OK) {
        say("%s", error.text);
        free(server->children);
        return MOON_EXIT_FAILURE;
    }
    while (!ending) {
        look(server);
        keep_spare(server);
        wait_news(server, &while_waiting);
        reap(server);
        end_hanging(server);
    }
    end_all(server, &while_waiting);
    free(server->children);
    return MOON_EXIT_OK;
}

static bool take_number(const char *text, unsigned max, unsigned *number_r)
{
    uint64_t number;
    if (!moon_span_number(moon_span_of(text), max, &number) || number == 0)
        return false;
    *number_r = (unsigned)number;
    return true;
}

int moon_cmd_serve(int argc, char **argv)
{
    static const struct option options[] = {{"socket", required_argument, NULL, 'l'},
                                            {"spare", required_argument, NULL, 'p'},
                                            {"workers", required_argument, NULL, 'w'},
                                            {"snapshot", required_argument, NULL, 's'},
                                            {"user", required_argument, NULL, 'u'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct server server = {.socket_path = MOON_SERVE_SOCKET,
                            .snapshot = moon_setup_snapshot_path(),
                            .spare = SPARE_DEFAULT,
                            .workers_max = WORKERS_DEFAULT,
                            .listen_fd = -1};
    bool good = true;
    int option;

    while (good && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'l')
            server.socket_path = optarg;
        else if (option == 's')
            server.snapshot = optarg;
        else if (option == 'u')
            server.user = optarg;
        else if (option == 'p')
            good = take_number(optarg, WORKERS_MAX, &server.spare);
        else if (option == 'w')
            good = take_number(optarg, WORKERS_MAX, &server.workers_max);
        else if (option == 'h')
            return fputs(help, stdout) < 0 ? MOON_EXIT_FAILURE : MOON_EXIT_OK;
        else
            good = false;
    }
    if (good && optind == argc && server.spare <= server.workers_max)
        return serve(&server);
    if (optind == argc && good)
        say("--spare %u is more than --workers %u", server.spare, server.workers_max);
    (void)fputs("moonscan serve: wrong usage; `moonscan serve --help` tells more\n", stderr);
    return MOON_EXIT_USAGE;
}
