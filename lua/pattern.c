/* SPDX-License-Identifier: MIT
 *
 * pattern: string.find, match, gmatch and gsub with the syntax of Lua's patterns (reference manual,
 * section 6.4.1), matched by our own code: each step is charged as an instruction, so that no
 * pattern can outlast the limits; nesting is bounded; classes are ASCII, without locale.
 */
#include <string.h>

#include "engine/base/limits.h"
#include "lua/sandbox.h"

#define CAPTURES_MAX 32u
#define DEPTH_MAX    180u /* C recursion; each level is about 100 bytes of stack */
#define CHARGE_STEPS 256u

#define OPEN     (-1) /* a capture not yet closed */
#define POSITION (-2)

struct match {
    lua_State *L;
    const char *begin, *end; /* the subject */
    const char *pattern_end;
    unsigned depth, steps, level;
    struct {
        const char *start;
        ptrdiff_t length;
    } captures[CAPTURES_MAX];
};

static const char *here(struct match *m, const char *s, const char *p);

static void step(struct match *m)
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
static const char *item_end(struct match *m, const char *p)
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
static bool in_set(struct match *m, unsigned char c, const char *p, const char *last)
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

static bool single(struct match *m, const char *s, const char *p, const char *item)
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
static const char *balance(struct match *m, const char *s, const char *p)
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
static bool frontier(struct match *m, const char *s, const char *p, const char **item_r)
{
    if (p >= m->pattern_end || *p != '[')
        (void)moon_sandbox_raise(m->L, "malformed pattern (missing '[' after '%%f')");
    *item_r = item_end(m, p);
    unsigned char before = s == m->begin ? 0 : (unsigned char)s[-1];
    unsigned char after = s < m->end ? (unsigned char)*s : 0;
    return !in_set(m, before, p, *item_r - 1) && in_set(m, after, p, *item_r - 1);
}

/* %1 to %9: behind the same text once more, or NULL. */
static const char *back_reference(struct match *m, const char *s, char digit)
{
    unsigned index = (unsigned)(digit - '1');
    if (digit == '0' || index >= m->level || m->captures[index].length == OPEN)
        (void)moon_sandbox_raise(m->L, "invalid capture index %%%c", digit);
    if (m->captures[index].length == POSITION)
        return NULL;
    size_t length = (size_t)m->captures[index].length;
    moon_sandbox_charge(m->L, length / 16 + 1);
    if ((size_t)(m->end - s) < length || memcmp(m->captures[index].start, s, length) != 0)
        return NULL;
    return s + length;
}

static const char *open_capture(struct match *m, const char *s, const char *p, ptrdiff_t kind)
{
    if (m->level >= CAPTURES_MAX)
        (void)moon_sandbox_raise(m->L, "too many captures in a pattern");
    m->captures[m->level].start = s;
    m->captures[m->level].length = kind;
    m->level++;
    const char *end = here(m, s, p);
    if (!end)
        m->level--;
    return end;
}

static const char *close_capture(struct match *m, const char *s, const char *p)
{
    unsigned at = m->level;
    while (at > 0 && m->captures[at - 1].length != OPEN)
        at--;
    if (at == 0)
        (void)moon_sandbox_raise(m->L, "invalid pattern capture (')' without '(')");
    m->captures[at - 1].length = s - m->captures[at - 1].start;
    const char *end = here(m, s, p);
    if (!end)
        m->captures[at - 1].length = OPEN;
    return end;
}

