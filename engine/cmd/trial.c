/* SPDX-License-Identifier: MIT
 *
 * trial: each policy is looked at (moon_policies_lint) and decides twice on a plain message, once
 * with DMARC pass and once with fail under reject, so that a misspelt name is found before mail
 * meets it. A tenant's policy is tried with the settings of that tenant, a shared one with those of
 * each. The sandbox limits hold.
 */
#include "engine/cmd/trial.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/cmd/gather_parts.h"
#include "engine/verdict/policy.h"

#define SHARED_MISTAKES 3u /* of one shared policy, whose tenants all have the same */

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
        .author = {"author@example.com", "example.com", "An Author"},
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

/* Is it the mistake of a list or profile that has been told already? Lists come first in the
 * snapshot. */
static bool is_told(const struct moon_gather *gather, const char *text)
{
    size_t folder = strlen(gather->config_dir) + 1, n = strlen(text);
    if (!strstr(text, ": moon.list \"") && !strstr(text, ": moon.profile \"") &&
        !strstr(text, ": m.sender: "))
        return false;
    for (size_t i = 0; i < gather->error_count; i++) {
        size_t length = strlen(gather->errors[i]);
        if (length > folder && length - folder < n &&
            !strcmp(text + n - (length - folder), gather->errors[i] + folder))
            return true;
    }
    return false;
}

/* Is a mistake of this line among the first `before`? A run meets what lint has seen. */
static bool is_known(const struct moon_gather *gather, size_t before, const char *text)
{
    size_t folder = strlen(gather->config_dir) + 1;
    const char *end = strstr(text, ": ");
    for (size_t i = 0; end && i < before; i++)
        if (strlen(gather->errors[i]) > folder &&
            !strncmp(gather->errors[i] + folder, text, (size_t)(end - text) + 2))
            return true;
    return false;
}

/* What is being tried. */
struct course {
    struct moon_gather *gather;
    const struct moon_snapshot *snapshot;
    struct moon_policies *policies;
    struct shared { /* a policy of policies/, live or next */
        const char *path;
        bool with_defaults; /* tried with the settings that every tenant has */
        unsigned tried, mistakes;
    } * shared;
    size_t shared_count;
};

/* " (tried for tenant 'acme'; the setting it read last is 'vip', a number)": a shared policy may
 * fail for one tenant only, by what tenants.lua gives him. */
static void say_for_whom(const struct course *course, const char *tenant,
                         const struct moon_tenant_conf *conf, char *text_r, size_t size)
{
    const char *name = moon_policies_checked_setting(course->policies);
    struct moon_setting setting;
    const char *type = "not there";

    text_r[0] = '\0';
    if (!*tenant)
        return;
    if (moon_setting_find(conf, moon_span_of(name), &setting))
        type = setting.type == MOON_SETTING_TEXT      ? "a text"
               : setting.type == MOON_SETTING_BOOLEAN ? "a boolean"
               : setting.type == MOON_SETTING_LIST    ? "a list"
               : setting.type == MOON_SETTING_MAP     ? "a table"
                                                      : "a number";
    if (*name)
        (void)snprintf(text_r, size,
                       " (tried for tenant '%.64s'; the setting it read last is '%s', %s)", tenant,
                       name, type);
    else
        (void)snprintf(text_r, size, " (tried for tenant '%.64s')", tenant);
}

/* The mistake of one policy, told unless it is one of many of its kind. */
static void tell(struct course *course, struct shared *shared, const char *text,
                 const char *for_whom)
{
    if (shared && ++shared->mistakes > SHARED_MISTAKES)
        return;
    if (!is_told(course->gather, text) &&
        !is_known(course->gather, course->gather->error_count, text))
        moon_gather_complain(course->gather, "%s/%s%s", course->gather->config_dir, text, for_whom);
}

/* Tries `path` as the policy of this tenant. */
static enum moon_status try_policy(struct course *course, struct shared *shared, const char *path,
                                   const char *tenant, bool next)
{
    enum moon_status status = MOON_OK;
    struct moon_error error = {""};
    struct moon_tenant_conf conf;
    struct trial trial;
    char for_whom[250] = "";

    if (!moon_tenant_conf_get(course->snapshot, tenant, &conf))
        return MOON_OK; /* too long a record: told already */
    for (int pass = 1; pass >= 0 && status == MOON_OK; pass--) {
        fill(&trial, pass == 1);
        trial.input.tenant = *tenant ? tenant : "trial";
        trial.input.conf = &conf;
        trial.input.next = next;
        status = moon_policies_check(course->policies, path, &trial.input, &error);
    }
    if (status == MOON_ENOMEM)
        return status;
    /* What settings a policy wants that nobody uses yet is not known. */
    if (status != MOON_OK &&
        (!shared || *tenant || !strstr(error.text, "m.tenant.settings has no"))) {
        if (shared && !strstr(error.text, "m.tenant.settings has no"))
            say_for_whom(course, tenant, &conf, for_whom, sizeof for_whom);
        tell(course, shared, error.text, for_whom);
    }
    return MOON_OK;
}

static struct shared *shared_of(struct course *course, const char *path)
{
    const char *live = strncmp(path, "next/", 5) == 0 ? path + 5 : path;
    if (strncmp(live, "policies/", 9) != 0)
        return NULL;
    for (size_t i = 0; i < course->shared_count; i++)
        if (!strcmp(course->shared[i].path, path))
            return &course->shared[i];
    struct shared *larger = moon_arena_append(course->gather->arena, course->shared,
                                              course->shared_count, sizeof *larger);
    if (!larger) {
        course->gather->no_memory = true;
        return NULL;
    }
    course->shared = larger;
    larger[course->shared_count] = (struct shared){.path = path};
    return &larger[course->shared_count++];
}

