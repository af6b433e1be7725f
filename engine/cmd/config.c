/* SPDX-License-Identifier: MIT
 *
 * config: prints the settings in force and where each comes from, as a table or as JSON.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/conf.h"
#include "engine/base/json.h"
#include "engine/cmd/cmd.h"
#include "engine/cmd/setup.h"
#include "engine/cmd/store.h"

#define CONFIG_BYTES_MAX (4u * 1024 * 1024)

static const char help[] = "Usage: moonscan config [OPTIONS]\n"
                           "\n"
                           "Prints the settings in force, each with the place where it was set.\n"
                           "\n"
                           "  --snapshot FILE  the snapshot to read (/var/lib/moonscan/current)\n"
                           "  --default        the defaults, with what each setting means\n"
                           "  --json           as JSON\n"
                           "  --help           this text\n";

struct options {
    const char *path;
    bool defaults, json;
};

/* The value in force as one line; lists are joined by ", ". */
static const char *shown(struct moon_arena *arena, struct moon_span value)
{
    struct moon_str str;
    moon_str_begin(&str, arena);
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\n')
            moon_str_add(&str, ", ");
        else
            moon_str_add_char(&str, value.p[i]);
    }
    return moon_str_end(&str);
}

static struct moon_span record(const struct moon_snapshot *snapshot, const char *kind,
                               const char *name, bool *found_r)
{
    char key[128];
    struct moon_span value = {NULL, 0};
    int n = snprintf(key, sizeof key, "%s/%s", kind, name);
    *found_r = snapshot && moon_snapshot_get(snapshot, (struct moon_span){key, (size_t)n}, &value);
    return value;
}

/* The failure verdict when none is set. */
static const char *failure_default(const struct moon_snapshot *snapshot)
{
    bool set;
    return moon_span_is(record(snapshot, "conf", "policy", &set), "monitor") ? "accept" : "defer";
}

static bool print_table(struct moon_arena *arena, const struct moon_snapshot *snapshot,
                        const char *path, const struct options *options)
{
    if (!options->defaults)
        printf("%-26s %-36s %s\n", "snapshot", snapshot ? moon_snapshot_hash(snapshot) : "none",
               snapshot ? path : "built in");
    for (size_t i = 0; i < moon_conf_key_count; i++) {
        const struct moon_conf_key *key = &moon_conf_keys[i];
        bool set, known;
        struct moon_span value = record(snapshot, "conf", key->name, &set);
        struct moon_span from = record(snapshot, "from", key->name, &known);
        if (!set && !strcmp(key->name, "failure")) /* its default depends on the policy */
            value = moon_span_of(failure_default(snapshot));
        else if (!set)
            value = moon_span_of(key->fallback);
        const char *text = shown(arena, value);
        const char *where = set && known ? moon_arena_dup(arena, from) : "default";
        if (!text || !where)
            return false;
        printf("%-26s %-36s %s\n", key->name, *text ? text : "-",
               options->defaults ? key->about : where);
    }
    return true;
}

static bool print_json(struct moon_arena *arena, const struct moon_snapshot *snapshot)
{
    struct moon_json json;
    moon_json_begin(&json, arena);
    moon_json_object(&json, NULL);
    moon_json_string(&json, "snapshot", snapshot ? moon_snapshot_full_hash(snapshot) : NULL);
    moon_json_array(&json, "settings");
    for (size_t i = 0; i < moon_conf_key_count; i++) {
        const struct moon_conf_key *key = &moon_conf_keys[i];
        bool set, known;
        struct moon_span value = record(snapshot, "conf", key->name, &set);
        struct moon_span from = record(snapshot, "from", key->name, &known);
        moon_json_object(&json, NULL);
        moon_json_string(&json, "name", key->name);
        if (!set && !strcmp(key->name, "failure"))
            value = moon_span_of(failure_default(snapshot));
        moon_json_span(&json, "value", set || value.n ? value : moon_span_of(key->fallback));
        moon_json_span(&json, "from", set && known ? from : MOON_SPAN("default"));
        moon_json_string(&json, "about", key->about);
        moon_json_close(&json, '}');
    }
    moon_json_close(&json, ']');
    moon_json_close(&json, '}');
    const char *text = moon_json_end(&json);
    if (text)
        puts(text);
    return text != NULL;
}

static int run(const struct options *options)
{
    struct moon_snapshot *snapshot = NULL;
    struct moon_error error = {""};
    struct moon_conf conf;
    struct moon_arena *arena = moon_arena_create(CONFIG_BYTES_MAX);
    const char *path = NULL;
    int code = MOON_EXIT_FAILURE;

    if (!arena)
        goto done;
    if (moon_setup_choose(options->path, &path, &error) != MOON_OK) {
        (void)fprintf(stderr, "moonscan config: %s\n", error.text);
        code = MOON_EXIT_USAGE;
        goto done;
    }
    if (!options->defaults && (moon_snapshot_open(path, &snapshot, &error) != MOON_OK ||
                               moon_conf_load(arena, snapshot, &conf, &error) != MOON_OK)) {
        (void)fprintf(stderr, "moonscan config: %s\n", error.text);
        goto done;
    }
    if (options->json ? print_json(arena, snapshot) : print_table(arena, snapshot, path, options))
        code = MOON_EXIT_OK;
done:
    moon_snapshot_close(&snapshot);
    moon_arena_destroy(&arena);
    return code;
}

int moon_cmd_config(int argc, char **argv)
{
    static const struct option long_options[] = {{"snapshot", required_argument, NULL, 's'},
                                                 {"default", no_argument, NULL, 'd'},
                                                 {"json", no_argument, NULL, 'j'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    struct options options = {NULL, false, false};
    int option;

    optind = 0; /* GNU: start afresh */
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (option) {
        case 's':
            options.path = optarg;
            break;
        case 'd':
            options.defaults = true;
            break;
        case 'j':
            options.json = true;
            break;
        case 'h':
            (void)fputs(help, stdout); /* a closed pipe is the reader's wish */
            return MOON_EXIT_OK;
        default:
            (void)fputs(help, stderr); /* getopt said what was wrong */
            return MOON_EXIT_USAGE;
        }
    }
    if (optind < argc) {
        (void)fputs(help, stderr); /* nothing else can be said */
        return MOON_EXIT_USAGE;
    }
    return run(&options);
}
