/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: any text is read or refused with a place; what is read survives a comparison with itself. */
#include "rt/config.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[CONFIG_ARENA_OCTETS];
    static struct config config;
    static struct config_report report;
    struct arena a = arena_over(memory, sizeof memory);
    if (size > 16384)
        return 0;
    /* a text that starts with '=' is a --set */
    struct str text = {(const char *)data, (uint32_t)size}, set = {NULL, 0};
    if (size && data[0] == '=') {
        set = (struct str){text.p + 1, text.n - 1};
        text = STR("");
    }
    int e = config_parse_with(&config, &a, STR("fuzz"), text, &set, set.p ? 1 : 0, &report);
    if ((e == ERR_CONFIG) != (report.errors > 0) && e != ERR_NOSPACE)
        abort();
    if (report.n >= CONFIG_REPORT_OCTETS || report.text[report.n] != 0)
        abort();
    if (e == OK && config_reload_check(&config, &config, &report) != 0)
        abort();
    return 0;
}
