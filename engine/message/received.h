/* SPDX-License-Identifier: MIT
 *
 * received: whom a Received field names as the client (RFC 5321 section 4.4), in the forms that
 * Exim, Postfix, Sendmail, Exchange and qmail write. Who may be believed is decided by hops.c.
 */
#ifndef MOON_MESSAGE_RECEIVED_H
#define MOON_MESSAGE_RECEIVED_H

#include "engine/base/ip.h"

enum moon_received_kind {
    MOON_RECEIVED_UNCLEAR,   /* none of the forms, or more than one address could be meant */
    MOON_RECEIVED_CLIENT,    /* the rest of the structure is filled */
    MOON_RECEIVED_NO_CLIENT, /* names none: the message was made on that host */
    MOON_RECEIVED_QUEUE, /* qmail's queue; the field below, of the same host, names the client */
};

struct moon_received {
    enum moon_received_kind kind;
    struct moon_ip ip;
    struct moon_span helo;      /* what the client said; may be empty */
    struct moon_span host_name; /* a name that the writer has verified, or empty */
};

/* `text`: the value on one line (moon_field_text); the spans point into it. Never takes an address
 * out of what the client said when another reading of the field is possible. */
struct moon_received moon_received_parse(struct moon_span text);

#endif
