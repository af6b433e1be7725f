/* SPDX-License-Identifier: MIT
 *
 * compare: an outcome against what a test expects. A word that no outcome can have is a mistake of
 * the test, told with the nearest right one; everything else that differs, a difference.
 */
#include <string.h>

#include "engine/base/nearest.h"
#include "engine/trial/run.h"

struct compare {
    struct moon_arena *arena;
    struct moon_trial_result *result;
    bool no_memory;
};

static void differ(struct compare *c, const char *what, const char *want, const char *got)
{
    struct moon_trial_result *r = c->result;
    struct moon_trial_difference *larger =
        moon_arena_append(c->arena, r->differences, r->difference_count, sizeof *larger);
    if (!larger) {
        c->no_memory = true;
        return;
    }
    r->differences = larger;
    larger[r->difference_count++] = (struct moon_trial_difference){what, want, got};
}

static const char *shown(const char *text)
{
    return text && *text ? text : "nothing";
}

static void same(struct compare *c, const char *what, const char *want, const char *got)
{
    if (want && strcmp(want, got ? got : "") != 0)
        differ(c, what, shown(want), shown(got));
}

static void contained(struct compare *c, const char *what, const char *want, const char *got)
{
    if (want && !strstr(got ? got : "", want))
        differ(c, what, want, shown(got));
}

/* Is the word one of these (ended by NULL)? Else it is a mistake. */
static void one_of(struct compare *c, const char *what, const char *want, const char *const *words)
{
    struct moon_nearest nearest = {0};
    for (size_t i = 0; words[i]; i++) {
        if (!want || !*want || !strcmp(want, words[i]))
            return;
        moon_nearest_offer(&nearest, moon_span_of(want), words[i]);
    }
    if (c->result->mistake)
        return;
    c->result->mistake =
        moon_arena_printf(c->arena, "expect: %s can never be '%.40s'%s%s%s", what, want,
                          nearest.best ? "; did you mean '" : "", nearest.best ? nearest.best : "",
                          nearest.best ? "'?" : "");
    c->no_memory = c->no_memory || !c->result->mistake;
}

static void check_words(struct compare *c, const struct moon_test_expect *expect)
{
    static const char *const verdicts[] = {"accept", "quarantine", "reject",
                                           "defer",  "discard",    NULL};
    static const char *const actions[] = {"accept", "reject", "defer", "freeze", NULL};
    static const char *const layers[] = {"locked",   "recipient", "tenant", "site",
                                         "built-in", "failure",   NULL};
    static const char *const overrides[] = {"local_policy",     "mailing_list",      "other",
                                            "policy_test_mode", "trusted_forwarder", NULL};
    static const char *const results[] = {"none",   "pass",      "fail",      "softfail", "neutral",
                                          "policy", "temperror", "permerror", NULL};
    one_of(c, "verdict", expect->verdict, verdicts);
    one_of(c, "action", expect->action, actions);
    one_of(c, "layer", expect->layer, layers);
    one_of(c, "override", expect->override, overrides);
    one_of(c, "spf", expect->spf, results);
    one_of(c, "dkim", expect->dkim, results);
    one_of(c, "dmarc", expect->dmarc, results);
    one_of(c, "arc", expect->arc, results);
}

/* Each wanted text stands in one of the fields that the verdict adds. */
static void check_headers(struct compare *c, const struct moon_test_expect *expect,
                          const struct moon_verdict *verdict)
{
    if (expect->headers.none && verdict->header_count)
        differ(c, "headers", "nothing", verdict->headers[0]);
    for (size_t i = 0; i < expect->headers.count; i++) {
        bool found = false;
        for (size_t k = 0; !found && k < verdict->header_count; k++)
            found = strstr(verdict->headers[k], expect->headers.text[i]) != NULL;
        if (!found)
            differ(c, "headers", expect->headers.text[i],
                   verdict->header_count ? verdict->headers[0] : "nothing");
    }
}

/* "site.lua:12" is wanted as it is, ":12" or "12" at the end, a name anywhere. */
static void check_rule(struct compare *c, const char *want, const char *rule)
{
    size_t n = want ? strlen(want) : 0, length = strlen(rule);
    bool line = n > 1 && want[0] == ':';
    bool good = !want || (line ? length > n && !strcmp(rule + length - n, want)
                               : strstr(rule, want) != NULL);
    if (!good)
        differ(c, "rule", want, rule);
}

enum moon_status moon_trial_compare(struct moon_arena *arena, const struct moon_test_expect *expect,
                                    struct moon_trial_result *result)
{
    struct compare c = {arena, result, false};
    const struct moon_results *results = &result->outcome.results;
    const struct moon_verdict *verdict = result->verdict;

    check_words(&c, expect);
    if (result->mistake || c.no_memory)
        return c.no_memory ? MOON_ENOMEM : MOON_OK;
    same(&c, "verdict", expect->verdict, moon_verdict_name(verdict->kind));
    same(&c, "action", expect->action, moon_action_name(result->outcome.action));
    same(&c, "esc", expect->esc, verdict->esc);
    same(&c, "override", expect->override, verdict->override);
    same(&c, "layer", expect->layer, verdict->layer);
    same(&c, "tag", expect->tag, verdict->tag);
    contained(&c, "text", expect->text, verdict->text);
    contained(&c, "reason", expect->reason, verdict->reason);
    contained(&c, "comment", expect->comment, verdict->comment);
    contained(&c, "failure", expect->failure, verdict->failure);
    check_rule(&c, expect->rule, verdict->rule ? verdict->rule : "");
    if (verdict->failure && !expect->failure)
        differ(&c, "failure", "nothing", verdict->failure);
    check_headers(&c, expect, verdict);
    same(&c, "spf", expect->spf, moon_result_name(results->spf.result));
    same(&c, "dkim", expect->dkim, moon_result_name(results->dkim.result));
    same(&c, "dmarc", expect->dmarc, moon_result_name(results->dmarc.result));
    same(&c, "arc", expect->arc, moon_result_name(results->arc.result));
    return c.no_memory ? MOON_ENOMEM : MOON_OK;
}
