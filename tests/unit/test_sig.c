/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/sig.c: what is a signature and what is not (RFC 6376 section 3.5,
 * RFC 6376 section 6.1.1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/sig.h"
#include "engine/base/limits.h"
#include "engine/message/message.h"
#include "tests/support/arena_case.h"

#define NOW 1700000000
#define BH  "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; "
#define END BH "b=QUJDREVGR0hJSg=="

static struct moon_sig parse_kind(enum moon_sig_kind kind, const char *tags)
{
    static struct moon_field field;
    struct moon_sig sig;
    bool is_field = false;
    char *text = moon_arena_printf(arena, "DKIM-Signature: %s\r\n", tags);

    assert_non_null(text);
    assert_int_equal(moon_field_parse(arena, moon_span_of(text), &field, &is_field), MOON_OK);
    assert_true(is_field);
    assert_int_equal(moon_sig_parse_kind(arena, &field, kind, NOW, &sig), MOON_OK);
    return sig;
}

static struct moon_sig parse(const char *tags)
{
    return parse_kind(MOON_SIG_KIND_DKIM, tags);
}

#define START "v=1; a=rsa-sha256; "
#define NAMES "d=example.com; s=sel; "

static const struct {
    const char *tags;
    enum moon_result want; /* NONE: not refused */
    const char *reason;
} table[] = {
    {START NAMES "h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "h=from; " END ";", MOON_RESULT_NONE, ""},
    {START NAMES "h=from; x_unknown=1; " END, MOON_RESULT_NONE, ""},
    /* syntax of the list */
    {START NAMES "h=from;; " END, MOON_RESULT_NEUTRAL, "an empty tag"},
    {START NAMES "h=from; word; " END, MOON_RESULT_NEUTRAL, "a tag without"},
    {START NAMES "d=evil.org; h=from; " END, MOON_RESULT_NEUTRAL, "twice"},
    {"", MOON_RESULT_NEUTRAL, "an empty tag"},
    /* version */
    {"v=2; a=rsa-sha256; " NAMES "h=from; " END, MOON_RESULT_NEUTRAL, "v= is not 1"},
    {"v=1.0; a=rsa-sha256; " NAMES "h=from; " END, MOON_RESULT_NEUTRAL, "v= is not 1"},
    {"a=rsa-sha256; " NAMES "h=from; " END, MOON_RESULT_NEUTRAL, "no v="},
    /* algorithms: RFC 8301 section 3.1 */
    {"v=1; a=ed25519-sha256; " NAMES "h=from; " END, MOON_RESULT_NONE, ""},
    {"v=1; a=rsa-sha1; " NAMES "h=from; " END, MOON_RESULT_POLICY, "RFC 8301"},
    {"v=1; a=RSA-SHA1; " NAMES "h=from; " END, MOON_RESULT_POLICY, "RFC 8301"},
    {"v=1; a=RSA-SHA256; " NAMES "h=from; " END, MOON_RESULT_NEUTRAL, "a= is unknown"},
    {"v=1; a=rsa-sha512; " NAMES "h=from; " END, MOON_RESULT_NEUTRAL, "a= is unknown"},
    {"v=1; " NAMES "h=from; " END, MOON_RESULT_NEUTRAL, "no a="},
    /* canonicalization, query */
    {START NAMES "c=relaxed; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "c=relaxed/nowsp; h=from; " END, MOON_RESULT_NEUTRAL, "c= is unknown"},
    {START NAMES "c=relaxed/; h=from; " END, MOON_RESULT_NEUTRAL, "c= is unknown"},
    {START NAMES "c=; h=from; " END, MOON_RESULT_NEUTRAL, "c= is unknown"},
    {START NAMES "q=dns/txt; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "q=http : dns/txt; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "q=http; h=from; " END, MOON_RESULT_NEUTRAL, "q="},
    {START NAMES "q=dns; h=from; " END, MOON_RESULT_NEUTRAL, "q="},
    {START NAMES "q=; h=from; " END, MOON_RESULT_NEUTRAL, "q="},
    /* base64 */
    {START NAMES "h=from; " BH "b=QUJD*REVG", MOON_RESULT_NEUTRAL, "b= is no base64"},
    {START NAMES "h=from; " BH "b=QUJ", MOON_RESULT_NEUTRAL, "b= is no base64"},
    {START NAMES "h=from; " BH "b=", MOON_RESULT_NEUTRAL, "no b="},
    {START NAMES "h=from; " BH, MOON_RESULT_NEUTRAL, "no b="},
    {START NAMES "h=from; b=QUJD", MOON_RESULT_NEUTRAL, "no bh="},
    {START NAMES "h=from; bh=QUJD; b=QUJD", MOON_RESULT_NEUTRAL, "bh="},
    {START NAMES "h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU; b=QUJD",
     MOON_RESULT_NEUTRAL, "bh="},
    /* names */
    {START "d=exam ple.com; s=s; h=from; " END, MOON_RESULT_NEUTRAL, "d= is no domain"},
    {START "d=example..com; s=s; h=from; " END, MOON_RESULT_NEUTRAL, "d= is no domain"},
    {START "d=example.com.; s=s; h=from; " END, MOON_RESULT_NEUTRAL, "d= is no domain"},
    {START "d=com; s=s; h=from; " END, MOON_RESULT_NEUTRAL, "d= is no domain"},
    {START "d=; s=s; h=from; " END, MOON_RESULT_NEUTRAL, "no d="},
    {START "s=s; h=from; " END, MOON_RESULT_NEUTRAL, "no d="},
    {START "d=example.com; h=from; " END, MOON_RESULT_NEUTRAL, "no s="},
    {START "d=example.com; s=a b; h=from; " END, MOON_RESULT_NEUTRAL, "s= is no selector"},
    {START "d=example.com; s=a.b_c; h=from; " END, MOON_RESULT_NONE, ""},
    {START "d=m\xc3\xbcnchen.example; s=s; h=from; " END, MOON_RESULT_NONE, ""},
    /* identity; quoting is that of RFC 6376 section 2.11 */
    {START NAMES "i=@example.com; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "i=a@sub.Example.com; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "i=a=20b@example.com; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "i=a@evilexample.com; h=from; " END, MOON_RESULT_PERMERROR, "not within d="},
    {START NAMES "i=x@example.com@evil.org; h=from; " END, MOON_RESULT_NEUTRAL, "no identity"},
    {START NAMES "i=\"x@example.com\"@evil.org; h=from; " END, MOON_RESULT_PERMERROR,
     "not within d="},
    {START NAMES "i=a@com; h=from; " END, MOON_RESULT_PERMERROR, "not within d="},
    {START NAMES "i=\"a@b\"@example.com; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "i=\"a\\\"@b\"@example.com; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "i=\"a\"@b\"@example.com; h=from; " END, MOON_RESULT_NEUTRAL, "no identity"},
    {START NAMES "i=\"a@b\\\"@example.com; h=from; " END, MOON_RESULT_NEUTRAL, "no identity"},
    {START NAMES "i=\"a@\\b\"@example.com; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "i=\"@\"@example.com; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "i=a@b@example.com; h=from; " END, MOON_RESULT_NEUTRAL, "no identity"},
    {START NAMES "i=\"@example.com@example.com; h=from; " END, MOON_RESULT_NEUTRAL, "no identity"},
    {START NAMES "i=example.com; h=from; " END, MOON_RESULT_NEUTRAL, "i= is no identity"},
    {START NAMES "i=; h=from; " END, MOON_RESULT_NEUTRAL, "i= is no identity"},
    {START NAMES "i=a@example.com=; h=from; " END, MOON_RESULT_NEUTRAL, "i= is no identity"},
    {START NAMES "i=a=4@example.com; h=from; " END, MOON_RESULT_NEUTRAL, "i= is no identity"},
    {START NAMES "i=a=00@example.com; h=from; " END, MOON_RESULT_NEUTRAL, "i= is no identity"},
    {START NAMES "i=a=1F@example.com; h=from; " END, MOON_RESULT_NEUTRAL, "i= is no identity"},
    {START NAMES "i=a=7F@example.com; h=from; " END, MOON_RESULT_NEUTRAL, "i= is no identity"},
    {START NAMES "i=a=7E=20=80@example.com; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "i=@example.co=6D; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "i=@example.com=4x; h=from; " END, MOON_RESULT_NEUTRAL, "i= is no identity"},
    {START NAMES "i=@example.com=00; h=from; " END, MOON_RESULT_NEUTRAL, "i= is no identity"},
    {START NAMES "i=a@b\"@example.com; h=from; " END, MOON_RESULT_NEUTRAL, "no identity"},
    {START NAMES "i=\"\"@\"@example.com; h=from; " END, MOON_RESULT_NEUTRAL, "no identity"},
    {START NAMES "i=a=4x@example.com; h=from; " END, MOON_RESULT_NEUTRAL, "i= is no identity"},
    {START NAMES "i=a=x4@example.com; h=from; " END, MOON_RESULT_NEUTRAL, "i= is no identity"},
    {START NAMES "i=a=0D=0A@example.com; h=from; " END, MOON_RESULT_NEUTRAL, "i= is no identity"},
    /* h=: RFC 6376 section 5.4 */
    {START NAMES "h=From : To:\r\n Subject; " END, MOON_RESULT_NONE, ""},
    {START NAMES "h=:from::to:; " END, MOON_RESULT_NONE, ""},
    {START NAMES "h=to:subject; " END, MOON_RESULT_PERMERROR, "does not name From"},
    {START NAMES "h=; " END, MOON_RESULT_NEUTRAL, "no h="},
    {START NAMES "h=from:a b; " END, MOON_RESULT_NEUTRAL, "no field name"},
    {START NAMES "h=from: \x7f"
                 "a; " END,
     MOON_RESULT_NEUTRAL, ""},
    {START NAMES "h=from:!a~; " END, MOON_RESULT_NONE, ""},
    /* numbers */
    {START NAMES "l=0; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "l=9223372036854775807; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "l=9223372036854775808; h=from; " END, MOON_RESULT_NEUTRAL, "l= is no length"},
    {START NAMES "l=18446744073709551615; h=from; " END, MOON_RESULT_NEUTRAL, "l= is no length"},
    {START NAMES "l=00000000000000000001; h=from; " END, MOON_RESULT_NEUTRAL, "l= is no length"},
    {START NAMES "l=+5; h=from; " END, MOON_RESULT_NEUTRAL, "l= is no length"},
    {START NAMES "l=-1; h=from; " END, MOON_RESULT_NEUTRAL, "l= is no length"},
    {START NAMES "l=; h=from; " END, MOON_RESULT_NEUTRAL, "l= is no length"},
    {START NAMES "t=1; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "t=1700000299; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "t=1700000300; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "t=1700000301; h=from; " END, MOON_RESULT_PERMERROR, "in the future"},
    {START NAMES "t=0; x=1700000000; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "t=1700000000; x=1700000001; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "t=0; x=0; h=from; " END, MOON_RESULT_PERMERROR, "later than t="},
    {START NAMES "x=0; h=from; " END, MOON_RESULT_PERMERROR, "has expired"},
    {START NAMES "x=1699999700; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "t=soon; h=from; " END, MOON_RESULT_NEUTRAL, "t= is no time"},
    {START NAMES "x=1699999701; h=from; " END, MOON_RESULT_NONE, ""},
    {START NAMES "x=1699999699; h=from; " END, MOON_RESULT_PERMERROR, "has expired"},
    {START NAMES "t=1690000000; x=1690000000; h=from; " END, MOON_RESULT_PERMERROR,
     "later than t="},
    {START NAMES "x=18446744073709551614; h=from; " END, MOON_RESULT_NEUTRAL, "x= is no time"},
};

static void tells_signatures_from_what_is_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_sig sig = parse(table[i].tags);
        if (sig.result != table[i].want || !strstr(sig.reason, table[i].reason))
            fail_msg("'%s': got %s (%s), want %s (%s)", table[i].tags, moon_result_name(sig.result),
                     sig.reason, moon_result_name(table[i].want), table[i].reason);
    }
}

/* RFC 8617 sections 4.1.2 and 4.1.3: no v=, i= is the instance, a seal has no c=, h=, bh=. */
static void reads_the_signatures_of_arc_by_their_own_rules(void **state)
{
    static const char set[] = "i=1; a=rsa-sha256; " NAMES, seal[] = "b=QUJD; ";
    static const struct {
        enum moon_sig_kind kind;
        const char *start, *more;
        enum moon_result want;
        const char *reason;
    } cases[] = {
        {MOON_SIG_KIND_ARC_MESSAGE, set, "h=to; " END, MOON_RESULT_NONE, ""},
        {MOON_SIG_KIND_ARC_MESSAGE, set, "h=; " END, MOON_RESULT_NONE, ""},
        {MOON_SIG_KIND_ARC_MESSAGE, set, END, MOON_RESULT_NEUTRAL, "no h="},
        {MOON_SIG_KIND_ARC_MESSAGE, set, "v=2; h=to; " END, MOON_RESULT_NONE, ""},
        {MOON_SIG_KIND_ARC_MESSAGE, set, "h=to:ARC-Seal; " END, MOON_RESULT_PERMERROR,
         "names ARC-Seal"},
        {MOON_SIG_KIND_ARC_MESSAGE, set, "h=to; q=http; " END, MOON_RESULT_NEUTRAL, "q="},
        {MOON_SIG_KIND_ARC_MESSAGE, set, "h=to; c=no; " END, MOON_RESULT_NEUTRAL, "c="},
        {MOON_SIG_KIND_ARC_MESSAGE, set, "h=to; l=a; " END, MOON_RESULT_NEUTRAL, "l="},
        {MOON_SIG_KIND_ARC_MESSAGE, set, "h=to; b=QUJD", MOON_RESULT_NEUTRAL, "no bh="},
        {MOON_SIG_KIND_ARC_SEAL, set, seal, MOON_RESULT_NONE, ""},
        {MOON_SIG_KIND_ARC_SEAL, set, "c=no; q=no; l=a; x=0; b=QUJD", MOON_RESULT_NONE, ""},
        {MOON_SIG_KIND_ARC_SEAL, set, "h=to; b=QUJD", MOON_RESULT_PERMERROR,
         "not allowed in a seal"},
        {MOON_SIG_KIND_ARC_SEAL, set, "t=1700000301; b=QUJD", MOON_RESULT_PERMERROR,
         "in the future"},
        {MOON_SIG_KIND_ARC_SEAL, "i=50; a=rsa-sha256; " NAMES, seal, MOON_RESULT_NONE, ""},
        {MOON_SIG_KIND_ARC_SEAL, "i=51; a=rsa-sha256; " NAMES, seal, MOON_RESULT_NEUTRAL,
         "1 to 50"},
        {MOON_SIG_KIND_ARC_SEAL, "i=0; a=rsa-sha256; " NAMES, seal, MOON_RESULT_NEUTRAL, "1 to 50"},
        {MOON_SIG_KIND_ARC_SEAL, "i=01; a=rsa-sha256; " NAMES, seal, MOON_RESULT_NONE, ""},
        {MOON_SIG_KIND_ARC_SEAL, "i=001; a=rsa-sha256; " NAMES, seal, MOON_RESULT_NEUTRAL,
         "1 to 50"},
        {MOON_SIG_KIND_ARC_SEAL, "a=rsa-sha256; " NAMES, seal, MOON_RESULT_NEUTRAL, "1 to 50"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct moon_sig sig = parse_kind(
            cases[i].kind, moon_arena_printf(arena, "%s%s", cases[i].start, cases[i].more));
        if (sig.result != cases[i].want || !strstr(sig.reason, cases[i].reason))
            fail_msg("case %zu: got %s (%s), want %s (%s)", i, moon_result_name(sig.result),
                     sig.reason, moon_result_name(cases[i].want), cases[i].reason);
    }
}

static void keeps_what_can_be_read_of_a_refused_signature(void **state)
{
    (void)state;
    struct moon_sig sig = parse("v=1; a=rsa-sha1; d=Example.COM; s=Sel; i=a@x.example.com; t=5; "
                                "c=relaxed; l=7; h=:From:T::from:; " END);
    assert_int_equal(sig.result, MOON_RESULT_POLICY);
    assert_string_equal(sig.algorithm_text, "rsa-sha1");
    assert_string_equal(sig.domain, "example.com");
    assert_string_equal(sig.key_name, "sel._domainkey.example.com");
    assert_string_equal(sig.identity, "a@x.example.com");
    assert_string_equal(sig.identity_domain, "x.example.com");
    assert_string_equal(sig.signature_start, "QUJDREVG");
    assert_int_equal(sig.signed_at_s, 5);
    assert_int_equal(sig.expires_s, -1);
    assert_int_equal(sig.body_length, 7);
    assert_int_equal(sig.header_canon, MOON_SIG_CANON_RELAXED);
    assert_int_equal(sig.body_canon, MOON_SIG_CANON_SIMPLE);
    assert_int_equal(sig.name_count, 3);
    assert_string_equal(sig.names[1].name, "t");
    assert_int_equal(sig.names[2].occurrence, 1);
    sig = parse(START NAMES "h=from; l=1x; t=2x; x=3x; " END);
    assert_true(sig.body_length == -1 && sig.signed_at_s == -1 && sig.expires_s == -1);
}

static void reads_quoted_bytes_of_an_identity_and_no_white_space(void **state)
{
    (void)state;
    struct moon_sig sig = parse(START NAMES "i=a b\tc\r\n d@exam\r\n\tple.com; h=from; " END);
    assert_int_equal(sig.result, MOON_RESULT_NONE);
    assert_string_equal(sig.identity, "abcd@example.com");
    assert_string_equal(sig.identity_domain, "example.com");
    sig = parse(START NAMES "i=a=7E=20=C3=a9b@example.com; h=from; " END);
    assert_string_equal(sig.identity, "a~ \xc3\xa9"
                                      "b@example.com");
}

static char *repeated(const char *text, size_t count)
{
    struct moon_str str;
    moon_str_begin(&str, arena);
    for (size_t i = 0; i < count; i++)
        moon_str_addf(&str, text, i);
    return moon_str_end(&str);
}

static void refuses_excess_with_policy(void **state)
{
    const struct {
        const char *format, *part;
        size_t count;
        const char *reason; /* "" for the largest that is taken */
    } cases[] = {
        {START NAMES "h=from; x=4000000000; y%s=; " END, "yyyyyyyyyy", 1700, "16384 bytes"},
        {START NAMES "h=from; %s" END, "x%zu=1; ", 33, ""},
        {START NAMES "h=from; %s" END, "x%zu=1; ", 34, "40 tags"},
        {START NAMES "h=from; %s" END "; ", "x%zu=1; ", 33, ""},
        {START NAMES "h=from; %s" END " ;;", "x%zu=1; ", 33, "40 tags"},
        {";" START NAMES "h=from; %s" END, "x%zu=1; ", 33, "40 tags"},
        {START NAMES "h=from%s; " END, ":a%zu", 499, ""},
        {START NAMES "h=from%s; " END, ":a%zu", 500, "500 names"},
        {START NAMES "h=from%s; " END, ":%0100zu", 41, "4095 bytes"},
        {START NAMES "i=%s@example.com; h=from; " END, "a", 242, ""},
        {START NAMES "i=%s@example.com; h=from; " END, "a", 243, "254 bytes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *part = repeated(cases[i].part, cases[i].count);
        char *tags = moon_arena_printf(arena, cases[i].format, part);
        struct moon_sig sig = parse(tags);
        enum moon_result want = *cases[i].reason ? MOON_RESULT_POLICY : MOON_RESULT_NONE;
        if (sig.result != want || !strstr(sig.reason, cases[i].reason))
            fail_msg("case %zu: got %s (%s), want %s (%s)", i, moon_result_name(sig.result),
                     sig.reason, moon_result_name(want), cases[i].reason);
    }
}

/* Each text is the longest that is taken; one byte more is refused. RFC 1035 section 2.3.4 for the
 * name, our own limits else. */
static void takes_the_longest_of_everything(void **state)
{
    static const char start[] = "DKIM-Signature: " START;
    static const struct {
        const char *format;
        size_t filled; /* how many bytes have to stand for %s */
        enum moon_result want;
        const char *reason;
    } cases[] = {
        {START NAMES "h=from; " END "; z=%s", /* of the field */
         MOON_SIG_BYTES_MAX - (sizeof start - 1) - sizeof NAMES "h=from; " END "; z=" + 1,
         MOON_RESULT_POLICY, "16384 bytes"},
        {START NAMES "h=from:%s; " END, MOON_SIG_NAMES_BYTES_MAX - 5, MOON_RESULT_POLICY,
         "4095 bytes"},
    };
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (size_t more = 0; more < 2; more++) {
            char *part = repeated("a", cases[i].filled + more);
            struct moon_sig sig = parse(moon_arena_printf(arena, cases[i].format, part));
            enum moon_result want = more ? cases[i].want : MOON_RESULT_NONE;
            if (sig.result != want || !strstr(sig.reason, more ? cases[i].reason : ""))
                fail_msg("case %zu, %zu more: got %s (%s), want %s", i, more,
                         moon_result_name(sig.result), sig.reason, moon_result_name(want));
            assert_true(more == 0 || i > 0 || sig.body_length == -1);
            assert_true(more == 0 || i > 0 || (sig.signed_at_s == -1 && sig.expires_s == -1));
        }
    /* three labels of 63, and what is left of 253 beside "._domainkey.example.com" */
    for (size_t last = 38; last <= 39; last++) {
        char *label = repeated("a", 63);
        struct moon_sig sig =
            parse(moon_arena_printf(arena, START "d=example.com; s=%s.%s.%s.%s; h=from; " END,
                                    label, label, label, repeated("a", last)));
        assert_int_equal(sig.result, last == 38 ? MOON_RESULT_NONE : MOON_RESULT_PERMERROR);
        assert_int_equal(sig.key_name ? strlen(sig.key_name) : 0, last == 38 ? 253 : 0);
    }
}

static void reads_nothing_behind_the_end_of_the_field(void **state)
{
    static const char text[] = "DKIM-Signature: " START NAMES "h=from; " END "; i=a@example.com=4";
    static const char hex[] = {'0', 'A'};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct moon_field field;
        struct moon_sig sig;
        bool is_field = false;
        char *longer = moon_arena_printf(arena, "%s%c", text, hex[i]);
        assert_int_equal(
            moon_field_parse(arena, (struct moon_span){longer, sizeof text - 1}, &field, &is_field),
            MOON_OK);
        assert_int_equal(moon_sig_parse(arena, &field, NOW, &sig), MOON_OK);
        assert_int_equal(sig.result, MOON_RESULT_NEUTRAL);
        assert_string_equal(sig.reason, "i= is no identity");
    }
}

static void tells_of_b_only_what_the_field_has(void **state)
{
    static const char text[] = "DKIM-Signature: " START NAMES "h=from; " BH "b=QUJDA";
    struct moon_field field;
    struct moon_sig sig;
    bool is_field = false;
    (void)state;
    struct moon_span shorter = {text, sizeof text - 2};
    assert_int_equal(moon_field_parse(arena, shorter, &field, &is_field), MOON_OK);
    assert_int_equal(moon_sig_parse(arena, &field, NOW, &sig), MOON_OK);
    assert_string_equal(sig.signature_start, "QUJD");
}

static void takes_the_value_of_b_out_with_the_white_space_around(void **state)
{
    static const struct {
        const char *tags, *want;
    } cases[] = {
        {START NAMES "h=from; " BH "b=QUJD", START NAMES "h=from; " BH "b="},
        {START NAMES "h=from; " BH "b = QU\r\n JD ;", START NAMES "h=from; " BH "b =;"},
        {"b=\r\n\tQUJD\r\n ; v=1; ab=x; bb=y; " BH, "b=; v=1; ab=x; bb=y; " BH},
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct moon_sig sig = parse(cases[i].tags);
        struct moon_span text;
        assert_true(moon_sig_unsigned_text(arena, &sig, &text));
        assert_string_equal(moon_arena_dup(arena, text),
                            moon_arena_printf(arena, "DKIM-Signature: %s", cases[i].want));
    }
}

static void tells_the_start_of_b_as_it_is_and_nothing_without_b(void **state)
{
    struct moon_span text;
    (void)state;
    struct moon_sig sig = parse(START NAMES "h=from; bh=; b=+/ A9=+/+/+/AAAA");
    assert_null(sig.signature_start);
    sig = parse(START NAMES "h=from; bh=; b=+/ A9/+/+AAA=");
    assert_string_equal(sig.signature_start, "+/A9/+/+");
    sig = parse(START NAMES "h=from; bh=");
    assert_false(moon_sig_unsigned_text(arena, &sig, &text));
    sig = parse(START NAMES "h=from; " END);
    moon_arena_fail_at(arena, 1);
    assert_false(moon_sig_unsigned_text(arena, &sig, &text));
}

/* There are `least` requests at least; with all of them the result is `want`. */
static void fails_without_memory(const char *text, size_t least, enum moon_result want)
{
    size_t failed = 0;
    for (size_t n = 1; n < 100; n++) {
        struct moon_arena *small = moon_arena_create(1u << 20);
        struct moon_field field;
        struct moon_sig sig;
        bool is_field;
        assert_int_equal(moon_field_parse(small, moon_span_of(text), &field, &is_field), MOON_OK);
        moon_arena_fail_at(small, n);
        enum moon_status status = moon_sig_parse(small, &field, NOW, &sig);
        assert_true(status == MOON_OK || status == MOON_ENOMEM);
        failed += status == MOON_ENOMEM;
        moon_arena_destroy(&small);
        if (status == MOON_OK) {
            assert_int_equal(sig.result, want);
            break;
        }
    }
    assert_true(failed >= least && failed < 99);
}

static void reports_exhausted_memory_wherever_it_happens(void **state)
{
    (void)state;
    fails_without_memory("DKIM-Signature: " START NAMES "i=a@example.com; h=from:to; " END, 11,
                         MOON_RESULT_NONE);
    fails_without_memory("DKIM-Signature: " START NAMES "h=from; word; " END, 5,
                         MOON_RESULT_NEUTRAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_signatures_from_what_is_none, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(reads_the_signatures_of_arc_by_their_own_rules, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(keeps_what_can_be_read_of_a_refused_signature, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(reads_quoted_bytes_of_an_identity_and_no_white_space,
                                        arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(refuses_excess_with_policy, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(takes_the_longest_of_everything, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(reads_nothing_behind_the_end_of_the_field, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(tells_of_b_only_what_the_field_has, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(takes_the_value_of_b_out_with_the_white_space_around,
                                        arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(tells_the_start_of_b_as_it_is_and_nothing_without_b,
                                        arena_begin, arena_end),
        cmocka_unit_test(reports_exhausted_memory_wherever_it_happens),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
