/* SPDX-License-Identifier: MIT
 *
 * exim: the only file that knows Exim. It reads Exim's variables into a plain request, has it
 * answered (ask.c), and applies the answer with Exim's functions. It never ends the process, never
 * waits without a deadline and leaves errno, signals, umask and the spool file's position as found.
 *
 *  1 cheap cases: mail of this host, of listed relay hosts, authenticated: accepted at once;
 *  2 globals and header_list -> request; the body opened again, read-only;
 *  3 to 6 the worker: ask.c;
 *  7 the decision into Exim: header fields, recipients, log line, reply;
 *  8 the worker hears what was done.
 *
 * Built as a loadable module (-DMOON_DLOPEN, Debian's local_scan_path) or into Exim
 * (LOCAL_SCAN_SOURCE), against the headers of 4.96 and later. What differs between them: strings
 * are const in newer ones (all are read as const here); expand_string is a function in 4.96
 * to 4.98, declared but missing in 4.99, a macro over expand_string_2 from 4.100 on, where
 * log_write lost an argument.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "local_scan/ask.h"

#ifndef LOCAL_SCAN
#define LOCAL_SCAN
#endif
#include "local_scan.h"

/* Exim's config.h and mytypes.h define CS, US, TRUE, BOOL and more from here on. */

#ifndef expand_string
#pragma weak expand_string
extern const uschar *expand_string_2(const uschar *, BOOL *) __attribute__((weak));
#endif

/* One SMTP connection is one process: this is its state. */
static struct moon_ask exim_ask = {.worker = {.pid = 0, .socket = -1}, .slot = -1};
/* The body of the last message, kept open: closing any descriptor of the spool file would drop
 * Exim's lock on it, which is held until the message is received. */
static int exim_body_fd = -1;
/* Exim keeps the pointer that local_scan returns; static memory is not tainted. */
static char exim_text[MOON_ASK_DATA_BYTES];

#ifdef LOCAL_SCAN_HAS_OPTIONS
static uschar *option_authenticated, *option_failure, *option_loopback, *option_program,
    *option_snapshot, *option_socket;
static int option_timeout = 0;
optionlist local_scan_options[] = {
    /* in the order of their names: Exim searches by halves */
    {"moonscan_authenticated", opt_stringptr, {&option_authenticated}},
    {"moonscan_failure", opt_stringptr, {&option_failure}},
    {"moonscan_loopback", opt_stringptr, {&option_loopback}},
    {"moonscan_program", opt_stringptr, {&option_program}},
    {"moonscan_snapshot", opt_stringptr, {&option_snapshot}},
    {"moonscan_socket", opt_stringptr, {&option_socket}},
    {"moonscan_timeout", opt_time, {&option_timeout}},
};
int local_scan_options_count = sizeof local_scan_options / sizeof *local_scan_options;
#endif

#ifdef MOON_DLOPEN
__attribute__((visibility("default"))) int local_scan_version_major(void);
__attribute__((visibility("default"))) int local_scan_version_minor(void);
int local_scan_version_major(void)
{
    return LOCAL_SCAN_ABI_VERSION_MAJOR;
}
int local_scan_version_minor(void)
{
    return LOCAL_SCAN_ABI_VERSION_MINOR;
}
#endif

/* 4.100 took the first argument from log_write, and no number in the header says so. */
typedef void exim_log_before(unsigned, int, const char *, ...);
typedef void exim_log_since(int, const char *, ...);

__attribute__((unused)) static void say_before(void (*write)(void), const char *line)
{
    ((exim_log_before *)write)(0, LOG_MAIN, "%s", line);
}

__attribute__((unused)) static void say_since(void (*write)(void), const char *line)
{
    ((exim_log_since *)write)(LOG_MAIN, "%s", line);
}

static void say(const char *line)
{
    _Generic(&log_write, exim_log_before *
             : say_before, exim_log_since *
             : say_since)((void (*)(void))log_write, line);
}

/* `text` is a constant of ours. NULL when it cannot be expanded; no log line then. The result is
 * Exim's and lives as long as the message. */
