/* SPDX-License-Identifier: MIT
 *
 * list_fields: the fields of one list entry: each is checked and copied into the arena. What is
 * wrong is told with the line at which the field stands, and what to write instead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"
#include "engine/message/domain.h"
#include "lua/facts.h"
#include "lua/lines.h"

static struct moon_list_reading *reading_of(lua_State *L)
{
    return moon_sandbox_context(L);
}

int moon_list_wrong(lua_State *L, size_t item, const char *field, const char *what)
{
    const struct moon_list_reading *reading = reading_of(L);
    char path[128];
    (void)snprintf(path, sizeof path, "%zu%s%.80s", item, field ? "." : "", field ? field : "");
    (void)lua_pushfstring(L, "%s:%d: item %d: %s", reading->list->path,
                          moon_lines_find(reading->source, path), (int)item, what);
    return lua_error(L);
}

static void no_memory(lua_State *L)
{
    reading_of(L)->no_memory = true;
    (void)lua_error(L); /* what is on the stack; the caller sees no_memory */
}

/* The text at a stack index; raises when it is longer than a list can be, so that only many of them
 * can use up the arena. */
static struct moon_span text_at(lua_State *L, int index)
{
    struct moon_span text;
    text.p = lua_tolstring(L, index, &text.n);
    if (text.n > MOON_LIST_BYTES_MAX)
        (void)luaL_error(L, "%s:1: a text in a list may have %d bytes at most",
                         reading_of(L)->list->path, (int)MOON_LIST_BYTES_MAX);
    return text;
}

static const char *keep(lua_State *L, struct moon_span text)
{
    const char *copy = moon_arena_dup(reading_of(L)->arena, text);
    if (!copy)
        no_memory(L);
    return copy;
}

/* Does a condition of this name take ".domain"? */
static bool takes_below(const char *field)
{
    static const char *const all[] = {"hosts", "list_id", "mail_from", "recipients", "from"};
    for (size_t i = 0; field && i < sizeof all / sizeof *all; i++)
        if (!strcmp(field, all[i]))
            return true;
    return false;
}

/* What to write instead of a text that is no domain, when that can be seen. */
static void hint(lua_State *L, struct moon_span text, const char *field, char *hint_r, size_t size)
{
    size_t at = moon_span_rfind(text, '@');
    bool below = text.n && (text.p[0] == '.' || text.p[0] == '*');
    size_t from = at != (size_t)-1 ? at + 1 : below ? strspn(text.p, "*.") : text.n;
    const char *rest =
        moon_domain_normalize(reading_of(L)->arena, moon_span_sub(text, from, text.n));
    hint_r[0] = '\0';
    if (!rest || !*rest)
        return;
    if (below && at == (size_t)-1 && takes_below(field))
        (void)snprintf(hint_r, size, "; everything below a domain is written \".%.80s\"", rest);
    else if (!strchr(rest, '.'))
        return;
    else if (below && at == (size_t)-1)
        (void)snprintf(hint_r, size,
                       "; %s means exactly this domain: write \"%.80s\", and each subdomain "
                       "that is meant beside it",
                       field ? field : "a text", rest);
    else
        (void)snprintf(hint_r, size, "; write \"%.80s\"", rest);
}

static int no_domain(lua_State *L, struct moon_span text, size_t item, const char *field)
{
    char what[400], instead[200];
    size_t at = moon_span_rfind(text, '@');
    bool address = field && (!strcmp(field, "mail_from") || !strcmp(field, "recipients"));
    hint(L, text, field, instead, sizeof instead);
    (void)snprintf(what, sizeof what, "%s%s'%.80s' is no %sdomain%s", field ? field : "",
                   field ? ": " : "", text.p,
                   address && at != (size_t)-1 && at > 0 ? "address and no " : "", instead);
    return moon_list_wrong(L, item, field, what);
}

