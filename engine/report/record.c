/* SPDX-License-Identifier: MIT
 *
 * record: 1. compose the line, smaller when it would be too long.  2. Open.  3. Append with one
 * write.  4. If that has landed behind a torn line, again: the first has ended that line.
 *
 * Whether the last line is torn cannot be seen beforehand: one that another worker is just writing
 * looks the same. Writes are made one after the other, so what stands before ours is whole.
 */
#include "engine/report/record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/report/results.h"

#define RECORD_FORMAT 1 /* member "v" */

/* DNS evidence is kept where a result needs explaining. */
static bool needs_evidence(const struct moon_results *r)
{
    bool explained = r->dmarc.result == MOON_RESULT_PASS ||
                     (r->dmarc.result == MOON_RESULT_NONE && r->spf.result == MOON_RESULT_PASS);
    return !explained;
}

static void json_time(struct moon_json *json, int64_t seconds)
{
    char text[32];
    time_t at = (time_t)seconds;
    struct tm utc;

    if (gmtime_r(&at, &utc) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc))
        moon_json_string(json, "time", text);
}

static void json_headers(struct moon_json *json, const struct moon_conf *conf,
                         const struct moon_message *msg)
{
    if (conf->log_header_count == 0)
        return;
    moon_json_object(json, "headers");
    for (size_t i = 0; i < conf->log_header_count; i++) {
        const struct moon_field *field = moon_message_field(msg, conf->log_headers[i], NULL, false);
        if (field)
            moon_json_span(json, conf->log_headers[i],
                           moon_span_sub(moon_span_trim(field->value), 0, 512));
    }
    moon_json_close(json, '}');
}

static void json_applied(struct moon_json *json, const struct moon_record_applied *applied)
{
    moon_json_object(json, "applied");
    moon_json_string(json, "action",
                     applied->refused  ? "refused"
                     : applied->action ? moon_action_name(applied->action)
                                       : "unknown");
    if (applied->added)
        moon_json_int(json, "added", applied->added);
    if (applied->removed_fields)
        moon_json_int(json, "removed_fields", applied->removed_fields);
    if (applied->discarded_recipients)
        moon_json_int(json, "discarded_recipients", applied->discarded_recipients);
    if (applied->difference.n)
        moon_json_span(json, "difference", moon_span_sub(applied->difference, 0, 512));
    moon_json_close(json, '}');
}

enum detail { DETAIL_NONE, DETAIL_VERDICTS, DETAIL_ALL };

static char *compose(struct moon_arena *arena, const struct moon_conf *conf,
                     const struct moon_message *msg, const struct moon_outcome *outcome,
                     const struct moon_record_applied *applied, enum detail detail)
{
    struct moon_json json;

    moon_json_begin(&json, arena);
    moon_json_object(&json, NULL);
    moon_json_int(&json, "v", RECORD_FORMAT);
    json_time(&json, msg->received_s);
    moon_json_string(&json, "id", msg->id);
    moon_json_string(&json, "snapshot", conf->snapshot_hash);
    if (detail == DETAIL_NONE) {
        moon_json_string(&json, "shortened", "the record was too long");
        moon_json_string(&json, "dmarc_result", moon_result_name(outcome->results.dmarc.result));
        moon_json_string(&json, "action", moon_action_name(outcome->action));
    } else {
        moon_json_message(&json, msg);
        if (detail == DETAIL_ALL)
            json_headers(&json, conf, msg);
        moon_json_results(&json, &outcome->results, false);
        moon_json_outcome(&json, msg, outcome);
        moon_json_dns(&json, outcome, detail == DETAIL_ALL && needs_evidence(&outcome->results));
    }
    json_applied(&json, applied);
    moon_json_int(&json, "took_us", outcome->results.took_us);
    moon_json_close(&json, '}');
    return moon_json_end(&json);
}

char *moon_record_line(struct moon_arena *arena, const struct moon_conf *conf,
                       const struct moon_message *msg, const struct moon_outcome *outcome,
                       const struct moon_record_applied *applied)
{
    char *line = NULL;
    for (int detail = DETAIL_ALL; detail >= DETAIL_NONE; detail--) {
        line = compose(arena, conf, msg, outcome, applied, (enum detail)detail);
        if (!line || strlen(line) < MOON_RECORD_BYTES_MAX)
            break;
    }
    return line;
}

/* Step 3. */
static enum moon_status append(int fd, const char *path, const char *line, struct moon_error *error)
{
    struct iovec parts[2] = {
        {.iov_base = (void *)(uintptr_t)line, .iov_len = strlen(line)}, /* writev only reads */
        {.iov_base = "\n", .iov_len = 1},
    };
    ssize_t written;

    do
        written = writev(fd, parts, 2);
    while (written < 0 && errno == EINTR);
    if (written >= 0 && (size_t)written == parts[0].iov_len + 1)
        return MOON_OK;
    return moon_fail(error, MOON_EIO, "decision log %s: %s", path,
                     written < 0 ? strerror(errno) : "only part of the record was written");
}

/* Step 4: does the line of `length` bytes that was just written go on where another one ends? */
static bool is_behind_torn(int fd, size_t length)
{
    off_t end = lseek(fd, 0, SEEK_CUR); /* -1: it is no file with an end */
    char before = '\n';

    return end > (off_t)length + 1 && pread(fd, &before, 1, end - (off_t)length - 2) == 1 &&
           before != '\n';
}

static int open_log(const char *path, struct moon_error *error)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fd < 0)
        (void)moon_fail(error, MOON_EIO, "decision log %s: %s", path, strerror(errno));
    return fd;
}

enum moon_status moon_record_try(const char *path, struct moon_error *error)
{
    int fd = open_log(path, error);
    if (fd < 0)
        return MOON_EIO;
    (void)close(fd); /* nothing was written */
    return MOON_OK;
}

enum moon_status moon_record_append(const char *path, const char *line, struct moon_error *error)
{
    int fd = open_log(path, error);

    if (fd < 0)
        return MOON_EIO;
    enum moon_status status = append(fd, path, line, error);
    if (status == MOON_OK && is_behind_torn(fd, strlen(line)))
        status = append(fd, path, line, error);
    if (close(fd) != 0 && status == MOON_OK)
        status = moon_fail(error, MOON_EIO, "decision log %s: %s", path, strerror(errno));
    return status;
}
