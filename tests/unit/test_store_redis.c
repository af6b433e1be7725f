/* SPDX-License-Identifier: MIT
 *
 * redis: the store's contract on a real server, several processes on it, and every way in which a
 * server can fail: mail goes on, and each count that was not taken is counted. The server is the
 * one that tests/support/daemons.sh has unpacked, started here on a port of loopback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/budget.h"
#include "engine/base/limits.h"
#include "engine/store/backend.h"
#include "engine/store/redis.h"
#include "tests/support/store_case.h"

#define NOW       STORE_CASE_NOW
#define DAY       86400
#define PROCESSES 8
#define EACH      100
#define PATIENT   20000 /* where time is not what is tested */

static char folder[] = "/tmp/moon-redis-XXXXXX";
static char program[512], password_file[64];
static uint16_t port;
static pid_t server;

/* A listening socket on a free port, which *port_r is: none of those that the kernel gives to
 * clients, one of which may connect to itself while the server is away. */
static int listen_somewhere(uint16_t *port_r)
{
    for (;;) {
        uint16_t at = 0;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(getrandom(&at, sizeof at, 0), sizeof at);
        *port_r = (uint16_t)(12000 + at % 20000);
        struct sockaddr_in name = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons(*port_r)};
        assert_true(fd >= 0);
        if (bind(fd, (struct sockaddr *)&name, sizeof name) == 0 && listen(fd, 8) == 0)
            return fd;
        (void)close(fd);
    }
}

static bool answers(void)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    char pong[8] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = connect(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
               write(fd, "PING\r\n", 6) == 6 && read(fd, pong, 1) == 1;
    (void)close(fd);
    return yes;
}

static void start_server(const char *option, const char *value)
{
    char number[8];
    (void)snprintf(number, sizeof number, "%u", port);
    server = fork();
    assert_true(server >= 0);
    if (server == 0) {
        int null = open("/dev/null", O_RDWR);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (dup2(null, 1) == 1 && chdir(folder) == 0)
            (void)execl(program, "redis-server", "--port", number, "--bind", "127.0.0.1", "--save",
                        "", "--appendonly", "no", option, value, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 2000 && !answers(); i++) {
        struct timespec nap = {.tv_nsec = 10000000};
        if (waitpid(server, NULL, WNOHANG) != 0)
            fail_msg("%s does not start", program);
        (void)nanosleep(&nap, NULL);
    }
}

static void stop_server(void)
{
    assert_int_equal(kill(server, SIGKILL), 0);
    assert_int_equal(waitpid(server, NULL, 0), server);
    server = 0;
}

static int prepare(void **state)
{
    const char *build = getenv("BUILD");
    (void)state;                    /* cmocka's, not used */
    (void)signal(SIGPIPE, SIG_IGN); /* as in the worker */
    (void)snprintf(program, sizeof program, "%s/daemons/redis/usr/bin/redis-server",
                   build ? build : "build");
    if (access(program, X_OK) != 0)
        (void)snprintf(program, sizeof program, "build/daemons/redis/usr/bin/redis-server");
    char *full = realpath(program, NULL);
    if (!full || !mkdtemp(folder)) {
        (void)fprintf(stderr, "%s is missing: run make deps\n", program);
        return -1;
    }
    /* By its name as a link: the program looks at it. */
    (void)snprintf(program, sizeof program, "%s", full);
    free(full);
    (void)snprintf(password_file, sizeof password_file, "%s/password", folder);
    (void)close(listen_somewhere(&port)); /* free a moment ago */
    return 0;
}

static int clean_up(void **state)
{
    (void)state; /* cmocka's, not used */
    (void)unlink(password_file);
    return rmdir(folder);
}

static struct moon_store *store_at(uint16_t at, int64_t timeout_ms, unsigned database,
                                   const char *password)
{
    struct moon_store *store = NULL;
    assert_int_equal(
        moon_store_redis("127.0.0.1", at, database, password, timeout_ms, &store, NULL), MOON_OK);
    return store;
}

static int64_t one(struct moon_store *store, const char *key)
{
    return store_case_count(store, "t acme", key, NOW, DAY, 1);
}

static void expect_nothing(struct moon_store *store, const char *want)
{
    struct moon_store_question q = store_case_question("t acme", "k", DAY, 1);
    uint64_t missed = moon_store_missed(store);
    int64_t got = 0;
    const char *why = "";
    if (moon_store_count(store, &q, &got, &why))
        fail_msg("got %lld, want no answer", (long long)got);
    if (!strstr(why, want))
        fail_msg("got '%s', want '%s'", why, want);
    assert_int_equal(moon_store_missed(store), missed + 1);
    q.key = MOON_SPAN("first");
    if (moon_store_first_seen(store, &q, &got, &why))
        fail_msg("got %lld, want no answer", (long long)got);
}

static void counts_and_first_times(void **state)
{
    (void)state; /* cmocka's, not used */
    start_server("--databases", "16");
    struct moon_store *store = store_at(port, PATIENT, 0, NULL);
    store_case_all(store, false);
    assert_int_equal(moon_store_missed(store), 0);
    moon_store_destroy(&store);
    store = store_at(port, PATIENT, 0, NULL); /* another worker */
    assert_int_equal(store_case_count(store, "t acme", "k", NOW, DAY, 1), 3);
    moon_store_destroy(&store);
    store = store_at(port, PATIENT, 5, NULL); /* another database */
    assert_int_equal(store_case_count(store, "t acme", "k", NOW, DAY, 1), 1);
    moon_store_destroy(&store);
    store = store_at(port, PATIENT, 99, NULL);
    expect_nothing(store, "ERR DB index is out of range");
    moon_store_destroy(&store);
    stop_server();
}

static void processes_agree_to_the_message(void **state)
{
    int pipes[2];
    int64_t highest = 0;
    (void)state; /* cmocka's, not used */
    start_server("--databases", "16");
    assert_int_equal(pipe(pipes), 0);
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child)
            continue;
        struct moon_store *store = store_at(port, PATIENT, 0, NULL);
        int64_t last = 0, bad = 0;
        for (int k = 0; k < EACH; k++) {
            int64_t n = one(store, "common");
            bad += n <= last; /* each count is another one */
            last = n;
        }
        int64_t said[2] = {last, bad + (int64_t)moon_store_missed(store)};
        _exit(write(pipes[1], said, sizeof said) == sizeof said ? 0 : 1);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int64_t said[2];
        int status = -1;
        assert_true(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_int_equal(read(pipes[0], said, sizeof said), sizeof said);
        assert_int_equal(said[1], 0);
        highest = said[0] > highest ? said[0] : highest;
    }
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    assert_int_equal(highest, PROCESSES * EACH);
    stop_server();
}

