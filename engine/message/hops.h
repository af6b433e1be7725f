/* SPDX-License-Identifier: MIT
 *
 * hops: the client of a message that a trusted host has handed on (a secondary MX, a gateway, a
 * content filter): its address and HELO out of the Received fields that the trusted hosts wrote.
 */
#ifndef MOON_MESSAGE_HOPS_H
#define MOON_MESSAGE_HOPS_H

#include "engine/message/message.h"

/* Does nothing unless session.ip is in one of the `count` networks `trusted`. Then session.hop is
 * that address, and ip, helo and host_name are those of the first client that is not trusted; what
 * else the session says stays that of the connection with `hop`, but for the port, which becomes 0.
 * When that client cannot be told, ip has family 0, helo is "", and hop_reason says why: the hop's
 * own address is never taken for the sender's. MOON_ENOMEM. */
enum moon_status moon_hops_follow(struct moon_arena *arena, const struct moon_net *trusted,
                                  size_t count, struct moon_message *msg);

/* Who has connected to us: the hop, else the client. */
const struct moon_ip *moon_hops_peer(const struct moon_session *session);

#endif
