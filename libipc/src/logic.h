/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * logic.h -- what holds of readers and writers, in the words of the prover (ACSL; `make prove').
 * Internal to libipc.  No C here: a compiler sees an empty file.
 */
#ifndef BRAINIX_IPC_LOGIC_H
#define BRAINIX_IPC_LOGIC_H

/*@
predicate message_in_memory{L}(struct bx_ipc_message *m) =
    \valid_read(m) &&
    (m->string_length != 0 ==> \valid_read(m->string + (0 .. m->string_length - 1)));

// IPC-FMT-1: the cursor is inside the message
predicate reader_sound{L}(struct bx_ipc_reader *r) =
    \valid(r) && message_in_memory(r->message) && r->words <= BX_IPC_WORDS &&
    r->offset <= r->message->string_length &&
    \separated(r, r->message) &&
    \separated(r, r->message->string + (0 .. r->message->string_length - 1));

// what a read function may be given for its result
predicate reader_apart{L}(struct bx_ipc_reader *r, uint64_t *value) =
    \separated(value, r, r->message) &&
    \separated(value, r->message->string + (0 .. r->message->string_length - 1));

// the first error stays, the cursor does not go back, the message is the same
predicate reader_goes_on{K,L}(struct bx_ipc_reader *r) =
    \at(r->message, L) == \at(r->message, K) &&
    \at(r->words, K) <= \at(r->words, L) && \at(r->offset, K) <= \at(r->offset, L) &&
    (\at(r->err, K) != BX_OK ==> \at(r->err, L) == \at(r->err, K) &&
	\at(r->words, L) == \at(r->words, K) && \at(r->offset, L) == \at(r->offset, K));

// the string has room, what is used of it is inside
predicate writer_sound{L}(struct bx_ipc_writer *w) =
    \valid(w) && \valid(w->message) && w->words <= BX_IPC_WORDS &&
    w->string_capacity <= BX_IPC_STRING_MAX &&
    w->message->string_length <= w->string_capacity &&
    (w->string_capacity != 0 ==>
	\valid(w->message->string + (0 .. w->string_capacity - 1))) &&
    \separated(w, w->message) &&
    \separated(w, w->message->string + (0 .. w->string_capacity - 1)) &&
    \separated(w->message, w->message->string + (0 .. w->string_capacity - 1));

// the first error stays, what is written stays written, buffer and message are the same
predicate writer_goes_on{K,L}(struct bx_ipc_writer *w) =
    \at(w->message, L) == \at(w->message, K) &&
    \at(w->message->string, L) == \at(w->message->string, K) &&
    \at(w->string_capacity, L) == \at(w->string_capacity, K) &&
    \at(w->words, K) <= \at(w->words, L) &&
    \at(w->message->string_length, K) <= \at(w->message->string_length, L) &&
    (\at(w->err, K) != BX_OK ==> \at(w->err, L) == \at(w->err, K) &&
	\at(w->words, L) == \at(w->words, K) &&
	\at(w->message->string_length, L) == \at(w->message->string_length, K));
*/

#endif
