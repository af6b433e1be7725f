/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/dkim.c with dkim_odk.c: messages signed by engine/trial/sign.c as
 * RFC 6376 section 3.7 says. Every message is judged a second time by the signature core; both must
 * agree, and so must libopendkim with a key by OpenSSL's decoder. (What libopendkim misreads is the
 * core's in production as well: dkim.c, step 2.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509.h>

#include "engine/auth/dkim.h"
#include "tests/support/dkim_case.h"
#include "engine/trial/sign.h"

/* engine/auth/sig_pkey.c answers libopendkim's call under this name; see there. */
EVP_PKEY *__wrap_d2i_PUBKEY_bio(BIO *bio, EVP_PKEY **pkey);
static bool decode_keys; /* by OpenSSL's decoder, as without that */
EVP_PKEY *d2i_PUBKEY_bio(BIO *bio, EVP_PKEY **pkey)
{
    return decode_keys ? ASN1_d2i_bio_of(EVP_PKEY, EVP_PKEY_new, d2i_PUBKEY, bio, pkey)
                       : __wrap_d2i_PUBKEY_bio(bio, pkey);
}

static EVP_PKEY *rsa2048, *rsa1024, *ed25519;
static struct moon_arena *arena;
static char *zone; /* keys r2, r1, ed of example.com */

static const char plain[] = "Received: from client.example.com (client.example.com [192.0.2.1])\r\n"
                            "\tby mx.example.com; Tue, 14 Nov 2023 22:00:00 +0000\r\n"
                            "From: Ann  <ann@example.com>\r\n"
                            "To: bob@example.net\r\n"
                            "Subject: \t a subject\r\n"
                            " that is folded \r\n"
                            "Date: Tue, 14 Nov 2023 22:00:00 +0000\r\n"
                            "Message-ID: <1@example.com>\r\n"
                            "\r\n"
                            "Hello \t Bob,\r\n"
                            "\r\n"
                            "  this is \t\r\n"
                            ".a mail.\r\n"
                            "\r\n"
                            "\r\n";

static int set_up(void **state)
{
    (void)state; /* all is in the statics above */
    arena = moon_arena_create(256u << 20);
    char *r2 = moon_sign_record(rsa2048, 0), *r1 = moon_sign_record(rsa1024, 0);
    char *ed = moon_sign_record(ed25519, 0);
    zone = moon_arena_printf(arena, "%s%s%s", moon_case_txt(arena, "r2._domainkey.example.com", r2),
                             moon_case_txt(arena, "r1._domainkey.example.com", r1),
                             moon_case_txt(arena, "ed._domainkey.example.com", ed));
    free(r2);
    free(r1);
    free(ed);
    return zone ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    moon_arena_destroy(&arena);
    return 0;
}

/* The result of the message, after comparing every signature with the core's opinion, and with
 * libopendkim's when OpenSSL decodes its keys. */
static struct moon_dkim judge(const char *in_zone, const char *text, size_t size)
{
    struct moon_dkim dkim = moon_case_dkim(arena, in_zone, text, size);
    decode_keys = true;
    struct moon_dkim decoded = moon_case_dkim(arena, in_zone, text, size);
    decode_keys = false;
    moon_case_same_dkim(&dkim, &decoded);
    for (size_t i = 0; i < dkim.count; i++) {
        const char *reason;
        enum moon_result core =
            moon_case_core(arena, in_zone, text, size, dkim.sigs[i].field_index, 1000, &reason);
        if (dkim.sigs[i].result == MOON_RESULT_POLICY && strstr(dkim.sigs[i].reason, "different"))
            continue; /* a limit of the message, not of one signature */
        bool both_fail = core == MOON_RESULT_FAIL && dkim.sigs[i].result == core;
        /* body and header wrong: each names the one it looked at first */
        if (!both_fail && (core != dkim.sigs[i].result || strcmp(reason, dkim.sigs[i].reason) != 0))
            fail_msg("signature %zu: libopendkim says %s (%s), the core %s (%s)", i,
                     moon_result_name(dkim.sigs[i].result), dkim.sigs[i].reason,
                     moon_result_name(core), reason);
    }
    return dkim;
}

