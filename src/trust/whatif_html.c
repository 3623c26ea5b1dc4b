/* SPDX-License-Identifier: Apache-2.0 */
/* whatif_html.c - the report as one page that stands alone: no script, nothing that is loaded, names escaped. For a
 * reader who decides, on a screen or on paper. */
#include "trust/whatif_plot.h"
#include <stdlib.h>

enum { ROWS = 20, ORDER_ROWS = 200 };

static const char *const style[] = {
    ":root{color-scheme:light dark;--bg:#fff;--ink:#16202c;--soft:#5b6673;--line:#d9dee4;--panel:#f4f6f8;--kept:#9db4c8;--moved:#e0a43a;"
    "--silent:#b3261e;--crowded:#7a4fbf;--done:#2f6f4f;--late:#b3261e;--fine:#b9c6d2;--accent:#0b4f8a}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#11161c;--ink:#e7ecf1;--soft:#9aa6b2;--line:#2c3640;--panel:#1a222b;--kept:#54708a;"
    "--moved:#d99b2b;--silent:#ef6a5e;--crowded:#b18cf0;--done:#58b287;--late:#ef6a5e;--fine:#3d4c5a;--accent:#7db7ec}}\n"
    "*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,"
    "'Liberation Sans',sans-serif}main{max-width:1040px;margin:0 auto;padding:28px 28px 60px}\n",
    "h1{font-size:32px;line-height:1.2;margin:4px 0 6px;letter-spacing:-.01em;overflow-wrap:anywhere}h2{font-size:21px;margin:44px 0 6px;"
    "border-top:2px solid var(--ink);padding-top:12px}h3{font-size:16px;margin:24px 0 6px}p{margin:8px 0}.eyebrow{text-transform:uppercase;"
    "letter-spacing:.09em;font-size:13px;color:var(--soft);margin:0}.when{color:var(--soft);margin:0}.lead{font-size:20px;line-height:1.45;"
    "margin:22px 0}.note{color:var(--soft);font-size:14px}\n"
    ".synthetic{background:repeating-linear-gradient(-45deg,#ffd84d 0 22px,#1b1b1b 22px 44px);padding:5px;margin:0;print-color-adjust:exact;"
    "-webkit-print-color-adjust:exact}.synthetic b{display:block;background:#fff3c4;color:#1b1b1b;text-align:center;padding:7px;"
    "letter-spacing:.04em}\n",
    ".cards{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:12px;margin:20px 0}.card{background:var(--panel);"
    "border-radius:8px;padding:14px 16px;border-left:4px solid var(--accent);overflow-wrap:anywhere}.card.bad{border-color:var(--silent)}"
    ".card .big{display:block;white-space:nowrap;font-size:26px;font-weight:650;line-height:1.2;font-variant-numeric:tabular-nums}.card .what{display:block;"
    "font-size:14px;color:var(--soft)}\n"
    "table{border-collapse:collapse;width:100%;font-size:14.5px;margin:8px 0}th{text-align:left;font-weight:600;color:var(--soft);"
    "font-size:13px;vertical-align:bottom}th,td{padding:6px 10px 6px 0;border-bottom:1px solid var(--line);overflow-wrap:break-word}.long{overflow-wrap:anywhere}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;padding-left:10px}tr.none td{color:var(--silent);"
    "font-weight:600}caption{text-align:left;color:var(--soft);font-size:14px;padding-bottom:4px}\n",
    "a.mark,span.mark{font-size:11.5px;font-weight:600;text-decoration:none;color:var(--accent);border:1px solid var(--line);border-radius:4px;"
    "padding:0 4px;margin-left:3px;white-space:nowrap}.key{display:inline-block;width:12px;height:12px;border-radius:3px;margin:0 6px 0 0;"
    "vertical-align:-1px;print-color-adjust:exact;-webkit-print-color-adjust:exact}.legend{display:flex;flex-wrap:wrap;gap:6px 22px;"
    "font-size:14px;margin:8px 0;padding:0;list-style:none}\n"
    ".bar{width:100%;height:44px;border-radius:6px;display:block;margin-top:14px}.kept{fill:var(--kept);background:var(--kept)}"
    ".moved{fill:var(--moved);background:var(--moved)}.silent{fill:var(--silent);background:var(--silent)}.crowdedkey{background:"
    "var(--crowded)}.finekey{background:var(--fine)}.done{fill:var(--done);background:var(--done)}.late{fill:var(--late);background:"
    "var(--late)}.still{fill:var(--kept);background:var(--kept)}\n",
    "svg{font-family:inherit}.side{display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);gap:24px;align-items:start}.map{width:100%;"
    "height:auto;background:var(--panel);border-radius:8px}.dot{fill:none;stroke-linecap:round;stroke-width:46}.dense .dot{stroke-width:30}"
    ".sparse .dot{stroke-width:70}.dot.fine{stroke:var(--fine)}.dot.crowded{stroke:var(--crowded)}.dot.covered{stroke:var(--moved)}"
    ".dot.silent{stroke:var(--silent)}.region{font-size:150px;font-weight:600;text-anchor:middle;fill:var(--ink);stroke:var(--panel);"
    "stroke-width:36;paint-order:stroke;stroke-linejoin:round}path.scale{stroke:var(--ink);stroke-width:20;fill:none}text.scale{font-size:130px;"
    "fill:var(--soft)}\n"
    ".plot{width:100%;height:auto}.grid{stroke:var(--line);stroke-width:1;fill:none}.tick,.name{font-size:13px;fill:var(--soft)}.tick.end,.name{"
    "text-anchor:end}.name{fill:var(--ink);font-size:14px}path.money{fill:none;stroke:var(--ink);stroke-width:2.5}.plot .money.tick{fill:var(--ink)}\n",
    "details{margin:10px 0}summary{cursor:pointer;color:var(--accent)}footer{margin-top:48px;border-top:1px solid var(--line);padding-top:10px;"
    "color:var(--soft);font-size:13.5px}dl{display:grid;grid-template-columns:auto 1fr;gap:6px 14px}dt{font-weight:600}dd{margin:0}"
    "@media(max-width:720px){main{padding:18px}.cards{grid-template-columns:repeat(2,minmax(0,1fr))}.side{grid-template-columns:minmax(0,1fr)}h1{font-size:26px}.lead{font-size:18px}table{display:block;"
    "overflow-x:auto}}\n"
    "@media print{:root{--bg:#fff;--ink:#000;--soft:#444;--line:#bbb;--panel:#f2f2f2;--kept:#9db4c8;--moved:#e0a43a;--silent:#b3261e;"
    "--crowded:#7a4fbf;--done:#2f6f4f;--late:#b3261e;--fine:#b9c6d2;--accent:#0b4f8a}main{max-width:none;padding:0}body{font-size:11pt}h2{"
    "break-after:avoid}.card,tr,svg,figure{break-inside:avoid}details:not([open])>*:not(summary){display:revert}svg *,.card{print-color-adjust:exact;"
    "-webkit-print-color-adjust:exact}}\n",
};

