/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - redoubt trace: the packets of one session with the reason of each decision, for a person
 * at the control socket. Bounded in number, packets and time; it ends by itself when nobody reads.
 * Identities and addresses are in the answers, never in the log. */
#include "nf/upf/state.h"
#include <stdio.h>
#include <stdlib.h>

static const uint64_t SECOND_US = 1000000, UNREAD_US = 5000000;

/* ---- life ---- */
static void trace_drop(struct upf_trace *t)
{
    timer_stop(&t->upf->rt->timers, &t->timer);
    free(t->record);
    free(t->count);
    *t = (struct upf_trace){0};
}

static void command_send(const struct upf_trace *t, uint16_t packets)
{
    struct dp_command c = {.kind = DP_TRACE, .session = t->session.i, .gen = t->session.gen,
                           .packet_n = packets, .tag = packets || !t->started ? t->id : 0};
    user_plane_command(t->upf->up, &c);
}

static void trace_end(struct upf_trace *t, const char *why)
{
    if (t->why)
        return;
    t->why = why;
    if (t->n < t->packets)
        command_send(t, 0);
    if (t->packets)
        LOG(t->upf->rt->log, upf_trace_ended, "trace=%u packets=%u why=%s", t->id, t->n, why);
}

static void trace_due(struct timer *timer)
{
    struct upf_trace *t = CONTAINER(timer, struct upf_trace, timer);
    uint64_t now = t->upf->rt->now_us;
    if (now >= t->until_us)
        trace_end(t, "its time is over");
    if (now >= t->read_us + UNREAD_US) {
        trace_end(t, "nobody reads it");
        trace_drop(t);
        return;
    }
    timer_set(&t->upf->rt->timers, timer, now + SECOND_US / 2, trace_due);
}

void traces_session_ended(struct upf *u, const struct upf_session *s)
{
    struct ref at = slab_ref(&u->sessions, s);
    for (unsigned i = 0; i < UPF_TRACES; i++)
        if (u->trace[i].upf && u->trace[i].session.i == at.i && u->trace[i].session.gen == at.gen) {
            u->trace[i].started = true;
            trace_end(&u->trace[i], "the session has ended");
        }
}

void traces_free(struct upf *u)
{
    for (unsigned i = 0; i < UPF_TRACES; i++)
        if (u->trace[i].upf)
            trace_drop(&u->trace[i]);
}

/* ---- from the packet path ---- */
static struct upf_trace *trace_of(struct upf *u, const struct dp_event *e)
{
    for (unsigned i = 0; i < UPF_TRACES; i++) {
        struct upf_trace *t = &u->trace[i];
        if (t->upf && !t->why && t->session.i == e->session && t->session.gen == e->gen)
            return t;
    }
    return NULL;
}

void trace_event(struct upf *u, const struct dp_event *e)
{
    struct upf_trace *t = trace_of(u, e);
    if (!t)
        return;
    if (e->kind == DP_EVENT_PDR) {
        if (t->counts_n < RULE_MAX)
            t->count[t->counts_n++] = (struct upf_pdr_count){e->pdr_id, e->usage.ul_packets, e->usage.ul_octets};
    } else if (e->kind == DP_EVENT_DONE && e->tag == t->id) {
        t->started = true;
        t->where = e->result;
        if (e->result < 0 || !t->packets)
            trace_end(t, e->result < 0 ? "the session has ended" : "");
    } else if (e->kind == DP_EVENT_TRACE && t->n < t->packets && e->packet.n == sizeof *t->record) {
        memcpy(&t->record[t->n++], e->packet.p, sizeof *t->record);
        if (t->n == t->packets)
            trace_end(t, "as many packets as asked for");
    }
}

/* ---- which session ---- */
static bool seid_parse(struct str text, uint64_t *seid)
{
    char word[24], *end;
    if (!str_copy(word, sizeof word, text))
        return false;
    *seid = strtoull(word, &end, 16);
    return text.n && !*end;
}

static struct upf_session *session_of_address(struct upf *u, const struct net_addr *a, unsigned *n)
{
    struct upf_session *found = NULL;
    for (uint32_t i = 0; i < u->config->n_n6; i++) {
        struct upf_session *s = a->family == 4 ? upf_session_of_ue4(u, (uint16_t)i, a->ip)
                                               : map_get_u64(&u->ue6[i], be64(a->ip));
        *n += s != NULL;
        found = s ? s : found;
    }
    return found;
}

static struct upf_session *session_find(struct upf *u, struct str ue, struct str seid, struct text *answer)
{
    struct upf_session *s = NULL;
    struct net_addr a;
    uint64_t id;
    unsigned n = 0;
    if (seid.n && seid_parse(seid, &id))
        s = upf_session_of_seid(u, id);
    else if (ue.n && addr_parse(&a, ue, 0))
        s = session_of_address(u, &a, &n);
    else {
        text_add(answer, "error: neither an address of a phone nor the number of a session\n");
        return NULL;
    }
    if (n > 1)
        text_add(answer, "error: phones of %u data networks have this address; name one by its session\n", n);
    else if (!s || s->going)
        text_add(answer, "error: no such session here\n");
    return n > 1 || (s && s->going) ? NULL : s;
}

