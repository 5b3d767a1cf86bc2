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

struct token *token_open(const P11KitUri *uri, bool writes, struct error *error)
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
    return steal(&token);
}

void token_close(struct token *token)
{
    if (token == NULL)
        return;
    token_module_close(&token->module);
    g_array_free(token->idle, TRUE);
    g_free(token->pin_file);
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

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Whether the token may be asked, and how its PIN's file is now. */
static CK_RV may_try(const struct token *token, struct stat *now, struct error *error)
{
    CK_TOKEN_INFO information = {0};
    if (token->pin_file == NULL || stat(token->pin_file, now) != 0)
        return CKR_OK; /* reading the file says why */
    if (token->refused.st_ino != 0 && is_same_file(&token->refused, now)) {
        error_set(error, ERROR_PERMANENT, "the token refused the PIN in %s, which has not changed since",
                  token->pin_file);
        return CKR_PIN_INCORRECT;
    }
    CK_RV code = token->module.call->C_GetTokenInfo(token->slot, &information);
    if (code == CKR_OK && (information.flags & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)) != 0) {
        error_set(error, ERROR_PERMANENT,
                  (information.flags & CKF_USER_PIN_LOCKED) != 0
                      ? "the token is locked after wrong PINs; its security officer can unlock it"
                      : "the token allows one more try of its PIN, which is left to you: log in with pkcs11-tool");
        return CKR_PIN_LOCKED;
    }
    return CKR_OK;
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

/* With the lock held: so there is one try at a time. */
static CK_RV log_in(struct token *token, CK_SESSION_HANDLE session, CK_USER_TYPE user, struct error *error)
{
    struct stat now = {0};
    CK_RV code = may_try(token, &now, error);
    if (code != CKR_OK)
        return code;
    if ((token->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0 && token->pin_file == NULL)
        return ask(token, session, user, NULL, error);
    if (token->pin_file == NULL) {
        error_set(error, ERROR_CONFIGURATION,
                  "the token asks for a PIN; name its file with passphrase_file or "
                  "pin-source");
        return CKR_USER_PIN_NOT_INITIALIZED;
    }
    owned(passphrase) char *pin = passphrase_read(token->pin_file, error);
    if (pin == NULL)
        return CKR_USER_PIN_NOT_INITIALIZED;
    code = ask(token, session, user, pin, error);
    if (token_class(code) == TOKEN_PIN) {
        token->refused = now;
        error_prefix(error, "PIN in %s", token->pin_file);
    }
    return code;
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
