/* SPDX-License-Identifier: MIT
 *
 * confine: descriptors, limits and the seccomp allow-list of a worker (libseccomp).
 */
#include "engine/cmd/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/cmd/sanitized.h"

/* Address space: the libraries map about 60 MB, a message at most MOON_ARENA_BYTES_MAX and the
 * policy its own; CPU is a last resort behind the alarm of each message. */
#define ADDRESS_SPACE_BYTES (768ul * 1024 * 1024)
#define CPU_S               3600ul

enum moon_status moon_confine_start(int keep_fd, size_t room, struct moon_error *error)
{
    const struct {
        enum __rlimit_resource resource;
        rlim_t value;
    } limits[] = {
        {RLIMIT_CORE, 0},
        {RLIMIT_CPU, CPU_S},
        {RLIMIT_NOFILE, MOON_DESCRIPTORS},
        {RLIMIT_AS,
         MOON_SANITIZED ? RLIM_INFINITY : ADDRESS_SPACE_BYTES + room}, /* shadow memory is huge */
    };

    if (close_range((unsigned)keep_fd + 1, ~0u, 0) != 0)
        return moon_fail(error, MOON_EIO, "close_range: %s", strerror(errno));
    (void)umask(007); /* files have modes of their own; cannot fail */
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rlimit limit;
        if (getrlimit(limits[i].resource, &limit) != 0)
            return moon_fail(error, MOON_EIO, "getrlimit: %s", strerror(errno));
        if (limit.rlim_max > limits[i].value)
            limit.rlim_max = limits[i].value;
        if (limit.rlim_cur > limit.rlim_max)
            limit.rlim_cur = limit.rlim_max;
        if (setrlimit(limits[i].resource, &limit) != 0)
            return moon_fail(error, MOON_EIO, "setrlimit: %s", strerror(errno));
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) != 0)
        return moon_fail(error, MOON_EIO, "prctl: %s", strerror(errno));
    return MOON_OK;
}

/* By need: memory; files (settings of the resolver, the log, the body); DNS and the module's
 * socket; time and signals; facts about ourselves that libc and libspf2 ask for; the end. */
static const int allowed[] = {
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(openat),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(lseek),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(stat),
    SCMP_SYS(open),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(shutdown),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(alarm),
    SCMP_SYS(setitimer),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(futex),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(sched_yield),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* Commands of fcntl and ioctl that libc and c-ares need. Not those that name the process which is
 * to get signals, nor locks: Exim's processes are the same user's. */
static const struct {
    int call;
    unsigned long command;
} commands[] = {
    {SCMP_SYS(fcntl), F_GETFD},         {SCMP_SYS(fcntl), F_SETFD},
    {SCMP_SYS(fcntl), F_GETFL},         {SCMP_SYS(fcntl), F_SETFL},
    {SCMP_SYS(fcntl), F_DUPFD_CLOEXEC}, {SCMP_SYS(ioctl), TCGETS},
    {SCMP_SYS(ioctl), FIONREAD},        {SCMP_SYS(ioctl), FIONBIO},
    {SCMP_SYS(ioctl), SIOCGIFINDEX},
};

/* Of a worker that takes connections itself. */
static const int accepting[] = {SCMP_SYS(accept4), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait)};

static int add_rules(scmp_filter_ctx filter, bool accepts)
{
    int rc = 0;

    for (size_t i = 0; accepts && rc == 0 && i < sizeof accepting / sizeof *accepting; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, accepting[i], 0);
    for (size_t i = 0; rc == 0 && i < sizeof commands / sizeof *commands; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, commands[i].call, 1,
                              SCMP_A1(SCMP_CMP_EQ, commands[i].command, 0));
    /* Signals (abort) and limits: our own only. */
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                              SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
                              SCMP_A0(SCMP_CMP_EQ, 0, 0));
    for (size_t i = 0; rc == 0 && i < sizeof allowed / sizeof *allowed; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    /* Memory, but never memory that can be executed. */
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    /* Sockets of IP only: no netlink, no packet, no Unix socket to other services. */
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                              SCMP_A0(SCMP_CMP_EQ, AF_INET, 0));
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                              SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0));
    return rc;
}

/* SQLite's locks, on one descriptor. Nobody can put another file there: it is never closed, and
 * calls that take the number of a new descriptor are not on the list (F_DUPFD_CLOEXEC takes a free
 * one). It is the last that the limit allows, so that all others can be told by being less: the
 * kernel looks at half of the register, and a comparison for "other than" could be led astray. */
static int add_store_rules(scmp_filter_ctx filter, int store_fd)
{
    static const unsigned long locks[] = {F_SETLK, F_GETLK};
    scmp_datum_t fd = store_fd < 0 ? (scmp_datum_t)MOON_DESCRIPTORS : (scmp_datum_t)store_fd;
    int rc =
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(close), 1, SCMP_A0(SCMP_CMP_LT, fd, 0));

    for (size_t i = 0; rc == 0 && store_fd >= 0 && i < sizeof locks / sizeof *locks; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 2,
                              SCMP_A0(SCMP_CMP_EQ, fd, 0), SCMP_A1(SCMP_CMP_EQ, locks[i], 0));
    if (rc == 0 && store_fd >= 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(pwrite64), 0);
    return rc;
}

enum moon_status moon_confine_filter(bool accepts, int store_fd, struct moon_error *error)
{
    enum moon_status status = MOON_OK;

    if (MOON_SANITIZED)
        return MOON_OK; /* the sanitizers' own calls are not on the list */
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return moon_fail(error, MOON_EIO, "seccomp: no filter");
    int rc = add_rules(filter, accepts);
    if (rc == 0)
        rc = add_store_rules(filter, store_fd);
    if (rc == 0)
        rc = seccomp_load(filter);
    if (rc != 0)
        status = moon_fail(error, MOON_EIO, "seccomp: %s", strerror(-rc));
    seccomp_release(filter);
    return status;
}
