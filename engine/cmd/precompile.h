/* SPDX-License-Identifier: MIT
 *
 * precompile: the bytecode of every policy for the snapshot (lua/code.h), so that a worker that
 * meets a tenant for the first time compiles nothing. Texts are compiled, and nothing is run, in a
 * confined child of its own: what ran other people's Lua must not write what workers run. Lists,
 * which are run to be read, are data in the end (lua/list_pack.h): another child packs them.
 */
#ifndef MOON_CMD_PRECOMPILE_H
#define MOON_CMD_PRECOMPILE_H

#include "engine/cmd/gather.h"

/* Adds records to gather->writer. After a failure (MOON_ENOMEM, MOON_EIO, MOON_EBUDGET, with the
 * reason) none is added: workers compile the texts then. */
enum moon_status moon_precompile_run(struct moon_gather *gather, struct moon_error *error);

#endif
