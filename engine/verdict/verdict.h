/* SPDX-License-Identifier: MIT
 *
 * verdict: what one tenant's policy decided; and the merging of several into one decision (rule 4
 * of docs/policy-api.md).
 */
#ifndef MOON_VERDICT_VERDICT_H
#define MOON_VERDICT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"

enum moon_verdict_kind {
    MOON_VERDICT_NONE = 0, /* no opinion: the layer below decides */
    MOON_VERDICT_ACCEPT,
    MOON_VERDICT_QUARANTINE,
    MOON_VERDICT_REJECT,
    MOON_VERDICT_DEFER,
    MOON_VERDICT_DISCARD,
};
/* "none", "accept", ...; the other way round answers false for an unknown word. */
const char *moon_verdict_name(enum moon_verdict_kind kind);
bool moon_verdict_of_name(const char *name, enum moon_verdict_kind *kind_r);

/* The entry of a list that a verdict overrides DMARC by. */
struct moon_entry_ref {
    const char *list;  /* "tenants/lists/forwarders.lua" */
    int line;          /* of the entry there; 0: not known */
    const char *entry; /* its name */
    const char *by;    /* what holds: "dkim=lists.example networks=192.0.2.0/24"; "" when the policy
                          named an entry that does not hold */
};

struct moon_verdict {
    enum moon_verdict_kind kind;
    const char *esc;      /* enhanced status code, "5.7.1"; NULL: by kind */
    const char *text;     /* for the SMTP client, lines separated by \n; NULL: by kind */
    const char *override; /* RFC 9990 policy override type, or NULL */
    const char *comment;  /* with the override, or NULL */
    const struct moon_entry_ref *via; /* with the override, or NULL */
    const char *tag;                  /* Subject prefix, or NULL */
    const char *reason;               /* for the log, or NULL */
    const char *const *headers;       /* "Name: value" to add, sanitized */
    size_t header_count;
    const char *rule;  /* where it was decided: "tenants/acme.lua:12" or "built-in:standard" */
    const char *layer; /* "locked", "recipient", "tenant", "site", "built-in", "failure" */
    const char *const *facts; /* names of the facts read, in order: "dmarc.result", ... */
    size_t fact_count;
    const char *failure; /* the policy failed: what, with file:line and the limit; or NULL */
};

struct moon_conf;
/* The declared failure verdict; whoever takes it says in `failure` what failed. */
struct moon_verdict moon_verdict_failed(const struct moon_conf *conf);

#endif
