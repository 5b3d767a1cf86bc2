/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of several authors: the rule of each author's partner has to be satisfied, and a signature has to stand for
 * each author under the anchors and the naming of that author's partner. Otherwise a partner could vouch for another
 * partner's people.
 */
#include "support/attack.h"

#define FIELDS "To: bob@partner.test\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
#define STRICT "inbound = { require = \"sign\"; otherwise = \"reject\"; };"
#define LAX "inbound = { require = \"none\"; otherwise = \"tag\"; };"
#define ORDERS 2
#define DOMAIN SIGNATURE_TYPE_DOMAIN

/* partner.test's gateway with two partners, acme.test and evil.test. Each has an authority of its own; `both` is one
 * that either partner may name as its anchor. */
struct scene {
    struct rig *rig;
    struct pki *evil, *both;
};

static void scene_clear(struct scene *scene)
{
    rig_free(scene->rig);
    pki_free(scene->evil);
    pki_free(scene->both);
}
#define AUTO_SCENE __attribute__((cleanup(scene_clear))) struct scene

#define EVIL_ANCHORS "anchors = ( \"evil-ca.pem\" ); "
#define BOTH_ANCHORS "anchors = ( \"both-ca.pem\" ); "
#define ACME_ANCHORS "anchors = ( \"other-ca.pem\" ); "
#define GLOBAL_ANCHORS ""

static struct scene scene_new(void)
{
    struct scene scene = {.rig = rig_closed(PKI_EC), .evil = pki_ca("evil.test"), .both = pki_ca("of both")};
    const char *folder = scene.rig->partner.folder;
    g_free(pki_write(folder, "evil-ca.pem", scene.evil, NULL));
    g_free(pki_write(folder, "both-ca.pem", scene.both, NULL));
    g_free(pki_write(folder, "other-ca.pem", scene.rig->acme.ca, NULL));
    return scene;
}

/* Opens the gateway with these policies, and with extra lines in domsec.conf. */
static void scene_open(struct scene *scene, const char *acme, const char *evil, const char *extra)
{
    struct org *org = &scene->rig->partner;
    g_autofree char *of_acme = g_strconcat("domain = \"acme.test\";\n", acme, "\n", NULL);
    g_autofree char *of_evil = g_strconcat("domain = \"evil.test\";\n", evil, "\n", NULL);
    struct org third = {.domain = "third.test", .ca = scene->rig->acme.ca, .dca = scene->rig->acme.dca};
    gateway_unref(steal(&org->gateway));
    folder_write(org->folder, "policy.d/acme.test.conf", of_acme);
    folder_write(org->folder, "policy.d/evil.test.conf", of_evil);
    rig_open(org, &third, "", extra);
}

static const char *const from_both[ORDERS] = {
    "From: mallory@evil.test, alice@acme.test\r\n" FIELDS,
    "From: alice@acme.test, mallory@evil.test\r\n" FIELDS,
};

static struct sent receive(const struct scene *scene, const char *text)
{
    return rig_pass(&scene->rig->partner, DIRECTION_INBOUND,
                    &(struct rig_envelope){"mallory@evil.test", "bob@partner.test", NULL, NULL, "198.51.100.1"}, text,
                    strlen(text));
}

/* The message of both authors, in this order, with the content signed by one certificate. types 0: the originator's. */
static char *signed_message(unsigned order, const struct pki *signer, unsigned types)
{
    return attack_opaque(from_both[order], attack_sign(&(struct attack){.signer = signer, .types = types}));
}

static const struct finding *finding_of(const struct sent *in, unsigned types)
{
    const struct judgement *judgement = &in->result->plan.judgement;
    return types & DOMAIN ? &judgement->domain : &judgement->originator;
}

/* --- signatures: anchors and naming of each partner --- */

/* A certificate that is named as well as it can be for both domains, and for both authors. */
static struct pki *name_both(const struct pki *issuer, bool by_address)
{
    return pki_issue(&(struct pki_spec){
        .issuer = issuer,
        .subject = PKI_LIST("O=Both", "CN=domain-signing-authority"),
        .san = by_address
                   ? PKI_LIST("email:domain-signing-authority@evil.test", "email:domain-signing-authority@acme.test",
                              "email:mallory@evil.test", "email:alice@acme.test", "dns:evil.test", "dns:acme.test")
                   : PKI_LIST("dns:evil.test", "dns:acme.test")});
}

/* Under rfc3183, each address of a certificate has to fit each domain, so that only an X.500 name can stand for two. */
static const struct {
    const char *policy;
    bool by_address, either;
} namings[] = {
    {"naming = \"rfc3183\"; x500_name = ( \"O=Both\" ); ", false, false},
    {"naming = \"mailbox\"; ", true, false},
    {"naming = \"domain\"; ", true, true},
    {"naming = \"pinned\"; certificates = ( \"signer.pem\" ); ", true, true},
};

