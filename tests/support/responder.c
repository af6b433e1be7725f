/* SPDX-License-Identifier: MIT
 *
 * responder: the child's loop. One datagram or one TCP connection at a time, answers made in a
 * buffer, delayed ones kept in a short queue.
 */
#include "tests/support/responder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/budget.h"

#define QUEUE    32
#define DELAY_MS 100

struct message {
    uint8_t bytes[2048];
    size_t length;
};

struct waiting {
    struct message answer;
    struct sockaddr_storage to;
    socklen_t to_length;
    int64_t due_ms;
};

struct server {
    int udp, tcp;
    bool moody;
    unsigned last_port; /* of a UDP question */
    struct responder_counts *counts;
    struct waiting late[QUEUE], together[QUEUE];
    size_t late_count, together_count;
};

/* --- answers ------------------------------------------------------------------------------------
 */

struct query {
    const uint8_t *bytes;
    size_t end; /* of the question */
    char label[64], second[64];
    unsigned type;
    bool edns, tcp;
};

static void put(struct message *m, const void *bytes, size_t n)
{
    if (n && m->length + n <= sizeof m->bytes) {
        memcpy(m->bytes + m->length, bytes, n);
        m->length += n;
    }
}

static void put16(struct message *m, unsigned value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    put(m, bytes, 2);
}

/* Header and question; flags: QR, RD, RA. */
static void begin_answer(struct message *m, const struct query *q, unsigned rcode)
{
    m->length = 0;
    put(m, q->bytes, 2);
    put16(m, 0x8180u | rcode);
    put16(m, 1);
    put16(m, 0);
    put16(m, 0);
    put16(m, 0);
    put(m, q->bytes + 12, q->end - 12);
}

static void add_record(struct message *m, unsigned type, const void *data, size_t n)
{
    put16(m, 0xc00c); /* the question's name */
    put16(m, type);
    put16(m, 1);
    put16(m, 0);
    put16(m, 60);
    put16(m, (unsigned)n);
    put(m, data, n);
    m->bytes[7]++;
}

static void add_text(struct message *m, const char *text, size_t n)
{
    uint8_t data[256];
    data[0] = (uint8_t)n;
    memcpy(data + 1, text, n);
    add_record(m, 16, data, n + 1);
}

static void plain_answer(struct message *m, const struct query *q, const char *text, size_t n)
{
    static const uint8_t mx[] = "\0\12\4mail\1x";
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    begin_answer(m, q, 0);
    if (q->type == 1)
        add_record(m, 1, "\300\0\2\1", 4);
    else if (q->type == 28)
        add_record(m, 28, v6, 16);
    else if (q->type == 15)
        add_record(m, 15, mx, sizeof mx);
    else if (q->type == 16)
        add_text(m, text, n);
}

static void long_answer(struct message *m, const struct query *q)
{
    char text[250];
    memset(text, 'x', sizeof text);
    begin_answer(m, q, 0);
    for (int i = 0; i < 4; i++)
        add_text(m, text, sizeof text);
    if (!q->tcp && !q->edns) {
        begin_answer(m, q, 0);
        m->bytes[2] |= 2; /* TC */
    }
}

static void cname_answer(struct message *m, const struct query *q)
{
    static const uint8_t target[] = "\6target\11elsewhere";
    begin_answer(m, q, 0);
    m->bytes[2] |= 4; /* AA */
    m->bytes[3] = 0;  /* no RA */
    add_record(m, 5, target, sizeof target);
}

static bool is(const char *label, const char *want)
{
    return strcmp(label, want) == 0;
}

