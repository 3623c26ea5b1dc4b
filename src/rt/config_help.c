/* SPDX-License-Identifier: Apache-2.0 */
/* config_help.c - the rows as help, and as a file that says the same as an empty one. */
#include "rt/config_rows.h"
#include "base/text.h"

static void put_expected(struct text *out, const struct config_opt *o)
{
    char buf[CONFIG_EXPECTED];
    if (o->form == CONFIG_MAPPINGS)
        text_add(out, "a list of %u to %u mappings", (unsigned)o->fewest, (unsigned)o->most);
    else if (o->form == CONFIG_VALUES)
        text_add(out, "a list of %u to %u, each %s", (unsigned)o->fewest, (unsigned)o->most, config_value_expected(o, buf));
    else
        text_add(out, "%s", config_value_expected(o, buf));
}

static void put_opt(struct text *out, const struct config_opt *o, int indent)
{
    text_add(out, "%*s%s: %s\n%*s", indent, "", o->key, o->help, indent + 4, "");
    put_expected(out, o);
    if (!o->def)
        text_add(out, "; must be given");
    else if (*o->def)
        text_add(out, "; default %s", o->def);
    text_add(out, "%s\n", o->reload ? "" : "; takes effect at the next start");
    for (uint32_t i = 0; o->element && i < o->element->n_opts; i++)
        put_opt(out, &o->element->opts[i], indent + 4);
}

int config_help(char *p, uint32_t cap)
{
    struct text out = text_over(p, cap);
    text_add(&out, "The configuration is YAML: sections with options, all of which have defaults, so that an empty file is\n"
              "complete. Numbers with a unit may be written with it: 30 s, 5 min, 1.5 Gbps, 64 MiB. Options take effect\n"
              "when the process gets SIGHUP, unless it is said that they wait for the next start.\n");
    for (uint32_t i = 0; i < config_n_tops; i++) {
        const struct config_section *s = config_tops[i].section;
        text_add(&out, "\n%s: %s\n", s->name, s->help);
        for (uint32_t k = 0; k < s->n_opts; k++)
            put_opt(&out, &s->opts[k], 2);
    }
    return out.full ? ERR_NOSPACE : (int)out.n;
}

/* A scalar as YAML reads it back as the same text, in a list or not. */
static void put_scalar(struct text *out, struct str v)
{
    bool quote = v.n == 0;
    for (uint32_t i = 0; i < v.n; i++)
        quote |= strchr(":'\"{}[],#&*!|>%@`~", v.p[i]) != NULL;
    quote |= v.n && v.p[0] == '-';
    text_add(out, quote ? "\"" STR_FMT "\"" : STR_FMT, STR_ARG(v));
}

static void put_default(struct text *out, const struct config_opt *o)
{
    if (o->form == CONFIG_MAPPINGS) {
        text_add(out, "%s", o->def);
        return;
    }
    if (o->form == CONFIG_ONE) {
        put_scalar(out, str_of(o->def));
        return;
    }
    text_add(out, "[");
    for (const char *p = o->def; *p;) {
        size_t n = strcspn(p, ",");
        put_scalar(out, (struct str){p, (uint32_t)n});
        p += n;
        if (*p)
            text_add(out, ", ");
        p += strspn(p, ", ");
    }
    text_add(out, "]");
}

int config_default_yaml(char *p, uint32_t cap)
{
    struct text out = text_over(p, cap);
    text_add(&out, "# Redoubt's configuration with every default: change what differs, leave out the rest.\n"
              "# redoubt config help explains lists of mappings; redoubt config check FILE finds mistakes.\n");
    for (uint32_t i = 0; i < config_n_tops; i++) {
        const struct config_section *s = config_tops[i].section;
        text_add(&out, "\n# %s\n%s:\n", s->help, s->name);
        for (uint32_t k = 0; k < s->n_opts; k++) {
            const struct config_opt *o = &s->opts[k];
            bool given = o->def && *o->def;
            text_add(&out, "  # %s\n  %s%s: ", o->help, given ? "" : "# ", o->key);
            if (given)
                put_default(&out, o);
            text_add(&out, "\n");
        }
    }
    return out.full ? ERR_NOSPACE : (int)out.n;
}
