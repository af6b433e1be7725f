/* SPDX-License-Identifier: MIT
 *
 * providers: 1. run the file in a sandbox of its own; 2. check each entry and copy it; 3. sort the
 * domains of each kind by name and the networks by length, and refuse what stands with two. A
 * look-up then halves its way through the names of a domain and its parents.
 */
#include "lua/providers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/message/domain.h"
#include "lua/data.h"

struct named { /* a domain of a provider */
    const char *domain, *provider;
    size_t entry;
};

struct network {
    struct moon_net net;
    const char *text, *provider;
    size_t entry;
};

struct moon_providers {
    const char *dated;
    struct named *named[MOON_PROVIDER_KINDS]; /* none for networks */
    size_t named_count[MOON_PROVIDER_KINDS];
    struct network *networks; /* the longest first */
    size_t network_count;
};

static const char *const kind_names[MOON_PROVIDER_KINDS] = {"hostname", "network", "spf", "arc",
                                                            "dkim"};
/* The field of an entry that holds it. */
static const char *const kind_fields[MOON_PROVIDER_KINDS] = {"hosts", "networks", "spf", "arc",
                                                             "dkim"};

const char *moon_provider_kind_name(enum moon_provider_kind kind)
{
    return kind_names[kind];
}

const char *moon_providers_dated(const struct moon_providers *providers)
{
    return providers->dated;
}

/* --- reading ----------------------------------------------------------------------------------
 */

static struct moon_providers *providers_of(lua_State *L)
{
    return moon_data_of(L)->into;
}

static void add_named(lua_State *L, enum moon_provider_kind kind, struct named named)
{
    struct moon_providers *all = providers_of(L);
    size_t *count = &all->named_count[kind];
    all->named[kind] = moon_data_append(L, all->named[kind], *count, sizeof named);
    all->named[kind][(*count)++] = named;
}

static void read_domains(lua_State *L, enum moon_provider_kind kind, const char *place,
                         const char *provider, size_t entry)
{
    size_t count;
    const char **texts = moon_data_texts(L, place, kind_fields[kind], &count);
    for (size_t i = 0; i < count; i++) {
        const char *domain = moon_data_domain(L, place, kind_fields[kind], texts[i]);
        add_named(L, kind, (struct named){domain, provider, entry});
    }
}

/* Without the bits behind the network's own, so that equal networks are equal bytes. */
static void cut_host_bits(struct moon_net *net)
{
    for (unsigned i = 0; i < sizeof net->ip.bytes; i++) {
        unsigned kept = net->bits > 8 * i ? net->bits - 8 * i : 0;
        if (kept < 8)
            net->ip.bytes[i] = (uint8_t)(net->ip.bytes[i] & (0xff00u >> kept));
    }
}

static void read_networks(lua_State *L, const char *place, const char *provider, size_t entry)
{
    struct moon_providers *all = providers_of(L);
    size_t count;
    const char **texts = moon_data_texts(L, place, "networks", &count);
    for (size_t i = 0; i < count; i++) {
        struct network network = {.text = texts[i], .provider = provider, .entry = entry};
        if (!moon_net_parse(moon_span_of(texts[i]), &network.net))
            (void)moon_data_wrong(L, place, "networks",
                                  "networks: '%.60s' is no address and no network", texts[i]);
        cut_host_bits(&network.net);
        all->networks = moon_data_append(L, all->networks, all->network_count, sizeof network);
        all->networks[all->network_count++] = network;
    }
}

static void check_name(lua_State *L, const char *place, const char *name)
{
    size_t n = strlen(name);
    bool good = n <= 40;
    for (size_t i = 0; i < n; i++)
        good = good &&
               ((name[i] >= 'a' && name[i] <= 'z') || moon_is_digit(name[i]) || name[i] == '-');
    if (!good)
        (void)moon_data_wrong(L, place, "name",
                              "name: lower-case letters, digits and - are wanted, at most 40");
}

