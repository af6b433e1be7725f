/* SPDX-License-Identifier: MIT
 *
 * run: 1. the message and the zone (mail.c)  2. session and envelope  3. moon_scan  4. the verdict
 * of the tenant that the test is about  5. comparison (compare.c).
 */
#include "engine/trial/run.h"

#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"
#include "engine/message/address.h"
#include "engine/store/store.h"
#include "engine/trial/mail.h"

struct run {
    const struct moon_trial *trial;
    struct moon_arena *arena;
    const char *path;
    const struct moon_test *test;
    struct moon_trial_mail mail;
    struct moon_message msg;
    struct moon_trial_result *result;
};

static bool is_next(const char *path)
{
    return strncmp(path, "next/", 5) == 0;
}

/* The file that a test names: relative to its policy. The next version of a policy has the files of
 * the live one too. */
static enum moon_status find_file(struct run *run, const char *policy, const char *name,
                                  struct moon_span *text_r, struct moon_error *error)
{
    size_t slash = moon_span_rfind(moon_span_of(policy), '/');
    size_t folder = slash == (size_t)-1 ? 0 : slash + 1, n = strlen(name);
    for (size_t i = 0; i < run->trial->file_count; i++) {
        const char *path = run->trial->files[i].path;
        if (strlen(path) == folder + n && !memcmp(path, policy, folder) &&
            !strcmp(path + folder, name)) {
            *text_r = run->trial->files[i].text;
            return MOON_OK;
        }
    }
    if (is_next(policy))
        return find_file(run, policy + 5, name, text_r, error);
    return moon_fail(error, MOON_ECONF,
                     "there is no file '%.100s': files of tests stand in the folder fixtures/ "
                     "beside the policy",
                     name);
}

/* A zone in a policy is indented as its author likes: white space in front of a line means nothing
 * there. */
static enum moon_status inline_zone(struct run *run, struct moon_span *text_r)
{
    struct moon_buf buf = moon_buf_of(moon_span_of(run->test->zone));
    struct moon_str str;
    moon_str_begin(&str, run->arena);
    while (!moon_buf_at_end(&buf)) {
        struct moon_span line = moon_buf_until(&buf, '\n');
        (void)moon_buf_skip(&buf, '\n'); /* the last line has none */
        moon_str_add_span(&str, moon_span_trim(line));
        moon_str_add_char(&str, '\n');
    }
    *text_r = moon_span_of(moon_str_end(&str));
    return str.failed ? MOON_ENOMEM : MOON_OK;
}

/* Step 1. */
static enum moon_status make_mail(struct run *run, struct moon_error *error)
{
    const struct moon_test *test = run->test;
    struct moon_span file = {NULL, 0}, zone = {NULL, 0};
    enum moon_status status = MOON_OK;
    if (test->message.file)
        status = find_file(run, run->path, test->message.file, &file, error);
    if (status == MOON_OK && moon_trial_zone_is_file(test->zone))
        status = find_file(run, run->path, test->zone, &zone, error);
    else if (status == MOON_OK && test->zone)
        status = inline_zone(run, &zone);
    if (status != MOON_OK)
        return status;
    return moon_trial_mail_make(run->trial->keys, run->arena, test, file, zone, &run->mail, error);
}

static bool said(const char *text)
{
    return text && *text;
}

/* "yes" stands for a word that does not matter. */
static const char *word(const char *text, const char *yes)
{
    return said(text) && strcmp(text, "yes") != 0 ? text : yes;
}

/* Step 2. */
static enum moon_status take_session(struct run *run, struct moon_error *error)
{
    const struct moon_test *test = run->test;
    const char *ip = test->ip ? test->ip : "192.0.2.1";
    bool tls = said(test->tls), known = said(test->authenticated);
    struct moon_session *session = &run->msg.session;

    if (!moon_ip_parse(moon_span_of(ip), &session->ip))
        return moon_fail(error, MOON_ECONF, "ip: '%.60s' is no IPv4 or IPv6 address", ip);
    session->helo = test->helo ? test->helo : "client.example.net";
    session->host_name = said(test->hostname) ? test->hostname : NULL;
    session->protocol = tls ? known ? "esmtpsa" : "esmtps" : known ? "esmtpa" : "esmtp";
    session->tls = tls ? word(test->tls, "TLS_AES_256_GCM_SHA384") : NULL;
    session->tls_version = tls ? "TLS1.3" : NULL;
    session->authenticated = known ? "plain" : NULL;
    session->authenticated_id = known ? word(test->authenticated, "user") : NULL;
    session->interface_ip = test->interface_ip;
    return MOON_OK;
}

static enum moon_status take_envelope(struct run *run, struct moon_error *error)
{
    const struct moon_test *test = run->test;
    const char *local, *to = test->message.to;
    const char *one[1] = {said(to) ? moon_trial_address(run->arena, to) : "someone@example.org"};
    size_t count = test->rcpt.count ? test->rcpt.count : 1;
    const char *const *rcpt = test->rcpt.count ? test->rcpt.text : one;
    struct moon_message *msg = &run->msg;

    msg->mail_from = test->mail_from ? test->mail_from : run->mail.from;
    msg->recipients = moon_arena_array(run->arena, count, sizeof *msg->recipients);
    msg->recipient_count = count;
    if (!one[0] || !msg->recipients)
        return MOON_ENOMEM;
    enum moon_status status =
        moon_path_split(run->arena, msg->mail_from, &local, &msg->mail_from_domain);
    for (size_t i = 0; status == MOON_OK && i < count; i++) {
        msg->recipients[i].address = rcpt[i];
        status = moon_path_split(run->arena, rcpt[i], &local, &msg->recipients[i].domain);
        if (status == MOON_OK && !msg->recipients[i].domain)
            status = moon_fail(error, MOON_ECONF, "rcpt: '%.100s' is no address", rcpt[i]);
    }
    return status;
}

