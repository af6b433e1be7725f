/* SPDX-License-Identifier: MIT
 *
 * answers: DNS answers in memory for a program on libresolv (the harness's peers/libs.c), to
 * compare its CPU with that of an engine whose answers come from memory, too. Loaded with
 * LD_PRELOAD, it takes the place of res_nquery: a question is asked once, and its outcome repeated
 * from then on, whether that was an answer or an error. With the peer's --warm, which makes an
 * unmeasured pass first, no measured question leaves the process. Not for threads: run the peer
 * with one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BUCKETS     4096u
#define ERROR_BYTES 1024 /* of the packet behind an error: its head is what programs look at */

struct answer {
    struct answer *next;
    char *name;
    unsigned char *packet;
    int class, type, length, kept, error, host_error;
};

static struct answer *buckets[BUCKETS];

static struct answer **place_of(const char *name, int class, int type)
{
    unsigned hash = (unsigned)(class * 31 + type);
    for (const char *c = name; *c; c++)
        hash = hash * 33 + ((unsigned char)*c | 0x20u);
    struct answer **place = &buckets[hash % BUCKETS];
    while (*place && ((*place)->class != class || (*place)->type != type ||
                      strcasecmp((*place)->name, name) != 0))
        place = &(*place)->next;
    return place;
}

static void *have(void *memory)
{
    if (!memory) {
        (void)fputs("answers: no memory\n", stderr);
        abort();
    }
    return memory;
}

int res_nquery(res_state state, const char *name, int class, int type, unsigned char *packet,
               int size)
{
    static int (*ask)(res_state, const char *, int, int, unsigned char *, int);
    struct answer **place = place_of(name, class, type), *answer = *place;

    if (!answer) {
        if (!ask)
            *(void **)&ask = have(dlsym(RTLD_NEXT, "res_nquery"));
        answer = have(calloc(1, sizeof *answer));
        *answer = (struct answer){.name = have(strdup(name)), .class = class, .type = type};
        errno = 0;
        answer->length = ask(state, name, class, type, packet, size);
        answer->error = errno;
        answer->host_error = state->res_h_errno;
        answer->kept = answer->length >= 0 ? answer->length : ERROR_BYTES;
        if (answer->kept > size)
            answer->kept = size;
        answer->packet = have(malloc((size_t)answer->kept + 1));
        memcpy(answer->packet, packet, (size_t)answer->kept);
        *place = answer;
        return answer->length;
    }
    memcpy(packet, answer->packet, (size_t)(answer->kept < size ? answer->kept : size));
    errno = answer->error;
    h_errno = state->res_h_errno = answer->host_error;
    return answer->length;
}
