/* SPDX-License-Identifier: Apache-2.0 */
/* How many PDU sessions are established at once, and fairness between slices: docs/procedures/overload.md. */
#include "nf/smf/smf.h"

static uint32_t limit(const struct smf *smf) { return smf->config->smf.max_procedures; }
static struct smf_slice_load *slice_of(struct smf *smf, const struct smf_session *s)
{
    struct smf_admission *a = &smf->admission;
    struct smf_slice_load *unused = &a->slices[0]; /* when all are in use: together with the first */
    for (uint32_t i = SMF_SLICES; i-- > 0;) {
        struct smf_slice_load *l = &a->slices[i];
        if (!l->used)
            unused = l;
        else if (l->sst == s->sst && l->has_sd == s->has_sd && (!s->has_sd || memcmp(l->sd, s->sd, 3) == 0))
            return l;
    }
    if (unused->used)
        return unused;
    unused->sst = s->sst;
    unused->has_sd = s->has_sd;
    memcpy(unused->sd, s->sd, 3);
    return unused;
}
/* Of one slice among those that are active, and the next one that comes. */
static uint32_t share(const struct smf *smf)
{
    uint32_t n = 1;
    for (uint32_t i = 0; i < SMF_SLICES; i++)
        n += smf->admission.slices[i].used != 0;
    return limit(smf) / n ? limit(smf) / n : 1;
}
uint8_t smf_admit(struct smf_session *s)
{
    struct smf *smf = s->smf;
    struct smf_admission *a = &smf->admission;
    struct smf_slice_load *l = slice_of(smf, s);
    if (a->used >= limit(smf))
        return NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES;
    if (a->used >= limit(smf) / 2 && l->used >= share(smf))
        return NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE;
    a->used++;
    l->used++;
    s->admitted = (uint8_t)(l - a->slices + 1);
    return 0;
}
void smf_admit_end(struct smf_session *s)
{
    struct smf_admission *a = &s->smf->admission;
    if (!s->admitted)
        return;
    a->used--;
    a->slices[s->admitted - 1].used--;
    s->admitted = 0;
}
