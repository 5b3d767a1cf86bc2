/* SPDX-License-Identifier: Apache-2.0 */
#include "support/store_home.h"

#include <string.h>

struct store_home *store_home_new(void)
{
    struct store_home *home = g_new0(struct store_home, 1);
    home->folder = folder_new();
    home->file = g_build_filename(home->folder, "store.db", NULL);
    home->uri = g_strconcat("sqlite:", home->file, NULL);
    home->store = store_open(home->uri);
    return home;
}

void store_home_free(struct store_home *home)
{
    store_close(home->store);
    folder_remove(home->folder);
    g_free(home->file);
    g_free(home->uri);
    g_free(home);
}

bool store_home_add(struct store *store, const char *text, const char *name, int from, int until, struct error *error)
{
    enum store_added added = STORE_KNOWN;
    const struct store_name names[] = {{name, strchr(name, '@') != NULL ? 0 : 1}};
    const struct store_addition addition = {.der = slice_of(text),
                                            .added = STORE_NOW,
                                            .not_before = STORE_NOW + (int64_t)from * STORE_DAY,
                                            .not_after = STORE_NOW + (int64_t)until * STORE_DAY,
                                            .names = names,
                                            .name_count = 1};
    return store_certificates_add(store, &addition, 1, &added, error);
}

char *store_home_find(struct store *store, const char *name)
{
    struct error error = {0};
    owned(store_certificates) struct store_certificates found = {0};
    const struct store_name names[] = {{name, strchr(name, '@') != NULL ? 0 : 1}};
    const struct store_question question = {
        .names = names, .count = 1, .at = STORE_NOW, .deadline = g_get_monotonic_time() + G_USEC_PER_SEC / 5};
    switch (store_certificates_find(store, &question, &found, &error)) {
    case FOUND_NONE:
        cr_expect_eq(found.count, 0);
        return g_strdup("none");
    case FOUND_FAILED:
        cr_expect_eq(found.count, 0);
        return g_strdup_printf("failed: %s", error.text);
    case FOUND:
        break;
    }
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < found.count; i++)
        g_string_append_printf(text, "%s%.*s", i > 0 ? " " : "", (int)found.list[i].der.len, found.list[i].der.data);
    return g_string_free(text, FALSE);
}

long store_home_count(struct store *store, struct error *error)
{
    long count = 0;
    int64_t after = 0;
    for (;;) {
        owned(store_certificates) struct store_certificates page = {0};
        if (!store_certificates_page(store, after, 100, &page, error))
            return -1;
        if (page.count == 0)
            return count;
        count += (long)page.count;
        after = page.list[page.count - 1].id;
    }
}
