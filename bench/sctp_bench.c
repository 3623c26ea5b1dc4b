/* SPDX-License-Identifier: Apache-2.0 */
/* sctp_bench [user|kernel] [messages] [octets] [associations] [sack_ms]: request and answer between
 * two processes over loopback, one request outstanding per association; then a stream one way.
 * Prints microseconds and CPU. */
#include "os/sctp.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ASSOCS = 256, SAMPLES = 1 << 20 };
struct bench {
    struct sctp *sctp;
    struct loop *loop;
    bool echo;
    uint32_t ups, want, sent, got, size;
    uint64_t assoc[ASSOCS], at[ASSOCS];
    uint32_t *samples;
};
static uint8_t octets[65536];

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}
static void request(struct bench *b, uint32_t i)
{
    b->at[i] = loop_now_us();
    b->sent++;
    if (sctp_send_message(b->sctp, b->assoc[i], 0, 60, (struct bytes){octets, b->size}) < 0)
        fprintf(stderr, "send failed\n");
}
static void on_up(void *ctx, uint64_t a, const struct net_addr *peer, uint16_t streams)
{
    struct bench *b = ctx;
    b->ups++;
}
static void on_down(void *ctx, uint64_t a, const char *reason)
{
    struct bench *b = ctx;
    if (b->echo) {
        if (--b->ups == 0) {
            fprintf(stderr, "  server: %.2f us CPU/message, of it in SCTP %.2f\n",
                    cpu_us() / b->got, (double)sctp_cpu_us(b->sctp) / b->got);
            _exit(0);
        }
        return;
    }
    fprintf(stderr, "lost: %s\n", reason);
    exit(1);
}
static void on_message(void *ctx, uint64_t a, uint16_t stream, uint32_t ppid, struct bytes m)
{
    struct bench *b = ctx;
    b->got++;
    if (b->echo) {
        if (sctp_send_message(b->sctp, a, stream, ppid, m) < 0)
            fprintf(stderr, "echo failed\n");
        return;
    }
    uint32_t i = 0;
    while (b->assoc[i] != a)
        i++;
    if (b->got <= SAMPLES)
        b->samples[b->got - 1] = (uint32_t)(loop_now_us() - b->at[i]);
    if (b->sent < b->want)
        request(b, i);
}
static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static struct bench b = {.want = 20000, .size = 100};
    struct sctp_conf conf = {.mode = SCTP_MODE_USER};
    uint32_t n = 1;
    if (argc > 1 && strcmp(argv[1], "kernel") == 0)
        conf.mode = SCTP_MODE_KERNEL;
    if (argc > 2)
        b.want = (uint32_t)atoi(argv[2]);
    if (argc > 3)
        b.size = (uint32_t)atoi(argv[3]);
    if (argc > 4)
        n = (uint32_t)atoi(argv[4]);
    if (argc > 5)
        conf.sack_delay_ms = (uint32_t)atoi(argv[5]);
    if (n == 0 || n > ASSOCS || b.size == 0 || b.size > sizeof octets)
        return 2;
    struct net_addr server = addr_v4(0x7f000005, 38412), client = addr_v4(0x7f000006, 0);
    struct sctp_sink sink = {&b, on_up, on_message, on_down};
    int ready[2];
    char c = 1;
    if (pipe(ready) < 0)
        return 1;
    pid_t child = fork();
    if (loop_open(&b.loop) < 0 || sctp_open(&b.sctp, b.loop, &conf) < 0) {
        fprintf(stderr, "no SCTP\n");
        return 77;
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        b.echo = true;
        if (sctp_listen(b.sctp, &(struct sctp_local){&server, 1, 16}, &sink) < 0 ||
            write(ready[1], &c, 1) != 1)
            return 1;
        return loop_run(b.loop);
    }
    close(ready[1]);
    if (read(ready[0], &c, 1) != 1)
        return 1;
    b.samples = calloc(SAMPLES, sizeof *b.samples);
    for (uint32_t i = 0; i < n; i++)
        if (sctp_connect(b.sctp, &(struct sctp_local){&client, 1, 16}, &server, 1, &sink,
                         &b.assoc[i]) < 0)
            return 1;
    while (b.ups < n)
        loop_once(b.loop, 1000000);
    double cpu = cpu_us();
    uint64_t sctp = sctp_cpu_us(b.sctp), from = loop_now_us(), packets = b.sctp->counts.tx_packets;
    for (uint32_t i = 0; i < n; i++)
        request(&b, i);
    while (b.got < b.want)
        loop_once(b.loop, 1000000);
    double wall = (double)(loop_now_us() - from);
    uint32_t m = b.got < SAMPLES ? b.got : SAMPLES;
    qsort(b.samples, m, sizeof *b.samples, by_value);
    printf("%s, %u octets, %u associations: p50 %u us, p99 %u us, mean %.1f us a message\n",
           sctp_name(b.sctp), b.size, n, b.samples[m / 2], b.samples[m * 99 / 100], wall / b.got);
    fprintf(stderr,
            "  client: %.2f us CPU/message, of it in SCTP %.2f; %.2f packets sent a message\n",
            (cpu_us() - cpu) / b.got, (double)(sctp_cpu_us(b.sctp) - sctp) / b.got,
            (double)(b.sctp->counts.tx_packets - packets) / b.got);
    sctp_free(b.sctp);
    waitpid(child, NULL, 0);
    return 0;
}
