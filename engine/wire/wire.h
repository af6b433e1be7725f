/* SPDX-License-Identifier: MIT
 *
 * wire: what the module in Exim and a worker say to each other over a stream socket. libc and
 * base/buf only: both sides use it, and the module must not bring libraries into Exim.
 *
 *   worker -> module   READY     what the worker is; sent once, or never (below)
 *   module -> worker   REQUEST   one message; the body's descriptor travels with its first byte
 *   worker -> module   DECISION  what Exim shall do
 *   module -> worker   APPLIED   what Exim did; the worker then writes its record. Where the DATA
 *                                ACL asked (EARLY), it comes when that is through, or never
 *   ... REQUEST, DECISION, APPLIED for each further message of the connection
 *
 * READY first, then REQUEST: so it goes with the first message where the module waits for READY, or
 * where REQUEST is large. Mostly the module does not wait, as each of these frames wakes a process:
 * REQUEST comes first and says by when the worker must be heard of (READY_BY). The worker then says
 * READY only if DECISION does not come soon; when the module could not do without what stands in
 * it; or when it cannot start. Until it is said the next REQUEST has that item again. A worker that
 * has not heard REQUEST a moment after its connection began says READY. So both orders work with
 * either side of an older release.
 *
 * When the module gives a worker up, it closes the socket. A worker that finds that with REQUEST
 * does nothing for it; one whose DECISION was not read (ECONNRESET) writes no record, since another
 * worker may have decided, or the failure verdict did.
 *
 * A frame: length (u32, of what follows), type (u8), version (u8), then items: tag (u16), length
 * (u32), bytes. Network byte order. Unknown tags are skipped and a missing tag has its default, so
 * that versions N and N-1 understand each other. The last item is an empty END, so that a frame cut
 * between two items is not taken for a shorter one. Every length is checked before a byte is read.
 *
 * The tags of version 1 stand in wire_tags.h and are never given another meaning.
 */
#ifndef MOON_WIRE_WIRE_H
#define MOON_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"

#define MOON_WIRE_VERSION      1
#define MOON_WIRE_HEAD_BYTES   6u
#define MOON_WIRE_REQUEST_MAX  (8u * 1024 * 1024) /* header block of 4 MB, 100,000 fields */
#define MOON_WIRE_DECISION_MAX (2u * 1024 * 1024) /* 32 additions, indices of 2 * 100,000 */
#define MOON_WIRE_SMALL_MAX    (16u * 1024)       /* READY, APPLIED */

enum moon_wire_type {
    MOON_WIRE_READY = 1,
    MOON_WIRE_REQUEST,
    MOON_WIRE_DECISION,
    MOON_WIRE_APPLIED,
};

/* What Exim shall do with the whole message. */
enum moon_wire_verdict {
    MOON_WIRE_ACCEPT = 1,
    MOON_WIRE_REJECT,
    MOON_WIRE_DEFER,
    MOON_WIRE_FREEZE,
};

struct moon_wire_ready {
    uint8_t failure;     /* enum moon_wire_verdict: ACCEPT, REJECT or DEFER, when a worker fails */
    uint32_t message_ms; /* the longest a message may take */
    struct moon_span trouble; /* why the worker cannot start, for the log; it ends then. Empty: it
                                 is ready */
};

enum moon_wire_flag {
    MOON_WIRE_FLAG_DRY_RUN = 1, /* host_checking */
    MOON_WIRE_FLAG_BODY = 2,    /* a descriptor comes with the frame */
    MOON_WIRE_FLAG_EARLY =
        4, /* the DATA ACL asks: it wants words, and may yet refuse the message */
    MOON_WIRE_FLAG_ADAPTS = 8, /* waits as long as READY asks for, once that is heard */
};

/* What the DATA ACL can ask about a decision: texts ready to be handed out, one line each. Their
 * numbers are those of the wire and stay. */
