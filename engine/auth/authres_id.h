/* SPDX-License-Identifier: MIT
 *
 * authres_id: who wrote an Authentication-Results value (RFC 8601 section 2.2, authserv-id).
 */
#ifndef MOON_AUTH_AUTHRES_ID_H
#define MOON_AUTH_AUTHRES_ID_H

#include <stdbool.h>

#include "engine/base/buf.h"

#define MOON_AUTHRES_ID_SIZE 256 /* a host name of 253 bytes fits; longer ones are cut */

/* Reads [CFWS] authserv-id [CFWS version] [CFWS] and wants ';' or the end behind it. Quoted strings
 * are decoded, final dots left out. False: not in that form, so that nobody can tell whose it is;
 * *id is then "". */
bool moon_authres_read_id(struct moon_span value, char id[MOON_AUTHRES_ID_SIZE]);

/* White space and comments (RFC 5322 section 3.2.2); false for what is neither closed nor clean. */
bool moon_authres_skip_cfws(struct moon_buf *in);

/* RFC 2045 section 5.1, ASCII. */
bool moon_authres_is_token(char c);

#endif
