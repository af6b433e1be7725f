/* SPDX-License-Identifier: MIT
 *
 * confined: 1. a pipe and a child  2. in the child: the pipe becomes standard output, root becomes
 * nobody, limits, no new descriptors, the filter  3. the body  4. in the parent: output until the
 * end, the deadline, or too much of it.
 */
#include "engine/cmd/confined.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/auth/dmarc_psl.h"
#include "engine/base/budget.h"
#include "engine/cmd/confine.h"

#define NOBODY      65534 /* where the system has no user of that name */
#define EXIT_FAILED 64    /* the child could not be confined: standard error says why */

/* Rights of root that a policy has no use for. */
static enum moon_status become_nobody(struct moon_error *error)
{
    uid_t uid = NOBODY;
    gid_t gid = NOBODY;
    if (geteuid() != 0)
        return MOON_OK;
    const struct passwd *nobody = getpwnam("nobody");
    if (nobody && nobody->pw_uid != 0) {
        uid = nobody->pw_uid;
        gid = nobody->pw_gid;
    }
    if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
        return moon_fail(error, MOON_EIO, "root's rights cannot be given up: %s", strerror(errno));
    return MOON_OK;
}

/* From now on nothing can be opened: no file, no socket. */
static enum moon_status open_no_more(struct moon_error *error)
{
    const struct rlimit none = {STDERR_FILENO + 1, STDERR_FILENO + 1};
    return setrlimit(RLIMIT_NOFILE, &none) == 0
               ? MOON_OK
               : moon_fail(error, MOON_EIO, "setrlimit: %s", strerror(errno));
}

/* Steps 2 and 3; never returns. */
static _Noreturn void child(const struct moon_confined *confined, int pipe_fd)
{
    struct moon_error error = {""};
    int null = open("/dev/null", O_RDONLY);
    int code = EXIT_FAILED;

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(pipe_fd, STDOUT_FILENO) < 0)
        _exit(EXIT_FAILED);
    FILE *out = fdopen(STDOUT_FILENO, "w");
    if (!out)
        _exit(EXIT_FAILED);
    (void)signal(SIGPIPE, SIG_DFL);                   /* nobody listens: no reason to go on */
    (void)alarm((unsigned)(confined->ms / 1000) + 5); /* should the parent die */
    if (become_nobody(&error) == MOON_OK &&
        moon_confine_start(STDERR_FILENO, confined->memory_room, &error) == MOON_OK &&
        open_no_more(&error) == MOON_OK) {
        (void)moon_confine_filter(false, -1, &error); /* a kernel without seccomp: the rest holds */
        code = confined->body(confined->context, out);
    } else {
        (void)fprintf(stderr, "moonscan: %s\n", error.text); /* the caller's standard error */
    }
    if (fflush(out) != 0)
        code = EXIT_FAILED;
    _exit(code);
}

/* Step 4: the whole output. */
static enum moon_status listen_to(const struct moon_confined *confined, int pipe_fd,
                                  struct moon_error *error)
{
    int64_t end_ms = moon_clock_ms() + confined->ms;
    char bytes[65536];
    size_t total = 0;

    for (;;) {
        struct pollfd poll_fd = {.fd = pipe_fd, .events = POLLIN};
        int64_t left_ms = end_ms - moon_clock_ms();
        int ready = left_ms > 0 ? poll(&poll_fd, 1, left_ms < 60000 ? (int)left_ms : 60000) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (left_ms <= 0)
            return moon_fail(error, MOON_EBUDGET,
                             "policies and their tests took longer than %lld s",
                             (long long)(confined->ms / 1000));
        if (ready == 0)
            continue;
        ssize_t got = read(pipe_fd, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return moon_fail(error, MOON_EIO, "read: %s", strerror(errno));
        if (got == 0)
            return MOON_OK;
        total += (size_t)got;
        if (total > confined->output_max)
            return moon_fail(error, MOON_EBUDGET,
                             "policies and their tests said more than %zu bytes",
                             confined->output_max);
        confined->take(confined->context, (struct moon_span){bytes, (size_t)got});
    }
}

static enum moon_status end_of(int status, int *code_r, struct moon_error *error)
{
    if (WIFSIGNALED(status))
        return moon_fail(error, MOON_EIO,
                         "the process that tried the policies died of signal %d (%s)",
                         WTERMSIG(status), strsignal(WTERMSIG(status)));
    *code_r = WEXITSTATUS(status);
    if (*code_r >= EXIT_FAILED)
        return moon_fail(error, MOON_EIO,
                         "the process that tries the policies could not be confined");
    return MOON_OK;
}

enum moon_status moon_confined_run(const struct moon_confined *confined, int *code_r,
                                   struct moon_error *error)
{
    int ends[2], status = 0;

    (void)moon_dmarc_psl_organization("example.com"); /* opens its list now: the child cannot */
    if (fflush(NULL) != 0 || pipe2(ends, O_CLOEXEC) != 0)
        return moon_fail(error, MOON_EIO, "pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]); /* the parent's */
        child(confined, ends[1]);
    }
    (void)close(ends[1]); /* the child's */
    if (pid < 0) {
        (void)close(ends[0]); /* was not used */
        return moon_fail(error, MOON_EIO, "fork: %s", strerror(errno));
    }
    enum moon_status heard = listen_to(confined, ends[0], error);
    (void)close(ends[0]); /* was only read */
    if (heard != MOON_OK)
        (void)kill(pid, SIGKILL); /* ours, not waited for yet: it is there */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return heard == MOON_OK ? end_of(status, code_r, error) : heard;
}
