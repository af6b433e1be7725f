/* SPDX-License-Identifier: MIT
 *
 * wire_get: payloads to structures.
 *
 *  1 walk the items once, checking their bounds and counting the repeated ones;
 *  2 allocate what was counted (the counts have limits);
 *  3 walk again and fill in; a number of another size than its tag has is refused.
 */
#include "engine/wire/wire.h"

#include <stdlib.h>

#include "engine/base/limits.h"
#include "engine/wire/wire_tags.h"

struct wire_item {
    unsigned tag;
    struct moon_span bytes;
};

/* The next item; false at END and when the payload is wrong (then buf->failed). */
static bool next_item(struct moon_buf *buf, struct wire_item *item)
{
    item->tag = moon_buf_u16(buf);
    uint32_t n = moon_buf_u32(buf);
    item->bytes = moon_buf_take(buf, n);
    if (buf->failed)
        return false;
    if (item->tag == MOON_WIRE_TAG_END) {
        buf->failed = n != 0 || !moon_buf_at_end(buf);
        return false;
    }
    return true;
}

/* Step 1. `tags` (`n` of them) are the repeated ones, their counts go to counts[]. */
static bool count_items(struct moon_span payload, const unsigned *tags, uint32_t *counts, size_t n)
{
    struct moon_buf buf = moon_buf_of(payload);
    struct wire_item item;

    while (next_item(&buf, &item)) /* every item takes bytes: bounded by the payload */
        for (size_t i = 0; i < n; i++)
            if (item.tag == tags[i])
                counts[i]++;
    return !buf.failed;
}

static bool get_number(const struct wire_item *item, unsigned size, uint64_t *value_r)
{
    if (item->bytes.n != size)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < item->bytes.n; i++)
        value = value << 8 | (unsigned char)item->bytes.p[i];
    *value_r = value;
    return true;
}

static bool get_u8(const struct wire_item *item, uint8_t *value_r)
{
    uint64_t value;
    if (!get_number(item, 1, &value))
        return false;
    *value_r = (uint8_t)value;
    return true;
}

static bool get_u32(const struct wire_item *item, uint32_t *value_r)
{
    uint64_t value;
    if (!get_number(item, 4, &value))
        return false;
    *value_r = (uint32_t)value;
    return true;
}

/* One byte and a text. */
static bool get_marked(const struct wire_item *item, uint8_t *mark_r, struct moon_span *text_r)
{
    if (item->bytes.n < 1)
        return false;
    *mark_r = (uint8_t)item->bytes.p[0];
    *text_r = moon_span_sub(item->bytes, 1, item->bytes.n - 1);
    return true;
}

static bool get_indices(const struct wire_item *item, uint32_t max, uint32_t **items_r,
                        uint32_t *count_r)
{
    if (*items_r || item->bytes.n == 0 || item->bytes.n % 4 || item->bytes.n / 4 > max)
        return false;
    uint32_t count = (uint32_t)(item->bytes.n / 4);
    uint32_t *items = calloc(count, sizeof *items);
    if (!items)
        return false;
    struct moon_buf buf = moon_buf_of(item->bytes);
    for (uint32_t i = 0; i < count; i++)
        items[i] = moon_buf_u32(&buf);
    *items_r = items;
    *count_r = count;
    return true;
}

bool moon_wire_get_ready(struct moon_span payload, struct moon_wire_ready *ready_r,
                         const char **reason_r)
{
    struct moon_buf buf = moon_buf_of(payload);
    struct wire_item item;

    *ready_r = (struct moon_wire_ready){0};
    *reason_r = "READY is cut or has an item of a wrong size";
    while (next_item(&buf, &item)) {
        if (item.tag == MOON_WIRE_READY_FAILURE && !get_u8(&item, &ready_r->failure))
            return false;
        if (item.tag == MOON_WIRE_READY_MESSAGE_MS && !get_u32(&item, &ready_r->message_ms))
            return false;
        if (item.tag == MOON_WIRE_READY_TROUBLE)
            ready_r->trouble = item.bytes;
    }
    if (buf.failed)
        return false;
    *reason_r = "READY names no failure verdict";
    return ready_r->failure >= MOON_WIRE_ACCEPT && ready_r->failure <= MOON_WIRE_DEFER;
}

