/* SPDX-License-Identifier: Apache-2.0 */
/* The SMF from start to end, and the services that it produces. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include <stdio.h>
#include <stdlib.h>

static int v6_pool_init(struct pool *p, const struct config_prefix *c)
{
    uint32_t bits = 64u - c->length;
    return pool_init(p, 1, bits >= 32 ? UINT32_MAX : (uint32_t)((1ull << bits) - 1));
}

/* The network's own address and its last are nobody's, the first is the gateway's; of IPv6, the first /64. */
static int pools_init(struct smf_dnn *d)
{
    const struct config_prefix *v4 = &d->c->ipv4_pool, *v6 = &d->c->ipv6_pool;
    int err = OK;
    if (v4->addr.family)
        err = pool_init(&d->v4, 2, (uint32_t)((1ull << (32 - v4->length)) - 2));
    return !err && v6->addr.family ? v6_pool_init(&d->v6, v6) : err;
}

static int tables_init(struct smf *smf)
{
    const struct config_smf *c = &smf->config->smf;
    smf->dnns = calloc(c->n_dnns, sizeof *smf->dnns);
    smf->upfs = calloc(c->n_upfs, sizeof *smf->upfs);
    smf->scratch = malloc(SMF_SCRATCH_OCTETS);
    smf->out = malloc(2 * SMF_NAS_MAX);
    if (!smf->dnns || !smf->upfs || !smf->scratch || !smf->out ||
        slab_init(&smf->sessions, "sessions", sizeof(struct smf_session), c->max_sessions) ||
        slab_init(&smf->ues, "UEs with sessions", sizeof(struct smf_ue), c->max_sessions))
        return ERR_NOSPACE;
    smf->n_dnns = c->n_dnns;
    smf->n_upfs = c->n_upfs;
    for (uint32_t i = 0; i < c->n_dnns; i++) {
        smf->dnns[i].c = &c->dnns[i];
        if (pools_init(&smf->dnns[i]) < 0)
            return ERR_NOSPACE;
    }
    for (uint32_t i = 0; i < c->n_upfs; i++) {
        smf->upfs[i].c = &c->upfs[i];
        smf->upfs[i].smf = smf;
        const struct config_prefix *local = &c->upfs[i].local_ipv6_pool;
        if (local->addr.family && v6_pool_init(&smf->upfs[i].local_v6, local) < 0)
            return ERR_NOSPACE;
    }
    return OK;
}

/* What takes effect without a restart; lists keep their order and length (rt/config.h). */
void smf_config_follow(struct smf *smf)
{
    const struct config *c = smf->rt->config;
    if (smf->config == c)
        return;
    smf->config = c;
    for (uint32_t i = 0; i < smf->n_dnns && i < c->smf.n_dnns; i++)
        smf->dnns[i].c = &c->smf.dnns[i];
    for (uint32_t i = 0; i < smf->n_upfs && i < c->smf.n_upfs; i++)
        smf->upfs[i].c = &c->smf.upfs[i];
    smf_n4_timers(smf, &smf->n4.config);
}

static int boot(struct rt *rt, void *state)
{
    struct smf *smf = state;
    uint64_t secret[2];
    smf->rt = rt;
    smf->config = rt->config;
    smf->n4.sock = -1;
    env_random(rt->env, smf->secret, sizeof smf->secret);
    env_random(rt->env, secret, sizeof secret);
    list_init(&smf->deletions);
    list_init(&smf->changed);
    map_init(&smf->ue_by_supi, secret[0], secret[1]);
    map_init(&smf->by_ref, secret[1], secret[0]);
    interns_init(&smf->texts, secret[0], ~secret[1]);
    int err = tables_init(smf);
    if (!err)
        smf_store_open(smf);
    return err ? err : smf_n4_open(smf);
}

static void stop(struct rt *rt, void *state)
{
    struct smf *smf = state;
    uint32_t i = 0;
    (void)rt;
    smf->is_stopping = true;
    smf_store_close(smf);
    for (struct smf_session *s; smf->sessions.items && (s = slab_next(&smf->sessions, &i));) {
        proc_abort(s->proc);
        if (slab_at(&smf->sessions, i - 1) == s) { /* else the procedure took it along */
            intern_drop(&smf->texts, &s->status_uri); /* the others stop as well */
            brief_clear(&s->policy_id);
            s->is_registered = false;
            smf_session_drop(s, false);
        }
    }
    smf_trust_stop(smf);
    smf_n4_close(smf);
    smf_n4_deletions_forget(smf);
    for (uint32_t k = 0; smf->dnns && k < smf->n_dnns; k++) {
        pool_free(&smf->dnns[k].v4);
        pool_free(&smf->dnns[k].v6);
    }
    for (uint32_t k = 0; smf->upfs && k < smf->n_upfs; k++)
        pool_free(&smf->upfs[k].local_v6);
    slab_free(&smf->sessions);
    slab_free(&smf->ues);
    map_free(&smf->ue_by_supi);
    map_free(&smf->by_ref);
    interns_free(&smf->texts);
    free(smf->dnns);
    free(smf->upfs);
    free(smf->scratch);
    free(smf->out);
}

static void status(void *state, void (*line)(void *ctx, const char *text), void *ctx)
{
    struct smf *smf = state;
    char text[200], peer[NET_ADDR_TEXT];
    snprintf(text, sizeof text, "sessions: %u of at most %u, of %u phones", smf->sessions.used, smf->sessions.max,
             smf->ues.used);
    line(ctx, text);
    for (uint32_t i = 0; i < smf->n_upfs; i++) {
        const struct smf_upf *u = &smf->upfs[i];
        snprintf(text, sizeof text, "UPF " STR_FMT " at %s: %s, %u sessions", STR_ARG(u->c->name),
                 addr_text(&u->c->address, peer), u->assoc && u->assoc->is_up ? "associated" : "not associated",
                 u->sessions);
        line(ctx, text);
    }
    for (uint32_t i = 0; i < smf->n_dnns; i++) {
        const struct smf_dnn *d = &smf->dnns[i];
        snprintf(text, sizeof text, "data network " STR_FMT ": %u IPv4 addresses, %u IPv6 prefixes in use",
                 STR_ARG(d->c->name), d->v4.used, d->v6.used);
        line(ctx, text);
    }
}

/* "sessions SUPI": a line for each, its SEID at the UPF and its data network. */
static void ask(void *state, struct str words, struct text *answer)
{
    struct str what = text_word(&words), supi = text_word(&words);
    struct smf_ue *ue = str_is(what, "sessions") ? smf_ue_find(state, supi) : NULL;
    if (!ue)
        text_add(answer, "error: no phone with this identity has a PDU session\n");
    for (const struct smf_session *s = ue ? ue->first : NULL; s; s = s->next_of_ue)
        if (s->up_seid)
            text_add(answer, "0x%016llx " STR_FMT "\n", (unsigned long long)s->up_seid, STR_ARG(s->dnn->c->name));
}

static const struct nf_op ops[] = {
    {SBI_nsmf_pdusession_create, smf_create},
    {SBI_nsmf_pdusession_update, smf_update},
    {SBI_nsmf_pdusession_release, smf_release},
    {SBI_namf_comm_n1n2_transfer_failure_notify, smf_transfer_failed},
    {SBI_npcf_sm_policy_update_notify, smf_policy_notified},
    {SBI_npcf_sm_policy_terminate_notify, smf_policy_terminated},
    {SBI_trust_changed, smf_op_trust_changed},
};
const struct nf_desc smf_nf = {SBI_NF_SMF, "smf", sizeof(struct smf), boot, stop, status, ops, ARRAY_LEN(ops), ask};
