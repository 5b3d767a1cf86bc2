/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_box: any bytes as a box, and any facts as if their tag had been right. A box that we have not sealed never
 * opens; of facts that are not as they were written, no half is used.
 *
 * Input: a byte, 0: the rest is a box; 1: facts up to NUL, then a header.
 */
#include "gateway/box_private.h"
#include "require.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct limits limits = {.message_size = 1 << 20,
                                     .memory = 1 << 20,
                                     .spool_dir = (char *)"/tmp",
                                     .header_size = 1 << 18,
                                     .header_count = 1000};

static void open_box(struct slice bytes)
{
    static struct box_key key = {.octets = "thirty-two octets of a known key", .id = "known id"};
    static struct box_keys keys = {.list = &key, .count = 1};
    struct error error = {0};
    if (keys.cipher == NULL)
        keys.cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    owned(opened_box) struct opened_box *opened = box_open(&keys, bytes, &limits, &error);
    require(opened == NULL && error.kind != ERROR_NONE);
}

static void read_facts(struct slice facts, struct slice header)
{
    struct error error = {0};
    owned(opened_box) struct opened_box *opened = g_new0(struct opened_box, 1);
    opened->message = message_new(&limits);
    if (!box_facts_read(facts, header, opened, &error)) {
        require(error.kind != ERROR_NONE);
        return;
    }
    require(message_finish(opened->message, &error));
    for (size_t i = 0; i < opened->envelope->recipient_count; i++)
        require(opened->planned[i].is_planned && opened->envelope->recipients[i].address.text != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice rest = {(const char *)data + 1, size - 1};
    if (data[0] == 0) {
        open_box(rest);
        return 0;
    }
    const char *nul = memchr(rest.data, '\0', rest.len);
    size_t length = nul != NULL ? (size_t)(nul - rest.data) : rest.len;
    read_facts((struct slice){rest.data, length},
               nul != NULL ? (struct slice){nul + 1, rest.len - length - 1} : (struct slice){"", 0});
    return 0;
}
