/* SPDX-License-Identifier: MIT
 *
 * review: every list of a snapshot. 1. Each entry: its day, its conditions.  2. Names that stand
 * twice.  3. Is there a policy beside the list that names it?
 *
 * What is too wide, and why:
 * - a public suffix: everybody can have a name below it;
 * - a domain of mailboxes for everybody: its signature, SPF or host is that of any of its users;
 * - a network of more addresses than one organization sends mail from: an IPv4 /16, or what a
 *   registry gives one provider of IPv6, a /32;
 * - a sealer alone: what passes through it may come from anybody.
 */
#include "engine/cmd/review.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/auth/dmarc_psl.h"
#include "engine/base/limits.h"
#include "engine/cmd/gather_parts.h"
#include "engine/message/domain.h"
#include "lua/list.h"

#define IPV4_BITS_MIN 16u
#define IPV6_BITS_MIN 32u
#define DAY_S         86400

/* Whose mailboxes anybody can have. */
static const char *const mailboxes[] = {
    "163.com",     "aol.com",        "fastmail.com", "gmail.com",
    "gmx.com",     "gmx.de",         "gmx.net",      "googlemail.com",
    "hotmail.com", "icloud.com",     "live.com",     "mac.com",
    "mail.ru",     "me.com",         "msn.com",      "outlook.com",
    "proton.me",   "protonmail.com", "qq.com",       "t-online.de",
    "web.de",      "yahoo.com",      "yandex.com",   "yandex.ru",
    "ymail.com",   "zoho.com",       "google.com",   "protection.outlook.com"};

struct reviewer {
    struct moon_gather *gather;
    const struct moon_snapshot *snapshot;
};

#define WARN(r, entry, ...) warn((r), (entry), moon_arena_printf((r)->gather->arena, __VA_ARGS__))

static void warn(struct reviewer *r, const struct moon_list_entry *entry, const char *what)
{
    if (!what)
        r->gather->no_memory = true;
    else if (entry->line)
        moon_gather_warn(r->gather, "%s/%s:%d: '%.80s' %s", r->gather->config_dir,
                         entry->list->path, entry->line, entry->name, what);
    else
        moon_gather_warn(r->gather, "%s/%s: '%.80s' %s", r->gather->config_dir, entry->list->path,
                         entry->name, what);
}

/* --- 1. entries --------------------------------------------------------------------------------
 */

static void review_day(struct reviewer *r, const struct moon_list_entry *entry)
{
    int64_t left = entry->expires_s - r->gather->now_s;
    if (!entry->expires)
        return;
    if (left <= 0)
        WARN(r, entry, "expired on %s and matches nothing: renew it or remove it", entry->expires);
    else if (left <= MOON_REVIEW_SOON_DAYS * DAY_S)
        WARN(r, entry, "expires on %s, in %d day%s", entry->expires, (int)(left / DAY_S),
             left / DAY_S == 1 ? "" : "s");
}

/* A name below it belongs to somebody else. The list of suffixes must really know it: without one
 * every name looks like a suffix. */
static bool is_public_suffix(const char *domain)
{
    char below[MOON_DOMAIN_MAX + 5];
    if (strlen(domain) > MOON_DOMAIN_MAX)
        return false;
    (void)snprintf(below, sizeof below, "a.b.%s", domain);
    return !strcmp(moon_dmarc_psl_organization(below), below + 2);
}

/* The domain of an item: without what stands in front of '@', without the dot of ".domain". */
static const char *domain_of(const char *item)
{
    const char *at = strrchr(item, '@');
    return at ? at + 1 : item[0] == '.' ? item + 1 : item;
}

static void review_suffixes(struct reviewer *r, const struct moon_list_entry *entry,
                            const char *condition, const struct moon_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        if (is_public_suffix(domain_of(texts->items[i])))
            WARN(r, entry,
                 "is too wide: %s = \"%.80s\" is a public suffix, below which anybody can "
                 "have a name",
                 condition, texts->items[i]);
}

static const char *mailbox_domain(const struct moon_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        for (size_t k = 0; k < sizeof mailboxes / sizeof *mailboxes; k++)
            if (!strcmp(domain_of(texts->items[i]), mailboxes[k]))
                return texts->items[i];
    return NULL;
}

