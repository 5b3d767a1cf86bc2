/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box_keys: the keys that seal a message on its way through the queue of the mail server. They are shared secrets of
 * our own gateways and have no certificate, so keys/ does not know them.
 */
#include "box_private.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_PURPOSE "domsec split key identifier"

/* Unlike file_read(), this leaves no copy of the key in memory that is not wiped. */
static bool read_whole(int fd, unsigned char key[BOX_KEY_SIZE])
{
    size_t done = 0;
    while (done < BOX_KEY_SIZE) {
        ssize_t got = read(fd, key + done, BOX_KEY_SIZE - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static bool read_key(const char *path, unsigned char key[BOX_KEY_SIZE], struct error *error)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return error_set(error, ERROR_CONFIGURATION, "%s", g_strerror(errno));
    bool fits = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == BOX_KEY_SIZE;
    bool good = fits && read_whole(fd, key);
    close(fd);
    return good || error_set(error, ERROR_CONFIGURATION,
                             "it is not a file of %d octets; make one with `head -c %d /dev/urandom`", BOX_KEY_SIZE,
                             BOX_KEY_SIZE);
}

/* A digest of the key says nothing about the key, whose bits are all random. */
static void name_key(struct box_key *key)
{
    unsigned char text[sizeof(ID_PURPOSE) + BOX_KEY_SIZE], digest[SHA256_DIGEST_LENGTH];
    memcpy(text, ID_PURPOSE, sizeof(ID_PURPOSE));
    memcpy(text + sizeof(ID_PURPOSE), key->octets, BOX_KEY_SIZE);
    SHA256(text, sizeof(text), digest);
    OPENSSL_cleanse(text, sizeof(text));
    memcpy(key->id, digest, BOX_ID_OCTETS);
    for (size_t i = 0; i < BOX_ID_OCTETS; i++)
        g_snprintf(key->hex + 2 * i, 3, "%02x", key->id[i]);
}

static bool add_key(struct box_keys *keys, const char *uri, struct error *error)
{
    struct box_key *key = &keys->list[keys->count];
    if (!text_begins_with(uri, "file:"))
        return error_set(error, ERROR_CONFIGURATION, "it is not a file: URI");
    if (!read_key(uri + strlen("file:"), key->octets, error))
        return false;
    name_key(key);
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->list[i].hex, key->hex) == 0)
            return error_set(error, ERROR_CONFIGURATION, "this key is there twice");
    keys->count++;
    return true;
}

struct box_keys *box_keys_open(const struct conf *conf, struct faults *faults)
{
    size_t wanted = g_strv_length(conf->split.keys);
    if (wanted == 0)
        return NULL;
    struct box_keys *keys = g_new0(struct box_keys, 1);
    keys->list = g_new0(struct box_key, wanted);
    for (char **uri = conf->split.keys; *uri != NULL; uri++) {
        struct error error = {0};
        if (!add_key(keys, *uri, &error))
            faults_add(faults, conf->file, conf->split.line, "split.keys: %s: %s", *uri, error.text);
    }
    keys->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (keys->cipher == NULL)
        faults_add(faults, conf->file, conf->split.line, "split.keys: OpenSSL has no AES-256-GCM");
    if (keys->count == wanted && keys->cipher != NULL)
        return keys;
    box_keys_close(keys);
    return NULL;
}

void box_keys_close(struct box_keys *keys)
{
    if (keys == NULL)
        return;
    OPENSSL_cleanse(keys->list, keys->count * sizeof(*keys->list));
    g_free(keys->list);
    EVP_CIPHER_free(keys->cipher);
    g_free(keys);
}

size_t box_keys_count(const struct box_keys *keys)
{
    return keys != NULL ? keys->count : 0;
}

const char *box_keys_id(const struct box_keys *keys, size_t index)
{
    return keys->list[index].hex;
}

const struct box_key *box_keys_find(const struct box_keys *keys, const unsigned char id[BOX_ID_OCTETS])
{
    for (size_t i = 0; i < box_keys_count(keys); i++)
        if (memcmp(keys->list[i].id, id, BOX_ID_OCTETS) == 0)
            return &keys->list[i];
    return NULL;
}
