/* SPDX-License-Identifier: MIT
 *
 * filter_make: a program of the build's. It prints moon_filters[] as C, what libseccomp makes of
 * the rules below for the machine that it runs on. Its own main; no part of moonscan.
 *
 * Procedure: (1) rules of one filter, (2) its code as libseccomp writes it to a file, (3) that as
 * an array; for each of the four.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <net/if.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "engine/base/limits.h"
#include "engine/cmd/filter.h"

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
                              SCMP_A0(SCMP_CMP_EQ, MOON_FILTER_OWN_PID, 0));
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
static int add_store_rules(scmp_filter_ctx filter, bool store)
{
    static const unsigned long locks[] = {F_SETLK, F_GETLK};
    const scmp_datum_t fd = store ? MOON_STORE_FD : MOON_DESCRIPTORS;
    int rc =
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(close), 1, SCMP_A0(SCMP_CMP_LT, fd, 0));

    for (size_t i = 0; rc == 0 && store && i < sizeof locks / sizeof *locks; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 2,
                              SCMP_A0(SCMP_CMP_EQ, fd, 0), SCMP_A1(SCMP_CMP_EQ, locks[i], 0));
    if (rc == 0 && store)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(pwrite64), 0);
    return rc;
}

/* Steps 1 and 2; the number of instructions, or 0 after a line that says what is wrong. A tree
 * instead of a list: the kernel goes through it for each call that there is, when it is loaded. */
static size_t make(bool accepts, bool store, struct sock_filter code_r[MOON_FILTER_MAX + 1])
{
    FILE *file = tmpfile();
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc = file && filter ? seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) : -ENOMEM;
    size_t n = 0;

    if (rc == 0)
        rc = add_rules(filter, accepts);
    if (rc == 0)
        rc = add_store_rules(filter, store);
    if (rc == 0)
        rc = seccomp_export_bpf(filter, fileno(file));
    if (rc == 0) {
        rewind(file);
        n = fread(code_r, sizeof *code_r, MOON_FILTER_MAX + 1, file);
    }
    if (n == 0 || n > MOON_FILTER_MAX)
        (void)fprintf(stderr, "filter_make: %s\n", rc ? strerror(-rc) : "not a filter of ours");
    if (filter)
        seccomp_release(filter);
    if (file)
        (void)fclose(file); /* was only read */
    return n > MOON_FILTER_MAX ? 0 : n;
}

int main(void)
{
    static struct sock_filter code[MOON_FILTER_MAX + 1];
    size_t lengths[2][2];

    printf("#include \"engine/cmd/filter.h\"\n");
    for (int accepts = 0; accepts < 2; accepts++) {
        for (int store = 0; store < 2; store++) {
            size_t n = lengths[accepts][store] = make(accepts, store, code);
            if (n == 0)
                return EXIT_FAILURE;
            printf("static const struct sock_filter code_%d%d[] = {\n", accepts, store);
            for (size_t i = 0; i < n; i++) /* step 3 */
                printf("{0x%x, %u, %u, 0x%xu},\n", code[i].code, code[i].jt, code[i].jf, code[i].k);
            printf("};\n");
        }
    }
    printf("const struct moon_filter moon_filters[2][2] = {\n"
           "{{code_00, %zu}, {code_01, %zu}}, {{code_10, %zu}, {code_11, %zu}}};\n",
           lengths[0][0], lengths[0][1], lengths[1][0], lengths[1][1]);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
