/* SPDX-License-Identifier: Apache-2.0 */
#include "support/scripted_certs.h"

#include <stdarg.h>

struct line {
    GPtrArray *own, *group, *domain; /* X509 * */
    struct error failure;            /* kind ERROR_NONE: none */
    bool failed_own, silent;
};

static void line_free(void *data)
{
    struct line *line = data;
    g_ptr_array_unref(line->own);
    g_ptr_array_unref(line->group);
    g_ptr_array_unref(line->domain);
    g_free(line);
}

static struct line *line_of(struct scripted_certs *script, const char *address)
{
    struct line *line = g_hash_table_lookup(script->lines, address);
    if (line != NULL)
        return line;
    line = g_new0(struct line, 1);
    line->own = g_ptr_array_new_with_free_func((GDestroyNotify)X509_free);
    line->group = g_ptr_array_new_with_free_func((GDestroyNotify)X509_free);
    line->domain = g_ptr_array_new_with_free_func((GDestroyNotify)X509_free);
    g_hash_table_insert(script->lines, g_strdup(address), line);
    return line;
}

static void add(GPtrArray *list, X509 *certificate)
{
    X509_up_ref(certificate);
    g_ptr_array_add(list, certificate);
}

void scripted_certs_own(struct scripted_certs *script, const char *address, X509 *certificate)
{
    add(line_of(script, address)->own, certificate);
}

void scripted_certs_group(struct scripted_certs *script, const char *address, X509 *certificate)
{
    add(line_of(script, address)->group, certificate);
}

void scripted_certs_domain(struct scripted_certs *script, const char *address, X509 *certificate)
{
    add(line_of(script, address)->domain, certificate);
}

void scripted_certs_fail(struct scripted_certs *script, const char *address, bool personal, enum error_kind kind,
                         const char *text)
{
    struct line *line = line_of(script, address);
    error_set_foreign(&line->failure, kind, "ldap_result(-1)", "%s", text);
    line->failed_own = personal;
}

void scripted_certs_silent(struct scripted_certs *script, const char *address)
{
    line_of(script, address)->silent = true;
}

/* --- the source --- */

static void answer(struct scripted_certs *script, struct certs_question *question)
{
    const struct line *line = g_hash_table_lookup(script->lines, question->query->address->text);
    if (line == NULL) {
        certs_question_answered(question);
        return;
    }
    for (guint i = 0; i < line->own->len; i++)
        certs_question_add(question, g_ptr_array_index(line->own, i), true, NULL);
    static const struct group_conf group;
    for (guint i = 0; i < line->group->len; i++)
        certs_question_add_of_group(question, g_ptr_array_index(line->group, i), &group, NULL);
    for (guint i = 0; i < line->domain->len; i++)
        certs_question_add(question, g_ptr_array_index(line->domain, i), false, NULL);
    if (line->silent)
        return;
    if (line->failure.kind != ERROR_NONE)
        certs_question_failed(question, line->failed_own, &line->failure);
    else
        certs_question_answered(question);
}

void scripted_certs_forget(struct scripted_certs *script, const char *address)
{
    g_ptr_array_set_size(line_of(script, address)->own, 0);
}

void scripted_certs_hang(struct scripted_certs *script, const char *ending)
{
    g_mutex_lock(&script->lock);
    g_free(script->held);
    script->held = g_strdup(ending);
    g_cond_broadcast(&script->released);
    g_mutex_unlock(&script->lock);
}

void scripted_certs_set_slow(struct scripted_certs *script, bool slow)
{
    __atomic_store_n(&script->slow, slow, __ATOMIC_RELAXED);
}

static bool is_slow(const struct scripted_certs *script)
{
    return __atomic_load_n(&script->slow, __ATOMIC_RELAXED);
}

uint64_t scripted_certs_version(void *script)
{
    return ((const struct scripted_certs *)script)->changes;
}

unsigned scripted_certs_batches(struct scripted_certs *script)
{
    g_mutex_lock(&script->lock);
    unsigned batches = script->batches;
    g_mutex_unlock(&script->lock);
    return batches;
}

static bool hangs(const struct scripted_certs *script, struct certs_question *const *questions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (script->held != NULL && g_str_has_suffix(questions[i]->query->address->text, script->held))
            return true;
    return false;
}

static void script_ask(void *state, struct certs_question *const *questions, size_t count, int64_t deadline)
{
    struct scripted_certs *script = state;
    struct error late = {0};
    g_mutex_lock(&script->lock);
    script->batches++;
    script->deadline = deadline;
    for (size_t i = 0; i < count; i++)
        g_string_append_printf(script->asked, "%s ", questions[i]->query->address->text);
    while (hangs(script, questions, count))
        g_cond_wait(&script->released, &script->lock);
    g_mutex_unlock(&script->lock);
    bool slow = is_slow(script);
    while (is_slow(script) && g_get_monotonic_time() < deadline)
        g_usleep(1000);
    error_set(&late, ERROR_TEMPORARY, "%s: timed out", script->source.name);
    for (size_t i = 0; i < count; i++) {
        certs_question_valid_for(questions[i], script->seconds);
        if (slow)
            certs_question_failed(questions[i], true, &late);
        else
            answer(script, questions[i]);
    }
}

static void script_close(void *state)
{
    scripted_certs_free(state);
}

struct scripted_certs *scripted_certs_new(const char *name)
{
    struct scripted_certs *script = g_new0(struct scripted_certs, 1);
    script->source = (struct certs_source){.name = name, .close = script_close, .ask = script_ask};
    script->lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, line_free);
    script->asked = g_string_new(NULL);
    g_mutex_init(&script->lock);
    g_cond_init(&script->released);
    return script;
}

void scripted_certs_free(struct scripted_certs *script)
{
    g_hash_table_destroy(script->lines);
    g_string_free(script->asked, TRUE);
    g_free(script->held);
    g_mutex_clear(&script->lock);
    g_cond_clear(&script->released);
    g_free(script);
}

struct certs_opened scripted_certs_source(struct scripted_certs *script)
{
    return (struct certs_opened){&script->source, script};
}

void scripted_certs_replace(struct certs **certs, ...)
{
    g_autoptr(GArray) opened = g_array_new(FALSE, FALSE, sizeof(struct certs_opened));
    va_list scripts;
    va_start(scripts, certs);
    for (struct scripted_certs *each; (each = va_arg(scripts, struct scripted_certs *)) != NULL;) {
        struct certs_opened source = scripted_certs_source(each);
        g_array_append_val(opened, source);
    }
    va_end(scripts);
    certs_close(*certs);
    *certs = certs_with((const struct certs_opened *)(void *)opened->data, opened->len);
}
