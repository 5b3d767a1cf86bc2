/* SPDX-License-Identifier: Apache-2.0 */
#include "support/certs_home.h"

struct certs_home *certs_home_new(const char *partner_keys)
{
    struct certs_home *home = g_new0(struct certs_home, 1);
    home->folder = folder_new();
    home->faults = faults_new();
    home->ca = pki_ca("root");
    g_autofree char *store = g_build_filename(home->folder, "store", NULL);
    g_assert_true(g_mkdir(store, 0700) == 0);
    folder_write(home->folder, "domsec.conf",
                 "local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\n"
                 "certificate_directory = \"store\";\n");
    g_autofree char *partner = g_strconcat("domain = \"partner.test\";\n", partner_keys, "\n", NULL);
    folder_write(home->folder, "policy.d/partner.test.conf", partner);
    return home;
}

bool certs_home_open(struct certs_home *home)
{
    g_autofree char *file = g_build_filename(home->folder, "domsec.conf", NULL);
    if (home->conf == NULL)
        home->conf = conf_load(file, home->faults);
    if (home->conf == NULL)
        g_error("%s", faults_at(home->faults, 0));
    certs_close(home->certs);
    home->certs = certs_open(home->conf, home->faults);
    return home->certs != NULL;
}

void certs_home_free(struct certs_home *home)
{
    certs_close(home->certs);
    conf_unref(home->conf);
    faults_free(home->faults);
    pki_free(home->ca);
    folder_remove(home->folder);
    g_free(home);
}

void certs_home_use_store(struct certs_home *home)
{
    home->in_store = true;
    folder_write(home->folder, "domsec.conf",
                 "local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\nstore = \"sqlite:store.db\";\n");
}

static void import(const struct certs_home *home, const struct pki *pki)
{
    struct error error = {0};
    enum store_added added;
    struct store_addition addition;
    g_autofree char *file = g_build_filename(home->folder, "store.db", NULL);
    owned(store) struct store *store = store_open(file);
    certs_addition_make(pki->cert, &addition);
    cr_assert(store_certificates_add(store, &addition, 1, &added, &error), "%s", error.text);
    cr_expect_eq(added, STORE_NEW);
    certs_addition_clear(&addition);
}

void certs_home_put(const struct certs_home *home, const char *name, const struct pki *pki)
{
    g_autofree char *path = g_strconcat("store/", name, NULL);
    if (home->in_store) {
        import(home, pki);
        return;
    }
    g_free(pki_write(home->folder, path, pki, NULL));
}

struct pki *certs_home_issue(const struct certs_home *home, const char *const *subject, const char *const *san,
                             int days_old)
{
    return pki_issue(&(struct pki_spec){
        .issuer = home->ca, .subject = subject, .san = san, .not_before = time(NULL) - days_old * 86400});
}

struct certs_answer certs_home_ask(const struct certs_home *home, enum certs_purpose purpose, const char *text)
{
    struct address address = {0};
    struct error error = {0};
    struct certs_answer answer;
    cr_assert(address_parse(slice_of(text), &address, &error), "%s", error.text);
    const struct certs_query query = {
        .purpose = purpose, .partner = conf_partner(home->conf, address.domain), .address = &address};
    certs_ask(home->certs, &query, 1, CERTS_NO_DEADLINE, NULL, &answer);
    address_clear(&address);
    return answer;
}

char *certs_home_names(const struct certs_home *home, enum certs_purpose purpose, const char *address)
{
    owned(certs_answer) struct certs_answer answer = certs_home_ask(home, purpose, address);
    GString *names = g_string_new(NULL);
    cr_expect_eq(answer.found, answer.count > 0 ? FOUND : FOUND_NONE);
    cr_expect_eq(answer.chosen, answer.count);
    for (size_t i = 0; i < answer.count; i++) {
        const struct candidate *candidate = &answer.list[i];
        char name[100] = "";
        X509_NAME_get_text_by_NID(X509_get_subject_name(candidate->certificate), NID_commonName, name, sizeof(name));
        g_string_append_printf(names, "%s%s%s%s", i > 0 ? " " : "", name, candidate->personal ? "*" : "",
                               candidate->pinned ? "!" : "");
        cr_expect_str_eq(candidate->source, candidate->pinned ? "file" : home->in_store ? "store" : "directory");
        cr_expect_eq(candidate->finding.outcome, OUTCOME_NONE);
    }
    return g_string_free(names, FALSE);
}
