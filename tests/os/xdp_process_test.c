/* SPDX-License-Identifier: Apache-2.0 */
/* The packet path in the kernel outlives its process: killed, started again, with interfaces that go, and what it finds then. */
#include "tests/os/xdp.h"

/* ---- a process that is killed ---- */
static char PIN[64];
static void pin_options(struct xdp_options *o, const struct dp_config *c)
{
    *o = (struct xdp_options){.dp = c, .routed = ~0ull, .blocks_max = 20, .test_clock = true, .pin = PIN};
}
enum { ONLY_V6 = 3 }; /* of the three this one has no IPv4 address */
static struct rule_session *session_of(struct plain *p, const struct dp_config *c, uint32_t i)
{
    struct rule_session *s = plain_session(p, c->sessions_max, i, 1);
    p->urr[0].start_at_once = true;
    s->has_ipv4 = i != ONLY_V6;
    return s;
}
/* Opens all with three sessions, then dies without a word. */
static void die_at_work(const struct dp_config *c)
{
    char why[XDP_WHY];
    struct xdp_options o;
    pin_options(&o, c);
    struct xdp_link n3 = {.ifname = "n3"}, n6 = {.ifname = "n6", .instances = 3};
    struct net *t = calloc(1, sizeof *t);
    struct xdp *x;
    net_open(t, c);
    if (xdp_open(&x, &o, why) || xdp_attach(x, &n3, why) || xdp_attach(x, &n6, why) || !xdp_takes(x, &n3) || !xdp_takes(x, &n6))
        _exit(1);
    struct offload *off = offload_new(t->dp, xdp_maps(x), xdp_configured(x));
    for (uint32_t i = 1; i <= 3; i++) {
        static struct plain p;
        if (dp_session_set(t->dp, t->now, session_of(&p, c, i), NULL) != OK)
            _exit(2);
    }
    offload_settle(off, t->now, true);
    if (offload_numbers(off).fast != 3)
        _exit(3);
    kill(getpid(), SIGKILL);
}
static void one_dies_at_work(const struct dp_config *c)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        die_at_work(c);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
static bool pins_begin(void)
{
    snprintf(PIN, sizeof PIN, "/tmp/%.20s/upf", NS);
    if (xdp_mount(PIN) == OK)
        return true;
    print_message("no bpffs can be mounted here: skipped\n");
    return false;
}
static void pins_end(void)
{
    *strrchr(PIN, '/') = 0;
    assert_int_equal(umount(PIN), 0);
    rmdir(PIN);
}
static int program_at(const char *ifname)
{
    uint32_t id = 0;
    bpf_xdp_query_id((int)if_nametoindex(ifname), 0, &id);
    return id ? bpf_prog_get_fd_by_id(id) : -1;
}
/* The kernel takes it away a little after the last who held it. */
static void no_program_at(const char *ifname)
{
    int fd = -1;
    for (int i = 0; i < 200 && (fd = program_at(ifname)) >= 0; i++) {
        close(fd);
        usleep(10000);
    }
    assert_int_equal(fd, -1);
}
static int run_there(int program, uint32_t ifindex, struct frame *f)
{
    static struct frame out;
    struct xdp_md ctx = {.data_end = f->n, .ingress_ifindex = ifindex};
    LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f->p, .data_size_in = f->n, .data_out = out.p, .data_size_out = FRAME,
                .ctx_in = &ctx, .ctx_size_in = sizeof ctx, .repeat = 1);
    assert_int_equal(bpf_prog_test_run_opts(program, &o), 0);
    return (int)o.retval;
}
static void frame_down(struct frame *f, uint32_t session)
{
    memcpy(f->p, W.mac6, 6);
    memcpy(f->p + 6, PEER_MAC, 6);
    put_be16(f->p + 12, session == ONLY_V6 ? 0x86dd : 0x800);
    const uint8_t far[16] = {0x2a, 9}, ue[16] = {0x20, 1, 0x0d, 0xb8, [7] = ONLY_V6, 1};
    f->n = ETH + (session == ONLY_V6 ? ip6(f->p + ETH, far, ue, 100) : inner4(f->p + ETH, session, false, 100));
}

