/* SPDX-License-Identifier: MIT
 *
 * dmarc_psl: the adapter to libpsl, the only file that knows it. The list is the newer one of what
 * libpsl was built with and the compiled list of the system (a DAFSA: 0.1 ms; the text form would
 * cost 8 ms).
 */
#include "engine/auth/dmarc_psl.h"

#include <stdbool.h>
#include <stddef.h>

#include <libpsl.h>

static const psl_ctx_t *list(void)
{
    static const psl_ctx_t *loaded; /* for the life of the process */
    static bool tried;

    if (!tried) {
        tried = true;
        loaded = psl_latest(NULL);
        if (!loaded)
            loaded = psl_builtin();
    }
    return loaded;
}

const char *moon_dmarc_psl_organization(const char *domain)
{
    const psl_ctx_t *psl = list();
    const char *registered = psl ? psl_registrable_domain(psl, domain) : NULL;
    return registered ? registered : domain;
}

const char *moon_dmarc_psl_file(void)
{
    return psl_dist_filename();
}
