/* SPDX-License-Identifier: MIT
 *
 * spf: RFC 7208 on libspf2, behind a gate: our parser, macro expander, limits and explanation;
 * libspf2 walks canonical records without macros whose names are tokens of ours. No published
 * record, and no text of a sender's, ever reaches it.
 */
#ifndef MOON_AUTH_SPF_H
#define MOON_AUTH_SPF_H

#include "engine/auth/results.h"

struct moon_spf_query {
    struct moon_ip ip;
    const char *helo;      /* as given */
    const char *mail_from; /* "" for the null sender; ignored for the HELO identity */
    const char *receiver;  /* our host name, for %{r} */
    int64_t now_s;         /* for %{t} */
};

/* Asks at once for what the two checks will need (RFC 7208 section 4.6.4 limits how much), and is
 * fed by the answers as they arrive. In the arena. NULL without memory. */
struct moon_spf_prefetch;
struct moon_spf_prefetch *moon_spf_prefetch_begin(struct moon_arena *arena, struct moon_dns *dns,
                                                  const struct moon_spf_query *query);
/* A moon_dns_observer; `context` is the prefetch. */
void moon_spf_prefetch_observe(void *context, const struct moon_dns_answer *answer);

/* check_host() for MAIL FROM (postmaster@HELO for the null sender) and for HELO. Always fills
 * *spf_r. MOON_ENOMEM and MOON_EIO (libspf2 could not be set up) are the failures. */
enum moon_status moon_spf_check_mail_from(struct moon_arena *arena, struct moon_dns *dns,
                                          const struct moon_spf_query *query,
                                          struct moon_spf *spf_r);
enum moon_status moon_spf_check_helo(struct moon_arena *arena, struct moon_dns *dns,
                                     const struct moon_spf_query *query, struct moon_spf *spf_r);

#endif
