/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed message: everything that is known of it comes back as it was, and nothing of a box that was changed does. */
#include "gateway/box_private.h"
#include "mail/spool.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <openssl/rand.h>
#include <string.h>

#define PIECE 49152  /* octets that are sealed at once */
#define HEAD_SIZE 29 /* magic, version, key id, nonce */
#define TAG_SIZE 16
#define SMALL                                                                                                          \
    "From: a@acme.test\r\nSubject:\r\n\tfolded\r\n twice\r\nX-More: than a line of base64 holds, so that one ends "    \
    "within the header\r\n\r\nline\r\n"

static const struct limits limits = {.message_size = 1 << 20,
                                     .memory = 1 << 20,
                                     .spool_dir = (char *)"/nonexistent",
                                     .header_size = 1 << 18,
                                     .header_count = 1000};

static const struct box_keys *the_keys(void)
{
    static struct box_key list[] = {{.octets = "thirty-two octets of a known key", .id = "known id", .hex = "6b6e"},
                                    {.octets = "thirty-two octets of another key", .id = "other id", .hex = "6f74"}};
    static struct box_keys keys = {.list = list, .count = 2};
    if (keys.cipher == NULL)
        keys.cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    return &keys;
}

static struct message *message_of(const char *text)
{
    struct error error = {0};
    struct message *message = message_new(&limits);
    struct fields fields = {0};
    const char *end = strstr(text, "\r\n\r\n") + 2;
    cr_assert(fields_parse((struct slice){text, (size_t)(end - text)}, &limits, &fields, &error), "%s", error.text);
    for (size_t i = 0; i < fields.count; i++) {
        g_autofree char *name = g_strndup(fields.list[i].name.data, box_name_length(&fields.list[i]));
        g_autofree char *value = g_strndup(fields.list[i].value.data, fields.list[i].value.len);
        cr_assert(message_add_field(message, name, value, &error), "%s", error.text);
    }
    fields_clear(&fields);
    cr_assert(message_end_header(message, &error) && message_add_body(message, end + 2, strlen(end + 2), &error) &&
              message_finish(message, &error));
    return message;
}

static void add_recipient(struct envelope *envelope, const char *text)
{
    struct address address = {0};
    struct error error = {0};
    cr_assert(address_parse_path(slice_of(text), &address, &error), "%s", error.text);
    envelope_add_recipient(envelope, &address);
}

/* An envelope with two recipients, of which nothing else is known. */
static struct envelope *bare_envelope(void)
{
    struct error error = {0};
    struct envelope *envelope = envelope_new();
    cr_assert(address_parse_path(slice_of("<>"), &envelope->sender, &error), "%s", error.text);
    add_recipient(envelope, "<bob@partner.test>");
    add_recipient(envelope, "<dave@plain.test>");
    return envelope;
}

/* The octets of a box; g_free(). NULL: it cannot be sealed. */
static char *seal_within(const struct limits *room, const struct box_contents *contents, size_t *length,
                         struct error *error)
{
    owned(spool) struct spool *out = spool_new(room);
    struct slice base64;
    if (!box_seal(the_keys(), contents, out, error))
        return NULL;
    cr_assert(spool_finish(out, &base64, error), "%s", error->text);
    g_autofree char *text = g_strndup(base64.data, base64.len);
    return (char *)g_base64_decode(text, length);
}

static struct opened_box *opened_again(const struct box_contents *contents)
{
    struct error error = {0};
    size_t length = 0;
    g_autofree char *box = seal_within(&limits, contents, &length, &error);
    cr_assert_not_null(box, "%s", error.text);
    struct opened_box *opened = box_open(the_keys(), (struct slice){box, length}, &limits, &error);
    cr_assert_not_null(opened, "%s", error.text);
    return opened;
}

/* As box.h describes a box, made without its code; g_free(). */
static char *make_box(const struct box_key *key, struct slice contents, size_t *length)
{
    owned(EVP_CIPHER_CTX) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int done, last;
    *length = HEAD_SIZE + contents.len + TAG_SIZE;
    unsigned char *box = g_malloc0(*length);
    memcpy(box, "DOMSECBX\1", 9);
    memcpy(box + 9, key->id, 8);
    memcpy(box + 17, "twelve octet", 12);
    cr_assert(
        EVP_EncryptInit_ex2(cipher, the_keys()->cipher, key->octets, box + 17, NULL) &&
        EVP_EncryptUpdate(cipher, NULL, &done, box, 17) &&
        EVP_EncryptUpdate(cipher, box + HEAD_SIZE, &done, (const unsigned char *)contents.data, (int)contents.len) &&
        EVP_EncryptFinal_ex(cipher, box + HEAD_SIZE + done, &last) &&
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, box + HEAD_SIZE + contents.len));
    return (char *)box;
}

