/* SPDX-License-Identifier: MIT
 *
 * ip: text to bytes and back, by the C library's inet_pton and inet_ntop.
 */
#include "engine/base/ip.h"

#include <arpa/inet.h>
#include <string.h>

static void unmap(struct moon_ip *ip)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (ip->family != 6 || memcmp(ip->bytes, prefix, sizeof prefix) != 0)
        return;
    memmove(ip->bytes, ip->bytes + 12, 4);
    memset(ip->bytes + 4, 0, 12);
    ip->family = 4;
}

static bool parse_raw(struct moon_span text, struct moon_ip *ip_r)
{
    char copy[MOON_IP_TEXT_MAX];

    *ip_r = (struct moon_ip){0};
    if (text.n == 0 || text.n >= sizeof copy || memchr(text.p, '\0', text.n))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (inet_pton(AF_INET, copy, ip_r->bytes) == 1)
        ip_r->family = 4;
    else if (inet_pton(AF_INET6, copy, ip_r->bytes) == 1)
        ip_r->family = 6;
    return ip_r->family != 0;
}

bool moon_ip_parse(struct moon_span text, struct moon_ip *ip_r)
{
    bool ok = parse_raw(text, ip_r);
    unmap(ip_r);
    return ok;
}

char *moon_ip_format(const struct moon_ip *ip, char out[MOON_IP_TEXT_MAX])
{
    int family = ip->family == 4 ? AF_INET : AF_INET6;
    if (ip->family == 0 || !inet_ntop(family, ip->bytes, out, MOON_IP_TEXT_MAX))
        out[0] = '\0';
    return out;
}

bool moon_ip_equal(const struct moon_ip *a, const struct moon_ip *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool moon_net_parse(struct moon_span text, struct moon_net *net_r)
{
    size_t slash = moon_span_find(text, '/');
    struct moon_ip ip;

    *net_r = (struct moon_net){0}; /* a network without family holds nobody */
    if (!parse_raw(moon_span_sub(text, 0, slash), &ip))
        return false;
    uint64_t bits = ip.family == 4 ? 32 : 128;
    if (slash != (size_t)-1 &&
        !moon_span_number(moon_span_sub(text, slash + 1, text.n), bits, &bits))
        return false;
    if (ip.family == 6 && bits >= 96) {
        unmap(&ip);
        if (ip.family == 4)
            bits -= 96;
    }
    *net_r = (struct moon_net){.ip = ip, .bits = (unsigned)bits};
    return true;
}

bool moon_ip_match(const struct moon_ip *a, const struct moon_ip *b, unsigned bits)
{
    unsigned bits_max = a->family == 4 ? 32 : 128;
    if (a->family == 0 || a->family != b->family || bits > bits_max)
        return false;
    size_t whole = bits / 8;
    if (memcmp(a->bytes, b->bytes, whole) != 0)
        return false;
    unsigned rest = bits % 8;
    return rest == 0 || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

bool moon_net_has(const struct moon_net *net, const struct moon_ip *ip)
{
    return moon_ip_match(&net->ip, ip, net->bits);
}
