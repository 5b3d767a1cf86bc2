/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_module: loads a module and finds a token in it by what is written on it.
 *
 * A slot's number is worth nothing: it changes with each token that comes or goes. With module-path the module is
 * loaded by us, without p11-kit between it and us. Without a module, p11-kit's proxy stands for all modules of the
 * machine (p11-kit list-modules), which costs the start of each of them.
 */
#include "token_module.h"

#include "token_code.h"

#include <dlfcn.h>
#include <p11-kit/p11-kit.h>
#include <string.h>

#define SLOTS_MAX 1024
#define TOKENS_SHOWN 8

/* p11-kit's name for the file of a module of its configuration; free() it. */
static char *file_of_name(const char *name, struct error *error)
{
    CK_FUNCTION_LIST **modules = p11_kit_modules_load(NULL, 0);
    char *file = NULL;
    for (size_t i = 0; modules != NULL && modules[i] != NULL && file == NULL; i++) {
        char *each = p11_kit_module_get_name(modules[i]);
        if (g_strcmp0(each, name) == 0)
            file = p11_kit_module_get_filename(modules[i]);
        free(each);
    }
    if (modules != NULL)
        p11_kit_modules_release(modules);
    if (file == NULL)
        error_set(error, ERROR_CONFIGURATION,
                  "p11-kit knows no module \"%s\" (p11-kit list-modules shows them); name its file with module-path",
                  name);
    return file;
}

static bool load(const char *path, struct token_module *module, struct error *error)
{
    module->library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (module->library == NULL)
        return error_set_foreign(error, ERROR_CONFIGURATION, dlerror(), "cannot load the module");
    CK_C_GetFunctionList get = NULL;
    *(void **)&get = dlsym(module->library, "C_GetFunctionList"); /* as POSIX has it */
    if (get == NULL)
        return error_set(error, ERROR_CONFIGURATION, "%s is not a PKCS #11 module", path);
    CK_FUNCTION_LIST *list = NULL;
    CK_RV code = get(&list);
    if (code != CKR_OK)
        return token_code_fails(code, "C_GetFunctionList", error);
    module->call = list;
    return true;
}

/* As the standard has it, and as NSS has it: its sixth member is the parameters that the standard calls reserved, and
 * one more is behind it. */
struct initialisation {
    CK_C_INITIALIZE_ARGS standard;
    void *behind;
};

static bool initialise(const P11KitUri *uri, const struct token_module *module, struct error *error)
{
    struct initialisation with = {.standard.flags = CKF_OS_LOCKING_OK};
    with.standard.pReserved = (void *)token_uri_parameters(uri);
    CK_RV code = module->call->C_Initialize(&with);
    return code == CKR_OK || code == CKR_CRYPTOKI_ALREADY_INITIALIZED || token_code_fails(code, "C_Initialize", error);
}

static void unload(struct token_module *module)
{
    if (module->library != NULL)
        dlclose(module->library);
    *module = (struct token_module){0};
}

static bool open_module(const P11KitUri *uri, struct token_module *module, struct error *error)
{
    const char *path = p11_kit_uri_get_module_path(uri), *name = p11_kit_uri_get_module_name(uri);
    char *found = path == NULL && name != NULL ? file_of_name(name, error) : NULL;
    bool good = found != NULL || path != NULL || name == NULL;
    CK_FUNCTION_LIST *proxy = NULL;
    if (good && path == NULL && name == NULL) {
        good = C_GetFunctionList(&proxy) == CKR_OK ||
               error_set(error, ERROR_CONFIGURATION, "p11-kit's proxy does not work; name the module with module-path");
        module->call = proxy;
    } else if (good) {
        good = load(path != NULL ? path : found, module, error);
    }
    free(found);
    return good && initialise(uri, module, error);
}

bool token_module_open(const P11KitUri *uri, struct token_module *module, struct error *error)
{
    *module = (struct token_module){0};
    if (open_module(uri, module, error))
        return true;
    unload(module);
    const char *path = p11_kit_uri_get_module_path(uri), *name = p11_kit_uri_get_module_name(uri);
    return error_prefix(error, "PKCS #11 module %s", path != NULL ? path : name != NULL ? name : "p11-kit-proxy");
}

void token_module_close(struct token_module *module)
{
    if (module->call == NULL)
        return;
    (void)module->call->C_Finalize(NULL);
    unload(module);
}

bool token_module_restart(const P11KitUri *uri, struct token_module *module, struct error *error)
{
    (void)module->call->C_Finalize(NULL);
    return initialise(uri, module, error);
}

/* --- slots --- */

char *token_padded_text(const unsigned char *field, size_t size)
{
    char *text = g_strndup((const char *)field, size);
    return g_strchomp(text);
}

struct search {
    unsigned found, there;
    GString *labels; /* of the tokens that are there */
};

static void look_at(const struct token_module *module, const P11KitUri *uri, CK_SLOT_ID each, struct search *search,
                    CK_SLOT_ID *slot, CK_TOKEN_INFO *information)
{
    CK_TOKEN_INFO token = {0};
    if (module->call->C_GetTokenInfo(each, &token) != CKR_OK || (token.flags & CKF_TOKEN_INITIALIZED) == 0)
        return;
    g_autofree char *label = token_padded_text(token.label, sizeof(token.label));
    if (search->there++ < TOKENS_SHOWN)
        g_string_append_printf(search->labels, "%s\"%s\"", search->labels->len > 0 ? ", " : "", label);
    if (!p11_kit_uri_match_token_info(uri, &token))
        return;
    search->found++;
    *slot = each;
    *information = token;
}

static bool explain(const struct search *search, struct error *error)
{
    if (search->found > 1)
        return error_set(error, ERROR_CONFIGURATION,
                         "several tokens fit; write token or serial into the URI; there are %s", search->labels->str);
    return error_set(error, ERROR_TEMPORARY, "no token fits; %s%s",
                     search->there > 0 ? "there are " : "the module shows no initialised token", search->labels->str);
}

bool token_module_find(const struct token_module *module, const P11KitUri *uri, CK_SLOT_ID *slot,
                       CK_TOKEN_INFO *information, struct error *error)
{
    CK_SLOT_ID *slots = g_new0(CK_SLOT_ID, SLOTS_MAX);
    CK_ULONG count = 0;
    (void)module->call->C_GetSlotList(CK_TRUE, NULL, &count); /* this makes some modules look for new tokens */
    count = SLOTS_MAX;
    CK_RV code = module->call->C_GetSlotList(CK_TRUE, slots, &count);
    struct search search = {.labels = g_string_new(NULL)};
    for (CK_ULONG i = 0; code == CKR_OK && i < count; i++)
        look_at(module, uri, slots[i], &search, slot, information);
    bool good =
        code != CKR_OK ? token_code_fails(code, "C_GetSlotList", error) : search.found == 1 || explain(&search, error);
    g_string_free(search.labels, TRUE);
    g_free(slots);
    return good;
}
