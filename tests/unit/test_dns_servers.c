/* SPDX-License-Identifier: MIT
 *
 * Addresses of servers, from the configuration and from resolv.conf.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/dns/servers.h"

struct fixture {
    char directory[32], path[64], text[1024];
    struct moon_dns_servers servers;
};

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    (void)snprintf(f->directory, sizeof f->directory, P_tmpdir "/moon-servers-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    (void)snprintf(f->path, sizeof f->path, "%s/resolv.conf", f->directory);
    f->servers.path = f->path;
}

static void end(struct fixture *f)
{
    (void)unlink(f->path); /* may be gone */
    assert_int_equal(rmdir(f->directory), 0);
}

static void write_file(const struct fixture *f, const char *text)
{
    FILE *file = fopen(f->path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* "192.0.2.1 53,2001:db8::1 5300" */
static const char *shown(struct fixture *f)
{
    size_t n = 0;
    f->text[0] = '\0';
    for (size_t i = 0; i < f->servers.count; i++) {
        char ip[MOON_IP_TEXT_MAX];
        n += (size_t)snprintf(f->text + n, sizeof f->text - n, "%s%s %u", i ? "," : "",
                              moon_ip_format(&f->servers.list[i].ip, ip), f->servers.list[i].port);
    }
    return f->text;
}

static void reads_addresses_with_and_without_a_port(void **state)
{
    static const char *const texts[] = {"192.0.2.1",     "127.0.0.1:5300",     "2001:db8::1",
                                        "[2001:db8::2]", "[2001:db8::1]:5353", "::ffff:192.0.2.2"};
    struct fixture f = {0};
    struct moon_error error = {""};
    (void)state;
    assert_int_equal(moon_dns_servers_parse(&f.servers, texts, 6, &error), MOON_OK);
    assert_string_equal(shown(&f), "192.0.2.1 53,127.0.0.1 5300,2001:db8::1 53,2001:db8::2 53,"
                                   "2001:db8::1 5353,192.0.2.2 53");
    assert_false(moon_dns_servers_refresh(&f.servers)); /* no file to look at */
}

static void reads_nameserver_lines_of_resolv_conf(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"nameserver 192.0.2.1\nnameserver 2001:db8::1\n", "192.0.2.1 53,2001:db8::1 53"},
        {"# nameserver 192.0.2.9\n;nameserver 192.0.2.9\nnameserver\t192.0.2.1 # mine",
         "192.0.2.1 53"},
        {"search a b\noptions ndots:5 edns0\r\n  nameserver   192.0.2.1\r\n", "192.0.2.1 53"},
        {"nameserver fe80::1%eth0\nnameserver localhost\nnameserver\nnameserver 192.0.2.1",
         "192.0.2.1 53"},
        {"nameservers 192.0.2.1\n", "127.0.0.1 53"},
        {"", "127.0.0.1 53"},
        {"nameserver [::1]:5300\n", "::1 5300"},
        {"nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n"
         "nameserver 192.0.2.4\nnameserver 192.0.2.5\nnameserver 192.0.2.6\n"
         "nameserver 192.0.2.7\nnameserver 192.0.2.8\nnameserver 192.0.2.9\n",
         "192.0.2.1 53,192.0.2.2 53,192.0.2.3 53,192.0.2.4 53,192.0.2.5 53,192.0.2.6 53,"
         "192.0.2.7 53,192.0.2.8 53"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        begin(&f);
        write_file(&f, cases[i].text);
        assert_true(moon_dns_servers_refresh(&f.servers));
        if (strcmp(shown(&f), cases[i].want) != 0)
            fail_msg("\"%s\": got \"%s\", want \"%s\"", cases[i].text, shown(&f), cases[i].want);
        end(&f);
    }
}

static void reads_the_file_again_only_when_it_is_another(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    assert_true(moon_dns_servers_refresh(&f.servers)); /* no file: the local machine */
    assert_string_equal(shown(&f), "127.0.0.1 53");
    assert_false(moon_dns_servers_refresh(&f.servers));
    write_file(&f, "nameserver 192.0.2.1\n");
    assert_true(moon_dns_servers_refresh(&f.servers));
    assert_string_equal(shown(&f), "192.0.2.1 53");
    assert_false(moon_dns_servers_refresh(&f.servers));
    write_file(&f, "nameserver 192.0.2.100\n"); /* another size */
    assert_true(moon_dns_servers_refresh(&f.servers));
    assert_string_equal(shown(&f), "192.0.2.100 53");
    assert_int_equal(unlink(f.path), 0);
    assert_true(moon_dns_servers_refresh(&f.servers));
    assert_string_equal(shown(&f), "127.0.0.1 53");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_addresses_with_and_without_a_port),
        cmocka_unit_test(reads_nameserver_lines_of_resolv_conf),
        cmocka_unit_test(reads_the_file_again_only_when_it_is_another),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
