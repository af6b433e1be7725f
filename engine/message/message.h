/* SPDX-License-Identifier: MIT
 *
 * message: what the engine knows of one mail before it asks anybody: SMTP session, envelope,
 * header fields and the body. Built once (from a request of Exim's, or from a file), then const.
 * Everything it points to lives in the message's arena, but for the body.
 */
#ifndef MOON_MESSAGE_MESSAGE_H
#define MOON_MESSAGE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/ip.h"
#include "engine/base/status.h"
#include "engine/message/body.h"

/* One header field as it was on the wire. */
struct moon_field {
    struct moon_span name;  /* without the colon; any trailing WSP before it left out */
    struct moon_span value; /* all after the colon, folds kept as CRLF WSP, without the last CRLF */
    struct moon_span raw;   /* name, WSP, colon and value: the whole field without the last CRLF */
    uint32_t index;         /* the position in the caller's list, for removal */
    bool removed; /* was in the message, is not delivered (Exim type '*'): counts for signatures,
                     not for policies */
};

struct moon_session {
    struct moon_ip ip;  /* the client evaluated; family 0: none */
    struct moon_ip hop; /* the trusted host that has handed its message on to us (hops.h); family 0:
                           the client came itself */
    const char *hop_reason; /* why the client behind `hop` is not known, or NULL */
    uint16_t port;
    const char *helo;      /* as given; "" when none */
    const char *host_name; /* verified (by `hop`, when there is one) by forward-confirmed reverse
                              DNS, or NULL */
    const char *protocol;  /* received_protocol, e.g. "esmtps"; "" when unknown */
    const char *tls;       /* cipher suite, or NULL without TLS */
    const char *tls_version;
    const char *authenticated;    /* name of the authenticator, or NULL */
    const char *authenticated_id; /* or NULL */
    const char *interface_ip;     /* or NULL */
    uint16_t interface_port;
};

struct moon_recipient {
    const char *address; /* as Exim has it: local@domain */
    const char *domain;  /* normalized by moon_domain_normalize, or as given in lower case */
};

struct moon_message {
    const char *id; /* Exim's message id, or "" */
    struct moon_session session;
    const char *mail_from;        /* "" for the null sender */
    const char *mail_from_domain; /* normalized, or NULL */
    struct moon_recipient *recipients;
    size_t recipient_count;
    struct moon_field *fields; /* in message order; own Received and rewritten copies left out */
    size_t field_count;
    struct moon_body body;
    int64_t received_s;        /* seconds since 1970: the clock for x=, t= and the log */
    bool dry_run;              /* -bh, check: nothing is recorded */
    int64_t waited_ms;         /* how long somebody waits for the decision; 0: nobody said */
    const char *tenant_hint;   /* what the site's ACL says of tenants, raw, or NULL */
    const char *receiver_name; /* primary_hostname, for SPF's %{r} and as default authserv-id */
};

/* Splits one field out of its text ("Name: value", folds as CRLF or LF, with or without the final
 * line end). The text must outlive the field. LF without CR is turned into CRLF (a copy in the
 * arena, only then); NUL becomes '?', as Exim does. False: no colon, or an empty or ill-formed name
 * (RFC 5322 section 2.2); then nothing is written. */
enum moon_status moon_field_parse(struct moon_arena *arena, struct moon_span text,
                                  struct moon_field *field_r, bool *is_field_r);

/* A whole message in memory: header fields up to the first line that is none, then the body. The
 * fields and msg->body are filled; the rest of *msg is left alone. `text` must outlive the message.
 * MOON_EBUDGET above MOON_HEADER_BYTES_MAX or MOON_FIELDS_MAX. */
enum moon_status moon_message_parse(struct moon_arena *arena, struct moon_span text,
                                    struct moon_message *msg, struct moon_error *error);

/* Fields by name without case, top to bottom, starting after `after` (NULL: from the top). Only
 * delivered ones unless `with_removed`. NULL when there is no more. */
const struct moon_field *moon_message_field(const struct moon_message *msg, const char *name,
                                            const struct moon_field *after, bool with_removed);
size_t moon_message_count(const struct moon_message *msg, const char *name, bool with_removed);

/* 0..99 for sampling, the same for the same message whenever it is decided again, and another draw
 * for each `salt`: a hash of what the sender cannot change without changing the message. */
unsigned moon_message_draw(const struct moon_message *msg, const char *salt);

/* Value for people: unfolded (each fold one SP), trimmed. NULL without memory. */
char *moon_field_text(struct moon_arena *arena, const struct moon_field *field);

#endif
