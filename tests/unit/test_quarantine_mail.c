/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/cmd/quarantine_mail.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/cmd/quarantine_mail.h"
#include "tests/support/arena_case.h"

#define TOP                                                                                        \
    "Return-path: <ann@bank.example>\n"                                                            \
    "Envelope-to: joe@acme.test,\n sue@acme.test\n"                                                \
    "Delivery-date: Sat, 21 Nov 2026 12:00:00 +0000\n"
#define WHY "X-Moonscan-Quarantined: id=1xUnB4-0004Eo-2U spf=fail dkim=none\n"

static struct moon_quarantine_mail read_text(const char *text)
{
    struct moon_quarantine_mail mail;
    assert_int_equal(moon_quarantine_mail_read(arena, moon_span_of(text), &mail), MOON_OK);
    return mail;
}

/* The header as it would be handed to Exim. */
static const char *left(const struct moon_quarantine_mail *mail)
{
    struct moon_str str;
    const char *at = mail->header.p;

    moon_str_begin(&str, arena);
    for (size_t i = 0; i < mail->cut_count; i++) {
        moon_str_add_span(&str, (struct moon_span){at, (size_t)(mail->cut[i].p - at)});
        at = mail->cut[i].p + mail->cut[i].n;
    }
    moon_str_add_span(&str, (struct moon_span){at, (size_t)(mail->header.p + mail->header.n - at)});
    return moon_str_end(&str);
}

static void reads_what_the_transport_has_written(void **state)
{
    (void)state; /* cmocka's, not used */
    static const char text[] = TOP "Received: by mx\n\tid 1xUnB4-0004Eo-2U\nFrom: Ann\n <a@b>\n"
                                   "Subject: odd\nSubject: second\n" WHY "\nbody\n";
    struct moon_quarantine_mail mail = read_text(text);
    assert_null(mail.refused);
    assert_string_equal(mail.id, "1xUnB4-0004Eo-2U");
    assert_string_equal(mail.why, "spf=fail dkim=none");
    assert_string_equal(mail.sender, "ann@bank.example");
    assert_int_equal(mail.recipient_count, 2);
    assert_string_equal(mail.recipients[0], "joe@acme.test");
    assert_string_equal(mail.recipients[1], "sue@acme.test");
    assert_string_equal(mail.from, "Ann <a@b>");
    assert_string_equal(mail.subject, "odd");
    assert_string_equal(left(&mail), "Received: by mx\n\tid 1xUnB4-0004Eo-2U\nFrom: Ann\n <a@b>\n"
                                     "Subject: odd\nSubject: second\n");
    assert_string_equal(text + mail.body_at, "body\n");
}

static void believes_only_fields_on_top_and_the_last_reason(void **state)
{
    (void)state; /* cmocka's, not used */
    /* The sender's own, below a field of another name, or again. */
    struct moon_quarantine_mail mail =
        read_text(TOP "Return-path: <evil@x.example>\nEnvelope-to: evil@x.example\n"
                      "X-Moonscan-Quarantined: id=forged spf=pass\nSubject: x\n" WHY "\n");
    assert_string_equal(mail.sender, "ann@bank.example");
    assert_int_equal(mail.recipient_count, 2);
    assert_string_equal(mail.id, "1xUnB4-0004Eo-2U");
    assert_string_equal(left(&mail), "Return-path: <evil@x.example>\nEnvelope-to: evil@x.example\n"
                                     "X-Moonscan-Quarantined: id=forged spf=pass\nSubject: x\n");
    mail = read_text("Subject: x\n" TOP "\nbody");
    assert_null(mail.sender);
    assert_int_equal(mail.recipient_count, 0);
    assert_non_null(mail.refused);
    assert_string_equal(left(&mail), "Subject: x\n" TOP);
    /* In the body they are text. */
    mail = read_text(TOP "\n" WHY);
    assert_null(mail.id);
    assert_string_equal(mail.why, "");
}

static void reads_any_bytes(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "x",
        ":",
        ":\n\n",
        " folded\n",
        "Return-path",
        "Return-path:",
        "Envelope-to:\n",
        "X-Moonscan-Quarantined:\n",
        "X-Moonscan-Quarantined: id=\n\n",
        "X-Moonscan-Quarantined: id=a/b spf=pass\n\n",
        "Subject: x\r\n\r\nbody",
        "\r\n body",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct moon_quarantine_mail mail = read_text(texts[i]);
        assert_null(mail.id);
        assert_non_null(mail.refused);
        assert_true(mail.header.n <= mail.body_at && mail.body_at <= strlen(texts[i]));
    }
    struct moon_quarantine_mail mail = read_text("Subject: x\r\n\r\nbody");
    assert_int_equal(mail.body_at, 14);
    assert_string_equal(mail.subject, "x");
}

struct envelope {
    const char *sender, *to;
    int recipients; /* -1: refused */
};

