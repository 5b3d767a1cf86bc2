/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box: seals a message and opens it again, in pieces, so that memory never holds a second copy of a large one.
 *
 * A box is decrypted twice: once to verify its tag, without keeping a single octet, and then for good. So nothing that
 * was not verified is ever looked at. This costs less than a copy in a file, for the cipher is as fast as memory.
 */
#include "box_private.h"

#include <openssl/rand.h>
#include <string.h>

#define PIECE 49152
#define VERSION 1
#define NONCE_SIZE 12
#define TAG_SIZE 16
#define LENGTHS 8

/* What stands before the ciphertext. */
struct head {
    char magic[8];
    unsigned char version;
    unsigned char id[BOX_ID_OCTETS];
    unsigned char nonce[NONCE_SIZE];
};
G_STATIC_ASSERT(sizeof(struct head) == 8 + 1 + BOX_ID_OCTETS + NONCE_SIZE);
#define AUTHENTICATED offsetof(struct head, nonce)

static const char magic[8] = {'D', 'O', 'M', 'S', 'E', 'C', 'B', 'X'};

#define PART_HEADER                                                                                                    \
    "--domsec-split\r\n"                                                                                               \
    "Content-Type: application/octet-stream; name=\"message.domsec\"\r\n"                                              \
    "Content-Disposition: attachment; filename=\"message.domsec\"\r\n"                                                 \
    "Content-Transfer-Encoding: base64\r\n\r\n"
#define END "--domsec-split--\r\n"
#define SURROUNDINGS ((size_t)64 << 10) /* how much of the body before and behind the box is looked at */

const char box_before[] = "--domsec-split\r\n"
                          "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
                          "This message was on its way through the mail system of its sender, and should\r\n"
                          "not have left it in this form. You cannot read it. Please send it back to its\r\n"
                          "sender, with the attachment, and ask to have it sent again.\r\n\r\n"
                          "For the sender's administrator: the attached file was sealed by the S/MIME\r\n"
                          "gateway. \"domsec unseal\" opens it. \"domsec check --postfix\" shows what the\r\n"
                          "mail server lacks.\r\n" PART_HEADER;
const char box_after[] = END;

/* Not by the MIME parser, which would look at each octet of a large message before the first is decoded. */
bool box_find(struct slice body, struct slice *base64)
{
    const char *header = memmem(body.data, MIN(body.len, SURROUNDINGS), PART_HEADER, strlen(PART_HEADER));
    if (header == NULL)
        return false;
    const char *start = header + strlen(PART_HEADER), *last = body.data + body.len;
    const char *tail = last - MIN((size_t)(last - start), SURROUNDINGS);
    const char *end = memmem(tail, (size_t)(last - tail), END, strlen(END));
    if (end == NULL)
        return false;
    *base64 = (struct slice){start, (size_t)(end - start)};
    return true;
}

bool box_is_box(struct slice bytes)
{
    return bytes.len >= sizeof(magic) && memcmp(bytes.data, magic, sizeof(magic)) == 0;
}

/* --- sealing --- */

struct sealing {
    EVP_CIPHER_CTX *cipher;
    struct base64_state base64;
    unsigned char *buffer;
    struct spool *out;
    struct error *error;
};

static bool put(struct sealing *sealing, struct slice bytes)
{
    while (bytes.len > 0) {
        size_t piece = MIN(bytes.len, PIECE);
        int length;
        if (!EVP_EncryptUpdate(sealing->cipher, sealing->buffer, &length, (const unsigned char *)bytes.data,
                               (int)piece))
            return error_set_openssl(sealing->error, ERROR_TEMPORARY, "sealing the message");
        if (!base64_write(&sealing->base64, (struct slice){(char *)sealing->buffer, (size_t)length}, false,
                          sealing->out, sealing->error))
            return false;
        bytes.data += piece;
        bytes.len -= piece;
    }
    return true;
}

static bool put_field(struct sealing *sealing, const struct field *field)
{
    return put(sealing, (struct slice){field->name.data, box_name_length(field)}) && put(sealing, slice_of(":")) &&
           put(sealing, field->value) && put(sealing, slice_of("\r\n"));
}

static bool put_header(struct sealing *sealing, const struct fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        if (box_keeps(&fields->list[i]) && !put_field(sealing, &fields->list[i]))
            return false;
    return true;
}