/* ---- small parts ---- */
static void mark(struct out *o, const char *m) { out_add(o, "<a class=\"mark\" href=\"#%s\">%s</a>", m, m); }
static void cause(struct out *o, const struct whatif *w, uint16_t c)
{
    char text[NUMBER_TEXT];
    if (*cause_mark(w, c, text))
        mark(o, text);
}
static void number(struct out *o, uint64_t v)
{
    char a[NUMBER_TEXT];
    out_str(o, str_of(number_text(v, a)));
}
static void cell(struct out *o, uint64_t v)
{
    out_str(o, STR("<td class=\"n\">"));
    number(o, v);
    out_str(o, STR("</td>"));
}
static void name_cell(struct out *o, struct str s)
{
    out_str(o, str_of(s.n > 24 ? "<td class=\"long\">" : "<td>"));
    out_html(o, s);
    out_str(o, STR("</td>"));
}
static void share(struct out *o, uint64_t part, uint64_t whole)
{
    char a[NUMBER_TEXT];
    if (*share_text(part, whole, a))
        out_add(o, " (%s)", a);
}
static void synthetic(struct out *o, const struct whatif *w)
{
    if (w->ask.inventory->synthetic)
        out_str(o, STR("<p class=\"synthetic\"><b>SYNTHETIC: made up for a trial, not a real network</b></p>\n"));
}
static void money(struct out *o, const struct whatif_money *m, uint32_t n)
{
    char a[NUMBER_TEXT];
    for (uint32_t i = 0; i < n; i++) {
        out_str(o, str_of(i ? " and " : ""));
        out_html(o, str_of(money_text(&m[i], a)));
    }
}

