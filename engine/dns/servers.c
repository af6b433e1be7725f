/* SPDX-License-Identifier: MIT
 *
 * servers: reads addresses of DNS servers. resolv.conf is read here and not by c-ares, because a
 * worker lives longer than the file may stay as it is, and so that its confinement knows which
 * files are read.
 */
#include "engine/dns/servers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define RESOLV_BYTES_MAX 8192u /* of the file; the C library's own limits are far below */
#define PORT             53u

/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:53" */
static bool parse_server(struct moon_span text, struct moon_dns_server *server_r)
{
    uint64_t port = PORT;
    struct moon_span host = text, rest = {NULL, 0};
    size_t colon = moon_span_find(text, ':');
    if (text.n && text.p[0] == '[') {
        size_t close = moon_span_find(text, ']');
        if (close == (size_t)-1)
            return false;
        host = moon_span_sub(text, 1, close - 1);
        rest = moon_span_sub(text, close + 1, text.n);
        if (moon_span_find(host, ':') == (size_t)-1)
            return false;
    } else if (colon != (size_t)-1 && colon == moon_span_rfind(text, ':')) {
        host = moon_span_sub(text, 0, colon);
        rest = moon_span_sub(text, colon, text.n);
    }
    if (rest.n && (rest.p[0] != ':' ||
                   !moon_span_number(moon_span_sub(rest, 1, rest.n), UINT16_MAX, &port) || !port))
        return false;
    server_r->port = (uint16_t)port;
    return moon_ip_parse(host, &server_r->ip);
}

static bool in_word(char c)
{
    return !moon_is_wsp(c);
}

/* "nameserver ADDRESS" lines; what cannot be read is passed over, as the C library does. */
static void parse_resolv_conf(struct moon_dns_servers *servers, struct moon_span text)
{
    struct moon_buf in = moon_buf_of(text);
    servers->count = 0;
    while (!moon_buf_at_end(&in) && servers->count < MOON_DNS_SERVERS_MAX) {
        struct moon_buf line = moon_buf_of(moon_span_trim(moon_buf_until(&in, '\n')));
        (void)moon_buf_skip(&in, '\n'); /* not behind the last line */
        if (!moon_span_is(moon_buf_while(&line, moon_is_alpha), "nameserver"))
            continue;
        (void)moon_buf_while(&line, moon_is_wsp); /* between the words */
        struct moon_span address = moon_buf_while(&line, in_word);
        if (parse_server(address, &servers->list[servers->count]))
            servers->count++;
    }
    if (servers->count == 0) { /* resolv.conf(5): the local machine */
        servers->list[0] =
            (struct moon_dns_server){.ip = {.family = 4, .bytes = {127, 0, 0, 1}}, .port = PORT};
        servers->count = 1;
    }
}

/* False: it is there, and must not be read (by a worker that is confined by now). */
static bool read_file(const char *path, char *out, size_t size, size_t *n_r)
{
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && (errno == EACCES || errno == EPERM))
        return false;
    while (fd >= 0 && n < size) {
        ssize_t got = read(fd, out + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    if (fd >= 0)
        (void)close(fd); /* was only read */
    *n_r = n;
    return true;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool moon_dns_servers_refresh(struct moon_dns_servers *servers)
{
    struct stat now;
    char text[RESOLV_BYTES_MAX];
    size_t n = 0;
    if (!servers->path)
        return false;
    if (stat(servers->path, &now) != 0)
        memset(&now, 0, sizeof now);
    if (servers->count && is_same_file(&now, &servers->seen))
        return false;
    servers->seen = now;
    if (!read_file(servers->path, text, sizeof text, &n) && servers->count)
        return false; /* those known are better than none */
    parse_resolv_conf(servers, (struct moon_span){text, n});
    return true;
}

enum moon_status moon_dns_servers_parse(struct moon_dns_servers *servers, const char *const *texts,
                                        size_t count, struct moon_error *error)
{
    if (count > MOON_DNS_SERVERS_MAX)
        return moon_fail(error, MOON_ECONF, "more than %u DNS servers", MOON_DNS_SERVERS_MAX);
    for (servers->count = 0; servers->count < count; servers->count++) {
        const char *text = texts[servers->count];
        if (!parse_server(moon_span_of(text), &servers->list[servers->count]))
            return moon_fail(error, MOON_ECONF, "not the address of a DNS server: \"%s\"", text);
    }
    return MOON_OK;
}
