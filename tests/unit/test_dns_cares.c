/* SPDX-License-Identifier: MIT
 *
 * The c-ares backend against the responder of tests/support, which can misbehave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/dns/cares.h"
#include "engine/dns/dns.h"
#include "tests/support/dns_case.h"

#define TXT MOON_DNS_TYPE_TXT

/* "found text", "trouble SERVFAIL", ... */
static const char *shown(struct dns_case *f, const char *name, enum moon_dns_type type)
{
    const struct moon_dns_answer *answer = moon_dns_wait(f->dns, name, type);
    struct moon_str str;
    char ip[MOON_IP_TEXT_MAX];
    moon_str_begin(&str, f->arena);
    moon_str_add(&str, moon_dns_state_name(answer->state));
    if (*answer->reason)
        moon_str_addf(&str, " %s", answer->reason);
    for (size_t i = 0; i < answer->count; i++) {
        moon_str_add_char(&str, ' ');
        if (type == TXT)
            moon_str_add_span(&str, answer->records[i].text);
        else if (type == MOON_DNS_TYPE_MX)
            moon_str_addf(&str, "%u:%s", answer->records[i].preference, answer->records[i].name);
        else
            moon_str_add(&str, moon_ip_format(&answer->records[i].ip, ip));
    }
    const char *text = moon_str_end(&str);
    assert_non_null(text);
    return text;
}

static void check(struct dns_case *f, const char *name, enum moon_dns_type type, const char *want)
{
    const char *got = shown(f, name, type);
    if (strcmp(got, want) != 0)
        fail_msg("%s %s: got \"%s\", want \"%s\"", name, moon_dns_type_name(type), got, want);
}

static void check_all_kinds(int family)
{
    static const struct {
        const char *name;
        enum moon_dns_type type;
        const char *want;
    } cases[] = {
        {"hello.x", TXT, "found hello"},
        {"Hello.X.", MOON_DNS_TYPE_A, "found 192.0.2.1"},
        {"hello.x", MOON_DNS_TYPE_AAAA, "found 2001:db8::1"},
        {"hello.x", MOON_DNS_TYPE_MX, "found 10:mail.x"},
        {"a\\.b.x", TXT, "found a.b"}, /* the text is the label as the server saw it */
        {"a\\\\b.x", TXT, "found a\\b"},
        {"a\\032b\\\"c.x", TXT, "found a b\"c"},
        {"hello", TXT, "found hello"}, /* no search list */
        {"nx.x", TXT, "nxdomain"},
        {"nodata.x", TXT, "nodata"},
        {"servfail.x", TXT, "trouble SERVFAIL"},
        {"refused.x", TXT, "trouble REFUSED"},
        {"garbage.x", TXT, "trouble malformed"},
        {"wrongid.x", TXT, "found wrongid"},
        {"wrongname.x", TXT, "found wrongname"},
        {"short.x", TXT, "found short"},
        {"noedns.x", TXT, "found noedns"},
        {"cname.x", TXT, "found target"},
    };
    struct dns_case f = {0};
    dns_case_begin(&f, family);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&f, cases[i].name, cases[i].type, cases[i].want);
    dns_case_end(&f);
}

static void tells_answers_apart_over_ipv4(void **state)
{
    (void)state;
    check_all_kinds(4);
}

static void tells_answers_apart_over_ipv6(void **state)
{
    struct responder probe;
    (void)state;
    if (!responder_start(&probe, 6, false)) {
        print_message("# skipped: this machine has no ::1\n");
        skip();
    }
    responder_stop(&probe);
    check_all_kinds(6);
}

static void keeps_a_nul_byte_in_a_name(void **state)
{
    struct dns_case f = {0};
    (void)state;
    dns_case_begin(&f, 4);
    const struct moon_dns_answer *answer = moon_dns_wait(f.dns, "a\\000b.x", TXT);
    assert_int_equal(answer->state, MOON_DNS_STATE_FOUND);
    assert_int_equal(answer->records[0].text.n, 3);
    assert_memory_equal(answer->records[0].text.p, "a\0b", 3);
    dns_case_end(&f);
}

static void goes_over_to_tcp_after_truncation(void **state)
{
    struct dns_case f = {0};
    (void)state;
    dns_case_begin(&f, 4);
    check(&f, "short.x", TXT, "found short");
    assert_int_equal(f.responder.counts->udp, 1);
    assert_int_equal(f.responder.counts->tcp, 1);
    dns_case_end(&f);
}

static void offers_edns_so_that_a_kilobyte_needs_no_tcp(void **state)
{
    struct dns_case f = {0};
    (void)state;
    dns_case_begin(&f, 4);
    const struct moon_dns_answer *answer = moon_dns_wait(f.dns, "long.x", TXT);
    assert_int_equal(answer->state, MOON_DNS_STATE_FOUND);
    assert_int_equal(answer->count, 4);
    assert_int_equal(f.responder.counts->edns, 1);
    assert_int_equal(f.responder.counts->tcp, 0);
    dns_case_end(&f);
}

