/* A lab of one's own, as a person meets it: the file written, the program run, devices talking over
 * real sockets. */
#include "acquire/port_list.h"
#include "app/reading_report.h"
#include "command.h"
#include "devices/registry.h"
#include "line_server.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char out[16384], err[16384];

static int run(const char *args)
{
    return kneelab(args, out, sizeof(out), err, sizeof(err));
}

static void said(const char *text, const char *word)
{
    cr_expect_not_null(strstr(text, word), "\"%s\" is not in:\n%s%s", word, out, err);
}

TestSuite(own_lab, .init = enter_fresh_folder, .fini = leave_folder, .timeout = 120);

/* ----------------------------------------------------------------- examples */

Test(own_lab, every_example_lab_is_right_as_it_stands)
{
    DIR *folder = opendir(KL_SOURCE "/configs/labs");
    cr_assert_not_null(folder);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char args[512];
        if (strstr(entry->d_name, ".yaml") == NULL) {
            continue;
        }
        (void)snprintf(args, sizeof(args), "check --file-only %s/configs/labs/%s", KL_SOURCE,
                       entry->d_name);
        cr_expect_eq(run(args), 0, "%s: %s", entry->d_name, err);
        cr_expect_str_empty(err, "%s: %s", entry->d_name, err);
        said(out, "is right\n");
        count++;
    }
    (void)closedir(folder);
    cr_expect_eq(count, 7, "amti, bertec, kistler, imus, full, line, record");
}

/* Those without a host: nothing on a network is called from a test. */
Test(own_lab, an_example_says_what_is_not_plugged_in_and_that_the_file_is_right)
{
    static const char *const name[] = {"amti_labjack", "kistler_labjack", "line_of_numbers",
                                       "binary_record"};
    for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        char args[512];
        (void)snprintf(args, sizeof(args), "check %s/configs/labs/%s.yaml", KL_SOURCE, name[i]);
        cr_expect_eq(run(args), 1, "%s: %s", name[i], out);
        said(out, ".yaml is right, but not everything is there: 0 of ");
        said(err, ".yaml:"); /* file and line of the device... */
        said(err, "plug");   /* ...and the cure */
    }
}

Test(own_lab, an_example_spoilt_is_told_line_by_line)
{
    char args[1024];
    (void)snprintf(args, sizeof(args),
                   "sed -e 's/gain: .1000./gain: [0]/' -e 's/rate_hz: 1000/rate_hz: 70000/' "
                   "-e 's/{input: 6,/{input: 2,/' -e 's/origin_m: .*/origin_m: [0.5, -0.3, -40]/' "
                   "-e 's/cover_m: 0.006/cover_m: 6/' %s/configs/labs/amti_labjack.yaml > a.yaml",
                   KL_SOURCE);
    cr_assert_eq(system(args), 0);
    cr_expect_eq(run("check a.yaml"), 1);
    said(err, "a.yaml:15:"); /* the rate, at its own line */
    said(err, "rate_hz: labjack_u6");
    said(err, "a.yaml:52:");
    said(err, "0 to 0.3 m");
    said(err, "input 2 is used twice");
}

/* ------------------------------------------------------------ a plate's sheet */

/* The AMTI plate of force_plate_math.md, example 1: z of the plate down, volts of an amplifier. */
static void write_plate_lab(const char *name, unsigned port, const char *says)
{
    FILE *file = fopen(name, "w");
    cr_assert_not_null(file);
    (void)fprintf(file,
                  "settings: {threshold_n: 50}\n"
                  "devices:\n  - name: board\n    driver: number_line\n"
                  "    host: 127.0.0.1:%u\n    rate_hz: 500\n    options: {counter: 1, fields: 7}\n"
                  "    streams:\n      - name: plate.belt\n        kind: force\n"
                  "        channels:\n"
                  "          - {input: 2, label: fx, unit: V, full_scale: 10}\n"
                  "          - {input: 3, label: fy, unit: V, full_scale: 10}\n"
                  "          - {input: 4, label: fz, unit: V, full_scale: 10}\n"
                  "          - {input: 5, label: mx, unit: V, full_scale: 10}\n"
                  "          - {input: 6, label: my, unit: V, full_scale: 10}\n"
                  "          - {input: 7, label: mz, unit: V, full_scale: 10}\n"
                  "        plate:\n          sheet:\n            sensitivity_uv:\n"
                  "              - [0.67, 0.004, 0.0005, 0, 0, 0]\n"
                  "              - [-0.003, 0.67, 0, 0.01, 0, 0]\n"
                  "              - [0.002, -0.001, 0.17, 0, 0, 0]\n"
                  "              - [0, 0, 0.0008, 1.70, 0, 0]\n"
                  "              - [-0.006, 0, 0, 0, 1.71, 0]\n"
                  "              - [0, 0, 0.0004, 0, 0, 3.38]\n"
                  "            excitation_v: 10\n            gain: [4000]\n"
                  "            origin_m: [0.0005, -0.0003, -0.040]\n"
                  "          corners_m: [[0.532, 0.054], [0.068, 0.054], [0.068, -0.454], "
                  "[0.532, -0.454]]\n%s",
                  port, says);
    cr_assert_eq(fclose(file), 0);
}

