/* SPDX-License-Identifier: Apache-2.0 */
#include "base/plmn.h"
#include "nf/udm/udm.h"
#include "base/log.h"
#include "codec/sbi_own.h"
#include "proto/serving_network.h"
#include "rt/config.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- procedures ---- */
void udm_start(struct udm *u, const struct proc_type *type, struct call *c)
{
    struct udm_frame *f = proc_new(u->rt, type, u);
    if (!f) {
        call_problem(c, 503, "NF_CONGESTION", "no memory for the procedure");
        return;
    }
    f->in = c;
    c->producer_data = f;
    list_append(&u->calls, &c->on_producer);
    proc_start(&f->p);
}
void udm_end(struct proc *p, int outcome)
{
    struct udm_frame *f = (struct udm_frame *)p;
    if (f->in)
        udm_problem(f, outcome == PROC_ABORTED ? 503 : 500, "SYSTEM_FAILURE", "the procedure ended early");
}
void udm_reply(struct udm_frame *f, int status)
{
    call_reply(f->in, status);
    f->in = NULL;
}
void udm_problem(struct udm_frame *f, int status, const char *cause, const char *detail)
{
    if (f->in)
        call_problem(f->in, status, cause, detail);
    f->in = NULL;
}
void *udm_call(struct udm_frame *f, enum sbi_op op, struct call **c)
{
    *c = call_new(f->p.rt, op);
    void *q = *c ? call_request(*c) : NULL;
    if (!q) {
        call_done(*c);
        *c = NULL;
        udm_problem(f, 503, "NF_CONGESTION", "no memory for the call");
    }
    return q;
}
bool udm_send(struct udm_frame *f, struct call **c)
{
    if (sbi_own(sbi_ops[(*c)->op].req, &(*c)->arena, call_request(*c)) == OK) {
        call_send(*c, &f->p);
        return true;
    }
    call_done(*c);
    *c = NULL;
    udm_problem(f, 503, "NF_CONGESTION", "no memory for the call");
    return false;
}
void udm_pass_on(struct udm_frame *f, const struct call *c, const char *not_found)
{
    char cause[64];
    str_copy(cause, sizeof cause, call_cause(c));
    if (c->status == 404)
        udm_problem(f, 404, cause[0] ? cause : not_found, NULL);
    else if (c->status == 403)
        udm_problem(f, 403, cause[0] ? cause : "MODIFICATION_NOT_ALLOWED", NULL);
    else if (c->status == 504)
        udm_problem(f, 504, "UPSTREAM_SERVER_ERROR", "the UDR did not answer in time");
    else
        udm_problem(f, c->status == 500 ? 500 : 503, "SYSTEM_FAILURE", "the UDR could not do it");
}

/* ---- subscribers ---- */
uint64_t udm_imsi(struct str supi)
{
    if (!str_starts(supi, "imsi-") || supi.n < 5 + 6 || supi.n > 5 + 15)
        return 0;
    uint64_t v = 0;
    for (uint32_t i = 5; i < supi.n; i++) {
        if (supi.p[i] < '0' || supi.p[i] > '9')
            return 0;
        v = v * 10 + (uint64_t)(supi.p[i] - '0');
    }
    return v << 4 | (supi.n - 5); /* leading zeros count */
}
struct udm_slot *udm_slot(struct udm *u, uint64_t imsi, bool take)
{
    struct udm_slot *s = &u->slots[(imsi >> 4) & (u->n_slots - 1)];
    if (s->imsi == imsi)
        return s;
    if (!take)
        return NULL;
    *s = (struct udm_slot){.imsi = imsi}; /* what was left of the other's block is never used */
    return s;
}

bool udm_is_home_name(const struct udm *u, struct str name)
{
    const struct config_network *n = &u->rt->config->network;
    for (uint32_t i = 0; i < n->n_plmns; i++)
        if (serving_network_is(name, n->plmns[i].v))
            return true;
    return false;
}
bool udm_is_home(const struct udm *u, struct str mcc, struct str mnc)
{
    const struct config_network *n = &u->rt->config->network;
    char own_mcc[4], own_mnc[4];
    for (uint32_t i = 0; i < n->n_plmns; i++) {
        if (plmn_text(n->plmns[i].v, own_mcc, own_mnc) && str_is(mcc, own_mcc) && str_is(mnc, own_mnc))
            return true;
    }
    return false;
}

