/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"
#include <arpa/inet.h>
#include <stdio.h>

static bool port_parse(uint16_t *port, struct str text)
{
    uint32_t v = 0;
    if (text.n == 0 || text.n > 5)
        return false;
    for (uint32_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        v = v * 10 + (uint32_t)(text.p[i] - '0');
    }
    *port = (uint16_t)v;
    return v <= 65535;
}

bool addr_parse(struct net_addr *a, struct str text, uint16_t default_port)
{
    char host[64];
    struct str h = text, port = {NULL, 0};
    if (text.n && text.p[0] == '[') {
        const char *end = memchr(text.p, ']', text.n);
        if (!end)
            return false;
        h = (struct str){text.p + 1, (uint32_t)(end - text.p - 1)};
        struct str rest = {end + 1, (uint32_t)(text.p + text.n - end - 1)};
        if (rest.n && rest.p[0] != ':')
            return false;
        if (rest.n)
            port = (struct str){rest.p + 1, rest.n - 1};
    } else {
        const char *colon = text.n ? memchr(text.p, ':', text.n) : NULL;
        if (colon && !memchr(colon + 1, ':', (size_t)(text.p + text.n - colon - 1))) {
            h.n = (uint32_t)(colon - text.p);
            port = (struct str){colon + 1, text.n - h.n - 1};
        }
    }
    *a = (struct net_addr){.port = default_port};
    if (!str_copy(host, sizeof host, h) || (port.p && !port_parse(&a->port, port)))
        return false;
    if (inet_pton(AF_INET, host, a->ip) == 1)
        a->family = 4;
    else if (inet_pton(AF_INET6, host, a->ip) == 1)
        a->family = 6;
    return a->family != 0;
}

const char *addr_host_text(const struct net_addr *a, char buf[NET_ADDR_TEXT])
{
    struct net_addr host = *a;
    host.port = 0;
    return addr_text(&host, buf);
}
const char *addr_text(const struct net_addr *a, char buf[NET_ADDR_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "none";
    if (a->family)
        inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, host, sizeof host);
    if (a->port)
        snprintf(buf, NET_ADDR_TEXT, a->family == 6 ? "[%s]:%u" : "%s:%u", host, a->port);
    else
        snprintf(buf, NET_ADDR_TEXT, "%s", host);
    return buf;
}
