/* SPDX-License-Identifier: Apache-2.0 */
/* trace_json.c - what a trace tells a program: a JSON object a line, first the session with what each PDR has forwarded, then
 * a packet each, last how it ended. Addresses, numbers and names of rows: nothing that needs to be escaped but the names of data
 * networks, which the configuration lets have letters, digits, '-' and '.' alone. */
#include "nf/upf/state.h"

static const uint64_t SECOND_US = 1000000;

static void ip_add(struct text *to, const char *key, uint8_t family, const uint8_t *ip)
{
    char buf[NET_ADDR_TEXT];
    struct rule_addr a = {.family = family};
    memcpy(a.ip, ip, family == 4 ? 4 : 16);
    text_add(to, ",\"%s\":\"%s\"", key, rule_addr_text(&a, buf));
}

void trace_json_head(const struct upf *u, const struct upf_session *s, const struct upf_trace *t, struct text *to)
{
    bool kernel = t->where == DP_WHERE_KERNEL;
    const struct upf_common *c = &s->common;
    text_add(to, "{\"session\":\"0x%016llx\",\"network\":\"" STR_FMT "\"", (unsigned long long)upf_seid(u, s),
             STR_ARG(instance_name(u, c->instance)));
    if (c->has_ipv4)
        ip_add(to, "ipv4", 4, c->ipv4);
    if (c->has_ipv6) {
        uint8_t prefix[16] = {0};
        memcpy(prefix, c->ipv6_prefix, sizeof c->ipv6_prefix);
        ip_add(to, "ipv6_prefix", 6, prefix);
    }
    text_add(to, ",\"handled\":\"%s\",\"pdrs\":[", kernel ? "kernel" : "portable");
    for (unsigned i = 0; i < t->counts_n; i++)
        text_add(to, "%s{\"pdr\":%u,\"packets\":%llu,\"octets\":%llu}", i ? "," : "", t->count[i].id,
                 (unsigned long long)t->count[i].packets, (unsigned long long)t->count[i].octets);
    text_add(to, "]}\n");
}

static void headers_add(const struct dp_trace *k, struct text *to)
{
    if (k->is_ip) {
        ip_add(to, "source", k->family, k->src);
        ip_add(to, "destination", k->family, k->dst);
        text_add(to, ",\"protocol\":%u", k->proto);
    }
    if (k->is_ip && k->has_ports)
        text_add(to, ",\"source_port\":%u,\"destination_port\":%u", k->src_port, k->dst_port);
    if (k->is_frame)
        text_add(to, ",\"ethertype\":%u", k->ethertype);
    if (!k->from.family) {
        text_add(to, ",\"from\":\"%s\"", k->is_released ? "buffer" : "network");
        return;
    }
    text_add(to, ",\"from\":\"tunnel\",\"from_teid\":\"0x%08x\"", k->from_teid);
    ip_add(to, "from_peer", k->from.family, k->from.ip);
    if (k->from_qfi)
        text_add(to, ",\"from_qfi\":%u", k->from_qfi);
}

void trace_json_packet(const struct upf *u, const struct upf_trace *t, const struct dp_trace *k, struct text *to)
{
    uint64_t after = k->at_us > t->started_us ? k->at_us - t->started_us : 0;
    text_add(to, "{\"at_s\":%llu.%06llu,\"uplink\":%s,\"octets\":%u", (unsigned long long)(after / SECOND_US),
             (unsigned long long)(after % SECOND_US), k->is_uplink ? "true" : "false", k->octets);
    headers_add(k, to);
    if (k->has_pdr)
        text_add(to, ",\"pdr\":%u,\"far\":%u", k->pdr_id, k->far_id);
    text_add(to, ",\"fate\":\"%s\"", dp_counter_name(k->fate)); /* a row of spec/dp_counters.def */
    if (k->has_rule)
        text_add(to, ",\"%s\":%u", k->fate == DP_quota ? "urr" : "qer", k->rule_id);
    if (k->fate == DP_to_core)
        text_add(to, ",\"to_network\":\"" STR_FMT "\"", STR_ARG(instance_name(u, k->instance)));
    if (k->fate == DP_to_tunnel) {
        text_add(to, ",\"to_teid\":\"0x%08x\",\"to_qfi\":%u", k->to_teid, k->to_qfi);
        ip_add(to, "to_peer", k->to.family, k->to.ip);
    }
    text_add(to, "}\n");
}
