#include "command.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

void enter_fresh_folder(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/kneelab-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    /* a test never opens a window on the developer's screen */
    (void)unsetenv("DISPLAY");
    (void)unsetenv("WAYLAND_DISPLAY");
}

void leave_folder(void)
{
    char command[256];
    (void)snprintf(command, sizeof(command), "chmod -R u+w %s && rm -rf %s", folder, folder);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(system(command), 0);
}

static void read_text(const char *path, char *out, size_t len)
{
    if (out == NULL || len == 0) {
        return;
    }
    FILE *file = fopen(path, "rb");
    size_t got = file != NULL ? fread(out, 1, len - 1, file) : 0;
    out[got] = '\0';
    if (file != NULL) {
        (void)fclose(file);
    }
}

int kneelab(const char *args, char *out, size_t out_len, char *err, size_t err_len)
{
    char command[2048];
    (void)snprintf(command, sizeof(command), "%s %s >.out 2>.err </dev/null", KL_KNEELAB, args);
    int status = system(command);
    read_text(".out", out, out_len);
    read_text(".err", err, err_len);
    cr_assert(WIFEXITED(status), "kneelab %s did not exit by itself", args);
    return WEXITSTATUS(status);
}

json_t *kneelab_json(const char *args, int *exit_status)
{
    char err[2048];
    *exit_status = kneelab(args, NULL, 0, err, sizeof(err));
    json_error_t error;
    json_t *json = json_load_file(".out", 0, &error);
    cr_assert_not_null(json, "kneelab %s: no JSON: %s; it said: %s", args, error.text, err);
    return json;
}

double json_number(const json_t *json, const char *path)
{
    char copy[256];
    (void)snprintf(copy, sizeof(copy), "%s", path);
    char *rest = copy;
    for (char *key = strtok_r(copy, "/", &rest); key != NULL; key = strtok_r(NULL, "/", &rest)) {
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(key))
                                   : json_object_get(json, key);
    }
    return json_is_number(json) ? json_number_value(json) : (double)NAN;
}
