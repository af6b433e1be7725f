/* SPDX-License-Identifier: MIT
 *
 * fakeworker: stands in for `moonscan worker` and misbehaves on demand. What it does with a message
 * is said by the message's field "X-Fake: WORD", else by MOONSCAN_FAKE; what it does before it says
 * READY only by MOONSCAN_FAKE. With MOONSCAN_FAKE_LOG it appends what it was told to that file.
 *
 *   before READY   silent, dead, garbage-ready, version, half-ready, no-failure; quiet: says READY
 *                  only where REQUEST does not come
 *   with a message accept (default), reject, defer, freeze, headers, discard, discard-all, data,
 *                  ready (says READY first, for quiet), rude (texts the module must clean),
 * no-reply, die, exit, abort, stop, close, hang, garbage, oversized, half, slow, twice, bad-index,
 * long-data, wrong-type, no-verdict, failure after APPLIED  leave
 * MOONSCAN_FAKE_FAILURE=accept|reject|defer: the failure verdict in READY.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/wire/wire.h"

#define SOCKET   3
#define QUIET_MS 100

static struct moon_wire_out out;
static int log_fd = -1;

static const char *setting(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value && value[0] ? value : fallback;
}

static int64_t far_ms(void)
{
    return moon_wire_now_ms() + 60000;
}

/* One line to the log file in one write. */
static void note(const char *name, struct moon_span text)
{
    char line[4096];
    int n = snprintf(line, sizeof line, "%s=%.*s\n", name, (int)text.n, text.p ? text.p : "");
    if (log_fd < 0 || n < 0)
        return;
    for (int i = 0; i < n - 1 && i < (int)sizeof line - 1; i++)
        if (line[i] == '\n')
            line[i] = '|';
    if (write(log_fd, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1) < 0)
        _exit(9);
}

static void note_number(const char *name, long long value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", value); /* fits */
    note(name, moon_span_of(text));
}

static void note_request(const struct moon_request *request, int fd)
{
    char body[1024];

    note("id", request->id);
    note("client", request->client_ip);
    note("host_name", request->host_name);
    note("helo", request->helo);
    note("protocol", request->protocol);
    note("tls", request->tls);
    note("tls_version", request->tls_version);
    note("authenticated", request->authenticated);
    note("authenticated_id", request->authenticated_id);
    note("interface", request->interface_ip);
    note("receiver", request->receiver_name);
    note("tenants", request->tenants);
    note("mail_from", request->mail_from);
    note_number("client_port", request->client_port);
    note_number("flags", request->flags);
    note("waits",
         moon_span_of(request->waited_ms > 50000 && request->waited_ms <= 60000 ? "nearly 60 s"
                      : request->waited_ms                                      ? "some time"
                                                                                : "nobody knows"));
    for (uint32_t i = 0; i < request->recipient_count; i++)
        note("recipient", request->recipients[i]);
    for (uint32_t i = 0; i < request->field_count; i++)
        note(request->fields[i].type == '*' ? "field*" : "field", request->fields[i].text);
    ssize_t n = pread(fd, body, sizeof body, (off_t)request->body_start_bytes);
    note("body", (struct moon_span){body, n > 0 ? (size_t)n : 0});
    note_number("body_writable", fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY);
}

static void send_bytes(const void *bytes, size_t n)
{
    if (send(SOCKET, bytes, n, MSG_NOSIGNAL) != (ssize_t)n)
        _exit(8);
}

static void wait_for_ever(void)
{
    for (;;)
        (void)pause(); /* until killed */
}

static void send_frame(void)
{
    if (moon_wire_send(SOCKET, &out, -1, far_ms()) != MOON_WIRE_IO_OK)
        _exit(7);
}

static void say_ready(const char *mode)
{
    const char *failure = setting("MOONSCAN_FAKE_FAILURE", "defer");
    struct moon_wire_ready ready = {.failure = MOON_WIRE_DEFER, .message_ms = 5000};

    if (strcmp(failure, "accept") == 0)
        ready.failure = MOON_WIRE_ACCEPT;
    if (strcmp(failure, "reject") == 0)
        ready.failure = MOON_WIRE_REJECT;
    if (strcmp(mode, "no-failure") == 0)
        ready.failure = 0;
    if (!moon_wire_put_ready(&out, &ready))
        _exit(6);
    if (strcmp(mode, "silent") == 0)
        wait_for_ever();
    if (strcmp(mode, "dead") == 0)
        _exit(3);
    if (strcmp(mode, "garbage-ready") == 0)
        send_bytes("220 hello\r\n", 11);
    if (strcmp(mode, "version") == 0)
        out.bytes[5] = MOON_WIRE_VERSION + 2;
    if (strcmp(mode, "half-ready") == 0) {
        send_bytes(out.bytes, out.length / 2);
        wait_for_ever();
    }
    send_frame();
}

