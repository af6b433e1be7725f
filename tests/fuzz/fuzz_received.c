/* SPDX-License-Identifier: MIT
 *
 * fuzz_received: any bytes as the value of a Received field. What is read out of it stands in it,
 * and nothing that follows in the comments of the field can give it a client that it names twice.
 * The same bytes as a header behind a trusted hop.
 *
 * Parser: engine/message/received.c
 * Parser: engine/message/hops.c
 */
#include <stdint.h>
#include <stdlib.h>

#include "engine/base/limits.h"
#include "engine/message/hops.h"
#include "engine/message/received.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int condition)
{
    if (!condition)
        abort();
}

static void inside(struct moon_span part, struct moon_span whole)
{
    need(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

/* Behind the last comment in front of "by"; 0: not found, or not as simple as that. */
static size_t before_by(struct moon_span text)
{
    unsigned depth = 0;

    for (size_t i = 0; i + 4 < text.n; i++) {
        if (text.p[i] == '\\')
            return 0;
        depth += text.p[i] == '(';
        depth -= text.p[i] == ')' && depth > 0;
        if (depth > 0 || text.p[i] != ')')
            continue;
        if (moon_span_eq_nocase(moon_span_sub(text, i, 4), MOON_SPAN(") by")))
            return i + 1;
        struct moon_span rest = moon_span_trim(moon_span_sub(text, i + 1, text.n));
        if (moon_span_eq_nocase(moon_span_sub(rest, 0, 2), MOON_SPAN("by")))
            return 0; /* written in another way */
    }
    return 0;
}

/* A client is read only where its address stands, as the text of one reading or another. */
static void check(struct moon_span text)
{
    struct moon_received received = moon_received_parse(text);

    inside(received.helo, text);
    inside(received.host_name, text);
    need((received.kind == MOON_RECEIVED_CLIENT) <= (received.ip.family != 0));
    if (received.kind != MOON_RECEIVED_CLIENT)
        return;
    /* One more address in a comment of its own: two could be meant. */
    size_t by = before_by(text);
    struct moon_arena *arena = moon_arena_create(1 << 20);
    if (arena && by) {
        char *twice = moon_arena_printf(arena, "%.*s ([203.0.113.77]) %.*s", (int)by, text.p,
                                        (int)(text.n - by), text.p + by);
        need(twice && moon_received_parse(moon_span_of(twice)).kind == MOON_RECEIVED_UNCLEAR);
    }
    moon_arena_destroy(&arena);
}

static void follow(struct moon_arena *arena, struct moon_span header)
{
    struct moon_message msg = {.id = "", .session = {.helo = ""}};
    struct moon_net net = {.bits = 24};
    struct moon_error error;

    (void)moon_ip_parse(MOON_SPAN("192.0.2.2"), &msg.session.ip); /* a constant */
    net.ip = msg.session.ip;
    if (moon_message_parse(arena, header, &msg, &error) != MOON_OK ||
        moon_hops_follow(arena, &net, 1, &msg) != MOON_OK)
        return;
    need(msg.session.hop.family == 4 && msg.session.helo);
    need((msg.session.hop_reason != NULL) == (msg.session.ip.family == 0));
    need(!moon_net_has(&net, &msg.session.ip));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_span bytes = {(const char *)data, size};
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);

    if (!arena)
        return 0;
    check(bytes);
    follow(arena, bytes);
    moon_arena_destroy(&arena);
    return 0;
}
