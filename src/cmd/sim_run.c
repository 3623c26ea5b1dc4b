/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/sim_run.h"
#include "sim/pcap.h"
#include <stdarg.h>
#include <stdlib.h>

enum { REPAIRS = 32, CALM_S = 1200, CALM_LIMITED_S = 6 * 3600, STRICT_S = 20, CHECK_EVERY = 8 };

enum repair_kind { REPAIR_CELL, REPAIR_STORE, REPAIR_CORE, REPAIR_UPF, REPAIR_SUBSCRIBER, REPAIR_FUNCTION };
struct repair {
    uint64_t at_us; /* 0: free */
    enum repair_kind kind;
    uint32_t what;
};
enum stage { STAGE_UP, STAGE_STRICT_PING, STAGE_TO_IDLE, STAGE_QUIET, STAGE_CALLED, STAGE_DONE };
struct goal { /* of a phone in the calm */
    enum stage stage;
    uint64_t next_us, until_us, rx;
    uint32_t pings, tries;
    uint8_t psi;
};
struct run {
    struct sim_net n;
    struct sim_check c;
    struct sim_attack attack;
    struct goal goal[SIM_PHONES_MAX];
    struct repair repair[REPAIRS];
    struct world_pcap pcap;
    bool store_down, core_down, upf_down;
};

const char *sim_fault_name(enum sim_fault f)
{
    static const char *const names[SIM_FAULT_COUNT] = {
#define X(name, text) #name,
        SIM_FAULTS(X)
#undef X
    };
    return names[f];
}

/* ---- what phones and links tell ---- */
static void on_event(void *ctx, struct ue *ue, const struct ue_event *e)
{
    struct run *r = ctx;
    uint32_t i = sim_phone_of(&r->n, ue);
    r->c.ue[e->kind]++;
    if (e->kind == UE_DATA)
        sim_check_received(&r->c, i, e->psi, e->data);
    sim_say(&r->c, "phone %u: %s%s psi=%u cause=%u", i, ue_event_name(e->kind), e->is_gmm ? " (5GMM)" : "", e->psi, e->cause);
}

/* ---- repairs: what failed comes back ---- */
static void repair_plan(struct run *r, enum repair_kind kind, uint32_t what, uint64_t in_us)
{
    for (uint32_t i = 0; i < REPAIRS; i++)
        if (!r->repair[i].at_us) {
            r->repair[i] = (struct repair){world_now_us(r->n.w) + in_us, kind, what};
            return;
        }
    /* no place: at once, by a plan of no delay */
    r->repair[0].at_us = world_now_us(r->n.w);
}
static void repair_do(struct run *r, struct repair *p)
{
    struct sim_net *n = &r->n;
    int e = OK;
    p->at_us = 0;
    switch (p->kind) {
    case REPAIR_CELL:
        sim_say(&r->c, "gNB %u is back", p->what + 1);
        e = n->cells[p->what].gnb.state == GNB_IDLE ? sim_cell_start(n, p->what) : OK;
        break;
    case REPAIR_STORE:
        sim_say(&r->c, "the store works again");
        store_memory_fail(n->store, NULL, false);
        r->store_down = false;
        break;
    case REPAIR_CORE:
        sim_say(&r->c, "the core starts again");
        store_memory_fail(n->store, NULL, false);
        r->store_down = r->core_down = false;
        e = sim_core_start(n);
        break;
    case REPAIR_UPF:
        sim_say(&r->c, "the UPF starts again");
        r->upf_down = false;
        e = sim_upf_start(n);
        break;
    case REPAIR_FUNCTION:
        if (r->core_down) /* which starts it as well */
            break;
        sim_say(&r->c, "function %u starts again", p->what);
        e = sim_function_start(n, p->what);
        if (e < 0 && r->store_down) {
            repair_plan(r, REPAIR_FUNCTION, p->what, SIM_S);
            e = OK;
        }
        break;
    case REPAIR_SUBSCRIBER:
        sim_say(&r->c, "phone %u is a subscriber again", p->what);
        if (sim_subscribe(n, p->what) < 0) /* the store refuses just now */
            repair_plan(r, REPAIR_SUBSCRIBER, p->what, SIM_S);
        else if (n->ue[p->what]->usim.is_invalid) { /* its USIM is taken out and put in */
            n->ue[p->what]->usim.is_invalid = false;
            ue_register(n->ue[p->what]);
        }
        break;
    }
    if (e < 0)
        sim_fail(&r->c, SIM_P_starts, "%s", n->why[0] ? n->why : err_text(e));
}
/* The next of them at or before `until`; NULL: none. */
static struct repair *repair_next(struct run *r, uint64_t until_us)
{
    struct repair *next = NULL;
    for (uint32_t i = 0; i < REPAIRS; i++)
        if (r->repair[i].at_us && r->repair[i].at_us <= until_us && (!next || r->repair[i].at_us < next->at_us))
            next = &r->repair[i];
    return next;
}
static void run_until(struct run *r, uint64_t until_us)
{
    while (!r->c.failed) {
        uint64_t now = world_now_us(r->n.w);
        struct repair *p = repair_next(r, until_us);
        uint64_t at = p ? p->at_us : until_us;
        if (at > now)
            sim_net_run(&r->n, at - now);
        if (!p)
            return;
        repair_do(r, p);
    }
}