static const struct line_scene plate_scene = {
    .rate_hz = 500,
    .count = 6,
    .rest = {0.01, -0.02, 0.03, 0.01, 0.01, -0.01}, /* an amplifier's offset: 4.4 N of Fz */
    /* the offset, and example 1: GRF (-20, 35, 700) N */
    .load = {0.5656, 0.902076, 4.7902, -2.26668, -4.86146, 1.0183772},
    .load_after_s = 1.2,
    .flicker = 1e-5,
};

/* Column of a name in the head of a CSV. */
static int column_of(const char *head, const char *name)
{
    int column = 0;
    for (const char *at = head; at != NULL; column++) {
        at += *at == ',';
        if (strncmp(at, name, strlen(name)) == 0) {
            return column;
        }
        at = strchr(at, ',');
    }
    cr_assert_fail("no column %s in %s", name, head);
    return -1;
}

static double cell(const char *line, int column)
{
    for (; column > 0; column--) {
        line = strchr(line, ',');
        cr_assert_not_null(line);
        line++;
    }
    return strtod(line, NULL);
}

/* The worked example, from volts on a wire through lab file, driver, clock, recorder and pipeline
 * to the forces of a session. */
Test(own_lab, a_plates_volts_are_the_forces_of_the_session)
{
    struct line_scene scene = plate_scene;
    static const double volts[] = {0.5556, 0.922076, 4.7602, -2.27668, -4.87146, 1.0283772};
    unsigned port = 0;
    memcpy(scene.rest, volts, sizeof(volts));
    memcpy(scene.load, volts, sizeof(volts));
    scene.flicker = 0;
    pid_t server = line_server_start(&scene, &port);
    write_plate_lab("lab.yaml", port, "");
    cr_expect_eq(run("record lab.yaml --seconds 2 --output a.xdf"), 0, "%s%s", out, err);
    line_server_stop(server);
    cr_assert_eq(run("export a.xdf --to csv"), 0, "%s", err);
    FILE *csv = popen("cat $(find . -name 'force.plate.belt.csv') | sed -n '1p;500p'", "r");
    char head[512], line[512];
    cr_assert(csv != NULL && fgets(head, sizeof(head), csv) != NULL &&
              fgets(line, sizeof(line), csv) != NULL);
    (void)pclose(csv);
    static const struct {
        const char *column;
        double wanted, tolerance;
    } row[] = {
        /* the example is printed with 7 digits; 1e-3 N is a filter at rest */
        {"Fx", -20, 1e-3},    {"Fy", 700, 1e-3},      {"Fz", -35, 1e-3},
        {"COP x", 0.4, 1e-5}, {"COP z", -0.25, 1e-5}, {"free moment", 3.0, 1e-3},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        double found = cell(line, column_of(head, row[i].column));
        cr_expect(fabs(found - row[i].wanted) <= row[i].tolerance, "%s: %.9g, not %g",
                  row[i].column, found, row[i].wanted);
    }
}

Test(own_lab, check_reads_the_plate_at_rest_and_with_somebody_on_it)
{
    unsigned port = 0;
    pid_t server = line_server_start(&plate_scene, &port);
    write_plate_lab("lab.yaml", port, "");
    write_plate_lab("turned.yaml", port, "          says: reaction\n");
    /* 700 N are 71.380 kg */
    cr_expect_eq(run("check lab.yaml --mass 71.38"), 0, "%s%s", out, err);
    said(out, "found at 127.0.0.1");
    said(out, "at rest Fx");
    said(out, "Fy 4.4"); /* 0.03 V of 147 N/V, and cross-talk of the other five */
    said(out, "standing: 700.0 N for 71.4 kg, within 2 %");
    cr_expect_eq(run("check lab.yaml --mass 75"), 1, "5 %% off: %s", out);
    said(err, "75.0 kg should give 735.5 N within 2 %");
    cr_expect_eq(run("check turned.yaml --mass 71.38"), 1, "%s", out);
    said(err, "turned.yaml:3:");
    said(err, "the sign is turned: change `says`");
    line_server_stop(server);
}

