/* SPDX-License-Identifier: Apache-2.0 */
/* whatif_plot.h - map and plots of the page. Inside trust/. */
#pragma once
#include "trust/whatif_parts.h"

struct plot_share {
    const char *label, *style; /* a class of the page */
    uint64_t value;
};
void plot_map(struct out *, const struct whatif *);
void plot_shares(struct out *, const struct plot_share *, uint32_t n);
void plot_months(struct out *, const struct whatif *);
void plot_suppliers(struct out *, const struct whatif *);
