/* SPDX-License-Identifier: Apache-2.0 */
/* trust_evidence.c - redoubt trust evidence: reads and verifies evidence logs, also copies of them, without a core. */
#include "cmd/trust_evidence.h"
#include "base/suggest.h"
#include "os/disk.h"
#include "os/file.h"
#include <stdio.h>
#include <stdlib.h>

enum { FILE_OCTETS = 1 << 17 };

int evidence_fail(const char *what, const char *why)
{
    fprintf(stderr, "redoubt trust evidence: %s: %s\n", what, why);
    return EXIT_FAILED;
}

int evidence_disk(struct evidence_command *c, bool is_writer)
{
    int e = disk_open(&c->disk, c->dir, is_writer);
    if (e == ERR_EXISTS)
        return evidence_fail(c->dir, "a core or another command writes there");
    return e < 0 ? evidence_fail(c->dir, e == ERR_NOTFOUND ? "there is no such folder" : err_text(e)) : EXIT_OK;
}

char *evidence_file(const char *path, uint32_t *n)
{
    void *block = malloc(FILE_OCTETS + 16);
    struct arena a = arena_over(block, FILE_OCTETS + 16);
    struct bytes b;
    int e = block ? file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, FILE_OCTETS, &a, &b) : ERR_NOSPACE;
    if (e < 0) {
        evidence_fail(path, e == ERR_NOTFOUND ? "no such file" : err_text(e));
        free(block);
        return NULL;
    }
    *n = b.n;
    return block;
}

int evidence_key(struct evidence_command *c, const char *text, struct note_key *k)
{
    uint32_t n;
    if (note_key_parse(k, c->crypto, str_of(text)) == OK)
        return EXIT_OK;
    if (strchr(text, '+') && !strchr(text, '/'))
        return evidence_fail(text, "it is not a public key as keygen prints it");
    char *file = evidence_file(text, &n);
    if (!file)
        return EXIT_FAILED;
    int e = note_key_parse(k, c->crypto, (struct str){file, n});
    struct note_signer s;
    if (e < 0 && note_signer_parse(&s, c->crypto, (struct str){file, n}) == OK) { /* the owner verifies */
        *k = s.key;
        e = OK;
    }
    secret_wipe(&s, sizeof s);
    secret_wipe(file, n);
    free(file);
    return e < 0 ? evidence_fail(text, "there is no public key in it") : EXIT_OK;
}

int evidence_signer(struct evidence_command *c, const char *path, struct note_signer *s)
{
    uint32_t n;
    char *file = evidence_file(path, &n);
    int e = file ? note_signer_parse(s, c->crypto, (struct str){file, n}) : OK;
    if (file)
        secret_wipe(file, n);
    free(file);
    return !file ? EXIT_FAILED : e < 0 ? evidence_fail(path, "there is no private key in it; keygen makes one") : EXIT_OK;
}

int evidence_put(const struct evidence_command *c, struct str text)
{
    if (!c->output)
        return fwrite(text.p, 1, text.n, stdout) == text.n ? EXIT_OK : EXIT_FAILED;
    int e = file_write(c->output, (struct bytes){(const uint8_t *)text.p, text.n}, 0644);
    return e < 0 ? evidence_fail(c->output, err_text(e)) : EXIT_OK;
}

void json_put(struct str s)
{
    putchar('"');
    for (uint32_t i = 0; i < s.n; i++) {
        uint8_t ch = (uint8_t)s.p[i];
        if (ch == '"' || ch == '\\')
            printf("\\%c", ch);
        else if (ch < 0x20)
            printf("\\u%04x", ch);
        else
            putchar(ch);
    }
    putchar('"');
}

/* ---- list, show ---- */
static void entry_line(uint64_t index, const struct evidence_entry *e, bool json)
{
    char at[UTC_TEXT];
    utc_text(e->at_us, at);
    if (json) {
        printf("{\"index\":%llu,\"time\":\"%s\",\"kind\":\"%s\",\"subject\":", (unsigned long long)index, at, evidence_kind_text(e->kind));
        json_put(e->subject);
        printf(",\"messages\":%u,\"body\":", e->n_messages);
        json_put(e->body);
        printf("}\n");
        return;
    }
    const char *newline = e->body.n ? memchr(e->body.p, '\n', e->body.n) : NULL;
    uint32_t n = newline ? (uint32_t)(newline - e->body.p) : e->body.n;
    printf("%8llu  %s  %-8s  %.*s  %.*s\n", (unsigned long long)index, at, evidence_kind_text(e->kind), STR_ARG(e->subject), (int)n,
           n ? e->body.p : "");
}

