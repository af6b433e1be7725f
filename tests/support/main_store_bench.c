/* SPDX-License-Identifier: MIT
 *
 * store_bench FILE PROCESSES QUESTIONS EACH: how long counts on SQLite take when PROCESSES ask
 * QUESTIONS each without a pause, a new worker's store after EACH of them. Prints percentiles.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/budget.h"
#include "engine/base/limits.h"
#include "engine/store/sqlite.h"

#define QUESTIONS_MAX 20000
#define KEYS          5000

struct report {
    int64_t missed;
    int64_t took_us[QUESTIONS_MAX];
};

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void ask(const char *path, int count, int each, struct report *report)
{
    struct moon_store *store = NULL;

    for (int i = 0; i < count; i++) {
        char key[32];
        const char *why;
        int64_t sum;
        if (i % each == 0) {
            if (store) {
                report->missed += (int64_t)moon_store_missed(store);
                moon_store_destroy(&store);
            }
            if (moon_store_sqlite(path, MOON_STORE_MS, false, &store, NULL) != MOON_OK)
                exit(1);
        }
        (void)snprintf(key, sizeof key, "%d", rand() % KEYS);
        struct moon_store_question question = {.space = MOON_SPAN("t bench"),
                                               .key = moon_span_of(key),
                                               .now_s = 1790000000 + i / 100,
                                               .span_s = 86400,
                                               .add = 1};
        int64_t started_us = moon_clock_us();
        (void)moon_store_count(store, &question, &sum, &why); /* missed says how many failed */
        report->took_us[i] = moon_clock_us() - started_us;
    }
    report->missed += (int64_t)moon_store_missed(store);
    moon_store_destroy(&store);
}

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t done = write(fd, bytes, n);
        if (done <= 0)
            return false;
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

static bool read_all(int fd, char *bytes, size_t n)
{
    while (n) {
        ssize_t done = read(fd, bytes, n);
        if (done <= 0)
            return false;
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct report report;
    int processes = argc == 5 ? atoi(argv[2]) : 0, count = argc == 5 ? atoi(argv[3]) : 0;
    int each = argc == 5 ? atoi(argv[4]) : 0;
    size_t n = 0;
    int64_t missed = 0;

    if (processes < 1 || processes > 64 || count < 1 || count > QUESTIONS_MAX || each < 1) {
        (void)fprintf(stderr, "usage: store_bench FILE PROCESSES QUESTIONS EACH\n");
        return 2;
    }
    int64_t *all = calloc((size_t)(processes * count), sizeof *all);
    int pipes[64][2];
    for (int i = 0; i < processes; i++) {
        if (!all || pipe(pipes[i]) != 0)
            return 1;
        pid_t child = fork();
        if (child < 0)
            return 1;
        if (child == 0) {
            srand((unsigned)i + 1);
            ask(argv[1], count, each, &report);
            return write_all(pipes[i][1], (char *)&report, sizeof report) ? 0 : 1;
        }
    }
    for (int i = 0; i < processes; i++) {
        if (!read_all(pipes[i][0], (char *)&report, sizeof report))
            return 1;
        memcpy(all + n, report.took_us, (size_t)count * sizeof *all);
        n += (size_t)count;
        missed += report.missed;
    }
    while (wait(NULL) > 0)
        ;
    qsort(all, n, sizeof *all, by_time);
    (void)printf("%d processes, a store for %d questions: median %ld us, 90%% %ld, 99%% %ld, "
                 "99.9%% %ld, longest %ld; %ld of %zu had no answer\n",
                 processes, each, (long)all[n / 2], (long)all[n * 90 / 100],
                 (long)all[n * 99 / 100], (long)all[n * 999 / 1000], (long)all[n - 1], (long)missed,
                 n);
    free(all);
    return 0;
}
