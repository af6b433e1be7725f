/* SPDX-License-Identifier: MIT
 *
 * arc: RFC 8617 section 5.2 from step 4 on; arc_set.c has done steps 1 to 3.
 *
 * begin:
 * 1. Which keys: of the newest signature and of all seals; then of the older signatures, while
 * there are fewer than MOON_KEYS_MAX distinct ones. The first few are asked for at once.
 * 2. Which body hashes are needed, at most MOON_SIG_BODIES_MAX distinct ones.
 * finish:
 * 3. The rest of the keys is asked for; the body is read, if DKIM has not read it for us.
 * 4. The newest signature must verify (section 5.2, step 4).
 * 5. Every seal must verify, the newest first (step 6). The hashes are made beforehand, oldest
 *    first: what a seal covers begins with all that the older ones cover.
 * 6. The older signatures, until one fails: oldest-pass (step 5, which changes no result and is
 *    not worth its price before step 6).
 */
#include "engine/auth/arc.h"

#include <string.h>

#include "engine/auth/arc_set.h"
#include "engine/auth/sig_hash.h"
#include "engine/auth/sig_pkey.h"
#include "engine/base/limits.h"

struct arc_key {
    const char *name;
    const struct moon_dns_answer *answer; /* NULL: not read yet */
    struct moon_sig_key key;
};

/* What is known of one instance beside its fields. */
struct state {
    struct arc_key *seal_key, *signature_key; /* NULL: not to be asked for */
    struct moon_sig_body_hash *body;          /* NULL: not to be known */
    enum moon_arc_body verdict;
    unsigned char hash[MOON_SIG_DIGEST_BYTES]; /* of what the seal covers */
};

struct moon_arc_check {
    struct moon_arena *arena;
    struct moon_dns *dns;
    const struct moon_message *msg;
    struct moon_arc_sets sets;
    struct state *states; /* [1] to [highest]; NULL when there is no chain to verify */
    struct arc_key keys[MOON_ARC_INSTANCES_MAX + 1]; /* all seals and the newest signature */
    size_t key_count;
    struct moon_sig_bodies *bodies;
    const struct moon_sig_fields *fields;
    int oldest_pass;
    bool temperror;
};

_Static_assert(MOON_KEYS_MAX <= MOON_ARC_INSTANCES_MAX + 1, "older signatures' keys fit as well");

/* --- begin --- */

/* The key's place, made when it is new and there are fewer than `max`; else NULL. */
static struct arc_key *want_key(struct moon_arc_check *check, const char *name, size_t max)
{
    for (size_t i = 0; i < check->key_count; i++)
        if (strcmp(check->keys[i].name, name) == 0)
            return &check->keys[i];
    if (check->key_count >= max)
        return NULL;
    struct arc_key *key = &check->keys[check->key_count++];
    key->name = name;
    return key;
}

/* Step 1. */
static void want_keys(struct moon_arc_check *check)
{
    const struct moon_arc_entry *entries = check->sets.entries;
    unsigned newest = check->sets.highest;
    size_t all = sizeof check->keys / sizeof *check->keys;

    check->states[newest].signature_key = want_key(check, entries[newest].signature.key_name, all);
    for (unsigned i = newest; i > 0; i--)
        check->states[i].seal_key = want_key(check, entries[i].seal.key_name, all);
    for (unsigned i = newest - 1; i > 0; i--)
        if (entries[i].signature.result == MOON_RESULT_NONE)
            check->states[i].signature_key =
                want_key(check, entries[i].signature.key_name, MOON_KEYS_MAX);
    for (size_t i = 0; i < check->key_count && i < MOON_ARC_EARLY_KEYS_MAX; i++)
        (void)moon_dns_start(check->dns, check->keys[i].name, MOON_DNS_TYPE_TXT);
}

/* Step 2. The newest comes first, so that it always has its place. */
static void want_bodies(struct moon_arc_check *check)
{
    for (unsigned i = check->sets.highest; i > 0; i--) {
        const struct moon_sig *sig = &check->sets.entries[i].signature;
        struct state *state = &check->states[i];
        if (sig->result == MOON_RESULT_NONE &&
            moon_sig_bodies_want(check->bodies, sig, &state->body))
            moon_sig_bodies_need(state->body);
    }
}

