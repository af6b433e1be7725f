/* SPDX-License-Identifier: MIT
 *
 * name: domain names as DNS carries them (RFC 1035 section 3.1): length, label, ..., zero; letters
 * in lower case, so that equal names are equal bytes. Used inside engine/dns only.
 */
#ifndef MOON_DNS_NAME_H
#define MOON_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/buf.h"

#define MOON_DNS_WIRE_MAX 255u /* RFC 1035 section 2.3.4: 253 characters of text */

struct moon_dns_wire {
    uint8_t length; /* with the final zero; 1 is the root, 0 is no name */
    uint8_t bytes[MOON_DNS_WIRE_MAX];
};

/* The byte that stands behind a backslash, RFC 1035 section 5.1: three digits up to 255, or the
 * character itself; -1 when there is none. */
int moon_dns_unescape(struct moon_buf *in);

/* Text with dots, \DDD and \X; a final dot is allowed, "." is the root, "" is no name. False when
 * no such name can exist: an empty or too long label, too long a name, a broken escape. */
bool moon_dns_wire_parse(struct moon_span text, struct moon_dns_wire *wire_r);
/* Appends a label to a name under construction, which starts as {0}. False when it does not fit. */
bool moon_dns_wire_add(struct moon_dns_wire *wire, struct moon_span label);
/* Ends a name under construction. False when there is no room. */
bool moon_dns_wire_close(struct moon_dns_wire *wire);
/* Text without the final dot, "" for the root, special bytes escaped (see dns.h). NULL without
 * memory. */
char *moon_dns_wire_text(struct moon_arena *arena, const struct moon_dns_wire *wire);
bool moon_dns_wire_equal(const struct moon_dns_wire *a, const struct moon_dns_wire *b);
/* Cuts the first label off; false for the root. */
bool moon_dns_wire_parent(const struct moon_dns_wire *wire, struct moon_dns_wire *parent_r);
/* Is `wire` equal to `above` or below it? */
bool moon_dns_wire_below(const struct moon_dns_wire *wire, const struct moon_dns_wire *above);
uint32_t moon_dns_wire_hash(const struct moon_dns_wire *wire);

#endif
