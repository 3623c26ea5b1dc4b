/* SPDX-License-Identifier: Apache-2.0 */
/* trust_ca.c - redoubt trust ca. */
#include "cmd/trust_ca.h"
#include "base/text.h"
#include "os/file.h"
#include "trust/inventory_store.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DAY_S = 86400, WORDS = 64, ALL_MAX = 500 };
struct ca_command {
    struct trust_store store;
    const char *dir, *name, *output, *element, *reason, *words[WORDS];
    uint32_t n_words, days;
    bool all, no_bind;
    struct ca_folder folder;
    struct inventory *v;
    char *records; /* what is to be imported: records bound to their new keys, as JSON */
    size_t records_n;
    FILE *bind;
    uint32_t n_bound;
};
static int64_t now_s(void) { return (int64_t)(trust_now_us() / 1000000); }

/* ---- binding records to keys ---- */
struct finding {
    struct str id;
    FILE *out;
    const uint8_t *key_sha256;
    uint32_t found, *n;
};
static int bind_row(void *ctx, const struct inv_version *r)
{
    struct finding *f = ctx;
    const struct inv_kind_desc *d = inv_kind_desc(INV_element);
    struct inv_texts v;
    char hex[65];
    static char line[64 * 1024];
    struct text t = text_over(line, sizeof line);
    if (r->kind != INV_element || !str_eq(r->key, f->id) || !inv_row_get(d, r->row, &v))
        return OK;
    hex_put(hex, f->key_sha256, 32);
    v.v[inv_field_find(d, STR("key_sha256"))] = (struct str){hex, 64};
    v.v[inv_field_find(d, STR("identity"))] = STR("certificate");
    inv_json_object(&t, INV_element, &v);
    fprintf(f->out, "%s%s\n", (*f->n)++ ? "," : "{\"elements\":[", line);
    f->found++;
    return OK;
}
static int bind(struct ca_command *c, struct str id, const uint8_t key_sha256[32])
{
    if (c->no_bind)
        return EXIT_OK;
    struct finding f = {id, c->bind, key_sha256, 0, &c->n_bound};
    int e = inventory_scan(c->store.store, c->store.at, 0, bind_row, &f);
    return e < 0 || !f.found ? ca_refuse("inventory", e < 0 ? err_text(e) : "the record is gone") : EXIT_OK;
}
static int bind_finish(struct ca_command *c)
{
    struct inv_report report;
    struct inv_import_result r;
    if (c->n_bound)
        fprintf(c->bind, "]}\n");
    if (fclose(c->bind) != 0)
        return ca_refuse("inventory", "no memory");
    c->bind = NULL;
    if (!c->n_bound)
        return EXIT_OK;
    struct inv_text t = {STR("enrolment"), {c->records, (uint32_t)c->records_n}, true, INV_KINDS};
    struct inv_import m = {.texts = &t, .n_texts = 1, .from = c->store.at, .note = STR("keys of certificates of the lab's authority"),
                           .now_us = trust_now_us()};
    int e = inventory_import(c->store.store, &m, &report, &r);
    return trust_import_status(&c->store, "ca", e, &report);
}

