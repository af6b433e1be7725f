/* SPDX-License-Identifier: MIT
 *
 * utf8: is this text UTF-8? (RFC 3629, as RFC 6532 wants it in header fields.)
 */
#ifndef MOON_MESSAGE_UTF8_H
#define MOON_MESSAGE_UTF8_H

#include "engine/base/buf.h"

/* Takes one character above ASCII: shortest form, no surrogates, at most U+10FFFF. False when there
 * is none; the cursor then stands somewhere in what is not UTF-8. */
bool moon_utf8_take(struct moon_buf *in);

#endif
