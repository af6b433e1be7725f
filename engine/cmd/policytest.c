/* SPDX-License-Identifier: MIT
 *
 * policytest: `moonscan test`, the tests that policies bring.
 *
 * 1. what is named is read: configuration directories, or single policies with what stands beside
 *    them
 * 2. in a confined child (confined.c): a snapshot in memory, its policies, their tests, each
 * through moon_scan (engine/trial)
 * 3. TAP on standard output as it comes
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/limits.h"
#include "engine/cmd/cmd.h"
#include "engine/cmd/confined.h"
#include "engine/cmd/gather.h"
#include "engine/message/address.h"
#include "engine/trial/keys.h"
#include "engine/trial/tap.h"

#define SOURCES_MAX      1000u
#define GATHER_BYTES_MAX ((size_t)1024 * 1024 * 1024) /* as publish */
#define RUN_BYTES_MAX    ((size_t)256 * 1024 * 1024)
#define MEMORY_ROOM      ((size_t)3 * 1024 * 1024 * 1024)
#define OUTPUT_BYTES_MAX ((size_t)256 * 1024 * 1024)
#define RUN_MS           ((int64_t)3600 * 1000)
#define POLICY_MS        ((int64_t)30 * 1000)

static const char help[] =
    "Usage: moonscan test [OPTIONS] DIR|FILE...\n"
    "\n"
    "Runs the tests written in policies (policy.tests). DIR is a configuration directory, or a\n"
    "folder with policies; FILE is one policy. Each test's message goes through the same engine "
    "as\n"
    "Exim's mail, with the test's own zone in the place of DNS; nothing is recorded or published.\n"
    "Before them it looks at the source of each policy, as publish does.\n"
    "Prints TAP, and at the end which rules no test decides.\n"
    "\n"
    "  --all-rules       a rule that no test decides is a failure\n"
    "  --help            this text\n"
    "\n"
    "Exit status: 0 all pass, 1 a test fails or cannot be read, 2 wrong usage, 3 something "
    "failed.\n";

/* One configuration directory, or one policy alone. */
struct source {
    struct moon_gather gather;
    const char *only; /* path of the one policy whose tests are wanted, or NULL */
    bool alone;
    const char **domains; /* of the one that is alone */
    size_t domain_count;
    char dir[4096];
};

struct run {
    struct moon_arena *arena;
    struct source *source[SOURCES_MAX];
    size_t count, mistakes;
    bool all_rules;
};

/* --- 1. reading ----------------------------------------------------------------------------------
 */

static bool exists(const char *dir, const char *name)
{
    char path[4352];
    struct stat st;
    return (size_t)snprintf(path, sizeof path, "%s/%s", dir, name) < sizeof path &&
           stat(path, &st) == 0;
}

