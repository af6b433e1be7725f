/* SPDX-License-Identifier: MIT
 *
 * sandbox: limits of a run. Instructions are counted by a hook that fires every HOOK_INSTRUCTIONS
 * and by charges of our own library functions, which the hook does not see; memory by the
 * allocator; time by both, on the monotonic clock. A breach is noted in the sandbox before the
 * error is raised, so that nothing depends on what a script does with that error.
 */
#include "lua/sandbox.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/budget.h"
#include "engine/base/limits.h"
#include "lua/heap.h"

#define HOOK_INSTRUCTIONS 200   /* between two looks at the clock */
#define FINE_INSTRUCTIONS 10    /* the same where one instruction may take milliseconds */
#define FINE_BYTES        65536 /* from a block of this size on: to compare it may take 0.3 ms */
#define PIECE_BYTES       256u  /* of a source between two looks at the clock */
#define CLOCK_CHARGE      5000  /* charged instructions between two looks at the clock */
#define ERROR_COST        100   /* of an error that pcall caught: its text, the way back */
#define REFUSALS_MAX      10    /* collections for want of memory before we call it a breach */

#define BUILT_IN "built-in:" /* how the name of a source in the program begins */

struct moon_sandbox {
    lua_State *L;
    struct moon_heap *heap; /* may be NULL */
    struct moon_limits limits;
    int64_t used_instructions, used_bytes, peak_bytes, deadline_ms, clock_charge;
    int64_t end_ms;
    const char *over;          /* what is said at end_ms, or NULL: there is no such end */
    unsigned refusals, stride; /* instructions between two calls of the hook */
    const char *limit;         /* that ended the run, or NULL */
    const char *name;          /* of the source being compiled, or NULL */
    int line;                  /* where its compiler is, about */
    void *context;
    bool breached;
    char refused[128]; /* where memory was last refused */
    char breach[400], error[512];
};

static struct moon_sandbox *sandbox_of(lua_State *L)
{
    return *(struct moon_sandbox **)lua_getextraspace(L);
}

void *moon_sandbox_context(lua_State *L)
{
    return sandbox_of(L)->context;
}

void moon_sandbox_where(lua_State *L, char *where_r, size_t size)
{
    lua_Debug ar;
    where_r[0] = '\0';
    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        if (!lua_getinfo(L, "Sl", &ar) || ar.currentline <= 0)
            continue;
        bool ours = !strncmp(ar.short_src, BUILT_IN, strlen(BUILT_IN));
        if (!ours || !where_r[0])
            (void)snprintf(where_r, size, "%s:%d", ar.short_src, ar.currentline);
        if (!ours)
            return;
    }
}

static void count_hook(lua_State *L, lua_Debug *ar);

static void note_breach(struct moon_sandbox *sandbox, const char *what)
{
    char where[128] = "";
    if (sandbox->breached)
        return;
    sandbox->breached = true;
    if (sandbox->L)
        moon_sandbox_where(sandbox->L, where, sizeof where);
    if (!where[0])
        (void)snprintf(where, sizeof where, "%s", sandbox->refused);
    if (!where[0] && sandbox->name)
        (void)snprintf(where, sizeof where, "%.110s:%d", sandbox->name, sandbox->line);
    (void)snprintf(sandbox->breach, sizeof sandbox->breach, "%s%s%s", where, where[0] ? ": " : "",
                   what);
}

static void note_limit(struct moon_sandbox *sandbox, const char *what, int64_t limit,
                       const char *unit)
{
    char text[64];
    if (!sandbox->breached)
        sandbox->limit = what;
    (void)snprintf(text, sizeof text, "%s limit of %lld%s reached", what, (long long)limit, unit);
    note_breach(sandbox, text);
}

static void note_memory(struct moon_sandbox *sandbox)
{
    note_limit(sandbox, "memory", sandbox->limits.bytes, " bytes");
}

/* Lua collects garbage and asks again when it is refused; a script that lives at the edge of its
 * memory would collect for ever, so refusals are counted. */