static void expect_text(const char *found, const char *expected, const char *what)
{
    cr_expect(g_strcmp0(found, expected) == 0, "%s: \"%s\", not \"%s\"", what, found, expected);
}

/* --- what comes back --- */

#define FULL_PLAN                                                                                                      \
    "{\"sign\":true,\"encrypt\":true,\"triple\":false,\"review\":true,\"attributes\":false,\"signature\":\"rsa-pss\"," \
    "\"digest\":\"sha512\",\"cipher\":\"aes-192-cbc\",\"key_transport\":\"rsa-pkcs1\",\"headers\":\"shy\","            \
    "\"sign_as\":\"mailbox+domain\"}"

Test(box, an_envelope_comes_back)
{
    for (size_t known = 0; known < 2; known++) {
        owned(envelope) struct envelope *envelope = bare_envelope();
        owned(message) struct message *message = message_of(SMALL);
        const struct least planned[2] = {0};
        struct error error = {0};
        struct recipient *to = &envelope->recipients[known]; /* the other one has nothing */
        if (known) {
            envelope->queue_id = g_strdup("4Q1");
            envelope->authenticated = g_strdup("alice");
            envelope->client_address = g_strdup("192.0.2.1");
            envelope->sender_parameters = g_strsplit("SIZE=1000 ENVID=x", " ", -1);
            envelope->eight_bit = true;
            address_clear(&envelope->sender);
            cr_assert(address_parse_path(slice_of("<alice@acme.test>"), &envelope->sender, &error));
            to->argument = g_strdup("<@relay.test:dave@plain.test>");
            to->parameters = g_strsplit("NOTIFY=NEVER ORCPT=rfc822;x@y.test", " ", -1);
            recipient_set_reading(to, "dave@inside.test", "inside.test", "smtp");
        }
        const struct box_contents contents = {.envelope = envelope,
                                              .message = message,
                                              .client = {.trusted = known != 0, .reason = "why"},
                                              .planned = planned,
                                              .direction = known ? DIRECTION_INBOUND : DIRECTION_OUTBOUND,
                                              .at = known ? 2222222222 : 0};
        owned(opened_box) struct opened_box *opened = opened_again(&contents);
        const struct envelope *out = opened->contents.envelope;
        cr_assert_eq(out->recipient_count, 2);
        const struct recipient *other = &out->recipients[1 - known], *same = &out->recipients[known];
        expect_text(opened->key_id, "6b6e", "the first key seals");
        expect_text(out->queue_id, known ? "4Q1" : NULL, "queue_id");
        expect_text(out->authenticated, known ? "alice" : NULL, "login");
        expect_text(out->client_address, known ? "192.0.2.1" : NULL, "client");
        expect_text(out->sender.text, known ? "alice@acme.test" : "", "sender");
        expect_text(opened->contents.client.reason, "why", "reason");
        g_autofree char *parameters = g_strjoinv(" ", out->sender_parameters);
        expect_text(parameters, known ? "SIZE=1000 ENVID=x" : "", "sender_parameters");
        cr_expect_eq(out->eight_bit, known != 0);
        cr_expect_eq(opened->contents.client.trusted, known != 0);
        cr_expect_eq(opened->contents.direction, contents.direction);
        cr_expect_eq(opened->contents.at, contents.at);
        cr_expect(opened->contents.planned == opened->planned && opened->contents.message == opened->message);
        g_autofree char *of_same = same->parameters != NULL ? g_strjoinv(" ", same->parameters) : NULL;
        expect_text(of_same, known ? "NOTIFY=NEVER ORCPT=rfc822;x@y.test" : NULL, "parameters");
        expect_text(same->address.text, known ? "dave@plain.test" : "bob@partner.test", "address");
        expect_text(same->mta_address, known ? "dave@inside.test" : NULL, "mta_address");
        expect_text(same->mta_host, known ? "inside.test" : NULL, "mta_host");
        expect_text(same->mta_mailer, known ? "smtp" : NULL, "mta_mailer");
        expect_text(other->address.text, known ? "bob@partner.test" : "dave@plain.test", "the other's address");
        cr_expect(other->parameters == NULL && other->mta_address == NULL);
        /* the route of an argument is there again */
        cr_expect_eq(g_strcmp0(same->address.route, to->argument != NULL ? "relay.test" : NULL), 0, "%s",
                     same->address.route);
    }
}

