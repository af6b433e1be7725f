/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/sandbox.c, library.c, pattern.c and table.c: every attack ends in the failure
 * verdict with file, line and the limit's name, and the next decision works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/policy_case.h"

/* A body of `message` that must fail, and what the failure must say. */
struct attack {
    const char *body, *want;
};

static void expect_failure(const struct attack *attack)
{
    struct policy_case c;
    char text[4096];
    (void)snprintf(
        text, sizeof text,
        "local moon = require 'moonscan'\nlocal policy = {}\nfunction policy.message(m)\n"
        "%s\nend\nreturn policy\n",
        attack->body);
    policy_case_begin(&c);
    policy_case_policy(&c, text);
    policy_case_add(&c, "tenant/good", "tenants/good.lua");
    policy_case_add(&c, "policy/tenants/good.lua",
                    "return { message = function(m) return require('moonscan').discard {} end }");
    c.conf.policy_instructions = 1000000;
    c.conf.policy_bytes = 2 << 20;
    struct moon_verdict verdict = policy_case_decide(&c);
    if (verdict.kind != MOON_VERDICT_DEFER || !verdict.failure ||
        !strstr(verdict.failure, attack->want) ||
        strncmp(verdict.failure, "tenants/acme.lua", 16) != 0 || strcmp(verdict.layer, "failure"))
        fail_msg("%s\n  got kind %d '%s', want '%s'", attack->body, (int)verdict.kind,
                 verdict.failure ? verdict.failure : "no failure", attack->want);
    c.input.tenant = "good";
    verdict = policy_case_decide(&c);
    if (verdict.kind != MOON_VERDICT_DISCARD)
        fail_msg("after %s: got kind %d, want discard", attack->body, (int)verdict.kind);
    policy_case_end(&c);
}

static void expect_failures(const struct attack *attacks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_failure(&attacks[i]);
}
#define EXPECT_FAILURES(table) expect_failures(table, sizeof(table) / sizeof((table)[0]))

#define INSTRUCTIONS "instruction limit of 1000000 reached"
#define MEMORY       "memory limit of 2097152 bytes reached"

static void endless_work_meets_the_instruction_limit(void **state)
{
    static const struct attack attacks[] = {
        {"while true do end", "tenants/acme.lua:4: " INSTRUCTIONS},
        {"\n\nrepeat until false", "tenants/acme.lua:6: " INSTRUCTIONS},
        {"::again:: goto again", INSTRUCTIONS},
        {"while true do pcall(function() while true do end end) end", INSTRUCTIONS},
        {"pcall(pcall, function() while true do end end) return moon.accept {}", INSTRUCTIONS},
        {"pcall(error) pcall(string.rep, 'x', 1e9) while true do pcall(error, 'x') end",
         INSTRUCTIONS},
        {"local s = ('a'):rep(20000) s:find('(.-)*(.-)*(.-)*(.-)*(.-)*b')", INSTRUCTIONS},
        {"local s = ('a'):rep(3000) s:match('.-.-.-.-.-.-.-.-b')", INSTRUCTIONS},
        {"pcall(string.match, ('a'):rep(30000), '.-.-.-.-.-b') return moon.accept {}",
         INSTRUCTIONS},
        {"for _ in ('a'):rep(30000):gmatch('.-.-.-.-b') do end", INSTRUCTIONS},
        {"local s = ('a'):rep(30000) s:gsub('.-.-.-b', '')", INSTRUCTIONS},
        {"local s = ('('):rep(30000) s:find('%b()')", INSTRUCTIONS},
        {"local s = ('x'):rep(50000) while true do s:rep(2) end", INSTRUCTIONS},
        {"local s = ('x'):rep(500000) while true do s:upper() end", INSTRUCTIONS},
        {"local s = ('x'):rep(500000) while true do s:find('y', 1, true) end", INSTRUCTIONS},
        {"local s = ('x'):rep(500000) while true do local _ = ('%s'):format(s) end", INSTRUCTIONS},
        {"local t = {} for i = 1, 20000 do t[i] = i end\n"
         "while true do table.sort(t, function(a, b) return true end) end",
         INSTRUCTIONS},
        {"local t = {} for i = 1, 20000 do t[i] = 'x' end while true do table.concat(t) end",
         INSTRUCTIONS},
        {"local t = {} for i = 1, 20000 do t[i] = 'x' end while true do table.insert(t, 1, 0) end",
         INSTRUCTIONS},
        {"local t = {} for i = 1, 9000 do t[i] = 0 end while true do table.unpack(t) end",
         INSTRUCTIONS},
        {"local t = {} for i = 1, 9000 do t[i] = 0 end while true do pairs(t) end", INSTRUCTIONS},
        {"local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) "
         "while true do pcall(function() return t[1] end) end",
         INSTRUCTIONS},
        {"error(setmetatable({}, {__tostring = function() while true do end end}))",
         "error of type table, not a text"},
        {"tostring(setmetatable({}, {__tostring = function() while true do end end}))",
         INSTRUCTIONS},
        {"local t = setmetatable({}, {__lt = function() while true do end end}) return t < t",
         INSTRUCTIONS},
        {"local z = ('\\0'):rep(400000) local a, b, t = z .. 'a', z .. 'b', {}\n"
         "for i = 1, 2000 do t[i] = i % 2 == 0 and a or b end table.sort(t)",
         INSTRUCTIONS},
        {"local z = ('\\0'):rep(150000) local t = {} for i = 1, 4 do t[z .. i] = i end\n"
         "while true do pairs(t) end",
         INSTRUCTIONS},
        {"local z = ('x'):rep(500000) while true do ('y'):find(z) end", INSTRUCTIONS},
        {"for i = 1, 2000 do _ENV['v' .. i] = i end\n"
         "while true do pcall(function() return undefined end) end",
         INSTRUCTIONS},
        {"local t = {} for i = 0, 62 do t[1 << i] = 1 end t[math.maxinteger] = 1\n"
         "for i = 1, 5 do table.insert(t, 7) end",
         "tenants/acme.lua:5: table.insert: the list is too long"},
        {"while true do m.dkim:passed('x') end", INSTRUCTIONS},
        {"while true do m.header('x') end", INSTRUCTIONS},
    };
    (void)state; /* cmocka's, not used */
    EXPECT_FAILURES(attacks);
}