/* ---- steps ---- */
static struct ue_session *a_session(struct ue *ue, uint64_t x)
{
    uint32_t n = 0;
    for (struct ue_session *s = ue->sessions; s; s = s->next)
        n++;
    struct ue_session *s = ue->sessions;
    for (uint64_t k = n ? x % n : 0; k; k--)
        s = s->next;
    return s;
}
static const struct net_addr FAR4 = {4, 7, {8, 8, 8, 8}};
static const struct net_addr FAR6 = {6, 7, {0x20, 0x01, 0x48, 0x60, [15] = 1}};
static void ping(struct run *r, struct ue_session *s)
{
    const struct net_addr *to = s->type == NAS_PDU_IPV6 ? &FAR6 : &FAR4;
    if (ue_ping(s->ue, s->psi, to, 56) == OK)
        r->c.pings++;
}
static void send_data(struct run *r, struct ue_session *s)
{
    uint8_t data[SIM_PAYLOAD];
    sim_payload(data, sim_phone_of(&r->n, s->ue), s->psi);
    ue_udp(s->ue, s->psi, s->type == NAS_PDU_IPV6 ? &FAR6 : &FAR4, 4000, (struct bytes){data, sizeof data});
}
static bool from_far(struct run *r, const struct ue_session *s)
{
    uint8_t p[200];
    struct net_addr to = {.family = 4};
    memcpy(to.ip, s->ipv4, 4);
    uint32_t k = echo_request(&FAR4, &to, 77, 1, 32, p, sizeof p);
    int tun = r->upf_down ? -1 : world_tun(r->n.w, r->n.upf_env, NULL, str_is(str_of(s->dnn), "ims") ? "n6ims" : "n6internet");
    r->c.downlinks++;
    return tun >= 0 && world_inject(r->n.w, tun, (struct bytes){p, k}) == OK;
}
static void session_open(struct run *r, struct ue *ue, uint64_t x)
{
    static const uint8_t types[] = {NAS_PDU_IPV4, NAS_PDU_IPV4, NAS_PDU_IPV6, NAS_PDU_IPV4V6};
    struct ue_open o = {.type = types[x % 4], .dnn = x >> 8 & 1 ? "internet" : NULL, .has_slice = true, .slice = {.sst = 1}};
    if ((x >> 16 & 7) == 0)
        o.dnn = "ims";
    if ((x >> 24 & 3) == 0 && ue->n_slices > 1) {
        o.slice = ue->slices[1];
        o.dnn = "internet";
    }
    ue_session_open(ue, &o);
}
static void nas_fault(struct run *r, struct ue *ue, uint64_t x)
{
    static const uint8_t up[] = {NAS_REGISTRATION_REQUEST, NAS_AUTHENTICATION_RESPONSE, NAS_SECURITY_MODE_COMPLETE,
                                 NAS_REGISTRATION_COMPLETE, NAS_SERVICE_REQUEST, NAS_UL_NAS_TRANSPORT,
                                 NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING, NAS_CONFIGURATION_UPDATE_COMPLETE};
    static const uint8_t down[] = {NAS_AUTHENTICATION_REQUEST, NAS_SECURITY_MODE_COMMAND, NAS_REGISTRATION_ACCEPT,
                                   NAS_SERVICE_ACCEPT, NAS_PDU_SESSION_ESTABLISHMENT_ACCEPT, NAS_CONFIGURATION_UPDATE_COMMAND,
                                   NAS_DEREGISTRATION_ACCEPT_UE_ORIGINATING, NAS_PDU_SESSION_RELEASE_COMMAND};
    uint8_t u = up[(x >> 8) % ARRAY_LEN(up)], d = down[(x >> 8) % ARRAY_LEN(down)];
    switch (x % 5) {
    case 0: ue->faults.drop_up = u; break;
    case 1: ue->faults.drop_down = d; break;
    case 2: ue->faults.bad_mac = u; break;
    case 3: ue->faults.plain = u; break;
    case 4: ue->faults.replay = u; break;
    }
    sim_say(&r->c, "phone %u: NAS fault %u of message %02x", sim_phone_of(&r->n, ue), (unsigned)(x % 5), x % 5 == 1 ? d : u);
}
/* False: that fault is not in the plan, or not possible now. */
static bool fault_step(struct run *r, uint32_t i, struct ue *ue, uint64_t x)
{
    struct sim_net *n = &r->n;
    const struct sim_plan *p = &n->plan;
    enum sim_fault f = (enum sim_fault)(x % SIM_FAULT_DRAWN_FIRST);
    uint64_t y = x >> 8, a_while = SIM_S / 2 + y % (8 * SIM_S);
    if (!(p->faults >> f & 1))
        return false;
    uint32_t cell = (uint32_t)(y % p->cells);
    switch (f) {
    case SIM_FAULT_cut:
        sim_say(&r->c, "step %u: all associations are cut", i);
        world_cut_all(n->w, n->ran_env);
        return true;
    case SIM_FAULT_gnb:
        if (n->cells[cell].gnb.state == GNB_IDLE)
            return false;
        sim_say(&r->c, "step %u: gNB %u vanishes", i, cell + 1);
        cell_vanish(&n->cells[cell]);
        repair_plan(r, REPAIR_CELL, cell, a_while);
        return true;
    case SIM_FAULT_radio:
        sim_say(&r->c, "step %u: phone %u loses its radio", i, sim_phone_of(n, ue));
        ue_lose_radio(ue);
        return true;
    case SIM_FAULT_nas: nas_fault(r, ue, y); return true;
    case SIM_FAULT_store:
        if (r->store_down || r->core_down)
            return false;
        sim_say(&r->c, "step %u: the store refuses", i);
        store_memory_fail(n->store, "disk full", y & 1);
        r->store_down = true;
        repair_plan(r, REPAIR_STORE, 0, a_while);
        return true;
    case SIM_FAULT_core:
        if (r->core_down || y % 3)
            return false;
        sim_say(&r->c, "step %u: the core is killed", i);
        sim_core_kill(n, (uint32_t)(y % (store_memory_unsynced(n->store) + 1)));
        r->c.has_lost |= r->store_down;
        if (SIM_HAS(p, torn))
            sim_rows_tear(n, y);
        r->core_down = true;
        repair_plan(r, REPAIR_CORE, 0, a_while);
        return true;
    case SIM_FAULT_upf:
        if (r->upf_down || y % 3)
            return false;
        sim_say(&r->c, "step %u: the UPF is killed", i);
        sim_upf_kill(n);
        r->upf_down = true;
        repair_plan(r, REPAIR_UPF, 0, 2 * SIM_S + a_while);
        return true;
    case SIM_FAULT_clock:
        sim_say(&r->c, "step %u: the core's clock steps", i);
        world_step_clock(n->w, n->core_env, (int64_t)(y % (7200ull * SIM_S)) - 3600ll * SIM_S);
        return true;
    default: return false; /* those that are always there */
    }
}
static void phone_step(struct run *r, uint32_t i, struct ue *ue, uint64_t x)
{
    struct sim_net *n = &r->n;
    struct ue_session *s = a_session(ue, x >> 32);
    uint32_t who = sim_phone_of(n, ue);
    bool active = s && s->state == SM_ACTIVE;
    struct amf_ue *a = sim_amf_ue(n, who);
#define DID(text) sim_say(&r->c, "step %u: phone %u " text, i, who)
    switch (x % 20) {
    case 0: case 1: case 2: case 3: DID("registers"); ue_register(ue); break;
    case 4: case 5: case 6: DID("opens a session"); session_open(r, ue, x >> 8); break;
    case 7: case 8:
        if (active) {
            DID("pings");
            ping(r, s);
        }
        break;
    case 9:
        if (active) {
            DID("sends data");
            send_data(r, s);
        }
        break;
    case 10: case 11:
        if (ue->link) {
            DID("is inactive");
            gnb_ue_release_request(ue->link, NGAP_CauseRadioNetwork_user_inactivity);
        }
        break;
    case 12:
        if (active && s->type != NAS_PDU_IPV6) {
            DID("is sent a packet");
            from_far(r, s);
        }
        break;
    case 13: if (s) { DID("closes a session"); ue_session_close(ue, s->psi); } break;
    case 14: if (active) { DID("modifies a session"); ue_session_modify(ue, s->psi); } break;
    case 15: DID("changes cell"); ue_camp(ue, &n->cells[(x >> 8) % n->plan.cells]); break;
    case 16:
        if (x >> 8 & 1) {
            DID("leaves");
            ue_deregister(ue, x >> 9 & 1);
        } else if (a && a->rm == AMF_RM_REGISTERED) {
            DID("is deregistered by the network");
            rt_enter(&n->core);
            amf_deregister(a, x >> 9 & 1, 0);
        }
        break;
    case 17:
        if ((x >> 8 & 3) == 0 && !r->store_down && !r->core_down && sim_unsubscribe(n, who) == OK) {
            DID("is no subscriber any more");
            repair_plan(r, REPAIR_SUBSCRIBER, who, 2 * SIM_S + (x >> 16) % (10 * SIM_S));
        } else if (ue->state == MM_REGISTERED) {
            DID("updates its registration");
            ue_update(ue, x >> 16 & 1 ? NAS_REG_PERIODIC : NAS_REG_MOBILITY);
        }
        break;
    case 18: DID("asks for service"); ue_service(ue); break;
    case 19:
        if (a && a->rm == AMF_RM_REGISTERED) {
            DID("gets a new configuration");
            rt_enter(&n->core);
            a->pending = (uint8_t)(a->pending | AMF_PENDING_CONFIGURATION | (x >> 8 & 1 ? AMF_PENDING_GUTI : 0));
            amf_pending_start(a);
        }
        break;
    }
#undef DID
}
static void step(struct run *r, uint32_t i)
{
    struct sim_net *n = &r->n;
    uint64_t x = sim_draw(n->plan.seed, 1000000 + 2ull * i), y = sim_draw(n->plan.seed, 1000001 + 2ull * i);
    uint32_t who = (uint32_t)(x % n->plan.phones_drawn);
    if (who >= n->plan.phones)
        return;
    rt_enter(&n->ran_rt);
    if ((x >> 40) % 3 && SIM_HAS(&n->plan, attack)) {
        sim_say(&r->c, "step %u: attack: %s", i, sim_attack(&r->attack, y));
        return;
    }
    if ((x >> 48) % 16 == 0 && SIM_HAS(&n->plan, function) && !r->core_down) {
        uint32_t which = (uint32_t)(y % SIM_FUNCTIONS);
        sim_say(&r->c, "step %u: the %s is killed", i, sim_function_kill(n, which));
        repair_plan(r, REPAIR_FUNCTION, which, (y >> 8) % (4 * SIM_S));
        return;
    }
    if ((x >> 32) % 4 == 0 && fault_step(r, i, n->ue[who], y))
        return;
    phone_step(r, i, n->ue[who], y);
}
static bool is_wanted(const struct sim_options *o, uint32_t i, uint32_t *at)
{
    if (!o->only)
        return true;
    while (*at < o->n_only && o->only[*at] < i)
        ++*at;
    return *at < o->n_only && o->only[*at] == i;
}
static void weather(struct run *r, bool bad)
{
    const struct sim_plan *p = &r->n.plan;
    struct world_faults f = {.delay_min_us = 50, .delay_max_us = 250};
    if (bad && SIM_HAS(p, loss))
        f.udp_loss_ppm = p->links.udp_loss_ppm;
    if (bad && SIM_HAS(p, double))
        f.udp_double_ppm = p->links.udp_double_ppm;
    if (bad && SIM_HAS(p, delay))
        f.delay_max_us = p->links.delay_max_us;
    if (bad && SIM_HAS(p, cut))
        f.sctp_cut_ppm = p->links.sctp_cut_ppm;
    world_set_faults(r->n.w, &f);
}
static void storm(struct run *r, const struct sim_options *o)
{
    const struct sim_plan *p = &r->n.plan;
    uint64_t start = world_now_us(r->n.w), slot = p->for_us / p->steps;
    uint32_t at = 0;
    weather(r, true);
    for (uint32_t i = 0; i < p->steps && !r->c.failed; i++) {
        if (!is_wanted(o, i, &at))
            continue;
        run_until(r, start + i * slot + sim_draw(p->seed, 3000000 + i) % slot);
        if (!r->c.failed)
            step(r, i);
        if (i % CHECK_EVERY == 0)
            sim_check_now(&r->c);
    }
    run_until(r, start + p->for_us);
}

