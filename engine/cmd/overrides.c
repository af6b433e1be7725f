/* SPDX-License-Identifier: MIT
 *
 * overrides: how often each entry of a list let mail in against DMARC, or kept it out: 1. the
 * settings and lists in force  2. the logs, line by line  3. a table, and the entries that were
 * never hit.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/conf.h"
#include "engine/base/json.h"
#include "engine/base/limits.h"
#include "engine/cmd/cmd.h"
#include "engine/cmd/entries.h"
#include "engine/cmd/hits.h"
#include "engine/cmd/setup.h"

#define LOGS_MAX      100u
#define LINE_MAX_READ (2 * MOON_RECORD_BYTES_MAX) /* no record is longer */
#define BYTES_MAX     (MOON_HITS_BYTES_MAX + (size_t)256 * 1024 * 1024)
#define PROGRESS      1000000u /* records */

static const char help[] =
    "Usage: moonscan overrides [OPTIONS]\n"
    "\n"
    "Counts, out of the decision log, how often DMARC was overridden, by which tenant's\n"
    "policy and which entry of a list, and names the entries that were never hit.\n"
    "\n"
    "  --log FILE       this log instead of those of the settings; may be given several\n"
    "                   times (rotated ones); - is standard input\n"
    "  --since DATE     only messages of this day (UTC) and later: 2026-11-01\n"
    "  --snapshot FILE  the lists of this snapshot (/var/lib/moonscan/current)\n"
    "  --json           print one JSON object\n"
    "  --help           this text\n"
    "\n"
    "Exit status: 0 counted, 2 wrong usage, 3 a log cannot be read, or something failed.\n";

struct options {
    const char *logs[LOGS_MAX];
    size_t log_count;
    const char *since, *snapshot;
    bool json;
};

struct state {
    const struct options *options;
    struct moon_arena *arena;
    struct moon_hits hits;
    struct moon_entry *entries;
    struct moon_entry **sorted; /* the same, by list and name */
    size_t entry_count;
};

/* --- 2. logs -----------------------------------------------------------------------------------
 */

static void show_progress(const struct moon_hits *hits)
{
    uint64_t lines = hits->records + hits->unreadable;
    if (lines && lines % PROGRESS == 0 && isatty(STDERR_FILENO))
        (void)fprintf(stderr, "%llu records ...\r", (unsigned long long)lines);
}

static enum moon_status read_log(struct state *s, const char *path, struct moon_error *error)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
    char *line = malloc(LINE_MAX_READ);
    enum moon_status status = MOON_OK;

    if (!file || !line) {
        status = moon_fail(error, file ? MOON_ENOMEM : MOON_EIO, "%s: %s", path,
                           file ? "no memory" : strerror(errno));
        goto done;
    }
    size_t n = 0;
    for (bool too_long = false;;) {
        int c = getc_unlocked(file);
        if (c != '\n' && c != EOF) {
            if (n == LINE_MAX_READ)
                too_long = true;
            else
                line[n++] = (char)c;
            continue;
        }
        /* One that is too long for a record is told as what it is. */
        moon_hits_line(&s->hits, too_long ? MOON_SPAN("?") : (struct moon_span){line, n});
        show_progress(&s->hits);
        n = 0;
        too_long = false;
        if (c == EOF)
            break;
    }
    if (ferror(file))
        status = moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno));
    else if (s->hits.no_memory)
        status = moon_fail(error, MOON_ENOMEM, "no memory");
done:
    free(line);
    if (file && file != stdin)
        (void)fclose(file); /* was only read */
    return status;
}

/* --- 3. what is printed ------------------------------------------------------------------------
 */

/* Nothing in a log may move the cursor of whoever reads. */
static const char *shown(struct moon_arena *arena, const char *text)
{
    char *copy = moon_arena_cstr(arena, text);
    for (unsigned char *c = (unsigned char *)copy; c && *c; c++)
        if (*c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0))
            *c = '?';
    return copy ? copy : "(no memory)";
}

static int by_entry(const void *a, const void *b)
{
    const struct moon_entry *x = *(const struct moon_entry *const *)a;
    const struct moon_entry *y = *(const struct moon_entry *const *)b;
    int order = strcmp(x->list, y->list);
    return order ? order : strcmp(x->name, y->name);
}

/* The entry in force that was hit; NULL: there is none any more. */
static const struct moon_entry *entry_of(const struct state *s, const struct moon_hit *hit)
{
    const struct moon_entry wanted = {.list = hit->list, .name = hit->entry}, *key = &wanted;
    if (!*hit->list || s->entry_count == 0)
        return NULL;
    struct moon_entry *const *found =
        bsearch(&key, s->sorted, s->entry_count, sizeof *s->sorted, by_entry);
    return found ? *found : NULL;
}

/* "Old server, lists/f.lua:3, expires 2030-12-31". */
static void print_entry(const struct state *s, const struct moon_entry *entry)
{
    printf("%s, %s", shown(s->arena, entry->name), shown(s->arena, entry->list));
    if (entry->line)
        printf(":%u", entry->line);
    printf("%s%s\n", *entry->expires ? ", expires " : "", shown(s->arena, entry->expires));
}