static bool is_config_dir(const char *dir)
{
    static const char *const files[] = {"moonscan.lua", "site.lua", "tenants", "tenants.map",
                                        "tenants.lua"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (exists(dir, files[i]))
            return true;
    return false;
}

/* Reads config_dir, or the one policy `alone` in it. False without memory. */
static bool add_source(struct run *run, const char *dir, const char *only, bool alone)
{
    if (run->count == SOURCES_MAX) {
        (void)fprintf(stderr, "moonscan test: more than %u policies or folders\n", SOURCES_MAX);
        run->mistakes++;
        return true;
    }
    struct source *source = moon_arena_alloc(run->arena, sizeof *source);
    if (!source)
        return false;
    (void)snprintf(source->dir, sizeof source->dir, "%s", *dir ? dir : "/"); /* was a path */
    source->only = only ? moon_arena_cstr(run->arena, only) : NULL;
    source->alone = alone;
    source->gather = (struct moon_gather){.arena = moon_arena_create(GATHER_BYTES_MAX),
                                          .config_dir = source->dir,
                                          .writer = moon_snapshot_writer_create()};
    run->source[run->count++] = source;
    if (!source->gather.arena || !source->gather.writer || (only && !source->only))
        return false;
    enum moon_status status = alone ? moon_gather_alone(&source->gather, source->only)
                                    : moon_gather_read(&source->gather);
    for (size_t i = 0; i < source->gather.error_count; i++)
        (void)fprintf(stderr, "%s\n", source->gather.errors[i]);
    run->mistakes += source->gather.error_count;
    return status == MOON_OK;
}

/* Every policy of a folder that is no configuration directory. */
static bool add_folder(struct run *run, const char *dir)
{
    struct dirent **entries = NULL;
    bool good = true, any = false;
    int count = scandir(dir, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        struct moon_span name = moon_span_of(entries[i]->d_name);
        if (good && name.n > 4 && name.p[0] != '.' &&
            moon_span_is(moon_span_sub(name, name.n - 4, 4), ".lua")) {
            good = add_source(run, dir, name.p, true);
            any = true;
        }
        free(entries[i]);
    }
    free(entries);
    if (!any) {
        (void)fprintf(stderr, "%s: %s\n", dir, count < 0 ? strerror(errno) : "no policy is there");
        run->mistakes++;
    }
    return good;
}

/* Cuts the last part off `path`, and gives it; "." stays for a path of one part. */
static const char *cut_last(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    return slash + 1;
}

/* A folder of a configuration directory that holds policies. */
static bool is_policies(const char *folder)
{
    return !strcmp(folder, "tenants") || !strcmp(folder, "policies");
}

/* FILE: a policy of a configuration directory is tried in it. */
static bool add_file(struct run *run, const char *file)
{
    char path[4096], whole[4096], only[4400],
        *real = strchr(file, '/') ? NULL : realpath(file, NULL);
    bool short_name = real != NULL;
    (void)snprintf(path, sizeof path, "%s", real ? real : file);
    free(real);
    (void)snprintf(whole, sizeof whole, "%s", path);
    const char *name = cut_last(path), *folder = name ? cut_last(path) : NULL;
    if (name && !strcmp(name, "site.lua")) {
        (void)cut_last(whole);
        return add_source(run, short_name ? "." : whole, name, false);
    }
    if (folder && is_policies(folder) && is_config_dir(path)) {
        (void)snprintf(only, sizeof only, "%.100s/%.300s", folder, name);
        return add_source(run, path, only, false);
    }
    const char *above = folder ? cut_last(path) : NULL;
    if (above && !strcmp(name, "policy.lua") && is_policies(above) && is_config_dir(path)) {
        (void)snprintf(only, sizeof only, "%.100s/%.300s/policy.lua", above, folder);
        return add_source(run, path, only, false);
    }
    name = cut_last(whole);
    return add_source(run, short_name ? "." : name ? whole : ".", name ? name : file, true);
}

static bool add_named(struct run *run, const char *name)
{
    char dir[4096];
    struct stat st;
    size_t n = strlen(name);
    if (stat(name, &st) != 0 || n >= sizeof dir) {
        (void)fprintf(stderr, "moonscan test: %s: %s\n", name, strerror(errno));
        run->mistakes++;
        return true;
    }
    if (!S_ISDIR(st.st_mode))
        return add_file(run, name);
    (void)snprintf(dir, sizeof dir, "%s", name);
    while (n > 1 && dir[n - 1] == '/')
        dir[--n] = '\0';
    return is_config_dir(dir) ? add_source(run, dir, NULL, false) : add_folder(run, dir);
}

/* --- 2. in the child -----------------------------------------------------------------------------
 */

/* Each once: a snapshot has no record twice. */
static enum moon_status add_domain(struct source *source, struct moon_arena *arena,
                                   const char *domain, const char *tenant)
{
    struct moon_error error;
    for (size_t i = 0; i < source->domain_count; i++)
        if (!strcmp(source->domains[i], domain))
            return MOON_OK;
    const char **larger =
        moon_arena_append(arena, source->domains, source->domain_count, sizeof *larger);
    const char *key = moon_arena_printf(arena, "domain/%s", domain);
    if (!larger || !key)
        return MOON_ENOMEM;
    source->domains = larger;
    larger[source->domain_count++] = domain;
    return moon_snapshot_writer_add(source->gather.writer, moon_span_of(key), moon_span_of(tenant),
                                    &error);
}

/* What stands on its own has no tenants.map: the domains that its tests send to are its own. */
static enum moon_status add_domains(struct source *source, struct moon_trial *trial,
                                    struct moon_arena *arena)
{
    struct moon_tests tests;
    struct moon_error error;
    const char *local, *tenant = moon_trial_tenant_of(trial->snapshot, arena, source->only);
    enum moon_status status =
        moon_policies_tests(trial->policies, arena, source->only, moon_span_of(""), &tests, &error);
    if (!tenant || status == MOON_ENOMEM)
        return MOON_ENOMEM;
    for (size_t i = 0; status == MOON_OK && i < tests.count; i++) {
        for (size_t k = 0; k < tests.test[i].rcpt.count; k++) {
            const char *domain = NULL;
            status = moon_path_split(arena, tests.test[i].rcpt.text[k], &local, &domain);
            if (domain && status == MOON_OK)
                status = add_domain(source, arena, domain, tenant);
        }
    }
    return status == MOON_ENOMEM ? status : MOON_OK;
}

struct engine {
    struct moon_span bytes;
    struct moon_snapshot *snapshot;
    struct moon_conf conf;
    struct moon_policies *policies;
};

static void close_engine(struct engine *engine)
{
    moon_policies_destroy(&engine->policies);
    moon_snapshot_close(&engine->snapshot);
    free((void *)(uintptr_t)engine->bytes.p);
    *engine = (struct engine){.policies = NULL};
}

static enum moon_status open_engine(struct source *source, struct moon_arena *arena,
                                    struct engine *engine_r, struct moon_error *error)
{
    char hash[65];
    *engine_r = (struct engine){.policies = NULL};
    enum moon_status status =
        moon_snapshot_writer_bytes(source->gather.writer, hash, &engine_r->bytes, error);
    if (status == MOON_OK)
        status = moon_snapshot_of_memory(engine_r->bytes, &engine_r->snapshot, error);
    if (status == MOON_OK)
        status = moon_conf_load(arena, engine_r->snapshot, &engine_r->conf, error);
    if (status == MOON_OK)
        status =
            moon_policies_create(&engine_r->conf, engine_r->snapshot, &engine_r->policies, error);
    return status;
}

static void use(struct moon_trial *trial, const struct engine *engine)
{
    trial->conf = &engine->conf;
    trial->snapshot = engine->snapshot;
    trial->policies = engine->policies;
}

/* What publishing would find in the text of the policy, branches that no test enters included. */
static enum moon_status look_at(const struct moon_trial *trial, struct moon_arena *arena,
                                struct moon_tap *tap, const char *path)
{
    struct moon_error error;
    const char **findings;
    size_t count;
    enum moon_status status =
        moon_policies_lint(trial->policies, arena, path, &findings, &count, &error);
    for (size_t i = 0; status == MOON_OK && i < count; i++)
        moon_tap_finding(tap, path, findings[i]);
    return status == MOON_ENOMEM ? status : MOON_OK; /* what does not load is told by its tests */
}

static enum moon_status look_at_all(const struct moon_trial *trial, struct moon_arena *arena,
                                    struct moon_tap *tap)
{
    struct moon_span key, value;
    enum moon_status status = MOON_OK;
    for (size_t i = 0; status == MOON_OK && moon_snapshot_each(trial->snapshot, i, &key, &value);
         i++) {
        if (!moon_span_is(moon_span_sub(key, 0, 7), "policy/"))
            continue;
        const char *path = moon_arena_dup(arena, moon_span_sub(key, 7, key.n));
        status = path ? look_at(trial, arena, tap, path) : MOON_ENOMEM;
    }
    return status;
}

static enum moon_status run_source(struct run *run, struct source *source, struct moon_tap *tap,
                                   const struct moon_trial_keys *keys, struct moon_arena *arena,
                                   struct moon_error *error)
{
    struct engine engine;
    struct moon_coverage coverage = {.arena = arena};
    struct moon_trial trial = {
        .keys = keys, .files = source->gather.files, .file_count = source->gather.file_count};
    struct moon_trial_batch batch = {.trial = &trial,
                                     .arena = arena,
                                     .tell = moon_tap_test,
                                     .context = tap,
                                     .coverage = &coverage,
                                     .policy_ms = POLICY_MS};
    char prefix[4100];

    (void)snprintf(prefix, sizeof prefix, "%s/", source->dir);
    tap->prefix = prefix;
    enum moon_status status = open_engine(source, arena, &engine, error);
    use(&trial, &engine);
    if (status == MOON_OK && source->alone) {
        status = add_domains(source, &trial, arena);
        close_engine(&engine);
        if (status == MOON_OK)
            status = open_engine(source, arena, &engine, error);
        use(&trial, &engine);
    }
    if (status == MOON_OK)
        status = source->only ? look_at(&trial, arena, tap, source->only)
                              : look_at_all(&trial, arena, tap);
    if (status == MOON_OK && source->only) {
        const char *tenant = moon_trial_tenant_of(engine.snapshot, arena, source->only);
        status = tenant ? moon_trial_policy(&batch, source->only, tenant) : MOON_ENOMEM;
    } else if (status == MOON_OK) {
        status = moon_trial_policies(&batch);
    }
    if (status == MOON_OK)
        moon_tap_rules(tap, &coverage, run->all_rules);
    close_engine(&engine);
    return status;
}

static int run_all(void *context, FILE *out)
{
    struct run *run = context;
    struct moon_tap tap = {.to = out, .prefix = ""};
    struct moon_trial_keys keys;
    struct moon_error error = {"no memory"};
    enum moon_status status = MOON_OK;

    if (!moon_trial_keys_load(&keys))
        return MOON_EXIT_FAILURE;
    moon_tap_begin(&tap);
    for (size_t i = 0; status == MOON_OK && i < run->count; i++) {
        struct moon_arena *arena = moon_arena_create(RUN_BYTES_MAX);
        status = arena ? run_source(run, run->source[i], &tap, &keys, arena, &error) : MOON_ENOMEM;
        moon_arena_destroy(&arena);
    }
    moon_trial_keys_free(&keys);
    if (status != MOON_OK) {
        (void)fprintf(out, "Bail out! %s\n", error.text);
        return MOON_EXIT_FAILURE;
    }
    moon_tap_end(&tap);
    return tap.failed ? MOON_EXIT_NO : MOON_EXIT_OK;
}

/* --- 3. ------------------------------------------------------------------------------------------
 */

static void print(void *context, struct moon_span bytes)
{
    (void)context;                             /* standard output is where it goes */
    (void)fwrite(bytes.p, 1, bytes.n, stdout); /* a closed pipe is the reader's wish */
    (void)fflush(stdout);
}

static int run_tests(struct run *run)
{
    struct moon_error error = {""};
    int code = MOON_EXIT_FAILURE;
    struct moon_confined confined = {.body = run_all,
                                     .take = print,
                                     .context = run,
                                     .ms = RUN_MS,
                                     .output_max = OUTPUT_BYTES_MAX,
                                     .memory_room = MEMORY_ROOM};
    if (run->mistakes) {
        (void)fprintf(stderr, "%zu mistake%s; no test was run\n", run->mistakes,
                      run->mistakes == 1 ? "" : "s");
        return MOON_EXIT_NO;
    }
    if (moon_confined_run(&confined, &code, &error) == MOON_OK)
        return code;
    (void)fprintf(stderr, "moonscan test: %s\n", error.text);
    return MOON_EXIT_FAILURE;
}

int moon_cmd_test(int argc, char **argv)
{
    static const struct option options[] = {
        {"all-rules", no_argument, NULL, 'a'}, {"help", no_argument, NULL, 'h'}, {0}};
    static struct run run;
    bool memory = true;
    int option;

    run = (struct run){.arena = moon_arena_create(RUN_BYTES_MAX)};
    optind = 0; /* GNU: start afresh */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'a') {
            run.all_rules = true;
            continue;
        }
        (void)fputs(help, option == 'h' ? stdout : stderr); /* a closed pipe is the reader's wish */
        moon_arena_destroy(&run.arena);
        return option == 'h' ? MOON_EXIT_OK : MOON_EXIT_USAGE;
    }
    if (optind == argc)
        (void)fprintf(stderr, "moonscan test: which policies? Name a DIR or FILE\n");
    for (int i = optind; memory && run.arena && i < argc; i++)
        memory = add_named(&run, argv[i]);
    int code = optind == argc ? MOON_EXIT_USAGE : MOON_EXIT_FAILURE;
    if (!memory || !run.arena)
        (void)fprintf(stderr, "moonscan test: no memory\n");
    else if (optind < argc)
        code = run_tests(&run);
    for (size_t i = 0; i < run.count; i++) {
        moon_snapshot_writer_destroy(&run.source[i]->gather.writer);
        moon_arena_destroy(&run.source[i]->gather.arena);
    }
    moon_arena_destroy(&run.arena);
    return code;
}
