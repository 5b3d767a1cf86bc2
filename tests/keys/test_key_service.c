/* SPDX-License-Identifier: Apache-2.0 */
/* Key processes: started, asked, lost and started again. */
#include "keys/key_holder.h"
#include "keys/key_links.h"
#include "keys/key_process.h"
#include "keys/key_protocol.h"
#include "keys/keys.h"
#include "keys/remote_provider.h"

#include "support/home.h"
#include "support/key_daemon.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Identities in files, a configuration file that names them, and the service. */
struct place {
    char *folder;
    GString *identities;
    struct key_service *service;
    struct key_link *link;
    GPtrArray *keys; /* all that were loaded: they end before the service does */
};

static gint told; /* how often a process was said to run again */

static void tell(enum log_level level, const char *text)
{
    (void)level;
    if (strstr(text, "runs again") != NULL)
        g_atomic_int_inc(&told);
}

static void place_new(struct place *place)
{
    *place = (struct place){.folder = folder_new(), .identities = g_string_new(NULL), .keys = g_ptr_array_new()};
}

/* Returns the location. */
static char *place_add(struct place *place, const char *name, const struct pki *pki, const char *more)
{
    char *file = pki_write_key(place->folder, name, pki);
    g_string_append_printf(place->identities,
                           "%s { domain = \"acme.test\"; role = \"domain-signing-authority\"; certificate = \"c.pem\"; "
                           "key = \"file:%s\"; %s }",
                           place->identities->len > 0 ? "," : "", file, more);
    g_free(pki_write(place->folder, "c.pem", pki, NULL));
    return file;
}

static void place_start(struct place *place, gint64 milliseconds)
{
    struct error error = {0};
    g_autofree char *text =
        g_strdup_printf("local_domains = ( \"acme.test\" );\nidentities = ( %s );\n", place->identities->str);
    g_autofree char *file = folder_file(place->folder, "domsec.conf", text);
    place->service = key_service_start(file, true, tell, &error);
    cr_assert_not_null(place->service, "%s", error.text);
    place->link = key_service_link(place->service, "file", NULL, milliseconds);
    cr_assert_not_null(place->link, "%s", error.text);
}

static void forget_keys(struct place *place)
{
    for (guint i = 0; i < place->keys->len; i++)
        EVP_PKEY_free(g_ptr_array_index(place->keys, i));
    g_ptr_array_set_size(place->keys, 0);
}

static void place_free(struct place *place)
{
    forget_keys(place);
    g_ptr_array_unref(place->keys);
    key_link_unref(place->link);
    key_service_free(place->service);
    g_string_free(place->identities, TRUE);
    folder_remove(place->folder);
}

static bool signs(EVP_PKEY *key)
{
    owned(evp_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[512];
    size_t length = sizeof(signature);
    bool done = EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) > 0 &&
                EVP_DigestSign(context, signature, &length, (const unsigned char *)"text", 4) > 0;
    ERR_clear_error();
    return done;
}

static bool key_signs_again(EVP_PKEY *key)
{
    for (unsigned i = 0; i < PATIENCE * 20; i++) {
        if (signs(key))
            return true;
        g_usleep(50000);
    }
    return false;
}

static pid_t own_key_process(void)
{
    pid_t keeper = child_of(getpid());
    return keeper > 0 ? child_of(keeper) : 0;
}

static EVP_PKEY *load(const struct place *place, const char *location)
{
    struct error error = {0};
    EVP_PKEY *key = remote_provider_load(place->link, location, NULL, NULL, &error);
    cr_assert_not_null(key, "%s", error.text);
    g_ptr_array_add(place->keys, key);
    return key;
}

/* A place with one EC key, which is loaded. */
static EVP_PKEY *place_with_key(struct place *place, gint64 milliseconds)
{
    PKI_AUTO struct pki *ec = pki_ca("ec");
    place_new(place);
    g_autofree char *location = place_add(place, "a.key", ec, "");
    place_start(place, milliseconds);
    return load(place, location);
}

/* --- */

