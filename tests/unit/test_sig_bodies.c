/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/sig_bodies.c: which hashes of a body are made, when, and what is in them. A
 * second opinion on bodies by chance comes from libopendkim, which sees no body in production.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "engine/auth/sig_bodies.h"
#include "engine/base/limits.h"
#include "engine/trial/sign.h"
#include "tests/support/arena_case.h"
#include "tests/support/dkim_case.h"

/* libopendkim's; its header is included in dkim_odk.c only. */
void *dkim_init(void *allocate, void *release);
void *dkim_verify(void *library, const unsigned char *id, void *closure, int *stat);
int dkim_set_key_lookup(void *library, void *callback);
int dkim_header(void *dkim, unsigned char *field, size_t size);
int dkim_eoh(void *dkim);
int dkim_body(void *dkim, unsigned char *text, size_t size);
int dkim_eom(void *dkim, _Bool *testing);
int dkim_getsiglist(void *dkim, void ***sigs, int *count);
int dkim_sig_getbh(void *sig);
int dkim_free(void *dkim);

static const struct moon_body unreadable = {.fd = 9999, .size_bytes = 10};

static struct moon_body body_of(const char *text)
{
    return (struct moon_body){.fd = -1, .memory = moon_span_of(text)};
}

static const unsigned char *sha256(const char *text, unsigned char out[32])
{
    assert_int_equal(EVP_Digest(text, strlen(text), out, NULL, EVP_sha256(), NULL), 1);
    return out;
}

static struct moon_sig sig_of(enum moon_sig_kind kind, enum moon_sig_canon canon, int64_t length)
{
    return (struct moon_sig){.kind = kind, .body_canon = canon, .body_length = length};
}

/* For DKIM; NULL when there are too many. */
static struct moon_sig_body_hash *want(struct moon_sig_bodies *bodies, enum moon_sig_canon canon,
                                       int64_t length)
{
    struct moon_sig sig = sig_of(MOON_SIG_KIND_DKIM, canon, length);
    struct moon_sig_body_hash *hash;
    return moon_sig_bodies_want(bodies, &sig, &hash) ? hash : NULL;
}

static void shares_equal_hashes_and_limits_different_ones(void **state)
{
    struct moon_body body = body_of("a  b\n\n");
    struct moon_sig_bodies *bodies = moon_sig_bodies_of(arena, &body);
    struct moon_sig_body_hash *hashes[MOON_SIG_BODIES_MAX];
    unsigned char expected[32];
    (void)state;
    for (size_t i = 0; i < MOON_SIG_BODIES_MAX; i++) {
        hashes[i] = want(bodies, MOON_SIG_CANON_RELAXED, (int64_t)i - 1);
        assert_non_null(hashes[i]);
        assert_ptr_equal(want(bodies, MOON_SIG_CANON_RELAXED, (int64_t)i - 1), hashes[i]);
        for (size_t k = 0; k < i; k++)
            assert_ptr_not_equal(hashes[i], hashes[k]);
        moon_sig_bodies_need(hashes[i]);
    }
    assert_null(want(bodies, MOON_SIG_CANON_SIMPLE, -1));
    assert_null(want(bodies, MOON_SIG_CANON_RELAXED, 3));
    assert_int_equal(moon_sig_bodies_make(bodies), MOON_OK);
    assert_memory_equal(hashes[0]->bytes, sha256("a b\r\n", expected), 32);
    assert_memory_equal(hashes[1]->bytes, sha256("", expected), 32);
    assert_memory_equal(hashes[2]->bytes, sha256("a", expected), 32);
    assert_memory_equal(hashes[3]->bytes, sha256("a ", expected), 32);
    for (size_t i = 0; i < MOON_SIG_BODIES_MAX; i++)
        assert_int_equal(hashes[i]->total_bytes, 5);
}

