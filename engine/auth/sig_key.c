/* SPDX-License-Identifier: MIT
 *
 * sig_key: from a TXT record to a public key that may be used.
 *
 * 1. Tag list; v= first if there; p= must be there, empty is revoked (RFC 6376 section 3.6.1).
 * 2. k=, h=, s= must allow mail signatures with SHA-256; t= gives flags.
 * 3. p= is decoded: RSA as SPKI or bare (RFC 6376 appendix A.2 has the latter form), Ed25519 as 32
 *    bytes (RFC 8463 section 4.2). DER is read here, strictly: the decoders of OpenSSL 3 cost ten
 *    times a verification.
 * 4. Size: RFC 8301 section 3.2, and an upper bound, because a stranger chooses the cost of a
 *    verification by modulus and exponent.
 */
#include "engine/auth/sig_key.h"

#include <string.h>

#include "engine/auth/sig_base64.h"
#include "engine/base/limits.h"

#define DER_INTEGER    0x02
#define DER_BIT_STRING 0x03
#define DER_SEQUENCE   0x30

/* AlgorithmIdentifier of rsaEncryption, parameters NULL (RFC 8017 appendix A.1). */
static const char rsa_identifier[] = "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

static void refuse(struct moon_sig_key *key, enum moon_result result, const char *reason)
{
    if (key->result == MOON_RESULT_NONE) {
        key->result = result;
        key->reason = reason;
    }
}

/* The content of the next element when it has this tag, a length in its shortest form, and some
 * content. */
static bool der_take(struct moon_buf *buf, uint8_t tag, struct moon_span *content_r)
{
    if (moon_buf_byte(buf) != tag)
        return false;
    size_t n = moon_buf_u8(buf);
    if (n == 0x81) {
        n = moon_buf_u8(buf);
        if (n < 0x80)
            return false;
    } else if (n == 0x82) {
        n = moon_buf_u16(buf);
        if (n < 0x100)
            return false;
    } else if (n >= 0x80) {
        return false;
    }
    *content_r = moon_buf_take(buf, n);
    return content_r->n > 0; /* nothing either when the bytes end before */
}

/* A positive INTEGER in its shortest form, without the zero byte in front. */
static bool der_take_number(struct moon_buf *buf, struct moon_span *number_r)
{
    if (!der_take(buf, DER_INTEGER, number_r))
        return false;
    struct moon_buf number = moon_buf_of(*number_r);
    if (!moon_buf_skip(&number, '\0'))
        return moon_buf_peek(&number) < 0x80;
    *number_r = (struct moon_span){number.p, number.left};
    return moon_buf_peek(&number) >= 0x80;
}

/* RSAPublicKey inside SubjectPublicKeyInfo; what is none stays as it is: bare, or no key at all. */
static struct moon_span unwrap_spki(struct moon_span der)
{
    struct moon_buf outer = moon_buf_of(der);
    struct moon_span content, bits;

    if (!der_take(&outer, DER_SEQUENCE, &content))
        return der;
    struct moon_buf inner = moon_buf_of(content);
    struct moon_span identifier = moon_buf_take(&inner, sizeof rsa_identifier - 1);
    if (!moon_span_eq(identifier, MOON_SPAN(rsa_identifier)) ||
        !der_take(&inner, DER_BIT_STRING, &bits) || bits.p[0] != 0 || /* number of unused bits */
        !moon_buf_at_end(&inner) || !moon_buf_at_end(&outer))
        return der;
    return moon_span_sub(bits, 1, bits.n);
}

static unsigned bit_count(struct moon_span number)
{
    unsigned char first = (unsigned char)number.p[0];
    unsigned bits = (unsigned)(number.n - 1) * 8;
    for (; first; first >>= 1)
        bits++;
    return bits;
}

/* RSAPublicKey, and nothing behind it; the modulus is odd. */
static bool take_numbers(struct moon_span der, struct moon_span *modulus_r,
                         struct moon_span *exponent_r)
{
    struct moon_buf outer = moon_buf_of(der);
    struct moon_span sequence;

    if (!der_take(&outer, DER_SEQUENCE, &sequence) || !moon_buf_at_end(&outer))
        return false;
    struct moon_buf inner = moon_buf_of(sequence);
    return der_take_number(&inner, modulus_r) && der_take_number(&inner, exponent_r) &&
           moon_buf_at_end(&inner) && (modulus_r->p[modulus_r->n - 1] & 1) != 0;
}

