/* SPDX-License-Identifier: MIT
 *
 * quarantine_store: 1. the quarantine's folder.  2. Tenants' folders in it.  3. new and cur.
 * 4. Files, the header of each.
 */
#include "engine/cmd/quarantine_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/cmd/gather_parts.h"

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FILE_FLAGS   (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
#define HEAD_BYTES   (64u * 1024)
#define SHOWN_MAX    300u /* of a field, in a list */
#define MAIL_ARENA   (4u * MOON_QUARANTINE_HEAD_MAX)

struct walk {
    struct moon_arena *arena;
    const struct moon_quarantine_filter *filter;
    struct moon_quarantine_entry *entries;
    size_t count, unread;
    enum moon_status status;
    struct moon_error *error;
};

static bool has_empty_line(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\n' && (i == 0 || text[i - 1] == '\n' ||
                                (text[i - 1] == '\r' && i > 1 && text[i - 2] == '\n')))
            return true;
    return false;
}

/* The first bytes of the file: the whole header, and some of the body. On the heap. */
static char *read_head(int fd, size_t *n_r)
{
    size_t capacity = HEAD_BYTES, n = 0;
    char *head = malloc(capacity);

    for (;;) {
        ssize_t got = head ? pread(fd, head + n, capacity - n, (off_t)n) : -1;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(head);
            return NULL;
        }
        n += (size_t)got;
        if (got == 0 || has_empty_line(head, n))
            break;
        if (n < capacity)
            continue;
        if (capacity >= MOON_QUARANTINE_HEAD_MAX) {
            errno = EFBIG;
            free(head);
            return NULL;
        }
        capacity *= 4;
        char *larger = realloc(head, capacity);
        if (!larger)
            free(head);
        head = larger;
    }
    *n_r = n;
    return head;
}

/* Without what a mail program appends: ":2,S". */
static struct moon_span base_name(const char *file)
{
    struct moon_span name = moon_span_of(file);
    return moon_span_sub(name, 0, moon_span_find(name, ':'));
}

static const char *cut_copy(struct moon_arena *arena, const char *text)
{
    return moon_arena_dup(arena, moon_span_sub(moon_span_of(text), 0, SHOWN_MAX));
}

static void keep(struct walk *walk, const struct moon_quarantine_mail *mail, const char *tenant,
                 const char *folder, const char *file, const struct stat *st)
{
    struct moon_arena *arena = walk->arena;
    struct moon_span name = base_name(file);

    if (walk->filter->id && !moon_span_is(name, walk->filter->id) &&
        (!mail->id || strcmp(mail->id, walk->filter->id) != 0))
        return;
    if (walk->count == MOON_QUARANTINE_LIST_MAX) {
        walk->status = moon_fail(walk->error, MOON_EBUDGET, "more than %u messages: use --tenant",
                                 MOON_QUARANTINE_LIST_MAX);
        return;
    }
    walk->entries = moon_arena_append(arena, walk->entries, walk->count, sizeof *walk->entries);
    if (walk->entries)
        walk->entries[walk->count++] = (struct moon_quarantine_entry){
            .tenant = tenant,
            .folder = folder,
            .file = moon_arena_cstr(arena, file),
            .time_s = st->st_mtime,
            .size_bytes = st->st_size,
            .id = mail->id ? moon_arena_cstr(arena, mail->id) : moon_arena_dup(arena, name),
            .from = cut_copy(arena, mail->from),
            .subject = cut_copy(arena, mail->subject),
            .why = cut_copy(arena, mail->why),
            .sender = mail->sender ? moon_arena_cstr(arena, mail->sender) : NULL,
            .to = moon_arena_cstr(arena, mail->recipient_count ? mail->recipients[0] : ""),
            .recipient_count = mail->recipient_count,
            .refused = mail->refused,
        };
    if (moon_arena_failed(arena))
        walk->status = moon_fail(walk->error, MOON_ENOMEM,
                                 "no memory for so many messages: use "
                                 "--tenant");
}

static void unread(struct walk *walk, const char *tenant, const char *folder, const char *file)
{
    if (errno == ENOENT)
        return; /* somebody was quicker */
    walk->unread++;
    (void)fprintf(stderr, "moonscan quarantine: %s/%s/%s: %s\n", tenant, folder, file,
                  strerror(errno));
}

/* Step 4. */
static void visit_file(struct walk *walk, int folder_fd, const char *tenant, const char *folder,
                       const char *file)
{
    struct stat st;
    struct moon_quarantine_mail mail;
    size_t n;

    int fd = openat(folder_fd, file, FILE_FLAGS);
    if (fd < 0 || fstat(fd, &st) != 0) {
        unread(walk, tenant, folder, file);
    } else if (S_ISREG(st.st_mode) &&
               (walk->filter->before_s == 0 || st.st_mtime < walk->filter->before_s)) {
        char *head = read_head(fd, &n);
        struct moon_arena *arena = head ? moon_arena_create(MAIL_ARENA) : NULL;
        if (arena &&
            moon_quarantine_mail_read(arena, (struct moon_span){head, n}, &mail) == MOON_OK)
            keep(walk, &mail, tenant, folder, file, &st);
        else
            unread(walk, tenant, folder, file);
        moon_arena_destroy(&arena);
        free(head);
    }
    if (fd >= 0)
        (void)close(fd); /* was only read */
}

