/* SPDX-License-Identifier: MIT
 *
 * snapshot: reads the published file. Procedure of opening: (1) map the file, (2) check its head,
 * (3) check the index once: every key and value inside the file, keys strictly ascending; later
 * look-ups rely on that. Keys stand together, so that the check touches few pages.
 */
#include "engine/base/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/base/snapshot_format.h"

struct moon_snapshot {
    struct moon_span bytes; /* the whole file */
    bool mapped, trusted;
    size_t count;
    char hash[MOON_HASH_TEXT_BYTES], short_hash[13];
};

/* The four numbers of record i; the index was seen to be inside the file. */
static void record_at(const struct moon_snapshot *snapshot, size_t i, struct moon_span *key_r,
                      struct moon_span *value_r)
{
    struct moon_buf buf = moon_buf_of(
        moon_span_sub(snapshot->bytes, MOON_SNAPSHOT_HEAD_BYTES + i * MOON_SNAPSHOT_ENTRY_BYTES,
                      MOON_SNAPSHOT_ENTRY_BYTES));
    size_t key_at = moon_buf_u32(&buf), key_bytes = moon_buf_u32(&buf);
    size_t value_at = moon_buf_u32(&buf), value_bytes = moon_buf_u32(&buf);
    *key_r = moon_span_sub(snapshot->bytes, key_at, key_bytes);
    *value_r = moon_span_sub(snapshot->bytes, value_at, value_bytes);
    if (key_r->n != key_bytes) /* cut: the check below refuses an empty key */
        key_r->n = 0;
    if (value_r->n != value_bytes || value_at > snapshot->bytes.n)
        key_r->n = 0;
}

int moon_snapshot_key_compare(struct moon_span a, struct moon_span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* Steps 2 and 3. */
static const char *check(struct moon_snapshot *snapshot)
{
    struct moon_buf head = moon_buf_of(snapshot->bytes);
    struct moon_span magic = moon_buf_take(&head, MOON_SNAPSHOT_MAGIC_BYTES);
    struct moon_span hash = moon_buf_take(&head, MOON_HASH_TEXT_BYTES - 1);
    snapshot->count = moon_buf_u32(&head);
    if (head.failed || !moon_span_is(magic, MOON_SNAPSHOT_MAGIC))
        return "it is no snapshot of this version";
    for (size_t i = 0; i < hash.n; i++)
        if (moon_hex_value(hash.p[i]) < 0)
            return "its hash is no hash";
    memcpy(snapshot->hash, hash.p, hash.n);
    memcpy(snapshot->short_hash, hash.p, sizeof snapshot->short_hash - 1);
    if (snapshot->count > MOON_SNAPSHOT_RECORDS_MAX ||
        snapshot->count * MOON_SNAPSHOT_ENTRY_BYTES > head.left)
        return "its index is cut off";

    struct moon_span before = {NULL, 0}, key, value;
    for (size_t i = 0; i < snapshot->count; i++, before = key) {
        record_at(snapshot, i, &key, &value);
        if (key.n == 0 || key.n > MOON_SNAPSHOT_KEY_MAX)
            return "a record lies outside the file";
        if (moon_snapshot_key_compare(before, key) >= 0)
            return "its records are not in order";
    }
    return NULL;
}

enum moon_status moon_snapshot_of_memory(struct moon_span bytes, struct moon_snapshot **snapshot_r,
                                         struct moon_error *error)
{
    *snapshot_r = NULL;
    struct moon_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot)
        return moon_fail(error, MOON_ENOMEM, "no memory for a snapshot");
    snapshot->bytes = bytes;
    const char *reason = check(snapshot);
    if (reason) {
        free(snapshot);
        return moon_fail(error, MOON_EIO, "the snapshot cannot be used: %s", reason);
    }
    *snapshot_r = snapshot;
    return MOON_OK;
}

/* Step 1. */
enum moon_status moon_snapshot_open(const char *path, struct moon_snapshot **snapshot_r,
                                    struct moon_error *error)
{
    enum moon_status status = MOON_EIO;
    struct stat st;
    void *map = MAP_FAILED;

    *snapshot_r = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        if (errno == ENOENT && lstat(path, &st) == 0) /* never the built-in policy instead */
            return moon_fail(error, MOON_EIO, "%s: the file that it points to is missing", path);
        if (errno == ENOENT)
            return MOON_OK;
        return moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno));
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
        st.st_size > (off_t)MOON_SNAPSHOT_BYTES_MAX) {
        status = moon_fail(error, MOON_EIO, "%s: no file that can be a snapshot", path);
        goto done;
    }
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        status = moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno));
        goto done;
    }
    struct moon_error why = {""};
    status = moon_snapshot_of_memory((struct moon_span){map, (size_t)st.st_size}, snapshot_r, &why);
    if (status == MOON_OK) {
        (*snapshot_r)->mapped = true;
        (*snapshot_r)->trusted =
            (st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & (S_IWGRP | S_IWOTH));
        map = MAP_FAILED;
    } else {
        (void)moon_fail(error, status, "%s: %s", path, why.text); /* the status stays */
    }
done:
    if (map != MAP_FAILED)
        (void)munmap(map, (size_t)st.st_size); /* cannot fail on our own map */
    (void)close(fd);                           /* was only read */
    return status;
}

void moon_snapshot_close(struct moon_snapshot **snapshot)
{
    if (!*snapshot)
        return;
    if ((*snapshot)->mapped) /* the const is ours to drop: we mapped it */
        (void)munmap((void *)(uintptr_t)(*snapshot)->bytes.p, (*snapshot)->bytes.n);
    free(*snapshot);
    *snapshot = NULL;
}

bool moon_snapshot_trusted(const struct moon_snapshot *snapshot)
{
    return snapshot->trusted;
}

bool moon_snapshot_verify(const struct moon_snapshot *snapshot)
{
    char hash[MOON_HASH_TEXT_BYTES];
    size_t from = MOON_SNAPSHOT_MAGIC_BYTES + MOON_HASH_TEXT_BYTES - 1;
    return moon_hash_hex(moon_span_sub(snapshot->bytes, from, snapshot->bytes.n), hash) &&
           strcmp(hash, snapshot->hash) == 0;
}

const char *moon_snapshot_hash(const struct moon_snapshot *snapshot)
{
    return snapshot->short_hash;
}

const char *moon_snapshot_full_hash(const struct moon_snapshot *snapshot)
{
    return snapshot->hash;
}

bool moon_snapshot_get(const struct moon_snapshot *snapshot, struct moon_span key,
                       struct moon_span *value_r)
{
    size_t low = 0, high = snapshot->count;
    struct moon_span found;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        record_at(snapshot, middle, &found, value_r);
        int order = moon_snapshot_key_compare(key, found);
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    *value_r = (struct moon_span){NULL, 0};
    return false;
}

bool moon_snapshot_each(const struct moon_snapshot *snapshot, size_t i, struct moon_span *key_r,
                        struct moon_span *value_r)
{
    if (i >= snapshot->count)
        return false;
    record_at(snapshot, i, key_r, value_r);
    return true;
}