static void read_rsa(struct moon_span der, struct moon_sig_key *key)
{
    struct moon_span modulus, exponent;

    key->for_only = MOON_SIG_ALGORITHM_RSA_SHA256;
    key->public_key = unwrap_spki(der);
    if (!take_numbers(key->public_key, &modulus, &exponent)) {
        refuse(key, MOON_RESULT_PERMERROR, "p= of the key is no RSA key");
        return;
    }
    key->bits = bit_count(modulus);
    if (key->bits < MOON_RSA_BITS_MIN)
        refuse(key, MOON_RESULT_POLICY, "the key has less than 1024 bits (RFC 8301)");
    if (key->bits > MOON_RSA_BITS_MAX)
        refuse(key, MOON_RESULT_POLICY, "the key has more than 4096 bits");
    /* 3 up to 2^32 - 1, odd: e=1 is no signature at all, a huge e costs a hundred times more */
    if (exponent.n > 4 || (exponent.n == 1 && exponent.p[0] == 1) ||
        (exponent.p[exponent.n - 1] & 1) == 0)
        refuse(key, MOON_RESULT_POLICY, "the exponent of the key is out of range");
}

bool moon_sig_key_of_spki(struct moon_span der, struct moon_sig_key *key_r)
{
    *key_r = (struct moon_sig_key){.reason = ""};
    read_rsa(der, key_r);
    return key_r->result == MOON_RESULT_NONE && key_r->public_key.n < der.n; /* not a bare one */
}

static void read_ed25519(struct moon_span bytes, struct moon_sig_key *key)
{
    key->for_only = MOON_SIG_ALGORITHM_ED25519_SHA256;
    key->public_key = bytes;
    key->bits = 256;
    if (bytes.n != 32)
        refuse(key, MOON_RESULT_PERMERROR, "p= of the key is no Ed25519 key");
}

/* Is `word` or `other` an element of the colon-separated list? */
static bool list_has(struct moon_span list, const char *word, const char *other)
{
    struct moon_buf buf = moon_buf_of(list);
    do {
        struct moon_span item = moon_span_trim(moon_buf_until(&buf, ':'));
        if (moon_span_is(item, word) || (other && moon_span_is(item, other)))
            return true;
    } while (moon_buf_skip(&buf, ':'));
    return false;
}

static void read_flags(const struct moon_tags *tags, struct moon_sig_key *key)
{
    const struct moon_tag *v = moon_tags_find(tags, "v"), *h = moon_tags_find(tags, "h");
    const struct moon_tag *s = moon_tags_find(tags, "s"), *t = moon_tags_find(tags, "t");

    if (v && (v != &tags->items[0] || !moon_span_is(v->value, "DKIM1")))
        refuse(key, MOON_RESULT_PERMERROR, "the key record is of another version");
    if (h && !list_has(h->value, "sha256", NULL))
        refuse(key, MOON_RESULT_PERMERROR, "h= of the key does not allow sha256");
    if (s && !list_has(s->value, "email", "*"))
        refuse(key, MOON_RESULT_PERMERROR, "s= of the key does not allow mail");
    if (t) {
        key->testing = list_has(t->value, "y", NULL);
        key->same_domain = list_has(t->value, "s", NULL);
    }
}

enum moon_status moon_sig_key_parse(struct moon_arena *arena, struct moon_span record,
                                    struct moon_sig_key *key_r)
{
    struct moon_tags tags;
    struct moon_span bytes;
    const char *reason;
    bool valid;

    *key_r = (struct moon_sig_key){.reason = ""};
    if (record.n > MOON_KEY_BYTES_MAX) {
        refuse(key_r, MOON_RESULT_POLICY, "the key record is longer than 4096 bytes");
        return MOON_OK;
    }
    if (moon_tags_parse(arena, record, &tags, &reason) != MOON_OK)
        return MOON_ENOMEM;
    if (reason)
        refuse(key_r, MOON_RESULT_PERMERROR, "the key record is no valid tag list");
    read_flags(&tags, key_r);
    const struct moon_tag *k = moon_tags_find(&tags, "k"), *p = moon_tags_find(&tags, "p");
    if (!p)
        refuse(key_r, MOON_RESULT_PERMERROR, "the key record has no p=");
    else if (p->value.n == 0)
        refuse(key_r, MOON_RESULT_PERMERROR, "the key is revoked");
    if (k && !moon_span_is(k->value, "rsa") && !moon_span_is(k->value, "ed25519"))
        refuse(key_r, MOON_RESULT_PERMERROR, "k= of the key is unknown");
    if (key_r->result != MOON_RESULT_NONE)
        return MOON_OK;
    if (moon_sig_base64_decode(arena, p->value, &bytes, &valid) != MOON_OK)
        return MOON_ENOMEM;
    if (!valid)
        refuse(key_r, MOON_RESULT_PERMERROR, "p= of the key is no base64");
    else if (k && moon_span_is(k->value, "ed25519"))
        read_ed25519(bytes, key_r);
    else
        read_rsa(bytes, key_r);
    return MOON_OK;
}

