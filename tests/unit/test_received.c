/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/message/received.c: RFC 5321 section 4.4, and what servers make of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/status.h"
#include "engine/message/received.h"

static const char *const kinds[] = {"unclear", "client", "no client", "queue"};

/* "client 192.0.2.1 HELO NAME", or the kind alone. */
static const char *told(const char *text)
{
    static char out[1000];
    char ip[MOON_IP_TEXT_MAX];
    struct moon_received r = moon_received_parse(moon_span_of(text));

    assert_true((r.helo.p || r.helo.n == 0) && (r.host_name.p || r.host_name.n == 0));
    if (r.kind != MOON_RECEIVED_CLIENT)
        return kinds[r.kind];
    (void)snprintf(out, sizeof out, "client %s %.*s %.*s", moon_ip_format(&r.ip, ip), (int)r.helo.n,
                   r.helo.p ? r.helo.p : "", (int)r.host_name.n,
                   r.host_name.p ? r.host_name.p : "");
    return out;
}

struct row {
    const char *text, *want;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = told(rows[i].text);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s\n: got %s, want %s", rows[i].text, got, rows[i].want);
    }
}
#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

static void reads_what_mail_servers_write(void **state)
{
    static const struct row rows[] = {
        /* Postfix */
        {"from mail.example.org (mail.example.org [192.0.2.1]) (using TLSv1.3 with cipher "
         "TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 "
         "bits) server-digest SHA256) (No client certificate requested) by mx2.example.net "
         "(Postfix) with ESMTPS id 4Xyz for <joe@acme.example>; Sat, 21 Nov 2026 12:00:00 +0000",
         "client 192.0.2.1 mail.example.org mail.example.org"},
        {"from [10.1.2.3] (unknown [192.0.2.1]) by mx2 (Postfix) with ESMTP id 1; x",
         "client 192.0.2.1 [10.1.2.3] unknown"},
        {"from a (a.example [IPv6:2001:db8::1]) by mx2 (Postfix) with ESMTP id 1; x",
         "client 2001:db8::1 a a.example"},
        /* Sendmail */
        {"from a.example (a.example [192.0.2.1]) by mx2 (8.17.1/8.17.1) with ESMTPS id 4AL "
         "(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO) for <j@x>; x",
         "client 192.0.2.1 a.example a.example"},
        {"from a.example (other.example [192.0.2.1] (may be forged)) by mx2 (8.17.1) id 1; x",
         "client 192.0.2.1 a.example "},
        {"from a.example ([192.0.2.1]) by mx2 (8.17.1) with ESMTP id 1; x",
         "client 192.0.2.1 a.example "},
        {"from a.example (joe@b.example [192.0.2.1]) by mx2 (8.17.1) id 1; x",
         "client 192.0.2.1 a.example b.example"},
        {"from a.example (IDENT:joe@b.example [192.0.2.1]) by mx2 (8.17.1) id 1; x",
         "client 192.0.2.1 a.example b.example"},
        {"from a.example ([192.0.2.1] (may be forged)) by mx2 id 1; x",
         "client 192.0.2.1 a.example "},
        /* Exim */
        {"from [192.0.2.1] (helo=a.example) by mx2 with esmtp (Exim 4.96) (envelope-from "
         "<ann@by.example>) id 1; x",
         "client 192.0.2.1 a.example "},
        {"from [192.0.2.1]:4711 (port=4711 helo=[10.0.0.1] ident=joe) by mx2 with esmtp id 1; x",
         "client 192.0.2.1 [10.0.0.1] "},
        {"from [192.0.2.1] (ident=joe) by mx2 with smtp id 1; x", "client 192.0.2.1  "},
        {"from b.example ([192.0.2.1] helo=a.example) by mx2 with esmtps (TLS1.3) tls "
         "TLS_AES_256_GCM_SHA384 (Exim 4.96) id 1; x",
         "client 192.0.2.1 a.example b.example"},
        {"from b.example ([2001:db8::2]:4711 port=4711 helo=a.example) by mx2 id 1; x",
         "client 2001:db8::2 a.example b.example"},
        {"from b.example ([192.0.2.1]) by mx2 with esmtp (Exim 4.96) id 1; x",
         "client 192.0.2.1 b.example "},
        {"from b.example ([192.0.2.1] ident=joe) by mx2 with esmtp (Exim 4.96) id 1; x",
         "client 192.0.2.1 b.example "},
        {"from ann by mx2 with local (Exim 4.96) (envelope-from <ann@mx2>) id 1; x", "no client"},
        /* Exchange */
        {"from a.example (192.0.2.1) by EX1.corp.example (10.0.0.1) with Microsoft SMTP Server "
         "(version=TLS1_2, cipher=TLS_ECDHE) id 15.1.2507.6; Sat, 21 Nov 2026 12:00:00 +0000",
         "client 192.0.2.1 a.example "},
        {"from a.example (2001:db8::1) by EX1 (fe80::1) with Microsoft SMTP Server id 15; x",
         "client 2001:db8::1 a.example "},
        /* qmail */
        {"(qmail 4242 invoked from network); 21 Nov 2026 12:00:00 -0000", "queue"},
        {"(qmail 4242 invoked by uid 89); 21 Nov 2026 12:00:00 -0000", "no client"},
        {"from unknown (HELO a.example) (192.0.2.1) by mx2 with SMTP; x",
         "client 192.0.2.1 a.example "},
        {"from b.example (HELO [10.9.9.9]) (joe@192.0.2.1) by mx2 with SMTP; x",
         "client 192.0.2.1 [10.9.9.9] "},
        {"from b.example (192.0.2.1) by mx2 with SMTP; x", "client 192.0.2.1 b.example "},
        {"from b.example (EHLO a.example) ([192.0.2.1]) by mx2 with SMTP; x",
         "client 192.0.2.1 a.example "},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

static void reads_what_others_write_as_far_as_it_is_clear(void **state)
{
    static const struct row rows[] = {
        {"from mail-x.example (mail-x.example. [192.0.2.1]) by mx2 with ESMTPS id x; x",
         "client 192.0.2.1 mail-x.example mail-x.example."},
        {"from localhost ([127.0.0.1]) by localhost (mx2 [127.0.0.1]) (amavisd-new, port 10024) "
         "with ESMTP id x for <j@x>; x",
         "client 127.0.0.1 localhost "},
        {"by mx2.example (Postfix, from userid 1000) id 4Xyz; x", "no client"},
        {"from a (b [192.0.2.1]) by mx2 (Postfix by hand, from source) id x; x",
         "client 192.0.2.1 a b"},
        {"from a~\xc3\xa9 (b [192.0.2.1]) by mx2; x", "client 192.0.2.1 a~\xc3\xa9 b"},
        {"from a (b [192.0.2.1]:65535) by mx2; x", "client 192.0.2.1 a b"},
        {"from a (@192.0.2.1) by mx2; x", "client 192.0.2.1 a "},
        {"from a (@b [192.0.2.1]) by mx2; x", "client 192.0.2.1 a b"},
        {"from a (j@k@b [192.0.2.1]) by mx2; x", "client 192.0.2.1 a b"},
        /* as much as is read */
        {"from a (b [192.0.2.1] (1 (2 (3)))) by mx2; x", "client 192.0.2.1 a "},
        {"from a (b [192.0.2.1]) (c) (d) (e) (f) (1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 "
         "20 21 22 23 24) by mx2; x",
         "client 192.0.2.1 a b"},
        {"FROM a.example\t( a.example\t[192.0.2.1] )\tBY mx2; x",
         "client 192.0.2.1 a.example a.example"},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

static void says_unclear_when_another_reading_is_possible(void **state)
{
    static const struct row rows[] = {
        {"", "unclear"},
        {"from", "unclear"},
        {"from ", "unclear"},
        {"from a", "unclear"},
        {"fromage a (192.0.2.1) by mx2", "unclear"},
        {"from a.example (192.0.2.1)", "unclear"},
        {"from a.example (192.0.2.1) with SMTP", "unclear"},
        {"from [192.0.2.1] by mx2 with SMTP; x", "unclear"}, /* a HELO, or the address? */
        {"from a.example () by mx2; x", "unclear"},
        {"from a.example (unknown) by mx2; x", "unclear"},
        {"from a.example (b.example) (192.0.2.1) by mx2; x", "unclear"},
        /* two addresses */
        {"from x (y [203.0.113.9]) (real [192.0.2.1]) by mx2; x", "unclear"},
        {"from x (y [203.0.113.9] [192.0.2.1]) by mx2; x", "unclear"},
        {"from x (203.0.113.9 [192.0.2.1]) by mx2; x", "unclear"},
        {"from x ([203.0.113.9] [192.0.2.1]) by mx2; x", "unclear"},
        {"from [203.0.113.9] (helo=x) ([192.0.2.1]) by mx2; x", "unclear"},
        {"from [203.0.113.9] (helo=x [192.0.2.1]) by mx2; x", "unclear"},
        {"from x (HELO x) (203.0.113.9) (192.0.2.1) by mx2; x", "unclear"},
        {"from x (HELO x [203.0.113.9]) (192.0.2.1) by mx2; x", "unclear"},
        {"from x (HELO y) by mx2; x", "unclear"},
        {"from x (HELO y) (z) by mx2; x", "unclear"},
        {"from x (HELO y) (z) (192.0.2.1) by mx2; x", "unclear"},
        {"from x (HELO y) (z 192.0.2.1) by mx2; x", "unclear"},
        {"from x () ([192.0.2.1]) by mx2; x", "unclear"},
        {"from [192.0.2.1] () by mx2; x", "unclear"},
        {"from x ((y) [192.0.2.1]) by mx2; x", "unclear"},
        {"from x (helo=y [192.0.2.1]) by mx2; x", "unclear"},
        /* a second clause: a client's name that has shifted the words */
        {"from x (y [203.0.113.9]) by mx2 (z [192.0.2.1]) by mx2; x", "unclear"},
        {"from x (y [203.0.113.9]) by mx2 from y (z [192.0.2.1]) by mx2; x", "unclear"},
        {"from x (y [203.0.113.9]) by mx2 (open by", "unclear"},
        /* ill-formed */
        {"from x(y (z [192.0.2.1]) by mx2; x", "unclear"},
        {"from x) (z [192.0.2.1]) by mx2; x", "unclear"},
        {"from x (z [192.0.2.1] by mx2; x", "unclear"},
        {"from x (z [192.0.2.1\\]) by mx2; x", "unclear"},
        {"from x ((((((z [192.0.2.1])))))) by mx2; x", "unclear"},
        {"from x (y [192.0.2.1] (1 (2 (3 (4))))) by mx2; x", "unclear"},
        {"from x (a b [192.0.2.1]) by mx2; x", "unclear"},
        {"from x (a [192.0.2.1] b) by mx2; x", "unclear"},
        {"from x ([192.0.2.1] b) by mx2; x", "unclear"},
        {"from x ([192.0.2.1] helo=a helo=b) by mx2; x", "unclear"},
        {"from x ([192.0.2.1] name=a) by mx2; x", "unclear"},
        {"from x ([192.0.2.1] helo) by mx2; x", "unclear"},
        {"from x (a [192.0.2.1]:65536) by mx2; x", "unclear"},
        {"from x (a [192.0.2.1]:) by mx2; x", "unclear"},
        {"from x (a [192.0.2.1]x) by mx2; x", "unclear"},
        {"from x (a [192.0.2.256]) by mx2; x", "unclear"},
        {"from x (a [192.0.2.1) by mx2; x", "unclear"},
        {"from x (a []) by mx2; x", "unclear"},
        {"from x (a [UNIX: localhost]) by mx2; x", "unclear"},
        {"from x (a [fe80::1%3]) by mx2; x", "unclear"},
        {"from x (a [192.0.2.1]) (b) (c) (d) (e) (f) (g) by mx2; x", "unclear"},
        {"from x (a [192.0.2.1]) (1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 "
         "25) by mx2; x",
         "unclear"},
        {"from x (a\x01 [192.0.2.1]) by mx2; x", "unclear"},
        {"from x (a\x1f [192.0.2.1]) by mx2; x", "unclear"},
        {"from x (a\x7f [192.0.2.1]) by mx2; x", "unclear"},
        {"(qmail 4242 invoked from network", "unclear"},
        {"(qmail invoked) from x (192.0.2.1) by mx2", "no client"},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

static void takes_no_longer_field_or_name_than_servers_write(void **state)
{
    char text[4000], helo[300];

    (void)state; /* cmocka's, not used */
    memset(helo, 'a', sizeof helo);
    for (int n = 255; n <= 256; n++) {
        (void)snprintf(text, sizeof text, "from %.*s (b [192.0.2.1]) by mx2; x", n, helo);
        assert_string_equal(strncmp(told(text), "client", 6) == 0 ? "client" : told(text),
                            n == 255 ? "client" : "unclear");
    }
    for (int n = 2000; n <= 2001; n++) {
        int used = snprintf(text, sizeof text, "from a (b [192.0.2.1]) by mx2; ");
        memset(text + used, 'x', sizeof text - (size_t)used);
        text[n] = '\0';
        assert_string_equal(told(text), n == 2000 ? "client 192.0.2.1 a b" : "unclear");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_mail_servers_write),
        cmocka_unit_test(reads_what_others_write_as_far_as_it_is_clear),
        cmocka_unit_test(says_unclear_when_another_reading_is_possible),
        cmocka_unit_test(takes_no_longer_field_or_name_than_servers_write),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