/* ---- enrol and sign ---- */
static int issued_write(struct ca_command *c, const struct inv_element *e, const struct ca_pem *key, const struct ca_issued *x)
{
    char path[4200], day[INV_DATE_TEXT];
    int r = OK;
    if (key) {
        ca_path(c->output, e->id, ".key", path);
        r = access(path, F_OK) == 0 ? ERR_EXISTS : file_write(path, (struct bytes){(const uint8_t *)key->text, key->n}, 0600);
    }
    if (r == OK)
        r = file_write(ca_path(c->output, e->id, ".crt", path), (struct bytes){(const uint8_t *)x->certificate.text, x->certificate.n}, 0644);
    if (r < 0)
        return ca_refuse(path, r == ERR_EXISTS ? "there is a key already; it is not replaced" : err_text(r));
    printf(STR_FMT ": %s, until %s\n", STR_ARG(e->id), path, inv_date_text((int32_t)(c->folder.entries[c->folder.n_entries - 1].until / DAY_S), day));
    return EXIT_OK;
}
/* First the index, so that what was issued can be revoked whatever happens next. */
static int issue(struct ca_command *c, const struct inv_element *e, struct str request)
{
    struct ca_pem key;
    struct ca_issued x;
    char why[CA_WHY] = "";
    struct ca_term term = {now_s() - 300, now_s() + (int64_t)(c->days ? c->days : 365) * DAY_S};
    int r = request.p ? ca_sign(c->folder.ca, request, e, term, &x, why) : ca_enrol(c->folder.ca, e, term, &key, &x);
    if (r < 0)
        return ca_refuse(request.p ? c->words[0] : "enrol", *why ? why : r == ERR_RANGE ? "the authority's own certificate does not cover that term"
                                                                                        : err_text(r));
    int status = ca_folder_add(&c->folder, &x, e->id, term) ? ca_folder_save(&c->folder) : ca_refuse("index", "no memory");
    if (status == EXIT_OK)
        status = issued_write(c, e, request.p ? NULL : &key, &x);
    if (status == EXIT_OK)
        status = bind(c, e->id, x.key_sha256);
    secret_wipe(&key, sizeof key);
    return status;
}
static int issue_begin(struct ca_command *c)
{
    if (!c->output)
        return usage("trust ca", "--output DIR for certificates and keys is missing");
    int e = dir_make(c->output);
    if (e < 0)
        return ca_refuse(c->output, err_text(e));
    int status = ca_folder_open(&c->folder, c->dir);
    if (status == EXIT_OK)
        status = trust_store_open(&c->store, "ca");
    if (status == EXIT_OK && !(c->v = trust_inventory_load(&c->store, "ca")))
        status = EXIT_FAILED;
    if (status == EXIT_OK && !(c->bind = open_memstream(&c->records, &c->records_n)))
        status = ca_refuse("memory", "none left");
    return status;
}
static const struct inv_element *element_of(struct ca_command *c, const char *id)
{
    const struct inv_element *e = inventory_element(c->v, inventory_find(c->v, INV_element, str_of(id)));
    if (!e)
        ca_refuse(id, "the inventory has no such element; a certificate is for one that it knows");
    return e;
}
static int issue_end(struct ca_command *c, int status)
{
    char path[4200], own[4200];
    struct str text;
    /* also after a mistake: keys that were handed out are bound */
    int bound = c->bind ? bind_finish(c) : EXIT_OK;
    char *certificate = status == EXIT_OK ? trust_file_read("ca", ca_path(c->dir, STR("ca"), ".crt", own), &text) : NULL;
    if (certificate && file_write(ca_path(c->output, STR("ca"), ".crt", path), (struct bytes){(const uint8_t *)text.p, text.n}, 0644) < 0)
        status = ca_refuse(path, "cannot be written");
    free(certificate);
    return status == EXIT_OK ? bound : status;
}
static int enrol(struct ca_command *c)
{
    static const uint8_t none[32];
    if (c->all == (c->n_words > 0))
        return usage("trust ca", "enrol: expected elements, or --all");
    int status = issue_begin(c);
    for (uint32_t i = 0; i < c->n_words && status == EXIT_OK; i++) {
        const struct inv_element *e = element_of(c, c->words[i]);
        status = e ? issue(c, e, (struct str){NULL, 0}) : EXIT_FAILED;
    }
    if (status == EXIT_OK && c->all && c->v->n_elements > ALL_MAX)
        status = ca_refuse("--all", "the inventory is larger than a lab's; name the elements");
    for (uint32_t i = 0; c->all && status == EXIT_OK && i < c->v->n_elements; i++)
        if (memcmp(c->v->elements[i].key_sha256, none, 32) == 0 && c->v->elements[i].identity != INV_IDENTITY_address_only)
            status = issue(c, &c->v->elements[i], (struct str){NULL, 0});
    return issue_end(c, status);
}
static int sign(struct ca_command *c)
{
    struct str request;
    if (c->n_words != 1 || !c->element)
        return usage("trust ca", "sign: expected a request and --element ELEMENT");
    char *memory = trust_file_read("ca", c->words[0], &request);
    int status = memory ? issue_begin(c) : EXIT_FAILED;
    if (status == EXIT_OK) {
        const struct inv_element *e = element_of(c, c->element);
        status = e ? issue(c, e, request) : EXIT_FAILED;
    }
    status = issue_end(c, status);
    free(memory);
    return status;
}

