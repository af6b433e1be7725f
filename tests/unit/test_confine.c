/* SPDX-License-Identifier: MIT
 *
 * confine: what a worker that is not ours any more cannot do to Exim's processes, which are the
 * same user's.
 */
#include <arpa/inet.h>
#include <asm/sockios.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/auth/dmarc_psl.h"
#include "engine/base/limits.h"
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
        moon_confine_filter(false, -1, &error) != MOON_OK)
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
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1};
    if (is_refused(fcntl(0, F_SETLK, &lock)) || is_refused(pwrite(0, "", 0, 0)))
        return 17;
    return syscall(SYS_tgkill, getpid(), getpid(), 0) == 0 && fcntl(0, F_GETFD) >= 0 ? 0 : 16;
}

/* What somebody in control of the process would try next; the body is open as the module sends it:
 * for reading. */
static int confined_attempts(const char *body)
{
    struct moon_error error = {""};
    char *const none[] = {NULL};
    int fd = open(body, O_RDONLY);

    if (fd != 3 || moon_confine_start(3, 0, &error) != MOON_OK ||
        moon_confine_filter(false, -1, &error) != MOON_OK)
        return 40;
    if (is_refused(syscall(SYS_execve, "/bin/false", none, none)) ||
        is_refused(syscall(SYS_execveat, AT_FDCWD, "/bin/false", none, none, 0)))
        return 41;
    if (is_refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) ||
        is_refused(syscall(SYS_clone3, NULL, 0)))
        return 42;
    if (is_refused(syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, getppid(), 0, 0)) ||
        is_refused(syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0)))
        return 43;
    if (write(fd, "x", 1) != -1 || errno != EBADF || is_refused(ftruncate(fd, 0)))
        return 44;
    if (is_refused(unlink(body)) || is_refused(rename(body, "/tmp/moon-confine")) ||
        is_refused(link(body, "/tmp/moon-confine")) || is_refused(chmod(body, 0666)))
        return 45;
    if (is_refused(socket(AF_UNIX, SOCK_STREAM, 0)) ||
        is_refused(socket(AF_NETLINK, SOCK_RAW, 0)) || is_refused(listen(0, 1)))
        return 46;
    if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED ||
        errno != EPERM || is_refused(syscall(SYS_memfd_create, "x", 0)))
        return 47;
    return is_refused(syscall(SYS_prctl, 1, 0, 0, 0, 0)) ||
           is_refused(syscall(SYS_bpf, 0, NULL, 0)) || is_refused(syscall(SYS_unshare, 0));
}

/* With the counter store's file open: locks on it, and on nothing else. */
static int confined_with_store(const char *path)
{
    struct moon_error error = {""};
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int other = open("/dev/null", O_RDWR);

    if (other != 4 || moon_confine_start(4, 0, &error) != MOON_OK)
        return 20;
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    int store_fd = fcntl(fd, F_DUPFD_CLOEXEC, MOON_STORE_FD);
    if (store_fd != MOON_STORE_FD || moon_confine_filter(false, store_fd, &error) != MOON_OK)
        return 21;
    if (fcntl(store_fd, F_SETLK, &lock) != 0 || fcntl(store_fd, F_GETLK, &lock) != 0)
        return 22;
    if (is_refused(fcntl(fd, F_SETLK, &lock)) || is_refused(fcntl(other, F_SETLK, &lock)))
        return 23;
    if (is_refused(fcntl(store_fd, F_OFD_SETLK, &lock)) || is_refused(flock(store_fd, LOCK_SH)))
        return 24;
    /* No other file can take its place: neither by closing it, in any spelling of the number... */
    if (is_refused(close(store_fd)) || is_refused(syscall(SYS_close, store_fd | 1L << 32)) ||
        is_refused(syscall(SYS_close, (3L << 32) + store_fd)))
        return 25;
    /* ... nor by calls that name the new number. */
    if (is_refused(dup2(other, store_fd)) || is_refused(dup3(other, store_fd, 0)) ||
        is_refused(close_range(MOON_STORE_FD, MOON_STORE_FD, 0)) ||
        fcntl(other, F_DUPFD_CLOEXEC, store_fd) != -1)
        return 26;
    return pwrite(store_fd, "x", 1, 0) == 1 && close(fd) == 0 && close(other) == 0 ? 0 : 27;
}

