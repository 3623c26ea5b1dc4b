/* SPDX-License-Identifier: Apache-2.0 */
/* amf_nf.h - the AMF as the runtime knows it. */
#pragma once
#include "nf/amf/amf.h"
#include "rt/config.h"
#include "rt/nf.h"

extern const struct nf_desc amf_nf;
/* What the configuration says of N2. The name points into the configuration. */
void amf_config_of(const struct config *, struct amf_config *);
/* The PLMN of a row that may leave it out: then it is the home network's. */
const uint8_t *amf_config_plmn(const struct config *, const struct config_plmn *);
