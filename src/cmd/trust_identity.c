/* SPDX-License-Identifier: Apache-2.0 */
/* trust_identity.c - redoubt trust identity verify. */
#include "cmd/trust_ca.h"
#include "trust/identity.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORDS = 64, FILES = 16 };
struct identity_command {
    struct trust_store store;
    const char *dir, *ca[FILES], *crl[FILES], *claims, *words[WORDS];
    uint32_t n_ca, n_crl, n_words;
    struct net_addr from, in_use;
    struct identity_anchors *anchors;
    struct inventory *v;
};
static int refuse(const char *what, const char *why)
{
    fprintf(stderr, "redoubt trust identity: %s: %s\n", what, why);
    return EXIT_FAILED;
}
static int anchor(struct identity_command *c, const char *path, bool list)
{
    struct str text;
    char *memory = trust_file_read("identity", path, &text);
    int e = !memory ? ERR_IO : list ? identity_anchors_add_crl(c->anchors, text) : identity_anchors_add(c->anchors, text);
    free(memory);
    if (e == ERR_SYNTAX)
        refuse(path, list ? "found no list of revoked certificates in PEM" : "found no certificate of an authority in PEM");
    return e < 0 ? EXIT_FAILED : EXIT_OK;
}
static int anchors_read(struct identity_command *c)
{
    char path[4200];
    int status = identity_anchors_new(&c->anchors) < 0 ? refuse("memory", "none left") : EXIT_OK;
    for (uint32_t i = 0; i < c->n_ca && status == EXIT_OK; i++)
        status = anchor(c, c->ca[i], false);
    for (uint32_t i = 0; i < c->n_crl && status == EXIT_OK; i++)
        status = anchor(c, c->crl[i], true);
    if (status == EXIT_OK && !c->n_ca)
        status = anchor(c, ca_path(c->dir, STR("ca"), ".crt", path), false);
    if (status == EXIT_OK && !c->n_ca && !c->n_crl)
        status = anchor(c, ca_path(c->dir, STR("crl"), ".pem", path), true);
    return status;
}
static int verify_one(struct identity_command *c, const char *path, const struct identity_peer *peer, uint64_t now_us)
{
    struct identity_peer p = *peer;
    struct identity_result r;
    struct str pem;
    uint8_t memory[16384];
    struct arena a = arena_over(memory, sizeof memory);
    char *text = trust_file_read("identity", path, &pem);
    if (!text)
        return EXIT_FAILED;
    if (identity_pem_der(pem, &a, &p.certificate) < 0)
        p.certificate = (struct bytes){(const uint8_t *)pem.p, pem.n}; /* it may be DER */
    int e = identity_verify(c->anchors, c->v, &p, now_us, &r);
    printf("%s: %s: %s\n", path, identity_verdict_text(r.verdict), r.text);
    free(text);
    return e == OK ? EXIT_OK : EXIT_FAILED;
}
static int verify(struct identity_command *c)
{
    bool at_given = c->store.at != 0;
    int status = anchors_read(c);
    if (status == EXIT_OK)
        status = trust_store_open(&c->store, "identity");
    if (status == EXIT_OK && !(c->v = trust_inventory_load(&c->store, "identity")))
        status = EXIT_FAILED;
    if (status != EXIT_OK)
        return status;
    struct identity_peer p = {.from = c->from, .in_use = c->in_use};
    if (c->claims && !(p.claims = inventory_find(c->v, INV_element, str_of(c->claims))))
        return refuse(c->claims, "the inventory has no such element");
    uint64_t now_us = at_given ? (uint64_t)c->store.at * 86400000000u + 43200000000u : trust_now_us(); /* noon */
    for (uint32_t i = 0; i < c->n_words; i++)
        if (verify_one(c, c->words[i], &p, now_us) != EXIT_OK)
            status = EXIT_FAILED;
    return status;
}

static int take_address(const char *option, const char *value, struct net_addr *to)
{
    if (!value || addr_parse(to, str_of(value), 0))
        return value ? EXIT_OK : EXIT_USAGE;
    return usage("trust identity", "%s: found '%.60s', expected an IP address", option, value);
}
static int take_option(struct identity_command *c, struct args *a)
{
    int status = EXIT_OK;
    const char *value;
    if (args_value(a, NULL, "--from", &value))
        return take_address("--from", value, &c->from);
    if (args_value(a, NULL, "--in-use", &value))
        return take_address("--in-use", value, &c->in_use);
    if (args_value(a, NULL, "--claims", &c->claims))
        return c->claims ? EXIT_OK : EXIT_USAGE;
    if (args_value(a, NULL, "--dir", &c->dir))
        return c->dir ? EXIT_OK : EXIT_USAGE;
    if (c->n_ca < FILES && args_value(a, NULL, "--ca", &value))
        return (c->ca[c->n_ca++] = value) ? EXIT_OK : EXIT_USAGE;
    if (c->n_crl < FILES && args_value(a, NULL, "--crl", &value))
        return (c->crl[c->n_crl++] = value) ? EXIT_OK : EXIT_USAGE;
    if (trust_store_option(&c->store, a, &status))
        return status;
    if (*args_now(a) == '-' || c->n_words == WORDS)
        return usage("trust identity", "'%s' is not understood", args_now(a));
    c->words[c->n_words++] = a->argv[a->at++];
    return EXIT_OK;
}
int trust_identity(int argc, char **argv)
{
    struct identity_command *c = calloc(1, sizeof *c);
    struct args a = {argc, argv, 2};
    if (!c)
        return refuse("memory", "none left");
    c->dir = TRUST_CA_DIR;
    int status = argc < 2 || strcmp(argv[1], "verify") != 0 ? usage("trust identity", "expected verify") : EXIT_OK;
    while (status == EXIT_OK && args_more(&a))
        status = take_option(c, &a);
    if (status == EXIT_OK && !c->n_words)
        status = usage("trust identity", "verify: expected certificates");
    if (status == EXIT_OK)
        status = verify(c);
    identity_anchors_free(c->anchors);
    inventory_free(c->v);
    status = trust_store_close(&c->store, "identity", status);
    free(c);
    return status;
}
