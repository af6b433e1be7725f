/* SPDX-License-Identifier: MIT
 *
 * forwarding: what a rewritten envelope sender says of forwarding. Hosts that forward put their own
 * domain into MAIL FROM, so that SPF passes for them, and keep where it came from (or where it goes
 * to) in the local part, in one of a few ways:
 *
 *   srs      SRS0=hash=tt=domain=local@forwarder, SRS1=hash=first==hash=tt=domain=local@forwarder
 *   outlook  mailbox+SRS=hash=tt=domain=local@forwarder; bounces+SRS=hash=tt@forwarder
 *   gmail    mailbox+caf_=local=domain@forwarder: the address it is forwarded to
 *
 * Anybody can write such an address: it is a claim, worth something once SPF passes for the
 * forwarder, and then only as much as the forwarder is worth.
 */
#ifndef MOON_MESSAGE_FORWARDING_H
#define MOON_MESSAGE_FORWARDING_H

#include "engine/base/arena.h"
#include "engine/base/status.h"

struct moon_forwarding {
    const char *pattern;         /* "srs", "outlook", "gmail"; NULL: none, all else is NULL too */
    const char *forwarder;       /* domain of the envelope sender, normalized */
    const char *mailbox;         /* whose mail is forwarded: outlook, gmail; else NULL */
    const char *original;        /* the envelope sender before; NULL when it is not told */
    const char *original_domain; /* normalized; NULL likewise */
    const char *destination;     /* gmail: where it is forwarded to; else NULL */
};

/* Strict: an address that is like a pattern but not well-formed is none. `domain`: of the path,
 * normalized, or NULL. MOON_ENOMEM is the only failure. */
enum moon_status moon_forwarding_parse(struct moon_arena *arena, const char *path,
                                       const char *domain, struct moon_forwarding *forwarding_r);

#endif
