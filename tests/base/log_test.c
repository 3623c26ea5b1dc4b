/* SPDX-License-Identifier: Apache-2.0 */
/* Logs: what a line looks like, that no value can leave its place, levels, rate limits, pseudonyms; histograms. */
#include "base/hist.h"
#include "base/log.h"
#include "tests/test.h"
#include <stdio.h>

struct sink {
    char text[65536];
    uint32_t n, lines;
    uint64_t now_us;
};
static void sink_line(void *ctx, struct str line)
{
    struct sink *s = ctx;
    assert_true(s->n + line.n < sizeof s->text);
    memcpy(s->text + s->n, line.p, line.n);
    s->n += line.n;
    s->text[s->n] = 0;
    s->lines++;
    assert_int_equal(line.p[line.n - 1], '\n');
    assert_null(memchr(line.p, '\n', line.n - 1));
}
static uint64_t sink_clock(void *ctx) { return ((struct sink *)ctx)->now_us; }
static const uint8_t secret[16] = {1, 2, 3};

static void fresh(struct log *log, struct sink *s)
{
    *s = (struct sink){.now_us = 1700000000123456};
    log_init(log, secret);
    log->line = sink_line;
    log->ctx = log->clock = s;
    log->unix_us = sink_clock;
}

static void text_lines(void **state)
{
    struct log log;
    static struct sink s;
    fresh(&log, &s);
    LOG(&log, ue_registered, "ue=%s gnb=%u took_us=%llu peer=%s:%u", "ue#01", 7, 12ull, "10.0.0.1", 38412);
    assert_string_equal(s.text, "2023-11-14T22:13:20.123456Z info   amf    ue_registered ue=ue#01 gnb=7 took_us=12 "
                                "peer=10.0.0.1:38412: a phone is registered\n");
    fresh(&log, &s);
    LOG(&log, started, "in %d ms rate=%.1f", 3, 1.25);
    assert_string_equal(s.text, "2023-11-14T22:13:20.123456Z notice cmd    started rate=1.2: in 3 ms\n");
    fresh(&log, &s);
    fresh(&log, &s);
    LOG(&log, nas_rx, "a=\"%s of\" b=%u", "x", 1); /* DEBUG: nothing */
    LOG(&log, ue_no_answer, "to=\"Security mode command\" why=\"%s\" n=\"%u\" c=%u", "a \" b", 4, 5);
    assert_non_null(strstr(s.text, "ue_no_answer to=\"Security mode command\" why=\"a \\\" b\" n=4 c=5: a phone"));
    fresh(&log, &s);
    const char *volatile nothing = NULL;
    LOG(&log, sctp_up, "name=%.*s none=%s empty=%s pc=100%%", 3, "abcdef", nothing, "");
    assert_non_null(strstr(s.text, " name=abc none=none empty=\"\" pc=100%: "));
}

static void json_lines(void **state)
{
    struct log log;
    static struct sink s;
    fresh(&log, &s);
    log.format = LOG_JSON;
    LOG(&log, ue_rejected, "ue=%s cause=%u delta=%d hex=%x mixed=%u/%u", "ue#02", 3, -4, 255, 1, 2);
    assert_string_equal(s.text, "{\"time\":\"2023-11-14T22:13:20.123456Z\",\"level\":\"notice\",\"nf\":\"amf\","
                                "\"event\":\"ue_rejected\",\"ue\":\"ue#02\",\"cause\":3,\"delta\":-4,\"hex\":\"ff\","
                                "\"mixed\":\"1/2\",\"text\":\"a phone's registration was rejected\"}\n");
}

