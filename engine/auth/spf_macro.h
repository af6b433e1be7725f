/* SPDX-License-Identifier: MIT
 *
 * spf_macro: macros of RFC 7208 section 7: syntax, expansion, and the way from expanded text to a
 * name for DNS. Internal to the SPF files of this room.
 */
#ifndef MOON_AUTH_SPF_MACRO_H
#define MOON_AUTH_SPF_MACRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/base/ip.h"
#include "engine/base/status.h"

/* Where a macro string stands decides what is allowed in it. */
enum moon_spf_macro_place {
    MOON_SPF_MACRO_DOMAIN,      /* domain-spec: must end in a top label or in a macro */
    MOON_SPF_MACRO_MODIFIER,    /* macro-string of an unknown modifier; may be empty */
    MOON_SPF_MACRO_EXPLANATION, /* explain-string: spaces, and the letters c, r and t */
};
/* RFC 7208 section 12 (the grammar) and 7.3 (%{d0} is an error). */
bool moon_spf_macro_valid(struct moon_span text, enum moon_spf_macro_place place);

/* Does a valid text use one of these letters, written in lower case? */
bool moon_spf_macro_uses(struct moon_span text, const char *letters);

/* What the letters stand for. Text of the sender's; never terminated early: no NUL inside. */
struct moon_spf_vars {
    const char *sender;        /* s */
    const char *local;         /* l */
    const char *sender_domain; /* o */
    const char *helo;          /* h */
    const char *receiver;      /* r */
    struct moon_ip ip;         /* i, c, v */
    int64_t now_s;             /* t */
};

/* Expands a valid text; all labels and characters as RFC 7208 section 7.3 says. `domain` is %{d},
 * `validated` %{p} ("unknown" without one). At most `max` bytes are kept: the first ones of an
 * explanation, the last ones otherwise (a name is cut from the left, so the rest cannot matter).
 * The text is terminated, in the arena, and may hold any byte but NUL. NULL without memory. */
char *moon_spf_macro_expand(struct moon_arena *arena, struct moon_span text,
                            enum moon_spf_macro_place place, const struct moon_spf_vars *vars,
                            const char *domain, const char *validated, size_t max);

/* Expanded text as a target name. */
struct moon_spf_target {
    const char *text; /* without a final dot, labels cut from the left to 253 bytes */
    const char *name; /* the same for dns.h: special bytes escaped. NULL: no such name can exist */
    size_t labels;
};
/* RFC 7208 sections 4.8 and 7.3. MOON_ENOMEM is the only failure. */
enum moon_status moon_spf_target_of(struct moon_arena *arena, const char *expanded,
                                    struct moon_spf_target *target_r);

#endif
