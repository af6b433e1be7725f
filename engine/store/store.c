/* SPDX-License-Identifier: MIT
 *
 * store: questions to whatever backend is configured.
 *
 *  1. The key becomes an id: bytes of strangers reach no backend, and no two spaces, kinds or
 *     windows share an id.
 *  2. A backend that is down is left alone for a while, which doubles from 1 to 30 seconds.
 *  3. The backend answers or says why not.
 *  4. What could not be written is counted, and noted in the store itself when it is back.
 */
#include "engine/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/budget.h"
#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/store/backend.h"

#define PAUSE_MIN_MS     1000
#define PAUSE_MAX_MS     30000
#define KEY_HASHED_BYTES 4096u /* of a key: what is behind makes no difference any more */

/* Step 1. False when hashing fails. */
static bool make_slot(const char *kind, const struct moon_store_question *question, int64_t step_s,
                      struct moon_store_slot *slot_r)
{
    char text[KEY_HASHED_BYTES + 512], hash[MOON_HASH_TEXT_BYTES];
    struct moon_span key = moon_span_sub(question->key, 0, KEY_HASHED_BYTES);
    struct moon_span space = moon_span_sub(question->space, 0, 300);

    /* Lengths in front: no part can be read as the beginning of the next. */
    int n = snprintf(text, sizeof text, "%s %lld %zu %zu ", kind, (long long)step_s, space.n,
                     question->key.n);
    if (n < 0 || (size_t)n + space.n + key.n > sizeof text)
        return false;
    memcpy(text + n, space.p, space.n);
    if (key.n)
        memcpy(text + n + space.n, key.p, key.n);
    if (!moon_hash_hex((struct moon_span){text, (size_t)n + space.n + key.n}, hash))
        return false;
    *slot_r = (struct moon_store_slot){.now_s = question->now_s > 0 ? question->now_s : 0,
                                       .step_s = step_s,
                                       .add = question->add,
                                       .pretend = question->pretend};
    memcpy(slot_r->id, hash, MOON_STORE_ID_BYTES - 1);
    return true;
}

static int64_t clamp(int64_t value, int64_t min, int64_t max)
{
    return value < min ? min : value > max ? max : value;
}

/* Step 4, after an answer: a note in the store itself. */
static void note_missed(struct moon_store *store, int64_t now_s)
{
    struct moon_store_question question = {.space = MOON_SPAN(MOON_STORE_OWN_SPACE),
                                           .key = MOON_SPAN(MOON_STORE_MISSED_KEY),
                                           .now_s = now_s,
                                           .span_s = MOON_STORE_MISSED_WINDOW_S};
    struct moon_store_slot slot;
    int64_t sum;
    int64_t step_s = MOON_STORE_MISSED_WINDOW_S / MOON_STORE_STEPS;

    question.add = (int64_t)store->untold;
    if (!make_slot("count", &question, step_s, &slot))
        return;
    slot.step = slot.now_s / step_s;
    slot.keep_s = MOON_STORE_COUNTERS * step_s;
    if (store->ops->count(store, &slot, &sum) == MOON_STORE_ANSWERED)
        store->untold = 0;
}

/* Steps 2 and 4 around step 3. */
static bool may_ask(struct moon_store *store)
{
    return !store->down || moon_clock_ms() >= store->down_until_ms;
}

static bool settle(struct moon_store *store, enum moon_store_said said,
                   const struct moon_store_slot *slot, const char **why_r)
{
    if (said == MOON_STORE_ANSWERED) {
        store->down = false;
        store->pause_ms = 0;
        if (store->untold && !slot->pretend)
            note_missed(store, slot->now_s);
        return true;
    }
    if (said == MOON_STORE_DOWN) {
        store->pause_ms = clamp(2 * store->pause_ms, PAUSE_MIN_MS, PAUSE_MAX_MS);
        store->down_until_ms = moon_clock_ms() + store->pause_ms;
        store->trouble_is_new = store->trouble_is_new || !store->down;
        store->down = true;
    }
    if (slot->add && !slot->pretend) {
        store->missed++;
        store->untold++;
    }
    *why_r = store->why.text;
    return false;
}

bool moon_store_count(struct moon_store *store, const struct moon_store_question *question,
                      int64_t *count_r, const char **why_r)
{
    int64_t window_s = clamp(question->span_s, MOON_STORE_WINDOW_MIN_S, MOON_STORE_WINDOW_MAX_S);
    int64_t step_s = (window_s + MOON_STORE_STEPS - 1) / MOON_STORE_STEPS;
    struct moon_store_slot slot;

    if (!make_slot("count", question, step_s, &slot)) {
        *why_r = "no hash";
        return false;
    }
    slot.step = slot.now_s / step_s;
    slot.keep_s = MOON_STORE_COUNTERS * step_s;
    return settle(store,
                  may_ask(store) ? store->ops->count(store, &slot, count_r) : MOON_STORE_BUSY,
                  &slot, why_r);
}

bool moon_store_first_seen(struct moon_store *store, const struct moon_store_question *question,
                           int64_t *first_s_r, const char **why_r)
{
    struct moon_store_slot slot;

    if (!make_slot("first", question, 0, &slot)) {
        *why_r = "no hash";
        return false;
    }
    slot.keep_s = clamp(question->span_s, MOON_STORE_WINDOW_MIN_S, MOON_STORE_KEEP_MAX_S);
    if (!settle(store,
                may_ask(store) ? store->ops->first_seen(store, &slot, first_s_r) : MOON_STORE_BUSY,
                &slot, why_r))
        return false;
    if (*first_s_r > slot.now_s) /* another host's clock is ahead of ours */
        *first_s_r = slot.now_s;
    return true;
}

uint64_t moon_store_missed(const struct moon_store *store)
{
    return store->missed;
}

const char *moon_store_trouble(struct moon_store *store)
{
    if (!store->trouble_is_new)
        return NULL;
    store->trouble_is_new = false;
    return store->why.text;
}

void moon_store_destroy(struct moon_store **store)
{
    if (*store)
        (*store)->ops->destroy(*store);
    *store = NULL;
}
