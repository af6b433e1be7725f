/* SPDX-License-Identifier: MIT
 *
 * wire: structures to frames. wire_get.c is the way back, wire_io.c moves frames over a socket.
 *
 *  1 leave room for the head;
 *  2 append the items; an item with its default value (0, empty) is left out;
 *  3 append END and write the head, now that the length is known.
 */
#include "engine/wire/wire.h"

#include <stdlib.h>
#include <string.h>

#include "engine/wire/wire_tags.h"

static size_t type_max(enum moon_wire_type type)
{
    switch (type) {
    case MOON_WIRE_REQUEST:
        return MOON_WIRE_REQUEST_MAX;
    case MOON_WIRE_DECISION:
        return MOON_WIRE_DECISION_MAX;
    case MOON_WIRE_READY:
    case MOON_WIRE_APPLIED:
        return MOON_WIRE_SMALL_MAX;
    }
    return 0;
}

void moon_wire_out_free(struct moon_wire_out *out)
{
    free(out->bytes);
    *out = (struct moon_wire_out){0};
}

static bool out_room(struct moon_wire_out *out, size_t more)
{
    if (out->failed || more > out->max || out->length > out->max - more) {
        out->failed = true;
        return false;
    }
    if (more <= out->capacity - out->length)
        return true;
    size_t capacity = out->capacity ? out->capacity : 1024;
    while (capacity - out->length < more) /* ends: max is far below SIZE_MAX / 2 */
        capacity *= 2;
    unsigned char *bytes = realloc(out->bytes, capacity);
    if (!bytes) {
        out->failed = true;
        return false;
    }
    out->bytes = bytes;
    out->capacity = capacity;
    return true;
}

static void out_bytes(struct moon_wire_out *out, const void *bytes, size_t n)
{
    if (!out_room(out, n) || n == 0)
        return;
    memcpy(out->bytes + out->length, bytes, n);
    out->length += n;
}

static void out_number(struct moon_wire_out *out, uint64_t value, unsigned size)
{
    unsigned char bytes[8];
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (unsigned char)(value >> (8 * (size - 1 - i)));
    out_bytes(out, bytes, size);
}

static void out_item(struct moon_wire_out *out, unsigned tag, size_t n)
{
    if (n > out->max) { /* also keeps the length within 32 bits */
        out->failed = true;
        return;
    }
    out_number(out, tag, 2);
    out_number(out, n, 4);
}

static void put_number(struct moon_wire_out *out, unsigned tag, uint64_t value, unsigned size)
{
    if (value == 0)
        return;
    out_item(out, tag, size);
    out_number(out, value, size);
}

static void put_text(struct moon_wire_out *out, unsigned tag, struct moon_span text)
{
    if (text.n == 0)
        return;
    out_item(out, tag, text.n);
    out_bytes(out, text.p, text.n);
}

/* An item that is one byte and a text. */
static void put_marked(struct moon_wire_out *out, unsigned tag, uint8_t mark, struct moon_span text)
{
    if (text.n >= out->max) {
        out->failed = true;
        return;
    }
    out_item(out, tag, text.n + 1);
    out_number(out, mark, 1);
    out_bytes(out, text.p, text.n);
}

static void put_indices(struct moon_wire_out *out, unsigned tag, const uint32_t *items,
                        uint32_t count)
{
    if (count == 0)
        return;
    out_item(out, tag, (size_t)count * 4);
    for (uint32_t i = 0; i < count && !out->failed; i++)
        out_number(out, items[i], 4);
}

static void put_begin(struct moon_wire_out *out, enum moon_wire_type type)
{
    static const unsigned char room[MOON_WIRE_HEAD_BYTES];

    out->length = 0;
    out->failed = false;
    out->max = type_max(type);
    out_bytes(out, room, sizeof room);
}

static bool put_end(struct moon_wire_out *out, enum moon_wire_type type)
{
    out_item(out, MOON_WIRE_TAG_END, 0);
    if (out->failed)
        return false;
    size_t following = out->length - 4;
    for (unsigned i = 0; i < 4; i++)
        out->bytes[i] = (unsigned char)(following >> (8 * (3 - i)));
    out->bytes[4] = (unsigned char)type;
    out->bytes[5] = MOON_WIRE_VERSION;
    return true;
}

bool moon_wire_put_ready(struct moon_wire_out *out, const struct moon_wire_ready *ready)
{
    put_begin(out, MOON_WIRE_READY);
    put_number(out, MOON_WIRE_READY_FAILURE, ready->failure, 1);
    put_number(out, MOON_WIRE_READY_MESSAGE_MS, ready->message_ms, 4);
    put_text(out, MOON_WIRE_READY_TROUBLE, ready->trouble);
    return put_end(out, MOON_WIRE_READY);
}

