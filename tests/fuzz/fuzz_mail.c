/* SPDX-License-Identifier: MIT
 *
 * fuzz_mail: a zone, a line "%%", and a message, through the whole engine: authentication, a
 * tenant's policy that asks and names an entry of its list, another in the shadow beside it, the
 * built-in policy for the other recipient, the decision, its record. What Exim would be told can be
 * told, and the record is within its bound. The lowest bits of the input's size choose: DMARC's
 * discovery, the policy, comparing both discoveries, a sender that was rewritten by a forwarder.
 *
 * Parser: engine/verdict/scan.c
 * Parser: engine/auth/dmarc.c
 * Parser: engine/auth/dmarc_align.c
 * Parser: engine/auth/dmarc_walk.c
 * Parser: engine/report/results.c
 * Parser: engine/report/outcome.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/report/record.h"
#include "engine/report/results.h"
#include "engine/store/store.h"
#include "engine/verdict/policy.h"
#include "engine/verdict/scan.h"
#include "local_scan/clean.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

/* Splits at the first line "%%". */
static struct moon_span split(struct moon_span all, struct moon_span *message_r)
{
    for (size_t i = 0; i + 4 <= all.n; i++)
        if (memcmp(all.p + i, "\n%%\n", 4) == 0) {
            *message_r = moon_span_sub(all, i + 4, all.n);
            return moon_span_sub(all, 0, i + 1);
        }
    *message_r = all;
    return (struct moon_span){NULL, 0};
}

/* Tenant r, published with a next version, which runs in the shadow. */
static struct moon_snapshot *published(void)
{
    static const char *const records[][2] = {
        {"domain/r.example", "r"},
        {"tenant/r", "tenants/r.lua"},
        {"next-tenant/r", "next/tenants/r.lua"},
        {"policy/tenants/r.lua",
         "local moon = require 'moonscan'\nlocal known = moon.list 'known'\n"
         "return { message = function(m)\n"
         "local a = moon.dns { name = m.from.domain, type = 'MX' }\n"
         "local t = moon.dns { name = m.from.domain, type = 'TXT' }\n"
         "local i = moon.dns { ip = m.session.ip, zone = 'd.example' }\n"
         "local n = moon.count { key = m.from.domain or '', window = '1h' }\n"
         "local f = moon.first_seen { key = m.subject or '' }\n"
         "local via = known:match(m)\n"
         "if via then return moon.accept { override = 'trusted_forwarder', via = via } end\n"
         "if a.result == 'answer' then return moon.quarantine { reason = t.result } end\n"
         "return nil end }"},
        {"policy/next/tenants/r.lua",
         "local moon = require 'moonscan'\nreturn { message = function(m)\n"
         "return moon.reject { esc = '5.7.1', text = m.subject or 'no', override = 'other' } end "
         "}"},
        {"list/tenants/lists/known.lua",
         "return { { name = 'n', dkim = 'example.com' }, { name = 'h', spf = 's.d.example' } }"}};
    static struct moon_snapshot *snapshot;
    struct moon_snapshot_writer *writer = snapshot ? NULL : moon_snapshot_writer_create();
    struct moon_span bytes;
    char hash[65];

    for (size_t i = 0; writer && i < sizeof records / sizeof *records; i++)
        must(moon_snapshot_writer_add(writer, moon_span_of(records[i][0]),
                                      moon_span_of(records[i][1]), NULL) == MOON_OK);
    if (writer) {
        must(moon_snapshot_writer_bytes(writer, hash, &bytes, NULL) == MOON_OK);
        must(moon_snapshot_of_memory(bytes, &snapshot, NULL) ==
             MOON_OK); /* for the process's life */
    }
    moon_snapshot_writer_destroy(&writer);
    return snapshot;
}

