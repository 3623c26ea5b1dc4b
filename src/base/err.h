/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - error codes: negative, from the one table spec/errors.def; 0 and above is success. */
#pragma once

enum err_index {
    ERR_INDEX_NONE,
#define ERR(name, ...) ERR_INDEX_##name,
#include "../../spec/errors.def"
#undef ERR
    ERR_COUNT
};
enum err {
    OK = 0,
#define ERR(name, ...) ERR_##name = -ERR_INDEX_##name,
#include "../../spec/errors.def"
#undef ERR
};
/* NGAP Cause, TS 38.413 9.3.1.2: the CHOICE's index. */
enum ngap_cause_group { NGAP_CAUSE_RADIO, NGAP_CAUSE_TRANSPORT, NGAP_CAUSE_NAS, NGAP_CAUSE_PROTOCOL, NGAP_CAUSE_MISC };

struct err_desc {
    const char *name, *text;
    int gmm_cause;
    enum ngap_cause_group ngap_group;
    int ngap_value;
    int http_status;
};
/* Never NULL; unknown codes yield a row that says so. */
const struct err_desc *err_desc(int code);
static inline const char *err_text(int code) { return err_desc(code)->text; }
