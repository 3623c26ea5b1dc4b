/* SPDX-License-Identifier: Apache-2.0 */
/* Every 5GSM message, in every state of a session, with every kind of identities: spec/gsm_states.def, cell by cell. */
#include "tests/nf_smf/smf_net.h"

enum {
#define STATE(id, ...) at_##id,
#include "spec/gsm_states.def"
    STATES
};
enum {
#define ID(id, ...) with_##id,
#include "spec/gsm_states.def"
    IDS
};
enum {
#define SET(id, ...) in_##id,
#include "spec/gsm_states.def"
    SETS
};
enum {
#define STATE(id, ...) id = 1 << at_##id,
#include "spec/gsm_states.def"
    EVERY_STATE = (1 << STATES) - 1,
};
enum {
#define ID(id, ...) id = 1 << with_##id,
#include "spec/gsm_states.def"
    EVERY_ID = (1 << IDS) - 1,
};
enum {
#define SET(id, ...) id = 1 << in_##id,
#include "spec/gsm_states.def"
    EVERY = (1 << SETS) - 1,
};
enum {
    NOTHING = 1, S43 = 2, S47 = 4, S81 = 8, S97 = 16, S98 = 32, R43 = 64, R81 = 128, REJECT = 256, MODIFICATION_COMMAND = 512,
    RELEASE_COMMAND = 1024, WAITS = 2048, REFUSED = 4096, GONE = 8192, OTHER = 16384
};
static const char *const answer_name[] = {"NOTHING", "S43", "S47", "S81", "S97", "S98", "R43", "R81", "REJECT", "MODIFICATION_COMMAND",
                                          "RELEASE_COMMAND", "WAITS", "REFUSED", "GONE", "another answer"};
