/* SPDX-License-Identifier: Apache-2.0 */
/* What sessions share: turns in order and never too many, the gateway in force, the end. */
#include "milter/service.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>

static struct gateway *open_gateway(unsigned threads)
{
    owned(faults) struct faults *faults = faults_new();
    g_autofree char *folder = g_dir_make_tmp("domsec-service-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(folder, "domsec.conf", NULL);
    g_autofree char *text = g_strdup_printf(
        "local_domains = ( \"acme.test\" );\nspool_directory = \"%s\";\ncrypto_threads = %u;\n", folder, threads);
    cr_assert(g_file_set_contents(file, text, -1, NULL));
    owned(conf) struct conf *conf = conf_load(file, faults);
    cr_assert_not_null(conf, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");
    struct gateway *gateway = gateway_open(conf, faults);
    cr_assert_not_null(gateway, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");
    g_unlink(file);
    g_rmdir(folder);
    return gateway;
}

static bool enter(struct service *service, unsigned seconds)
{
    return service_enter(service, "a", &(struct waiting){.seconds = seconds});
}

static void leave(struct service *service)
{
    service_pause(service, "a", 0);
    service_finish(service);
}

struct crowd {
    struct service *service;
    gint inside, most, served;
};

static void *one(void *argument)
{
    struct crowd *crowd = argument;
    for (int i = 0; i < 50; i++) {
        if (!enter(crowd->service, 60))
            return NULL;
        int inside = g_atomic_int_add(&crowd->inside, 1) + 1;
        int most = g_atomic_int_get(&crowd->most);
        while (inside > most && !g_atomic_int_compare_and_exchange(&crowd->most, most, inside))
            most = g_atomic_int_get(&crowd->most);
        g_usleep(50);
        g_atomic_int_add(&crowd->inside, -1);
        g_atomic_int_inc(&crowd->served);
        leave(crowd->service);
    }
    return NULL;
}

Test(service, never_more_than_crypto_threads)
{
    owned(gateway) struct gateway *gateway = open_gateway(3);
    owned(service) struct service *service = service_new(gateway);
    struct crowd crowd = {.service = service};
    pthread_t threads[20];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, one, &crowd), 0);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(crowd.served, 1000);
    cr_expect_eq(crowd.most, 3);
}

Test(service, a_turn_that_does_not_come)
{
    owned(gateway) struct gateway *gateway = open_gateway(1);
    owned(service) struct service *service = service_new(gateway);
    cr_assert(enter(service, 0));
    cr_expect_not(enter(service, 0));
    leave(service);
    cr_expect(enter(service, 0));
    leave(service);
}

struct place {
    struct service *service;
    GString *order;
    char name;
};

static void *stand_in_line(void *argument)
{
    struct place *place = argument;
    if (enter(place->service, 60)) {
        g_string_append_c(place->order, place->name); /* one turn at a time */
        leave(place->service);
    }
    return NULL;
}

Test(service, first_come_first_served)
{
    owned(gateway) struct gateway *gateway = open_gateway(1);
    owned(service) struct service *service = service_new(gateway);
    pthread_t threads[6];
    struct place places[6];
    GString *order = g_string_new(NULL);
    cr_assert(enter(service, 0));
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
        places[i] = (struct place){service, order, (char)('a' + i)};
        cr_assert_eq(pthread_create(&threads[i], NULL, stand_in_line, &places[i]), 0);
        g_usleep(100000);
    }
    leave(service);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
    cr_expect_str_eq(order->str, "abcdef");
    g_string_free(order, TRUE);
}

static void count(void *context)
{
    g_atomic_int_inc((gint *)context);
}

static gint told;

static void *stand_and_tell(void *argument)
{
    struct place *place = argument;
    const struct waiting waiting = {.seconds = 1, .tell = count, .context = &told};
    service_enter(place->service, "a", &waiting);
    g_string_append_c(place->order, place->name);
    leave(place->service);
    return NULL;
}

/* Who has waited so long that its MTA had to be told does not go back to the end of the line. */
Test(service, who_tells_keeps_its_place)
{
    owned(gateway) struct gateway *gateway = open_gateway(1);
    owned(service) struct service *service = service_new(gateway);
    GString *order = g_string_new(NULL);
    struct place first = {service, order, 'a'}, second = {service, order, 'b'};
    pthread_t threads[2];
    cr_assert(enter(service, 0));
    cr_assert_eq(pthread_create(&threads[0], NULL, stand_and_tell, &first), 0);
    g_usleep(500000);
    cr_assert_eq(pthread_create(&threads[1], NULL, stand_in_line, &second), 0);
    g_usleep(1000000);
    leave(service);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
    cr_expect_str_eq(order->str, "ab");
    cr_expect_eq(told, 1);
    g_string_free(order, TRUE);
}

