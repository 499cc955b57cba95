#include "app/results.h"

#include <stdlib.h>

/** Makes room for one more element of an array that doubles. */
static bool grow(struct kl_results *results, void **array, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) {
        return true;
    }
    size_t wanted = *cap > 0 ? *cap * 2 : 256;
    void *larger = realloc(*array, wanted * size);
    if (larger == NULL) {
        results->out_of_memory = true;
        return false;
    }
    *array = larger;
    *cap = wanted;
    return true;
}

static void on_step(void *self, const struct kl_step *step)
{
    struct kl_results *results = self;
    void *array = results->step;
    if (grow(results, &array, results->step_count, &results->step_cap, sizeof(*step))) {
        results->step = array;
        results->step[results->step_count++] = *step;
    }
}

static void on_flag(void *self, const struct kl_rule *rule, const struct kl_flag *flag)
{
    struct kl_results *results = self;
    void *array = results->flag;
    if (grow(results, &array, results->flag_count, &results->flag_cap,
             sizeof(struct kl_result_flag))) {
        results->flag = array;
        results->flag[results->flag_count++] =
            (struct kl_result_flag){.rule = *rule, .flag = *flag};
    }
}

struct kl_pipeline_sink kl_results_sink(struct kl_results *results)
{
    return (struct kl_pipeline_sink){.self = results, .step = on_step, .flag = on_flag};
}

void kl_results_free(struct kl_results *results)
{
    free(results->step);
    free(results->flag);
    *results = (struct kl_results){0};
}