enum moon_status moon_arc_begin(struct moon_arena *arena, struct moon_dns *dns,
                                const struct moon_message *msg, struct moon_sig_bodies *bodies,
                                struct moon_arc_check **check_r)
{
    struct moon_arc_check *check = moon_arena_alloc(arena, sizeof *check);

    *check_r = NULL;
    if (!check)
        return MOON_ENOMEM;
    check->arena = arena;
    check->dns = dns;
    check->msg = msg;
    check->oldest_pass = -1;
    check->bodies = bodies;
    enum moon_status status = moon_arc_collect(arena, msg, &check->sets);
    if (status == MOON_OK && check->sets.highest && !check->sets.failed) {
        check->states = moon_arena_array(arena, check->sets.highest + 1, sizeof *check->states);
        if (!check->states)
            return MOON_ENOMEM;
        want_keys(check);
        want_bodies(check);
    }
    if (status == MOON_OK)
        *check_r = check;
    return status;
}

/* --- finish --- */

static void compare_bodies(struct moon_arc_check *check)
{
    for (unsigned i = 1; i <= check->sets.highest; i++) {
        const struct moon_sig *sig = &check->sets.entries[i].signature;
        struct state *state = &check->states[i];
        if (!state->body)
            continue;
        bool intact = moon_sig_body_is_signed(state->body, sig) &&
                      sig->body_length <= state->body->total_bytes;
        state->verdict = intact ? MOON_ARC_BODY_INTACT : MOON_ARC_BODY_CHANGED;
    }
}

/* Waits for the key if need be; refuses the signature when there is no key that fits. */
static enum moon_status apply_key(struct moon_arc_check *check, struct arc_key *key,
                                  struct moon_sig *sig)
{
    enum moon_status status = MOON_OK;

    if (!key->answer) {
        key->answer = moon_dns_wait(check->dns, key->name, MOON_DNS_TYPE_TXT);
        status = moon_sig_key_of_answer(check->arena, key->answer, &key->key);
    }
    if (status == MOON_OK)
        moon_sig_key_check(&key->key, sig);
    return status;
}

static enum moon_status fail_of(struct moon_arc_check *check, enum moon_arc_part part, unsigned i,
                                const struct moon_sig *sig)
{
    if (sig->result == MOON_RESULT_TEMPERROR) /* RFC 8617 section 5.2.1: a fail all the same */
        check->temperror = true;
    return moon_arc_fail(&check->sets, part, i, sig->reason);
}

/* Steps 4 and 6. */
static enum moon_status verify_signature(struct moon_arc_check *check, unsigned i)
{
    struct moon_sig *sig = &check->sets.entries[i].signature;
    struct state *state = &check->states[i];
    enum moon_status status = apply_key(check, state->signature_key, sig);

    if (status == MOON_OK)
        status = moon_sig_verify(check->arena, sig, &state->signature_key->key, check->fields,
                                 state->body);
    return status;
}

static void add_relaxed(struct moon_sig_digest *digest, struct moon_span raw)
{
    moon_sig_canon_field(MOON_SIG_CANON_RELAXED, raw, moon_sig_digest_add, digest);
}

/* Step 5, RFC 8617 section 5.1.1: per set AAR, AMS, AS; of the set's own seal without the value of
 * b= and without the last CRLF. */
static enum moon_status hash_seals(struct moon_arc_check *check)
{
    struct moon_sig_digest all, own;
    unsigned char unused[MOON_SIG_DIGEST_BYTES];
    enum moon_status status = MOON_OK;

