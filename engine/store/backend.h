/* SPDX-License-Identifier: MIT
 *
 * backend: what keeps counts and first times. Internal to this room: store.c turns questions into
 * slots, the backends know files, servers and memory.
 */
#ifndef MOON_STORE_BACKEND_H
#define MOON_STORE_BACKEND_H

#include "engine/store/store.h"

#define MOON_STORE_STEPS    24 /* of a window, kept beside the one that runs and the one to come */
#define MOON_STORE_COUNTERS (MOON_STORE_STEPS + 2)
#define MOON_STORE_ID_BYTES 33

struct moon_store_slot {
    char id[MOON_STORE_ID_BYTES]; /* 32 hex digits: of space, kind, window and key */
    int64_t now_s;
    int64_t step_s; /* length of a step; first times: 0 */
    int64_t step;   /* the number of the step that runs: now_s / step_s */
    int64_t add;
    int64_t keep_s; /* forgotten when not written for so long */
    bool pretend;
};

enum moon_store_said {
    MOON_STORE_ANSWERED,
    MOON_STORE_BUSY, /* not this time */
    MOON_STORE_DOWN, /* and there is no use in asking again at once */
};

struct moon_store_ops {
    /* The sum of steps step - MOON_STORE_STEPS .. step + 1, after adding. */
    enum moon_store_said (*count)(struct moon_store *store, const struct moon_store_slot *slot,
                                  int64_t *sum_r);
    /* -1: not there, and nothing was to be noted. */
    enum moon_store_said (*first_seen)(struct moon_store *store, const struct moon_store_slot *slot,
                                       int64_t *first_s_r);
    void (*destroy)(struct moon_store *store);
};

/* The head of every backend's structure. */
struct moon_store {
    const struct moon_store_ops *ops;
    struct moon_error why; /* of the last question without an answer; filled by the backend */
    uint64_t missed;
    uint64_t untold; /* of these: not yet noted in the store itself */
    int64_t down_until_ms, pause_ms;
    bool down, trouble_is_new;
};

#endif
