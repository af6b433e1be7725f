/* SPDX-License-Identifier: MIT
 *
 * Frames when memory runs out: every request for memory fails once. The sources are compiled here
 * again with allocators of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/status.h"

static size_t left; /* requests that still succeed */

static void *failing_calloc(size_t count, size_t size)
{
    return left > 0 && left-- ? calloc(count, size) : NULL;
}

static void *failing_realloc(void *p, size_t size)
{
    return left > 0 && left-- ? realloc(p, size) : NULL;
}

#define calloc  failing_calloc
#define realloc failing_realloc
#include "engine/wire/wire.c"
#include "engine/wire/wire_get.c"
#undef calloc
#undef realloc

static char big[100000];
static struct moon_span recipients[] = {MOON_SPAN("a@one.example")};
static struct moon_wire_field fields[] = {{' ', {big, sizeof big}}};
static struct moon_wire_added added[] = {{MOON_WIRE_TOP, {big, 5000}}};
static uint32_t indices[] = {0, 1};
static const struct moon_request request = {
    .recipients = recipients, .recipient_count = 1, .fields = fields, .field_count = 1};
static const struct moon_decision decision = {
    .verdict = MOON_WIRE_ACCEPT,
    .added = added,
    .added_count = 1,
    .removed_fields = indices,
    .removed_field_count = 2,
    .removed_recipients = indices,
    .removed_recipient_count = 2,
};

static bool round_trip(bool of_request)
{
    struct moon_wire_out out = {0};
    struct moon_request request_r;
    struct moon_decision decision_r;
    const char *reason = NULL;
    bool good = of_request ? moon_wire_put_request(&out, &request)
                           : moon_wire_put_decision(&out, &decision);

    if (good) {
        struct moon_span payload = {(const char *)out.bytes + MOON_WIRE_HEAD_BYTES,
                                    out.length - MOON_WIRE_HEAD_BYTES};
        good = of_request ? moon_wire_get_request(payload, &request_r, &reason)
                          : moon_wire_get_decision(payload, &decision_r, &reason);
        if (good && of_request)
            moon_request_free(&request_r);
        else if (good)
            moon_decision_free(&decision_r);
        else
            assert_non_null(reason);
    }
    moon_wire_out_free(&out);
    return good;
}

static void each_failed_request_for_memory_is_refused_and_leaks_nothing(void **state)
{
    (void)state;
    for (int of_request = 0; of_request <= 1; of_request++) {
        size_t needed = 0;
        for (;; needed++) { /* ends when there is enough */
            left = needed;
            if (round_trip(of_request))
                break;
        }
        assert_true(needed >= 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failed_request_for_memory_is_refused_and_leaks_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
