/* SPDX-License-Identifier: MIT
 *
 * redis: counts and first times on a server (hiredis).
 *
 *  1. The first question connects, gives the password (read when the store was made) and chooses
 * the database, all within timeout_ms; so does the next question after a connection has ended.
 *  2. A question that writes is one MULTI ... EXEC, sent in one piece and answered in one: hosts
 *     that ask at the same time are served one after the other and agree to the message.
 *  3. The answer is waited for at most timeout_ms, however it comes. Late, the connection is given
 *     up: what it still brings would answer another question.
 *
 * A count is a hash with a field for each step of time; fields that are out of the window are
 * deleted with each change (all that can be there: the key itself ends with the window). A first
 * time is a text, kept with SET NX. Keys: "moonscan:c:" and "moonscan:f:" and 32 hex digits.
 */
#include "engine/store/redis.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/budget.h"
#include "engine/store/backend.h"

#define PASSWORD_BYTES_MAX 512
#define ARGUMENTS_MAX      (4 + MOON_STORE_COUNTERS)
#define NUMBER_BYTES       24

struct redis {
    struct moon_store head;
    char address[64];
    char password[PASSWORD_BYTES_MAX], no_password[300]; /* "" for none; why it cannot be read */
    uint16_t port;
    unsigned database;
    int64_t timeout_ms, deadline_ms; /* of the question */
    redisContext *context;
};

/* --- the connection ----------------------------------------------------------------------------
 */

static void hang_up(struct redis *redis)
{
    if (redis->context)
        redisFree(redis->context);
    redis->context = NULL;
}

static enum moon_store_said down(struct redis *redis, const char *what)
{
    (void)moon_fail(&redis->head.why, MOON_EIO, "store redis://%s: %.200s", redis->address, what);
    for (char *c = redis->head.why.text; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?'; /* the server's words */
    hang_up(redis);
    return MOON_STORE_DOWN;
}

static int64_t left_ms(const struct redis *redis)
{
    int64_t left = redis->deadline_ms - moon_clock_ms();
    return left > 0 ? left : 0;
}

/* Waits until the socket is ready for `events`. */
static bool wait_for(const struct redis *redis, short events)
{
    struct pollfd one = {.fd = redis->context->fd, .events = events};
    int ready;
    do
        ready = poll(&one, 1, (int)left_ms(redis));
    while (ready < 0 && errno == EINTR && left_ms(redis) > 0);
    return ready > 0;
}

/* Step 3. One reply, which the caller frees; NULL: the connection is of no use any more. */
static redisReply *read_reply(struct redis *redis)
{
    void *reply = NULL;
    int done = 0;

    while (!done) /* all that was appended */
        if (redisBufferWrite(redis->context, &done) != REDIS_OK ||
            (!done && !wait_for(redis, POLLOUT)))
            return NULL;
    for (;;) {
        if (redisGetReplyFromReader(redis->context, &reply) != REDIS_OK)
            return NULL;
        if (reply)
            return reply;
        if (!wait_for(redis, POLLIN) || redisBufferRead(redis->context) != REDIS_OK)
            return NULL;
    }
}

static const char *connection_error(const struct redis *redis)
{
    if (redis->context && redis->context->err)
        return redis->context->errstr;
    return left_ms(redis) ? "the connection ended" : "no answer in time";
}

/* A reply that must be OK. */
static enum moon_store_said expect_ok(struct redis *redis)
{
    redisReply *reply = read_reply(redis);
    enum moon_store_said said = MOON_STORE_ANSWERED;

    if (!reply)
        return down(redis, connection_error(redis));
    if (reply->type == REDIS_REPLY_ERROR)
        said = down(redis, reply->str);
    freeReplyObject(reply);
    return said;
}

/* The first line of the file, now: a worker can open no such file later (engine/cmd/confine.h). */
static void read_password(struct redis *redis, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, redis->password, sizeof redis->password - 1);

    if (n < 0)
        (void)snprintf(redis->no_password, sizeof redis->no_password, "%.200s: %s", path,
                       strerror(errno));
    if (fd >= 0)
        (void)close(fd); /* was only read */
    redis->password[n < 0 ? 0 : n] = '\0';
    redis->password[strcspn(redis->password, "\r\n")] = '\0';
}

/* Non-blocking: connecting, writing and reading all end by poll() at the one deadline. */
static bool begin_connecting(struct redis *redis)
{
    redis->context = redisConnectNonBlock(redis->address, redis->port);
    if (!redis->context || redis->context->err)
        return false;
    int trouble = 0;
    socklen_t size = sizeof trouble;
    if (!wait_for(redis, POLLOUT))
        return false;
    if (getsockopt(redis->context->fd, SOL_SOCKET, SO_ERROR, &trouble, &size) != 0)
        trouble = errno;
    if (trouble == 0)
        return true;
    (void)down(redis, strerror(trouble));
    return false;
}

