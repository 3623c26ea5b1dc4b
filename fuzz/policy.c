/* SPDX-License-Identifier: Apache-2.0 */
/* A policy file, alone and with an inventory: read, joined, reviewed, and asked. */
#include "trust/policy.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct config_report report;
    static struct inv_supplier suppliers[2] = {{.id = {"drago", 5}, .name = {"Huawei Technologies", 19}, .country = "CN"},
                                               {.id = {"orion", 5}, .name = {"Orion", 5}, .country = "FI"}};
    static struct inv_element elements[3] = {{.id = {"e1", 2}, .function = INV_CLASS_gnb, .supplier = 1, .installed = 18000},
                                             {.id = {"e2", 2}, .function = INV_CLASS_upf, .supplier = 2},
                                             {.id = {"e3", 2}, .function = INV_CLASS_gnb}};
    struct inventory v = {.suppliers = suppliers, .n_suppliers = 2, .elements = elements, .n_elements = 3, .as_of = 20000};
    struct policy *p = policy_new();
    if (!p)
        return 0;
    report = (struct config_report){.n = 0};
    if (n <= CONFIG_TEXT_MAX && policy_read(p, STR("fuzz.yaml"), (struct str){(const char *)data, (uint32_t)n}, &report) == OK &&
        policy_join(p, &report) == OK && policy_review(p, &v, 20000, &report) == OK) {
        struct policy_set *s;
        struct policy_verdict verdict;
        char text[POLICY_REASON_TEXT];
        if (policy_compile(&s, p, &v) == OK) {
            for (uint32_t i = 0; i < 4; i++)
                for (int32_t date = 19000; date < 22000; date += 500) {
                    policy_decide(s, &(struct policy_query){.element = i, .date = date, .is_protected = date & 1}, &verdict);
                    for (uint32_t r = 0; r < verdict.n_reasons; r++)
                        policy_reason_text(&verdict.reasons[r], text);
                }
            policy_set_free(s);
        }
    }
    policy_free(p);
    return 0;
}
