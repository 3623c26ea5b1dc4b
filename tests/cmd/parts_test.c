/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the demo by themselves: children, probes against the small data network, log lines told as a story. */
#include "cmd/child.h"
#include "cmd/narrate.h"
#include "cmd/probe.h"
#include "os/loop.h"
#include "tests/os/own_netns.h"
#include "tests/test.h"
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct lines {
    uint32_t n;
    char last[128];
};
static void take(void *ctx, struct str line)
{
    struct lines *l = ctx;
    l->n++;
    str_copy(l->last, sizeof l->last, line);
}
static void read_until_closed(struct child *c, struct lines *l)
{
    for (uint64_t end = loop_now_us() + 5000000; child_read(c, take, l) && loop_now_us() < end;)
        usleep(1000);
}

static int say_and_end(void *ctx)
{
    static char big[CHILD_LINE + 100];
    memset(big, 'x', sizeof big);
    puts("one\ntwo");
    fwrite(big, 1, sizeof big, stdout);
    puts("\nlast");
    fflush(stdout);
    return *(int *)ctx;
}
static int sleep_long(void *ctx)
{
    if (ctx)
        signal(SIGTERM, SIG_IGN);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
    return 0;
}

static void children(void **state)
{
    struct child c;
    struct lines l = {0};
    int status = 7;
    assert_int_equal(child_fork(&c, NULL, say_and_end, &status), OK);
    read_until_closed(&c, &l);
    assert_string_equal(l.last, "last");
    assert_int_equal(l.n, 5); /* a line that is too long comes in parts */
    assert_int_equal(child_wait(&c, 5000), 7);
    assert_false(child_runs(&c));
    child_end(&c);
    child_end(&c);
    assert_int_equal(child_fork(&c, "no-such-namespace", say_and_end, &status), ERR_NOTFOUND);
    child_end(&c);

    assert_int_equal(child_fork(&c, NULL, sleep_long, NULL), OK);
    assert_true(child_runs(&c));
    assert_int_equal(child_wait(&c, 10), ERR_TIMEOUT);
    pid_t pid = c.pid;
    child_end(&c); /* SIGTERM */
    assert_int_equal(kill(pid, 0), -1);
}

static void server_start(struct child *c)
{
    struct lines l = {0};
    assert_int_equal(child_fork(c, NULL, data_network_serve, NULL), OK);
    for (uint64_t end = loop_now_us() + 5000000; !l.n && loop_now_us() < end; usleep(1000))
        child_read(c, take, &l);
    assert_string_equal(l.last, "ready");
}

static void probes(void **state)
{
    static struct hist rtt;
    static char page[4096];
    struct child c;
    if (!own_netns()) {
        print_message("skipped: this user may not make network namespaces\n");
        skip();
    }
    server_start(&c);
    static const char *const addresses[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        struct net_addr to;
        assert_true(addr_parse(&to, str_of(addresses[i]), 0));
        memset(&rtt, 0, sizeof rtt);
        int got = probe_ping(NULL, &to, 5, 10, &rtt);
        if (to.family == 6 && got < 0) /* a machine without IPv6 */
            continue;
        assert_int_equal(got, 5);
        assert_int_equal(rtt.n, 5);
        assert_true(rtt.max < 1000000);
        assert_int_equal(probe_http(NULL, &to, page, sizeof page), 200);
        assert_non_null(strstr(page, DATA_NETWORK_PAGE));
        assert_null(strstr(page, "HTTP/1"));
        assert_int_equal(probe_http(NULL, &to, page, 20), 200); /* cut, and still within bounds */
        assert_true(probe_throughput(NULL, &to, true, 100) > 1000000);
        assert_true(probe_throughput(NULL, &to, false, 100) > 1000000);
    }
    struct net_addr nobody;
    assert_true(addr_parse(&nobody, STR("10.1.2.3"), 0));
    memset(&rtt, 0, sizeof rtt);
    assert_true(probe_ping(NULL, &nobody, 1, 1, &rtt) < 0);
    assert_true(probe_http(NULL, &nobody, page, sizeof page) < 0);
    assert_true(probe_throughput(NULL, &nobody, true, 10) < 0);
    assert_int_equal(probe_ping("no-such-namespace", &nobody, 1, 1, &rtt), ERR_NOTFOUND);
    child_end(&c);
}

static void story(void **state)
{
    struct narrator n;
    char value[16];
    struct str line = STR("{\"time\":\"x\",\"event\":\"ran_session_up\",\"ue\":\"a\\\"b\",\"us\":1500,\"last\":7}");
    assert_true(log_value(line, "ue", value, sizeof value));
    assert_string_equal(value, "a\"b");
    assert_true(log_value(line, "us", value, sizeof value));
    assert_string_equal(value, "1500");
    assert_true(log_value(line, "last", value, sizeof value));
    assert_string_equal(value, "7");
    assert_false(log_value(line, "nix", value, sizeof value));
    assert_true(log_value(line, "event", value, 4));
    assert_string_equal(value, "ran");
    assert_false(log_value(STR("{\"us\":"), "event", value, sizeof value));
    assert_true(log_value(STR("{\"us\":"), "us", value, sizeof value));
    assert_string_equal(value, "");

    assert_true(narrator_open(&n));
    narrate(&n, true, line);
    narrate(&n, false, line); /* the core cannot speak for the RAN */
    narrate(&n, true, STR("{\"event\":\"ran_ue_registered\",\"us\":900}"));
    narrate(&n, true, STR("{\"event\":\"ran_ue_rejected\",\"cause\":3}"));
    narrate(&n, true, STR("no log line"));
    assert_int_equal(n.sessions, 1);
    assert_int_equal(n.registered, 1);
    assert_int_equal(n.rejected, 1);
    assert_true(n.first_session);
    assert_int_equal(hist_percentile(n.session, 50), 1500);
    narrator_close(&n);
}

int main(void) { return RUN(unit(children), unit(story), unit(probes)); }
