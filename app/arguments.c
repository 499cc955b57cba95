#include "app/arguments.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USAGE_WRONG (-2)

void kl_complain(const char *verb, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "kneelab %s: ", verb);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
}

int kl_arguments_exit(int answer)
{
    return answer == KL_EXIT_HELP ? KL_EXIT_OK : KL_EXIT_USAGE;
}

void kl_arguments_help(const struct kl_arguments *arguments)
{
    (void)printf("usage: kneelab %s%s%s%s\n\n%s\n", arguments->verb,
                 arguments->operands[0] != '\0' ? " " : "", arguments->operands,
                 arguments->option_count > 0 ? " [options]" : "", arguments->summary);
    if (arguments->option_count > 0) {
        (void)printf("\noptions:\n");
    }
    for (size_t i = 0; i < arguments->option_count; i++) {
        const struct kl_option *option = &arguments->option[i];
        char head[40];
        (void)snprintf(head, sizeof(head), "%s %s", option->name,
                       option->value != NULL ? option->value : "");
        (void)printf("  %-22s %s\n", head, option->help);
    }
    (void)printf("  %-22s %s\n", "--help", "this text");
}

static bool read_number(const char *text, double *out)
{
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0 || !isfinite(value)) {
        return false;
    }
    *out = value;
    return true;
}

/** Stores one option's text. @return NULL or what was expected */
static const char *store(const struct kl_option *option, const char *text)
{
    double number = 0.0;
    switch (option->kind) {
    case KL_OPTION_FLAG:
        *(bool *)option->target = true;
        return NULL;
    case KL_OPTION_TEXT:
        *(const char **)option->target = text;
        return text[0] != '\0' ? NULL : "a text that is not empty";
    case KL_OPTION_SECONDS:
        if (!read_number(text, &number) || number <= 0.0) {
            return "a number of seconds above 0";
        }
        *(double *)option->target = number;
        return NULL;
    case KL_OPTION_NUMBER:
        return read_number(text, option->target) ? NULL : "a number";
    case KL_OPTION_COUNT:
        if (!read_number(text, &number) || number < 0.0 || number > 1e9 ||
            number != floor(number)) {
            return "a whole number from 0";
        }
        *(size_t *)option->target = (size_t)number;
        return NULL;
    }
    return "nothing";
}

static const struct kl_option *find(const struct kl_arguments *arguments, const char *name,
                                    size_t len)
{
    for (size_t i = 0; i < arguments->option_count; i++) {
        const struct kl_option *option = &arguments->option[i];
        if (strlen(option->name) == len && strncmp(option->name, name, len) == 0) {
            return option;
        }
    }
    return NULL;
}

/** Reads the option at argv[*i] and its value, moving *i to the last word used. */
static int read_option(const struct kl_arguments *arguments, int argc, char **argv, int *i)
{
    const char *word = argv[*i];
    const char *equals = strchr(word, '=');
    size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const struct kl_option *option = find(arguments, word, len);
    if (option == NULL) {
        kl_complain(arguments->verb, "no option %.*s; `kneelab %s --help` lists them", (int)len,
                    word, arguments->verb);
        return USAGE_WRONG;
    }
    const char *value = equals != NULL ? equals + 1 : NULL;
    if (option->kind == KL_OPTION_FLAG && value != NULL) {
        kl_complain(arguments->verb, "%s takes no value, found \"%s\"", option->name, value);
        return USAGE_WRONG;
    }
    if (option->kind != KL_OPTION_FLAG && value == NULL) {
        if (*i + 1 >= argc) {
            kl_complain(arguments->verb, "%s needs %s after it", option->name, option->value);
            return USAGE_WRONG;
        }
        value = argv[++*i];
    }
    const char *expected = store(option, value != NULL ? value : "");
    if (expected != NULL) {
        kl_complain(arguments->verb, "%s: expected %s, found \"%s\"", option->name, expected,
                    value);
        return USAGE_WRONG;
    }
    return 0;
}

int kl_arguments_read(const struct kl_arguments *arguments, int argc, char **argv)
{
    int operands = 0;
    bool options_over = false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (!options_over && strcmp(word, "--") == 0) {
            options_over = true;
        } else if (!options_over && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            kl_arguments_help(arguments);
            return KL_EXIT_HELP;
        } else if (!options_over && word[0] == '-' && word[1] != '\0') {
            int answer = read_option(arguments, argc, argv, &i);
            if (answer != 0) {
                return answer;
            }
        } else {
            argv[operands++] = argv[i];
        }
    }
    if ((size_t)operands < arguments->operand_min || (size_t)operands > arguments->operand_max) {
        kl_complain(arguments->verb, "expected %s, found %d; `kneelab %s --help` says more",
                    arguments->operands[0] != '\0' ? arguments->operands : "no file", operands,
                    arguments->verb);
        return USAGE_WRONG;
    }
    return operands;
}
