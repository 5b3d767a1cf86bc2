/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_place: what a key process does with the order that it was started with.
 */
#ifndef DOMSEC_KEYS_KEY_PLACE_H
#define DOMSEC_KEYS_KEY_PLACE_H

/* For key_keeper_start(): context is the path of the configuration file, order is SCHEME:PLACE. */
void key_place_serve(const void *context, const char *order, const int channels[], unsigned count);

#endif
