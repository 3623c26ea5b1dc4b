/* SPDX-License-Identifier: Apache-2.0 */
/* Generic UE configuration update, TS 23.502 4.2.4.2, TS 24.501 5.4.4: names, time, a new GUTI; T3555. */
#include "nf/amf/ue.h"
#include "base/err.h"
#include "rt/metrics.h"

struct configuration {
    struct amf_proc a;
    bool has_guti;
    uint8_t attempts;
};

enum { NAMES_OCTETS = 512 };
static void command(struct configuration *f)
{
    _Alignas(16) uint8_t memory[NAMES_OCTETS];
    struct arena arena = arena_over(memory, sizeof memory);
    struct rt *rt = f->a.p.rt;
    struct amf_ue *ue = f->a.ue;
    struct nas_tai tais[AMF_AREA_TAIS];
    struct nas_tai_part part;
    struct nas_msg msg;
    nas_msg_init(&msg, NAS_CONFIGURATION_UPDATE_COMMAND);
    struct nas_configuration_update_command *m = &msg.configuration_update_command;
    m->full_name_for_network = nas_network_name_of(rt->config->network.name, &arena);
    m->has.full_name_for_network = m->full_name_for_network.p != NULL;
    m->short_name_for_network = nas_network_name_of(rt->config->network.short_name, &arena);
    m->has.short_name_for_network = m->short_name_for_network.p != NULL;
    m->has.universal_time_and_local_time_zone = 1;
    m->universal_time_and_local_time_zone.unix_s = (int64_t)(rt->env->ops->unix_us(rt->env) / 1000000);
    if (f->has_guti) {
        m->has.configuration_update_indication = m->has.fiveg_guti = m->has.tai_list = 1;
        m->configuration_update_indication = NAS_CONFIG_ACK;
        amf_guti_nas(ue, ue->new_tmsi ? ue->new_tmsi : ue->tmsi, &m->fiveg_guti);
        amf_area_nas(ue, tais, &part);
        m->tai_list = (struct nas_tai_list){1, &part};
    }
    if (f->attempts++)
        metric_add(rt->metrics, METRIC_retransmissions, 1);
    amf_nas_send(f->a.conn, &msg, NAS_CIPHERED);
}

static void run(struct proc *p, const struct wake *w)
{
    struct configuration *f = (struct configuration *)p;
    PROC_BEGIN(p);
    STEP(p, "configuration");
    command(f);
    while (f->has_guti) {
        AWAIT_MESSAGE(p, p->rt->config->amf.t3555_ms * 1000ull, NAS_CONFIGURATION_UPDATE_COMPLETE);
        if (w->kind == WAKE_MESSAGE) {
            amf_ue_tmsi_taken(f->a.ue);
            break;
        }
        if (f->attempts >= AMF_NAS_ATTEMPTS)
            break; /* 5.4.4.6 b: both GUTIs stay valid */
        command(f);
    }
    PROC_END(p);
}
static void end(struct proc *p, int outcome)
{
    struct configuration *f = (struct configuration *)p;
    amf_proc_ended(&f->a, outcome, f->a.conn->follow_on ? AMF_THEN_STAY : AMF_THEN_IDLE);
}

bool amf_configuration_update(struct amf_ue *ue, bool guti)
{
    static const struct proc_type type = {"configuration update", sizeof(struct configuration), run, end};
    if (guti && amf_ue_new_tmsi(ue) < 0)
        return false;
    struct configuration *f = amf_proc_new(ue->amf, &type, AMF_PROC_CONFIGURATION, ue->conn, ue);
    if (!f)
        return false;
    f->has_guti = guti;
    proc_start(&f->a.p);
    return true;
}
