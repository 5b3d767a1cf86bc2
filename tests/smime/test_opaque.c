/* SPDX-License-Identifier: Apache-2.0 */
/* opaque: a clear signature in its other form is the same signature. */
#include "smime/smime_private.h"
#include "support/craft.h"

#include <string.h>

static struct pki *root, *alice;

static void initialise(void)
{
    craft_init();
    root = pki_ca("root");
    alice = pki_person(root, "alice@acme.test");
}
static void finish(void)
{
    pki_free(alice);
    pki_free(root);
}

TestSuite(opaque, .init = initialise, .fini = finish);

/* The octets of the p7m, or NULL with an error. */
static GByteArray *opaque_of(const struct part *part, struct error *error)
{
    owned(spool) struct spool *spool = spool_new(&craft_limits);
    struct slice text;
    if (!smime_write_opaque(part, &craft_limits, spool, error)) {
        cr_expect_eq(spool_length(spool), 0, "nothing is written in vain");
        return NULL;
    }
    cr_assert(spool_finish(spool, &text, error));
    g_autofree char *base64 = g_strndup(text.data, text.len);
    gsize length = 0;
    guchar *der = g_base64_decode(base64, &length);
    return g_byte_array_new_take(der, length);
}

static void expect_holds(const struct part *part, const char *what)
{
    struct error error = {0};
    CRAFT_LAYER layer;
    g_autoptr(GByteArray) der = opaque_of(part, &error);
    cr_assert_not_null(der, "%s: %s", what, error.text);
    CRAFT_PART made = craft_part_of_der(der->data, der->len);
    cr_assert_eq(craft_open(made.part, NULL, &craft_limits, &layer, &error), OPENED, "%s: %s", what, error.text);
    cr_expect(!layer.facts.detached);
    cr_assert_eq(layer.facts.signer_count, 1, "%s", what);
    cr_expect(layer.facts.signers[0].valid, "%s: %s", what, layer.facts.signers[0].reason);
    cr_expect(slice_equal(layer.inner, part->children[0].whole), "%s", what);
}

/* The DER of a detached signature over CRAFT_WHOLE. */
static GByteArray *detached(unsigned flags)
{
    unsigned char *der = NULL;
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(alice, CMS_DETACHED | flags, "SHA256", NULL);
    int length = i2d_CMS_ContentInfo(cms, &der);
    cr_assert_gt(length, 0);
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_append(bytes, der, (guint)length);
    OPENSSL_free(der);
    return bytes;
}

Test(opaque, our_own)
{
    CRAFT_PART clear = craft_signed(alice, FORMAT_CLEAR, SIGNATURE_TYPE_ORIGINATOR);
    expect_holds(clear.part, "ours");
}

Test(opaque, with_and_without_signed_attributes)
{
    static const unsigned flags[] = {0, CMS_NOATTR, CMS_NOCERTS};
    for (size_t i = 0; i < 2; i++) {
        g_autoptr(GByteArray) der = detached(flags[i]);
        CRAFT_PART clear = craft_part_of_clear(slice_of(CRAFT_WHOLE), der->data, der->len);
        expect_holds(clear.part, i == 0 ? "attributes" : "none");
    }
}

static void grow(guint8 *length)
{
    unsigned value = ((unsigned)length[0] << 8 | length[1]) + 1;
    length[0] = (guint8)(value >> 8);
    length[1] = (guint8)value;
}

/* The certificates get a length in more octets than it needs, which OpenSSL would not write. */
static size_t lengthen(GByteArray *der)
{
    guint8 *certificates = memmem(der->data + 40, der->len - 40, "\xa0\x82", 2);
    size_t at = (size_t)(certificates - der->data);
    GByteArray *rest = g_byte_array_new();
    g_byte_array_append(rest, (const guint8 *)"\xa0\x83\0", 3);
    g_byte_array_append(rest, certificates + 2, der->len - (guint)at - 2);
    g_byte_array_set_size(der, (guint)at);
    g_byte_array_append(der, rest->data, rest->len);
    g_byte_array_unref(rest);
    grow(der->data + 2);  /* ContentInfo */
    grow(der->data + 17); /* [0] */
    grow(der->data + 21); /* SignedData */
    return at;
}

