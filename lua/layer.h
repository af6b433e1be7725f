/* SPDX-License-Identifier: MIT
 *
 * layer: one layer of a decision, run in a sandbox of its own: the chunk, which returns the policy
 * table, and the function of it that is asked. Internal to this room.
 */
#ifndef MOON_LUA_LAYER_H
#define MOON_LUA_LAYER_H

#include "lua/facts.h"

/* The layers, as verdicts and the log name them. */
#define MOON_LAYER_LOCKED   "locked"
#define MOON_LAYER_TENANT   "tenant"
#define MOON_LAYER_SITE     "site"
#define MOON_LAYER_BUILT_IN "built-in"

/* Runs decide->code as decide->layer: for "locked" its function locked (decide->no_lock is set when
 * it has none), for all others the function of the recipient group, then message. decide->verdict
 * keeps the kind NONE without an opinion. With decide->tests no function is asked: the table of
 * tests is read into it. */
enum moon_status moon_layer_run(const struct moon_limits *limits, struct moon_decide *decide,
                                struct moon_error *error);

#endif
