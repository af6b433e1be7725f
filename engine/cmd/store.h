/* SPDX-License-Identifier: MIT
 *
 * store: the published snapshots of a state directory: snapshots/<hash>.snapshot, and the symbolic
 * link `current` to the one in force, and its map of tenants as text for Exim, `tenants`. The order
 * of publication is that of the files' times.
 */
#ifndef MOON_CMD_STORE_H
#define MOON_CMD_STORE_H

#include "engine/base/snapshot.h"

#define MOON_STORE_CONFIG_DIR "/etc/moonscan"
#define MOON_STORE_STATE_DIR  "/var/lib/moonscan"
#define MOON_STORE_KEPT_MAX   10u /* snapshots kept for --rollback */

/* The hash of the one in force; false when there is none. */
bool moon_store_current(const char *state_dir, char hash_r[65]);
/* Creates the folders when they are missing. */
enum moon_status moon_store_save(const char *state_dir, struct moon_snapshot_writer *writer,
                                 char hash_r[65], struct moon_error *error);
/* Writes `tenants` ("domain: tenant" lines, Exim's lsearch) and points `current` at a snapshot,
 * each by rename: a reader sees the old or the new one. */
enum moon_status moon_store_switch(const char *state_dir, const char *hash,
                                   struct moon_error *error);
/* The one published before `hash` whose contents have the right hash; others are skipped. */
enum moon_status moon_store_previous(const char *state_dir, const char *hash, char hash_r[65],
                                     struct moon_error *error);
/* Removes all but the last MOON_STORE_KEPT_MAX and the one in force. */
void moon_store_prune(const char *state_dir);

#endif
