/* SPDX-License-Identifier: MIT
 *
 * embedded: Lua sources that are built into the program (made by the Makefile).
 */
#ifndef MOON_LUA_EMBEDDED_H
#define MOON_LUA_EMBEDDED_H

struct moon_embedded {
    const char *name; /* path in the tree: "policies/standard.lua" */
    const char *text;
};
extern const struct moon_embedded moon_embedded[]; /* ended by a NULL name */

#endif
