/* SPDX-License-Identifier: MIT
 *
 * tests: the tests that a policy file brings (`policy.tests`), read into C. What their keys mean
 * stands in docs/policy-api.md; how they are run, in engine/trial.
 */
#ifndef MOON_LUA_TESTS_H
#define MOON_LUA_TESTS_H

#include "engine/verdict/policy.h"

/* What is not said is NULL, a negative number, or false. */
struct moon_test_sign {
    const char *domain, *selector, *algorithm, *canon, *headers, *identity;
    int64_t length, signed_at_s, expires_s;
    bool broken;      /* the signature does not verify */
    bool unpublished; /* its key is not put into the zone */
    bool late;        /* signed behind `changed` */
};

struct moon_test_seal {
    const char *domain, *selector, *algorithm, *results, *cv;
    bool broken, unpublished;
};

struct moon_test_texts {
    const char **text;
    size_t count;
    bool none; /* false was said, or {}, where that means something */
};

/* What somebody on the way did to the message after it was signed. */
struct moon_test_changed {
    const char *subject, *from, *append;
    struct moon_test_texts headers; /* put on top */
};

struct moon_test_message {
    const char *file;                            /* then nothing else but sign and seal */
    const char *from, *to, *subject, *date, *id; /* "": no such field */
    const char *body;                            /* line ends of any kind */
    struct moon_test_texts headers;              /* "Name: value" */
    struct moon_test_changed changed;
    struct moon_test_sign *sign;
    size_t sign_count;
    struct moon_test_seal *seal;
    size_t seal_count;
};

struct moon_test_expect {
    const char *verdict, *action, *esc, *override, *layer; /* equal */
    const char *text, *reason, *comment, *rule, *failure;  /* contained */
    const char *tag;                      /* of these and of those that are equal "" is: none */
    const char *spf, *dkim, *dmarc, *arc; /* results */
    struct moon_test_texts headers;       /* each contained in a field that is added */
};

struct moon_test {
    const char *name;
    int line;            /* of the file, as well as it can be told */
    const char *mistake; /* "file:line: what", or NULL; the rest is not to be used then */
    const char *zone;    /* text, or the name of a file when it has no white space */
    const char *ip, *helo, *hostname, *mail_from, *tls, *authenticated, *interface_ip, *tenant;
    struct moon_test_texts rcpt;
    struct moon_test_texts earlier; /* "5h": the same message also came so long before */
    bool no_store;                  /* nothing can be counted */
    int64_t now_s;
    struct moon_test_message message;
    struct moon_test_expect expect;
};

struct moon_tests {
    struct moon_test *test;
    size_t count;
    /* Given by the caller. */
    struct moon_arena *arena;
    struct moon_span source;
    const char *path;
};

/* Runs the file and reads its tests; a file without any gives none. `source` is its text, for
 * lines. Mistakes inside one test stand there; MOON_ECONF is one of the file or of the table, with
 * "file:line: what". MOON_ENOMEM. Everything is in the arena. */
enum moon_status moon_policies_tests(struct moon_policies *policies, struct moon_arena *arena,
                                     const char *path, struct moon_span source,
                                     struct moon_tests *tests_r, struct moon_error *error);

/* Seconds of "30s", "15m", "5h" or "2d"; false when it is none of these. */
bool moon_test_span(struct moon_span text, int64_t *seconds_r);
/* Seconds since 1970 of "2026-01-31" or "2026-01-31T12:00:00Z"; false when it is neither. */
bool moon_test_time(struct moon_span text, int64_t *seconds_r);

#endif
