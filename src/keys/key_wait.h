/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_wait: what a thread gives up while a key process or a token keeps it waiting; keys_while_waiting() sets it.
 */
#ifndef DOMSEC_KEYS_KEY_WAIT_H
#define DOMSEC_KEYS_KEY_WAIT_H

/* A thread that waits longer for an answer gives up what it holds. */
#define KEY_WAIT_FROM 50000 /* microseconds */

/* Gives it up, unless that was done already. */
void key_wait_begin(void);
/* Takes it again if it was given up. */
void key_wait_end(void);

#endif