/* Faults between REQUEST and DECISION; comes back for the modes that answer. */
static void fail_as(const char *mode)
{
    if (strcmp(mode, "die") == 0)
        (void)raise(SIGKILL);
    if (strcmp(mode, "segv") == 0)
        (void)raise(SIGSEGV);
    if (strcmp(mode, "abort") == 0)
        abort();
    if (strcmp(mode, "exit") == 0)
        _exit(4);
    if (strcmp(mode, "stop") == 0)
        (void)raise(SIGSTOP);
    if (strcmp(mode, "hang") == 0)
        wait_for_ever();
    if (strcmp(mode, "close") == 0) {
        (void)close(SOCKET);
        wait_for_ever();
    }
    if (strcmp(mode, "garbage") == 0)
        send_bytes("\0\0\0\x20\3\1 this is no item at all!!!!!!!!", 36);
    if (strcmp(mode, "oversized") == 0)
        send_bytes("\x7f\xff\xff\xff\3\1", 6);
    if (strcmp(mode, "wrong-type") == 0)
        send_bytes("\0\0\0\2\2\1", 6);
}

static void make_decision(const char *mode, struct moon_decision *decision)
{
    static struct moon_wire_added headers[] = {
        {MOON_WIRE_TOP, MOON_SPAN("X-Top-1: first\n\tfolded")},
        {MOON_WIRE_TOP, MOON_SPAN("X-Top-2: second")},
        {MOON_WIRE_BOTTOM, MOON_SPAN("X-Bottom-1: third")},
        {MOON_WIRE_BOTTOM, MOON_SPAN("X-Bottom-2: fourth")},
    };
    static struct moon_wire_added rude[] = {
        {MOON_WIRE_TOP, MOON_SPAN("X-Rude: a\n\nbody")},
        {MOON_WIRE_TOP, MOON_SPAN("X-Rude: a\r\nX-Other: b")},
        {MOON_WIRE_BOTTOM, MOON_SPAN("X-Good: yes")},
    };
    static uint32_t first[] = {0}, far[] = {1000}, all[1000];
    static char long_data[20000];

    decision->verdict = MOON_WIRE_ACCEPT;
    if (strcmp(mode, "reject") == 0) {
        decision->verdict = MOON_WIRE_REJECT;
        decision->reply = MOON_SPAN("5.7.1 Not here\n5.7.1 Ask your provider");
    } else if (strcmp(mode, "defer") == 0) {
        decision->verdict = MOON_WIRE_DEFER;
        decision->reply = MOON_SPAN("4.7.5 Later");
    } else if (strcmp(mode, "no-reply") == 0) {
        decision->verdict = MOON_WIRE_REJECT;
    } else if (strcmp(mode, "freeze") == 0) {
        decision->verdict = MOON_WIRE_FREEZE;
    } else if (strcmp(mode, "headers") == 0) {
        decision->added = headers;
        decision->added_count = 4;
        decision->removed_fields = first;
        decision->removed_field_count = 1;
        decision->log = MOON_SPAN("fake: headers");
    } else if (strcmp(mode, "rude") == 0) {
        decision->verdict = MOON_WIRE_REJECT;
        decision->reply = MOON_SPAN("2.0.0 fine\r\n250 really\001\n");
        decision->added = rude;
        decision->added_count = 3;
        decision->log = MOON_SPAN("one\ntwo");
    } else if (strcmp(mode, "rude-accept") == 0) {
        decision->added = rude;
        decision->added_count = 3;
        decision->data = MOON_SPAN("q=a\nb");
    } else if (strcmp(mode, "discard") == 0) {
        decision->removed_recipients = first;
        decision->removed_recipient_count = 1;
    } else if (strcmp(mode, "discard-all") == 0) {
        for (uint32_t i = 0; i < 1000; i++)
            all[i] = i;
        decision->removed_recipients = all;
        decision->removed_recipient_count = 1000; /* the caller cuts it to the recipients */
    } else if (strcmp(mode, "bad-index") == 0) {
        decision->removed_fields = far;
        decision->removed_field_count = 1;
    } else if (strcmp(mode, "data") == 0) {
        decision->data = MOON_SPAN("q=tenant_a spf=fail");
    } else if (strcmp(mode, "long-data") == 0) {
        memset(long_data, 'x', sizeof long_data);
        decision->data = (struct moon_span){long_data, sizeof long_data};
    } else if (strcmp(mode, "failure") == 0) {
        decision->verdict = MOON_WIRE_DEFER;
        decision->failure = MOON_SPAN("the engine\nhas no memory");
    } else if (strcmp(mode, "no-verdict") == 0) {
        decision->verdict = 0;
    }
}

