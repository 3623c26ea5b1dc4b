/* SPDX-License-Identifier: Apache-2.0 */
/* bench_upf_n4.c - redoubt run with the UPF alone, and an SMF of a few lines that sets up sessions over UDP, some of them at
 * a time, as fast as they are answered. A session is a usual one: a PDR, a FAR each way, session AMBR, a flow, volume counted. */
#include "cmd/bench_upf_n4.h"
#include "base/err.h"
#include "cmd/bench_upf_place.h"
#include "cmd/child.h"
#include "os/env.h"
#include "os/loop.h"
#include "os/netns.h"
#include "proto/pfcp.h"
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "/tmp/%s-n4" /* of store and socket */
enum { WINDOW = 128, READY_MS = 10000, SILENCE_US = 5000000 };
static const struct net_addr UPF = {4, PFCP_PORT, {127, 0, 0, 7}}, SMF = {4, PFCP_PORT, {127, 0, 0, 8}};
struct bench {
    char netns[32], folder[64];
    struct child upf;
    bool ready, up;
    struct loop *loop;
    struct env *env;
    struct rt rt;
    struct pfcp_node smf;
    uint32_t asked, done, refused, wanted;
    uint64_t last_us; /* an answer came */
    char said[256];   /* by the UPF last */
};

/* ---- the UPF ---- */
static void line_came(void *ctx, struct str line)
{
    struct bench *b = ctx;
    b->ready |= str_starts(line, "ready ");
    str_copy(b->said, sizeof b->said, line);
}
static int upf_start(struct bench *b, uint32_t sessions)
{
    char store[128], socket[128], max[64];
    snprintf(store, sizeof store, "udr.path=%s/store.db", b->folder);
    snprintf(socket, sizeof socket, "control.socket=%s/socket", b->folder);
    snprintf(max, sizeof max, "upf.max_sessions=%u", sessions);
    const char *const words[] = {"run", "--set", "network.nfs=upf", "--set", "upf.n4_address=127.0.0.7", "--set",
                                 "upf.n3_addresses=127.0.0.7", "--set", "upf.data_path=portable", "--set",
                                 "upf.n6=[{dnn: internet, tun: n6internet, ipv4: 10.64.0.1/10, nat: false}]", "--set", store,
                                 "--set", socket, "--set", max, NULL};
    if (child_start(&b->upf, b->netns, words) < 0)
        return bench_upf_failed("a UPF could not be started", "");
    for (uint64_t end = loop_now_us() + READY_MS * 1000ull; !b->ready && loop_now_us() < end;) {
        struct pollfd p = {b->upf.fd, POLLIN, 0};
        poll(&p, 1, 20);
        if (!child_read(&b->upf, line_came, b))
            break;
    }
    return b->ready ? EXIT_OK : bench_upf_failed("the UPF does not start", b->said);
}
/* CPU time of all its threads, us. */
static double cpu_us(const struct bench *b)
{
    char path[300];
    double sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)b->upf.pid);
    DIR *d = opendir(path);
    for (const struct dirent *e; d && (e = readdir(d));) {
        unsigned long long ns = 0;
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)b->upf.pid, e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (f && fscanf(f, "%llu", &ns) == 1)
            sum += (double)ns / 1000;
        if (f)
            fclose(f);
    }
    if (d)
        closedir(d);
    return sum;
}
static double memory_octets(const struct bench *b)
{
    char path[64], line[256];
    double sum = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)b->upf.pid);
    FILE *f = fopen(path, "re");
    unsigned long kb;
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Private_Clean: %lu", &kb) == 1 || sscanf(line, "Private_Dirty: %lu", &kb) == 1)
            sum += (double)kb * 1024;
    if (f)
        fclose(f);
    return sum;
}

/* ---- the SMF ---- */
static void asked_for(void *ctx, struct pfcp_node *n, const struct pfcp_in *in)
{
    (void)ctx;
    pfcp_refuse(n, in->answer, 0, PFCP_CAUSE_SERVICE_NOT_SUPPORTED, 0);
}
static void event(void *ctx, struct pfcp_node *n, struct pfcp_assoc *a, enum pfcp_event e)
{
    (void)n, (void)a;
    ((struct bench *)ctx)->up = e == PFCP_PEER_UP;
}
static uint64_t turn(void *ctx)
{
    struct bench *b = ctx;
    rt_enter(&b->rt);
    return rt_turn(&b->rt);
}
static int smf_open(void *ctx)
{
    struct bench *b = ctx;
    struct pfcp_user user = {b, asked_for, event, NULL, NULL};
    struct pfcp_assoc *a;
    int e = pfcp_open(&b->smf, &b->rt, &(struct pfcp_config){.local = SMF}, &user);
    return e < 0 ? e : pfcp_associate(&b->smf, &UPF, &a);
}

