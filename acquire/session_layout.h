/* Which streams a session file holds, besides those of the devices, and the head that names them.
 *
 *     stream ids   1 .. n               the session's streams, in order
 *                  n + 1 .. n + 5       the string streams below
 *
 *     XDF: | FileHeader | StreamHeaders | boundary | mark 0 | copy of the headers | boundary | mark
 * 1
 *
 * The copy stands in `kneelab.integrity` as one JSON string, so that damage to the head does not
 * cost the session: {"head":{"file":"<xml>","streams":[{"id":1,"xml":"<xml>"},...]}}
 */
#ifndef KL_ACQUIRE_SESSION_LAYOUT_H
#define KL_ACQUIRE_SESSION_LAYOUT_H

#include "acquire/formats/xdf_chunk.h"
#include "acquire/integrity.h"

enum kl_session_role {
    KL_ROLE_EVENTS = 0, /* kneelab.session */
    KL_ROLE_INTEGRITY,
    KL_ROLE_CLOCK,
    KL_ROLE_STEPS,
    KL_ROLE_FLAGS,
    KL_ROLE_COUNT, /* string streams */
    KL_ROLE_DATA = KL_ROLE_COUNT,
};

#define KL_SESSION_ENTRIES_MAX (KL_STREAMS_MAX + KL_ROLE_COUNT)

/** "kneelab.session" ... "kneelab.flags". */
const char *kl_session_role_name(enum kl_session_role role);

/** The stream id a new file gives to a string stream, and to stream `index`. */
static inline uint32_t kl_session_role_id(size_t stream_count, enum kl_session_role role)
{
    return (uint32_t)stream_count + 1 + (uint32_t)role;
}
static inline uint32_t kl_session_data_id(size_t index)
{
    return (uint32_t)index + 1;
}

/** What one stream id of a file means. */
struct kl_session_entry {
    uint32_t id;
    enum kl_session_role role;
    size_t stream; /* KL_ROLE_DATA: index among the session's streams */
    char *xml;     /* its StreamHeader, owned */
};

/** The head of a session file, new or read. Large: not for the stack of a thread. */
struct kl_session_head {
    char *file_xml; /* owned; NULL when it is not known */
    size_t entry_count;
    struct kl_session_entry entry[KL_SESSION_ENTRIES_MAX];
    size_t stream_count;
    struct kl_stream stream[KL_STREAMS_MAX];
    bool from_copy; /* the head itself is damaged */
};

/** The head of a new session. Frees with _destroy. NULL with *fault */
struct kl_session_head *kl_session_head_create(const struct kl_stream *streams, size_t count,
                                               struct kl_fault *fault);

/** Reads the head of a file of ours from its first intact place.
 *  @return NULL with *fault when none is intact (KL_ERR_DATA) or memory is short */
struct kl_session_head *kl_session_head_read(const uint8_t *buf, size_t len, const char *name,
                                             struct kl_fault *fault);

void kl_session_head_destroy(struct kl_session_head *head);

/** Finds a stream id; NULL when the head does not name it. */
const struct kl_session_entry *kl_session_head_find(const struct kl_session_head *head,
                                                    uint32_t id);

/** The id of a string stream; 0 when the head does not name it. */
uint32_t kl_session_head_role(const struct kl_session_head *head, enum kl_session_role role);

/** JSON text of the copy of the headers; freed by the caller. NULL without memory. */
char *kl_session_head_copy_text(const struct kl_session_head *head);

/** Whether a file is one of ours: it has a mark, or its FileHeader says so. */
bool kl_session_is_ours(const uint8_t *buf, size_t len);

/* --------------------------------------------------------------------- walk */

/** Walks the chunks of the intact ranges of a file, in order. */
struct kl_session_walk {
    struct kl_ranges ranges;
    struct kl_range range;
    size_t pos;
    bool inside;          /* of an intact range */
    uint64_t lost_ranges; /* damaged ones passed so far */
};

struct kl_session_walk kl_session_walk_begin(const uint8_t *buf, size_t len);

/** @return false when there is no more. walk->lost_ranges has grown when something was skipped */
bool kl_session_walk_next(struct kl_session_walk *walk, struct kl_xdf_chunk *chunk);

#endif
