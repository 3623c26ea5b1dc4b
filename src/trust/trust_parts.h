/* SPDX-License-Identifier: Apache-2.0 */
/* trust_parts.h - what the files of the trust function share. */
#pragma once
#include "trust/trust.h"
#include "rt/config.h"

static inline bool trust_is_enforced(const struct trust *t) { return t->rt->config->trust.mode == CONFIG_TRUST_MODE_ENFORCE; }

/* trust_who.c: numbers of elements in the inventory; 0: none */
uint8_t trust_service_of(enum sbi_TrustKind);
void trust_prove(struct trust *, struct trust_peer *, bool fresh);
uint32_t trust_claimed(const struct trust *, const struct trust_peer *);
uint32_t trust_proved(const struct trust *, const struct trust_peer *);
bool trust_says_other_vendor(const struct trust *, const struct trust_peer *);
uint32_t trust_identify(const struct trust *, const struct trust_peer *, enum trust_finding *);

/* trust_tell.c */
enum { TRUST_FINDING_TEXT = IDENTITY_TEXT + 80 };
const char *trust_finding_why(const struct trust_peer *, enum trust_finding, char buf[TRUST_FINDING_TEXT]);
void trust_finding_write(struct trust *, const struct trust_peer *, const char *why, const char *done);
void trust_finding_tell(struct trust *, const struct trust_peer *, enum trust_finding);
void trust_untold_tell(struct trust *);
struct str trust_element_id(const struct trust *, const struct trust_peer *);
void trust_latest_put(struct trust *, struct str subject, const char *why, const char *done);
const char *trust_first_reason(const struct policy_verdict *, char buf[POLICY_REASON_TEXT]);
void trust_decision_tell(struct trust *, const struct trust_peer *, const struct policy_verdict *, enum trust_finding, bool asked);
void trust_imports_tell(struct trust *, uint64_t after, bool at_start);
