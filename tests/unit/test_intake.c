/* SPDX-License-Identifier: MIT
 *
 * intake: a request from the module becomes the message that is evaluated.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/cmd/intake.h"
#include "tests/support/arena_case.h"

static struct moon_wire_field fields[] = {
    {' ', {"Received: from a\n\tby b\n", 23}},
    {'*', {"From: old@a.example\n", 20}},
    {'F', {"From: a@a.example\n", 18}},
    {' ', {"not a field\n", 12}},
    {'S', {"Subject: last\n", 14}},
};
static struct moon_span recipients[] = {{"Joe@B.Example", 13}, {"bare", 4}};

static struct moon_request a_request(void)
{
    return (struct moon_request){
        .id = MOON_SPAN("1vMabc-000001-Xy"),
        .client_ip = MOON_SPAN("::ffff:192.0.2.7"),
        .client_port = 2525,
        .helo = MOON_SPAN("mx.a.example"),
        .protocol = MOON_SPAN("esmtp"),
        .receiver_name = MOON_SPAN("mx.b.example"),
        .mail_from = MOON_SPAN("a@A.Example"),
        .received_s = 1795262400,
        .waited_ms = 29500,
        .recipients = recipients,
        .recipient_count = 2,
        .fields = fields,
        .field_count = 5,
    };
}

static void takes_session_envelope_and_fields(void **state)
{
    struct moon_request request = a_request();
    struct moon_message msg;
    struct moon_error error;
    char ip[MOON_IP_TEXT_MAX];

    (void)state;
    assert_int_equal(moon_intake(arena, &request, -1, &msg, &error), MOON_OK);
    assert_string_equal(moon_ip_format(&msg.session.ip, ip), "192.0.2.7");
    assert_string_equal(msg.id, "1vMabc-000001-Xy");
    assert_int_equal(msg.waited_ms, 29500);
    assert_string_equal(msg.session.helo, "mx.a.example");
    assert_null(msg.session.tls);
    assert_null(msg.session.authenticated);
    assert_null(msg.tenant_hint);
    assert_string_equal(msg.mail_from_domain, "a.example");
    assert_string_equal(msg.recipients[0].address, "Joe@B.Example");
    assert_string_equal(msg.recipients[0].domain, "b.example");
    assert_null(msg.recipients[1].domain);
    assert_false(msg.dry_run);
    assert_int_equal(msg.body.fd, -1);
}

static void keeps_the_index_and_the_mark_of_each_field(void **state)
{
    struct moon_request request = a_request();
    struct moon_message msg;
    struct moon_error error;

    (void)state;
    assert_int_equal(moon_intake(arena, &request, -1, &msg, &error), MOON_OK);
    assert_int_equal(msg.field_count, 4); /* the one that is none is left out */
    assert_true(msg.fields[1].removed);
    const struct moon_field *from = moon_message_field(&msg, "from", NULL, false);
    assert_int_equal(from->index, 2);
    assert_int_equal(moon_message_field(&msg, "Subject", NULL, false)->index, 4);
    assert_true(moon_span_is(msg.fields[0].raw, "Received: from a\r\n\tby b"));
}

static void reads_the_body_behind_its_offset(void **state)
{
    char path[] = "/tmp/moon-intake-XXXXXX";
    struct moon_request request = a_request();
    struct moon_message msg;
    struct moon_error error;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    request.body_start_bytes = 4;
    assert_int_equal(moon_intake(arena, &request, fd, &msg, &error), MOON_OK);
    assert_int_equal(msg.body.size_bytes, 6);
    request.body_start_bytes = 11;
    assert_int_equal(moon_intake(arena, &request, fd, &msg, &error), MOON_EIO);
    request.body_start_bytes = UINT64_MAX;
    assert_int_equal(moon_intake(arena, &request, fd, &msg, &error), MOON_EIO);
    assert_int_equal(close(fd), 0);
}

static void refuses_more_than_the_limits(void **state)
{
    struct moon_request request = a_request();
    struct moon_message msg;
    struct moon_error error = {""};

    (void)state;
    request.field_count = MOON_FIELDS_MAX + 1;
    assert_int_equal(moon_intake(arena, &request, -1, &msg, &error), MOON_EBUDGET);
    assert_non_null(strstr(error.text, "fields"));
}

/* Recipients at an address literal, as many as there may be. */
static void as_many_recipients_as_there_may_be_cost_little(void **state)
{
    struct moon_request request = a_request();
    struct moon_message msg;
    struct moon_error error = {""};
    struct moon_span *many = calloc(MOON_RECIPIENTS_MAX, sizeof *many);

    (void)state;
    assert_non_null(many);
    for (size_t i = 0; i < MOON_RECIPIENTS_MAX; i++)
        many[i] = MOON_SPAN("joe@[192.0.2.1]");
    request.recipients = many;
    request.recipient_count = MOON_RECIPIENTS_MAX;
    size_t before = moon_arena_used_bytes(arena);
    assert_int_equal(moon_intake(arena, &request, -1, &msg, &error), MOON_OK);
    assert_true(moon_arena_used_bytes(arena) - before < 16u * 1024 * 1024);
    assert_null(msg.recipients[MOON_RECIPIENTS_MAX - 1].domain);
    free(many);
}

static void every_failed_allocation_is_told(void **state)
{
    struct moon_request request = a_request();
    enum moon_status status = MOON_ENOMEM;

    (void)state;
    for (size_t n = 1; status != MOON_OK; n++) {
        struct moon_arena *small = moon_arena_create(MOON_ARENA_BYTES_MAX);
        struct moon_message msg;
        struct moon_error error;
        moon_arena_fail_at(small, n);
        status = moon_intake(small, &request, -1, &msg, &error);
        assert_true(status == MOON_OK || status == MOON_ENOMEM);
        moon_arena_destroy(&small);
        assert_true(n < 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_session_envelope_and_fields),
        cmocka_unit_test(keeps_the_index_and_the_mark_of_each_field),
        cmocka_unit_test(reads_the_body_behind_its_offset),
        cmocka_unit_test(refuses_more_than_the_limits),
        cmocka_unit_test(as_many_recipients_as_there_may_be_cost_little),
        cmocka_unit_test(every_failed_allocation_is_told),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
