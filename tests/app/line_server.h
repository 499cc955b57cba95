/* A microcontroller on the network: prints lines of numbers to whoever connects, at its own pace.
 */
#ifndef KL_TESTS_APP_LINE_SERVER_H
#define KL_TESTS_APP_LINE_SERVER_H

#include <stddef.h>
#include <sys/types.h>

#define LINE_SERVER_VALUES 8

/** What it prints: a line counter, then `count` values; first those at rest, from load_after_s of
 *  each connection on those under load. The last digit flickers, as of any converter. */
struct line_scene {
    double rate_hz;
    size_t count;
    double rest[LINE_SERVER_VALUES], load[LINE_SERVER_VALUES];
    double load_after_s;
    double flicker;
};

/** Starts it as a process of its own. @param port  out: where it listens on 127.0.0.1 */
pid_t line_server_start(const struct line_scene *scene, unsigned *port);
void line_server_stop(pid_t server);

#endif
