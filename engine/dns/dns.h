/* SPDX-License-Identifier: MIT
 *
 * dns: one message's questions. Start a question as early as you can foresee it; get its answer
 * when you need it. Each name and type is asked once per message; all outstanding questions travel
 * together; one deadline ends them all. NXDOMAIN, no data and trouble are three different answers,
 * and a timeout is an answer (trouble), never a status.
 */
#ifndef MOON_DNS_DNS_H
#define MOON_DNS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/budget.h"
#include "engine/base/ip.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"

enum moon_dns_type {
    MOON_DNS_TYPE_A = 1,
    MOON_DNS_TYPE_CNAME = 5,
    MOON_DNS_TYPE_PTR = 12,
    MOON_DNS_TYPE_MX = 15,
    MOON_DNS_TYPE_TXT = 16,
    MOON_DNS_TYPE_AAAA = 28,
};

enum moon_dns_state {
    MOON_DNS_STATE_PENDING,
    MOON_DNS_STATE_FOUND,    /* at least one record of the type */
    MOON_DNS_STATE_NODATA,   /* the name exists, the type does not; also a CNAME loop or too long a
                                chain (counted in reason) */
    MOON_DNS_STATE_NXDOMAIN, /* rcode 3, also at the end of a CNAME chain; a name that cannot exist
                                (too long, an empty label, the root) is answered so without
                                asking, reason "bad name" */
    MOON_DNS_STATE_TROUBLE,  /* timeout, SERVFAIL, REFUSED, FORMERR, an answer that does not parse,
                                the message's question cap, no memory */
};

/* One record of the asked type, after following CNAMEs. */
struct moon_dns_record {
    struct moon_span text; /* TXT: the strings joined without separator, NUL bytes kept */
    struct moon_ip ip;     /* A, AAAA */
    uint16_t preference;   /* MX */
    const char *name;      /* MX, PTR: lower case, without the final dot; "" is the root.
                              Bytes that are not printable ASCII, '.' and '\' inside a label are
                              written as in master files (\DDD, \.), so no name can forge another. */
};

struct moon_dns_answer {
    const char *name; /* the question: lower case, no final dot */
    enum moon_dns_type type;
    enum moon_dns_state state;
    const char *reason; /* for trouble and odd answers: "timeout", "SERVFAIL", ...; else "" */
    struct moon_dns_record *records;
    size_t count;
    bool refused;   /* trouble of our own making: the message's question cap. Never a temperror: a
                       stranger could ask for as much DNS as it takes to get one */
    bool more;      /* the server sent more than MOON_DNS_RECORDS_MAX */
    bool cached;    /* the worker has kept it from an earlier message: nobody was asked */
    unsigned round; /* depth in the chain of dependent questions, from 1; 0: never sent. A question
                       started from inside the observer is one deeper than the answer observed;
                       any other is one deeper than the deepest answer that moon_dns_wait has
                       returned before. A CNAME we had to follow ourselves adds one, and a cached
                       answer takes one off: nobody waits for it. */
    int64_t took_us;
};

struct moon_dns_stats {
    unsigned questions;  /* sent (or read from the zone file); CNAME targets we asked for too */
    unsigned cached;     /* not sent, as the answer was kept from an earlier message. Every limit
                            counts them like those sent */
    unsigned prefetched; /* of these: started by moon_dns_start, before they were needed */
    unsigned rounds;     /* the highest round of the answers moon_dns_wait has returned: prefetched
                            answers that nobody needed do not count */
    unsigned capped;     /* waited for, and refused by the cap */
    unsigned late;       /* without an answer when the deadline came */
    int64_t waiting_us;  /* wall time spent in moon_dns_wait with nothing else to do */
};

struct moon_dns;         /* one message's questions and answers */
struct moon_dns_backend; /* what answers them: kept across messages */

/* Servers as "127.0.0.1:5300", "[2001:db8::1]:53", "192.0.2.1"; count 0: those of /etc/resolv.conf,
 * read again when the file changes. MOON_ECONF with a reason for an address that cannot be read. */
enum moon_status moon_dns_backend_cares(const char *const *servers, size_t count,
                                        struct moon_dns_backend **backend_r,
                                        struct moon_error *error);