/* ---- calm: everybody reaches the goal ---- */
static void calm_down(struct run *r)
{
    struct sim_net *n = &r->n;
    sim_say(&r->c, "faults stop");
    weather(r, false);
    store_memory_fail(n->store, NULL, false);
    for (struct repair *p; !r->c.failed && (p = repair_next(r, UINT64_MAX));)
        repair_do(r, p);
    for (uint32_t i = 0; i < n->plan.cells; i++)
        if (n->cells[i].gnb.state == GNB_IDLE)
            sim_cell_start(n, i);
    for (uint32_t i = 0; i < n->plan.phones; i++) {
        n->ue[i]->faults = (struct ue_faults){0};
        n->ue[i]->usim.is_invalid = false;
        if (!n->ue[i]->cell)
            ue_camp(n->ue[i], &n->cells[i % n->plan.cells]);
    }
    run_until(r, world_now_us(n->w) + 30 * SIM_S);
}
/* Some must leave where not all can be there at once. */
static uint32_t how_many_fit(const struct run *r)
{
    const struct sim_plan *p = &r->n.plan;
    uint32_t n = p->phones;
    if (SIM_HAS(p, memory) && p->max_ues < n)
        n = p->max_ues;
    if (SIM_HAS(p, memory) && p->max_sessions < n)
        n = p->max_sessions;
    return n;
}
static struct ue_session *session_of(struct ue *ue, struct goal *g)
{
    struct ue_session *s = g->psi ? ue_session_find(ue, g->psi) : NULL;
    if (!s)
        s = ue->sessions;
    if (s && g->psi != s->psi) {
        g->psi = s->psi;
        g->pings = s->pings_received;
    }
    return s;
}
static void close_others(struct ue *ue, const struct ue_session *s)
{
    for (const struct ue_session *x = ue->sessions, *next; x && ue->state == MM_REGISTERED; x = next) {
        next = x->next;
        if (x != s)
            ue_session_close(ue, x->psi);
    }
}
/* As a user would: asks again every few seconds. */
static void strive(struct run *r, struct ue *ue, struct goal *g, uint64_t now)
{
    struct ue_session *s = session_of(ue, g);
    bool may_stay = s && (!SIM_HAS(&r->n.plan, memory) || (s == ue->sessions && !s->next)); /* there is room for one each */
    if (may_stay && s->state == SM_ACTIVE && ue->state == MM_REGISTERED && s->pings_received > g->pings) {
        g->stage = STAGE_STRICT_PING;
        g->until_us = now + STRICT_S * (uint64_t)SIM_S;
        g->pings = s->pings_received;
        ping(r, s);
        return;
    }
    if (now < g->next_us)
        return;
    if (!may_stay)
        close_others(ue, s);
    ue->usim.is_invalid = false; /* what it was told before it was a subscriber again: the USIM is put in anew */
    if (ue->state == MM_NULL || ue->state == MM_DEREGISTERED)
        ue_register(ue);
    else if (ue->state == MM_REGISTERED && !s)
        ue_session_open(ue, &(struct ue_open){.type = NAS_PDU_IPV4, .dnn = "internet", .has_slice = true, .slice = {.sst = 1}});
    else if (ue->state == MM_REGISTERED && s->state == SM_ACTIVE && r->c.has_lost && ++g->tries % 12 == 0)
        ue_session_close(ue, s->psi); /* the network may have gone back to one of before, with another address */
    else if (ue->state == MM_REGISTERED && s->state == SM_ACTIVE && (s->type != NAS_PDU_IPV6 || s->has_prefix))
        ping(r, s);
    else if (ue->state == MM_REGISTERED)
        ue_service(ue);
    g->next_us = now + (ue->state == MM_REGISTERED && s ? 10 : 2) * (uint64_t)SIM_S;
}
static void after_ping(struct run *r, uint32_t i, struct ue *ue, struct goal *g, uint64_t now)
{
    struct ue_session *s = ue_session_find(ue, g->psi);
    if (s && s->pings_received > g->pings) {
        g->stage = s->type == NAS_PDU_IPV6 || SIM_HAS(&r->n.plan, memory) ? STAGE_DONE : STAGE_TO_IDLE;
        g->next_us = now;
    } else if (!s) {
        g->stage = STAGE_UP;
    } else if (now > g->until_us) {
        sim_fail(&r->c, SIM_P_goal, "phone %u: a ping of session %u was never answered, though one before was", i, g->psi);
    }
}
static void to_idle(struct ue *ue, struct goal *g, uint64_t now)
{
    if (!ue->link) {
        g->stage = STAGE_QUIET;
        g->next_us = now + 2 * SIM_S;
    } else if (now >= g->next_us) {
        g->next_us = now + 5 * SIM_S;
        gnb_ue_release_request(ue->link, NGAP_CauseRadioNetwork_user_inactivity);
    }
}
static void call_it(struct run *r, struct ue *ue, struct goal *g, uint64_t now)
{
    struct ue_session *s = ue_session_find(ue, g->psi);
    if (!s || ue->link || s->state != SM_ACTIVE) { /* it had something to do itself */
        g->stage = s && s->state == SM_ACTIVE ? STAGE_TO_IDLE : STAGE_UP;
        return;
    }
    if (now < g->next_us)
        return;
    g->rx = s->rx;
    g->until_us = now + STRICT_S * (uint64_t)SIM_S;
    g->stage = STAGE_CALLED;
    sim_say(&r->c, "phone %u is sent a packet while idle", sim_phone_of(&r->n, ue));
    from_far(r, s);
}
static void called(struct run *r, uint32_t i, struct ue *ue, struct goal *g, uint64_t now)
{
    struct ue_session *s = ue_session_find(ue, g->psi);
    if (!s)
        g->stage = STAGE_UP;
    else if (s->rx > g->rx)
        g->stage = STAGE_DONE;
    else if (now > g->until_us)
        sim_fail(&r->c, SIM_P_goal, "phone %u: a packet that came while it was idle never arrives (TS 23.502 4.2.3.3)", i);
}
static bool goal_turn(struct run *r, uint32_t i)
{
    struct goal *g = &r->goal[i];
    struct ue *ue = r->n.ue[i];
    uint64_t now = world_now_us(r->n.w);
    switch (g->stage) {
    case STAGE_UP: strive(r, ue, g, now); break;
    case STAGE_STRICT_PING: after_ping(r, i, ue, g, now); break;
    case STAGE_TO_IDLE: to_idle(ue, g, now); break;
    case STAGE_QUIET: call_it(r, ue, g, now); break;
    case STAGE_CALLED: called(r, i, ue, g, now); break;
    case STAGE_DONE: break;
    }
    return g->stage == STAGE_DONE;
}
static void calm(struct run *r)
{
    struct sim_net *n = &r->n;
    calm_down(r);
    uint32_t goals = how_many_fit(r);
    for (uint32_t i = goals; i < n->plan.phones && !r->c.failed; i++)
        sim_phone_leave(n, i);
    uint64_t end = world_now_us(n->w) + (goals < n->plan.phones ? CALM_LIMITED_S : CALM_S) * (uint64_t)SIM_S;
    bool all = false;
    for (uint32_t k = 0; !all && !r->c.failed && world_now_us(n->w) < end; k++) {
        all = true;
        rt_enter(&n->ran_rt);
        for (uint32_t i = 0; i < goals; i++)
            all &= goal_turn(r, i);
        if (k % 8 == 0 && r->attack.is_on)
            sim_say(&r->c, "attack: %s", sim_attack(&r->attack, sim_draw(n->plan.seed, 4000000 + k)));
        run_until(r, world_now_us(n->w) + (k < 300 ? 200 * SIM_MS : 2 * SIM_S));
    }
    for (uint32_t i = 0; i < goals && !all; i++) {
        const struct ue *ue = n->ue[i];
        if (r->goal[i].stage != STAGE_DONE)
            sim_fail(&r->c, SIM_P_goal, "phone %u is %s%s, %s, after %u s of calm (stage %u, session state %d, last cause %u)", i,
                     ue_mm_state_name(ue->state), ue->link ? ", connected" : "", ue->sessions ? "has a session" : "has no session",
                     (unsigned)((world_now_us(n->w) - end) / SIM_S + CALM_S), r->goal[i].stage,
                     ue->sessions ? ue->sessions->state : -1, ue->last_cause);
    }
    sim_attack_stop(&r->attack);
    if (!r->c.failed)
        run_until(r, world_now_us(n->w) + (SIM_HAS(&n->plan, attack) ? 60 : 40) * SIM_S);
    if (!r->c.failed)
        sim_check_rest(&r->c);
}
static void all_leave(struct run *r)
{
    sim_say(&r->c, "all leave");
    sim_all_leave(&r->n);
    if (!r->c.failed)
        sim_check_empty(&r->c);
}