/* What DKIM wants takes nothing from ARC, and the other way round. */
static void each_kind_has_its_own_number_of_hashes(void **state)
{
    struct moon_body body = body_of("abc");
    struct moon_sig_bodies *bodies = moon_sig_bodies_of(arena, &body);
    struct moon_sig_body_hash *of_dkim[MOON_SIG_BODIES_MAX], *hash;
    (void)state;
    for (size_t i = 0; i < MOON_SIG_BODIES_MAX; i++)
        of_dkim[i] = want(bodies, MOON_SIG_CANON_SIMPLE, (int64_t)i);
    for (int64_t length = 2; length < 2 + (int64_t)MOON_SIG_BODIES_MAX; length++) {
        struct moon_sig sig = sig_of(MOON_SIG_KIND_ARC_MESSAGE, MOON_SIG_CANON_SIMPLE, length);
        assert_true(moon_sig_bodies_want(bodies, &sig, &hash));
        if (length < (int64_t)MOON_SIG_BODIES_MAX)
            assert_ptr_equal(hash, of_dkim[length]);
        moon_sig_bodies_need(hash);
    }
    /* known here, and one too many for ARC all the same */
    struct moon_sig sig = sig_of(MOON_SIG_KIND_ARC_MESSAGE, MOON_SIG_CANON_SIMPLE, 0);
    assert_false(moon_sig_bodies_want(bodies, &sig, &hash));
    assert_null(want(bodies, MOON_SIG_CANON_SIMPLE, 4));
    assert_int_equal(moon_sig_bodies_make(bodies), MOON_OK);
    for (size_t i = 0; i < MOON_SIG_BODIES_MAX; i++)
        assert_int_equal(of_dkim[i]->made, i >= 2); /* nobody needs the others */
}

static void all_that_both_kinds_need_are_made_at_once(void **state)
{
    struct moon_body body = body_of("0123456789");
    struct moon_sig_bodies *bodies = moon_sig_bodies_of(arena, &body);
    struct moon_sig_body_hash *hashes[2 * MOON_SIG_BODIES_MAX];
    unsigned char expected[32];
    (void)state;
    for (size_t i = 0; i < 2 * MOON_SIG_BODIES_MAX; i++) {
        struct moon_sig sig =
            sig_of(i % 2 ? MOON_SIG_KIND_DKIM : MOON_SIG_KIND_ARC_MESSAGE,
                   i % 2 ? MOON_SIG_CANON_SIMPLE : MOON_SIG_CANON_RELAXED, (int64_t)i);
        assert_true(moon_sig_bodies_want(bodies, &sig, &hashes[i]));
        moon_sig_bodies_need(hashes[i]);
    }
    assert_int_equal(moon_sig_bodies_make(bodies), MOON_OK);
    body = unreadable;
    for (size_t i = 0; i < 2 * MOON_SIG_BODIES_MAX; i++) {
        const char *part = moon_arena_printf(arena, "%.*s", (int)i, "0123456789");
        assert_true(hashes[i]->made);
        assert_memory_equal(hashes[i]->bytes, sha256(part, expected), 32);
    }
}

static void a_hash_is_made_once_and_only_when_needed(void **state)
{
    struct moon_body body = unreadable;
    struct moon_sig_bodies *bodies = moon_sig_bodies_of(arena, &body);
    struct moon_sig_body_hash *simple = want(bodies, MOON_SIG_CANON_SIMPLE, -1);
    struct moon_sig_body_hash *relaxed = want(bodies, MOON_SIG_CANON_RELAXED, -1);
    unsigned char expected[32];
    (void)state;
    assert_int_equal(moon_sig_bodies_make(bodies), MOON_OK); /* nobody needs any */
    moon_sig_bodies_need(simple);
    assert_int_equal(moon_sig_bodies_make(bodies), MOON_EIO);
    assert_false(simple->made);
    body = body_of("a  b");
    assert_int_equal(moon_sig_bodies_make(bodies), MOON_OK);
    body = unreadable;
    assert_int_equal(moon_sig_bodies_make(bodies), MOON_OK);
    assert_true(simple->made && !relaxed->made);
    moon_sig_bodies_need(relaxed);
    assert_int_equal(moon_sig_bodies_make(bodies), MOON_EIO);
    assert_true(simple->made && !relaxed->made);
    body = body_of("a  b");
    assert_int_equal(moon_sig_bodies_make(bodies), MOON_OK);
    assert_memory_equal(simple->bytes, sha256("a  b\r\n", expected), 32);
    assert_memory_equal(relaxed->bytes, sha256("a b\r\n", expected), 32);
}

