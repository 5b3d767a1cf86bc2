/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_certificate: any bytes as the certificate of a signer: all that is read out of one, and the checks of its names.
 * Nothing that comes out may hold a control character or end early; a name that is judged must not hold a NUL.
 */
#include "certs/certs.h"
#include "trust/anchors.h"
#include "trust/bundle_content.h"
#include "trust/names_cache.h"
#include "trust/trust.h"

#include <openssl/err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_printable(const char *text)
{
    require(text != NULL && g_utf8_validate(text, -1, NULL));
    for (; *text != '\0'; text++)
        require((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_names(const X509 *certificate)
{
    bool odd;
    char **(*const readers[])(const X509 *, bool *) = {certificate_addresses, certificate_san_addresses,
                                                       certificate_dns_names, certificate_common_names};
    for (size_t i = 0; i < G_N_ELEMENTS(readers); i++) {
        g_auto(GStrv) names = readers[i](certificate, &odd);
        for (char **each = names; *each != NULL; each++) {
            struct address address;
            require_printable(*each);
            if (certificate_address_parse(*each, &address))
                address_clear(&address);
        }
    }
    g_autofree char *domain = certificate_dc_domain(certificate);
    char *(*const texts[])(const X509 *) = {certificate_subject, certificate_issuer, certificate_serial};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *text = texts[i](certificate);
        require_printable(text);
    }
    certificate_is_current(certificate, 1800000000);
}

/* An empty configuration: no anchors, no pins. */
static struct trust *trust_of(struct partner *partner)
{
    static char *none[] = {NULL};
    static struct partner *partners[1];
    static struct conf conf = {.file = (char *)"fuzz",
                               .trust_anchors = none,
                               .intermediates = none,
                               .revocation = {.crls = none},
                               .partners = partners,
                               .limits = {.names = 500},
                               .partner_count = 1};
    partners[0] = partner;
    partner->file = partner->name = (char *)"fuzz";
    partner->certificates = partner->anchors = partner->intermediates = partner->gateway_addresses = none;
    partner->demands = (struct demands_conf){none, none, none, none, none};
    partner->revocation = &conf.revocation;
    owned(faults) struct faults *faults = faults_new();
    return trust_open(&conf, faults);
}

static void check_roles(X509 *certificate)
{
    static struct partner partner;
    static struct trust *trust;
    static const char *const domains[] = {"acme.test", "sales.acme.test"};
    if (trust == NULL)
        trust = trust_of(&partner);
    for (int naming = NAMING_RFC3183; naming <= NAMING_ADDRESS; naming++) {
        partner.naming = (enum naming)naming;
        for (int role = 0; role < ROLE_COUNT; role++) {
            struct finding finding = {0};
            const struct role_query query = {&partner, certificate, (enum role)role, domains, G_N_ELEMENTS(domains)};
            trust_check_role(trust, &query, &finding);
            require_printable(finding.reason);
            require(finding.outcome == OUTCOME_PASS || finding.outcome == OUTCOME_POLICY);
            require(naming != NAMING_PINNED || finding.outcome == OUTCOME_POLICY);
        }
    }
    for (int purpose = PURPOSE_SIGN; purpose <= PURPOSE_PATH; purpose++) {
        struct finding finding = {0};
        struct chain_query query = {
            .leaf = certificate, .purpose = (enum purpose)purpose, .partner = &partner, .at = 1800000000};
        trust_check_chain(trust, &query, &finding);
        require_printable(finding.reason);
        require(finding.outcome != OUTCOME_PASS); /* there is no anchor */
    }
}

static void check_mailbox(const X509 *certificate)
{
    static struct trust trust = {.names_limit = 500};
    if (trust.names == NULL)
        trust.names = names_cache_new();
    const struct address alice = {
        .local = (char *)"alice", .domain = (char *)"acme.test", .text = (char *)"alice@acme.test"};
    struct finding finding = {0};
    trust_check_mailbox(&trust, certificate, &alice, 1, &finding);
    require_printable(finding.reason);
}

static void check_bundle(struct slice contents)
{
    owned(bundle_content) struct bundle_content content = {0};
    struct error error = {0};
    bool good = bundle_content_read(contents, NULL, 1800000000, &content, &error);
    require(good == (content.anchors != NULL));
    require_printable(error.text);
    require(!good || !bundle_content_is_signed(contents));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned char *at = data;
    owned(X509) X509 *certificate = size < 1000000 ? d2i_X509(NULL, &at, (long)size) : NULL;
    check_bundle((struct slice){(const char *)data, size});
    if (certificate != NULL) {
        check_names(certificate);
        check_roles(certificate);
        check_mailbox(certificate);
    }
    ERR_clear_error();
    return 0;
}
