/* SPDX-License-Identifier: MIT
 *
 * acl: the words of ${dlfunc ...{moon_data}{WORD}}. What the worker has ready is cleaned and handed
 * on; the verdict is the one that will be applied, whatever the worker calls it.
 */
#include "local_scan/acl.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/nearest.h"

/* The words that the module knows itself stand behind those of the wire. */
enum acl_word {
    ACL_REPLY = MOON_WIRE_WORD_COUNT,
    ACL_ESC,
    ACL_TEXT,
    ACL_FAILURE,
};

static const struct {
    const char *name;
    unsigned word;
} acl_words[] = {
    {"verdict", MOON_WIRE_WORD_VERDICT},
    {"reply", ACL_REPLY},
    {"esc", ACL_ESC},
    {"text", ACL_TEXT},
    {"spf", MOON_WIRE_WORD_SPF},
    {"dkim", MOON_WIRE_WORD_DKIM},
    {"arc", MOON_WIRE_WORD_ARC},
    {"dmarc", MOON_WIRE_WORD_DMARC},
    {"policy", MOON_WIRE_WORD_POLICY},
    {"from", MOON_WIRE_WORD_FROM},
    {"authres", MOON_WIRE_WORD_AUTHRES},
    {"tenant", MOON_WIRE_WORD_TENANT},
    {"rule", MOON_WIRE_WORD_RULE},
    {"failure", ACL_FAILURE},
};
#define ACL_WORDS (sizeof acl_words / sizeof *acl_words)

bool moon_acl_find(const char *name, unsigned *word_r, char *why, size_t why_size)
{
    struct moon_nearest nearest = {0};
    char shown[64];

    for (size_t i = 0; i < ACL_WORDS; i++) {
        moon_nearest_offer(&nearest, moon_span_of(name), acl_words[i].name);
        if (strcmp(acl_words[i].name, name) == 0) {
            *word_r = acl_words[i].word;
            return true;
        }
    }
    moon_clean_line(moon_span_of(name), shown, sizeof shown);
    if (nearest.best)
        (void)snprintf(why, why_size, /* fits, as the other */
                       "moon_data has no word \"%s\"; did you mean \"%s\"?", shown, nearest.best);
    else
        (void)snprintf(why, why_size,
                       "moon_data has no word \"%s\"; it has verdict, reply, esc, text, spf, dkim, "
                       "arc, dmarc, policy, from, authres, tenant, rule and failure",
                       shown);
    return false;
}

static const char *verdict_of(const struct moon_answer *answer)
{
    struct moon_span said = answer->decision.words[MOON_WIRE_WORD_VERDICT];

    switch (answer->verdict) {
    case MOON_WIRE_ACCEPT:
        break;
    case MOON_WIRE_REJECT:
        return "reject";
    case MOON_WIRE_DEFER:
        return "defer";
    case MOON_WIRE_FREEZE:
        return "quarantine";
    }
    /* Taken, but not as it came. A worker before these words says nothing. */
    if (moon_span_is(said, "quarantine"))
        return "quarantine";
    return moon_span_is(said, "discard") ? "discard" : "accept";
}

/* The lines of a reply without the enhanced code that each begins with; or only the first code. */
static void part_of_reply(const char *reply, bool code, char *value)
{
    struct moon_buf buf = moon_buf_of(moon_span_of(reply));
    size_t n = 0;

    while (!moon_buf_at_end(&buf)) { /* a line each time */
        struct moon_span line = moon_buf_until(&buf, '\n');
        size_t blank = moon_span_find(line, ' ');
        struct moon_span part =
            code ? moon_span_sub(line, 0, blank) : moon_span_sub(line, blank + 1, line.n);
        memcpy(value + n, part.p, part.n);
        n += part.n;
        if (code)
            break;
        if (moon_buf_skip(&buf, '\n'))
            value[n++] = '\n';
    }
    value[n] = '\0';
}

void moon_acl_value(const struct moon_answer *answer, unsigned word,
                    char value_r[MOON_ACL_VALUE_BYTES])
{
    bool refused =
        answer && (answer->verdict == MOON_WIRE_REJECT || answer->verdict == MOON_WIRE_DEFER);
    const char *text = "";

    _Static_assert(MOON_ACL_VALUE_BYTES >= MOON_CLEAN_REPLY_BYTES, "a reply fits");
    _Static_assert(MOON_ACL_VALUE_BYTES >= MOON_ASK_LOG_BYTES, "a line fits");
    if (word == MOON_WIRE_WORD_VERDICT)
        text = answer ? verdict_of(answer) : "accept";
    else if (refused && (word == ACL_ESC || word == ACL_TEXT)) {
        part_of_reply(answer->reply, word == ACL_ESC, value_r);
        return;
    } else if (refused && word == ACL_REPLY)
        text = answer->reply;
    else if (answer && word == ACL_FAILURE)
        text = answer->failed ? answer->log : "";
    else if (answer && word < MOON_WIRE_WORD_COUNT) {
        moon_clean_line(answer->decision.words[word], value_r, MOON_ACL_VALUE_BYTES);
        return;
    }
    (void)snprintf(value_r, MOON_ACL_VALUE_BYTES, "%s", text); /* fits, see above */
}