Test(key_service, keys_are_used_in_another_process_which_ends_with_them)
{
    struct place place;
    EVP_PKEY *key = place_with_key(&place, 5000);
    pid_t process = own_key_process(), keeper = child_of(getpid());
    cr_assert_gt(process, 0);
    cr_expect(signs(key));
    forget_keys(&place);
    key_link_unref(g_steal_pointer(&place.link));
    wait_until_gone(process);
    place_free(&place);
    cr_expect_neq(kill(keeper, 0), 0, "the keeper ends with the service");
}

Test(key_service, a_process_that_was_killed_comes_back_with_its_keys)
{
    struct place place;
    PKI_AUTO struct pki *ec = pki_ca("ec");
    PKI_AUTO struct pki *rsa = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=rsa"), .key = PKI_RSA});
    struct error error = {0};
    place_new(&place);
    g_autofree char *first = place_add(&place, "a.key", ec, ""), *second = place_add(&place, "b.key", rsa, "");
    place_start(&place, 5000);
    EVP_PKEY *one = load(&place, first);
    EVP_PKEY *two = load(&place, second);
    cr_assert(key_link_seal(place.link, &error), "%s", error.text);
    for (unsigned round = 0; round < 3; round++) {
        kill(own_key_process(), SIGKILL);
        cr_expect(signs(one) && signs(two), "the request in hand waits: %s", keys_failure());
    }
    cr_expect_geq(g_atomic_int_get(&told), 3);
    cr_expect_eq(keys_failures(), 0u);
    cr_expect_null(remote_provider_load(place.link, first, NULL, NULL, &error),
                   "the new process is sealed as the old one was");
    place_free(&place);
}

/* --- channels --- */

#define CHANNELS 32

static gint slow_start; /* microseconds after each thread */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which have their own */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    int result = real(thread, attributes, start, argument);
    g_usleep((gulong)g_atomic_int_get(&slow_start));
    return result;
}
#endif

static unsigned threads_now(void)
{
    GDir *directory = g_dir_open("/proc/self/task", 0, NULL);
    unsigned count = 0;
    cr_assert_not_null(directory);
    while (g_dir_read_name(directory) != NULL)
        count++;
    g_dir_close(directory);
    return count;
}

static bool count_threads(void *context, struct error *error)
{
    (void)error;
    *(unsigned *)context = threads_now();
    return true;
}

struct served_here {
    struct key_server_options options;
    int ends[CHANNELS];
};

static gpointer serve_here(gpointer data)
{
    struct served_here *served = data;
    key_process_serve(&served->options, NULL, served->ends, CHANNELS);
    return NULL;
}

/* The first request may forbid new threads, and a channel without one would look like the end of the process. */
Test(key_service, each_channel_has_its_thread_before_the_first_request_is_answered)
{
    unsigned char octets[KEY_REPLY_MAX];
    unsigned at_seal = 0, before = threads_now();
    struct served_here served = {.options = {.type = &key_holder_file, .seal = count_threads, .context = &at_seal}};
    int own[CHANNELS];
    for (unsigned i = 0; i < CHANNELS; i++) {
        int pair[2];
        cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        own[i] = pair[0];
        served.ends[i] = pair[1];
    }
    struct key_request request = {.operation = KEY_SEAL};
    size_t length = key_request_write(&request, octets, sizeof(octets));
    cr_assert_eq(send(own[0], octets, length, 0), (ssize_t)length);
    g_atomic_int_set(&slow_start, 1000);
    GThread *thread = g_thread_new("serving", serve_here, &served);
    cr_assert_gt(recv(own[0], octets, sizeof(octets), 0), 0);
    cr_expect_eq(at_seal, before + 1 + CHANNELS, "%u threads, %u before", at_seal, before);
    for (unsigned i = 0; i < CHANNELS; i++)
        close(own[i]);
    g_thread_join(thread);
}

/* It is noticed without a request. */
Test(key_service, an_idle_process_that_was_killed_comes_back)
{
    struct place place;
    EVP_PKEY *key = place_with_key(&place, 5000);
    kill(own_key_process(), SIGKILL);
    for (unsigned i = 0; g_atomic_int_get(&told) == 0 && i < PATIENCE * 20; i++)
        g_usleep(50000);
    cr_expect_eq(g_atomic_int_get(&told), 1);
    cr_expect(signs(key), "%s", keys_failure());
    place_free(&place);
}