/* A record "tenant/NAME" or "next-tenant/NAME". */
static enum moon_status try_tenant(struct course *course, const char *tenant, const char *path,
                                   bool next)
{
    struct moon_span record;
    struct shared *shared = shared_of(course, path);
    const char *key = moon_arena_printf(course->gather->arena, "tenant-conf/%s", tenant);

    if (!key)
        return MOON_ENOMEM;
    if (shared) {
        bool own = moon_snapshot_get(course->snapshot, moon_span_of(key), &record);
        if (!own && shared->with_defaults)
            return MOON_OK; /* as the tenant before */
        shared->with_defaults = shared->with_defaults || !own;
        shared->tried++;
    }
    return try_policy(course, shared, path, tenant, next);
}

/* "acme" of "tenant/acme" with this prefix; NULL: it has another. */
static const char *behind(struct moon_arena *arena, struct moon_span key, const char *prefix,
                          enum moon_status *status)
{
    size_t n = strlen(prefix);
    if (!moon_span_is(moon_span_sub(key, 0, n), prefix))
        return NULL;
    const char *rest = moon_arena_dup(arena, moon_span_sub(key, n, key.n));
    if (!rest)
        *status = MOON_ENOMEM;
    return rest;
}

/* The mistakes that the text shows; those of loading it are told when it is tried. */
static enum moon_status look_at(struct course *course, const char *path)
{
    struct moon_gather *gather = course->gather;
    struct moon_error error = {""};
    const char **findings;
    size_t count, before = gather->error_count;
    enum moon_status status =
        moon_policies_lint(course->policies, gather->arena, path, &findings, &count, &error);
    for (size_t i = 0; i < count; i++)
        if (!is_known(gather, before, findings[i]))
            moon_gather_complain(gather, "%s/%s", gather->config_dir, findings[i]);
    return status == MOON_ENOMEM ? status : MOON_OK;
}

/* "google.lua": the site's own, in place of the program's. */
static enum moon_status try_profile(struct course *course, const char *file)
{
    struct moon_gather *gather = course->gather;
    struct moon_profile_dates dates;
    struct moon_error error = {""};
    const char *name = moon_arena_dup(gather->arena, moon_gather_stem(file));
    if (!name)
        return MOON_ENOMEM;
    enum moon_status status = moon_policies_check_profile(course->policies, name, &dates, &error);
    if (status == MOON_ECONF)
        moon_gather_complain(gather, "%s/%s", gather->config_dir, error.text);
    else if (status == MOON_OK && strcmp(dates.site, dates.program) < 0)
        moon_gather_note(gather,
                         "profiles/%s is dated %s and takes the place of the program's own, which "
                         "is dated %s: take over what is new, or remove yours",
                         file, dates.site, dates.program);
    return status == MOON_ENOMEM ? status : MOON_OK;
}

static enum moon_status try_record(struct course *course, struct moon_span key,
                                   struct moon_span value)
{
    struct moon_arena *arena = course->gather->arena;
    struct moon_error error = {""};
    enum moon_status status = MOON_OK;
    const char *name;

    if ((name = behind(arena, key, "list/", &status))) {
        if (moon_policies_check_list(course->policies, name, &error) != MOON_OK)
            moon_gather_complain(course->gather, "%s/%s", course->gather->config_dir, error.text);
    } else if ((name = behind(arena, key, "profile/profiles/", &status))) {
        status = try_profile(course, name);
    } else if ((name = behind(arena, key, "policy/", &status))) {
        bool next = !strncmp(name, "next/", 5);
        status = look_at(course, name);
        if (status != MOON_OK)
            return status;
        if (!strcmp(next ? name + 5 : name, "site.lua"))
            status = try_policy(course, NULL, name, "", next);
        else
            (void)shared_of(course, name); /* tried with its tenants, or last */
    } else {
        const char *path = value.n ? moon_arena_dup(arena, value) : NULL;
        bool next = false;
        name = path ? behind(arena, key, "tenant/", &status) : NULL;
        if (path && !name) {
            name = behind(arena, key, "next-tenant/", &status);
            next = true;
        }
        if (name)
            status = try_tenant(course, name, path, next);
    }
    return status;
}

enum moon_status moon_trial_run(struct moon_gather *gather, const struct moon_snapshot *snapshot)
{
    struct course course = {.gather = gather, .snapshot = snapshot};
    struct moon_span key, value;
    struct moon_conf conf;
    struct moon_error error = {""};

    enum moon_status status = moon_conf_load(gather->arena, snapshot, &conf, &error);
    if (status == MOON_OK)
        status = moon_policies_create(&conf, snapshot, &course.policies, &error);
    if (status != MOON_OK && status != MOON_ENOMEM)
        moon_gather_complain(gather, "%s: %s", gather->config_dir, error.text);
    for (size_t i = 0; status == MOON_OK && moon_snapshot_each(snapshot, i, &key, &value); i++)
        status = try_record(&course, key, value);
    for (size_t i = 0; status == MOON_OK && i < course.shared_count; i++) {
        struct shared *shared = &course.shared[i];
        if (!shared->tried)
            status =
                try_policy(&course, shared, shared->path, "", !strncmp(shared->path, "next/", 5));
    }
    moon_policies_destroy(&course.policies);
    return status == MOON_ENOMEM || gather->no_memory ? MOON_ENOMEM : MOON_OK;
}
