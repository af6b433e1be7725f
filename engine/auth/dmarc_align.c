/* SPDX-License-Identifier: MIT
 *
 * dmarc_align: identifier alignment.
 *
 *   1. Equal names are aligned, and under strict alignment nothing else.
 *   2. An identifier that is not within the Author's Organizational Domain cannot share it: no
 *      walk. That also keeps a stranger's domains from costing questions.
 *   3. Of the others the walks are started together, then read: those that pass first, then those
 *      that DNS trouble left open, then the rest, until MOON_DMARC_WALKS_MAX.
 *   4. Equal Organizational Domains are relaxed alignment. Trouble leaves it open, unless a record
 *      between the trouble and the Author's Organizational Domain settles it: who owns a name
 *      below a PSD must not gain by keeping his servers silent.
 *
 * An identifier that passed, or whose own check met DNS trouble, and that is or may be aligned
 * leaves the message undecided until another one passes (RFC 9989 section 5.3.6).
 */
#include "engine/auth/dmarc_align.h"

#include "engine/auth/dmarc_psl.h"
#include "engine/auth/dmarc_walk.h"
#include "engine/base/limits.h"
#include "engine/message/domain.h"

struct identifier {
    const char *domain;
    enum moon_result result;
    bool strict;
    bool *aligned; /* in the results */
    bool unknown;  /* DNS trouble */
};

struct kept_walk {
    const char *domain;
    const char *organizational_domain; /* NULL: trouble */
    const char *trouble;
    bool may_reach; /* of trouble: it may lead to the Author's all the same */
};

struct aligner {
    struct moon_arena *arena;
    struct moon_dns *dns;
    const char *author;
    struct moon_dmarc *dmarc;
    struct identifier ids[MOON_SIG_MAX + 1];
    size_t count;
    struct kept_walk walks[MOON_DMARC_WALKS_MAX];
    size_t walk_count, walks_read;
    struct moon_dmarc_alignment *out;
};

static void add(struct aligner *a, const char *domain, enum moon_result result, char mode,
                bool *aligned)
{
    *aligned = domain && moon_domain_equal(domain, a->author); /* step 1 */
    if (domain && a->count < sizeof a->ids / sizeof *a->ids)
        a->ids[a->count++] = (struct identifier){
            .domain = domain, .result = result, .strict = mode == 's', .aligned = aligned};
}

static void collect(struct aligner *a, struct moon_results *results)
{
    add(a, results->spf.domain, results->spf.result, a->dmarc->aspf, &results->spf.aligned);
    for (size_t i = 0; i < results->dkim.count; i++) {
        struct moon_dkim_sig *sig = &results->dkim.sigs[i];
        add(a, sig->domain, sig->result, a->dmarc->adkim, &sig->aligned);
    }
}

/* Step 3: who is looked at first. */
static unsigned turn_of(const struct identifier *id)
{
    if (id->result == MOON_RESULT_PASS)
        return 0;
    return id->result == MOON_RESULT_TEMPERROR ? 1 : 2;
}

/* Could its last label be the common one? Anything else cannot be aligned in any walk. */
static bool may_share(const struct identifier *id, const char *author)
{
    return moon_domain_equal(moon_domain_tail(id->domain, 1), moon_domain_tail(author, 1));
}

/* Neither settled by steps 1 and 2 nor, when the Author's organization is open, decidable. */
static bool needs_walk(struct aligner *a, struct identifier *id)
{
    const char *organization = a->dmarc->organizational_domain;

    if (*id->aligned || id->strict)
        return false;
    if (!organization) {
        id->unknown = may_share(id, a->author);
        return false;
    }
    return moon_domain_within(id->domain, organization);
}

static struct kept_walk *walk_of(struct aligner *a, const char *domain)
{
    for (size_t i = 0; i < a->walk_count; i++)
        if (moon_domain_equal(a->walks[i].domain, domain))
            return &a->walks[i];
    return NULL;
}