/* The supervisor has not looked yet. */
Test(key_service, a_request_waits_from_when_the_channels_are_dead)
{
    struct place place;
    EVP_PKEY *key = place_with_key(&place, 20000);
    for (unsigned round = 0; round < 3; round++) {
        owned(key_channels) struct key_channels *channels = key_link_channels(place.link);
        key_channels_bury(channels);
        cr_expect(signs(key), "%s", keys_failure());
    }
    place_free(&place);
}

Test(key_service, a_process_that_hangs_is_given_up_at_the_deadline)
{
    struct place place, other;
    PKI_AUTO struct pki *ec = pki_ca("ec");
    place_new(&place);
    g_autofree char *location = place_add(&place, "a.key", ec, "");
    place_start(&place, 300);
    EVP_PKEY *key = load(&place, location);
    pid_t hung = own_key_process();
    kill(hung, SIGSTOP);
    other = place;
    other.link = key_service_link(place.service, "file", NULL, 300);
    EVP_PKEY *beside = load(&other, location);
    gint64 began = g_get_monotonic_time();
    cr_expect_not(signs(key));
    cr_expect_geq(g_get_monotonic_time() - began, 290000);
    cr_expect(signs(beside), "others go on");
    cr_expect_eq(strcmp(keys_failure(), "the key process does not answer"), 0, "%s", keys_failure());
    cr_expect(key_signs_again(key));
    wait_until_gone(hung);
    key_link_unref(other.link);
    place_free(&place);
}

Test(key_service, a_file_that_holds_another_key_now_is_not_used)
{
    struct place place;
    PKI_AUTO struct pki *one = pki_ca("one");
    PKI_AUTO struct pki *two = pki_ca("two");
    PKI_AUTO struct pki *third = pki_ca("three");
    place_new(&place);
    g_autofree char *first = place_add(&place, "a.key", one, ""), *second = place_add(&place, "b.key", two, "");
    place_start(&place, 5000);
    EVP_PKEY *replaced = load(&place, first);
    EVP_PKEY *kept = load(&place, second);
    g_free(pki_write_key(place.folder, "a.key", third));
    kill(own_key_process(), SIGKILL);
    cr_expect(key_signs_again(kept));
    unsigned failures = keys_failures();
    cr_expect_not(signs(replaced));
    cr_expect_eq(keys_failures() - failures, 1u, "temporary: the right file may come back");
    place_free(&place);
}

Test(key_service, only_keys_of_the_configuration_can_be_asked_for)
{
    struct place place;
    PKI_AUTO struct pki *ec = pki_ca("ec");
    place_new(&place);
    g_autofree char *location = place_add(&place, "a.key", ec, "");
    g_autofree char *foreign = pki_write_key(place.folder, "foreign.key", ec);
    place_start(&place, 5000);
    struct error error = {0};
    cr_expect_null(remote_provider_load(place.link, foreign, NULL, NULL, &error));
    cr_expect_eq(error.kind, ERROR_CONFIGURATION);
    cr_expect_not_null(strstr(error.text, "names no such key"), "%s", error.text);
    cr_expect_null(remote_provider_load(place.link, location, foreign, NULL, &error),
                   "nor with another file as passphrase");
    EVP_PKEY *key = load(&place, location);
    cr_assert(key_link_seal(place.link, &error));
    cr_expect_null(remote_provider_load(place.link, location, NULL, NULL, &error), "nor any when all are loaded");
    cr_expect(signs(key));
    place_free(&place);
}

Test(key_service, what_is_wrong_with_a_key_is_said)
{
    struct place place;
    PKI_AUTO struct pki *ec = pki_ca("ec");
    struct error error = {0};
    place_new(&place);
    g_autofree char *location = place_add(&place, "a.key", ec, "");
    place_start(&place, 5000);
    g_remove(location);
    cr_expect_null(remote_provider_load(place.link, location, NULL, NULL, &error));
    cr_expect_eq(error.kind, ERROR_CONFIGURATION);
    cr_expect_not_null(strstr(error.text, "No such file"), "%s", error.text);
    place_free(&place);
}