/* ---- head ---- */
static void head(struct out *o, const struct whatif *w)
{
    char a[INV_DATE_TEXT], b[INV_DATE_TEXT];
    out_str(o, STR("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                   "form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"referrer\" content=\"no-referrer\">\n<title>What if: "));
    whatif_title(o, w, out_html);
    out_str(o, STR("</title>\n<style>\n"));
    for (size_t i = 0; i < ARRAY_LEN(style); i++)
        out_str(o, str_of(style[i]));
    out_str(o, STR("</style>\n</head>\n<body>\n"));
    synthetic(o, w);
    out_str(o, STR("<main>\n<p class=\"eyebrow\">What if</p>\n<h1>"));
    whatif_title(o, w, out_html);
    out_add(o, "</h1>\n<p class=\"when\">In force on %s. Inventory and deadlines as of %s.</p>\n", inv_date_text(w->ask.date, a),
            inv_date_text(w->ask.today, b));
}

static void lead(struct out *o, const struct whatif *w)
{
    const struct whatif_sum *s = &w->sum;
    char day[INV_DATE_TEXT];
    if (!s->denied) {
        out_str(o, STR("<p class=\"lead\">Nothing would have to go: all equipment in service on that day is permitted.</p>\n"));
        return;
    }
    out_str(o, STR("<p class=\"lead\">If nothing is replaced before, <b>"));
    number(o, s->silent);
    out_str(o, STR(" cells"));
    share(o, s->silent, s->cells);
    out_str(o, STR("</b> fall silent on that day, and <b>"));
    number(o, whatif_lost(s));
    out_str(o, STR(" subscribers"));
    share(o, whatif_lost(s), s->subscribers);
    out_str(o, STR("</b> lose service; neighbouring cells take over "));
    number(o, s->moved);
    out_str(o, STR(". Replacing "));
    number(o, w->n_order);
    out_str(o, STR(" elements"));
    if (w->n_costs) {
        out_str(o, STR(" costs <b>"));
        money(o, w->cost, w->n_costs);
        out_str(o, STR("</b>"));
    }
    if (whatif_is_endless(w)) {
        out_str(o, STR(" and takes <b>more than 30 years</b> with "));
        number(o, w->per_month);
        out_str(o, STR(" replacements a month"));
    } else if (w->n_months) {
        out_str(o, STR(" and takes until <b>"));
        out_add(o, "%.7s</b> with ", inv_date_text(w->months[w->n_months - 1].first, day));
        number(o, w->per_month);
        out_str(o, STR(" replacements a month"));
    }
    out_str(o, STR(".</p>\n"));
}

static void card(struct out *o, bool bad, uint64_t v, const char *what, const char *m)
{
    out_add(o, "<div class=\"card%s\"><span class=\"big\">", bad ? " bad" : "");
    number(o, v);
    out_add(o, "</span><span class=\"what\">%s ", what);
    mark(o, m);
    out_str(o, STR("</span></div>\n"));
}

static void cards(struct out *o, const struct whatif *w)
{
    const struct whatif_sum *s = &w->sum;
    out_str(o, STR("<div class=\"cards\">\n"));
    card(o, whatif_lost(s) > 0, whatif_lost(s), "subscribers lose service", "M4");
    card(o, s->population_lost > 0, s->population_lost, "people live where no cell is left", "M2");
    card(o, s->area_lost_km2 > 0.5, (uint64_t)(s->area_lost_km2 + 0.5), "km² without service", "M2");
    card(o, s->overflowing > 0, s->overflowing, "neighbours that take over are too full", "M3");
    card(o, w->n_overdue > 0, w->n_overdue, "elements are past their deadline today", "M5");
    card(o, w->n_late > 0, w->n_late, "would be replaced too late in this plan", "M5");
    out_str(o, STR("</div>\n"));
}

