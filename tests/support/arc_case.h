/* SPDX-License-Identifier: MIT
 *
 * arc_case: runs a message through ARC with keys out of a zone text.
 */
#ifndef MOON_TESTS_SUPPORT_ARC_CASE_H
#define MOON_TESTS_SUPPORT_ARC_CASE_H

#include "engine/auth/results.h"
#include "engine/message/message.h"

/* Production, at MOON_CASE_NOW_S of dkim_case.h; the text must outlive the results. Asserts on any
 * status that is not MOON_OK. `questions_max` 0: the default; *questions_r (or NULL) counts. */
struct moon_arc moon_case_arc(struct moon_arena *arena, const char *zone, const char *text,
                              size_t size, unsigned questions_max, unsigned *questions_r);

#endif