static void print_hit(const struct state *s, const struct moon_hit *hit)
{
    const struct moon_entry *entry = entry_of(s, hit);
    printf("%8llu  %-20s  %-16s  %-17s  ", (unsigned long long)hit->count,
           shown(s->arena, hit->last), *hit->tenant ? shown(s->arena, hit->tenant) : "-",
           shown(s->arena, hit->type));
    if (!*hit->list)
        printf("by the policy itself, %s\n", shown(s->arena, hit->entry));
    else if (!entry)
        printf("%s, no longer in %s\n", shown(s->arena, hit->entry), shown(s->arena, hit->list));
    else
        print_entry(s, entry);
}

static void print_table(const struct state *s)
{
    const struct moon_hits *hits = &s->hits;
    size_t never = 0;

    if (hits->row_count)
        printf("%8s  %-20s  %-16s  %-17s  %s\n", "HITS", "LAST", "TENANT", "TYPE", "ENTRY");
    for (size_t i = 0; i < hits->row_count; i++)
        print_hit(s, &hits->rows[i]);
    for (size_t i = 0; i < s->entry_count; i++) {
        const struct moon_entry *entry = &s->entries[i];
        if (entry->found)
            continue;
        if (never++ == 0)
            printf("%sNever hit in these records:\n", hits->row_count ? "\n" : "");
        printf("  ");
        print_entry(s, entry);
    }
    printf("%s%llu record%s", hits->row_count || never ? "\n" : "",
           (unsigned long long)hits->records, hits->records == 1 ? "" : "s");
    if (hits->unreadable)
        printf(", %llu line%s that %s no record", (unsigned long long)hits->unreadable,
               hits->unreadable == 1 ? "" : "s", hits->unreadable == 1 ? "is" : "are");
    if (hits->others)
        printf(", %llu hits of more entries than are counted apart",
               (unsigned long long)hits->others);
    (void)putchar('\n'); /* checked by the caller's fflush */
}

static void json_hit(struct moon_json *json, const struct state *s, const struct moon_hit *hit)
{
    const struct moon_entry *entry = entry_of(s, hit);
    moon_json_object(json, NULL);
    moon_json_int(json, "hits", (int64_t)hit->count);
    moon_json_string(json, "last", hit->last);
    moon_json_string(json, "tenant", hit->tenant);
    moon_json_string(json, "type", hit->type);
    if (*hit->list)
        moon_json_string(json, "list", hit->list);
    moon_json_string(json, *hit->list ? "entry" : "rule", hit->entry);
    if (*hit->list)
        moon_json_bool(json, "in_force", entry != NULL);
    if (entry && *entry->expires)
        moon_json_string(json, "expires", entry->expires);
    moon_json_close(json, '}');
}

static bool print_json(const struct state *s)
{
    struct moon_json json;
    moon_json_begin(&json, s->arena);
    moon_json_object(&json, NULL);
    moon_json_array(&json, "overrides");
    for (size_t i = 0; i < s->hits.row_count; i++)
        json_hit(&json, s, &s->hits.rows[i]);
    moon_json_close(&json, ']');
    moon_json_array(&json, "never");
    for (size_t i = 0; i < s->entry_count; i++) {
        if (s->entries[i].found)
            continue;
        moon_json_object(&json, NULL);
        moon_json_string(&json, "list", s->entries[i].list);
        moon_json_int(&json, "line", s->entries[i].line);
        moon_json_string(&json, "entry", s->entries[i].name);
        if (*s->entries[i].expires)
            moon_json_string(&json, "expires", s->entries[i].expires);
        moon_json_close(&json, '}');
    }
    moon_json_close(&json, ']');
    moon_json_int(&json, "records", (int64_t)s->hits.records);
    moon_json_int(&json, "unreadable", (int64_t)s->hits.unreadable);
    moon_json_int(&json, "others", (int64_t)s->hits.others);
    moon_json_close(&json, '}');
    const char *text = moon_json_end(&json);
    if (text)
        printf("%s\n", text);
    return text != NULL;
}

/* --- the whole ---------------------------------------------------------------------------------
 */

/* The settings' logs. */
struct logs {
    const char *exim;    /* of the workers that Exim starts */
    const char *service; /* of the service's */
};

/* Step 1. */
static enum moon_status read_in_force(struct state *s, struct logs *logs_r,
                                      struct moon_error *error)
{
    const char *path = NULL;
    struct moon_snapshot *snapshot = NULL;
    struct moon_conf conf;

    enum moon_status status = moon_setup_choose(s->options->snapshot, &path, error);
    if (status == MOON_OK)
        status = moon_snapshot_open(path, &snapshot, error);
    if (status == MOON_OK)
        status = snapshot ? moon_conf_load(s->arena, snapshot, &conf, error)
                          : moon_conf_default(s->arena, &conf);
    if (status == MOON_OK && snapshot)
        status = moon_entries_read(s->arena, snapshot, &s->entries, &s->entry_count, error);
    if (status == MOON_OK) {
        logs_r->exim = moon_arena_cstr(s->arena, conf.log_path);
        logs_r->service = moon_arena_cstr(s->arena, conf.log_service_path);
        if (!logs_r->exim || !logs_r->service)
            status = MOON_ENOMEM;
    }
    moon_snapshot_close(&snapshot);
    return status;
}

