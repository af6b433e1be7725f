/* SPDX-License-Identifier: MIT
 *
 * The zone backend: what it answers, and what it says about a text that is no zone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/dns/dns.h"

#define A     MOON_DNS_TYPE_A
#define AAAA  MOON_DNS_TYPE_AAAA
#define TXT   MOON_DNS_TYPE_TXT
#define MX    MOON_DNS_TYPE_MX
#define PTR   MOON_DNS_TYPE_PTR
#define CNAME MOON_DNS_TYPE_CNAME

struct fixture {
    struct moon_arena *arena;
    struct moon_dns_backend *backend;
    struct moon_dns *dns;
};

static void open_zone(struct fixture *f, const char *text)
{
    struct moon_error error = {""};
    f->arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    assert_non_null(f->arena);
    if (moon_dns_backend_zone(moon_span_of(text), "test.zone", &f->backend, &error) != MOON_OK)
        fail_msg("got \"%s\", want a zone", error.text);
    f->dns = moon_dns_begin(f->arena, f->backend, 10000, 0);
    assert_non_null(f->dns);
}

static void close_zone(struct fixture *f)
{
    moon_dns_end(&f->dns);
    moon_dns_backend_destroy(&f->backend);
    moon_arena_destroy(&f->arena);
}

/* An answer as text: "found 10:mail.example,20:b.example", "nxdomain", "trouble timeout". */
static const char *shown(struct fixture *f, const char *name, enum moon_dns_type type)
{
    const struct moon_dns_answer *answer = moon_dns_wait(f->dns, name, type);
    struct moon_str str;
    moon_str_begin(&str, f->arena);
    moon_str_add(&str, moon_dns_state_name(answer->state));
    if (*answer->reason)
        moon_str_addf(&str, " %s", answer->reason);
    for (size_t i = 0; i < answer->count; i++) {
        const struct moon_dns_record *r = &answer->records[i];
        char ip[MOON_IP_TEXT_MAX];
        moon_str_add_char(&str, i ? ',' : ' ');
        if (type == TXT)
            moon_str_add_span(&str, r->text);
        else if (type == MX)
            moon_str_addf(&str, "%u:%s", r->preference, r->name);
        else if (type == A || type == AAAA)
            moon_str_add(&str, moon_ip_format(&r->ip, ip));
        else
            moon_str_add(&str, r->name);
    }
    const char *text = moon_str_end(&str);
    assert_non_null(text);
    return text;
}

static const char zone_text[] =
    "$TTL 1h\n"
    "$ORIGIN example.\n"
    "; a comment\n"
    "@        3600 IN SOA ns hostmaster ( 1 ; serial\n"
    "                 2 3 4 5 )\n"
    "@               MX    20 b\n"
    "         IN 60  MX    10 Mail.Example.\n"
    "nullmx          MX    0 .\n"
    "mail            A     192.0.2.1\n"
    "                A     192.0.2.2\n"
    "                AAAA  2001:DB8::1\n"
    "mapped          AAAA  ::ffff:192.0.2.1\n"
    "txt             TXT   \"v=spf1 \" \"-all; \\\"x\\\"\" bare\\ word \\065\n"
    "two             TXT   one\n"
    "two             TXT   two\n"
    "long            TXT ( \"a\"\n"
    "                      \"b\" )\n"
    "a.b.c           TXT   deep\n"
    "*.wild          TXT   any\n"
    "here.wild       A     192.0.2.3\n"
    "*.alias         CNAME mail\n"
    "c1              CNAME c2\n"
    "c2              CNAME txt\n"
    "cnx             CNAME nowhere\n"
    "cnodata         CNAME mail\n"
    "l1              CNAME l2\n"
    "l2              CNAME l1\n"
    "self            CNAME self\n"
    "slow            TIMEOUT\n"
    "broken          SERVFAIL\n"
    "half            TXT   fine\n"
    "half            A     TIMEOUT\n"
    "cslow           CNAME slow\n"
    "word            TXT   \"TIMEOUT\"\n"
    "dot\\.ted        TXT   odd\n"
    "ptr             PTR   Host.Other.\n"
    "odd             PTR   a\\.b.c\\000d.\n"
    "$ORIGIN sub\n"
    "x               TXT   relative\n"
    "h0 CNAME h1\nh1 CNAME h2\nh2 CNAME h3\nh3 CNAME h4\nh4 CNAME h5\n"
    "h5 CNAME h6\nh6 CNAME h7\nh7 CNAME h8\nh8 TXT end\nhm CNAME h0\n";