enum moon_wire_word {
    MOON_WIRE_WORD_VERDICT = 1, /* accept, quarantine, discard, reject, defer */
    MOON_WIRE_WORD_SPF,         /* result words of RFC 8601 */
    MOON_WIRE_WORD_DKIM,
    MOON_WIRE_WORD_ARC,
    MOON_WIRE_WORD_DMARC,
    MOON_WIRE_WORD_POLICY,  /* that the domain owner asks for */
    MOON_WIRE_WORD_FROM,    /* the Author Domain */
    MOON_WIRE_WORD_AUTHRES, /* the value of Authentication-Results */
    MOON_WIRE_WORD_TENANT,  /* each tenant, "-" for none, and in the same order who decided */
    MOON_WIRE_WORD_RULE,
    MOON_WIRE_WORD_COUNT,
};

/* A header field as it stands in Exim's chain, its line ends LF. */
struct moon_wire_field {
    char type; /* Exim's: '*' deleted, ' ' other, ...; of a rewritten field its copy's type */
    struct moon_span text;
};

struct moon_request {
    uint32_t flags;
    struct moon_span id, client_ip, host_name, helo, protocol, tls, tls_version, authenticated,
        authenticated_id, interface_ip, receiver_name, tenants, mail_from;
    uint32_t client_port, interface_port;
    uint64_t body_start_bytes; /* offset of the body in the descriptor's file */
    int64_t received_s;
    uint32_t waited_ms;  /* how long the module waits for the decision from now on; 0: unknown */
    int64_t ready_by_ms; /* READY has not been heard: when the module gives the worker up unless it
                            hears READY or DECISION, on the clock of moon_wire_now_ms; 0: it was */
    struct moon_span *recipients; /* on the heap when decoded: moon_request_free */
    uint32_t recipient_count;
    struct moon_wire_field *fields; /* in chain order, without our own Received and without
                                       rewritten copies; the index counts what is sent */
    uint32_t field_count;
};

enum moon_wire_where {
    MOON_WIRE_TOP = 1, /* above everything: trace fields of ours */
    MOON_WIRE_BOTTOM,  /* behind the last field */
};

struct moon_wire_added {
    uint8_t where;
    struct moon_span text; /* "Name: value", folds LF WSP, no final LF */
};

struct moon_decision {
    uint8_t verdict;        /* enum moon_wire_verdict */
    struct moon_span reply; /* for REJECT and DEFER: lines, each starting with its enhanced code */
    struct moon_span data;  /* for $local_scan_data: configured names and fixed words only */
    struct moon_span log;   /* one line for Exim's main log, or empty */
    struct moon_wire_added *added; /* on the heap when decoded: moon_decision_free */
    uint32_t added_count;
    uint32_t *removed_fields; /* indices into the request's fields */
    uint32_t removed_field_count;
    uint32_t *removed_recipients; /* indices into the request's recipients: discarded */
    uint32_t removed_recipient_count;
    /* Not empty: nothing was decided, and this says why. The module answers its failure verdict;
     * one that does not know this item follows the verdict above, which therefore never accepts. */
    struct moon_span failure;
    struct moon_span words[MOON_WIRE_WORD_COUNT]; /* by enum moon_wire_word; only where asked for */
};

/* A verdict of APPLIED only: the message was not taken. The DATA ACL refused it or put it off, or
 * its connection ended there. */
#define MOON_WIRE_REFUSED 5u

struct moon_applied {
    uint8_t verdict; /* enum moon_wire_verdict, as answered to Exim; or MOON_WIRE_REFUSED */
    uint32_t added_count, removed_field_count, removed_recipient_count; /* what really was done */
    struct moon_span text; /* what differed from the decision, or empty */
};

/* An output buffer on the heap; `failed` is sticky (no memory, or above its cap). */
struct moon_wire_out {
    unsigned char *bytes;
    size_t length, capacity, max;
    bool failed;
};
void moon_wire_out_free(struct moon_wire_out *out);

