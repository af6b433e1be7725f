/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/sig_key.c: key records (RFC 6376 section 3.6.1) and keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/sig_base64.h"
#include "engine/auth/sig_key.h"
#include "engine/base/limits.h"
#include "engine/trial/sign.h"

static struct moon_arena *arena;
static char *rsa, *bare, *ed; /* values of p= */

static int set_up(void **state)
{
    (void)state;
    arena = moon_arena_create(16u << 20);
    EVP_PKEY *r = moon_sign_key_load("tests/support/keys/rsa2048.pem");
    EVP_PKEY *e = moon_sign_key_load("tests/support/keys/ed25519.pem");
    rsa = moon_sign_public(r, 0);
    bare = moon_sign_public(r, 1);
    ed = moon_sign_public(e, 0);
    EVP_PKEY_free(r);
    EVP_PKEY_free(e);
    return rsa && bare && ed ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    moon_arena_destroy(&arena);
    free(rsa);
    free(bare);
    free(ed);
    return 0;
}

static struct moon_sig_key parse(const char *record)
{
    struct moon_sig_key key;
    assert_int_equal(moon_sig_key_parse(arena, moon_span_of(record), &key), MOON_OK);
    return key;
}

static void expect(const char *record, enum moon_result want, const char *reason)
{
    struct moon_sig_key key = parse(record);
    if (key.result != want || !strstr(key.reason, reason))
        fail_msg("'%.60s': got %s (%s), want %s (%s)", record, moon_result_name(key.result),
                 key.reason, moon_result_name(want), reason);
}

