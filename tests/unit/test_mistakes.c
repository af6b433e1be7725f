/* SPDX-License-Identifier: MIT
 *
 * The mistakes that authors of policies and lists make, as `moonscan publish` tells them: file,
 * line, the wrong name, the nearest right one, the cure. Each must be told although no trial enters
 * the branch in which it stands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/publish_case.h"

#define POLICY "tenants/acme.lua"
#define LIST   "tenants/lists/forwarders.lua"
#define HEAD                                                                                       \
    "local moon <const> = require \"moonscan\"\n"                                                  \
    "local forwarders <const> = moon.list \"forwarders\"\n\n"                                      \
    "local policy = {}\n\n"
#define RARELY HEAD "function policy.message(m)\n  if m.size > 900000000 then\n    "
#define TAIL   "\n  end\nend\n\nreturn policy\n"

static void put_good_files(void)
{
    publish_case_put("tenants.map", "acme.example: acme\n");
    publish_case_put(LIST, "return { \"fwd.example\" }\n");
    publish_case_put(POLICY, RARELY "return moon.accept { override = \"other\" }" TAIL);
}

/* The mistake is told in these words, and no other. */
static void expect_told(const char *file, const char *text, const char *want)
{
    char line[400];
    put_good_files();
    publish_case_put(file, text);
    int code = publish_case_publish(NULL);
    (void)snprintf(line, sizeof line, "%s/%s:%s\n1 mistake. Nothing was published", publish_etc,
                   file, want);
    if (code != 1 || !strstr(moon_cmd_printed, line))
        fail_msg("%s\n  got  %s  want %s", text, moon_cmd_printed, line);
}

static const char *const mistakes[][3] = {
    {POLICY, RARELY "if m.dmarc.reslt == \"fail\" then return end" TAIL,
     "8: m.dmarc has no field 'reslt'; did you mean 'result'?"},
    {POLICY, RARELY "return moon.acept {}" TAIL,
     "8: moon has no field 'acept'; did you mean 'accept'?"},
    {POLICY, RARELY "return moon.reject { esc = \"5.7.1\", txt = \"no\" }" TAIL,
     "8: moon.reject has no field 'txt'; did you mean 'text'?"},
    {POLICY, RARELY "return moon.reject { esc = \"4.7.1\" }" TAIL,
     "8: moon.reject: esc must start with 5: '4.7.1' is of another class"},
    {POLICY, RARELY "return moon.accept { override = \"trusted_fowarder\" }" TAIL,
     "8: moon.accept: override is never \"trusted_fowarder\"; did you mean "
     "\"trusted_forwarder\"?"},
    {POLICY, RARELY "if m.spf == \"fail\" then return end" TAIL,
     "8: m.spf is a record and never equals a text; did you mean m.spf.result == \"fail\"?"},
    {POLICY, RARELY "if m.dmarc.result == \"failed\" then return end" TAIL,
     "8: m.dmarc.result is never \"failed\"; did you mean \"fail\"?"},
    {POLICY, RARELY "if m.dmarc.policy == \"Reject\" then return end" TAIL,
     "8: m.dmarc.policy is never \"Reject\"; did you mean \"reject\"?"},
    {POLICY, RARELY "if m.spf.result == \"fail\" or \"softfail\" then return end" TAIL,
     "8: or \"softfail\" is always true; write: or m.spf.result == \"softfail\""},
    {POLICY, RARELY "if not m.dmarc.result == \"pass\" then return end" TAIL,
     "8: not is taken before the comparison; write: m.dmarc.result ~= ..."},
    {POLICY, RARELY "if m.dmarc.result = \"fail\" then return end" TAIL,
     "8: 'then' expected near '='; a comparison is written =="},
    {POLICY, RARELY "if m.dmarc.result != \"fail\" then return end" TAIL,
     "8: 'then' expected near '!'; unequal is written ~=, and negation not"},
    {POLICY, RARELY "if m.from.ours && m.size > 1 then return end" TAIL,
     "8: unexpected symbol near '&'; write and"},
    {POLICY, RARELY "if m.from.ours || m.size > 1 then return end" TAIL,
     "8: unexpected symbol near '|'; write or"},
    {POLICY, RARELY "return moon.reject { esc = \"5.7.1\" text = \"no\" }" TAIL,
     "8: '}' expected near 'text'; is a comma missing?"},
    {POLICY, RARELY "return m.from.domain:mach(\"x\")" TAIL,
     "8: m.from.domain is a text and has no function 'mach'; did you mean 'match'?"},
    {POLICY, RARELY "return m.arc.vouches(forwarders, \"dmarc\")" TAIL,
     "8: call vouches with a colon: m.arc:vouches(...)"},
    {POLICY, RARELY "return m.header.Subject" TAIL,
     "8: m.header is a function: write m.header(\"Subject\")"},
    {POLICY, RARELY "for _, one in ipairs(m.dmarc) do return one end" TAIL,
     "8: ipairs wants a list; m.dmarc is a record"},
    {POLICY, RARELY "local via = forwaders:match(m)" TAIL,
     "8: there is no variable 'forwaders'; did you mean 'forwarders'?"},
    {POLICY, RARELY "local via = forwarders:match(m)\n    return via and via.nme" TAIL,
     "9: via has no field 'nme'; did you mean 'name'?"},
    {POLICY, RARELY "print(m.size)" TAIL,
     "8: 'print' is not available in policies: a policy has no output; use the field reason of "
     "a verdict"},
    {POLICY,
     "local policy = {}\nfunction policy.message(m)\n  if m.size > 9e9 then\n"
     "    return moon.accept {}\n  end\nend\nreturn policy\n",
     "4: 'moon' is not available in policies: write: local moon <const> = require "
     "\"moonscan\""},
    {POLICY, "local policy = {}\nfunction policy.message(m)\nend\n",
     "3: the file returned nothing; its last line should be: return policy"},
    {POLICY, "local policy = {}\nfunction policy.mesage(m)\nend\nreturn policy\n",
     "2: the policy's 'mesage' is never asked for; did you mean 'message'?"},
    {POLICY,
     "local policy = {}\nfunction policy.message(m)\n  if m.size > 5 then\nend\nreturn "
     "policy\n",
     "6: 'end' expected (to close 'function' at line 2) near <eof>; each function, if and for "
     "needs its end; else if is written elseif"},
    {POLICY,
     "local moon <const> = require \"moonscan\"\nlocal f <const> = moon.list \"forwaders\"\n",
     "2: moon.list \"forwaders\": there is no file tenants/lists/forwaders.lua; did you mean "
     "'forwarders'?"},
    {POLICY, "local policy = {}\n\nfunction message(m)\nend\nreturn policy\n",
     "3: this function is not the policy's; write: function policy.message(m)"},
    {POLICY, "local policy = {}\n\nfunction policy.check(m)\nend\nreturn policy\n",
     "3: the policy has no function 'message', and nobody asks 'check'; write: function "
     "policy.message(m)"},
    {POLICY, "local policy = {}\n\nfunction policy:message(m)\nend\nreturn policy\n",
     "3: a policy's function gets m alone; write it with a dot: function policy.message(m)"},
    {POLICY, RARELY "moon.reject { esc = \"5.7.1\" }" TAIL,
     "8: a verdict that is not returned does nothing; write: return moon.reject { ... }"},
    {POLICY, RARELY "return moon.deny { text = \"no\" }" TAIL,
     "8: moon has no field 'deny'; write: moon.reject"},
    {POLICY, HEAD "policy.recipients = { postmaster = moon.accept {} }\nreturn policy\n",
     "6: recipients.postmaster is a verdict, not a function of this file; write: postmaster = "
     "function(m) return moon.accept { } end"},
    {POLICY,
     HEAD "function policy.message(m)\n  local n = moon.count { key = \"x\" }\n"
          "  if n > 100 then return end\nend\nreturn policy\n",
     "8: attempt to compare number with nil; what is not known is nil: write (FACT or 0)"},
    {POLICY,
     HEAD "function policy.message(m)\n  local why = \"from \" .. m.session.hostname\n"
          "end\nreturn policy\n",
     "7: attempt to concatenate a nil value (field 'hostname'); what is not known is nil: write "
     "(FACT or \"-\")"},
    {POLICY,
     HEAD "function policy.message(m)\n  return forwarders:match(m).name\nend\nreturn policy\n",
     "7: attempt to index a nil value; it may be nil: ask for it first, as in: x and x.name"},
    {POLICY, RARELY "if moon.count { key = \"x\" } > 100 then return end" TAIL,
     "8: moon.count is nil when nobody knows; write: (moon.count { ... } or 0)"},
    {LIST, "return {\n  \"a.example\",\n  { name = \"b\",\n    dkmi = \"b.example\" },\n}\n",
     "4: item 2: there is no field 'dkmi'; did you mean 'dkim'?"},
    {LIST, "return {\n  { name = \"b\", dkim = \"b.example\", expires = \"soon\" },\n}\n",
     "2: item 1: expires must be a date like \"2027-12-31\""},
    {LIST, "{ \"a.example\" }\n", "1: unexpected symbol near '{'; did you forget return?"},
};

