/* SPDX-License-Identifier: MIT
 *
 * Fuzz target of lua/tenants_config.c and base/tenant_conf.c: whatever tenants.lua holds, the
 * answer is mistakes with their lines, or records that hold what it said; whatever a record holds,
 * reading it stays inside.
 *
 * Parser: lua/tenants_config.c
 * Parser: engine/base/tenant_conf.c
 */
#include <stdint.h>
#include <stdlib.h>

#include "engine/base/limits.h"
#include "lua/tenants_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads all of it; the sum keeps the compiler from leaving anything out. */
static unsigned walk(struct moon_span packed, bool keys, unsigned depth)
{
    struct moon_buf buf = moon_buf_of(packed);
    struct moon_setting setting;
    unsigned sum = 0;

    while (moon_setting_next(&buf, keys, &setting)) {
        for (size_t i = 0; i < setting.key.n; i++)
            sum += (unsigned char)setting.key.p[i];
        for (size_t i = 0; i < setting.text.n; i++)
            sum += (unsigned char)setting.text.p[i];
        sum += setting.boolean;
        if (setting.packed.n && depth < 3)
            sum += walk(setting.packed, setting.type == MOON_SETTING_MAP, depth + 1);
    }
    if (!moon_buf_at_end(&buf))
        abort();
    return sum;
}

static void check_record(struct moon_span record)
{
    struct moon_tenant_conf conf;
    struct moon_setting setting;
    bool read = moon_tenant_conf_read(record, &conf);

    if (conf.canary > 100 || conf.mode > MOON_MODE_SHADOW || (!read && conf.settings.n))
        abort();
    (void)moon_mode_name(conf.mode);
    (void)walk(conf.settings, true, 0);
    if (moon_setting_find(&conf, MOON_SPAN("spam"), &setting) && setting.key.n != 4)
        abort();
}

/* What an entry says stands in its record. */
static void check_entry(struct moon_arena *arena, const struct moon_tenants_entry *entry,
                        const struct moon_tenants_entry *others)
{
    struct moon_tenant_conf conf;
    struct moon_setting found;
    struct moon_span record = moon_tenants_pack(arena, entry, others);

    if (!record.n || record.n > MOON_TENANT_CONF_BYTES_MAX)
        return;
    if (!moon_tenant_conf_read(record, &conf))
        abort();
    if ((entry->mode && conf.mode != entry->mode) ||
        (entry->canary >= 0 && conf.canary != (unsigned)entry->canary))
        abort();
    for (size_t i = 0; i < entry->setting_count; i++) {
        const struct moon_setting *setting = &entry->settings[i];
        if (!moon_setting_find(&conf, setting->key, &found) || found.type != setting->type ||
            !moon_span_eq(found.text, setting->text))
            abort();
    }
    (void)walk(conf.settings, true, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_arena *arena = moon_arena_create(8 << 20);
    struct moon_span source = {(const char *)data, size};
    struct moon_tenants_config config;

    if (!arena)
        return 0;
    check_record(source);
    /* Few instructions: a fuzzer likes endless loops. */
    if (size <= 65536 &&
        moon_tenants_parse(arena, source, "tenants.lua", 20000, &config) == MOON_OK) {
        for (size_t i = 0; i < config.error_count; i++)
            if (!*config.errors[i])
                abort();
        for (size_t i = 0; i < config.count; i++)
            check_entry(arena, &config.entries[i], &config.entries[0]);
    }
    moon_arena_destroy(&arena);
    return 0;
}
