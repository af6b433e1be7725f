/* SPDX-License-Identifier: MIT
 *
 * spawn: the worker process. Procedure of a start:
 *
 *  1 the program is a file of root's or of Exim's user that nobody else may write: the path can
 * come from an environment, and -bh lets every local user run us; 2 a socketpair, both ends
 * close-on-exec and non-blocking; 3 posix_spawn (no code of ours runs between fork and exec, so no
 * handler of Exim's can): all signals to default, none blocked, /dev/null as 0 to 2, the socket as
 * 3, all else closed.
 */
#include "local_scan/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/wire/wire.h"

#define SPAWN_SOCKET  3
#define SPAWN_ENV_MAX 32u   /* variables handed on; we know of six */
#define SPAWN_END_MS  1000  /* a killed process is gone long before, unless the kernel holds it */
#define SPAWN_REAPED  1000u /* children of Exim's that may end during one call */
#define SPAWN_FDS     1024  /* closed one by one where the C library cannot close from */

extern char **environ;

/* Between enter and leave. */
static struct moon_spawn_guard *spawn_guard;

static void hold_child_signal(void)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};

    if (!spawn_guard || spawn_guard->held)
        return;
    (void)sigemptyset(&dfl.sa_mask);                     /* cannot fail */
    (void)sigaction(SIGCHLD, &dfl, &spawn_guard->child); /* cannot fail: a valid signal */
    spawn_guard->held = true;
}

void moon_spawn_enter(struct moon_spawn_guard *guard, const struct moon_spawn *worker)
{
    guard->held = false;
    spawn_guard = guard;
    if (worker->pid > 0)
        hold_child_signal();
}

void moon_spawn_leave(const struct moon_spawn_guard *guard)
{
    spawn_guard = NULL;
    if (!guard->held)
        return;
    bool ignored = guard->child.sa_handler == SIG_IGN || (guard->child.sa_flags & SA_NOCLDWAIT);

    for (unsigned i = 0; ignored && i < SPAWN_REAPED; i++)
        if (waitpid(-1, NULL, WNOHANG) <= 0)
            break;
    (void)sigaction(SIGCHLD, &guard->child, NULL); /* cannot fail: it came from there */
}

static void forget(struct moon_spawn *worker)
{
    (void)close(worker->socket); /* nothing to be done about an error */
    worker->socket = -1;
    worker->pid = 0;
}

bool moon_spawn_alive(struct moon_spawn *worker)
{
    char how[64];
    struct pollfd one = {.fd = worker->socket, .events = POLLIN};

    if (worker->socket < 0)
        return false;
    /* Ended between two messages, Exim's disposition has let it be reaped: its number may be
     * somebody else's by now, and only waitpid knows. */
    if (worker->pid > 0 && waitpid(worker->pid, NULL, WNOHANG) != 0) {
        forget(worker);
        return false;
    }
    if (poll(&one, 1, 0) == 0)
        return true;
    if (one.revents & (POLLHUP | POLLERR))
        forget(
            worker); /* it has closed its end, may be gone, and its number somebody else's: not to
                        be killed. What still runs ends with the socket, or with Exim's process */
    else
        moon_spawn_end(worker, 0, how, sizeof how); /* speaks unasked: not to be trusted */
    return false;
}

/* Step 1. */
static bool program_ok(const char *program, char *why, size_t why_size)
{
    struct stat st;
    const char *what = NULL;

    if (stat(program, &st) != 0)
        what = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        what = "it is not a file";
    else if (st.st_uid != 0 && st.st_uid != geteuid())
        what = "it belongs neither to root nor to Exim's user";
    else if (st.st_mode & (S_IWGRP | S_IWOTH))
        what = "others than its owner may write it";
    else if (access(program, X_OK) != 0)
        what = strerror(errno);
    if (what)
        (void)snprintf(why, why_size, /* cut: the advice is not the point */
                       "the worker cannot be started: %s: %s. Install the program or correct "
                       "MOONSCAN_PROGRAM; Exim's user must be able to run it",
                       program, what);
    return !what;
}

/* The worker's environment: our variables, and UTC by a name that makes the C library read no file:
 * even for that it would look for the host's time zone. */
static void make_environment(const struct moon_settings *settings, char *snapshot, size_t size,
                             char *env_r[SPAWN_ENV_MAX + 2])
{
    size_t n = 0;

    if (settings->snapshot &&
        snprintf(snapshot, size, "MOONSCAN_SNAPSHOT=%s", settings->snapshot) < (int)size)
        env_r[n++] = snapshot;
    for (char **at = environ; at && *at && n < SPAWN_ENV_MAX; at++) {
        if (strncmp(*at, "MOONSCAN_SNAPSHOT=", 18) == 0 && settings->snapshot)
            continue;
        if (strncmp(*at, "MOONSCAN_", 9) == 0)
            env_r[n++] = *at;
    }
    env_r[n++] = (char *)(uintptr_t) "TZ=:";
    env_r[n] = NULL;
}

/* Step 3's plan; 0 or an errno. */
static int plan_files(posix_spawn_file_actions_t *files, int socket)
{
    int error = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDWR, 0);

    for (int fd = 1; !error && fd <= 2; fd++)
        error = posix_spawn_file_actions_adddup2(files, 0, fd);
    if (!error)
        error = posix_spawn_file_actions_adddup2(files, socket, SPAWN_SOCKET);
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
    if (!error)
        error = posix_spawn_file_actions_addclosefrom_np(files, SPAWN_SOCKET + 1);
