/* SPDX-License-Identifier: MIT
 *
 * sign: signs a message on standard input, or prints a key's record. For tests and the demo.
 *
 *   sign --domain d --selector s --key FILE.pem [--canon relaxed/simple] [--headers from:to]
 *        [--tag x_a=1]... [--length n] [--identity i] [--algorithm a] [--time t] [--expires x]
 *        [--tags "v=1; ...; bh=@BH@; b=@B@": the whole list, the rest says how to hash]
 *        < in.eml > out.eml
 *   sign --key FILE.pem --record [--pkcs1]
 */
#include "engine/trial/sign.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(FILE *in, size_t *size_r)
{
    char *text = NULL, part[4096];
    size_t n;
    FILE *out = open_memstream(&text, size_r);

    if (!out)
        return NULL;
    while ((n = fread(part, 1, sizeof part, in)) > 0)
        (void)fwrite(part, 1, n, out); /* a failure shows at fclose */
    return fclose(out) == 0 && !ferror(in) ? text : NULL;
}

static int usage(void)
{
    (void)fputs("usage: sign --domain d --selector s --key FILE.pem [--canon relaxed/simple]\n"
                "            [--headers from:to] [--tag x=...] [--length n] [--identity i]\n"
                "            [--algorithm a] [--time t] [--expires x] [--tags list]\n"
                "            < in.eml > out.eml\n"
                "       sign --key FILE.pem --record [--pkcs1]\n",
                stderr);
    return 2;
}

static int sign_input(const struct moon_sign *sign, EVP_PKEY *key)
{
    size_t size = 0, signed_size = 0;
    char *text = read_all(stdin, &size);
    char *out = text ? moon_sign_message(sign, key, text, size, &signed_size) : NULL;
    int ok = out && fwrite(out, 1, signed_size, stdout) == signed_size && fflush(stdout) == 0;

    if (!ok)
        (void)fputs("sign: could not sign\n", stderr);
    free(out);
    free(text);
    return ok ? 0 : 1;
}

static int print_record(EVP_PKEY *key, int pkcs1)
{
    char *text = moon_sign_record(key, pkcs1);
    int rc = text && puts(text) >= 0 ? 0 : 1;
    free(text);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"domain", 1, NULL, 'd'}, {"selector", 1, NULL, 's'}, {"key", 1, NULL, 'k'},
        {"canon", 1, NULL, 'c'},  {"headers", 1, NULL, 'h'},  {"tag", 1, NULL, 'T'},
        {"length", 1, NULL, 'l'}, {"identity", 1, NULL, 'i'}, {"algorithm", 1, NULL, 'a'},
        {"time", 1, NULL, 't'},   {"expires", 1, NULL, 'x'},  {"record", 0, NULL, 'r'},
        {"pkcs1", 0, NULL, 'p'},  {"tags", 1, NULL, 'L'},     {NULL, 0, NULL, 0},
    };
    struct moon_sign sign = moon_sign_default(NULL, NULL);
    const char *key_path = NULL;
    char extra[4096] = "";
    int record = 0, pkcs1 = 0, c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        size_t used = strlen(extra);
        switch (c) {
        case 'd':
            sign.domain = optarg;
            break;
        case 's':
            sign.selector = optarg;
            break;
        case 'k':
            key_path = optarg;
            break;
        case 'c':
            sign.canon = optarg;
            break;
        case 'h':
            sign.headers = optarg;
            break;
        case 'T':
            (void)snprintf(extra + used, sizeof extra - used, "%s; ", optarg);
            break;
        case 'L':
            sign.tags = optarg;
            break;
        case 'l':
            sign.length = atoll(optarg);
            break;
        case 'i':
            sign.identity = optarg;
            break;
        case 'a':
            sign.algorithm = optarg;
            break;
        case 't':
            sign.signed_at_s = atoll(optarg);
            break;
        case 'x':
            sign.expires_s = atoll(optarg);
            break;
        case 'r':
            record = 1;
            break;
        case 'p':
            pkcs1 = 1;
            break;
        default:
            return usage();
        }
    }
    if (!key_path || (!record && (!sign.domain || !sign.selector)))
        return usage();
    if (*extra)
        sign.extra = extra;
    EVP_PKEY *key = moon_sign_key_load(key_path);
    if (!key) {
        (void)fprintf(stderr, "sign: no private key in %s\n", key_path);
        return 1;
    }
    int rc = record ? print_record(key, pkcs1) : sign_input(&sign, key);
    EVP_PKEY_free(key);
    return rc;
}
