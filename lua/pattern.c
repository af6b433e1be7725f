/* SPDX-License-Identifier: MIT
 *
 * pattern: Lua's patterns (reference manual, section 6.4.1), matched by our own code: each step is
 * charged as an instruction, so that no pattern can outlast the limits; nesting is bounded; classes
 * are ASCII, without locale.
 */
#include "lua/pattern.h"

#include <string.h>

#define DEPTH_MAX    180u /* C recursion; each level is about 100 bytes of stack */
#define CHARGE_STEPS 256u

static const char *here(struct moon_pattern *m, const char *s, const char *p);

static void step(struct moon_pattern *m)
{
    if (++m->steps >= CHARGE_STEPS) {
        m->steps = 0;
        moon_sandbox_charge(m->L, CHARGE_STEPS);
    }
}

static bool in_class(unsigned char c, char name)
{
    bool is = false;
    switch (moon_lower(name)) {
    case 'a':
        is = moon_is_alpha((char)c);
        break;
    case 'c':
        is = c < 0x20 || c == 0x7f;
        break;
    case 'd':
        is = moon_is_digit((char)c);
        break;
    case 'g':
        is = c > 0x20 && c < 0x7f;
        break;
    case 'l':
        is = c >= 'a' && c <= 'z';
        break;
    case 'p':
        is = c > 0x20 && c < 0x7f && !moon_is_alnum((char)c);
        break;
    case 's':
        is = c == ' ' || (c >= 9 && c <= 13);
        break;
    case 'u':
        is = c >= 'A' && c <= 'Z';
        break;
    case 'w':
        is = moon_is_alnum((char)c);
        break;
    case 'x':
        is = moon_hex_value((char)c) >= 0;
        break;
    default: /* %. and the like: the character itself */
        return (unsigned char)name == c;
    }
    return name >= 'A' && name <= 'Z' ? !is : is;
}

