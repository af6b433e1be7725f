/* SPDX-License-Identifier: MIT
 *
 * status: names of the return values, the reason text, and what a bug does.
 */
#include "engine/base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool moon_bug_is_fatal;

const char *moon_status_name(enum moon_status status)
{
    switch (status) {
    case MOON_OK:
        return "ok";
    case MOON_ENOMEM:
        return "out of memory";
    case MOON_EBUDGET:
        return "limit reached";
    case MOON_EIO:
        return "input/output error";
    case MOON_ECONF:
        return "configuration error";
    }
    return "unknown status";
}

enum moon_status moon_fail(struct moon_error *error, enum moon_status status, const char *format,
                           ...)
{
    if (error) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(error->text, sizeof error->text, format, args); /* a cut reason is fine */
        va_end(args);
    }
    return status;
}

bool moon_bug(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "moonscan: bug at %s:%d: %s\n", file, line, what);
    if (moon_bug_is_fatal)
        abort();
    return true;
}
