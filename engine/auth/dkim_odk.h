/* SPDX-License-Identifier: MIT
 *
 * dkim_odk: libopendkim, driven so that nothing unchecked reaches it. The one adapter; its caller
 * is dkim.c, which has made sure of every precondition below. It never sees the body: whether bh=
 * is the body's hash is the caller's to say (sig_bodies.c).
 */
#ifndef MOON_AUTH_DKIM_ODK_H
#define MOON_AUTH_DKIM_ODK_H

#include "engine/auth/results.h"
#include "engine/message/message.h"

/* One signature that passed the gate. */
struct moon_dkim_odk_sig {
    const struct moon_field *field; /* its DKIM-Signature field, also among `fields` below */
    const char *record;             /* normalized key record, at most 1024 bytes */
    enum moon_result result;        /* out: what libopendkim says, in words of RFC 8601. PASS: b= is
                                       right, and bh= is not looked at. NONE: only its clock is
                                       against the signature, it did not verify */
    const char *reason;             /* out: a constant; "" */
};

/* Initialises the library once per process; later calls do nothing. MOON_ENOMEM. */
enum moon_status moon_dkim_odk_prepare(void);

/* Gives libopendkim a sentinel field, then `fields` in message order, lets it verify b= of each of
 * `sigs`, and fills result and reason. DKIM-Signature fields among `fields` are exactly those of
 * `sigs`, in the same order. MOON_ENOMEM when there is no memory; other trouble ends up as results.
 */
enum moon_status moon_dkim_odk_verify(const struct moon_field *const *fields, size_t field_count,
                                      struct moon_dkim_odk_sig *sigs, size_t sig_count);

#endif
