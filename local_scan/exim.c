/* SPDX-License-Identifier: MIT
 *
 * exim: what Exim calls. It never ends the process, never waits without a deadline and leaves
 * errno, signals, umask and the spool file's position as found.
 *
 *  1 cheap cases: mail of this host, of listed relay hosts, authenticated: accepted at once;
 *  2 globals and header_list -> request; the body opened again, read-only: exim_read.c;
 *  3 to 6 the worker: ask.c;
 *  7 the decision into Exim: header fields, recipients, log line, reply: exim_apply.c;
 *  8 the worker hears what was done.
 *
 * Two entries. local_scan() does all of it. moon_data() is called from the DATA ACL by ${dlfunc}:
 * it does steps 1 to 6, puts the fields into the header, so that scanners behind it in that ACL see
 * them, and holds the answer; local_scan(), for the same message, does the rest with it. A message
 * that the ACL refuses never comes to local_scan(): that is told to the worker with the next one,
 * or the worker sees it by the connection's end.
 *
 * Built as a loadable module (-DMOON_DLOPEN, Debian's local_scan_path) or into Exim
 * (LOCAL_SCAN_SOURCE), against the headers of 4.96 and later.
 */
#include "local_scan/exim.h"

#include "local_scan/acl.h"

#if defined MOON_DLOPEN && defined DLOPEN_LOCAL_SCAN
#pragma weak local_scan_path
#endif

/* One SMTP connection is one process: this is its state. */
static struct moon_ask exim_ask = {.worker = {.pid = 0, .socket = -1}, .slot = -1};

enum exim_stage {
    EXIM_NONE,
    EXIM_HELD, /* the ACL has asked; local_scan has not come yet */
    EXIM_DONE,
};

/* The message in hand, or the last one. Its spool file stays open until the next: closing any
 * descriptor of it would drop Exim's lock on it, which is held until the message is received. */
static struct {
    enum exim_stage stage;
    bool skipped; /* step 1: there is no answer */
    char id[64];
    struct moon_exim message;
    struct moon_applied applied;
} exim_now = {.message = {.body_fd = -1}};
/* Of that. Large, so not among the data that the module's file has values for. */
static struct moon_answer exim_answer;

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

static void keep_quiet(const char *line)
{
    (void)line; /* said with the connection's first message */
}

