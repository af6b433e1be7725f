/* SPDX-License-Identifier: MIT
 *
 * check: one message from a file through the same engine as Exim's mail, for people and tests.
 *
 * 1. read the options and the file  2. set up the engine  3. moon_scan  4. print (check_print.c)
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/limits.h"
#include "engine/cmd/check_print.h"
#include "engine/cmd/cmd.h"
#include "engine/cmd/mailfile.h"
#include "engine/cmd/readfile.h"
#include "engine/cmd/setup.h"
#include "engine/message/address.h"

#define RECIPIENTS_MAX 64

struct check {
    const char *file, *ip, *helo, *host, *from, *zone, *dns, *policy, *snapshot, *tenants,
        *receiver;
    const char *rcpt[RECIPIENTS_MAX];
    size_t rcpt_count;
    int64_t time_s;
    bool json, verbose;
};

static const char help[] =
    "Usage: moonscan check FILE --ip ADDRESS [OPTIONS]\n"
    "\n"
    "Evaluates the message in FILE (- for standard input) as if it had come by SMTP, with the\n"
    "published configuration and policies, and prints results, verdict and why. Records nothing.\n"
    "\n"
    "  --ip ADDRESS      the client's address\n"
    "  --helo NAME       what it said in EHLO or HELO\n"
    "  --host NAME       its verified host name (forward-confirmed reverse DNS)\n"
    "  --from ADDRESS    MAIL FROM; '' is the null sender (default: the Return-Path field)\n"
    "  --rcpt ADDRESS    a recipient; may be given several times\n"
    "  --zone FILE       answer DNS questions from this zone file\n"
    "  --dns SERVER      ask this server: 192.0.2.1, 127.0.0.1:5300, [::1]:5300\n"
    "  --policy FILE     this policy instead of each tenant's\n"
    "  --tenants TEXT    what the RCPT ACL would say: \"example.org=acme\"\n"
    "  --snapshot FILE   this snapshot instead of /var/lib/moonscan/current; of another state\n"
    "                    folder: STATE/current\n"
    "  --receiver NAME   our host name (default: localhost)\n"
    "  --time SECONDS    the time of reception, in seconds since 1970 (default: now)\n"
    "  --json            print one JSON object\n"
    "  --verbose         show the terms that SPF went through also when it passed\n"
    "\n"
    "Exit status: 0 evaluated, 2 wrong usage or a file with mistakes, 3 something failed.\n";

static int wrong(const char *what, const char *detail)
{
    (void)fprintf(stderr, "moonscan check: %s%s\nTry `moonscan check --help`.\n", what, detail);
    return MOON_EXIT_USAGE;
}

static const struct option options[] = {
    {"ip", required_argument, NULL, 'i'},       {"helo", required_argument, NULL, 'e'},
    {"host", required_argument, NULL, 'H'},     {"from", required_argument, NULL, 'f'},
    {"rcpt", required_argument, NULL, 'r'},     {"zone", required_argument, NULL, 'z'},
    {"dns", required_argument, NULL, 'd'},      {"policy", required_argument, NULL, 'p'},
    {"tenants", required_argument, NULL, 'T'},  {"snapshot", required_argument, NULL, 's'},
    {"receiver", required_argument, NULL, 'R'}, {"time", required_argument, NULL, 't'},
    {"json", no_argument, NULL, 'j'},           {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},           {0},
};

/* One option into *check; false when its value is wrong (said). */
static bool take_option(struct check *check, int option)
{
    uint64_t seconds;
    const struct {
        int option;
        const char **slot;
    } texts[] = {{'i', &check->ip},      {'e', &check->helo},    {'H', &check->host},
                 {'f', &check->from},    {'z', &check->zone},    {'d', &check->dns},
                 {'p', &check->policy},  {'T', &check->tenants}, {'s', &check->snapshot},
                 {'R', &check->receiver}};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].option == option) {
            *texts[i].slot = optarg;
            return true;
        }
    }
    if (option == 'j') {
        check->json = true;
    } else if (option == 'v') {
        check->verbose = true;
    } else if (option == 'r' && check->rcpt_count < RECIPIENTS_MAX) {
        check->rcpt[check->rcpt_count++] = optarg;
    } else if (option == 't' && moon_span_number(moon_span_of(optarg), INT64_MAX, &seconds)) {
        check->time_s = (int64_t)seconds;
    } else {
        (void)wrong(option == 'r' ? "too many recipients" : "--time wants seconds since 1970", "");
        return false;
    }
    return true;
}

/* MOON_EXIT_OK: go on. Anything else: leave with it, but for -1: leave with 0. */
static int read_options(int argc, char **argv, struct check *check)
{
    int option;
    struct moon_ip ip;

    optind = 0; /* GNU: start afresh */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(help, stdout);
            return -1;
        }
        if (option == '?')
            return wrong("that option is not known, or has no value", "");
        if (!take_option(check, option))
            return MOON_EXIT_USAGE;
    }
    if (optind + 1 != argc)
        return wrong(optind == argc ? "which message? Name one FILE, or - for standard input"
                                    : "one FILE at a time, please",
                     "");
    check->file = argv[optind];
    if (!check->ip)
        return wrong("--ip ADDRESS is needed: SPF is about the client's address", "");
    if (!moon_ip_parse(moon_span_of(check->ip), &ip))
        return wrong("--ip wants an IPv4 or IPv6 address, not ", check->ip);
    if (check->zone && check->dns)
        return wrong("--zone and --dns exclude each other", "");
    return MOON_EXIT_OK;
}

