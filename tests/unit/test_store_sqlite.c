/* SPDX-License-Identifier: MIT
 *
 * sqlite: the store's contract on a real file, several processes on it, and every way in which the
 * file can fail: mail goes on, and each count that was not taken is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/budget.h"
#include "engine/base/limits.h"
#include "engine/store/backend.h"
#include "engine/store/sqlite.h"
#include "tests/support/store_case.h"

#define NOW       STORE_CASE_NOW
#define DAY       86400
#define PROCESSES 8
#define EACH      150

static char folder[] = "/tmp/moon-store-XXXXXX";
static char path[64], journal[64];

static int make_folder(void **state)
{
    (void)state;      /* cmocka's, not used */
    (void)umask(007); /* as the worker's */
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/counters.sqlite", folder);
    (void)snprintf(journal, sizeof journal, "%s/counters.sqlite-journal", folder);
    return 0;
}

static int remove_file(void **state)
{
    (void)state; /* cmocka's, not used */
    (void)unlink(path);
    (void)unlink(journal);
    return 0;
}

static int remove_folder(void **state)
{
    (void)remove_file(state);
    return rmdir(folder);
}

static struct moon_store *store_of(int64_t timeout_ms)
{
    struct moon_store *store = NULL;
    assert_int_equal(moon_store_sqlite(path, timeout_ms, false, &store, NULL), MOON_OK);
    return store;
}

static int64_t one(struct moon_store *store, const char *key)
{
    return store_case_count(store, "t acme", key, NOW, DAY, 1);
}

/* A count that must have no answer, and the reason for it. */
static void expect_nothing(struct moon_store *store, const char *want)
{
    struct moon_store_question q = store_case_question("t acme", "k", DAY, 1);
    uint64_t missed = moon_store_missed(store);
    int64_t got = 0;
    const char *why = "";
    if (moon_store_count(store, &q, &got, &why))
        fail_msg("got %lld, want no answer", (long long)got);
    if (!strstr(why, want))
        fail_msg("got '%s', want '%s'", why, want);
    assert_int_equal(moon_store_missed(store), missed + 1);
}

static void counts_and_first_times(void **state)
{
    struct stat about;
    (void)state; /* cmocka's, not used */
    struct moon_store *store = store_of(50);
    store_case_all(store, true);
    assert_int_equal(moon_store_missed(store), 0);
    assert_int_equal(one(store, "last"), 1);
    moon_store_destroy(&store);
    store = store_of(50); /* another worker */
    assert_int_equal(one(store, "last"), 2);
    moon_store_destroy(&store);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0660); /* for the group, which the folder names */
    assert_int_equal(stat(journal, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0660);
}

/* The first question of each process too: they all find the file empty. */
static void processes_agree_to_the_message(void **state)
{
    uint64_t taken = 0, missed = 0;
    int pipes[2];
    (void)state; /* cmocka's, not used */
    assert_int_equal(pipe(pipes), 0);
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child)
            continue;
        struct moon_store *store = store_of(50);
        uint64_t said[2] = {0, 0};
        for (int k = 0; k < EACH; k++)
            said[0] += one(store, k % 3 ? "common" : "other") >= 0;
        said[1] = moon_store_missed(store);
        moon_store_destroy(&store);
        _exit(write(pipes[1], said, sizeof said) == sizeof said ? 0 : 1);
    }
    for (int i = 0; i < PROCESSES; i++) {
        uint64_t said[2];
        int status = -1;
        assert_true(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_int_equal(read(pipes[0], said, sizeof said), sizeof said);
        taken += said[0];
        missed += said[1];
    }
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    assert_int_equal(taken + missed, PROCESSES * EACH);
    struct moon_store *store = store_of(50);
    assert_int_equal(store_case_count(store, "t acme", "common", NOW, DAY, 0) +
                         store_case_count(store, "t acme", "other", NOW, DAY, 0),
                     taken);
    assert_true(taken > 0);
    moon_store_destroy(&store);
}