    moon_sig_digest_begin(&all);
    for (unsigned i = 1; status == MOON_OK && i <= check->sets.highest; i++) {
        const struct moon_arc_entry *entry = &check->sets.entries[i];
        struct moon_span text;
        if (!moon_sig_unsigned_text(check->arena, &entry->seal, &text)) {
            status = MOON_ENOMEM;
            break;
        }
        add_relaxed(&all, entry->results_field->raw);
        moon_sig_digest_add(&all, "\r\n", 2);
        add_relaxed(&all, entry->signature_field->raw);
        moon_sig_digest_add(&all, "\r\n", 2);
        moon_sig_digest_fork(&all, &own);
        add_relaxed(&own, text);
        if (!moon_sig_digest_end(&own, check->states[i].hash))
            status = MOON_ENOMEM;
        add_relaxed(&all, entry->seal_field->raw);
        moon_sig_digest_add(&all, "\r\n", 2);
    }
    if (!moon_sig_digest_end(&all, unused))
        status = MOON_ENOMEM;
    return status;
}

static enum moon_status verify_seal(struct moon_arc_check *check, unsigned i)
{
    struct moon_sig *seal = &check->sets.entries[i].seal;
    struct state *state = &check->states[i];
    bool valid;
    enum moon_status status = apply_key(check, state->seal_key, seal);

    if (status != MOON_OK || seal->result != MOON_RESULT_NONE)
        return status;
    status = moon_sig_pkey_verify(&state->seal_key->key, state->hash, seal->signature, &valid);
    if (status == MOON_OK)
        moon_sig_refuse(seal, valid ? MOON_RESULT_PASS : MOON_RESULT_FAIL,
                        valid ? "" : "signature did not verify");
    return status;
}

static enum moon_status verify_seals(struct moon_arc_check *check)
{
    enum moon_status status = hash_seals(check);

    for (unsigned i = check->sets.highest; status == MOON_OK && i > 0; i--) {
        struct moon_sig *seal = &check->sets.entries[i].seal;
        status = verify_seal(check, i);
        if (status == MOON_OK && seal->result != MOON_RESULT_PASS)
            return fail_of(check, MOON_ARC_PART_SEAL, i, seal);
    }
    return status;
}

static size_t header_bytes(const struct moon_message *msg)
{
    size_t bytes = 0;
    for (size_t i = 0; i < msg->field_count; i++)
        bytes += msg->fields[i].raw.n;
    return bytes;
}

/* Step 6. */
static enum moon_status find_oldest_pass(struct moon_arc_check *check)
{
    size_t bytes = 0, header = header_bytes(check->msg);

    for (unsigned i = check->sets.highest - 1; i > 0; i--) {
        struct moon_sig *sig = &check->sets.entries[i].signature;
        struct state *state = &check->states[i];
        bytes += header;
        if (sig->result == MOON_RESULT_NONE &&
            (!state->signature_key || !state->body || bytes > MOON_ARC_OLDER_BYTES_MAX))
            return MOON_OK; /* beyond the limits: not known */
        enum moon_status status =
            sig->result == MOON_RESULT_NONE ? verify_signature(check, i) : MOON_OK;
        if (status != MOON_OK)
            return status;
        if (sig->result != MOON_RESULT_PASS) {
            check->oldest_pass = (int)i + 1;
            return MOON_OK;
        }
    }
    check->oldest_pass = 0;
    return MOON_OK;
}

static enum moon_status verify(struct moon_arc_check *check)
{
    unsigned newest = check->sets.highest;
    struct moon_sig *sig = &check->sets.entries[newest].signature;

    for (size_t i = 0; i < check->key_count; i++) /* step 3 */
        (void)moon_dns_start(check->dns, check->keys[i].name, MOON_DNS_TYPE_TXT);
    check->fields = moon_sig_fields_of(check->arena, check->msg);
    enum moon_status status = check->fields ? moon_sig_bodies_make(check->bodies) : MOON_ENOMEM;
    if (status != MOON_OK)
        return status;
    compare_bodies(check);
    status = verify_signature(check, newest); /* step 4 */
    if (status == MOON_OK && sig->result != MOON_RESULT_PASS)
        return fail_of(check, MOON_ARC_PART_SIGNATURE, newest, sig);
    if (status == MOON_OK)
        status = verify_seals(check);
    if (status == MOON_OK && !check->sets.failed)
        status = find_oldest_pass(check);
    return status;
}

/* --- what came out --- */

