/* SPDX-License-Identifier: MIT
 *
 * The sockets of a message, below the c-ares backend, which asks the responder of tests/support.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/dns/cares.h"
#include "engine/dns/dns.h"
#include "engine/dns/sockets.h"
#include "tests/support/dns_case.h"

static void check(struct dns_case *f, const char *name, const char *want)
{
    const struct moon_dns_answer *answer = moon_dns_wait(f->dns, name, MOON_DNS_TYPE_TXT);
    struct moon_span got =
        answer->count ? answer->records[0].text : moon_span_of(moon_dns_state_name(answer->state));
    if (!moon_span_is(got, want))
        fail_msg("%s: got \"%.*s\", want \"%s\"", name, (int)got.n, got.p, want);
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* RFC 5452 section 9.2: an attacker has to guess the port for each message anew. */
static void has_one_port_for_a_message_and_others_for_the_next(void **state)
{
    struct dns_case f = {0};
    int before;
    (void)state;
    dns_case_begin(&f, 4);
    before = open_descriptors();
    for (unsigned i = 0; i < 4; i++) {
        check(&f, "one.x", "one");
        check(&f, "two.x", "two");
        check(&f, "short.x", "short"); /* TCP between two rounds */
        check(&f, "nx.x", "nxdomain");
        assert_true(f.responder.counts->ports <= i + 1);
        dns_case_end_message(&f);
        assert_int_equal(open_descriptors(), before);
        dns_case_begin_message(&f, PLENTY_MS);
    }
    assert_true(f.responder.counts->ports > 1); /* the kernel may choose the same once */
    dns_case_end(&f);
}

static void gives_each_server_its_own_port(void **state)
{
    struct dns_case f = {0};
    struct responder moody;
    (void)state;
    assert_true(responder_start(&f.responder, 4, false));
    assert_true(responder_start(&moody, 4, true));
    const char *servers[] = {moody.address, f.responder.address};
    dns_case_use(&f, servers, 2);
    dns_case_begin_message(&f, PLENTY_MS);
    int before = open_descriptors();
    check(&f, "one.x", "one");
    check(&f, "moody.x", "moody"); /* from the second server */
    check(&f, "two.x", "two");
    check(&f, "moody.y", "moody");
    assert_int_equal(moody.counts->udp, 4);
    assert_int_equal(f.responder.counts->udp, 2);
    assert_true(open_descriptors() <= before + 2);
    dns_case_end_message(&f);
    assert_int_equal(open_descriptors(), before);
    dns_case_begin_message(&f, PLENTY_MS);
    check(&f, "moody.z", "moody");
    responder_stop(&moody);
    check(&f, "three.x", "three"); /* the kernel refuses at the first server */
    check(&f, "four.x", "four");
    dns_case_end(&f);
}

static int open_udp(struct moon_dns_sockets *sockets)
{
    int fd = moon_dns_socket_open(sockets, AF_INET, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    return fd;
}

static void close_one(struct moon_dns_sockets *sockets, int fd)
{
    assert_int_equal(moon_dns_socket_close(sockets, fd), 0);
}

static int connect_to(struct moon_dns_sockets *sockets, int fd, const char *ip)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    assert_int_equal(inet_pton(AF_INET, ip, &to.sin_addr), 1);
    return moon_dns_socket_connect(sockets, fd, (struct sockaddr *)&to, sizeof to);
}

static unsigned port_of(int fd)
{
    struct sockaddr_in here = {0};
    socklen_t length = sizeof here;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &length), 0);
    return here.sin_port;
}

static void does_not_keep_a_socket_that_failed(void **state)
{
    struct moon_dns_sockets sockets = {0};
    int before = open_descriptors();
    (void)state;
    for (size_t i = 0; i < 2 * MOON_DNS_SERVERS_MAX; i++) { /* each leaves its place to the next */
        int fd = open_udp(&sockets);
        close_one(&sockets, fd);
        assert_int_equal(open_descriptors(), before + 1);
        assert_int_equal(open_udp(&sockets), fd);
        if (i % 2)
            moon_dns_socket_spoil(&sockets, fd);
        else /* nobody may connect there */
            assert_int_equal(connect_to(&sockets, fd, "255.255.255.255"), -1);
        close_one(&sockets, fd);
        assert_int_equal(open_descriptors(), before);
    }
    moon_dns_sockets_end(&sockets);
    assert_int_equal(open_descriptors(), before);
}

static void keeps_as_many_sockets_as_there_can_be_servers(void **state)
{
    enum { MANY = MOON_DNS_SERVERS_MAX + 2 };
    struct moon_dns_sockets sockets = {0};
    int fds[MANY], before = open_descriptors();
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < MANY; i++)
            fds[i] = open_udp(&sockets);
        assert_int_equal(open_descriptors(), before + MANY); /* none is given out twice */
        for (int i = 0; i < MANY; i++)
            close_one(&sockets, fds[i]);
        assert_int_equal(open_descriptors(), before + (int)MOON_DNS_SERVERS_MAX);
    }
    int stream = moon_dns_socket_open(&sockets, AF_INET, SOCK_STREAM, 0);
    close_one(&sockets, stream);
    assert_int_equal(open_descriptors(), before + (int)MOON_DNS_SERVERS_MAX);
    moon_dns_sockets_end(&sockets);
    assert_int_equal(open_descriptors(), before);
}

static void takes_another_port_for_another_server(void **state)
{
    struct moon_dns_sockets sockets = {0};
    int fd = open_udp(&sockets), changes = 0;
    (void)state;
    for (int i = 0; i < 8; i++) { /* the kernel may choose the same now and then */
        assert_int_equal(connect_to(&sockets, fd, "127.0.0.1"), 0);
        unsigned port = port_of(fd);
        close_one(&sockets, fd);
        assert_int_equal(open_udp(&sockets), fd);
        assert_int_equal(connect_to(&sockets, fd, "127.0.0.1"), 0);
        assert_int_equal(port_of(fd), port);
        assert_int_equal(connect_to(&sockets, fd, "127.0.0.2"), 0);
        changes += port_of(fd) != port;
    }
    assert_true(changes > 4);
    close_one(&sockets, fd);
    moon_dns_sockets_end(&sockets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_one_port_for_a_message_and_others_for_the_next),
        cmocka_unit_test(gives_each_server_its_own_port),
        cmocka_unit_test(does_not_keep_a_socket_that_failed),
        cmocka_unit_test(keeps_as_many_sockets_as_there_can_be_servers),
        cmocka_unit_test(takes_another_port_for_another_server),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
