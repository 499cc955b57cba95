/* One step: one foot's contact and the flight after it, with every metric and its validity. */
#ifndef KL_PROCESS_STEPS_STEP_H
#define KL_PROCESS_STEPS_STEP_H

#include "acquire/stream.h"
#include "process/steps/metric.h"

/** Why a step, or one of its metrics, is not valid. Bits, so that several may hold. */
enum kl_reason {
    KL_REASON_CUT = 1 << 0,             /* the record starts or ends inside the contact */
    KL_REASON_CONTACT_RANGE = 1 << 1,   /* contact outside 100-450 ms */
    KL_REASON_STEP_RANGE = 1 << 2,      /* step time outside 240-550 ms */
    KL_REASON_FLIGHT_RANGE = 1 << 3,    /* flight below 20 ms */
    KL_REASON_PEAK_RANGE = 1 << 4,      /* peak outside 1.2-4.5 BW */
    KL_REASON_MISSED_STEP = 1 << 5,     /* a neighbouring step is missing */
    KL_REASON_NO_NEXT = 1 << 6,         /* no following contact: no step time, no flight */
    KL_REASON_GAP = 1 << 7,             /* samples are missing (patched if <= 20 ms) */
    KL_REASON_DRIFT_STEP = 1 << 8,      /* the zero moved by more than 15 N over the step */
    KL_REASON_NOISE = 1 << 9,           /* flight SD above 10 N */
    KL_REASON_SATURATED = 1 << 10,      /* a channel at its rail */
    KL_REASON_SIDE_UNKNOWN = 1 << 11,   /* left or right cannot be told */
    KL_REASON_COP_INVALID = 1 << 12,    /* centre of pressure too uncertain */
    KL_REASON_NOT_MEASURED = 1 << 13,   /* the plate has no such component */
    KL_REASON_NO_BODY_WEIGHT = 1 << 14, /* body weight not known yet */
    KL_REASON_NO_IMPACT_PEAK = 1 << 15, /* there is none: midfoot or forefoot strike */
    KL_REASON_WARMING_UP = 1 << 16,     /* within 0.5 s of the start or of a gap */
    KL_REASON_CROSSOVER = 1 << 17,      /* both belts loaded at once */
    KL_REASON_SPEED_UNKNOWN = 1 << 18,  /* belt speed not entered */
    KL_REASON_SPEED_CHANGE = 1 << 19,   /* belt speed changed */
    KL_REASON_NO_HEIGHT = 1 << 20,      /* runner's height not entered */
    KL_REASON_NOT_A_NUMBER = 1 << 21,   /* the device delivered NaN or infinity */
    KL_REASON_SIGN = 1 << 22,           /* the zero lies far below: the plate is upside down? */
    KL_REASON_NO_SENSOR = 1 << 23,      /* nothing worn there measures it */
    KL_REASON_NOT_CALIBRATED = 1 << 24, /* no still pose, functional axis or muscle reference */
    KL_REASON_STRAP = 1 << 25,          /* the strap has moved by more than 3 deg */
    KL_REASON_AXIS = 1 << 26,           /* joint axis uncertain: low quality or cross-talk */
    KL_REASON_HEADING = 1 << 27,        /* headings disagree by more than 8 deg */
    KL_REASON_NO_LENGTHS = 1 << 28,     /* segment lengths not entered */
    KL_REASON_UNSTEADY = 1 << 29,  /* sideways or fore-aft force does not balance, or a slope */
    KL_REASON_TOO_SMALL = 1 << 30, /* the signal is too small to say: a ratio, an onset */
};

#define KL_REASON_COUNT 31

/** Words for one bit, short enough for a table cell; used by screen, CSV and JSON alike. */
const char *kl_reason_text(enum kl_reason bit);

/** What is said beside a metric that is valid; bits. */
enum kl_mark {
    KL_MARK_RELATIVE = 1 << 0,   /* muscle without a maximal contraction: only changes count */
    KL_MARK_CROSS_TALK = 1 << 1, /* the two electrodes hear each other (methods 13) */
    KL_MARK_LINE_HUM = 1 << 2,   /* mains hum was taken out */
};

#define KL_MARK_COUNT 3

/** Words for one bit: "relative to this run", ... */
const char *kl_mark_text(enum kl_mark bit);

/** Which rule the loading rates of a step follow (methods 6). */
enum kl_loading_rule {
    KL_LOADING_IMPACT_PEAK = 0,
    KL_LOADING_P13,
    KL_LOADING_A312,
    KL_LOADING_POI,
    KL_LOADING_BW50,
    KL_LOADING_RULE_COUNT,
};

/** "impact peak", "P13", "A312", "POI", "BW50". */
const char *kl_loading_rule_text(enum kl_loading_rule rule);

struct kl_step {
    uint32_t index; /* counts contacts from 0 in order of time */
    size_t stream;  /* the plate */
    enum kl_side side;
    double contact_ns, off_ns; /* IC and TO */
    bool has_contact, has_off; /* false: cut; the time is the edge of the record */
    bool valid;
    uint32_t reasons;                         /* why not valid; also marks that leave it valid */
    double metric[KL_METRIC_COUNT];           /* SI; 0 where not valid */
    uint32_t metric_reasons[KL_METRIC_COUNT]; /* 0: valid */
    uint8_t metric_marks[KL_METRIC_COUNT];    /* kl_mark; the value is valid all the same */
    enum kl_loading_rule loading_rule;
    double body_weight_n; /* used for this step; 0: not known */
    double speed_m_s;     /* 0: not known */
};

#endif
