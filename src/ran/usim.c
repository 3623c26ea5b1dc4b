/* SPDX-License-Identifier: Apache-2.0 */
/* usim.c - what a phone's card holds: TS 31.102 in the little that 5GMM needs of it. */
#include "base/plmn.h"
#include "ran/ue.h"

int usim_init(struct usim *u, const struct usim_config *c)
{
    char mcc[4], mnc[4];
    size_t n = c->imsi ? strlen(c->imsi) : 0;
    const char *routing = c->routing ? c->routing : "0";
    if (n < 6 || n > 15 || (c->mnc_digits != 2 && c->mnc_digits != 3) || strlen(routing) > 4)
        return ERR_RANGE;
    for (size_t i = 0; i < n; i++)
        if (c->imsi[i] < '0' || c->imsi[i] > '9')
            return ERR_SYNTAX;
    *u = (struct usim){.mnc_digits = c->mnc_digits, .key = c->key, .hn = c->hn, .hn_id = c->hn_id,
                       .update = USIM_NOT_UPDATED, .scheme = c->hn ? (uint8_t)hn_key_scheme(c->hn) : SUCI_NULL};
    str_copy(u->imsi, sizeof u->imsi, str_of(c->imsi));
    str_copy(u->routing, sizeof u->routing, str_of(routing));
    str_copy(mcc, sizeof mcc, (struct str){c->imsi, 3});
    str_copy(mnc, sizeof mnc, (struct str){c->imsi + 3, c->mnc_digits});
    for (uint32_t i = 0; i < AKA_IND_COUNT; i++)
        u->sqns.seq[i] = c->sqn >> AKA_IND_BITS;
    return plmn_of(u->plmn, mcc, mnc) ? OK : ERR_SYNTAX;
}
void usim_wipe(struct usim *u) { secret_wipe(u, sizeof *u); }

static int conceal(struct usim *u, struct ran *ran)
{
    uint8_t msin[8], random[32];
    int n = suci_msin_put(str_of(u->imsi + 3 + u->mnc_digits), msin, sizeof msin);
    if (n < 0)
        return n;
    if (u->scheme == SUCI_NULL) {
        memcpy(u->suci, msin, (size_t)n);
        return n;
    }
    int e;
    do {
        env_random(ran->rt->env, random, sizeof random);
        e = suci_conceal(ran->rt->crypto, u->hn, random, (struct bytes){msin, (uint32_t)n}, u->suci, sizeof u->suci);
    } while (e == ERR_RANGE); /* chance 2^-32 */
    secret_wipe(random, sizeof random);
    return e;
}
int usim_suci(struct usim *u, struct ran *ran, struct nas_suci *out)
{
    if (!u->suci_n) {
        int n = conceal(u, ran);
        if (n < 0)
            return n;
        u->suci_n = (uint8_t)n;
        u->suci_us = 0;
    }
    if (!out)
        return OK;
    if (!u->suci_us)
        u->suci_us = ran->rt->now_us ? ran->rt->now_us : 1;
    *out = (struct nas_suci){.scheme = u->scheme, .key_id = u->scheme ? u->hn_id : 0, .output = {u->suci, u->suci_n}};
    memcpy(out->plmn, u->plmn, 3);
    memcpy(out->routing, u->routing, sizeof out->routing);
    return OK;
}
void usim_suci_forget(struct usim *u) { u->suci_n = 0; }
void usim_forget(struct usim *u)
{
    u->has_guti = u->has_tai = false;
    u->suci_n = 0;
}
