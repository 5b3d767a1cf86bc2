/* SPDX-License-Identifier: Apache-2.0 */
/* `require_certificate`: what certificates of a partner must be, beyond trusted. */
#include "support/setting.h"

#define PASS OUTCOME_PASS
#define POLICY OUTCOME_POLICY
#define BR "2.23.140.1.5."

/* Under "root.pem", or pinned. */
static struct setting *open_with(const char *demands, bool pinned, const struct pki *root, const struct pki *leaf)
{
    g_autofree char *rule = g_strdup_printf("require_certificate = { %s };\n%s", demands,
                                            pinned ? "naming = \"pinned\"; certificates = ( \"leaf.pem\" );" : "");
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL);
    struct setting *setting = setting_new("trust_anchors = ( \"root.pem\" );", rule);
    g_free(pki_write(setting->folder, "root.pem", root, NULL));
    g_free(pki_write(setting->folder, "leaf.pem", leaf, NULL));
    setting_open(setting);
    return setting;
}

static void expect(const struct setting *setting, const struct pki *leaf, STACK_OF(X509) * untrusted,
                   enum outcome expected, const char *says, const char *what)
{
    static const enum purpose purposes[] = {PURPOSE_SIGN, PURPOSE_ENCRYPT};
    /* Twice: the second answer comes from the cache of paths. */
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(purposes); i++)
        setting_expect(setting,
                       &(struct chain_query){.leaf = leaf->cert, .untrusted = untrusted, .purpose = purposes[i / 2]},
                       expected, says, what);
}

Test(demands, of_the_certificate_alone)
{
    const struct {
        const char *demands, *policies;
        enum pki_key key;
        enum outcome outcome;
        const char *says;
    } rows[] = {
        {"", NULL, PKI_RSA, PASS, ""},
        {"smime_br = ( \"sponsor\" );", BR "3.3", PKI_RSA, PASS, ""},
        {"smime_br = ( \"organization\", \"sponsor\" );", BR "2.1", PKI_RSA, PASS, ""},
        {"smime_br = ( \"organization\", \"sponsor\" );", BR "1.3", PKI_RSA, POLICY, "its type is mailbox"},
        {"smime_br = ( \"sponsor\" );", "1.2.3", PKI_RSA, POLICY, "its type is not declared"},
        {"smime_br = ( \"sponsor\" );", NULL, PKI_RSA, POLICY, "its type is not declared"},
        {"smime_br = ( \"sponsor\" );", BR "3.3," BR "1.3", PKI_RSA, POLICY, "its type is not declared"},
        {"generations = ( \"strict\" );", BR "3.3", PKI_RSA, PASS, ""},
        {"generations = ( \"strict\", \"multipurpose\" );", BR "3.1", PKI_RSA, POLICY, "its generation is legacy"},
        {"generations = ( \"strict\" );", NULL, PKI_RSA, POLICY, "its generation is not declared"},
        {"keys = ( \"rsa-2048\" );", NULL, PKI_RSA, PASS, ""},
        {"keys = ( \"rsa-3072\", \"p-256\" );", NULL, PKI_RSA, POLICY,
         "its key is rsa-2048, and keys asks for rsa-3072, p-256"},
        {"keys = ( \"rsa-3072\", \"p-256\" );", NULL, PKI_EC, PASS, ""},
        {"keys = ( \"rsa-2048\" );", NULL, PKI_EC, POLICY, "its key is p-256"},
        {"split_keys = true;", NULL, PKI_RSA, POLICY, "its key is for signatures and for encryption"},
        {"split_keys = false;", NULL, PKI_RSA, PASS, ""},
    };
    PKI_AUTO struct pki *root = pki_ca("Root");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (int pinned = 0; pinned < 2; pinned++) {
            g_autofree char *extension = g_strconcat("certificatePolicies=", rows[i].policies, NULL);
            g_autofree char *what = g_strdup_printf("row %zu%s", i, pinned ? ", pinned" : "");
            PKI_AUTO struct pki *leaf = pki_issue(
                &(struct pki_spec){.issuer = root,
                                   .subject = PKI_LIST("CN=leaf"),
                                   .key = rows[i].key,
                                   .key_usage = rows[i].key == PKI_EC ? "digitalSignature,keyAgreement"
                                                                      : "digitalSignature,keyEncipherment",
                                   .extensions = rows[i].policies != NULL ? PKI_LIST(extension) : PKI_LIST(NULL)});
            AUTO_SETTING setting = open_with(rows[i].demands, pinned, root, leaf);
            expect(setting, leaf, NULL, rows[i].outcome, rows[i].says, what);
        }
}

