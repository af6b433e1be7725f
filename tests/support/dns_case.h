/* SPDX-License-Identifier: MIT
 *
 * dns_case: messages that ask the responder by the c-ares backend.
 */
#ifndef MOON_TESTS_DNS_CASE_H
#define MOON_TESTS_DNS_CASE_H

#include "engine/dns/dns.h"
#include "tests/support/responder.h"

/* Long enough never to matter, also under valgrind. */
#define PLENTY_MS 60000

struct dns_case {
    struct responder responder;
    struct moon_dns_backend *backend;
    struct moon_arena *arena;
    struct moon_dns *dns;
};

/* The responder on loopback (family 4 or 6), a backend that asks it, a message of PLENTY_MS. */
void dns_case_begin(struct dns_case *c, int family);
void dns_case_end(struct dns_case *c);
/* A backend that asks these. */
void dns_case_use(struct dns_case *c, const char *const *servers, size_t count);
/* One after the other. */
void dns_case_begin_message(struct dns_case *c, int64_t deadline_ms);
void dns_case_end_message(struct dns_case *c);

#endif
