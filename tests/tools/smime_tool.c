/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smime_tool: smime/ on files, for the interoperability tests.
 *
 *     smime_tool sign --cert F --key F [--opaque] [--pkcs1] [--digest sha384] [--wrap] IN OUT
 *     smime_tool wrap IN OUT
 *     smime_tool encrypt --to F [--to F]... [--cipher aes-128-cbc] [--pkcs1] [--from F] IN OUT
 *     smime_tool open [--cert F --key F]... IN OUT
 *     smime_tool extract IN CMS [CONTENT]      the DER of the outermost layer, and the bytes signed of a
 * multipart/signed
 *
 * IN is a message or an entity. sign and encrypt write a message with MIME-Version and the new Content-* fields, open
 * peels every layer, prints a line for each, and writes the innermost entity. Exit status 0: it was made, or every
 * layer opened and every signature holds.
 */
#include "smime/smime.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LAYERS_MAX 8

static const struct limits limits = {
    .message_size = (size_t)200 << 20,
    .memory = (size_t)1 << 20,
    .spool_dir = (char *)"/tmp",
    .header_size = (size_t)256 << 10,
    .header_count = 1000,
    .nesting = 20,
    .parts = 1000,
    .layers = LAYERS_MAX,
    .recipients = 100,
    .signers = 10,
    .certificates = 50,
};

struct options {
    GPtrArray *certificates, *keys, *recipients;
    X509 *originator; /* for originatorInfo; NULL: none */
    bool opaque, pkcs1;
    enum digest digest;
    enum cipher cipher;
    const char *in, *out;
};

static void __attribute__((noreturn)) die(const char *what, const struct error *error)
{
    fprintf(stderr, "smime_tool: %s%s%s\n", what, error != NULL ? ": " : "", error != NULL ? error->text : "");
    exit(1);
}

static X509 *read_certificate(const char *file)
{
    struct error error = {0};
    STACK_OF(X509) *all = certificates_load(file, &error);
    X509 *first;
    if (all == NULL)
        die(file, &error);
    first = sk_X509_shift(all);
    sk_X509_pop_free(all, X509_free);
    return first;
}

static struct keys *open_keys(const struct options *options, struct conf *conf)
{
    struct faults *faults = faults_new();
    struct keys *keys;
    conf->file = (char *)"smime_tool";
    conf->limits = limits;
    conf->identity_count = options->certificates->len;
    conf->identities = g_new0(struct identity_conf, conf->identity_count + 1);
    for (size_t i = 0; i < conf->identity_count; i++) {
        struct identity_conf *identity = &conf->identities[i];
        identity->domain = (char *)"test";
        identity->role = ROLE_DOMAIN_CONFIDENTIALITY;
        identity->certificate = g_ptr_array_index(options->certificates, i);
        const char *key = g_ptr_array_index(options->keys, i);
        identity->key = g_str_has_prefix(key, "pkcs11:") ? g_strdup(key) : g_strconcat("file:", key, NULL);
    }
    keys = keys_open(conf, NULL, faults);
    for (size_t i = 0; keys == NULL && i < faults_count(faults); i++)
        fprintf(stderr, "%s\n", faults_at(faults, i));
    if (keys == NULL)
        die("keys", NULL);
    faults_free(faults);
    return keys;
}

static struct message *read_message(const char *file)
{
    struct error error = {0};
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct message *message = fd >= 0 ? message_read(fd, &limits, &error) : NULL;
    if (message == NULL)
        die(file, &error);
    close(fd);
    return message;
}

static void write_slice(FILE *stream, struct slice slice)
{
    if (fwrite(slice.data, 1, slice.len, stream) != slice.len)
        die("write", NULL);
}

static void write_rope(FILE *stream, const struct rope *rope)
{
    for (size_t i = 0; i < rope_count(rope); i++)
        write_slice(stream, rope_at(rope, i));
}

static FILE *create(const char *file)
{
    FILE *stream = fopen(file, "w");
    if (stream == NULL)
        die(file, NULL);
    return stream;
}

static void write_file(const char *file, struct slice bytes)
{
    FILE *stream = create(file);
    write_slice(stream, bytes);
    fclose(stream);
}

static void write_entity(const char *file, const struct entity *entity)
{
    FILE *stream = create(file);
    fputs("MIME-Version: 1.0\r\n", stream);
    write_rope(stream, entity->header);
    fputs("\r\n", stream);
    write_rope(stream, entity->body);
    fclose(stream);
}

