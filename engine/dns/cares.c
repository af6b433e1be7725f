/* SPDX-License-Identifier: MIT
 *
 * cares: the backend that asks real servers, on c-ares; the only file that knows ares.h. c-ares
 * sends, repeats, changes to the next server and goes over to TCP after truncation. Queries are
 * built and replies are read by packet.c: ares_query() takes a backslash in a name for an escape,
 * and the parsers of c-ares refuse answers that we can use.
 *
 *  1. A message begins: if servers come from resolv.conf and the file has changed, it is read
 * again.
 *  2. The first question makes the channel. Nothing of the system's files is left to c-ares.
 *  3. A question is sent with EDNS; a server that answers FORMERR is asked once more without.
 *  4. A step waits in poll() for the sockets, the next repetition or the message's deadline.
 *  5. A message ends: its queries are cancelled and its sockets closed, so a late answer finds
 *     nobody, and the next message has new ports . Between the rounds of one message c-ares closes
 *     its idle sockets, too: these wait for the next round (sockets.c).
 */
#include "engine/dns/cares.h"

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/dns/kept.h"
#include "engine/dns/packet.h"
#include "engine/dns/servers.h"
#include "engine/dns/sockets.h"

#define RESOLV_CONF   "/etc/resolv.conf"
#define TRIES         2    /* for each server */
#define TRY_MS        2500 /* one server: 2.5 s, then 5 s, well under MOON_DNS_MS */
#define TRY_MS_MIN    500  /* many servers share that time */
#define RCODE_FORMERR 1u
#define IDS           128u /* random numbers fetched at a time: 256 bytes come whole, getrandom(2) */

_Static_assert(2 * MOON_DNS_SERVERS_MAX <= ARES_GETSOCK_MAXNUM, "every socket can be polled");

struct cares {
    struct moon_dns_backend backend; /* its first member */
    ares_channel channel;            /* NULL before the first question */
    struct moon_dns_servers servers;
    bool first_is_slow; /* the first server kept silent and another one answered */
    bool stale;         /* the channel has other servers than `servers` */
    struct moon_dns_ask *under_way;
    const struct moon_dns *cancelling;
    uint16_t ids[IDS];
    size_t ids_left;
    struct moon_dns_sockets sockets; /* of this message */
};

static struct cares *cares_of(struct moon_dns_backend *backend)
{
    return (struct cares *)(void *)backend; /* its first member */
}

/* Step 1. */
static void begin(struct moon_dns_backend *backend)
{
    struct cares *cares = cares_of(backend);
    if (moon_dns_servers_refresh(&cares->servers)) {
        cares->stale = true;
        cares->first_is_slow = false;
        if (backend->kept)
            moon_dns_kept_empty(backend->kept);
    }
}

/* --- the servers --------------------------------------------------------------------------------
 */

static int try_ms(size_t servers)
{
    int ms = TRY_MS / (int)servers;
    return ms < TRY_MS_MIN ? TRY_MS_MIN : ms;
}

static int give_servers(struct cares *cares)
{
    struct ares_addr_port_node nodes[MOON_DNS_SERVERS_MAX];
    memset(nodes, 0, sizeof nodes);
    for (size_t i = 0; i < cares->servers.count; i++) {
        const struct moon_dns_server *server = &cares->servers.list[i];
        nodes[i].next = i + 1 < cares->servers.count ? &nodes[i + 1] : NULL;
        nodes[i].family = server->ip.family == 4 ? AF_INET : AF_INET6;
        nodes[i].udp_port = nodes[i].tcp_port = server->port;
        memcpy(&nodes[i].addr, server->ip.bytes, server->ip.family == 4 ? 4 : 16);
    }
    return ares_set_servers_ports(cares->channel, nodes);
}

/* --- sockets ------------------------------------------------------------------------------------
 *
 * The sockets of c-ares are made here, so that none is inherited, none raises SIGPIPE, and so that
 * we see the rcode of an answer: c-ares 1.18 goes on to the next server after SERVFAIL, REFUSED and
 * NOTIMP, as it should, but in the end it only says that no server could be reached.
 */

