/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/list_pack.c: a list comes out of its record as it went in, and a damaged record is
 * no list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "lua/list_pack.h"
#include "tests/support/policy_case.h"
#include "tests/support/publish_case.h"

/* Each field of an entry; `verdict` makes a list of another kind. */
static const char *const texts[] = {
    ("return {\n'alumni.example', 'b\xc3\xbc"
     "cher.example',\n"
     "{ name = 'all', dkim = 'a.example', spf = { 'b.example', 'c.example' }, arc = 'd.example',\n"
     "  networks = { '192.0.2.0/24', '2001:db8::1' }, hosts = '.e.example', list_id = "
     "'l.f.example',\n"
     "  mail_from = 'x@g.example', recipients = { 'h.example', 'y@i.example' },\n"
     "  from = '.j.example', dmarc = 'fail', expires = '2030-12-31', note = 'agreed' } }"),
    ("return { { name = 'against', from = 'bad.example', verdict = 'reject', override = 'other',\n"
     "  text = 'no', note = '' } }"),
    "return {}",
};
#define TEXTS (sizeof texts / sizeof *texts)

static struct moon_list *parse(struct moon_arena *arena, const char *text)
{
    static const struct moon_limits limits = {MOON_POLICY_INSTRUCTIONS, MOON_POLICY_BYTES, 20000};
    struct moon_list *list = NULL;
    struct moon_error error = {""};
    if (moon_list_parse(arena, &limits, moon_span_of(text), "l", "lists/l.lua", &list, &error) !=
        MOON_OK)
        fail_msg("%s", error.text);
    return list;
}

static void expect_text(const char *got, const char *want)
{
    if ((got == NULL) != (want == NULL) || (got && strcmp(got, want) != 0))
        fail_msg("got %s, want %s", got ? got : "-", want ? want : "-");
}

static void expect_texts(const struct moon_texts *got, const struct moon_texts *want)
{
    assert_int_equal(got->count, want->count);
    assert_int_equal(got->one, want->one);
    for (size_t i = 0; i < want->count; i++)
        expect_text(got->items[i], want->items[i]);
}

static void expect_entry(const struct moon_list_entry *got, const struct moon_list_entry *want)
{
    expect_text(got->name, want->name);
    assert_int_equal(got->line, want->line);
    assert_int_equal(got->bare, want->bare);
    expect_texts(&got->dkim, &want->dkim);
    expect_texts(&got->spf, &want->spf);
    expect_texts(&got->arc, &want->arc);
    expect_texts(&got->network_texts, &want->network_texts);
    for (size_t i = 0; i < want->network_texts.count; i++)
        assert_memory_equal(&got->networks[i], &want->networks[i], sizeof *want->networks);
    expect_texts(&got->hosts, &want->hosts);
    expect_texts(&got->list_id, &want->list_id);
    expect_texts(&got->mail_from, &want->mail_from);
    expect_texts(&got->recipients, &want->recipients);
    expect_texts(&got->from, &want->from);
    expect_texts(&got->dmarc, &want->dmarc);
    expect_text(got->expires, want->expires);
    assert_true(got->expires_s == want->expires_s);
    expect_text(got->note, want->note);
    assert_int_equal(got->verdict, want->verdict);
    expect_text(got->override, want->override);
    expect_text(got->text, want->text);
}

static void a_list_comes_out_as_it_went_in(void **state)
{
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < TEXTS; i++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_list *want = parse(arena, texts[i]);
        struct moon_span record = moon_list_pack(arena, want);
        struct moon_list *got = moon_list_unpack(arena, record, "l", "lists/l.lua");
        assert_non_null(got);
        assert_int_equal(got->count, want->count);
        assert_int_equal(got->verdicts, want->verdicts);
        expect_text(got->name, "l");
        expect_text(got->path, "lists/l.lua");
        for (size_t k = 0; k < want->count; k++) {
            expect_entry(&got->entries[k], &want->entries[k]);
            assert_ptr_equal(got->entries[k].list, got);
        }
        assert_true(moon_span_eq(moon_list_pack(arena, got), record));
        moon_arena_destroy(&arena);
    }
}

