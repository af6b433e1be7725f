/* SPDX-License-Identifier: MIT
 *
 * dmarc_case: one DMARC evaluation against a zone written in the test.
 */
#ifndef TESTS_SUPPORT_DMARC_CASE_H
#define TESTS_SUPPORT_DMARC_CASE_H

#include "engine/auth/dmarc.h"

struct dmarc_case {
    const char *zone;
    const char *author;  /* NULL: none, reason "several" */
    const char *spf;     /* "pass example.com"; NULL: none */
    const char *dkim[8]; /* "fail example.com", ...; ended by NULL */
    bool psl;
    unsigned pct_draw;
    unsigned questions_max; /* 0: the default */
    size_t arena_left;      /* bytes that the evaluation may take from the arena; 0: as many as it
                               likes, and SIZE_MAX: none */
};

/* What came of it: "fail policy=reject tag=p at=example.com org=example.com", with "-" for what is
 * not there; then " spf" and " dkim" when such an identifier is aligned and passed. */
struct dmarc_outcome {
    struct moon_arena *arena; /* dmarc_case_end() frees it */
    struct moon_dns_backend *backend;
    struct moon_dns *dns;
    struct moon_results results;
    const char *text;
    enum moon_status status;
};
/* Fails the test when the zone cannot be read. fail_at: as moon_arena_fail_at, for the evaluation
 * only; 0: never. */
void dmarc_case_run(const struct dmarc_case *test, size_t fail_at, struct dmarc_outcome *out);
void dmarc_case_end(struct dmarc_outcome *out);

/* Runs it and compares `text`. */
void dmarc_case_check(const struct dmarc_case *test, const char *want);
struct dmarc_row {
    struct dmarc_case test;
    const char *want;
};
void dmarc_case_check_rows(const struct dmarc_row *rows, size_t count);

#endif