/* False: no answer. */
static bool make_answer(struct server *s, const struct query *q, struct message *m)
{
    char text[16];
    if (is(q->label, "silent") || (is(q->label, "mute") && s->moody))
        return false;
    if (is(q->label, "servfail") || (is(q->label, "moody") && s->moody))
        begin_answer(m, q, 2);
    else if (is(q->label, "refused"))
        begin_answer(m, q, 5);
    else if (is(q->label, "nx"))
        begin_answer(m, q, 3);
    else if (is(q->label, "nodata"))
        begin_answer(m, q, 0);
    else if (is(q->label, "noedns") && q->edns)
        begin_answer(m, q, 1);
    else if (is(q->label, "long"))
        long_answer(m, q);
    else if (is(q->label, "cname"))
        cname_answer(m, q);
    else if (is(q->label, "late")) {
        int n = snprintf(text, sizeof text, "%u", ++s->counts->late);
        plain_answer(m, q, text, (size_t)n);
    } else
        plain_answer(m, q, q->label, q->bytes[12]);
    if (is(q->label, "short") && !q->tcp) {
        begin_answer(m, q, 0);
        m->bytes[2] |= 2; /* TC */
    }
    if (is(q->label, "garbage")) {
        begin_answer(m, q, 0);
        m->bytes[7] = 1;
        put(m, "\300\377\377\377\377", 5);
    }
    return true;
}

/* What an attacker would send: another id, or another question. */
static bool make_forgery(const struct query *q, struct message *m)
{
    if (!is(q->label, "wrongid") && !is(q->label, "wrongname"))
        return false;
    plain_answer(m, q, "forged", 6);
    m->bytes[is(q->label, "wrongid") ? 1 : 13] ^= 1;
    return true;
}

static bool read_query(const uint8_t *bytes, size_t n, bool tcp, struct query *q)
{
    size_t at = 12;
    *q = (struct query){.bytes = bytes, .tcp = tcp};
    if (n < 17)
        return false;
    for (int label = 0; at < n && bytes[at]; label++) {
        size_t length = bytes[at];
        if (length > 63 || at + 1 + length >= n)
            return false;
        if (label < 2)
            memcpy(label ? q->second : q->label, bytes + at + 1, length);
        at += 1 + length;
    }
    if (at + 5 > n)
        return false;
    q->type = (unsigned)(bytes[at + 1] << 8 | bytes[at + 2]);
    q->end = at + 5;
    q->edns = bytes[11] != 0;
    return true;
}

/* --- the loop -----------------------------------------------------------------------------------
 */

static void send_waiting(int fd, const struct waiting *w)
{
    (void)sendto(fd, w->answer.bytes, w->answer.length, 0, (const struct sockaddr *)&w->to,
                 w->to_length); /* a client that is gone is no matter */
}

static void serve_udp(struct server *s)
{
    uint8_t bytes[2048];
    struct waiting w = {.to_length = sizeof w.to};
    struct query q;
    ssize_t n = recvfrom(s->udp, bytes, sizeof bytes, 0, (struct sockaddr *)&w.to, &w.to_length);
    if (n < 0 || !read_query(bytes, (size_t)n, false, &q))
        return;
    s->counts->udp++;
    unsigned port = ((struct sockaddr_in *)(void *)&w.to)->sin_port; /* IPv6: in the same place */
    s->counts->ports += port != s->last_port;
    s->last_port = port;
    s->counts->edns += q.edns;
    if (make_forgery(&q, &w.answer))
        send_waiting(s->udp, &w);
    if (!make_answer(s, &q, &w.answer))
        return;
    w.due_ms = moon_clock_ms() + DELAY_MS;
    if (is(q.label, "late") && s->late_count < QUEUE) {
        s->late[s->late_count++] = w;
    } else if (is(q.second, "together") && s->together_count < QUEUE) {
        s->together[s->together_count++] = w;
        for (size_t i = 0; s->together_count >= RESPONDER_TOGETHER && i < s->together_count; i++)
            send_waiting(s->udp, &s->together[i]);
    } else {
        send_waiting(s->udp, &w);
    }
}

