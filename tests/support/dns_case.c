/* SPDX-License-Identifier: MIT */
#include "tests/support/dns_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/dns/cares.h"

void dns_case_begin_message(struct dns_case *c, int64_t deadline_ms)
{
    c->arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    assert_non_null(c->arena);
    c->dns = moon_dns_begin(c->arena, c->backend, deadline_ms, 0);
    assert_non_null(c->dns);
}

void dns_case_end_message(struct dns_case *c)
{
    moon_dns_end(&c->dns);
    moon_arena_destroy(&c->arena);
}

void dns_case_use(struct dns_case *c, const char *const *servers, size_t count)
{
    struct moon_error error = {""};
    if (moon_dns_backend_cares(servers, count, &c->backend, &error) != MOON_OK)
        fail_msg("got \"%s\", want a backend", error.text);
}

void dns_case_begin(struct dns_case *c, int family)
{
    if (!responder_start(&c->responder, family, false))
        fail_msg("no loopback address of IPv%d", family);
    const char *servers[] = {c->responder.address};
    dns_case_use(c, servers, 1);
    dns_case_begin_message(c, PLENTY_MS);
}

void dns_case_end(struct dns_case *c)
{
    if (c->dns)
        dns_case_end_message(c);
    moon_dns_backend_destroy(&c->backend);
    responder_stop(&c->responder);
}
