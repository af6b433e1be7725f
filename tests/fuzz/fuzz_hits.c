/* SPDX-License-Identifier: MIT
 *
 * fuzz_hits: any bytes as lines of the decision log. Tokens of JSON nest as they should; every hit
 * is in a row while there are rows, and every row is found again.
 *
 * Parser: engine/base/json_read.c
 * Parser: engine/cmd/hits.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json_read.h"
#include "engine/cmd/hits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

/* Behind the end, or what is wrong, nothing comes. */
static void check_tokens(struct moon_span text)
{
    struct moon_json_reader reader = moon_json_read(text);
    struct moon_json_token token;
    unsigned depth = 0;
    size_t count = 0;

    do {
        char out[64];
        token = moon_json_next(&reader);
        depth += token.kind == MOON_JSON_OPEN;
        must(token.kind != MOON_JSON_CLOSE || depth > 0);
        depth -= token.kind == MOON_JSON_CLOSE;
        must(token.kind == MOON_JSON_BAD || depth == reader.depth);
        must(count++ <= text.n + 2);
        moon_json_text(token.text, out, sizeof out);
        must(strlen(out) < sizeof out && strlen(out) <= token.text.n + 2);
    } while (token.kind != MOON_JSON_BAD && token.kind != MOON_JSON_END);
    must(token.kind == MOON_JSON_BAD || depth == 0);
    must(moon_json_next(&reader).kind == token.kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_arena *arena = moon_arena_create(MOON_HITS_BYTES_MAX);
    struct moon_buf buf = moon_buf_of((struct moon_span){(const char *)data, size});
    struct moon_hits hits;
    uint64_t sum = 0;

    if (arena &&
        moon_hits_begin(arena, size % 2 ? "2026-11-01" : NULL, size % 7, &hits) == MOON_OK) {
        while (!moon_buf_at_end(&buf)) {
            struct moon_span line = moon_buf_until(&buf, '\n');
            (void)moon_buf_skip(&buf, '\n'); /* the last line has none */
            check_tokens(line);
            moon_hits_line(&hits, line);
        }
        moon_hits_sort(&hits);
        for (size_t i = 0; i < hits.row_count; i++) {
            const struct moon_hit *row = &hits.rows[i];
            must(moon_hits_find(&hits, row->list, row->entry) != NULL);
            must(i == 0 || hits.rows[i - 1].count >= row->count);
            sum += row->count;
        }
        must(hits.row_count <= size % 7);
        must(hits.no_memory || sum + hits.others <= 10 * hits.records);
    }
    moon_arena_destroy(&arena);
    return 0;
}
