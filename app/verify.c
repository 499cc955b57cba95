/* kneelab verify FILE: is this session whole? What is damaged, where, and what was lost. */
#include "acquire/session_file.h"
#include "app/arguments.h"
#include "app/verbs.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>

static void print_report(const char *path, const struct kl_verify_report *report, int status)
{
    (void)printf("%s: %s\n", path,
                 status == KL_OK ? (report->ours ? "whole: every byte verified"
                                                 : "readable; a foreign file carries no integrity "
                                                   "marks, so damage inside values cannot be seen")
                                 : "NOT whole");
    (void)printf("  %llu bytes, %llu verified by %llu marks, %llu damaged ranges, %s\n",
                 (unsigned long long)report->bytes, (unsigned long long)report->verified_bytes,
                 (unsigned long long)report->marks, (unsigned long long)report->damaged_ranges,
                 !report->ours    ? "no marks"
                 : report->closed ? "closed"
                                  : "not closed");
    (void)printf("  %llu samples, %llu events\n", (unsigned long long)report->samples,
                 (unsigned long long)report->events);
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct kl_finding *finding = &report->finding[i];
        (void)printf("  %s at byte %llu (%llu bytes): %s\n", finding->damage ? "damage" : "remark",
                     (unsigned long long)finding->offset, (unsigned long long)finding->length,
                     finding->text);
    }
    if (report->findings_total > report->finding_count) {
        (void)printf("  and %llu more\n",
                     (unsigned long long)(report->findings_total - report->finding_count));
    }
}

static json_t *report_json(const char *path, const struct kl_verify_report *report, int status)
{
    json_t *findings = json_array();
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct kl_finding *finding = &report->finding[i];
        (void)json_array_append_new(
            findings, json_pack("{s:I, s:I, s:b, s:s}", "offset", (json_int_t)finding->offset,
                                "length", (json_int_t)finding->length, "damage",
                                (int)finding->damage, "text", finding->text));
    }
    return json_pack("{s:s, s:s, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "kneelab",
                     KL_VERSION, "file", path, "whole", (int)(status == KL_OK), "kneelab_session",
                     (int)report->ours, "closed", (int)report->closed, "bytes",
                     (json_int_t)report->bytes, "verified_bytes",
                     (json_int_t)report->verified_bytes, "marks", (json_int_t)report->marks,
                     "damaged_ranges", (json_int_t)report->damaged_ranges, "samples",
                     (json_int_t)report->samples, "events", (json_int_t)report->events,
                     "findings_total", (json_int_t)report->findings_total, "findings", findings);
}

int kl_verb_verify(int argc, char **argv)
{
    const char *repair = NULL;
    bool json = false;
    const struct kl_option options[] = {
        {"--repair", KL_OPTION_TEXT, &repair, "CLEAN.xdf",
         "write a clean, closed copy of everything readable"},
        {"--json", KL_OPTION_FLAG, &json, NULL, "the report as JSON"},
    };
    const struct kl_arguments arguments = {
        .verb = "verify",
        .operands = "FILE",
        .summary =
            "Holds a session file against its integrity marks, byte for byte. Exit status 0:\n"
            "closed and undamaged; 1: damaged, torn or not a session, and it says where.",
        .option = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operand_min = 1,
        .operand_max = 1,
    };
    int answer = kl_arguments_read(&arguments, argc, argv);
    if (answer < 0) {
        return kl_arguments_exit(answer);
    }
    struct kl_fault fault = {{0}};
    struct kl_verify_report *report = calloc(1, sizeof(*report));
    if (report == NULL) {
        return KL_EXIT_SHORT;
    }
    int status = kl_session_verify(argv[0], report, &fault);
    if (status != KL_OK && status != KL_ERR_DATA) {
        kl_complain("verify", "%s", fault.text);
    } else if (json) {
        json_t *object = report_json(argv[0], report, status);
        (void)json_dumpf(object, stdout, JSON_INDENT(1));
        (void)putchar('\n');
        json_decref(object);
    } else {
        print_report(argv[0], report, status);
    }
    free(report);
    if (repair != NULL) {
        int repaired = kl_session_repair(argv[0], repair, &fault);
        if (repaired != KL_OK) {
            kl_complain("verify", "%s", fault.text);
            return KL_EXIT_SHORT;
        }
        (void)fprintf(json ? stderr : stdout, "clean copy written: %s\n", repair);
    }
    return status == KL_OK ? KL_EXIT_OK : KL_EXIT_SHORT;
}
