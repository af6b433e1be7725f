/* SPDX-License-Identifier: MIT
 *
 * scan_case: see the header.
 */
#include "tests/support/scan_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/message/domain.h"
#include "engine/trial/sign.h"
#include "tests/support/dkim_case.h"

#define KEY_FILE    "tests/support/keys/rsa2048.pem"
#define SELECTOR    "k1"
#define CHECK(cond) ((cond) ? (void)0 : (fprintf(stderr, "scan_case: %s\n", #cond), abort()))

static void add_keys(struct moon_arena *arena, const struct scan_case *test, EVP_PKEY *key,
                     struct moon_str *zone)
{
    char *record = moon_sign_record(key, 0);
    CHECK(record);
    for (size_t i = 0; i < 4 && test->signs[i].domain; i++) {
        const char *name =
            moon_arena_printf(arena, SELECTOR "._domainkey.%s", test->signs[i].domain);
        bool listed = false;
        for (size_t k = 0; k < i; k++)
            listed = listed || !strcmp(test->signs[k].domain, test->signs[i].domain);
        if (!listed)
            moon_str_add(zone, moon_case_txt(arena, name, record));
    }
    free(record);
}

/* The message without signatures; LF line ends. */
static char *plain_text(struct moon_arena *arena, const struct scan_case *test, const char *subject)
{
    const char *fields = test->fields ? test->fields : "";
    return moon_arena_printf(arena, "%s%sSubject: %s\n%s\nHello.\n",
                             strstr(fields, "From:") ? "" : "From: A Shop <bulk@shop.example>\n",
                             strstr(fields, "To:") ? "" : "To: x@acme.example\n", subject, fields);
}

/* Each signature covers the message without the others, and they stand on top. */
static char *signed_text(struct moon_arena *arena, const struct scan_case *test, EVP_PKEY *key)
{
    struct moon_str whole;
    size_t size, n;
    moon_str_begin(&whole, arena);
    for (size_t i = 0; i < 4 && test->signs[i].domain; i++) {
        struct moon_sign sign = moon_sign_default(test->signs[i].domain, SELECTOR);
        const char *text = plain_text(arena, test, test->signs[i].broken ? "Another" : "News");
        char *crlf = moon_sign_crlf(text, strlen(text), &n);
        sign.canon = "relaxed/relaxed";
        sign.headers = test->signs[i].headers ? test->signs[i].headers : "from:to:subject";
        char *field = crlf ? moon_sign_field(&sign, key, crlf, n) : NULL;
        CHECK(field);
        moon_str_add(&whole, field);
        free(field);
        free(crlf);
    }
    const char *text = plain_text(arena, test, "News");
    char *crlf = moon_sign_crlf(text, strlen(text), &size);
    CHECK(crlf);
    moon_str_add(&whole, crlf);
    free(crlf);
    return moon_str_end(&whole);
}

static void open_snapshot(const struct scan_case *test, struct scan_result *out)
{
    struct moon_snapshot_writer *writer = moon_snapshot_writer_create();
    struct moon_span bytes;
    char hash[65];
    const char *const own[][2] = {{"domain/acme.example", "acme"},
                                  {"tenant/acme", "tenants/acme.lua"},
                                  {"policy/tenants/acme.lua", test->policy}};
    const char *const others[][2] = {{"domain/other.example", "other"},
                                     {"tenant/other", "tenants/other.lua"},
                                     {"policy/tenants/other.lua", test->other}};
    CHECK(writer);
    for (size_t i = 0; i < 3 && test->other; i++)
        CHECK(moon_snapshot_writer_add(writer, moon_span_of(others[i][0]),
                                       moon_span_of(others[i][1]), NULL) == MOON_OK);
    for (size_t i = 0; i < 3; i++)
        CHECK(moon_snapshot_writer_add(writer, moon_span_of(own[i][0]), moon_span_of(own[i][1]),
                                       NULL) == MOON_OK);
    for (size_t i = 0; test->files && test->files[i][0]; i++)
        CHECK(moon_snapshot_writer_add(writer, moon_span_of(test->files[i][0]),
                                       moon_span_of(test->files[i][1]), NULL) == MOON_OK);
    CHECK(moon_snapshot_writer_bytes(writer, hash, &bytes, NULL) == MOON_OK);
    CHECK(moon_snapshot_of_memory(bytes, &out->snapshot, NULL) == MOON_OK);
    out->bytes = bytes.p;
    moon_snapshot_writer_destroy(&writer);
}

