/* The other side of a Trackmaster or Woodway treadmill: it answers questions, and it would move. */
#ifndef KL_TESTS_DEVICES_EMULATE_BELT_QUERY_H
#define KL_TESTS_DEVICES_EMULATE_BELT_QUERY_H

#include "emulator.h"

struct emulate_belt {
    struct emulator emulator; /* first: the link carries it */
    bool woodway;
    int speed;     /* tenths, negative: reverse (Woodway); 0: emulate_belt_speed */
    int elevation; /* tenths of a percent */
    bool moved;    /* something other than a question came: in this project it never may */
    unsigned speeds_asked, elevations_asked;
};

/** Tenths in the k-th answer. */
int emulate_belt_speed(uint64_t k);

void emulate_belt_init(struct emulate_belt *self, bool woodway);

#endif
