/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/lint.c, lint_walk.c, lint_chain.c, lint_use.c and api.c: mistakes that a source
 * shows, and sources that are right however they are written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "lua/sandbox.h"
#include "tests/support/lint_case.h"

/* misspelt facts, at any depth, in branches that no trial enters */
static const char *const misspelt[][2] = {
    {"if m.size > 9e9 then return m.dmarc.reslt end",
     "p.lua:4: m.dmarc has no field 'reslt'; did you mean 'result'?"},
    {"return m.dmrc", "p.lua:4: m has no field 'dmrc'; did you mean 'dmarc'?"},
    {"return\n\n m.envelope.foo",
     "p.lua:6: m.envelope has no field 'foo'; it has: mail_from, mail_from_domain, null_sender"},
    {"return m.dkim[1].domian", "p.lua:4: m.dkim[1] has no field 'domian'; did you mean 'domain'?"},
    {"return m.arc.sets[1].seel",
     "p.lua:4: m.arc.sets[1] has no field 'seel'; did you mean 'seal'?"},
    {"return m['dmrc']", "p.lua:4: m has no field 'dmrc'; did you mean 'dmarc'?"},
    {"return m.dmarc.alignment.spff",
     "p.lua:4: m.dmarc.alignment has no field 'spff'; did you mean 'spf'?"},
    {"return m.dkim:aligned_pas()",
     "p.lua:4: m.dkim has no field 'aligned_pas'; did you mean 'aligned_pass'?"},
    {"return m.dkim:passed('a.example').selectr",
     "p.lua:4: m.dkim:passed('a.example') has no field 'selectr'; did you mean 'selector'?"},
    {"local d <const> = m.dmarc\nreturn d.reslt",
     "p.lua:5: d has no field 'reslt'; did you mean 'result'?"},
    {"local d = m.size > 5 and m.dmarc\nif d then return d.reslt end",
     "p.lua:5: d has no field 'reslt'; did you mean 'result'?"},
    {"local a, b = m.spf, m.arc\nreturn b.reslt",
     "p.lua:5: b has no field 'reslt'; did you mean 'result'?"},
    {"for i, s in ipairs(m.dkim) do if s.bitz then return end end",
     "p.lua:4: s has no field 'bitz'; did you mean 'bits'?"},
    {"for _, r in ipairs(m.arc.sets[1].results) do if r.methd then return end end",
     "p.lua:4: r has no field 'methd'; did you mean 'method'?"},
    {"return function() return m.spf.reslt end",
     "p.lua:4: m.spf has no field 'reslt'; did you mean 'result'?"},
};

