/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signers: what trust/ thinks of the certificates in a message's layers, under the anchors and naming of each author's
 * partner. Certificates of signers that are not in the message are looked up (RFC 8550 §2.3); they are candidates only:
 * signature, path and name are judged as always. What is worth what is judged in policy/.
 */
#include "internal.h"

/* Failed path building is the most expensive case, because every alternative is tried. After this many failures the
 * layer is refused anyway; its other signers are skipped. */
#define BAD_PATHS_MAX 4

#define SHORTEST_NAME 8
#define COST_NAME 4000 /* a name that is parsed and compared with an author, as a person's and as a domain's */

struct asking {
    const struct gateway *gateway;
    const struct mail *mail;
    struct lookups *lookups;
    const struct patience *patience;
    struct budget *budget;  /* of the layer that is being asked about */
    STACK_OF(X509) * known; /* certificates of the author that are not in the message; NULL: not asked */
};

/* --- certificates that are not in the message --- */

static bool lacks_certificate(const struct layer_facts *layer)
{
    for (size_t i = 0; i < layer->signer_count; i++)
        if (!layer->signers[i].has_certificate)
            return true;
    return false;
}

static bool add(STACK_OF(X509) * known, X509 *certificate)
{
    return X509_add_cert(known, certificate, X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP) == 1;
}

static void tell(void *context)
{
    turns_tell(context);
}

/* Of several authors the first will do, since a signature has to stand for each. False: failure is set. */
static bool ask_known(struct asking *asking)
{
    const struct originator *originator = &asking->mail->originator;
    struct error *failure = &asking->lookups->failure;
    bool good = true;
    if (asking->known != NULL || originator->from.count == 0)
        return true;
    asking->known = sk_X509_new_null();
    if (asking->known == NULL)
        return error_set_openssl(failure, ERROR_TEMPORARY, "certificates of signers");
    const struct certs_query query = {
        .purpose = CERTS_SIGNER, .partner = asking->mail->authors.partners[0], .address = &originator->from.list[0]};
    struct certs_answer *answer = &asking->lookups->signers;
    const struct certs_acceptance collect = {
        .context = (void *)asking->patience->turns, .tell = tell, .tell_every = TELL_EVERY};
    turns_leave(asking->patience->turns);
    certs_ask(asking->gateway->certs, &query, 1, asking->patience->deadline, &collect, answer);
    turns_enter(asking->patience->turns);
    if (answer->found == FOUND_FAILED) {
        *failure = answer->error;
        return false;
    }
    for (size_t i = 0; i < answer->count && good; i++) {
        good = add(asking->known, answer->list[i].certificate);
        for (int j = 0; j < sk_X509_num(answer->list[i].authorities) && good; j++)
            good = add(asking->known, sk_X509_value(answer->list[i].authorities, j));
    }
    return good || error_set_openssl(failure, ERROR_TEMPORARY, "certificates of signers");
}

/* Verifies a layer once more, with the certificates that are known here. */
static void open_late(struct asking *asking, const struct examined_layer *examined, struct layer_lookup *detail)
{
    struct error error = {0};
    if (!ask_known(asking) || sk_X509_num(asking->known) <= 0)
        return;
    const struct open_options how = {
        .limits = &asking->gateway->conf->limits, .known = asking->known, .budget = asking->budget};
    enum opened opened = smime_open(examined->source, &how, &detail->late, &error);
    if (opened == OPENED && detail->late.facts.signer_count == examined->layer.facts.signer_count)
        return;
    layer_clear(&detail->late);
    if (opened == OPENED)
        error_set(&error, ERROR_BUG, "a layer has other signers when it is opened again");
    if (!budget_is_spent(asking->budget)) /* ask_signed() says so */
        asking->lookups->failure = error;
}

/* --- names --- */

/* The domains of the authors who belong to one of the authors' partners. Lent; g_free() the list. */
static const char **domains_of(const struct mail *mail, size_t partner, size_t *count)
{
    const char **domains = g_new0(const char *, mail->originator.from.count + 1);
    *count = 0;
    for (size_t i = 0; i < mail->originator.from.count; i++)
        if (mail->authors.partner_of[i] == partner)
            domains[(*count)++] = mail->originator.from.list[i].domain;
    return domains;
}

