/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/scenario_run.h"
#include "codec/ngap.h"
#include "codec/sbi.h"
#include <stdio.h>
#include <stdlib.h>

enum { MS = 1000, S = 1000000, PATIENCE_US = 5 * S, TICK_US = 2 * MS };

/* ---- what is seen ---- */
static void say(const struct scenario_run *r, const char *what, const char *text)
{
    if (r->verbose)
        printf("%12.6f    %s %s\n", (double)r->bed.now_us(r->bed.ctx) / S, what, text);
}
void scenario_saw(struct scenario_run *r, enum scenario_link link, uint32_t type, const void *value)
{
    static const char *const names[] = {"n1", "n2", "n4", "sbi"};
    char name[64];
    if (type >= SCENARIO_TYPES)
        return;
    r->count[link][type]++;
    if (r->n_order < SCENARIO_ORDER) {
        r->order[r->n_order].link = (uint8_t)link;
        r->order[r->n_order++].type = (uint16_t)type;
    }
    if (r->verbose) {
        scenario_message_name(link, type, name);
        say(r, names[link], name);
    }
    for (uint32_t i = 0; i < r->s->n; i++) {
        const struct scenario_step *s = &r->s->steps[i];
        if (s->op != SCENARIO_is_field || s->arg[0].n != link || s->arg[1].n != type)
            continue;
        struct text t = text_over(r->field[i], SCENARIO_FIELD_TEXT);
        t.p[0] = 0;
        scenario_field(link, type, value, s->arg[2].s, &t);
    }
}
static void saw_inside(struct scenario_run *r, uint8_t container_type, struct bytes container)
{
    uint64_t block[1024];
    struct arena a = arena_over(block, sizeof block);
    struct nas_msg *m = malloc(sizeof *m);
    if (m && container_type == NAS_PAYLOAD_N1_SM && nas_decode(container, &a, m, NULL) >= 0 && m->epd == NAS_EPD_SM)
        scenario_saw(r, SCENARIO_N1, m->type, m);
    free(m);
}
void scenario_saw_nas(struct scenario_run *r, const struct tap_event *e)
{
    const struct nas_msg *m = e->value;
    if (!m || m->epd == NAS_EPD_SM) /* of those the transport tells */
        return;
    scenario_saw(r, SCENARIO_N1, m->type, m);
    if (m->type == NAS_UL_NAS_TRANSPORT)
        saw_inside(r, m->ul_nas_transport.payload_container_type, m->ul_nas_transport.payload_container);
    else if (m->type == NAS_DL_NAS_TRANSPORT)
        saw_inside(r, m->dl_nas_transport.payload_container_type, m->dl_nas_transport.payload_container);
}
void scenario_happened(struct scenario_run *r, uint32_t ue, const struct ue_event *e)
{
    char text[96];
    if (ue >= SCENARIO_UES_MAX || (uint32_t)e->kind >= SCENARIO_HAPPENINGS)
        return;
    r->happened[ue][e->kind]++;
    snprintf(text, sizeof text, "%u: %s%s%.0u%s%.0u", ue + 1, ue_event_name(e->kind), e->psi ? ", session " : "", e->psi,
             e->cause ? e->is_gmm ? ", 5GMM cause " : ", cause " : "", e->cause);
    say(r, "ue", text);
}
void scenario_logged(struct scenario_run *r, struct str line)
{
    struct str word = {NULL, 0};
    for (uint32_t i = 0; i < 4; i++) /* time, level, who, event */
        word = text_word(&line);
    while (word.n && word.p[word.n - 1] == '\n')
        word.n--;
    for (uint32_t i = 0; i < EVENT_COUNT; i++)
        if (str_is(word, event_desc((enum event)i)->name)) {
            r->logged[i]++;
            if (event_desc((enum event)i)->level != LOG_DEBUG)
                say(r, "log", event_desc((enum event)i)->name);
        }
}
static void mark(struct scenario_run *r)
{
    memset(r->count, 0, sizeof r->count);
    memset(r->happened, 0, sizeof r->happened);
    memset(r->logged, 0, sizeof r->logged);
    memset(r->field, 0, sizeof r->field);
    r->n_order = 0;
}

