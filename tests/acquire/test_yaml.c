#include "acquire/formats/number.h"
#include "acquire/yaml.h"

#include <criterion/criterion.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A lab in small. */
struct device {
    char *name;
    int kind;
    double rate_hz;
};

struct lab {
    char *runner;
    double mass_kg;
    int belts;
    bool fast;
    struct device *devices;
    unsigned devices_count;
};

static const cyaml_strval_t kinds[] = {{"force", 0}, {"imu", 1}};

static const cyaml_schema_field_t device_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct device, name, 1, 8),
    CYAML_FIELD_ENUM("kind", CYAML_FLAG_STRICT, struct device, kind, kinds, COUNT(kinds)),
    CYAML_FIELD_FLOAT("rate_hz", CYAML_FLAG_OPTIONAL, struct device, rate_hz),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t device_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct device, device_fields),
};

static const cyaml_schema_field_t lab_fields[] = {
    CYAML_FIELD_STRING_PTR("runner", CYAML_FLAG_POINTER, struct lab, runner, 0, 20),
    CYAML_FIELD_FLOAT("mass_kg", CYAML_FLAG_DEFAULT, struct lab, mass_kg),
    CYAML_FIELD_INT("belts", CYAML_FLAG_OPTIONAL, struct lab, belts),
    CYAML_FIELD_BOOL("fast", CYAML_FLAG_OPTIONAL, struct lab, fast),
    CYAML_FIELD_SEQUENCE("devices", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct lab, devices,
                         &device_schema, 1, 2),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t lab_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct lab, lab_fields),
};

static const char lab_keys[] = "allowed: runner, mass_kg, belts, fast, devices";

Test(yaml, a_good_text_is_loaded)
{
    static const char text[] = "# a lab\nrunner: R01\nmass_kg: 70.5\nbelts: 2\nfast: yes\n"
                               "devices:\n  - {name: left, kind: force, rate_hz: 1e3}\n"
                               "  - name: shank\n    kind: imu\n";
    struct kl_fault fault = {""};
    void *loaded = NULL;
    cr_assert_eq(kl_yaml_parse("lab.yaml", text, strlen(text), &lab_schema, &loaded, &fault), KL_OK,
                 "%s", fault.text);
    const struct lab *lab = loaded;
    cr_expect_str_eq(lab->runner, "R01");
    cr_expect_eq(lab->mass_kg, 70.5);
    cr_expect_eq(lab->belts, 2);
    cr_expect(lab->fast);
    cr_assert_eq(lab->devices_count, 2);
    cr_expect_eq(lab->devices[0].rate_hz, 1000.0);
    cr_expect_eq(lab->devices[1].kind, 1);
    kl_yaml_free(&lab_schema, loaded);
    kl_yaml_free(&lab_schema, NULL);
}