/* records and functions taken for what they are not */
static const char *const taken_for_another[][2] = {
    {"if m.spf == 'fail' then end", "p.lua:4: m.spf is a record and never equals a text; did "
                                    "you mean m.spf.result == \"fail\"?"},
    {"if 'fail' == m.spf then end", "p.lua:4: m.spf is a record and never equals a text; did "
                                    "you mean m.spf.result == \"fail\"?"},
    {"if m.dkim == true then end",
     "p.lua:4: m.dkim is a list and never equals true or false; leave the comparison out"},
    {"if m.from == 'a@b.example' then end",
     "p.lua:4: m.from is a record and never equals a text; did you mean m.from.address == "
     "\"a@b.example\"?"},
    {"if m.from == 'b.example' then end",
     "p.lua:4: m.from is a record and never equals a text; did you mean m.from.domain == "
     "\"b.example\"?"},
    {"for r in m.recipients do end",
     "p.lua:4: m.recipients is a list; write: for i, one in ipairs(m.recipients) do"},
    {"for k, v in m.dmarc.tags do end",
     "p.lua:4: m.dmarc.tags is a table; write: for key, value in pairs(m.dmarc.tags) do"},
    {"for k, v in m.dmarc do end", "p.lua:4: m.dmarc is a record: there is nothing to go through"},
    {"return m.header.Subject", "p.lua:4: m.header is a function: write m.header(\"Subject\")"},
    {"if m.header == 'x' then end",
     "p.lua:4: m.header is a function and never equals a text; call it: m.header(\"name\")"},
    {"return m.arc.vouches('x', 'dkim')", "p.lua:4: call vouches with a colon: m.arc:vouches(...)"},
    {"return m.dmarc('x')", "p.lua:4: m.dmarc is a record and cannot be called"},
    {"return m.from:domain()", "p.lua:4: m.from:domain is a text and cannot be called"},
    {"return m.from.domain:mach('x')",
     "p.lua:4: m.from.domain is a text and has no function 'mach'; did you mean 'match'?"},
    {"return m.from.domain.name", "p.lua:4: m.from.domain is a text and has no function 'name'"},
    {"return m.size.bytes", "p.lua:4: m.size is a number and has no field 'bytes'"},
    {"for _, x in ipairs(m.dmarc) do end", "p.lua:4: ipairs wants a list; m.dmarc is a record"},
    {"for _, x in ipairs(m.from.domain) do end",
     "p.lua:4: ipairs wants a list; m.from.domain is a text"},
    {"for _, x in ipairs(m.recipient) do end",
     "p.lua:4: m has no field 'recipient'; did you mean 'recipients'?"},
    {"for k, x in pairs(m) do end", "p.lua:4: pairs wants a list; m is a record"},
    {"for k, x in pairs(m.dkim) do end", "p.lua:4: pairs wants a table; write ipairs(m.dkim)"},
    {"if #m.dmarc == 0 then end", "p.lua:4: m.dmarc is a record: it has no length"},
    {"m.dmarc.result = 'pass'", "p.lua:4: facts are read-only (a comparison is written ==)"},
};

/* words that a fact never is */
static const char *const never[][2] = {
    {"if m.dmarc.result == 'failed' then end",
     "p.lua:4: m.dmarc.result is never \"failed\"; did you mean \"fail\"?"},
    {"if m.dmarc.result ~= 'Pass' then end",
     "p.lua:4: m.dmarc.result is never \"Pass\"; did you mean \"pass\"?"},
    {"if m.dmarc.result == 'softfail' then end",
     "p.lua:4: m.dmarc.result is never \"softfail\"; did you mean \"fail\"?"},
    {"if m.dmarc.policy == 'Reject' then end",
     "p.lua:4: m.dmarc.policy is never \"Reject\"; did you mean \"reject\"?"},
    {"if m.arc.result == 'xyzzy' then end",
     "p.lua:4: m.arc.result is never \"xyzzy\"; it is one of: \"none\", \"pass\", \"fail\""},
    {"local r = m.spf.result\nif r == 'hard-fail' then end",
     "p.lua:5: r is never \"hard-fail\"; did you mean \"fail\"?"},
    {"if m.session.port == '25' then end",
     "p.lua:4: m.session.port is a number and never equals a text; leave out the quotes"},
    {"if #m.dkim == '0' then end",
     "p.lua:4: #m.dkim is a number and never equals a text; leave out the quotes"},
    {"if m.session.tls == true then end", "p.lua:4: m.session.tls is a text and never equals "
                                          "true or false; leave the comparison out"},
    {"if m.from.ours == 'yes' then end",
     "p.lua:4: m.from.ours is true or false and never equals a text"},
    {"if not m.spf.result == 'pass' then end",
     "p.lua:4: not is taken before the comparison; write: m.spf.result ~= ..."},
    {"if m.spf.result == 'fail' or 'softfail' then end",
     "p.lua:4: or \"softfail\" is always true; write: or m.spf.result == \"softfail\""},
    {"return m.arc:vouches('x.example', 'dmrc')",
     "p.lua:4: m.arc:vouches: what it is given is never \"dmrc\"; did you mean \"dmarc\"?"},
};