Test(own_lab, check_says_wrong_rate_rails_and_a_dead_cable)
{
    struct line_scene scene = plate_scene;
    unsigned port = 0;
    scene.rate_hz = 400;
    scene.rest[3] = 10; /* at the rail */
    scene.load_after_s = 1000;
    scene.flicker = 0;
    pid_t server = line_server_start(&scene, &port);
    write_plate_lab("lab.yaml", port, "");
    cr_expect_eq(run("check lab.yaml"), 1, "%s", out);
    line_server_stop(server);
    said(err, "lab.yaml:3: device board: plate.belt comes at ");
    said(err, "not at 500 Hz");
    said(err, "samples are at the rail");
    said(err, "all the time, without noise; is its cable plugged in");
    said(out, "is right, but what the devices say is not");
}

/* What a driver finds out only when it starts the device: here a board that prints no header. */
Test(own_lab, check_says_what_a_device_refuses_at_its_start)
{
    unsigned port = 0;
    pid_t server = line_server_start(&plate_scene, &port);
    FILE *file = fopen("lab.yaml", "w");
    cr_assert_not_null(file);
    (void)fprintf(file,
                  "devices:\n  - name: board\n    driver: number_line\n"
                  "    host: 127.0.0.1:%u\n    rate_hz: 100\n    placement: foot.left\n"
                  "    options: {format: bimu}\n",
                  port);
    cr_assert_eq(fclose(file), 0);
    cr_expect_eq(run("check lab.yaml"), 1, "%s", out);
    line_server_stop(server);
    said(err, "lab.yaml:2:");
    said(err, "header");
    said(out, "is right, but ");
}

/* ------------------------------------------------------------------- devices */

/* A LabJack, an FTDI bridge that a treadmill may sit behind, and a mouse. */
static const char bed[] =
    "P: /devices/pci0000:00/0000:00:14.0/usb1/1-2\nN: bus/usb/001/011\nE: DEVTYPE=usb_device\n"
    "E: SUBSYSTEM=usb\nA: idVendor=0cd5\\n\nA: idProduct=0006\\n\nA: serial=360012345\\n\n"
    "A: manufacturer=LabJack\\n\nA: product=U6\\n\nA: busnum=1\\n\nA: devnum=11\\n\n"
    "A: bDeviceClass=00\\n\n\n"
    "P: /devices/pci0000:00/0000:00:14.0/usb1/1-3\nN: bus/usb/001/012\nE: DEVTYPE=usb_device\n"
    "E: SUBSYSTEM=usb\nA: idVendor=0403\\n\nA: idProduct=6001\\n\nA: serial=FT3BBBB1\\n\n"
    "A: manufacturer=FTDI\\n\nA: product=Serial\\n\nA: busnum=1\\n\nA: devnum=12\\n\n"
    "A: bDeviceClass=00\\n\n\n"
    "P: /devices/pci0000:00/0000:00:14.0/usb1/1-3/1-3:1.0\nE: DEVTYPE=usb_interface\n"
    "E: SUBSYSTEM=usb\nA: bInterfaceNumber=00\\n\n\n"
    "P: /devices/pci0000:00/0000:00:14.0/usb1/1-3/1-3:1.0/tty/ttyUSB0\nN: ttyUSB0\n"
    "E: DEVNAME=/dev/ttyUSB0\nE: SUBSYSTEM=tty\nL: device=../../../1-3:1.0\n\n"
    "P: /devices/pci0000:00/0000:00:14.0/usb1/1-4\nN: bus/usb/001/013\nE: DEVTYPE=usb_device\n"
    "E: SUBSYSTEM=usb\nA: idVendor=046d\\n\nA: idProduct=c077\\n\nA: manufacturer=A\\n\n"
    "A: product=Mouse\\n\nA: busnum=1\\n\nA: devnum=13\\n\nA: bDeviceClass=00\\n\n\n";

