#include "app/arguments.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include <string.h>

struct target {
    bool json;
    const char *text;
    double seconds, number;
    size_t count;
};

static int read_words(struct target *target, int argc, char **argv)
{
    const struct kl_option options[] = {
        {"--json", KL_OPTION_FLAG, &target->json, NULL, "flag"},
        {"--text", KL_OPTION_TEXT, &target->text, "T", "text"},
        {"--seconds", KL_OPTION_SECONDS, &target->seconds, "N", "seconds"},
        {"--number", KL_OPTION_NUMBER, &target->number, "X", "number"},
        {"--count", KL_OPTION_COUNT, &target->count, "N", "count"},
    };
    const struct kl_arguments arguments = {.verb = "test",
                                           .operands = "FILE",
                                           .summary = "",
                                           .option = options,
                                           .option_count = 5,
                                           .operand_min = 1,
                                           .operand_max = 2};
    return kl_arguments_read(&arguments, argc, argv);
}

Test(arguments, values_go_where_the_table_says)
{
    char *argv[] = {"--json",   "a.xdf", "--seconds=2.5", "--text", "hello",
                    "--number", "-3",    "--count",       "7",      "b.xdf"};
    struct target target = {0};
    cr_assert_eq(read_words(&target, 10, argv), 2);
    cr_expect(target.json);
    cr_expect_str_eq(target.text, "hello");
    cr_expect_eq(target.seconds, 2.5);
    cr_expect_eq(target.number, -3.0);
    cr_expect_eq(target.count, 7);
    cr_expect_str_eq(argv[0], "a.xdf");
    cr_expect_str_eq(argv[1], "b.xdf");
}

Test(arguments, words_after_two_dashes_are_files)
{
    char *argv[] = {"--", "--json"};
    struct target target = {0};
    cr_assert_eq(read_words(&target, 2, argv), 1);
    cr_expect(!target.json);
    cr_expect_str_eq(argv[0], "--json");
}

Test(arguments, wrong_calls_are_refused_with_the_reason, .init = cr_redirect_stderr)
{
    static const struct {
        const char *legend;
        char *word[3];
        int count;
    } row[] = {
        {"no file", {NULL}, 0},
        {"too many files", {"a", "b", "c"}, 3},
        {"unknown option", {"a", "--jsn"}, 2},
        {"value missing", {"a", "--seconds"}, 2},
        {"not a number", {"a", "--seconds", "ten"}, 3},
        {"number with a tail", {"a", "--seconds", "10s"}, 3},
        {"zero seconds", {"a", "--seconds", "0"}, 3},
        {"negative seconds", {"a", "--seconds", "-1"}, 3},
        {"not finite", {"a", "--number", "nan"}, 3},
        {"half a count", {"a", "--count", "1.5"}, 3},
        {"empty text", {"a", "--text", ""}, 3},
        {"flag with a value", {"a", "--json=1"}, 2},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct target target = {0};
        char *argv[3] = {row[i].word[0], row[i].word[1], row[i].word[2]};
        int answer = read_words(&target, row[i].count, argv);
        cr_expect_lt(answer, 0, "row %zu: %s", i, row[i].legend);
        cr_expect_eq(kl_arguments_exit(answer), KL_EXIT_USAGE, "row %zu: %s", i, row[i].legend);
    }
}

Test(arguments, help_is_not_a_failure, .init = cr_redirect_stdout)
{
    char *argv[] = {"--help"};
    struct target target = {0};
    int answer = read_words(&target, 1, argv);
    cr_expect_eq(answer, KL_EXIT_HELP);
    cr_expect_eq(kl_arguments_exit(answer), KL_EXIT_OK);
}
