/* SPDX-License-Identifier: MIT
 *
 * tenants: which recipients belong to which tenant. The site's RCPT ACL may say so in
 * $acl_m_moonscan_tenants ("example.org=acme other@example.net=beta", or one word for all);
 * otherwise the snapshot's map from recipient domain to tenant does. Recipients that neither knows
 * belong to the tenant "", which has only the site's layers.
 */
#ifndef MOON_VERDICT_TENANTS_H
#define MOON_VERDICT_TENANTS_H

#include "engine/verdict/scan.h"

/* Groups in the order of tenant names; at least one, even without recipients. Words of the hint
 * that name no published tenant are left out and told in *notes_r (NULL when there is nothing to
 * tell); "-" and nothing behind '=' mean that there is none. MOON_ENOMEM. */
enum moon_status moon_tenants_group(struct moon_arena *arena, const struct moon_snapshot *snapshot,
                                    const struct moon_message *msg,
                                    struct moon_tenant_verdict **tenants_r, size_t *count_r,
                                    const char **notes_r);

#endif
