/* SPDX-License-Identifier: Apache-2.0 */
/* The loop, files and UDP. */
#include "tests/test.h"
#include "os/env.h"
#include "os/file.h"
#include "os/udp.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct seen {
    struct loop *loop;
    uint32_t wakes, signals, turns, fds, datagrams;
    struct loop_watch a, b;
    uint8_t last[UDP_MAX];
    uint32_t last_n;
    struct net_addr from;
};
static void woken(void *ctx)
{
    struct seen *s = ctx;
    s->wakes++;
    loop_stop(s->loop);
}
static void *waker(void *ctx)
{
    loop_wake(ctx);
    return NULL;
}
static void signalled(void *ctx, int signo)
{
    struct seen *s = ctx;
    s->signals += signo == SIGUSR1;
    loop_stop(s->loop);
}
static uint64_t deadline(void *ctx)
{
    struct seen *s = ctx;
    return s->turns++ == 0 ? loop_now_us() + 20000 : (loop_stop(s->loop), UINT64_MAX);
}
static void fd_ready(void *ctx, uint32_t events)
{
    struct seen *s = ctx;
    s->fds++;
    loop_unwatch(&s->a); /* both are ready: whichever comes first ends both */
    loop_unwatch(&s->b);
}

static void loop_does(void **state)
{
    struct seen s = {0};
    pthread_t t;
    sigset_t set;
    int p[2];
    assert_int_equal(loop_open(&s.loop), OK);
    loop_on_wake(s.loop, woken, &s);
    assert_int_equal(pthread_create(&t, NULL, waker, s.loop), 0);
    assert_int_equal(loop_run(s.loop), OK);
    pthread_join(t, NULL);
    assert_int_equal(s.wakes, 1);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    assert_int_equal(loop_on_signals(s.loop, &set, signalled, &s), OK);
    raise(SIGUSR1);
    assert_int_equal(loop_run(s.loop), OK);
    assert_int_equal(s.signals, 1);
    uint64_t from = loop_now_us();
    assert_int_equal(loop_on_turn(s.loop, deadline, &s), OK);
    assert_int_equal(loop_run(s.loop), OK);
    assert_in_range(loop_now_us() - from, 20000, 2000000);
    loop_off_turn(s.loop, deadline, &s);
    assert_int_equal(pipe(p), 0);
    int second = dup(p[0]);
    assert_int_equal(loop_watch(s.loop, &s.a, p[0], EPOLLIN, fd_ready, &s), OK);
    assert_int_equal(loop_watch(s.loop, &s.b, second, EPOLLIN, fd_ready, &s), OK);
    assert_int_equal(write(p[1], "x", 1), 1);
    for (int i = 0; i < 3; i++)
        loop_once(s.loop, 1000);
    assert_int_equal(s.fds, 1);
    close(p[0]);
    close(p[1]);
    close(second);
    loop_free(s.loop);
}

