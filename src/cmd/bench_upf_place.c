/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/bench_upf_place.h"
#include "base/err.h"
#include "os/env.h"
#include "os/netns.h"
#include <stdio.h>

enum { SESSION = 1 };

int bench_upf_failed(const char *what, const char *why)
{
    fprintf(stderr, "redoubt bench: %s%s%s\n", what, why && *why ? ": " : "", why ? why : "");
    return EXIT_FAILED;
}
struct net_addr bench_addr(const char *text)
{
    struct net_addr a = {0};
    addr_parse(&a, str_of(text), 0);
    return a;
}

int bench_links_make(struct bench_links *l, const char *prefix, const char *letter)
{
    const struct net_addr a3 = bench_addr("192.168.3.1"), g3 = bench_addr("192.168.3.2"), a6 = bench_addr("192.168.6.1"),
                          d6 = bench_addr("192.168.6.2"), none = {0};
    snprintf(l->gnb, sizeof l->gnb, "%s-%sgnb", prefix, letter);
    snprintf(l->upf, sizeof l->upf, "%s-%supf", prefix, letter);
    snprintf(l->data, sizeof l->data, "%s-%sdata", prefix, letter);
    int e = netns_create(l->gnb);
    e = e < 0 ? e : netns_create(l->upf);
    e = e < 0 ? e : netns_create(l->data);
    e = e < 0 ? e : netns_veth(l->upf, "n3", l->gnb, "n3");
    e = e < 0 ? e : netns_veth(l->upf, "n6", l->data, "n6");
    e = e < 0 ? e : netns_forwarding(l->upf, true);
    e = e < 0 ? e : netns_address(l->upf, "n3", &a3, 24);
    e = e < 0 ? e : netns_address(l->upf, "n6", &a6, 24);
    e = e < 0 ? e : netns_mac(l->gnb, "n3", l->gnb_mac);
    e = e < 0 ? e : netns_mac(l->data, "n6", l->data_mac);
    e = e < 0 ? e : netns_mac(l->upf, "n3", l->n3_mac);
    e = e < 0 ? e : netns_mac(l->upf, "n6", l->n6_mac);
    e = e < 0 ? e : netns_neighbour(l->upf, "n3", &g3, l->gnb_mac);
    e = e < 0 ? e : netns_neighbour(l->upf, "n6", &d6, l->data_mac);
    e = e < 0 ? e : netns_route(l->upf, &none, 0, &d6, "n6");
    for (int side = 0; e >= 0 && side < 2; side++)
        e = netns_veth_beside_xdp(l->upf, side ? "n3" : "n6");
    return e;
}
static int links_make(const struct bench_place *p)
{
    const struct net_addr u3 = bench_addr("192.168.3.1"), g3 = bench_addr("192.168.3.2"), u6 = bench_addr("192.168.6.1"),
                          d6 = bench_addr("192.168.6.2"), plains = bench_addr("10.128.0.0"), plain = bench_addr(BENCH_PLAIN),
                          none = {0};
    int e = netns_veth(p->upf, "n3", p->gnb, "n3");
    e = e < 0 ? e : netns_veth(p->upf, "n6", p->data, "n6");
    e = e < 0 ? e : netns_forwarding(p->upf, true);
    e = e < 0 ? e : netns_forwarding(p->gnb, true);
    e = e < 0 ? e : netns_address(p->upf, "n3", &u3, 24);
    e = e < 0 ? e : netns_address(p->upf, "n6", &u6, 24);
    e = e < 0 ? e : netns_address(p->gnb, "n3", &g3, 24);
    e = e < 0 ? e : netns_address(p->gnb, "n3", &plain, 32);
    e = e < 0 ? e : netns_address(p->data, "n6", &d6, 24);
    e = e < 0 ? e : netns_route(p->gnb, &none, 0, &u3, "n3");
    e = e < 0 ? e : netns_route(p->data, &none, 0, &u6, "n6");
    return e < 0 ? e : netns_route(p->upf, &plains, 16, &g3, "n3");
}
int bench_place_make(struct bench_place *p, const char *prefix, const char *letter)
{
    *p = (struct bench_place){0};
    snprintf(p->gnb, sizeof p->gnb, "%s-%sgnb", prefix, letter);
    snprintf(p->upf, sizeof p->upf, "%s-%supf", prefix, letter);
    snprintf(p->data, sizeof p->data, "%s-%sdata", prefix, letter);
    int e = netns_create(p->gnb);
    e = e < 0 ? e : netns_create(p->upf);
    e = e < 0 ? e : netns_create(p->data);
    e = e < 0 ? e : links_make(p);
    e = e < 0 ? e : loop_open(&p->loop);
    e = e < 0 ? e : env_real_open(&p->env, p->loop, NULL);
    e = e < 0 ? e : rt_init(&p->rt, p->env, 1 << 20);
    return e < 0 ? bench_upf_failed("the network namespaces could not be made", err_text(e)) : EXIT_OK;
}