/* item* and item+: as many as there are, then fewer. */
static const char *greedy(struct match *m, const char *s, const char *p, const char *item)
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
static const char *lazy(struct match *m, const char *s, const char *p, const char *item)
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
static bool special(struct match *m, const char **s_r, const char **p_r)
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
static const char *walk(struct match *m, const char *s, const char *p)
{
    while (p < m->pattern_end) {
        step(m);
        if (*p == '(' && p + 1 < m->pattern_end && p[1] == ')')
            return open_capture(m, s, p + 2, POSITION);
        if (*p == '(')
            return open_capture(m, s, p + 1, OPEN);
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

static const char *here(struct match *m, const char *s, const char *p)
{
    if (++m->depth > DEPTH_MAX)
        (void)moon_sandbox_raise(m->L, "pattern too complex");
    const char *end = walk(m, s, p);
    m->depth--;
    return end;
}

/* Pushes capture i; the whole match when there is none and i is 0. [-0, +1] */
static void push_capture(struct match *m, unsigned i, const char *s, const char *end)
{
    if (i >= m->level) {
        if (i != 0)
            (void)moon_sandbox_raise(m->L, "invalid capture index %%%u", i + 1);
        lua_pushlstring(m->L, s, (size_t)(end - s));
    } else if (m->captures[i].length == POSITION) {
        lua_pushinteger(m->L, m->captures[i].start - m->begin + 1);
    } else if (m->captures[i].length == OPEN) {
        (void)moon_sandbox_raise(m->L, "unfinished capture");
    } else {
        lua_pushlstring(m->L, m->captures[i].start, (size_t)m->captures[i].length);
    }
}

/* All captures; the whole match when there are none and s is not NULL. [-0, +n] */
static int push_captures(struct match *m, const char *s, const char *end)
{
    unsigned count = m->level == 0 && s ? 1 : m->level;
    luaL_checkstack(m->L, (int)count, "too many captures");
    for (unsigned i = 0; i < count; i++)
        push_capture(m, i, s, end);
    return (int)count;
}

static struct match begin(lua_State *L, struct moon_span subject, struct moon_span pattern)
{
    if (pattern.n > MOON_PATTERN_BYTES_MAX)
        (void)moon_sandbox_raise(L, "a pattern may have %u bytes at most", MOON_PATTERN_BYTES_MAX);
    struct match m = {.L = L, .begin = subject.p, .end = subject.p + subject.n};
    m.pattern_end = pattern.p + pattern.n;
    return m;
}

/* One attempt at s. */
static const char *attempt(struct match *m, const char *s, const char *p)
{
    m->level = 0;
    m->depth = 0;
    step(m);
    return here(m, s, p);
}

static struct moon_span text_argument(lua_State *L, int index)
{
    struct moon_span text;
    text.p = luaL_checklstring(L, index, &text.n);
    return text;
}

/* Argument init: a place from 0; behind the end when it is too large. */
static size_t start_argument(lua_State *L, int index, size_t length)
{
    lua_Integer init = luaL_optinteger(L, index, 1);
    if (init > 0)
        return (lua_Unsigned)init - 1 > length ? length + 1 : (size_t)init - 1;
    if (init == 0 || (lua_Unsigned)0 - (lua_Unsigned)init > length)
        return 0;
    return length - ((size_t)0 - (size_t)init);
}

static int find_plain(lua_State *L, struct moon_span subject, struct moon_span text, size_t start)
{
    moon_sandbox_charge(L, (subject.n - start) / 16 + 1);
    const char *found = memmem(subject.p + start, subject.n - start, text.p, text.n);
    if (!found) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, found - subject.p + 1);
    lua_pushinteger(L, found - subject.p + (lua_Integer)text.n);
    return 2;
}

static bool has_specials(struct moon_span pattern)
{
    for (size_t i = 0; i < pattern.n; i++)
        if (pattern.p[i] && strchr("^$*+?.([%-", pattern.p[i]))
            return true;
    return false;
}

static int find_or_match(lua_State *L, bool find)
{
    struct moon_span subject = text_argument(L, 1), pattern = text_argument(L, 2);
    size_t start = start_argument(L, 3, subject.n);
    if (start > subject.n) {
        lua_pushnil(L);
        return 1;
    }
    if (find && (lua_toboolean(L, 4) || !has_specials(pattern)))
        return find_plain(L, subject, pattern, start);
    struct match m = begin(L, subject, pattern);
    bool anchored = pattern.n && pattern.p[0] == '^';
    const char *p = pattern.p + anchored;
    for (const char *s = subject.p + start; s <= m.end; s++) {
        const char *end = attempt(&m, s, p);
        if (end && find) {
            lua_pushinteger(L, s - subject.p + 1);
            lua_pushinteger(L, end - subject.p);
            return push_captures(&m, NULL, NULL) + 2;
        }
        if (end)
            return push_captures(&m, s, end);
        if (anchored)
            break;
    }
    lua_pushnil(L);
    return 1;
}

/* string.find(text, pattern [, init [, plain]]) [-0, +n], may raise */
static int script_find(lua_State *L)
{
    return find_or_match(L, true);
}

/* string.match(text, pattern [, init]) [-0, +n], may raise */
static int script_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* Upvalues: text, pattern, place of the next attempt, end of the last match (-1: none). */
static int gmatch_step(lua_State *L)
{
    struct moon_span subject = text_argument(L, lua_upvalueindex(1));
    struct moon_span pattern = text_argument(L, lua_upvalueindex(2));
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    struct match m = begin(L, subject, pattern);
    for (const char *s = subject.p + lua_tointeger(L, lua_upvalueindex(3)); s <= m.end; s++) {
        const char *end = attempt(&m, s, pattern.p);
        if (!end || end - subject.p == last)
            continue;
        lua_pushinteger(L, end - subject.p);
        lua_pushvalue(L, -1);
        lua_replace(L, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return push_captures(&m, s, end);
    }
    return 0;
}

/* string.gmatch(text, pattern [, init]) [-0, +1], may raise */
static int script_gmatch(lua_State *L)
{
    size_t length = text_argument(L, 1).n;
    (void)text_argument(L, 2); /* checks the type */
    lua_Integer start = (lua_Integer)start_argument(L, 3, length);
    lua_settop(L, 2);
    lua_pushinteger(L, start);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_step, 4);
    return 1;
}

/* Adds the replacement text with its %0 to %9. */
static void add_text(struct match *m, luaL_Buffer *buffer, const char *s, const char *end)
{
    struct moon_buf text = moon_buf_of(text_argument(m->L, 3));
    moon_sandbox_charge(m->L, text.left / 16 + 1);
    while (!moon_buf_at_end(&text)) {
        struct moon_span plain = moon_buf_until(&text, '%');
        luaL_addlstring(buffer, plain.p, plain.n);
        if (!moon_buf_skip(&text, '%'))
            break;
        int c = moon_buf_byte(&text);
        if (c == '%') {
            luaL_addchar(buffer, '%');
        } else if (c == '0') {
            luaL_addlstring(buffer, s, (size_t)(end - s));
        } else if (c >= '1' && c <= '9') {
            push_capture(m, (unsigned)(c - '1'), s, end);
            (void)luaL_tolstring(m->L, -1, NULL); /* a position becomes a text */
            lua_remove(m->L, -2);
            luaL_addvalue(buffer);
        } else {
            (void)moon_sandbox_raise(m->L, "invalid use of '%%' in a replacement");
        }
    }
}

/* Adds what argument 3 makes of one match. */
static void add_replacement(struct match *m, luaL_Buffer *buffer, const char *s, const char *end)
{
    lua_State *L = m->L;
    int type = lua_type(L, 3);
    if (type == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, s, end), 1);
    } else if (type == LUA_TTABLE) {
        push_capture(m, 0, s, end);
        (void)lua_gettable(L, 3);
    } else {
        add_text(m, buffer, s, end);
        return;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(buffer, s, (size_t)(end - s)); /* keeps the original */
    } else if (!lua_isstring(L, -1)) {
        (void)moon_sandbox_raise(L, "a replacement must be a text, not a %s", luaL_typename(L, -1));
    } else {
        luaL_addvalue(buffer);
    }
}

