/* SPDX-License-Identifier: MIT
 *
 * policy_case: see the header.
 */
#include "tests/support/policy_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/auth/origin.h"

#define CHECK(cond) ((cond) ? (void)0 : (fprintf(stderr, "policy_case: %s\n", #cond), abort()))

static void add_field(struct policy_case *c, const char *name, const char *value)
{
    struct moon_field *field = &c->fields[c->msg.field_count];
    field->name = moon_span_of(name);
    field->value = moon_span_of(value);
    field->raw = field->value;
    field->index = (uint32_t)c->msg.field_count++;
}

static void fill_message(struct policy_case *c)
{
    struct moon_message *msg = &c->msg;
    msg->id = "1abc-000-00";
    msg->session.helo = "out.fwd.example";
    msg->session.protocol = "esmtps";
    CHECK(moon_ip_parse(MOON_SPAN("192.0.2.7"), &msg->session.ip));
    msg->mail_from = "bounce@fwd.example";
    msg->mail_from_domain = "fwd.example";
    msg->recipients = c->recipients;
    msg->recipient_count = 3;
    c->recipients[0] = (struct moon_recipient){"x@acme.example", "acme.example"};
    c->recipients[1] = (struct moon_recipient){"Y@acme.example", "acme.example"};
    c->recipients[2] = (struct moon_recipient){"z@other.example", "other.example"};
    msg->fields = c->fields;
    add_field(c, "From", " A. Person <a@bank.example>");
    add_field(c, "Subject", " Hello\r\n world");
    add_field(c, "Received", " from one");
    add_field(c, "Received", " from two");
    add_field(c, "Message-ID", " <1@bank.example>");
    add_field(c, "List-Id", " The alumni <news.Alumni.example>");
    msg->body = (struct moon_body){.memory = MOON_SPAN("Hello\r\n"), .fd = -1, .size_bytes = 7};
    msg->received_s = 1790000000; /* 2026-09-21 */
    msg->receiver_name = "mx.acme.example";
}

static void fill_results(struct policy_case *c)
{
    struct moon_results *r = &c->results;
    c->author = (struct moon_author){"a@bank.example", "bank.example", "A. Person"};
    r->from = (struct moon_from){
        .authors = &c->author, .count = 1, .kept = 1, .field_count = 1, .domain = "bank.example"};
    r->spf = (struct moon_spf){.result = MOON_RESULT_PASS,
                               .reason = "",
                               .domain = "fwd.example",
                               .scope = "mfrom",
                               .matched = "ip4:192.0.2.0/24",
                               .lookups = 2};
    r->spf_helo = (struct moon_spf){.result = MOON_RESULT_NONE, .reason = "", .scope = "helo"};
    static const char *const headers[] = {"from", "subject"};
    c->sigs[0] = (struct moon_dkim_sig){.result = MOON_RESULT_FAIL,
                                        .reason = "body hash",
                                        .domain = "bank.example",
                                        .selector = "s1",
                                        .bits = 2048,
                                        .aligned = true,
                                        .body_length = -1,
                                        .signed_at_s = -1,
                                        .expires_s = -1,
                                        .headers = headers,
                                        .header_count = 2};
    c->sigs[1] = c->sigs[0];
    c->sigs[1].result = MOON_RESULT_PASS;
    c->sigs[1].domain = "fwd.example";
    c->sigs[1].aligned = false;
    r->dkim = (struct moon_dkim){MOON_RESULT_PASS, c->sigs, 2, 2};
    static struct moon_dmarc_tag tags[] = {{"v", "DMARC1"}, {"p", "reject"}};
    r->dmarc = (struct moon_dmarc){.result = MOON_RESULT_FAIL,
                                   .reason = "",
                                   .policy = MOON_DMARC_POLICY_REJECT,
                                   .published = MOON_DMARC_POLICY_REJECT,
                                   .published_tag = "p",
                                   .bimi_eligible = true,
                                   .parked = MOON_DMARC_PARKED_YES,
                                   .record = "v=DMARC1; p=reject",
                                   .tags = tags,
                                   .tag_count = 2,
                                   .policy_domain = "bank.example",
                                   .organizational_domain = "bank.example",
                                   .psd = 'u',
                                   .adkim = 'r',
                                   .aspf = 'r'};
}

void policy_case_begin(struct policy_case *c)
{
    memset(c, 0, sizeof *c);
    c->arena = moon_arena_create(16 << 20);
    CHECK(c->arena && moon_conf_default(c->arena, &c->conf) == MOON_OK);
    /* Wall time is not what these tests are about, and sanitizers are slow. */
    c->conf.policy_ms = 20000;
    (void)snprintf(c->folder, sizeof c->folder, "/tmp/moon-test-XXXXXX");
    CHECK(mkdtemp(c->folder));
    c->writer = moon_snapshot_writer_create();
    CHECK(c->writer);
    fill_message(c);
    fill_results(c);
    c->indices[0] = 0;
    c->indices[1] = 1;
    c->input = (struct moon_policy_input){.msg = &c->msg,
                                          .results = &c->results,
                                          .tenant = "acme",
                                          .recipients = c->indices,
                                          .recipient_count = 2};
}

void policy_case_add(struct policy_case *c, const char *key, const char *value)
{
    CHECK(moon_snapshot_writer_add(c->writer, moon_span_of(key), moon_span_of(value), NULL) ==
          MOON_OK);
}

void policy_case_policy(struct policy_case *c, const char *text)
{
    policy_case_add(c, "tenant/acme", "tenants/acme.lua");
    policy_case_add(c, "policy/tenants/acme.lua", text);
}

static void close_snapshot(struct policy_case *c)
{
    char hash[65], path[256];
    struct moon_error error = {""};
    CHECK(moon_snapshot_writer_save(c->writer, c->folder, hash, &error) == MOON_OK);
    (void)snprintf(path, sizeof path, "%s/%s.snapshot", c->folder, hash);
    CHECK(moon_snapshot_open(path, &c->snapshot, &error) == MOON_OK && c->snapshot);
    CHECK(unlink(path) == 0 && rmdir(c->folder) == 0);
    if (moon_policies_create(&c->conf, c->snapshot, &c->policies, &error) != MOON_OK) {
        fprintf(stderr, "policy_case: %s\n", error.text);
        abort();
    }
}

struct moon_verdict policy_case_decide(struct policy_case *c)
{
    struct moon_verdict verdict;
    if (!c->policies)
        close_snapshot(c);
    CHECK(moon_origin_evaluate(c->arena, &c->msg, &c->results) == MOON_OK);
    CHECK(moon_policy_decide(c->policies, c->arena, &c->input, &verdict) == MOON_OK);
    return verdict;
}

void policy_case_end(struct policy_case *c)
{
    moon_policies_destroy(&c->policies);
    moon_snapshot_close(&c->snapshot);
    moon_snapshot_writer_destroy(&c->writer);
    moon_arena_destroy(&c->arena);
}

struct moon_verdict policy_case_run(struct policy_case *c, const char *text)
{
    policy_case_begin(c);
    policy_case_policy(c, text);
    return policy_case_decide(c);
}
