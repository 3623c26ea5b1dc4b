/* SPDX-License-Identifier: Apache-2.0 */
/* whatif_plot.c - map and plots of the page, as SVG. Colours are classes that the page's style defines, so that they
 * follow light, dark and print. */
#include "trust/whatif_plot.h"
#include <math.h>
#include <stdlib.h>

/* ---- map: the equirectangular projection, true to scale in the middle ---- */
enum { MAP_W = 640, MAP_H_MAX = 900 };
struct map_view {
    double west, north, scale_x, scale_y;
    uint32_t height;
    uint32_t n; /* sites with a position */
};

static struct map_view view_of(const struct inventory *v)
{
    double south = 90, north = -90, west = 180, east = -180;
    struct map_view m = {0};
    for (uint32_t i = 0; i < v->n_sites; i++) {
        const struct inv_site *s = &v->sites[i];
        if (!inv_has_position(s->latitude, s->longitude))
            continue;
        m.n++;
        south = s->latitude < south ? s->latitude : south;
        north = s->latitude > north ? s->latitude : north;
        west = s->longitude < west ? s->longitude : west;
        east = s->longitude > east ? s->longitude : east;
    }
    double shrink = cos((south + north) / 2 * 3.14159265358979 / 180);
    double wide = (east - west) * shrink, high = north - south, scale = wide > 0 ? (MAP_W - 24) / wide : 0;
    if (high > 0 && (scale <= 0 || high * scale > MAP_H_MAX - 24))
        scale = (MAP_H_MAX - 24) / high;
    m.west = west - (scale > 0 ? ((MAP_W - 24) / scale - wide) / 2 / shrink : 0);
    m.north = north;
    m.scale_x = scale * shrink;
    m.scale_y = scale;
    m.height = (uint32_t)(high * scale) + 24;
    return m;
}

/* What a site's dot says: the worst of its cells. */
enum dot { DOT_NOTHING, DOT_FINE, DOT_CROWDED, DOT_COVERED, DOT_SILENT, DOTS };
static enum dot dot_of(const struct whatif *w, const struct inv_site *s)
{
    const struct inventory *v = w->ask.inventory;
    enum dot worst = DOT_NOTHING;
    for (uint32_t k = s->elements.first; k < s->elements.first + s->elements.n; k++) {
        uint32_t i = v->by_site[k] - 1;
        const struct whatif_element *e = &w->elements[i];
        enum dot d = DOT_NOTHING;
        if (whatif_is_silent(e))
            d = (uint64_t)e->lost * 10 > v->elements[i].subscribers || (!v->elements[i].subscribers && whatif_covered(w, i) < 0.9)
                    ? DOT_SILENT : DOT_COVERED;
        else if (whatif_is_live(e))
            d = e->demand && e->capacity && (uint64_t)v->elements[i].subscribers + e->demand > e->capacity ? DOT_CROWDED : DOT_FINE;
        worst = d > worst ? d : worst;
    }
    return worst;
}

static void map_dots(struct out *o, const struct whatif *w, const struct map_view *m, enum dot which, const uint8_t *dot)
{
    static const char *const classes[DOTS] = {"", "fine", "crowded", "covered", "silent"};
    int32_t x0 = 0, y0 = 0;
    bool any = false;
    for (uint32_t i = 0; i < w->ask.inventory->n_sites; i++) {
        const struct inv_site *s = &w->ask.inventory->sites[i];
        if (dot[i] != which || !inv_has_position(s->latitude, s->longitude))
            continue;
        int32_t x = (int32_t)((12 + (s->longitude - m->west) * m->scale_x) * 10), y = (int32_t)((12 + (m->north - s->latitude) * m->scale_y) * 10);
        if (!any)
            out_add(o, "<path class=\"dot %s\" d=\"M%d %dh0", classes[which], x, y);
        else /* relative moves are shorter; a line of no length is a dot by its round ends */
            out_add(o, "m%d %dh0", x - x0, y - y0);
        any = true;
        x0 = x;
        y0 = y;
    }
    if (any)
        out_str(o, STR("\"/>\n"));
}

