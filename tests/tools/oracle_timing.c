/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle_timing: does the time of an answer tell what a change did to a message in CBC?
 *
 *     oracle_timing -a MILTER [-p PID] | -s IP:PORT [-n TIMES] [-f FROM] [-r TO] [-i CLIENT-ADDRESS] MESSAGE SECOND
 *
 * MESSAGE and SECOND are EnvelopedData around the same content for the same recipient, base64 below one header, with at
 * most 15 octets of padding. Five variants are sent TIMES times each, in random order: as it is (whole); with an octet
 * of the last block but one changed, so that this block becomes noise and the last block has another first octet
 * (right) or another length of the padding (padding); with the content of SECOND (key); with a key that does not come
 * out (unwrap).
 *
 * The clock runs from the end of the message to the last word about it, as the milter's client sees it (-a) or the mail
 * server's (-s); with -p it is the processor time of the daemon, which shows differences where others keep the machine
 * busy. Prints for each variant the mean, median and standard deviation in microseconds, and Welch's t for each pair:
 * of all times, and of those below the 90th percentile of all, which an attacker would look at.
 */
#include "clock.h"
#include "smtp_net.h"
#include "support/milter_client.h"

#include <getopt.h>
#include <math.h>

enum variant { WHOLE, RIGHT, PADDING, KEY, UNWRAP, VARIANTS };
static const char *const names[VARIANTS] = {"whole", "right", "padding", "key", "unwrap"};

struct timing {
    const char *milter, *server, *from, *to, *client_address;
    unsigned times;
    clockid_t clock;
    bool counts_work; /* the clock is the daemon's */
    char *messages[VARIANTS];
    struct mc client;
    FILE *in; /* of the SMTP connection */
    int fd;
};

static void __attribute__((noreturn)) die(const char *what)
{
    fprintf(stderr, "oracle_timing: %s\n", what);
    exit(1);
}

/* --- the variants --- */

struct envelope {
    char *header;
    guchar *der;
    gsize length;
    gsize cipher; /* where the content encryption algorithm's parameters and the content begin */
    gsize key;    /* an octet of the last recipient's encrypted key */
};

static gsize find(const struct envelope *envelope, const char *octets, gsize length)
{
    const guchar *at = memmem(envelope->der, envelope->length, octets, length);
    if (at == NULL)
        die("no EnvelopedData in AES-256-CBC");
    return (gsize)(at - envelope->der);
}

