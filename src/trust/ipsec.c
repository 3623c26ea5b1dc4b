/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/ipsec.h"
#include "base/text.h"

#define IKE_PROPOSALS "aes128gcm16-prfsha256-ecp256, aes256gcm16-prfsha384-ecp384"
#define ESP_PROPOSALS "aes128gcm16-ecp256, aes256gcm16-ecp384"
#define INTRO         "# From the inventory, by 'redoubt trust ipsec'. Changes are lost with the next.\n"

struct tunnel {
    const char *name, *selector; /* of addresses at both ends */
};
/* NULL-terminated by name; NULL: none for this function. */
static const struct tunnel *tunnels_of(uint8_t function)
{
    static const struct tunnel radio[] = {{"n2", "[sctp]"}, {"n3", "[udp/2152]"}, {NULL, NULL}};
    static const struct tunnel n4[] = {{"n4", "[udp/8805]"}, {NULL, NULL}};
    if (inv_class_group(function) == INV_GROUP_radio && function != INV_CLASS_ru && function != INV_CLASS_du)
        return radio;
    return function == INV_CLASS_upf || function == INV_CLASS_smf ? n4 : NULL;
}
static const char *host(const struct net_addr *a, char buf[NET_ADDR_TEXT])
{
    struct net_addr bare = *a;
    bare.port = 0;
    return addr_text(&bare, buf);
}

/* A name that swanctl.conf takes: the id as far as it goes, and a number that makes it the only one. */
static void name_add(struct text *t, struct str id, uint32_t ref)
{
    for (uint32_t i = 0; i < id.n && i < 60; i++) {
        char c = id.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        text_add(t, "%c", plain ? c : '_');
    }
    text_add(t, "-%u", ref);
}
static void children_add(struct text *t, const struct tunnel *tunnels, const struct net_addr *mine, const struct net_addr *theirs,
                         const char *start)
{
    char a[NET_ADDR_TEXT], b[NET_ADDR_TEXT];
    text_add(t, "    children {\n");
    for (; tunnels->name; tunnels++)
        text_add(t, "      %s {\n        local_ts = %s/%u%s\n        remote_ts = %s/%u%s\n        esp_proposals = " ESP_PROPOSALS "\n"
                    "        start_action = %s\n      }\n",
                 tunnels->name, host(mine, a), mine->family == 4 ? 32 : 128, tunnels->selector, host(theirs, b),
                 theirs->family == 4 ? 32 : 128, tunnels->selector, start);
    text_add(t, "    }\n  }\n");
}
static void ends_add(struct text *t, const struct ipsec_options *o, const char *mine, const char *theirs)
{
    text_add(t, "    proposals = " IKE_PROPOSALS "\n    local {\n      auth = pubkey\n      certs = %.*s\n      id = %s\n    }\n"
                "    remote {\n      auth = pubkey\n      id = %s\n      cacerts = %.*s\n      revocation = strict\n    }\n",
             STR_ARG(o->certificate), mine, theirs, STR_ARG(o->authority));
}
static bool by_certificate(const struct inv_element *e) { return e->identity == INV_IDENTITY_certificate; }
static bool concerned(const struct inv_element *e, const struct ipsec_options *o)
{
    return tunnels_of(e->function) && inv_in_service(e, o->date) && !addr_same_host(&e->address, &o->core);
}