static void map_regions(struct out *o, const struct whatif *w, const struct map_view *m)
{
    const struct inventory *v = w->ask.inventory;
    for (uint32_t k = 0, shown = 0; k < w->n_regions && shown < 16; k++) {
        double lat = 0, lon = 0;
        uint32_t n = 0, ref = w->regions[k].region;
        for (uint32_t i = 0; ref && i < v->n_sites; i++)
            if (v->sites[i].region_ref == ref && inv_has_position(v->sites[i].latitude, v->sites[i].longitude)) {
                lat += v->sites[i].latitude;
                lon += v->sites[i].longitude;
                n++;
            }
        if (!n)
            continue;
        out_add(o, "<text class=\"region\" x=\"%.0f\" y=\"%.0f\">", (12 + (lon / n - m->west) * m->scale_x) * 10,
                (12 + (m->north - lat / n) * m->scale_y) * 10);
        out_html(o, whatif_region_name(w, ref));
        out_str(o, STR("</text>\n"));
        shown++;
    }
}

void plot_map(struct out *o, const struct whatif *w)
{
    const struct inventory *v = w->ask.inventory;
    struct map_view m = view_of(v);
    uint8_t *dot = calloc(v->n_sites + 1u, 1);
    if (!dot) {
        o->bad = true;
        return;
    }
    for (uint32_t i = 0; i < v->n_sites; i++)
        dot[i] = (uint8_t)dot_of(w, &v->sites[i]);
    if (!m.n) {
        out_str(o, STR("<p>The inventory has no positions: there is no map.</p>\n"));
    } else {
        double km_px = m.scale_y / 111.2, km = 1; /* a scale bar of 1, 2 or 5 times a power of ten */
        while (km * km_px < 60 && km < 5000)
            km *= (km == 1 || km == 10 || km == 100 || km == 1000) ? 2 : (km == 2 || km == 20 || km == 200 || km == 2000) ? 2.5 : 2;
        out_add(o, "<svg class=\"map %s\" viewBox=\"0 0 %d %u\" role=\"img\" aria-label=\"Map of sites\">\n", m.n > 5000 ? "dense" : "sparse",
                MAP_W * 10, (m.height + 20) * 10);
        for (enum dot d = DOT_FINE; d < DOTS; d++)
            map_dots(o, w, &m, d, dot);
        map_regions(o, w, &m);
        out_add(o, "<path class=\"scale\" d=\"M120 %uh%.0f\"/><text class=\"scale\" x=\"120\" y=\"%u\">%.0f km</text>\n", (m.height + 12) * 10,
                km * km_px * 10, (m.height + 6) * 10, km);
        out_str(o, STR("</svg>\n"));
    }
    free(dot);
}

/* ---- a bar of three parts ---- */
void plot_shares(struct out *o, const struct plot_share *s, uint32_t n)
{
    uint64_t total = 0;
    double x = 0;
    for (uint32_t i = 0; i < n; i++)
        total += s[i].value;
    if (!total)
        return;
    out_str(o, STR("<svg class=\"bar\" viewBox=\"0 0 1000 56\" preserveAspectRatio=\"none\" role=\"img\">\n"));
    for (uint32_t i = 0; i < n; i++) {
        double width = 1000.0 * (double)s[i].value / (double)total;
        char share[NUMBER_TEXT];
        out_add(o, "<rect class=\"%s\" x=\"%.2f\" y=\"0\" width=\"%.2f\" height=\"56\"><title>%s: %s</title></rect>\n", s[i].style, x, width,
                s[i].label, share_text(s[i].value, total, share));
        x += width;
    }
    out_str(o, STR("</svg>\n"));
}

/* ---- replacement by month: bars, what is due, and the money that is spent ---- */
enum { PLOT_W = 960, PLOT_H = 260, LEFT = 70, BOTTOM = 34, TOP = 12, RIGHT = 90 };
static double nice(double v) /* a round number at or above it */
{
    static const double steps[] = {1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10}; /* quarters of them are short numbers */
    double p = 1;
    size_t i = 0;
    while (p * 10 <= v)
        p *= 10;
    while (steps[i] * p < v && i + 1 < ARRAY_LEN(steps))
        i++;
    return steps[i] * p;
}
static void compact(struct out *o, double v)
{
    char a[NUMBER_TEXT];
    if (v >= 1e9)
        out_add(o, "%.3g bn", v / 1e9);
    else if (v >= 1e6)
        out_add(o, "%.3g m", v / 1e6);
    else
        out_str(o, str_of(number_text((uint64_t)(v + 0.5), a)));
}

