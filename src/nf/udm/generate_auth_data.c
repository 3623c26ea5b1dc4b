/* SPDX-License-Identifier: Apache-2.0 */
/* Authentication vectors: TS 33.501 6.1.2, 6.1.3, TS 29.503 5.4.2. The UDM takes sequence numbers by blocks
 * (docs/decisions/0003): of a block's authentications the first alone changes the UDR. */
#include "nf/udm/udm.h"
#include "base/log.h"
#include "crypto/aka.h"
#include "rt/config.h"
#include "rt/metrics.h"

enum { TRIES = 4, SQN_JSON = 15 };
static const uint64_t delta = 1u << 28; /* TS 33.102 C.3.2: a larger jump is refused by the USIM */

struct auth_frame {
    struct udm_frame f;
    struct call *get, *patch;
    uint64_t imsi, sqn;
    uint32_t block; /* SQNs that the patch takes; 0: no patch is needed */
    uint32_t tries;
    bool resynchronised;
    bool has_sqn_ms; /* the SIM's, or why it is none */
    int sqn_ms_error;
    uint64_t sqn_ms;
    struct key_ask ask; /* of the process that holds the keys, while `asked` is linked */
    struct proc_owned asked;
    char supi[UDM_IMSI_TEXT];
};
static struct udm *udm_of(const struct auth_frame *a) { return a->f.p.owner; }
static const SBI_REQ(nudm_ueau_generate_auth_data) *request(const struct auth_frame *a) { return a->f.in->req; }

static uint64_t sqn_skip(uint64_t sqn, uint64_t n) /* n times aka_sqn_next */
{
    uint64_t seq = (sqn >> AKA_IND_BITS) + n, ind = (sqn + n) & (AKA_IND_COUNT - 1);
    return (seq << AKA_IND_BITS | ind) & 0xffffffffffffu;
}
static uint64_t sqn_of(struct bytes b) { return (uint64_t)be16(b.p) << 32 | be32(b.p + 2); }

static int key_of(const struct sbi_AuthenticationSubscription *s, struct aka_key *k)
{
    memset(k, 0, sizeof *k);
    bool tuak = s->has.algorithm_id && str_starts(s->algorithm_id, "TUAK");
    const struct bytes *opc = tuak ? &s->enc_topc_key : &s->enc_opc_key;
    bool has_opc = tuak ? s->has.enc_topc_key : s->has.enc_opc_key;
    uint32_t opc_n = tuak ? 32 : 16;
    if (!s->has.enc_permanent_key || !has_opc || opc->n != opc_n ||
        (s->enc_permanent_key.n != 16 && !(tuak && s->enc_permanent_key.n == 32)))
        return ERR_UNSUPPORTED;
    k->alg = tuak ? AKA_TUAK : AKA_MILENAGE;
    k->k_n = (uint8_t)s->enc_permanent_key.n;
    memcpy(k->k, s->enc_permanent_key.p, k->k_n);
    memcpy(k->opc, opc->p, opc_n);
    return OK;
}

static struct bytes octets(struct arena *a, const uint8_t *p, uint32_t n) { return arena_bytes(a, p, n); }
static int fill_5g(struct auth_frame *a, const struct aka_5g_av *av)
{
    struct sbi_AuthenticationInfoResult *r = a->f.in->rsp;
    struct sbi_AuthenticationVector *v = &r->authentication_vector;
    struct arena *ar = &a->f.in->arena;
    r->auth_type = SBI_AuthType_5G_AKA;
    v->av_type = SBI_AvType_5G_HE_AKA;
    v->rand = octets(ar, av->rand, 16);
    v->autn = octets(ar, av->autn, 16);
    v->has.xres_star = v->has.kausf = 1;
    v->xres_star = octets(ar, av->xres_star, 16);
    v->kausf = octets(ar, av->kausf, 32);
    return v->rand.p && v->autn.p && v->xres_star.p && v->kausf.p ? OK : ERR_NOSPACE;
}
static int fill_eap(struct auth_frame *a, const struct aka_eap_av *av)
{
    struct sbi_AuthenticationInfoResult *r = a->f.in->rsp;
    struct sbi_AuthenticationVector *v = &r->authentication_vector;
    struct arena *ar = &a->f.in->arena;
    r->auth_type = SBI_AuthType_EAP_AKA_PRIME;
    v->av_type = SBI_AvType_EAP_AKA_PRIME;
    v->rand = octets(ar, av->rand, 16);
    v->autn = octets(ar, av->autn, 16);
    v->has.xres = v->has.ck_prime = v->has.ik_prime = 1;
    v->xres = octets(ar, av->xres, av->xres_n);
    v->ck_prime = octets(ar, av->ck_prime, 16);
    v->ik_prime = octets(ar, av->ik_prime, 16);
    return v->rand.p && v->autn.p && v->xres.p && v->ck_prime.p && v->ik_prime.p ? OK : ERR_NOSPACE;
}

