/* SPDX-License-Identifier: MIT
 *
 * quarantine_mail: Exim wrote Return-path, Envelope-to and Delivery-date on top of the message, and
 * X-Moonscan-Quarantined at the end of its header. Fields of these names in between are the
 * sender's (Exim and Moonscan remove them, another transport may not): they are no news of Exim's.
 *
 *   1. the fields on top, up to the first of another name.  2. From and Subject.  3. The last
 *   X-Moonscan-Quarantined.  4. The addresses, strictly: they become arguments of a program.
 */
#include "engine/cmd/quarantine_mail.h"

#include <string.h>

#include "engine/base/limits.h"
#include "engine/message/message.h"

#define ADDRESS_MAX 320u /* RFC 5321 section 4.5.3.1: 64 + 1 + 255 */
#define NAME_MAX_   200u

struct part {
    struct moon_span name, value, whole; /* whole: with the line end */
};

/* The next field from `*at` on. False at the empty line or the end; then *at is behind it. */
static bool next_field(struct moon_span head, size_t *at, struct part *part_r)
{
    size_t start = *at, end = start;

    do { /* a line, and those that continue it */
        size_t line = moon_span_find(moon_span_sub(head, end, head.n), '\n');
        end = line == (size_t)-1 ? head.n : end + line + 1;
        *at = end;
        part_r->whole = moon_span_sub(head, start, end - start);
        if (moon_span_trim(part_r->whole).n == 0)
            return false;
    } while (end < head.n && moon_is_wsp(head.p[end]));
    size_t colon = moon_span_find(part_r->whole, ':');
    part_r->name = moon_span_trim(moon_span_sub(part_r->whole, 0, colon));
    part_r->value = colon == (size_t)-1 ? (struct moon_span){NULL, 0}
                                        : moon_span_sub(part_r->whole, colon + 1, part_r->whole.n);
    return true;
}

static const char *unfolded(struct moon_arena *arena, struct moon_span value)
{
    struct moon_field field = {.value = value};
    return moon_field_text(arena, &field);
}

static bool is_name_byte(char c)
{
    return moon_is_alnum(c) || c == '.' || c == '-' || c == '_' || c == ',' || c == '=' ||
           c == ':' || c == '+';
}

bool moon_quarantine_is_name(struct moon_span name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!is_name_byte(name.p[i]))
            return false;
    return name.n > 0 && name.n <= NAME_MAX_ && name.p[0] != '.' && name.p[0] != '-';
}

/* Quoted or not; `*n_r`: how many bytes it takes. */
static bool take_local(struct moon_span address, size_t *n_r)
{
    static const char special[] = "()<>[]:;,\\\" @";
    size_t i = 0;

    if (address.n && address.p[0] == '"') {
        for (i = 1; i < address.n && address.p[i] != '"'; i++)
            if (address.p[i] == '\\')
                i++;
        *n_r = i + 1;
        return i < address.n;
    }
    while (i < address.n && address.p[i] && !strchr(special, address.p[i]))
        i++;
    *n_r = i;
    return i > 0 && address.p[0] != '-';
}

bool moon_quarantine_is_address(struct moon_span address)
{
    size_t at;

    for (size_t i = 0; i < address.n; i++)
        if ((unsigned char)address.p[i] < ' ' || address.p[i] == 0x7f)
            return false;
    if (address.n > ADDRESS_MAX || !take_local(address, &at) || at >= address.n ||
        address.p[at] != '@')
        return false;
    struct moon_span domain = moon_span_sub(address, at + 1, address.n);
    for (size_t i = 0; i < domain.n; i++) {
        char c = domain.p[i];
        if (!moon_is_alnum(c) && c != '.' && c != '-' && c != '_' && c != '[' && c != ']' &&
            c != ':' && (unsigned char)c < 0x80)
            return false;
    }
    return domain.n > 0;
}

/* Step 4. "<address>" or "<>". */
static void read_sender(struct moon_arena *arena, struct moon_span value,
                        struct moon_quarantine_mail *mail)
{
    value = moon_span_trim(value);
    if (value.n < 2 || value.p[0] != '<' || value.p[value.n - 1] != '>')
        return;
    value = moon_span_sub(value, 1, value.n - 2);
    if (value.n == 0 || moon_quarantine_is_address(value))
        mail->sender = moon_arena_dup(arena, value);
}

/* Step 4. "address, address": a comma in quotes is part of one. False: one of them is unusable, or
 * there are too many. */
