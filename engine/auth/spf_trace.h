/* SPDX-License-Identifier: MIT
 *
 * spf_trace: what a walk over SPF terms did, step by step, told by whoever sees each term first.
 * It only listens: it asks nothing, charges nothing, and changes nothing of the check. Internal to
 * the SPF files.
 */
#ifndef MOON_AUTH_SPF_TRACE_H
#define MOON_AUTH_SPF_TRACE_H

#include "engine/auth/spf_check.h"
#include "engine/base/limits.h"

/* A record that is being walked. */
struct moon_spf_trace_frame {
    const struct moon_spf_scope *scope;
    struct moon_spf_step *by;   /* the include or redirect that led here; NULL: the first record */
    enum moon_result qualifier; /* of `by`, what its match means for the record it stands in */
    size_t next;                /* the first mechanism not yet listed */
    bool decided;
    enum moon_result result; /* neutral until decided (RFC 7208 section 4.7) */
};

struct moon_spf_trace {
    const struct moon_spf_check *check;
    struct moon_spf_step *steps;
    size_t count;
    struct moon_spf_step *last; /* the step going on; NULL: none, or there was no room for it */
    const struct moon_spf_term *term; /* of `last` */
    unsigned voids;                   /* of the check when it began */
    /* Each include or redirect is charged before it leads anywhere. */
    struct moon_spf_trace_frame frames[MOON_SPF_TERMS_MAX + 1];
    size_t depth; /* frames in use */
};

/* False without memory: then the check has failed. */
bool moon_spf_trace_begin(struct moon_spf_trace *trace_r, struct moon_spf_check *check,
                          const struct moon_spf_scope *scope);
/* Before a term is charged: it is evaluated now, and what went before it is over. */
void moon_spf_trace_term(struct moon_spf_trace *trace, const struct moon_spf_scope *scope,
                         const struct moon_spf_term *term);
/* That term matches. */
void moon_spf_trace_match(struct moon_spf_trace *trace);
/* That term, include or redirect, leads to this record. */
void moon_spf_trace_enter(struct moon_spf_trace *trace, const struct moon_spf_scope *scope);
/* The walk is over, or was stopped: then the steps it was at say so. */
void moon_spf_trace_end(struct moon_spf_trace *trace);

#endif