/* ---- life ---- */
static int hn_key_load(struct udm *u, const struct config_hn_key *k)
{
    enum suci_scheme scheme = k->profile == CONFIG_SUCI_PROFILE_A ? SUCI_PROFILE_A : SUCI_PROFILE_B;
    struct hn_key *key = NULL;
    u->hn[u->n_hn].id = k->id;
    u->hn[u->n_hn].scheme = scheme;
    if (u->rt->keys) {
        u->n_hn++;
        return OK;
    }
    int e = k->key.n == 32 ? hn_key_private_raw(u->rt->crypto, scheme, k->key.p, &key) : ERR_CONFIG;
    if (e < 0) {
        LOG(u->rt->log, config_refused, "option=udm.home_network_keys id=%u reason=%s", k->id,
            k->key.n == 32 ? err_text(e) : "no private key (key files are read into key before the start)");
        return ERR_CONFIG;
    }
    u->hn[u->n_hn++].key = key;
    return OK;
}

static int udm_boot(struct rt *rt, void *state)
{
    struct udm *u = state;
    u->rt = rt;
    list_init(&u->calls);
    if (!rt->config || !rt->crypto)
        return ERR_CONFIG;
    env_random(rt->env, u->secret, sizeof u->secret);
    map_init(&u->subs, u->secret[0], u->secret[1]);
    map_init(&u->subs_by_ue, u->secret[1], u->secret[2]);
    interns_init(&u->texts, u->secret[2], u->secret[3]);
    const struct config_udm *c = &rt->config->udm;
    for (uint32_t i = 0; i < c->n_hn_keys && i < UDM_HN_KEYS; i++)
        if (hn_key_load(u, &c->hn_keys[i]) < 0)
            return ERR_CONFIG;
    u->max_subs = rt->config->amf.max_ues * 4;
    for (u->n_slots = 1024; u->n_slots < rt->config->amf.max_ues && u->n_slots < 1u << 20; u->n_slots <<= 1)
        ;
    u->slots = calloc(u->n_slots, sizeof *u->slots); /* touched where used */
    u->revealed = calloc(UDM_REVEALED, sizeof *u->revealed);
    if (!u->slots || !u->revealed)
        return ERR_NOSPACE;
    udm_ask_for_changes(u);
    return OK;
}

static void udm_stop(struct rt *rt, void *state)
{
    struct udm *u = state;
    if (!u->rt)
        return;
    for (struct link *l = u->calls.next; l != &u->calls; l = u->calls.next)
        proc_abort(CONTAINER(l, struct call, on_producer)->producer_data);
    for (uint32_t i = 0; i < u->n_hn; i++)
        hn_key_free(u->hn[i].key);
    udm_subs_free(u);
    map_free(&u->subs);
    map_free(&u->subs_by_ue);
    free(u->slots);
    if (u->revealed)
        secret_wipe(u->revealed, UDM_REVEALED * sizeof *u->revealed);
    free(u->revealed);
}

static void udm_status(void *state, void (*line)(void *ctx, const char *text), void *ctx)
{
    const struct udm *u = state;
    char text[200];
    snprintf(text, sizeof text,
             "%u home network keys, %llu vectors, %llu resynchronisations, identities: %llu revealed, %llu refused; "
             "%u subscriptions to changes",
             u->n_hn, (unsigned long long)u->vectors, (unsigned long long)u->resyncs,
             (unsigned long long)u->suci_ok, (unsigned long long)u->suci_refused, map_count(&u->subs));
    line(ctx, text);
}

static const struct nf_op udm_ops[] = {
    {SBI_nudm_ueau_generate_auth_data, udm_generate_auth_data},
    {SBI_nudm_ueau_confirm_auth, udm_confirm_auth},
    {SBI_nudm_uecm_amf_register, udm_amf_register},
    {SBI_nudm_uecm_amf_update, udm_amf_update},
    {SBI_nudm_uecm_smf_register, udm_smf_register},
    {SBI_nudm_uecm_smf_deregister, udm_smf_deregister},
    {SBI_nudm_sdm_get, udm_sdm_get},
    {SBI_nudm_sdm_get_sm_data, udm_sdm_get_sm_data},
    {SBI_nudm_sdm_subscribe, udm_sdm_subscribe},
    {SBI_nudm_sdm_unsubscribe, udm_sdm_unsubscribe},
    {SBI_nudr_dr_data_change_notify, udm_data_change_notify},
};
const struct nf_desc udm_nf = {.kind = SBI_NF_UDM,
                               .name = "udm",
                               .state_octets = sizeof(struct udm),
                               .boot = udm_boot,
                               .stop = udm_stop,
                               .status = udm_status,
                               .ops = udm_ops,
                               .n_ops = ARRAY_LEN(udm_ops)};
