/* SPDX-License-Identifier: MIT
 *
 * dkim_case: runs a message through DKIM with keys out of a zone text, and through the signature
 * core as a second opinion.
 */
#ifndef MOON_TESTS_SUPPORT_DKIM_CASE_H
#define MOON_TESTS_SUPPORT_DKIM_CASE_H

#include "engine/auth/results.h"
#include "engine/message/message.h"

/* The clock of all cases: 2023-11-14. */
#define MOON_CASE_NOW_S 1700000000

/* A line "name TXT ..." for a zone, the record cut into strings that DNS can carry. In the arena.
 */
char *moon_case_txt(struct moon_arena *arena, const char *name, const char *record);

/* A parsed message; the text must outlive it. NULL when it cannot be parsed. */
struct moon_message *moon_case_message(struct moon_arena *arena, const char *text, size_t size);

/* Production. Asserts on any status that is not MOON_OK. */
struct moon_dkim moon_case_dkim(struct moon_arena *arena, const char *zone, const char *text,
                                size_t size);

/* Asserts that both say the same of each signature. */
void moon_case_same_dkim(const struct moon_dkim *a, const struct moon_dkim *b);

/* The core's result and reason for the signature at field index `field`, the body given in chunks
 * of `chunk` bytes. */
enum moon_result moon_case_core(struct moon_arena *arena, const char *zone, const char *text,
                                size_t size, uint32_t field, size_t chunk, const char **reason_r);

#endif
