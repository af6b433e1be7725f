/* SPDX-License-Identifier: MIT
 *
 * confine: descriptors, limits and the seccomp filter of a worker. What the filter allows stands in
 * filter_make.c.
 */
#include "engine/cmd/confine.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/cmd/filter.h"
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

enum moon_status moon_confine_filter(bool accepts, int store_fd, struct moon_error *error)
{
    const struct moon_filter *filter = &moon_filters[accepts][store_fd >= 0];
    struct sock_filter code[MOON_FILTER_MAX];

    if (MOON_SANITIZED)
        return MOON_OK; /* the sanitizers' own calls are not on the list */
    if (MOON_BUG(store_fd >= 0 && store_fd != MOON_STORE_FD))
        return moon_fail(error, MOON_EIO, "seccomp: no filter for descriptor %d", store_fd);
    memcpy(code, filter->code, filter->length * sizeof *code);
    for (size_t i = 0; i < filter->length; i++)
        if (code[i].k == MOON_FILTER_OWN_PID)
            code[i].k = (uint32_t)getpid();
    const struct sock_fprog program = {filter->length, code};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        return moon_fail(error, MOON_EIO, "seccomp: %s", strerror(errno));
    return MOON_OK;
}
