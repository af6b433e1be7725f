/* SPDX-License-Identifier: MIT
 *
 * dns: the questions of one message and their answers. Sits between the evaluators (and the SPF
 * prefetcher) above and a backend below, which is either c-ares or a zone file.
 *
 *  1. A name is normalised; one that cannot exist is NXDOMAIN at once.
 *  2. The cache knows every name and type asked before; each is asked once.
 *  3. The cap and the deadline decide whether a new question may be sent.
 *  4. What the worker has kept from earlier messages is taken; it counts like a question.
 *  5. The backend is asked; while somebody waits, it is stepped until that answer is in.
 *  6. An answer that is only a CNAME leads to a question for its target (RFC 1034 section 3.6.2),
 *     at most MOON_DNS_CNAMES_MAX times.
 *  7. Each answer is told to the observer, which may start more questions.
 *  8. The deadline turns all that is outstanding into trouble.
 */
#include "engine/dns/dns.h"

#include <string.h>

#include "engine/dns/backend.h"
#include "engine/dns/kept.h"
#include "engine/dns/name.h"

#define SLOTS        512u  /* twice MOON_DNS_ANSWERS_MAX, so that a free slot is always near */
#define NAME_KEPT    1024u /* of a name that cannot exist: longer than any that can, escaped */
#define RESERVE_PART 5u    /* one question in five is kept for evaluators, see may_ask() */

_Static_assert(SLOTS >= 2 * MOON_DNS_ANSWERS_MAX, "the table needs free slots");

struct question {
    struct moon_dns_ask ask;
    struct moon_dns_answer answer;
    struct moon_dns_wire wire; /* length 0: a name that cannot exist, known by answer.name */
    int64_t started_us;
    uint32_t ttl_s;          /* the least on the way to the answer */
    unsigned sent;           /* how often the backend was asked for it */
    struct question *untold; /* next answer the observer has not seen */
};

struct moon_dns {
    struct moon_arena *arena;
    struct moon_dns_backend *backend;
    struct moon_budget budget;
    int64_t half_ms; /* of the time it began with */
    unsigned questions_max;
    moon_dns_observer *observer;
    void *observer_context;
    const struct moon_dns_answer *observed; /* the answer the observer is looking at, or NULL */
    unsigned waited_round;                  /* highest round of an answer somebody waited for */
    struct moon_dns_stats stats;
    struct question *order[MOON_DNS_ANSWERS_MAX];
    size_t count;
    struct question *slots[SLOTS];
    struct question *untold, **untold_end;
};

static const struct moon_dns_answer no_memory = {
    .name = "", .state = MOON_DNS_STATE_TROUBLE, .reason = "no memory"};
static const struct moon_dns_answer too_many = {
    .name = "", .state = MOON_DNS_STATE_TROUBLE, .reason = "question limit", .refused = true};
static const struct moon_dns_answer not_now = {
    .name = "", .state = MOON_DNS_STATE_TROUBLE, .reason = "timeout"};
static const struct moon_dns_answer from_observer = {
    .name = "", .state = MOON_DNS_STATE_TROUBLE, .reason = "waited from inside the observer"};

struct moon_dns *moon_dns_begin(struct moon_arena *arena, struct moon_dns_backend *backend,
                                int64_t deadline_ms, unsigned questions_max)
{
    struct moon_dns *dns = moon_arena_alloc(arena, sizeof *dns);
    if (!dns)
        return NULL;
    dns->arena = arena;
    dns->backend = backend;
    dns->budget = moon_budget_of(deadline_ms);
    dns->half_ms = deadline_ms / 2;
    dns->questions_max = questions_max ? questions_max : MOON_DNS_QUESTIONS_MAX;
    dns->untold_end = &dns->untold;
    if (backend->ops->begin)
        backend->ops->begin(backend);
    return dns;
}

void moon_dns_observe(struct moon_dns *dns, moon_dns_observer *observer, void *context)
{
    dns->observer = observer;
    dns->observer_context = context;
}

void moon_dns_end(struct moon_dns **dns)
{
    if (!*dns)
        return;
    (*dns)->backend->ops->cancel((*dns)->backend, *dns);
    *dns = NULL;
}

void moon_dns_backend_destroy(struct moon_dns_backend **backend)
{
    if (*backend) {
        moon_dns_kept_destroy(&(*backend)->kept);
        (*backend)->ops->destroy(*backend);
    }
    *backend = NULL;
}

