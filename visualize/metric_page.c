#include "visualize/metric_page.h"

#include "visualize/change_key.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *text, *within; /* alone, and inside a line */
    enum kl_metric_id from, to;
    const char *note; /* behind the name: what all its values have in common; NULL: none */
} groups[KL_METRIC_GROUPS] = {
    {"Forces", "forces", KL_METRIC_CONTACT_TIME, KL_METRIC_FORCE_COUNT, NULL},
    {"Motion", "motion", KL_METRIC_MOTION, KL_METRIC_KNEE, NULL},
    {"Knee", "knee", KL_METRIC_KNEE, KL_METRIC_MUSCLE,
     "± 1 SD · proxies are for comparison · shank frame, K1 lab frame"},
    {"Muscle", "muscle", KL_METRIC_MUSCLE, KL_METRIC_COUNT, NULL},
};

/* Error bands and the values they belong to. */
static const struct {
    const char *value, *band;
} bands[] = {
    {"kam_k2a_peak", "kam_k2a_band"},
    {"kam_k2b_peak", "kam_k2b_band"},
    {"kam_peak", "kam_band"},
};

#define BANDS (sizeof(bands) / sizeof(bands[0]))

const char *kl_metric_group_text(enum kl_metric_group group)
{
    return (unsigned)group < KL_METRIC_GROUPS ? groups[group].text : "unknown";
}

/* ------------------------------------------------------------------ groups */

#define NOT_THERE ((uint32_t)KL_REASON_NO_SENSOR | (uint32_t)KL_REASON_NOT_MEASURED)

/* Before the first valid step only what is worn tells. */
static bool is_worn(const struct kl_snapshot *snapshot, enum kl_metric_group group)
{
    const struct kl_snapshot_calibration *calibration = &snapshot->calibration;
    bool worn = group == KL_GROUP_FORCES;
    if (group == KL_GROUP_MUSCLE) {
        for (size_t s = 0; s < KL_SIDE_COUNT; s++) {
            for (size_t m = 0; m < KL_MUSCLE_COUNT; m++) {
                worn = worn || calibration->electrode[s][m];
            }
        }
        return worn;
    }
    for (size_t i = 0; i < KL_SEGMENT_COUNT; i++) {
        worn = worn || calibration->worn[i];
    }
    return worn;
}

/* Why nothing measures a group, kl_reason bits; 0: something does. */
static uint32_t folded_for(const struct kl_snapshot *snapshot, enum kl_metric_group group)
{
    uint32_t why = 0;
    bool told = false;
    for (size_t s = 0; s < KL_SIDE_COUNT; s++) {
        const struct kl_snapshot_side *side = &snapshot->side[s];
        if (!side->has_step) {
            continue;
        }
        told = told || side->last.valid;
        for (unsigned id = groups[group].from; id < (unsigned)groups[group].to; id++) {
            uint32_t absent = side->last.metric_reasons[id] & NOT_THERE;
            if (side->n[id] > 0 || (side->last.valid && absent == 0)) {
                return 0;
            }
            why |= absent;
        }
    }
    if (!told) {
        return is_worn(snapshot, group) ? 0 : (uint32_t)KL_REASON_NO_SENSOR;
    }
    return why & (~why + 1u); /* one is enough to say */
}

static void states_of(const struct kl_snapshot *snapshot, uint32_t why[KL_METRIC_GROUPS])
{
    for (size_t g = 0; g < KL_METRIC_GROUPS; g++) {
        why[g] = folded_for(snapshot, (enum kl_metric_group)g);
    }
}

/* ------------------------------------------------------------------- lines */

static enum kl_metric_id band_of(enum kl_metric_id id)
{
    for (size_t i = 0; i < BANDS; i++) {
        if (strcmp(bands[i].value, kl_metric_get(id)->key) == 0) {
            return kl_metric_find(bands[i].band);
        }
    }
    return KL_METRIC_COUNT;
}

static bool is_band(enum kl_metric_id id)
{
    for (size_t i = 0; i < BANDS; i++) {
        if (strcmp(bands[i].band, kl_metric_get(id)->key) == 0) {
            return true;
        }
    }
    return false;
}

static size_t rows_of(size_t group)
{
    size_t rows = groups[group].note != NULL ? 1 : 0;
    for (unsigned id = groups[group].from; id < (unsigned)groups[group].to; id++) {
        rows += is_band((enum kl_metric_id)id) ? 0 : 1;
    }
    return rows;
}

