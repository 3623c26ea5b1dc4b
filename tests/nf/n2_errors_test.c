/* SPDX-License-Identifier: Apache-2.0 */
/* NG Reset, Error Indication and all that a peer can do wrong on N2: TS 38.413 8.7.4, 8.7.5 and 10. */
#include "tests/nf/n2.h"

static void raw(struct n2 *t, struct gnb *g, struct bytes b)
{
    gnb_send_raw(g, b, 0, 60);
    world_run(t->w, 50000);
}
static void raw_hex(struct n2 *t, struct gnb *g, const char *hex)
{
    uint8_t b[256];
    uint32_t n = (uint32_t)strlen(hex) / 2;
    assert_true(n <= sizeof b && hex_get(b, n, str_of(hex)));
    raw(t, g, (struct bytes){b, n});
}
#define assert_error(g, count, group, value)                                                       \
    do {                                                                                           \
        assert_int_equal((g)->errors_received, (count));                                           \
        assert_cause((g)->last_cause, group, value);                                               \
    } while (0)

struct seen {
    unsigned all, one, error, message;
    int answer;
};
static struct seen *seen_of(struct amf *amf) { return amf->rt->user_plane; }
static void release_all(struct amf *amf, struct amf_gnb *gnb) { seen_of(amf)->all++; }
static void release_one(struct amf *amf, struct amf_gnb *gnb,
                        struct ngap_UE_associatedLogicalNG_connectionItem *item)
{
    seen_of(amf)->one++;
    if (!item->has.rAN_UE_NGAP_ID) {
        item->has.rAN_UE_NGAP_ID = 1;
        item->rAN_UE_NGAP_ID = 77;
    }
}
static void ue_error(struct amf *amf, struct amf_gnb *gnb, const struct ngap_ErrorIndication *m)
{
    seen_of(amf)->error++;
}
static int ue_message(struct amf *amf, struct amf_gnb *gnb, const struct ngap_pdu *pdu,
                      const struct ngap_report *report)
{
    seen_of(amf)->message++;
    return seen_of(amf)->answer;
}
static const struct amf_ue_ops OPS = {release_all, release_one, ue_error, ue_message};

static void reset_from_the_gnb(void **state)
{
    struct n2 *t = n2_new(1);
    struct seen seen = {0};
    t->amf_rt.user_plane = &seen;
    t->amf.ue_ops = &OPS;
    struct gnb *g = n2_gnb(t, 0, &TA_GOOD);
    assert_int_equal(gnb_reset(g, NULL), OK);
    world_run(t->w, 50000);
    assert_int_equal(g->resets_acknowledged, 1);
    assert_int_equal(g->last_reset_items, 0);
    assert_int_equal(seen.all, 1);
    struct ngap_UE_associatedLogicalNG_connectionItem items[3] = {0};
    items[0].has.aMF_UE_NGAP_ID = 1;
    items[0].aMF_UE_NGAP_ID = 5;
    items[1].has.rAN_UE_NGAP_ID = 1;
    items[1].rAN_UE_NGAP_ID = 6;
    struct ngap_UE_associatedLogicalNG_connectionList list = {items, 3};
    assert_int_equal(gnb_reset(g, &list), OK);
    world_run(t->w, 50000);
    assert_int_equal(g->resets_acknowledged, 2);
    assert_int_equal(g->last_reset_items, 3);
    assert_int_equal(seen.one, 2); /* an item without identities concerns nobody */
    assert_int_equal(seen.all, 1);
    n2_free(t);
    assert_int_equal(seen.all, 2);
}
static void reset_from_the_amf(void **state)
{
    struct n2 *t = n2_new(2);
    struct gnb *g = n2_gnb(t, 0, &TA_GOOD);
    struct amf_gnb *a = n2_only(t);
    struct ngap_Cause cause = amf_cause_misc(NGAP_CauseMisc_om_intervention);
    assert_int_equal(amf_reset_send(&t->amf, a, cause, NULL), OK);
    assert_int_equal(amf_reset_send(&t->amf, a, cause, NULL), ERR_STATE);
    world_run(t->w, 50000);
    assert_int_equal(g->resets, 1);
    assert_int_equal(t->amf.counters.resets_acknowledged, 1);
    assert_false(a->reset_pending);
    struct ngap_UE_associatedLogicalNG_connectionItem item = {.aMF_UE_NGAP_ID = 1};
    item.has.aMF_UE_NGAP_ID = 1;
    struct ngap_UE_associatedLogicalNG_connectionList list = {&item, 1};
    assert_int_equal(amf_reset_send(&t->amf, a, cause, &list), OK);
    world_run(t->w, 50000);
    assert_int_equal(t->amf.counters.resets_acknowledged, 2);
    n2_free(t);
}