static void answers_as_a_resolver_would(void **state)
{
    static const struct {
        const char *name;
        enum moon_dns_type type;
        const char *want;
    } cases[] = {
        {"example", MX, "found 20:b.example,10:mail.example"},
        {"EXAMPLE.", TXT, "nodata"},
        {"nullmx.example", MX, "found 0:"},
        {"mail.example", A, "found 192.0.2.1,192.0.2.2"},
        {"MAIL.example.", AAAA, "found 2001:db8::1"},
        {"mail.example", TXT, "nodata"},
        {"txt.example", TXT, "found v=spf1 -all; \"x\"bare wordA"},
        {"two.example", TXT, "found one,two"},
        {"long.example", TXT, "found ab"},
        {"nowhere.example", TXT, "nxdomain"},
        {"b.c.example", TXT, "nodata"}, /* RFC 8020 section 2 */
        {"c.example", TXT, "nodata"},
        {"x.a.b.c.example", TXT, "nxdomain"},
        {"x.wild.example", TXT, "found any"}, /* RFC 4592 section 2.2.1 */
        {"y.x.wild.example", TXT, "found any"},
        {"here.wild.example", TXT, "nodata"},
        {"x.here.wild.example", TXT, "nxdomain"}, /* the closest encloser has no wildcard */
        {"wild.example", TXT, "nodata"},
        {"*.wild.example", TXT, "found any"},
        {"x.alias.example", A, "found 192.0.2.1,192.0.2.2"},
        {"c1.example", TXT, "found v=spf1 -all; \"x\"bare wordA"},
        {"c1.example", CNAME, "found c2.example"},
        {"cnx.example", TXT, "nxdomain"}, /* RFC 6604 section 3 */
        {"cnodata.example", TXT, "nodata"},
        {"l1.example", TXT, "nodata CNAME loop"},
        {"self.example", A, "nodata CNAME loop"},
        {"slow.example", TXT, "trouble timeout"},
        {"slow.example", A, "trouble timeout"},
        {"broken.example", MX, "trouble SERVFAIL"},
        {"half.example", TXT, "found fine"},
        {"half.example", A, "trouble timeout"},
        {"cslow.example", A, "trouble timeout"},
        {"word.example", TXT, "found TIMEOUT"},
        {"dot\\.ted.example", TXT, "found odd"},
        {"dot.ted.example", TXT, "nxdomain"},
        {"ptr.example", PTR, "found host.other"},
        {"odd.example", PTR, "found a\\.b.c\\000d"},
        {"x.sub.example", TXT, "found relative"},
        {"h0.sub.example", TXT, "found end"}, /* eight hops */
        {"hm.sub.example", TXT, "nodata CNAME chain too long"},
    };
    struct fixture f;
    (void)state;
    open_zone(&f, zone_text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = shown(&f, cases[i].name, cases[i].type);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s %s: got \"%s\", want \"%s\"", cases[i].name,
                     moon_dns_type_name(cases[i].type), got, cases[i].want);
    }
    close_zone(&f);
}

static void keeps_an_ipv4_mapped_aaaa_as_sixteen_bytes(void **state)
{
    struct fixture f;
    (void)state;
    open_zone(&f, zone_text);
    const struct moon_dns_answer *answer = moon_dns_wait(f.dns, "mapped.example", AAAA);
    assert_int_equal(answer->count, 1);
    assert_int_equal(answer->records[0].ip.family, 6);
    assert_int_equal(answer->records[0].ip.bytes[11], 0xff);
    assert_int_equal(answer->records[0].ip.bytes[15], 1);
    close_zone(&f);
}

static void keeps_nul_bytes_of_a_txt_record(void **state)
{
    struct fixture f;
    (void)state;
    open_zone(&f, "x TXT \"a\\000b\"\n");
    const struct moon_dns_answer *answer = moon_dns_wait(f.dns, "x", TXT);
    assert_int_equal(answer->count, 1);
    assert_int_equal(answer->records[0].text.n, 3);
    assert_memory_equal(answer->records[0].text.p, "a\0b", 3);
    close_zone(&f);
}

