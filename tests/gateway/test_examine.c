/* SPDX-License-Identifier: Apache-2.0 */
/* What an examination says of each layer: where it is, whether our key shows it, and which account pays for it. */
#include "gateway/internal.h"

#include "support/attack.h"

#define UNIX_ENTITY "Content-Type: text/plain\n\na line that is longer than two blocks\nand another one of them\n"

static char *shut(const EVP_CIPHER *cipher, const struct pki *to, const char *content, bool wrong_padding)
{
    GByteArray *der = attack_envelop_der(cipher, to, content, false);
    der->data[der->len - 17] ^= wrong_padding ? 0x80 : 0;
    char *entity = attack_opaque_der("", der->data, der->len);
    g_byte_array_unref(der);
    return entity;
}

/* One layer. S: signed by alice; E: encrypted to org by AES-GCM; C: by AES-CBC; B: with a wrong padding; X: to another;
 * G: garbage; A: alone in a multipart; M: beside a text; P: beside another part of the same kind. g_free(). */
static char *put_on(const struct org *org, char layer, const char *content)
{
    static unsigned boundaries;
    const char *twice = layer == 'P' ? content : "\r\ntext\r\n";
    boundaries++;
    switch (layer) {
    case 'S':
        return attack_opaque("", attack_sign(&(struct attack){.signer = org->alice, .content = content}));
    case 'E':
        return shut(EVP_aes_128_gcm(), org->dca, content, false);
    case 'C':
    case 'B':
        return shut(EVP_aes_128_cbc(), org->dca, content, layer == 'B');
    case 'X':
        return shut(EVP_aes_128_gcm(), org->alice, content, false);
    case 'G':
        return g_strdup("Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n");
    case 'A':
        return g_strdup_printf("Content-Type: multipart/mixed; boundary=\"m%u\"\r\n\r\n--m%u\r\n%s\r\n--m%u--\r\n",
                               boundaries, boundaries, content, boundaries);
    default:
        return g_strdup_printf("Content-Type: multipart/mixed; boundary=\"m%u\"\r\n\r\n--m%u\r\n%s\r\n--m%u\r\n%s\r\n"
                               "--m%u--\r\n",
                               boundaries, boundaries, content, boundaries, twice, boundaries);
    }
}

/* A message with these layers, the outermost first; g_free(). */
static char *wrapped(const struct org *org, const char *layers, const char *content)
{
    char *entity = g_strdup(content);
    for (size_t i = strlen(layers); i > 0; i--) {
        g_autofree char *inside = entity;
        entity = put_on(org, layers[i - 1], inside);
    }
    char *text = g_strconcat(ATTACK_TOP, entity, NULL);
    g_free(entity);
    return text;
}

static struct sent take(const struct rig *rig, bool outbound, const char *layers, const char *content)
{
    g_autofree char *text = wrapped(outbound ? &rig->acme : &rig->partner, layers, content);
    return outbound ? rig_outbound(rig, text) : attack_in(rig, text);
}

/* For each layer its place, then i: inside an encryption that our key was used on; k: in a part that only our key
 * opens; p: a part among others; l: over the limit; s: its line ends were changed; what became of it. g_free(). */
static char *shown(const struct examination *examination)
{
    static const char *const opened[] = {
        [OPENED] = "", [OPENED_NO_KEY] = "!no key", [OPENED_FAILED] = "!failed", [OPENED_BROKEN] = "!broken"};
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < examination->count; i++) {
        const struct examined_layer *layer = &examination->layers[i];
        g_string_append_printf(text, "%s%s%s%s%s%s%s%s", i > 0 ? " " : "", layer->part, layer->inside ? "i" : "",
                               layer->by_our_key ? "k" : "", layer->partial ? "p" : "", layer->over_limit ? "l" : "",
                               layer->spool != NULL ? "s" : "", opened[layer->opened]);
        cr_expect(layer->over_limit || layer->source != NULL, "%zu", i);
    }
    return g_string_free(text, FALSE);
}

static const struct {
    bool outbound;
    const char *layers, *content, *shown;
    unsigned opened, signatures;
    bool uses_key; /* something is charged to the account of what our key shows */
} rows[] = {
    {false, "S", ATTACK_ENTITY, "1", 1, 1, false},
    {false, "SS", ATTACK_ENTITY, "1 1.1", 2, 2, false},
    {false, "ESS", ATTACK_ENTITY, "1 1.1i 1.1.1i", 3, 2, true},
    {false, "X", ATTACK_ENTITY, "1!no key", 1, 0, false},
    {false, "G", ATTACK_ENTITY, "1!failed", 1, 0, false},
    {false, "BS", ATTACK_ENTITY, "1!broken", 2, 0, true},
    {false, "S", UNIX_ENTITY, "1s", 1, 1, false},
    {false, "S", "no header\n", "1", 1, 1, false},
    {false, "ES", UNIX_ENTITY, "1 1.1is", 2, 1, true},
    {false, "MS", ATTACK_ENTITY, "1.1p", 1, 1, false},
    {false, "EMS", ATTACK_ENTITY, "1 1.1.1ip", 2, 1, true},
    {false, "AE", ATTACK_ENTITY, "1", 1, 0, true},
    {false, "SAE", ATTACK_ENTITY, "1 1.1.1p!no key", 2, 1, false},
    {true, "AE", ATTACK_ENTITY, "1.1p", 1, 0, true},
    {true, "MEMS", ATTACK_ENTITY, "1.1p 1.1.1.1ikp", 2, 1, true},
    {true, "MEMSMS", ATTACK_ENTITY, "1.1p 1.1.1.1ikp 1.1.1.1.1.1ikp", 3, 2, true},
    {true, "MEM", ATTACK_ENTITY, "1.1p", 1, 0, true},
    {true, "MB", UNIX_ENTITY, "1.1ps!broken", 1, 0, true},
};