static const char *expanded(const char *text)
{
    /* Not our own pages: Exim may write into what it expands. A copy of an untainted string is
     * untainted. */
    uschar *format = string_copy(CUS text);

#ifdef expand_string
    return CCS expand_string(format);
#else
    if (expand_string)
        return CCS expand_string(format);
    if (expand_string_2)
        return CCS expand_string_2(format, NULL);
    return NULL;
#endif
}

static struct moon_span span_of(const uschar *text)
{
    return moon_span_of(CCS text);
}

static struct moon_span expanded_span(const char *text)
{
    return moon_span_of(expanded(text));
}

static void keep_quiet(const char *line)
{
    (void)line; /* said with the connection's first message */
}

static void read_settings(struct moon_settings *settings_r)
{
    static bool said = false;
    void (*complain)(const char *line) = said ? keep_quiet : say;

    said = true;
    moon_settings_read(settings_r, getenv, complain);
#ifdef LOCAL_SCAN_HAS_OPTIONS
    char seconds[16];

    (void)snprintf(seconds, sizeof seconds, "%d", option_timeout); /* fits */
    (void)moon_settings_set(settings_r, "MOONSCAN_AUTHENTICATED", CCS option_authenticated,
                            complain);
    (void)moon_settings_set(settings_r, "MOONSCAN_FAILURE", CCS option_failure, complain);
    (void)moon_settings_set(settings_r, "MOONSCAN_LOOPBACK", CCS option_loopback, complain);
    (void)moon_settings_set(settings_r, "MOONSCAN_PROGRAM", CCS option_program, complain);
    (void)moon_settings_set(settings_r, "MOONSCAN_SNAPSHOT", CCS option_snapshot, complain);
    (void)moon_settings_set(settings_r, "MOONSCAN_SOCKET", CCS option_socket, complain);
    if (option_timeout) /* each has complained itself when it was wrong */
        (void)moon_settings_set(settings_r, "MOONSCAN_TIMEOUT", seconds, complain);
#endif
}

/* Is the client in the site's hostlist moonscan_skip_hosts? The list need not exist: expanding it
 * asks quietly, matching would log and defer. */
static bool is_skipped_host(void)
{
    static uschar list[] = "+moonscan_skip_hosts";

    if (!expanded("${listnamed_h:moonscan_skip_hosts}"))
        return false;
    return lss_match_host((uschar *)(uintptr_t)sender_host_name,
                          (uschar *)(uintptr_t)sender_host_address, list) == OK;
}

/* Is the client this host? A content filter, a web mail or a list server that hands mail (back) to
 * Exim has an address of this host at both ends of the connection, loopback or not. `exim -bh` has
 * one end only. */
static bool is_this_host(void)
{
    const char *client = CCS sender_host_address;

    return strcmp(client, "127.0.0.1") == 0 || strcmp(client, "::1") == 0 ||
           (interface_address && strcmp(client, CCS interface_address) == 0);
}

/* Step 2: the header chain. The arrays are on the heap, `handles_r` in step with the fields. */
static bool collect_fields(struct moon_request *request, void ***handles_r)
{
    uint32_t count = 0, i = 0;

    for (const header_line *h = header_list; h && count <= MOON_FIELDS_MAX; h = h->next)
        count++;
    request->fields = calloc((size_t)count + 1, sizeof *request->fields);
    *handles_r = calloc((size_t)count + 1, sizeof **handles_r);
    if (!request->fields || !*handles_r || count > MOON_FIELDS_MAX)
        return false;
    for (header_line *h = header_list; h && i < count; h = h->next, i++) {
        request->fields[i].type = (char)h->type;
        if (h->text && h->slen > 0)
            request->fields[i].text = (struct moon_span){CCS h->text, (size_t)h->slen};
        (*handles_r)[i] = h;
    }
    request->field_count = moon_clean_chain(request->fields, *handles_r, count);
    return true;
}

static bool collect_recipients(struct moon_request *request)
{
    uint32_t count = recipients_count > 0 ? (uint32_t)recipients_count : 0;

    request->recipients = calloc((size_t)count + 1, sizeof *request->recipients);
    if (!request->recipients || count > MOON_RECIPIENTS_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++)
        request->recipients[i] = span_of(recipients_list[i].address);
    request->recipient_count = count;
    return true;
}

