/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/expiry.h"

#include "base/metrics.h"
#include "base/moment.h"
#include "support/rig.h"

#include <stdio.h>

#define DAY 86400

static struct pki *ending(const struct org *org, const char *address, long days)
{
    return pki_issue(&(struct pki_spec){.issuer = org->ca,
                                        .subject = PKI_LIST("CN=x"),
                                        .san = PKI_LIST(address),
                                        .not_after = time(NULL) + days * DAY + 100});
}

static void put(const struct org *org, const char *file, const char *address, long days, const char *second, long more)
{
    PKI_AUTO struct pki *one = ending(org, address, days);
    PKI_AUTO struct pki *two = second != NULL ? ending(org, second, more) : NULL;
    g_free(pki_write(org->folder, file, one, two, NULL));
}

static struct conf *load(const struct rig *rig)
{
    owned(faults) struct faults *faults = faults_new();
    g_autofree char *file = g_build_filename(rig->acme.folder, "domsec.conf", NULL);
    struct conf *conf = conf_load(file, faults);
    cr_assert_not_null(conf);
    return conf;
}

static char *warnings(const struct rig *rig)
{
    struct expiries expiries;
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = load(rig);
    GString *text = g_string_new(NULL);
    expiries_read(conf, &expiries);
    expiries_check(&expiries, time(NULL), faults);
    expiries_measure(&expiries);
    expiries_clear(&expiries);
    for (size_t i = 0; i < faults_count(faults); i++) {
        cr_expect_eq(faults_grade(faults, i), FAULT_WARNING);
        g_string_append_printf(text, "%s\n", faults_at(faults, i));
    }
    return g_string_free(text, FALSE);
}

static char *measured(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    metrics_print(stream);
    fclose(stream);
    return text;
}

static struct rig *new_rig(void)
{
    struct rig *rig = rig_closed(PKI_EC);
    g_autofree char *store = g_build_filename(rig->acme.folder, "certs.d", NULL);
    g_mkdir(store, 0700);
    rig_open(&rig->acme, &rig->partner, "outbound = { protect = \"encrypt\"; };",
             "certificate_directory = \"certs.d\";");
    return rig;
}

Test(expiry, ours_and_partners_within_thirty_days)
{
    static const struct {
        const char *file, *address;
        long days;
        const char *where, *what; /* where NULL: no warning */
    } rows[] = {
        {"dsa.pem", "email:x@acme.test", 29,
         "domsec.conf:9: warning: ", "acme.test (domain-signing-authority) ends on "},
        {"dsa.pem", "email:x@acme.test", 29,
         "domsec.conf:9: warning: ", ", in 29 days; replace it (domsec key rollover)"},
        {"dca.pem", "email:x@acme.test", 1, "domsec.conf:10: warning: ", "(domain-confidentiality-authority) ends on "},
        {"dsa.pem", "email:x@acme.test", 30, NULL, NULL},
        {"dsa.pem", "email:x@acme.test", -1, NULL, NULL},
        {"other-dca.pem", "email:bob@partner.test", 0,
         "partner.test.conf:3: warning: ", "bob@partner.test (partner) ends on "},
        {"other-dca.pem", "email:bob@partner.test", 3,
         "partner.test.conf:3: warning: ", ", in 3 days; ask for the new one, and name it beside this one"},
        {"other-ca.pem", "email:ca@partner.test", 20,
         "partner.test.conf:2: warning: ", "ca@partner.test (anchor) ends on "},
        {"ca.pem", "email:ca@acme.test", 20, "domsec.conf:5: warning: ", "(anchor) ends on "},
        {"certs.d/a.pem", "email:carol@third.test", 9, "domsec.conf:7: warning: ", "carol@third.test (store) ends on "},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = new_rig();
        put(&rig->acme, rows[i].file, rows[i].address, rows[i].days, NULL, 0);
        g_autofree char *text = warnings(rig);
        if (rows[i].where == NULL) {
            cr_expect_str_empty(text, "row %zu: %s", i, text);
            continue;
        }
        cr_expect_not_null(strstr(text, rows[i].where), "row %zu: %s", i, text);
        cr_expect_not_null(strstr(text, rows[i].what), "row %zu: %s", i, text);
        cr_expect_eq(strchr(text, '\n')[1], '\0', "row %zu: %s", i, text);
    }
}

