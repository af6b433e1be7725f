/* SPDX-License-Identifier: MIT
 *
 * quarantine_release: out of the quarantine, to the recipients or for good.
 *
 *   1. the file is opened and locked; sender and recipients are those of its first delivery;
 *   2. the message without Exim's own fields, as a whole, into a file without a name: Exim never
 *      reads half of it, whatever happens to us;
 *   3. Exim takes it as mail of this host, which the module does not look at: so it is not
 *      quarantined again.  4. A line in the decision log.  5. The file is removed.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/cmd/quarantine.h"
#include "engine/report/record.h"

#define COPY_BYTES        65536u
#define EXIM_ARGS         8u
#define RECORDED_RCPT_MAX 10u

/* Step 2: the header without the cut parts. */
static bool put_header(FILE *to, const struct moon_quarantine_mail *mail)
{
    const char *at = mail->header.p, *end = mail->header.p + mail->header.n;
    bool good = true;

    for (size_t i = 0; good && i < mail->cut_count; i++) {
        size_t n = (size_t)(mail->cut[i].p - at);
        good = fwrite(at, 1, n, to) == n;
        at = mail->cut[i].p + mail->cut[i].n;
    }
    size_t n = (size_t)(end - at);
    return good && fwrite(at, 1, n, to) == n && fputc('\n', to) != EOF;
}

