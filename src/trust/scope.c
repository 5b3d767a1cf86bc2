/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope: where a set of anchors counts: everywhere, or for one partner. A bundle that changes gives a new set, made
 * whole before it takes the place of the old one.
 */
#include "anchors.h"
#include "bundles.h"

struct scope {
    const struct scope *base;
    STACK_OF(X509) * fixed; /* anchors of files */
    STACK_OF(X509) * helpers;
    GPtrArray *bundles; /* struct remote_bundle *, lent */
    GMutex lock;
    struct anchors *current; /* under the lock */
};

struct scope *scope_new(const struct scope *base)
{
    struct scope *scope = g_new0(struct scope, 1);
    scope->base = base;
    scope->fixed = sk_X509_new_null();
    scope->helpers = sk_X509_new_null();
    scope->bundles = g_ptr_array_new();
    if (scope->fixed == NULL || scope->helpers == NULL)
        g_error("out of memory");
    g_mutex_init(&scope->lock);
    return scope;
}

void scope_free(struct scope *scope)
{
    if (scope == NULL)
        return;
    anchors_unref(scope->current);
    sk_X509_pop_free(scope->fixed, X509_free);
    sk_X509_pop_free(scope->helpers, X509_free);
    g_ptr_array_free(scope->bundles, TRUE);
    g_mutex_clear(&scope->lock);
    g_free(scope);
}

static void append(STACK_OF(X509) * list, const STACK_OF(X509) * more)
{
    if (!X509_add_certs(list, (STACK_OF(X509) *)more, X509_ADD_FLAG_UP_REF))
        g_error("out of memory");
}

void scope_add_anchors(struct scope *scope, const STACK_OF(X509) * anchors)
{
    append(scope->fixed, anchors);
}

void scope_add_helpers(struct scope *scope, const STACK_OF(X509) * helpers)
{
    append(scope->helpers, helpers);
}

void scope_add_bundle(struct scope *scope, struct remote_bundle *bundle)
{
    g_ptr_array_add(scope->bundles, bundle);
}

bool scope_has_bundles(const struct scope *scope)
{
    return scope->bundles->len > 0 || (scope->base != NULL && scope_has_bundles(scope->base));
}

static void add_all(struct anchors *anchors, const STACK_OF(X509) * list,
                    bool (*add)(struct anchors *anchors, X509 *certificate))
{
    for (int i = 0; i < sk_X509_num(list); i++)
        if (!add(anchors, sk_X509_value(list, i)))
            g_error("out of memory");
}

static void add_anchors_of(struct anchors *anchors, const struct scope *scope)
{
    if (scope->base != NULL)
        add_anchors_of(anchors, scope->base);
    add_all(anchors, scope->fixed, anchors_add);
    for (guint i = 0; i < scope->bundles->len; i++) {
        struct remote_bundle *bundle = g_ptr_array_index(scope->bundles, i);
        owned(x509_stack) STACK_OF(X509) *found = remote_bundle_anchors(bundle);
        if (found != NULL)
            add_all(anchors, found, anchors_add);
        else if (anchors->unfetched == NULL)
            anchors->unfetched = g_strdup(remote_bundle_url(bundle));
    }
}

void scope_renew(struct scope *scope)
{
    struct anchors *anchors = anchors_new();
    add_anchors_of(anchors, scope);
    add_all(anchors, scope->helpers, anchors_add_helper);
    g_mutex_lock(&scope->lock);
    struct anchors *old = scope->current;
    scope->current = anchors;
    g_mutex_unlock(&scope->lock);
    anchors_unref(old);
}

void scope_each_unfetched(const struct scope *scope, void (*visit)(void *context, struct remote_bundle *bundle),
                          void *context)
{
    if (scope->base != NULL)
        scope_each_unfetched(scope->base, visit, context);
    for (guint i = 0; i < scope->bundles->len; i++) {
        struct remote_bundle *bundle = g_ptr_array_index(scope->bundles, i);
        if (!remote_bundle_has_come(bundle))
            visit(context, bundle);
    }
}

struct anchors *scope_anchors(const struct scope *scope)
{
    struct scope *locked = (struct scope *)scope;
    g_mutex_lock(&locked->lock);
    struct anchors *anchors = anchors_ref(scope->current);
    g_mutex_unlock(&locked->lock);
    return anchors;
}
