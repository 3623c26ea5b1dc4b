/* SPDX-License-Identifier: Apache-2.0 */
/* subscriber.c - redoubt subscriber: who may use the network. */
#include "cmd/subscriber.h"
#include "crypto/crypto.h"
#include "os/file.h"
#include "os/store_sqlite.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int refuse(const char *what, const char *why)
{
    fprintf(stderr, "redoubt subscriber: %s: %s\n", what, why);
    return EXIT_FAILED;
}
static const char *why_of(const struct subscriber_command *c, int e)
{
    return e == ERR_STORE ? store_error(c->store) : e == ERR_SYNTAX ? "its row in the store is damaged" : err_text(e);
}

int secret_file_write(const char *path, struct str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0;
    for (uint32_t at = 0; ok && at < text.n;) {
        ssize_t k = write(fd, text.p + at, text.n - at);
        ok = k > 0 || errno == EINTR;
        at += k > 0 ? (uint32_t)k : 0;
    }
    ok = ok && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (!ok) {
        if (fd >= 0)
            unlink(path);
        refuse(path, why == EEXIST ? "there is such a file; it is not replaced" : err_text(err_from_errno(why)));
    }
    return ok ? OK : ERR_IO;
}

/* ---- the store ---- */
static int store_open(struct subscriber_command *c)
{
    char why[256] = "", folder[4100];
    c->config = cmd_config_load(&c->options);
    if (!c->config)
        return EXIT_USAGE;
    const char *path = c->store_path ? c->store_path : c->config->config.udr.path.p;
    const char *slash = strrchr(path, '/');
    if (slash && slash != path) {
        str_copy(folder, sizeof folder, (struct str){path, (uint32_t)(slash - path)});
        int e = dir_make(folder);
        if (e < 0)
            return refuse(folder, err_text(e));
    }
    if (crypto_init(&c->crypto) < 0)
        return refuse("crypto", "libcrypto refused");
    if (store_sqlite_open(&c->store, path, why, sizeof why) < 0)
        return refuse("store", why);
    return EXIT_OK;
}
static int store_close(struct subscriber_command *c, int status)
{
    if (c->store && status == EXIT_OK && store_sync(c->store) < 0)
        status = refuse("store", store_error(c->store));
    store_sqlite_close(c->store);
    crypto_free(c->crypto);
    cmd_config_free(c->config);
    return status;
}

static int note(struct subscriber_command *c, struct str supi, bool removed)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return subscriber_note_change(c->store, supi, (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000, removed);
}

static int seal_take(struct subscriber_command *c)
{
    char why[SEAL_WHY] = "";
    int e = c->has_seal ? OK : seal_open(&c->seal, c->config->config.udm.seal_file.p, c->store, c->crypto, why);
    if (*why)
        refuse("the store is sealed", why);
    c->has_seal = e == OK;
    return e;
}
int subscriber_seal(struct subscriber_command *c, struct str supi, struct subscriber *s)
{
    int on = c->has_seal ? true : seal_is_on(c->store);
    if (on < 0 || (!on && c->config->config.udm.keys != CONFIG_KEYS_SEPARATE))
        return on;
    int e = seal_take(c);
    return e < 0 ? e : seal_subscriber(&c->seal, supi, s);
}
int subscriber_unseal(struct subscriber_command *c, struct str supi, struct subscriber *s)
{
    int e = s->sealed_n ? seal_take(c) : OK;
    if (e == OK && s->sealed_n)
        e = aka_key_unseal(&c->seal, supi, (struct bytes){s->sealed, s->sealed_n}, &s->key);
    return e;
}