/* string.gsub(text, pattern, replacement [, n]) [-0, +2], may raise */
static int script_gsub(lua_State *L)
{
    struct moon_span subject = text_argument(L, 1), pattern = text_argument(L, 2);
    int type = lua_type(L, 3);
    luaL_argexpected(L,
                     type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
                         type == LUA_TTABLE,
                     3, "string/function/table");
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)subject.n + 1), count = 0;
    bool anchored = pattern.n && pattern.p[0] == '^';
    const char *p = pattern.p + anchored, *s = subject.p, *last = NULL;
    struct match m = begin(L, subject, pattern);
    luaL_Buffer buffer;

    luaL_buffinit(L, &buffer);
    while (count < most) {
        const char *end = attempt(&m, s, p);
        if (end && end != last) {
            count++;
            add_replacement(&m, &buffer, s, end);
            s = last = end;
        } else if (s < m.end) {
            luaL_addchar(&buffer, *s);
            s++;
        } else {
            break;
        }
        if (anchored)
            break;
    }
    luaL_addlstring(&buffer, s, (size_t)(m.end - s));
    luaL_pushresult(&buffer);
    lua_pushinteger(L, count);
    return 2;
}

void moon_pattern_functions(lua_State *L)
{
    static const luaL_Reg functions[] = {{"find", script_find},
                                         {"match", script_match},
                                         {"gmatch", script_gmatch},
                                         {"gsub", script_gsub},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