struct request { /* a Session Establishment Request and what it points to */
    struct pfcp_msg m;
    uint8_t internet[16];
    uint32_t qer_ids[2], urr_id;
    struct pfcp_create_pdr pdr[2];
    struct pfcp_create_far far[2];
    struct pfcp_create_qer qer[2];
    struct pfcp_create_urr urr;
};
static void request_make(struct request *r, const struct bench *b, uint32_t i)
{
    struct pfcp_session_establishment_request *q = &r->m.session_establishment_request;
    *r = (struct request){.m.type = PFCP_SESSION_ESTABLISHMENT_REQUEST, .qer_ids = {1, 2}, .urr_id = 1};
    struct str internet = {(const char *)r->internet, (uint32_t)pfcp_fqdn_put(r->internet, sizeof r->internet, STR("internet"))};
    for (unsigned k = 0; k < 2; k++) {
        r->pdr[k] = (struct pfcp_create_pdr){.pdr_id = (uint16_t)(k + 1), .precedence = 255, .has.far_id = 1, .far_id = k + 1,
                                             .qer_id = {r->qer_ids, 2}, .urr_id = {&r->urr_id, 1}};
        r->pdr[k].pdi.has.ue_ip_address = 1;
        put_be32(r->pdr[k].pdi.ue_ip_address.ipv4, 0x0a400002 + i); /* 10.64.0.2 */
        r->far[k] = (struct pfcp_create_far){.far_id = k + 1, .apply_action = PFCP_APPLY_ACTION_FORW, .has.forwarding_parameters = 1};
        r->qer[k] = (struct pfcp_create_qer){.qer_id = k + 1, .has.maximum_bitrate = 1, .maximum_bitrate = {100000, 100000}};
    }
    r->pdr[0].has.outer_header_removal = 1;
    r->pdr[0].outer_header_removal.flags = PFCP_OHR_GTPU_UDP_IPV4;
    r->pdr[0].pdi.source_interface = PFCP_INTERFACE_ACCESS;
    r->pdr[0].pdi.has.local_f_teid = 1;
    r->pdr[0].pdi.local_f_teid.flags = PFCP_F_TEID_V4 | PFCP_F_TEID_CH;
    r->pdr[0].pdi.ue_ip_address.flags = PFCP_UE_IP_V4;
    r->pdr[1].pdi.source_interface = PFCP_INTERFACE_CORE;
    r->pdr[1].pdi.has.network_instance = 1;
    r->pdr[1].pdi.network_instance = internet;
    r->pdr[1].pdi.ue_ip_address.flags = PFCP_UE_IP_V4 | PFCP_UE_IP_DESTINATION;
    r->far[0].forwarding_parameters.destination_interface = PFCP_INTERFACE_CORE;
    r->far[0].forwarding_parameters.has.network_instance = 1;
    r->far[0].forwarding_parameters.network_instance = internet;
    r->far[1].forwarding_parameters.destination_interface = PFCP_INTERFACE_ACCESS;
    r->far[1].forwarding_parameters.has.outer_header_creation = 1;
    r->far[1].forwarding_parameters.outer_header_creation.flags = PFCP_OHC_GTPU_IPV4;
    r->far[1].forwarding_parameters.outer_header_creation.teid = 0x100000 + i;
    memcpy(r->far[1].forwarding_parameters.outer_header_creation.ipv4, (uint8_t[]){127, 0, 0, 9}, 4);
    r->qer[1].has.qfi = 1;
    r->qer[1].qfi = 9;
    r->urr = (struct pfcp_create_urr){.urr_id = 1, .measurement_method = PFCP_MEASUREMENT_METHOD_VOLUM,
                                      .reporting_triggers = PFCP_TRIGGER_VOLTH, .has.volume_threshold = 1,
                                      .volume_threshold = {.flags = PFCP_VOLUME_TOVOL, .total = 1ull << 40}};
    q->node_id = b->smf.config.node_id;
    q->cp_f_seid = pfcp_f_seid_of(i + 1, &SMF);
    q->create_pdr.v = r->pdr, q->create_pdr.n = 2;
    q->create_far.v = r->far, q->create_far.n = 2;
    q->create_qer.v = r->qer, q->create_qer.n = 2;
    q->create_urr.v = &r->urr, q->create_urr.n = 1;
    q->has.pdn_type = 1;
    q->pdn_type = PFCP_PDN_IPV4;
}

