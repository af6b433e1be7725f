/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/message/forwarding.c: what a rewritten envelope sender says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/message/address.h"
#include "engine/message/forwarding.h"

/* "pattern forwarder mailbox original domain destination", "-" for what is not there. */
static const char *told(struct moon_arena *arena, const char *path)
{
    struct moon_forwarding f;
    const char *local, *domain;
    assert_int_equal(moon_path_split(arena, path, &local, &domain), MOON_OK);
    assert_int_equal(moon_forwarding_parse(arena, path, domain, &f), MOON_OK);
    if (!f.pattern) {
        assert_true(!f.forwarder && !f.mailbox && !f.original && !f.original_domain &&
                    !f.destination);
        return "none";
    }
    return moon_arena_printf(arena, "%s %s %s %s %s %s", f.pattern, f.forwarder,
                             f.mailbox ? f.mailbox : "-", f.original ? f.original : "-",
                             f.original_domain ? f.original_domain : "-",
                             f.destination ? f.destination : "-");
}

struct row {
    const char *path, *want;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        const char *got = told(arena, rows[i].path);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s: got %s, want %s", rows[i].path, got, rows[i].want);
        moon_arena_destroy(&arena);
    }
}
#define COUNT(table) (sizeof(table) / sizeof *(table))

static void srs_tells_the_address_before(void **state)
{
    static const struct row rows[] = {
        {"SRS0=UmZf=4G=bank.example=ann@fwd.example",
         "srs fwd.example - ann@bank.example bank.example -"},
        {"srs0=umzf=4g=BANK.example=Ann@FWD.example",
         "srs fwd.example - Ann@bank.example bank.example -"},
        {"SRS0=-_.=4G=bank.example=ann@fwd.example",
         "srs fwd.example - ann@bank.example bank.example -"},
        {"SRS0+a/b+=4G=bank.example=ann@fwd.example",
         "srs fwd.example - ann@bank.example bank.example -"},
        {"SRS0-x=4G=bank.example=a=b=c+d-e@fwd.example",
         "srs fwd.example - a=b=c+d-e@bank.example bank.example -"},
        {"SRS1=JIBX=first.example==UmZf=4G=bank.example=ann@second.example",
         "srs second.example - ann@bank.example bank.example -"},
        {"SRS1+JIBX=first.example=+UmZf=4G=bank.example=ann@second.example",
         "srs second.example - ann@bank.example bank.example -"},
        {"SRS0=h=4G=bank.example=~!@fwd.example",
         "srs fwd.example - ~!@bank.example bank.example -"},
        {"SRS0=UmZf=4G=bank.example=prvs=4123=ann@fwd.example",
         "srs fwd.example - prvs=4123=ann@bank.example bank.example -"},
    };
    (void)state; /* cmocka's, not used */
    check(rows, COUNT(rows));
}

static void outlook_tells_mailbox_and_address_before(void **state)
{
    static const struct row rows[] = {
        {"joe+SRS=44ldt=IX=bank.example=ann@acme.onmicrosoft.com",
         "outlook acme.onmicrosoft.com joe@acme.onmicrosoft.com ann@bank.example bank.example -"},
        {"joe+news+srs=44ldt=IX=bank.example=ann@acme.example",
         "outlook acme.example joe+news@acme.example ann@bank.example bank.example -"},
        {"j+SRS=h=IX=bank.example=ann@acme.example",
         "outlook acme.example j@acme.example ann@bank.example bank.example -"},
        {"bounces+SRS=44ldt=IX@acme.example", "outlook acme.example - - - -"},
        {"joe+SRS=44ldt=IX@acme.example", "none"},
    };
    (void)state; /* cmocka's, not used */
    check(rows, COUNT(rows));
}

static void gmail_tells_mailbox_and_destination(void **state)
{
    static const struct row rows[] = {
        {"joe+caf_=joseph=acme.example@gmail.com",
         "gmail gmail.com joe@gmail.com - - joseph@acme.example"},
        {"j+caf_=x=acme.example@gmail.com", "gmail gmail.com j@gmail.com - - x@acme.example"},
        {"joe+caf_=x=y=acme.example@school.example",
         "gmail school.example joe@school.example - - x=y@acme.example"},
        {"joe+SRS=44ldt=IX=bank.example=a+caf_=x=acme.example@gmail.com",
         "gmail gmail.com joe+SRS=44ldt=IX=bank.example=a@gmail.com - - x@acme.example"},
        {"joe+caf_=x=acme.example+SRS=44ldt=IX=bank.example=ann@fwd.example",
         "outlook fwd.example joe+caf_=x=acme.example@fwd.example ann@bank.example bank.example -"},
    };
    (void)state; /* cmocka's, not used */
    check(rows, COUNT(rows));
}

