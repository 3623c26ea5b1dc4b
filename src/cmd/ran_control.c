/* SPDX-License-Identifier: Apache-2.0 */
/* ran_control.c - what redoubt ran answers on its control socket, and more of a load. */
#include "base/wire.h"
#include "base/text.h"
#include "cmd/ran.h"
#include <stdlib.h>

/* ---- commands ---- */
static void status_phone(struct text *t, const struct ran_phone *p, uint32_t i)
{
    const struct ue *ue = p->ue;
    char text[NET_ADDR_TEXT];
    text_add(t, "phone %u: %s%s", i + 1, ue_mm_state_name(ue->state), ue->link ? ", connected" : "");
    if (ue->link && ue->link->has_amf_id)
        text_add(t, " as %llu", (unsigned long long)ue->link->amf_id);
    for (const struct ue_session *s = ue->sessions; s; s = s->next) {
        struct net_addr a = {.family = 4};
        memcpy(a.ip, s->ipv4, 4);
        text_add(t, "; session %u %s", s->psi, s->dnn);
        if (s->state != SM_ACTIVE)
            text_add(t, " (not there)");
        else if (s->type == NAS_PDU_ETHERNET)
            text_add(t, " %02x:%02x:%02x:%02x:%02x:%02x", s->mac[0], s->mac[1], s->mac[2], s->mac[3], s->mac[4], s->mac[5]);
        else if (s->type != NAS_PDU_IPV6)
            text_add(t, " %s", addr_text(&a, text));
        a.family = 6;
        if (s->state == SM_ACTIVE && ue_session_addr6(s, a.ip))
            text_add(t, " %s", addr_text(&a, text));
        text_add(t, " %llu up %llu down", (unsigned long long)s->tx, (unsigned long long)s->rx);
    }
    text_add(t, "\n");
}
static int status(struct ran_cmd *r, struct text *t, struct str which)
{
    uint32_t up = 0;
    for (uint32_t i = 0; i < r->o.gnbs; i++)
        up += r->cells[i].gnb.state == GNB_READY;
    text_add(t, "gnbs %u of %u up; phones %u; registrations %u; sessions %u; failures %u\n", up, r->o.gnbs, r->n_phones,
        r->registered, r->sessions, r->failures);
    uint32_t n = r->n_phones < 50 ? r->n_phones : 50;
    uint32_t one = which.n ? (uint32_t)strtoul(which.p, NULL, 10) : 0;
    for (uint32_t i = 0; i < (one ? r->n_phones : n); i++)
        if (!one || one == i + 1)
            status_phone(t, &r->phones[i], i);
    return OK;
}
static int on_phone(struct ran_cmd *r, struct ran_phone *p, struct str verb, struct str rest)
{
    char dnn[UE_DNN], text[NET_ADDR_TEXT];
    struct net_addr to;
    struct str arg = text_word(&rest);
    uint8_t psi = p->ue->sessions ? p->ue->sessions->psi : 0;
    if (str_is(verb, "register"))
        return ue_register(p->ue);
    if (str_is(verb, "deregister"))
        return ue_deregister(p->ue, str_is(arg, "switch-off"));
    if (str_is(verb, "update"))
        return ue_update(p->ue, NAS_REG_MOBILITY);
    if (str_is(verb, "service"))
        return ue_service(p->ue);
    if (str_is(verb, "idle"))
        return p->ue->link ? gnb_ue_release_request(p->ue->link, NGAP_CauseRadioNetwork_user_inactivity) : ERR_STATE;
    if (str_is(verb, "lose"))
        return p->ue->link ? (ue_lose_radio(p->ue), OK) : ERR_STATE;
    if (str_is(verb, "session")) {
        str_copy(dnn, sizeof dnn, arg.n ? arg : str_of(r->o.dnn));
        return ue_session_open(p->ue, &(struct ue_open){.dnn = dnn, .type = r->o.type, .has_slice = true, .slice = r->o.slice});
    }
    if (str_is(verb, "release"))
        return ue_session_close(p->ue, arg.n ? (uint8_t)strtoul(arg.p, NULL, 10) : psi);
    if (str_is(verb, "ping")) {
        str_copy(text, sizeof text, arg);
        return addr_parse(&to, str_of(text), 0) ? ue_ping(p->ue, psi, &to, 56) : ERR_SYNTAX;
    }
    return ERR_UNKNOWN;
}
/* load WAVES [RATE] */
static int load_again(struct ran_cmd *r, struct str waves, struct str rate)
{
    struct load_plan p = r->load.plan;
    char text[128];
    if (r->load.active || !r->cells_up)
        return ERR_STATE;
    if (!str_copy(text, sizeof text, waves) || !load_waves_parse(text, &p))
        return ERR_SYNTAX;
    if (rate.n)
        p.rate = (uint32_t)strtoul(rate.p, NULL, 10);
    p.mix_us = 0;
    r->load.plan = p;
    return load_start(r) < 0 ? ERR_STATE : OK;
}
int ran_answer(void *ctx, struct str line, char *out, uint32_t cap)
{
    struct ran_cmd *r = ctx;
    struct text t = text_over(out, cap);
    struct str rest = line, verb = text_word(&rest), who = text_word(&rest);
    rt_enter(&r->rt);
    if (str_is(verb, "status")) {
        status(r, &t, who);
        return (int)t.n;
    }
    if (str_is(verb, "result"))
        return load_result(r, out, cap);
    if (str_is(verb, "load"))
        return load_again(r, who, text_word(&rest));
    if (str_is(verb, "steal")) {
        struct str psi = text_word(&rest);
        int e = who.n ? ran_steal_session(r, strtoull(who.p, NULL, 10), psi.n ? (uint8_t)strtoul(psi.p, NULL, 10) : 1) : ERR_SYNTAX;
        text_add(&t, "ok\n");
        return e < 0 ? e : (int)t.n;
    }
    if (str_is(verb, "stop")) {
        loop_stop(r->loop);
        return 0;
    }
    uint32_t first = 0, n = r->n_phones;
    if (!str_is(who, "all")) {
        first = (uint32_t)strtoul(who.n ? who.p : "0", NULL, 10) - 1;
        n = first + 1;
    }
    if (first >= r->n_phones || n > r->n_phones)
        return ERR_NOTFOUND;
    int e = OK;
    for (uint32_t i = first; i < n && e >= 0; i++)
        e = on_phone(r, &r->phones[i], verb, rest);
    if (e < 0)
        return e;
    text_add(&t, "ok\n");
    return (int)t.n;
}
