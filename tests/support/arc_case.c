/* SPDX-License-Identifier: MIT
 *
 * arc_case: see the header.
 */
#include "tests/support/arc_case.h"

#include <stdlib.h>

#include "engine/auth/arc.h"
#include "tests/support/dkim_case.h"

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)moon_bug(__FILE__, __LINE__, what); /* says it */
    abort();
}

struct moon_arc moon_case_arc(struct moon_arena *arena, const char *zone, const char *text,
                              size_t size, unsigned questions_max, unsigned *questions_r)
{
    struct moon_dns_backend *backend;
    struct moon_arc_check *check = NULL;
    struct moon_error error;
    struct moon_arc arc;
    struct moon_message *msg = moon_case_message(arena, text, size);

    must(moon_dns_backend_zone(moon_span_of(zone), "zone", &backend, &error) == MOON_OK,
         "the zone of a test can be read");
    struct moon_dns *dns = moon_dns_begin(arena, backend, 1000, questions_max);
    must(msg && dns, "memory for the message of a test");
    struct moon_sig_bodies *bodies = moon_sig_bodies_of(arena, &msg->body);
    must(bodies && moon_arc_begin(arena, dns, msg, bodies, &check) == MOON_OK, "ARC begins");
    must(moon_arc_finish(check, &arc) == MOON_OK, "ARC finishes");
    if (questions_r)
        *questions_r = moon_dns_stats(dns).questions;
    moon_dns_end(&dns);
    moon_dns_backend_destroy(&backend);
    return arc;
}