/* ---- start ---- */
static bool number(struct str word, const char *key, uint32_t max, uint32_t *to)
{
    uint32_t at = (uint32_t)strlen(key), v = 0;
    if (word.n <= at || memcmp(word.p, key, at))
        return false;
    for (; at < word.n; at++) {
        if (word.p[at] < '0' || word.p[at] > '9' || v > max)
            return false;
        v = v * 10 + (uint32_t)(word.p[at] - '0');
    }
    *to = v;
    return v <= max;
}

static struct str value_of(struct str word, const char *key)
{
    uint32_t n = (uint32_t)strlen(key);
    return word.n > n && !memcmp(word.p, key, n) ? (struct str){word.p + n, word.n - n} : (struct str){0};
}

static void trace_start(struct upf *u, struct str words, struct text *answer)
{
    uint32_t packets = 20, seconds = 60, json = 0;
    struct str ue = {0}, seid = {0};
    for (struct str w; (w = text_word(&words)).n;) {
        if (value_of(w, "ue=").n)
            ue = value_of(w, "ue=");
        else if (value_of(w, "seid=").n)
            seid = value_of(w, "seid=");
        else if (!number(w, "packets=", UPF_TRACE_PACKETS, &packets) && !number(w, "json=", 1, &json) &&
                 !number(w, "seconds=", UPF_TRACE_SECONDS, &seconds)) {
            text_add(answer, "error: at most %d packets and %d seconds\n", UPF_TRACE_PACKETS, UPF_TRACE_SECONDS);
            return;
        }
    }
    struct upf_session *s = session_find(u, ue, seid, answer);
    if (!s)
        return;
    struct upf_trace *t = NULL;
    for (unsigned i = 0; i < UPF_TRACES && !t; i++)
        t = u->trace[i].upf ? NULL : &u->trace[i];
    struct ref at = slab_ref(&u->sessions, s);
    struct dp_event of = {.session = at.i, .gen = at.gen};
    if (!t || trace_of(u, &of)) {
        text_add(answer, t ? "error: this session is being traced\n" : "error: %d sessions are being traced\n", UPF_TRACES);
        return;
    }
    *t = (struct upf_trace){.upf = u, .id = ++u->trace_last, .session = at, .packets = (uint16_t)packets, .json = json,
                            .started_us = u->rt->now_us, .read_us = u->rt->now_us,
                            .until_us = u->rt->now_us + (seconds ? seconds : 1) * SECOND_US};
    t->record = calloc(packets + 1, sizeof *t->record);
    t->count = calloc(RULE_MAX, sizeof *t->count);
    if (!t->record || !t->count || timer_set(&u->rt->timers, &t->timer, u->rt->now_us + SECOND_US / 2, trace_due)) {
        trace_drop(t);
        text_add(answer, "error: no memory\n");
        return;
    }
    if (packets)
        LOG(u->rt->log, upf_trace_started, "trace=%u packets=%u seconds=%u", t->id, packets, seconds);
    command_send(t, (uint16_t)packets);
    text_add(answer, "trace %u\n", t->id);
}

/* ---- what is read ---- */
static const char *protocol_text(const struct dp_trace *k, char buf[24])
{
    static const struct {
        uint8_t number;
        const char *name;
    } known[] = {{1, "icmp"}, {6, "tcp"}, {17, "udp"}, {50, "esp"}, {58, "icmp6"}, {132, "sctp"}};
    const char *name = NULL;
    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].number == k->proto)
            name = known[i].name;
    if (name && (k->proto == 1 || k->proto == 58) && !k->is_fragment)
        snprintf(buf, 24, "%s type %u", name, k->icmp_type);
    else if (name)
        snprintf(buf, 24, "%s%s", name, k->is_fragment ? " fragment" : "");
    else
        snprintf(buf, 24, "protocol %u", k->proto);
    return buf;
}

static const char *end_text(const struct dp_trace *k, const uint8_t *ip, uint16_t port, char buf[NET_ADDR_TEXT])
{
    struct net_addr a = {.family = k->family, .port = k->has_ports ? port : 0};
    memcpy(a.ip, ip, 16);
    return addr_text(&a, buf);
}

