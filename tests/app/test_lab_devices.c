/* The devices of a lab file: taken as written, and each fault told with its line. */
#define _XOPEN_SOURCE 700 /* mkstemp */
#include "app/lab.h"
#include "app/lab_devices.h"
#include "devices/registry.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DRIVER "labjack_u6" /* one whose streams the lab file describes */

static struct kl_lab lab;
static struct kl_fault fault;

static int load(const char *text)
{
    char path[] = "/tmp/kl-lab-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    (void)close(fd);
    memset(&fault, 0, sizeof(fault));
    int status = kl_lab_load(path, &lab, &fault);
    (void)unlink(path);
    return status;
}

/* Everything there is to say about a lab file, one finding per line. */
static int read_all(const char *text, char *out, size_t len)
{
    static struct kl_lab_findings findings;
    char path[] = "/tmp/kl-lab-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    (void)close(fd);
    int status = kl_lab_read(path, &lab, &findings);
    (void)unlink(path);
    out[0] = '\0';
    for (size_t i = 0; i < findings.count; i++) {
        size_t at = strlen(out);
        (void)snprintf(out + at, len - at, "%s%s\n", findings.finding[i].doubt ? "doubt: " : "",
                       findings.finding[i].fault.text + strlen(path));
    }
    return status;
}

/* Is there a line of `all` that begins with `place` and holds `says`? */
static bool is_said(const char *all, const char *place, const char *says)
{
    while (*all != '\0') {
        size_t len = strcspn(all, "\n");
        char line[600];
        (void)snprintf(line, sizeof(line), "%.*s", (int)len, all);
        if (strncmp(line, place, strlen(place)) == 0 && strstr(line, says) != NULL) {
            return true;
        }
        all += len + 1;
    }
    return false;
}

static void need_driver(void)
{
    if (kl_registry_find(DRIVER) == NULL) {
        cr_skip_test("skipped: this build has no driver " DRIVER);
    }
}

#define HEAD "devices:\n  - name: d\n    driver: " DRIVER "\n"
#define SIX                                                                                        \
    "    streams:\n      - name: plate.left\n        kind: force\n        side: left\n"            \
    "        channels:\n"                                                                          \
    "          - {input: 0, label: fx, unit: V, full_scale: 10}\n"                                 \
    "          - {input: 1, label: fy, unit: V}\n          - {input: 2, label: fz, unit: V}\n"     \
    "          - {input: 3, label: mx, unit: V}\n          - {input: 9, label: my, unit: V}\n"     \
    "          - {input: 5, label: mz, unit: V}\n"

Test(lab_devices, are_taken_as_written)
{
    need_driver();
    cr_assert_eq(load(HEAD "    serial_number: \"0042\"\n    baud: 9600\n    placement: floor\n"
                           "    rate_hz: 1000\n    options:\n      range_v: 10\n"
                           "      settling: '4'\n" SIX
                           "        plate:\n          sensitivity: [1, 2, 3, 4, 5, 6]\n"),
                 KL_OK, "%s", fault.text);
    const struct kl_lab_device *device = &lab.device[0];
    cr_expect_str_eq(device->choice.serial_number, "0042");
    cr_expect_str_eq(device->choice.port, "");
    cr_expect_eq(device->choice.baud, 9600);
    cr_assert_eq(kl_lab_device_config(device), (const void *)&device->real);
    const struct kl_device_config *config = &device->real;
    cr_expect_str_eq(config->name, "d");
    cr_expect_str_eq(config->placement, "floor");
    cr_expect_eq(config->rate_hz, 1000);
    cr_assert_eq(config->option_count, 2);
    cr_expect_str_eq(config->option[0].key, "range_v");
    cr_expect_str_eq(config->option[0].value, "10");
    cr_expect_str_eq(config->option[1].key, "settling");
    cr_expect_str_eq(config->option[1].value, "4");
    cr_assert_eq(config->stream_count, 1);
    cr_expect_eq(config->input[0][0], 0);
    cr_expect_eq(config->input[0][4], 9);
    const struct kl_stream *stream = &config->stream[0];
    cr_expect_eq(stream->kind, KL_KIND_FORCE);
    cr_expect_eq(stream->plate.side, KL_SIDE_LEFT);
    cr_expect_eq(stream->plate.full_scale[0], 10);
    cr_expect_eq(stream->plate.measured, KL_PLATE_MEASURES_ALL);
    for (size_t r = 0; r < KL_WRENCH_COUNT; r++) {
        for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
            cr_expect_eq(stream->plate.matrix[r][c], r == c ? (double)r + 1 : 0);
        }
    }
    kl_lab_free(&lab);
}

/* A plate with x to the right, y forward, z up and its own origin; the oracle is vector algebra
 * done by hand: F_lab = s (f_y, f_z, f_x), M_lab = s (m_y, m_z, m_x) + o x F_lab. */
