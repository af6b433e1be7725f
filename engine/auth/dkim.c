/* SPDX-License-Identifier: MIT
 *
 * dkim: verification (RFC 6376 section 6) by libopendkim behind a gate.
 *
 * begin:
 * 1. Every DKIM-Signature field is read by sig.c, the topmost MOON_SIG_MAX of them.
 * 2. More distinct bodies than we are ready to hash are refused. What libopendkim reads otherwise
 *    than the RFC (dkim_misread.c) is left to the signature core (sig_hash.c).
 * 3. The keys of all that is left are asked for at once.
 * finish:
 * 4. The answers become keys (sig_key.c); a signature without a fitting key is refused.
 * 5. What is left goes to libopendkim with the fields that some h= names, and with records that we
 *    wrote; one pass over the body feeds it and counts the canonical bytes behind l=.
 * 6. What was left to the core is verified by it, in a pass of its own.
 * 7. Results: the gate's words for what it refused, the library's or the core's for the rest.
 */
#include "engine/auth/dkim.h"

#include <string.h>

#include "engine/auth/dkim_misread.h"
#include "engine/auth/dkim_odk.h"
#include "engine/auth/sig_hash.h"
#include "engine/base/limits.h"

_Static_assert(MOON_SIG_MAX <= MOON_KEYS_MAX, "each signature may ask for a key of its own");

struct entry {
    struct moon_sig sig;
    struct moon_sig_key key;
    size_t body;  /* index in bodies, or in core_bodies; valid while it is not refused */
    bool by_core; /* libopendkim would misread it */
};

struct moon_dkim_check {
    struct moon_arena *arena;
    struct moon_dns *dns;
    const struct moon_message *msg;
    const struct moon_sig_fields *fields;
    struct entry *entries;
    size_t count, found;
    struct moon_sig_bodies bodies, core_bodies;
};

static bool is_signature_field(const struct moon_field *field)
{
    return moon_span_is_nocase(field->name, "dkim-signature");
}

static bool is_open(const struct entry *entry)
{
    return entry->sig.result == MOON_RESULT_NONE;
}

/* --- begin --- */

/* Step 1. */
static enum moon_status read_signatures(struct moon_dkim_check *check)
{
    const struct moon_message *msg = check->msg;

    for (size_t i = 0; i < msg->field_count; i++) {
        if (!is_signature_field(&msg->fields[i]))
            continue;
        if (check->found++ >= MOON_SIG_MAX)
            continue; /* counted only */
        enum moon_status status = moon_sig_parse(check->arena, &msg->fields[i], msg->received_s,
                                                 &check->entries[check->count].sig);
        if (status != MOON_OK)
            return status;
        check->entries[check->count++].key.reason = "";
    }
    return MOON_OK;
}

/* Step 2. */
static void check_forms(struct moon_dkim_check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        struct entry *entry = &check->entries[i];
        if (!is_open(entry))
            continue;
        entry->by_core = moon_dkim_misread_form(&entry->sig);
        /* Without a hash it takes no memory. */
        if (moon_sig_bodies_want(check->arena, &check->bodies, entry->sig.body_canon,
                                 entry->sig.body_length, false, &entry->body) != MOON_OK)
            moon_sig_refuse(&entry->sig, MOON_RESULT_POLICY,
                            "more than 4 different body hashes in one message");
    }
}

const char *moon_dkim_candidate(const struct moon_dkim_check *check, size_t i)
{
    return i < check->count && is_open(&check->entries[i]) ? check->entries[i].sig.domain : NULL;
}

enum moon_status moon_dkim_begin(struct moon_arena *arena, struct moon_dns *dns,
                                 const struct moon_message *msg, struct moon_dkim_check **check_r)
{
    struct moon_dkim_check *check = moon_arena_alloc(arena, sizeof *check);

    *check_r = NULL;
    if (!check)
        return MOON_ENOMEM;
    check->arena = arena;
    check->dns = dns;
    check->msg = msg;
    moon_sig_bodies_begin(&check->bodies);
    check->entries = moon_arena_array(arena, MOON_SIG_MAX, sizeof *check->entries);
    if (!check->entries)
        return MOON_ENOMEM;
    enum moon_status status = read_signatures(check);
    if (status != MOON_OK)
        return status;
    check_forms(check);
    for (size_t i = 0; i < check->count; i++) /* step 3 */
        if (is_open(&check->entries[i]))
            (void)moon_dns_start(dns, check->entries[i].sig.key_name, MOON_DNS_TYPE_TXT);
    *check_r = check;
    return MOON_OK;
}

