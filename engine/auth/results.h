/* SPDX-License-Identifier: MIT
 *
 * results: what authentication found out about one message. Filled by the files of this room in
 * the order of verdict/scan.c, then sealed: policies, reports and the command line see it const.
 * Words are RFC 8601's. Strings live in the message's arena; NULL means "not there".
 */
#ifndef MOON_AUTH_RESULTS_H
#define MOON_AUTH_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/dns/dns.h"
#include "engine/message/address.h"
#include "engine/message/forwarding.h"
#include "engine/message/list_id.h"

/* RFC 8601 section 2.7, for every method. */
enum moon_result {
    MOON_RESULT_NONE = 0,
    MOON_RESULT_PASS,
    MOON_RESULT_FAIL,
    MOON_RESULT_SOFTFAIL, /* SPF only */
    MOON_RESULT_NEUTRAL,
    MOON_RESULT_POLICY, /* valid, or might be, but not acceptable to us: limits, weak keys */
    MOON_RESULT_TEMPERROR,
    MOON_RESULT_PERMERROR,
};
/* "none", "pass", ...: a constant. */
const char *moon_result_name(enum moon_result result);

/* What the evaluation of a term came to. */
enum moon_spf_outcome {
    MOON_SPF_OUTCOME_NO_MATCH = 0,
    MOON_SPF_OUTCOME_MATCH,
    MOON_SPF_OUTCOME_VOID,     /* no match, and DNS has nothing there: counted as void */
    MOON_SPF_OUTCOME_ERROR,    /* the check ended here, or in a record that this led to */
    MOON_SPF_OUTCOME_FOLLOWED, /* redirect */
};
/* "no match", "match", "void", "error", "followed": a constant. */
const char *moon_spf_outcome_name(enum moon_spf_outcome outcome);

/* One term that was evaluated; the terms of the record that an include or redirect led to follow
 * it, one deeper. */
struct moon_spf_step {
    const char *domain;    /* whose record it stands in, normalized */
    struct moon_span term; /* as published */
    unsigned more;         /* further ip4 and ip6 right behind it that did not match either */
    unsigned depth;        /* 0: the record of the identity */
    enum moon_spf_outcome outcome;
    /* Of a match its qualifier; of an include that does not match, and of a redirect, that of the
     * record they led to; of an error the check's; else none. */
    enum moon_result result;
    unsigned lookups; /* terms counted so far, this one included */
};

/* One check_host() of RFC 7208. */
struct moon_spf {
    enum moon_result result;
    const char *reason;  /* why, for people; "" when the result says it all */
    const char *domain;  /* the identity checked, normalized; NULL when there was none to check */
    const char *scope;   /* "mfrom" or "helo" */
    const char *sender;  /* local@domain as used for macros */
    const char *matched; /* the term that decided, as published ("include:_spf.example") */
    const char *explanation; /* of exp=, only on fail; printable ASCII, or NULL */
    const char *record;      /* the record of `domain`, or NULL */
    unsigned lookups;        /* terms counted against the limit of 10 */
    unsigned voids;
    const struct moon_spf_step *steps; /* the terms evaluated, in order; bounded by the limits */
    size_t step_count;
    bool aligned; /* with the Author Domain under the DMARC record's aspf; only of mfrom */
};

/* One DKIM-Signature field, in message order. Also kept for what is no valid signature at all. */
struct moon_dkim_sig {
    enum moon_result result;
    const char *reason;
    const char *domain;           /* d=, normalized; NULL when it cannot be read */
    const char *selector;         /* s= */
    const char *identity;         /* i=, decoded; "@d" when absent */
    const char *algorithm;        /* a=, as written */
    const char *canonicalization; /* "relaxed/simple", both parts always named */
    const char *signature_start;  /* first 8 characters of b=, for header.b (RFC 6008) */
    unsigned bits;                /* of the key; 256 for Ed25519; 0 unknown */
    int64_t body_length;          /* l=, or -1 */
    int64_t unsigned_bytes; /* of the canonical body behind l=; 0 without l=, -1 unless the result
                               is pass or fail */
    int64_t signed_at_s, expires_s; /* t=, x=, or -1 */
    bool testing;                   /* t=y of the key */
    bool aligned;                   /* d= with the Author Domain under adkim; any result */
    const char *const *headers;     /* h=, lower case, as listed */
    size_t header_count;
    const char *const *unsigned_fields; /* names in h= of which the message has more fields than the
                                           signature covers: somebody may have added one on top */
    size_t unsigned_field_count;
    uint32_t field_index; /* moon_field.index */
};

