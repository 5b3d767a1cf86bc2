/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: a PKCS #11 module that stands before another one and makes trouble, so that tests meet what real tokens do.
 *
 *     TOKEN_MODULE=/usr/lib/softhsm/libsofthsm2.so TOKEN_CONTROL=/tmp/x/control TOKEN_CALLS=/tmp/x/calls
 *
 * The control file is read again when it changes. Each line is one trouble:
 *
 *     fail C_Sign 0x30 2       the next two calls (-1: all) return CKR_DEVICE_ERROR and do nothing
 *     wait C_Sign 300          each call waits so many seconds first
 *     garbage C_Sign           the call gives octets that mean nothing
 *     sessions 1               so many may be open at once
 *     hide 0x3                 the mechanism is neither listed nor known
 *     flags 0x20000            added to the flags of each token
 *     close                    all sessions are closed once, as an HSM does with idle ones
 *     pipe C_Sign              the call writes to a connection whose other end is closed
 *     unseen 2                 no objects are found before the second C_Initialize
 *     mumble                   C_Decrypt says CKR_GENERAL_ERROR of a damaged block
 *
 * A line with the name of each call is appended to the file of TOKEN_CALLS.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define TROUBLES 64

struct trouble {
    char what[16], name[32];
    unsigned long value;
    long count;
};

static struct {
    pthread_mutex_t lock;
    struct timespec changed;
    off_t size;
    struct trouble list[TROUBLES];
    int count;
    unsigned open; /* sessions */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST shim;

static void read_line(const char *line)
{
    struct trouble *trouble = &state.list[state.count];
    char first[32] = "", second[32] = "";
    *trouble = (struct trouble){.count = -1};
    int words = sscanf(line, "%15s %31s %31s %ld", trouble->what, first, second, &trouble->count);
    bool names = strncmp(first, "C_", 2) == 0;
    snprintf(trouble->name, sizeof(trouble->name), "%s", names ? first : "");
    trouble->value = strtoul(names ? second : first, NULL, 0);
    if (strcmp(trouble->what, "close") == 0)
        trouble->count = 1;
    state.count += words > 0 && state.count < TROUBLES - 1;
}

/* With the lock held. */
static void read_control(void)
{
    const char *path = getenv("TOKEN_CONTROL");
    struct stat now;
    if (path == NULL || stat(path, &now) != 0) {
        state.count = 0;
        state.changed = (struct timespec){0};
        return;
    }
    if (now.st_mtim.tv_sec == state.changed.tv_sec && now.st_mtim.tv_nsec == state.changed.tv_nsec &&
        now.st_size == state.size)
        return;
    FILE *file = fopen(path, "r");
    char line[128];
    state.count = 0;
    state.changed = now.st_mtim;
    state.size = now.st_size;
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        read_line(line);
    if (file != NULL)
        fclose(file);
}

static void note_call(const char *name)
{
    const char *path = getenv("TOKEN_CALLS");
    int file = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (file < 0)
        return;
    char line[64];
    int length = snprintf(line, sizeof(line), "%s\n", name);
    if (write(file, line, (size_t)length) != length)
        abort();
    close(file);
}

/* True if there is trouble of this kind for that call; counts it. */
static bool meets(const char *what, const char *name, unsigned long *value)
{
    bool found = false;
    pthread_mutex_lock(&state.lock);
    read_control();
    for (int i = 0; i < state.count && !found; i++) {
        struct trouble *each = &state.list[i];
        if (strcmp(each->what, what) != 0 || strcmp(each->name, name) != 0 || each->count == 0)
            continue;
        each->count -= each->count > 0;
        *value = each->value;
        found = true;
    }
    pthread_mutex_unlock(&state.lock);
    return found;
}

static void write_to_nobody(void)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        abort();
    close(pair[1]);
    if (write(pair[0], "", 1) != -1)
        abort();
    close(pair[0]);
}

