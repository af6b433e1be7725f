/* SPDX-License-Identifier: MIT
 *
 * arc_chain: see the header.
 */
#include "tests/support/arc_chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/arc_case.h"
#include "tests/support/dkim_case.h"

struct moon_arena *moon_chain_arena;
EVP_PKEY *moon_chain_rsa, *moon_chain_ed25519;
static char *text, *zone;

int moon_chain_keys(void **state)
{
    (void)state; /* all is in statics */
    moon_chain_rsa = moon_sign_key_rsa(1024);
    moon_chain_ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return moon_chain_rsa && moon_chain_ed25519 ? 0 : -1;
}

int moon_chain_keys_end(void **state)
{
    (void)state;
    EVP_PKEY_free(moon_chain_rsa);
    EVP_PKEY_free(moon_chain_ed25519);
    return 0;
}

static void keep(char **place, char *made)
{
    assert_non_null(made);
    *place = made;
}

int moon_chain_begin(void **state)
{
    (void)state;
    moon_chain_arena = moon_arena_create(256u << 20);
    if (!moon_chain_arena)
        return -1;
    keep(&text, moon_arena_cstr(moon_chain_arena, "From: Ann <ann@author.example>\r\n"
                                                  "To: bob@receiver.example\r\n"
                                                  "Subject: hello\r\n"
                                                  "\r\n"
                                                  "Hello Bob.\r\n"));
    keep(&zone, moon_arena_cstr(moon_chain_arena, ""));
    return 0;
}

int moon_chain_end(void **state)
{
    (void)state;
    moon_arena_destroy(&moon_chain_arena);
    return 0;
}

struct moon_seal moon_chain_seal(unsigned instance, const char *domain)
{
    struct moon_seal seal = {.instance = instance, .domain = domain, .selector = "k"};
    return seal;
}

void moon_chain_zone(const char *line)
{
    keep(&zone, moon_arena_printf(moon_chain_arena, "%s%s\n", zone, line));
}

void moon_chain_add_with(struct moon_seal seal, EVP_PKEY *key)
{
    size_t size = 0;
    char *record = moon_sign_record(key, 0);
    char *name =
        moon_arena_printf(moon_chain_arena, "%s._domainkey.%s", seal.selector, seal.domain);
    char *owner = moon_arena_printf(moon_chain_arena, "%s. ", name);
    char *sealed = moon_seal_message(&seal, key, text, strlen(text), &size);

    assert_non_null(record);
    assert_non_null(sealed);
    if (!strstr(zone, owner))
        moon_chain_zone(moon_case_txt(moon_chain_arena, name, record));
    keep(&text, moon_arena_cstr(moon_chain_arena, sealed));
    free(sealed);
    free(record);
}

void moon_chain_add(struct moon_seal seal)
{
    moon_chain_add_with(seal, moon_chain_rsa);
}

void moon_chain_grow(unsigned sets)
{
    for (unsigned i = 1; i <= sets; i++)
        moon_chain_add(moon_chain_seal(
            i, moon_arena_printf(moon_chain_arena, "%c.example", (char)('a' + (i - 1) % 26))));
}

void moon_chain_change(const char *from, const char *to)
{
    char *at = strstr(text, from);
    assert_non_null(at);
    keep(&text, moon_arena_printf(moon_chain_arena, "%.*s%s%s", (int)(at - text), text, to,
                                  at + strlen(from)));
}

void moon_chain_append(const char *more)
{
    keep(&text, moon_arena_printf(moon_chain_arena, "%s%s", text, more));
}

void moon_chain_put_field(const char *field)
{
    keep(&text, moon_arena_printf(moon_chain_arena, "%s\r\n%s", field, text));
}

void moon_chain_trouble(const char *domain, const char *what)
{
    char *owner = moon_arena_printf(moon_chain_arena, "k._domainkey.%s. TXT ", domain);
    char *at = strstr(zone, owner);
    assert_non_null(at);
    char *line_end = strchr(at, '\n');
    assert_non_null(line_end);
    keep(&zone, moon_arena_printf(moon_chain_arena, "%.*sk._domainkey.%s. %s%s", (int)(at - zone),
                                  zone, domain, what, line_end));
}

const char *moon_chain_text(void)
{
    return text;
}

struct moon_arc moon_chain_check(void)
{
    return moon_case_arc(moon_chain_arena, zone, text, strlen(text), 0, NULL);
}

struct moon_arc moon_chain_fails(const char *reason)
{
    struct moon_arc arc = moon_chain_check();
    assert_true(arc.verified);
    if (arc.result != MOON_RESULT_FAIL || strcmp(arc.reason, reason) != 0)
        fail_msg("got %s (%s), want fail (%s)", moon_result_name(arc.result), arc.reason, reason);
    return arc;
}

struct moon_arc moon_chain_passes(int oldest_pass)
{
    struct moon_arc arc = moon_chain_check();
    assert_true(arc.verified);
    if (arc.result != MOON_RESULT_PASS || arc.oldest_pass != oldest_pass)
        fail_msg("got %s (%s), oldest-pass %d, want pass, %d", moon_result_name(arc.result),
                 arc.reason, arc.oldest_pass, oldest_pass);
    assert_string_equal(arc.reason, "");
    assert_null(arc.failed_part);
    return arc;
}
