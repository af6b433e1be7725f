/* SPDX-License-Identifier: MIT
 *
 * sqlite: counts and first times in one table of one file, shared by the workers of this host.
 *
 *  1. The file is opened when the worker starts, before its filter is loaded, and keeps that one
 *     descriptor: the filter allows locks on no other (engine/cmd/confine.c). SQLite is told so by
 *     our open() and close() in the place of its own.
 *  2. The first question opens the database on it and makes the table when it is new.
 *  3. A question that writes is one transaction: read the row, change it, write it, and remove what
 *     is forgotten among the next few rows, so that the file does not grow for ever.
 *  4. Whoever finds the file locked waits in small steps, at most timeout_ms in all.
 *
 * A rollback journal that stays (PERSIST) needs no file to be removed, which the filter forbids.
 * Nothing is synchronized to disk: a worker that is killed loses nothing, a host that loses power
 * may lose the counters, which are then said to be broken until somebody removes the file.
 */
#include "engine/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/budget.h"
#include "engine/base/limits.h"
#include "engine/store/steps.h"

#define FORMAT    1 /* PRAGMA user_version */
#define PRUNE     8 /* rows looked at with each change: twice as fast as rows can come would do */
#define FILE_MODE 0660 /* Exim's user and the service's: the folder says which group */
#define WAIT_US   300

enum statement { BEGIN, COMMIT, ROLLBACK, GET, PUT, NEXT, REMOVE, STATEMENTS };
static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [GET] = "SELECT expires, first, steps FROM slot WHERE id = ?1",
    [PUT] = ("INSERT INTO slot (id, expires, first, steps) VALUES (?1, ?2, ?3, ?4)"
             " ON CONFLICT (id) DO UPDATE SET expires = ?2, first = ?3, steps = ?4"),
    [NEXT] = "SELECT id, expires FROM slot WHERE id > ?1 ORDER BY id LIMIT ?2",
    [REMOVE] = "DELETE FROM slot WHERE id = ?1",
};

struct file {
    struct moon_store head;
    char path[1024]; /* settings are not longer */
    int fd, open_errno;
    bool read_only;
    int64_t timeout_ms, deadline_ms; /* of the question */
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    char cursor[MOON_STORE_ID_BYTES]; /* where pruning goes on */
};

/* One row. */
struct row {
    int64_t expires_s, first_s; /* first_s -1: none */
    struct moon_steps steps;
};

/* --- the one descriptor: SQLite's interface for system calls has no context ---------------------
 */

static const char *kept_path;
static int kept_fd = -1;

static int open_kept(const char *path, int flags, int mode)
{
    if (kept_fd >= 0 && strcmp(path, kept_path) == 0)
        return kept_fd;
    return open(path, flags, mode);
}

static int close_kept(int fd)
{
    return fd == kept_fd ? 0 : close(fd);
}

static void keep(struct file *file)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    kept_path = file->path;
    kept_fd = file->fd;
    if (!vfs || vfs->iVersion < 3)
        return; /* no SQLite of this century's third decade */
    (void)vfs->xSetSystemCall(vfs, "open", (sqlite3_syscall_ptr)open_kept);
    (void)vfs->xSetSystemCall(vfs, "close", (sqlite3_syscall_ptr)close_kept);
}

/* Root (a test of an administrator's) leaves the file to those who own the folder. */
static void give_away(const struct file *file, int fd)
{
    char folder[512];
    struct stat about;
    const char *slash = strrchr(file->path, '/');

    if (geteuid() != 0 || !slash || (size_t)(slash - file->path) >= sizeof folder)
        return;
    memcpy(folder, file->path, (size_t)(slash - file->path));
    folder[slash - file->path] = '\0';
    if (stat(folder, &about) == 0 && fchown(fd, about.st_uid, about.st_gid) != 0)
        return; /* the next worker says that it cannot open it */
}

