/* SPDX-License-Identifier: MIT
 *
 * wire_next: the protocol's next version, as a module or a program of it would speak: another
 * number, and in every frame an item that this version does not know. Linked in the place of
 * engine/wire/wire.c (Makefile: next).
 */
#include "engine/wire/wire.h"
#include "engine/wire/wire_tags.h"

#undef MOON_WIRE_VERSION
#define MOON_WIRE_VERSION 2

#define NEWS 60000

static void out_item(struct moon_wire_out *out, unsigned tag, size_t n);
static void out_number(struct moon_wire_out *out, uint64_t value, unsigned size);

/* In front of the item that ends every frame. */
enum { END = MOON_WIRE_TAG_END };
static unsigned news_and_end(struct moon_wire_out *out)
{
    out_item(out, NEWS, 4);
    out_number(out, 2027, 4);
    return END;
}
#undef MOON_WIRE_TAG_END
#define MOON_WIRE_TAG_END news_and_end(out)

#include "engine/wire/wire.c"