static void *allocate(void *ud, void *block, size_t old_size, size_t size)
{
    struct moon_sandbox *sandbox = ud;
    size_t old = block ? old_size : 0; /* without a block, old_size is a type */

    if (size == 0) {
        sandbox->used_bytes -= (int64_t)old;
        return moon_heap_resize(sandbox->heap, block, old, 0);
    }
    if (size > old) {
        size_t more = size - old;
        if (more > (size_t)(sandbox->limits.bytes - sandbox->used_bytes)) {
            if (sandbox->L) /* only reads the state */
                moon_sandbox_where(sandbox->L, sandbox->refused, sizeof sandbox->refused);
            if (++sandbox->refusals > REFUSALS_MAX)
                note_memory(sandbox);
            return NULL;
        }
    }
    void *moved = moon_heap_resize(sandbox->heap, block, old, size);
    if (moved && size >= FINE_BYTES && sandbox->L && sandbox->stride > FINE_INSTRUCTIONS) {
        sandbox->stride = FINE_INSTRUCTIONS; /* a hook may be set at any time, like by a signal */
        lua_sethook(sandbox->L, count_hook, LUA_MASKCOUNT, FINE_INSTRUCTIONS);
    }
    if (moved)
        sandbox->used_bytes += (int64_t)size - (int64_t)old;
    if (sandbox->used_bytes > sandbox->peak_bytes)
        sandbox->peak_bytes = sandbox->used_bytes;
    return moved;
}

/* Raises without allocating. */
static _Noreturn void raise_breach(lua_State *L)
{
    lua_pushlightuserdata(L, sandbox_of(L));
    (void)lua_error(L); /* never returns */
    abort();
}

void moon_sandbox_check_clock(lua_State *L)
{
    struct moon_sandbox *sandbox = sandbox_of(L);
    int64_t now_ms = moon_clock_ms();
    sandbox->clock_charge = 0;
    if (now_ms >= sandbox->deadline_ms)
        note_limit(sandbox, "time", sandbox->limits.ms, " ms");
    else if (sandbox->over && now_ms >= sandbox->end_ms)
        note_breach(sandbox, sandbox->over);
    if (sandbox->breached)
        raise_breach(L);
}

void moon_sandbox_credit(lua_State *L, int64_t ms)
{
    sandbox_of(L)->deadline_ms += ms;
}

static void add_cost(lua_State *L, uint64_t cost)
{
    struct moon_sandbox *sandbox = sandbox_of(L);
    int64_t left = sandbox->limits.instructions - sandbox->used_instructions;
    if (cost >= (uint64_t)(left > 0 ? left : 0)) {
        sandbox->used_instructions = sandbox->limits.instructions;
        note_limit(sandbox, "instruction", sandbox->limits.instructions, "");
    } else {
        sandbox->used_instructions += (int64_t)cost;
        sandbox->clock_charge += (int64_t)cost;
    }
    if (sandbox->breached)
        raise_breach(L);
}

void moon_sandbox_charge(lua_State *L, uint64_t cost)
{
    add_cost(L, cost);
    if (sandbox_of(L)->clock_charge >= CLOCK_CHARGE)
        moon_sandbox_check_clock(L);
}

static void count_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar; /* only counts */
    add_cost(L, sandbox_of(L)->stride);
    moon_sandbox_check_clock(L);
}

struct moon_sandbox *moon_sandbox_create(const struct moon_limits *limits)
{
    struct moon_sandbox *sandbox = calloc(1, sizeof *sandbox);
    if (!sandbox)
        return NULL;
    sandbox->limits = *limits;
    sandbox->heap = moon_heap_take();
    lua_State *L = lua_newstate(allocate, sandbox);
    if (!L) {
        moon_heap_give_back(&sandbox->heap);
        free(sandbox);
        return NULL;
    }
    sandbox->L = L;
    *(struct moon_sandbox **)lua_getextraspace(L) = sandbox;
    return sandbox;
}

void moon_sandbox_destroy(struct moon_sandbox **sandbox)
{
    if (!*sandbox)
        return;
    lua_close((*sandbox)->L);
    moon_heap_give_back(&(*sandbox)->heap);
    free(*sandbox);
    *sandbox = NULL;
}

int64_t moon_sandbox_peak_bytes(const struct moon_sandbox *sandbox)
{
    return sandbox->peak_bytes;
}

const char *moon_sandbox_limit(const struct moon_sandbox *sandbox)
{
    return sandbox->limit;
}

void moon_sandbox_until(struct moon_sandbox *sandbox, int64_t end_ms, const char *over)
{
    sandbox->end_ms = end_ms;
    sandbox->over = over;
}

/* Does the text start with "name:", the name perhaps cut as Lua cuts it? */
static bool starts_with_name(const char *text, const char *name)
{
    size_t n = strnlen(name, LUA_IDSIZE - 1);
    return !strncmp(text, name, n) && text[n] == ':';
}

