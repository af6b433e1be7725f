/* SPDX-License-Identifier: MIT
 *
 * review: lists are in order, but are they wise? Entries that have expired or soon will, that let
 * more in than their author may think, that say the same twice, lists that no policy reads.
 */
#ifndef MOON_CMD_REVIEW_H
#define MOON_CMD_REVIEW_H

#include "engine/cmd/gather.h"

#define MOON_REVIEW_SOON_DAYS 14 /* time to ask the forwarder's postmaster again */

/* Loads what the review needs, before a process is confined. */
void moon_review_prepare(void);
/* Warnings go to gather->warnings, by gather->now_s. MOON_ENOMEM is the only failure; a list that
 * has mistakes is not looked at. */
enum moon_status moon_review_lists(struct moon_gather *gather,
                                   const struct moon_snapshot *snapshot);

#endif
