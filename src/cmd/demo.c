/* SPDX-License-Identifier: Apache-2.0 */
/* demo.c - redoubt demo: the network of net.h, shown at work in plain words, measured, and taken away again. */
#include "cmd/demo_trust.h"
#include "cmd/narrate.h"
#include "cmd/net.h"
#include "cmd/probe.h"
#include "os/control.h"
#include "os/loop.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct demo {
    struct net net;
    struct net_options options;
    struct narrator narrator;
    struct demo_trust trust;
    uint32_t burst; /* phones beside the first */
    bool quick;
    const char *page; /* of act two; NULL: none */
    uint32_t failures;
    struct hist *rtt;
    int64_t up_bps, down_bps;
    uint64_t cpu_before_us, cpu_after_us, rss_octets;
};

/* ---- what a person reads ---- */
static void heading(const char *text) { printf("\n%s\n", text); }
static void good(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void good(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fputs("  + ", stdout);
    vprintf(format, ap);
    putchar('\n');
    fflush(stdout);
    va_end(ap);
}
static int bad(struct demo *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int bad(struct demo *d, const char *format, ...)
{
    va_list ap;
    d->failures++;
    va_start(ap, format);
    fputs("  ! ", stdout);
    vprintf(format, ap);
    putchar('\n');
    fflush(stdout);
    va_end(ap);
    return EXIT_FAILED;
}

static void log_came(void *ctx, enum net_source from, struct str line)
{
    struct demo *d = ctx;
    narrate(&d->narrator, from == NET_FROM_RAN, line);
    if (from == NET_FROM_CORE)
        demo_trust_line(&d->trust, line);
}

/* ---- figures of the core ---- */
static bool core_figures(uint64_t *cpu_us, uint64_t *rss_octets)
{
    static char text[65536];
    unsigned long long cpu, rss;
    if (control_ask(NET_DIR "/core.sock", "status --json", text, sizeof text, 3000) < 0)
        return false;
    const char *c = strstr(text, "\"cpu_us\":"), *r = strstr(text, "\"rss_octets\":");
    if (!c || !r || sscanf(c, "\"cpu_us\":%llu", &cpu) != 1 || sscanf(r, "\"rss_octets\":%llu", &rss) != 1)
        return false;
    *cpu_us = cpu;
    *rss_octets = rss;
    return true;
}

/* ---- steps ---- */
static int step_network(struct demo *d)
{
    heading("1. A network in a box");
    if (net_open(&d->net, &d->options, log_came, d))
        return bad(d, "%s", d->net.why);
    good("Three network namespaces stand for three places: the core, the radio site, and the data network.");
    good("A web server waits in the data network at " NET_SERVER4 ". Nothing of this touches your own network.");
    if (d->options.capture)
        good("What passes on N2, N3, N4 and N6 goes to %s.", d->options.capture);
    if (net_core_start(&d->net))
        return bad(d, "%s", d->net.why);
    good("The core is up, in one process: %s.", d->narrator.functions);
    good("%u subscribers are in its store, each with a secret key that only the core and the SIM know.", d->options.ues);
    return EXIT_OK;
}

static int step_first_phone(struct demo *d)
{
    heading("2. A gNB connects, and phone 1 gets on the network");
    d->narrator.detailed = true;
    if (net_ran_start(&d->net, false) || net_ran_tell(&d->net, "register 1"))
        return bad(d, "%s", d->net.why);
    if (!net_wait(&d->net, &d->narrator.first_session, 15000))
        return bad(d, "%s", d->net.ended ? d->net.why : "phone 1 has no PDU session after 15 s");
    bool never = false;
    net_wait(&d->net, &never, 200); /* what the core says of it comes by another way */
    d->narrator.detailed = false;
    return EXIT_OK;
}

static int step_traffic(struct demo *d)
{
    struct net_addr server = {0}, server6 = {0};
    static char page[4096];
    bool never = false;
    heading("3. Phone 1 uses the Internet: each packet travels in a GTP-U tunnel from the gNB to the UPF");
    addr_parse(&server, STR(NET_SERVER4), 0);
    addr_parse(&server6, STR(NET_SERVER6), 0);
    uint32_t count = d->quick ? 5 : 20;
    int got = probe_reach("redoubt-phone1", &server, 5000);
    if (got < 0)
        return bad(d, "ping %s: %s", NET_SERVER4, err_text(got));
    got = probe_ping("redoubt-phone1", &server, count, 50, d->rtt);
    if (got < (int)count)
        return bad(d, "ping %s: %d of %u answers%s%s", NET_SERVER4, got < 0 ? 0 : got, count, got < 0 ? ": " : "",
                   got < 0 ? err_text(got) : "");
    good("ping " NET_SERVER4 ": %d of %u answers, %.2f ms on average.", got, count, hist_mean(d->rtt) / 1000);
    int status = probe_http("redoubt-phone1", &server, page, sizeof page);
    if (status != 200 || !strstr(page, DATA_NETWORK_PAGE))
        return bad(d, "the web page at http://%s/ did not come (%s)", NET_SERVER4, status < 0 ? err_text(status) : "wrong answer");
    good("http://" NET_SERVER4 "/ says: \"" DATA_NETWORK_PAGE "\"");
    status = probe_reach("redoubt-phone1", &server6, 5000);
    if (status == OK)
        status = probe_http("redoubt-phone1", &server6, page, sizeof page);
    if (status != 200 || !strstr(page, DATA_NETWORK_PAGE))
        return bad(d, "IPv6: http://[%s]/ did not come (%s)", NET_SERVER6, status < 0 ? err_text(status) : "wrong answer");
    good("http://[" NET_SERVER6 "]/ says the same by IPv6: the phone made its address from what the network advertised.");
    net_wait(&d->net, &never, 1);
    return d->net.ended ? bad(d, "%s", d->net.why) : EXIT_OK;
}

static int step_idle(struct demo *d)
{
    struct net_addr phone;
    bool never = false;
    heading("4. Phone 1 sleeps, and somebody calls");
    if (net_phone_address(&d->net, 1, &phone) || net_ran_tell(&d->net, "idle 1"))
        return bad(d, "%s", d->net.why);
    if (!net_wait(&d->net, &d->narrator.idle, 5000))
        return bad(d, "%s", d->net.ended ? d->net.why : "phone 1 was not released within 5 s");
    good("After a time without traffic the gNB lets go of phone 1: no radio, no tunnel, and its battery lasts.");
    net_wait(&d->net, &never, 50); /* what arrives before the UPF was told still goes to the gNB, and is lost there */
    uint64_t from = loop_now_us();
    int e = probe_reach(NET_DN, &phone, 5000);
    uint64_t took = loop_now_us() - from;
    net_wait(&d->net, &never, 100);
    if (e < 0 || !d->narrator.paged)
        return bad(d, "a ping from the data network did not wake phone 1: %s", e < 0 ? err_text(e) : "it was not paged");
    good("A packet comes for it. The UPF keeps it, the AMF pages, the phone answers: after %.1f ms the packet is answered.",
         (double)took / 1000);
    return net_core_quiet(&d->net) ? bad(d, "%s", d->net.why) : EXIT_OK;
}

/* ---- many phones ---- */
static int burst_register(struct demo *d)
{
    enum { AT_ONCE = 500 };
    bool never = false;
    for (uint32_t i = 2; i <= d->options.ues; i++) {
        while (i > d->narrator.sessions + d->narrator.rejected + AT_ONCE && !d->net.ended)
            net_wait(&d->net, &never, 2);
        if (net_ran_tell(&d->net, "register %u", i))
            return EXIT_FAILED;
    }
    return EXIT_OK;
}

static int step_burst(struct demo *d)
{
    uint64_t rss;
    char text[160];
    if (!d->burst)
        return EXIT_OK;
    snprintf(text, sizeof text, "5. %u more phones register at once, each with a PDU session", d->burst);
    heading(text);
    if (!core_figures(&d->cpu_before_us, &rss))
        return bad(d, "the core does not answer");
    d->narrator.sessions_wanted = d->options.ues;
    if (burst_register(d))
        return bad(d, "%s", d->net.why);
    uint32_t patience_ms = 20000 + d->burst * 2;
    if (!net_wait(&d->net, &d->narrator.all_sessions, patience_ms))
        return bad(d, "%u of %u phones have a session, %u were refused%s%s", d->narrator.sessions, d->options.ues,
                   d->narrator.rejected, d->net.ended ? ": " : "", d->net.ended ? d->net.why : "");
    if (!core_figures(&d->cpu_after_us, &d->rss_octets))
        return bad(d, "the core does not answer");
    good("All %u have a session; none was refused.", d->options.ues);
    return EXIT_OK;
}

static int step_goodbye(struct demo *d)
{
    char said[65536];
    bool never = false, gone = false;
    if (!d->burst)
        return EXIT_OK;
    for (uint32_t i = 2; i <= d->options.ues; i++)
        if (net_ran_tell(&d->net, "deregister %u", i))
            return bad(d, "%s", d->net.why);
    for (uint64_t end = loop_now_us() + 10000000; !gone && !d->net.ended && loop_now_us() < end;) {
        net_wait(&d->net, &never, 50);
        gone = control_ask(NET_DIR "/core.sock", "status --json", said, sizeof said, 3000) > 0 &&
               strstr(said, "\"ues_registered\":1,") && strstr(said, "\"pdu_sessions\":1,");
    }
    if (!gone)
        return bad(d, "%s", d->net.ended ? d->net.why : "phones or sessions are left 10 s after they deregistered");
    good("They deregister again: the core holds no session and no address of theirs any more.");
    return EXIT_OK;
}

/* ---- throughput ---- */
static int step_throughput(struct demo *d)
{
    struct net_addr server = {0};
    bool never = false;
    uint32_t ms = d->quick ? 500 : 3000;
    heading("6. How fast is it?");
    if (d->options.capture) {
        net_capture_end(&d->net);
        good("The capture ends here: %llu packets, %llu more were lost by it. What follows would only make it large.",
             (unsigned long long)d->net.captured, (unsigned long long)d->net.capture_lost);
    }
    addr_parse(&server, STR(NET_SERVER4), 0);
    d->up_bps = probe_throughput("redoubt-phone1", &server, true, ms);
    net_wait(&d->net, &never, 1);
    d->down_bps = probe_throughput("redoubt-phone1", &server, false, ms);
    net_wait(&d->net, &never, 1);
    if (d->up_bps <= 0 || d->down_bps <= 0)
        return bad(d, "TCP between phone 1 and the data network failed: %s",
                   err_text((int)(d->up_bps <= 0 ? d->up_bps : d->down_bps)));
    good("TCP: %.0f Mbit/s up, %.0f Mbit/s down.", (double)d->up_bps / 1e6, (double)d->down_bps / 1e6);
    return EXIT_OK;
}

/* ---- act two ---- */
static int step_banned_supplier(struct demo *d)
{
    struct demo_trust *t = &d->trust;
    heading("7. Act two: a gNB of a supplier that policy keeps out wants to join");
    good("The inventory knows who built what: the first gNB is Aurora Radio's, the second, new, is of %s. Both records are", t->supplier);
    good("made up for this. The policy in force is the regime '%s'; redoubt trust policy list shows the others.", t->regime);
    if (!demo_trust_join(t, &d->net))
        return bad(d, "%s", d->net.why);
    if (!strstr(t->why, t->rule))
        return bad(d, "the second gNB was refused for another reason: %s", t->why);
    good("The second gNB connects, asks for NG Setup, and is refused: %s by %s, which says:", t->decision, t->rule);
    printf("        \"%s\"\n        %s\n        %s\n", t->says, t->citation, t->source);
    good("What a gNB says of itself counts for nothing: it was known by what the inventory can prove, here its address.");
    struct net_addr server = {0};
    addr_parse(&server, STR(NET_SERVER4), 0);
    int got = probe_ping("redoubt-phone1", &server, 3, 20, d->rtt);
    if (got < 3)
        return bad(d, "phone 1 has lost its connection: %d of 3 answers", got);
    good("Phone 1, on the first gNB, has noticed nothing.");
    return EXIT_OK;
}

static void answer(struct str line) { printf("      " STR_FMT "\n", STR_ARG(line)); }
static int step_turned_gnb(struct demo *d)
{
    struct demo_trust *t = &d->trust;
    struct net_addr server = {0};
    heading("8. A gNB that policy permits, turned by whoever can reach into it");
    if (!demo_trust_attack(t, &d->net))
        return bad(d, "%s", d->net.why);
    good("A third gNB, of the first one's supplier, is let in. Then it answers for a session of phone 1, which it does not serve,");
    good("and asks for the phone's packets to be sent to itself: a forged PDU SESSION RESOURCE SETUP RESPONSE.");
    good("Found: %s, %s.", t->detection, t->why);
    addr_parse(&server, STR(NET_SERVER4), 0);
    int got = probe_ping("redoubt-phone1", &server, 3, 20, d->rtt);
    if (got < 3)
        return bad(d, "phone 1 has lost its packets: %d of 3 answers", got);
    good("Without effect: the core answered with an Error Indication, and phone 1 still has its packets.");
    sleep(2); /* until the log has been signed */
    good("The forged message lies in the evidence log, sealed, and anybody with its public key can verify the log offline:");
    return demo_trust_evidence(t, &d->net, answer) ? EXIT_OK : bad(d, "%s", d->net.why);
}

static int step_nation(struct demo *d)
{
    uint32_t sites = d->quick ? 1000 : 20000;
    heading("9. What would a ban of a second supplier do to a whole country?");
    good("A country of %u sites that does not exist: cities, contracts by region, four generations of equipment. In two years,", sites);
    good("with all equipment of " DEMO_SECOND " switched off and nothing replaced:");
    if (!demo_trust_nation(&d->net, sites, d->page, answer))
        return bad(d, "%s", d->net.why);
    if (d->page)
        good("The page for whoever has to decide is %s.", d->page);
    else
        good("As a page for whoever has to decide: redoubt demo --page FILE.html.");
    return EXIT_OK;
}

/* ---- the table ---- */
static void row(const char *what, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void row(const char *what, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    printf("  %-34s ", what);
    vprintf(format, ap);
    putchar('\n');
    va_end(ap);
}
static void row_times(const char *what, const struct hist *h)
{
    row(what, "%8.2f ms p50 %8.2f ms p99   (%llu measured)", (double)hist_percentile(h, 50) / 1000,
        (double)hist_percentile(h, 99) / 1000, (unsigned long long)h->n);
}
static void table(const struct demo *d)
{
    heading("What was measured");
    row_times("registration, as phones see it", d->narrator.registration);
    row_times("PDU session, as phones see it", d->narrator.session);
    row_times("round trip through GTP-U", d->rtt);
    row("throughput of one phone, TCP", "%8.1f Mbit/s up %8.1f Mbit/s down", (double)d->up_bps / 1e6, (double)d->down_bps / 1e6);
    row("core memory", "%8.1f MiB resident", (double)d->rss_octets / 1048576);
    if (d->burst)
        row("core CPU a phone", "%8.0f us for registration and session",
            (double)(d->cpu_after_us - d->cpu_before_us) / d->burst);
}

static int play(struct demo *d)
{
    int (*const steps[])(struct demo *) = {step_network, step_first_phone, step_traffic, step_idle,
                                               step_burst, step_goodbye, step_throughput, step_banned_supplier,
                                               step_turned_gnb, step_nation};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (steps[i](d))
            return EXIT_FAILED;
    table(d);
    return d->failures ? EXIT_FAILED : EXIT_OK;
}

int cmd_demo(int argc, char **argv)
{
    struct args a = {argc, argv, 1};
    static struct demo d;
    static struct cmd_config_options config;
    char path[64];
    const char *value;
    d.options = (struct net_options){.phones = 1, .debug = true};
    d.burst = 20;
    d.trust = (struct demo_trust){.regime = "uk-dvd-huawei"};
    while (args_more(&a)) {
        if (args_value(&a, NULL, "--ues", &value)) {
            if (!value || !args_number("--ues", value, 0, NET_UES_MAX - 1, &d.burst))
                return EXIT_USAGE;
        } else if (args_value(&a, NULL, "--capture", &d.options.capture)) {
            if (!d.options.capture)
                return EXIT_USAGE;
        } else if (args_value(&a, NULL, "--keep-logs", &d.options.logs)) {
            if (!d.options.logs)
                return EXIT_USAGE;
        } else if (args_value(&a, NULL, "--page", &d.page)) {
            if (!d.page)
                return EXIT_USAGE;
        } else if (args_value(&a, NULL, "--regime", &d.trust.regime)) {
            if (!d.trust.regime)
                return EXIT_USAGE;
        } else if (args_value(&a, NULL, "--data-path", &value)) {
            snprintf(path, sizeof path, "upf.data_path=%s", value ? value : "");
            config.sets[0] = str_of(path);
            config.n_sets = 1;
            d.options.config = &config;
            if (!value)
                return EXIT_USAGE;
        } else if (args_flag(&a, NULL, "--quick")) {
            d.quick = true;
        } else if (args_flag(&a, NULL, "--null-ciphering")) {
            d.options.null_ciphering = true;
        } else {
            return usage("demo", "'%s' is not understood", args_now(&a));
        }
    }
    d.options.ues = 1 + d.burst;
    if (!demo_trust_prepare(&d.trust))
        return EXIT_USAGE;
    d.options.regime = d.trust.regime;
    d.options.inventory = d.trust.inventory;
    int status = EXIT_FAILED;
    d.net.lock = -1;
    d.rtt = calloc(1, sizeof *d.rtt);
    if (d.rtt && narrator_open(&d.narrator))
        status = play(&d);
    else
        fprintf(stderr, "redoubt demo: no memory\n");
    if (!net_down(&d.net))
        status = bad(&d, "%s", d.net.why);
    narrator_close(&d.narrator);
    free(d.rtt);
    printf(status == EXIT_OK ? "\nAll of it worked. Nothing is left behind.\n" : "\nIt did not work.\n");
    return status;
}
