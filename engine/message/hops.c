/* SPDX-License-Identifier: MIT
 *
 * hops: from the top down. The topmost Received field was written by whoever has connected to us
 * (our own is not among the fields). While the address it came from is trusted, and only then, is
 * what that host wrote believed; and the address it names wrote the next field below:
 *
 *   1. the peer is trusted: read the next field.  2. It names a client: if trusted, it is the
 *   writer of the field below, again 1.  3. If not, it is the client.
 *
 * Everything below the last field that was read may be the sender's invention.
 */
#include "engine/message/hops.h"

#include "engine/base/limits.h"
#include "engine/message/domain.h"
#include "engine/message/received.h"

static bool is_trusted(const struct moon_net *trusted, size_t count, const struct moon_ip *ip)
{
    for (size_t i = 0; i < count; i++)
        if (moon_net_has(&trusted[i], ip))
            return true;
    return false;
}

/* Step 3. A name of one label is a local one and says nothing. */
static enum moon_status take_client(struct moon_arena *arena, const struct moon_received *received,
                                    struct moon_session *session)
{
    session->ip = received->ip;
    session->helo = moon_arena_dup(arena, received->helo);
    const char *name =
        received->host_name.n ? moon_domain_normalize(arena, received->host_name) : NULL;
    session->host_name = name && moon_domain_labels(name) > 1 ? name : NULL;
    return moon_arena_failed(arena) ? MOON_ENOMEM : MOON_OK;
}

static const char *why_unknown(enum moon_received_kind kind)
{
    return kind == MOON_RECEIVED_NO_CLIENT
               ? "a trusted host's Received field names no client"
               : "a trusted host's Received field is of no form that can be read without doubt";
}

enum moon_status moon_hops_follow(struct moon_arena *arena, const struct moon_net *trusted,
                                  size_t count, struct moon_message *msg)
{
    struct moon_session *session = &msg->session;
    const struct moon_field *field = NULL;

    if (!is_trusted(trusted, count, &session->ip)) /* nor is a session without an address */
        return MOON_OK;
    session->hop = session->ip;
    session->ip = (struct moon_ip){.family = 0};
    session->port = 0;
    session->helo = "";
    session->host_name = NULL;
    for (unsigned hops = 0; hops < MOON_HOPS_MAX; hops++) {
        field = moon_message_field(msg, "Received", field, true);
        if (!field) {
            session->hop_reason = "no Received field of a trusted host names a client";
            return MOON_OK;
        }
        char *text = moon_field_text(arena, field);
        if (!text)
            return MOON_ENOMEM;
        struct moon_received received = moon_received_parse(moon_span_of(text));
        if (received.kind == MOON_RECEIVED_QUEUE)
            continue;
        if (received.kind != MOON_RECEIVED_CLIENT) {
            session->hop_reason = why_unknown(received.kind);
            return MOON_OK;
        }
        if (!is_trusted(trusted, count, &received.ip))
            return take_client(arena, &received, session);
    }
    session->hop_reason = "more Received fields of trusted hosts than I follow";
    return MOON_OK;
}

const struct moon_ip *moon_hops_peer(const struct moon_session *session)
{
    return session->hop.family ? &session->hop : &session->ip;
}