static void read_settings(struct moon_settings *settings_r)
{
    static bool said = false;
    void (*complain)(const char *line) = said ? keep_quiet : moon_exim_say;

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

/* Cut where it does not fit. snprintf() is only for what is rare: most connections of Exim have not
 * used it, and would fetch its pages for one text. */
static void set_text(char *to, size_t size, const char *text)
{
    size_t n = strnlen(text, size - 1);

    memcpy(to, text, n);
    to[n] = '\0';
}

/* Step 8. The line names the message: Exim puts the id of the next one in front when it is told of
 * one that the ACL has refused. */
static void tell_applied(const struct moon_applied *applied)
{
    char line[MOON_ASK_LOG_BYTES], why[MOON_ASK_LOG_BYTES - 128];
    struct moon_spawn_guard guard;

    moon_spawn_enter(&guard, &exim_ask.worker);
    bool told = moon_ask_applied(&exim_ask, &exim_answer, applied, why, sizeof why);
    moon_spawn_leave(&guard);
    if (told)
        return;
    (void)snprintf(line, sizeof line, "moonscan: decided %s, but %s", exim_now.id, why); /* fits */
    moon_exim_say(line);
}

/* Is this the message in hand? Ids do not come again in a process; but what an ACL refuses is
 * unlinked, and then no id can be of that message. */
static bool is_now(void)
{
    struct stat about;

    if (exim_now.stage == EXIM_NONE || strcmp(exim_now.id, CCS message_id) != 0)
        return false;
    return exim_now.message.body_fd < 0 ||
           (fstat(exim_now.message.body_fd, &about) == 0 && about.st_nlink > 0);
}

/* The message before is over: Exim has released its lock long ago. */
static void let_go(void)
{
    static const struct moon_applied refused = {.verdict = MOON_WIRE_REFUSED};

    if (exim_now.stage == EXIM_HELD && !exim_now.skipped)
        tell_applied(&refused);
    moon_answer_free(&exim_answer);
    moon_exim_free(&exim_now.message);
    if (exim_now.message.body_fd >= 0)
        (void)close(exim_now.message.body_fd); /* was only read */
    exim_now.message.body_fd = -1;
    exim_now.stage = EXIM_NONE;
}

/* Step 1. */
static bool is_skipped(struct moon_settings *settings_r)
{
    if (!sender_host_address) /* local mail, a bounce of Exim's own */
        return true;
    read_settings(settings_r);
    return (sender_host_authenticated && !settings_r->scan_authenticated) ||
           moon_exim_skips_host(settings_r);
}

/* Steps 1 to 6, and the fields of step 7, for the next message. */
static void look(int spool_fd, off_t start, uint32_t flags)
{
    struct moon_exim *message = &exim_now.message;
    struct moon_answer *answer = &exim_answer;
    struct moon_spawn_guard guard;
    struct moon_settings settings;
    const char *why = NULL;

    set_text(exim_now.id, sizeof exim_now.id, CCS message_id); /* fits */
    exim_now.skipped = is_skipped(&settings);
    if (exim_now.skipped)
        return;
    bool collected = moon_exim_read(message, spool_fd, start, &why);
    message->request.flags |= flags;
    moon_spawn_enter(&guard, &exim_ask.worker);
    if (collected)
        moon_ask_message(&exim_ask, &settings, &message->request, message->body_fd, answer);
    else
        moon_ask_fail(&exim_ask, &settings, why, answer);
    moon_spawn_leave(&guard); /* Exim's functions below run under Exim's own signals */
    exim_now.applied = (struct moon_applied){.verdict = (uint8_t)answer->verdict};
    if (answer->log[0])
        moon_exim_say(answer->log);
    moon_exim_apply_fields(message, answer, &exim_now.applied);
}

/* Step 7: the reply. */
static int reply(const struct moon_answer *answer, uschar **return_text)
{
    bool taken = answer->verdict == MOON_WIRE_ACCEPT || answer->verdict == MOON_WIRE_FREEZE;

    set_text(exim_text, sizeof exim_text, taken ? answer->data : answer->reply);
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

__attribute__((visibility("default"))) int local_scan(int fd, uschar **return_text)
{
    int error = errno, code = LOCAL_SCAN_ACCEPT;

    if (exim_now.stage != EXIM_HELD || !is_now()) {
        let_go();
        /* Where the body begins differs between versions: never a constant. */
        look(fd, lseek(fd, 0, SEEK_CUR), 0);
    }
    if (!exim_now.skipped) {
        moon_exim_apply_recipients(&exim_now.message, &exim_answer, &exim_now.applied);
        code = reply(&exim_answer, return_text);
        tell_applied(&exim_now.applied);
        moon_answer_free(&exim_answer);
        moon_exim_free(&exim_now.message);
    }
    exim_now.stage = EXIM_DONE;
    errno = error;
    return code;
}

__attribute__((visibility("default"))) int moon_data(uschar **yield, int argc, uschar *argv[]);

/* Why the ACL cannot ask now, or NULL. */
static const char *cannot_ask(void)
{
#ifdef MOON_DLOPEN
    Dl_info about;
    const uschar *scans = NULL;

#ifdef DLOPEN_LOCAL_SCAN
    if (&local_scan_path)
        scans = local_scan_path;
#endif
    /* Not by the address of moon_data, a name that others could have: ld.so would look for it in
     * all of Exim's libraries, at each connection. */
    if (!scans || !dladdr(&exim_now, &about) || strcmp(CCS scans, about.dli_fname) != 0)
        return "moon_data: local_scan_path must name this very file, as local_scan goes on with "
               "the decision; of a module built into Exim it is ${dlfunc{}{moon_data}{...}}";
#endif
    if (!smtp_input || !message_id || !message_id[0])
        return "moon_data: there is no message yet; the DATA ACL can ask, and those behind it";
    if (exim_now.stage == EXIM_DONE && is_now())
        return "moon_data: local_scan has decided already; ask in the DATA ACL";
    return NULL;
}

int moon_data(uschar **yield, int argc, uschar *argv[])
{
    static char value[MOON_ACL_VALUE_BYTES], wrong[256];
    const char *why = wrong;
    int error = errno, status = FAIL;
    unsigned word = 0;
    off_t start = 0;

    if (argc != 1) {
        why = "moon_data takes one word: ${dlfunc{FILE}{moon_data}{verdict}}";
        goto done;
    }
    if (!moon_acl_find(CCS argv[0], &word, wrong, sizeof wrong))
        goto done;
    if (sender_host_address && !(exim_now.stage == EXIM_HELD && is_now())) {
        why = cannot_ask();
        if (why)
            goto done;
        let_go();
        int spool_fd = moon_exim_spool(&start);
        look(spool_fd, start, MOON_WIRE_FLAG_EARLY);
        exim_now.stage = EXIM_HELD;
    }
    bool answered = sender_host_address && !exim_now.skipped;
    moon_acl_value(answered ? &exim_answer : NULL, word, value);
    why = value;
    status = OK;
done:
    /* Out of a message: Exim shall not take it for a file's name. */
    *yield = string_copy_taint(US why, GET_TAINTED);
    errno = error;
    return status;
}
