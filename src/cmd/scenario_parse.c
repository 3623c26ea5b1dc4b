/* SPDX-License-Identifier: Apache-2.0 */
/* A text becomes steps: each line, or part of one up to a ';', is held against the patterns of spec/scenario.def. */
#include "base/log.h"
#include "base/suggest.h"
#include "cmd/scenario.h"
#include "ran/ue.h"
#include "rt/metrics.h"
#include <stdio.h>

const struct scenario_row scenario_rows[SCENARIO_OPS] = {
#define STEP(id, kind, pattern, text) {#id, pattern, text, SCENARIO_##kind},
#include "../../spec/scenario.def"
#undef STEP
};

enum { WORDS_MAX = 40, EXPECTED_MAX = 24, PATTERN_WORD = 128, EXPECTED_TEXT = 64 };
struct reader {
    struct str word[WORDS_MAX];
    uint32_t n;
    /* where the rows that fitted best stopped, and what they would have taken there */
    uint32_t furthest, n_expected;
    struct expectation {
        char text[EXPECTED_TEXT]; /* a copy: patterns are put together as they are tried */
        uint32_t n;
    } expected[EXPECTED_MAX];
    char reason[160]; /* instead of a list: a word that no table has */
};

/* ---- what was expected ---- */
static bool is_further(struct reader *r, uint32_t at)
{
    if (at > r->furthest) {
        r->furthest = at;
        r->n_expected = 0;
        r->reason[0] = 0;
    }
    return at == r->furthest;
}
static struct str expectation(const struct expectation *e) { return (struct str){e->text, e->n}; }
static void expected(struct reader *r, uint32_t at, struct str what)
{
    if (!is_further(r, at))
        return;
    for (uint32_t i = 0; i < r->n_expected; i++)
        if (str_eq(expectation(&r->expected[i]), what))
            return;
    if (r->n_expected == EXPECTED_MAX || what.n > EXPECTED_TEXT)
        return;
    struct expectation *e = &r->expected[r->n_expected++];
    memcpy(e->text, what.p, what.n);
    e->n = what.n;
}
static bool unknown(struct reader *r, uint32_t at, const char *what, const char *near)
{
    if (!is_further(r, at) || r->reason[0])
        return false;
    snprintf(r->reason, sizeof r->reason, near && near[0] ? "'%.*s' is no %s; did you mean '%s'?" : "'%.*s' is no %s",
             r->word[at].n < 40 ? (int)r->word[at].n : 40, r->word[at].p, what, near);
    return false;
}

