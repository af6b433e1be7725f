/* SPDX-License-Identifier: MIT
 *
 * mail: the message of a policy test: from a file beside the policy or built of the test's own
 * words, then signed, changed and sealed as the test says; and the test's zone with the records of
 * the keys that signed.
 */
#ifndef MOON_TRIAL_MAIL_H
#define MOON_TRIAL_MAIL_H

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/trial/keys.h"
#include "lua/tests.h"

struct moon_trial_mail {
    struct moon_span text; /* CRLF */
    const char *zone;
    const char *from; /* address in From, "" when there is none or it came from a file */
};

/* `file` and `zone` are the bytes of the files that the test names; ignored where it names none.
 * MOON_ECONF: the test is wrong, with what; MOON_ENOMEM; MOON_EIO: OpenSSL fails. Everything is in
 * the arena. */
enum moon_status moon_trial_mail_make(const struct moon_trial_keys *keys, struct moon_arena *arena,
                                      const struct moon_test *test, struct moon_span file,
                                      struct moon_span zone, struct moon_trial_mail *mail_r,
                                      struct moon_error *error);
/* Does the text name a file rather than being a zone? */
bool moon_trial_zone_is_file(const char *zone);
/* What stands in <>, else the text without white space at its ends. In the arena. */
const char *moon_trial_address(struct moon_arena *arena, const char *text);

#endif
