/* SPDX-License-Identifier: MIT
 *
 * trial: each policy decides twice on a plain message, once with DMARC pass and once with fail
 * under reject, so that a misspelt name is found before mail meets it. The sandbox limits hold.
 */
#include "engine/cmd/trial.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/verdict/policy.h"

struct trial {
    struct moon_message msg;
    struct moon_results results;
    struct moon_recipient recipient;
    struct moon_author author;
    struct moon_field fields[2];
    struct moon_dkim_sig sig;
    struct moon_dmarc_tag tags[2];
    size_t index;
    struct moon_policy_input input;
};

static struct moon_field field_of(const char *name, const char *value)
{
    return (struct moon_field){
        .name = moon_span_of(name), .value = moon_span_of(value), .raw = moon_span_of(value)};
}

static void fill(struct trial *t, bool pass)
{
    enum moon_result result = pass ? MOON_RESULT_PASS : MOON_RESULT_FAIL;
    *t = (struct trial){
        .recipient = {"someone@example.org", "example.org"},
        .author = {"author@example.com", "author", "example.com", "An Author"},
        .fields = {field_of("From", " author@example.com"), field_of("Subject", " Trial")},
        .tags = {{"v", "DMARC1"}, {"p", "reject"}}};
    t->msg = (struct moon_message){.id = "trial",
                                   .session = {.helo = "mail.example.com", .protocol = "esmtp"},
                                   .mail_from = "author@example.com",
                                   .mail_from_domain = "example.com",
                                   .recipients = &t->recipient,
                                   .recipient_count = 1,
                                   .fields = t->fields,
                                   .field_count = 2,
                                   .body = {.fd = -1, .memory = MOON_SPAN("Hello\r\n")},
                                   .dry_run = true,
                                   .receiver_name = "localhost"};
    (void)moon_ip_parse(MOON_SPAN("192.0.2.1"), &t->msg.session.ip); /* a constant */
    t->results.from = (struct moon_from){
        .authors = &t->author, .count = 1, .kept = 1, .field_count = 1, .domain = "example.com"};
    t->results.spf = (struct moon_spf){
        .result = result, .reason = "", .domain = "example.com", .scope = "mfrom", .aligned = pass};
    t->results.spf_helo = (struct moon_spf){.reason = "", .scope = "helo"};
    t->sig = (struct moon_dkim_sig){.result = result,
                                    .reason = "",
                                    .domain = "example.com",
                                    .selector = "trial",
                                    .identity = "@example.com",
                                    .algorithm = "rsa-sha256",
                                    .canonicalization = "relaxed/relaxed",
                                    .bits = 2048,
                                    .body_length = -1,
                                    .signed_at_s = -1,
                                    .expires_s = -1,
                                    .aligned = true};
    t->results.dkim = (struct moon_dkim){result, &t->sig, 1, 1};
    t->results.dmarc = (struct moon_dmarc){.result = result,
                                           .reason = "",
                                           .policy = MOON_DMARC_POLICY_REJECT,
                                           .published = MOON_DMARC_POLICY_REJECT,
                                           .published_tag = "p",
                                           .record = "v=DMARC1; p=reject",
                                           .tags = t->tags,
                                           .tag_count = 2,
                                           .policy_domain = "example.com",
                                           .organizational_domain = "example.com",
                                           .psd = 'u',
                                           .adkim = 'r',
                                           .aspf = 'r',
                                           .dkim_aligned = pass,
                                           .spf_aligned = pass};
    t->results.authserv_id = "localhost";
    t->input = (struct moon_policy_input){.msg = &t->msg,
                                          .results = &t->results,
                                          .tenant = "trial",
                                          .recipients = &t->index,
                                          .recipient_count = 1};
}

/* Is it the mistake of a list that has been told already? Lists come first in the snapshot. */
static bool is_told(const struct moon_gather *gather, const char *text)
{
    size_t folder = strlen(gather->config_dir) + 1, n = strlen(text);
    if (!strstr(text, ": moon.list \""))
        return false;
    for (size_t i = 0; i < gather->error_count; i++) {
        size_t length = strlen(gather->errors[i]);
        if (length > folder && length - folder < n &&
            !strcmp(text + n - (length - folder), gather->errors[i] + folder))
            return true;
    }
    return false;
}

static enum moon_status try_policy(struct moon_gather *gather, struct moon_policies *policies,
                                   const char *path)
{
    enum moon_status status = MOON_OK;
    struct moon_error error = {""};
    struct trial trial;
    for (int pass = 1; pass >= 0 && status == MOON_OK; pass--) {
        fill(&trial, pass == 1);
        status = moon_policies_check(policies, path, &trial.input, &error);
    }
    if (status == MOON_ENOMEM)
        return status;
    if (status != MOON_OK && !is_told(gather, error.text))
        moon_gather_complain(gather, "%s/%s", gather->config_dir, error.text);
    return MOON_OK;
}

enum moon_status moon_trial_run(struct moon_gather *gather, const struct moon_snapshot *snapshot)
{
    struct moon_policies *policies = NULL;
    struct moon_span key, value;
    struct moon_conf conf;
    struct moon_error error = {""};

    enum moon_status status = moon_conf_load(gather->arena, snapshot, &conf, &error);
    if (status == MOON_OK)
        status = moon_policies_create(&conf, snapshot, &policies, &error);
    if (status != MOON_OK && status != MOON_ENOMEM)
        moon_gather_complain(gather, "%s: %s", gather->config_dir, error.text);
    for (size_t i = 0; status == MOON_OK && moon_snapshot_each(snapshot, i, &key, &value); i++) {
        bool policy = moon_span_is(moon_span_sub(key, 0, 7), "policy/");
        bool list = moon_span_is(moon_span_sub(key, 0, 5), "list/");
        const char *path = moon_arena_dup(gather->arena, moon_span_sub(key, policy ? 7 : 5, key.n));
        if (!path)
            status = MOON_ENOMEM;
        else if (policy)
            status = try_policy(gather, policies, path);
        else if (list && moon_policies_check_list(policies, path, &error) != MOON_OK)
            moon_gather_complain(gather, "%s/%s", gather->config_dir, error.text);
    }
    moon_policies_destroy(&policies);
    return status == MOON_ENOMEM ? status : MOON_OK;
}