static void is_signed_by_no_other_hash_and_by_none_that_is_not_made(void **state)
{
    struct moon_body body = body_of("abc");
    struct moon_sig_bodies *bodies = moon_sig_bodies_of(arena, &body);
    struct moon_sig_body_hash *hash = want(bodies, MOON_SIG_CANON_SIMPLE, -1);
    struct moon_sig sig = sig_of(MOON_SIG_KIND_DKIM, MOON_SIG_CANON_SIMPLE, -1);
    static const char zeros[32] = "";
    unsigned char right[32];
    (void)state;
    sig.body_hash = (struct moon_span){zeros, sizeof zeros};
    assert_false(moon_sig_body_is_signed(hash, &sig));
    moon_sig_bodies_need(hash);
    assert_int_equal(moon_sig_bodies_make(bodies), MOON_OK);
    assert_false(moon_sig_body_is_signed(hash, &sig));
    sig.body_hash.p = (const char *)sha256("abc\r\n", right);
    assert_true(moon_sig_body_is_signed(hash, &sig));
    sig.body_hash.n = 31;
    assert_false(moon_sig_body_is_signed(hash, &sig));
    sig.body_hash.n = 32;
    for (size_t i = 0; i < 32; i += 31) {
        right[i] ^= 1;
        assert_false(moon_sig_body_is_signed(hash, &sig));
        right[i] ^= 1;
    }
}

static void exhausted_memory_is_no_hash(void **state)
{
    struct moon_body body = body_of("abc");
    size_t n = 0;
    (void)state;
    for (enum moon_status status = MOON_ENOMEM; status != MOON_OK;) {
        struct moon_arena *small = moon_arena_create(1u << 20);
        moon_arena_fail_at(small, ++n);
        struct moon_sig_bodies *bodies = moon_sig_bodies_of(small, &body);
        if (bodies) {
            struct moon_sig_body_hash *hash = want(bodies, MOON_SIG_CANON_SIMPLE, -1);
            moon_sig_bodies_need(hash);
            status = moon_sig_bodies_make(bodies);
            assert_int_equal(status, moon_arena_failed(small) ? MOON_ENOMEM : MOON_OK);
            assert_int_equal(hash->made, status == MOON_OK);
        }
        moon_arena_destroy(&small);
    }
    assert_int_equal(n, 4);
}

/* --- libopendkim's opinion --- */

static EVP_PKEY *key;
static char *record;

static int record_for_it(void *dkim, void *sig, unsigned char *out, size_t size)
{
    (void)dkim;
    (void)sig;
    assert_true(strlen(record) < size);
    memcpy(out, record, strlen(record) + 1);
    return 0; /* DKIM_CBSTAT_CONTINUE */
}

/* Has this body the hash that the first field of `text` signs? The body with CRLF line ends. */
static bool library_finds_it_signed(const char *text, struct moon_span body, size_t chunk)
{
    static void *library;
    struct moon_message *msg = moon_case_message(arena, text, strlen(text));
    _Bool testing;
    void **sigs;
    int stat, count;

    if (!library) {
        library = dkim_init(NULL, NULL);
        assert_int_equal(dkim_set_key_lookup(library, record_for_it), 0);
    }
    void *dkim = dkim_verify(library, (const unsigned char *)"test", NULL, &stat);
    assert_non_null(dkim);
    assert_int_equal(dkim_header(dkim, (unsigned char *)"X-Sentinel: 1", 13), 0);
    for (size_t i = 0; i < msg->field_count; i++)
        assert_int_equal(dkim_header(dkim, (unsigned char *)(uintptr_t)msg->fields[i].raw.p,
                                     msg->fields[i].raw.n),
                         0);
    assert_int_equal(dkim_eoh(dkim), 0);
    for (size_t i = 0; i < body.n; i += chunk) {
        struct moon_span part = moon_span_sub(body, i, chunk);
        assert_int_equal(dkim_body(dkim, (unsigned char *)(uintptr_t)part.p, part.n), 0);
    }
    (void)dkim_eom(dkim, &testing);
    assert_int_equal(dkim_getsiglist(dkim, &sigs, &count), 0);
    assert_int_equal(count, 1);
    int verdict = dkim_sig_getbh(sigs[0]);
    assert_true(verdict == 0 || verdict == 1); /* tested */
    assert_int_equal(dkim_free(dkim), 0);
    return verdict == 0;
}

