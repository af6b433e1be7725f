/* SPDX-License-Identifier: MIT
 *
 * status: what went wrong on our side. Results of a check (fail, temperror, ...) are data and live
 * in auth/results.h; a status is a return value; a bug stops the tests and ends in the failure
 * verdict in production.
 */
#ifndef MOON_BASE_STATUS_H
#define MOON_BASE_STATUS_H

#include <stdbool.h>

enum moon_status {
    MOON_OK = 0,
    MOON_ENOMEM,  /* an allocation failed, or the arena's cap is reached */
    MOON_EBUDGET, /* a limit of base/limits.h or a deadline was reached */
    MOON_EIO,     /* a system call failed, or bytes are not in the agreed format */
    MOON_ECONF,   /* the configuration or a policy is wrong */
};

/* The reason that goes with a status: one line, no newline at the end, always terminated. */
struct moon_error {
    char text[512];
};

/* A constant, never NULL: "ok", "out of memory", ... */
const char *moon_status_name(enum moon_status status);

/* Writes the reason; cuts what does not fit. `error` may be NULL. Returns `status`, so that
 * `return moon_fail(error, MOON_EIO, "...")` reads as one step. */
enum moon_status moon_fail(struct moon_error *error, enum moon_status status, const char *format,
                           ...) __attribute__((format(printf, 3, 4)));

/* True when `cond` holds, which it never should: says where on standard error, aborts when
 * moon_bug_is_fatal (tests), otherwise lets the caller end in the failure verdict. */
#define MOON_BUG(cond) (__builtin_expect(!!(cond), 0) && moon_bug(__FILE__, __LINE__, #cond))
bool moon_bug(const char *file, int line, const char *what);
extern bool moon_bug_is_fatal;

#endif
