/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_layers: a message the whole way, in through partner.test's gateway or out through acme.test's. Their keys are
 * the fixed ones of tests/fuzz/orgs and protect nothing. No seed may hold a signature made with them: so what passes
 * was signed here.
 *
 * Input: a byte of options, then a message in which a control character opens a layer that is then made for real around
 * what follows, down to BEL or the end: so the fuzzer needs no luck with signatures and base64. See make_layer().
 * With FUZZ_VERBOSE in the environment, what came out is shown.
 */
#include "gateway/gateway.h"
#include "mail/authres.h"
#include "require.h"
#include "smime/attributes.h"

#include <jansson.h>
#include <openssl/asn1.h>
#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FOLDER "tests/fuzz/orgs/"
#define MARKER "domsec-decrypted-c0ffee"
#define END_LAYER '\a'
#define LAYERS_MAX 6
#define NOW 1800000000

enum option {
    OPTION_OUTBOUND = 1,
    OPTION_AUTHENTICATED = 2,
    OPTION_RECIPIENT = 4 | 8, /* one of four */
    OPTION_SECOND = 16,       /* … and our own user too */
    OPTION_CHANGED = 32,      /* a bit of the message changes after all layers were made */
    OPTION_STRICT = 64,       /* what comes in meets policies that ask for much; what goes out, four other recipients */
};

static struct passage *take(struct gateway *gateway, enum direction direction, const struct envelope *envelope,
                            const struct message *message, time_t at)
{
    return gateway_pass(gateway, &(struct passage_request){
                                     .envelope = envelope, .message = message, .at = at, .direction = &direction});
}

static struct gateway *acme, *partner, *strict;
static struct identity domain, person, review, attribute, stranger;
static X509 *confidentiality[2]; /* partner's, acme's */

static struct gateway *open_gateway(const char *file)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    struct gateway *gateway = conf != NULL ? gateway_open(conf, faults) : NULL;
    for (size_t i = 0; gateway == NULL && i < faults_count(faults); i++)
        fprintf(stderr, "%s\n", faults_at(faults, i));
    require(gateway != NULL);
    return gateway;
}

static X509 *read_certificate(const char *file)
{
    struct error error = {0};
    STACK_OF(X509) *list = certificates_load(file, &error);
    require(list != NULL && sk_X509_num(list) == 1);
    X509 *certificate = sk_X509_pop(list);
    sk_X509_free(list);
    return certificate;
}