static bool read_recipients(struct moon_arena *arena, struct moon_span value,
                            struct moon_quarantine_mail *mail)
{
    const char *text = unfolded(arena, value);
    struct moon_span left = moon_span_of(text);

    do {
        size_t n = 0;
        bool quoted = false;
        while (n < left.n && (quoted || left.p[n] != ',')) {
            quoted = (left.p[n] == '"') != quoted;
            n += left.p[n] == '\\' && quoted ? 2 : 1;
        }
        struct moon_span address = moon_span_trim(moon_span_sub(left, 0, n));
        if (!moon_quarantine_is_address(address) ||
            mail->recipient_count == MOON_QUARANTINE_RCPT_MAX)
            return false;
        mail->recipients = moon_arena_append(arena, mail->recipients, mail->recipient_count,
                                             sizeof *mail->recipients);
        char *copy = moon_arena_dup(arena, address);
        if (!mail->recipients || !copy)
            return false; /* the arena says why */
        mail->recipients[mail->recipient_count++] = copy;
        left = moon_span_sub(left, n + 1, left.n);
    } while (left.n);
    return true;
}

/* Step 3. "id=1xUnB4-0004Eo-2U spf=pass ..." */
static void read_why(struct moon_arena *arena, struct moon_span value,
                     struct moon_quarantine_mail *mail)
{
    struct moon_span text = moon_span_of(unfolded(arena, value));

    mail->id = NULL;
    if (moon_span_is(moon_span_sub(text, 0, 3), "id=")) {
        size_t end = moon_span_find(text, ' ');
        struct moon_span id = moon_span_sub(text, 3, end == (size_t)-1 ? text.n : end - 3);
        if (moon_quarantine_is_name(id))
            mail->id = moon_arena_dup(arena, id);
        text =
            end == (size_t)-1 ? (struct moon_span){NULL, 0} : moon_span_sub(text, end + 1, text.n);
    }
    mail->why = moon_arena_dup(arena, moon_span_trim(text));
}

static void cut_out(struct moon_quarantine_mail *mail, struct moon_span whole)
{
    if (!MOON_BUG(mail->cut_count == MOON_QUARANTINE_CUT_MAX))
        mail->cut[mail->cut_count++] = whole;
}

/* Step 1: true when it was one of Exim's. Each counts once. */
static bool read_top(struct moon_arena *arena, const struct part *part, unsigned *seen,
                     struct moon_quarantine_mail *mail)
{
    static const char *const names[] = {"Return-path", "Envelope-to", "Delivery-date"};

    for (unsigned i = 0; i < 3; i++) {
        if (!moon_span_is_nocase(part->name, names[i]))
            continue;
        if (*seen & 1u << i)
            return false;
        *seen |= 1u << i;
        if (i == 0)
            read_sender(arena, part->value, mail);
        if (i == 1 && !read_recipients(arena, part->value, mail))
            mail->recipient_count = 0;
        cut_out(mail, part->whole);
        return true;
    }
    return false;
}

enum moon_status moon_quarantine_mail_read(struct moon_arena *arena, struct moon_span head,
                                           struct moon_quarantine_mail *mail_r)
{
    struct moon_span from = {NULL, 0}, subject = {NULL, 0};
    struct part part, last = {.value = {NULL, 0}};
    bool on_top = true;
    unsigned seen = 0;
    size_t at = 0, end = 0;

    *mail_r = (struct moon_quarantine_mail){.why = ""};
    while (next_field(head, &at, &part)) {
        end = at;
        on_top = on_top && read_top(arena, &part, &seen, mail_r);
        if (!from.p && moon_span_is_nocase(part.name, "From"))
            from = part.value;
        else if (!subject.p && moon_span_is_nocase(part.name, "Subject"))
            subject = part.value;
        else if (moon_span_is_nocase(part.name, "X-Moonscan-Quarantined"))
            last = part;
    }
    mail_r->header = moon_span_sub(head, 0, end);
    mail_r->body_at = at;
    if (last.value.p) {
        read_why(arena, last.value, mail_r);
        cut_out(mail_r, last.whole);
    }
    mail_r->from = unfolded(arena, from);
    mail_r->subject = unfolded(arena, subject);
    if (!mail_r->sender)
        mail_r->refused = "no Return-path on top that names one sender";
    else if (mail_r->recipient_count == 0)
        mail_r->refused = "no Envelope-to on top that names recipients";
    return moon_arena_failed(arena) ? MOON_ENOMEM : MOON_OK;
}