static CK_RV before(const char *name)
{
    unsigned long value = 0;
    note_call(name);
    if (meets("close", "", &value))
        for (CK_SLOT_ID slots[64], *slot = slots, count = 64;
             slot == slots && real->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK;) {
            for (; slot < slots + count; slot++)
                real->C_CloseAllSessions(*slot);
            state.open = 0;
        }
    if (meets("pipe", name, &value))
        write_to_nobody();
    if (meets("wait", name, &value))
        sleep((unsigned)value);
    return meets("fail", name, &value) ? value : CKR_OK;
}

static bool hides(CK_MECHANISM_TYPE type)
{
    bool found = false;
    pthread_mutex_lock(&state.lock);
    read_control();
    for (int i = 0; i < state.count; i++)
        found = found || (strcmp(state.list[i].what, "hide") == 0 && state.list[i].value == type);
    pthread_mutex_unlock(&state.lock);
    return found;
}

/* --- the calls --- */

/* Passes a call on unless there is trouble. */
#define PASS(name, parameters, arguments)                                                                              \
    static CK_RV my_##name parameters                                                                                  \
    {                                                                                                                  \
        CK_RV code = before(#name);                                                                                    \
        return code != CKR_OK ? code : real->name arguments;                                                           \
    }

static CK_RV my_C_Initialize(void *arguments)
{
    CK_RV code = before("C_Initialize");
    pthread_mutex_lock(&state.lock);
    read_control();
    for (int i = 0; i < state.count; i++)
        if (strcmp(state.list[i].what, "unseen") == 0 && state.list[i].value > 0 && --state.list[i].value == 0)
            state.list[i].count = 0;
    pthread_mutex_unlock(&state.lock);
    return code != CKR_OK ? code : real->C_Initialize(arguments);
}

PASS(C_GetSlotList, (unsigned char present, CK_SLOT_ID *slots, unsigned long *count), (present, slots, count))
PASS(C_Login, (CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, unsigned long length),
     (session, user, pin, length))
PASS(C_Logout, (CK_SESSION_HANDLE session), (session))
PASS(C_GetAttributeValue, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *list, unsigned long count),
     (session, object, list, count))
PASS(C_FindObjectsInit, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *list, unsigned long count), (session, list, count))

static CK_RV my_C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *list, unsigned long maximum,
                              unsigned long *count)
{
    unsigned long ignored;
    CK_RV code = before("C_FindObjects");
    if (code == CKR_OK)
        code = real->C_FindObjects(session, list, maximum, count);
    if (code == CKR_OK && meets("unseen", "", &ignored))
        *count = 0;
    return code;
}

PASS(C_GenerateKeyPair,
     (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *one, unsigned long one_count, CK_ATTRIBUTE *two,
      unsigned long two_count, CK_OBJECT_HANDLE *first, CK_OBJECT_HANDLE *second),
     (session, mechanism, one, one_count, two, two_count, first, second))
PASS(C_DeriveKey,
     (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_ATTRIBUTE *list, unsigned long count,
      CK_OBJECT_HANDLE *result),
     (session, mechanism, key, list, count, result))

