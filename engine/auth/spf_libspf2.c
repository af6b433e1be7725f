/* SPDX-License-Identifier: MIT
 *
 * spf_libspf2: the only file that knows libspf2. It is given no published record and no text of a
 * sender's: for each record we parsed it gets a canonical one without macros, whose names are
 * tokens
 * ("t7.x"); when it asks what a token means, our side (spf_check.c) answers. So its parser,
 * expander and limits (which have faults that a stranger's record can reach) see only what we
 * wrote.
 *
 * The canonical record of a scope:
 *   all, and an ip4 or ip6 that holds the client   <q>exists:tN.x, answered "yes"; ends the record
 *   an ip4 or ip6 that does not                    left out
 *   a, mx                                          <q>a:tN.x/24 (the client's prefix length only)
 *   a, mx with length 0, ptr, exists, muted terms  <q>exists:tN.x, decided by us
 *   include, redirect                              the same with tN.x; redirect last, and only
 *                                                  without all (RFC 7208 section 6.1)
 *   exp and unknown modifiers                      left out
 * It ends after eleven terms that ask DNS: the eleventh stops the check. That keeps the whole far
 * below the 511 bytes of bytecode beyond which libspf2 drops terms without an error.
 *
 * Procedure of a walk:
 *   1. set libspf2 up with our two hooks, lookup and get_spf,
 *   2. compile the canonical record of the first scope and interpret it,
 *   3. the hooks charge the limits and ask our side; when the check is stopped they answer
 *      TRY_AGAIN, and libspf2 unwinds at once,
 *   4. its result, unless the check was stopped.
 */
#include "engine/auth/spf_libspf2.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spf2/spf.h>
#include <spf2/spf_log.h>

#include "engine/base/limits.h"

/* Eleven terms and a final one in each of at most eleven records, ten hosts for each of ten mx. */
#define TOKENS_MAX 256

enum token_kind { TOKEN_TERM, TOKEN_YES, TOKEN_MUTE, TOKEN_HOST };

struct token {
    enum token_kind kind;
    const struct moon_spf_term *term;
    const struct moon_spf_scope *scope;
    const char *host; /* of TOKEN_HOST: one name of an mx */
};

struct walk {
    struct moon_spf_check *check;
    struct token tokens[TOKENS_MAX];
    size_t count;
    const struct moon_spf_scope *top;    /* the first scope, or where redirect led */
    const struct moon_spf_term *decided; /* the last term of `top` that was asked for */
    SPF_dns_server_t hooks;
    SPF_server_t *server;
    SPF_request_t *request;
    SPF_response_t *response;
    SPF_record_t *record;
    jmp_buf escape;
};

/* --- messages of the library ---------------------------------------------------------------- */

/* The walk that is going on in this thread: the handlers carry no context. */
static _Thread_local struct walk *walking;

/* Called when libspf2 has no memory or finds itself in an impossible state. It must not return; the
 * default would abort the process. */
static void __attribute__((noreturn)) on_error(const char *file, int line, const char *message)
{
    (void)file;    /* names of libspf2's sources */
    (void)line;    /* the same */
    (void)message; /* the same; the status says what can be said */
    if (walking)
        longjmp(walking->escape, 1);
    abort(); /* not reached: nobody else calls libspf2 here */
}

static void on_message(const char *file, int line, const char *message)
{
    (void)file;    /* warnings and debug lines would go to the standard streams, */
    (void)line;    /* which may be the SMTP connection: */
    (void)message; /* they are dropped */
}

static void set_handlers(void)
{
    if (SPF_error_handler == on_error)
        return;
    SPF_error_handler = on_error;
    SPF_warning_handler = on_message;
    SPF_info_handler = on_message;
    SPF_debug_handler = on_message;
}

/* --- tokens --------------------------------------------------------------------------------- */