static void values_stay_in_place(void **state)
{
    struct log log;
    static struct sink s;
    fresh(&log, &s);
    LOG(&log, ng_setup_done, "name=%s id=%u", "a\n2026 error x=y \"q\" \\ \x1b[2J \xff \xc3\xa4 \xc2\x9b", 5);
    assert_non_null(strstr(s.text, "name=\"a\\x0a2026 error x=y \\\"q\\\" \\\\ \\x1b[2J \\xff \xc3\xa4 \\xc2\\x9b\" id=5: "));
    fresh(&log, &s);
    log.format = LOG_JSON;
    LOG(&log, ng_setup_done, "name=%s", "a\",\"id\":\"\n\xe2\x80\xa8");
    assert_non_null(strstr(s.text, "\"name\":\"a\\\",\\\"id\\\":\\\"\\u000a\\u00e2\\u0080\\u00a8\","));
    fresh(&log, &s);
    LOG(&log, ng_setup_done, "from %s", "x\ny: z=1");
    assert_non_null(strstr(s.text, "ng_setup_done: from x\\x0ay: z=1\n"));
}

static void long_values_are_cut(void **state)
{
    static char big[3 * LOG_LINE_MAX];
    for (int control = 0; control < 2; control++)
        for (int json = 0; json < 2; json++) {
            struct log log;
            static struct sink s;
            fresh(&log, &s);
            log.format = json ? LOG_JSON : LOG_TEXT;
            memset(big, control ? 1 : 'x', sizeof big - 1);
            LOG(&log, ng_setup_done, "a=%s b=%s c=%u", big, big, 1);
            assert_int_equal(s.lines, 1);
            assert_true(s.n <= LOG_LINE_MAX);
            if (json)
                assert_string_equal(s.text + s.n - 2, "}\n");
        }
}

static void levels(void **state)
{
    struct log log;
    static struct sink s;
    int evaluated = 0;
    fresh(&log, &s);
    LOG(&log, ngap_rx, "n=%d", ++evaluated); /* DEBUG */
    assert_int_equal(s.lines + evaluated, 0);
    log.level[LOG_NF_NGAP] = LOG_DEBUG;
    LOG(&log, ngap_rx, "n=%d", ++evaluated);
    LOG(&log, nas_rx, "n=%d", ++evaluated);
    assert_int_equal(s.lines, 1);
    assert_int_equal(evaluated, 1);
    log_set_level(&log, LOG_ERROR);
    LOG(&log, sctp_refused, "x=%d", 1); /* WARN */
    assert_int_equal(s.lines, 1);
    LOG((struct log *)NULL, started, "x=%d", 1);
    log_flush(NULL);
}

static void too_many_are_counted(void **state)
{
    struct log log;
    static struct sink s;
    fresh(&log, &s);
    for (int i = 0; i < 100; i++)
        LOG(&log, ue_rejected, "i=%d", i);
    LOG(&log, ue_registered, "other=%d", 1); /* another event has its own measure */
    assert_int_equal(s.lines, 41);
    assert_int_equal(log.suppressed, 60);
    s.now_us += 100000; /* a tenth of a second: one line more */
    LOG(&log, ue_rejected, "i=%d", 100);
    assert_non_null(strstr(s.text, "log_suppressed of=ue_rejected lines=60"));
    assert_int_equal(s.lines, 43);
    LOG(&log, ue_rejected, "i=%d", 101);
    log_flush(&log);
    log_flush(&log);
    assert_int_equal(s.lines, 44);
    s.now_us -= 50000000; /* the clock steps back: no burst, no stop for ever */
    LOG(&log, ue_rejected, "i=%d", 102);
    assert_int_equal(s.lines, 44);
    s.now_us += 1000000;
    for (int i = 0; i < 20; i++)
        LOG(&log, ue_rejected, "i=%d", i);
    assert_int_equal(s.lines, 44 + 1 + 10);
    uint32_t before = s.lines;
    for (int i = 0; i < 20000; i++, s.now_us += 10) /* gaps below a part of a token still add up */
        LOG(&log, ue_page_failed, "i=%d", i);
    assert_int_equal(s.lines - before, 40 + 1 + 1); /* the burst, one in a tenth of a second, a report */
}

