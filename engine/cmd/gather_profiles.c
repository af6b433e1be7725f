/* SPDX-License-Identifier: MIT
 *
 * gather_profiles: the site's own profiles and table of providers, profiles/NAME.lua: each takes
 * the place of the program's of that name.
 */
#include "engine/base/limits.h"
#include "engine/cmd/gather_parts.h"

/* What moon.profile can name: lower-case letters, digits and '-'. */
static bool is_profile_name(struct moon_span name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!(name.p[i] >= 'a' && name.p[i] <= 'z') && !moon_is_digit(name.p[i]) &&
            name.p[i] != '-')
            return false;
    return name.n > 0 && name.n <= 40;
}

static void add_profile(struct moon_gather *gather, const char *folder, const char *name)
{
    struct moon_span stem = moon_gather_stem(name);
    if (!stem.n)
        return; /* editors leave copies behind */
    const char *path = moon_arena_printf(gather->arena, "%s/%s", folder, name);
    if (!path)
        gather->no_memory = true;
    else if (!is_profile_name(stem))
        moon_gather_complain(gather,
                             "%s/%s: a profile's name is made of lower-case letters, digits and "
                             "'-', at most 40; rename it",
                             gather->config_dir, path);
    else if (moon_span_is(stem, "rules"))
        moon_gather_complain(gather,
                             "%s/%s: the rules are the program's own; write a rule of yours into a "
                             "profile, as the function holds of a requirement",
                             gather->config_dir, path);
    else
        (void)moon_gather_source(gather, "profile", path, MOON_SOURCE_BYTES_MAX); /* says it */
}

/* Policies can be tried beside the live ones, but all of them share the profiles. */
static void note_next(struct moon_gather *gather, const char *folder, const char *name)
{
    if (moon_gather_stem(name).n)
        moon_gather_note(gather,
                         "%s/%s/%s is not read: a profile has no next version; put it into "
                         "profiles/ under another name, for the next policy to open",
                         gather->config_dir, folder, name);
}

void moon_gather_profiles(struct moon_gather *gather)
{
    moon_gather_each(gather, "profiles", add_profile);
    moon_gather_each(gather, "next/profiles", note_next);
}
