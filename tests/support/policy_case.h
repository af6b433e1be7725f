/* SPDX-License-Identifier: MIT
 *
 * policy_case: runs a policy text on a message and results made by hand.
 */
#ifndef MOON_TESTS_POLICY_CASE_H
#define MOON_TESTS_POLICY_CASE_H

#include "engine/verdict/policy.h"

struct policy_case {
    struct moon_arena *arena;
    struct moon_conf conf;
    struct moon_message msg;
    struct moon_results results;
    struct moon_recipient recipients[3];
    struct moon_field fields[8];
    struct moon_dkim_sig sigs[3];
    struct moon_author author;
    size_t indices[3];
    struct moon_policy_input input;
    char folder[64];
    struct moon_snapshot_writer *writer;
    struct moon_snapshot *snapshot;
    struct moon_policies *policies;
};

/* A message from a@bank.example (p=reject, DMARC fail, forwarded) to x@acme.example and
 * y@acme.example of tenant "acme"; one DKIM signature of the author that fails and one of
 * fwd.example that passes. Ready for records and changes. */
void policy_case_begin(struct policy_case *c);
/* A record of the snapshot. */
void policy_case_add(struct policy_case *c, const char *key, const char *value);
/* Shorthand: the tenant's policy at tenants/acme.lua. */
void policy_case_policy(struct policy_case *c, const char *text);
/* The verdict; the first call closes the snapshot. Never fails. */
struct moon_verdict policy_case_decide(struct policy_case *c);
void policy_case_end(struct policy_case *c);

/* One policy text on the standard message: the verdict, valid until policy_case_end. */
struct moon_verdict policy_case_run(struct policy_case *c, const char *text);

#endif
