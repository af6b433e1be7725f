/* SPDX-License-Identifier: MIT
 *
 * attacks FOLDER: every policy of the folder tries to break the sandbox. Prints TAP.
 *
 * A file's first line is "-- WHAT IT TRIES => HOW IT MUST END", the end being a part of the failure
 * text, or "verdict KIND" where nothing fails because what it tried is made harmless.
 * "@{1000*text@}" stands for so many times the text, since sources may be large. Lists are in
 * FOLDER/lists. Procedure for each file:
 *
 * 1. By work: instructions and memory are limited, time is not. It must end in the failure verdict
 *    with that text, within the memory and CPU time that the limits stand for: what the limits do
 *    not see would take longer.
 *    What only time can end ("time limit of") is left out.
 * 2. By time: only time is limited, and short. It must end soon all the same.
 * 3. After each, the witness (a policy beside the folder) finds everything as it should be.
 * 4. At last by the real worker: one process gets all of them and the witness in turn.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "local_scan/ask.h"
#include "tests/support/policy_case.h"

#define CHECK(cond) ((cond) ? (void)0 : (fprintf(stderr, "attacks: %s\n", #cond), abort()))

#if defined(__SANITIZE_ADDRESS__)
#define SLOW 10
#else
#define SLOW 1
#endif
/* CPU time. The first is what 2,000,000 instructions cost at worst, with room for a slow host; a
 * hole takes a minute. */
#define WORK_CPU_MS       (3000 * SLOW)
#define TIME_CPU_MS       (1500 * SLOW)
#define TIME_LIMIT_MS     50
#define INSTRUCTIONS      2000000
#define INSTRUCTIONS_TEXT "2000000"
#define FIELDS            100000u /* the message is the sender's work, and he may help */
#define WORKER_POLICY_MS  "1500"  /* the witness may have to wait for a busy machine */
#define WORKER_MS         120000
#define WORKER_RSS_KB     (200 * 1024)
#define ATTACKS_MAX       400

struct attack {
    char name[100], what[200], want[200];
};

static struct attack attacks[ATTACKS_MAX];
static size_t attack_count;
static struct policy_case c;
static char snapshot_path[300], log_path[300], body_path[300], program[4096];
static int cases, failures;

/* --- files --------------------------------------------------------------------------------------
 */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    char *text = calloc(1, 1 << 20);
    if (!file)
        fprintf(stderr, "attacks: %s cannot be read\n", path);
    CHECK(file && text);
    CHECK(fread(text, 1, (1 << 20) - 1, file) > 0);
    (void)fclose(file); /* was only read */
    return text;
}

/* "@{1000*text@}" -> the text a thousand times. */
static char *expand(const char *text)
{
    size_t n = 0;
    char *out = calloc(1, MOON_SOURCE_BYTES_MAX + 1);
    CHECK(out);
    while (*text) {
        if (strncmp(text, "@{", 2) != 0) {
            CHECK(n < MOON_SOURCE_BYTES_MAX);
            out[n++] = *text++;
            continue;
        }
        char *unit;
        unsigned long times = strtoul(text + 2, &unit, 10);
        const char *end = strstr(unit, "@}");
        CHECK(*unit == '*' && end);
        size_t length = (size_t)(end - ++unit);
        CHECK(n + times * length <= MOON_SOURCE_BYTES_MAX);
        for (; times; times--, n += length)
            memcpy(out + n, unit, length);
        text = end + 2;
    }
    return out;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct attack *)a)->name, ((const struct attack *)b)->name);
}

static bool is_lua(const char *file)
{
    const char *dot = strrchr(file, '.');
    return dot && !strcmp(dot, ".lua");
}

static void add_policy(const char *name, const char *text)
{
    char key[300], path[200];
    (void)snprintf(path, sizeof path, "tenants/%s.lua", name);
    (void)snprintf(key, sizeof key, "tenant/%s", name);
    policy_case_add(&c, key, path);
    (void)snprintf(key, sizeof key, "policy/%s", path);
    policy_case_add(&c, key, text);
    (void)snprintf(key, sizeof key, "domain/%s.example", name);
    policy_case_add(&c, key, name);
}