static void ask_names(const struct asking *asking, size_t partner, const X509 *certificate, unsigned types,
                      struct signer_trust *trust)
{
    const struct mail *mail = asking->mail;
    const struct trust *store = asking->gateway->trust;
    const struct partner *under = mail->authors.partners[partner];
    const struct addresses *sender = &mail->originator.sender;
    struct role_query domain = {under, certificate, ROLE_DOMAIN_SIGNING, NULL, 0};
    /* §3.1.1: no name mapping is defined for these two. */
    const struct role_query review = {under, certificate, ROLE_REVIEW, NULL, 0};
    const struct role_query attribute = {under, certificate, ROLE_ATTRIBUTE, NULL, 0};
    g_autofree const char **domains = domains_of(mail, partner, &domain.domain_count);
    domain.domains = domains;
    if ((types & SIGNATURE_TYPE_DOMAIN) ||
        (types == 0 && policy_rule(under)->inbound.without_signature_type == WITHOUT_TYPE_DOMAIN))
        trust_check_role(store, &domain, &trust->domain);
    if ((types & SIGNATURE_TYPE_DOMAIN) && trust->domain.outcome != OUTCOME_PASS && sender->count == 1) {
        const char *const sender_domain = sender->list[0].domain;
        const struct role_query other = {under, certificate, ROLE_DOMAIN_SIGNING, &sender_domain, 1};
        struct finding finding = {0};
        trust_check_role(store, &other, &finding);
        trust->sender_domain = finding.outcome == OUTCOME_PASS;
    }
    if (types & SIGNATURE_TYPE_REVIEW)
        trust_check_role(store, &review, &trust->review);
    if (types & SIGNATURE_TYPE_ATTRIBUTES)
        trust_check_role(store, &attribute, &trust->attribute);
}

static void ask_mailbox(const struct asking *asking, const X509 *certificate, struct signer_view *view)
{
    const struct originator *originator = &asking->mail->originator;
    const struct trust *trust = asking->gateway->trust;
    trust_check_mailbox(trust, certificate, originator->from.list, originator->from.count, &view->mailbox);
    if (view->mailbox.outcome == OUTCOME_PASS ||
        groups_sign_for_all(asking->gateway, asking->mail, certificate, &view->mailbox) ||
        originator->sender.count != 1)
        return;
    struct finding other = {0};
    trust_check_mailbox(trust, certificate, originator->sender.list, 1, &other);
    view->sender_mailbox = other.outcome == OUTCOME_PASS;
}

static bool is_author(const struct originator *originator, const struct address *address)
{
    for (size_t i = 0; i < originator->from.count; i++)
        if (address->local != NULL && address_equal(address, &originator->from.list[i]))
            return true;
    return false;
}

/* The address that the certificate was believed for, or its first. */
static char *signer_address(const struct asking *asking, const X509 *certificate)
{
    owned(certificate_names) struct certificate_names *names = trust_names(asking->gateway->trust, certificate);
    for (size_t i = 0; i < names->address_count; i++)
        if (is_author(&asking->mail->originator, &names->mailboxes[i]))
            return g_strdup(names->addresses[i]);
    return g_strdup(names->addresses[0]);
}

static void name_signer(const struct asking *asking, const struct signer *signer, struct signer_name *name)
{
    if (signer->certificate == NULL) {
        name->issuer = g_strdup(signer->facts->issuer);
        name->serial = g_strdup(signer->facts->serial);
        return;
    }
    name->address = signer_address(asking, signer->certificate);
    name->subject = certificate_subject(signer->certificate);
    name->issuer = certificate_issuer(signer->certificate);
    name->serial = certificate_serial(signer->certificate);
    name->sha256 = g_malloc0(65);
    certificate_fingerprint(signer->certificate, name->sha256);
}

/* --- layers --- */

/* Under each author's partner: a signature has to satisfy them all. */
static void ask_trust(const struct asking *asking, const struct layer *layer, const struct signer *signer,
                      struct signer_trust *trust, unsigned *bad_paths)
{
    const struct authors *authors = &asking->mail->authors;
    for (size_t i = 0; i < authors->count; i++) {
        struct finding ignored = {0};
        const struct chain_query query = {
            .leaf = signer->certificate,
            .untrusted = layer->certificates,
            .crls = layer->crls,
            .embedded = layer->embedded,
            .purpose = PURPOSE_SIGN,
            .partner = authors->partners[i],
            .group = group_of_authors(asking->gateway, asking->mail, i, signer->certificate, &ignored),
            .at = asking->mail->at,
            .unchecked = &trust[i].unchecked,
            .budget = asking->budget};
        if (*bad_paths >= BAD_PATHS_MAX) {
            trust[i].path = trust[i - 1].path;
            continue;
        }
        asking->lookups->paths++;
        judge_chain(asking->gateway, &query, asking->patience, &trust[i].path);
        bool passes = trust[i].path.outcome == OUTCOME_PASS;
        *bad_paths += !passes;
        if (passes || signer->facts->types == 0) /* whose signature it is that does not pass */
            ask_names(asking, i, signer->certificate, signer->facts->types, &trust[i]);
    }
}

/* Each author is compared with each name of a certificate, as a person and as a domain. The price is the same whether
 * or not trust has the names already, so that a message has the same result each time. */
