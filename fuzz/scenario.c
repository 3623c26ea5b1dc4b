/* SPDX-License-Identifier: Apache-2.0 */
/* Scenarios: any text is read, or refused with its file and line; what is read says what the text says. */
#include "cmd/scenario.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(struct str s, struct str text)
{
    return !s.n || (s.p >= text.p && s.p + s.n <= text.p + text.n);
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t memory[SCENARIO_ARENA / 8];
    static char reason[4096];
    struct arena a = arena_over(memory, sizeof memory);
    struct text why = text_over(reason, sizeof reason);
    struct scenario s;
    if (size > 8192)
        return 0;
    reason[0] = 0;
    struct str text = {(const char *)data, (uint32_t)size};
    int e = scenario_parse(&s, "fuzz", text, &a, &why);
    if (e < 0 ? strncmp(reason, "fuzz:", 5) != 0 : reason[0] != 0)
        abort();
    for (uint32_t i = 0; e == OK && i < s.n; i++) {
        if (s.steps[i].op >= SCENARIO_OPS || s.steps[i].n > SCENARIO_ARGS || !is_within(s.steps[i].text, text))
            abort();
        for (uint32_t k = 0; k < s.steps[i].n; k++)
            if (!is_within(s.steps[i].arg[k].s, text))
                abort();
    }
    return 0;
}