/* Takes the turn as soon as it can, and says so. */
static void *pass(void *argument)
{
    struct place *place = argument;
    const char client[] = {place->name, '\0'};
    if (!service_enter(place->service, client, &(struct waiting){.seconds = 60}))
        return NULL;
    g_string_append_c(place->order, place->name);
    service_pause(place->service, client, 1000);
    service_finish(place->service);
    return NULL;
}

/* A message that takes long lets those pass whose clients have used less, and only them. */
Test(service, a_long_turn_rests)
{
    owned(gateway) struct gateway *gateway = open_gateway(1);
    owned(service) struct service *service = service_new(gateway);
    const struct waiting waiting = {.seconds = 60};
    GString *order = g_string_new(NULL);
    struct place places[] = {{service, order, 'b'}, {service, order, 'a'}, {service, order, 'c'}};
    pthread_t threads[G_N_ELEMENTS(places)];
    cr_assert(enter(service, 0));
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, pass, &places[i]), 0);
        g_usleep(100000);
    }
    service_rest(service, "a", 0, &waiting);
    cr_expect_str_eq(order->str, "", "it has used nothing: nobody has used less");
    service_rest(service, "a", 10000, &waiting);
    cr_expect_str_eq(order->str, "bc", "its own client's next message waits: %s", order->str);
    g_string_append_c(order, '.');
    service_rest(service, "a", 10000, &waiting);
    cr_expect_str_eq(order->str, "bc.", "nobody else waits");
    service_pause(service, "a", 0);
    service_finish(service);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
    cr_expect_str_eq(order->str, "bc.a");
    cr_expect_eq(service_drain(service, 0), 0);
    g_string_free(order, TRUE);
}

Test(service, replacing_the_gateway)
{
    owned(gateway) struct gateway *first = open_gateway(1);
    owned(gateway) struct gateway *second = open_gateway(2);
    owned(service) struct service *service = service_new(first);
    owned(gateway) struct gateway *held = service_gateway(service);
    cr_expect_eq(held, first);
    service_replace(service, second);
    owned(gateway) struct gateway *now = service_gateway(service);
    cr_expect_eq(now, second);
    cr_expect_eq(gateway_conf(held)->max_crypto, 1, "who holds the old one may go on with it");
    cr_expect(enter(service, 0) && enter(service, 0), "the new limit");
    cr_expect_not(enter(service, 0));
    leave(service);
    leave(service);
}

Test(service, drain)
{
    owned(gateway) struct gateway *gateway = open_gateway(1);
    owned(service) struct service *service = service_new(gateway);
    cr_expect(service_message_begin(service));
    cr_expect_eq(service_drain(service, 0), 1, "one is in hand");
    cr_expect_not(service_message_begin(service), "no more are counted");
    service_message_end(service);
    cr_expect_eq(service_drain(service, 0), 0);
    cr_expect_not(enter(service, 0), "no more turns");
}

static void *end_later(void *argument)
{
    g_usleep(300000);
    leave(argument);
    service_message_end(argument);
    return NULL;
}

Test(service, drain_waits)
{
    owned(gateway) struct gateway *gateway = open_gateway(1);
    owned(service) struct service *service = service_new(gateway);
    pthread_t thread;
    cr_assert(service_message_begin(service) && enter(service, 0));
    cr_assert_eq(pthread_create(&thread, NULL, end_later, service), 0);
    gint64 begin = g_get_monotonic_time();
    cr_expect_eq(service_drain(service, 30), 0);
    cr_expect_geq(g_get_monotonic_time() - begin, 700000, "and for the verdict to be sent");
    pthread_join(thread, NULL);
}

/* A message between two turns may use what exit() would destroy: the end waits for it, and it gets its second turn. */
static void *resume_later(void *argument)
{
    unsigned times = 0;
    g_usleep(300000);
    const struct waiting waiting = {.seconds = 1, .tell = count, .context = &times};
    service_resume(argument, "a", &waiting);
    leave(argument);
    return NULL;
}

Test(service, drain_waits_for_a_pause)
{
    owned(gateway) struct gateway *gateway = open_gateway(1);
    owned(service) struct service *service = service_new(gateway);
    pthread_t thread;
    cr_assert(enter(service, 0));
    service_pause(service, "a", 0);
    cr_expect(enter(service, 0), "another message has the turn meanwhile");
    leave(service);
    cr_expect_eq(service_drain(service, 0), 1, "the paused one is not done");
    cr_assert_eq(pthread_create(&thread, NULL, resume_later, service), 0);
    cr_expect_eq(service_drain(service, 30), 0);
    pthread_join(thread, NULL);
    cr_expect_not(enter(service, 0), "no more turns");
}

Test(service, a_pause_may_end_without_a_turn)
{
    owned(gateway) struct gateway *gateway = open_gateway(1);
    owned(service) struct service *service = service_new(gateway);
    cr_assert(enter(service, 0));
    service_pause(service, "a", 0);
    service_finish(service);
    cr_expect_eq(service_drain(service, 0), 0);
}
