/* SPDX-License-Identifier: Apache-2.0 */
/* trust_ipsec.c - redoubt trust ipsec config. */
#include "cmd/trust_ipsec.h"
#include "cmd/trust_ca.h"
#include "os/file.h"
#include "trust/ipsec.h"
#include <stdio.h>
#include <stdlib.h>

struct ipsec_command {
    struct trust_store store;
    struct ipsec_options o;
    const char *output, *element, *certificate, *ca;
};
static int refuse(const char *what, const char *why)
{
    fprintf(stderr, "redoubt trust ipsec: %s: %s\n", what, why);
    return EXIT_FAILED;
}
static int put(void *ctx, struct str s) { return fwrite(s.p, 1, s.n, ctx) == s.n ? OK : ERR_NOSPACE; }
/* What a writer gave, to DIR/NAME. */
static int file_save(struct ipsec_command *c, const char *name, FILE *f, char **text, size_t *n, int e)
{
    char path[4200];
    if (fclose(f) != 0 && e == OK)
        e = ERR_NOSPACE;
    snprintf(path, sizeof path, "%.4000s/%s", c->output, name);
    if (e == OK)
        e = file_write(path, (struct bytes){(const uint8_t *)*text, (uint32_t)*n}, 0644);
    free(*text);
    if (e < 0)
        return refuse(path, e == ERR_MISSING ? "this element has no address, or none of N2, N3 and N4" : err_text(e));
    printf("%s\n", path);
    return EXIT_OK;
}
static int write_all(struct ipsec_command *c, const struct inventory *v, uint32_t element)
{
    struct ipsec_result r = {0};
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        return refuse("memory", "none left");
    int e = element ? ipsec_element_config(v, element, &c->o, put, f) : ipsec_core_config(v, &c->o, put, f, &r);
    int status = file_save(c, "redoubt.conf", f, &text, &n, e);
    if (status != EXIT_OK || element)
        return status;
    f = open_memstream(&text, &n);
    if (!f)
        return refuse("memory", "none left");
    status = file_save(c, "redoubt.nft", f, &text, &n, ipsec_filter(v, &c->o, put, f));
    if (status == EXIT_OK)
        printf("%u connections, %u elements by their address alone; left out: %u that cannot prove who they are, %u without an address\n",
               r.connections, r.by_address, r.no_key, r.no_address);
    return status;
}
static int config(struct ipsec_command *c)
{
    char own[4200];
    if (!c->o.outer.family || !c->o.core.family || !c->output)
        return usage("trust ipsec", "config: expected --outer ADDRESS, --core ADDRESS and --output DIR");
    int e = dir_make(c->output);
    if (e < 0)
        return refuse(c->output, err_text(e));
    int status = trust_store_open(&c->store, "ipsec");
    struct inventory *v = status == EXIT_OK ? trust_inventory_load(&c->store, "ipsec") : NULL;
    uint32_t element = v && c->element ? inventory_find(v, INV_element, str_of(c->element)) : 0;
    if (status == EXIT_OK && !v)
        status = EXIT_FAILED;
    if (v && c->element && !element)
        status = refuse(c->element, "the inventory has no such element");
    /* as redoubt trust ca names its files */
    c->o.certificate = c->certificate ? str_of(c->certificate)
                       : c->element   ? str_of(ca_path("", str_of(c->element), ".crt", own) + 1)
                                      : STR("core.crt");
    c->o.authority = c->ca ? str_of(c->ca) : STR("ca.crt");
    c->o.date = c->store.at;
    if (status == EXIT_OK)
        status = write_all(c, v, element);
    inventory_free(v);
    return status;
}

static int take_address(const char *option, const char *value, struct net_addr *to)
{
    if (!value || addr_parse(to, str_of(value), 0))
        return value ? EXIT_OK : EXIT_USAGE;
    return usage("trust ipsec", "%s: found '%.60s', expected an IP address", option, value);
}
/* What becomes part of a file for another program. */
static int take_name(const char *value, const char **to)
{
    if (value && (strpbrk(value, "{}#\"=\n\t ,") || !*value))
        return usage("trust ipsec", "'%.60s' is no name of a file that swanctl.conf takes", value);
    *to = value;
    return value ? EXIT_OK : EXIT_USAGE;
}
static int take_option(struct ipsec_command *c, struct args *a)
{
    int status = EXIT_OK;
    const char *value;
    if (args_value(a, NULL, "--outer", &value))
        return take_address("--outer", value, &c->o.outer);
    if (args_value(a, NULL, "--core", &value))
        return take_address("--core", value, &c->o.core);
    if (args_value(a, NULL, "--certificate", &value))
        return take_name(value, &c->certificate);
    if (args_value(a, NULL, "--ca", &value))
        return take_name(value, &c->ca);
    if (args_value(a, NULL, "--output", &c->output))
        return c->output ? EXIT_OK : EXIT_USAGE;
    if (args_value(a, NULL, "--for", &c->element))
        return c->element ? EXIT_OK : EXIT_USAGE;
    if (trust_store_option(&c->store, a, &status))
        return status;
    return usage("trust ipsec", "'%s' is not understood", args_now(a));
}
int trust_ipsec(int argc, char **argv)
{
    struct ipsec_command *c = calloc(1, sizeof *c);
    struct args a = {argc, argv, 2};
    if (!c)
        return refuse("memory", "none left");
    int status = argc < 2 || strcmp(argv[1], "config") != 0 ? usage("trust ipsec", "expected config") : EXIT_OK;
    while (status == EXIT_OK && args_more(&a))
        status = take_option(c, &a);
    if (status == EXIT_OK)
        status = config(c);
    status = trust_store_close(&c->store, "ipsec", status);
    free(c);
    return status;
}