/* Each writes one whole frame; false without memory or above the frame's maximum. */
bool moon_wire_put_ready(struct moon_wire_out *out, const struct moon_wire_ready *ready);
bool moon_wire_put_request(struct moon_wire_out *out, const struct moon_request *request);
bool moon_wire_put_decision(struct moon_wire_out *out, const struct moon_decision *decision);
bool moon_wire_put_applied(struct moon_wire_out *out, const struct moon_applied *applied);

/* The head of a frame: false when it is no frame that may be read (length out of bounds for its
 * type, unknown type, version newer than ours by more than one). *payload_r: bytes that follow the
 * head. */
bool moon_wire_head(const unsigned char head[MOON_WIRE_HEAD_BYTES], enum moon_wire_type *type_r,
                    size_t *payload_r);

/* Payload to structure. Spans point into `payload`. False: not in the format, with a constant
 * reason. On false nothing needs freeing. */
bool moon_wire_get_ready(struct moon_span payload, struct moon_wire_ready *ready_r,
                         const char **reason_r);
bool moon_wire_get_request(struct moon_span payload, struct moon_request *request_r,
                           const char **reason_r);
bool moon_wire_get_decision(struct moon_span payload, struct moon_decision *decision_r,
                            const char **reason_r);
bool moon_wire_get_applied(struct moon_span payload, struct moon_applied *applied_r,
                           const char **reason_r);
void moon_request_free(struct moon_request *request);
void moon_decision_free(struct moon_decision *decision);

/* Now, on the clock that the deadlines below are given in. */
int64_t moon_wire_now_ms(void);

/* How long the module waits for a decision where nobody has set it, with a worker that wants
 * `message_ms` for a message; 0: unknown. */
int64_t moon_wire_waits_ms(uint32_t message_ms);
/* How long it will wait from now on with this request, when READY says `message_ms`: waited_ms, and
 * with ADAPTS what that adds. 0: unknown. */
uint32_t moon_wire_waited_ms(const struct moon_request *request, uint32_t message_ms);

/* Stream I/O on a non-blocking socket, against a deadline on the monotonic clock (milliseconds).
 * Sends all of `out`; with fd >= 0 that descriptor goes with the first byte (SCM_RIGHTS). */
enum moon_wire_io {
    MOON_WIRE_IO_OK,
    MOON_WIRE_IO_TIMEOUT,
    MOON_WIRE_IO_CLOSED, /* the peer is gone, also in the middle of a frame */
    MOON_WIRE_IO_UNREAD, /* received: the peer is gone, and has not read all that was sent to it */
    MOON_WIRE_IO_BAD,    /* no frame, no memory, a descriptor too many */
};
enum moon_wire_io moon_wire_send(int socket, const struct moon_wire_out *out, int fd,
                                 int64_t deadline_ms);
/* Receives one frame. *payload_r is on the heap (the caller frees payload_r->p); *fd_r is -1 or a
 * descriptor that the caller owns (close-on-exec); pass fd_r NULL to refuse descriptors. Only a
 * REQUEST may bring one, and only one: otherwise all are closed and the answer is BAD. Unless OK,
 * nothing is handed out. Never reads beyond the frame.
 * deadline_ms < 0: waits for ever (a worker between messages). A signal does not end the wait
 * unless *interrupted (may be NULL) becomes nonzero before the frame has begun: then
 * MOON_WIRE_IO_CLOSED, and a later call receives what has come meanwhile. */
enum moon_wire_io moon_wire_receive(int socket, enum moon_wire_type *type_r,
                                    struct moon_span *payload_r, int *fd_r, int64_t deadline_ms,
                                    const volatile int *interrupted);
/* Waits until there is something to be received, the end included. */
enum moon_wire_io moon_wire_wait(int socket, int64_t deadline_ms, const volatile int *interrupted);
/* Has the peer gone, as far as can be seen without waiting? What it has sent first is still there
 * to be received. */
bool moon_wire_is_over(int socket);

#endif