/* ---- arguments ---- */
static bool number(struct str s, uint64_t *out, uint32_t *used)
{
    uint64_t v = 0;
    uint32_t i = 0;
    for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && v < 1000000000000ull; i++)
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    *out = v;
    *used = i;
    return i > 0 && v < 1000000000000ull;
}
static bool take_number(struct str s, uint64_t *out)
{
    uint32_t used;
    return number(s, out, &used) && used == s.n;
}
static bool take_time(struct str s, uint64_t *us)
{
    static const struct {
        const char *unit;
        uint64_t us;
    } units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", 3600000000u}};
    uint32_t used;
    if (!number(s, us, &used) || *us > 1000000)
        return false;
    for (uint32_t i = 0; i < ARRAY_LEN(units); i++)
        if (str_is((struct str){s.p + used, s.n - used}, units[i].unit)) {
            *us *= units[i].us;
            return *us <= 30ull * 24 * 3600000000u;
        }
    return false;
}
static bool take_compare(struct str s, uint64_t *out)
{
    static const char *const ops[] = {"==", "!=", "<", "<=", ">", ">="};
    for (*out = 0; *out < ARRAY_LEN(ops); ++*out)
        if (str_is(s, ops[*out]))
            return true;
    return false;
}
static bool take_slice(struct str s)
{
    uint64_t sst;
    uint32_t used;
    uint8_t sd[3];
    if (!number(s, &sst, &used) || sst > 255)
        return false;
    return used == s.n || (s.p[used] == '-' && hex_get(sd, 3, (struct str){s.p + used + 1, s.n - used - 1}));
}
static const char *metric_name(uint32_t i)
{
    static const char *const names[] = {
#define COUNTER(id, ...)    #id,
#define COUNTER_US(id, ...) #id,
#define GAUGE(id, ...)      #id,
#define COUNTER_BY(id, ...) #id,
#define GAUGE_BY(id, ...)   #id,
#define HIST(id, ...)       #id,
#define HIST_BY(id, ...)    #id,
#include "../../spec/metrics.def"
#undef COUNTER
#undef COUNTER_US
#undef GAUGE
#undef COUNTER_BY
#undef GAUGE_BY
#undef HIST
#undef HIST_BY
    };
    return i < ARRAY_LEN(names) ? names[i] : NULL;
}
static const char *event_name(uint32_t i) { return i < EVENT_COUNT ? event_desc((enum event)i)->name : NULL; }
static const char *happening_name(uint32_t i) { return i <= UE_DATA ? ue_event_name((enum ue_event_kind)i) : NULL; }
static bool take_row(struct reader *r, uint32_t at, const char *what, const char *(*name)(uint32_t), uint64_t *out)
{
    const char *near = NULL;
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; name(i); i++) {
        if (scenario_same(str_of(name(i)), r->word[at])) {
            *out = i;
            return true;
        }
        if (str_is_nearer(r->word[at], str_of(name(i)), &best))
            near = name(i);
    }
    return unknown(r, at, what, near);
}
static bool take_message(struct reader *r, uint32_t at, enum scenario_link link, uint64_t *out)
{
    static const char *const what[] = {"message of N1", "message of N2", "message of N4", "operation of a service"};
    char near[64] = "";
    int e = scenario_message(link, r->word[at], near);
    if (e < 0)
        return unknown(r, at, what[link], near);
    *out = (uint64_t)e;
    return true;
}
static bool take_link(struct str s, uint64_t *out)
{
    static const char *const names[] = {"n1", "n2", "n4", "sbi"};
    for (*out = 0; *out < ARRAY_LEN(names); ++*out)
        if (scenario_same(s, str_of(names[*out])))
            return true;
    return false;
}
static bool take_set(struct str s)
{
    uint32_t i = 0;
    while (i < s.n && s.p[i] != '=')
        i++;
    return i > 2 && i < s.n && memchr(s.p, '.', i);
}
/* The link and the message that came before a FIELD. */
static const struct scenario_arg *before(const struct scenario_step *s, uint32_t i) { return &s->arg[s->n - i]; }
static bool take(struct reader *r, uint32_t at, struct str kind, const struct scenario_step *s, struct scenario_arg *a)
{
    struct str w = r->word[at];
    struct net_addr addr;
    char near[64] = "";
    int e;
    *a = (struct scenario_arg){.is_there = true, .s = w};
    if (str_is(kind, "N") ? take_number(w, &a->n) : str_is(kind, "TIME") ? take_time(w, &a->n)
        : str_is(kind, "OP") ? take_compare(w, &a->n) : str_is(kind, "LINK") ? take_link(w, &a->n)
        : str_is(kind, "SLICE") ? take_slice(w) : str_is(kind, "SET") ? take_set(w)
        : str_is(kind, "ADDR") ? addr_parse(&addr, w, 0)
        : str_is(kind, "VALUE") || str_is(kind, "WORD") || str_is(kind, "DNN"))
        return true;
    if (str_is(kind, "METRIC"))
        return take_row(r, at, "metric", metric_name, &a->n);
    if (str_is(kind, "LOG"))
        return take_row(r, at, "event of the log", event_name, &a->n);
    if (str_is(kind, "EVENT"))
        return take_row(r, at, "happening of a phone", happening_name, &a->n);
    if (str_is(kind, "NAS"))
        return take_message(r, at, SCENARIO_N1, &a->n);
    if (str_is(kind, "MESSAGE")) {
        uint32_t i = s->n;
        while (i && (s->arg[i - 1].s.n == 0 || !take_link(s->arg[i - 1].s, &(uint64_t){0})))
            i--;
        return i && take_message(r, at, (enum scenario_link)s->arg[i - 1].n, &a->n);
    }
    if (str_is(kind, "FIELD")) {
        if (s->n >= 2 && scenario_field_is_known((enum scenario_link)before(s, 2)->n, (uint32_t)before(s, 1)->n, w, near))
            return true;
        return unknown(r, at, "field of that message", near);
    }
    if (str_is(kind, "CAUSE")) {
        e = scenario_gmm_cause(w);
        a->n = e < 0 ? 0 : (uint64_t)e;
        return e >= 0 || unknown(r, at, "5GMM cause", NULL);
    }
    expected(r, at, kind);
    return false;
}

