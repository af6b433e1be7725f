/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/dkim_odk.c: what libopendkim says, and what is made of it. Some of its
 * functions are replaced by ones that fail when told so; those that have to do with bodies must not
 * be called. What reaches it: test_dkim_odk.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dlfcn.h>

#include "engine/auth/dkim.h"
#include "engine/auth/dkim_odk.h"
#include "tests/support/dkim_case.h"
#include "engine/trial/sign.h"

/* The library's own, called by dkim_odk.c; its header is included there only. */
int dkim_header(void *dkim, unsigned char *field, size_t size);
int dkim_set_key_lookup(void *library, void *callback);
int dkim_eoh(void *dkim);
int dkim_getsiglist(void *dkim, void ***list, int *count);
int dkim_sig_process(void *dkim, void *sig);
int dkim_sig_geterror(void *sig);
int dkim_body(void *dkim, unsigned char *text, size_t size);
int dkim_eom(void *dkim, _Bool *testing);
void *dkim_init(void *allocate, void *release);
void *dkim_verify(void *library, const unsigned char *id, void *closure, int *stat);

static struct moon_arena *arena;
static EVP_PKEY *key;
static char *zone;

static const char *refused; /* how fields begin that libopendkim shall not take */
static bool without_lookup, without_memory;
static int eoh_says, list_says, list_counts; /* 0: what the library says */
static int process_says, error_says;         /* the same; dkim_sig_process() then does nothing */
static size_t bodies_seen;                   /* calls that have to do with bodies: none */

int dkim_header(void *dkim, unsigned char *field, size_t size)
{
    int (*real)(void *, unsigned char *, size_t);
    void *found = dlsym(RTLD_NEXT, "dkim_header");

    memcpy(&real, &found, sizeof real);
    if (refused && size > strlen(refused) && memcmp(field, refused, strlen(refused)) == 0)
        return 1; /* anything but DKIM_STAT_OK */
    return real(dkim, field, size);
}

int dkim_set_key_lookup(void *library, void *callback)
{
    int (*real)(void *, void *);
    void *found = dlsym(RTLD_NEXT, "dkim_set_key_lookup");

    memcpy(&real, &found, sizeof real);
    return without_lookup ? 1 : real(library, callback);
}

void *dkim_init(void *allocate, void *release)
{
    void *(*real)(void *, void *);
    void *found = dlsym(RTLD_NEXT, "dkim_init");

    memcpy(&real, &found, sizeof real);
    return without_memory ? NULL : real(allocate, release);
}

void *dkim_verify(void *library, const unsigned char *id, void *closure, int *stat)
{
    void *(*real)(void *, const unsigned char *, void *, int *);
    void *found = dlsym(RTLD_NEXT, "dkim_verify");

    memcpy(&real, &found, sizeof real);
    return without_memory ? NULL : real(library, id, closure, stat);
}

int dkim_eoh(void *dkim)
{
    int (*real)(void *);
    void *found = dlsym(RTLD_NEXT, "dkim_eoh");

    memcpy(&real, &found, sizeof real);
    int stat = real(dkim);
    return eoh_says ? eoh_says : stat;
}

int dkim_getsiglist(void *dkim, void ***list, int *count)
{
    int (*real)(void *, void ***, int *);
    void *found = dlsym(RTLD_NEXT, "dkim_getsiglist");

    memcpy(&real, &found, sizeof real);
    int stat = real(dkim, list, count);
    *count = list_counts ? list_counts : *count;
    return list_says ? list_says : stat;
}

int dkim_sig_process(void *dkim, void *sig)
{
    int (*real)(void *, void *);
    void *found = dlsym(RTLD_NEXT, "dkim_sig_process");

    memcpy(&real, &found, sizeof real);
    return process_says ? process_says : real(dkim, sig);
}

int dkim_sig_geterror(void *sig)
{
    int (*real)(void *);
    void *found = dlsym(RTLD_NEXT, "dkim_sig_geterror");

    memcpy(&real, &found, sizeof real);
    return error_says ? error_says : real(sig);
}

int dkim_body(void *dkim, unsigned char *text, size_t size)
{
    (void)dkim;
    (void)text;
    (void)size;
    bodies_seen++;
    return 1;
}

int dkim_eom(void *dkim, _Bool *testing)
{
    (void)dkim;
    (void)testing;
    bodies_seen++;
    return 1;
}

