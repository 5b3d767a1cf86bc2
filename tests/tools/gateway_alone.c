/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_alone: what a message costs in the gateway, without libmilter, sockets and the log: the measure for what is
 * domsec's own.
 *
 *     gateway_alone -c CONFIGURATION -d outbound|inbound -m FILE -f FROM -r TO [-n TIMES]
 *
 * Prints the CPU time of one message in milliseconds, the mean as it is for the daemon.
 */
#include "clock.h"
#include "gateway/gateway.h"
#include "mail/mime.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    const char *configuration, *direction, *file, *from, *to;
    unsigned times;
};

static struct passage *take(struct gateway *gateway, enum direction direction, const struct envelope *envelope,
                            const struct message *message, time_t at)
{
    return gateway_pass(gateway, &(struct passage_request){
                                     .envelope = envelope, .message = message, .at = at, .direction = &direction});
}

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "gateway_alone: %s\n", what);
    exit(1);
}

static struct gateway *open_gateway(const char *file)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    struct gateway *gateway = conf != NULL ? gateway_open(conf, faults) : NULL;
    must(gateway != NULL, faults_count(faults) > 0 ? faults_at(faults, 0) : file);
    return gateway;
}

static struct message *read_message(const char *file, const struct limits *limits)
{
    struct error error = {0};
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    must(fd >= 0, file);
    struct message *message = message_read(fd, limits, &error);
    close(fd);
    must(message != NULL, error.text);
    return message;
}

static struct envelope *make_envelope(const struct options *options)
{
    struct envelope *envelope = envelope_new();
    struct address to = {0};
    struct error error = {0};
    must(address_parse(slice_of(options->from), &envelope->sender, &error), error.text);
    must(address_parse(slice_of(options->to), &to, &error), error.text);
    envelope_add_recipient(envelope, &to);
    address_clear(&to);
    envelope->client_address = g_strdup("127.0.0.1");
    return envelope;
}

static void handle(struct gateway *gateway, const struct options *options, const struct envelope *envelope,
                   const struct message *message)
{
    bool is_inbound = strcmp(options->direction, "inbound") == 0;
    owned(passage) struct passage *result = is_inbound
                                                ? take(gateway, DIRECTION_INBOUND, envelope, message, time(NULL))
                                                : take(gateway, DIRECTION_OUTBOUND, envelope, message, time(NULL));
    must(result->reply.verdict == VERDICT_ACCEPT, result->reply.reason);
}

static bool read_options(int argc, char **argv, struct options *options)
{
    int option;
    while ((option = getopt(argc, argv, "c:d:m:f:r:n:")) != -1) {
        switch (option) {
        case 'c':
            options->configuration = optarg;
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
        case 'n':
            options->times = (unsigned)strtoul(optarg, NULL, 10);
            break;
        default:
            return false;
        }
    }
    return options->configuration != NULL && options->direction != NULL && options->file != NULL &&
           options->from != NULL && options->to != NULL && options->times > 0;
}

int main(int argc, char **argv)
{
    struct options options = {.times = 100};
    if (!read_options(argc, argv, &options))
        return 64;
    mime_init();
    owned(gateway) struct gateway *gateway = open_gateway(options.configuration);
    owned(envelope) struct envelope *envelope = make_envelope(&options);

    owned(message) struct message *message = read_message(options.file, &gateway_conf(gateway)->limits);
    handle(gateway, &options, envelope, message); /* the first one fills caches */
    double begin = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < options.times; i++)
        handle(gateway, &options, envelope, message);
    printf("%.4f\n", (clock_ms(CLOCK_THREAD_CPUTIME_ID) - begin) / options.times);
    return 0;
}
