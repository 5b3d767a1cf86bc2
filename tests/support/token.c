/* SPDX-License-Identifier: Apache-2.0 */
#include "support/token.h"

#include "support/program.h"

#include <openssl/pem.h>

#define PIN "1234"

struct token_home *token_home_new(void)
{
    struct token_home *home = g_new0(struct token_home, 1);
    home->folder = folder_new();
    g_autofree char *configuration =
        g_strdup_printf("directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
                        "slots.removable = false\n",
                        home->folder);
    folder_write(home->folder, "tokens/.keep", "");
    g_autofree char *file = folder_file(home->folder, "softhsm.conf", configuration);
    g_autofree char *control = g_build_filename(home->folder, "control", NULL);
    g_autofree char *calls = g_build_filename(home->folder, "calls", NULL);
    home->pin_file = folder_file(home->folder, "pin", PIN "\n");
    cr_assert_eq(chmod(home->pin_file, 0600), 0);
    home->shim = g_canonicalize_filename("preload/token.so", g_getenv("DOMSEC_BUILD"));
    g_setenv("SOFTHSM2_CONF", file, TRUE);
    g_setenv("TOKEN_MODULE", TOKEN_SOFTHSM, TRUE);
    g_setenv("TOKEN_CONTROL", control, TRUE);
    g_setenv("TOKEN_CALLS", calls, TRUE);
    token_home_add(home, "T");
    return home;
}

void token_home_free(struct token_home *home)
{
    if (home == NULL)
        return;
    folder_remove(home->folder);
    g_free(home->shim);
    g_free(home->pin_file);
    g_free(home);
}

void token_home_add(const struct token_home *home, const char *label)
{
    (void)home;
    cr_assert_eq(run_status((const char *[]){"softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin",
                                             PIN, "--pin", PIN, NULL}),
                 0);
}

/* pkcs11-tool with the module of SoftHSM, the token and the PIN, then the words. */
static void tool(const char *const *words)
{
    static const char *const first[] = {"pkcs11-tool", "--module", TOKEN_SOFTHSM, "--token-label", "T", "--pin", PIN};
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    for (size_t i = 0; i < G_N_ELEMENTS(first); i++)
        g_ptr_array_add(all, (char *)first[i]);
    for (; *words != NULL; words++)
        g_ptr_array_add(all, (char *)*words);
    g_ptr_array_add(all, NULL);
    cr_assert_eq(run_status((const char *const *)all->pdata), 0);
}

void token_home_import(const struct token_home *home, const char *label, const char *id, EVP_PKEY *key,
                       const char *usage)
{
    g_autofree char *private = g_build_filename(home->folder, "import.key", NULL);
    g_autofree char *public = g_build_filename(home->folder, "import.pub", NULL);
    g_auto(GStrv) usages = g_strsplit(usage, ",", -1);
    const char *words[16] = {"--write-object", private, "--type", "privkey", "--label", label, "--id", id};
    size_t count = 8;
    for (char **each = usages; *each != NULL; each++)
        words[count++] = g_str_equal(*each, "sign")      ? "--usage-sign"
                         : g_str_equal(*each, "decrypt") ? "--usage-decrypt"
                                                         : "--usage-derive";
    FILE *file = fopen(private, "w");
    cr_assert(i2d_PrivateKey_fp(file, key));
    fclose(file);
    file = fopen(public, "w");
    cr_assert(i2d_PUBKEY_fp(file, key));
    fclose(file);
    tool(words);
    tool((const char *[]){"--write-object", public, "--type", "pubkey", "--label", label, "--id", id, NULL});
}

void token_home_generate(const struct token_home *home, const char *label, const char *id, const char *type)
{
    (void)home;
    bool is_ec = g_str_has_prefix(type, "EC:prime") || g_str_has_prefix(type, "EC:secp");
    tool((const char *[]){"--keypairgen", "--key-type", type, "--label", label, "--id", id, "--usage-sign",
                          is_ec ? "--usage-derive" : NULL, NULL});
}

void token_home_delete(const struct token_home *home, const char *label, const char *type)
{
    (void)home;
    tool((const char *[]){"--delete-object", "--type", type, "--label", label, NULL});
}

char *token_home_uri(const struct token_home *home, const char *path)
{
    return g_strdup_printf("pkcs11:%s?module-path=%s&pin-source=file:%s", path, home->shim, home->pin_file);
}

/* The new file replaces the old one, and never has the same time. */
void token_home_trouble(const struct token_home *home, const char *lines)
{
    g_autofree char *new = folder_file(home->folder, "control.new", lines);
    g_autofree char *control = g_build_filename(home->folder, "control", NULL);
    cr_assert_eq(rename(new, control), 0);
}

unsigned token_home_calls(const struct token_home *home, const char *function)
{
    g_autofree char *text = folder_read(home->folder, "calls");
    g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
    unsigned count = 0;
    for (char **line = lines; *line != NULL; line++)
        count += g_str_equal(*line, function);
    return count;
}

static void move(const struct token_home *home, const char *from, const char *to)
{
    g_autofree char *source = g_build_filename(home->folder, from, NULL);
    g_autofree char *target = g_build_filename(home->folder, to, NULL);
    cr_assert_eq(rename(source, target), 0);
}

void token_home_vanish(const struct token_home *home)
{
    move(home, "tokens", "away");
}

void token_home_return(const struct token_home *home)
{
    move(home, "away", "tokens");
}
