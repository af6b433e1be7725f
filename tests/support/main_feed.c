/* SPDX-License-Identifier: MIT
 *
 * feed: one worker, started as the module starts it, gets message after message over the wire, as
 * in one SMTP connection that never ends. For watching the worker's memory.
 *
 *   feed [--each] --program FILE --snapshot FILE --log FILE --tenants N CORPUS COUNT ...
 *
 * CORPUS/list.tsv as `moonscan bench` has it; files with LF line ends. The messages come in turn,
 * each for a tenant t0 ... t(N-1) drawn by a fixed rule, every eighth for three of them. After each
 * COUNT of messages (ascending) it prints "COUNT PID accepted refused failed" and waits for a line
 * on standard input, so that somebody can look at the worker. The decision log is emptied now and
 * then, as by logrotate.
 *
 * With --each a worker for each message, as in connections that bring one; then the line ends with
 * what they took since the line before, microseconds of CPU and page faults a message.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/cmd/readfile.h"
#include "local_scan/ask.h"

#define CHECK(cond)    ((cond) ? (void)0 : (perror("feed: " #cond), abort()))
#define MAILS_MAX      1000u
#define MAIL_BYTES_MAX (64u * 1024 * 1024)
#define TIMEOUT_MS     60000
#define LOG_EVERY      500u /* messages between two rotations */
#define SEVERAL_EVERY  8u

struct mail {
    struct moon_span ip, helo, mail_from;
    struct moon_wire_field *fields;
    uint32_t field_count;
    uint64_t body_start_bytes;
    char path[400];
};

struct feed {
    struct moon_settings settings;
    const char *log;
    unsigned long tenants;
    struct mail *mails;
    size_t count;
    struct moon_ask ask;
    unsigned long accepted, refused, failed;
    uint64_t state; /* xorshift64 */
};

/* --- the corpus ----------------------------------------------------------------------------------
 */

/* Where the field at `text` ends: behind the first LF that no fold follows. */
static size_t field_end(struct moon_span text)
{
    size_t end = 0;
    while (end < text.n) {
        const char *lf = memchr(text.p + end, '\n', text.n - end);
        end = lf ? (size_t)(lf - text.p) + 1 : text.n;
        if (end == text.n || (text.p[end] != ' ' && text.p[end] != '\t'))
            break;
    }
    return end;
}

static void read_mail(struct mail *mail, struct moon_span text)
{
    size_t at = 0, room = 64;

    mail->fields = calloc(room, sizeof *mail->fields);
    while (at < text.n && text.p[at] != '\n') {
        struct moon_span rest = moon_span_sub(text, at, text.n);
        if (mail->field_count == room) {
            room *= 2;
            mail->fields = realloc(mail->fields, room * sizeof *mail->fields);
        }
        CHECK(mail->fields);
        rest.n = field_end(rest);
        mail->fields[mail->field_count++] = (struct moon_wire_field){' ', rest};
        at += rest.n;
    }
    mail->body_start_bytes = at < text.n ? at + 1 : at;
}

static void read_corpus(struct feed *feed, const char *folder)
{
    char path[400];
    struct moon_span list, text;
    struct moon_error error = {""};

    (void)snprintf(path, sizeof path, "%s/list.tsv", folder);
    CHECK(moon_readfile(path, MAIL_BYTES_MAX, &list, &error) == MOON_OK);
    feed->mails = calloc(MAILS_MAX, sizeof *feed->mails);
    CHECK(feed->mails);
    for (struct moon_buf buf = moon_buf_of(list); !moon_buf_at_end(&buf);) {
        struct mail *mail = &feed->mails[feed->count++];
        struct moon_span columns[6];
        for (size_t i = 0; i < 6; i++) {
            columns[i] = moon_buf_until(&buf, i < 5 ? '\t' : '\n');
            CHECK(moon_buf_skip(&buf, i < 5 ? '\t' : '\n'));
        }
        CHECK(feed->count < MAILS_MAX);
        mail->ip = columns[1];
        mail->helo = columns[2];
        mail->mail_from = columns[3];
        (void)snprintf(mail->path, sizeof mail->path, "%s/%.*s", folder, (int)columns[5].n,
                       columns[5].p);
        CHECK(moon_readfile(mail->path, MAIL_BYTES_MAX, &text, &error) == MOON_OK);
        read_mail(mail, text);
    }
}

/* --- a worker for each message -------------------------------------------------------------------
 */

/* As at the end of a connection. */
static void end_connection(struct feed *feed)
{
    if (feed->ask.worker.pid <= 0)
        return;
    (void)close(feed->ask.worker.socket);
    CHECK(waitpid(feed->ask.worker.pid, NULL, 0) == feed->ask.worker.pid);
    feed->ask = MOON_ASK_START;
}

/* Of all workers that have ended. */
static struct rusage used(void)
{
    struct rusage usage;
    CHECK(getrusage(RUSAGE_CHILDREN, &usage) == 0);
    return usage;
}