static bool kind_of(const char *name, uint32_t *kind)
{
    for (*kind = 0; *kind < EVIDENCE_KIND_COUNT; ++*kind)
        if (strcmp(name, evidence_kind_text((enum evidence_kind)*kind)) == 0)
            return true;
    return false;
}

static int list(struct evidence_command *c)
{
    struct record_reader r;
    struct bytes octets;
    struct merkle_hash leaf;
    uint32_t kind = EVIDENCE_KIND_COUNT, shown = 0;
    int got = 0;
    if (c->kind && !kind_of(c->kind, &kind))
        return usage("trust evidence", "--kind: there is no '%s'; expected start, decision, change, finding, clock, lost, note", c->kind);
    if (evidence_disk(c, false))
        return EXIT_FAILED;
    int e = record_reader_open(&r, c->disk, c->crypto, c->from & ~(uint32_t)(SEGMENT_ENTRIES - 1));
    while (e == OK && shown < c->limit && (got = record_next(&r, &octets, &leaf)) > 0) {
        struct evidence_entry entry;
        if (r.index <= c->from)
            continue;
        e = entry_decode(octets, &entry);
        if (e == OK && (kind == EVIDENCE_KIND_COUNT || entry.kind == kind)) {
            entry_line(r.index - 1, &entry, c->json);
            shown++;
        }
    }
    uint64_t at = r.index;
    record_reader_close(&r);
    if (e == OK && got < 0 && got != ERR_SHORT) /* the end of what is being written is no mistake */
        e = got;
    if (e < 0)
        fprintf(stderr, "redoubt trust evidence: entry %llu: %s; verify says more\n", (unsigned long long)at, err_text(e));
    return e < 0 ? EXIT_FAILED : EXIT_OK;
}

static int open_message(struct evidence_command *c, const struct entry_message *m, const uint8_t seal[SEAL_KEY], uint32_t number)
{
    uint8_t key[32];
    char hex[65];
    int e = c->message_key ? (hex_get(key, sizeof key, str_of(c->message_key)) ? OK : ERR_SYNTAX)
                           : message_key(c->crypto, seal, m->nonce, key);
    uint8_t *octets = malloc(m->octets.n / 2 + 1);
    if (e == OK)
        e = octets ? message_open(c->crypto, m, key, octets) : ERR_NOSPACE;
    if (e == OK) {
        printf("opened %u ", number);
        for (uint32_t i = 0; i < m->octets.n / 2; i++)
            printf("%02x", octets[i]);
        putchar('\n');
        hex_put(hex, key, sizeof key);
        if (c->reveal)
            printf("key %u %s\n", number, hex);
    } else if (!c->message_key) { /* a message's own key opens one of them */
        fprintf(stderr, "redoubt trust evidence: message %u: this key does not open it\n", number);
    }
    secret_wipe(key, sizeof key);
    secret_wipe(hex, sizeof hex);
    free(octets);
    return e;
}

static int seal_key_read(struct evidence_command *c, uint8_t seal[SEAL_KEY])
{
    uint32_t n;
    char *file = evidence_file(c->seal_key, &n);
    bool ok = file && n >= 64 && hex_get(seal, SEAL_KEY, (struct str){file, 64});
    if (file && !ok)
        evidence_fail(c->seal_key, "there is no seal key in it; keygen --seal makes one");
    if (file)
        secret_wipe(file, n);
    free(file);
    return ok ? EXIT_OK : EXIT_FAILED;
}

static int show(struct evidence_command *c)
{
    static uint8_t octets[EVIDENCE_ENTRY_MAX];
    uint8_t seal[SEAL_KEY];
    uint32_t index, opened = 0;
    struct bytes text;
    struct merkle_hash leaf;
    struct evidence_entry entry;
    if (c->n_words != 1 || !args_number("show", c->words[0], 0, UINT32_MAX, &index))
        return usage("trust evidence", "show: say which entry: a number from 0 on");
    if ((c->seal_key && seal_key_read(c, seal)) || evidence_disk(c, false))
        return EXIT_FAILED;
    int e = evidence_entry_read(c->disk, c->crypto, index, octets, &text, &leaf);
    if (e < 0)
        return evidence_fail(c->words[0], e == ERR_NOTFOUND ? "there are not so many entries" : err_text(e));
    if (entry_decode(text, &entry) < 0)
        return evidence_fail(c->words[0], "it is no entry; verify says more");
    if (c->output)
        return evidence_put(c, (struct str){(const char *)text.p, text.n});
    fwrite(text.p, 1, text.n, stdout);
    if (!entry.body.n || entry.body.p[entry.body.n - 1] != '\n')
        putchar('\n');
    for (uint32_t i = 0; i < entry.n_messages; i++)
        if ((c->seal_key || c->message_key) && entry.message[i].is_sealed)
            opened += open_message(c, &entry.message[i], seal, i + 1) == OK;
    secret_wipe(seal, sizeof seal);
    if (c->message_key && !opened)
        return evidence_fail("--message-key", "it opens no message of this entry");
    return EXIT_OK;
}