/* Step 2. On false, `why` says what cannot be handed over. The request's arrays are freed by
 * moon_request_free in both cases. */
static bool collect(struct moon_request *request, int fd, void ***handles_r, const char **why)
{
    char path[32];

    request->flags = host_checking ? MOON_WIRE_FLAG_DRY_RUN : 0;
    request->id = span_of(message_id);
    request->client_ip = span_of(sender_host_address);
    request->host_name = span_of(sender_host_name); /* $sender_host_name would ask the DNS */
    request->helo = expanded_span("$sender_helo_name");
    request->protocol = span_of(received_protocol);
    request->tls = expanded_span("$tls_in_cipher");
    request->tls_version = expanded_span("$tls_in_ver");
    request->authenticated = span_of(sender_host_authenticated);
    request->authenticated_id = expanded_span("$authenticated_id");
    request->interface_ip = span_of(interface_address);
    request->receiver_name = expanded_span("$primary_hostname");
    request->tenants = expanded_span("${if def:acl_m_moonscan_tenants{$acl_m_moonscan_tenants}}");
    request->mail_from = span_of(sender_address);
    request->client_port = sender_host_port > 0 ? (uint32_t)sender_host_port : 0;
    request->interface_port = interface_port > 0 ? (uint32_t)interface_port : 0;
    request->received_s = (int64_t)time(NULL);
    *why = "more header fields or recipients than can be handed over, or no memory";
    if (!collect_fields(request, handles_r) || !collect_recipients(request))
        return false;
    *why = "the spool file cannot be opened for reading by way of /proc/self/fd; /proc must be "
           "mounted";
    off_t start = lseek(fd, 0, SEEK_CUR); /* differs between versions: never a constant */
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* fits */
    exim_body_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (start < 0 || exim_body_fd < 0)
        return false;
    request->body_start_bytes = (uint64_t)start;
    request->flags |= MOON_WIRE_FLAG_BODY;
    return true;
}

static void add_field(enum moon_wire_where where, struct moon_span text)
{
    char field[MOON_FIELD_BYTES_MAX + 1];

    memcpy(field, text.p, text.n); /* moon_clean_field_ok: not longer, no NUL */
    field[text.n] = '\0';
    if (where == MOON_WIRE_TOP)
        header_add_at_position(FALSE, NULL, FALSE, ' ', "%s\n", field);
    else
        header_add(' ', "%s\n", field);
}

/* The first of the list ends up topmost. */
static void add_fields(const struct moon_decision *decision)
{
    for (uint32_t i = decision->added_count; i > 0; i--)
        if (decision->added[i - 1].where == MOON_WIRE_TOP)
            add_field(MOON_WIRE_TOP, decision->added[i - 1].text);
    for (uint32_t i = 0; i < decision->added_count; i++)
        if (decision->added[i].where != MOON_WIRE_TOP)
            add_field(MOON_WIRE_BOTTOM, decision->added[i].text);
}

static uint32_t remove_fields(const struct moon_decision *decision, void *const *handles)
{
    uint32_t done = 0;

    for (uint32_t i = 0; i < decision->removed_field_count; i++) {
        header_line *h = handles[decision->removed_fields[i]];
        if (h->type != '*')
            done++;
        h->type = '*'; /* as header_remove does: kept in the spool, not delivered */
    }
    return done;
}

/* One pass, so that a list of 50,000 stays cheap, and without memory, which could be missing:
 * nobody shall get what his tenant discards. An index given twice counts once. */
static uint32_t remove_recipients(const struct moon_decision *decision)
{
    uint32_t count = (uint32_t)recipients_count, kept = 0;

    if (decision->removed_recipient_count == 0)
        return 0;
    for (uint32_t i = 0; i < decision->removed_recipient_count; i++)
        recipients_list[decision->removed_recipients[i]].address = NULL;
    for (uint32_t i = 0; i < count; i++)
        if (recipients_list[i].address)
            recipients_list[kept++] = recipients_list[i];
    recipients_count = (int)kept;
    return count - kept;
}

/* Nobody has looked at this message: which results on it are true is not known, and our own name is
 * not known here either. RFC 8601 section 5: so all go. */
