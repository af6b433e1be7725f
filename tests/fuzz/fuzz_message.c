/* SPDX-License-Identifier: MIT
 *
 * fuzz_message: any bytes as a message. Header and body account for the whole text, every field
 * keeps the promises of message/message.h, and the body comes out in CRLF lines.
 *
 * Parser: engine/message/message.c
 * Parser: engine/message/body.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/message/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_field(struct moon_arena *arena, const struct moon_field *field)
{
    struct moon_span raw = field->raw;
    if (field->name.n == 0 || field->name.p != raw.p ||
        field->value.p + field->value.n != raw.p + raw.n ||
        field->value.p < field->name.p + field->name.n + 1 || field->value.p[-1] != ':')
        abort();
    for (size_t i = 0; i < raw.n; i++)
        if (raw.p[i] == '\0' || (raw.p[i] == '\n' && raw.p[i - 1] != '\r'))
            abort();
    const char *text = moon_field_text(arena, field);
    if (text && (strpbrk(text, "\r\n") || strlen(text) > raw.n))
        abort();
}

static void check_fields(struct moon_arena *arena, struct moon_message *msg)
{
    for (size_t i = 0; i < msg->field_count; i++) {
        check_field(arena, &msg->fields[i]);
        msg->fields[i].removed = i % 3 == 2;
    }
    if (msg->field_count == 0)
        return;
    const char *name = moon_arena_dup(arena, msg->fields[0].name);
    const struct moon_field *field = NULL;
    size_t seen = 0, all = moon_message_count(msg, name, true);
    while ((field = moon_message_field(msg, name, field, true)))
        seen++;
    if (seen != all || all < 1 || moon_message_count(msg, name, false) > all)
        abort();
}

/* The same bytes from a file, behind as many others, come out alike. */
static void check_file(struct moon_span text)
{
    static struct moon_body_iter a, b;
    const struct moon_body memory = {.memory = text, .fd = -1};
    struct moon_body file;
    struct moon_span left, right;
    int fd = memfd_create("body", MFD_CLOEXEC);

    if (fd < 0)
        return;
    if (write(fd, "Name\n", 5) != 5 || write(fd, text.p, text.n) != (ssize_t)text.n ||
        moon_body_of_fd(fd, 5, &file) != MOON_OK)
        abort();
    moon_body_begin(&a, &memory);
    moon_body_begin(&b, &file);
    do {
        if (moon_body_next(&a, &left) != MOON_OK || moon_body_next(&b, &right) != MOON_OK ||
            !moon_span_eq(left, right))
            abort();
    } while (left.n);
    if (moon_body_of_fd(fd, 6 + (int64_t)text.n, &file) == MOON_OK)
        abort();     /* starts behind the end */
    (void)close(fd); /* only memory */
}

static void check_body(const struct moon_body *body)
{
    static struct moon_body_iter iter;
    struct moon_span chunk;
    char last[2] = {0, 0};
    size_t total = 0;

    moon_body_begin(&iter, body);
    while (moon_body_next(&iter, &chunk) == MOON_OK && chunk.n) {
        total += chunk.n;
        for (size_t i = 0; i < chunk.n; i++) {
            last[0] = last[1];
            last[1] = chunk.p[i];
            if (last[1] == '\n' && last[0] != '\r')
                abort();
        }
    }
    if ((total == 0) != (body->memory.n == 0) || (total && last[1] != '\n'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_message msg = {.id = ""};
    struct moon_span text = {(const char *)data, size};

    if (!arena)
        return 0;
    if (moon_message_parse(arena, text, &msg, NULL) == MOON_OK) {
        if (msg.body.memory.p + msg.body.memory.n != text.p + text.n)
            abort();
        check_fields(arena, &msg);
        check_body(&msg.body);
        check_file(msg.body.memory);
    }
    moon_arena_destroy(&arena);
    return 0;
}
