/* SPDX-License-Identifier: MIT
 *
 * domain: domain names as text. Inside the engine a domain is always normalized: lower case,
 * A-labels (RFC 5890), no final dot, labels of 1 to 63 bytes, at most 253 in all.
 */
#ifndef MOON_MESSAGE_DOMAIN_H
#define MOON_MESSAGE_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/arena.h"

/* U-labels become A-labels (libidn2, RFC 5891 lookup with UTS 46 mapping), letters lower case, one
 * final dot is dropped. NULL: not a domain name, or no memory. Underscores are allowed (names in
 * DNS have them); spaces, NUL, '[' and other controls are not. */
const char *moon_domain_normalize(struct moon_arena *arena, struct moon_span text);

/* The functions below take normalized names. */
size_t moon_domain_labels(const char *domain);
/* The last `labels` labels: a pointer into `domain`; the whole when it has no more. */
const char *moon_domain_tail(const char *domain, size_t labels);
/* Without its first label; NULL for a single label. */
const char *moon_domain_parent(const char *domain);
/* Equal to, or below, `parent`. */
bool moon_domain_within(const char *domain, const char *parent);
bool moon_domain_equal(const char *a, const char *b);

#endif