void plot_months(struct out *o, const struct whatif *w)
{
    struct whatif_money unit = whatif_money_most(w->cost, w->n_costs);
    double most = 1, total = 0, sum = 0, step = (double)(PLOT_W - LEFT - RIGHT) / (w->n_months ? w->n_months : 1), high = PLOT_H - TOP - BOTTOM;
    uint64_t left = w->n_order;
    for (uint32_t m = 0; m < w->n_months; m++)
        total += w->months[m].elements;
    most = nice(total > 0 ? total : 1);
    out_add(o, "<svg class=\"plot\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Equipment that is not permitted and still in place, by month\">\n", PLOT_W, PLOT_H);
    for (uint32_t i = 0; i <= 4; i++) {
        double y = TOP + high - high * i / 4;
        out_add(o, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text class=\"tick end\" x=\"%d\" y=\"%.1f\">", LEFT, y, PLOT_W - RIGHT, LEFT - 6, y + 4);
        compact(o, most * i / 4);
        out_str(o, STR("</text>"));
    }
    out_str(o, STR("\n"));
    uint32_t every = w->n_months > 24 ? (w->n_months + 11) / 12 : w->n_months > 12 ? 3 : 1;
    for (uint32_t m = 0; m < w->n_months; m++) {
        char day[INV_DATE_TEXT];
        double x = LEFT + step * m;
        left -= w->months[m].elements;
        double h = high * (double)left / most, done = high * w->months[m].elements / most;
        inv_date_text(w->months[m].first, day);
        out_add(o, "<rect class=\"still\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/><rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%.7s: %u replaced, %u due</title></rect>\n",
                x, TOP + high - h, step * 0.86, h, w->months[m].late ? "late" : "done", x, TOP + high - h - done, step * 0.86, done, day,
                w->months[m].elements, w->months[m].due);
        if (m % every == 0)
            out_add(o, "<text class=\"tick\" x=\"%.1f\" y=\"%d\">%.7s</text>\n", x, PLOT_H - 12, day);
    }
    if (unit.amount) {
        double scale = nice((double)unit.amount);
        out_str(o, STR("<path class=\"money\" d=\""));
        for (uint32_t m = 0; m < w->n_months; m++) {
            for (uint32_t k = 0; k < w->months[m].n_costs; k++)
                if (memcmp(w->months[m].cost[k].currency, unit.currency, 4) == 0)
                    sum += (double)w->months[m].cost[k].amount;
            out_add(o, "%s%.1f %.1f", m ? "L" : "M", LEFT + step * (m + 0.43), TOP + high - high * sum / scale);
        }
        out_str(o, STR("\"/>\n"));
        for (uint32_t i = 1; i <= 4; i += 1) {
            out_add(o, "<text class=\"tick money\" x=\"%d\" y=\"%.1f\">%.3s ", PLOT_W - RIGHT + 6, TOP + high - high * i / 4 + 4, unit.currency);
            compact(o, scale * i / 4);
            out_str(o, STR("</text>"));
        }
    }
    out_str(o, STR("</svg>\n"));
}

/* ---- suppliers before and after ---- */
void plot_suppliers(struct out *o, const struct whatif *w)
{
    enum { ROW = 34, ROWS = 8, NAME = 240, VALUE = 170 };
    uint32_t n = w->n_suppliers < ROWS ? w->n_suppliers : ROWS;
    double most = n ? w->suppliers[0].elements : 1, wide = PLOT_W - NAME - VALUE;
    char a[NUMBER_TEXT], b[NUMBER_TEXT];
    out_add(o, "<svg class=\"plot\" viewBox=\"0 0 %d %u\" role=\"img\" aria-label=\"Elements by supplier, and those that are denied\">\n", PLOT_W, n * ROW);
    for (uint32_t i = 0; i < n; i++) {
        const struct whatif_supplier *s = &w->suppliers[i];
        double stay = wide * (s->elements - s->denied) / most, gone = wide * s->denied / most;
        out_add(o, "<text class=\"name\" x=\"%d\" y=\"%u\">", NAME - 10, i * ROW + 22);
        struct str name = whatif_supplier_name(w, s->supplier);
        name.n = name.n > 30 ? 30 : name.n; /* a cut letter shows as '?' */
        out_html(o, name);
        out_add(o, "</text><rect class=\"kept\" x=\"%d\" y=\"%u\" width=\"%.1f\" height=\"20\"/><rect class=\"silent\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"20\"/>", NAME,
                i * ROW + 7, stay, NAME + stay, i * ROW + 7, gone);
        out_add(o, "<text class=\"tick\" x=\"%.1f\" y=\"%u\">%s, %s denied</text>\n", NAME + stay + gone + 8, i * ROW + 22,
                number_text(s->elements, a), s->denied ? number_text(s->denied, b) : "none");
    }
    out_str(o, STR("</svg>\n"));
}
