/* SPDX-License-Identifier: MIT
 *
 * address: the authors of a message (RFC 5322 sections 3.4 and 4.4, RFC 6532, groups of RFC 6854),
 * for DMARC and for policies.
 *
 *   1. Every delivered From field: are its bytes ones that a field may have?
 *   2. Its address list, element by element: mailbox, or group of mailboxes.
 *   3. An author: display name, local part, domain; the domain is normalized.
 *   4. The sum: is there exactly one author with one clean domain, and if not, why.
 *
 * Obsolete forms are taken where all readers agree on them: dots in display names, empty list
 * elements, white space around '@', quoted words in local parts. Forms that mail programs read
 * differently are refused with a reason: a route before the address, white space or comments inside
 * a domain or local part, encoded words inside an address (RFC 2047 section 5), text with '@'
 * before an angle bracket, control characters, bytes that are not UTF-8.
 */
#include "engine/message/address.h"

#include <string.h>

#include "engine/base/limits.h"
#include "engine/message/domain.h"
#include "engine/message/utf8.h"

struct parser {
    struct moon_buf in;
    struct moon_arena *arena;
    struct moon_from *from;
    bool no_memory;
    const char *reason; /* why this field cannot be read; parsing stops */
};

static bool refuse(struct parser *p, const char *reason)
{
    if (!p->reason)
        p->reason = reason;
    return false;
}

static bool no_memory(struct parser *p)
{
    p->no_memory = true;
    return false;
}

/* --- step 1: bytes ------------------------------------------------------------------------------
 */

/* Printable ASCII, SP, HTAB, UTF-8; CR LF only as a fold. */
static bool check_bytes(struct parser *p, struct moon_span value)
{
    struct moon_buf in = moon_buf_of(value);

    while (!moon_buf_at_end(&in)) {
        int c = moon_buf_peek(&in);
        if (c >= 0x80) {
            if (!moon_utf8_take(&in))
                return refuse(p, "bytes in From that are not UTF-8");
            continue;
        }
        (void)moon_buf_byte(&in); /* just peeked at */
        if (c == '\r') {
            int after = moon_buf_peek_at(&in, 1);
            if (!moon_buf_skip(&in, '\n') || (after != ' ' && after != '\t'))
                return refuse(p, "a line end in From that is no fold");
        } else if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return refuse(p, "a control character in From");
        }
    }
    return true;
}

/* --- tokens -------------------------------------------------------------------------------------
 */

