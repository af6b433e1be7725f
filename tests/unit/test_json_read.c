/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/base/json_read.c (RFC 8259 sections 2 to 7).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/json_read.h"
#include "engine/base/status.h"

/* The tokens in short: "{a=1 b=[ t f n ] }" and "BAD" or "." at the end. */
static const char *tokens(const char *text)
{
    static char out[1000];
    struct moon_json_reader reader = moon_json_read(moon_span_of(text));
    size_t n = 0;
    out[0] = '\0';
    for (;;) {
        struct moon_json_token t = moon_json_next(&reader);
        static const char *const words[] = {"BAD", ".", "", "", "", "", "t", "f", "n"};
        if (t.key.p)
            n += (size_t)snprintf(out + n, sizeof out - n, "%.*s=", (int)t.key.n, t.key.p);
        if (t.kind == MOON_JSON_OPEN || t.kind == MOON_JSON_CLOSE)
            n += (size_t)snprintf(out + n, sizeof out - n, "%c",
                                  t.kind == MOON_JSON_OPEN ? (t.object ? '{' : '[')
                                                           : (t.object ? '}' : ']'));
        else
            n += (size_t)snprintf(out + n, sizeof out - n, "%s%.*s ", words[t.kind], (int)t.text.n,
                                  t.text.p ? t.text.p : "");
        if (t.kind == MOON_JSON_BAD || t.kind == MOON_JSON_END) {
            assert_int_equal(moon_json_next(&reader).kind, t.kind);
            return out;
        }
    }
}

/* RFC 8259 sections 2, 3, 4, 5, 6, 7 */
static void reads_what_is_json_and_tells_what_is_not(void **state)
{
    static const char *const table[][2] = {
        {"{}", "{}. "},
        {" [ ] ", "[]. "},
        {"5", "5 . "},
        {"\"a\"", "a . "},
        {"{\"a\":1,\"b\":[true,false,null,\"x\"],\"c\":{}}", "{a=1 b=[t f n x ]c={}}. "},
        {" {\r\n\t\"a\" : -0.5e+10 , \"b\":1E-2 }", "{a=-0.5e+10 b=1E-2 }. "},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00Ff\"", "\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00Ff . "},
        {"", "BAD "},
        {"{", "{BAD "},
        {"{}}", "{}BAD "},
        {"{} x", "{}BAD "},
        {"{\"a\"}", "{a=BAD "},
        {"{\"a\":}", "{a=BAD "},
        {"{\"a\":1,}", "{a=1 BAD "},
        {"{\"a\":1 \"b\":2}", "{a=1 BAD "},
        {"{a:1}", "{BAD "},
        {"{\"a\":1]", "{a=1 BAD "},
        {"[1,]", "[1 BAD "},
        {"[,1]", "[BAD "},
        {"[1 2]", "[1 BAD "},
        {"[01]", "[BAD "},
        {"[1.]", "[BAD "},
        {"[1e]", "[BAD "},
        {"[-]", "[BAD "},
        {"[+1]", "[BAD "},
        {"[tru]", "[BAD "},
        {"\"a", "BAD "},
        {"\"a\nb\"", "BAD "},
        {"\"\\x\"", "BAD "},
        {"\"\\u12g4\"", "BAD "},
        {"\"\\", "BAD "},
        {"\"\\u00", "BAD "},
        {"[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", "[[[[[[[[[[[[[[[[1 ]]]]]]]]]]]]]]]]. "},
        {"[[[[[[[[[[[[[[[[[1", "[[[[[[[[[[[[[[[[BAD "},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(tokens(table[i][0]), table[i][1]) != 0)
            fail_msg("%s: got %s, want %s", table[i][0], tokens(table[i][0]), table[i][1]);
}

static void texts_lose_their_escapes(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *want;
    } table[] = {
        {"plain", 10, "plain"},
        {"", 1, ""},
        {"plain", 5, "plai"},
        {"a\\n\\t\\b\\f\\r\\\"\\\\\\/b", 20, "a\n\t\b\f\r\"\\/b"},
        {"\\u0041\\u00e9\\u20ac\\ud83d\\ude00", 20, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\\ud83d", 20, "\xef\xbf\xbd"},
        {"\\ude00x", 20, "\xef\xbf\xbdx"},
        {"\\ud83d\\u0041", 20,
         "\xef\xbf\xbd"
         "A"},
        {"a\\u0000b", 20,
         "a\xef\xbf\xbd"
         "b"},
        {"ab\xc3\xa9", 4, "ab"},
        {"ab\xc3\xa9", 5, "ab\xc3\xa9"},
        {"ab\\u00e9", 4, "ab"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char out[40];
        moon_json_text(moon_span_of(table[i].text), out, table[i].size);
        if (strcmp(out, table[i].want) != 0)
            fail_msg("%s: got %s, want %s", table[i].text, out, table[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_json_and_tells_what_is_not),
        cmocka_unit_test(texts_lose_their_escapes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