Test(lab_devices, a_plate_is_turned_shifted_and_signed)
{
    need_driver();
    cr_assert_eq(load(HEAD SIX
                      "        plate:\n          matrix:\n"
                      "            fx: [1, 2, 3, 4, 5, 6]\n            fy: [7, 1, 2, 3, 4, 5]\n"
                      "            fz: [6, 7, 1, 2, 3, 4]\n            mx: [5, 6, 7, 1, 2, 3]\n"
                      "            my: [4, 5, 6, 7, 1, 2]\n            mz: [3, 4, 5, 6, 7, 1]\n"
                      "          x: right\n          y: forward\n          z: up\n"
                      "          origin_m: [0.1, -0.05, 0.3]\n          says: load\n"
                      "          corners_m: [[0, 1], [2, 3], [4, 5], [6, 7]]\n"),
                 KL_OK, "%s", fault.text);
    static const double sheet[6][6] = {{1, 2, 3, 4, 5, 6}, {7, 1, 2, 3, 4, 5}, {6, 7, 1, 2, 3, 4},
                                       {5, 6, 7, 1, 2, 3}, {4, 5, 6, 7, 1, 2}, {3, 4, 5, 6, 7, 1}};
    const struct kl_plate *plate = &lab.device[0].real.stream[0].plate;
    for (size_t c = 0; c < 6; c++) {
        double f[3] = {-sheet[1][c], -sheet[2][c], -sheet[0][c]};
        double m[3] = {-sheet[4][c] + -0.05 * f[2] - 0.3 * f[1],
                       -sheet[5][c] + 0.3 * f[0] - 0.1 * f[2],
                       -sheet[3][c] + 0.1 * f[1] + 0.05 * f[0]};
        for (size_t i = 0; i < 3; i++) { /* a few roundings of numbers below 10 */
            cr_expect_float_eq(plate->matrix[i][c], f[i], 1e-14, "force %zu of %zu", i, c);
            cr_expect_float_eq(plate->matrix[3 + i][c], m[i], 1e-14, "moment %zu of %zu", i, c);
        }
    }
    cr_expect_eq(plate->corner_x_m[2], 4);
    cr_expect_eq(plate->corner_z_m[3], 7);
    kl_lab_free(&lab);
}

Test(lab_devices, one_vertical_channel_measures_the_vertical_only)
{
    need_driver();
    cr_assert_eq(load(HEAD
                      "    streams:\n      - name: belt\n        kind: force\n        channels:\n"
                      "          - {input: 3, label: sum, unit: V}\n"
                      "        plate:\n          matrix: {fz: [250]}\n"
                      "          x: forward\n          y: left\n          z: up\n"),
                 KL_OK, "%s", fault.text);
    const struct kl_plate *plate = &lab.device[0].real.stream[0].plate;
    cr_expect_eq(plate->measured, KL_PLATE_MEASURES_FY);
    cr_expect_eq(plate->matrix[KL_FY][0], 250);
    kl_lab_free(&lab);
}

Test(lab_devices, each_fault_is_told_with_its_line)
{
    need_driver();
    static const struct {
        const char *text, *place, *says;
    } row[] = {
        {HEAD "    port: /dev/ttyUSB0\n    host: a\n", ":5:", "reached by `host`, or by"},
        {HEAD "    baud: 0\n", ":4:", "1 to 12000000"},
        {HEAD "    rate_hz: -1\n", ":4:", "above 0 to 100000"},
        {HEAD "    options: {a: [1]}\n", ":4:", "one `key: value`"},
        {HEAD "    options: {a: 1, a: 2}\n", ":4:", "twice"},
        {HEAD "    options: 7\n", ":4:", "keys with values"},
        {HEAD "    virtual_runner: {}\n", ":4:", "virtual_runner only"},
        {HEAD "    colour: red\n", ":4:", "unknown key 'colour'"},
        {HEAD SIX, ":5:", "a force stream needs `plate`"},
        {HEAD SIX "        plate: {}\n", ":15:", "say `sheet`, `matrix` or"},
        {HEAD SIX "        plate:\n          sensitivity: [1]\n", ":16:", "1 numbers for 6"},
        {HEAD SIX "        plate:\n          matrix: {fy: [1]}\n", ":16:", "1 numbers for 6"},
        {HEAD SIX "        plate:\n          sensitivity: [1,1,1,1,1,1]\n          x: up\n",
         ":16:", "go together"},
        {HEAD SIX "        plate:\n          sensitivity: [1,1,1,1,1,1]\n          x: forward\n"
                  "          y: right\n          z: up\n",
         ":19:", "no right-handed axes"},
        {HEAD SIX "        plate:\n          matrix: {fx: [1,1,1,1,1,1]}\n",
         ":16:", "vertical force"},
        {HEAD "  - name: d\n    driver: " DRIVER "\n", ":4:", "another device has this name"},
        {HEAD "    port: /dev/a\n  - name: e\n    port: /dev/a\n    driver: " DRIVER "\n",
         ":6:", "on this port"},
        {HEAD "    serial_number: 7\n  - name: e\n    serial_number: 7\n    driver: " DRIVER "\n",
         ":6:", "has this number"},
        {"devices:\n  - name: d\n    driver: virtual_runner\n    port: /dev/a\n",
         ":3:", "not plugged in anywhere"},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        char all[4096];
        cr_expect_eq(read_all(row[i].text, all, sizeof(all)), KL_ERR_RANGE, "row %zu", i);
        cr_expect(is_said(all, row[i].place, row[i].says), "row %zu: %s", i, all);
    }
}
