/* SPDX-License-Identifier: MIT
 *
 * words: what types and states are called, in records and to policies.
 */
#include "engine/dns/dns.h"

const char *moon_dns_type_name(enum moon_dns_type type)
{
    switch (type) {
    case MOON_DNS_TYPE_A:
        return "A";
    case MOON_DNS_TYPE_CNAME:
        return "CNAME";
    case MOON_DNS_TYPE_PTR:
        return "PTR";
    case MOON_DNS_TYPE_MX:
        return "MX";
    case MOON_DNS_TYPE_TXT:
        return "TXT";
    case MOON_DNS_TYPE_AAAA:
        return "AAAA";
    }
    return "?";
}

const char *moon_dns_state_name(enum moon_dns_state state)
{
    switch (state) {
    case MOON_DNS_STATE_PENDING:
        return "pending";
    case MOON_DNS_STATE_FOUND:
        return "found";
    case MOON_DNS_STATE_NODATA:
        return "nodata";
    case MOON_DNS_STATE_NXDOMAIN:
        return "nxdomain";
    case MOON_DNS_STATE_TROUBLE:
        return "trouble";
    }
    return "?";
}
