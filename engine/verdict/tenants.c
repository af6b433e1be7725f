/* SPDX-License-Identifier: MIT
 *
 * tenants: 1. read the ACL's hint into a sorted table.  2. Find each recipient's tenant: address in
 * the hint, domain in the hint, the hint's word for all, the snapshot's domain map.  3. Sort and
 * cut into groups. Every step is n log n: a message can have 100,000 recipients.
 */
#include "engine/verdict/tenants.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"

struct pair {
    const char *key; /* lower case address or domain */
    const char *tenant;
};

struct hint {
    struct pair *pairs; /* sorted by key */
    size_t count;
    const char *for_all; /* a word without '=', or NULL */
};

struct member {
    const char *tenant;
    size_t recipient;
};

static int compare_pairs(const void *a, const void *b)
{
    return strcmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int by_tenant = strcmp(x->tenant, y->tenant);
    if (by_tenant)
        return by_tenant;
    return x->recipient < y->recipient ? -1 : x->recipient > y->recipient;
}

static bool is_published(const struct moon_snapshot *snapshot, struct moon_arena *arena,
                         struct moon_span tenant)
{
    struct moon_span value;
    char *key = moon_arena_printf(arena, "tenant/%.*s", (int)tenant.n, tenant.p);
    return snapshot && key && moon_snapshot_get(snapshot, moon_span_of(key), &value);
}

static char *lower_copy(struct moon_arena *arena, struct moon_span text)
{
    char *copy = moon_arena_dup(arena, text);
    for (size_t i = 0; copy && i < text.n; i++)
        copy[i] = moon_lower(copy[i]);
    return copy;
}

static bool is_in_word(char c)
{
    return c != ' ' && c != '\t' && c != ',' && c != ';' && c != '\n' && c != '\r';
}

static bool is_separator(char c)
{
    return !is_in_word(c);
}

/* A word of the hint that names no tenant: said once, cut to something a log can hold. */
static const char *unknown_tenant(struct moon_arena *arena, struct moon_span word)
{
    return moon_arena_printf(arena,
                             "acl_m_moonscan_tenants names \"%.*s\", which is no published tenant",
                             (int)(word.n > 64 ? 64 : word.n), word.p);
}

static enum moon_status read_hint(struct moon_arena *arena, const struct moon_snapshot *snapshot,
                                  const char *text, struct hint *hint_r, const char **notes_r)
{
    struct moon_buf buf = moon_buf_of(moon_span_of(text));

    *hint_r = (struct hint){NULL, 0, NULL};
    while (!moon_buf_at_end(&buf) && hint_r->count < MOON_RECIPIENTS_MAX) {
        (void)moon_buf_while(&buf, is_separator);
        struct moon_span word = moon_buf_while(&buf, is_in_word);
        if (word.n == 0)
            continue;
        size_t equals = moon_span_rfind(word, '=');
        struct moon_span name =
            equals == (size_t)-1 ? word : moon_span_sub(word, equals + 1, word.n);
        if (name.n == 0 || moon_span_is(name, "-"))
            continue; /* the look-up knows none */
        if (name.n > MOON_LABEL_MAX || !is_published(snapshot, arena, name)) {
            *notes_r = *notes_r ? *notes_r : unknown_tenant(arena, word);
            continue;
        }
        const char *tenant = moon_arena_dup(arena, name);
        if (!tenant)
            return MOON_ENOMEM;
        if (equals == (size_t)-1) {
            hint_r->for_all = tenant;
            continue;
        }
        struct pair pair = {lower_copy(arena, moon_span_sub(word, 0, equals)), tenant};
        hint_r->pairs = moon_arena_append(arena, hint_r->pairs, hint_r->count, sizeof pair);
        if (!pair.key || !hint_r->pairs)
            return MOON_ENOMEM;
        hint_r->pairs[hint_r->count++] = pair;
    }
    if (hint_r->count)
        qsort(hint_r->pairs, hint_r->count, sizeof *hint_r->pairs, compare_pairs);
    return MOON_OK;
}

static const char *in_hint(const struct hint *hint, const char *key)
{
    struct pair wanted = {key, NULL};
    const struct pair *found = hint->count && key ? bsearch(&wanted, hint->pairs, hint->count,
                                                            sizeof wanted, compare_pairs)
                                                  : NULL;
    return found ? found->tenant : NULL;
}

/* Never NULL but without memory. */
static const char *tenant_of(struct moon_arena *arena, const struct moon_snapshot *snapshot,
                             const struct hint *hint, const struct moon_recipient *recipient)
{
    const char *tenant = NULL;
    struct moon_span value;

    if (hint->count) {
        char *address = lower_copy(arena, moon_span_of(recipient->address));
        if (!address)
            return NULL;
        tenant = in_hint(hint, address);
        if (!tenant)
            tenant = in_hint(hint, recipient->domain);
    }
    if (!tenant)
        tenant = hint->for_all;
    if (tenant || !snapshot || !recipient->domain)
        return tenant ? tenant : "";
    char *key = moon_arena_printf(arena, "domain/%s", recipient->domain);
    if (!key)
        return NULL;
    if (!moon_snapshot_get(snapshot, moon_span_of(key), &value))
        return "";
    return moon_arena_dup(arena, value);
}

static enum moon_status cut_into_groups(struct moon_arena *arena, const struct member *members,
                                        size_t count, struct moon_tenant_verdict **tenants_r,
                                        size_t *count_r)
{
    size_t groups = 0;

    *tenants_r = NULL;
    for (size_t i = 0, start = 0; i <= count; i++) {
        bool border = i == count || strcmp(members[i].tenant, members[start].tenant) != 0;
        if (!border)
            continue;
        struct moon_tenant_verdict group = {
            .tenant = count ? members[start].tenant : "",
            .recipients = moon_arena_array(arena, i - start, sizeof *group.recipients),
            .recipient_count = i - start,
        };
        *tenants_r = moon_arena_append(arena, *tenants_r, groups, sizeof group);
        if (!*tenants_r || !group.recipients)
            return MOON_ENOMEM;
        for (size_t k = start; k < i; k++)
            group.recipients[k - start] = members[k].recipient;
        (*tenants_r)[groups++] = group;
        start = i;
    }
    *count_r = groups;
    return MOON_OK;
}

enum moon_status moon_tenants_group(struct moon_arena *arena, const struct moon_snapshot *snapshot,
                                    const struct moon_message *msg,
                                    struct moon_tenant_verdict **tenants_r, size_t *count_r,
                                    const char **notes_r)
{
    struct hint hint = {NULL, 0, NULL};
    struct member *members = moon_arena_array(arena, msg->recipient_count, sizeof *members);

    *notes_r = NULL;
    if (!members)
        return MOON_ENOMEM;
    if (msg->tenant_hint) {
        enum moon_status status = read_hint(arena, snapshot, msg->tenant_hint, &hint, notes_r);
        if (status != MOON_OK)
            return status;
    }
    for (size_t i = 0; i < msg->recipient_count; i++) {
        bool as_before = i && !hint.count && msg->recipients[i].domain &&
                         msg->recipients[i - 1].domain &&
                         strcmp(msg->recipients[i].domain, msg->recipients[i - 1].domain) == 0;
        members[i].recipient = i;
        members[i].tenant = as_before ? members[i - 1].tenant
                                      : tenant_of(arena, snapshot, &hint, &msg->recipients[i]);
        if (!members[i].tenant)
            return MOON_ENOMEM;
    }
    if (msg->recipient_count)
        qsort(members, msg->recipient_count, sizeof *members, compare_members);
    return cut_into_groups(arena, members, msg->recipient_count, tenants_r, count_r);
}