static void expect_least(const struct least *found, const struct least *least, size_t row)
{
    const struct form *form = &found->form, *other = &least->form;
    cr_expect(found->treatment.sign == least->treatment.sign && found->treatment.encrypt == least->treatment.encrypt &&
                  found->treatment.triple == least->treatment.triple &&
                  found->treatment.sign_as == least->treatment.sign_as,
              "row %zu: the treatment", row);
    cr_expect(form->signature == other->signature && form->digest == other->digest && form->cipher == other->cipher &&
                  form->key_transport == other->key_transport && found->headers == least->headers,
              "row %zu: the form", row);
    cr_expect(found->review == least->review && found->attributes == least->attributes &&
                  found->opportunistic == least->opportunistic && found->is_planned,
              "row %zu: the rest", row);
    cr_expect(found->sign_with.other_origins == least->sign_with.other_origins &&
                  found->sign_with.escrowed == least->sign_with.escrowed &&
                  found->sign_with.dual_use == least->sign_with.dual_use &&
                  found->sign_with.content_commitment == least->sign_with.content_commitment,
              "row %zu: sign_with: %x", row, found->sign_with.other_origins);
}

Test(box, what_was_planned_comes_back)
{
#define ONLY(origin) (((1u << (ORIGIN_CLOUD + 1)) - 1) & ~(1u << (origin)))
    static const struct least rows[] = {
        {.treatment = {.sign = true, .sign_as = SIGN_AS_MAILBOX}},
        {.treatment = {.encrypt = true, .sign_as = SIGN_AS_BOTH}},
        {.treatment = {.triple = true}},
        {.review = true},
        {.attributes = true},
        {.opportunistic = true},
        {.form = {.signature = SIGNATURE_RSA_PKCS1}, .headers = PROTECT_HEADERS_SIGN},
        {.form = {.digest = DIGEST_SHA384}, .headers = PROTECT_HEADERS_BASELINE},
        {.form = {.digest = DIGEST_SHA512}, .headers = PROTECT_HEADERS_SHY},
        {.form = {.cipher = CIPHER_AES_256_GCM, .key_transport = KEY_TRANSPORT_RSA_PKCS1}},
        {.form = {.cipher = CIPHER_AES_256_CBC}},
        {.sign_with = {.escrowed = STATED_BIT(STATED_TRUE), .dual_use = STATED_BIT(STATED_FALSE)}},
        {.sign_with = {.dual_use = STATED_BIT(STATED_TRUE), .content_commitment = STATED_BIT(STATED_FALSE)}},
        {.sign_with = {.content_commitment = STATED_BIT(STATED_TRUE), .escrowed = STATED_BIT(STATED_FALSE)}},
        {.sign_with = {.other_origins = ONLY(ORIGIN_CA)}},
        {.sign_with = {.other_origins = ONLY(ORIGIN_CLOUD)}},
        {.sign_with = {.other_origins = ONLY(ORIGIN_TOKEN) & ~(1u << ORIGIN_GATEWAY)}},
    };
    owned(envelope) struct envelope *envelope = bare_envelope();
    owned(message) struct message *message = message_of(SMALL);
    while (envelope->recipient_count < G_N_ELEMENTS(rows))
        add_recipient(envelope, "<ann@plain.test>");
    const struct box_contents contents = {
        .envelope = envelope, .message = message, .planned = rows, .direction = DIRECTION_OUTBOUND};
    owned(opened_box) struct opened_box *opened = opened_again(&contents);
    cr_assert_eq(opened->envelope->recipient_count, G_N_ELEMENTS(rows));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect_least(&opened->planned[i], &rows[i], i);
}