static void read_identity(struct identity *identity, const char *name)
{
    g_autofree char *file = g_strconcat(FOLDER, name, ".pem", NULL);
    g_autofree char *uri = g_strconcat("file:" FOLDER, name, ".key", NULL);
    struct error error = {0};
    identity->certificate = read_certificate(file);
    identity->key = keys_load(uri, &error);
    require(identity->key != NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    mime_init();
    acme = open_gateway(FOLDER "acme.test/domsec.conf");
    partner = open_gateway(FOLDER "partner.test/domsec.conf");
    strict = open_gateway(FOLDER "partner.test/strict.conf");
    read_identity(&domain, "acme.test/dsa");
    read_identity(&person, "acme.test/alice");
    read_identity(&review, "acme.test/review");
    read_identity(&attribute, "acme.test/attribute");
    read_identity(&stranger, "partner.test/alice");
    confidentiality[0] = read_certificate(FOLDER "partner.test/dca.pem");
    confidentiality[1] = read_certificate(FOLDER "acme.test/dca.pem");
    return 0;
}

/* --- the message --- */

struct input {
    struct slice rest;
    unsigned layers;
    bool by_domain, by_person, encrypted;
};

static GString *read_layer(struct input *input);

static GString *take_entity(struct entity *made)
{
    owned(rope) struct rope *bytes = entity_bytes(made);
    size_t length;
    char *flat = rope_flatten(bytes, &length);
    GString *text = g_string_new_len(flat, (gssize)length);
    g_free(flat);
    entity_clear(made);
    return text;
}

static void make_entity(const GString *text, struct entity *entity)
{
    struct slice header, body = SLICE_NONE;
    if (!part_split((struct slice){text->str, text->len}, &header, &body))
        header = SLICE_NONE, body = (struct slice){text->str, text->len};
    *entity = (struct entity){rope_new(), rope_new()};
    rope_copy(entity->header, header);
    rope_copy(entity->body, body);
}

/* Octets as they are in a base64 application/pkcs7-mime. */
static GString *as_der(const GString *text)
{
    GString *out = g_string_new("Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    g_autofree char *base64 = g_base64_encode((const guchar *)text->str, text->len);
    for (const char *at = base64; *at != '\0'; at += strnlen(at, 76))
        g_string_append_printf(out, "%.76s\r\n", at);
    return out;
}

static GString *sign(struct identity *signer, unsigned types, enum format format, const struct security_label *label,
                     GString *text)
{
    const struct limits *limits = &gateway_conf(acme)->limits;
    struct sign_options options = {
        .types = types, .format = format, .label = label, .equivalents = label, .limits = limits};
    struct entity content, made = {0};
    struct error error = {0};
    options.equivalent_count = label != NULL && (types & SIGNATURE_TYPE_DOMAIN) ? 1 : 0;
    make_entity(text, &content);
    bool done = smime_sign(signer, &options, &content, &made, &error);
    GString *out = done ? take_entity(&made) : g_string_new_len(text->str, (gssize)text->len);
    entity_clear(&content);
    return out;
}

static GString *encrypt(enum cipher cipher, X509 *recipient, GString *text)
{
    struct encrypt_options options = {.cipher = cipher, .limits = &gateway_conf(acme)->limits};
    struct entity content, made = {0};
    struct error error = {0};
    g_string_prepend(text, "Content-Description: " MARKER "\r\n");
    make_entity(text, &content);
    require(smime_encrypt(&recipient, 1, &options, &content, &made, &error));
    entity_clear(&content);
    return take_entity(&made);
}

/* CompressedData (RFC 3274 §1.1) in OpenSSL's generator syntax: Debian's library makes none. */
static GString *compress_der(const unsigned char *bytes, size_t length)
{
    GString *config = g_string_new("[outer]\ntype=OID:1.2.840.113549.1.9.16.1.9\ncontent=EXPLICIT:0,SEQUENCE:data\n"
                                   "[data]\nversion=INTEGER:0\nalgorithm=SEQUENCE:zlib\ncontent=SEQUENCE:inner\n"
                                   "[zlib]\noid=OID:1.2.840.113549.1.9.16.3.8\n"
                                   "[inner]\ntype=OID:1.2.840.113549.1.7.1\n"
                                   "content=EXPLICIT:0,FORMAT:HEX,OCTETSTRING:");
    CONF *conf = NCONF_new(NULL);
    unsigned char *encoded = NULL;
    long line;
    for (size_t i = 0; i < length; i++)
        g_string_append_printf(config, "%02x", bytes[i]);
    owned(BIO) BIO *memory = BIO_new_mem_buf(config->str, (int)config->len);
    require(NCONF_load_bio(conf, memory, &line) > 0);
    ASN1_TYPE *made = ASN1_generate_nconf("SEQUENCE:outer", conf);
    int encoded_length = i2d_ASN1_TYPE(made, &encoded);
    require(encoded_length > 0);
    GString *der = g_string_new_len((const char *)encoded, encoded_length);
    OPENSSL_free(encoded);
    ASN1_TYPE_free(made);
    NCONF_free(conf);
    g_string_free(config, TRUE);
    return der;
}

static GString *squeeze(const GString *text)
{
    uLongf length = compressBound(text->len);
    g_autofree unsigned char *bytes = g_malloc(length);
    require(compress2(bytes, &length, (const unsigned char *)text->str, text->len, 1) == Z_OK);
    g_autoptr(GString) der = compress_der(bytes, length);
    return as_der(der);
}

static GString *wrap(GString *text)
{
    struct entity content, made = {0};
    struct error error = {0};
    make_entity(text, &content);
    require(smime_wrap_unsigned(&gateway_conf(acme)->limits, &content, &made, &error));
    entity_clear(&content);
    return take_entity(&made);
}

/* A signer with attributes of RFC 2634: each has the OID of its type and what it is in OpenSSL's generator syntax. */
static void add_signer(CMS_ContentInfo *cms, const struct identity *signer, CONF *conf, const char *const *attributes)
{
    CMS_SignerInfo *info = CMS_add1_signer(cms, signer->certificate, signer->key, NULL, CMS_PARTIAL | CMS_BINARY);
    for (; info != NULL && *attributes != NULL; attributes += 2) {
        ASN1_TYPE *value = ASN1_generate_nconf(attributes[1], conf);
        require(value != NULL &&
                CMS_signed_add1_attr_by_txt(info, attributes[0], value->type, value->value.asn1_string->data,
                                            value->value.asn1_string->length));
        ASN1_TYPE_free(value);
    }
    require(info != NULL);
}

/* Content with a label and what is equal to it; by two, who may differ, one of them a mailing list agent as well. */
static GString *sign_with_attributes(const char *const *author, const char *const *agent, const GString *text)
{
    static const char sections[] = "[low]\npolicy=OID:1.2.3.4\nclass=INTEGER:3\n"
                                   "[high]\npolicy=OID:1.2.3.4\nclass=INTEGER:5\nmark=UTF8:mark\n"
                                   "[other]\npolicy=OID:1.2.3.5\nclass=INTEGER:5\n"
                                   "[lows]\nequivalent=SET:low\n[both]\none=SET:low\nanother=SET:other\n"
                                   "[receipt]\nid=OCTETSTRING:x\nfrom=IMPLICIT:0,INTEGER:0\nto=SEQUENCE:nobody\n"
                                   "[nobody]\n[history]\nonce=SEQUENCE:agent\n"
                                   "[agent]\nid=OCTETSTRING:x\ntime=GENERALIZEDTIME:20260101000000Z\n";
    CONF *conf = NCONF_new(NULL);
    owned(BIO) BIO *file = BIO_new_mem_buf(sections, -1), *content = BIO_new_mem_buf(text->str, (int)text->len);
    unsigned char *der = NULL;
    long line;
    require(NCONF_load_bio(conf, file, &line) > 0);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
    add_signer(cms, &person, conf, author);
    if (agent != NULL)
        add_signer(cms, &domain, conf, agent);
    NCONF_free(conf);
    require(CMS_final(cms, content, NULL, CMS_BINARY));
    g_autoptr(GString) object = g_string_new(NULL);
    int length = i2d_CMS_ContentInfo(cms, &der);
    require(length > 0);
    g_string_append_len(object, (const char *)der, length);
    OPENSSL_free(der);
    return as_der(object);
}

/* One layer around text, as the control character asks; NULL: none. */
static GString *make_layer(struct input *input, char kind, GString *text)
{
    static const struct security_label label = {.policy = "1.2.3.4", .classification = 4, .privacy_mark = "mark"};
    static const char *const author[] = {
        OID_SECURITY_LABEL, "SET:high", OID_EQUIVALENT_LABELS, "SEQUENCE:lows", OID_RECEIPT_REQUEST,
        "SEQUENCE:receipt", NULL};
    static const char *const agent[] = {OID_SECURITY_LABEL, "SET:low", OID_ML_EXPANSION_HISTORY, "SEQUENCE:history",
                                        NULL};
    static const char *const equivalent[] = {OID_SECURITY_LABEL, "SET:other", OID_EQUIVALENT_LABELS, "SEQUENCE:lows",
                                             NULL};
    static const char *const without[] = {OID_EQUIVALENT_LABELS, "SEQUENCE:both", NULL};
    input->by_domain |= kind == 1 || kind == 2 || kind == 24;
    input->by_person |= kind == 3 || kind == 4 || (kind >= 23 && kind <= 26);
    input->encrypted |= kind >= 14 && kind <= 17;
    switch (kind) {
    case 1:
        return sign(&domain, SIGNATURE_TYPE_DOMAIN, FORMAT_CLEAR, NULL, text);
    case 2:
        return sign(&domain, SIGNATURE_TYPE_DOMAIN, FORMAT_OPAQUE, &label, text);
    case 3:
        return sign(&person, 0, FORMAT_CLEAR, NULL, text);
    case 4:
        return sign(&person, SIGNATURE_TYPE_ORIGINATOR, FORMAT_OPAQUE, &label, text);
    case 5:
        return sign(&review, SIGNATURE_TYPE_REVIEW, FORMAT_OPAQUE, NULL, text);
    case 6:
        return sign(&attribute, SIGNATURE_TYPE_ATTRIBUTES, FORMAT_CLEAR, &label, text);
    case 14:
        return encrypt(CIPHER_AES_128_GCM, confidentiality[0], text);
    case 15:
        return encrypt(CIPHER_AES_128_CBC, confidentiality[0], text);
    case 16:
        return encrypt(CIPHER_AES_128_GCM, confidentiality[1], text);
    case 17:
        return encrypt(CIPHER_AES_256_CBC, confidentiality[1], text);
    case 18:
        return wrap(text);
    case 19:
        return as_der(text);
    case 22:
        return squeeze(text);
    case 20:
        return sign(&stranger, SIGNATURE_TYPE_DOMAIN, FORMAT_CLEAR, NULL, text);
    case 21:
        return sign(&review, SIGNATURE_TYPE_DOMAIN, FORMAT_OPAQUE, NULL, text);
    case 23:
        return sign_with_attributes(author, NULL, text);
    case 24:
        return sign_with_attributes(author, agent, text);
    case 25:
        return sign_with_attributes(equivalent, NULL, text);
    case 26:
        return sign_with_attributes(without, NULL, text);
    default:
        return NULL;
    }
}

/* Text up to BEL or the end, the layers in it made. Takes that from input. */
static GString *read_layer(struct input *input)
{
    GString *text = g_string_new(NULL);
    while (input->rest.len > 0) {
        char c = input->rest.data[0];
        input->rest.data++;
        input->rest.len--;
        if (c == END_LAYER)
            break;
        bool opens = (c >= 1 && c <= 6) || (c >= 14 && c <= 26);
        if (!opens || input->layers >= LAYERS_MAX) {
            g_string_append_c(text, c);
            continue;
        }
        input->layers++;
        GString *inner = read_layer(input);
        GString *layer = make_layer(input, c, inner);
        g_string_append_len(text, layer->str, (gssize)layer->len);
        g_string_free(inner, TRUE);
        g_string_free(layer, TRUE);
    }
    return text;
}

static struct message *read_message(const GString *text)
{
    struct error error = {0};
    int fd = memfd_create("message", 0);
    require(write(fd, text->str, text->len) == (ssize_t)text->len && lseek(fd, 0, SEEK_SET) == 0);
    struct message *message = message_read(fd, &gateway_conf(acme)->limits, &error);
    close(fd);
    return message;
}

static struct envelope *make_envelope(unsigned options)
{
    static const char *const recipients[] = {"bob@partner.test",        "carol@signed.test", "dave@triple.test",
                                             "eve@none.test",           "fred@encrypt.test", "grace@review.test",
                                             "heidi@sign-instead.test", "ivan@plain.test"};
    struct envelope *envelope = envelope_new();
    struct address address;
    struct error error = {0};
    bool is_outbound = options & OPTION_OUTBOUND;
    size_t recipient = is_outbound ? (options & OPTION_RECIPIENT) / 4 + (options & OPTION_STRICT ? 4 : 0) : 0;
    envelope->queue_id = g_strdup("FUZZ");
    envelope->client_address = g_strdup("198.51.100.1");
    if (options & OPTION_AUTHENTICATED)
        envelope->authenticated = g_strdup("alice");
    require(address_parse(slice_of("alice@acme.test"), &envelope->sender, &error));
    require(address_parse(slice_of(recipients[recipient]), &address, &error));
    envelope_add_recipient(envelope, &address);
    if (is_outbound && (options & OPTION_SECOND)) {
        require(address_parse(slice_of("us@acme.test"), &address, &error));
        envelope_add_recipient(envelope, &address);
    }
    return envelope;
}

/* --- what must hold --- */

static void require_no_controls(const char *text, const char *allowed)
{
    require(g_utf8_validate(text, -1, NULL));
    for (; *text != '\0'; text++)
        require(((unsigned char)*text >= ' ' && *text != 0x7f) || strchr(allowed, *text) != NULL);
}

static void check_texts(const struct passage *result, const struct envelope *envelope)
{
    g_autofree char *report = passage_report(result);
    g_autofree char *line = passage_log_line(result);
    json_t *json = json_loads(report, 0, NULL);
    if (getenv("FUZZ_VERBOSE") != NULL)
        fprintf(stderr, "%s%s\n", report, line);
    require(json != NULL);
    json_decref(json);
    require_no_controls(line, "");
    require_no_controls(report, "\n");
    require_no_controls(result->reply.text, "");
    require_no_controls(result->reply.reason, "");
    require(g_str_is_ascii(result->reply.text));
    if (result->made.authentication_results != NULL)
        require_no_controls(result->made.authentication_results, "\r\n\t");
    require(strstr(report, MARKER) == NULL && strstr(line, MARKER) == NULL &&
            strstr(result->reply.text, MARKER) == NULL);
    require(result->reply.verdict == VERDICT_ACCEPT || result->reply.verdict == VERDICT_QUARANTINE ||
            result->reply.verdict == VERDICT_REJECT || result->reply.verdict == VERDICT_TEMPFAIL);
    require(result->reply.code / 100 == (result->reply.verdict == VERDICT_TEMPFAIL ? 4u
                                         : result->reply.verdict == VERDICT_REJECT ? 5u
                                                                                   : 2u));
    require(ERR_peek_error() == 0);
}

static bool was_decrypted(const struct passage *result)
{
    for (size_t i = 0; i < result->plan.judgement.layer_count; i++)
        if ((i < result->made.removed) && !result->lookups.views[i].partial &&
            (result->lookups.views[i].facts->type == LAYER_ENVELOPED ||
             result->lookups.views[i].facts->type == LAYER_AUTHENVELOPED))
            return true;
    return false;
}

/* What came out of something encrypted is the whole body, is canonical, and brings no fields but its own Content-*. */
static void check_decrypted(const struct message *message, const struct passage *result, const char *bytes,
                            size_t length)
{
    struct error error = {0};
    struct limits wide = {.header_size = (size_t)1 << 24, .header_count = 100000};
    struct fields fields;
    if (!was_decrypted(result))
        require(memmem(bytes, length, MARKER, strlen(MARKER)) == NULL);
    require(fields_parse((struct slice){bytes, length}, &wide, &fields, &error));
    static const char *const names[] = {"From", "To", "Sender", "Received", "Reply-To"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        require(fields_count(&fields, names[i]) == fields_count(message_fields(message), names[i]));
    fields_clear(&fields);
    if (result->made.edits.body == NULL)
        return;
    size_t body_length;
    g_autofree char *body = rope_flatten(result->made.edits.body, &body_length);
    require(mime_is_canonical((struct slice){body, body_length}));
    require(memchr(body, '\0', body_length) == NULL);
}

/* The name that the report gives with the domain's result or the originator's; g_free(), NULL for none. */
static char *reported_name(const struct passage *result, const char *whose)
{
    g_autofree char *report = passage_report(result);
    json_t *json = json_loads(report, 0, NULL);
    char *name = g_strdup(json_string_value(json_object_get(json_object_get(json, whose), "name")));
    json_decref(json);
    return name;
}

/* The layer that a verdict is about. */
static void check_pass(const struct message *message, const struct passage *result, bool made,
                       const struct finding *finding, const char *name)
{
    bool whole = false;
    if (finding->outcome != OUTCOME_PASS)
        return;
    require(made && name != NULL);
    require(fields_count(message_fields(message), "From") == 1);
    for (size_t i = 0; i < result->plan.judgement.layer_count; i++)
        whole |= result->plan.judgement.layers[i].finding.outcome == OUTCOME_PASS && !result->lookups.views[i].partial;
    require(whole);
}

/* What a reader takes for our word is our word. */
static void check_own_words(const struct passage *result, const struct envelope *envelope, const char *bytes,
                            size_t length)
{
    struct error error = {0};
    struct limits wide = {.header_size = (size_t)1 << 24, .header_count = 100000};
    struct fields fields;
    unsigned results = 0;
    if (result->reply.verdict != VERDICT_ACCEPT && result->reply.verdict != VERDICT_QUARANTINE)
        return;
    require(fields_parse((struct slice){bytes, length}, &wide, &fields, &error));
    for (size_t i = 0; i < fields.count; i++) {
        const struct field *field = &fields.list[i];
        g_autofree char *text = g_ascii_strdown(field->value.data, (gssize)field->value.len);
        results += slice_equal_nocase(field->name, "Authentication-Results") &&
                   authres_is_from(field->value, gateway_conf(partner)->authserv_id);
        if (envelope->authenticated == NULL && slice_equal_nocase(field->name, "Subject"))
            require(strstr(text, "[verified]") == NULL || result->plan.judgement.domain.outcome == OUTCOME_PASS ||
                    result->plan.judgement.originator.outcome == OUTCOME_PASS);
    }
    fields_clear(&fields);
    require(results == (result->made.authentication_results != NULL ? 1u : 0u));
}

static void check_inbound(struct gateway *gateway, const struct input *input, const struct message *message,
                          const struct envelope *envelope)
{
    owned(passage) struct passage *result = take(gateway, DIRECTION_INBOUND, envelope, message, NOW);
    owned(rope) struct rope *out = edits_apply(&result->made.edits, message);
    size_t length;
    g_autofree char *bytes = rope_flatten(out, &length);
    if (getenv("FUZZ_VERBOSE") != NULL)
        fprintf(stderr, "%s\n", bytes);
    check_texts(result, envelope);
    const struct judgement *judgement = &result->plan.judgement;
    g_autofree char *domain = reported_name(result, "domain");
    g_autofree char *person = reported_name(result, "originator");
    check_pass(message, result, input->by_domain, &judgement->domain, domain);
    check_pass(message, result, input->by_person, &judgement->originator, person);
    require(judgement->domain.outcome != OUTCOME_PASS || strcmp(domain, "acme.test") == 0 ||
            g_str_has_suffix(domain, ".acme.test"));
    /* RFC 8550 §3: local parts are compared without case. */
    require(judgement->originator.outcome != OUTCOME_PASS || g_ascii_strcasecmp(person, "alice@acme.test") == 0);
    check_decrypted(message, result, bytes, length);
    check_own_words(result, envelope, bytes, length);
    require(result->reply.verdict != VERDICT_TEMPFAIL || result->plan.judgement.domain.outcome == OUTCOME_TEMPERROR);
}

/* What was signed here is believed there, and what was encrypted says nothing on the way. */
static void check_sent(const struct passage *result, struct slice sent)
{
    GString text = {(char *)sent.data, sent.len, sent.len};
    owned(message) struct message *arrived = read_message(&text);
    owned(envelope) struct envelope *envelope = make_envelope(0);
    if (result->made.treatment.encrypt)
        require(memmem(sent.data, sent.len, MARKER, strlen(MARKER)) == NULL);
    if (arrived == NULL || !result->made.treatment.sign)
        return;
    /* Where they can read on that we could not, they may find faults. */
    for (size_t i = 0; i < result->plan.judgement.layer_count; i++)
        if (result->plan.judgement.layers[i].finding.outcome != OUTCOME_PASS &&
            result->plan.judgement.layers[i].finding.outcome != OUTCOME_NONE)
            return;
    owned(passage) struct passage *there = take(partner, DIRECTION_INBOUND, envelope, arrived, NOW);
    if (getenv("FUZZ_VERBOSE") != NULL)
        check_texts(there, envelope);
    /* A header that parsers read differently keeps its faults. */
    struct error error = {0};
    owned(part) struct part *root =
        part_parse(message_header(arrived), message_body(arrived), &gateway_conf(partner)->limits, &error);
    if (there->plan.judgement.domain.outcome != OUTCOME_PASS && root != NULL && root->fault == NULL) {
        fprintf(stderr, "%s: %s\n", outcome_name(there->plan.judgement.domain.outcome),
                there->plan.judgement.domain.reason);
        abort();
    }
}

static void check_outbound(const struct input *input, const struct message *message, const struct envelope *envelope)
{
    owned(passage) struct passage *result = take(acme, DIRECTION_OUTBOUND, envelope, message, NOW);
    owned(rope) struct rope *out = edits_apply(&result->made.edits, message);
    size_t length;
    g_autofree char *bytes = rope_flatten(out, &length);
    if (getenv("FUZZ_VERBOSE") != NULL)
        fprintf(stderr, "%s\n", bytes);
    check_texts(result, envelope);
    /* What was encrypted deeper inside must be encrypted again, and the administrator may still find a certificate. */
    require(result->reply.verdict != VERDICT_TEMPFAIL || g_str_has_prefix(result->reply.reason, "no certificate for "));
    require(result->reply.verdict == VERDICT_ACCEPT || !result->made.treatment.sign);
    if (result->plan.direction != DIRECTION_OUTBOUND || result->reply.verdict != VERDICT_ACCEPT)
        return;
    if (result->made.treatment.sign)
        require(envelope->authenticated != NULL || input->by_person);
    check_sent(result, (struct slice){bytes, length});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Only what was encrypted here may hold the marker. */
    if (size < 2 || size > 1 << 15 || memmem(data, size, MARKER, strlen(MARKER)) != NULL)
        return 0;
    unsigned options = data[0];
    struct input input = {.rest = {(const char *)data + 1, size - 1}};
    GString *text = g_string_new(NULL);

    while (input.rest.len > 0) {
        GString *some = read_layer(&input);
        g_string_append_len(text, some->str, (gssize)some->len);
        g_string_free(some, TRUE);
    }
    if ((options & OPTION_CHANGED) && text->len > 0)
        text->str[(data[size - 1] * 257u + data[size / 2]) % text->len] ^= (char)(1 << (data[size - 1] & 7));
    owned(message) struct message *message = read_message(text);
    owned(envelope) struct envelope *envelope = make_envelope(options);
    ERR_clear_error();
    if (message != NULL && (options & OPTION_OUTBOUND))
        check_outbound(&input, message, envelope);
    else if (message != NULL)
        check_inbound(options & OPTION_STRICT ? strict : partner, &input, message, envelope);
    g_string_free(text, TRUE);
    return 0;
}