/* --- finish --- */

/* Step 4. */
static enum moon_status fetch_keys(struct moon_dkim_check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        struct entry *entry = &check->entries[i];
        if (!is_open(entry))
            continue;
        const struct moon_dns_answer *answer =
            moon_dns_wait(check->dns, entry->sig.key_name, MOON_DNS_TYPE_TXT);
        enum moon_status status = moon_sig_key_of_answer(check->arena, answer, &entry->key);
        if (status != MOON_OK)
            return status;
        moon_sig_key_check(&entry->key, &entry->sig);
    }
    return MOON_OK;
}

static const struct entry *entry_of(const struct moon_dkim_check *check,
                                    const struct moon_field *field)
{
    for (size_t i = 0; i < check->count; i++)
        if (check->entries[i].sig.field == field)
            return &check->entries[i];
    return NULL;
}

/* A field that a signature covers. Other DKIM-Signature fields: libopendkim takes the lowest it was
 * given, counting the signature itself; that is right only when all that are meant stand below it
 * and are given to it. */
static bool is_misread_cover(const struct moon_dkim_check *check, const struct moon_sig *sig,
                             struct moon_sig_name name)
{
    const struct moon_field *field = moon_sig_fields_pick(check->fields, name, sig->field);

    if (strcmp(name.name, "dkim-signature") == 0) {
        const struct entry *covered = field ? entry_of(check, field) : NULL;
        if (!covered || !is_open(covered) || covered->by_core || field < sig->field)
            return true;
    }
    return field && moon_dkim_misread_field(field, sig->header_canon);
}

/* From the bottom up, so that covered signatures are decided before those that cover them. */
static void check_covered_fields(struct moon_dkim_check *check)
{
    for (size_t i = check->count; i > 0; i--) {
        struct entry *entry = &check->entries[i - 1];
        for (size_t k = 0; is_open(entry) && !entry->by_core && k < entry->sig.name_count; k++)
            entry->by_core = is_misread_cover(check, &entry->sig, entry->sig.names[k]);
    }
}

/* Step 5: the open signatures, and in message order the fields that the library shall see. */
struct job {
    struct moon_dkim_odk_sig sigs[MOON_SIG_MAX];
    struct entry *entries[MOON_SIG_MAX];
    size_t sig_count;
    const struct moon_field **fields;
    size_t field_count;
};

static enum moon_status collect_signatures(struct moon_dkim_check *check, struct job *job)
{
    for (size_t i = 0; i < check->count; i++) {
        struct entry *entry = &check->entries[i];
        if (!is_open(entry) || entry->by_core)
            continue;
        const char *record = moon_sig_key_record(check->arena, &entry->key);
        if (!record)
            return MOON_ENOMEM;
        job->entries[job->sig_count] = entry;
        job->sigs[job->sig_count++] =
            (struct moon_dkim_odk_sig){.field = entry->sig.field, .record = record};
    }
    return MOON_OK;
}

static enum moon_status collect_fields(struct moon_dkim_check *check, struct job *job)
{
    const struct moon_message *msg = check->msg;
    bool *wanted = moon_arena_array(check->arena, msg->field_count, sizeof *wanted);

    job->fields = moon_arena_array(check->arena, msg->field_count, sizeof *job->fields);
    if (!wanted || !job->fields)
        return MOON_ENOMEM;
    for (size_t i = 0; i < job->sig_count; i++) {
        const struct moon_sig *sig = &job->entries[i]->sig;
        wanted[sig->field - msg->fields] = true;
        for (size_t k = 0; k < sig->name_count; k++) { /* From is among them */
            const struct moon_field *field =
                moon_sig_fields_pick(check->fields, sig->names[k], sig->field);
            if (field)
                wanted[field - msg->fields] = true;
        }
    }
    for (size_t i = 0; i < msg->field_count; i++)
        if (wanted[i])
            job->fields[job->field_count++] = &msg->fields[i];
    return MOON_OK;
}

