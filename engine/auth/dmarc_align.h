/* SPDX-License-Identifier: MIT
 *
 * dmarc_align: which identifiers are aligned with the Author Domain (RFC 9989 section 4.10.2, RFC
 * 7489 section 3.1).
 */
#ifndef MOON_AUTH_DMARC_ALIGN_H
#define MOON_AUTH_DMARC_ALIGN_H

#include "engine/auth/results.h"

struct moon_dmarc_alignment {
    bool undecided;      /* DNS trouble: an identifier might be aligned and pass */
    const char *trouble; /* then: what failed */
    const char *skipped; /* an identifier beyond MOON_DMARC_WALKS_MAX, taken as not aligned */
};

/* Reads results->from, spf, dkim and, of results->dmarc, discovery, adkim, aspf,
 * organizational_domain (NULL: DNS trouble left it open; only equal names are known to be aligned
 * then); sets every `aligned`, dmarc.spf_aligned, dkim_aligned and adds to walk_queries. With
 * `equal_only` no question is asked. MOON_ENOMEM is the only failure. */
enum moon_status moon_dmarc_align(struct moon_arena *arena, struct moon_dns *dns, bool equal_only,
                                  struct moon_results *results,
                                  struct moon_dmarc_alignment *alignment_r);

#endif
