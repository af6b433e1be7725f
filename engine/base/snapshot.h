/* SPDX-License-Identifier: MIT
 *
 * snapshot: what `moonscan publish` wrote and every worker reads: one immutable file of sorted
 * records, key -> bytes, mapped read-only and searched by halving, so that 10,000 tenants cost one
 * look-up. Named by the SHA-256 of its contents, which the head of the file states too.
 *
 * File:  "MOONSNP1", SHA-256 of all that follows as 64 hex digits, count of records (u32), then for
 *        each record in key order: offset and length of its key, offset and length of its value
 * (u32 each, offsets from the file's start); then all keys, then all values. Network byte order.
 *
 * Keys:  code-stamp, code/<path>  compiled policies (lua/code.h)
 *        packed/<path>       parsed lists (lua/list_pack.h)
 *        conf/<key>          canonical value of a setting
 *        from/<key>          where it was set, for people: "moonscan.lua:3"
 *        policy/<path>       source text, path relative to the configuration directory
 *        list/<path>         source text of a list
 *        profile/<path>      source text of a profile or of the table of providers
 *        site                path of the site's policy (absent: none)
 *        domain/<domain>     tenant name (domains normalized)
 *        next-site           path of the site's policy in the next version (absent: none)
 *        next-tenant/<name>  path of the tenant's policy in the next version (absent: none)
 *        tenant-conf/<name>  what tenants.lua gives this tenant; "*": all others (tenant_conf.h)
 *        tenant/<name>       path of the tenant's policy, or "" for a tenant without its own
 */
#ifndef MOON_BASE_SNAPSHOT_H
#define MOON_BASE_SNAPSHOT_H

#include "engine/base/buf.h"
#include "engine/base/status.h"

struct moon_snapshot;

/* Opens and checks the index (bounds, order); the hash is checked by publish and rollback, not at
 * each start. `*snapshot_r` NULL and MOON_OK when `path` does not exist. MOON_EIO for anything that
 * is no snapshot. */
enum moon_status moon_snapshot_open(const char *path, struct moon_snapshot **snapshot_r,
                                    struct moon_error *error);
/* The same over bytes that the caller keeps until close. */
enum moon_status moon_snapshot_of_memory(struct moon_span bytes, struct moon_snapshot **snapshot_r,
                                         struct moon_error *error);
/* May what it holds be run as it is? Only a file of root's or of this process's user that no other
 * may write. Never from memory. */
bool moon_snapshot_trusted(const struct moon_snapshot *snapshot);
/* Does the content have the hash that the file states? */
bool moon_snapshot_verify(const struct moon_snapshot *snapshot);
void moon_snapshot_close(struct moon_snapshot **snapshot);
/* First 12 hex digits of the hash, for people and the log; all 64. */
const char *moon_snapshot_hash(const struct moon_snapshot *snapshot);
const char *moon_snapshot_full_hash(const struct moon_snapshot *snapshot);
/* False when there is no such record. The value stays valid until close. */
bool moon_snapshot_get(const struct moon_snapshot *snapshot, struct moon_span key,
                       struct moon_span *value_r);
/* The i-th record in key order; false behind the last. */
bool moon_snapshot_each(const struct moon_snapshot *snapshot, size_t i, struct moon_span *key_r,
                        struct moon_span *value_r);

/* Building one, in memory on the heap. Keys may come in any order; the same key twice is
 * MOON_ECONF. */
struct moon_snapshot_writer;
struct moon_snapshot_writer *moon_snapshot_writer_create(void);
void moon_snapshot_writer_destroy(struct moon_snapshot_writer **writer);
enum moon_status moon_snapshot_writer_add(struct moon_snapshot_writer *writer, struct moon_span key,
                                          struct moon_span value, struct moon_error *error);
/* The whole file in memory, on the heap (the caller frees bytes_r->p). */
enum moon_status moon_snapshot_writer_bytes(struct moon_snapshot_writer *writer, char hash_r[65],
                                            struct moon_span *bytes_r, struct moon_error *error);
/* Writes `<directory>/<hash>.snapshot` by a temporary file, fsync and rename, mode 0644; the hash
 * (64 hex digits) is written to hash_r. Existing is fine. */
enum moon_status moon_snapshot_writer_save(struct moon_snapshot_writer *writer,
                                           const char *directory, char hash_r[65],
                                           struct moon_error *error);

#endif
