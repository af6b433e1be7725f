/* SPDX-License-Identifier: MIT
 *
 * rehearsal: in the child (1) the snapshot in memory  (2) the trial of every policy and list  (3)
 * when nothing is wrong so far, the tests, and a review of the lists  (4) what was found, a line
 * each: "E mistake", "N note", "W warning", "V number of warnings", "T number of tests", "." at the
 * end. In the parent these lines, as what they are: text of
 * somebody else's.
 */
#include "engine/cmd/rehearsal.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/limits.h"
#include "engine/cmd/cmd.h"
#include "engine/cmd/confined.h"
#include "engine/cmd/gather_parts.h"
#include "engine/cmd/review.h"
#include "engine/cmd/trial.h"
#include "engine/trial/keys.h"
#include "engine/trial/tap.h"

#define OUTPUT_BYTES_MAX   ((size_t)1024 * 1024) /* some hundred lines */
#define MEMORY_ROOM        ((size_t)3 * 1024 * 1024 * 1024)
#define BASE_MS            ((int64_t)120 * 1000)
#define EACH_POLICY_MS     100 /* so that 10,000 tenants have 20 minutes; they take one or two */
#define TESTS_OF_POLICY_MS ((int64_t)30 * 1000)

struct rehearsal {
    struct moon_gather *gather;
    bool with_tests;
    /* Of the child. */
    char line[4096];
    /* Of the parent. */
    char *said;
    size_t said_bytes;
    bool no_memory;
};

/* --- in the child --------------------------------------------------------------------------------
 */

/* A batch's tell: what fails is a mistake. */
static void take_test(void *context, const struct moon_trial_told *told)
{
    struct rehearsal *r = context;
    if (told->passed)
        return;
    FILE *text = fmemopen(r->line, sizeof r->line - 1, "w");
    if (!text) {
        r->gather->no_memory = true;
        return;
    }
    moon_tap_line(text, told);
    r->line[sizeof r->line - 1] = '\0';
    (void)fclose(text); /* memory; what did not fit is cut */
    char *end = r->line;
    while (*end && *end != '\n')
        end++;
    *end = '\0';
    moon_gather_complain(r->gather, "%s/%s", r->gather->config_dir, r->line);
}

/* Step 3. */
static enum moon_status run_tests(struct rehearsal *r, const struct moon_snapshot *snapshot)
{
    struct moon_gather *gather = r->gather;
    struct moon_conf conf;
    struct moon_trial_keys keys;
    struct moon_policies *policies = NULL;
    struct moon_error error = {""};

    if (!moon_trial_keys_load(&keys))
        return MOON_ENOMEM;
    enum moon_status status = moon_conf_load(gather->arena, snapshot, &conf, &error);
    if (status == MOON_OK)
        status = moon_policies_create(&conf, snapshot, &policies, &error);
    if (status == MOON_OK) {
        struct moon_trial trial = {.conf = &conf,
                                   .snapshot = snapshot,
                                   .policies = policies,
                                   .keys = &keys,
                                   .files = gather->files,
                                   .file_count = gather->file_count};
        struct moon_trial_batch batch = {.trial = &trial,
                                         .arena = gather->arena,
                                         .tell = take_test,
                                         .context = r,
                                         .policy_ms = TESTS_OF_POLICY_MS};
        status = moon_trial_policies(&batch);
        gather->test_count = batch.test_count;
    }
    moon_policies_destroy(&policies);
    moon_trial_keys_free(&keys);
    return status;
}

/* Steps 1 to 3; mistakes are added to the gathered ones. */
static enum moon_status try_out(struct rehearsal *r)
{
    struct moon_gather *gather = r->gather;
    struct moon_snapshot *snapshot = NULL;
    struct moon_span bytes = {NULL, 0};
    struct moon_error error = {""};
    char hash[65];

    enum moon_status status = moon_snapshot_writer_bytes(gather->writer, hash, &bytes, &error);
    if (status == MOON_ECONF || status == MOON_EBUDGET) {
        moon_gather_complain(gather, "%s: %s", gather->config_dir, error.text);
        return MOON_OK;
    }
    if (status == MOON_OK)
        status = moon_snapshot_of_memory(bytes, &snapshot, &error);
    if (status == MOON_OK)
        status = moon_trial_run(gather, snapshot);
    if (status == MOON_OK && gather->error_count == 0 && r->with_tests)
        status = run_tests(r, snapshot);
    if (status == MOON_OK && gather->error_count == 0)
        status = moon_review_lists(gather, snapshot);
    moon_snapshot_close(&snapshot);
    free((void *)(uintptr_t)bytes.p); /* ours, from the writer */
    return status;
}

