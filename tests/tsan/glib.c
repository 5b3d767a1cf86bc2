/* SPDX-License-Identifier: Apache-2.0 */
/*
 * glib: tells ThreadSanitizer about GLib's locks. They are futexes, which it cannot see, so it would report a race for
 * everything that they protect. Loaded before GLib (LD_PRELOAD). Does nothing in a program built without
 * ThreadSanitizer.
 */
#include <dlfcn.h>
#include <glib-object.h>
#include <sanitizer/tsan_interface.h>

#pragma weak __tsan_acquire
#pragma weak __tsan_release
#pragma weak __tsan_mutex_pre_lock
#pragma weak __tsan_mutex_post_lock
#pragma weak __tsan_mutex_pre_unlock
#pragma weak __tsan_mutex_post_unlock

/* The same function in GLib. */
#define NEXT(function) ((__typeof__(&(function)))dlsym(RTLD_NEXT, #function))

static void before_lock(void *lock, unsigned flags)
{
    if (__tsan_mutex_pre_lock != NULL)
        __tsan_mutex_pre_lock(lock, flags);
}

static void after_lock(void *lock, unsigned flags)
{
    if (__tsan_mutex_post_lock != NULL)
        __tsan_mutex_post_lock(lock, flags, 0);
}

static void before_unlock(void *lock, unsigned flags)
{
    if (__tsan_mutex_pre_unlock != NULL)
        __tsan_mutex_pre_unlock(lock, flags);
}

static void after_unlock(void *lock, unsigned flags)
{
    if (__tsan_mutex_post_unlock != NULL)
        __tsan_mutex_post_unlock(lock, flags);
}

#define LOCKING(function, type, flags)                                                                                 \
    void function(type *lock)                                                                                          \
    {                                                                                                                  \
        before_lock(lock, flags);                                                                                      \
        NEXT(function)(lock);                                                                                          \
        after_lock(lock, flags);                                                                                       \
    }
#define UNLOCKING(function, type, flags)                                                                               \
    void function(type *lock)                                                                                          \
    {                                                                                                                  \
        before_unlock(lock, flags);                                                                                    \
        NEXT(function)(lock);                                                                                          \
        after_unlock(lock, flags);                                                                                     \
    }

LOCKING(g_mutex_lock, GMutex, 0)
UNLOCKING(g_mutex_unlock, GMutex, 0)
LOCKING(g_rec_mutex_lock, GRecMutex, __tsan_mutex_write_reentrant)
UNLOCKING(g_rec_mutex_unlock, GRecMutex, __tsan_mutex_write_reentrant)
LOCKING(g_rw_lock_writer_lock, GRWLock, 0)
UNLOCKING(g_rw_lock_writer_unlock, GRWLock, 0)
LOCKING(g_rw_lock_reader_lock, GRWLock, __tsan_mutex_read_lock)
UNLOCKING(g_rw_lock_reader_unlock, GRWLock, __tsan_mutex_read_lock)

void g_cond_wait(GCond *cond, GMutex *mutex)
{
    before_unlock(mutex, 0);
    after_unlock(mutex, 0);
    NEXT(g_cond_wait)(cond, mutex);
    before_lock(mutex, 0);
    after_lock(mutex, 0);
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end)
{
    before_unlock(mutex, 0);
    after_unlock(mutex, 0);
    gboolean in_time = NEXT(g_cond_wait_until)(cond, mutex, end);
    before_lock(mutex, 0);
    after_lock(mutex, 0);
    return in_time;
}

#undef g_once_init_enter
#undef g_once_init_leave
gboolean(g_once_init_enter)(volatile void *location)
{
    gboolean first = ((gboolean(*)(volatile void *))dlsym(RTLD_NEXT, "g_once_init_enter"))(location);
    if (!first && __tsan_acquire != NULL)
        __tsan_acquire((void *)location);
    return first;
}

void(g_once_init_leave)(volatile void *location, gsize result)
{
    if (__tsan_release != NULL)
        __tsan_release((void *)location);
    ((void (*)(volatile void *, gsize))dlsym(RTLD_NEXT, "g_once_init_leave"))(location, result);
}

/* GObject makes the class of a type with the first object. The class is read without a lock when the next objects are
 * made in other threads, which GLib orders with atomic operations of its own. */
gpointer g_object_new(GType type, const char *first, ...)
{
    static int order;
    va_list arguments;
    va_start(arguments, first);
    gpointer object = (gpointer)g_object_new_valist(type, first, arguments);
    va_end(arguments);
    if (__tsan_release != NULL) {
        __tsan_release(&order);
        __tsan_acquire(&order);
    }
    return object;
}