/* ---- patterns ---- */
static bool match(struct reader *r, const char *p, uint32_t at, struct scenario_step *s);

static const char *pattern_word(const char *p, struct str *w)
{
    while (*p == ' ')
        p++;
    *w = (struct str){p, (uint32_t)strcspn(p, " []")};
    return p + w->n;
}
static bool is_argument(struct str w) { return w.n && w.p[0] >= 'A' && w.p[0] <= 'Z'; }
static bool add(struct scenario_step *s, const struct scenario_arg *a)
{
    if (s->n >= SCENARIO_ARGS)
        return false;
    s->arg[s->n++] = *a;
    return true;
}
/* One of a|b|c. */
static bool choice(struct reader *r, struct str alternatives, uint32_t at, struct scenario_arg *a)
{
    *a = (struct scenario_arg){.is_there = true};
    bool is_one = memchr(alternatives.p, '|', alternatives.n) == NULL;
    for (uint32_t from = 0; from <= alternatives.n; a->n++) {
        uint32_t to = from;
        while (to < alternatives.n && alternatives.p[to] != '|')
            to++;
        struct str one = {alternatives.p + from, to - from};
        if (at < r->n && str_eq_nocase(r->word[at], one)) {
            a->s = r->word[at];
            return true;
        }
        expected(r, at, one);
        from = to + 1;
        if (is_one)
            break;
    }
    return false;
}
static bool match_many(struct reader *r, struct str kind, const char *rest, uint32_t at, struct scenario_step *s)
{
    struct scenario_arg a;
    for (bool first = true;; first = false) {
        uint32_t n = s->n;
        if (!first && match(r, rest, at, s))
            return true;
        s->n = n;
        if (at >= r->n || !take(r, at, kind, s, &a) || !add(s, &a))
            break;
        at++;
    }
    expected(r, at, kind);
    return false;
}
/* [...]: with what is in it, else without; its arguments are then not there. */
static bool match_optional(struct reader *r, const char *inner, uint32_t at, struct scenario_step *s)
{
    char with[PATTERN_WORD * 2];
    const char *end = strchr(inner, ']');
    uint32_t n = s->n;
    snprintf(with, sizeof with, "%.*s %s", (int)(end - inner), inner, end + 1);
    if (match(r, with, at, s))
        return true;
    s->n = n;
    for (const char *p = inner; p < end;) {
        struct str w;
        p = pattern_word(p, &w);
        if ((is_argument(w) || memchr(w.p, '|', w.n)) && !add(s, &(struct scenario_arg){.is_there = false}))
            return false;
        if (!w.n)
            break;
    }
    return match(r, end + 1, at, s);
}
static bool match(struct reader *r, const char *p, uint32_t at, struct scenario_step *s)
{
    struct str w;
    struct scenario_arg a;
    while (*p == ' ')
        p++;
    if (*p == '[')
        return match_optional(r, p + 1, at, s);
    p = pattern_word(p, &w);
    if (!w.n) {
        if (at < r->n)
            expected(r, at, STR("the end of the line"));
        return at == r->n;
    }
    if (w.n > 3 && !memcmp(w.p + w.n - 3, "...", 3))
        return match_many(r, (struct str){w.p, w.n - 3}, p, at, s);
    bool argument = is_argument(w), many = memchr(w.p, '|', w.n) != NULL;
    if (argument && at >= r->n)
        expected(r, at, w);
    if (argument ? at >= r->n || !take(r, at, w, s, &a) : !choice(r, w, at, &a))
        return false;
    if ((argument || many) && !add(s, &a))
        return false;
    return match(r, p, at + 1, s);
}

