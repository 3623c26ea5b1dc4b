/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one line an event, each event a row of spec/events.def. The format string is "key=%u other=%s" pairs
 * separated by spaces (key=\"with %s spaces\"), words without '=' are the line's text; every value is escaped by
 * itself, so what a peer sends can neither start a line nor invent a pair. SUPI, GUTI, IMEI go through
 * log_identity(), keys never. */
#pragma once
#include "base/bytes.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_NOTICE, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };
/* Who speaks: a network function, or a part of the system below them. */
#define LOG_NFS(X)                                                                                 \
    X(AMF, "amf") X(SMF, "smf") X(UPF, "upf") X(AUSF, "ausf") X(UDM, "udm") X(UDR, "udr") X(PCF, "pcf")   \
    X(NSSF, "nssf") X(NRF, "nrf") X(NGAP, "ngap") X(NAS, "nas") X(PFCP, "pfcp") X(GTPU, "gtpu")      \
    X(SBI, "sbi") X(SCTP, "sctp") X(STORE, "store") X(CONFIG, "config") X(RT, "rt") X(OS, "os")      \
    X(RAN, "ran") X(CMD, "cmd") X(TRUST, "trust")
enum log_nf {
#define X(id, text) LOG_NF_##id,
    LOG_NFS(X)
#undef X
    LOG_NF_COUNT
};
enum event {
#define EVENT(id, level, nf, text) EVENT_##id,
#include "../../spec/events.def"
#undef EVENT
    EVENT_COUNT
};
struct event_desc {
    const char *name, *text; /* text: what it means in plain words */
    enum log_level level;
    enum log_nf nf;
};
const struct event_desc *event_desc(enum event);
const char *log_level_text(enum log_level);
const char *log_nf_text(enum log_nf);

enum { LOG_LINE_MAX = 2048 }; /* octets of a line, newline included; longer values are cut */
struct log_bucket {
    uint64_t at_us;
    uint32_t tokens, suppressed; /* tokens: in 1/1000 of a line */
    bool used;
};
struct log {
    void (*line)(void *ctx, struct str line); /* ends with a newline; NULL: nothing is written */
    void *ctx;
    uint64_t (*unix_us)(void *clock); /* UTC; NULL: all lines are of 1970 and nothing is rate-limited */
    void *clock;
    enum log_format format;
    uint8_t level[LOG_NF_COUNT];   /* enum log_level: this and what is graver is written */
    uint32_t rate_s, burst;        /* lines a second and at once of one event; DEBUG has 50 times as much */
    uint64_t suppressed;           /* lines left out since the start */
    uint64_t secret[2];            /* of the run: pseudonyms of two runs cannot be joined */
    struct log_bucket buckets[EVENT_COUNT];
    uint64_t clock_s; /* of clock_text, the last second that was written; empty: none yet */
    char clock_text[24];
};
/* Level INFO everywhere, text, 10 lines a second and 40 at once of an event. The caller sets sink and clock. */
void log_init(struct log *, const uint8_t secret[16]);
void log_set_level(struct log *, enum log_level); /* of all */
/* Reports what was held back and not yet said; call it each second or so, and at the end. */
void log_flush(struct log *);

static inline bool log_is_on(const struct log *l, enum event e)
{
    const struct event_desc *d = event_desc(e);
    return l && l->line && d->level <= l->level[d->nf];
}
void log_event(struct log *, enum event, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* log may be NULL. Arguments are evaluated only when the line is written or counted. */
#define LOG(log, event, ...)                                                                       \
    do {                                                                                           \
        if (log_is_on((log), EVENT_##event))                                                       \
            log_event((log), EVENT_##event, __VA_ARGS__);                                          \
    } while (0)

/* "ue#3f9a21c0": the same for the same identity in one run. Print it with %s and .text. "ue#none" for none. */
struct pseudonym {
    char text[12];
};
struct pseudonym log_identity(const struct log *, struct str supi);
