/* SPDX-License-Identifier: Apache-2.0 */
/* charon.h - strongSwan's daemon as far as vici shows it: tunnels, certificates and lists that a test gives it. It answers
 * a turn after it was asked. */
#pragma once
#include "trust/ca.h"
#include "trust/ipsec_peers.h"
#include "trust/vici.h"
#include "tests/test.h"
#include <stdlib.h>

struct charon_sa {
    const char *spi, *id, *state, *child_state, *established, *selectors[3];
    const char *connection; /* NULL: gnb-1 */
};
struct charon_certificate {
    const char *type, *subject; /* X509_CRL: of nobody */
    struct bytes der;
};
enum { CHARON_IN = 4096, CHARON_OUT = 1 << 17 };
struct charon {
    struct rt *rt;
    struct ipsec_peers *peers;
    struct work work;
    uint8_t in[CHARON_IN], out[CHARON_OUT];
    uint32_t in_n, out_n, piece; /* piece: octets given at once; 0: all */
    struct charon_sa sas[8];
    struct charon_certificate certificates[8];
    unsigned n_sas, n_certificates, rounds, asked;
    bool silent, closed, connected;
    const char *classes[3]; /* of the rounds of authentication of its connections; NULL: "public key" alone */
    bool no_connections;    /* they were taken away */
};