static void vector_made(struct auth_frame *a, int e)
{
    struct sbi_AuthenticationInfoResult *r = a->f.in->rsp;
    struct rt *rt = a->f.p.rt;
    r->has.authentication_vector = r->has.supi = 1;
    r->supi = arena_str(&a->f.in->arena, str_of(a->supi));
    if (e < 0 || !r->supi.p) {
        udm_problem(&a->f, e == ERR_UNSUPPORTED ? 501 : e == ERR_IO || e == ERR_FULL ? 503 : 500, "AV_GENERATION_PROBLEM", err_text(e));
        return;
    }
    udm_of(a)->vectors++;
    metric_add(rt->metrics, METRIC_vectors, 1);
    LOG(rt->log, auth_vector, "ue=%s", log_identity(rt->log, str_of(a->supi)).text);
    udm_reply(&a->f, 200);
}

/* ---- keys that another process holds ---- */
static void key_answered(struct key_ask *k, const struct key_answer *r)
{
    struct auth_frame *a = CONTAINER(k, struct auth_frame, ask);
    list_remove(&a->asked.link);
    proc_offer_event(&a->f.p, 0, r);
}
static void key_not_wanted(struct proc_owned *o)
{
    struct auth_frame *a = CONTAINER(o, struct auth_frame, asked);
    a->f.p.rt->keys->cancel(a->f.p.rt->keys, &a->ask);
}
/* OK: an event follows. */
static int key_ask(struct auth_frame *a, struct key_request *q)
{
    struct key_port *port = a->f.p.rt->keys;
    a->ask = (struct key_ask){.done = key_answered};
    int e = port->ask(port, q, &a->ask);
    if (e == OK) {
        a->asked = (struct proc_owned){.drop = key_not_wanted};
        list_append(&a->f.p.owned, &a->asked.link);
    }
    return e;
}
static bool is_sealed(const struct auth_frame *a)
{
    const struct sbi_AuthenticationSubscription *s = a->get->rsp;
    return s->has.protection_parameter_id && str_is(s->protection_parameter_id, SEALED_BY);
}
static int sealed_ask(struct auth_frame *a, struct key_request *q)
{
    const struct sbi_AuthenticationSubscription *s = a->get->rsp;
    q->supi = str_of(a->supi);
    q->sealed = s->enc_permanent_key;
    return !a->f.p.rt->keys ? ERR_UNSUPPORTED : key_ask(a, q);
}