static bool pay_for_names(const struct asking *asking, const X509 *certificate, struct error *error)
{
    int at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
    const X509_EXTENSION *names = at >= 0 ? X509_get_ext(certificate, at) : NULL;
    uint64_t length =
        names != NULL ? (uint64_t)ASN1_STRING_length(X509_EXTENSION_get_data((X509_EXTENSION *)names)) : 0;
    uint64_t count = MIN(length / SHORTEST_NAME + 1, asking->gateway->conf->limits.names);
    uint64_t times = 5 + 3 * asking->mail->authors.count;
    return budget_spend(asking->budget,
                        times * COST_DER * (uint64_t)MAX(i2d_X509((X509 *)certificate, NULL), 0) +
                            count * asking->mail->originator.from.count * COST_NAME,
                        error);
}

/* detail->error says if the budget does not allow it. */
static void ask_signed(const struct asking *asking, const struct layer *layer, struct layer_lookup *detail,
                       struct layer_view *view)
{
    size_t count = layer->facts.signer_count, partners = asking->mail->authors.count;
    detail->signer_count = count;
    detail->signers = g_new0(struct signer_view, count + 1);
    detail->names = g_new0(struct signer_name, count + 1);
    detail->trust = g_new0(struct signer_trust, count * partners + 1);
    for (size_t i = 0; i < count; i++) {
        const struct signer *signer = &layer->signers[i];
        struct signer_view *out = &detail->signers[i];
        out->facts = signer->facts;
        if (signer->certificate != NULL && !pay_for_names(asking, signer->certificate, &detail->error))
            return;
        name_signer(asking, signer, &detail->names[i]);
        out->subject = detail->names[i].subject;
        out->sha256 = detail->names[i].sha256;
        if (signer->certificate == NULL || signer->facts->type_fault || !signer->facts->valid ||
            view->bad_paths >= BAD_PATHS_MAX)
            continue;
        out->trust = &detail->trust[i * partners];
        ask_trust(asking, layer, signer, &detail->trust[i * partners], &view->bad_paths);
        ask_mailbox(asking, signer->certificate, out);
    }
    if (budget_is_spent(asking->budget))
        error_set(&detail->error, ERROR_PERMANENT, BUDGET_SPENT);
}

/* RFC 3183 §4.1. The certificates there prove nothing, anyone can copy them, so a good name earns nothing; one that
 * fits neither the author nor the author's domain is flagged. */
static void ask_encrypter(const struct asking *asking, const struct layer *layer, struct finding *finding)
{
    const struct mail *mail = asking->mail;
    const struct addresses *from = &mail->originator.from;
    finding_set(finding, OUTCOME_PASS, "the names match");
    for (int i = 0; i < sk_X509_num(layer->certificates); i++) {
        X509 *certificate = sk_X509_value(layer->certificates, i);
        struct finding person = {0};
        if (X509_check_ca(certificate) != 0) /* of the chain */
            continue;
        struct error error = {0};
        if (!pay_for_names(asking, certificate, &error)) {
            finding_set(finding, OUTCOME_POLICY, "%s", error.text);
            return;
        }
        asking->lookups->encrypters++;
        trust_check_mailbox(asking->gateway->trust, certificate, from->list, from->count, &person);
        for (size_t j = 0; j < mail->authors.count && person.outcome != OUTCOME_PASS; j++) {
            struct finding authority = {0};
            struct role_query query = {mail->authors.partners[j], certificate, ROLE_DOMAIN_CONFIDENTIALITY, NULL, 0};
            g_autofree const char **domains = domains_of(mail, j, &query.domain_count);
            query.domains = domains;
            trust_check_role(asking->gateway->trust, &query, &authority);
            if (authority.outcome != OUTCOME_PASS) {
                finding_set(finding, OUTCOME_POLICY, "encrypted in another's name: %s", authority.reason);
                return;
            }
        }
    }
}

const struct layer *layer_lookup_layer(const struct layer_lookup *detail, const struct examined_layer *examined)
{
    return detail->late.facts.signers != NULL ? &detail->late : &examined->layer;
}

