/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as PFCP messages of an associated SMF, and as GTP-U of a gNB, into a whole UPF in a
 * simulated world: sessions that are set up, changed and deleted by messages that nobody meant. An
 * input is a list of records: length (15 bits, the first bit: to N3), octets. Two records are asked
 * of each input: the association is up before it, and released after it, when nothing may be left. Before that
 * the control socket asks for status and for the rules of each session. */
#include "base/err.h"
#include "nf/upf/state.h"
#include "sim/data_network.h"
#include "sim/user_plane.h"
#include "trust/guard.h"
#include <stdio.h>
#include <stdlib.h>
#include "fuzz/mutate.h"

enum { RECORDS_MAX = 24, SESSIONS_MAX = 8, MS = 1000, SECOND = 1000000 };
static const struct net_addr SMF = {4, 8805, {10, 0, 0, 1}}, UPF = {4, 8805, {10, 0, 0, 2}},
                             N3 = {4, 2152, {10, 0, 0, 2}}, GNB = {4, 2152, {10, 0, 0, 3}};
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}
static void nothing(void *ctx, int sock, const struct net_addr *from, struct bytes b)
{
    (void)ctx, (void)sock, (void)from, (void)b;
}
static void line_add(void *ctx, const char *line) { text_add(ctx, "%s\n", line); }
static bool told(struct upf *u, const char *words, const char *begins)
{
    static char answer[1 << 18];
    struct text to = text_over(answer, sizeof answer);
    upf_nf.ask(u, str_of(words), &to);
    upf_nf.status(u, line_add, &to);
    return !strncmp(answer, begins, strlen(begins));
}
/* Each at once: as the head of a trace that no packet is waited for, for a person and for a program in turn. */
static void sessions_told(struct world *w, struct env *upf, struct upf *u)
{
    uint64_t seid[SESSIONS_MAX];
    char words[64];
    uint32_t i = 0, n = 0;
    for (struct upf_session *s; (s = slab_next(&u->sessions, &i));)
        if (!s->going)
            seid[n++] = upf_seid(u, s);
    for (i = 0; i < n; i++) {
        rt_enter(u->rt);
        snprintf(words, sizeof words, "start seid=0x%llx packets=0 json=%u", (unsigned long long)seid[i], i & 1);
        if (!upf_session_of_seid(u, seid[i]) || !told(u, words, "trace "))
            continue; /* it has ended meanwhile */
        world_attach(w, upf, u->rt);
        world_run(w, MS);
        rt_enter(u->rt);
        snprintf(words, sizeof words, "read %u", u->trace_last);
        check(told(u, words, "end\n"));
    }
}
static struct bytes node_message(uint8_t *p, uint8_t type, uint8_t seq)
{
    static const uint8_t ies[] = {0, 60, 0, 5, 0, 10, 0, 0, 1, 0, 96, 0, 4, 1, 2, 3, 4};
    uint32_t n = type == PFCP_ASSOCIATION_SETUP_REQUEST ? sizeof ies : 9;
    memset(p, 0, 8);
    p[0] = 0x20;
    p[1] = type;
    put_be16(p + 2, (uint16_t)(n + 4));
    p[4] = 0xff;
    p[6] = seq;
    memcpy(p + 8, ies, n);
    return (struct bytes){p, n + 8};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_n6 n6 = {.dnn = STR("internet"), .tun = STR("n6internet"),
                           .ipv4 = {{4, 0, {10, 45, 0, 1}}, 16},
                           .ipv6 = {{6, 0, {0xfd, 0, 0, 0x10, 0, 0x45, [15] = 1}}, 48}};
    struct config config = {.upf = {.n4_address = UPF, .n3_addresses = &N3, .n_n3_addresses = 1,
                                    .n6 = &n6, .n_n6 = 1, .n3_mtu = 1500, .max_sessions = SESSIONS_MAX,
                                    .buffer_packets = 8, .buffer_packets_session = 4}};
    struct data_network dn = {0};
    struct user_plane *up = NULL;
    struct guard *guard = NULL;
    struct world *w = world_new(1);
    struct env *upf = world_host(w, "upf", &UPF), *far = world_host(w, "far", &SMF);
    struct rt rt;
    uint8_t buf[64];
    check(rt_init(&rt, upf, 4 << 20) == OK);
    world_attach(w, upf, &rt);
    rt.config = &config;
    check(guard_open(&guard, &rt, &(struct guard_conf){.max_ues = 4, .max_sessions = 4}) == OK);
    check(user_plane_inline_open(&up, &rt, &config) == OK);
    check(nf_start(&rt, &upf_nf) == OK);
    check(data_network_start(&dn, w, upf, NULL) == OK);
    int n4 = far->ops->udp_open(far, &SMF, &(struct udp_sink){NULL, nothing});
    int n3 = far->ops->udp_open(far, &GNB, &(struct udp_sink){NULL, nothing});
    far->ops->udp_send(far, n4, &UPF, node_message(buf, PFCP_ASSOCIATION_SETUP_REQUEST, 1));
    world_run(w, MS);
    for (unsigned k = 0; k < RECORDS_MAX && size >= 2; k++) {
        bool user = data[0] & 0x80;
        uint32_t n = be16(data) & 0x7fff;
        data += 2;
        size -= 2;
        if (n > size)
            n = (uint32_t)size;
        far->ops->udp_send(far, user ? n3 : n4, user ? &N3 : &UPF, (struct bytes){data, n});
        world_run(w, 2 * MS);
        data += n;
        size -= n;
    }
    world_run(w, SECOND);
    struct upf *u = nf_state(&rt, SBI_NF_UPF);
    sessions_told(w, upf, u);
    far->ops->udp_send(far, n4, &UPF, node_message(buf, PFCP_ASSOCIATION_RELEASE_REQUEST, 2));
    world_run(w, 10 * MS);
    check(!u->sessions.used && !u->pendings.used && !u->paths.used && !u->ue4.used && !u->by_cp.used &&
          !map_count(&u->ue6[0]) && !map_count(&u->framed));
    for (uint32_t i = 0; i < UPF_APPS; i++)
        check(!u->app[i].assoc && !u->app[i].users);
    nf_stop_all(&rt);
    user_plane_close(up);
    guard_free(guard);
    check(rt.frames.in_use == 0);
    world_attach(w, upf, NULL);
    rt_free(&rt);
    world_free(w);
    return 0;
}

#ifdef LIE_MUTATOR
static int lie(unsigned kind, struct bytes b, uint64_t *seed, uint8_t *to, uint32_t cap)
{
    return kind == 0 ? lie_pfcp(b, seed, to, cap) : 0;
}
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    return mutate_records(data, size, max, seed, 1, lie);
}
#endif
