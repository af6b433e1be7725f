/* SPDX-License-Identifier: MIT
 *
 * conf: the schema of all settings, and the settings in force. Values travel as canonical text
 * ("conf/<key>" records of the snapshot); lists have one item a line. The text of a value is
 * checked by moon_conf_value_check only, both when it is published and when it is read.
 */
#include "engine/base/conf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"

#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)

const struct moon_conf_key moon_conf_keys[] = {
    {"authserv_id", MOON_CONF_TYPE_STRING, NULL, 0, 0, "",
     "Name of this host in Authentication-Results; default: Exim's primary_hostname."},
    {"policy", MOON_CONF_TYPE_CHOICE, "standard|strict|monitor", 0, 0, "standard",
     "The built-in policy, which decides when no other does."},
    {"quarantine", MOON_CONF_TYPE_CHOICE, "none|router|header|freeze", 0, 0, "none",
     "How Exim quarantines; none: a header and a log line only."},
    {"failure", MOON_CONF_TYPE_CHOICE, "defer|accept|quarantine|reject", 0, 0, "",
     "Verdict when a policy or a worker fails; default: accept with policy monitor, else defer."},
    {"sister_hosts", MOON_CONF_TYPE_NETS, NULL, 0, 0, "",
     "Hosts of the same cluster: the Authentication-Results they added are kept."},
    {"trusted_hops", MOON_CONF_TYPE_NETS, NULL, 0, 0, "",
     "Hosts that hand mail on to us (secondary MX, gateway, filter): their Received fields say who "
     "the client was."},
    {"dns.servers", MOON_CONF_TYPE_STRINGS, NULL, 0, 0, "",
     "Resolvers, each an address or address:port; default: those of resolv.conf."},
    {"dns.timeout_ms", MOON_CONF_TYPE_INT, NULL, 100, 120000, TEXT(MOON_DNS_MS),
     "Milliseconds that all DNS questions of one message may take together; never more than half "
     "of the message's time."},
    {"dns.questions", MOON_CONF_TYPE_INT, NULL, 10, 200, "60",
     "DNS questions that one message may cause."},
    {"dns.cache_seconds", MOON_CONF_TYPE_INT, NULL, 0, 3600, TEXT(MOON_DNS_KEPT_S),
     "Seconds that a worker may keep a DNS answer for the messages after, where its TTL is not "
     "less; 0: for one message only."},
    {"dmarc.discovery", MOON_CONF_TYPE_CHOICE, "treewalk|psl", 0, 0, "treewalk",
     "How DMARC finds organizational domains: RFC 9989, or the Public Suffix List of RFC 7489."},
    {"dmarc.compare", MOON_CONF_TYPE_CHOICE, "no|yes", 0, 0, "no",
     "Evaluate DMARC by the other discovery as well and record where it differs; it decides "
     "nothing."},
    {"limits.policy_ms", MOON_CONF_TYPE_INT, NULL, 10, 30000, TEXT(MOON_POLICY_MS),
     "Milliseconds that one policy may take."},
    {"limits.policy_instructions", MOON_CONF_TYPE_INT, NULL, 10000, 1000000000, "10000000",
     "Instructions of the Lua machine that one policy may use."},
    {"limits.policy_bytes", MOON_CONF_TYPE_INT, NULL, 262144, 268435456, "8388608",
     "Memory that one policy may use."},
    {"store", MOON_CONF_TYPE_STRING, NULL, 0, 0, "sqlite",
     "Where counts are kept: sqlite, sqlite:/path, redis://address:port/database, or none."},
    {"store_timeout_ms", MOON_CONF_TYPE_INT, NULL, 5, 1000, TEXT(MOON_STORE_MS),
     "Milliseconds that one question to the store may take."},
    {"store_password_file", MOON_CONF_TYPE_STRING, NULL, 0, 0, "",
     "A file with the password of the Redis server in its first line; Exim's user reads it."},
    {"log.path", MOON_CONF_TYPE_STRING, NULL, 0, 0, "/var/log/moonscan/decisions.jsonl",
     "The decision log."},
    {"log.service_path", MOON_CONF_TYPE_STRING, NULL, 0, 0, "/var/log/moonscan/service.jsonl",
     "The decision log of the service, which has a user of its own."},
    {"log.headers", MOON_CONF_TYPE_STRINGS, NULL, 0, 0, "",
     "Names of header fields that are copied into the decision log."},
};
const size_t moon_conf_key_count = sizeof moon_conf_keys / sizeof moon_conf_keys[0];

