/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rogue.h"
#include "base/err.h"

static const struct net_addr AT = {4, 0, {10, 0, 0, 66}}, UPF = {4, 0, {10, 0, 0, 2}}, UPF_N4 = {4, PFCP_PORT, {10, 0, 0, 2}};

static void no_request(void *ctx, struct pfcp_node *node, const struct pfcp_in *in) {}
int rogue_open(struct rogue *r, struct world *w)
{
    r->w = w;
    r->env = world_host(w, "rogue", &AT);
    int e = r->env ? rt_init(&r->rt, r->env, 1 << 20) : ERR_NOSPACE;
    if (e < 0)
        return e;
    world_attach(w, r->env, &r->rt);
    rt_enter(&r->rt);
    struct pfcp_config c = {.local = AT, .heartbeat_us = UINT64_MAX};
    e = pfcp_open(&r->node, &r->rt, &c, &(struct pfcp_user){.ctx = r, .request = no_request});
    r->is_open = e == OK;
    return e == OK ? rogue_associate(r) : e;
}
void rogue_close(struct rogue *r)
{
    if (r->is_open) {
        rt_enter(&r->rt);
        pfcp_close(&r->node);
        world_attach(r->w, r->env, NULL);
    }
    if (r->rt.env)
        rt_free(&r->rt);
}
int rogue_associate(struct rogue *r)
{
    rt_enter(&r->rt);
    int e = pfcp_associate(&r->node, &UPF, &r->assoc);
    world_attach(r->w, r->env, &r->rt);
    return e;
}
int rogue_release(struct rogue *r)
{
    rt_enter(&r->rt);
    int e = pfcp_release(&r->node, r->assoc);
    world_attach(r->w, r->env, &r->rt);
    return e;
}

static void answered(void *ctx, int err, const struct pfcp_msg *rsp, const struct pfcp_report *report)
{
    struct rogue *r = ctx;
    r->answers++;
    r->cause = !rsp ? 0 : rsp->type == PFCP_SESSION_MODIFICATION_RESPONSE ? rsp->session_modification_response.cause
             : rsp->type == PFCP_SESSION_DELETION_RESPONSE ? rsp->session_deletion_response.cause
                                                           : rsp->session_establishment_response.cause;
}
int rogue_say(struct rogue *r, struct pfcp_msg *m)
{
    rt_enter(&r->rt);
    int e = pfcp_request(&r->node, &UPF_N4, m, answered, r, NULL);
    world_attach(r->w, r->env, &r->rt);
    return e;
}
struct pfcp_msg rogue_redirection(uint64_t seid, struct pfcp_update_far *far)
{
    struct pfcp_msg m = {.type = PFCP_SESSION_MODIFICATION_REQUEST, .has_seid = true, .seid = seid};
    *far = (struct pfcp_update_far){.far_id = 2, .apply_action = PFCP_APPLY_ACTION_FORW};
    far->has.far_id = far->has.apply_action = 1;
    m.session_modification_request.update_far.v = far;
    m.session_modification_request.update_far.n = 1;
    return m;
}
struct pfcp_msg rogue_rule(const struct rogue *r, uint64_t seid, uint16_t action, struct pfcp_create_pdr *pdr, struct pfcp_create_far *far)
{
    struct pfcp_msg m = {.type = PFCP_SESSION_ESTABLISHMENT_REQUEST, .has_seid = true};
    struct pfcp_session_establishment_request *q = &m.session_establishment_request;
    *far = (struct pfcp_create_far){.far_id = 1, .apply_action = action};
    *pdr = (struct pfcp_create_pdr){.pdr_id = 1, .precedence = 1, .far_id = 1};
    far->has.far_id = far->has.apply_action = 1;
    pdr->has.pdr_id = pdr->has.precedence = pdr->has.pdi = pdr->has.far_id = 1;
    pdr->has.outer_header_removal = 1;
    pdr->outer_header_removal.flags = PFCP_OHR_GTPU_UDP_IPV4;
    pdr->pdi.has.source_interface = pdr->pdi.has.local_f_teid = 1;
    pdr->pdi.local_f_teid.flags = PFCP_F_TEID_V4 | PFCP_F_TEID_CH;
    pdr->pdi.has.ue_ip_address = 1;
    pdr->pdi.ue_ip_address = (struct pfcp_ue_ip_address){.flags = PFCP_UE_IP_V4, .ipv4 = {10, 45, 200, (uint8_t)seid}};
    q->has.node_id = q->has.cp_f_seid = 1;
    q->node_id = r->node.config.node_id;
    q->cp_f_seid = (struct pfcp_f_seid){.flags = 2, .seid = seid, .ipv4 = {10, 0, 0, 66}};
    q->create_far.v = far, q->create_far.n = 1;
    q->create_pdr.v = pdr, q->create_pdr.n = 1;
    return m;
}
