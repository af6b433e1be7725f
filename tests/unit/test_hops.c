/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/message/hops.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "engine/base/limits.h"
#include "engine/message/hops.h"
#include "tests/support/arena_case.h"

#define MX2       "192.0.2.2"
#define GATEWAY   "192.0.2.3"
#define CLIENT    "198.51.100.9"
#define FROM(ip)  "Received: from c.example (v.example [" ip "]) by x with ESMTP id 1; x\r\n"
#define FORGED    "Received: from f.example (f.example [203.0.113.1]) by y with ESMTP id 2; x\r\n"
#define MADE_HERE "Received: by mx2 (Postfix, from userid 0) id 3; x\r\n"

static struct moon_ip ip_of(const char *text)
{
    struct moon_ip ip;
    (void)moon_ip_parse(moon_span_of(text), &ip); /* "" has family 0 */
    return ip;
}

/* The session behind `peer` after following the hops MX2, GATEWAY and ::1. */
static struct moon_session follow(const char *peer, const char *header)
{
    static const char *const trusted[] = {MX2, "192.0.2.3/32", "::1"};
    struct moon_net nets[3];
    struct moon_message msg = {.id = ""};
    struct moon_error error;

    for (size_t i = 0; i < 3; i++)
        assert_true(moon_net_parse(moon_span_of(trusted[i]), &nets[i]));
    assert_int_equal(moon_message_parse(arena, moon_span_of(header), &msg, &error), MOON_OK);
    msg.session = (struct moon_session){
        .ip = ip_of(peer), .port = 25, .helo = "hop.example", .host_name = "hop.example"};
    assert_int_equal(moon_hops_follow(arena, nets, 3, &msg), MOON_OK);
    return msg.session;
}

static void check(const struct moon_session *session, const char *hop, const char *ip,
                  const char *helo, const char *name)
{
    char text[MOON_IP_TEXT_MAX];

    assert_string_equal(moon_ip_format(&session->hop, text), hop);
    assert_string_equal(moon_ip_format(&session->ip, text), ip);
    assert_string_equal(session->helo, helo);
    if (!name)
        assert_null(session->host_name);
    else
        assert_string_equal(session->host_name, name);
    assert_true((session->hop_reason != NULL) == (*hop && !*ip));
    assert_int_equal(session->port, *hop ? 0 : 25);
    assert_string_equal(moon_ip_format(moon_hops_peer(session), text), *hop ? hop : ip);
}

static void a_client_that_is_not_trusted_is_the_client_whatever_it_brings(void **state)
{
    (void)state; /* cmocka's, not used */
    struct moon_session session = follow(CLIENT, FROM(MX2) FORGED);
    check(&session, "", CLIENT, "hop.example", "hop.example");
    session = follow("", FROM(MX2) FORGED);
    check(&session, "", "", "hop.example", "hop.example");
}

static void a_host_that_is_not_among_the_trusted_is_none(void **state)
{
    struct moon_message msg = {.id = "", .session = {.ip = ip_of(MX2), .helo = ""}};
    struct moon_net net;

    (void)state; /* cmocka's, not used */
    assert_true(moon_net_parse(MOON_SPAN(MX2), &net));
    assert_int_equal(moon_hops_follow(arena, &net, 0, &msg), MOON_OK); /* of none */
    assert_int_equal(msg.session.hop.family, 0);
    assert_int_equal(msg.session.ip.family, 4);
}

static void behind_a_trusted_hop_its_own_field_counts_and_no_other(void **state)
{
    (void)state; /* cmocka's, not used */
    struct moon_session session = follow(MX2, FROM(CLIENT) FORGED);
    check(&session, MX2, CLIENT, "c.example", "v.example");
}

static void hops_in_a_row_are_followed_to_the_first_that_is_not_trusted(void **state)
{
    (void)state; /* cmocka's, not used */
    struct moon_session session = follow(MX2, FROM(GATEWAY) FROM("IPv6:::1") FROM(CLIENT) FORGED);
    check(&session, MX2, CLIENT, "c.example", "v.example");
    session = follow("::1", "Received: (qmail 1 invoked from network); x\r\n" FROM(MX2) MADE_HERE);
    check(&session, "::1", "", "", NULL);
}

/* A sender that invents a hop's field gets no further than its own address. */
static void a_forged_field_below_the_client_is_never_read(void **state)
{
    (void)state; /* cmocka's, not used */
    struct moon_session session = follow(MX2, FROM(CLIENT) FROM(MX2) FORGED);
    check(&session, MX2, CLIENT, "c.example", "v.example");
    session = follow(MX2, FROM(CLIENT) "Received: nonsense\r\n");
    check(&session, MX2, CLIENT, "c.example", "v.example");
}

