/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks of hosts that reach the user plane: N3-01, 03, 04, 05. */
#include "cmd/trial.h"

static const struct net_addr STRANGER = {4, 2152, {10, 0, 0, 66}}, GNB = {4, 2153, {10, 0, 0, 16}}; /* the gNB's own address, another port */
struct intruder { /* who has a gNB's own address, or one that is no tunnel's end */
    struct env *env;
    int udp;
    uint32_t heard; /* answers */
};
static void hears(void *ctx, int sock, const struct net_addr *from, struct bytes b) { ((struct intruder *)ctx)->heard++; }
static void intruder_open(struct trial *t, struct intruder *x, struct env *env, const struct net_addr *at)
{
    *x = (struct intruder){.env = env ? env : world_host(t->n.w, "intruder", at), .udp = -1};
    TRIAL_MUST(t, x->env, "no host");
    x->udp = x->env->ops->udp_open(x->env, at, &(struct udp_sink){x, hears});
    TRIAL_MUST(t, x->udp >= 0, "no socket");
}
static void intruder_close(struct intruder *x)
{
    if (x->udp >= 0)
        x->env->ops->udp_close(x->env, x->udp);
}
static void inject(struct trial *t, struct intruder *x, const uint8_t *p, uint32_t octets)
{
    static const struct net_addr upf = {4, 2152, {10, 0, 0, 2}};
    if (x->udp >= 0)
        x->env->ops->udp_send(x->env, x->udp, &upf, (struct bytes){p, octets});
    trial_go(t, 20 * SIM_MS);
}
static uint64_t counted(struct trial *t, enum dp_counter c)
{
    uint64_t v[DP_COUNTERS];
    user_plane_counters(t->n.path, v);
    return v[c];
}

static void check_gnb_address(struct trial *t) { t->sets[0] = STR("upf.check_gnb_address=true"); }
static void try_tunnels(struct trial *t, struct intruder *x, struct ue_session *s)
{
    uint8_t g[256], gone[] = {0x32, 26, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 133, 0, 4, 10, 0, 0, 0x10};
    trial_go(t, 30 * SIM_S);
    uint64_t before = counted(t, DP_to_core);
    uint32_t k = sim_in_tunnel(g, s->bearer->peer_teid, s->ipv4, 53, "stolen", 6);
    for (int i = 0; i < 50; i++)
        inject(t, x, g, k);
    trial_quiet(t); /* the tunnel's end might have moved there */
    trial_go(t, 12 * SIM_S);
    trial_only(t, GUARD_N3_01, "10.0.0.66");
    TRIAL_MUST(t, counted(t, DP_to_core) == before && counted(t, DP_peer_wrong) == 50, "packets got through");
    put_be32(gone + 13, s->bearer->teid);
    inject(t, x, gone, sizeof gone);
    trial_only(t, GUARD_N3_01, "10.0.0.66");
    trial_unharmed(t, s);
    for (uint32_t i = 1; i < 200; i++) { /* a search for tunnels opens none */
        put_be32(g + 4, s->bearer->peer_teid + i * 0x10001);
        inject(t, x, g, k);
    }
    TRIAL_MUST(t, counted(t, DP_to_core) == before + 1, "a search opened a tunnel"); /* the ping */
}
static void into_anothers_tunnel(struct trial *t)
{
    struct ue_session *s = trial_victim(t);
    struct intruder x;
    TRIAL_MUST(t, s, "no victim");
    intruder_open(t, &x, NULL, &STRANGER);
    try_tunnels(t, &x, s);
    intruder_close(&x);
}