/* Opens a folder below `parent` for reading its names; NULL with errno. */
static DIR *open_folder(int parent, const char *name)
{
    int fd = openat(parent, name, FOLDER_FLAGS);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !dir)
        (void)close(fd); /* nothing was written */
    return dir;
}

/* Step 3. */
static void visit_tenant(struct walk *walk, int dir_fd, const char *name)
{
    static const char *const folders[] = {"new", "cur"};
    const char *tenant = moon_arena_cstr(walk->arena, name);
    int fd = openat(dir_fd, name, FOLDER_FLAGS);

    if (!tenant || fd < 0) {
        unread(walk, name, "", "");
        return;
    }
    for (size_t i = 0; i < 2 && walk->status == MOON_OK; i++) {
        DIR *dir = open_folder(fd, folders[i]);
        const struct dirent *item;
        if (!dir) {
            unread(walk, name, folders[i], "");
            continue;
        }
        while (walk->status == MOON_OK && (item = readdir(dir)))
            if (moon_quarantine_is_name(moon_span_of(item->d_name)))
                visit_file(walk, dirfd(dir), tenant, folders[i], item->d_name);
        (void)closedir(dir); /* was only read */
    }
    (void)close(fd); /* was only read */
}

bool moon_quarantine_is_folder(const char *name)
{
    return moon_gather_is_tenant_name(moon_span_of(name)) || strcmp(name, "default") == 0;
}

static int by_time(const void *a, const void *b)
{
    const struct moon_quarantine_entry *x = a, *y = b;
    if (x->time_s != y->time_s)
        return x->time_s < y->time_s ? -1 : 1;
    int order = strcmp(x->file, y->file);
    return order ? order : strcmp(x->tenant, y->tenant);
}

enum moon_status moon_quarantine_list(struct moon_arena *arena,
                                      const struct moon_quarantine_filter *filter,
                                      struct moon_quarantine_entry **entries_r, size_t *count_r,
                                      size_t *unread_r, struct moon_error *error)
{
    struct walk walk = {.arena = arena, .filter = filter, .error = error};
    const struct dirent *item;
    /* Steps 1 and 2. The quarantine itself may be a link: whoever names it has the right to. */
    int fd = open(filter->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    *count_r = 0;
    if (!dir) {
        walk.status = moon_fail(error, MOON_EIO, "%s: %s", filter->dir, strerror(errno));
        if (fd >= 0)
            (void)close(fd); /* was not even read */
        return walk.status;
    }
    while (walk.status == MOON_OK && (item = readdir(dir)))
        if (moon_quarantine_is_folder(item->d_name) &&
            (!filter->tenant || strcmp(filter->tenant, item->d_name) == 0))
            visit_tenant(&walk, dirfd(dir), item->d_name);
    (void)closedir(dir); /* was only read */
    if (walk.count)
        qsort(walk.entries, walk.count, sizeof *walk.entries, by_time);
    *entries_r = walk.entries;
    *count_r = walk.count;
    *unread_r = walk.unread;
    return walk.status;
}

enum moon_status moon_quarantine_file_open(const char *dir,
                                           const struct moon_quarantine_entry *entry,
                                           struct moon_quarantine_file *file_r,
                                           struct moon_error *error)
{
    struct stat opened, named;
    int base = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int tenant = base >= 0 ? openat(base, entry->tenant, FOLDER_FLAGS) : -1;

    *file_r = (struct moon_quarantine_file){.folder_fd = -1, .fd = -1};
    if (tenant >= 0)
        file_r->folder_fd = openat(tenant, entry->folder, FOLDER_FLAGS);
    if (file_r->folder_fd >= 0)
        file_r->fd = openat(file_r->folder_fd, entry->file, FILE_FLAGS);
    int failed = errno;
    if (base >= 0)
        (void)close(base); /* was only read */
    if (tenant >= 0)
        (void)close(tenant); /* was only read */
    if (file_r->fd < 0)
        return moon_fail(error, MOON_EIO, "%s", strerror(failed));
    /* Who has the lock may have removed it: is it still what the name stands for? */
    if (flock(file_r->fd, LOCK_EX | LOCK_NB) != 0)
        return moon_fail(error, MOON_EIO, "another command works on it");
    if (fstat(file_r->fd, &opened) != 0 ||
        fstatat(file_r->folder_fd, entry->file, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
        opened.st_ino != named.st_ino || opened.st_dev != named.st_dev || !S_ISREG(opened.st_mode))
        return moon_fail(error, MOON_EIO, "not there any more");
    file_r->size_bytes = opened.st_size;
    file_r->head = read_head(file_r->fd, &file_r->head_bytes);
    if (!file_r->head)
        return moon_fail(error, MOON_EIO, "cannot be read: %s", strerror(errno));
    return MOON_OK;
}

enum moon_status moon_quarantine_file_remove(const struct moon_quarantine_file *file,
                                             const struct moon_quarantine_entry *entry,
                                             struct moon_error *error)
{
    if (unlinkat(file->folder_fd, entry->file, 0) != 0)
        return moon_fail(error, MOON_EIO, "cannot be removed: %s", strerror(errno));
    return MOON_OK;
}

void moon_quarantine_file_close(struct moon_quarantine_file *file)
{
    free(file->head);
    file->head = NULL;
    if (file->fd >= 0)
        (void)close(file->fd); /* was only read; this ends the lock */
    if (file->folder_fd >= 0)
        (void)close(file->folder_fd); /* was only read */
    file->fd = file->folder_fd = -1;
}
