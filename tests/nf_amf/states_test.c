/* SPDX-License-Identifier: Apache-2.0 */
/* Every 5GMM message, in every state, with every security header: the table of spec/nas_states.def, cell by cell. */
#include "tests/nf_amf/phone.h"

/* ---- the table ---- */
enum {
#define STATE(id, ...) at_##id,
#include "spec/nas_states.def"
    STATES
};
enum {
#define HEADER(id, ...) as_##id,
#include "spec/nas_states.def"
    HEADERS
};
enum {
#define SET(id, ...) in_##id,
#include "spec/nas_states.def"
    SETS
};
/* Bits, by the names that the rows use. */
enum {
#define STATE(id, ...) id = 1 << at_##id,
#include "spec/nas_states.def"
#define STATE(id, secure, ...) | ((secure) ? 1 << at_##id : 0)
    SECURE = 0
#include "spec/nas_states.def"
    ,
    NOT_SECURE = ((1 << STATES) - 1) & ~SECURE,
};
enum {
#define HEADER(id, ...) id = 1 << as_##id,
#include "spec/nas_states.def"
    EVERY_HEADER = (1 << HEADERS) - 1,
    UNVERIFIED = PLAIN | INTEGRITY | INT_WRONG_KEY,
};
enum {
#define SET(id, ...) id = 1 << in_##id,
#include "spec/nas_states.def"
    EVERY = (1 << SETS) - 1,
};
#define ANSWERS(X)                                                                                                      \
    X(IDENTITY_REQUEST) X(AUTHENTICATION_REQUEST) X(AUTHENTICATION_REJECT) X(SECURITY_MODE_COMMAND) X(REGISTRATION_ACCEPT) \
    X(REGISTRATION_REJECT) X(SERVICE_ACCEPT) X(SERVICE_REJECT) X(DEREGISTRATION_ACCEPT_UE_ORIGINATING) X(DL_NAS_TRANSPORT) \
    X(CONFIGURATION_UPDATE_COMMAND) X(DEREGISTRATION_REQUEST_UE_TERMINATED)
enum {
#define X(name) bit_##name,
    ANSWERS(X)
#undef X
    bit_NOTHING, bit_RELEASE, bit_S97, bit_S98, bit_S100, bit_OTHER
};
enum {
#define X(name) name = 1 << bit_##name,
    ANSWERS(X)
#undef X
    NOTHING = 1 << bit_NOTHING,
    RELEASE = 1 << bit_RELEASE,
    S97 = 1 << bit_S97,
    S98 = 1 << bit_S98,
    S100 = 1 << bit_S100,
    OTHER = 1 << bit_OTHER,
};
struct cell {
    uint32_t states, headers, messages, answers, line;
    const char *clause;
};
static const struct cell cells[] = {
#define CELL(states, headers, messages, answers, clause) {states, headers, messages, answers, __LINE__, clause},
#include "spec/nas_states.def"
};
static const char *const state_name[] = {
#define STATE(id, ...) #id,
#include "spec/nas_states.def"
};
static const char *const header_name[] = {
#define HEADER(id, ...) #id,
#include "spec/nas_states.def"
};
static uint32_t set_of(uint8_t type)
{
    static const struct {
        uint32_t set;
        const uint8_t types[32];
    } sets[] = {
#define SET(id, ...) {id, {__VA_ARGS__}},
#include "spec/nas_states.def"
    };
    for (uint32_t i = 0; i < ARRAY_LEN(sets); i++)
        if (memchr(sets[i].types, type, sizeof sets[i].types))
            return sets[i].set;
    return 0;
}
static const struct cell *cell_of(uint32_t state, uint32_t header, uint8_t type)
{
    for (uint32_t i = 0; i < ARRAY_LEN(cells); i++)
        if (cells[i].states >> state & 1 && cells[i].headers >> header & 1 && cells[i].messages & set_of(type))
            return &cells[i];
    return NULL;
}
static uint32_t types_of(uint8_t types[256])
{
    uint32_t n = 0;
    for (uint32_t t = 0; t < 256; t++)
        if (nas_desc_of(NAS_EPD_MM, (uint8_t)t) || t == 0x40 || t == 0x7f)
            types[n++] = (uint8_t)t;
    return n;
}
static void answers_text(uint32_t bits, char out[256])
{
    static const char *const names[] = {
#define X(name) #name,
        ANSWERS(X)
#undef X
        "NOTHING", "RELEASE", "S97", "S98", "S100", "another answer"};
    out[0] = 0;
    for (uint32_t i = 0; i < ARRAY_LEN(names); i++)
        if (bits >> i & 1)
            snprintf(out + strlen(out), 256 - strlen(out), "%s%s", out[0] ? ", " : "", names[i]);
}

