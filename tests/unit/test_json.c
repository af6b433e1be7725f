/* SPDX-License-Identifier: MIT
 *
 * The JSON writer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/base/status.h"

static int begin(void **state)
{
    struct moon_arena *arena = moon_arena_create(1024u * 1024);
    moon_bug_is_fatal = true;
    *state = arena;
    return arena ? 0 : -1;
}

static int end(void **state)
{
    struct moon_arena *arena = *state;
    moon_arena_destroy(&arena);
    return 0;
}

static void keeps_commas_and_nesting(void **state)
{
    struct moon_json json;
    moon_json_begin(&json, *state);
    moon_json_object(&json, NULL);
    moon_json_string(&json, "a", "b");
    moon_json_array(&json, "list");
    moon_json_int(&json, NULL, 1);
    moon_json_bool(&json, NULL, true);
    moon_json_object(&json, NULL);
    moon_json_close(&json, '}');
    moon_json_array(&json, NULL);
    moon_json_close(&json, ']');
    moon_json_close(&json, ']');
    moon_json_string(&json, "none", NULL);
    moon_json_bool(&json, "no", false);
    moon_json_close(&json, '}');
    assert_string_equal(moon_json_end(&json),
                        "{\"a\":\"b\",\"list\":[1,true,{},[]],\"none\":null,\"no\":false}");
}

static void writes_every_integer(void **state)
{
    struct moon_json json;
    moon_json_begin(&json, *state);
    moon_json_array(&json, NULL);
    moon_json_int(&json, NULL, INT64_MIN);
    moon_json_int(&json, NULL, INT64_MAX);
    moon_json_int(&json, NULL, 0);
    moon_json_close(&json, ']');
    assert_string_equal(moon_json_end(&json), "[-9223372036854775808,9223372036854775807,0]");
}

#define BAD "\xef\xbf\xbd"

static void escapes_strings_and_replaces_what_is_not_utf8(void **state)
{
    static const struct {
        struct moon_span text;
        const char *want;
    } table[] = {
        {MOON_SPAN(""), "\"\""},
        {{NULL, 0}, "\"\""},
        {MOON_SPAN("a\"b\\c/"), "\"a\\\"b\\\\c/\""},
        {MOON_SPAN("\n\r\t\x01\x1f\x7f"), "\"\\n\\u000d\\u0009\\u0001\\u001f\\u007f\""},
        {MOON_SPAN("a\0b"), "\"a\\u0000b\""},
        {MOON_SPAN("\xc3\xa4"), "\"\xc3\xa4\""},
        {MOON_SPAN("\xe2\x82\xac"), "\"\xe2\x82\xac\""},
        {MOON_SPAN("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\""},
        {MOON_SPAN("\xc3"), "\"" BAD "\""},
        {MOON_SPAN("\xc3\"x"), "\"" BAD "\\\"x\""},
        {MOON_SPAN("\xe2\x82"), "\"" BAD BAD "\""},
        {MOON_SPAN("\xc0\x80"), "\"" BAD BAD "\""},         /* overlong NUL */
        {MOON_SPAN("\xe0\x9f\xbf"), "\"" BAD BAD BAD "\""}, /* overlong */
        {MOON_SPAN("\xed\xa0\x80"), "\"" BAD BAD BAD "\""}, /* a surrogate */
        {MOON_SPAN("\xf0\x8f\xbf\xbf"), "\"" BAD BAD BAD BAD "\""},
        {MOON_SPAN("\xf4\x90\x80\x80"), "\"" BAD BAD BAD BAD "\""}, /* above U+10FFFF */
        {MOON_SPAN("\xf4\x8f\xbf\xbf"), "\"\xf4\x8f\xbf\xbf\""},
        {MOON_SPAN("\xff\xfe"), "\"" BAD BAD "\""},
        {MOON_SPAN("\x80"), "\"" BAD "\""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_json json;
        moon_json_begin(&json, *state);
        moon_json_span(&json, NULL, table[i].text);
        const char *got = moon_json_end(&json);
        if (strcmp(got, table[i].want) != 0)
            fail_msg("row %zu: got %s, want %s", i, got, table[i].want);
    }
}

static void keys_are_escaped_too(void **state)
{
    struct moon_json json;
    moon_json_begin(&json, *state);
    moon_json_object(&json, NULL);
    moon_json_int(&json, "a\"\n", 1);
    moon_json_close(&json, '}');
    assert_string_equal(moon_json_end(&json), "{\"a\\\"\\n\":1}");
}

static void an_own_mistake_gives_no_text(void **state)
{
    struct moon_json json;
    moon_bug_is_fatal = false;
    moon_json_begin(&json, *state);
    moon_json_object(&json, NULL);
    assert_null(moon_json_end(&json)); /* still open */
    moon_json_begin(&json, *state);
    moon_json_close(&json, '}'); /* never opened */
    assert_null(moon_json_end(&json));
    moon_json_begin(&json, *state);
    for (int i = 0; i < MOON_JSON_DEPTH_MAX; i++)
        moon_json_array(&json, NULL);
    for (int i = 0; i < MOON_JSON_DEPTH_MAX; i++)
        moon_json_close(&json, ']');
    assert_null(moon_json_end(&json));
}

static void the_deepest_nesting_allowed_works(void **state)
{
    struct moon_json json;
    moon_json_begin(&json, *state);
    for (int i = 1; i < MOON_JSON_DEPTH_MAX; i++)
        moon_json_array(&json, NULL);
    for (int i = 1; i < MOON_JSON_DEPTH_MAX; i++)
        moon_json_close(&json, ']');
    assert_int_equal(strlen(moon_json_end(&json)), 2 * (MOON_JSON_DEPTH_MAX - 1));
}

static void says_when_memory_runs_out(void **state)
{
    struct moon_json json;
    moon_arena_fail_at(*state, 2); /* the first growth works */
    moon_json_begin(&json, *state);
    moon_json_array(&json, NULL);
    for (int i = 0; i < 100; i++)
        moon_json_string(&json, NULL, "text");
    moon_json_close(&json, ']');
    assert_null(moon_json_end(&json));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_commas_and_nesting, begin, end),
        cmocka_unit_test_setup_teardown(writes_every_integer, begin, end),
        cmocka_unit_test_setup_teardown(escapes_strings_and_replaces_what_is_not_utf8, begin, end),
        cmocka_unit_test_setup_teardown(keys_are_escaped_too, begin, end),
        cmocka_unit_test_setup_teardown(an_own_mistake_gives_no_text, begin, end),
        cmocka_unit_test_setup_teardown(the_deepest_nesting_allowed_works, begin, end),
        cmocka_unit_test_setup_teardown(says_when_memory_runs_out, begin, end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
