/* SPDX-License-Identifier: MIT
 *
 * sign: RFC 6376 section 3.7 in the plainest form, for tests.
 *
 * 1. canonical body, cut at l=, hashed: bh=
 * 2. the fields of h=, each name taking the lowest field not yet taken
 * 3. the field itself with an empty b=, without final CRLF
 * 4. signed; RFC 8463: Ed25519 signs the SHA-256 hash
 */
#include "engine/trial/sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

struct moon_sign moon_sign_default(const char *domain, const char *selector)
{
    struct moon_sign sign = {.domain = domain, .selector = selector};
    sign.length = sign.signed_at_s = sign.expires_s = -1;
    return sign;
}

EVP_PKEY *moon_sign_key_load(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    (void)fclose(file); /* was only read */
    return key;
}

EVP_PKEY *moon_sign_key_rsa(unsigned bits)
{
    return EVP_RSA_gen(bits);
}

static int is_wsp(char c)
{
    return c == ' ' || c == '\t';
}

char *moon_sign_crlf(const char *text, size_t size, size_t *size_r)
{
    char *out = malloc(2 * size + 1);
    size_t n = 0;

    for (size_t i = 0; out && i < size; i++) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            out[n++] = '\r';
        out[n++] = text[i];
    }
    if (out)
        out[n] = '\0';
    *size_r = n;
    return out;
}

/* One field without its last CRLF. */
static void put_field(FILE *out, const char *p, size_t n, int relaxed)
{
    size_t i = 0;
    int any = 0, space = 0;

    if (!relaxed) {
        (void)fwrite(p, 1, n, out); /* a failure shows at fclose */
        return;
    }
    for (; i < n && p[i] != ':'; i++)
        if (!is_wsp(p[i]))
            (void)fputc(p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i], out);
    (void)fputc(':', out);
    for (i++; i < n; i++) {
        if (is_wsp(p[i]) || p[i] == '\r' || p[i] == '\n') {
            space = any;
            continue;
        }
        if (space)
            (void)fputc(' ', out);
        (void)fputc(p[i], out);
        any = 1;
        space = 0;
    }
}

/* Canonical body, on the heap. */
static char *canonical_body(const char *p, size_t n, int relaxed, size_t *size_r)
{
    char *out = malloc(n + 3);
    size_t used = 0;

    for (size_t i = 0; out && i < n; i++) {
        int space = 0;
        while (relaxed && i < n && is_wsp(p[i])) {
            space = 1;
            i++;
        }
        if (space && i < n && p[i] != '\r')
            out[used++] = ' ';
        if (i < n)
            out[used++] = p[i];
    }
    while (out && used >= 2 && memcmp(out + used - 2, "\r\n", 2) == 0)
        used -= 2;
    if (out && (used || !relaxed)) {
        memcpy(out + used, "\r\n", 2);
        used += 2;
    }
    *size_r = used;
    return out;
}

static char *base64_of(const unsigned char *bytes, size_t n)
{
    char *out = malloc(4 * (n / 3) + 8);
    if (out)
        (void)EVP_EncodeBlock((unsigned char *)out, bytes, (int)n); /* only gives the length */
    return out;
}

struct field {
    const char *p;
    size_t n; /* without CRLF */
    int taken;
};