const char *moon_list_domain(lua_State *L, int index, size_t item, const char *field)
{
    struct moon_span text = text_at(L, index);
    const char *domain = moon_domain_normalize(reading_of(L)->arena, text);
    if (!domain || !strchr(domain, '.'))
        (void)no_domain(L, text, item, field);
    return domain;
}

/* fields[name] of the entry at the top: pushes it; false (nothing pushed) when it is nil. */
static bool push_field(lua_State *L, const char *name)
{
    if (lua_getfield(L, -1, name) != LUA_TNIL)
        return true;
    lua_pop(L, 1);
    return false;
}

static const char *text_field(lua_State *L, size_t item, const char *name)
{
    char what[100];
    if (!push_field(L, name))
        return NULL;
    if (lua_type(L, -1) != LUA_TSTRING) {
        (void)snprintf(what, sizeof what, "%s must be a text%s, not a %s", name,
                       strcmp(name, "expires") == 0 ? " like \"2030-12-31\"" : "",
                       luaL_typename(L, -1));
        (void)moon_list_wrong(L, item, name, what);
    }
    const char *text = keep(L, text_at(L, -1));
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            (void)moon_list_wrong(L, item, name, "a text of one line is wanted");
    lua_pop(L, 1);
    return text;
}

/* --- items of conditions: the text at the top of the stack --------------------------------------
 */

typedef const char *item_reader(lua_State *L, size_t item, const char *field);

static const char *read_text(lua_State *L, size_t item, const char *field)
{
    (void)item, (void)field; /* any text will do */
    return keep(L, text_at(L, -1));
}

static const char *read_domain(lua_State *L, size_t item, const char *field)
{
    return moon_list_domain(L, -1, item, field);
}

/* What stands in front of a domain is kept, in lower case: `from` bytes of the text. */
static const char *read_behind(lua_State *L, size_t item, const char *field, size_t from)
{
    struct moon_span text = text_at(L, -1);
    for (size_t i = 0; i < from; i++) /* a NUL would end the copy before its length */
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            (void)moon_list_wrong(L, item, field, "an address or a domain has no control bytes");
    const char *domain =
        moon_domain_normalize(reading_of(L)->arena, moon_span_sub(text, from, text.n));
    bool below = from == 1 && text.p[0] == '.'; /* ".com" too: publishing warns of it */
    if (!domain || !*domain || (!below && !strchr(domain, '.')) || (from == 1 && !below))
        (void)no_domain(L, text, item, field);
    char *whole = moon_arena_printf(reading_of(L)->arena, "%.*s%s", (int)from, text.p, domain);
    if (!whole)
        no_memory(L);
    for (size_t i = 0; i < from; i++)
        whole[i] = moon_lower(whole[i]);
    return whole;
}

/* A domain, or ".domain". */
static const char *read_domains(lua_State *L, size_t item, const char *field)
{
    struct moon_span text = text_at(L, -1);
    return read_behind(L, item, field, text.n && text.p[0] == '.' ? 1 : 0);
}

/* "user@domain", a domain, or ".domain". */
static const char *read_address(lua_State *L, size_t item, const char *field)
{
    size_t at = moon_span_rfind(text_at(L, -1), '@');
    return at == (size_t)-1 ? read_domains(L, item, field) : read_behind(L, item, field, at + 1);
}

static const char *read_result(lua_State *L, size_t item, const char *field)
{
    static const char *const words[] = {"any", "none", "pass", "fail", "temperror", "permerror"};
    char what[160];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (moon_span_is(text_at(L, -1), words[i]))
            return words[i];
    (void)snprintf(what, sizeof what,
                   "dmarc: '%.40s' is no result; it is one of any, none, pass, fail, temperror, "
                   "permerror",
                   lua_tostring(L, -1));
    (void)moon_list_wrong(L, item, field, what);
    return NULL;
}