static void each_typical_mistake_is_told_with_its_cure(void **state)
{
    (void)state; /* cmocka's, not used */
    put_good_files();
    assert_int_equal(publish_case_publish(NULL), 0);
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
        expect_told(mistakes[i][0], mistakes[i][1], mistakes[i][2]);
    put_good_files();
    assert_int_equal(publish_case_publish(NULL), 0);
}

static void every_mistake_of_a_file_is_told_at_once(void **state)
{
    (void)state; /* cmocka's, not used */
    put_good_files();
    publish_case_put(POLICY, HEAD "function policy.message(m)\n"
                                  "  if m.dmarc.reslt == \"fail\" then\n"
                                  "    return moon.acept {}\n"
                                  "  end\nend\n\nreturn policy\n");
    assert_int_equal(publish_case_publish(NULL), 1);
    moon_cmd_wants("acme.lua:7: m.dmarc has no field 'reslt'");
    moon_cmd_wants("acme.lua:8: moon has no field 'acept'");
    moon_cmd_wants("\n2 mistakes.");
    publish_case_put(POLICY, HEAD "function policy.message(m)\n"
                                  "  if m.dmarc.reslt == \"fail\" then return moon.acept {} end\n"
                                  "end\n\nreturn policy\n");
    assert_int_equal(publish_case_publish(NULL), 1);
    moon_cmd_wants("acme.lua:7: m.dmarc has no field 'reslt'");
    moon_cmd_wants("acme.lua:7: moon has no field 'acept'");
    moon_cmd_wants("\n2 mistakes.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_typical_mistake_is_told_with_its_cure),
        cmocka_unit_test(every_mistake_of_a_file_is_told_at_once),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, publish_case_begin, moon_cmd_end);
}
