/* SPDX-License-Identifier: MIT
 *
 * scan_case: one message through the whole engine, signed on the spot, against a zone written in
 * the test; the verdict of tenant "acme" is what comes out.
 */
#ifndef MOON_TESTS_SCAN_CASE_H
#define MOON_TESTS_SCAN_CASE_H

#include "engine/verdict/scan.h"

/* One signature; domain NULL: none. The keys are those of tests/support/keys; their records stand
 * in the zone at SELECTOR._domainkey.DOMAIN. */
struct scan_sign {
    const char *domain;
    const char *headers; /* h=, "from:to:subject" by default */
    bool broken;         /* made over another subject */
};

struct scan_case {
    const char *policy; /* text of tenants/acme.lua */
    const char *other;  /* of tenants/other.lua, another recipient's tenant; NULL: none */
    const char *const (*files)[2]; /* more records of the snapshot: key, value; ended by NULL */
    const char *zone;              /* beside the keys */
    const char *fields;            /* of the message, each with its LF; From, To and Subject are
                                      added when they are not there */
    struct scan_sign signs[4];
    const char *mail_from;    /* "" is the null sender; NULL: bulk@shop.example */
    const char *ip;           /* NULL: 192.0.2.7 */
    const char *host;         /* verified name of the client, or NULL */
    const char *hop;          /* the trusted host that relayed it, or NULL */
    const char *tls;          /* cipher, or NULL */
    int days_later;           /* when it is received, after the day of the other cases */
    struct moon_store *store; /* or NULL */
    const char *const *more;  /* recipients beside the one or two, in the order of their tenants,
                                 which stand in `files`; ended by NULL */
    int64_t waited_ms;        /* how long somebody waits for the decision */
};

struct scan_result {
    struct moon_verdict verdict; /* of acme */
    struct moon_outcome outcome;
    struct moon_arena *arena; /* scan_case_end() frees all */
    struct moon_policies *policies;
    struct moon_snapshot *snapshot;
    struct moon_dns_backend *dns;
    const void *bytes; /* of the snapshot */
};

/* Aborts when anything but the policy fails. */
void scan_case_run(const struct scan_case *test, struct scan_result *result_r);
void scan_case_end(struct scan_result *result);

#endif
