/* SPDX-License-Identifier: MIT
 *
 * dkim_misread: see the header. Part of the gate in front of libopendkim (dkim.c, steps 2 and 6).
 */
#include "engine/auth/dkim_misread.h"

#include <string.h>

/* libopendkim takes SP before the colon, but no HTAB (RFC 5322 section 4.5.8 allows both) and
 * nothing else that Exim takes there (VT, FF, a fold). */
static bool has_odd_space_before_colon(const struct moon_field *field)
{
    struct moon_span name = moon_span_sub(field->raw, 0, moon_span_find(field->raw, ':'));
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] < ' ')
            return true;
    return false;
}

bool moon_dkim_misread_form(const struct moon_sig *sig)
{
    struct moon_span raw = sig->field->raw;
    for (size_t i = 0; i < raw.n; i++)
        if ((unsigned char)raw.p[i] >= 0x80)
            return true;
    for (size_t i = 0; i < sig->tags.count; i++) {
        struct moon_span name = sig->tags.items[i].name;
        if (name.n > 1 && name.p[name.n - 1] == 'b')
            return true;
        if (moon_span_is(name, "b") && name.p[1] != '=')
            return true;
    }
    return has_odd_space_before_colon(sig->field) ||
           (sig->signed_at_s >= 0 && sig->signed_at_s < MOON_SIG_DRIFT_S) ||
           (sig->identity && strchr(sig->identity, '@') != strrchr(sig->identity, '@'));
}

/* What isspace() takes for white space and RFC 6376 does not: VT, FF, a CR or LF alone. */
static bool has_odd_space(struct moon_span raw)
{
    if (memchr(raw.p, '\v', raw.n) || memchr(raw.p, '\f', raw.n))
        return true;
    for (size_t i = moon_span_find(raw, '\r'); i < raw.n; i++)
        if (raw.p[i] == '\r' && (i + 1 == raw.n || raw.p[i + 1] != '\n'))
            return true;
    return false;
}

bool moon_dkim_misread_field(const struct moon_field *field, enum moon_sig_canon canon)
{
    return has_odd_space_before_colon(field) ||
           (canon == MOON_SIG_CANON_RELAXED && has_odd_space(field->raw));
}
