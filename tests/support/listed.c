/* SPDX-License-Identifier: Apache-2.0 */
#include "support/listed.h"

#include <openssl/err.h>

static struct pki *people[PEOPLE];
static struct anchors *anchors;
static STACK_OF(X509) * untrusted;
static time_t now;

/* CRL Distribution Points with a CRL issuer whose common name has five letters. */
#define ISSUED_BY(name) "crlDistributionPoints=DER:30183016a214a4123010310e300c06035504030c05" name
#define LISTS_IN_HEX "4c69737473"
#define CAROL_IN_HEX "4361726f6c"

static struct pki *forger_of(enum who who)
{
    struct pki *forger = g_new0(struct pki, 1);
    forger->cert = people[who]->cert;
    forger->key = people[ANEW]->key;
    X509_up_ref(forger->cert);
    EVP_PKEY_up_ref(forger->key);
    return forger;
}

void listed_setup(void)
{
    now = time(NULL);
    people[ROOT] = pki_ca("Root");
    people[AUTHORITY] = pki_sub_ca(people[ROOT], "Authority");
    people[ANEW] = pki_sub_ca(people[ROOT], "Authority");
    struct pki_spec spec = {.issuer = people[AUTHORITY], .subject = PKI_LIST("CN=Lists"), .ca = true};
    people[LISTS] = pki_issue(&spec);
    spec = (struct pki_spec){.issuer = people[AUTHORITY],
                             .subject = PKI_LIST("CN=alice"),
                             .extensions = PKI_LIST("freshestCRL=URI:http://lists.test/")};
    people[ALICE] = pki_issue(&spec);
    spec.not_before = now - 2 * DAY;
    spec.not_after = now - DAY;
    people[LATE] = pki_issue(&spec);
    spec = (struct pki_spec){.issuer = people[AUTHORITY],
                             .subject = PKI_LIST("CN=Carol"),
                             .key_usage = "digitalSignature,cRLSign",
                             .extensions = PKI_LIST(ISSUED_BY(CAROL_IN_HEX))};
    people[CAROL] = pki_issue(&spec);
    spec = (struct pki_spec){
        .issuer = people[ROOT], .subject = PKI_LIST("CN=bob"), .extensions = PKI_LIST(ISSUED_BY(LISTS_IN_HEX))};
    people[BOB] = pki_issue(&spec);
    people[FORGER] = forger_of(AUTHORITY);
    people[ROOT_FORGER] = forger_of(ROOT);
    anchors = anchors_new();
    cr_assert(anchors_add(anchors, people[ROOT]->cert));
    untrusted = sk_X509_new_null();
    const enum who others[] = {AUTHORITY, ANEW, LISTS};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        X509_add_cert(untrusted, people[others[i]]->cert, X509_ADD_FLAG_UP_REF);
}

void listed_teardown(void)
{
    for (size_t i = ROOT; i < PEOPLE; i++)
        pki_free(people[i]);
    anchors_unref(anchors);
    sk_X509_pop_free(untrusted, X509_free);
}

time_t listed_now(void)
{
    return now;
}

/* The extension that makes it a delta is the first. */
static void make_delta(X509_CRL *crl, const struct listed *list)
{
    X509_EXTENSION *extension = X509_CRL_delete_ext(crl, X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1));
    cr_assert(X509_CRL_add_ext(crl, extension, 0) == 1);
    X509_EXTENSION_free(extension);
    if (list->delta == REMOVING_DELTA) {
        ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
        cr_assert(ASN1_ENUMERATED_set(reason, CRL_REASON_REMOVE_FROM_CRL) == 1 &&
                  X509_REVOKED_add1_ext_i2d(sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), 0), NID_crl_reason, reason,
                                            0, 0) == 1);
        ASN1_ENUMERATED_free(reason);
    }
    cr_assert(X509_CRL_sign(crl, people[list->issuer]->key, EVP_sha256()) > 0);
}

static GByteArray *encode(const struct listed *list)
{
    const char *extensions[4] = {NULL};
    size_t count = 0;
    if (list->extension != NULL)
        extensions[count++] = list->extension;
    if (list->delta != NO_DELTA)
        extensions[count++] = "deltaCRL=critical,DER:020101";
    if (list->has_key_id)
        extensions[count++] = "authorityKeyIdentifier=keyid:always";
    owned(X509_CRL) X509_CRL *crl =
        pki_crl(&(struct pki_crl_spec){.issuer = people[list->issuer],
                                       .revoked = {people[list->revoked]},
                                       .number = list->number,
                                       .this_update = now + (list->from != 0 ? list->from : -DAY),
                                       .next_update = list->never_ends   ? -1
                                                      : list->until != 0 ? now + list->until
                                                                         : 0,
                                       .extensions = extensions});
    if (list->delta != NO_DELTA)
        make_delta(crl, list);
    unsigned char *der = NULL;
    int length = i2d_X509_CRL(crl, &der);
    GByteArray *octets = g_byte_array_append(g_byte_array_new(), der, (guint)length);
    OPENSSL_free(der);
    return octets;
}

