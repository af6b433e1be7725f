/* SPDX-License-Identifier: MIT
 *
 * readfile: whole files that the command line names.
 */
#ifndef MOON_CMD_READFILE_H
#define MOON_CMD_READFILE_H

#include "engine/base/buf.h"
#include "engine/base/status.h"
#include "engine/dns/dns.h"

/* `path` "-" is standard input. On the heap; the caller frees span_r->p. MOON_EIO, MOON_EBUDGET
 * (larger than bytes_max), with the reason. */
enum moon_status moon_readfile(const char *path, size_t bytes_max, struct moon_span *span_r,
                               struct moon_error *error);
/* Answers out of a zone file. */
enum moon_status moon_readfile_zone(const char *path, struct moon_dns_backend **dns_r,
                                    struct moon_error *error);

#endif