static size_t split(const char *message, size_t size, struct field *fields, size_t max,
                    size_t *body_r)
{
    size_t at = 0, count = 0;

    while (at < size && memcmp(message + at, "\r\n", size - at < 2 ? size - at : 2) != 0) {
        size_t end = at;
        while (end < size) {
            const char *lf = memchr(message + end, '\n', size - end);
            end = lf ? (size_t)(lf - message) + 1 : size;
            if (end >= size || !is_wsp(message[end]))
                break;
        }
        size_t n = end - at;
        while (n && (message[at + n - 1] == '\n' || message[at + n - 1] == '\r'))
            n--;
        if (count < max)
            fields[count++] = (struct field){message + at, n, 0};
        at = end;
    }
    *body_r = at + 2 <= size ? at + 2 : size;
    return count;
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static int same_name(const char *a, const char *b, size_t n)
{
    size_t i = 0;
    while (i < n && lower(a[i]) == lower(b[i]))
        i++;
    return i == n;
}

static void put_named(FILE *out, struct field *fields, size_t count, const char *name, size_t n,
                      int relaxed)
{
    for (size_t i = count; i > 0 && n; i--) {
        struct field *f = &fields[i - 1];
        size_t k = n;
        if (f->taken || f->n <= n || !same_name(f->p, name, n))
            continue;
        while (k < f->n && is_wsp(f->p[k]))
            k++;
        if (k >= f->n || f->p[k] != ':')
            continue;
        f->taken = 1;
        put_field(out, f->p, f->n, relaxed);
        (void)fputs("\r\n", out);
        return;
    }
}

static void put_headers(FILE *out, struct field *fields, size_t count, const char *names,
                        int relaxed)
{
    const char *p = names;

    for (;;) {
        size_t n = strcspn(p, ":");
        size_t from = strspn(p, " \t\r\n"), to = n;
        while (to > from && strchr(" \t\r\n", p[to - 1]))
            to--;
        if (to > from)
            put_named(out, fields, count, p + from, to - from, relaxed);
        if (!p[n])
            return;
        p += n + 1;
    }
}

static char *default_tags(const struct moon_sign *sign, const char *algorithm, const char *headers)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    (void)fprintf(out, "v=1; a=%s; d=%s; s=%s;", algorithm, sign->domain, sign->selector);
    if (sign->canon)
        (void)fprintf(out, " c=%s;", sign->canon);
    if (sign->identity)
        (void)fprintf(out, " i=%s;", sign->identity);
    if (sign->length >= 0)
        (void)fprintf(out, " l=%lld;", (long long)sign->length);
    if (sign->signed_at_s >= 0)
        (void)fprintf(out, " t=%lld;", (long long)sign->signed_at_s);
    if (sign->expires_s >= 0)
        (void)fprintf(out, " x=%lld;", (long long)sign->expires_s);
    (void)fprintf(out, "\r\n\th=%s;%s%s\r\n\tbh=@BH@;\r\n\tb=@B@", headers, sign->extra ? " " : "",
                  sign->extra ? sign->extra : "");
    return fclose(out) == 0 ? text : NULL;
}

/* `template` with the two marks replaced. */
static char *filled(const char *field_name, const char *template, const char *bh, const char *b)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    (void)fprintf(out, "%s: ", field_name);
    for (const char *p = template; *p;) {
        if (strncmp(p, "@BH@", 4) == 0) {
            (void)fputs(bh, out);
            p += 4;
        } else if (strncmp(p, "@B@", 3) == 0) {
            for (size_t i = 0; b[i]; i++)
                (void)fprintf(out, "%s%c", i && i % 72 == 0 ? "\r\n\t " : "", b[i]);
            p += 3;
        } else {
            (void)fputc(*p++, out);
        }
    }
    return fclose(out) == 0 ? text : NULL;
}

static char *signature_of(EVP_PKEY *key, const EVP_MD *md, const char *data, size_t n)
{
    unsigned char out[1024], digest[EVP_MAX_MD_SIZE];
    size_t size = sizeof out;
    unsigned digest_size = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = ctx != NULL;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
        ok = ok && EVP_Digest(data, n, digest, &digest_size, md, NULL) &&
             EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) &&
             EVP_DigestSign(ctx, out, &size, digest, digest_size);
    } else {
        ok = ok && EVP_DigestSignInit(ctx, NULL, md, NULL, key) &&
             EVP_DigestSign(ctx, out, &size, (const unsigned char *)data, n);
    }
    EVP_MD_CTX_free(ctx);
    return ok ? base64_of(out, size) : NULL;
}