static void identities(void **state)
{
    struct log log, other;
    uint8_t another[16] = {9};
    log_init(&log, secret);
    log_init(&other, another);
    struct pseudonym a = log_identity(&log, STR("imsi-001010000000001"));
    struct pseudonym b = log_identity(&log, STR("imsi-001010000000002"));
    struct pseudonym again = log_identity(&log, STR("imsi-001010000000001"));
    struct pseudonym elsewhere = log_identity(&other, STR("imsi-001010000000001"));
    assert_string_equal(a.text, again.text);
    assert_string_not_equal(a.text, b.text);
    assert_string_not_equal(a.text, elsewhere.text);
    assert_memory_equal(a.text, "ue#", 3);
    assert_int_equal(strlen(a.text), 11);
    assert_string_equal(log_identity(&log, (struct str){NULL, 0}).text, "ue#none");
    assert_string_equal(log_identity(NULL, STR("imsi-1")).text, "ue#none");
}

static void rows_are_sound(void **state)
{
    for (unsigned e = 0; e < EVENT_COUNT; e++) {
        const struct event_desc *d = event_desc((enum event)e);
        assert_true(strlen(d->name) < 40 && strlen(d->text) > 5 && strlen(d->text) < 160);
        for (unsigned o = 0; o < e; o++)
            assert_string_not_equal(d->name, event_desc((enum event)o)->name);
    }
    assert_string_equal(event_desc((enum event)99999)->name, "unknown");
    assert_string_equal(log_nf_text(LOG_NF_AMF), "amf");
    assert_string_equal(log_nf_text((enum log_nf)999), "?");
    assert_string_equal(log_level_text((enum log_level)99), "?");
}

static void histograms(void **state)
{
    static struct hist h, all;
    memset(&h, 0, sizeof h);
    memset(&all, 0, sizeof all);
    assert_int_equal(hist_percentile(&h, 50), 0);
    assert_int_equal(hist_at_most(&h, 5), 0);
    assert_true(hist_mean(&h) == 0);
    for (uint32_t i = 1; i <= 100; i++)
        hist_add(&h, i);
    assert_int_equal(hist_percentile(&h, 50), 50);
    assert_int_equal(hist_percentile(&h, 99), 99);
    assert_int_equal(hist_percentile(&h, 99.5), 100);
    assert_int_equal(hist_percentile(&h, 0), 1);
    assert_int_equal(hist_percentile(&h, 100), 100);
    assert_int_equal(hist_at_most(&h, 70), 70);
    assert_int_equal(hist_at_most(&h, 0), 0);
    assert_int_equal(hist_at_most(&h, UINT64_MAX), 100);
    assert_true(hist_mean(&h) == 50.5);
    memset(&h, 0, sizeof h);
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 20000; i++) { /* any value is known to within 0.8 % */
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        uint64_t v = x >> (32 + x % 31);
        memset(&h, 0, sizeof h);
        hist_add(&h, v);
        hist_add(&h, UINT32_MAX);
        uint64_t p = hist_percentile(&h, 50);
        assert_true(p >= v && p - v <= v / 128);
        assert_int_equal(hist_at_most(&h, v), v >= 0xff000000 ? 2 : 1);
        hist_merge(&all, &h);
    }
    assert_int_equal(all.n, 40000);
    assert_int_equal(all.max, UINT32_MAX);
    hist_add(&all, UINT64_MAX); /* counts as the largest */
    assert_int_equal(hist_percentile(&all, 100), UINT32_MAX);
    static const struct hist empty;
    uint64_t n = all.n;
    hist_merge(&all, &empty);
    assert_int_equal(all.n, n);
}

int main(void)
{
    return RUN(unit(text_lines), unit(json_lines), unit(values_stay_in_place), unit(long_values_are_cut), unit(levels),
               unit(too_many_are_counted), unit(identities), unit(rows_are_sound), unit(histograms));
}
