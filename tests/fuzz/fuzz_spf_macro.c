/* SPDX-License-Identifier: MIT
 *
 * fuzz_spf_macro: the first byte says where the text stands and which client it is; what is valid
 * is expanded within its bound, and turned into a name that keeps the limits of DNS.
 *
 * Parser: engine/auth/spf_macro.c
 */
#include <stdlib.h>
#include <string.h>

#include "engine/auth/spf_macro.h"
#include "engine/base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct moon_spf_vars make_vars(bool six)
{
    return (struct moon_spf_vars){
        .sender = "a+b-c.d\\ e@Sender.example",
        .local = "a+b-c.d\\ e",
        .sender_domain = "sender.example",
        .helo = "[192.0.2.1]",
        .receiver = "receiver.example",
        .ip = {.family = six ? 6 : 4, .bytes = {0x20, 0x01, 0x0d, 0xb8}},
        .now_s = 1700000000,
    };
}

static void check_name(struct moon_arena *arena, const char *expanded)
{
    struct moon_spf_target target;

    if (moon_spf_target_of(arena, expanded, &target) != MOON_OK)
        abort();
    if (strlen(target.text) > MOON_DOMAIN_MAX)
        abort();
    if (target.name &&
        (target.labels == 0 || strstr(target.name, "..") || strchr(target.name, ' ')))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum moon_spf_macro_place place = (enum moon_spf_macro_place)(data[0] % 3);
    size_t max =
        place == MOON_SPF_MACRO_EXPLANATION ? MOON_SPF_EXPLANATION_MAX : MOON_DOMAIN_MAX + 2;
    struct moon_span text = {(const char *)data + 1, size - 1};
    struct moon_spf_vars vars = make_vars(data[0] & 0x80);
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);

    if (arena && moon_spf_macro_valid(text, place)) {
        const char *expanded = moon_spf_macro_expand(arena, text, place, &vars, "current.example",
                                                     "validated.example", max);
        if (!expanded || strlen(expanded) > max)
            abort();
        (void)moon_spf_macro_uses(text, "sl"); /* must only not crash */
        check_name(arena, expanded);
    }
    moon_arena_destroy(&arena);
    return 0;
}
