/* SPDX-License-Identifier: Apache-2.0 */
#include "support/fetching.h"

#define LOOPBACK "fetch_networks = ( \"127.0.0.0/8\" );"

static struct pki *issue(const struct fetching *rig, const struct pki *issuer, const char *name,
                         const char *const *extensions)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *base = web_url(rig->web, "");
    for (; extensions != NULL && *extensions != NULL; extensions++) {
        g_auto(GStrv) parts = g_strsplit(*extensions, "%s", -1);
        g_ptr_array_add(all, g_strjoinv(base, parts));
    }
    g_ptr_array_add(all, NULL);
    bool ca = strchr(name, '@') == NULL;
    g_autofree char *subject = g_strdup_printf("CN=%s", name), *san = g_strdup_printf("email:%s", name);
    return pki_issue(&(struct pki_spec){.issuer = issuer,
                                        .ca = ca,
                                        .subject = PKI_LIST(subject),
                                        .san = ca ? NULL : PKI_LIST(san),
                                        .extensions = (const char *const *)all->pdata});
}

struct fetching *fetching_new(const char *group, const char *const *alice)
{
    struct fetching *rig = g_new0(struct fetching, 1);
    rig->web = web_start();
    rig->group = g_strdup(group);
    rig->root = pki_ca("Root");
    rig->authority = issue(rig, rig->root, "Authority", PKI_LIST("crlDistributionPoints=URI:%s/root.crl"));
    rig->alice = issue(rig, rig->authority, "alice@acme.test", alice);
    rig->untrusted = sk_X509_new_null();
    X509_add_cert(rig->untrusted, rig->authority->cert, X509_ADD_FLAG_UP_REF);
    fetching_put_list(rig, "/root.crl", &(struct pki_crl_spec){.issuer = rig->root}, FETCHING_DER);
    fetching_open(rig, NULL);
    return rig;
}

void fetching_free(struct fetching *rig)
{
    setting_free(rig->setting);
    web_free(rig->web);
    sk_X509_pop_free(rig->untrusted, X509_free);
    pki_free(rig->root);
    pki_free(rig->authority);
    pki_free(rig->alice);
    g_free(rig->group);
    g_free(rig);
}

void fetching_open(struct fetching *rig, const char *main_keys)
{
    if (rig->setting != NULL)
        setting_free(rig->setting);
    g_autofree char *keys = g_strdup_printf("trust_anchors = ( \"root.pem\" );\nrevocation = { %s };\n%s", rig->group,
                                            main_keys != NULL ? main_keys : LOOPBACK);
    rig->setting = setting_new(keys, "");
    g_free(pki_write(rig->setting->folder, "root.pem", rig->root, NULL));
    setting_open(rig->setting);
}

void fetching_put(struct fetching *rig, const char *path, const X509_CRL *crl)
{
    unsigned char *der = NULL;
    int length = i2d_X509_CRL(crl, &der);
    cr_assert_gt(length, 0);
    web_put(rig->web, path, &(struct web_page){.body = der, .length = (size_t)length});
    OPENSSL_free(der);
}

void fetching_put_list(struct fetching *rig, const char *path, const struct pki_crl_spec *spec, enum fetching_form form)
{
    owned(X509_CRL) X509_CRL *crl = pki_crl(spec);
    if (form == FETCHING_DER) {
        fetching_put(rig, path, crl);
        return;
    }
    char *text = NULL;
    owned(BIO) BIO *bio = BIO_new(BIO_s_mem());
    cr_assert(PEM_write_bio_X509_CRL(bio, crl) == 1);
    long length = BIO_get_mem_data(bio, &text);
    web_put(rig->web, path, &(struct web_page){.body = text, .length = (size_t)length});
}

bool fetching_ask(const struct fetching *rig, const struct pki *leaf, int64_t patience, struct finding *finding)
{
    owned(missing) struct missing *missing = NULL;
    struct missing *still = NULL;
    unsigned issuers = 8;
    struct chain_query query = {.leaf = leaf->cert,
                                .untrusted = rig->untrusted,
                                .purpose = PURPOSE_SIGN,
                                .missing = &missing,
                                .embedded = rig->embedded,
                                .issuers = &issuers};
    setting_judge(rig->setting, &query, finding);
    if (missing == NULL)
        return false;
    trust_fetch(rig->setting->trust, missing, g_get_monotonic_time() + patience);
    query.missing = &still;
    setting_judge(rig->setting, &query, finding);
    missing_free(still);
    return true;
}

void fetching_expect_of(const struct fetching *rig, const struct pki *leaf, enum outcome expected, const char *says)
{
    struct finding finding;
    fetching_ask(rig, leaf, FETCHING_PATIENCE, &finding);
    cr_expect_eq(finding.outcome, expected, "%s: %s, not %s", outcome_name(finding.outcome), finding.reason, says);
    cr_expect_not_null(strstr(finding.reason, says), "\"%s\" is not in: %s", says, finding.reason);
}

void fetching_expect(const struct fetching *rig, enum outcome expected, const char *says)
{
    fetching_expect_of(rig, rig->alice, expected, says);
}
