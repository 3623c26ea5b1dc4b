/* SPDX-License-Identifier: Apache-2.0 */
/* The store on SQLite, the control socket, metrics over HTTP, the capture file. */
#include "tests/test.h"
#include "tests/os/own_netns.h"
#include "os/capture.h"
#include "os/control.h"
#include "os/file.h"
#include "os/store_sqlite.h"
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/os_service_XXXXXX";
static const char *path_of(char out[128], const char *name)
{
    snprintf(out, 128, "%s/%s", dir, name);
    return out;
}
static struct bytes text(const char *z)
{
    return (struct bytes){(const uint8_t *)z, (uint32_t)strlen(z)};
}

static int row(void *ctx, struct bytes key, struct bytes value)
{
    char *seen = ctx;
    strncat(seen, (const char *)key.p, key.n);
    strncat(seen, "=", 2);
    if (value.n)
        strncat(seen, (const char *)value.p, value.n);
    strncat(seen, " ", 2);
    return 0;
}
static int first_only(void *ctx, struct bytes key, struct bytes value)
{
    return 7;
}

static void store(void **state)
{
    struct store *s;
    char p[128], why[200], seen[200] = "";
    uint8_t block[64];
    struct arena a = arena_over(block, sizeof block);
    struct bytes v;
    struct stat st;
    path_of(p, "store.db");
    assert_int_equal(store_sqlite_open(&s, "/nosuch/x.db", why, sizeof why), ERR_STORE);
    assert_non_null(strstr(why, "/nosuch"));
    assert_int_equal(store_sqlite_open(&s, p, why, sizeof why), OK);
    assert_int_equal(stat(p, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(store_get(s, STORE_meta, text("a"), &a, &v), ERR_NOTFOUND);
    assert_int_equal(store_put(s, STORE_meta, text("b"), text("2")), OK);
    assert_int_equal(store_put(s, STORE_meta, text("a"), text("0")), OK);
    assert_int_equal(store_put(s, STORE_meta, text("a"), text("1")), OK);
    assert_int_equal(store_put(s, STORE_meta, text("c"), text("")), OK);
    assert_int_equal(store_get(s, STORE_meta, text("a"), &a, &v), OK);
    assert_true(bytes_eq(v, text("1")));
    assert_int_equal(store_get(s, STORE_meta, text("c"), &a, &v), OK);
    assert_int_equal(v.n, 0);
    assert_int_equal(store_get(s, STORE_subscriber, text("a"), &a, &v), ERR_NOTFOUND);
    assert_int_equal(store_get(s, STORE_meta, text("a"), &(struct arena){block, 0, 0}, &v),
                     ERR_NOSPACE);
    assert_int_equal(store_sync(s), OK);
    assert_int_equal(store_sync(s), OK);
    assert_int_equal(store_put(s, STORE_meta, text("d"), text("4")), OK);
    assert_int_equal(store_del(s, STORE_meta, text("d")), OK);
    assert_int_equal(store_del(s, STORE_meta, text("d")), OK);
    store_sqlite_close(s);
    assert_int_equal(store_sqlite_open(&s, p, why, sizeof why), OK);
    assert_int_equal(s->ops->count(s, STORE_meta), 3);
    assert_int_equal(s->ops->scan(s, STORE_meta, (struct bytes){0}, row, seen), OK);
    assert_string_equal(seen, "a=1 b=2 c= ");
    seen[0] = 0;
    assert_int_equal(s->ops->scan(s, STORE_meta, text("a"), row, seen), OK);
    assert_string_equal(seen, "b=2 c= ");
    assert_int_equal(s->ops->scan(s, STORE_meta, text("a"), first_only, NULL), 7);
    store_sqlite_close(s);
}

/* What functions know of a phone is one table of the file: none of them sees another's rows. */
static const enum store_table of_phone[] = {STORE_sqn, STORE_amf_reg, STORE_smf_reg, STORE_amf_ue, STORE_smf_session};
static void phones_fill(struct store *s)
{
    static const char *const keys[] = {"imsi-1", "imsi-1/5", "imsi-12", "imsi-2"};
    for (size_t t = 0; t < ARRAY_LEN(of_phone); t++)
        for (size_t k = 0; k < ARRAY_LEN(keys); k++)
            assert_int_equal(store_put(s, of_phone[t], text(keys[k]), text(store_table_names[of_phone[t]])), OK);
}
static void phones_check(struct store *s)
{
    for (size_t t = 0; t < ARRAY_LEN(of_phone); t++) {
        char seen[200] = "", want[200];
        const char *name = store_table_names[of_phone[t]];
        assert_int_equal(s->ops->count(s, of_phone[t]), 4);
        assert_int_equal(s->ops->scan(s, of_phone[t], (struct bytes){0}, row, seen), OK);
        snprintf(want, sizeof want, "imsi-1=%s imsi-1/5=%s imsi-12=%s imsi-2=%s ", name, name, name, name);
        assert_string_equal(seen, want);
        seen[0] = 0;
        assert_int_equal(s->ops->scan(s, of_phone[t], text("imsi-1"), row, seen), OK);
        assert_string_equal(seen, want + strlen("imsi-1=") + strlen(name) + 1);
        seen[0] = 0;
        assert_int_equal(s->ops->scan_of(s, of_phone[t], text("imsi-1"), row, seen), OK);
        snprintf(want, sizeof want, "imsi-1/5=%s imsi-12=%s ", name, name);
        assert_string_equal(seen, want);
        seen[0] = 0;
        assert_int_equal(s->ops->scan_of(s, of_phone[t], text("imsi-1/"), row, seen), OK);
        assert_int_equal(s->ops->scan_of(s, of_phone[t], text("imsi-0/"), row, seen), OK);
        assert_int_equal(s->ops->scan_of(s, of_phone[t], text("imsi-3/"), row, seen), OK);
        snprintf(want, sizeof want, "imsi-1/5=%s ", name);
        assert_string_equal(seen, want);
    }
}
static void store_phones(void **state)
{
    struct store *s;
    char p[128], why[200], seen[200] = "";
    uint8_t block[64], key[255] = {0};
    struct bytes v;
    assert_int_equal(store_sqlite_open(&s, path_of(p, "phones.db"), why, sizeof why), OK);
    assert_int_equal(store_sqlite_moved(s), 0);
    phones_fill(s);
    phones_check(s);
    assert_int_equal(store_del(s, STORE_amf_reg, text("imsi-1")), OK);
    struct arena a = arena_over(block, sizeof block);
    assert_int_equal(store_get(s, STORE_amf_reg, text("imsi-1"), &a, &v), ERR_NOTFOUND);
    assert_int_equal(store_get(s, STORE_amf_ue, text("imsi-1"), &a, &v), OK);
    assert_true(bytes_eq(v, text("amf_ue")));
    assert_int_equal(s->ops->scan(s, STORE_amf_reg, (struct bytes){0}, row, seen), OK);
    assert_string_equal(seen, "imsi-1/5=amf_reg imsi-12=amf_reg imsi-2=amf_reg ");
    /* keys that could be taken for another's, or have no room */
    assert_int_equal(store_put(s, STORE_amf_ue, (struct bytes){(const uint8_t *)"imsi-1\0\2", 8}, text("x")), ERR_STORE);
    assert_non_null(strstr(store_error(s), "amf_ue"));
    memset(key, 'k', sizeof key);
    assert_int_equal(store_put(s, STORE_amf_ue, (struct bytes){key, 255}, text("x")), ERR_STORE);
    assert_int_equal(store_put(s, STORE_amf_ue, (struct bytes){key, 254}, text("x")), OK);
    a = arena_over(block, sizeof block);
    assert_int_equal(store_get(s, STORE_amf_ue, (struct bytes){key, 254}, &a, &v), OK);
    assert_int_equal(store_get(s, STORE_TABLE_COUNT, text("x"), &a, &v), ERR_STORE);
    store_sqlite_close(s);
}
/* A file of an older version, with a table for each; and one that such a version had once more since. */
static void store_older(void **state)
{
    struct store *s;
    sqlite3 *db;
    char p[128], why[200], sql[300];
    uint8_t block[64];
    struct bytes v;
    assert_int_equal(sqlite3_open(path_of(p, "older.db"), &db), SQLITE_OK);
    for (size_t t = 0; t < ARRAY_LEN(of_phone); t++) {
        const char *name = store_table_names[of_phone[t]];
        snprintf(sql, sizeof sql,
                 "CREATE TABLE %s (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
                 "INSERT INTO %s SELECT CAST(k.column1 AS BLOB), CAST('%s' AS BLOB) FROM"
                 " (VALUES ('imsi-1'), ('imsi-1/5'), ('imsi-12'), ('imsi-2')) k",
                 name, name, name);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    }
    sqlite3_close(db);
    assert_int_equal(store_sqlite_open(&s, p, why, sizeof why), OK);
    assert_int_equal(store_sqlite_moved(s), 20);
    phones_check(s);
    store_sqlite_close(s);
    assert_int_equal(sqlite3_open(p, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE TABLE sqn (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
                                  "INSERT INTO sqn VALUES (CAST('imsi-1' AS BLOB), CAST('newer' AS BLOB))",
                                  NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(store_sqlite_open(&s, p, why, sizeof why), OK);
    assert_int_equal(store_sqlite_moved(s), 1);
    assert_int_equal(s->ops->count(s, STORE_sqn), 4);
    struct arena a = arena_over(block, sizeof block);
    assert_int_equal(store_get(s, STORE_sqn, text("imsi-1"), &a, &v), OK);
    assert_true(bytes_eq(v, text("newer")));
    store_sqlite_close(s);
    assert_int_equal(store_sqlite_open(&s, p, why, sizeof why), OK);
    assert_int_equal(store_sqlite_moved(s), 0);
    store_sqlite_close(s);
}

/* A full disk refuses the change, says so, and loses nothing of before; with room again it goes on. */
static void store_full(void **state)
{
    static uint8_t value[4096], block[8192];
    struct arena a = arena_over(block, sizeof block);
    struct rlimit was, small;
    struct store *s;
    struct bytes v;
    char p[128], why[200], key[16];
    assert_int_equal(store_sqlite_open(&s, path_of(p, "full.db"), why, sizeof why), OK);
    assert_int_equal(store_put(s, STORE_meta, text("kept"), text("1")), OK);
    assert_int_equal(store_sync(s), OK);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = (struct rlimit){256 << 10, was.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = OK;
    for (int i = 0; rc == OK && i < 1000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        rc = store_put(s, STORE_meta, text(key), (struct bytes){value, sizeof value});
        if (rc == OK)
            rc = store_sync(s);
    }
    setrlimit(RLIMIT_FSIZE, &was);
    assert_int_equal(rc, ERR_STORE);
    assert_true(*store_error(s));
    assert_int_equal(store_get(s, STORE_meta, text("kept"), &a, &v), OK);
    store_sync(s); /* what was refused is over */
    assert_int_equal(store_put(s, STORE_meta, text("later"), text("1")), OK);
    assert_int_equal(store_sync(s), OK);
    store_sqlite_close(s);
    assert_int_equal(store_sqlite_open(&s, p, why, sizeof why), OK);
    assert_int_equal(store_get(s, STORE_meta, text("k0"), &a, &v), OK);
    assert_int_equal(store_get(s, STORE_meta, text("later"), &a, &v), OK);
    store_sqlite_close(s);
}
/* A file that may not be written is refused at the start, by its name. */
static void store_read_only(void **state)
{
    struct store *s = NULL;
    char p[128], why[200] = "";
    assert_int_equal(store_sqlite_open(&s, path_of(p, "ro.db"), why, sizeof why), OK);
    store_sqlite_close(s);
    assert_int_equal(chmod(p, 0444), 0);
    assert_int_equal(chmod(dir, 0755), 0);
    bool root = geteuid() == 0;
    if (root)
        assert_int_equal(seteuid(65534), 0);
    int rc = store_sqlite_open(&s, p, why, sizeof why);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(rc, ERR_STORE);
    assert_non_null(strstr(why, "ro.db"));
}
/* Octets of a page in the middle are not what they were: reading it fails and says why, the process goes on. */
static void store_corrupt(void **state)
{
    static uint8_t value[2000], block[4096];
    struct store *s = NULL;
    struct bytes v;
    char p[128], why[200] = "", key[16];
    int bad = 0, good = 0;
    assert_int_equal(store_sqlite_open(&s, path_of(p, "bad.db"), why, sizeof why), OK);
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "k%03d", i);
        assert_int_equal(store_put(s, STORE_meta, text(key), (struct bytes){value, sizeof value}), OK);
    }
    assert_int_equal(store_sync(s), OK);
    store_sqlite_close(s);
    FILE *f = fopen(p, "r+");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    long octets = ftell(f);
    for (long at = 4096 * 8L; at < octets; at += 4096 * 4L) { /* the head of every fourth page */
        fseek(f, at, SEEK_SET);
        for (int i = 0; i < 64; i++)
            fputc(0xa5, f);
    }
    fclose(f);
    if (store_sqlite_open(&s, p, why, sizeof why) != OK) {
        assert_non_null(strstr(why, "bad.db"));
        return;
    }
    for (int i = 0; i < 200; i++) {
        struct arena a = arena_over(block, sizeof block);
        snprintf(key, sizeof key, "k%03d", i);
        int rc = store_get(s, STORE_meta, text(key), &a, &v);
        good += rc == OK;
        if (rc == ERR_STORE) {
            assert_true(*store_error(s));
            bad++;
        }
    }
    assert_true(bad > 0);
    assert_true(good > 0);
    store_sqlite_close(s);
}
/* What was synced is there after a death without a close; what was not synced is not half there. */
static void store_dies(void **state)
{
    struct store *s;
    char p[128], why[200];
    uint8_t block[64];
    struct arena a = arena_over(block, sizeof block);
    struct bytes v;
    path_of(p, "dies.db");
    assert_int_equal(store_sqlite_open(&s, p, why, sizeof why), OK);
    assert_int_equal(store_put(s, STORE_meta, text("kept"), text("1")), OK);
    assert_int_equal(store_sync(s), OK);
    assert_int_equal(store_put(s, STORE_meta, text("lost"), text("1")), OK);
    char q[128], from[160];
    static const char *const ends[2] = {"", "-wal"};
    for (int i = 0; i < 2; i++) { /* the files as a crash would leave them */
        static uint8_t big[1 << 20];
        struct arena f = arena_over(big, sizeof big);
        snprintf(from, sizeof from, "%s%s", p, ends[i]);
        snprintf(q, sizeof q, "%s/copy.db%s", dir, ends[i]);
        assert_int_equal(file_read(from, sizeof big - 16, &f, &v), OK);
        assert_int_equal(file_write(q, v, 0600), OK);
    }
    store_sqlite_close(s);
    assert_int_equal(store_sqlite_open(&s, path_of(q, "copy.db"), why, sizeof why), OK);
    assert_int_equal(store_get(s, STORE_meta, text("kept"), &a, &v), OK);
    assert_int_equal(store_get(s, STORE_meta, text("lost"), &a, &v), ERR_NOTFOUND);
    store_sqlite_close(s);
}

struct service {
    struct loop *loop;
    char path[128], out[CONTROL_ANSWER];
    int result, port;
};
static int answer(void *ctx, struct str line, char *out, uint32_t cap)
{
    if (str_is(line, "refuse"))
        return ERR_DENIED;
    if (str_is(line, "big")) {
        memset(out, 'x', cap);
        return (int)cap;
    }
    return snprintf(out, cap, "you said " STR_FMT "\n", STR_ARG(line));
}
static void *asker(void *ctx)
{
    struct service *s = ctx;
    char *line = s->out + 1000;
    s->result = control_ask(s->path, line, s->out, sizeof s->out, 2000);
    loop_stop(s->loop);
    return NULL;
}
static void ask(struct service *s, const char *line)
{
    pthread_t t;
    snprintf(s->out + 1000, 8000, "%s", line);
    assert_int_equal(pthread_create(&t, NULL, asker, s), 0);
    assert_int_equal(loop_run(s->loop), OK);
    pthread_join(t, NULL);
}
static void control(void **state)
{
    static struct service s;
    static char long_line[6000];
    struct control *c, *again;
    path_of(s.path, "control");
    assert_int_equal(loop_open(&s.loop), OK);
    assert_int_equal(control_ask(s.path, "x", s.out, 100, 100), ERR_NOTFOUND);
    assert_int_equal(control_open(&c, s.loop, s.path, answer, NULL), OK);
    assert_int_equal(control_open(&again, s.loop, s.path, answer, NULL), ERR_EXISTS);
    ask(&s, "status");
    assert_string_equal(s.out, "you said status\n");
    ask(&s, "refuse");
    assert_string_equal(s.out, "error: not allowed\n");
    ask(&s, "big");
    assert_int_equal(s.result, CONTROL_ANSWER - 1);
    memset(long_line, 'y', sizeof long_line - 1);
    ask(&s, long_line); /* refused by hanging up */
    assert_true(s.result <= 0);
    control_free(c);
    assert_int_equal(control_ask(s.path, "x", s.out, 100, 100), ERR_NOTFOUND);
    loop_free(s.loop);
}

static void *getter(void *ctx)
{
    struct service *s = ctx;
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)s->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char request[200];
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", s->path);
    s->result = 0;
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0 && write(fd, request, (size_t)n) == n)
        for (ssize_t k; (k = read(fd, s->out + s->result, 4000)) > 0;)
            s->result += (int)k;
    s->out[s->result] = 0;
    close(fd);
    loop_stop(s->loop);
    return NULL;
}
static int metrics(void *ctx, struct str path, char *out, uint32_t cap)
{
    return str_is(path, "/metrics") ? snprintf(out, cap, "# HELP x\nx 1\n") : ERR_NOTFOUND;
}
static void http(void **state)
{
    static struct service s;
    struct metrics_http *m;
    struct net_addr local = addr_v4(INADDR_LOOPBACK, 0);
    pthread_t t;
    assert_int_equal(loop_open(&s.loop), OK);
    assert_int_equal(metrics_http_open(&m, s.loop, &local, metrics, NULL), OK);
    s.port = metrics_http_port(m);
    snprintf(s.path, sizeof s.path, "/metrics");
    assert_int_equal(pthread_create(&t, NULL, getter, &s), 0);
    assert_int_equal(loop_run(s.loop), OK);
    pthread_join(t, NULL);
    assert_non_null(strstr(s.out, "200 OK"));
    assert_non_null(strstr(s.out, "\r\n\r\n# HELP x\nx 1\n"));
    snprintf(s.path, sizeof s.path, "/other");
    assert_int_equal(pthread_create(&t, NULL, getter, &s), 0);
    assert_int_equal(loop_run(s.loop), OK);
    pthread_join(t, NULL);
    assert_non_null(strstr(s.out, " 404 "));
    metrics_http_free(m);
    loop_free(s.loop);
}

static void capture(void **state)
{
    struct capture *c;
    struct capture_counts counts;
    struct capture_point p[2] = {{NULL, "lo", "n2"}, {NULL, "lo", "n6"}};
    char path[128];
    static uint8_t big[1 << 16];
    struct arena a = arena_over(big, sizeof big);
    struct bytes b;
    if (!own_netns())
        skip();
    path_of(path, "x.pcapng");
    struct capture_point nosuch = {NULL, "nosuch0", NULL};
    assert_int_equal(capture_start(&c, path, &nosuch, 1, 0, 0), ERR_NOTFOUND);
    assert_int_equal(capture_start(&c, path, p, 2, 0, 0), OK);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), sink = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(sink, (struct sockaddr *)&to, sizeof to),
                     0); /* or ICMP answers were in the file, too */
    for (int i = 0; i < 5; i++)
        assert_int_equal(sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof to), 5);
    assert_int_equal(capture_stop(c, &counts), OK);
    close(fd);
    close(sink);
    assert_int_equal(counts.packets, 10); /* 5 on either, each once */
    assert_int_equal(counts.lost, 0);
    assert_int_equal(file_read(path, sizeof big - 16, &a, &b), OK);
    assert_int_equal(b.n % 4, 0);
    uint32_t kinds[8] = {0}, at = 28; /* walk the blocks by both lengths */
    while (at + 12 <= b.n) {
        uint32_t type, n, end;
        memcpy(&type, b.p + at, 4);
        memcpy(&n, b.p + at + 4, 4);
        assert_true(n >= 12 && n <= b.n - at);
        memcpy(&end, b.p + at + n - 4, 4);
        assert_int_equal(end, n);
        kinds[type & 7]++;
        at += n;
    }
    assert_int_equal(at, b.n);
    assert_int_equal(kinds[1], 2);
    assert_int_equal(kinds[6], 10);
    /* With a bound: what does not fit is counted and the file stays whole. */
    assert_int_equal(capture_start(&c, path, p, 1, 64, 300), OK);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    for (int i = 0; i < 50; i++)
        sendto(fd, big, 1000, 0, (struct sockaddr *)&to, sizeof to);
    close(fd);
    assert_int_equal(capture_stop(c, &counts), OK);
    assert_true(counts.past_limit > 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size <= 300);
}

int main(void)
{
    char p[128];
    static const char *const left[] = {"store.db",    "dies.db",  "copy.db", "copy.db-wal", "copy.db-shm", "full.db",
                                       "full.db-wal", "full.db-shm", "ro.db", "bad.db", "phones.db", "older.db",
                                       "x.pcapng"};
    if (!mkdtemp(dir))
        return 1;
    int rc = RUN(unit(store), unit(store_phones), unit(store_older), unit(store_dies), unit(store_full), unit(store_read_only),
                 unit(store_corrupt), unit(control), unit(http), unit(capture));
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        unlink(path_of(p, left[i]));
    rmdir(dir);
    return rc;
}