static const char *const state_name[] = {
#define STATE(id, ...) #id,
#include "spec/gsm_states.def"
};
static const char *const id_name[] = {
#define ID(id, ...) #id,
#include "spec/gsm_states.def"
};
struct cell {
    uint32_t states, ids, messages, answers, line;
    const char *clause;
};
static uint32_t set_of(uint8_t type)
{
    static const struct {
        uint32_t set;
        const uint8_t types[16];
    } sets[] = {
#define SET(id, ...) {id, {__VA_ARGS__}},
#include "spec/gsm_states.def"
    };
    for (uint32_t i = 0; i < ARRAY_LEN(sets); i++)
        if (memchr(sets[i].types, type, sizeof sets[i].types))
            return sets[i].set;
    return 0;
}
static const struct cell *cell_of(uint32_t state, uint32_t id, uint8_t type)
{
    static const struct cell cells[] = {
#define CELL(states, ids, messages, answers, clause) {states, ids, messages, answers, __LINE__, clause},
#include "spec/gsm_states.def"
    };
    for (uint32_t i = 0; i < ARRAY_LEN(cells); i++)
        if (cells[i].states >> state & 1 && cells[i].ids >> id & 1 && cells[i].messages & set_of(type))
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

/* ---- getting there ---- */
enum { PTI = 7, PTI_ELSE = 99 };
static char ref[64];

static uint64_t seed;
static bool is_there;
static struct smf_session *the_session(void)
{
    uint32_t i = 0;
    return slab_next(&net->smf->sessions, &i);
}
static struct answer say(enum nas_type type, uint8_t pti)
{
    uint8_t buf[64];
    return update(ref, (struct news){.n1 = n1_make(type, 1, pti, buf, sizeof buf)});
}
static void arrange(uint32_t state)
{
    if (is_there)
        return;
    if (the_session())
        release(ref);
    assert_null(the_session());
    is_there = true;
    struct answer a = state == at_ESTABLISHING ? create((struct wanted){.pti = PTI}) : established((struct wanted){.pti = PTI});
    memcpy(ref, a.ref, sizeof ref);
    if (state == at_OFF)
        update(ref, (struct news){.up = SBI_UpCnxState_DEACTIVATED});
    if (state == at_MODIFYING)
        assert_int_equal(n1_of(&(struct answer){.n1 = say(NAS_PDU_SESSION_MODIFICATION_REQUEST, PTI).n1}.n1).type,
                         NAS_PDU_SESSION_MODIFICATION_COMMAND);
    if (state == at_RELEASING)
        assert_int_equal(n1_of(&(struct answer){.n1 = say(NAS_PDU_SESSION_RELEASE_REQUEST, PTI).n1}.n1).type,
                         NAS_PDU_SESSION_RELEASE_COMMAND);
}
/* The good end of what ran, which nothing may have disturbed. */
static void finish(uint32_t state)
{
    static const uint8_t empty[] = {0};
    switch (state) {
    case at_ESTABLISHING:
        assert_int_equal(gnb_accepts(ref, 0x77).up_state, SBI_UpCnxState_ACTIVATED);
        assert_int_equal(the_session()->state, SMF_ACTIVE);
        break;
    case at_MODIFYING:
        assert_int_equal(say(NAS_PDU_SESSION_MODIFICATION_COMPLETE, PTI).status, 204);
        assert_null(the_session()->proc);
        break;
    case at_RELEASING:
        say(NAS_PDU_SESSION_RELEASE_COMPLETE, PTI);
        update(ref, (struct news){.n2 = BYTES_OF(empty), .n2_type = SBI_N2SmInfoType_PDU_RES_REL_RSP});
        go(SECOND / 2);
        assert_null(the_session());
        break;
    default:
        assert_non_null(the_session());
        assert_int_equal(the_session()->state, SMF_ACTIVE);
        assert_null(the_session()->proc);
        assert_int_equal(the_session()->up_state, state == at_ACTIVE ? SMF_UP_ON : SMF_UP_OFF);
        break;
    }
    is_there = false;
}

/* ---- one cell ---- */
static uint32_t bits_of(const struct octets *o, uint8_t pti)
{
    if (!o->n)
        return NOTHING;
    struct nas_msg m = n1_of(o);
    uint8_t cause = m.type == NAS_GSM_STATUS ? m.gsm_status.gsm_cause
                    : m.type == NAS_PDU_SESSION_MODIFICATION_REJECT ? m.pdu_session_modification_reject.gsm_cause
                    : m.type == NAS_PDU_SESSION_RELEASE_REJECT ? m.pdu_session_release_reject.gsm_cause : 0;
    assert_true(!cause || strcmp(nas_gsm_cause_text(cause), "unknown cause") != 0);
    switch (m.type) {
    case NAS_GSM_STATUS:
        return cause == 43 ? S43 : cause == 47 ? S47 : cause == 81 ? S81 : cause == 97 ? S97 : cause == 98 ? S98 : OTHER;
    case NAS_PDU_SESSION_MODIFICATION_REJECT: case NAS_PDU_SESSION_RELEASE_REJECT:
        assert_int_equal(m.pti, pti);
        return cause == 43 ? R43 : cause == 81 ? R81 : REJECT;
    case NAS_PDU_SESSION_MODIFICATION_COMMAND: return MODIFICATION_COMMAND;
    case NAS_PDU_SESSION_RELEASE_COMMAND: return RELEASE_COMMAND;
    default: return OTHER;
    }
}
static struct bytes message(uint8_t type, uint8_t psi, uint8_t pti, uint8_t buf[4096])
{
    int n = nas_random((enum nas_type)type, &seed, buf, 4096);
    if (n < 0) {
        memcpy(buf, (const uint8_t[]){NAS_EPD_SM, 0, 0, type}, 4);
        n = 4;
    }
    buf[1] = psi;
    buf[2] = pti;
    return (struct bytes){buf, (uint32_t)n};
}
static void drive(uint32_t state, uint32_t id, uint8_t type)
{
    static struct answer a;
    uint8_t buf[4096];
    char got_text[256], may_text[256];
    const struct cell *c = cell_of(state, id, type);
    if (!c)
        fail_msg("no row of spec/gsm_states.def is for message %02x in %s, %s", type, state_name[state], id_name[id]);
    arrange(state);
    uint8_t pti = id == with_OTHER_PTI ? PTI_ELSE : id == with_NO_PTI ? 0 : id == with_RESERVED ? 255 : PTI;
    uint32_t transfers = net->amf.transfers;
    update_send(ref, (struct news){.n1 = message(type, id == with_OTHER_PSI ? 2 : 1, pti, buf)}, &a);
    go(SECOND / 20);
    uint32_t got = !a.done ? (uint32_t)WAITS : a.status >= 400 ? (uint32_t)REFUSED : bits_of(&a.n1, pti);
    if (net->amf.transfers > transfers)
        got = (got & ~(uint32_t)NOTHING) | bits_of(&net->amf.n1, pti);
    if (!the_session())
        got |= GONE;
    if (got & ~c->answers) {
        answers_text(got, got_text);
        answers_text(c->answers, may_text);
        const struct nas_desc *d = nas_desc_of(NAS_EPD_SM, type);
        fail_msg("%s, %s, %s (%02x): %s; spec/gsm_states.def:%u allows %s (%s)", state_name[state], id_name[id],
                 d ? d->name : "unknown message", type, got_text, c->line, may_text, c->clause);
    }
    bool ended = (state == at_MODIFYING || state == at_RELEASING) && !(the_session() && the_session()->proc);
    is_there = !(got & ~(uint32_t)(NOTHING | S43 | S47 | S81 | S97 | S98 | R43 | R81 | REFUSED | REJECT)) && !ended &&
               (state != at_RELEASING || set_of(type) != RELEASED) && set_of(type) != STATUS;
    if (!a.done) { /* its answer comes with the end of what runs */
        release(ref);
        go(SECOND / 10);
        assert_true(a.done);
        is_there = false;
    }
}
static void every_message(void **state)
{
    uint32_t at = (uint32_t)(uintptr_t)*state;
    const char *more = getenv("ROUNDS"); /* of other contents */
    uint32_t rounds = more ? (uint32_t)strtoul(more, NULL, 10) : 2;
    net_open(state);
    seed = at;
    is_there = false;
    for (uint32_t id = 0; id < IDS; id++)
        for (uint32_t k = 0; k < rounds; k++) {
            for (uint32_t type = 0; type < 256; type++)
                if (nas_desc_of(NAS_EPD_SM, (uint8_t)type) || type == 0xc0 || type == 0xff)
                    drive(at, id, (uint8_t)type);
            arrange(at);
            finish(at);
        }
    if (the_session())
        release(ref);
    go(SECOND);
    assert_int_equal(net->smf->sessions.used, 0);
    assert_int_equal(net->upf.sessions, 0);
    assert_int_equal(net->rt.procs_running, 0);
    assert_int_equal(net->rt.calls_open, 0);
    net_close(state);
}
static void every_message_has_a_set(void **state)
{
    for (uint32_t type = 0; type < 256; type++)
        if (nas_desc_of(NAS_EPD_SM, (uint8_t)type) && !set_of((uint8_t)type))
            fail_msg("message %02x is in no SET of spec/gsm_states.def", type);
}
int main(int argc, char **argv)
{
    struct CMUnitTest tests[STATES + 1] = {unit(every_message_has_a_set)};
    as_bytes = argc > 1;

    for (uintptr_t i = 0; i < STATES; i++)
        tests[i + 1] = (struct CMUnitTest){.name = state_name[i], .test_func = every_message, .initial_state = (void *)i};
    return _cmocka_run_group_tests("states", tests, STATES + 1, NULL, NULL);
}
