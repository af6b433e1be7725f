/* SPDX-License-Identifier: MIT
 *
 * snapshot_writer: builds a snapshot (format in snapshot.h). Procedure of saving: (1) sort the
 * records, (2) lay the file out in memory, (3) hash what follows the head, (4) temporary file,
 * fsync, rename, fsync of the folder.
 */
#include "engine/base/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/base/snapshot_format.h"

struct record {
    struct moon_span key, value; /* one allocation, at key.p */
};

struct moon_snapshot_writer {
    struct record *records;
    size_t count, capacity;
    size_t bytes; /* of all keys and values */
};

struct moon_snapshot_writer *moon_snapshot_writer_create(void)
{
    return calloc(1, sizeof(struct moon_snapshot_writer));
}

void moon_snapshot_writer_destroy(struct moon_snapshot_writer **writer)
{
    if (!*writer)
        return;
    for (size_t i = 0; i < (*writer)->count; i++)
        free((void *)(uintptr_t)(*writer)->records[i].key.p);
    free((*writer)->records);
    free(*writer);
    *writer = NULL;
}

static bool reserve(struct moon_snapshot_writer *writer)
{
    if (writer->count < writer->capacity)
        return true;
    size_t capacity = writer->capacity ? 2 * writer->capacity : 64;
    struct record *larger = realloc(writer->records, capacity * sizeof *larger);
    if (!larger)
        return false;
    writer->records = larger;
    writer->capacity = capacity;
    return true;
}

enum moon_status moon_snapshot_writer_add(struct moon_snapshot_writer *writer, struct moon_span key,
                                          struct moon_span value, struct moon_error *error)
{
    if (key.n == 0 || key.n > MOON_SNAPSHOT_KEY_MAX)
        return moon_fail(error, MOON_ECONF, "a name of %zu bytes cannot be published", key.n);
    if (writer->count >= MOON_SNAPSHOT_RECORDS_MAX ||
        value.n > MOON_SNAPSHOT_BYTES_MAX - writer->bytes)
        return moon_fail(error, MOON_EBUDGET, "more than %u records or %u bytes to publish",
                         MOON_SNAPSHOT_RECORDS_MAX, MOON_SNAPSHOT_BYTES_MAX);
    char *copy = malloc(key.n + value.n);
    if (!copy || !reserve(writer)) {
        free(copy);
        return moon_fail(error, MOON_ENOMEM, "no memory for the snapshot");
    }
    memcpy(copy, key.p, key.n);
    if (value.n)
        memcpy(copy + key.n, value.p, value.n);
    writer->records[writer->count++] =
        (struct record){.key = {copy, key.n}, .value = {copy + key.n, value.n}};
    writer->bytes += key.n + value.n;
    return MOON_OK;
}

static int by_key(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    return moon_snapshot_key_compare(x->key, y->key);
}

static void put_u32(unsigned char *at, size_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* Step 2. `out` has room for everything. */
static void lay_out(const struct moon_snapshot_writer *writer, unsigned char *out)
{
    unsigned char *entry = out + MOON_SNAPSHOT_HEAD_BYTES;
    size_t at = MOON_SNAPSHOT_HEAD_BYTES + writer->count * MOON_SNAPSHOT_ENTRY_BYTES;

    memcpy(out, MOON_SNAPSHOT_MAGIC, MOON_SNAPSHOT_MAGIC_BYTES);
    put_u32(out + MOON_SNAPSHOT_HEAD_BYTES - 4, writer->count);
    for (size_t i = 0; i < writer->count; i++) {
        struct moon_span key = writer->records[i].key;
        put_u32(entry + i * MOON_SNAPSHOT_ENTRY_BYTES, at);
        put_u32(entry + i * MOON_SNAPSHOT_ENTRY_BYTES + 4, key.n);
        memcpy(out + at, key.p, key.n);
        at += key.n;
    }
    for (size_t i = 0; i < writer->count; i++) {
        struct moon_span value = writer->records[i].value;
        put_u32(entry + i * MOON_SNAPSHOT_ENTRY_BYTES + 8, at);
        put_u32(entry + i * MOON_SNAPSHOT_ENTRY_BYTES + 12, value.n);
        if (value.n)
            memcpy(out + at, value.p, value.n);
        at += value.n;
    }
}

static bool write_all(int fd, struct moon_span bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = moon_span_sub(bytes, (size_t)n, bytes.n);
    }
    return true;
}

static void sync_folder(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd); /* some file systems refuse it; the file itself is safe */
        (void)close(fd);
    }
}

/* Step 4. */
static enum moon_status store(struct moon_span bytes, const char *directory, const char *hash,
                              struct moon_error *error)
{
    char path[4096], temporary[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s.snapshot", directory, hash) >= sizeof path ||
        (size_t)snprintf(temporary, sizeof temporary, "%s/.new.XXXXXX", directory) >=
            sizeof temporary)
        return moon_fail(error, MOON_EIO, "%.200s: the name is too long", directory);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return moon_fail(error, MOON_EIO, "%s: %s", directory, strerror(errno));
    bool ok = write_all(fd, bytes) && fchmod(fd, 0644) == 0 && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    if (!ok || rename(temporary, path) != 0) {
        enum moon_status status = moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno));
        (void)unlink(temporary); /* nothing more can be done about a leftover */
        return status;
    }
    sync_folder(directory);
    return MOON_OK;
}

enum moon_status moon_snapshot_writer_bytes(struct moon_snapshot_writer *writer, char hash_r[65],
                                            struct moon_span *bytes_r, struct moon_error *error)
{
    size_t hashed_from = MOON_SNAPSHOT_MAGIC_BYTES + MOON_HASH_TEXT_BYTES - 1;
    size_t size =
        MOON_SNAPSHOT_HEAD_BYTES + writer->count * MOON_SNAPSHOT_ENTRY_BYTES + writer->bytes;

    hash_r[0] = '\0';
    *bytes_r = (struct moon_span){NULL, 0};
    if (size > MOON_SNAPSHOT_BYTES_MAX)
        return moon_fail(error, MOON_EBUDGET, "the snapshot would have %zu bytes", size);
    if (writer->count)
        qsort(writer->records, writer->count, sizeof *writer->records, by_key);
    for (size_t i = 1; i < writer->count; i++)
        if (moon_span_eq(writer->records[i - 1].key, writer->records[i].key))
            return moon_fail(error, MOON_ECONF, "'%.*s' stands there twice",
                             (int)writer->records[i].key.n, writer->records[i].key.p);
    unsigned char *out = malloc(size);
    if (!out)
        return moon_fail(error, MOON_ENOMEM, "no memory for the snapshot");
    lay_out(writer, out);
    struct moon_span bytes = {(const char *)out, size};
    if (!moon_hash_hex(moon_span_sub(bytes, hashed_from, size), hash_r)) {
        free(out);
        return moon_fail(error, MOON_EIO, "the hash of the snapshot cannot be computed");
    }
    memcpy(out + MOON_SNAPSHOT_MAGIC_BYTES, hash_r, MOON_HASH_TEXT_BYTES - 1);
    *bytes_r = bytes;
    return MOON_OK;
}

enum moon_status moon_snapshot_writer_save(struct moon_snapshot_writer *writer,
                                           const char *directory, char hash_r[65],
                                           struct moon_error *error)
{
    struct moon_span bytes;
    enum moon_status status = moon_snapshot_writer_bytes(writer, hash_r, &bytes, error);
    if (status == MOON_OK)
        status = store(bytes, directory, hash_r, error);
    free((void *)(uintptr_t)bytes.p);
    return status;
}