/* ---- one run ---- */
static void totals_add(struct sim_totals *t, const struct run *r)
{
    const struct sim_check *c = &r->c;
    t->seeds++;
    t->virtual_us += world_now_us(r->n.w);
    t->registrations += c->ue[UE_REGISTERED];
    t->sessions += c->ue[UE_SESSION_UP];
    t->services += c->ue[UE_SERVICE_ACCEPTED];
    t->pages += c->ue[UE_PAGED];
    t->pings += c->ue[UE_PING_REPLY];
    t->steps += r->n.plan.steps;
    t->log_lines += c->log_lines;
    for (uint32_t i = 0; i < SIM_COVER; i++) {
        t->n1[i] += c->n1[i];
        t->n2[i] += c->n2[i];
        t->n4[i] += c->n4[i];
        t->sbi[i] += c->sbi[i];
    }
    for (uint32_t i = 0; i < 32; i++)
        t->ue[i] += c->ue[i];
}
static void result_take(const struct run *r, struct sim_result *to)
{
    const struct sim_check *c = &r->c;
    *to = (struct sim_result){.failed = c->failed, .at_us = c->failed_us, .trace = c->trace, .steps = r->n.plan.steps,
                              .phones = r->n.plan.phones, .faults = r->n.plan.faults};
    memcpy(to->text, c->text, sizeof to->text);
    to->n_events = c->events < SIM_EVENTS ? (uint32_t)c->events : SIM_EVENTS;
    for (uint32_t i = 0; i < to->n_events; i++)
        memcpy(&to->event[i], &c->event[(c->events - to->n_events + i) % SIM_EVENTS], sizeof to->event[i]);
}
static void plan_of(const struct sim_options *o, struct sim_plan *p)
{
    sim_plan_draw(p, o->seed);
    p->faults = (p->faults & o->faults) | o->force;
    if (SIM_HAS(p, memory)) /* who fills what little there is keeps others out: that is not looked at together */
        p->faults &= ~(1u << SIM_FAULT_attack);
    if (o->phones && o->phones < p->phones)
        p->phones = o->phones;
    if (o->cells && o->cells < p->cells)
        p->cells = o->cells;
    if (o->for_us) { /* as many steps a second as were drawn */
        uint64_t steps = p->steps * o->for_us / p->for_us;
        p->steps = steps < 1 ? 1 : (uint32_t)(steps < 10000000 ? steps : 10000000);
        p->for_us = o->for_us;
    }
    if (o->json >= 0)
        p->json = o->json;
}
static void run_once(const struct sim_options *o, bool json, struct sim_result *to, struct sim_totals *t)
{
    struct sim_plan p;
    struct run *r = calloc(1, sizeof *r);
    *to = (struct sim_result){.failed = SIM_P_starts, .text = "no memory"};
    if (!r)
        return;
    plan_of(o, &p);
    p.json = json;
    r->c.verbose = o->verbose;
    sim_check_start(&r->c, &r->n);
    r->n.event = on_event;
    r->n.ctx = r;
    int e = sim_net_start(&r->n, &p);
    if (e == OK)
        sim_check_watch(&r->c);
    if (e < 0)
        sim_fail(&r->c, SIM_P_starts, "%s", r->n.why);
    if (e == OK && SIM_HAS(&p, attack)) {
        r->c.attack = &r->attack;
        e = sim_attack_start(&r->attack, &r->n);
    }
    if (!r->c.failed && o->capture)
        world_pcap_start(&r->pcap, r->n.w, o->capture);
    if (!r->c.failed)
        storm(r, o);
    if (!r->c.failed)
        calm(r);
    if (!r->c.failed)
        all_leave(r);
    result_take(r, to);
    if (t && r->n.w)
        totals_add(t, r);
    sim_attack_stop(&r->attack);
    sim_net_stop(&r->n);
    sim_check_free(&r->c);
    free(r);
}
void sim_run(const struct sim_options *o, struct sim_result *to, struct sim_totals *t)
{
    struct sim_plan p;
    plan_of(o, &p);
    run_once(o, p.json, to, t);
    if (to->failed || o->json >= 0 || !p.json || SIM_HAS(&p, memory)) /* JSON needs more memory, so what runs out differs */
        return;
    struct sim_result *other = calloc(1, sizeof *other);
    struct sim_options quiet = *o;
    quiet.verbose = false;
    quiet.capture = NULL;
    if (!other)
        return;
    run_once(&quiet, false, other, t);
    if (other->failed) {
        *to = *other;
    } else if (other->trace != to->trace) {
        to->failed = SIM_P_same_trace;
        snprintf(to->text, sizeof to->text, "the traces are %016llx as JSON and %016llx as structs",
                 (unsigned long long)to->trace, (unsigned long long)other->trace);
    }
    free(other);
}