int subscriber_entry_put(struct subscriber_command *c, struct subscriber_entry *e, bool replace)
{
    uint8_t memory[SUBSCRIBER_ROW_OCTETS];
    struct arena a = arena_over(memory, sizeof memory);
    struct str supi = str_of(e->supi);
    struct bytes row, key = {(const uint8_t *)supi.p, supi.n};
    int r = store_get(c->store, STORE_subscriber, key, &a, &row);
    secret_wipe(memory, sizeof memory);
    bool there = r == OK || r == ERR_NOSPACE;
    if (there && !replace)
        return ERR_EXISTS;
    if (!there && r != ERR_NOTFOUND)
        return r;
    r = subscriber_profile_put(c->store, &e->p, &e->s.profile);
    if (r == OK)
        r = subscriber_seal(c, supi, &e->s);
    if (r == OK)
        r = subscriber_put(c->store, supi, &e->s);
    if (r == OK && there && subscriber_has(e, SUBSCRIBER_FIELD_SQN)) /* the operator decides; otherwise it goes on */
        r = store_del(c->store, STORE_sqn, key);
    c->added += r == OK && !there;
    return r == OK && there ? note(c, supi, false) : r;
}
int subscriber_commit(struct subscriber_command *c)
{
    int e = c->added ? subscriber_count_add(c->store, c->added) : OK;
    c->added = 0;
    return e < 0 ? e : store_sync(c->store);
}

/* ---- add ---- */
static int keys_make(struct subscriber_command *c)
{
    struct subscriber_entry *e = &c->entry;
    uint8_t random[32];
    char hex[65];
    if (!c->key_file)
        return usage("subscriber", "add: keys are missing: --k with --opc or --op, or --key-file FILE to have them made");
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return refuse("keys", "no randomness");
    hex_put(hex, random, 32);
    subscriber_entry_set(e, SUBSCRIBER_FIELD_K, (struct str){hex, 32});
    if (!subscriber_has(e, SUBSCRIBER_FIELD_OP))
        subscriber_entry_set(e, SUBSCRIBER_FIELD_OPC, (struct str){hex + 32, 32});
    secret_wipe(random, sizeof random);
    secret_wipe(hex, sizeof hex);
    return EXIT_OK;
}
static int keys_write(const struct subscriber_command *c)
{
    const struct aka_key *k = &c->entry.s.key;
    char text[256], hex[2][65];
    hex_put(hex[0], k->k, k->k_n);
    hex_put(hex[1], k->opc, k->alg == AKA_TUAK ? 32 : 16);
    int n = snprintf(text, sizeof text, "imsi,k,opc\n%s,%s,%s\n", c->entry.supi + 5, hex[0], hex[1]);
    int e = secret_file_write(c->key_file, (struct str){text, (uint32_t)n});
    secret_wipe(text, sizeof text);
    secret_wipe(hex, sizeof hex);
    return e == OK ? EXIT_OK : EXIT_FAILED;
}

static int add(struct subscriber_command *c)
{
    struct subscriber_entry *e = &c->entry;
    const char *why = NULL;
    bool made = !subscriber_has(e, SUBSCRIBER_FIELD_K);
    int status = made ? keys_make(c) : EXIT_OK;
    if (status == EXIT_OK)
        status = store_open(c);
    if (status != EXIT_OK)
        return status;
    if (subscriber_entry_finish(e, c->crypto, &why) < 0)
        return usage("subscriber", "add: %s", why ? why : "it could not be understood");
    if (made && keys_write(c) != EXIT_OK) /* first: a key that is in no file is of no use to anybody */
        return EXIT_FAILED;
    int r = subscriber_entry_put(c, e, c->replace);
    if (r == OK)
        r = subscriber_commit(c);
    if (r < 0 && made)
        unlink(c->key_file);
    if (r < 0)
        return refuse(e->supi, r == ERR_EXISTS ? "there already; --replace to change it" : why_of(c, r));
    printf("%s added%s%s\n", e->supi, made ? "; its keys are in " : "", made ? c->key_file : "");
    return EXIT_OK;
}

