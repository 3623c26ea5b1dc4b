/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sbi.h"
#include "base/err.h"
#include "codec/sbi_wire.h"
#include <stdlib.h>

enum { WIRE_OCTETS = 1 << 18 };
struct json_mode {
    uint8_t wire[WIRE_OCTETS];
};

/* What we ourselves wrote wrong, in words of TS 29.500. */
static int refuse(struct call *c, int err, int status)
{
    if (err == ERR_NOSPACE)
        call_error(c, 503, "INSUFFICIENT_RESOURCES", NULL);
    else
        call_error(c, status, "INVALID_MSG_FORMAT", "a value that has no text");
    return err;
}

static int carry_request(struct call *c, struct arena *wire)
{
    const struct sbi_op_desc *d = &sbi_ops[c->op];
    struct sbi_report why;
    struct sbi_http h;
    int r = sbi_request_encode(c->op, c->req, wire, &h);
    void *req = r ? NULL : arena_take(&c->arena, d->req->size);
    if (!req)
        return refuse(c, r ? r : ERR_NOSPACE, 400);
    if (d->nf != SBI_NF_CALLBACK && sbi_route(h.method, h.path) != (int)c->op) {
        call_error(c, 404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", NULL);
        return ERR_NOTFOUND;
    }
    r = sbi_request_decode(c->op, &h, &c->arena, req, &why);
    if (r)
        call_refused(c, sbi_report_status(&why), &why);
    else
        c->req = req;
    return r;
}

static int carry_response(struct call *c, struct arena *wire)
{
    const struct sbi_op_desc *d = &sbi_ops[c->op];
    struct sbi_report why;
    struct sbi_http h;
    bool ok = call_ok(c);
    if (!ok && !c->err)
        return OK;
    int r = sbi_response_encode(c->op, c->status, c->rsp, c->err, wire, &h);
    void *value = r ? NULL : arena_take(&c->arena, ok ? d->rsp->size : d->err->size);
    if (!value)
        return refuse(c, r ? r : ERR_NOSPACE, 502);
    r = sbi_response_decode(c->op, &h, &c->arena, value, value, &why);
    if (r)
        call_refused(c, r == ERR_NOSPACE ? 503 : 502, &why);
    else if (ok)
        c->rsp = value;
    else
        c->problem = sbi_problem_in(d->err, c->err = value);
    return r;
}

static int carry(void *ctx, struct call *c, bool is_response)
{
    struct json_mode *m = ctx;
    struct arena wire = arena_over(m->wire, sizeof m->wire);
    int r = is_response ? carry_response(c, &wire) : carry_request(c, &wire);
    secret_wipe(m->wire, r < 0 ? sizeof m->wire : wire.off);
    return r;
}

int sbi_json_mode(struct rt *rt)
{
    struct json_mode *m = calloc(1, sizeof *m);
    if (!m)
        return ERR_NOSPACE;
    rt->sbi_carry = carry;
    rt->sbi_carry_ctx = m;
    return OK;
}

void sbi_json_mode_end(struct rt *rt)
{
    free(rt->sbi_carry_ctx);
    rt->sbi_carry_ctx = NULL;
    rt->sbi_carry = NULL;
}