/* A condition: a text, or a list of texts. */
static struct moon_texts texts_field(lua_State *L, size_t item, const char *name, item_reader *read)
{
    struct moon_texts texts = {NULL, 0, false};
    if (!push_field(L, name))
        return texts;
    if (lua_type(L, -1) == LUA_TSTRING) { /* as if it stood in a list */
        texts.one = true;
        lua_createtable(L, 1, 0);
        lua_insert(L, -2);
        lua_rawseti(L, -2, 1);
    } else if (lua_type(L, -1) != LUA_TTABLE) {
        char what[100];
        (void)snprintf(what, sizeof what, "%s must be a text or a list of texts, not a %s", name,
                       luaL_typename(L, -1));
        (void)moon_list_wrong(L, item, name, what);
    }
    size_t count = lua_rawlen(L, -1);
    if (count == 0 || count > MOON_LIST_ENTRIES_MAX)
        (void)moon_list_wrong(L, item, name, "a list with something in it is wanted");
    texts.items = moon_arena_array(reading_of(L)->arena, count, sizeof *texts.items);
    if (!texts.items)
        no_memory(L);
    for (size_t i = 0; i < count; i++) {
        moon_sandbox_charge(L, 4);
        if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TSTRING)
            (void)moon_list_wrong(L, item, name, "a list of texts is wanted");
        texts.items[i] = read(L, item, name);
        lua_pop(L, 1);
    }
    texts.count = count;
    lua_pop(L, 1);
    return texts;
}

static void networks_field(lua_State *L, size_t item, struct moon_list_entry *entry)
{
    char what[120];
    entry->network_texts = texts_field(L, item, "networks", read_text);
    entry->networks =
        moon_arena_array(reading_of(L)->arena, entry->network_texts.count, sizeof *entry->networks);
    if (!entry->networks)
        no_memory(L);
    for (size_t i = 0; i < entry->network_texts.count; i++) {
        const char *text = entry->network_texts.items[i];
        if (!moon_net_parse(moon_span_of(text), &entry->networks[i])) {
            (void)snprintf(what, sizeof what, "networks: '%.60s' is no address and no network",
                           text);
            (void)moon_list_wrong(L, item, "networks", what);
        }
    }
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static void expires_field(lua_State *L, size_t item, struct moon_list_entry *entry)
{
    uint64_t year = 0, month = 0, day = 0;
    entry->expires = text_field(L, item, "expires");
    if (!entry->expires)
        return;
    struct moon_span text = moon_span_of(entry->expires);
    char what[120];
    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-' ||
        !moon_span_number(moon_span_sub(text, 0, 4), 9999, &year) || year < 1970 ||
        !moon_span_number(moon_span_sub(text, 5, 2), 12, &month) || month < 1 ||
        !moon_span_number(moon_span_sub(text, 8, 2), 31, &day) || day < 1)
        (void)moon_list_wrong(L, item, "expires", "expires must be a date like \"2027-12-31\"");
    int64_t last = days_of(month < 12 ? (int64_t)year : (int64_t)year + 1,
                           month < 12 ? (int64_t)month + 1 : 1, 1) -
                   days_of((int64_t)year, (int64_t)month, 1);
    if ((int64_t)day > last) {
        (void)snprintf(what, sizeof what,
                       "expires: there is no %s; the last day of that month is %.7s-%d",
                       entry->expires, entry->expires, (int)last);
        (void)moon_list_wrong(L, item, "expires", what);
    }
    entry->expires_s = (days_of((int64_t)year, (int64_t)month, (int64_t)day) + 1) * 86400;
}

/* --- verdict ------------------------------------------------------------------------------------
 */

/* Is there a condition that a stranger cannot make hold? */
static bool is_known(const struct moon_list_entry *entry)
{
    return entry->dkim.count || entry->spf.count || entry->arc.count ||
           entry->network_texts.count || entry->hosts.count || entry->list_id.count;
}

