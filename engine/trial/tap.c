/* SPDX-License-Identifier: MIT
 *
 * tap: TAP 14 (testanything.org). Text of policies and messages is quoted, so that none of it can
 * look like a case or end the YAML block.
 */
#include "engine/trial/tap.h"

#include <string.h>

#define TEXT_MAX 300 /* of one value: a diagnostic, not a copy */

/* Printable, on one line; `escape` stands for a backslash in front of it. */
static void put_plain(FILE *to, const char *text, const char *escape)
{
    for (size_t i = 0; text[i] && i < TEXT_MAX; i++) {
        char c = text[i];
        if (strchr(escape, c))
            (void)fputc('\\', to);
        (void)fputc((unsigned char)c < 0x20 || c == 0x7f ? ' ' : c, to);
    }
}

static void put_quoted(FILE *to, const char *text)
{
    (void)fputc('"', to);
    put_plain(to, text, "\"\\");
    (void)fputc('"', to);
}

static void put_value(FILE *to, const char *indent, const char *key, const char *text)
{
    if (!text || !*text)
        return;
    (void)fprintf(to, "%s%s: ", indent, key);
    put_quoted(to, text);
    (void)fputc('\n', to);
}

/* "fail example.com (why)", what is missing left out. */
static void put_result(FILE *to, const char *indent, const char *key, enum moon_result result,
                       const char *domain, const char *why)
{
    char text[TEXT_MAX + 1];
    bool reason = why && *why;
    (void)snprintf(text, sizeof text, "%s%s%.120s%s%.120s%s", moon_result_name(result),
                   domain ? " " : "", domain ? domain : "", reason ? " (" : "", reason ? why : "",
                   reason ? ")" : "");
    if (*key) {
        put_value(to, indent, key, text);
        return;
    }
    (void)fprintf(to, "%s- ", indent);
    put_quoted(to, text);
    (void)fputc('\n', to);
}

static void put_results(FILE *to, const struct moon_results *r)
{
    char text[64];
    (void)fprintf(to, "  results:\n");
    put_result(to, "    ", "spf", r->spf.result, r->spf.domain, r->spf.reason);
    if (r->dkim.count)
        (void)fprintf(to, "    dkim:\n");
    for (size_t i = 0; i < r->dkim.count; i++)
        put_result(to, "      ", "", r->dkim.sigs[i].result, r->dkim.sigs[i].domain,
                   r->dkim.sigs[i].reason);
    if (r->arc.verified)
        put_result(to, "    ", "arc", r->arc.result, NULL, r->arc.reason);
    put_result(to, "    ", "dmarc", r->dmarc.result, r->from.domain, r->dmarc.reason);
    (void)snprintf(text, sizeof text, "%s", moon_dmarc_policy_name(r->dmarc.policy));
    put_value(to, "    ", "policy", text);
}

static void put_verdict(FILE *to, const struct moon_verdict *verdict)
{
    (void)fprintf(to, "  verdict: %s\n", moon_verdict_name(verdict->kind));
    put_value(to, "  ", "rule", verdict->rule);
    put_value(to, "  ", "layer", verdict->layer);
    put_value(to, "  ", "reason", verdict->reason);
    put_value(to, "  ", "text", verdict->text);
    put_value(to, "  ", "failure", verdict->failure);
    if (verdict->fact_count)
        (void)fprintf(to, "  facts:\n");
    for (size_t i = 0; i < verdict->fact_count; i++) {
        (void)fprintf(to, "    - ");
        put_quoted(to, verdict->facts[i]);
        (void)fputc('\n', to);
    }
}

