/* SPDX-License-Identifier: MIT
 *
 * snapshot_format: what the reader and the writer of snapshots share (see snapshot.h).
 */
#ifndef MOON_BASE_SNAPSHOT_FORMAT_H
#define MOON_BASE_SNAPSHOT_FORMAT_H

#include "engine/base/buf.h"

#define MOON_SNAPSHOT_MAGIC       "MOONSNP1"
#define MOON_SNAPSHOT_MAGIC_BYTES 8u
#define MOON_SNAPSHOT_HEAD_BYTES  (8u + 64u + 4u)
#define MOON_SNAPSHOT_ENTRY_BYTES 16u

/* Byte order; a beginning comes before the longer key. */
int moon_snapshot_key_compare(struct moon_span a, struct moon_span b);

#endif