static int set_up(void **state)
{
    (void)state;
    arena = moon_arena_create(64u << 20);
    key = moon_sign_key_load("tests/support/keys/ed25519.pem");
    char *record = key ? moon_sign_record(key, 0) : NULL;
    zone = record ? moon_case_txt(arena, "s._domainkey.example.com", record) : NULL;
    free(record);
    return zone ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    moon_arena_destroy(&arena);
    return 0;
}

static char *sign_text(const struct moon_sign *sign, const char *text)
{
    size_t size = 0;
    char *out = moon_sign_message(sign, key, text, strlen(text), &size);
    assert_non_null(out);
    char *copy = moon_arena_dup(arena, (struct moon_span){out, size});
    free(out);
    return copy;
}

static struct moon_dkim_odk_sig verify(const char *text, const char *record)
{
    struct moon_message *msg = moon_case_message(arena, text, strlen(text));
    const struct moon_field *fields[10];
    struct moon_dkim_odk_sig sig = {.field = &msg->fields[0], .record = record};
    assert_true(msg->field_count <= sizeof fields / sizeof *fields);
    for (size_t i = 0; i < msg->field_count; i++)
        fields[i] = &msg->fields[i];
    assert_int_equal(moon_dkim_odk_verify(fields, msg->field_count, &sig, 1), MOON_OK);
    return sig;
}

/* The first of all: the library is kept once it is there. */
static void says_when_the_library_cannot_be_set_up(void **state)
{
    (void)state;
    without_memory = true;
    assert_int_equal(moon_dkim_odk_prepare(), MOON_ENOMEM);
    without_memory = false;
    without_lookup = true;
    assert_int_equal(moon_dkim_odk_prepare(), MOON_ENOMEM);
    assert_int_equal(moon_dkim_odk_verify(NULL, 0, NULL, 0), MOON_ENOMEM);
    without_lookup = false;
    assert_int_equal(moon_dkim_odk_prepare(), MOON_OK);
    without_memory = true;
    assert_int_equal(moon_dkim_odk_verify(NULL, 0, NULL, 0), MOON_ENOMEM);
    without_memory = false;
}

/* Of a field that it does not take only the signatures that name it suffer. */
static void knows_a_signature_that_the_library_does_not_take(void **state)
{
    static const struct {
        const char *refused;
        enum moon_result want;
        const char *reason;
    } table[] = {
        {"Subject:", MOON_RESULT_FAIL, "signature did not verify"},
        {"DKIM-Signature:", MOON_RESULT_NEUTRAL, "libopendkim does not take a signature field"},
    };
    struct moon_sign sign = moon_sign_default("example.com", "s");
    (void)state;
    sign.headers = "from:subject";
    char *text = sign_text(&sign, "From: a@example.com\nSubject: s\n\nbody\n");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        refused = table[i].refused;
        struct moon_dkim dkim = moon_case_dkim(arena, zone, text, strlen(text));
        refused = NULL;
        assert_int_equal(dkim.sigs[0].result, table[i].want);
        assert_string_equal(dkim.sigs[0].reason, table[i].reason);
        refused = table[i].refused;
        char *record = moon_sign_record(key, 0);
        struct moon_dkim_odk_sig alone = verify(text, record); /* nothing stands behind it */
        refused = NULL;
        free(record);
        assert_int_equal(alone.result, table[i].want);
        assert_string_equal(alone.reason, table[i].reason);
    }
}

/* Nothing it says is believed when it sees other signatures than were given. */
static void believes_nothing_when_the_header_is_not_taken(void **state)
{
    static const struct {
        int eoh, list, count;
        const char *want;
    } table[] = {
        {0, 0, 0, ""},
        {2, 0, 0, ""}, /* DKIM_STAT_NOSIG: the list tells */
        {5, 0, 0, "libopendkim does not take the header"},
        {0, 7, 0, "libopendkim counts other signatures"},
        {0, 0, 2, "libopendkim counts other signatures"},
        {0, 0, -1, "libopendkim counts other signatures"},
    };
    struct moon_sign sign = moon_sign_default("example.com", "s");
    (void)state;
    char *text = sign_text(&sign, "From: a@example.com\n\nbody\n");
    char *record = moon_sign_record(key, 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        eoh_says = table[i].eoh;
        list_says = table[i].list;
        list_counts = table[i].count;
        struct moon_dkim_odk_sig sig = verify(text, record);
        eoh_says = list_says = list_counts = 0;
        assert_string_equal(sig.reason, table[i].want);
        assert_int_equal(sig.result, *table[i].want ? MOON_RESULT_NEUTRAL : MOON_RESULT_PASS);
    }
    free(record);
}