static void add_attack(const char *folder, const char *file)
{
    struct attack *attack = &attacks[attack_count];
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    char *text = read_file(path);
    CHECK(attack_count < ATTACKS_MAX && strlen(file) < sizeof attack->name);
    (void)snprintf(attack->name, sizeof attack->name, "%.*s", (int)strlen(file) - 4, file);
    if (sscanf(text, "-- %199[^\n=] => %199[^\n]", attack->what, attack->want) != 2) {
        fprintf(stderr, "attacks: %s:1: want -- WHAT IT TRIES => HOW IT MUST END\n", path);
        abort();
    }
    attack_count++;
    char *source = expand(text);
    add_policy(attack->name, source);
    free(source);
    free(text);
}

static void add_folder(const char *folder, bool lists)
{
    DIR *dir = opendir(folder);
    CHECK(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[600], key[400];
        if (!is_lua(entry->d_name))
            continue;
        if (!lists) {
            add_attack(folder, entry->d_name);
            continue;
        }
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        (void)snprintf(key, sizeof key, "list/tenants/lists/%s", entry->d_name);
        char *text = read_file(path);
        policy_case_add(&c, key, text);
        free(text);
    }
    (void)closedir(dir); /* was only read */
}

static void make_snapshot(const char *folder)
{
    char path[600], hash[65];
    struct moon_error error = {""};

    policy_case_begin(&c);
    add_folder(folder, false);
    qsort(attacks, attack_count, sizeof *attacks, by_name);
    (void)snprintf(path, sizeof path, "%s/lists", folder);
    add_folder(path, true);
    (void)snprintf(path, sizeof path, "%s/../witness.lua", folder);
    char *witness = read_file(path);
    add_policy("witness", witness);
    free(witness);
    (void)snprintf(log_path, sizeof log_path, "%s/log", c.folder);
    (void)snprintf(body_path, sizeof body_path, "%s/body", c.folder);
    policy_case_add(&c, "conf/log.path", log_path);
    policy_case_add(&c, "conf/limits.policy_instructions", INSTRUCTIONS_TEXT);
    policy_case_add(&c, "conf/limits.policy_ms", WORKER_POLICY_MS);
    CHECK(moon_snapshot_writer_save(c.writer, c.folder, hash, &error) == MOON_OK);
    (void)snprintf(snapshot_path, sizeof snapshot_path, "%s/%s.snapshot", c.folder, hash);
    CHECK(moon_snapshot_open(snapshot_path, &c.snapshot, &error) == MOON_OK);
}

/* --- in this process ----------------------------------------------------------------------------
 */

static int64_t cpu_ms(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void report(bool ok, const char *name, const char *what)
{
    failures += !ok;
    printf("%s %d - %s: %s\n", ok ? "ok" : "not ok", ++cases, name, what);
    (void)fflush(stdout); /* a crash must not take the last lines along */
}

static bool complain(const char *name, const char *what, long long got, long long want)
{
    printf("# %s: %s: got %lld, want at most %lld\n", name, what, got, want);
    return false;
}

static struct moon_verdict decide(struct moon_policies *policies, struct moon_arena *arena,
                                  const char *tenant)
{
    struct moon_verdict verdict;
    c.input.tenant = tenant;
    CHECK(moon_policy_decide(policies, arena, &c.input, &verdict) == MOON_OK);
    return verdict;
}

static bool witness_is_served(struct moon_policies *policies, const char *after)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_verdict verdict = decide(policies, arena, "witness");
    bool ok = verdict.kind == MOON_VERDICT_ACCEPT && !verdict.failure && verdict.header_count == 1;
    if (!ok)
        printf("# after %s the witness: %s\n", after, verdict.failure ? verdict.failure : "?");
    moon_arena_destroy(&arena);
    return ok;
}

#define VERDICT "verdict "

static bool is_verdict(const struct attack *attack)
{
    return !strncmp(attack->want, VERDICT, strlen(VERDICT));
}

static bool is_by_time(const struct attack *attack)
{
    return strstr(attack->want, "time limit of") != NULL;
}

/* Does it start with the tenant's file and contain the text? */
static bool ends_as(const struct attack *attack, const char *failure)
{
    char file[200];
    int n = snprintf(file, sizeof file, "tenants/%s.lua:", attack->name);
    bool ok = failure && !strncmp(failure, file, (size_t)n) && strstr(failure, attack->want);
    if (!ok)
        printf("# %s: got '%s', want '%s'\n", attack->name, failure ? failure : "no failure",
               attack->want);
    return ok;
}