static void read_envelope(const char *file, struct envelope *envelope)
{
    g_autofree char *text = NULL;
    if (!g_file_get_contents(file, &text, NULL, NULL))
        die(file);
    const char *body = strstr(text, "\r\n\r\n");
    if (body == NULL)
        die("no empty line");
    envelope->header = g_strndup(text, (gsize)(body + 4 - text));
    envelope->der = g_base64_decode(body, &envelope->length);
    envelope->cipher = find(envelope, "\x60\x86\x48\x01\x65\x03\x04\x01\x2a\x04\x10", 11) + 11;
    /* The SEQUENCE before id-data is the EncryptedContentInfo; the recipients end with it. */
    envelope->key = find(envelope, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", 11) - 12;
}

static char *write_message(const struct envelope *envelope)
{
    GString *text = g_string_new(envelope->header);
    g_autofree char *base64 = g_base64_encode(envelope->der, envelope->length);
    for (size_t at = 0, length = strlen(base64); at < length; at += 76) {
        g_string_append_len(text, base64 + at, (gssize)MIN(76, length - at));
        g_string_append(text, "\r\n");
    }
    return g_string_free(text, FALSE);
}

static void make_variants(struct timing *timing, const char *file, const char *second_file)
{
    struct envelope envelope, second;
    read_envelope(file, &envelope);
    read_envelope(second_file, &second);
    if (envelope.length != second.length || envelope.cipher != second.cipher)
        die("the two messages differ in length");
    timing->messages[WHOLE] = write_message(&envelope);
    envelope.der[envelope.length - 32] ^= 1;
    timing->messages[RIGHT] = write_message(&envelope);
    envelope.der[envelope.length - 32] ^= 1;
    envelope.der[envelope.length - 17] ^= 0x80;
    timing->messages[PADDING] = write_message(&envelope);
    envelope.der[envelope.length - 17] ^= 0x80;
    envelope.der[envelope.key] ^= 1;
    timing->messages[UNWRAP] = write_message(&envelope);
    envelope.der[envelope.key] ^= 1;
    memcpy(envelope.der + envelope.cipher, second.der + second.cipher, second.length - second.cipher);
    timing->messages[KEY] = write_message(&envelope);
}

/* --- the way to the milter --- */

static void wait_for_daemon(void)
{
    g_usleep(1000);
}

static double send_to_milter(struct timing *timing, const char *message)
{
    struct mc *client = &timing->client;
    struct mc_outcome outcome = {0};
    bool good = mc_mail(client, timing->from, NULL) && mc_rcpt(client, timing->to) && mc_data(client) &&
                mc_message(client, message, strlen(message), 0) && mc_flush(client);
    if (!good)
        die("the milter ended the connection");
    wait_for_daemon(); /* to read everything */
    mc_macros(client, SMFIC_BODYEOB, "i", "TIMING", NULL);
    double begin = clock_ms(timing->clock);
    if (!mc_end(client, &outcome))
        die("no answer");
    if (timing->counts_work)
        wait_for_daemon(); /* to tidy up */
    double end = clock_ms(timing->clock);
    if (!mc_accepted(&outcome))
        die(outcome.reply != NULL ? outcome.reply : "not accepted");
    mc_outcome_clear(&outcome);
    return (end - begin) * 1e3;
}

static void open_milter(struct timing *timing)
{
    struct mc *client = &timing->client;
    if (!mc_open(client, timing->milter) || !mc_negotiate(client))
        die(timing->milter);
    mc_macros(client, SMFIC_CONNECT, "{client_addr}", timing->client_address, NULL);
    if (!mc_connect(client, "client.test", timing->client_address) || !mc_helo(client, "client.test"))
        die("not welcome");
}

/* --- the way to the mail server --- */

static void expect(struct timing *timing, char class)
{
    char line[2048];
    do {
        if (fgets(line, sizeof(line), timing->in) == NULL)
            die("the mail server ended the connection");
        if (line[0] != class)
            die(line);
    } while (strlen(line) > 3 && line[3] == '-');
}

static void say(struct timing *timing, char class, const char *verb, const char *argument)
{
    g_autofree char *line = g_strconcat(verb, argument, "\r\n", NULL);
    if (!net_write(timing->fd, line, strlen(line)))
        die("the mail server ended the connection");
    expect(timing, class);
}

static double send_to_server(struct timing *timing, const char *message)
{
    g_autofree char *from = g_strconcat("<", timing->from, ">", NULL), *to = g_strconcat("<", timing->to, ">", NULL);
    say(timing, '2', "MAIL FROM:", from);
    say(timing, '2', "RCPT TO:", to);
    say(timing, '3', "DATA", "");
    if (!net_write(timing->fd, message, strlen(message)))
        die("the mail server ended the connection");
    g_usleep(5000);
    double begin = clock_ms(CLOCK_MONOTONIC);
    say(timing, '2', ".", "");
    return (clock_ms(CLOCK_MONOTONIC) - begin) * 1e3;
}

static void open_server(struct timing *timing)
{
    timing->fd = net_connect(timing->server, timing->client_address);
    timing->in = timing->fd >= 0 ? fdopen(timing->fd, "r") : NULL;
    if (timing->in == NULL)
        die(timing->server);
    expect(timing, '2');
    say(timing, '2', "EHLO ", "client.test");
}

/* --- statistics --- */

struct moments {
    double mean, variance, count;
};

static struct moments moments_of(const GArray *times, double limit)
{
    struct moments moments = {0};
    double squares = 0;
    for (guint i = 0; i < times->len; i++) {
        double x = g_array_index(times, double, i);
        if (x > limit)
            continue;
        moments.count++;
        double delta = x - moments.mean;
        moments.mean += delta / moments.count;
        squares += delta * (x - moments.mean);
    }
    moments.variance = squares / (moments.count - 1);
    return moments;
}

static double welch(struct moments a, struct moments b)
{
    return (a.mean - b.mean) / sqrt(a.variance / a.count + b.variance / b.count);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const GArray *times, unsigned percent)
{
    g_autoptr(GArray) sorted = g_array_copy((GArray *)times);
    qsort(sorted->data, sorted->len, sizeof(double), compare);
    return g_array_index(sorted, double, sorted->len *percent / 100);
}

static void report(GArray *const *times)
{
    static const enum variant pairs[][2] = {{WHOLE, PADDING}, {RIGHT, PADDING}, {PADDING, KEY}, {PADDING, UNWRAP}};
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(double));
    for (unsigned i = 0; i < VARIANTS; i++) {
        struct moments m = moments_of(times[i], INFINITY);
        printf("%-8s n=%u mean=%.2f median=%.2f sd=%.2f us\n", names[i], times[i]->len, m.mean,
               percentile(times[i], 50), sqrt(m.variance));
        g_array_append_vals(all, times[i]->data, times[i]->len);
    }
    double limit = percentile(all, 90);
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        const GArray *a = times[pairs[i][0]], *b = times[pairs[i][1]];
        printf("%s/%s: t=%.2f, below the 90th percentile t=%.2f\n", names[pairs[i][0]], names[pairs[i][1]],
               welch(moments_of(a, INFINITY), moments_of(b, INFINITY)),
               welch(moments_of(a, limit), moments_of(b, limit)));
    }
}