#define MAC_FMT "%02x:%02x:%02x:%02x:%02x:%02x"
#define MAC_ARG(a) (a)[0], (a)[1], (a)[2], (a)[3], (a)[4], (a)[5]
static void headers_add(const struct dp_trace *k, struct text *to)
{
    char a[NET_ADDR_TEXT], b[NET_ADDR_TEXT], p[24];
    if (k->is_ip)
        text_add(to, "%s > %s %s, %u octets", end_text(k, k->src, k->src_port, a), end_text(k, k->dst, k->dst_port, b),
                 protocol_text(k, p), k->octets);
    else if (k->is_frame)
        text_add(to, MAC_FMT " > " MAC_FMT " type 0x%04x, %u octets", MAC_ARG(k->src), MAC_ARG(k->dst), k->ethertype, k->octets);
    else
        text_add(to, "no good packet, %u octets", k->octets);
    if (k->from.family) {
        text_add(to, "; tunnel 0x%08x from %s", k->from_teid, rule_addr_text(&k->from, a));
        if (k->from_qfi)
            text_add(to, " QFI %u", k->from_qfi);
    } else {
        text_add(to, "; %s", k->is_released ? "from the session's buffer" : "from the data network");
    }
}

static void reason_add(const struct upf *u, const struct dp_trace *k, struct text *to)
{
    char a[NET_ADDR_TEXT];
    if (k->has_pdr)
        text_add(to, "PDR %u, FAR %u", k->pdr_id, k->far_id);
    else
        text_add(to, "no PDR");
    switch (k->fate) {
    case DP_to_core: text_add(to, ": to data network " STR_FMT, STR_ARG(instance_name(u, k->instance))); return;
    case DP_to_tunnel:
        text_add(to, ": into tunnel 0x%08x of %s", k->to_teid, rule_addr_text(&k->to, a));
        if (k->to_qfi)
            text_add(to, ", QFI %u%s", k->to_qfi, k->reflective ? " reflective" : "");
        return;
    case DP_held: text_add(to, ": buffered%s", k->action & RULE_NOCP ? ", the SMF is told" : ""); return;
    case DP_to_control: text_add(to, ": to the control plane"); return;
    default: break;
    }
    text_add(to, ": dropped, %s", dp_counter_text(k->fate));
    if (k->has_rule)
        text_add(to, " (%s %u)", k->fate == DP_quota ? "URR" : "QER", k->rule_id);
}

static void packet_add(const struct upf_trace *t, const struct dp_trace *k, struct text *to)
{
    uint64_t after = k->at_us > t->started_us ? k->at_us - t->started_us : 0;
    text_add(to, "%4llu.%06llu %s ", (unsigned long long)(after / SECOND_US), (unsigned long long)(after % SECOND_US),
             k->is_uplink ? "up  " : "down");
    headers_add(k, to);
    text_add(to, "\n            -> ");
    reason_add(t->upf, k, to);
    text_add(to, "\n");
}

static void head_add(struct upf_trace *t, struct text *to)
{
    static const char *const where[] = {"", "in the kernel (XDP)", "by the portable path: the kernel does not do its rules"};
    struct upf_session *s = slab_get(&t->upf->sessions, t->session);
    t->has_head = true;
    if (!s)
        return;
    if (t->json) {
        trace_json_head(t->upf, s, t, to);
        return;
    }
    session_text(t->upf, s, t->count, t->counts_n, to);
    if (t->where > 0 && t->where < (int)ARRAY_LEN(where))
        text_add(to, "  packets are handled %s%s\n", where[t->where],
                 t->where == DP_WHERE_KERNEL && t->packets
                     ? "; while they are traced the portable path has them, by the same rules"
                     : "");
}

static void trace_read(struct upf_trace *t, struct text *to)
{
    enum { A_PACKET = 512, A_HEAD = 65536 };
    t->read_us = t->upf->rt->now_us;
    bool ends = t->why && (t->n - t->told) * A_PACKET < (int)(to->cap - to->n) - A_HEAD;
    text_add(to, "%s\n", ends ? "end" : "more");
    if (t->started && !t->has_head)
        head_add(t, to);
    for (; t->told < t->n && to->cap > to->n + A_PACKET; t->told++) {
        if (t->json)
            trace_json_packet(t->upf, t, &t->record[t->told], to);
        else
            packet_add(t, &t->record[t->told], to);
    }
    if (!ends)
        return;
    if (t->why[0] && t->json)
        text_add(to, "{\"packets\":%u,\"ended\":\"%s\"}\n", t->n, t->why);
    else if (t->why[0])
        text_add(to, "%u packets: %s\n", t->n, t->why);
    trace_drop(t);
}

void trace_ask(void *state, struct str words, struct text *answer)
{
    struct upf *u = state;
    struct str what = text_word(&words);
    uint32_t id = 0;
    if (str_is(what, "start")) {
        trace_start(u, words, answer);
        return;
    }
    struct upf_trace *t = NULL;
    if (number(text_word(&words), "", 99999999, &id))
        for (unsigned i = 0; i < UPF_TRACES; i++)
            if (u->trace[i].upf && u->trace[i].id == id)
                t = &u->trace[i];
    if (t && str_is(what, "stop"))
        trace_end(t, "stopped");
    if (t && (str_is(what, "read") || str_is(what, "stop")))
        trace_read(t, answer);
    else
        text_add(answer, "error: no such trace\n");
}
