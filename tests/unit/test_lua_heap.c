/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/heap.c. Under the address sanitizer there is no region, and all comes from malloc:
 * the same must hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/status.h"
#include "lua/heap.h"

#define BLOCKS 300

static struct block {
    unsigned char *p, fill;
    size_t size;
} blocks[BLOCKS];

static void check(const struct block *block)
{
    for (size_t i = 0; i < block->size; i++)
        assert_int_equal(block->p[i], block->fill);
}

/* Every block keeps its bytes, whatever happens to the others. */
static void shuffle(struct moon_heap *heap, uint32_t seed, size_t steps, size_t size_max)
{
    for (size_t step = 0; step < steps; step++) {
        seed = seed * 1664525 + 1013904223;
        struct block *block = &blocks[(seed >> 8) % BLOCKS];
        seed = seed * 1664525 + 1013904223;
        size_t size = seed >> 30 ? (seed >> 8) % size_max : 0;
        size_t kept = size < block->size ? size : block->size;
        unsigned char *moved = moon_heap_resize(heap, block->p, block->p ? block->size : 5, size);
        assert_int_equal(moved != NULL, size != 0);
        assert_int_equal((uintptr_t)moved % 16, 0);
        for (size_t i = 0; i < kept; i++)
            assert_int_equal(moved[i], block->fill);
        *block = (struct block){moved, (unsigned char)(seed >> 4), size};
        if (size)
            memset(moved, block->fill, size);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        check(&blocks[i]);
        assert_null(moon_heap_resize(heap, blocks[i].p, blocks[i].size, 0));
        blocks[i] = (struct block){NULL, 0, 0};
    }
}

static void blocks_keep_their_bytes(void **state)
{
    static const size_t sizes[] = {40, 200, 1100, 3000}; /* the last ones fill the region */
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct moon_heap *heap = moon_heap_take();
        shuffle(heap, (uint32_t)i + 1, 20000, sizes[i]);
        moon_heap_give_back(&heap);
        assert_null(heap);
        shuffle(NULL, (uint32_t)i + 1, 2000, sizes[i]);
    }
}

/* Two states at a time: one has the region, the other malloc. */
static void one_has_it_at_a_time(void **state)
{
    (void)state;
    struct moon_heap *first = moon_heap_take(), *second = moon_heap_take();
    bool watched = first == NULL; /* each block by the sanitizer */
    assert_null(second);
    moon_heap_give_back(&second); /* nothing */
    assert_null(moon_heap_take());
    moon_heap_give_back(&first);
    first = moon_heap_take();
    assert_true(watched || first);
    moon_heap_give_back(&first);
}

/* Lua relies on it that nothing fails that frees memory. */
static void a_block_shrinks_where_it_is_when_the_region_is_full(void **state)
{
    struct moon_heap *heap = moon_heap_take();
    char *all[400];
    size_t count = 0;
    (void)state;
    for (; count < 400; count++) {
        all[count] = moon_heap_resize(heap, NULL, 0, 1024);
        assert_non_null(all[count]);
    }
    memcpy(all[0], "first", 6);
    char *shrunk = moon_heap_resize(heap, all[0], 1024, 100);
    assert_true(!heap || shrunk == all[0]);
    assert_string_equal(shrunk, "first");
    assert_null(moon_heap_resize(heap, shrunk, 100, 0));
    char *again = moon_heap_resize(heap, NULL, 0, 100);
    assert_true(!heap || again == shrunk); /* its hole is one of its last size */
    assert_null(moon_heap_resize(heap, again, 100, 0));
    for (size_t i = 1; i < count; i++)
        assert_null(moon_heap_resize(heap, all[i], 1024, 0));
    moon_heap_give_back(&heap);
}

static void a_region_is_empty_when_it_is_taken_again(void **state)
{
    void *first = NULL;
    (void)state;
    for (size_t i = 0; i < 1000; i++) { /* much more than it holds, were nothing given back */
        struct moon_heap *heap = moon_heap_take();
        void *block = moon_heap_resize(heap, NULL, 0, 1000);
        assert_true(!heap || i == 0 || block == first);
        first = block;
        assert_null(moon_heap_resize(heap, block, 1000, 0));
        moon_heap_give_back(&heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_their_bytes),
        cmocka_unit_test(one_has_it_at_a_time),
        cmocka_unit_test(a_block_shrinks_where_it_is_when_the_region_is_full),
        cmocka_unit_test(a_region_is_empty_when_it_is_taken_again),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