/* ---- vectors ---- */
static uint16_t amf_of(const struct sbi_AuthenticationSubscription *s)
{
    return (uint16_t)((s->has.authentication_management_field ? be16(s->authentication_management_field.p) : 0) | AKA_AMF_5G);
}
/* True: asked for; an event follows. */
static bool vector_ask(struct auth_frame *a)
{
    const struct sbi_AuthenticationSubscription *s = a->get->rsp;
    struct key_request q = {.sqn = a->sqn, .amf = amf_of(s), .sn_name = request(a)->body.serving_network_name};
    bool is_5g = s->authentication_method == SBI_AuthMethod_5G_AKA, is_eap = s->authentication_method == SBI_AuthMethod_EAP_AKA_PRIME;
    q.kind = is_eap ? KEY_AV_EAP : KEY_AV_5G;
    env_random(a->f.p.rt->env, q.rand, sizeof q.rand);
    int e = is_5g || is_eap ? sealed_ask(a, &q) : ERR_UNSUPPORTED;
    if (e < 0)
        vector_made(a, e);
    return e == OK;
}
static void vector_take(struct auth_frame *a, const struct key_answer *r)
{
    const struct sbi_AuthenticationSubscription *s = a->get->rsp;
    int e = r->error;
    if (e == OK)
        e = s->authentication_method == SBI_AuthMethod_EAP_AKA_PRIME ? fill_eap(a, &r->eap) : fill_5g(a, &r->av);
    vector_made(a, e);
}
static void vector_make(struct auth_frame *a)
{
    const struct sbi_AuthenticationSubscription *s = a->get->rsp;
    struct rt *rt = a->f.p.rt;
    struct str sn_name = request(a)->body.serving_network_name;
    struct aka_key k;
    struct aka_5g_av av;
    struct aka_eap_av eap;
    uint8_t rand[16];
    env_random(rt->env, rand, sizeof rand);
    int e = key_of(s, &k);
    if (e == OK && s->authentication_method == SBI_AuthMethod_5G_AKA) {
        e = aka_5g_av(rt->crypto, &k, rand, a->sqn, amf_of(s), sn_name, &av);
        e = e == OK ? fill_5g(a, &av) : e;
        secret_wipe(&av, sizeof av);
    } else if (e == OK && s->authentication_method == SBI_AuthMethod_EAP_AKA_PRIME) {
        e = aka_eap_av(rt->crypto, &k, rand, a->sqn, amf_of(s), sn_name, &eap);
        e = e == OK ? fill_eap(a, &eap) : e;
        secret_wipe(&eap, sizeof eap);
    } else {
        e = ERR_UNSUPPORTED;
    }
    secret_wipe(&k, sizeof k);
    vector_made(a, e);
}

/* ---- resynchronisation ---- */
static bool sqn_ms_wanted(const struct auth_frame *a)
{
    return call_ok(a->get) && request(a)->body.has.resynchronization_info && !a->has_sqn_ms;
}
/* True: asked for; an event follows. */
static bool sqn_ms_get(struct auth_frame *a)
{
    const struct sbi_ResynchronizationInfo *i = &request(a)->body.resynchronization_info;
    struct key_request q = {.kind = KEY_RESYNCHRONISE};
    struct aka_key k = {0};
    a->has_sqn_ms = true;
    int e = i->rand.n == 16 && i->auts.n == 14 ? OK : ERR_SYNTAX;
    bool ask = e == OK && is_sealed(a);
    if (ask) {
        memcpy(q.rand, i->rand.p, 16);
        memcpy(q.auts, i->auts.p, 14);
        e = sealed_ask(a, &q);
    } else if (e == OK && (e = key_of(a->get->rsp, &k)) == OK) {
        e = aka_auts_verify(a->f.p.rt->crypto, &k, i->rand.p, i->auts.p, &a->sqn_ms);
    }
    secret_wipe(&k, sizeof k);
    a->sqn_ms_error = e;
    return ask && e == OK;
}
static void sqn_ms_take(struct auth_frame *a, const struct key_answer *r)
{
    a->sqn_ms_error = r->error;
    a->sqn_ms = r->sqn_ms;
}

/* TS 33.102 6.3.5: the SIM's SQN, proved by its MAC-S. What the network would use next is kept where the SIM
 * would take it, so an old AUTS sent again changes nothing. False: answered. */
static bool resynchronise(struct auth_frame *a, uint64_t *highest)
{
    struct udm *u = udm_of(a);
    struct pseudonym who = log_identity(u->rt->log, str_of(a->supi));
    if (a->sqn_ms_error < 0) {
        LOG(u->rt->log, auth_resync_bad, "ue=%s reason=%s", who.text, err_text(a->sqn_ms_error));
        udm_problem(&a->f, 403, "AUTHENTICATION_REJECTED", "the resynchronisation is not this subscriber's");
        return false;
    }
    u->resyncs++;
    metric_add(u->rt->metrics, METRIC_resyncs, 1);
    LOG(u->rt->log, auth_resync, "ue=%s", who.text);
    a->resynchronised = true;
    struct udm_slot *slot = udm_slot(u, a->imsi, false);
    uint64_t next = aka_sqn_next(slot && slot->left ? slot->sqn : *highest) >> AKA_IND_BITS;
    uint64_t seq_ms = a->sqn_ms >> AKA_IND_BITS;
    if (next > seq_ms && next - seq_ms <= delta)
        return true;
    if (slot)
        slot->left = 0;
    *highest = a->sqn_ms;
    return true;
}

