/* SPDX-License-Identifier: Apache-2.0 */
/* pcf.h - the PCF: policies of phones (TS 29.507) and of PDU sessions (TS 29.512). The first row of pcf.policies that
 * fits a session decides; what it leaves open, and sessions that no row fits, get what the subscription says. */
#pragma once
#include "base/interned.h"
#include "base/slab.h"
#include "rt/nf.h"

extern const struct nf_desc pcf_nf;

enum { PCF_DNN = 101, PCF_RATE = 33 };
struct pcf_facts { /* what a decision is made from */
    struct sbi_Snssai snssai; /* without sd, which is sd_text */
    char sd_text[7], dnn[PCF_DNN];
    bool has_ambr, has_qos;
    char up[PCF_RATE], down[PCF_RATE]; /* subscribed session AMBR */
    struct sbi_SubscribedDefaultQos qos;
};
struct pcf_session { /* an SM policy association */
    const struct interned *facts; /* struct pcf_facts: most sessions have those of many others */
};
struct pcf_ue { /* an AM policy association */
    bool used;
};
struct pcf {
    struct rt *rt;
    struct slab ues, sessions;
    struct interns facts;
    uint64_t decided;
};