/* What a worker of the service waits with, and no worker of Exim's: 3 is a socket that listens. */
static int confined_with_socket(bool accepts)
{
    struct moon_error error = {""};
    struct epoll_event wanted = {.events = EPOLLIN}, heard;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

    if (epoll_fd != 4 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 3, &wanted) != 0 ||
        moon_confine_start(4, 0, &error) != MOON_OK ||
        moon_confine_filter(accepts, -1, &error) != MOON_OK)
        return 50;
    int waited = epoll_wait(epoll_fd, &heard, 1, 0);
    if (accepts ? waited != 0 : is_refused(waited))
        return 51;
    int got = accept4(3, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepts ? got != -1 || errno != EAGAIN : is_refused(got))
        return 52;
    return is_refused(epoll_ctl(epoll_fd, EPOLL_CTL_DEL, 3, NULL)) ||
           is_refused(accept(3, NULL, NULL));
}

/* With a log, a file of Exim's beside it, a listening port that is not DNS. 77: no landlock here.
 */
static int confined_to_files(const char *folder, uint16_t port)
{
    struct moon_error error = {""};
    struct moon_conf conf = {.store = {.kind = MOON_STORE_KIND_NONE}};
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons(port)};
    char log[200], deep[200];

    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    if (version < 1)
        return 77;
    (void)snprintf(log, sizeof log, "%s/log/decisions.jsonl", folder); /* fit */
    (void)snprintf(deep, sizeof deep, "%s/spool-H", folder);
    if (moon_confine_start(3, 0, &error) != MOON_OK ||
        moon_confine_files(&conf, log, &error) != MOON_OK ||
        moon_confine_filter(false, -1, &error) != MOON_OK)
        return 30;
    if (open(log, O_RDWR | O_APPEND | O_CREAT, 0640) < 0 || open(log, O_RDONLY) < 0)
        return 31;
    if (open(deep, O_RDONLY) >= 0 || errno != EACCES)
        return 32;
    if (open(deep, O_WRONLY | O_APPEND) >= 0 || errno != EACCES)
        return 33;
    if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES)
        return 34;
    if (access("/etc/resolv.conf", R_OK) == 0 && open("/etc/resolv.conf", O_RDONLY) < 0)
        return 35;
    if (access(moon_dmarc_psl_file(), R_OK) == 0 && open(moon_dmarc_psl_file(), O_RDONLY) < 0)
        return 39;
    if (unlink(log) == 0 || execl("/bin/false", "false", (char *)NULL) == 0)
        return 36;
    int tcp = socket(AF_INET, SOCK_STREAM, 0);
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 0) /* not on the filter's list */
        return 37;
    bool connected = connect(tcp, (struct sockaddr *)&address, sizeof address) == 0;
    return connected == (version < 4) ? 0 : 38; /* from version 4 on it knows ports */
}

static void a_worker_opens_its_log_and_no_file_of_exims(void **state)
{
    char folder[] = "/tmp/moon-confine-XXXXXX", path[200];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int status = -1, listening = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(listening, 3);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/log", folder); /* fits, as the others */
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/spool-H", folder);
    assert_int_equal(close(open(path, O_WRONLY | O_CREAT, 0600)), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(confined_to_files(folder, ntohs(address.sin_port)));
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(listening);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/log/decisions.jsonl", folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/log", folder);
    (void)rmdir(path);
    (void)rmdir(folder);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("# skipped: this kernel has no landlock\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void only_the_stores_file_can_be_locked(void **state)
{
    char path[] = "/tmp/moon-confine-XXXXXX";
    int status = -1, fd = mkstemp(path);

    (void)state;
    assert_int_equal(fd, 3); /* keeps the number for the child, as the worker's socket does */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(confined_with_store(path));
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(fd);
    (void)unlink(path);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void only_workers_of_the_service_take_connections(void **state)
{
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    (void)state;
    assert_int_equal(listening, 3);
    assert_int_equal(listen(listening, 1), 0); /* on any port */
    for (int accepts = 0; accepts < 2; accepts++) {
        int status = -1;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(confined_with_socket(accepts));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    (void)close(listening);
}

static void a_worker_starts_and_traces_nothing_and_cannot_write_the_body(void **state)
{
    char path[] = "/tmp/moon-confine-XXXXXX";
    int status = -1, fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, "body", 4), 4);
    (void)close(fd);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(confined_attempts(path));
    assert_int_equal(waitpid(child, &status, 0), child);
    struct stat left;
    assert_int_equal(stat(path, &left), 0);
    assert_int_equal(left.st_size, 4);
    (void)unlink(path);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
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
        cmocka_unit_test(only_the_stores_file_can_be_locked),
        cmocka_unit_test(only_workers_of_the_service_take_connections),
        cmocka_unit_test(a_worker_opens_its_log_and_no_file_of_exims),
        cmocka_unit_test(a_worker_starts_and_traces_nothing_and_cannot_write_the_body),
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
