/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_box: seals a backup and opens it, in pieces, because it holds a whole database. OpenSSL makes the key and the
 * cipher; only the order of the octets is ours.
 */
#include "backup_box.h"

#include "keys/bundle.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION 1
#define COST 16 /* 64 MB and a fifth of a second */
#define COST_MIN 14
#define COST_MAX 20
#define BLOCKS 8
#define TAG_SIZE 16
#define PIECE 65536

struct head {
    char magic[8];
    unsigned char version, cost, salt[16], nonce[12];
};
G_STATIC_ASSERT(sizeof(struct head) == 8 + 2 + 16 + 12);

static const char magic[8] = {'D', 'O', 'M', 'S', 'E', 'C', 'B', 'K'};

struct backup_box {
    int fd;
    bool closes; /* fd is ours */
    char *name;
    struct head head;
    unsigned char key[32];
    EVP_CIPHER_CTX *cipher;
    unsigned char buffer[PIECE + EVP_MAX_BLOCK_LENGTH];
    off_t left; /* octets of ciphertext that were not read */
};

char *backup_passphrase(const char *file, struct error *error)
{
    owned(passphrase) char *passphrase = passphrase_read(file, error);
    if (passphrase != NULL && *passphrase == '\0') {
        error_set(error, ERROR_CONFIGURATION, "passphrase_file %s: the first line is empty", file);
        return NULL;
    }
    return steal(&passphrase);
}

void backup_box_free(struct backup_box *box)
{
    if (box == NULL)
        return;
    if (box->closes && box->fd >= 0)
        close(box->fd);
    EVP_CIPHER_CTX_free(box->cipher);
    OPENSSL_cleanse(box->key, sizeof(box->key));
    g_free(box->name);
    g_free(box);
}

static struct backup_box *new_box(int fd, const char *name)
{
    struct backup_box *box = g_new0(struct backup_box, 1);
    box->fd = fd;
    box->name = g_strdup(name);
    box->cipher = EVP_CIPHER_CTX_new();
    if (box->cipher == NULL)
        g_error("out of memory");
    return box;
}

static bool make_key(struct backup_box *box, const char *passphrase, struct error *error)
{
    uint64_t cost = UINT64_C(1) << box->head.cost, memory = cost * BLOCKS * 128 + (UINT64_C(1) << 20);
    return EVP_PBE_scrypt(passphrase, strlen(passphrase), box->head.salt, sizeof(box->head.salt), cost, BLOCKS, 1,
                          memory, box->key, sizeof(box->key)) == 1 ||
           error_set_openssl(error, ERROR_TEMPORARY, "the key of the backup cannot be made");
}

/* Begins the cipher with the head as what is authenticated beside it. */
static bool begin(struct backup_box *box, bool encrypt, struct error *error)
{
    int length = 0;
    return (EVP_CipherInit_ex(box->cipher, EVP_aes_256_gcm(), NULL, box->key, box->head.nonce, encrypt) == 1 &&
            EVP_CipherUpdate(box->cipher, NULL, &length, (const unsigned char *)&box->head, sizeof(box->head)) == 1) ||
           error_set_openssl(error, ERROR_BUG, "the cipher of the backup cannot be used");
}

/* --- writing --- */

struct backup_box *backup_box_new(int fd, const char *name, const char *passphrase, struct error *error)
{
    owned(backup_box) struct backup_box *box = new_box(fd, name);
    memcpy(box->head.magic, magic, sizeof(magic));
    box->head.version = VERSION;
    box->head.cost = COST;
    if (RAND_bytes(box->head.salt, sizeof(box->head.salt)) != 1 ||
        RAND_bytes(box->head.nonce, sizeof(box->head.nonce)) != 1) {
        error_set_openssl(error, ERROR_TEMPORARY, "there are no random numbers");
        return NULL;
    }
    bool good = make_key(box, passphrase, error) && begin(box, true, error) &&
                output_write(fd, name, (struct slice){(const char *)&box->head, sizeof(box->head)}, error);
    return good ? steal(&box) : NULL;
}

bool backup_box_write(struct backup_box *box, struct slice bytes, struct error *error)
{
    while (bytes.len > 0) {
        size_t piece = MIN(bytes.len, PIECE);
        int length = 0;
        if (EVP_CipherUpdate(box->cipher, box->buffer, &length, (const unsigned char *)bytes.data, (int)piece) != 1)
            return error_set_openssl(error, ERROR_BUG, "the cipher of the backup cannot be used");
        if (!output_write(box->fd, box->name, (struct slice){(const char *)box->buffer, (size_t)length}, error))
            return false;
        bytes.data += piece;
        bytes.len -= piece;
    }
    return true;
}