static enum moon_status read_body(struct moon_dkim_check *check, struct moon_dkim_odk *odk,
                                  bool *misread_r)
{
    struct moon_body_iter *iter = moon_arena_raw(check->arena, sizeof *iter);
    struct moon_span chunk = {NULL, 1};
    enum moon_status status = iter ? MOON_OK : MOON_ENOMEM;
    bool open = false;

    if (iter)
        moon_body_begin(iter, &check->msg->body);
    while (status == MOON_OK && chunk.n) {
        status = moon_body_next(iter, &chunk);
        if (status != MOON_OK)
            break;
        *misread_r = *misread_r || moon_dkim_misread_body(chunk, &open);
        status = moon_dkim_odk_body(odk, chunk);
        moon_sig_bodies_add(&check->bodies, chunk);
    }
    if (status == MOON_OK)
        status = moon_sig_bodies_end(&check->bodies);
    return status;
}

static enum moon_status run_library(struct moon_dkim_check *check)
{
    struct moon_dkim_odk *odk = NULL;
    bool misread = false;
    struct job *job = moon_arena_alloc(check->arena, sizeof *job);
    if (!job)
        return MOON_ENOMEM;
    enum moon_status status = collect_signatures(check, job);
    if (status != MOON_OK || job->sig_count == 0)
        return status;
    status = collect_fields(check, job);
    if (status == MOON_OK)
        status = moon_dkim_odk_begin(check->arena, job->fields, job->field_count, job->sigs,
                                     job->sig_count, &odk);
    if (status == MOON_OK)
        status = read_body(check, odk, &misread);
    if (status == MOON_OK)
        status = moon_dkim_odk_end(odk);
    for (size_t i = 0; status == MOON_OK && i < job->sig_count; i++) {
        if (misread || job->sigs[i].result == MOON_RESULT_NONE) /* an old message, checked again */
            job->entries[i]->by_core = true;
        else
            moon_sig_refuse(&job->entries[i]->sig, job->sigs[i].result, job->sigs[i].reason);
    }
    moon_dkim_odk_destroy(&odk);
    return status;
}

/* Step 6. Which bodies it needs: not more than step 2 counted. *any_r: there is something to do. */
static enum moon_status want_bodies(struct moon_dkim_check *check, bool *any_r)
{
    enum moon_status status = MOON_OK;

    moon_sig_bodies_begin(&check->core_bodies);
    for (size_t i = 0; status == MOON_OK && i < check->count; i++) {
        struct entry *entry = &check->entries[i];
        if (!is_open(entry) || !entry->by_core)
            continue;
        *any_r = true;
        status = moon_sig_bodies_want(check->arena, &check->core_bodies, entry->sig.body_canon,
                                      entry->sig.body_length, true, &entry->body);
    }
    return status;
}

static enum moon_status run_core(struct moon_dkim_check *check)
{
    struct moon_span chunk = {NULL, 1};
    bool any = false;
    enum moon_status status = want_bodies(check, &any);

    if (!any)
        return status;
    struct moon_body_iter *iter =
        status == MOON_OK ? moon_arena_raw(check->arena, sizeof *iter) : NULL;
    if (iter)
        moon_body_begin(iter, &check->msg->body);
    else
        status = MOON_ENOMEM; /* what want_bodies may say as well: it counts no new bodies */
    while (status == MOON_OK && chunk.n) {
        status = moon_body_next(iter, &chunk);
        if (status == MOON_OK)
            moon_sig_bodies_add(&check->core_bodies, chunk);
    }
    enum moon_status ended = moon_sig_bodies_end(&check->core_bodies);
    if (status == MOON_OK)
        status = ended;
    for (size_t i = 0; status == MOON_OK && i < check->count; i++) {
        struct entry *entry = &check->entries[i];
        if (is_open(entry) && entry->by_core)
            status = moon_sig_verify(check->arena, &entry->sig, &entry->key, check->fields,
                                     &check->core_bodies, entry->body);
    }
    return status;
}

/* --- step 7 --- */

static const char *canonicalization_of(const struct moon_sig *sig)
{
    static const char *const names[2][2] = {{"simple/simple", "simple/relaxed"},
                                            {"relaxed/simple", "relaxed/relaxed"}};
    return names[sig->header_canon][sig->body_canon];
}

static bool listed_again(const struct moon_sig *sig, size_t i)
{
    size_t k = i + 1;
    while (k < sig->name_count && strcmp(sig->names[k].name, sig->names[i].name) != 0)
        k++;
    return k < sig->name_count;
}

