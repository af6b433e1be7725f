/* SPDX-License-Identifier: MIT
 *
 * domain: normalization (RFC 5890 A-labels by libidn2) and comparison of domain names.
 */
#include "engine/message/domain.h"

#include <string.h>

#include <idn2.h>

#include "engine/base/limits.h"

/* Letters, digits, hyphen, underscore; labels of 1 to 63; 253 in all (RFC 1035 section 2.3.4). */
static bool is_plain_name(struct moon_span name)
{
    size_t label = 0;

    if (name.n == 0 || name.n > MOON_DOMAIN_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
        } else if (!moon_is_alnum(c) && c != '-' && c != '_') {
            return false;
        } else if (++label > MOON_LABEL_MAX) {
            return false;
        }
    }
    return label > 0;
}

static bool is_ascii(struct moon_span text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] >= 0x80)
            return false;
    return true;
}

/* U-labels to A-labels; NULL when libidn2 refuses the name. */
static const char *to_a_labels(struct moon_arena *arena, struct moon_span text)
{
    char *ascii = NULL;
    /* Four UTF-8 bytes make at most one code point: nothing longer can become a name. */
    if (text.n > 4 * MOON_DOMAIN_MAX || memchr(text.p, '\0', text.n))
        return NULL;
    const char *terminated = moon_arena_dup(arena, text);
    if (!terminated ||
        idn2_to_ascii_8z(terminated, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
        return NULL;
    const char *name = moon_arena_cstr(arena, ascii);
    idn2_free(ascii);
    return name;
}

const char *moon_domain_normalize(struct moon_arena *arena, struct moon_span text)
{
    if (!is_ascii(text)) {
        const char *name = to_a_labels(arena, text);
        if (!name)
            return NULL;
        text = moon_span_of(name);
    }
    if (text.n && text.p[text.n - 1] == '.')
        text.n--;
    if (!is_plain_name(text))
        return NULL;
    char *name = moon_arena_dup(arena, text);
    for (size_t i = 0; name && i < text.n; i++)
        name[i] = moon_lower(name[i]);
    return name;
}

size_t moon_domain_labels(const char *domain)
{
    size_t labels = *domain ? 1 : 0;
    for (; *domain; domain++)
        labels += *domain == '.';
    return labels;
}

const char *moon_domain_tail(const char *domain, size_t labels)
{
    for (size_t have = moon_domain_labels(domain); have > labels && have > 1; have--)
        domain = moon_domain_parent(domain);
    return domain;
}

const char *moon_domain_parent(const char *domain)
{
    const char *dot = strchr(domain, '.');
    return dot ? dot + 1 : NULL;
}

bool moon_domain_equal(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

bool moon_domain_within(const char *domain, const char *parent)
{
    size_t n = strlen(domain), m = strlen(parent);
    if (m == 0 || n < m || strcmp(domain + n - m, parent) != 0)
        return false;
    return n == m || domain[n - m - 1] == '.';
}