static void bombs_meet_the_memory_limit(void **state)
{
    static const struct attack attacks[] = {
        {"local s = ('x'):rep(100 * 1000 * 1000)", "limit of"},
        {"local s = ('x'):rep(4 * 1000 * 1000)", "tenants/acme.lua:4: " MEMORY},
        {"pcall(string.rep, 'x', 4 * 1000 * 1000) return moon.accept {}", MEMORY},
        {"local s = 'x' while true do s = s .. s end", MEMORY},
        {"local t = {} for i = 1, 1e9 do t[i] = {} end", "limit of"},
        {"local t = {} for i = 1, 100 do t[i] = ('x'):rep(100000 + i) end", MEMORY},
        {"local t = {} while true do pcall(function() t[#t + 1] = ('x'):rep(100000 + #t) end) end",
         MEMORY},
        {"local function f(...) return f(1, ...) end f()", "limit of"},
        {"local s = ('x'):rep(1000000) return (s:gsub('x', ('y'):rep(1000)))", "limit of"},
        {"local t = {} for i = 1, 1000 do t[i] = ('x'):rep(1000) end\n"
         "while true do t[#t + 1] = table.concat(t) end",
         MEMORY},
    };
    (void)state; /* cmocka's, not used */
    EXPECT_FAILURES(attacks);
}

static void deep_recursion_is_an_error(void **state)
{
    static const struct attack attacks[] = {
        {"local function f() return 1 + f() end f()", "limit of"},
        {"local function f() pcall(f) f() end f()", "limit of"},
        {"local t = {} t = setmetatable(t, {__index = function(t, k) return t[k] end}) "
         "return t.x",
         "stack overflow"},
        {"local p = ('('):rep(30) .. ('a'):rep(10) .. (')'):rep(30) return ('b'):find(p) or x", ""},
        {"return ('a'):rep(1000):find(('a?'):rep(300))", "pattern too complex"},
        {"return ('a'):find(('a'):rep(1001) .. '-')", "a pattern may have 1000 bytes"},
        {"local s = ('x'):rep(300, '(') return load(s)", "'load' is not available"},
    };
    (void)state; /* cmocka's, not used */
    EXPECT_FAILURES(attacks);
}

