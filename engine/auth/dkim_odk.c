/* SPDX-License-Identifier: MIT
 *
 * dkim_odk: drives libopendkim 2.11.
 *
 * 1. A sentinel field of a random name goes in first: the library writes behind its list of fields
 *    when a signature names every field it was given, and nobody can name this one.
 * 2. The chosen fields. A signature field that it does not take is never believed afterwards.
 * 3. End of header: DELAYSIGPROC, so no key is asked for yet; BADSIGHANDLES, so that a From it
 *    cannot read does not lose the signatures.
 * 4. The list of signatures must be ours, one to one.
 * 5. Each signature is processed singly, as dkim_eoh() itself does without DELAYSIGPROC: now it
 * asks the callback for the key (answered from memory), and compares b= with the hash over the
 * fields, which dkim_eoh() has made. dkim_body() and dkim_eom() are not called: its
 * canonicalization of bodies goes byte by byte and drops a CR alone. What it has begun for the body
 * is freed unused.
 * 6. So its word is about b= alone: error (still unknown when b= is right) and flag together.
 *    dkim_eom() would have looked at the size of RSA keys; that is done here.
 * Never used: its DNS, cache, temporary files, FIXCRLF, dkim_ohdrs and the like.
 */
#include "engine/auth/dkim_odk.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

#include <opendkim/dkim.h>

#include "engine/base/limits.h"

struct odk {
    DKIM *dkim;
    DKIM_SIGINFO **list; /* borrowed from `dkim` */
    struct moon_dkim_odk_sig *sigs;
    size_t sig_count;
    const char *broken; /* why nothing it says can be used, or NULL */
};

static DKIM_LIB *library; /* of the process; never closed */

/* Step 5. Never any other answer than these two: the library handles the rest badly. */
static DKIM_CBSTAT key_of_memory(DKIM *dkim, DKIM_SIGINFO *info, u_char *out, size_t size)
{
    const struct odk *odk = dkim_get_user_context(dkim);

    for (size_t i = 0; odk && odk->list && i < odk->sig_count; i++) {
        if (odk->list[i] != info)
            continue;
        size_t n = strlen(odk->sigs[i].record);
        if (n >= size)
            return DKIM_CBSTAT_NOTFOUND;
        memcpy(out, odk->sigs[i].record, n + 1);
        return DKIM_CBSTAT_CONTINUE;
    }
    return DKIM_CBSTAT_NOTFOUND;
}

enum moon_status moon_dkim_odk_prepare(void)
{
    unsigned flags = DKIM_LIBFLAGS_DELAYSIGPROC | DKIM_LIBFLAGS_BADSIGHANDLES;

    if (library)
        return MOON_OK;
    DKIM_LIB *opened = dkim_init(NULL, NULL);
    if (!opened)
        return MOON_ENOMEM;
    if (dkim_options(opened, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags) !=
            DKIM_STAT_OK ||
        dkim_set_key_lookup(opened, key_of_memory) != DKIM_STAT_OK) {
        dkim_close(opened);
        return MOON_ENOMEM;
    }
    library = opened;
    return MOON_OK;
}

/* Step 1. False when the system has no random bytes. */
static bool give_sentinel(DKIM *dkim)
{
    uint64_t random[2];
    char field[64];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    int n = snprintf(field, sizeof field, "x-%016llx%016llx: 1", (unsigned long long)random[0],
                     (unsigned long long)random[1]);
    return n > 0 && dkim_header(dkim, (u_char *)field, (size_t)n) == DKIM_STAT_OK;
}

static bool is_signature(const struct odk *odk, const struct moon_field *field)
{
    for (size_t i = 0; i < odk->sig_count; i++)
        if (odk->sigs[i].field == field)
            return true;
    return false;
}

/* Step 2. */
static void give_fields(struct odk *odk, const struct moon_field *const *fields, size_t count)
{
    for (size_t i = 0; i < count && !odk->broken; i++) {
        struct moon_span raw = fields[i]->raw;
        DKIM_STAT stat = dkim_header(odk->dkim, (u_char *)raw.p, raw.n);
        /* A field that it does not take is missing for the signatures that name it: they fail. */
        if (stat != DKIM_STAT_OK && is_signature(odk, fields[i]))
            odk->broken = "libopendkim does not take a signature field";
    }
}

/* Steps 3 and 4. */
static void end_header(struct odk *odk)
{
    int count = 0;
    DKIM_STAT stat = dkim_eoh(odk->dkim);

    if (stat != DKIM_STAT_OK && stat != DKIM_STAT_NOSIG)
        odk->broken = "libopendkim does not take the header";
    else if (dkim_getsiglist(odk->dkim, &odk->list, &count) != DKIM_STAT_OK || count < 0 ||
             (size_t)count != odk->sig_count)
        odk->broken = "libopendkim counts other signatures";
    if (odk->broken)
        odk->list = NULL;
}