static void decide(const char *mode, uint32_t recipient_count)
{
    struct moon_decision decision = {0};

    fail_as(mode);
    if (strcmp(mode, "ready") == 0)
        say_ready("");
    make_decision(mode, &decision);
    if (decision.removed_recipient_count > recipient_count)
        decision.removed_recipient_count = recipient_count;
    if (!moon_wire_put_decision(&out, &decision))
        _exit(6);
    if (strcmp(mode, "half") == 0) {
        send_bytes(out.bytes, out.length / 2);
        wait_for_ever();
    }
    if (strcmp(mode, "slow") == 0) {
        for (size_t i = 0; i < out.length; i++) {
            send_bytes(out.bytes + i, 1);
            (void)usleep(1000); /* a short nap is all that is wanted */
        }
        return;
    }
    send_frame();
    if (strcmp(mode, "twice") == 0)
        send_frame();
}

/* The message's own word for what to do. */
static const char *mode_of(const struct moon_request *request, char *word, size_t size)
{
    static const struct moon_span name = {"X-Fake:", 7};

    for (uint32_t i = 0; i < request->field_count; i++) {
        struct moon_span text = request->fields[i].text;
        if (!moon_span_eq_nocase(moon_span_sub(text, 0, name.n), name))
            continue;
        text = moon_span_trim(moon_span_sub(text, name.n, text.n));
        (void)snprintf(word, size, "%.*s", (int)text.n, text.p); /* cut: no such word */
        return word;
    }
    return setting("MOONSCAN_FAKE", "accept");
}

static void one_message(struct moon_span payload, int fd)
{
    struct moon_request request;
    const char *reason;
    char word[32];

    if (!moon_wire_get_request(payload, &request, &reason))
        _exit(5);
    note_request(&request, fd);
    const char *mode = mode_of(&request, word, sizeof word);
    uint32_t recipient_count = request.recipient_count;
    moon_request_free(&request);
    decide(mode, recipient_count);
}

static void one_applied(struct moon_span payload)
{
    struct moon_applied applied;
    const char *reason;

    if (!moon_wire_get_applied(payload, &applied, &reason))
        _exit(5);
    note_number("applied_verdict", applied.verdict);
    note_number("applied_added", applied.added_count);
    note_number("applied_fields", applied.removed_field_count);
    note_number("applied_recipients", applied.removed_recipient_count);
    note("applied_text", applied.text);
    if (strcmp(setting("MOONSCAN_FAKE", ""), "leave") == 0)
        _exit(0);
}

int main(int argc, char **argv)
{
    if (argc != 2 || strcmp(argv[1], "worker") != 0)
        return 2;
    const char *path = setting("MOONSCAN_FAKE_LOG", NULL);
    if (path)
        log_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    note_number("pid", getpid());
    int extra = 0;
    for (int fd = SOCKET + 1; fd < 256; fd++)
        extra += fd != log_fd && fcntl(fd, F_GETFD) >= 0;
    note_number("extra_descriptors", extra);
    if (strcmp(setting("MOONSCAN_FAKE", ""), "quiet") != 0 ||
        moon_wire_wait(SOCKET, moon_wire_now_ms() + QUIET_MS, NULL) != MOON_WIRE_IO_OK)
        say_ready(setting("MOONSCAN_FAKE", ""));
    for (;;) { /* ends with the socket */
        struct moon_span payload;
        enum moon_wire_type type;
        int fd = -1;
        if (moon_wire_receive(SOCKET, &type, &payload, &fd, -1, NULL) != MOON_WIRE_IO_OK)
            return 0;
        if (type == MOON_WIRE_REQUEST)
            one_message(payload, fd);
        else if (type == MOON_WIRE_APPLIED)
            one_applied(payload);
        free((char *)(uintptr_t)payload.p);
        if (fd >= 0)
            (void)close(fd);
    }
}
