/* SPDX-License-Identifier: MIT
 *
 * zz_stub: stands in until authres.c and arc.c are there, then goes. */
#include "engine/auth/authres.h"
#include "engine/auth/arc.h"
__attribute__((weak)) char *moon_authres_compose(struct moon_arena *a, const struct moon_message *m, const struct moon_results *r){(void)m;(void)r;return moon_arena_cstr(a,"Authentication-Results: stub; none");}
__attribute__((weak)) bool moon_authres_is_ours(struct moon_span v,const char*i){(void)v;(void)i;return false;}
__attribute__((weak)) enum moon_status moon_arc_survey(struct moon_arena *a,const struct moon_message *m,struct moon_arc *r){(void)a;(void)m;(void)r;return MOON_OK;}
