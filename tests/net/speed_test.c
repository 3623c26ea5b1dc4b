/* SPDX-License-Identifier: Apache-2.0 */
/* A guard on speed and memory. CPU time is told in turns of a loop of our own that is measured in
 * the same process, so a slow or busy machine is as slow for both; of several rounds the fastest
 * counts, here and there. A limit is 1.6 times what the machine of docs/performance.md took: it
 * sees what makes a thing half as slow again, not less. Octets of a phone are exact. `speed_test
 * tests/codec_ngap/vectors.hex`; only in an optimised build. */
#include "dp/dp.h"
#include "nf/amf/session.h"
#include "nf/pcf/pcf.h"
#include "nf/udm/udm.h"
#include "rt/nf.h"
#include "tests/net/net.h"
#include "trust/guard_parts.h"
#include <malloc.h>
#include <time.h>

enum { ROUNDS = 7, PHONES = 256, TURN_WORDS = 1 << 13, PACKETS = 64, DATAGRAM = 100 };
/* In turns of the loop, and octets. */
static const double NGAP_IN_LIMIT = 1.06, NGAP_OUT_LIMIT = 1.09, PACKET_UP_LIMIT = 0.24,
                    PACKET_DOWN_LIMIT = 0.25, ATTACH_LIMIT = 290, SERVICE_LIMIT = 80;
enum { OCTETS_LIMIT = 2750, PATH_SESSION = 80 /* struct session of dp/state.h */ };
static const char *vectors;

static double cpu_us(void) /* of this thread: another's turn in between does not count */
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- the loop that all is compared with: arithmetic, branches nobody foresees, loads that depend
 * on each other ---- */
static uint64_t turn(void)
{
    static uint32_t table[TURN_WORDS]; /* 32 kB */
    uint64_t x = 88172645463325252u;
    for (uint32_t i = 0; i < 100; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        uint32_t *at = &table[(x >> 20) % TURN_WORDS];
        if ((*at ^ x) & 64)
            *at += (uint32_t)x;
        else
            x += *at;
    }
    return x;
}
static volatile uint64_t kept; /* so that the loop is not taken for useless */
static double turn_us(void)
{
    enum { TURNS = 2000 };
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double t = cpu_us();
        for (int i = 0; i < TURNS; i++)
            kept ^= turn();
        t = cpu_us() - t;
        best = t < best ? t : best;
    }
    return best / TURNS;
}
struct timing {
    double turn_us, best_us;
};
/* Before and after: the machine's speed may have changed meanwhile. */
static void timing_begin(struct timing *t)
{
    *t = (struct timing){turn_us(), 1e18};
}
static void timing_took(struct timing *t, double us)
{
    t->best_us = us < t->best_us ? us : t->best_us;
}
static void within(struct timing *t, const char *what, double n, double limit)
{
    double again = turn_us(), turns;
    t->turn_us = again < t->turn_us ? again : t->turn_us;
    turns = t->best_us / n / t->turn_us;
    print_message("%-48s %8.2f turns of %.0f ns (limit %.2f)\n", what, turns, t->turn_us * 1000,
                  limit);
    if (turns > limit)
        fail_msg("%s takes %.2f turns of the loop that it is compared with, the limit is %.2f: "
                 "something made it slower. If that is "
                 "meant, say so in the commit and change the limit in tests/net/speed_test.c",
                 what, turns, limit);
}