static void start_walks(struct aligner *a, unsigned turn)
{
    for (size_t i = 0; i < a->count; i++) {
        struct identifier *id = &a->ids[i];
        if (turn_of(id) != turn || !needs_walk(a, id) || walk_of(a, id->domain))
            continue;
        if (a->walk_count == MOON_DMARC_WALKS_MAX) {
            if (turn == 0)
                a->out->skipped = id->domain;
            continue;
        }
        a->walks[a->walk_count++] = (struct kept_walk){.domain = id->domain};
        moon_dmarc_walk_start(a->dns, id->domain);
    }
}

static enum moon_status read_walks(struct aligner *a)
{
    for (; a->walks_read < a->walk_count; a->walks_read++) {
        struct kept_walk *kept = &a->walks[a->walks_read];
        struct moon_dmarc_walk *walk = moon_arena_alloc(a->arena, sizeof *walk);
        if (!walk)
            return MOON_ENOMEM;
        enum moon_status status = moon_dmarc_walk(a->arena, a->dns, kept->domain, walk);
        if (status != MOON_OK)
            return status;
        a->dmarc->walk_queries += walk->queries;
        kept->organizational_domain = walk->organizational_domain;
        kept->trouble = walk->trouble;
        if (!walk->organizational_domain)
            status = moon_dmarc_walk_may_reach(a->arena, a->dns, kept->domain,
                                               a->dmarc->organizational_domain, &kept->may_reach);
        if (status != MOON_OK)
            return status;
    }
    return MOON_OK;
}

/* Step 4. */
static void compare(struct aligner *a)
{
    for (size_t i = 0; i < a->count; i++) {
        struct identifier *id = &a->ids[i];
        const struct kept_walk *walk = needs_walk(a, id) ? walk_of(a, id->domain) : NULL;
        if (!walk)
            continue;
        id->unknown = !walk->organizational_domain && walk->may_reach;
        *id->aligned =
            walk->organizational_domain &&
            moon_domain_equal(walk->organizational_domain, a->dmarc->organizational_domain);
    }
}

static void compare_by_list(struct aligner *a)
{
    for (size_t i = 0; i < a->count; i++) {
        struct identifier *id = &a->ids[i];
        if (!*id->aligned && !id->strict)
            *id->aligned = moon_domain_equal(moon_dmarc_psl_organization(id->domain),
                                             a->dmarc->organizational_domain);
    }
}

static void sum_up(struct aligner *a, const struct moon_results *results)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct identifier *id = &a->ids[i];
        bool is_spf = id->aligned == &results->spf.aligned;
        const struct kept_walk *walk = walk_of(a, id->domain);

        if (id->result == MOON_RESULT_PASS && *id->aligned) {
            a->dmarc->spf_aligned = a->dmarc->spf_aligned || is_spf;
            a->dmarc->dkim_aligned = a->dmarc->dkim_aligned || !is_spf;
        }
        bool open = (id->result == MOON_RESULT_PASS && id->unknown) ||
                    (id->result == MOON_RESULT_TEMPERROR && (id->unknown || *id->aligned));
        if (!open)
            continue;
        a->out->undecided = true;
        if (walk && walk->trouble)
            a->out->trouble = walk->trouble;
        else if (id->result == MOON_RESULT_TEMPERROR)
            a->out->trouble = is_spf ? "SPF of an aligned domain met DNS trouble"
                                     : "DKIM of an aligned domain met DNS trouble";
    }
}

enum moon_status moon_dmarc_align(struct moon_arena *arena, struct moon_dns *dns, bool equal_only,
                                  struct moon_results *results,
                                  struct moon_dmarc_alignment *alignment_r)
{
    struct aligner a = {.arena = arena,
                        .dns = dns,
                        .author = results->from.domain,
                        .dmarc = &results->dmarc,
                        .out = alignment_r};

    *alignment_r = (struct moon_dmarc_alignment){.undecided = false};
    collect(&a, results);
    if (equal_only)
        return MOON_OK;
    if (a.dmarc->discovery == MOON_DMARC_DISCOVERY_PSL) {
        compare_by_list(&a);
    } else {
        for (unsigned turn = 0; turn < 3; turn++)
            start_walks(&a, turn);
        enum moon_status status = read_walks(&a);
        if (status != MOON_OK)
            return status;
        compare(&a);
    }
    sum_up(&a, results);
    return MOON_OK;
}
