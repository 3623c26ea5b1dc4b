/* SPDX-License-Identifier: Apache-2.0 */
/* NAS-01, NAS-03, NAS-04: what passes between phones and the AMF. */
#include "trust/guard_parts.h"
#include "base/err.h"
#include "codec/nas.h"

/* A phone keeps a concealed identity for as long as T3519 runs, 60 s, and sends it again (TS 24.501 table 10.2.1). */
#define SUCI_LIFE_US 75000000ull

/* ---- NAS-03 ---- */
static uint64_t suci_hash(const struct guard *g, const struct nas_mobile_identity *id)
{
    if (id->type != NAS_ID_SUCI || id->suci.scheme == 0)
        return 0; /* the null scheme conceals nothing, and always reads the same */
    uint64_t h = siphash24(g->conf.secret[0], g->conf.secret[1], id->suci.output.p, id->suci.output.n);
    return h ? h : 1;
}
static void suci_heard(struct guard *g, struct guard_peer *p, const struct tap_event *e, const struct nas_mobile_identity *id)
{
    uint64_t h = suci_hash(g, id), now = g->rt->now_us;
    if (!h)
        return;
    /* Where two meet, the younger stays: what is forgotten is not found. */
    struct guard_suci *s = &g->sucis[h % GUARD_SUCIS];
    if (s->hash == h && s->used)
        guard_find(g, GUARD_NAS_03, p, e, "the phone that made it was registered with it and has a new identity since");
    else if (s->hash == h && now - s->at_us > SUCI_LIFE_US)
        guard_find(g, GUARD_NAS_03, p, e, "it was first used %llu s ago; phones make a new one after 60 s",
                   (unsigned long long)((now - s->at_us) / 1000000));
    else if (s->hash != h)
        *s = (struct guard_suci){h, now, false};
    struct guard_ue *u = guard_ue_of(g, p, e->ue);
    if (u)
        u->suci = h;
}
static void suci_used(struct guard *g, uint64_t ue)
{
    struct guard_ue *u = guard_ue(g, ue);
    struct guard_suci *s = u && u->suci ? &g->sucis[u->suci % GUARD_SUCIS] : NULL;
    if (s && s->hash == u->suci)
        s->used = true;
}

/* ---- NAS-01 ---- */
static int first_common(const uint8_t *order, uint8_t n, uint8_t can)
{
    for (uint8_t i = 0; i < n; i++)
        if (can >> (7 - order[i]) & 1)
            return order[i];
    return -1;
}
static void algorithms(struct guard *g, struct guard_peer *p, const struct tap_event *e, const struct nas_security_mode_command *m)
{
    const struct nas_algorithms *s = &m->selected_nas_security_algorithms;
    const struct nas_ue_security_capability *c = &m->replayed_ue_security_capabilities;
    int nia = first_common(g->conf.integrity, g->conf.n_integrity, c->ia);
    int nea = first_common(g->conf.ciphering, g->conf.n_ciphering, c->ea);
    if (!s->integrity || !s->ciphering)
        guard_find(g, GUARD_NAS_01, p, e, "%s is chosen: signalling %s", s->integrity ? "NEA0" : "NIA0",
                   s->integrity ? "can be read by whoever hears it" : "can be forged");
    else if ((nia > 0 && nia != s->integrity) || (nea > 0 && nea != s->ciphering))
        guard_find(g, GUARD_NAS_01, p, e, "NIA%u and NEA%u are chosen; NIA%d and NEA%d come first in the configuration",
                   s->integrity, s->ciphering, nia, nea);
}

void guard_n1(struct guard *g, const struct tap_event *e)
{
    struct guard_peer *p = guard_peer(g, e->peer);
    const struct nas_msg *m = e->value;
    if (!p)
        return;
    if (e->direction == TAP_TX) {
        if (m && e->error == OK && m->epd == NAS_EPD_MM && m->type == NAS_SECURITY_MODE_COMMAND)
            algorithms(g, p, e, &m->security_mode_command);
        return;
    }
    if (e->error == ERR_REPLAY) {
        guard_find(g, GUARD_NAS_04, p, e, "its COUNT has been used");
    } else if (e->error == ERR_MAC && guard_burst(g, GUARD_NAS_04, p)) {
        guard_find(g, GUARD_NAS_04, p, e, "%u messages of this node's phones within a minute have a wrong MAC", GUARD_BURST);
    }
    if (!m || e->error < 0 || m->epd != NAS_EPD_MM)
        return;
    if (m->type == NAS_REGISTRATION_REQUEST) {
        const struct nas_registration_request *r = &m->registration_request;
        suci_heard(g, p, e, &r->fivegs_mobile_identity);
        struct guard_ue *u = r->has.ue_security_capability ? guard_ue_of(g, p, e->ue) : NULL;
        if (u) {
            u->has_capabilities = true;
            u->nea = r->ue_security_capability.ea;
            u->nia = r->ue_security_capability.ia;
        }
    } else if (m->type == NAS_IDENTITY_RESPONSE) {
        suci_heard(g, p, e, &m->identity_response.mobile_identity);
    } else if (m->type == NAS_REGISTRATION_COMPLETE) {
        suci_used(g, e->ue);
    }
}
