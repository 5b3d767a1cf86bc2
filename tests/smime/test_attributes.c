/* SPDX-License-Identifier: Apache-2.0 */
#include "support/craft.h"

#include "smime/attributes.h"

#define STI "1.2.840.113549.1.9.16.9."

static struct pki *signer;

static void setup(void)
{
    struct pki *ca = pki_ca("Acme root");
    craft_init();
    signer = pki_role(ca, "domain-signing-authority", "acme.test");
    pki_free(ca);
}

static void teardown(void)
{
    pki_free(signer);
}

TestSuite(attributes, .init = setup, .fini = teardown);

static CMS_SignerInfo *new_signer_info(CMS_ContentInfo **cms)
{
    *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
    return CMS_add1_signer(*cms, signer->cert, signer->key, EVP_sha256(), CMS_PARTIAL | CMS_NOSMIMECAP);
}

Test(attributes, every_set_comes_back)
{
    for (unsigned types = 0; types <= 0x1e; types += 2) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
        CMS_SignerInfo *info = new_signer_info(&cms);
        struct error error = {0};
        unsigned read = 99;
        bool alone = (types & SIGNATURE_TYPE_ATTRIBUTES) == 0 || types == SIGNATURE_TYPE_ATTRIBUTES;
        cr_expect_eq(attributes_add_type(info, types, &error), types != 0);
        error = (struct error){0};
        cr_expect_eq(attributes_get_type(info, &read, &error), alone, "%x: %s", types, error.text);
        cr_expect_eq(read, alone ? types : 0, "%x read as %x", types, read);
        cr_expect_eq(error.kind, alone ? ERROR_NONE : ERROR_PERMANENT);
    }
}

Test(attributes, names)
{
    cr_expect_str_eq(signature_type_name(SIGNATURE_TYPE_ORIGINATOR), "originator");
    cr_expect_str_eq(signature_type_name(SIGNATURE_TYPE_DOMAIN), "domain");
    cr_expect_str_eq(signature_type_name(SIGNATURE_TYPE_ATTRIBUTES), "additional-attributes");
    cr_expect_str_eq(signature_type_name(SIGNATURE_TYPE_REVIEW), "review");
    cr_expect_str_eq(signature_type_name(0), "unknown");
}

/* SEQUENCE OF OBJECT IDENTIFIER in OpenSSL's generator syntax, from a list of OIDs. */
static ASN1_TYPE *sequence_of(const char *oids)
{
    g_auto(GStrv) list = g_strsplit(oids, " ", -1);
    g_autoptr(GString) config = g_string_new("asn1=SEQUENCE:types\n[types]\n");
    BIO *memory;
    CONF *conf = NCONF_new(NULL);
    ASN1_TYPE *made;
    long line;

    for (unsigned i = 0; list[i] != NULL; i++)
        if (*list[i] != '\0')
            g_string_append_printf(config, "e%u=OID:%s\n", i, list[i]);
    memory = BIO_new_mem_buf(config->str, (int)config->len);
    cr_assert(NCONF_load_bio(conf, memory, &line) > 0);
    made = ASN1_generate_nconf("SEQUENCE:types", conf);
    cr_assert_not_null(made);
    NCONF_free(conf);
    BIO_free(memory);
    return made;
}

static void add_value(X509_ATTRIBUTE **attribute, int type, const void *bytes, int length)
{
    if (*attribute == NULL) {
        ASN1_OBJECT *oid = OBJ_txt2obj(OID_SIGNATURE_TYPE, 1);
        *attribute = X509_ATTRIBUTE_new();
        X509_ATTRIBUTE_set1_object(*attribute, oid);
        ASN1_OBJECT_free(oid);
    }
    cr_assert(X509_ATTRIBUTE_set1_data(*attribute, type, bytes, length));
}

struct odd {
    const char *name;
    const char *oids;   /* of the first attribute's value; NULL: an attribute without a value */
    const char *second; /* another value of the same attribute */
    bool repeated, unsigned_;
    unsigned types; /* 0: an error */
    const char *text;
};