/* Writes "tN.x"; false when there are too many, which the limits exclude. */
static bool token_new(struct walk *walk, struct token token, char name_r[16])
{
    if (MOON_BUG(walk->count == TOKENS_MAX)) {
        moon_spf_check_fail(walk->check, MOON_EIO);
        return false;
    }
    (void)snprintf(name_r, 16, "t%zu.x", walk->count); /* at most "t255.x" */
    walk->tokens[walk->count++] = token;
    return true;
}

static struct token *token_find(struct walk *walk, const char *name)
{
    struct moon_span digits =
        moon_span_sub(moon_span_of(name), 1, strlen(name) - (name[0] ? 1 : 0));
    uint64_t index;

    digits = moon_span_sub(digits, 0, moon_span_find(digits, '.'));
    if (name[0] == 't' && moon_span_number(digits, TOKENS_MAX, &index) && index < walk->count)
        return &walk->tokens[index];
    moon_spf_check_fail(walk->check, MOON_EIO);
    return NULL;
}

/* --- canonical records ---------------------------------------------------------------------- */

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

static bool is_address_term(const struct moon_spf_term *term)
{
    return term->kind == MOON_SPF_KIND_A || term->kind == MOON_SPF_KIND_MX;
}

/* The prefix length that counts for this client. */
static unsigned bits_of(const struct walk *walk, const struct moon_spf_term *term)
{
    return walk->check->vars.ip.family == 6 ? term->bits6 : term->bits4;
}

static void add_term(struct walk *walk, struct moon_str *text, const struct moon_spf_scope *scope,
                     const struct moon_spf_term *term, enum token_kind kind)
{
    bool six = walk->check->vars.ip.family == 6;
    unsigned bits = bits_of(walk, term);
    bool direct = kind == TOKEN_TERM;
    const char *word = "exists";
    char name[16];

    if (!token_new(walk, (struct token){.kind = kind, .term = term, .scope = scope}, name))
        return;
    if (direct && term->kind == MOON_SPF_KIND_INCLUDE)
        word = "include";
    else if (direct && is_address_term(term) && bits > 0)
        word = term->kind == MOON_SPF_KIND_A ? "a" : "mx";
    moon_str_addf(text, " %s%s:%s", qualifier_of(term), word, name);
    if (direct && is_address_term(term) && bits > 0 && bits < (six ? 128 : 32))
        moon_str_addf(text, "%s%u", six ? "//" : "/", bits);
}

/* False when the record ends with this term. */
static bool add_mechanism(struct walk *walk, struct moon_str *text,
                          const struct moon_spf_scope *scope, const struct moon_spf_term *term,
                          unsigned *asking)
{
    const struct moon_spf_vars *vars = &walk->check->vars;

    if (moon_spf_term_asks_dns(term)) {
        bool mute = moon_spf_term_is_mute(vars, term);
        add_term(walk, text, scope, term, mute ? TOKEN_MUTE : TOKEN_TERM);
        return ++*asking <= MOON_SPF_TERMS_MAX;
    }
    if (term->kind != MOON_SPF_KIND_ALL && !moon_spf_term_has_ip(term, &vars->ip))
        return true;
    add_term(walk, text, scope, term, TOKEN_YES);
    return false;
}

static void add_redirect(struct walk *walk, struct moon_str *text,
                         const struct moon_spf_scope *scope)
{
    const struct moon_spf_term *term = &scope->record.redirect;
    char name[16];

    if (moon_spf_term_is_mute(&walk->check->vars, term) ||
        !token_new(walk, (struct token){.kind = TOKEN_TERM, .term = term, .scope = scope}, name))
        return;
    moon_str_addf(text, " redirect=%s", name);
}