/* Header and body come back octet by octet, wherever a piece of the box ends. */
Test(box, a_message_comes_back)
{
    static const size_t headers[] = {0, 40000, 120000}, bodies[] = {0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE};
    owned(envelope) struct envelope *envelope = bare_envelope();
    const struct least planned[2] = {0};
    for (size_t i = 0; i < G_N_ELEMENTS(headers) * G_N_ELEMENTS(bodies); i++) {
        g_autofree char *fill = g_strnfill(headers[i % 3], 'h'), *body = g_strnfill(bodies[i / 3], 'b');
        g_autofree char *value = g_strconcat(" x", fill, "\r\n\ty", NULL);
        g_autofree char *text = g_strconcat("From : a@acme.test\r\nX-Odd:\r\nX-Large:", value,
                                            "\r\nDomsec-Split: forged\r\nsubject:s \r\n\r\n", body, NULL);
        owned(message) struct message *message = message_of(text);
        const struct box_contents contents = {
            .envelope = envelope, .message = message, .planned = planned, .direction = DIRECTION_OUTBOUND};
        owned(opened_box) struct opened_box *opened = opened_again(&contents);
        g_autofree char *expected =
            g_strconcat("From : a@acme.test\r\nX-Odd:\r\nX-Large:", value, "\r\nsubject:s \r\n", NULL);
        struct slice header = message_header(opened->message), rest = message_body(opened->message);
        cr_expect(header.len >= strlen(expected) && memcmp(header.data, expected, strlen(expected)) == 0,
                  "row %zu: %.300s", i, header.data);
        cr_expect(rest.len == strlen(body) && memcmp(rest.data, body, rest.len) == 0, "row %zu: %zu", i, rest.len);
        cr_expect_eq(message_fields(opened->message)->count, 4, "row %zu", i);
    }
}

/* --- sealing fails as a whole --- */

Test(box, no_text_of_an_envelope_may_be_lost)
{
    for (size_t i = 0; i < 9; i++) {
        owned(envelope) struct envelope *envelope = bare_envelope();
        owned(message) struct message *message = message_of(SMALL);
        const struct least planned[4] = {0};
        struct error error = {0};
        for (size_t j = 0; j < 2; j++)
            add_recipient(envelope, "<erin@plain.test>");
        struct recipient *odd = &envelope->recipients[i % 4];
        char **texts[] = {&envelope->queue_id, &envelope->authenticated, &envelope->client_address, &odd->argument,
                          &odd->mta_address,   &odd->mta_host,           &odd->mta_mailer};
        if (i < G_N_ELEMENTS(texts))
            *texts[i] = g_strdup("x\xff");
        else if (i == 7)
            odd->parameters = g_strsplit("NOTIFY=NEVER ORCPT=rfc822;\xff ORCPT=x", " ", -1);
        else
            envelope->sender_parameters = g_strsplit("ENVID=\xff SIZE=1", " ", -1);
        const struct box_contents contents = {
            .envelope = envelope, .message = message, .planned = planned, .direction = DIRECTION_OUTBOUND};
        size_t length = 0;
        g_autofree char *box = seal_within(&limits, &contents, &length, &error);
        cr_expect_null(box, "row %zu", i);
        cr_expect_eq(error.kind, ERROR_PERMANENT, "row %zu", i);
        cr_expect_not_null(strstr(error.text, "not in UTF-8"), "row %zu: %s", i, error.text);
    }
}

/* A box with a small message. */
static char *seal_small(const struct limits *room, size_t *length, struct error *error)
{
    owned(envelope) struct envelope *envelope = bare_envelope();
    owned(message) struct message *message = message_of(SMALL);
    const struct least planned[2] = {0};
    const struct box_contents contents = {
        .envelope = envelope, .message = message, .planned = planned, .direction = DIRECTION_OUTBOUND};
    return seal_within(room, &contents, length, error);
}

/* A disk that is full, whenever that is: half a box is no box. */
Test(box, all_of_it_is_written)
{
    struct error error = {0};
    size_t length = 0, shorter = 0;
    g_autofree char *whole = seal_small(&limits, &length, &error);
    cr_assert_not_null(whole);
    size_t lines = (length + 56) / 57, written = (length + 2) / 3 * 4 + 2 * lines;
    for (size_t room = 1; room <= written; room++) {
        struct limits less = limits;
        less.memory = room;
        error = (struct error){0};
        g_autofree char *box = seal_small(&less, &shorter, &error);
        cr_expect_eq(box == NULL, room < written, "%zu of %zu", room, written);
        cr_expect_eq(error.kind, room < written ? ERROR_TEMPORARY : ERROR_NONE, "%zu", room);
        cr_expect_null(strstr(error.text, "earlier"), "%zu: the first failure is reported: %s", room, error.text);
    }
}

/* In place of OpenSSL's, for what this program is linked from. */
static bool is_random_lacking;

int RAND_bytes(unsigned char *buffer, int length)
{
    return is_random_lacking ? 0 : RAND_bytes_ex(NULL, buffer, (size_t)length, 0);
}

static bool is_memory_lacking;

