/* SPDX-License-Identifier: MIT
 *
 * providers: who runs the host that sends. The data are policies/profiles/providers.lua, or the
 * site's own profiles/providers.lua; parsed once per worker into sorted tables, so that a look-up
 * costs the same however many there are. Internal to this room.
 */
#ifndef MOON_LUA_PROVIDERS_H
#define MOON_LUA_PROVIDERS_H

#include "engine/verdict/policy.h"
#include "lua/sandbox.h"

/* The ways to know a provider, the strongest first. The first three speak of the host that sends;
 * the last two of whoever last sealed or once signed the message, which may have been before it was
 * forwarded. */
enum moon_provider_kind {
    MOON_PROVIDER_HOSTNAME = 0,
    MOON_PROVIDER_NETWORK,
    MOON_PROVIDER_SPF,
    MOON_PROVIDER_ARC,
    MOON_PROVIDER_DKIM,
    MOON_PROVIDER_KINDS,
};
/* "hostname", "network", "spf", "arc", "dkim": a constant. */
const char *moon_provider_kind_name(enum moon_provider_kind kind);

struct moon_providers;

struct moon_provider_found {
    const char *name;
    enum moon_provider_kind kind;
    char evidence[400]; /* "host name mail-x.google.com" */
};

/* Everything is in the arena; `path` is shown in messages. MOON_ECONF with "path:line: what". */
enum moon_status moon_providers_parse(struct moon_arena *arena, const struct moon_limits *limits,
                                      struct moon_span source, const char *path,
                                      const struct moon_providers **providers_r,
                                      struct moon_error *error);
const char *moon_providers_dated(const struct moon_providers *providers);
/* By the strongest evidence there is. False: nobody that is known. */
bool moon_providers_find(const struct moon_providers *providers, const struct moon_message *msg,
                         const struct moon_results *results, struct moon_provider_found *found_r);

#endif
