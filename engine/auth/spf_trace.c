/* SPDX-License-Identifier: MIT
 *
 * spf_trace: the tree of a check_host() (RFC 7208 section 4.6) as a list of steps with depths.
 *
 *   1. a term of the record on top: what is between it and the last one listed are addresses that
 *      do not hold the client, which the walk never sees: a run of them is one step,
 *   2. a term of a record below: the records above it are over; each tells its include or redirect
 *      what it came to (sections 5.2 and 6.1),
 *   3. the end does that for all, or marks where the check was stopped, up to the first record.
 *
 * The limits of section 4.6.4 keep the list short: eleven terms that ask, in at most eleven records
 * with one final term each, and a run of addresses in front of each of these.
 */
#include "engine/auth/spf_trace.h"

_Static_assert(MOON_SPF_STEPS_MAX >= 2 * (2 * MOON_SPF_TERMS_MAX + 2), "every step has room");

bool moon_spf_trace_begin(struct moon_spf_trace *trace_r, struct moon_spf_check *check,
                          const struct moon_spf_scope *scope)
{
    *trace_r = (struct moon_spf_trace){.check = check};
    trace_r->steps = moon_arena_array(check->arena, MOON_SPF_STEPS_MAX, sizeof *trace_r->steps);
    if (!trace_r->steps) {
        moon_spf_check_fail(check, MOON_ENOMEM);
        return false;
    }
    trace_r->frames[0] = (struct moon_spf_trace_frame){.scope = scope};
    trace_r->depth = 1;
    return true;
}

static struct moon_spf_trace_frame *top(struct moon_spf_trace *trace)
{
    return &trace->frames[trace->depth - 1];
}

/* NULL: no room, which the limits exclude. */
static struct moon_spf_step *add(struct moon_spf_trace *trace, const struct moon_spf_term *term)
{
    if (MOON_BUG(trace->count == MOON_SPF_STEPS_MAX))
        return NULL;
    struct moon_spf_step *step = &trace->steps[trace->count++];
    *step = (struct moon_spf_step){.domain = top(trace)->scope->at.name,
                                   .term = term->text,
                                   .depth = (unsigned)trace->depth - 1,
                                   .lookups = trace->check->lookups};
    return step;
}

/* What the step going on came to, as far as it is known without the records it leads to. */
static void close_step(struct moon_spf_trace *trace)
{
    if (!trace->last)
        return;
    trace->last->lookups = trace->check->lookups;
    if (trace->last->outcome == MOON_SPF_OUTCOME_NO_MATCH && trace->check->voids > trace->voids)
        trace->last->outcome = MOON_SPF_OUTCOME_VOID;
    trace->last = NULL;
}

/* The addresses in front of mechanism `end` of the record on top. */
static void add_run(struct moon_spf_trace *trace, size_t end)
{
    struct moon_spf_trace_frame *frame = top(trace);
    struct moon_spf_step *step = NULL;

    for (; frame->next < end; frame->next++)
        if (step)
            step->more++;
        else
            step = add(trace, &frame->scope->record.mechanisms[frame->next]);
}

/* A term of the record on top decides it. */
static void decide(struct moon_spf_trace *trace, enum moon_result result)
{
    top(trace)->decided = true;
    top(trace)->result = result;
}

/* The record on top is over: step 2. */
static void leave(struct moon_spf_trace *trace)
{
    struct moon_spf_trace_frame over = *top(trace);

    if (!over.decided)
        add_run(trace, over.scope->record.count);
    trace->depth--;
    over.by->result = over.result;
    if (over.by->outcome == MOON_SPF_OUTCOME_FOLLOWED) {
        decide(trace, over.result);
    } else if (over.result == MOON_RESULT_PASS) {
        over.by->outcome = MOON_SPF_OUTCOME_MATCH;
        over.by->result = over.qualifier;
        decide(trace, over.qualifier);
    }
}

void moon_spf_trace_term(struct moon_spf_trace *trace, const struct moon_spf_scope *scope,
                         const struct moon_spf_term *term)
{
    close_step(trace);
    while (trace->depth > 1 && top(trace)->scope != scope)
        leave(trace);
    const struct moon_spf_record *record = &scope->record;
    bool redirect = term == &record->redirect;
    size_t index = redirect ? record->count : (size_t)(term - record->mechanisms);

    add_run(trace, index);
    if (!redirect)
        top(trace)->next = index + 1;
    trace->last = add(trace, term);
    trace->term = term;
    trace->voids = trace->check->voids;
}

void moon_spf_trace_match(struct moon_spf_trace *trace)
{
    if (!trace->last)
        return;
    trace->last->outcome = MOON_SPF_OUTCOME_MATCH;
    trace->last->result = trace->term->qualifier;
    decide(trace, trace->term->qualifier);
}

void moon_spf_trace_enter(struct moon_spf_trace *trace, const struct moon_spf_scope *scope)
{
    struct moon_spf_step *by = trace->last;

    if (!by || MOON_BUG(trace->depth == sizeof trace->frames / sizeof *trace->frames))
        return;
    if (trace->term->kind == MOON_SPF_KIND_REDIRECT)
        by->outcome = MOON_SPF_OUTCOME_FOLLOWED;
    trace->frames[trace->depth++] =
        (struct moon_spf_trace_frame){.scope = scope,
                                      .by = by,
                                      .qualifier = trace->term->qualifier,
                                      .result = MOON_RESULT_NEUTRAL};
}

static void mark_error(struct moon_spf_step *step, enum moon_result result)
{
    step->outcome = MOON_SPF_OUTCOME_ERROR;
    step->result = result;
}

void moon_spf_trace_end(struct moon_spf_trace *trace)
{
    enum moon_result stopped = trace->check->stop_result;
    struct moon_spf_step *last = trace->last;

    close_step(trace);
    if (trace->check->stopped) {
        if (last)
            mark_error(last, stopped);
        for (; trace->depth > 1; trace->depth--)
            mark_error(top(trace)->by, stopped);
        return;
    }
    while (trace->depth > 1)
        leave(trace);
    if (!top(trace)->decided)
        add_run(trace, top(trace)->scope->record.count);
}