static void before_ng_setup(void **state)
{
    struct n2 *t = n2_new(3);
    struct gnb *g = n2_gnb(t, 0, &TA_PLMN); /* the setup was refused, the association is there */
    assert_int_equal(gnb_reset(g, NULL), OK);
    world_run(t->w, 50000);
    assert_error(g, 1, protocol, NGAP_CauseProtocol_message_not_compatible_with_receiver_state);
    assert_int_equal(g->resets_acknowledged, 0);
    assert_int_equal(gnb_update(g, &TA_GOOD, 1, NULL), OK);
    world_run(t->w, 50000);
    assert_int_equal(g->updates_refused, 1);
    assert_cause(g->last_cause, protocol, NGAP_CauseProtocol_message_not_compatible_with_receiver_state);
    n2_free(t);
}

static void identities_that_do_not_fit(void **state)
{
    struct n2 *t = n2_new(4);
    struct seen seen = {.answer = ERR_EXISTS};
    t->amf_rt.user_plane = &seen;
    struct gnb *g = n2_gnb(t, 0, &TA_GOOD);
    struct ngap_NASNonDeliveryIndication m = {.AMF_UE_NGAP_ID = 1000, .RAN_UE_NGAP_ID = 9,
                                              .NAS_PDU = BYTES_OF(((uint8_t[]){0x7e, 0, 0x41}))};
    m.has.mask[0] = 0;
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.NAS_PDU = m.has.Cause = 1;
    m.Cause = amf_cause_radio(0);
    assert_int_equal(gnb_send(g, NGAP_MSG_NASNonDeliveryIndication, &m, 1), OK);
    world_run(t->w, 50000);
    assert_error(g, 1, radioNetwork, NGAP_CauseRadioNetwork_unknown_local_UE_NGAP_ID);
    assert_int_equal(g->last_error_has, 3);
    assert_int_equal(g->last_error_amf_ue, 1000);
    assert_int_equal(g->last_error_ran_ue, 9);
    t->amf.ue_ops = &OPS;
    assert_int_equal(gnb_send(g, NGAP_MSG_NASNonDeliveryIndication, &m, 1), OK);
    world_run(t->w, 50000);
    assert_error(g, 2, radioNetwork, NGAP_CauseRadioNetwork_inconsistent_remote_UE_NGAP_ID);
    seen.answer = OK;
    assert_int_equal(gnb_send(g, NGAP_MSG_NASNonDeliveryIndication, &m, 1), OK);
    world_run(t->w, 50000);
    assert_int_equal(g->errors_received, 2);
    assert_int_equal(seen.message, 2);
    uint64_t id = 1000;
    gnb_error(g, &id, NULL, amf_cause_radio(NGAP_CauseRadioNetwork_unknown_local_UE_NGAP_ID));
    world_run(t->w, 50000);
    assert_int_equal(seen.error, 1);
    n2_free(t);
}

