/* SPDX-License-Identifier: MIT
 *
 * list_id: 1. what stands between the last < and its >, or the whole field (RFC 2919 section 3;
 * some lists leave the brackets out).  2. It must be a run of printable ASCII without blanks, of at
 * most 255 bytes (RFC 2919 section 6.1).  3. Its name in the domain that owns it
 * (RFC 2919 section 2).
 */
#include "engine/message/list_id.h"

#include "engine/message/domain.h"

#define ID_MAX 255u /* RFC 2919 section 6.1 */

static bool is_plain_byte(char c)
{
    return c > ' ' && c <= '~' && c != '>'; /* no '<' is left by step 1 */
}

static bool is_plain(struct moon_span id)
{
    struct moon_buf buf = moon_buf_of(id);
    return moon_buf_while(&buf, is_plain_byte).n == id.n && id.n > 0 && id.n <= ID_MAX;
}

enum moon_status moon_list_id_parse(struct moon_arena *arena, const struct moon_message *msg,
                                    struct moon_list_id *list_r)
{
    const struct moon_field *field = moon_message_field(msg, "List-Id", NULL, false);
    struct moon_span id = field ? moon_span_trim(field->value) : (struct moon_span){NULL, 0};
    size_t open = moon_span_rfind(id, '<');

    *list_r = (struct moon_list_id){.count = moon_message_count(msg, "List-Id", false)};
    if (open != (size_t)-1) { /* step 1 */
        id = moon_span_sub(id, open + 1, id.n);
        id = moon_span_trim(moon_span_sub(id, 0, moon_span_find(id, '>')));
    }
    if (!is_plain(id)) /* step 2 */
        return MOON_OK;
    list_r->id = moon_arena_dup(arena, id);
    list_r->name = moon_domain_normalize(arena, id); /* step 3 */
    if (list_r->name)
        list_r->domain = moon_domain_parent(list_r->name);
    return moon_arena_failed(arena) ? MOON_ENOMEM : MOON_OK;
}