/* ---- verify ---- */
static void report_json(const struct evidence_result *r)
{
    char at[UTC_TEXT], root[HASH_TEXT];
    hash_text(&r->root, root);
    printf("{\"ok\":%s,\"entries\":%llu,\"signed\":%llu,\"cosignatures\":%u,\"root\":\"%s\"", r->n_problems ? "false" : "true",
           (unsigned long long)r->entries, (unsigned long long)r->is_signed, r->cosigned, root);
    if (r->entries) {
        utc_text(r->first_us, at);
        printf(",\"first\":\"%s\"", at);
        utc_text(r->last_us, at);
        printf(",\"last\":\"%s\"", at);
    }
    printf(",\"unfinished_octets\":%llu,\"problems\":[", (unsigned long long)r->unsigned_torn);
    for (uint32_t i = 0; i < r->n_problems && i < EVIDENCE_PROBLEMS_MAX; i++) {
        printf("%s{\"text\":", i ? "," : "");
        json_put(str_of(r->problem[i].text));
        if (r->problem[i].index != UINT64_MAX)
            printf(",\"index\":%llu", (unsigned long long)r->problem[i].index);
        putchar('}');
    }
    printf("],\"problem_count\":%u}\n", r->n_problems);
}

static void report_text(const struct evidence_command *c, const struct evidence_result *r)
{
    char from[UTC_TEXT] = "", to[UTC_TEXT] = "";
    utc_text(r->first_us, from);
    utc_text(r->last_us, to);
    for (uint32_t i = 0; i < r->n_problems && i < EVIDENCE_PROBLEMS_MAX; i++)
        if (r->problem[i].index == UINT64_MAX)
            printf("WRONG  %s\n", r->problem[i].text);
        else
            printf("WRONG  entry %llu: %s\n", (unsigned long long)r->problem[i].index, r->problem[i].text);
    if (r->n_problems > EVIDENCE_PROBLEMS_MAX)
        printf("WRONG  and %u more\n", r->n_problems - EVIDENCE_PROBLEMS_MAX);
    printf("%llu entries", (unsigned long long)r->entries);
    if (r->entries)
        printf(" from %s to %s", from, to);
    printf(", %llu of them signed", (unsigned long long)r->is_signed);
    if (r->unsigned_torn)
        printf(", %llu octets of an unfinished write", (unsigned long long)r->unsigned_torn);
    printf("\n%u checkpoint%s from elsewhere, %u cosignature%s of witnesses\n", c->n_held, c->n_held == 1 ? "" : "s", r->cosigned,
           r->cosigned == 1 ? "" : "s");
    if (r->n_problems)
        printf("NOT what was signed.\n");
    else if (!c->n_held && !r->cosigned)
        printf("It is what its key signed. Only a checkpoint from elsewhere can show that the key's owner did not rewrite it.\n");
    else
        printf("It is what its key signed, and what those who hold the checkpoints saw.\n");
}

static int verify(struct evidence_command *c)
{
    static struct evidence_result r;
    struct note_key key, witness[EVIDENCE_WITNESSES_MAX];
    struct str held[EVIDENCE_HELD_MAX];
    char *file[EVIDENCE_HELD_MAX] = {0};
    int status = EXIT_OK;
    if (c->proof)
        return evidence_verify_proof(c);
    if (c->n_words == 1)
        c->dir = c->words[0];
    if (c->n_words > 1 || !c->key)
        return usage("trust evidence", c->key ? "verify: one folder at a time" : "verify: --key KEY of the log is missing");
    if (evidence_key(c, c->key, &key) || evidence_disk(c, false))
        return EXIT_FAILED;
    for (uint32_t i = 0; i < c->n_witness && !status; i++)
        status = evidence_key(c, c->witness[i], &witness[i]);
    for (uint32_t i = 0; i < c->n_held && !status; i++) {
        file[i] = evidence_file(c->held[i], &held[i].n);
        held[i].p = file[i];
        status = file[i] ? EXIT_OK : EXIT_FAILED;
    }
    struct evidence_expect expect = {&key, witness, c->n_witness, held, c->held, c->n_held};
    int e = status ? OK : evidence_verify(c->disk, c->crypto, &expect, &r);
    for (uint32_t i = 0; i < c->n_held; i++)
        free(file[i]);
    if (status || e < 0)
        return status ? status : evidence_fail(c->dir, err_text(e));
    if (c->json)
        report_json(&r);
    else
        report_text(c, &r);
    return r.n_problems ? EXIT_FAILED : EXIT_OK;
}