static char *sign_text(const struct moon_sign *sign, EVP_PKEY *key, const char *text, size_t size,
                       size_t *size_r)
{
    char *out = moon_sign_message(sign, key, text, size, size_r);
    assert_non_null(out);
    char *copy = moon_arena_dup(arena, (struct moon_span){out, *size_r});
    free(out);
    assert_non_null(copy);
    return copy;
}

static struct moon_dkim sign_and_judge(const struct moon_sign *sign, EVP_PKEY *key)
{
    size_t size;
    char *text = sign_text(sign, key, plain, sizeof plain - 1, &size);
    return judge(zone, text, size);
}

static void expect(const struct moon_dkim *dkim, size_t i, enum moon_result want,
                   const char *reason)
{
    assert_true(i < dkim->count);
    if (dkim->sigs[i].result != want || !strstr(dkim->sigs[i].reason, reason))
        fail_msg("got %s (%s), want %s (%s)", moon_result_name(dkim->sigs[i].result),
                 dkim->sigs[i].reason, moon_result_name(want), reason);
}

static void says_none_without_a_signature(void **state)
{
    (void)state;
    struct moon_dkim dkim = judge(zone, plain, sizeof plain - 1);
    assert_int_equal(dkim.result, MOON_RESULT_NONE);
    assert_int_equal(dkim.found, 0);
}

static void passes_every_canonicalization_with_every_key(void **state)
{
    static const char *const canons[] = {NULL,
                                         "simple",
                                         "relaxed",
                                         "simple/simple",
                                         "relaxed/simple",
                                         "simple/relaxed",
                                         "relaxed/relaxed"};
    struct {
        EVP_PKEY *key;
        const char *selector, *algorithm;
        unsigned bits;
    } keys[] = {{rsa2048, "r2", "rsa-sha256", 2048},
                {rsa1024, "r1", "rsa-sha256", 1024},
                {ed25519, "ed", "ed25519-sha256", 256}};
    (void)state;
    for (size_t k = 0; k < 3; k++)
        for (size_t c = 0; c < sizeof canons / sizeof *canons; c++) {
            struct moon_sign sign = moon_sign_default("example.com", keys[k].selector);
            sign.canon = canons[c];
            struct moon_dkim dkim = sign_and_judge(&sign, keys[k].key);
            expect(&dkim, 0, MOON_RESULT_PASS, "");
            assert_int_equal(dkim.result, MOON_RESULT_PASS);
            assert_int_equal(dkim.sigs[0].bits, keys[k].bits);
            assert_string_equal(dkim.sigs[0].algorithm, keys[k].algorithm);
        }
}

static void reports_what_the_signature_says(void **state)
{
    struct moon_sign sign = moon_sign_default("Example.COM", "r2");
    (void)state;
    sign.canon = "relaxed";
    sign.identity = "ann=2Bx@Sub.example.com";
    sign.headers = "From : to\r\n\t:subject:from";
    sign.signed_at_s = MOON_CASE_NOW_S - 10;
    sign.expires_s = 4000000000;
    sign.length = 10;
    struct moon_dkim dkim = sign_and_judge(&sign, rsa2048);
    expect(&dkim, 0, MOON_RESULT_PASS, "");
    const struct moon_dkim_sig *sig = &dkim.sigs[0];
    assert_string_equal(sig->domain, "example.com");
    assert_string_equal(sig->selector, "r2");
    assert_string_equal(sig->identity, "ann+x@Sub.example.com");
    assert_string_equal(sig->canonicalization, "relaxed/simple");
    assert_int_equal(strlen(sig->signature_start), 8);
    assert_int_equal(sig->signed_at_s, MOON_CASE_NOW_S - 10);
    assert_int_equal(sig->expires_s, 4000000000);
    assert_int_equal(sig->body_length, 10);
    /* "Hello \t Bob,", "", "  this is \t", ".a mail.": 12+2 + 2 + 11+2 + 8+2 */
    assert_int_equal(sig->unsigned_bytes, 39 - 10);
    assert_int_equal(sig->header_count, 4);
    assert_string_equal(sig->headers[1], "to");
    assert_string_equal(sig->headers[3], "from");
}

