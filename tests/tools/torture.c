/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torture: lets each memory allocation of one message fail in turn, and judges what the gateway makes of that.
 *
 *     torture -c CONFIGURATION [-C RECEIVERS-CONFIGURATION] -d outbound|inbound -m FILE -f FROM -r TO [-w]
 *             [-R SECOND-RECIPIENT [-S]] [-g] [-s STEP] [-j JOBS] [-t OCTETS] [-p POSITION] [-l NAME]
 *
 * Each position runs in a child process of its own, so that the message is the first one of its process, or the second
 * one with -w. malloc(), calloc() and realloc() of this program are those of all libraries. What may become of the
 * message: the same as without a failure, a temporary failure, or the end of the process. GLib ends it on purpose.
 * OpenSSL 3.0 and libconfig crash at a few positions, where they use a pointer without a look at it (sskdf_new() does).
 * Such a crash is harmless: the process ends before there is a reply. It is counted apart, and only if it happens in
 * the call of the library whose allocation failed. Anything else is a violation: a permanent refusal, an acceptance
 * that differs, another crash, a report that differs, or a next message in the same process that is not handled as
 * ever. What goes out is compared by its length, give or take -t OCTETS, and with -C by what the receiver says about
 * it. -s takes only each STEPth position; -p takes only that one, and shows where it is.
 *
 * With -g the allocations that fail are those of opening the gateway. Then it says that memory was short and does not
 * open, or it handles the message as ever.
 *
 * With -R the message has a second recipient, so that it is sealed. With -S it has been, and comes back for the first.
 *
 * Prints one line: the name, the number of positions, then how many had which outcome. Exits with 1 on a violation.
 */
#include "gateway/gateway.h"
#include "mail/mime.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_SECONDS 60

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

/* LIBRARY: a crash within OpenSSL or libconfig. */
enum outcome_of_failure {
    AS_EVER,
    TEMPORARY,
    ENDED,
    LIBRARY,
    REFUSED,
    DIFFERS,
    REPORT,
    NEXT,
    CRASHED,
    HANGS,
    OUTCOMES
};

/* --- the allocations --- */

static bool is_armed, is_shown;
static unsigned long seen, failing; /* failing: 0 is none */

/* Where the program called a library, and which one. */
struct call {
    const void *from;
    char library[256];
};

static struct call failed_call;

/* The outermost call of a library that main() is in. */
static struct call find_call(void)
{
    void *frames[256];
    Dl_info own = {0}, each = {0};
    struct call call = {0};
    bool in_main = false, before_main = false;
    dladdr((void *)(uintptr_t)find_call, &own);
    for (int i = backtrace(frames, G_N_ELEMENTS(frames)) - 1; i >= 0; i--) {
        bool is_own = dladdr(frames[i], &each) != 0 && each.dli_fbase == own.dli_fbase;
        in_main = in_main || (is_own && before_main);
        before_main = before_main || !is_own;
        if (is_own)
            call.from = frames[i];
        if (in_main && !is_own) {
            g_strlcpy(call.library, each.dli_fname != NULL ? each.dli_fname : "", sizeof(call.library));
            return call;
        }
    }
    return (struct call){0};
}

static void show_place(void)
{
    void *frames[48];
    int count = backtrace(frames, G_N_ELEMENTS(frames));
    backtrace_symbols_fd(frames + 2, count - 2, STDERR_FILENO);
}

static bool fails(void)
{
    if (!is_armed || ++seen != failing)
        return false;
    is_armed = false;
    failed_call = find_call();
    if (is_shown)
        show_place();
    is_armed = true;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}

/* --- one message --- */

struct options {
    const char *configuration, *receiver, *direction, *file, *from, *to, *second, *name;
    bool is_warm, opens, comes_back;
    unsigned long step, only, jitter;
    unsigned jobs;
};

struct torture {
    struct options options;
    struct gateway *gateway, *receiver; /* receiver: NULL if there is none */
    struct envelope *envelope;
    struct message *message;
};

/* What became of a message. */
struct observed {
    enum verdict verdict;
    unsigned code;
    char *reason, *report;
    char *received; /* the receiver's report on what went out; NULL if there is no receiver */
    char *bytes;
    size_t length;
};

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "torture: %s\n", what);
    exit(64);
}