static void what_is_not_well_formed_is_no_forwarding(void **state)
{
    static const struct row rows[] = {
        {"", "none"},
        {"ann@bank.example", "none"},
        {"SRS0@fwd.example", "none"},
        {"SRS0=@fwd.example", "none"},
        {"SRS2=UmZf=4G=bank.example=ann@fwd.example", "none"},
        {"SRS0=UmZf=4G=bank.example=ann", "none"},
        {"SRS0=UmZf=4G=bank.example=ann@", "none"},
        {"SRS0=UmZf=4G=bank.example=ann@[192.0.2.1]", "none"},
        {"SRS0=UmZf=4G=bank.example=@fwd.example", "none"},
        {"SRS0=UmZf=4G=bank.example@fwd.example", "none"},
        {"SRS0=UmZf=4G==ann@fwd.example", "none"},
        {"SRS0=UmZf=4G=bank=ann@fwd.example", "none"},
        {"SRS0=UmZf=4G=ba_nk..example=ann@fwd.example", "none"},
        {"SRS0=UmZf=4GG=bank.example=ann@fwd.example", "none"},
        {"SRS0=UmZf=4=bank.example=ann@fwd.example", "none"},
        {"SRS0==4G=bank.example=ann@fwd.example", "none"},
        {"SRS0==bank.example=ann@fwd.example", "none"},
        {"SRS0=UmZf=4G+bank.example=ann@fwd.example", "none"},
        {"SRS0=UmZf=4G=.=ann@fwd.example", "none"},
        {"SRS0=Um:f=4G=bank.example=ann@fwd.example", "none"},
        {"SRS0.UmZf=4G=bank.example=ann@fwd.example", "none"},
        {"SRS1=JIBX=first.example=UmZf=4G=bank.example=ann@second.example", "none"},
        {"SRS1=JIBX=first==UmZf=4G=bank.example=ann@second.example", "none"},
        {"SRS1=JIBX@second.example", "none"},
        {"SRS1==first.example==UmZf=4G=bank.example=ann@second.example", "none"},
        {"+SRS=44ldt=IX=bank.example=ann@acme.example", "none"},
        {"+caf_=x=acme.example@gmail.com", "none"},
        {"joe+SRS=bad=bank.example=ann@acme.example", "none"},
        {"12345h=IX=bank.example=ann@acme.example", "none"},
        {"1234567x=acme.example@gmail.com", "none"},
        {"joe+caf_=x@gmail.com", "none"},
        {"joe+caf_=acme.example@gmail.com", "none"},
        {"joe+caf_==acme.example@gmail.com", "none"},
        {"joe+caf_=x=localhost@gmail.com", "none"},
        {"joe+caf_@gmail.com", "none"},
        {"joe +caf_=x=acme.example@gmail.com", "none"},
        {"\"joe\"+caf_=x=acme.example@gmail.com", "none"},
        {"jo\\e+caf_=x=acme.example@gmail.com", "none"},
        {" joe+caf_=x=acme.example@gmail.com", "none"},
        {"jo\x7f+caf_=x=acme.example@gmail.com", "none"},
        {"jo\xc3\xa9+caf_=x=acme.example@gmail.com", "none"},
    };
    (void)state; /* cmocka's, not used */
    check(rows, COUNT(rows));
}

static void a_path_without_a_domain_is_no_forwarding(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_forwarding f;
    (void)state; /* cmocka's, not used */
    assert_int_equal(moon_forwarding_parse(arena, "SRS0=h=4G=bank.example=ann", "fwd.example", &f),
                     MOON_OK);
    assert_null(f.pattern);
    moon_arena_destroy(&arena);
}

static void a_local_part_and_a_hash_have_bounds(void **state)
{
    char path[700], hash[80];
    struct moon_arena *arena = moon_arena_create(1 << 20);
    (void)state; /* cmocka's, not used */
    for (int more = 0; more < 2; more++) {
        int n = snprintf(path, sizeof path, "SRS0=UmZf=4G=bank.example=");
        for (; n < (int)MOON_FORWARDED_LOCAL_MAX + more; n++)
            path[n] = 'a';
        (void)snprintf(path + n, sizeof path - (size_t)n, "@fwd.example");
        assert_int_equal(strcmp(told(arena, path), "none") != 0, more == 0);
        memset(hash, 'h', sizeof hash);
        hash[64 + more] = '\0';
        (void)snprintf(path, sizeof path, "SRS0=%s=4G=bank.example=a@fwd.example", hash);
        assert_int_equal(strcmp(told(arena, path), "none") != 0, more == 0);
        (void)snprintf(path, sizeof path, "SRS1=%s=first.example==h=4G=bank.example=a@fwd.example",
                       hash);
        assert_int_equal(strcmp(told(arena, path), "none") != 0, more == 0);
    }
    moon_arena_destroy(&arena);
}

static void survives_the_failure_of_every_allocation(void **state)
{
    static const char *const paths[] = {"SRS1=JIBX=f.example==UmZf=4G=bank.example=ann@f.example",
                                        "joe+SRS=44ldt=IX=bank.example=ann@f.example",
                                        "joe+caf_=x=acme.example@f.example"};
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < COUNT(paths); i++) {
        enum moon_status status = MOON_ENOMEM;
        size_t n = 1;
        for (; n < 20 && status != MOON_OK; n++) {
            struct moon_arena *arena = moon_arena_create(1 << 16);
            struct moon_forwarding f;
            moon_arena_fail_at(arena, n);
            status = moon_forwarding_parse(arena, paths[i], "f.example", &f);
            assert_true(status == MOON_OK || (status == MOON_ENOMEM && !f.pattern));
            assert_true(status != MOON_OK || f.pattern);
            moon_arena_destroy(&arena);
        }
        assert_true(n > 4 && status == MOON_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(srs_tells_the_address_before),
        cmocka_unit_test(outlook_tells_mailbox_and_address_before),
        cmocka_unit_test(gmail_tells_mailbox_and_destination),
        cmocka_unit_test(what_is_not_well_formed_is_no_forwarding),
        cmocka_unit_test(a_path_without_a_domain_is_no_forwarding),
        cmocka_unit_test(a_local_part_and_a_hash_have_bounds),
        cmocka_unit_test(survives_the_failure_of_every_allocation),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
