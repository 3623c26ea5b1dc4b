/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/trust_store.h"
#include "os/file.h"
#include "os/store_sqlite.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 30 };

static int refuse(const char *word, const char *what, const char *why)
{
    fprintf(stderr, "redoubt trust %s: %s: %s\n", word, what, why);
    return EXIT_FAILED;
}
uint64_t trust_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int date_of(const char *option, const char *text, int32_t *date)
{
    if (!text)
        return EXIT_USAGE;
    if (inv_date_parse(str_of(text), date))
        return EXIT_OK;
    return usage("trust", "%s: found '%.40s', expected a day as 2027-12-31", option, text);
}
bool trust_store_option(struct trust_store *t, struct args *a, int *status)
{
    const char *value;
    int32_t date = 0;
    if (cmd_config_option(a, &t->options, status))
        return true;
    if (args_value(a, NULL, "--store", &t->path)) {
        *status = t->path ? EXIT_OK : EXIT_USAGE;
    } else if (args_value(a, NULL, "--at", &value)) {
        *status = date_of("--at", value, &t->at);
    } else if (args_value(a, NULL, "--known-at", &value)) {
        *status = date_of("--known-at", value, &date);
        t->known_us = ((uint64_t)date + 1) * 86400000000u - 1;
    } else {
        return false;
    }
    return true;
}

int trust_store_open(struct trust_store *t, const char *word)
{
    char why[256] = "", folder[4100];
    t->config = cmd_config_load(&t->options);
    if (!t->config)
        return EXIT_USAGE;
    const char *path = t->path ? t->path : t->config->config.udr.path.p;
    const char *slash = strrchr(path, '/');
    if (slash && slash != path) {
        str_copy(folder, sizeof folder, (struct str){path, (uint32_t)(slash - path)});
        int e = dir_make(folder);
        if (e < 0)
            return refuse(word, folder, err_text(e));
    }
    if (store_sqlite_open(&t->store, path, why, sizeof why) < 0)
        return refuse(word, path, why);
    if (!t->at)
        t->at = inv_date_of_unix_us(trust_now_us());
    return EXIT_OK;
}
int trust_store_close(struct trust_store *t, const char *word, int status)
{
    if (t->store && status == EXIT_OK && store_sync(t->store) < 0)
        status = refuse(word, "store", store_error(t->store));
    store_sqlite_close(t->store);
    cmd_config_free(t->config);
    t->store = NULL;
    t->config = NULL;
    return status;
}

struct inventory *trust_inventory_load(struct trust_store *t, const char *word)
{
    struct inv_asked asked = {.as_of = t->at, .known_us = t->known_us};
    struct inventory *v = NULL;
    char why[512] = "";
    if (getrandom(asked.secret, sizeof asked.secret, 0) != sizeof asked.secret)
        refuse(word, "inventory", "no randomness");
    else if (inventory_load(&v, t->store, &asked, why, sizeof why) < 0)
        refuse(word, "inventory", why);
    return v;
}

char *trust_file_read(const char *word, const char *path, struct str *text)
{
    struct stat st;
    struct bytes b;
    if (stat(path, &st) < 0 || st.st_size >= FILE_MAX) {
        refuse(word, path, stat(path, &st) < 0 ? "no such file" : "found more than 1 GB");
        return NULL;
    }
    uint32_t n = (uint32_t)st.st_size + 16;
    void *memory = malloc(n);
    struct arena a = arena_over(memory, memory ? n : 0);
    int e = file_read(path, (uint32_t)st.st_size + 1, &a, &b);
    if (e < 0) {
        refuse(word, path, err_text(e));
        free(memory);
        return NULL;
    }
    *text = (struct str){(const char *)b.p, b.n};
    return memory;
}
FILE *trust_file_new(const char *word, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f)
        refuse(word, path, errno == EEXIST ? "there is such a file; it is not replaced" : strerror(errno));
    return f;
}
int trust_import_status(const struct trust_store *t, const char *word, int e, struct inv_report *report)
{
    const char *why = e == ERR_STORE ? store_error(t->store) : report->n_findings ? report->findings[0].why : err_text(e);
    int status = e == OK ? EXIT_OK : refuse(word, "inventory", why);
    inv_report_free(report);
    return status;
}
