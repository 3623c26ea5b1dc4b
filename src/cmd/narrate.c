/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/narrate.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

bool log_value(struct str line, const char *key, char *out, uint32_t cap)
{
    char name[48];
    int k = snprintf(name, sizeof name, "\"%s\":", key);
    const char *at = memmem(line.p, line.n, name, (size_t)k), *end = line.p + line.n;
    uint32_t n = 0;
    if (!at)
        return false;
    at += k;
    bool text = at < end && *at == '"';
    for (at += text; at < end && n + 1 < cap && (text ? *at != '"' : *at != ',' && *at != '}'); at++) {
        if (*at == '\\' && at + 1 < end)
            at++;
        out[n++] = *at;
    }
    out[n] = 0;
    return true;
}

/* $key is the event's value of that key. Each sentence is told once, when its event first comes. */
static const struct {
    bool from_ran;
    const char *event, *key, *value; /* the event, and a pair it must have; NULL: none */
    const char *sentence;
} story[] = {
    {false, "ng_setup_done", NULL, NULL, "The gNB $name connects to the AMF over SCTP (N2), says which area it covers, and is let in."},
    {false, "nas_rx", "message", "Registration request",
     "Phone 1 asks to register. Its identity is concealed: encrypted for the home network, new each time."},
    {false, "auth_vector", NULL, NULL, "The UDM reveals the identity with its private key and makes a challenge from the phone's secret key."},
    {false, "nas_tx", "message", "Authentication request", "The AMF sends the challenge. It also proves to the SIM that this is its home network's."},
    {false, "ue_authenticated", NULL, NULL, "The phone's answer is right: network and phone have proved to each other who they are (5G-AKA)."},
    {false, "nas_tx", "message", "Security mode command", "They agree on keys and algorithms. From here on signalling is protected from change and from reading."},
    {false, "ue_registered", NULL, NULL, "Phone 1 is registered, under a temporary identity that changes. It took the core $ms ms."},
    {false, "session_established", NULL, NULL, "Phone 1 has a PDU session: an address and a tunnel (N3) to the UPF, set up by the SMF (N4)."},
};
_Static_assert(ARRAY_LEN(story) <= NARRATED, "each sentence has its flag");

static void tell(const char *sentence, struct str line)
{
    char key[32], value[96];
    fputs("  + ", stdout);
    for (const char *p = sentence; *p;) {
        if (*p != '$') {
            putchar(*p++);
            continue;
        }
        size_t n = strspn(++p, "abcdefghijklmnopqrstuvwxyz_0123456789");
        snprintf(key, sizeof key, "%.*s", (int)n, p);
        fputs(log_value(line, key, value, sizeof value) ? value : "?", stdout);
        p += n;
    }
    putchar('\n');
    fflush(stdout);
}

static uint64_t number(struct str line, const char *key)
{
    char text[32];
    return log_value(line, key, text, sizeof text) ? strtoull(text, NULL, 10) : 0;
}

static void count(struct narrator *n, const char *event, struct str line)
{
    if (strcmp(event, "ran_gnb_up") == 0) {
        n->gnb_up = true;
    } else if (strcmp(event, "ran_ue_registered") == 0) {
        n->registered++;
        hist_add(n->registration, number(line, "us"));
    } else if (strcmp(event, "ran_session_up") == 0) {
        n->sessions++;
        n->first_session = true;
        n->all_sessions = n->sessions_wanted && n->sessions >= n->sessions_wanted;
        hist_add(n->session, number(line, "us"));
    } else if (strcmp(event, "ran_ue_rejected") == 0 || strcmp(event, "ran_session_rejected") == 0) {
        n->rejected++;
    }
}

/* In capitals, with commas. */
static void function_add(struct narrator *n, const char *name)
{
    size_t at = strlen(n->functions), room = sizeof n->functions - at;
    int k = snprintf(n->functions + at, room, "%s%s", at ? ", " : "", name);
    for (char *p = n->functions + at; k > 0 && (size_t)k < room && *p; p++)
        *p = (char)toupper((unsigned char)*p);
}

void narrate(struct narrator *n, bool from_ran, struct str line)
{
    char event[48], value[64];
    if (!log_value(line, "event", event, sizeof event))
        return;
    if (from_ran)
        count(n, event, line);
    else if (strcmp(event, "nf_started") == 0 && log_value(line, "function", value, sizeof value))
        function_add(n, value);
    n->idle |= !from_ran && strcmp(event, "ue_idle") == 0;
    n->paged |= !from_ran && strcmp(event, "ue_paged") == 0;
    for (size_t i = 0; n->detailed && i < ARRAY_LEN(story); i++) {
        if (n->told[i] || story[i].from_ran != from_ran || strcmp(story[i].event, event) != 0 ||
            (story[i].key && (!log_value(line, story[i].key, value, sizeof value) || strcmp(value, story[i].value) != 0)))
            continue;
        n->told[i] = true;
        tell(story[i].sentence, line);
    }
}

bool narrator_open(struct narrator *n)
{
    *n = (struct narrator){.registration = calloc(1, sizeof(struct hist)), .session = calloc(1, sizeof(struct hist))};
    return n->registration && n->session;
}
void narrator_close(struct narrator *n)
{
    free(n->registration);
    free(n->session);
}