/* Return-Path: <address> */
static const char *return_path(struct moon_arena *arena, const struct moon_message *msg)
{
    const struct moon_field *field = moon_message_field(msg, "Return-Path", NULL, false);
    if (!field)
        return NULL;
    struct moon_span value = moon_span_trim(field->value);
    if (value.n >= 2 && value.p[0] == '<' && value.p[value.n - 1] == '>')
        value = moon_span_sub(value, 1, value.n - 2);
    return moon_arena_dup(arena, value);
}

static enum moon_status take_message(const struct check *check, struct moon_arena *arena,
                                     const struct moon_mailfile *mail, struct moon_message *msg,
                                     struct moon_error *error)
{
    const char *local;

    *msg = (struct moon_message){
        .id = "",
        .session = {.helo = check->helo ? check->helo : "",
                    .host_name = check->host,
                    .protocol = ""},
        .received_s = check->time_s >= 0 ? check->time_s : (int64_t)time(NULL),
        .dry_run = true,
        .tenant_hint = check->tenants,
        .receiver_name = check->receiver ? check->receiver : "localhost",
        .recipient_count = check->rcpt_count,
    };
    (void)moon_ip_parse(moon_span_of(check->ip), &msg->session.ip); /* checked with the options */
    enum moon_status status = moon_mailfile_parse(mail, arena, msg, error);
    if (status != MOON_OK)
        return status;
    msg->mail_from = check->from ? check->from : return_path(arena, msg);
    if (!msg->mail_from)
        return moon_fail(error, MOON_ECONF,
                         "--from ADDRESS is needed: the message has no Return-Path field");
    msg->recipients = moon_arena_array(arena, check->rcpt_count, sizeof *msg->recipients);
    if (!msg->recipients)
        return moon_fail(error, MOON_ENOMEM, "no memory");
    status = moon_path_split(arena, msg->mail_from, &local, &msg->mail_from_domain);
    for (size_t i = 0; status == MOON_OK && i < check->rcpt_count; i++) {
        msg->recipients[i].address = check->rcpt[i];
        status = moon_path_split(arena, check->rcpt[i], &local, &msg->recipients[i].domain);
    }
    return status;
}

static enum moon_status choose_dns(const struct check *check, struct moon_dns_backend **dns_r,
                                   struct moon_error *error)
{
    if (check->dns)
        return moon_dns_backend_cares(&check->dns, 1, dns_r, error);
    return check->zone ? moon_readfile_zone(check->zone, dns_r, error)
                       : MOON_OK; /* what the settings say */
}

static enum moon_status run(const struct check *check, struct moon_arena *arena,
                            const struct moon_mailfile *mail, struct moon_error *error)
{
    struct moon_setup setup = {0};
    struct moon_dns_backend *dns = NULL;
    struct moon_message msg;
    struct moon_outcome outcome;
    const char *path = NULL;

    enum moon_status status = take_message(check, arena, mail, &msg, error);
    if (status == MOON_OK)
        status = moon_setup_choose(check->snapshot, &path, error);
    if (status == MOON_OK)
        status = choose_dns(check, &dns, error);
    if (status == MOON_OK)
        status = moon_setup_open(path, dns, &setup, error);
    if (status != MOON_OK)
        return status;
    status = moon_setup_store(&setup, true, error);
    if (status == MOON_OK && check->policy)
        status = moon_policies_use_file(setup.policies, check->policy, error);
    if (status == MOON_OK) {
        status = moon_scan(&setup.engine, arena, &msg, &outcome, error);
        if (status == MOON_OK)
            status = moon_check_print(stdout, arena, &setup.conf, &msg, &outcome, check->json,
                                      check->verbose);
        moon_outcome_end(&outcome);
    }
    moon_setup_close(&setup);
    return status;
}

int moon_cmd_check(int argc, char **argv)
{
    struct check check = {.time_s = -1};
    struct moon_error error = {"no memory"};
    struct moon_mailfile mail = {.file = NULL};

    int leave = read_options(argc, argv, &check);
    if (leave != MOON_EXIT_OK)
        return leave < 0 ? MOON_EXIT_OK : leave;
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    enum moon_status status = arena ? moon_mailfile_open(check.file, &mail, &error) : MOON_ENOMEM;
    if (status == MOON_OK)
        status = run(&check, arena, &mail, &error);
    if (status != MOON_OK)
        (void)fprintf(stderr, "moonscan check: %s\n", error.text);
    moon_mailfile_close(&mail);
    moon_arena_destroy(&arena);
    if (status == MOON_ECONF)
        return MOON_EXIT_USAGE;
    return status == MOON_OK ? MOON_EXIT_OK : MOON_EXIT_FAILURE;
}
