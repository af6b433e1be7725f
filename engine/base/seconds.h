/* SPDX-License-Identifier: MIT
 *
 * seconds: lengths of time as people write them.
 */
#ifndef MOON_BASE_SECONDS_H
#define MOON_BASE_SECONDS_H

#include <stdint.h>

#include "engine/base/buf.h"

/* "90s", "15m", "24h", "7d" as seconds, at most a million units; -1: none of these. */
int64_t moon_seconds_of(struct moon_span text);

#endif
