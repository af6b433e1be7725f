/* SPDX-License-Identifier: MIT
 *
 * Tests of the gate in engine/auth/dkim.c with whole messages: what is refused before libopendkim
 * sees it, with which word, and the limits of a message. Fields and keys one by one are tested in
 * test_sig.c and test_sig_key.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/dkim.h"
#include "engine/base/limits.h"
#include "tests/support/dkim_case.h"
#include "engine/trial/sign.h"

static struct moon_arena *arena;
static EVP_PKEY *rsa, *ed;
static char *zone;

static const char plain[] = "From: a@example.com\nTo: b@example.net\nSubject: s\n\nbody\n";

static int set_up(void **state)
{
    struct moon_str str;
    (void)state;
    arena = moon_arena_create(512u << 20);
    char *r = moon_sign_public(rsa, 0), *e = moon_sign_public(ed, 0);
    moon_str_begin(&str, arena);
    const struct {
        const char *selector, *format, *p;
    } keys[] = {
        {"rsa", "v=DKIM1; p=%s", r},
        {"ed", "v=DKIM1; k=ed25519; p=%s", e},
        {"ed-as-rsa", "v=DKIM1; k=rsa; p=%s", e},
        {"ed-no-k", "v=DKIM1; p=%s", e},
        {"rsa-as-ed", "v=DKIM1; k=ed25519; p=%s", r},
        {"strict", "v=DKIM1; t=s; p=%s", r},
        {"testing", "v=DKIM1; t=y; p=%s", r},
        {"sha1", "v=DKIM1; h=sha1; p=%s", r},
        {"revoked", "v=DKIM1; p=%.0s", r},
        {"notes", "v=DKIM1; n=gr\xc3\xbc\xc3\x9f; s=email; h=sha256; p=%s", r},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char *name = moon_arena_printf(arena, "%s._domainkey.example.com", keys[i].selector);
        char *record = moon_arena_printf(arena, keys[i].format, keys[i].p);
        moon_str_add(&str, moon_case_txt(arena, name, record));
    }
    moon_str_add(&str, "slow._domainkey.example.com. TIMEOUT\n"
                       "broken._domainkey.example.com. SERVFAIL\n"
                       "nodata._domainkey.example.com. A 192.0.2.1\n");
    zone = moon_str_end(&str);
    free(r);
    free(e);
    return zone ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    moon_arena_destroy(&arena);
    return 0;
}

static char *sign_text(const struct moon_sign *sign, EVP_PKEY *key, const char *text)
{
    size_t size = 0;
    char *out = moon_sign_message(sign, key, text, strlen(text), &size);
    assert_non_null(out);
    char *copy = moon_arena_dup(arena, (struct moon_span){out, size});
    free(out);
    return copy;
}

static struct moon_dkim judge(const char *text)
{
    return moon_case_dkim(arena, zone, text, strlen(text));
}

static void expect(const char *what, const struct moon_dkim_sig *sig, enum moon_result want,
                   const char *reason)
{
    if (sig->result != want || !strstr(sig->reason, reason))
        fail_msg("%s: got %s (%s), want %s (%s)", what, moon_result_name(sig->result), sig->reason,
                 moon_result_name(want), reason);
}

/* Each is rightly signed with the key named; only the gate stands between it and a pass. */
static void refuses_what_libopendkim_would_take(void **state)
{
    const struct {
        const char *selector, *algorithm, *extra;
        EVP_PKEY *key;
        enum moon_result want;
        const char *reason;
    } table[] = {
        {"rsa", NULL, NULL, rsa, MOON_RESULT_PASS, ""},
        {"notes", NULL, NULL, rsa, MOON_RESULT_PASS, ""},
        {"rsa", "rsa-sha1", NULL, rsa, MOON_RESULT_POLICY, "RFC 8301"},
        {"rsa", NULL, "q=other/method;", rsa, MOON_RESULT_NEUTRAL, "q="},
        {"rsa", NULL, "d=example.com;", rsa, MOON_RESULT_NEUTRAL, "twice"},
        {"rsa", NULL, "D=evil.example;", rsa, MOON_RESULT_PASS, ""}, /* another, unknown tag */
        {"rsa", NULL, "l=9223372036854775808;", rsa, MOON_RESULT_NEUTRAL, "l="},
        {"rsa", NULL, "l=18446744073709551615;", rsa, MOON_RESULT_NEUTRAL, "l="},
        {"rsa", NULL, "l=7;", rsa, MOON_RESULT_PERMERROR, "larger than the body"},
        {"rsa", NULL, "x=1700000100;", rsa, MOON_RESULT_PASS, ""}, /* by the time of reception */
        {"rsa", NULL, "x=1;", rsa, MOON_RESULT_PERMERROR, "expired"},
        {"rsa", NULL, "t=1700000301;", rsa, MOON_RESULT_PERMERROR, "future"},
        {"rsa", NULL, "t=299;", rsa, MOON_RESULT_PASS, ""}, /* by the core, as some below */
        {"rsa", NULL, "t=300;", rsa, MOON_RESULT_PASS, ""},
        {"rsa", NULL, "i=a@b@example.com;", rsa, MOON_RESULT_NEUTRAL, "no identity"},
        {"rsa", NULL, "i=\"a@b\"@example.com;", rsa, MOON_RESULT_PASS, ""},
        {"rsa", NULL, "i=a@example.com@evil.example;", rsa, MOON_RESULT_NEUTRAL, "no identity"},
        {"rsa", NULL, "i=\"a@example.com\"@evil.example;", rsa, MOON_RESULT_PERMERROR, "within"},
        {"rsa", NULL, "i=a@evilexample.com;", rsa, MOON_RESULT_PERMERROR, "within"},
        {"rsa", NULL, "xb=1;", rsa, MOON_RESULT_PASS, ""},
        {"rsa", NULL, "n=gr\xc3\xbc\xc3\x9f;", rsa, MOON_RESULT_PASS, ""},
        {"ed", NULL, NULL, ed, MOON_RESULT_PASS, ""},
        {"ed-as-rsa", NULL, NULL, ed, MOON_RESULT_PERMERROR, "no RSA key"},
        {"ed-no-k", NULL, NULL, ed, MOON_RESULT_PERMERROR, "no RSA key"},
        {"rsa-as-ed", NULL, NULL, rsa, MOON_RESULT_PERMERROR, "no Ed25519 key"},
        {"rsa", "ed25519-sha256", NULL, rsa, MOON_RESULT_PERMERROR, "does not fit a="},
        {"ed", "rsa-sha256", NULL, ed, MOON_RESULT_PERMERROR, "does not fit a="},
        {"strict", NULL, NULL, rsa, MOON_RESULT_PASS, ""},
        {"strict", NULL, "i=a@example.com;", rsa, MOON_RESULT_PASS, ""},
        {"strict", NULL, "i=a@sub.example.com;", rsa, MOON_RESULT_PERMERROR, "t=s"},
        {"sha1", NULL, NULL, rsa, MOON_RESULT_PERMERROR, "h= of the key"},
        {"revoked", NULL, NULL, rsa, MOON_RESULT_PERMERROR, "revoked"},
        {"missing", NULL, NULL, rsa, MOON_RESULT_PERMERROR, "no key"},
        {"nodata", NULL, NULL, rsa, MOON_RESULT_PERMERROR, "no key"},
        {"slow", NULL, NULL, rsa, MOON_RESULT_TEMPERROR, "cannot be read now"},
        {"broken", NULL, NULL, rsa, MOON_RESULT_TEMPERROR, "cannot be read now"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_sign sign = moon_sign_default("example.com", table[i].selector);
        sign.algorithm = table[i].algorithm;
        sign.extra = table[i].extra;
        struct moon_dkim dkim = judge(sign_text(&sign, table[i].key, plain));
        assert_int_equal(dkim.count, 1);
        expect(moon_arena_printf(arena, "%s %s", table[i].selector,
                                 table[i].extra ? table[i].extra : ""),
               &dkim.sigs[0], table[i].want, table[i].reason);
        assert_int_equal(dkim.result, table[i].want);
    }
}

static void marks_keys_that_are_being_tested(void **state)
{
    struct moon_sign sign = moon_sign_default("example.com", "testing");
    (void)state;
    struct moon_dkim dkim = judge(sign_text(&sign, rsa, plain));
    expect("testing", &dkim.sigs[0], MOON_RESULT_PASS, "");
    assert_true(dkim.sigs[0].testing);
}

static void refuses_small_and_large_keys(void **state)
{
    static const struct {
        unsigned bits;
        enum moon_result want;
    } table[] = {{512, MOON_RESULT_POLICY},
                 {768, MOON_RESULT_POLICY},
                 {1016, MOON_RESULT_POLICY},
                 {1023, MOON_RESULT_POLICY},
                 {1024, MOON_RESULT_PASS}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_sign sign = moon_sign_default("example.com", "small");
        EVP_PKEY *key = moon_sign_key_rsa(table[i].bits);
        assert_non_null(key);
        char *record = moon_sign_record(key, 0), *text = sign_text(&sign, key, plain);
        char *keys = moon_case_txt(arena, "small._domainkey.example.com", record);
        struct moon_dkim dkim = moon_case_dkim(arena, keys, text, strlen(text));
        expect(moon_arena_printf(arena, "%u bits", table[i].bits), &dkim.sigs[0], table[i].want,
               table[i].want == MOON_RESULT_PASS ? "" : "1024 bits");
        assert_int_equal(dkim.sigs[0].bits, table[i].bits);
        free(record);
        EVP_PKEY_free(key);
    }
}

static void judges_the_topmost_twenty_and_counts_the_rest(void **state)
{
    struct moon_sign sign = moon_sign_default("example.com", "ed");
    char *text = moon_arena_cstr(arena, plain);
    (void)state;
    for (size_t i = 0; i < MOON_SIG_MAX + 3; i++) {
        sign.extra = i == 5 ? "xb=1;" : NULL; /* the core's */
        text = sign_text(&sign, ed, text);
    }
    struct moon_dkim dkim = judge(text);
    assert_int_equal(dkim.found, MOON_SIG_MAX + 3);
    assert_int_equal(dkim.count, MOON_SIG_MAX);
    for (size_t i = 0; i < dkim.count; i++) {
        expect("one of many", &dkim.sigs[i], MOON_RESULT_PASS, "");
        assert_int_equal(dkim.sigs[i].field_index, i);
    }
}

static void hashes_at_most_four_bodies(void **state)
{
    char *text = moon_arena_cstr(arena, plain);
    (void)state;
    for (int64_t i = 0; i < 6; i++) {
        struct moon_sign sign = moon_sign_default("example.com", "ed");
        sign.length = i / 2 * 2; /* pairs share a body */
        sign.canon = i % 2 ? "simple/relaxed" : "simple/simple";
        text = sign_text(&sign, ed, text);
    }
    struct moon_dkim dkim = judge(text);
    assert_int_equal(dkim.count, 6);
    for (size_t i = 0; i < 6; i++)
        expect("body", &dkim.sigs[i], i < 4 ? MOON_RESULT_PASS : MOON_RESULT_POLICY,
               i < 4 ? "" : "body hashes");
    assert_int_equal(dkim.sigs[3].unsigned_bytes, 4);
}

static void survives_many_fields_and_long_lists_of_names(void **state)
{
    struct moon_str fields, names;
    (void)state;
    moon_str_begin(&fields, arena);
    moon_str_begin(&names, arena);
    moon_str_add(&names, "from");
    for (unsigned i = 0; i < 490; i++)
        moon_str_addf(&names, ":a%u", i % 7);
    moon_str_add(&fields, "From: a@example.com\n");
    for (unsigned i = 0; i < 1500; i++)
        moon_str_addf(&fields, "a%u:x\n", i % 11);
    moon_str_add(&fields, "\nbody\n");
    char *text = moon_str_end(&fields), *list = moon_str_end(&names);
    for (size_t i = 0; i < 5; i++) {
        struct moon_sign sign = moon_sign_default("example.com", "ed");
        sign.headers = list;
        sign.canon = "relaxed";
        text = sign_text(&sign, ed, text);
    }
    struct moon_dkim dkim = judge(text);
    for (size_t i = 0; i < 5; i++)
        expect("long list", &dkim.sigs[i], MOON_RESULT_PASS, "");
}

/* Signing other signatures: what libopendkim counts wrong is the core's. */
static void takes_covered_signatures_wherever_they_are(void **state)
{
    static const struct {
        const char *headers, *below, *extra;
        enum moon_result want;
    } table[] = {
        {"from:dkim-signature", "ed", NULL, MOON_RESULT_PASS},
        {"from:dkim-signature", "ed", "xb=1;", MOON_RESULT_PASS}, /* itself the core's */
        {"from:dkim-signature", "lost", NULL, MOON_RESULT_PASS},
        {"from:dkim-signature:dkim-signature", "ed", NULL, MOON_RESULT_PASS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_sign below = moon_sign_default("example.com", table[i].below);
        below.extra = table[i].extra;
        struct moon_sign sign = moon_sign_default("example.com", "ed");
        sign.headers = table[i].headers;
        char *text = sign_text(&sign, ed, sign_text(&below, ed, plain));
        struct moon_dkim dkim = judge(text);
        expect(table[i].headers, &dkim.sigs[0], table[i].want, "");
    }
}

/* libopendkim takes VT and FF in fields for blanks: the core decides. Its way with a CR in the
 * body, which it would pass over, does not matter: it sees none. */
static void reads_control_characters_as_they_are(void **state)
{
    static const struct {
        const char *text, *canon;
        enum moon_result want;
    } table[] = {
        {"From: a@example.com\n\nbo\rdy\n", "relaxed/relaxed", MOON_RESULT_PASS},
        {"From: a@example.com\n\nbody\r\r\n", "simple/simple", MOON_RESULT_PASS},
        {"From: a@example.com\n\nbo\vdy\f\n", "relaxed/relaxed", MOON_RESULT_PASS},
        {"From: a@example.com\n\nbo\r\vdy\n", "relaxed/relaxed", MOON_RESULT_PASS},
        {"From: a@example.com\n\nbo\r\tdy\n", "relaxed/relaxed", MOON_RESULT_PASS},
        {"From: a\f@example.com\n\nbody\n", "relaxed/relaxed", MOON_RESULT_PASS},
        {"From: a\v@example.com\n\nbody\n", "relaxed/relaxed", MOON_RESULT_PASS},
        {"From: a\v\f@example.com\n\nbody\n", "relaxed/relaxed", MOON_RESULT_PASS},
        {"From: a\v\f@example.com\n\nbody\n", "simple/simple", MOON_RESULT_PASS},
        {"From: a\rb@example.com\n\nbody\n", "relaxed/relaxed", MOON_RESULT_PASS},
        {"From\t: a@example.com\n\nbody\n", "simple/simple", MOON_RESULT_PASS},
        {"From : a@example.com\n\nbody\n", "simple/simple", MOON_RESULT_PASS},
        {"From: a@example.com\nX-Unsigned: \v\n\nbody\n", "relaxed", MOON_RESULT_PASS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_sign sign = moon_sign_default("example.com", "ed");
        sign.canon = table[i].canon;
        struct moon_dkim dkim = judge(sign_text(&sign, ed, table[i].text));
        expect(moon_arena_printf(arena, "row %zu", i), &dkim.sigs[0], table[i].want, "");
    }
}

static void takes_no_cr_that_was_added_to_a_signed_body(void **state)
{
    static const size_t before[] = {1, 100, 65535, 65536, 65537, 131071};
    (void)state;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        struct moon_sign sign = moon_sign_default("example.com", "ed");
        struct moon_str str;
        sign.canon = "relaxed/relaxed";
        moon_str_begin(&str, arena);
        moon_str_add(&str, "From: a@example.com\n\n");
        for (size_t k = 0; k < 140000; k++)
            moon_str_add_char(&str, k % 64 == 63 ? '\n' : 'x');
        char *text = sign_text(&sign, ed, moon_str_end(&str));
        struct moon_dkim good = judge(text);
        expect("as signed", &good.sigs[0], MOON_RESULT_PASS, "");
        size_t at = (size_t)(strstr(text, "\r\n\r\n") - text) + 4 + before[i];
        char *with = moon_arena_printf(arena, "%.*s\r%s", (int)at, text, text + at);
        struct moon_dkim bad = judge(with);
        expect("with a CR", &bad.sigs[0], MOON_RESULT_FAIL, "body");
    }
}

static void speaks_for_the_message_with_the_best_result(void **state)
{
    static const struct {
        const char *first, *second;
        enum moon_result want;
    } table[] = {{"ed", "lost", MOON_RESULT_PASS},
                 {"lost", "ed", MOON_RESULT_PASS},
                 {"lost", "slow", MOON_RESULT_TEMPERROR},
                 {"slow", "lost", MOON_RESULT_TEMPERROR}};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct moon_sign first = moon_sign_default("example.com", table[i].first);
        struct moon_sign second = moon_sign_default("example.com", table[i].second);
        struct moon_dkim dkim = judge(sign_text(&second, ed, sign_text(&first, ed, plain)));
        assert_int_equal(dkim.result, table[i].want);
    }
}

/* One that is refused already is worth no question: neither its key nor its domain's. */
static void asks_early_for_what_is_not_refused(void **state)
{
    struct moon_sign top = moon_sign_default("example.com", "ed"), refused = top, last = top;
    struct moon_dns_backend *backend;
    struct moon_error error;
    struct moon_dkim_check *check;
    struct moon_dkim dkim;
    (void)state;
    refused.selector = "strict";
    refused.extra = "x=1;"; /* expired; its d= is right */
    last.selector = "ed-no-k";
    char *text = sign_text(&top, ed, sign_text(&refused, ed, sign_text(&last, ed, plain)));
    struct moon_message *msg = moon_case_message(arena, text, strlen(text));
    assert_int_equal(moon_dns_backend_zone(moon_span_of(zone), "zone", &backend, &error), MOON_OK);
    struct moon_dns *dns = moon_dns_begin(arena, backend, 1000, 0);
    assert_int_equal(
        moon_dkim_begin(arena, dns, msg, moon_sig_bodies_of(arena, &msg->body), &check), MOON_OK);
    assert_string_equal(moon_dkim_candidate(check, 0), "example.com");
    assert_null(moon_dkim_candidate(check, 1));
    assert_string_equal(moon_dkim_candidate(check, 2), "example.com");
    assert_null(moon_dkim_candidate(check, 3));
    assert_int_equal(moon_dns_stats(dns).questions, 2);
    assert_int_equal(moon_dkim_finish(check, &dkim), MOON_OK);
    assert_int_equal(moon_dns_stats(dns).questions, 2); /* both keys were there */
    moon_dns_end(&dns);
    moon_dns_backend_destroy(&backend);
}

/* Either the whole result or MOON_ENOMEM, never a wrong one. */
static void reports_exhausted_memory_wherever_it_happens(void **state)
{
    struct moon_sign sign = moon_sign_default("example.com", "ed");
    struct moon_dns_backend *backend;
    struct moon_error error;
    bool done = false;
    size_t n = 1;
    (void)state;
    sign.length = 2;
    char *text = sign_text(&sign, ed, plain);
    sign.extra = "xb=1;"; /* this one is the core's */
    text = sign_text(&sign, ed, text);
    assert_int_equal(moon_dns_backend_zone(moon_span_of(zone), "zone", &backend, &error), MOON_OK);
    for (; n < 300 && !done; n++) {
        struct moon_arena *small = moon_arena_create(16u << 20);
        struct moon_arena *apart = moon_arena_create(16u << 20); /* DNS has tests of its own */
        struct moon_message *msg = moon_case_message(small, text, strlen(text));
        struct moon_dns *dns = moon_dns_begin(apart, backend, 1000, 0);
        struct moon_dkim_check *check;
        struct moon_dkim dkim = {.count = 0};
        assert_true(msg && dns);
        moon_arena_fail_at(small, n);
        struct moon_sig_bodies *bodies = moon_sig_bodies_of(small, &msg->body);
        enum moon_status status =
            bodies ? moon_dkim_begin(small, dns, msg, bodies, &check) : MOON_ENOMEM;
        if (status == MOON_OK)
            status = moon_dkim_finish(check, &dkim);
        assert_int_equal(status, moon_arena_failed(small) ? MOON_ENOMEM : MOON_OK);
        done = status == MOON_OK;
        if (done)
            assert_int_equal(dkim.result, MOON_RESULT_PASS);
        moon_dns_end(&dns);
        moon_arena_destroy(&apart);
        moon_arena_destroy(&small);
    }
    moon_dns_backend_destroy(&backend);
    assert_true(done && n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_libopendkim_would_take),
        cmocka_unit_test(marks_keys_that_are_being_tested),
        cmocka_unit_test(refuses_small_and_large_keys),
        cmocka_unit_test(judges_the_topmost_twenty_and_counts_the_rest),
        cmocka_unit_test(hashes_at_most_four_bodies),
        cmocka_unit_test(survives_many_fields_and_long_lists_of_names),
        cmocka_unit_test(takes_covered_signatures_wherever_they_are),
        cmocka_unit_test(reads_control_characters_as_they_are),
        cmocka_unit_test(takes_no_cr_that_was_added_to_a_signed_body),
        cmocka_unit_test(speaks_for_the_message_with_the_best_result),
        cmocka_unit_test(asks_early_for_what_is_not_refused),
        cmocka_unit_test(reports_exhausted_memory_wherever_it_happens),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    rsa = moon_sign_key_load("tests/support/keys/rsa2048.pem");
    ed = moon_sign_key_load("tests/support/keys/ed25519.pem");
    if (!rsa || !ed)
        return 1;
    int rc = cmocka_run_group_tests(tests, set_up, tear_down);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ed);
    return rc;
}