Test(demands, split_keys_are_accepted)
{
    PKI_AUTO struct pki *root = pki_ca("Root");
    PKI_AUTO struct pki *signer =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=s"), .key_usage = "digitalSignature"});
    PKI_AUTO struct pki *reader =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=r"), .key_usage = "keyAgreement"});
    AUTO_SETTING setting = open_with("split_keys = true;", false, root, signer);
    setting_expect(setting, &(struct chain_query){.leaf = signer->cert, .purpose = PURPOSE_SIGN}, PASS, "", "signs");
    setting_expect(setting, &(struct chain_query){.leaf = reader->cert, .purpose = PURPOSE_ENCRYPT}, PASS, "", "reads");
}

/* Root, which is the anchor, then two authorities, then the leaf. */
struct path {
    struct pki *upper, *lower, *leaf;
    STACK_OF(X509) * untrusted;
};

#define DEFAULT_USAGE "digitalSignature,keyAgreement"

static const char *const *extensions_of(const char *const list[2])
{
    static const char *out[3];
    out[0] = list[0];
    out[1] = out[0] != NULL ? list[1] : NULL;
    out[2] = NULL;
    return out;
}

static void path_make(struct path *path, const struct pki *root, const char *const extensions[3][2])
{
    path->upper = pki_issue(&(struct pki_spec){
        .issuer = root, .ca = true, .subject = PKI_LIST("CN=Upper"), .extensions = extensions_of(extensions[0])});
    path->lower = pki_issue(&(struct pki_spec){.issuer = path->upper,
                                               .ca = true,
                                               .subject = PKI_LIST("CN=Lower"),
                                               .extensions = extensions_of(extensions[1])});
    path->leaf = pki_issue(&(struct pki_spec){.issuer = path->lower,
                                              .subject = PKI_LIST("CN=leaf"),
                                              .key_usage = DEFAULT_USAGE,
                                              .extensions = extensions_of(extensions[2])});
    path->untrusted = sk_X509_new_null();
    sk_X509_push(path->untrusted, path->lower->cert);
    sk_X509_push(path->untrusted, path->upper->cert);
}

static void path_clear(struct path *path)
{
    sk_X509_free(path->untrusted);
    pki_free(path->leaf);
    pki_free(path->lower);
    pki_free(path->upper);
}

