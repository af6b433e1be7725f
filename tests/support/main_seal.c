/* SPDX-License-Identifier: MIT
 *
 * seal: adds an ARC set to a message on standard input. For tests.
 *
 *   seal --instance 1 --domain d --selector s --key FILE.pem [--cv none] [--results "mx.d; none"]
 *        [--canon relaxed/relaxed] [--headers from:to] [--tag x=1]... [--seal-tag t=1]...
 *        [--length n] [--covered names] < in.eml > out.eml
 */
#include "engine/trial/seal.h"

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

static int seal_input(const struct moon_seal *seal, EVP_PKEY *key)
{
    size_t size = 0, sealed_size = 0;
    char *text = read_all(stdin, &size);
    char *out = text ? moon_seal_message(seal, key, text, size, &sealed_size) : NULL;
    int ok = out && fwrite(out, 1, sealed_size, stdout) == sealed_size && fflush(stdout) == 0;

    if (!ok)
        (void)fputs("seal: could not seal\n", stderr);
    free(out);
    free(text);
    return ok ? 0 : 1;
}

static void add_tag(char *tags, size_t size, const char *tag)
{
    size_t used = strlen(tags);
    (void)snprintf(tags + used, size - used, "%s; ", tag);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"instance", 1, NULL, 'n'}, {"domain", 1, NULL, 'd'},  {"selector", 1, NULL, 's'},
        {"key", 1, NULL, 'k'},      {"cv", 1, NULL, 'v'},      {"results", 1, NULL, 'r'},
        {"canon", 1, NULL, 'c'},    {"headers", 1, NULL, 'h'}, {"tag", 1, NULL, 'T'},
        {"seal-tag", 1, NULL, 'S'}, {"length", 1, NULL, 'l'},  {"covered", 1, NULL, 'C'},
        {NULL, 0, NULL, 0},
    };
    struct moon_seal seal = {0};
    const char *key_path = NULL;
    char tags[4096] = "", seal_tags[4096] = "";
    const char **place[] = {&seal.domain,  &seal.selector, &key_path,     &seal.cv,
                            &seal.results, &seal.canon,    &seal.headers, &seal.covered};
    static const char letters[] = "dskvrchC";
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        const char *at = strchr(letters, c);
        if (c == 'n')
            seal.instance = (unsigned)atoi(optarg);
        else if (c == 'l')
            seal.length = atoll(optarg) + 1;
        else if (c == 'T')
            add_tag(tags, sizeof tags, optarg);
        else if (c == 'S')
            add_tag(seal_tags, sizeof seal_tags, optarg);
        else if (at)
            *place[at - letters] = optarg;
        else
            return 2; /* getopt has said why */
    }
    if (!key_path || !seal.domain || !seal.selector || !seal.instance) {
        (void)fputs("usage: seal --instance N --domain d --selector s --key FILE.pem\n", stderr);
        return 2;
    }
    seal.signature_extra = tags;
    seal.seal_extra = seal_tags;
    EVP_PKEY *key = moon_sign_key_load(key_path);
    if (!key) {
        (void)fprintf(stderr, "seal: no private key in %s\n", key_path);
        return 1;
    }
    int rc = seal_input(&seal, key);
    EVP_PKEY_free(key);
    return rc;
}
