/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

static const struct err_desc rows[ERR_COUNT] = {
    [0] = {"OK", "no error", 0, NGAP_CAUSE_MISC, 5, 200},
#define ERR(name, text, gmm, group, value, http)                                                   \
    [ERR_INDEX_##name] = {#name, text, gmm, NGAP_CAUSE_##group, value, http},
#include "../../spec/errors.def"
#undef ERR
};

const struct err_desc *err_desc(int code)
{
    static const struct err_desc unknown = {"?", "an unknown error", 111, NGAP_CAUSE_MISC, 5, 500};
    return code <= 0 && -code < ERR_COUNT ? &rows[-code] : &unknown;
}