/* ---- list, show, remove ---- */
struct listing {
    struct subscriber_command *c;
    uint64_t profile;
    bool has_profile;
    uint8_t memory[SUBSCRIBER_PROFILE_OCTETS];
    struct subscriber_profile p;
    uint32_t n, bad;
};
static const struct subscriber_profile *profile_of(struct listing *l, uint64_t id)
{
    struct arena a = arena_over(l->memory, sizeof l->memory);
    if (!l->has_profile || l->profile != id) {
        l->has_profile = subscriber_profile_get(l->c->store, id, &a, &l->p) == OK;
        l->profile = id;
    }
    return l->has_profile ? &l->p : NULL;
}
static const char *slice_text(const struct subscriber_slice *s, char buf[16])
{
    if (s->has_sd)
        snprintf(buf, 16, "%u-%02x%02x%02x", s->sst, s->sd[0], s->sd[1], s->sd[2]);
    else
        snprintf(buf, 16, "%u", s->sst);
    return buf;
}
static const char *auth_text(uint8_t auth)
{
    return auth == SUBSCRIBER_AUTH_5G_AKA ? "5G-AKA" : auth == SUBSCRIBER_AUTH_EAP_AKA_PRIME ? "EAP-AKA'" : "default";
}
static int list_row(void *ctx, struct bytes key, struct bytes value)
{
    struct listing *l = ctx;
    struct subscriber s;
    char slice[16];
    if (l->c->limit && l->n == l->c->limit)
        return 1;
    l->n++;
    int e = subscriber_decode(value, &s);
    const struct subscriber_profile *p = e == OK ? profile_of(l, s.profile) : NULL;
    printf("%-21.*s ", (int)key.n, (const char *)key.p);
    if (!p) {
        l->bad++;
        printf("a damaged row\n");
    } else {
        printf("%-9s", auth_text(s.auth));
        for (uint32_t i = 0; i < p->n_slices; i++)
            printf("%s%s", i ? "," : "", slice_text(&p->slices[i], slice));
        printf("  ");
        for (uint32_t i = 0; i < p->n_dnns; i++)
            if (p->dnns[i].slice == 0)
                printf("%s" STR_FMT, i ? "," : "", STR_ARG(p->dnns[i].name));
        printf("\n");
    }
    secret_wipe(&s, sizeof s);
    return OK;
}
static int list(struct subscriber_command *c)
{
    static struct bytes from_start;
    struct listing l = {.c = c};
    printf("%-21s %-9s%s  %s\n", "SUPI", "METHOD", "SLICES", "DATA NETWORKS");
    int e = c->store->ops->scan(c->store, STORE_subscriber, from_start, list_row, &l);
    if (e < 0)
        return refuse("store", store_error(c->store));
    printf("%u of %lld subscribers\n", l.n, (long long)subscriber_count(c->store));
    return l.bad ? EXIT_FAILED : EXIT_OK;
}

