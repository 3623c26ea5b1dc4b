/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the inventory. First octet: the kind of the CSV, or above that JSON. What is accepted is written as CSV and
 * JSON, which must be read to the same rows. */
#include "trust/inventory_build.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 1 << 20 };
static char memory[CAP];

static void same(const struct inv_build *made, enum inv_kind k, struct str text, bool is_json)
{
    struct inv_build b;
    struct inv_report report;
    struct inv_text t = {STR("again"), text, is_json, k};
    inv_build_init(&b, &t, &report);
    if (inv_build_read(&b, 0) < 0 || b.kinds[k].n != made->kinds[k].n)
        abort();
    for (uint32_t i = 0; i < b.kinds[k].n; i++)
        if (!bytes_eq(b.kinds[k].v[i].row, made->kinds[k].v[i].row))
            abort();
    inv_build_free(&b);
    inv_report_free(&report);
}
static void again(const struct inv_build *made, enum inv_kind k, bool is_json)
{
    const struct inv_kind_desc *d = inv_kind_desc(k);
    struct text t = text_over(memory, sizeof memory);
    struct inv_texts v;
    if (is_json)
        text_add(&t, "{\"%s\":[", d->file);
    else
        inv_csv_header(&t, k);
    for (uint32_t i = 0; i < made->kinds[k].n; i++) {
        if (!inv_row_get(d, made->kinds[k].v[i].row, &v))
            abort();
        if (is_json) {
            text_add(&t, "%s", i ? "," : "");
            inv_json_object(&t, k, &v);
        } else {
            inv_csv_line(&t, k, &v);
        }
    }
    if (is_json)
        text_add(&t, "]}");
    if (!t.full)
        same(made, k, (struct str){t.p, t.n}, is_json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct inv_build b;
    struct inv_report report;
    struct inventory *v;
    if (!size || size > 1 << 16)
        return 0;
    bool is_json = data[0] - '0' >= INV_KINDS || data[0] < '0';
    struct inv_text t = {STR("fuzz"), {(const char *)data + 1, (uint32_t)size - 1}, is_json,
                         is_json ? INV_KINDS : (enum inv_kind)(data[0] - '0')};
    inv_build_init(&b, &t, &report);
    int e = inv_build_read(&b, 0);
    for (uint32_t k = 0; k < INV_KINDS && e == OK; k++)
        if (b.kinds[k].n) {
            again(&b, (enum inv_kind)k, false);
            again(&b, (enum inv_kind)k, true);
        }
    if (e == OK && inv_build_finish(&b, &(struct inv_asked){0}, &v) == OK)
        inventory_free(v);
    inv_build_free(&b);
    inv_report_free(&report);
    return 0;
}
