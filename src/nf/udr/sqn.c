/* SPDX-License-Identifier: Apache-2.0 */
/* Sequence numbers that are never given out twice, whatever a crash takes: docs/decisions/0003. */
#include "nf/udr/udr.h"
#include "base/log.h"
#include <stdio.h>
#include <stdlib.h>

static const struct bytes key_epoch = {(const uint8_t *)"epoch", 5}, key_clean = {(const uint8_t *)"clean", 5};

/* Whether the last run ended cleanly is known from a mark that its stop wrote last. Nothing is given out before
 * the removal of the mark, or the next epoch, is durable. */
int udr_epoch_start(struct udr *u)
{
    struct store *st = u->rt->store;
    uint8_t memory[256];
    struct arena a = arena_over(memory, sizeof memory);
    struct bytes v, mark;
    char text[16] = "0";
    if (u->epoch_known)
        return OK;
    int e = store_get(st, STORE_meta, key_epoch, &a, &v);
    bool is_new = e == ERR_NOTFOUND;
    if (e < 0 && !is_new)
        return e;
    if (!is_new && !str_copy(text, sizeof text, (struct str){(const char *)v.p, v.n}))
        return ERR_SYNTAX;
    char *end;
    unsigned long epoch = strtoul(text, &end, 10);
    if (*end || end == text || epoch >= UINT32_MAX)
        return ERR_SYNTAX;
    int clean = store_get(st, STORE_meta, key_clean, &a, &mark);
    if (clean < 0 && clean != ERR_NOTFOUND)
        return clean;
    epoch += clean == ERR_NOTFOUND && !is_new;
    int n = snprintf(text, sizeof text, "%lu", epoch);
    e = store_put(st, STORE_meta, key_epoch, (struct bytes){(const uint8_t *)text, (uint32_t)n});
    if (e == OK)
        e = store_del(st, STORE_meta, key_clean);
    if (e == OK)
        e = udr_sync(u);
    if (e == OK) {
        u->epoch = (uint32_t)epoch;
        u->epoch_known = true;
    }
    return e;
}

void udr_epoch_stop(struct udr *u)
{
    if (u->epoch_known && udr_sync(u) == OK &&
        store_put(u->rt->store, STORE_meta, key_clean, (struct bytes){(const uint8_t *)"1", 1}) == OK)
        udr_sync(u);
    u->epoch_known = false;
}

/* A row that was lost, or never came to be, is behind by less than a margin for each crash since. */
int udr_sqn_get(struct udr *u, struct str supi, const struct subscriber *s, uint64_t *sqn)
{
    uint8_t memory[64];
    struct arena a = arena_over(memory, sizeof memory);
    struct bytes v;
    int e = udr_epoch_start(u);
    if (e < 0)
        return e;
    e = store_get(u->rt->store, STORE_sqn, (struct bytes){(const uint8_t *)supi.p, supi.n}, &a, &v);
    if (e == ERR_NOTFOUND) {
        *sqn = subscriber_sqn_skip(s->sqn, (uint64_t)u->epoch * UDR_SQN_MARGIN);
        return OK;
    }
    if (e < 0)
        return e == ERR_STORE ? e : ERR_SYNTAX;
    if (v.n != 10 || be32(v.p + 6) > u->epoch)
        return ERR_SYNTAX;
    uint64_t crashes = u->epoch - be32(v.p + 6);
    *sqn = subscriber_sqn_skip((uint64_t)be16(v.p) << 32 | be32(v.p + 2), crashes * UDR_SQN_MARGIN);
    return OK;
}

int udr_sqn_set(struct udr *u, struct str supi, uint64_t from, uint64_t to)
{
    uint8_t row[10];
    put_be16(row, (uint16_t)(to >> 32));
    put_be32(row + 2, (uint32_t)to);
    put_be32(row + 6, u->epoch);
    int e = store_put(u->rt->store, STORE_sqn, (struct bytes){(const uint8_t *)supi.p, supi.n}, BYTES_OF(row));
    if (e < 0)
        return e;
    uint64_t seq_from = from >> AKA_IND_BITS, seq_to = to >> AKA_IND_BITS;
    u->unsynced += seq_to > seq_from ? seq_to - seq_from : 0;
    if (u->unsynced > UDR_SQN_MARGIN) /* rare: a storm within one commit, or the store cannot commit */
        return udr_sync(u);
    udr_written(u);
    LOG(u->rt->log, sqn_block_taken, "ue=%s numbers=%llu", log_identity(u->rt->log, supi).text,
        (unsigned long long)(seq_to - seq_from));
    return OK;
}
