/* SPDX-License-Identifier: Apache-2.0 */
/* nf_registry.c - a function makes itself known to the NRF, TS 29.510 5.2.2.2, and leaves, 5.2.2.4.
 * One that lives in the NRF's own process needs no heartbeat: both end together. Where the NRF is
 * elsewhere nothing is registered yet. */
#include "base/addr.h"
#include "codec/sbi_text.h"
#include "rt/config.h"
#include "rt/nf.h"

enum {
    SERVICES_MAX = 16,
    PLMNS_MAX = 12,
    SLICES_MAX = 16
}; /* as the rows of NFProfile, the configuration */

static const enum sbi_NFType types[SBI_NF_MAX] = {
    [SBI_NF_AMF] = SBI_NFType_AMF,   [SBI_NF_SMF] = SBI_NFType_SMF, [SBI_NF_AUSF] = SBI_NFType_AUSF,
    [SBI_NF_UDM] = SBI_NFType_UDM,   [SBI_NF_UDR] = SBI_NFType_UDR, [SBI_NF_PCF] = SBI_NFType_PCF,
    [SBI_NF_NSSF] = SBI_NFType_NSSF, [SBI_NF_NRF] = SBI_NFType_NRF, [SBI_NF_UPF] = SBI_NFType_UPF,
}; /* others are no functions of 3GPP and stay among themselves */

/* "/nausf-auth/v1/…": the service and its version. */
static bool service_of(const struct sbi_op_desc *d, struct str *name, struct str *version)
{
    const char *p = d->path + 1, *slash = d->path[0] == '/' ? strchr(p, '/') : NULL;
    const char *end = slash ? strchr(slash + 1, '/') : NULL;
    if (!end || d->nf == SBI_NF_CALLBACK || p[0] != 'n')
        return false;
    *name = (struct str){p, (uint32_t)(slash - p)};
    *version = (struct str){slash + 1, (uint32_t)(end - slash - 1)};
    return true;
}

static bool put_services(const struct nf_desc *desc, struct arena *a, struct sbi_NFProfile *v)
{
    struct sbi_entry_NFService *list = arena_zero(a, SERVICES_MAX * sizeof *list);
    struct sbi_NFServiceVersion *versions = arena_zero(a, SERVICES_MAX * sizeof *versions);
    uint32_t n = 0;
    if (!list || !versions)
        return false;
    for (uint32_t i = 0; i < desc->n_ops && n < SERVICES_MAX; i++) {
        struct str name, version;
        bool known = !service_of(&sbi_ops[desc->ops[i].op], &name, &version);
        for (uint32_t k = 0; k < n && !known; k++)
            known = str_eq(list[k].key, name);
        if (known)
            continue;
        struct sbi_NFService *s = &list[n].value;
        list[n].key = s->service_instance_id = s->service_name = name;
        s->scheme = SBI_UriScheme_HTTP;
        s->nf_service_status = SBI_NFServiceStatus_REGISTERED;
        versions[n].api_version_in_uri = version;
        versions[n].api_full_version =
            arena_printf(a, "%.*s.0.0", (int)version.n - 1, version.p + 1);
        s->versions.p = &versions[n];
        s->versions.n = 1;
        if (!versions[n++].api_full_version.p)
            return false;
    }
    v->has.nf_service_list = n > 0;
    v->nf_service_list.p = list;
    v->nf_service_list.n = n;
    return true;
}