/* RFC 5280 §6.1: each authority below the anchor has to allow the policy. */
Test(demands, a_policy_applies_if_the_whole_path_allows_it)
{
    static const struct {
        const char *extensions[3][2]; /* of the upper and the lower authority and of the leaf */
        enum outcome outcome;
    } rows[] = {
        {{{"certificatePolicies=1.2.3"}, {"certificatePolicies=1.2.3"}, {"certificatePolicies=1.2.3"}}, PASS},
        {{{"certificatePolicies=1.2.4"}, {"certificatePolicies=1.2.4"}, {"certificatePolicies=1.2.4"}}, PASS},
        {{{"certificatePolicies=1.2.9"}, {"certificatePolicies=1.2.9"}, {"certificatePolicies=1.2.9"}}, POLICY},
        {{{"certificatePolicies=1.2.3"}, {"certificatePolicies=1.2.4"}, {"certificatePolicies=1.2.4"}}, POLICY},
        {{{"certificatePolicies=1.2.3"}, {"certificatePolicies=1.2.3"}, {"certificatePolicies=1.2.4"}}, POLICY},
        {{{"certificatePolicies=1.2.3,1.2.4"}, {"certificatePolicies=1.2.4,1.2.9"}, {"certificatePolicies=1.2.4"}},
         PASS},
        {{{"certificatePolicies=2.5.29.32.0"}, {"certificatePolicies=2.5.29.32.0"}, {"certificatePolicies=1.2.3"}},
         PASS},
        {{{"certificatePolicies=2.5.29.32.0"}, {"certificatePolicies=1.2.3"}, {"certificatePolicies=1.2.3"}}, PASS},
        {{{"certificatePolicies=1.2.3"}, {"certificatePolicies=2.5.29.32.0"}, {"certificatePolicies=1.2.4"}}, POLICY},
        {{{"certificatePolicies=1.2.3"}, {"certificatePolicies=1.2.3"}, {"certificatePolicies=2.5.29.32.0"}}, POLICY},
        {{{NULL}, {"certificatePolicies=1.2.3"}, {"certificatePolicies=1.2.3"}}, POLICY},
        {{{"certificatePolicies=1.2.3"}, {NULL}, {"certificatePolicies=1.2.3"}}, POLICY},
        {{{"certificatePolicies=1.2.3"}, {"certificatePolicies=1.2.3"}, {NULL}}, POLICY},
        {{{"certificatePolicies=1.2.3", "inhibitAnyPolicy=0"},
          {"certificatePolicies=2.5.29.32.0"},
          {"certificatePolicies=1.2.3"}},
         POLICY},
        {{{"certificatePolicies=2.5.29.32.0", "inhibitAnyPolicy=0"},
          {"certificatePolicies=1.2.3"},
          {"certificatePolicies=1.2.3"}},
         PASS},
        {{{"certificatePolicies=1.2.3", "policyMappings=1.2.3:1.2.9"},
          {"certificatePolicies=1.2.9"},
          {"certificatePolicies=1.2.3"}},
         POLICY},
        {{{"certificatePolicies=1.2.3", "policyMappings=1.2.3:1.2.9"},
          {"certificatePolicies=1.2.3,1.2.9"},
          {"certificatePolicies=1.2.3"}},
         POLICY},
        {{{"certificatePolicies=1.2.3"},
          {"certificatePolicies=1.2.3"},
          {"certificatePolicies=1.2.3", "policyMappings=1.2.3:1.2.9"}}, /* it is no authority */
         PASS},
    };
    PKI_AUTO struct pki *root = pki_ca("Root");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct path path = {0};
        g_autofree char *what = g_strdup_printf("row %zu", i);
        path_make(&path, root, rows[i].extensions);
        AUTO_SETTING setting = open_with("policies = ( \"1.2.3\", \"1.2.4\" );", false, root, path.leaf);
        expect(setting, path.leaf, path.untrusted, rows[i].outcome,
               rows[i].outcome == PASS ? "" : "no policy applies that policies asks for (1.2.3, 1.2.4)", what);
        path_clear(&path);
    }
}

/* An authority that does not inhibit anyPolicy does not allow it again. */
Test(demands, any_policy_stays_inhibited)
{
    PKI_AUTO struct pki *root = pki_ca("Root");
    for (int inhibited = 0; inhibited < 2; inhibited++) {
        static const char *const plain[] = {"certificatePolicies=1.2.3", NULL};
        const char *const first[] = {plain[0], inhibited ? "inhibitAnyPolicy=0" : NULL, NULL};
        const char *const any[] = {"certificatePolicies=2.5.29.32.0", NULL};
        PKI_AUTO struct pki *upper = pki_issue(
            &(struct pki_spec){.issuer = root, .ca = true, .subject = PKI_LIST("CN=Upper"), .extensions = first});
        PKI_AUTO struct pki *middle = pki_issue(
            &(struct pki_spec){.issuer = upper, .ca = true, .subject = PKI_LIST("CN=Middle"), .extensions = plain});
        PKI_AUTO struct pki *lower = pki_issue(
            &(struct pki_spec){.issuer = middle, .ca = true, .subject = PKI_LIST("CN=Lower"), .extensions = any});
        PKI_AUTO struct pki *leaf = pki_issue(&(struct pki_spec){
            .issuer = lower, .subject = PKI_LIST("CN=leaf"), .key_usage = DEFAULT_USAGE, .extensions = plain});
        AUTO_SETTING setting = open_with("policies = ( \"1.2.3\" );", false, root, leaf);
        STACK_OF(X509) *untrusted = sk_X509_new_null();
        const struct pki *authorities[] = {upper, middle, lower};
        for (size_t i = 0; i < G_N_ELEMENTS(authorities); i++)
            sk_X509_push(untrusted, authorities[i]->cert);
        expect(setting, leaf, untrusted, inhibited ? POLICY : PASS, inhibited ? "no policy applies" : "", "three");
        sk_X509_free(untrusted);
    }
}

