/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_session: the sessions of a token, and its one login.
 *
 * A login holds for all sessions of a process, so "already logged in" is success, and nothing logs out: that would end
 * the work of the others. It ends by itself with the last session. A PIN that was refused is not tried again before its
 * file has changed, because tokens lock after a few tries, and a token that says that one try is left gets none. The
 * PIN is read for each login and wiped after it.
 */
#include "token.h"

#include "passphrase.h"

#include <string.h>

static char *name_of(const CK_TOKEN_INFO *information)
{
    g_autofree char *maker = token_padded_text(information->manufacturerID, sizeof(information->manufacturerID));
    g_autofree char *serial = token_padded_text(information->serialNumber, sizeof(information->serialNumber));
    g_autofree char *label = token_padded_text(information->label, sizeof(information->label));
    g_autofree char *whole = g_strdup_printf("%s %s %s", maker, serial, label);
    return g_utf8_make_valid(whole, -1);
}

struct token *token_open(const P11KitUri *uri, const char *memory, bool writes, struct error *error)
{
    owned(token) struct token *token = g_new0(struct token, 1);
    CK_TOKEN_INFO information = {0};
    g_mutex_init(&token->lock);
    g_cond_init(&token->changed);
    token->idle = g_array_new(FALSE, FALSE, sizeof(CK_SESSION_HANDLE));
    token->uri = (P11KitUri *)uri;
    token->access = CKF_SERIAL_SESSION | (writes ? CKF_RW_SESSION : 0);
    if (!token_module_open(uri, &token->module, error))
        return NULL;
    /* SoftHSM misses tokens if several processes start at once. */
    if (!token_module_find(&token->module, uri, &token->slot, &information, error) &&
        (error->kind != ERROR_TEMPORARY || !token_module_restart(uri, &token->module, error) ||
         !token_module_find(&token->module, uri, &token->slot, &information, error)))
        return NULL;
    token->flags = information.flags;
    token->name = name_of(&information);
    token->memory = g_strdup(memory);
    secret_refusal_load(&token->refused, memory, token->name);
    return steal(&token);
}

void token_close(struct token *token)
{
    if (token == NULL)
        return;
    token_module_close(&token->module);
    g_array_free(token->idle, TRUE);
    g_free(token->pin_file);
    g_free(token->name);
    g_free(token->memory);
    secret_refusal_clear(&token->refused);
    g_mutex_clear(&token->lock);
    g_cond_clear(&token->changed);
    g_free(token);
}

/* --- the login --- */

void token_set_pin_file(struct token *token, const char *file)
{
    g_mutex_lock(&token->lock);
    if (token->pin_file == NULL)
        token->pin_file = g_strdup(file);
    g_mutex_unlock(&token->lock);
}

/* Whether the token may be asked. */
static CK_RV may_try(struct token *token, struct error *error)
{
    CK_TOKEN_INFO information = {0};
    if (secret_refusal_holds(&token->refused, token->pin_file)) {
        error_set(error, ERROR_PERMANENT, "the token refused the PIN in %s, which has not changed since",
                  token->pin_file);
        return CKR_PIN_INCORRECT;
    }
    CK_RV code = token->module.call->C_GetTokenInfo(token->slot, &information);
    if (code != CKR_OK)
        token_code_fails(code, "C_GetTokenInfo", error);
    else if ((information.flags & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)) != 0) {
        error_set(error, ERROR_PERMANENT,
                  (information.flags & CKF_USER_PIN_LOCKED) != 0
                      ? "the token is locked after wrong PINs; its security officer can unlock it"
                      : "the token allows one more try of its PIN, which is left to you: log in with pkcs11-tool");
        return CKR_PIN_LOCKED;
    }
    return code;
}

static CK_RV ask(struct token *token, CK_SESSION_HANDLE session, CK_USER_TYPE user, const char *pin,
                 struct error *error)
{
    CK_RV code = token->module.call->C_Login(session, user, (unsigned char *)pin, pin != NULL ? strlen(pin) : 0);
    if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN)
        return CKR_OK;
    token_code_fails(code, token_class(code) == TOKEN_PIN ? "the token refuses the PIN" : "C_Login", error);
    return code;
}

/* Also over the end of this process: otherwise each restart would try it, until the token is locked. */
static void remember(struct token *token, struct error *error)
{
    struct error failure = {0}, before = *error;
    secret_refusal_note(&token->refused, token->pin_file);
    bool kept = secret_refusal_save(&token->refused, token->memory, token->name, &failure);
    error_set(error, before.kind, "PIN in %s: %s%s%s", token->pin_file, before.text,
              kept ? "" : "; the next start tries it once more: ", failure.text);
}

