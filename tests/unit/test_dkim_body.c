/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/dkim.c: a pass needs both, a b= that libopendkim finds right and a bh= that
 * is the hash we made (RFC 6376 section 6.1.3). Each message is also judged by the signature core,
 * its body in pieces; and ARC takes the hashes that were made for DKIM.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/arc.h"
#include "engine/auth/dkim.h"
#include "tests/support/arc_chain.h"
#include "tests/support/dkim_case.h"

static const char *zone;

static int set_up(void **state)
{
    int failed = moon_chain_begin(state);
    char *rsa = moon_sign_record(moon_chain_rsa, 0), *ed = moon_sign_record(moon_chain_ed25519, 0);
    zone = moon_arena_printf(moon_chain_arena, "%s%s%s",
                             moon_case_txt(moon_chain_arena, "rsa._domainkey.example.com", rsa),
                             moon_case_txt(moon_chain_arena, "ed._domainkey.example.com", ed),
                             moon_case_txt(moon_chain_arena, "k._domainkey.a.example", rsa));
    free(rsa);
    free(ed);
    return failed || !zone;
}

static char *sign_text(const struct moon_sign *sign, EVP_PKEY *key, const char *text)
{
    size_t size;
    char *out = moon_sign_message(sign, key, text, strlen(text), &size);
    assert_non_null(out);
    char *copy = moon_arena_dup(moon_chain_arena, (struct moon_span){out, size});
    free(out);
    return copy;
}

/* The first `from` below the signatures becomes `to`; NULL changes nothing. */
static char *change(const char *text, const char *from, const char *to)
{
    const char *at = from ? strstr(strstr(text, "\r\nFrom:"), from) : text;
    assert_non_null(at);
    return moon_arena_printf(moon_chain_arena, "%.*s%s%s", (int)(at - text), text, from ? to : "",
                             at + (from ? strlen(from) : 0));
}

static void expect_core(const char *text, const struct moon_dkim_sig *sig, const char *row)
{
    static const size_t chunks[] = {1, 2, 3, 5, 64, 100000};
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        const char *reason;
        enum moon_result got = moon_case_core(moon_chain_arena, zone, text, strlen(text),
                                              sig->field_index, chunks[i], &reason);
        if (got != sig->result)
            fail_msg("%s: %s, but the core says %s in chunks of %zu", row,
                     moon_result_name(sig->result), moon_result_name(got), chunks[i]);
    }
}

static const char headers_and_body[] = "From: a@example.com\nSubject: s\n\n";

