/* SPDX-License-Identifier: Apache-2.0 */
/* Every NGAP message, in every state of association and phone, with every kind of UE NGAP IDs: spec/ngap_states.def. */
#include "tests/nf_amf/phone.h"

enum {
#define STATE(id, ...) at_##id,
#include "spec/ngap_states.def"
    STATES
};
enum {
#define ID(id, ...) with_##id,
#include "spec/ngap_states.def"
    IDS
};
enum {
#define SET(id, ...) in_##id,
#include "spec/ngap_states.def"
    SETS
};
enum {
#define STATE(id, ...) id = 1 << at_##id,
#include "spec/ngap_states.def"
    EVERY_STATE = (1 << STATES) - 1,
};
enum {
#define ID(id, ...) id = 1 << with_##id,
#include "spec/ngap_states.def"
    EVERY_ID = (1 << IDS) - 1,
};
enum {
#define SET(id, ...) id = 1 << in_##id,
#include "spec/ngap_states.def"
    EVERY = (1 << SETS) - 1,
    EVERY_OF_PHONES = EVERY & ~(SETUP | UPDATE | RESET | ERROR | INITIAL | SWITCH | OF_NODES | NODE_OUTCOMES | BEGIN),
};
#define ANSWERS(X)                                                                                                     \
    X(NGSetupResponse) X(NGSetupFailure) X(RANConfigurationUpdateAcknowledge) X(RANConfigurationUpdateFailure)         \
    X(NGResetAcknowledge) X(DownlinkNASTransport) X(UEContextReleaseCommand) X(PathSwitchRequestFailure)               \
    X(HandoverPreparationFailure) X(HandoverCancelAcknowledge) X(PDUSessionResourceModifyConfirm)
enum {
#define X(name) bit_##name,
    ANSWERS(X)
#undef X
    bit_NOTHING, bit_E_STATE, bit_E_UNKNOWN, bit_E_INCONSISTENT, bit_OTHER
};
enum {
#define X(name) name = 1 << bit_##name,
    ANSWERS(X)
#undef X
    NOTHING = 1 << bit_NOTHING,
    E_STATE = 1 << bit_E_STATE,
    E_UNKNOWN = 1 << bit_E_UNKNOWN,
    E_INCONSISTENT = 1 << bit_E_INCONSISTENT,
    OTHER = 1 << bit_OTHER,
};
static const char *const answer_name[] = {
#define X(name) #name,
    ANSWERS(X)
#undef X
    "NOTHING", "E_STATE", "E_UNKNOWN", "E_INCONSISTENT", "another answer"};
static const char *const state_name[] = {
#define STATE(id, ...) #id,
#include "spec/ngap_states.def"
};
static const char *const id_name[] = {
#define ID(id, ...) #id,
#include "spec/ngap_states.def"
};
struct cell {
    uint32_t states, ids, messages, answers, line;
    const char *clause;
};
/* Names, so that the rows need no prefix. */
static const char *const set_names[SETS] = {
#define SET(id, ...) [in_##id] = " " #__VA_ARGS__ ",",
#include "spec/ngap_states.def"
};
static const struct asn_field *id_field(enum ngap_msg msg, const struct asn_type *id)
{
    const struct asn_type *t = ngap_msg_type(msg);
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (t->fields[i].type == id)
            return &t->fields[i];
    return NULL;
}
static bool has_ids(enum ngap_msg msg)
{
    return id_field(msg, &ngap_desc_AMF_UE_NGAP_ID) || id_field(msg, &ngap_desc_RAN_UE_NGAP_ID);
}
static uint32_t set_of(enum ngap_msg msg)
{
    char name[80];
    snprintf(name, sizeof name, " %s,", ngap_msg_name(msg));
    for (uint32_t i = 0; i < SETS; i++)
        if (strstr(set_names[i], name))
            return 1u << i;
    bool outcome = ngap_msg_kind(msg) != NGAP_INITIATING;
    bool both = id_field(msg, &ngap_desc_AMF_UE_NGAP_ID) && id_field(msg, &ngap_desc_RAN_UE_NGAP_ID);
    if (has_ids(msg) && !both)
        return outcome ? NODE_OUTCOMES : BEGIN;
    return has_ids(msg) ? outcome ? OUTCOMES : OF_PHONES : outcome ? NODE_OUTCOMES : OF_NODES;
}
static const struct cell *cell_of(uint32_t state, uint32_t id, enum ngap_msg msg)
{
    static const struct cell cells[] = {
#define CELL(states, ids, messages, answers, clause) {states, ids, messages, answers, __LINE__, clause},
#include "spec/ngap_states.def"
    };
    for (uint32_t i = 0; i < ARRAY_LEN(cells); i++)
        if (cells[i].states >> state & 1 && cells[i].ids >> id & 1 && cells[i].messages & set_of(msg))
            return &cells[i];
    return NULL;
}
static void answers_text(uint32_t bits, char out[256])
{
    out[0] = 0;
    for (uint32_t i = 0; i < ARRAY_LEN(answer_name); i++)
        if (bits >> i & 1)
            snprintf(out + strlen(out), 256 - strlen(out), "%s%s", out[0] ? ", " : "", answer_name[i]);
}

