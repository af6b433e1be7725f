/* SPDX-License-Identifier: MIT
 *
 * gather_map: tenants.map, "domain: tenant" lines as in Exim's lsearch files. A domain can be one
 * tenant's only.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/cmd/gather_parts.h"
#include "engine/message/domain.h"

struct map_line {
    struct moon_span domain, tenant;
    unsigned number;
    const char *key; /* of the snapshot */
};

struct map_lines {
    struct map_line *line;
    size_t count;
};

static void add_map_line(struct moon_gather *gather, const char *path, struct map_lines *all,
                         const struct map_line *line)
{
    const char *domain = moon_domain_normalize(gather->arena, line->domain);
    int shown = (int)(line->domain.n < 100 ? line->domain.n : 100);
    if (!domain || !strchr(domain, '.')) {
        bool swapped = moon_gather_is_tenant_name(line->domain) && line->tenant.n < 100 &&
                       moon_domain_normalize(gather->arena, line->tenant) != NULL &&
                       moon_span_find(line->tenant, '.') != (size_t)-1;
        bool wild = line->domain.n && (line->domain.p[0] == '*' || line->domain.p[0] == '.');
        moon_gather_complain(gather, "%s:%u: '%.*s' is no domain%s", path, line->number, shown,
                             line->domain.p,
                             wild ? "; each domain stands on a line of its own, and so does each "
                                    "subdomain"
                             : swapped ? "; the domain comes first: acme.example: acme"
                                       : "");
    } else if (!moon_gather_is_tenant_name(line->tenant)) {
        moon_gather_complain(gather,
                             "%s:%u: '%.*s' cannot be a tenant's name: use lower-case letters, "
                             "digits, '-', '_' and '.' (lists, fixtures and default are taken)",
                             path, line->number, (int)(line->tenant.n < 100 ? line->tenant.n : 100),
                             line->tenant.p ? line->tenant.p : "");
    } else {
        struct map_line *larger =
            moon_arena_append(gather->arena, all->line, all->count, sizeof *all->line);
        const char *key = moon_arena_printf(gather->arena, "domain/%s", domain);
        if (!larger || !key) {
            gather->no_memory = true;
            return;
        }
        all->line = larger;
        all->line[all->count] = *line;
        all->line[all->count++].key = key;
    }
}

static int by_domain(const void *a, const void *b)
{
    const struct map_line *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* Into the snapshot; a domain can be one tenant's only. */
static void add_domains(struct moon_gather *gather, const char *path, struct map_lines *all)
{
    struct moon_error error = {""};
    if (all->count)
        qsort(all->line, all->count, sizeof *all->line, by_domain);
    for (size_t i = 0, first = 0; i < all->count; i++) {
        const struct map_line *line = &all->line[i];
        if (i > 0 && !strcmp(line->key, all->line[first].key)) {
            moon_gather_complain(gather, "%s:%u: %s stands in line %u already; remove one", path,
                                 line->number, line->key + strlen("domain/"),
                                 all->line[first].number);
            continue;
        }
        first = i;
        if (moon_snapshot_writer_add(gather->writer, moon_span_of(line->key), line->tenant,
                                     &error) != MOON_OK)
            moon_gather_complain(gather, "%s:%u: %s", path, line->number, error.text);
        gather->domain_count++;
    }
}

static void name_tenant(struct moon_gather *gather, struct moon_span name)
{
    struct moon_gather_tenant *tenant = moon_gather_tenant(gather, name);
    if (tenant) /* else there was no memory, which is noted */
        tenant->elsewhere = true;
}

void moon_gather_map(struct moon_gather *gather, const char *path, struct moon_span text)
{
    struct moon_buf buf = moon_buf_of(text);
    struct moon_span last = {NULL, 0};
    struct map_lines all = {NULL, 0};
    for (unsigned number = 1; !moon_buf_at_end(&buf) && !gather->no_memory; number++) {
        struct moon_span line = moon_buf_until(&buf, '\n');
        bool indented = line.n && moon_is_wsp(line.p[0]);
        (void)moon_buf_skip(&buf, '\n'); /* the last line has none */
        line = moon_span_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (indented) {
            moon_gather_complain(gather, "%s:%u: a line starts with its domain, not with space",
                                 path, number);
            continue;
        }
        struct moon_buf parts = moon_buf_of(line);
        struct map_line parsed = {.number = number};
        parsed.domain = moon_span_trim(moon_buf_until(&parts, ':'));
        if (!moon_buf_skip(&parts, ':')) {
            moon_gather_complain(gather, "%s:%u: a line is like: acme.example: acme", path, number);
            continue;
        }
        parsed.tenant = moon_span_trim((struct moon_span){parts.p, parts.left});
        add_map_line(gather, path, &all, &parsed);
        /* Neighbours mostly name the same tenant: one search for each run of them. */
        if (moon_gather_is_tenant_name(parsed.tenant) && !moon_span_eq(parsed.tenant, last))
            name_tenant(gather, parsed.tenant);
        last = parsed.tenant;
    }
    if (!gather->no_memory)
        add_domains(gather, path, &all);
}