static const struct {
    const char *what, *body;
    int64_t length;
    const char *from, *to, *also_from, *also_to; /* changes of the signed text */
    const char *simple, *relaxed;                /* result and reason by c= of the body */
    int64_t unsigned_bytes[2];
} both_rows[] = {
    {"as signed", "body\n", -1, NULL, NULL, NULL, NULL, "pass ", "pass ", {0, 0}},
    {"the body changed",
     "body\n",
     -1,
     "body",
     "Body",
     NULL,
     NULL,
     "fail body hash did not verify",
     "fail body hash did not verify",
     {0, 0}},
    {"the header changed",
     "body\n",
     -1,
     "Subject: s",
     "Subject: t",
     NULL,
     NULL,
     "fail signature did not verify",
     "fail signature did not verify",
     {0, 0}},
    {"both changed",
     "body\n",
     -1,
     "Subject: s",
     "Subject: t",
     "body",
     "Body",
     "fail signature did not verify",
     "fail signature did not verify",
     {0, 0}},
    {"white space added",
     "a b\n",
     -1,
     "a b",
     "a  b\t",
     NULL,
     NULL,
     "fail body hash did not verify",
     "pass ",
     {0, 0}},
    {"line ends added",
     "body\n",
     -1,
     "body\r\n",
     "body\r\n\r\n\r\n",
     NULL,
     NULL,
     "pass ",
     "pass ",
     {0, 0}},
    {"an empty body", "", -1, NULL, NULL, NULL, NULL, "pass ", "pass ", {0, 0}},
    {"a line end to an empty body",
     "",
     -1,
     "s\r\n\r\n",
     "s\r\n\r\n\r\n",
     NULL,
     NULL,
     "pass ",
     "pass ",
     {0, 0}},
    {"white space to an empty body",
     "",
     -1,
     "s\r\n\r\n",
     "s\r\n\r\n \t\r\n",
     NULL,
     NULL,
     "fail body hash did not verify",
     "pass ",
     {0, 0}},
    {"a byte to an empty body",
     "",
     -1,
     "s\r\n\r\n",
     "s\r\n\r\nx",
     NULL,
     NULL,
     "fail body hash did not verify",
     "fail body hash did not verify",
     {0, 0}},
    {"8 bits", "\x80\xff \xc3\xbc\n", -1, NULL, NULL, NULL, NULL, "pass ", "pass ", {0, 0}},
    {"8 bits changed",
     "\x80\xff\n",
     -1,
     "\x80\xff",
     "\x80\xfe",
     NULL,
     NULL,
     "fail body hash did not verify",
     "fail body hash did not verify",
     {0, 0}},
    {"a CR alone added",
     "ab\n",
     -1,
     "ab",
     "a\rb",
     NULL,
     NULL,
     "fail body hash did not verify",
     "fail body hash did not verify",
     {0, 0}},
    {"l= of it all", "body\n", 6, NULL, NULL, NULL, NULL, "pass ", "pass ", {0, 0}},
    {"l= and more behind",
     "body\n",
     6,
     "body\r\n",
     "body\r\nmore\r\n",
     NULL,
     NULL,
     "pass ",
     "pass ",
     {6, 6}},
    {"l= within a line",
     "body\n",
     3,
     "body\r\n",
     "bodY  x\r\n",
     NULL,
     NULL,
     "pass ",
     "pass ",
     {6, 5}},
    {"l= and a change within",
     "body\n",
     3,
     "body",
     "bOdy",
     NULL,
     NULL,
     "fail body hash did not verify",
     "fail body hash did not verify",
     {3, 3}},
    {"l= and a change of the header",
     "body\n",
     3,
     "Subject: s",
     "Subject: t",
     "body\r\n",
     "body\r\nmore\r\n",
     "fail signature did not verify",
     "fail signature did not verify",
     {9, 9}},
    {"l=0", "body\n", 0, "body", "all is new", NULL, NULL, "pass ", "pass ", {12, 12}},
    {"l=0 of an empty body", "", 0, NULL, NULL, NULL, NULL, "pass ", "pass ", {2, 0}},
    {"l= beyond the body",
     "body\n",
     6,
     "body",
     "bod",
     NULL,
     NULL,
     "permerror l= is larger than the body",
     "permerror l= is larger than the body",
     {-1, -1}},
    {"l= beyond the body, and a change of the header",
     "body\n",
     6,
     "body",
     "bod",
     "Subject: s",
     "Subject: t",
     "permerror l= is larger than the body",
     "permerror l= is larger than the body",
     {-1, -1}},
    {"l= beyond only what relaxed leaves",
     "a  b\n",
     5,
     "a  b",
     "a   ",
     NULL,
     NULL,
     "fail body hash did not verify",
     "permerror l= is larger than the body",
     {1, -1}},
};

static void both_must_be_right(void **state)
{
    static const char *const canons[2][2] = {{"simple/simple", "simple/relaxed"},
                                             {"relaxed/simple", "relaxed/relaxed"}};
    (void)state;
    for (size_t i = 0; i < 8 * (sizeof both_rows / sizeof *both_rows); i++) {
        size_t row = i / 8, relaxed = i & 1, ed = i >> 2 & 1;
        assert_int_equal(moon_chain_end(NULL) + set_up(NULL), 0); /* memory */
        struct moon_sign sign = moon_sign_default("example.com", ed ? "ed" : "rsa");
        sign.canon = canons[i >> 1 & 1][relaxed];
        sign.length = both_rows[row].length;
        sign.headers = "from:subject";
        char *text =
            moon_arena_printf(moon_chain_arena, "%s%s", headers_and_body, both_rows[row].body);
        text = sign_text(&sign, ed ? moon_chain_ed25519 : moon_chain_rsa, text);
        text = change(text, both_rows[row].from, both_rows[row].to);
        text = change(text, both_rows[row].also_from, both_rows[row].also_to);
        struct moon_dkim dkim = moon_case_dkim(moon_chain_arena, zone, text, strlen(text));
        assert_int_equal(dkim.count, 1);
        const char *want = relaxed ? both_rows[row].relaxed : both_rows[row].simple;
        const char *got = moon_arena_printf(
            moon_chain_arena, "%s %s", moon_result_name(dkim.sigs[0].result), dkim.sigs[0].reason);
        if (strcmp(got, want) != 0)
            fail_msg("%s, %s: got %s, want %s", both_rows[row].what, sign.canon, got, want);
        if (dkim.sigs[0].unsigned_bytes != both_rows[row].unsigned_bytes[relaxed])
            fail_msg("%s, %s: %d bytes are not signed", both_rows[row].what, sign.canon,
                     (int)dkim.sigs[0].unsigned_bytes);
        expect_core(text, &dkim.sigs[0], both_rows[row].what);
    }
}

