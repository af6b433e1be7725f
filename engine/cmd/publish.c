/* SPDX-License-Identifier: MIT
 *
 * publish: the only way from /etc/moonscan to the workers. Procedure: (1) gather the files, (2) lay
 * the snapshot out in memory, (3) try every policy and list in the sandbox and run the policies'
 * own tests, in a confined child (rehearsal.c), (4) report all mistakes, or (5) compile the
 * policies in another (precompile.c), save the snapshot under its hash, switch `current` to it by
 * rename, prune old ones.
 * --rollback switches to the one published before, after checking its hash.
 *
 * No policy runs in this process.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/cmd/cmd.h"
#include "engine/cmd/gather_parts.h"
#include "engine/cmd/precompile.h"
#include "engine/cmd/rehearsal.h"
#include "engine/cmd/store.h"

#define GATHER_BYTES_MAX ((size_t)1024 * 1024 * 1024) /* names and messages of 500,000 domains */

static const char help[] =
    "Usage: moonscan publish [OPTIONS]\n"
    "\n"
    "Checks the configuration, its policies and lists, and puts them in force. With a\n"
    "mistake anywhere nothing changes.\n"
    "\n"
    "  --config-dir DIR  where the files are     (/etc/moonscan)\n"
    "  --state-dir DIR   where snapshots go      (/var/lib/moonscan)\n"
    "  --check           only check, change nothing\n"
    "  --skip-tests      do not run the policies' own tests; the system log says so\n"
    "  --rollback        go back to the snapshot published before\n"
    "  --time SECONDS    judge by this time which entries of lists have expired (now)\n"
    "  --help            this text\n"
    "\n"
    "Exit status: 0 done, 1 there are mistakes, 2 wrong usage, 3 something failed.\n";

struct options {
    const char *config_dir, *state_dir;
    bool check, rollback, skip_tests;
    int64_t now_s; /* seconds since 1970 */
};

static int fail(const char *text)
{
    (void)fprintf(stderr, "moonscan publish: %s\n", text);
    return MOON_EXIT_FAILURE;
}

static int report_mistakes(const struct moon_gather *gather, const struct options *options)
{
    char current[65];
    for (size_t i = 0; i < gather->error_count; i++)
        (void)fprintf(stderr, "%s\n", gather->errors[i]);
    bool any = moon_store_current(options->state_dir, current);
    (void)fprintf(stderr, "%zu mistake%s. Nothing was published; in force stays %.*s.\n",
                  gather->error_count, gather->error_count == 1 ? "" : "s", any ? 12 : 16,
                  any ? current : "what is built in");
    return MOON_EXIT_NO;
}

static void print_counts(const struct moon_gather *gather)
{
    for (size_t i = 0; i < gather->warning_count; i++)
        printf("  warning: %s\n", gather->warnings[i]);
    if (gather->warning_total > gather->warning_count)
        printf("  warning: %zu more are not shown\n",
               gather->warning_total - gather->warning_count);
    for (size_t i = 0; i < gather->note_count; i++)
        printf("  note: %s\n", gather->notes[i]);
    if (gather->modes)
        printf("  modes: %s\n", gather->modes);
    printf("  settings %zu, tenants %zu, domains %zu, policies %zu, lists %zu, tests %zu\n",
           gather->setting_count, gather->tenant_count, gather->domain_count, gather->policy_count,
           gather->list_count, gather->test_count);
}

/* Step 5. */
static int put_in_force(struct moon_gather *gather, const struct options *options)
{
    struct moon_error error = {""};
    char hash[65], before[65];
    bool any = moon_store_current(options->state_dir, before);
    if (moon_precompile_run(gather, &error) != MOON_OK)
        moon_gather_note(gather, "every worker compiles policies for itself: %s", error.text);
    if (moon_store_save(options->state_dir, gather->writer, hash, &error) != MOON_OK ||
        moon_store_switch(options->state_dir, hash, &error) != MOON_OK)
        return fail(error.text);
    if (any && !strcmp(before, hash))
        printf("published %.12s (nothing has changed)\n", hash);
    else
        printf("published %.12s (before: %.12s)\n", hash, any ? before : "built-in");
    print_counts(gather);
    moon_store_prune(options->state_dir);
    return MOON_EXIT_OK;
}

