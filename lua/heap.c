/* SPDX-License-Identifier: MIT
 *
 * heap: see the header. Blocks are multiples of GRAIN bytes, cut one after the other from the
 * region; a freed one waits in the list of its size. What is in the region can be told by its
 * address.
 */
#include "lua/heap.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define GRAIN        16u
#define SMALL_MAX    1024u         /* tables and functions; not texts of a message */
#define REGION_BYTES (128u * 1024) /* twice what the shipped policies need */

struct hole {
    struct hole *next;
};

struct moon_heap {
    bool taken;
    size_t used;
    struct hole *holes[SMALL_MAX / GRAIN]; /* by size */
    _Alignas(GRAIN) char bytes[REGION_BYTES];
};

#if defined(__SANITIZE_ADDRESS__)
#define EACH_WATCHED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH_WATCHED true
#endif
#endif
#ifndef EACH_WATCHED
#define EACH_WATCHED false
#endif

static struct moon_heap region; /* of the process; pages that nobody uses cost nothing */

struct moon_heap *moon_heap_take(void)
{
    if (region.taken || EACH_WATCHED)
        return NULL;
    region.taken = true;
    region.used = 0;
    memset(region.holes, 0, sizeof region.holes);
    return &region;
}

void moon_heap_give_back(struct moon_heap **heap)
{
    if (*heap)
        (*heap)->taken = false;
    *heap = NULL;
}

/* Sizes from 1 to SMALL_MAX. */
static size_t class_of(size_t size)
{
    return (size - 1) / GRAIN;
}

static bool is_of_region(const struct moon_heap *heap, const void *block)
{
    return heap && (uintptr_t)block - (uintptr_t)heap->bytes < sizeof heap->bytes;
}

/* Out of the region; NULL when it has no such block. */
static void *cut(struct moon_heap *heap, size_t size)
{
    size_t class = class_of(size), bytes = (class + 1) * GRAIN;
    struct hole *hole = heap->holes[class];

    if (hole) {
        heap->holes[class] = hole->next;
        return hole;
    }
    if (bytes > sizeof heap->bytes - heap->used)
        return NULL;
    heap->used += bytes;
    return heap->bytes + heap->used - bytes;
}

static void *make(struct moon_heap *heap, size_t size)
{
    void *block = heap && size <= SMALL_MAX ? cut(heap, size) : NULL;
    return block ? block : malloc(size);
}

static void end(struct moon_heap *heap, void *block, size_t size)
{
    struct hole *hole = block; /* GRAIN bytes hold one */
    hole->next = heap->holes[class_of(size)];
    heap->holes[class_of(size)] = hole;
}

void *moon_heap_resize(struct moon_heap *heap, void *block, size_t old_size, size_t size)
{
    if (!block)
        return size ? make(heap, size) : NULL;
    if (!is_of_region(heap, block)) {
        if (size)
            return realloc(block, size);
        free(block);
        return NULL;
    }
    if (size == 0) {
        end(heap, block, old_size);
        return NULL;
    }
    if (size <= SMALL_MAX && class_of(size) == class_of(old_size))
        return block;
    void *moved = size < old_size ? cut(heap, size) : make(heap, size);
    if (!moved) /* one that shrinks is a small one from now on, with room behind it */
        return size < old_size ? block : NULL;
    memcpy(moved, block, size < old_size ? size : old_size);
    end(heap, block, old_size);
    return moved;
}
