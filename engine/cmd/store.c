/* SPDX-License-Identifier: MIT
 *
 * store: see the header.
 */
#include "engine/cmd/store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096u

/* "snapshots/<64 hex digits>.snapshot", with or without the folder: the hash. */
static bool hash_of(const char *name, char hash_r[65])
{
    const char *slash = strrchr(name, '/');
    struct moon_span file = moon_span_of(slash ? slash + 1 : name);
    if (file.n != 64 + 9 || !moon_span_is(moon_span_sub(file, 64, 9), ".snapshot"))
        return false;
    for (size_t i = 0; i < 64; i++)
        if (moon_hex_value(file.p[i]) < 0)
            return false;
    memcpy(hash_r, file.p, 64);
    hash_r[64] = '\0';
    return true;
}

bool moon_store_current(const char *state_dir, char hash_r[65])
{
    char path[PATH_BYTES], target[PATH_BYTES];
    if ((size_t)snprintf(path, sizeof path, "%s/current", state_dir) >= sizeof path)
        return false;
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n < 0)
        return false;
    target[n] = '\0';
    return hash_of(target, hash_r);
}

static enum moon_status make_folder(const char *path, struct moon_error *error)
{
    if (mkdir(path, 0755) == 0) /* workers are other users: not what the umask leaves */
        return chmod(path, 0755) == 0 ? MOON_OK
                                      : moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno));
    if (errno != EEXIST)
        return moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno));
    /* Whoever may write here decides about mail. */
    struct stat st;
    if (stat(path, &st) != 0)
        return moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno));
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return moon_fail(error, MOON_EIO, "%s belongs to another user: chown it to who publishes",
                         path);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return moon_fail(error, MOON_EIO, "%s may be written by others: chmod 0755 %s", path, path);
    return MOON_OK;
}

enum moon_status moon_store_save(const char *state_dir, struct moon_snapshot_writer *writer,
                                 char hash_r[65], struct moon_error *error)
{
    char folder[PATH_BYTES];
    if ((size_t)snprintf(folder, sizeof folder, "%s/snapshots", state_dir) >= sizeof folder)
        return moon_fail(error, MOON_EIO, "%.200s: the name is too long", state_dir);
    enum moon_status status = make_folder(state_dir, error);
    if (status == MOON_OK)
        status = make_folder(folder, error);
    return status == MOON_OK ? moon_snapshot_writer_save(writer, folder, hash_r, error) : status;
}

/* The snapshot's map as lines "domain: tenant", into an open file. False: it could not be written.
 */
static bool write_map(FILE *file, const struct moon_snapshot *snapshot)
{
    struct moon_span prefix = MOON_SPAN("domain/"), key, tenant;
    bool ok = fputs("# Written by moonscan publish, for Exim's quarantine router.\n", file) >= 0;

    for (size_t i = 0; ok && moon_snapshot_each(snapshot, i, &key, &tenant); i++)
        if (moon_span_eq(moon_span_sub(key, 0, prefix.n), prefix))
            ok = fprintf(file, "%.*s: %.*s\n", (int)(key.n - prefix.n), key.p + prefix.n,
                         (int)tenant.n, tenant.p) >= 0;
    return ok && fflush(file) == 0 && fchmod(fileno(file), 0644) == 0 && fsync(fileno(file)) == 0;
}

/* <state>/tenants: the map that is in force, for Exim's router. It must be the one that decides,
 * not the one somebody is editing: a router that knows other tenants would deliver what is to be
 * quarantined. */
static enum moon_status write_tenants(const char *state_dir, const char *hash,
                                      struct moon_error *error)
{
    char source[PATH_BYTES], temporary[PATH_BYTES], path[PATH_BYTES];
    struct moon_snapshot *snapshot = NULL;
    if ((size_t)snprintf(source, sizeof source, "%s/snapshots/%.64s.snapshot", state_dir, hash) >=
            sizeof source ||
        (size_t)snprintf(temporary, sizeof temporary, "%s/.tenants.%ld", state_dir,
                         (long)getpid()) >= sizeof temporary ||
        (size_t)snprintf(path, sizeof path, "%s/tenants", state_dir) >= sizeof path)
        return moon_fail(error, MOON_EIO, "%.200s: the name is too long", state_dir);
    enum moon_status status = moon_snapshot_open(source, &snapshot, error);
    if (status != MOON_OK || !snapshot)
        return status != MOON_OK ? status : moon_fail(error, MOON_EIO, "%s is gone", source);
    FILE *file = fopen(temporary, "we");
    bool ok = file && write_map(file, snapshot);
    ok = file && fclose(file) == 0 && ok;
    if (!ok || rename(temporary, path) != 0) {
        status = moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno));
        (void)unlink(temporary); /* nothing more can be done about a leftover */
    }
    moon_snapshot_close(&snapshot);
    return status;
}