struct moon_dkim {
    enum moon_result
        result; /* of the message: pass if any, else the best other; none without any */
    struct moon_dkim_sig *sigs;
    size_t count;
    size_t found; /* fields named DKIM-Signature; more than `count` when the limit was hit */
};

/* What a sealer wrote of one method into its ARC-Authentication-Results (RFC 8601 section 2.2):
 * words in lower case, values decoded. Worth what the sealer is worth, and nothing unless the chain
 * passes. */
struct moon_arc_property {
    const char *name; /* "smtp.mailfrom" */
    const char *value;
};
struct moon_arc_result {
    const char *method, *result;          /* "dmarc", "pass" */
    const char *reason;                   /* or NULL */
    struct moon_arc_property *properties; /* each name once: the first */
    size_t property_count;
};

/* Is the body what the signer of an ARC-Message-Signature saw? */
enum moon_arc_body { MOON_ARC_BODY_UNKNOWN = 0, MOON_ARC_BODY_INTACT, MOON_ARC_BODY_CHANGED };

/* An ARC-Message-Signature. */
struct moon_arc_signature {
    enum moon_result result; /* NONE: not looked at */
    const char *reason;
    const char *domain, *selector, *algorithm; /* d=, s=, a=; NULL when they cannot be read */
    unsigned bits;
    int64_t body_length, signed_at_s, expires_s; /* l=, t=, x=, or -1 */
    enum moon_arc_body body;
    bool covers_from; /* From is in h= */
};

/* The three fields of one instance; what is missing leaves its members NULL. */
struct moon_arc_set {
    unsigned instance;
    const char *domain, *selector; /* of the seal */
    const char *cv;                /* as the sealer wrote it */
    const char *authserv_id;
    enum moon_result seal_result; /* NONE: not looked at */
    const char *seal_reason;
    const char *algorithm; /* of the seal */
    unsigned bits;
    int64_t signed_at_s; /* of the seal, or -1 */
    struct moon_arc_signature signature;
    struct moon_arc_result *results; /* in the order written */
    size_t result_count;
};

struct moon_arc {
    enum moon_result result; /* none, pass, fail (RFC 8617 section 4.4) */
    const char *reason;      /* of fail: names field and instance; else "" */
    bool verified;           /* there were fields, and the whole procedure was run on them */
    bool temperror;          /* the fail is for want of a DNS answer: another try might pass */
    unsigned instances;      /* highest instance found; 0 without ARC fields */
    size_t seal_count, signature_count, results_count; /* fields found of the three kinds */
    struct moon_arc_set *sets;                         /* by instance */
    size_t set_count;
    int oldest_pass; /* of a pass: the oldest instance whose signature still verifies, 0 when all
                        do, -1 when limits kept us from looking */
    unsigned failed_instance;    /* of a fail; 0: no one instance */
    const char *failed_part;     /* of a fail: "seal", "signature", "results", "structure" */
    unsigned body_changed_after; /* the newest instance whose signature was made over another
                                    body; 0: none that is known */
};

/* The newest set sealed by exactly this domain (normalized) that still binds: the chain passes, and
 * the set is the newest of all or its own signature of the message still verifies; else NULL. A set
 * below somebody else's changes says nothing about the message as it is now: anybody can put his
 * own seal on top of a good chain. */
const struct moon_arc_set *moon_arc_sealed_by(const struct moon_arc *arc, const char *domain);

/* Does that set say that the method ("spf", "dkim", "dmarc", ...) passed? Its signature must cover
 * From; a header.from that it names must be the Author Domain of now (NULL: there is none). Of
 * several entries of a method the first counts; of dkim, which has one for each signature, any. */
bool moon_arc_vouches(const struct moon_arc *arc, const char *domain, const char *method,
                      const char *author_domain);

