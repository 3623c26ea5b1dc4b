/* SPDX-License-Identifier: Apache-2.0 */
/* warrant_test.c - copies for an authority: only under a warrant, only of whom it names, only while it is in force, and
 * only where that is written down. */
#include "tests/nf_upf/n4.h"
#include "rt/evidence.h"

enum { LI_TEID = 0x5151, DAY_S = 86400 };
static const struct net_addr LI_ADDR = {4, 2152, {10, 0, 0, 77}};
static uint8_t IMSI[8] = {0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0xf1}; /* 001010000000001 */

static struct { /* the evidence log, and what the authority got */
    struct evidence e;
    unsigned begun, ended;
    bool is_full;
    char subject[100], body[200];
} kept;
static struct {
    unsigned n, up, down;
    uint32_t teid, octets;
    uint8_t qfi, p[2048];
} li;

static int append(struct evidence *e, enum evidence_kind k, struct str subject, struct str body, const struct evidence_message *m, uint32_t n)
{
    (void)e, (void)m, (void)n;
    assert_int_equal(k, EVIDENCE_warrant);
    if (kept.is_full)
        return ERR_FULL;
    snprintf(kept.subject, sizeof kept.subject, STR_FMT, STR_ARG(subject));
    snprintf(kept.body, sizeof kept.body, STR_FMT, STR_ARG(body));
    kept.begun += strstr(kept.body, "\"begin\"") != NULL;
    kept.ended += strstr(kept.body, "\"end\"") != NULL;
    return OK;
}
static void li_datagram(void *ctx, int sock, const struct net_addr *from, struct bytes b)
{
    (void)ctx, (void)sock, (void)from;
    assert_true(b.n > 16 && b.p[0] == 0x34 && b.p[1] == 255);
    li.n++;
    li.teid = be32(b.p + 4);
    li.up += b.p[13] == 0x10;
    li.down += b.p[13] == 0;
    li.qfi = b.p[14];
    li.octets = b.n - 16;
    memcpy(li.p, b.p + 16, li.octets);
}

static struct config_warrant warrants[2];
static int32_t today(void) { return (int32_t)(env_unix_us(t.upf_env) / 86400000000ull); }
static void with_warrant(void)
{
    struct config_trust *c = &t.config.trust;
    memset(&kept, 0, sizeof kept);
    memset(&li, 0, sizeof li);
    kept.e.append = append;
    t.upf_rt.evidence = &kept.e;
    struct env *host = world_host(t.w, "li", &LI_ADDR);
    host->ops->udp_open(host, &LI_ADDR, &(struct udp_sink){NULL, li_datagram});
    for (unsigned i = 0; i < 2; i++)
        warrants[i] = (struct config_warrant){.id = STR("W-1"), .authority = STR("court"), .supi = STR("imsi-001010000000001"),
                                              .from = today(), .until = today(), .delivery = LI_ADDR, .teid = LI_TEID};
    warrants[1].id = STR("W-2");
    warrants[1].teid = LI_TEID + 1;
    warrants[1].supi = STR("nai-somebody@example.org");
    c->warrants = warrants;
    c->n_warrants = 2;
    associate();
}
static struct pfcp_duplicating_parameters copy;
static struct pfcp_session_establishment_request *copied(uint64_t cp_seid)
{
    struct pfcp_session_establishment_request *q = establishment(cp_seid);
    copy = (struct pfcp_duplicating_parameters){.destination_interface = PFCP_INTERFACE_LI_FUNCTION, .has.outer_header_creation = 1,
                                                .outer_header_creation = {.flags = PFCP_OHC_GTPU_IPV4, .teid = LI_TEID, .ipv4 = {10, 0, 0, 77}}};
    for (unsigned i = 0; i < 2; i++) {
        t.far[i].apply_action |= PFCP_APPLY_ACTION_DUPL;
        t.far[i].duplicating_parameters.v = &copy;
        t.far[i].duplicating_parameters.n = 1;
    }
    q->has.user_id = 1;
    q->user_id = (struct pfcp_user_id){.flags = PFCP_USER_ID_IMSI, .imsi = {(const char *)IMSI, 8}};
    return q;
}