/* Is it the verdict that the attack may have, with nothing in it that Exim must not see? */
static bool is_harmless(const struct attack *attack, const struct moon_verdict *verdict)
{
    static const char *const kinds[] = {"none",   "accept", "quarantine",
                                        "reject", "defer",  "discard"};
    const char *texts[] = {verdict->text, verdict->comment, verdict->tag, verdict->reason};
    size_t most[] = {MOON_REPLY_LINES_MAX * (MOON_REPLY_LINE_MAX + 1), MOON_REPLY_LINE_MAX, 60,
                     MOON_REPLY_LINE_MAX};
    bool ok = !verdict->failure && !strcmp(attack->want + strlen(VERDICT), kinds[verdict->kind]) &&
              verdict->header_count <= MOON_ADDED_MAX;

    for (size_t i = 0; i < 4; i++)
        ok = ok && (!texts[i] || (strlen(texts[i]) <= most[i] && !strpbrk(texts[i], "\r\33")));
    for (size_t i = 0; ok && i < verdict->header_count; i++)
        ok = strlen(verdict->headers[i]) <= MOON_FIELD_LINE_MAX &&
             !strpbrk(verdict->headers[i], "\r\n\33");
    if (!ok)
        printf("# %s: got a %s, %s\n", attack->name, kinds[verdict->kind],
               verdict->failure ? verdict->failure : "or what is in it is too much");
    return ok;
}

/* The failure verdict, and by the end that the attack must have. */
static bool is_failure(const struct attack *attack, const struct moon_verdict *verdict, bool named)
{
    if (verdict->kind == MOON_VERDICT_DEFER && !strcmp(verdict->layer, "failure"))
        return !named || ends_as(attack, verdict->failure);
    printf("# %s: got verdict %d, want the failure verdict\n", attack->name, verdict->kind);
    return false;
}

/* One decision of an attack: its CPU time, and how it ended. */
static bool run(struct moon_policies *policies, const struct attack *attack, bool by_work)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    int64_t before = cpu_ms(), most = by_work ? WORK_CPU_MS : TIME_CPU_MS;
    struct moon_verdict verdict = decide(policies, arena, attack->name);
    int64_t took = cpu_ms() - before;
    bool named = by_work || is_by_time(attack);
    bool ok = is_verdict(attack) && !verdict.failure ? is_harmless(attack, &verdict)
                                                     : is_failure(attack, &verdict, named);

    if (getenv("MOON_VERBOSE"))
        printf("# %s by %s: %lld ms, %s\n", attack->name, by_work ? "work" : "time",
               (long long)took, verdict.failure ? verdict.failure : "no failure");
    if (took > most)
        ok = complain(attack->name, by_work ? "CPU ms by work" : "CPU ms by time", took, most);
    moon_arena_destroy(&arena);
    return ok;
}

static void run_in_process(void)
{
    struct moon_error error = {""};
    struct moon_conf by_time = c.conf;
    struct moon_policies *policies = NULL, *timed = NULL;

    c.conf.policy_instructions = INSTRUCTIONS;
    by_time.policy_instructions = INT64_MAX;
    by_time.policy_ms = TIME_LIMIT_MS;
    CHECK(moon_policies_create(&c.conf, c.snapshot, &policies, &error) == MOON_OK);
    CHECK(moon_policies_create(&by_time, c.snapshot, &timed, &error) == MOON_OK);
    for (size_t i = 0; i < attack_count; i++) {
        const struct attack *attack = &attacks[i];
        bool ok = is_by_time(attack) || run(policies, attack, true);
        ok = witness_is_served(policies, attack->name) && ok;
        ok = run(timed, attack, false) && ok;
        report(ok, attack->name, attack->what);
    }
    int64_t peak = moon_policies_peak_bytes(policies), limit = c.conf.policy_bytes;
    bool ok = peak <= limit || complain("all", "bytes", peak, limit);
    report(ok && peak > limit / 2, "all", "memory stays within the limit, and was tried");
    moon_policies_destroy(&policies);
    moon_policies_destroy(&timed);
}

/* --- through the worker -------------------------------------------------------------------------
 */