Test(examine, layers)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"none\"; };", ATTACK_LAX);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        AUTO_SENT struct sent sent = take(rig, rows[i].outbound, rows[i].layers, rows[i].content);
        const struct examination *examination = sent.result->mail.examination;
        g_autofree char *layers = shown(examination);
        cr_expect_str_eq(layers, rows[i].shown, "row %zu: %s", i, layers);
        cr_expect_eq(examination->work.layers, rows[i].opened, "row %zu: %u", i, examination->work.layers);
        cr_expect_eq(examination->work.signatures, rows[i].signatures, "row %zu: %u", i, examination->work.signatures);
        cr_expect_eq(sent.result->accounts.inside.spent > 0, rows[i].uses_key, "row %zu", i);
        cr_expect_gt(sent.result->accounts.visible.spent, 0, "row %zu", i);
    }
    examination_free(NULL);
}

/* What is beyond the limit, and only that, is said to be. */
static const struct {
    bool outbound;
    const char *layers, *shown;
    const char *says; /* of the last layer */
} limited[] = {
    {false, "SS", "1 1.1", ""},
    {false, "SSS", "1 1.1 1.1.1!failed", "more than 2 S/MIME layers"},
    {false, "SSB", "1 1.1 1.1.1!failed", "more than 2 S/MIME layers"},
    {false, "SSX", "1 1.1 1.1.1!no key", NULL},
    {false, "SSG", "1 1.1 1.1.1!failed", NULL},
    {true, "MEPS", "1.1p 1.1.1.1ikp 1kpl!failed", "more than 2 signed or encrypted parts"},
    {true, "MEPPS", "1.1p 1.1.1.1.1ikp 1kpl!failed", "more than 2 signed or encrypted parts"},
    {true, "PEMS", "1.1p 1.1.1.1ikp 1kpl!failed 1.2p", ""},
    {true, "PPS", "1.1.1p 1.1.2p 1pl!failed", "more than 2 signed or encrypted parts"},
};

Test(examine, limit_of_layers)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"none\"; };", ATTACK_LAX);
    const struct org *const orgs[] = {&rig->acme, &rig->partner};
    for (size_t i = 0; i < G_N_ELEMENTS(orgs); i++)
        ((struct limits *)&gateway_conf(orgs[i]->gateway)->limits)->layers = 2;
    for (size_t i = 0; i < G_N_ELEMENTS(limited); i++) {
        AUTO_SENT struct sent sent = take(rig, limited[i].outbound, limited[i].layers, ATTACK_ENTITY);
        const struct examination *examination = sent.result->mail.examination;
        const struct error *error = &examination->layers[examination->count - 1].error;
        g_autofree char *layers = shown(examination);
        cr_expect_str_eq(layers, limited[i].shown, "row %zu: %s", i, layers);
        if (limited[i].says != NULL)
            cr_expect_str_eq(error->text, limited[i].says, "row %zu: %s", i, error->text);
        else
            cr_expect(error->text[0] != '\0' && strstr(error->text, "more than") == NULL, "row %zu: %s", i,
                      error->text);
        cr_expect(error->kind == ERROR_NONE || error->kind == ERROR_PERMANENT, "row %zu", i);
    }
}

/* What came out of a decryption that failed stands beside the layers, and is never one of them. */
Test(examine, in_vain)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"none\"; };", ATTACK_LAX);
    AUTO_SENT struct sent in = take(rig, false, "SBS", ATTACK_ENTITY);
    const struct examination *examination = in.result->mail.examination, *vain = examination_in_vain(examination);
    cr_assert_not_null(vain);
    cr_expect_eq(vain->depth, 2);
    cr_expect(vain->inside && vain->root != NULL);
    cr_expect_eq(vain->count, 1);
    cr_expect_null(vain->next_vain);
    cr_expect_null(examination->layers[1].inner);
    cr_expect_null(examination->layers[1].layer.inner.data);
    cr_expect_null(examination_entity(examination, 2));
    cr_expect_eq(examination_if_opened(examination, 1), examination_entity(examination, 1));
    cr_expect_eq(examination_if_opened(examination, 2), vain->root);

    AUTO_SENT struct sent out = take(rig, true, "SPB", ATTACK_ENTITY);
    const struct examination *parts = out.result->mail.examination;
    cr_assert_eq(parts->count, 3);
    cr_expect_eq(parts->whole, 1);
    cr_expect_not_null(parts->layers[1].inner);
    cr_assert_not_null(parts->vain);
    cr_expect_not_null(parts->vain->next_vain);
    cr_expect_null(examination_in_vain(parts));
}
