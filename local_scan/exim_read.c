/* SPDX-License-Identifier: MIT
 *
 * exim_read: Exim's globals and its header chain into a request.
 *
 * What differs between the headers of 4.96 and later: strings are const in newer ones (all are read
 * as const here); expand_string is a function in 4.96 to 4.98, declared but missing in 4.99, a
 * macro over expand_string_2 from 4.100 on.
 */
#include "local_scan/exim.h"

#ifndef expand_string
#pragma weak expand_string
typedef const uschar *expand_2(const uschar *, BOOL *);
#ifdef MOON_DLOPEN
/* Asked for only where it is needed: a name that is nowhere the dynamic linker looks for in all of
 * Exim's libraries, forty and more, for each connection. */
static expand_2 *newer_expand(void)
{
    return (expand_2 *)(uintptr_t)dlsym(RTLD_DEFAULT, "expand_string_2");
}
#else
extern expand_2 expand_string_2 __attribute__((weak));
static expand_2 *newer_expand(void)
{
    return expand_string_2;
}
#endif
#endif

/* `text` is a constant of ours. NULL when it cannot be expanded; no log line then. The result is
 * Exim's and lives as long as the message. */
static const char *expanded(const char *text)
{
    /* Not our own pages: Exim may write into what it expands. A copy of an untainted string is
     * untainted. */
    uschar *format = string_copy(CUS text);

#ifdef expand_string
    return CCS expand_string(format);
#else
    if (expand_string)
        return CCS expand_string(format);
    expand_2 *newer = newer_expand();
    return newer ? CCS newer(format, NULL) : NULL;
#endif
}

static struct moon_span span_of(const uschar *text)
{
    return moon_span_of(CCS text);
}

static struct moon_span expanded_span(const char *text)
{
    return moon_span_of(expanded(text));
}

/* Is the client in the site's hostlist moonscan_skip_hosts? The list need not exist: expanding it
 * asks quietly, matching would log and defer. */
static bool is_listed_host(void)
{
    static uschar list[] = "+moonscan_skip_hosts";

    if (!expanded("${listnamed_h:moonscan_skip_hosts}"))
        return false;
    return lss_match_host((uschar *)(uintptr_t)sender_host_name,
                          (uschar *)(uintptr_t)sender_host_address, list) == OK;
}

/* Is the client this host? A content filter, a web mail or a list server that hands mail (back) to
 * Exim has an address of this host at both ends of the connection, loopback or not. `exim -bh` has
 * one end only. */
static bool is_this_host(void)
{
    const char *client = CCS sender_host_address;

    return strcmp(client, "127.0.0.1") == 0 || strcmp(client, "::1") == 0 ||
           (interface_address && strcmp(client, CCS interface_address) == 0);
}

bool moon_exim_skips_host(const struct moon_settings *settings)
{
    return (!settings->scan_loopback && is_this_host()) || is_listed_host();
}

/* Does the descriptor's file begin with the line of this name? So it does in every version, where
 * the body begins behind that line. */
static bool begins_with(int fd, const char *name)
{
    char line[80];
    size_t n = strlen(name);

    return n < sizeof line - 1 && pread(fd, line, n + 1, 0) == (ssize_t)(n + 1) &&
           memcmp(line, name, n) == 0 && line[n] == '\n';
}

/* Its path depends on split_spool_directory and queues, which nobody tells us; but the process has
 * it open, and the link of its descriptor ends in its name. */
int moon_exim_spool(off_t *start_r)
{
    char name[80], path[32], target[4096];
    struct dirent *entry;
    int found = -1;

    int length = snprintf(name, sizeof name, "/%s-D", message_id);
    DIR *folder = length < (int)sizeof name ? opendir("/proc/self/fd") : NULL;
    while (folder && found < 0 && (entry = readdir(folder))) { /* as many as are open */
        (void)snprintf(path, sizeof path, "/proc/self/fd/%.10s", entry->d_name); /* fits */
        ssize_t n = readlink(path, target, sizeof target);
        if (n <= length || n == (ssize_t)sizeof target ||
            memcmp(target + n - length, name, (size_t)length) != 0)
            continue;
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (begins_with(fd, name + 1))
            found = fd;
    }
    if (folder)
        (void)closedir(folder); /* was only read */
    *start_r = length;          /* the name without its slash, and the end of the line */
    return found;
}

