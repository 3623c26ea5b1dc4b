/* SPDX-License-Identifier: Apache-2.0 */
/* cyclonedx.h - bills of materials in CycloneDX's JSON (ECMA-424, versions 1.2 to 1.7) to the components of a product.
 * What is kept of each: type, name (with its group), version, purl, SHA-256, supplier, licences. */
#pragma once
#include "trust/inventory_row.h"

struct cyclonedx {
    uint32_t components, repeated; /* read; left out, because one of that name and version was there */
    char name[120], version[120];  /* of what the bill is for, where it says so */
    uint32_t line, column;         /* of the mistake */
    char why[INV_REASON];
};
/* Calls row() for each component, those within others too. product: its id. ERR_SYNTAX with line, column and why;
 * ERR_NOSPACE; what row() returned if that was an error. */
int cyclonedx_read(struct str text, struct str product, int (*row)(void *ctx, const struct inv_texts *), void *ctx,
                   struct cyclonedx *);