/* ---- codec ---- */
enum { LINE = 70000, BLOCK = 1 << 20 };
struct pdus {
    uint8_t *octets;
    uint32_t n, at[256], octets_n[256];
};
static bool pdus_read(struct pdus *s)
{
    static char line[LINE];
    uint8_t seen[512] = {0};
    uint32_t used = 0;
    FILE *f = fopen(vectors, "r");
    while (f && fgets(line, sizeof line, f)) {
        uint32_t digits = (uint32_t)strcspn(line, "\n");
        if (line[0] != 'c' || digits < 8 || s->n == ARRAY_LEN(s->at) ||
            used + digits / 2 > BLOCK) /* captured, no exception */
            continue;
        uint8_t *p = s->octets + used;
        uint32_t n = (digits - 2) / 2;
        if (!hex_get(p, n, (struct str){line + 2, digits - 2}) ||
            seen[(p[0] >> 5 << 7 | p[1]) & 511]++)
            continue; /* one of each message */
        s->at[s->n] = used;
        s->octets_n[s->n++] = n;
        used += n;
    }
    if (f)
        fclose(f);
    return s->n > 10;
}
static void ngap_as_fast_as_before(void **state)
{
    (void)state;
    static struct pdus s;
    uint8_t *block = malloc(BLOCK), *out = malloc(BLOCK);
    struct timing in, back;
    struct ngap_pdu pdu;
    struct ngap_report report;
    s.octets = malloc(BLOCK);
    assert_true(block && out && s.octets);
    assert_true(pdus_read(&s));
    timing_begin(&in);
    timing_begin(&back);
    for (int round = 0; round < ROUNDS; round++) {
        double in_us = 0, back_us = 0;
        for (uint32_t i = 0; i < s.n; i++) {
            double t0 = cpu_us();
            for (int k = 0; k < 200; k++) {
                struct arena a = arena_over(block, BLOCK);
                assert_int_equal(ngap_decode((struct bytes){s.octets + s.at[i], s.octets_n[i]}, &a,
                                             &pdu, &report),
                                 OK);
            }
            double t1 = cpu_us();
            for (int k = 0; k < 200; k++)
                if (ngap_encode(pdu.msg, pdu.value, out, BLOCK) < 0)
                    fail();
            in_us += t1 - t0;
            back_us += cpu_us() - t1;
        }
        timing_took(&in, in_us);
        timing_took(&back, back_us);
    }
    within(&in, "NGAP, a captured PDU decoded", 200.0 * s.n, NGAP_IN_LIMIT);
    within(&back, "NGAP, encoded", 200.0 * s.n, NGAP_OUT_LIMIT);
    free(s.octets);
    free(block);
    free(out);
}

