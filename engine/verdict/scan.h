/* SPDX-License-Identifier: MIT
 *
 * scan: one message through the whole engine. Knows when, never how: prefetch, SPF, DKIM, ARC,
 * DMARC, seal, every tenant's policy, merge, decision. Used alike by the worker and the command
 * line, so that the two cannot differ.
 */
#ifndef MOON_VERDICT_SCAN_H
#define MOON_VERDICT_SCAN_H

#include "engine/verdict/asks.h"
#include "engine/verdict/policy.h"

/* Which version of its files decides for a tenant. */
enum moon_version {
    MOON_VERSION_BY_MODE = 0, /* as tenants.lua says (modes.h) */
    MOON_VERSION_LIVE,        /* tests of policies: this one and no other beside it */
    MOON_VERSION_NEXT,
};

/* What outlives a message. All borrowed. */
struct moon_engine {
    const struct moon_conf *conf;
    const struct moon_snapshot *snapshot; /* or NULL */
    struct moon_dns_backend *dns;
    struct moon_policies *policies;
    struct moon_store *store; /* or NULL: counts have no answer */
    enum moon_version version;
};

/* What becomes of one tenant's recipients when the message is taken. */
enum moon_fate { MOON_FATE_DELIVER, MOON_FATE_QUARANTINE, MOON_FATE_DISCARD };
const char *moon_fate_name(enum moon_fate fate); /* "deliver", "quarantine", "discard" */

/* What the next version of a tenant's policies would have decided. */
struct moon_shadow {
    struct moon_verdict verdict; /* kind, esc, override, rule, layer and failure only */
    bool kind_differs, esc_differs, override_differs, layer_differs; /* from what decided */
    const char *skipped; /* it was not asked: why; or NULL */
};

struct moon_tenant_verdict {
    const char *tenant; /* "" for recipients of no tenant */
    size_t *recipients; /* indices into msg->recipients */
    size_t recipient_count;
    struct moon_verdict verdict;
    enum moon_fate fate;    /* meaningful when the message is taken */
    bool by_split;          /* quarantined only because another tenant takes the message */
    struct moon_asks *asks; /* what its policies asked, for the record; NULL: nothing */
    struct moon_tenant_conf conf;
    bool dry_run;                     /* the message is treated as if the verdict were accept */
    bool next;                        /* the next version decided (canary) */
    const struct moon_shadow *shadow; /* or NULL: nothing ran beside it */
};

enum moon_action {
    MOON_ACTION_ACCEPT = 1,
    MOON_ACTION_REJECT,
    MOON_ACTION_DEFER,
    MOON_ACTION_FREEZE,
};
const char *moon_action_name(enum moon_action action); /* "accept", ... */

struct moon_added_field {
    bool top; /* above everything; else behind the last field */
    const char *text;
};

/* The decision: what Exim is told, and why. In the message's arena. */
struct moon_outcome {
    struct moon_results results;
    struct moon_tenant_verdict *tenants;
    size_t tenant_count;
    enum moon_action action;
    bool split;
    const char *reply; /* for reject and defer: lines, each starting with its enhanced code */
    const char *data;  /* for $local_scan_data: configured names and fixed words only */
    const char *log;   /* one line for Exim's main log */
    struct moon_added_field *added;
    size_t added_count;
    uint32_t *removed_fields; /* moon_field.index */
    size_t removed_field_count;
    uint32_t *removed_recipients; /* indices into msg->recipients */
    size_t removed_recipient_count;
    const char *notes;    /* things an operator should know (an unknown tenant, ...), or NULL */
    const char *dns_late; /* what DNS left unanswered when its time was over, or NULL */
    struct moon_dns *dns; /* the answers, as evidence for the record; ended by moon_outcome_end */
};

/* MOON_ENOMEM, MOON_EIO (body unreadable): the caller then answers the failure verdict. */
enum moon_status moon_scan(const struct moon_engine *engine, struct moon_arena *arena,
                           struct moon_message *msg, struct moon_outcome *outcome_r,
                           struct moon_error *error);
/* Ends what the outcome holds beside the arena (DNS). */
void moon_outcome_end(struct moon_outcome *outcome);

#endif
