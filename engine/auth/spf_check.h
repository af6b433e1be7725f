/* SPDX-License-Identifier: MIT
 *
 * spf_check: what one check_host() of RFC 7208 is made of, without the walk over the terms:
 * fetching records, target names, the limits, and the questions behind each mechanism. The walk
 * (libspf2's in spf_libspf2.c) decides in which order these are called. Internal to the SPF files.
 */
#ifndef MOON_AUTH_SPF_CHECK_H
#define MOON_AUTH_SPF_CHECK_H

#include "engine/auth/results.h"
#include "engine/auth/spf.h"
#include "engine/auth/spf_macro.h"
#include "engine/auth/spf_record.h"

/* A record and the <domain> it was found at: what its terms mean depends on both. */
struct moon_spf_scope {
    struct moon_spf_target at; /* its text is %{d}; terms without a domain-spec mean it too */
    struct moon_spf_record record;
};

struct moon_spf_check {
    struct moon_arena *arena;
    struct moon_dns *dns;
    struct moon_spf_vars vars;
    const char *identity; /* the <domain> of the first record, normalized */
    unsigned lookups, voids;
    /* Set by the first call that ended the check: the walk unwinds and this is the result. */
    bool stopped;
    enum moon_result stop_result;
    const char *stop_reason;
    enum moon_status status; /* MOON_ENOMEM, MOON_EIO: there is no result at all */
};

/* The identity of a query: MAIL FROM (postmaster@HELO for the null sender), or HELO. *reason_r is
 * why there is none to check (then check_r->identity is NULL), else NULL. `dns` may be NULL for
 * callers that ask nothing. MOON_ENOMEM is the only failure. */
enum moon_status moon_spf_check_begin(struct moon_spf_check *check_r, struct moon_arena *arena,
                                      struct moon_dns *dns, const struct moon_spf_query *query,
                                      bool helo, const char **reason_r);

/* Ends the check; the first call counts. */
void moon_spf_check_stop(struct moon_spf_check *check, enum moon_result result, const char *format,
                         ...) __attribute__((format(printf, 3, 4)));
void moon_spf_check_fail(struct moon_spf_check *check, enum moon_status status);

/* RFC 7208 sections 4.3 to 4.5. NULL: no record (then *none_r is true), or stopped. */
struct moon_spf_scope *moon_spf_check_fetch(struct moon_spf_check *check,
                                            const struct moon_spf_target *at, bool *none_r);

/* The single record among TXT answers; *count_r tells how many there are. */
struct moon_span moon_spf_select(const struct moon_dns_answer *answer, unsigned *count_r);

/* One more term that asks DNS; false when that was the eleventh, and the check is stopped. */
bool moon_spf_check_charge(struct moon_spf_check *check);

/* RFC 8616 section 4: with a local part that is not ASCII, terms that use %{s} or %{l} never match.
 */
bool moon_spf_term_is_mute(const struct moon_spf_vars *vars, const struct moon_spf_term *term);

/* The target name of a term of `scope`. False when stopped. */
bool moon_spf_check_target(struct moon_spf_check *check, const struct moon_spf_scope *scope,
                           const struct moon_spf_term *term, struct moon_spf_target *target_r);

/* Asks for a mechanism: trouble stops the check with temperror; the third void answer with
 * permerror. `name` NULL is a name that cannot exist. NULL when stopped; an answer without records
 * otherwise when there is nothing. */
const struct moon_dns_answer *moon_spf_check_ask(struct moon_spf_check *check, const char *name,
                                                 enum moon_dns_type type);
/* A or AAAA: the type that can match the client. */
enum moon_dns_type moon_spf_ip_type(const struct moon_ip *client);

/* RFC 7208 section 5.5: is a validated name of the client the target, or below it? */
bool moon_spf_check_ptr(struct moon_spf_check *check, const struct moon_spf_target *target);
/* The name of the reverse zone of an address. NULL without memory. */
const char *moon_spf_reverse_name(struct moon_arena *arena, const struct moon_ip *ip);

/* RFC 7208 section 6.2: the explanation of `scope`, or NULL. Never counts, never stops. */
const char *moon_spf_check_explain(struct moon_spf_check *check,
                                   const struct moon_spf_scope *scope);

#endif
