/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ESS attributes: what is put on is read again; what is malformed, repeated or unsigned is refused.
 */
#include "smime/attributes.h"
#include "support/craft.h"

#include <criterion/criterion.h>
#include <openssl/err.h>

struct made {
    struct pki *alice;
    CMS_ContentInfo *cms;
    CMS_SignerInfo *signer;
};

static struct made make(void)
{
    struct made made = {.alice = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=alice")})};
    made.cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
    made.signer =
        CMS_add1_signer(made.cms, made.alice->cert, made.alice->key, EVP_sha256(), CMS_PARTIAL | CMS_NOSMIMECAP);
    cr_assert_not_null(made.signer);
    return made;
}

static void clear(struct made *made)
{
    CMS_ContentInfo_free(made->cms);
    pki_free(made->alice);
}
#define AUTO_MADE __attribute__((cleanup(clear))) struct made

static bool read_ess(CMS_SignerInfo *info, struct ess *ess, struct error *error)
{
    struct signer_facts facts = {.ess = ESS_NONE};
    bool read = attributes_read(info, ATTRIBUTE_OF_MESSAGE, &(struct reading){.facts = &facts}, error);
    *ess = facts.ess;
    return read;
}

static void add_label(CMS_SignerInfo *info, const struct security_label *label)
{
    craft_add_attribute(info, OID_SECURITY_LABEL, &(struct sign_options){.label = label});
}

static const struct security_label labels[] = {
    {.policy = "1.2.826.0.1.99", .classification = 3, .privacy_mark = "COMPANY CONFIDENTIAL"},
    {.policy = "1.2.3", .classification = -1},
    {.policy = "1.2.3.4",
     .classification = 256,
     .privacy_mark = "Gr\xc3\xbc\xc3\x9f"
                     "e"},
    {.policy = "2.999", .classification = 0},
};

TestSuite(ess, .init = craft_init);

Test(ess, label_round_trip)
{
    for (size_t i = 0; i < G_N_ELEMENTS(labels); i++) {
        AUTO_MADE made = make();
        struct error error = {0};
        struct ess ess;
        add_label(made.signer, &labels[i]);
        cr_assert(read_ess(made.signer, &ess, &error), "%s", error.text);
        cr_assert_str_eq(ess.label.policy, labels[i].policy);
        cr_assert_eq(ess.label.classification, labels[i].classification);
        cr_assert_str_eq(ess.label.privacy_mark, labels[i].privacy_mark);
        cr_assert_not(ess.receipt_requested);
        cr_assert_eq(ess.ml_expansions, 0);
    }
}

Test(ess, equivalent_labels_round_trip)
{
    AUTO_MADE made = make();
    struct error error = {0};
    struct ess ess;
    craft_add_attribute(made.signer, OID_EQUIVALENT_LABELS,
                        &(struct sign_options){.equivalents = labels, .equivalent_count = 3});
    cr_assert(read_ess(made.signer, &ess, &error), "%s", error.text);
    cr_assert_eq(ess.equivalent_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_str_eq(ess.equivalents[i].policy, labels[i].policy);
        cr_assert_eq(ess.equivalents[i].classification, labels[i].classification);
    }
}

Test(ess, absent_is_no_error)
{
    AUTO_MADE made = make();
    struct error error = {0};
    struct ess ess;
    cr_assert(read_ess(made.signer, &ess, &error), "%s", error.text);
    cr_assert_str_empty(ess.label.policy);
    cr_assert_eq(ess.label.classification, -1);
}

static const struct {
    const char *name, *oid;
    int type;
    const char *der;
    int length;
    bool good;
} raw[] = {
    {"members in any order", OID_SECURITY_LABEL, V_ASN1_SET, "\x31\x07\x06\x02\x2a\x03\x02\x01\x02", 9, true},
    {"integer first", OID_SECURITY_LABEL, V_ASN1_SET, "\x31\x07\x02\x01\x02\x06\x02\x2a\x03", 9, true},
    {"no policy", OID_SECURITY_LABEL, V_ASN1_SET, "\x31\x03\x02\x01\x02", 5, false},
    {"two classifications", OID_SECURITY_LABEL, V_ASN1_SET, "\x31\x0a\x02\x01\x02\x02\x01\x03\x06\x02\x2a\x03", 12,
     false},
    {"negative classification", OID_SECURITY_LABEL, V_ASN1_SET, "\x31\x07\x02\x01\xff\x06\x02\x2a\x03", 9, false},
    {"huge classification", OID_SECURITY_LABEL, V_ASN1_SET, "\x31\x09\x02\x03\x7f\xff\xff\x06\x02\x2a\x03", 11, false},
    {"cut off inside", OID_SECURITY_LABEL, V_ASN1_SET, "\x31\x04\x06\x05\x2a\x03", 6, false},
    {"a classification of many octets", OID_SECURITY_LABEL, V_ASN1_SET,
     "\x31\x0f\x02\x09\x7f\x00\x00\x00\x00\x00\x00\x00\x00\x06\x02\x2a\x03", 17, false},
    {"a mark that is no UTF-8", OID_SECURITY_LABEL, V_ASN1_SET, "\x31\x08\x06\x02\x2a\x03\x0c\x02\xff\xff", 10, false},
    {"an octet string", OID_SECURITY_LABEL, V_ASN1_OCTET_STRING, "\x01\x02", 2, false},
    {"empty history", OID_ML_EXPANSION_HISTORY, V_ASN1_SEQUENCE, "\x30\x00", 2, false},
    {"history of two", OID_ML_EXPANSION_HISTORY, V_ASN1_SEQUENCE, "\x30\x04\x30\x00\x30\x00", 6, true},
    {"equivalent that is no set", OID_EQUIVALENT_LABELS, V_ASN1_SEQUENCE, "\x30\x03\x02\x01\x02", 5, false},
};

Test(ess, raw_values)
{
    for (size_t i = 0; i < G_N_ELEMENTS(raw); i++) {
        AUTO_MADE made = make();
        owned(ASN1_OBJECT) ASN1_OBJECT *oid = OBJ_txt2obj(raw[i].oid, 1);
        struct error error = {0};
        struct ess ess;
        cr_assert_gt(CMS_signed_add1_attr_by_OBJ(made.signer, oid, raw[i].type, raw[i].der, raw[i].length), 0, "%s",
                     raw[i].name);
        ERR_clear_error();
        cr_assert_eq(read_ess(made.signer, &ess, &error), raw[i].good, "%s: %s", raw[i].name, error.text);
        cr_assert_eq(ERR_peek_error(), 0, "%s: left in OpenSSL's queue", raw[i].name);
        if (!raw[i].good)
            cr_assert_eq(error.kind, ERROR_PERMANENT, "%s", raw[i].name);
    }
}

Test(ess, unsigned_or_repeated_is_refused)
{
    AUTO_MADE made = make();
    struct error error = {0};
    struct ess ess;
    owned(ASN1_OBJECT) ASN1_OBJECT *oid = OBJ_txt2obj(OID_SECURITY_LABEL, 1);
    cr_assert_gt(CMS_unsigned_add1_attr_by_OBJ(made.signer, oid, V_ASN1_SET, "\x31\x04\x06\x02\x2a\x03", 6), 0);
    cr_assert_not(read_ess(made.signer, &ess, &error));
    cr_assert_eq(error.kind, ERROR_PERMANENT);
}

Test(ess, carried_attributes_go_on_another_signature_without_what_is_its_own)
{
    AUTO_MADE made = make();
    AUTO_MADE other = make();
    struct error error = {0};
    struct ess ess;
    owned(ASN1_OBJECT) ASN1_OBJECT *history = OBJ_txt2obj(OID_ML_EXPANSION_HISTORY, 1);
    add_label(made.signer, &labels[0]);
    cr_assert_gt(CMS_signed_add1_attr_by_OBJ(made.signer, history, V_ASN1_SEQUENCE, "\x30\x02\x30\x00", 4), 0);
    cr_assert_gt(CMS_signed_add1_attr_by_NID(made.signer, NID_pkcs9_signingTime, V_ASN1_UTCTIME, "200101000000Z", 13),
                 0);
    owned(carried_attributes) struct carried_attributes *carried = carried_attributes_of(made.signer);
    cr_assert(carried_attributes_add(other.signer, carried, &error), "%s", error.text);
    cr_assert(read_ess(other.signer, &ess, &error), "%s", error.text);
    cr_assert_eq(ess.ml_expansions, 1);
    cr_assert_str_eq(ess.label.policy, labels[0].policy);
    cr_assert_lt(CMS_signed_get_attr_by_NID(other.signer, NID_pkcs9_signingTime, -1), 0);
}

/* RFC 2634 §3.2: the six that have a name, and the policy's own. */
Test(ess, classification_words)
{
    char buffer[16];
    cr_assert_str_eq(classification_name(0, buffer), "unmarked");
    cr_assert_str_eq(classification_name(5, buffer), "top-secret");
    cr_assert_str_eq(classification_name(6, buffer), "6");
    cr_assert_str_eq(classification_name(256, buffer), "256");
}