/* ---- service ---- */
static void legend(struct out *o, const char *style_name, const char *label, uint64_t v, uint64_t whole)
{
    out_add(o, "<li><span class=\"key %s\"></span>%s: ", style_name, label);
    number(o, v);
    share(o, v, whole);
    out_str(o, STR("</li>\n"));
}
static void service(struct out *o, const struct whatif *w)
{
    const struct whatif_sum *s = &w->sum;
    const struct plot_share shares[] = {{"stay where they are", "kept", s->kept},
                                        {"taken over by neighbours", "moved", s->moved},
                                        {"lose service", "silent", whatif_lost(s)}};
    out_str(o, STR("<h2>Who loses service</h2>\n"));
    plot_shares(o, shares, ARRAY_LEN(shares));
    out_str(o, STR("<ul class=\"legend\">\n"));
    for (size_t i = 0; i < ARRAY_LEN(shares); i++)
        legend(o, shares[i].style, shares[i].label, shares[i].value, s->subscribers);
    out_str(o, STR("</ul>\n<p>Of those who lose service, "));
    number(o, s->lost_coverage);
    out_str(o, STR(" are where nothing covers them any more"));
    mark(o, "M2");
    out_str(o, STR(", and "));
    number(o, s->lost_capacity);
    out_str(o, STR(" are covered, but no cell within reach has room"));
    mark(o, "M4");
    out_str(o, STR("."));
    if (s->cut_off) {
        out_str(o, STR(" Of the silent cells, "));
        number(o, s->cut_off);
        out_str(o, STR(" are permitted themselves and fall with other equipment of their site that is not"));
        mark(o, "M1");
        out_str(o, STR("."));
    }
    out_str(o, STR("</p>\n"));
}

static void map(struct out *o, const struct whatif *w)
{
    out_str(o, STR("<h2>Where</h2>\n<div class=\"side\">\n<figure style=\"margin:0\">\n"));
    plot_map(o, w);
    out_str(o, STR("<ul class=\"legend\"><li><span class=\"key silent\"></span>silent, one in ten or more lost</li><li><span class=\"key "
                   "moved\"></span>silent, neighbours cover it</li><li><span class=\"key crowdedkey\"></span>takes over, too full</li><li><span "
                   "class=\"key finekey\"></span>unchanged or with room</li></ul>\n</figure>\n<div>\n<table><caption>Regions, the hardest hit "
                   "first"));
    mark(o, "M2");
    out_str(o, STR("</caption><thead><tr><th>Region<th class=\"n\">Silent<br>cells<th class=\"n\">Lost sub-<br>scribers<th class=\"n\">of all</tr></thead><tbody>\n"));
    for (uint32_t i = 0; i < w->n_regions && i < ROWS; i++) {
        const struct whatif_region *r = &w->regions[i];
        char a[NUMBER_TEXT];
        out_str(o, STR("<tr>"));
        name_cell(o, whatif_region_name(w, r->region));
        cell(o, r->sum.silent);
        cell(o, whatif_lost(&r->sum));
        out_add(o, "<td class=\"n\">%s</td></tr>\n", share_text(whatif_lost(&r->sum), r->sum.subscribers, a));
    }
    out_str(o, STR("</tbody></table>\n"));
    if (w->n_regions > ROWS)
        out_add(o, "<p class=\"note\">and %u regions more</p>\n", w->n_regions - ROWS);
    out_str(o, STR("</div>\n</div>\n"));
}

/* ---- cells that take over ---- */
static void crowded_row(struct out *o, const struct whatif *w, const struct ranked *r)
{
    const struct whatif_element *e = &w->elements[r->index];
    const struct inv_element *v = &w->ask.inventory->elements[r->index];
    out_str(o, STR("<tr>"));
    name_cell(o, whatif_element_name(w, r->index));
    name_cell(o, whatif_region_name(w, v->region_ref));
    cell(o, v->subscribers);
    cell(o, e->demand);
    cell(o, e->capacity);
    out_add(o, "<td class=\"n\">%llu %%</td>", (unsigned long long)(r->weight / 10));
    cell(o, e->handed_on);
    cell(o, e->lost);
    out_str(o, STR("</tr>\n"));
}
static void crowded(struct out *o, const struct whatif *w)
{
    uint32_t n = 0;
    struct ranked *full = whatif_crowded(w, &n);
    if (!full) {
        o->bad = true;
        return;
    }
    if (n) {
        out_str(o, STR("<h3>Neighbours that take over and overflow"));
        mark(o, "M3");
        out_str(o, STR("</h3>\n<table><thead><tr><th>Cell<th>Region<th class=\"n\">Serves now<th class=\"n\">Newcomers<th class=\"n\">Capacity<th "
                       "class=\"n\">Load<th class=\"n\">Handed on<th class=\"n\">Lost</tr></thead><tbody>\n"));
        for (uint32_t i = 0; i < n && i < ROWS / 2; i++)
            crowded_row(o, w, &full[i]);
        out_str(o, STR("</tbody></table>\n"));
    }
    if (n > ROWS / 2)
        out_add(o, "<p class=\"note\">and %u cells more; the JSON report has all</p>\n", n - ROWS / 2);
    free(full);
}

