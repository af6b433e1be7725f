/* SPDX-License-Identifier: MIT
 *
 * dmarc_case: see the header.
 */
#include "tests/support/dmarc_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <string.h>

#include "engine/base/limits.h"

#define SMALL_ARENA (512u * 1024)

/* "pass example.com" -> PASS, "example.com" */
static const char *read_identifier(const char *text, enum moon_result *result_r)
{
    const char *space = strchr(text, ' ');
    assert_non_null(space);
    for (int r = MOON_RESULT_NONE; r <= MOON_RESULT_PERMERROR; r++) {
        const char *name = moon_result_name((enum moon_result)r);
        if (strlen(name) == (size_t)(space - text) && strncmp(text, name, strlen(name)) == 0) {
            *result_r = (enum moon_result)r;
            return space + 1;
        }
    }
    fail_msg("%s: no result word", text);
    return NULL;
}

static const char *or_dash(const char *text)
{
    return text && *text ? text : "-";
}

static void describe(struct dmarc_outcome *out)
{
    const struct moon_dmarc *dmarc = &out->results.dmarc;
    out->text = moon_arena_printf(
        out->arena, "%s policy=%s tag=%s at=%s org=%s%s%s", moon_result_name(dmarc->result),
        or_dash(moon_dmarc_policy_name(dmarc->policy)), or_dash(dmarc->published_tag),
        or_dash(dmarc->policy_domain), or_dash(dmarc->organizational_domain),
        dmarc->spf_aligned ? " spf" : "", dmarc->dkim_aligned ? " dkim" : "");
    assert_non_null(dmarc->reason);
}

void dmarc_case_run(const struct dmarc_case *test, size_t fail_at, struct dmarc_outcome *out)
{
    struct moon_error error = {""};
    enum moon_dmarc_discovery discovery =
        test->psl ? MOON_DMARC_DISCOVERY_PSL : MOON_DMARC_DISCOVERY_TREEWALK;
    struct moon_results *results = &out->results;

    memset(out, 0, sizeof *out);
    out->arena = moon_arena_create(test->arena_left ? SMALL_ARENA : MOON_ARENA_BYTES_MAX);
    assert_non_null(out->arena);
    if (moon_dns_backend_zone(moon_span_of(test->zone), "zone", &out->backend, &error) != MOON_OK)
        fail_msg("%s", error.text);
    out->dns = moon_dns_begin(out->arena, out->backend, 1000, test->questions_max);
    assert_non_null(out->dns);

    results->from.domain = test->author;
    results->from.reason = test->author ? NULL : "several";
    if (test->spf)
        results->spf.domain = read_identifier(test->spf, &results->spf.result);
    results->dkim.sigs = moon_arena_array(out->arena, 8, sizeof *results->dkim.sigs);
    for (size_t i = 0; i < 8 && test->dkim[i]; i++) {
        struct moon_dkim_sig *sig = &results->dkim.sigs[results->dkim.count++];
        sig->domain = read_identifier(test->dkim[i], &sig->result);
    }
    if (test->arena_left) {
        size_t left = test->arena_left == SIZE_MAX ? 0 : test->arena_left;
        size_t taken = SMALL_ARENA - moon_arena_used_bytes(out->arena) - left;
        assert_non_null(moon_arena_alloc(out->arena, taken));
    }
    moon_arena_fail_at(out->arena, fail_at);
    moon_dmarc_prefetch(out->dns, &results->from, discovery);
    out->status = moon_dmarc_evaluate(out->arena, out->dns, discovery, test->pct_draw, results);
    moon_arena_fail_at(out->arena, 0);
    if (out->status == MOON_OK)
        describe(out);
}

void dmarc_case_end(struct dmarc_outcome *out)
{
    moon_dns_end(&out->dns);
    moon_dns_backend_destroy(&out->backend);
    moon_arena_destroy(&out->arena);
}

void dmarc_case_check(const struct dmarc_case *test, const char *want)
{
    struct dmarc_outcome out;

    dmarc_case_run(test, 0, &out);
    assert_int_equal(out.status, MOON_OK);
    if (strcmp(out.text, want) != 0)
        fail_msg("%s\ngot  %s (%s)\nwant %s", test->zone, out.text, out.results.dmarc.reason, want);
    dmarc_case_end(&out);
}

void dmarc_case_check_rows(const struct dmarc_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dmarc_case_check(&rows[i].test, rows[i].want);
}
