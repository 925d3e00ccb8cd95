/*
 * bare_mhd.c: libmicrohttpd with nothing of ours: the measure for /api/v1/live. Answers each
 * request with the same SIZE bytes, on a free port of 127.0.0.1; prints "listening URL" and serves
 * until a signal ends it.
 *
 * The reply is queued in the second call of the handler: in the first it would close the
 * connection.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload_data,
                              size_t *upload_data_size, void **con_cls)
{
    (void)url;
    (void)method;
    (void)version;
    (void)upload_data;
    (void)upload_data_size;
    if (*con_cls == NULL) {
        *con_cls = cls;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, cls);
}

int main(int argc, char **argv)
{
    size_t size = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const union MHD_DaemonInfo *info;
    struct MHD_Response *response;
    struct MHD_Daemon *daemon;
    char *body;

    if (size == 0 || (body = malloc(size)) == NULL) {
        fprintf(stderr, "usage: bare_mhd SIZE\n");
        return 2;
    }
    memset(body, 'x', size);
    response = MHD_create_response_from_buffer(size, body, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json");
    daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, response,
                              MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
    info = daemon == NULL ? NULL : MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (info == NULL) {
        fprintf(stderr, "bare_mhd: does not start\n");
        return 1;
    }
    printf("listening http://127.0.0.1:%u/\n", info->port);
    fflush(stdout);
    for (;;) {
        pause();
    }
}
