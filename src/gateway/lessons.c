/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lessons: which certificates of a message may be kept for its author, and what the author's software reads. Anyone can
 * attach any certificate to a message, and put any address into it. So only a signature counts that passed, covers the
 * whole message, leads to an anchor, and whose certificate names the very address in From, or is that of the author's
 * domain; and of the certificates beside it only what stands for the same name, and is good for encryption now.
 */
#include "learn.h"

#include <string.h>

#define CHAIN_MAX 5
#define CHAIN_OCTETS_MAX 20000

/* A signature that counts. */
struct teacher {
    const struct passage *passage;
    const struct partner *partner;
    const struct address *author;
    const struct layer *layer;
    const struct signer *signer;
    bool is_domain;
};

/* A certificate may name somebody in its subject, too; what counts is the subjectAltName. */
static bool names_author(const struct teacher *teacher, const X509 *certificate)
{
    struct finding finding = {0};
    bool odd = false, found = false;
    g_auto(GStrv) addresses = certificate_san_addresses(certificate, &odd);
    for (char **each = addresses; *each != NULL && !odd && !found; each++) {
        struct address address = {0};
        if (!certificate_address_parse(*each, &address))
            continue;
        found = address_equal(&address, teacher->author);
        address_clear(&address);
    }
    trust_check_mailbox(teacher->passage->gateway->trust, certificate, teacher->author, 1, &finding);
    return found && finding.outcome == OUTCOME_PASS;
}

static bool stands_for_domain(const struct teacher *teacher, const X509 *certificate)
{
    struct finding finding = {0};
    const char *domain = teacher->author->domain;
    const struct role_query query = {teacher->partner, certificate, ROLE_DOMAIN_CONFIDENTIALITY, &domain, 1};
    trust_check_role(teacher->passage->gateway->trust, &query, &finding);
    return finding.outcome == OUTCOME_PASS;
}

/* --- the certificate to encrypt to --- */

static bool may_encrypt(const struct teacher *teacher, X509 *certificate)
{
    const struct passage *passage = teacher->passage;
    struct accounts *accounts = (struct accounts *)&passage->accounts;
    struct finding finding = {0};
    const struct chain_query query = {.leaf = certificate,
                                      .untrusted = teacher->layer->certificates,
                                      .crls = teacher->layer->crls,
                                      .embedded = teacher->layer->embedded,
                                      .purpose = PURPOSE_ENCRYPT,
                                      .partner = teacher->partner,
                                      .at = passage->mail.at,
                                      .budget = &accounts->inside};
    if (X509_check_ca(certificate) != 0 || trust_usage_refusal(certificate, PURPOSE_ENCRYPT) != NULL ||
        !certificate_is_current(certificate, passage->mail.at) ||
        trust_is_pinned(passage->gateway->trust, teacher->partner, certificate) || /* it needs no anchor */
        !(teacher->is_domain ? stands_for_domain(teacher, certificate) : names_author(teacher, certificate)))
        return false;
    trust_check_chain(passage->gateway->trust, &query, &finding);
    return finding.outcome == OUTCOME_PASS;
}

/* RFC 8551 §2.5.3: the one that the signature points at; else the signer's own, or one of the same subject. */
static X509 *find_encryption(const struct teacher *teacher)
{
    const struct signer *signer = teacher->signer;
    if (signer->encryption != NULL)
        return may_encrypt(teacher, signer->encryption) ? signer->encryption : NULL;
    if (may_encrypt(teacher, signer->certificate))
        return signer->certificate;
    for (int i = 0; i < sk_X509_num(teacher->layer->certificates); i++) {
        X509 *each = sk_X509_value(teacher->layer->certificates, i);
        if (X509_NAME_cmp(X509_get_subject_name(each), X509_get_subject_name(signer->certificate)) == 0 &&
            may_encrypt(teacher, each))
            return each;
    }
    return NULL;
}

static void append_der(GByteArray *bytes, X509 *certificate)
{
    unsigned char *der = NULL;
    int length = i2d_X509(certificate, &der);
    if (length > 0)
        g_byte_array_append(bytes, der, (guint)length);
    OPENSSL_free(der);
}

static X509 *issuer_of(X509 *certificate, const STACK_OF(X509) * certificates)
{
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        X509 *each = sk_X509_value(certificates, i);
        if (X509_check_ca(each) != 0 && X509_check_issued(each, certificate) == X509_V_OK)
            return each;
    }
    return NULL;
}

/* Those that came with it, up to the root, which does not count. */
static GByteArray *chain_of(X509 *certificate, const STACK_OF(X509) * certificates)
{
    GByteArray *chain = g_byte_array_new();
    X509 *each = certificate;
    for (unsigned i = 0; i < CHAIN_MAX; i++) {
        each = issuer_of(each, certificates);
        if (each == NULL || (X509_get_extension_flags(each) & EXFLAG_SS) != 0)
            break;
        append_der(chain, each);
    }
    if (chain->len > CHAIN_OCTETS_MAX)
        g_byte_array_set_size(chain, 0);
    return chain;
}

