/* SPDX-License-Identifier: MIT
 *
 * fuzz_store: the counters of a row as another worker may have written them, and the setting that
 * names the store. The first 8 bytes are a step, the next 8 what is added.
 *
 * Parser: engine/store/steps.c
 * Parser: engine/base/conf_store.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/conf_store.h"
#include "engine/base/ip.h"
#include "engine/store/steps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_steps(struct moon_span bytes, int64_t step, uint64_t add)
{
    unsigned char packed[MOON_STEPS_BYTES];
    struct moon_steps steps, again;

    if (!moon_steps_unpack(bytes, &steps))
        return;
    moon_steps_pack(&steps, packed);
    if (memcmp(packed, bytes.p, sizeof packed) != 0)
        abort();
    int64_t before = moon_steps_sum(&steps, step);
    moon_steps_add(&steps, step, add);
    int64_t after = moon_steps_sum(&steps, step);
    /* What is added counts, and what was in the window stays in it. */
    if (before < 0 || after < before || (after != INT64_MAX && (uint64_t)(after - before) != add))
        abort();
    moon_steps_pack(&steps, packed);
    if (!moon_steps_unpack((struct moon_span){(const char *)packed, sizeof packed}, &again) ||
        moon_steps_sum(&again, step) != after)
        abort();
}

static void check_setting(struct moon_span text)
{
    struct moon_conf_store store;
    struct moon_ip ip;

    if (!moon_conf_store_parse(text, &store))
        return;
    if (store.kind == MOON_STORE_KIND_SQLITE && (store.path.n < 2 || store.path.p[0] != '/'))
        abort();
    if (store.kind == MOON_STORE_KIND_REDIS &&
        (!moon_ip_parse(store.address, &ip) || store.port == 0 || store.database > 9999))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_span all = {(const char *)data, size};
    struct moon_buf buf = moon_buf_of(all);

    check_setting(all);
    int64_t step = (int64_t)(moon_buf_u64(&buf) >> 2); /* as far as any clock goes */
    uint64_t add = moon_buf_u64(&buf) % 1000001;
    if (!buf.failed)
        check_steps((struct moon_span){buf.p, buf.left}, step, add);
    return 0;
}
