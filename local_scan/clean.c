/* SPDX-License-Identifier: MIT
 *
 * clean: checks of text on its way into Exim, and of Exim's header chain on its way out.
 */
#include "local_scan/clean.h"

#include <stdio.h>
#include <string.h>

#define CLEAN_CODE_MAX 10u /* "5.123.123" and the end */

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

/* Takes an enhanced status code and the blanks behind it (RFC 3463 section 2); false: there is
 * none, and nothing is taken. */
static bool take_code(struct moon_buf *buf, char code[CLEAN_CODE_MAX])
{
    struct moon_buf at = *buf;
    size_t n = 0;

    for (int part = 0; part < 3; part++) {
        struct moon_span digits = moon_buf_while(&at, moon_is_digit);
        if (digits.n == 0 || digits.n > (part == 0 ? 1u : 3u))
            return false;
        memcpy(code + n, digits.p, digits.n);
        n += digits.n;
        if (part < 2) {
            if (!moon_buf_skip(&at, '.'))
                return false;
            code[n++] = '.';
        }
    }
    code[n] = '\0';
    if (!moon_buf_at_end(&at) && !moon_is_wsp((char)moon_buf_peek(&at)))
        return false;
    (void)moon_buf_while(&at, moon_is_wsp); /* skipped */
    *buf = at;
    return true;
}

void moon_clean_reply(struct moon_span reply, enum moon_wire_verdict verdict, char *out)
{
    bool reject = verdict == MOON_WIRE_REJECT;
    char first[CLEAN_CODE_MAX] = "", code[CLEAN_CODE_MAX] = "";
    struct moon_buf buf = moon_buf_of(reply);
    unsigned lines = 0;
    size_t n = 0;

    while (lines < MOON_REPLY_LINES_MAX && !moon_buf_at_end(&buf)) {
        struct moon_buf line = moon_buf_of(moon_span_trim(moon_buf_until(&buf, '\n')));
        (void)moon_buf_skip(&buf, '\n'); /* none at the end */
        /* A code of the wrong class contradicts the reply code: it goes. */
        bool has_code = take_code(&line, code) && code[0] == (reject ? '5' : '4');
        if (moon_buf_at_end(&line))
            continue;
        if (!has_code)
            (void)snprintf(code, sizeof code, "%s", /* each fits */
                           first[0] ? first
                           : reject ? "5.7.1"
                                    : "4.7.1");
        if (!first[0])
            memcpy(first, code, sizeof first);
        if (lines++)
            out[n++] = '\n';
        size_t end = n + MOON_REPLY_LINE_MAX;
        memcpy(out + n, code, strlen(code));
        n += strlen(code);
        out[n++] = ' ';
        for (int c; n < end && (c = moon_buf_peek(&line)) >= 0; (void)moon_buf_byte(&line))
            out[n++] = is_printable((char)c) ? (char)c : '?';
    }
    out[n] = '\0';
    if (lines == 0)
        (void)snprintf(out, MOON_CLEAN_REPLY_BYTES, "%s", /* it fits */
                       reject ? "5.7.1 Message not accepted" : "4.7.1 Message not accepted now");
}

void moon_clean_line(struct moon_span text, char *out, size_t size)
{
    size_t n = text.n < size ? text.n : size - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = is_printable(text.p[i]) ? text.p[i] : '?';
    out[n] = '\0';
}

/* RFC 5322 section 2.2: printable, no colon, no space. */
static bool is_name_char(char c)
{
    return c > ' ' && c <= '~' && c != ':';
}

bool moon_clean_field_ok(struct moon_span text)
{
    struct moon_buf buf = moon_buf_of(text);

    if (text.n > MOON_FIELD_BYTES_MAX)
        return false;
    if (moon_buf_while(&buf, is_name_char).n == 0 || moon_buf_peek(&buf) != ':')
        return false;
    buf = moon_buf_of(text);
    for (size_t line = 0; line == 0 || !moon_buf_at_end(&buf); line++) { /* each takes its LF */
        struct moon_span part = moon_buf_until(&buf, '\n');
        if (part.n > MOON_FIELD_LINE_MAX || moon_span_trim(part).n == 0)
            return false;
        if (line > 0 && !moon_is_wsp(part.p[0]))
            return false;
        for (size_t i = 0; i < part.n; i++)
            if (((unsigned char)part.p[i] < ' ' && part.p[i] != '\t') || part.p[i] == 0x7f)
                return false;
        if (moon_buf_skip(&buf, '\n') && moon_buf_at_end(&buf))
            return false; /* an empty last line */
    }
    return true;
}

static struct moon_span field_name(struct moon_span text)
{
    size_t colon = moon_span_find(text, ':');
    return moon_span_trim(moon_span_sub(text, 0, colon == (size_t)-1 ? 0 : colon));
}

static bool is_rewritable(struct moon_span name)
{
    static const char *const names[] = {"From", "Sender", "To", "Cc", "Bcc", "Reply-To"};
    static const struct moon_span resent = {"Resent-", 7};

    if (moon_span_eq_nocase(moon_span_sub(name, 0, resent.n), resent))
        name = moon_span_sub(name, resent.n, name.n);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (moon_span_is_nocase(name, names[i]))
            return true;
    return false;
}

uint32_t moon_clean_chain(struct moon_wire_field *fields, void **handles, uint32_t count)
{
    struct moon_span before = {NULL, 0}; /* name of the field directly before, if that is '*' */
    bool received_seen = false;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct moon_span name = field_name(fields[i].text);
        bool deleted = fields[i].type == '*';
        bool copy =
            !deleted && before.n && moon_span_eq_nocase(name, before) && is_rewritable(name);

        before = deleted ? name : (struct moon_span){NULL, 0};
        if (!received_seen && moon_span_is_nocase(name, "Received")) {
            received_seen = true;
            continue;
        }
        if (copy) {
            handles[kept - 1] = handles[i];         /* its original was kept just before */
            fields[kept - 1].type = fields[i].type; /* and is no deleted field for the engine */
            continue;
        }
        fields[kept] = fields[i];
        handles[kept++] = handles[i];
    }
    return kept;
}

bool moon_clean_is_claim(struct moon_span text)
{
    static const struct moon_span prefix = {"X-Moonscan-", 11};
    struct moon_buf buf = moon_buf_of(text);
    struct moon_span name = moon_buf_while(&buf, is_name_char); /* white space may follow */

    return moon_span_eq_nocase(moon_span_sub(name, 0, prefix.n), prefix) ||
           moon_span_is_nocase(name, "Authentication-Results");
}