/* evil.test's own authority names evil.test's certificate as it likes: that says nothing of acme.test's people. */
Test(authors, a_partner_does_not_vouch_for_another_partners_people)
{
    for (size_t evils = 0; evils < G_N_ELEMENTS(namings); evils++) {
        for (size_t acmes = 0; acmes < G_N_ELEMENTS(namings) - 1; acmes++) {
            AUTO_SCENE scene = scene_new();
            PKI_AUTO struct pki *signer = name_both(scene.evil, namings[evils].by_address);
            g_autofree char *acme = g_strconcat(ACME_ANCHORS, namings[acmes].policy, STRICT, NULL);
            g_autofree char *evil = g_strconcat(EVIL_ANCHORS, namings[evils].policy, LAX, NULL);
            g_free(pki_write(scene.rig->partner.folder, "signer.pem", signer, NULL));
            scene_open(&scene, acme, evil, NULL);
            for (unsigned i = 0; i < 2 * ORDERS; i++) {
                unsigned types = i & 1 ? DOMAIN : 0;
                g_autofree char *text = signed_message(i / 2, signer, types);
                AUTO_SENT struct sent in = receive(&scene, text);
                attack_expect_refused(&in, namings[evils].policy);
                attack_expect_outcome(finding_of(&in, types), OUTCOME_POLICY, "does not lead to a trust anchor",
                                      namings[acmes].policy);
            }
        }
    }
}

/* Nor does it if it may name anchors that both have: then the names decide, each under its partner's naming. */
Test(authors, each_partner_compares_the_names_in_its_own_way)
{
    for (size_t evils = 0; evils < G_N_ELEMENTS(namings); evils++) {
        for (size_t acmes = 0; acmes < G_N_ELEMENTS(namings); acmes++) {
            bool by_address = namings[evils].by_address && namings[acmes].by_address;
            bool fits = namings[evils].by_address == namings[acmes].by_address || namings[evils].either ||
                        namings[acmes].either;
            AUTO_SCENE scene = scene_new();
            PKI_AUTO struct pki *signer = name_both(scene.both, by_address);
            g_autofree char *acme = g_strconcat(BOTH_ANCHORS, namings[acmes].policy, STRICT, NULL);
            g_autofree char *evil = g_strconcat(BOTH_ANCHORS, namings[evils].policy, STRICT, NULL);
            g_free(pki_write(scene.rig->partner.folder, "signer.pem", signer, NULL));
            scene_open(&scene, acme, evil, NULL);
            for (unsigned order = 0; order < ORDERS; order++) {
                g_autofree char *text = signed_message(order, signer, DOMAIN);
                AUTO_SENT struct sent in = receive(&scene, text);
                if (fits)
                    attack_expect_believed(&in, true, namings[evils].policy);
                else
                    attack_expect_refused(&in, namings[evils].policy);
            }
        }
    }
}

/* A pin of one partner is none of the other's. */
Test(authors, a_pinned_certificate_is_pinned_for_its_own_partner)
{
    static const char pinned[] = "naming = \"pinned\"; certificates = ( \"signer.pem\" ); " STRICT;
    static const char other[] = "naming = \"pinned\"; certificates = ( \"other.pem\" ); " STRICT;
    const struct {
        const char *acme, *evil;
        bool good;
    } rows[] = {{pinned, pinned, true}, {pinned, other, false}, {other, pinned, false}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows) * ORDERS; i++) {
        AUTO_SCENE scene = scene_new();
        PKI_AUTO struct pki *signer = name_both(scene.evil, true);
        g_free(pki_write(scene.rig->partner.folder, "signer.pem", signer, NULL));
        g_free(pki_write(scene.rig->partner.folder, "other.pem", scene.rig->acme.dsa, NULL));
        scene_open(&scene, rows[i / ORDERS].acme, rows[i / ORDERS].evil, NULL);
        g_autofree char *text = signed_message(i % ORDERS, signer, DOMAIN);
        AUTO_SENT struct sent in = receive(&scene, text);
        if (rows[i / ORDERS].good)
            attack_expect_believed(&in, true, "pinned by both");
        else
            attack_expect_refused(&in, "pinned by one");
    }
}

/* Of a partner without anchors, those of domsec.conf count; of no other. */
Test(authors, each_partner_has_its_own_anchors)
{
    const char *const anchors[] = {EVIL_ANCHORS, BOTH_ANCHORS, GLOBAL_ANCHORS};
    for (unsigned i = 0; i < 9; i++) {
        AUTO_SCENE scene = scene_new();
        const struct pki *const issuers[] = {scene.evil, scene.both, scene.rig->partner.ca};
        g_autofree char *acme = g_strconcat(anchors[i / 3], "naming = \"mailbox\"; ", STRICT, NULL);
        g_autofree char *evil = g_strconcat(anchors[i % 3], "naming = \"mailbox\"; ", STRICT, NULL);
        scene_open(&scene, acme, evil, NULL);
        for (unsigned j = 0; j < G_N_ELEMENTS(issuers) * 2 * ORDERS; j++) {
            unsigned types = j & 1 ? DOMAIN : 0, issuer = j / 2 / ORDERS;
            PKI_AUTO struct pki *signer = name_both(issuers[issuer], true);
            g_autofree char *text = signed_message(j / 2 % ORDERS, signer, types);
            AUTO_SENT struct sent in = receive(&scene, text);
            if (issuer == i / 3 && issuer == i % 3)
                attack_expect_believed(&in, types != 0, anchors[issuer]);
            else
                attack_expect_refused(&in, anchors[issuer]);
        }
    }
}

