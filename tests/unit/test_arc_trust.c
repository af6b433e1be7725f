/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/arc_trust.c on sealed messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/auth/arc.h"
#include "tests/support/arc_chain.h"

#define SAYS(text) "mx.example; " text

static void add(unsigned instance, const char *domain, const char *results)
{
    struct moon_seal seal = moon_chain_seal(instance, domain);
    seal.results = results;
    moon_chain_add(seal);
}

static bool vouches(const char *domain, const char *method)
{
    struct moon_arc arc = moon_chain_check();
    return moon_arc_vouches(&arc, domain, method, "author.example");
}

/* RFC 8617 section 7.2.1 */
static void a_sealer_vouches_for_what_it_says(void **state)
{
    static const struct {
        const char *results, *method;
        bool want;
    } rows[] = {
        {"dmarc=pass", "dmarc", true},
        {"dmarc=pass header.from=author.example", "dmarc", true},
        {"dmarc=pass header.from=Author.Example", "dmarc", true},
        {"dmarc=pass header.from=ann@author.example", "dmarc", true},
        {"dmarc=pass header.from=other.example", "dmarc", false},
        {"dmarc=fail header.from=author.example", "dmarc", false},
        {"dmarc=bestguesspass", "dmarc", false},
        {"spf=pass; dkim=pass", "dmarc", false},
        {"none", "dmarc", false},
        {"dmarc=fail; dmarc=pass", "dmarc", false},
        {"dmarc=pass; dmarc=fail", "dmarc", true},
        {"spf=fail smtp.mailfrom=\"; dmarc=pass\"", "dmarc", false},
        {"x=y header.i.x=1; dmarc=pass header.i.x=1", "dmarc", false},
        {"dkim=fail header.d=a.example; dkim=pass header.d=b.example", "dkim", true},
        {"dkim=fail; spf=pass", "dkim", false},
        {"spf=pass smtp.mailfrom=a@b.example", "spf", true},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(moon_chain_end(NULL) + moon_chain_begin(NULL), 0); /* anew */
        add(1, "fwd.example", moon_arena_printf(moon_chain_arena, SAYS("%s"), rows[i].results));
        if (vouches("fwd.example", rows[i].method) != rows[i].want)
            fail_msg("%s, %s: want %d", rows[i].results, rows[i].method, rows[i].want);
    }
}

static void nobody_else_vouches(void **state)
{
    (void)state; /* cmocka's, not used */
    add(1, "fwd.example", SAYS("dmarc=pass"));
    assert_false(vouches("example", "dmarc"));
    assert_false(vouches("mx.fwd.example", "dmarc"));
    assert_false(vouches("", "dmarc"));
    assert_false(vouches(NULL, "dmarc"));
}

static void a_chain_that_fails_vouches_for_nothing(void **state)
{
    (void)state; /* cmocka's, not used */
    add(1, "fwd.example", SAYS("dmarc=pass"));
    assert_true(vouches("fwd.example", "dmarc"));
    moon_chain_append("more\r\n");
    assert_false(vouches("fwd.example", "dmarc"));
}

static void an_older_set_counts_while_its_signature_still_verifies(void **state)
{
    (void)state; /* cmocka's, not used */
    add(1, "fwd.example", SAYS("dmarc=pass"));
    add(2, "other.example", SAYS("dmarc=fail"));
    assert_true(vouches("fwd.example", "dmarc"));
    assert_false(vouches("other.example", "dmarc"));
}

/* The attack: take a good chain, change the message, put an own seal on top. */
static void a_changed_message_has_lost_its_older_sealers(void **state)
{
    (void)state; /* cmocka's, not used */
    add(1, "fwd.example", SAYS("dmarc=pass"));
    moon_chain_change("From: Ann <ann@author.example>", "From: Ann <ann@bank.example>");
    add(2, "evil.example", SAYS("dmarc=pass"));
    struct moon_arc arc = moon_chain_passes(2);
    assert_false(moon_arc_vouches(&arc, "fwd.example", "dmarc", "bank.example"));
    assert_null(moon_arc_sealed_by(&arc, "fwd.example"));
    assert_true(moon_arc_vouches(&arc, "evil.example", "dmarc", "bank.example"));
}

static void the_newest_set_of_a_sealer_speaks_for_it(void **state)
{
    (void)state; /* cmocka's, not used */
    add(1, "fwd.example", SAYS("dmarc=pass"));
    add(2, "mid.example", SAYS("dmarc=pass"));
    add(3, "fwd.example", SAYS("dmarc=fail"));
    assert_false(vouches("fwd.example", "dmarc"));
    assert_true(vouches("mid.example", "dmarc"));
    struct moon_arc arc = moon_chain_check();
    assert_int_equal(moon_arc_sealed_by(&arc, "fwd.example")->instance, 3);
}

/* Otherwise anybody could put another author over the same signature. */
static void a_signature_that_does_not_cover_from_vouches_for_nobody(void **state)
{
    struct moon_seal seal = moon_chain_seal(1, "fwd.example");
    (void)state; /* cmocka's, not used */
    seal.results = SAYS("dmarc=pass");
    seal.headers = "to:subject";
    moon_chain_add(seal);
    struct moon_arc arc = moon_chain_passes(0);
    assert_false(arc.sets[0].signature.covers_from);
    assert_false(vouches("fwd.example", "dmarc"));
    assert_non_null(moon_arc_sealed_by(&arc, "fwd.example"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, moon_chain_begin, moon_chain_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_sealer_vouches_for_what_it_says),
        CASE(nobody_else_vouches),
        CASE(a_chain_that_fails_vouches_for_nothing),
        CASE(an_older_set_counts_while_its_signature_still_verifies),
        CASE(a_changed_message_has_lost_its_older_sealers),
        CASE(the_newest_set_of_a_sealer_speaks_for_it),
        CASE(a_signature_that_does_not_cover_from_vouches_for_nobody),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, moon_chain_keys, moon_chain_keys_end);
}
