/* SPDX-License-Identifier: Apache-2.0 */
/* pfcp_desc.c - spec/pfcp.def as constant tables. */
#include "codec/pfcp_desc.h"

#define ALWAYS           .mask = 0, .want = 0
#define ANY(bits)        .mask = (bits), .want = 0xffff
#define ALL(bits)        .mask = (bits), .want = (bits)
#define EQ(bits, value)  .mask = (bits), .want = (value)
#define UNLESS(bits)     .none = (bits)
#define ANYNOT(bits, no) .mask = (bits), .want = 0xffff, .none = (no)

#define COMP(T, ...) static const struct pfcp_field fields_##T[] = {
#define F(T, field, k, condition)                                                                  \
    {.name = #field, .offset = offsetof(struct pfcp_##T, field), .kind = PFCP_FK_##k, condition},
#define COMP_END(T) };
#include "../../spec/pfcp.def"
#define COMP(T, needs)                                                                             \
    static const struct pfcp_comp comp_##T = {fields_##T, ARRAY_LEN(fields_##T), needs};
#include "../../spec/pfcp.def"

/* The order of `has` bits is the order of ONE rows. */
#define GROUP(T)            enum { BIT_##T##_NONE = -1,
#define MSG(T, ...)         GROUP(T)
#define ONE(T, member, ...) BIT_##T##_##member,
#define GROUP_END(T)        BITS_##T };
#define MSG_END(T)          GROUP_END(T)
#include "../../spec/pfcp.def"

#define GROUP(T)    static const struct pfcp_member members_##T[] = {
#define MSG(T, ...) GROUP(T)
#define ONE(T, member_, ie_, presence_)                                                            \
    {.name = #member_, .ie = PFCP_IE_##ie_, .offset = offsetof(struct pfcp_##T, member_),         \
     .presence = PFCP_PRESENCE_##presence_, .bit = BIT_##T##_##member_},
#define MANY(T, member_, ie_, presence_, most_)                                                    \
    {.name = #member_, .ie = PFCP_IE_##ie_, .offset = offsetof(struct pfcp_##T, member_),         \
     .presence = PFCP_PRESENCE_##presence_, .most = most_},
#define GROUP_END(T)                                                                               \
    {.name = NULL}};                                                                               \
    _Static_assert(ARRAY_LEN(members_##T) <= PFCP_MEMBERS_MAX, "members of " #T);
#define MSG_END(T) GROUP_END(T)
#include "../../spec/pfcp.def"

#define GROUP(T)                                                                                   \
    static const struct pfcp_desc desc_##T = {.name = #T, .m = members_##T,                        \
        .n = ARRAY_LEN(members_##T) - 1, .other = offsetof(struct pfcp_##T, other)};
#define NODE    false
#define SESSION true
#define MSG(T, NAME, type_, session_, text)                                                        \
    static const struct pfcp_desc desc_##T = {.name = text, .m = members_##T,                      \
        .n = ARRAY_LEN(members_##T) - 1, .other = offsetof(struct pfcp_##T, other),                \
        .type = type_, .session = session_};
#include "../../spec/pfcp.def"

#define WHAT_U3(what)    NULL
#define WHAT_U4(what)    NULL
#define WHAT_U6(what)    NULL
#define WHAT_U8(what)    NULL
#define WHAT_U16(what)   NULL
#define WHAT_U32(what)   NULL
#define WHAT_FLAGS(what) NULL
#define WHAT_STR(what)   NULL
#define WHAT_BYTES(what) NULL
#define WHAT_COMP(what)  &comp_##what
#define WHAT_GROUP(what) &desc_##what
static const struct pfcp_ie ies[PFCP_IE_TYPES] = {
#define IE(name_, type, kind_, what_, least_, privacy_, text)                                      \
    [type] = {.name = text, .what = WHAT_##kind_(what_), .size = sizeof(pfcp_ie_##name_),          \
              .kind = PFCP_K_##kind_, .least = least_, .privacy = PFCP_##privacy_},
#include "../../spec/pfcp.def"
};
static const struct pfcp_desc *const messages[] = {
#define MSG(T, NAME, type, ...) [type] = &desc_##T,
#include "../../spec/pfcp.def"
};
static const char *const causes[] = {
#define CAUSE(name, value, text) [value] = text,
#include "../../spec/pfcp.def"
};

const struct pfcp_ie *pfcp_ie_of(uint16_t type)
{
    return type < PFCP_IE_TYPES && ies[type].name ? &ies[type] : NULL;
}
const struct pfcp_desc *pfcp_desc_of(uint8_t type)
{
    return type < ARRAY_LEN(messages) ? messages[type] : NULL;
}
const char *pfcp_name(uint8_t type)
{
    const struct pfcp_desc *d = pfcp_desc_of(type);
    return d ? d->name : "unknown PFCP message";
}
const char *pfcp_ie_name(uint16_t type)
{
    const struct pfcp_ie *ie = pfcp_ie_of(type);
    return ie ? ie->name : "unknown IE";
}
const char *pfcp_cause_name(uint8_t cause)
{
    return cause < ARRAY_LEN(causes) && causes[cause] ? causes[cause] : "unknown cause";
}