/* A certificate that names one author is good for that author alone. */
Test(authors, a_signature_stands_for_every_author)
{
    AUTO_SCENE scene = scene_new();
    scene_open(&scene, BOTH_ANCHORS "naming = \"mailbox\"; " STRICT, BOTH_ANCHORS "naming = \"mailbox\"; " STRICT,
               NULL);
    for (unsigned i = 0; i < 4 * ORDERS; i++) {
        bool of_evil = i & 1, domain = i & 2;
        const char *role =
            of_evil ? "email:domain-signing-authority@evil.test" : "email:domain-signing-authority@acme.test";
        PKI_AUTO struct pki *signer =
            pki_issue(&(struct pki_spec){.issuer = scene.both,
                                         .subject = PKI_LIST("CN=domain-signing-authority"),
                                         .san = domain    ? PKI_LIST(role)
                                                : of_evil ? PKI_LIST("email:mallory@evil.test")
                                                          : PKI_LIST("email:alice@acme.test")});
        g_autofree char *text = signed_message(i / 4, signer, domain ? DOMAIN : 0);
        AUTO_SENT struct sent in = receive(&scene, text);
        attack_expect_refused(&in, of_evil ? "evil.test" : "acme.test");
        cr_expect_not_null(strstr(finding_of(&in, domain ? DOMAIN : 0)->reason, of_evil ? "acme.test" : "evil.test"),
                           "%s", finding_of(&in, domain ? DOMAIN : 0)->reason);
    }
}

/* Two authors of one partner make one question to it, about both; a third author of another partner, one more. */
Test(authors, several_authors_of_one_partner)
{
    static const struct {
        const char *from;
        bool good;
        unsigned paths;
    } rows[] = {
        {"From: alice@acme.test, carol@acme.test\r\n", true, 1},
        {"From: alice@acme.test, x@sub.acme.test\r\n", true, 1},
        {"From: x@sub.acme.test, alice@acme.test\r\n", true, 1},
        {"From: alice@acme.test, x@sub.acme.test, mallory@evil.test\r\n", false, 2},
        {"From: mallory@evil.test, alice@acme.test, x@sub.acme.test\r\n", false, 2},
        {"From: alice@acme.test, mallory@evil.test, x@sub.acme.test\r\n", false, 2},
    };
    AUTO_SCENE scene = scene_new();
    scene_open(&scene, ACME_ANCHORS STRICT, ACME_ANCHORS STRICT, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *header = g_strconcat(rows[i].from, FIELDS, NULL);
        g_autofree char *text =
            attack_opaque(header, attack_sign(&(struct attack){.signer = scene.rig->acme.dsa, .types = DOMAIN}));
        AUTO_SENT struct sent in = receive(&scene, text);
        if (rows[i].good)
            attack_expect_believed(&in, true, rows[i].from);
        else
            attack_expect_refused(&in, rows[i].from);
        cr_expect_eq(in.result->lookups.paths, rows[i].paths, "%s: %u", rows[i].from, in.result->lookups.paths);
    }
}

/* Each partner is asked about its own authors' domains, and about no other's. */
Test(authors, a_partner_is_asked_about_its_own_authors)
{
    static const char *const froms[] = {
        "From: mallory@evil.test, alice@acme.test, carol@acme.test\r\n" FIELDS,
        "From: alice@acme.test, mallory@evil.test, carol@acme.test\r\n" FIELDS,
    };
    AUTO_SCENE scene = scene_new();
    PKI_AUTO struct pki *signer =
        pki_issue(&(struct pki_spec){.issuer = scene.both,
                                     .subject = PKI_LIST("CN=domain-signing-authority"),
                                     .san = PKI_LIST("email:domain-signing-authority@acme.test", "dns:evil.test")});
    scene_open(&scene, BOTH_ANCHORS "naming = \"mailbox\"; " STRICT, BOTH_ANCHORS "naming = \"domain\"; " STRICT, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(froms); i++) {
        g_autofree char *text =
            attack_opaque(froms[i], attack_sign(&(struct attack){.signer = signer, .types = DOMAIN}));
        AUTO_SENT struct sent in = receive(&scene, text);
        attack_expect_believed(&in, true, froms[i]);
    }
}

/* --- review and additional attributes: no name of the authors counts, the anchors of each partner do --- */

Test(authors, reviews_and_attributes_are_believed_by_each_partner)
{
    static const unsigned types[] = {SIGNATURE_TYPE_REVIEW, SIGNATURE_TYPE_ATTRIBUTES};
    AUTO_SCENE scene = scene_new();
    scene_open(&scene, BOTH_ANCHORS "naming = \"mailbox\"; " LAX, BOTH_ANCHORS LAX, NULL);
    for (unsigned i = 0; i < 3 * G_N_ELEMENTS(types) * ORDERS; i++) {
        unsigned type = types[i / 3 % 2];
        const char *role = type == SIGNATURE_TYPE_REVIEW ? "review-authority" : "attribute-authority";
        const struct pki *const issuer = i % 3 == 1 ? scene.evil : scene.both;
        /* rfc3183 wants a common name, mailbox does not. */
        g_autofree char *name = g_strconcat("CN=", i % 3 == 2 ? "someone" : role, NULL);
        g_autofree char *address = g_strconcat("email:", role, "@else.test", NULL);
        PKI_AUTO struct pki *signer =
            pki_issue(&(struct pki_spec){.issuer = issuer, .subject = PKI_LIST(name), .san = PKI_LIST(address)});
        g_autofree char *text = signed_message(i / 3 / 2, signer, type);
        AUTO_SENT struct sent in = receive(&scene, text);
        const struct finding *finding = &in.result->plan.judgement.layers[0].finding;
        attack_expect_outcome(finding, i % 3 == 0 ? OUTCOME_PASS : OUTCOME_POLICY, NULL, role);
    }
}

