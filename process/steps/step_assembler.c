#include "process/steps/step_assembler.h"

#include "process/force/cop.h"
#include "process/steps/laterality.h"
#include "process/steps/metric_input.h"
#include "process/steps/step_validity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Chains of steps and crossover: methods 4.2, 4.3. */
#define MISSED_FACTOR 1.5     /* step time / running median */
#define CROSSOVER_NS 10e6     /* both belts loaded for so long; project setting */
#define CROSSOVER_EDGE_NS 5e6 /* lag of the causal force at 50 Hz (methods 3.3) */
#define FLIGHT_MIN_S 0.020
#define MEDIAN_STEPS 20 /* of the running median; project setting */
#define MEDIAN_MIN 5    /* before that only the range decides */

/* The loading-rate rule of a bout (methods 6), made causal; project setting. */
#define BOUT_STEPS 60
#define BOUT_MIN 20
#define BOUT_MIXED 0.10   /* share of impact peaks from which on steps are mixed */
#define BOUT_RELEASE 0.05 /* a full window must be this clear before the rule is lifted */

#define SPEEDS 16
#define LOADS 32

struct speed {
    int64_t t_ns;
    double speed_m_s;
};

struct load {
    int64_t from_ns, to_ns;
};

/* When a plate carried more than the threshold, newest last. */
struct loads {
    bool on;
    size_t count, head;
    struct load load[LOADS];
};

struct kl_step_assembler {
    struct kl_assembler_plate plate[KL_CONTACT_QUEUE_PLATES];
    size_t plates;
    struct kl_contact_queue *queue;
    struct kl_body_weight *weight;
    struct kl_cadence *cadence;
    struct kl_laterality laterality;
    struct loads loads[KL_CONTACT_QUEUE_PLATES];
    double height_m;
    struct speed speed[SPEEDS]; /* oldest first */
    size_t speeds;

    enum kl_loading_rule rule_without_impact;
    bool force_rule;
    size_t bout_count, bout_head, bout_peaks;
    bool bout_peak[BOUT_STEPS];

    size_t median_count, median_head;
    double step_time_s[MEDIAN_STEPS];

    int64_t beside_ns; /* newest sample of the slowest signal beside the plates */

    bool release; /* the oldest accepted contact was handed out */
    uint32_t next_index, accepted_index;
    size_t contacts;
    double newest_ns;   /* IC of the newest accepted contact */
    bool has_last;      /* an earlier contact of this record has an IC */
    double last_ic_ns;  /* of the newest finished step */
    bool missed_before; /* a step is missing between the newest finished one and the next */
};

struct kl_step_assembler *kl_step_assembler_create(const struct kl_assembler_plate *plates,
                                                   size_t count, enum kl_loading_rule rule,
                                                   struct kl_body_weight *weight,
                                                   struct kl_cadence *cadence)
{
    double rate_hz[KL_CONTACT_QUEUE_PLATES] = {0};
    if (count > KL_CONTACT_QUEUE_PLATES) {
        return NULL;
    }
    struct kl_step_assembler *assembler = calloc(1, sizeof(*assembler));
    if (assembler == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        assembler->plate[i] = plates[i];
        rate_hz[i] = plates[i].rate_hz;
    }
    assembler->plates = count;
    assembler->rule_without_impact = rule;
    assembler->weight = weight;
    assembler->cadence = cadence;
    assembler->beside_ns = INT64_MAX;
    assembler->queue = kl_contact_queue_create(rate_hz, count);
    if (assembler->queue == NULL) {
        kl_step_assembler_destroy(assembler);
        return NULL;
    }
    return assembler;
}

void kl_step_assembler_destroy(struct kl_step_assembler *assembler)
{
    if (assembler != NULL) {
        kl_contact_queue_destroy(assembler->queue);
        free(assembler);
    }
}

void kl_step_assembler_contact(struct kl_step_assembler *assembler, size_t plate,
                               const struct kl_contact *contact)
{
    (void)kl_contact_queue_push(assembler->queue, plate, contact); /* late ones are counted there */
}

