/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: what is counted, and that the text is Prometheus's. */
#include "base/err.h"
#include "rt/metrics.h"
#include "tests/test.h"
#include <stdlib.h>

enum { CAP = 1 << 20 };
static const char *op_name(uint32_t i) { return i == 3 ? "post \"x\"\\\n" : NULL; }

static char *render(const struct metrics *m)
{
    char *text = malloc(CAP);
    int n = metrics_render(m, text, CAP - 1);
    assert_true(n > 0);
    text[n] = 0;
    return text;
}

static void counting(void **state)
{
    struct metrics *m = metrics_new();
    metric_add(m, METRIC_ng_setup_ok, 2);
    metric_add(m, METRIC_gnbs_connected, 3);
    metric_add(m, METRIC_gnbs_connected, -1);
    metric_set(m, METRIC_subscribers, 1000000);
    metric_add_at(m, METRIC_reg_failed, 3, 1);
    metric_add_at(m, METRIC_reg_failed, 5000, 1); /* too large counts as the last */
    metric_add(m, METRIC_dp_spoofed, 4);
    metric_add(m, METRIC_process_cpu_us, 1500000);
    metric_add(m, METRIC_reg_us, 1); /* not a number: nothing happens */
    metric_observe(m, METRIC_gnbs_connected, 1);
    assert_int_equal(metric_get(m, METRIC_gnbs_connected), 2);
    assert_int_equal(metric_get_at(m, METRIC_reg_failed, 127), 1);
    char *t = render(m);
    assert_non_null(strstr(t, "# HELP redoubt_amf_gnbs_connected RAN nodes that are set up\n"
                              "# TYPE redoubt_amf_gnbs_connected gauge\nredoubt_amf_gnbs_connected 2\n"));
    assert_non_null(strstr(t, "# TYPE redoubt_amf_ng_setups_total counter\n"
                              "redoubt_amf_ng_setups_total{result=\"accepted\"} 2\n"
                              "redoubt_amf_ng_setups_total{result=\"refused\"} 0\n"));
    assert_non_null(strstr(t, "registrations_failed_total{cause=\"3\"} 1\n"
                              "redoubt_amf_registrations_failed_total{cause=\"127\"} 1\n"));
    assert_null(strstr(t, "registrations_failed_total{cause=\"4\"}"));
    assert_non_null(strstr(t, "redoubt_upf_packets_dropped_total{why=\"spoofed\"} 4\n"));
    assert_non_null(strstr(t, "process_cpu_seconds_total 1.500000\n"));
    assert_non_null(strstr(t, "redoubt_udr_subscribers 1000000\n"));
    free(t);
    metrics_free(m);
}

static void histograms(void **state)
{
    struct metrics *m = metrics_new(), *other = metrics_new();
    metric_observe(m, METRIC_reg_us, 300);
    metric_observe(other, METRIC_reg_us, 40000000);
    metrics_labels(other, METRIC_sbi_us, op_name);
    metric_observe_at(other, METRIC_sbi_us, 3, 60);
    metric_observe_at(other, METRIC_sbi_us, 4, 60);
    metrics_merge(m, other);
    assert_int_equal(metric_hist_at(m, METRIC_reg_us, 0)->n, 2);
    char *t = render(m);
    assert_non_null(strstr(t, "# TYPE redoubt_amf_registration_seconds histogram\n"));
    assert_non_null(strstr(t, "redoubt_amf_registration_seconds_bucket{le=\"0.00025\"} 0\n"
                              "redoubt_amf_registration_seconds_bucket{le=\"0.0005\"} 1\n"));
    assert_non_null(strstr(t, "redoubt_amf_registration_seconds_bucket{le=\"30\"} 1\n"
                              "redoubt_amf_registration_seconds_bucket{le=\"+Inf\"} 2\n"
                              "redoubt_amf_registration_seconds_sum 40.000300\n"
                              "redoubt_amf_registration_seconds_count 2\n"));
    assert_non_null(strstr(t, "redoubt_sbi_call_seconds_count{operation=\"post \\\"x\\\"\\\\\\n\"} 1\n"));
    assert_non_null(strstr(t, "redoubt_sbi_call_seconds_bucket{operation=\"4\",le=\"0.0001\"} 1\n"));
    free(t);
    metrics_free(m);
    metrics_free(other);
}

/* Each family once, with its lines together: what Prometheus refuses otherwise. */
static void families_stand_together(void **state)
{
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        const char *name = metric_descs[i].name;
        size_t n = strcspn(name, "{");
        assert_true(name[n] == 0 || name[strlen(name) - 1] == '}');
        bool apart = false;
        for (unsigned j = i + 1; j < METRIC_COUNT; j++) {
            bool same = strcspn(metric_descs[j].name, "{") == n && !strncmp(name, metric_descs[j].name, n);
            assert_false(same && apart);
            assert_string_not_equal(name, metric_descs[j].name);
            apart |= !same;
        }
    }
}

static void too_small(void **state)
{
    struct metrics *m = metrics_new();
    char out[4096];
    for (uint32_t cap = 0; cap < sizeof out; cap += 97)
        assert_int_equal(metrics_render(m, out, cap), ERR_NOSPACE);
    metric_add(NULL, METRIC_ng_setup_ok, 1);
    metric_set(NULL, METRIC_subscribers, 1);
    metric_observe(NULL, METRIC_reg_us, 1);
    assert_int_equal(metric_get(NULL, METRIC_ng_setup_ok), 0);
    assert_int_equal(metrics_render(NULL, out, sizeof out), 0);
    metrics_free(m);
    metrics_free(NULL);
}

int main(void) { return RUN(unit(counting), unit(histograms), unit(families_stand_together), unit(too_small)); }