static bool put_body(FILE *to, int fd, size_t from)
{
    char bytes[COPY_BYTES];
    off_t at = (off_t)from;

    for (;;) {
        ssize_t n = pread(fd, bytes, sizeof bytes, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        if (fwrite(bytes, 1, (size_t)n, to) != (size_t)n)
            return false;
        at += n;
    }
}

/* Step 2. NULL with errno. */
static FILE *copy_of(const struct moon_quarantine_file *file,
                     const struct moon_quarantine_mail *mail)
{
    FILE *copy = tmpfile();

    if (copy && put_header(copy, mail) && put_body(copy, file->fd, mail->body_at) &&
        fflush(copy) == 0 && fseek(copy, 0, SEEK_SET) == 0)
        return copy;
    int failed = errno;
    if (copy)
        (void)fclose(copy); /* it is of no use */
    errno = failed;
    return NULL;
}

/* In the child. Nothing of our environment: Exim needs none. */
static void become_exim(const char *exim, char *const *args, int message)
{
    static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char *const environment[] = {path, NULL};

    if (dup2(message, STDIN_FILENO) == STDIN_FILENO && lseek(STDIN_FILENO, 0, SEEK_SET) == 0)
        (void)execve(exim, args, environment); /* returns only when it failed */
    (void)fprintf(stderr, "%s: %s\n", exim, strerror(errno));
    _exit(127);
}

/* Step 3. -oep: what is wrong is said here, and not mailed to the sender. */
static enum moon_status submit(struct moon_arena *arena, const char *exim,
                               const struct moon_quarantine_mail *mail, FILE *message,
                               struct moon_error *error)
{
    static const char *const fixed[] = {"-bm", "-i", "-oep", "-f"};
    const char **args = moon_arena_array(arena, EXIM_ARGS + mail->recipient_count, sizeof *args);
    size_t n = 0;
    int status = 0;

    if (!args)
        return moon_fail(error, MOON_ENOMEM, "no memory");
    args[n++] = exim;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        args[n++] = fixed[i];
    args[n++] = *mail->sender ? mail->sender : "<>";
    args[n++] = "--";
    for (size_t i = 0; i < mail->recipient_count; i++)
        args[n++] = mail->recipients[i];
    args[n] = NULL;
    pid_t pid = fork();
    if (pid == 0) /* execve wants them without const and does not change them */
        become_exim(exim, (char *const *)(uintptr_t)args, fileno(message));
    if (pid < 0)
        return moon_fail(error, MOON_EIO, "Exim cannot be started: %s", strerror(errno));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return moon_fail(error, MOON_EIO, "Exim's answer is not known: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return MOON_OK;
    return moon_fail(error, MOON_EIO, "Exim has not taken it (%s %d): it stays in quarantine",
                     WIFEXITED(status) ? "status" : "signal",
                     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

/* Who does it. SUDO_USER is what sudo says; whoever may do this could say anything there. */
static void add_who(struct moon_json *json)
{
    const struct passwd *user = getpwuid(getuid());
    const char *sudo = getenv("SUDO_USER");

    moon_json_int(json, "uid", (int64_t)getuid());
    if (user && user->pw_name)
        moon_json_string(json, "user", user->pw_name);
    if (sudo && *sudo)
        moon_json_span(json, "sudo_user", moon_span_sub(moon_span_of(sudo), 0, 64));
}

/* Step 4. */
static enum moon_status record(struct moon_arena *arena, const char *log_path, const char *event,
                               const struct moon_quarantine_entry *entry,
                               const struct moon_quarantine_mail *mail, struct moon_error *error)
{
    struct moon_json json;
    struct tm utc;
    time_t now = time(NULL);
    char when[32] = "";

    if (gmtime_r(&now, &utc))
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc); /* fits */
    moon_json_begin(&json, arena);
    moon_json_object(&json, NULL);
    moon_json_int(&json, "v", 1);
    moon_json_string(&json, "time", when);
    moon_json_string(&json, "id", entry->id);
    moon_json_string(&json, "event", event);
    moon_json_string(&json, "tenant", entry->tenant);
    moon_json_string(&json, "file", entry->file);
    add_who(&json);
    moon_json_object(&json, "envelope");
    moon_json_string(&json, "from", mail->sender ? mail->sender : "");
    moon_json_array(&json, "to");
    for (size_t i = 0; i < mail->recipient_count && i < RECORDED_RCPT_MAX; i++)
        moon_json_string(&json, NULL, mail->recipients[i]);
    moon_json_close(&json, ']');
    moon_json_int(&json, "recipients", (int64_t)mail->recipient_count);
    moon_json_close(&json, '}');
    moon_json_close(&json, '}');
    const char *line = moon_json_end(&json);
    if (!line)
        return moon_fail(error, MOON_ENOMEM, "no memory for the record");
    return moon_record_append(log_path, line, error);
}

/* Step 1. */
static enum moon_status open_mail(struct moon_arena *arena,
                                  const struct moon_quarantine_options *options,
                                  const struct moon_quarantine_entry *entry,
                                  struct moon_quarantine_file *file,
                                  struct moon_quarantine_mail *mail, struct moon_error *error)
{
    enum moon_status status = moon_quarantine_file_open(options->filter.dir, entry, file, error);
    if (status != MOON_OK)
        return status;
    status =
        moon_quarantine_mail_read(arena, (struct moon_span){file->head, file->head_bytes}, mail);
    return status == MOON_OK ? status : moon_fail(error, status, "no memory");
}

enum moon_status moon_quarantine_release(struct moon_arena *arena,
                                         const struct moon_quarantine_options *options,
                                         const struct moon_quarantine_entry *entry,
                                         struct moon_error *error)
{
    struct moon_quarantine_file file;
    struct moon_quarantine_mail mail;
    struct moon_error unrecorded = {""};
    FILE *message = NULL;

    enum moon_status status = open_mail(arena, options, entry, &file, &mail, error);
    if (status == MOON_OK && mail.refused)
        status = moon_fail(error, MOON_EIO, "cannot be released: %s", mail.refused);
    if (status == MOON_OK) /* nobody shall get mail of which nothing is recorded */
        status = moon_record_try(options->log_path, error);
    if (status == MOON_OK && !(message = copy_of(&file, &mail)))
        status = moon_fail(error, MOON_EIO, "cannot be copied: %s", strerror(errno));
    if (status == MOON_OK)
        status = submit(arena, options->exim, &mail, message, error);
    if (status == MOON_OK) {
        enum moon_status recorded =
            record(arena, options->log_path, "release", entry, &mail, &unrecorded);
        status = moon_quarantine_file_remove(&file, entry, error);
        if (status == MOON_OK && recorded != MOON_OK)
            status = moon_fail(error, recorded, "delivered, but not recorded: %s", unrecorded.text);
    }
    if (message)
        (void)fclose(message); /* Exim has its own copy */
    moon_quarantine_file_close(&file);
    return status;
}

enum moon_status moon_quarantine_expire(struct moon_arena *arena,
                                        const struct moon_quarantine_options *options,
                                        const struct moon_quarantine_entry *entry,
                                        struct moon_error *error)
{
    struct moon_quarantine_file file;
    struct moon_quarantine_mail mail;

    enum moon_status status = open_mail(arena, options, entry, &file, &mail, error);
    if (status == MOON_OK)
        status = record(arena, options->log_path, "expire", entry, &mail, error);
    if (status == MOON_OK)
        status = moon_quarantine_file_remove(&file, entry, error);
    moon_quarantine_file_close(&file);
    return status;
}
