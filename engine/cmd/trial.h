/* SPDX-License-Identifier: MIT
 *
 * trial: runs every policy and reads every list of a snapshot before it is published.
 */
#ifndef MOON_CMD_TRIAL_H
#define MOON_CMD_TRIAL_H

#include "engine/cmd/gather.h"

/* Mistakes go to gather->errors, with the configuration directory in front. MOON_ENOMEM is the only
 * failure. */
enum moon_status moon_trial_run(struct moon_gather *gather, const struct moon_snapshot *snapshot);

#endif