/* ---- the others ---- */
static int init(struct ca_command *c)
{
    if (c->n_words || !c->name)
        return usage("trust ca", "init: expected --name NAME");
    int status = ca_folder_make(c->dir, str_of(c->name), c->days ? c->days : 3650);
    if (status == EXIT_OK)
        printf("an authority named '%s' in %s; whoever has its ca.key can be any element\n", c->name, c->dir);
    return status;
}
static int revoke_them(struct ca_command *c)
{
    uint8_t serial[CA_SERIAL], reason = c->reason ? ca_reason_parse(str_of(c->reason)) : 0;
    if (c->n_words != 1)
        return usage("trust ca", "revoke: expected a serial number or an element");
    if (reason == 255)
        return usage("trust ca", "--reason: expected keyCompromise, superseded, cessationOfOperation or unspecified");
    bool by_serial = hex_get(serial, CA_SERIAL, str_of(c->words[0]));
    int status = ca_folder_open(&c->folder, c->dir);
    uint32_t n = 0;
    for (uint32_t i = 0; status == EXIT_OK && i < c->folder.n_entries; i++) {
        struct ca_entry *e = &c->folder.entries[i];
        if (e->revoked || (by_serial ? memcmp(e->serial, serial, CA_SERIAL) != 0 : strcmp(e->element, c->words[0]) != 0))
            continue;
        e->revoked = true;
        e->revoked_at = now_s();
        e->reason = reason;
        n++;
    }
    if (status == EXIT_OK && !n)
        status = ca_refuse(c->words[0], "no certificate of that serial number or element that is not revoked already");
    if (status == EXIT_OK)
        status = ca_folder_crl(&c->folder, c->days ? c->days : 7);
    if (status == EXIT_OK)
        printf("%u revoked; peers refuse them once they have %s/crl.pem\n", n, c->dir);
    return status;
}
static int crl(struct ca_command *c)
{
    int status = c->n_words ? usage("trust ca", "crl: expected options only") : ca_folder_open(&c->folder, c->dir);
    if (status == EXIT_OK)
        status = ca_folder_crl(&c->folder, c->days ? c->days : 7);
    if (status == EXIT_OK)
        printf("%s/crl.pem, number %llu, for %u days\n", c->dir, (unsigned long long)c->folder.crl_number, c->days ? c->days : 7);
    return status;
}
static int list(struct ca_command *c)
{
    char hex[33], day[INV_DATE_TEXT];
    int status = c->n_words ? usage("trust ca", "list: expected options only") : ca_folder_open(&c->folder, c->dir);
    for (uint32_t i = 0; status == EXIT_OK && i < c->folder.n_entries; i++) {
        const struct ca_entry *e = &c->folder.entries[i];
        hex_put(hex, e->serial, CA_SERIAL);
        printf("%s  %-9s until %s  %s\n", hex, e->revoked ? "revoked" : e->until < now_s() ? "expired" : "valid",
               inv_date_text((int32_t)(e->until / DAY_S), day), e->element);
    }
    return status;
}

/* ---- words ---- */
static const struct {
    const char *name;
    int (*fn)(struct ca_command *);
} subcommands[] = {{"init", init}, {"enrol", enrol}, {"sign", sign}, {"revoke", revoke_them}, {"crl", crl}, {"list", list}};

static int take_option(struct ca_command *c, struct args *a)
{
    const struct {
        const char *name, **to;
    } texts[] = {{"--dir", &c->dir}, {"--name", &c->name}, {"--output", &c->output}, {"--element", &c->element}, {"--reason", &c->reason}};
    int status = EXIT_OK;
    const char *value;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (args_value(a, NULL, texts[i].name, texts[i].to))
            return *texts[i].to ? EXIT_OK : EXIT_USAGE;
    if (args_value(a, NULL, "--days", &value))
        return value && args_number("--days", value, 1, 36500, &c->days) ? EXIT_OK : EXIT_USAGE;
    if (trust_store_option(&c->store, a, &status))
        return status;
    if (args_flag(a, NULL, "--all"))
        c->all = true;
    else if (args_flag(a, NULL, "--no-bind"))
        c->no_bind = true;
    else if (*args_now(a) == '-' || c->n_words == WORDS)
        return usage("trust ca", "'%s' is not understood", args_now(a));
    else
        c->words[c->n_words++] = a->argv[a->at++];
    return EXIT_OK;
}
int trust_ca(int argc, char **argv)
{
    struct ca_command *c = calloc(1, sizeof *c);
    struct args a = {argc, argv, 2};
    size_t i = 0;
    while (i < ARRAY_LEN(subcommands) && (argc < 2 || strcmp(argv[1], subcommands[i].name) != 0))
        i++;
    if (!c)
        return ca_refuse("memory", "none left");
    c->dir = TRUST_CA_DIR;
    c->folder.lock_fd = -1;
    int status = i == ARRAY_LEN(subcommands) ? usage("trust ca", "expected init, enrol, sign, revoke, crl or list") : EXIT_OK;
    while (status == EXIT_OK && args_more(&a))
        status = take_option(c, &a);
    if (status == EXIT_OK)
        status = subcommands[i].fn(c);
    if (c->bind)
        fclose(c->bind);
    free(c->records);
    inventory_free(c->v);
    ca_folder_close(&c->folder);
    status = trust_store_close(&c->store, "ca", status);
    free(c);
    return status;
}
