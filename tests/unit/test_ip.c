/* SPDX-License-Identifier: MIT
 *
 * Addresses and networks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/ip.h"
#include "engine/base/status.h"

static void reads_and_writes_addresses(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: no address */
    } table[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"2001:DB8:0:0::1", "2001:db8::1"},
        {"::", "::"},
        {"::1", "::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"}, /* RFC 4291 section 2.5.5.2 */
        {"::ffff:c000:0201", "192.0.2.1"},
        {"::192.0.2.1", "::192.0.2.1"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"", NULL},
        {"192.0.2", NULL},
        {"192.0.2.256", NULL},
        {"192.0.2.1.", NULL},
        {" 192.0.2.1", NULL},
        {"192.0.2.1 ", NULL},
        {"192.0.02.1", NULL},
        {"0xc0.0.2.1", NULL},
        {"[192.0.2.1]", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"1::2::3", NULL},
        {"fe80::1%eth0", NULL},
        {"2001:db8:0000:0000:0000:0000:0000:00000000001", NULL},
        {"1111:2222:3333:4444:5555:6666:255.255.255.2555", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_ip ip;
        char text[MOON_IP_TEXT_MAX];
        bool ok = moon_ip_parse(moon_span_of(table[i].text), &ip);
        const char *got = moon_ip_format(&ip, text), *want = table[i].want;
        if (ok != (want != NULL) || strcmp(got, want ? want : "") != 0)
            fail_msg("'%s': got '%s', want '%s'", table[i].text, got, want ? want : "");
    }
}

static void a_text_with_nul_is_no_address(void **state)
{
    struct moon_ip ip;
    (void)state;
    assert_false(moon_ip_parse((struct moon_span){"192.0.2.1\0.3", 12}, &ip));
    assert_false(moon_ip_parse((struct moon_span){NULL, 0}, &ip));
    assert_int_equal(ip.family, 0);
}

static struct moon_ip ip_of(const char *text)
{
    struct moon_ip ip;
    assert_true(moon_ip_parse(moon_span_of(text), &ip));
    return ip;
}

static void tells_who_is_in_a_network(void **state)
{
    static const struct {
        const char *net, *ip;
        bool in;
    } table[] = {
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.77/24", "192.0.2.1", true}, /* host bits may be set */
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.0", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "192.0.2.1", false},
        {"::/0", "2001:db8::1", true},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"2001:db8::1", "2001:db8::1", true},
        {"2001:db8::1/127", "2001:db8::", true},
        {"::ffff:192.0.2.0/120", "192.0.2.9", true}, /* mapped: 24 bits of IPv4 */
        {"::ffff:192.0.2.0/120", "192.0.3.9", false},
        {"::ffff:0:0/96", "203.0.113.9", true},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_net net;
        struct moon_ip ip = ip_of(table[i].ip);
        assert_true(moon_net_parse(moon_span_of(table[i].net), &net));
        if (moon_net_has(&net, &ip) != table[i].in)
            fail_msg("%s in %s: want %d", table[i].ip, table[i].net, table[i].in);
    }
}

static void what_is_no_network_holds_nobody(void **state)
{
    static const char *const table[] = {
        "",    "/",          "/24",           "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1",
        "::/", "192.0.2/24", "192.0.2.0/24x", "::/129",     "a/24",         "192.0.2.0/24/24",
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_net net;
        struct moon_ip ip = ip_of("192.0.2.1");
        if (moon_net_parse(moon_span_of(table[i]), &net))
            fail_msg("'%s' was read as a network", table[i]);
        assert_int_equal(net.ip.family, 0);
        assert_false(moon_net_has(&net, &ip));
        ip = (struct moon_ip){0};
        assert_false(moon_net_has(&net, &ip));
    }
}

static void more_bits_than_an_address_has_match_nothing(void **state)
{
    struct moon_ip four = ip_of("192.0.2.1"), six = ip_of("2001:db8::1");
    (void)state;
    assert_true(moon_ip_match(&four, &four, 32));
    assert_false(moon_ip_match(&four, &four, 33));
    assert_true(moon_ip_match(&six, &six, 128));
    assert_false(moon_ip_match(&six, &six, 129));
    assert_false(moon_ip_match(&four, &six, 0));
    assert_true(moon_ip_equal(&four, &four));
    assert_false(moon_ip_equal(&four, &six));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_addresses),
        cmocka_unit_test(a_text_with_nul_is_no_address),
        cmocka_unit_test(tells_who_is_in_a_network),
        cmocka_unit_test(what_is_no_network_holds_nobody),
        cmocka_unit_test(more_bits_than_an_address_has_match_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
