/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash: a message that crashes the daemon is deferred by the MTA, because the connection breaks, and comes back. So
 * the handler of a crash appends the digest of the message that its thread is working on to a file, which the next run
 * reads:
 *
 *     domsec crashes 1 KEY
 *     SECONDS DIGEST
 *
 * A message may crash the daemon before it is complete. So there is a digest for each piece: it covers this piece and
 * those before it that stay the same when the message comes again. Those are the body and the fields in
 * is_identifying(). MTAs and filters add others at each attempt (Received, and where they are missing Date and
 * Message-ID), and the envelope changes when some recipients are done. They are covered only while they are the piece
 * in hand.
 *
 * Each message is digested, but hardly any crashes. So the digest is Poly1305, which costs 0.1 ms per megabyte. Its key
 * is secret and so are the digests, which it needs to be used more than once. The file ends what it remembers of a
 * message after LIFETIME, and it is written anew at each start. SIGTRAP is not handled: GLib ends the process with it
 * when memory runs out, which is not the fault of a message.
 */
#include "crash.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KEY_SIZE 32
#define DIGEST_SIZE 16
#define HEADING "domsec crashes 1 "
#define TIME_DIGITS 12
#define LINE_SIZE (TIME_DIGITS + 1 + 2 * DIGEST_SIZE + 1)
#define LIFETIME (7 * 24 * 3600) /* longer than mail servers try */
#define LINES_MAX (1000 * LINE_SIZE)
#define FILE_MAX ((off_t)1 << 20)
#define STACK_SIZE 32768 /* the frame of a signal takes up to 11 kB, with all registers that a processor may have */

struct record {
    int64_t at; /* the last crash */
    unsigned count;
};

/* Set by crash_open(), before any thread starts, and read-only from then on. */
static int file = -1;
static unsigned char key[KEY_SIZE];
static EVP_MAC *algorithm;  /* NULL: nothing is recorded */
static GHashTable *records; /* hexadecimal digest → struct record * */

/* --- the crash --- */

/* What the thread works on. Only the thread itself and its signal handler use it. */
static _Thread_local struct {
    volatile sig_atomic_t is_set;
    unsigned char digest[DIGEST_SIZE];
} in_hand;

/* A stack overflow leaves no room for a handler. */
static _Thread_local char spare_stack[STACK_SIZE];
static _Thread_local bool stack_is_ready;

static void write_hex(char *text, const unsigned char *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
}

/* Async-signal-safe. */
static void append_record(const unsigned char *digest)
{
    char line[LINE_SIZE];
    time_t now = time(NULL);
    for (size_t i = TIME_DIGITS; i > 0; i--, now /= 10)
        line[i - 1] = (char)('0' + now % 10);
    line[TIME_DIGITS] = ' ';
    write_hex(line + TIME_DIGITS + 1, digest, DIGEST_SIZE);
    line[LINE_SIZE - 1] = '\n';
    if (write(file, line, sizeof(line)) < 0)
        return;
}

/* The signal is blocked until this returns, and then ends the process as it would have without a handler. */
static void on_crash(int number)
{
    if (in_hand.is_set)
        append_record(in_hand.digest);
    signal(number, SIG_DFL);
    raise(number);
}

static void install_handlers(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGSYS};
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        sigaction(numbers[i], &action, NULL);
}

/* Sanitizers have given each thread a stack already, and free it. */
static void prepare_stack(void)
{
    stack_t now;
    const stack_t spare = {.ss_sp = spare_stack, .ss_size = sizeof(spare_stack)};
    if (!stack_is_ready && sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE) != 0)
        sigaltstack(&spare, NULL);
    stack_is_ready = true;
}

/* --- the file --- */

static bool is_hex(const char *text, size_t length)
{
    return strspn(text, "0123456789abcdef") >= length;
}

