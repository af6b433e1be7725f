/* SPDX-License-Identifier: MIT
 *
 * tenant_conf: what tenants.lua gives one tenant: the mode, and settings that policies read. It
 * travels as one record of the snapshot, "tenant-conf/<name>", which is read in place: a message
 * costs one look-up, however many tenants there are, and a setting is found when a policy asks.
 *
 * Record: version 1 (u8), mode (u8), canary (u8); then items in strictly ascending order of their
 * keys. Item: length of the key (u16), key, value. Value: type (u8), then by type
 *   't' length (u32), bytes   'i' integer (u64)   'n' IEEE 754 double (u64)   'b' 0 or 1 (u8)
 *   'l' list: length in bytes (u32), values       'm' map: length in bytes (u32), items
 * Lists and maps hold no lists and maps. Network byte order.
 */
#ifndef MOON_BASE_TENANT_CONF_H
#define MOON_BASE_TENANT_CONF_H

#include "engine/base/arena.h"
#include "engine/base/snapshot.h"

enum moon_mode {
    MOON_MODE_NONE = 0, /* not said: the next version, where there is one, runs in the shadow */
    MOON_MODE_ENFORCE,
    MOON_MODE_DRY_RUN,
    MOON_MODE_SHADOW,
};
const char *moon_mode_name(enum moon_mode mode); /* "", "enforce", "dry_run", "shadow" */
bool moon_mode_of_name(struct moon_span name, enum moon_mode *mode_r);

enum moon_setting_type {
    MOON_SETTING_TEXT = 't',
    MOON_SETTING_INTEGER = 'i',
    MOON_SETTING_NUMBER = 'n',
    MOON_SETTING_BOOLEAN = 'b',
    MOON_SETTING_LIST = 'l',
    MOON_SETTING_MAP = 'm',
};

/* One setting, or one part of a list (without a key) or map. */
struct moon_setting {
    struct moon_span key;
    enum moon_setting_type type;
    struct moon_span text;
    int64_t integer;
    double number;
    bool boolean;
    struct moon_span packed;          /* when read: of a list or map */
    const struct moon_setting *parts; /* when written: of a list or map */
    size_t part_count;
};

struct moon_tenant_conf {
    enum moon_mode mode;
    unsigned canary;           /* percent of messages that the next version decides */
    struct moon_span settings; /* packed; in the snapshot */
};

/* Writing: settings are sorted by key (memcmp, then length) without doubles, as are the parts of
 * maps. The record in the arena; an empty span without memory. */
struct moon_span moon_tenant_conf_pack(struct moon_arena *arena, enum moon_mode mode,
                                       unsigned canary, const struct moon_setting *settings,
                                       size_t count);
/* a before b in that order: negative; the same: 0. */
int moon_setting_compare(struct moon_span a, struct moon_span b);

/* One record. False when its head is none; *conf_r is all zero then. Settings are looked at when
 * they are read. */
bool moon_tenant_conf_read(struct moon_span record, struct moon_tenant_conf *conf_r);
/* That of a tenant, else the one of "*" (which also serves recipients of no tenant, ""), else all
 * zero. False when the record is damaged. */
bool moon_tenant_conf_get(const struct moon_snapshot *snapshot, const char *tenant,
                          struct moon_tenant_conf *conf_r);
/* The next setting or part; `keys` for settings and maps. False at the end; buf->failed is set when
 * what is there is none. */
bool moon_setting_next(struct moon_buf *buf, bool keys, struct moon_setting *setting_r);
/* The setting of that name. */
bool moon_setting_find(const struct moon_tenant_conf *conf, struct moon_span key,
                       struct moon_setting *setting_r);

#endif
