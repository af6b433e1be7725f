/* SPDX-License-Identifier: MIT
 *
 * authres: the Authentication-Results field (RFC 8601; policy.dmarc of RFC 9989 section 9).
 */
#ifndef MOON_AUTH_AUTHRES_H
#define MOON_AUTH_AUTHRES_H

#include "engine/auth/results.h"

/* The whole field, "Authentication-Results: ..." with LF folds, no final newline, every line at
 * most MOON_FIELD_LINE_MAX and the whole at most MOON_FIELD_BYTES_MAX (signatures beyond are left
 * out and counted in a comment). Whatever came from outside is encoded so that it cannot change the
 * structure. NULL without memory. */
char *moon_authres_compose(struct moon_arena *arena, const struct moon_message *msg,
                           const struct moon_results *results);
/* The same; `remark` (NULL: none) is what was done otherwise than DMARC asks, and why: a comment to
 * the result of DMARC, encoded likewise. */
char *moon_authres_compose_with(struct moon_arena *arena, const struct moon_message *msg,
                                const struct moon_results *results, const char *remark);

/* Does this Authentication-Results value carry our authserv-id (RFC 8601 section 5)? Comments and
 * folds before it are skipped, quoted strings decoded, case ignored; a value in which no
 * authserv-id can be told counts as ours: a forger must not win by being ill-formed. */
bool moon_authres_is_ours(struct moon_span value, const char *authserv_id);

#endif