/* --- what cannot be checked now --- */

/* An authority below a root, whose own revocation list is at hand while that of the root is not: where the partner's
 * anchor is the authority itself, the path passes; where it is the root, it cannot be checked. */
struct half_checked {
    struct pki *root, *authority, *signer;
};

static void half_checked_clear(struct half_checked *half)
{
    pki_free(half->root);
    pki_free(half->authority);
    pki_free(half->signer);
}

static struct half_checked half_checked_in(const struct scene *scene)
{
    const char *folder = scene->rig->partner.folder;
    struct half_checked half = {.root = pki_ca("root")};
    half.authority = pki_sub_ca(half.root, "authority");
    half.signer = name_both(half.authority, true);
    X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = half.authority});
    g_free(pki_write(folder, "root.pem", half.root, NULL));
    g_free(pki_write(folder, "authority.pem", half.authority, NULL));
    g_free(pki_write_crl(folder, "authority.crl", crl));
    X509_CRL_free(crl);
    return half;
}

static const struct {
    const char *acme, *evil;
    enum outcome outcome;
    enum verdict verdict;
} unchecked[] = {
    {"authority", "authority", OUTCOME_PASS, VERDICT_ACCEPT},
    {"authority", "root", OUTCOME_TEMPERROR, VERDICT_TEMPFAIL},
    {"root", "authority", OUTCOME_TEMPERROR, VERDICT_TEMPFAIL},
    {"root", "root", OUTCOME_TEMPERROR, VERDICT_TEMPFAIL},
};

Test(authors, a_path_that_cannot_be_checked_for_one_partner_defers_the_message)
{
    for (size_t i = 0; i < G_N_ELEMENTS(unchecked); i++) {
        AUTO_SCENE scene = scene_new();
        __attribute__((cleanup(half_checked_clear))) struct half_checked half = half_checked_in(&scene);
        g_autofree char *acme =
            g_strdup_printf("anchors = ( \"%s.pem\" ); naming = \"mailbox\"; %s", unchecked[i].acme, STRICT);
        g_autofree char *evil =
            g_strdup_printf("anchors = ( \"%s.pem\" ); naming = \"mailbox\"; %s", unchecked[i].evil, STRICT);
        scene_open(&scene, acme, evil, "crls = ( \"authority.crl\" );");
        for (unsigned j = 0; j < 2 * ORDERS; j++) {
            unsigned types = j & 1 ? DOMAIN : 0;
            g_autofree char *text = attack_opaque(
                from_both[j / 2],
                attack_sign(&(struct attack){.signer = half.signer, .types = types, .carried = {half.authority}}));
            AUTO_SENT struct sent in = receive(&scene, text);
            attack_expect_outcome(finding_of(&in, types), unchecked[i].outcome, NULL, unchecked[i].acme);
            cr_expect_eq(in.result->reply.verdict, unchecked[i].verdict, "%zu: %s", i, in.result->reply.reason);
            cr_expect_eq(in.result->reply.code, unchecked[i].verdict == VERDICT_ACCEPT ? 250 : 451);
        }
    }
}

/* What is only delayed by one author's rule does not bounce by another's. */
Test(authors, a_deferral_comes_before_a_rejection)
{
    AUTO_SCENE scene = scene_new();
    __attribute__((cleanup(half_checked_clear))) struct half_checked half = half_checked_in(&scene);
    scene_open(&scene, "anchors = ( \"root.pem\" ); naming = \"mailbox\"; " STRICT,
               "anchors = ( \"authority.pem\" ); inbound = { require = \"encrypt\"; otherwise = \"reject\"; };",
               "crls = ( \"authority.crl\" );");
    for (unsigned order = 0; order < ORDERS; order++) {
        g_autofree char *text = attack_opaque(
            from_both[order],
            attack_sign(&(struct attack){.signer = half.signer, .types = DOMAIN, .carried = {half.authority}}));
        AUTO_SENT struct sent in = receive(&scene, text);
        cr_expect_eq(in.result->reply.verdict, VERDICT_TEMPFAIL, "%s", in.result->reply.reason);
        cr_expect_not_null(strstr(in.result->reply.reason, "acme.test.conf"), "%s", in.result->reply.reason);
    }
}

/* --- the rules: what one author's rule demands is not lost beside another's --- */

/* Around the content, from the inside out: d, o: the domain's, the originator's signature; l: the domain's with a label
 * of the policy 1.2.3; e, c: encrypted to us by AES-GCM, by AES-CBC; x: encrypted to others. */
static void add_label(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    const struct security_label label = {.policy = "1.2.3", .classification = 4};
    (void)cms;
    craft_add_attribute(info, OID_SECURITY_LABEL, &(struct sign_options){.label = &label});
}

