/* SPDX-License-Identifier: MIT
 *
 * gather: reads the configuration directory into the records of a snapshot. All mistakes are
 * collected, not only the first.
 */
#ifndef MOON_CMD_GATHER_H
#define MOON_CMD_GATHER_H

#include "engine/base/arena.h"
#include "engine/base/snapshot.h"
#include "engine/trial/run.h"
#include "lua/tenants_config.h"

/* A policy of policies/, shared by tenants. */
struct moon_gather_shared {
    const char *name, *path;
    const char *next; /* the next version; NULL: there is none */
    bool next_lists;  /* next/ has a list for it */
};

struct moon_gather_tenant {
    const char *name;
    const char *path;                       /* of its policy; "": it has none */
    const char *next;                       /* the next version of it; NULL: there is none */
    const struct moon_tenants_entry *entry; /* of tenants.lua, or NULL */
    bool elsewhere;                         /* the map or a folder names it too */
    bool folder;                            /* tenants/NAME/ is there, without a policy */
    bool next_lists;                        /* next/tenants/NAME/lists has one */
    const char *stray;                      /* a file in its folder that nobody reads, or NULL */
};

struct moon_gather {
    struct moon_arena *arena;
    const char *config_dir;
    struct moon_snapshot_writer *writer;
    int64_t now_s;       /* by which entries of lists have expired */
    const char **errors; /* "<path>:<line>: what" */
    size_t error_count;
    const char **notes; /* what is in order, but may not be meant */
    size_t note_count;
    const char **warnings; /* what is in order, but lets more in than it should, or nothing */
    size_t warning_count, warning_total; /* kept; of them all */
    size_t setting_count, tenant_count, domain_count, policy_count, list_count;
    struct moon_gather_tenant *tenants; /* seen, from files and from the map */
    size_t tenant_known;
    uint32_t *tenant_slots; /* hash table of indices into tenants, from 1; 0: free */
    size_t tenant_slot_count;
    struct moon_span tenants_text; /* tenants.lua, for the lines of mistakes */
    struct moon_tenants_config tenants_conf;
    const struct moon_tenants_entry *others; /* its "*", or NULL */
    struct moon_gather_shared *shared;
    size_t shared_count;
    const char *site, *next_site;                                  /* paths, or NULL */
    bool next_site_lists, next_tenants_lists, next_policies_lists; /* next/ has some there */
    const char *modes;             /* which tenants are in which mode, lines; NULL: all enforce */
    struct moon_trial_file *files; /* what tests of policies read; not for the snapshot */
    size_t file_count, file_bytes;
    const char *stray; /* the last file seen that nobody reads, of the folder being read */
    size_t test_count; /* of all policies, when they were run */
    bool no_memory;
};

/* Notes a mistake. */
void moon_gather_complain(struct moon_gather *gather, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Reads moonscan.lua, tenants.lua, tenants.map, site.lua, policies/, tenants/, next/ and the lists.
 * arena, config_dir and writer are given. MOON_ENOMEM is the only failure; mistakes are in
 * gather->errors. */
enum moon_status moon_gather_read(struct moon_gather *gather);
/* One policy file below config_dir alone, with the lists and files of tests beside it, as a tenant
 * named like it ("tenant" when no tenant can be named so). */
enum moon_status moon_gather_alone(struct moon_gather *gather, const char *name);
/* tenants.map, for the fuzzer: "domain: tenant" lines as in Exim's lsearch files. */
void moon_gather_map(struct moon_gather *gather, const char *path, struct moon_span text);

#endif
