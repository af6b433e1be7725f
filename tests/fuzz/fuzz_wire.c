/* SPDX-License-Identifier: MIT
 *
 * Fuzz target: a whole frame. What is understood must survive writing and reading again.
 *
 * Parser: engine/wire/wire_get.c
 * Parser: engine/cmd/intake.c
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cmd/intake.h"
#include "engine/wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

static struct moon_span payload_of(const struct moon_wire_out *out)
{
    enum moon_wire_type type;
    size_t n;
    must(moon_wire_head(out->bytes, &type, &n) && n == out->length - MOON_WIRE_HEAD_BYTES);
    return (struct moon_span){(const char *)out->bytes + MOON_WIRE_HEAD_BYTES, n};
}

static void same(struct moon_wire_out *first, struct moon_wire_out *second)
{
    must(first->length == second->length &&
         memcmp(first->bytes, second->bytes, first->length) == 0);
    moon_wire_out_free(first);
    moon_wire_out_free(second);
}

static void try_ready(struct moon_span payload)
{
    struct moon_wire_out first = {0}, second = {0};
    struct moon_wire_ready ready;
    const char *reason;
    if (!moon_wire_get_ready(payload, &ready, &reason))
        return;
    must(moon_wire_put_ready(&first, &ready));
    must(moon_wire_get_ready(payload_of(&first), &ready, &reason));
    must(moon_wire_put_ready(&second, &ready));
    same(&first, &second);
}

/* As a message: what it has is there, and nothing else. */
static void try_intake(const struct moon_request *request)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_error error = {""};
    struct moon_message msg;

    if (!arena)
        return;
    if (moon_intake(arena, request, -1, &msg, &error) == MOON_OK) {
        must(msg.recipient_count == request->recipient_count);
        must(msg.field_count <= request->field_count);
        for (size_t i = 0; i < msg.field_count; i++)
            must(msg.fields[i].index < request->field_count && msg.fields[i].name.n > 0);
    } else {
        must(error.text[0] != '\0');
    }
    moon_arena_destroy(&arena);
}

static void try_request(struct moon_span payload)
{
    struct moon_wire_out first = {0}, second = {0};
    struct moon_request request, again;
    const char *reason;
    if (!moon_wire_get_request(payload, &request, &reason))
        return;
    must(moon_wire_put_request(&first, &request));
    must(moon_wire_get_request(payload_of(&first), &again, &reason));
    must(moon_wire_put_request(&second, &again));
    try_intake(&request);
    moon_request_free(&request);
    moon_request_free(&again);
    same(&first, &second);
}

static void try_decision(struct moon_span payload)
{
    struct moon_wire_out first = {0}, second = {0};
    struct moon_decision decision, again;
    const char *reason;
    if (!moon_wire_get_decision(payload, &decision, &reason))
        return;
    must(moon_wire_put_decision(&first, &decision));
    must(moon_wire_get_decision(payload_of(&first), &again, &reason));
    must(moon_wire_put_decision(&second, &again));
    moon_decision_free(&decision);
    moon_decision_free(&again);
    same(&first, &second);
}

static void try_applied(struct moon_span payload)
{
    struct moon_wire_out first = {0}, second = {0};
    struct moon_applied applied, again;
    const char *reason;
    if (!moon_wire_get_applied(payload, &applied, &reason))
        return;
    must(moon_wire_put_applied(&first, &applied));
    must(moon_wire_get_applied(payload_of(&first), &again, &reason));
    must(moon_wire_put_applied(&second, &again));
    same(&first, &second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum moon_wire_type type;
    size_t n;

    if (size < MOON_WIRE_HEAD_BYTES || !moon_wire_head(data, &type, &n))
        return 0;
    /* The length in the head is not held against the input: it would only hide the payload. */
    struct moon_span payload = {(const char *)data + MOON_WIRE_HEAD_BYTES,
                                size - MOON_WIRE_HEAD_BYTES};
    if (type == MOON_WIRE_READY)
        try_ready(payload);
    else if (type == MOON_WIRE_REQUEST)
        try_request(payload);
    else if (type == MOON_WIRE_DECISION)
        try_decision(payload);
    else
        try_applied(payload);
    return 0;
}