const struct moon_conf_key *moon_conf_key_find(struct moon_span name)
{
    for (size_t i = 0; i < moon_conf_key_count; i++)
        if (moon_span_is(name, moon_conf_keys[i].name))
            return &moon_conf_keys[i];
    return NULL;
}

const char *moon_conf_key_nearest(struct moon_span name)
{
    struct moon_nearest nearest = {0};
    for (size_t i = 0; i < moon_conf_key_count; i++)
        moon_nearest_offer(&nearest, name, moon_conf_keys[i].name);
    return nearest.best;
}

/* The next line of a list; false at the end. */
static bool next_line(struct moon_buf *buf, struct moon_span *line_r)
{
    if (moon_buf_at_end(buf))
        return false;
    *line_r = moon_buf_until(buf, '\n');
    (void)moon_buf_skip(buf, '\n'); /* the last line has none */
    return true;
}

static bool is_choice(const char *choices, struct moon_span value)
{
    struct moon_buf buf = moon_buf_of(moon_span_of(choices));
    while (!moon_buf_at_end(&buf)) {
        if (moon_span_eq(moon_buf_until(&buf, '|'), value))
            return true;
        (void)moon_buf_skip(&buf, '|'); /* the last has none */
    }
    return false;
}

static bool is_printable(struct moon_span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    return text.n > 0;
}

/* An address, "address:port" or "[address]:port". */
static bool is_server(struct moon_span text)
{
    struct moon_ip ip;
    uint64_t port;
    if (moon_ip_parse(text, &ip))
        return true;
    size_t colon = moon_span_rfind(text, ':');
    if (colon == (size_t)-1 ||
        !moon_span_number(moon_span_sub(text, colon + 1, text.n), 65535, &port) || port == 0)
        return false;
    struct moon_span host = moon_span_sub(text, 0, colon);
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        return moon_ip_parse(moon_span_sub(host, 1, host.n - 2), &ip);
    return moon_ip_parse(host, &ip) && ip.family == 4;
}

static bool is_field_name(struct moon_span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~' || text.p[i] == ':')
            return false;
    return text.n > 0 && text.n <= 200;
}

/* A name without spaces and quotes: it is written into Authentication-Results. */
static bool is_authserv_id(struct moon_span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!moon_is_alnum(text.p[i]) && text.p[i] != '.' && text.p[i] != '-' && text.p[i] != '_')
            return false;
    return text.n > 0 && text.n <= MOON_DOMAIN_MAX;
}

static enum moon_status check_lines(const struct moon_conf_key *key, struct moon_span value,
                                    struct moon_error *error)
{
    struct moon_buf buf = moon_buf_of(value);
    struct moon_span line;
    struct moon_net net;
    size_t count = 0;

    while (next_line(&buf, &line)) {
        if (++count > MOON_CONF_ITEMS_MAX)
            return moon_fail(error, MOON_ECONF, "%s: more than %u items", key->name,
                             MOON_CONF_ITEMS_MAX);
        const char *wanted = NULL;
        if (key->type == MOON_CONF_TYPE_NETS && !moon_net_parse(line, &net))
            wanted = "an address or a network like 192.0.2.0/24";
        else if (!strcmp(key->name, "dns.servers") && !is_server(line))
            wanted = "an address, or an address with a port like 192.0.2.53:5353";
        else if (!strcmp(key->name, "log.headers") && !is_field_name(line))
            wanted = "the name of a header field";
        if (wanted)
            return moon_fail(error, MOON_ECONF, "%s: '%.*s' is not %s", key->name,
                             (int)(line.n < 60 ? line.n : 60), line.p, wanted);
    }
    return MOON_OK;
}

static enum moon_status check_string(const struct moon_conf_key *key, struct moon_span value,
                                     struct moon_error *error)
{
    struct moon_conf_store store;

