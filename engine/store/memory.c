/* SPDX-License-Identifier: MIT
 *
 * memory: a store that ends with its process: for tests, and for policies that are tried out.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/store/steps.h"

#define ENTRIES_MAX 10000u /* a trial asks a few questions for each of its messages */

struct entry {
    char id[MOON_STORE_ID_BYTES];
    int64_t first_s, expires_s;
    struct moon_steps steps;
};

struct memory {
    struct moon_store head;
    struct entry *entries;
    size_t count, capacity;
};

static struct entry *find(struct memory *memory, const struct moon_store_slot *slot)
{
    for (size_t i = 0; i < memory->count; i++) {
        struct entry *entry = &memory->entries[i];
        if (strcmp(entry->id, slot->id) != 0)
            continue;
        if (entry->expires_s < slot->now_s) { /* forgotten */
            memset(&entry->steps, 0, sizeof entry->steps);
            entry->first_s = -1;
        }
        return entry;
    }
    return NULL;
}

/* The entry, made when it is not there; NULL: full. */
static struct entry *find_or_make(struct memory *memory, const struct moon_store_slot *slot)
{
    struct entry *entry = find(memory, slot);
    if (entry)
        return entry;
    if (memory->count == memory->capacity) {
        size_t capacity = memory->capacity ? 2 * memory->capacity : 16;
        entry = capacity <= ENTRIES_MAX ? realloc(memory->entries, capacity * sizeof *entry) : NULL;
        if (!entry)
            return NULL;
        memory->entries = entry;
        memory->capacity = capacity;
    }
    entry = &memory->entries[memory->count++];
    *entry = (struct entry){.first_s = -1};
    memcpy(entry->id, slot->id, sizeof entry->id);
    return entry;
}

static enum moon_store_said full(struct moon_store *store)
{
    (void)moon_fail(&store->why, MOON_ENOMEM, "store: full");
    return MOON_STORE_BUSY;
}

static enum moon_store_said count(struct moon_store *store, const struct moon_store_slot *slot,
                                  int64_t *sum_r)
{
    struct memory *memory = (struct memory *)store;
    bool write = slot->add && !slot->pretend;
    struct entry *entry = write ? find_or_make(memory, slot) : find(memory, slot);

    if (write && !entry)
        return full(store);
    if (write) {
        moon_steps_add(&entry->steps, slot->step, (uint64_t)slot->add);
        entry->expires_s = slot->now_s + slot->keep_s;
    }
    *sum_r = (entry ? moon_steps_sum(&entry->steps, slot->step) : 0) + (write ? 0 : slot->add);
    return MOON_STORE_ANSWERED;
}

static enum moon_store_said first_seen(struct moon_store *store, const struct moon_store_slot *slot,
                                       int64_t *first_s_r)
{
    struct memory *memory = (struct memory *)store;
    bool write = slot->add && !slot->pretend;
    struct entry *entry = write ? find_or_make(memory, slot) : find(memory, slot);

    if (write && !entry)
        return full(store);
    *first_s_r = entry ? entry->first_s : -1;
    if (*first_s_r < 0 && slot->add)
        *first_s_r = slot->now_s;
    if (write) {
        entry->first_s = *first_s_r;
        entry->expires_s = slot->now_s + slot->keep_s;
    }
    return MOON_STORE_ANSWERED;
}

static void destroy(struct moon_store *store)
{
    free(((struct memory *)store)->entries);
    free(store);
}

enum moon_status moon_store_memory(struct moon_store **store_r, struct moon_error *error)
{
    static const struct moon_store_ops ops = {count, first_seen, destroy};
    struct memory *memory = calloc(1, sizeof *memory);

    *store_r = NULL;
    if (!memory)
        return moon_fail(error, MOON_ENOMEM, "no memory for the store");
    memory->head.ops = &ops;
    *store_r = &memory->head;
    return MOON_OK;
}
