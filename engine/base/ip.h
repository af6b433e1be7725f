/* SPDX-License-Identifier: MIT
 *
 * ip: addresses and networks as bytes. An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is
 * read as the IPv4 address it carries, because SPF and every list must see it so (RFC 7208
 * section 5).
 */
#ifndef MOON_BASE_IP_H
#define MOON_BASE_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/buf.h"

#define MOON_IP_TEXT_MAX 46 /* INET6_ADDRSTRLEN, with the terminator */

struct moon_ip {
    uint8_t family; /* 4, 6, or 0: no address */
    uint8_t bytes[16];
};

struct moon_net {
    struct moon_ip ip;
    unsigned bits;
};

/* False when the text is not exactly one address; then *ip_r is family 0. */
bool moon_ip_parse(struct moon_span text, struct moon_ip *ip_r);
/* Writes the canonical text (RFC 5952); "" for family 0. Returns `out`. */
char *moon_ip_format(const struct moon_ip *ip, char out[MOON_IP_TEXT_MAX]);
bool moon_ip_equal(const struct moon_ip *a, const struct moon_ip *b);

/* "192.0.2.0/24", "2001:db8::/32", or a single address. Host bits may be set. False otherwise;
 * then *net_r has family 0 and holds no address. */
bool moon_net_parse(struct moon_span text, struct moon_net *net_r);
bool moon_net_has(const struct moon_net *net, const struct moon_ip *ip);
/* The same on raw bytes: are the first `bits` bits equal? Families must match. */
bool moon_ip_match(const struct moon_ip *a, const struct moon_ip *b, unsigned bits);

#endif