/* Somebody will want to know why these policies are in force. */
static void log_skipping(const struct options *options)
{
    openlog("moonscan", LOG_PID, LOG_MAIL);
    syslog(LOG_NOTICE, "publish --skip-tests of %.300s by uid %ld", options->config_dir,
           (long)getuid());
    closelog();
}

static int publish(const struct options *options)
{
    struct moon_gather gather = {.arena = moon_arena_create(GATHER_BYTES_MAX),
                                 .config_dir = options->config_dir,
                                 .now_s = options->now_s,
                                 .writer = moon_snapshot_writer_create()};
    struct moon_error error = {""};
    int code = MOON_EXIT_FAILURE;

    if (!gather.arena || !gather.writer || moon_gather_read(&gather) != MOON_OK) {
        code = fail("no memory");
        goto done;
    }
    if (options->skip_tests)
        log_skipping(options);
    /* Mistakes in settings would show again in the trial; the policies' own are worth having. */
    if (moon_rehearsal_run(&gather, !options->skip_tests, &error) != MOON_OK)
        code = fail(error.text);
    else if (gather.error_count)
        code = report_mistakes(&gather, options);
    else if (options->check) {
        printf("%s is in order; nothing was published\n", options->config_dir);
        print_counts(&gather);
        code = MOON_EXIT_OK;
    } else {
        code = put_in_force(&gather, options);
    }
done:
    moon_snapshot_writer_destroy(&gather.writer);
    moon_arena_destroy(&gather.arena);
    return code;
}

static int rollback(const struct options *options)
{
    struct moon_error error = {""};
    char from[65], to[65];
    if (!moon_store_current(options->state_dir, from))
        return fail("nothing is published, so there is nothing to go back from");
    if (moon_store_previous(options->state_dir, from, to, &error) != MOON_OK ||
        moon_store_switch(options->state_dir, to, &error) != MOON_OK)
        return fail(error.text);
    printf("switched from %.12s back to %.12s\n", from, to);
    printf("  `moonscan publish` puts the files in force again\n");
    return MOON_EXIT_OK;
}

int moon_cmd_publish(int argc, char **argv)
{
    static const struct option long_options[] = {{"config-dir", required_argument, NULL, 'c'},
                                                 {"state-dir", required_argument, NULL, 's'},
                                                 {"check", no_argument, NULL, 'k'},
                                                 {"rollback", no_argument, NULL, 'r'},
                                                 {"skip-tests", no_argument, NULL, 't'},
                                                 {"time", required_argument, NULL, 'n'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    struct options options = {.config_dir = MOON_STORE_CONFIG_DIR,
                              .state_dir = MOON_STORE_STATE_DIR,
                              .now_s = (int64_t)time(NULL)};
    uint64_t seconds;
    int option;

    optind = 0; /* GNU: start afresh */
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (option) {
        case 'c':
            options.config_dir = optarg;
            break;
        case 's':
            options.state_dir = optarg;
            break;
        case 'k':
            options.check = true;
            break;
        case 't':
            options.skip_tests = true;
            break;
        case 'r':
            options.rollback = true;
            break;
        case 'n':
            if (!moon_span_number(moon_span_of(optarg), INT64_MAX, &seconds)) {
                (void)fputs(help, stderr); /* nothing else can be said */
                return MOON_EXIT_USAGE;
            }
            options.now_s = (int64_t)seconds;
            break;
        case 'h':
            (void)fputs(help, stdout); /* a closed pipe is the reader's wish */
            return MOON_EXIT_OK;
        default:
            (void)fputs(help, stderr); /* getopt said what was wrong */
            return MOON_EXIT_USAGE;
        }
    }
    if (optind < argc || (options.check && options.rollback)) {
        if (optind < argc)
            (void)fprintf(stderr,
                          "moonscan publish: '%s' is no option; a folder is named by "
                          "--config-dir\n",
                          argv[optind]);
        else
            (void)fputs("moonscan publish: --check or --rollback, not both\n", stderr);
        (void)fputs("`moonscan publish --help` tells more\n", stderr);
        return MOON_EXIT_USAGE;
    }
    return options.rollback ? rollback(&options) : publish(&options);
}