void moon_dns_backend_keep(struct moon_dns_backend *backend, int64_t seconds)
{
    moon_dns_kept_destroy(&backend->kept);
    if (seconds > 0)
        backend->kept = moon_dns_kept_create(seconds);
}

struct moon_arena *moon_dns_arena(struct moon_dns *dns)
{
    return dns->arena;
}

/* --- the cache ----------------------------------------------------------------------------------
 */

/* What is looked for: a name on the wire, or the text of one that cannot exist. */
struct key {
    struct moon_dns_wire wire;
    struct moon_span text;
    enum moon_dns_type type;
};

static struct key key_of(const char *name, enum moon_dns_type type)
{
    struct key key = {.type = type};
    struct moon_span text = {name, strnlen(name, NAME_KEPT)};
    /* The root is no name that anything of a message could be found at. */
    if (moon_dns_wire_parse(text, &key.wire) && key.wire.length == 1)
        key.wire.length = 0;
    key.text = text;
    return key;
}

static bool key_matches(const struct key *key, const struct question *question)
{
    if (key->type != question->answer.type || key->wire.length != question->wire.length)
        return false;
    return key->wire.length ? moon_dns_wire_equal(&key->wire, &question->wire)
                            : moon_span_is_nocase(key->text, question->answer.name);
}

/* The slot that holds the question, or the free one where it belongs. Names that cannot exist
 * share one chain. */
static struct question **slot_of(struct moon_dns *dns, const struct key *key)
{
    uint32_t at = moon_dns_wire_hash(&key->wire) + (uint32_t)key->type * 31u;
    while (dns->slots[at % SLOTS] && !key_matches(key, dns->slots[at % SLOTS]))
        at++; /* ends: half of the slots are free at least */
    return &dns->slots[at % SLOTS];
}

static char *name_text(struct moon_arena *arena, const struct key *key)
{
    if (key->wire.length)
        return moon_dns_wire_text(arena, &key->wire);
    char *copy = moon_arena_dup(arena, key->text);
    for (char *c = copy; c && *c; c++)
        *c = moon_lower(*c);
    return copy;
}

/* A new entry; NULL without memory. The caller has checked that there is room. */
static struct question *enter(struct moon_dns *dns, const struct key *key, struct question **slot)
{
    struct question *question = moon_arena_alloc(dns->arena, sizeof *question);
    char *name = question ? name_text(dns->arena, key) : NULL;
    if (!name)
        return NULL;
    question->wire = key->wire;
    question->answer = (struct moon_dns_answer){.name = name, .type = key->type, .reason = ""};
    question->started_us = moon_clock_us();
    *slot = question;
    dns->order[dns->count++] = question;
    return question;
}

/* --- asking -------------------------------------------------------------------------------------
 */

/* What limits count: a cached answer is no cheaper, so that results do not depend on what others
 * have asked before. */
static unsigned charged(const struct moon_dns *dns)
{
    return dns->stats.questions + dns->stats.cached;
}

/* The observer follows a stranger's records: it may not use up what evaluators still need. */
static bool may_ask(const struct moon_dns *dns)
{
    unsigned max = dns->questions_max;
    if (dns->observed)
        max -= max / RESERVE_PART;
    return charged(dns) < max;
}

static void answer_with(struct question *question, enum moon_dns_state state, const char *reason)
{
    question->answer.state = state;
    question->answer.reason = reason;
}

static void answer_refused(struct question *question)
{
    answer_with(question, MOON_DNS_STATE_TROUBLE, "question limit");
    question->answer.refused = true;
}

static unsigned round_before(const struct moon_dns *dns)
{
    return dns->observed ? dns->observed->round : dns->waited_round;
}

static void send_question(struct moon_dns *dns, struct question *question, bool needed)
{
    dns->stats.questions++;
    if (!needed)
        dns->stats.prefetched++;
    question->answer.round = 1 + round_before(dns);
    question->ttl_s = UINT32_MAX;
    question->sent = 1;
    question->ask =
        (struct moon_dns_ask){.dns = dns, .name = question->wire, .type = question->answer.type};
    dns->backend->ops->ask(dns->backend, &question->ask);
}

static void finish(struct moon_dns *dns, struct question *question);

/* Step 4. The questions that were sent for it at first, the targets of CNAMEs, must fit under the
 * cap, as if they were sent again. */