static void files(void **state)
{
    char dir[] = "/tmp/os_test_XXXXXX", path[64], deep[64];
    uint8_t block[64];
    struct arena a = arena_over(block, sizeof block);
    struct bytes b;
    struct stat st;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/f", dir);
    snprintf(deep, sizeof deep, "%s/a/b", dir);
    assert_int_equal(file_read(path, 10, &a, &b), ERR_NOTFOUND);
    assert_int_equal(file_write(path, (struct bytes){(const uint8_t *)"hello", 5}, 0600), OK);
    assert_int_equal(file_write(path, (struct bytes){(const uint8_t *)"there!", 6}, 0600), OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(file_read(path, 5, &a, &b), ERR_RANGE);
    assert_int_equal(file_read(path, 6, &a, &b), OK);
    assert_string_equal(b.p, "there!");
    assert_int_equal(file_read("/proc/self/stat", 4, &a, &b), ERR_RANGE);
    assert_int_equal(file_read(path, 6, &(struct arena){block, 4, 0}, &b), ERR_NOSPACE);
    assert_int_equal(dir_make(deep), OK);
    assert_int_equal(dir_make(deep), OK);
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(dir_make(path), ERR_EXISTS);
    unlink(path);
    rmdir(deep);
    *strrchr(deep, '/') = 0;
    rmdir(deep);
    rmdir(dir);
}

static void datagram(void *ctx, int sock, const struct net_addr *from, struct bytes b)
{
    struct seen *s = ctx;
    s->datagrams++;
    s->from = *from;
    s->last_n = b.n;
    memcpy(s->last, b.p, b.n);
}
static void udp_does(void **state, const char *local)
{
    static struct seen s;
    static uint8_t big[UDP_MAX];
    struct udp *u, *v;
    struct net_addr a, b, c;
    struct udp_sink k = {&s, datagram};
    memset(&s, 0, sizeof s);
    assert_true(addr_parse(&a, str_of(local), 0));
    assert_int_equal(loop_open(&s.loop), OK);
    assert_int_equal(udp_open(&u, s.loop, &a, 1, &k), OK);
    assert_int_equal(udp_open(&v, s.loop, &a, 2, &k), OK);
    assert_int_equal(udp_local(u, &b), OK);
    assert_int_equal(udp_local(v, &c), OK);
    assert_int_equal(udp_open(&v, s.loop, &b, 2, &k), ERR_EXISTS);
    for (int i = 0; i < 200; i++)
        assert_int_equal(udp_send(v, &b, (struct bytes){big, (uint32_t)i}), OK);
    memset(big, 7, sizeof big);
    assert_int_equal(udp_send(v, &b, BYTES_OF(big)), OK);
    assert_int_equal(udp_send(v, &b, (struct bytes){big, UDP_MAX + 1}), ERR_RANGE);
    for (int i = 0; i < 50 && s.datagrams < 201; i++)
        loop_once(s.loop, 10000);
    assert_int_equal(s.datagrams, 201);
    assert_int_equal(s.last_n, UDP_MAX);
    assert_memory_equal(s.last, big, UDP_MAX);
    assert_true(addr_eq(&s.from, &c));
    udp_free(u);
    udp_free(v);
    loop_free(s.loop);
}
static void udp4(void **state)
{
    udp_does(state, "127.0.0.1");
}
static void udp6(void **state)
{
    if (access("/proc/net/if_inet6", F_OK) != 0)
        skip();
    udp_does(state, "::1");
}

static void environment(void **state)
{
    struct loop *l;
    struct env *e;
    uint8_t a[16], b[16];
    static uint8_t big[3000];
    assert_int_equal(loop_open(&l), OK);
    assert_int_equal(
        env_real_open(&e, l, &(struct env_real_conf){.max_sockets = 2, .no_sctp = true}), OK);
    env_random(e, a, 16);
    env_random(e, b, 16);
    env_random(e, big, sizeof big);
    assert_memory_not_equal(a, b, 16);
    assert_true(env_unix_us(e) > 1600000000000000u);
    struct net_addr any = addr_v4(0x7f000001, 0);
    struct udp_sink k = {NULL, datagram};
    int s1 = e->ops->udp_open(e, &any, &k), s2 = e->ops->udp_open(e, &any, &k);
    assert_true(s1 >= 0 && s2 >= 0 && s1 != s2);
    assert_int_equal(e->ops->udp_open(e, &any, &k), ERR_FULL);
    e->ops->udp_close(e, s1);
    assert_int_equal(e->ops->udp_send(e, s1, &any, BYTES_OF(a)), ERR_NOTFOUND);
    assert_int_equal(e->ops->tun_send(e, s2, BYTES_OF(a)), ERR_NOTFOUND);
    assert_int_equal(e->ops->sctp_listen(e, NULL, NULL), ERR_UNSUPPORTED);
    env_real_free(e);
    loop_free(l);
}

struct echo {
    struct env *env;
    uint32_t received, within;
    bool sending;
    struct net_addr from;
};
static void echoed(void *ctx, int sock, const struct net_addr *from, struct bytes b)
{
    struct echo *x = ctx;
    uint8_t less[64];
    x->received++;
    x->within += x->sending;
    x->from = *from;
    if (b.n > 1 && b.n <= sizeof less) {
        memcpy(less, b.p, b.n);
        x->sending = true;
        assert_int_equal(x->env->ops->udp_send(x->env, sock, from, (struct bytes){less, b.n - 1}), OK);
        x->sending = false;
    }
}
/* Two sockets of one process: the host's interfaces do not see what they say to each other. */
static void environment_direct(void **state)
{
    struct loop *l;
    struct echo x = {0};
    struct seen outside = {0};
    struct udp *u;
    uint8_t b[40] = {1};
    struct net_addr at[3], any = addr_v4(0x7f000001, 0);
    struct udp_sink k = {&x, echoed}, k2 = {&outside, datagram};
    assert_int_equal(loop_open(&l), OK);
    assert_int_equal(udp_open(&u, l, &any, 9, &k2), OK);
    assert_int_equal(udp_local(u, &at[2]), OK);
    for (int i = 0; i < 2; i++) { /* two ports that are free */
        struct udp *v;
        assert_int_equal(udp_open(&v, l, &any, 1, &k2), OK);
        assert_int_equal(udp_local(v, &at[i]), OK);
        udp_free(v);
    }
    assert_int_equal(env_real_open(&x.env, l, &(struct env_real_conf){.no_sctp = true, .udp_direct = true}), OK);
    const struct env_ops *o = x.env->ops;
    int s1 = o->udp_open(x.env, &at[0], &k), s2 = o->udp_open(x.env, &at[1], &k);
    assert_true(s1 >= 0 && s2 >= 0);
    x.sending = true;
    assert_int_equal(o->udp_send(x.env, s1, &at[1], BYTES_OF(b)), OK);
    x.sending = false;
    assert_int_equal(x.received, 0);
    loop_once(l, 0); /* one turn: neither has been in a socket */
    assert_int_equal(x.received, sizeof b);
    assert_int_equal(x.within, 0);
    assert_int_equal(o->udp_send(x.env, s1, &at[2], BYTES_OF(b)), OK);
    loop_once(l, 100000);
    loop_once(l, 100000);
    assert_int_equal(outside.datagrams, 1);
    assert_true(addr_eq(&outside.from, &at[0]));
    assert_int_equal(o->udp_send(x.env, s1, &at[1], BYTES_OF(b)), OK);
    o->udp_close(x.env, s1); /* what it sent is gone with it */
    loop_once(l, 0);
    assert_int_equal(x.received, sizeof b);
    udp_free(u);
    env_real_free(x.env);
    loop_free(l);
}

int main(void)
{
    return RUN(unit(loop_does), unit(files), unit(udp4), unit(udp6), unit(environment), unit(environment_direct));
}
