/* SPDX-License-Identifier: MIT
 *
 * slot: see the header. Nothing gets lost between the two: the worker writes its state and then
 * looks whether somebody wants to hear of it; the supervisor says that it does and then looks at
 * the state. In one order of all four (sequentially consistent) one of them sees the other.
 */
#include "engine/cmd/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u /* from Linux 6.3 on, where a site may demand it */
#endif
#define SLOT_BYTES 4096
#define SLOT_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define STATE_BITS 8u
#define STATE_MASK ((1u << STATE_BITS) - 1)

_Static_assert(sizeof(struct moon_slot) <= SLOT_BYTES, "it fits");

static struct moon_slot *map(int fd)
{
    void *slot = mmap(NULL, SLOT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return slot == MAP_FAILED ? NULL : slot;
}

struct moon_slot *moon_slot_create(int *fd_r)
{
    struct moon_slot *slot = NULL;
    int fd = memfd_create("moonscan-slot", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("moonscan-slot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && ftruncate(fd, SLOT_BYTES) == 0 && fcntl(fd, F_ADD_SEALS, SLOT_SEALS) == 0)
        slot = map(fd);
    if (!slot) {
        int error = errno;
        if (fd >= 0)
            (void)close(fd); /* never used */
        errno = error;
        return NULL;
    }
    atomic_init(&slot->word, MOON_WORKER_STARTING);
    atomic_init(&slot->wanted, 1);
    *fd_r = fd;
    return slot;
}

struct moon_slot *moon_slot_open(int fd)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS); /* files of memory only */

    if (seals < 0 || (seals & SLOT_SEALS) != SLOT_SEALS || fstat(fd, &st) != 0 ||
        st.st_size != SLOT_BYTES)
        return NULL;
    return map(fd);
}

void moon_slot_destroy(struct moon_slot **slot)
{
    if (*slot)
        (void)munmap(*slot, SLOT_BYTES); /* it was mapped so */
    *slot = NULL;
}

bool moon_slot_put(struct moon_slot *slot, enum moon_worker_state state)
{
    uint32_t changes = (atomic_load(&slot->word) >> STATE_BITS) + 1;

    atomic_store(&slot->word, changes << STATE_BITS | (uint32_t)state);
    return atomic_load(&slot->wanted) && atomic_exchange(&slot->wanted, 0);
}

void moon_slot_want(struct moon_slot *slot, bool wanted)
{
    if ((atomic_load(&slot->wanted) != 0) != wanted)
        atomic_store(&slot->wanted, wanted);
}

uint32_t moon_slot_word(const struct moon_slot *slot)
{
    return atomic_load(&slot->word);
}

enum moon_worker_state moon_slot_state(uint32_t word)
{
    switch (word & STATE_MASK) {
    case MOON_WORKER_STARTING:
    case MOON_WORKER_IDLE:
    case MOON_WORKER_CONNECTION:
    case MOON_WORKER_LEAVING:
        return (enum moon_worker_state)(word & STATE_MASK);
    default:
        return MOON_WORKER_MESSAGE;
    }
}