static bool take_kept(struct moon_dns *dns, struct question *question)
{
    const struct moon_dns_kept *kept = dns->backend->kept;
    unsigned sent = 0;
    if (!kept || !moon_dns_kept_get(kept, &question->wire, question->started_us / 1000, dns->arena,
                                    &question->answer, &sent))
        return false;
    question->answer.round = round_before(dns);
    question->answer.cached = true;
    if (charged(dns) + sent > dns->questions_max) {
        sent = dns->questions_max - charged(dns);
        question->answer.records = NULL;
        question->answer.count = 0;
        answer_refused(question);
    }
    dns->stats.cached += sent;
    finish(dns, question);
    return true;
}

/* The entry for a question, asked if it is new. NULL: *constant_r is the answer. What only a
 * prefetch wanted and the cap refused is not kept: an evaluator may still ask it. */
static struct question *find_or_ask(struct moon_dns *dns, const char *name, enum moon_dns_type type,
                                    bool needed, const struct moon_dns_answer **constant_r)
{
    struct key key = key_of(name, type);
    struct question **slot = slot_of(dns, &key);
    if (*slot)
        return *slot;

    bool refused = key.wire.length && !may_ask(dns);
    if (refused && needed)
        dns->stats.capped++;
    *constant_r = &too_many;
    if (dns->count == MOON_DNS_ANSWERS_MAX || (refused && !needed))
        return NULL;
    struct question *question = enter(dns, &key, slot);
    *constant_r = &no_memory;
    if (!question)
        return NULL;
    if (key.wire.length == 0)
        answer_with(question, MOON_DNS_STATE_NXDOMAIN, "bad name");
    else if (refused)
        answer_refused(question);
    else if (take_kept(dns, question))
        return question;
    else if (moon_budget_spent(&dns->budget))
        answer_with(question, MOON_DNS_STATE_TROUBLE, "timeout");
    else
        send_question(dns, question, needed);
    return question;
}

const struct moon_dns_answer *moon_dns_start(struct moon_dns *dns, const char *name,
                                             enum moon_dns_type type)
{
    const struct moon_dns_answer *constant = NULL;
    struct question *question = find_or_ask(dns, name, type, false, &constant);
    return question ? &question->answer : constant;
}

/* --- answers ------------------------------------------------------------------------------------
 */

static void finish(struct moon_dns *dns, struct question *question)
{
    question->answer.took_us = moon_clock_us() - question->started_us;
    question->untold = NULL;
    *dns->untold_end = question;
    dns->untold_end = &question->untold;
}

/* Asks for the target of a CNAME, if it may. */
static bool follow(struct question *question, const struct moon_dns_reply *reply)
{
    struct moon_dns *dns = question->ask.dns;
    unsigned hops = question->ask.hops + 1; /* at least: so that the recursion ends */
    if (reply->hops > hops)
        hops = reply->hops;
    if (hops > MOON_DNS_CNAMES_MAX)
        answer_with(question, MOON_DNS_STATE_NODATA, "CNAME chain too long");
    else if (charged(dns) >= dns->questions_max)
        answer_refused(question);
    else if (moon_budget_spent(&dns->budget))
        answer_with(question, MOON_DNS_STATE_TROUBLE, "timeout");
    else {
        dns->stats.questions++;
        question->sent++;
        question->answer.round++;
        question->ask.name = reply->target;
        question->ask.hops = hops;
        dns->backend->ops->ask(dns->backend, &question->ask);
        return true;
    }
    return false;
}

void moon_dns_deliver(struct moon_dns_ask *ask, const struct moon_dns_reply *reply)
{
    struct question *question = (struct question *)(void *)ask; /* its first member */
    if (MOON_BUG(question->answer.state != MOON_DNS_STATE_PENDING))
        return;
    if (reply->ttl_s < question->ttl_s)
        question->ttl_s = reply->ttl_s;
    if (reply->follow) {
        if (follow(question, reply))
            return;
    } else {
        answer_with(question, reply->state, reply->reason ? reply->reason : "");
        question->answer.records = reply->records;
        question->answer.count = reply->count;
        question->answer.more = reply->more;
    }
    finish(ask->dns, question);
    if (ask->dns->backend->kept && question->answer.state != MOON_DNS_STATE_TROUBLE)
        moon_dns_kept_put(ask->dns->backend->kept, &question->wire, &question->answer,
                          question->ttl_s, question->sent, moon_clock_ms());
}

