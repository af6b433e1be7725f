/* SPDX-License-Identifier: MIT
 *
 * few: OpenSSL's default provider with the few algorithms that signatures of mail need. Only in the
 * program that is linked statically: the linker sends the provider's start here (Makefile: ABSENT).
 *
 * OpenSSL 3 makes an object of every algorithm of a kind, and notes all its names, when the first
 * of that kind is asked for: twenty digests for one SHA-256, which costs a fresh worker a seventh
 * of all that it does. So the provider is asked as always, and tells of fewer: what is not told of
 * cannot be had, as with a provider that was built without it. One that has other names for what
 * is to stay tells of all.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#define FEW_MAX      8  /* algorithms of one kind; more than any list below has */
#define DISPATCH_MAX 16 /* functions of a provider, of which OpenSSL knows a dozen */

/* Of each kind, the first name of what stays. Kinds that are not here stay whole; none of them is
 * asked for when a signature is verified. */
static struct few {
    int operation;
    const char *names[FEW_MAX + 1];
    OSSL_ALGORITHM algorithms[FEW_MAX + 1]; /* the end has no name */
} few[] = {
    {.operation = OSSL_OP_DIGEST, .names = {"SHA1", "SHA2-256", "SHA2-512"}},
    {.operation = OSSL_OP_KEYMGMT, .names = {"RSA", "ED25519"}},
    {.operation = OSSL_OP_SIGNATURE, .names = {"RSA", "ED25519"}},
};

static OSSL_FUNC_provider_query_operation_fn *query_all;

/* Is `name` the first of the names, which colons separate? */
static bool is_first(const char *names, const char *name)
{
    size_t n = strlen(name);
    return strncmp(names, name, n) == 0 && (names[n] == ':' || names[n] == '\0');
}

static bool stays(const struct few *kind, const OSSL_ALGORITHM *algorithm)
{
    for (size_t i = 0; kind->names[i]; i++)
        if (is_first(algorithm->algorithm_names, kind->names[i]))
            return true;
    return false;
}

static const OSSL_ALGORITHM *query_few(void *provider, int operation, int *no_cache)
{
    const OSSL_ALGORITHM *all = query_all(provider, operation, no_cache);

    for (size_t i = 0; all && i < sizeof few / sizeof *few; i++) {
        size_t count = 0, wanted = 0;
        if (few[i].operation != operation)
            continue;
        while (few[i].names[wanted])
            wanted++;
        for (const OSSL_ALGORITHM *at = all; at->algorithm_names && count < wanted; at++)
            if (stays(&few[i], at))
                few[i].algorithms[count++] = *at;
        return count == wanted ? few[i].algorithms : all;
    }
    return all;
}

int __real_ossl_default_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                                      const OSSL_DISPATCH **out, void **provider);
int __wrap_ossl_default_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                                      const OSSL_DISPATCH **out, void **provider);

int __wrap_ossl_default_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                                      const OSSL_DISPATCH **out, void **provider)
{
    static OSSL_DISPATCH functions[DISPATCH_MAX + 1]; /* the end is 0 */
    size_t n = 0;

    if (!__real_ossl_default_provider_init(handle, in, out, provider))
        return 0;
    while ((*out)[n].function_id != 0 && n < DISPATCH_MAX)
        n++;
    if ((*out)[n].function_id != 0)
        return 1; /* one that we do not know: it stays as it is */
    memcpy(functions, *out, n * sizeof *functions);
    for (size_t i = 0; i < n; i++) {
        if (functions[i].function_id != OSSL_FUNC_PROVIDER_QUERY_OPERATION)
            continue;
        query_all = OSSL_FUNC_provider_query_operation(&functions[i]);
        functions[i].function = (void (*)(void))query_few;
        *out = functions;
    }
    return 1;
}
