/* SPDX-License-Identifier: MIT
 *
 * exim_apply: an answer into Exim: header fields, recipients, lines of its log. All with Exim's own
 * functions, or as they do it.
 */
#include "local_scan/exim.h"

/* 4.100 took the first argument from log_write, and no number in the header says so. */
typedef void exim_log_before(unsigned, int, const char *, ...);
typedef void exim_log_since(int, const char *, ...);

__attribute__((unused)) static void say_before(void (*write)(void), const char *line)
{
    ((exim_log_before *)write)(0, LOG_MAIN, "%s", line);
}

__attribute__((unused)) static void say_since(void (*write)(void), const char *line)
{
    ((exim_log_since *)write)(LOG_MAIN, "%s", line);
}

void moon_exim_say(const char *line)
{
    _Generic(&log_write, exim_log_before *
             : say_before, exim_log_since *
             : say_since)((void (*)(void))log_write, line);
}

static void add_field(enum moon_wire_where where, struct moon_span text)
{
    char field[MOON_FIELD_BYTES_MAX + 1];

    memcpy(field, text.p, text.n); /* moon_clean_field_ok: not longer, no NUL */
    field[text.n] = '\0';
    if (where == MOON_WIRE_TOP)
        header_add_at_position(FALSE, NULL, FALSE, ' ', "%s\n", field);
    else
        header_add(' ', "%s\n", field);
}

/* The first of the list ends up topmost. */
static void add_fields(const struct moon_decision *decision)
{
    for (uint32_t i = decision->added_count; i > 0; i--)
        if (decision->added[i - 1].where == MOON_WIRE_TOP)
            add_field(MOON_WIRE_TOP, decision->added[i - 1].text);
    for (uint32_t i = 0; i < decision->added_count; i++)
        if (decision->added[i].where != MOON_WIRE_TOP)
            add_field(MOON_WIRE_BOTTOM, decision->added[i].text);
}

static uint32_t remove_fields(const struct moon_decision *decision, void *const *handles)
{
    uint32_t done = 0;

    for (uint32_t i = 0; i < decision->removed_field_count; i++) {
        header_line *h = handles[decision->removed_fields[i]];
        if (h->type != '*')
            done++;
        h->type = '*'; /* as header_remove does: kept in the spool, not delivered */
    }
    return done;
}

/* Nobody has looked at this message: which results on it are true is not known, and our own name is
 * not known here either. RFC 8601 section 5: so all go. */
static uint32_t remove_claims(void)
{
    uint32_t done = 0;

    for (header_line *h = header_list; h; h = h->next) {
        if (h->type == '*' || !h->text || h->slen <= 0 ||
            !moon_clean_is_claim((struct moon_span){CCS h->text, (size_t)h->slen}))
            continue;
        h->type = '*';
        done++;
    }
    return done;
}

void moon_exim_apply_fields(const struct moon_exim *message, const struct moon_answer *answer,
                            struct moon_applied *applied)
{
    static char note[64];

    if (answer->refused_count) {
        (void)snprintf(note, sizeof note, "%u header fields refused", answer->refused_count);
        applied->text = moon_span_of(note); /* fits */
    }
    if (answer->verdict != MOON_WIRE_ACCEPT && answer->verdict != MOON_WIRE_FREEZE)
        return;
    if (answer->failed) {
        applied->removed_field_count = remove_claims();
        add_field((enum moon_wire_where)answer->failure_field.where, answer->failure_field.text);
        applied->added_count = 1;
        return;
    }
    /* Removals first: their handles are of the chain as it was. */
    applied->removed_field_count = remove_fields(&answer->decision, message->fields);
    add_fields(&answer->decision);
    applied->added_count = answer->decision.added_count;
}

#define APPLY_DISCARDED ((size_t)-1) /* the length of an address that goes; none is that long */

static int by_pointer(const void *a, const void *b)
{
    uintptr_t one = (uintptr_t)((const struct moon_span *)a)->p;
    uintptr_t other = (uintptr_t)((const struct moon_span *)b)->p;
    return (one > other) - (one < other);
}

/* A recipient is known by Exim's own pointer to his address: where he stands in the list may have
 * changed. Sorted by it, so that a list of 50,000 stays cheap, and without memory of ours, which
 * could be missing: nobody shall get what his tenant discards. */
void moon_exim_apply_recipients(struct moon_exim *message, const struct moon_answer *answer,
                                struct moon_applied *applied)
{
    static char note[64];
    const struct moon_decision *decision = &answer->decision;
    struct moon_span *known = message->request.recipients;
    uint32_t count = message->request.recipient_count, kept = 0;
    bool taken = answer->verdict == MOON_WIRE_ACCEPT || answer->verdict == MOON_WIRE_FREEZE;

    if ((uint32_t)recipients_count < count && !applied->text.n) {
        (void)snprintf(note, sizeof note, "recipients that an ACL removed: %u",
                       count - (uint32_t)recipients_count);
        applied->text = moon_span_of(note); /* fits */
    }
    if (!taken || answer->failed || decision->removed_recipient_count == 0)
        return;
    for (uint32_t i = 0; i < decision->removed_recipient_count; i++)
        known[decision->removed_recipients[i]].n = APPLY_DISCARDED;
    qsort(known, count, sizeof *known, by_pointer);
    for (uint32_t i = 0; i < (uint32_t)recipients_count; i++) {
        struct moon_span one = {CCS recipients_list[i].address, 0};
        const struct moon_span *found = bsearch(&one, known, count, sizeof *known, by_pointer);
        if (!found || found->n != APPLY_DISCARDED)
            recipients_list[kept++] = recipients_list[i];
    }
    applied->removed_recipient_count = (uint32_t)recipients_count - kept;
    recipients_count = (int)kept;
}