enum moon_status moon_store_switch(const char *state_dir, const char *hash,
                                   struct moon_error *error)
{
    char target[100], temporary[PATH_BYTES], path[PATH_BYTES];
    (void)snprintf(target, sizeof target, "snapshots/%.64s.snapshot", hash);
    if ((size_t)snprintf(temporary, sizeof temporary, "%s/.current.%ld", state_dir,
                         (long)getpid()) >= sizeof temporary ||
        (size_t)snprintf(path, sizeof path, "%s/current", state_dir) >= sizeof path)
        return moon_fail(error, MOON_EIO, "%.200s: the name is too long", state_dir);
    enum moon_status status = write_tenants(state_dir, hash, error);
    if (status != MOON_OK)
        return status;
    (void)unlink(temporary); /* of a publisher that was killed and had our process id */
    if (symlink(target, temporary) != 0 || rename(temporary, path) != 0) {
        status = moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno));
        (void)unlink(temporary); /* nothing more can be done about a leftover */
    }
    return status;
}

struct kept {
    char hash[65];
    struct timespec time;
};

static int newest_first(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    if (x->time.tv_sec != y->time.tv_sec)
        return x->time.tv_sec < y->time.tv_sec ? 1 : -1;
    if (x->time.tv_nsec != y->time.tv_nsec)
        return x->time.tv_nsec < y->time.tv_nsec ? 1 : -1;
    return strcmp(x->hash, y->hash);
}

/* All snapshots, newest first, on the heap; NULL when there are none. */
static struct kept *list_all(const char *state_dir, size_t *count_r)
{
    char folder[PATH_BYTES], path[PATH_BYTES + 300];
    struct kept *all = NULL;
    struct dirent *entry;
    struct stat st;

    *count_r = 0;
    if ((size_t)snprintf(folder, sizeof folder, "%s/snapshots", state_dir) >= sizeof folder)
        return NULL;
    DIR *dir = opendir(folder);
    while (dir && (entry = readdir(dir))) {
        struct kept one;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (!hash_of(entry->d_name, one.hash) || stat(path, &st) != 0)
            continue;
        one.time = st.st_mtim;
        struct kept *larger = realloc(all, (*count_r + 1) * sizeof *all);
        if (!larger)
            break;
        all = larger;
        all[(*count_r)++] = one;
    }
    if (dir)
        (void)closedir(dir); /* was only read */
    if (*count_r)
        qsort(all, *count_r, sizeof *all, newest_first);
    return all;
}

/* Can it be opened, is it what its name says? */
static bool is_sound(const char *state_dir, const char *hash)
{
    char path[PATH_BYTES];
    struct moon_snapshot *snapshot = NULL;
    if ((size_t)snprintf(path, sizeof path, "%s/snapshots/%s.snapshot", state_dir, hash) >=
            sizeof path ||
        moon_snapshot_open(path, &snapshot, NULL) != MOON_OK || !snapshot)
        return false;
    bool sound = !strcmp(moon_snapshot_full_hash(snapshot), hash) && moon_snapshot_verify(snapshot);
    moon_snapshot_close(&snapshot);
    return sound;
}

enum moon_status moon_store_previous(const char *state_dir, const char *hash, char hash_r[65],
                                     struct moon_error *error)
{
    size_t count, skipped = 0;
    struct kept *all = list_all(state_dir, &count);
    bool behind = false, found = false;

    for (size_t i = 0; i < count && !found; i++) {
        if (behind && is_sound(state_dir, all[i].hash)) {
            memcpy(hash_r, all[i].hash, sizeof all[i].hash);
            found = true;
        } else if (behind) {
            skipped++;
        }
        behind = behind || !strcmp(all[i].hash, hash);
    }
    free(all);
    if (found)
        return MOON_OK;
    if (!skipped)
        return moon_fail(error, MOON_EIO, "there is no snapshot from before the one in force");
    return moon_fail(error, MOON_EIO, "no earlier snapshot can be used: %zu damaged", skipped);
}

void moon_store_prune(const char *state_dir)
{
    char path[PATH_BYTES], current[65] = "";
    size_t count;
    struct kept *all = list_all(state_dir, &count);
    (void)moon_store_current(state_dir, current); /* none: nothing is spared for it */
    for (size_t i = MOON_STORE_KEPT_MAX; i < count; i++)
        if (strcmp(all[i].hash, current) != 0 &&
            (size_t)snprintf(path, sizeof path, "%s/snapshots/%s.snapshot", state_dir,
                             all[i].hash) < sizeof path)
            (void)unlink(path); /* the next publication tries again */
    free(all);
}