static void made_clear(struct observed *made)
{
    g_free(made->reason);
    g_free(made->report);
    g_free(made->received);
    g_free(made->bytes);
    *made = (struct observed){0};
}

static struct passage *pass(struct gateway *gateway, enum direction direction, const struct envelope *envelope,
                            const struct message *message)
{
    const struct passage_request request = {
        .envelope = envelope, .message = message, .at = time(NULL), .direction = &direction};
    return gateway_pass(gateway, &request);
}

/* How long a lookup took is different each time. */
static void forget_times(char *report)
{
    static const char key[] = "\"microseconds\": ";
    for (char *at = report; at != NULL && (at = strstr(at, key)) != NULL;) {
        at += strlen(key);
        size_t digits = strspn(at, "0123456789");
        memmove(at, at + digits, strlen(at + digits) + 1);
    }
}

/* position: which allocation fails, 0 for none. */
static struct observed handle(const struct torture *torture, unsigned long position)
{
    enum direction direction =
        strcmp(torture->options.direction, "inbound") == 0 ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
    struct observed made = {0};
    seen = 0;
    failing = position;
    is_armed = true;
    struct passage *passage = pass(torture->gateway, direction, torture->envelope, torture->message);
    made.report = passage_report(passage);
    owned(rope) struct rope *rope = edits_apply(&passage->made.edits, torture->message);
    made.bytes = rope_flatten(rope, &made.length);
    g_free(passage_log_line(passage));
    is_armed = false;
    forget_times(made.report);
    made.verdict = passage->reply.verdict;
    made.code = passage->reply.code;
    made.reason = g_strdup(passage->reply.reason);
    passage_free(passage);
    return made;
}

static struct message *message_of(const char *bytes, size_t length, const struct limits *limits)
{
    struct error error = {0};
    FILE *file = tmpfile();
    must(file != NULL && fwrite(bytes, 1, length, file) == length && fflush(file) == 0, "temporary file");
    rewind(file);
    struct message *message = message_read(fileno(file), limits, &error);
    fclose(file);
    must(message != NULL, error.text);
    return message;
}

static void receive(const struct torture *torture, struct observed *made)
{
    if (torture->receiver == NULL || made->verdict != VERDICT_ACCEPT)
        return;
    owned(message) struct message *message =
        message_of(made->bytes, made->length, &gateway_conf(torture->receiver)->limits);
    owned(passage) struct passage *passage = pass(torture->receiver, DIRECTION_INBOUND, torture->envelope, message);
    made->received = passage_report(passage);
    forget_times(made->received);
}

/* --- what is allowed --- */

static const struct {
    const char *name;
    bool is_allowed;
} outcomes[] = {
    [AS_EVER] = {"same", true},    [TEMPORARY] = {"4xx", true}, [ENDED] = {"ended", true},
    [LIBRARY] = {"library", true}, [REFUSED] = {"5xx", false},  [DIFFERS] = {"differs", false},
    [REPORT] = {"report", false},  [NEXT] = {"next", false},    [CRASHED] = {"crash", false},
    [HANGS] = {"hang", false},
};

