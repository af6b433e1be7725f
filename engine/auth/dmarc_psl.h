/* SPDX-License-Identifier: MIT
 *
 * dmarc_psl: Organizational Domains by the Public Suffix List (RFC 7489 section 3.2).
 */
#ifndef MOON_AUTH_DMARC_PSL_H
#define MOON_AUTH_DMARC_PSL_H

/* Of a normalized domain: a pointer into it; the domain itself when it is a public suffix or no
 * list can be had. The list is loaded once per process, at the first call. */
const char *moon_dmarc_psl_organization(const char *domain);
/* The system's list, which that call may read. */
const char *moon_dmarc_psl_file(void);

#endif
