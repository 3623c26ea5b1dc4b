/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/seal.h"
#include "os/file.h"
#include <stdio.h>
#include <sys/random.h>

static const struct bytes key_seal = {(const uint8_t *)"seal", 4};

int seal_is_on(struct store *st)
{
    uint8_t memory[64];
    struct arena a = arena_over(memory, sizeof memory);
    struct bytes v;
    int e = store_get(st, STORE_meta, key_seal, &a, &v);
    return e == ERR_NOTFOUND ? false : e < 0 ? e : true;
}

static int file_make(const char *file, struct seal_key *k)
{
    char text[66], folder[4100];
    const char *slash = strrchr(file, '/');
    if (slash && slash != file) {
        str_copy(folder, sizeof folder, (struct str){file, (uint32_t)(slash - file)});
        int e = dir_make(folder);
        if (e < 0)
            return e;
    }
    if (getrandom(k->k, sizeof k->k, 0) != sizeof k->k)
        return ERR_IO;
    hex_put(text, k->k, sizeof k->k);
    text[64] = '\n';
    int e = file_write(file, (struct bytes){(const uint8_t *)text, 65}, 0600);
    secret_wipe(text, sizeof text);
    return e;
}
static int file_take(const char *file, struct seal_key *k)
{
    uint8_t memory[256];
    struct arena a = arena_over(memory, sizeof memory);
    struct bytes b;
    int e = file_read(file, 128, &a, &b);
    if (e == OK && (b.n < 64 || !hex_get(k->k, sizeof k->k, (struct str){(const char *)b.p, 64})))
        e = ERR_SYNTAX;
    secret_wipe(memory, sizeof memory);
    return e;
}

int seal_open(struct seal_key *k, const char *file, struct store *st, struct crypto *c, char why[SEAL_WHY])
{
    uint8_t memory[64], name[8];
    struct arena a = arena_over(memory, sizeof memory);
    struct bytes there;
    int known = store_get(st, STORE_meta, key_seal, &a, &there), e = file_take(file, k);
    if (known < 0 && known != ERR_NOTFOUND)
        return known;
    if (e == ERR_NOTFOUND && known == ERR_NOTFOUND)
        e = file_make(file, k);
    if (e == OK)
        e = seal_key_name(c, k, name);
    if (e < 0) {
        snprintf(why, SEAL_WHY, "udm.seal_file %.180s: %s", file, e == ERR_SYNTAX ? "not 64 hex digits" : err_text(e));
        return ERR_CONFIG;
    }
    if (known == OK && !bytes_eq(there, BYTES_OF(name))) {
        snprintf(why, SEAL_WHY, "udm.seal_file %.180s: the store is sealed with another key", file);
        return ERR_CONFIG;
    }
    return known == OK ? OK : store_put(st, STORE_meta, key_seal, BYTES_OF(name));
}

int seal_subscriber(const struct seal_key *k, struct str supi, struct subscriber *s)
{
    uint8_t nonce[KEY_SEAL_NONCE];
    if (s->sealed_n)
        return OK;
    if (getrandom(nonce, sizeof nonce, 0) != sizeof nonce)
        return ERR_IO;
    int n = aka_key_seal(k, nonce, supi, &s->key, s->sealed);
    if (n < 0)
        return n;
    s->sealed_n = (uint8_t)n;
    enum aka_alg alg = s->key.alg;
    secret_wipe(&s->key, sizeof s->key);
    s->key.alg = alg;
    return OK;
}

/* ---- a store that was not sealed ---- */
enum { BATCH = 1000 };
struct batch {
    uint32_t n;
    char supi[BATCH][SUBSCRIBER_SUPI];
    char last[SUBSCRIBER_SUPI]; /* read so far */
};
static int find_plain(void *ctx, struct bytes key, struct bytes value)
{
    struct batch *b = ctx;
    struct subscriber s;
    struct str supi = {(const char *)key.p, key.n};
    if (!str_copy(b->last, sizeof b->last, supi))
        return OK;
    if (subscriber_decode(value, &s) == OK && !s.sealed_n)
        str_copy(b->supi[b->n++], SUBSCRIBER_SUPI, supi);
    secret_wipe(&s, sizeof s);
    return b->n == BATCH ? 1 : OK;
}
static int seal_row(const struct seal_key *k, struct store *st, struct str supi)
{
    uint8_t memory[SUBSCRIBER_ROW_OCTETS];
    struct arena a = arena_over(memory, sizeof memory);
    struct subscriber s;
    int e = subscriber_get(st, supi, &a, &s);
    if (e == OK)
        e = seal_subscriber(k, supi, &s);
    if (e == OK)
        e = subscriber_put(st, supi, &s);
    secret_wipe(memory, sizeof memory);
    secret_wipe(&s, sizeof s);
    return e;
}
int seal_all(const struct seal_key *k, struct store *st)
{
    static const struct bytes from_start;
    char after[SUBSCRIBER_SUPI] = "";
    struct batch b;
    int e;
    do {
        b.n = 0;
        struct bytes from = {(const uint8_t *)after, (uint32_t)strlen(after)};
        e = st->ops->scan(st, STORE_subscriber, *after ? from : from_start, find_plain, &b);
        for (uint32_t i = 0; e >= 0 && i < b.n; i++)
            e = seal_row(k, st, str_of(b.supi[i]));
        memcpy(after, b.last, sizeof after);
        if (e >= 0)
            e = store_sync(st);
    } while (e >= 0 && b.n == BATCH);
    return e < 0 ? e : OK;
}
