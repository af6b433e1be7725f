/* SPDX-License-Identifier: MIT
 *
 * arena: memory that lives as long as one message. Nothing is freed singly; destroying the arena
 * frees all. An arena has a cap, so that no input can make the worker grow without bound.
 */
#ifndef MOON_BASE_ARENA_H
#define MOON_BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/buf.h"

struct moon_arena;

/* On the heap; NULL without memory. `bytes_max`: the sum of all requests above which alloc fails.
 */
struct moon_arena *moon_arena_create(size_t bytes_max);
void moon_arena_destroy(struct moon_arena **arena);

/* Zeroed memory aligned for any type; NULL when memory or the cap is exhausted. size 0 gives a
 * valid pointer. */
void *moon_arena_alloc(struct moon_arena *arena, size_t size);
/* The same, but not zeroed: for a buffer that is written before it is read. */
void *moon_arena_raw(struct moon_arena *arena, size_t size);
/* `count` items of `size` bytes, overflow checked. */
void *moon_arena_array(struct moon_arena *arena, size_t count, size_t size);
/* A larger copy of an array: room for one more item than `count`. Doubles at powers of two, so that
 * appending one by one costs a constant number of copies. `items` may be NULL when count is 0.
 * Returns the array to use from now on, or NULL. */
void *moon_arena_append(struct moon_arena *arena, void *items, size_t count, size_t size);

/* Terminated copies; NULL when memory is exhausted. */
char *moon_arena_dup(struct moon_arena *arena, struct moon_span text);
char *moon_arena_cstr(struct moon_arena *arena, const char *text);
char *moon_arena_printf(struct moon_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Was any request refused so far? Tells "no memory" from NULL as an answer. */
bool moon_arena_failed(const struct moon_arena *arena);
size_t moon_arena_used_bytes(const struct moon_arena *arena);

/* For tests: the n-th request from now on fails, and every later one. 0 switches it off. */
void moon_arena_fail_at(struct moon_arena *arena, size_t n);

/* A string that grows in the arena. After a failed request `failed` stays true, further additions
 * do nothing, and moon_str_end returns NULL: check once, at the end. */
struct moon_str {
    struct moon_arena *arena;
    char *text;
    size_t length, capacity;
    bool failed;
};
void moon_str_begin(struct moon_str *str, struct moon_arena *arena);
void moon_str_add(struct moon_str *str, const char *text);
void moon_str_add_span(struct moon_str *str, struct moon_span span);
void moon_str_add_char_slowly(struct moon_str *str, char c); /* what moon_str_add_char leaves */
static inline void moon_str_add_char(struct moon_str *str, char c)
{
    if (str->capacity - str->length > 1) /* one for the terminator; never less than length */
        str->text[str->length++] = c;
    else
        moon_str_add_char_slowly(str, c);
}
void moon_str_addf(struct moon_str *str, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The terminated text, or NULL when an addition failed. */
char *moon_str_end(struct moon_str *str);

#endif