/* RFC 5322 section 3.2.3, with RFC 6532 section 3.2. */
static bool is_atext(char c)
{
    return moon_is_alnum(c) || (unsigned char)c >= 0x80 ||
           (c && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* The cursor stands behind '('. */
static bool skip_comment(struct parser *p)
{
    size_t depth = 1;

    while (depth > 0) {
        int c = moon_buf_byte(&p->in);
        if (c == '\\')
            (void)moon_buf_byte(&p->in); /* whatever it is; at the end the next one tells */
        else if (c == '(')
            depth++;
        else if (c == ')')
            depth--;
        if (c < 0)
            return refuse(p, "a comment in From without its end");
        if (depth > MOON_FROM_DEPTH_MAX)
            return refuse(p, "comments in From nested too deeply");
    }
    return true;
}

/* CFWS; *any_r (may be NULL) becomes true when there was some. */
static bool skip_cfws(struct parser *p, bool *any_r)
{
    for (;;) {
        int c = moon_buf_peek(&p->in);
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != '(')
            return true;
        (void)moon_buf_byte(&p->in); /* just peeked at */
        if (any_r)
            *any_r = true;
        if (c == '(' && !skip_comment(p))
            return false;
    }
}

/* What an element is made of. A span of the value as it stands there. */
enum word_kind { WORD_ATOM, WORD_QUOTED, WORD_DOT };
struct word {
    enum word_kind kind;
    bool spaced; /* behind white space or a comment */
    struct moon_span text;
};

/* The cursor stands at '"'; the quotes belong to the span. */
static bool take_quoted(struct parser *p, struct moon_span *text_r)
{
    const char *start = p->in.p;
    int c = moon_buf_byte(&p->in);

    do {
        c = moon_buf_byte(&p->in);
        if (c == '\\')
            (void)moon_buf_byte(&p->in); /* whatever it is; at the end the next one tells */
    } while (c >= 0 && c != '"');
    *text_r = (struct moon_span){start, (size_t)(p->in.p - start)};
    return c == '"' || refuse(p, "a quoted string in From without its end");
}

/* False at anything that is no word and no dot; then nothing was taken but CFWS. */
static bool take_word(struct parser *p, struct word *word_r)
{
    *word_r = (struct word){.kind = WORD_ATOM};
    if (!skip_cfws(p, &word_r->spaced))
        return false;
    int c = moon_buf_peek(&p->in);
    if (c == '"') {
        word_r->kind = WORD_QUOTED;
        return take_quoted(p, &word_r->text);
    }
    if (c == '.') {
        word_r->kind = WORD_DOT;
        word_r->text = moon_buf_take(&p->in, 1);
        return true;
    }
    word_r->text = moon_buf_while(&p->in, is_atext);
    return word_r->text.n > 0;
}

/* --- step 3: one author -------------------------------------------------------------------------
 */

/* Text of a quoted string: without quotes and backslashes, folds dropped. */
static void add_unquoted(struct moon_str *out, struct moon_span quoted)
{
    struct moon_buf in = moon_buf_of(moon_span_sub(quoted, 1, quoted.n - 2));
    while (!moon_buf_at_end(&in)) {
        int c = moon_buf_byte(&in);
        if (c == '\\')
            c = moon_buf_byte(&in);
        if (c >= 0 && c != '\r' && c != '\n')
            moon_str_add_char(out, (char)c);
    }
}

/* A run of words: a display name, or a local part, or both until the next byte tells. */
struct phrase {
    struct moon_str text;  /* as a display name */
    struct moon_str local; /* as a local part */
    size_t words;
    bool is_local;  /* word *("." word) without space: RFC 5322 section 4.4 */
    bool is_phrase; /* starts with a word */
    enum word_kind last;
};

static void add_word(struct phrase *phrase, const struct word *word)
{
    bool is_dot = word->kind == WORD_DOT;
    bool first = phrase->words == 0;

    if (first) {
        phrase->is_local = phrase->is_phrase = !is_dot;
    } else {
        if (word->spaced || is_dot == (phrase->last == WORD_DOT))
            phrase->is_local = false;
        if (word->spaced)
            moon_str_add_char(&phrase->text, ' ');
    }
    phrase->last = word->kind;
    phrase->words++;
    if (word->kind == WORD_QUOTED) {
        add_unquoted(&phrase->text, word->text);
        moon_str_add_char(&phrase->local, '"');
        for (size_t i = 1; i + 1 < word->text.n; i++)
            if (word->text.p[i] != '\r' && word->text.p[i] != '\n')
                moon_str_add_char(&phrase->local, word->text.p[i]);
        moon_str_add_char(&phrase->local, '"');
    } else {
        moon_str_add_span(&phrase->text, word->text);
        moon_str_add_span(&phrase->local, word->text);
    }
}

static bool take_phrase(struct parser *p, struct phrase *phrase)
{
    struct word word;

    *phrase = (struct phrase){.words = 0};
    moon_str_begin(&phrase->text, p->arena);
    moon_str_begin(&phrase->local, p->arena);
    while (take_word(p, &word))
        add_word(phrase, &word);
    if (phrase->words && phrase->last == WORD_DOT)
        phrase->is_local = false;
    return !p->reason; /* whether there was memory for it is asked where it is used */
}

/* RFC 2047 section 5: "MUST NOT appear in any portion of an addr-spec"; programs that decode it
 * show another address than the one that was checked. */
static bool has_encoded_word(const char *text)
{
    const char *start = strstr(text, "=?");
    return start && strstr(start + 2, "?=");
}

/* Keeps the author; only counts those beyond the limit. `domain` NULL: not a domain name. */
static bool keep_author(struct parser *p, const char *name, const char *local,
                        struct moon_span as_written, const char *domain)
{
    struct moon_from *from = p->from;
    struct moon_author author = {.domain = domain, .display_name = name};

    from->count++;
    if (from->kept == MOON_FROM_MAX)
        return refuse(p, "more authors than are looked at");
    author.address = moon_arena_printf(p->arena, "%s@%.*s", local, (int)as_written.n, as_written.p);
    from->authors = moon_arena_append(p->arena, from->authors, from->kept, sizeof author);
    if (!author.address || !from->authors)
        return no_memory(p);
    from->authors[from->kept++] = author;
    return true;
}

/* "[...]": RFC 5322 section 3.4.1. */
static bool take_literal(struct parser *p, struct moon_span *text_r)
{
    const char *start = p->in.p;
    struct moon_span inside;

    (void)moon_buf_skip(&p->in, '['); /* the caller saw it */
    inside = moon_buf_until(&p->in, ']');
    if (!moon_buf_skip(&p->in, ']') || moon_span_find(inside, '[') != (size_t)-1 ||
        moon_span_find(inside, '\\') != (size_t)-1 || moon_span_find(inside, '\r') != (size_t)-1)
        return refuse(p, "an ill-formed domain literal in From");
    *text_r = (struct moon_span){start, (size_t)(p->in.p - start)};
    return true;
}

/* atom *("." atom) without white space inside. */
static bool take_domain(struct parser *p, struct moon_span *text_r)
{
    if (!skip_cfws(p, NULL))
        return false;
    if (moon_buf_peek(&p->in) == '[')
        return take_literal(p, text_r);
    const char *start = p->in.p;
    do {
        if (moon_buf_while(&p->in, is_atext).n == 0)
            return refuse(p, "an address in From without a proper domain");
    } while (moon_buf_skip(&p->in, '.'));
    *text_r = (struct moon_span){start, (size_t)(p->in.p - start)};
    if (!skip_cfws(p, NULL))
        return false;
    return moon_buf_peek(&p->in) != '.' || refuse(p, "white space inside a domain in From");
}

/* Normalized, or NULL: then either p->no_memory or the text is no domain name. */
static const char *normalize(struct parser *p, struct moon_span text)
{
    const char *domain = moon_domain_normalize(p->arena, text);
    if (!domain && moon_arena_failed(p->arena))
        p->no_memory = true;
    return domain;
}

/* The cursor stands behind '@'; `local` was read before it. */
static bool take_address(struct parser *p, const struct phrase *local, const char *name)
{
    struct moon_span as_written;
    struct moon_str text = local->local;

    if (!local->is_local) {
        p->from->count++;
        return refuse(p, local->words ? "an ill-formed local part in From"
                                      : "an address in From without a local part");
    }
    if (!take_domain(p, &as_written)) {
        p->from->count++;
        return false;
    }
    const char *local_part = moon_str_end(&text);
    const char *domain = normalize(p, as_written);
    if (!local_part)
        return no_memory(p);
    if (!keep_author(p, name, local_part, as_written, domain))
        return false;
    if (has_encoded_word(local_part))
        return refuse(p, "an encoded word inside an address in From");
    if (!domain)
        return refuse(p, as_written.p[0] == '[' ? "a domain literal in From"
                                                : "not a domain name in From");
    return true;
}

/* The cursor stands behind '<'. */
static bool take_angle(struct parser *p, struct phrase *name)
{
    struct phrase local;
    const char *display = name->words ? moon_str_end(&name->text) : "";

    if (!display)
        return no_memory(p);
    if (!take_phrase(p, &local))
        return false;
    int c = moon_buf_peek(&p->in);
    if (c == '@' && local.words) {
        (void)moon_buf_byte(&p->in); /* just peeked at */
        return take_address(p, &local, display) && skip_cfws(p, NULL) &&
               (moon_buf_skip(&p->in, '>') || refuse(p, "an address in From without its '>'"));
    }
    p->from->count++;
    if (c == '@')
        return refuse(p, "a route before an address in From");
    if (c == '>')
        return refuse(p, local.words ? "an author without a domain" : "an empty address in From");
    return refuse(p, "an ill-formed address in From");
}

/* --- step 2: the list ---------------------------------------------------------------------------
 */

/* One mailbox, or the name of a group: then *group_r and the cursor stands behind ':'. */
static bool take_element(struct parser *p, bool in_group, bool *group_r)
{
    struct phrase phrase;

    if (!take_phrase(p, &phrase))
        return false;
    int c = moon_buf_peek(&p->in);
    bool named = phrase.words == 0 || phrase.is_phrase;
    if (c == ':' && phrase.words && named && !in_group) {
        *group_r = true;
        return moon_buf_skip(&p->in, ':');
    }
    if (c == '<' && named) {
        (void)moon_buf_byte(&p->in); /* just peeked at */
        return take_angle(p, &phrase);
    }
    if (c == '@') {
        (void)moon_buf_byte(&p->in); /* just peeked at */
        return take_address(p, &phrase, "") &&
               (moon_buf_peek(&p->in) != '<' ||
                refuse(p, "text with '@' before an address in From"));
    }
    p->from->count += phrase.words > 0;
    if (phrase.words && (c < 0 || c == ',' || c == ';'))
        return refuse(p, "an author without a domain");
    return refuse(p, "From does not follow the grammar");
}

/* Ends at the first reason. */
static void take_list(struct parser *p)
{
    bool in_group = false, wants_comma = false;

    while (skip_cfws(p, NULL) && !moon_buf_at_end(&p->in)) {
        bool group = false;
        if (moon_buf_skip(&p->in, ',')) { /* empty elements: RFC 5322 section 4.4 */
            wants_comma = false;
        } else if (in_group && moon_buf_skip(&p->in, ';')) {
            in_group = false;
            wants_comma = true;
        } else if (wants_comma) {
            (void)refuse(p, "text behind an address in From");
            return;
        } else if (!take_element(p, in_group, &group)) {
            return;
        } else {
            in_group = in_group || group;
            wants_comma = !group;
        }
    }
    if (in_group)
        (void)refuse(p, "a group in From without its end");
}

/* --- step 4: the sum ----------------------------------------------------------------------------
 */

static const char *common_domain(const struct moon_from *from)
{
    for (size_t i = 1; i < from->kept; i++)
        if (!moon_domain_equal(from->authors[0].domain, from->authors[i].domain))
            return NULL;
    return from->kept ? from->authors[0].domain : NULL;
}

static void sum_up(struct moon_from *from, const char *refused)
{
    if (!refused)
        from->domain = common_domain(from);
    from->ambiguous = refused || from->field_count != 1 || from->count != 1;
    if (!from->ambiguous)
        return;
    if (from->field_count == 0)
        from->reason = "no From field";
    else if (refused)
        from->reason = refused;
    else if (from->count == 0)
        from->reason = "no author in From";
    else if (!from->domain)
        from->reason = "authors of several domains";
    else
        from->reason = from->field_count > 1 ? "several From fields" : "several authors";
}

enum moon_status moon_from_parse(struct moon_arena *arena, const struct moon_message *msg,
                                 struct moon_from *from_r)
{
    const struct moon_field *field = NULL;
    const char *refused = NULL;

    memset(from_r, 0, sizeof *from_r);
    while ((field = moon_message_field(msg, "From", field, false))) {
        struct parser parser = {
            .in = moon_buf_of(field->value), .arena = arena, .from = from_r, .reason = NULL};
        from_r->field_count++;
        if (from_r->kept == MOON_FROM_MAX) {
            refused = "more authors than are looked at";
            continue; /* fields are still counted */
        }
        if (check_bytes(&parser, field->value))
            take_list(&parser);
        if (parser.no_memory)
            return MOON_ENOMEM;
        if (!refused)
            refused = parser.reason;
    }
    sum_up(from_r, refused);
    return MOON_OK;
}

enum moon_status moon_path_split(struct moon_arena *arena, const char *path, const char **local_r,
                                 const char **domain_r)
{
    struct parser parser = {.arena = arena};
    struct moon_span text = moon_span_of(path);
    size_t at = moon_span_rfind(text, '@');

    *local_r = "";
    *domain_r = NULL;
    if (at == (size_t)-1)
        return MOON_OK;
    *local_r = moon_arena_dup(arena, moon_span_sub(text, 0, at));
    if (!*local_r)
        return MOON_ENOMEM;
    *domain_r = normalize(&parser, moon_span_sub(text, at + 1, text.n));
    return parser.no_memory ? MOON_ENOMEM : MOON_OK;
}