/* Where an error without a position of this source in front happened; "" when it has one. A script
 * may raise any text: it must not look like another file's error. */
static void place_of(lua_State *L, const char *text, char *where_r, size_t size)
{
    const struct moon_sandbox *sandbox = sandbox_of(L);
    char file[128];
    moon_sandbox_where(L, where_r, size);
    if (!where_r[0] && sandbox->name)
        (void)snprintf(where_r, size, "%.110s:%d", sandbox->name, sandbox->line);
    (void)snprintf(file, sizeof file, "%s", where_r);
    char *colon = strrchr(file, ':');
    if (!colon)
        return;
    *colon = '\0';
    if (starts_with_name(text, file) && moon_is_digit(text[strnlen(file, LUA_IDSIZE - 1) + 1]))
        where_r[0] = '\0';
}

/* What Lua says of nil where a value was expected, and the cure: what nobody knows is nil. */
static const char *cure_of(const char *text)
{
    static const char *const cures[][2] = {
        {"attempt to concatenate a nil", "; what is not known is nil: write (FACT or \"-\")"},
        {"attempt to compare number with nil", "; what is not known is nil: write (FACT or 0)"},
        {"attempt to compare nil with number", "; what is not known is nil: write (FACT or 0)"},
        {"attempt to perform arithmetic on a nil", "; what is not known is nil: write (FACT or 0)"},
        {"attempt to index a nil", "; it may be nil: ask for it first, as in: x and x.name"},
    };
    for (size_t i = 0; i < sizeof cures / sizeof cures[0]; i++)
        if (strstr(text, cures[i][0]))
            return cures[i][1];
    return "";
}

/* Message handler: keeps the text in the sandbox while the stack still stands. Never calls a
 * metamethod and never allocates. */
