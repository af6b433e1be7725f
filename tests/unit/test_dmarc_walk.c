/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/dmarc_walk.c: discovery and Organizational Domains, RFC 9989 sections 4.10
 * to 4.10.2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/auth/dmarc_walk.h"
#include "tests/support/dmarc_case.h"

static void check_names(const char *start, const char *const *want)
{
    const char *names[MOON_DMARC_QUERIES_MAX];
    size_t count = moon_dmarc_walk_names(start, names), n = 0;
    for (; n < count; n++) {
        assert_non_null(want[n]);
        assert_string_equal(names[n], want[n]);
    }
    assert_null(want[n]);
}

/* RFC 9989 section 4.10, the example with thirteen labels: eight queries */
static void shortens_long_names_to_seven_labels(void **state)
{
    static const char *const thirteen[] = {"a.b.c.d.e.f.g.h.i.j.mail.example.com",
                                           "g.h.i.j.mail.example.com",
                                           "h.i.j.mail.example.com",
                                           "i.j.mail.example.com",
                                           "j.mail.example.com",
                                           "mail.example.com",
                                           "example.com",
                                           "com",
                                           NULL};
    static const char *const nine[] = {"a.b.c.d.e.f.g.h.i",
                                       "c.d.e.f.g.h.i",
                                       "d.e.f.g.h.i",
                                       "e.f.g.h.i",
                                       "f.g.h.i",
                                       "g.h.i",
                                       "h.i",
                                       "i",
                                       NULL};
    static const char *const eight[] = {
        "a.b.c.d.e.f.g.h", "b.c.d.e.f.g.h", "c.d.e.f.g.h", "d.e.f.g.h", "e.f.g.h",
        "f.g.h",           "g.h",           "h",           NULL};
    static const char *const seven[] = {"a.b.c.d.e.f.g", "b.c.d.e.f.g", "c.d.e.f.g", "d.e.f.g",
                                        "e.f.g",         "f.g",         "g",         NULL};
    static const char *const one[] = {"com", NULL};
    (void)state; /* cmocka's, not used */
    check_names(thirteen[0], thirteen);
    check_names(nine[0], nine);
    check_names(eight[0], eight);
    check_names(seven[0], seven);
    check_names("com", one);
}

/* RFC 9989 section 4.10.2, rule 2. Trap: starting the walk at the parent of an Author Domain
 * without a record makes the PSD look like the start, and then everything below com is one
 * organization. */