static int rehearse(void *context, FILE *out)
{
    struct rehearsal *r = context;
    struct moon_gather *gather = r->gather;
    size_t errors = gather->error_count, notes = gather->note_count,
           warnings = gather->warning_count;

    if (try_out(r) != MOON_OK || gather->no_memory)
        return MOON_EXIT_FAILURE;
    for (size_t i = errors; i < gather->error_count; i++)
        (void)fprintf(out, "E%s\n", gather->errors[i]); /* all of it is flushed and checked later */
    for (size_t i = notes; i < gather->note_count; i++)
        (void)fprintf(out, "N%s\n", gather->notes[i]);
    for (size_t i = warnings; i < gather->warning_count; i++)
        (void)fprintf(out, "W%s\n", gather->warnings[i]);
    (void)fprintf(out, "V%zu\nT%zu\n.\n", gather->warning_total, gather->test_count);
    return MOON_EXIT_OK;
}

/* --- in the parent -------------------------------------------------------------------------------
 */

static void take(void *context, struct moon_span bytes)
{
    struct rehearsal *r = context;
    char *larger = realloc(r->said, r->said_bytes + bytes.n + 1);
    if (!larger) {
        r->no_memory = true;
        return;
    }
    for (size_t i = 0; i < bytes.n; i++)
        larger[r->said_bytes + i] = bytes.p[i];
    r->said = larger;
    r->said_bytes += bytes.n;
}

static enum moon_status read_lines(struct rehearsal *r, struct moon_error *error)
{
    struct moon_buf buf = moon_buf_of((struct moon_span){r->said, r->said_bytes});
    uint64_t number = 0;
    bool ended = false;

    while (!moon_buf_at_end(&buf) && !ended) {
        struct moon_span line = moon_buf_until(&buf, '\n');
        struct moon_span text = moon_span_sub(line, 1, line.n);
        (void)moon_buf_skip(&buf, '\n'); /* a line that was cut has none */
        int shown = text.n < 2000 ? (int)text.n : 2000;
        if (line.n && line.p[0] == 'E')
            moon_gather_complain(r->gather, "%.*s", shown, text.p);
        else if (line.n && line.p[0] == 'N')
            moon_gather_note(r->gather, "%.*s", shown, text.p);
        else if (line.n && line.p[0] == 'W')
            moon_gather_warn(r->gather, "%.*s", shown, text.p);
        else if (line.n && line.p[0] == 'V' && moon_span_number(text, UINT32_MAX, &number))
            r->gather->warning_total = (size_t)number;
        else if (line.n && line.p[0] == 'T' && moon_span_number(text, UINT32_MAX, &number))
            r->gather->test_count = (size_t)number;
        ended = moon_span_is(line, ".");
    }
    return ended ? MOON_OK
                 : moon_fail(error, MOON_EIO, "the trial of the policies did not come to its end");
}

enum moon_status moon_rehearsal_run(struct moon_gather *gather, bool with_tests,
                                    struct moon_error *error)
{
    struct rehearsal r = {.gather = gather, .with_tests = with_tests};
    const struct moon_confined confined = {
        .body = rehearse,
        .take = take,
        .context = &r,
        .ms = BASE_MS + EACH_POLICY_MS * (int64_t)(gather->policy_count + gather->tenant_count),
        .output_max = OUTPUT_BYTES_MAX,
        .memory_room = MEMORY_ROOM};
    int code = MOON_EXIT_FAILURE;

    moon_review_prepare();
    enum moon_status status = moon_confined_run(&confined, &code, error);
    if (status == MOON_OK && (code != MOON_EXIT_OK || r.no_memory))
        status = moon_fail(error, MOON_ENOMEM, "no memory");
    if (status == MOON_OK)
        status = read_lines(&r, error);
    free(r.said);
    return status == MOON_OK && gather->no_memory ? MOON_ENOMEM : status;
}
