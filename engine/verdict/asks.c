/* SPDX-License-Identifier: MIT
 *
 * asks: the one way from a policy to the outside.
 *
 *  1. Is there room for the question? Above MOON_ASKS_MAX it is only counted.
 *  2. It is entered, without an answer.
 *  3. The store or DNS is asked, unless their time for this message is spent.
 *  4. The answer, or why there is none, is entered beside it.
 */
#include "engine/verdict/asks.h"

#include <string.h>

#include "engine/message/message.h"
#include "engine/store/store.h"

struct moon_asks_shared {
    struct moon_arena *arena;
    struct moon_dns *dns;
    struct moon_store *store;
    int64_t now_s, store_us; /* how long the store took so far */
    unsigned dns_questions;
    bool dry_run;
    struct moon_asked *engine; /* what was asked in the engine's spaces */
    size_t engine_count;
};

struct moon_asks {
    struct moon_asks_shared *shared;
    const char *tenant;
    bool site, pretend;
    const struct moon_asks *like; /* another version of the decision, or NULL */
    unsigned dns_questions;
    int64_t end_ms, dns_ms; /* of the decision, on moon_clock_ms; left for waiting for DNS */
    size_t count, refused;
    struct moon_asked asked[MOON_ASKS_MAX];
};

struct moon_asks_shared *moon_asks_share(struct moon_arena *arena, const struct moon_message *msg,
                                         struct moon_dns *dns, struct moon_store *store)
{
    struct moon_asks_shared *shared = moon_arena_alloc(arena, sizeof *shared);
    if (shared)
        *shared = (struct moon_asks_shared){.arena = arena,
                                            .dns = dns,
                                            .store = store,
                                            .now_s = msg->received_s,
                                            .dry_run = msg->dry_run};
    return shared;
}

struct moon_asks *moon_asks_begin(struct moon_asks_shared *shared, const char *tenant)
{
    struct moon_asks *asks = moon_arena_alloc(shared->arena, sizeof *asks);
    if (asks) {
        asks->shared = shared;
        asks->tenant = tenant;
        asks->pretend = shared->dry_run;
        asks->site = !*tenant;
        asks->like = NULL;
        asks->end_ms = INT64_MAX;
        asks->dns_ms = shared->dns ? moon_dns_extra_ms(shared->dns) : 0;
    }
    return asks;
}

void moon_asks_until(struct moon_asks *asks, int64_t end_ms)
{
    asks->end_ms = end_ms;
}

void moon_asks_pretend(struct moon_asks *asks)
{
    asks->pretend = true;
}

void moon_asks_like(struct moon_asks *asks, const struct moon_asks *other)
{
    asks->like = other;
}

void moon_asks_enter(struct moon_asks *asks, bool site)
{
    if (asks)
        asks->site = site || !*asks->tenant;
}

/* Steps 1 and 2. NULL: not asked. */
static struct moon_asked *enter(struct moon_asks *asks, const struct moon_asked *asked,
                                struct moon_span key)
{
    if (asks->count == MOON_ASKS_MAX) {
        asks->refused++;
        return NULL;
    }
    const char *copy =
        moon_arena_dup(asks->shared->arena, moon_span_sub(key, 0, MOON_ASKS_KEY_BYTES_MAX));
    if (!copy)
        return NULL; /* the arena remembers, and the decision ends in MOON_ENOMEM */
    struct moon_asked *entered = &asks->asked[asks->count++];
    *entered = *asked;
    entered->key = copy;
    return entered;
}

/* --- the store ---------------------------------------------------------------------------------
 */

/* "t" acme, "s", "e" volume: the first byte keeps the kinds apart. */
static struct moon_span space_of(const struct moon_asks *asks, const char *engine_space)
{
    const char *name = engine_space ? engine_space : asks->tenant;
    char kind = engine_space ? 'e' : asks->site ? 's' : 't';
    const char *space = asks->site && !engine_space
                            ? "s"
                            : moon_arena_printf(asks->shared->arena, "%c %s", kind, name);
    return moon_span_of(space);
}

