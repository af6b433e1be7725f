/* SPDX-License-Identifier: MIT
 *
 * Fuzz target: what a worker may say, on its way into Exim. Whatever comes in, what goes out can be
 * sent, logged and spooled.
 *
 * Parser: local_scan/clean.c
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "local_scan/clean.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

static void try_reply(struct moon_span text, enum moon_wire_verdict verdict)
{
    char reply[MOON_CLEAN_REPLY_BYTES];
    unsigned lines = 0;

    memset(reply, 'x', sizeof reply);
    moon_clean_reply(text, verdict, reply);
    struct moon_buf buf = moon_buf_of((struct moon_span){reply, strnlen(reply, sizeof reply)});
    must(buf.left < sizeof reply);
    while (!moon_buf_at_end(&buf)) {
        struct moon_span line = moon_buf_until(&buf, '\n');
        (void)moon_buf_skip(&buf, '\n'); /* none at the end */
        must(++lines <= MOON_REPLY_LINES_MAX && line.n > 6 && line.n <= MOON_REPLY_LINE_MAX);
        must(line.p[0] == (verdict == MOON_WIRE_REJECT ? '5' : '4') && line.p[1] == '.');
        for (size_t i = 0; i < line.n; i++)
            must(line.p[i] >= ' ' && line.p[i] <= '~');
    }
    must(lines > 0);
}

static void try_field(struct moon_span text)
{
    if (!moon_clean_field_ok(text))
        return;
    must(text.n <= MOON_FIELD_BYTES_MAX && !memchr(text.p, '\0', text.n));
    must(!memchr(text.p, '\r', text.n) && memchr(text.p, ':', text.n));
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\n')
            must(i + 1 < text.n && moon_is_wsp(text.p[i + 1]));
}

/* Each line is a field: its type and its text. */
static void try_chain(struct moon_span text)
{
    static struct moon_wire_field fields[64];
    static void *handles[64];
    struct moon_buf buf = moon_buf_of(text);
    uint32_t count = 0;

    while (count < 64 && !moon_buf_at_end(&buf)) {
        struct moon_span line = moon_buf_until(&buf, '\n');
        (void)moon_buf_skip(&buf, '\n'); /* none at the end */
        fields[count].type = line.n ? line.p[0] : ' ';
        fields[count].text = moon_span_sub(line, 1, line.n);
        handles[count] = &fields[count];
        count++;
    }
    uint32_t kept = moon_clean_chain(fields, handles, count);
    must(kept <= count);
    for (uint32_t i = 0; i < kept; i++)
        must(handles[i] != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_span text = {(const char *)data, size};
    char line[100];

    try_reply(text, MOON_WIRE_REJECT);
    try_reply(text, MOON_WIRE_DEFER);
    try_field(text);
    try_chain(text);
    moon_clean_line(text, line, sizeof line);
    must(strnlen(line, sizeof line) == (size < 99 ? size : 99));
    return 0;
}