/* Which page each open group is on. @return pages, at least 1 */
static size_t share_out(const uint32_t why[KL_METRIC_GROUPS], size_t page[KL_METRIC_GROUPS])
{
    size_t count = 0;
    size_t used = KL_METRIC_PAGE_LINES + 1;
    for (size_t g = 0; g < KL_METRIC_GROUPS; g++) {
        size_t rows = rows_of(g) + (groups[g].note == NULL ? 1 : 0);
        page[g] = 0;
        if (why[g] != 0) {
            continue;
        }
        if (used + rows > KL_METRIC_PAGE_LINES) {
            count++;
            used = 0;
        }
        used += rows;
        page[g] = count - 1;
    }
    return count > 0 ? count : 1;
}

static struct kl_metric_line *add_line(struct kl_metric_page *out, enum kl_metric_line_kind kind)
{
    struct kl_metric_line *line = &out->line[out->line_count++];
    *line = (struct kl_metric_line){.kind = kind, .id = KL_METRIC_COUNT, .band = KL_METRIC_COUNT};
    return line;
}

static void add_group(struct kl_metric_page *out, size_t group, bool with_name)
{
    if (with_name || groups[group].note != NULL) {
        struct kl_metric_line *head = add_line(out, KL_LINE_HEAD);
        (void)snprintf(head->text, sizeof(head->text), "%s%s%s", groups[group].text,
                       groups[group].note != NULL ? " · " : "",
                       groups[group].note != NULL ? groups[group].note : "");
    }
    for (unsigned id = groups[group].from; id < (unsigned)groups[group].to; id++) {
        if (!is_band((enum kl_metric_id)id)) {
            struct kl_metric_line *line = add_line(out, KL_LINE_METRIC);
            line->id = (enum kl_metric_id)id;
            line->band = band_of(line->id);
        }
    }
}

/* One line for all groups that lack the same. */
static void add_folded(struct kl_metric_page *out, const uint32_t why[KL_METRIC_GROUPS])
{
    for (size_t g = 0; g < KL_METRIC_GROUPS; g++) {
        bool said = false;
        for (size_t before = 0; before < g; before++) {
            said = said || why[before] == why[g];
        }
        if (why[g] == 0 || said) {
            continue;
        }
        struct kl_metric_line *line = add_line(out, KL_LINE_FOLDED);
        size_t used = (size_t)snprintf(line->text, sizeof(line->text), "%s", groups[g].text);
        for (size_t next = g + 1; next < KL_METRIC_GROUPS; next++) {
            if (why[next] == why[g]) {
                used += (size_t)snprintf(line->text + used, sizeof(line->text) - used, ", %s",
                                         groups[next].within);
            }
        }
        (void)snprintf(line->text + used, sizeof(line->text) - used, ": %s",
                       kl_reason_text((enum kl_reason)why[g]));
    }
}

void kl_metric_page_fill(const struct kl_snapshot *snapshot, enum kl_metric_group first,
                         unsigned turn, struct kl_metric_page *out)
{
    uint32_t why[KL_METRIC_GROUPS];
    size_t page[KL_METRIC_GROUPS];
    memset(out, 0, sizeof(*out));
    states_of(snapshot, why);
    out->count = share_out(why, page);
    size_t wanted = (unsigned)first < KL_METRIC_GROUPS ? page[first] : 0;
    out->index = (wanted + turn) % out->count;
    size_t shown = 0;
    for (size_t g = 0; g < KL_METRIC_GROUPS; g++) {
        shown += why[g] == 0 && page[g] == out->index;
    }
    for (size_t g = 0; g < KL_METRIC_GROUPS; g++) {
        if (why[g] != 0 || page[g] != out->index) {
            continue;
        }
        size_t used = strlen(out->title);
        (void)snprintf(out->title + used, sizeof(out->title) - used, "%s%s", used > 0 ? ", " : "",
                       used > 0 ? groups[g].within : groups[g].text);
        add_group(out, g, shown > 1);
    }
    add_folded(out, why);
}

uint64_t kl_metric_page_key(const struct kl_snapshot *snapshot)
{
    uint32_t why[KL_METRIC_GROUPS];
    states_of(snapshot, why);
    return kl_change_key(KL_CHANGE_KEY_START, why, sizeof(why));
}
