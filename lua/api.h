/* SPDX-License-Identifier: MIT
 *
 * api: lua/moonscan.d.lua, the list of the policy API, as types that lint can ask. Internal to this
 * room. Everything is in the arena given, or borrowed from the list's text.
 */
#ifndef MOON_LUA_API_H
#define MOON_LUA_API_H

#include "engine/base/arena.h"
#include "engine/base/buf.h"

enum moon_api_kind {
    MOON_API_UNKNOWN = 0, /* anything that lint does not follow */
    MOON_API_TEXT,
    MOON_API_NUMBER,
    MOON_API_BOOLEAN,
    MOON_API_WORDS, /* a text out of a few */
    MOON_API_CLASS,
    MOON_API_LIST,  /* T[] */
    MOON_API_TABLE, /* table<K,V> */
    MOON_API_FUNCTION,
};

/* A type; a "?" (or nil) is left out of it: lint never tells what may be nil. */
struct moon_api_type {
    enum moon_api_kind kind;
    const struct moon_api_class *class; /* of MOON_API_CLASS */
    struct moon_span words;             /* of MOON_API_WORDS: "a"|"b" */
    struct moon_span inner;             /* LIST: T; TABLE: V; FUNCTION: all of it */
};

struct moon_api_field {
    struct moon_span name; /* "[integer]": of items */
    struct moon_span type;
};

struct moon_api_class {
    struct moon_span name;
    struct moon_api_field *fields;
    size_t count;
};

struct moon_api_alias {
    struct moon_span name, words;
};

struct moon_api {
    struct moon_api_class *classes;
    size_t class_count;
    struct moon_api_alias *aliases;
    size_t alias_count;
};

/* Reads the list; false without memory. */
bool moon_api_load(struct moon_arena *arena, struct moon_span text, struct moon_api *api_r);
/* The list that is built in. */
struct moon_span moon_api_text(void);

/* Of a type as the list writes it, or of a class's name. */
struct moon_api_type moon_api_type_of(const struct moon_api *api, struct moon_span text);
/* NULL: the class has no such field. */
const struct moon_api_field *moon_api_field_of(const struct moon_api_class *class,
                                               struct moon_span name);
/* What stands behind list[i]; MOON_API_UNKNOWN when nothing does, or several types. */
struct moon_api_type moon_api_item(const struct moon_api *api, const struct moon_api_type *type);
/* What a function gives, and what it wants at place `i` (from 0, without self). */
struct moon_api_type moon_api_result(const struct moon_api *api, const struct moon_api_type *type);
struct moon_api_type moon_api_argument(const struct moon_api *api, const struct moon_api_type *type,
                                       size_t i);
/* Is it called with a colon? */
bool moon_api_is_method(const struct moon_api_type *type);
/* Takes the next word of an alias; false at the end. */
bool moon_api_next_word(struct moon_span *words, struct moon_span *word_r);

#endif
