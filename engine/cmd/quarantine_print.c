/* SPDX-License-Identifier: MIT
 *
 * quarantine_print: messages of the quarantine for people: every byte that could move a terminal's
 * cursor or shift a column is shown as '?', a tab as a blank.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/json.h"
#include "engine/cmd/quarantine.h"

#define COLUMNS    6u
#define HEADER_MAX 200u /* fields of a message that `show` prints */

static const char *when(char text[32], int64_t time_s, const char *format)
{
    time_t at = (time_t)time_s;
    struct tm utc;

    if (!gmtime_r(&at, &utc) || strftime(text, 32, format, &utc) == 0)
        return "-";
    return text;
}

/* One line of printable ASCII. */
static char *plain(struct moon_arena *arena, struct moon_span text)
{
    char *copy = moon_arena_dup(arena, text);
    for (size_t i = 0; copy && i < text.n; i++)
        if ((unsigned char)copy[i] < 0x20 || (unsigned char)copy[i] >= 0x7f)
            copy[i] = copy[i] == '\t' ? ' ' : '?';
    return copy;
}

static const char *recipients(struct moon_arena *arena, const struct moon_quarantine_entry *entry)
{
    if (entry->recipient_count < 2)
        return entry->to;
    return moon_arena_printf(arena, "%s +%zu", entry->to, entry->recipient_count - 1);
}

/* Columns, but for the last, which is as long as it is. */
struct table {
    const char *(*rows)[COLUMNS + 1];
    size_t count;
};

static bool fill(struct moon_arena *arena, const struct moon_quarantine_entry *entries,
                 size_t count, struct table *table_r)
{
    static const char *const titles[] = {"ID", "CAME (UTC)", "TENANT", "FROM",
                                         "TO", "SUBJECT",    "WHY"};
    char text[32];

    *table_r = (struct table){moon_arena_array(arena, count + 1, sizeof *table_r->rows), count + 1};
    if (!table_r->rows)
        return false;
    memcpy(table_r->rows[0], titles, sizeof titles);
    for (size_t i = 0; i < count; i++) {
        const struct moon_quarantine_entry *entry = &entries[i];
        const char *to = recipients(arena, entry);
        const char *cells[] = {entry->id,
                               when(text, entry->time_s, "%Y-%m-%d %H:%M"),
                               entry->tenant,
                               entry->from,
                               to,
                               entry->subject,
                               entry->why};
        for (size_t k = 0; k <= COLUMNS; k++) {
            struct moon_span cell = moon_span_of(cells[k]);
            table_r->rows[i + 1][k] = cell.n ? plain(arena, cell) : "-";
        }
    }
    return !moon_arena_failed(arena);
}

static void print_table(const struct table *table)
{
    static const size_t widest[COLUMNS] = {48, 16, 20, 36, 36, 40};
    size_t width[COLUMNS] = {0};

    for (size_t i = 0; i < table->count; i++)
        for (size_t k = 0; k < COLUMNS; k++) {
            size_t n = strlen(table->rows[i][k]);
            n = n < widest[k] ? n : widest[k];
            width[k] = n > width[k] ? n : width[k];
        }
    for (size_t i = 0; i < table->count; i++) {
        for (size_t k = 0; k < COLUMNS; k++)
            printf("%-*.*s  ", (int)width[k], (int)width[k], table->rows[i][k]);
        printf("%s\n", table->rows[i][COLUMNS]);
    }
}

static void json_entry(struct moon_json *json, const struct moon_quarantine_entry *entry)
{
    char text[32];

    moon_json_object(json, NULL);
    moon_json_string(json, "id", entry->id);
    moon_json_string(json, "tenant", entry->tenant);
    moon_json_string(json, "folder", entry->folder);
    moon_json_string(json, "file", entry->file);
    moon_json_string(json, "came", when(text, entry->time_s, "%Y-%m-%dT%H:%M:%SZ"));
    moon_json_int(json, "bytes", entry->size_bytes);
    moon_json_string(json, "sender", entry->sender);
    moon_json_string(json, "to", entry->to);
    moon_json_int(json, "recipients", (int64_t)entry->recipient_count);
    moon_json_string(json, "from", entry->from);
    moon_json_string(json, "subject", entry->subject);
    moon_json_string(json, "why", entry->why);
    if (entry->refused)
        moon_json_string(json, "not_releasable", entry->refused);
    moon_json_close(json, '}');
}