static void a_record_that_is_cut_off_or_longer_is_none(void **state)
{
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < TEXTS; i++) {
        struct moon_arena *arena = moon_arena_create(16 << 20);
        struct moon_span record = moon_list_pack(arena, parse(arena, texts[i]));
        for (size_t n = 0; n <= record.n + 1; n++) {
            char *copy = calloc(1, n + 1); /* of its exact size, for the sanitizers */
            assert_non_null(copy);
            memcpy(copy, record.p, n < record.n ? n : record.n);
            struct moon_list *list =
                moon_list_unpack(arena, (struct moon_span){copy, n}, "l", "lists/l.lua");
            if ((list != NULL) != (n == record.n))
                fail_msg("%zu of %zu bytes: got %s", n, record.n, list ? "a list" : "none");
            free(copy);
        }
        moon_arena_destroy(&arena);
    }
}

static void any_changed_byte_gives_a_sound_list_or_none(void **state)
{
    struct moon_arena *arena = moon_arena_create(64 << 20);
    struct moon_span record = moon_list_pack(arena, parse(arena, texts[0]));
    size_t none = 0;
    (void)state; /* cmocka's, not used */
    for (size_t at = 0; at < record.n; at++) {
        char *copy = moon_arena_dup(arena, record);
        assert_non_null(copy);
        copy[at] = (char)(copy[at] ^ 0x81);
        struct moon_list *list =
            moon_list_unpack(arena, (struct moon_span){copy, record.n}, "l", "lists/l.lua");
        none += list == NULL;
        if (list) /* all its texts can be read */
            assert_true(moon_list_pack(arena, list).n > 0);
        if (at == 0)
            assert_null(list); /* another layout */
    }
    assert_true(none > record.n / 4); /* lengths, counts, ends of texts */
    moon_arena_destroy(&arena);
}

static void without_memory_there_is_no_list(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_span record = moon_list_pack(arena, parse(arena, texts[0]));
    bool done = false;
    (void)state; /* cmocka's, not used */
    for (size_t n = 1; n < 60 && !done; n++) {
        struct moon_arena *small = moon_arena_create(1 << 20);
        moon_arena_fail_at(small, n);
        done = moon_list_unpack(small, record, "l", "lists/l.lua") != NULL;
        moon_arena_destroy(&small);
    }
    assert_true(done);
    moon_arena_destroy(&arena);
}

/* What is published packed is what decides: the text of this list is another. */
static void a_worker_reads_the_packed_list(void **state)
{
    struct policy_case c;
    struct moon_error error = {""};
    (void)state; /* cmocka's, not used */
    for (int good = 0; good < 2; good++) {
        policy_case_begin(&c);
        policy_case_policy(&c, "local moon = require 'moonscan'\nlocal l = moon.list 'fwd'\n"
                               "return { message = function(m)\n"
                               "if l:has 'packed.example' then return moon.discard {} end\n"
                               "if l:has 'text.example' then return moon.defer {} end end }");
        policy_case_add(&c, "list/tenants/lists/fwd.lua", "return { 'text.example' }");
        struct moon_span record =
            moon_list_pack(c.arena, parse(c.arena, "return { 'packed.example' }"));
        record.n -= !good;
        assert_int_equal(moon_snapshot_writer_add(
                             c.writer, MOON_SPAN("packed/tenants/lists/fwd.lua"), record, &error),
                         MOON_OK);
        assert_int_equal(policy_case_decide(&c).kind,
                         good ? MOON_VERDICT_DISCARD : MOON_VERDICT_DEFER);
        policy_case_end(&c);
    }
}

static void publishing_packs_every_list(void **state)
{
    (void)state; /* cmocka's, not used */
    assert_int_equal(publish_case_begin(NULL), 0);
    publish_case_put("tenants/acme.lua", "return { message = function(m) end }");
    publish_case_put("tenants/lists/fwd.lua", texts[0]);
    publish_case_put("next/tenants/lists/fwd.lua", texts[1]);
    assert_int_equal(publish_case_publish(NULL), 0);
    assert_null(strstr(moon_cmd_printed, "every worker"));
    assert_non_null(publish_case_in_force("packed/tenants/lists/fwd.lua"));
    assert_non_null(publish_case_in_force("packed/next/tenants/lists/fwd.lua"));
    assert_int_equal(moon_cmd_end(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_comes_out_as_it_went_in),
        cmocka_unit_test(a_record_that_is_cut_off_or_longer_is_none),
        cmocka_unit_test(any_changed_byte_gives_a_sound_list_or_none),
        cmocka_unit_test(without_memory_there_is_no_list),
        cmocka_unit_test(a_worker_reads_the_packed_list),
        cmocka_unit_test(publishing_packs_every_list),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
