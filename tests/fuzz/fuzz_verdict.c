/* SPDX-License-Identifier: MIT
 *
 * fuzz_verdict: the input is a tenant's policy file, and the site's. Whatever table it returns and
 * whatever its functions answer, there is a verdict within its bounds, and a failure says where;
 * publishing accepts it or says file and line. The same text as a reply and as a field comes out
 * harmless.
 *
 * Parser: lua/layer.c
 * Parser: lua/groups.c
 * Parser: lua/verdicts.c
 * Parser: engine/verdict/sanitize.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/verdict/decide.h"
#include "local_scan/clean.h"
#include "tests/support/policy_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

static void check(const struct moon_verdict *verdict)
{
    must(verdict->kind != MOON_VERDICT_NONE && verdict->layer && verdict->rule);
    must((verdict->failure != NULL) == (strcmp(verdict->layer, "failure") == 0));
    must(verdict->header_count <= MOON_ADDED_MAX);
    for (size_t i = 0; i < verdict->header_count; i++)
        must(moon_clean_field_ok(moon_span_of(verdict->headers[i])));
    if (verdict->esc)
        must(strlen(verdict->esc) >= 5 &&
             strspn(verdict->esc, "0123456789.") == strlen(verdict->esc));
    for (const char *c = verdict->text ? verdict->text : ""; *c; c++)
        must((*c >= ' ' && *c <= '~') || *c == '\n');
}

/* As publishing tries a file. */
static void check_published(const struct policy_case *c, const char *path)
{
    struct moon_error error = {""};
    enum moon_status status = moon_policies_check(c->policies, path, &c->input, &error);
    must(status == MOON_OK || (status == MOON_ECONF && !strncmp(error.text, path, strlen(path)) &&
                               error.text[strlen(path)] == ':'));
}

static void check_texts(struct moon_arena *arena, const char *text)
{
    const char *field;
    const char *reply = moon_reply_text(arena, "5.7.1", text);

    for (const char *c = reply ? reply : ""; *c; c++)
        must((*c >= ' ' && *c <= '~') || *c == '\n');
    if (moon_field_sanitize(arena, text, &field) == MOON_OK && field)
        must(moon_clean_field_ok(moon_span_of(field)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char list[] =
        "return { \"fwd.example\", { name = \"n\", spf = \"fwd.example\" } }";
    struct policy_case c;
    char *text = malloc(size + 1);

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    policy_case_begin(&c);
    c.conf.policy_instructions = 50000; /* a fuzzer likes endless loops */
    c.conf.policy_bytes = 1 << 20;
    policy_case_policy(&c, text);
    policy_case_add(&c, "list/tenants/lists/fwd.lua", list);
    policy_case_add(&c, "site", "site.lua");
    policy_case_add(&c, "policy/site.lua", text);
    struct moon_verdict verdict = policy_case_decide(&c);
    check(&verdict);
    check_published(&c, "tenants/acme.lua");
    check_published(&c, "site.lua");
    check_texts(c.arena, text);
    policy_case_end(&c);
    free(text);
    return 0;
}
