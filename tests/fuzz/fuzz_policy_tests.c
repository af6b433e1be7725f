/* SPDX-License-Identifier: MIT
 *
 * fuzz_policy_tests: the input is a policy with tests, of somebody who means harm. Its tests are
 * read and run within their bounds, and the TAP that tells of them has as many cases as were
 * counted, whatever their names say.
 *
 * Parser: lua/tests.c
 * Parser: lua/test_lines.c
 * Parser: lua/test_times.c
 * Parser: lua/rules.c
 * Parser: engine/trial/mail.c
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/trial/keys.h"
#include "engine/trial/tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

/* Lines of the output that a TAP reader takes for cases. */
static size_t cases_of(const char *text)
{
    size_t count = 0;
    for (const char *line = text; line && *line;) {
        count += !strncmp(line, "ok", 2) || !strncmp(line, "not ok", 6);
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return count;
}

static void run(struct moon_arena *arena, const struct moon_snapshot *snapshot)
{
    static struct moon_trial_keys keys;
    static const struct moon_trial_file file = {"fixtures/a.eml",
                                                {"From: a@b.example\nSubject: x\n\nHello\n", 36}};
    struct moon_policies *policies = NULL;
    struct moon_conf conf;
    struct moon_error error = {""};
    char *said = NULL;
    size_t said_bytes = 0;

    if (!keys.rsa)
        must(moon_trial_keys_load(&keys));
    must(moon_conf_load(arena, snapshot, &conf, &error) == MOON_OK);
    conf.policy_instructions = 100000; /* a fuzzer likes endless loops */
    conf.policy_bytes = 1 << 20;
    must(moon_policies_create(&conf, snapshot, &policies, &error) == MOON_OK);
    struct moon_tap tap = {.to = open_memstream(&said, &said_bytes), .prefix = "etc/"};
    must(tap.to != NULL);
    struct moon_trial trial = {&conf, snapshot, policies, &keys, &file, 1};
    struct moon_coverage coverage = {.arena = arena};
    struct moon_trial_batch batch = {.trial = &trial,
                                     .arena = arena,
                                     .tell = moon_tap_test,
                                     .context = &tap,
                                     .coverage = &coverage,
                                     .policy_ms = 200};
    must(moon_trial_policies(&batch) == MOON_OK);
    moon_tap_rules(&tap, &coverage, false);
    must(fclose(tap.to) == 0);
    must(tap.number == batch.test_count && tap.failed == batch.failed_count);
    must(cases_of(said) == tap.number);
    free(said);
    moon_policies_destroy(&policies);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_snapshot_writer *writer = moon_snapshot_writer_create();
    struct moon_arena *arena = moon_arena_create(256u << 20);
    struct moon_snapshot *snapshot = NULL;
    struct moon_span bytes = {NULL, 0}, text = {(const char *)data, size};
    struct moon_error error = {""};
    char hash[65];

    if (writer && arena && size <= MOON_SOURCE_BYTES_MAX &&
        moon_snapshot_writer_add(writer, MOON_SPAN("policy/site.lua"), text, &error) == MOON_OK &&
        moon_snapshot_writer_add(writer, MOON_SPAN("site"), MOON_SPAN("site.lua"), &error) ==
            MOON_OK &&
        moon_snapshot_writer_bytes(writer, hash, &bytes, &error) == MOON_OK &&
        moon_snapshot_of_memory(bytes, &snapshot, &error) == MOON_OK)
        run(arena, snapshot);
    moon_snapshot_close(&snapshot);
    free((void *)(uintptr_t)bytes.p);
    moon_snapshot_writer_destroy(&writer);
    moon_arena_destroy(&arena);
    return 0;
}
