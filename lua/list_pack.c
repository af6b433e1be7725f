/* SPDX-License-Identifier: MIT
 *
 * list_pack: see the header. One table says which texts an entry has, for both ways.
 */
#include "lua/list_pack.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "lua/facts.h"

#define LAYOUT    1u /* another number for any change of the table or of what an entry means */
#define NULL_TEXT 0xffffffffu

/* A new member of an entry belongs into the table below, and LAYOUT counts one up: what is not
 * packed is a condition that nobody looks at. */
_Static_assert(sizeof(void *) != 8 || sizeof(struct moon_list_entry) == 320,
               "list_pack.c does not know all members of struct moon_list_entry");

#define AT(member) offsetof(struct moon_list_entry, member)

static const struct field {
    size_t offset;
    bool several; /* struct moon_texts; else const char * */
} fields[] = {
    {AT(name), false},      {AT(dkim), true},      {AT(spf), true},           {AT(arc), true},
    {AT(hosts), true},      {AT(list_id), true},   {AT(network_texts), true}, {AT(mail_from), true},
    {AT(recipients), true}, {AT(from), true},      {AT(dmarc), true},         {AT(expires), false},
    {AT(note), false},      {AT(override), false}, {AT(text), false},
};
#define FIELDS (sizeof fields / sizeof *fields)

/* --- writing -----------------------------------------------------------------------------------
 */

static void put(struct moon_str *str, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0)
        moon_str_add_char(str, (char)(unsigned char)(value >> (8 * bytes)));
}

static void put_text(struct moon_str *str, const char *text)
{
    put(str, text ? strlen(text) : NULL_TEXT, 4);
    if (text) {
        moon_str_add(str, text);
        moon_str_add_char(str, '\0');
    }
}

static void put_entry(struct moon_str *str, const struct moon_list_entry *entry)
{
    put(str, (uint64_t)entry->line, 4);
    put(str, entry->bare, 1);
    put(str, (uint64_t)entry->verdict, 1);
    put(str, (uint64_t)entry->expires_s, 8);
    for (size_t i = 0; i < FIELDS; i++) {
        const void *at = (const char *)entry + fields[i].offset;
        if (!fields[i].several) {
            put_text(str, *(const char *const *)at);
            continue;
        }
        const struct moon_texts *texts = at;
        put(str, texts->one, 1);
        put(str, texts->count, 4);
        for (size_t k = 0; k < texts->count; k++)
            put_text(str, texts->items[k]);
    }
}

struct moon_span moon_list_pack(struct moon_arena *arena, const struct moon_list *list)
{
    struct moon_str str;
    moon_str_begin(&str, arena);
    put(&str, LAYOUT, 1);
    put(&str, list->verdicts, 1);
    put(&str, list->count, 4);
    for (size_t i = 0; i < list->count; i++)
        put_entry(&str, &list->entries[i]);
    size_t n = str.length;
    const char *text = moon_str_end(&str);
    return (struct moon_span){text, text ? n : 0};
}

/* --- reading -----------------------------------------------------------------------------------
 */

/* False: damaged. */
static bool get_text(struct moon_buf *buf, bool may_miss, const char **text_r)
{
    uint32_t n = moon_buf_u32(buf);
    *text_r = NULL;
    if (n == NULL_TEXT)
        return may_miss && !buf->failed;
    struct moon_span text = moon_buf_take(buf, (size_t)n + 1);
    if (buf->failed || text.p[n] != '\0' || (n && memchr(text.p, '\0', n)))
        return false;
    *text_r = text.p;
    return true;
}

static bool get_texts(struct moon_arena *arena, struct moon_buf *buf, struct moon_texts *texts)
{
    texts->one = moon_buf_u8(buf) != 0;
    texts->count = moon_buf_u32(buf);
    if (buf->failed || texts->count > buf->left / 5) /* the least that a text takes */
        return false;
    texts->items =
        texts->count ? moon_arena_array(arena, texts->count, sizeof *texts->items) : NULL;
    if (texts->count && !texts->items)
        return false;
    for (size_t i = 0; i < texts->count; i++)
        if (!get_text(buf, false, &texts->items[i]))
            return false;
    return true;
}

/* What is not packed because it follows from the texts. */
static bool complete(struct moon_arena *arena, struct moon_list_entry *entry)
{
    size_t count = entry->network_texts.count;
    if (entry->override &&
        !(entry->override = moon_verdicts_override(moon_span_of(entry->override))))
        return false;
    entry->networks = count ? moon_arena_array(arena, count, sizeof *entry->networks) : NULL;
    if (count && !entry->networks)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!moon_net_parse(moon_span_of(entry->network_texts.items[i]), &entry->networks[i]))
            return false;
    return true;
}

static bool get_entry(struct moon_arena *arena, struct moon_buf *buf, struct moon_list_entry *entry)
{
    entry->line = (int)(moon_buf_u32(buf) & 0x7fffffffu);
    entry->bare = moon_buf_u8(buf) != 0;
    unsigned verdict = moon_buf_u8(buf);
    entry->verdict = (enum moon_verdict_kind)verdict;
    entry->expires_s = (int64_t)moon_buf_u64(buf);
    if (buf->failed || verdict > MOON_VERDICT_DISCARD)
        return false;
    for (size_t i = 0; i < FIELDS; i++) {
        void *at = (char *)entry + fields[i].offset;
        if (fields[i].several ? !get_texts(arena, buf, at) : !get_text(buf, i > 0, at))
            return false;
    }
    return complete(arena, entry);
}

struct moon_list *moon_list_unpack(struct moon_arena *arena, struct moon_span record,
                                   const char *name, const char *path)
{
    struct moon_buf buf = moon_buf_of(record);
    unsigned layout = moon_buf_u8(&buf);
    bool verdicts = moon_buf_u8(&buf) != 0;
    size_t count = moon_buf_u32(&buf);
    struct moon_list *list = moon_arena_alloc(arena, sizeof *list);

    if (!list || buf.failed || layout != LAYOUT || count > MOON_LIST_ENTRIES_MAX ||
        count > buf.left / 14) /* the least that an entry takes */
        return NULL;
    *list = (struct moon_list){.name = name, .path = path, .count = count, .verdicts = verdicts};
    list->entries = moon_arena_array(arena, count, sizeof *list->entries);
    if (!list->entries)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        list->entries[i] = (struct moon_list_entry){.list = list};
        if (!get_entry(arena, &buf, &list->entries[i]))
            return NULL;
    }
    return moon_buf_at_end(&buf) ? list : NULL;
}

struct moon_list *moon_list_packed(struct moon_arena *arena, const struct moon_snapshot *snapshot,
                                   const char *name, const char *path)
{
    char key[MOON_SNAPSHOT_KEY_MAX];
    struct moon_span record;
    int n = snprintf(key, sizeof key, "packed/%s", path);
    const char *copy = moon_arena_cstr(arena, name);
    if (!copy || n < 0 || (size_t)n >= sizeof key ||
        !moon_snapshot_get(snapshot, (struct moon_span){key, (size_t)n}, &record))
        return NULL;
    return moon_list_unpack(arena, record, copy, path);
}