static void serve_tcp(struct server *s)
{
    uint8_t bytes[2048];
    struct message m = {.length = 0};
    struct query q;
    int fd = accept(s->tcp, NULL, NULL);
    ssize_t n = fd < 0 ? -1 : recv(fd, bytes, 2, MSG_WAITALL);
    if (n == 2)
        n = recv(fd, bytes + 2, (size_t)(bytes[0] << 8 | bytes[1]) % sizeof bytes, MSG_WAITALL);
    if (n > 0 && read_query(bytes + 2, (size_t)n, true, &q)) {
        s->counts->tcp++;
        if (make_answer(s, &q, &m)) {
            uint8_t length[2] = {(uint8_t)(m.length >> 8), (uint8_t)m.length};
            (void)send(fd, length, 2, MSG_NOSIGNAL | MSG_MORE); /* as above */
            (void)send(fd, m.bytes, m.length, MSG_NOSIGNAL);    /* as above */
        }
    }
    if (fd >= 0)
        (void)close(fd); /* one question a connection */
}

static void serve_late(struct server *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->late_count; i++) {
        if (s->late[i].due_ms <= moon_clock_ms())
            send_waiting(s->udp, &s->late[i]);
        else
            s->late[kept++] = s->late[i];
    }
    s->late_count = kept;
}

static _Noreturn void serve(struct server *s)
{
    for (;;) {
        struct pollfd fds[2] = {{s->udp, POLLIN, 0}, {s->tcp, POLLIN, 0}};
        if (poll(fds, 2, s->late_count ? 5 : -1) < 0 && errno != EINTR)
            _exit(1);
        if (fds[0].revents & POLLIN)
            serve_udp(s);
        if (fds[1].revents & POLLIN)
            serve_tcp(s);
        serve_late(s);
    }
}

/* --- start and stop -----------------------------------------------------------------------------
 */

static int bound(int type, struct sockaddr_storage *address, socklen_t length)
{
    int fd = socket(address->ss_family, type | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)address, length) != 0) {
        (void)close(fd); /* was never used */
        return -1;
    }
    return fd;
}

/* Two sockets on one port that the kernel chose. */
static bool open_sockets(struct server *s, int family, unsigned *port_r)
{
    struct sockaddr_storage address = {.ss_family = family == 4 ? AF_INET : AF_INET6};
    socklen_t length = family == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (family == 4)
        ((struct sockaddr_in *)(void *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        ((struct sockaddr_in6 *)(void *)&address)->sin6_addr = in6addr_loopback;
    s->tcp = bound(SOCK_STREAM, &address, length);
    if (s->tcp < 0 || listen(s->tcp, 16) != 0 ||
        getsockname(s->tcp, (struct sockaddr *)&address, &length) != 0)
        return false;
    *port_r = ntohs(family == 4 ? ((struct sockaddr_in *)(void *)&address)->sin_port
                                : ((struct sockaddr_in6 *)(void *)&address)->sin6_port);
    s->udp = bound(SOCK_DGRAM, &address, length);
    return s->udp >= 0;
}

bool responder_start(struct responder *responder, int family, bool moody)
{
    static struct server s;
    unsigned port = 0;
    bool opened = false;
    memset(&s, 0, sizeof s);
    for (int i = 0; i < 20 && !opened; i++) { /* the UDP port may be taken by somebody */
        s.udp = s.tcp = -1;
        opened = open_sockets(&s, family, &port);
        if (!opened && s.tcp >= 0)
            (void)close(s.tcp); /* tried again */
    }
    if (!opened)
        return false;
    void *shared = mmap(NULL, sizeof *responder->counts, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    s.moody = moody;
    s.counts = responder->counts = shared;
    (void)snprintf(responder->address, sizeof responder->address,
                   family == 4 ? "127.0.0.1:%u" : "[::1]:%u", port); /* has room */
    responder->pid = fork();
    if (responder->pid < 0)
        abort();
    if (responder->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies leaves no process */
        serve(&s);
    }
    (void)close(s.udp); /* the child's */
    (void)close(s.tcp); /* the child's */
    return true;
}

void responder_stop(struct responder *responder)
{
    (void)kill(responder->pid, SIGKILL);                        /* ours */
    (void)waitpid(responder->pid, NULL, 0);                     /* just killed */
    (void)munmap(responder->counts, sizeof *responder->counts); /* mapped in start */
}
