/* SPDX-License-Identifier: MIT
 *
 * gather_alone: one policy file without a configuration around it, for its tests: it is the policy
 * of a tenant named like the file, with the lists and the files of tests beside it.
 */
#include "engine/cmd/gather_parts.h"

#include "engine/base/limits.h"

enum moon_status moon_gather_alone(struct moon_gather *gather, const char *name)
{
    struct moon_span stem = moon_gather_stem(name);
    const char *tenant = moon_arena_dup(gather->arena, stem);
    size_t errors = gather->error_count;

    if (!tenant || !moon_gather_is_tenant_name(stem))
        tenant = "tenant";
    if (moon_gather_source(gather, "policy", name, MOON_SOURCE_BYTES_MAX)) {
        moon_gather_add(gather, "tenant", tenant, moon_span_of(name));
        gather->policy_count++;
    } else if (gather->error_count == errors) {
        moon_gather_complain(gather, "%s/%s: there is no such file", gather->config_dir, name);
    }
    moon_gather_each(gather, "lists", moon_gather_list);
    moon_gather_fixtures(gather, "fixtures");
    return gather->no_memory ? MOON_ENOMEM : MOON_OK;
}
