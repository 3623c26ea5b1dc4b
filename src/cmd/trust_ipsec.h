/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "cmd/trust_store.h"

int trust_ipsec(int argc, char **argv);
#define TRUST_IPSEC_HELP                                                                                               \
    "Writes the configuration of strongSwan (swanctl) from the inventory: a connection for each element on N2, N3 or N4\n" \
    "that proves itself by certificate, and a table for nft that drops what comes to these interfaces otherwise. An element's\n" \
    "IKE identity is its address of the inventory, which its certificate must name; its tunnel carries that address alone.\n\n" \
    "  config --outer ADDRESS --core ADDRESS --output DIR    for the core: DIR/redoubt.conf, for /etc/swanctl/conf.d, and\n" \
    "                             DIR/redoubt.nft, for nft -f\n"                                                        \
    "  config --for ELEMENT ...   for the other end: DIR/redoubt.conf of that element\n"                               \
    "      --outer ADDRESS        where the core's IKE listens; --core ADDRESS: the core's address on N2, N3 and N4\n"  \
    "      --certificate FILE --ca FILE    names of files in swanctl's x509 and x509ca (core.crt or ELEMENT.crt; ca.crt)\n" \
    "Keys and certificates: redoubt trust ca, or your own authority. The list of revoked certificates must be in\n"   \
    "swanctl's x509crl, and current: revocation is strict.\n" TRUST_STORE_HELP