static bool take_from_block(struct auth_frame *a)
{
    struct udm_slot *s = udm_slot(udm_of(a), a->imsi, false);
    if (!s || !s->left)
        return false;
    s->left--;
    s->sqn = a->sqn = aka_sqn_next(s->sqn);
    return true;
}

/* Looks at the subscription: a->block says how many SQNs have to be taken first. False: answered. */
static bool subscription_ok(struct auth_frame *a, char now[SQN_JSON], char wanted[SQN_JSON])
{
    const struct sbi_AuthenticationSubscription *s = a->get->rsp;
    struct udm *u = udm_of(a);
    if (!call_ok(a->get)) {
        if (a->get->status == 404)
            LOG(u->rt->log, subscriber_unknown, "ue=%s", log_identity(u->rt->log, str_of(a->supi)).text);
        udm_pass_on(&a->f, a->get, "USER_NOT_FOUND");
        return false;
    }
    uint64_t there = s->has.sequence_number && s->sequence_number.has.sqn && s->sequence_number.sqn.n == 6
                         ? sqn_of(s->sequence_number.sqn)
                         : 0;
    uint64_t highest = there;
    if (request(a)->body.has.resynchronization_info && !a->resynchronised && !resynchronise(a, &highest))
        return false;
    a->block = 0;
    if (highest == there && take_from_block(a))
        return true;
    a->block = u->rt->config->udr.sqn_block ? u->rt->config->udr.sqn_block : 1;
    a->sqn = highest;
    uint8_t o[8];
    put_be64(o, there);
    now[0] = wanted[0] = '"';
    hex_put(now + 1, o + 2, 6);
    put_be64(o, sqn_skip(highest, a->block));
    hex_put(wanted + 1, o + 2, 6);
    now[13] = wanted[13] = '"';
    return true;
}

static bool patch_send(struct auth_frame *a, const char *now, const char *wanted)
{
    SBI_REQ(nudr_dr_auth_subscription_patch) *q = udm_call(&a->f, SBI_nudr_dr_auth_subscription_patch, &a->patch);
    struct sbi_PatchItem items[2] = {{.op = SBI_PatchOperation_TEST}, {.op = SBI_PatchOperation_REPLACE}};
    if (!q)
        return false;
    items[0].path = items[1].path = STR("/sequenceNumber/sqn");
    items[0].has.value = items[1].has.value = 1;
    items[0].value = (struct str){now, SQN_JSON - 1};
    items[1].value = (struct str){wanted, SQN_JSON - 1};
    q->ue_id = str_of(a->supi);
    q->body.p = items;
    q->body.n = 2;
    return udm_send(&a->f, &a->patch);
}
static bool get_send(struct auth_frame *a)
{
    SBI_REQ(nudr_dr_auth_subscription_get) *q = udm_call(&a->f, SBI_nudr_dr_auth_subscription_get, &a->get);
    if (!q)
        return false;
    q->ue_id = str_of(a->supi);
    return udm_send(&a->f, &a->get);
}
static void block_taken(struct auth_frame *a)
{
    struct udm_slot *s = udm_slot(udm_of(a), a->imsi, true);
    a->sqn = aka_sqn_next(a->sqn);
    s->sqn = a->sqn;
    s->left = a->block - 1;
}
/* True: asked for; an event follows. */
static bool identity_get(struct auth_frame *a)
{
    struct udm_refusal why = {503, "NF_CONGESTION", "the process that holds the keys cannot be asked"};
    struct key_request q = {.kind = KEY_REVEAL, .suci = request(a)->supi_or_suci};
    enum udm_reveal r = udm_reveal(udm_of(a), q.suci, a->supi, &why);
    if (r == UDM_ASK && key_ask(a, &q) == OK)
        return true;
    if (r != UDM_REVEALED_NOW)
        udm_problem(&a->f, why.status, why.cause, why.detail);
    return false;
}
static void identity_take(struct auth_frame *a, const struct key_answer *r)
{
    struct udm_refusal why;
    if (!udm_revealed(udm_of(a), request(a)->supi_or_suci, r, a->supi, &why))
        udm_problem(&a->f, why.status, why.cause, why.detail);
}