/* NULL when stopped. */
static SPF_record_t *compile(struct walk *walk, const struct moon_spf_scope *scope,
                             SPF_response_t *response)
{
    const struct moon_spf_record *record = &scope->record;
    SPF_record_t *compiled = NULL;
    struct moon_str text;
    unsigned asking = 0;
    bool more = true;

    moon_str_begin(&text, walk->check->arena);
    moon_str_add(&text, "v=spf1");
    for (size_t i = 0; i < record->count && more; i++)
        more = add_mechanism(walk, &text, scope, &record->mechanisms[i], &asking);
    if (more && record->has_redirect && !record->has_all)
        add_redirect(walk, &text, scope);
    const char *canonical = moon_str_end(&text);
    if (!canonical)
        moon_spf_check_fail(walk->check, MOON_ENOMEM);
    if (walk->check->stopped)
        return NULL;
    SPF_errcode_t error = SPF_record_compile(walk->server, response, &compiled, canonical);
    if (error == SPF_E_SUCCESS && compiled)
        return compiled;
    if (compiled)
        SPF_record_free(compiled);
    moon_spf_check_fail(walk->check, error == SPF_E_NO_MEMORY ? MOON_ENOMEM : MOON_EIO);
    return NULL;
}

/* --- the hook for records ------------------------------------------------------------------- */

static void note_decided(struct walk *walk, const struct token *token)
{
    if (token->scope == walk->top)
        walk->decided = token->term;
}

static const struct moon_spf_scope *enter(struct walk *walk, const struct token *token)
{
    struct moon_spf_check *check = walk->check;
    struct moon_spf_target at;
    bool none;

    note_decided(walk, token);
    if (!moon_spf_check_charge(check) ||
        !moon_spf_check_target(check, token->scope, token->term, &at))
        return NULL;
    struct moon_spf_scope *scope = moon_spf_check_fetch(check, &at, &none);
    if (none) /* RFC 7208 sections 5.2 and 6.1 */
        moon_spf_check_stop(check, MOON_RESULT_PERMERROR, "%.*s: no SPF record there",
                            (int)(token->term->text.n < 300 ? token->term->text.n : 300),
                            token->term->text.p);
    return scope;
}

static SPF_errcode_t hook_get_spf(SPF_server_t *server, SPF_request_t *request,
                                  SPF_response_t *response, SPF_record_t **record_r)
{
    struct walk *walk = server->resolver->hook;
    struct token *token = token_find(walk, request->cur_dom);

    *record_r = NULL;
    if (!token)
        return SPF_E_DNS_ERROR;
    const struct moon_spf_scope *scope = enter(walk, token);
    if (!scope)
        return SPF_E_DNS_ERROR;
    if (token->term->kind == MOON_SPF_KIND_REDIRECT && token->scope == walk->top) {
        walk->top = scope;
        walk->decided = NULL;
    }
    *record_r = compile(walk, scope, response);
    return *record_r ? SPF_E_SUCCESS : SPF_E_DNS_ERROR;
}

/* --- the hook for questions ----------------------------------------------------------------- */

/* An answer to libspf2, on the heap as it wants it. NULL makes it call on_error: no memory. */
static SPF_dns_rr_t *reply_new(struct walk *walk, const char *token, ns_type type, int status)
{
    return SPF_dns_rr_new_init(&walk->hooks, token, type, 0, status);
}

/* One more record of `n` bytes. False without memory; then the check has failed. */
static bool reply_add(struct walk *walk, SPF_dns_rr_t *reply, const void *bytes, size_t n)
{
    if (SPF_dns_rr_buf_realloc(reply, reply->num_rr, n) != SPF_E_SUCCESS) {
        moon_spf_check_fail(walk->check, MOON_ENOMEM);
        return false;
    }
    memcpy(reply->rr[reply->num_rr], bytes, n);
    reply->num_rr++;
    reply->herrno = NETDB_SUCCESS;
    return true;
}

static void reply_yes(struct walk *walk, SPF_dns_rr_t *reply)
{
    static const uint8_t some_address[4] = {127, 0, 0, 2};
    (void)reply_add(walk, reply, some_address, sizeof some_address); /* failing is noted */
}

