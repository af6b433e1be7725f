/* SPDX-License-Identifier: MIT
 *
 * ask_case: see the header. SIGCHLD is ignored around the calls, as it is in Exim.
 */
#include "tests/support/ask_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

char ask_case_program[4096];
struct moon_answer ask_case_answer;

/* The fake worker is built beside the folder of this program. */
void ask_case_find_program(void)
{
    ssize_t n = readlink("/proc/self/exe", ask_case_program, sizeof ask_case_program - 32);
    assert_true(n > 0);
    ask_case_program[n] = '\0';
    for (int i = 0; i < 2; i++)
        *strrchr(ask_case_program, '/') = '\0';
    size_t n_folder = strlen(ask_case_program);
    (void)snprintf(ask_case_program + n_folder, sizeof ask_case_program - n_folder,
                   "/fakeworker"); /* there is room */
}

struct moon_settings ask_case_settings(int64_t timeout_ms)
{
    return (struct moon_settings){.program = ask_case_program, .timeout_ms = timeout_ms};
}

/* One message of this sender's whose X-Fake says what the worker does. */
void ask_case_send_with(struct moon_ask *ask, const char *mode,
                        const struct moon_settings *settings)
{
    char text[64];
    struct moon_wire_field field = {' ', {text, 0}};
    struct moon_span recipients[] = {MOON_SPAN("a@one.example"), MOON_SPAN("b@two.example")};
    struct moon_request request = {
        .id = MOON_SPAN("test"),
        .recipients = recipients,
        .recipient_count = 2,
        .fields = &field,
        .field_count = 1,
        .flags = MOON_WIRE_FLAG_BODY,
    };
    struct moon_spawn_guard guard;
    int body = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_true(body >= 0);
    field.text.n = (size_t)snprintf(text, sizeof text, "X-Fake: %s\n", mode);
    moon_spawn_enter(&guard, &ask->worker);
    moon_ask_message(ask, settings, &request, body, &ask_case_answer);
    moon_spawn_leave(&guard);
    (void)close(body);
}

void ask_case_send(struct moon_ask *ask, const char *mode, int64_t timeout_ms)
{
    struct moon_settings settings = ask_case_settings(timeout_ms);
    ask_case_send_with(ask, mode, &settings);
}

void ask_case_end(struct moon_ask *ask)
{
    struct moon_spawn_guard guard;
    char how[64];

    moon_spawn_enter(&guard, &ask->worker);
    moon_spawn_end(&ask->worker, 0, how, sizeof how);
    moon_spawn_leave(&guard);
    moon_answer_free(&ask_case_answer);
}

void ask_case_no_child(const char *what)
{
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
        fail_msg("%s: got a child that is left over", what);
}
