/* Sessions made of random bits, for tests: every stream format, plates with awkward numbers, texts
 * that hurt, all of it repeatable from a seed. */
#ifndef KL_TESTS_RANDOM_SESSION_H
#define KL_TESTS_RANDOM_SESSION_H

#include "acquire/session_file.h"
#include "acquire/stream.h"

#define RANDOM_STREAMS 5

struct random_session {
    struct kl_stream stream[RANDOM_STREAMS];
    size_t stream_count;
    struct kl_item *item; /* [item_count], owns what it points to */
    size_t item_count;
};

/** @param streams  1 to RANDOM_STREAMS
 *  @param items, samples_max  how many items, and samples per block */
struct random_session *random_session_create(uint64_t seed, size_t streams, size_t items,
                                             size_t samples_max);
void random_session_destroy(struct random_session *session);

/** Writes it with a mark after every `items_per_flush` items, a step line after each tenth item;
 *  closed or as if the power had gone. @return 0 or a negative status */
int random_session_write(const struct random_session *session, const char *path,
                         size_t items_per_flush, bool closed);

/** Bit for bit; a gap bit on the first sample of `found` is allowed when may_gap. */
bool same_item(const struct random_session *session, const struct kl_item *item,
               const struct kl_item *found, bool may_gap);

/** Field by field, numbers bit for bit. */
bool same_stream(const struct kl_stream *a, const struct kl_stream *b);

/** Reads all of `source` (which it closes) and looks each item up in the session, in order.
 *  @param skip_allowed  items of the session may be missing
 *  @return items found, or -1 when one is not the session's */
long match_items(const struct random_session *session, struct kl_source *source, bool skip_allowed);

/** A new folder in memory or /tmp; and a path in it. */
const char *test_folder(void);
const char *test_path(const char *name);

/** The whole file; *size bytes, freed by the caller. NULL when it cannot be read. */
uint8_t *read_file(const char *path, size_t *size);
void write_file(const char *path, const uint8_t *data, size_t size);

#endif
