/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/key_process.h"
#include "base/log.h"
#include "cmd/hn_key.h"
#include "cmd/seal.h"
#include "os/file.h"
#include "os/sandbox.h"
#include "os/store_sqlite.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS = 4096, BATCH = 64 };
struct ready { /* its first message */
    int error;
    bool locked;
    char why[KEY_PROCESS_WHY];
};

/* ================================ the process that holds the keys ================================ */
static int box_open(struct key_box *b, struct config *config, char why[KEY_PROCESS_WHY])
{
    uint8_t keys[HN_KEYS_MAX][32];
    struct store *store = NULL;
    for (uint32_t i = 0; i < config->udm.n_hn_keys; i++)
        if (config->udm.hn_keys[i].key.n) {
            snprintf(why, KEY_PROCESS_WHY, "udm.home_network_keys: with udm.keys: separate a key is named by its file; one that stands "
                                           "in the configuration is known to the core");
            return ERR_CONFIG;
        }
    int e = crypto_init(&b->crypto);
    if (e == OK)
        e = hn_keys_read(config, keys, b->crypto, why);
    for (uint32_t i = 0; e == OK && i < config->udm.n_hn_keys && i < KEY_BOX_HN; i++) {
        const struct config_hn_key *k = &config->udm.hn_keys[i];
        enum suci_scheme s = k->profile == CONFIG_SUCI_PROFILE_A ? SUCI_PROFILE_A : SUCI_PROFILE_B;
        e = hn_key_private_raw(b->crypto, s, k->key.p, &b->hn[i].key);
        b->hn[i].id = k->id;
        b->n_hn = i + 1;
    }
    secret_wipe(keys, sizeof keys);
    if (e == OK)
        e = store_sqlite_open(&store, config->udr.path.p, why, KEY_PROCESS_WHY);
    if (e == OK)
        e = seal_open(&b->seal, config->udm.seal_file.p, store, b->crypto, why);
    if (e == OK && (e = seal_all(&b->seal, store)) == ERR_STORE)
        snprintf(why, KEY_PROCESS_WHY, "udr.path %.150s: %.100s", config->udr.path.p, store_error(store));
    store_sqlite_close(store); /* nothing of what lay open is left in its log */
    return e;
}

/* All of n octets; false at the end of the other side. */
static bool read_all(int fd, uint8_t *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t k = read(fd, p + at, n - at);
        if (k == 0 || (k < 0 && errno != EINTR))
            return false;
        at += k > 0 ? (size_t)k : 0;
    }
    return true;
}
static bool write_all(int fd, const uint8_t *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t k = write(fd, p + at, n - at);
        if (k < 0 && errno != EINTR)
            return false;
        at += k > 0 ? (size_t)k : 0;
    }
    return true;
}

/* What came together is answered together. */
static void serve(struct key_box *b, int fd)
{
    uint8_t in[BATCH][KEY_REQUEST_OCTETS], out[BATCH][KEY_ANSWER_OCTETS];
    for (;;) {
        ssize_t k = read(fd, in, sizeof in);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return;
        size_t n = ((size_t)k + KEY_REQUEST_OCTETS - 1) / KEY_REQUEST_OCTETS, rest = n * KEY_REQUEST_OCTETS - (size_t)k;
        if (!read_all(fd, (uint8_t *)in + k, rest))
            return;
        for (size_t i = 0; i < n; i++) {
            struct key_request q;
            struct key_answer a;
            if (key_request_decode((struct bytes){in[i], KEY_REQUEST_OCTETS}, &q) < 0)
                return; /* the core does not speak so: who does gets nothing */
            key_box_answer(b, &q, &a);
            key_answer_encode(&a, q.kind, out[i]);
            secret_wipe(&a, sizeof a);
        }
        bool ok = write_all(fd, (const uint8_t *)out, n * KEY_ANSWER_OCTETS);
        secret_wipe(out, n * KEY_ANSWER_OCTETS);
        if (!ok)
            return;
    }
}

static void settle(int fd)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
        signal(ignored[i], SIG_IGN);
    prctl(PR_SET_NAME, "redoubt-keys");
    sandbox_no_dump();
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3 && null >= 0; i++)
        dup2(null, i);
    dup2(fd, 3);
    close_range(4, ~0u, 0);
}