#define PASS_INIT(name)                                                                                                \
    static CK_RV my_##name(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)                   \
    {                                                                                                                  \
        CK_RV code = before(#name);                                                                                    \
        if (code == CKR_OK && hides(mechanism->mechanism))                                                             \
            code = CKR_MECHANISM_INVALID;                                                                              \
        return code != CKR_OK ? code : real->name(session, mechanism, key);                                            \
    }

PASS_INIT(C_SignInit)
PASS_INIT(C_DecryptInit)

static CK_RV my_C_Sign(CK_SESSION_HANDLE session, unsigned char *data, unsigned long length, unsigned char *signature,
                       unsigned long *signature_length)
{
    unsigned long ignored;
    CK_RV code = before("C_Sign");
    CK_RV done =
        real->C_Sign(session, data, length, signature, signature_length); /* a failure ends the operation, too */
    if (code != CKR_OK)
        *signature_length = 0;
    else
        code = done;
    if (code == CKR_OK && meets("garbage", "C_Sign", &ignored))
        memset(signature, 0x5a, *signature_length);
    return code;
}

static CK_RV my_C_Decrypt(CK_SESSION_HANDLE session, unsigned char *data, unsigned long length, unsigned char *out,
                          unsigned long *out_length)
{
    unsigned long ignored;
    CK_RV trouble = before("C_Decrypt");
    CK_RV code = real->C_Decrypt(session, data, length, out, out_length);
    if (trouble != CKR_OK)
        return trouble;
    if (code == CKR_OK && meets("garbage", "C_Decrypt", &ignored))
        memset(out, 0x5a, *out_length);
    if (code == CKR_ENCRYPTED_DATA_INVALID || code == CKR_GENERAL_ERROR || code == CKR_ENCRYPTED_DATA_LEN_RANGE)
        return meets("mumble", "", &ignored) ? CKR_GENERAL_ERROR : CKR_ENCRYPTED_DATA_INVALID;
    return code;
}

static CK_RV my_C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *information)
{
    CK_RV code = before("C_GetMechanismInfo");
    if (code == CKR_OK && hides(type))
        code = CKR_MECHANISM_INVALID;
    return code != CKR_OK ? code : real->C_GetMechanismInfo(slot, type, information);
}

static CK_RV my_C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *information)
{
    unsigned long flags = 0;
    CK_RV code = before("C_GetTokenInfo");
    if (code == CKR_OK)
        code = real->C_GetTokenInfo(slot, information);
    if (code == CKR_OK && meets("flags", "", &flags))
        information->flags |= flags;
    return code;
}

static CK_RV my_C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                              CK_SESSION_HANDLE *session)
{
    unsigned long limit = 0;
    CK_RV code = before("C_OpenSession");
    if (code != CKR_OK)
        return code;
    bool is_limited = meets("sessions", "", &limit);
    pthread_mutex_lock(&state.lock);
    if (is_limited && state.open >= limit)
        code = CKR_SESSION_COUNT;
    else
        code = real->C_OpenSession(slot, flags, application, notify, session);
    state.open += code == CKR_OK;
    pthread_mutex_unlock(&state.lock);
    return code;
}

static CK_RV my_C_CloseSession(CK_SESSION_HANDLE session)
{
    CK_RV code = before("C_CloseSession");
    if (code == CKR_OK)
        code = real->C_CloseSession(session);
    pthread_mutex_lock(&state.lock);
    state.open -= code == CKR_OK && state.open > 0;
    pthread_mutex_unlock(&state.lock);
    return code;
}

static CK_RV my_C_Finalize(void *reserved)
{
    CK_RV code = before("C_Finalize");
    state.open = 0;
    return code != CKR_OK ? code : real->C_Finalize(reserved);
}

static CK_RV my_C_CloseAllSessions(CK_SLOT_ID slot)
{
    state.open = 0;
    return real->C_CloseAllSessions(slot);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    const char *path = getenv("TOKEN_MODULE");
    void *module = dlopen(path != NULL ? path : "/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
    CK_RV (*get)(CK_FUNCTION_LIST **) = NULL;
    *(void **)&get = module != NULL ? dlsym(module, "C_GetFunctionList") : NULL;
    if (get == NULL || get(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    shim = *real;
#define TAKE(name) shim.name = my_##name
    TAKE(C_Initialize);
    TAKE(C_Finalize);
    TAKE(C_GetSlotList);
    TAKE(C_Login);
    TAKE(C_Logout);
    TAKE(C_GetAttributeValue);
    TAKE(C_FindObjectsInit);
    TAKE(C_FindObjects);
    TAKE(C_GenerateKeyPair);
    TAKE(C_DeriveKey);
    TAKE(C_SignInit);
    TAKE(C_DecryptInit);
    TAKE(C_Sign);
    TAKE(C_Decrypt);
    TAKE(C_GetMechanismInfo);
    TAKE(C_GetTokenInfo);
    TAKE(C_OpenSession);
    TAKE(C_CloseSession);
    TAKE(C_CloseAllSessions);
    *list = &shim;
    return CKR_OK;
}
