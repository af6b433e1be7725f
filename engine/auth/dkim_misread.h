/* SPDX-License-Identifier: MIT
 *
 * dkim_misread: what libopendkim 2.11 reads otherwise than RFC 6376, so that it would call a good
 * signature bad. All is rare; the signature core judges it instead. (Of bodies it drops a CR alone,
 * so that bytes could be added to a signed one: it never sees a body.)
 */
#ifndef MOON_AUTH_DKIM_MISREAD_H
#define MOON_AUTH_DKIM_MISREAD_H

#include "engine/auth/sig.h"
#include "engine/message/message.h"

/* The signature itself: its tags, its field. */
bool moon_dkim_misread_form(const struct moon_sig *sig);
/* A field that a signature with this canonicalization covers. */
bool moon_dkim_misread_field(const struct moon_field *field, enum moon_sig_canon canon);

#endif