/* Addresses of a name; of a name that needs none to match (length 0) just "yes". */
static void reply_addresses(struct walk *walk, SPF_dns_rr_t *reply, const char *name, bool any)
{
    const struct moon_ip *client = &walk->check->vars.ip;
    const struct moon_dns_answer *answer =
        moon_spf_check_ask(walk->check, name, moon_spf_ip_type(client));
    size_t bytes = client->family == 6 ? 16 : 4;

    if (answer && answer->count && any)
        reply_yes(walk, reply);
    else
        for (size_t i = 0; answer && i < answer->count; i++)
            if (!reply_add(walk, reply, answer->records[i].ip.bytes, bytes))
                return;
}

/* RFC 7208 section 4.6.4: more than ten hosts are an error at once, whatever order they come in. */
static const struct moon_dns_answer *ask_mx(struct walk *walk, const char *name)
{
    const struct moon_dns_answer *answer = moon_spf_check_ask(walk->check, name, MOON_DNS_TYPE_MX);
    if (answer && answer->count > MOON_SPF_MX_MAX) {
        moon_spf_check_stop(walk->check, MOON_RESULT_PERMERROR, "%s: more than %u MX records", name,
                            MOON_SPF_MX_MAX);
        return NULL;
    }
    return answer;
}

/* The hosts as tokens; with length 0 the first host that has an address decides. */
static void reply_mx(struct walk *walk, SPF_dns_rr_t *reply, const struct token *token,
                     const char *name)
{
    const struct moon_dns_answer *answer = ask_mx(walk, name);
    bool any = bits_of(walk, token->term) == 0;
    char text[16];

    for (size_t i = 0; answer && i < answer->count && !walk->check->stopped; i++) {
        const char *host = answer->records[i].name;
        if (host[0] == '\0')
            continue; /* the null MX of RFC 7505 has no address */
        if (any && reply->num_rr == 0)
            reply_addresses(walk, reply, host, true);
        if (any)
            continue;
        struct token entry = {TOKEN_HOST, token->term, token->scope, host};
        if (!token_new(walk, entry, text) || !reply_add(walk, reply, text, strlen(text) + 1))
            return;
    }
}

static void reply_term(struct walk *walk, SPF_dns_rr_t *reply, const struct token *token)
{
    struct moon_spf_check *check = walk->check;
    const struct moon_dns_answer *answer;
    struct moon_spf_target target;

    if (!moon_spf_check_charge(check) || token->kind == TOKEN_MUTE ||
        !moon_spf_check_target(check, token->scope, token->term, &target))
        return;
    switch (token->term->kind) {
    case MOON_SPF_KIND_A:
        reply_addresses(walk, reply, target.name, bits_of(walk, token->term) == 0);
        break;
    case MOON_SPF_KIND_MX:
        reply_mx(walk, reply, token, target.name);
        break;
    case MOON_SPF_KIND_PTR:
        if (moon_spf_check_ptr(check, &target))
            reply_yes(walk, reply);
        break;
    default: /* exists: always A (RFC 7208 section 5.7) */
        answer = moon_spf_check_ask(check, target.name, MOON_DNS_TYPE_A);
        if (answer && answer->count)
            reply_yes(walk, reply);
    }
}

static SPF_dns_rr_t *hook_lookup(SPF_dns_server_t *hooks, const char *name, ns_type type,
                                 int should_cache)
{
    struct walk *walk = hooks->hook;
    SPF_dns_rr_t *reply = reply_new(walk, name, type, NO_DATA);
    struct token *token = token_find(walk, name);

    (void)should_cache; /* the message's answers are kept by moon_dns */
    if (reply && token && !walk->check->stopped) {
        if (token->kind != TOKEN_HOST)
            note_decided(walk, token);
        if (token->kind == TOKEN_YES)
            reply_yes(walk, reply);
        else if (token->kind == TOKEN_HOST)
            reply_addresses(walk, reply, token->host, false);
        else
            reply_term(walk, reply, token);
    }
    if (reply && walk->check->stopped) {
        reply->num_rr = 0;
        reply->herrno = TRY_AGAIN; /* step 3 */
    }
    return reply;
}

/* --- the walk ------------------------------------------------------------------------------- */