static void compiling_counts_too(void **state)
{
    /* Lua's compiler takes quadratic time for this. */
    static char text[120000] = "local x return x";
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    size_t n = strlen(text);
    while (n + 8 < sizeof text)
        n += (size_t)snprintf(text + n, sizeof text - n, " and x");
    policy_case_begin(&c);
    policy_case_policy(&c, text);
    c.conf.policy_ms = 1;
    struct moon_verdict verdict = policy_case_decide(&c);
    assert_string_equal(verdict.failure, "tenants/acme.lua:1: time limit of 1 ms reached");
    policy_case_end(&c);
}

static void a_source_that_nests_too_deep_is_named(void **state)
{
    static char text[4000] = "local a\nreturn ";
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    for (size_t n = strlen(text); n + 5 < sizeof text; n += 4)
        (void)snprintf(text + n, sizeof text - n, "not ");
    struct moon_verdict verdict = policy_case_run(&c, text);
    if (!verdict.failure || strncmp(verdict.failure, "tenants/acme.lua:", 17) != 0 ||
        !strstr(verdict.failure, "stack overflow"))
        fail_msg("got '%s'", verdict.failure ? verdict.failure : "no failure");
    policy_case_end(&c);
}

static void time_spent_on_lists_is_time(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    policy_case_begin(&c);
    policy_case_policy(&c, "local moon = require 'moonscan'\nreturn { message = function(m)\n"
                           "pcall(moon.list, 'slow') return moon.accept {} end }");
    policy_case_add(&c, "list/tenants/lists/slow.lua", "while true do end");
    c.conf.policy_instructions = INT64_MAX;
    c.conf.policy_ms = 20;
    struct moon_verdict verdict = policy_case_decide(&c);
    assert_string_equal(
        verdict.failure ? verdict.failure : "none",
        "tenants/acme.lua:3: time limit of 20 ms reached; mend this policy, or raise "
        "limits.policy_ms");
    policy_case_end(&c);
}

static void the_smallest_limits_allowed_are_enough_for_the_built_in_policies(void **state)
{
    (void)state; /* cmocka's, not used */
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"standard", "strict", "monitor"};
        struct policy_case c;
        policy_case_begin(&c);
        c.conf.policy = names[i];
        c.conf.policy_bytes = moon_conf_key_find(MOON_SPAN("limits.policy_bytes"))->min;
        c.conf.policy_instructions =
            moon_conf_key_find(MOON_SPAN("limits.policy_instructions"))->min;
        struct moon_verdict verdict = policy_case_decide(&c);
        if (verdict.failure)
            fail_msg("%s: %s", names[i], verdict.failure);
        policy_case_end(&c);
    }
}

