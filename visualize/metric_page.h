/* Which rows of the metric table are on screen: more exist than can be read at once.
 *
 * Rows come in groups by what measures them. A group that nothing measures is folded into one line
 * that says why; the others are put on pages of at most KL_METRIC_PAGE_LINES lines. Error bands are
 * no rows of their own: they stand behind the value they belong to. Pure. Threads: any.
 */
#ifndef KL_VISUALIZE_METRIC_PAGE_H
#define KL_VISUALIZE_METRIC_PAGE_H

#include "process/snapshot.h"

enum kl_metric_group {
    KL_GROUP_FORCES = 0,
    KL_GROUP_MOTION,
    KL_GROUP_KNEE,
    KL_GROUP_MUSCLE,
    KL_METRIC_GROUPS,
};

/** "Forces", "Motion", "Knee", "Muscle". */
const char *kl_metric_group_text(enum kl_metric_group group);

#define KL_METRIC_PAGE_LINES 28 /* beside folded groups: readable from a chair at 1080 rows */

enum kl_metric_line_kind { KL_LINE_METRIC = 0, KL_LINE_HEAD, KL_LINE_FOLDED };

struct kl_metric_line {
    enum kl_metric_line_kind kind;
    enum kl_metric_id id;   /* KL_LINE_METRIC */
    enum kl_metric_id band; /* SD of its error; KL_METRIC_COUNT: none */
    char text[96];          /* of the other kinds */
};

struct kl_metric_page {
    size_t index, count; /* this page, of so many */
    char title[48];      /* "Forces", "Knee, muscle" */
    size_t line_count;
    struct kl_metric_line line[KL_METRIC_COUNT + 2 * KL_METRIC_GROUPS];
};

/** @param first  the group whose page is wanted (the first open page when it is folded)
 *  @param turn   so many pages further, around and around */
void kl_metric_page_fill(const struct kl_snapshot *snapshot, enum kl_metric_group first,
                         unsigned turn, struct kl_metric_page *out);

/** Changes when any page changes its lines. */
uint64_t kl_metric_page_key(const struct kl_snapshot *snapshot);

#endif