/* The entry at the top. */
static void read_entry(lua_State *L, size_t entry)
{
    static const char *const fields[] = {"name",     "title", "source", "hosts",
                                         "networks", "spf",   "arc",    "dkim"};
    char place[24];
    (void)snprintf(place, sizeof place, "%zu", entry);
    if (!lua_istable(L, -1))
        (void)moon_data_wrong(L, place, NULL, "entry %zu: a table is wanted", entry);
    moon_data_check_names(L, place, fields, sizeof fields / sizeof fields[0], false);
    const char *name = moon_data_text(L, place, "name", true);
    check_name(L, place, name);
    (void)moon_data_text(L, place, "title", true);  /* for people who read the file */
    (void)moon_data_text(L, place, "source", true); /* the same */
    size_t before = providers_of(L)->network_count;
    size_t known = 0;
    read_networks(L, place, name, entry);
    known = providers_of(L)->network_count - before;
    for (int kind = 0; kind < MOON_PROVIDER_KINDS; kind++) {
        if (kind == MOON_PROVIDER_NETWORK)
            continue;
        known -= providers_of(L)->named_count[kind];
        read_domains(L, (enum moon_provider_kind)kind, place, name, entry);
        known += providers_of(L)->named_count[kind];
    }
    if (known == 0)
        (void)moon_data_wrong(
            L, place, NULL, "%s: hosts, networks, spf, arc or dkim must say how it is known", name);
}

static int by_domain(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->domain, y->domain);
    return order ? order : (x->entry > y->entry) - (x->entry < y->entry);
}

/* The longest first; equal ones beside each other. */
static int by_length(const void *a, const void *b)
{
    const struct network *x = a, *y = b;
    if (x->net.bits != y->net.bits)
        return x->net.bits > y->net.bits ? -1 : 1;
    if (x->net.ip.family != y->net.ip.family)
        return x->net.ip.family < y->net.ip.family ? -1 : 1;
    int order = memcmp(x->net.ip.bytes, y->net.ip.bytes, sizeof x->net.ip.bytes);
    return order ? order : (x->entry > y->entry) - (x->entry < y->entry);
}

static void twice(lua_State *L, size_t entry, const char *field, const char *what,
                  const char *provider)
{
    char place[24];
    (void)snprintf(place, sizeof place, "%zu", entry);
    (void)moon_data_wrong(L, place, field, "%s: '%.80s' stands with %s already", field, what,
                          provider);
}

/* Step 3. */
static void sort_all(lua_State *L)
{
    struct moon_providers *all = providers_of(L);
    for (int kind = 0; kind < MOON_PROVIDER_KINDS; kind++) {
        struct named *named = all->named[kind];
        if (all->named_count[kind])
            qsort(named, all->named_count[kind], sizeof *named, by_domain);
        for (size_t i = 1; i < all->named_count[kind]; i++)
            if (!strcmp(named[i].domain, named[i - 1].domain))
                twice(L, named[i].entry, kind_fields[kind], named[i].domain, named[i - 1].provider);
    }
    if (all->network_count)
        qsort(all->networks, all->network_count, sizeof *all->networks, by_length);
    for (size_t i = 1; i < all->network_count; i++) {
        const struct network *a = &all->networks[i - 1], *b = &all->networks[i];
        if (a->net.bits == b->net.bits && moon_ip_equal(&a->net.ip, &b->net.ip))
            twice(L, b->entry, "networks", b->text, a->provider);
    }
}

static int read_file(lua_State *L)
{
    static const char *const fields[] = {"dated", "note"};
    const struct moon_data *data = moon_data_of(L);
    moon_library_open(L);
    moon_sandbox_load(L, data->source, data->path);
    lua_call(L, 0, 1);
    lua_settop(L, 1);
    if (!lua_istable(L, 1))
        return moon_data_wrong(L, "", NULL, "the file returns a table: return { ... }");
    moon_data_check_names(L, "", fields, 2, true);
    providers_of(L)->dated = moon_data_date(L, "", "dated");
    (void)moon_data_text(L, "", "note", false); /* for people who read the file */
    size_t count = lua_rawlen(L, 1);
    if (count == 0 || count > MOON_LIST_ENTRIES_MAX)
        return moon_data_wrong(L, "", NULL, "the table holds 1 to %u entries, each in braces",
                               MOON_LIST_ENTRIES_MAX);
    for (size_t i = 0; i < count; i++) {
        (void)lua_rawgeti(L, 1, (lua_Integer)i + 1);
        read_entry(L, i + 1);
        lua_settop(L, 1);
    }
    sort_all(L);
    return 0;
}

