/* SPDX-License-Identifier: Apache-2.0 */
/* upf.h - the UP function of N4, TS 29.244: associations and sessions of SMFs, rules for the packet
 * path. boot needs rt->config (upf.*) and rt->user_plane (dp/user_plane.h), which has to be open
 * and stays so until the UPF has stopped. It offers no services.
 *
 * Supported: one tunnel or several (RULE_TUNNELS) a session, F-TEIDs chosen here alone, UE addresses
 * given by the SMF, SDF filters, gates, MBR, QFI and RQI marking, buffering with notification, end
 * markers, usage by volume and time, thresholds, quotas, periods, queries, inactivity. What the
 * packet path cannot do is refused by name, and no feature is announced that is not there. */
#pragma once
#include "rt/nf.h"

extern const struct nf_desc upf_nf;
