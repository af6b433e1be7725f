/* SPDX-License-Identifier: MIT
 *
 * lint_walk: what the files of lint share. lint.c prepares, lint_walk.c follows blocks and names,
 * lint_chain.c follows fields and calls, lint_use.c looks at the rest of what is done with a name,
 * lint_policy.c at the policy's own table, lint_verdicts.c at verdicts;
 * lint_cures.c knows the right call.
 */
#ifndef MOON_LUA_LINT_WALK_H
#define MOON_LUA_LINT_WALK_H

#include "lua/api.h"
#include "lua/lint.h"
#include "lua/tokens.h"

#define MOON_LINT_DEPTH_MAX     250u  /* Lua's own limit of nesting is 200 */
#define MOON_LINT_VARIABLES_MAX 1000u /* in scope at one place; a function may have 200 */
#define MOON_LINT_ASSIGNED_MAX  300u  /* names that are assigned to anywhere */
#define MOON_LINT_HELPERS_MAX   100u  /* local functions whose arguments are followed */
#define MOON_LINT_ARGUMENTS_MAX 4u
#define MOON_LINT_TOLD_MAX      100u /* each may cost a search for the nearest name */

struct moon_lint {
    struct moon_arena *arena;
    struct moon_api api;
    const char **globals, **text_functions;
    size_t global_count, text_function_count;
};

/* Arguments of a local function: what all its calls agree on. */
struct moon_lint_helper {
    size_t decl; /* token of its "function" */
    bool escaped;
    bool seen[MOON_LINT_ARGUMENTS_MAX];
    struct moon_api_type types[MOON_LINT_ARGUMENTS_MAX];
};

struct moon_lint_variable {
    struct moon_span name;
    struct moon_api_type type;
    size_t from;   /* visible from this token on */
    size_t helper; /* its index + 1; 0: none */
};

struct moon_lint_frame {
    char opener; /* bracket, or 'f' function, 'i' if, 'd' do, 'r' repeat, 'h' head of a for */
    size_t token, variables;
    size_t names, items; /* of 'h': token of the first name, token of the iterated value or 0 */
    bool policy;         /* of '{': the table that the file returns */
    bool recipients;     /* of '{': its groups */
};

struct moon_walk {
    const struct moon_lint *lint;
    struct moon_arena *arena;
    const char *path;
    struct moon_token *tokens;
    uint32_t *match; /* of an opening token its closing one */
    size_t count;
    struct moon_lint_frame frames[MOON_LINT_DEPTH_MAX];
    size_t depth;
    struct moon_lint_variable *variables;
    size_t variable_count;
    struct moon_span *assigned;
    size_t assigned_count;
    struct moon_lint_helper *helpers, *known; /* being gathered; of the walk before, or NULL */
    size_t helper_count, known_count;
    struct moon_span policy; /* the name that the file returns; empty: a table as it is, or other */
    size_t policy_table;     /* token of that table's brace, or 0 */
    size_t given;            /* token of a local function that the policy is given */
    unsigned groups;         /* that were looked at */
    unsigned told;           /* also what was told already */
    bool report;             /* the last walk */
    bool lenient;            /* names may come from elsewhere: undefined ones are not told */
    bool confused;           /* it is not the Lua that we know: nothing is told */
    bool no_memory;
    struct moon_findings findings;
    struct moon_arena *out;
};

