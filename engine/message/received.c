/* SPDX-License-Identifier: MIT
 *
 * received: "from" name comments "by" (RFC 5321 section 4.4). The comments are everybody's own:
 *
 *   Postfix    from HELO (NAME [ADDRESS])                    NAME is verified, or "unknown"
 *   Sendmail   from HELO (NAME [ADDRESS] (may be forged)), from HELO ([ADDRESS]), (ident@NAME ...)
 *   Exim       from [ADDRESS] (helo=HELO), from NAME ([ADDRESS] helo=HELO), from NAME ([ADDRESS])
 *   Exchange   from HELO (ADDRESS)
 *   qmail      from NAME (HELO HELO) (ident@ADDRESS), above it "(qmail 1 invoked from network)"
 *
 *   1. the part up to "by", cut into name and comments.  2. No other "from" or "by" behind it.
 *   3. The form, by the first comment's words.  4. The one address there is, else unclear.
 */
#include "engine/message/received.h"

#include "engine/base/limits.h"

#define COMMENTS_MAX 6u  /* Postfix writes three about TLS */
#define WORDS_MAX    24u /* of a comment; Postfix's about TLS has twelve */
#define DEPTH_MAX    4u

struct words {
    struct moon_span word[WORDS_MAX]; /* empty ones behind the last */
    size_t count;
    bool too_many;
};

static bool is_word(char c)
{
    return !moon_is_wsp(c);
}

/* Takes a comment, its parentheses included. False: it does not end, or is too deep. */
static bool take_comment(struct moon_buf *in, struct moon_span *inside_r)
{
    const char *start = in->p;
    size_t before = in->left;
    unsigned depth = 0;

    do {
        int c = moon_buf_byte(in);
        if (c == '\\')
            (void)moon_buf_byte(in); /* at the end the cursor has failed */
        else if (c == '(')
            depth++;
        else if (c == ')')
            depth--;
    } while (!in->failed && depth > 0 && depth <= DEPTH_MAX);
    if (depth > 0) /* also when the cursor has failed */
        return false;
    *inside_r = moon_span_sub((struct moon_span){start, before}, 1, before - in->left - 2);
    return true;
}

/* The words of a comment; one in parentheses counts as a word. */
static struct words split(struct moon_span text)
{
    struct moon_buf in = moon_buf_of(text);
    struct words words = {.count = 0};
    struct moon_span word;

    for (;;) {
        (void)moon_buf_while(&in, moon_is_wsp);
        if (moon_buf_at_end(&in))
            return words;
        const char *start = in.p;
        if (moon_buf_peek(&in) == '(') {
            words.too_many = words.too_many || !take_comment(&in, &word);
            word = (struct moon_span){start, (size_t)(in.p - start)};
        } else {
            word = moon_buf_while(&in, is_word);
        }
        words.too_many = words.too_many || words.count == WORDS_MAX;
        if (words.too_many)
            return words;
        words.word[words.count++] = word;
    }
}

/* [ADDRESS], [IPv6:ADDRESS], either with :PORT behind it. */
static bool is_literal(struct moon_span word, struct moon_ip *ip_r)
{
    struct moon_buf in = moon_buf_of(word);
    uint64_t port;

    if (!moon_buf_skip(&in, '['))
        return false;
    struct moon_span inside = moon_buf_until(&in, ']');
    if (!moon_buf_skip(&in, ']'))
        return false;
    bool complete = moon_buf_skip(&in, ':')
                        ? moon_span_number((struct moon_span){in.p, in.left}, 65535, &port)
                        : moon_buf_at_end(&in);
    if (moon_span_eq_nocase(moon_span_sub(inside, 0, 5), MOON_SPAN("IPv6:")))
        inside = moon_span_sub(inside, 5, inside.n);
    return complete && moon_ip_parse(inside, ip_r);
}

/* What stands behind the last '@'; all of it when there is none: -1 and 1 are 0. */
static struct moon_span without_ident(struct moon_span name)
{
    return moon_span_sub(name, moon_span_rfind(name, '@') + 1, name.n);
}

/* ADDRESS, or ident@ADDRESS. */
static bool is_bare(struct moon_span word, struct moon_ip *ip_r)
{
    return moon_ip_parse(without_ident(word), ip_r);
}

/* How many of the words could be meant as an address; the last of them. */
static size_t addresses_in(const struct words *words, struct moon_ip *ip_r)
{
    size_t found = 0;
    for (size_t i = 0; i < words->count; i++) {
        struct moon_ip ip;
        if (is_literal(words->word[i], &ip) || is_bare(words->word[i], &ip)) {
            *ip_r = ip;
            found++;
        }
    }
    return found;
}

/* The words from `i` on are all Exim's, key=value; `helo_r` is that of helo=, if there is one. */
static bool are_pairs(const struct words *words, size_t i, struct moon_span *helo_r)
{
    struct moon_span helo = *helo_r;
    bool seen = false;

    for (; i < words->count; i++) {
        size_t equals = moon_span_find(words->word[i], '=');
        struct moon_span key = moon_span_sub(words->word[i], 0, equals);
        if (equals == (size_t)-1)
            return false;
        if (moon_span_is(key, "helo")) {
            if (seen)
                return false;
            helo = moon_span_sub(words->word[i], equals + 1, words->word[i].n);
            seen = true;
        } else if (!moon_span_is(key, "ident") && !moon_span_is(key, "port")) {
            return false;
        }
    }
    *helo_r = helo;
    return true;
}

/* The words from `i` on are all in parentheses: "(may be forged)". */
static bool are_remarks(const struct words *words, size_t i)
{
    for (; i < words->count; i++)
        if (words->word[i].p[0] != '(')
            return false;
    return true;
}