static void a_password_is_read_from_its_file(void **state)
{
    (void)state; /* cmocka's, not used */
    start_server("--requirepass", "geheim geheim");
    struct moon_store *store = store_at(port, PATIENT, 0, NULL);
    expect_nothing(store, "NOAUTH");
    moon_store_destroy(&store);
    store = store_at(port, PATIENT, 0, password_file);
    expect_nothing(store, "password: No such file or directory");
    moon_store_destroy(&store);
    FILE *file = fopen(password_file, "w");
    assert_true(file && fputs("falsch\n", file) >= 0 && fclose(file) == 0);
    store = store_at(port, PATIENT, 0, password_file);
    expect_nothing(store, "WRONGPASS");
    moon_store_destroy(&store);
    file = fopen(password_file, "w");
    assert_true(file && fputs("geheim geheim\r\n", file) >= 0 && fclose(file) == 0);
    store = store_at(port, PATIENT, 2, password_file);
    assert_int_equal(one(store, "k"), 1);
    moon_store_destroy(&store);
    stop_server();
}

static void a_server_that_dies_and_comes_back(void **state)
{
    (void)state; /* cmocka's, not used */
    start_server("--databases", "16");
    struct moon_store *store = store_at(port, PATIENT, 0, NULL);
    assert_int_equal(one(store, "k"), 1);
    assert_null(moon_store_trouble(store));
    stop_server();
    expect_nothing(store, "store redis://127.0.0.1: ");
    assert_non_null(moon_store_trouble(store));
    store->down_until_ms = 0;
    expect_nothing(store, "Connection refused");
    assert_null(moon_store_trouble(store));                     /* one outage, one line */
    assert_true(store->down_until_ms > moon_clock_ms() + 1000); /* the pause grows */
    start_server("--databases", "16");
    expect_nothing(store, "Connection refused"); /* not asked again so soon */
    store->down_until_ms = 0;
    assert_int_equal(one(store, "k"), 1);
    /* The server has learnt of what was missed: three counts and three first times. */
    assert_int_equal(store_case_count(store, MOON_STORE_OWN_SPACE, MOON_STORE_MISSED_KEY, NOW,
                                      MOON_STORE_MISSED_WINDOW_S, 0),
                     6);
    stop_server();
    store->down_until_ms = 0;
    expect_nothing(store, "store redis://127.0.0.1: ");
    assert_non_null(moon_store_trouble(store)); /* another outage */
    moon_store_destroy(&store);
}

