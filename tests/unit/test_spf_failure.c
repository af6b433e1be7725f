/* SPDX-License-Identifier: MIT
 *
 * What an SPF check says when libspf2 fails by itself: no result, but the status that fits. Its
 * functions are replaced by ones that fail when told so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <netinet/in.h>
#include <spf2/spf.h>
#include <spf2/spf_log.h>

#include "engine/auth/spf.h"
#include "engine/base/limits.h"

/* The function that fails, and how. */
static const char *failing = "";
static SPF_errcode_t failure = SPF_E_NO_MEMORY;

static bool fails(const char *name)
{
    return strcmp(failing, name) == 0;
}

/* The function of the library itself. */
static void real_of(const char *name, void *function_r, size_t size)
{
    void *found = dlsym(RTLD_NEXT, name);
    assert_non_null(found);
    memcpy(function_r, &found, size);
}

SPF_server_t *SPF_server_new_dns(SPF_dns_server_t *dns, int debug)
{
    SPF_server_t *(*real)(SPF_dns_server_t *, int);
    real_of(__func__, &real, sizeof real);
    return fails(__func__) ? NULL : real(dns, debug);
}

SPF_errcode_t SPF_server_set_rec_dom(SPF_server_t *server, const char *name)
{
    SPF_errcode_t (*real)(SPF_server_t *, const char *);
    real_of(__func__, &real, sizeof real);
    return fails(__func__) ? failure : real(server, name);
}

SPF_request_t *SPF_request_new(SPF_server_t *server)
{
    SPF_request_t *(*real)(SPF_server_t *);
    real_of(__func__, &real, sizeof real);
    return fails(__func__) ? NULL : real(server);
}

SPF_errcode_t SPF_request_set_ipv4(SPF_request_t *request, struct in_addr address)
{
    SPF_errcode_t (*real)(SPF_request_t *, struct in_addr);
    real_of(__func__, &real, sizeof real);
    return fails(__func__) ? failure : real(request, address);
}

SPF_errcode_t SPF_request_set_ipv6(SPF_request_t *request, struct in6_addr address)
{
    SPF_errcode_t (*real)(SPF_request_t *, struct in6_addr);
    real_of(__func__, &real, sizeof real);
    return fails(__func__) ? failure : real(request, address);
}

SPF_response_t *SPF_response_new(SPF_request_t *request)
{
    SPF_response_t *(*real)(SPF_request_t *);
    real_of(__func__, &real, sizeof real);
    bool ours =
        request && request->cur_dom && strcmp(request->cur_dom, "top.x") == 0; /* else one inside */
    return ours && fails(__func__) ? NULL : real(request);
}

SPF_errcode_t SPF_record_compile(SPF_server_t *server, SPF_response_t *response,
                                 SPF_record_t **record_r, const char *text)
{
    SPF_errcode_t (*real)(SPF_server_t *, SPF_response_t *, SPF_record_t **, const char *);
    real_of(__func__, &real, sizeof real);
    SPF_errcode_t error = real(server, response, record_r, text);
    bool ours = strstr(text, ".x") != NULL;           /* else one inside, without terms */
    return ours && fails(__func__) ? failure : error; /* and there may be a record */
}

SPF_errcode_t SPF_dns_rr_buf_realloc(SPF_dns_rr_t *rr, int index, size_t n)
{
    SPF_errcode_t (*real)(SPF_dns_rr_t *, int, size_t);
    real_of(__func__, &real, sizeof real);
    return fails(__func__) ? failure : real(rr, index, n);
}

SPF_result_t SPF_response_result(SPF_response_t *response)
{
    SPF_result_t (*real)(SPF_response_t *);
    real_of(__func__, &real, sizeof real);
    return fails(__func__) ? SPF_RESULT_INVALID : real(response);
}

SPF_dns_rr_t *SPF_dns_rr_new_init(SPF_dns_server_t *dns, const char *name, ns_type type, int ttl,
                                  SPF_dns_stat_t status)
{
    SPF_dns_rr_t *(*real)(SPF_dns_server_t *, const char *, ns_type, int, SPF_dns_stat_t);
    real_of(__func__, &real, sizeof real);
    bool ours = name && strstr(name, ".x") != NULL;
    return ours && fails(__func__) ? NULL : real(dns, name, type, ttl, status);
}

/* Failing, it asks for a name that nobody has written; without a reply to a name that somebody has,
 * it gives up. */
