/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rig.h"

#include "gateway/internal.h"
#include "support/linked_keys.h"
#include "support/schema.h"

#include <jansson.h>

#include <stdio.h>
#include <sys/mman.h>

struct pki *rig_role(const struct rig *rig, const struct pki *ca, const char *role, const char *domain)
{
    g_autofree char *cn = g_strdup_printf("CN=%s", role);
    g_autofree char *san = g_strdup_printf("email:%s@%s", role, domain);
    bool encrypts = g_str_has_prefix(role, "domain-conf");
    return pki_issue(&(struct pki_spec){.issuer = ca,
                                        .subject = PKI_LIST("O=Test", cn),
                                        .san = PKI_LIST(san),
                                        .key = !encrypts && rig->key == PKI_X25519 ? PKI_ED25519 : rig->key,
                                        .slot = encrypts ? 3 : 2,
                                        .key_usage = !encrypts             ? "critical,digitalSignature"
                                                     : rig->key == PKI_RSA ? "critical,keyEncipherment"
                                                                           : "critical,keyAgreement"});
}

void rig_make(struct rig *rig, struct org *org, const char *domain)
{
    org->domain = domain;
    org->folder = folder_new();
    org->ca = pki_ca(domain);
    org->dsa = rig_role(rig, org->ca, "domain-signing-authority", domain);
    org->dca = rig_role(rig, org->ca, "domain-confidentiality-authority", domain);
    org->review = rig_role(rig, org->ca, "review-authority", domain);
    org->attribute = rig_role(rig, org->ca, "attribute-authority", domain);
    g_free(pki_write(org->folder, "review.pem", org->review, NULL));
    g_free(pki_write(org->folder, "attribute.pem", org->attribute, NULL));
    g_free(pki_write_key(org->folder, "review.key", org->review));
    g_free(pki_write_key(org->folder, "attribute.key", org->attribute));
    g_autofree char *address = g_strdup_printf("alice@%s", domain);
    org->alice = pki_person(org->ca, address);
    g_free(pki_write(org->folder, "ca.pem", org->ca, NULL));
    g_free(pki_write(org->folder, "dsa.pem", org->dsa, NULL));
    g_free(pki_write(org->folder, "dca.pem", org->dca, NULL));
    g_free(pki_write_key(org->folder, "dsa.key", org->dsa));
    g_free(pki_write_key(org->folder, "dca.key", org->dca));
}

void rig_open(struct org *org, const struct org *other, const char *policy, const char *extra)
{
    g_autofree char *policies = g_build_filename(org->folder, "policy.d", NULL);
    g_autofree char *text = g_strdup_printf(
        "local_domains = ( \"%s\" );\ntrusted_networks = ( \"192.0.2.0/24\" );\nauthserv_id = \"gw.%s\";\n"
        "policy_dir = \"policy.d\";\ntrust_anchors = ( \"ca.pem\" );\nspool_directory = \"/tmp\";\n%s\n"
        "identities = (\n%s"
        " { domain = \"%s\"; role = \"domain-signing-authority\"; certificate = \"dsa.pem\"; key = \"file:dsa.key\"; "
        "},\n"
        " { domain = \"%s\"; role = \"domain-confidentiality-authority\"; certificate = \"dca.pem\"; key = "
        "\"file:dca.key\"; },\n"
        " { domain = \"%s\"; role = \"review-authority\"; certificate = \"review.pem\"; key = \"file:review.key\"; },\n"
        " { domain = \"%s\"; role = \"attribute-authority\"; certificate = \"attribute.pem\"; key = "
        "\"file:attribute.key\"; } );\n",
        org->domain, org->domain, extra != NULL ? extra : "", org->people != NULL ? org->people : "", org->domain,
        org->domain, org->domain, org->domain);
    g_autofree char *rule =
        g_strdup_printf("domain = \"%s\";\nanchors = ( \"other-ca.pem\" );\n%s\n%s\n", other->domain,
                        strstr(policy, "certificates") ? "" : "certificates = ( \"other-dca.pem\" );", policy);
    g_autofree char *name = g_strdup_printf("%s.conf", other->domain);
    g_mkdir(policies, 0700);
    g_free(pki_write(org->folder, "other-ca.pem", other->ca, NULL));
    g_free(pki_write(org->folder, "other-dca.pem", other->dca, NULL));
    folder_write(policies, name, rule);
    g_autofree char *file = folder_file(org->folder, "domsec.conf", text);
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    if (conf != NULL)
        org->gateway = gateway_open(conf, faults);
    for (size_t i = 0; i < faults_count(faults); i++)
        fprintf(stderr, "%s\n", faults_at(faults, i));
    cr_assert_not_null(org->gateway, "the configuration of %s loads", org->domain);
    linked_keys_choose(&org->gateway->keys, gateway_conf(org->gateway));
}

