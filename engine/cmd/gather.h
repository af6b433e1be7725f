/* SPDX-License-Identifier: MIT
 *
 * gather: reads the configuration directory into the records of a snapshot. All mistakes are
 * collected, not only the first.
 */
#ifndef MOON_CMD_GATHER_H
#define MOON_CMD_GATHER_H

#include "engine/base/arena.h"
#include "engine/base/snapshot.h"

struct moon_gather_tenant {
    const char *name;
    const char *path; /* of its policy; "": it has none */
};

struct moon_gather {
    struct moon_arena *arena;
    const char *config_dir;
    struct moon_snapshot_writer *writer;
    const char **errors; /* "<path>:<line>: what" */
    size_t error_count;
    const char **notes; /* what is in order, but may not be meant */
    size_t note_count;
    size_t setting_count, tenant_count, domain_count, policy_count, list_count;
    struct moon_gather_tenant *tenants; /* seen, from files and from the map */
    size_t tenant_known;
    uint32_t *tenant_slots; /* hash table of indices into tenants, from 1; 0: free */
    size_t tenant_slot_count;
    bool no_memory;
};

/* Notes a mistake. */
void moon_gather_complain(struct moon_gather *gather, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Reads moonscan.lua, tenants.map, site.lua, tenants/ and the lists. arena, config_dir and writer
 * are given. MOON_ENOMEM is the only failure; mistakes are in gather->errors. */
enum moon_status moon_gather_read(struct moon_gather *gather);
/* tenants.map, for the fuzzer: "domain: tenant" lines as in Exim's lsearch files. */
void moon_gather_map(struct moon_gather *gather, const char *path, struct moon_span text);

#endif