/* Is there a condition that says more than who delivered? */
static bool is_narrow(const struct moon_list_entry *entry)
{
    return entry->from.count || entry->recipients.count || entry->mail_from.count ||
           entry->list_id.count;
}

/* dkim, spf and hosts of a domain of mailboxes, unless a condition that is none goes with it. */
static void review_mailboxes(struct reviewer *r, const struct moon_list_entry *entry)
{
    const struct {
        const char *name;
        const struct moon_texts *texts;
    } proofs[] = {{"dkim", &entry->dkim}, {"spf", &entry->spf}, {"hosts", &entry->hosts}};
    const char *name = NULL, *domain = NULL;
    for (size_t i = 0; i < 3; i++) {
        const char *found = mailbox_domain(proofs[i].texts);
        if (proofs[i].texts->count && !found)
            return;
        name = found ? proofs[i].name : name;
        domain = found ? found : domain;
    }
    if (name && !entry->arc.count && !entry->network_texts.count)
        WARN(r, entry, "is too wide: %s = \"%.80s\" proves only that somebody has a mailbox there",
             name, domain);
}

static void review_networks(struct reviewer *r, const struct moon_list_entry *entry)
{
    bool alone = !entry->dkim.count && !entry->spf.count && !entry->arc.count &&
                 !entry->hosts.count && !entry->list_id.count;
    for (size_t i = 0; i < entry->network_texts.count; i++) {
        const struct moon_net *net = &entry->networks[i];
        unsigned least = net->ip.family == 4 ? IPV4_BITS_MIN : IPV6_BITS_MIN;
        if (net->bits == 0)
            WARN(r, entry, "is too wide: networks = \"%.40s\" is every address there is",
                 entry->network_texts.items[i]);
        else if (net->bits < least && alone)
            WARN(r, entry,
                 "is too wide: networks = \"%.40s\" has more hosts than one organization "
                 "sends mail from; name them more closely, or dkim or spf beside",
                 entry->network_texts.items[i]);
    }
}

static void review_entry(struct reviewer *r, const struct moon_list_entry *entry)
{
    review_day(r, entry);
    review_suffixes(r, entry, "dkim", &entry->dkim);
    review_suffixes(r, entry, "spf", &entry->spf);
    review_suffixes(r, entry, "arc", &entry->arc);
    review_suffixes(r, entry, "hosts", &entry->hosts);
    review_suffixes(r, entry, "list_id", &entry->list_id);
    review_suffixes(r, entry, "mail_from", &entry->mail_from);
    review_suffixes(r, entry, "from", &entry->from);
    review_networks(r, entry);
    if (entry->verdict != MOON_VERDICT_NONE && entry->verdict != MOON_VERDICT_ACCEPT)
        return; /* a rule against somebody may be as wide as it likes */
    review_mailboxes(r, entry);
    if (entry->arc.count && !entry->dkim.count && !entry->spf.count && !entry->hosts.count &&
        !entry->network_texts.count && !is_narrow(entry))
        WARN(r, entry,
             "is too wide: what %.80s seals may come from anybody; name from, recipients "
             "or networks",
             entry->arc.items[0]);
}

/* --- 2. names ----------------------------------------------------------------------------------
 */

static int by_name(const void *a, const void *b)
{
    const struct moon_list_entry *x = *(const struct moon_list_entry *const *)a;
    const struct moon_list_entry *y = *(const struct moon_list_entry *const *)b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x > y) - (x < y);
}

static void review_names(struct reviewer *r, const struct moon_list *list)
{
    const struct moon_list_entry **sorted =
        moon_arena_array(r->gather->arena, list->count, sizeof *sorted);
    if (!sorted) {
        r->gather->no_memory = true;
        return;
    }
    for (size_t i = 0; i < list->count; i++)
        sorted[i] = &list->entries[i];
    if (list->count)
        qsort(sorted, list->count, sizeof *sorted, by_name);
    for (size_t i = 1; i < list->count; i++) {
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) != 0)
            continue;
        if (sorted[i]->bare && sorted[i - 1]->bare)
            WARN(r, sorted[i], "stands in line %d already", sorted[i - 1]->line);
        else
            WARN(r, sorted[i],
                 "has the name of the entry in line %d: their hits cannot be told "
                 "apart",
                 sorted[i - 1]->line);
    }
}

/* --- 3. who reads it ---------------------------------------------------------------------------
 */