static void tells_usable_records_from_others(void **state)
{
    static const struct {
        const char *format; /* %s: an RSA key */
        enum moon_result want;
        const char *reason;
    } table[] = {
        {"v=DKIM1; k=rsa; p=%s", MOON_RESULT_NONE, ""},
        {"p=%s", MOON_RESULT_NONE, ""},
        {"p=%s;", MOON_RESULT_NONE, ""},
        {"k=rsa; g=*; n=some =20 notes; p=%s", MOON_RESULT_NONE, ""},
        {"v=DKIM1; h=sha1:sha256; s=email; t=y:s; p=%s", MOON_RESULT_NONE, ""},
        {"v=DKIM1; h=sha1 : sha256; s=* ; p=%s", MOON_RESULT_NONE, ""},
        {"v=DKIM1; s=tlsrpt:email; p=%s", MOON_RESULT_NONE, ""},
        {"v=DKIM1; n=gr\xc3\xbc\xc3\x9f; p=%s", MOON_RESULT_NONE, ""},
        {"k=rsa; v=DKIM1; p=%s", MOON_RESULT_PERMERROR, "version"},
        {"v=DKIM2; p=%s", MOON_RESULT_PERMERROR, "version"},
        {"v=dkim1; p=%s", MOON_RESULT_PERMERROR, "version"},
        {"v=DKIM1; h=sha1; p=%s", MOON_RESULT_PERMERROR, "h= of the key"},
        {"v=DKIM1; h=; p=%s", MOON_RESULT_PERMERROR, "h= of the key"},
        {"v=DKIM1; s=tlsrpt; p=%s", MOON_RESULT_PERMERROR, "s= of the key"},
        {"v=DKIM1; k=dsa; p=%s", MOON_RESULT_PERMERROR, "k= of the key is unknown"},
        {"v=DKIM1; k=RSA; p=%s", MOON_RESULT_PERMERROR, "k= of the key is unknown"},
        {"v=DKIM1; k=ed25519; p=%s", MOON_RESULT_PERMERROR, "no Ed25519 key"},
        {"v=DKIM1; p=", MOON_RESULT_PERMERROR, "revoked"},
        {"v=DKIM1; p= ", MOON_RESULT_PERMERROR, "revoked"},
        {"v=DKIM1; k=rsa", MOON_RESULT_PERMERROR, "no p="},
        {"", MOON_RESULT_PERMERROR, "tag list"},
        {"v=spf1 -all", MOON_RESULT_PERMERROR, ""},
        {"v=DKIM1;; p=%s", MOON_RESULT_PERMERROR, "tag list"},
        {"v=DKIM1; p=%s; p=", MOON_RESULT_PERMERROR, "tag list"},
        {"v=DKIM1; p=*%s", MOON_RESULT_PERMERROR, "no base64"},
        {"v=DKIM1; p=QUJD", MOON_RESULT_PERMERROR, "no RSA key"},
        {"v=DKIM1; p=MAA=", MOON_RESULT_PERMERROR, "no RSA key"},
        /* an EC key (P-256 header), cut short */
        {"p=MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", MOON_RESULT_PERMERROR, "no RSA key"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect(moon_arena_printf(arena, table[i].format, rsa), table[i].want, table[i].reason);
    expect(moon_arena_printf(arena, "p=%s", bare), MOON_RESULT_NONE, "");
    expect(moon_arena_printf(arena, "k=ed25519; p=%s", ed), MOON_RESULT_NONE, "");
    expect(moon_arena_printf(arena, "p=%s", ed), MOON_RESULT_PERMERROR, "no RSA key");
    struct moon_sig_key key = parse(moon_arena_printf(arena, "t=s : y; p=%s", rsa));
    assert_true(key.testing && key.same_domain && key.bits == 2048);
}

static void refuses_a_record_that_is_too_long(void **state)
{
    size_t n = MOON_KEY_BYTES_MAX - strlen("n=; p=") - strlen(rsa);
    char *notes = moon_arena_alloc(arena, n + 1);
    (void)state;
    assert_non_null(notes);
    memset(notes, 'n', n);
    notes[n] = '\0';
    expect(moon_arena_printf(arena, "n=%s; p=%s", notes, rsa), MOON_RESULT_NONE, "");
    expect(moon_arena_printf(arena, "n=%sn; p=%s", notes, rsa), MOON_RESULT_POLICY, "4096");
}

static void der(struct moon_str *str, char tag, size_t n)
{
    moon_str_add_char(str, tag);
    if (n >= 256) {
        moon_str_add_char(str, (char)0x82);
        moon_str_add_char(str, (char)(n >> 8));
    } else if (n >= 128) {
        moon_str_add_char(str, (char)0x81);
    }
    moon_str_add_char(str, (char)n);
}

/* A record with RSAPublicKey of an odd modulus with exactly `bits` bits, and an exponent of which
 * `head` are the bytes that tell its length. */
static const char *rsa_record_of(unsigned bits, struct moon_span head, struct moon_span exponent)
{
    struct moon_str number, str;
    size_t n = (bits + 7) / 8;

    moon_str_begin(&number, arena);
    if (bits % 8 == 0)
        moon_str_add_char(&number, 0);
    moon_str_add_char(&number, (char)(1 << ((bits + 7) % 8)));
    for (size_t i = 1; i < n; i++)
        moon_str_add_char(&number, (char)0x5b);
    size_t modulus = number.length;
    size_t inner = 1 +
                   (modulus >= 256   ? 3u
                    : modulus >= 128 ? 2u
                                     : 1u) +
                   modulus + 1 + head.n + exponent.n;
    moon_str_begin(&str, arena);
    der(&str, 0x30, inner);
    der(&str, 0x02, modulus);
    moon_str_add_span(&str, (struct moon_span){moon_str_end(&number), modulus});
    moon_str_add_char(&str, 0x02);
    moon_str_add_span(&str, head);
    moon_str_add_span(&str, exponent);
    size_t size = str.length;
    struct moon_span bytes = {moon_str_end(&str), size};
    return moon_arena_printf(arena, "p=%s", moon_sig_base64_encode(arena, bytes));
}

static const char *rsa_record(unsigned bits, struct moon_span exponent)
{
    char n = (char)exponent.n;
    return rsa_record_of(bits, (struct moon_span){&n, 1}, exponent);
}

/* X.690 section 10.1. The exponents are too large, which is told of those that could be read. */
static void takes_lengths_in_their_shortest_form_only(void **state)
{
    static const struct {
        struct moon_span head;
        size_t n;
        bool want;
    } table[] = {
        {{"\x7f", 1}, 127, true},         {{"\x80", 1}, 128, false},
        {{"\x81\x7f", 2}, 127, false},    {{"\x81\x80", 2}, 128, true},
        {{"\x81\xff", 2}, 255, true},     {{"\x82\x00\xff", 3}, 255, false},
        {{"\x82\x01\x00", 3}, 256, true}, {{"\x83\x00\x01\x00", 4}, 256, false},
    };
    (void)state;
    char *exponent = moon_arena_alloc(arena, 256);
    assert_non_null(exponent);
    memset(exponent, 0x5b, 256);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect(rsa_record_of(1024, table[i].head, (struct moon_span){exponent, table[i].n}),
               table[i].want ? MOON_RESULT_POLICY : MOON_RESULT_PERMERROR,
               table[i].want ? "exponent" : "no RSA key");
}

static void refuses_a_key_with_more_behind_or_inside_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct moon_span good;
        bool valid;
        assert_int_equal(
            moon_sig_base64_decode(arena, moon_span_of(i < 2 ? rsa : bare), &good, &valid),
            MOON_OK);
        char *longer = moon_arena_alloc(arena, good.n + 1);
        assert_non_null(longer);
        memcpy(longer, good.p, good.n);
        longer[good.n] = 0;
        assert_int_equal((unsigned char)longer[1], 0x82);
        longer[3] = (char)(longer[3] + (char)(i & 1)); /* the last byte of the sequence's length */
        char *p = moon_sig_base64_encode(arena, (struct moon_span){longer, good.n + 1});
        expect(moon_arena_printf(arena, "p=%s", p), MOON_RESULT_PERMERROR, "no RSA key");
    }
}