static void two_phones(struct trial *t)
{
    t->n.plan.phones = t->n.plan.phones_drawn = t->n.plan.phones > 2 ? t->n.plan.phones : 2;
}
static void in_anothers_name(struct trial *t)
{
    struct ue_session *s = trial_victim(t), *other = t->n.ue[1]->sessions;
    struct intruder x;
    uint8_t g[256];
    TRIAL_MUST(t, s, "no victim");
    intruder_open(t, &x, t->n.ran_env, &GNB);
    trial_go(t, 30 * SIM_S);
    uint64_t before = counted(t, DP_to_core);
    for (int i = 0; i < 20; i++)
        inject(t, &x, g, sim_in_tunnel(g, s->bearer->peer_teid, other->ipv4, 53, "forged", 6));
    trial_only(t, GUARD_N3_03, "n3 10.0.0.16");
    intruder_close(&x);
    TRIAL_MUST(t, counted(t, DP_to_core) == before, "packets got through");
    trial_unharmed(t, s);
    trial_unharmed(t, other);
}
static void tunnels_in_tunnels(struct trial *t)
{
    uint8_t g[256], nested[36] = {0x30, 255, 0, 28, 0, 0, 0, 1, 0x45}, pfcp[16] = {0x20, 5, 0, 12}, upf[4] = {10, 0, 0, 2};
    struct ue_session *s = trial_victim(t);
    struct intruder x;
    TRIAL_MUST(t, s, "no victim");
    intruder_open(t, &x, t->n.ran_env, &GNB);
    uint64_t before = counted(t, DP_to_core);
    inject(t, &x, g, sim_in_tunnel(g, s->bearer->peer_teid, s->ipv4, 2152, nested, sizeof nested));
    trial_only(t, GUARD_N3_04, NULL);
    trial_go(t, 2 * SIM_S);
    inject(t, &x, g, sim_in_tunnel(g, s->bearer->peer_teid, s->ipv4, 8805, pfcp, sizeof pfcp));
    trial_only(t, GUARD_N3_04, NULL);
    uint32_t k = sim_in_tunnel(g, s->bearer->peer_teid, s->ipv4, 80, "hello", 5);
    memcpy(g + 16 + 16, upf, 4); /* for the UPF itself */
    inject(t, &x, g, k);
    trial_only(t, GUARD_N3_04, NULL);
    intruder_close(&x);
    TRIAL_MUST(t, counted(t, DP_to_core) == before, "packets got through");
    trial_unharmed(t, s);
}
static void signalling(struct trial *t, struct intruder *x, struct intruder *gnb, struct ue_session *s)
{
    static const uint8_t magic[] = {0x32, 1, 0, 14, 0, 0, 0, 0, 0, 1, 0, 0, 255, 0, 7, 0x53, 0x95, 'k', 'n', 'o', 'c', 'k'};
    static const uint8_t echo[] = {0x32, 1, 0, 4, 0, 0, 0, 0, 0, 9, 0, 0};
    uint8_t g[256];
    inject(t, x, magic, sizeof magic);
    trial_only(t, GUARD_N3_05, NULL);
    trial_go(t, SIM_S);
    TRIAL_MUST(t, !x->heard, "it was answered");
    inject(t, x, magic, 12); /* not as long as it says */
    trial_quiet(t);
    uint32_t k = sim_in_tunnel(g, s->bearer->peer_teid, s->ipv4, 53, "x", 1);
    g[11] = 0x39;
    inject(t, gnb, g, k);
    trial_only(t, GUARD_N3_05, NULL);
    inject(t, x, echo, sizeof echo); /* an honest question is answered, and no finding */
    trial_go(t, SIM_S);
    TRIAL_MUST(t, x->heard == 1, "an honest question was not answered");
    trial_quiet(t);
}
static void what_signalling_hides(struct trial *t)
{
    struct ue_session *s = trial_victim(t);
    struct intruder x, gnb;
    TRIAL_MUST(t, s, "no victim");
    intruder_open(t, &x, NULL, &STRANGER);
    intruder_open(t, &gnb, t->n.ran_env, &GNB);
    signalling(t, &x, &gnb, s);
    intruder_close(&x);
    intruder_close(&gnb);
    trial_unharmed(t, s);
}

const struct trial_desc trials_n3[] = {
    {GUARD_N3_01, "into_anothers_tunnel", check_gnb_address, into_anothers_tunnel},
    {GUARD_N3_03, "in_anothers_name", two_phones, in_anothers_name},
    {GUARD_N3_04, "tunnels_in_tunnels", NULL, tunnels_in_tunnels},
    {GUARD_N3_05, "what_signalling_hides", NULL, what_signalling_hides},
    {0},
};