static bool read_key(const char *text)
{
    const char *hex = text + strlen(HEADING);
    if (!text_begins_with(text, HEADING) || !is_hex(hex, 2 * KEY_SIZE) || hex[2 * KEY_SIZE] != '\n')
        return false;
    for (size_t i = 0; i < KEY_SIZE; i++)
        key[i] = (unsigned char)(g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1]));
    return true;
}

static bool is_recent(int64_t at, int64_t now)
{
    return at >= now - LIFETIME && at <= now + LIFETIME; /* the clock may have been wrong at one of the two times */
}

/* Returns false if the line is not a record, because it was damaged, or if it has expired. */
static bool read_record(const char *line, int64_t now, int64_t *at)
{
    char *end;
    if (strlen(line) != LINE_SIZE - 1 || strspn(line, "0123456789") != TIME_DIGITS || line[TIME_DIGITS] != ' ' ||
        !is_hex(line + TIME_DIGITS + 1, 2 * DIGEST_SIZE))
        return false;
    *at = g_ascii_strtoll(line, &end, 10);
    return is_recent(*at, now);
}

static void add_record(const char *digest, int64_t at)
{
    struct record *record = g_hash_table_lookup(records, digest);
    if (record == NULL) {
        record = g_new0(struct record, 1);
        g_hash_table_insert(records, g_strdup(digest), record);
    }
    record->count++;
    record->at = MAX(record->at, at);
}

/* Fills records. Returns the lines to keep; g_free(). */
static char *read_records(const char *text, int64_t now)
{
    const char *from = strchr(text, '\n') + 1;
    size_t length = strlen(from);
    if (length > LINES_MAX)
        from += length - LINES_MAX;
    g_auto(GStrv) lines = g_strsplit(from, "\n", -1);
    GString *keep = g_string_new(NULL);
    for (char **line = lines; *line != NULL; line++) {
        int64_t at;
        if (!read_record(*line, now, &at))
            continue;
        add_record(*line + TIME_DIGITS + 1, at);
        g_string_append_printf(keep, "%s\n", *line);
    }
    return g_string_free(keep, FALSE);
}

/* NULL if there is no file yet, or none that can be used. Fills key. */
static char *read_file(const char *path)
{
    struct stat status;
    struct error error = {0};
    size_t length = 0;
    char *text = NULL;
    if (lstat(path, &status) != 0)
        return NULL;
    if (S_ISREG(status.st_mode) && status.st_size <= FILE_MAX)
        text = file_read(path, &length, &error);
    if (text != NULL && read_key(text))
        return text;
    log_write(LOG_LEVEL_WARNING, "%s is damaged; what it said about crashes is lost", path);
    g_free(text);
    return NULL;
}

static bool write_file(const char *path, const char *lines, struct error *error)
{
    char hex[2 * KEY_SIZE + 1] = "";
    g_autoptr(GError) failure = NULL;
    write_hex(hex, key, KEY_SIZE);
    g_autofree char *text = g_strconcat(HEADING, hex, "\n", lines, NULL);
    if (!g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &failure))
        return error_set(error, ERROR_CONFIGURATION, "%s", failure->message);
    file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    /* A file that is replaced keeps its mode with a later GLib. */
    return (file >= 0 && fchmod(file, 0600) == 0) ||
           error_set(error, ERROR_CONFIGURATION, "%s: %s", path, g_strerror(errno));
}

static void report(void)
{
    GHashTableIter iterator;
    gpointer record;
    unsigned refused = 0;
    g_hash_table_iter_init(&iterator, records);
    while (g_hash_table_iter_next(&iterator, NULL, &record))
        refused += ((struct record *)record)->count >= CRASH_LIMIT;
    if (g_hash_table_size(records) > 0)
        log_write(LOG_LEVEL_WARNING,
                  "messages that crashed the daemon in the last 7 days: %u; twice or more often: %u, which are not "
                  "processed again",
                  g_hash_table_size(records), refused);
}

