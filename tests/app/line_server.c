#include "line_server.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Prints what is due, every 5 ms, until nobody reads any more. */
static void talk(int fd, const struct line_scene *scene)
{
    const struct timespec nap = {.tv_nsec = 5000000};
    double began_s = now_s();
    for (unsigned long line = 0;;) {
        unsigned long due = (unsigned long)((now_s() - began_s) * scene->rate_hz);
        for (; line < due; line++) {
            char text[256];
            int len = snprintf(text, sizeof(text), "%lu", line);
            double t_s = (double)line / scene->rate_hz;
            const double *value = t_s < scene->load_after_s ? scene->rest : scene->load;
            for (size_t c = 0; c < scene->count; c++) {
                double flicker = line % 2 == 0 ? scene->flicker : -scene->flicker;
                len +=
                    snprintf(text + len, sizeof(text) - (size_t)len, ",%.9g", value[c] + flicker);
            }
            len += snprintf(text + len, sizeof(text) - (size_t)len, "\n");
            if (write(fd, text, (size_t)len) != len) {
                return;
            }
        }
        (void)nanosleep(&nap, NULL);
    }
}

static void serve(int listener, const struct line_scene *scene)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && fork() == 0) {
            talk(fd, scene);
            _exit(0);
        }
        (void)close(fd);
    }
}

pid_t line_server_start(const struct line_scene *scene, unsigned *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(listener >= 0 && bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
              listen(listener, 4) == 0 && getsockname(listener, (struct sockaddr *)&at, &len) == 0);
    *port = ntohs(at.sin_port);
    pid_t server = fork();
    cr_assert(server >= 0);
    if (server == 0) {
        (void)setpgid(0, 0);
        serve(listener, scene);
    }
    (void)setpgid(server, server);
    (void)close(listener);
    return server;
}

void line_server_stop(pid_t server)
{
    (void)kill(-server, SIGKILL); /* its own group: what it serves, too */
    (void)waitpid(server, NULL, 0);
}