/* Token i; the end for any i out of range. */
const struct moon_token *moon_walk_token(const struct moon_walk *w, size_t i);
bool moon_walk_is(const struct moon_walk *w, size_t i, const char *word); /* a name token */
/* Is token i a name, and no keyword? */
bool moon_walk_is_name(const struct moon_walk *w, size_t i);
/* The closing token of the bracket or block at i. */
size_t moon_walk_match(const struct moon_walk *w, size_t i);
/* The variable that the name at token i means, or NULL: a global. */
const struct moon_lint_variable *moon_walk_variable(const struct moon_walk *w, size_t i);
bool moon_walk_is_assigned(const struct moon_walk *w, struct moon_span name);
/* Fills tokens, match, assigned and policy. */
void moon_walk_prepare(struct moon_walk *w, struct moon_span source);
/* From the first token to the last. */
void moon_walk_run(struct moon_walk *w);
/* Notes a finding at the line of token i, when w->report is set. */
void moon_walk_tell(struct moon_walk *w, size_t i, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The type of the expression that starts at token i; *end_r: the token behind it. */
struct moon_api_type moon_walk_expression(struct moon_walk *w, size_t i, size_t *end_r);
/* --- chains (lint_chain.c) --- */

#define MOON_CHAIN_SHOWN_MAX 60u

struct moon_chain {
    struct moon_api_type type;
    const struct moon_api_class *holder; /* whose field it was last; or NULL */
    size_t start, end;
    char before; /* the last step: '.', ':', '[' or '(' */
    bool tell;
};

/* Follows the chain whose name is at c->start; with c->tell mistakes are told. */
void moon_chain_follow(struct moon_walk *w, struct moon_chain *c);
/* For messages: the source from token `from` to before token `to`. */
const char *moon_chain_shown(const struct moon_walk *w, size_t from, size_t to,
                             char out[MOON_CHAIN_SHOWN_MAX]);
/* "a text", "a record", ... */
const char *moon_chain_described(const struct moon_api_type *type);
/* 's' text, 'd' number, 'b' true or false, 0 none of them. */
char moon_chain_literal(const struct moon_walk *w, size_t i);
/* "did you mean "fail"?" or "it is one of: ..."; false when the word is one of them. */
bool moon_chain_wrong_word(struct moon_walk *w, struct moon_span words, struct moon_span word,
                           char out[300]);
/* A terminated copy; "" without memory. */
const char *moon_chain_keep(struct moon_walk *w, struct moon_span span);

/* --- what the walk finds (lint_use.c) --- */

/* A use of the name at token i: what is read of it, called, compared. */
void moon_walk_use(struct moon_walk *w, size_t i);
/* Is the field of this name, set or defined at token i, misspelt? */
void moon_walk_policy_field(struct moon_walk *w, size_t i);

/* --- what is wrong with the policy's table (lint_policy.c) --- */

/* The value behind "=" at token `equal` is that of a group: is it one of the policy's fields that
 * is nil there? */
void moon_walk_group(struct moon_walk *w, size_t equal);
/* Is the function at token i one of those that are asked, but written with a colon? */
void moon_walk_method(struct moon_walk *w, size_t i);

/* --- verdicts (lint_verdicts.c) --- */

/* Is the chain a statement that makes a verdict and drops it? */
void moon_walk_forgotten(struct moon_walk *w, const struct moon_chain *c);
/* What moon.deny and the like are called here: "reject"; or NULL. */
const char *moon_walk_verdict_meant(struct moon_span name);

/* --- the right call (lint_cures.c) --- */

#define MOON_CURE_MAX 200u

/* For the literal at token i, the argument of `what`: "; write: ...", or "". */
const char *moon_cure_argument(struct moon_walk *w, const char *what,
                               const struct moon_api_type *wanted, size_t i,
                               char out[MOON_CURE_MAX]);
/* The same for the value of the field `key`. */
const char *moon_cure_field(struct moon_walk *w, struct moon_span key,
                            const struct moon_api_type *wanted, size_t i, char out[MOON_CURE_MAX]);
/* Tells when tokens i to before `end` are a record, where `what` wants a text. */
void moon_cure_record(struct moon_walk *w, const char *what, size_t i, size_t end,
                      const struct moon_api_type *given);
/* Tells when `what`, called with the one argument between `open` and `close`, wants two. */
void moon_cure_vouches(struct moon_walk *w, const char *what, size_t open, size_t close);
/* Tells when a number that may be nil is compared or counted with as it is. */
void moon_cure_unknown_number(struct moon_walk *w, const struct moon_chain *c);
/* Tells when the chain is a domain, and the text at token `literal` is not in lower case. */
void moon_cure_upper_case(struct moon_walk *w, const struct moon_chain *c, const char *what,
                          size_t literal);

#endif