static void supi_of(const char *word, char supi[SUBSCRIBER_SUPI])
{
    struct subscriber_entry e = {0};
    supi[0] = 0;
    if (subscriber_entry_set(&e, SUBSCRIBER_FIELD_IMSI, str_of(word)) == OK)
        memcpy(supi, e.supi, SUBSCRIBER_SUPI);
}
static void show_text(const char *supi, const struct subscriber *s, const struct subscriber_profile *p)
{
    char a[NET_ADDR_TEXT], slice[16];
    printf("%s\n  keys              %s, %s\n  method            %s\n  AMF field         %04x\n", supi,
           s->key.alg == AKA_TUAK ? "TUAK" : "MILENAGE", s->sealed_n ? "sealed" : "not shown", auth_text(s->auth), s->amf);
    printf("  protected         %s\n", subscriber_protected_text(p->is_protected));
    printf("  UE-AMBR           %llu bps down, %llu bps up\n", (unsigned long long)p->ambr_down_bps,
           (unsigned long long)p->ambr_up_bps);
    for (uint32_t i = 0; i < p->n_dnns; i++) {
        const struct subscriber_dnn *d = &p->dnns[i];
        printf("  slice %-11s " STR_FMT "%s%s%s%s%s", slice_text(&p->slices[d->slice], slice), STR_ARG(d->name),
               d->is_default ? ", default" : "", d->types & SUBSCRIBER_IPV4 ? ", IPv4" : "",
               d->types & SUBSCRIBER_IPV6 ? ", IPv6" : "", d->types & SUBSCRIBER_IPV4V6 ? ", IPv4v6" : "",
               d->types & SUBSCRIBER_ETHERNET ? ", Ethernet" : "");
        if (d->ambr_down_bps)
            printf(", %llu bps down, %llu bps up", (unsigned long long)d->ambr_down_bps, (unsigned long long)d->ambr_up_bps);
        if (d->fiveqi)
            printf(", 5QI %u", d->fiveqi);
        printf("\n");
    }
    for (uint32_t i = 0; i < s->n_static; i++)
        printf("  static address    %s%s in " STR_FMT "\n", addr_text(&s->fixed[i].addr, a),
               s->fixed[i].addr.family == 6 ? "/64" : "", STR_ARG(s->fixed[i].dnn));
}
static int show(struct subscriber_command *c)
{
    uint8_t memory[SUBSCRIBER_ROW_OCTETS];
    char supi[SUBSCRIBER_SUPI];
    struct arena a = arena_over(memory, sizeof memory);
    struct subscriber s;
    struct listing l = {.c = c};
    supi_of(c->words[0], supi);
    int e = supi[0] ? subscriber_get(c->store, str_of(supi), &a, &s) : ERR_NOTFOUND;
    const struct subscriber_profile *p = e == OK ? profile_of(&l, s.profile) : NULL;
    if (p)
        show_text(supi, &s, p);
    secret_wipe(&s, sizeof s);
    secret_wipe(memory, sizeof memory);
    return p ? EXIT_OK : refuse(c->words[0], e == ERR_NOTFOUND ? "no such subscriber" : why_of(c, e < 0 ? e : ERR_SYNTAX));
}
/* Changes what is said of it and leaves the rest, keys and sequence numbers among them, as it is. */
static int set(struct subscriber_command *c)
{
    enum { ONE = 1u << SUBSCRIBER_FIELD_PROTECTED };
    uint8_t memory[SUBSCRIBER_ROW_OCTETS];
    char supi[SUBSCRIBER_SUPI];
    struct arena a = arena_over(memory, sizeof memory);
    struct subscriber s = {0};
    struct listing l = {.c = c};
    if (c->entry.given != ONE)
        return usage("subscriber", "set: expected --protected none, government, defence or critical, and nothing else");
    supi_of(c->words[0], supi);
    int e = supi[0] ? subscriber_get(c->store, str_of(supi), &a, &s) : ERR_NOTFOUND;
    const struct subscriber_profile *p = e == OK ? profile_of(&l, s.profile) : NULL;
    if (p) {
        l.p.is_protected = c->entry.p.is_protected;
        e = subscriber_profile_put(c->store, p, &s.profile);
        e = e < 0 ? e : subscriber_put(c->store, str_of(supi), &s);
        e = e < 0 ? e : note(c, str_of(supi), false);
        e = e < 0 ? e : subscriber_commit(c);
    }
    secret_wipe(&s, sizeof s);
    secret_wipe(memory, sizeof memory);
    if (!p || e < 0)
        return refuse(c->words[0], e == ERR_NOTFOUND ? "no such subscriber" : why_of(c, e < 0 ? e : ERR_SYNTAX));
    printf("%s protected: %s\n", supi, subscriber_protected_text(c->entry.p.is_protected));
    return EXIT_OK;
}
static int remove_them(struct subscriber_command *c)
{
    int status = EXIT_OK;
    for (uint32_t i = 0; i < c->n_words; i++) {
        char supi[SUBSCRIBER_SUPI];
        supi_of(c->words[i], supi);
        int e = supi[0] ? subscriber_remove(c->store, str_of(supi)) : ERR_NOTFOUND;
        if (e == OK)
            e = note(c, str_of(supi), true);
        c->added -= e == OK;
        if (e < 0)
            status = refuse(c->words[i], e == ERR_NOTFOUND ? "no such subscriber" : why_of(c, e));
        else
            printf("%s removed\n", supi);
    }
    if (subscriber_commit(c) < 0)
        return refuse("store", store_error(c->store));
    return status;
}