/* What a domain owner asks for (RFC 9989 section 4.7, p, sp, np). */
enum moon_dmarc_policy {
    MOON_DMARC_POLICY_ABSENT = 0,
    MOON_DMARC_POLICY_NONE,
    MOON_DMARC_POLICY_QUARANTINE,
    MOON_DMARC_POLICY_REJECT,
};
/* "none", "quarantine", "reject"; "" for absent. */
const char *moon_dmarc_policy_name(enum moon_dmarc_policy policy);

enum moon_dmarc_discovery { MOON_DMARC_DISCOVERY_TREEWALK, MOON_DMARC_DISCOVERY_PSL };

/* Does the domain say that it sends and receives no mail (auth/dmarc_parked.h)? */
enum moon_dmarc_parked {
    MOON_DMARC_PARKED_UNKNOWN = 0, /* DNS did not say */
    MOON_DMARC_PARKED_NO,
    MOON_DMARC_PARKED_YES,
};

struct moon_dmarc_tag {
    const char *name, *value;
};

struct moon_dmarc {
    enum moon_result result; /* none, pass, fail, temperror, permerror */
    const char *reason;
    enum moon_dmarc_policy policy;    /* asked for this message: after p/sp/np and t (or pct) */
    enum moon_dmarc_policy published; /* the tag that applied, before t */
    const char *published_tag;        /* "p", "sp" or "np" */
    const char *record;               /* text of the DMARC Policy Record, or NULL */
    struct moon_dmarc_tag *tags;      /* all tags of the record, as published */
    size_t tag_count;
    const char *policy_domain;         /* where the record was found */
    const char *organizational_domain; /* of the Author Domain */
    enum moon_dmarc_discovery discovery;
    bool testing;          /* t=y */
    char psd;              /* 'y', 'n' or 'u' */
    char adkim, aspf;      /* 'r' or 's' */
    bool dkim_aligned;     /* a passing DKIM identifier is aligned */
    bool spf_aligned;      /* the passing SPF identifier is aligned */
    const char *error;     /* what was wrong in the records met, for reports; or NULL */
    unsigned walk_queries; /* DNS names asked by the tree walks */
    bool bimi_eligible;    /* the policies of Author and Organizational Domain suffice for BIMI */
    enum moon_dmarc_parked parked; /* of the Author Domain */
};

/* Would a receiver act differently, or report another alignment? */
bool moon_dmarc_differs(const struct moon_dmarc *a, const struct moon_dmarc *b);

/* The mailing list that a message names, and whether its domain's owner stands behind that. */
struct moon_mailing_list {
    struct moon_list_id id;
    bool verified;           /* a DKIM signature or SPF passed for the list's domain */
    const char *verified_by; /* "dkim" or "spf"; NULL: not verified */
    const char *verified_domain;
};

/* What the envelope sender says of forwarding. */
struct moon_forwarded {
    struct moon_forwarding by;
    bool verified; /* SPF passed for the forwarder: it did send this message */
};

struct moon_results;
/* Whose mail it says it is: the registrable domain of the Author Domain by the Public Suffix List
 * (RFC 7489 section 3.2), so that all below one registration is one sender, whatever DMARC records
 * its owner publishes. NULL without an Author Domain. */
const char *moon_results_author_organization(const struct moon_results *results);
/* Is that proven: did SPF or a DKIM signature pass for a name of the same organization? */
bool moon_results_author_proven(const struct moon_results *results);

struct moon_results {
    struct moon_from from;
    struct moon_spf spf;      /* MAIL FROM (or postmaster@HELO for the null sender) */
    struct moon_spf spf_helo; /* the HELO identity */
    struct moon_dkim dkim;
    struct moon_arc arc;
    struct moon_dmarc dmarc;
    struct moon_mailing_list list;
    struct moon_forwarded forwarding;
    const struct moon_dmarc *dmarc_other; /* by the other discovery, for comparison only; or NULL */
    enum moon_result iprev;               /* pass when session.host_name is there, else none */
    const char *authserv_id;
    struct moon_dns_stats dns;
    int64_t took_us; /* all of the evaluation */
};

#endif