/* A name that the writer found: no key=value of Exim's, no remark. */
static bool is_name(struct moon_span word)
{
    return word.p[0] != '(' && moon_span_find(word, '=') == (size_t)-1;
}

/* qmail's (HELO name). */
static bool says_helo(const struct words *words)
{
    return words->count == 2 && (moon_span_is_nocase(words->word[0], "HELO") ||
                                 moon_span_is_nocase(words->word[0], "EHLO"));
}

/* Step 3. `name` is what stands behind "from". False: none of the forms. */
static bool read_form(struct moon_span name, const struct words *first, const struct words *second,
                      struct moon_received *received)
{
    const struct moon_span *word = first->word;
    struct moon_ip ip;

    received->helo = name;
    if (first->count == 0)
        return false;
    if (says_helo(first)) {
        received->helo = word[1];
        return second->count == 1 && addresses_in(second, &ip) == 1;
    }
    if (is_literal(name, &ip) && are_pairs(first, 0, &received->helo)) {
        received->ip = ip;
        if (received->helo.p == name.p) /* no helo= */
            received->helo = (struct moon_span){NULL, 0};
        return true;
    }
    if (is_literal(word[0], &ip)) {
        if (are_pairs(first, 1, &received->helo)) {
            received->host_name = received->helo.p == name.p ? (struct moon_span){NULL, 0} : name;
            return true;
        }
        return are_remarks(first, 1);
    }
    if (is_literal(word[1], &ip) && are_remarks(first, 2) && is_name(word[0])) {
        if (first->count == 2)
            received->host_name = without_ident(word[0]);
        return true;
    }
    return first->count == 1 && is_bare(word[0], &ip);
}

/* Step 2: is there another "from" or "by" outside of comments? A client that could write one into
 * its name has shifted the words. */
static bool has_second_clause(struct moon_buf in)
{
    struct moon_span inside;

    for (;;) {
        (void)moon_buf_while(&in, moon_is_wsp);
        if (moon_buf_at_end(&in))
            return false;
        if (moon_buf_peek(&in) == '(') {
            if (!take_comment(&in, &inside))
                return true;
            continue;
        }
        struct moon_span word = moon_buf_while(&in, is_word);
        if (moon_span_is_nocase(word, "from") || moon_span_is_nocase(word, "by"))
            return true;
    }
}

/* Steps 3 and 4. */
static void read_client(struct moon_span name, const struct words *comments, size_t count,
                        struct moon_received *received)
{
    if (!read_form(name, &comments[0], &comments[1], received) ||
        received->helo.n > MOON_DOMAIN_MAX + 2)
        return;
    struct moon_ip ip = received->ip;
    size_t found = ip.family ? 1 : 0; /* from [ADDRESS] (...): then nowhere else */
    for (size_t i = says_helo(&comments[0]) ? 1 : 0; i < count; i++)
        found += addresses_in(&comments[i], &ip);
    if (found != 1)
        return;
    received->ip = ip;
    received->kind = MOON_RECEIVED_CLIENT;
}

static bool is_text(char c)
{
    return c == '\t' || ((unsigned char)c >= ' ' && c != '\x7f');
}

static bool is_clean(struct moon_span text)
{
    struct moon_buf in = moon_buf_of(text);
    return moon_buf_while(&in, is_text).n == text.n && text.n <= MOON_RECEIVED_BYTES_MAX;
}

static bool starts(struct moon_span text, const char *with)
{
    struct moon_span start = moon_span_of(with);
    return moon_span_eq_nocase(moon_span_sub(text, 0, start.n), start);
}

/* Of a shorter text, sub cuts nothing off behind its end. */
static bool ends(struct moon_span text, const char *with)
{
    struct moon_span end = moon_span_of(with);
    return moon_span_eq(moon_span_sub(text, text.n - end.n, end.n), end);
}

struct moon_received moon_received_parse(struct moon_span text)
{
    struct moon_received received = {.kind = MOON_RECEIVED_UNCLEAR};
    struct words comments[COMMENTS_MAX] = {{.count = 0}}; /* the second may be asked for */
    struct moon_buf in = moon_buf_of(text);
    struct moon_span inside;
    size_t count = 0;

    if (!is_clean(text))
        return received;
    if (starts(text, "(qmail ") && take_comment(&in, &inside)) {
        received.kind =
            ends(inside, " invoked from network") ? MOON_RECEIVED_QUEUE : MOON_RECEIVED_NO_CLIENT;
        return received;
    }
    if (starts(text, "by ")) { /* Postfix's pickup */
        received.kind = MOON_RECEIVED_NO_CLIENT;
        return received;
    }
    if (!moon_span_is_nocase(moon_buf_while(&in, is_word), "from"))
        return received;
    (void)moon_buf_while(&in, moon_is_wsp);
    struct moon_span name = moon_buf_while(&in, is_word); /* step 1 */
    if (moon_span_find(name, '(') != (size_t)-1 || moon_span_find(name, ')') != (size_t)-1)
        return received;
    for (;;) {
        (void)moon_buf_while(&in, moon_is_wsp);
        if (moon_buf_peek(&in) != '(')
            break;
        if (count == COMMENTS_MAX || !take_comment(&in, &inside))
            return received;
        comments[count] = split(inside);
        if (comments[count++].too_many)
            return received;
    }
    if (!moon_span_is_nocase(moon_buf_while(&in, is_word), "by") || has_second_clause(in))
        return received;
    if (count)
        read_client(name, comments, count, &received);
    else if (moon_span_find(name, '[') == (size_t)-1)
        received.kind = MOON_RECEIVED_NO_CLIENT; /* Exim: from USER by HOST with local */
    return received;
}