static char *layered(const struct scene *scene, const struct pki *signer, const char *layers)
{
    char *entity = g_strdup(ATTACK_ENTITY);
    for (; *layers != '\0'; layers++) {
        g_autofree char *content = entity;
        bool encrypts = strchr("ecx", *layers) != NULL;
        const struct attack attack = {.signer = signer,
                                      .content = content,
                                      .types = *layers == 'o' ? 0 : DOMAIN,
                                      .alter = *layers == 'l' ? add_label : NULL};
        const struct pki *to = *layers == 'x' ? scene->rig->acme.dca : scene->rig->partner.dca;
        entity = attack_opaque(
            "", encrypts ? attack_envelop(*layers == 'c' ? EVP_aes_128_cbc() : EVP_aes_128_gcm(), to, content, false)
                         : attack_sign(&attack));
    }
    return entity;
}

static char *mailbox_policy(const char *inbound)
{
    return g_strdup_printf(BOTH_ANCHORS "naming = \"mailbox\"; inbound = { %s };", inbound);
}

static const struct {
    const char *one, *other; /* each of them is acme.test's once */
    const char *layers;
    enum verdict verdict;
} rules[] = {
    {"require = \"none\";", "require = \"none\";", "", VERDICT_ACCEPT},
    /* require */
    {"require = \"none\";", "require = \"encrypt\"; otherwise = \"reject\";", "", VERDICT_REJECT},
    {"require = \"none\";", "require = \"encrypt\"; otherwise = \"reject\";", "d", VERDICT_REJECT},
    {"require = \"none\";", "require = \"encrypt\"; otherwise = \"reject\";", "e", VERDICT_ACCEPT},
    {"require = \"none\";", "require = \"sign\"; otherwise = \"reject\";", "e", VERDICT_REJECT},
    {"require = \"none\";", "require = \"sign\"; otherwise = \"reject\";", "d", VERDICT_ACCEPT},
    {"require = \"sign\"; otherwise = \"reject\";", "require = \"encrypt\"; otherwise = \"reject\";", "d",
     VERDICT_REJECT},
    {"require = \"sign\"; otherwise = \"reject\";", "require = \"encrypt\"; otherwise = \"reject\";", "e",
     VERDICT_REJECT},
    {"require = \"sign\"; otherwise = \"reject\";", "require = \"encrypt\"; otherwise = \"reject\";", "de",
     VERDICT_ACCEPT},
    {"require = \"sign\"; otherwise = \"tag\";", "require = \"sign+encrypt\"; otherwise = \"reject\";", "d",
     VERDICT_REJECT},
    /* otherwise: the most severe */
    {"require = \"none\";", "require = \"sign\"; otherwise = \"tag\";", "", VERDICT_ACCEPT},
    {"require = \"sign\"; otherwise = \"tag\";", "require = \"sign\"; otherwise = \"quarantine\";", "",
     VERDICT_QUARANTINE},
    {"require = \"none\";", "require = \"sign\"; otherwise = \"quarantine\";", "", VERDICT_QUARANTINE},
    {"require = \"sign\"; otherwise = \"quarantine\";", "require = \"encrypt\"; otherwise = \"reject\";", "",
     VERDICT_REJECT},
    /* signed_by */
    {"require = \"sign\"; otherwise = \"reject\"; signed_by = \"domain\";",
     "require = \"sign\"; otherwise = \"reject\"; signed_by = \"originator\";", "d", VERDICT_REJECT},
    {"require = \"sign\"; otherwise = \"reject\"; signed_by = \"domain\";",
     "require = \"sign\"; otherwise = \"reject\"; signed_by = \"originator\";", "o", VERDICT_REJECT},
    {"require = \"sign\"; otherwise = \"reject\"; signed_by = \"domain\";",
     "require = \"sign\"; otherwise = \"reject\"; signed_by = \"originator\";", "od", VERDICT_ACCEPT},
    {"require = \"sign\"; otherwise = \"reject\"; signed_by = \"any\";",
     "require = \"sign\"; otherwise = \"reject\"; signed_by = \"both\";", "d", VERDICT_REJECT},
    /* undecryptable */
    {"require = \"none\"; undecryptable = \"deliver\";", "require = \"none\"; undecryptable = \"deliver\";", "x",
     VERDICT_ACCEPT},
    {"require = \"none\"; undecryptable = \"deliver\";", "require = \"none\"; undecryptable = \"reject\";", "x",
     VERDICT_REJECT},
    {"require = \"none\"; undecryptable = \"reject\";", "require = \"none\"; undecryptable = \"tempfail\";", "x",
     VERDICT_TEMPFAIL},
    /* security labels */
    {"require = \"none\"; accept_labels = ( \"1.2.3\" );", "require = \"none\"; accept_labels = ( \"1.2.3\" );", "l",
     VERDICT_ACCEPT},
    {"require = \"none\"; accept_labels = ( \"1.2.3\" );",
     "require = \"none\"; accept_labels = ( \"1.2.4\" ); otherwise = \"reject\";", "l", VERDICT_REJECT},
    {"require = \"none\";", "require = \"none\"; max_classification = \"confidential\"; otherwise = \"reject\";", "l",
     VERDICT_REJECT},
    /* require_authenticated_encryption: the message stays shut */
    {"require = \"encrypt\"; otherwise = \"reject\";", "require = \"none\"; otherwise = \"reject\";", "c",
     VERDICT_ACCEPT},
    {"require = \"encrypt\"; otherwise = \"reject\"; undecryptable = \"reject\";",
     "require = \"none\"; undecryptable = \"deliver\"; require_authenticated_encryption = true;", "c", VERDICT_REJECT},
    {"require = \"encrypt\"; otherwise = \"reject\"; undecryptable = \"reject\";",
     "require = \"none\"; undecryptable = \"deliver\"; require_authenticated_encryption = true;", "e", VERDICT_ACCEPT},
};

