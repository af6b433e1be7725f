/* SPDX-License-Identifier: MIT
 *
 * Domain names between text and wire.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/dns/name.h"

static struct moon_dns_wire wire_of(const char *text)
{
    struct moon_dns_wire wire;
    if (!moon_dns_wire_parse(moon_span_of(text), &wire))
        fail_msg("\"%s\": got no name, want one", text);
    return wire;
}

static void writes_each_name_in_one_way(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a", "a"},
        {"A.Example.", "a.example"},
        {".", ""},
        {"\\065\\.b", "a\\.b"}, /* the escaped A is a letter as any other */
        {"\\a.b", "a.b"},
        {"a\\\\.b", "a\\\\.b"},
        {"a\\000b", "a\\000b"},
        {"a b", "a\\032b"},
        {"\xc3\xbc.x", "\\195\\188.x"},
        {"_dmarc.x", "_dmarc.x"},
        {"\"@;$()", "\"@;$()"},
        {"a\\255", "a\\255"},
    };
    struct moon_arena *arena = moon_arena_create(1 << 20);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct moon_dns_wire wire = wire_of(cases[i].text), again;
        const char *got = moon_dns_wire_text(arena, &wire);
        assert_non_null(got);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("\"%s\": got \"%s\", want \"%s\"", cases[i].text, got, cases[i].want);
        if (*got) {
            again = wire_of(got);
            assert_true(moon_dns_wire_equal(&wire, &again));
            assert_int_equal(moon_dns_wire_hash(&wire), moon_dns_wire_hash(&again));
        }
    }
    moon_arena_destroy(&arena);
}

static void refuses_names_that_cannot_exist(void **state)
{
    static const char *const bad[] = {"",     "..",    ".a",    "a..",   "a..b",   "a\\",
                                      "a\\1", "a\\12", "\\256", "\\999", "a.\\2x0"};
    char label[70];
    struct moon_dns_wire wire;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (moon_dns_wire_parse(moon_span_of(bad[i]), &wire))
            fail_msg("\"%s\": got a name, want none", bad[i]);
        assert_int_equal(wire.length, 0);
    }
    memset(label, 'a', sizeof label);
    assert_true(moon_dns_wire_parse((struct moon_span){label, MOON_LABEL_MAX}, &wire));
    assert_false(moon_dns_wire_parse((struct moon_span){label, MOON_LABEL_MAX + 1}, &wire));
}

static void allows_names_up_to_253_characters(void **state)
{
    char text[300];
    struct moon_dns_wire wire, parent;
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? '.' : 'a';
    assert_true(moon_dns_wire_parse((struct moon_span){text, MOON_DOMAIN_MAX}, &wire));
    assert_int_equal(wire.length, MOON_DNS_WIRE_MAX);
    assert_true(moon_dns_wire_parse((struct moon_span){text, MOON_DOMAIN_MAX + 1}, &wire));
    assert_false(moon_dns_wire_parse((struct moon_span){text, MOON_DOMAIN_MAX + 2}, &wire));
    assert_true(moon_dns_wire_parse((struct moon_span){text, MOON_DOMAIN_MAX}, &wire));
    unsigned labels = 0;
    for (parent = wire; moon_dns_wire_parent(&parent, &parent); labels++)
        continue;
    assert_int_equal(labels, 127);
    assert_int_equal(parent.length, 1);
}

static void knows_what_is_below_what(void **state)
{
    static const struct {
        const char *name, *above;
        bool want;
    } cases[] = {
        {"a.example", "example", true},    {"example", "example", true},
        {"example", "a.example", false},   {"aexample", "example", false},
        {"a\\.example", "example", false}, {"x.y.example", ".", true},
        {"x.y.other", "y.example", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct moon_dns_wire name = wire_of(cases[i].name), above = wire_of(cases[i].above);
        if (moon_dns_wire_below(&name, &above) != cases[i].want)
            fail_msg("%s below %s: got %d, want %d", cases[i].name, cases[i].above, !cases[i].want,
                     cases[i].want);
    }
}

static void gives_no_text_without_memory(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_dns_wire wire = wire_of("a.example");
    (void)state;
    moon_arena_fail_at(arena, 1);
    assert_null(moon_dns_wire_text(arena, &wire));
    moon_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_each_name_in_one_way),
        cmocka_unit_test(refuses_names_that_cannot_exist),
        cmocka_unit_test(allows_names_up_to_253_characters),
        cmocka_unit_test(knows_what_is_below_what),
        cmocka_unit_test(gives_no_text_without_memory),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
