/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domsec-milter: the daemon. See domsec-milter(8).
 *
 *     read configuration ─▶ open keys, certificates, trust ─▶ listen ─▶ drop privileges ─▶ libmilter's loop
 *                                    ▲                                      │ SIGHUP            │ SIGTERM
 *                                    └──────────────────────────────────────┘                   └▶ drain, end
 *
 * Everything that can fail does so before the parent or systemd learns that the daemon is ready. session.c handles
 * messages.
 */
#include "base/account.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/sandbox.h"
#include "crash.h"
#include "daily.h"
#include "gateway/expiry.h"
#include "process.h"
#include "service.h"
#include "session.h"
#include "signals.h"
#include "socket.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libmilter/mfapi.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#define NAME "domsec-milter"
#define DRAIN_SECONDS 20 /* well below systemd's 90 */
#define KEYS_MILLISECONDS 1000

struct daemon {
    char *file; /* absolute path of domsec.conf */
    bool foreground;
    int listener;
    struct service *service;
    struct key_service *key_service; /* for the life of the process */
    struct conf *started;            /* the configuration of the start */
    int pid_file;                    /* open for writing, or -1 */
    bool metrics_lost;               /* the last write failed */
    time_t next_expiry;              /* when certificates are looked at again; see daily.h */
    uint64_t arrivals;               /* of certificates that were awaited: those with which a reload was tried */
    int status;                      /* with which stop() ends the process */
};

static void usage(FILE *stream)
{
    fputs("usage: " NAME " [-c FILE] [-f]\n"
          "  -c, --config FILE  configuration file; default: " DOMSEC_SYSCONFDIR "/domsec/domsec.conf\n"
          "  -f, --foreground   stay in the foreground, log to standard error\n"
          "  -V, --version      print the version\n"
          "  -h, --help         print this help\n",
          stream);
}

/* Exits if there is nothing to run. */
static void read_options(int argc, char **argv, struct daemon *daemon)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"foreground", no_argument, NULL, 'f'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'V'},
                                          {NULL, 0, NULL, 0}};
    const char *file = DOMSEC_SYSCONFDIR "/domsec/domsec.conf";
    int option;
    while ((option = getopt_long(argc, argv, "c:fhV", longs, NULL)) != -1) {
        switch (option) {
        case 'c':
            file = optarg;
            break;
        case 'f':
            daemon->foreground = true;
            break;
        case 'h':
            usage(stdout);
            exit(EX_OK);
        case 'V':
            puts(NAME " " DOMSEC_VERSION);
            exit(EX_OK);
        default:
            usage(stderr);
            exit(EX_USAGE);
        }
    }
    if (optind < argc) {
        usage(stderr);
        exit(EX_USAGE);
    }
    /* Going into the background changes the working directory. */
    daemon->file = g_canonicalize_filename(file, NULL);
}

static void complain(const struct daemon *daemon, enum log_level level, const char *text)
{
    log_write(level, "%s", text);
    if (!daemon->foreground)
        fprintf(stderr, NAME ": %s\n", text);
}

static enum log_level level_of(const struct faults *faults, size_t index)
{
    static const enum log_level levels[] = {
        [FAULT_ERROR] = LOG_LEVEL_ERROR, [FAULT_WARNING] = LOG_LEVEL_WARNING, [FAULT_NOTE] = LOG_LEVEL_INFO};
    return levels[faults_grade(faults, index)];
}

static void complain_faults(const struct daemon *daemon, const struct faults *faults)
{
    for (size_t i = 0; i < faults_count(faults); i++)
        complain(daemon, level_of(faults, i), faults_at(faults, i));
}

static void tell(enum log_level level, const char *text)
{
    log_write(level, "%s", text);
}

/* With the configuration file as it is now; NULL if faults has errors. previous: the one in force; NULL. */
static struct gateway *open_gateway(const struct daemon *daemon, const struct gateway *previous, struct faults *faults)
{
    owned(conf) struct conf *conf = conf_reload(daemon->file, previous != NULL ? gateway_conf(previous) : NULL, faults);
    if (conf != NULL && !conf->key_process)
        sandbox_hide(); /* before the keys are read */
    if (conf != NULL)
        gateway_check_exposure(conf, faults);
    struct gateway *gateway = conf != NULL ? gateway_open_with(conf, daemon->key_service, previous, faults) : NULL;
    if (gateway != NULL)
        gateway_check_signing(gateway, FAULT_WARNING, faults);
    return gateway;
}

