/* SPDX-License-Identifier: MIT
 *
 * few: OpenSSL's default provider with the few algorithms that signatures of mail need. Only in the
 * program that is linked statically: the linker sends the provider's start here (Makefile: ABSENT).
 *
 * OpenSSL 3 makes an object of every algorithm of a kind, and notes all its names, when the first
 * of that kind is asked for: twenty digests for one SHA-256, which costs a fresh worker a seventh
 * of all that it does. And each worker relocates the tables of all of them. So the linker puts an
 * empty table in the place of most (few.sh says what stays), and the provider, which is asked as
 * always, does not tell of those. What is not told of cannot be had, as with a provider that was
 * built without it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#define FEW_MAX      4  /* algorithms of one kind that stay; more than few.sh lets stay */
#define KINDS_MAX    32 /* kinds have numbers, below 23 in OpenSSL 3 */
#define DISPATCH_MAX 16 /* functions of a provider, of which OpenSSL knows a dozen */

/* Where the linker has left something out. */
extern const OSSL_DISPATCH moon_few_none[];
const OSSL_DISPATCH moon_few_none[] = {{0, NULL}};

static OSSL_FUNC_provider_query_operation_fn *query_all;

static const OSSL_ALGORITHM *query_few(void *provider, int kind, int *no_cache)
{
    static OSSL_ALGORITHM told[KINDS_MAX][FEW_MAX + 1]; /* the end has no names */
    const OSSL_ALGORITHM *all = query_all(provider, kind, no_cache);
    size_t count = 0;
    bool whole = true;

    if (!all || kind < 0 || kind >= KINDS_MAX)
        return all;
    for (const OSSL_ALGORITHM *at = all; at->algorithm_names; at++) {
        if (at->implementation == moon_few_none)
            whole = false;
        else if (++count <= FEW_MAX)
            told[kind][count - 1] = *at;
    }
    return whole || count > FEW_MAX ? all : told[kind];
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