/* ---- who depends on whom ---- */
static void suppliers(struct out *o, const struct whatif *w)
{
    out_str(o, STR("<h2>Who built it</h2>\n"));
    plot_suppliers(o, w);
    out_str(o, STR("<table><thead><tr><th>Dependence on one supplier"));
    mark(o, "I");
    out_str(o, STR("<th class=\"n\">before<th class=\"n\">after<th class=\"n\">of all</tr></thead><tbody>\n<tr><td>sites with equipment of a single supplier</td>"));
    cell(o, w->single_sites);
    cell(o, w->single_sites_after);
    cell(o, w->sites);
    out_str(o, STR("</tr>\n<tr><td>regions with a single radio supplier</td>"));
    cell(o, w->single_regions);
    cell(o, w->single_regions_after);
    cell(o, w->n_regions);
    out_str(o, STR("</tr></tbody></table>\n"));
}

static void core(struct out *o, const struct whatif *w)
{
    if (!w->n_classes)
        return;
    out_str(o, STR("<h3>Core, transport and management that would go"));
    mark(o, "I");
    out_str(o, STR("</h3>\n<table><thead><tr><th>Function<th>Region<th class=\"n\">Elements<th class=\"n\">Denied<th class=\"n\">Left</tr></thead><tbody>\n"));
    for (uint32_t i = 0; i < w->n_classes && i < ROWS; i++) {
        const struct whatif_class *c = &w->classes[i];
        out_str(o, str_of(c->elements == c->denied ? "<tr class=\"none\"><td>" : "<tr><td>"));
        if (inv_class_group(c->function) == INV_GROUP_transport) /* its words alone do not say that */
            out_str(o, STR("transport, "));
        out_html(o, str_of(inv_class_help(c->function)));
        out_str(o, STR("</td>"));
        name_cell(o, whatif_region_name(w, c->region));
        cell(o, c->elements);
        cell(o, c->denied);
        cell(o, c->elements - c->denied);
        out_str(o, STR("</tr>\n"));
    }
    out_str(o, STR("</tbody></table>\n"));
    if (w->n_classes > ROWS)
        out_add(o, "<p class=\"note\">and %u rows more; the JSON report has all</p>\n", w->n_classes - ROWS);
}

static void cap_row(struct out *o, const struct whatif *w, const struct whatif_cap *c)
{
    char day[INV_DATE_TEXT];
    out_str(o, STR("<tr><td>"));
    out_html(o, c->row->rule->says);
    out_str(o, STR("<br><span class=\"note\">"));
    out_html(o, policy_citation(c->row));
    out_str(o, STR("</span></td><td>"));
    if (c->region)
        out_html(o, whatif_region_name(w, c->region));
    out_add(o, "</td><td class=\"n\">%u.%u %%</td><td class=\"n\">%u %%</td><td class=\"n\">", c->permille / 10, c->permille % 10, c->row->cap_percent);
    if (c->permille_after != UINT32_MAX)
        out_add(o, "%u.%u %%", c->permille_after / 10, c->permille_after % 10);
    if (c->is_above && c->from > w->ask.today)
        out_add(o, "</td><td>crossed on %s</td></tr>\n", inv_date_text(c->from, day));
    else
        out_add(o, "</td><td>%s</td></tr>\n", c->is_above ? "crossed now" : "kept");
}
static void caps(struct out *o, const struct whatif *w)
{
    if (!w->n_caps)
        return;
    out_str(o, STR("<h3>Caps, the next that is crossed first</h3>\n<table><thead><tr><th>Rule<th>Where<th class=\"n\">Share now<th class=\"n\">At most<th "
                   "class=\"n\">After<th>State</tr></thead><tbody>\n"));
    for (uint32_t i = 0; i < w->n_caps && i < ROWS; i++)
        cap_row(o, w, &w->caps[i]);
    out_str(o, STR("</tbody></table>\n"));
}

