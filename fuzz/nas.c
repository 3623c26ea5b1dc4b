/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as a NAS message: what decodes is encoded, and that decodes to what encodes the same.
 */
#include <stdlib.h>
#include "base/err.h"
#include "codec/nas.h"
#include "fuzz/mutate.h"

enum { ROOM = 1 << 16 };
struct room {
    uint64_t first[ROOM / 8], second[ROOM / 8];
    uint8_t out[1 << 17], again[1 << 17];
    char text[4096];
};
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}

static void texts(const struct nas_msg *m, struct room *r)
{
    char small[40];
    struct nas_payloads list;
    nas_print(m, r->text, sizeof r->text);
    nas_print(m, small, sizeof small);
    nas_is_cleartext_only(m);
    if (m->type == NAS_REGISTRATION_REQUEST) {
        const struct nas_mobile_identity *id = &m->registration_request.fivegs_mobile_identity;
        if (id->type == NAS_ID_SUCI) {
            nas_suci_text(&id->suci, r->text, sizeof r->text);
            nas_suci_text(&id->suci, small, sizeof small);
            nas_suci_supi(&id->suci, small, sizeof small);
        }
    }
    if (m->type == NAS_UL_NAS_TRANSPORT) {
        struct arena a = arena_over(r->second, ROOM);
        struct bytes container = m->ul_nas_transport.payload_container;
        if (nas_payloads_decode(container, &a, &list) == OK)
            check(nas_payloads_encode(&list, r->out, sizeof r->out) <= (int)container.n);
    }
    if (m->type == NAS_CONFIGURATION_UPDATE_COMMAND &&
        m->configuration_update_command.has.full_name_for_network)
        nas_network_name_text(m->configuration_update_command.full_name_for_network, small,
                              sizeof small);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct room *r = malloc(sizeof *r);
    check(r != NULL);
    struct arena a = arena_over(r->first, ROOM), b = arena_over(r->second, ROOM);
    struct nas_msg m, back;
    struct nas_report report, second;
    struct nas_header header;
    struct bytes in = {data, size > 65536 ? 65536 : (uint32_t)size};
    nas_header_peek(in, &header);
    if (nas_decode(in, &a, &m, &report) == OK) {
        texts(&m, r);
        int n = nas_encode(&m, r->out, sizeof r->out);
        check(n > 0);
        struct bytes out = {r->out, (uint32_t)n};
        int err = nas_decode(out, &b, &back, &second);
        check(err == OK && second.skipped == 0);
        check(nas_encode(&back, r->again, sizeof r->again) == n &&
              memcmp(r->out, r->again, (size_t)n) == 0);
    }
    free(r);
    return 0;
}

#ifdef LIE_MUTATOR
static int lie(unsigned kind, struct bytes b, uint64_t *seed, uint8_t *out, uint32_t cap) { return lie_nas(b, seed, out, cap); }
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    return mutate_message(data, size, max, seed, lie);
}
#endif
