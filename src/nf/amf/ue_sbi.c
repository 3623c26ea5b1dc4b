/* SPDX-License-Identifier: Apache-2.0 */
/* The AMF's values in the forms of services, NAS and NGAP. */
#include "codec/sbi_text.h"
#include "nf/amf/ue.h"

void amf_guami_sbi(const struct amf *amf, uint32_t guami, struct arena *a, struct sbi_Guami *to)
{
    const struct amf_guami *g = &amf->config.guamis[guami < amf->config.n_guamis ? guami : 0];
    struct sbi_PlmnId plmn = {0};
    sbi_plmn_put(a, g->plmn, &plmn);
    to->plmn_id.mcc = plmn.mcc;
    to->plmn_id.mnc = plmn.mnc;
    uint32_t id = (uint32_t)g->region << 16 | (uint32_t)g->set << 6 | g->pointer;
    to->amf_id = arena_printf(a, "%06x", id); /* TS 29.571 AmfId */
}
void amf_tai_sbi(const struct amf_tai *tai, struct arena *a, struct sbi_Tai *to)
{
    sbi_plmn_put(a, tai->plmn, &to->plmn_id);
    to->tac = arena_printf(a, "%06x", be24(tai->tac));
}
void amf_location_sbi(const struct amf_location *l, struct arena *a, struct sbi_UserLocation *to)
{
    if (!l->at_us)
        return;
    to->has.nr_location = true;
    amf_tai_sbi(&l->tai, a, &to->nr_location.tai);
    sbi_plmn_put(a, l->cgi_plmn, &to->nr_location.ncgi.plmn_id);
    to->nr_location.ncgi.nr_cell_id = arena_printf(a, "%09llx", (unsigned long long)l->nr_cell);
}
void amf_slice_sbi(const struct amf_slice *s, struct arena *a, struct sbi_Snssai *to)
{
    sbi_snssai_put(a, s->sst, s->has_sd, s->sd, to);
}
bool amf_slice_of_sbi(const struct sbi_Snssai *s, struct amf_slice *to)
{
    *to = (struct amf_slice){.sst = (uint8_t)s->sst};
    if (s->sst < 0 || s->sst > 255)
        return false;
    if (!s->has.sd)
        return true;
    to->has_sd = true;
    return hex_get(to->sd, 3, s->sd);
}
void amf_slice_of_nas(const struct nas_s_nssai *s, struct amf_slice *to)
{
    *to = (struct amf_slice){.sst = s->sst, .has_sd = s->has_sd};
    if (s->has_sd)
        put_be24(to->sd, s->sd);
}
void amf_slice_nas(const struct amf_slice *s, struct nas_s_nssai *to)
{
    *to = (struct nas_s_nssai){.sst = s->sst, .has_sd = s->has_sd, .sd = s->has_sd ? be24(s->sd) : 0};
}
void amf_slice_ngap(const struct amf_slice *s, struct ngap_S_NSSAI *to)
{
    *to = (struct ngap_S_NSSAI){.sST = {&s->sst, 1}, .sD = {s->sd, 3}};
    to->has.sD = s->has_sd;
}
bool amf_slice_eq(const struct amf_slice *a, const struct amf_slice *b)
{
    return a->sst == b->sst && a->has_sd == b->has_sd && (!a->has_sd || memcmp(a->sd, b->sd, 3) == 0);
}
void amf_last_segment(struct str location, char *to, size_t cap)
{
    if (!str_copy(to, cap, sbi_uri_id(location)))
        to[0] = 0;
}
void amf_id_take(struct brief *to, struct str location)
{
    struct str id = sbi_uri_id(location);
    brief_set(to, id.n <= AMF_ID_MAX ? id : STR(""));
}
