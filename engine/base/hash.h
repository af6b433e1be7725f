/* SPDX-License-Identifier: MIT
 *
 * hash: SHA-256 (FIPS 180-4), for names of snapshots.
 */
#ifndef MOON_BASE_HASH_H
#define MOON_BASE_HASH_H

#include "engine/base/buf.h"

#define MOON_HASH_TEXT_BYTES 65 /* 64 hex digits and the terminator */

/* Once in a process, before anything else of OpenSSL's: without its configuration file, which a
 * confined worker could not read, without names of algorithms and texts of errors, which nobody
 * here looks up, and without an end. Loading these costs more than verifying a message. */
void moon_hash_begin(void);
/* Hex digits of the SHA-256 of `bytes`, lower case. False when the library fails. */
bool moon_hash_hex(struct moon_span bytes, char hash_r[MOON_HASH_TEXT_BYTES]);

#endif