static size_t header_length(const struct fields *fields)
{
    size_t length = 0;
    for (size_t i = 0; i < fields->count; i++)
        if (box_keeps(&fields->list[i]))
            length += box_name_length(&fields->list[i]) + 1 + fields->list[i].value.len + 2;
    return length;
}

static bool put_contents(struct sealing *sealing, const struct box_contents *contents, const char *facts)
{
    const struct fields *fields = message_fields(contents->message);
    guint32 lengths[2] = {GUINT32_TO_BE((guint32)strlen(facts)), GUINT32_TO_BE((guint32)header_length(fields))};
    G_STATIC_ASSERT(sizeof(lengths) == LENGTHS);
    return put(sealing, (struct slice){(const char *)lengths, LENGTHS}) && put(sealing, slice_of(facts)) &&
           put_header(sealing, fields) && put(sealing, message_body(contents->message));
}

static bool put_tag(struct sealing *sealing)
{
    unsigned char tag[TAG_SIZE];
    int length;
    if (!EVP_EncryptFinal_ex(sealing->cipher, sealing->buffer, &length) ||
        !EVP_CIPHER_CTX_ctrl(sealing->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag))
        return error_set_openssl(sealing->error, ERROR_TEMPORARY, "sealing the message");
    return base64_write(&sealing->base64, (struct slice){(char *)tag, TAG_SIZE}, true, sealing->out, sealing->error);
}

bool box_seal(const struct box_keys *keys, const struct box_contents *contents, struct spool *out, struct error *error)
{
    const struct box_key *key = &keys->list[0];
    struct head head = {.version = VERSION};
    memcpy(head.magic, magic, sizeof(magic));
    memcpy(head.id, key->id, BOX_ID_OCTETS);
    char *facts = box_facts_write(contents, error);
    if (facts == NULL)
        return false;
    owned(EVP_CIPHER_CTX) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    g_autofree unsigned char *buffer = g_malloc(PIECE + EVP_MAX_BLOCK_LENGTH);
    struct sealing sealing = {.cipher = cipher, .buffer = buffer, .out = out, .error = error};
    int length;
    bool good = (cipher != NULL && RAND_bytes(head.nonce, NONCE_SIZE) == 1 &&
                 EVP_EncryptInit_ex2(cipher, keys->cipher, key->octets, head.nonce, NULL) &&
                 EVP_EncryptUpdate(cipher, NULL, &length, (unsigned char *)&head, AUTHENTICATED)) ||
                error_set_openssl(error, ERROR_TEMPORARY, "sealing the message");
    good = good && base64_write(&sealing.base64, (struct slice){(char *)&head, sizeof(head)}, false, out, error) &&
           put_contents(&sealing, contents, facts) && put_tag(&sealing);
    free(facts);
    return good;
}

/* --- opening --- */

struct opening {
    EVP_CIPHER_CTX *cipher;
    const struct head *head;
    const struct box_key *key;
    const struct box_keys *keys;
    struct slice ciphertext;
    const unsigned char *tag;
    unsigned char *buffer;
    struct error *error;
    /* In the second run: */
    GByteArray *front; /* everything before the body */
    bool in_body;
    struct opened_box *opened;
};

static bool begin(const struct opening *opening)
{
    int length;
    return (EVP_DecryptInit_ex2(opening->cipher, opening->keys->cipher, opening->key->octets, opening->head->nonce,
                                NULL) &&
            EVP_DecryptUpdate(opening->cipher, NULL, &length, (const unsigned char *)opening->head, AUTHENTICATED)) ||
           error_set_openssl(opening->error, ERROR_TEMPORARY, "opening the sealed message");
}

/* Hands each piece of the contents to take; NULL: nothing is done with it. */
static bool decrypt(struct opening *opening, bool (*take)(struct opening *opening, struct slice bytes))
{
    struct slice rest = opening->ciphertext;
    while (rest.len > 0) {
        size_t piece = MIN(rest.len, PIECE);
        int length;
        if (!EVP_DecryptUpdate(opening->cipher, opening->buffer, &length, (const unsigned char *)rest.data, (int)piece))
            return error_set_openssl(opening->error, ERROR_TEMPORARY, "opening the sealed message");
        if (take != NULL && !take(opening, (struct slice){(char *)opening->buffer, (size_t)length}))
            return false;
        rest.data += piece;
        rest.len -= piece;
    }
    return true;
}

