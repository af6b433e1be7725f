/* SPDX-License-Identifier: MIT
 *
 * packet: DNS messages as bytes (RFC 1035 section 4): the query we send and the reply to it. Used
 * inside engine/dns only.
 */
#ifndef MOON_DNS_PACKET_H
#define MOON_DNS_PACKET_H

#include "engine/dns/backend.h"

#define MOON_DNS_QUERY_MAX (12u + MOON_DNS_WIRE_MAX + 4u + 11u)

/* Writes a query with recursion desired; `edns`: with an OPT record (RFC 6891) at its end that
 * offers MOON_DNS_EDNS_BYTES. Returns its length. */
size_t moon_dns_packet_query(uint16_t id, const struct moon_dns_wire *name, enum moon_dns_type type,
                             bool edns, uint8_t out[MOON_DNS_QUERY_MAX]);

/* Reads the reply to the question `name`, `type`, of which `hops` CNAMEs were followed before.
 * Every input gives a reply: what cannot be read is trouble with the reason "malformed". Records
 * and their texts are in the arena. */
void moon_dns_packet_read(struct moon_span packet, const struct moon_dns_wire *name,
                          enum moon_dns_type type, unsigned hops, struct moon_arena *arena,
                          struct moon_dns_reply *reply_r);

/* The low four bits of the flags; 255 when there is no header. */
unsigned moon_dns_packet_rcode(struct moon_span packet);
/* "NOERROR", "SERVFAIL", ..., a constant. */
const char *moon_dns_rcode_name(unsigned rcode);

#endif