/* What no honest peer sends is dropped wherever it is seen, and one of its kind a second is told of. */
static void packets_go_on_when_the_process_is_killed(void **state)
{
    struct dp_config c = net_config();
    char why[XDP_WHY];
    if (!pins_begin())
        skip();
    one_dies_at_work(&c);
    /* the program is there, and does what it did */
    static struct frame f;
    int program = program_at("n6");
    assert_true(program >= 0);
    for (uint32_t i = 1; i <= 3; i++) {
        frame_down(&f, i);
        assert_int_equal(run_there(program, W.n6, &f), XDP_REDIRECT);
    }
    close(program);
    /* the next process */
    struct xdp_options o;
    pin_options(&o, &c);
    struct xdp_link n3 = {.ifname = "n3"}, n6 = {.ifname = "n6", .instances = 3};
    net_open(&W.b, &c);
    if (xdp_open(&W.xdp, &o, why))
        fail_msg("%s", why);
    assert_true(xdp_took_over(W.xdp));
    W.offload = offload_new(W.b.dp, xdp_maps(W.xdp), xdp_configured(W.xdp));
    assert_int_equal(offload_numbers(W.offload).left, 3);
    if (xdp_attach(W.xdp, &n3, why) || xdp_attach(W.xdp, &n6, why))
        fail_msg("%s", why);
    xdp_clock(W.xdp, 1); /* no next hop is known from before */
    frame_down(&f, 1);
    assert_int_equal(run_there(xdp_program(W.xdp), W.n6, &f), XDP_REDIRECT);
    assert_true(n6.mode == XDP_NATIVE && xdp_takes(W.xdp, &n3) && xdp_takes(W.xdp, &n6));
    uint64_t k[DP_COUNTERS] = {0};
    offload_counters(W.offload, k);
    assert_int_equal(k[DP_to_tunnel], 4); /* counters go on, too */
    for (uint32_t i = 1; i <= 3; i++) {
        frame_down(&f, i);
        assert_int_equal(run_there(xdp_program(W.xdp), W.n6, &f), XDP_REDIRECT);
    }
    /* N4 sets one up again, at another index: what it had counted before is not reported again */
    static struct plain p;
    struct rule_session *s = plain_session(&p, c.sessions_max, 7, 1);
    s->ipv4[3] = 1;
    s->ipv6_prefix[7] = 1;
    p.urr[0].start_at_once = true;
    assert_int_equal(dp_session_set(W.b.dp, W.b.now, s, NULL), OK);
    offload_settle(W.offload, W.b.now, true);
    assert_int_equal(offload_numbers(W.offload).fast, 1);
    assert_int_equal(offload_numbers(W.offload).left, 2);
    frame_down(&f, 1);
    assert_int_equal(run_there(xdp_program(W.xdp), W.n6, &f), XDP_REDIRECT);
    struct rule_usage u;
    assert_int_equal(dp_usage_take(W.b.dp, W.b.now, 7, 1, 1, &u), OK);
    assert_int_equal(u.dl_packets, 1);
    s = session_of(&p, &c, ONLY_V6);
    s->session = 8;
    p.pdr[0].teid = dp_teid(c.sessions_max, 8, 0, 0x40000000);
    assert_int_equal(dp_session_set(W.b.dp, W.b.now, s, NULL), OK);
    offload_settle(W.offload, W.b.now, true);
    assert_int_equal(offload_numbers(W.offload).left, 1);
    /* the other ends, and takes nothing with it */
    assert_int_equal(offload_forget(W.offload), 1);
    frame_down(&f, ONLY_V6);
    assert_int_equal(run_there(xdp_program(W.xdp), W.n6, &f), XDP_REDIRECT);
    frame_down(&f, 2);
    assert_int_equal(run_there(xdp_program(W.xdp), W.n6, &f), XDP_PASS);
    offload_free(W.offload);
    dp_free(W.b.dp);
    xdp_close(W.xdp);
    no_program_at("n6"); /* nothing is left */
    assert_int_equal(access(PIN, F_OK), -1);
    /* what another configuration left is ended, not taken over */
    one_dies_at_work(&c);
    c.inner_mtu = 1300;
    pin_options(&o, &c);
    assert_int_equal(xdp_open(&W.xdp, &o, why), OK);
    assert_false(xdp_took_over(W.xdp));
    no_program_at("n6");
    xdp_close(W.xdp);
    pins_end();
}

/* An interface that the next process has no more is let go. */
static void interfaces_may_go(void **state)
{
    struct dp_config c = net_config();
    char why[XDP_WHY];
    struct xdp_options o;
    struct xdp_link n6 = {.ifname = "n6", .instances = 3};
    if (!pins_begin())
        skip();
    one_dies_at_work(&c);
    pin_options(&o, &c);
    assert_int_equal(xdp_open(&W.xdp, &o, why), OK);
    assert_true(xdp_took_over(W.xdp));
    assert_int_equal(xdp_attach(W.xdp, &n6, why), OK);
    xdp_attached(W.xdp);
    no_program_at("n3");
    int program = program_at("n6");
    assert_true(program >= 0);
    close(program);
    xdp_close(W.xdp);
    no_program_at("n6");
    pins_end();
}

