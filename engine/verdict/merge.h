/* SPDX-License-Identifier: MIT
 *
 * merge: several tenants' verdicts on one message become one action and a fate for each tenant's
 * recipients. SMTP knows one answer to DATA, so whoever takes the message makes it taken; what the
 * others wanted is then done in their own quarantine. Nothing is lost silently.
 */
#ifndef MOON_VERDICT_MERGE_H
#define MOON_VERDICT_MERGE_H

#include "engine/verdict/scan.h"

/* Reads each tenant's verdict.kind (never NONE; accept in its place for a dry run), writes its fate
 * and by_split.
 *
 *   all discard                          accept, every recipient removed
 *   somebody accepts or quarantines      accept; who rejected or deferred: quarantine, by_split
 *   nobody, somebody defers              defer (also for those who reject or discard)
 *   nobody, somebody rejects             reject
 *
 * *split_r: the tenants were not of one mind and the message is taken. `count` of 0 (no recipient
 * left) accepts. */
enum moon_action moon_merge(struct moon_tenant_verdict *tenants, size_t count, bool *split_r);

#endif
