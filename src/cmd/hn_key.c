/* SPDX-License-Identifier: Apache-2.0 */
/* hn_key.c - home network keys: made for the operator, and read from the files that the configuration names. */
#include "cmd/hn_key.h"
#include "codec/sbi_json.h"
#include "cmd/subscriber.h"
#include "crypto/suci.h"
#include "os/file.h"
#include <stdio.h>
#include <sys/random.h>

enum { PEM_OCTETS = 16384 };

/* PKCS #8 of an X25519 key (RFC 8410), SEC 1 of a P-256 key without its public half (RFC 5915). */
static uint32_t pem_put(char out[512], enum suci_scheme s, const uint8_t priv[32])
{
    static const uint8_t a_head[] = {0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20};
    static const uint8_t b_head[] = {0x30, 0x31, 2, 1, 1, 4, 0x20};
    static const uint8_t b_tail[] = {0xa0, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7};
    uint8_t der[64];
    char base64[96];
    uint32_t n = s == SUCI_PROFILE_A ? sizeof a_head : sizeof b_head;
    memcpy(der, s == SUCI_PROFILE_A ? a_head : b_head, n);
    memcpy(der + n, priv, 32);
    n += 32;
    if (s == SUCI_PROFILE_B) {
        memcpy(der + n, b_tail, sizeof b_tail);
        n += sizeof b_tail;
    }
    uint32_t k = base64_put(base64, (struct bytes){der, n}), first = k < 64 ? k : 64;
    const char *what = s == SUCI_PROFILE_A ? "PRIVATE KEY" : "EC PRIVATE KEY";
    int m = snprintf(out, 512, "-----BEGIN %s-----\n%.*s\n%.*s%s-----END %s-----\n", what, (int)first, base64,
                     (int)(k - first), base64 + first, k > first ? "\n" : "", what);
    secret_wipe(der, sizeof der);
    secret_wipe(base64, sizeof base64);
    return (uint32_t)m;
}

int hn_key_file_write(const char *path, enum suci_scheme s, const uint8_t priv[32])
{
    char pem[512];
    uint32_t n = pem_put(pem, s, priv);
    int e = file_write(path, (struct bytes){(const uint8_t *)pem, n}, 0600);
    secret_wipe(pem, sizeof pem);
    return e;
}

int subscriber_keygen(struct subscriber_command *c)
{
    uint8_t random[32], priv[32], pub[33];
    char pem[512], hex[67];
    struct hn_key *k = NULL;
    bool b = c->profile && (c->profile[0] == 'B' || c->profile[0] == 'b') && !c->profile[1];
    bool a = c->profile && (c->profile[0] == 'A' || c->profile[0] == 'a') && !c->profile[1];
    if (!a && !b)
        return usage("subscriber", "keygen: --profile: expected A (X25519) or B (P-256)");
    if (!c->output)
        return usage("subscriber", "keygen: --output FILE for the private key is missing");
    enum suci_scheme s = b ? SUCI_PROFILE_B : SUCI_PROFILE_A;
    int e = crypto_init(&c->crypto);
    for (int tries = 0; e == OK && !k && tries < 8; tries++)
        if (getrandom(random, sizeof random, 0) == sizeof random)
            hn_key_generate(c->crypto, s, random, &k);
    if (k)
        e = hn_key_private(k, priv);
    int pub_n = k ? hn_key_public(k, pub) : 0;
    uint32_t n = k && e == OK ? pem_put(pem, s, priv) : 0;
    hn_key_free(k);
    secret_wipe(priv, sizeof priv);
    secret_wipe(random, sizeof random);
    bool written = n && secret_file_write(c->output, (struct str){pem, n}) == OK;
    secret_wipe(pem, sizeof pem);
    if (!written)
        return EXIT_FAILED;
    hex_put(hex, pub, (size_t)pub_n);
    printf("private key: %s\npublic key for SIMs (profile %s, identifier %u):\n%s\n\nin the configuration:\n"
           "udm:\n  home_network_keys:\n    - {id: %u, profile: %s, file: %s}\n",
           c->output, b ? "B" : "A", c->key_id, hex, c->key_id, b ? "B" : "A", c->output);
    return EXIT_OK;
}

/* ---- for redoubt run ---- */
static int key_read(struct crypto *c, const struct config_hn_key *h, uint8_t priv[32], const char **why)
{
    uint8_t memory[PEM_OCTETS + 16];
    struct arena a = arena_over(memory, sizeof memory);
    struct bytes pem;
    struct hn_key *k = NULL;
    int e = file_read(h->file.p, PEM_OCTETS, &a, &pem);
    if (e == OK)
        e = hn_key_pem(c, (struct str){(const char *)pem.p, pem.n}, &k);
    *why = e < 0 ? err_text(e) : "it is of the other profile";
    if (e == OK && hn_key_scheme(k) != (h->profile == CONFIG_SUCI_PROFILE_A ? SUCI_PROFILE_A : SUCI_PROFILE_B))
        e = ERR_CONFIG;
    if (e == OK && (e = hn_key_private(k, priv)) < 0)
        *why = "it is a public key; the private one is needed";
    hn_key_free(k);
    secret_wipe(memory, sizeof memory);
    return e;
}
int hn_keys_read(struct config *config, uint8_t keys[HN_KEYS_MAX][32], struct crypto *c, char why[HN_KEYS_WHY])
{
    for (uint32_t i = 0; i < config->udm.n_hn_keys && i < HN_KEYS_MAX; i++) {
        /* the configuration is not in force yet: what cmd_config_load made may still be completed */
        struct config_hn_key *h = (struct config_hn_key *)(uintptr_t)&config->udm.hn_keys[i];
        const char *reason;
        if (!h->file.n || h->key.n)
            continue;
        if (key_read(c, h, keys[i], &reason) < 0) {
            snprintf(why, HN_KEYS_WHY, "udm.home_network_keys: %.200s: %s", h->file.p, reason);
            return ERR_CONFIG;
        }
        h->key = (struct bytes){keys[i], 32};
    }
    return OK;
}