/* A map like another process could leave it, in the place of one of ours. */
static void replace_map(const char *name, enum bpf_map_type type, uint32_t value, uint32_t entries)
{
    LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = type == BPF_MAP_TYPE_ARRAY ? BPF_F_MMAPABLE : 0);
    char path[128];
    snprintf(path, sizeof path, "%s/%s", PIN, name);
    unlink(path);
    int fd = bpf_map_create(type, "theirs", 4, value, entries, &o);
    assert_true(fd >= 0);
    assert_int_equal(bpf_obj_pin(fd, path), 0);
    close(fd);
}
static void file_make(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void what_is_found_is_looked_at(void **state)
{
    static const struct {
        const char *name;
        enum bpf_map_type type;
        uint32_t value, entries;
    } bad[] = {{"sessions", BPF_MAP_TYPE_ARRAY, 8, 1},
               {"sessions", BPF_MAP_TYPE_HASH, 8, 1},
               {"ue_cells", BPF_MAP_TYPE_ARRAY, 64, 1},
               {"counters", BPF_MAP_TYPE_ARRAY, 8, 4},
               {"ports", BPF_MAP_TYPE_ARRAY, 16, 1},
               {"config", BPF_MAP_TYPE_ARRAY, 8192, 1},
               {"config", BPF_MAP_TYPE_HASH, sizeof(struct xdp_config), 1}};
    struct dp_config c = net_config();
    char why[XDP_WHY];
    struct xdp_options o;
    if (!pins_begin())
        skip();
    pin_options(&o, &c);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        one_dies_at_work(&c);
        replace_map(bad[i].name, bad[i].type, bad[i].value, bad[i].entries);
        assert_int_equal(xdp_open(&W.xdp, &o, why), OK);
        assert_false(xdp_took_over(W.xdp));
        net_open(&W.b, &c);
        W.offload = offload_new(W.b.dp, xdp_maps(W.xdp), xdp_configured(W.xdp));
        assert_int_equal(offload_numbers(W.offload).left, 0);
        offload_free(W.offload);
        dp_free(W.b.dp);
        xdp_close(W.xdp);
        no_program_at("n6");
        assert_int_equal(access(PIN, F_OK), -1);
    }
    /* what others pinned beside it stays */
    char path[128], dir[64], link[128];
    one_dies_at_work(&c);
    replace_map("theirs", BPF_MAP_TYPE_ARRAY, 8, 1);
    xdp_unpin(PIN);
    no_program_at("n6");
    snprintf(path, sizeof path, "%s/theirs", PIN);
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
    /* a folder that somebody else can write, or has */
    assert_int_equal(chmod(PIN, 0777), 0);
    assert_int_equal(xdp_open(&W.xdp, &o, why), ERR_DENIED);
    assert_int_equal(chmod(PIN, 0700), 0);
    assert_int_equal(chown(PIN, 65534, 65534), 0);
    assert_int_equal(xdp_open(&W.xdp, &o, why), ERR_DENIED);
    assert_int_equal(rmdir(PIN), 0);
    /* a symbolic link to a folder of files, and that folder itself */
    snprintf(dir, sizeof dir, "/tmp/%.20s-files", NS);
    snprintf(path, sizeof path, "%s/sessions", dir);
    snprintf(link, sizeof link, "%s", PIN);
    assert_int_equal(mkdir(dir, 0700), 0);
    file_make(path);
    assert_int_equal(symlink(dir, link), 0);
    xdp_unpin(link);
    xdp_unpin(dir);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(xdp_open(&W.xdp, &o, why), ERR_DENIED);
    o.pin = dir;
    assert_int_equal(xdp_open(&W.xdp, &o, why), ERR_DENIED);
    assert_int_equal(unlink(link), 0);
    /* nothing is mounted over files, nor where others can write */
    snprintf(link, sizeof link, "%s/upf", dir);
    assert_int_equal(xdp_mount(link), ERR_EXISTS);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(chmod(dir, 0777), 0);
    assert_int_equal(xdp_mount(link), ERR_DENIED);
    assert_int_equal(rmdir(dir), 0);
    pins_end();
}

int main(void)
{
    char prefix[24];
    int no = xdp_begin(prefix);
    if (no)
        return no;
    int failed = RUN(unit(packets_go_on_when_the_process_is_killed), unit(interfaces_may_go), unit(what_is_found_is_looked_at));
    netns_delete_prefix(prefix);
    return failed;
}