/* RFC 6376 section 2.10: white space in a base64string says nothing. */
static void bh_may_be_folded(void **state)
{
    (void)state;
    for (size_t every = 1; every < 45; every += 11) {
        struct moon_sign sign = moon_sign_default("example.com", "ed"), plain = sign;
        struct moon_str folded;
        char *text = moon_arena_printf(moon_chain_arena, "%sbody\n", headers_and_body);
        const char *bh = strstr(sign_text(&plain, moon_chain_ed25519, text), "\tbh=") + 4;
        moon_str_begin(&folded, moon_chain_arena);
        for (size_t i = 0; bh[i] != ';'; i++) {
            if (i % every == 0)
                moon_str_add(&folded, i & 1 ? " \t" : "\r\n ");
            moon_str_add_char(&folded, bh[i]);
        }
        sign.tags = moon_arena_printf(
            moon_chain_arena,
            "v=1; a=ed25519-sha256; d=example.com; s=ed; h=from:subject; bh=%s ; b=@B@",
            moon_str_end(&folded));
        text = sign_text(&sign, moon_chain_ed25519, text);
        struct moon_dkim dkim = moon_case_dkim(moon_chain_arena, zone, text, strlen(text));
        if (dkim.result != MOON_RESULT_PASS)
            fail_msg("a space every %zu: %s", every, dkim.sigs[0].reason);
        text = change(text, "body", "Body");
        dkim = moon_case_dkim(moon_chain_arena, zone, text, strlen(text));
        assert_string_equal(dkim.sigs[0].reason, "body hash did not verify");
    }
}