static void syntax_errors(void **state)
{
    struct n2 *t = n2_new(5);
    struct gnb *g = n2_gnb(t, 0, &TA_GOOD);
    raw_hex(t, g, "ff");
    assert_error(g, 1, protocol, NGAP_CauseProtocol_transfer_syntax_error);
    raw_hex(t, g, "0014001e0000"); /* NG Reset that ends early */
    assert_error(g, 2, protocol, NGAP_CauseProtocol_transfer_syntax_error);
    raw_hex(t, g, "00140003000000"); /* NG Reset without its IEs: ResetType is of criticality reject */
    assert_error(g, 3, protocol, NGAP_CauseProtocol_abstract_syntax_error_reject);
    raw_hex(t, g, "00c80003000000"); /* procedure 200, reject */
    assert_error(g, 4, protocol, NGAP_CauseProtocol_abstract_syntax_error_reject);
    raw_hex(t, g, "00c84003000000"); /* and ignore */
    assert_int_equal(g->errors_received, 4);
    raw_hex(t, g, "00c88003000000"); /* and notify */
    assert_error(g, 5, protocol, NGAP_CauseProtocol_abstract_syntax_error_ignore_and_notify);
    raw_hex(t, g, "20150003000000"); /* an NG Setup Response, to an AMF: an outcome is never answered */
    assert_int_equal(g->errors_received, 5);
    raw_hex(t, g, "001640" "03000000"); /* Overload Start is the AMF's to send */
    assert_error(g, 6, protocol, NGAP_CauseProtocol_message_not_compatible_with_receiver_state);
    assert_int_equal(g->state, GNB_READY);
    raw_hex(t, g, "00150003000000"); /* NG Setup without IEs has its own refusal, which nobody waits for here */
    assert_int_equal(g->errors_received, 6);
    assert_int_equal(t->amf.counters.setups_refused, 1);
    n2_free(t);
}
static void error_indications_are_not_answered(void **state)
{
    struct n2 *t = n2_new(6);
    struct gnb *g = n2_gnb(t, 0, &TA_GOOD);
    gnb_error(g, NULL, NULL, amf_cause_protocol(NGAP_CauseProtocol_transfer_syntax_error));
    raw_hex(t, g, "00094003000000");                 /* without IEs */
    raw_hex(t, g, "000940080000010fa000010000");       /* with what is not known, and broken */
    raw_hex(t, g, "0009400a000001000a0003ffffff");
    assert_int_equal(g->errors_received, 0);
    for (unsigned i = 0; i < 100; i++)
        gnb_send_raw(g, BYTES_OF(((uint8_t[]){0xff})), 0, 60);
    world_run(t->w, 100000);
    assert_in_range(g->errors_received, 1, 64);
    assert_true(t->amf.counters.errors_suppressed > 0);
    gnb_send_raw(g, BYTES_OF(((uint8_t[]){0xff})), 0, 61);
    world_run(t->w, 50000);
    assert_int_equal(t->amf.counters.wrong_ppid, 1);
    n2_free(t);
}

/* Every octet of a good request wrong in three ways, and every length: the AMF lives and serves. */
static void flipped_and_truncated(void **state)
{
    struct n2 *t = n2_new(7);
    struct gnb *bad = n2_gnb(t, 0, &TA_GOOD);
    uint8_t good[512], b[512];
    int n = gnb_setup_request(bad, good, sizeof good);
    assert_true(n > 30);
    static const uint8_t flips[] = {0x01, 0x80, 0xff};
    for (int i = 0; i < n; i++) {
        for (unsigned k = 0; k < 3; k++) {
            memcpy(b, good, (size_t)n);
            b[i] ^= flips[k];
            raw(t, bad, (struct bytes){b, (uint32_t)n});
        }
        raw(t, bad, (struct bytes){good, (uint32_t)i});
        assert_true(t->amf.gnbs_setup <= 1);
    }
    assert_true(bad->has_assoc);
    assert_int_equal(gnb_setup(bad), OK);
    world_run(t->w, 50000);
    assert_int_equal(bad->state, GNB_READY);
    assert_int_equal(n2_gnb(t, 1, &TA_GOOD)->state, GNB_READY);
    n2_free(t);
}

