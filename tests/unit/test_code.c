/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/code.c, of sources.c's use of it and of engine/cmd/precompile.c: when a worker runs
 * what the snapshot holds compiled, and when it compiles the text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/cmd/cmd.h"
#include "lua/code.h"
#include "tests/support/policy_case.h"
#include "tests/support/publish_case.h"

#define POLICY(verdict)                                                                            \
    "local moon = require 'moonscan'\nreturn { message = function(m)\n"                            \
    "return moon." verdict " {} end }"

/* The record of this text, as publishing makes it; in the arena. */
static struct moon_span record_of(struct moon_arena *arena, const char *text)
{
    struct policy_case other;
    struct moon_span record;
    struct moon_error error = {""};
    policy_case_begin(&other);
    policy_case_policy(&other, text);
    (void)policy_case_decide(&other);
    assert_int_equal(
        moon_policies_compile(other.policies, arena, "tenants/acme.lua", &record, &error), MOON_OK);
    policy_case_end(&other);
    return record;
}

/* A file whose text rejects and whose code accepts; which one was it? */
struct fixture {
    struct policy_case c;
    struct moon_span stamp, record;
    bool from_memory;
    mode_t mode;
    char failure[300]; /* of the verdict */
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){.mode = 0644};
    policy_case_begin(&f->c);
    policy_case_policy(&f->c, POLICY("reject"));
    f->stamp = moon_policies_stamp(f->c.arena);
    f->record = record_of(f->c.arena, POLICY("accept"));
}

static enum moon_verdict_kind decide(struct fixture *f)
{
    char hash[65], path[256];
    struct moon_error error = {""};
    struct moon_span bytes = {NULL, 0};
    struct moon_verdict verdict;
    struct policy_case *c = &f->c;

    assert_int_equal(moon_snapshot_writer_add(c->writer, MOON_SPAN("code-stamp"), f->stamp, &error),
                     MOON_OK);
    assert_int_equal(
        moon_snapshot_writer_add(c->writer, MOON_SPAN("code/tenants/acme.lua"), f->record, &error),
        MOON_OK);
    assert_int_equal(moon_snapshot_writer_save(c->writer, c->folder, hash, &error), MOON_OK);
    (void)snprintf(path, sizeof path, "%s/%s.snapshot", c->folder, hash);
    assert_int_equal(chmod(path, f->mode), 0);
    if (f->from_memory) {
        assert_int_equal(moon_snapshot_writer_bytes(c->writer, hash, &bytes, &error), MOON_OK);
        assert_int_equal(moon_snapshot_of_memory(bytes, &c->snapshot, &error), MOON_OK);
    } else {
        assert_int_equal(moon_snapshot_open(path, &c->snapshot, &error), MOON_OK);
    }
    assert_int_equal(moon_policies_create(&c->conf, c->snapshot, &c->policies, &error), MOON_OK);
    assert_int_equal(moon_policy_decide(c->policies, c->arena, &c->input, &verdict), MOON_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(c->folder), 0);
    (void)snprintf(f->failure, sizeof f->failure, "%s", verdict.failure ? verdict.failure : "");
    policy_case_end(c);
    free((void *)(uintptr_t)bytes.p);
    return verdict.kind;
}

static void what_a_trusted_snapshot_holds_compiled_is_run(void **state)
{
    struct fixture f;
    (void)state; /* cmocka's, not used */
    begin(&f);
    assert_int_equal(decide(&f), MOON_VERDICT_ACCEPT);
}

static void what_another_could_have_written_is_compiled_from_text(void **state)
{
    static const mode_t modes[] = {0664, 0646, 0666};
    struct fixture f;
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        begin(&f);
        f.mode = modes[i];
        assert_int_equal(decide(&f), MOON_VERDICT_REJECT);
    }
    begin(&f);
    f.from_memory = true;
    assert_int_equal(decide(&f), MOON_VERDICT_REJECT);
}

static void code_of_another_program_or_lua_is_not_run(void **state)
{
    struct fixture f;
    (void)state; /* cmocka's, not used */
    for (size_t at = 0; at < 3; at++) {
        begin(&f);
        char *stamp = moon_arena_dup(f.c.arena, f.stamp);
        assert_non_null(stamp);
        stamp[at == 0 ? 4 : at == 1 ? f.stamp.n / 2 : f.stamp.n - 1] ^= 1; /* 4: Lua's version */
        f.stamp.p = stamp;
        assert_int_equal(decide(&f), MOON_VERDICT_REJECT);
    }
    begin(&f);
    f.stamp.n--;
    assert_int_equal(decide(&f), MOON_VERDICT_REJECT);
}

static void damaged_code_is_not_run(void **state)
{
    struct fixture f;
    (void)state; /* cmocka's, not used */
    begin(&f);
    size_t n = f.record.n;
    policy_case_end(&f.c);
    for (size_t at = 0; at < n; at += at < 16 ? 1 : 41) {
        begin(&f);
        char *record = moon_arena_dup(f.c.arena, f.record);
        assert_non_null(record);
        record[at] ^= 0x20;
        f.record.p = record;
        assert_int_equal(decide(&f), MOON_VERDICT_REJECT);
    }
    for (size_t cut = 0; cut < 10; cut++) {
        begin(&f);
        f.record.n = cut;
        assert_int_equal(decide(&f), MOON_VERDICT_REJECT);
    }
}

static void publishing_compiles_every_policy(void **state)
{
    static const char *const keys[] = {"code-stamp",
                                       "code/built-in:standard",
                                       "code/built-in:strict",
                                       "code/built-in:monitor",
                                       "code/tenants/acme.lua",
                                       "code/next/tenants/acme.lua",
                                       "code/policies/gold.lua",
                                       "code/site.lua"};
    (void)state; /* cmocka's, not used */
    assert_int_equal(publish_case_begin(NULL), 0);
    publish_case_put("tenants/acme.lua", POLICY("reject"));
    publish_case_put("next/tenants/acme.lua", POLICY("defer"));
    publish_case_put("policies/gold.lua", POLICY("accept"));
    publish_case_put("site.lua", POLICY("accept"));
    assert_int_equal(publish_case_publish("--check"), 0);
    assert_int_equal(publish_case_publish(NULL), 0);
    assert_null(strstr(moon_cmd_printed, "every worker compiles"));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!publish_case_in_force(keys[i]))
            fail_msg("there is no record %s", keys[i]);
    assert_int_equal(publish_case_publish(NULL), 0);
    moon_cmd_wants("nothing has changed"); /* the same texts give the same code */
    assert_int_equal(moon_cmd_end(NULL), 0);
}

/* The line of a failure is the same from code as from text. */
static void messages_are_those_of_the_text(void **state)
{
    struct fixture f;
    (void)state; /* cmocka's, not used */
    begin(&f);
    f.record = record_of(f.c.arena, "return { message = function(m)\n\nreturn m.dmrc end }");
    assert_int_equal(decide(&f), MOON_VERDICT_DEFER);
    assert_string_equal(f.failure,
                        "tenants/acme.lua:3: m has no field 'dmrc'; did you mean 'dmarc'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_trusted_snapshot_holds_compiled_is_run),
        cmocka_unit_test(what_another_could_have_written_is_compiled_from_text),
        cmocka_unit_test(code_of_another_program_or_lua_is_not_run),
        cmocka_unit_test(damaged_code_is_not_run),
        cmocka_unit_test(publishing_compiles_every_policy),
        cmocka_unit_test(messages_are_those_of_the_text),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
