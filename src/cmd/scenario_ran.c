/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/scenario_ran.h"
#include "os/loop.h"
#include <stdio.h>
#include <stdlib.h>

enum { MS = 1000, S = 1000000, LEAVE_US = 300 * MS, CELLS_S = 30 };

/* ---- what it says before it starts ---- */
static bool is_about_the_core(enum scenario_op op)
{
    return op == SCENARIO_seed || op == SCENARIO_sub_auth || op == SCENARIO_sub_absent || op == SCENARIO_suci ||
           op == SCENARIO_calls || op == SCENARIO_config || op == SCENARIO_restless;
}
int scenario_ran_read(struct ran_cmd *r)
{
    char reason[2048] = "";
    struct text why = text_over(reason, sizeof reason);
    r->script = calloc(1, sizeof *r->script);
    int e = r->script ? scenario_read(r->o.scenario, r->script, &r->script_memory, &why) : ERR_NOSPACE;
    for (uint32_t i = 0; e == OK && i < r->script->n; i++) {
        const struct scenario_step *s = &r->script->steps[i];
        if (scenario_rows[s->op].kind != SCENARIO_SIM)
            continue;
        text_add(&why, "%s:%u: '" STR_FMT "' is possible in simulation alone: redoubt sim --scenario\n", r->script->file, s->line,
                 STR_ARG(s->text));
        e = ERR_UNSUPPORTED;
    }
    if (e < 0) {
        fprintf(stderr, "%s", reason);
        return EXIT_USAGE;
    }
    r->o.gnbs = r->script->gnbs;
    r->o.ues = r->script->ues;
    r->o.no_register = r->o.quiet = true;
    return EXIT_OK;
}
void scenario_ran_free(struct ran_cmd *r)
{
    free(r->script_memory);
    free(r->script);
    free(r->scenario);
}
void scenario_ran_shape(const struct ran_cmd *r, uint32_t phone, struct ue_config *c)
{
    for (uint32_t i = 0; i < r->script->n; i++) {
        const struct scenario_step *s = &r->script->steps[i];
        if (s->op != SCENARIO_ue_flaw && s->op != SCENARIO_ue_slice)
            continue;
        if (s->arg[0].n != phone + 1)
            continue;
        if (s->op == SCENARIO_ue_slice)
            scenario_slice(s->arg[1].s, &c->slices[0]);
        else
            scenario_flaw(s, c);
    }
}

/* ---- the bed ---- */
static uint64_t now(void *ctx) { return loop_now_us(); }
static int advance(void *ctx, uint64_t us, struct text *why)
{
    struct ran_cmd *r = ctx;
    uint64_t end = loop_now_us() + us;
    for (uint64_t at; (at = loop_now_us()) < end && !r->interrupted;)
        if (loop_once(r->loop, end - at) < 0)
            return ERR_IO;
    rt_enter(&r->rt);
    if (r->interrupted)
        text_add(why, "interrupted");
    return r->interrupted ? ERR_STATE : OK;
}
static struct ue *ue(void *ctx, uint32_t i) { return ((struct ran_cmd *)ctx)->phones[i].ue; }
static struct cell *cell(void *ctx, uint32_t i) { return &((struct ran_cmd *)ctx)->cells[i]; }
static int cell_start(void *ctx, uint32_t i)
{
    struct ran_cmd *r = ctx;
    return r->cells[i].gnb.state == GNB_IDLE ? gnb_start(&r->cells[i].gnb, &r->o.amf) : ERR_STATE;
}
static int ue_restart(void *ctx, uint32_t i)
{
    struct ran_cmd *r = ctx;
    struct ue *old = r->phones[i].ue;
    struct cell *c = old->cell;
    struct aka_key key = old->usim.key;
    char imsi[16];
    memcpy(imsi, old->usim.imsi, sizeof imsi);
    load_phone_gone(r, &r->phones[i]);
    ue_lose_radio(old);
    ue_drop(old);
    int e = ran_phone_make(r, i, imsi, &key);
    secret_wipe(&key, sizeof key);
    if (e == OK && c)
        ue_camp(r->phones[i].ue, c);
    return e;
}
/* Of N1 and N2 what the phones and gNBs send and get. */
static void on_tap(void *ctx, const struct tap_event *e)
{
    struct ran_cmd *r = ctx;
    if (e->interface == TAP_N1)
        scenario_saw_nas(r->scenario, e);
    else if (e->interface == TAP_N2)
        scenario_saw(r->scenario, SCENARIO_N2, e->type, e->value);
}

/* ---- running ---- */
static int cells_wait(struct ran_cmd *r, struct text *why)
{
    int e = OK;
    for (uint64_t end = loop_now_us() + CELLS_S * (uint64_t)S; e == OK && !r->cells_up && loop_now_us() < end;)
        e = advance(r, 10 * MS, why);
    if (e == OK && !r->cells_up)
        text_add(why, "no AMF let the gNBs in within %u s\n", CELLS_S);
    return e == OK && !r->cells_up ? ERR_TIMEOUT : e;
}
static void leave(struct ran_cmd *r)
{
    struct text none = text_over(NULL, 0);
    for (uint32_t i = 0; i < r->n_phones; i++) {
        r->phones[i].ue->faults = (struct ue_faults){0};
        ue_deregister(r->phones[i].ue, true);
    }
    advance(r, LEAVE_US, &none);
}
int scenario_ran(struct ran_cmd *r)
{
    char reason[2048] = "";
    struct text why = text_over(reason, sizeof reason);
    struct tap tap = {.fn = on_tap, .ctx = r};
    for (uint32_t i = 0; i < r->script->n; i++)
        if (is_about_the_core(r->script->steps[i].op))
            printf("%s:%u: passed over, whoever runs the core decides that: " STR_FMT "\n", r->script->file, r->script->steps[i].line,
                   STR_ARG(r->script->steps[i].text));
    r->scenario = calloc(1, sizeof *r->scenario);
    if (!r->scenario)
        return EXIT_FAILED;
    *r->scenario = (struct scenario_run){.s = r->script, .verbose = r->o.debug,
                                         .bed = {.ctx = r, .ran = &r->ran, .advance = advance, .now_us = now, .ue = ue, .cell = cell,
                                                 .cell_start = cell_start, .ue_restart = ue_restart}};
    for (uint32_t i = 0; i < r->script->n; i++)
        if (r->script->steps[i].op == SCENARIO_ue_flaw && r->script->steps[i].arg[1].n == SCENARIO_FLAW_CAPABILITIES)
            r->phones[r->script->steps[i].arg[0].n - 1].ue->faults.altered_capabilities = true;
    int e = cells_wait(r, &why);
    r->rt.taps = &tap;
    if (e == OK)
        e = scenario_run(r->scenario, &why);
    leave(r);
    r->rt.taps = NULL;
    if (e == OK)
        printf("ok    %s, %u steps passed over\n", r->script->file, r->scenario->passed_over);
    else
        printf("%s", reason);
    return e == OK ? EXIT_OK : EXIT_FAILED;
}