/* What arrives comes out the same byte for byte; what goes out has random octets, but about as many. */
static bool is_same_message(const struct torture *torture, const struct observed *a, const struct observed *b)
{
    size_t difference = MAX(a->length, b->length) - MIN(a->length, b->length);
    if (a->verdict != b->verdict || g_strcmp0(a->received, b->received) != 0)
        return false;
    if (strcmp(torture->options.direction, "inbound") != 0)
        return difference <= torture->options.jitter;
    return difference == 0 && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static enum outcome_of_failure judge(const struct torture *torture, struct observed *made, const struct observed *usual)
{
    if (made->verdict == VERDICT_TEMPFAIL && made->code / 100 == 4)
        return TEMPORARY;
    if (made->code / 100 == 5)
        return REFUSED;
    if (made->report == NULL) /* `domsec filter` defers the message then */
        return TEMPORARY;
    receive(torture, made);
    if (!is_same_message(torture, made, usual))
        return DIFFERS;
    return g_strcmp0(made->report, usual->report) == 0 ? AS_EVER : REPORT;
}

/* GLib calls abort() where it has no memory for a lock. */
static void on_crash(int number)
{
    struct call call = find_call();
    bool is_same = call.from != NULL && call.from == failed_call.from;
    is_armed = false;
    if (is_shown)
        show_place();
    if (is_same && (strstr(call.library, "libcrypto") != NULL || strstr(call.library, "libconfig") != NULL))
        _exit(LIBRARY);
    if (is_same && number == SIGABRT && strstr(call.library, "libglib") != NULL)
        _exit(ENDED);
    signal(number, SIG_DFL);
    raise(number);
}

static void read_message(struct torture *torture)
{
    g_autofree char *bytes = NULL;
    gsize length = 0;
    must(g_file_get_contents(torture->options.file, &bytes, &length, NULL), torture->options.file);
    torture->message = message_of(bytes, length, &gateway_conf(torture->gateway)->limits);
}

/* Opens the gateway and reads the message. */
static enum outcome_of_failure try_opening(struct torture *torture, unsigned long position)
{
    owned(faults) struct faults *faults = faults_new();
    bool is_said = false;
    seen = 0;
    failing = position;
    is_armed = true;
    owned(conf) struct conf *conf = conf_load(torture->options.configuration, faults);
    torture->gateway = conf != NULL ? gateway_open(conf, faults) : NULL;
    is_armed = false;
    if (torture->gateway != NULL) {
        read_message(torture);
        return AS_EVER;
    }
    for (size_t i = 0; i < faults_count(faults); i++) {
        const char *fault = faults_at(faults, i);
        is_said = is_said || strstr(fault, "not enough memory") != NULL || strstr(fault, g_strerror(ENOMEM)) != NULL ||
                  strstr(fault, "insufficient memory") != NULL; /* zlib */
        if (is_shown)
            fprintf(stderr, "%s\n", fault);
    }
    return is_said ? TEMPORARY : REFUSED;
}

static enum outcome_of_failure try_message(const struct torture *torture, const struct observed *usual,
                                           unsigned long position)
{
    struct observed made = handle(torture, position);
    enum outcome_of_failure outcome = judge(torture, &made, usual);
    if (is_shown)
        fprintf(stderr, "%s: %u %s\n", outcomes[outcome].name, made.code, made.reason);
    return outcome;
}

/* In a child: ends with the outcome as exit status. */
static void try_position(struct torture *torture, const struct observed *usual, unsigned long position)
{
    alarm(CHILD_SECONDS);
    signal(SIGSEGV, on_crash);
    signal(SIGBUS, on_crash);
    signal(SIGABRT, on_crash);
    if (!is_shown)
        must(freopen("/dev/null", "w", stderr) != NULL, "/dev/null");
    enum outcome_of_failure outcome =
        torture->options.opens ? try_opening(torture, position) : try_message(torture, usual, position);
    if (outcomes[outcome].is_allowed && torture->gateway != NULL) {
        struct observed next = handle(torture, 0);
        receive(torture, &next);
        if (!is_same_message(torture, &next, usual) || g_strcmp0(next.report, usual->report) != 0) {
            outcome = NEXT;
            if (is_shown)
                fprintf(stderr, "%s: %u %s\n", outcomes[outcome].name, next.code, next.reason);
        }
    }
    _exit((int)outcome);
}

static enum outcome_of_failure outcome_of(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status) < OUTCOMES ? (enum outcome_of_failure)WEXITSTATUS(status) : CRASHED;
    switch (WTERMSIG(status)) {
    case SIGTRAP: /* GLib's g_error() */
        return ENDED;
    case SIGALRM:
        return HANGS;
    default:
        return CRASHED;
    }
}

