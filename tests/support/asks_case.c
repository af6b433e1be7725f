/* SPDX-License-Identifier: MIT
 *
 * asks_case: see the header.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/report/results.h"
#include "tests/support/asks_case.h"

void asks_case_begin_again(struct asks_case *f)
{
    f->shared = moon_asks_share(f->c.arena, &f->c.msg, f->dns, f->store);
    assert_non_null(f->shared);
    f->c.input.asks = f->asks = moon_asks_begin(f->shared, "acme");
    assert_non_null(f->asks);
}

void asks_case_begin(struct asks_case *f, const char *zone)
{
    struct moon_error error = {""};
    memset(f, 0, sizeof *f);
    policy_case_begin(&f->c);
    assert_int_equal(moon_store_memory(&f->store, NULL), MOON_OK);
    if (zone) {
        assert_int_equal(moon_dns_backend_zone(moon_span_of(zone), "zone", &f->backend, &error),
                         MOON_OK);
        f->dns = moon_dns_begin(f->c.arena, f->backend, 5000, 2);
        assert_non_null(f->dns);
    }
    asks_case_begin_again(f);
}

void asks_case_end(struct asks_case *f)
{
    if (f->dns)
        moon_dns_end(&f->dns);
    if (f->backend)
        moon_dns_backend_destroy(&f->backend);
    moon_store_destroy(&f->store);
    policy_case_end(&f->c);
}

/* A policy whose expression must be true on the standard message. */
void asks_case_expect_true(struct asks_case *f, const char *expression)
{
    char text[4096];
    (void)snprintf(text, sizeof text,
                   HEAD "if %s then return moon.discard {} end return moon.accept {}" TAIL,
                   expression);
    policy_case_policy(&f->c, text);
    struct moon_verdict verdict = policy_case_decide(&f->c);
    if (verdict.kind != MOON_VERDICT_DISCARD)
        fail_msg("%s: got %s", expression, verdict.failure ? verdict.failure : "false");
}

void asks_case_expect_failure(const char *body, const char *want)
{
    struct asks_case f;
    char text[4096];
    asks_case_begin(&f, NULL);
    (void)snprintf(text, sizeof text, HEAD "%s" TAIL, body);
    policy_case_policy(&f.c, text);
    struct moon_verdict verdict = policy_case_decide(&f.c);
    if (!verdict.failure || !strstr(verdict.failure, want))
        fail_msg("%s:\n  got  %s\n  want %s", body,
                 verdict.failure ? verdict.failure : "no failure", want);
    asks_case_end(&f);
}

/* The record of the tenant's decision. */
static const char *record(struct asks_case *f, const struct moon_asks *asks)
{
    struct moon_json json;
    struct moon_tenant_verdict tenant = {.tenant = "acme",
                                         .verdict = {.kind = MOON_VERDICT_ACCEPT},
                                         .asks = (void *)(uintptr_t)asks};
    struct moon_outcome outcome = {
        .tenants = &tenant, .tenant_count = 1, .action = MOON_ACTION_ACCEPT};
    moon_json_begin(&json, f->c.arena);
    moon_json_object(&json, NULL);
    moon_json_outcome(&json, &f->c.msg, &outcome);
    moon_json_close(&json, '}');
    return moon_json_end(&json);
}

void asks_case_expect_record(struct asks_case *f, const struct moon_asks *asks, const char *want)
{
    const char *got = record(f, asks);
    if (!got || !strstr(got, want))
        fail_msg("got  %s\nwant %s", got, want);
}