static void a_psd_directly_above_is_not_the_start_of_the_walk(void **state)
{
    static const struct dmarc_case test = {
        .zone = "_dmarc.com TXT \"v=DMARC1; p=reject; psd=y\"\n"
                "bank.com A 192.0.2.1\n"
                "attacker.com A 192.0.2.2\n",
        .author = "bank.com",
        .spf = "pass attacker.com",
        .dkim = {"pass attacker.com", "pass mail.attacker.com", "pass com"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check(&test, "fail policy=reject tag=p at=com org=bank.com");
}

/* RFC 9989 section 4.10.1. Trap: the nearest record is not the policy record. */
static void a_record_between_author_and_organization_is_passed_over(void **state)
{
    static const struct dmarc_case test = {
        .zone = "_dmarc.example.com TXT \"v=DMARC1; p=quarantine\"\n"
                "_dmarc.mail.example.com TXT \"v=DMARC1; p=reject; sp=reject\"\n"
                "a.mail.example.com A 192.0.2.1\n",
        .author = "a.mail.example.com",
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check(&test, "fail policy=quarantine tag=p at=example.com org=example.com");
}

/* RFC 9989 section 4.10, steps 2 and 6. Trap: a record without psd does not stop the walk. */
static void the_walk_goes_on_behind_a_record_without_psd(void **state)
{
    static const struct dmarc_case test = {
        .zone = "_dmarc.mail.example.com TXT \"v=DMARC1; p=reject\"\n"
                "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n",
        .author = "mail.example.com",
        .spf = "pass example.com",
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check(&test, "pass policy=reject tag=p at=mail.example.com org=example.com spf");
}

/* RFC 9989 section 4.10, step 2. Trap: RFC 7489 stopped at several records. */
static void several_records_at_one_name_are_passed_over(void **state)
{
    static const struct dmarc_case test = {
        .zone = "_dmarc.mail.example.com TXT \"v=DMARC1; p=none\"\n"
                "_dmarc.mail.example.com TXT \"v=DMARC1; p=quarantine\"\n"
                "_dmarc.mail.example.com TXT \"other\"\n"
                "_dmarc.example.com TXT \"other\"\n"
                "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n",
        .author = "mail.example.com",
    };
    struct dmarc_outcome out;
    (void)state; /* cmocka's, not used */
    dmarc_case_run(&test, 0, &out);
    assert_string_equal(out.text, "fail policy=reject tag=p at=example.com org=example.com");
    assert_string_equal(out.results.dmarc.error, "_dmarc.mail.example.com has 2 DMARC records");
    dmarc_case_end(&out);
}

/* RFC 9989 section 4.10.2, rule 1 */
static void psd_n_names_the_organization_and_ends_the_walk(void **state)
{
    static const struct dmarc_case test = {
        .zone = "_dmarc.mail.example.com TXT \"v=DMARC1; p=reject; psd=n\"\n"
                "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n"
                "a.mail.example.com A 192.0.2.1\n",
        .author = "a.mail.example.com",
        .spf = "pass example.com",
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check(&test, "fail policy=reject tag=p at=mail.example.com org=mail.example.com");
}

/* RFC 9989 section 4.10.2, rule 2, and the note of 4.10.1 */
static void the_organization_below_a_psd_keeps_its_own_record(void **state)
{
    static const struct dmarc_case test = {
        .zone = "_dmarc.co.uk TXT \"v=DMARC1; p=reject; psd=y; rua=mailto:a@nic.uk\"\n"
                "_dmarc.example.co.uk TXT \"v=DMARC1; p=quarantine\"\n"
                "a.example.co.uk A 192.0.2.1\n",
        .author = "a.example.co.uk",
        .dkim = {"pass other.co.uk"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check(&test, "fail policy=quarantine tag=p at=example.co.uk org=example.co.uk");
}

/* RFC 9989 section 4.10.1: Author Domain, Organizational Domain, then PSD */
static void the_record_of_the_psd_is_the_last_resort(void **state)
{
    static const struct dmarc_case test = {
        .zone = "_dmarc.bank TXT \"v=DMARC1; p=none; sp=quarantine; np=reject; psd=y\"\n"
                "www.shop.bank A 192.0.2.1\n",
        .author = "www.shop.bank",
        .spf = "pass shop.bank",
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check(&test, "pass policy=quarantine tag=sp at=bank org=shop.bank spf");
}

/* RFC 9989 section 4.10.2, rule 2: derived from the start, also where the walk jumped over labels.
 * Trap: the name queried before is not the one below the PSD. */
static void the_name_below_a_psd_is_cut_from_the_start(void **state)
{
    static const struct dmarc_case test = {
        .zone = "_dmarc.c.d.e.f.g.example.com TXT \"v=DMARC1; p=reject; psd=y\"\n"
                "1.2.3.a.b.c.d.e.f.g.example.com A 192.0.2.1\n",
        .author = "1.2.3.a.b.c.d.e.f.g.example.com",
        .spf = "pass a.b.c.d.e.f.g.example.com",
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check(&test, "pass policy=reject tag=p at=c.d.e.f.g.example.com "
                            "org=b.c.d.e.f.g.example.com spf");
}

/* RFC 9989 section 4.10.2: "other than the one for the domain where the tree walk started" */
static void a_psd_as_author_is_its_own_organization(void **state)
{
    static const struct dmarc_case test = {
        .zone = "_dmarc.co.uk TXT \"v=DMARC1; p=reject; psd=y\"\n",
        .author = "co.uk",
        .dkim = {"pass example.co.uk"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check(&test, "fail policy=reject tag=p at=co.uk org=co.uk");
}

/* RFC 9989 section 4.10.2, rule 3 */
static void the_record_with_the_fewest_labels_names_the_organization(void **state)
{
    static const struct dmarc_case test = {
        .zone = "_dmarc.a.mail.example.com TXT \"v=DMARC1; p=none\"\n"
                "_dmarc.mail.example.com TXT \"v=DMARC1; p=none; psd=u\"\n"
                "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n",
        .author = "a.mail.example.com",
        .spf = "pass b.example.com",
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check(&test, "pass policy=none tag=p at=a.mail.example.com org=example.com spf");
}

/* RFC 9989 section 4.5: character-strings are concatenated. Trap: reading the first only. */
static void the_strings_of_a_record_are_joined(void **state)
{
    static const struct dmarc_case test = {
        .zone = "_dmarc.example.com TXT \"v=DMA\" \"RC1; p=rej\" \"ect\"\n",
        .author = "example.com",
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check(&test, "fail policy=reject tag=p at=example.com org=example.com");
}

/* A name too long for DNS has no record; the walk goes on above it. */
static void a_name_too_long_to_ask_for_has_no_record(void **state)
{
    struct dmarc_case test = {.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n"};
    char author[254];
    (void)state; /* cmocka's, not used */
    static const char label[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    (void)snprintf(author, sizeof author, "%s.%s.%s.%s.example.com", label, label, label, label);
    assert_true(strlen(author) <= 253 && strlen("_dmarc.") + strlen(author) > 253);
    test.author = author;
    dmarc_case_check(&test, "fail policy=reject tag=p at=example.com org=example.com");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shortens_long_names_to_seven_labels),
        cmocka_unit_test(a_psd_directly_above_is_not_the_start_of_the_walk),
        cmocka_unit_test(a_record_between_author_and_organization_is_passed_over),
        cmocka_unit_test(the_walk_goes_on_behind_a_record_without_psd),
        cmocka_unit_test(several_records_at_one_name_are_passed_over),
        cmocka_unit_test(psd_n_names_the_organization_and_ends_the_walk),
        cmocka_unit_test(the_organization_below_a_psd_keeps_its_own_record),
        cmocka_unit_test(the_record_of_the_psd_is_the_last_resort),
        cmocka_unit_test(the_name_below_a_psd_is_cut_from_the_start),
        cmocka_unit_test(a_psd_as_author_is_its_own_organization),
        cmocka_unit_test(the_record_with_the_fewest_labels_names_the_organization),
        cmocka_unit_test(the_strings_of_a_record_are_joined),
        cmocka_unit_test(a_name_too_long_to_ask_for_has_no_record),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