/* An identity may end before its certificate. */
Test(expiry, the_date_of_an_identity)
{
    owned(rig) struct rig *rig = new_rig();
    g_autofree char *conf = folder_read(rig->acme.folder, "domsec.conf"),
                    *soon = moment_text(time(NULL) + 9 * DAY + 60);
    g_autofree char *with = g_strdup_printf("role = \"domain-signing-authority\"; until = \"%s\";", soon);
    g_autoptr(GString) dated = g_string_new(conf);
    cr_assert_eq(g_string_replace(dated, "role = \"domain-signing-authority\";", with, 0), 1);
    cr_assert_eq(g_string_replace(dated, "role = \"review-authority\";",
                                  "role = \"review-authority\"; until = \"2200-01-01\";", 0),
                 1);
    folder_write(rig->acme.folder, "domsec.conf", dated->str);
    g_autofree char *text = warnings(rig);
    cr_expect_not_null(strstr(text, "domsec.conf:9: warning: "), "%s", text);
    cr_expect_not_null(strstr(text, ", in 9 days; "), "%s", text);
    cr_expect_str_empty(strchr(text, '\n') + 1, "%s", text);
}

/* A rollover: the old one may end. */
Test(expiry, the_last_of_several_counts)
{
    owned(rig) struct rig *rig = new_rig();
    put(&rig->acme, "other-dca.pem", "email:bob@partner.test", 3, "email:bob@partner.test", 100);
    g_autofree char *text = warnings(rig);
    cr_expect_str_empty(text, "%s", text);
    put(&rig->acme, "other-dca.pem", "email:bob@partner.test", 100, "email:bob@partner.test", 3);
    g_autofree char *again = warnings(rig);
    cr_expect_str_empty(again, "%s", again);
    put(&rig->acme, "other-dca.pem", "email:bob@partner.test", 100, "email:carol@partner.test", 3);
    g_autofree char *other = warnings(rig);
    cr_expect_not_null(strstr(other, "carol@partner.test (partner) ends on"), "%s", other);
}

/* Behind our own certificate stands its chain. */
Test(expiry, the_chain_of_an_identity_does_not_count)
{
    owned(rig) struct rig *rig = new_rig();
    put(&rig->acme, "dsa.pem", "email:x@acme.test", 5, "email:ca@acme.test", 300);
    g_autofree char *text = warnings(rig);
    cr_expect_not_null(strstr(text, "acme.test (domain-signing-authority) ends on "), "%s", text);
}

Test(expiry, is_measured)
{
    owned(rig) struct rig *rig = new_rig();
    metrics_reset();
    metrics_set("domsec_certificate_expiry_timestamp_seconds", "who=\"gone.test\",role=\"partner\"", 1);
    put(&rig->acme, "other-dca.pem", "email:\"q\\\\uote\"@partner.test", 500, NULL, 0);
    put(&rig->acme, "certs.d/a.pem", "email:carol@third.test", 9, NULL, 0);
    g_autofree char *ignored = warnings(rig);
    g_autofree char *text = measured();
    g_autofree char *line = g_strdup_printf(
        "\ndomsec_certificate_expiry_timestamp_seconds{who=\"acme.test\",role=\"domain-signing-authority\"} %.0f\n",
        (double)0);
    line[strlen(line) - 2] = '\0';
    cr_expect_not_null(strstr(text, "# TYPE domsec_certificate_expiry_timestamp_seconds gauge\n"), "%s", text);
    cr_expect_not_null(strstr(text, line), "%s", text);
    cr_expect_not_null(strstr(text, "role=\"partner\""), "%s", text);
    cr_expect_not_null(strstr(text, "role=\"anchor\""), "%s", text);
    cr_expect_null(strstr(text, "gone.test"), "%s", text);
    cr_expect_null(strstr(text, "carol"), "the store may be large");
    int64_t ends = (int64_t)time(NULL) + 500 * (int64_t)DAY + 100;
    bool found = false;
    for (int64_t slack = -60; slack <= 60 && !found; slack++) {
        g_autofree char *value = g_strdup_printf("role=\"partner\"} %lld\n", (long long)(ends + slack));
        found = strstr(text, value) != NULL;
    }
    cr_expect(found, "%s", text);
}