/* Step 3. The answer goes into *asked. */
static void ask_store(struct moon_asks *asks, struct moon_asked *asked, struct moon_span key,
                      const char *engine_space)
{
    struct moon_asks_shared *shared = asks->shared;
    struct moon_store_question question = {.space = space_of(asks, engine_space),
                                           .key = key,
                                           .now_s = shared->now_s,
                                           .span_s = asked->span_s,
                                           .add = asked->add,
                                           .pretend = asked->pretended};
    const char *why = "";

    if (!question.space.n)
        asked->why = "no memory";
    else if (!shared->store)
        asked->why = "no store is set up";
    else if (shared->store_us >= MOON_ASKS_STORE_MS * 1000)
        asked->why = "the store's time for this message is used up";
    else if (moon_clock_ms() >= asks->end_ms)
        asked->why = "this tenant's share of the message's time is used up";
    if (asked->why)
        return;
    int64_t started_us = moon_clock_us();
    asked->answered = asked->kind == MOON_ASKED_COUNT
                          ? moon_store_count(shared->store, &question, &asked->value, &why)
                          : moon_store_first_seen(shared->store, &question, &asked->value, &why);
    shared->store_us += moon_clock_us() - started_us;
    if (!asked->answered)
        asked->why = moon_arena_cstr(shared->arena, why); /* NULL: the arena remembers */
    else if (asked->kind == MOON_ASKED_FIRST_SEEN && asked->value >= 0)
        asked->value = shared->now_s - asked->value;
}

/* The same question of another tenant's decision on this message, or NULL. */
static const struct moon_asked *asked_before(const struct moon_asks_shared *shared,
                                             const struct moon_asked *asked, const char *key)
{
    for (size_t i = 0; i < shared->engine_count; i++) {
        const struct moon_asked *before = &shared->engine[i];
        if (before->kind == asked->kind && before->span_s == asked->span_s &&
            before->add == asked->add && before->pretended == asked->pretended &&
            !strcmp(before->space, asked->space) && !strcmp(before->key, key))
            return before;
    }
    return NULL;
}

static bool is_alike(const struct moon_asked *a, const struct moon_asked *b)
{
    bool spaces = a->space && b->space ? !strcmp(a->space, b->space) : a->space == b->space;
    return a->kind == b->kind && a->span_s == b->span_s && a->add == b->add && spaces &&
           !strcmp(a->key, b->key);
}

/* The same question of another version of this decision, with an answer; the second time it is
 * asked, the second. NULL: there is none. */
static const struct moon_asked *answered_alike(const struct moon_asks *asks,
                                               const struct moon_asked *asked)
{
    size_t skip = 0;
    if (!asks->like)
        return NULL;
    for (size_t i = 0; i + 1 < asks->count; i++)
        skip += is_alike(&asks->asked[i], asked);
    for (size_t i = 0; i < asks->like->count; i++) {
        const struct moon_asked *other = &asks->like->asked[i];
        if (is_alike(other, asked) && skip-- == 0)
            return other->answered ? other : NULL;
    }
    return NULL;
}

static void keep_engine(struct moon_asks_shared *shared, const struct moon_asked *asked)
{
    struct moon_asked *larger =
        moon_arena_append(shared->arena, shared->engine, shared->engine_count, sizeof *larger);
    if (!larger)
        return; /* the arena remembers */
    shared->engine = larger;
    shared->engine[shared->engine_count++] = *asked;
}

static const struct moon_asked *ask(struct moon_asks *asks, const struct moon_asked *question,
                                    struct moon_span key, const char *engine_space)
{
    if (!asks)
        return NULL;
    struct moon_asked *asked = enter(asks, question, key);
    if (!asked)
        return NULL;
    asked->pretended = asks->pretend;
    asked->space = engine_space ? engine_space : asks->site ? "site" : NULL;
    const struct moon_asked *before =
        engine_space ? asked_before(asks->shared, asked, asked->key) : NULL;
    if (before) {
        *asked = *before;
        return asked;
    }
    const struct moon_asked *same =
        key.n <= MOON_ASKS_KEY_BYTES_MAX ? answered_alike(asks, asked) : NULL;
    if (same) {
        asked->answered = true;
        asked->value = same->value;
        return asked;
    }
    ask_store(asks, asked, key, engine_space);
    if (engine_space)
        keep_engine(asks->shared, asked);
    return asked;
}