/* Changes one byte of the signed message; which check must notice? */
static void tells_a_changed_body_from_a_changed_header(void **state)
{
    static const struct {
        const char *find;
        char with;
        const char *reason;
    } table[] = {{"a mail", 'b', "body hash did not verify"},
                 {"bob@example.net", 'r', "signature did not verify"},
                 {"ann@example.com", 'x', "signature did not verify"},
                 {NULL, 0, NULL}};
    (void)state;
    for (size_t i = 0; table[i].reason; i++) {
        struct moon_sign sign = moon_sign_default("example.com", "r2");
        size_t size;
        sign.canon = "simple/simple";
        char *text = sign_text(&sign, rsa2048, plain, sizeof plain - 1, &size);
        char *at = strstr(text, table[i].find);
        assert_non_null(at);
        *at = table[i].with;
        struct moon_dkim dkim = judge(zone, text, size);
        expect(&dkim, 0, MOON_RESULT_FAIL, table[i].reason);
    }
}

static void notices_a_field_added_above_only_when_oversigned(void **state)
{
    static const struct {
        const char *headers;
        enum moon_result want;
    } table[] = {{"from:to:subject", MOON_RESULT_PASS}, {"from:from:to:subject", MOON_RESULT_FAIL}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct moon_sign sign = moon_sign_default("example.com", "r2");
        size_t size;
        sign.headers = table[i].headers;
        char *text = sign_text(&sign, rsa2048, plain, sizeof plain - 1, &size);
        char *with = moon_arena_printf(arena, "From: eve@example.org\r\n%s", text);
        struct moon_dkim dkim = judge(zone, with, strlen(with));
        expect(&dkim, 0, table[i].want, "");
    }
}

static void keeps_each_signature_s_own_result(void **state)
{
    (void)state;
    struct moon_sign good = moon_sign_default("example.com", "r2");
    struct moon_sign lost = moon_sign_default("example.com", "none");
    struct moon_sign ed = moon_sign_default("example.com", "ed");
    struct moon_sign sha1 = moon_sign_default("example.com", "r2");
    size_t size;
    ed.canon = "relaxed/relaxed";
    sha1.algorithm = "rsa-sha1";
    char *text = sign_text(&good, rsa2048, plain, sizeof plain - 1, &size);
    text = sign_text(&lost, rsa2048, text, size, &size);
    text = sign_text(&ed, ed25519, text, size, &size);
    text = sign_text(&sha1, rsa2048, text, size, &size);
    struct moon_dkim dkim = judge(zone, text, size);
    assert_int_equal(dkim.count, 4);
    expect(&dkim, 0, MOON_RESULT_POLICY, "rsa-sha1");
    expect(&dkim, 1, MOON_RESULT_PASS, "");
    expect(&dkim, 2, MOON_RESULT_PERMERROR, "no key");
    expect(&dkim, 3, MOON_RESULT_PASS, "");
    assert_int_equal(dkim.result, MOON_RESULT_PASS);
}

static void verifies_without_a_readable_from(void **state)
{
    static const char *const froms[] = {"From: undisclosed:;\r\n", "From: \r\n", "",
                                        "From: @@,,<\r\n"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct moon_sign sign = moon_sign_default("example.com", "r2");
        size_t size;
        char *message = moon_arena_printf(arena, "%sTo: x@example.net\r\n\r\nbody\r\n", froms[i]);
        char *text = sign_text(&sign, rsa2048, message, strlen(message), &size);
        struct moon_dkim dkim = judge(zone, text, size);
        expect(&dkim, 0, MOON_RESULT_PASS, "");
    }
}