/* ---- packets ---- */
static uint64_t out_n;
static void to_access(void *ctx, const struct dp_datagram *d, unsigned n)
{
    out_n += n;
}
static void to_core(void *ctx, uint16_t instance, const struct dp_packet *p, unsigned n)
{
    out_n += n;
}
static struct dp_rules *rules(const struct dp_config *c, uint32_t i)
{
    int error;
    struct rule_pdr pdr[2] = {{.id = 1,
                               .precedence = 255,
                               .source = RULE_ACCESS,
                               .teid = dp_teid(c->sessions_max, i, 0, 0x40000000),
                               .outer_header_removal = true,
                               .far_id = 1,
                               .qer_n = 1,
                               .qer_id = {1},
                               .urr_n = 1,
                               .urr_id = {1}},
                              {.id = 2,
                               .precedence = 255,
                               .source = RULE_CORE,
                               .far_id = 2,
                               .qer_n = 1,
                               .qer_id = {1},
                               .urr_n = 1,
                               .urr_id = {1}}};
    struct rule_far far[2] = {{.id = 1, .action = RULE_FORW, .destination = RULE_CORE},
                              {.id = 2,
                               .action = RULE_FORW,
                               .destination = RULE_ACCESS,
                               .teid = 1 + i,
                               .peer = {4, 0, {10, 0, 0, 2}}}};
    struct rule_qer qer = {.id = 1, .qfi = 9};
    struct rule_urr urr = {.id = 1, .measure_volume = true};
    struct rule_session s = {.session = i,
                             .gen = 1,
                             .has_ipv4 = true,
                             .pdr = pdr,
                             .far = far,
                             .qer = &qer,
                             .urr = &urr,
                             .pdr_n = 2,
                             .far_n = 2,
                             .qer_n = 1,
                             .urr_n = 1};
    put_be32(s.ipv4, 0x0a2d0002 + i);
    return dp_rules_new(c, &s, &error, NULL);
}
static void packet_make(uint8_t *p, const struct dp_config *c, uint32_t i, bool up)
{
    static const uint8_t gtpu[16] = {0x34, 255, [11] = 0x85, 1, 0x10, 9};
    uint8_t *ip = p + sizeof gtpu;
    uint32_t ue = 0x0a2d0002 + i, far = 0x08080808, sum = 0;
    memset(p, 0, DATAGRAM);
    memcpy(p, gtpu, sizeof gtpu);
    put_be16(p + 2, DATAGRAM - 8);
    put_be32(p + 4, dp_teid(c->sessions_max, i, 0, 0x40000000));
    ip[0] = 0x45;
    put_be16(ip + 2, DATAGRAM - sizeof gtpu);
    ip[8] = 64;
    ip[9] = 17;
    put_be32(ip + 12, up ? ue : far);
    put_be32(ip + 16, up ? far : ue);
    for (unsigned k = 0; k < 20; k += 2)
        sum += be16(ip + k);
    sum = (sum & 0xffff) + (sum >> 16);
    put_be16(ip + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
    put_be16(ip + 24, DATAGRAM - sizeof gtpu - 20);
}
static double packets_us(struct dp *dp, const struct dp_config *c, uint32_t turns, bool up)
{
    static struct {
        uint8_t head[DP_HEADROOM], p[DATAGRAM];
    } room[PACKETS];
    struct dp_datagram d[PACKETS];
    struct dp_packet k[PACKETS];
    double spent = 0;
    for (uint32_t t = 0; t < turns; t++) {
        for (uint32_t i = 0; i < PACKETS; i++) {
            packet_make(room[i].p, c, i, up);
            d[i] = (struct dp_datagram){
                .p = room[i].p, .n = DATAGRAM, .peer = {4, 2152, {10, 0, 0, 2}}};
            k[i] = (struct dp_packet){.p = room[i].p + 16, .n = DATAGRAM - 16};
        }
        double start = cpu_us();
        if (up)
            dp_access_input(dp, 1000000 + t, d, PACKETS);
        else
            dp_core_input(dp, 1000000 + t, 0, k, PACKETS);
        spent += cpu_us() - start;
    }
    return spent;
}
static void packets_as_fast_as_before(void **state)
{
    (void)state;
    enum { TURNS = 100 };
    struct dp_config c = {.sessions_max = PACKETS,
                          .instances = 1,
                          .pools = 1,
                          .inner_mtu = 1456,
                          .pool = {{0, {10, 45, 0, 0}, 16}},
                          .local_v4 = {4, 2152, {10, 0, 0, 1}}};
    struct dp *dp = dp_new(&c, &(struct dp_io){NULL, to_access, to_core, NULL});
    for (uint32_t i = 0; i < PACKETS; i++)
        assert_int_equal(dp_session_put(dp, 1, rules(&c, i)), OK);
    for (int up = 1; up >= 0; up--) {
        struct timing t;
        timing_begin(&t);
        out_n = 0;
        for (int round = 0; round < ROUNDS; round++)
            timing_took(&t, packets_us(dp, &c, TURNS, up));
        assert_int_equal(out_n, ROUNDS * TURNS * PACKETS); /* else it is fast for doing nothing */
        within(&t, up ? "user plane, a packet up" : "user plane, a packet down", TURNS * PACKETS,
               up ? PACKET_UP_LIMIT : PACKET_DOWN_LIMIT);
    }
    dp_free(dp);
}

/* ---- phones ---- */
static bool all_in(const struct net *n, bool connected)
{
    for (uint32_t i = 0; i < n->o.phones; i++) {
        const struct ue *ue = n->ue[i];
        bool has = ue->sessions && ue->sessions->state == SM_ACTIVE && ue->sessions->bearer;
        if (connected ? ue->state != MM_REGISTERED || !has : ue->link != NULL)
            return false;
    }
    return true;
}
static void all_attach(struct net *n)
{
    for (uint32_t i = 0; i < n->o.phones; i++) {
        ue_register(n->ue[i]);
        ue_session_open(n->ue[i], &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4});
    }
    assert_true(net_run_until(n, all_in(n, true), 60 * NET_S));
}
static void all_rest(struct net *n)
{
    for (uint32_t i = 0; i < n->o.phones; i++)
        if (n->ue[i]->link)
            gnb_ue_release_request(n->ue[i]->link, NGAP_CauseRadioNetwork_user_inactivity);
    assert_true(net_run_until(n, all_in(n, false), 10 * NET_S));
    net_run(n, NET_S);
}
static void all_leave(struct net *n)
{
    for (uint32_t i = 0; i < n->o.phones; i++)
        ue_deregister(n->ue[i], false);
    net_run(n, 30 * NET_S);
    for (uint32_t i = 0; i < n->o.phones; i++)
        usim_forget(&n->ue[i]->usim); /* the next is by SUCI again */
}
static void phones_as_fast_as_before(void **state)
{
    (void)state;
    struct net *n = net_new((struct net_options){.seed = 1, .phones = 64});
    struct timing attach, service;
    log_set_level(&n->log, LOG_ERROR);
    timing_begin(&attach);
    timing_begin(&service);
    for (int round = 0; round < ROUNDS; round++) {
        double t = cpu_us();
        all_attach(n);
        timing_took(&attach, cpu_us() - t);
        all_rest(n);
        t = cpu_us();
        for (uint32_t i = 0; i < n->o.phones; i++)
            ue_service(n->ue[i]);
        assert_true(net_run_until(n, all_in(n, true), 10 * NET_S));
        timing_took(&service, cpu_us() - t);
        all_leave(n);
    }
    within(&attach, "registration and session, core, phone and UPF", n->o.phones, ATTACH_LIMIT);
    within(&service, "service request with its user plane", n->o.phones, SERVICE_LIMIT);
    net_free(n);
}

