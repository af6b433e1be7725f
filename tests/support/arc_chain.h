/* SPDX-License-Identifier: MIT
 *
 * arc_chain: one message on its way through sealers, for tests: two keys, a zone that answers for
 * every sealer it has met, and the text so far. A test has one.
 */
#ifndef MOON_TESTS_SUPPORT_ARC_CHAIN_H
#define MOON_TESTS_SUPPORT_ARC_CHAIN_H

#include "engine/auth/results.h"
#include "engine/trial/seal.h"

/* cmocka's set-up and tear-down of a group (keys) and of a case (arena, message). */
int moon_chain_keys(void **state);
int moon_chain_keys_end(void **state);
int moon_chain_begin(void **state);
int moon_chain_end(void **state);

extern struct moon_arena *moon_chain_arena;
extern EVP_PKEY *moon_chain_rsa, *moon_chain_ed25519;

/* The fields of a set; add what is to be different. The selector is "k". */
struct moon_seal moon_chain_seal(unsigned instance, const char *domain);
/* Adds the set and the sealer's key. */
void moon_chain_add(struct moon_seal seal);
void moon_chain_add_with(struct moon_seal seal, EVP_PKEY *key);
/* Sets 1 to `sets`, by "a.example", "b.example" and so on, then again from "a.example". */
void moon_chain_grow(unsigned sets);
/* Changes the message: the first `from` becomes `to`. Fails the case when there is none. */
void moon_chain_change(const char *from, const char *to);
void moon_chain_append(const char *text);     /* to the body */
void moon_chain_put_field(const char *field); /* on top, without its line end */
/* Another line for the zone. */
void moon_chain_zone(const char *line);
/* Answers no question for this sealer's key from now on but with "SERVFAIL" or the like. */
void moon_chain_trouble(const char *domain, const char *what);

const char *moon_chain_text(void);
struct moon_arc moon_chain_check(void);
/* The chain must fail, with this reason. */
struct moon_arc moon_chain_fails(const char *reason);
/* The chain must pass. */
struct moon_arc moon_chain_passes(int oldest_pass);

#endif
