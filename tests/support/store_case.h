/* SPDX-License-Identifier: MIT
 *
 * store_case: what every store must do, whatever keeps it. Fails the cmocka test that calls it.
 */
#ifndef MOON_TESTS_STORE_CASE_H
#define MOON_TESTS_STORE_CASE_H

#include "engine/store/store.h"

#define STORE_CASE_NOW 1790000000 /* 2026-09-21 */

struct moon_store_question store_case_question(const char *space, const char *key, int64_t span_s,
                                               int64_t add);
/* The count, or -1 without an answer. */
int64_t store_case_count(struct moon_store *store, const char *space, const char *key,
                         int64_t now_s, int64_t window_s, int64_t add);
/* The first time, -1: never, -2: no answer. */
int64_t store_case_first(struct moon_store *store, const char *key, int64_t now_s, int64_t keep_s,
                         int64_t add);
/* All of the contract of engine/store/store.h that needs no failure. The store is empty at first.
 */
void store_case_all(struct moon_store *store, bool forgets_by_our_clock);

#endif