/* ---- octets of a phone ---- */
static double slab_share(const struct slab *s)
{
    return s->used * (double)(s->size + sizeof *s->gen + sizeof *s->next);
}
static double block(size_t n)
{
    return (double)((n + 8 + 15) & ~(size_t)15);
} /* with what malloc adds */
static double amf_octets(const struct net *n)
{
    const struct amf_ues *u = n->amf->ues;
    double sum = slab_share(&u->ues) + slab_share(&u->conns) + slab_share(&u->sessions) +
                 (double)map_octets(&u->by_supi) + (double)map_octets(&u->by_tmsi) +
                 (double)map_octets(&u->by_ran) + (double)u->shared.octets;
    uint32_t i = 0;
    for (const struct amf_ue *ue; (ue = slab_next(&u->ues, &i));)
        sum += ue->radio_capability ? block(sizeof *ue->radio_capability + ue->radio_capability->n)
                                    : 0;
    return sum;
}
static double upf_octets(const struct net *n)
{
    const struct upf *u = n->upf;
    double sum = slab_share(&u->sessions) + 8.0 * u->by_cp.cap + 8.0 * u->ue4.cap;
    uint32_t i = 0;
    for (const struct upf_session *s; (s = slab_next(&u->sessions, &i));) {
        draft_begin(u->draft, n->upf, s);
        struct dp_rules *r = draft_check(u->draft);
        assert_non_null(r);
        sum += (double)malloc_usable_size(s->rules) + 8 + block(dp_rules_octets(r)) + PATH_SESSION;
        dp_rules_free(r);
    }
    return sum;
}
static void memory_as_small_as_before(void **state)
{
    (void)state;
    struct net *n = net_new((struct net_options){.seed = 1, .phones = PHONES});
    log_set_level(&n->log, LOG_ERROR);
    all_attach(n);
    const struct pcf *pcf = n->core.nf[SBI_NF_PCF]->state;
    const struct udm *udm = n->core.nf[SBI_NF_UDM]->state;
    double udm_sum = (double)map_count(&udm->subs) * block(sizeof(struct udm_sub)) +
                     (double)map_octets(&udm->subs) + (double)map_octets(&udm->subs_by_ue) +
                     (double)udm->texts.octets + (double)(PHONES * sizeof(struct udm_slot));
    double guard = 0;
    for (uint32_t i = 0; i < ARRAY_LEN(n->guard); i++)
        guard += slab_share(&n->guard[i]->ues) + slab_share(&n->guard[i]->sessions) +
                 (double)map_octets(&n->guard[i]->ue_by_id) +
                 (double)map_octets(&n->guard[i]->session_by_seid);
    const struct {
        const char *name;
        double octets;
    } part[] = {
        {"AMF", amf_octets(n)},
        {"SMF", slab_share(&n->smf->sessions) + slab_share(&n->smf->ues) +
                    (double)map_octets(&n->smf->ue_by_supi) + (double)n->smf->texts.octets},
        {"PCF", slab_share(&pcf->sessions) + slab_share(&pcf->ues) + (double)pcf->facts.octets},
        {"UDM", udm_sum},
        {"UPF and packet path", upf_octets(n)},
        {"guard", guard},
    };
    double sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        print_message("%-24s %7.0f octets\n", part[i].name, part[i].octets / PHONES);
        sum += part[i].octets / PHONES;
    }
    print_message("%-24s %7.0f octets a phone with a session, connected (limit %u)\n", "all", sum,
                  OCTETS_LIMIT);
    if (sum > OCTETS_LIMIT)
        fail_msg("a phone takes %.0f octets, the limit is %u: something made it larger. If that is "
                 "meant, say so in the commit and change "
                 "the limit in tests/net/speed_test.c",
                 sum, OCTETS_LIMIT);
    net_free(n);
}

int main(int argc, char **argv)
{
    vectors = argc > 1 ? argv[1] : "tests/codec_ngap/vectors.hex";
    return RUN(unit(memory_as_small_as_before), unit(ngap_as_fast_as_before),
               unit(packets_as_fast_as_before), unit(phones_as_fast_as_before));
}
