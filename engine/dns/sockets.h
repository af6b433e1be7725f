/* SPDX-License-Identifier: MIT
 *
 * sockets: the UDP sockets of one message. c-ares closes its sockets when no question is under way;
 * those made here wait for the message's next round instead. Used inside engine/dns only.
 */
#ifndef MOON_DNS_SOCKETS_H
#define MOON_DNS_SOCKETS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "engine/dns/servers.h"

struct moon_dns_socket {
    int fd;
    bool used; /* else this place is free */
    bool idle; /* closed by c-ares */
    bool spoilt;
    sa_family_t family;
    struct sockaddr_storage to;
    socklen_t length; /* of `to`; 0: not connected yet */
};

/* All zero at first. There are no more of them than servers: a further one is closed at once. */
struct moon_dns_sockets {
    struct moon_dns_socket list[MOON_DNS_SERVERS_MAX];
};

/* These three as socket(), connect() and close(). Stream sockets are not kept. */
int moon_dns_socket_open(struct moon_dns_sockets *sockets, int family, int type, int protocol);
int moon_dns_socket_connect(struct moon_dns_sockets *sockets, int fd, const struct sockaddr *to,
                            socklen_t length);
int moon_dns_socket_close(struct moon_dns_sockets *sockets, int fd);
/* Something went wrong with it: it does not wait for another round. */
void moon_dns_socket_spoil(struct moon_dns_sockets *sockets, int fd);
/* Closes those that wait. */
void moon_dns_sockets_end(struct moon_dns_sockets *sockets);

#endif