/* ---- getting there ---- */
struct scene {
    struct bed *b;
    struct phone *p;
    uint32_t state;
    uint64_t seed;
    uint8_t res_star[16];
    bool is_there;
    struct nas_security nobody; /* keys that nobody has */
    char other[200];            /* an answer that has no bit */
};
static void clear(struct scene *s)
{
    for (uint32_t i = 0; i < PHONES; i++)
        s->b->phone[i].connected = s->b->phone[i].quiet_context = s->b->phone[i].quiet_release = false;
    gnb_reset(&s->b->gnb[0], NULL);
    bed_run_ms(s->b, 5);
    assert_int_equal(bed_amf(s->b)->ues->conns.used, 0);
}
static void release(struct phone *p)
{
    struct ngap_UEContextReleaseRequest m = {.AMF_UE_NGAP_ID = p->amf_id, .RAN_UE_NGAP_ID = p->ran_id};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.Cause = 1;
    m.Cause.sel = NGAP_Cause_radioNetwork;
    m.Cause.radioNetwork = NGAP_CauseRadioNetwork_user_inactivity;
    assert_int_equal(gnb_send(&p->bed->gnb[p->gnb], NGAP_MSG_UEContextReleaseRequest, &m, 1), OK);
    bed_run_ms(p->bed, 2);
}
static void to_auth(struct scene *s)
{
    uint8_t auts[14];
    s->p->has_guti = false;
    struct nas_msg m = registration(s->p, NAS_REG_INITIAL);
    phone_register_plain(s->p, 0, &m);
    expect(s->p, NAS_AUTHENTICATION_REQUEST);
    assert_int_equal(phone_challenge(s->p, s->res_star, auts), OK);
}
static void answer_auth(struct scene *s)
{
    struct nas_msg m = authentication_response(s->res_star);
    phone_send(s->p, &m, NAS_PLAIN);
    expect(s->p, NAS_SECURITY_MODE_COMMAND);
    phone_take_keys(s->p);
}
static void answer_security(struct scene *s)
{
    s->p->has_guti = false;
    struct nas_msg m = registration(s->p, NAS_REG_INITIAL);
    s->p->msg.security_mode_command.has.imeisv_request = 0;
    phone_complete_security(s->p, &m);
    expect(s->p, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(s->p);
}
static void answer_accept(struct scene *s)
{
    phone_complete(s->p);
    expect(s->p, NAS_CONFIGURATION_UPDATE_COMMAND);
}
static void to_connected(struct scene *s)
{
    to_auth(s);
    answer_auth(s);
    answer_security(s);
    answer_accept(s);
}
static void to_identity(struct scene *s)
{
    s->p->has_guti = true;
    s->p->guti = (struct nas_guti){.region = 2, .set = 1, .pointer = 0, .tmsi = 0x12345678};
    memcpy(s->p->guti.plmn, PLMN, 3);
    struct nas_msg m = registration(s->p, NAS_REG_INITIAL);
    phone_register_plain(s->p, 0, &m);
    expect(s->p, NAS_IDENTITY_REQUEST);
}
static void to_service(struct scene *s)
{
    uint8_t plain[PDU_MAX], out[PDU_MAX];
    to_connected(s);
    release(s->p);
    struct nas_msg m = service_request(s->p, 0);
    s->p->quiet_context = true;
    phone_begin(s->p, 0, phone_protect(s->p, encode(&m, plain), NAS_INTEGRITY, out));
    expect(s->p, NAS_SERVICE_ACCEPT);
}
static void arrange(struct scene *s, uint32_t state)
{
    if (s->is_there)
        return;
    clear(s);
    s->p = &s->b->phone[state == at_NEW ? 2 : state == at_IDENTITY ? 1 : 0];
    s->p->releases = 0;
    s->is_there = true;
    switch (state) {
    case at_NEW: s->p->has_guti = false; return;
    case at_IDLE:
        to_connected(s);
        release(s->p);
        return;
    case at_IDENTITY: to_identity(s); return;
    case at_AUTH: to_auth(s); return;
    case at_SECURITY:
        to_auth(s);
        answer_auth(s);
        return;
    case at_ACCEPTED:
        to_auth(s);
        answer_auth(s);
        answer_security(s);
        return;
    case at_SERVICE: to_service(s); return;
    default: break;
    }
    to_connected(s);
    struct amf_ue *ue = phone_ue(s->p);
    rt_enter(&s->b->rt);
    if (state == at_CONFIG) {
        ue->pending |= AMF_PENDING_CONFIGURATION | AMF_PENDING_GUTI;
        amf_pending_start(ue);
        expect(s->p, NAS_CONFIGURATION_UPDATE_COMMAND);
    } else if (state == at_DEREG) {
        amf_deregister(ue, false, 0);
        expect(s->p, NAS_DEREGISTRATION_REQUEST_UE_TERMINATED);
    } else if (state == at_RELEASING) {
        s->p->quiet_release = true;
        release(s->p);
        s->p->releases = 0;
    }
}

/* ---- the good end of what ran, which nothing may have disturbed ---- */
static void is_served(struct scene *s)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_UL_NAS_TRANSPORT);
    m.ul_nas_transport.payload_container_type = NAS_PAYLOAD_SMS;
    m.ul_nas_transport.payload_container = BYTES_OF(PLMN);
    phone_send(s->p, &m, NAS_CIPHERED);
    while (phone_next(s->p) == NAS_CONFIGURATION_UPDATE_COMMAND)
        ;
    assert_int_equal(s->p->msg.type, NAS_DL_NAS_TRANSPORT);
}
static void finish(struct scene *s, uint32_t state)
{
    struct nas_msg m;
    uint8_t plain[PDU_MAX], out[PDU_MAX];
    switch (state) {
    case at_NEW: return;
    case at_IDLE:
        m = service_request(s->p, 0);
        phone_begin(s->p, 0, phone_protect(s->p, encode(&m, plain), NAS_INTEGRITY, out));
        expect(s->p, NAS_SERVICE_ACCEPT);
        return;
    case at_IDENTITY:
        nas_msg_init(&m, NAS_IDENTITY_RESPONSE);
        say_suci(s->p, &m.identity_response.mobile_identity);
        phone_send(s->p, &m, NAS_PLAIN);
        phone_authenticate(s->p);
        expect(s->p, NAS_SECURITY_MODE_COMMAND);
        return;
    case at_AUTH:
        answer_auth(s);
        answer_security(s);
        return;
    case at_SECURITY:
        answer_security(s);
        answer_accept(s);
        return;
    case at_ACCEPTED: answer_accept(s); break;
    case at_CONFIG:
        nas_msg_init(&m, NAS_CONFIGURATION_UPDATE_COMPLETE);
        phone_send(s->p, &m, NAS_CIPHERED);
        break;
    case at_DEREG:
        nas_msg_init(&m, NAS_DEREGISTRATION_ACCEPT_UE_TERMINATED);
        phone_send(s->p, &m, NAS_CIPHERED);
        bed_run_ms(s->b, 5);
        assert_null(phone_ue(s->p));
        return;
    case at_SERVICE: {
        struct ngap_InitialContextSetupResponse r = {.AMF_UE_NGAP_ID = s->p->amf_id, .RAN_UE_NGAP_ID = s->p->ran_id};
        r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = 1;
        gnb_send(&s->b->gnb[0], NGAP_MSG_InitialContextSetupResponse, &r, 1);
        bed_run_ms(s->b, 2);
        break;
    }
    case at_RELEASING: {
        struct ngap_UEContextReleaseComplete r = {.AMF_UE_NGAP_ID = s->p->amf_id, .RAN_UE_NGAP_ID = s->p->ran_id};
        r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = 1;
        gnb_send(&s->b->gnb[0], NGAP_MSG_UEContextReleaseComplete, &r, 1);
        bed_run_ms(s->b, 2);
        assert_null(phone_ue(s->p)->conn);
        return;
    }
    default: break;
    }
    is_served(s);
}

