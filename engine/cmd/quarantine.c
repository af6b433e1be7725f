/* SPDX-License-Identifier: MIT
 *
 * quarantine: what is in the quarantine of quarantine = "router", and out of it again. Runs as the
 * quarantine's owner; needs no other privilege.
 */
#include "engine/cmd/quarantine.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/conf.h"
#include "engine/cmd/cmd.h"
#include "engine/cmd/gather_parts.h"
#include "engine/cmd/setup.h"

#define LIST_ARENA (256u * 1024 * 1024)
#define WORK_ARENA (4u * MOON_QUARANTINE_HEAD_MAX)

static const char help[] =
    "Usage: moonscan quarantine list [OPTIONS]\n"
    "       moonscan quarantine show ID [OPTIONS]\n"
    "       moonscan quarantine release ID... [OPTIONS]\n"
    "       moonscan quarantine release --all --tenant NAME [OPTIONS]\n"
    "       moonscan quarantine expire --older-than 30d [OPTIONS]\n"
    "\n"
    "The Maildirs of quarantine = \"router\". An ID is the one that Exim gave the message when it\n"
    "came, or the name of the file. Run it as the owner of the quarantine (Debian-exim).\n"
    "\n"
    "  --tenant NAME    only this tenant's (\"default\": recipients of no tenant)\n"
    "  --dir DIR        the quarantine (" MOON_QUARANTINE_DIR ")\n"
    "  --json           list: a JSON object a line\n"
    "  --all            release: everything of the tenant\n"
    "  --older-than N   expire: what came so long ago: 12h, 30d\n"
    "  --yes            release --all and expire: do it; without, they say what they would do\n"
    "  --exim FILE      Exim's program; default: exim4, exim or sendmail in /usr/sbin\n"
    "  --log FILE       the decision log; default: that of the settings in force\n"
    "  --snapshot FILE  the settings (/var/lib/moonscan/current)\n"
    "  --help           this text\n";

static int usage(const char *what, const char *name)
{
    if (what)
        (void)fprintf(stderr, "moonscan quarantine: %s%s\n\n", what, name ? name : "");
    (void)fputs(help, stderr); /* nothing else can be said */
    return MOON_EXIT_USAGE;
}

/* "30d", "12h": seconds; negative: not one of these. */
static int64_t age_of(const char *text)
{
    struct moon_span span = moon_span_of(text);
    uint64_t n;

    if (span.n < 2 || !moon_span_number(moon_span_sub(span, 0, span.n - 1), 36500, &n))
        return -1;
    if (span.p[span.n - 1] == 'd')
        return (int64_t)n * 86400;
    return span.p[span.n - 1] == 'h' ? (int64_t)n * 3600 : -1;
}

struct arguments {
    struct moon_quarantine_options options;
    const char *command, *snapshot, *log;
    char **ids;
    int id_count;
};

/* Negative: go on. */
static int read_options(int argc, char **argv, struct arguments *args)
{
    static const struct option known[] = {{"tenant", required_argument, NULL, 't'},
                                          {"dir", required_argument, NULL, 'd'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"all", no_argument, NULL, 'a'},
                                          {"older-than", required_argument, NULL, 'o'},
                                          {"yes", no_argument, NULL, 'y'},
                                          {"exim", required_argument, NULL, 'e'},
                                          {"log", required_argument, NULL, 'l'},
                                          {"snapshot", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct moon_quarantine_options *options = &args->options;
    int option;

    optind = 0; /* GNU: start afresh, and let options stand anywhere */
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 't':
            options->filter.tenant = optarg;
            if (!moon_quarantine_is_folder(optarg))
                return usage("--tenant: no name of a tenant: ", optarg);
            break;
        case 'd':
            options->filter.dir = optarg;
            break;
        case 'j':
            options->json = true;
            break;
        case 'a':
            options->all = true;
            break;
        case 'o':
            options->older_s = age_of(optarg);
            if (options->older_s < 0)
                return usage("--older-than: hours or days are wanted, 12h or 30d, not ", optarg);
            break;
        case 'y':
            options->yes = true;
            break;
        case 'e':
            options->exim = optarg;
            break;
        case 'l':
            args->log = optarg;
            break;
        case 's':
            args->snapshot = optarg;
            break;
        case 'h':
            (void)fputs(help, stdout); /* a closed pipe is the reader's wish */
            return MOON_EXIT_OK;
        default:
            return usage(NULL, NULL); /* getopt said what was wrong */
        }
    }
    args->command = optind < argc ? argv[optind++] : "";
    args->ids = argv + optind;
    args->id_count = argc - optind;
    return -1;
}