static uint32_t remove_claims(void)
{
    uint32_t done = 0;

    for (header_line *h = header_list; h; h = h->next) {
        if (h->type == '*' || !h->text || h->slen <= 0 ||
            !moon_clean_is_claim((struct moon_span){CCS h->text, (size_t)h->slen}))
            continue;
        h->type = '*';
        done++;
    }
    return done;
}

/* Step 7: everything but the reply. A message that is not taken is left alone. */
static void apply(const struct moon_answer *answer, void *const *handles,
                  struct moon_applied *applied_r)
{
    static char note[64];
    const struct moon_decision *decision = &answer->decision;

    *applied_r = (struct moon_applied){.verdict = (uint8_t)answer->verdict};
    if (answer->log[0])
        say(answer->log);
    if (answer->refused_count) {
        (void)snprintf(note, sizeof note, "%u header fields refused", answer->refused_count);
        applied_r->text = moon_span_of(note); /* fits */
    }
    if (answer->verdict != MOON_WIRE_ACCEPT && answer->verdict != MOON_WIRE_FREEZE)
        return;
    if (answer->failed) {
        applied_r->removed_field_count = remove_claims();
        add_field((enum moon_wire_where)answer->failure_field.where, answer->failure_field.text);
        applied_r->added_count = 1;
        return;
    }
    /* Removals first: their handles are of the chain as it was. */
    applied_r->removed_field_count = remove_fields(decision, handles);
    applied_r->removed_recipient_count = remove_recipients(decision);
    add_fields(decision);
    applied_r->added_count = decision->added_count;
}

/* Step 7: the reply. */
static int finish(const struct moon_answer *answer, uschar **return_text)
{
    bool taken = answer->verdict == MOON_WIRE_ACCEPT || answer->verdict == MOON_WIRE_FREEZE;

    (void)snprintf(exim_text, sizeof exim_text, "%s", taken ? answer->data : answer->reply);
    if (exim_text[0])
        *return_text = US exim_text;
    switch (answer->verdict) {
    case MOON_WIRE_ACCEPT:
        return LOCAL_SCAN_ACCEPT;
    case MOON_WIRE_FREEZE:
        return LOCAL_SCAN_ACCEPT_FREEZE;
    case MOON_WIRE_REJECT:
        return LOCAL_SCAN_REJECT;
    case MOON_WIRE_DEFER:
        break;
    }
    return LOCAL_SCAN_TEMPREJECT;
}

/* Steps 2 to 8. */
static int scan(int fd, uschar **return_text, const struct moon_settings *settings)
{
    static struct moon_answer answer; /* large, and one at a time */
    struct moon_request request = {0};
    struct moon_spawn_guard guard;
    struct moon_applied applied;
    void **handles = NULL;
    const char *why = NULL;
    char line[MOON_ASK_LOG_BYTES];

    bool collected = collect(&request, fd, &handles, &why);
    moon_spawn_enter(&guard);
    if (collected)
        moon_ask_message(&exim_ask, settings, &request, exim_body_fd, &answer);
    else
        moon_ask_fail(&exim_ask, settings, why, &answer);
    moon_spawn_leave(&guard); /* Exim's functions below run under Exim's own signals */
    apply(&answer, handles, &applied);
    int code = finish(&answer, return_text);
    moon_spawn_enter(&guard);
    if (!moon_ask_applied(&exim_ask, &answer, &applied, line, sizeof line)) /* step 8 */
        say(line);
    moon_spawn_leave(&guard);
    moon_answer_free(&answer);
    moon_request_free(&request);
    free(handles);
    return code;
}

__attribute__((visibility("default"))) int local_scan(int fd, uschar **return_text)
{
    struct moon_settings settings;
    int error = errno, code = LOCAL_SCAN_ACCEPT;

    if (exim_body_fd >= 0) /* of the message before: Exim has released its lock long ago */
        (void)close(exim_body_fd);
    exim_body_fd = -1;
    if (sender_host_address) { /* step 1: not local mail, not a bounce of Exim's own */
        read_settings(&settings);
        if ((!sender_host_authenticated || settings.scan_authenticated) &&
            (settings.scan_loopback || !is_this_host()) && !is_skipped_host())
            code = scan(fd, return_text, &settings);
    }
    errno = error;
    return code;
}
