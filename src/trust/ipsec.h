/* SPDX-License-Identifier: Apache-2.0 */
/* ipsec.h - the inventory as the configuration of a security gateway: strongSwan's swanctl.conf for the elements that
 * prove themselves by certificate (TS 33.501 9.2 for N2, 9.3 for N3, 9.9 for N4; profiles of TS 33.210 5.3 and TS 33.310),
 * and a table of nft that keeps everything else off these interfaces. So behind the gateway an address is as good as the
 * certificate: it is the peer's IKE identity, a name of its certificate, and all that its tunnel carries. */
#pragma once
#include "trust/inventory.h"

struct ipsec_options {
    struct net_addr outer; /* the core's side of the backhaul, where IKE listens */
    struct net_addr core;  /* the core's address on N2, N3 and N4, inside of the tunnels */
    struct str certificate, authority; /* file names in swanctl's x509 and x509ca */
    int32_t date;          /* elements in service on that day */
};
struct ipsec_result {
    uint32_t connections, by_address; /* written; let in by their address alone */
    uint32_t no_address, no_key;      /* left out */
};
/* Each gives its text piece by piece to put(), whose error ends it. */
int ipsec_core_config(const struct inventory *, const struct ipsec_options *, int (*put)(void *ctx, struct str), void *ctx,
                      struct ipsec_result *);
/* The other end, for an element. ERR_MISSING: it has no address, or is none that IPsec is for. */
int ipsec_element_config(const struct inventory *, uint32_t element, const struct ipsec_options *,
                         int (*put)(void *ctx, struct str), void *ctx);
/* For nft -f. */
int ipsec_filter(const struct inventory *, const struct ipsec_options *, int (*put)(void *ctx, struct str), void *ctx);