static void on_event(void *ctx, const struct dp_event *e)
{
    struct bench_place *p = ctx;
    p->done |= e->kind == DP_EVENT_DONE && e->result == OK;
}
int bench_place_open(struct bench_place *p, enum config_data_path path)
{
    char why[USER_PLANE_WHY];
    p->n3 = bench_addr("192.168.3.1");
    p->n6 = (struct config_n6){.dnn = STR("internet"), .tun = STR("n6internet"), .create = true,
                               .ipv4 = {bench_addr("10.64.0.2"), 10}, .link = STR("n6")};
    p->config.upf = (struct config_upf){.data_path = path, .n3_addresses = &p->n3, .n_n3_addresses = 1, .n6 = &p->n6, .n_n6 = 1,
                                        .n3_mtu = 1500, .max_sessions = 1000, .buffer_packets = 100,
                                        .buffer_packets_session = 10};
    int e = user_plane_open(&p->up, p->loop, &p->rt, &p->config, p->upf, why);
    if (e < 0) {
        p->up = NULL;
        return bench_upf_failed("the user plane is not to be had here", *why ? why : err_text(e));
    }
    user_plane_listen(p->up, &(struct user_plane_sink){p, on_event});
    return EXIT_OK;
}

int bench_place_session(struct bench_place *p, uint64_t kbit)
{
    struct rule_urr urr = {.id = 1, .measure_volume = true, .start_at_once = true, .threshold.total = 1ull << 60};
    struct rule_qer qer = {.id = 1, .qfi = BENCH_QFI, .has_mbr = true, .mbr_ul_kbit = kbit, .mbr_dl_kbit = kbit};
    struct rule_far far[2] = {{.id = 1, .action = RULE_FORW, .destination = RULE_CORE},
                              {.id = 2, .action = RULE_FORW, .destination = RULE_ACCESS, .teid = BENCH_DL_TEID,
                               .peer = {4, DP_GTPU_PORT, {192, 168, 3, 2}}}};
    struct rule_pdr pdr[2] = {{.id = 1, .precedence = 1, .source = RULE_ACCESS, .outer_header_removal = true, .far_id = 1},
                              {.id = 2, .precedence = 1, .source = RULE_CORE, .far_id = 2}};
    p->ul_teid = pdr[0].teid = dp_teid(p->up->config.sessions_max, SESSION, 0, 0x40000000);
    for (unsigned k = 0; k < 2; k++) {
        pdr[k].qer_n = pdr[k].urr_n = 1;
        pdr[k].qer_id[0] = pdr[k].urr_id[0] = 1;
    }
    struct rule_session s = {.session = SESSION, .gen = 1, .has_ipv4 = true, .pdr = pdr, .far = far, .qer = &qer, .urr = &urr,
                             .pdr_n = 2, .far_n = 2, .qer_n = 1, .urr_n = 1};
    memcpy(s.ipv4, bench_phone, sizeof bench_phone);
    int error;
    struct dp_command c = {.kind = DP_PUT, .session = SESSION, .gen = 1, .tag = 1};
    c.rules = dp_rules_new(&p->up->config, &s, &error, NULL);
    p->done = false;
    if (c.rules && user_plane_command(p->up, &c) < 0)
        dp_rules_free(c.rules);
    for (int i = 0; i < 200 && !p->done; i++)
        loop_once(p->loop, 10000);
    return p->done ? EXIT_OK : bench_upf_failed("a session could not be made", "");
}

void bench_place_shut(struct bench_place *p)
{
    user_plane_close(p->up);
    p->up = NULL;
}
void bench_place_close(struct bench_place *p)
{
    bench_place_shut(p);
    rt_free(&p->rt);
    env_real_free(p->env);
    loop_free(p->loop);
}
