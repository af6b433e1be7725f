/* SPDX-License-Identifier: MIT
 *
 * backend: what dns.c asks of the thing that answers questions, and how an answer comes back. Used
 * inside engine/dns (and by tests that play a backend).
 */
#ifndef MOON_DNS_BACKEND_H
#define MOON_DNS_BACKEND_H

#include "engine/dns/dns.h"
#include "engine/dns/name.h"

/* One question under way. dns.c owns it; it stays valid until the backend has delivered it or has
 * been told to cancel. */
struct moon_dns_ask {
    struct moon_dns *dns;
    struct moon_dns_wire name; /* what to ask: the question, or the target of its CNAMEs */
    enum moon_dns_type type;
    unsigned hops;             /* CNAMEs followed so far, at most MOON_DNS_CNAMES_MAX */
    struct moon_dns_ask *next; /* for the backend's own list */
    void *private_data;        /* these for the backend too: */
    uint16_t id;               /* of the query under way */
    uint8_t rcode;             /* the last bad one, 0: none */
    bool plain;                /* asked without EDNS */
};

/* What came back. */
struct moon_dns_reply {
    enum moon_dns_state state;       /* never PENDING */
    const char *reason;              /* a constant; NULL is "" */
    struct moon_dns_record *records; /* in the message's arena */
    size_t count;
    bool more;
    uint32_t ttl_s; /* how long others may be told the same; 0: not at all */
    /* The answer ended in a CNAME whose target has to be asked for; `state` does not matter. */
    bool follow;
    struct moon_dns_wire target;
    unsigned hops;
};

struct moon_dns_backend_ops {
    void (*destroy)(struct moon_dns_backend *backend);
    /* A message begins: a cheap look whether the servers have changed. May be NULL. */
    void (*begin)(struct moon_dns_backend *backend);
    /* Sends the question, never waits. May deliver at once. */
    void (*ask)(struct moon_dns_backend *backend, struct moon_dns_ask *ask);
    /* Delivers what is there for `dns`; with nothing there, waits for something at most so long. */
    void (*step)(struct moon_dns_backend *backend, struct moon_dns *dns, int64_t wait_ms);
    /* Forgets every question of `dns`: none is delivered after this returns. */
    void (*cancel)(struct moon_dns_backend *backend, struct moon_dns *dns);
};

/* The first member of every backend. */
struct moon_dns_backend {
    const struct moon_dns_backend_ops *ops;
    struct moon_dns_kept *kept; /* dns.c's; NULL: nothing is kept. To be emptied when others are
                                   asked than before */
};

/* The backend hands an answer back; exactly once for each question. */
void moon_dns_deliver(struct moon_dns_ask *ask, const struct moon_dns_reply *reply);
struct moon_arena *moon_dns_arena(struct moon_dns *dns);

#endif
