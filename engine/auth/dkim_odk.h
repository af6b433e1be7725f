/* SPDX-License-Identifier: MIT
 *
 * dkim_odk: libopendkim, driven so that nothing unchecked reaches it. The one adapter; its caller
 * is dkim.c, which has made sure of every precondition below.
 */
#ifndef MOON_AUTH_DKIM_ODK_H
#define MOON_AUTH_DKIM_ODK_H

#include "engine/auth/results.h"
#include "engine/message/message.h"

/* One signature that passed the gate. */
struct moon_dkim_odk_sig {
    const struct moon_field *field; /* its DKIM-Signature field, also among `fields` below */
    const char *record;             /* normalized key record, at most 1024 bytes */
    enum moon_result result;        /* out: what libopendkim says, in words of RFC 8601; NONE: only
                                       its clock is against the signature, it did not verify */
    const char *reason;             /* out: a constant; "" */
};

struct moon_dkim_odk; /* on the heap of libopendkim and in the arena */

/* Initialises the library once per process; later calls do nothing. MOON_ENOMEM. */
enum moon_status moon_dkim_odk_prepare(void);

/* Gives libopendkim a sentinel field, then `fields` in message order. DKIM-Signature fields among
 * them are exactly those of `sigs`, in the same order. `sigs` must outlive the handle. MOON_ENOMEM
 * when there is no memory; other trouble ends up as results. */
enum moon_status moon_dkim_odk_begin(struct moon_arena *arena,
                                     const struct moon_field *const *fields, size_t field_count,
                                     struct moon_dkim_odk_sig *sigs, size_t sig_count,
                                     struct moon_dkim_odk **odk_r);
/* The next bytes of the body, CRLF line ends, complete at the end (moon_body_iter gives that). */
enum moon_status moon_dkim_odk_body(struct moon_dkim_odk *odk, struct moon_span chunk);
/* Verifies and fills result and reason of each signature. */
enum moon_status moon_dkim_odk_end(struct moon_dkim_odk *odk);
/* After the end, or instead of it. NULL inside is fine. */
void moon_dkim_odk_destroy(struct moon_dkim_odk **odk);

#endif