/* ---- IEs more than there should be ---- */
struct answer {
    enum ngap_msg msg;
    uint32_t diagnostics; /* items */
    struct ngap_Cause cause;
};
static void see_answer(void *ctx, const struct tap_event *e)
{
    struct answer *a = ctx;
    if (e->direction != TAP_RX || !e->value)
        return;
    const struct ngap_NGSetupResponse *response = e->value;
    const struct ngap_NGSetupFailure *failure = e->value;
    *a = (struct answer){.msg = e->type};
    if (a->msg == NGAP_MSG_NGSetupResponse && response->has.CriticalityDiagnostics)
        a->diagnostics = response->CriticalityDiagnostics.iEsCriticalityDiagnostics.n;
    if (a->msg == NGAP_MSG_NGSetupFailure) {
        a->cause = failure->Cause;
        if (failure->has.CriticalityDiagnostics)
            a->diagnostics = failure->CriticalityDiagnostics.iEsCriticalityDiagnostics.n;
    }
}
/* A good NG Setup Request with one IE more at its end. */
static struct answer setup_with(struct n2 *t, struct gnb *g, const char *ie)
{
    struct answer answer = {0};
    struct tap tap = {see_answer, &answer, NULL};
    uint8_t b[256];
    uint32_t n = (uint32_t)gnb_setup_request(g, b, 127), more = (uint32_t)strlen(ie) / 2;
    assert_true(n > 7 && b[3] + more < 128 && hex_get(b + n, more, str_of(ie)));
    b[3] = (uint8_t)(b[3] + more);
    b[6]++;
    t->rt[0].taps = &tap;
    raw(t, g, (struct bytes){b, n + more});
    t->rt[0].taps = NULL;
    return answer;
}
static void setup_with_more(void **state)
{
    struct n2 *t = n2_new(8);
    struct gnb *g = n2_gnb(t, 0, &TA_GOOD);
    g->config.name = NULL;
    struct answer a = setup_with(t, g, "0fa0400100"); /* unknown, ignore */
    assert_int_equal(a.msg, NGAP_MSG_NGSetupResponse);
    assert_int_equal(a.diagnostics, 0);
    a = setup_with(t, g, "0fa0800100"); /* unknown, notify */
    assert_int_equal(a.msg, NGAP_MSG_NGSetupResponse);
    assert_int_equal(a.diagnostics, 1);
    a = setup_with(t, g, "0fa0000100"); /* unknown, reject */
    assert_int_equal(a.msg, NGAP_MSG_NGSetupFailure);
    assert_cause(a.cause, protocol, NGAP_CauseProtocol_abstract_syntax_error_reject);
    assert_int_equal(a.diagnostics, 1);
    a = setup_with(t, g, "0015400140"); /* DefaultPagingDRX again */
    assert_int_equal(a.msg, NGAP_MSG_NGSetupFailure);
    assert_cause(a.cause, protocol, NGAP_CauseProtocol_abstract_syntax_error_falsely_constructed_message);
    a = setup_with(t, g, "00524004008061" "62"); /* RANNodeName, late */
    assert_int_equal(a.msg, NGAP_MSG_NGSetupResponse);
    assert_string_equal(n2_only(t)->name, "ab");
    t->amf.config.strict_order = true;
    a = setup_with(t, g, "00524004008061" "62");
    assert_int_equal(a.msg, NGAP_MSG_NGSetupFailure);
    assert_cause(a.cause, protocol, NGAP_CauseProtocol_abstract_syntax_error_falsely_constructed_message);
    n2_free(t);
}

/* Every message there is with random contents, in both directions: neither side falls over, and neither answers
 * for ever. */
static void every_message(void **state)
{
    struct n2 *t = n2_new(9);
    struct gnb *g = n2_gnb(t, 0, &TA_GOOD);
    struct env *env = t->amf_env;
    uint64_t seed = 1;
    uint8_t *block = malloc(1 << 20), *out = malloc(65536);
    assert_true(block && out);
    for (uint32_t i = 0; i < 4 * NGAP_MSGS; i++) {
        enum ngap_msg msg = i % NGAP_MSGS;
        struct arena a = arena_over(block, 1 << 20);
        void *v = arena_zero(&a, ngap_msg_type(msg)->size);
        int n = v && aper_random(ngap_msg_type(msg), v, &a, &seed, 2) >= 0 ? ngap_encode(msg, v, out, 65536) : -1;
        if (n < 0)
            continue;
        gnb_send_raw(g, (struct bytes){out, (uint32_t)n}, (uint16_t)(i % 4), 60);
        struct amf_gnb *peer = n2_only(t);
        env->ops->sctp_send(env, peer->assoc, 0, 60, (struct bytes){out, (uint32_t)n});
        world_run(t->w, 100000);
        uint64_t rx = t->amf.counters.rx, tx = t->amf.counters.tx;
        world_run(t->w, 100000);
        assert_true(t->amf.counters.rx - rx + t->amf.counters.tx - tx <= 2); /* a retried setup at most */
        if (!g->has_assoc)
            world_run(t->w, 2000000);
    }
    free(block);
    free(out);
    timer_stop(&t->rt[0].timers, &g->timer);
    assert_int_equal(gnb_setup(g), OK);
    world_run(t->w, 50000);
    assert_int_equal(g->state, GNB_READY);
    n2_free(t);
}

int main(void)
{
    return RUN(unit(reset_from_the_gnb), unit(reset_from_the_amf), unit(before_ng_setup),
               unit(identities_that_do_not_fit), unit(syntax_errors), unit(error_indications_are_not_answered),
               unit(flipped_and_truncated), unit(setup_with_more),
               unit(every_message));
}
