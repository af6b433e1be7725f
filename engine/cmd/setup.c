/* SPDX-License-Identifier: MIT
 *
 * setup: snapshot -> settings -> DNS -> policies.
 */
#include "engine/cmd/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/hash.h"
#include "engine/store/redis.h"
#include "engine/store/sqlite.h"

#ifndef MOON_STATE_DIR
#define MOON_STATE_DIR "/var/lib/moonscan"
#endif
#define SETTINGS_BYTES_MAX (4u * 1024 * 1024)

const char *moon_setup_snapshot_path(void)
{
    const char *path = getenv("MOONSCAN_SNAPSHOT");
    return path && *path ? path : MOON_STATE_DIR "/current";
}

enum moon_status moon_setup_choose(const char *named, const char **path_r, struct moon_error *error)
{
    *path_r = named ? named : moon_setup_snapshot_path();
    if (named && access(named, F_OK) != 0)
        return moon_fail(
            error, MOON_ECONF,
            "--snapshot %.300s: %s; without --snapshot the published one is read", named,
            errno == ENOENT || errno == ENOTDIR ? "there is no such file" : strerror(errno));
    return MOON_OK;
}

enum moon_status moon_setup_open(const char *snapshot_path, struct moon_dns_backend *dns,
                                 struct moon_setup *setup_r, struct moon_error *error)
{
    enum moon_status status = MOON_OK;

    memset(setup_r, 0, sizeof *setup_r);
    moon_hash_begin();
    setup_r->dns = dns;
    setup_r->arena = moon_arena_create(SETTINGS_BYTES_MAX);
    if (!setup_r->arena)
        status = moon_fail(error, MOON_ENOMEM, "no memory for the settings");
    if (status == MOON_OK && snapshot_path)
        status = moon_snapshot_open(snapshot_path, &setup_r->snapshot, error);
    if (status == MOON_OK)
        status = moon_conf_load(setup_r->arena, setup_r->snapshot, &setup_r->conf, error);
    if (status == MOON_OK && !setup_r->dns)
        status = moon_dns_backend_cares(setup_r->conf.dns_servers, setup_r->conf.dns_server_count,
                                        &setup_r->dns, error);
    if (status == MOON_OK)
        status = moon_policies_create(&setup_r->conf, setup_r->snapshot, &setup_r->policies, error);
    if (status != MOON_OK) {
        moon_setup_close(setup_r);
        return status;
    }
    setup_r->engine = (struct moon_engine){.conf = &setup_r->conf,
                                           .snapshot = setup_r->snapshot,
                                           .dns = setup_r->dns,
                                           .policies = setup_r->policies};
    return MOON_OK;
}

enum moon_status moon_setup_store(struct moon_setup *setup, bool read_only,
                                  struct moon_error *error)
{
    const struct moon_conf *conf = &setup->conf;
    enum moon_status status = MOON_OK;

    if (conf->store.kind == MOON_STORE_KIND_SQLITE)
        status =
            moon_store_sqlite(conf->store.path.p, conf->store_ms, read_only, &setup->store, error);
    else if (conf->store.kind == MOON_STORE_KIND_REDIS)
        status = moon_store_redis(conf->store.address.p, conf->store.port, conf->store.database,
                                  conf->store_password, conf->store_ms, &setup->store, error);
    setup->engine.store = setup->store;
    return status;
}

int moon_setup_store_fd(const struct moon_setup *setup)
{
    return setup->store && setup->conf.store.kind == MOON_STORE_KIND_SQLITE
               ? moon_store_sqlite_fd(setup->store)
               : -1;
}

void moon_setup_close(struct moon_setup *setup)
{
    if (setup->store)
        moon_store_destroy(&setup->store);
    if (setup->policies)
        moon_policies_destroy(&setup->policies);
    if (setup->dns)
        moon_dns_backend_destroy(&setup->dns);
    if (setup->snapshot)
        moon_snapshot_close(&setup->snapshot);
    moon_arena_destroy(&setup->arena);
}