static void both_ways(void **state)
{
    (void)state;
    with_warrant();
    copied(77);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    uint32_t teid = t.created[0].local_f_teid.teid;
    assert_true(kept.begun == 1 && !kept.ended);
    assert_string_equal(kept.subject, "warrant W-1");
    ue_ping(teid, UE4); /* and the answer */
    assert_true(t.dn.packets == 1 && t.gnb.n == 1);
    assert_true(li.n == 2 && li.up == 1 && li.down == 1);
    assert_true(li.teid == LI_TEID && li.qfi == 9 && li.octets == 84);
    assert_memory_equal(li.p, t.gnb.p + t.gnb.inner, 84);
    /* what does not pass is not copied */
    ue_ping(teid, (const uint8_t[4]){10, 45, 0, 99});
    assert_int_equal(li.n, 2);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_true(kept.begun == 1 && kept.ended == 1);
    assert_int_equal(counted(DP_copied), 2);
    assert_int_equal(the_upf()->copies.used, 0);
    assert_empty();
}

/* Kept packets are copied when they are sent on. */
static void buffered(void **state)
{
    (void)state;
    with_warrant();
    copied(77);
    t.far[1].apply_action = PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP | PFCP_APPLY_ACTION_DUPL;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    dn_sends(10);
    assert_true(t.reports == 1 && !li.n);
    struct pfcp_update_far far = {.far_id = 2, .has.apply_action = 1, .apply_action = PFCP_APPLY_ACTION_FORW | PFCP_APPLY_ACTION_DUPL};
    struct pfcp_session_modification_request *m = modification();
    m->update_far.v = &far, m->update_far.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_true(t.gnb.n == 1 && li.n == 1 && kept.begun == 1);
}

static void its_time(void **state)
{
    (void)state;
    with_warrant();
    warrants[0].from = warrants[0].until = today() + 1;
    copied(77);
    assert_int_equal(ask(), PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE);
    warrants[0].from = warrants[0].until = today();
    copied(77);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    uint32_t teid = t.created[0].local_f_teid.teid;
    go((uint64_t)DAY_S * SECOND);
    assert_true(kept.ended == 1 && strstr(kept.body, "not in force"));
    ue_ping(teid, UE4); /* the session goes on */
    assert_true(t.dn.packets == 1 && t.gnb.n == 1 && !li.n);
    /* and is not copied again by a rule that knew where to */
    struct pfcp_update_far far = {.far_id = 2, .has.apply_action = 1, .apply_action = PFCP_APPLY_ACTION_FORW | PFCP_APPLY_ACTION_DUPL};
    struct pfcp_session_modification_request *m = modification();
    m->update_far.v = &far, m->update_far.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_CONDITIONAL_IE_MISSING);
}

static void taken_back(void **state)
{
    (void)state;
    with_warrant();
    copied(77);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    t.config.trust.n_warrants = 0;
    go(2 * SECOND);
    assert_int_equal(kept.ended, 1);
    ue_ping(t.created[0].local_f_teid.teid, UE4);
    assert_true(t.gnb.n == 1 && !li.n);
}

/* It names somebody else from now on. */
static void another_subscriber(void **state)
{
    (void)state;
    with_warrant();
    copied(77);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    warrants[0].supi = STR("imsi-001010000000002");
    go(2 * SECOND);
    assert_int_equal(kept.ended, 1);
    ue_ping(t.created[0].local_f_teid.teid, UE4);
    assert_true(t.gnb.n == 1 && !li.n);
}

/* Nobody tells a copied phone by what metrics say of its traffic; the operator sees it. */
static void status_line(void *ctx, const char *text)
{
    bool *said = ctx;
    *said |= !strcmp(text, "copies sent to an authority under a warrant 2");
}
static void unseen_in_metrics(void **state)
{
    static char text[1 << 17];
    bool said = false;
    (void)state;
    with_warrant();
    copied(77);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    ue_ping(t.created[0].local_f_teid.teid, UE4);
    go(2 * SECOND);
    assert_int_equal(li.n, 2);
    assert_int_equal(metric_get(t.upf_rt.metrics, METRIC_n3_out_octets), 100); /* the answer's */
    int n = metrics_render(t.upf_rt.metrics, text, sizeof text - 1);
    assert_true(n > 0 && !memmem(text, (size_t)n, "copied", 6) && !memmem(text, (size_t)n, "warrant", 7));
    upf_nf.status(the_upf(), status_line, &said);
    assert_true(said);
}