static int keep_error(lua_State *L)
{
    struct moon_sandbox *sandbox = sandbox_of(L);
    char where[128];

    if (lua_type(L, 1) == LUA_TSTRING) {
        size_t n;
        const char *text = lua_tolstring(L, 1, &n);
        place_of(L, text, where, sizeof where);
        (void)snprintf(sandbox->error, sizeof sandbox->error, "%s%s%s%s", where,
                       where[0] ? ": " : "", n ? text : "empty error", cure_of(text));
    } else {
        moon_sandbox_where(L, where, sizeof where);
        (void)snprintf(sandbox->error, sizeof sandbox->error, "%s%serror of type %s, not a text",
                       where, where[0] ? ": " : "", lua_typename(L, lua_type(L, 1)));
    }
    for (char *c = sandbox->error; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?';
    return 1;
}

enum moon_status moon_sandbox_run(struct moon_sandbox *sandbox, lua_CFunction body, void *context,
                                  struct moon_error *error)
{
    lua_State *L = sandbox->L;
    sandbox->context = context;
    sandbox->deadline_ms = moon_clock_ms() + sandbox->limits.ms;
    sandbox->error[0] = '\0';
    sandbox->stride = HOOK_INSTRUCTIONS;
    lua_sethook(L, count_hook, LUA_MASKCOUNT, HOOK_INSTRUCTIONS);
    lua_settop(L, 0);
    lua_pushcfunction(L, keep_error);
    lua_pushcfunction(L, body);
    int code = lua_pcall(L, 0, 0, 1);
    if (code == LUA_ERRMEM)
        note_memory(sandbox);
    lua_settop(L, 0);
    sandbox->context = NULL;
    if (sandbox->breached)
        return moon_fail(error, MOON_EBUDGET, "%s", sandbox->breach);
    if (code != LUA_OK)
        return moon_fail(error, MOON_ECONF, "%s",
                         sandbox->error[0] ? sandbox->error : "error while handling an error");
    return MOON_OK;
}

int moon_sandbox_raise(lua_State *L, const char *format, ...)
{
    char where[128], text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut: a message for people */
    va_end(args);
    moon_sandbox_where(L, where, sizeof where);
    lua_pushfstring(L, "%s%s%s", where, where[0] ? ": " : "", text);
    return lua_error(L);
}

bool moon_sandbox_less(lua_State *L, int a, int b)
{
    if (lua_type(L, a) == LUA_TSTRING && lua_type(L, b) == LUA_TSTRING) {
        size_t n = lua_rawlen(L, a), other = lua_rawlen(L, b);
        moon_sandbox_charge(L, (n < other ? n : other) / 4);
    }
    return lua_compare(L, a, b, LUA_OPLT);
}

int moon_sandbox_pcall(lua_State *L)
{
    struct moon_sandbox *sandbox = sandbox_of(L);
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int code = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
    if (code == LUA_ERRMEM)
        note_memory(sandbox);
    if (sandbox->breached)
        raise_breach(L);
    if (code == LUA_OK)
        return lua_gettop(L);
    moon_sandbox_charge(L, ERROR_COST);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

const char *moon_sandbox_tostring(lua_State *L, int index, size_t *length_r)
{
    int type = lua_type(L, index);
    if (type > LUA_TSTRING && luaL_getmetafield(L, index, "__tostring") == LUA_TNIL) {
        lua_pushstring(L, lua_typename(L, type)); /* an address would differ from run to run */
        return lua_tolstring(L, -1, length_r);
    }
    if (type > LUA_TSTRING)
        lua_pop(L, 1);
    return luaL_tolstring(L, index, length_r);
}

struct reading {
    struct moon_span left;
    int line; /* at the end of what was handed over */
    bool compiled;
};

/* lua_Reader: no hook runs while Lua compiles, and a long expression costs the square of its
 * length, so the source is handed over in pieces; what is compiled only has to be copied. May
 * raise. */
static const char *read_piece(lua_State *L, void *ud, size_t *size_r)
{
    struct reading *reading = ud;
    const char *piece = reading->left.p;
    size_t n = reading->compiled || reading->left.n < PIECE_BYTES ? reading->left.n : PIECE_BYTES;
    sandbox_of(L)->line = reading->line;
    moon_sandbox_check_clock(L);
    for (size_t i = 0; i < n && !reading->compiled; i++)
        reading->line += piece[i] == '\n';
    reading->left = moon_span_sub(reading->left, n, reading->left.n);
    *size_r = n;
    return n ? piece : NULL;
}

/* What Lua's compiler says of what people write who know another language, and the cure. The error
 * is at the top. [-1, +1] */
static void add_cure(lua_State *L)
{
    static const char *const cures[][2] = {
        {"unexpected symbol near '{'", "did you forget return?"},
        {"'then' expected near '='", "a comparison is written =="},
        {"near '!'", "unequal is written ~=, and negation not"},
        {"symbol near '&'", "write and"},
        {"symbol near '|'", "write or"},
        {"'}' expected", "is a comma missing?"},
        {"'end' expected", "each function, if and for needs its end; else if is written elseif"},
    };
    const char *text = lua_tostring(L, -1);
    for (size_t i = 0; i < sizeof cures / sizeof cures[0]; i++) {
        if (strstr(text, cures[i][0])) {
            lua_pushfstring(L, "%s; %s", text, cures[i][1]);
            lua_remove(L, -2);
            return;
        }
    }
}

/* [-1, +1] */
static void load(lua_State *L, struct moon_span code, const char *name, const char *mode)
{
    struct moon_sandbox *sandbox = sandbox_of(L);
    struct reading reading = {.left = code, .line = 1, .compiled = mode[0] == 'b'};
    char chunk[160];
    (void)snprintf(chunk, sizeof chunk, "=%.150s", name);
    sandbox->name = name;
    sandbox->line = 1;
    int result = lua_load(L, read_piece, &reading, chunk, mode);
    if (result == LUA_ERRMEM)
        note_memory(sandbox);
    moon_sandbox_check_clock(L); /* of the last piece */
    if (result == LUA_ERRSYNTAX)
        add_cure(L);
    if (result != LUA_OK)
        (void)lua_error(L); /* never returns */
    sandbox->name = NULL;
    lua_insert(L, -2);
    if (!lua_setupvalue(L, -2, 1)) /* a function without globals has none to set */
        lua_pop(L, 1);
}

void moon_sandbox_load(lua_State *L, struct moon_span text, const char *name)
{
    if (text.n && text.p[0] == LUA_SIGNATURE[0]) {
        (void)lua_pushfstring(L, "%s:1: bytecode is refused, a text is wanted", name);
        (void)lua_error(L); /* never returns */
    }
    load(L, text, name, "t");
}

void moon_sandbox_load_compiled(lua_State *L, struct moon_span code, const char *name)
{
    load(L, code, name, "b");
}
