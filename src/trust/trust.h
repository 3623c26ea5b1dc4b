/* SPDX-License-Identifier: Apache-2.0 */
/* trust.h - the function that decides who may take part (spec/sbi/trust.def). It keeps the inventory of rt->store and
 * the policy of rt->policy compiled, knows who is connected, and tells whoever asked when a decision changes: with the
 * day, with an import into the inventory, with another policy. */
#pragma once
#include "base/map.h"
#include "base/text.h"
#include "rt/nf.h"
#include "trust/change.h"
#include "trust/ipsec_peers.h"
#include "trust/policy.h"

extern const struct nf_desc trust_nf;

enum trust_finding { TRUST_FINDING_NONE, TRUST_FINDING_UNPROVED, TRUST_FINDING_OTHER, TRUST_FINDING_NAME, TRUST_FINDING_STRANGER,
                     TRUST_FINDING_VENDOR };
enum { TRUST_KEY = 160 + NET_ADDR_TEXT, TRUST_SLICES = 16 };
struct trust_peer { /* who takes part */
    struct trust *trust;
    struct link link, at; /* at: its row of by_host */
    char key[TRUST_KEY]; /* kind, node id, address */
    char node_id[151], callback[513], name[151], vendor_id[7];
    enum sbi_TrustKind kind;
    struct net_addr address;
    uint8_t plmn[3], gnb_id_bits;
    uint32_t gnb_id;
    uint8_t key_sha256[32];
    bool has_key, permitted, draining;
    uint8_t conditions;
    uint32_t n_slices; /* with the condition listed-slices */
    struct config_slice slices[TRUST_SLICES];
    uint32_t element; /* in the inventory at hand; 0: a stranger */
    char proof[IDENTITY_TEXT]; /* why IPsec proves nothing; empty: it does, or is not asked */
    enum trust_finding finding;
    bool other_vendor; /* its vendorId is not its supplier's; told */
    struct change_said said;
    bool change_refused; /* it says of itself what it may not be until a window opens */
};
struct trust_latest { /* a finding, for redoubt status */
    uint64_t at_unix_us;
    char subject[64], why[256];
    const char *done;
};
struct trust_asking { /* a claim that waits for what strongSwan says */
    struct ipsec_waiter waiter;
    struct link link;
    struct trust *trust;
    struct call *call;
};
struct trust_told { /* entries of evidence within a minute */
    uint32_t minute, n;
};
enum { TRUST_TOLD = 8, TRUST_STRANGERS = 256, TRUST_HOSTS = 4096, TRUST_LATEST = 8 };
struct trust {
    struct rt *rt;
    struct policy *policy;
    struct inventory *inventory;
    struct policy_set *set;
    uint64_t generation; /* of the inventory in the store */
    int32_t today;
    bool is_clock_back; /* it was later before; told */
    struct map by_key;
    struct link peers, askings, by_host[TRUST_HOSTS]; /* by a hash of the address, some in a row: tunnels end by the thousand */
    uint32_t n_peers, n_draining;
    struct timer look; /* at the day and the store */
    struct trust_told *told; /* by element */
    struct trust_told told_strangers[TRUST_STRANGERS]; /* by a hash of the address */
    uint64_t untold, secret[2];
    struct changes changes;
    struct trust_latest latest[TRUST_LATEST]; /* the n_latest-th at n_latest % TRUST_LATEST */
    uint64_t n_latest;
};

/* What would follow if this policy (NULL: the one in force) took the place of the one in force: a line for each element
 * that is connected and would lose or change its permission, with the reason. The count of those that would lose it. */
uint32_t trust_preview(struct trust *, struct policy *, struct text *);
/* It takes its place, with the inventory as it is in the store; elements that lose their permission are drained. The
 * policy is trust's from now on, also when it fails (NULL: the one in force stays). OK, or an error with why[]. */
int trust_apply(struct trust *, struct policy *, char *why, uint32_t cap);