static void a_server_that_is_stopped_costs_the_timeout(void **state)
{
    (void)state; /* cmocka's, not used */
    start_server("--databases", "16");
    struct moon_store *store = store_at(port, 50, 0, NULL);
    assert_int_equal(kill(server, SIGSTOP), 0);
    for (int connected = 0; connected < 2; connected++) {
        int64_t started_ms = moon_clock_ms();
        store->down_until_ms = 0;
        expect_nothing(store, "no answer in time");
        assert_true(moon_clock_ms() - started_ms >= 50);
    }
    assert_int_equal(kill(server, SIGCONT), 0);
    stop_server();
    moon_store_destroy(&store);
}

static void a_server_that_is_full_says_so(void **state)
{
    (void)state; /* cmocka's, not used */
    start_server("--maxmemory", "1");
    struct moon_store *store = store_at(port, PATIENT, 0, NULL);
    expect_nothing(store, "OOM command not allowed");
    assert_non_null(moon_store_trouble(store));
    moon_store_destroy(&store);
    stop_server();
}

/* Says `text` to whoever comes, `delay_ms` between two bytes, and then keeps silent. */
static pid_t liar(const char *text, int delay_ms, uint16_t *port_r)
{
    int fd = listen_somewhere(port_r);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child) {
        (void)close(fd);
        return child;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int client = accept(fd, NULL, NULL);
        for (const char *c = text; *c; c++) {
            struct timespec nap = {.tv_nsec = 1000000L * delay_ms};
            if (write(client, c, 1) != 1)
                break;
            if (delay_ms)
                (void)nanosleep(&nap, NULL);
        }
    }
}

static void other_servers_are_told_from_ours(void **state)
{
    static const struct {
        const char *text;
        int delay_ms;
        const char *want;
    } table[] = {
        {"220 mail.example ESMTP\r\n", 0, "Protocol error"},
        {"+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n", 0, "an answer of another kind"},
        {"+OK\r\n+Q\r\n+Q\r\n+Q\r\n+Q\r\n*4\r\n:1\r\n:0\r\n:1\r\n*2\r\n$1\r\n1\r\n$-1\r\n", 0,
         "an answer of another kind"},
        {"+OK\r\n+Q\r\n+Q\r\n+Q\r\n+Q\r\n*4\r\n:1\r\n:0\r\n:1\r\n:7\r\n", 0,
         "an answer of another kind"},
        {"+OK\r\n+Q\r\n+Q\r\n+Q\r\n+Q\r\n*0\r\n", 0, "an answer of another kind"},
        {"+OK\r\n+Q\r\n+Q\r\n+Q\r\n+Q\r\n*-1\r\n", 0, "an answer of another kind"},
        {"-ERR \x01\x1b[31m\x7f\xff\r\n+a\r\n+b\r\n+c\r\n+d\r\n+e\r\n", 0, "ERR ??[31m??"},
        {"+a very slow answer, a byte at a time, that never ends in time\r\n", 20,
         "no answer in time"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint16_t at;
        pid_t child = liar(table[i].text, table[i].delay_ms, &at);
        struct moon_store *store = store_at(at, table[i].delay_ms ? 60 : PATIENT, 0, NULL);
        int64_t started_ms = moon_clock_ms();
        expect_nothing(store, table[i].want);
        if (moon_clock_ms() - started_ms > PATIENT / 2)
            fail_msg("row %zu took too long", i);
        moon_store_destroy(&store);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_first_times),
        cmocka_unit_test(processes_agree_to_the_message),
        cmocka_unit_test(a_password_is_read_from_its_file),
        cmocka_unit_test(a_server_that_dies_and_comes_back),
        cmocka_unit_test(a_server_that_is_stopped_costs_the_timeout),
        cmocka_unit_test(a_server_that_is_full_says_so),
        cmocka_unit_test(other_servers_are_told_from_ours),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, prepare, clean_up);
}