bool backup_box_finish(struct backup_box *box, struct error *error)
{
    unsigned char tag[TAG_SIZE];
    int length = 0;
    if (EVP_CipherFinal_ex(box->cipher, box->buffer, &length) != 1 ||
        EVP_CIPHER_CTX_ctrl(box->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) != 1)
        return error_set_openssl(error, ERROR_BUG, "the cipher of the backup cannot be used");
    return output_write(box->fd, box->name, (struct slice){(const char *)tag, TAG_SIZE}, error);
}

/* --- reading --- */

static bool read_file(struct backup_box *box, void *bytes, size_t length, struct error *error)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = read(box->fd, (char *)bytes + done, length - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set(error, ERROR_TEMPORARY, "%s: %s", box->name, g_strerror(errno));
        if (got == 0)
            return error_set(error, ERROR_PERMANENT, "%s: the backup is shorter than it was", box->name);
        done += (size_t)got;
    }
    return true;
}

bool backup_box_read(struct backup_box *box, char *bytes, size_t length, struct error *error)
{
    if ((uint64_t)box->left < length)
        return error_set(error, ERROR_PERMANENT, "%s: the backup ends too early", box->name);
    for (size_t done = 0; done < length;) {
        size_t piece = MIN(length - done, PIECE);
        int got = 0;
        if (!read_file(box, box->buffer, piece, error))
            return false;
        if (EVP_CipherUpdate(box->cipher, (unsigned char *)bytes + done, &got, box->buffer, (int)piece) != 1 ||
            (size_t)got != piece)
            return error_set_openssl(error, ERROR_BUG, "the cipher of the backup cannot be used");
        done += piece;
        box->left -= (off_t)piece;
    }
    return true;
}

static bool verify_tag(struct backup_box *box, struct error *error)
{
    unsigned char tag[TAG_SIZE];
    int length = 0;
    if (!read_file(box, tag, TAG_SIZE, error))
        return false;
    if (EVP_CIPHER_CTX_ctrl(box->cipher, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
        EVP_CipherFinal_ex(box->cipher, box->buffer, &length) == 1)
        return true;
    return error_set(error, ERROR_PERMANENT, "%s: the passphrase is wrong, or the backup is damaged", box->name);
}

bool backup_box_end(struct backup_box *box, struct error *error)
{
    if (box->left > 0)
        return error_set(error, ERROR_PERMANENT, "%s: there is more in the backup than its list names", box->name);
    return verify_tag(box, error);
}

static bool read_head(struct backup_box *box, struct error *error)
{
    struct stat status;
    if (fstat(box->fd, &status) != 0 || !S_ISREG(status.st_mode))
        return error_set(error, ERROR_PERMANENT, "%s: not a regular file", box->name);
    box->left = status.st_size - (off_t)sizeof(box->head) - TAG_SIZE;
    if (box->left < 0 || !read_file(box, &box->head, sizeof(box->head), error) ||
        memcmp(box->head.magic, magic, sizeof(magic)) != 0)
        return error_set(error, ERROR_PERMANENT, "%s: not a backup of domsec", box->name);
    if (box->head.version != VERSION || box->head.cost < COST_MIN || box->head.cost > COST_MAX)
        return error_set(error, ERROR_PERMANENT, "%s: the backup was made by a newer version of domsec", box->name);
    return true;
}

/* Reads the whole ciphertext for its tag, and begins anew. */
static bool verify(struct backup_box *box, struct error *error)
{
    const off_t whole = box->left;
    g_autofree char *ignored = g_malloc(PIECE);
    while (box->left > 0)
        if (!backup_box_read(box, ignored, (size_t)MIN(box->left, PIECE), error))
            return false;
    if (!verify_tag(box, error))
        return false;
    box->left = whole;
    if (lseek(box->fd, sizeof(box->head), SEEK_SET) < 0)
        return error_set(error, ERROR_TEMPORARY, "%s: %s", box->name, g_strerror(errno));
    return begin(box, false, error);
}

struct backup_box *backup_box_open(const char *name, const char *passphrase, struct error *error)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        error_set(error, ERROR_PERMANENT, "%s: %s", name, g_strerror(errno));
        return NULL;
    }
    owned(backup_box) struct backup_box *box = new_box(fd, name);
    box->closes = true;
    bool good =
        read_head(box, error) && make_key(box, passphrase, error) && begin(box, false, error) && verify(box, error);
    return good ? steal(&box) : NULL;
}