/* ---- shrinking ---- */
struct shrink {
    struct sim_options best;
    enum sim_property property;
    uint32_t tries;
    struct sim_result *r;
    void (*tried)(const struct sim_options *, uint32_t tries);
};
enum { TRIES_MAX = 400 };
static bool still_fails(struct shrink *s, const struct sim_options *o)
{
    if (s->tries >= TRIES_MAX)
        return false;
    s->tries++;
    struct sim_result *r = calloc(1, sizeof *r);
    if (!r)
        return false;
    sim_run(o, r, NULL);
    bool yes = r->failed == s->property;
    if (yes) {
        s->best = *o;
        *s->r = *r;
    }
    free(r);
    if (s->tried)
        s->tried(&s->best, s->tries);
    return yes;
}
static void shrink_faults(struct shrink *s)
{
    for (uint32_t i = 0; i < SIM_FAULT_COUNT; i++) {
        struct sim_options o = s->best;
        o.faults &= ~(1u << i);
        o.force &= ~(1u << i);
        if (s->r->faults >> i & 1)
            still_fails(s, &o);
    }
}
static void shrink_phones(struct shrink *s)
{
    for (uint32_t n = 1; n < s->r->phones;) {
        struct sim_options o = s->best;
        o.phones = n;
        if (still_fails(s, &o))
            break;
        n = n < 4 ? n + 1 : n * 2;
    }
}
static void shrink_steps(struct shrink *s, uint32_t *only)
{
    uint32_t n = s->best.n_only, *trial = calloc(SIM_STEPS_MAX, sizeof *trial);
    for (uint32_t chunk = n / 2; trial && chunk; chunk = chunk > 1 ? chunk / 2 : 0)
        for (uint32_t at = 0; at < n && s->tries < TRIES_MAX;) {
            uint32_t cut = at + chunk < n ? chunk : n - at;
            struct sim_options o = s->best;
            memcpy(trial, only, at * sizeof *only);
            memcpy(trial + at, only + at + cut, (n - at - cut) * sizeof *only);
            o.only = trial;
            o.n_only = n - cut;
            if (still_fails(s, &o)) {
                n -= cut;
                memcpy(only, trial, n * sizeof *only);
                s->best.only = only;
                s->best.n_only = n;
            } else {
                s->best.only = only;
                at += cut;
            }
        }
    free(trial);
}
void sim_shrink(struct sim_options *o, struct sim_result *r, uint32_t *only, void (*tried)(const struct sim_options *, uint32_t tries))
{
    struct shrink s = {.best = *o, .property = r->failed, .r = r, .tried = tried};
    shrink_faults(&s);
    shrink_phones(&s);
    if (!s.best.only && r->steps <= SIM_STEPS_MAX) {
        for (uint32_t i = 0; i < r->steps; i++)
            only[i] = i;
        s.best.only = only;
        s.best.n_only = r->steps;
    } else if (s.best.only) {
        memmove(only, s.best.only, s.best.n_only * sizeof *only);
        s.best.only = only;
    }
    if (s.best.only)
        shrink_steps(&s, only);
    *o = s.best;
}
static void put(char *out, size_t cap, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void put(char *out, size_t cap, const char *format, ...)
{
    size_t n = strlen(out);
    va_list ap;
    va_start(ap, format);
    if (n < cap)
        vsnprintf(out + n, cap - n, format, ap);
    va_end(ap);
}
void sim_replay_line(const struct sim_options *o, char *out, size_t cap)
{
    struct sim_plan p;
    plan_of(o, &p);
    out[0] = 0;
    put(out, cap, "redoubt sim --seed %llu", (unsigned long long)o->seed);
    if (o->phones)
        put(out, cap, " --phones %u", o->phones);
    if (o->cells)
        put(out, cap, " --gnbs %u", o->cells);
    if (o->for_us)
        put(out, cap, " --for %llus", (unsigned long long)(o->for_us / SIM_S));
    if (o->faults != UINT32_MAX || o->force) {
        put(out, cap, " --faults ");
        bool any = false;
        for (uint32_t i = 0; i < SIM_FAULT_COUNT; i++)
            if (p.faults >> i & 1) {
                put(out, cap, "%s%s", any ? "," : "", sim_fault_name((enum sim_fault)i));
                any = true;
            }
        if (!any)
            put(out, cap, "none");
    }
    if (o->json >= 0)
        put(out, cap, " --calls %s", o->json ? "json" : "struct");
    for (uint32_t i = 0; o->only && i < o->n_only; i++) {
        uint32_t from = i;
        while (i + 1 < o->n_only && o->only[i + 1] == o->only[i] + 1)
            i++;
        put(out, cap, "%s%u", from ? "," : " --only ", o->only[from]);
        if (i > from)
            put(out, cap, "-%u", o->only[i]);
    }
    if (o->only && !o->n_only)
        put(out, cap, " --only none");
}