/* Step 1. */
static enum moon_store_said connected(struct redis *redis)
{
    enum moon_store_said said = MOON_STORE_ANSWERED;

    redis->deadline_ms = moon_clock_ms() + redis->timeout_ms;
    if (redis->context)
        return said;
    if (!begin_connecting(redis))
        return redis->context ? down(redis, connection_error(redis)) : MOON_STORE_DOWN;
    if (*redis->no_password)
        return down(redis, redis->no_password);
    if (*redis->password) {
        if (redisAppendCommand(redis->context, "AUTH %s", redis->password) != REDIS_OK)
            return down(redis, connection_error(redis));
        said = expect_ok(redis);
    }
    if (said == MOON_STORE_ANSWERED && redis->database) {
        if (redisAppendCommand(redis->context, "SELECT %u", redis->database) != REDIS_OK)
            return down(redis, connection_error(redis));
        said = expect_ok(redis);
    }
    return said;
}

/* --- questions ---------------------------------------------------------------------------------
 */

/* One command of a transaction, its arguments collected. */
struct command {
    const char *arguments[ARGUMENTS_MAX];
    size_t count;
    char numbers[ARGUMENTS_MAX][NUMBER_BYTES];
};

static void add(struct command *command, const char *argument)
{
    if (!MOON_BUG(command->count == ARGUMENTS_MAX))
        command->arguments[command->count++] = argument;
}

static void add_number(struct command *command, int64_t number)
{
    if (MOON_BUG(command->count == ARGUMENTS_MAX))
        return;
    char *text = command->numbers[command->count];
    (void)snprintf(text, NUMBER_BYTES, "%lld", (long long)number); /* 20 digits fit */
    command->arguments[command->count++] = text;
}

static bool append(struct redis *redis, const struct command *command)
{
    return redisAppendCommandArgv(redis->context, (int)command->count,
                                  (const char **)(uintptr_t)command->arguments, NULL) == REDIS_OK;
}

static bool append_words(struct redis *redis, const char *word, const char *key, int64_t number)
{
    struct command command = {.count = 0};
    add(&command, word);
    if (key) {
        add(&command, key);
        add_number(&command, number);
    }
    return append(redis, &command);
}

/* word key first .. last */
static bool append_steps(struct redis *redis, const char *word, const char *key, int64_t first,
                         int64_t last)
{
    struct command command = {.count = 0};
    add(&command, word);
    add(&command, key);
    for (int64_t step = first; step <= last; step++)
        add_number(&command, step);
    return append(redis, &command);
}

/* Reads `count` replies and gives the last, which is of the wanted type or, for a text, nil; the
 * caller frees it. NULL: *said_r says why. The first error is the one that tells: out of memory, a
 * replica, no rights. The server is there then, and says the same next time. */
static redisReply *last_reply(struct redis *redis, unsigned count, int type,
                              enum moon_store_said *said_r)
{
    redisReply *reply = NULL;
    char error[200] = "";

    for (unsigned i = 0; i < count; i++) {
        if (reply)
            freeReplyObject(reply);
        reply = read_reply(redis);
        if (!reply) {
            *said_r = down(redis, *error ? error : connection_error(redis));
            return NULL;
        }
        if (reply->type == REDIS_REPLY_ERROR && !*error)
            (void)snprintf(error, sizeof error, "%s", reply->str); /* cut, when it is long */
    }
    bool nil = reply && type == REDIS_REPLY_STRING && reply->type == REDIS_REPLY_NIL;
    if (reply && !*error && (nil || reply->type == type))
        return reply;
    *said_r = down(redis, *error ? error : "an answer of another kind");
    if (reply)
        freeReplyObject(reply);
    return NULL;
}

/* The result of the transaction's last command. */
static const redisReply *last_of(const redisReply *exec, size_t commands)
{
    if (exec->elements != commands)
        return NULL;
    for (size_t i = 0; i < commands; i++)
        if (exec->element[i]->type == REDIS_REPLY_ERROR)
            return NULL;
    return exec->element[commands - 1];
}

static bool number_of(const redisReply *reply, int64_t *number_r)
{
    uint64_t number = 0;
    if (reply->type == REDIS_REPLY_STRING &&
        !moon_span_number((struct moon_span){reply->str, reply->len}, INT64_MAX, &number))
        return false;
    *number_r = (int64_t)number;
    return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_NIL;
}