static double cpu_us(const struct rusage *usage)
{
    return 1e6 * (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

static void print_used(const struct rusage *before, unsigned long messages)
{
    struct rusage now = used();
    (void)printf(" %.1f %.1f", (cpu_us(&now) - cpu_us(before)) / (double)messages,
                 (double)(now.ru_minflt - before->ru_minflt) / (double)messages);
}

/* --- messages ------------------------------------------------------------------------------------
 */

static unsigned long draw(struct feed *feed)
{
    feed->state ^= feed->state << 13;
    feed->state ^= feed->state >> 7;
    feed->state ^= feed->state << 17;
    return (unsigned long)(feed->state % feed->tenants);
}

static void send_message(struct feed *feed, unsigned long number)
{
    const struct mail *mail = &feed->mails[number % feed->count];
    char id[32], addresses[3][64];
    struct moon_span recipients[3];
    struct moon_applied applied = {0};
    struct moon_answer answer;
    struct moon_spawn_guard guard;
    char why[300] = "";
    struct moon_request request = {.client_ip = mail->ip,
                                   .helo = mail->helo,
                                   .protocol = MOON_SPAN("esmtp"),
                                   .receiver_name = MOON_SPAN("mx.lab.test"),
                                   .mail_from = mail->mail_from,
                                   .received_s = 1795262400 + (int64_t)number / 10,
                                   .recipients = recipients,
                                   .recipient_count = number % SEVERAL_EVERY ? 1 : 3,
                                   .fields = mail->fields,
                                   .field_count = mail->field_count,
                                   .body_start_bytes = mail->body_start_bytes,
                                   .flags = MOON_WIRE_FLAG_BODY};
    int body = open(mail->path, O_RDONLY | O_CLOEXEC);

    CHECK(body >= 0);
    (void)snprintf(id, sizeof id, "1vM%06lu-000001-Xy", number % 1000000);
    request.id = moon_span_of(id);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(addresses[i], sizeof addresses[i], "joe@t%lu.example", draw(feed));
        recipients[i] = moon_span_of(addresses[i]);
    }
    moon_spawn_enter(&guard, &feed->ask.worker);
    moon_ask_message(&feed->ask, &feed->settings, &request, body, &answer);
    applied.verdict = (uint8_t)answer.verdict;
    bool told = moon_ask_applied(&feed->ask, &answer, &applied, why, sizeof why);
    moon_spawn_leave(&guard);
    if (answer.failed || !told)
        (void)fprintf(stderr, "feed: %s: %s%s\n", mail->path, answer.log, why);
    feed->failed += answer.failed || !told;
    feed->accepted += !answer.failed && answer.verdict == MOON_WIRE_ACCEPT;
    feed->refused += !answer.failed && answer.verdict != MOON_WIRE_ACCEPT;
    moon_answer_free(&answer);
    (void)close(body); /* was only read */
    if (number % LOG_EVERY == 0)
        (void)!truncate(feed->log, 0); /* it may not be there yet */
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"each", 0, NULL, 'e'},     {"program", 1, NULL, 'p'},
                                            {"snapshot", 1, NULL, 's'}, {"log", 1, NULL, 'l'},
                                            {"tenants", 1, NULL, 't'},  {NULL, 0, NULL, 0}};
    struct feed feed = {.settings = {.timeout_ms = TIMEOUT_MS},
                        .tenants = 1,
                        .ask = MOON_ASK_START,
                        .state = 88172645463325252ull};
    struct moon_spawn_guard guard;
    char how[64], line[16];
    unsigned long sent = 0;
    bool each = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'p')
            feed.settings.program = optarg;
        else if (option == 's')
            feed.settings.snapshot = optarg;
        else if (option == 'l')
            feed.log = optarg;
        else if (option == 't')
            feed.tenants = strtoul(optarg, NULL, 10);
        else if (option == 'e')
            each = true;
    }
    CHECK(feed.settings.program && feed.settings.snapshot && feed.log && feed.tenants > 0);
    CHECK(argc - optind >= 2);
    read_corpus(&feed, argv[optind]);
    for (int i = optind + 1; i < argc; i++) {
        unsigned long first = sent, count = strtoul(argv[i], NULL, 10);
        struct rusage before = used();
        for (; sent < count; sent++) {
            send_message(&feed, sent);
            if (each)
                end_connection(&feed);
        }
        (void)printf("%lu %ld %lu %lu %lu", sent, (long)feed.ask.worker.pid, feed.accepted,
                     feed.refused, feed.failed);
        if (each && sent > first)
            print_used(&before, sent - first);
        (void)printf("\n");
        CHECK(fflush(stdout) == 0 && fgets(line, sizeof line, stdin));
    }
    moon_spawn_enter(&guard, &feed.ask.worker);
    moon_spawn_end(&feed.ask.worker, 1000, how, sizeof how);
    moon_spawn_leave(&guard);
    return feed.failed ? 1 : 0;
}