static void what_is_not_listed_is_not_there(void **state)
{
    static const struct attack attacks[] = {
        {"os.exit(0)", "tenants/acme.lua:4: 'os' is not available in policies"},
        {"io.open('/etc/passwd')", "'io' is not available"},
        {"load('return 1')()", "'load' is not available"},
        {"loadstring('x')", "'loadstring' is not available"},
        {"dofile('/etc/passwd')", "'dofile' is not available"},
        {"loadfile('/etc/passwd')", "'loadfile' is not available"},
        {"debug.getinfo(1)", "'debug' is not available"},
        {"coroutine.create(f)", "'coroutine' is not available"},
        {"collectgarbage()", "'collectgarbage' is not available"},
        {"rawset(m, 1, 1)", "'rawset' is not available"},
        {"print(1)", "'print' is not available"},
        {"xpcall(f, f)", "'xpcall' is not available"},
        {"next({})", "'next' is not available"},
        {"package.loaded.os.exit()", "'package' is not available"},
        {"require 'os'",
         "tenants/acme.lua:4: require \"os\": policies can require \"moonscan\" only"},
        {"require '/etc/passwd'", "only"},
        {"return _G.os", "there is no variable '_G'"},
        {"string.dump(function() end)", "attempt to call a nil value (field 'dump')"},
        {"math.random()", "attempt to call a nil value (field 'random')"},
        {"string.pack('i', 1)", "attempt to call a nil value (field 'pack')"},
        {"table.move({}, 1, 2, 3)", "attempt to call a nil value (field 'move')"},
        {"return stirng.x", "did you mean 'string'?"},
        {"return ('%p'):format(m)", "%p is not available"},
        {"return ('%-20p'):format(m)", "%p is not available"},
        {"return ('%1000d'):format(1)", "invalid conversion"},
        {"return ('%99.999f'):format(1)", "invalid conversion"},
        {"setmetatable({}, {__gc = function() end})", "__gc is not available"},
        {"setmetatable({}, {__close = function() end})", "__close is not available"},
        {"setmetatable({}, {__mode = 'k'})", "__mode is not available"},
        {"setmetatable(moon, {})", "this metatable is protected"},
        {"setmetatable(_ENV, nil)", "this metatable is protected"},
        {"local t = {} local x <close> = setmetatable({}, t) t.__close = error",
         "got a non-closable value"},
        {"local t = {} t = setmetatable({}, t) getmetatable(t).__close = error\n"
         "local x <close> = t",
         "got a non-closable value"},
        {"m.dmarc.result = 'pass'", "m.dmarc is read-only"},
        {"m.x = 1", "m is read-only"},
        {"moon.accept = nil moon.accept {}", ""},
        {"setmetatable(m, {})", "table expected"},
        {"return getmetatable(m).__index", "attempt to index a nil value"},
        {"return getmetatable('').__index", "attempt to index a nil value"},
        {"error()", "error of type nil"},
        {"error(nil)", "error of type nil"},
        {"error(42)", "error of type number"},
        {"error({})", "error of type table"},
        {"error('x', 0)", "tenants/acme.lua:4: x"},
        {"error('', 0)", "tenants/acme.lua:4: empty error"},
        {"error('tenants/other.lua:1: x', 0)", "tenants/acme.lua:4: tenants/other.lua:1: x"},
        {"local ok, e = pcall(error, 'x', 2)\nerror(e, 0)", "tenants/acme.lua:"},
        {"local t = setmetatable({}, {__tostring = tostring}) tostring(t)",
         "tenants/acme.lua:4: C stack overflow"},
        {"error('bell\\7 and\\nline', 0)", ""},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i + 1 < sizeof attacks / sizeof attacks[0]; i++)
        expect_failure(&attacks[i]);
}

static void what_a_policy_changes_is_gone_with_it(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    policy_case_begin(&c);
    policy_case_policy(&c, "local moon = require 'moonscan'\nreturn { message = function(m)\n"
                           "if counter then return moon.reject {} end end }");
    policy_case_add(&c, "site", "site.lua");
    policy_case_add(&c, "policy/site.lua",
                    "local moon = require 'moonscan'\n"
                    "local was = string.evil or ipairs == nil\nstring.evil = true\n"
                    "string.upper = nil ipairs = nil moon.accept = nil\n"
                    "return { message = function(m)\n"
                    "if was then return moon.discard {} end return moon.quarantine {} end }");
    for (int i = 0; i < 3; i++) {
        struct moon_verdict verdict = policy_case_decide(&c);
        if (verdict.failure) /* reading counter is an error: it is no variable */
            assert_non_null(strstr(verdict.failure, "there is no variable 'counter'"));
    }
    policy_case_end(&c);

    policy_case_begin(&c);
    policy_case_add(&c, "site", "site.lua");
    policy_case_add(&c, "policy/site.lua",
                    "local moon = require 'moonscan'\n"
                    "local was = string.evil\nstring.evil = true moon.accept = nil\n"
                    "return { message = function(m)\n"
                    "if was then return moon.discard {} end return moon.quarantine {} end }");
    for (int i = 0; i < 3; i++)
        assert_int_equal(policy_case_decide(&c).kind, MOON_VERDICT_QUARANTINE);
    policy_case_end(&c);
}

static void errors_are_cleaned_of_control_bytes(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    struct moon_verdict verdict = policy_case_run(
        &c, "return { message = function(m) error('bell\\7 and\\nline\\255', 0) end }");
    assert_string_equal(verdict.failure, "tenants/acme.lua:1: bell? and?line?");
    assert_string_equal(verdict.rule, "tenants/acme.lua:1");
    policy_case_end(&c);
}