/* Tells the observer what came in; what it starts may come in at once and is told as well. */
static void tell(struct moon_dns *dns)
{
    while (dns->untold) { /* at most once for each entry */
        struct question *question = dns->untold;
        dns->untold = question->untold;
        if (!dns->untold)
            dns->untold_end = &dns->untold;
        if (dns->observer) {
            dns->observed = &question->answer;
            dns->observer(dns->observer_context, &question->answer);
            dns->observed = NULL;
        }
    }
}

/* The deadline: everything outstanding is trouble. */
static void expire(struct moon_dns *dns)
{
    dns->backend->ops->cancel(dns->backend, dns);
    for (size_t i = 0; i < dns->count; i++) {
        struct question *question = dns->order[i];
        if (question->answer.state == MOON_DNS_STATE_PENDING) {
            answer_with(question, MOON_DNS_STATE_TROUBLE, "timeout");
            dns->stats.late++;
            finish(dns, question);
        }
    }
}

/* How long somebody waits. */
struct patience {
    int64_t until_ms; /* on moon_clock_ms */
    int64_t age_ms;   /* of the question, beyond which nobody waits; 0: any */
    bool last;        /* then all that is outstanding is given up */
};

static void wait_for(struct moon_dns *dns, const struct question *question,
                     const struct patience *patience)
{
    int64_t from_us = moon_clock_us(), until_ms = patience->until_ms;
    int64_t old_ms = question->started_us / 1000 + patience->age_ms;
    bool over = false;
    if (patience->age_ms && old_ms < until_ms)
        until_ms = old_ms;
    while (question->answer.state == MOON_DNS_STATE_PENDING && !over) {
        int64_t left_ms = until_ms - moon_clock_ms();
        if (left_ms < 0)
            left_ms = 0;
        dns->backend->ops->step(dns->backend, dns, left_ms); /* with 0 left: what is there */
        over = left_ms == 0;
        if (question->answer.state == MOON_DNS_STATE_PENDING && over && patience->last)
            expire(dns);
        tell(dns);
    }
    dns->stats.waiting_us += moon_clock_us() - from_us;
}

static const struct moon_dns_answer *wait_until(struct moon_dns *dns, const char *name,
                                                enum moon_dns_type type,
                                                const struct patience *patience)
{
    const struct moon_dns_answer *constant = NULL;
    if (MOON_BUG(dns->observed))
        return &from_observer;
    tell(dns);
    struct question *question = find_or_ask(dns, name, type, true, &constant);
    if (!question)
        return constant;
    wait_for(dns, question, patience);
    tell(dns); /* an answer that came at once did not pass the loop above */
    if (question->answer.state == MOON_DNS_STATE_PENDING)
        return &not_now;
    if (question->answer.round > dns->waited_round)
        dns->waited_round = question->answer.round;
    dns->stats.rounds = dns->waited_round;
    return &question->answer;
}

const struct moon_dns_answer *moon_dns_wait(struct moon_dns *dns, const char *name,
                                            enum moon_dns_type type)
{
    struct patience patience = {.until_ms = dns->budget.deadline_ms, .last = true};
    return wait_until(dns, name, type, &patience);
}

const struct moon_dns_answer *moon_dns_wait_half(struct moon_dns *dns, const char *name,
                                                 enum moon_dns_type type)
{
    struct patience patience = {.until_ms = dns->budget.deadline_ms - dns->half_ms};
    return wait_until(dns, name, type, &patience);
}

const struct moon_dns_answer *moon_dns_wait_extra(struct moon_dns *dns, const char *name,
                                                  enum moon_dns_type type, int64_t ms)
{
    int64_t extra_ms = moon_dns_extra_ms(dns);
    struct patience patience = {.until_ms = moon_clock_ms() + ms, .age_ms = extra_ms};
    dns->questions_max++;
    dns->budget = moon_budget_of(extra_ms); /* also with no time: others may want the answer */
    return wait_until(dns, name, type, &patience);
}

int64_t moon_dns_extra_ms(const struct moon_dns *dns)
{
    return dns->half_ms > MOON_ASKS_DNS_MS ? dns->half_ms : MOON_ASKS_DNS_MS;
}

/* --- for the record -----------------------------------------------------------------------------
 */

struct moon_dns_stats moon_dns_stats(const struct moon_dns *dns)
{
    return dns->stats;
}

const struct moon_dns_answer *moon_dns_each(const struct moon_dns *dns, size_t index)
{
    return index < dns->count ? &dns->order[index]->answer : NULL;
}