/* Does the source have "name" or 'name' in it? */
static bool names_list(struct moon_span source, struct moon_span name)
{
    while (source.n > name.n + 1) {
        size_t at = moon_span_find(moon_span_sub(source, 1, source.n), name.p[0]);
        if (at == (size_t)-1)
            return false;
        struct moon_span here = moon_span_sub(source, at, source.n); /* the byte before it */
        if ((here.p[0] == '"' || here.p[0] == '\'') && here.n > name.n + 1 &&
            here.p[name.n + 1] == here.p[0] && moon_span_eq(moon_span_sub(here, 1, name.n), name))
            return true;
        source = moon_span_sub(source, at + 1, source.n);
    }
    return false;
}

/* "tenants/f.lua" of "next/tenants/f.lua": a next version reads live lists too, and the other way
 * round. */
static struct moon_span live_path(struct moon_span path)
{
    bool next = moon_span_is(moon_span_sub(path, 0, 5), "next/");
    return moon_span_sub(path, next ? 5 : 0, path.n);
}

/* Policies stand in the folder that has lists/: "tenants/lists/f.lua" is read by tenants/NAME.lua.
 * Those of policies/ also read the lists of each tenant's folder. */
static bool is_read(const struct reviewer *r, struct moon_span path)
{
    struct moon_span key, value;

    path = live_path(path);
    size_t slash = moon_span_rfind(path, '/'); /* behind "lists" */
    struct moon_span folder = moon_span_sub(path, 0, slash - strlen("lists"));
    struct moon_span name = moon_span_sub(path, slash + 1, path.n);
    name.n -= strlen(".lua");
    for (size_t i = 0; moon_snapshot_each(r->snapshot, i, &key, &value); i++) {
        if (!moon_span_is(moon_span_sub(key, 0, 7), "policy/"))
            continue;
        struct moon_span policy = live_path(moon_span_sub(key, 7, key.n));
        bool beside = moon_span_eq(moon_span_sub(policy, 0, folder.n), folder) &&
                      moon_span_find(moon_span_sub(policy, folder.n, policy.n), '/') == (size_t)-1;
        bool shared = folder.n > strlen("tenants/") &&
                      moon_span_is(moon_span_sub(folder, 0, 8), "tenants/") &&
                      moon_span_is(moon_span_sub(policy, 0, 9), "policies/");
        if ((beside || shared) && names_list(value, name))
            return true;
    }
    return false;
}

static enum moon_status review_list(struct reviewer *r, struct moon_policies *policies,
                                    const char *path)
{
    const struct moon_list *list;
    struct moon_error error = {""};
    enum moon_status status = moon_policies_list(policies, path, &list, &error);
    if (status != MOON_OK)
        return status == MOON_ENOMEM ? status : MOON_OK; /* a mistake is told elsewhere */
    for (size_t i = 0; i < list->count; i++)
        review_entry(r, &list->entries[i]);
    review_names(r, list);
    if (!is_read(r, moon_span_of(path)))
        moon_gather_warn(r->gather, "%s/%s: no policy beside it reads this list",
                         r->gather->config_dir, path);
    return r->gather->no_memory ? MOON_ENOMEM : MOON_OK;
}

void moon_review_prepare(void)
{
    (void)moon_dmarc_psl_organization("a.example"); /* loads the list */
}

enum moon_status moon_review_lists(struct moon_gather *gather, const struct moon_snapshot *snapshot)
{
    struct reviewer r = {gather, snapshot};
    struct moon_policies *policies = NULL;
    struct moon_span key, value;
    struct moon_conf conf;
    struct moon_error error = {""};

    enum moon_status status = moon_conf_load(gather->arena, snapshot, &conf, &error);
    if (status == MOON_OK)
        status = moon_policies_create(&conf, snapshot, &policies, &error);
    for (size_t i = 0; status == MOON_OK && moon_snapshot_each(snapshot, i, &key, &value); i++) {
        if (!moon_span_is(moon_span_sub(key, 0, 5), "list/"))
            continue;
        const char *path = moon_arena_dup(gather->arena, moon_span_sub(key, 5, key.n));
        status = path ? review_list(&r, policies, path) : MOON_ENOMEM;
    }
    moon_policies_destroy(&policies);
    return status == MOON_ENOMEM ? status : MOON_OK;
}