static char *body_hash(const struct moon_sign *sign, const EVP_MD *md, const char *body, size_t n)
{
    const char *slash = sign->canon ? strchr(sign->canon, '/') : NULL;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    size_t size = 0;
    char *canonical = canonical_body(body, n, slash && strcmp(slash, "/relaxed") == 0, &size);

    if (canonical && sign->length >= 0 && (size_t)sign->length < size)
        size = (size_t)sign->length;
    int ok = canonical && EVP_Digest(canonical, size, digest, &digest_size, md, NULL);
    free(canonical);
    return ok ? base64_of(digest, digest_size) : NULL;
}

char *moon_sign_field(const struct moon_sign *sign, EVP_PKEY *key, const char *message, size_t size)
{
    enum { FIELDS = 2000 };
    int rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    const char *algorithm = sign->algorithm ? sign->algorithm
                            : rsa           ? "rsa-sha256"
                                            : "ed25519-sha256";
    const EVP_MD *md = strcmp(algorithm, "rsa-sha1") == 0 ? EVP_sha1() : EVP_sha256();
    const char *headers = sign->headers ? sign->headers : "from:to:subject:date:message-id";
    const char *name = sign->field_name ? sign->field_name : "DKIM-Signature";
    int relaxed = sign->canon && strncmp(sign->canon, "relaxed", 7) == 0;
    struct field *fields = calloc(FIELDS, sizeof *fields);
    size_t body = 0;
    size_t count = fields ? split(message, size, fields, FIELDS, &body) : 0;

    char *bh = body_hash(sign, md, message + body, size - body);
    char *tags = sign->tags ? strdup(sign->tags) : default_tags(sign, algorithm, headers);
    char *unsigned_field = bh && tags ? filled(name, tags, bh, "") : NULL;
    char *data = NULL, *b = NULL, *field = NULL, *with_end = NULL;
    size_t data_size = 0;
    FILE *out = open_memstream(&data, &data_size);
    if (out && unsigned_field) {
        put_headers(out, fields, count, headers, relaxed);
        put_field(out, unsigned_field, strlen(unsigned_field), relaxed);
    }
    if (out && fclose(out) == 0 && unsigned_field)
        b = signature_of(key, md, data, data_size);
    if (b)
        field = filled(name, tags, bh, b);
    if (field && asprintf(&with_end, "%s\r\n", field) < 0)
        with_end = NULL;
    free(field);
    free(b);
    free(data);
    free(unsigned_field);
    free(tags);
    free(bh);
    free(fields);
    return with_end;
}

char *moon_sign_message(const struct moon_sign *sign, EVP_PKEY *key, const char *text, size_t size,
                        size_t *size_r)
{
    size_t n = 0;
    char *message = moon_sign_crlf(text, size, &n);
    char *field = message ? moon_sign_field(sign, key, message, n) : NULL;
    size_t field_size = field ? strlen(field) : 0;
    char *out = field ? malloc(field_size + n + 1) : NULL;

    if (out) {
        memcpy(out, field, field_size);
        memcpy(out + field_size, message, n);
        out[field_size + n] = '\0';
        *size_r = field_size + n;
    }
    free(field);
    free(message);
    return out;
}

char *moon_sign_public(EVP_PKEY *key, int pkcs1)
{
    unsigned char raw[32], *der = NULL;
    size_t raw_size = sizeof raw;
    char *out = NULL;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
        return EVP_PKEY_get_raw_public_key(key, raw, &raw_size) ? base64_of(raw, raw_size) : NULL;
    int n = pkcs1 ? i2d_PublicKey(key, &der) : i2d_PUBKEY(key, &der);
    if (n > 0)
        out = base64_of(der, (size_t)n);
    OPENSSL_free(der);
    return out;
}

char *moon_sign_record(EVP_PKEY *key, int pkcs1)
{
    int rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    char *p = moon_sign_public(key, pkcs1), *out = NULL;

    if (p && asprintf(&out, "v=DKIM1; k=%s; p=%s", rsa ? "rsa" : "ed25519", p) < 0)
        out = NULL;
    free(p);
    return out;
}