/* The name of a tenant that is nearly this one, in the arena; NULL: none is. */
static const char *nearest_tenant(struct run *run, const char *tenant)
{
    struct moon_nearest nearest = {0};
    struct moon_span key, value;
    for (size_t i = 0; moon_snapshot_each(run->trial->snapshot, i, &key, &value); i++) {
        const char *name = moon_span_is(moon_span_sub(key, 0, 7), "tenant/")
                               ? moon_arena_dup(run->arena, moon_span_sub(key, 7, key.n))
                               : NULL;
        if (name) /* without memory it is only not offered */
            moon_nearest_offer(&nearest, moon_span_of(tenant), name);
    }
    return nearest.best;
}

/* Does the test name a tenant that there is? */
static enum moon_status check_tenant(struct run *run, const char *tenant, struct moon_error *error)
{
    struct moon_span value;
    const char *near = NULL, *key = moon_arena_printf(run->arena, "tenant/%s", tenant);
    if (!key)
        return MOON_ENOMEM;
    if (run->trial->snapshot) {
        if (moon_snapshot_get(run->trial->snapshot, moon_span_of(key), &value))
            return MOON_OK;
        near = nearest_tenant(run, tenant);
    }
    return moon_fail(error, MOON_ECONF, "there is no tenant '%.64s'%s%s%s", tenant,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static enum moon_status take_message(struct run *run, const char *tenant, struct moon_error *error)
{
    struct moon_message *msg = &run->msg;
    enum moon_status status = MOON_OK;

    *msg = (struct moon_message){.id = "test",
                                 .received_s = run->test->now_s,
                                 .tenant_hint = *tenant ? tenant : NULL,
                                 .receiver_name = "mx.example.org"};
    if (*tenant)
        status = check_tenant(run, tenant, error);
    if (status == MOON_OK)
        status = moon_message_parse(run->arena, run->mail.text, msg, error);
    if (status == MOON_OK)
        status = take_session(run, error);
    return status == MOON_OK ? take_envelope(run, error) : status;
}

/* The message as it came `ago` before: what a store remembers of it is then there. */
static enum moon_status come_before(struct run *run, const struct moon_engine *engine,
                                    const char *ago, struct moon_error *error)
{
    struct moon_outcome *out = moon_arena_alloc(run->arena, sizeof *out);
    struct moon_message msg = run->msg;
    int64_t seconds = 0;

    if (!out)
        return MOON_ENOMEM;
    if (!moon_test_span(moon_span_of(ago), &seconds) || seconds > msg.received_s)
        return moon_fail(error, MOON_ECONF, "earlier: '%.40s' is no time like \"5h\"", ago);
    msg.received_s -= seconds;
    enum moon_status status = moon_scan(engine, run->arena, &msg, out, error);
    moon_outcome_end(out);
    return status;
}

/* Steps 3 and 4. */
static enum moon_status scan(struct run *run, const char *tenant, struct moon_error *error)
{
    const struct moon_trial *trial = run->trial;
    const struct moon_test *test = run->test;
    struct moon_outcome *out = &run->result->outcome;
    struct moon_dns_backend *dns = NULL;
    struct moon_store *store = NULL;

    enum moon_status status =
        moon_dns_backend_zone(moon_span_of(run->mail.zone), "zone", &dns, error);
    if (status == MOON_OK && !test->no_store)
        status = moon_store_memory(&store, error);
    const struct moon_engine engine = {.conf = trial->conf,
                                       .snapshot = trial->snapshot,
                                       .dns = dns,
                                       .policies = trial->policies,
                                       .store = store,
                                       .version = is_next(run->path) ? MOON_VERSION_NEXT
                                                                     : MOON_VERSION_LIVE};
    for (size_t i = 0; status == MOON_OK && i < test->earlier.count; i++)
        status = come_before(run, &engine, test->earlier.text[i], error);
    if (status == MOON_OK) {
        status = moon_scan(&engine, run->arena, &run->msg, out, error);
        moon_outcome_end(out);
    }
    if (store)
        moon_store_destroy(&store);
    if (dns)
        moon_dns_backend_destroy(&dns);
    for (size_t i = 0; status == MOON_OK && i < out->tenant_count; i++)
        if (!run->result->verdict || !strcmp(out->tenants[i].tenant, tenant))
            run->result->verdict = &out->tenants[i].verdict;
    return status;
}

enum moon_status moon_trial_test(const struct moon_trial *trial, struct moon_arena *arena,
                                 const char *path, const char *tenant, const struct moon_test *test,
                                 struct moon_trial_result *result_r)
{
    struct run run = {.trial = trial, .arena = arena, .path = path, .test = test};
    struct moon_error error = {""};

    *result_r = (struct moon_trial_result){.mistake = NULL};
    run.result = result_r;
    if (test->tenant)
        tenant = test->tenant;
    enum moon_status status = make_mail(&run, &error);
    if (status == MOON_OK)
        status = take_message(&run, tenant, &error);
    if (status == MOON_OK)
        status = scan(&run, tenant, &error);
    if (status == MOON_OK)
        return moon_trial_compare(arena, &test->expect, result_r);
    if (status == MOON_ENOMEM)
        return status;
    result_r->mistake = moon_arena_cstr(arena, error.text);
    return result_r->mistake ? MOON_OK : MOON_ENOMEM;
}
