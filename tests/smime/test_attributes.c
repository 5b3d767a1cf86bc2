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

/* The signature types that are read; 0 also where that fails. */
static unsigned read_types(CMS_SignerInfo *info, struct error *error)
{
    struct signer_facts facts = {0};
    bool read = attributes_read(info, ATTRIBUTE_OF_MESSAGE, &(struct reading){.facts = &facts}, error);
    cr_expect_eq(error->kind, read ? ERROR_NONE : ERROR_PERMANENT);
    cr_expect(read || facts.types == 0);
    return facts.types;
}

Test(attributes, every_set_comes_back)
{
    for (unsigned types = 2; types <= 0x1e; types += 2) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
        CMS_SignerInfo *info = new_signer_info(&cms);
        struct error error = {0};
        bool alone = (types & SIGNATURE_TYPE_ATTRIBUTES) == 0 || types == SIGNATURE_TYPE_ATTRIBUTES;
        craft_add_attribute(info, OID_SIGNATURE_TYPE, &(struct sign_options){.types = types});
        cr_expect_eq(read_types(info, &error), alone ? types : 0, "%x: %s", types, error.text);
        cr_expect_eq(error.kind, alone ? ERROR_NONE : ERROR_PERMANENT);
    }
}

Test(attributes, a_set_of_nothing_known_is_not_made)
{
    const struct signing signing = {.options = &(struct sign_options){.types = 1u << 9}};
    ASN1_STRING *value = NULL;
    struct error error = {0};
    cr_expect(!attributes_find(OID_SIGNATURE_TYPE)->add(&signing, &value, &error));
    cr_expect_eq(error.kind, ERROR_BUG);
    cr_expect_null(value);
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
        cr_expect_eq(read_types(info, &error), odd->types, "%s: %s", odd->name, error.text);
        cr_expect_eq(error.kind, odd->types != 0 ? ERROR_NONE : ERROR_PERMANENT, "%s", odd->name);
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
        cr_assert(CMS_signed_add1_attr_by_OBJ(info, oid, values[i].type, bytes,
                                              values[i].bytes != NULL ? values[i].length : -1),
                  "%zu: %s", i, ERR_reason_error_string(ERR_peek_error()));
        read_types(info, &error);
        cr_expect_eq(error.kind, ERROR_PERMANENT, "%zu", i);
        ASN1_OBJECT_free(oid);
    }
    cr_expect_eq(ERR_peek_error(), 0ul, "the error queue is left clean");
}

/* --- what holds of each attribute, by its RFC --- */

static const struct duty {
    const char *oid;
    enum attribute_role role;
    bool required, checked, carried; /* checked: single, and signed */
} duties[] = {
    {"1.2.840.113549.1.9.3", ATTRIBUTE_OF_SIGNATURE, true, true, false},
    {"1.2.840.113549.1.9.4", ATTRIBUTE_OF_SIGNATURE, true, true, false},
    {"1.2.840.113549.1.9.5", ATTRIBUTE_OF_SIGNATURE, false, true, false},
    {"1.2.840.113549.1.9.15", ATTRIBUTE_OF_SIGNATURE, false, true, false},
    {"1.2.840.113549.1.9.16.2.11", ATTRIBUTE_OF_SIGNATURE, false, true, false},
    {"1.2.840.113549.1.9.52", ATTRIBUTE_OF_SIGNATURE, false, true, false},
    {"1.2.840.113549.1.9.16.2.47", ATTRIBUTE_OF_CERTIFICATE, false, true, false},
    {"1.2.840.113549.1.9.16.2.12", ATTRIBUTE_OF_CERTIFICATE, false, true, false},
    {OID_SIGNATURE_TYPE, ATTRIBUTE_OF_MESSAGE, false, true, false},
    {OID_SECURITY_LABEL, ATTRIBUTE_OF_MESSAGE, false, true, true},
    {OID_EQUIVALENT_LABELS, ATTRIBUTE_OF_MESSAGE, false, true, true},
    {OID_RECEIPT_REQUEST, ATTRIBUTE_OF_MESSAGE, false, true, true},
    {OID_ML_EXPANSION_HISTORY, ATTRIBUTE_OF_MESSAGE, false, true, true},
    {"1.2.3.4.5", ATTRIBUTE_OF_MESSAGE, false, false, true}, /* unknown */
};

