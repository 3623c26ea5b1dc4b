/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/nrf/nrf.h"
#include "base/err.h"
#include "codec/sbi_own.h"
#include <stdio.h>
#include <stdlib.h>

uint8_t *nrf_keep(struct nrf *n, const struct sbi_schema *schema, void *value)
{
    struct arena a = arena_over(n->scratch, NRF_PROFILE_OCTETS);
    if (sbi_own(schema, &a, value) < 0)
        return NULL;
    uint8_t *memory = malloc(a.off + 8);
    if (!memory)
        return NULL;
    a = arena_over(memory, a.off + 8); /* the same pieces in the same order, so it fits */
    if (sbi_own(schema, &a, value) == OK)
        return memory;
    free(memory);
    return NULL;
}

struct nrf_profile *nrf_find(const struct nrf *n, struct str id)
{
    return map_get(&n->by_id, (struct bytes){(const uint8_t *)id.p, id.n});
}

bool nrf_is_here(const struct nrf *n, struct str id)
{
    for (unsigned i = 0; i < NF_SLOTS; i++)
        if (n->rt->nf[i] && str_is(id, n->rt->nf[i]->instance_id))
            return true;
    return false;
}

/* RFC 6749, TS 33.501 13.4.1. Functions of one process need none. */
static void access_token(void *state, struct call *c)
{
    struct sbi_AccessTokenErr *e = call_error(c, 501, "", NULL);
    if (e) {
        e->error = SBI_TokenError_UNAUTHORIZED_CLIENT;
        e->has.error_description = true;
        e->error_description = STR("this NRF does not issue access tokens yet");
    }
    call_reply(c, 501);
}

/* ---- life ---- */
static int nrf_boot(struct rt *rt, void *state)
{
    struct nrf *n = state;
    n->rt = rt;
    list_init(&n->profiles);
    list_init(&n->subscriptions);
    map_init(&n->by_id, rt_random(rt), rt_random(rt));
    n->scratch = malloc(NRF_PROFILE_OCTETS);
    return n->scratch ? OK : ERR_NOSPACE;
}
static void nrf_stop(struct rt *rt, void *state)
{
    struct nrf *n = state;
    if (n->rt)
        nrf_trust_stop(n);
    LIST_EACH_SAFE(l, &n->subscriptions)
    nrf_subscription_drop(CONTAINER(l, struct nrf_subscription, link));
    LIST_EACH_SAFE(l, &n->profiles)
    nrf_profile_drop(CONTAINER(l, struct nrf_profile, link));
    map_free(&n->by_id);
    free(n->scratch);
}
static void nrf_status(void *state, void (*line)(void *, const char *), void *ctx)
{
    const struct nrf *n = state;
    char text[128];
    uint32_t silent = 0;
    LIST_EACH(l, &n->profiles)
    silent += CONTAINER(l, struct nrf_profile, link)->v.nf_status == SBI_NFStatus_SUSPENDED;
    snprintf(text, sizeof text,
             "functions: %u, of them silent: %u; subscriptions: %u, searches: %llu",
             map_count(&n->by_id), silent, n->n_subscriptions, (unsigned long long)n->searches);
    line(ctx, text);
}

static const struct nf_op ops[] = {
    {SBI_nnrf_nfm_register, nrf_register},     {SBI_nnrf_nfm_update, nrf_update},
    {SBI_nnrf_nfm_deregister, nrf_deregister}, {SBI_nnrf_nfm_get, nrf_get},
    {SBI_nnrf_nfm_subscribe, nrf_subscribe},   {SBI_nnrf_nfm_unsubscribe, nrf_unsubscribe},
    {SBI_nnrf_disc_search, nrf_search},        {SBI_nnrf_oauth2_token, access_token},
    {SBI_trust_changed, nrf_trust_changed},
};
const struct nf_desc nrf_nf = {.kind = SBI_NF_NRF,
                               .name = "nrf",
                               .state_octets = sizeof(struct nrf),
                               .boot = nrf_boot,
                               .stop = nrf_stop,
                               .status = nrf_status,
                               .ops = ops,
                               .n_ops = ARRAY_LEN(ops)};