/* ---- replacement ---- */
static void months(struct out *o, const struct whatif *w)
{
    out_str(o, STR("<details><summary>Month by month</summary>\n<table><thead><tr><th>Month<th class=\"n\">Replaced<th class=\"n\">Deadlines<th "
                   "class=\"n\">Late<th class=\"n\">Cost</tr></thead><tbody>\n"));
    for (uint32_t m = 0; m < w->n_months; m++) {
        const struct whatif_month *x = &w->months[m];
        char day[INV_DATE_TEXT];
        out_add(o, "<tr><td>%.7s</td>", inv_date_text(x->first, day));
        cell(o, x->elements);
        cell(o, x->due);
        cell(o, x->late);
        out_str(o, STR("<td class=\"n\">"));
        money(o, x->cost, x->n_costs);
        out_str(o, STR("</td></tr>\n"));
    }
    out_str(o, STR("</tbody></table></details>\n"));
}
static void order(struct out *o, const struct whatif *w)
{
    out_str(o, STR("<details><summary>The first to be replaced</summary>\n<table><thead><tr><th class=\"n\">No.<th>Element<th>Function<th>Region<th>"
                   "Deadline<th>Planned<th>Because of</tr></thead><tbody>\n"));
    for (uint32_t i = 0; i < w->n_order && i < ORDER_ROWS; i++) {
        uint32_t k = w->order[i] - 1;
        const struct whatif_element *e = &w->elements[k];
        char day[INV_DATE_TEXT], planned[INV_DATE_TEXT];
        out_add(o, "<tr><td class=\"n\">%u</td>", i + 1);
        name_cell(o, whatif_element_name(w, k));
        name_cell(o, str_of(inv_class_text(w->ask.inventory->elements[k].function)));
        name_cell(o, whatif_region_name(w, w->ask.inventory->elements[k].region_ref));
        out_add(o, "<td>%s</td><td>%.7s</td><td>", e->deadline < w->ask.today ? "overdue" : inv_date_text(e->deadline, day),
                inv_date_text(w->months[e->month].first, planned));
        cause(o, w, e->cause);
        out_str(o, STR("</td></tr>\n"));
    }
    out_str(o, STR("</tbody></table>"));
    if (w->n_order > ORDER_ROWS)
        out_add(o, "<p class=\"note\">and %u more; the JSON report has all</p>", w->n_order - ORDER_ROWS);
    out_str(o, STR("</details>\n"));
}
static void plan(struct out *o, const struct whatif *w)
{
    char day[INV_DATE_TEXT];
    out_str(o, STR("<h2>What replacement costs, and by when</h2>\n"));
    if (!w->n_order) {
        out_str(o, STR("<p>Nothing has to be replaced for that day.</p>\n"));
        return;
    }
    out_str(o, STR("<p>"));
    number(o, w->n_order);
    out_str(o, STR(" elements"));
    if (w->n_costs) {
        out_str(o, STR(" for <b>"));
        money(o, w->cost, w->n_costs);
        out_str(o, STR("</b>"));
    }
    mark(o, "I");
    if (w->n_without_cost) {
        out_str(o, STR("; of "));
        number(o, w->n_without_cost);
        out_str(o, STR(" no cost is given"));
    }
    out_str(o, STR(". The deadlines ask for "));
    number(o, w->per_month_needed);
    out_str(o, STR(" replacements a month; this plan does "));
    number(o, w->per_month);
    out_str(o, STR(", the earliest deadline first"));
    mark(o, "M5");
    out_str(o, STR(".</p>\n"));
    plot_months(o, w);
    out_str(o, STR("<ul class=\"legend\"><li><span class=\"key still\"></span>not permitted, still in place</li><li><span class=\"key done\"></span>"
                   "replaced in the month</li><li><span class=\"key late\"></span>of it, some after their deadline</li><li>line: money spent "
                   "(right)</li></ul>\n"));
    months(o, w);
    order(o, w);
    if (w->later) {
        out_str(o, STR("<p class=\"note\">Beyond that day: "));
        number(o, w->later);
        out_add(o, " elements that are still permitted have later deadlines, the last on %s.</p>\n", inv_date_text(w->later_last, day));
    }
}

