/* SPDX-License-Identifier: MIT
 *
 * counters: the counter store as an operator sees it: does it answer, what was missed, and what a
 * policy would be told of one key. The store holds hashes of keys, so this is the one way to look
 * one up. Only looks.
 *
 * 1. the settings in force  2. the store  3. one question: what it missed, or the key
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/base/budget.h"
#include "engine/base/limits.h"
#include "engine/base/seconds.h"
#include "engine/cmd/cmd.h"
#include "engine/cmd/setup.h"
#include "engine/store/store.h"
#include "engine/verdict/asks.h"

static const char help[] =
    "Usage: moonscan counters [--tenant NAME] [--key TEXT] [--window TIME] [--snapshot FILE]\n"
    "\n"
    "Says whether the counter store of the settings in force answers, how soon, and how many\n"
    "questions of the last seven days it could not answer as far as it was told. With a key, what\n"
    "policies would be told of it: moon.count with that window, and moon.first_seen.\n"
    "\n"
    "  --tenant NAME    whose key: this tenant's (default: the site's)\n"
    "  --key TEXT       the key\n"
    "  --window TIME    of the count: 90s, 15m, 24h, 7d (default: 24h)\n"
    "  --snapshot FILE  this snapshot instead of the published one\n"
    "\n"
    "Exit status: 0 it answers, 1 it does not (or there is none), 2 wrong usage, 3 no settings.\n";

struct options {
    const char *snapshot, *tenant, *key;
    int64_t window_s;
};

static void print_ago(const char *what, int64_t seconds)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"days", 86400}, {"hours", 3600}, {"minutes", 60}};
    size_t i = 0;

    while (i < 2 && seconds < 2 * units[i].seconds)
        i++;
    (void)printf("%s%" PRId64 " %s ago\n", what, seconds / units[i].seconds, units[i].name);
}

/* Step 3 for a key: through the policies' own way, so that the two cannot differ. */
static bool print_key(const struct options *options, struct moon_setup *setup)
{
    struct moon_message msg = {.received_s = (int64_t)time(NULL), .dry_run = true};
    struct moon_span key = moon_span_of(options->key);
    int64_t count = 0, first_s = -1;
    struct moon_asks_shared *shared = moon_asks_share(setup->arena, &msg, NULL, setup->store);
    struct moon_asks *asks = shared ? moon_asks_begin(shared, options->tenant) : NULL;

    if (!moon_asks_count(asks, key, options->window_s, 0, &count) ||
        !moon_asks_first_seen(asks, key, MOON_STORE_KEEP_MAX_S, true, &first_s)) {
        for (size_t i = 0; moon_asks_each(asks, i); i++)
            if (moon_asks_each(asks, i)->why)
                (void)printf("no answer: %s\n", moon_asks_each(asks, i)->why);
        return false;
    }
    (void)printf("count       %" PRId64 "\n", count);
    if (first_s < 0)
        (void)printf("first seen  never\n");
    else
        print_ago("first seen  ", msg.received_s - first_s);
    return true;
}

/* Step 3 without a key. */
static bool print_state(struct moon_setup *setup)
{
    struct moon_store_question question = {.space = MOON_SPAN(MOON_STORE_OWN_SPACE),
                                           .key = MOON_SPAN(MOON_STORE_MISSED_KEY),
                                           .now_s = (int64_t)time(NULL),
                                           .span_s = MOON_STORE_MISSED_WINDOW_S,
                                           .pretend = true};
    const char *why = "";
    int64_t missed = 0, started_us = moon_clock_us();

    if (!moon_store_count(setup->store, &question, &missed, &why)) {
        (void)printf("no answer: %s\n", why);
        return false;
    }
    (void)printf("answers     in %.1f ms\n", (double)(moon_clock_us() - started_us) / 1000);
    (void)printf("not taken   %" PRId64 " in the last seven days\n", missed);
    return true;
}

/* Steps 1 and 2. */
static int run(const struct options *options)
{
    struct moon_setup setup = {0};
    struct moon_error error = {""};
    const char *path = NULL;

    if (moon_setup_choose(options->snapshot, &path, &error) != MOON_OK) {
        (void)fprintf(stderr, "moonscan counters: %s\n", error.text);
        return MOON_EXIT_USAGE;
    }
    if (moon_setup_open(path, NULL, &setup, &error) != MOON_OK ||
        moon_setup_store(&setup, true, &error) != MOON_OK) {
        (void)fprintf(stderr, "moonscan counters: %s\n", error.text);
        return MOON_EXIT_FAILURE;
    }
    const struct moon_conf_store *store = &setup.conf.store;
    bool answers = false;
    if (store->kind == MOON_STORE_KIND_SQLITE)
        (void)printf("store       sqlite:%s\n", store->path.p);
    else if (store->kind == MOON_STORE_KIND_REDIS)
        (void)printf("store       redis://%s, port %u, database %u\n", store->address.p,
                     store->port, store->database);
    else
        (void)printf("store       none\n");
    if (setup.store)
        answers = options->key ? print_key(options, &setup) : print_state(&setup);
    moon_setup_close(&setup);
    return answers ? MOON_EXIT_OK : MOON_EXIT_NO;
}

int moon_cmd_counters(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"tenant", required_argument, NULL, 't'}, {"key", required_argument, NULL, 'k'},
        {"window", required_argument, NULL, 'w'}, {"snapshot", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    struct options options = {NULL, "", NULL, 86400};
    int option;

    optind = 0; /* GNU: start afresh */
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == 't')
            options.tenant = optarg;
        else if (option == 'k')
            options.key = optarg;
        else if (option == 's')
            options.snapshot = optarg;
        else if (option == 'w')
            options.window_s = moon_seconds_of(moon_span_of(optarg));
        else {
            (void)fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? MOON_EXIT_OK : MOON_EXIT_USAGE;
        }
    }
    if (optind < argc || options.window_s < MOON_STORE_WINDOW_MIN_S ||
        options.window_s > MOON_STORE_WINDOW_MAX_S) {
        (void)fputs(help, stderr); /* nothing else can be said */
        return MOON_EXIT_USAGE;
    }
    return run(&options);
}