Test(own_lab, devices_names_what_is_plugged_in_and_asks_no_port_a_treadmill_may_share)
{
    if (system("command -v umockdev-run >/dev/null") != 0) {
        cr_skip_test("skipped: no umockdev-run");
    }
    FILE *file = fopen("bed.umockdev", "w");
    cr_assert(file != NULL && fputs(bed, file) >= 0 && fclose(file) == 0);
    cr_assert_eq(system("ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 umockdev-run -d "
                        "bed.umockdev -- " KL_KNEELAB " devices --json > plugged.json"),
                 0);
    json_t *json = json_load_file("plugged.json", 0, NULL);
    const json_t *port, *plugged = json_object_get(json, "plugged");
    size_t i, seen = 0;
    json_array_foreach(plugged, i, port)
    {
        const char *id = json_string_value(json_object_get(port, "usb_id"));
        const char *fault = json_string_value(json_object_get(port, "fault"));
        if (strcmp(id, "0403:6001") == 0) {
            cr_expect_str_eq(json_string_value(json_object_get(port, "port")), "/dev/ttyUSB0");
            cr_expect_not_null(strstr(fault, "not asked"), "%s", fault);
            cr_expect(json_is_null(json_object_get(port, "identified")));
            seen++;
        }
        if (strcmp(id, "0cd5:0006") == 0) {
            const json_t *drivers = json_object_get(port, "drivers");
            cr_assert_eq(json_array_size(drivers), 1);
            cr_expect_str_eq(json_string_value(json_array_get(drivers, 0)), "labjack_u6");
            seen++;
        }
    }
    cr_expect_eq(seen, 2, "the bridge is listed once, as its port");
    json_decref(json);
}

/* A port is asked when its ids are one driver's alone: a treadmill's never are. */
Test(own_lab, no_usb_id_belongs_to_a_treadmill_alone)
{
    static const char *const treadmill[] = {"bertec_treadmill", "trackmaster", "woodway"};
    for (size_t t = 0; t < sizeof(treadmill) / sizeof(treadmill[0]); t++) {
        const struct kl_driver *belt = kl_registry_find(treadmill[t]);
        cr_assert_not_null(belt);
        for (size_t n = 0; n < belt->need_count; n++) {
            for (size_t k = 0; k < belt->need[n].usb_id_count; k++) {
                const struct kl_port port = {.kind = belt->need[n].kind,
                                             .usb_id = belt->need[n].usb_id[k]};
                size_t others = 0;
                for (size_t d = 0; d < kl_registry_count(); d++) {
                    const struct kl_driver *other = kl_registry_get(d);
                    for (size_t m = 0; other != belt && m < other->need_count; m++) {
                        others += kl_port_fits(&port, &other->need[m]);
                    }
                }
                cr_expect(others > 0, "%s %04x:%04x", treadmill[t], port.usb_id.vendor,
                          port.usb_id.product);
            }
        }
    }
}

/* What the standing test makes of a sum of plates, N per kg of 70. */
Test(own_lab, standing_tells_sign_scale_and_nobody)
{
    static const struct {
        double fy_n;
        int status;
        const char *says;
    } row[] = {
        {70 * 9.80665, KL_OK, ""},
        {70 * 9.80665 * 1.019, KL_OK, ""},
        {70 * 9.80665 * 0.981, KL_OK, ""},
        {70 * 9.80665 * 1.021, KL_ERR_DATA, "within 2 %"},
        {70 * 9.80665 * 0.979, KL_ERR_DATA, "within 2 %"},
        {-70 * 9.80665, KL_ERR_DATA, "the sign is turned"},
        {3, KL_ERR_DATA, "nobody was on the plates"},
        {70 * 9.80665 * 4, KL_ERR_DATA, "wrong by that factor"},
        {(double)NAN, KL_ERR_DATA, "within 2 %"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct kl_fault fault = {.text = ""};
        cr_expect_eq(kl_standing_test(row[i].fy_n, 70, &fault), row[i].status, "row %zu", i);
        cr_expect_not_null(strstr(fault.text, row[i].says), "row %zu: %s", i, fault.text);
    }
}

Test(own_lab, devices_says_what_could_be_plugged_in)
{
    cr_expect_eq(run("devices"), 0, "%s", err);
    said(out, "labjack_u6");
    said(out, "LabJack U6");
    said(out, "xsens_mti");
    int status = 1;
    json_t *json = kneelab_json("devices --json", &status);
    cr_expect_eq(status, 0);
    cr_expect(json_is_array(json_object_get(json, "plugged")));
    cr_expect(json_array_size(json_object_get(json, "drivers")) >= 20);
    json_decref(json);
}