static enum moon_status key_of_records(struct moon_arena *arena,
                                       const struct moon_dns_answer *answer,
                                       struct moon_sig_key *key_r)
{
    size_t usable = 0;

    for (size_t i = 0; i < answer->count; i++) { /* at most MOON_DNS_RECORDS_MAX */
        struct moon_sig_key key;
        enum moon_status status = moon_sig_key_parse(arena, answer->records[i].text, &key);
        if (status != MOON_OK)
            return status;
        if (key.result == MOON_RESULT_NONE)
            usable++;
        if (answer->count == 1 || key.result == MOON_RESULT_NONE)
            *key_r = key;
    }
    if (answer->more || (answer->count != 1 && usable != 1)) {
        *key_r = (struct moon_sig_key){.reason = ""};
        refuse(key_r, MOON_RESULT_PERMERROR,
               usable ? "several keys at the selector" : "several records, none a usable key");
    }
    return MOON_OK;
}

enum moon_status moon_sig_key_of_answer(struct moon_arena *arena,
                                        const struct moon_dns_answer *answer,
                                        struct moon_sig_key *key_r)
{
    *key_r = (struct moon_sig_key){.reason = ""};
    switch (answer->state) {
    case MOON_DNS_STATE_FOUND:
        return key_of_records(arena, answer, key_r);
    case MOON_DNS_STATE_NODATA:
    case MOON_DNS_STATE_NXDOMAIN:
        refuse(key_r, MOON_RESULT_PERMERROR, "no key at the selector");
        return MOON_OK;
    case MOON_DNS_STATE_PENDING:
    case MOON_DNS_STATE_TROUBLE:
        break;
    }
    if (answer->refused) {
        refuse(key_r, MOON_RESULT_POLICY, "the message asks for more DNS than it may");
        return MOON_OK;
    }
    key_r->reason = moon_arena_printf(arena, "the key cannot be read now%s%s",
                                      answer->reason[0] ? ": " : "", answer->reason);
    key_r->result = MOON_RESULT_TEMPERROR;
    return key_r->reason ? MOON_OK : MOON_ENOMEM;
}

void moon_sig_key_check(const struct moon_sig_key *key, struct moon_sig *sig)
{
    if (key->result != MOON_RESULT_NONE) {
        moon_sig_refuse(sig, key->result, key->reason);
        return;
    }
    if (key->for_only != sig->algorithm) /* RFC 8463 section 3 */
        moon_sig_refuse(sig, MOON_RESULT_PERMERROR, "k= of the key does not fit a=");
    if (key->same_domain && sig->domain && sig->identity_domain &&
        strcmp(sig->domain, sig->identity_domain) != 0)
        moon_sig_refuse(sig, MOON_RESULT_PERMERROR, "the key (t=s) forbids i= of a subdomain");
}

/* Tag and length in front of `content` bytes. */
static void der_put(struct moon_str *str, char tag, size_t content)
{
    moon_str_add_char(str, tag);
    if (content >= 0x100) {
        moon_str_add_char(str, (char)0x82);
        moon_str_add_char(str, (char)(content >> 8));
    } else if (content >= 0x80) {
        moon_str_add_char(str, (char)0x81);
    }
    moon_str_add_char(str, (char)content);
}

static size_t der_size(size_t content)
{
    return 1 + (content >= 0x100 ? 3u : content >= 0x80 ? 2u : 1u) + content;
}

char *moon_sig_key_record(struct moon_arena *arena, const struct moon_sig_key *key)
{
    bool rsa = key->for_only == MOON_SIG_ALGORITHM_RSA_SHA256;
    struct moon_span bytes = key->public_key;

    if (rsa) {
        struct moon_str der;
        size_t identifier = sizeof rsa_identifier - 1;
        moon_str_begin(&der, arena);
        der_put(&der, DER_SEQUENCE, identifier + der_size(bytes.n + 1));
        moon_str_add_span(&der, MOON_SPAN(rsa_identifier));
        der_put(&der, DER_BIT_STRING, bytes.n + 1);
        moon_str_add_char(&der, 0);
        moon_str_add_span(&der, bytes);
        bytes.n = der.length;
        bytes.p = moon_str_end(&der);
        if (!bytes.p)
            return NULL;
    }
    struct moon_str str;
    char *p = moon_sig_base64_encode(arena, bytes);
    if (!p)
        return NULL;
    moon_str_begin(&str, arena);
    moon_str_add(&str, rsa ? "v=DKIM1; k=rsa; p=" : "v=DKIM1; k=ed25519; p=");
    moon_str_add(&str, p);
    return moon_str_end(&str);
}
