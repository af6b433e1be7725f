/* SPDX-License-Identifier: MIT
 *
 * servers: whom to ask, from the configuration or from resolv.conf. Used inside engine/dns only.
 */
#ifndef MOON_DNS_SERVERS_H
#define MOON_DNS_SERVERS_H

#include <sys/stat.h>

#include "engine/base/ip.h"
#include "engine/base/status.h"

#define MOON_DNS_SERVERS_MAX 8u /* c-ares tells of 16 sockets, and each server may have two */

struct moon_dns_server {
    struct moon_ip ip;
    uint16_t port;
};

struct moon_dns_servers {
    struct moon_dns_server list[MOON_DNS_SERVERS_MAX];
    size_t count;
    char *path;       /* of resolv.conf, on the heap; NULL: servers of the configuration */
    struct stat seen; /* the file when it was read */
};

/* Addresses as dns.h describes them; MOON_ECONF names the one that cannot be read. */
enum moon_status moon_dns_servers_parse(struct moon_dns_servers *servers, const char *const *texts,
                                        size_t count, struct moon_error *error);

/* Reads resolv.conf, if it is used and another file than last time (by device, inode, size and time
 * of change). A file that is not there gives the local machine. True: the servers may be others. */
bool moon_dns_servers_refresh(struct moon_dns_servers *servers);

#endif