/* As Debian calls it, as others do, and the name that every mail server has. */
static const char *find_exim(void)
{
    static const char *const names[] = {"/usr/sbin/exim4", "/usr/sbin/exim", "/usr/sbin/sendmail"};
    size_t i = 0;

    while (i < 2 && access(names[i], X_OK) != 0)
        i++;
    return names[i];
}

/* The log's path out of the settings in force. */
static enum moon_status find_log(struct moon_arena *arena, struct arguments *args,
                                 struct moon_error *error)
{
    struct moon_snapshot *snapshot = NULL;
    struct moon_conf conf;
    const char *path = NULL;
    enum moon_status status = MOON_OK;

    args->options.log_path = args->log;
    if (args->log)
        return MOON_OK;
    status = moon_setup_choose(args->snapshot, &path, error);
    if (status == MOON_OK && access(path, F_OK) == 0) /* without one, the defaults are in force */
        status = moon_snapshot_open(path, &snapshot, error);
    if (status == MOON_OK)
        status = moon_conf_load(arena, snapshot, &conf, error);
    if (status == MOON_OK) {
        args->options.log_path = moon_arena_cstr(arena, conf.log_path);
        args->options.service_log_path = moon_arena_cstr(arena, conf.log_service_path);
    }
    moon_snapshot_close(&snapshot);
    if (status == MOON_OK && moon_arena_failed(arena))
        return moon_fail(error, MOON_ENOMEM, "no memory");
    return status;
}

typedef enum moon_status action(struct moon_arena *arena,
                                const struct moon_quarantine_options *options,
                                const struct moon_quarantine_entry *entry,
                                struct moon_error *error);

/* Runs `act` on each; what fails is told, and the rest goes on. */
static int each(const struct moon_quarantine_options *options,
                const struct moon_quarantine_entry *entries, size_t count, action *act,
                const char *done)
{
    int code = MOON_EXIT_OK;

    for (size_t i = 0; i < count; i++) {
        struct moon_arena *arena = moon_arena_create(WORK_ARENA);
        struct moon_error error = {"no memory"};
        if (!arena || act(arena, options, &entries[i], &error) != MOON_OK) {
            (void)fprintf(stderr, "moonscan quarantine: %s (%s/%s/%s): %s\n", entries[i].id,
                          entries[i].tenant, entries[i].folder, entries[i].file, error.text);
            code = MOON_EXIT_FAILURE;
        } else if (done) {
            printf("%s %s of %s\n", done, entries[i].id, entries[i].tenant);
        }
        moon_arena_destroy(&arena);
    }
    return code;
}

/* list, and what --all and --older-than choose. */
static int on_many(struct moon_arena *arena, struct arguments *args, action *act, const char *done,
                   struct moon_error *error)
{
    struct moon_quarantine_entry *entries;
    size_t count, unread;

    if (moon_quarantine_list(arena, &args->options.filter, &entries, &count, &unread, error) !=
        MOON_OK)
        return -1;
    int code = unread ? MOON_EXIT_FAILURE : MOON_EXIT_OK;
    if (!act || !args->options.yes) {
        if (moon_quarantine_print(arena, entries, count, args->options.json) != MOON_OK)
            return -1;
        if (act)
            printf("%zu messages; nothing was done: --yes does it\n", count);
        return code;
    }
    int acted = each(&args->options, entries, count, act, done);
    return acted == MOON_EXIT_OK ? code : acted;
}

/* A message that is in the quarantines of several tenants is theirs, each: whose is meant? The
 * first and the last of them by name. */
