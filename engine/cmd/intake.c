/* SPDX-License-Identifier: MIT
 *
 * intake: 1. session.  2. envelope.  3. header fields.  4. body.
 */
#include "engine/cmd/intake.h"

#include "engine/base/limits.h"
#include "engine/message/address.h"

/* Copy, NULL for an empty span. */
static const char *optional(struct moon_arena *arena, struct moon_span span, bool *failed)
{
    const char *copy = span.n ? moon_arena_dup(arena, span) : NULL;
    *failed = *failed || (span.n && !copy);
    return copy;
}

static const char *text(struct moon_arena *arena, struct moon_span span, bool *failed)
{
    const char *copy = moon_arena_dup(arena, span);
    *failed = *failed || !copy;
    return copy ? copy : "";
}

static bool take_session(struct moon_arena *arena, const struct moon_request *request,
                         struct moon_session *session)
{
    bool failed = false;

    (void)moon_ip_parse(request->client_ip, &session->ip); /* family 0 says that there is none */
    session->port = (uint16_t)request->client_port;
    session->helo = text(arena, request->helo, &failed);
    session->host_name = optional(arena, request->host_name, &failed);
    session->protocol = text(arena, request->protocol, &failed);
    session->tls = optional(arena, request->tls, &failed);
    session->tls_version = optional(arena, request->tls_version, &failed);
    session->authenticated = optional(arena, request->authenticated, &failed);
    session->authenticated_id = optional(arena, request->authenticated_id, &failed);
    session->interface_ip = optional(arena, request->interface_ip, &failed);
    session->interface_port = (uint16_t)request->interface_port;
    return !failed;
}

static enum moon_status take_envelope(struct moon_arena *arena, const struct moon_request *request,
                                      struct moon_message *msg)
{
    const char *local;
    bool failed = false;

    msg->mail_from = text(arena, request->mail_from, &failed);
    msg->recipients = moon_arena_array(arena, request->recipient_count, sizeof *msg->recipients);
    if (failed || !msg->recipients)
        return MOON_ENOMEM;
    enum moon_status status =
        moon_path_split(arena, msg->mail_from, &local, &msg->mail_from_domain);
    for (uint32_t i = 0; status == MOON_OK && i < request->recipient_count; i++) {
        struct moon_recipient *recipient = &msg->recipients[i];
        recipient->address = text(arena, request->recipients[i], &failed);
        status = failed ? MOON_ENOMEM
                        : moon_path_split(arena, recipient->address, &local, &recipient->domain);
    }
    msg->recipient_count = request->recipient_count;
    return status;
}

static enum moon_status take_fields(struct moon_arena *arena, const struct moon_request *request,
                                    struct moon_message *msg)
{
    msg->fields = moon_arena_array(arena, request->field_count, sizeof *msg->fields);
    if (!msg->fields)
        return MOON_ENOMEM;
    for (uint32_t i = 0; i < request->field_count; i++) {
        struct moon_field *field = &msg->fields[msg->field_count];
        bool is_field;
        /* The request's buffer lives as long as the message: no copy but the cleaned one. */
        enum moon_status status =
            moon_field_parse(arena, request->fields[i].text, field, &is_field);
        if (status != MOON_OK)
            return status;
        if (!is_field)
            continue;
        field->index = i;
        field->removed = request->fields[i].type == '*';
        msg->field_count++;
    }
    return MOON_OK;
}

enum moon_status moon_intake(struct moon_arena *arena, const struct moon_request *request,
                             int body_fd, struct moon_message *msg_r, struct moon_error *error)
{
    bool failed = false;

    *msg_r = (struct moon_message){
        .body = {.fd = -1}, .received_s = request->received_s, .waited_ms = request->waited_ms};
    if (request->field_count > MOON_FIELDS_MAX || request->recipient_count > MOON_RECIPIENTS_MAX)
        return moon_fail(error, MOON_EBUDGET, "%u fields and %u recipients are more than I take",
                         request->field_count, request->recipient_count);
    msg_r->id = text(arena, request->id, &failed);
    msg_r->receiver_name = text(arena, request->receiver_name, &failed);
    msg_r->tenant_hint = optional(arena, request->tenants, &failed);
    msg_r->dry_run = (request->flags & MOON_WIRE_FLAG_DRY_RUN) != 0;
    if (failed || !take_session(arena, request, &msg_r->session) ||
        take_envelope(arena, request, msg_r) != MOON_OK ||
        take_fields(arena, request, msg_r) != MOON_OK)
        return moon_fail(error, MOON_ENOMEM, "no memory for the message");
    if (body_fd >= 0 &&
        (request->body_start_bytes > INT64_MAX ||
         moon_body_of_fd(body_fd, (int64_t)request->body_start_bytes, &msg_r->body) != MOON_OK))
        return moon_fail(error, MOON_EIO, "the body's descriptor cannot be used");
    return MOON_OK;
}
