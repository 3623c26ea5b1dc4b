/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"
#include "trust/merkle.h"
#include "trust/note.h"

static struct crypto *c;

/* The tree of 8 leaves by which implementations of RFC 6962 are compared. */
static const char *const leaves[8] = {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                      "606162636465666768696a6b6c6d6e6f"};
static const char *const roots[9] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};
static struct merkle_hash hash_of(const char *hex)
{
    struct merkle_hash h;
    assert_true(hex_get(h.b, sizeof h.b, str_of(hex)));
    return h;
}
static struct merkle_hash leaf_of(uint32_t i)
{
    uint8_t b[16];
    struct merkle_hash h;
    uint32_t n = (uint32_t)strlen(leaves[i]) / 2;
    assert_true(hex_get(b, n, str_of(leaves[i])));
    assert_int_equal(merkle_leaf(c, (struct bytes){b, n}, &h), OK);
    return h;
}

static void known_roots(void **state)
{
    struct merkle m = {0};
    struct merkle_hash root;
    for (uint32_t n = 0; n <= 8; n++) {
        assert_int_equal(merkle_root(c, &m, &root), OK);
        struct merkle_hash want = hash_of(roots[n]);
        assert_memory_equal(root.b, want.b, 32);
        if (n < 8) {
            struct merkle_hash leaf = leaf_of(n);
            assert_int_equal(merkle_add(c, &m, &leaf), OK);
        }
    }
}

struct tree {
    struct merkle_source source;
    struct merkle_hash leaf[300];
};
static int subtree(struct merkle_source *s, uint64_t from, uint32_t level, struct merkle_hash *out)
{
    struct merkle m = {0};
    assert_int_equal(from % (1ull << level), 0);
    for (uint64_t i = from; i < from + (1ull << level); i++)
        merkle_add(c, &m, &((struct tree *)s)->leaf[i]);
    return merkle_root(c, &m, out);
}

