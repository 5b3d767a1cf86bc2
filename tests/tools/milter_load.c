/* SPDX-License-Identifier: Apache-2.0 */
/*
 * milter_load: messages through a milter as fast as it takes them, on many connections, and what that cost.
 *
 *     milter_load -a ADDRESS [-n CONNECTIONS] [-c MESSAGES] [-k PER-CONNECTION] [-m FILE | -s BYTES] [-f FROM] [-r
 * TO]...
 *                 [-u AUTH] [-i CLIENT-ADDRESS] [-w MILLISECONDS] [-p PID] [-V MTA] [-d DAEMON] [-b] [-t]
 *                 [-R] [-y TEXT] [-x TEXT]
 *
 * -m sends this message, else one of that many bytes is made. -b demands that the body is replaced, -t takes messages
 * that are deferred or refused too. -R sends what is deferred again, as an MTA does. The new body must contain the TEXT
 * of -y and must not contain that of -x. Prints one line of key=value: with -p also the daemon's CPU time per message
 * (of all its threads, also those that ended) and the growth of its peak memory over what it held before. Exits with 1
 * if a message was lost, refused or left as it was.
 */
#include "clock.h"
#include "support/milter_client.h"

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define RETRY_PAUSE 100000 /* microseconds */

struct load {
    const char *address, *from, *user, *client_address, *mta, *daemon, *needed, *forbidden;
    GPtrArray *to;
    char *message;
    size_t length;
    unsigned connections, messages, per_connection, pause_ms;
    bool need_body, any_outcome, insists;
    pid_t pid;
    gint next; /* messages begun */
    gint failed, deferred;
    double *milliseconds; /* by message */
};

static bool open_connection(const struct load *load, struct mc *client)
{
    if (!mc_open(client, load->address) || !mc_negotiate(client))
        return false;
    mc_macros(client, SMFIC_CONNECT, "{client_addr}", load->client_address, "{daemon_name}", load->daemon, "v",
              load->mta, NULL);
    return mc_connect(client, "client.test", load->client_address) && mc_helo(client, "client.test");
}

/* The first few failures tell; thousands would hide them. */
static void fail(struct load *load, const char *what, const char *why)
{
    if (g_atomic_int_add(&load->failed, 1) < 3)
        fprintf(stderr, "milter_load: %s: %s\n", what, why);
}

static bool has(const struct mc_outcome *outcome, const char *text)
{
    return outcome->body != NULL && memmem(outcome->body->data, outcome->body->len, text, strlen(text)) != NULL;
}

static bool is_right(const struct load *load, const struct mc_outcome *outcome)
{
    return mc_accepted(outcome) && (!load->need_body || outcome->body != NULL) && !outcome->disordered &&
           (load->needed == NULL || has(outcome, load->needed)) &&
           (load->forbidden == NULL || !has(outcome, load->forbidden));
}

static bool is_deferred(const struct mc_outcome *outcome)
{
    return outcome->disposition == 't' || (outcome->reply != NULL && outcome->reply[0] == '4');
}

enum sent { SENT, SENT_LATER, SENT_WRONG };

static enum sent send_one(struct load *load, struct mc *client, unsigned number)
{
    struct mc_outcome outcome = {0};
    char id[32];
    if (load->user != NULL)
        mc_macros(client, SMFIC_MAIL, "{auth_authen}", load->user, NULL);
    bool good = mc_mail(client, load->from, NULL);
    for (guint i = 0; i < load->to->len && good; i++)
        good = mc_rcpt(client, g_ptr_array_index(load->to, i));
    good = good && mc_data(client) && mc_message(client, load->message, load->length, 0);
    snprintf(id, sizeof(id), "LOAD%08X", number);
    mc_macros(client, SMFIC_BODYEOB, "i", id, NULL);
    good = good && mc_end(client, &outcome);
    bool later = good && load->insists && is_deferred(&outcome);
    if (good && !later && !load->any_outcome)
        good = is_right(load, &outcome);
    if (!good)
        fail(load, id, outcome.reply != NULL ? outcome.reply : "no answer, or not the one that was asked for");
    mc_outcome_clear(&outcome);
    return later ? SENT_LATER : good ? SENT : SENT_WRONG;
}