/* Step 1. False without memory. */
static bool set_up(struct walk *walk)
{
    const struct moon_ip *client = &walk->check->vars.ip;
    SPF_errcode_t error;

    /* destroy stays NULL: the structure is ours. */
    walk->hooks.name = "moon";
    walk->hooks.lookup = hook_lookup;
    walk->hooks.get_spf = hook_get_spf;
    walk->hooks.hook = walk;
    walk->server = SPF_server_new_dns(&walk->hooks, 0);
    if (!walk->server || SPF_server_set_rec_dom(walk->server, "x") != SPF_E_SUCCESS)
        return false;
    /* Its own limits out of the way: ours count over the whole check. */
    (void)SPF_server_set_max_dns_mech(walk->server, 1000); /* these setters cannot fail */
    (void)SPF_server_set_max_dns_mx(walk->server, 1000);
    (void)SPF_server_set_max_dns_ptr(walk->server, 1000);
    walk->request = SPF_request_new(walk->server);
    if (!walk->request)
        return false;
    if (client->family == 6) {
        struct in6_addr six;
        memcpy(&six, client->bytes, sizeof six);
        error = SPF_request_set_ipv6(walk->request, six);
    } else {
        struct in_addr four;
        memcpy(&four, client->bytes, sizeof four);
        error = SPF_request_set_ipv4(walk->request, four);
    }
    walk->request->cur_dom = "top.x"; /* must be there; no term of ours means it */
    walk->response = SPF_response_new(walk->request);
    return error == SPF_E_SUCCESS && walk->response;
}

static enum moon_result result_of(const struct walk *walk)
{
    switch (SPF_response_result(walk->response)) {
    case SPF_RESULT_PASS:
        return MOON_RESULT_PASS;
    case SPF_RESULT_FAIL:
        return MOON_RESULT_FAIL;
    case SPF_RESULT_SOFTFAIL:
        return MOON_RESULT_SOFTFAIL;
    case SPF_RESULT_NEUTRAL:
        return MOON_RESULT_NEUTRAL;
    default: /* our side stops the check for each of these: libspf2 failed by itself */
        moon_spf_check_fail(walk->check, MOON_EIO);
        return MOON_RESULT_NONE;
    }
}

/* Steps 1 to 4. */
static void run(struct walk *walk, const struct moon_spf_scope *scope, struct moon_spf_walk *walk_r)
{
    if (!set_up(walk)) {
        moon_spf_check_fail(walk->check, MOON_ENOMEM);
        return;
    }
    walk->record = compile(walk, scope, walk->response);
    if (!walk->record)
        return;
    walk->response->spf_record_exp = walk->record;
    /* The same result is in the response. */
    (void)SPF_record_interpret(walk->record, walk->request, walk->response, 0);
    if (walk->check->stopped)
        return;
    walk_r->result = result_of(walk);
    walk_r->scope = walk->top;
    if (SPF_response_reason(walk->response) == SPF_REASON_MECH)
        walk_r->matched = walk->decided;
}

static void clean_up(struct walk *walk)
{
    if (walk->record)
        SPF_record_free(walk->record);
    if (walk->response)
        SPF_response_free(walk->response);
    if (walk->request)
        SPF_request_free(walk->request);
    if (walk->server)
        SPF_server_free(walk->server);
}

void moon_spf_libspf2_walk(struct moon_spf_check *check, const struct moon_spf_scope *scope,
                           struct moon_spf_walk *walk_r)
{
    /* In the arena: what changes between setjmp and longjmp must not be automatic. */
    struct walk *walk = moon_arena_alloc(check->arena, sizeof *walk);

    *walk_r = (struct moon_spf_walk){.scope = scope};
    if (!walk) {
        moon_spf_check_fail(check, MOON_ENOMEM);
        return;
    }
    walk->check = check;
    walk->top = scope;
    set_handlers();
    walking = walk;
    if (setjmp(walk->escape) == 0)
        run(walk, scope, walk_r);
    else
        moon_spf_check_fail(walk->check, MOON_EIO);
    walking = NULL;
    clean_up(walk);
}