Test(authors, the_rule_of_each_author_has_to_be_met)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rules) * 2; i++) {
        const char *acme_rule = i & 1 ? rules[i / 2].one : rules[i / 2].other;
        const char *evil_rule = i & 1 ? rules[i / 2].other : rules[i / 2].one;
        g_autofree char *acme = mailbox_policy(acme_rule);
        g_autofree char *evil = mailbox_policy(evil_rule);
        AUTO_SCENE scene = scene_new();
        PKI_AUTO struct pki *signer = name_both(scene.both, true);
        scene_open(&scene, acme, evil, NULL);
        g_autofree char *entity = layered(&scene, signer, rules[i / 2].layers);
        for (unsigned order = 0; order < ORDERS; order++) {
            g_autofree char *text = g_strconcat(from_both[order], entity, NULL);
            AUTO_SENT struct sent in = receive(&scene, text);
            g_autofree char *names = passage_rules(in.result);
            cr_expect_eq(in.result->reply.verdict, rules[i / 2].verdict, "%zu, %s: %s", i, rules[i / 2].layers,
                         in.result->reply.reason);
            cr_expect(in.result->plan.met || strstr(in.result->reply.reason, "is met") == NULL,
                      "the reason is that of a rule that is not met: %s", in.result->reply.reason);
            cr_expect(in.result->plan.met || !g_str_has_suffix(in.result->reply.reason, "\"none\""), "%s",
                      in.result->reply.reason);
            cr_expect_str_eq(names, order == 0 ? "evil.test.conf, acme.test.conf" : "acme.test.conf, evil.test.conf");
        }
    }
}

/* --- marks --- */

static const struct {
    const char *acme, *evil, *layers;
    const char *subject[ORDERS]; /* evil.test's author first; acme.test's */
} marks[] = {
    {"require = \"sign\"; otherwise = \"tag\"; subject_verified = \"[a+]\"; subject_unverified = \"[a-]\";",
     "require = \"none\";",
     "d",
     {"[a+] s", "[a+] s"}},
    {"require = \"sign\"; otherwise = \"tag\"; subject_verified = \"[a+]\"; subject_unverified = \"[a-]\";",
     "require = \"none\";",
     "",
     {"[a-] s", "[a-] s"}},
    {"require = \"sign\"; otherwise = \"tag\"; subject_verified = \"[a+]\"; subject_unverified = \"[a-]\";",
     "require = \"encrypt\"; otherwise = \"tag\"; subject_verified = \"[e+]\"; subject_unverified = \"[e-]\";",
     "d",
     {"[e-] s", "[e-] s"}},
    {"require = \"sign\"; otherwise = \"tag\"; subject_verified = \"[a+]\"; subject_unverified = \"[a-]\";",
     "require = \"encrypt\"; otherwise = \"tag\"; subject_verified = \"[e+]\"; subject_unverified = \"[e-]\";",
     "e",
     {"[a-] s", "[a-] s"}},
    {"require = \"sign\"; otherwise = \"tag\"; subject_verified = \"[a+]\"; subject_unverified = \"[a-]\";",
     "require = \"encrypt\"; otherwise = \"tag\"; subject_verified = \"[e+]\"; subject_unverified = \"[e-]\";",
     "",
     {"[e-] s", "[a-] s"}},
    {"require = \"sign\"; otherwise = \"tag\"; subject_verified = \"[a+]\"; subject_unverified = \"[a-]\";",
     "require = \"encrypt\"; otherwise = \"tag\"; subject_verified = \"[e+]\"; subject_unverified = \"[e-]\";",
     "de",
     {"[e+] s", "[a+] s"}},
    /* the one that is not met has no mark: it is not the other's that counts */
    {"require = \"sign\"; otherwise = \"tag\"; subject_verified = \"[a+]\"; subject_unverified = \"[a-]\";",
     "require = \"encrypt\"; otherwise = \"tag\";",
     "d",
     {"s", "s"}},
    {"require = \"sign\"; otherwise = \"quarantine\"; subject_verified = \"[a+]\";",
     "require = \"sign\"; otherwise = \"tag\"; subject_unverified = \"[e-]\";",
     "",
     {"[e-] s", "[e-] s"}},
};

Test(authors, a_mark_in_the_subject_is_not_lost_beside_another_authors_rule)
{
    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
        g_autofree char *acme = mailbox_policy(marks[i].acme);
        g_autofree char *evil = mailbox_policy(marks[i].evil);
        AUTO_SCENE scene = scene_new();
        PKI_AUTO struct pki *signer = name_both(scene.both, true);
        scene_open(&scene, acme, evil, NULL);
        g_autofree char *entity = layered(&scene, signer, marks[i].layers);
        for (unsigned order = 0; order < ORDERS; order++) {
            g_autofree char *text = g_strconcat(from_both[order], entity, NULL);
            g_autofree char *subject = g_strdup_printf("\nSubject: %s\r\n", marks[i].subject[order]);
            AUTO_SENT struct sent in = receive(&scene, text);
            cr_expect_not_null(strstr(in.bytes, subject), "%zu, %u: %s", i, order, in.bytes);
        }
    }
}

