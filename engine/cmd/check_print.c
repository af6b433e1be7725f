/* SPDX-License-Identifier: MIT
 *
 * check_print: one line a finding, in columns: what, result, about whom, detail. Text of strangers
 * is shown with its controls replaced, so that a message cannot move a terminal's cursor.
 */
#include "engine/cmd/check_print.h"

#include <string.h>

#include "engine/report/results.h"

#define RESULT_WIDTH 10
#define NAME_WIDTH   28
#define TERM_MAX     100 /* of an SPF term: a line, not a screen */

/* Safe to print; "-" for nothing. */
static const char *shown(struct moon_arena *arena, const char *text)
{
    if (!text || !*text)
        return "-";
    char *copy = moon_arena_cstr(arena, text);
    for (char *c = copy; c && *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return copy ? copy : "(no memory)";
}

static void row(FILE *to, const char *what, const char *result, const char *name)
{
    bool fits = strlen(result) < RESULT_WIDTH; /* a blank stands between columns in any case */
    (void)fprintf(to, "%-10s%-*s%s%-*s", what, RESULT_WIDTH, result, fits ? "" : " ",
                  fits ? NAME_WIDTH : NAME_WIDTH - 1, name);
}

/* What follows in a row: ", "-separated details, then the end of the line. */
struct details {
    FILE *to;
    bool any;
};

static void detail(struct details *d, const char *text)
{
    (void)fprintf(d->to, "%s%s", d->any ? ", " : " ", text);
    d->any = true;
}

/* The terms that were evaluated, those of an include or redirect indented under it. */
static void print_steps(FILE *to, struct moon_arena *arena, const struct moon_spf *spf)
{
    for (size_t i = 0; i < spf->step_count; i++) {
        const struct moon_spf_step *step = &spf->steps[i];
        char *term = moon_arena_dup(arena, moon_span_sub(step->term, 0, TERM_MAX));
        (void)fprintf(to, "%-*s%s", (int)(12 + 2 * step->depth), "", shown(arena, term));
        if (step->more)
            (void)fprintf(to, " and %u more", step->more);
        (void)fprintf(to, ": %s", moon_spf_outcome_name(step->outcome));
        if (step->result != MOON_RESULT_NONE)
            (void)fprintf(to, " (%s)", moon_result_name(step->result));
        (void)fputc('\n', to);
    }
}

static void print_spf(FILE *to, struct moon_arena *arena, const char *what,
                      const struct moon_spf *spf, bool verbose)
{
    struct details d = {to, false};
    char count[64];

    row(to, what, moon_result_name(spf->result), shown(arena, spf->domain));
    if (spf->matched)
        detail(&d, shown(arena, spf->matched));
    if (spf->lookups) {
        (void)snprintf(count, sizeof count, "%u of 10 look-ups", spf->lookups);
        detail(&d, count);
    }
    if (spf->aligned)
        detail(&d, "aligned");
    if (spf->reason && *spf->reason)
        detail(&d, shown(arena, spf->reason));
    (void)fputc('\n', to);
    if (verbose || spf->result != MOON_RESULT_PASS)
        print_steps(to, arena, spf);
}

static void print_dkim(FILE *to, struct moon_arena *arena, const struct moon_dkim *dkim)
{
    char text[64];

    if (dkim->count == 0)
        (void)fprintf(to, "%-10s%-*s%s\n", "DKIM", RESULT_WIDTH, moon_result_name(dkim->result),
                      "no signature");
    for (size_t i = 0; i < dkim->count; i++) {
        const struct moon_dkim_sig *sig = &dkim->sigs[i];
        struct details d = {to, false};
        row(to, "DKIM", moon_result_name(sig->result), shown(arena, sig->domain));
        (void)snprintf(text, sizeof text, "s=%.40s", shown(arena, sig->selector));
        detail(&d, text);
        if (sig->bits) {
            (void)snprintf(text, sizeof text, "%.24s %u bits", shown(arena, sig->algorithm),
                           sig->bits);
            detail(&d, text);
        }
        if (sig->unsigned_bytes) {
            (void)snprintf(text, sizeof text, "%lld bytes of the body not signed",
                           (long long)sig->unsigned_bytes);
            detail(&d, text);
        }
        if (sig->aligned)
            detail(&d, "aligned");
        if (sig->unsigned_field_count) {
            (void)snprintf(text, sizeof text, "not signed: another %.40s",
                           shown(arena, sig->unsigned_fields[0]));
            detail(&d, text);
        }
        if (sig->testing)
            detail(&d, "key in testing mode");
        if (sig->reason && *sig->reason)
            detail(&d, shown(arena, sig->reason));
        (void)fputc('\n', to);
    }
    if (dkim->found > dkim->count)
        (void)fprintf(to, "%-10s%zu more signatures were not looked at\n", "",
                      dkim->found - dkim->count);
}

static void print_arc(FILE *to, struct moon_arena *arena, const struct moon_arc *arc)
{
    struct details d = {to, false};
    char text[96];

    if (!arc->verified) {
        (void)fprintf(to, "%-10s%-*s%s\n", "ARC", RESULT_WIDTH, moon_result_name(arc->result),
                      "no ARC fields");
        return;
    }
    row(to, "ARC", moon_result_name(arc->result),
        shown(arena, arc->set_count ? arc->sets[arc->set_count - 1].domain : NULL));
    (void)snprintf(text, sizeof text, "%zu set%s", arc->set_count, arc->set_count == 1 ? "" : "s");
    detail(&d, text);
    if (arc->result == MOON_RESULT_PASS && arc->oldest_pass > 0) {
        (void)snprintf(text, sizeof text, "signatures hold from i=%d on", arc->oldest_pass);
        detail(&d, text);
    }
    if (arc->body_changed_after) {
        (void)snprintf(text, sizeof text, "body changed after i=%u", arc->body_changed_after);
        detail(&d, text);
    }
    if (*arc->reason)
        detail(&d, shown(arena, arc->reason));
    (void)fputc('\n', to);
}

static void print_dmarc(FILE *to, struct moon_arena *arena, const struct moon_results *results)
{
    const struct moon_dmarc *dmarc = &results->dmarc;
    struct details d = {to, false};
    char text[400];

    row(to, "DMARC", moon_result_name(dmarc->result), shown(arena, results->from.domain));
    if (dmarc->record) {
        (void)snprintf(text, sizeof text, "%s=%s at %s by %s",
                       dmarc->published_tag ? dmarc->published_tag : "p",
                       moon_dmarc_policy_name(dmarc->published), shown(arena, dmarc->policy_domain),
                       dmarc->discovery == MOON_DMARC_DISCOVERY_PSL ? "Public Suffix List"
                                                                    : "DNS Tree Walk");
        detail(&d, text);
        if (dmarc->policy != dmarc->published) {
            (void)snprintf(text, sizeof text, "asks for %s", moon_dmarc_policy_name(dmarc->policy));
            detail(&d, text);
        }
    }
    if (dmarc->reason && *dmarc->reason)
        detail(&d, shown(arena, dmarc->reason));
    if (dmarc->error)
        detail(&d, shown(arena, dmarc->error));
    (void)fputc('\n', to);
    if (results->from.ambiguous)
        (void)fprintf(to, "%-10s%-*s%s\n", "From", RESULT_WIDTH, "ambiguous",
                      shown(arena, results->from.reason));
}

/* The list and the forwarder that the message says it comes from. */
static void print_origin(FILE *to, struct moon_arena *arena, const struct moon_results *results)
{
    const struct moon_mailing_list *list = &results->list;
    const struct moon_forwarding *by = &results->forwarding.by;
    char text[400];

    if (list->id.count) {
        struct details d = {to, false};
        row(to, "List", list->verified ? "verified" : "claimed", shown(arena, list->id.id));
        if (list->verified) {
            (void)snprintf(text, sizeof text, "%s of %.300s", list->verified_by,
                           shown(arena, list->verified_domain));
            detail(&d, text);
        }
        if (list->id.count > 1)
            detail(&d, "several List-Id fields");
        (void)fputc('\n', to);
    }
    if (by->pattern) {
        struct details d = {to, false};
        row(to, "Forwarded", results->forwarding.verified ? "verified" : "claimed",
            shown(arena, by->forwarder));
        detail(&d, by->pattern);
        (void)snprintf(text, sizeof text, "%s %.300s", by->destination ? "to" : "from",
                       by->destination ? shown(arena, by->destination)
                                       : shown(arena, by->original));
        if (by->destination || by->original)
            detail(&d, text);
        (void)fputc('\n', to);
    }
}

/* dmarc.compare: one line, whether or not there is a difference. */
static void print_other(FILE *to, struct moon_arena *arena, const struct moon_results *results)
{
    const struct moon_dmarc *other = results->dmarc_other;
    struct details d = {to, false};

    if (!other)
        return;
    row(to, "", moon_result_name(other->result),
        other->discovery == MOON_DMARC_DISCOVERY_PSL ? "by the Public Suffix List"
                                                     : "by the DNS Tree Walk");
    if (!moon_dmarc_differs(&results->dmarc, other)) {
        detail(&d, "no difference");
    } else {
        if (other->record)
            detail(&d, moon_dmarc_policy_name(other->policy));
        detail(&d, shown(arena, other->reason));
    }
    (void)fputc('\n', to);
}

/* The first question of a policy that had no answer, and how many more there are. */
static void print_unanswered(FILE *to, struct moon_arena *arena, const struct moon_asks *asks)
{
    static const char *const functions[] = {[MOON_ASKED_COUNT] = "moon.count",
                                            [MOON_ASKED_FIRST_SEEN] = "moon.first_seen",
                                            [MOON_ASKED_DNS] = "moon.dns"};
    const struct moon_asked *asked, *first = NULL;
    size_t count = 0;

    for (size_t i = 0; (asked = moon_asks_each(asks, i)); i++) {
        bool answered = asked->kind == MOON_ASKED_DNS ? asked->dns != NULL : asked->answered;
        first = first || answered ? first : asked;
        count += !answered;
    }
    if (!first)
        return;
    (void)fprintf(to, "%-10sno answer: %s \"%s\"", "", functions[first->kind],
                  shown(arena, first->key));
    if (first->why)
        (void)fprintf(to, ": %s", shown(arena, first->why));
    if (count > 1)
        (void)fprintf(to, " (and %zu more)", count - 1);
    (void)fputc('\n', to);
}

static void print_verdict(FILE *to, struct moon_arena *arena,
                          const struct moon_tenant_verdict *tenant)
{
    const struct moon_verdict *verdict = &tenant->verdict;
    struct details d = {to, false};
    char text[400];

    row(to, "Verdict", moon_verdict_name(verdict->kind),
        *tenant->tenant ? tenant->tenant : "(no tenant)");
    detail(&d, shown(arena, verdict->rule));
    if (verdict->override) {
        (void)snprintf(text, sizeof text, "override %s (%s)", verdict->override,
                       shown(arena, verdict->comment));
        detail(&d, text);
    }
    if (verdict->via) {
        (void)snprintf(text, sizeof text, "by %.200s:%d", verdict->via->list, verdict->via->line);
        detail(&d, text);
    }
    if (verdict->reason)
        detail(&d, shown(arena, verdict->reason));
    if (tenant->by_split)
        detail(&d, "another tenant takes the message: own quarantine");
    if (tenant->dry_run)
        detail(&d, "dry run: treated as accept");
    if (tenant->next)
        detail(&d, "by the next version");
    if (tenant->shadow) {
        (void)snprintf(text, sizeof text, "the next version: %s",
                       tenant->shadow->skipped ? tenant->shadow->skipped
                                               : moon_verdict_name(tenant->shadow->verdict.kind));
        detail(&d, text);
    }
    (void)fputc('\n', to);
    if (verdict->failure)
        (void)fprintf(to, "%-10s%s\n", "", shown(arena, verdict->failure));
    if (verdict->fact_count) {
        (void)fprintf(to, "%-10sread:", "");
        for (size_t i = 0; i < verdict->fact_count; i++)
            (void)fprintf(to, " %s", shown(arena, verdict->facts[i]));
        (void)fputc('\n', to);
    }
    print_unanswered(to, arena, tenant->asks);
}

/* Lines of `text`, each with `lead` in front of it. */
static void print_lines(FILE *to, const char *what, const char *lead, const char *text)
{
    struct moon_buf buf = moon_buf_of(moon_span_of(text));
    while (!moon_buf_at_end(&buf)) {
        struct moon_span line = moon_buf_until(&buf, '\n');
        (void)moon_buf_skip(&buf, '\n'); /* not there behind the last line */
        (void)fprintf(to, "%-10s%s%.*s\n", what, lead, (int)line.n, line.p);
        what = "";
    }
}

static void print_page(FILE *to, struct moon_arena *arena, const struct moon_conf *conf,
                       const struct moon_message *msg, const struct moon_outcome *outcome,
                       bool verbose)
{
    const struct moon_results *r = &outcome->results;
    char ip[MOON_IP_TEXT_MAX];

    (void)fprintf(to, "%-10s%s, HELO %s\n", "Client", moon_ip_format(&msg->session.ip, ip),
                  shown(arena, msg->session.helo));
    (void)fprintf(to, "%-10s%s\n\n", "From",
                  shown(arena, r->from.kept ? r->from.authors[0].address : ""));
    print_spf(to, arena, "SPF", &r->spf, verbose);
    print_spf(to, arena, "SPF HELO", &r->spf_helo, verbose);
    print_dkim(to, arena, &r->dkim);
    print_arc(to, arena, &r->arc);
    print_dmarc(to, arena, r);
    print_other(to, arena, r);
    print_origin(to, arena, r);
    (void)fprintf(to, "%-10s%u question%s in %u round%s, %lld.%03lld ms waiting\n\n", "DNS",
                  r->dns.questions, r->dns.questions == 1 ? "" : "s", r->dns.rounds,
                  r->dns.rounds == 1 ? "" : "s", (long long)r->dns.waiting_us / 1000,
                  (long long)r->dns.waiting_us % 1000);
    for (size_t i = 0; i < outcome->tenant_count; i++)
        print_verdict(to, arena, &outcome->tenants[i]);
    (void)fprintf(to, "%-10s%s%s, snapshot %s\n", "Decision", moon_action_name(outcome->action),
                  outcome->split ? " (split)" : "", conf->snapshot_hash);
    if (outcome->reply)
        print_lines(to, "Reply", outcome->action == MOON_ACTION_REJECT ? "550 " : "451 ",
                    outcome->reply);
    if (outcome->data)
        print_lines(to, "Data", "", outcome->data);
    for (size_t i = 0; i < outcome->added_count; i++)
        print_lines(to, i ? "" : "Adds", "", outcome->added[i].text);
    if (outcome->notes)
        (void)fprintf(to, "%-10s%s\n", "Note", shown(arena, outcome->notes));
}

enum moon_status moon_check_print(FILE *to, struct moon_arena *arena, const struct moon_conf *conf,
                                  const struct moon_message *msg,
                                  const struct moon_outcome *outcome, bool json, bool verbose)
{
    if (json) {
        struct moon_json out;
        moon_json_begin(&out, arena);
        moon_json_object(&out, NULL);
        moon_json_string(&out, "snapshot", conf->snapshot_hash);
        moon_json_message(&out, msg);
        moon_json_results(&out, &outcome->results, true);
        moon_json_outcome(&out, msg, outcome);
        moon_json_dns(&out, outcome, true);
        moon_json_int(&out, "took_us", outcome->results.took_us);
        moon_json_close(&out, '}');
        const char *text = moon_json_end(&out);
        if (!text)
            return MOON_ENOMEM;
        (void)fprintf(to, "%s\n", text); /* ferror tells below */
    } else {
        print_page(to, arena, conf, msg, outcome, verbose);
    }
    return fflush(to) == 0 && !ferror(to) ? MOON_OK : MOON_EIO;
}
