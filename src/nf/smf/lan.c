/* SPDX-License-Identifier: Apache-2.0 */
/* 5G LANs, TS 23.501 5.29: a group is a data network (DNN, with the slices that offer it) and its members, who alone
 * get sessions in it. What a phone says of itself decides nothing: members are the subscribers of the configuration. */
#include "nf/smf/smf.h"

bool smf_may_join(const struct smf_session *s)
{
    const struct config_dnn *c = s->dnn->c;
    for (uint32_t i = 0; i < c->n_lan_members; i++)
        if (str_eq(c->lan_members[i], smf_supi(s)))
            return true;
    return c->n_lan_members == 0;
}