/* A pass needs both: its flag, and no error. Errors by number: there is no other way to have them.
 */
static void passes_nothing_that_was_not_processed_or_has_an_error(void **state)
{
    static const struct {
        int process, error;
        const char *want;
    } table[] = {
        {7, 0, "neutral libopendkim cannot process the signature"},
        {0, 9999, "neutral libopendkim cannot process the signature"},
        {7, 9999, "neutral libopendkim cannot process the signature"},
        {0, 5, "permerror x= is not later than t="},     /* DKIM_SIGERROR_TIMESTAMPS */
        {0, 24, "temperror the key cannot be read now"}, /* DKIM_SIGERROR_KEYFAIL */
        {0, 40, "permerror k= of the key is missing"},   /* DKIM_SIGERROR_KEYTYPEMISSING */
    };
    struct moon_sign sign = moon_sign_default("example.com", "s");
    (void)state;
    char *text = sign_text(&sign, "From: a@example.com\n\nbody\n");
    char *record = moon_sign_record(key, 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        process_says = table[i].process;
        error_says = table[i].error;
        struct moon_dkim_odk_sig sig = verify(text, record);
        process_says = error_says = 0;
        assert_string_equal(
            moon_arena_printf(arena, "%s %s", moon_result_name(sig.result), sig.reason),
            table[i].want);
    }
    free(record);
}

/* Its word is about b= alone: the body is dkim.c's. */
static void says_pass_for_a_right_b_whatever_the_body(void **state)
{
    static const char *const canons[] = {"simple/simple", "simple/relaxed", "relaxed/simple",
                                         "relaxed/relaxed"};
    (void)state;
    for (size_t i = 0; i < sizeof canons / sizeof *canons; i++)
        for (int64_t length = -1; length < 5; length += 5) {
            struct moon_sign sign = moon_sign_default("example.com", "s");
            sign.canon = canons[i];
            sign.length = length;
            char *text = sign_text(&sign, "From: a@b.c\n\nbody\n");
            char *record = moon_sign_record(key, 0);
            assert_int_equal(verify(text, record).result, MOON_RESULT_PASS);
            memcpy(strstr(text, "body"), "B0DY", 4);
            assert_int_equal(verify(text, record).result, MOON_RESULT_PASS);
            memcpy(strstr(text, "a@b"), "x@b", 3);
            struct moon_dkim_odk_sig sig = verify(text, record);
            assert_int_equal(sig.result, MOON_RESULT_FAIL);
            assert_string_equal(sig.reason, "signature did not verify");
            free(record);
        }
    assert_int_equal(bodies_seen, 0);
}

