/* Oracles: methods 9.5 (Grood and Suntay example, R = Rz(-40) Rx(6) Ry(-8) deg) and closed forms.
 */
#include "process/motion/rotation.h"

#include <criterion/criterion.h>

#define DEG (3.14159265358979323846 / 180)

static const struct kl_vec X = {1, 0, 0};
static const struct kl_vec Y = {0, 1, 0};
static const struct kl_vec Z = {0, 0, 1};

Test(rotation, chained_turns_give_the_matrix_of_the_method_book)
{
    static const double expected[3][3] = {
        {.74924, .63927, -.17315}, {-.64768, .76185, .01016}, {.13841, .10453, .98484}};
    struct kl_quat q =
        kl_quat_mul(kl_quat_mul(kl_quat_about(Z, -40 * DEG), kl_quat_about(X, 6 * DEG)),
                    kl_quat_about(Y, -8 * DEG));
    struct kl_matrix r = kl_quat_matrix(q);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) {
            cr_expect_float_eq(r.m[i][k], expected[i][k], 5e-6, "%d %d", i, k);
        }
    }
}

Test(rotation, a_turned_vector_is_the_matrix_times_it_and_turns_back)
{
    struct kl_quat q = kl_quat_unit((struct kl_quat){.3, -.5, .2, .9});
    struct kl_matrix r = kl_quat_matrix(q);
    struct kl_vec v = {.4, -2, 3};
    struct kl_vec turned = kl_quat_rotate(q, v);
    cr_expect_float_eq(turned.x, r.m[0][0] * v.x + r.m[0][1] * v.y + r.m[0][2] * v.z, 1e-14);
    cr_expect_float_eq(turned.y, r.m[1][0] * v.x + r.m[1][1] * v.y + r.m[1][2] * v.z, 1e-14);
    cr_expect_float_eq(turned.z, r.m[2][0] * v.x + r.m[2][1] * v.y + r.m[2][2] * v.z, 1e-14);
    struct kl_vec back = kl_quat_rotate(kl_quat_conj(q), turned);
    cr_expect_float_eq(kl_vec_norm(kl_vec_sub(back, v)), 0, 1e-14);
    struct kl_vec quarter = kl_quat_rotate(kl_quat_about(Z, 90 * DEG), X);
    cr_expect_float_eq(kl_vec_norm(kl_vec_sub(quarter, Y)), 0, 1e-15);
}