static void known_proofs(void **state)
{
    struct tree t = {.source = {subtree, c}};
    for (uint32_t i = 0; i < 8; i++)
        t.leaf[i] = leaf_of(i);
    static const char *const inclusion_0_8[] = {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                                                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                                                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"};
    static const char *const consistency_1_8[] = {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                                                  "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                                                  "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"};
    static const char *const consistency_6_8[] = {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                                                  "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                                                  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"};
    struct merkle_proof p;
    assert_int_equal(merkle_prove_inclusion(&t.source, 0, 8, &p), OK);
    assert_int_equal(p.n, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_memory_equal(p.hash[i].b, hash_of(inclusion_0_8[i]).b, 32);
    assert_int_equal(merkle_prove_consistency(&t.source, 1, 8, &p), OK);
    assert_int_equal(p.n, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_memory_equal(p.hash[i].b, hash_of(consistency_1_8[i]).b, 32);
    assert_int_equal(merkle_prove_consistency(&t.source, 6, 8, &p), OK);
    assert_int_equal(p.n, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_memory_equal(p.hash[i].b, hash_of(consistency_6_8[i]).b, 32);
}

/* Every proof of every size verifies, and nothing else does. */
static void proofs_of_all_sizes(void **state)
{
    enum { N = 70 };
    struct tree t = {.source = {subtree, c}};
    struct merkle m = {0};
    struct merkle_hash root[N + 1];
    for (uint32_t i = 0; i < N; i++) {
        uint8_t b = (uint8_t)i;
        merkle_root(c, &m, &root[i]);
        merkle_leaf(c, (struct bytes){&b, 1}, &t.leaf[i]);
        merkle_add(c, &m, &t.leaf[i]);
    }
    merkle_root(c, &m, &root[N]);
    struct merkle_proof p;
    for (uint64_t size = 1; size <= N; size++)
        for (uint64_t i = 0; i < size; i++) {
            assert_int_equal(merkle_prove_inclusion(&t.source, i, size, &p), OK);
            assert_int_equal(merkle_verify_inclusion(c, i, size, &t.leaf[i], &p, &root[size]), OK);
            assert_true(merkle_verify_inclusion(c, i, size, &t.leaf[(i + 1) % N], &p, &root[size]) < 0);
            if (size > 1) /* a verifier cannot tell the index where two sides look alike; the leaf it can */
                assert_true(merkle_verify_inclusion(c, i, size, &t.leaf[i], &p, &root[size - 1]) < 0);
            p.n++;
            assert_true(merkle_verify_inclusion(c, i, size, &t.leaf[i], &p, &root[size]) < 0);
            p.n -= p.n > 1 ? 2 : 1;
            if (size > 1)
                assert_true(merkle_verify_inclusion(c, i, size, &t.leaf[i], &p, &root[size]) < 0);
        }
    for (uint64_t size = 0; size <= N; size++)
        for (uint64_t old = 0; old <= size; old++) {
            assert_int_equal(merkle_prove_consistency(&t.source, old, size, &p), OK);
            assert_int_equal(merkle_verify_consistency(c, old, size, &root[old], &root[size], &p), OK);
            if (old) {
                assert_true(merkle_verify_consistency(c, old, size, &root[old - 1], &root[size], &p) < 0);
                assert_true(merkle_verify_consistency(c, old, size, &root[old], &root[size - 1], &p) < 0);
            }
            if (p.n) {
                p.hash[p.n / 2].b[7] ^= 1;
                assert_true(merkle_verify_consistency(c, old, size, &root[old], &root[size], &p) < 0);
                p.hash[p.n / 2].b[7] ^= 1;
                p.n--;
                assert_true(merkle_verify_consistency(c, old, size, &root[old], &root[size], &p) < 0);
                p.n++;
            }
            p.n = p.n < MERKLE_PROOF_MAX ? p.n + 1 : p.n;
            assert_true(merkle_verify_consistency(c, old, size, &root[old], &root[size], &p) < 0);
        }
    assert_int_equal(merkle_prove_inclusion(&t.source, 5, 5, &p), ERR_RANGE);
    assert_int_equal(merkle_prove_consistency(&t.source, 6, 5, &p), ERR_RANGE);
    assert_int_equal(merkle_verify_consistency(c, 6, 5, &root[6], &root[5], &p), ERR_RANGE);
}

/* Subtrees of files that are known only by their root. */
static void subtrees_are_leaves(void **state)
{
    struct merkle all = {0}, by_four = {0}, four = {0};
    struct merkle_hash a, b, leaf;
    for (uint32_t i = 0; i < 24; i++) {
        uint8_t octet = (uint8_t)i;
        merkle_leaf(c, (struct bytes){&octet, 1}, &leaf);
        merkle_add(c, &all, &leaf);
        merkle_add(c, &four, &leaf);
        if (four.size == 4) {
            merkle_root(c, &four, &a);
            merkle_add_subtree(c, &by_four, 2, &a);
            four = (struct merkle){0};
        }
    }
    merkle_root(c, &all, &a);
    merkle_root(c, &by_four, &b);
    assert_int_equal(by_four.size, 24);
    assert_true(merkle_eq(&a, &b));
}

/* ---- notes: the example that Go's sumdb gives, whose signature any implementation must make ---- */
#define GO_TEXT "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
#define GO_SIG                                                                                     \
    "\xe2\x80\x94 PeterNeumann "                                                                   \
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define GO_SKEY "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define GO_VKEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

static void notes_of_others(void **state)
{
    struct note_signer s;
    struct note_key k;
    struct note n;
    char text[NOTE_KEY_TEXT], line[256];
    assert_int_equal(note_signer_parse(&s, c, STR(GO_SKEY "\n")), OK);
    assert_int_equal(note_key_parse(&k, c, STR(GO_VKEY)), OK);
    assert_int_equal(note_key_text(&s.key, text), sizeof GO_VKEY - 1);
    assert_string_equal(text, GO_VKEY);
    note_signer_text(&s, text);
    assert_string_equal(text, GO_SKEY);
    assert_int_equal(note_sign(&s, STR(GO_TEXT), 0, line, sizeof line), sizeof GO_SIG - 1);
    assert_string_equal(line, GO_SIG);
    assert_int_equal(note_parse(&n, STR(GO_TEXT "\n" GO_SIG)), OK);
    assert_int_equal(note_verify(&n, &k, NULL), OK);
    assert_int_equal(note_sign(&s, STR(GO_TEXT), 0, line, 40), ERR_NOSPACE);
}

/* Every octet of a note changed in any way is noticed. */
static void note_mutations(void **state)
{
    char note[] = GO_TEXT "\n" GO_SIG;
    struct note_key k;
    struct note n;
    note_key_parse(&k, c, STR(GO_VKEY));
    for (uint32_t i = 0; i < sizeof note - 1; i++)
        for (uint32_t bit = 1; bit < 256; bit <<= 1) {
            note[i] = (char)(note[i] ^ bit);
            int e = note_parse(&n, (struct str){note, sizeof note - 1});
            assert_true(e < 0 || note_verify(&n, &k, NULL) < 0);
            note[i] = (char)(note[i] ^ bit);
        }
    for (uint32_t n_octets = 0; n_octets < sizeof note - 1; n_octets++) {
        int e = note_parse(&n, (struct str){note, n_octets});
        assert_true(e < 0 || note_verify(&n, &k, NULL) < 0);
    }
}

static void note_refusals(void **state)
{
    struct note n;
    struct note_key k;
    struct note_signer s;
    static const char *const bad[] = {
        "", "\n", "a\n", "a\n\n", "a\n\nb\n", "a\r\n\n" GO_SIG, "a\n\n" GO_SIG "x", "a\n\n\xe2\x80\x94 x\n",
        "a\n\n\xe2\x80\x94 x AAAA\n", "a\n\n\xe2\x80\x94 x AAAAA\n", "a\n\n\xe2\x80\x94 x+y AAAAAAAA\n", "\xff\n\n" GO_SIG,
        "a\n\n" GO_SIG "\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_true(note_parse(&n, str_of(bad[i])) < 0);
    static const char *const bad_key[] = {
        "", "x", "x+y", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T", "Peter Neumann+c74f20a3+AAAA",
        "PeterNeumann+c74f20a3+AxpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad_key); i++)
        assert_true(note_key_parse(&k, c, str_of(bad_key[i])) < 0);
    assert_true(note_signer_parse(&s, c, STR(GO_VKEY)) < 0);
    assert_false(note_name_valid(STR("a\xe2\x80\x83z")));
    assert_false(note_name_valid(STR("a\x7f")));
    assert_true(note_name_valid(STR("evidence.example/n\xc3\xb6rd")));
    char many[NOTE_MAX];
    uint32_t len = (uint32_t)snprintf(many, sizeof many, "a\n\n");
    for (uint32_t i = 0; i <= NOTE_SIGNATURES_MAX; i++)
        len += (uint32_t)snprintf(many + len, sizeof many - len, "%s", GO_SIG);
    assert_int_equal(note_parse(&n, (struct str){many, len}), ERR_FULL);
    assert_int_equal(note_parse(&n, (struct str){many, len - (uint32_t)sizeof GO_SIG + 1}), OK);
}

/* The example of c2sp.org/tlog-cosignature: it must be read, whoever's keys these are. */
static void checkpoint_of_the_specification(void **state)
{
    static const char text[] =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "\xe2\x80\x94 example.com/behind-the-sofa "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        "\xe2\x80\x94 witness.example.com/w1 "
        "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    struct note n;
    struct checkpoint p;
    char again[256];
    assert_int_equal(note_parse(&n, STR(text)), OK);
    assert_int_equal(n.n, 2);
    assert_int_equal(n.signature[1].n, 72);
    assert_int_equal(be64(n.signature[1].octets), 1679315147);
    assert_int_equal(checkpoint_parse(&p, n.text), OK);
    assert_int_equal(p.size, 20852163);
    assert_true(str_is(p.origin, "example.com/behind-the-sofa"));
    assert_int_equal(checkpoint_text(&p, again, sizeof again), n.text.n);
    assert_memory_equal(again, n.text.p, n.text.n);
    static const char *const bad[] = {"a\n1\n", "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
                                      "a\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
                                      "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
                                      "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
                                      "a\n18446744073709551616\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
                                      "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_true(checkpoint_parse(&p, str_of(bad[i])) < 0);
}

static void cosignatures(void **state)
{
    struct note_signer w;
    struct note n;
    uint8_t seed[32] = {7};
    char text[1024] = "log.example\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    uint32_t len = (uint32_t)strlen(text);
    uint64_t at = 0;
    assert_int_equal(note_signer_init(&w, c, STR("witness.example/w"), NOTE_COSIGNATURE, seed), OK);
    text[len] = '\n';
    int k = note_sign(&w, (struct str){text, len}, 1700000000, text + len + 1, 512);
    assert_true(k > 0);
    assert_int_equal(note_parse(&n, (struct str){text, len + 1 + (uint32_t)k}), OK);
    assert_int_equal(note_verify(&n, &w.key, &at), OK);
    assert_int_equal(at, 1700000000);
    n.signature[0].octets[7] ^= 1; /* the time */
    assert_int_equal(note_verify(&n, &w.key, &at), ERR_MAC);
    w.key.id++;
    assert_int_equal(note_verify(&n, &w.key, &at), ERR_NOTFOUND);
    assert_int_equal(note_signer_init(&w, c, STR("no spaces please"), NOTE_ED25519, seed), ERR_SYNTAX);
}

/* RFC 8032 7.1, tests 1 and 3. */
static void signatures(void **state)
{
    uint8_t seed[32], pub[32], want[64], got[64];
    hex_get(seed, 32, STR("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
    hex_get(want, 32, STR("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
    assert_int_equal(ed25519_public(seed, pub), OK);
    assert_memory_equal(pub, want, 32);
    hex_get(want, 64, STR("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
                          "d25bf5f0595bbe24655141438e7a100b"));
    assert_int_equal(ed25519_sign(seed, (struct bytes){NULL, 0}, got), OK);
    assert_memory_equal(got, want, 64);
    hex_get(seed, 32, STR("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"));
    ed25519_public(seed, pub);
    ed25519_sign(seed, BYTES_OF(((uint8_t[]){0xaf, 0x82})), got);
    assert_int_equal(ed25519_verify(pub, BYTES_OF(((uint8_t[]){0xaf, 0x82})), got), OK);
    assert_int_equal(ed25519_verify(pub, BYTES_OF(((uint8_t[]){0xaf, 0x83})), got), ERR_MAC);
    memset(pub, 0xff, 32);
    assert_true(ed25519_verify(pub, BYTES_OF(((uint8_t[]){0xaf, 0x82})), got) < 0);
}

int main(void)
{
    if (crypto_init(&c) < 0)
        return 1;
    int failed = RUN(unit(known_roots), unit(known_proofs), unit(proofs_of_all_sizes), unit(subtrees_are_leaves),
                     unit(notes_of_others), unit(note_mutations), unit(note_refusals), unit(checkpoint_of_the_specification),
                     unit(cosignatures), unit(signatures));
    crypto_free(c);
    return failed;
}
