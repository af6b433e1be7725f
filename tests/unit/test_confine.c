/* SPDX-License-Identifier: MIT
 *
 * confine: what a worker that is not ours any more cannot do to Exim's processes, which are the
 * same user's.
 */
#include <asm/sockios.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/cmd/confine.h"

/* Each in the confined child; 0: as it should be. */
static int is_refused(long result)
{
    return result == -1 && errno == EPERM ? 0 : 1;
}

static int confined(void)
{
    struct moon_error error = {""};
    struct rlimit none = {0, 0};
    pid_t parent = getppid();
    int owner = parent;

    if (moon_confine_start(3, 0, &error) != MOON_OK ||
        moon_confine_filter(false, &error) != MOON_OK)
        return 10;
    if (is_refused(syscall(SYS_tgkill, parent, parent, 0)))
        return 11;
    if (is_refused(syscall(SYS_prlimit64, parent, RLIMIT_FSIZE, NULL, &none)))
        return 12;
    if (is_refused(fcntl(0, F_SETOWN, parent)))
        return 13;
    if (is_refused(ioctl(0, FIOSETOWN, &owner)))
        return 14;
    if (is_refused(syscall(SYS_kill, parent, 0)))
        return 15;
    return syscall(SYS_tgkill, getpid(), getpid(), 0) == 0 && fcntl(0, F_GETFD) >= 0 ? 0 : 16;
}

static void a_worker_can_neither_signal_nor_limit_another_process(void **state)
{
    int status = -1;

    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(confined());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_can_neither_signal_nor_limit_another_process),
    };
#if defined(__SANITIZE_ADDRESS__)
    puts("1..0 # SKIP builds with sanitizers have no filter");
    return 0;
#endif
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