static void measure(struct timing *timing)
{
    GArray *times[VARIANTS];
    unsigned total = timing->times * VARIANTS;
    g_autofree unsigned char *order = g_malloc(total);
    for (unsigned i = 0; i < VARIANTS; i++)
        times[i] = g_array_new(FALSE, FALSE, sizeof(double));
    for (unsigned i = 0; i < total; i++)
        order[i] = (unsigned char)(i % VARIANTS);
    for (unsigned i = total - 1; i > 0; i--) {
        unsigned j = (unsigned)g_random_int_range(0, (gint)i + 1);
        unsigned char swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
    for (unsigned i = 0; i < 4 * VARIANTS; i++) /* fills caches */
        timing->milter != NULL ? send_to_milter(timing, timing->messages[i % VARIANTS])
                               : send_to_server(timing, timing->messages[i % VARIANTS]);
    for (unsigned i = 0; i < total; i++) {
        const char *message = timing->messages[order[i]];
        double microseconds =
            timing->milter != NULL ? send_to_milter(timing, message) : send_to_server(timing, message);
        g_array_append_val(times[order[i]], microseconds);
    }
    report(times);
    for (unsigned i = 0; i < VARIANTS; i++)
        g_array_unref(times[i]);
}

static bool read_options(int argc, char **argv, struct timing *timing)
{
    int option;
    while ((option = getopt(argc, argv, "a:s:n:f:r:i:p:")) != -1) {
        switch (option) {
        case 'a':
            timing->milter = optarg;
            break;
        case 's':
            timing->server = optarg;
            break;
        case 'n':
            timing->times = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'f':
            timing->from = optarg;
            break;
        case 'r':
            timing->to = optarg;
            break;
        case 'i':
            timing->client_address = optarg;
            break;
        case 'p':
            timing->counts_work = true;
            if (clock_getcpuclockid((pid_t)strtol(optarg, NULL, 10), &timing->clock) != 0)
                die("no such process");
            break;
        default:
            return false;
        }
    }
    return (timing->milter == NULL) != (timing->server == NULL) && (timing->milter != NULL || !timing->counts_work) &&
           timing->times > 1 && argc - optind == 2;
}

int main(int argc, char **argv)
{
    struct timing timing = {
        .times = 5000, .clock = CLOCK_MONOTONIC, .from = "alice@acme.test", .to = "bob@partner.test"};
    if (!read_options(argc, argv, &timing)) {
        fprintf(stderr,
                "usage: oracle_timing -a MILTER [-p PID] | -s IP:PORT [-n TIMES] [-f FROM] [-r TO] [-i CLIENT] MESSAGE "
                "SECOND\n");
        return 64;
    }
    make_variants(&timing, argv[optind], argv[optind + 1]);
    if (timing.milter != NULL) {
        if (timing.client_address == NULL)
            timing.client_address = "192.0.2.1";
        open_milter(&timing);
    } else {
        open_server(&timing);
    }
    measure(&timing);
    return 0;
}