    if (!is_printable(value) || value.n > 1000)
        return moon_fail(error, MOON_ECONF, "%s: a text of one line is wanted", key->name);
    bool path = !strcmp(key->name, "log.path") || !strcmp(key->name, "log.service_path") ||
                !strcmp(key->name, "store_password_file");
    if (path && value.p[0] != '/')
        return moon_fail(error, MOON_ECONF, "%s: a path that starts with / is wanted", key->name);
    if (!strcmp(key->name, "store") && !moon_conf_store_parse(value, &store))
        return moon_fail(error, MOON_ECONF,
                         "store: '%.*s' is none of sqlite, sqlite:/path, "
                         "redis://192.0.2.1:6379/0 (an address, no name), none",
                         (int)(value.n < 100 ? value.n : 100), value.p);
    if (!strcmp(key->name, "authserv_id") && !is_authserv_id(value))
        return moon_fail(error, MOON_ECONF, "authserv_id: a host name is wanted");
    return MOON_OK;
}

enum moon_status moon_conf_value_check(const struct moon_conf_key *key, struct moon_span value,
                                       struct moon_error *error)
{
    uint64_t number;

    switch (key->type) {
    case MOON_CONF_TYPE_STRING:
        return check_string(key, value, error);
    case MOON_CONF_TYPE_CHOICE:
        if (!is_choice(key->choices, value))
            return moon_fail(error, MOON_ECONF, "%s: '%.*s' is not one of %s", key->name,
                             (int)(value.n < 60 ? value.n : 60), value.p ? value.p : "",
                             key->choices);
        return MOON_OK;
    case MOON_CONF_TYPE_INT:
        if (!moon_span_number(value, (uint64_t)key->max, &number) || number < (uint64_t)key->min)
            return moon_fail(error, MOON_ECONF,
                             "%s: '%.*s' is not a number from %" PRId64 " to %" PRId64, key->name,
                             (int)(value.n < 60 ? value.n : 60), value.p ? value.p : "", key->min,
                             key->max);
        return MOON_OK;
    case MOON_CONF_TYPE_STRINGS:
    case MOON_CONF_TYPE_NETS:
        return check_lines(key, value, error);
    }
    return moon_fail(error, MOON_ECONF, "%s: no such type", key->name);
}

/* Where values come from while a structure is filled. */
struct source {
    struct moon_arena *arena;
    const struct moon_snapshot *snapshot; /* or NULL */
    enum moon_status status;              /* sticky */
    struct moon_error *error;
};

/* The checked value of a key, or its default. */
static struct moon_span value_of(struct source *source, const char *name)
{
    const struct moon_conf_key *key = moon_conf_key_find(moon_span_of(name));
    struct moon_span value;
    char record[128];

    if (MOON_BUG(!key))
        return (struct moon_span){NULL, 0};
    int n = snprintf(record, sizeof record, "conf/%s", name);
    if (!source->snapshot ||
        !moon_snapshot_get(source->snapshot, (struct moon_span){record, (size_t)n}, &value))
        return moon_span_of(key->fallback);
    if (source->status == MOON_OK)
        source->status = moon_conf_value_check(key, value, source->error);
    return source->status == MOON_OK ? value : moon_span_of(key->fallback);
}

static const char *string_of(struct source *source, const char *name)
{
    struct moon_span value = value_of(source, name);
    char *text = moon_arena_dup(source->arena, value);
    if (!text)
        source->status = MOON_ENOMEM;
    return text && *text ? text : NULL;
}

static int64_t number_of(struct source *source, const char *name)
{
    uint64_t number = 0;
    if (!moon_span_number(value_of(source, name), INT64_MAX, &number) && source->status == MOON_OK)
        source->status = moon_fail(source->error, MOON_ECONF, "%s: no number", name);
    return (int64_t)number;
}

static const char *const *strings_of(struct source *source, const char *name, size_t *count_r)
{
    struct moon_buf buf = moon_buf_of(value_of(source, name));
    const char **items = NULL;
    struct moon_span line;

    *count_r = 0;
    while (next_line(&buf, &line)) {
        const char **larger = moon_arena_append(source->arena, items, *count_r, sizeof *items);
        const char *text = larger ? moon_arena_dup(source->arena, line) : NULL;
        if (!text) {
            source->status = MOON_ENOMEM;
            return items;
        }
        items = larger;
        items[(*count_r)++] = text;
    }
    return items;
}

static struct moon_net *nets_of(struct source *source, const char *name, size_t *count_r)
{
    struct moon_buf buf = moon_buf_of(value_of(source, name));
    struct moon_net *items = NULL, net;
    struct moon_span line;

