/* SPDX-License-Identifier: MIT
 *
 * fuzz_aar: any bytes as the value of an ARC-Authentication-Results field. What comes out keeps the
 * limits, and no word of it can be taken for structure.
 *
 * Parser: engine/auth/arc_aar.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/auth/arc_aar.h"
#include "engine/base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* Lower case, at most one dot, nothing else. */
static void check_name(const char *name, bool dot_allowed)
{
    must(name && *name && *name != '.' && name[strlen(name) - 1] != '.');
    for (; *name; name++) {
        if (*name == '.') {
            must(dot_allowed);
            dot_allowed = false;
        } else {
            must(moon_is_alnum(*name) || *name == '-' || *name == '_');
            must(moon_lower(*name) == *name);
        }
    }
}

static void check(const struct moon_aar *aar)
{
    must(aar->instance <= MOON_ARC_INSTANCES_MAX && aar->result_count <= MOON_ARC_RESULTS_MAX);
    must(aar->authserv_id ? aar->instance > 0 : aar->result_count == 0);
    for (size_t i = 0; i < aar->result_count; i++) {
        const struct moon_arc_result *result = &aar->results[i];
        check_name(result->method, false);
        check_name(result->result, false);
        must(!result->reason || strlen(result->reason) <= MOON_ARC_VALUE_MAX);
        must(result->property_count <= MOON_ARC_PROPERTIES_MAX);
        for (size_t k = 0; k < result->property_count; k++) {
            check_name(result->properties[k].name, true);
            must(strlen(result->properties[k].value) <= MOON_ARC_VALUE_MAX);
            for (size_t j = 0; j < k; j++)
                must(strcmp(result->properties[j].name, result->properties[k].name) != 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_arena *arena = moon_arena_create(16u << 20);
    struct moon_aar aar;

    if (!arena)
        return 0;
    must(moon_aar_parse(arena, (struct moon_span){(const char *)data, size}, &aar) == MOON_OK);
    check(&aar);
    moon_arena_destroy(&arena);
    return 0;
}