static void auth_run(struct proc *p, const struct wake *w)
{
    struct auth_frame *a = (struct auth_frame *)p;
    char now[SQN_JSON] = "", wanted[SQN_JSON] = "";
    PROC_BEGIN(p);
    if (!udm_is_home_name(udm_of(a), request(a)->body.serving_network_name)) {
        udm_problem(&a->f, 403, "SERVING_NETWORK_NOT_AUTHORIZED", NULL);
    } else if (identity_get(a)) {
        STEP(p, "identity");
        AWAIT(p, WANT(WAKE_EVENT));
        identity_take(a, w->data);
    }
    a->imsi = udm_imsi(str_of(a->supi));
    for (a->tries = 0; a->f.in && a->tries < TRIES; a->tries++) {
        STEP(p, "subscription");
        if (!get_send(a))
            break;
        AWAIT_CALLS(p);
        if (sqn_ms_wanted(a) && sqn_ms_get(a)) {
            STEP(p, "resynchronisation");
            AWAIT(p, WANT(WAKE_EVENT));
            sqn_ms_take(a, w->data);
        }
        if (!subscription_ok(a, now, wanted))
            break;
        if (a->block) {
            STEP(p, "sequence numbers");
            if (!patch_send(a, now, wanted))
                break;
            AWAIT_CALLS(p);
            if (call_ok(a->patch)) {
                block_taken(a);
                a->block = 0;
            } else if (a->patch->status != 409) { /* 409: somebody else took these; look again */
                udm_pass_on(&a->f, a->patch, "USER_NOT_FOUND");
            }
            call_done(a->patch);
            a->patch = NULL;
        }
        if (a->f.in && !a->block && !is_sealed(a)) {
            vector_make(a);
        } else if (a->f.in && !a->block && vector_ask(a)) {
            STEP(p, "vector");
            AWAIT(p, WANT(WAKE_EVENT));
            vector_take(a, w->data);
        }
        call_done(a->get);
        a->get = NULL;
    }
    if (a->f.in)
        udm_problem(&a->f, 503, "NF_CONGESTION", "the sequence numbers are in demand");
    PROC_END(p);
}
static const struct proc_type generate_auth_data = {"generate auth data", sizeof(struct auth_frame), auth_run, udm_end};

void udm_generate_auth_data(void *state, struct call *c) { udm_start(state, &generate_auth_data, c); }

/* TS 29.503 5.4.2.3: what is known of the last authentication stays in memory; it is not worth a write each. */
void udm_confirm_auth(void *state, struct call *c)
{
    struct udm *u = state;
    const SBI_REQ(nudm_ueau_confirm_auth) *q = c->req;
    struct sbi_AuthEvent *r = c->rsp;
    uint64_t imsi = udm_imsi(q->supi);
    if (!imsi) {
        call_problem(c, 404, "USER_NOT_FOUND", NULL);
        return;
    }
    struct udm_slot *slot = udm_slot(u, imsi, false);
    if (slot)
        slot->authenticated_s = q->body.success && !(q->body.has.auth_removal_ind && q->body.auth_removal_ind)
                                    ? (uint32_t)(env_unix_us(u->rt->env) / 1000000)
                                    : 0;
    *r = q->body; /* lives as long as the call */
    r->has.location = 1;
    r->location = arena_printf(&c->arena, "%s/nudm-ueau/v1/" STR_FMT "/auth-events/1",
                               u->rt->api_root ? u->rt->api_root : "", STR_ARG(q->supi));
    call_reply(c, 201);
}
