/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embedded: OCSP responses beside the CRLs of a SignedData (RFC 5940 §3). OpenSSL decodes this form and gives no access
 * to it, so the field is decoded once more from its encoding. What is malformed, too long or too much is left out:
 * without these answers less is known, and nothing else is lost.
 */
#include "smime_private.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>

#define ANSWERS_MAX 16
#define LENGTH_MAX (64 << 10) /* as of an answer that is fetched */
#define ID_RI_OCSP_RESPONSE "1.3.6.1.5.5.7.16.2"

struct other_revocation {
    ASN1_OBJECT *format;
    ASN1_TYPE *value;
};

struct revocation {
    int type;
    union {
        ASN1_STRING *list; /* stays encoded */
        struct other_revocation *other;
    } value;
};

enum revocation_type { REVOCATION_LIST, REVOCATION_OTHER };

/* clang-format off */
ASN1_SEQUENCE(OTHER_REVOCATION) = {
    ASN1_SIMPLE(struct other_revocation, format, ASN1_OBJECT),
    ASN1_OPT(struct other_revocation, value, ASN1_ANY),
} static_ASN1_SEQUENCE_END_name(struct other_revocation, OTHER_REVOCATION)

ASN1_CHOICE(REVOCATION) = {
    ASN1_SIMPLE(struct revocation, value.list, ASN1_SEQUENCE),
    ASN1_IMP(struct revocation, value.other, OTHER_REVOCATION, 1),
} static_ASN1_CHOICE_END_name(struct revocation, REVOCATION)

ASN1_ITEM_TEMPLATE(REVOCATIONS) =
    ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_IMPTAG | ASN1_TFLG_CONTEXT | ASN1_TFLG_SET_OF, 1, crls, REVOCATION)
static_ASN1_ITEM_TEMPLATE_END(REVOCATIONS)

SKM_DEFINE_STACK_OF(revocation, struct revocation, struct revocation)
    /* clang-format on */

    static void revocation_free(struct revocation * revocation)
{
    ASN1_item_free((ASN1_VALUE *)revocation, ASN1_ITEM_rptr(REVOCATION));
}

static void revocations_free(STACK_OF(revocation) * revocations)
{
    sk_revocation_pop_free(revocations, revocation_free);
}

DECLARE_OWNED(revocations, STACK_OF(revocation) *, revocations_free)

/* NULL: it is something else. Lent. */
static const ASN1_STRING *response_of(const struct revocation *revocation, const ASN1_OBJECT *type)
{
    const struct other_revocation *other = revocation->type == REVOCATION_OTHER ? revocation->value.other : NULL;
    if (other == NULL || OBJ_cmp(other->format, type) != 0 || other->value == NULL ||
        ASN1_TYPE_get(other->value) != V_ASN1_SEQUENCE)
        return NULL;
    const ASN1_STRING *response = other->value->value.sequence;
    return ASN1_STRING_length(response) <= LENGTH_MAX ? response : NULL;
}

static void answer_free(void *answer)
{
    g_bytes_unref(answer);
}

static GPtrArray *responses_among(const STACK_OF(revocation) * revocations, const ASN1_OBJECT *type)
{
    GPtrArray *answers = NULL;
    for (int i = 0; i < sk_revocation_num(revocations); i++) {
        const ASN1_STRING *response = response_of(sk_revocation_value(revocations, i), type);
        if (response == NULL)
            continue;
        if (answers == NULL)
            answers = g_ptr_array_new_with_free_func(answer_free);
        if (answers->len == ANSWERS_MAX)
            break;
        g_ptr_array_add(answers, g_bytes_new(ASN1_STRING_get0_data(response), (gsize)ASN1_STRING_length(response)));
    }
    return answers;
}

GPtrArray *embedded_answers(const ASN1_STRING *field)
{
    const unsigned char *at = ASN1_STRING_get0_data(field);
    owned(ASN1_OBJECT) ASN1_OBJECT *type = OBJ_txt2obj(ID_RI_OCSP_RESPONSE, 1);
    owned(revocations) STACK_OF(revocation) *revocations = (STACK_OF(revocation) *)(void *)ASN1_item_d2i(
        NULL, &at, ASN1_STRING_length(field), ASN1_ITEM_rptr(REVOCATIONS));
    GPtrArray *answers = type != NULL ? responses_among(revocations, type) : NULL;
    ERR_clear_error();
    return answers;
}