bool crash_open(const char *folder, struct error *error)
{
    g_autofree char *path = g_build_filename(folder, "crashes", NULL);
    g_autofree char *text = read_file(path);
    EVP_MAC *poly1305 = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_POLY1305, NULL);
    if (poly1305 == NULL || (text == NULL && RAND_bytes(key, KEY_SIZE) != 1))
        return error_set_openssl(error, ERROR_CONFIGURATION, "Poly1305");
    records = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autofree char *lines = text != NULL ? read_records(text, time(NULL)) : g_strdup("");
    if (!write_file(path, lines, error)) {
        EVP_MAC_free(poly1305);
        return false;
    }
    algorithm = poly1305;
    report();
    install_handlers();
    return true;
}

/* --- the digest --- */

struct crash_trail {
    EVP_MAC_CTX *context;
    unsigned char digest[DIGEST_SIZE]; /* of the pieces that stay the same */
};

struct crash_trail *crash_trail_new(void)
{
    struct crash_trail *trail = g_new0(struct crash_trail, 1);
    trail->context = algorithm != NULL ? EVP_MAC_CTX_new(algorithm) : NULL;
    if (algorithm != NULL && trail->context == NULL)
        g_error("out of memory");
    return trail;
}

void crash_trail_free(struct crash_trail *trail)
{
    if (trail == NULL)
        return;
    EVP_MAC_CTX_free(trail->context);
    g_free(trail);
}

void crash_trail_reset(struct crash_trail *trail)
{
    memset(trail->digest, 0, sizeof(trail->digest));
}

static bool is_identifying(const char *name)
{
    static const char *const names[] = {"From", "Sender", "To", "Cc", "Subject"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_ascii_strcasecmp(name, names[i]) == 0)
            return true;
    return g_ascii_strncasecmp(name, "Content-", 8) == 0;
}

static bool stays(enum crash_piece piece, const char *name)
{
    return piece == PIECE_FIELD ? is_identifying(name) : piece >= PIECE_END_OF_HEADER;
}

/* Of what stays the same so far and this piece. */
static bool digest_piece(const struct crash_trail *trail, enum crash_piece piece, const char *name, struct slice data,
                         unsigned char digest[DIGEST_SIZE])
{
    unsigned char kind = (unsigned char)piece;
    size_t length = 0;
    return EVP_MAC_init(trail->context, key, sizeof(key), NULL) > 0 &&
           EVP_MAC_update(trail->context, trail->digest, sizeof(trail->digest)) > 0 &&
           EVP_MAC_update(trail->context, &kind, 1) > 0 &&
           (name == NULL || EVP_MAC_update(trail->context, (const unsigned char *)name, strlen(name) + 1) > 0) &&
           EVP_MAC_update(trail->context, (const unsigned char *)data.data, data.len) > 0 &&
           EVP_MAC_final(trail->context, digest, &length, DIGEST_SIZE) > 0;
}

static bool is_refused(const unsigned char digest[DIGEST_SIZE])
{
    char hex[2 * DIGEST_SIZE + 1] = "";
    if (g_hash_table_size(records) == 0)
        return false;
    write_hex(hex, digest, DIGEST_SIZE);
    const struct record *record = g_hash_table_lookup(records, hex);
    return record != NULL && record->count >= CRASH_LIMIT && is_recent(record->at, time(NULL));
}

bool crash_enter(struct crash_trail *trail, enum crash_piece piece, const char *name, struct slice data)
{
    unsigned char digest[DIGEST_SIZE];
    if (trail->context == NULL || !digest_piece(trail, piece, name, data, digest))
        return true;
    if (stays(piece, name))
        memcpy(trail->digest, digest, sizeof(digest));
    if (is_refused(digest))
        return false;
    prepare_stack();
    memcpy(in_hand.digest, digest, sizeof(digest));
    atomic_signal_fence(memory_order_seq_cst);
    in_hand.is_set = 1;
    return true;
}

void crash_leave(void)
{
    in_hand.is_set = 0;
}