/* ---- phones ---- */
static struct ue *ue_of(const struct scenario_run *r, const struct scenario_step *s)
{
    return r->bed.ue(r->bed.ctx, (uint32_t)s->arg[0].n - 1);
}
static struct cell *cell_of(const struct scenario_run *r, uint64_t n) { return r->bed.cell(r->bed.ctx, (uint32_t)n - 1); }
/* The one that is named, or the lowest. */
static struct ue_session *session_of(const struct ue *ue, const struct scenario_arg *psi)
{
    struct ue_session *lowest = NULL;
    if (psi->is_there)
        return ue_session_find(ue, (uint8_t)psi->n);
    for (struct ue_session *s = ue->sessions; s; s = s->next)
        lowest = !lowest || s->psi < lowest->psi ? s : lowest;
    return lowest;
}
void scenario_slice(struct str w, struct gnb_slice *out)
{
    *out = (struct gnb_slice){.sst = (uint8_t)strtoul(w.p, NULL, 10)};
    out->has_sd = w.n > 7 && hex_get(out->sd, 3, (struct str){w.p + w.n - 6, 6});
}
void scenario_flaw(const struct scenario_step *s, struct ue_config *u)
{
    if (s->arg[1].n == SCENARIO_FLAW_KEY)
        u->usim.key.k[5] ^= 1;
    u->no_algorithms |= s->arg[1].n == SCENARIO_FLAW_ALGORITHMS;
    if (s->arg[1].n == SCENARIO_FLAW_SQN)
        u->usim.sqn = 1ull << 27;
}
static int open_session(struct ue *ue, const struct scenario_step *s, struct text *why)
{
    static const uint8_t types[] = {NAS_PDU_IPV4, NAS_PDU_IPV6, NAS_PDU_IPV4V6, NAS_PDU_UNSTRUCTURED, NAS_PDU_ETHERNET};
    char dnn[UE_DNN] = "internet";
    struct ue_open o = {.psi = (uint8_t)s->arg[1].n, .dnn = dnn, .type = types[s->arg[3].n], .has_slice = true, .slice = {.sst = 1}};
    if (s->arg[2].is_there && !str_copy(dnn, sizeof dnn, s->arg[2].s)) {
        text_add(why, "the DNN is too long");
        return ERR_RANGE;
    }
    if (s->arg[4].is_there)
        scenario_slice(s->arg[4].s, &o.slice);
    int e = ue_session_open(ue, &o);
    if (e < 0)
        text_add(why, "the phone cannot open a session now: it is %s", ue_mm_state_name(ue->state));
    return e;
}
/* A member of the phone's 5G LAN, or all of them (there NULL). */
static int call_member(struct ue_session *x, const struct ue_session *there)
{
    static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
    struct net_addr to = {.family = x->type == NAS_PDU_IPV6 ? 6 : 4};
    if (x->type == NAS_PDU_ETHERNET)
        return ue_frame(x->ue, x->psi, there ? there->mac : all, 100);
    if (to.family == 6 && there && !ue_session_addr6(there, to.ip))
        return ERR_STATE;
    if (to.family == 4)
        memcpy(to.ip, there ? there->ipv4 : all, 4);
    else if (!there)
        memcpy(to.ip, (const uint8_t[16]){0xff, 5, [15] = 1}, 16);
    return ue_ping(x->ue, x->psi, &to, 56);
}
static int call(struct scenario_run *r, const struct scenario_step *s, struct ue_session *x)
{
    struct net_addr to;
    if (s->op == SCENARIO_ue_shout)
        return call_member(x, NULL);
    if (s->op == SCENARIO_ue_meet) {
        struct ue *other = r->bed.ue(r->bed.ctx, (uint32_t)s->arg[1].n - 1);
        const struct ue_session *there = other ? session_of(other, &s->arg[2]) : NULL;
        return there ? call_member(x, there) : ERR_NOTFOUND;
    }
    addr_parse(&to, s->arg[1].s, 0);
    return ue_ping(x->ue, x->psi, &to, 56);
}
static int ping(struct scenario_run *r, struct ue *ue, const struct scenario_step *s, struct text *why)
{
    struct ue_session *x = session_of(ue, &s->arg[s->op == SCENARIO_ue_shout ? 1 : 2]);
    uint32_t before = x ? x->pings_received : 0;
    uint8_t psi = x ? x->psi : 0;
    int e = x ? call(r, s, x) : ERR_NOTFOUND;
    if (e < 0) {
        text_add(why, "the phone cannot ping: %s", x ? err_text(e) : "it has no such session");
        return e;
    }
    if (s->op == SCENARIO_ue_call || s->op == SCENARIO_ue_shout)
        return OK;
    for (uint64_t end = r->bed.now_us(r->bed.ctx) + PATIENCE_US; r->bed.now_us(r->bed.ctx) < end;) {
        e = r->bed.advance(r->bed.ctx, TICK_US, why);
        x = ue_session_find(ue, psi);
        if (e < 0 || (x && x->pings_received > before))
            return e;
    }
    text_add(why, "no answer to the ping within 5 s");
    return ERR_TIMEOUT;
}
static int fault(uint8_t *place, const struct scenario_arg *message, struct text *why)
{
    if (*place) {
        text_add(why, "another message still waits for that");
        return ERR_EXISTS;
    }
    *place = (uint8_t)message->n;
    return OK;
}
static int drop_next(struct ue *ue, const struct scenario_step *s, struct text *why)
{
    struct ue_faults *f = &ue->faults;
    if (f->drop_up && f->drop_up != s->arg[2].n && f->drop_down)
        return fault(&f->drop_up, &s->arg[2], why);
    f->drop_up = f->drop_down = (uint8_t)s->arg[2].n;
    f->drop_times = s->arg[1].is_there ? (uint8_t)s->arg[1].n : 1;
    return OK;
}
static int now_not(struct text *why, const struct ue *ue, int e)
{
    if (e < 0)
        text_add(why, "makes no sense now: the phone is %s%s", ue_mm_state_name(ue->state), ue->link ? "" : ", idle");
    return e;
}
static int ue_step(struct scenario_run *r, const struct scenario_step *s, struct text *why)
{
    struct ue *ue = ue_of(r, s);
    uint8_t psi = (uint8_t)s->arg[1].n;
    switch (s->op) {
    case SCENARIO_ue_register: return now_not(why, ue, ue_register(ue));
    case SCENARIO_ue_update: return now_not(why, ue, ue_update(ue, NAS_REG_MOBILITY));
    case SCENARIO_ue_periodic: return now_not(why, ue, ue_update(ue, NAS_REG_PERIODIC));
    case SCENARIO_ue_dereg: return now_not(why, ue, ue_deregister(ue, false));
    case SCENARIO_ue_off: return now_not(why, ue, ue_deregister(ue, true));
    case SCENARIO_ue_service: return now_not(why, ue, ue_service(ue));
    case SCENARIO_ue_idle:
        return now_not(why, ue, ue->link ? gnb_ue_release_request(ue->link, NGAP_CauseRadioNetwork_user_inactivity) : ERR_STATE);
    case SCENARIO_ue_lost: ue_lose_radio(ue); return OK;
    case SCENARIO_ue_camp: ue_camp(ue, cell_of(r, s->arg[1].n)); return OK;
    case SCENARIO_ue_silent: ue->faults.silent = true; return OK;
    case SCENARIO_ue_speaks: ue->faults = (struct ue_faults){0}; return OK;
    case SCENARIO_ue_usim: return r->bed.ue_restart(r->bed.ctx, (uint32_t)s->arg[0].n - 1);
    case SCENARIO_ue_drop: return drop_next(ue, s, why);
    case SCENARIO_ue_forge: return fault(&ue->faults.bad_mac, &s->arg[1], why);
    case SCENARIO_ue_plain: return fault(&ue->faults.plain, &s->arg[1], why);
    case SCENARIO_ue_repeat: return fault(&ue->faults.replay, &s->arg[1], why);
    case SCENARIO_ue_open: return open_session(ue, s, why);
    case SCENARIO_ue_close: return now_not(why, ue, ue_session_close(ue, psi));
    case SCENARIO_ue_modify: return now_not(why, ue, ue_session_modify(ue, psi));
    case SCENARIO_ue_forget:
        if (ue_session_find(ue, psi))
            ue_session_free(ue_session_find(ue, psi));
        return OK;
    default: return ping(r, ue, s, why);
    }
}