/* Behind the single item (character, class or set) at p. */
static const char *item_end(struct moon_pattern *m, const char *p)
{
    if (*p++ == '%') {
        if (p >= m->pattern_end)
            (void)moon_sandbox_raise(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (p[-1] != '[')
        return p;
    if (p < m->pattern_end && *p == '^')
        p++;
    do { /* a ']' at the first place is a member */
        if (p >= m->pattern_end)
            (void)moon_sandbox_raise(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%')
            p++;
    } while (p >= m->pattern_end || *p != ']');
    return p + 1;
}

/* p: the '[', last: the ']' of the set. */
static bool in_set(struct moon_pattern *m, unsigned char c, const char *p, const char *last)
{
    bool found = true;
    p++;
    if (p < last && *p == '^') {
        found = false;
        p++;
    }
    for (; p < last; p++) {
        step(m);
        if (*p == '%' && p + 1 < last) {
            p++;
            if (in_class(c, *p))
                return found;
        } else if (p + 2 < last && p[1] == '-') {
            if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2])
                return found;
            p += 2;
        } else if ((unsigned char)*p == c) {
            return found;
        }
    }
    return !found;
}

static bool single(struct moon_pattern *m, const char *s, const char *p, const char *item)
{
    step(m);
    if (s >= m->end)
        return false;
    unsigned char c = (unsigned char)*s;
    switch (*p) {
    case '.':
        return true;
    case '%':
        return in_class(c, p[1]);
    case '[':
        return in_set(m, c, p, item - 1);
    default:
        return (unsigned char)*p == c;
    }
}

/* %bxy, p at x. */
static const char *balance(struct moon_pattern *m, const char *s, const char *p)
{
    if (p + 1 >= m->pattern_end)
        (void)moon_sandbox_raise(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->end || *s != p[0])
        return NULL;
    size_t open = 1;
    while (++s < m->end) {
        step(m);
        if (*s == p[1]) {
            if (--open == 0)
                return s + 1;
        } else if (*s == p[0]) {
            open++;
        }
    }
    return NULL;
}

/* %f[set], p at the '['; *item_r: behind the set. */
static bool frontier(struct moon_pattern *m, const char *s, const char *p, const char **item_r)
{
    if (p >= m->pattern_end || *p != '[')
        (void)moon_sandbox_raise(m->L, "malformed pattern (missing '[' after '%%f')");
    *item_r = item_end(m, p);
    unsigned char before = s == m->begin ? 0 : (unsigned char)s[-1];
    unsigned char after = s < m->end ? (unsigned char)*s : 0;
    return !in_set(m, before, p, *item_r - 1) && in_set(m, after, p, *item_r - 1);
}

/* %1 to %9: behind the same text once more, or NULL. */
static const char *back_reference(struct moon_pattern *m, const char *s, char digit)
{
    unsigned index = (unsigned)(digit - '1');
    if (digit == '0' || index >= m->level || m->captures[index].length == MOON_PATTERN_OPEN)
        (void)moon_sandbox_raise(m->L, "invalid capture index %%%c", digit);
    if (m->captures[index].length == MOON_PATTERN_POSITION)
        return NULL;
    size_t length = (size_t)m->captures[index].length;
    moon_sandbox_charge(m->L, length / 16 + 1);
    if ((size_t)(m->end - s) < length || memcmp(m->captures[index].start, s, length) != 0)
        return NULL;
    return s + length;
}

static const char *open_capture(struct moon_pattern *m, const char *s, const char *p,
                                ptrdiff_t kind)
{
    if (m->level >= MOON_PATTERN_CAPTURES_MAX)
        (void)moon_sandbox_raise(m->L, "too many captures in a pattern");
    m->captures[m->level].start = s;
    m->captures[m->level].length = kind;
    m->level++;
    const char *end = here(m, s, p);
    if (!end)
        m->level--;
    return end;
}

static const char *close_capture(struct moon_pattern *m, const char *s, const char *p)
{
    unsigned at = m->level;
    while (at > 0 && m->captures[at - 1].length != MOON_PATTERN_OPEN)
        at--;
    if (at == 0)
        (void)moon_sandbox_raise(m->L, "invalid pattern capture (')' without '(')");
    m->captures[at - 1].length = s - m->captures[at - 1].start;
    const char *end = here(m, s, p);
    if (!end)
        m->captures[at - 1].length = MOON_PATTERN_OPEN;
    return end;
}

/* item* and item+: as many as there are, then fewer. */
static const char *greedy(struct moon_pattern *m, const char *s, const char *p, const char *item)
{
    ptrdiff_t count = 0;
    while (single(m, s + count, p, item))
        count++;
    for (; count >= 0; count--) {
        const char *end = here(m, s + count, item + 1);
        if (end)
            return end;
    }
    return NULL;
}

/* item-: as few as can be. */
static const char *lazy(struct moon_pattern *m, const char *s, const char *p, const char *item)
{
    for (;;) { /* ends at the end of the subject at the latest */
        const char *end = here(m, s, item + 1);
        if (end)
            return end;
        if (!single(m, s, p, item))
            return NULL;
        s++;
    }
}

/* %b, %f and back references: true when p was one of them; then *s_r is NULL or behind the match
 * and *p_r behind the item. */
static bool special(struct moon_pattern *m, const char **s_r, const char **p_r)
{
    const char *p = *p_r;
    if (*p != '%' || p + 1 >= m->pattern_end)
        return false;
    if (p[1] == 'b') {
        *s_r = balance(m, *s_r, p + 2);
        *p_r = p + 4;
    } else if (p[1] == 'f') {
        if (!frontier(m, *s_r, p + 2, p_r))
            *s_r = NULL;
    } else if (moon_is_digit(p[1])) {
        *s_r = back_reference(m, *s_r, p[1]);
        *p_r = p + 2;
    } else {
        return false;
    }
    return true;
}

/* Matches from s on with the pattern from p on, without looking at the depth. */
static const char *walk(struct moon_pattern *m, const char *s, const char *p)
{
    while (p < m->pattern_end) {
        step(m);
        if (*p == '(' && p + 1 < m->pattern_end && p[1] == ')')
            return open_capture(m, s, p + 2, MOON_PATTERN_POSITION);
        if (*p == '(')
            return open_capture(m, s, p + 1, MOON_PATTERN_OPEN);
        if (*p == ')')
            return close_capture(m, s, p + 1);
        if (*p == '$' && p + 1 == m->pattern_end)
            return s == m->end ? s : NULL;
        if (special(m, &s, &p)) {
            if (!s)
                return NULL;
            continue;
        }
        const char *item = item_end(m, p);
        char quantifier = item < m->pattern_end ? *item : '\0';
        if (quantifier == '*')
            return greedy(m, s, p, item);
        if (quantifier == '+')
            return single(m, s, p, item) ? greedy(m, s + 1, p, item) : NULL;
        if (quantifier == '-')
            return lazy(m, s, p, item);
        if (quantifier == '?') {
            const char *end = single(m, s, p, item) ? here(m, s + 1, item + 1) : NULL;
            if (end)
                return end;
            p = item + 1;
            continue;
        }
        if (!single(m, s, p, item))
            return NULL;
        s++;
        p = item;
    }
    return s;
}

static const char *here(struct moon_pattern *m, const char *s, const char *p)
{
    if (++m->depth > DEPTH_MAX)
        (void)moon_sandbox_raise(m->L, "pattern too complex");
    const char *end = walk(m, s, p);
    m->depth--;
    return end;
}

const char *moon_pattern_attempt(struct moon_pattern *m, const char *s, const char *p)
{
    m->level = 0;
    m->depth = 0;
    step(m);
    return here(m, s, p);
}