/* ---- what comes ---- */
struct scene {
    struct bed *b;
    struct gnb *g;
    struct phone *p;
    uint32_t got;
    const char *other;
    bool is_there;
    uint64_t seed, foreign_amf, foreign_ran;
    uint8_t *block, *out;
};
static uint8_t error_bit(const struct ngap_ErrorIndication *m)
{
    if (m->has.Cause && m->Cause.sel == NGAP_Cause_protocol &&
        m->Cause.protocol == NGAP_CauseProtocol_message_not_compatible_with_receiver_state)
        return bit_E_STATE;
    if (m->has.Cause && m->Cause.sel == NGAP_Cause_radioNetwork &&
        m->Cause.radioNetwork == NGAP_CauseRadioNetwork_unknown_local_UE_NGAP_ID)
        return bit_E_UNKNOWN;
    if (m->has.Cause && m->Cause.sel == NGAP_Cause_radioNetwork &&
        m->Cause.radioNetwork == NGAP_CauseRadioNetwork_inconsistent_remote_UE_NGAP_ID)
        return bit_E_INCONSISTENT;
    return bit_OTHER;
}
static void see(void *ctx, const struct tap_event *e)
{
    struct scene *s = ctx;
    uint8_t bit = bit_OTHER;
    if (e->interface != TAP_N2 || e->direction != TAP_RX)
        return;
#define X(name)                                                                                    \
    if (e->type == NGAP_MSG_##name)                                                                \
        bit = bit_##name;
    ANSWERS(X)
#undef X
    if (e->type == NGAP_MSG_ErrorIndication && e->value)
        bit = error_bit(e->value);
    if (bit == bit_OTHER)
        s->other = e->name;
    s->got |= 1u << bit;
}

/* ---- getting there ---- */
static void clear(struct scene *s)
{
    for (uint32_t i = 0; i < PHONES; i++)
        s->b->phone[i].connected &= s->b->phone[i].gnb == 1;
    s->p->quiet_context = s->p->quiet_release = false;
    gnb_setup(s->g); /* whatever was set up since */
    bed_run_ms(s->b, 5);
    assert_int_equal(s->g->state, GNB_READY);
    gnb_reset(s->g, NULL);
    bed_run_ms(s->b, 5);
}
static void arrange(struct scene *s, uint32_t state)
{
    if (s->is_there)
        return;
    s->is_there = true;
    if (state == at_BEFORE)
        return;
    clear(s);
    if (state == at_READY)
        return;
    s->p->has_guti = false;
    struct nas_msg m = registration(s->p, NAS_REG_INITIAL);
    phone_register_plain(s->p, 0, &m);
    if (state == at_NO_CONTEXT) {
        expect(s->p, NAS_AUTHENTICATION_REQUEST);
        return;
    }
    s->p->quiet_context = state == at_SETTING_UP;
    phone_authenticate(s->p);
    phone_security(s->p, &m);
    expect(s->p, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(s->p);
    if (state == at_SETTING_UP)
        return;
    phone_complete(s->p);
    expect(s->p, NAS_CONFIGURATION_UPDATE_COMMAND);
    if (state != at_RELEASING)
        return;
    struct ngap_UEContextReleaseRequest r = {.AMF_UE_NGAP_ID = s->p->amf_id, .RAN_UE_NGAP_ID = s->p->ran_id};
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = r.has.Cause = 1;
    r.Cause.sel = NGAP_Cause_radioNetwork;
    s->p->quiet_release = true;
    gnb_send(s->g, NGAP_MSG_UEContextReleaseRequest, &r, 1);
    bed_run_ms(s->b, 2);
}
static void id_put(enum ngap_msg msg, const struct asn_type *type, void *v, uint64_t id)
{
    const struct asn_field *f = id_field(msg, type);
    if (!f)
        return;
    memcpy((uint8_t *)v + f->offset, &id, sizeof id);
    ((struct asn_has *)v)->mask[0] |= 1ull << (f - ngap_msg_type(msg)->fields);
}
/* Random contents that fit into a message. */
static struct bytes message(struct scene *s, uint32_t state, uint32_t id, enum ngap_msg msg)
{
    bool phone = state != at_BEFORE && state != at_READY;
    uint64_t amf = phone ? s->p->amf_id : 77, ran = phone ? s->p->ran_id : 88;
    if (id == with_UNKNOWN)
        amf = 0x7fffffffffull;
    else if (id == with_INCONSISTENT)
        ran ^= 0x4000;
    else if (id == with_FOREIGN)
        amf = s->foreign_amf, ran = s->foreign_ran;
    for (;;) {
        struct arena a = arena_over(s->block, 1 << 20);
        void *v = arena_zero(&a, ngap_msg_type(msg)->size);
        if (aper_random(ngap_msg_type(msg), v, &a, &s->seed, 2) < 0)
            continue;
        id_put(msg, &ngap_desc_AMF_UE_NGAP_ID, v, amf);
        id_put(msg, &ngap_desc_RAN_UE_NGAP_ID, v, ran);
        int n = ngap_encode(msg, v, s->out, 65536);
        if (n > 0)
            return (struct bytes){s->out, (uint32_t)n};
    }
}
static void drive(struct scene *s, uint32_t state, uint32_t id, enum ngap_msg msg)
{
    char got_text[256], may_text[256];
    const struct cell *c = cell_of(state, id, msg);
    if (!c)
        fail_msg("no row of spec/ngap_states.def is for %s in %s, %s", ngap_msg_name(msg), state_name[state], id_name[id]);
    arrange(s, state);
    s->got = 0;
    s->other = "";
    struct bytes octets = message(s, state, id, msg);
    if (msg == NGAP_MSG_InitialUEMessage)
        s->p->has_amf_id = false; /* its number is used anew */
    s->p->n_in = s->p->taken = 0;
    assert_int_equal(gnb_send_raw(s->g, octets, msg == NGAP_MSG_NGSetupRequest ? 0 : 1, 60), OK);
    bed_run_ms(s->b, 40);
    uint32_t got = s->got ? s->got : NOTHING;
    if (got & ~c->answers) {
        answers_text(got, got_text);
        answers_text(c->answers, may_text);
        fail_msg("%s, %s, %s: %s %s; spec/ngap_states.def:%u allows %s (%s)", state_name[state], id_name[id], ngap_msg_name(msg),
                 got_text, s->other, c->line, may_text, c->clause);
    }
    uint32_t set = set_of(msg);
    bool changes = set & (SETUP | UPDATE | RESET | ERROR | INITIAL | ASKS_RELEASE | RELEASED | SETUP_FAILS | SETUP_IS_DONE);
    s->is_there = !changes || state == at_BEFORE || state == at_READY;
    if (state == at_READY && changes)
        clear(s);
}
/* Nothing of it has done harm: the phone of the other gNB is served, and this gNB's as well. */
static void unharmed(struct scene *s)
{
    struct phone *v = &s->b->phone[1];
    struct nas_msg m;
    nas_msg_init(&m, NAS_UL_NAS_TRANSPORT);
    m.ul_nas_transport.payload_container_type = NAS_PAYLOAD_SMS;
    m.ul_nas_transport.payload_container = BYTES_OF(PLMN);
    phone_send(v, &m, NAS_CIPHERED);
    expect(v, NAS_DL_NAS_TRANSPORT);
    v->n_in = v->taken = 0;
}
static void every_message(void **state)
{
    static const struct gnb_ta stranger = {{0, 0, 1}, {0x99, 0xf9, 0x07}, 1, {{1, {0}, false}}};
    uint32_t at = (uint32_t)(uintptr_t)*state;
    struct bed *b = bed_new();
    struct scene s = {.b = b, .g = &b->gnb[0], .p = &b->phone[0], .seed = at, .block = malloc(1 << 20), .out = malloc(65536)};
    struct tap tap = {.fn = see, .ctx = &s};
    assert_true(s.block && s.out);
    phone_register(&b->phone[1], 1);
    b->phone[1].n_in = b->phone[1].taken = 0;
    s.foreign_amf = b->phone[1].amf_id;
    s.foreign_ran = b->phone[1].ran_id;
    if (at == at_BEFORE) {
        gnb_stop(s.g);
        bed_run_ms(b, 10);
        s.g->config.tas = &stranger;
        s.g->config.n_tas = 1;
        struct net_addr amf = addr_v4(0x0a000001, 38412);
        assert_int_equal(gnb_start(s.g, &amf), OK);
        bed_run_ms(b, 10);
        timer_stop(&b->gnb_rt[0].timers, &s.g->timer);
    }
    b->gnb_rt[0].taps = &tap;
    const char *more = getenv("ROUNDS"); /* of other contents */
    more = at == at_BEFORE ? NULL : more; /* the AMF waits for a setup so long and no longer */
    uint32_t rounds = more ? (uint32_t)strtoul(more, NULL, 10) : 1;
    for (uint32_t id = 0; id < IDS * rounds; id++) {
        for (uint32_t msg = 0; msg < NGAP_MSGS; msg++) {
            if (id % IDS && (at == at_BEFORE || at == at_READY || !has_ids(msg)))
                continue; /* there are none to choose from */
            drive(&s, at, id % IDS, msg);
            unharmed(&s);
        }
    }
    if (at != at_BEFORE) {
        clear(&s);
        phone_register(s.p, 0);
    }
    b->gnb_rt[0].taps = NULL;
    free(s.block);
    free(s.out);
    bed_run_ms(b, 60000);
    bed_free(b);
}
int main(void)
{
    struct CMUnitTest tests[STATES];
    for (uintptr_t i = 0; i < STATES; i++)
        tests[i] = (struct CMUnitTest){.name = state_name[i], .test_func = every_message, .initial_state = (void *)i};
    return _cmocka_run_group_tests("NGAP states", tests, STATES, NULL, NULL);
}