static X509_CRL *decode(const struct listed *list)
{
    g_autoptr(GByteArray) octets = encode(list);
    const unsigned char *at = octets->data;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, octets->len);
    cr_assert_not_null(crl);
    return crl;
}

void listing_keep(struct kept *kept, const struct listed *list)
{
    g_autoptr(GByteArray) octets = encode(list);
    const char *refusal = NULL;
    const struct slice der = {(const char *)octets->data, octets->len};
    owned(x509_lent) STACK_OF(X509) *signers = sk_X509_new_null();
    sk_X509_push(signers, people[list->issuer]->cert);
    owned(crl_table) struct crl_table *table = crl_table_read(der, signers, &refusal);
    cr_assert_not_null(table, "%s", refusal);
    cr_assert(kept_add_list(kept, table, der));
}

struct listing *listing_new(enum who leaf, const struct listed *lists)
{
    struct listing *listing = g_new0(struct listing, 1);
    bool is_configured = false;
    owned(faults) struct faults *faults = faults_new();
    listing->folder = folder_new();
    listing->kept = kept_new(NULL);
    listing->received = sk_X509_CRL_new_null();
    listing->chain = sk_X509_new_null();
    sk_X509_push(listing->chain, people[leaf]->cert);
    if (leaf != BOB)
        sk_X509_push(listing->chain, people[AUTHORITY]->cert);
    sk_X509_push(listing->chain, people[ROOT]->cert);
    for (size_t i = 0; i < LISTS_MAX && lists[i].where != NOWHERE; i++) {
        owned(X509_CRL) X509_CRL *crl = lists[i].where != KEPT ? decode(&lists[i]) : NULL;
        g_autofree char *name = g_strdup_printf("%zu.crl", i);
        is_configured |= lists[i].where == CONFIGURED;
        if (lists[i].where == CONFIGURED)
            g_free(pki_write_crl(listing->folder, name, crl));
        else if (lists[i].where == RECEIVED)
            sk_X509_CRL_push(listing->received, steal(&crl));
        else
            listing_keep(listing->kept, &lists[i]);
    }
    char *crls[] = {is_configured ? listing->folder : NULL, NULL};
    const struct revocation_conf conf = {.crls = crls};
    listing->source = revocation_source_crls.open(&(struct revocation_setup){&conf, "test", listing->kept}, faults);
    cr_assert_not_null(listing->source);
    listing->query = (struct revocation_query){.anchors = anchors,
                                               .chain = listing->chain,
                                               .untrusted = untrusted,
                                               .received = listing->received,
                                               .check = REVOCATION_CHECK_HARD,
                                               .fetched = true,
                                               .strength = true,
                                               .at = now};
    for (size_t i = 0; i < G_N_ELEMENTS(listing->answers); i++)
        listing->answers[i].until = FOREVER;
    return listing;
}

void listing_free(struct listing *listing)
{
    revocation_source_crls.close(listing->source);
    sk_X509_CRL_pop_free(listing->received, X509_CRL_free);
    sk_X509_free(listing->chain);
    kept_unref(listing->kept);
    folder_remove(listing->folder);
    g_free(listing);
}
void listed_expect(const struct listed_row *row)
{
    owned(listing) struct listing *listing = listing_new(row->leaf, row->lists);
    listing->query.at = now + row->later;
    revocation_source_crls.ask(listing->source, &listing->query, listing->answers);
    cr_expect_eq(listing->answers[0].status, row->status, "%s: %u: %s", row->what, listing->answers[0].status,
                 listing->answers[0].reason);
    cr_expect_eq(g_strcmp0(listing->answers[0].reason, row->reason), 0, "%s: %s", row->what,
                 listing->answers[0].reason);
    cr_expect(row->leaf == BOB || listing->answers[1].status == row->above, "%s: %u: %s", row->what,
              listing->answers[1].status, listing->answers[1].reason);
    cr_expect_eq(listing->answers[0].from, row->from != 0 ? now + row->from : 0, "%s: %ld", row->what,
                 (long)(listing->answers[0].from - now));
    cr_expect_eq(ERR_peek_error(), 0, "%s", row->what);
}