/* ---- one cell ---- */
/* Random contents; the first time with the phone's own identity where the message has one. */
static struct bytes contents(struct scene *s, uint8_t type, bool own, uint8_t out[PDU_MAX])
{
    struct nas_msg m;
    uint8_t raw[PDU_MAX];
    struct arena a = arena_over(s->p->memory, sizeof s->p->memory);
    int n = nas_random(type, &s->seed, raw, sizeof raw);
    if (n < 0) {
        memcpy(out, (const uint8_t[]){NAS_EPD_MM, 0, type}, 3);
        return (struct bytes){out, 3};
    }
    assert_int_equal(nas_decode((struct bytes){raw, (uint32_t)n}, &a, &m, NULL), OK);
    struct nas_mobile_identity id = {.type = NAS_ID_GUTI, .guti = s->p->guti};
    if (own && s->p->has_guti && type == NAS_REGISTRATION_REQUEST) {
        m.registration_request.fivegs_mobile_identity = id;
        m.registration_request.ngksi = (struct nas_ksi){s->p->ksi, false};
        m.registration_request.has.ue_security_capability = 1;
        m.registration_request.ue_security_capability = s->p->cap;
        m.registration_request.has.nas_message_container = 0;
    } else if (own && s->p->has_guti && type == NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING) {
        m.deregistration_request_ue_originating.fivegs_mobile_identity = id;
        m.deregistration_request_ue_originating.ngksi = (struct nas_ksi){s->p->ksi, false};
    } else if (own && s->p->has_guti && type == NAS_SERVICE_REQUEST) {
        id.type = NAS_ID_S_TMSI;
        m.service_request.fiveg_s_tmsi = id;
        m.service_request.ngksi = (struct nas_ksi){s->p->ksi, false};
        m.service_request.has.nas_message_container = 0;
    }
    return encode(&m, out);
}
static struct bytes dressed(struct scene *s, uint32_t header, bool has_keys, struct bytes plain, uint8_t out[PDU_MAX])
{
    static const uint8_t types[HEADERS] = {[as_INTEGRITY] = NAS_INTEGRITY, [as_CIPHERED] = NAS_CIPHERED,
                                           [as_NEW_INTEGRITY] = NAS_INTEGRITY_NEW, [as_NEW_CIPHERED] = NAS_CIPHERED_NEW,
                                           [as_WRONG_MAC] = NAS_CIPHERED, [as_REPLAYED] = NAS_CIPHERED,
                                           [as_WRONG_KEY] = NAS_CIPHERED, [as_INT_WRONG_KEY] = NAS_INTEGRITY};
    struct nas_security copy = s->p->sec, *sec = &copy;
    if (header == as_PLAIN)
        return plain;
    if (!has_keys || header == as_WRONG_KEY || header == as_INT_WRONG_KEY)
        sec = &s->nobody;
    else if (header == as_REPLAYED)
        copy.count[NAS_UPLINK] -= copy.count[NAS_UPLINK] > 0;
    else if (header != as_WRONG_MAC)
        sec = &s->p->sec; /* a COUNT of its own */
    int n = nas_protect(sec, s->b->crypto, NAS_UPLINK, types[header], plain, out, PDU_MAX);
    assert_true(n > 0);
    if (header == as_WRONG_MAC)
        out[2] ^= 4;
    return (struct bytes){out, (uint32_t)n};
}
static uint8_t status_bit(uint8_t cause)
{
    return cause == 97 ? bit_S97 : cause == 98 ? bit_S98 : cause == 100 ? bit_S100 : bit_OTHER;
}
static uint32_t heard(struct scene *s)
{
    uint32_t got = 0;
    while (s->p->taken < s->p->n_in) {
        uint8_t type = phone_next(s->p), bit = bit_OTHER;
#define X(name)                                                                                    \
    if (type == NAS_##name)                                                                        \
        bit = bit_##name;
        ANSWERS(X)
#undef X
        if (type == NAS_GMM_STATUS)
            bit = status_bit(s->p->msg.gmm_status.gmm_cause);
        if (type == NAS_REGISTRATION_REJECT)
            assert_string_not_equal(nas_gmm_cause_text(s->p->msg.registration_reject.gmm_cause), "unknown cause");
        if (type == NAS_SERVICE_REJECT)
            assert_string_not_equal(nas_gmm_cause_text(s->p->msg.service_reject.gmm_cause), "unknown cause");
        if (bit == bit_OTHER)
            nas_print(&s->p->msg, s->other, sizeof s->other);
        got |= 1u << bit;
    }
    s->p->n_in = s->p->taken = 0;
    if (s->p->releases)
        got |= RELEASE;
    return got ? got : NOTHING;
}
static void drive(struct scene *s, uint32_t state, uint32_t header, uint8_t type, bool own)
{
    uint8_t plain[PDU_MAX], out[PDU_MAX];
    char got_text[256], may_text[256];
    const struct cell *c = cell_of(state, header, type);
    arrange(s, state);
    if (!c)
        fail_msg("no row of spec/nas_states.def is for message %02x in %s, %s", type, state_name[state], header_name[header]);
    bool has_keys = state != at_NEW && state != at_IDENTITY && state != at_AUTH;
    bool initial = state == at_NEW || state == at_IDLE;
    struct bytes octets = dressed(s, header, has_keys, contents(s, type, own, plain), out);
    s->p->releases = 0;
    initial ? phone_begin(s->p, 0, octets) : phone_say(s->p, octets);
    bed_run_ms(s->b, 20);
    uint32_t got = heard(s);
    if (got & ~c->answers) {
        answers_text(got, got_text);
        answers_text(c->answers, may_text);
        const struct nas_desc *d = nas_desc_of(NAS_EPD_MM, type);
        fail_msg("%s, %s, %s (%02x)%s: %s %s; spec/nas_states.def:%u allows %s (%s)", state_name[state], header_name[header],
                 d ? d->name : "unknown message", type, own ? "" : ", of another", got_text, s->other, c->line, may_text, c->clause);
    }
    bool quiet = !(got & ~(uint32_t)(NOTHING | S97 | S98 | S100));
    if (state == at_NEW || state == at_IDLE) { /* a connection a message */
        struct amf_ue *ue = phone_ue(s->p);
        s->is_there = state == at_NEW || (amf_ue_is_registered(ue) && !(got & (REGISTRATION_ACCEPT | SERVICE_ACCEPT)));
        clear(s);
    } else {
        s->is_there = quiet;
    }
}
static void every_message(void **state)
{
    uint32_t at = (uint32_t)(uintptr_t)*state, n_cells = 0;
    uint8_t types[256], zero[32] = {0};
    uint32_t n = types_of(types);
    const char *more = getenv("ROUNDS"); /* of other contents */
    uint32_t rounds = more ? (uint32_t)strtoul(more, NULL, 10) : 1;
    struct scene s = {.b = bed_new(), .seed = at};
    nas_security_init(&s.nobody, 1, zero);
    assert_int_equal(nas_security_select(&s.nobody, s.b->crypto, 2, 2), OK);
    for (uint32_t header = 0; header < HEADERS; header++)
        for (uint32_t own = 0; own < 2 * rounds; own++) {
            for (uint32_t i = 0; i < n; i++, n_cells++)
                drive(&s, at, header, types[i], own % 2 == 0);
            arrange(&s, at);
            finish(&s, at);
            s.is_there = false;
        }
    clear(&s);
    bed_run_ms(s.b, 60000);
    bed_free(s.b);
}
static void every_message_has_a_set(void **state)
{
    uint8_t types[256];
    uint32_t n = types_of(types);
    for (uint32_t i = 0; i < n; i++)
        if (!set_of(types[i]))
            fail_msg("message %02x is in no SET of spec/nas_states.def", types[i]);
}
int main(void)
{
    struct CMUnitTest tests[STATES + 1] = {unit(every_message_has_a_set)};
    for (uintptr_t i = 0; i < STATES; i++)
        tests[i + 1] = (struct CMUnitTest){.name = state_name[i], .test_func = every_message, .initial_state = (void *)i};
    return _cmocka_run_group_tests("states", tests, STATES + 1, NULL, NULL);
}
