/* SPDX-License-Identifier: Apache-2.0 */
/* trust_ca_folder.c - what an authority keeps. */
#include "base/text.h"
#include "cmd/trust_ca.h"
#include "os/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY_S = 86400, INDEX_COLUMNS = 8 };

int ca_refuse(const char *what, const char *why)
{
    fprintf(stderr, "redoubt trust ca: %s: %s\n", what, why);
    return EXIT_FAILED;
}
const char *ca_path(const char *dir, struct str name, const char *suffix, char out[4200])
{
    int n = snprintf(out, 4200, "%.3000s/", dir);
    for (uint32_t i = 0; i < name.n && i < 200; i++) {
        char c = name.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || (c == '.' && i);
        out[n++] = plain ? c : '_';
    }
    snprintf(out + n, 4200 - (size_t)n, "%s", suffix);
    return out;
}
static int64_t now_s(void) { return (int64_t)(trust_now_us() / 1000000); }

/* ---- init ---- */
int ca_folder_make(const char *dir, struct str name, uint32_t days)
{
    char path[4200];
    struct ca_pem key, certificate;
    struct ca_term term = {now_s() - 300, now_s() + (int64_t)days * DAY_S};
    int e = dir_make(dir);
    if (e < 0)
        return ca_refuse(dir, err_text(e));
    if (access(ca_path(dir, STR("ca"), ".key", path), F_OK) == 0)
        return ca_refuse(path, "there is an authority already; it is not replaced");
    if (ca_make(name, term, &key, &certificate) < 0)
        return ca_refuse("key", "libcrypto refused");
    e = file_write(path, (struct bytes){(const uint8_t *)key.text, key.n}, 0600);
    secret_wipe(&key, sizeof key);
    if (e == OK)
        e = file_write(ca_path(dir, STR("ca"), ".crt", path), (struct bytes){(const uint8_t *)certificate.text, certificate.n}, 0644);
    if (e < 0)
        return ca_refuse(path, err_text(e));
    struct ca_folder f;
    int status = ca_folder_open(&f, dir);
    if (status == EXIT_OK) {
        status = ca_folder_crl(&f, 7);
        ca_folder_close(&f);
    }
    return status;
}

/* ---- index.tsv: a line for each certificate ---- */
static bool number(struct str s, uint64_t *out)
{
    *out = 0;
    for (uint32_t i = 0; i < s.n && s.n < 19; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(s.p[i] - '0');
    }
    return s.n && s.n < 19;
}
static struct str column(struct str *line)
{
    const char *tab = memchr(line->p, '\t', line->n);
    struct str s = {line->p, tab ? (uint32_t)(tab - line->p) : line->n};
    line->p += s.n + (tab != NULL);
    line->n -= s.n + (tab != NULL);
    return s;
}
static bool entry_parse(struct str line, struct ca_entry *e)
{
    struct str c[INDEX_COLUMNS];
    uint64_t from, until, at, reason;
    *e = (struct ca_entry){0};
    for (uint32_t i = 0; i < INDEX_COLUMNS; i++)
        c[i] = column(&line);
    if (!hex_get(e->serial, CA_SERIAL, c[0]) || !number(c[3], &from) || !number(c[4], &until) || !hex_get(e->key_sha256, 32, c[5]) ||
        !number(c[6], &at) || !number(c[7], &reason) || reason > 10 || line.n)
        return false;
    e->revoked = str_is(c[1], "revoked");
    e->from = (int64_t)from;
    e->until = (int64_t)until;
    e->revoked_at = (int64_t)at;
    e->reason = (uint8_t)reason;
    e->element = strndup(c[2].p, c[2].n);
    return e->element != NULL;
}
static struct ca_entry *entry_new(struct ca_folder *f)
{
    struct ca_entry *v = realloc(f->entries, (f->n_entries + 1) * sizeof *v);
    if (v)
        f->entries = v;
    return v ? &v[f->n_entries++] : NULL;
}
static int index_read(struct ca_folder *f)
{
    char path[4200];
    struct str text, line, head;
    uint32_t at = 0;
    if (access(ca_path(f->dir, STR("index"), ".tsv", path), F_OK) < 0)
        return EXIT_OK;
    char *memory = trust_file_read("ca", path, &text);
    int status = memory ? EXIT_OK : EXIT_FAILED;
    while (status == EXIT_OK && text.n) {
        const char *end = memchr(text.p, '\n', text.n);
        line = (struct str){text.p, end ? (uint32_t)(end - text.p) : text.n};
        text.p += line.n + (end != NULL);
        text.n -= line.n + (end != NULL);
        struct ca_entry e;
        bool ok = at++ ? entry_parse(line, &e) : str_is(head = column(&line), "redoubt-ca 1") && number(line, &f->crl_number);
        struct ca_entry *to = ok && at > 1 ? entry_new(f) : NULL;
        if (to)
            *to = e;
        if (!ok || (at > 1 && !to)) {
            fprintf(stderr, "redoubt trust ca: %s:%u: the line is damaged\n", path, at);
            status = EXIT_FAILED;
        }
    }
    free(memory);
    return status;
}
int ca_folder_save(const struct ca_folder *f)
{
    char path[4200], hex[2][65];
    char *memory = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&memory, &n);
    if (!out)
        return ca_refuse("index", "no memory");
    fprintf(out, "redoubt-ca 1\t%llu\n", (unsigned long long)f->crl_number);
    for (uint32_t i = 0; i < f->n_entries; i++) {
        const struct ca_entry *e = &f->entries[i];
        hex_put(hex[0], e->serial, CA_SERIAL);
        hex_put(hex[1], e->key_sha256, 32);
        fprintf(out, "%s\t%s\t%s\t%lld\t%lld\t%s\t%lld\t%u\n", hex[0], e->revoked ? "revoked" : "valid", e->element,
                (long long)e->from, (long long)e->until, hex[1], (long long)e->revoked_at, e->reason);
    }
    int e = fclose(out) == 0 && n < UINT32_MAX
                ? file_write(ca_path(f->dir, STR("index"), ".tsv", path), (struct bytes){(const uint8_t *)memory, (uint32_t)n}, 0600)
                : ERR_NOSPACE;
    free(memory);
    return e < 0 ? ca_refuse("index.tsv", err_text(e)) : EXIT_OK;
}