static void hold_keys(int fd, const struct config *given)
{
    struct config config = *given; /* what hn_keys_read() completes is in memory that the parent has no part in */
    struct key_box box = {0};
    struct ready r = {0};
    struct sandbox s;
    settle(fd);
    r.error = box_open(&box, &config, r.why);
    r.locked = r.error == OK && sandbox_lock_memory() != ERR_DENIED; /* it allocates no more that is kept */
    if (r.error == OK && !config.process.unsafe_no_sandbox)
        r.error = sandbox_enter(&(struct sandbox_conf){.role = SANDBOX_KEYS, .kill = config.process.sandbox_kill}, &s);
    if (r.error == OK && !config.process.unsafe_no_sandbox && s.why[0] && config.process.sandbox == CONFIG_SANDBOX_REQUIRED)
        r.error = ERR_UNSUPPORTED;
    if (write_all(3, (const uint8_t *)&r, sizeof r) && r.error == OK)
        serve(&box, 3);
    for (uint32_t i = 0; i < box.n_hn; i++)
        hn_key_free(box.hn[i].key);
    crypto_free(box.crypto);
    secret_wipe(&box, sizeof box);
}

/* ================================ the core ================================ */
struct slot {
    struct key_ask *ask; /* NULL: free, or not wanted any more while `open` */
    uint32_t next_free;
    uint16_t generation;
    uint8_t open, kind;
};
struct key_process {
    struct key_port port; /* first */
    pid_t pid;
    int fd;
    bool locked, is_lost;
    struct rt *rt;
    struct loop *loop;
    struct loop_watch watch;
    struct loop_flush flush;
    struct work fail; /* asks that nobody will answer */
    void (*lost)(void *);
    void *ctx;
    uint32_t free, n_out, n_in;
    struct slot slots[SLOTS];
    uint8_t out[SLOTS * KEY_REQUEST_OCTETS];
    uint8_t in[BATCH * KEY_ANSWER_OCTETS];
};

int key_process_start(struct key_process **out, const struct config *config, char why[KEY_PROCESS_WHY])
{
    int fds[2];
    struct ready r = {.error = ERR_IO};
    struct key_process *p = calloc(1, sizeof *p);
    if (!p || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        free(p);
        return ERR_NOSPACE;
    }
    p->pid = fork();
    if (p->pid == 0) {
        hold_keys(fds[1], config);
        _exit(0);
    }
    close(fds[1]);
    p->fd = fds[0];
    if (p->pid < 0 || !read_all(p->fd, (uint8_t *)&r, sizeof r) || r.error < 0) {
        str_copy(why, KEY_PROCESS_WHY, str_of(r.why));
        key_process_end(p);
        return r.error < 0 ? r.error : ERR_IO;
    }
    p->locked = r.locked;
    for (uint32_t i = 0; i < SLOTS; i++)
        p->slots[i].next_free = i + 1;
    *out = p;
    return OK;
}

static struct key_process *process_of(struct key_port *port) { return CONTAINER(port, struct key_process, port); }

static void slot_free(struct key_process *p, uint32_t i)
{
    struct slot *s = &p->slots[i];
    *s = (struct slot){.next_free = p->free, .generation = (uint16_t)(s->generation + 1)};
    p->free = i;
}

static void fail_all(struct work *w)
{
    struct key_process *p = CONTAINER(w, struct key_process, fail);
    for (uint32_t i = 0; i < SLOTS; i++) {
        struct key_ask *ask = p->slots[i].ask;
        if (!p->slots[i].open)
            continue;
        slot_free(p, i);
        if (ask)
            ask->done(ask, &(struct key_answer){.error = ERR_IO});
    }
    if (p->lost)
        p->lost(p->ctx);
    p->lost = NULL;
}
static void lose(struct key_process *p)
{
    if (p->is_lost)
        return;
    p->is_lost = true;
    loop_unwatch(&p->watch);
    LOG(p->rt->log, keys_lost, "pid=%d", (int)p->pid);
    p->fail = (struct work){.fn = fail_all};
    rt_queue(p->rt, &p->fail);
}

