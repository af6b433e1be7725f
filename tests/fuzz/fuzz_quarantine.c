/* SPDX-License-Identifier: MIT
 *
 * fuzz_quarantine: any bytes as a file of the quarantine. What becomes an argument of Exim's is an
 * address and no option; what is cut out stands in the header, in order and apart.
 *
 * Parser: engine/cmd/quarantine_mail.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/cmd/quarantine_mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int condition)
{
    if (!condition)
        abort();
}

static void check_address(const char *text)
{
    need(*text && *text != '-' && strchr(text, '@') && !strpbrk(text, "\r\n"));
    need(*text == '"' || !strpbrk(text, " ,<>()"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_span head = {(const char *)data, size};
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_quarantine_mail mail;

    if (!arena)
        return 0;
    if (moon_quarantine_mail_read(arena, head, &mail) == MOON_OK) {
        const char *at = mail.header.p;
        need(mail.header.n <= mail.body_at && mail.body_at <= size && mail.why && mail.from);
        need(mail.refused || (mail.sender && mail.recipient_count));
        if (mail.sender && *mail.sender)
            check_address(mail.sender);
        for (size_t i = 0; i < mail.recipient_count; i++)
            check_address(mail.recipients[i]);
        need(!mail.id || moon_quarantine_is_name(moon_span_of(mail.id)));
        for (size_t i = 0; i < mail.cut_count; i++) {
            need(mail.cut[i].p >= at && mail.cut[i].n > 0);
            at = mail.cut[i].p + mail.cut[i].n;
        }
        need(!mail.cut_count || at <= mail.header.p + mail.header.n);
    }
    moon_arena_destroy(&arena);
    return 0;
}