int ipsec_core_config(const struct inventory *v, const struct ipsec_options *o, int (*put)(void *ctx, struct str), void *ctx,
                      struct ipsec_result *r)
{
    char memory[4096], a[NET_ADDR_TEXT], b[NET_ADDR_TEXT], c[NET_ADDR_TEXT];
    *r = (struct ipsec_result){0};
    int e = put(ctx, STR(INTRO "connections {\n"));
    for (uint32_t i = 0; i < v->n_elements && e == OK; i++) {
        const struct inv_element *x = &v->elements[i];
        struct text t = text_over(memory, sizeof memory);
        if (!concerned(x, o))
            continue;
        r->by_address += x->identity == INV_IDENTITY_address_only;
        r->no_key += x->identity == INV_IDENTITY_NONE;
        r->no_address += by_certificate(x) && !x->address.family;
        if (!by_certificate(x) || !x->address.family)
            continue;
        text_add(&t, "  ");
        name_add(&t, x->id, i + 1);
        text_add(&t, " {\n    version = 2\n    local_addrs = %s\n    remote_addrs = %%any\n    unique = replace\n    dpd_delay = 30s\n",
                 host(&o->outer, a));
        ends_add(&t, o, host(&o->core, b), host(&x->address, c));
        children_add(&t, tunnels_of(x->function), &o->core, &x->address, "none");
        r->connections++;
        e = t.full ? ERR_NOSPACE : put(ctx, (struct str){t.p, t.n});
    }
    return e == OK ? put(ctx, STR("}\n")) : e;
}
int ipsec_element_config(const struct inventory *v, uint32_t element, const struct ipsec_options *o,
                         int (*put)(void *ctx, struct str), void *ctx)
{
    const struct inv_element *x = inventory_element(v, element);
    char memory[4096], a[NET_ADDR_TEXT], b[NET_ADDR_TEXT], c[NET_ADDR_TEXT];
    struct text t = text_over(memory, sizeof memory);
    if (!x || !tunnels_of(x->function) || !x->address.family)
        return ERR_MISSING;
    text_add(&t, INTRO "connections {\n  core {\n    version = 2\n    remote_addrs = %s\n    dpd_delay = 30s\n    keyingtries = 0\n",
             host(&o->outer, a));
    ends_add(&t, o, host(&x->address, b), host(&o->core, c));
    children_add(&t, tunnels_of(x->function), &x->address, &o->core, "trap|start");
    text_add(&t, "}\n");
    return t.full ? ERR_NOSPACE : put(ctx, (struct str){t.p, t.n});
}

/* ---- what is not in a tunnel ---- */
static int set_put(const struct inventory *v, const struct ipsec_options *o, uint8_t family, int (*put)(void *ctx, struct str), void *ctx)
{
    char line[200], a[NET_ADDR_TEXT];
    bool any = false;
    struct text t = text_over(line, sizeof line);
    text_add(&t, "  set address_only_%u {\n    type ipv%u_addr\n", family, family);
    int e = put(ctx, (struct str){t.p, t.n});
    for (uint32_t i = 0; i < v->n_elements && e == OK; i++) {
        const struct inv_element *x = &v->elements[i];
        if (!concerned(x, o) || x->identity != INV_IDENTITY_address_only || x->address.family != family)
            continue;
        t = text_over(line, sizeof line);
        text_add(&t, "%s%s", any ? ",\n      " : "    elements = {\n      ", host(&x->address, a));
        any = true;
        e = put(ctx, (struct str){t.p, t.n});
    }
    return e == OK ? put(ctx, any ? STR("\n    }\n  }\n") : STR("  }\n")) : e;
}
int ipsec_filter(const struct inventory *v, const struct ipsec_options *o, int (*put)(void *ctx, struct str), void *ctx)
{
    char text[1600], core[NET_ADDR_TEXT];
    struct text t = text_over(text, sizeof text);
    const char *ip = o->core.family == 4 ? "ip" : "ip6";
    uint8_t family = o->core.family;
    int e = put(ctx, STR(INTRO "# N2, N3 and N4 of the core: through a tunnel, or from an address that the inventory names as enough.\n"
                         "table inet redoubt_trust\ndelete table inet redoubt_trust\ntable inet redoubt_trust {\n"));
    if (e == OK)
        e = set_put(v, o, family, put, ctx);
    host(&o->core, core);
    text_add(&t, "  chain input {\n    type filter hook input priority -10; policy accept;\n"
                 "    iifname \"lo\" accept\n"
                 "    meta ipsec exists accept\n"             /* the kernel's ESP */
                 "    iifname \"ipsec*\" accept\n"            /* ESP in user space */
                 "    %s daddr %s %s saddr @address_only_%u accept\n"
                 "    %s daddr %s sctp dport 38412 counter drop\n"
                 "    %s daddr %s udp dport { 2152, 8805 } counter drop\n  }\n}\n",
             ip, core, ip, family, ip, core, ip, core);
    return e == OK ? put(ctx, (struct str){t.p, t.n}) : e;
}