static bool verify(struct opening *opening)
{
    int length;
    if (!begin(opening) || !decrypt(opening, NULL))
        return false;
    if (EVP_CIPHER_CTX_ctrl(opening->cipher, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, (void *)opening->tag) &&
        EVP_DecryptFinal_ex(opening->cipher, opening->buffer, &length))
        return true;
    return error_set_openssl(opening->error, ERROR_PERMANENT, "the sealed message was changed");
}

static size_t length_at(const GByteArray *bytes, size_t index)
{
    guint32 length;
    memcpy(&length, bytes->data + index * sizeof(length), sizeof(length));
    return GUINT32_FROM_BE(length);
}

static bool take(struct opening *opening, struct slice bytes)
{
    struct message *message = opening->opened->message;
    GByteArray *front = opening->front;
    if (opening->in_body)
        return message_add_body(message, bytes.data, bytes.len, opening->error);
    g_byte_array_append(front, (const guint8 *)bytes.data, (guint)bytes.len);
    size_t facts = front->len >= LENGTHS ? length_at(front, 0) : 0;
    size_t header = front->len >= LENGTHS ? length_at(front, 1) : 0, all = LENGTHS + facts + header;
    if (front->len < all || front->len < LENGTHS)
        return true;
    const char *start = (const char *)front->data + LENGTHS;
    opening->in_body = true;
    return box_facts_read((struct slice){start, facts}, (struct slice){start + facts, header}, opening->opened,
                          opening->error) &&
           message_add_body(message, start + facts + header, front->len - all, opening->error);
}

static bool unpack(struct opening *opening)
{
    g_autoptr(GByteArray) front = g_byte_array_new();
    opening->front = front;
    if (!begin(opening) || !decrypt(opening, take))
        return false;
    if (!opening->in_body)
        return error_set(opening->error, ERROR_BUG, "the sealed message is shorter than it says");
    return message_finish(opening->opened->message, opening->error);
}

/* What was sealed here was within the limits then, so anything that now fails is not the message's fault. */
static void make_temporary(struct error *error)
{
    if (error->kind != ERROR_BUG)
        error->kind = ERROR_TEMPORARY;
}

static bool read_head(struct opening *opening, struct slice box)
{
    const struct head *head = (const struct head *)box.data;
    if (box.len < sizeof(*head) + TAG_SIZE + LENGTHS || !box_is_box(box))
        return error_set(opening->error, ERROR_PERMANENT, "there is no whole sealed message");
    if (head->version != VERSION)
        return error_set(opening->error, ERROR_CONFIGURATION,
                         "the sealed message has format %u, which this version does not know", head->version);
    opening->head = head;
    opening->key = box_keys_find(opening->keys, head->id);
    opening->ciphertext = (struct slice){box.data + sizeof(*head), box.len - sizeof(*head) - TAG_SIZE};
    opening->tag = (const unsigned char *)box.data + box.len - TAG_SIZE;
    return opening->key != NULL || error_set(opening->error, ERROR_CONFIGURATION,
                                             "split.keys has no key with the identifier of the sealed message");
}

struct opened_box *box_open(const struct box_keys *keys, struct slice box, const struct limits *limits,
                            struct error *error)
{
    owned(EVP_CIPHER_CTX) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    g_autofree unsigned char *buffer = g_malloc(PIECE + EVP_MAX_BLOCK_LENGTH);
    struct opening opening = {.cipher = cipher, .keys = keys, .buffer = buffer, .error = error};
    if (cipher == NULL) {
        error_set_openssl(error, ERROR_TEMPORARY, "opening the sealed message");
        return NULL;
    }
    if (!read_head(&opening, box) || !verify(&opening))
        return NULL;
    owned(opened_box) struct opened_box *opened = g_new0(struct opened_box, 1);
    opening.opened = opened;
    opened->message = message_new(limits);
    g_strlcpy(opened->key_id, opening.key->hex, sizeof(opened->key_id));
    if (unpack(&opening)) {
        opened->contents.message = opened->message;
        return steal(&opened);
    }
    make_temporary(error);
    return NULL;
}

void opened_box_free(struct opened_box *opened)
{
    if (opened == NULL)
        return;
    message_free(opened->message);
    envelope_free(opened->envelope);
    g_free(opened->planned);
    g_free(opened);
}
