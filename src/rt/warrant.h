/* SPDX-License-Identifier: Apache-2.0 */
/* warrant.h - orders by law under which a subscriber's packets are copied to an authority (trust.warrants of the
 * configuration). Without an evidence log there are none: nothing is copied that is not written down. */
#pragma once
#include "codec/pfcp.h"
#include "rt/rt.h"

/* One in force now: of a subscriber, or of the tunnel that takes the copies. NULL: none. They live until the
 * configuration is loaded anew. */
const struct config_warrant *warrant_of_subject(const struct rt *, struct str supi);
const struct config_warrant *warrant_of_delivery(const struct rt *, const struct pfcp_outer_header_creation *);
/* There is one, now or on another day: its UPF must know who he is when the day comes. */
bool warrant_names(const struct rt *, struct str supi);

/* User ID, TS 29.244 8.2.101: an IMSI in TBCD (octets in to[8]), or a SUPI as text. false: neither is one. */
bool warrant_user_id(struct str supi, uint8_t to[8], struct pfcp_user_id *);
/* It is this subscriber. */
bool user_id_is(const struct pfcp_user_id *, struct str supi);
