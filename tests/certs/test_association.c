/* SPDX-License-Identifier: Apache-2.0 */
/* SMIMEA records: which can be used, and with which certificates they agree. */
#include "certs/association.h"
#include "support/pki.h"
#include "support/smimea.h"

#include <criterion/criterion.h>

static struct associations *read_one(GBytes *rdata, size_t *unusable)
{
    gsize length = 0;
    const char *data = g_bytes_get_data(rdata, &length);
    struct associations *read = associations_read(&(struct slice){data, length}, 1, unusable);
    g_bytes_unref(rdata);
    return read;
}

/* Each usage, selector and matching type names this certificate under this usage, and nothing else. */
Test(association, every_kind)
{
    PKI_AUTO struct pki *ca = pki_ca("Root"), *bob = pki_person(ca, "bob@partner.test"),
                        *other = pki_person(ca, "bob@partner.test");
    for (unsigned usage = 0; usage < ASSOCIATION_USAGES; usage++)
        for (unsigned selector = 0; selector < 2; selector++)
            for (unsigned matching = 0; matching < 3; matching++) {
                size_t unusable = 9;
                owned(associations) struct associations *read =
                    read_one(smimea_rdata(usage, selector, matching, bob->cert), &unusable);
                cr_assert_not_null(read, "%u %u %u", usage, selector, matching);
                cr_expect_eq(unusable, 0);
                bool is_whole = selector == 0 && matching == 0;
                cr_expect_eq(sk_X509_num(associations_certificates(read)), is_whole ? 1 : 0);
                for (unsigned asked = 0; asked < ASSOCIATION_USAGES; asked++) {
                    cr_expect_eq(associations_have(read, asked), asked == usage);
                    cr_expect_eq(associations_name(read, asked, bob->cert), asked == usage, "%u %u %u asked %u", usage,
                                 selector, matching, asked);
                    cr_expect_not(associations_name(read, asked, other->cert));
                }
            }
}

/* A certificate with the same key agrees with records of the key alone. */
Test(association, selectors)
{
    PKI_AUTO struct pki *ca = pki_ca("Root"), *bob = pki_person(ca, "bob@partner.test"),
                        *renewed = pki_issue(&(struct pki_spec){
                            .issuer = ca, .san = PKI_LIST("email:bob@partner.test"), .use_key = bob->key});
    for (unsigned selector = 0; selector < 2; selector++)
        for (unsigned matching = 0; matching < 3; matching++) {
            size_t unusable = 0;
            owned(associations) struct associations *read =
                read_one(smimea_rdata(3, selector, matching, bob->cert), &unusable);
            cr_expect_eq(associations_name(read, USAGE_ZONE, renewed->cert), selector == 1);
        }
}

static GBytes *changed(const X509 *certificate, unsigned at, unsigned char value)
{
    gsize length = 0;
    guint8 *data = g_bytes_unref_to_data(smimea_rdata(3, 0, 1, certificate), &length);
    data[at] = value;
    return g_bytes_new_take(data, length);
}

static GBytes *resized(GBytes *rdata, int by)
{
    gsize length = g_bytes_get_size(rdata);
    GByteArray *array = g_bytes_unref_to_array(rdata);
    g_byte_array_set_size(array, (guint)((gssize)length + by));
    return g_byte_array_free_to_bytes(array);
}

Test(association, unusable)
{
    PKI_AUTO struct pki *ca = pki_ca("Root");
    const X509 *certificate = ca->cert;
    GBytes *const rows[] = {
        changed(certificate, 0, 4),
        changed(certificate, 0, 255),
        changed(certificate, 1, 2),
        changed(certificate, 1, 255),
        changed(certificate, 2, 3),
        changed(certificate, 2, 255),
        changed(certificate, 2, 2), /* 32 octets are no SHA-512 */
        changed(certificate, 2, 0), /* nor a certificate */
        resized(smimea_rdata(3, 0, 1, certificate), -1),
        resized(smimea_rdata(3, 0, 1, certificate), 1),
        resized(smimea_rdata(3, 1, 2, certificate), -1),
        resized(smimea_rdata(3, 0, 0, certificate), -1),
        resized(smimea_rdata(3, 0, 0, certificate), 1),
        resized(smimea_rdata(3, 1, 0, certificate), 1),
        g_bytes_new("", 0),
        g_bytes_new("\3", 1),
        g_bytes_new("\3\0\0", 3),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        size_t unusable = 0;
        cr_expect_null(read_one(rows[i], &unusable), "row %zu", i);
        cr_expect_eq(unusable, 1, "row %zu", i);
    }
}

/* One record that cannot be used does not take away the others. */
Test(association, mixed)
{
    PKI_AUTO struct pki *ca = pki_ca("Root"), *bob = pki_person(ca, "bob@partner.test");
    g_autoptr(GBytes) good = smimea_rdata(3, 0, 0, bob->cert);
    gsize length = 0;
    const char *data = g_bytes_get_data(good, &length);
    size_t unusable = 0;
    const struct slice records[] = {{"\4\0\0x", 4}, {data, length}};
    owned(associations) struct associations *read = associations_read(records, 2, &unusable);
    cr_assert_not_null(read);
    cr_expect_eq(unusable, 1);
    cr_expect_eq(X509_cmp(sk_X509_value(associations_certificates(read), 0), bob->cert), 0);
}

/* With the identifier of RFC 4398 §2.3 and without, and nothing else. */
Test(association, cert_records)
{
    PKI_AUTO struct pki *bob = pki_ca("bob");
    g_autoptr(GBytes) raw = cert_rdata(bob->cert);
    gsize length = 0;
    const char *data = g_bytes_get_data(raw, &length);
    static const struct {
        const char *head;
        size_t length;
        bool good;
    } rows[] = {
        {"\0\1\0\0\0", 5, true},
        {"\0\1\x12\x34\5", 5, true},
        {"\0\1\0\0\0\3\x55\4\x24", 9, true},
        {"\0\1\0\0\0\3\x55\4\x25", 9, true},
        {"\0\1\0\0\0\3\x55\4\x27", 9, false},
        {"\0\3\0\0\0", 5, false},
        {"\1\1\0\0\0", 5, false},
        {"\0\4\0\0\0", 5, false},
        {"\0\1\0\0", 4, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (int cut = -1; cut <= 1; cut++) {
            GByteArray *made =
                g_byte_array_append(g_byte_array_new(), (const guint8 *)rows[i].head, (guint)rows[i].length);
            g_byte_array_append(made, (const guint8 *)data + 5, (guint)(length - 5));
            g_byte_array_set_size(made, (guint)((int)made->len + cut));
            owned(X509) X509 *read = cert_record_read((struct slice){(const char *)made->data, made->len});
            cr_expect_eq(read != NULL, rows[i].good && cut == 0, "row %zu, cut %d", i, cut);
            cr_expect(read == NULL || X509_cmp(read, bob->cert) == 0);
            g_byte_array_unref(made);
        }
    cr_expect_null(cert_record_read((struct slice){"", 0}));
}