/* RFC 8301 section 3.2 */
static void counts_the_bits_exactly(void **state)
{
    static const struct {
        unsigned bits;
        enum moon_result want;
    } table[] = {{512, MOON_RESULT_POLICY},  {1017, MOON_RESULT_POLICY}, {1023, MOON_RESULT_POLICY},
                 {1024, MOON_RESULT_NONE},   {1025, MOON_RESULT_NONE},   {2048, MOON_RESULT_NONE},
                 {2047, MOON_RESULT_NONE}, /* 256 bytes */
                 {4096, MOON_RESULT_NONE},   {4097, MOON_RESULT_POLICY}, {8192, MOON_RESULT_POLICY},
                 {16384, MOON_RESULT_POLICY}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *record = rsa_record(table[i].bits, MOON_SPAN("\x01\x00\x01"));
        expect(record, table[i].want, table[i].want ? "bits" : "");
        assert_int_equal(parse(record).bits, table[i].bits);
    }
}

static void limits_the_exponent(void **state)
{
    static const struct {
        struct moon_span exponent;
        enum moon_result want;
    } table[] = {
        {{"\x03", 1}, MOON_RESULT_NONE},
        {{"\x01\x00\x01", 3}, MOON_RESULT_NONE},
        {{"\x00\xff\xff\xff\xff", 5}, MOON_RESULT_NONE},
        {{"\x00\x81", 2}, MOON_RESULT_NONE},
        {{"\x01", 1}, MOON_RESULT_POLICY},
        {{"\x02", 1}, MOON_RESULT_POLICY},
        {{"\x01\x00\x00", 3}, MOON_RESULT_POLICY},
        {{"\x01\x00\x00\x00\x01", 5}, MOON_RESULT_POLICY},
        {{"\x5b\x5b\x5b\x5b\x5b\x5b\x5b\x5b\x5b\x5b\x5b\x5b\x5b\x5b\x5b\x5b", 16},
         MOON_RESULT_POLICY},
        {{"\x00\x80\x01", 3}, MOON_RESULT_NONE},
        {{"\x7f", 1}, MOON_RESULT_NONE},
        {{"\xff", 1}, MOON_RESULT_PERMERROR},     /* negative */
        {{"\x80\x01", 2}, MOON_RESULT_PERMERROR}, /* the same */
        {{"\x00\x03", 2}, MOON_RESULT_PERMERROR}, /* not the shortest form */
        {{"\x00\x7f", 2}, MOON_RESULT_PERMERROR},
        {{"\x00", 1}, MOON_RESULT_PERMERROR}, /* zero */
        {{"", 0}, MOON_RESULT_PERMERROR},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect(rsa_record(1024, table[i].exponent), table[i].want, "");
}

/* Every cut and every changed length or tag byte of a good key is refused or harmless. */
static void survives_damaged_keys(void **state)
{
    struct moon_span good;
    bool valid;
    size_t refused = 0;
    (void)state;
    assert_int_equal(moon_sig_base64_decode(arena, moon_span_of(rsa), &good, &valid), MOON_OK);
    for (size_t n = 1; n < good.n; n++) {
        char *p = moon_sig_base64_encode(arena, moon_span_sub(good, 0, n));
        expect(moon_arena_printf(arena, "p=%s", p), MOON_RESULT_PERMERROR, "no RSA key");
    }
    for (size_t i = 0; i < 32; i++) { /* all before the modulus */
        char *copy = moon_arena_dup(arena, good);
        copy[i] = (char)(copy[i] ^ 1);
        char *p = moon_sig_base64_encode(arena, (struct moon_span){copy, good.n});
        refused += parse(moon_arena_printf(arena, "p=%s", p)).result != MOON_RESULT_NONE;
    }
    assert_int_equal(refused, 32);
}

static void writes_a_record_with_nothing_else_in_it(void **state)
{
    static const char *const formats[] = {"n=notes; h=sha256; t=s:y; p=%s", "p=%s"};
    (void)state;
    char *want = moon_arena_printf(arena, "v=DKIM1; k=rsa; p=%s", rsa);
    for (size_t i = 0; i < 2; i++) {
        struct moon_sig_key key = parse(moon_arena_printf(arena, formats[i], i ? bare : rsa));
        assert_string_equal(moon_sig_key_record(arena, &key), want);
    }
    struct moon_sig_key key = parse(moon_arena_printf(arena, "k=ed25519; p=%s", ed));
    assert_string_equal(moon_sig_key_record(arena, &key),
                        moon_arena_printf(arena, "v=DKIM1; k=ed25519; p=%s", ed));
    key = parse(rsa_record(4096, MOON_SPAN("\x01\x00\x01"))); /* the largest fits libopendkim */
    assert_true(strlen(moon_sig_key_record(arena, &key)) < 1024);
}

/* Where a length takes another byte: X.690 section 8.1.3. */
static size_t der_length(const unsigned char *der, size_t *head_r)
{
    *head_r = der[1] < 0x80 ? 2 : der[1] == 0x81 ? 3 : 4;
    return der[1] < 0x80 ? der[1] : der[1] == 0x81 ? der[2] : (size_t)der[2] << 8 | der[3];
}

static void every_length_is_written_as_der_wants(void **state)
{
    static const char bytes[600] = "";
    (void)state;
    for (size_t n = 90; n < sizeof bytes; n++) {
        struct moon_sig_key key = {.for_only = MOON_SIG_ALGORITHM_RSA_SHA256,
                                   .public_key = {bytes, n}};
        const char *record = moon_sig_key_record(arena, &key);
        struct moon_span out;
        size_t head, content;
        bool valid;
        assert_int_equal(
            moon_sig_base64_decode(arena, moon_span_of(strstr(record, "p=") + 2), &out, &valid),
            MOON_OK);
        assert_true(valid);
        const unsigned char *der = (const unsigned char *)out.p;
        content = der_length(der, &head);
        assert_int_equal(content, out.n - head);
        assert_int_equal(head, out.n - head < 0x80 ? 2 : out.n - head < 0x100 ? 3 : 4);
        der += head + 15; /* behind the identifier: the bit string, of a byte more than the key */
        assert_int_equal(der_length(der, &head), n + 1);
        assert_int_equal(head, n + 1 < 0x80 ? 2 : n + 1 < 0x100 ? 3 : 4);
    }
}

static struct moon_sig_key of_answer(enum moon_dns_state dns_state, const char *const *texts,
                                     size_t count)
{
    struct moon_dns_record records[4] = {{.preference = 0}};
    struct moon_dns_answer answer = {
        .state = dns_state, .reason = "SERVFAIL", .records = records, .count = count};
    struct moon_sig_key key;

    for (size_t i = 0; i < count; i++)
        records[i].text = moon_span_of(texts[i]);
    assert_int_equal(moon_sig_key_of_answer(arena, &answer, &key), MOON_OK);
    return key;
}

/* RFC 6376 section 3.6.2.2 leaves several records open. */
static void chooses_among_answers(void **state)
{
    (void)state;
    const char *good = moon_arena_printf(arena, "p=%s", rsa);
    const char *other = moon_arena_printf(arena, "k=ed25519; p=%s", ed);
    assert_int_equal(of_answer(MOON_DNS_STATE_NXDOMAIN, NULL, 0).result, MOON_RESULT_PERMERROR);
    assert_int_equal(of_answer(MOON_DNS_STATE_NODATA, NULL, 0).result, MOON_RESULT_PERMERROR);
    struct moon_sig_key key = of_answer(MOON_DNS_STATE_TROUBLE, NULL, 0);
    assert_int_equal(key.result, MOON_RESULT_TEMPERROR);
    assert_non_null(strstr(key.reason, "SERVFAIL"));
    const char *one[] = {good};
    assert_int_equal(of_answer(MOON_DNS_STATE_FOUND, one, 1).result, MOON_RESULT_NONE);
    const char *noise[] = {"v=spf1 -all", good, "p="};
    key = of_answer(MOON_DNS_STATE_FOUND, noise, 3);
    assert_int_equal(key.result, MOON_RESULT_NONE);
    assert_int_equal(key.bits, 2048);
    const char *two[] = {good, other};
    assert_int_equal(of_answer(MOON_DNS_STATE_FOUND, two, 2).result, MOON_RESULT_PERMERROR);
    const char *none[] = {"p=", "v=spf1 -all"};
    assert_int_equal(of_answer(MOON_DNS_STATE_FOUND, none, 2).result, MOON_RESULT_PERMERROR);
}

/* A stranger could fill the cap: what is behind it must not look like a passing trouble. */
static void a_question_past_the_cap_is_no_temporary_error(void **state)
{
    struct moon_dns_answer answer = {.name = "s._domainkey.d.example",
                                     .type = MOON_DNS_TYPE_TXT,
                                     .state = MOON_DNS_STATE_TROUBLE,
                                     .reason = "question limit",
                                     .refused = true};
    struct moon_sig_key key;

    (void)state;
    assert_int_equal(moon_sig_key_of_answer(arena, &answer, &key), MOON_OK);
    assert_int_equal(key.result, MOON_RESULT_POLICY);
    answer.refused = false;
    assert_int_equal(moon_sig_key_of_answer(arena, &answer, &key), MOON_OK);
    assert_int_equal(key.result, MOON_RESULT_TEMPERROR);
    assert_string_equal(key.reason, "the key cannot be read now: question limit");
    answer.reason = "";
    assert_int_equal(moon_sig_key_of_answer(arena, &answer, &key), MOON_OK);
    assert_string_equal(key.reason, "the key cannot be read now");
}

/* RFC 8463 section 3 and t=s of RFC 6376 section 3.6.1 */
static void holds_the_key_against_the_signature(void **state)
{
    static const struct {
        const char *format;
        enum moon_sig_algorithm algorithm;
        const char *identity_domain;
        enum moon_result want;
    } table[] = {
        {"p=%s", MOON_SIG_ALGORITHM_RSA_SHA256, "a.com", MOON_RESULT_NONE},
        {"p=%s", MOON_SIG_ALGORITHM_ED25519_SHA256, "a.com", MOON_RESULT_PERMERROR},
        {"p=%s", MOON_SIG_ALGORITHM_RSA_SHA256, "x.a.com", MOON_RESULT_NONE},
        {"t=y; p=%s", MOON_SIG_ALGORITHM_RSA_SHA256, "x.a.com", MOON_RESULT_NONE},
        {"t=s; p=%s", MOON_SIG_ALGORITHM_RSA_SHA256, "a.com", MOON_RESULT_NONE},
        {"t=s; p=%s", MOON_SIG_ALGORITHM_RSA_SHA256, "x.a.com", MOON_RESULT_PERMERROR},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_sig_key key = parse(moon_arena_printf(arena, table[i].format, rsa));
        struct moon_sig sig = {.reason = "",
                               .algorithm = table[i].algorithm,
                               .domain = "a.com",
                               .identity_domain = table[i].identity_domain};
        moon_sig_key_check(&key, &sig);
        assert_int_equal(sig.result, table[i].want);
    }
}

static void reports_exhausted_memory_wherever_it_happens(void **state)
{
    struct moon_dns_record record = {
        .text = moon_span_of(moon_arena_printf(arena, "v=DKIM1; k=rsa; p=%s", rsa))};
    static const enum moon_dns_state states[] = {MOON_DNS_STATE_FOUND, MOON_DNS_STATE_TROUBLE};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct moon_dns_answer answer = {
            .state = states[i], .reason = "", .records = &record, .count = 1 - i};
        bool done = false;
        size_t n = 1;
        for (; n < 50 && !done; n++) {
            struct moon_arena *small = moon_arena_create(1u << 20);
            struct moon_sig_key key;
            moon_arena_fail_at(small, n);
            enum moon_status status = moon_sig_key_of_answer(small, &answer, &key);
            assert_int_equal(status, moon_arena_failed(small) ? MOON_ENOMEM : MOON_OK);
            done = status == MOON_OK && moon_sig_key_record(small, &key) != NULL;
            moon_arena_destroy(&small);
        }
        assert_true(done && n > (i ? 2 : 5));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_usable_records_from_others),
        cmocka_unit_test(refuses_a_record_that_is_too_long),
        cmocka_unit_test(takes_lengths_in_their_shortest_form_only),
        cmocka_unit_test(refuses_a_key_with_more_behind_or_inside_it),
        cmocka_unit_test(counts_the_bits_exactly),
        cmocka_unit_test(limits_the_exponent),
        cmocka_unit_test(survives_damaged_keys),
        cmocka_unit_test(writes_a_record_with_nothing_else_in_it),
        cmocka_unit_test(every_length_is_written_as_der_wants),
        cmocka_unit_test(chooses_among_answers),
        cmocka_unit_test(a_question_past_the_cap_is_no_temporary_error),
        cmocka_unit_test(holds_the_key_against_the_signature),
        cmocka_unit_test(reports_exhausted_memory_wherever_it_happens),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