static struct moon_span *request_text(struct moon_request *request, unsigned tag)
{
    switch (tag) {
    case MOON_WIRE_REQUEST_ID:
        return &request->id;
    case MOON_WIRE_REQUEST_CLIENT_IP:
        return &request->client_ip;
    case MOON_WIRE_REQUEST_HOST_NAME:
        return &request->host_name;
    case MOON_WIRE_REQUEST_HELO:
        return &request->helo;
    case MOON_WIRE_REQUEST_PROTOCOL:
        return &request->protocol;
    case MOON_WIRE_REQUEST_TLS:
        return &request->tls;
    case MOON_WIRE_REQUEST_TLS_VERSION:
        return &request->tls_version;
    case MOON_WIRE_REQUEST_AUTHENTICATED:
        return &request->authenticated;
    case MOON_WIRE_REQUEST_AUTHENTICATED_ID:
        return &request->authenticated_id;
    case MOON_WIRE_REQUEST_INTERFACE_IP:
        return &request->interface_ip;
    case MOON_WIRE_REQUEST_RECEIVER_NAME:
        return &request->receiver_name;
    case MOON_WIRE_REQUEST_TENANTS:
        return &request->tenants;
    case MOON_WIRE_REQUEST_MAIL_FROM:
        return &request->mail_from;
    default:
        return NULL;
    }
}

static bool request_item(struct moon_request *request, const struct wire_item *item)
{
    struct moon_span *text = request_text(request, item->tag);
    uint64_t value;
    uint8_t type;

    if (text) {
        *text = item->bytes;
        return true;
    }
    switch (item->tag) {
    case MOON_WIRE_REQUEST_FLAGS:
        return get_u32(item, &request->flags);
    case MOON_WIRE_REQUEST_CLIENT_PORT:
        return get_u32(item, &request->client_port);
    case MOON_WIRE_REQUEST_INTERFACE_PORT:
        return get_u32(item, &request->interface_port);
    case MOON_WIRE_REQUEST_WAITED_MS:
        return get_u32(item, &request->waited_ms);
    case MOON_WIRE_REQUEST_BODY_START:
        return get_number(item, 8, &request->body_start_bytes);
    case MOON_WIRE_REQUEST_RECEIVED_S:
        if (!get_number(item, 8, &value))
            return false;
        request->received_s = (int64_t)value;
        return true;
    case MOON_WIRE_REQUEST_READY_BY_MS:
        if (!get_number(item, 8, &value))
            return false;
        request->ready_by_ms = (int64_t)value;
        return true;
    case MOON_WIRE_REQUEST_RECIPIENT:
        request->recipients[request->recipient_count++] = item->bytes;
        return true;
    case MOON_WIRE_REQUEST_FIELD:
        if (!get_marked(item, &type, &request->fields[request->field_count].text))
            return false;
        request->fields[request->field_count++].type = (char)type;
        return true;
    default:
        return true; /* of a later version */
    }
}

bool moon_wire_get_request(struct moon_span payload, struct moon_request *request_r,
                           const char **reason_r)
{
    static const unsigned repeated[2] = {MOON_WIRE_REQUEST_RECIPIENT, MOON_WIRE_REQUEST_FIELD};
    struct moon_buf buf = moon_buf_of(payload);
    struct wire_item item;
    uint32_t counts[2] = {0, 0};

    *request_r = (struct moon_request){0};
    *reason_r = "REQUEST is cut or has an item of a wrong size";
    if (!count_items(payload, repeated, counts, 2))
        return false;
    *reason_r = "REQUEST has too many recipients or fields";
    if (counts[0] > MOON_RECIPIENTS_MAX || counts[1] > MOON_FIELDS_MAX)
        return false;
    *reason_r = "out of memory";
    request_r->recipients = calloc((size_t)counts[0] + 1, sizeof *request_r->recipients);
    request_r->fields = calloc((size_t)counts[1] + 1, sizeof *request_r->fields);
    bool good = request_r->recipients && request_r->fields;
    if (good)
        *reason_r = "REQUEST has an item of a wrong size";
    while (good && next_item(&buf, &item))
        good = request_item(request_r, &item);
    if (!good)
        moon_request_free(request_r);
    return good;
}

static bool decision_word(struct moon_decision *decision, const struct wire_item *item)
{
    struct moon_span text;
    uint8_t word;

    if (!get_marked(item, &word, &text))
        return false;
    if (word > 0 && word < MOON_WIRE_WORD_COUNT) /* else of a later version */
        decision->words[word] = text;
    return true;
}