static void offers_edns_again_after_a_server_that_knows_none(void **state)
{
    struct dns_case f = {0};
    (void)state;
    dns_case_begin(&f, 4);
    check(&f, "noedns.x", TXT, "found noedns");
    assert_int_equal(f.responder.counts->udp, 2);
    assert_int_equal(moon_dns_wait(f.dns, "long.x", TXT)->count, 4);
    assert_int_equal(f.responder.counts->udp, 3);
    assert_int_equal(f.responder.counts->tcp, 0);
    dns_case_end(&f);
}

static void sends_prefetched_questions_together(void **state)
{
    struct dns_case f = {0};
    char name[32];
    (void)state;
    dns_case_begin(&f, 4);
    for (int i = 0; i < RESPONDER_TOGETHER; i++) { /* none is answered before all are there */
        (void)snprintf(name, sizeof name, "q%d.together.x", i);
        assert_int_equal(moon_dns_start(f.dns, name, TXT)->state, MOON_DNS_STATE_PENDING);
    }
    check(&f, "q0.together.x", TXT, "found q0");
    check(&f, "q7.together.x", TXT, "found q7");
    assert_int_equal(moon_dns_stats(f.dns).rounds, 1);
    assert_int_equal(f.responder.counts->udp, RESPONDER_TOGETHER);
    dns_case_end(&f);
}

static void ends_a_silent_server_by_the_deadline(void **state)
{
    struct dns_case f = {0};
    (void)state;
    dns_case_begin(&f, 4);
    dns_case_end_message(&f);
    dns_case_begin_message(&f, 50);
    check(&f, "silent.x", TXT, "trouble timeout");
    check(&f, "hello.x", TXT, "trouble timeout"); /* not asked any more */
    assert_int_equal(f.responder.counts->udp, 1);
    dns_case_end(&f);
}

static void never_gives_an_old_answer_to_a_new_message(void **state)
{
    struct dns_case f = {0};
    (void)state;
    dns_case_begin(&f, 4);
    dns_case_end_message(&f);
    dns_case_begin_message(&f, 20);
    check(&f, "late.x", TXT, "trouble timeout");
    dns_case_end_message(&f);
    dns_case_begin_message(&f, PLENTY_MS); /* the first answer arrives while this one waits */
    check(&f, "late.x", TXT, "found 2");
    dns_case_end(&f);
}

static void ends_with_questions_under_way(void **state)
{
    struct dns_case f = {0};
    (void)state;
    dns_case_begin(&f, 4);
    for (int i = 0; i < 3; i++) {
        (void)moon_dns_start(f.dns, "silent.x", TXT);
        (void)moon_dns_start(f.dns, "late.x", TXT);
        dns_case_end_message(&f);
        dns_case_begin_message(&f, PLENTY_MS);
    }
    check(&f, "hello.x", TXT, "found hello");
    dns_case_end(&f);
}

static void asks_the_next_server_when_one_fails(void **state)
{
    struct dns_case f = {0};
    struct responder moody;
    (void)state;
    assert_true(responder_start(&f.responder, 4, false));
    assert_true(responder_start(&moody, 4, true));
    const char *servers[] = {moody.address, f.responder.address};
    dns_case_use(&f, servers, 2);
    dns_case_begin_message(&f, PLENTY_MS);
    check(&f, "moody.x", TXT, "found moody");
    assert_true(moody.counts->udp > 0);
    responder_stop(&moody); /* now nobody is there: the kernel refuses */
    dns_case_end_message(&f);
    dns_case_begin_message(&f, PLENTY_MS);
    check(&f, "hello.x", TXT, "found hello");
    dns_case_end(&f);
}

static void asks_a_silent_server_last_from_then_on(void **state)
{
    struct dns_case f = {0};
    struct responder moody;
    (void)state;
    assert_true(responder_start(&f.responder, 4, false));
    assert_true(responder_start(&moody, 4, true));
    const char *servers[] = {moody.address, f.responder.address};
    dns_case_use(&f, servers, 2);
    dns_case_begin_message(&f, PLENTY_MS);
    check(&f, "mute.x", TXT, "found mute"); /* takes the time of one try */
    assert_int_equal(moody.counts->udp, 1);
    check(&f, "mute.y", TXT, "found mute");
    assert_int_equal(moody.counts->udp, 1);
    responder_stop(&moody);
    dns_case_end(&f);
}

static void says_that_no_server_was_reached(void **state)
{
    struct dns_case f = {0};
    struct responder gone;
    (void)state;
    dns_case_begin(&f, 4);
    dns_case_end_message(&f);
    moon_dns_backend_destroy(&f.backend);
    assert_true(responder_start(&gone, 4, false));
    responder_stop(&gone);
    const char *servers[] = {gone.address};
    dns_case_use(&f, servers, 1);
    dns_case_begin_message(&f, PLENTY_MS);
    check(&f, "hello.x", TXT, "trouble no server reached");
    dns_case_end(&f);
}

static void write_file(const char *path, const char *text)
{
    char next[128];
    (void)snprintf(next, sizeof next, "%s.next", path);
    FILE *file = fopen(next, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(next, path), 0);
}

