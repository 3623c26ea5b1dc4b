/* SPDX-License-Identifier: Apache-2.0 */
/* A warrant in a whole network: whom it names is copied from its first day to its last, asleep or awake; nobody else is,
 * and no UPF is told who the others are. */
#include "tests/net/net.h"
#include "rt/evidence.h"

static const struct net_addr LI_ADDR = {4, 2152, {10, 0, 0, 77}};
static struct {
    struct evidence e;
    unsigned begun, ended;
    bool is_full; /* no more entries */
} kept;
static unsigned copies;

static int append(struct evidence *e, enum evidence_kind k, struct str subject, struct str body, const struct evidence_message *m, uint32_t n)
{
    (void)e, (void)m, (void)n;
    if (k != EVIDENCE_warrant)
        return OK;
    assert_true(str_eq(subject, STR("warrant W-1")));
    if (kept.is_full)
        return ERR_FULL;
    kept.begun += memmem(body.p, body.n, "\"begin\"", 7) != NULL;
    kept.ended += memmem(body.p, body.n, "\"end\"", 5) != NULL;
    assert_null(memmem(body.p, body.n, "00101", 5)); /* whose they are is in the warrant alone */
    return OK;
}
static void li_datagram(void *ctx, int sock, const struct net_addr *from, struct bytes b)
{
    (void)ctx, (void)sock, (void)from;
    assert_true(b.n > 8 && be32(b.p + 4) == 0x5151);
    copies++;
}

static struct config_warrant warrant;
static int32_t today(struct net *n) { return (int32_t)(env_unix_us(n->core_env) / 86400000000ull); }
static struct net *with_warrant(int32_t first_day, int32_t last_day)
{
    struct net *n = net_new((struct net_options){.phones = 2});
    struct env *host = world_host(n->w, "li", &LI_ADDR);
    host->ops->udp_open(host, &LI_ADDR, &(struct udp_sink){NULL, li_datagram});
    memset(&kept, 0, sizeof kept);
    copies = 0;
    kept.e.append = append;
    n->core.evidence = n->upf_rt.evidence = &kept.e;
    warrant = (struct config_warrant){.id = STR("W-1"), .authority = STR("court"), .supi = STR("imsi-001010000000001"),
                                      .from = today(n) + first_day, .until = today(n) + last_day, .delivery = LI_ADDR, .teid = 0x5151};
    n->config.trust.warrants = &warrant;
    n->config.trust.n_warrants = 1;
    return n;
}
static void ends(struct net *n)
{
    for (uint32_t i = 0; i < ARRAY_LEN(n->guard); i++)
        for (uint32_t k = 0; k < GUARD_DETECTIONS; k++)
            assert_int_equal(n->found[k], 0);
    net_agree(n);
    n->core.evidence = NULL;
    net_free(n);
    assert_int_equal(kept.begun, kept.ended);
}

static void one_of_two(void **state)
{
    (void)state;
    struct net *n = with_warrant(0, 0);
    struct ue_session *s[2];
    for (uint32_t i = 0; i < 2; i++) {
        net_register(n, n->ue[i]);
        s[i] = net_session(n, n->ue[i], "internet", NAS_PDU_IPV4);
    }
    net_ping(n, s[1], "8.8.8.8");
    assert_true(kept.begun == 1 && !copies);
    net_ping(n, s[0], "8.8.8.8");
    assert_int_equal(copies, 2);
    net_idle(n, n->ue[0]); /* asleep, and woken by what comes */
    net_from_far(n, s[0]);
    net_run(n, 2 * NET_S);
    assert_int_equal(copies, 4); /* and its answer */
    net_ping(n, s[0], "8.8.8.8");
    assert_int_equal(copies, 6);
    assert_true(kept.begun == 1 && !kept.ended);
    uint32_t i = 0, named = 0;
    for (struct upf_session *x; (x = slab_next(&n->upf->sessions, &i));)
        named += x->common.subject != 0;
    assert_int_equal(named, 1);
    ends(n);
}

/* The session is there before the warrant is in force, and after. */
static void from_day_to_day(void **state)
{
    (void)state;
    struct net *n = with_warrant(1, 1);
    struct ue_session *s;
    net_register(n, n->ue[0]);
    s = net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    net_ping(n, s, "8.8.8.8");
    assert_true(!kept.begun && !copies);
    warrant.from--; /* its day has come: with the next activation it is copied both ways */
    net_idle(n, n->ue[0]);
    net_from_far(n, s);
    net_run(n, 2 * NET_S);
    unsigned woken = copies;
    net_ping(n, s, "8.8.8.8");
    assert_true(kept.begun == 1 && copies == woken + 2);
    warrant.until -= 2; /* it is over: at once */
    net_run(n, 2 * NET_S);
    assert_int_equal(kept.ended, 1);
    woken = copies;
    net_ping(n, s, "8.8.8.8");
    net_idle(n, n->ue[0]);
    net_from_far(n, s);
    net_run(n, 2 * NET_S);
    net_ping(n, s, "8.8.8.8");
    assert_true(copies == woken && kept.begun == 1);
    ends(n);
}

/* Neither SMF nor UPF copies where nothing is written down. */
static void without_a_log(void **state)
{
    (void)state;
    struct net *n = with_warrant(0, 0);
    n->core.evidence = n->upf_rt.evidence = NULL;
    net_register(n, n->ue[0]);
    struct ue_session *s = net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    net_ping(n, s, "8.8.8.8");
    assert_int_equal(copies, 0);
    ends(n);
}

/* Nor while it takes no entries; and whom the warrant names cannot tell, since everything else goes on. */
static void a_full_log(void **state)
{
    (void)state;
    struct net *n = with_warrant(0, 0);
    kept.is_full = true;
    net_register(n, n->ue[0]);
    struct ue_session *s = net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    net_ping(n, s, "8.8.8.8");
    net_idle(n, n->ue[0]);
    net_from_far(n, s);
    net_run(n, 2 * NET_S);
    net_ping(n, s, "8.8.8.8");
    assert_true(!copies && !kept.begun);
    kept.is_full = false; /* with the next activation */
    net_idle(n, n->ue[0]);
    net_from_far(n, s);
    net_run(n, 2 * NET_S);
    net_ping(n, s, "8.8.8.8");
    assert_true(copies >= 2 && kept.begun == 1);
    ends(n);
}

/* A UPF that has no such warrant: its guard tells, and the phone notices nothing. */
static void a_upf_without_the_warrant(void **state)
{
    (void)state;
    struct net *n = with_warrant(0, 0);
    struct config other = n->config;
    other.trust.n_warrants = 0;
    n->upf_rt.config = &other;
    net_register(n, n->ue[0]);
    struct ue_session *s = net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    net_ping(n, s, "8.8.8.8");
    assert_true(!copies && !kept.begun && n->found[GUARD_N4_02] == 1);
    n->found[GUARD_N4_02] = 0;
    n->upf_rt.config = &n->config;
    ends(n);
}

int main(void)
{
    return RUN(unit(one_of_two), unit(from_day_to_day), unit(without_a_log), unit(a_full_log), unit(a_upf_without_the_warrant));
}