static enum moon_verdict_kind verdict_field(lua_State *L, size_t item)
{
    const char *word = text_field(L, item, "verdict");
    enum moon_verdict_kind kind = MOON_VERDICT_NONE;
    char what[160];
    if (word && (!moon_verdict_of_name(word, &kind) || kind == MOON_VERDICT_NONE ||
                 kind == MOON_VERDICT_DISCARD)) {
        (void)snprintf(what, sizeof what,
                       "verdict: '%.40s' is none of accept, quarantine, reject, defer", word);
        (void)moon_list_wrong(L, item, "verdict", what);
    }
    return kind;
}

static void verdict_fields(lua_State *L, size_t item, struct moon_list_entry *entry)
{
    static const char *fail[] = {"fail"};
    entry->verdict = verdict_field(L, item);
    const char *word = text_field(L, item, "override");
    entry->text = text_field(L, item, "text");
    entry->dmarc = texts_field(L, item, "dmarc", read_result);
    if (word && !(entry->override = moon_verdicts_override(moon_span_of(word))))
        (void)moon_list_wrong(L, item, "override",
                              "override is none of RFC 9990: local_policy, mailing_list, other, "
                              "policy_test_mode, trusted_forwarder");
    if (entry->verdict == MOON_VERDICT_NONE) {
        if (word || entry->text)
            (void)moon_list_wrong(L, item, word ? "override" : "text",
                                  "override and text belong to entries with a verdict");
        return;
    }
    if (entry->text && entry->verdict != MOON_VERDICT_REJECT &&
        entry->verdict != MOON_VERDICT_DEFER)
        (void)moon_list_wrong(L, item, "text", "only who is refused or deferred is told a text");
    if (!entry->dmarc.count) /* of mail that passes there is nothing to override */
        entry->dmarc = (struct moon_texts){fail, 1, true};
    if (entry->verdict == MOON_VERDICT_ACCEPT && !is_known(entry))
        (void)moon_list_wrong(L, item, "verdict",
                              "verdict = \"accept\" needs dkim, spf, arc, networks, hosts or "
                              "list_id beside the rest, which anybody can write");
    if (!is_known(entry) && !entry->from.count && !entry->mail_from.count)
        (void)moon_list_wrong(L, item, "verdict",
                              "whose mail? Name from, mail_from or how the host is known");
}

/* --- the entry ----------------------------------------------------------------------------------
 */

static const char *const names[] = {
    "name",       "dkim", "spf",   "arc",     "networks", "hosts",   "list_id",  "mail_from",
    "recipients", "from", "dmarc", "expires", "note",     "verdict", "override", "text"};

