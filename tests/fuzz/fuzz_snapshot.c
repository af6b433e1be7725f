/* SPDX-License-Identifier: MIT
 *
 * Fuzz target of engine/base/snapshot.c: whatever a file holds, opening and reading stay inside it;
 * the settings are read as a worker reads them.
 *
 * Parser: engine/base/snapshot.c
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/conf.h"
#include "engine/base/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same bytes in a file: opened when they are so from memory, and only then. */
static void check_file(const uint8_t *data, size_t size, bool opens)
{
    struct moon_snapshot *snapshot = NULL;
    struct moon_error error = {""};
    char path[40];
    int fd = memfd_create("snapshot", MFD_CLOEXEC);

    if (fd < 0)
        return;
    if (write(fd, data, size) != (ssize_t)size)
        abort();
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* it fits */
    enum moon_status status = moon_snapshot_open(path, &snapshot, &error);
    if ((status == MOON_OK) != opens || (snapshot != NULL) != opens || !opens != !!*error.text)
        abort();
    moon_snapshot_close(&snapshot);
    (void)close(fd); /* only memory */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_snapshot *snapshot = NULL;
    struct moon_span key, value;
    struct moon_conf conf;
    unsigned sum = 0;

    if (moon_snapshot_of_memory((struct moon_span){(const char *)data, size}, &snapshot, NULL)) {
        check_file(data, size, false);
        return 0;
    }
    check_file(data, size, true);
    if (strlen(moon_snapshot_full_hash(snapshot)) != 64 || !*moon_snapshot_hash(snapshot))
        abort();
    for (size_t i = 0; i < 1000 && moon_snapshot_each(snapshot, i, &key, &value); i++) {
        struct moon_span again;
        for (size_t k = 0; k < value.n; k++)
            sum += (unsigned char)value.p[k];
        if (!moon_snapshot_get(snapshot, key, &again) || again.p != value.p)
            abort();
    }
    struct moon_arena *arena = moon_arena_create(1 << 20);
    if (arena)
        (void)moon_conf_load(arena, snapshot, &conf, NULL); /* any status is fine here */
    moon_arena_destroy(&arena);
    (void)moon_snapshot_verify(snapshot); /* either answer is fine here */
    moon_snapshot_close(&snapshot);
    return sum == 1 ? 0 : 0;
}