    *count_r = 0;
    while (next_line(&buf, &line)) {
        struct moon_net *larger = moon_arena_append(source->arena, items, *count_r, sizeof *items);
        if (!larger || !moon_net_parse(line, &net)) {
            source->status = MOON_ENOMEM; /* the text was checked: only memory is left */
            return items;
        }
        items = larger;
        items[(*count_r)++] = net;
    }
    return items;
}

/* Its texts become copies of their own. */
static struct moon_conf_store store_of(struct source *source)
{
    struct moon_conf_store store;

    (void)moon_conf_store_parse(value_of(source, "store"), &store); /* was checked */
    store.path.p = moon_arena_dup(source->arena, store.path);
    store.address.p = moon_arena_dup(source->arena, store.address);
    if (!store.path.p || !store.address.p)
        source->status = MOON_ENOMEM;
    return store;
}

static enum moon_quarantine quarantine_of(struct moon_span word)
{
    if (moon_span_is(word, "router"))
        return MOON_QUARANTINE_ROUTER;
    if (moon_span_is(word, "header"))
        return MOON_QUARANTINE_HEADER;
    return moon_span_is(word, "freeze") ? MOON_QUARANTINE_FREEZE : MOON_QUARANTINE_NONE;
}

static enum moon_failure failure_of(struct moon_span word, const char *policy)
{
    if (moon_span_is(word, "accept"))
        return MOON_FAILURE_ACCEPT;
    if (moon_span_is(word, "quarantine"))
        return MOON_FAILURE_QUARANTINE;
    if (moon_span_is(word, "reject"))
        return MOON_FAILURE_REJECT;
    if (word.n == 0 && policy && !strcmp(policy, "monitor"))
        return MOON_FAILURE_ACCEPT;
    return MOON_FAILURE_DEFER;
}

enum moon_status moon_conf_load(struct moon_arena *arena, const struct moon_snapshot *snapshot,
                                struct moon_conf *conf_r, struct moon_error *error)
{
    struct source source = {arena, snapshot, MOON_OK, error};
    struct moon_conf conf = {0};

    conf.snapshot_hash =
        snapshot ? moon_arena_cstr(arena, moon_snapshot_hash(snapshot)) : "built-in";
    if (!conf.snapshot_hash)
        source.status = MOON_ENOMEM;
    conf.authserv_id = string_of(&source, "authserv_id");
    conf.policy = string_of(&source, "policy");
    conf.quarantine = quarantine_of(value_of(&source, "quarantine"));
    conf.failure = failure_of(value_of(&source, "failure"), conf.policy);
    conf.sister_hosts = nets_of(&source, "sister_hosts", &conf.sister_host_count);
    conf.trusted_hops = nets_of(&source, "trusted_hops", &conf.trusted_hop_count);
    conf.dns_servers = strings_of(&source, "dns.servers", &conf.dns_server_count);
    conf.dns_ms = number_of(&source, "dns.timeout_ms");
    conf.dns_questions_max = (unsigned)number_of(&source, "dns.questions");
    conf.dns_cache_s = number_of(&source, "dns.cache_seconds");
    conf.dmarc_psl = moon_span_is(value_of(&source, "dmarc.discovery"), "psl");
    conf.dmarc_compare = moon_span_is(value_of(&source, "dmarc.compare"), "yes");
    conf.policy_ms = number_of(&source, "limits.policy_ms");
    conf.policy_instructions = number_of(&source, "limits.policy_instructions");
    conf.policy_bytes = number_of(&source, "limits.policy_bytes");
    conf.store = store_of(&source);
    conf.store_ms = number_of(&source, "store_timeout_ms");
    conf.store_password = string_of(&source, "store_password_file");
    conf.log_path = string_of(&source, "log.path");
    conf.log_service_path = string_of(&source, "log.service_path");
    conf.log_headers = strings_of(&source, "log.headers", &conf.log_header_count);
    if (source.status == MOON_ENOMEM)
        return moon_fail(error, MOON_ENOMEM, "no memory for the settings");
    *conf_r = conf;
    return source.status;
}

enum moon_status moon_conf_default(struct moon_arena *arena, struct moon_conf *conf_r)
{
    return moon_conf_load(arena, NULL, conf_r, NULL);
}
