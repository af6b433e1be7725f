/* SPDX-License-Identifier: MIT
 *
 * gather_parts: what the files gather*.c share.
 */
#ifndef MOON_CMD_GATHER_PARTS_H
#define MOON_CMD_GATHER_PARTS_H

#include "engine/cmd/gather.h"

/* Notes what is in order, but may not be meant. */
void moon_gather_note(struct moon_gather *gather, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "<path>:<line>: what" of an entry that lets more in than it should, or nothing. */
void moon_gather_warn(struct moon_gather *gather, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A record "kind/name" of the snapshot; "kind" when the name is empty. */
void moon_gather_add(struct moon_gather *gather, const char *kind, const char *name,
                     struct moon_span value);
/* The text of config_dir/path on the heap; the caller frees text_r->p. False when there is no such
 * file, or after a complaint. */
bool moon_gather_text(struct moon_gather *gather, const char *path, size_t bytes_max,
                      struct moon_span *text_r);
/* Adds the file at `path` as "kind/path". False when there is none, or after a complaint. */
bool moon_gather_source(struct moon_gather *gather, const char *kind, const char *path,
                        size_t bytes_max);
/* Calls `each` for every entry of config_dir/path in sorted order; a missing folder is fine. */
void moon_gather_each(struct moon_gather *gather, const char *path,
                      void (*each)(struct moon_gather *gather, const char *path, const char *name));
/* Frees a text. */
void moon_gather_drop(struct moon_span *text);
/* The files of a folder fixtures/; a missing folder is fine. NULL is a lack of memory. */
void moon_gather_fixtures(struct moon_gather *gather, const char *path);
/* One entry of a folder of lists. */
void moon_gather_list(struct moon_gather *gather, const char *path, const char *name);
/* "acme" of "acme.lua"; empty when it is none. */
struct moon_span moon_gather_stem(const char *name);

/* The folder profiles/. */
void moon_gather_profiles(struct moon_gather *gather);

/* Can it be a tenant's name? Lower-case letters, digits, '.', '-', '_', not starting with a sign:
 * the name is used in paths. */
bool moon_gather_is_tenant_name(struct moon_span name);
/* The tenant of that name; NULL: not seen yet. Valid until the next one is added. */
struct moon_gather_tenant *moon_gather_tenant_find(const struct moon_gather *gather,
                                                   struct moon_span name);
/* The same; adds it. NULL without memory. */
struct moon_gather_tenant *moon_gather_tenant(struct moon_gather *gather, struct moon_span name);
/* tenants.lua, before the folders are read. */
void moon_gather_conf_read(struct moon_gather *gather);
/* What tenants set in tenants.lua beside what "*" declares: warnings. */
void moon_gather_settings(struct moon_gather *gather);
/* The folders policies/ and tenants/. */
void moon_gather_folders(struct moon_gather *gather);
/* The folder next/, when all tenants are known. */
void moon_gather_next(struct moon_gather *gather);
/* Who has which policy; then the records of tenants, and notes about those without a policy. */
void moon_gather_tenants_add(struct moon_gather *gather);
/* Records of modes and next versions, and what there is to say of them. */
void moon_gather_modes(struct moon_gather *gather);
/* A mistake in tenants.lua at this path of keys, like "acme.policy". */
void moon_gather_conf_complain(struct moon_gather *gather, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
