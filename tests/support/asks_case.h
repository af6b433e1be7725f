/* SPDX-License-Identifier: MIT
 *
 * asks_case: policies that ask, on the message of policy_case, with a store in memory and a zone.
 * What is not as expected fails the cmocka test that calls it.
 */
#ifndef MOON_TESTS_ASKS_CASE_H
#define MOON_TESTS_ASKS_CASE_H

#include "engine/store/store.h"
#include "engine/verdict/asks.h"
#include "tests/support/policy_case.h"

#define HEAD "local moon = require 'moonscan'\nreturn { message = function(m)\n"
#define TAIL "\nend }"

struct asks_case {
    struct policy_case c;
    struct moon_store *store;
    struct moon_dns_backend *backend;
    struct moon_dns *dns;
    struct moon_asks_shared *shared;
    struct moon_asks *asks; /* of tenant acme */
};

/* `zone` NULL: no DNS. The message itself may ask two questions. */
void asks_case_begin(struct asks_case *f, const char *zone);
/* The next message's questions; the store stays. */
void asks_case_begin_again(struct asks_case *f);
void asks_case_end(struct asks_case *f);

/* An expression of a policy that must be true on the standard message. */
void asks_case_expect_true(struct asks_case *f, const char *expression);
/* A body of message that must fail, and what the failure must be; on a case of its own. */
void asks_case_expect_failure(const char *body, const char *want);
/* A part of the decision's record. */
void asks_case_expect_record(struct asks_case *f, const struct moon_asks *asks, const char *want);

#endif