bool moon_wire_put_request(struct moon_wire_out *out, const struct moon_request *request)
{
    put_begin(out, MOON_WIRE_REQUEST);
    put_number(out, MOON_WIRE_REQUEST_FLAGS, request->flags, 4);
    put_text(out, MOON_WIRE_REQUEST_ID, request->id);
    put_text(out, MOON_WIRE_REQUEST_CLIENT_IP, request->client_ip);
    put_text(out, MOON_WIRE_REQUEST_HOST_NAME, request->host_name);
    put_text(out, MOON_WIRE_REQUEST_HELO, request->helo);
    put_text(out, MOON_WIRE_REQUEST_PROTOCOL, request->protocol);
    put_text(out, MOON_WIRE_REQUEST_TLS, request->tls);
    put_text(out, MOON_WIRE_REQUEST_TLS_VERSION, request->tls_version);
    put_text(out, MOON_WIRE_REQUEST_AUTHENTICATED, request->authenticated);
    put_text(out, MOON_WIRE_REQUEST_AUTHENTICATED_ID, request->authenticated_id);
    put_text(out, MOON_WIRE_REQUEST_INTERFACE_IP, request->interface_ip);
    put_text(out, MOON_WIRE_REQUEST_RECEIVER_NAME, request->receiver_name);
    put_text(out, MOON_WIRE_REQUEST_TENANTS, request->tenants);
    put_text(out, MOON_WIRE_REQUEST_MAIL_FROM, request->mail_from);
    put_number(out, MOON_WIRE_REQUEST_CLIENT_PORT, request->client_port, 4);
    put_number(out, MOON_WIRE_REQUEST_INTERFACE_PORT, request->interface_port, 4);
    put_number(out, MOON_WIRE_REQUEST_BODY_START, request->body_start_bytes, 8);
    put_number(out, MOON_WIRE_REQUEST_RECEIVED_S, (uint64_t)request->received_s, 8);
    put_number(out, MOON_WIRE_REQUEST_WAITED_MS, request->waited_ms, 4);
    put_number(out, MOON_WIRE_REQUEST_READY_BY_MS, (uint64_t)request->ready_by_ms, 8);
    for (uint32_t i = 0; i < request->recipient_count && !out->failed; i++) {
        /* An empty one too: the index counts. */
        out_item(out, MOON_WIRE_REQUEST_RECIPIENT, request->recipients[i].n);
        out_bytes(out, request->recipients[i].p, request->recipients[i].n);
    }
    for (uint32_t i = 0; i < request->field_count && !out->failed; i++)
        put_marked(out, MOON_WIRE_REQUEST_FIELD, (uint8_t)request->fields[i].type,
                   request->fields[i].text);
    return put_end(out, MOON_WIRE_REQUEST);
}

bool moon_wire_put_decision(struct moon_wire_out *out, const struct moon_decision *decision)
{
    put_begin(out, MOON_WIRE_DECISION);
    put_number(out, MOON_WIRE_DECISION_VERDICT, decision->verdict, 1);
    put_text(out, MOON_WIRE_DECISION_REPLY, decision->reply);
    put_text(out, MOON_WIRE_DECISION_DATA, decision->data);
    put_text(out, MOON_WIRE_DECISION_LOG, decision->log);
    for (uint32_t i = 0; i < decision->added_count && !out->failed; i++)
        put_marked(out, MOON_WIRE_DECISION_ADDED, decision->added[i].where,
                   decision->added[i].text);
    put_indices(out, MOON_WIRE_DECISION_REMOVED_FIELDS, decision->removed_fields,
                decision->removed_field_count);
    put_indices(out, MOON_WIRE_DECISION_REMOVED_RECIPIENTS, decision->removed_recipients,
                decision->removed_recipient_count);
    put_text(out, MOON_WIRE_DECISION_FAILURE, decision->failure);
    for (unsigned i = 1; i < MOON_WIRE_WORD_COUNT && !out->failed; i++)
        if (decision->words[i].n)
            put_marked(out, MOON_WIRE_DECISION_WORD, (uint8_t)i, decision->words[i]);
    return put_end(out, MOON_WIRE_DECISION);
}

bool moon_wire_put_applied(struct moon_wire_out *out, const struct moon_applied *applied)
{
    put_begin(out, MOON_WIRE_APPLIED);
    put_number(out, MOON_WIRE_APPLIED_VERDICT, applied->verdict, 1);
    put_number(out, MOON_WIRE_APPLIED_ADDED, applied->added_count, 4);
    put_number(out, MOON_WIRE_APPLIED_FIELDS, applied->removed_field_count, 4);
    put_number(out, MOON_WIRE_APPLIED_RECIPIENTS, applied->removed_recipient_count, 4);
    put_text(out, MOON_WIRE_APPLIED_TEXT, applied->text);
    return put_end(out, MOON_WIRE_APPLIED);
}

bool moon_wire_head(const unsigned char head[MOON_WIRE_HEAD_BYTES], enum moon_wire_type *type_r,
                    size_t *payload_r)
{
    struct moon_span span = {(const char *)head, MOON_WIRE_HEAD_BYTES};
    struct moon_buf buf = moon_buf_of(span);
    uint32_t following = moon_buf_u32(&buf);
    unsigned type = moon_buf_u8(&buf), version = moon_buf_u8(&buf);

    if (type < MOON_WIRE_READY || type > MOON_WIRE_APPLIED)
        return false;
    if (version == 0 || version > MOON_WIRE_VERSION + 1)
        return false;
    if (following < 2 || following > type_max((enum moon_wire_type)type) - 4)
        return false;
    *type_r = (enum moon_wire_type)type;
    *payload_r = following - 2;
    return true;
}