/* RFC 6376 section 8.15: a field on top of the signed one of its name, which most programs show. */
static enum moon_status find_unsigned(struct moon_dkim_check *check, const struct moon_sig *sig,
                                      struct moon_dkim_sig *out)
{
    const char **names = moon_arena_array(check->arena, sig->name_count, sizeof *names);

    if (!names)
        return MOON_ENOMEM;
    for (size_t i = 0; i < sig->name_count; i++) {
        struct moon_sig_name next = sig->names[i];
        next.occurrence++;
        if (moon_sig_fields_pick(check->fields, next, sig->field) && !listed_again(sig, i))
            names[out->unsigned_field_count++] = next.name;
    }
    out->unsigned_fields = names;
    return MOON_OK;
}

static enum moon_status report(struct moon_dkim_check *check, const struct entry *entry,
                               struct moon_dkim_sig *out)
{
    const struct moon_sig *sig = &entry->sig;
    const char **headers = moon_arena_array(check->arena, sig->name_count, sizeof *headers);

    if (!headers)
        return MOON_ENOMEM;
    for (size_t i = 0; i < sig->name_count; i++)
        headers[i] = sig->names[i].name;
    bool judged = sig->result == MOON_RESULT_PASS || sig->result == MOON_RESULT_FAIL;
    const struct moon_sig_bodies *bodies = entry->by_core ? &check->core_bodies : &check->bodies;
    int64_t unsigned_bytes = 0;
    if (sig->body_length >= 0)
        unsigned_bytes =
            judged ? bodies->items[entry->body].body.total_bytes - sig->body_length : -1;
    *out = (struct moon_dkim_sig){
        .result = sig->result,
        .reason = sig->reason,
        .domain = sig->domain,
        .selector = sig->selector,
        .identity = sig->identity,
        .algorithm = sig->algorithm_text,
        .canonicalization = sig->tags.count ? canonicalization_of(sig) : NULL,
        .signature_start = sig->signature_start,
        .bits = entry->key.bits,
        .body_length = sig->body_length,
        .unsigned_bytes = unsigned_bytes,
        .signed_at_s = sig->signed_at_s,
        .expires_s = sig->expires_s,
        .testing = entry->key.testing,
        .headers = headers,
        .header_count = sig->name_count,
        .field_index = sig->field->index,
    };
    return find_unsigned(check, sig, out);
}

/* Which word speaks for the message when nothing passed: what may still become a pass first. */
static int rank(enum moon_result result)
{
    static const enum moon_result order[] = {
        MOON_RESULT_PASS, MOON_RESULT_TEMPERROR, MOON_RESULT_POLICY,
        MOON_RESULT_FAIL, MOON_RESULT_PERMERROR, MOON_RESULT_NEUTRAL,
    };
    int i = 0;
    while (i < (int)(sizeof order / sizeof *order) && order[i] != result)
        i++;
    return i;
}

enum moon_status moon_dkim_finish(struct moon_dkim_check *check, struct moon_dkim *dkim_r)
{
    *dkim_r = (struct moon_dkim){.result = MOON_RESULT_NONE, .found = check->found};
    if (check->count == 0)
        return MOON_OK;
    dkim_r->sigs = moon_arena_array(check->arena, check->count, sizeof *dkim_r->sigs);
    check->fields = moon_sig_fields_of(check->arena, check->msg);
    if (!dkim_r->sigs || !check->fields)
        return MOON_ENOMEM;
    enum moon_status status = fetch_keys(check);
    check_covered_fields(check);
    status = status == MOON_OK ? run_library(check) : status;
    status = status == MOON_OK ? run_core(check) : status;
    for (size_t i = 0; status == MOON_OK && i < check->count; i++) {
        status = report(check, &check->entries[i], &dkim_r->sigs[i]);
        if (i == 0 || rank(dkim_r->sigs[i].result) < rank(dkim_r->result))
            dkim_r->result = dkim_r->sigs[i].result;
        dkim_r->count = i + 1;
    }
    return status;
}

const unsigned char *moon_dkim_body_hash(const struct moon_dkim_check *check,
                                         enum moon_sig_canon canon)
{
    for (size_t i = 0; i < check->count; i++) {
        const struct moon_sig *sig = &check->entries[i].sig;
        if (sig->result == MOON_RESULT_PASS && sig->body_canon == canon && sig->body_length < 0)
            return (const unsigned char *)sig->body_hash.p; /* bh=, of MOON_SIG_DIGEST_BYTES */
    }
    return NULL;
}
