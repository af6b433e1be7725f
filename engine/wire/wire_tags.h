/* SPDX-License-Identifier: MIT
 *
 * wire_tags: the items of each frame. A tag keeps its number and its meaning for ever; a new fact
 * gets a new tag, which older versions skip. Private to engine/wire.
 *
 * Forms: u8, u32, u64 are numbers of that size; text is bytes; "repeated" items keep their order.
 */
#ifndef MOON_WIRE_WIRE_TAGS_H
#define MOON_WIRE_WIRE_TAGS_H

#define MOON_WIRE_ITEM_BYTES 6u     /* tag and length */
#define MOON_WIRE_TAG_END    0xffff /* empty; the last item of every frame */

enum moon_wire_tag_ready {
    MOON_WIRE_READY_FAILURE = 1, /* u8 */
    MOON_WIRE_READY_MESSAGE_MS,  /* u32 */
    MOON_WIRE_READY_TROUBLE,     /* text */
};

enum moon_wire_tag_request {
    MOON_WIRE_REQUEST_FLAGS = 1,        /* u32 */
    MOON_WIRE_REQUEST_ID,               /* text */
    MOON_WIRE_REQUEST_CLIENT_IP,        /* text */
    MOON_WIRE_REQUEST_HOST_NAME,        /* text */
    MOON_WIRE_REQUEST_HELO,             /* text */
    MOON_WIRE_REQUEST_PROTOCOL,         /* text */
    MOON_WIRE_REQUEST_TLS,              /* text */
    MOON_WIRE_REQUEST_TLS_VERSION,      /* text */
    MOON_WIRE_REQUEST_AUTHENTICATED,    /* text */
    MOON_WIRE_REQUEST_AUTHENTICATED_ID, /* text */
    MOON_WIRE_REQUEST_INTERFACE_IP,     /* text */
    MOON_WIRE_REQUEST_RECEIVER_NAME,    /* text */
    MOON_WIRE_REQUEST_TENANTS,          /* text */
    MOON_WIRE_REQUEST_MAIL_FROM,        /* text */
    MOON_WIRE_REQUEST_CLIENT_PORT,      /* u32 */
    MOON_WIRE_REQUEST_INTERFACE_PORT,   /* u32 */
    MOON_WIRE_REQUEST_BODY_START,       /* u64 */
    MOON_WIRE_REQUEST_RECEIVED_S,       /* u64, two's complement */
    MOON_WIRE_REQUEST_RECIPIENT,        /* text, repeated */
    MOON_WIRE_REQUEST_FIELD,            /* u8 type, then text; repeated */
    MOON_WIRE_REQUEST_WAITED_MS,        /* u32 */
    MOON_WIRE_REQUEST_READY_BY_MS,      /* u64 */
};

enum moon_wire_tag_decision {
    MOON_WIRE_DECISION_VERDICT = 1,        /* u8; must be there */
    MOON_WIRE_DECISION_REPLY,              /* text */
    MOON_WIRE_DECISION_DATA,               /* text */
    MOON_WIRE_DECISION_LOG,                /* text */
    MOON_WIRE_DECISION_ADDED,              /* u8 where, then text; repeated */
    MOON_WIRE_DECISION_REMOVED_FIELDS,     /* u32 each, one after the other */
    MOON_WIRE_DECISION_REMOVED_RECIPIENTS, /* u32 each, one after the other */
    MOON_WIRE_DECISION_FAILURE,            /* text */
    MOON_WIRE_DECISION_WORD,               /* u8 enum moon_wire_word, then text; repeated */
};

enum moon_wire_tag_applied {
    MOON_WIRE_APPLIED_VERDICT = 1, /* u8; must be there */
    MOON_WIRE_APPLIED_ADDED,       /* u32 */
    MOON_WIRE_APPLIED_FIELDS,      /* u32 */
    MOON_WIRE_APPLIED_RECIPIENTS,  /* u32 */
    MOON_WIRE_APPLIED_TEXT,        /* text */
};

#endif