/* The header chain. The arrays are on the heap, `handles_r` in step with the fields. */
static bool collect_fields(struct moon_request *request, void ***handles_r)
{
    uint32_t count = 0, i = 0;

    for (const header_line *h = header_list; h && count <= MOON_FIELDS_MAX; h = h->next)
        count++;
    request->fields = calloc((size_t)count + 1, sizeof *request->fields);
    *handles_r = calloc((size_t)count + 1, sizeof **handles_r);
    if (!request->fields || !*handles_r || count > MOON_FIELDS_MAX)
        return false;
    for (header_line *h = header_list; h && i < count; h = h->next, i++) {
        request->fields[i].type = (char)h->type;
        if (h->text && h->slen > 0)
            request->fields[i].text = (struct moon_span){CCS h->text, (size_t)h->slen};
        (*handles_r)[i] = h;
    }
    request->field_count = moon_clean_chain(request->fields, *handles_r, count);
    return true;
}

static bool collect_recipients(struct moon_request *request)
{
    uint32_t count = recipients_count > 0 ? (uint32_t)recipients_count : 0;

    request->recipients = calloc((size_t)count + 1, sizeof *request->recipients);
    if (!request->recipients || count > MOON_RECIPIENTS_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++)
        request->recipients[i] = span_of(recipients_list[i].address);
    request->recipient_count = count;
    return true;
}

static void read_envelope(struct moon_request *request)
{
    request->flags = host_checking ? MOON_WIRE_FLAG_DRY_RUN : 0;
    request->id = span_of(message_id);
    request->client_ip = span_of(sender_host_address);
    request->host_name = span_of(sender_host_name); /* $sender_host_name would ask the DNS */
    request->helo = expanded_span("$sender_helo_name");
    request->protocol = span_of(received_protocol);
    request->tls = expanded_span("$tls_in_cipher");
    request->tls_version = expanded_span("$tls_in_ver");
    request->authenticated = span_of(sender_host_authenticated);
    request->authenticated_id = expanded_span("$authenticated_id");
    request->interface_ip = span_of(interface_address);
    request->receiver_name = expanded_span("$primary_hostname");
    request->tenants = expanded_span("${if def:acl_m_moonscan_tenants{$acl_m_moonscan_tenants}}");
    request->mail_from = span_of(sender_address);
    request->client_port = sender_host_port > 0 ? (uint32_t)sender_host_port : 0;
    request->interface_port = interface_port > 0 ? (uint32_t)interface_port : 0;
    request->received_s = (int64_t)time(NULL);
}

/* For reading only, with an offset of its own. The number is written by hand: see set_text. */
static int reopen(int fd)
{
    char path[sizeof "/proc/self/fd/" + 10] = "/proc/self/fd/", *end = path + strlen(path);
    int scale = 1;

    while (fd / scale >= 10)
        scale *= 10;
    for (; scale > 0; scale /= 10)
        *end++ = (char)('0' + fd / scale % 10);
    *end = '\0';
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

bool moon_exim_read(struct moon_exim *message_r, int spool_fd, off_t start, const char **why)
{
    struct moon_request *request = &message_r->request;

    *message_r = (struct moon_exim){.body_fd = -1};
    read_envelope(request);
    *why = "more header fields or recipients than can be handed over, or no memory";
    if (!collect_fields(request, &message_r->fields) || !collect_recipients(request))
        return false;
    *why = "the spool file cannot be opened for reading by way of /proc/self/fd; /proc must be "
           "mounted";
    if (spool_fd >= 0)
        message_r->body_fd = reopen(spool_fd);
    if (start < 0 || message_r->body_fd < 0)
        return false;
    request->body_start_bytes = (uint64_t)start;
    request->flags |= MOON_WIRE_FLAG_BODY;
    return true;
}

void moon_exim_free(struct moon_exim *message)
{
    moon_request_free(&message->request);
    free(message->fields);
    message->fields = NULL;
}