static void wait_one(GHashTable *running, unsigned long *counts)
{
    int status = 0;
    pid_t pid = waitpid(-1, &status, 0);
    unsigned long position = GPOINTER_TO_SIZE(g_hash_table_lookup(running, GINT_TO_POINTER(pid)));
    enum outcome_of_failure outcome = outcome_of(status);
    g_hash_table_remove(running, GINT_TO_POINTER(pid));
    counts[outcome]++;
    if (!outcomes[outcome].is_allowed || outcome == LIBRARY)
        fprintf(stderr, "%s %lu\n", outcomes[outcome].name, position);
}

static void start_one(struct torture *torture, const struct observed *usual, GHashTable *running,
                      unsigned long position)
{
    fflush(NULL);
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0)
        try_position(torture, usual, position);
    g_hash_table_insert(running, GINT_TO_POINTER(pid), GSIZE_TO_POINTER(position));
}

/* --- the message without a failure --- */

#define SHARED_SIZE ((size_t)16 << 20)

/* What a child tells its parent, which stays cold. */
struct shared {
    unsigned long positions;
    enum verdict verdict;
    unsigned code;
    size_t report, received, bytes; /* lengths; the texts follow in this order */
    char texts[];
};

static void share(struct shared *shared, const struct observed *made)
{
    char *at = shared->texts;
    shared->verdict = made->verdict;
    shared->code = made->code;
    shared->report = strlen(made->report);
    shared->received = made->received != NULL ? strlen(made->received) : 0;
    shared->bytes = made->length;
    must(sizeof(*shared) + shared->report + shared->received + shared->bytes < SHARED_SIZE, "the message is too large");
    at = mempcpy(at, made->report, shared->report);
    at = mempcpy(at, made->received != NULL ? made->received : "", shared->received);
    memcpy(at, made->bytes, shared->bytes);
}

static struct observed take_shared(const struct shared *shared)
{
    const char *received = shared->texts + shared->report, *bytes = received + shared->received;
    struct observed made = {.verdict = shared->verdict, .code = shared->code, .length = shared->bytes};
    made.report = g_strndup(shared->texts, shared->report);
    made.received = shared->received > 0 ? g_strndup(received, shared->received) : NULL;
    made.bytes = g_memdup2(bytes, shared->bytes);
    return made;
}

/* The second message of a process, whose first one may make other allocations: how many and what comes of it. */
static struct observed handle_usual(struct torture *torture, unsigned long *positions)
{
    struct shared *shared = mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    must(shared != MAP_FAILED, "memory");
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        must(!torture->options.opens || try_opening(torture, 0) == AS_EVER, "the gateway does not open");
        shared->positions = seen;
        struct observed made = handle(torture, 0);
        if (!torture->options.opens)
            shared->positions = seen;
        must(made.verdict == VERDICT_ACCEPT, made.reason);
        receive(torture, &made);
        share(shared, &made);
        _exit(0);
    }
    must(waitpid(pid, &status, 0) == pid && status == 0, "the message is not accepted without a failure");
    struct observed made = take_shared(shared);
    *positions = shared->positions;
    munmap(shared, SHARED_SIZE);
    return made;
}

static bool run(struct torture *torture)
{
    const struct options *options = &torture->options;
    unsigned long counts[OUTCOMES] = {0}, positions = 0, violations = 0;
    g_autoptr(GHashTable) running = g_hash_table_new(NULL, NULL);
    void *first_use[1];
    backtrace(first_use, 1); /* which allocates */
    if (options->is_warm) {
        struct observed first = handle(torture, 0);
        made_clear(&first);
    }
    struct observed usual = handle_usual(torture, &positions);
    if (options->only > 0) {
        is_shown = true;
        try_position(torture, &usual, options->only);
    }
    for (unsigned long position = 1; position <= positions; position += options->step) {
        if (g_hash_table_size(running) >= options->jobs)
            wait_one(running, counts);
        start_one(torture, &usual, running, position);
    }
    while (g_hash_table_size(running) > 0)
        wait_one(running, counts);
    made_clear(&usual);
    printf("%-24s %9lu", options->name, (positions + options->step - 1) / options->step);
    for (size_t i = 0; i < OUTCOMES; i++) {
        printf(" %8lu", counts[i]);
        violations += outcomes[i].is_allowed ? 0 : counts[i];
    }
    putchar('\n');
    return violations == 0;
}