static int make(const char *command, const struct options *options)
{
    struct message *message = read_message(options->in);
    struct error error = {0};
    struct part *root = part_parse(message_header(message), message_body(message), &limits, &error);
    struct entity content = {0}, out = {0};
    struct conf conf = {0};
    struct keys *keys = open_keys(options, &conf);
    bool made;
    if (root == NULL || !mime_canonical(root, &limits, &content, &error))
        die(options->in, &error);
    if (strcmp(command, "encrypt") == 0) {
        struct encrypt_options how = {.cipher = options->cipher, .originator = options->originator, .limits = &limits};
        how.key_transport = options->pkcs1 ? KEY_TRANSPORT_RSA_PKCS1 : KEY_TRANSPORT_RSA_OAEP;
        made = smime_encrypt((X509 *const *)options->recipients->pdata, options->recipients->len, &how, &content, &out,
                             &error);
    } else if (strcmp(command, "wrap") == 0) {
        made = smime_wrap_unsigned(&limits, &content, &out, &error);
    } else {
        struct sign_options how = {.format = options->opaque ? FORMAT_OPAQUE : FORMAT_CLEAR,
                                   .signature = options->pkcs1 ? SIGNATURE_RSA_PKCS1 : SIGNATURE_RSA_PSS,
                                   .digest = options->digest,
                                   .types = SIGNATURE_TYPE_DOMAIN,
                                   .limits = &limits};
        if (keys_count(keys) != 1)
            die("sign needs one --cert and --key", NULL);
        made = smime_sign(keys_at(keys, 0), &how, &content, &out, &error);
    }
    if (!made)
        die(command, &error);
    write_entity(options->out, &out);
    entity_clear(&content);
    entity_clear(&out);
    part_free(root);
    message_free(message);
    keys_close(keys);
    return 0;
}

static bool print_layer(const struct layer *layer)
{
    bool valid = true;
    printf("%s%s %s%s", layer_type_name(layer->facts.type), layer->facts.detached ? " detached" : "",
           layer->facts.cipher, layer->facts.authenticated ? " authenticated" : "");
    for (size_t i = 0; i < layer->facts.signer_count; i++) {
        const struct signer_facts *signer = &layer->facts.signers[i];
        printf(" [%s%s%s%s types=%u time=%s]", signer->valid ? "valid" : "INVALID", signer->weak ? " weak" : "",
               signer->reason[0] != '\0' ? ": " : "", signer->reason, signer->types,
               signer->signing_time != 0 ? "yes" : "no");
        valid = valid && signer->valid;
    }
    putchar('\n');
    return valid;
}

/* Empty line or first field decides whether there is a header at all. */
static void split(struct slice inner, struct slice *header, struct slice *body)
{
    const char *end = memmem(inner.data, inner.len, "\r\n\r\n", 4);
    if (inner.len >= 2 && memcmp(inner.data, "\r\n", 2) == 0) {
        *header = SLICE_NONE;
        *body = (struct slice){inner.data + 2, inner.len - 2};
    } else if (end == NULL) {
        *header = inner;
        *body = SLICE_NONE;
    } else {
        *header = (struct slice){inner.data, (size_t)(end + 2 - inner.data)};
        *body = (struct slice){end + 4, inner.len - (size_t)(end + 4 - inner.data)};
    }
}

/* What is inside in canonical lines; some software encrypts and signs LF. */
static struct slice canonical(struct slice inner, struct spool **spool)
{
    struct error error = {0};
    struct slice bytes;
    bool changed;
    *spool = spool_new(&limits);
    if (!mime_line_ends(inner, *spool, &changed, &error) || !spool_finish(*spool, &bytes, &error))
        die("line ends", &error);
    return bytes;
}