static void answered(void *ctx, int err, const struct pfcp_msg *m, const struct pfcp_report *report)
{
    struct bench *b = ctx;
    (void)report;
    b->done++;
    b->refused += err < 0 || m->session_establishment_response.cause != PFCP_CAUSE_REQUEST_ACCEPTED;
    b->last_us = loop_now_us();
}
/* Sessions until there are so many. */
static int sessions_make(struct bench *b, uint32_t upto)
{
    static struct request r;
    b->last_us = loop_now_us();
    while (b->done < upto && !b->refused) {
        rt_enter(&b->rt);
        for (; b->asked < upto && b->asked - b->done < WINDOW; b->asked++) {
            request_make(&r, b, b->asked);
            if (pfcp_request(&b->smf, &UPF, &r.m, answered, b, NULL) < 0)
                return bench_upf_failed("a request could not be sent", "");
        }
        loop_once(b->loop, 10000);
        child_read(&b->upf, line_came, b);
        if (loop_now_us() - b->last_us > SILENCE_US)
            return bench_upf_failed("the UPF does not answer", b->said);
    }
    return b->refused ? bench_upf_failed("the UPF refused a session", b->said) : EXIT_OK;
}

static int measure(struct bench *b, struct bench_upf_n4 *r, uint32_t sessions)
{
    int e = loop_open(&b->loop);
    e = e < 0 ? e : env_real_open(&b->env, b->loop, NULL);
    e = e < 0 ? e : rt_init(&b->rt, b->env, 8 << 20);
    e = e < 0 ? e : loop_on_turn(b->loop, turn, b);
    e = e < 0 ? e : netns_run(b->netns, smf_open, b);
    if (e < 0)
        return bench_upf_failed("an SMF could not be made", err_text(e));
    for (uint64_t end = loop_now_us() + 3000000; !b->up && loop_now_us() < end;)
        loop_once(b->loop, 10000);
    /* the first ones fill what all have in common: answers are kept for repetitions, some 30,000 of them */
    uint32_t first = sessions / 4;
    if (!b->up || sessions_make(b, first))
        return b->up ? EXIT_FAILED : bench_upf_failed("the UPF does not associate", b->said);
    double memory = memory_octets(b), cpu = cpu_us(b);
    uint64_t start = loop_now_us();
    if (sessions_make(b, sessions))
        return EXIT_FAILED;
    double wall = (double)(loop_now_us() - start), n = sessions - first;
    r->per_second = n * 1e6 / (cpu_us(b) - cpu);
    r->wall_per_second = n * 1e6 / wall;
    r->octets = (memory_octets(b) - memory) / n;
    return EXIT_OK;
}

void bench_upf_n4_clean(const char *prefix)
{
    char folder[64];
    snprintf(folder, sizeof folder, FOLDER, prefix);
    DIR *d = opendir(folder);
    for (const struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    rmdir(folder);
}

int bench_upf_n4(struct bench_upf_n4 *r, const char *prefix, uint32_t sessions)
{
    static struct bench b;
    b = (struct bench){.upf.fd = -1, .smf.sock = -1};
    snprintf(b.netns, sizeof b.netns, "%s-n4", prefix);
    snprintf(b.folder, sizeof b.folder, FOLDER, prefix);
    if (mkdir(b.folder, 0700) < 0)
        return bench_upf_failed("a folder could not be made", b.folder);
    int e = netns_create(b.netns), status = e < 0 ? bench_upf_failed("a network namespace could not be made", err_text(e)) : EXIT_OK;
    status = status ? status : upf_start(&b, sessions);
    status = status ? status : measure(&b, r, sessions);
    child_end(&b.upf);
    if (b.smf.rt)
        pfcp_close(&b.smf);
    rt_free(&b.rt);
    env_real_free(b.env);
    loop_free(b.loop);
    bench_upf_n4_clean(prefix);
    return status;
}