/* The host of the api root: where the function is reached. */
static bool put_address(const char *api_root, struct arena *a, struct sbi_NFProfile *v)
{
    const char *p = strstr(api_root, "://");
    struct str host = str_of(p ? p + 3 : api_root);
    struct net_addr addr;
    char text[NET_ADDR_TEXT];
    if (!addr_parse(&addr, host, 0)) {
        const char *colon = host.n ? memchr(host.p, ':', host.n) : NULL;
        v->has.fqdn = true;
        v->fqdn = arena_str(a, (struct str){host.p, colon ? (uint32_t)(colon - host.p) : host.n});
        return v->fqdn.p;
    }
    addr.port = 0;
    struct str *one = arena_take(a, sizeof *one);
    if (!one)
        return false;
    *one = arena_str(a, str_of(addr_text(&addr, text)));
    v->has.ipv4_addresses = addr.family == 4;
    v->has.ipv6_addresses = addr.family == 6;
    v->ipv4_addresses.p = v->ipv6_addresses.p = one;
    v->ipv4_addresses.n = v->ipv6_addresses.n = 1;
    return one->p;
}

static bool put_plmns(const struct config *c, struct arena *a, struct sbi_NFProfile *v)
{
    struct sbi_PlmnId *list = arena_zero(a, PLMNS_MAX * sizeof *list);
    uint32_t n = c->network.n_plmns < PLMNS_MAX ? c->network.n_plmns : PLMNS_MAX;
    for (uint32_t i = 0; list && i < n; i++)
        if (!sbi_plmn_put(a, c->network.plmns[i].v, &list[i]))
            return false;
    v->has.plmn_list = list && n;
    v->plmn_list.p = list;
    v->plmn_list.n = n;
    return list;
}
static bool put_slices(const struct config *c, struct arena *a, struct sbi_NFProfile *v)
{
    struct sbi_Snssai *list = arena_zero(a, SLICES_MAX * sizeof *list);
    uint32_t n = c->amf.n_slices < SLICES_MAX ? c->amf.n_slices : SLICES_MAX;
    for (uint32_t i = 0; list && i < n; i++) {
        const struct config_slice *s = &c->amf.slices[i];
        if (!sbi_snssai_put(a, s->sst, s->has_sd, s->sd, &list[i]))
            return false;
    }
    v->has.s_nssais = list && n;
    v->s_nssais.p = list;
    v->s_nssais.n = n;
    return list;
}

static void register_one(struct rt *rt, const struct nf *nf)
{
    struct call *c = call_new(rt, SBI_nnrf_nfm_register);
    SBI_REQ(nnrf_nfm_register) *q = call_request(c);
    if (!q)
        return;
    struct sbi_NFProfile *v = &q->body;
    q->nf_instance_id = v->nf_instance_id = arena_str(&c->arena, str_of(nf->instance_id));
    v->nf_type = types[nf->desc->kind];
    v->nf_status = SBI_NFStatus_REGISTERED;
    bool ok = v->nf_instance_id.p && put_services(nf->desc, &c->arena, v) &&
              put_address(rt->api_root, &c->arena, v);
    if (ok && rt->config)
        ok = put_plmns(rt->config, &c->arena, v) && put_slices(rt->config, &c->arena, v);
    if (ok)
        call_notify(c);
    else
        call_done(c);
}

void nf_register(struct rt *rt, const struct nf *nf)
{
    if (!rt->nf[SBI_NF_NRF])
        return;
    for (unsigned i = 0; i < SBI_NF_MAX; i++) {
        const struct nf *other =
            rt->nf[i]; /* those that started before the NRF register with its start */
        bool now = other && (other == nf || nf->desc->kind == SBI_NF_NRF);
        if (now && types[i] != SBI_NFType_OTHER)
            register_one(rt, other);
    }
}

void nf_deregister(struct rt *rt, const struct nf *nf)
{
    if (!rt->nf[SBI_NF_NRF] || nf->desc->kind >= SBI_NF_MAX ||
        types[nf->desc->kind] == SBI_NFType_OTHER)
        return;
    struct call *c = call_new(rt, SBI_nnrf_nfm_deregister);
    SBI_REQ(nnrf_nfm_deregister) *q = call_request(c);
    if (!q)
        return;
    q->nf_instance_id = arena_str(&c->arena, str_of(nf->instance_id));
    call_notify(c);
}
