/* SPDX-License-Identifier: MIT
 *
 * sources: texts of policies, lists and profiles, found in the snapshot, in a file or in the
 * program; compiled or parsed when first needed and kept for the life of the worker. Internal to
 * this room.
 */
#ifndef MOON_LUA_SOURCES_H
#define MOON_LUA_SOURCES_H

#include "lua/lists.h"
#include "lua/providers.h"

struct moon_sources;

/* `snapshot` may be NULL; it is borrowed. */
struct moon_sources *moon_sources_create(const struct moon_limits *limits,
                                         const struct moon_snapshot *snapshot);
void moon_sources_destroy(struct moon_sources **sources);
/* From now on `path` and the lists beside it are files; NULL without memory. Borrowed text. */
void moon_sources_use_files(struct moon_sources *sources, const char *path);
/* Drops everything when too much is kept. Not while something of it is in use. */
void moon_sources_trim(struct moon_sources *sources);

/* Bytecode of a policy; "built-in:NAME" is one of the program's. An error is remembered too. */
enum moon_status moon_sources_policy(struct moon_sources *sources, const char *path,
                                     struct moon_span *code_r, struct moon_error *error);
/* The text of a policy; *owned_r: for the caller to free after use, or NULL. */
enum moon_status moon_sources_text(const struct moon_sources *sources, const char *path,
                                   struct moon_span *text_r, char **owned_r,
                                   struct moon_error *error);
/* A list by its path; `name` is what policies call it. */
enum moon_status moon_sources_list(struct moon_sources *sources, const char *path, const char *name,
                                   const struct moon_list **list_r, struct moon_error *error);
/* Profiles and the table of providers are the site's own (profiles/NAME.lua in the snapshot) where
 * it has one, else the program's. Bytecode of a profile that was checked by profile_check.c;
 * *path_r is what messages call it. */
enum moon_status moon_sources_profile(struct moon_sources *sources, const char *name,
                                      struct moon_span *code_r, const char **path_r,
                                      struct moon_error *error);
/* For publishing: is the profile or the table of providers of that name in order, and of when? */
enum moon_status moon_sources_profile_dates(struct moon_sources *sources, const char *name,
                                            struct moon_profile_dates *dates_r,
                                            struct moon_error *error);
enum moon_status moon_sources_providers(struct moon_sources *sources,
                                        const struct moon_providers **providers_r,
                                        struct moon_error *error);
/* "tenants/acme.lua", "forwarders" -> "tenants/lists/forwarders.lua". False: the name is not made
 * of lower-case letters, digits, '-' and '_', or the policy is built in. */
bool moon_sources_list_path(const char *policy, const char *name, char *path_r, size_t size);

#endif
