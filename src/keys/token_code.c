/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_code: one table of the return values of PKCS #11 (§5.1 of version 2.40), with what follows from each.
 *
 * Tokens differ in what they say: a lost link may be CKR_FUNCTION_FAILED, a damaged block CKR_GENERAL_ERROR. So a value
 * that says little is unclear, and token_work.c asks the token once more. A value that is not in the table is one of
 * the vendor's, and unclear as well. CKR_PIN_EXPIRED and the like need a person as much as a wrong PIN does.
 */
#include "token_code.h"

#include <glib.h>
#include <stdio.h>

static const struct {
    CK_RV code;
    const char *name;
    enum token_class class;
} codes[] = {
#define CODE(name, class)                                                                                              \
    {                                                                                                                  \
        name, #name, class                                                                                             \
    }
    CODE(CKR_OK, TOKEN_GOOD),

    CODE(CKR_DATA_INVALID, TOKEN_BAD_INPUT),
    CODE(CKR_DATA_LEN_RANGE, TOKEN_BAD_INPUT),
    CODE(CKR_ENCRYPTED_DATA_INVALID, TOKEN_BAD_INPUT),
    CODE(CKR_ENCRYPTED_DATA_LEN_RANGE, TOKEN_BAD_INPUT),

    CODE(CKR_ARGUMENTS_BAD, TOKEN_CANNOT), /* SoftHSM says this of OAEP with SHA-256 */
    CODE(CKR_ACTION_PROHIBITED, TOKEN_CANNOT),
    CODE(CKR_ATTRIBUTE_READ_ONLY, TOKEN_CANNOT),
    CODE(CKR_ATTRIBUTE_SENSITIVE, TOKEN_CANNOT),
    CODE(CKR_ATTRIBUTE_TYPE_INVALID, TOKEN_CANNOT),
    CODE(CKR_ATTRIBUTE_VALUE_INVALID, TOKEN_CANNOT),
    CODE(CKR_CURVE_NOT_SUPPORTED, TOKEN_CANNOT),
    CODE(CKR_DOMAIN_PARAMS_INVALID, TOKEN_CANNOT),
    CODE(CKR_FUNCTION_NOT_SUPPORTED, TOKEN_CANNOT),
    CODE(CKR_FUNCTION_REJECTED, TOKEN_CANNOT),
    CODE(CKR_KEY_FUNCTION_NOT_PERMITTED, TOKEN_CANNOT),
    CODE(CKR_KEY_SIZE_RANGE, TOKEN_CANNOT),
    CODE(CKR_KEY_TYPE_INCONSISTENT, TOKEN_CANNOT),
    CODE(CKR_MECHANISM_INVALID, TOKEN_CANNOT),
    CODE(CKR_MECHANISM_PARAM_INVALID, TOKEN_CANNOT),
    CODE(CKR_TEMPLATE_INCOMPLETE, TOKEN_CANNOT),
    CODE(CKR_TEMPLATE_INCONSISTENT, TOKEN_CANNOT),
    CODE(CKR_TOKEN_WRITE_PROTECTED, TOKEN_CANNOT),

    CODE(CKR_DEVICE_MEMORY, TOKEN_FULL),
    CODE(CKR_HOST_MEMORY, TOKEN_FULL),
    CODE(CKR_SESSION_COUNT, TOKEN_FULL),
    CODE(CKR_SESSION_EXISTS, TOKEN_FULL),
    CODE(CKR_SESSION_READ_WRITE_SO_EXISTS, TOKEN_FULL),
    CODE(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, TOKEN_FULL),
    CODE(CKR_USER_TOO_MANY_TYPES, TOKEN_FULL),

    CODE(CKR_FUNCTION_CANCELED, TOKEN_STALE),
    CODE(CKR_KEY_CHANGED, TOKEN_STALE),
    CODE(CKR_KEY_HANDLE_INVALID, TOKEN_STALE),
    CODE(CKR_OBJECT_HANDLE_INVALID, TOKEN_STALE),
    CODE(CKR_OPERATION_ACTIVE, TOKEN_STALE),
    CODE(CKR_OPERATION_NOT_INITIALIZED, TOKEN_STALE),
    CODE(CKR_SESSION_CLOSED, TOKEN_STALE),
    CODE(CKR_SESSION_HANDLE_INVALID, TOKEN_STALE),
    CODE(CKR_USER_NOT_LOGGED_IN, TOKEN_STALE),

    CODE(CKR_PIN_EXPIRED, TOKEN_PIN),
    CODE(CKR_PIN_INCORRECT, TOKEN_PIN),
    CODE(CKR_PIN_INVALID, TOKEN_PIN),
    CODE(CKR_PIN_LEN_RANGE, TOKEN_PIN),
    CODE(CKR_PIN_LOCKED, TOKEN_PIN),
    CODE(CKR_USER_PIN_NOT_INITIALIZED, TOKEN_PIN),

    CODE(CKR_FUNCTION_FAILED, TOKEN_UNCLEAR),
    CODE(CKR_GENERAL_ERROR, TOKEN_UNCLEAR),

    CODE(CKR_CANT_LOCK, TOKEN_BROKEN),
    CODE(CKR_CRYPTOKI_NOT_INITIALIZED, TOKEN_BROKEN),
    CODE(CKR_DEVICE_ERROR, TOKEN_BROKEN),
    CODE(CKR_DEVICE_REMOVED, TOKEN_BROKEN),
    CODE(CKR_FIPS_SELF_TEST_FAILED, TOKEN_BROKEN),
    CODE(CKR_MUTEX_BAD, TOKEN_BROKEN),
    CODE(CKR_MUTEX_NOT_LOCKED, TOKEN_BROKEN),
    CODE(CKR_NEED_TO_CREATE_THREADS, TOKEN_BROKEN),
    CODE(CKR_SLOT_ID_INVALID, TOKEN_BROKEN),
    CODE(CKR_TOKEN_NOT_PRESENT, TOKEN_BROKEN),
    CODE(CKR_TOKEN_NOT_RECOGNIZED, TOKEN_BROKEN),
#undef CODE
};

enum token_class token_class(CK_RV code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
        if (codes[i].code == code)
            return codes[i].class;
    return TOKEN_UNCLEAR;
}

const char *token_code_text(CK_RV code, char *buffer)
{
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
        if (codes[i].code == code) {
            snprintf(buffer, TOKEN_CODE_TEXT, "%s (0x%lx)", codes[i].name, code);
            return buffer;
        }
    snprintf(buffer, TOKEN_CODE_TEXT, "0x%lx", code);
    return buffer;
}

static enum error_kind kind_of(enum token_class class)
{
    switch (class) {
    case TOKEN_CANNOT:
    case TOKEN_BAD_INPUT:
        return ERROR_CONFIGURATION;
    case TOKEN_PIN:
        return ERROR_PERMANENT;
    default:
        return ERROR_TEMPORARY;
    }
}

bool token_code_fails(CK_RV code, const char *what, struct error *error)
{
    char text[TOKEN_CODE_TEXT];
    return error_set_foreign(error, kind_of(token_class(code)), token_code_text(code, text), "%s", what);
}