static void put_failure(struct moon_tap *tap, const struct moon_trial_told *told)
{
    const struct moon_trial_result *r = told->result;
    (void)fprintf(tap->to, "  ---\n");
    if (told->mistake) {
        put_value(tap->to, "  ", "mistake", told->mistake);
    } else {
        (void)fprintf(tap->to, "  at: ");
        (void)fprintf(tap->to, "\"%s:%d\"\n  differences:\n", told->path, told->test->line);
        for (size_t i = 0; i < r->difference_count; i++) {
            (void)fprintf(tap->to, "    - what: %s\n", r->differences[i].what);
            put_value(tap->to, "      ", "want", r->differences[i].want);
            put_value(tap->to, "      ", "got", r->differences[i].got);
        }
        put_verdict(tap->to, r->verdict);
        put_results(tap->to, &r->outcome.results);
    }
    (void)fprintf(tap->to, "  ...\n");
}

void moon_tap_begin(struct moon_tap *tap)
{
    (void)fprintf(tap->to, "TAP version 14\n");
}

static void put_case(struct moon_tap *tap, bool passed, const char *path)
{
    tap->number++;
    tap->failed += !passed;
    (void)fprintf(tap->to, "%sok %zu - ", passed ? "" : "not ", tap->number);
    put_plain(tap->to, tap->prefix, "#\\");
    put_plain(tap->to, path, "#\\");
}

void moon_tap_test(void *context, const struct moon_trial_told *told)
{
    struct moon_tap *tap = context;
    put_case(tap, told->passed, told->path);
    (void)fprintf(tap->to, ": ");
    put_plain(tap->to, told->test ? told->test->name : "the tests can be read and run", "#\\");
    (void)fputc('\n', tap->to);
    if (!told->passed)
        put_failure(tap, told);
}

void moon_tap_finding(struct moon_tap *tap, const char *path, const char *finding)
{
    put_case(tap, false, path);
    (void)fprintf(tap->to, ": the source has no mistake\n  ---\n");
    put_value(tap->to, "  ", "mistake", finding);
    (void)fprintf(tap->to, "  ...\n");
}

void moon_tap_rules(struct moon_tap *tap, const struct moon_coverage *coverage, bool all_rules)
{
    size_t missing = moon_coverage_missing(coverage);
    if (coverage->count)
        (void)fprintf(tap->to, "# rules: %zu of %zu decided by tests\n", coverage->count - missing,
                      coverage->count);
    for (size_t i = 0; i < coverage->count; i++) {
        const struct moon_covered *rule = &coverage->rule[i];
        (void)fprintf(tap->to, "# %8u  %s%s:%d %.*s%s\n", rule->count, tap->prefix, rule->path,
                      rule->line, (int)rule->verdict.n, rule->verdict.p,
                      rule->count ? "" : "   (never)");
    }
    for (size_t i = 0; all_rules && i < coverage->count; i++) {
        if (coverage->rule[i].count)
            continue;
        put_case(tap, false, coverage->rule[i].path);
        (void)fprintf(tap->to, ":%d: a test decides here\n", coverage->rule[i].line);
    }
}

void moon_tap_end(struct moon_tap *tap)
{
    (void)fprintf(tap->to, "1..%zu%s\n", tap->number,
                  tap->number ? "" : " # SKIP the policies bring no tests");
}

void moon_tap_line(FILE *to, const struct moon_trial_told *told)
{
    const struct moon_trial_result *r = told->result;
    if (told->mistake) {
        put_plain(to, told->mistake, "");
    } else {
        (void)fprintf(to, "%s:%d: test '", told->path, told->test->line);
        put_plain(to, told->test->name, "");
        (void)fprintf(to, "' fails:");
        for (size_t i = 0; i < r->difference_count; i++) {
            (void)fprintf(to, "%s %s: want ", i ? ";" : "", r->differences[i].what);
            put_plain(to, r->differences[i].want, "");
            (void)fprintf(to, ", got ");
            put_plain(to, r->differences[i].got, "");
        }
        (void)fprintf(to, " (rule %s)", r->verdict->rule ? r->verdict->rule : "-");
    }
    (void)fputc('\n', to);
}