static bool send_until_taken(struct load *load, struct mc *client, unsigned number)
{
    enum sent sent;
    while ((sent = send_one(load, client, number)) == SENT_LATER) {
        g_atomic_int_inc(&load->deferred);
        g_usleep(RETRY_PAUSE);
    }
    return sent == SENT;
}

static void *worker(void *argument)
{
    struct load *load = argument;
    struct mc client = {.fd = -1};
    unsigned sent = 0;
    for (;;) {
        unsigned number = (unsigned)g_atomic_int_add(&load->next, 1);
        if (number >= load->messages)
            break;
        if (load->pause_ms > 0)
            g_usleep(load->pause_ms * 1000);
        double begin = clock_ms(CLOCK_MONOTONIC);
        if (client.fd < 0 && !open_connection(load, &client)) {
            fail(load, load->address, "no connection");
            mc_close(&client);
            continue;
        }
        bool good = send_until_taken(load, &client, number);
        load->milliseconds[number] = clock_ms(CLOCK_MONOTONIC) - begin;
        if (!good)
            mc_close(&client);
        else if (load->per_connection > 0 && ++sent % load->per_connection == 0)
            mc_quit(&client);
    }
    if (client.fd >= 0)
        mc_quit(&client);
    return NULL;
}

/* A field of /proc/PID/status, in kB. */
static long status_kb(pid_t pid, const char *field)
{
    char path[64], line[256];
    long value = -1;
    snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            value = strtol(line + strlen(field) + 1, NULL, 10);
    if (file != NULL)
        fclose(file);
    return value;
}

/* Processor time of a process and of those that it has started: the daemon's keys are in one of these. */
static double processor_ms(pid_t pid)
{
    char path[64];
    clockid_t clock;
    long child;
    double sum = clock_getcpuclockid(pid, &clock) == 0 ? clock_ms(clock) : 0;
    snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
    FILE *children = fopen(path, "r");
    while (children != NULL && fscanf(children, "%ld", &child) == 1)
        sum += processor_ms((pid_t)child);
    if (children != NULL)
        fclose(children);
    return sum;
}

static void reset_peak(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%ld/clear_refs", (long)pid);
    FILE *file = fopen(path, "w");
    if (file != NULL) {
        fputs("5", file);
        fclose(file);
    }
}