/* verdicts */
static const char *const verdicts[][2] = {
    {"return moon.acept {}", "p.lua:4: moon has no field 'acept'; did you mean 'accept'?"},
    {"return moon.reject { txt = 'x' }",
     "p.lua:4: moon.reject has no field 'txt'; did you mean 'text'?"},
    {"return moon.reject {\n esc = '5.7.1',\n ['txt'] = 'x' }",
     "p.lua:6: moon.reject has no field 'txt'; did you mean 'text'?"},
    {"return moon.reject { esc = '4.7.1' }",
     "p.lua:4: moon.reject: esc must start with 5: '4.7.1' is of another class"},
    {"return moon.defer { esc = '5.7.1' }",
     "p.lua:4: moon.defer: esc must start with 4: '5.7.1' is of another class"},
    {"return moon.accept { override = 'trusted_fowarder' }",
     "p.lua:4: moon.accept: override is never \"trusted_fowarder\"; did you mean "
     "\"trusted_forwarder\"?"},
    {"return moon.accept { tag = true }",
     "p.lua:4: moon.accept: tag must be a text, not true or false"},
    {"return moon.accept { headers = 'X-A: b' }",
     "p.lua:4: moon.accept: headers must be a list, not a text; write: headers = { \"X-A: b\" }"},
    {"return moon.accept { 'trusted' }",
     "p.lua:4: moon.accept wants named fields, like { esc = ... }"},
    {"return moon.accept 'trusted'",
     "p.lua:4: moon.accept: what it is given must be a record, not a text; write: moon.accept { "
     "text = \"trusted\" }"},
    {"return moon:accept {}", "p.lua:4: call moon:accept with a dot, not with a colon"},
    {"return moon.accept({ txt = '' })",
     "p.lua:4: moon.accept has no field 'txt'; did you mean 'text'?"},
};

/* variables */
static const char *const variables[][2] = {
    {"return forwaders:match(m)", "p.lua:4: there is no variable 'forwaders'"},
    {"local forwarders = moon.list 'f'\nreturn forwaders:match(m)",
     "p.lua:5: there is no variable 'forwaders'; did you mean 'forwarders'?"},
    {"print(m.size)", "p.lua:4: 'print' is not available in policies: a policy has no output; "
                      "use the field reason "
                      "of a verdict"},
    {"local l = moon.list 'f'\nreturn l:mach(m)",
     "p.lua:5: l has no field 'mach'; did you mean 'match'?"},
    {"local l = moon.list 'f'\nlocal e = l:match(m)\nif e then return e.nmae end",
     "p.lua:6: e has no field 'nmae'; did you mean 'name'?"},
    {"do local x = 1 end return x", "p.lua:4: there is no variable 'x'"},
    {"if m.size > 1 then local x = 1 else return x end", "p.lua:4: there is no variable 'x'"},
    {"for i = 1, 2 do end return i", "p.lua:4: there is no variable 'i'"},
    {"local x = x", "p.lua:4: there is no variable 'x'"},
};

static void expect_each(const char *const table[][2], size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect(BODY, table[i][0], END, table[i][1]);
}
#define EXPECT_EACH(table) expect_each(table, sizeof(table) / sizeof((table)[0]))

static void mistakes_in_a_message_function(void **state)
{
    (void)state; /* cmocka's, not used */
    EXPECT_EACH(misspelt);
    EXPECT_EACH(taken_for_another);
    EXPECT_EACH(never);
    EXPECT_EACH(verdicts);
    EXPECT_EACH(variables);
}

