/* SPDX-License-Identifier: MIT
 *
 * seal: RFC 8617 section 5.1 in the plainest form. A seal is a signature over all sets from the
 * bottom up, which is what naming the three fields again and again in h= gives; only that the names
 * are not written into the field.
 */
#include "engine/trial/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `field` above `message`; both freed. */
static char *on_top(char *field, char *message, size_t *size)
{
    size_t n = field ? strlen(field) : 0;
    char *out = field && message ? malloc(n + *size + 1) : NULL;

    if (out) {
        memcpy(out, field, n);
        memcpy(out + n, message, *size);
        *size += n;
        out[*size] = '\0';
    }
    free(field);
    free(message);
    return out;
}

static const char *algorithm_of(EVP_PKEY *key)
{
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? "rsa-sha256" : "ed25519-sha256";
}

static char *results_field(const struct moon_seal *seal)
{
    char *out = NULL;
    int n = seal->results ? asprintf(&out, "ARC-Authentication-Results: i=%u; %s\r\n",
                                     seal->instance, seal->results)
                          : asprintf(&out, "ARC-Authentication-Results: i=%u; mx.%s; none\r\n",
                                     seal->instance, seal->domain);
    return n < 0 ? NULL : out;
}

static char *signature_field(const struct moon_seal *seal, EVP_PKEY *key, const char *message,
                             size_t size)
{
    struct moon_sign sign = moon_sign_default(seal->domain, seal->selector);
    char *tags = NULL, length[40] = "";

    sign.field_name = "ARC-Message-Signature";
    sign.canon = seal->canon ? seal->canon : "relaxed/relaxed";
    sign.headers = seal->headers ? seal->headers : "from:to:subject";
    if (seal->length) {
        sign.length = seal->length - 1;
        (void)snprintf(length, sizeof length, "l=%lld; ", (long long)sign.length);
    }
    if (asprintf(&tags, "i=%u; a=%s; c=%s; d=%s; s=%s; h=%s;\r\n\t%s%sbh=@BH@;\r\n\tb=@B@",
                 seal->instance, algorithm_of(key), sign.canon, seal->domain, seal->selector,
                 sign.headers, length, seal->signature_extra ? seal->signature_extra : "") < 0)
        return NULL;
    sign.tags = tags;
    char *field = moon_sign_field(&sign, key, message, size);
    free(tags);
    return field;
}

static char *covered_names(unsigned sets)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    for (unsigned i = 1; i <= sets; i++)
        (void)fputs("arc-authentication-results:arc-message-signature:arc-seal:", out);
    return fclose(out) == 0 ? text : NULL;
}

static char *seal_field(const struct moon_seal *seal, EVP_PKEY *key, const char *message,
                        size_t size)
{
    struct moon_sign sign = moon_sign_default(seal->domain, seal->selector);
    char *names = seal->covered ? strdup(seal->covered) : covered_names(seal->instance);
    char *tags = NULL, *field = NULL;
    const char *cv = seal->cv ? seal->cv : seal->instance == 1 ? "none" : "pass";

    sign.field_name = "ARC-Seal";
    sign.canon = "relaxed/relaxed";
    sign.headers = names; /* the last arc-seal finds nothing: the field itself is not there yet */
    if (names && asprintf(&tags, "i=%u; a=%s; cv=%s; d=%s; s=%s; %s\r\n\tb=@B@", seal->instance,
                          algorithm_of(key), cv, seal->domain, seal->selector,
                          seal->seal_extra ? seal->seal_extra : "") >= 0) {
        sign.tags = tags;
        field = moon_sign_field(&sign, key, message, size);
    }
    free(tags);
    free(names);
    return field;
}

char *moon_seal_message(const struct moon_seal *seal, EVP_PKEY *key, const char *message,
                        size_t size, size_t *size_r)
{
    size_t n = 0;
    char *out = moon_sign_crlf(message, size, &n);
    char *signature = out ? signature_field(seal, key, out, n) : NULL;

    out = on_top(results_field(seal), out, &n);
    out = on_top(signature, out, &n);
    out = out ? on_top(seal_field(seal, key, out, n), out, &n) : NULL;
    *size_r = n;
    return out;
}