/* ---- gNBs ---- */
static int gnb_step(struct scenario_run *r, const struct scenario_step *s, struct text *why)
{
    uint32_t i = (uint32_t)s->arg[0].n - 1;
    struct cell *c = cell_of(r, s->arg[0].n);
    int e = OK;
    switch (s->op) {
    case SCENARIO_gnb_reset:
        e = gnb_reset(&c->gnb, NULL);
        c->gnb.ue_ops->release_all(&c->gnb);
        break;
    case SCENARIO_gnb_stop: cell_vanish(c); break;
    case SCENARIO_gnb_start: e = r->bed.cell_start(r->bed.ctx, i); break;
    case SCENARIO_gnb_setup: e = gnb_setup(&c->gnb); break;
    default: {
        struct ue *ue = r->bed.ue(r->bed.ctx, (uint32_t)s->arg[1].n - 1);
        struct ngap_Cause cause = {.sel = NGAP_Cause_radioNetwork,
                                   .radioNetwork = NGAP_CauseRadioNetwork_unknown_local_UE_NGAP_ID};
        uint64_t ran_id = ue->link ? ue->link->ran_id : 0;
        e = ue->link && ue->link->has_amf_id ? gnb_error(&c->gnb, &ue->link->amf_id, &ran_id, cause) : ERR_STATE;
        if (ue->link)
            ue_lose_radio(ue);
        break;
    }
    }
    if (e < 0)
        text_add(why, "the gNB cannot do that now: %s", err_text(e));
    return e;
}

