/* SPDX-License-Identifier: MIT
 *
 * watch: see the header. What the handlers of SIGALRM and SIGTERM share with the rest is atomic,
 * and they hold each other back; they only call what may be called in a handler.
 *
 *   REQUEST with READY_BY   timer: READY is due            -> READY, alarm: the longest
 *   REQUEST without         alarm: the longest             -> the end
 *   DECISION, APPLIED       alarms of the caller's         -> the end
 */
#include "engine/cmd/watch.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SEND_MS 10000 /* the module is waiting for us: it reads at once */
/* After this READY is no waste any more: a slow message. And of the time in which the module must
 * hear of us the part after which it is due; where there is less than so much, it is due now. */
#define READY_MS     100
#define READY_PART   2
#define READY_MS_MIN 20

static struct moon_wire_out watch_ready; /* the frame */
static atomic_int watch_socket;
static atomic_bool watch_due;     /* READY is to be said */
static atomic_uint watch_longest; /* not 0: this alarm is the one for READY, the next one after so
                                     many seconds */
static atomic_bool watch_fired;   /* that one has come */

void moon_watch_say_due(void)
{
    struct iovec part = {watch_ready.bytes, watch_ready.length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (atomic_exchange(&watch_due, false))
        /* Nothing was sent before it: there is room. Nobody hears it: that is seen later. */
        (void)!sendmsg(watch_socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void on_alarm(int signal_number)
{
    int error = errno;
    unsigned longest = atomic_exchange(&watch_longest, 0);

    if (longest == 0) {
        (void)signal(signal_number, SIG_DFL); /* cannot fail; ends us when this returns */
        (void)raise(signal_number);
        return;
    }
    moon_watch_say_due();
    (void)alarm(longest);
    watch_fired = true;
    errno = error;
}

bool moon_watch_open(const struct moon_wire_ready *ready)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};

    (void)sigemptyset(&action.sa_mask); /* these cannot fail with these arguments */
    (void)sigaddset(&action.sa_mask, SIGTERM);
    (void)sigaction(SIGALRM, &action, NULL);
    return moon_wire_put_ready(&watch_ready, ready);
}

void moon_watch_close(void)
{
    moon_watch_alarm(0);
    moon_wire_out_free(&watch_ready);
}

/* How long from now until READY is due; 0: it is. */
static int64_t due_ms(const struct moon_request *request)
{
    int64_t now_ms = moon_wire_now_ms();

    if (request->ready_by_ms < now_ms || request->ready_by_ms - now_ms < READY_MS_MIN)
        return 0;
    int64_t ms = (request->ready_by_ms - now_ms) / READY_PART;
    return ms < READY_MS ? ms : READY_MS;
}

bool moon_watch_begin(int socket, const struct moon_request *request, unsigned longest_s)
{
    bool heard = request->ready_by_ms == 0;
    int64_t ms = heard ? 0 : due_ms(request);
    struct itimerval timer = {.it_value.tv_usec = (suseconds_t)ms * 1000};

    if (!heard && moon_wire_is_over(socket))
        return false;
    if (ms > 0) {
        watch_socket = socket;
        watch_longest = longest_s;
        watch_due = true;
        return setitimer(ITIMER_REAL, &timer, NULL) == 0;
    }
    moon_watch_alarm(longest_s);
    return heard || moon_watch_say_ready(socket);
}

void moon_watch_forget(void)
{
    watch_due = false;
}

void moon_watch_alarm(unsigned seconds)
{
    (void)alarm(seconds); /* what was left of the last one does not matter */
    watch_due = false;
    watch_longest = 0;
    if (atomic_exchange(&watch_fired, false))
        (void)alarm(seconds); /* it may have come just behind the first one, and set its own */
}

void moon_watch_last_alarm(unsigned seconds)
{
    moon_watch_say_due();
    moon_watch_alarm(seconds);
}

bool moon_watch_say_ready(int socket)
{
    watch_due = false;
    return moon_wire_send(socket, &watch_ready, -1, moon_wire_now_ms() + SEND_MS) ==
           MOON_WIRE_IO_OK;
}

void moon_watch_say_trouble(int socket, const char *trouble)
{
    struct moon_wire_out out = {0};
    struct moon_wire_ready ready = {.failure = MOON_WIRE_DEFER, .trouble = moon_span_of(trouble)};

    if (moon_wire_put_ready(&out, &ready)) /* nobody hears it: it was started by hand */
        (void)moon_wire_send(socket, &out, -1, moon_wire_now_ms() + SEND_MS);
    moon_wire_out_free(&out);
}