enum moon_status moon_quarantine_print(struct moon_arena *arena,
                                       const struct moon_quarantine_entry *entries, size_t count,
                                       bool json)
{
    struct table table;

    if (!json) {
        if (!fill(arena, entries, count, &table))
            return MOON_ENOMEM;
        print_table(&table);
        return MOON_OK;
    }
    for (size_t i = 0; i < count; i++) {
        struct moon_json writer;
        moon_json_begin(&writer, arena);
        json_entry(&writer, &entries[i]);
        const char *line = moon_json_end(&writer);
        if (!line)
            return MOON_ENOMEM;
        puts(line);
    }
    return MOON_OK;
}

/* --- one message ---------------------------------------------------------------------------- */

/* The message's line of the decision log, the last when there are several; NULL: none. On the heap.
 */
static char *find_record(const char *path, const char *id)
{
    FILE *log = fopen(path, "re");
    char *line = NULL, *found = NULL, key[160];
    size_t capacity = 0;

    (void)snprintf(key, sizeof key, "\"id\":\"%s\"", id); /* an id is shorter */
    while (log && getline(&line, &capacity, log) > 0) {
        if (!strstr(line, key) || strstr(line, "\"event\":\""))
            continue;
        free(found);
        found = strdup(line);
    }
    free(line);
    if (log)
        (void)fclose(log); /* was only read */
    return found;
}

static void print_header(struct moon_arena *arena, struct moon_span header)
{
    struct moon_buf in = moon_buf_of(header);

    for (unsigned i = 0; i < HEADER_MAX && !moon_buf_at_end(&in); i++) {
        struct moon_span line = moon_buf_until(&in, '\n');
        (void)moon_buf_skip(&in, '\n'); /* none at the end */
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        const char *text = plain(arena, moon_span_sub(line, 0, 1000));
        printf("  %s\n", text ? text : "(no memory)");
    }
    if (!moon_buf_at_end(&in))
        printf("  (and more)\n");
}

static void row(struct moon_arena *arena, const char *name, const char *value)
{
    const char *text = value && *value ? plain(arena, moon_span_of(value)) : "-";
    printf("%-10s %s\n", name, text ? text : "(no memory)");
}

enum moon_status moon_quarantine_show(struct moon_arena *arena,
                                      const struct moon_quarantine_options *options,
                                      const struct moon_quarantine_entry *entry,
                                      struct moon_error *error)
{
    struct moon_quarantine_file file;
    struct moon_quarantine_mail mail;
    char text[32];

    enum moon_status status = moon_quarantine_file_open(options->filter.dir, entry, &file, error);
    if (status == MOON_OK)
        status =
            moon_quarantine_mail_read(arena, (struct moon_span){file.head, file.head_bytes}, &mail);
    if (status == MOON_OK) {
        row(arena, "Id", entry->id);
        row(arena, "Tenant", entry->tenant);
        row(arena, "File", moon_arena_printf(arena, "%s/%s", entry->folder, entry->file));
        row(arena, "Came", when(text, entry->time_s, "%Y-%m-%d %H:%M:%S UTC"));
        row(arena, "Bytes", moon_arena_printf(arena, "%lld", (long long)entry->size_bytes));
        row(arena, "Sender", mail.sender && !*mail.sender ? "<>" : mail.sender);
        for (size_t i = 0; i < mail.recipient_count; i++)
            row(arena, i ? "" : "To", mail.recipients[i]);
        row(arena, "Why", mail.why);
        if (mail.refused)
            row(arena, "Release", moon_arena_printf(arena, "impossible: %s", mail.refused));
        char *line = find_record(options->log_path, entry->id);
        if (!line && options->service_log_path)
            line = find_record(options->service_log_path, entry->id);
        row(arena, "Decision",
            line ? moon_arena_dup(arena, moon_span_trim(moon_span_of(line)))
                 : "not found in the decision log");
        free(line);
        printf("Header\n");
        print_header(arena, mail.header);
    }
    moon_quarantine_file_close(&file);
    return status;
}