#else
    for (int fd = SPAWN_SOCKET + 1; !error && fd < SPAWN_FDS; fd++)
        error = posix_spawn_file_actions_addclose(files, fd);
#endif
    return error;
}

static int plan_signals(posix_spawnattr_t *attr)
{
    sigset_t all, none;

    (void)sigfillset(&all); /* cannot fail */
    (void)sigemptyset(&none);
    int error = posix_spawnattr_setsigdefault(attr, &all);
    if (!error)
        error = posix_spawnattr_setsigmask(attr, &none);
    if (!error)
        error = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    return error;
}

/* Step 3; 0 or an errno. */
static int run(const struct moon_settings *settings, int socket, pid_t *pid_r)
{
    char *argv[] = {(char *)(uintptr_t)settings->program, (char *)(uintptr_t) "worker", NULL};
    char *env[SPAWN_ENV_MAX + 2], snapshot[1100];
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;

    int error = posix_spawn_file_actions_init(&files);
    if (error)
        return error;
    error = posix_spawnattr_init(&attr);
    if (error)
        goto done;
    make_environment(settings, snapshot, sizeof snapshot, env);
    error = plan_files(&files, socket);
    if (!error)
        error = plan_signals(&attr);
    if (!error) {
        mode_t mask = umask(077); /* Exim's is 000 */
        error = posix_spawn(pid_r, settings->program, &files, &attr, argv, env);
        (void)umask(mask); /* always succeeds */
    }
    (void)posix_spawnattr_destroy(&attr); /* cannot fail */
done:
    (void)posix_spawn_file_actions_destroy(&files); /* cannot fail */
    return error;
}

/* dup2 onto itself would keep the worker's end close-on-exec in older C libraries, and its number
 * must not be one of those that are opened anew before: move it up. */
static int move_up(int fd)
{
    if (fd > SPAWN_SOCKET)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, SPAWN_SOCKET + 1);
    int error = errno;
    (void)close(fd); /* replaced */
    errno = error;
    return moved;
}

bool moon_spawn_start(struct moon_spawn *worker, const struct moon_settings *settings, char *why,
                      size_t why_size)
{
    int pair[2] = {-1, -1};
    pid_t pid = 0;

    hold_child_signal();
    worker->pid = 0;
    worker->socket = -1;
    if (!program_ok(settings->program, why, why_size))
        return false;
    int error = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) /* step 2 */
        error = errno;
    for (int i = 0; !error && i < 2; i++) {
        pair[i] = move_up(pair[i]);
        error = pair[i] < 0 ? errno : 0;
    }
    if (!error)
        error = run(settings, pair[1], &pid);
    if (pair[1] >= 0)
        (void)close(pair[1]); /* the worker's end */
    if (!error) {
        *worker = (struct moon_spawn){pid, pair[0]};
        return true;
    }
    if (pair[0] >= 0)
        (void)close(pair[0]);     /* nobody at the other end */
    (void)snprintf(why, why_size, /* cut: the advice is not the point */
                   "the worker cannot be started: %s: %s. Exim's user must be able to run it",
                   settings->program, strerror(error));
    return false;
}

/* Waits until the worker has ended; false when it has not in that time. */
static bool reap(pid_t pid, int ms, int *status_r)
{
    static const struct timespec nap = {0, 1000000};
    int64_t end_ms = moon_wire_now_ms() + ms;

    for (;;) { /* ends with the deadline */
        pid_t got = waitpid(pid, status_r, WNOHANG);
        if (got == pid)
            return true;
        if (got < 0 && errno != EINTR) {
            *status_r = -1; /* not our child any more */
            return true;
        }
        if (moon_wire_now_ms() >= end_ms)
            return false;
        (void)nanosleep(&nap, NULL); /* a signal only shortens it */
    }
}

void moon_spawn_name(const struct moon_spawn *worker, char *name_r, size_t size)
{
    if (worker->pid > 0)
        (void)snprintf(name_r, size, "worker %ld", (long)worker->pid); /* fits */
    else
        (void)snprintf(name_r, size, "the service's worker");
}

void moon_spawn_end(struct moon_spawn *worker, int grace_ms, char *how, size_t how_size)
{
    int status = -1;
    bool own = false;

    (void)snprintf(how, how_size, "was gone"); /* fits, as all below */
    if (worker->socket < 0)
        return;
    if (worker->pid <= 0) {
        (void)snprintf(how, how_size, "was hung up on");
        forget(worker);
        return;
    }
    own = grace_ms > 0 && reap(worker->pid, grace_ms, &status);
    if (!own) {
        (void)kill(worker->pid, SIGKILL); /* our child, not yet reaped: the number is its own */
        if (!reap(worker->pid, SPAWN_END_MS, &status))
            status = -1; /* held by the kernel; a later call, or Exim's end, reaps it */
    }
    if (!own)
        (void)snprintf(how, how_size, "was stopped by us");
    else if (status >= 0 && WIFSIGNALED(status))
        (void)snprintf(how, how_size, "was ended by signal %d", WTERMSIG(status));
    else if (status >= 0 && WIFEXITED(status))
        (void)snprintf(how, how_size, "ended with status %d", WEXITSTATUS(status));
    forget(worker);
}
