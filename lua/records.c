/* SPDX-License-Identifier: MIT
 *
 * records: what SPF, DKIM and DMARC found out, as records of `m`; ARC is in arc_facts.c.
 */
#include <stddef.h>
#include <string.h>

#include "engine/message/domain.h"
#include "lua/facts.h"

#define AT(type, field) offsetof(struct type, field)
#define END                                                                                        \
    {                                                                                              \
        NULL, MOON_FACT_TEXT, 0, NULL                                                              \
    }

static struct moon_decide *decide_of(lua_State *L)
{
    return moon_sandbox_context(L);
}

/* --- SPF ------------------------------------------------------------------------------------ */

static const struct moon_fact spf_facts[] = {
    {"result", MOON_FACT_RESULT, AT(moon_spf, result), NULL},
    {"reason", MOON_FACT_TEXT, AT(moon_spf, reason), NULL},
    {"domain", MOON_FACT_TEXT, AT(moon_spf, domain), NULL},
    {"scope", MOON_FACT_TEXT, AT(moon_spf, scope), NULL},
    {"aligned", MOON_FACT_BOOL, AT(moon_spf, aligned), NULL},
    {"lookups", MOON_FACT_UNSIGNED, AT(moon_spf, lookups), NULL},
    {"voids", MOON_FACT_UNSIGNED, AT(moon_spf, voids), NULL},
    {"matched", MOON_FACT_TEXT, AT(moon_spf, matched), NULL},
    {"explanation", MOON_FACT_TEXT, AT(moon_spf, explanation), NULL},
    {"record", MOON_FACT_TEXT, AT(moon_spf, record), NULL},
    END};
const struct moon_record moon_record_spf = {"m.spf", "spf", spf_facts, NULL, NULL};
const struct moon_record moon_record_spf_helo = {"m.spf_helo", "spf_helo", spf_facts, NULL, NULL};

/* --- DKIM ----------------------------------------------------------------------------------- */

const struct moon_dkim_sig *moon_records_dkim_passed(const struct moon_dkim *dkim,
                                                     const char *domain)
{
    for (size_t i = 0; i < dkim->count; i++)
        if (dkim->sigs[i].result == MOON_RESULT_PASS && dkim->sigs[i].domain &&
            !strcmp(dkim->sigs[i].domain, domain))
            return &dkim->sigs[i];
    return NULL;
}

static void push_sig(lua_State *L, const struct moon_dkim *dkim, const struct moon_dkim_sig *sig)
{
    if (sig)
        moon_record_push(L, &moon_record_dkim_item, sig, (size_t)(sig - dkim->sigs) + 1);
    else
        lua_pushnil(L);
}

/* m.dkim:passed(domain): the first passing signature of exactly this domain, or nil [-0, +1], may
 * raise */
static int dkim_passed(lua_State *L)
{
    const struct moon_dkim *dkim = moon_record_check(L, 1, &moon_record_dkim);
    const char *domain = lua_isnoneornil(L, 2) ? "" : luaL_checkstring(L, 2);
    char lower[256];
    size_t n = strlen(domain);
    moon_facts_note(decide_of(L), "dkim:passed(%.100s)", domain);
    if (n && domain[n - 1] == '.')
        n--;
    if (n >= sizeof lower)
        n = 0;
    for (size_t i = 0; i < n; i++)
        lower[i] = moon_lower(domain[i]);
    lower[n] = '\0';
    push_sig(L, dkim, n ? moon_records_dkim_passed(dkim, lower) : NULL);
    return 1;
}

/* m.dkim:aligned_pass(): the first passing signature that is aligned, or nil [-0, +1], may raise */
static int dkim_aligned_pass(lua_State *L)
{
    const struct moon_dkim *dkim = moon_record_check(L, 1, &moon_record_dkim);
    const struct moon_dkim_sig *found = NULL;
    moon_facts_note(decide_of(L), "dkim:aligned_pass()");
    for (size_t i = 0; i < dkim->count && !found; i++)
        if (dkim->sigs[i].result == MOON_RESULT_PASS && dkim->sigs[i].aligned)
            found = &dkim->sigs[i];
    push_sig(L, dkim, found);
    return 1;
}

