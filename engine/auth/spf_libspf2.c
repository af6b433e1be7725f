/* SPDX-License-Identifier: MIT
 *
 * spf_libspf2: the only file that knows libspf2. It is given no published record and no text of a
 * sender's: for each record we parsed it gets a canonical one without macros, whose names are
 * tokens like t7.x (spf_canonical.c); what a token means, our side answers (spf_check.c). So its
 * parser, expander and limits, which have faults that a stranger's record can reach, see only our
 * own text.
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
#include <stdlib.h>
#include <string.h>

#include <spf2/spf.h>
#include <spf2/spf_log.h>

#include "engine/auth/spf_canonical.h"
#include "engine/auth/spf_trace.h"
#include "engine/base/limits.h"

struct walk {
    struct moon_spf_check *check;
    struct moon_spf_tokens tokens;
    struct moon_spf_trace trace;
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

/* --- records -------------------------------------------------------------------------------- */

/* NULL when stopped. */
static SPF_record_t *compile(struct walk *walk, const struct moon_spf_scope *scope,
                             SPF_response_t *response)
{
    const char *canonical = moon_spf_canonical(walk->check, &walk->tokens, scope);
    SPF_record_t *compiled = NULL;

    if (!canonical)
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

static struct moon_spf_token *find_token(struct walk *walk, const char *name)
{
    struct moon_spf_token *token = moon_spf_token_find(&walk->tokens, name);
    if (!token)
        moon_spf_check_fail(walk->check, MOON_EIO); /* libspf2 asks for something we never wrote */
    return token;
}

static void note_asked(struct walk *walk, const struct moon_spf_token *token)
{
    moon_spf_trace_term(&walk->trace, token->scope, token->term);
    if (token->scope == walk->top)
        walk->decided = token->term;
}

static const struct moon_spf_scope *enter(struct walk *walk, const struct moon_spf_token *token)
{
    struct moon_spf_check *check = walk->check;
    struct moon_span text = moon_span_sub(token->term->text, 0, 300);
    struct moon_spf_target at;
    bool none;

    note_asked(walk, token);
    if (!moon_spf_check_charge(check) ||
        !moon_spf_check_target(check, token->scope, token->term, &at))
        return NULL;
    struct moon_spf_scope *scope = moon_spf_check_fetch(check, &at, &none);
    if (none) /* RFC 7208 sections 5.2 and 6.1 */
        moon_spf_check_stop(check, MOON_RESULT_PERMERROR, "%.*s: no SPF record there", (int)text.n,
                            text.p);
    return scope;
}

static SPF_errcode_t hook_get_spf(SPF_server_t *server, SPF_request_t *request,
                                  SPF_response_t *response, SPF_record_t **record_r)
{
    struct walk *walk = server->resolver->hook;
    struct moon_spf_token *token = find_token(walk, request->cur_dom);

    *record_r = NULL;
    if (!token)
        return SPF_E_DNS_ERROR;
    const struct moon_spf_scope *scope = enter(walk, token);
    if (!scope)
        return SPF_E_DNS_ERROR;
    moon_spf_trace_enter(&walk->trace, scope);
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
    static const struct in_addr some_address; /* exists asks only whether there is one */
    (void)reply_add(walk, reply, &some_address, sizeof some_address); /* failing is noted */
    moon_spf_trace_match(&walk->trace);
}

/* Addresses of a name; of a name that needs none to match (length 0) just "yes". */
static void reply_addresses(struct walk *walk, SPF_dns_rr_t *reply,
                            const struct moon_spf_term *term, const char *name)
{
    const struct moon_ip *client = &walk->check->vars.ip;
    const struct moon_dns_answer *answer =
        moon_spf_check_ask(walk->check, name, moon_spf_ip_type(client));
    unsigned bits = moon_spf_term_bits(term, client);
    size_t bytes = client->family == 6 ? 16 : 4;

    if (bits == 0) {
        if (answer && answer->count)
            reply_yes(walk, reply);
        return;
    }
    for (size_t i = 0; answer && i < answer->count; i++) {
        if (!reply_add(walk, reply, answer->records[i].ip.bytes, bytes))
            return;
        if (moon_ip_match(&answer->records[i].ip, client, bits))
            moon_spf_trace_match(&walk->trace);
    }
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
static void reply_mx(struct walk *walk, SPF_dns_rr_t *reply, const struct moon_spf_token *token,
                     const char *name)
{
    const struct moon_dns_answer *answer = ask_mx(walk, name);
    bool any = moon_spf_term_bits(token->term, &walk->check->vars.ip) == 0;
    char text[MOON_SPF_TOKEN_BYTES];

    for (size_t i = 0; answer && i < answer->count && !walk->check->stopped; i++) {
        const char *host = answer->records[i].name;
        if (host[0] == '\0')
            continue; /* the null MX of RFC 7505 has no address */
        if (any && reply->num_rr == 0)
            reply_addresses(walk, reply, token->term, host);
        if (any)
            continue;
        struct moon_spf_token entry = {MOON_SPF_TOKEN_HOST, token->term, token->scope, host};
        if (!moon_spf_token_new(walk->check, &walk->tokens, entry, text) ||
            !reply_add(walk, reply, text, strlen(text) + 1))
            return;
    }
}

static void reply_term(struct walk *walk, SPF_dns_rr_t *reply, const struct moon_spf_token *token)
{
    struct moon_spf_check *check = walk->check;
    const struct moon_dns_answer *answer;
    struct moon_spf_target target;

    if (!moon_spf_check_charge(check) || token->kind == MOON_SPF_TOKEN_MUTE ||
        !moon_spf_check_target(check, token->scope, token->term, &target))
        return;
    switch (token->term->kind) {
    case MOON_SPF_KIND_A:
        reply_addresses(walk, reply, token->term, target.name);
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
    struct moon_spf_token *token = find_token(walk, name);

    (void)should_cache; /* the message's answers are kept by moon_dns */
    if (!reply)
        return NULL;
    if (!walk->check->stopped) { /* so there is a token */
        if (token->kind != MOON_SPF_TOKEN_HOST)
            note_asked(walk, token);
        if (token->kind == MOON_SPF_TOKEN_YES)
            reply_yes(walk, reply);
        else if (token->kind == MOON_SPF_TOKEN_HOST)
            reply_addresses(walk, reply, token->term, token->host);
        else
            reply_term(walk, reply, token);
    }
    if (walk->check->stopped) {
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
    if (!moon_spf_trace_begin(&walk->trace, check, scope))
        return;
    set_handlers();
    walking = walk;
    if (setjmp(walk->escape) == 0)
        run(walk, scope, walk_r);
    else
        moon_spf_check_fail(walk->check, MOON_EIO);
    walking = NULL;
    moon_spf_trace_end(&walk->trace);
    walk_r->steps = walk->trace.steps;
    walk_r->step_count = walk->trace.count;
    clean_up(walk);
}
