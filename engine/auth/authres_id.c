/* SPDX-License-Identifier: MIT
 *
 * authres_id: the authserv-id of fields that came with a message, hostile ones included.
 */
#include "engine/auth/authres_id.h"

#include <string.h>

#include "engine/base/limits.h"

bool moon_authres_is_token(char c)
{
    return c > 0x20 && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

/* RFC 8601 section 2.2 with RFC 6532: UTF-8 may stand in a value. */
static bool is_value_char(char c)
{
    return (unsigned char)c >= 0x80 || moon_authres_is_token(c);
}

static bool is_control(int c)
{
    return c >= 0 && (c < 0x20 || c == 0x7f) && c != '\t' && c != '\r' && c != '\n';
}

/* RFC 5322 section 3.2.2 */
bool moon_authres_skip_cfws(struct moon_buf *in)
{
    size_t depth = 0;

    for (;;) {
        int c = moon_buf_peek(in);
        if (c < 0 || is_control(c))
            return c < 0 && depth == 0;
        if (depth == 0 && c != '(' && c != ' ' && c != '\t' && c != '\r' && c != '\n')
            return true;
        (void)moon_buf_byte(in); /* just peeked at */
        if (c == '\\' && moon_buf_byte(in) < 0)
            return false;
        depth += c == '(';
        depth -= c == ')';
        if (depth > MOON_FROM_DEPTH_MAX)
            return false;
    }
}

struct id {
    char *text;
    size_t n;
};

static void add(struct id *id, int c)
{
    if (id->n + 1 < MOON_AUTHRES_ID_SIZE)
        id->text[id->n++] = (char)c;
}

/* The cursor stands behind '"'. */
static bool take_quoted(struct moon_buf *in, struct id *id)
{
    for (;;) {
        int c = moon_buf_byte(in);
        if (c == '"')
            return true;
        if (c == '\\')
            c = moon_buf_byte(in);
        if (c < 0 || is_control(c))
            return false;
        if (c != '\r' && c != '\n')
            add(id, c);
    }
}

static bool read_id(struct moon_span value, struct id *id)
{
    struct moon_buf in = moon_buf_of(value);

    if (!moon_authres_skip_cfws(&in))
        return false;
    if (moon_buf_skip(&in, '"')) {
        if (!take_quoted(&in, id))
            return false;
    } else {
        struct moon_span token = moon_buf_while(&in, is_value_char);
        if (token.n == 0)
            return false;
        for (size_t i = 0; i < token.n; i++)
            add(id, token.p[i]);
    }
    if (!moon_authres_skip_cfws(&in))
        return false;
    (void)moon_buf_while(&in, moon_is_digit); /* the version, if any */
    return moon_authres_skip_cfws(&in) && (moon_buf_at_end(&in) || moon_buf_skip(&in, ';'));
}

bool moon_authres_read_id(struct moon_span value, char id[MOON_AUTHRES_ID_SIZE])
{
    struct id reading = {.text = id};
    bool ok = read_id(value, &reading);

    while (reading.n && id[reading.n - 1] == '.')
        reading.n--;
    id[ok ? reading.n : 0] = '\0';
    return ok;
}