static void push_passed(lua_State *L, const void *object)
{
    (void)object; /* comes with the call */
    lua_pushcfunction(L, dkim_passed);
}

static void push_aligned_pass(lua_State *L, const void *object)
{
    (void)object; /* comes with the call */
    lua_pushcfunction(L, dkim_aligned_pass);
}

static size_t dkim_count(const void *object)
{
    return ((const struct moon_dkim *)object)->count;
}

static void dkim_item(lua_State *L, const void *object, size_t i)
{
    const struct moon_dkim *dkim = object;
    push_sig(L, dkim, &dkim->sigs[i - 1]);
}

static const struct moon_fact dkim_facts[] = {
    {"result", MOON_FACT_RESULT, AT(moon_dkim, result), NULL},
    {"found", MOON_FACT_SIZE, AT(moon_dkim, found), NULL},
    {"passed", MOON_FACT_PUSH, 0, push_passed},
    {"aligned_pass", MOON_FACT_PUSH, 0, push_aligned_pass},
    END};
const struct moon_record moon_record_dkim = {"m.dkim", "dkim", dkim_facts, dkim_count, dkim_item};

/* A list of texts [-0, +1], may raise */
static void push_texts(lua_State *L, const char *const *texts, size_t count)
{
    moon_sandbox_charge(L, count + 1);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushstring(L, texts[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_sig_headers(lua_State *L, const void *object)
{
    const struct moon_dkim_sig *sig = object;
    push_texts(L, sig->headers, sig->header_count);
}

static void push_unsigned_fields(lua_State *L, const void *object)
{
    const struct moon_dkim_sig *sig = object;
    push_texts(L, sig->unsigned_fields, sig->unsigned_field_count);
}

static const struct moon_fact sig_facts[] = {
    {"result", MOON_FACT_RESULT, AT(moon_dkim_sig, result), NULL},
    {"reason", MOON_FACT_TEXT, AT(moon_dkim_sig, reason), NULL},
    {"domain", MOON_FACT_TEXT, AT(moon_dkim_sig, domain), NULL},
    {"selector", MOON_FACT_TEXT, AT(moon_dkim_sig, selector), NULL},
    {"identity", MOON_FACT_TEXT, AT(moon_dkim_sig, identity), NULL},
    {"algorithm", MOON_FACT_TEXT, AT(moon_dkim_sig, algorithm), NULL},
    {"bits", MOON_FACT_UNSIGNED, AT(moon_dkim_sig, bits), NULL},
    {"aligned", MOON_FACT_BOOL, AT(moon_dkim_sig, aligned), NULL},
    {"canonicalization", MOON_FACT_TEXT, AT(moon_dkim_sig, canonicalization), NULL},
    {"body_length", MOON_FACT_INT64, AT(moon_dkim_sig, body_length), NULL},
    {"unsigned_bytes", MOON_FACT_INT64, AT(moon_dkim_sig, unsigned_bytes), NULL},
    {"signed_at", MOON_FACT_INT64, AT(moon_dkim_sig, signed_at_s), NULL},
    {"expires", MOON_FACT_INT64, AT(moon_dkim_sig, expires_s), NULL},
    {"testing", MOON_FACT_BOOL, AT(moon_dkim_sig, testing), NULL},
    {"headers", MOON_FACT_PUSH, 0, push_sig_headers},
    {"unsigned_fields", MOON_FACT_PUSH, 0, push_unsigned_fields},
    END};
const struct moon_record moon_record_dkim_item = {"m.dkim[i]", "dkim", sig_facts, NULL, NULL};

/* --- DMARC ---------------------------------------------------------------------------------- */

static void push_requested(lua_State *L, const void *object)
{
    lua_pushstring(L, moon_dmarc_policy_name(((const struct moon_dmarc *)object)->policy));
}

static void push_published(lua_State *L, const void *object)
{
    lua_pushstring(L, moon_dmarc_policy_name(((const struct moon_dmarc *)object)->published));
}

static void push_tags(lua_State *L, const void *object)
{
    const struct moon_dmarc *dmarc = object;
    moon_sandbox_charge(L, dmarc->tag_count + 1);
    lua_createtable(L, 0, (int)dmarc->tag_count);
    for (size_t i = 0; i < dmarc->tag_count; i++) {
        lua_pushstring(L, dmarc->tags[i].value);
        lua_setfield(L, -2, dmarc->tags[i].name);
    }
}

static void push_discovery(lua_State *L, const void *object)
{
    const struct moon_dmarc *dmarc = object;
    lua_pushstring(L, dmarc->discovery == MOON_DMARC_DISCOVERY_PSL ? "psl" : "treewalk");
}

static void push_psd(lua_State *L, const void *object)
{
    char psd = ((const struct moon_dmarc *)object)->psd;
    lua_pushlstring(L, psd ? &psd : "u", 1);
}

static void push_alignment(lua_State *L, const void *object)
{
    moon_record_push(L, &moon_record_alignment, object, 0);
}

/* nil: DNS did not say. */
static void push_parked(lua_State *L, const void *object)
{
    enum moon_dmarc_parked parked = ((const struct moon_dmarc *)object)->parked;
    if (parked == MOON_DMARC_PARKED_UNKNOWN)
        lua_pushnil(L);
    else
        lua_pushboolean(L, parked == MOON_DMARC_PARKED_YES);
}

static const struct moon_fact dmarc_facts[] = {
    {"result", MOON_FACT_RESULT, AT(moon_dmarc, result), NULL},
    {"reason", MOON_FACT_TEXT, AT(moon_dmarc, reason), NULL},
    {"policy", MOON_FACT_PUSH, 0, push_requested},
    {"published", MOON_FACT_PUSH, 0, push_published},
    {"published_tag", MOON_FACT_TEXT, AT(moon_dmarc, published_tag), NULL},
    {"record", MOON_FACT_TEXT, AT(moon_dmarc, record), NULL},
    {"tags", MOON_FACT_PUSH, 0, push_tags},
    {"policy_domain", MOON_FACT_TEXT, AT(moon_dmarc, policy_domain), NULL},
    {"organizational_domain", MOON_FACT_TEXT, AT(moon_dmarc, organizational_domain), NULL},
    {"discovery", MOON_FACT_PUSH, 0, push_discovery},
    {"testing", MOON_FACT_BOOL, AT(moon_dmarc, testing), NULL},
    {"psd", MOON_FACT_PUSH, 0, push_psd},
    {"alignment", MOON_FACT_PUSH, 0, push_alignment},
    {"error", MOON_FACT_TEXT, AT(moon_dmarc, error), NULL},
    {"bimi_eligible", MOON_FACT_BOOL, AT(moon_dmarc, bimi_eligible), NULL},
    {"parked", MOON_FACT_PUSH, 0, push_parked},
    END};
const struct moon_record moon_record_dmarc = {"m.dmarc", "dmarc", dmarc_facts, NULL, NULL};

static const char *mode_name(char mode)
{
    return mode == 's' ? "strict" : "relaxed";
}

static void push_adkim(lua_State *L, const void *object)
{
    lua_pushstring(L, mode_name(((const struct moon_dmarc *)object)->adkim));
}

static void push_aspf(lua_State *L, const void *object)
{
    lua_pushstring(L, mode_name(((const struct moon_dmarc *)object)->aspf));
}

static const struct moon_fact alignment_facts[] = {
    {"dkim", MOON_FACT_BOOL, AT(moon_dmarc, dkim_aligned), NULL},
    {"spf", MOON_FACT_BOOL, AT(moon_dmarc, spf_aligned), NULL},
    {"dkim_mode", MOON_FACT_PUSH, 0, push_adkim},
    {"spf_mode", MOON_FACT_PUSH, 0, push_aspf},
    END};
const struct moon_record moon_record_alignment = {"m.dmarc.alignment", "dmarc.alignment",
                                                  alignment_facts, NULL, NULL};
