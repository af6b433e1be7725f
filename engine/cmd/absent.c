/* SPDX-License-Identifier: MIT
 *
 * absent: what the libraries bring along and nothing here uses. Where their archives are linked
 * (`make STATIC=1`), the linker sends these calls here (Makefile: ABSENT), and what only they need
 * stays out of the program: Berkeley DB, and a quarter of the tables of pointers that each worker
 * would have to relocate when it starts. In the ordinary program only the last one counts.
 */
#include <errno.h>
#include <stdint.h>

/* libopendkim's cache of keys, in a file: DKIM_LIBFLAGS_CACHE is never set, and if it were, the
 * cache could not be made. */
int __wrap_db_create(void **db, void *environment, uint32_t flags)
{
    (void)db;
    (void)environment;
    (void)flags;
    return ENOSYS;
}

/* OpenSSL's ciphers and digests by name, and the texts of its errors: moon_hash_begin has switched
 * them off for the ordinary program, too. */
void __wrap_openssl_add_all_ciphers_int(void)
{
}

void __wrap_openssl_add_all_digests_int(void)
{
}

int __wrap_ossl_err_load_crypto_strings(void)
{
    return 1;
}

/* The groups of TLS, which only libssl asks for. 0: there are none. */
int __wrap_ossl_prov_get_capabilities(void *provider, const char *capability, int (*take)(void),
                                      void *context)
{
    (void)provider;
    (void)capability;
    (void)take;
    (void)context;
    return 0;
}

/* How many kinds of keys OpenSSL knows without its providers. Their names are noted beside those of
 * the providers when the first algorithm is asked for, and only there is this asked: what mail has
 * is among the providers' names. */
int __wrap_EVP_PKEY_asn1_get_count(void)
{
    return 0;
}

/* The C library's own resolver, which dkim_init() starts: it reads /etc/resolv.conf. libopendkim
 * has its keys from the message's cache instead (engine/auth/dkim_odk.c), and nothing else asks it.
 * In the ordinary program this definition comes before the C library's. */
int __wrap___res_init(void)
{
    return 0;
}

/* Weak: where the archives are linked, the C library's own is there too. */
int __res_init(void) __attribute__((weak, alias("__wrap___res_init")));
