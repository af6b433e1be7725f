/* SPDX-License-Identifier: MIT
 *
 * heap: memory for the Lua state of a decision. A state makes some hundred small blocks and frees
 * them all a moment later; out of a region that the process keeps they cost a few instructions
 * each. Knows no lua.h.
 */
#ifndef MOON_LUA_HEAP_H
#define MOON_LUA_HEAP_H

#include <stddef.h>

struct moon_heap;

/* The process's only one, empty, or NULL while somebody has it. (Under the address sanitizer there
 * is none, so that each block is watched.) */
struct moon_heap *moon_heap_take(void);
/* All its blocks are gone; nulls *heap, which may be NULL already. */
void moon_heap_give_back(struct moon_heap **heap);

/* What Lua wants of an allocator: a new block (`block` NULL; `old_size` says nothing), another size
 * for one, its end (`size` 0: NULL comes back). `old_size` is what it was made with. Large blocks,
 * and those for which there is no room, come from malloc; with `heap` NULL all do. NULL when there
 * is no memory, never for a block that shrinks. */
void *moon_heap_resize(struct moon_heap *heap, void *block, size_t old_size, size_t size);

#endif