static inline void charon_put(struct charon *c, const void *p, size_t n)
{
    assert_true(c->out_n + n <= sizeof c->out);
    if (n)
        memcpy(c->out + c->out_n, p, n);
    c->out_n += (uint32_t)n;
}
static inline void charon_byte(struct charon *c, uint8_t b) { charon_put(c, &b, 1); }
static inline void charon_name(struct charon *c, uint8_t type, const char *name)
{
    charon_byte(c, type);
    charon_byte(c, (uint8_t)strlen(name));
    charon_put(c, name, strlen(name));
}
static inline void charon_blob(struct charon *c, struct bytes b)
{
    uint8_t n[2];
    put_be16(n, (uint16_t)b.n);
    charon_put(c, n, 2);
    charon_put(c, b.p, b.n);
}
static inline void charon_value(struct charon *c, const char *name, const char *v)
{
    charon_name(c, VICI_VALUE, name);
    charon_blob(c, (struct bytes){(const uint8_t *)v, (uint32_t)strlen(v)});
}
/* A packet is what stands between these two. */
static inline uint32_t charon_begin(struct charon *c, uint8_t type, const char *event)
{
    uint32_t at = c->out_n;
    charon_put(c, "\0\0\0\0", 4);
    if (event)
        charon_name(c, type, event);
    else
        charon_byte(c, type);
    return at;
}
static inline void charon_end(struct charon *c, uint32_t at) { put_be32(c->out + at, c->out_n - at - 4); }
static inline void charon_spis(struct charon *c, const char *spi)
{
    charon_value(c, "initiator-spi", spi);
    charon_value(c, "responder-spi", "00000000000000ff");
}
static inline void charon_tell_sa(struct charon *c, const struct charon_sa *s)
{
    uint32_t at = charon_begin(c, VICI_EVENT, "list-sa");
    charon_name(c, VICI_SECTION, s->connection ? s->connection : "gnb-1");
    charon_value(c, "uniqueid", "1");
    charon_value(c, "state", s->state ? s->state : "ESTABLISHED");
    charon_value(c, "remote-id", s->id);
    charon_spis(c, s->spi);
    charon_value(c, "established", s->established ? s->established : "1");
    charon_name(c, VICI_LIST, "tasks-active");
    charon_byte(c, VICI_LIST_END);
    charon_name(c, VICI_SECTION, "child-sas");
    for (int i = 0; i < 3 && s->selectors[i]; i++) {
        charon_name(c, VICI_SECTION, "n2-1");
        charon_value(c, "state", s->child_state ? s->child_state : "INSTALLED");
        charon_name(c, VICI_LIST, "local-ts");
        charon_byte(c, VICI_ITEM);
        charon_blob(c, (struct bytes){(const uint8_t *)"10.7.0.254/32", 13});
        charon_byte(c, VICI_LIST_END);
        charon_name(c, VICI_LIST, "remote-ts");
        charon_byte(c, VICI_ITEM);
        charon_blob(c, (struct bytes){(const uint8_t *)s->selectors[i], (uint32_t)strlen(s->selectors[i])});
        charon_byte(c, VICI_LIST_END);
        charon_byte(c, VICI_SECTION_END);
    }
    charon_byte(c, VICI_SECTION_END);
    charon_byte(c, VICI_SECTION_END);
    charon_end(c, at);
}
static inline void charon_tell_connection(struct charon *c, const char *name)
{
    static const char *const plain[] = {"public key", NULL}, *const rounds[] = {"remote-1", "remote-2", "remote-3"};
    const char *const *class = c->classes[0] ? c->classes : plain;
    uint32_t at = charon_begin(c, VICI_EVENT, "list-conn");
    charon_name(c, VICI_SECTION, name);
    charon_name(c, VICI_LIST, "local_addrs");
    charon_byte(c, VICI_LIST_END);
    charon_value(c, "version", "IKEv2");
    charon_name(c, VICI_SECTION, "local-1");
    charon_value(c, "class", "pre-shared key"); /* of our own side, which is not asked about */
    charon_byte(c, VICI_SECTION_END);
    for (int i = 0; i < 3 && class[i]; i++) {
        charon_name(c, VICI_SECTION, rounds[i]);
        charon_value(c, "class", class[i]);
        charon_name(c, VICI_LIST, "cacerts");
        charon_byte(c, VICI_LIST_END);
        charon_byte(c, VICI_SECTION_END);
    }
    charon_name(c, VICI_SECTION, "children");
    charon_byte(c, VICI_SECTION_END);
    charon_byte(c, VICI_SECTION_END);
    charon_end(c, at);
}
static inline void charon_tell_certificate(struct charon *c, const struct charon_certificate *x)
{
    uint32_t at = charon_begin(c, VICI_EVENT, "list-cert");
    charon_value(c, "type", x->type);
    charon_value(c, "flag", "NONE");
    charon_name(c, VICI_VALUE, "data");
    charon_blob(c, x->der);
    charon_end(c, at);
}
static inline void charon_tell(struct charon *c, const char *event)
{
    uint32_t at = charon_begin(c, VICI_EVENT, event);
    charon_value(c, "up", "yes");
    charon_end(c, at);
}
static inline void charon_rekeyed(struct charon *c, const char *from, const char *to)
{
    uint32_t at = charon_begin(c, VICI_EVENT, "ike-rekey");
    charon_name(c, VICI_SECTION, "gnb-1");
    charon_name(c, VICI_SECTION, "old");
    charon_spis(c, from);
    charon_byte(c, VICI_SECTION_END);
    charon_name(c, VICI_SECTION, "new");
    charon_spis(c, to);
    charon_byte(c, VICI_SECTION_END);
    charon_byte(c, VICI_SECTION_END);
    charon_end(c, at);
}
static inline void charon_asked(struct charon *c, const struct vici_packet *m)
{
    struct vici_cursor v = vici_cursor(m->body);
    struct str type = STR(""), subject = STR("");
    while (vici_next(&v) == VICI_VALUE) {
        if (str_is(v.name, "type"))
            type = v.value;
        if (str_is(v.name, "subject"))
            subject = v.value;
    }
    if (str_is(m->name, "list-conns") && !c->no_connections) {
        charon_tell_connection(c, "another");
        charon_tell_connection(c, "gnb-1");
    }
    c->asked++;
    c->rounds += str_is(m->name, "list-sas");
    for (unsigned i = 0; str_is(m->name, "list-sas") && i < c->n_sas; i++)
        charon_tell_sa(c, &c->sas[i]);
    for (unsigned i = 0; str_is(m->name, "list-certs") && i < c->n_certificates; i++) {
        const struct charon_certificate *x = &c->certificates[i];
        if (str_is(type, x->type) && (!x->subject || str_is(subject, x->subject)))
            charon_tell_certificate(c, x);
    }
    charon_end(c, charon_begin(c, VICI_CMD_RESPONSE, NULL));
}
/* What it has to say goes out. */
static inline void charon_flush(struct charon *c)
{
    static uint8_t copy[CHARON_OUT];
    uint32_t n = c->out_n, step = c->piece ? c->piece : n;
    memcpy(copy, c->out, n);
    c->out_n = 0;
    for (uint32_t at = 0; at < n && c->connected; at += step)
        ipsec_peers_octets(c->peers, (struct bytes){copy + at, n - at < step ? n - at : step});
}
static inline void charon_work(struct work *w)
{
    struct charon *c = CONTAINER(w, struct charon, work);
    struct vici_packet m;
    uint32_t at = 0;
    for (int k; !c->silent && (k = vici_packet_read((struct bytes){c->in + at, c->in_n - at}, &m)) > 0; at += (uint32_t)k) {
        if (m.type == VICI_EVENT_REGISTER)
            charon_end(c, charon_begin(c, VICI_EVENT_CONFIRM, NULL));
        else
            charon_asked(c, &m);
    }
    c->in_n = 0;
    charon_flush(c);
}
static inline int charon_send(void *ctx, struct bytes b)
{
    struct charon *c = ctx;
    if (!c->connected || c->in_n + b.n > CHARON_IN)
        return ERR_IO;
    memcpy(c->in + c->in_n, b.p, b.n);
    c->in_n += b.n;
    if (!link_is_on(&c->work.link)) {
        c->work.fn = charon_work;
        rt_queue(c->rt, &c->work);
    }
    return OK;
}
static inline void charon_close(void *ctx)
{
    struct charon *c = ctx;
    c->closed = true;
    c->connected = false;
}
static inline void charon_start(struct charon *c, struct rt *rt, struct str authority)
{
    c->rt = rt;
    struct ipsec_peers_conf conf = {.rt = rt, .authority = authority, .send = charon_send, .close = charon_close, .ctx = c};
    assert_int_equal(ipsec_peers_new(&c->peers, &conf), OK);
}
static inline void charon_connect(struct charon *c)
{
    c->connected = true;
    c->closed = false;
    ipsec_peers_up(c->peers);
}
static inline void charon_stop(struct charon *c)
{
    ipsec_peers_free(c->peers);
    list_remove(&c->work.link);
}
