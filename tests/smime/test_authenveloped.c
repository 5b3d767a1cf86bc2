/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AuthEnvelopedData with attributes (RFC 5083 §2.1), as Bouncy Castle and others send it; the messages are in
 * tests/data/authenveloped/. An OpenSSL that numbers the attributes differently cannot parse them, and says so.
 */
#include "smime/smime_private.h"
#include "support/craft.h"

#define CANNOT_PARSE "the CMS object cannot be parsed"

static struct craft_keys ours;

static char *data_file(const char *name)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    return g_build_filename(tests != NULL ? tests : "tests", "data/authenveloped", name, NULL);
}

static void setup(void)
{
    g_autofree char *certificate = data_file("dca.pem"), *key = data_file("dca.key");
    owned(BIO) BIO *certificate_file = BIO_new_file(certificate, "r"), *key_file = BIO_new_file(key, "r");
    struct pki *dca = g_new0(struct pki, 1);
    craft_init();
    dca->cert = PEM_read_bio_X509(certificate_file, NULL, NULL, NULL);
    dca->key = PEM_read_bio_PrivateKey(key_file, NULL, NULL, NULL);
    cr_assert(dca->cert != NULL && dca->key != NULL);
    craft_keys_open(&ours, (const struct pki *const[]){dca, NULL}, ROLE_DOMAIN_CONFIDENTIALITY);
    pki_free(dca);
}

static void teardown(void)
{
    craft_keys_close(&ours);
}

TestSuite(authenveloped, .init = setup, .fini = teardown);

static bool reads_attributes(void)
{
    return library_lacks(OPENSSL_version_major(), OPENSSL_version_minor(), OPENSSL_version_patch()) == NULL;
}

/* The CMS object of a file; g_byte_array_unref(). */
static GByteArray *object_of(const char *name)
{
    g_autofree char *path = data_file(name), *bytes = NULL;
    gsize length = 0;
    cr_assert(g_file_get_contents(path, &bytes, &length, NULL), "%s", path);
    CRAFT_PART part = craft_part_of(steal(&bytes), length);
    return craft_der(part.part);
}

static enum opened open_object(const GByteArray *der, struct layer *layer, struct error *error)
{
    CRAFT_PART part = craft_part_of_der(der->data, der->len);
    return craft_open(part.part, ours.keys, &craft_limits, layer, error);
}

Test(authenveloped, with_attributes)
{
    static const char *const names[] = {"authAttrs.eml", "unauthAttrs.eml"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GByteArray) der = object_of(names[i]);
        struct error error = {0};
        CRAFT_LAYER layer;
        enum opened opened = open_object(der, &layer, &error);
        if (!reads_attributes()) {
            cr_expect_eq(opened, OPENED_FAILED, "%s", names[i]);
            cr_expect_str_eq(error.said, CANNOT_PARSE);
            continue;
        }
        cr_assert_eq(opened, OPENED, "%s: %s", names[i], error.text);
        cr_expect(layer.facts.authenticated);
        cr_expect_not_null(memmem(layer.inner.data, layer.inner.len, "Content-Type: text/plain", 24), "%s", names[i]);
    }
}

/* The tag covers the authenticated attributes: the last octet of the OID id-data in their value is changed. */
Test(authenveloped, with_changed_attributes)
{
    static const unsigned char attribute[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03, 0x31, 0x0b,
                                              0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07};
    g_autoptr(GByteArray) der = object_of("authAttrs.eml");
    guint8 *found = memmem(der->data, der->len, attribute, sizeof(attribute));
    struct error error = {0};
    CRAFT_LAYER layer;
    cr_assert_not_null(found);
    found[sizeof(attribute)] ^= 2;
    cr_expect_eq(open_object(der, &layer, &error), OPENED_FAILED);
    cr_expect_str_eq(error.said, reads_attributes() ? SMIME_CANNOT_DECRYPT : CANNOT_PARSE);
    cr_expect_null(layer.inner.data);
}

/* Under [2] before the MAC they are what an old OpenSSL takes for authenticated, and does not authenticate. */
Test(authenveloped, with_attributes_under_another_tag)
{
    g_autoptr(GByteArray) der = object_of("wrong-tag.eml");
    struct error error = {0};
    CRAFT_LAYER layer;
    cr_expect_eq(open_object(der, &layer, &error), OPENED_FAILED);
    cr_expect_null(layer.inner.data);
    cr_expect_eq(error.kind, ERROR_PERMANENT);
    cr_expect(strcmp(error.said, CANNOT_PARSE) == 0 || strstr(error.said, "RFC 5083 section 2.1") != NULL, "%s",
              error.said);
    cr_expect_eq(layer.facts.attempted, 0u);
}

/* --- what the library lacks --- */

Test(library, by_version)
{
    static const struct {
        unsigned major, minor, patch;
        const char *says;
    } rows[] = {
        {3, 0, 0, "upgrade to 3.0.22"},
        {3, 0, 19, "upgrade to 3.0.22"},
        {3, 0, 21, "AuthEnvelopedData"},
        {3, 0, 22, NULL},
        {3, 0, 23, NULL},
        {3, 5, 7, "AuthEnvelopedData"},
        {3, 5, 8, NULL},
        {4, 0, 0, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *lacks = library_lacks(rows[i].major, rows[i].minor, rows[i].patch);
        cr_expect_eq(lacks != NULL, rows[i].says != NULL, "row %zu", i);
        if (lacks != NULL && rows[i].says != NULL)
            cr_expect_not_null(strstr(lacks, rows[i].says), "row %zu: %s", i, lacks);
    }
    g_autofree char *warning = smime_library_warning();
    cr_expect_eq(warning == NULL, reads_attributes());
    if (warning != NULL)
        cr_expect(text_begins_with(warning, "OpenSSL 3."), "%s", warning);
}

/* The package asks for a version that lacks nothing. */
Test(library, of_the_package)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    g_autofree char *folder = g_build_filename(tests != NULL ? tests : "tests", "..", NULL), *text = NULL;
    g_autofree char *here = g_build_filename(folder, "packaging/debian/rules", NULL);
    g_autofree char *in_source_package = g_build_filename(folder, "debian/rules", NULL);
    cr_assert(g_file_get_contents(here, &text, NULL, NULL) ||
              g_file_get_contents(in_source_package, &text, NULL, NULL));
    static const struct {
        unsigned minor;
        const char *dependency;
    } rows[] = {{0, "/libssl3 (>= 3.0."}, {5, "/libssl3t64 (>= 3.5."}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *version = strstr(text, rows[i].dependency);
        cr_assert_not_null(version, "%s", rows[i].dependency);
        unsigned patch = (unsigned)atoi(version + strlen(rows[i].dependency));
        cr_expect_null(library_lacks(3, rows[i].minor, patch), "3.%u.%u", rows[i].minor, patch);
        cr_expect_not_null(library_lacks(3, rows[i].minor, patch - 1), "3.%u.%u", rows[i].minor, patch - 1);
    }
}