static bool decision_item(struct moon_decision *decision, const struct wire_item *item)
{
    struct moon_wire_added *added;

    switch (item->tag) {
    case MOON_WIRE_DECISION_VERDICT:
        return get_u8(item, &decision->verdict);
    case MOON_WIRE_DECISION_REPLY:
        decision->reply = item->bytes;
        return true;
    case MOON_WIRE_DECISION_DATA:
        decision->data = item->bytes;
        return true;
    case MOON_WIRE_DECISION_LOG:
        decision->log = item->bytes;
        return true;
    case MOON_WIRE_DECISION_ADDED:
        added = &decision->added[decision->added_count++];
        return get_marked(item, &added->where, &added->text) && added->where >= MOON_WIRE_TOP &&
               added->where <= MOON_WIRE_BOTTOM;
    case MOON_WIRE_DECISION_REMOVED_FIELDS:
        return get_indices(item, MOON_FIELDS_MAX, &decision->removed_fields,
                           &decision->removed_field_count);
    case MOON_WIRE_DECISION_REMOVED_RECIPIENTS:
        return get_indices(item, MOON_RECIPIENTS_MAX, &decision->removed_recipients,
                           &decision->removed_recipient_count);
    case MOON_WIRE_DECISION_FAILURE:
        decision->failure = item->bytes;
        return true;
    case MOON_WIRE_DECISION_WORD:
        return decision_word(decision, item);
    default:
        return true; /* of a later version */
    }
}

bool moon_wire_get_decision(struct moon_span payload, struct moon_decision *decision_r,
                            const char **reason_r)
{
    static const unsigned repeated[1] = {MOON_WIRE_DECISION_ADDED};
    struct moon_buf buf = moon_buf_of(payload);
    struct wire_item item;
    uint32_t count = 0;

    *decision_r = (struct moon_decision){0};
    *reason_r = "DECISION is cut or has an item of a wrong size";
    if (!count_items(payload, repeated, &count, 1))
        return false;
    *reason_r = "DECISION adds too many fields";
    if (count > MOON_ADDED_MAX)
        return false;
    *reason_r = "out of memory";
    decision_r->added = calloc((size_t)count + 1, sizeof *decision_r->added);
    bool good = decision_r->added != NULL;
    if (good)
        *reason_r = "DECISION has an item of a wrong size or value";
    while (good && next_item(&buf, &item))
        good = decision_item(decision_r, &item);
    if (good &&
        (decision_r->verdict < MOON_WIRE_ACCEPT || decision_r->verdict > MOON_WIRE_FREEZE)) {
        *reason_r = "DECISION has no verdict";
        good = false;
    }
    if (!good)
        moon_decision_free(decision_r);
    return good;
}

bool moon_wire_get_applied(struct moon_span payload, struct moon_applied *applied_r,
                           const char **reason_r)
{
    struct moon_buf buf = moon_buf_of(payload);
    struct wire_item item;
    bool good = true;

    *applied_r = (struct moon_applied){0};
    *reason_r = "APPLIED is cut or has an item of a wrong size";
    while (good && next_item(&buf, &item)) {
        if (item.tag == MOON_WIRE_APPLIED_VERDICT)
            good = get_u8(&item, &applied_r->verdict);
        else if (item.tag == MOON_WIRE_APPLIED_ADDED)
            good = get_u32(&item, &applied_r->added_count);
        else if (item.tag == MOON_WIRE_APPLIED_FIELDS)
            good = get_u32(&item, &applied_r->removed_field_count);
        else if (item.tag == MOON_WIRE_APPLIED_RECIPIENTS)
            good = get_u32(&item, &applied_r->removed_recipient_count);
        else if (item.tag == MOON_WIRE_APPLIED_TEXT)
            applied_r->text = item.bytes;
    }
    if (!good || buf.failed)
        return false;
    *reason_r = "APPLIED has no verdict";
    return applied_r->verdict >= MOON_WIRE_ACCEPT && applied_r->verdict <= MOON_WIRE_REFUSED;
}

void moon_request_free(struct moon_request *request)
{
    free(request->recipients);
    free(request->fields);
    *request = (struct moon_request){0};
}

void moon_decision_free(struct moon_decision *decision)
{
    free(decision->added);
    free(decision->removed_fields);
    free(decision->removed_recipients);
    *decision = (struct moon_decision){0};
}
