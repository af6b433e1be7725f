/* SPDX-License-Identifier: MIT
 *
 * sig: one signature field (RFC 6376 section 3.5) as checked data. The core is shared: DKIM uses it
 * as the gate before libopendkim, tests use it as a second opinion, ARC verifies with it. Whatever
 * is wrong with a field is kept as a result with a reason; what could be read stays readable.
 */
#ifndef MOON_AUTH_SIG_H
#define MOON_AUTH_SIG_H

#include "engine/auth/results.h"
#include "engine/auth/sig_canon.h"
#include "engine/message/tags.h"

enum moon_sig_algorithm {
    MOON_SIG_ALGORITHM_NONE = 0, /* unknown, or not acceptable */
    MOON_SIG_ALGORITHM_RSA_SHA256,
    MOON_SIG_ALGORITHM_ED25519_SHA256,
};

/* Which field it is: RFC 8617 section 4.1 changes some tags. */
enum moon_sig_kind {
    MOON_SIG_KIND_DKIM = 0,
    MOON_SIG_KIND_ARC_MESSAGE, /* no v=; i= is the instance; h= need not name From */
    MOON_SIG_KIND_ARC_SEAL,    /* of these only a=, b=, d=, s=, t=; i= and cv=; h= is forbidden */
};

/* One name of h=. */
struct moon_sig_name {
    const char *name;    /* lower case */
    unsigned occurrence; /* 0 for the first time it is listed, 1 for the second, ... */
};

struct moon_sig {
    enum moon_sig_kind kind;
    const struct moon_field *field; /* borrowed */
    struct moon_tags tags;          /* count 0 when the list is invalid */
    enum moon_result result;        /* NONE: nothing is wrong so far; else why it is refused */
    const char *reason;             /* goes with `result`; "" */
    enum moon_sig_algorithm algorithm;
    const char *algorithm_text;                   /* a= as written, or NULL */
    enum moon_sig_canon header_canon, body_canon; /* c=; of a seal not used */
    const char *domain;          /* d=, normalized (A-labels); NULL when there is none */
    const char *selector;        /* s=, normalized */
    const char *key_name;        /* selector._domainkey.domain, or NULL */
    const char *identity;        /* i= decoded, "@domain" when absent */
    const char *identity_domain; /* normalized; within `domain` unless refused */
    unsigned instance;           /* i= of ARC, 1 to 50; 0: none that is valid */
    int64_t body_length, signed_at_s, expires_s; /* l=, t=, x=, or -1 */
    struct moon_sig_name *names;                 /* h= without empty elements */
    size_t name_count;
    struct moon_span body_hash, signature; /* bh=, b=, decoded */
    const char *signature_start;           /* first 8 characters of b= (RFC 6008), or NULL */
};

/* Reads the DKIM-Signature `field` and checks all that can be checked without key and message;
 * `now_s` (seconds since 1970) is held against t= and x=. A signature that is wrong is no failure:
 * see result. MOON_ENOMEM is the only one. The field must outlive *sig_r. */
enum moon_status moon_sig_parse(struct moon_arena *arena, const struct moon_field *field,
                                int64_t now_s, struct moon_sig *sig_r);

/* The same for a field of any kind. */
enum moon_status moon_sig_parse_kind(struct moon_arena *arena, const struct moon_field *field,
                                     enum moon_sig_kind kind, int64_t now_s,
                                     struct moon_sig *sig_r);

/* Notes a reason to refuse; the first one stays. `reason` must live as long as the signature. */
void moon_sig_refuse(struct moon_sig *sig, enum moon_result result, const char *reason);

/* Raw text of the field with the value of b= taken out (RFC 6376 section 3.7), in the arena. False
 * without memory or without b=. */
bool moon_sig_unsigned_text(struct moon_arena *arena, const struct moon_sig *sig,
                            struct moon_span *text_r);

/* Bytes of i=: an address is not longer (RFC 5321 section 4.5.3.1.3). */
#define MOON_SIG_IDENTITY_MAX 254u
/* Seconds that clocks may differ. */
#define MOON_SIG_DRIFT_S 300

#endif