/* --- a From that cannot be read --- */

/* The envelope's sender is mallory@evil.test. */
static const struct {
    const char *from, *rules;
    enum verdict verdict;
} mentioned[] = {
    {"From: <x@acme.test> <y@else.test>\r\n", "evil.test.conf, acme.test.conf", VERDICT_REJECT},
    {"From: <x@else.test> <y@else.test>\r\n", "evil.test.conf", VERDICT_ACCEPT},
    {"From: <x@evil.test> <y@acme.test>\r\n", "evil.test.conf, acme.test.conf", VERDICT_REJECT},
    {"From: <x@acme.test> <y@evil.test>\r\n", "evil.test.conf, acme.test.conf", VERDICT_REJECT},
    {"From: <x@acme.test> <y@third.test>\r\n", "evil.test.conf, third.test.conf, acme.test.conf", VERDICT_REJECT},
    {"From: <bob@partner.test> <x@acme.test>\r\n", "evil.test.conf, acme.test.conf", VERDICT_REJECT},
    {"From: x@else.test\r\nFrom: y@acme.test\r\n", "evil.test.conf, acme.test.conf", VERDICT_REJECT},
    {"From: y@acme.test\r\nFrom: x@else.test\r\n", "evil.test.conf, acme.test.conf", VERDICT_REJECT},
    {"", "evil.test.conf", VERDICT_ACCEPT},
};

/* The order in which rules are named is that of the configuration. */
static bool names_the_same(const char *a, const char *b)
{
    g_auto(GStrv) one = g_strsplit(a, ", ", -1), other = g_strsplit(b, ", ", -1);
    bool same = g_strv_length(one) == g_strv_length(other);
    for (char **name = one; *name != NULL; name++)
        same &= g_strv_contains((const char *const *)other, *name);
    return same;
}

Test(authors, an_unreadable_from_brings_the_rules_of_all_that_it_mentions)
{
    AUTO_SCENE scene = scene_new();
    scene_open(&scene, ACME_ANCHORS STRICT, EVIL_ANCHORS LAX, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(mentioned); i++) {
        g_autofree char *plain = g_strconcat(mentioned[i].from, FIELDS ATTACK_ENTITY, NULL);
        g_autofree char *header = g_strconcat(mentioned[i].from, FIELDS, NULL);
        g_autofree char *shown =
            attack_opaque(header, attack_sign(&(struct attack){.signer = scene.rig->acme.dsa, .types = DOMAIN}));
        AUTO_SENT struct sent unsigned_one = receive(&scene, plain);
        AUTO_SENT struct sent signed_one = receive(&scene, shown);
        g_autofree char *names = passage_rules(unsigned_one.result);
        cr_expect_eq(unsigned_one.result->reply.verdict, mentioned[i].verdict, "%s: %s", mentioned[i].from,
                     unsigned_one.result->reply.reason);
        cr_expect(names_the_same(names, mentioned[i].rules), "%s: %s", mentioned[i].from, names);
        /* No signature stands for authors that are not known. */
        cr_expect_eq(signed_one.result->plan.judgement.domain.outcome, OUTCOME_POLICY, "%s", mentioned[i].from);
        cr_expect_eq(signed_one.result->reply.verdict, mentioned[i].verdict, "%s", mentioned[i].from);
    }
}

/* A stranger's author of our own domain: for it the default counts, and the signature is not a partner's to give. */
Test(authors, an_author_of_ours_beside_a_partners)
{
    AUTO_SCENE scene = scene_new();
    folder_write(scene.rig->partner.folder, "policy.d/default.conf",
                 "inbound = { require = \"sign\"; otherwise = \"quarantine\"; };\n");
    scene_open(&scene, ACME_ANCHORS LAX, EVIL_ANCHORS LAX, NULL);
    static const char *const froms[] = {"From: alice@acme.test, bob@partner.test\r\n",
                                        "From: bob@partner.test, alice@acme.test\r\n"};
    for (unsigned i = 0; i < G_N_ELEMENTS(froms) * 2; i++) {
        g_autofree char *header = g_strconcat(froms[i / 2], FIELDS, NULL);
        PKI_AUTO struct pki *signer = pki_issue(&(struct pki_spec){
            .issuer = scene.rig->acme.ca, .san = PKI_LIST("email:alice@acme.test", "email:bob@partner.test")});
        g_autofree char *text = i & 1 ? attack_opaque(header, attack_sign(&(struct attack){.signer = signer}))
                                      : g_strconcat(header, ATTACK_ENTITY, NULL);
        AUTO_SENT struct sent in = receive(&scene, text);
        attack_expect_refused(&in, froms[i / 2]);
    }
}

/* --- the name in an encryption (RFC 3183 section 4.1) --- */

static const struct {
    const char *cn;
    const char *names[2];
    bool good;
} encrypters[] = {
    {"domain-confidentiality-authority",
     {"email:domain-confidentiality-authority@acme.test", "email:domain-confidentiality-authority@evil.test"},
     true},
    {"domain-confidentiality-authority", {"email:domain-confidentiality-authority@acme.test", NULL}, false},
    {"domain-confidentiality-authority", {"email:domain-confidentiality-authority@evil.test", NULL}, false},
    {"x", {"email:alice@acme.test", "email:mallory@evil.test"}, true},
    {"x", {"email:alice@acme.test", NULL}, false},
    {"x", {"email:mallory@evil.test", NULL}, false},
};

