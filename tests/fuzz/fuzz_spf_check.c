/* SPDX-License-Identifier: MIT
 *
 * fuzz_spf_check: a whole check, libspf2 included. Lines of the input are the records of d.example,
 * i0.example, i1.example and so on, and of x.example what is left over. The check of MAIL FROM, and
 * that of HELO for a client with an IPv6 address, must end with a result, within its limits,
 * whatever they say.
 *
 * Parser: engine/auth/spf_check.c
 * Parser: engine/auth/spf_canonical.c
 * Parser: engine/auth/spf_prefetch.c
 */
#include <stdlib.h>
#include <string.h>

#include "engine/auth/spf.h"
#include "engine/base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char hosts[] =
    "d.example. A 192.0.2.1\nd.example. MX 1 m.example.\nd.example. MX 2 n.example.\n"
    "m.example. A 10.0.0.1\nn.example. SERVFAIL\n*.e.example. A 127.0.0.2\n"
    "1.2.0.192.in-addr.arpa. PTR h.d.example.\n1.2.0.192.in-addr.arpa. PTR d.example.\n"
    "h.d.example. A 192.0.2.1\nh.d.example. AAAA 2001:db8::1\nd.example. AAAA 2001:db8::1\n"
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR h.d.example.\n";

static void add_record(struct moon_str *zone, size_t index, struct moon_span text)
{
    if (index == 0)
        moon_str_add(zone, "d.example. TXT ");
    else
        moon_str_addf(zone, "i%zu.example. TXT ", index - 1);
    for (size_t i = 0; i < text.n; i++)
        moon_str_addf(zone, i % 200 == 0 ? "%s\"\\%03u" : "%s\\%03u",
                      i && i % 200 == 0 ? "\" " : "", (unsigned char)text.p[i]);
    moon_str_add(zone, text.n ? "\"\n" : "\"\"\n");
}

static void run(struct moon_arena *arena, struct moon_dns_backend *backend, bool helo)
{
    struct moon_spf_query query = {.ip = {.family = 4, .bytes = {192, 0, 2, 1}},
                                   .helo = helo ? "d.example" : "\xc3\xbc.d.example",
                                   .mail_from = helo ? "" : "a b@d.example",
                                   .receiver = "receiver.example"};
    struct moon_dns *dns = moon_dns_begin(arena, backend, 60000, 0);
    struct moon_spf spf;

    if (!dns || (helo && !moon_ip_parse(MOON_SPAN("2001:db8::1"), &query.ip)))
        abort();
    struct moon_spf_prefetch *prefetch = moon_spf_prefetch_begin(arena, dns, &query);
    if (!prefetch)
        abort();
    moon_dns_observe(dns, moon_spf_prefetch_observe, prefetch);
    if ((helo ? moon_spf_check_helo : moon_spf_check_mail_from)(arena, dns, &query, &spf) !=
        MOON_OK)
        abort();
    if (spf.lookups > MOON_SPF_TERMS_MAX + 1 || spf.voids > MOON_SPF_VOIDS_MAX + 1)
        abort();
    moon_dns_end(&dns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_buf buf =
        moon_buf_of((struct moon_span){(const char *)data, size > 4000 ? 4000 : size});
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_dns_backend *backend = NULL;
    struct moon_str zone;

    if (!arena)
        return 0;
    moon_bug_is_fatal = true;
    moon_str_begin(&zone, arena);
    moon_str_add(&zone, hosts);
    for (size_t i = 0; i < 8 && !moon_buf_at_end(&buf); i++) {
        add_record(&zone, i, moon_buf_until(&buf, '\n'));
        (void)moon_buf_skip(&buf, '\n'); /* not there at the end */
    }
    const char *text = moon_str_end(&zone);
    if (!text || moon_dns_backend_zone(moon_span_of(text), "fuzz", &backend, NULL) != MOON_OK)
        abort();
    run(arena, backend, false);
    run(arena, backend, true);
    moon_dns_backend_destroy(&backend);
    moon_arena_destroy(&arena);
    return 0;
}