/* Also where no other extension stands before it. */
Test(demands, the_first_extension_is_heard)
{
    static const struct {
        const char *first, *lower; /* extensions of the upper and of the lower authority */
    } rows[] = {{"policyMappings=1.2.3:1.2.9", "certificatePolicies=1.2.3"},
                {"inhibitAnyPolicy=0", "certificatePolicies=2.5.29.32.0"}};
    PKI_AUTO struct pki *root = pki_ca("Root");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *upper = pki_issue(&(struct pki_spec){
            .issuer = root,
            .ca = true,
            .subject = PKI_LIST("CN=Upper"),
            .basic = "",
            .key_usage = "",
            .no_key_ids = true,
            .extensions = PKI_LIST(rows[i].first, "basicConstraints=critical,CA:TRUE", "certificatePolicies=1.2.3")});
        PKI_AUTO struct pki *lower = pki_issue(&(struct pki_spec){.issuer = upper,
                                                                  .ca = true,
                                                                  .subject = PKI_LIST("CN=Lower"),
                                                                  .no_key_ids = true,
                                                                  .extensions = PKI_LIST(rows[i].lower)});
        PKI_AUTO struct pki *leaf = pki_issue(&(struct pki_spec){.issuer = lower,
                                                                 .subject = PKI_LIST("CN=leaf"),
                                                                 .key_usage = DEFAULT_USAGE,
                                                                 .no_key_ids = true,
                                                                 .extensions = PKI_LIST("certificatePolicies=1.2.3")});
        AUTO_SETTING setting = open_with("policies = ( \"1.2.3\" );", false, root, leaf);
        STACK_OF(X509) *untrusted = sk_X509_new_null();
        sk_X509_push(untrusted, upper->cert);
        sk_X509_push(untrusted, lower->cert);
        expect(setting, leaf, untrusted, POLICY, "no policy applies", rows[i].first);
        sk_X509_free(untrusted);
    }
}

/* Nor that of a certificate that is an anchor itself, although a path leads on from it. */
Test(demands, the_policy_of_an_anchor_is_its_own)
{
    PKI_AUTO struct pki *root = pki_ca("Root"), *authority = pki_sub_ca(root, "Authority");
    PKI_AUTO struct pki *leaf = pki_issue(&(struct pki_spec){.issuer = authority,
                                                             .subject = PKI_LIST("CN=leaf"),
                                                             .key_usage = DEFAULT_USAGE,
                                                             .extensions = PKI_LIST("certificatePolicies=1.2.3")});
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    sk_X509_push(untrusted, authority->cert);
    for (int named = 0; named < 2; named++) {
        AUTO_SETTING setting =
            setting_new("trust_anchors = ( \"anchors.pem\" );", "require_certificate = { policies = ( \"1.2.3\" ); };");
        g_free(pki_write(setting->folder, "anchors.pem", root, named ? leaf : NULL, NULL));
        setting_open(setting);
        expect(setting, leaf, untrusted, named ? PASS : POLICY, "", named ? "named" : "not named");
    }
    sk_X509_free(untrusted);
}

