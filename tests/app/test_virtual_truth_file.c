#include "app/virtual_truth_file.h"

#include <criterion/criterion.h>
#include <jansson.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Test(virtual_truth_file, holds_what_the_formulas_say_for_its_owner_only)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/tmp/kl_truth_%ld.json", (long)getpid());
    (void)unlink(path);
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    kl_virtual_runner_strike(&runner, KL_VIRTUAL_MIDFOOT);
    runner.impact_bw[1] = 1.0; /* the right foot has an impact peak, the left one has not */
    struct kl_fault fault = {""};
    cr_assert_eq(kl_virtual_truth_write(path, &runner, 12, 50, &fault), KL_OK, "%s", fault.text);
    struct stat info;
    cr_assert_eq(stat(path, &info), 0);
    cr_expect_eq(info.st_mode & 0777, 0600);

    struct kl_virtual_step step[20];
    int count = kl_virtual_runner_truth(&runner, 12, 50, step, 20);
    cr_assert_gt(count, 8);
    json_t *root = json_load_file(path, 0, NULL);
    cr_assert_not_null(root);
    json_t *steps = json_object_get(root, "steps");
    cr_expect_eq(json_array_size(steps), (size_t)count);
    for (int k = 0; k < count; k++) {
        json_t *object = json_array_get(steps, (size_t)k);
        cr_expect_str_eq(json_string_value(json_object_get(object, "side")),
                         kl_side_text(step[k].side));
        cr_expect_eq(json_real_value(json_object_get(object, "ic_s")), step[k].ic_s);
        cr_expect_eq(json_real_value(json_object_get(object, "vilr_n_s")), step[k].vilr_n_s);
        json_t *peak = json_object_get(object, "impact_peak_n");
        if (step[k].side == KL_SIDE_LEFT) {
            cr_expect(json_is_null(peak), "no impact peak is null, not zero");
        } else {
            cr_expect_eq(json_real_value(peak), step[k].impact_peak_n);
        }
    }
    json_t *parameter = json_object_get(root, "parameters");
    cr_expect_eq(json_real_value(json_object_get(parameter, "mass_kg")), 70);
    json_t *impact = json_object_get(parameter, "impact_bw");
    cr_expect_eq(json_real_value(json_object_get(impact, "right")), 1.0);
    json_t *summary = json_object_get(root, "summary");
    cr_expect_float_eq(json_real_value(json_object_get(summary, "body_weight_n")), 686.4655, 1e-9);
    cr_expect_float_eq(json_real_value(json_object_get(summary, "mean_cadence_hz")), 1 / 0.35,
                       1e-12);
    json_decref(root);

    cr_expect_eq(kl_virtual_truth_write(path, &runner, 12, 50, &fault), KL_ERR_IO,
                 "nothing is overwritten");
    cr_expect_not_null(strstr(fault.text, path));
    cr_assert_eq(unlink(path), 0);
    cr_expect_eq(kl_virtual_truth_write("/nonexistent/truth.json", &runner, 1, 50, &fault),
                 KL_ERR_IO);
}