/* As `moonscan check --json` has it. */
static void check_everything(struct moon_arena *arena, const struct moon_outcome *out)
{
    struct moon_json json;

    moon_json_begin(&json, arena);
    moon_json_object(&json, NULL);
    moon_json_results(&json, &out->results, true);
    moon_json_dns(&json, out, true);
    moon_json_close(&json, '}');
    must(moon_json_end(&json) != NULL);
}

static void check(struct moon_arena *arena, const struct moon_conf *conf,
                  const struct moon_message *msg, const struct moon_outcome *out)
{
    const struct moon_record_applied applied = {.action = out->action};
    bool refused = out->action == MOON_ACTION_REJECT || out->action == MOON_ACTION_DEFER;

    must(out->action >= MOON_ACTION_ACCEPT && out->action <= MOON_ACTION_FREEZE);
    must(!refused || (out->reply && *out->reply));
    must(out->log && !strpbrk(out->log, "\r\n"));
    must(out->added_count <= MOON_ADDED_MAX);
    for (size_t i = 0; i < out->added_count; i++)
        must(moon_clean_field_ok(moon_span_of(out->added[i].text)));
    for (size_t i = 0; i < out->removed_field_count; i++)
        must(out->removed_fields[i] < msg->field_count);
    must(out->results.spf.reason && out->results.dmarc.reason);
    const char *line = moon_record_line(arena, conf, msg, out, &applied);
    must(line && strlen(line) < MOON_RECORD_BYTES_MAX && !strchr(line, '\n'));
    check_everything(arena, out);
}

static void run(struct moon_arena *arena, struct moon_engine *engine, struct moon_message *msg,
                bool forwarded)
{
    static struct moon_recipient recipients[2] = {{"x@r.example", "r.example"},
                                                  {"y@s.example", "s.example"}};
    struct moon_outcome outcome;
    struct moon_error error;

    msg->session = (struct moon_session){.ip = {.family = 4, .bytes = {192, 0, 2, 1}},
                                         .helo = "h.d.example",
                                         .host_name = "h.d.example",
                                         .protocol = "esmtp"};
    msg->mail_from = forwarded ? "SRS0=HHHH=TT=o.example=bob@s.d.example" : "user@d.example";
    msg->mail_from_domain = forwarded ? "s.d.example" : "d.example";
    msg->recipients = recipients;
    msg->recipient_count = 2;
    msg->received_s = 1800000000;
    msg->receiver_name = "receiver.example";
    if (moon_scan(engine, arena, msg, &outcome, &error) == MOON_OK)
        check(arena, engine->conf, msg, &outcome);
    else
        must(error.text[0] != '\0');
    moon_outcome_end(&outcome);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_message msg = {.id = "1abcde-000000-00"};
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_engine engine = {0};
    struct moon_span text;
    struct moon_span zone = split((struct moon_span){(const char *)data, size}, &text);
    struct moon_conf conf;

    if (!arena)
        return 0;
    moon_bug_is_fatal = true;
    must(moon_conf_default(arena, &conf) == MOON_OK);
    conf.dns_ms = conf.policy_ms = 60000; /* sanitizers are slow; time is not the matter here */
    conf.dmarc_psl = size % 2;
    conf.policy = size % 4 < 2 ? "standard" : "strict";
    conf.dmarc_compare = size % 8 >= 4;
    engine.conf = &conf;
    engine.snapshot = published();
    if (moon_dns_backend_zone(zone, "fuzz", &engine.dns, NULL) == MOON_OK &&
        moon_policies_create(&conf, engine.snapshot, &engine.policies, NULL) == MOON_OK &&
        moon_store_memory(&engine.store, NULL) == MOON_OK &&
        moon_message_parse(arena, text, &msg, NULL) == MOON_OK)
        run(arena, &engine, &msg, size % 16 >= 8);
    moon_policies_destroy(&engine.policies);
    moon_store_destroy(&engine.store);
    moon_dns_backend_destroy(&engine.dns);
    moon_arena_destroy(&arena);
    return 0;
}
