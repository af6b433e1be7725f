/* SPDX-License-Identifier: MIT
 *
 * slot: a page that one spare worker shares with the supervisor of the service: the worker says in
 * it what it is doing, without a call into the system and without waking anybody. Each worker has
 * its own and sees no other's. The supervisor believes a slot what it says about its worker, and
 * nothing else: whatever stands there is a state, or is taken for a message that goes on.
 */
#ifndef MOON_CMD_SLOT_H
#define MOON_CMD_SLOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What a spare worker is doing. */
enum moon_worker_state {
    MOON_WORKER_STARTING = 's',
    MOON_WORKER_IDLE = 'i',
    MOON_WORKER_CONNECTION = 'c', /* has one, between two messages */
    MOON_WORKER_MESSAGE = 'm',
    MOON_WORKER_LEAVING = 'l', /* ends, and leaves a connection that waits to a fresh worker */
};

struct moon_slot {
    _Atomic uint32_t word;   /* the worker's: its state, and above it a count of its changes */
    _Atomic uint32_t wanted; /* the supervisor's: not 0: it wants to hear of the next change */
};

/* The supervisor's: a fresh slot, STARTING, whose first change is wanted, in a file of memory that
 * nobody can make shorter. *fd_r is for the worker; close it when that has it. NULL with errno. */
struct moon_slot *moon_slot_create(int *fd_r);
/* The worker's, of the descriptor it was started with. NULL when that is no slot. */
struct moon_slot *moon_slot_open(int fd);
void moon_slot_destroy(struct moon_slot **slot);

/* The worker's: says it. True: the supervisor wanted to hear of this change, and is to be woken. */
bool moon_slot_put(struct moon_slot *slot, enum moon_worker_state state);
/* The supervisor's: wants to hear of the next change, or not. A change is either heard of, or in
 * moon_slot_word already when this returns. */
void moon_slot_want(struct moon_slot *slot, bool wanted);
/* What stands there; it differs from the one before when the worker has changed its state since. */
uint32_t moon_slot_word(const struct moon_slot *slot);
/* Its state. What is none is MESSAGE: of a worker that talks nonsense no more is known than that it
 * is not idle, and one that goes on so for long shall be ended. */
enum moon_worker_state moon_slot_state(uint32_t word);

#endif