EVP_CIPHER_CTX *EVP_CIPHER_CTX_new(void)
{
    EVP_CIPHER_CTX *(*real)(void) = (EVP_CIPHER_CTX * (*)(void)) dlsym(RTLD_NEXT, __func__);
    return is_memory_lacking ? NULL : real();
}

Test(box, none_without_a_nonce)
{
    struct error error = {0};
    size_t length = 0;
    is_random_lacking = true;
    g_autofree char *box = seal_small(&limits, &length, &error);
    cr_expect_null(box);
    cr_expect_eq(error.kind, ERROR_TEMPORARY, "%s", error.text);
}

Test(box, none_without_memory)
{
    struct error error = {0};
    size_t length = 0;
    g_autofree char *box = seal_small(&limits, &length, &error);
    cr_assert_not_null(box, "%s", error.text);
    is_memory_lacking = true;
    cr_expect_null(box_open(the_keys(), (struct slice){box, length}, &limits, &error));
    cr_expect_eq(error.kind, ERROR_TEMPORARY, "%s", error.text);
    error = (struct error){0};
    cr_expect_null(seal_small(&limits, &length, &error));
    cr_expect_eq(error.kind, ERROR_TEMPORARY, "%s", error.text);
    opened_box_free(NULL);
}

/* A nonce that is used twice with a key would show what is in both boxes. */
Test(box, no_two_are_alike)
{
    struct error error = {0};
    size_t length = 0;
    g_autofree char *one = seal_small(&limits, &length, &error);
    g_autofree char *other = seal_small(&limits, &length, &error);
    cr_assert(one != NULL && other != NULL);
    cr_expect_eq(memcmp(one, other, 17), 0);
    cr_expect_neq(memcmp(one + 17, other + 17, 12), 0);
}

/* --- opening --- */

#define FACTS(recipients, fields)                                                                                      \
    "{\"time\":1,\"direction\":\"outbound\",\"queue_id\":null,\"client\":{\"address\":null,\"login\":null,"            \
    "\"trusted\":true,\"reason\":\"r\"},\"sender\":\"\",\"sender_parameters\":[],\"recipients\":[" recipients "],"     \
    "\"eight_bit\":false,\"fields\":[" fields "]}"
#define RECIPIENT(planned)                                                                                             \
    "{\"address\":\"<bob@partner.test>\",\"parameters\":[],\"mta_address\":null,\"mta_host\":null,"                    \
    "\"mta_mailer\":null,\"planned\":" planned "}"

/* g_free(). */
static char *contents_of(const char *facts, const char *header, const char *body, size_t *length)
{
    GByteArray *bytes = g_byte_array_new();
    guint32 lengths[2] = {GUINT32_TO_BE((guint32)strlen(facts)), GUINT32_TO_BE((guint32)strlen(header))};
    g_byte_array_append(bytes, (const guint8 *)lengths, sizeof(lengths));
    g_byte_array_append(bytes, (const guint8 *)facts, (guint)strlen(facts));
    g_byte_array_append(bytes, (const guint8 *)header, (guint)strlen(header));
    g_byte_array_append(bytes, (const guint8 *)body, (guint)strlen(body));
    *length = bytes->len;
    return (char *)g_byte_array_free(bytes, FALSE);
}

/* Gateways of several versions may open each other's boxes. */
Test(box, another_program_can_make_one)
{
    static const char header[] = "From: a@b.test\r\nX:y\r\n";
    struct error error = {0};
    size_t length = 0, size = 0;
    g_autofree char *contents = contents_of(FACTS(RECIPIENT(FULL_PLAN), "4,9,1,1"), header, "line\r\n", &size);
    for (size_t i = 0; i < 2; i++) {
        g_autofree char *box = make_box(&the_keys()->list[i], (struct slice){contents, size}, &length);
        owned(opened_box) struct opened_box *opened =
            box_open(the_keys(), (struct slice){box, length}, &limits, &error);
        cr_assert_not_null(opened, "%s", error.text);
        const struct least least = {.treatment = {true, true, false, SIGN_AS_BOTH},
                                    .form = {.signature = SIGNATURE_RSA_PSS,
                                             .digest = DIGEST_SHA512,
                                             .cipher = CIPHER_AES_192_CBC,
                                             .key_transport = KEY_TRANSPORT_RSA_PKCS1},
                                    .headers = PROTECT_HEADERS_SHY,
                                    .review = true};
        expect_least(&opened->planned[0], &least, 0);
        expect_text(opened->key_id, i == 0 ? "6b6e" : "6f74", "the key that sealed it");
        cr_expect(slice_equal(message_body(opened->message), slice_of("line\r\n")));
        cr_expect_eq(message_fields(opened->message)->count, 2);
    }
}

