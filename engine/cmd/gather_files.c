/* SPDX-License-Identifier: MIT
 *
 * gather_files: what the tests of policies read: the files in a folder fixtures/ beside a policy.
 * They are kept in memory and do not get into the snapshot.
 */
#include "engine/cmd/gather_parts.h"

#include "engine/base/limits.h"

#define FILES_BYTES_MAX ((size_t)256 * 1024 * 1024) /* of all policies: 10,000 of 25 KB */

static void add_file(struct moon_gather *gather, const char *path, const char *name)
{
    struct moon_span text;
    const char *whole = moon_arena_printf(gather->arena, "%s/%s", path, name);
    if (!whole) {
        gather->no_memory = true;
        return;
    }
    if (!moon_gather_text(gather, whole, MOON_TEST_FILE_MAX, &text))
        return;
    if (text.n > FILES_BYTES_MAX - gather->file_bytes) {
        moon_gather_complain(gather, "%s/%s: files of tests have more than %zu bytes together",
                             gather->config_dir, whole, FILES_BYTES_MAX);
        moon_gather_drop(&text);
        return;
    }
    struct moon_trial_file *larger =
        moon_arena_append(gather->arena, gather->files, gather->file_count, sizeof *larger);
    const char *copy = larger ? moon_arena_dup(gather->arena, text) : NULL;
    size_t size = text.n;
    moon_gather_drop(&text);
    if (!copy) {
        gather->no_memory = true;
        return;
    }
    gather->files = larger;
    gather->file_bytes += size;
    larger[gather->file_count++] = (struct moon_trial_file){whole, {copy, size}};
}

void moon_gather_fixtures(struct moon_gather *gather, const char *path)
{
    if (path)
        moon_gather_each(gather, path, add_file);
    else
        gather->no_memory = true;
}