/* ---- words ---- */
static const struct subcommand {
    const char *name;
    int (*fn)(struct subscriber_command *);
    uint32_t words_min, words_max;
    bool opens; /* the store, for it */
} subcommands[] = {{"add", add, 0, 0, false},           {"list", list, 0, 0, true},
                   {"show", show, 1, 1, true},          {"set", set, 1, 1, true},
                   {"remove", remove_them, 1, 64, true},
                   {"import", subscriber_import, 1, 1, true}, {"export", subscriber_export, 0, 0, true},
                   {"keygen", subscriber_keygen, 0, 0, false}};

/* --imsi and so on; false: none of them. */
static bool field_option(struct subscriber_command *c, struct args *a, int *status)
{
    for (int f = 0; f < SUBSCRIBER_FIELD_COUNT; f++) {
        char full[32];
        const char *value;
        snprintf(full, sizeof full, "--%s", subscriber_fields[f].name);
        if (!args_value(a, NULL, full, &value))
            continue;
        *status = value ? EXIT_OK : EXIT_USAGE;
        if (value && subscriber_entry_set(&c->entry, (enum subscriber_field)f, str_of(value)) < 0)
            *status = usage("subscriber", "%s: expected %s", full, subscriber_fields[f].expected);
        return true;
    }
    return false;
}
static int take_option(struct subscriber_command *c, struct args *a)
{
    int status = EXIT_OK;
    const char *number = NULL;
    if (cmd_config_option(a, &c->options, &status) || field_option(c, a, &status))
        return status;
    if (args_value(a, NULL, "--store", &c->store_path))
        return c->store_path ? EXIT_OK : EXIT_USAGE;
    if (args_value(a, NULL, "--key-file", &c->key_file))
        return c->key_file ? EXIT_OK : EXIT_USAGE;
    if (args_value(a, "-o", "--output", &c->output))
        return c->output ? EXIT_OK : EXIT_USAGE;
    if (args_value(a, NULL, "--profile", &c->profile))
        return c->profile ? EXIT_OK : EXIT_USAGE;
    if (args_value(a, NULL, "--id", &number))
        return number && args_number("--id", number, 0, 255, &c->key_id) ? EXIT_OK : EXIT_USAGE;
    if (args_value(a, NULL, "--limit", &number))
        return number && args_number("--limit", number, 1, 1000000000, &c->limit) ? EXIT_OK : EXIT_USAGE;
    if (args_flag(a, NULL, "--replace"))
        c->replace = true;
    else if (args_flag(a, NULL, "--dry-run"))
        c->dry_run = true;
    else if (args_flag(a, NULL, "--with-keys"))
        c->with_keys = true;
    else if ((*args_now(a) == '-' && args_now(a)[1]) || c->n_words == ARRAY_LEN(c->words))
        return usage("subscriber", "'%s' is not understood", args_now(a));
    else
        c->words[c->n_words++] = a->argv[a->at++];
    return EXIT_OK;
}

int cmd_subscriber(int argc, char **argv)
{
    const struct subcommand *sub = NULL;
    struct subscriber_command *c = calloc(1, sizeof *c);
    struct args a = {argc, argv, 2};
    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(subcommands); i++)
        sub = strcmp(argv[1], subcommands[i].name) == 0 ? &subcommands[i] : sub;
    int status = !c    ? refuse("memory", "none left")
                 : sub ? EXIT_OK
                       : usage("subscriber", "expected add, list, show, set, remove, import, export or keygen");
    while (status == EXIT_OK && args_more(&a))
        status = take_option(c, &a);
    if (status == EXIT_OK && (c->n_words < sub->words_min || c->n_words > sub->words_max))
        status = usage("subscriber", "%s: expected %s", sub->name, sub->words_max > 1 ? "identities"
                                                                    : sub->words_max   ? "one word more"
                                                                                       : "options only");
    if (status == EXIT_OK && sub->opens)
        status = store_open(c);
    if (status == EXIT_OK)
        status = sub->fn(c);
    if (c) {
        status = store_close(c, status);
        secret_wipe(c, sizeof *c);
        free(c);
    }
    return status;
}