static ares_socket_t make_socket(int family, int type, int protocol, void *context)
{
    struct cares *cares = context;
    return moon_dns_socket_open(&cares->sockets, family, type, protocol);
}

static int close_socket(ares_socket_t fd, void *context)
{
    struct cares *cares = context;
    return moon_dns_socket_close(&cares->sockets, fd);
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t length,
                          void *context)
{
    struct cares *cares = context;
    return moon_dns_socket_connect(&cares->sockets, fd, to, length);
}

static ares_ssize_t receive(ares_socket_t fd, void *out, size_t size, int flags,
                            struct sockaddr *from, ares_socklen_t *length, void *context)
{
    struct cares *cares = context;
    ssize_t n = recvfrom(fd, out, size, flags, from, length);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        moon_dns_socket_spoil(&cares->sockets, fd);
    if (n < 2 || !from) /* c-ares does not ask who sent the pieces of a TCP stream */
        return n;
    struct moon_span packet = {out, (size_t)n};
    struct moon_buf in = moon_buf_of(packet);
    unsigned id = moon_buf_u16(&in), rcode = moon_dns_packet_rcode(packet);
    if (rcode == RCODE_FORMERR)
        cares->stale = true; /* c-ares stops to expect EDNS answers: a new channel will again */
    for (struct moon_dns_ask *ask = cares->under_way; ask; ask = ask->next)
        if (ask->id == id && rcode <= 15)
            ask->rcode = (uint8_t)rcode;
    return n;
}

static ares_ssize_t send_bytes(ares_socket_t fd, const struct iovec *parts, int count,
                               void *context)
{
    struct cares *cares = context;
    /* The first part: c-ares sends the rest when the socket can be written again. */
    ssize_t n = count > 0 ? send(fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL) : 0;
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        moon_dns_socket_spoil(&cares->sockets, fd);
    return n;
}

static const struct ares_socket_functions socket_functions = {make_socket, close_socket,
                                                              connect_socket, receive, send_bytes};

/* --- the channel --------------------------------------------------------------------------------
 */

/* c-ares begins each query with the first server: one that is silent would cost every round of
 * every message the time of a try. */
static void first_to_last(struct cares *cares)
{
    struct moon_dns_servers *servers = &cares->servers;
    struct moon_dns_server first = servers->list[0];
    cares->first_is_slow = false;
    if (servers->count < 2)
        return;
    memmove(servers->list, servers->list + 1, (servers->count - 1) * sizeof first);
    servers->list[servers->count - 1] = first;
    cares->stale = true;
}

/* Step 2. Every option is given, so that c-ares reads no file and no variable of the environment
 * for it. */
static bool open_channel(struct cares *cares)
{
    if (cares->first_is_slow && !cares->under_way)
        first_to_last(cares);
    if (cares->channel && cares->stale && !cares->under_way) {
        ares_destroy(cares->channel);
        cares->channel = NULL;
    }
    if (cares->channel)
        return true;
    char lookups[] = "b";
    struct ares_options options = {.flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH,
                                   .timeout = try_ms(cares->servers.count),
                                   .tries = TRIES,
                                   .ndots = 1,
                                   .lookups = lookups,
                                   .ednspsz = (int)MOON_DNS_EDNS_BYTES};
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
               ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST |
               ARES_OPT_EDNSPSZ | ARES_OPT_NOROTATE;
    if (ares_init_options(&cares->channel, &options, mask) != ARES_SUCCESS) {
        cares->channel = NULL;
        return false;
    }
    if (give_servers(cares) != ARES_SUCCESS) {
        ares_destroy(cares->channel);
        cares->channel = NULL;
        return false;
    }
    ares_set_socket_functions(cares->channel, &socket_functions, cares);
    cares->stale = false;
    return true;
}