/* ---- expectations ---- */
bool scenario_compares(const struct scenario_arg *op, uint64_t is, uint64_t to)
{
    switch ((enum scenario_compare)op->n) {
    case SCENARIO_EQ: return is == to;
    case SCENARIO_NE: return is != to;
    case SCENARIO_LT: return is < to;
    case SCENARIO_LE: return is <= to;
    case SCENARIO_GT: return is > to;
    default: return is >= to;
    }
}
static bool counted(const struct scenario_step *s, uint32_t op, uint64_t is, struct text *text)
{
    text_add(text, "it is %llu", (unsigned long long)is);
    return scenario_compares(&s->arg[op], is, s->arg[op + 1].n);
}
static bool ue_holds(const struct ue *ue, uint64_t what, struct text *is)
{
    text_add(is, "it is %s, %s, and the last reject had cause %u", ue_mm_state_name(ue->state), ue->link ? "connected" : "idle",
             ue->last_cause);
    switch (what) {
    case 0: return ue->state == MM_REGISTERED;
    case 1: return ue->state == MM_DEREGISTERED || ue->state == MM_NULL;
    case 2: return ue->link != NULL;
    case 3: return ue->link == NULL;
    case 4: return ue->state == MM_REGISTERED_INITIATED;
    case 5: return ue->state == MM_DEREGISTERED_INITIATED;
    default: return ue->state == MM_SERVICE_REQUEST_INITIATED;
    }
}
static bool session_holds(const struct ue_session *x, uint64_t what, struct text *is)
{
    static const char *const names[] = {"inactive", "being established", "active", "being modified", "being released"};
    text_add(is, "it is %s", !x ? "absent" : x->state < ARRAY_LEN(names) ? names[x->state] : "?");
    if (x && x->state == SM_ACTIVE)
        text_add(is, ", its user plane is %s", x->bearer ? "up" : "down");
    if (what == 1)
        return !x;
    if (!x || x->state == SM_INACTIVE)
        return false;
    switch (what) {
    case 0: return x->state == SM_ACTIVE;
    case 2: return x->state == SM_ACTIVE && x->bearer;
    case 3: return x->state == SM_ACTIVE && !x->bearer;
    case 4: return x->state == SM_INACTIVE_PENDING;
    default: return x->state == SM_MODIFICATION_PENDING;
    }
}
static bool gnb_holds(const struct cell *c, uint64_t what, struct text *is)
{
    static const char *const names[] = {"down", "connecting", "setting up", "waiting as the AMF wishes", "ready", "refused"};
    text_add(is, "it is %s", names[c->gnb.state]);
    return what == 0 ? c->gnb.state == GNB_READY : what == 1 ? c->gnb.state != GNB_READY
                                                             : c->gnb.state == GNB_REFUSED || c->gnb.state == GNB_WAITING;
}
static bool order_holds(const struct scenario_run *r, const struct scenario_step *s, struct text *is)
{
    char name[64];
    uint32_t want = 1;
    for (uint32_t i = 0; i < r->n_order && want < s->n && s->arg[want].is_there; i++)
        want += r->order[i].link == s->arg[0].n && r->order[i].type == s->arg[want].n && want + 1 < s->n;
    if (want + 1 >= s->n || !s->arg[want].is_there) /* the last argument is the time */
        return true;
    scenario_message_name((enum scenario_link)s->arg[0].n, (uint32_t)s->arg[want].n, name);
    text_add(is, "no %s came in its place", name);
    return false;
}
static bool whole_number(struct str s, uint64_t *out)
{
    *out = 0;
    for (uint32_t i = 0; i < s.n && s.n < 19; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(s.p[i] - '0');
    }
    return s.n > 0 && s.n < 19;
}
/* "3 (Illegal UE)" is 3, and Illegal UE, and all of it. */
static bool field_holds(const struct scenario_run *r, const struct scenario_step *s, struct text *is)
{
    const char *text = r->field[s - r->s->steps];
    struct str value = str_of(text), word = s->arg[4].s, first = {text, (uint32_t)strcspn(text, " ")};
    uint64_t a, b;
    if (!text[0]) {
        text_add(is, "%s", r->count[s->arg[0].n][s->arg[1].n] ? "the latest has no such field" : "there was none");
        return false;
    }
    text_add(is, "it is %s", text);
    if (whole_number(first, &a) && whole_number(word.n && word.p[0] == '#' ? (struct str){word.p + 1, word.n - 1} : word, &b))
        return scenario_compares(&s->arg[3], a, b);
    const char *open = strchr(text, '(');
    bool same = scenario_same(value, word) ||
                (open && value.n && scenario_same((struct str){open, value.n - (uint32_t)(open - text)}, word));
    return s->arg[3].n == SCENARIO_EQ ? same : s->arg[3].n == SCENARIO_NE && !same;
}
static bool type_holds(const struct ue_session *x, const struct scenario_step *s, struct text *is)
{
    static const char *const names[] = {"?", "IPv4", "IPv6", "IPv4v6"};
    text_add(is, "it is %s", x && x->state == SM_ACTIVE ? names[x->type & 3] : "absent");
    return x && x->state == SM_ACTIVE && (s->arg[2].n == SCENARIO_EQ) == (x->type == s->arg[3].n + 1);
}
static bool holds(struct scenario_run *r, const struct scenario_step *s, struct text *is)
{
    struct ue *ue = s->op >= SCENARIO_is_ue && s->op <= SCENARIO_is_ue_rx ? ue_of(r, s) : NULL;
    uint32_t sessions = 0;
    switch (s->op) {
    case SCENARIO_is_ue: return ue_holds(ue, s->arg[1].n, is);
    case SCENARIO_is_ue_cause: return counted(s, 1, ue->last_cause, is);
    case SCENARIO_is_ue_many:
        for (const struct ue_session *x = ue->sessions; x; x = x->next)
            sessions += x->state == SM_ACTIVE;
        return counted(s, 1, sessions, is);
    case SCENARIO_is_ue_saw: return counted(s, 2, r->happened[s->arg[0].n - 1][s->arg[1].n], is);
    case SCENARIO_is_ue_psi: return session_holds(ue_session_find(ue, (uint8_t)s->arg[1].n), s->arg[2].n, is);
    case SCENARIO_is_ue_type: return type_holds(ue_session_find(ue, (uint8_t)s->arg[1].n), s, is);
    case SCENARIO_is_ue_rx: {
        const struct ue_session *x = ue_session_find(ue, (uint8_t)s->arg[1].n);
        return counted(s, 2, x ? x->rx : 0, is);
    }
    case SCENARIO_is_gnb: return gnb_holds(cell_of(r, s->arg[0].n), s->arg[1].n, is);
    case SCENARIO_is_count: return counted(s, 2, r->count[s->arg[0].n][s->arg[1].n], is);
    case SCENARIO_is_field: return field_holds(r, s, is);
    case SCENARIO_is_order: return order_holds(r, s, is);
    case SCENARIO_is_log: return counted(s, 1, r->logged[s->arg[0].n], is);
    default: return r->bed.holds(r, s, is);
    }
}
static int expect(struct scenario_run *r, const struct scenario_step *s, struct text *why)
{
    const struct scenario_arg *within = &s->arg[s->n - 1];
    uint64_t start = r->bed.now_us(r->bed.ctx), end = start + (within->is_there ? within->n : PATIENCE_US);
    char is[400];
    for (;;) {
        struct text t = text_over(is, sizeof is);
        is[0] = 0;
        if (holds(r, s, &t))
            return OK;
        if (r->bed.now_us(r->bed.ctx) >= end)
            break;
        int e = r->bed.advance(r->bed.ctx, TICK_US, why);
        if (e < 0)
            return e;
    }
    text_add(why, "after %.1f s %s", (double)(r->bed.now_us(r->bed.ctx) - start) / S, is);
    return ERR_TIMEOUT;
}

