/* SPDX-License-Identifier: MIT
 *
 * sig_base64: base64string of RFC 6376 section 2.10, strictly.
 */
#ifndef MOON_AUTH_SIG_BASE64_H
#define MOON_AUTH_SIG_BASE64_H

#include "engine/base/arena.h"
#include "engine/base/status.h"

/* SP, HTAB, CR and LF are passed over. *valid_r is false for any other byte outside the alphabet,
 * for missing or misplaced padding, for set bits behind the last byte, and for no bytes at all. The
 * bytes are in the arena. MOON_ENOMEM is the only failure. */
enum moon_status moon_sig_base64_decode(struct moon_arena *arena, struct moon_span text,
                                        struct moon_span *bytes_r, bool *valid_r);
/* With padding, one line; NULL without memory. */
char *moon_sig_base64_encode(struct moon_arena *arena, struct moon_span bytes);

#endif