static char *body_by_chance(uint32_t *seed)
{
    static const char *const pieces[] = {" ", "\t",   "\n",       "\n",     "a",    "bc",
                                         ".", "word", "eight ch", " x y z", "\x80", "\v"};
    struct moon_str str;

    moon_str_begin(&str, arena);
    *seed = *seed * 1664525 + 1013904223;
    for (size_t n = *seed >> 16 & 31; n > 0; n--) {
        *seed = *seed * 1664525 + 1013904223;
        moon_str_add(&str, pieces[(*seed >> 16) % (sizeof pieces / sizeof *pieces)]);
    }
    moon_str_add(&str, "\n"); /* without a line end at the end it has no opinion */
    return moon_str_end(&str);
}

/* One body is signed and another looked at, often the same one. */
static void agrees_with_libopendkim_on_bodies_by_chance(void **state)
{
    uint32_t seed = 1;
    size_t equal = 0;
    (void)state;
    key = moon_sign_key_load("tests/support/keys/ed25519.pem");
    assert_non_null(key);
    record = moon_sign_record(key, 0);
    for (size_t round = 0; round < 300; round++) {
        struct moon_sign sign = moon_sign_default("example.com", "s");
        const char *signed_body = body_by_chance(&seed);
        const char *seen = round % 3 ? signed_body : body_by_chance(&seed);
        size_t size, seen_size;
        sign.canon = round % 2 ? "simple/relaxed" : "relaxed/simple";
        sign.length = round % 5 == 4 ? (int64_t)(round % 3) : -1;
        char *with = moon_arena_printf(arena, "From: a@example.com\n\n%s", signed_body);
        char *text = moon_sign_message(&sign, key, with, strlen(with), &size);
        struct moon_message *msg = moon_case_message(arena, text, size);
        struct moon_body body = body_of(seen);
        struct moon_sig_bodies *bodies = moon_sig_bodies_of(arena, &body);
        struct moon_sig_body_hash *hash;
        struct moon_sig sig;
        assert_int_equal(moon_sig_parse(arena, &msg->fields[0], MOON_CASE_NOW_S, &sig), MOON_OK);
        assert_int_equal(sig.result, MOON_RESULT_NONE);
        assert_true(moon_sig_bodies_want(bodies, &sig, &hash));
        moon_sig_bodies_need(hash);
        assert_int_equal(moon_sig_bodies_make(bodies), MOON_OK);
        bool got = moon_sig_body_is_signed(hash, &sig);
        char *crlf = moon_sign_crlf(seen, strlen(seen), &seen_size);
        if (sig.body_length <= hash->total_bytes &&
            got != library_finds_it_signed(text, (struct moon_span){crlf, seen_size}, 7))
            fail_msg("%s, l=%d: '%s' for '%s': got %d", sign.canon, (int)sign.length, seen,
                     signed_body, got);
        equal += got;
        free(crlf);
        free(text);
    }
    assert_true(equal >= 200 && equal < 300);
    free(record);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_equal_hashes_and_limits_different_ones),
        cmocka_unit_test(each_kind_has_its_own_number_of_hashes),
        cmocka_unit_test(all_that_both_kinds_need_are_made_at_once),
        cmocka_unit_test(a_hash_is_made_once_and_only_when_needed),
        cmocka_unit_test(is_signed_by_no_other_hash_and_by_none_that_is_not_made),
        cmocka_unit_test(exhausted_memory_is_no_hash),
        cmocka_unit_test(agrees_with_libopendkim_on_bodies_by_chance),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
