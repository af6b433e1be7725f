/* SPDX-License-Identifier: MIT
 *
 * conf: the settings in force, read from the published snapshot. The keys, their types, defaults
 * and descriptions stand once, in the schema table of conf.c: the check of moonscan.lua, `moonscan
 * config`, the manual and this structure are held against it.
 */
#ifndef MOON_BASE_CONF_H
#define MOON_BASE_CONF_H

#include "engine/base/arena.h"
#include "engine/base/conf_store.h"
#include "engine/base/ip.h"
#include "engine/base/snapshot.h"
#include "engine/base/status.h"

enum moon_quarantine {
    MOON_QUARANTINE_NONE = 0, /* not declared: a header and a log line */
    MOON_QUARANTINE_ROUTER,   /* $local_scan_data, for the shipped router and transport */
    MOON_QUARANTINE_HEADER,   /* a field for Sieve or LMTP */
    MOON_QUARANTINE_FREEZE,   /* Exim freezes the message on its queue */
};

enum moon_failure {
    MOON_FAILURE_DEFER = 0,
    MOON_FAILURE_ACCEPT,
    MOON_FAILURE_QUARANTINE,
    MOON_FAILURE_REJECT,
};

struct moon_conf {
    const char *snapshot_hash; /* "built-in" without a snapshot */
    const char *authserv_id;   /* authserv_id; NULL: the host's primary_hostname */
    const char *policy;        /* policy = "standard" | "strict" | "monitor": the built-in layer */
    enum moon_quarantine quarantine; /* quarantine = "none" | "router" | "header" | "freeze" */
    enum moon_failure failure; /* failure = "defer" | "accept" | "quarantine" | "reject"; default:
                                  accept when policy is monitor, else defer */
    struct moon_net *sister_hosts; /* sister_hosts: their Authentication-Results are kept */
    size_t sister_host_count;
    struct moon_net *trusted_hops; /* trusted_hops: their Received fields say who the client was */
    size_t trusted_hop_count;
    const char *const *dns_servers; /* dns.servers; none: resolv.conf */
    size_t dns_server_count;
    int64_t dns_ms;                 /* dns.timeout_ms */
    unsigned dns_questions_max;     /* dns.questions */
    int64_t dns_cache_s;            /* dns.cache_seconds */
    bool dmarc_psl;                 /* dmarc.discovery = "treewalk" | "psl" */
    bool dmarc_compare;             /* dmarc.compare = "yes" | "no" */
    int64_t policy_ms;              /* limits.policy_ms */
    int64_t policy_instructions;    /* limits.policy_instructions */
    int64_t policy_bytes;           /* limits.policy_bytes */
    struct moon_conf_store store;   /* store; its texts are terminated */
    int64_t store_ms;               /* store_timeout_ms */
    const char *store_password;     /* store_password_file, or NULL */
    const char *log_path;           /* log.path */
    const char *log_service_path;   /* log.service_path */
    const char *const *log_headers; /* log.headers */
    size_t log_header_count;
};

/* Defaults. Everything is in the arena. */
enum moon_status moon_conf_default(struct moon_arena *arena, struct moon_conf *conf_r);
/* From the snapshot's "conf/<key>" records; a key that is missing has its default. MOON_ECONF names
 * the key that cannot be read. `snapshot` NULL: defaults. */
enum moon_status moon_conf_load(struct moon_arena *arena, const struct moon_snapshot *snapshot,
                                struct moon_conf *conf_r, struct moon_error *error);

/* The schema, for the checker, the printer and the manual. */
enum moon_conf_type {
    MOON_CONF_TYPE_STRING,  /* canonical text: the string */
    MOON_CONF_TYPE_CHOICE,  /* one of `choices`, separated by '|' */
    MOON_CONF_TYPE_INT,     /* decimal, min..max */
    MOON_CONF_TYPE_STRINGS, /* lines */
    MOON_CONF_TYPE_NETS,    /* lines, each a network */
};
struct moon_conf_key {
    const char *name; /* dotted: "dns.timeout_ms" */
    enum moon_conf_type type;
    const char *choices;
    int64_t min, max;
    const char *fallback; /* default, canonical; "" for none */
    const char *about;    /* one sentence */
};
extern const struct moon_conf_key moon_conf_keys[];
extern const size_t moon_conf_key_count;
const struct moon_conf_key *moon_conf_key_find(struct moon_span name);
/* The known key nearest to a misspelt one, or NULL when none is near. */
const char *moon_conf_key_nearest(struct moon_span name);
/* Is `value` (canonical text) valid for the key? *error says what would be. */
enum moon_status moon_conf_value_check(const struct moon_conf_key *key, struct moon_span value,
                                       struct moon_error *error);

#endif