enum moon_status moon_providers_parse(struct moon_arena *arena, const struct moon_limits *limits,
                                      struct moon_span source, const char *path,
                                      const struct moon_providers **providers_r,
                                      struct moon_error *error)
{
    struct moon_providers *providers = moon_arena_alloc(arena, sizeof *providers);
    struct moon_data data = {.arena = arena, .source = source, .path = path, .into = providers};
    struct moon_sandbox *sandbox = moon_sandbox_create(limits);
    enum moon_status status = MOON_ENOMEM;

    *providers_r = NULL;
    if (providers && sandbox)
        status = moon_sandbox_run(sandbox, read_file, &data, error);
    moon_sandbox_destroy(&sandbox);
    if (data.no_memory)
        status = MOON_ENOMEM;
    if (status == MOON_OK)
        *providers_r = providers;
    return status == MOON_ENOMEM ? moon_fail(error, status, "%s: no memory", path) : status;
}

/* --- looking up -------------------------------------------------------------------------------
 */

static int compare_domain(const void *key, const void *item)
{
    return strcmp(key, ((const struct named *)item)->domain);
}

/* The provider of the domain or of the nearest name above it. */
static const char *owner_of(const struct moon_providers *all, enum moon_provider_kind kind,
                            const char *domain)
{
    for (; domain && all->named_count[kind]; domain = moon_domain_parent(domain)) {
        const struct named *found = bsearch(domain, all->named[kind], all->named_count[kind],
                                            sizeof *found, compare_domain);
        if (found)
            return found->provider;
    }
    return NULL;
}

static bool by_name(const struct moon_providers *all, enum moon_provider_kind kind,
                    const char *what, const char *domain, struct moon_provider_found *found_r)
{
    const char *name = domain ? owner_of(all, kind, domain) : NULL;
    if (!name)
        return false;
    found_r->name = name;
    found_r->kind = kind;
    (void)snprintf(found_r->evidence, sizeof found_r->evidence, "%s %.300s", what, domain);
    return true;
}

static bool by_hostname(const struct moon_providers *all, const struct moon_session *session,
                        struct moon_provider_found *found_r)
{
    char lower[MOON_DOMAIN_MAX + 1];
    size_t n = session->host_name ? strlen(session->host_name) : 0;
    if (n && session->host_name[n - 1] == '.')
        n--;
    if (n == 0 || n >= sizeof lower)
        return false;
    for (size_t i = 0; i < n; i++)
        lower[i] = moon_lower(session->host_name[i]);
    lower[n] = '\0';
    return by_name(all, MOON_PROVIDER_HOSTNAME, "host name", lower, found_r);
}

static bool by_network(const struct moon_providers *all, const struct moon_ip *ip,
                       struct moon_provider_found *found_r)
{
    char text[MOON_IP_TEXT_MAX];
    for (size_t i = 0; i < all->network_count; i++) {
        const struct network *network = &all->networks[i];
        if (!moon_net_has(&network->net, ip))
            continue;
        found_r->name = network->provider;
        found_r->kind = MOON_PROVIDER_NETWORK;
        (void)snprintf(found_r->evidence, sizeof found_r->evidence, "address %s in %.60s",
                       moon_ip_format(ip, text), network->text);
        return true;
    }
    return false;
}

/* The newest seal of a chain that passes. */
static const char *sealer_of(const struct moon_arc *arc)
{
    bool binds = arc->result == MOON_RESULT_PASS && arc->verified && arc->set_count;
    return binds ? arc->sets[arc->set_count - 1].domain : NULL;
}

bool moon_providers_find(const struct moon_providers *all, const struct moon_message *msg,
                         const struct moon_results *results, struct moon_provider_found *found_r)
{
    const struct moon_spf *spf = &results->spf;
    if (by_hostname(all, &msg->session, found_r) || by_network(all, &msg->session.ip, found_r) ||
        by_name(all, MOON_PROVIDER_SPF, "SPF pass of",
                spf->result == MOON_RESULT_PASS ? spf->domain : NULL, found_r) ||
        by_name(all, MOON_PROVIDER_ARC, "ARC seal of", sealer_of(&results->arc), found_r))
        return true;
    for (size_t i = 0; i < results->dkim.count; i++)
        if (results->dkim.sigs[i].result == MOON_RESULT_PASS &&
            by_name(all, MOON_PROVIDER_DKIM, "DKIM pass of", results->dkim.sigs[i].domain, found_r))
            return true;
    return false;
}