/* What people write for a field that has another name. */
static const char *meant_by(const char *key)
{
    static const char *const table[][2] = {
        {"sender", "mail_from (the envelope sender) or from (the author's domain)"},
        {"author", "from"},
        {"domain", "dkim, spf or arc (how the domain is proven), or from (the author's)"},
        {"ip", "networks"},
        {"address", "networks"},
        {"client", "networks or hosts"},
        {"helo", "hosts"},
        {"rcpt", "recipients"},
        {"to", "recipients"},
        {"until", "expires"},
        {"comment", "note"},
        {"description", "note"},
        {"reason", "text"},
        {"action", "verdict"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(key, table[i][0]))
            return table[i][1];
    return NULL;
}

static void unknown_field(lua_State *L, size_t item, const char *key, const char *nearest)
{
    char what[400] = "";
    const char *meant = key ? meant_by(key) : NULL;
    if (!key)
        (void)snprintf(what, sizeof what,
                       "there is no field '[number]': each value in the braces has the name of its "
                       "field in front, like dkim = \"a.example\"");
    else if (meant)
        (void)snprintf(what, sizeof what, "there is no field '%.60s'; use %s", key, meant);
    else if (nearest)
        (void)snprintf(what, sizeof what, "there is no field '%.60s'; did you mean '%s'?", key,
                       nearest);
    else
        (void)snprintf(what, sizeof what, "there is no field '%.60s'; there are", key);
    for (size_t i = 0; key && !meant && !nearest && i < sizeof names / sizeof *names; i++)
        (void)snprintf(what + strlen(what), sizeof what - strlen(what), "%s %s", i ? "," : "",
                       names[i]);
    (void)moon_list_wrong(L, item, key, what);
}

void moon_list_explain(const struct moon_list_reading *reading, struct moon_error *error)
{
    static const char lead[] = ": there is no variable '";
    const char *found = strstr(error->text, lead);
    struct moon_buf buf = moon_buf_of(moon_span_of(found ? found + sizeof lead - 1 : ""));
    struct moon_span name = moon_buf_until(&buf, '\''), line = {NULL, 0};
    unsigned long number = 0;
    char where[300], copy[64];

    for (const char *c = found; c && c > error->text && c[-1] != ':'; c--)
        number = strtoul(c - 1, NULL, 10);
    if (!number || !name.n || name.n >= sizeof copy)
        return;
    (void)snprintf(copy, sizeof copy, "%.*s", (int)name.n, name.p);
    (void)snprintf(where, sizeof where, "%.*s", (int)(found - error->text), error->text);
    buf = moon_buf_of(reading->source);
    for (unsigned long i = 0; i < number && !moon_buf_at_end(&buf);
         i++) { /* a script may say any */
        line = moon_buf_until(&buf, '\n');
        (void)moon_buf_skip(&buf, '\n'); /* the last line has none */
    }
    for (size_t i = 0; i + name.n < line.n; i++) {
        struct moon_span rest = moon_span_trim(moon_span_sub(line, i + name.n, line.n));
        if (!moon_span_eq(moon_span_sub(line, i, name.n), moon_span_of(copy)) ||
            !moon_span_is(moon_span_sub(rest, 0, 2), "=="))
            continue;
        (void)moon_fail(error, MOON_ECONF,
                        "%s: '%s ==' compares; a field is set by one =: %s = ...", where, copy,
                        copy);
        return;
    }
    size_t used = strlen(error->text);
    if (!strstr(found, "did you mean"))
        (void)snprintf(error->text + used, sizeof error->text - used,
                       "; texts stand in quotes, like \"%s\"", copy);
}

static void check_names(lua_State *L, size_t item)
{
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        const char *key = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
        struct moon_nearest nearest = {0};
        bool known = false;
        for (size_t i = 0; key && i < sizeof names / sizeof names[0]; i++) {
            known = known || !strcmp(key, names[i]);
            moon_nearest_offer(&nearest, moon_span_of(key), names[i]);
        }
        if (!known)
            unknown_field(L, item, key, nearest.best);
    }
}

void moon_list_fields(lua_State *L, size_t item, struct moon_list_entry *entry)
{
    check_names(L, item);
    entry->name = text_field(L, item, "name");
    entry->dkim = texts_field(L, item, "dkim", read_domain);
    entry->spf = texts_field(L, item, "spf", read_domain);
    entry->arc = texts_field(L, item, "arc", read_domain);
    networks_field(L, item, entry);
    entry->hosts = texts_field(L, item, "hosts", read_domains);
    entry->list_id = texts_field(L, item, "list_id", read_domains);
    entry->mail_from = texts_field(L, item, "mail_from", read_address);
    entry->recipients = texts_field(L, item, "recipients", read_address);
    entry->from = texts_field(L, item, "from", read_domains);
    expires_field(L, item, entry);
    entry->note = text_field(L, item, "note");
    if (!entry->name || !*entry->name)
        (void)moon_list_wrong(L, item, NULL,
                              "it has no name; say name = \"...\", by which logs and "
                              "`moonscan overrides` know it");
    verdict_fields(L, item, entry);
    if (entry->verdict == MOON_VERDICT_NONE && !is_known(entry))
        (void)moon_list_wrong(L, item, NULL,
                              "dkim, spf, arc, networks, hosts or list_id must say how the host is "
                              "known; anybody can write the rest");
}
