/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/config_rows.h"

#define CONFIG_ROW(id) config_##id
#include "rt/config_table.h"
#include "../../spec/config.def"

const struct config_top config_tops[] = {
#define TOP(id) {&section_##id, offsetof(struct config, id)},
#include "../../spec/config.def"
};
const uint32_t config_n_tops = ARRAY_LEN(config_tops);

const struct config_top *config_top_find(struct str name)
{
    for (uint32_t i = 0; i < config_n_tops; i++)
        if (str_is(name, config_tops[i].section->name))
            return &config_tops[i];
    return NULL;
}

const struct config_opt *config_opt_find(const struct config_section *s, struct str key)
{
    for (uint32_t i = 0; i < s->n_opts; i++)
        if (str_is(key, s->opts[i].key))
            return &s->opts[i];
    return NULL;
}

const char *config_nf_text(enum config_nf nf) { return (unsigned)nf < choices_nf.n ? choices_nf.text[nf] : "?"; }