static const struct odd odd_ones[] = {
    {"one", STI "2", NULL, false, false, SIGNATURE_TYPE_DOMAIN, NULL},
    {"unknown beside known", STI "2 " STI "77", NULL, false, false, SIGNATURE_TYPE_DOMAIN, NULL},
    {"same value twice", STI "2 " STI "2", NULL, false, false, SIGNATURE_TYPE_DOMAIN, NULL},
    {"unknown alone", STI "77", NULL, false, false, 0, "only unknown"},
    {"empty", "", NULL, false, false, 0, "is empty"},
    {"no value", NULL, NULL, false, false, 0, "does not have exactly one value"},
    {"two values", STI "2", STI "4", false, false, 0, "does not have exactly one value"},
    {"repeated", STI "2", NULL, true, false, 0, "repeated"},
    {"unsigned", STI "2", NULL, false, true, 0, "not signed"},
    {"additional attributes and domain", STI "3 " STI "2", NULL, false, false, 0, "combined with another"},
    {"additional attributes and unknown", STI "3 " STI "77", NULL, false, false, 0, "combined with another"},
    {"unknown and additional attributes", STI "77 " STI "3", NULL, false, false, 0, "combined with another"},
    {"additional attributes alone", STI "3", NULL, false, false, SIGNATURE_TYPE_ATTRIBUTES, NULL},
};

Test(attributes, odd_ones)
{
    for (size_t i = 0; i < G_N_ELEMENTS(odd_ones); i++) {
        const struct odd *odd = &odd_ones[i];
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
        CMS_SignerInfo *info = new_signer_info(&cms);
        X509_ATTRIBUTE *attribute = NULL;
        struct error error = {0};
        unsigned types = 99;
        for (const char *const *each = (const char *const[]){odd->oids, odd->second, NULL}; *each != NULL; each++) {
            ASN1_TYPE *value = sequence_of(*each);
            add_value(&attribute, V_ASN1_SEQUENCE, value->value.sequence->data, value->value.sequence->length);
            ASN1_TYPE_free(value);
        }
        if (odd->oids == NULL)
            add_value(&attribute, 0, NULL, 0);
        if (odd->unsigned_)
            cr_assert(CMS_unsigned_add1_attr(info, attribute));
        else
            cr_assert(CMS_signed_add1_attr(info, attribute));
        if (odd->repeated) {
            /* OpenSSL does not add an attribute twice: under another name first. */
            X509_ATTRIBUTE *again = X509_ATTRIBUTE_dup(attribute);
            ASN1_OBJECT *oid = OBJ_txt2obj(OID_SIGNATURE_TYPE, 1);
            X509_ATTRIBUTE_set1_object(again, OBJ_nid2obj(NID_friendlyName));
            cr_assert(CMS_signed_add1_attr(info, again));
            X509_ATTRIBUTE_set1_object(
                CMS_signed_get_attr(info, CMS_signed_get_attr_by_NID(info, NID_friendlyName, -1)), oid);
            ASN1_OBJECT_free(oid);
            X509_ATTRIBUTE_free(again);
        }
        X509_ATTRIBUTE_free(attribute);
        cr_expect_eq(attributes_get_type(info, &types, &error), odd->types != 0, "%s: %s", odd->name, error.text);
        cr_expect_eq(types, odd->types, "%s gives %x", odd->name, types);
        if (odd->text != NULL)
            cr_expect(strstr(error.text, odd->text) != NULL, "%s: %s", odd->name, error.text);
    }
}

Test(attributes, values_that_are_no_list)
{
    static const struct {
        int type;
        const char *bytes;
        int length;
    } values[] = {
        {V_ASN1_OCTET_STRING, "abc", 3},
        {V_ASN1_OBJECT, NULL, 0},
        {V_ASN1_SEQUENCE, "\x30\x03\x02\x01\x05", 5},     /* an INTEGER inside */
        {V_ASN1_SEQUENCE, "\x30\x04\x06\x02\x2a\x80", 6}, /* an OID that ends in the middle */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
        CMS_SignerInfo *info = new_signer_info(&cms);
        ASN1_OBJECT *oid = OBJ_txt2obj(OID_SIGNATURE_TYPE, 1);
        const void *bytes = values[i].bytes != NULL ? (const void *)values[i].bytes : OBJ_nid2obj(NID_sha256);
        struct error error = {0};
        unsigned types = 99;
        cr_assert(CMS_signed_add1_attr_by_OBJ(info, oid, values[i].type, bytes,
                                              values[i].bytes != NULL ? values[i].length : -1),
                  "%zu: %s", i, ERR_reason_error_string(ERR_peek_error()));
        cr_expect(!attributes_get_type(info, &types, &error), "%zu", i);
        cr_expect_eq(error.kind, ERROR_PERMANENT);
        cr_expect_eq(types, 0u);
        ASN1_OBJECT_free(oid);
    }
    cr_expect_eq(ERR_peek_error(), 0ul, "the error queue is left clean");
}
