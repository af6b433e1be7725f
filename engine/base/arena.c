/* SPDX-License-Identifier: MIT
 *
 * arena: blocks of memory chained together; each request is cut from the newest. Blocks double up
 * to a size, larger requests get a block of their own.
 */
#include "engine/base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN           16u
#define BLOCK_BYTES_MIN (16u * 1024)
#define BLOCK_BYTES_MAX (256u * 1024)

struct block {
    struct block *next;
    size_t used, size;
    _Alignas(ALIGN) unsigned char bytes[];
};

struct moon_arena {
    struct block *newest;
    size_t used_bytes, bytes_max, next_block;
    size_t fail_in; /* 0: never */
    bool failed;    /* a request was refused */
};

struct moon_arena *moon_arena_create(size_t bytes_max)
{
    struct moon_arena *arena = calloc(1, sizeof *arena);
    if (arena) {
        arena->bytes_max = bytes_max;
        arena->next_block = BLOCK_BYTES_MIN;
    }
    return arena;
}

void moon_arena_destroy(struct moon_arena **arena)
{
    if (!*arena)
        return;
    for (struct block *block = (*arena)->newest, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(*arena);
    *arena = NULL;
}

/* Under the address sanitizer each request has a block of its own, cut to the byte, so that one
 * byte too far is seen in every test. */
#if defined(__SANITIZE_ADDRESS__)
#define ONE_BY_ONE true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ONE_BY_ONE true
#endif
#endif
#ifndef ONE_BY_ONE
#define ONE_BY_ONE false
#endif

/* A block with room for `size`; a large request goes behind the newest, whose rest stays usable. */
static struct block *block_for(struct moon_arena *arena, size_t size)
{
    struct block *newest = arena->newest;
    if (newest && newest->size - newest->used >= size)
        return newest;

    bool large = ONE_BY_ONE || size > BLOCK_BYTES_MAX / 4;
    size_t bytes = large ? size : arena->next_block;
    if (bytes < size)
        bytes = BLOCK_BYTES_MAX;
    struct block *block = malloc(sizeof *block + bytes);
    if (!block)
        return NULL;
    block->used = 0;
    block->size = bytes;
    if (large && newest) {
        block->next = newest->next;
        newest->next = block;
    } else {
        block->next = newest;
        arena->newest = block;
    }
    if (!large && arena->next_block < BLOCK_BYTES_MAX)
        arena->next_block *= 2;
    return block;
}

static void *take(struct moon_arena *arena, size_t size)
{
    if (arena->fail_in && --arena->fail_in == 0) {
        arena->fail_in = 1; /* and every later one */
        return NULL;
    }
    if (size == 0)
        size = 1;
    if (size > SIZE_MAX - ALIGN - sizeof(struct block))
        return NULL;
    size_t aligned = (size + ALIGN - 1) / ALIGN * ALIGN;
    if (aligned > arena->bytes_max - arena->used_bytes)
        return NULL;
    struct block *block = block_for(arena, ONE_BY_ONE ? size : aligned);
    if (!block)
        return NULL;
    void *memory = block->bytes + block->used;
    block->used += ONE_BY_ONE ? size : aligned;
    arena->used_bytes += aligned;
    return memory;
}

void *moon_arena_raw(struct moon_arena *arena, size_t size)
{
    void *memory = take(arena, size);
    arena->failed = arena->failed || !memory;
    return memory;
}

void *moon_arena_alloc(struct moon_arena *arena, size_t size)
{
    void *memory = moon_arena_raw(arena, size);
    return memory ? memset(memory, 0, size ? size : 1) : NULL;
}

bool moon_arena_failed(const struct moon_arena *arena)
{
    return arena->failed;
}

void *moon_arena_array(struct moon_arena *arena, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return moon_arena_alloc(arena, SIZE_MAX); /* refused */
    return moon_arena_alloc(arena, count * size);
}

void *moon_arena_append(struct moon_arena *arena, void *items, size_t count, size_t size)
{
    if (count & (count - 1)) /* between two powers of two there is room already */
        return items;
    void *larger = moon_arena_array(arena, count ? 2 * count : 1, size);
    if (larger && count)
        memcpy(larger, items, count * size);
    return larger;
}

char *moon_arena_dup(struct moon_arena *arena, struct moon_span text)
{
    char *copy = moon_arena_raw(arena, text.n < SIZE_MAX ? text.n + 1 : SIZE_MAX);
    if (!copy)
        return NULL;
    if (text.n)
        memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return copy;
}

char *moon_arena_cstr(struct moon_arena *arena, const char *text)
{
    return moon_arena_dup(arena, moon_span_of(text));
}

#define PRINTED 512 /* most texts are shorter: those are printed once; others a second time */

/* Has the format no conversion but "%s"? So it is with most, and vsnprintf takes its time. */
static bool has_texts_only(const char *format)
{
    for (const char *p = strchr(format, '%'); p; p = strchr(p + 2, '%'))
        if (p[1] != 's')
            return false;
    return true;
}

static size_t put(char *out_r, const char *text, size_t n)
{
    if (out_r)
        memcpy(out_r, text, n);
    return n;
}

/* Prints such a format, not terminated, and returns the length; without `out_r` only that. */
static size_t print_texts(char *out_r, const char *format, va_list args)
{
    size_t length = 0;

    for (const char *p; (p = strchr(format, '%')) != NULL; format = p + 2) {
        const char *text = va_arg(args, const char *);
        length += put(out_r ? out_r + length : NULL, format, (size_t)(p - format));
        text = text ? text : "(null)"; /* as glibc has it */
        length += put(out_r ? out_r + length : NULL, text, strlen(text));
    }
    return length + put(out_r ? out_r + length : NULL, format, strlen(format));
}

static char *arena_texts(struct moon_arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    size_t length = print_texts(NULL, format, args);
    char *text = moon_arena_raw(arena, length + 1);
    if (text) {
        (void)print_texts(text, format, again); /* measured above */
        text[length] = '\0';
    }
    va_end(again);
    return text;
}

static char *arena_vprintf(struct moon_arena *arena, const char *format, va_list args)
{
    char printed[PRINTED];
    va_list again;
    if (has_texts_only(format))
        return arena_texts(arena, format, args);
    va_copy(again, args);
    int length = vsnprintf(printed, sizeof printed, format, args);
    char *text = length < 0 ? NULL : moon_arena_raw(arena, (size_t)length + 1);
    if (text && (size_t)length < sizeof printed)
        memcpy(text, printed, (size_t)length + 1);
    else if (text)
        (void)vsnprintf(text, (size_t)length + 1, format, again); /* measured above */
    va_end(again);
    return text;
}

char *moon_arena_printf(struct moon_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

size_t moon_arena_used_bytes(const struct moon_arena *arena)
{
    return arena->used_bytes;
}

void moon_arena_fail_at(struct moon_arena *arena, size_t n)
{
    arena->fail_in = n;
}

void moon_str_begin(struct moon_str *str, struct moon_arena *arena)
{
    *str = (struct moon_str){.arena = arena};
}

static void str_fail(struct moon_str *str)
{
    str->failed = true;
    str->capacity = str->length; /* no room, so that moon_str_add_char does not add either */
}

/* Room for n more bytes and the terminator. */
static bool str_reserve(struct moon_str *str, size_t n)
{
    if (str->failed)
        return false;
    if (n < str->capacity - str->length) /* capacity counts the terminator */
        return true;
    size_t wanted = str->capacity ? str->capacity : 64;
    while (wanted - str->length <= n) {
        if (wanted > SIZE_MAX / 2) {
            str_fail(str);
            return false;
        }
        wanted *= 2;
    }
    char *larger = moon_arena_raw(str->arena, wanted);
    if (!larger) {
        str_fail(str);
        return false;
    }
    if (str->length)
        memcpy(larger, str->text, str->length);
    str->text = larger;
    str->capacity = wanted;
    return true;
}

void moon_str_add_span(struct moon_str *str, struct moon_span span)
{
    if (!str_reserve(str, span.n) || span.n == 0)
        return;
    memcpy(str->text + str->length, span.p, span.n);
    str->length += span.n;
}

void moon_str_add(struct moon_str *str, const char *text)
{
    moon_str_add_span(str, moon_span_of(text));
}

void moon_str_add_char_slowly(struct moon_str *str, char c)
{
    if (!str_reserve(str, 1))
        return;
    str->text[str->length++] = c;
}

static void str_add_texts(struct moon_str *str, const char *format, va_list args)
{
    for (const char *p; (p = strchr(format, '%')) != NULL; format = p + 2) {
        const char *text = va_arg(args, const char *);
        moon_str_add_span(str, (struct moon_span){format, (size_t)(p - format)});
        moon_str_add(str, text ? text : "(null)"); /* as glibc has it */
    }
    moon_str_add(str, format);
}

void moon_str_addf(struct moon_str *str, const char *format, ...)
{
    char text[PRINTED]; /* longer additions are printed into the arena */
    va_list args;
    if (str->failed)
        return;
    va_start(args, format);
    if (has_texts_only(format)) {
        str_add_texts(str, format, args);
        va_end(args);
        return;
    }
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length >= 0 && (size_t)length < sizeof text) {
        moon_str_add_span(str, (struct moon_span){text, (size_t)length});
        return;
    }
    va_start(args, format);
    char *longer = arena_vprintf(str->arena, format, args);
    va_end(args);
    if (longer)
        moon_str_add(str, longer);
    else
        str_fail(str);
}

char *moon_str_end(struct moon_str *str)
{
    if (!str_reserve(str, 0))
        return NULL;
    str->text[str->length] = '\0';
    return str->text;
}