/* No authority has to confirm the policy of a pinned certificate, which has no path. */
Test(demands, the_policy_of_a_pinned_certificate)
{
    PKI_AUTO struct pki *root = pki_ca("Root");
    PKI_AUTO struct pki *leaf = pki_issue(&(struct pki_spec){.issuer = root,
                                                             .subject = PKI_LIST("CN=leaf"),
                                                             .key_usage = DEFAULT_USAGE,
                                                             .extensions = PKI_LIST("certificatePolicies=1.2.3")});
    AUTO_SETTING setting = open_with("policies = ( \"1.2.3\" );", true, root, leaf);
    AUTO_SETTING other = open_with("policies = ( \"1.2.4\" );", true, root, leaf);
    expect(setting, leaf, NULL, PASS, "", "its own");
    expect(other, leaf, NULL, POLICY, "no policy applies", "another");
}

Test(demands, issuers)
{
    static const char *const none[3][2] = {{NULL}};
    PKI_AUTO struct pki *root = pki_ca("Root");
    PKI_AUTO struct pki *other = pki_ca("Other");
    struct path path = {0};
    path_make(&path, root, none);
    /* The same authority with another certificate. */
    PKI_AUTO struct pki *renewed = pki_issue(
        &(struct pki_spec){.issuer = other, .ca = true, .subject = PKI_LIST("CN=Lower"), .use_key = path.lower->key});
    /* Another authority of the same name. */
    PKI_AUTO struct pki *namesake =
        pki_issue(&(struct pki_spec){.issuer = root, .ca = true, .subject = PKI_LIST("CN=Lower")});
    PKI_AUTO struct pki *idless =
        pki_issue(&(struct pki_spec){.issuer = root, .ca = true, .subject = PKI_LIST("CN=Lower"), .no_key_ids = true});
    /* An authority with the leaf's name and key. */
    PKI_AUTO struct pki *same_as_leaf = pki_issue(
        &(struct pki_spec){.issuer = other, .ca = true, .subject = PKI_LIST("CN=leaf"), .use_key = path.leaf->key});
    /* The authority's key under another name. */
    PKI_AUTO struct pki *renamed = pki_issue(
        &(struct pki_spec){.issuer = root, .ca = true, .subject = PKI_LIST("CN=Else"), .use_key = path.lower->key});
    const struct {
        const struct pki *issuer;
        enum outcome outcome, pinned;
    } rows[] = {{idless, POLICY, POLICY},   {renamed, POLICY, POLICY},     {path.lower, PASS, PASS},
                {path.upper, PASS, POLICY}, /* a pinned certificate has no path: only its own
                                               issuer is known */
                {root, PASS, POLICY},       {renewed, PASS, PASS},         {namesake, POLICY, POLICY},
                {other, POLICY, POLICY},    {same_as_leaf, POLICY, POLICY}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (int pinned = 0; pinned < 2; pinned++) {
            g_autofree char *what = g_strdup_printf("row %zu%s", i, pinned ? ", pinned" : "");
            g_autofree char *rule =
                g_strdup_printf("require_certificate = { issuers = ( \"issuer.pem\" ); };\n%s",
                                pinned ? "naming = \"pinned\"; certificates = ( \"leaf.pem\" );" : "");
            AUTO_SETTING setting = setting_new("trust_anchors = ( \"root.pem\" );", rule);
            g_free(pki_write(setting->folder, "root.pem", root, NULL));
            g_free(pki_write(setting->folder, "leaf.pem", path.leaf, NULL));
            g_free(pki_write(setting->folder, "issuer.pem", rows[i].issuer, other, NULL));
            setting_open(setting);
            enum outcome expected = pinned ? rows[i].pinned : rows[i].outcome;
            expect(setting, path.leaf, path.untrusted, expected,
                   expected == PASS ? "" : "no authority that issuers names", what);
        }
    path_clear(&path);
}

/* One path has no policy, and of the other one it is not known whether it is revoked: failed is never none. */
Test(demands, another_path_may_still_have_it)
{
    AUTO_SETTING setting =
        setting_new("trust_anchors = ( \"root.pem\" ); revocation = { check = \"hard\"; crls = ( \"crl.pem\" ); };",
                    "require_certificate = { policies = ( \"1.2.3\" ); };");
    PKI_AUTO struct pki *root = pki_ca("Root");
    PKI_AUTO struct pki *old = pki_ca("Old");
    PKI_AUTO struct pki *poor =
        pki_issue(&(struct pki_spec){.issuer = root, .ca = true, .subject = PKI_LIST("CN=Lower")});
    PKI_AUTO struct pki *rich = pki_issue(&(struct pki_spec){.issuer = old,
                                                             .ca = true,
                                                             .subject = PKI_LIST("CN=Lower"),
                                                             .use_key = poor->key,
                                                             .extensions = PKI_LIST("certificatePolicies=1.2.3")});
    PKI_AUTO struct pki *leaf = pki_issue(&(struct pki_spec){.issuer = poor,
                                                             .subject = PKI_LIST("CN=leaf"),
                                                             .key_usage = DEFAULT_USAGE,
                                                             .extensions = PKI_LIST("certificatePolicies=1.2.3")});
    owned(X509_CRL) X509_CRL *of_root = pki_crl(&(struct pki_crl_spec){.issuer = root});
    owned(X509_CRL) X509_CRL *of_lower = pki_crl(&(struct pki_crl_spec){.issuer = poor});
    g_autofree char *crls = g_build_filename(setting->folder, "crl.pem", NULL);
    FILE *file = g_fopen(crls, "w");
    PEM_write_X509_CRL(file, of_root);
    PEM_write_X509_CRL(file, of_lower);
    fclose(file);
    g_free(pki_write(setting->folder, "root.pem", root, old, NULL));
    setting_open(setting);
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    sk_X509_push(untrusted, poor->cert);
    expect(setting, leaf, untrusted, POLICY, "no policy applies", "one path");
    sk_X509_push(untrusted, rich->cert);
    expect(setting, leaf, untrusted, OUTCOME_TEMPERROR, "", "two paths");
    sk_X509_free(untrusted);
}

/* Of two paths that lack something, the first is the one to report. */
Test(demands, the_first_path_is_told_of)
{
    PKI_AUTO struct pki *root = pki_ca("Root"), *old = pki_ca("Old");
    PKI_AUTO struct pki *first =
        pki_issue(&(struct pki_spec){.issuer = root, .ca = true, .subject = PKI_LIST("CN=Lower")});
    PKI_AUTO struct pki *second = pki_issue(&(struct pki_spec){.issuer = old,
                                                               .ca = true,
                                                               .subject = PKI_LIST("CN=Lower"),
                                                               .use_key = first->key,
                                                               .extensions = PKI_LIST("certificatePolicies=1.2.3")});
    PKI_AUTO struct pki *leaf = pki_issue(&(struct pki_spec){.issuer = first,
                                                             .subject = PKI_LIST("CN=leaf"),
                                                             .key_usage = DEFAULT_USAGE,
                                                             .extensions = PKI_LIST("certificatePolicies=1.2.3")});
    AUTO_SETTING setting =
        setting_new("trust_anchors = ( \"root.pem\" );",
                    "require_certificate = { policies = ( \"1.2.3\" ); issuers = ( \"issuer.pem\" ); };");
    g_free(pki_write(setting->folder, "root.pem", root, old, NULL));
    g_free(pki_write(setting->folder, "issuer.pem", root, NULL));
    setting_open(setting);
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    sk_X509_push(untrusted, first->cert);
    sk_X509_push(untrusted, second->cert);
    setting_expect(setting, &(struct chain_query){.leaf = leaf->cert, .untrusted = untrusted, .purpose = PURPOSE_SIGN},
                   POLICY, "no policy applies", "two paths");
    sk_X509_free(untrusted);
}

Test(demands, files_of_issuers_are_read_at_start)
{
    AUTO_SETTING setting = setting_new("", "\nrequire_certificate = { issuers = ( \"missing.pem\" ); };");
    cr_assert_not(setting_try(setting));
    cr_expect(strstr(faults_at(setting->faults, 0), "require_certificate.issuers") != NULL, "%s",
              faults_at(setting->faults, 0));
}
