/* SPDX-License-Identifier: MIT
 *
 * list: what a list file says, in C: for this room, and for whoever reviews lists before they are
 * published.
 *
 * A file returns an array. An item is a domain (then the condition is a passing DKIM signature of
 * it), or a table with a name and conditions, all of which must hold, until the end of the day
 * `expires`. A list is of one kind: its entries say how a forwarder or mailing list is known
 * (list:match), or what shall happen to mail of some authors (`verdict`; list:verdict).
 */
#ifndef MOON_LUA_LIST_H
#define MOON_LUA_LIST_H

#include "engine/base/ip.h"
#include "engine/verdict/policy.h"

/* A condition: any of its items will do; without items it holds. */
struct moon_texts {
    const char **items;
    size_t count;
    bool one; /* was written as a text, not as a list */
};

struct moon_list_entry {
    const struct moon_list *list;
    const char *name;
    int line;                         /* of the file; 0: not known */
    bool bare;                        /* was written as a domain alone */
    struct moon_texts dkim, spf, arc; /* normalized domains */
    struct moon_texts network_texts;  /* as written */
    struct moon_net *networks;        /* as many */
    struct moon_texts hosts;          /* verified host names; ".domain": all below it */
    struct moon_texts list_id;        /* ids of lists, or ".domain": all below it */
    struct moon_texts mail_from;      /* "user@domain", a domain, or ".domain"; lower case */
    struct moon_texts recipients;     /* likewise */
    struct moon_texts from;           /* domains, ".domain" */
    struct moon_texts dmarc;          /* result words; "any" */
    const char *expires;              /* as written, or NULL */
    int64_t expires_s;                /* end of that day in UTC */
    const char *note;
    enum moon_verdict_kind verdict; /* NONE: the list is for list:match */
    const char *override;           /* RFC 9990's word, with a verdict only; or NULL */
    const char *text;               /* for the client, with a verdict only; or NULL */
};

struct moon_list {
    const char *name; /* "forwarders" */
    const char *path; /* "tenants/lists/forwarders.lua" */
    struct moon_list_entry *entries;
    size_t count;
    bool verdicts; /* the entries say a verdict */
};

/* A list by its path in the snapshot ("tenants/lists/forwarders.lua"); valid until the next call
 * for these policies. MOON_ECONF with "file:line: what" for one that is wrong. */
enum moon_status moon_policies_list(struct moon_policies *policies, const char *path,
                                    const struct moon_list **list_r, struct moon_error *error);

#endif