static void addresses_are_strict(void **state)
{
    static const struct envelope rows[] = {
        {"<a@b>", "a@b", 1},
        {"<>", "a@b", 1},
        {"<a@b>", "a@b, c@d,e@f", 3},
        {"<a@b>", "\"a,b\"@c, d@e", 2},
        {"<a@b>", "\"a\\\",b\"@c", 1},
        {"<a@b>", "\"a b\"@c", 1},
        {"<a@b>", "o'neil+x/y=z@c.example", 1},
        {"<a@b>", "x@[192.0.2.1]", 1},
        {"<a@b>", "\xc3\xa9@\xc3\xa9.example", 1},
        {"<a@b>", "", -1},
        {"<a@b>", ",", -1},
        {"<a@b>", "a@b,", 1},
        {"<a@b>", "a@b,,c@d", -1},
        {"<a@b>", "a", -1},
        {"<a@b>", "@b", -1},
        {"<a@b>", "a@", -1},
        {"<a@b>", "-oX@b", -1},
        {"<a@b>", "a b@c", -1},
        {"<a@b>", "a@b c", -1},
        {"<a@b>", "a@b <c@d>", -1},
        {"<a@b>", "(c)a@b", -1},
        {"<a@b>", ":include:/etc/passwd", -1},
        {"<a@b>", "/etc/passwd@", -1},
        {"<a@b>", "a@b;c", -1},
        {"<a@b>", "a@b\x01", -1},
        {"<a@b>", "\"a@b", -1},
        {"<a@b>", "\"a\"b@c", -1},
        {"<a@b>", "\"a\\", -1},
        {"a@b", "a@b", -1},
        {"<a@b", "a@b", -1},
        {"", "a@b", -1},
        {"<a b@c>", "a@b", -1},
        {"<-oX@c>", "a@b", -1},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct moon_quarantine_mail mail = read_text(moon_arena_printf(
            arena, "Return-path: %s\nEnvelope-to: %s\n\n", rows[i].sender, rows[i].to));
        if ((rows[i].recipients < 0) != (mail.refused != NULL) ||
            (!mail.refused && (size_t)rows[i].recipients != mail.recipient_count))
            fail_msg("from %s to %s: got %zu recipients (%s), want %d", rows[i].sender, rows[i].to,
                     mail.recipient_count, mail.refused ? mail.refused : "good",
                     rows[i].recipients);
    }
}

static void bounds_hold(void **state)
{
    char local[400];
    struct moon_str str;

    (void)state; /* cmocka's, not used */
    memset(local, 'a', sizeof local);
    for (int n = 318; n <= 319; n++) {
        const char *address = moon_arena_printf(arena, "%.*s@b", n, local);
        assert_true(moon_quarantine_is_address(moon_span_of(address)) == (n == 318));
    }
    for (int n = 200; n <= 201; n++)
        assert_true(moon_quarantine_is_name((struct moon_span){local, (size_t)n}) == (n == 200));
    for (unsigned n = MOON_QUARANTINE_RCPT_MAX; n <= MOON_QUARANTINE_RCPT_MAX + 1; n++) {
        moon_str_begin(&str, arena);
        moon_str_add(&str, "Return-path: <>\nEnvelope-to: a@b");
        for (unsigned i = 1; i < n; i++)
            moon_str_add(&str, ",\n a@b");
        moon_str_add(&str, "\n\n");
        struct moon_quarantine_mail mail = read_text(moon_str_end(&str));
        assert_int_equal(mail.recipient_count, n == MOON_QUARANTINE_RCPT_MAX ? n : 0);
    }
}

static void names_are_of_one_folder(void **state)
{
    static const char *const good[] = {"1xUnB4-0004Eo-2U", "1795275538.M887793P16320.mx.lab.test",
                                       "1.M1P1.x,S=123:2,RS"};
    static const char *const bad[] = {"",    ".",   "..",  ".x",   "-x",
                                      "a/b", "a b", "a\n", "a\\b", "\xc3\xa9"};
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(moon_quarantine_is_name(moon_span_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(moon_quarantine_is_name(moon_span_of(bad[i])));
}

static void survives_the_failure_of_every_allocation(void **state)
{
    bool done = false;

    (void)state; /* cmocka's, not used */
    for (size_t n = 1; !done; n++) {
        struct moon_arena *own = moon_arena_create(1 << 20);
        struct moon_quarantine_mail mail;
        moon_arena_fail_at(own, n);
        enum moon_status status =
            moon_quarantine_mail_read(own, MOON_SPAN(TOP "From: a\nSubject: b\n" WHY "\n"), &mail);
        done = status == MOON_OK;
        assert_true(done || status == MOON_ENOMEM);
        assert_true(n < 100);
        moon_arena_destroy(&own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_the_transport_has_written),
        cmocka_unit_test(believes_only_fields_on_top_and_the_last_reason),
        cmocka_unit_test(reads_any_bytes),
        cmocka_unit_test(addresses_are_strict),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(names_are_of_one_folder),
        cmocka_unit_test(survives_the_failure_of_every_allocation),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
