/* SPDX-License-Identifier: MIT
 *
 * tenant_conf: packs and reads the records of tenants. Reading goes through one checked cursor and
 * allocates nothing.
 */
#include "engine/base/tenant_conf.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"

#define VERSION 1

static const char *const mode_names[] = {"", "enforce", "dry_run", "shadow"};

const char *moon_mode_name(enum moon_mode mode)
{
    return mode_names[mode];
}

bool moon_mode_of_name(struct moon_span name, enum moon_mode *mode_r)
{
    for (size_t i = 1; i < sizeof mode_names / sizeof *mode_names; i++) {
        if (moon_span_is(name, mode_names[i])) {
            *mode_r = (enum moon_mode)i;
            return true;
        }
    }
    return false;
}

int moon_setting_compare(struct moon_span a, struct moon_span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* --- writing -----------------------------------------------------------------------------------
 */

static void put(struct moon_str *str, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0)
        moon_str_add_char(str, (char)(unsigned char)(value >> (8 * bytes)));
}

static void put_setting(struct moon_str *str, const struct moon_setting *setting, bool keys);

static void put_value(struct moon_str *str, const struct moon_setting *setting)
{
    uint64_t bits = 0;

    put(str, (uint64_t)setting->type, 1);
    switch (setting->type) {
    case MOON_SETTING_TEXT:
        put(str, setting->text.n, 4);
        moon_str_add_span(str, setting->text);
        break;
    case MOON_SETTING_INTEGER:
        put(str, (uint64_t)setting->integer, 8);
        break;
    case MOON_SETTING_NUMBER:
        memcpy(&bits, &setting->number, sizeof bits);
        put(str, bits, 8);
        break;
    case MOON_SETTING_BOOLEAN:
        put(str, setting->boolean, 1);
        break;
    case MOON_SETTING_LIST:
    case MOON_SETTING_MAP: {
        struct moon_str parts;
        moon_str_begin(&parts, str->arena);
        for (size_t i = 0; i < setting->part_count; i++)
            put_setting(&parts, &setting->parts[i], setting->type == MOON_SETTING_MAP);
        size_t n = parts.length;
        const char *text = moon_str_end(&parts);
        put(str, n, 4);
        if (text)
            moon_str_add_span(str, (struct moon_span){text, n});
        break;
    }
    }
}

static void put_setting(struct moon_str *str, const struct moon_setting *setting, bool keys)
{
    if (keys) {
        put(str, setting->key.n, 2);
        moon_str_add_span(str, setting->key);
    }
    put_value(str, setting);
}

struct moon_span moon_tenant_conf_pack(struct moon_arena *arena, enum moon_mode mode,
                                       unsigned canary, const struct moon_setting *settings,
                                       size_t count)
{
    struct moon_str str;

    moon_str_begin(&str, arena);
    put(&str, VERSION, 1);
    put(&str, mode, 1);
    put(&str, canary, 1);
    for (size_t i = 0; i < count; i++)
        put_setting(&str, &settings[i], true);
    size_t n = str.length;
    const char *text = moon_str_end(&str);
    return text && !moon_arena_failed(arena) ? (struct moon_span){text, n}
                                             : (struct moon_span){NULL, 0};
}

/* --- reading -----------------------------------------------------------------------------------
 */

bool moon_tenant_conf_read(struct moon_span record, struct moon_tenant_conf *conf_r)
{
    struct moon_buf buf = moon_buf_of(record);
    unsigned version = moon_buf_u8(&buf), mode = moon_buf_u8(&buf), canary = moon_buf_u8(&buf);

    *conf_r = (struct moon_tenant_conf){0};
    if (buf.failed || version != VERSION || mode >= sizeof mode_names / sizeof *mode_names ||
        canary > 100 || record.n > MOON_TENANT_CONF_BYTES_MAX)
        return false;
    *conf_r = (struct moon_tenant_conf){
        .mode = (enum moon_mode)mode, .canary = canary, .settings = {buf.p, buf.left}};
    return true;
}

bool moon_tenant_conf_get(const struct moon_snapshot *snapshot, const char *tenant,
                          struct moon_tenant_conf *conf_r)
{
    char key[MOON_SNAPSHOT_KEY_MAX];
    struct moon_span record;

    *conf_r = (struct moon_tenant_conf){0};
    if (!snapshot)
        return true;
    int n = snprintf(key, sizeof key, "tenant-conf/%s", tenant);
    bool fits = n > 0 && (size_t)n < sizeof key;
    if (fits && *tenant && moon_snapshot_get(snapshot, (struct moon_span){key, (size_t)n}, &record))
        return moon_tenant_conf_read(record, conf_r);
    if (moon_snapshot_get(snapshot, MOON_SPAN("tenant-conf/*"), &record))
        return moon_tenant_conf_read(record, conf_r);
    return true;
}

bool moon_setting_next(struct moon_buf *buf, bool keys, struct moon_setting *setting_r)
{
    *setting_r = (struct moon_setting){0};
    if (moon_buf_at_end(buf))
        return false;
    if (keys)
        setting_r->key = moon_buf_take(buf, moon_buf_u16(buf));
    setting_r->type = (enum moon_setting_type)moon_buf_u8(buf);
    switch (setting_r->type) {
    case MOON_SETTING_TEXT:
        setting_r->text = moon_buf_take(buf, moon_buf_u32(buf));
        break;
    case MOON_SETTING_INTEGER:
        setting_r->integer = (int64_t)moon_buf_u64(buf);
        break;
    case MOON_SETTING_NUMBER: {
        uint64_t bits = moon_buf_u64(buf);
        memcpy(&setting_r->number, &bits, sizeof bits);
        break;
    }
    case MOON_SETTING_BOOLEAN:
        setting_r->boolean = moon_buf_u8(buf) != 0;
        break;
    case MOON_SETTING_LIST:
    case MOON_SETTING_MAP:
        setting_r->packed = moon_buf_take(buf, moon_buf_u32(buf));
        break;
    default:
        (void)moon_buf_take(buf, buf->left + 1); /* fails: what follows has no length */
    }
    return !buf->failed;
}

bool moon_setting_find(const struct moon_tenant_conf *conf, struct moon_span key,
                       struct moon_setting *setting_r)
{
    struct moon_buf buf = moon_buf_of(conf->settings);

    while (moon_setting_next(&buf, true, setting_r))
        if (moon_span_eq(setting_r->key, key))
            return true;
    return false;
}