static void ask_layer(struct asking *asking, const struct examined_layer *examined, struct layer_lookup *detail,
                      struct layer_view *view)
{
    struct accounts *accounts = asking->mail->accounts;
    asking->budget = examined->inside ? &accounts->inside : &accounts->visible;
    if (examined->opened == OPENED && lacks_certificate(&examined->layer.facts))
        open_late(asking, examined, detail);
    const struct layer *layer = layer_lookup_layer(detail, examined);
    *view = (struct layer_view){
        .facts = &layer->facts,
        .part = examined->part,
        .partial = examined->partial,
        .by_our_key = examined->by_our_key,
        .over_limit = examined->over_limit,
        .opened = examined->opened,
        .has_content = examined->inner != NULL,
        .error = &examined->error,
        .identity = examined->layer.identity != NULL ? identity_owner(examined->layer.identity->conf) : NULL,
    };
    /* The names around what our key opened are compared whether or not the padding was right. */
    bool decrypted = examined->opened == OPENED || examined->opened == OPENED_BROKEN;
    if (examined->opened == OPENED && layer->facts.type == LAYER_SIGNED)
        ask_signed(asking, layer, detail, view);
    else if (decrypted && layer_is_encrypted(&layer->facts))
        ask_encrypter(asking, layer, &view->encrypter);
    view->signers = detail->signers;
    if (detail->error.kind == ERROR_NONE)
        return;
    view->opened = OPENED_FAILED;
    view->error = &detail->error;
}

static void detail_clear(struct layer_lookup *detail)
{
    for (size_t i = 0; i < detail->signer_count; i++) {
        struct signer_name *name = &detail->names[i];
        g_free(name->address);
        g_free(name->subject);
        g_free(name->serial);
        g_free(name->issuer);
        g_free(name->sha256);
    }
    g_free(detail->names);
    g_free(detail->signers);
    g_free(detail->trust);
    layer_clear(&detail->late);
}

static size_t count_in_vain(const struct examination *examination)
{
    size_t count = 0;
    for (const struct examination *vain = examination->vain; vain != NULL; vain = vain->next_vain)
        count += vain->count + count_in_vain(vain);
    return count;
}

/* What came out of decryptions that failed costs the same. */
static void ask_in_vain(struct asking *asking, const struct examination *examination)
{
    struct lookups *lookups = asking->lookups;
    for (const struct examination *vain = examination->vain; vain != NULL; vain = vain->next_vain) {
        for (size_t i = 0; i < vain->count; i++, lookups->vain_count++)
            ask_layer(asking, &vain->layers[i], &lookups->vain_details[lookups->vain_count],
                      &lookups->vain_views[lookups->vain_count]);
        ask_in_vain(asking, vain);
    }
}

/* What policy would see if no decryption had failed, whether or not one has. */
static void suppose_opened(struct lookups *lookups, const struct examination *examination)
{
    static const struct error fine = {.kind = ERROR_NONE};
    struct layers_view *all = &lookups->if_opened;
    const struct layer_view *views = lookups->views, *in_vain = lookups->vain_views;
    struct layer_view *list = g_new0(struct layer_view, examination->count + lookups->vain_count + 1);
    for (const struct examination *at = examination; at != NULL; at = examination_in_vain(at)) {
        const struct examination *vain = examination_in_vain(at);
        for (size_t i = 0; i < at->whole; i++)
            list[all->whole++] = views[i];
        views = in_vain;
        if (vain == NULL)
            continue;
        in_vain += vain->count;
        struct layer_view *broken = &list[all->whole - 1];
        broken->opened = OPENED;
        broken->error = &fine;
        broken->has_content = vain->root != NULL;
        broken->identity = identity_owner(vain->vain_identity->conf);
    }
    all->list = lookups->if_opened_list = list;
    all->count = all->whole;
    all->malleable = examination->malleable;
}

void lookups_ask_signers(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail,
                         const struct patience *patience)
{
    const struct examination *examination = mail->examination;
    struct asking asking = {.gateway = gateway, .mail = mail, .lookups = lookups, .patience = patience};
    lookups->views = g_new0(struct layer_view, examination->count + 1);
    lookups->details = g_new0(struct layer_lookup, examination->count + 1);
    lookups->vain_views = g_new0(struct layer_view, count_in_vain(examination) + 1);
    lookups->vain_details = g_new0(struct layer_lookup, count_in_vain(examination) + 1);
    for (size_t i = 0; i < examination->count; i++)
        ask_layer(&asking, &examination->layers[i], &lookups->details[i], &lookups->views[i]);
    ask_in_vain(&asking, examination);
    lookups->layers = (struct layers_view){.list = lookups->views,
                                           .count = examination->count,
                                           .whole = examination->whole,
                                           .malleable = examination->malleable};
    suppose_opened(lookups, examination);
    x509_stack_free(asking.known);
}

void lookups_clear_signers(struct lookups *lookups)
{
    for (size_t i = 0; i < lookups->layers.count; i++)
        detail_clear(&lookups->details[i]);
    for (size_t i = 0; i < lookups->vain_count; i++)
        detail_clear(&lookups->vain_details[i]);
    certs_answers_clear(&lookups->signers, 1);
    g_free(lookups->details);
    g_free(lookups->views);
    g_free(lookups->vain_details);
    g_free(lookups->vain_views);
    g_free(lookups->if_opened_list);
}
