/* SPDX-License-Identifier: MIT
 *
 * fuzz_authres: (1) any bytes as an Authentication-Results value that came with a message; (2) the
 * same bytes, cut at 0xff, as everything a stranger chooses: what we write must, read again by a
 * reader of its own, hold exactly the methods and results we put in, and so must it for a reader
 * that knows nothing of quoting.
 *
 * Parser: engine/auth/authres.c
 * Parser: engine/auth/authres_id.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/auth/authres.h"
#include "engine/base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ENTRIES_MAX (MOON_SIG_MAX + 6)

struct expected {
    const char *method[ENTRIES_MAX], *result[ENTRIES_MAX];
    size_t count;
};

static void need(int condition)
{
    if (!condition)
        abort();
}

static void expect(struct expected *e, const char *method, enum moon_result result)
{
    need(e->count < ENTRIES_MAX);
    e->method[e->count] = method;
    e->result[e->count++] = moon_result_name(result);
}

/* The next piece as a string without NUL; "" when there is none. */
static const char *piece(struct moon_arena *arena, struct moon_buf *in)
{
    struct moon_span span = moon_buf_until(in, '\xff');
    (void)moon_buf_skip(in, '\xff'); /* none behind the last */
    char *text = moon_arena_dup(arena, span);
    return text ? text : "";
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* A pvalue: up to white space, ';' or the end; a quoted string as a whole. */
static const char *skip_value(const char *c)
{
    need(*c && *c != ';' && !is_blank(*c));
    if (*c == '"') {
        for (c++; *c != '"'; c++)
            need(*c >= 0x20 && *c < 0x7f && !strchr("\\;()=", *c));
        c++;
    } else {
        for (; *c && *c != ';' && !is_blank(*c); c++)
            need(*c > 0x20 && *c < 0x7f && !strchr("()\"\\,;:<>[]", *c));
    }
    need(*c == '\0' || *c == ';' || is_blank(*c));
    return c;
}

static const char *skip_blank(const char *c)
{
    while (is_blank(*c))
        c++;
    return c;
}

/* method "=" result *(name "=" value); comments only of ours, at the end of the last dkim. */
static const char *read_entry(const char *c, const char *method, const char *result)
{
    need(strncmp(c, method, strlen(method)) == 0);
    c += strlen(method);
    need(*c++ == '=');
    need(strncmp(c, result, strlen(result)) == 0);
    for (c = skip_blank(c + strlen(result)); *c && *c != ';'; c = skip_blank(c)) {
        if (*c == '(') {
            c = strchr(c, ')');
            need(c != NULL);
            c++;
            continue;
        }
        size_t name = strspn(c, "abcdefghijklmnopqrstuvwxyz.");
        need(name > 0 && c[name] == '=');
        c = skip_value(c + name + 1);
    }
    return c;
}

static void read_again(const char *text, const struct expected *e)
{
    static const char head[] = "Authentication-Results: mx.example";
    size_t semicolons = 0, line = 0;

    for (const char *c = text; *c; c++) {
        semicolons += *c == ';';
        line = *c == '\n' ? 0 : line + 1;
        need(line <= MOON_FIELD_LINE_MAX && (*c != '\n' || c[1] == '\t'));
    }
    need(semicolons == e->count && strlen(text) <= MOON_FIELD_BYTES_MAX);
    need(strncmp(text, head, strlen(head)) == 0);
    text += strlen(head);
    for (size_t i = 0; i < e->count; i++) {
        need(*text++ == ';');
        text = read_entry(skip_blank(text), e->method[i], e->result[i]);
    }
    need(*text == '\0');
}

static void compose(struct moon_arena *arena, struct moon_span bytes)
{
    struct moon_buf in = moon_buf_of(bytes);
    struct moon_message msg = {.id = "", .mail_from = piece(arena, &in)};
    struct moon_results results = {.authserv_id = "mx.example"};
    struct moon_dkim_sig sigs[4] = {{0}};
    struct expected e = {.count = 0};
    const char *domain = piece(arena, &in);

    results.from.domain = domain;
    results.spf = (struct moon_spf){
        .result = MOON_RESULT_FAIL, .reason = piece(arena, &in), .domain = piece(arena, &in)};
    results.spf_helo =
        (struct moon_spf){.result = MOON_RESULT_SOFTFAIL, .reason = domain, .domain = domain};
    if (*msg.mail_from)
        expect(&e, "spf", MOON_RESULT_SOFTFAIL);
    expect(&e, "spf", MOON_RESULT_FAIL);
    for (size_t i = 0; i < 4; i++) {
        sigs[i] = (struct moon_dkim_sig){.result = (enum moon_result)(i % 3 + 1),
                                         .reason = piece(arena, &in),
                                         .domain = piece(arena, &in),
                                         .selector = piece(arena, &in),
                                         .identity = piece(arena, &in),
                                         .algorithm = domain,
                                         .signature_start = piece(arena, &in)};
        expect(&e, "dkim", sigs[i].result);
    }
    results.dkim = (struct moon_dkim){.sigs = sigs, .count = 4, .found = 4};
    results.dmarc = (struct moon_dmarc){
        .result = MOON_RESULT_FAIL, .reason = domain, .policy = MOON_DMARC_POLICY_NONE};
    expect(&e, "dmarc", MOON_RESULT_FAIL);
    expect(&e, "arc", MOON_RESULT_NONE);
    msg.session.authenticated = "plain";
    msg.session.authenticated_id = piece(arena, &in);
    expect(&e, "auth", MOON_RESULT_PASS);

    const char *text = moon_authres_compose_with(arena, &msg, &results, piece(arena, &in));
    need(text != NULL);
    read_again(text, &e);
    struct moon_span field = moon_span_of(text);
    need(moon_authres_is_ours(moon_span_sub(field, moon_span_find(field, ':') + 1, field.n),
                              "MX.example"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_span bytes = {(const char *)data, size};
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);

    if (!arena)
        return 0;
    bool ours = moon_authres_is_ours(bytes, "mx.example");
    /* A value that starts plainly with our name is ours whatever follows. */
    if (size > 11 && memcmp(data, "mx.example;", 11) == 0)
        need(ours);
    if (size < 64 * 1024)
        compose(arena, bytes);
    moon_arena_destroy(&arena);
    return 0;
}
