/* SPDX-License-Identifier: MIT
 *
 * bench: the engine alone, on a corpus of messages, timed. Procedure: (1) read list.tsv and all
 * messages, (2) start the processes, each with an engine of its own, (3) each takes the next
 * message until all passes are done, (4) a JSON object for each message, and a summary.
 *
 * What is timed is a message's parsing and moon_scan with its policy: what a worker does between
 * request and decision.
 */
#include <errno.h>
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/auth/sig_pkey.h"
#include "engine/base/budget.h"
#include "engine/base/json.h"
#include "engine/base/limits.h"
#include "engine/cmd/cmd.h"
#include "engine/cmd/readfile.h"
#include "engine/cmd/setup.h"
#include "engine/message/address.h"

#define LIST_BYTES_MAX (16u * 1024 * 1024)
#define MAIL_BYTES_MAX (64u * 1024 * 1024)
#define MESSAGES_MAX   100000u
#define JOBS_MAX       64u
#define REPEAT_MAX     100000u
#define RESULT_BYTES   2048u
#define CORPUS_ARENA   ((size_t)64 * 1024 * 1024) /* names and envelopes; messages are beside it */

static const char help[] =
    "Usage: moonscan bench [OPTIONS] CORPUS\n"
    "\n"
    "Evaluates the messages of the folder CORPUS and prints results and times, a JSON object\n"
    "for each. CORPUS/list.tsv names them, a line each: id, client address, HELO, sender,\n"
    "recipient, file; separated by tabs.\n"
    "\n"
    "  --jobs N         processes at a time                         (1)\n"
    "  --repeat N       passes over the corpus                      (1)\n"
    "  --zone FILE      answer DNS questions from this zone file\n"
    "  --snapshot FILE  the published snapshot                      (none: what is built in)\n"
    "  --help           this text\n";

struct mail {
    const char *id, *helo, *mail_from, *recipient;
    struct moon_ip ip;
    struct moon_span text;
};

/* Of one message in one pass; shared with the processes. */
struct result {
    char json[RESULT_BYTES];
};

struct shared {
    atomic_uint next, failed;
    atomic_size_t made, unwrapped, decoded; /* as in struct moon_sig_pkey_counts */
    struct result results[];
};

struct bench {
    const char *corpus, *zone, *snapshot;
    unsigned jobs, repeat;
    struct moon_arena *arena;
    struct mail *mails;
    size_t count;
    struct shared *shared;
    size_t shared_bytes;
};

/* --- step 1 ----------------------------------------------------------------------------------- */

static enum moon_status read_line(struct bench *bench, struct moon_span line,
                                  struct moon_error *error)
{
    struct moon_buf buf = moon_buf_of(line);
    const char *columns[6], *path;
    struct mail *larger =
        moon_arena_append(bench->arena, bench->mails, bench->count, sizeof *bench->mails);

    if (!larger)
        return moon_fail(error, MOON_ENOMEM, "no memory");
    bench->mails = larger;
    struct mail *mail = &bench->mails[bench->count];
    *mail = (struct mail){0};
    for (size_t i = 0; i < 6; i++) {
        columns[i] = moon_arena_dup(bench->arena, moon_buf_until(&buf, '\t'));
        (void)moon_buf_skip(&buf, '\t'); /* the last column has none */
        if (!columns[i])
            return moon_fail(error, MOON_ENOMEM, "no memory");
    }
    if (!moon_ip_parse(moon_span_of(columns[1]), &mail->ip) || !*columns[5])
        return moon_fail(error, MOON_ECONF,
                         "%s/list.tsv: line %zu is not: id, address, HELO, "
                         "sender, recipient, file",
                         bench->corpus, bench->count + 1);
    mail->id = columns[0];
    mail->helo = columns[2];
    mail->mail_from = columns[3];
    mail->recipient = columns[4];
    path = moon_arena_printf(bench->arena, "%s/%s", bench->corpus, columns[5]);
    if (!path)
        return moon_fail(error, MOON_ENOMEM, "no memory");
    enum moon_status status = moon_readfile(path, MAIL_BYTES_MAX, &mail->text, error);
    bench->count += status == MOON_OK;
    return status;
}

static enum moon_status read_corpus(struct bench *bench, struct moon_error *error)
{
    struct moon_span list;
    const char *path = moon_arena_printf(bench->arena, "%s/list.tsv", bench->corpus);
    enum moon_status status = path ? moon_readfile(path, LIST_BYTES_MAX, &list, error)
                                   : moon_fail(error, MOON_ENOMEM, "no memory");