static void mistakes_in_the_shape_of_a_file(void **state)
{
    static const char *const table[][2] = {
        {"local policy = {}\nfunction policy.message(m) return moon.accept {} end" TAIL,
         "p.lua:2: 'moon' is not available in policies: write: local moon <const> = require "
         "\"moonscan\""},
        {HEAD "function policy.mesage(m) end\nfunction policy.message(m) end" TAIL,
         "p.lua:3: the policy's 'mesage' is never asked for; did you mean 'message'?"},
        {HEAD "policy.recipient = {}\nfunction policy.message(m) end" TAIL,
         "p.lua:3: the policy's 'recipient' is never asked for; did you mean 'recipients'?"},
        {"return {\n mesage = function() end, message = function() end }",
         "p.lua:2: the policy's 'mesage' is never asked for; did you mean 'message'?"},
        {"return { message = function(m) return m.spff end }",
         "p.lua:1: m has no field 'spff'; did you mean 'spf'?"},
        {HEAD "policy.message = function(m) return m.spff end" TAIL,
         "p.lua:3: m has no field 'spff'; did you mean 'spf'?"},
        {HEAD "policy.recipients = { abuse = function(msg) return msg.spff end }" TAIL,
         "p.lua:3: msg has no field 'spff'; did you mean 'spf'?"},
        {HEAD "policy.recipients = { ['a@b.example'] = function(msg) return msg.spff end }" TAIL,
         "p.lua:3: msg has no field 'spff'; did you mean 'spf'?"},
        {HEAD "policy.recipients = {}\nfunction policy.recipients.abuse(m) return m.spff end" TAIL,
         "p.lua:4: m has no field 'spff'; did you mean 'spf'?"},
        {HEAD "policy.recipients = {}\npolicy.recipients['x'] = function(m) return m.spff end" TAIL,
         "p.lua:4: m has no field 'spff'; did you mean 'spf'?"},
        {"local p <const> = { message = function(m) return m.spff end }\nreturn p",
         "p.lua:1: m has no field 'spff'; did you mean 'spf'?"},
        {"local p = { recipients = { x = function(m) return m.spff end } }\nreturn p",
         "p.lua:1: m has no field 'spff'; did you mean 'spf'?"},
        {"local p = {}\nlocal function f(m) return m.spff end\np.message = f\nreturn p",
         "p.lua:2: m has no field 'spff'; did you mean 'spf'?"},
        {"local p = {}\nlocal function g(x) return x.reslt end\nlocal function f(y) return "
         "g(y.spf) end\n"
         "function p.message(m) return f(m) end\nreturn p",
         "p.lua:2: x has no field 'reslt'; did you mean 'result'?"},
        {"local p = {}\nlocal f = function(x) return x.spff end\n"
         "function p.message(m) return f(m) end\nreturn p",
         "p.lua:2: x has no field 'spff'; did you mean 'spf'?"},
        {"local refuse = require('moonscan').rejct\nreturn {}",
         "p.lua:1: require('moonscan') has no field 'rejct'; did you mean 'reject'?"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect("", table[i][0], "", table[i][1]);
}

/* Right, though a hasty reader might think otherwise. */
static void what_is_right_is_left_alone(void **state)
{
    static const char *const table[] = {
        "local m = { dmrc = 1 }\nreturn m.dmrc",
        "local m = m.dmarc\nreturn m.result",
        "local function f(m) return m.anything end\nreturn f({})",
        "local function f(m) return m.anything end\nlocal g = f\nreturn f(m), g({})",
        "local function f(x) return x.result, x.anything end\nreturn f(m.spf), f({})",
        "m = { x = 1 }\nreturn m.x",
        "local a\na, m = 1, {}\nreturn m.x",
        "for m in pairs({ a = 1 }) do return m.x end",
        "for i, m in ipairs({ {} }) do return m.x end",
        "do local m = {} return m.x end",
        "if m.size > 1 then local m = {} return m.x end",
        "repeat local m = {} until m.x",
        "while m.size > 1 do local m = {} return m.x end",
        "local d = m.size > 1 and m.dmarc or {}\nreturn d.x",
        "local t = { m = 1, dmrc = m.spf }\nreturn t.dmrc, t.m",
        "local t = {}\nt.m = 5\nt.dmarc = { reslt = 1 }\nreturn t.dmarc.reslt",
        "if m.dmarc.result == 'fail' .. '' then end",
        "if 'x' .. m.dmarc.result == 'xfail' then end",
        "if m.dmarc.result .. 'x' == 'failx' then end",
        "if m.size + 1 == 5 then end if 2 * m.size == 6 then end if -m.size == 5 then end",
        "if m.spf.result == nil or m.spf == nil then end",
        "if m.spf.result == m.dmarc.result or m.from.ours == (m.size > 5) then end",
        "if m.dmarc.policy == '' or m.dmarc.policy == 'none' then end",
        "if m.dmarc.result == \"\\102ail\" then end",
        "local why = m.spf.result == 'fail' and 'SPF' or 'DKIM'\nreturn why",
        "local x = m.spf.result == 'fail' or 'other'\nreturn x",
        "if #m.dkim == 0 and #m.recipients > 1 and #m.from.domain == 5 then end",
        "if not m.spf.result then end if not m.from.ours == true then end",
        "if m.dmarc.tags.rua == 'x' or m.dmarc.tags.whatever then end",
        "for k, v in pairs(m.dmarc.tags) do if k == 'x' and v:find('y') then end end",
        "for _, r in ipairs(m.recipients) do if r:lower():find('x', 1, true) then end end",
        "for i = 1, #m.dkim do local s = m.dkim[i] if s.bits < 1024 then end end",
        "local s = m.dkim:aligned_pass()\nreturn s and s.domain",
        "return m:header('Subject'), m.header 'Subject', m.headers('Received')[1]",
        "for _, r in ipairs(m.arc.sets[1].results) do r.result = 'x' end",
        "goto done\nlocal x\n::done::",
        "local a <const>, b = m.spf, m\nreturn a.result, b.spf.result",
        "local t = setmetatable({}, { __index = function(self, key) return key end })\nreturn t.x",
        "local t = {}\nfunction t:f(x) return self.y, x end\nfunction t.g(m) return m.z "
        "end\nreturn t:f(1)",
        "function helper(x) return x end\nreturn helper(m)",
        "counter = 1\nreturn counter",
        "return ('x'):rep(3), #'abc', ({ 1, 2 })[1], 0x1F, 1e+3, .5, 3 ..'x'",
        "local r = m.from.domain or 'x'\nreturn r:upper()",
        "return moon.reject { esc = m.size > 5 and '5.7.1' or nil, text = 'x', headers = { 'X-A: "
        "b' } }",
        "local refuse = moon.reject\nreturn refuse { esc = '5.7.1', text = \"x\" }",
        "return moon.accept(), moon.accept {}, moon.accept({}), moon.quarantine { tag = '[x]'; }",
        "local fields = { txt = 1 }\nreturn moon.accept(fields)",
        "--[==[ m.dmrc ]==] -- m.dmrc\nreturn [[ m.dmrc ]], 'm.dmrc', \"m.\\\"dmrc\"",
        "local f = function(...) local a, b = ... return a, b, select('#', ...) end\nreturn "
        "f(m.spf)",
        "policy.helper = function(m) return m.x end\nreturn policy.helper({})",
        "local mes = policy.messages_seen\nreturn mes",
        "local _ENV = { m = m }\nreturn whatever",
        "if m.session.ip == '192.0.2.1' or m.session.ip:find('^192') then end",
        "return #m.dkim == 1 and m.dkim[1].result == 'policy' and m.spf.result == 'softfail'",
        "local x; x = m.spf; x = {}; return x.anything",
        "if m.size > 1 then return elseif m.size < 0 then return end",
        "local ok, why = pcall(function() return m.spf.result end)\nreturn ok, why",
        "return (m.spf).anything",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect(BODY, table[i], END, "");
}

/* Every policy that is shipped: lint must not stop it from being published. */
static void lint_file(const char *path)
{
    static char text[MOON_SOURCE_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be read: run the tests from the tree's root", path);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    const char *got = found_in(text);
    if (*got)
        fail_msg("%s: %s", path, got);
}

static unsigned lint_folder(const char *folder, unsigned depth)
{
    char path[600];
    unsigned count = 0;
    DIR *dir = opendir(folder);
    struct dirent *entry;
    assert_true(dir && depth < 6);
    while ((entry = readdir(dir))) {
        size_t n = strlen(entry->d_name);
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (n > 4 && !strcmp(entry->d_name + n - 4, ".lua")) {
            lint_file(path);
            count++;
        } else if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            count += lint_folder(path, depth + 1);
        }
    }
    assert_int_equal(closedir(dir), 0);
    return count;
}

static void no_policy_that_is_shipped_has_a_finding(void **state)
{
    (void)state; /* cmocka's, not used */
    assert_true(lint_folder("policies", 0) >= 5);
}

static void a_file_has_twenty_findings_at_most(void **state)
{
    char source[20000] = BODY;
    (void)state; /* cmocka's, not used */
    for (int i = 0; i < 200; i++)
        (void)snprintf(source + strlen(source), sizeof source - strlen(source), "x = m.dmrc\n");
    (void)snprintf(source + strlen(source), sizeof source - strlen(source), "end" TAIL);
    must_compile(source);
    unsigned count = 0;
    for (const char *c = found_in(source); *c; c++)
        count += *c == '\n';
    assert_int_equal(count, 20);
}

/* Sources made to cost time: each as long as a policy can be. */
static void hostile_sources_end_soon(void **state)
{
    static const char *const pieces[] = {"function ",
                                         "(",
                                         "{",
                                         "[",
                                         "m[",
                                         "x=",
                                         "local ",
                                         "a,",
                                         "local x=function()",
                                         "do ",
                                         "end ",
                                         "y ",
                                         ".",
                                         ":",
                                         "::",
                                         "for ",
                                         "repeat ",
                                         "until ",
                                         "return ",
                                         "return {",
                                         "'a' or ",
                                         "x.y.z(",
                                         "moon.accept{k=1,",
                                         "local function f(m) ",
                                         "f(m) ",
                                         "[[",
                                         "--[[",
                                         "#",
                                         "and ",
                                         "for i,v in ipairs(",
                                         "policy.recipients.x=",
                                         "policy.message=f "};
    static char source[MOON_SOURCE_BYTES_MAX + 64];
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        for (int with_head = 0; with_head < 2; with_head++) {
            size_t n = strlen(pieces[i]);
            (void)snprintf(source, sizeof source, "%s", with_head ? BODY : "");
            size_t used = strlen(source);
            for (; used + n + 20 < MOON_SOURCE_BYTES_MAX; used += n)
                memcpy(source + used, pieces[i], n);
            (void)snprintf(source + used, sizeof source - used, "%s", "\nreturn policy\n");
            (void)found_in(source);
        }
    }
}

static void survives_the_failure_of_every_allocation(void **state)
{
    bool done = false;
    (void)state; /* cmocka's, not used */
    for (size_t n = 1; n < 40 && !done; n++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_findings findings;
        moon_arena_fail_at(arena, n);
        enum moon_status status =
            moon_lint_run(lint, arena, MOON_SPAN(BODY "return m.a, m.b, m.c" END), "p", &findings);
        assert_true(status == MOON_OK || status == MOON_ENOMEM);
        done = status == MOON_OK;
        moon_arena_destroy(&arena);
    }
    assert_true(done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_in_a_message_function),
        cmocka_unit_test(mistakes_in_the_shape_of_a_file),
        cmocka_unit_test(what_is_right_is_left_alone),
        cmocka_unit_test(no_policy_that_is_shipped_has_a_finding),
        cmocka_unit_test(a_file_has_twenty_findings_at_most),
        cmocka_unit_test(hostile_sources_end_soon),
        cmocka_unit_test(survives_the_failure_of_every_allocation),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, lint_begin, lint_end);
}
