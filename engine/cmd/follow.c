/* SPDX-License-Identifier: MIT
 *
 * follow: see the header. One component after the other, each opened from the folder before it, so
 * that nothing can be exchanged between looking and opening.
 */
#include "engine/cmd/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/buf.h"

#define NAME_BYTES 256u /* NAME_MAX and the terminator */

/* May links in this folder be followed? */
static bool is_trusted(int folder)
{
    struct stat st;
    return fstat(folder, &st) == 0 && (st.st_uid == 0 || st.st_uid == geteuid()) &&
           (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The component as a place, not yet readable; -1 with errno, ELOOP: a link that is not followed. */
static int step(int folder, const char *name)
{
    struct stat st;
    int place = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (place < 0 || fstat(place, &st) != 0 || !S_ISLNK(st.st_mode))
        return place;
    (void)close(place); /* was only looked at */
    if (!is_trusted(folder)) {
        errno = ELOOP;
        return -1;
    }
    return openat(folder, name, O_PATH | O_CLOEXEC);
}

int moon_follow_open(const char *base, const char *path, const char **why_r)
{
    struct moon_buf buf = moon_buf_of(moon_span_of(path));
    int at = open(base, O_PATH | O_CLOEXEC);

    while (at >= 0 && !moon_buf_at_end(&buf)) {
        char name[NAME_BYTES];
        struct moon_span part = moon_buf_until(&buf, '/');
        (void)moon_buf_skip(&buf, '/'); /* not there behind the last part */
        if (part.n == 0)
            continue;
        int next = -1;
        errno = ENAMETOOLONG;
        if (part.n < sizeof name) {
            memcpy(name, part.p, part.n);
            name[part.n] = '\0';
            next = step(at, name);
        }
        int error = errno;
        (void)close(at); /* a place only */
        errno = error;
        at = next;
    }
    int fd = -1;
    if (at >= 0) {
        char self[64];
        (void)snprintf(self, sizeof self, "/proc/self/fd/%d", at); /* fits */
        fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        int error = errno;
        (void)close(at); /* a place only */
        errno = error;
    }
    if (fd < 0)
        *why_r =
            errno == ENOENT ? NULL
            : errno == ELOOP
                ? "a link in a folder that others may write is not followed; put the file there"
                : strerror(errno);
    return fd;
}