/* --- questions ----------------------------------------------------------------------------------
 */

static bool random_id(struct cares *cares, uint16_t *id_r)
{
    if (cares->ids_left == 0) {
        if (getrandom(cares->ids, sizeof cares->ids, 0) != (ssize_t)sizeof cares->ids)
            return false;
        cares->ids_left = IDS;
    }
    *id_r = cares->ids[--cares->ids_left];
    return true;
}

static void give_up(struct moon_dns_ask *ask, const char *reason)
{
    struct moon_dns_reply reply = {.state = MOON_DNS_STATE_TROUBLE, .reason = reason};
    moon_dns_deliver(ask, &reply);
}

static const char *reason_of(int status)
{
    switch (status) {
    case ARES_ETIMEOUT:
        return "timeout";
    case ARES_ESERVFAIL:
        return "SERVFAIL";
    case ARES_EREFUSED:
        return "REFUSED";
    case ARES_ENOTIMP:
        return "NOTIMP";
    case ARES_EFORMERR:
        return "FORMERR";
    case ARES_ECONNREFUSED:
        return "no server reached";
    case ARES_ENOMEM:
        return "no memory";
    case ARES_ECANCELLED:
        return "cancelled";
    }
    return "resolver error";
}

static void send_query(struct cares *cares, struct moon_dns_ask *ask);

static void forget(struct cares *cares, const struct moon_dns_ask *ask)
{
    struct moon_dns_ask **link = &cares->under_way;
    while (*link && *link != ask) /* at most MOON_DNS_QUESTIONS_MAX for a message */
        link = &(*link)->next;
    if (*link)
        *link = ask->next;
}

/* Called by c-ares: once for each query. */
static void arrived(void *context, int status, int timeouts, unsigned char *bytes, int length)
{
    struct moon_dns_ask *ask = context;
    struct cares *cares = ask->private_data;
    struct moon_dns_reply reply;
    forget(cares, ask);
    if (timeouts > 0 && status == ARES_SUCCESS)
        cares->first_is_slow = true; /* another server answered, or this one at last */
    if (status == ARES_EDESTRUCTION || (status == ARES_ECANCELLED && ask->dns == cares->cancelling))
        return;
    if (!bytes || length <= 0) {
        bool refused = status == ARES_ECONNREFUSED && ask->rcode;
        give_up(ask, refused ? moon_dns_rcode_name(ask->rcode) : reason_of(status));
        return;
    }
    struct moon_span packet = {(const char *)bytes, (size_t)length};
    if (!ask->plain &&
        moon_dns_packet_rcode(packet) == RCODE_FORMERR) { /* step 3; RFC 6891 section 7 */
        ask->plain = true;
        send_query(cares, ask);
        return;
    }
    moon_dns_packet_read(packet, &ask->name, ask->type, ask->hops, moon_dns_arena(ask->dns),
                         &reply);
    moon_dns_deliver(ask, &reply);
}

static void send_query(struct cares *cares, struct moon_dns_ask *ask)
{
    uint8_t query[MOON_DNS_QUERY_MAX];
    if (!random_id(cares, &ask->id)) {
        give_up(ask, "no random numbers");
        return;
    }
    size_t length = moon_dns_packet_query(ask->id, &ask->name, ask->type, !ask->plain, query);
    ask->private_data = cares;
    ask->rcode = 0;
    ask->next = cares->under_way;
    cares->under_way = ask;
    ares_send(cares->channel, query, (int)length, arrived, ask);
}

static void ask_cares(struct moon_dns_backend *backend, struct moon_dns_ask *ask)
{
    struct cares *cares = cares_of(backend);
    if (open_channel(cares))
        send_query(cares, ask);
    else
        give_up(ask, "resolver error");
}

/* --- waiting ------------------------------------------------------------------------------------
 */

