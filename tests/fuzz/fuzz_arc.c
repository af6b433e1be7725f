/* SPDX-License-Identifier: MIT
 *
 * fuzz_arc: any bytes as the header of a message, surveyed for ARC fields. The survey never vouches
 * for anything, and its sets are in order and in range.
 */
#include <stdint.h>
#include <stdlib.h>

#include "engine/auth/arc.h"
#include "engine/base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct moon_arc *arc)
{
    if (arc->verified || arc->set_count > MOON_ARC_INSTANCES_MAX ||
        (arc->result != MOON_RESULT_NONE && arc->result != MOON_RESULT_NEUTRAL))
        abort();
    for (size_t i = 0; i < arc->set_count; i++)
        if (arc->sets[i].instance == 0 || arc->sets[i].instance > arc->instances ||
            (i > 0 && arc->sets[i].instance <= arc->sets[i - 1].instance))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_message msg = {.id = ""};
    struct moon_error error;
    struct moon_arc arc;

    if (!arena)
        return 0;
    if (moon_message_parse(arena, (struct moon_span){(const char *)data, size}, &msg, &error) ==
            MOON_OK &&
        moon_arc_survey(arena, &msg, &arc) == MOON_OK)
        check(&arc);
    moon_arena_destroy(&arena);
    return 0;
}
