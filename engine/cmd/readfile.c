/* SPDX-License-Identifier: MIT
 *
 * readfile: in growing pieces, so that pipes can be read too.
 */
#include "engine/cmd/readfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE_BYTES_MAX (16u * 1024 * 1024)

enum moon_status moon_readfile(const char *path, size_t bytes_max, struct moon_span *span_r,
                               struct moon_error *error)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    char *bytes = NULL;
    size_t n = 0, capacity = 0;
    enum moon_status status = MOON_OK;

    if (!file)
        return moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno));
    while (status == MOON_OK && !feof(file)) {
        if (capacity - n < 65536) {
            capacity = capacity ? 2 * capacity : 262144;
            char *larger = capacity <= 2 * (size_t)bytes_max ? realloc(bytes, capacity) : NULL;
            if (!larger) {
                status = moon_fail(error, MOON_EBUDGET, "%s: larger than I read", path);
                break;
            }
            bytes = larger;
        }
        n += fread(bytes + n, 1, capacity - n, file);
        if (ferror(file))
            status = moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno));
    }
    if (file != stdin)
        (void)fclose(file); /* was only read */
    if (status != MOON_OK) {
        free(bytes);
        return status;
    }
    *span_r = (struct moon_span){bytes, n};
    return MOON_OK;
}

enum moon_status moon_readfile_zone(const char *path, struct moon_dns_backend **dns_r,
                                    struct moon_error *error)
{
    struct moon_span zone;
    enum moon_status status = moon_readfile(path, ZONE_BYTES_MAX, &zone, error);

    if (status != MOON_OK)
        return status;
    status = moon_dns_backend_zone(zone, path, dns_r, error);
    free((void *)(uintptr_t)zone.p); /* ours, from moon_readfile */
    return status;
}