    if (status != MOON_OK)
        return status;
    struct moon_buf buf = moon_buf_of(list);
    while (status == MOON_OK && !moon_buf_at_end(&buf)) {
        struct moon_span line = moon_buf_until(&buf, '\n');
        (void)moon_buf_skip(&buf, '\n'); /* the last line may have none */
        if (bench->count == MESSAGES_MAX)
            status =
                moon_fail(error, MOON_EBUDGET, "%s: more than %u messages", path, MESSAGES_MAX);
        else if (line.n)
            status = read_line(bench, line, error);
    }
    free((void *)(uintptr_t)list.p); /* ours, from moon_readfile */
    if (status == MOON_OK && bench->count == 0)
        status = moon_fail(error, MOON_ECONF, "%s: names no message", path);
    return status;
}

/* --- step 3 ----------------------------------------------------------------------------------- */

static enum moon_status take_message(struct moon_arena *arena, const struct mail *mail,
                                     struct moon_message *msg, struct moon_error *error)
{
    const char *local;

    *msg =
        (struct moon_message){.id = mail->id,
                              .session = {.ip = mail->ip, .helo = mail->helo, .protocol = "esmtp"},
                              .mail_from = mail->mail_from,
                              .received_s = (int64_t)time(NULL),
                              .dry_run = true,
                              .receiver_name = "mx.rcpt.example",
                              .recipient_count = 1};
    msg->recipients = moon_arena_array(arena, 1, sizeof *msg->recipients);
    if (!msg->recipients)
        return moon_fail(error, MOON_ENOMEM, "no memory");
    msg->recipients[0].address = mail->recipient;
    enum moon_status status = moon_message_parse(arena, mail->text, msg, error);
    if (status == MOON_OK)
        status = moon_path_split(arena, mail->mail_from, &local, &msg->mail_from_domain);
    if (status == MOON_OK)
        status = moon_path_split(arena, mail->recipient, &local, &msg->recipients[0].domain);
    return status;
}

static void print_result(struct moon_arena *arena, const struct mail *mail,
                         const struct moon_outcome *outcome, int64_t us, struct result *result)
{
    const struct moon_results *r = &outcome->results;
    struct moon_json json;

    moon_json_begin(&json, arena);
    moon_json_object(&json, NULL);
    moon_json_string(&json, "id", mail->id);
    moon_json_string(&json, "spf", moon_result_name(r->spf.result));
    moon_json_array(&json, "dkim");
    for (size_t i = 0; i < r->dkim.count; i++) {
        moon_json_object(&json, NULL);
        moon_json_string(&json, "d", r->dkim.sigs[i].domain);
        moon_json_string(&json, "s", r->dkim.sigs[i].selector);
        moon_json_string(&json, "result", moon_result_name(r->dkim.sigs[i].result));
        moon_json_close(&json, '}');
    }
    moon_json_close(&json, ']');
    moon_json_string(&json, "dmarc", moon_result_name(r->dmarc.result));
    moon_json_string(&json, "arc", moon_result_name(r->arc.result));
    moon_json_int(&json, "us", us);
    moon_json_int(&json, "questions", r->dns.questions);
    moon_json_int(&json, "rounds", r->dns.rounds);
    moon_json_close(&json, '}');
    const char *text = moon_json_end(&json);
    (void)snprintf(result->json, sizeof result->json, "%s", text ? text : "{}"); /* cut: 20 names */
}

static bool evaluate(const struct moon_engine *engine, const struct mail *mail,
                     struct result *result)
{
    int64_t started_us = moon_clock_us();
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_message msg;
    struct moon_outcome outcome = {.dns = NULL};
    struct moon_error error = {"no memory"};

    bool good = arena && take_message(arena, mail, &msg, &error) == MOON_OK &&
                moon_scan(engine, arena, &msg, &outcome, &error) == MOON_OK;
    int64_t us = moon_clock_us() - started_us;
    if (good)
        print_result(arena, mail, &outcome, us, result);
    else
        (void)fprintf(stderr, "moonscan bench: %s: %s\n", mail->id, error.text);
    moon_outcome_end(&outcome);
    moon_arena_destroy(&arena);
    return good;
}

/* One process. Never returns. */
static void work(const struct bench *bench)
{
    struct moon_setup setup;
    struct moon_dns_backend *dns = NULL;
    struct moon_error error = {""};
    unsigned i, total = (unsigned)bench->count * bench->repeat;
    bool good = true;

    enum moon_status status = bench->zone ? moon_readfile_zone(bench->zone, &dns, &error) : MOON_OK;
    if (status == MOON_OK)
        status = moon_setup_open(bench->snapshot, dns, &setup, &error);
    if (status != MOON_OK) {
        (void)fprintf(stderr, "moonscan bench: %s\n", error.text);
        _exit(MOON_EXIT_FAILURE);
    }
    while ((i = atomic_fetch_add(&bench->shared->next, 1)) < total)
        good =
            evaluate(&setup.engine, &bench->mails[i % bench->count], &bench->shared->results[i]) &&
            good;
    moon_setup_close(&setup);
    struct moon_sig_pkey_counts keys = moon_sig_pkey_counts();
    atomic_fetch_add(&bench->shared->made, keys.made);
    atomic_fetch_add(&bench->shared->unwrapped, keys.unwrapped);
    atomic_fetch_add(&bench->shared->decoded, keys.decoded);
    _exit(good ? MOON_EXIT_OK : MOON_EXIT_FAILURE);
}