/* Whatever of it is missing or another. */
Test(box, no_octet_may_be_another)
{
    struct error error = {0};
    size_t length = 0, size = 0;
    g_autofree char *contents = contents_of(FACTS(RECIPIENT(FULL_PLAN), ""), "", "line\r\n", &size);
    g_autofree char *box = make_box(the_keys()->list, (struct slice){contents, size}, &length);
    for (size_t i = 0; i < length; i++) {
        box[i] ^= 1;
        error = (struct error){0};
        owned(opened_box) struct opened_box *changed =
            box_open(the_keys(), (struct slice){box, length}, &limits, &error);
        box[i] ^= 1;
        cr_expect_null(changed, "octet %zu", i);
        cr_expect_eq(error.kind, i >= 8 && i < 17 ? ERROR_CONFIGURATION : ERROR_PERMANENT, "octet %zu: %s", i,
                     error.text);
        g_autofree char *cut = g_memdup2(box, i + 1);
        owned(opened_box) struct opened_box *less =
            i + 1 < length ? box_open(the_keys(), (struct slice){cut, i}, &limits, &error) : NULL;
        cr_expect_null(less, "%zu octets", i);
        cr_expect_eq(error.kind, i + 1 < length ? ERROR_PERMANENT : error.kind, "%zu octets", i);
        cr_expect_eq(box_is_box((struct slice){cut, i}), i >= 8, "%zu octets", i);
    }
    cr_expect_not(box_is_box(slice_of("DOMSECBY1")));
    error = (struct error){0};
    box[8] = 2;
    cr_expect_null(box_open(the_keys(), (struct slice){box, length}, &limits, &error));
    cr_expect_not_null(strstr(error.text, "format 2"), "%s", error.text);
}