void kl_step_assembler_plate(struct kl_step_assembler *assembler, size_t plate, int64_t newest_ns,
                             int64_t watermark_ns, bool loaded)
{
    kl_contact_queue_plate(assembler->queue, plate, newest_ns, watermark_ns);
    struct loads *loads = &assembler->loads[plate];
    if (loaded && !loads->on) {
        loads->head = (loads->head + 1) % LOADS;
        loads->load[loads->head].from_ns = newest_ns;
        loads->count += loads->count < LOADS;
    }
    if (loaded) {
        loads->load[loads->head].to_ns = newest_ns;
    }
    loads->on = loaded;
}

void kl_step_assembler_beside(struct kl_step_assembler *assembler, int64_t newest_ns)
{
    assembler->beside_ns = newest_ns;
}

void kl_step_assembler_end(struct kl_step_assembler *assembler)
{
    kl_contact_queue_end(assembler->queue);
}

void kl_step_assembler_speed(struct kl_step_assembler *assembler, int64_t t_ns, double speed_m_s)
{
    if (assembler->speeds == SPEEDS) {
        memmove(assembler->speed, assembler->speed + 1, (SPEEDS - 1) * sizeof(assembler->speed[0]));
        assembler->speeds--;
    }
    assembler->speed[assembler->speeds++] = (struct speed){.t_ns = t_ns, .speed_m_s = speed_m_s};
}

void kl_step_assembler_height(struct kl_step_assembler *assembler, double height_m)
{
    assembler->height_m = height_m;
}

void kl_step_assembler_bout(struct kl_step_assembler *assembler)
{
    assembler->force_rule = false;
    assembler->bout_count = assembler->bout_head = assembler->bout_peaks = 0;
}

/* ------------------------------------------------------------- neighbours */

static double step_time_s(const struct kl_contact *contact, const struct kl_contact *next)
{
    return (next->ic_ns - contact->ic_ns) / 1e9;
}

/* The next contact follows this one: flight and step time can be told. */
static bool follows(const struct kl_contact *contact, const struct kl_contact *next)
{
    return contact->has_to && !contact->ended && next->has_ic &&
           next->ic_ns - contact->to_ns <= KL_ASSEMBLER_WAIT_NS;
}