Test(yaml, every_fault_names_its_place_what_was_found_and_what_is_allowed)
{
    static const struct {
        const char *legend, *text, *fault;
    } rows[] = {
        {"unknown key", "runner: a\nmass_kg: 1\nfoo: 2\n", "l:3:1: unknown key 'foo'; %s"},
        {"unknown key inside", "runner: a\nmass_kg: 1\ndevices:\n  - name: x\n    kin: imu\n",
         "l:5:5: devices[1]: unknown key 'kin'; allowed: name, kind, rate_hz"},
        {"bad word", "runner: a\nmass_kg: 1\ndevices:\n  - {name: x, kind: blue}\n",
         "l:4:21: devices[1].kind: found 'blue'; allowed: force, imu"},
        {"number for a word", "runner: a\nmass_kg: 1\ndevices:\n  - {name: x, kind: 1}\n",
         "l:4:21: devices[1].kind: found '1'; allowed: force, imu"},
        {"word for a number", "runner: a\nmass_kg: heavy\n",
         "l:2:10: mass_kg: found 'heavy'; a number is expected"},
        {"decimal comma", "runner: a\nmass_kg: 70,5\n",
         "l:2:10: mass_kg: found '70,5'; a number is expected"},
        {"two numbers", "runner: a\nmass_kg: 70 5\n",
         "l:2:10: mass_kg: found '70 5'; a number is expected"},
        {"not a number", "runner: a\nmass_kg: nan\n",
         "l:2:10: mass_kg: found 'nan'; a number is expected"},
        {"too large", "runner: a\nmass_kg: 1e400\n",
         "l:2:10: mass_kg: found '1e400'; a number is expected"},
        {"nothing", "runner: a\nmass_kg:\n", "l:2:9: mass_kg: found nothing; a number is expected"},
        {"list for a number", "runner: a\nmass_kg: [1]\n",
         "l:2:10: mass_kg: found a list; a number is expected"},
        {"keys for a word", "runner: {a: b}\nmass_kg: 1\n",
         "l:1:9: runner: found keys with values; one word or text is expected"},
        {"broken number", "runner: a\nmass_kg: 1\nbelts: 2.5\n",
         "l:3:8: belts: found '2.5'; a whole number is expected"},
        {"off is not a boolean here", "runner: a\nmass_kg: 1\nfast: off\n",
         "l:3:7: fast: found 'off'; allowed: true, false"},
        {"missing", "# first\nrunner: a\n",
         "l:2:1: key 'mass_kg' is missing; required: runner, mass_kg"},
        {"missing inside", "runner: a\nmass_kg: 1\ndevices:\n - {name: a, kind: imu}\n - name: b\n",
         "l:5:4: devices[2]: key 'kind' is missing; required: name, kind"},
        {"twice", "runner: a\nmass_kg: 1\nrunner: b\n",
         "l:3:1: key 'runner' is here twice, first in line 1"},
        {"too many", "runner: a\nmass_kg: 1\ndevices: [{}, {}, {}]\n",
         "l:3:10: devices: found a list of 3; 1 to 2 entries are allowed"},
        {"too few", "runner: a\nmass_kg: 1\ndevices: []\n",
         "l:3:10: devices: found a list of 0; 1 to 2 entries are allowed"},
        {"scalar for a list", "runner: a\nmass_kg: 1\ndevices: 3\n",
         "l:3:10: devices: found '3'; a list is expected"},
        {"too long", "runner: a\nmass_kg: 1\ndevices: [{name: far_too_long, kind: imu}]\n",
         "l:3:18: devices[1].name: found 'far_too_long'; 1 to 8 characters are expected, these "
         "are 12"},
        {"list at the top", "- a\n", "l:1:1: found a list; keys with values are expected"},
        {"word at the top", "hello\n", "l:1:1: found 'hello'; keys with values are expected"},
        {"empty", "", "l:1:1: the file says nothing; %s"},
        {"comments only", "# nothing\n", "l:1:1: the file says nothing; %s"},
        {"key that is a list", "? [a]\n: b\n", "l:1:3: a key is one word; %s"},
        {"second document", "runner: a\nmass_kg: 1\n---\nrunner: b\n",
         "l:4:1: a second document starts here; a file holds one"},
        {"tab", "runner: a\n\tmass_kg: 1\n",
         "l:2:1: found a tab character that violates indentation; while scanning a plain scalar"},
        {"bracket left open", "runner: [a\nmass_kg: 1\n",
         "l:2:8: did not find expected ',' or ']'; while parsing a flow sequence"},
        {"unknown anchor", "runner: *a\nmass_kg: 1\n", "l:1:9: found undefined alias"},
        {"not UTF-8", "runner: a\nmass_kg: \xff\n",
         "l:2:10: invalid leading UTF-8 octet; save the file as UTF-8"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct kl_fault fault = {""};
        char expected[sizeof(fault.text)];
        void *loaded = NULL;
        const char *keys = strstr(rows[i].fault, "%s");
        int head = keys != NULL ? (int)(keys - rows[i].fault) : (int)strlen(rows[i].fault);
        (void)snprintf(expected, sizeof(expected), "%.*s%s", head, rows[i].fault,
                       keys != NULL ? lab_keys : "");
        cr_expect_eq(
            kl_yaml_parse("l", rows[i].text, strlen(rows[i].text), &lab_schema, &loaded, &fault),
            KL_ERR_RANGE, "%s", rows[i].legend);
        cr_expect_str_eq(fault.text, expected, "%s: %s", rows[i].legend, fault.text);
        cr_expect_null(loaded);
    }
}

Test(yaml, a_fault_of_meaning_is_placed_at_its_value)
{
    static const char text[] = "runner: a\ndevices:\n  - {name: x}\n  - name: y\n    kind: imu\n";
    static const struct {
        const char *path, *fault;
    } rows[] = {
        {"runner", "l:1:9: runner: no"},
        {"devices[2].kind", "l:5:11: devices[2].kind: no"},
        {"devices[1].kind", "l:3:5: devices[1].kind: no"}, /* not there: its owner */
        {"devices[7]", "l:3:3: devices[7]: no"},
        {"", "l:1:1: no"},
        {"[", "l:1:1: [: no"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct kl_fault fault;
        cr_expect_eq(kl_yaml_fault("l", text, strlen(text), rows[i].path, &fault, "%s", "no"),
                     KL_ERR_RANGE);
        cr_expect_str_eq(fault.text, rows[i].fault, "%s", fault.text);
    }
}

Test(yaml, a_file_that_is_not_there_is_named)
{
    struct kl_fault fault = {""};
    void *loaded = NULL;
    cr_expect_eq(kl_yaml_load("/nowhere/lab.yaml", &lab_schema, &loaded, &fault), KL_ERR_IO);
    cr_expect_str_eq(fault.text, "/nowhere/lab.yaml: cannot be opened: No such file or directory");
    cr_expect_eq(kl_yaml_load("/", &lab_schema, &loaded, &fault), KL_ERR_IO);
    cr_expect_str_eq(fault.text, "/: cannot be read: Is a directory");
}

Test(number, is_read_to_the_last_bit_as_strtod_reads_it)
{
    static const char *const rows[] = {
        "0",
        "-0",
        "1",
        "0.1",
        "2.003655389908256534e+00",
        "1299.3",
        "-6832.2002",
        "1e22",
        "1e23",
        "9007199254740993",
        "123456789012345678901234567890",
        "4.9e-324",
        "1e-5",
        ".5",
        "5.",
        "+7",
        "0.000000000000000000000000000001",
        "1.7976931348623157e308",
        "8.41e21",
        "3e-22",
        "1e-400",
        "100000000000000000000000",
        "0e99999999",
        "00012.50",
        "9007199254740992.5",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double value = (double)NAN;
        double reference = strtod(rows[i], NULL); /* the test runs in the C locale */
        cr_expect(kl_number(rows[i], strlen(rows[i]), '.', &value), "%s", rows[i]);
        cr_expect(memcmp(&value, &reference, sizeof(value)) == 0, "%s: %.17g", rows[i], value);
    }
    uint64_t state = 1;
    for (int i = 0; i < 200000; i++) {
        char text[64];
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int digits = (int)(state >> 60) + 1;
        int exponent = (int)((state >> 50) % 60) - 30;
        (void)snprintf(text, sizeof(text), "%.*fe%d", digits, (double)(state >> 20) / 1e9,
                       exponent);
        double value = (double)NAN;
        double reference = strtod(text, NULL);
        cr_assert(kl_number(text, strlen(text), '.', &value));
        cr_assert(memcmp(&value, &reference, sizeof(value)) == 0, "%s: %.17g", text, value);
    }
}

Test(number, is_refused_unless_it_is_one_to_its_end)
{
    static const char *const rows[] = {
        "",     "-",   ".",   "e5",  "1e",    "1e+",   "1 2", " 1",    "1 ",
        "0x10", "nan", "inf", "1,5", "1e400", "1.2.3", "--1", "1e5.5", "twelve",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double value = 42.0;
        cr_expect_not(kl_number(rows[i], strlen(rows[i]), '.', &value), "%s", rows[i]);
        cr_expect_eq(value, 42.0);
    }
    double value = 0.0;
    cr_expect(kl_number("1,5", 3, ',', &value));
    cr_expect_eq(value, 1.5);
    cr_expect(kl_number("1234567890123456789012,5", 24, ',', &value));
    cr_expect_eq(value, 1234567890123456789012.5);
}