/* Adds up HMGET's answer. */
static bool sum_of(const redisReply *reply, int64_t *sum_r)
{
    int64_t sum = 0, number;

    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != MOON_STORE_COUNTERS)
        return false;
    for (size_t i = 0; i < reply->elements; i++) {
        if (!number_of(reply->element[i], &number))
            return false;
        sum = number > INT64_MAX - sum ? INT64_MAX : sum + number;
    }
    *sum_r = sum;
    return true;
}

/* Step 2. */
static enum moon_store_said count(struct moon_store *store, const struct moon_store_slot *slot,
                                  int64_t *sum_r)
{
    struct redis *redis = (struct redis *)store;
    char key[64];
    int64_t oldest = slot->step - MOON_STORE_STEPS;
    bool write = slot->add && !slot->pretend, ok = true;
    enum moon_store_said said = connected(redis);

    if (said != MOON_STORE_ANSWERED)
        return said;
    (void)snprintf(key, sizeof key, "moonscan:c:%s", slot->id); /* fits */
    if (write) {
        struct command add_one = {.count = 0};
        add(&add_one, "HINCRBY");
        add(&add_one, key);
        add_number(&add_one, slot->step);
        add_number(&add_one, slot->add);
        ok = append_words(redis, "MULTI", NULL, 0) && append(redis, &add_one) &&
             append_steps(redis, "HDEL", key, oldest - MOON_STORE_STEPS - 1, oldest - 1) &&
             append_words(redis, "EXPIRE", key, slot->keep_s);
    }
    ok = ok && append_steps(redis, "HMGET", key, oldest, slot->step + 1) &&
         (!write || append_words(redis, "EXEC", NULL, 0));
    if (!ok)
        return down(redis, "no memory");
    redisReply *reply = last_reply(redis, write ? 6 : 1, REDIS_REPLY_ARRAY, &said);
    if (!reply)
        return said;
    if (!sum_of(write ? last_of(reply, 4) : reply, sum_r))
        said = down(redis, "an answer of another kind");
    else if (!write)
        *sum_r += slot->add;
    freeReplyObject(reply);
    return said;
}

static enum moon_store_said first_seen(struct moon_store *store, const struct moon_store_slot *slot,
                                       int64_t *first_s_r)
{
    struct redis *redis = (struct redis *)store;
    char key[64];
    bool write = slot->add && !slot->pretend, ok = true;
    enum moon_store_said said = connected(redis);

    if (said != MOON_STORE_ANSWERED)
        return said;
    (void)snprintf(key, sizeof key, "moonscan:f:%s", slot->id); /* fits */
    if (write)
        ok = append_words(redis, "MULTI", NULL, 0) &&
             append_words(redis, "SETNX", key, slot->now_s) &&
             append_words(redis, "EXPIRE", key, slot->keep_s);
    struct command get = {.count = 0};
    add(&get, "GET");
    add(&get, key);
    if (!ok || !append(redis, &get) || (write && !append_words(redis, "EXEC", NULL, 0)))
        return down(redis, "no memory");
    redisReply *reply =
        last_reply(redis, write ? 5 : 1, write ? REDIS_REPLY_ARRAY : REDIS_REPLY_STRING, &said);
    if (!reply)
        return said;
    const redisReply *first = write ? last_of(reply, 3) : reply;
    if (!first || !number_of(first, first_s_r))
        said = down(redis, "an answer of another kind");
    else if (first->type == REDIS_REPLY_NIL)
        *first_s_r = slot->add ? slot->now_s : -1;
    freeReplyObject(reply);
    return said;
}

static void destroy(struct moon_store *store)
{
    hang_up((struct redis *)store);
    free(store);
}

enum moon_status moon_store_redis(const char *address, uint16_t port, unsigned database,
                                  const char *password_file, int64_t timeout_ms,
                                  struct moon_store **store_r, struct moon_error *error)
{
    static const struct moon_store_ops ops = {count, first_seen, destroy};
    struct redis *redis = calloc(1, sizeof *redis);

    *store_r = NULL;
    if (!redis)
        return moon_fail(error, MOON_ENOMEM, "no memory for the store");
    redis->head.ops = &ops;
    (void)snprintf(redis->address, sizeof redis->address, "%s", address); /* cut: no address */
    if (password_file)
        read_password(redis, password_file);
    redis->port = port;
    redis->database = database;
    redis->timeout_ms = timeout_ms;
    *store_r = &redis->head;
    return MOON_OK;
}