static void canonicalizes_odd_bodies_as_the_core_does(void **state)
{
    static const char *const bodies[] = {"",
                                         "\r\n",
                                         "\r\n\r\n\r\n",
                                         " \r\n",
                                         "\t \r\n \r\n",
                                         "x",
                                         "x\r\n\r\n",
                                         "x \t",
                                         " x",
                                         "a  b\t\tc\r\n\r\n\r\nd \r\n \r\n",
                                         "\r\n\r\nlate\r\n",
                                         "8-bit \xe4\xf6 \xff\r\n"};
    static const char *const canons[] = {"simple/simple", "relaxed/relaxed"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        for (size_t c = 0; c < 2; c++) {
            struct moon_sign sign = moon_sign_default("example.com", "ed");
            size_t size;
            sign.canon = canons[c];
            char *message = moon_arena_printf(
                arena, "From: x@example.com\r\n\r\n%s%s", bodies[i],
                strlen(bodies[i]) && bodies[i][strlen(bodies[i]) - 1] != '\n' ? "\r\n" : "");
            char *text = sign_text(&sign, ed25519, message, strlen(message), &size);
            struct moon_dkim dkim = judge(zone, text, size);
            expect(&dkim, 0, MOON_RESULT_PASS, "");
        }
}

static void verifies_a_large_body_in_chunks(void **state)
{
    enum { LINES = 20000 };
    struct moon_str str;
    (void)state;
    moon_str_begin(&str, arena);
    moon_str_add(&str, "From: x@example.com\r\n\r\n");
    for (unsigned i = 0; i < LINES; i++)
        moon_str_addf(&str, "line %u \t of  many%s\r\n", i, i % 7 == 0 ? "  " : "");
    char *message = moon_str_end(&str);
    static const char *const canons[] = {"simple/simple", "relaxed/relaxed"};
    for (size_t c = 0; c < 2; c++) {
        struct moon_sign sign = moon_sign_default("example.com", "r2");
        size_t size;
        sign.canon = canons[c];
        sign.length = c ? 200000 : -1;
        char *text = sign_text(&sign, rsa2048, message, strlen(message), &size);
        struct moon_dkim dkim = judge(zone, text, size);
        expect(&dkim, 0, MOON_RESULT_PASS, "");
        assert_true(c == 0 || dkim.sigs[0].unsigned_bytes > 100000);
    }
}

/* Some publish RSAPublicKey instead of SubjectPublicKeyInfo; RFC 6376 section 3.6.1 says so. */
static void takes_an_rsa_key_without_its_wrapping(void **state)
{
    EVP_PKEY *const keys[] = {rsa1024, rsa2048};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct moon_sign sign = moon_sign_default("example.com", "bare");
        size_t size;
        char *record = moon_sign_record(keys[i], 1);
        char *bare = moon_case_txt(arena, "bare._domainkey.example.com", record);
        free(record);
        char *text = sign_text(&sign, keys[i], plain, sizeof plain - 1, &size);
        struct moon_dkim dkim = judge(bare, text, size);
        expect(&dkim, 0, MOON_RESULT_PASS, "");
    }
}

/* RFC 6376 appendices A.2 and C. The signature verifies with folds of six blanks and one blank
 * inside the body's sentence: the RFC's layout has changed both. */
static void passes_the_message_of_rfc_6376(void **state)
{
    static const char message[] =
        "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
        "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
        "      h=Received : From : To : Subject : Date : Message-ID;\r\n"
        "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
        "      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n"
        "      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n"
        "      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n"
        "      4bmp/YzhwvcubU4=;\r\n"
        "Received: from client1.football.example.com  [192.0.2.1]\r\n"
        "      by submitserver.example.com with SUBMISSION;\r\n"
        "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n"
        "From: Joe SixPack <joe@football.example.com>\r\n"
        "To: Suzie Q <suzie@shopping.example.net>\r\n"
        "Subject: Is dinner ready?\r\n"
        "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
        "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
        "\r\n"
        "Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n";
    static const char record[] =
        "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7"
        "/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/"
        "NMqJ0fzfVjH4"
        "OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";
    (void)state;
    struct moon_dkim dkim = judge(moon_case_txt(arena, "brisbane._domainkey.example.com", record),
                                  message, sizeof message - 1);
    expect(&dkim, 0, MOON_RESULT_PASS, "");
    assert_int_equal(dkim.sigs[0].bits, 1024);
}