/* ---- what it rests on ---- */
static void rule(struct out *o, const struct whatif *w, uint32_t i)
{
    const struct whatif_cause *c = &w->causes[i];
    char m[NUMBER_TEXT], day[INV_DATE_TEXT];
    cause_mark(w, (uint16_t)i, m);
    out_add(o, "<tr id=\"%s\"><td><span class=\"mark\">%s</span></td><td>", m, m);
    if (c->row) {
        out_html(o, c->row->rule->says);
        out_str(o, STR("<br><span class=\"note\">"));
        out_html(o, policy_citation(c->row));
        if (policy_source(c->row).n) {
            out_str(o, STR("<br>"));
            out_html(o, policy_source(c->row));
        }
        out_str(o, STR("</span></td><td>"));
        out_html(o, c->row->file->r.id);
        out_str(o, STR("/"));
        out_html(o, c->row->rule->id);
        out_add(o, "<br><span class=\"note\">%s, %s; checked %s</span></td>", policy_standing_text((uint8_t)c->row->file->r.standing),
                policy_sure_text((uint8_t)c->row->rule->sure), inv_date_text(policy_checked(c->row), day));
    } else if (c->supplier) {
        out_str(o, STR("Ban of "));
        out_html(o, whatif_supplier_name(w, c->supplier));
        out_str(o, STR(" and its group</td><td>as asked</td>"));
    } else {
        out_str(o, STR("No rule permits it, and policy says so for what no rule speaks of</td><td></td>"));
    }
    cell(o, c->elements);
    cell(o, c->cells);
    cell(o, c->subscribers);
    out_str(o, STR("</tr>\n"));
}
static void basis(struct out *o, const struct whatif *w)
{
    static const struct {
        const char *mark, *text;
    } model[] = {
        {"I", "The inventory: what its records say of suppliers, places, subscribers, capacity and cost."},
        {"M1", "Equipment that is not permitted is switched off. Cells whose site has no other permitted transport, security gateway or unit "
               "above them fall silent with it."},
        {"M2", "Of a silent cell that part stays covered which its live neighbours overlap; overlaps are taken as independent of one another. "
               "People and area count once for a site, and a site that keeps a cell on the air loses none."},
        {"M3", "Covered subscribers go to the live neighbours in proportion to their overlap, and their traffic with them."},
        {"M4", "A cell above its capacity hands on to live neighbours as many as are in the overlap and fit there, these to theirs, over at "
               "most six cells, as many as possible. Those left over lose service."},
        {"M5", "What is not permitted is replaced in the order of deadline, then sensitivity of the place, then subscribers served, so many a "
               "month from the next month on."},
    };
    out_str(o, STR("<h2>What this rests on</h2>\n"));
    if (w->n_causes)
        out_str(o, STR("<table><thead><tr><th><th>Rule or ban<th>Where it is<th class=\"n\">Elements<th class=\"n\">Cells<th class=\"n\">Subscribers</tr>"
                       "</thead><tbody>\n"));
    for (uint32_t i = 0; i < w->n_causes; i++)
        rule(o, w, i);
    if (w->n_causes)
        out_str(o, STR("</tbody></table>\n"));
    out_str(o, STR("<dl>\n"));
    for (size_t i = 0; i < ARRAY_LEN(model); i++)
        out_add(o, "<dt id=\"%s\"><span class=\"mark\">%s</span></dt><dd>%s</dd>\n", model[i].mark, model[i].mark, model[i].text);
    out_str(o, STR("</dl>\n<p class=\"note\">Not in it: radio planning in the field, new sites, roaming to other networks, how long replacement of one "
                   "site takes, prices that rise when many buy at once, and what suppliers do when they are told to go.</p>\n"));
}

char *whatif_html(const struct whatif *w, uint32_t *n)
{
    struct out o = {0};
    void (*const parts[])(struct out *, const struct whatif *) = {head, lead, cards, service, map, crowded, suppliers, core, caps, plan, basis};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        parts[i](&o, w);
    out_str(&o, STR("<footer>Made by redoubt trust what-if. "));
    out_str(&o, str_of(w->ask.inventory->synthetic ? "SYNTHETIC: the network does not exist." : "The inventory is the operator's own."));
    out_str(&o, STR("</footer>\n</main>\n"));
    synthetic(&o, w);
    out_str(&o, STR("</body>\n</html>\n"));
    return out_end(&o, n);
}