static struct gateway *open_gateway(const char *file)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    struct gateway *gateway = conf != NULL ? gateway_open(conf, faults) : NULL;
    must(gateway != NULL, faults_count(faults) > 0 ? faults_at(faults, 0) : file);
    return gateway;
}

static void add_recipient(struct envelope *envelope, const char *text)
{
    struct address to = {0};
    struct error error = {0};
    must(address_parse(slice_of(text), &to, &error), error.text);
    envelope_add_recipient(envelope, &to);
    address_clear(&to);
}

/* What the mail server brings back, for the first recipient. */
static void seal(struct torture *torture)
{
    struct passage *passage = pass(torture->gateway, DIRECTION_OUTBOUND, torture->envelope, torture->message);
    must(passage->made.sealed[0] != '\0', passage->reply.reason);
    owned(rope) struct rope *rope = edits_apply(&passage->made.edits, torture->message);
    size_t length = 0;
    g_autofree char *bytes = rope_flatten(rope, &length);
    passage_free(passage);
    message_free(torture->message);
    torture->message = message_of(bytes, length, &gateway_conf(torture->gateway)->limits);
    torture->envelope->recipient_count = 1; /* the second one is left to the end of the process */
    torture->envelope->daemon_name = g_strdup("domsec-split");
}

static void open_all(struct torture *torture)
{
    const struct options *options = &torture->options;
    struct error error = {0};
    mime_init();
    if (!options->opens)
        torture->gateway = open_gateway(options->configuration);
    torture->receiver = options->receiver != NULL ? open_gateway(options->receiver) : NULL;
    torture->envelope = envelope_new();
    must(address_parse(slice_of(options->from), &torture->envelope->sender, &error), error.text);
    add_recipient(torture->envelope, options->to);
    if (options->second != NULL)
        add_recipient(torture->envelope, options->second);
    torture->envelope->client_address = g_strdup("127.0.0.1");
    torture->envelope->mta = g_strdup("Postfix 3.7.11");
    if (!options->opens)
        read_message(torture);
    if (options->comes_back)
        seal(torture);
}

static bool read_options(int argc, char **argv, struct options *options)
{
    int option;
    while ((option = getopt(argc, argv, "c:C:d:m:f:r:R:Swgs:j:t:p:l:")) != -1) {
        switch (option) {
        case 'c':
            options->configuration = optarg;
            break;
        case 'C':
            options->receiver = optarg;
            break;
        case 'd':
            options->direction = optarg;
            break;
        case 'm':
            options->file = optarg;
            break;
        case 'f':
            options->from = optarg;
            break;
        case 'r':
            options->to = optarg;
            break;
        case 'w':
            options->is_warm = true;
            break;
        case 'g':
            options->opens = true;
            break;
        case 's':
            options->step = strtoul(optarg, NULL, 10);
            break;
        case 'j':
            options->jobs = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 't':
            options->jitter = strtoul(optarg, NULL, 10);
            break;
        case 'p':
            options->only = strtoul(optarg, NULL, 10);
            break;
        case 'R':
            options->second = optarg;
            break;
        case 'S':
            options->comes_back = true;
            break;
        case 'l':
            options->name = optarg;
            break;
        default:
            return false;
        }
    }
    return options->configuration != NULL && options->direction != NULL && options->file != NULL &&
           options->from != NULL && options->to != NULL && options->step > 0 && options->jobs > 0;
}

int main(int argc, char **argv)
{
    struct torture torture = {.options = {.step = 1, .jobs = 2, .name = ""}};
    if (!read_options(argc, argv, &torture.options)) {
        fprintf(stderr, "usage: torture -c CONFIGURATION [-C RECEIVERS-CONFIGURATION] -d outbound|inbound -m FILE "
                        "-f FROM -r TO [-w] [-g] [-s STEP] [-j JOBS] [-t OCTETS] [-p POSITION] [-l NAME]\n");
        return 64;
    }
    open_all(&torture);
    bool is_clean = run(&torture);
    envelope_free(torture.envelope);
    message_free(torture.message);
    gateway_unref(torture.gateway);
    gateway_unref(torture.receiver);
    return is_clean ? 0 : 1;
}