static int peel(const struct options *options)
{
    struct message *message = read_message(options->in);
    struct slice header = message_header(message), body = message_body(message);
    struct layer layers[LAYERS_MAX] = {0};
    struct part *parts[LAYERS_MAX + 1] = {0};
    struct spool *spools[LAYERS_MAX] = {0};
    struct conf conf = {0};
    struct keys *keys = open_keys(options, &conf);
    struct error error = {0};
    struct slice inner = SLICE_NONE;
    size_t depth = 0;
    bool valid = true;
    for (;; depth++) {
        parts[depth] = part_parse(header, body, &limits, &error);
        if (parts[depth] == NULL || depth == LAYERS_MAX)
            die(options->in, &error);
        enum opened opened =
            smime_open(parts[depth], &(struct open_options){.limits = &limits, .keys = keys}, &layers[depth], &error);
        if (opened == OPENED_NOT_SMIME)
            break;
        if (opened != OPENED) {
            printf("%s %s\n", layer_type_name(layers[depth].facts.type), layers[depth].facts.cipher);
            die(opened == OPENED_NO_KEY ? "no key" : "failed", &error);
        }
        valid = print_layer(&layers[depth]) && valid;
        inner = canonical(layers[depth].inner, &spools[depth]);
        split(inner, &header, &body);
    }
    if (depth == 0)
        die("not S/MIME", NULL);
    write_file(options->out, inner);
    for (size_t i = 0; i <= depth; i++) {
        part_free(parts[i]);
        if (i < depth) {
            layer_clear(&layers[i]);
            spool_free(spools[i]);
        }
    }
    keys_close(keys);
    message_free(message);
    return valid ? 0 : 2;
}

static int extract(const char *in, const char *cms, const char *content)
{
    struct message *message = read_message(in);
    struct error error = {0};
    struct part *root = part_parse(message_header(message), message_body(message), &limits, &error);
    struct spool *der = spool_new(&limits);
    struct slice bytes;
    if (root == NULL || (root->child_count != 0 && root->child_count != 2))
        die(in, &error);
    if (!part_decode(root->child_count == 2 ? &root->children[1] : root, der, &error) ||
        !spool_finish(der, &bytes, &error))
        die(in, &error);
    write_file(cms, bytes);
    if (content != NULL && root->child_count == 2)
        write_file(content, root->children[0].whole);
    spool_free(der);
    part_free(root);
    message_free(message);
    return 0;
}

/* The number of the word in the list, as the enum counts. */
static unsigned number_of(const char *word, const char *const *words, const char *option)
{
    for (unsigned i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    die(option, NULL);
    return 0;
}

static void parse_option(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "--cert") == 0) {
        g_ptr_array_add(options->certificates, g_strdup(value));
    } else if (strcmp(name, "--key") == 0) {
        g_ptr_array_add(options->keys, g_strdup(value));
    } else if (strcmp(name, "--to") == 0) {
        g_ptr_array_add(options->recipients, read_certificate(value));
    } else if (strcmp(name, "--from") == 0) {
        options->originator = read_certificate(value);
    } else if (strcmp(name, "--digest") == 0) {
        options->digest = number_of(value, (const char *const[]){"sha256", "sha384", "sha512", NULL}, name);
    } else if (strcmp(name, "--cipher") == 0) {
        static const char *const ciphers[] = {"aes-128-gcm", "aes-256-gcm", "aes-128-cbc",
                                              "aes-192-cbc", "aes-256-cbc", NULL};
        options->cipher = number_of(value, ciphers, name);
    } else {
        die(name, NULL);
    }
}

int main(int argc, char **argv)
{
    struct options options = {.certificates = g_ptr_array_new(),
                              .keys = g_ptr_array_new(),
                              .recipients = g_ptr_array_new(),
                              .cipher = CIPHER_AES_256_GCM};
    struct error error = {0};
    int i = 2;
    if (argc < 4)
        die("usage: sign|wrap|encrypt|open [OPTION]... IN OUT, extract IN CMS [CONTENT]", NULL);
    mime_init();
    if (!smime_init(&error))
        die("init", &error);
    if (strcmp(argv[1], "extract") == 0)
        return extract(argv[2], argv[3], argc > 4 ? argv[4] : NULL);
    for (; i < argc - 2; i++) {
        if (strcmp(argv[i], "--opaque") == 0)
            options.opaque = true;
        else if (strcmp(argv[i], "--pkcs1") == 0)
            options.pkcs1 = true;
        else
            parse_option(&options, argv[i], argv[i + 1]), i++;
    }
    if (options.certificates->len != options.keys->len)
        die("as many --cert as --key", NULL);
    options.in = argv[argc - 2];
    options.out = argv[argc - 1];
    return strcmp(argv[1], "open") == 0 ? peel(&options) : make(argv[1], &options);
}