/* A process that holds the write lock: as if it were stopped in the middle of a count. */
static pid_t hold_lock(void)
{
    int pipes[2];
    char byte;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* RESERVED, PENDING and the SHARED bytes: all that SQLite locks */
        struct flock lock = {
            .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000000, .l_len = 512};
        int fd = open(path, O_RDWR);
        if (fd < 0 || fcntl(fd, F_SETLK, &lock) != 0 || write(pipes[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    assert_int_equal(kill(child, SIGSTOP), 0);
    return child;
}

static void a_lock_that_stays_costs_the_timeout_and_is_counted(void **state)
{
    (void)state; /* cmocka's, not used */
    struct moon_store *store = store_of(30);
    assert_int_equal(one(store, "k"), 1);
    pid_t holder = hold_lock();
    int64_t started_ms = moon_clock_ms();
    expect_nothing(store, "counters.sqlite: busy");
    assert_true(moon_clock_ms() - started_ms >= 30);
    expect_nothing(store, "busy");
    assert_null(moon_store_trouble(store)); /* busy is no outage */
    struct moon_store *second;
    moon_store_destroy(&store);
    second = store_of(20); /* one that has not even opened it */
    expect_nothing(second, "busy");
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    assert_int_equal(one(second, "k"), 2);
    /* And the store itself learnt of the one that this process missed. */
    assert_int_equal(store_case_count(second, MOON_STORE_OWN_SPACE, MOON_STORE_MISSED_KEY, NOW,
                                      MOON_STORE_MISSED_WINDOW_S, 0),
                     1);
    moon_store_destroy(&second);
}

static void write_file(const char *name, const char *bytes, size_t n, long at)
{
    FILE *file = fopen(name, at ? "r+" : "w");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void a_file_that_is_no_database_is_said_once(void **state)
{
    (void)state; /* cmocka's, not used */
    write_file(path, "this is a text of somebody's, and it is long enough to be read as one", 60,
               0);
    struct moon_store *store = store_of(50);
    expect_nothing(store, "remove the file, and counting begins anew");
    const char *trouble = moon_store_trouble(store);
    assert_non_null(trouble);
    assert_non_null(strstr(trouble, "not a database"));
    expect_nothing(store, "not a database"); /* without asking again */
    assert_null(moon_store_trouble(store));
    moon_store_destroy(&store);
}

static void a_database_of_another_program_is_left_alone(void **state)
{
    (void)state; /* cmocka's, not used */
    struct moon_store *store = store_of(50);
    assert_int_equal(one(store, "k"), 1);
    moon_store_destroy(&store);
    write_file(path, "\0\0\0\7", 4, 60); /* user_version, and the table is there */
    store = store_of(50);
    expect_nothing(store, "not a database");
    moon_store_destroy(&store);
}

static void a_broken_page_ends_in_no_answer(void **state)
{
    char noise[4096];
    (void)state; /* cmocka's, not used */
    struct moon_store *store = store_of(50);
    for (int i = 0; i < 100; i++) {
        char key[20];
        (void)snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(one(store, key), 1);
    }
    moon_store_destroy(&store);
    memset(noise, 0xee, sizeof noise);
    for (long page = 1; page < 4; page++)
        write_file(path, noise, sizeof noise, 4096 * page);
    store = store_of(50);
    expect_nothing(store, "malformed");
    moon_store_destroy(&store);
}

static void a_folder_that_cannot_be_written_is_said(void **state)
{
    char elsewhere[] = "/nonexistent/counters.sqlite";
    struct moon_store *store = NULL;
    (void)state; /* cmocka's, not used */
    assert_int_equal(moon_store_sqlite(elsewhere, 50, false, &store, NULL), MOON_OK);
    assert_int_equal(moon_store_sqlite_fd(store), -1);
    expect_nothing(store, "store /nonexistent/counters.sqlite: No such file or directory");
    assert_non_null(moon_store_trouble(store));
    moon_store_destroy(&store);
}

static void a_file_that_goes_away_is_noticed(void **state)
{
    (void)state; /* cmocka's, not used */
    struct moon_store *store = store_of(50);
    assert_int_equal(one(store, "k"), 1);
    assert_int_equal(unlink(path), 0);
    expect_nothing(store, "was removed or replaced");
    write_file(path, "", 0, 0); /* another one in its place */
    store->down_until_ms = 0;
    expect_nothing(store, "was removed or replaced");
    moon_store_destroy(&store);
}

static void a_full_disk_loses_nothing_of_before(void **state)
{
    struct rlimit old, small;
    uint64_t taken = 0;
    (void)state; /* cmocka's, not used */
    struct moon_store *store = store_of(50);
    assert_int_equal(one(store, "k"), 1);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){65536, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 600; i++) {
        char key[20];
        (void)snprintf(key, sizeof key, "k%d", i);
        taken += one(store, key) == 1;
        store->down_until_ms = 0; /* no pause: each is tried */
    }
    assert_true(taken > 50 && taken < 600);
    assert_int_equal(taken + moon_store_missed(store), 600);
    assert_non_null(moon_store_trouble(store));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    store->down_until_ms = 0;
    assert_int_equal(one(store, "k"), 2);
    moon_store_destroy(&store);
}

static void what_is_forgotten_leaves_the_file(void **state)
{
    struct stat before, after;
    (void)state; /* cmocka's, not used */
    struct moon_store *store = store_of(50);
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 400; i++) {
            char key[32];
            (void)snprintf(key, sizeof key, "%d %d", round, i);
            assert_int_equal(store_case_count(store, "t acme", key, NOW + 3 * DAY * round, DAY, 1),
                             1);
        }
        if (round == 1)
            assert_int_equal(stat(path, &before), 0);
    }
    assert_int_equal(stat(path, &after), 0);
    if (after.st_size > before.st_size)
        fail_msg("the file grew from %ld to %ld", (long)before.st_size, (long)after.st_size);
    moon_store_destroy(&store);
}

static void looking_only_makes_no_file(void **state)
{
    struct moon_store *store = NULL;
    struct moon_store_question q = store_case_question("t acme", "k", DAY, 1);
    int64_t got = 0;
    const char *why = "";
    (void)state; /* cmocka's, not used */
    q.pretend = true;
    assert_int_equal(moon_store_sqlite(path, 50, true, &store, NULL), MOON_OK);
    assert_false(moon_store_count(store, &q, &got, &why));
    moon_store_destroy(&store);
    assert_int_equal(access(path, F_OK), -1);
    store = store_of(50);
    assert_int_equal(one(store, "k"), 1);
    moon_store_destroy(&store);
    assert_int_equal(moon_store_sqlite(path, 50, true, &store, NULL), MOON_OK);
    assert_true(moon_store_count(store, &q, &got, &why));
    assert_int_equal(got, 2);
    assert_true(moon_store_count(store, &q, &got, &why));
    assert_int_equal(got, 2);
    moon_store_destroy(&store);
}

#define CASE(name) cmocka_unit_test_teardown(name, remove_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(counts_and_first_times),
        CASE(processes_agree_to_the_message),
        CASE(a_lock_that_stays_costs_the_timeout_and_is_counted),
        CASE(a_file_that_is_no_database_is_said_once),
        CASE(a_database_of_another_program_is_left_alone),
        CASE(a_broken_page_ends_in_no_answer),
        CASE(a_folder_that_cannot_be_written_is_said),
        CASE(a_file_that_goes_away_is_noticed),
        CASE(a_full_disk_loses_nothing_of_before),
        CASE(what_is_forgotten_leaves_the_file),
        CASE(looking_only_makes_no_file),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