static void gives_at_most_the_allowed_records_and_says_there_are_more(void **state)
{
    struct fixture f;
    char text[8192] = "";
    size_t n = 0;
    (void)state;
    for (unsigned i = 0; i <= MOON_DNS_RECORDS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "x A 192.0.2.%u\n", i);
    open_zone(&f, text);
    const struct moon_dns_answer *answer = moon_dns_wait(f.dns, "x", A);
    assert_int_equal(answer->state, MOON_DNS_STATE_FOUND);
    assert_int_equal(answer->count, MOON_DNS_RECORDS_MAX);
    assert_true(answer->more);
    close_zone(&f);
}

static void names_file_and_line_of_what_it_cannot_read(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"x A 192.0.2.1\nx A 2001:db8::1\n", "z:2: not an IPv4 address: \"2001:db8::1\""},
        {"x AAAA 192.0.2.1", "z:1: not an IPv6 address: \"192.0.2.1\""},
        {"x A", "z:1: not an IPv4 address: \"\""},
        {"\n\nx BOGUS y", "z:3: unknown type: \"BOGUS\""},
        {"x MX 70000 y", "z:1: not a preference: \"70000\""},
        {"x MX 10", "z:1: a name is missing"},
        {"x A 192.0.2.1 192.0.2.2", "z:1: more than the record needs: \"192.0.2.2\""},
        {"x TIMEOUT now", "z:1: more than the record needs: \"now\""},
        {"x TXT", "z:1: TXT without a string"},
        {"x TXT \"open\n", "z:1: the quoted string is not closed"},
        {"x TXT a\\25", "z:1: a broken escape: \"a\\25\""},
        {"x TXT a\\256", "z:1: a broken escape: \"a\\256\""},
        {"x TXT ( a\n b", "z:1: the parenthesis is not closed"},
        {"x TXT ( a ( b ) )", "z:1: a parenthesis inside another"},
        {"x TXT a )", "z:1: ')' without '('"},
        {"x 3600 IN", "z:1: a type is missing"},
        {"  A 192.0.2.1", "z:1: no owner yet"},
        {"a..b A 192.0.2.1", "z:1: not a name: \"a..b\""},
        {"$INCLUDE other", "z:1: unknown directive: \"$INCLUDE\""},
        {"$ORIGIN", "z:1: takes one argument: \"$ORIGIN\""},
        {"$TTL soon", "z:1: not a TTL: \"soon\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct moon_dns_backend *backend = NULL;
        struct moon_error error = {""};
        enum moon_status status =
            moon_dns_backend_zone(moon_span_of(cases[i].text), "z", &backend, &error);
        if (status != MOON_ECONF || strcmp(error.text, cases[i].want) != 0)
            fail_msg("\"%s\": got %s \"%s\", want \"%s\"", cases[i].text, moon_status_name(status),
                     error.text, cases[i].want);
        assert_null(backend);
    }
}

static void bounds_strings_names_and_size(void **state)
{
    struct moon_dns_backend *backend = NULL;
    struct moon_error error = {""};
    char text[600] = "x TXT ";
    (void)state;
    memset(text + 6, 'a', 256);
    assert_int_equal(moon_dns_backend_zone(moon_span_of(text), "z", &backend, &error), MOON_ECONF);
    assert_string_equal(error.text, "z:1: a string longer than 255 bytes: split it into several");
    text[6 + 255] = '\0';
    assert_int_equal(moon_dns_backend_zone(moon_span_of(text), "z", &backend, &error), MOON_OK);
    moon_dns_backend_destroy(&backend);

    static char large[MOON_ZONE_BYTES_MAX + 2];
    memset(large, '\n', sizeof large - 1);
    assert_int_equal(moon_dns_backend_zone(moon_span_of(large), "z", &backend, &error), MOON_ECONF);
    assert_non_null(strstr(error.text, "larger than"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_a_resolver_would),
        cmocka_unit_test(keeps_an_ipv4_mapped_aaaa_as_sixteen_bytes),
        cmocka_unit_test(keeps_nul_bytes_of_a_txt_record),
        cmocka_unit_test(gives_at_most_the_allowed_records_and_says_there_are_more),
        cmocka_unit_test(names_file_and_line_of_what_it_cannot_read),
        cmocka_unit_test(bounds_strings_names_and_size),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