/* Of two that share a hash, and a third that does not, each is judged by its own. */
static void signatures_that_share_a_hash_are_judged_singly(void **state)
{
    struct moon_sign first = moon_sign_default("example.com", "rsa"), second = first, third = first;
    (void)state;
    first.canon = second.canon = "relaxed/relaxed";
    second.selector = "ed";
    third.canon = "relaxed/simple";
    first.headers = third.headers = "from";
    second.headers = "from:subject";
    char *text = moon_arena_printf(moon_chain_arena, "%sa b\n", headers_and_body);
    text = sign_text(&first, moon_chain_rsa, text);
    text = sign_text(&second, moon_chain_ed25519, text);
    text = sign_text(&third, moon_chain_rsa, text);
    static const struct {
        const char *from, *to, *want[3];
    } rows[] = {
        {NULL, NULL, {"", "", ""}},
        {"a b", "a  b", {"body hash did not verify", "", ""}},
        {"a b",
         "a c",
         {"body hash did not verify", "body hash did not verify", "body hash did not verify"}},
        {"Subject: s", "Subject: t", {"", "signature did not verify", ""}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *changed = change(text, rows[i].from, rows[i].to);
        struct moon_dkim dkim = moon_case_dkim(moon_chain_arena, zone, changed, strlen(changed));
        assert_int_equal(dkim.count, 3);
        for (size_t k = 0; k < 3; k++) {
            assert_string_equal(dkim.sigs[k].reason, rows[i].want[k]);
            assert_int_equal(dkim.sigs[k].result,
                             rows[i].want[k][0] ? MOON_RESULT_FAIL : MOON_RESULT_PASS);
        }
    }
}

/* DKIM's reading of the body makes ARC's hashes too: it could not be read a second time. Without a
 * signature that can pass, ARC reads it itself. */
static void arc_takes_the_hashes_that_were_made_with_those_of_dkim(void **state)
{
    static const struct {
        const char *selector, *arc_canon;
        enum moon_status want;
    } rows[] = {
        {"ed", "relaxed/relaxed", MOON_OK},
        {"ed", "relaxed/simple", MOON_OK},
        {"lost", "relaxed/relaxed", MOON_EIO},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct moon_sign sign = moon_sign_default("example.com", rows[i].selector);
        struct moon_dns_backend *backend = NULL;
        struct moon_dkim_check *dkim_check;
        struct moon_arc_check *arc_check;
        struct moon_error error;
        struct moon_dkim dkim;
        struct moon_arc arc;
        assert_int_equal(moon_chain_end(NULL) + set_up(NULL), 0); /* anew */
        struct moon_seal seal = moon_chain_seal(1, "a.example");
        seal.canon = rows[i].arc_canon;
        moon_chain_add(seal);
        sign.canon = "relaxed/relaxed";
        sign.headers = "from";
        char *text = sign_text(&sign, moon_chain_ed25519, moon_chain_text());
        struct moon_message *msg = moon_case_message(moon_chain_arena, text, strlen(text));
        assert_int_equal(moon_dns_backend_zone(moon_span_of(zone), "zone", &backend, &error),
                         MOON_OK);
        struct moon_dns *dns = moon_dns_begin(moon_chain_arena, backend, 1000, 0);
        struct moon_sig_bodies *bodies = moon_sig_bodies_of(moon_chain_arena, &msg->body);
        assert_int_equal(moon_dkim_begin(moon_chain_arena, dns, msg, bodies, &dkim_check), MOON_OK);
        assert_int_equal(moon_arc_begin(moon_chain_arena, dns, msg, bodies, &arc_check), MOON_OK);
        assert_int_equal(moon_dkim_finish(dkim_check, &dkim), MOON_OK);
        msg->body = (struct moon_body){.fd = 9999, .size_bytes = 10}; /* cannot be read */
        assert_int_equal(moon_arc_finish(arc_check, &arc), rows[i].want);
        if (rows[i].want == MOON_OK) {
            assert_int_equal(dkim.result, MOON_RESULT_PASS);
            assert_int_equal(arc.result, MOON_RESULT_PASS);
        }
        moon_dns_end(&dns);
        moon_dns_backend_destroy(&backend);
    }
}

/* A body costs time: nobody reads it who need not. */
static void reads_no_body_that_nobody_wants(void **state)
{
    static const char *const tops[] = {"", "DKIM-Signature: v=1; rubbish\n"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct moon_dns_backend *backend = NULL;
        struct moon_error error;
        struct moon_dkim_check *check = NULL;
        struct moon_dkim dkim;
        char *text = moon_arena_printf(moon_chain_arena, "%s%sbody\n", tops[i], headers_and_body);
        struct moon_message *msg = moon_case_message(moon_chain_arena, text, strlen(text));
        msg->body = (struct moon_body){.fd = 9999, .size_bytes = 10}; /* cannot be read */
        assert_int_equal(moon_dns_backend_zone(MOON_SPAN(""), "zone", &backend, &error), MOON_OK);
        struct moon_dns *dns = moon_dns_begin(moon_chain_arena, backend, 1000, 0);
        assert_int_equal(moon_dkim_begin(moon_chain_arena, dns, msg,
                                         moon_sig_bodies_of(moon_chain_arena, &msg->body), &check),
                         MOON_OK);
        assert_int_equal(moon_dkim_finish(check, &dkim), MOON_OK);
        assert_int_equal(dkim.found, i);
        moon_dns_end(&dns);
        moon_dns_backend_destroy(&backend);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, moon_chain_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(both_must_be_right),
        CASE(bh_may_be_folded),
        CASE(signatures_that_share_a_hash_are_judged_singly),
        CASE(reads_no_body_that_nobody_wants),
        CASE(arc_takes_the_hashes_that_were_made_with_those_of_dkim),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, moon_chain_keys, moon_chain_keys_end);
}