/* Until the deadline or the next repetition, whichever is first. */
static int poll_ms(struct cares *cares, int64_t wait_ms)
{
    struct timeval next = {0, 0};
    if (wait_ms > INT32_MAX)
        wait_ms = INT32_MAX;
    if (ares_timeout(cares->channel, NULL, &next)) {
        int64_t next_ms = (int64_t)next.tv_sec * 1000 + (next.tv_usec + 999) / 1000;
        if (next_ms < wait_ms)
            wait_ms = next_ms;
    }
    return (int)wait_ms;
}

/* Step 4. */
static void step(struct moon_dns_backend *backend, struct moon_dns *dns, int64_t wait_ms)
{
    struct cares *cares = cares_of(backend);
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    struct pollfd fds[ARES_GETSOCK_MAXNUM];
    nfds_t count = 0;
    (void)dns; /* whatever arrives is delivered */
    if (!cares->channel)
        return; /* every question was given up at once */
    unsigned bits = (unsigned)ares_getsock(cares->channel, sockets, ARES_GETSOCK_MAXNUM);
    for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        bool reads = bits >> i & 1u, writes = bits >> (i + ARES_GETSOCK_MAXNUM) & 1u;
        if (reads || writes)
            fds[count++] = (struct pollfd){
                .fd = sockets[i], .events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0))};
    }
    int ready = poll(fds, count, poll_ms(cares, wait_ms));
    for (nfds_t i = 0; ready > 0 && i < count; i++) {
        bool broken = fds[i].revents & (POLLERR | POLLHUP | POLLNVAL);
        bool reads = fds[i].revents & POLLIN || (broken && fds[i].events & POLLIN);
        bool writes = fds[i].revents & POLLOUT || (broken && fds[i].events & POLLOUT);
        if (reads || writes)
            ares_process_fd(cares->channel, reads ? fds[i].fd : ARES_SOCKET_BAD,
                            writes ? fds[i].fd : ARES_SOCKET_BAD);
    }
    if (ready <= 0) /* repetitions that are due; a signal is nothing special */
        ares_process_fd(cares->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* Step 5. */
static void cancel(struct moon_dns_backend *backend, struct moon_dns *dns)
{
    struct cares *cares = cares_of(backend);
    cares->cancelling = dns;
    if (cares->channel)
        ares_cancel(cares->channel);
    cares->cancelling = NULL;
    moon_dns_sockets_end(&cares->sockets);
}

static void destroy(struct moon_dns_backend *backend)
{
    struct cares *cares = cares_of(backend);
    if (cares->channel)
        ares_destroy(cares->channel);
    moon_dns_sockets_end(&cares->sockets);
    free(cares->servers.path);
    free(cares);
}

static const struct moon_dns_backend_ops ops = {
    .destroy = destroy, .begin = begin, .ask = ask_cares, .step = step, .cancel = cancel};

enum moon_status moon_dns_backend_resolv_conf(const char *path, struct moon_dns_backend **backend_r,
                                              struct moon_error *error)
{
    struct cares *cares = calloc(1, sizeof *cares);
    *backend_r = NULL;
    if (cares)
        cares->servers.path = strdup(path);
    if (!cares || !cares->servers.path) {
        free(cares);
        return moon_fail(error, MOON_ENOMEM, "no memory for the resolver");
    }
    cares->backend.ops = &ops;
    *backend_r = &cares->backend;
    return MOON_OK;
}

enum moon_status moon_dns_backend_cares(const char *const *servers, size_t count,
                                        struct moon_dns_backend **backend_r,
                                        struct moon_error *error)
{
    *backend_r = NULL;
    if (count == 0)
        return moon_dns_backend_resolv_conf(RESOLV_CONF, backend_r, error);
    struct cares *cares = calloc(1, sizeof *cares);
    if (!cares)
        return moon_fail(error, MOON_ENOMEM, "no memory for the resolver");
    enum moon_status status = moon_dns_servers_parse(&cares->servers, servers, count, error);
    cares->backend.ops = &ops;
    if (status == MOON_OK)
        *backend_r = &cares->backend;
    else
        free(cares);
    return status;
}
