/* SPDX-License-Identifier: MIT
 *
 * store: what is remembered from one message to the next: counts over a window of time, and when
 * something was first seen. It belongs to nobody's mail: when it is down, slow or full, a question
 * has no answer, and the message goes on without.
 *
 * Counts are kept in steps of a twenty-fourth of their window (at least one second), aligned to the
 * clock. A count is the sum of the step that runs, the 24 before it and the one to come: it never
 * misses anything of the window and may include what is up to one step older; hosts whose clocks
 * differ by less than a step agree.
 */
#ifndef MOON_STORE_STORE_H
#define MOON_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/status.h"

struct moon_store;

/* Where the store keeps how many questions with `add` had no answer, as far as it learnt of them:
 * a count of this space and key over MOON_STORE_MISSED_WINDOW_S. */
#define MOON_STORE_OWN_SPACE  "moonscan"
#define MOON_STORE_MISSED_KEY "missed"

struct moon_store_question {
    struct moon_span space; /* whose it is; keys of two spaces never meet */
    struct moon_span key;   /* any bytes, any length: only their hash is kept */
    int64_t now_s;          /* seconds since 1970 */
    int64_t span_s; /* of a count: the window. Of a first time: forgotten when not seen for so long
                     */
    int64_t add;    /* to a count; first times: anything but 0 notes this one. 0 only looks */
    bool pretend;   /* answers as if, and writes nothing */
};

/* Each: is there an answer? If not, *why_r is a constant or lives as long as the store. A window
 * out of MOON_STORE_WINDOW_MIN_S .. MAX_S is taken as the nearest that is in. */
bool moon_store_count(struct moon_store *store, const struct moon_store_question *question,
                      int64_t *count_r, const char **why_r);
/* *first_s_r: seconds since 1970, never later than now; -1: never seen (only with add 0). */
bool moon_store_first_seen(struct moon_store *store, const struct moon_store_question *question,
                           int64_t *first_s_r, const char **why_r);

/* What could not be written since the store was made: questions with `add` that had no answer. */
uint64_t moon_store_missed(const struct moon_store *store);
/* What an operator should know of the store's failing, once for each outage: a line, valid until
 * the next question; NULL when there is nothing new. */
const char *moon_store_trouble(struct moon_store *store);

/* In this process's memory only: for tests and trials of policies. */
enum moon_status moon_store_memory(struct moon_store **store_r, struct moon_error *error);
void moon_store_destroy(struct moon_store **store);

#endif