static bool count_in(struct moon_asks *asks, const char *space, struct moon_span key,
                     int64_t window_s, int64_t add, int64_t *count_r)
{
    struct moon_asked question = {.kind = MOON_ASKED_COUNT, .span_s = window_s, .add = add};
    const struct moon_asked *asked = ask(asks, &question, key, space);
    if (!asked || !asked->answered)
        return false;
    *count_r = asked->value;
    return true;
}

static bool first_in(struct moon_asks *asks, const char *space, struct moon_span key,
                     int64_t keep_s, bool look_only, int64_t *first_s_r)
{
    struct moon_asked question = {
        .kind = MOON_ASKED_FIRST_SEEN, .span_s = keep_s, .add = look_only ? 0 : 1};
    const struct moon_asked *asked = ask(asks, &question, key, space);
    if (!asked || !asked->answered)
        return false;
    *first_s_r = asked->value < 0 ? -1 : asks->shared->now_s - asked->value;
    return true;
}

bool moon_asks_count(struct moon_asks *asks, struct moon_span key, int64_t window_s, int64_t add,
                     int64_t *count_r)
{
    return count_in(asks, NULL, key, window_s, add, count_r);
}

bool moon_asks_first_seen(struct moon_asks *asks, struct moon_span key, int64_t keep_s,
                          bool look_only, int64_t *first_s_r)
{
    return first_in(asks, NULL, key, keep_s, look_only, first_s_r);
}

bool moon_asks_engine_count(struct moon_asks *asks, const char *space, struct moon_span key,
                            int64_t window_s, int64_t add, int64_t *count_r)
{
    return count_in(asks, space, key, window_s, add, count_r);
}

bool moon_asks_engine_first_seen(struct moon_asks *asks, const char *space, struct moon_span key,
                                 int64_t keep_s, bool look_only, int64_t *first_s_r)
{
    return first_in(asks, space, key, keep_s, look_only, first_s_r);
}

/* --- DNS ---------------------------------------------------------------------------------------
 */

const struct moon_dns_answer *moon_asks_dns(struct moon_asks *asks, const char *name,
                                            enum moon_dns_type type)
{
    struct moon_asked question = {.kind = MOON_ASKED_DNS, .type = type};

    if (!asks)
        return NULL;
    struct moon_asks_shared *shared = asks->shared;
    struct moon_asked *asked = enter(asks, &question, moon_span_of(name));
    if (!asked)
        return NULL;
    if (!shared->dns)
        asked->why = "no DNS here";
    else if (asks->dns_questions == MOON_ASKS_DNS_MAX ||
             shared->dns_questions == MOON_ASKS_DNS_MESSAGE_MAX)
        asked->why = "question limit";
    if (asked->why)
        return NULL;
    asks->dns_questions++;
    shared->dns_questions++;
    int64_t started_ms = moon_clock_ms(), wait_ms = asks->end_ms - started_ms;
    if (wait_ms > asks->dns_ms)
        wait_ms = asks->dns_ms;
    const struct moon_dns_answer *answer =
        moon_dns_wait_extra(shared->dns, name, type, wait_ms > 0 ? wait_ms : 0);
    asks->dns_ms -= moon_clock_ms() - started_ms;
    asked->answered = !answer->refused;
    if (asked->answered)
        asked->dns = answer;
    else
        asked->why = answer->reason; /* the engine asked it before, above its own limit */
    return asked->dns;
}

/* --- the record --------------------------------------------------------------------------------
 */

const struct moon_asked *moon_asks_each(const struct moon_asks *asks, size_t index)
{
    return asks && index < asks->count ? &asks->asked[index] : NULL;
}

size_t moon_asks_refused(const struct moon_asks *asks)
{
    return asks ? asks->refused : 0;
}
