/* SPDX-License-Identifier: MIT
 *
 * words: what the DATA ACL can ask about a decision, ready to be handed out.
 */
#ifndef MOON_CMD_WORDS_H
#define MOON_CMD_WORDS_H

#include "engine/verdict/scan.h"
#include "engine/wire/wire.h"

/* Fills words_r by enum moon_wire_word, in the message's arena. Nothing to be said (no Author
 * Domain, no DMARC policy) is an empty text. MOON_ENOMEM. */
enum moon_status moon_words_of(struct moon_arena *arena, const struct moon_message *msg,
                               const struct moon_outcome *outcome,
                               struct moon_span words_r[MOON_WIRE_WORD_COUNT]);

#endif
