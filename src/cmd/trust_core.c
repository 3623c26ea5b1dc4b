/* SPDX-License-Identifier: Apache-2.0 */
/* trust_core.c - the trust function of a running core: its start, and another policy while it runs. */
#include "cmd/core.h"
#include "cmd/policies.h"
#include "trust/trust.h"
#include <stdio.h>
#include <stdlib.h>

static void say_report(struct core *c, const struct config_report *r)
{
    for (const char *p = r->text; *p; p += strcspn(p, "\n") + 1)
        LOG(&c->log, trust_load_failed, "about=\"%.*s\"", (int)strcspn(p, "\n"), p);
}
int core_trust_start(struct core *c)
{
    const struct config_trust *o = &config_of(c)->trust;
    struct config_report *report = calloc(1, sizeof *report);
    int status = EXIT_OK;
    if (o->mode == CONFIG_TRUST_MODE_OFF) {
        LOG(&c->log, trust_off, "option=trust.mode");
        free(report);
        return EXIT_OK;
    }
    c->rt.policy = report ? policies_load(o->policies, o->n_policies, report) : NULL;
    if (!c->rt.policy) {
        fprintf(stderr, "%sredoubt run: trust.policies cannot be taken as they are; nothing runs\n", report ? report->text : "");
        status = EXIT_USAGE;
    } else if (rt_enter(&c->rt), nf_start(&c->rt, &trust_nf) < 0) {
        fprintf(stderr, "redoubt run: trust could not start: the log says why; nothing runs\n");
        status = EXIT_FAILED;
    } else {
        LOG(&c->log, nf_started, "function=trust");
    }
    free(report);
    return status;
}

/* The files as they are now: opened by the keeper where the core may open none. */
static struct policy *policies_again(struct core *c, struct config_report *r)
{
    const struct config_trust *o = &config_of(c)->trust;
    struct policy *p = policy_new();
    char name[4100];
    for (uint32_t i = 0; p && i < o->n_policies; i++) {
        int fd = c->sandboxed ? keeper_policy(&c->keeper, i) : -1;
        str_copy(name, sizeof name, o->policies[i]);
        if (c->sandboxed && fd < 0)
            snprintf(r->text, sizeof r->text, "%.4000s: %s\n", name, err_text(fd)), r->errors++;
        else
            policies_add(p, name, fd, r);
    }
    if (p && (r->errors || policy_join(p, r) < 0)) {
        policy_free(p);
        p = NULL;
    }
    return p;
}
static void preview(struct core *c, struct trust *t, struct policy *p, struct text *out)
{
    uint32_t before = out->n, lost = trust_preview(t, p, out);
    if (out->n == before)
        text_add(out, "nothing that is connected gains or loses anything\n");
    text_add(out, "%u of %u connected elements lose their permission", lost, t->n_peers);
    if (config_of(c)->trust.mode == CONFIG_TRUST_MODE_ENFORCE && lost)
        text_add(out, "; each is emptied and disconnected within %u s (trust.drain)", config_of(c)->trust.drain_s);
    text_add(out, "\n");
}
int core_trust_answer(struct core *c, struct str line, char *out, uint32_t cap)
{
    struct text text = text_over(out, cap);
    struct trust *t = nf_state(&c->rt, SBI_NF_TRUST);
    struct str word = text_word(&line), what = text_word(&line);
    struct config_report *r = calloc(1, sizeof *r);
    char why[512] = "";
    bool apply = str_is(what, "apply");
    if (!r || !str_is(word, "policy") || !(apply || str_is(what, "preview"))) {
        text_add(&text, "error: expected trust policy preview or trust policy apply\n");
    } else if (!t) {
        text_add(&text, "error: trust.mode is off: nobody is asked\n");
    } else {
        struct policy *p = policies_again(c, r);
        if (!p) {
            text_add(&text, "error: nothing changed, as the files have mistakes\n%s", r->text);
            say_report(c, r);
        } else {
            preview(c, t, p, &text);
            if (!apply)
                policy_free(p);
            else if (trust_apply(t, p, why, sizeof why) < 0)
                text_add(&text, "it could not be taken: %s; what was in force stays\n", why);
            else
                text_add(&text, "it is in force\n");
        }
    }
    free(r);
    return text.full ? ERR_NOSPACE : (int)text.n;
}
