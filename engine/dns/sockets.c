/* SPDX-License-Identifier: MIT
 *
 * sockets: UDP sockets that last as long as a message. A port that an attacker has found out is of
 * no use for the next message (RFC 5452 section 9.2); within one, a new port for each round would
 * cost three system calls and hide little, as the ids are random in any case.
 */
#include "engine/dns/sockets.h"

#include <string.h>
#include <unistd.h>

static struct moon_dns_socket *find(struct moon_dns_sockets *sockets, int fd)
{
    for (size_t i = 0; i < MOON_DNS_SERVERS_MAX; i++)
        if (sockets->list[i].used && sockets->list[i].fd == fd)
            return &sockets->list[i];
    return NULL;
}

int moon_dns_socket_open(struct moon_dns_sockets *sockets, int family, int type, int protocol)
{
    struct moon_dns_socket *place = NULL;
    for (size_t i = 0; type == SOCK_DGRAM && i < MOON_DNS_SERVERS_MAX; i++) {
        struct moon_dns_socket *known = &sockets->list[i];
        if (known->used && known->idle && known->family == family) {
            known->idle = false;
            return known->fd;
        }
        if (!known->used)
            place = known;
    }
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd >= 0 && place)
        *place = (struct moon_dns_socket){.fd = fd, .used = true, .family = (sa_family_t)family};
    return fd;
}

int moon_dns_socket_connect(struct moon_dns_sockets *sockets, int fd, const struct sockaddr *to,
                            socklen_t length)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    struct moon_dns_socket *known = find(sockets, fd);
    if (!known || length > sizeof known->to)
        return connect(fd, to, length);
    if (known->length == length && memcmp(&known->to, to, length) == 0)
        return 0;
    known->spoilt = true;
    /* For another server a port and an address of our side anew. */
    if ((known->length && connect(fd, &nobody, sizeof nobody) != 0) || connect(fd, to, length) != 0)
        return -1;
    memcpy(&known->to, to, length);
    known->length = length;
    known->spoilt = false;
    return 0;
}

int moon_dns_socket_close(struct moon_dns_sockets *sockets, int fd)
{
    struct moon_dns_socket *known = find(sockets, fd);
    if (known && !known->spoilt) {
        known->idle = true;
        return 0;
    }
    if (known)
        known->used = false;
    return close(fd);
}

void moon_dns_socket_spoil(struct moon_dns_sockets *sockets, int fd)
{
    struct moon_dns_socket *known = find(sockets, fd);
    if (known)
        known->spoilt = true;
}

void moon_dns_sockets_end(struct moon_dns_sockets *sockets)
{
    for (size_t i = 0; i < MOON_DNS_SERVERS_MAX; i++) {
        struct moon_dns_socket *known = &sockets->list[i];
        if (known->used && known->idle) {
            (void)close(known->fd); /* nothing is written that could be lost */
            known->used = false;
        }
    }
}
