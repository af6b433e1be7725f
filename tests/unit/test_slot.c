/* SPDX-License-Identifier: MIT
 *
 * The page that a spare worker shares with its supervisor: what each hears of the other, and what a
 * worker that talks nonsense can do with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/cmd/slot.h"

#define ROUNDS 20000

static void what_the_worker_says_is_seen_by_the_supervisor(void **state)
{
    static const enum moon_worker_state table[] = {MOON_WORKER_IDLE, MOON_WORKER_CONNECTION,
                                                   MOON_WORKER_MESSAGE, MOON_WORKER_CONNECTION,
                                                   MOON_WORKER_LEAVING};
    int fd = -1;
    struct moon_slot *its = moon_slot_create(&fd);

    (void)state;
    assert_non_null(its);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(moon_slot_state(moon_slot_word(its)), MOON_WORKER_STARTING);
    struct moon_slot *mine = moon_slot_open(fd);
    assert_non_null(mine);
    assert_int_equal(close(fd), 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint32_t before = moon_slot_word(its);
        (void)moon_slot_put(mine, table[i]);
        assert_int_not_equal(moon_slot_word(its), before);
        assert_int_equal(moon_slot_state(moon_slot_word(its)), table[i]);
    }
    /* A message after a message is told from one that goes on. */
    (void)moon_slot_put(mine, MOON_WORKER_MESSAGE);
    uint32_t first = moon_slot_word(its);
    (void)moon_slot_put(mine, MOON_WORKER_CONNECTION);
    (void)moon_slot_put(mine, MOON_WORKER_MESSAGE);
    assert_int_not_equal(moon_slot_word(its), first);
    moon_slot_destroy(&mine);
    moon_slot_destroy(&its);
    assert_null(its);
    moon_slot_destroy(&its);
}

static void the_supervisor_is_woken_when_it_wants_to_be_and_once(void **state)
{
    int fd = -1;
    struct moon_slot *slot = moon_slot_create(&fd);

    (void)state;
    assert_non_null(slot);
    assert_true(moon_slot_put(slot, MOON_WORKER_IDLE)); /* that it has started, in any case */
    assert_false(moon_slot_put(slot, MOON_WORKER_CONNECTION));
    moon_slot_want(slot, true);
    moon_slot_want(slot, true);
    assert_true(moon_slot_put(slot, MOON_WORKER_IDLE));
    assert_false(moon_slot_put(slot, MOON_WORKER_CONNECTION));
    moon_slot_want(slot, true);
    moon_slot_want(slot, false);
    assert_false(moon_slot_put(slot, MOON_WORKER_IDLE));
    moon_slot_destroy(&slot);
    assert_int_equal(close(fd), 0);
}

/* Either the worker hears that it is wanted, or the supervisor sees the state that it had by then:
 * a worker that gets busy is never overlooked. */
static void nothing_is_lost_between_the_two(void **state)
{
    int fd = -1, status = 1;
    struct moon_slot *slot = moon_slot_create(&fd);
    unsigned overlooked = 0;

    (void)state;
    assert_non_null(slot);
    (void)moon_slot_put(slot, MOON_WORKER_IDLE);
    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    _Atomic unsigned *turn = shared, *told = turn + 1;
    pid_t pid = fork();
    assert_true(pid >= 0);
    for (unsigned i = 1; pid == 0 && i <= ROUNDS; i++) { /* the worker */
        while (atomic_load(turn) != 2 * i - 1)
            ;
        if (moon_slot_put(slot, MOON_WORKER_CONNECTION))
            atomic_store(told, i);
        atomic_store(turn, 2 * i);
    }
    if (pid == 0)
        _exit(0);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        (void)moon_slot_put(slot, MOON_WORKER_IDLE);
        moon_slot_want(slot, false);
        atomic_store(turn, 2 * i - 1);
        moon_slot_want(slot, true);
        bool seen = moon_slot_state(moon_slot_word(slot)) == MOON_WORKER_CONNECTION;
        while (atomic_load(turn) != 2 * i)
            ;
        overlooked += !seen && atomic_load(told) != i;
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(overlooked, 0);
    assert_int_equal(munmap(shared, 4096), 0);
    moon_slot_destroy(&slot);
    assert_int_equal(close(fd), 0);
}

static void what_is_no_state_is_a_message_that_goes_on(void **state)
{
    (void)state;
    for (uint32_t byte = 0; byte < 256; byte++) {
        bool known = byte == 's' || byte == 'i' || byte == 'c' || byte == 'm' || byte == 'l';
        enum moon_worker_state want = known ? (enum moon_worker_state)byte : MOON_WORKER_MESSAGE;
        assert_int_equal(moon_slot_state(byte), want);
        assert_int_equal(moon_slot_state(0xffffff00u | byte), want);
    }
}

static void a_worker_cannot_take_the_page_away(void **state)
{
    int fd = -1;
    struct moon_slot *slot = moon_slot_create(&fd);

    (void)state;
    assert_non_null(slot);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, 8192), -1);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    assert_int_equal(moon_slot_state(moon_slot_word(slot)), MOON_WORKER_STARTING);
    moon_slot_destroy(&slot);
    assert_int_equal(close(fd), 0);
}

static void what_is_no_slot_is_not_opened(void **state)
{
    (void)state;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int bare = memfd_create("bare", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int small = memfd_create("small", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_true(null >= 0 && bare >= 0 && small >= 0);
    assert_null(moon_slot_open(-1));
    assert_null(moon_slot_open(null));
    assert_int_equal(ftruncate(bare, 4096), 0);
    assert_null(moon_slot_open(bare)); /* it could be made shorter */
    assert_int_equal(fcntl(small, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
    assert_null(moon_slot_open(small));
    (void)close(null);
    (void)close(bare);
    (void)close(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_worker_says_is_seen_by_the_supervisor),
        cmocka_unit_test(the_supervisor_is_woken_when_it_wants_to_be_and_once),
        cmocka_unit_test(nothing_is_lost_between_the_two),
        cmocka_unit_test(what_is_no_state_is_a_message_that_goes_on),
        cmocka_unit_test(a_worker_cannot_take_the_page_away),
        cmocka_unit_test(what_is_no_slot_is_not_opened),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