static void texts_only_are_loaded(void **state)
{
    static const char *const texts[][2] = {
        {"\033Lua", "bytecode is refused"},
        {"return {", "tenants/acme.lua:1:"},
        {"x = = 1", "tenants/acme.lua:1:"},
        {"while true do end", "tenants/acme.lua:1: instruction limit of 10000000 reached"},
        {"\n", "tenants/acme.lua:1: the file returned nothing; its last line should be"},
        {"local p = {}\n\nreturn p\n", "tenants/acme.lua:3: the policy has no function 'message'"},
        {"local p = {}\nfunction p.mesage() end\nreturn p",
         "tenants/acme.lua:2: the policy has no function 'message'; is 'mesage' misspelt?"},
        {"{ message = 1 }",
         "tenants/acme.lua:1: unexpected symbol near '{'; did you forget return?"},
        {"return\n{ recipients = 1 }", "tenants/acme.lua:2: recipients must be a table"},
        {"return\n{ recipients = { x = 1, y = 1 } }", "tenants/acme.lua:2: recipients must be"},
        {"return { message = 1 }", "tenants/acme.lua:1: message must be a function, not a number"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct policy_case c;
        struct moon_verdict verdict = policy_case_run(&c, texts[i][0]);
        if (!verdict.failure || !strstr(verdict.failure, texts[i][1]))
            fail_msg("%s: got '%s', want '%s'", texts[i][0],
                     verdict.failure ? verdict.failure : "no failure", texts[i][1]);
        policy_case_end(&c);
    }
}

/* An expression that must be true inside a policy. */
static void expect_true(const char *expression)
{
    struct policy_case c;
    char text[2048];
    (void)snprintf(text, sizeof text,
                   "local moon = require 'moonscan'\nreturn { message = function(m)\n"
                   "if %s then return moon.discard {} end return moon.accept {} end }",
                   expression);
    struct moon_verdict verdict = policy_case_run(&c, text);
    if (verdict.kind != MOON_VERDICT_DISCARD)
        fail_msg("%s: got %s", expression, verdict.failure ? verdict.failure : "false");
    policy_case_end(&c);
}

static void patterns_mean_what_the_manual_says(void **state)
{
    static const char *const table[] = {
        "('hello world'):find('o w') == 5",
        "select(2, ('hello world'):find('l+')) == 4",
        "('hello'):match('^(h)(.-)(o)$') == 'h'",
        "select(2, ('hello'):match('^(h)(.-)(o)$')) == 'ell'",
        "('key = value'):match('^(%w+)%s*=%s*(%w+)$') == 'key'",
        "('a.b'):find('.', 1, true) == 2",
        "('a.b'):find('%.') == 2",
        "('abc'):find('') == 1 and ('abc'):find('', 10) == nil and ('abc'):find('', 4) == 4",
        "('abc'):find('b', -1) == nil and ('abc'):find('b', -2) == 2",
        "('abc'):match('()b()') == 2 and select(2, ('abc'):match('()b()')) == 3",
        "('[x]'):match('%[(.*)%]') == 'x'",
        "('x]y'):match('[]]') == ']'",
        "('x^y'):match('[%^]') == '^' and ('x-y'):match('[a-]') == '-'",
        "('THE (quick) fox'):find('%((%a+)%)') == 5",
        "('f(a(b)c)d'):match('%b()') == '(a(b)c)'",
        "('THE (quick) fox'):gsub('%f[%a]%a+', 'w') == 'w (w) w'",
        "('aXbX'):gsub('X', '-') == 'a-b-'",
        "select(2, ('aXbX'):gsub('X', '-')) == 2",
        "('aXbX'):gsub('X', '-', 1) == 'a-bX'",
        "('abc'):gsub('%w', '%0%0') == 'aabbcc'",
        "('abc'):gsub('(a)(b)', '%2%1') == 'bac'",
        "('abc'):gsub('', '-') == '-a-b-c-'",
        "('abc'):gsub('b*', 'x') == 'xaxcx'",
        "('abc'):gsub('%w', {a = '1', b = true and 'B'}) == '1Bc'",
        "('abc'):gsub('%w', function(c) if c == 'b' then return 'B' end end) == 'aBc'",
        "('x x'):match('(%a) %1') == 'x'",
        "('0x1F'):match('%x+', 3) == '1F'",
        "('a\\0b'):find('%z') == nil or true",
        "('a\\0b'):find('\\0') == 2",
        "('a,b,,c'):gsub(',', ';') == 'a;b;;c'",
        "('  trim '):match('^%s*(.-)%s*$') == 'trim'",
        "('abc'):match('[^a]+') == 'bc' and ('abc'):match('[^%w]') == nil",
        "('aaa'):find('a-', 2) == 2 and ('aaab'):match('a-b') == 'aaab'",
        "('colour color'):gsub('colou?r', 'x') == 'x x'",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect_true(table[i]);
    expect_true("(function() local t = {} for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do "
                "t[#t + 1] = k .. v end return table.concat(t, ';') end)() == 'a1;b2'");
    expect_true("(function() local n = 0 for _ in ('abc'):gmatch('') do n = n + 1 end "
                "return n end)() == 4");
    static const char *const malformed[] = {"'%'",  "'[a'",  "'[%'", "'(a'", "'a)'",
                                            "'%b'", "'%bx'", "'%f'", "'%1'", "'[^'"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        char expression[128];
        (void)snprintf(expression, sizeof expression, "not pcall(string.match, 'aaa', %s)",
                       malformed[i]);
        expect_true(expression);
    }
}

static void the_rest_of_the_library_works(void **state)
{
    static const char *const table[] = {
        "table.concat({1, 'a', 2.5}, ',') == '1,a,2.5' and table.concat({}) == ''",
        "table.concat({'a', 'b', 'c'}, '-', 2, 3) == 'b-c'",
        "not pcall(table.concat, {{}}) and not pcall(table.concat, {1}, ',', 1, 2)",
        "(function() local t = {5, 3, 9, 1, 3} table.sort(t) return table.concat(t, ' ') end)() == "
        "'1 3 3 5 9'",
        "(function() local t = {'b', 'a', 'c'} table.sort(t, function(x, y) return x > y end) "
        "return table.concat(t) end)() == 'cba'",
        "(function() local t = {1, 3} table.insert(t, 2, 2) table.insert(t, 4) "
        "return table.concat(t) .. table.remove(t, 1) .. table.remove(t) .. #t end)() == '1234142'",
        "select('#', table.unpack({1, 2, 3})) == 3 and table.pack(1, nil).n == 2",
        "(function() local t = {} for k in pairs({c = 1, a = 2, b = 3, 7}) do t[#t + 1] = k end "
        "return table.concat(t) end)() == '1abc'",
        "tostring({}) == 'table' and tostring(nil) == 'nil' and tostring(1) == '1'",
        "('%s %d %5.1f %q'):format({}, 3, 2.25, 'x') == 'table 3   2.2 \"x\"'",
        "('ab'):rep(3, '-') == 'ab-ab-ab' and ('x'):rep(0) == '' and ('x'):rep(-1) == ''",
        "('ab'):upper() == 'AB' and ('ab'):byte(2) == 98 and ('abc'):sub(-2) == 'bc'",
        "tonumber('0x10') == 16 and tonumber('z', 36) == 35 and math.type(1) == 'integer'",
        "math.floor(2.7) == 2 and math.maxinteger == ~(1 << 63) and utf8.len('äö') == 2",
        "math.pi == 3.141592653589793 and math.huge == 1 / 0 and ~math.mininteger == (1 << 63) - 1",
        "select(2, pcall(error, 'x')) == 'x' and pcall(function() return 1 end) and #('ab') == 2",
        "getmetatable(setmetatable({}, moon and {__name = 'x'})).__name == 'x'",
        "(function() local C = {} C.__index = C function C.f() return 1 end "
        "return setmetatable({}, C).f() end)() == 1",
        "(function() local t = {} local mt = {} setmetatable(t, mt) "
        "return getmetatable(t) == mt end)()",
        "tostring(setmetatable({}, {__tostring = function() return 'mine' end})) == 'mine'",
        "type(m) == 'userdata' and tostring(m.dmarc) == 'm.dmarc' and m.dmarc == m.dmarc",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect_true(table[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endless_work_meets_the_instruction_limit),
        cmocka_unit_test(bombs_meet_the_memory_limit),
        cmocka_unit_test(deep_recursion_is_an_error),
        cmocka_unit_test(compiling_counts_too),
        cmocka_unit_test(a_source_that_nests_too_deep_is_named),
        cmocka_unit_test(time_spent_on_lists_is_time),
        cmocka_unit_test(the_smallest_limits_allowed_are_enough_for_the_built_in_policies),
        cmocka_unit_test(what_is_not_listed_is_not_there),
        cmocka_unit_test(what_a_policy_changes_is_gone_with_it),
        cmocka_unit_test(errors_are_cleaned_of_control_bytes),
        cmocka_unit_test(texts_only_are_loaded),
        cmocka_unit_test(patterns_mean_what_the_manual_says),
        cmocka_unit_test(the_rest_of_the_library_works),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
