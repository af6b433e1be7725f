/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/lint.c and its files, continued: the policy's own table, and what is done with
 * verdicts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "lua/sandbox.h"
#include "tests/support/lint_case.h"

static void a_group_that_is_nil_is_told(void **state)
{
    static const char *const table[][2] = {
        {"function policy.message(m) end\npolicy.recipients = { a = policy.mesage }",
         "p.lua:4: policy.mesage is nil: nothing sets it; did you mean 'message'?"},
        {"policy.recipients = {\n  a = policy.message,\n}\nfunction policy.message(m) end",
         "p.lua:4: policy.message is still nil here: it is set at line 6; move recipients behind "
         "it"},
        {"function policy.message(m) end\npolicy.recipients = { ['a@b'] = policy.xyzzy; }",
         "p.lua:4: policy.xyzzy is nil: nothing sets it"},
        {"function policy.message(m) end\npolicy.recipients = { a = policy.message }", ""},
        {"policy.other = function(m) end\npolicy.recipients = { a = policy.other }", ""},
        {"setmetatable(policy, {})\npolicy.recipients = { a = policy.other }", ""},
        {"policy['other'] = 1\npolicy.recipients = { a = policy.other }", ""},
        {"local function fill() policy.recipients = { a = policy.message } end\n"
         "function policy.message(m) end fill()",
         ""},
        {"policy.recipients = { a = policy.other or function(m) end }", ""},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect(HEAD, table[i][0], TAIL, table[i][1]);
    expect("", "local p <const> = { f = function(m) end }\np.recipients = { a = p.f }\nreturn p",
           "", "");
    expect("", "local p = { ['f'] = function(m) end }\np.recipients = { a = p.f }\nreturn p", "",
           "");
}

/* As long as a policy can be: a look through the file for each group would take hours. */
static void many_groups_are_soon_looked_at(void **state)
{
    static const char *const forms[] = {"x=p.y,", "x=p.message,"};
    static char source[MOON_SOURCE_BYTES_MAX + 1];
    struct moon_findings findings;
    (void)state; /* cmocka's, not used */
    for (size_t k = 0; k < 2; k++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        (void)snprintf(source, sizeof source, "local p={}\np.recipients={");
        size_t used = strlen(source), n = strlen(forms[k]);
        for (; used + n + 40 < sizeof source; used += n)
            memcpy(source + used, forms[k], n);
        (void)snprintf(source + used, sizeof source - used, "}\np.message=1\nreturn p\n");
        assert_int_equal(moon_lint_run(lint, arena, moon_span_of(source), "p", &findings), MOON_OK);
        assert_true(findings.count > 0 && findings.count <= 20);
        moon_arena_destroy(&arena);
    }
}

#define FORGOTTEN "a verdict that is not returned does nothing; write: return "

static void a_verdict_that_is_dropped_is_told(void **state)
{
    static const char *const told[][2] = {
        {"if m.size > 5 then moon.reject { esc = '5.7.1' } end",
         "p.lua:4: " FORGOTTEN "moon.reject { ... }"},
        {"moon.defer {}", "p.lua:4: " FORGOTTEN "moon.defer { ... }"},
        {"moon.accept()", "p.lua:4: " FORGOTTEN "moon.accept { ... }"},
        {"local x = 5\nmoon.accept {}", "p.lua:5: " FORGOTTEN "moon.accept { ... }"},
        {"local x = m.size\nmoon.accept {}\nreturn x", "p.lua:5: " FORGOTTEN "moon.accept { ... }"},
        {"local x = 'a' moon.accept {};", "p.lua:4: " FORGOTTEN "moon.accept { ... }"},
        {"local refuse = moon.reject\nrefuse { text = 'x' }",
         "p.lua:5: " FORGOTTEN "refuse { ... }"},
        {"for i = 1, 2 do moon.discard {} end", "p.lua:4: " FORGOTTEN "moon.discard { ... }"},
        {"if m.size > 5 then return else moon.reject {} end",
         "p.lua:4: " FORGOTTEN "moon.reject { ... }"},
        {"if m.from.ours then moon.accept {}\n  return end",
         "p.lua:4: " FORGOTTEN "moon.accept { ... }"},
        {"local t = { 1 } moon.accept {}", "p.lua:4: " FORGOTTEN "moon.accept { ... }"},
        {"while true do moon.quarantine { tag = 'x' } break end",
         "p.lua:4: " FORGOTTEN "moon.quarantine { ... }"},
    };
    static const char *const right[] = {
        "return moon.reject {}",
        "return\n  moon.reject {}",
        "local v = moon.reject {}\nreturn v",
        "local v =\n moon.reject {}\nreturn v",
        "local v v = moon.reject {} return v",
        "local t = { moon.reject {}, x = moon.accept {}, [1] = moon.defer {} }\nreturn t.x",
        "local t = {}\nt.x, t.y = 1, moon.reject {}\nreturn t.x",
        "table.insert({}, moon.reject {})",
        "local v = m.from.ours and moon.accept {} or moon.reject {}\nreturn v",
        "return m.from.ours and moon.accept {} or nil",
        "local v <const> = (moon.reject {})\nreturn v",
        "if not moon.accept {} then end while moon.accept {} do end repeat until moon.accept "
        "{}",
        "if m.size > 1 then elseif moon.accept {} then end",
        "for _, v in ipairs { moon.accept {} } do return v end",
        "moon.count { key = 'x' }",
        "moon.first_seen { key = 'x' }",
        "local function f(x) return x end\nf(moon.accept {})\nreturn f {}",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        expect(BODY, told[i][0], END, told[i][1]);
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        expect(BODY, right[i], END, "");
    expect("", "require('moonscan').reject {}\nreturn {}", "",
           "p.lua:1: " FORGOTTEN "require('moonscan').reject { ... }");
}

static void verdicts_of_other_programs_are_translated(void **state)
{
    static const char *const table[][2] = {
        {"return moon.deny { text = 'x' }",
         "p.lua:4: moon has no field 'deny'; write: moon.reject"},
        {"return moon.drop {}", "p.lua:4: moon has no field 'drop'; write: moon.reject"},
        {"return moon.bounce()", "p.lua:4: moon has no field 'bounce'; write: moon.reject"},
        {"return moon.allow {}", "p.lua:4: moon has no field 'allow'; write: moon.accept"},
        {"return moon.pass {}", "p.lua:4: moon has no field 'pass'; write: moon.accept"},
        {"return moon.tempfail {}", "p.lua:4: moon has no field 'tempfail'; write: moon.defer"},
        {"return moon.greylist {}", "p.lua:4: moon has no field 'greylist'; write: moon.defer"},
        {"return moon.tag {}",
         "p.lua:4: moon has no field 'tag'; write: moon.accept { tag = \"...\" }"},
        {"return moon.quarantaine {}",
         "p.lua:4: moon has no field 'quarantaine'; did you mean 'quarantine'?"},
        {"return moon.xyzzy { text = 'x' }",
         "p.lua:4: moon has no field 'xyzzy'; the verdicts are accept, quarantine, reject, defer, "
         "discard"},
        {"return moon.lst 'x'", "p.lua:4: moon has no field 'lst'; did you mean 'list'?"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect(BODY, table[i][0], END, table[i][1]);
}

#define NUMBER(name) "moon." name " is nil when nobody knows; write: (moon." name " { ... } or 0)"

static void the_right_call_is_shown(void **state)
{
    static const char *const table[][2] = {
        {"if moon.count { key = 'x' } > 100 then end", "p.lua:4: " NUMBER("count")},
        {"if 100 < moon.count { key = 'x' } then end", "p.lua:4: " NUMBER("count")},
        {"if moon.count({ key = 'x' }) >= 100 then end", "p.lua:4: " NUMBER("count")},
        {"if moon.first_seen { key = 'x' } < 86400 then end", "p.lua:4: " NUMBER("first_seen")},
        {"return moon.count { key = 'x' } / 2", "p.lua:4: " NUMBER("count")},
        {"if (moon.count { key = 'x' } or 0) > 100 then end", ""},
        {"local n = moon.count { key = 'x' }\nif n and n > 100 then end", ""},
        {"if moon.count { key = 'x' } == 100 then end", ""},
        {"return m.header['Subject']",
         "p.lua:4: m.header is a function: write m.header(\"Subject\")"},
        {"local l = moon.list 'f'\nreturn m.arc:vouches(l)",
         "p.lua:5: m.arc:vouches wants a method, too; write: m.arc:vouches(l, \"dmarc\")"},
        {"local function f() return 'x', 'spf' end\nreturn m.arc:vouches(f())", ""},
        {"local l = moon.list 'f'\nreturn l:has(m)",
         "p.lua:5: l:has asks for one domain; write: l:has(m.from.domain), or l:match(m)"},
        {"local l = moon.list 'f'\nreturn l:has(m.from)",
         "p.lua:5: l:has: what it is given must be a text; m.from is a record"},
        {"local l = moon.list 'f'\nreturn l:has(m.from.domain), l:has(m.from.domain or 'x')", ""},
        {"return moon.retry_within('4h')",
         "p.lua:4: moon.retry_within: what it is given must be a record, not a text; write: "
         "moon.retry_within(m, \"4h\")"},
        {"return moon.reject('5.7.1 no thanks')", "p.lua:4: moon.reject: what it is given must be "
                                                  "a record, not a text; write: moon.reject { "
                                                  "esc = \"5.7.1\", text = \"no thanks\" }"},
        {"return moon.reject '5.7.1'", "p.lua:4: moon.reject: what it is given must be a record, "
                                       "not a text; write: moon.reject { "
                                       "esc = \"5.7.1\" }"},
        {"return moon.reject '550 no'", "p.lua:4: moon.reject: what it is given must be a record, "
                                        "not a text; write: moon.reject { "
                                        "text = \"550 no\" }"},
        {"return moon.count 'x'",
         "p.lua:4: moon.count: what it is given must be a record, not a text; write: moon.count { "
         "key = \"x\" }"},
        {"return moon.dns('x.example')",
         "p.lua:4: moon.dns: what it is given must be a record, not a text; write: moon.dns { name "
         "= \"x.example\" }"},
        {"if m.from.domain == 'Bank.Example' then end",
         "p.lua:4: m.from.domain is lower case and never equals \"Bank.Example\"; write "
         "\"bank.example\""},
        {"if 'Bank.Example' ~= m.spf.domain then end",
         "p.lua:4: m.spf.domain is lower case and never equals \"Bank.Example\"; write "
         "\"bank.example\""},
        {"if m.from.domain == 'bank.example' or m.from.display_name == 'Bank' then end", ""},
        {"if m.from.address == 'Me@bank.example' or m.header('Subject') == 'Hi' then end", ""},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect(BODY, table[i][0], END, table[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_that_is_nil_is_told),
        cmocka_unit_test(a_verdict_that_is_dropped_is_told),
        cmocka_unit_test(verdicts_of_other_programs_are_translated),
        cmocka_unit_test(the_right_call_is_shown),
        cmocka_unit_test(many_groups_are_soon_looked_at),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, lint_begin, lint_end);
}