Test(authors, encrypted_in_the_name_of_one_author_is_in_anothers)
{
    AUTO_SCENE scene = scene_new();
    scene_open(&scene, ACME_ANCHORS "naming = \"mailbox\"; " LAX, EVIL_ANCHORS "naming = \"mailbox\"; " LAX, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(encrypters) * ORDERS; i++) {
        g_autofree char *cn = g_strconcat("CN=", encrypters[i / 2].cn, NULL);
        const char *const san[] = {encrypters[i / 2].names[0], encrypters[i / 2].names[1], NULL};
        PKI_AUTO struct pki *encrypter =
            pki_issue(&(struct pki_spec){.issuer = scene.evil, .subject = PKI_LIST(cn), .san = san});
        const struct encrypt_options options = {.cipher = CIPHER_AES_256_GCM,
                                                .originator = encrypter->cert,
                                                .limits = &gateway_conf(scene.rig->partner.gateway)->limits};
        struct entity content = rig_content("Content-Type: text/plain\r\n", "x\r\n"), shut = {0};
        struct error error = {0};
        cr_assert(smime_encrypt(&scene.rig->partner.dca->cert, 1, &options, &content, &shut, &error), "%s", error.text);
        entity_clear(&content);
        g_autofree char *text = rig_text(from_both[i % 2], &shut);
        AUTO_SENT struct sent in = receive(&scene, text);
        attack_expect_outcome(&in.result->plan.judgement.layers[0].finding,
                              encrypters[i / 2].good ? OUTCOME_PASS : OUTCOME_POLICY,
                              encrypters[i / 2].good ? NULL : "another's name", encrypters[i / 2].names[0]);
    }
}

/* --- the Sender --- */

/* It explains what the signature stands for only if each partner would take it. */
Test(authors, a_sender_who_is_covered_for_one_partner_alone_explains_nothing)
{
    static const char *const fields[ORDERS] = {
        "Sender: list@acme.test\r\nFrom: x@evil.test, y@else.test\r\n" FIELDS,
        "Sender: list@acme.test\r\nFrom: y@else.test, x@evil.test\r\n" FIELDS,
    };
    for (unsigned i = 0; i < 2 * ORDERS; i++) {
        AUTO_SCENE scene = scene_new();
        folder_write(scene.rig->partner.folder, "policy.d/default.conf",
                     i & 1 ? "anchors = ( \"other-ca.pem\" ); naming = \"mailbox\"; " STRICT
                           : "anchors = ( \"other-ca.pem\" ); naming = \"domain\"; " STRICT);
        scene_open(&scene, LAX, ACME_ANCHORS LAX, NULL);
        g_autofree char *text =
            attack_opaque(fields[i / 2], attack_sign(&(struct attack){.signer = scene.rig->acme.dsa, .types = DOMAIN}));
        AUTO_SENT struct sent in = receive(&scene, text);
        const struct finding *finding = &in.result->plan.judgement.domain;
        cr_expect_eq(finding->outcome, OUTCOME_POLICY);
        cr_expect_eq(strstr(finding->reason, "is for the Sender") != NULL, (i & 1) != 0, "%s", finding->reason);
    }
}

/* --- what leaves --- */

static const struct {
    const char *from;
    bool trusted, signed_by_both, leaves;
} leaving[] = {
    {"From: alice@acme.test, carol@acme.test\r\n", true, false, true},
    {"From: alice@acme.test, mallory@evil.test\r\n", true, false, false},
    {"From: mallory@evil.test, alice@acme.test\r\n", true, false, false},
    {"From: alice@acme.test, carol@acme.test\r\n", false, false, false},
    {"From: carol@acme.test, alice@acme.test\r\n", false, false, false},
    {"From: alice@acme.test, carol@acme.test\r\n", false, true, true},
    {"From: carol@acme.test, alice@acme.test\r\n", false, true, true},
};

/* A stranger's message is authentic by an originator's signature that stands for all its authors. */
Test(authors, of_ours_are_all_authentic_or_none_is)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; unauthentic = \"reject\"; };", "");
    for (size_t i = 0; i < G_N_ELEMENTS(leaving); i++) {
        PKI_AUTO struct pki *both = pki_issue(&(struct pki_spec){
            .issuer = rig->acme.ca, .san = PKI_LIST("email:alice@acme.test", "email:carol@acme.test")});
        const struct pki *signer = leaving[i].signed_by_both ? both : rig->acme.alice;
        const struct rig_envelope envelope = {"alice@acme.test", "bob@partner.test", NULL, NULL,
                                              leaving[i].trusted ? "192.0.2.1" : "198.51.100.1"};
        g_autofree char *header = g_strconcat(leaving[i].from, FIELDS, NULL);
        g_autofree char *text = leaving[i].trusted
                                    ? g_strconcat(header, ATTACK_ENTITY, NULL)
                                    : attack_opaque(header, attack_sign(&(struct attack){.signer = signer}));
        AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &envelope, text, strlen(text));
        cr_expect_eq(out.result->reply.verdict, leaving[i].leaves ? VERDICT_ACCEPT : VERDICT_REJECT, "%zu: %s", i,
                     out.result->reply.reason);
        cr_expect_eq(out.result->made.treatment.sign, leaving[i].leaves, "%zu", i);
    }
}
