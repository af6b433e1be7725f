/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/arc.c: chains sealed by engine/trial/seal.c (RFC 8617
 * section 5.1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/arc.h"
#include "engine/auth/sig_hash.h"
#include "engine/base/limits.h"
#include "tests/support/arc_case.h"
#include "tests/support/arc_chain.h"
#include "tests/support/dkim_case.h"

/* RFC 8617 section 5.2, step 1 */
static void without_fields_the_result_is_none(void **state)
{
    struct moon_arc arc = moon_chain_check();
    (void)state; /* cmocka's, not used */
    assert_int_equal(arc.result, MOON_RESULT_NONE);
    assert_false(arc.verified);
    assert_int_equal(arc.instances, 0);
    assert_int_equal(arc.set_count, 0);
}

/* RFC 8617 section 5.2, step 7 */
static void a_chain_of_one_set_passes_with_its_facts(void **state)
{
    struct moon_seal seal = moon_chain_seal(1, "Sealer.example");
    (void)state; /* cmocka's, not used */
    seal.results = "mx.sealer.example; dmarc=pass header.from=author.example";
    seal.signature_extra = "t=1699999990; x=1800000000; ";
    seal.seal_extra = "t=1699999991;";
    moon_chain_add(seal);
    struct moon_arc arc = moon_chain_passes(0);
    const struct moon_arc_set *set = &arc.sets[0];
    assert_int_equal(arc.instances, 1);
    assert_int_equal(arc.set_count, 1);
    assert_int_equal(arc.seal_count + arc.signature_count + arc.results_count, 3);
    assert_string_equal(set->domain, "sealer.example");
    assert_string_equal(set->selector, "k");
    assert_string_equal(set->cv, "none");
    assert_string_equal(set->authserv_id, "mx.sealer.example");
    assert_string_equal(set->algorithm, "rsa-sha256");
    assert_int_equal(set->seal_result, MOON_RESULT_PASS);
    assert_int_equal(set->bits, 1024);
    assert_int_equal(set->signed_at_s, 1699999991);
    assert_int_equal(set->signature.result, MOON_RESULT_PASS);
    assert_string_equal(set->seal_reason, "");
    assert_string_equal(set->signature.reason, "");
    assert_string_equal(set->signature.domain, "sealer.example");
    assert_string_equal(set->signature.selector, "k");
    assert_string_equal(set->signature.algorithm, "rsa-sha256");
    assert_int_equal(set->signature.body, MOON_ARC_BODY_INTACT);
    assert_int_equal(set->signature.bits, 1024);
    assert_int_equal(set->signature.signed_at_s, 1699999990);
    assert_int_equal(set->signature.expires_s, 1800000000);
    assert_int_equal(set->signature.body_length, -1);
    assert_true(set->signature.covers_from);
    assert_int_equal(set->result_count, 1);
    assert_string_equal(set->results[0].result, "pass");
}

static void longer_chains_pass_up_to_fifty_sets(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_chain_grow(3);
    (void)moon_chain_passes(0);
    for (unsigned i = 4; i <= MOON_ARC_INSTANCES_MAX; i++)
        moon_chain_add(moon_chain_seal(i, "a.example"));
    struct moon_arc arc = moon_chain_passes(0);
    assert_int_equal(arc.set_count, MOON_ARC_INSTANCES_MAX);
}

/* RFC 8617 section 5.2, step 1 */
static void more_than_fifty_sets_fail(void **state)
{
    (void)state; /* cmocka's, not used */
    for (unsigned i = 1; i <= MOON_ARC_INSTANCES_MAX + 1; i++)
        moon_chain_add(moon_chain_seal(i, "a.example"));
    struct moon_arc arc = moon_chain_fails("ARC set: more than 50");
    assert_string_equal(arc.failed_part, "structure");
    assert_int_equal(arc.seal_count, MOON_ARC_INSTANCES_MAX + 1);
}

/* RFC 8463 in all places of a chain */
static void ed25519_seals_verify_beside_rsa(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_chain_add_with(moon_chain_seal(1, "ed.example"), moon_chain_ed25519);
    moon_chain_add(moon_chain_seal(2, "rsa.example"));
    moon_chain_add_with(moon_chain_seal(3, "ed.example"), moon_chain_ed25519);
    struct moon_arc arc = moon_chain_passes(0);
    assert_int_equal(arc.sets[0].bits, 256);
    assert_string_equal(arc.sets[2].algorithm, "ed25519-sha256");
}

/* RFC 8616 section 4 by RFC 8617 section 4.1.4 */
static void u_labels_name_the_same_sealer(void **state)
{
    struct moon_seal seal = moon_chain_seal(1, "b\xc3\xbc"
                                               "cher.example");
    char *record = moon_sign_record(moon_chain_rsa, 0);
    (void)state; /* cmocka's, not used */
    moon_chain_add(seal);
    moon_chain_zone(moon_case_txt(moon_chain_arena, "k._domainkey.xn--bcher-kva.example", record));
    free(record);
    struct moon_arc arc = moon_chain_passes(0);
    assert_string_equal(arc.sets[0].domain, "xn--bcher-kva.example");
}

static void counts_the_fields_of_each_kind(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_chain_put_field("ARC-Seal: i=1; a=rsa-sha256; cv=none; d=a.example; s=k; b=AAAA");
    for (int i = 0; i < 2; i++)
        moon_chain_put_field("ARC-Message-Signature: i=1; a=rsa-sha256; d=b.example; s=k");
    for (int i = 0; i < 3; i++)
        moon_chain_put_field("ARC-Authentication-Results: i=1; mx.c.example; spf=pass");
    struct moon_arc arc = moon_chain_fails("ARC-Authentication-Results i=1: occurs twice");
    assert_int_equal(arc.seal_count, 1);
    assert_int_equal(arc.signature_count, 2);
    assert_int_equal(arc.results_count, 3);
}

/* RFC 8617 section 5.2, step 1: only without any field there is no chain. */
static void one_field_of_any_kind_is_a_chain_that_fails(void **state)
{
    static const struct {
        const char *field, *reason;
    } rows[] = {
        {"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=a.example; s=k; b=AAAA",
         "ARC-Authentication-Results i=1: is missing"},
        {"ARC-Message-Signature: i=1; a=rsa-sha256; d=b.example; s=k",
         "ARC-Authentication-Results i=1: is missing"},
        {"ARC-Authentication-Results: i=1; mx.c.example; spf=pass",
         "ARC-Message-Signature i=1: is missing"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(moon_chain_end(NULL) + moon_chain_begin(NULL), 0); /* anew */
        moon_chain_put_field(rows[i].field);
        struct moon_arc arc = moon_chain_fails(rows[i].reason);
        assert_int_equal(arc.set_count, 1);
    }
}

static void a_broken_chain_still_shows_what_is_there(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_chain_put_field("ARC-Seal: i=2; a=rsa-sha256; cv=pass; d=a.example; s=k; b=AAAA");
    moon_chain_put_field("ARC-Message-Signature: i=3; a=rsa-sha256; d=b.example; s=k; l=7");
    moon_chain_put_field("ARC-Authentication-Results: i=5; mx.c.example; spf=pass");
    struct moon_arc arc = moon_chain_fails("ARC set i=1: is missing");
    assert_int_equal(arc.instances, 5);
    assert_int_equal(arc.set_count, 3);
    assert_int_equal(arc.sets[0].instance, 2);
    assert_string_equal(arc.sets[0].domain, "a.example");
    assert_int_equal(arc.sets[0].bits, 0);
    assert_string_equal(arc.sets[0].seal_reason, "");
    assert_string_equal(arc.sets[0].signature.reason, "");
    assert_int_equal(arc.sets[0].signature.body, MOON_ARC_BODY_UNKNOWN);
    assert_false(arc.sets[0].signature.covers_from);
    assert_int_equal(arc.sets[0].signature.bits, 0);
    assert_int_equal(arc.sets[1].bits, 0);
    assert_int_equal(arc.sets[1].signature.body, MOON_ARC_BODY_UNKNOWN);
    assert_int_equal(arc.sets[1].signature.bits, 0);
    assert_string_equal(arc.sets[1].seal_reason, "");
    assert_string_equal(arc.sets[1].signature.reason, "the signature has no b=");
    assert_int_equal(arc.sets[0].signature.body_length, -1);
    assert_int_equal(arc.sets[0].signature.signed_at_s, -1);
    assert_int_equal(arc.sets[0].signature.expires_s, -1);
    assert_int_equal(arc.sets[1].instance, 3);
    assert_null(arc.sets[1].domain);
    assert_int_equal(arc.sets[1].signed_at_s, -1);
    assert_string_equal(arc.sets[1].signature.domain, "b.example");
    assert_int_equal(arc.sets[1].signature.body_length, 7);
    assert_int_equal(arc.sets[2].instance, 5);
    assert_string_equal(arc.sets[2].authserv_id, "mx.c.example");
    assert_int_equal(arc.sets[2].result_count, 1);
}

/* RFC 8617 section 5.2, step 4 */
static void the_newest_signature_must_verify(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_chain_grow(2);
    moon_chain_change("Hello Bob", "Hello Eve");
    struct moon_arc arc = moon_chain_fails("ARC-Message-Signature i=2: body hash did not verify");
    assert_int_equal(arc.failed_instance, 2);
    assert_string_equal(arc.failed_part, "signature");
    assert_int_equal(arc.body_changed_after, 2);
    assert_int_equal(arc.sets[1].seal_result, MOON_RESULT_NONE);
    assert_false(arc.temperror);
}

static void a_signed_field_must_not_change(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_chain_grow(1);
    moon_chain_change("Subject: hello", "Subject: goodbye");
    struct moon_arc arc = moon_chain_fails("ARC-Message-Signature i=1: signature did not verify");
    assert_int_equal(arc.body_changed_after, 0);
    assert_int_equal(arc.sets[0].signature.body, MOON_ARC_BODY_INTACT);
}

/* RFC 8617 section 5.2, step 5 */
static void tells_the_oldest_pass_and_who_changed_the_body(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_chain_grow(2);
    moon_chain_append("a footer\r\n");
    moon_chain_add(moon_chain_seal(3, "c.example"));
    moon_chain_add(moon_chain_seal(4, "d.example"));
    struct moon_arc arc = moon_chain_passes(3);
    assert_int_equal(arc.body_changed_after, 2);
    assert_int_equal(arc.sets[0].signature.body, MOON_ARC_BODY_CHANGED);
    assert_int_equal(arc.sets[0].signature.result, MOON_RESULT_NONE);
    assert_int_equal(arc.sets[1].signature.result, MOON_RESULT_FAIL);
    assert_int_equal(arc.sets[2].signature.body, MOON_ARC_BODY_INTACT);
}

static void a_changed_field_ends_the_oldest_pass_without_blame_for_the_body(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_chain_grow(1);
    moon_chain_change("Subject: hello", "Subject: [list] hello");
    moon_chain_add(moon_chain_seal(2, "b.example"));
    struct moon_arc arc = moon_chain_passes(2);
    assert_int_equal(arc.body_changed_after, 0);
}

/* RFC 8617 section 5.1.1; section 5.2, step 6 */
static void every_seal_must_verify(void **state)
{
    static const struct {
        const char *from, *to, *reason;
    } rows[] = {
        {"i=1; mx.a.example; none", "i=1; mx.a.example; spf=pass",
         "ARC-Seal i=3: signature did not verify"},
        {"i=3; mx.c.example; none", "i=3; mx.c.example; spf=pass",
         "ARC-Seal i=3: signature did not verify"},
        {"i=1; a=rsa-sha256; cv=none;", "i=1; a=rsa-sha256; y=1; cv=none;",
         "ARC-Seal i=3: signature did not verify"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(moon_chain_end(NULL) + moon_chain_begin(NULL), 0); /* anew */
        moon_chain_grow(3);
        moon_chain_change(rows[i].from, rows[i].to);
        struct moon_arc arc = moon_chain_fails(rows[i].reason);
        assert_string_equal(arc.failed_part, "seal");
        assert_int_equal(arc.failed_instance, 3);
    }
}

static void a_wrong_seal_in_the_middle_fails_the_chain(void **state)
{
    struct moon_seal seal = moon_chain_seal(2, "b.example");
    (void)state; /* cmocka's, not used */
    moon_chain_grow(1);
    seal.covered = "from:to"; /* by a valid signature, over the wrong things */
    moon_chain_add(seal);
    moon_chain_add(moon_chain_seal(3, "c.example"));
    struct moon_arc arc = moon_chain_fails("ARC-Seal i=2: signature did not verify");
    assert_int_equal(arc.sets[2].seal_result, MOON_RESULT_PASS);
    assert_int_equal(arc.sets[1].seal_result, MOON_RESULT_FAIL);
    assert_int_equal(arc.sets[0].seal_result, MOON_RESULT_NONE);
}

/* RFC 8617 section 5.2.1 */
static void a_missing_answer_fails_the_chain_and_is_marked(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_chain_grow(2);
    moon_chain_trouble("a.example", "SERVFAIL");
    struct moon_arc arc = moon_chain_fails("ARC-Seal i=1: the key cannot be read now: SERVFAIL");
    assert_true(arc.temperror);
    moon_chain_trouble("b.example", "TIMEOUT");
    arc = moon_chain_fails("ARC-Message-Signature i=2: the key cannot be read now: timeout");
    assert_true(arc.temperror);
}

static void a_missing_key_fails_for_good(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_chain_grow(2);
    moon_chain_trouble("a.example", "A 192.0.2.1");
    struct moon_arc arc = moon_chain_fails("ARC-Seal i=1: no key at the selector");
    assert_false(arc.temperror);
}

/* RFC 6376 section 3.5, x= */
static void an_expired_signature_fails_only_where_it_must_verify(void **state)
{
    struct moon_seal seal = moon_chain_seal(1, "a.example");
    (void)state; /* cmocka's, not used */
    seal.signature_extra = "x=1600000000; ";
    moon_chain_add(seal);
    (void)moon_chain_fails("ARC-Message-Signature i=1: the signature has expired");
    moon_chain_add(moon_chain_seal(2, "b.example"));
    struct moon_arc arc = moon_chain_passes(2);
    assert_int_equal(arc.sets[0].signature.body, MOON_ARC_BODY_UNKNOWN);
    assert_int_equal(arc.sets[1].signature.body, MOON_ARC_BODY_INTACT);
}

static void times_of_the_future_fail(void **state)
{
    struct moon_seal seal = moon_chain_seal(1, "a.example");
    (void)state;                       /* cmocka's, not used */
    seal.seal_extra = "t=1700000299;"; /* within the drift */
    moon_chain_add(seal);
    (void)moon_chain_passes(0);
    seal = moon_chain_seal(2, "a.example");
    seal.seal_extra = "t=1700000301;";
    moon_chain_add(seal);
    (void)moon_chain_fails("ARC-Seal i=2: t= is in the future");
}

/* RFC 6376 section 3.4.5 in ARC-Message-Signature */
static void length_limits_the_signed_body(void **state)
{
    struct moon_seal seal = moon_chain_seal(1, "a.example");
    (void)state;          /* cmocka's, not used */
    seal.length = 1 + 12; /* all of it */
    moon_chain_add(seal);
    struct moon_arc arc = moon_chain_passes(0);
    assert_int_equal(arc.sets[0].signature.body, MOON_ARC_BODY_INTACT);
    moon_chain_append("more\r\n");
    arc = moon_chain_passes(0);
    assert_int_equal(arc.sets[0].signature.body_length, 12);
    moon_chain_change("l=12;", "l=500;");
    arc = moon_chain_fails("ARC-Message-Signature i=1: l= is larger than the body");
    assert_int_equal(arc.sets[0].signature.body, MOON_ARC_BODY_CHANGED);
}

static void canonicalizations_are_those_of_dkim(void **state)
{
    static const char *const canons[] = {"simple/simple",   "simple/relaxed", "relaxed/simple",
                                         "relaxed/relaxed", "relaxed",        "simple"};
    (void)state; /* cmocka's, not used */
    for (unsigned i = 0; i < sizeof canons / sizeof *canons; i++) {
        struct moon_seal seal = moon_chain_seal(i + 1, "a.example");
        seal.canon = canons[i];
        moon_chain_add(seal);
    }
    (void)moon_chain_passes(0);
}

/* So that a long chain leaves the questions of the message to SPF, DKIM and DMARC. */
static void few_keys_are_asked_for_before_the_others_had_their_turn(void **state)
{
    static const struct {
        unsigned sets, want;
    } rows[] = {{1, 1}, {5, 5}, {MOON_ARC_EARLY_KEYS_MAX + 3, MOON_ARC_EARLY_KEYS_MAX}};
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct moon_dns_backend *backend = NULL;
        struct moon_error error;
        struct moon_arc_check *check;
        assert_int_equal(moon_chain_end(NULL) + moon_chain_begin(NULL), 0); /* anew */
        moon_chain_grow(rows[i].sets);
        const char *text = moon_chain_text();
        struct moon_message *msg = moon_case_message(moon_chain_arena, text, strlen(text));
        assert_int_equal(moon_dns_backend_zone(MOON_SPAN(""), "zone", &backend, &error), MOON_OK);
        struct moon_dns *dns = moon_dns_begin(moon_chain_arena, backend, 1000, 0);
        assert_int_equal(moon_arc_begin(moon_chain_arena, dns, msg,
                                        moon_sig_bodies_of(moon_chain_arena, &msg->body), &check),
                         MOON_OK);
        assert_int_equal(moon_dns_stats(dns).questions, rows[i].want);
        moon_dns_end(&dns);
        moon_dns_backend_destroy(&backend);
    }
}

static void a_body_that_cannot_be_read_is_no_result(void **state)
{
    struct moon_dns_backend *backend = NULL;
    struct moon_error error;
    struct moon_arc_check *check;
    struct moon_arc arc;
    (void)state; /* cmocka's, not used */
    moon_chain_grow(1);
    const char *text = moon_chain_text();
    struct moon_message *msg = moon_case_message(moon_chain_arena, text, strlen(text));
    msg->body = (struct moon_body){.fd = 9999, .size_bytes = 10};
    assert_int_equal(moon_dns_backend_zone(MOON_SPAN(""), "zone", &backend, &error), MOON_OK);
    struct moon_dns *dns = moon_dns_begin(moon_chain_arena, backend, 1000, 0);
    assert_int_equal(moon_arc_begin(moon_chain_arena, dns, msg,
                                    moon_sig_bodies_of(moon_chain_arena, &msg->body), &check),
                     MOON_OK);
    assert_int_equal(moon_arc_finish(check, &arc), MOON_EIO);
    moon_dns_end(&dns);
    moon_dns_backend_destroy(&backend);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, moon_chain_begin, moon_chain_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(without_fields_the_result_is_none),
        CASE(a_chain_of_one_set_passes_with_its_facts),
        CASE(longer_chains_pass_up_to_fifty_sets),
        CASE(more_than_fifty_sets_fail),
        CASE(ed25519_seals_verify_beside_rsa),
        CASE(u_labels_name_the_same_sealer),
        CASE(counts_the_fields_of_each_kind),
        CASE(one_field_of_any_kind_is_a_chain_that_fails),
        CASE(a_broken_chain_still_shows_what_is_there),
        CASE(the_newest_signature_must_verify),
        CASE(a_signed_field_must_not_change),
        CASE(tells_the_oldest_pass_and_who_changed_the_body),
        CASE(a_changed_field_ends_the_oldest_pass_without_blame_for_the_body),
        CASE(every_seal_must_verify),
        CASE(a_wrong_seal_in_the_middle_fails_the_chain),
        CASE(a_missing_answer_fails_the_chain_and_is_marked),
        CASE(a_missing_key_fails_for_good),
        CASE(an_expired_signature_fails_only_where_it_must_verify),
        CASE(times_of_the_future_fail),
        CASE(length_limits_the_signed_body),
        CASE(canonicalizations_are_those_of_dkim),
        CASE(few_keys_are_asked_for_before_the_others_had_their_turn),
        CASE(a_body_that_cannot_be_read_is_no_result),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, moon_chain_keys, moon_chain_keys_end);
}
