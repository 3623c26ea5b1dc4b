/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/change.h"
#include "base/err.h"
#include "base/text.h"
#include <stdlib.h>

enum { KNOWN_MAX = 100000 };
struct change_known {
    struct change_said said;
    uint32_t id_n;
    char id[]; /* in the map, by reference */
};

void changes_init(struct changes *c, uint64_t secret0, uint64_t secret1) { map_init(&c->by_id, secret0, secret1); }
void changes_free(struct changes *c)
{
    uint32_t at = 0;
    for (struct change_known *k; (k = map_next(&c->by_id, &at));)
        free(k);
    map_free(&c->by_id);
}
static struct bytes key_of(struct str id) { return (struct bytes){(const uint8_t *)id.p, id.n}; }

struct change_found changes_look(const struct changes *c, struct str element, const struct change_said *s, const struct policy_verdict *v, uint64_t unix_us)
{
    const struct change_known *k = map_get(&c->by_id, key_of(element));
    struct change_found f = {0};
    if (!k || !(v->conditions >> POLICY_CONDITION_WINDOWS & 1))
        return f;
    f.changed = s->has_config && k->said.has_config && memcmp(s->config, k->said.config, CHANGE_CONFIG) != 0;
    f.restarted = s->has_started && k->said.has_started && s->started != k->said.started;
    f.row = f.changed || f.restarted ? policy_window_closed(v, unix_us) : NULL;
    return f;
}
int changes_learn(struct changes *c, struct str element, const struct change_said *s)
{
    struct change_known *k = map_get(&c->by_id, key_of(element));
    if (!k && map_count(&c->by_id) < KNOWN_MAX && (k = calloc(1, sizeof *k + element.n))) {
        k->id_n = element.n;
        memcpy(k->id, element.p, element.n);
        if (map_put(&c->by_id, (struct bytes){(const uint8_t *)k->id, k->id_n}, k) < 0) {
            free(k);
            k = NULL;
        }
    }
    if (!k)
        return ERR_NOSPACE;
    if (s->has_config) {
        k->said.has_config = true;
        memcpy(k->said.config, s->config, CHANGE_CONFIG);
    }
    if (s->has_started) {
        k->said.has_started = true;
        k->said.started = s->started;
    }
    return OK;
}
const char *change_text(const struct policy_row *w, bool is_restart, char buf[CHANGE_TEXT])
{
    struct text t = text_over(buf, CHANGE_TEXT);
    text_add(&t, "%s outside of its maintenance windows (", is_restart ? "restarts" : "changes what it is");
    for (uint32_t i = 0; i < w->rule->n_windows; i++)
        text_add(&t, "%s" STR_FMT, i ? ", " : "", STR_ARG(w->rule->windows[i]));
    text_add(&t, "; UTC) under " STR_FMT "/" STR_FMT " (" STR_FMT ")", STR_ARG(w->file->r.id), STR_ARG(w->rule->id), STR_ARG(policy_citation(w)));
    return buf;
}
