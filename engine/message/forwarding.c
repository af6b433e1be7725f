/* SPDX-License-Identifier: MIT
 *
 * forwarding: reads SRS and its relatives out of an envelope sender.
 *
 *   1. the local part, of at most MOON_FORWARDED_LOCAL_MAX bytes of printable ASCII
 *   2. SRS1: its forwarder, then what SRS0 has behind its name
 *   3. SRS0: hash, two letters of a time stamp, domain, local part (which may hold any separator)
 *   4. "+SRS=" and "+caf_=" in the middle: the last of them, since a mailbox may have been
 *      forwarded to before
 *
 * libsrs2 writes '=', '+' or '-' behind SRS0 and SRS1, and '=' between the rest. Hash and time
 * stamp are not judged: only who wrote them could.
 */
#include "engine/message/forwarding.h"

#include "engine/base/limits.h"
#include "engine/message/domain.h"

#define HASH_MAX 64u /* libsrs2 writes 4 by default, Exchange Online 5; a whole SHA-256 has 43 */

struct reader {
    struct moon_arena *arena;
    struct moon_forwarding *out;
    bool failed; /* no memory */
};

static const char *keep(struct reader *r, struct moon_span text)
{
    const char *copy = moon_arena_dup(r->arena, text);
    r->failed = r->failed || !copy;
    return copy;
}

/* A domain of at least two labels, normalized; NULL when it is none. */
static const char *domain_of(struct reader *r, struct moon_span text)
{
    if (moon_span_find(text, '.') == (size_t)-1)
        return NULL;
    const char *domain = moon_domain_normalize(r->arena, text);
    r->failed = r->failed || moon_arena_failed(r->arena);
    return domain;
}

static const char *address_of(struct reader *r, struct moon_span local, const char *domain)
{
    const char *address =
        moon_arena_printf(r->arena, "%.*s@%s", (int)local.n, local.p, domain); /* bounded */
    r->failed = r->failed || !address;
    return address;
}

static bool is_hash_byte(char c)
{
    return moon_is_alnum(c) || c == '+' || c == '/' || c == '-' || c == '_' || c == '.';
}

/* hash "=" tt: base64 or the like, then two digits of base 32. */
static bool skip_stamp(struct moon_buf *buf)
{
    struct moon_span hash = moon_buf_while(buf, is_hash_byte);
    if (hash.n == 0 || hash.n > HASH_MAX || !moon_buf_skip(buf, '='))
        return false;
    return moon_buf_while(buf, moon_is_alnum).n == 2;
}

/* "=" domain "=" local: the address before. */
static bool read_original(struct reader *r, struct moon_buf *buf)
{
    if (!moon_buf_skip(buf, '='))
        return false;
    const char *domain = domain_of(r, moon_buf_until(buf, '='));
    struct moon_span local = {NULL, 0};
    if (moon_buf_skip(buf, '='))
        local = (struct moon_span){buf->p, buf->left};
    if (!domain || local.n == 0)
        return false;
    r->out->original_domain = domain;
    r->out->original = address_of(r, local, domain);
    return true;
}

static bool is_separator(int c)
{
    return c == '=' || c == '+' || c == '-';
}

/* Steps 2 and 3, behind "SRS0" or "SRS1". */
static bool read_srs(struct reader *r, struct moon_buf buf, char kind)
{
    if (!is_separator(moon_buf_byte(&buf)))
        return false;
    if (kind == '1') {
        struct moon_span hash = moon_buf_while(&buf, is_hash_byte);
        if (hash.n == 0 || hash.n > HASH_MAX || !moon_buf_skip(&buf, '=') ||
            !domain_of(r, moon_buf_until(&buf, '=')) || !moon_buf_skip(&buf, '=') ||
            !is_separator(moon_buf_byte(&buf))) /* that of the first hop's SRS0 */
            return false;
    }
    return skip_stamp(&buf) && read_original(r, &buf);
}

/* The offset of the last `word` (without case) in front of which something stands; 0: none. */
static size_t find_word(struct moon_span local, const char *word)
{
    struct moon_span wanted = moon_span_of(word);
    for (size_t i = local.n; i > 0; i--)
        if (moon_span_eq_nocase(moon_span_sub(local, i, wanted.n), wanted))
            return i;
    return 0;
}

static bool read_outlook(struct reader *r, struct moon_span local, size_t at)
{
    struct moon_buf buf = moon_buf_of(moon_span_sub(local, at + 5, local.n));
    struct moon_span mailbox = moon_span_sub(local, 0, at);
    if (!skip_stamp(&buf))
        return false;
    if (moon_buf_at_end(&buf)) /* relayed for somebody whose address is not told */
        return moon_span_is_nocase(mailbox, "bounces");
    return read_original(r, &buf);
}

/* local "=" domain: the domain is behind the last '='. */
static bool read_gmail(struct reader *r, struct moon_span local, size_t at)
{
    struct moon_span to = moon_span_sub(local, at + 6, local.n);
    size_t equals = moon_span_rfind(to, '=');
    if (equals == (size_t)-1 || equals == 0)
        return false;
    const char *domain = domain_of(r, moon_span_sub(to, equals + 1, to.n));
    if (domain)
        r->out->destination = address_of(r, moon_span_sub(to, 0, equals), domain);
    return domain != NULL;
}

static bool is_plain_byte(char c)
{
    return c > ' ' && c <= '~' && c != '"' && c != '\\';
}

static bool is_plain(struct moon_span local)
{
    struct moon_buf buf = moon_buf_of(local);
    return moon_buf_while(&buf, is_plain_byte).n == local.n && local.n <= MOON_FORWARDED_LOCAL_MAX;
}

static const char *read_pattern(struct reader *r, struct moon_span local)
{
    struct moon_span head = moon_span_sub(local, 0, 4);
    struct moon_buf rest = moon_buf_of(moon_span_sub(local, 4, local.n));

    if (moon_span_is_nocase(head, "SRS0") || moon_span_is_nocase(head, "SRS1"))
        return read_srs(r, rest, head.p[3]) ? "srs" : NULL;
    size_t srs = find_word(local, "+SRS="), caf = find_word(local, "+caf_=");
    bool outlook = srs > caf;
    bool found = outlook ? read_outlook(r, local, srs) : caf && read_gmail(r, local, caf);
    if (!found)
        return NULL;
    if (!outlook || r->out->original) /* "bounces" is nobody's mailbox */
        r->out->mailbox =
            address_of(r, moon_span_sub(local, 0, outlook ? srs : caf), r->out->forwarder);
    return outlook ? "outlook" : "gmail";
}

enum moon_status moon_forwarding_parse(struct moon_arena *arena, const char *path,
                                       const char *domain, struct moon_forwarding *forwarding_r)
{
    struct moon_forwarding found = {NULL, NULL, NULL, NULL, NULL, NULL};
    struct reader r = {arena, &found, false};
    struct moon_span whole = moon_span_of(path);
    size_t at = moon_span_rfind(whole, '@');
    struct moon_span local = moon_span_sub(whole, 0, at);

    *forwarding_r = found;
    if (!domain || at == (size_t)-1 || !is_plain(local))
        return MOON_OK;
    found.forwarder = keep(&r, moon_span_of(domain));
    if (found.forwarder)
        found.pattern = read_pattern(&r, local);
    if (r.failed)
        return MOON_ENOMEM;
    if (found.pattern)
        *forwarding_r = found;
    return MOON_OK;
}
