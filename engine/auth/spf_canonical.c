/* SPDX-License-Identifier: MIT
 *
 * spf_canonical: what libspf2 gets to walk. For each parsed record one of ours is composed, without
 * macros and without a byte of the published one but its numbers.
 *
 * Term by term, <q> being its qualifier:
 * - all, and an ip4 or ip6 that holds the client: <q>exists:tN.x, known to match; ends the record;
 * - an ip4 or ip6 that does not hold it: nothing;
 * - a, mx: <q>a:tN.x/24, with the prefix length of the client's family only;
 * - a, mx with length 0, ptr, exists and muted terms: <q>exists:tN.x, decided by our side;
 * - include: <q>include:tN.x;
 * - redirect: redirect=tN.x at the end; behind an all it is never reached (RFC 7208 section 6.1);
 * - exp and unknown modifiers: nothing.
 *
 * The record ends after eleven terms that ask DNS: the eleventh stops the check. That keeps the
 * whole far below the 511 bytes of bytecode beyond which libspf2 drops terms without an error.
 */
#include "engine/auth/spf_canonical.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"

bool moon_spf_token_new(struct moon_spf_check *check, struct moon_spf_tokens *tokens,
                        struct moon_spf_token token, char name_r[MOON_SPF_TOKEN_BYTES])
{
    if (MOON_BUG(tokens->count == MOON_SPF_TOKENS_MAX)) {
        moon_spf_check_fail(check, MOON_EIO);
        return false;
    }
    (void)snprintf(name_r, MOON_SPF_TOKEN_BYTES, "t%zu.x", tokens->count); /* fits */
    tokens->items[tokens->count++] = token;
    return true;
}

struct moon_spf_token *moon_spf_token_find(struct moon_spf_tokens *tokens, const char *name)
{
    struct moon_buf buf = moon_buf_of(moon_span_of(name));
    uint64_t index;

    if (!moon_buf_skip(&buf, 't') ||
        !moon_span_number(moon_buf_until(&buf, '.'), MOON_SPF_TOKENS_MAX, &index) ||
        index >= tokens->count)
        return NULL;
    return &tokens->items[index];
}

unsigned moon_spf_term_bits(const struct moon_spf_term *term, const struct moon_ip *client)
{
    return client->family == 6 ? term->bits6 : term->bits4;
}

static const char *qualifier_of(const struct moon_spf_term *term)
{
    switch (term->qualifier) {
    case MOON_RESULT_FAIL:
        return "-";
    case MOON_RESULT_SOFTFAIL:
        return "~";
    case MOON_RESULT_NEUTRAL:
        return "?";
    default:
        return "+";
    }
}

struct composer {
    struct moon_spf_check *check;
    struct moon_spf_tokens *tokens;
    const struct moon_spf_scope *scope;
    struct moon_str text;
    unsigned asking; /* terms that ask DNS */
};

static void add(struct composer *composer, const struct moon_spf_term *term,
                enum moon_spf_token_kind kind)
{
    bool six = composer->check->vars.ip.family == 6;
    unsigned bits = moon_spf_term_bits(term, &composer->check->vars.ip);
    bool direct = kind == MOON_SPF_TOKEN_TERM;
    bool address = (term->kind == MOON_SPF_KIND_A || term->kind == MOON_SPF_KIND_MX) && bits > 0;
    struct moon_spf_token token = {.kind = kind, .term = term, .scope = composer->scope};
    const char *word = "exists";
    char name[MOON_SPF_TOKEN_BYTES];

    if (!moon_spf_token_new(composer->check, composer->tokens, token, name))
        return;
    if (direct && term->kind == MOON_SPF_KIND_INCLUDE)
        word = "include";
    else if (direct && address)
        word = term->kind == MOON_SPF_KIND_A ? "a" : "mx";
    moon_str_addf(&composer->text, " %s%s:%s", qualifier_of(term), word, name);
    if (direct && address && bits < (six ? 128 : 32))
        moon_str_addf(&composer->text, "%s%u", six ? "//" : "/", bits);
}

/* False when the record ends with this term. */
static bool add_mechanism(struct composer *composer, const struct moon_spf_term *term)
{
    const struct moon_spf_vars *vars = &composer->check->vars;

    if (moon_spf_term_asks_dns(term)) {
        bool mute = moon_spf_term_is_mute(vars, term);
        add(composer, term, mute ? MOON_SPF_TOKEN_MUTE : MOON_SPF_TOKEN_TERM);
        return ++composer->asking <= MOON_SPF_TERMS_MAX;
    }
    if (term->kind != MOON_SPF_KIND_ALL && !moon_spf_term_has_ip(term, &vars->ip))
        return true;
    add(composer, term, MOON_SPF_TOKEN_YES);
    return false;
}

static void add_redirect(struct composer *composer)
{
    const struct moon_spf_term *term = &composer->scope->record.redirect;
    struct moon_spf_token token = {MOON_SPF_TOKEN_TERM, term, composer->scope, NULL};
    char name[MOON_SPF_TOKEN_BYTES];

    if (!moon_spf_term_is_mute(&composer->check->vars, term) &&
        moon_spf_token_new(composer->check, composer->tokens, token, name))
        moon_str_addf(&composer->text, " redirect=%s", name);
}

const char *moon_spf_canonical(struct moon_spf_check *check, struct moon_spf_tokens *tokens,
                               const struct moon_spf_scope *scope)
{
    struct composer composer = {.check = check, .tokens = tokens, .scope = scope};
    const struct moon_spf_record *record = &scope->record;
    bool more = true;

    moon_str_begin(&composer.text, check->arena);
    moon_str_add(&composer.text, "v=spf1");
    for (size_t i = 0; i < record->count && more; i++)
        more = add_mechanism(&composer, &record->mechanisms[i]);
    if (more && record->has_redirect)
        add_redirect(&composer);
    const char *text = moon_str_end(&composer.text);
    if (!text)
        moon_spf_check_fail(check, MOON_ENOMEM);
    return check->stopped ? NULL : text;
}