/* Answers from a zone text (a subset of RFC 1035 section 5.1: owner [ttl] [IN] type data, quoted
 * strings of at most 255 bytes, ';' comments, $ORIGIN, parentheses; names without a final dot are
 * relative to $ORIGIN, which is the root at first). Types A AAAA TXT MX PTR CNAME; of SOA, NS and
 * other common types only the owner counts; besides, for tests,
 * `name TIMEOUT`, `name SERVFAIL` (for every type) and `name TYPE TIMEOUT`. A name above an
 * existing one exists (RFC 8020); wildcards of RFC 4592 work. MOON_ECONF names `origin` (file name)
 * and line. */
enum moon_status moon_dns_backend_zone(struct moon_span text, const char *origin,
                                       struct moon_dns_backend **backend_r,
                                       struct moon_error *error);
void moon_dns_backend_destroy(struct moon_dns_backend **backend);
/* From now on answers are kept for later messages: as long as their TTL (RFC 2308 section 5: of the
 * SOA record, where there is no record), and `seconds` at most. With 0 or without memory nothing
 * is. For a process that serves message after message; answers out of a zone file are never kept.
 */
void moon_dns_backend_keep(struct moon_dns_backend *backend, int64_t seconds);

/* Told of each answer to a question that was sent, as it arrives, from inside moon_dns_wait; may
 * start further questions, must do nothing else. The prefetcher of SPF is the one user. What it
 * starts may use four fifths of the cap: the rest is left to evaluators. */
typedef void moon_dns_observer(void *context, const struct moon_dns_answer *answer);

/* In the arena; end it before the arena and the backend go. One message at a time for a backend.
 * `deadline_ms` counts from now; `questions_max` 0 means MOON_DNS_QUESTIONS_MAX. NULL without
 * memory. */
struct moon_dns *moon_dns_begin(struct moon_arena *arena, struct moon_dns_backend *backend,
                                int64_t deadline_ms, unsigned questions_max);
void moon_dns_observe(struct moon_dns *dns, moon_dns_observer *observer, void *context);
/* Drops what is still under way. */
void moon_dns_end(struct moon_dns **dns);

/* Starts a question, or finds the one that was started. Never waits, never NULL (without memory, or
 * above the cap: a constant trouble answer that is not kept, so that a wait tries again). `name` is
 * text with dots, a final dot allowed; bytes of a label that are special are written \DDD or \. as
 * above. */
const struct moon_dns_answer *moon_dns_start(struct moon_dns *dns, const char *name,
                                             enum moon_dns_type type);
/* The same, and waits for it; other questions go on meanwhile. Never PENDING, never NULL. */
const struct moon_dns_answer *moon_dns_wait(struct moon_dns *dns, const char *name,
                                            enum moon_dns_type type);
/* For a question whose trouble is no error to the asker. The same while more than half of the
 * message's time is left; then a constant trouble answer, "timeout", and the question goes on. So
 * silent servers of a stranger cannot turn the questions that come after it into trouble. */
const struct moon_dns_answer *moon_dns_wait_half(struct moon_dns *dns, const char *name,
                                                 enum moon_dns_type type);

/* For whoever asks when the evaluation is over (policies). The message may ask one question more
 * for this, and waits `ms` from now, whatever became of its own time; but for no question longer
 * than moon_dns_extra_ms in all, so that a silent server is waited for once, whoever else asks it.
 * Then a constant trouble answer, "timeout", and the question goes on: others may still have it. */
const struct moon_dns_answer *moon_dns_wait_extra(struct moon_dns *dns, const char *name,
                                                  enum moon_dns_type type, int64_t ms);
/* Half of the message's time, or MOON_ASKS_DNS_MS where that is more. */
int64_t moon_dns_extra_ms(const struct moon_dns *dns);

struct moon_dns_stats moon_dns_stats(const struct moon_dns *dns);
/* All answers in the order asked, for the record: NULL after the last. */
const struct moon_dns_answer *moon_dns_each(const struct moon_dns *dns, size_t index);

/* "A", "TXT", ...; "found", "nodata", "nxdomain", "trouble", "pending". */
const char *moon_dns_type_name(enum moon_dns_type type);
const char *moon_dns_state_name(enum moon_dns_state state);

#endif