static int place_of(CMS_SignerInfo *info, const char *oid)
{
    owned(ASN1_OBJECT) ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    return CMS_signed_get_attr_by_OBJ(info, object, -1);
}

static void take_out(CMS_SignerInfo *info, const char *oid)
{
    int place = place_of(info, oid);
    if (place >= 0)
        X509_ATTRIBUTE_free(CMS_signed_delete_attr(info, place));
}

/* One attribute with so many values, which say nothing. Under another name first, as OpenSSL adds none twice. */
static void put_in(CMS_SignerInfo *info, const char *oid, unsigned values, bool unsigned_)
{
    owned(ASN1_OBJECT) ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_new();
    X509_ATTRIBUTE_set1_object(attribute, OBJ_nid2obj(NID_friendlyName));
    for (unsigned i = 0; i < values; i++)
        cr_assert(X509_ATTRIBUTE_set1_data(attribute, V_ASN1_SEQUENCE, "\x30\x00", 2));
    if (unsigned_) {
        X509_ATTRIBUTE_set1_object(attribute, object);
        cr_assert(CMS_unsigned_add1_attr(info, attribute));
    } else {
        cr_assert(CMS_signed_add1_attr(info, attribute));
        int place = CMS_signed_get_attr_by_NID(info, NID_friendlyName, -1);
        X509_ATTRIBUTE_set1_object(CMS_signed_get_attr(info, place), object);
    }
    X509_ATTRIBUTE_free(attribute);
}

enum damage { UNSIGNED, TWO_VALUES, REPEATED, MISSING, CARRIED };

static void damage(CMS_SignerInfo *info, const char *oid, enum damage damage)
{
    if (damage != UNSIGNED)
        take_out(info, oid);
    if (damage == UNSIGNED)
        put_in(info, oid, 1, true);
    if (damage == TWO_VALUES)
        put_in(info, oid, 2, false);
    if (damage == REPEATED || damage == CARRIED)
        put_in(info, oid, 1, false);
    if (damage == REPEATED)
        put_in(info, oid, 1, false);
}

/* What is said of the attribute in a signature that is otherwise sound; "" for nothing. */
static char *fault_of(const struct duty *duty, enum damage how)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(signer, CMS_CADES, "SHA256", NULL);
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    struct signer_facts facts = {.ess = ESS_NONE};
    struct error error = {0};
    damage(info, duty->oid, how);
    attributes_read(info, duty->role, &(struct reading){.certificate = signer->cert, .facts = &facts}, &error);
    return g_strdup(error.text);
}

Test(attributes, each_is_held_to_its_rules)
{
    static const char *const texts[] = {
        [UNSIGNED] = "is not signed", [TWO_VALUES] = "does not have exactly one value", [REPEATED] = "is repeated"};
    for (size_t i = 0; i < G_N_ELEMENTS(duties); i++) {
        const struct signed_attribute *known = attributes_find(duties[i].oid);
        for (enum damage how = UNSIGNED; how <= REPEATED; how++) {
            g_autofree char *fault = fault_of(&duties[i], how);
            g_autofree char *expected =
                duties[i].checked ? g_strdup_printf("%s attribute %s", known->name, texts[how]) : g_strdup("");
            cr_expect_str_eq(fault, expected, "%s", duties[i].oid);
        }
        g_autofree char *fault = fault_of(&duties[i], MISSING);
        g_autofree char *expected =
            duties[i].required ? g_strdup_printf("%s attribute is missing", known->name) : g_strdup("");
        cr_expect_str_eq(fault, expected, "%s", duties[i].oid);
    }
}

Test(attributes, what_belongs_to_one_signature_is_not_carried_to_another)
{
    for (size_t i = 0; i < G_N_ELEMENTS(duties); i++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *from = NULL, *to = NULL;
        CMS_SignerInfo *old = new_signer_info(&from), *new = new_signer_info(&to);
        struct error error = {0};
        damage(old, duties[i].oid, CARRIED);
        owned(carried_attributes) struct carried_attributes *carried = carried_attributes_of(old);
        cr_assert(carried_attributes_add(new, carried, &error), "%s", error.text);
        cr_expect_eq(place_of(new, duties[i].oid) >= 0, duties[i].carried, "%s", duties[i].oid);
    }
}
