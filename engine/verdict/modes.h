/* SPDX-License-Identifier: MIT
 *
 * modes: which version of a tenant's policy decides, and what is done with its verdict. tenants.lua
 * says so for each tenant:
 *
 *   mode      next version    the verdict that counts      beside it
 *   -         none            live                         -
 *   -         there           live                         next, in the shadow
 *   enforce   any             live                         -
 *   dry_run   any             accept; live is logged       -
 *   shadow    there           live                         next, in the shadow
 *
 * canary = N: for N percent of messages, drawn by their ids, the next version decides in the live
 * one's place, in any mode; where it fails, the live one decides.
 */
#ifndef MOON_VERDICT_MODES_H
#define MOON_VERDICT_MODES_H

#include "engine/verdict/scan.h"

/* Fills verdict, asks, dry_run and next of one tenant, and shadow where the next version failed as
 * a canary. `input` has message, results, tenant, recipients and turn; of that the canary has half,
 * so that the live version can still decide when it fails. MOON_ENOMEM. */
enum moon_status moon_modes_decide(const struct moon_engine *engine, struct moon_arena *arena,
                                   struct moon_asks_shared *shared,
                                   const struct moon_policy_input *input,
                                   struct moon_tenant_verdict *tenant);
/* The time of the message is used up before this tenant's turn: the failure verdict, in its mode;
 * `why` is copied. MOON_ENOMEM. */
enum moon_status moon_modes_late(const struct moon_engine *engine, struct moon_arena *arena,
                                 const char *why, struct moon_tenant_verdict *tenant);
/* When every tenant has its verdict: asks the next version where it runs in the shadow, and fills
 * tenant->shadow. Nothing that it does harms the decision: it has memory of its own, and what it
 * asks writes nothing. MOON_ENOMEM: of the message's own arena. */
enum moon_status moon_modes_shadow(const struct moon_engine *engine, struct moon_arena *arena,
                                   struct moon_asks_shared *shared,
                                   const struct moon_policy_input *input,
                                   struct moon_tenant_verdict *tenant);
/* The shadow could not be asked for want of time; `why` is copied. MOON_ENOMEM. */
enum moon_status moon_modes_skip(const struct moon_engine *engine, struct moon_arena *arena,
                                 const char *why, struct moon_tenant_verdict *tenant);

#endif