/* Keys that take effect only when the daemon starts. */
static void warn_of_restart(const struct conf *old, const struct conf *new)
{
    const struct {
        const char *key;
        bool changed;
    } keys[] = {
        {"listen", g_strcmp0(old->listen, new->listen) != 0},
        {"user", g_strcmp0(old->user, new->user) != 0},
        {"seccomp", old->seccomp != new->seccomp},
        {"state_directory", g_strcmp0(old->state_dir, new->state_dir) != 0},
        {"pid_file", g_strcmp0(old->pid_file, new->pid_file) != 0},
        {"milter_timeout", old->timeout != new->timeout},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (keys[i].changed)
            log_write(LOG_LEVEL_WARNING, "reload: the change of %s needs a restart", keys[i].key);
}

/* After privileges were dropped, because the file must belong to the user. A store that fails now may be well again
 * when a message needs it. */
static void make_store(const struct conf *conf)
{
    struct error error = {0};
    if (conf->store == NULL)
        return;
    owned(store) struct store *store = store_open(conf->store);
    if (!store_create(store, &error) || !store_ready(store, &error))
        log_write(LOG_LEVEL_ERROR, "%s; messages that need it are deferred", error.text);
}

/* The configuration as it is now, if it may replace the one in force. */
static struct gateway *open_next(const struct daemon *daemon, struct faults *faults)
{
    owned(gateway) struct gateway *in_force = service_gateway(daemon->service);
    owned(gateway) struct gateway *gateway = open_gateway(daemon, in_force, faults);
    bool good = gateway != NULL && gateway_check_reload(in_force, gateway, time(NULL), faults);
    return good ? steal(&gateway) : NULL;
}

static void reload(void *context)
{
    struct daemon *daemon = context;
    owned(faults) struct faults *faults = faults_new();
    process_notify_reloading();
    owned(gateway) struct gateway *gateway = open_next(daemon, faults);
    for (size_t i = 0; i < faults_count(faults); i++)
        log_write(level_of(faults, i), "reload: %s", faults_at(faults, i));
    if (gateway != NULL) {
        const struct conf *conf = gateway_conf(gateway);
        service_replace(daemon->service, gateway);
        gateway_keep_fresh(gateway);
        daemon->next_expiry = 0;
        log_set_level((enum log_level)conf->log_level);
        warn_of_restart(daemon->started, conf);
        make_store(conf);
        log_write(LOG_LEVEL_INFO, "reload: %s is in force", daemon->file);
    } else {
        log_write(LOG_LEVEL_ERROR, "reload: rejected; the old configuration stays in force");
    }
    metrics_add("domsec_reloads_total", gateway != NULL ? "result=\"accepted\"" : "result=\"refused\"", 1);
    process_notify_ready();
}

static void save_metrics(void *context)
{
    struct daemon *daemon = context;
    owned(gateway) struct gateway *gateway = service_gateway(daemon->service);
    const char *file = gateway_conf(gateway)->metrics_file;
    struct error error = {0};
    bool lost = file != NULL && !metrics_save(file, &error);
    /* Logged once, not every five seconds. */
    if (lost && !daemon->metrics_lost)
        log_write(LOG_LEVEL_WARNING, "%s", error.text);
    else if (!lost && daemon->metrics_lost)
        log_write(LOG_LEVEL_INFO, "writing metrics works again");
    daemon->metrics_lost = lost;
}

static void check_expiry(const struct conf *conf)
{
    owned(faults) struct faults *faults = faults_new();
    struct expiries expiries;
    expiries_read(conf, &expiries);
    expiries_check(&expiries, time(NULL), faults);
    expiries_measure(&expiries);
    expiries_clear(&expiries);
    for (size_t i = 0; i < faults_count(faults); i++)
        log_write(level_of(faults, i), "%s", faults_at(faults, i));
}

/* If we may not remove the PID file, truncate it so that it names no process. */
static void forget_pid(const struct daemon *daemon)
{
    if (daemon->pid_file >= 0 && unlink(daemon->started->pid_file) != 0 && ftruncate(daemon->pid_file, 0) != 0)
        log_write(LOG_LEVEL_WARNING, "pid_file %s: %s", daemon->started->pid_file, g_strerror(errno));
}

static void stop(void *context)
{
    struct daemon *daemon = context;
    log_write(LOG_LEVEL_INFO, "stopping after the messages in progress");
    process_notify_stopping();
    socket_refuse(daemon->listener);
    unsigned left = service_drain(daemon->service, DRAIN_SECONDS);
    struct gateway *gateway = service_gateway(daemon->service);
    gateway_stop_fetching(gateway);
    gateway_unref(gateway);
    save_metrics(daemon);
    socket_remove(daemon->started->listen);
    forget_pid(daemon);
    if (left > 0)
        log_write(LOG_LEVEL_WARNING, "stopped with %u unfinished messages; the mail server will retry them", left);
    else
        log_write(LOG_LEVEL_INFO, "stopped");
    /* exit() would destroy data that an unfinished message, or a look for keys, may still use. */
    if (left > 0 || !key_service_stop(daemon->key_service, KEYS_MILLISECONDS))
        _exit(daemon->status);
    exit(daemon->status);
}

/* Without a signal: the certificate is there when it suits the authority. A file that is not good, or not whole yet, is
 * tried again when it has changed. */
static void take_arrivals(struct daemon *daemon, const struct gateway *gateway)
{
    uint64_t arrivals = gateway_arrivals(gateway);
    if (arrivals == 0 || arrivals == daemon->arrivals)
        return;
    daemon->arrivals = arrivals;
    log_write(LOG_LEVEL_INFO, "a certificate that was awaited is there");
    reload(daemon);
}

static void tick(void *context)
{
    struct daemon *daemon = context;
    struct error error = {0};
    owned(gateway) struct gateway *gateway = service_gateway(daemon->service);
    gateway_tend(gateway, time(NULL), tell);
    if (gateway_misses_copies(gateway, time(NULL), &error)) {
        log_write(LOG_LEVEL_ERROR, "%s", error.text);
        metrics_add("domsec_split_lost_total", NULL, 1);
    }
    if (daily_is_due(&daemon->next_expiry, time(NULL)))
        check_expiry(gateway_conf(gateway));
    take_arrivals(daemon, gateway);
    save_metrics(daemon);
    if (key_service_is_lost(daemon->key_service)) {
        log_write(LOG_LEVEL_ERROR, "the process that starts the key processes has ended, and so does the daemon");
        daemon->status = EX_SOFTWARE;
        stop(daemon);
    }
}

static bool tell_place(const struct conf *conf, unsigned line, struct error *error)
{
    return line > 0 ? error_prefix(error, "%s:%u", conf->file, line) : error_prefix(error, "%s", conf->file);
}

static bool open_socket(struct daemon *daemon, const struct account *account, struct error *error)
{
    const struct conf *conf = daemon->started;
    daemon->listener = socket_open(conf->listen, account->uid, account->gid, error);
    return daemon->listener >= 0 || tell_place(conf, conf->listen_line, error);
}

/* Keeps the descriptor, so that the file can be truncated even without write access to its directory. */
static bool write_pid(struct daemon *daemon, struct error *error)
{
    const struct conf *conf = daemon->started;
    if (!process_write_pid(conf->pid_file, error))
        return tell_place(conf, conf->pid_file_line, error);
    if (conf->pid_file != NULL)
        daemon->pid_file = open(conf->pid_file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    return true;
}

/* After privileges were dropped, because the file must belong to the user. */
static bool remember_crashes(const struct daemon *daemon, struct error *error)
{
    const struct conf *conf = daemon->started;
    if (conf->state_dir != NULL)
        return crash_open(conf->state_dir, error) || tell_place(conf, conf->state_dir_line, error);
    if (crash_open(CONF_STATE_DEFAULT, error))
        return true;
    error_prefix(error, "messages that crash the daemon are not remembered; set state_directory");
    complain(daemon, LOG_LEVEL_WARNING, error->text);
    return true;
}

/* Listens and drops privileges. */
static bool start(struct daemon *daemon, struct error *error)
{
    const struct conf *conf = daemon->started;
    struct account account = {0};
    if (!account_find(conf->user, &account, error))
        return tell_place(conf, conf->user_line, error);
    bool started = session_register(daemon->service, NAME, socket_is_tcp(conf->listen), error) &&
                   smfi_settimeout((int)conf->timeout) == MI_SUCCESS && open_socket(daemon, &account, error) &&
                   write_pid(daemon, error) && account_become(&account, error) && remember_crashes(daemon, error) &&
                   (!conf->seccomp || sandbox_enter(SANDBOX_DAEMON, error));
    account_clear(&account);
    return started;
}

/* Apart from run(), which does not return while the daemon runs. */
static void complain_of_surroundings(const struct daemon *daemon)
{
    g_autofree char *library = smime_library_warning();
    if (library != NULL)
        complain(daemon, LOG_LEVEL_WARNING, library);
    if (geteuid() == 0)
        complain(daemon, LOG_LEVEL_WARNING, "running as root; set `user` in domsec.conf");
}

static void keep_fresh(const struct daemon *daemon)
{
    owned(gateway) struct gateway *gateway = service_gateway(daemon->service);
    gateway_keep_fresh(gateway);
}

static int failed_start(const struct daemon *daemon, const struct error *error)
{
    complain(daemon, LOG_LEVEL_ERROR, error->text);
    return error->kind == ERROR_CONFIGURATION ? EX_CONFIG : EX_UNAVAILABLE;
}

static int run(struct daemon *daemon)
{
    const struct signals_handler handler = {daemon, reload, stop, tick};
    owned(faults) struct faults *faults = faults_new();
    struct error error = {0};
    owned(gateway) struct gateway *gateway = open_gateway(daemon, NULL, faults);
    complain_faults(daemon, faults);
    if (gateway == NULL) /* more memory may be there at the next start, but nothing else will be different */
        return memory_failures() > 0 ? EX_OSERR : EX_CONFIG;

    const struct conf *conf = gateway_conf(gateway);
    log_set_level((enum log_level)conf->log_level);
    process_raise_limit();
    daemon->service = service_new(gateway);
    daemon->started = conf_ref((struct conf *)conf);
    /* From here on it is the service's alone, so that its keys end with it. */
    gateway_unref(steal(&gateway));
    if (!start(daemon, &error))
        return failed_start(daemon, &error);
    complain_of_surroundings(daemon);
    make_store(conf);
    keep_fresh(daemon);
    log_write(LOG_LEVEL_INFO, "started, version " DOMSEC_VERSION ", listening on %s", conf->listen);
    if (!signals_start(&handler, &error)) /* last: a reload or a stop works on what this thread has started */
        return failed_start(daemon, &error);
    process_ready();
    process_notify_ready();
    /* Returns only if libmilter has failed: otherwise stop() ends the process. */
    smfi_main();
    log_write(LOG_LEVEL_ERROR, "libmilter failed; see its messages in the system log");
    _exit(EX_SOFTWARE);
}

int main(int argc, char **argv)
{
    struct daemon daemon = {.listener = -1, .pid_file = -1};
    struct error error = {0};
    read_options(argc, argv, &daemon);
    log_open(NAME, daemon.foreground, LOG_LEVEL_INFO);
    /* With a fixed threshold, blocks for large messages return to the system when they are freed. By default glibc
     * raises the threshold at the first such block, and the heap then keeps the rest. */
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
    signals_block();
    if (!daemon.foreground && !process_under_systemd() && !process_background(&error)) {
        complain(&daemon, LOG_LEVEL_ERROR, error.text);
        return EX_OSERR;
    }
    daemon.key_service = key_service_start(daemon.file, daemon.foreground, tell, &error);
    if (daemon.key_service == NULL) {
        complain(&daemon, LOG_LEVEL_ERROR, error.text);
        return EX_OSERR;
    }
    int status = run(&daemon);
    service_free(daemon.service);
    key_service_free(daemon.key_service);
    g_free(daemon.file);
    conf_unref(daemon.started);
    return status;
}
