/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleanup: declares what frees what, for early returns without goto.
 *
 *     owned(rope) struct rope *text = rope_new();
 *
 * Each type is declared in its own header with DECLARE_OWNED(name, struct x *, x_free), OpenSSL's in base/openssl.h.
 * To give the object away: return steal(&text). (g_autofree and g_autoptr serve for GLib's own.)
 */
#ifndef DOMSEC_BASE_CLEANUP_H
#define DOMSEC_BASE_CLEANUP_H

#include <glib.h>

#define owned(name) __attribute__((cleanup(cleanup_##name)))
#define steal(pointer) g_steal_pointer(pointer)

#define DECLARE_OWNED(name, type, destroy)                                                                             \
    static inline __attribute__((unused)) void cleanup_##name(type *variable)                                          \
    {                                                                                                                  \
        if (*variable != NULL)                                                                                         \
            destroy(*variable);                                                                                        \
    }

#endif