static void fill_envelope(struct moon_arena *arena, const struct scan_case *test,
                          struct moon_message *msg)
{
    const char *from = test->mail_from ? test->mail_from : "bulk@shop.example";
    const char *at = strrchr(from, '@');
    size_t count = test->other ? 2 : 1, more = 0;
    while (test->more && test->more[more])
        more++;
    struct moon_recipient *recipient = moon_arena_array(arena, 2 + more, sizeof *recipient);
    CHECK(recipient);
    recipient[0] = (struct moon_recipient){"x@acme.example", "acme.example"};
    recipient[1] = (struct moon_recipient){"y@other.example", "other.example"};
    for (size_t i = 0; i < more; i++)
        recipient[count + i] =
            (struct moon_recipient){test->more[i], strchr(test->more[i], '@') + 1};
    msg->id = "1abc-000-00";
    msg->session = (struct moon_session){.helo = "out.shop.example",
                                         .protocol = test->tls ? "esmtps" : "esmtp",
                                         .host_name = test->host,
                                         .tls = test->tls};
    CHECK(moon_ip_parse(moon_span_of(test->ip ? test->ip : "192.0.2.7"), &msg->session.ip));
    if (test->hop)
        CHECK(moon_ip_parse(moon_span_of(test->hop), &msg->session.hop));
    msg->mail_from = from;
    msg->mail_from_domain = at ? moon_domain_normalize(arena, moon_span_of(at + 1)) : NULL;
    msg->recipients = recipient;
    msg->recipient_count = count + more;
    msg->waited_ms = test->waited_ms;
    msg->receiver_name = "mx.acme.example";
}

void scan_case_run(const struct scan_case *test, struct scan_result *out)
{
    struct moon_error error = {""};
    struct moon_conf *conf;
    struct moon_str zone;
    EVP_PKEY *key = moon_sign_key_load(KEY_FILE);

    *out = (struct scan_result){.arena = moon_arena_create(16 << 20)};
    CHECK(key && out->arena);
    conf = moon_arena_alloc(out->arena, sizeof *conf);
    CHECK(conf && moon_conf_default(out->arena, conf) == MOON_OK);
    conf->policy_ms = 20000; /* sanitizers are slow */
    moon_str_begin(&zone, out->arena);
    moon_str_add(&zone, test->zone ? test->zone : "");
    add_keys(out->arena, test, key, &zone);
    const char *text = signed_text(out->arena, test, key);
    EVP_PKEY_free(key);
    CHECK(text);
    struct moon_message *msg = moon_case_message(out->arena, text, strlen(text));
    CHECK(msg);
    msg->received_s += (int64_t)test->days_later * 86400;
    fill_envelope(out->arena, test, msg);
    open_snapshot(test, out);
    CHECK(moon_dns_backend_zone(moon_span_of(moon_str_end(&zone)), "zone", &out->dns, &error) ==
          MOON_OK);
    CHECK(moon_policies_create(conf, out->snapshot, &out->policies, &error) == MOON_OK);
    struct moon_engine engine = {.conf = conf,
                                 .snapshot = out->snapshot,
                                 .dns = out->dns,
                                 .policies = out->policies,
                                 .store = test->store};
    CHECK(moon_scan(&engine, out->arena, msg, &out->outcome, &error) == MOON_OK);
    CHECK(out->outcome.tenant_count == msg->recipient_count);
    out->verdict = out->outcome.tenants[0].verdict; /* in order of their names */
}

void scan_case_end(struct scan_result *result)
{
    moon_outcome_end(&result->outcome);
    moon_policies_destroy(&result->policies);
    moon_snapshot_close(&result->snapshot);
    moon_dns_backend_destroy(&result->dns);
    moon_arena_destroy(&result->arena);
    free((void *)(uintptr_t)result->bytes);
}
