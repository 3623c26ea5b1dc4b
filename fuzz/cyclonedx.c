/* SPDX-License-Identifier: Apache-2.0 */
/* Bills of materials. Each component that is taken must be a record that the inventory takes. */
#include "trust/cyclonedx.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int row(void *ctx, const struct inv_texts *t)
{
    const struct inv_kind_desc *d = inv_kind_desc(INV_component);
    uint8_t scratch[64], out[INV_ROW_MAX];
    char why[INV_REASON], key[INV_KEY_MAX];
    for (uint32_t i = 0; i < d->n_fields; i++)
        if (t->v[i].n && !inv_value_parse(&d->fields[i], t->v[i], scratch, why))
            abort();
    if (!inv_key_of(d, t, key) || !inv_row_put(d, t, out, sizeof out))
        abort();
    return OK;
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cyclonedx out;
    if (size > 1 << 16)
        return 0;
    int e = cyclonedx_read((struct str){(const char *)data, (uint32_t)size}, STR("p"), row, NULL, &out);
    if (e == ERR_SYNTAX && (!out.why[0] || !out.line || !out.column))
        abort();
    return 0;
}