/* RFC 8301 section 3.2. The gate has refused such keys. */
static void finds_small_rsa_keys_too_small(void **state)
{
    static const struct {
        unsigned bits;
        enum moon_result want;
        const char *reason;
    } table[] = {
        {1024, MOON_RESULT_PASS, ""},
        {768, MOON_RESULT_POLICY, "the key has less than 1024 bits (RFC 8301)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_sign sign = moon_sign_default("example.com", "s");
        EVP_PKEY *ed25519 = key;
        key = moon_sign_key_rsa(table[i].bits);
        assert_non_null(key);
        char *text = sign_text(&sign, "From: a@b.c\n\nbody\n");
        char *record = moon_sign_record(key, 0);
        EVP_PKEY_free(key);
        key = ed25519;
        struct moon_dkim_odk_sig sig = verify(text, record);
        assert_int_equal(sig.result, table[i].want);
        assert_string_equal(sig.reason, table[i].reason);
        free(record);
    }
}

/* It has room for 1024 bytes and their end. */
static void gives_a_record_only_where_there_is_room_for_it(void **state)
{
    struct moon_sign sign = moon_sign_default("example.com", "s");
    char *public = moon_sign_public(key, 0);
    (void)state;
    char *text = sign_text(&sign, "From: a@b.c\n\nbody\n");
    for (int size = 1023; size <= 1026; size++) {
        const char *start = "v=DKIM1; k=ed25519; p=";
        int note = size - (int)(strlen(start) + strlen(public) + strlen("; n="));
        char *record = moon_arena_printf(arena, "%s%s; n=%0*d", start, public, note, 0);
        assert_int_equal(strlen(record), size);
        struct moon_dkim_odk_sig sig = verify(text, record);
        assert_string_equal(sig.reason, size <= 1024 ? "" : "no key at the selector");
        assert_int_equal(sig.result, size <= 1024 ? MOON_RESULT_PASS : MOON_RESULT_PERMERROR);
    }
    free(public);
}

/* What the gate refuses before, the library would say in the same words. RFC 6376 sections 3.6.1
 * and 6.1; the key is 256 bits of Ed25519. */
static void says_what_the_library_finds_wrong(void **state)
{
    static const struct {
        const char *record; /* %s is the right p= */
        const char *identity, *headers;
        int64_t length, signed_at_s, expires_s;
        const char *want;
    } table[] = {
        {"v=DKIM1; k=ed25519; p=%s", NULL, NULL, -1, -1, -1, "pass "},
        {"v=DKIM1; k=ed25519; p=", NULL, NULL, -1, -1, -1, "permerror the key is revoked"},
        {"v=DKIM1; k=ed25519", NULL, NULL, -1, -1, -1,
         "permerror the key record is no valid tag list"},
        {"v=DKIM2; k=ed25519; p=%s", NULL, NULL, -1, -1, -1,
         "permerror the key record is of another version"},
        {"v=DKIM1; k=ed448; p=%s", NULL, NULL, -1, -1, -1, "permerror k= of the key is unknown"},
        {"v=DKIM1; k=ed25519; h=sha1; p=%s", NULL, NULL, -1, -1, -1,
         "permerror h= of the key does not allow sha256"},
        {"v=DKIM1; k=ed25519; h=md5; p=%s", NULL, NULL, -1, -1, -1,
         "permerror h= of the key does not allow sha256"},
        {"v=DKIM1; k=ed25519; s=news; p=%s", NULL, NULL, -1, -1, -1,
         "permerror s= of the key does not allow mail"},
        {"v=DKIM1; k=ed25519; t=s; p=%s", "a@x.example.com", NULL, -1, -1, -1,
         "permerror the key (t=s) forbids i= of a subdomain"},
        {"v=DKIM1; k=ed25519; p=QUJD", NULL, NULL, -1, -1, -1,
         "permerror the key cannot be decoded"},
        {"rubbish", NULL, NULL, -1, -1, -1, "permerror the key record is no valid tag list"},
        {"v=DKIM1; k=ed25519; p=%s", "a@other.example", NULL, -1, -1, -1,
         "permerror i= is not within d="},
        {"v=DKIM1; k=ed25519; p=%s", NULL, "to:subject", -1, -1, -1,
         "permerror h= does not name From"},
        {"v=DKIM1; k=ed25519; p=%s", NULL, NULL, 1000, -1, -1, "pass "}, /* not its business */
        /* longer than the room it has for one */
        {"v=DKIM1; k=ed25519; p=%70000s", NULL, NULL, -1, -1, -1,
         "permerror no key at the selector"},
        /* By its own clock, which does not count: the gate looks at the time of reception. */
        {"v=DKIM1; k=ed25519; p=%s", NULL, NULL, -1, 1000000000, 1000000001, "none "},
        {"v=DKIM1; k=ed25519; p=%s", NULL, NULL, -1, 20000000000, -1, "none "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_sign sign = moon_sign_default("example.com", "s");
        char *public = moon_sign_public(key, 0);
        sign.identity = table[i].identity;
        if (table[i].headers)
            sign.headers = table[i].headers;
        sign.length = table[i].length;
        sign.signed_at_s = table[i].signed_at_s;
        sign.expires_s = table[i].expires_s;
        char *text = sign_text(&sign, "From: a@b.c\nTo: x\n\nbody\n");
        struct moon_dkim_odk_sig sig =
            verify(text, moon_arena_printf(arena, table[i].record, public));
        const char *got =
            moon_arena_printf(arena, "%s %s", moon_result_name(sig.result), sig.reason);
        if (strcmp(got, table[i].want) != 0)
            fail_msg("%s, %zu: got %s, want %s", table[i].record, i, got, table[i].want);
        free(public);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_when_the_library_cannot_be_set_up),
        cmocka_unit_test_setup_teardown(knows_a_signature_that_the_library_does_not_take, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(believes_nothing_when_the_header_is_not_taken, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(passes_nothing_that_was_not_processed_or_has_an_error,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_pass_for_a_right_b_whatever_the_body, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(finds_small_rsa_keys_too_small, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gives_a_record_only_where_there_is_room_for_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(says_what_the_library_finds_wrong, set_up, tear_down),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
