/* SPDX-License-Identifier: MIT
 *
 * sig_digest: see the header. A failure of OpenSSL's is kept until the end asks for it.
 */
#include "engine/auth/sig_digest.h"

#include <string.h>

#include <openssl/evp.h>

/* Looked for once in a process: EVP_sha256() makes OpenSSL 3 look for its implementation each time.
 */
static const EVP_MD *sha256(void)
{
    static EVP_MD *fetched;

    if (!fetched)
        fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
    return fetched;
}

void moon_sig_digest_begin(struct moon_sig_digest *digest)
{
    const EVP_MD *md = sha256();

    digest->staged = 0;
    digest->context = EVP_MD_CTX_new();
    digest->failed = !md || !digest->context || EVP_DigestInit_ex(digest->context, md, NULL) != 1;
}

static void digest_flush(struct moon_sig_digest *digest)
{
    if (digest->staged && !digest->failed &&
        EVP_DigestUpdate(digest->context, digest->stage, digest->staged) != 1)
        digest->failed = true;
    digest->staged = 0;
}

void moon_sig_digest_add(void *context, const char *p, size_t n)
{
    struct moon_sig_digest *digest = context;

    if (n > sizeof digest->stage - digest->staged)
        digest_flush(digest);
    if (n >= sizeof digest->stage) {
        if (!digest->failed && EVP_DigestUpdate(digest->context, p, n) != 1)
            digest->failed = true;
    } else if (n) {
        memcpy(digest->stage + digest->staged, p, n);
        digest->staged += n;
    }
}

void moon_sig_digest_fork(struct moon_sig_digest *digest, struct moon_sig_digest *copy_r)
{
    digest_flush(digest);
    moon_sig_digest_begin(copy_r);
    if (digest->failed || copy_r->failed ||
        EVP_MD_CTX_copy_ex(copy_r->context, digest->context) != 1)
        copy_r->failed = true;
}

bool moon_sig_digest_end(struct moon_sig_digest *digest, unsigned char out[MOON_SIG_DIGEST_BYTES])
{
    digest_flush(digest);
    if (!digest->failed && EVP_DigestFinal_ex(digest->context, out, NULL) != 1)
        digest->failed = true;
    EVP_MD_CTX_free(digest->context);
    digest->context = NULL;
    return !digest->failed;
}