static char *name_of(const struct teacher *teacher)
{
    return teacher->is_domain ? g_strdup(teacher->author->domain) : certs_mailbox_name(teacher->author);
}

static bool has_lesson(const struct learned *learned, const char *sha256, const char *name)
{
    for (size_t i = 0; i < learned->count; i++)
        if (g_strcmp0(learned->list[i].sha256, sha256) == 0 && strcmp(learned->list[i].name, name) == 0)
            return true;
    return false;
}

static void offer(const struct teacher *teacher, struct learned *learned)
{
    const struct conf *conf = teacher->passage->gateway->conf;
    X509 *certificate = conf->harvest.approve != APPROVE_OFF ? find_encryption(teacher) : NULL;
    g_autofree char *name = name_of(teacher);
    char sha256[65];
    if (certificate == NULL || learned->count == G_N_ELEMENTS(learned->list))
        return;
    certificate_fingerprint(certificate, sha256);
    if (has_lesson(learned, sha256, name))
        return;
    struct lesson *lesson = &learned->list[learned->count++];
    X509_up_ref(certificate);
    lesson->certificate = certificate;
    lesson->chain = chain_of(certificate, teacher->layer->certificates);
    lesson->name = steal(&name);
    g_strlcpy(lesson->sha256, sha256, sizeof(lesson->sha256));
    lesson->is_domain = teacher->is_domain;
    lesson->is_approved = conf->harvest.approve == APPROVE_ANCHORED && teacher->partner->domain != NULL &&
                          conf_has_anchors(teacher->partner);
}

/* Of several signatures of one message the first counts. A time to come is no better than now. */
static void note_capabilities(const struct teacher *teacher, struct learned *learned)
{
    const struct signer_facts *facts = teacher->signer->facts;
    struct announced *announced = &learned->announced[teacher->is_domain ? 1 : 0];
    if (announced->name != NULL || facts->signing_time == 0 || capabilities_are_none(&facts->capabilities))
        return;
    announced->name = name_of(teacher);
    announced->signed_at = MIN(facts->signing_time, teacher->passage->mail.at);
    announced->capabilities = facts->capabilities;
}

/* --- whose signature counts --- */

static void learn_from(const struct teacher *teacher, struct learned *learned)
{
    if (teacher->passage->gateway->conf->harvest.approve != APPROVE_OFF || teacher->partner->capabilities.follow)
        note_capabilities(teacher, learned);
    offer(teacher, learned);
}

static void look_at_signer(struct teacher *teacher, const struct signer_view *view, const struct judged_layer *judged,
                           struct learned *learned)
{
    const struct signer *signer = teacher->signer;
    const struct signer_facts *facts = signer->facts;
    if (signer->certificate == NULL || view->trust == NULL || !facts->valid || facts->weak || facts->type_fault ||
        facts->receipt || view->trust[0].path.outcome != OUTCOME_PASS)
        return;
    teacher->is_domain = view->trust[0].domain.outcome == OUTCOME_PASS;
    bool is_persons = !judged->around_others && (facts->types & ~(unsigned)SIGNATURE_TYPE_ORIGINATOR) == 0 &&
                      names_author(teacher, signer->certificate);
    if (teacher->is_domain || is_persons)
        learn_from(teacher, learned);
}

/* One author, whose name in From misleads no one. */
static const struct address *author_of(const struct mail *mail)
{
    const struct originator *originator = &mail->originator;
    bool is_clear = originator->fault[0] == '\0' && originator->misleading[0] == '\0' && originator->from.count == 1 &&
                    mail->authors.count == 1;
    return is_clear ? &originator->from.list[0] : NULL;
}

void lessons_find(const struct passage *passage, struct learned *learned)
{
    const struct judgement *judgement = &passage->plan.judgement;
    const struct lookups *lookups = &passage->lookups;
    struct teacher teacher = {.passage = passage, .author = author_of(&passage->mail)};
    if (teacher.author == NULL || conf_is_local_domain(passage->gateway->conf, teacher.author->domain))
        return;
    teacher.partner = passage->mail.authors.partners[0];
    for (size_t i = 0; i < MIN(lookups->layers.whole, judgement->layer_count); i++) {
        const struct judged_layer *judged = &judgement->layers[i];
        const struct layer_view *view = &lookups->views[i];
        if (view->opened != OPENED || view->partial || judged->hidden || judged->finding.outcome != OUTCOME_PASS)
            continue;
        teacher.layer = layer_lookup_layer(&lookups->details[i], &passage->mail.examination->layers[i]);
        for (size_t j = 0; j < teacher.layer->facts.signer_count; j++) {
            teacher.signer = &teacher.layer->signers[j];
            look_at_signer(&teacher, &view->signers[j], judged, learned);
        }
    }
}
