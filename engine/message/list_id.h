/* SPDX-License-Identifier: MIT
 *
 * list_id: which mailing list a message says it comes from (RFC 2919). Anybody can write the field.
 */
#ifndef MOON_MESSAGE_LIST_ID_H
#define MOON_MESSAGE_LIST_ID_H

#include "engine/message/message.h"

struct moon_list_id {
    const char *id;     /* as written between < and >, or all of the field; NULL: there is none, or
                           it is ill-formed */
    const char *name;   /* the id as a name below its owner's domain, normalized; or NULL */
    const char *domain; /* the namespace: `name` behind its first dot; NULL when it has none */
    size_t count;       /* List-Id fields; more than one is against RFC 2919 section 3 */
};

/* Of the first field. MOON_ENOMEM is the only failure. */
enum moon_status moon_list_id_parse(struct moon_arena *arena, const struct moon_message *msg,
                                    struct moon_list_id *list_r);

#endif
