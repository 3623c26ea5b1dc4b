/* SPDX-License-Identifier: Apache-2.0 */
/* subscriber_csv.c - redoubt subscriber import and export: many at once. */
#include "cmd/subscriber.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { COMMIT_ROWS = 2000, ERRORS_SHOWN = 20, LINE_OCTETS = 1024, PAUSE_NS = 2000000 };

struct import {
    struct subscriber_command *c;
    FILE *in;
    const char *name;
    struct subscriber_csv csv;
    uint64_t line, done, wrong, octets, total;
    uint32_t uncommitted, shown;
    bool bar;
};

static void wrong(struct import *m, const char *why)
{
    if (m->wrong++ < ERRORS_SHOWN)
        fprintf(stderr, "%s%s:%llu: %s\n", m->bar ? "\r\033[K" : "", m->name, (unsigned long long)m->line, why);
    else if (m->wrong == ERRORS_SHOWN + 1)
        fprintf(stderr, "more wrong lines are counted and not shown\n");
}

/* A bar where somebody looks, a line for each tenth otherwise. */
static void progress(struct import *m)
{
    enum { WIDTH = 40 };
    uint32_t percent = m->total ? (uint32_t)(m->octets * 100 / m->total) : 0;
    if (percent > 100 || !m->total)
        percent = m->total ? 100 : 0;
    if (m->bar && (percent != m->shown || m->done % 20000 == 0)) {
        char bar[WIDTH + 1];
        memset(bar, '.', WIDTH);
        memset(bar, '#', percent * WIDTH / 100);
        bar[WIDTH] = 0;
        fprintf(stderr, "\r[%s] %3u %%  %llu", bar, percent, (unsigned long long)m->done);
    } else if (!m->bar && percent / 10 != m->shown / 10) {
        fprintf(stderr, "%u %%\n", percent);
    }
    m->shown = percent;
}

/* In turns with a core that runs: it waits for us no longer than a commit. */
static int commit(struct import *m)
{
    m->uncommitted = 0;
    int e = subscriber_commit(m->c);
    nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
    return e;
}

static int take_line(struct import *m, struct str line)
{
    char why[SUBSCRIBER_WHY];
    struct subscriber_entry *e = &m->c->entry;
    int r = subscriber_csv_line(&m->csv, line, m->c->crypto, e, why);
    if (r < 0) {
        wrong(m, why);
        return OK;
    }
    r = m->c->dry_run ? OK : subscriber_entry_put(m->c, e, m->c->replace);
    if (r == ERR_EXISTS || r == ERR_NOSPACE) {
        wrong(m, r == ERR_EXISTS ? "this subscriber is there already; --replace to change it" : err_text(r));
        return OK;
    }
    m->done += r == OK;
    if (r == OK && ++m->uncommitted >= COMMIT_ROWS)
        r = commit(m);
    return r;
}

static bool is_blank(struct str s)
{
    uint32_t i = 0;
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t'))
        i++;
    return i == s.n || s.p[i] == '#';
}
static int read_lines(struct import *m)
{
    char buf[LINE_OCTETS], why[SUBSCRIBER_WHY];
    bool header = false;
    int e = OK;
    while (e == OK && fgets(buf, sizeof buf, m->in)) {
        struct str line = {buf, (uint32_t)strcspn(buf, "\r\n")};
        m->line++;
        m->octets += line.n + 1;
        if (line.n == sizeof buf - 1) {
            int ch;
            while ((ch = getc(m->in)) != EOF && ch != '\n')
                m->octets++;
            wrong(m, "found a line of more than 1000 octets");
        } else if (is_blank(line)) {
            continue;
        } else if (!header) {
            header = subscriber_csv_header(&m->csv, line, why) == OK;
            if (!header) {
                wrong(m, why);
                e = ERR_SYNTAX;
            }
        } else {
            e = take_line(m, line);
        }
        if (m->line % 512 == 0)
            progress(m);
    }
    secret_wipe(buf, sizeof buf);
    if (e == OK && !header) {
        wrong(m, "found nothing, expected a first line that names the columns");
        e = ERR_SYNTAX;
    }
    return e == OK && !m->c->dry_run ? commit(m) : e;
}