SPF_errcode_t SPF_record_interpret(SPF_record_t *record, SPF_request_t *request,
                                   SPF_response_t *response, int depth)
{
    SPF_errcode_t (*real)(SPF_record_t *, SPF_request_t *, SPF_response_t *, int);
    real_of(__func__, &real, sizeof real);
    SPF_dns_server_t *dns = request->spf_server->resolver;
    if (fails("SPF_dns_rr_new_init")) {
        assert_null(dns->lookup(dns, "t0.x", ns_t_a, 0));
        SPF_error_handler(__FILE__, __LINE__, "no reply");
    }
    if (!fails(__func__))
        return real(record, request, response, depth);
    SPF_dns_rr_t *reply = dns->lookup(dns, "other.x", ns_t_a, 0);
    assert_non_null(reply);
    assert_int_equal(reply->num_rr, 0);
    assert_int_equal(reply->herrno, TRY_AGAIN);
    SPF_dns_rr_free(reply);
    return failure;
}

static void is_told_with_the_status_that_fits(void **state)
{
    static const struct {
        const char *function, *ip;
        SPF_errcode_t failure;
        enum moon_status want;
    } table[] = {
        {"", "192.0.2.1", SPF_E_SUCCESS, MOON_OK},
        {"", "2001:db8::1", SPF_E_SUCCESS, MOON_OK},
        {"SPF_server_new_dns", "192.0.2.1", SPF_E_SUCCESS, MOON_ENOMEM},
        {"SPF_server_set_rec_dom", "192.0.2.1", SPF_E_NO_MEMORY, MOON_ENOMEM},
        {"SPF_request_new", "192.0.2.1", SPF_E_SUCCESS, MOON_ENOMEM},
        {"SPF_request_set_ipv4", "192.0.2.1", SPF_E_INVALID_IP4, MOON_ENOMEM},
        {"SPF_request_set_ipv6", "2001:db8::1", SPF_E_INVALID_IP6, MOON_ENOMEM},
        {"SPF_response_new", "192.0.2.1", SPF_E_SUCCESS, MOON_ENOMEM},
        {"SPF_record_compile", "192.0.2.1", SPF_E_NO_MEMORY, MOON_ENOMEM},
        {"SPF_record_compile", "192.0.2.1", SPF_E_SYNTAX, MOON_EIO},
        {"SPF_record_compile", "192.0.2.1", SPF_E_INVALID_OPT, MOON_EIO},
        {"SPF_dns_rr_buf_realloc", "192.0.2.1", SPF_E_NO_MEMORY, MOON_ENOMEM},
        {"SPF_response_result", "192.0.2.1", SPF_E_SUCCESS, MOON_EIO},
        {"SPF_record_interpret", "192.0.2.1", SPF_E_INTERNAL_ERROR, MOON_EIO},
        {"SPF_dns_rr_new_init", "192.0.2.1", SPF_E_SUCCESS, MOON_EIO},
    };
    static const char zone[] = "d.example. TXT \"v=spf1 a mx -all\"\nd.example. A 192.0.2.2\n"
                               "d.example. AAAA 2001:db8::2\n";

    (void)state; /* the table carries all */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_spf_query query = {
            .helo = "mx.example", .mail_from = "user@d.example", .receiver = "r.example"};
        struct moon_dns_backend *backend;
        struct moon_error error = {{0}};
        struct moon_spf spf;
        assert_true(moon_ip_parse(moon_span_of(table[i].ip), &query.ip));
        assert_int_equal(moon_dns_backend_zone(MOON_SPAN(zone), "zone", &backend, &error), MOON_OK);
        struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
        struct moon_dns *dns = moon_dns_begin(arena, backend, MOON_DNS_MS, 0);
        assert_non_null(dns);
        failing = table[i].function;
        failure = table[i].failure;
        enum moon_status status = moon_spf_check_mail_from(arena, dns, &query, &spf);
        failing = "";
        if (status != table[i].want)
            fail_msg("%s: got %s, want %s", table[i].function, moon_status_name(status),
                     moon_status_name(table[i].want));
        if (status == MOON_OK)
            assert_int_equal(spf.result, MOON_RESULT_FAIL);
        moon_dns_end(&dns);
        moon_dns_backend_destroy(&backend);
        moon_arena_destroy(&arena);
    }
    /* The library's own would end the process, or write where a reply may be expected. */
    assert_true(SPF_error_handler != SPF_error_stdio && SPF_warning_handler != SPF_warning_stdio &&
                SPF_info_handler != SPF_info_stdio && SPF_debug_handler != SPF_debug_stdio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_told_with_the_status_that_fits)};

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