static CK_RV try_pin(struct token *token, CK_SESSION_HANDLE session, CK_USER_TYPE user, struct error *error)
{
    owned(passphrase) char *pin = passphrase_read(token->pin_file, error);
    if (pin == NULL)
        return CKR_USER_PIN_NOT_INITIALIZED;
    CK_RV code = ask(token, session, user, pin, error);
    if (token_class(code) == TOKEN_PIN)
        remember(token, error);
    else if (code == CKR_OK && token->refused.file != NULL) {
        secret_refusal_clear(&token->refused);
        secret_refusal_forget(token->memory, token->name);
    }
    return code;
}

/* With the lock held: so there is one try at a time. */
static CK_RV log_in(struct token *token, CK_SESSION_HANDLE session, CK_USER_TYPE user, struct error *error)
{
    CK_RV code = may_try(token, error);
    if (code != CKR_OK)
        return code;
    if (token->pin_file != NULL)
        return try_pin(token, session, user, error);
    if ((token->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0)
        return ask(token, session, user, NULL, error);
    error_set(error, ERROR_CONFIGURATION,
              "the token asks for a PIN; name its file with passphrase_file or "
              "pin-source");
    return CKR_USER_PIN_NOT_INITIALIZED;
}

CK_RV token_authenticate(struct token *token, CK_SESSION_HANDLE session, struct error *error)
{
    g_mutex_lock(&token->lock);
    CK_RV code = log_in(token, session, CKU_CONTEXT_SPECIFIC, error);
    g_mutex_unlock(&token->lock);
    return code;
}

static CK_RV log_in_once(struct token *token, CK_SESSION_HANDLE session, struct error *error)
{
    if (token->logged_in || (token->flags & CKF_LOGIN_REQUIRED) == 0)
        return CKR_OK;
    CK_RV code = log_in(token, session, CKU_USER, error);
    token->logged_in = code == CKR_OK;
    return code;
}

/* --- sessions --- */

/* The last one takes the login with it, and what the handles mean. */
static void close_session(struct token *token, CK_SESSION_HANDLE session)
{
    (void)token->module.call->C_CloseSession(session);
    token->open--;
    if (token->open == 0) {
        token->logged_in = false;
        token->generation++;
    }
    g_cond_signal(&token->changed);
}

static bool take_idle(struct token *token, CK_SESSION_HANDLE *session)
{
    if (token->idle->len == 0)
        return false;
    *session = g_array_index(token->idle, CK_SESSION_HANDLE, token->idle->len - 1);
    g_array_set_size(token->idle, token->idle->len - 1);
    return true;
}

/* CKR_SESSION_COUNT if all that the token allows are taken. */
static CK_RV open_session(struct token *token, CK_SESSION_HANDLE *session)
{
    if (token->limit > 0 && token->open >= token->limit)
        return CKR_SESSION_COUNT;
    CK_RV code = token->module.call->C_OpenSession(token->slot, token->access, NULL, NULL, session);
    if (code == CKR_OK)
        token->open++;
    else if (code == CKR_SESSION_COUNT)
        token->limit = token->open;
    return code;
}

static CK_RV take(struct token *token, CK_SESSION_HANDLE *session, struct error *error)
{
    CK_RV code = CKR_OK;
    while (!take_idle(token, session)) {
        code = open_session(token, session);
        if (code == CKR_OK)
            break;
        if (code != CKR_SESSION_COUNT || token->open == 0) {
            token_code_fails(code, "C_OpenSession", error);
            return code;
        }
        g_cond_wait(&token->changed, &token->lock);
    }
    code = log_in_once(token, *session, error);
    if (code != CKR_OK)
        close_session(token, *session);
    return code;
}

CK_RV token_take(struct token *token, struct token_session *session, struct error *error)
{
    g_mutex_lock(&token->lock);
    CK_RV code = take(token, &session->handle, error);
    session->generation = token->generation;
    g_mutex_unlock(&token->lock);
    return code;
}

void token_give(struct token *token, const struct token_session *session)
{
    g_mutex_lock(&token->lock);
    if (session->generation == token->generation) {
        g_array_append_val(token->idle, session->handle);
        g_cond_signal(&token->changed);
    } else {
        close_session(token, session->handle);
    }
    g_mutex_unlock(&token->lock);
}

void token_drop(struct token *token, const struct token_session *session)
{
    g_mutex_lock(&token->lock);
    close_session(token, session->handle);
    g_mutex_unlock(&token->lock);
}

void token_age(struct token *token, unsigned generation)
{
    g_mutex_lock(&token->lock);
    if (token->generation == generation) {
        token->generation++;
        token->logged_in = false;
        token->limit = 0;
        for (CK_SESSION_HANDLE session; take_idle(token, &session);)
            close_session(token, session);
    }
    g_mutex_unlock(&token->lock);
}

void token_refresh(struct token *token)
{
    CK_TOKEN_INFO information = {0};
    struct error ignored = {0}; /* the next session says it again */
    g_mutex_lock(&token->lock);
    if (token->open == 0 && token_module_restart(token->uri, &token->module, &ignored))
        (void)token_module_find(&token->module, token->uri, &token->slot, &information, &ignored);
    g_mutex_unlock(&token->lock);
}
