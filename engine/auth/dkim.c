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
 * 5. The body is read once and hashed (sig_bodies.c), for ARC as well; an l= beyond it is refused.
 * 6. What is left goes to libopendkim with the fields that some h= names, and with records that we
 *    wrote: it says whether b= is right. A pass needs that, and that bh= is the hash of step 5 (RFC
 *    6376 section 6.1.3).
 * 7. What was left to the core is verified by it.
 * 8. Results: the gate's words for what it refused, the library's or the core's for the rest.
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
    struct moon_sig_body_hash *body; /* while it is not refused */
    bool by_core;                    /* libopendkim would misread it */
};

struct moon_dkim_check {
    struct moon_arena *arena;
    struct moon_dns *dns;
    const struct moon_message *msg;
    const struct moon_sig_fields *fields;
    struct entry *entries;
    size_t count, found;
    struct moon_sig_bodies *bodies;
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
        if (!moon_sig_bodies_want(check->bodies, &entry->sig, &entry->body))
            moon_sig_refuse(&entry->sig, MOON_RESULT_POLICY,
                            "more than 4 different body hashes in one message");
    }
}

const char *moon_dkim_candidate(const struct moon_dkim_check *check, size_t i)
{
    return i < check->count && is_open(&check->entries[i]) ? check->entries[i].sig.domain : NULL;
}

enum moon_status moon_dkim_begin(struct moon_arena *arena, struct moon_dns *dns,
                                 const struct moon_message *msg, struct moon_sig_bodies *bodies,
                                 struct moon_dkim_check **check_r)
{
    struct moon_dkim_check *check = moon_arena_alloc(arena, sizeof *check);

    *check_r = NULL;
    if (!check)
        return MOON_ENOMEM;
    check->arena = arena;
    check->dns = dns;
    check->msg = msg;
    check->bodies = bodies;
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

/* Step 5. Nothing is read when nobody is left. */
static enum moon_status hash_body(struct moon_dkim_check *check)
{
    bool any = false;

    for (size_t i = 0; i < check->count; i++)
        if (is_open(&check->entries[i])) {
            moon_sig_bodies_need(check->entries[i].body);
            any = true;
        }
    enum moon_status status = any ? moon_sig_bodies_make(check->bodies) : MOON_OK;
    for (size_t i = 0; status == MOON_OK && i < check->count; i++) {
        struct entry *entry = &check->entries[i];
        if (is_open(entry) && entry->sig.body_length > entry->body->total_bytes)
            moon_sig_refuse(&entry->sig, MOON_RESULT_PERMERROR, "l= is larger than the body");
    }
    return status;
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

/* Step 6: the open signatures, and in message order the fields that the library shall see. */
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

/* A pass is one of b= so far. */
static void conclude(struct entry *entry, const struct moon_dkim_odk_sig *said)
{
    if (said->result == MOON_RESULT_NONE) /* an old message, checked again */
        entry->by_core = true;
    else if (said->result == MOON_RESULT_PASS && !moon_sig_body_is_signed(entry->body, &entry->sig))
        moon_sig_refuse(&entry->sig, MOON_RESULT_FAIL, "body hash did not verify");
    else
        moon_sig_refuse(&entry->sig, said->result, said->reason);
}

static enum moon_status run_library(struct moon_dkim_check *check)
{
    struct job *job = moon_arena_alloc(check->arena, sizeof *job);
    if (!job)
        return MOON_ENOMEM;
    enum moon_status status = collect_signatures(check, job);
    if (status != MOON_OK || job->sig_count == 0)
        return status;
    status = collect_fields(check, job);
    if (status == MOON_OK)
        status = moon_dkim_odk_verify(job->fields, job->field_count, job->sigs, job->sig_count);
    for (size_t i = 0; status == MOON_OK && i < job->sig_count; i++)
        conclude(job->entries[i], &job->sigs[i]);
    return status;
}

/* Step 7. */
static enum moon_status run_core(struct moon_dkim_check *check)
{
    enum moon_status status = MOON_OK;

    for (size_t i = 0; status == MOON_OK && i < check->count; i++) {
        struct entry *entry = &check->entries[i];
        if (is_open(entry) && entry->by_core)
            status =
                moon_sig_verify(check->arena, &entry->sig, &entry->key, check->fields, entry->body);
    }
    return status;
}

/* --- step 8 --- */

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
    int64_t unsigned_bytes = 0;
    if (sig->body_length >= 0)
        unsigned_bytes = judged ? entry->body->total_bytes - sig->body_length : -1;
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
    status = status == MOON_OK ? hash_body(check) : status;
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
