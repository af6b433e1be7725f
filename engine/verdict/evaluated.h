/* SPDX-License-Identifier: MIT
 *
 * evaluated: one tenant's verdict in the words of a report to the domain owner: the
 * policy_evaluated of a row (RFC 9990 section 3.1.1.9).
 */
#ifndef MOON_VERDICT_EVALUATED_H
#define MOON_VERDICT_EVALUATED_H

#include "engine/verdict/scan.h"

struct moon_evaluated {
    const char *disposition; /* "none", "pass", "quarantine", "reject"; NULL: there is no row */
    const char *type; /* policy override type, or NULL: what was applied is what was asked for */
};

/* What DMARC's part of the verdict came to, once `action` is known. There is no row without a DMARC
 * result of pass or fail (RFC 9989 section 5.3.6), nor for a message that was deferred: it comes
 * again. A verdict that differs from what the owner asked for has a type even when its policy named
 * none. */
struct moon_evaluated moon_evaluated_of(const struct moon_dmarc *dmarc,
                                        const struct moon_tenant_verdict *tenant,
                                        enum moon_action action);

#endif