/* ---- text ---- */
struct parser {
    struct scenario *scenario;
    struct text *why;
    uint32_t line;
    bool begun; /* something other than SETUP was there */
};
static int refuse(struct parser *p, const char *text)
{
    text_add(p->why, "%s:%u: %s\n", p->scenario->file, p->line, text);
    return ERR_SYNTAX;
}
static struct str in_words(struct str kind)
{
    static const char *const names[][2] = {
        {"N", "a number"}, {"TIME", "a time such as 500ms, 5s or 2m"}, {"OP", "==, !=, <, <=, >, >="},
        {"ADDR", "an IP address"}, {"LINK", "n1, n2, n4, sbi"}, {"MESSAGE", "a message"}, {"NAS", "a message of N1"},
        {"FIELD", "a field"}, {"VALUE", "a value"}, {"DNN", "a DNN"}, {"SLICE", "a slice such as 1 or 1-000009"},
        {"SET", "section.key=VALUE"}, {"METRIC", "a metric"}, {"LOG", "an event of the log"}, {"EVENT", "a happening"},
        {"CAUSE", "a 5GMM cause"}};
    for (uint32_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_is(kind, names[i][0]))
            return str_of(names[i][1]);
    return kind;
}
static int refuse_words(struct parser *p, const struct reader *r)
{
    struct text *t = p->why;
    const char *near = NULL;
    uint32_t best = UINT32_MAX, near_n = 0;
    struct str found = r->furthest < r->n ? r->word[r->furthest] : STR("the end of the line");
    bool is_end = r->furthest >= r->n;
    text_add(t, "%s:%u: ", p->scenario->file, p->line);
    if (r->reason[0]) {
        text_add(t, "%s\n", r->reason);
        return ERR_SYNTAX;
    }
    text_add(t, is_end ? "found %.*s, expected " : "found '%.*s', expected ", found.n < 60 ? (int)found.n : 60, found.p);
    for (uint32_t i = 0; i < r->n_expected; i++) {
        const struct str e = expectation(&r->expected[i]);
        text_add(t, "%s" STR_FMT, i == 0 ? "" : i + 1 == r->n_expected ? " or " : ", ", STR_ARG(in_words(e)));
        if (!is_end && !is_argument(e) && str_is_nearer(found, e, &best)) {
            near = e.p;
            near_n = e.n;
        }
    }
    text_add(t, near ? "; did you mean '%.*s'?\n" : "\n", (int)near_n, near);
    return ERR_SYNTAX;
}
static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }
/* Words of one statement; "two words" are one. */
static int words(struct parser *p, struct str text, struct reader *r)
{
    for (uint32_t i = 0; i < text.n;) {
        if (is_space(text.p[i])) {
            i++;
            continue;
        }
        bool quoted = text.p[i] == '"';
        uint32_t from = i + quoted, to = from;
        while (to < text.n && (quoted ? text.p[to] != '"' : !is_space(text.p[to])))
            to++;
        if (quoted && to == text.n)
            return refuse(p, "a '\"' that nothing closes");
        if (r->n == WORDS_MAX)
            return refuse(p, "too many words");
        for (uint32_t k = from; k < to; k++)
            if ((unsigned char)text.p[k] < ' ' || text.p[k] == 0x7f)
                return refuse(p, "a control character");
        r->word[r->n++] = (struct str){text.p + from, to - from};
        i = to + quoted;
    }
    return OK;
}
static int bounds(struct parser *p, const struct scenario_step *s)
{
    struct scenario *c = p->scenario;
    if (scenario_rows[s->op].kind != SCENARIO_SETUP)
        p->begun = true;
    else if (p->begun)
        return refuse(p, "this says what there is, and must stand before the first thing that happens");
    uint64_t n = s->arg[0].n;
    if (s->op == SCENARIO_ues || s->op == SCENARIO_gnbs) {
        uint64_t most = s->op == SCENARIO_ues ? SCENARIO_UES_MAX : SCENARIO_GNBS_MAX;
        if (!n || n > most)
            return refuse(p, s->op == SCENARIO_ues ? "expected 1 to 50 phones" : "expected 1 to 4 gNBs");
        *(s->op == SCENARIO_ues ? &c->ues : &c->gnbs) = (uint32_t)n;
    }
    return OK;
}
/* Which phone, gNB and session a number means follows from the word before it. */
static int indices(struct parser *p, const struct scenario_step *s, const struct reader *r)
{
    for (uint32_t i = 0; i + 1 < r->n; i++) {
        bool ue = str_is(r->word[i], "ue") || str_is(r->word[i], "subscriber"), gnb = str_is(r->word[i], "gnb");
        uint64_t n, most = ue ? p->scenario->ues : gnb ? p->scenario->gnbs : 15;
        if ((!ue && !gnb && !str_is(r->word[i], "session")) || !take_number(r->word[i + 1], &n))
            continue;
        if (n < 1 || n > most) {
            text_add(p->why, "%s:%u: there is no " STR_FMT " %llu; expected 1 to %llu\n", p->scenario->file, p->line,
                     STR_ARG(r->word[i]), (unsigned long long)n, (unsigned long long)most);
            return ERR_SYNTAX;
        }
    }
    if ((s->op == SCENARIO_ue_drop || s->op == SCENARIO_link_drop) && s->arg[1].is_there && s->arg[1].n > 100 &&
        s->op == SCENARIO_ue_drop)
        return refuse(p, "expected at most 100 messages");
    return OK;
}
static int statement(struct parser *p, struct str text)
{
    struct reader r = {.n = 0};
    struct scenario *c = p->scenario;
    int e = words(p, text, &r);
    if (e < 0 || !r.n)
        return e;
    if (c->n == SCENARIO_STEPS_MAX)
        return refuse(p, "too many steps");
    struct scenario_step *s = &c->steps[c->n];
    for (uint32_t i = 0; i < SCENARIO_OPS; i++) {
        *s = (struct scenario_step){.op = (enum scenario_op)i, .line = p->line, .text = text};
        if (!match(&r, scenario_rows[i].pattern, 0, s))
            continue;
        c->n++;
        e = bounds(p, s);
        return e < 0 ? e : indices(p, s, &r);
    }
    return refuse_words(p, &r);
}
static struct str trimmed(struct str s)
{
    while (s.n && is_space(*s.p)) {
        s.p++;
        s.n--;
    }
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}
int scenario_parse(struct scenario *c, const char *file, struct str text, struct arena *a, struct text *why)
{
    *c = (struct scenario){.file = file, .ues = 1, .gnbs = 1};
    struct parser p = {.scenario = c, .why = why, .line = 1};
    c->steps = arena_take(a, SCENARIO_STEPS_MAX * sizeof *c->steps);
    if (!c->steps || text.n > SCENARIO_TEXT_MAX) {
        text_add(why, "%s: too long\n", file);
        return ERR_NOSPACE;
    }
    for (uint32_t i = 0; i < text.n;) {
        uint32_t from = i;
        bool quoted = false, comment = false;
        uint32_t to = UINT32_MAX;
        for (; i < text.n && text.p[i] != '\n' && (comment || quoted || text.p[i] != ';'); i++) {
            quoted ^= !comment && text.p[i] == '"';
            if (!quoted && !comment && text.p[i] == '#') {
                comment = true;
                to = i;
            }
        }
        int e = statement(&p, trimmed((struct str){text.p + from, (to < i ? to : i) - from}));
        if (e < 0)
            return e;
        p.line += i < text.n && text.p[i] == '\n';
        i++;
    }
    return OK;
}
void scenario_help(void)
{
    for (uint32_t i = 0; i < SCENARIO_OPS; i++)
        printf("  %s\n%s%s%s", scenario_rows[i].pattern, scenario_rows[i].text[0] ? "        " : "", scenario_rows[i].text,
               scenario_rows[i].text[0] ? "\n" : "");
}