static void make_message(struct load *load, size_t bytes)
{
    GString *text = g_string_sized_new(bytes + 128);
    g_string_append_printf(text,
                           "From: Load <%s>\r\nTo: <%s>\r\nSubject: load\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\n"
                           "Message-ID: <load@acme.test>\r\nMIME-Version: 1.0\r\n"
                           "Content-Type: text/plain; charset=us-ascii\r\n\r\n",
                           load->from, (const char *)g_ptr_array_index(load->to, 0));
    unsigned state = 1;
    while (text->len + 76 < bytes) {
        for (int i = 0; i < 74; i++) {
            state = state * 1103515245u + 12345u;
            g_string_append_c(text, (char)('!' + (state >> 16) % 90));
        }
        g_string_append(text, "\r\n");
    }
    g_string_append(text, "end\r\n");
    load->length = text->len;
    load->message = g_string_free(text, FALSE);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void run(struct load *load)
{
    pthread_t *threads = g_new0(pthread_t, load->connections);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    for (unsigned i = 0; i < load->connections; i++)
        if (pthread_create(&threads[i], &attributes, worker, load) != 0)
            exit(1);
    for (unsigned i = 0; i < load->connections; i++)
        pthread_join(threads[i], NULL);
    pthread_attr_destroy(&attributes);
    g_free(threads);
}

static void report(struct load *load, double wall, double cpu, long grown)
{
    qsort(load->milliseconds, load->messages, sizeof(*load->milliseconds), compare);
    printf("messages=%u failed=%d bytes=%zu seconds=%.3f per_second=%.1f p50_ms=%.3f p99_ms=%.3f max_ms=%.3f",
           load->messages, load->failed, load->length, wall / 1e3, load->messages / (wall / 1e3),
           load->milliseconds[load->messages / 2], load->milliseconds[load->messages * 99 / 100],
           load->milliseconds[load->messages - 1]);
    if (load->insists)
        printf(" deferred=%d", load->deferred);
    if (load->pid > 0)
        printf(" cpu_ms=%.4f growth_kb=%ld", cpu / load->messages, grown);
    putchar('\n');
}

static bool read_options(int argc, char **argv, struct load *load, size_t *bytes, char **file)
{
    int option;
    while ((option = getopt(argc, argv, "a:n:c:k:m:s:f:r:u:i:w:p:V:d:btRy:x:")) != -1) {
        switch (option) {
        case 'a':
            load->address = optarg;
            break;
        case 'n':
            load->connections = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'c':
            load->messages = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'k':
            load->per_connection = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'm':
            *file = optarg;
            break;
        case 'R':
            load->insists = true;
            break;
        case 'y':
            load->needed = optarg;
            break;
        case 'x':
            load->forbidden = optarg;
            break;
        case 's':
            *bytes = strtoul(optarg, NULL, 10);
            break;
        case 'f':
            load->from = optarg;
            break;
        case 'r':
            g_ptr_array_add(load->to, optarg);
            break;
        case 'u':
            load->user = optarg;
            break;
        case 'i':
            load->client_address = optarg;
            break;
        case 'w':
            load->pause_ms = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'p':
            load->pid = (pid_t)strtol(optarg, NULL, 10);
            break;
        case 'V':
            load->mta = optarg;
            break;
        case 'd':
            load->daemon = optarg;
            break;
        case 'b':
            load->need_body = true;
            break;
        case 't':
            load->any_outcome = true;
            break;
        default:
            return false;
        }
    }
    return load->address != NULL && load->connections > 0 && load->messages > 0;
}

int main(int argc, char **argv)
{
    struct load load = {.from = "alice@acme.test",
                        .client_address = "127.0.0.1",
                        .mta = "Postfix 3.7.11",
                        .daemon = "load",
                        .connections = 8,
                        .messages = 1000,
                        .to = g_ptr_array_new()};
    size_t bytes = 10240;
    char *file = NULL;
    if (!read_options(argc, argv, &load, &bytes, &file)) {
        fprintf(stderr, "usage: milter_load -a ADDRESS [-n N] [-c N] [-k N] [-m FILE | -s BYTES] [-f FROM] [-r TO]... "
                        "[-u AUTH] [-i CLIENT] [-w MS] [-p PID] [-V MTA] [-d DAEMON] [-b] [-t]\n");
        return 64;
    }
    if (load.to->len == 0)
        g_ptr_array_add(load.to, (char *)"bob@partner.test");
    if (file == NULL)
        make_message(&load, bytes);
    else if (!g_file_get_contents(file, &load.message, &load.length, NULL))
        return 66;
    if (load.pid > 0 && kill(load.pid, 0) != 0)
        return 69;
    load.milliseconds = g_new0(double, load.messages);

    if (load.pid > 0)
        reset_peak(load.pid);
    long before = load.pid > 0 ? status_kb(load.pid, "VmRSS") : 0;
    double cpu = load.pid > 0 ? processor_ms(load.pid) : 0;
    double begin = clock_ms(CLOCK_MONOTONIC);
    run(&load);
    double wall = clock_ms(CLOCK_MONOTONIC) - begin;
    cpu = load.pid > 0 ? processor_ms(load.pid) - cpu : 0;
    report(&load, wall, cpu, load.pid > 0 ? status_kb(load.pid, "VmHWM") - before : 0);
    g_free(load.milliseconds);
    g_free(load.message);
    g_ptr_array_free(load.to, TRUE);
    return load.failed == 0 ? 0 : 1;
}