static void the_hop_itself_is_never_taken_for_the_client(void **state)
{
    static const struct {
        const char *header, *reason;
    } rows[] = {
        {"", "no Received field of a trusted host names a client"},
        {"Subject: x\r\n", "no Received field of a trusted host names a client"},
        {FROM(MX2), "no Received field of a trusted host names a client"},
        {FROM(MX2) FROM(GATEWAY), "no Received field of a trusted host names a client"},
        {MADE_HERE FORGED, "a trusted host's Received field names no client"},
        {"Received: from x by mx2 with local; x\r\n" FORGED,
         "a trusted host's Received field names no client"},
        {"Received: from x (y [203.0.113.9]) (z [198.51.100.9]) by mx2; x\r\n" FORGED,
         "a trusted host's Received field is of no form that can be read without doubt"},
        {"Received:\r\n" FORGED,
         "a trusted host's Received field is of no form that can be read without doubt"},
        {"Received: (qmail 1 invoked by uid 7); x\r\n" FORGED,
         "a trusted host's Received field names no client"},
        {"Received: (qmail 1 invoked from network); x\r\n",
         "no Received field of a trusted host names a client"},
    };

    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct moon_session session = follow(MX2, rows[i].header);
        check(&session, MX2, "", "", NULL);
        assert_string_equal(session.hop_reason, rows[i].reason);
    }
}

static void a_name_counts_only_when_the_hop_has_verified_it(void **state)
{
    (void)state; /* cmocka's, not used */
    struct moon_session session =
        follow(MX2, "Received: from a.example (unknown [" CLIENT "]) by x; x\r\n");
    check(&session, MX2, CLIENT, "a.example", NULL);
    session = follow(MX2, "Received: from a.example (V.Example. [" CLIENT "]) by x; x\r\n");
    check(&session, MX2, CLIENT, "a.example", "v.example");
    session = follow(MX2, "Received: from a.example (v!.example..x [" CLIENT "]) by x; x\r\n");
    check(&session, MX2, CLIENT, "a.example", NULL);
}

static void the_number_of_fields_is_bounded(void **state)
{
    (void)state; /* cmocka's, not used */
    for (unsigned hops = MOON_HOPS_MAX - 1; hops <= MOON_HOPS_MAX; hops++) {
        const char *header = "";
        for (unsigned i = 0; i < hops; i++)
            header = moon_arena_printf(arena, "%s%s", header, FROM(GATEWAY));
        header = moon_arena_printf(arena, "%s%s", header, FROM(CLIENT));
        struct moon_session session = follow(MX2, header);
        if (hops < MOON_HOPS_MAX)
            check(&session, MX2, CLIENT, "c.example", "v.example");
        else
            check(&session, MX2, "", "", NULL);
    }
}

static void fields_that_exim_has_marked_as_deleted_count_too(void **state)
{
    struct moon_message msg = {.id = "", .session = {.ip = ip_of(MX2), .helo = ""}};
    struct moon_net net;
    struct moon_error error;

    (void)state; /* cmocka's, not used */
    assert_true(moon_net_parse(MOON_SPAN(MX2), &net));
    assert_int_equal(moon_message_parse(arena, MOON_SPAN(FROM(CLIENT) FORGED), &msg, &error),
                     MOON_OK);
    msg.fields[0].removed = true;
    assert_int_equal(moon_hops_follow(arena, &net, 1, &msg), MOON_OK);
    check(&msg.session, MX2, CLIENT, "c.example", "v.example");
}

static void survives_the_failure_of_every_allocation(void **state)
{
    struct moon_net net;
    bool done = false;

    (void)state; /* cmocka's, not used */
    assert_true(moon_net_parse(MOON_SPAN(MX2), &net));
    for (unsigned n = 1; !done; n++) {
        struct moon_message msg = {.id = "", .session = {.ip = ip_of(MX2), .helo = ""}};
        struct moon_error error;
        struct moon_arena *own = moon_arena_create(1 << 20);
        assert_int_equal(
            moon_message_parse(own, MOON_SPAN(FROM(GATEWAY) FROM(CLIENT)), &msg, &error), MOON_OK);
        moon_arena_fail_at(own, n);
        enum moon_status status = moon_hops_follow(own, &net, 1, &msg);
        assert_true(status == MOON_OK || status == MOON_ENOMEM);
        done = status == MOON_OK;
        moon_arena_destroy(&own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_is_not_trusted_is_the_client_whatever_it_brings),
        cmocka_unit_test(a_host_that_is_not_among_the_trusted_is_none),
        cmocka_unit_test(behind_a_trusted_hop_its_own_field_counts_and_no_other),
        cmocka_unit_test(hops_in_a_row_are_followed_to_the_first_that_is_not_trusted),
        cmocka_unit_test(a_forged_field_below_the_client_is_never_read),
        cmocka_unit_test(the_hop_itself_is_never_taken_for_the_client),
        cmocka_unit_test(a_name_counts_only_when_the_hop_has_verified_it),
        cmocka_unit_test(the_number_of_fields_is_bounded),
        cmocka_unit_test(fields_that_exim_has_marked_as_deleted_count_too),
        cmocka_unit_test(survives_the_failure_of_every_allocation),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
