/* kneelab export FILE --to csv: one CSV per stream and one per derived signal. */
#include "app/csv_export.h"
#include "app/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int kl_verb_export(int argc, char **argv)
{
    struct kl_input_file recording = {0};
    const char *to = "csv";
    const char *folder = NULL;
    const struct kl_option options[] = {
        {"--to", KL_OPTION_TEXT, &to, "csv", "what to write (csv)"},
        {"--output", KL_OPTION_TEXT, &folder, "FOLDER", "where to (default: FILE without ending)"},
        {"--columns", KL_OPTION_TEXT, &recording.options.columns, "DESC.yaml",
         "what the columns of delimited text mean"},
        {"--row", KL_OPTION_COUNT, &recording.options.row, "N",
         "which record of a file that holds one per line"},
        {"--flags", KL_OPTION_TEXT, &recording.flags_path, "TABLE.yaml",
         "judge by this flag table instead of the one in force"},
    };
    const struct kl_arguments arguments = {
        .verb = "export",
        .operands = "FILE",
        .summary =
            "Writes <stream>.csv as recorded, force.<plate>.csv (ground reaction on the runner\n"
            "in lab axes: X forward, Y up, Z right; unfiltered, tared), steps.csv, flags.csv.",
        .option = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operand_min = 1,
        .operand_max = 1,
    };
    int answer = kl_arguments_read(&arguments, argc, argv);
    if (answer < 0) {
        return kl_arguments_exit(answer);
    }
    if (strcmp(to, "csv") != 0) {
        kl_complain("export", "--to %s is not known; csv is", to);
        return KL_EXIT_USAGE;
    }
    recording.path = argv[0];
    char default_folder[512];
    if (folder == NULL) {
        const char *dot = strrchr(argv[0], '.');
        const char *slash = strrchr(argv[0], '/');
        size_t stem = dot != NULL && (slash == NULL || dot > slash) ? (size_t)(dot - argv[0])
                                                                    : strlen(argv[0]);
        (void)snprintf(default_folder, sizeof(default_folder), "%.*s%s", (int)stem, argv[0],
                       stem == strlen(argv[0]) ? ".csv" : "");
        folder = default_folder;
    }
    struct kl_fault fault = {{0}};
    int status = kl_csv_export(&recording, folder, &fault);
    if (status != KL_OK) {
        kl_complain("export", "%s", fault.text);
    } else {
        (void)printf("written to %s/\n", folder);
    }
    kl_lab_free(&recording.lab);
    return status == KL_OK ? KL_EXIT_OK : KL_EXIT_SHORT;
}