/* ---- out: what one turn asked for leaves together ---- */
static void send_out(void *ctx)
{
    struct key_process *p = ctx;
    while (p->n_out && !p->is_lost) {
        ssize_t k = send(p->fd, p->out, p->n_out, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0 && errno == EAGAIN) {
            loop_rewatch(&p->watch, EPOLLIN | EPOLLOUT);
            return;
        }
        if (k <= 0) {
            lose(p);
            return;
        }
        p->n_out -= (uint32_t)k;
        memmove(p->out, p->out + k, p->n_out);
    }
    if (!p->is_lost)
        loop_rewatch(&p->watch, EPOLLIN);
}

static int ask(struct key_port *port, struct key_request *q, struct key_ask *a)
{
    struct key_process *p = process_of(port);
    uint32_t i = p->free;
    if (p->is_lost)
        return ERR_IO;
    if (i == SLOTS || p->n_out + KEY_REQUEST_OCTETS > sizeof p->out)
        return ERR_FULL;
    q->id = i | (uint32_t)p->slots[i].generation << 16;
    int e = key_request_encode(q, p->out + p->n_out);
    if (e < 0)
        return e;
    struct slot *s = &p->slots[i];
    p->free = s->next_free;
    s->ask = a;
    s->open = true;
    s->kind = (uint8_t)q->kind;
    a->slot = i;
    p->n_out += KEY_REQUEST_OCTETS;
    loop_flush_soon(p->loop, &p->flush);
    return OK;
}
static void cancel(struct key_port *port, struct key_ask *a)
{
    struct key_process *p = process_of(port);
    if (p->slots[a->slot].ask == a)
        p->slots[a->slot].ask = NULL; /* its answer still comes */
}

/* ---- in ---- */
static bool take(struct key_process *p, const uint8_t *octets)
{
    struct key_answer r;
    enum key_kind kind;
    if (key_answer_decode((struct bytes){octets, KEY_ANSWER_OCTETS}, &r, &kind) < 0)
        return false;
    uint32_t i = r.id & 0xffff;
    if (i >= SLOTS || !p->slots[i].open || p->slots[i].generation != r.id >> 16 || p->slots[i].kind != kind)
        return false;
    struct key_ask *a = p->slots[i].ask;
    slot_free(p, i);
    if (a)
        a->done(a, &r);
    secret_wipe(&r, sizeof r);
    return true;
}
static void event(void *ctx, uint32_t events)
{
    struct key_process *p = ctx;
    rt_enter(p->rt);
    if (events & EPOLLOUT)
        send_out(p);
    ssize_t k = p->is_lost ? -1 : recv(p->fd, p->in + p->n_in, sizeof p->in - p->n_in, MSG_DONTWAIT);
    if (k < 0 && (p->is_lost || errno == EAGAIN || errno == EINTR))
        return;
    uint32_t at = 0;
    p->n_in += k > 0 ? (uint32_t)k : 0;
    bool ok = k > 0;
    for (; ok && p->n_in - at >= KEY_ANSWER_OCTETS; at += KEY_ANSWER_OCTETS)
        ok = take(p, p->in + at);
    if (!ok)
        lose(p);
    secret_wipe(p->in, at);
    memmove(p->in, p->in + at, p->n_in - at);
    p->n_in -= at;
}

int key_process_attach(struct key_process *p, struct rt *rt, struct loop *loop, void (*lost)(void *ctx), void *ctx)
{
    p->port = (struct key_port){ask, cancel};
    p->rt = rt;
    p->loop = loop;
    p->flush = (struct loop_flush){.fn = send_out, .ctx = p};
    p->lost = lost;
    p->ctx = ctx;
    rt->keys = &p->port;
    return loop_watch(loop, &p->watch, p->fd, EPOLLIN, event, p);
}
pid_t key_process_pid(const struct key_process *p) { return p->pid; }
bool key_process_locked(const struct key_process *p) { return p->locked; }

void key_process_end(struct key_process *p)
{
    if (!p)
        return;
    if (p->loop) {
        loop_unwatch(&p->watch);
        loop_flush_cancel(&p->flush);
        p->rt->keys = NULL;
    }
    close(p->fd);
    while (p->pid > 0 && waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    secret_wipe(p, sizeof *p);
    free(p);
}