static bool is_of_one_tenant(const struct moon_quarantine_entry *entries, size_t count,
                             const char *tenants_r[2])
{
    tenants_r[0] = tenants_r[1] = entries[0].tenant;
    for (size_t i = 1; i < count; i++) {
        if (strcmp(entries[i].tenant, tenants_r[0]) < 0)
            tenants_r[0] = entries[i].tenant;
        if (strcmp(entries[i].tenant, tenants_r[1]) > 0)
            tenants_r[1] = entries[i].tenant;
    }
    return strcmp(tenants_r[0], tenants_r[1]) == 0;
}

/* show and release with ids. */
static int on_ids(struct moon_arena *arena, struct arguments *args, action *act, const char *done,
                  struct moon_error *error)
{
    struct moon_quarantine_options *options = &args->options;
    int code = MOON_EXIT_OK;

    for (int i = 0; i < args->id_count; i++) {
        struct moon_quarantine_entry *entries;
        const char *tenants[2];
        size_t count, unread;
        options->filter.id = args->ids[i];
        if (!moon_quarantine_is_name(moon_span_of(args->ids[i])))
            return usage("no id of a message: ", args->ids[i]);
        if (moon_quarantine_list(arena, &options->filter, &entries, &count, &unread, error) !=
            MOON_OK)
            return -1;
        if (count == 0) {
            (void)fprintf(stderr, "moonscan quarantine: %s is not in the quarantine%s%s\n",
                          args->ids[i], options->filter.tenant ? " of " : "",
                          options->filter.tenant ? options->filter.tenant : "");
            code = MOON_EXIT_NO;
        } else if (done && !is_of_one_tenant(entries, count, tenants)) {
            (void)fprintf(stderr,
                          "moonscan quarantine: %s is in the quarantines of %s and %s: "
                          "say --tenant NAME\n",
                          args->ids[i], tenants[0], tenants[1]);
            code = MOON_EXIT_NO;
        } else if (each(options, entries, count, act, done) != MOON_EXIT_OK) {
            code = MOON_EXIT_FAILURE;
        }
    }
    return code;
}

/* Which command; negative: see the error. */
static int dispatch(struct moon_arena *arena, struct arguments *args, struct moon_error *error)
{
    struct moon_quarantine_options *options = &args->options;
    const char *command = args->command;

    if (strcmp(command, "list") == 0 && args->id_count == 0)
        return on_many(arena, args, NULL, NULL, error);
    if (find_log(arena, args, error) != MOON_OK)
        return -1;
    if (strcmp(command, "show") == 0 && args->id_count == 1)
        return on_ids(arena, args, moon_quarantine_show, NULL, error);
    if (strcmp(command, "release") == 0 && args->id_count > 0 && !options->all)
        return on_ids(arena, args, moon_quarantine_release, "released", error);
    if (strcmp(command, "release") == 0 && args->id_count == 0 && options->all) {
        if (!options->filter.tenant)
            return usage("release --all wants --tenant NAME", NULL);
        return on_many(arena, args, moon_quarantine_release, "released", error);
    }
    if (strcmp(command, "expire") == 0 && args->id_count == 0) {
        if (options->older_s < 0)
            return usage("expire wants --older-than, as 30d", NULL);
        options->filter.before_s = (int64_t)time(NULL) - options->older_s;
        return on_many(arena, args, moon_quarantine_expire, "removed", error);
    }
    return usage("list, show ID, release ID... or expire is wanted", NULL);
}

int moon_cmd_quarantine(int argc, char **argv)
{
    struct arguments args = {
        .options = {.filter = {.dir = MOON_QUARANTINE_DIR}, .exim = find_exim(), .older_s = -1}};
    struct moon_error error = {"no memory"};

    int code = read_options(argc, argv, &args);
    if (code >= 0)
        return code;
    struct moon_arena *arena = moon_arena_create(LIST_ARENA);
    code = arena ? dispatch(arena, &args, &error) : -1;
    moon_arena_destroy(&arena);
    if (code >= 0)
        return code;
    (void)fprintf(stderr, "moonscan quarantine: %s\n", error.text);
    return MOON_EXIT_FAILURE;
}
