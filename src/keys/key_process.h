/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_process: the life of a process that holds private keys: it answers requests on its channels until the daemon has
 * closed all of them, or the holder is gone.
 */
#ifndef DOMSEC_KEYS_KEY_PROCESS_H
#define DOMSEC_KEYS_KEY_PROCESS_H

#include "key_server.h"

/* Serves each channel in a thread of its own. While the holder cannot be opened, each request tries to open it, and is
 * answered with the reason. options NULL: the first one is answered with this refusal, and the process ends. Takes the
 * descriptors. Returns when no channel is left. */
void key_process_serve(const struct key_server_options *options, const struct error *refusal, const int channels[],
                       unsigned count);

/* Gives OpenSSL a locked heap for keys. */
void key_process_lock_memory(void);

#endif
