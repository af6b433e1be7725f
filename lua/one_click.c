/* SPDX-License-Identifier: MIT
 *
 * one_click: can the recipient unsubscribe with one click (RFC 8058)? What the two fields say is
 * worth something only under a signature: anybody on the way could have put them there, and with
 * them an address of his own.
 */
#include <string.h>

#include "lua/facts.h"

/* One field of that name and no other, or NULL. */
static const struct moon_field *only_field(const struct moon_message *msg, const char *name)
{
    const struct moon_field *field = moon_message_field(msg, name, NULL, false);
    return field && !moon_message_field(msg, name, field, false) ? field : NULL;
}

/* RFC 8058 section 3.1: one of the addresses is an https URI. */
static bool has_https(struct moon_span value)
{
    static const char start[] = "<https://";
    size_t n = sizeof start - 1;
    for (size_t i = 0; i + n < value.n; i++)
        if (moon_span_is_nocase(moon_span_sub(value, i, n), start) &&
            (moon_is_alnum(value.p[i + n]) || value.p[i + n] == '['))
            return true;
    return false;
}

static bool has_name(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

/* The names are lower case. */
static bool covers(const struct moon_dkim_sig *sig, const char *name)
{
    return has_name(sig->headers, sig->header_count, name) &&
           !has_name(sig->unsigned_fields, sig->unsigned_field_count, name);
}

/* RFC 8058 section 4: both fields are covered by one signature that is valid. */
static bool is_signed(const struct moon_dkim *dkim)
{
    for (size_t i = 0; i < dkim->count; i++)
        if (dkim->sigs[i].result == MOON_RESULT_PASS &&
            covers(&dkim->sigs[i], "list-unsubscribe") &&
            covers(&dkim->sigs[i], "list-unsubscribe-post"))
            return true;
    return false;
}

bool moon_facts_one_click(const struct moon_policy_input *input)
{
    const struct moon_field *where = only_field(input->msg, "List-Unsubscribe");
    const struct moon_field *post = only_field(input->msg, "List-Unsubscribe-Post");
    return where && post &&
           moon_span_is_nocase(moon_span_trim(post->value), "List-Unsubscribe=One-Click") &&
           has_https(where->value) && is_signed(&input->results->dkim);
}