/* Nothing beside the content is encoded anew: some signers have an order of their own. */
Test(opaque, what_was_received_stays)
{
    g_autoptr(GByteArray) der = detached(0);
    struct error error = {0};
    size_t at = lengthen(der);
    CRAFT_PART clear = craft_part_of_clear(slice_of(CRAFT_WHOLE), der->data, der->len);
    expect_holds(clear.part, "a long length");
    g_autoptr(GByteArray) made = opaque_of(clear.part, &error);
    cr_assert_not_null(made, "%s", error.text);
    cr_expect_not_null(memmem(made->data, made->len, der->data + at, der->len - at));
}

/* Lengths that are not stated in front (X.690 section 8.1.3.6). */
static void append_indefinite(GByteArray *out, const guchar *type, size_t type_length, const guchar *signed_data,
                              size_t length)
{
    g_byte_array_append(out, (const guchar *)"\x30\x80", 2);
    g_byte_array_append(out, type, (guint)type_length);
    g_byte_array_append(out, (const guchar *)"\xa0\x80\x30\x80", 4);
    g_byte_array_append(out, signed_data, (guint)length);
    g_byte_array_append(out, (const guchar *)"\0\0\0\0\0\0", 6);
}

Test(opaque, ber)
{
    g_autoptr(GByteArray) der = detached(0), ber = g_byte_array_new();
    /* SEQUENCE (4) { OID (11), [0] (4) { SEQUENCE (4) { … } } } */
    cr_assert_eq(der->data[1], 0x82);
    append_indefinite(ber, der->data + 4, 11, der->data + 23, der->len - 23);
    CRAFT_PART clear = craft_part_of_clear(slice_of(CRAFT_WHOLE), ber->data, ber->len);
    expect_holds(clear.part, "BER");
}

static void expect_refused(const struct part *part, const char *what)
{
    struct error error = {0};
    cr_expect_null(opaque_of(part, &error), "%s", what);
    cr_expect_eq(error.kind, ERROR_PERMANENT, "%s", what);
    ERR_clear_error();
}

Test(opaque, what_is_no_such_signature)
{
    g_autoptr(GByteArray) der = detached(0);
    owned(CMS_ContentInfo) CMS_ContentInfo *with_content = craft_sign_by_hand(alice, 0, "SHA256", NULL);
    unsigned char *inside = NULL;
    int length = i2d_CMS_ContentInfo(with_content, &inside);
    CRAFT_PART leaf = craft_part_of(g_strdup(CRAFT_WHOLE), strlen(CRAFT_WHOLE));
    CRAFT_PART twice = craft_part_of_clear(slice_of(CRAFT_WHOLE), inside, (size_t)length);
    CRAFT_PART cut = craft_part_of_clear(slice_of(CRAFT_WHOLE), der->data, der->len / 2);
    CRAFT_PART empty = craft_part_of_clear(slice_of(CRAFT_WHOLE), der->data, 0);
    OPENSSL_free(inside);
    CRAFT_PART clear = craft_part_of_clear(slice_of(CRAFT_WHOLE), der->data, der->len);
    for (size_t count = 1; count <= 3; count += 2) {
        struct part children[3] = {clear.part->children[0], clear.part->children[1], clear.part->children[1]};
        struct part odd = *clear.part;
        odd.children = children;
        odd.child_count = count;
        expect_refused(&odd, "not two parts");
    }
    expect_refused(leaf.part, "text");
    expect_refused(twice.part, "content twice");
    expect_refused(cut.part, "cut off");
    expect_refused(empty.part, "empty");
}