/* ---- steps ---- */
static int step(struct scenario_run *r, const struct scenario_step *s, struct text *why)
{
    enum scenario_kind kind = scenario_rows[s->op].kind;
    if (kind == SCENARIO_SETUP)
        return OK;
    if (kind == SCENARIO_INSIDE && !r->bed.is_simulated) {
        r->passed_over++;
        printf("%s:%u: passed over, this core cannot be looked into: " STR_FMT "\n", r->s->file, s->line, STR_ARG(s->text));
        return OK;
    }
    if (s->op >= SCENARIO_is_ue)
        return expect(r, s, why);
    if (kind == SCENARIO_SIM)
        return r->bed.step(r, s, why);
    if (s->op == SCENARIO_wait)
        return r->bed.advance(r->bed.ctx, s->arg[0].n, why);
    if (s->op == SCENARIO_mark) {
        mark(r);
        return OK;
    }
    return s->op <= SCENARIO_ue_call ? ue_step(r, s, why) : gnb_step(r, s, why);
}
int scenario_run(struct scenario_run *r, struct text *why)
{
    char reason[400];
    mark(r);
    for (uint32_t i = 0; i < r->s->n; i++) {
        const struct scenario_step *s = &r->s->steps[i];
        if (r->verbose)
            printf("%12.6f  %u: " STR_FMT "\n", (double)r->bed.now_us(r->bed.ctx) / S, s->line, STR_ARG(s->text));
        struct text t = text_over(reason, sizeof reason);
        reason[0] = 0;
        int e = step(r, s, &t);
        if (e < 0) {
            text_add(why, "%s:%u: " STR_FMT ": %s\n", r->s->file, s->line, STR_ARG(s->text), reason[0] ? reason : err_text(e));
            return e;
        }
    }
    return OK;
}
