/* SPDX-License-Identifier: Apache-2.0 */
#include "os/sctp.h"

int sctp_open(struct sctp **out, struct loop *loop, const struct sctp_conf *given)
{
    struct sctp_conf c = given ? *given : (struct sctp_conf){0};
#define DEFAULT(field, value) c.field = c.field ? c.field : (value)
    DEFAULT(max_assocs, 1024);
    DEFAULT(max_message, 262144);
    DEFAULT(send_queue, 1 << 20);
    DEFAULT(rto_initial_ms, 500);
    DEFAULT(rto_min_ms, 250);
    DEFAULT(rto_max_ms, 2000);
    DEFAULT(heartbeat_ms, 2000);
    DEFAULT(sack_delay_ms, 20);
    DEFAULT(assoc_retrans, 5);
    DEFAULT(init_retrans, 4);
    DEFAULT(path_mtu, 1400);
#undef DEFAULT
    if (c.path_mtu < 512 || c.max_message < 4096 || c.max_message > 1 << 24 ||
        c.send_queue < c.max_message || c.rto_min_ms > c.rto_max_ms || c.max_assocs > 1 << 20)
        return ERR_CONFIG;
    if (c.mode == SCTP_MODE_USER)
        return sctp_user_open(out, loop, &c);
    int rc = sctp_kernel_open(out, loop, &c);
    if (rc == ERR_UNSUPPORTED && c.mode == SCTP_MODE_AUTO)
        rc = sctp_user_open(out, loop, &c);
    return rc;
}

void sctp_free(struct sctp *s)
{
    if (s)
        s->ops->free(s);
}