struct rig *rig_closed(enum pki_key key)
{
    struct rig *rig = g_new0(struct rig, 1);
    mime_init();
    rig->key = key;
    rig_make(rig, &rig->acme, "acme.test");
    rig_make(rig, &rig->partner, "partner.test");
    return rig;
}

struct rig *rig_with_key(enum pki_key key, const char *acme_policy, const char *partner_policy)
{
    struct rig *rig = rig_closed(key);
    rig_open(&rig->acme, &rig->partner, acme_policy, NULL);
    rig_open(&rig->partner, &rig->acme, partner_policy, NULL);
    return rig;
}

struct rig *rig_new(const char *acme_policy, const char *partner_policy)
{
    return rig_with_key(PKI_EC, acme_policy, partner_policy);
}

void rig_org_free(struct org *org)
{
    gateway_unref(org->gateway);
    pki_free(org->ca);
    pki_free(org->dsa);
    pki_free(org->dca);
    pki_free(org->review);
    pki_free(org->attribute);
    pki_free(org->alice);
    folder_remove(org->folder);
}

void rig_free(struct rig *rig)
{
    rig_org_free(&rig->acme);
    rig_org_free(&rig->partner);
    g_free(rig);
}

char *rig_text(const char *top, struct entity *entity)
{
    owned(rope) struct rope *bytes = entity_bytes(entity);
    g_autofree char *flat = rope_flatten(bytes, NULL);
    entity_clear(entity);
    return g_strconcat(top, flat, NULL);
}

struct entity rig_content(const char *header, const char *body)
{
    struct entity content = {rope_new(), rope_new()};
    rope_copy(content.header, slice_of(header));
    rope_copy(content.body, slice_of(body));
    return content;
}

char *rig_encrypt(const struct org *org, const char *top, const char *header, const char *body)
{
    struct encrypt_options options = {.cipher = CIPHER_AES_256_GCM, .limits = &gateway_conf(org->gateway)->limits};
    struct entity content = rig_content(header, body), shut = {0};
    struct error error = {0};
    cr_assert(smime_encrypt(&org->dca->cert, 1, &options, &content, &shut, &error), "%s", error.text);
    entity_clear(&content);
    return rig_text(top, &shut);
}

char *rig_sign(const struct org *org, const struct pki *by, unsigned types, const char *top, struct entity *content)
{
    struct identity signer = {.certificate = by->cert, .key = by->key};
    struct sign_options options = {.types = types, .limits = &gateway_conf(org->gateway)->limits};
    struct entity made = {0};
    struct error error = {0};
    cr_assert(smime_sign(&signer, &options, content, &made, &error), "%s", error.text);
    entity_clear(content);
    return rig_text(top, &made);
}

void sent_clear(struct sent *sent)
{
    passage_free(sent->result);
    envelope_free(sent->envelope);
    message_free(sent->message);
    g_free(sent->bytes);
}

struct message *rig_message(const struct org *org, const char *bytes, size_t length)
{
    struct error error = {0};
    int fd = memfd_create("message", 0);
    cr_assert_eq(write(fd, bytes, length), (ssize_t)length);
    lseek(fd, 0, SEEK_SET);
    struct message *message = message_read(fd, &gateway_conf(org->gateway)->limits, &error);
    close(fd);
    cr_assert_not_null(message, "%s", error.text);
    return message;
}

struct envelope *rig_envelope(const struct rig_envelope *spec)
{
    struct envelope *envelope = envelope_new();
    struct error error = {0};
    const char *to[] = {spec->to, spec->to2};
    envelope->queue_id = g_strdup("TEST");
    envelope->authenticated = g_strdup(spec->auth);
    envelope->client_address = g_strdup(spec->client);
    cr_assert(address_parse(slice_of(spec->from), &envelope->sender, &error));
    for (size_t i = 0; i < 2; i++) {
        struct address address = {0};
        if (to[i] == NULL)
            continue;
        cr_assert(address_parse_path(slice_of(to[i]), &address, &error), "%s", error.text);
        envelope_add_recipient(envelope, &address);
    }
    return envelope;
}

struct passage *rig_take(struct gateway *gateway, enum direction direction, const struct envelope *envelope,
                         const struct message *message, time_t at)
{
    return gateway_pass(gateway, &(struct passage_request){
                                     .envelope = envelope, .message = message, .at = at, .direction = &direction});
}