/* --- steps 2 and 4 ---------------------------------------------------------------------------- */

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int run(struct bench *bench)
{
    struct rusage used;
    size_t total = bench->count * bench->repeat;
    int status, worst = 0;

    bench->shared_bytes = sizeof *bench->shared + total * sizeof(struct result);
    void *pages =
        mmap(NULL, bench->shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        (void)fprintf(stderr, "moonscan bench: %s\n", strerror(errno));
        return MOON_EXIT_FAILURE;
    }
    bench->shared = pages;
    int64_t started_us = moon_clock_us();
    for (unsigned i = 0; i < bench->jobs; i++) {
        pid_t pid = fork();
        if (pid == 0)
            work(bench);
        worst = pid < 0 ? MOON_EXIT_FAILURE : worst;
    }
    while (wait(&status) > 0)
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            worst = MOON_EXIT_FAILURE;
    double wall_s = (double)(moon_clock_us() - started_us) / 1e6;
    for (size_t i = 0; i < total; i++)
        if (bench->shared->results[i].json[0])
            (void)puts(bench->shared->results[i].json);
    if (getrusage(RUSAGE_CHILDREN, &used) != 0)
        return MOON_EXIT_FAILURE;
    (void)printf("{\"summary\":{\"n\":%zu,\"wall_s\":%.6f,\"cpu_s\":%.6f,\"keys_made\":%zu,"
                 "\"keys_unwrapped\":%zu,\"keys_decoded\":%zu}}\n",
                 total, wall_s, seconds(used.ru_utime) + seconds(used.ru_stime),
                 (size_t)bench->shared->made, (size_t)bench->shared->unwrapped,
                 (size_t)bench->shared->decoded);
    (void)munmap(pages, bench->shared_bytes);
    return worst || ferror(stdout) ? MOON_EXIT_FAILURE : MOON_EXIT_OK;
}

static bool take_number(const char *text, unsigned max, unsigned *number_r)
{
    uint64_t number;
    if (!moon_span_number(moon_span_of(text), max, &number) || number == 0)
        return false;
    *number_r = (unsigned)number;
    return true;
}

int moon_cmd_bench(int argc, char **argv)
{
    static const struct option options[] = {
        {"jobs", required_argument, NULL, 'j'}, {"repeat", required_argument, NULL, 'r'},
        {"zone", required_argument, NULL, 'z'}, {"snapshot", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},       {0}};
    struct bench bench = {.jobs = 1, .repeat = 1};
    struct moon_error error = {"no memory"};
    bool good = true;
    int option;

    optind = 0; /* GNU: start afresh */
    while (good && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'j')
            good = take_number(optarg, JOBS_MAX, &bench.jobs);
        else if (option == 'r')
            good = take_number(optarg, REPEAT_MAX, &bench.repeat);
        else if (option == 'z')
            bench.zone = optarg;
        else if (option == 's')
            bench.snapshot = optarg;
        else if (option == 'h')
            return fputs(help, stdout) < 0 ? MOON_EXIT_FAILURE : MOON_EXIT_OK;
        else
            good = false;
    }
    if (!good || optind != argc - 1) {
        (void)fputs("moonscan bench: wrong usage; `moonscan bench --help` tells more\n", stderr);
        return MOON_EXIT_USAGE;
    }
    bench.corpus = argv[optind];
    if (bench.snapshot && moon_setup_choose(bench.snapshot, &bench.snapshot, &error) != MOON_OK) {
        (void)fprintf(stderr, "moonscan bench: %s\n", error.text);
        return MOON_EXIT_USAGE;
    }
    bench.arena = moon_arena_create(CORPUS_ARENA);
    enum moon_status status = bench.arena ? read_corpus(&bench, &error) : MOON_ENOMEM;
    if (status != MOON_OK)
        (void)fprintf(stderr, "moonscan bench: %s\n", error.text);
    int leave = status == MOON_OK ? run(&bench) : MOON_EXIT_USAGE;
    for (size_t i = 0; i < bench.count; i++)
        free((void *)(uintptr_t)bench.mails[i].text.p); /* ours, from moon_readfile */
    moon_arena_destroy(&bench.arena);
    return leave;
}