/* ---- words ---- */
static const struct {
    const char *name;
    int (*fn)(struct evidence_command *);
} words[] = {
    {"list", list},       {"show", show},           {"verify", verify},         {"checkpoint", evidence_checkpoint},
    {"prove", evidence_prove}, {"witness", evidence_witness}, {"keygen", evidence_keygen}, {"add", evidence_add},
};

static bool more(const char *value, const char **to, uint32_t *n, uint32_t max)
{
    if (*n == max)
        usage("trust evidence", "more than %u of one option", max);
    if (*n == max || !value)
        return false;
    to[(*n)++] = value;
    return true;
}

/* One option; EXIT_USAGE after it has been said. */
static int option(struct evidence_command *c, struct args *a)
{
    const char *v = NULL;
    const struct {
        const char *name, **to;
    } values[] = {{"--dir", &c->dir},       {"--key", &c->key},         {"--output", &c->output},           {"--name", &c->name},
                  {"--kind", &c->kind},     {"--seal-key", &c->seal_key}, {"--message-key", &c->message_key}, {"--state", &c->state},
                  {"--proof", &c->proof},   {"--entry", &c->entry},     {"--subject", &c->subject}};
    const struct {
        const char *name;
        bool *to;
    } flags[] = {{"--json", &c->json}, {"--witness-key", &c->is_witness}, {"--seal", &c->is_seal}, {"--add", &c->is_add}, {"--reveal", &c->reveal}};
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (args_value(a, NULL, values[i].name, values[i].to))
            return *values[i].to ? EXIT_OK : EXIT_USAGE;
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (args_flag(a, NULL, flags[i].name)) {
            *flags[i].to = true;
            return EXIT_OK;
        }
    if (args_value(a, NULL, "--checkpoint", &v))
        return more(v, c->held, &c->n_held, EVIDENCE_HELD_MAX) ? EXIT_OK : EXIT_USAGE;
    if (args_value(a, NULL, "--witness", &v))
        return more(v, c->witness, &c->n_witness, EVIDENCE_WITNESSES_MAX) ? EXIT_OK : EXIT_USAGE;
    if (args_value(a, NULL, "--log", &v))
        return more(v, c->log, &c->n_log, ARRAY_LEN(c->log)) ? EXIT_OK : EXIT_USAGE;
    if (args_value(a, NULL, "--sign", &c->key)) {
        c->sign = true;
        return c->key ? EXIT_OK : EXIT_USAGE;
    }
    if (args_value(a, NULL, "--from", &v))
        return v && args_number("--from", v, 0, UINT32_MAX, &c->from) ? EXIT_OK : EXIT_USAGE;
    if (args_value(a, NULL, "--limit", &v))
        return v && args_number("--limit", v, 1, UINT32_MAX, &c->limit) ? EXIT_OK : EXIT_USAGE;
    if (args_value(a, NULL, "--consistency", &v)) {
        c->has_consistency = true;
        return v && args_number("--consistency", v, 0, UINT32_MAX, &c->consistency) ? EXIT_OK : EXIT_USAGE;
    }
    if (args_now(a)[0] == '-' && args_now(a)[1])
        return usage("trust evidence", "'%s' is not an option", args_now(a));
    return more(a->argv[a->at++], c->words, &c->n_words, ARRAY_LEN(c->words)) ? EXIT_OK : EXIT_USAGE;
}

int trust_evidence(int argc, char **argv)
{
    struct evidence_command c = {.dir = EVIDENCE_DIR, .limit = UINT32_MAX};
    struct args a = {argc, argv, 2};
    const char *word = argc > 1 ? argv[1] : "", *near = NULL;
    uint32_t best = UINT32_MAX;
    size_t i = 0;
    while (i < ARRAY_LEN(words) && strcmp(words[i].name, word) != 0)
        i++;
    if (i == ARRAY_LEN(words)) {
        for (i = 0; i < ARRAY_LEN(words); i++)
            if (str_is_nearer(str_of(word), str_of(words[i].name), &best))
                near = words[i].name;
        return near ? usage("trust evidence", "there is no '%s'; did you mean %s?", word, near)
                    : usage("trust evidence", "say what: list, show, verify, checkpoint, prove, witness, add, keygen");
    }
    while (args_more(&a)) {
        int status = option(&c, &a);
        if (status)
            return status;
    }
    int status = crypto_init(&c.crypto) < 0 ? evidence_fail("cryptographic library", "it refused") : words[i].fn(&c);
    disk_close(c.disk);
    crypto_free(c.crypto);
    return status;
}