struct passage *rig_explain(struct gateway *gateway, const struct envelope *envelope, const char *from)
{
    return gateway_pass(gateway, &(struct passage_request){.envelope = envelope, .from = from, .at = time(NULL)});
}

char *rig_name(const struct passage *passage, bool domain)
{
    g_autofree char *report = passage_report(passage);
    json_t *json = json_loads(report, 0, NULL);
    char *name =
        g_strdup(json_string_value(json_object_get(json_object_get(json, domain ? "domain" : "originator"), "name")));
    json_decref(json);
    return name;
}

struct sent rig_pass(const struct org *org, enum direction direction, const struct rig_envelope *spec,
                     const char *bytes, size_t length)
{
    struct sent sent = {.message = rig_message(org, bytes, length)};
    sent.envelope = rig_envelope(spec);
    ERR_clear_error();
    sent.result = rig_take(org->gateway, direction, sent.envelope, sent.message, time(NULL));
    cr_expect_eq(ERR_peek_error(), 0, "left in OpenSSL's queue: %s", ERR_reason_error_string(ERR_peek_error()));
    owned(rope) struct rope *out = edits_apply(&sent.result->made.edits, sent.message);
    sent.bytes = rope_flatten(out, &sent.length);
    g_autofree char *report = passage_report(sent.result);
    g_autofree char *line = passage_log_line(sent.result);
    if (getenv("RIG_VERBOSE") != NULL)
        fprintf(stderr, "%s\n%s\n%s\n", report, line, sent.bytes);
    schema_expect(report, "rig_pass()");
    cr_assert(g_str_has_prefix(line, "TEST: "));
    return sent;
}

struct sent rig_outbound(const struct rig *rig, const char *text)
{
    return rig_pass(&rig->acme, DIRECTION_OUTBOUND,
                    &(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, "alice", "192.0.2.1"}, text,
                    strlen(text));
}

struct sent rig_inbound(const struct rig *rig, const char *bytes, size_t length)
{
    return rig_pass(&rig->partner, DIRECTION_INBOUND,
                    &(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, NULL, "198.51.100.1"}, bytes,
                    length);
}

struct work rig_work(const struct org *org, const char *text, bool outbound)
{
    owned(message) struct message *message = rig_message(org, text, strlen(text));
    owned(envelope) struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, NULL, "198.51.100.1"});
    owned(passage) struct passage *passage =
        rig_take(org->gateway, outbound ? DIRECTION_OUTBOUND : DIRECTION_INBOUND, envelope, message, time(NULL));
    const struct examination *examination = passage->mail.examination;
    cr_expect_eq(examination->failure.kind, ERROR_NONE, "%s", examination->failure.text);
    struct work work = examination->work;
    work.paths = passage->lookups.paths;
    work.encrypters = passage->lookups.encrypters;
    return work;
}

enum verdict rig_verdict(const struct sent *sent)
{
    return sent->result->reply.verdict;
}

const char *rig_reason(const struct sent *sent)
{
    return sent->result->reply.reason;
}

bool rig_encrypted(const struct sent *sent)
{
    return sent->result->made.treatment.encrypt;
}

char *rig_shape(const struct sent *in)
{
    GString *shape = g_string_new(NULL);
    for (size_t i = 0; i < in->result->plan.judgement.layer_count; i++) {
        const struct layer_view *view = &in->result->lookups.views[i];
        const struct judged_layer *layer = &in->result->plan.judgement.layers[i];
        if (view->facts->type != LAYER_SIGNED)
            g_string_append_c(shape, layer->finding.outcome == OUTCOME_PASS ? 'E' : 'X');
        else if (layer->signature_types == SIGNATURE_TYPE_DOMAIN)
            g_string_append_c(shape, layer->finding.outcome != OUTCOME_PASS          ? '!'
                                     : view->facts->signers[0].ess.ml_expansions > 0 ? 'H'
                                                                                     : 'D');
        else if (layer->signature_types == SIGNATURE_TYPE_REVIEW)
            g_string_append_c(shape, layer->finding.outcome == OUTCOME_PASS ? 'R' : '!');
        else if (layer->signature_types == SIGNATURE_TYPE_ATTRIBUTES)
            g_string_append_c(shape, layer->finding.outcome == OUTCOME_PASS ? 'A' : '!');
        else if (view->facts->signer_count == 0)
            g_string_append_c(shape, '0');
        else
            g_string_append_c(shape, layer->finding.outcome == OUTCOME_PASS ? 'S' : '!');
    }
    return g_string_free(shape, FALSE);
}