/* RFC 8463 appendix A: one message, two signatures. */
static void passes_the_message_of_rfc_8463(void **state)
{
    static const char message[] =
        "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
        " d=football.example.com; i=@football.example.com;\r\n"
        " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
        " subject : date : message-id : from : subject : date;\r\n"
        " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
        " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
        " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
        " d=football.example.com; i=@football.example.com;\r\n"
        " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
        " date : message-id : from : subject : date;\r\n"
        " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
        " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
        " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
        " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
        "From: Joe SixPack <joe@football.example.com>\r\n"
        "To: Suzie Q <suzie@shopping.example.net>\r\n"
        "Subject: Is dinner ready?\r\n"
        "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
        "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
        "\r\n"
        "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    static const char keys[] =
        "brisbane._domainkey.football.example.com. TXT \"v=DKIM1; k=ed25519; \" "
        "\"p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
        "test._domainkey.football.example.com. TXT \"v=DKIM1; k=rsa; "
        "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQ"
        "\" \"iY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9"
        "PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\"\n";
    (void)state;
    struct moon_dkim dkim = judge(keys, message, sizeof message - 1);
    expect(&dkim, 0, MOON_RESULT_PASS, "");
    expect(&dkim, 1, MOON_RESULT_PASS, "");
}

/* Small changes all over a signed message: blanks, folds and line ends are where canonicalizations
 * differ. Whatever the result, both opinions must agree on it. */
static void agrees_with_the_core_on_changed_messages(void **state)
{
    static const char *const added[] = {" ", "\t", "\r\n", "\r\n ", "x", "\r", ";", ":", "=", ""};
    enum { CHANGES = sizeof added / sizeof *added };
    static const char *const canons[] = {"simple/simple", "relaxed/relaxed"};
    size_t passes = 0, others = 0;
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        struct moon_sign sign = moon_sign_default("example.com", "r1");
        size_t size;
        sign.canon = canons[c];
        char *text = sign_text(&sign, rsa1024, plain, sizeof plain - 1, &size);
        for (size_t i = c; i < size * CHANGES; i += 3) {
            size_t at = i / CHANGES;
            struct moon_arena *whole = arena;
            const char *what = added[i % CHANGES];
            arena = moon_arena_create(16u << 20);
            char *changed = moon_arena_printf(arena, "%.*s%s%s", (int)at, text, what,
                                              text + at + (*what ? 0 : 1)); /* "": one less */
            struct moon_dkim dkim = judge(zone, changed, strlen(changed));
            passes += dkim.result == MOON_RESULT_PASS;
            others += dkim.result != MOON_RESULT_PASS;
            moon_arena_destroy(&arena);
            arena = whole;
        }
    }
    assert_true(passes > 200 && others > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_none_without_a_signature),
        cmocka_unit_test(passes_every_canonicalization_with_every_key),
        cmocka_unit_test(reports_what_the_signature_says),
        cmocka_unit_test(tells_a_changed_body_from_a_changed_header),
        cmocka_unit_test(notices_a_field_added_above_only_when_oversigned),
        cmocka_unit_test(keeps_each_signature_s_own_result),
        cmocka_unit_test(verifies_without_a_readable_from),
        cmocka_unit_test(canonicalizes_odd_bodies_as_the_core_does),
        cmocka_unit_test(verifies_a_large_body_in_chunks),
        cmocka_unit_test(takes_an_rsa_key_without_its_wrapping),
        cmocka_unit_test(passes_the_message_of_rfc_6376),
        cmocka_unit_test(passes_the_message_of_rfc_8463),
        cmocka_unit_test(agrees_with_the_core_on_changed_messages),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    rsa2048 = moon_sign_key_load("tests/support/keys/rsa2048.pem");
    rsa1024 = moon_sign_key_load("tests/support/keys/rsa1024.pem");
    ed25519 = moon_sign_key_load("tests/support/keys/ed25519.pem");
    if (!rsa2048 || !rsa1024 || !ed25519)
        return 1;
    int rc = cmocka_run_group_tests(tests, set_up, tear_down);
    EVP_PKEY_free(rsa2048);
    EVP_PKEY_free(rsa1024);
    EVP_PKEY_free(ed25519);
    return rc;
}