Test(key_service, a_key_process_inherits_nothing)
{
    struct place place;
    PKI_AUTO struct pki *ec = pki_ca("ec");
    place_new(&place);
    g_autofree char *location = place_add(&place, "a.key", ec, "");
    int secret = open(location, O_RDONLY); /* without O_CLOEXEC */
    place_start(&place, 5000);
    load(&place, location);
    pid_t processes[] = {own_key_process(), child_of(getpid())};
    for (size_t i = 0; i < G_N_ELEMENTS(processes); i++) {
        g_autofree char *folder = g_strdup_printf("/proc/%d/fd", processes[i]);
        GDir *directory = g_dir_open(folder, 0, NULL);
        cr_assert_not_null(directory);
        for (const char *name; (name = g_dir_read_name(directory)) != NULL;) {
            g_autofree char *path = g_build_filename(folder, name, NULL);
            g_autofree char *target = g_file_read_link(path, NULL);
            cr_expect(strtol(name, NULL, 10) <= 2 || g_str_has_prefix(target, "socket:"), "%s is %s", path, target);
        }
        g_dir_close(directory);
    }
    close(secret);
    place_free(&place);
}

/* A service manager sends them to all processes, and a module writes to connections that are closed. */
Test(key_service, signals_that_mean_the_daemon_end_no_key_process)
{
    static const int signals[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGPIPE};
    struct place place;
    PKI_AUTO struct pki *ec = pki_ca("ec");
    place_new(&place);
    g_autofree char *location = place_add(&place, "a.key", ec, "");
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
        signal(signals[i], SIG_DFL); /* nothing is inherited */
    place_start(&place, 5000);
    EVP_PKEY *key = load(&place, location);
    pid_t process = own_key_process(), keeper = child_of(getpid());
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        kill(keeper, signals[i]);
        kill(process, signals[i]);
        cr_expect(signs(key), "signal %d: %s", signals[i], keys_failure());
        cr_assert_eq(own_key_process(), process, "signal %d", signals[i]);
    }
    cr_expect_eq(g_atomic_int_get(&told), 0);
    place_free(&place);
}

/* PR_SET_DUMPABLE gives the files in /proc to root, whoever runs the process. */
static bool is_hidden(pid_t process, uid_t owner)
{
    static const char *const files[] = {"environ", "mem"};
    bool hidden = true;
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_strdup_printf("/proc/%d/%s", process, files[i]);
        struct stat status;
        cr_assert_eq(stat(path, &status), 0, "%s", path);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        hidden = hidden && file < 0 && status.st_uid != owner;
        if (file >= 0)
            close(file);
    }
    return hidden;
}

static bool has_locked_memory(pid_t process)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", process);
    g_autofree char *status = NULL;
    cr_assert(g_file_get_contents(path, &status, NULL, NULL), "%s", path);
    return g_regex_match_simple("^VmLck:\\s+[1-9]", status, G_REGEX_MULTILINE, 0);
}

/* Root reads everything, so that this is tried as another user. */
Test(key_service, a_key_process_is_hidden_from_its_own_account)
{
    const uid_t user = geteuid() == 0 ? 65534 : geteuid();
    struct place place;
    allow_core();
    cr_assert(geteuid() != 0 || (setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(user) == 0));
    cr_assert_eq(prctl(PR_SET_DUMPABLE, 1), 0);
    cr_assert_not(is_hidden(getpid(), user), "the test sees what it is to see");
    place_with_key(&place, 5000);
    const pid_t processes[] = {own_key_process(), child_of(getpid())};
    for (size_t i = 0; i < G_N_ELEMENTS(processes); i++) {
        cr_expect(is_hidden(processes[i], user), "process %zu", i);
        cr_expect(leaves_no_core(processes[i]), "process %zu", i);
    }
    cr_expect(has_locked_memory(processes[0]));
    place_free(&place);
}