static void ask_worker(struct moon_ask *ask, const char *tenant, struct moon_answer *answer)
{
    char recipient[200];
    struct moon_wire_field field = {' ', MOON_SPAN("Subject: attack\n")};
    struct moon_settings settings = {
        .program = program, .snapshot = snapshot_path, .timeout_ms = WORKER_MS};
    struct moon_spawn_guard guard;

    (void)snprintf(recipient, sizeof recipient, "x@%s.example", tenant);
    struct moon_span recipients[] = {moon_span_of(recipient)};
    struct moon_request request = {
        .id = MOON_SPAN("1abc-000-00"),
        .client_ip = MOON_SPAN("192.0.2.7"),
        .helo = MOON_SPAN("[192.0.2.7]"), /* no question for DNS anywhere */
        .receiver_name = MOON_SPAN("mx.example"),
        .received_s = 1790000000,
        .recipients = recipients,
        .recipient_count = 1,
        .fields = &field,
        .field_count = 1,
        .flags = MOON_WIRE_FLAG_BODY,
    };
    int body = open(body_path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    struct moon_applied applied = {0};
    char why[300] = "";

    CHECK(body >= 0);
    moon_spawn_enter(&guard, &ask->worker);
    moon_ask_message(ask, &settings, &request, body, answer);
    applied.verdict = (uint8_t)answer->verdict;
    (void)moon_ask_applied(ask, answer, &applied, why, sizeof why); /* a dead worker shows below */
    moon_spawn_leave(&guard);
    (void)close(body);
}

static long peak_rss_kb(pid_t pid)
{
    char path[64], line[200];
    long kb = -1;
    (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %ld", &kb) == 1)
            break;
    if (file)
        (void)fclose(file); /* was only read */
    return kb;
}

/* The witness says by a field that it was asked, and found everything right. */
static bool is_witness(const struct moon_answer *answer)
{
    bool found = false;
    for (uint32_t i = 0; i < answer->decision.added_count; i++)
        found = found || moon_span_is(answer->decision.added[i].text, "X-Witness: served");
    return found && answer->verdict == MOON_WIRE_ACCEPT;
}

static void run_worker(void)
{
    struct moon_ask ask = MOON_ASK_START;
    struct moon_spawn_guard guard;
    char how[64];
    pid_t pid = 0;

    for (size_t i = 0; i < attack_count; i++) {
        const struct attack *attack = &attacks[i];
        struct moon_answer answer;
        ask_worker(&ask, attack->name, &answer);
        bool failed = strstr(answer.log, "failure=") && strstr(answer.log, attack->name);
        bool ok =
            !answer.failed && (is_verdict(attack) || (failed && answer.verdict == MOON_WIRE_DEFER));
        if (!ok)
            printf("# %s: got %d, %s\n", attack->name, answer.verdict, answer.log);
        moon_answer_free(&answer);
        pid = i == 0 ? ask.worker.pid : pid;
        ask_worker(&ask, "witness", &answer);
        if (!is_witness(&answer) || ask.worker.pid != pid) {
            printf("# after %s: got %d, %s\n", attack->name, answer.verdict, answer.log);
            ok = false;
        }
        moon_answer_free(&answer);
        pid = ask.worker.pid;
        report(ok, attack->name, "and the worker serves the next message");
    }
    long rss = peak_rss_kb(pid), most = SLOW > 1 ? 8L * 1024 * 1024 : WORKER_RSS_KB;
    printf("# the worker's largest resident memory: %ld KB\n", rss);
    report(rss > 0 && (rss <= most || complain("worker", "KB", rss, most)), "worker",
           "its memory stays small");
    moon_spawn_enter(&guard, &ask.worker);
    moon_spawn_end(&ask.worker, 1000, how, sizeof how);
    moon_spawn_leave(&guard);
}

/* A message with as many fields as there can be: to go through them is work. */
static void add_fields(void)
{
    struct moon_field *fields = moon_arena_array(c.arena, FIELDS, sizeof *fields);
    CHECK(fields);
    memcpy(fields, c.msg.fields, c.msg.field_count * sizeof *fields);
    for (uint32_t i = (uint32_t)c.msg.field_count; i < FIELDS; i++)
        fields[i] = (struct moon_field){
            .name = MOON_SPAN("X"), .value = MOON_SPAN(""), .raw = MOON_SPAN("X:"), .index = i};
    c.msg.fields = fields;
    c.msg.field_count = FIELDS;
}

int main(int argc, char **argv)
{
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 32);
    CHECK(argc == 2 && n > 0);
    program[n] = '\0';
    for (int i = 0; i < 2; i++)
        *strrchr(program, '/') = '\0';
    (void)strcat(program, "/moonscan"); /* there is room */
    moon_bug_is_fatal = true;
    make_snapshot(argv[1]);
    add_fields();
    run_in_process();
    run_worker();
    CHECK(unlink(snapshot_path) == 0 && unlink(body_path) == 0);
    (void)unlink(log_path); /* there is one when the worker could write */
    CHECK(rmdir(c.folder) == 0);
    policy_case_end(&c);
    printf("1..%d\n", cases);
    return failures ? 1 : 0;
}