/* ---- the folder ---- */
int ca_folder_open(struct ca_folder *f, const char *dir)
{
    char path[4200];
    struct str key = {NULL, 0}, certificate = {NULL, 0};
    *f = (struct ca_folder){.dir = dir, .lock_fd = -1};
    if (access(ca_path(dir, STR("ca"), ".key", path), F_OK) < 0)
        return ca_refuse(dir, "there is no authority in it; 'redoubt trust ca init --name NAME' makes one");
    f->lock_fd = open(ca_path(dir, STR("lock"), "", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f->lock_fd < 0 || flock(f->lock_fd, LOCK_EX) < 0)
        return ca_refuse(path, strerror(errno));
    char *k = trust_file_read("ca", ca_path(dir, STR("ca"), ".key", path), &key);
    char *c = trust_file_read("ca", ca_path(dir, STR("ca"), ".crt", path), &certificate);
    int e = k && c ? ca_open(&f->ca, key, certificate) : ERR_IO;
    if (k)
        secret_wipe(k, key.n);
    free(k);
    free(c);
    int status = e == OK ? index_read(f) : EXIT_FAILED;
    if (e == ERR_SYNTAX)
        ca_refuse(dir, "ca.key and ca.crt do not belong to each other");
    if (status != EXIT_OK)
        ca_folder_close(f);
    return status;
}
void ca_folder_close(struct ca_folder *f)
{
    for (uint32_t i = 0; i < f->n_entries; i++)
        free(f->entries[i].element);
    free(f->entries);
    ca_free(f->ca);
    if (f->lock_fd >= 0)
        close(f->lock_fd);
    *f = (struct ca_folder){.lock_fd = -1};
}
bool ca_folder_add(struct ca_folder *f, const struct ca_issued *x, struct str element, struct ca_term term)
{
    struct ca_entry *e = entry_new(f);
    if (!e)
        return false;
    *e = (struct ca_entry){.from = term.from, .until = term.until, .element = strndup(element.p, element.n)};
    memcpy(e->serial, x->serial, CA_SERIAL);
    memcpy(e->key_sha256, x->key_sha256, 32);
    return e->element != NULL;
}
int ca_folder_crl(struct ca_folder *f, uint32_t days)
{
    struct ca_revoked *list = calloc(f->n_entries + 1, sizeof *list);
    char path[4200], *pem = NULL;
    uint32_t n = 0, pem_n = 0;
    for (uint32_t i = 0; list && i < f->n_entries; i++)
        if (f->entries[i].revoked) {
            memcpy(list[n].serial, f->entries[i].serial, CA_SERIAL);
            list[n].when = f->entries[i].revoked_at;
            list[n++].reason = f->entries[i].reason;
        }
    struct ca_term term = {now_s() - 1, now_s() + (int64_t)days * DAY_S};
    int e = list ? ca_crl(f->ca, list, n, ++f->crl_number, term, &pem, &pem_n) : ERR_NOSPACE;
    free(list);
    int status = e < 0 ? ca_refuse("list of revoked certificates", err_text(e)) : ca_folder_save(f);
    if (status == EXIT_OK) {
        e = file_write(ca_path(f->dir, STR("crl"), ".pem", path), (struct bytes){(const uint8_t *)pem, pem_n}, 0644);
        status = e < 0 ? ca_refuse(path, err_text(e)) : EXIT_OK;
    }
    free(pem);
    return status;
}