static void reads_resolv_conf_again_when_it_changes(void **state)
{
    char directory[] = P_tmpdir "/moon-dns-XXXXXX", path[64], text[256];
    struct dns_case f = {0};
    struct responder other;
    struct moon_error error;
    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/resolv.conf", directory);
    assert_true(responder_start(&f.responder, 4, false));
    assert_true(responder_start(&other, 4, false));

    (void)snprintf(text, sizeof text, "# first\nsearch x y\nnameserver\t%s\noptions ndots:5\n",
                   f.responder.address);
    write_file(path, text);
    assert_int_equal(moon_dns_backend_resolv_conf(path, &f.backend, &error), MOON_OK);
    moon_dns_backend_keep(f.backend, 60);
    for (int i = 0; i < 2; i++) { /* the second time from what is kept */
        dns_case_begin_message(&f, PLENTY_MS);
        check(&f, "hello.x", TXT, "found hello");
        dns_case_end_message(&f);
    }
    assert_int_equal(f.responder.counts->udp, 1);

    (void)snprintf(text, sizeof text, "nameserver nonsense\nnameserver %s", other.address);
    write_file(path, text);
    dns_case_begin_message(&f, PLENTY_MS); /* what others have said counts no more */
    check(&f, "hello.x", TXT, "found hello");
    assert_int_equal(f.responder.counts->udp, 1);
    assert_int_equal(other.counts->udp, 1);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
    responder_stop(&other);
    dns_case_end(&f);
}

static void works_with_high_descriptors(void **state)
{
    struct dns_case f = {0};
    struct rlimit limit = {0, 0};
    int last = 0;
    (void)state;
    dns_case_begin(&f, 4);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 1100 && limit.rlim_max >= 1100) {
        limit.rlim_cur = 1100;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    static int fds[1100];
    int count = 0;
    while (last < 1040 && count < 1100 && (last = dup(0)) >= 0)
        fds[count++] = last;
    assert_true(last >= 1040);
    check(&f, "hello.x", TXT, "found hello");
    check(&f, "short.x", TXT, "found short");
    while (count)
        (void)close(fds[--count]);
    dns_case_end(&f);
}

static void gives_trouble_without_memory_at_every_point(void **state)
{
    struct dns_case f = {0};
    (void)state;
    dns_case_begin(&f, 4);
    for (size_t n = 1; n < 12; n++) {
        dns_case_end_message(&f);
        dns_case_begin_message(&f, PLENTY_MS);
        moon_arena_fail_at(f.arena, n);
        const struct moon_dns_answer *answer = moon_dns_wait(f.dns, "hello.x", TXT);
        if (answer->state != MOON_DNS_STATE_FOUND) {
            assert_int_equal(answer->state, MOON_DNS_STATE_TROUBLE);
            assert_string_equal(answer->reason, "no memory");
        } else {
            assert_true(n > 3);
        }
    }
    moon_arena_fail_at(f.arena, 0);
    dns_case_end(&f);
}

static void refuses_servers_it_cannot_read(void **state)
{
    static const char *const bad[] = {"",
                                      "localhost",
                                      "192.0.2.1:",
                                      "192.0.2.1:0",
                                      "192.0.2.1:65536",
                                      "192.0.2.1:53x",
                                      "[192.0.2.1]",
                                      "[::1",
                                      "[::1]53",
                                      "1.2.3.4.5",
                                      "::1]:53"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct moon_dns_backend *backend = NULL;
        struct moon_error error = {""};
        if (moon_dns_backend_cares(&bad[i], 1, &backend, &error) != MOON_ECONF)
            fail_msg("\"%s\": got a backend, want an error", bad[i]);
        assert_null(backend);
        assert_non_null(strstr(error.text, "not the address of a DNS server"));
    }
    const char *many[9];
    for (size_t i = 0; i < 9; i++)
        many[i] = "192.0.2.1";
    struct moon_dns_backend *backend = NULL;
    assert_int_equal(moon_dns_backend_cares(many, 9, &backend, NULL), MOON_ECONF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_answers_apart_over_ipv4),
        cmocka_unit_test(tells_answers_apart_over_ipv6),
        cmocka_unit_test(keeps_a_nul_byte_in_a_name),
        cmocka_unit_test(goes_over_to_tcp_after_truncation),
        cmocka_unit_test(offers_edns_so_that_a_kilobyte_needs_no_tcp),
        cmocka_unit_test(offers_edns_again_after_a_server_that_knows_none),
        cmocka_unit_test(sends_prefetched_questions_together),
        cmocka_unit_test(ends_a_silent_server_by_the_deadline),
        cmocka_unit_test(never_gives_an_old_answer_to_a_new_message),
        cmocka_unit_test(ends_with_questions_under_way),
        cmocka_unit_test(asks_the_next_server_when_one_fails),
        cmocka_unit_test(asks_a_silent_server_last_from_then_on),
        cmocka_unit_test(says_that_no_server_was_reached),
        cmocka_unit_test(reads_resolv_conf_again_when_it_changes),
        cmocka_unit_test(works_with_high_descriptors),
        cmocka_unit_test(gives_trouble_without_memory_at_every_point),
        cmocka_unit_test(refuses_servers_it_cannot_read),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