static bool covers_from(const struct moon_sig *sig)
{
    for (size_t i = 0; i < sig->name_count; i++)
        if (strcmp(sig->names[i].name, "from") == 0)
            return true;
    return false;
}

static struct moon_arc_signature signature_of(const struct moon_arc_entry *entry,
                                              const struct state *state)
{
    const struct moon_sig *sig = &entry->signature;

    if (!entry->signature_field)
        return (struct moon_arc_signature){
            .reason = "", .body_length = -1, .signed_at_s = -1, .expires_s = -1};
    return (struct moon_arc_signature){
        .result = sig->result,
        .reason = sig->reason,
        .domain = sig->domain,
        .selector = sig->selector,
        .algorithm = sig->algorithm_text,
        .bits = state && state->signature_key ? state->signature_key->key.bits : 0,
        .body_length = sig->body_length,
        .signed_at_s = sig->signed_at_s,
        .expires_s = sig->expires_s,
        .body = state ? state->verdict : MOON_ARC_BODY_UNKNOWN,
        .covers_from = covers_from(sig),
    };
}

static struct moon_arc_set set_of(const struct moon_arc_check *check, unsigned i)
{
    const struct moon_arc_entry *entry = &check->sets.entries[i];
    const struct state *state = check->states ? &check->states[i] : NULL;
    bool sealed = entry->seal_field != NULL;

    return (struct moon_arc_set){
        .instance = i,
        .domain = entry->seal.domain,
        .selector = entry->seal.selector,
        .cv = entry->cv,
        .authserv_id = entry->results.authserv_id,
        .seal_result = entry->seal.result,
        .seal_reason = sealed ? entry->seal.reason : "",
        .algorithm = entry->seal.algorithm_text,
        .bits = state && state->seal_key ? state->seal_key->key.bits : 0,
        .signed_at_s = sealed ? entry->seal.signed_at_s : -1,
        .signature = signature_of(entry, state),
        .results = entry->results.results,
        .result_count = entry->results.result_count,
    };
}

static enum moon_status list_sets(const struct moon_arc_check *check, struct moon_arc *arc)
{
    for (unsigned i = 1; i <= check->sets.highest; i++) {
        const struct moon_arc_entry *entry = &check->sets.entries[i];
        if (!entry->seal_field && !entry->signature_field && !entry->results_field)
            continue;
        arc->sets = moon_arena_append(check->arena, arc->sets, arc->set_count, sizeof *arc->sets);
        if (!arc->sets) {
            arc->set_count = 0;
            return MOON_ENOMEM;
        }
        arc->sets[arc->set_count++] = set_of(check, i);
        if (check->states && check->states[i].verdict == MOON_ARC_BODY_CHANGED)
            arc->body_changed_after = i;
    }
    return MOON_OK;
}

enum moon_status moon_arc_finish(struct moon_arc_check *check, struct moon_arc *arc_r)
{
    const struct moon_arc_sets *sets = &check->sets;
    size_t found = sets->counts[MOON_ARC_PART_SEAL] + sets->counts[MOON_ARC_PART_SIGNATURE] +
                   sets->counts[MOON_ARC_PART_RESULTS];
    enum moon_status status = check->states ? verify(check) : MOON_OK;

    *arc_r = (struct moon_arc){
        .result = MOON_RESULT_NONE,
        .reason = "",
        .instances = sets->highest,
        .seal_count = sets->counts[MOON_ARC_PART_SEAL],
        .signature_count = sets->counts[MOON_ARC_PART_SIGNATURE],
        .results_count = sets->counts[MOON_ARC_PART_RESULTS],
        .oldest_pass = check->oldest_pass,
    };
    if (status != MOON_OK || found == 0)
        return status;
    arc_r->verified = true;
    arc_r->result = sets->failed ? MOON_RESULT_FAIL : MOON_RESULT_PASS;
    if (sets->failed) {
        arc_r->reason = sets->reason;
        arc_r->temperror = check->temperror;
        arc_r->failed_instance = sets->failed_instance;
        arc_r->failed_part = moon_arc_part_name(sets->failed_part);
    }
    return list_sets(check, arc_r);
}