/* Two steps' time between two contacts: one is missing. */
static bool is_missed(const struct kl_step_assembler *assembler, double time_s)
{
    size_t n = assembler->median_count;
    if (n < MEDIAN_MIN) {
        return false;
    }
    double sorted[MEDIAN_STEPS];
    for (size_t i = 0; i < n; i++) {
        size_t at = i;
        for (; at > 0 && sorted[at - 1] > assembler->step_time_s[i]; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = assembler->step_time_s[i];
    }
    double median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    return time_s > MISSED_FACTOR * median;
}

/* Whether a contact is the very next step after another: feet alternate between the two. */
static bool alternates(const struct kl_step_assembler *assembler, double ic_ns, double next_ic_ns)
{
    double time_s = (next_ic_ns - ic_ns) / 1e9;
    return kl_step_time_valid(time_s) && !is_missed(assembler, time_s);
}

/* The chain of steps goes on with this contact. */
static bool continues(const struct kl_step_assembler *assembler, const struct kl_contact *contact)
{
    return assembler->has_last && !assembler->missed_before &&
           alternates(assembler, assembler->last_ic_ns, contact->ic_ns);
}

static void note_step_time(struct kl_step_assembler *assembler, double time_s)
{
    assembler->step_time_s[assembler->median_head] = time_s;
    assembler->median_head = (assembler->median_head + 1) % MEDIAN_STEPS;
    assembler->median_count += assembler->median_count < MEDIAN_STEPS;
}

/* ------------------------------------------------------------------ speed */

static double speed_at(const struct kl_step_assembler *assembler, double t_ns)
{
    double speed = 0;
    for (size_t i = 0; i < assembler->speeds && (double)assembler->speed[i].t_ns <= t_ns; i++) {
        speed = assembler->speed[i].speed_m_s;
    }
    return speed;
}

/* ------------------------------------------------------------- both belts */

static bool crosses_over(const struct kl_step_assembler *assembler,
                         const struct kl_queued_contact *queued)
{
    double from_ns = queued->contact.ic_ns + CROSSOVER_EDGE_NS;
    double to_ns = queued->contact.to_ns + CROSSOVER_EDGE_NS;
    for (size_t p = 0; p < assembler->plates; p++) {
        const struct loads *loads = &assembler->loads[p];
        for (size_t i = 0; p != queued->plate && i < loads->count; i++) {
            const struct load *load = &loads->load[(loads->head + LOADS - i) % LOADS];
            double both_ns =
                fmin(to_ns, (double)load->to_ns) - fmax(from_ns, (double)load->from_ns);
            if (both_ns >= CROSSOVER_NS) {
                return true;
            }
        }
    }
    return false;
}

/* ------------------------------------------------------------- one record */

/* The next two contacts, as far as they follow. */
struct neighbours {
    const struct kl_queued_contact *next, *next2;
    double step_s;   /* 0: no next */
    double flight_s; /* negative: none */
    bool missed;     /* a step is missing before the next */
};

static struct neighbours find_neighbours(const struct kl_step_assembler *assembler)
{
    struct neighbours near = {.flight_s = -1};
    size_t accepted = kl_contact_queue_accepted(assembler->queue);
    const struct kl_contact *contact = &kl_contact_queue_get(assembler->queue, 0)->contact;
    if (accepted < 2) {
        return near;
    }
    const struct kl_queued_contact *next = kl_contact_queue_get(assembler->queue, 1);
    if (!follows(contact, &next->contact)) {
        return near;
    }
    near.flight_s = (next->contact.ic_ns - contact->to_ns) / 1e9;
    if (!contact->has_ic) {
        return near;
    }
    near.step_s = step_time_s(contact, &next->contact);
    near.missed = is_missed(assembler, near.step_s);
    if (near.missed) {
        return near;
    }
    near.next = next;
    if (accepted > 2) {
        const struct kl_queued_contact *next2 = kl_contact_queue_get(assembler->queue, 2);
        if (follows(&next->contact, &next2->contact) &&
            !is_missed(assembler, step_time_s(&next->contact, &next2->contact))) {
            near.next2 = next2;
        }
    }
    return near;
}

static struct kl_metric_input metric_input(const struct kl_step_assembler *assembler,
                                           const struct kl_queued_contact *queued,
                                           const struct kl_step *step)
{
    return (struct kl_metric_input){
        .contact = &queued->contact,
        .measured = assembler->plate[queued->plate].measured,
        .side = step->side,
        .midline_z_m = assembler->plate[queued->plate].side == KL_SIDE_UNKNOWN
                           ? assembler->laterality.midline_z_m
                           : 0,
        .body_weight_n = step->body_weight_n,
        .height_m = assembler->height_m,
        .speed_m_s = step->speed_m_s,
        .rule_without_impact = assembler->rule_without_impact,
        .force_rule = assembler->force_rule,
    };
}

static void compute_metrics(struct kl_step *step, const struct kl_metric_input *input)
{
    for (int m = 0; m < KL_METRIC_COUNT; m++) {
        step->metric[m] = 0;
        step->metric_reasons[m] = kl_metric_compute((enum kl_metric_id)m, input, &step->metric[m]);
    }
    step->loading_rule = kl_metric_loading_rule(input);
}

static struct kl_step begin_step(const struct kl_step_assembler *assembler,
                                 const struct kl_queued_contact *queued)
{
    const struct kl_contact *contact = &queued->contact;
    struct kl_step step = {
        .stream = assembler->plate[queued->plate].stream,
        .side = assembler->plate[queued->plate].side,
        .contact_ns = contact->ic_ns,
        .off_ns = contact->to_ns,
        .has_contact = contact->has_ic,
        .has_off = contact->has_to,
        .body_weight_n = kl_body_weight_get(assembler->weight),
        .speed_m_s = speed_at(assembler, contact->ic_ns),
    };
    step.reasons = kl_contact_reasons(&queued->contact, queued->at_end, step.body_weight_n);
    return step;
}

/* F1 in 10-90 % of a bout's steps: one rule for all of them. Decided over the last 60 steps that
 * can tell, from the 20th on; lifted when a full window is 95 % of one kind. */
static void note_impact_peak(struct kl_step_assembler *assembler, bool peak)
{
    if (assembler->bout_count == BOUT_STEPS) {
        assembler->bout_peaks -= assembler->bout_peak[assembler->bout_head];
    } else {
        assembler->bout_count++;
    }
    assembler->bout_peak[assembler->bout_head] = peak;
    assembler->bout_peaks += peak;
    assembler->bout_head = (assembler->bout_head + 1) % BOUT_STEPS;
    if (assembler->bout_count < BOUT_MIN) {
        return;
    }
    double share = (double)assembler->bout_peaks / (double)assembler->bout_count;
    if (share >= BOUT_MIXED && share <= 1 - BOUT_MIXED) {
        assembler->force_rule = true;
    } else if (assembler->bout_count == BOUT_STEPS &&
               (share < BOUT_RELEASE || share > 1 - BOUT_RELEASE)) {
        assembler->force_rule = false;
    }
}

/* Left or right: the plate's side, or the place in the chain of alternating feet. */
static void assign_side(struct kl_step_assembler *assembler, const struct kl_queued_contact *queued,
                        struct kl_step *step)
{
    const struct kl_contact *contact = &queued->contact;
    if (step->side != KL_SIDE_UNKNOWN || !contact->has_ic) {
        return;
    }
    if (!continues(assembler, contact)) {
        kl_laterality_restart(&assembler->laterality);
    }
    double z_m = 0;
    bool usable = step->valid && (step->reasons & (uint32_t)KL_REASON_GAP) == 0 &&
                  kl_cop_mean_z(contact, &z_m);
    step->side = kl_laterality_step(&assembler->laterality, usable, z_m);
}

static void count_cadence(struct kl_step_assembler *assembler, const struct kl_contact *contact)
{
    if (!contact->has_ic) {
        return;
    }
    if (!continues(assembler, contact)) {
        kl_cadence_restart(assembler->cadence);
    }
    kl_cadence_contact(assembler->cadence, contact->ic_ns);
}

static uint32_t step_reasons(const struct kl_step_assembler *assembler,
                             const struct kl_queued_contact *queued, const struct neighbours *near)
{
    uint32_t reasons = 0;
    bool has_next = near->step_s > 0;
    reasons |= has_next ? 0 : (uint32_t)KL_REASON_NO_NEXT;
    reasons |= has_next && !kl_step_time_valid(near->step_s) ? (uint32_t)KL_REASON_STEP_RANGE : 0;
    reasons |= has_next && near->flight_s < FLIGHT_MIN_S ? (uint32_t)KL_REASON_FLIGHT_RANGE : 0;
    reasons |= near->missed || assembler->missed_before ? (uint32_t)KL_REASON_MISSED_STEP : 0;
    reasons |= assembler->plates > 1 && crosses_over(assembler, queued)
                   ? (uint32_t)KL_REASON_CROSSOVER
                   : 0;
    double end_ns = near->next != NULL ? near->next->contact.ic_ns : queued->contact.to_ns;
    for (size_t i = 0; i < assembler->speeds; i++) {
        double t_ns = (double)assembler->speed[i].t_ns;
        double before = i > 0 ? assembler->speed[i - 1].speed_m_s : 0;
        bool changed = before > 0 && assembler->speed[i].speed_m_s != before;
        reasons |= changed && t_ns > queued->contact.ic_ns && t_ns <= end_ns
                       ? (uint32_t)KL_REASON_SPEED_CHANGE
                       : 0;
    }
    return reasons;
}

static void add_neighbours(const struct neighbours *near, double speed_m_s,
                           struct kl_metric_input *input)
{
    if (near->next != NULL) {
        input->has_next = true;
        input->next_ic_ns = near->next->contact.ic_ns;
        input->has_next_landing_x =
            kl_cop_landing_x(&near->next->contact, speed_m_s, &input->next_landing_x_m);
    }
    if (near->next2 != NULL) {
        input->has_next2 = true;
        input->next2_ic_ns = near->next2->contact.ic_ns;
    }
}

static void finish_step(struct kl_step_assembler *assembler, struct kl_assembly *out)
{
    const struct kl_queued_contact *queued = kl_contact_queue_get(assembler->queue, 0);
    const struct kl_contact *contact = &queued->contact;
    struct neighbours near = find_neighbours(assembler);
    struct kl_step step = begin_step(assembler, queued);
    step.index = assembler->next_index++;
    step.reasons |= step_reasons(assembler, queued, &near);
    step.valid = (step.reasons & KL_REASONS_INVALID) == 0;
    if ((step.reasons & (uint32_t)KL_REASON_SPEED_CHANGE) != 0) {
        kl_step_assembler_bout(assembler);
    }
    assign_side(assembler, queued, &step);

    struct kl_metric_input input = metric_input(assembler, queued, &step);
    if (step.valid && step.body_weight_n > 0) {
        note_impact_peak(assembler, kl_metric_has_impact_peak(&input));
        input.force_rule = assembler->force_rule;
    }
    count_cadence(assembler, contact);
    add_neighbours(&near, step.speed_m_s, &input);
    compute_metrics(&step, &input);
    /* What belt noise is, the metrics decide; the step says so too. */
    step.reasons |= step.metric_reasons[KL_METRIC_CONTACT_TIME] & (uint32_t)KL_REASON_NOISE;

    double impulse = kl_contact_impulse(contact, near.flight_s);
    /* A wrong body weight must not keep itself alive by rejecting every step. */
    bool whole = (step.reasons & KL_REASONS_INVALID & ~(uint32_t)KL_REASON_PEAK_RANGE) == 0;
    kl_body_weight_step(assembler->weight, whole, impulse, near.step_s);
    if (step.valid) {
        note_step_time(assembler, near.step_s);
    }
    if (contact->has_ic) {
        assembler->has_last = true;
        assembler->last_ic_ns = contact->ic_ns;
        assembler->missed_before = near.missed;
    }
    *out = (struct kl_assembly){.step = step,
                                .contact = contact,
                                .next2_ic_ns = near.next2 != NULL ? near.next2->contact.ic_ns : 0,
                                .flight_s = near.flight_s,
                                .impulse_n_s = impulse};
}

/* The foot `ahead` steps after the newest accepted contact (0: its own), when the chain up to there
 * is whole. */
static enum kl_side foot_ahead(const struct kl_step_assembler *assembler, unsigned ahead)
{
    size_t first = assembler->release ? 1 : 0; /* already finished */
    size_t accepted = kl_contact_queue_accepted(assembler->queue);
    double ic_ns = assembler->last_ic_ns;
    bool whole = assembler->has_last && !assembler->missed_before;
    for (size_t i = first; i < accepted; i++) {
        const struct kl_contact *contact = &kl_contact_queue_get(assembler->queue, i)->contact;
        whole = whole && contact->has_ic && alternates(assembler, ic_ns, contact->ic_ns);
        ic_ns = contact->ic_ns;
    }
    return whole ? kl_laterality_ahead(&assembler->laterality, (unsigned)(accepted - first) + ahead)
                 : KL_SIDE_UNKNOWN;
}

/* A contact as it is accepted: what follows it is not known yet. */
static void show_contact(struct kl_step_assembler *assembler, struct kl_assembly *out)
{
    size_t newest = kl_contact_queue_accepted(assembler->queue) - 1;
    const struct kl_queued_contact *queued = kl_contact_queue_get(assembler->queue, newest);
    struct kl_step step = begin_step(assembler, queued);
    step.index = assembler->accepted_index++;
    step.reasons |= (uint32_t)KL_REASON_NO_NEXT;
    step.valid = (step.reasons & KL_REASONS_INVALID & ~(uint32_t)KL_REASON_NO_NEXT) == 0;
    if (step.side == KL_SIDE_UNKNOWN) {
        step.side = foot_ahead(assembler, 0);
    }
    assembler->contacts += queued->contact.has_ic;
    assembler->newest_ns = queued->contact.ic_ns;
    struct kl_metric_input input = metric_input(assembler, queued, &step);
    compute_metrics(&step, &input);
    *out = (struct kl_assembly){.step = step, .contact = &queued->contact, .flight_s = -1};
}

/* Nothing more can come that the oldest accepted contact waits for, given that no contact begins
 * before `until`. */
static bool is_complete(const struct kl_step_assembler *assembler, double until_ns)
{
    size_t accepted = kl_contact_queue_accepted(assembler->queue);
    if (accepted == 0) {
        return false;
    }
    const struct kl_contact *contact = &kl_contact_queue_get(assembler->queue, 0)->contact;
    if (accepted > 2 || contact->ended || !contact->has_to) {
        return true;
    }
    const struct kl_contact *newest =
        &kl_contact_queue_get(assembler->queue, accepted - 1)->contact;
    bool broken = accepted == 2 && (!follows(contact, newest) || newest->ended || !newest->has_to);
    return broken || until_ns > newest->to_ns + KL_ASSEMBLER_WAIT_NS;
}

/* Motion and EMG have passed what the oldest accepted contact needs, its stride where that is
 * known, or are so late that it is closed without them (methods 3.5). */
static bool is_beside_there(const struct kl_step_assembler *assembler)
{
    const struct kl_contact *contact = &kl_contact_queue_get(assembler->queue, 0)->contact;
    double needed_ns = contact->to_ns;
    if (kl_contact_queue_accepted(assembler->queue) > 2) {
        double stride_ns = kl_contact_queue_get(assembler->queue, 2)->contact.ic_ns;
        bool near = stride_ns - contact->ic_ns <= 2 * KL_ASSEMBLER_WAIT_NS;
        needed_ns = near ? fmax(needed_ns, stride_ns) : needed_ns;
    }
    needed_ns += KL_ASSEMBLER_TAIL_NS;
    return (double)assembler->beside_ns >= needed_ns ||
           kl_contact_queue_limit(assembler->queue) > needed_ns + KL_ASSEMBLER_WAIT_NS;
}

enum kl_assembled kl_step_assembler_next(struct kl_step_assembler *assembler,
                                         struct kl_assembly *out)
{
    if (assembler->release) {
        assembler->release = false;
        kl_contact_queue_release(assembler->queue);
    }
    const struct kl_queued_contact *next = kl_contact_queue_next(assembler->queue);
    double until_ns = next != NULL ? next->contact.ic_ns : kl_contact_queue_limit(assembler->queue);
    if (is_complete(assembler, until_ns) && is_beside_there(assembler)) {
        finish_step(assembler, out);
        assembler->release = true;
        return KL_ASSEMBLED_STEP;
    }
    if (next == NULL) {
        return KL_ASSEMBLED_NOTHING;
    }
    kl_contact_queue_accept(assembler->queue);
    show_contact(assembler, out);
    return KL_ASSEMBLED_CONTACT;
}

/* ------------------------------------------------------------- what it knows */

bool kl_step_assembler_forces_rule(const struct kl_step_assembler *assembler)
{
    return assembler->force_rule;
}

double kl_step_assembler_confidence(const struct kl_step_assembler *assembler)
{
    return assembler->laterality.confidence_q;
}

enum kl_side kl_step_assembler_side(const struct kl_step_assembler *assembler, size_t plate,
                                    unsigned begun, double begun_ns)
{
    if (assembler->plate[plate].side != KL_SIDE_UNKNOWN) {
        return assembler->plate[plate].side;
    }
    double each_s = begun > 0 ? (begun_ns - assembler->newest_ns) / 1e9 / begun : 0;
    return kl_step_time_valid(each_s) && !is_missed(assembler, each_s)
               ? foot_ahead(assembler, begun)
               : KL_SIDE_UNKNOWN;
}

size_t kl_step_assembler_contacts(const struct kl_step_assembler *assembler)
{
    return assembler->contacts;
}

size_t kl_step_assembler_late(const struct kl_step_assembler *assembler)
{
    return kl_contact_queue_late(assembler->queue);
}