static void open_file(struct file *file)
{
    int flags = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | (file->read_only ? O_RDONLY : O_RDWR);
    int fd = open(file->path, flags);

    if (fd < 0 && errno == ENOENT && !file->read_only) {
        fd = open(file->path, flags | O_CREAT, FILE_MODE);
        if (fd >= 0)
            give_away(file, fd);
    }
    file->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, MOON_STORE_FD);
    file->open_errno = errno;
    if (fd >= 0)
        (void)close(fd); /* the other one stays */
}

/* --- the database ------------------------------------------------------------------------------
 */

static void close_database(struct file *file)
{
    if (!file->db)
        return; /* nobody has asked */
    for (int i = 0; i < STATEMENTS; i++) {
        (void)sqlite3_finalize(file->statements[i]); /* repeats what its last step said */
        file->statements[i] = NULL;
    }
    (void)sqlite3_close(file->db); /* nothing is open any more */
    file->db = NULL;
}

/* What became of the question. Whoever holds the lock lets go of it; all other trouble stays. */
static enum moon_store_said failed(struct file *file, int code)
{
    bool busy = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;

    (void)moon_fail(&file->head.why, MOON_EIO, "store %s: %s%s", file->path,
                    busy ? "busy" : sqlite3_errstr(code),
                    (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB
                        ? "; remove the file, and counting begins anew"
                        : "");
    if (busy)
        return MOON_STORE_BUSY;
    close_database(file);
    return MOON_STORE_DOWN;
}

/* Step 4: small steps of uneven length, so that those who wait do not meet again and again. */
static int wait_a_little(void *context, int count)
{
    struct file *file = context;
    struct timespec nap = {.tv_nsec = 1000L * WAIT_US * (1 + (getpid() + count) % 4)};

    if (moon_clock_ms() >= file->deadline_ms)
        return 0;
    (void)nanosleep(&nap, NULL); /* woken early it tries again, the better */
    return 1;
}

static int run(struct file *file, const char *sql)
{
    return sqlite3_exec(file->db, sql, NULL, NULL, NULL);
}

/* A number that a PRAGMA or a query gives, or -1. */
static int64_t number(struct file *file, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;

    if (sqlite3_prepare_v2(file->db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement); /* repeats what its step said */
    return value;
}

/* A new file gets its table, of the first process that comes. */
static int make_table(struct file *file)
{
    int code = run(file, "BEGIN IMMEDIATE");
    if (code == SQLITE_OK && number(file, "PRAGMA user_version") == 0)
        code = run(file, "CREATE TABLE slot (id TEXT PRIMARY KEY, expires INTEGER NOT NULL,"
                         " first INTEGER, steps BLOB) WITHOUT ROWID;"
                         "PRAGMA user_version = 1");
    if (code == SQLITE_OK)
        code = run(file, "COMMIT");
    if (code != SQLITE_OK)
        (void)run(file, "ROLLBACK"); /* there may be none; the first trouble counts */
    return code;
}

/* Step 2. */
static int open_database(struct file *file)
{
    int flags = file->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (file->fd >= 0)
        keep(file); /* not before: it sets SQLite up, and most messages ask nothing */
    int code = sqlite3_open_v2(file->path, &file->db, flags | SQLITE_OPEN_NOMUTEX, "unix");

    if (code == SQLITE_OK)
        code = sqlite3_busy_handler(file->db, wait_a_little, file);
    if (code == SQLITE_OK)
        code = sqlite3_db_config(file->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (code == SQLITE_OK)
        code = run(file, "PRAGMA synchronous = OFF; PRAGMA journal_mode = PERSIST;"
                         "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
                         "PRAGMA cell_size_check = ON; PRAGMA cache_size = -512;"
                         "PRAGMA max_page_count = " MOON_STORE_PAGES_MAX);
    int64_t format = code == SQLITE_OK ? number(file, "PRAGMA user_version") : -1;
    if (code == SQLITE_OK && format == 0 && !file->read_only)
        code = make_table(file);
    else if (code == SQLITE_OK && format != FORMAT)
        code = format < 0 ? sqlite3_errcode(file->db) : SQLITE_NOTADB;
    for (int i = 0; code == SQLITE_OK && i < STATEMENTS; i++)
        code = sqlite3_prepare_v3(file->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &file->statements[i], NULL);
    return code;
}

/* The file may have been removed or replaced: what we would write there is lost. */
static bool is_still_there(const struct file *file)
{
    struct stat ours, there;
    return fstat(file->fd, &ours) == 0 && stat(file->path, &there) == 0 &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

static enum moon_store_said ready(struct file *file)
{
    file->deadline_ms = moon_clock_ms() + file->timeout_ms;
    if (file->fd < 0) {
        (void)moon_fail(&file->head.why, MOON_EIO, "store %s: %s", file->path,
                        strerror(file->open_errno));
        return MOON_STORE_DOWN;
    }
    if (!is_still_there(file)) {
        (void)moon_fail(&file->head.why, MOON_EIO, "store %s: the file was removed or replaced",
                        file->path);
        return MOON_STORE_DOWN;
    }
    int code = file->db ? SQLITE_OK : open_database(file);
    if (code == SQLITE_OK)
        return MOON_STORE_ANSWERED;
    enum moon_store_said said = failed(file, code);
    if (file->db) /* half open, and busy */
        close_database(file);
    return said;
}

/* --- rows ---------------------------------------------------------------------------------------
 */

/* A statement without result. */
static int step(struct file *file, enum statement which)
{
    sqlite3_stmt *statement = file->statements[which];
    int code = sqlite3_step(statement);
    (void)sqlite3_reset(statement); /* repeats what the step said */
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int bind_id(struct file *file, enum statement which, const char *id)
{
    return sqlite3_bind_text(file->statements[which], 1, id, -1, SQLITE_STATIC);
}

/* A row that is not there, or is forgotten, is empty. */
static int get(struct file *file, const struct moon_store_slot *slot, struct row *row_r)
{
    sqlite3_stmt *statement = file->statements[GET];
    int code = bind_id(file, GET, slot->id);

    *row_r = (struct row){.first_s = -1};
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW && sqlite3_column_int64(statement, 0) >= slot->now_s) {
        struct moon_span steps = {sqlite3_column_blob(statement, 2),
                                  (size_t)sqlite3_column_bytes(statement, 2)};
        if (sqlite3_column_type(statement, 1) == SQLITE_INTEGER)
            row_r->first_s = sqlite3_column_int64(statement, 1);
        if (steps.p && !moon_steps_unpack(steps, &row_r->steps))
            code = SQLITE_CORRUPT;
    }
    (void)sqlite3_reset(statement); /* repeats what the step said */
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static int put(struct file *file, const struct moon_store_slot *slot, const struct row *row)
{
    sqlite3_stmt *statement = file->statements[PUT];
    unsigned char steps[MOON_STEPS_BYTES];
    int code = bind_id(file, PUT, slot->id);

    moon_steps_pack(&row->steps, steps);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 2, row->expires_s);
    if (code == SQLITE_OK)
        code = row->first_s < 0 ? sqlite3_bind_null(statement, 3)
                                : sqlite3_bind_int64(statement, 3, row->first_s);
    if (code == SQLITE_OK)
        code = row->first_s < 0
                   ? sqlite3_bind_blob(statement, 4, steps, sizeof steps, SQLITE_STATIC)
                   : sqlite3_bind_null(statement, 4);
    if (code == SQLITE_OK)
        code = step(file, PUT);
    (void)sqlite3_clear_bindings(statement); /* `steps` ends here; cannot fail */
    return code;
}

/* Removes what is forgotten among the next rows; the rows behind the last one are the first. */
static int prune(struct file *file, int64_t now_s)
{
    sqlite3_stmt *statement = file->statements[NEXT];
    char gone[PRUNE][MOON_STORE_ID_BYTES];
    int rows = 0, count = 0;
    int code = bind_id(file, NEXT, file->cursor);

    if (code == SQLITE_OK)
        code = sqlite3_bind_int(statement, 2, PRUNE);
    while (code == SQLITE_OK && rows < PRUNE && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(statement, 0);
        (void)snprintf(file->cursor, sizeof file->cursor, "%s", id ? id : ""); /* ours fit */
        if (sqlite3_column_int64(statement, 1) < now_s)
            memcpy(gone[count++], file->cursor, sizeof file->cursor);
        rows++;
        code = SQLITE_OK;
    }
    (void)sqlite3_reset(statement); /* repeats what the step said */
    if (rows < PRUNE)
        file->cursor[0] = '\0';
    code = code == SQLITE_DONE ? SQLITE_OK : code;
    for (int i = 0; code == SQLITE_OK && i < count; i++) {
        code = bind_id(file, REMOVE, gone[i]);
        if (code == SQLITE_OK)
            code = step(file, REMOVE);
    }
    return code;
}

/* Step 3: what changes the row: a count, or the first time. */
static void change(const struct moon_store_slot *slot, struct row *row)
{
    row->expires_s = slot->now_s + slot->keep_s;
    if (slot->step_s)
        moon_steps_add(&row->steps, slot->step, (uint64_t)slot->add);
    else if (row->first_s < 0)
        row->first_s = slot->now_s;
}

static enum moon_store_said transact(struct file *file, const struct moon_store_slot *slot,
                                     struct row *row_r)
{
    bool write = slot->add && !slot->pretend;
    enum moon_store_said said = ready(file);

    if (said != MOON_STORE_ANSWERED)
        return said;
    int code = write ? step(file, BEGIN) : SQLITE_OK;
    if (code != SQLITE_OK)
        return failed(file, code);
    code = get(file, slot, row_r);
    if (code == SQLITE_OK && slot->add)
        change(slot, row_r);
    if (code == SQLITE_OK && write)
        code = put(file, slot, row_r);
    if (code == SQLITE_OK && write)
        code = prune(file, slot->now_s);
    if (code == SQLITE_OK && write)
        code = step(file, COMMIT);
    if (code == SQLITE_OK)
        return MOON_STORE_ANSWERED;
    said = failed(file, code);
    if (file->db && !sqlite3_get_autocommit(file->db) && step(file, ROLLBACK) != SQLITE_OK)
        close_database(file); /* which rolls back */
    return said;
}

/* --- the interface ------------------------------------------------------------------------------
 */

static enum moon_store_said count(struct moon_store *store, const struct moon_store_slot *slot,
                                  int64_t *sum_r)
{
    struct row row;
    enum moon_store_said said = transact((struct file *)store, slot, &row);
    if (said == MOON_STORE_ANSWERED)
        *sum_r = moon_steps_sum(&row.steps, slot->step);
    return said;
}

static enum moon_store_said first_seen(struct moon_store *store, const struct moon_store_slot *slot,
                                       int64_t *first_s_r)
{
    struct row row;
    enum moon_store_said said = transact((struct file *)store, slot, &row);
    if (said == MOON_STORE_ANSWERED)
        *first_s_r = row.first_s;
    return said;
}

static void destroy(struct moon_store *store)
{
    struct file *file = (struct file *)store;
    close_database(file);
    if (file->fd >= 0) {
        kept_fd = -1;
        (void)close(file->fd); /* refused in a confined worker, which ends now */
    }
    free(file);
}

enum moon_status moon_store_sqlite(const char *path, int64_t timeout_ms, bool read_only,
                                   struct moon_store **store_r, struct moon_error *error)
{
    static const struct moon_store_ops ops = {count, first_seen, destroy};
    static const char hex[] = "0123456789abcdef";
    struct file *file = calloc(1, sizeof *file);
    unsigned char start = 0;

    *store_r = NULL;
    if (!file)
        return moon_fail(error, MOON_ENOMEM, "no memory for the store");
    file->head.ops = &ops;
    (void)snprintf(file->path, sizeof file->path, "%s", path); /* cut: it does not open */
    file->timeout_ms = timeout_ms;
    file->read_only = read_only;
    open_file(file);
    if (getrandom(&start, 1, GRND_NONBLOCK) == 1) { /* else all begin at the first row */
        file->cursor[0] = hex[start >> 4];
        file->cursor[1] = hex[start & 15];
    }
    *store_r = &file->head;
    return MOON_OK;
}

int moon_store_sqlite_fd(const struct moon_store *store)
{
    return ((const struct file *)store)->fd;
}
