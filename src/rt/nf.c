/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/nf.h"
#include "base/err.h"
#include <stdio.h>
#include <stdlib.h>

static void uuid4(struct rt *rt, char out[37]) /* RFC 4122 4.4 */
{
    uint8_t b[16];
    char h[33];
    env_random(rt->env, b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    hex_put(h, b, sizeof b);
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", h, h + 8, h + 12, h + 16, h + 20);
}

static void nf_end(struct rt *rt, struct nf *nf)
{
    if (nf->desc->stop)
        nf->desc->stop(rt, nf->state);
    rt->nf[nf->desc->kind] = NULL;
    for (struct link *l; (l = list_pop(&nf->calls));) /* whatever it kept and will not answer any more */
        call_problem(CONTAINER(l, struct call, on_nf), 503, "TARGET_NF_NOT_REACHABLE", "the function stopped");
    secret_wipe(nf->state, nf->desc->state_octets);
    free(nf->state);
    free(nf);
}

int nf_start(struct rt *rt, const struct nf_desc *desc)
{
    struct nf *nf = calloc(1, sizeof *nf);
    if (!nf || !(nf->state = calloc(1, desc->state_octets))) {
        free(nf);
        return ERR_NOSPACE;
    }
    nf->desc = desc;
    list_init(&nf->calls);
    uuid4(rt, nf->instance_id);
    for (uint32_t i = 0; i < desc->n_ops; i++)
        nf->fn[desc->ops[i].op] = desc->ops[i].fn;
    rt->nf[desc->kind] = nf;
    int r = desc->boot(rt, nf->state);
    if (r < 0)
        nf_end(rt, nf);
    else
        nf_register(rt, nf);
    return r;
}

void nf_stop(struct rt *rt, enum sbi_nf kind)
{
    struct nf *nf = rt->nf[kind];
    if (!nf)
        return;
    if (kind != SBI_NF_NRF)
        nf_deregister(rt, nf);
    nf_end(rt, nf);
}

void nf_stop_all(struct rt *rt)
{
    for (unsigned i = NF_SLOTS; i-- > 0;)
        if (rt->nf[i])
            nf_end(rt, rt->nf[i]);
}