/* The SMF begins and ends it by modification. */
static void later(void **state)
{
    (void)state;
    with_warrant();
    copied(77);
    for (unsigned i = 0; i < 2; i++) {
        t.far[i].apply_action = PFCP_APPLY_ACTION_FORW;
        t.far[i].duplicating_parameters.n = 0;
    }
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    uint32_t teid = t.created[0].local_f_teid.teid;
    ue_ping(teid, UE4);
    assert_true(!li.n && !kept.begun);
    struct pfcp_update_duplicating_parameters to = {.has.outer_header_creation = 1, .outer_header_creation = copy.outer_header_creation};
    struct pfcp_update_far far = {.far_id = 1, .has.apply_action = 1, .apply_action = PFCP_APPLY_ACTION_FORW | PFCP_APPLY_ACTION_DUPL,
                                  .update_duplicating_parameters = {&to, 1}};
    struct pfcp_session_modification_request *m = modification();
    m->update_far.v = &far, m->update_far.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    ue_ping(teid, UE4);
    assert_true(li.up == 1 && !li.down && kept.begun == 1);
    far.apply_action = PFCP_APPLY_ACTION_FORW;
    far.update_duplicating_parameters.n = 0;
    m = modification();
    m->update_far.v = &far, m->update_far.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    ue_ping(teid, UE4);
    assert_true(li.n == 1 && kept.ended == 1 && strstr(kept.body, "the SMF ends it"));
}

static void refused_as(uint8_t cause, uint16_t ie)
{
    assert_int_equal(ask(), cause);
    assert_int_equal(t.offending, ie);
    if (cause == PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE)
        assert_true(t.failed_n == 1 && t.failed.flags == PFCP_FAILED_RULE_FAR && t.failed.far_id == 1);
    assert_true(!kept.begun && !li.n);
    assert_empty();
}
static void refusals(void **state)
{
    const uint8_t failure = PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE;
    const uint16_t parameters = PFCP_IE_duplicating_parameters;
    (void)state;
    with_warrant();
    copied(77)->has.user_id = 0; /* of nobody knows whom */
    refused_as(failure, parameters);
    IMSI[0] = 0x10; /* of somebody else */
    copied(77);
    refused_as(failure, parameters);
    IMSI[0] = 0;
    copied(77);
    copy.outer_header_creation.ipv4[3] = 78; /* to somebody else */
    refused_as(failure, parameters);
    copied(77);
    copy.outer_header_creation.teid++; /* under another one's warrant */
    refused_as(failure, parameters);
    copied(77);
    copy.outer_header_creation.flags = PFCP_OHC_UDP_IPV4;
    refused_as(failure, parameters);
    copied(77);
    copy.destination_interface = PFCP_INTERFACE_CORE;
    refused_as(failure, PFCP_IE_destination_interface);
    copied(77);
    t.far[0].apply_action = PFCP_APPLY_ACTION_DROP | PFCP_APPLY_ACTION_DUPL;
    refused_as(failure, PFCP_IE_apply_action);
    copied(77);
    t.far[0].duplicating_parameters.n = 0;
    refused_as(PFCP_CAUSE_CONDITIONAL_IE_MISSING, parameters);
    copied(77);
    copy.has.outer_header_creation = 0;
    refused_as(PFCP_CAUSE_CONDITIONAL_IE_MISSING, parameters);
    struct pfcp_duplicating_parameters two[2] = {copy, copy};
    copied(77);
    t.far[0].duplicating_parameters.v = two, t.far[0].duplicating_parameters.n = 2;
    refused_as(PFCP_CAUSE_NO_RESOURCES_AVAILABLE, parameters);
    kept.is_full = true; /* it could not be written down */
    copied(77);
    refused_as(PFCP_CAUSE_NO_RESOURCES_AVAILABLE, parameters);
    t.upf_rt.evidence = NULL; /* it would not be */
    copied(77);
    refused_as(failure, parameters);
    t.upf_rt.evidence = &kept.e;
    t.config.trust.n_warrants = 0;
    copied(77);
    refused_as(failure, parameters);
}

static void another_warrant(void **state)
{
    (void)state;
    with_warrant();
    warrants[1].supi = warrants[0].supi;
    copied(77);
    struct pfcp_duplicating_parameters other = copy;
    other.outer_header_creation.teid++;
    t.far[1].duplicating_parameters.v = &other;
    assert_int_equal(ask(), PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE);
    copied(77);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    struct pfcp_update_duplicating_parameters to = {.has.outer_header_creation = 1, .outer_header_creation = other.outer_header_creation};
    struct pfcp_update_far far = {.far_id = 1, .has.apply_action = 1, .apply_action = PFCP_APPLY_ACTION_FORW | PFCP_APPLY_ACTION_DUPL,
                                  .update_duplicating_parameters = {&to, 1}};
    struct pfcp_session_modification_request *m = modification();
    m->update_far.v = &far, m->update_far.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE);
    ue_ping(t.created[0].local_f_teid.teid, UE4);
    assert_true(li.n == 2 && li.teid == LI_TEID);
}

int main(void)
{
    return RUN(upf_test(both_ways), upf_test(buffered), upf_test(its_time), upf_test(taken_back), upf_test(another_subscriber), upf_test(unseen_in_metrics), upf_test(later), upf_test(refusals),
               upf_test(another_warrant));
}