/* Of facts that are not as they were written, no half is used. */
Test(box, facts_that_cannot_be_read)
{
#define UNKNOWN ERROR_CONFIGURATION
#define WITHOUT_RECIPIENTS "\"sender_parameters\":[],\"recipients\":[],\"eight_bit\":false,\"fields\":[]}"
#define CLIENT "{\"address\":null,\"login\":null,\"trusted\":true,\"reason\":\"r\"}"
#define BY(sender)                                                                                                     \
    "{\"time\":1,\"direction\":\"outbound\",\"queue_id\":null,\"client\":" CLIENT ",\"sender\":\"" sender              \
    "\"," WITHOUT_RECIPIENTS
#define PLAN_WITH(more)                                                                                                \
    "{\"sign\":true,\"encrypt\":true,\"triple\":false,\"review\":true,\"attributes\":false,\"digest\":\"sha512\","     \
    "\"cipher\":\"aes-192-cbc\",\"key_transport\":\"rsa-pkcs1\",\"headers\":\"shy\",\"sign_as\":\"mailbox+"            \
    "domain\"," more "}"
    static const struct {
        const char *facts, *header;
        enum error_kind kind;
        const char *says; /* NULL: anything */
    } rows[] = {
        {FACTS(RECIPIENT(FULL_PLAN), "1,1"), "X:y\r\n", ERROR_NONE, NULL},
        {FACTS("", ""), "", ERROR_NONE, NULL},
        {"", "", ERROR_BUG, NULL},
        {"{}", "", ERROR_BUG, NULL},
        {"[1", "", ERROR_BUG, NULL},
        {FACTS("{}", ""), "", ERROR_BUG, NULL},
        {FACTS("{\"address\":\"<a@b.test\"}", ""), "", ERROR_BUG, NULL},
        {FACTS(RECIPIENT("{}"), ""), "", ERROR_BUG, NULL},
        {FACTS(RECIPIENT(PLAN_WITH("\"signature\":\"rsa-pss\"")), ""), "", ERROR_NONE, NULL},
        {FACTS(RECIPIENT(PLAN_WITH("\"signature\":\"slh-dsa\"")), ""), "", UNKNOWN, "\"slh-dsa\""},
        {FACTS(RECIPIENT(PLAN_WITH("\"signature\":\"rsa-pss\",\"sign_with\":{\"origin\":[\"token\"]}")), ""), "",
         ERROR_NONE, NULL},
        {FACTS(RECIPIENT(PLAN_WITH("\"signature\":\"rsa-pss\",\"sign_with\":{\"origin\":[\"token\",\"moon\"]}")), ""),
         "", UNKNOWN, "\"moon\""},
        {FACTS(RECIPIENT(PLAN_WITH("\"signature\":\"rsa-pss\",\"sign_with\":{\"origin\":[null]}")), ""), "", UNKNOWN,
         "\"\""},
        {"{\"time\":1,\"direction\":\"outbound\",\"queue_id\":null,\"client\":{},\"sender\":\"\"," WITHOUT_RECIPIENTS,
         "", ERROR_BUG, NULL},
        {BY("<a@b.test>"), "", ERROR_NONE, NULL},
        {BY("<a@b.test"), "", ERROR_PERMANENT, NULL},
        /* of what is there twice, the last counts */
        {FACTS(RECIPIENT(PLAN_WITH("\"signature\":\"slh-dsa\",\"signature\":\"rsa-pss\"")), ""), "", ERROR_NONE, NULL},
        /* the lengths of fields are those of the header */
        {FACTS("", "1,1"), "", ERROR_BUG, NULL},
        {FACTS("", ""), "X:y\r\n", ERROR_BUG, NULL},
        {FACTS("", "1,1"), "X:y\r\nZ", ERROR_BUG, NULL},
        {FACTS("", "1,2"), "X:y\r\n", ERROR_BUG, NULL},
        {FACTS("", "2,1"), "X:y\r\n", ERROR_BUG, NULL},
        {FACTS("", "1,0,1,0"), "X:\r\nY:\r\n", ERROR_NONE, NULL},
        {FACTS("", "1,1,1,1"), "X:y\r\n", ERROR_BUG, NULL},
        {FACTS("", "-1,1"), "X:y\r\n", ERROR_BUG, NULL},
        {FACTS("", "1,-1"), "X:y\r\n", ERROR_BUG, NULL},
        {FACTS("", "4,-4"), "X:y\r\n", ERROR_BUG, NULL},
        {FACTS("", "-4,4"), "X:y\r\n", ERROR_BUG, NULL},
        {FACTS("", "1,1,1"), "X:y\r\n", ERROR_NONE, NULL},
        {FACTS("", "12,4"), "MIME-Version: 1.0\r\n", ERROR_NONE, NULL},
        {FACTS("", "7,3"), "A: b\r\nC: d\r\n", ERROR_BUG, NULL},
        /* the first thing that is wrong is reported */
        {FACTS("", "2,1"), " X:y\r\nZ", ERROR_PERMANENT, "leading blank"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error = {0};
        size_t size = 0, length = 0;
        g_autofree char *contents = contents_of(rows[i].facts, rows[i].header, "body", &size);
        g_autofree char *box = make_box(the_keys()->list, (struct slice){contents, size}, &length);
        owned(opened_box) struct opened_box *direct = g_new0(struct opened_box, 1);
        direct->message = message_new(&limits);
        bool good = box_facts_read(slice_of(rows[i].facts), slice_of(rows[i].header), direct, &error);
        cr_expect_eq(good, rows[i].kind == ERROR_NONE, "row %zu: %s", i, error.text);
        cr_expect_eq(error.kind, rows[i].kind, "row %zu: %s", i, error.text);
        cr_expect(rows[i].says == NULL || strstr(error.text, rows[i].says) != NULL, "row %zu: %s", i, error.text);
        error = (struct error){0};
        owned(opened_box) struct opened_box *opened =
            box_open(the_keys(), (struct slice){box, length}, &limits, &error);
        cr_expect_eq(opened != NULL, good, "row %zu: %s", i, error.text);
        bool is_ours = rows[i].kind == ERROR_NONE || rows[i].kind == ERROR_BUG;
        cr_expect_eq(error.kind, is_ours ? rows[i].kind : ERROR_TEMPORARY, "row %zu: %s", i, error.text);
    }
}

/* What it says of its own lengths, and what is there. */
Test(box, one_that_ends_too_early)
{
    static const char facts[] = FACTS("", "1,1");
    size_t size = 0, length = 0;
    g_autofree char *contents = contents_of(facts, "X:y\r\n", "", &size);
    for (size_t i = 8; i <= size; i++) {
        struct error error = {0};
        g_autofree char *box = make_box(the_keys()->list, (struct slice){contents, i}, &length);
        owned(opened_box) struct opened_box *opened =
            box_open(the_keys(), (struct slice){box, length}, &limits, &error);
        cr_expect_eq(opened != NULL, i == size, "%zu: %s", i, error.text);
        cr_expect_eq(error.kind, i == size ? ERROR_NONE : ERROR_BUG, "%zu: %s", i, error.text);
        cr_expect(i == size || strstr(error.text, "shorter than it says") != NULL, "%zu: %s", i, error.text);
    }
    static const char *const only[] = {"\0\0\0\1\0\0\0\0", "\0\0\0\0\0\0\0\1"};
    for (size_t i = 0; i < G_N_ELEMENTS(only); i++) {
        struct error error = {0};
        g_autofree char *box = make_box(the_keys()->list, (struct slice){only[i], 8}, &length);
        cr_expect_null(box_open(the_keys(), (struct slice){box, length}, &limits, &error));
        cr_expect_not_null(strstr(error.text, "shorter than it says"), "%s", error.text);
    }
    struct error error = {0};
    g_autofree char *empty = make_box(the_keys()->list, (struct slice){"\0\0\0\0\0\0\0\0", 8}, &length);
    cr_expect_null(box_open(the_keys(), (struct slice){empty, length}, &limits, &error));
    cr_expect_not_null(strstr(error.text, "not as they were written"), "%s", error.text);
}

/* Also its last octet, where that is a piece of its own. */
Test(box, one_of_whole_pieces)
{
    static const char facts[] = FACTS("", "1,1");
    for (size_t size = PIECE - 1; size <= PIECE + 1; size++) {
        struct error error = {0};
        size_t all = 0, length = 0;
        g_autofree char *body = g_strnfill(size - 8 - strlen(facts) - strlen("X:y\r\n"), 'b');
        g_autofree char *contents = contents_of(facts, "X:y\r\n", body, &all);
        g_autofree char *box = make_box(the_keys()->list, (struct slice){contents, all}, &length);
        owned(opened_box) struct opened_box *opened =
            box_open(the_keys(), (struct slice){box, length}, &limits, &error);
        cr_assert_not_null(opened, "%zu: %s", size, error.text);
        cr_expect(slice_equal(message_body(opened->message), slice_of(body)), "%zu", size);
    }
}

/* It was within the limits when it was sealed, so the message is not at fault. */
Test(box, limits_that_became_narrower)
{
    size_t size = 0, length = 0;
    g_autofree char *contents = contents_of(FACTS("", "1,1,1,1"), "X:y\r\nZ:z\r\n", "a body", &size);
    g_autofree char *box = make_box(the_keys()->list, (struct slice){contents, size}, &length);
    for (size_t i = 0; i < 3; i++) {
        struct limits narrow = limits;
        struct error error = {0};
        if (i == 0)
            narrow.message_size = 12;
        else if (i == 1)
            narrow.header_count = 1;
        else
            narrow.header_size = 4;
        owned(opened_box) struct opened_box *opened =
            box_open(the_keys(), (struct slice){box, length}, &narrow, &error);
        cr_expect_null(opened, "row %zu", i);
        cr_expect_eq(error.kind, ERROR_TEMPORARY, "row %zu: %s", i, error.text);
    }
}

/* --- the message around it --- */

/* What others put before and behind it counts up to 64 KB. */
Test(box, what_others_put_around_it)
{
    static const struct {
        size_t before, behind; /* octets between the parts of the box and the ends of the body */
        bool found;
    } rows[] = {
        {0, 0, true}, {1000, 1000, true}, {65536, 0, true}, {65537, 0, false}, {0, 65536, true}, {0, 65537, false},
    };
    const char *start = strstr(box_before, "--domsec-split\r\nContent-Type: application/octet-stream");
    size_t header = strlen(start), end = strlen(box_after);
    g_autofree char *base64 = g_strnfill(100000, 'A');
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *before = g_strnfill(rows[i].before > header ? rows[i].before - header : rows[i].before, 'x');
        g_autofree char *behind = g_strnfill(rows[i].behind > end ? rows[i].behind - end : rows[i].behind, 'y');
        g_autofree char *body = g_strconcat(before, start, base64, box_after, behind, NULL);
        struct slice found = SLICE_NONE;
        cr_expect_eq(box_find(slice_of(body), &found), rows[i].found, "row %zu", i);
        cr_expect(!rows[i].found || slice_equal(found, slice_of(base64)), "row %zu", i);
    }
    struct slice none = SLICE_NONE;
    g_autofree char *empty = g_strconcat(box_before, box_after, NULL);
    cr_expect(box_find(slice_of(empty), &none) && none.len == 0);
    cr_expect_not(box_find(slice_of(box_before), &none));
    cr_expect_not(box_find(slice_of(box_after), &none));
}
