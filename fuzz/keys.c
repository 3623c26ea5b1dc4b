/* SPDX-License-Identifier: Apache-2.0 */
/* The process that holds keys, as a core that was taken over would speak to it: first octet 0: a request, which is answered if
 * it is one, and the answer read back; else: an answer. Short inputs are filled with zeros. */
#include "crypto/key_box.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct key_box box; /* lives for the process: making it costs more than what is tested */

static void setup(void)
{
    static const char *const text[] = {"c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d",
                                       "f1ab1074477ebcc7f554ea1c5fc368b1616730155e0041ac447d6301975fecda"};
    if (box.crypto)
        return;
    if (crypto_init(&box.crypto))
        abort();
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t raw[32];
        hex_get(raw, 32, str_of(text[i]));
        if (hn_key_private_raw(box.crypto, i ? SUCI_PROFILE_B : SUCI_PROFILE_A, raw, &box.hn[i].key))
            abort();
        box.hn[i].id = i + 1;
    }
    box.n_hn = 2;
}

/* A subscriber's keys, sealed as this box reads them, in the place of what the input has. */
static void seal(struct key_request *q, uint8_t sealed[SEALED_KEY_MAX])
{
    static const uint8_t nonce[KEY_SEAL_NONCE] = {1};
    struct aka_key k = {.alg = q->rand[0] & 1 ? AKA_TUAK : AKA_MILENAGE, .k_n = 16};
    int n = aka_key_seal(&box.seal, nonce, q->supi, &k, sealed);
    if (n > 0)
        q->sealed = (struct bytes){sealed, (uint32_t)n};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t in[KEY_REQUEST_OCTETS] = {0}, out[KEY_ANSWER_OCTETS], sealed[SEALED_KEY_MAX];
    struct key_request q;
    struct key_answer a, b;
    enum key_kind kind;
    if (size < 1 || size > 4096)
        return 0;
    setup();
    memcpy(in, data + 1, size - 1 < sizeof in ? size - 1 : sizeof in);
    if (data[0]) {
        key_answer_decode((struct bytes){in, KEY_ANSWER_OCTETS}, &a, &kind);
        return 0;
    }
    if (key_request_decode(BYTES_OF(in), &q) < 0)
        return 0;
    if (q.sealed.n && q.sealed.p[0] & 1)
        seal(&q, sealed);
    key_box_answer(&box, &q, &a);
    key_answer_encode(&a, q.kind, out);
    if (key_answer_decode(BYTES_OF(out), &b, &kind) < 0 || b.id != a.id || b.error != a.error || kind != q.kind)
        abort();
    uint8_t again[KEY_REQUEST_OCTETS];
    if (key_request_encode(&q, again) < 0)
        abort();
    return 0;
}