static const struct {
    DKIM_SIGERROR error;
    enum moon_result result;
    const char *reason;
} meanings[] = {
    {DKIM_SIGERROR_NOKEY, MOON_RESULT_PERMERROR, "no key at the selector"},
    {DKIM_SIGERROR_KEYFAIL, MOON_RESULT_TEMPERROR, "the key cannot be read now"},
    {DKIM_SIGERROR_DNSSYNTAX, MOON_RESULT_PERMERROR, "the key record is no valid tag list"},
    {DKIM_SIGERROR_KEYREVOKED, MOON_RESULT_PERMERROR, "the key is revoked"},
    {DKIM_SIGERROR_KEYDECODE, MOON_RESULT_PERMERROR, "the key cannot be decoded"},
    {DKIM_SIGERROR_KEYTYPEMISSING, MOON_RESULT_PERMERROR, "k= of the key is missing"},
    {DKIM_SIGERROR_KEYTYPEUNKNOWN, MOON_RESULT_PERMERROR, "k= of the key is unknown"},
    {DKIM_SIGERROR_KEYHASHMISMATCH, MOON_RESULT_PERMERROR, "h= of the key does not allow sha256"},
    {DKIM_SIGERROR_KEYUNKNOWNHASH, MOON_RESULT_PERMERROR, "h= of the key does not allow sha256"},
    {DKIM_SIGERROR_NOTEMAILKEY, MOON_RESULT_PERMERROR, "s= of the key does not allow mail"},
    {DKIM_SIGERROR_KEYVERSION, MOON_RESULT_PERMERROR, "the key record is of another version"},
    {DKIM_SIGERROR_SUBDOMAIN, MOON_RESULT_PERMERROR, "the key (t=s) forbids i= of a subdomain"},
    {DKIM_SIGERROR_DOMAIN, MOON_RESULT_PERMERROR, "i= is not within d="},
    {DKIM_SIGERROR_INVALID_H, MOON_RESULT_PERMERROR, "h= does not name From"},
    {DKIM_SIGERROR_BADSIG, MOON_RESULT_FAIL, "signature did not verify"},
    /* By the clock of now; the gate has looked at the time of reception. */
    {DKIM_SIGERROR_EXPIRED, MOON_RESULT_NONE, ""},
    {DKIM_SIGERROR_FUTURE, MOON_RESULT_NONE, ""},
    {DKIM_SIGERROR_TIMESTAMPS, MOON_RESULT_PERMERROR, "x= is not later than t="},
};

static bool is_small_key(DKIM_SIGINFO *info)
{
    unsigned bits; /* 0: of Ed25519 */
    return dkim_sig_getkeysize(info, &bits) == DKIM_STAT_OK && bits && bits < MOON_RSA_BITS_MIN;
}

/* Step 6. */
static void judge(DKIM_SIGINFO *info, struct moon_dkim_odk_sig *sig)
{
    int error = dkim_sig_geterror(info);
    bool passed = (dkim_sig_getflags(info) & DKIM_SIGFLAG_PASSED) != 0;

    sig->result = MOON_RESULT_NEUTRAL;
    sig->reason = "libopendkim cannot process the signature";
    if (error == DKIM_SIGERROR_UNKNOWN && passed) {
        bool small = is_small_key(info);
        sig->result = small ? MOON_RESULT_POLICY : MOON_RESULT_PASS;
        sig->reason = small ? "the key has less than 1024 bits (RFC 8301)" : "";
    }
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].error == error) {
            sig->result = meanings[i].result;
            sig->reason = meanings[i].reason;
        }
}

/* Steps 1 to 6. */
static void verify(struct odk *odk, const struct moon_field *const *fields, size_t field_count)
{
    if (dkim_set_user_context(odk->dkim, odk) != DKIM_STAT_OK || !give_sentinel(odk->dkim))
        odk->broken = "libopendkim cannot be used";
    give_fields(odk, fields, field_count);
    if (!odk->broken)
        end_header(odk);
    for (size_t i = 0; i < odk->sig_count; i++) {
        if (odk->broken) {
            odk->sigs[i].result = MOON_RESULT_NEUTRAL;
            odk->sigs[i].reason = odk->broken;
        } else {
            (void)dkim_sig_process(odk->dkim, odk->list[i]); /* error and flag tell the same */
            judge(odk->list[i], &odk->sigs[i]);
        }
    }
}

enum moon_status moon_dkim_odk_verify(const struct moon_field *const *fields, size_t field_count,
                                      struct moon_dkim_odk_sig *sigs, size_t sig_count)
{
    static const u_char id[] = "moonscan";
    struct odk odk = {.sigs = sigs, .sig_count = sig_count};
    DKIM_STAT stat;

    if (moon_dkim_odk_prepare() != MOON_OK)
        return MOON_ENOMEM;
    odk.dkim = dkim_verify(library, id, NULL, &stat);
    if (!odk.dkim)
        return MOON_ENOMEM;
    verify(&odk, fields, field_count);
    (void)dkim_free(odk.dkim); /* nothing can be done about a failure */
    return MOON_OK;
}