int subscriber_import(struct subscriber_command *c)
{
    struct import m = {.c = c, .name = c->words[0], .bar = isatty(STDERR_FILENO)};
    struct stat st;
    struct timespec from, to;
    m.in = strcmp(m.name, "-") == 0 ? stdin : fopen(m.name, "re");
    if (!m.in) {
        fprintf(stderr, "redoubt subscriber import: %s: %s\n", m.name, strerror(errno));
        return EXIT_FAILED;
    }
    if (fstat(fileno(m.in), &st) == 0 && S_ISREG(st.st_mode))
        m.total = (uint64_t)st.st_size;
    clock_gettime(CLOCK_MONOTONIC, &from);
    int e = read_lines(&m);
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (m.in != stdin)
        fclose(m.in);
    if (m.bar)
        fprintf(stderr, "\r\033[K");
    if (e == ERR_STORE)
        fprintf(stderr, "redoubt subscriber import: store: %s; up to line %llu what was right is in it\n",
                store_error(c->store), (unsigned long long)(m.line - m.uncommitted));
    double s = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    printf("%llu subscribers %s in %.1f s, %llu lines wrong\n", (unsigned long long)m.done,
           c->dry_run ? "would be imported; checked" : "imported", s, (unsigned long long)m.wrong);
    return e == OK && !m.wrong ? EXIT_OK : EXIT_FAILED;
}

/* ---- export ---- */
struct export {
    struct subscriber_command *c;
    FILE *out;
    uint64_t n, bad;
    uint64_t profile;
    bool has_profile;
    uint8_t memory[SUBSCRIBER_PROFILE_OCTETS];
    struct subscriber_profile p;
};
/* The highest SQN that may be in use. The margin of a crash is the UDR's; whoever imports this adds nothing to it. */
static uint64_t sqn_of(const struct export *x, struct bytes supi, uint64_t first)
{
    uint8_t memory[32];
    struct arena a = arena_over(memory, sizeof memory);
    struct bytes v;
    int e = store_get(x->c->store, STORE_sqn, supi, &a, &v);
    return e == OK && v.n == 10 ? (uint64_t)be16(v.p) << 32 | be32(v.p + 2) : first;
}
static int export_row(void *ctx, struct bytes key, struct bytes value)
{
    struct export *x = ctx;
    struct subscriber s;
    char line[2048];
    struct arena a = arena_over(x->memory, sizeof x->memory);
    int e = subscriber_decode(value, &s), n = 0;
    if (e == OK && (!x->has_profile || x->profile != s.profile)) {
        e = subscriber_profile_get(x->c->store, s.profile, &a, &x->p);
        x->has_profile = e == OK;
        x->profile = s.profile;
    }
    if (e == OK && x->c->with_keys)
        e = subscriber_unseal(x->c, (struct str){(const char *)key.p, key.n}, &s);
    if (e == OK)
        e = n = subscriber_csv_print(line, sizeof line, (struct str){(const char *)key.p, key.n}, &s,
                                     sqn_of(x, key, s.sqn), &x->p, x->c->with_keys);
    if (e > 0)
        e = fprintf(x->out, "%.*s\n", n, line) < 0 ? ERR_IO : OK;
    x->n += e == OK;
    x->bad += e != OK && e != ERR_IO;
    secret_wipe(&s, sizeof s);
    secret_wipe(line, sizeof line);
    return e == ERR_IO ? e : OK;
}
int subscriber_export(struct subscriber_command *c)
{
    struct export x = {.c = c, .out = stdout};
    if (c->with_keys && !c->output)
        return usage("subscriber", "export: keys are written to --output FILE only");
    if (c->output) {
        int fd = open(c->output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        x.out = fd >= 0 ? fdopen(fd, "w") : NULL;
        if (!x.out) {
            fprintf(stderr, "redoubt subscriber export: %s: %s\n", c->output, strerror(errno));
            return EXIT_FAILED;
        }
    }
    fprintf(x.out, "%s\n", subscriber_csv_columns(c->with_keys));
    int e = c->store->ops->scan(c->store, STORE_subscriber, (struct bytes){NULL, 0}, export_row, &x);
    if (fflush(x.out) != 0 || (x.out != stdout && fclose(x.out) != 0))
        e = ERR_IO;
    if (e < 0)
        fprintf(stderr, "redoubt subscriber export: %s\n", e == ERR_STORE ? store_error(c->store) : err_text(e));
    fprintf(stderr, "%llu subscribers%s\n", (unsigned long long)x.n, x.bad ? "; damaged rows were left out" : "");
    return e < 0 || x.bad ? EXIT_FAILED : EXIT_OK;
}