/* Step 2, when no log is named: both, or the one that is there. */
static enum moon_status read_logs(struct state *s, const struct logs *logs,
                                  struct moon_error *error)
{
    bool service = strcmp(logs->service, logs->exim) != 0 && access(logs->service, F_OK) == 0;
    enum moon_status status = MOON_OK;

    if (!service || access(logs->exim, F_OK) == 0)
        status = read_log(s, logs->exim, error);
    if (status == MOON_OK && service)
        status = read_log(s, logs->service, error);
    return status;
}

static enum moon_status run(struct state *s, struct moon_error *error)
{
    const struct options *options = s->options;
    struct logs logs = {NULL, NULL};

    enum moon_status status = read_in_force(s, &logs, error);
    if (status == MOON_OK)
        status = moon_hits_begin(s->arena, options->since, MOON_HITS_ROWS_MAX, &s->hits);
    if (status == MOON_OK && options->log_count == 0)
        status = read_logs(s, &logs, error);
    for (size_t i = 0; status == MOON_OK && i < options->log_count; i++)
        status = read_log(s, options->logs[i], error);
    if (status != MOON_OK)
        return status;
    moon_hits_sort(&s->hits);
    s->sorted = moon_arena_array(s->arena, s->entry_count, sizeof *s->sorted);
    if (!s->sorted)
        return MOON_ENOMEM;
    for (size_t i = 0; i < s->entry_count; i++) {
        s->sorted[i] = &s->entries[i];
        s->entries[i].found = moon_hits_find(&s->hits, s->entries[i].list, s->entries[i].name);
    }
    if (s->entry_count)
        qsort(s->sorted, s->entry_count, sizeof *s->sorted, by_entry);
    if (!options->json)
        print_table(s);
    else if (!print_json(s))
        return MOON_ENOMEM;
    if (fflush(stdout) != 0)
        return moon_fail(error, MOON_EIO, "standard output: %s", strerror(errno));
    return MOON_OK;
}

static int wrong(const char *what)
{
    (void)fprintf(stderr, "moonscan overrides: %s\nTry `moonscan overrides --help`.\n", what);
    return MOON_EXIT_USAGE;
}

/* "2026-11-01"; what stands behind a day, as in the log, is fine. */
static bool is_date(const char *text)
{
    struct moon_span date = moon_span_of(text);
    uint64_t number;
    return date.n >= 10 && date.n <= 20 && date.p[4] == '-' && date.p[7] == '-' &&
           moon_span_number(moon_span_sub(date, 0, 4), 9999, &number) &&
           moon_span_number(moon_span_sub(date, 5, 2), 12, &number) && number > 0 &&
           moon_span_number(moon_span_sub(date, 8, 2), 31, &number) && number > 0 &&
           (date.n == 10 || date.p[10] == 'T');
}

/* MOON_EXIT_OK: go on; -1: leave with 0; else leave with it. */
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option long_options[] = {
        {"log", required_argument, NULL, 'l'},      {"since", required_argument, NULL, 'n'},
        {"snapshot", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},           {0}};
    int option;

    optind = 0; /* GNU: start afresh */
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(help, stdout); /* a closed pipe is the reader's wish */
            return -1;
        }
        if (option == '?')
            return wrong("that option is not known, or has no value");
        if (option == 'l' && options->log_count == LOGS_MAX)
            return wrong("too many logs: join them, and name - for standard input");
        if (option == 'n' && !is_date(optarg))
            return wrong("--since wants a date like 2026-11-01");
        if (option == 'l')
            options->logs[options->log_count++] = optarg;
        else if (option == 'n')
            options->since = optarg;
        else if (option == 's')
            options->snapshot = optarg;
        else
            options->json = true;
    }
    return optind < argc ? wrong("which log? Name it by --log FILE") : MOON_EXIT_OK;
}

int moon_cmd_overrides(int argc, char **argv)
{
    struct options options = {.log_count = 0};
    struct state s = {.options = &options};
    struct moon_error error = {"no memory"};

    int leave = read_options(argc, argv, &options);
    if (leave != MOON_EXIT_OK)
        return leave < 0 ? MOON_EXIT_OK : leave;
    s.arena = moon_arena_create(BYTES_MAX);
    enum moon_status status = s.arena ? run(&s, &error) : MOON_ENOMEM;
    if (status != MOON_OK)
        (void)fprintf(stderr, "moonscan overrides: %s\n", error.text);
    moon_arena_destroy(&s.arena);
    if (status == MOON_ECONF)
        return MOON_EXIT_USAGE;
    return status == MOON_OK ? MOON_EXIT_OK : MOON_EXIT_FAILURE;
}
