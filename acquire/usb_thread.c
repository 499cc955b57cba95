#include "acquire/usb_thread.h"

#include <libusb-1.0/libusb.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

/* Guarded by `lock`, but for `stop`: written by the last to leave, read by the thread. */
static struct {
    pthread_mutex_t lock;
    unsigned shares;
    libusb_context *context;
    pthread_t thread;
    atomic_bool stop;
} usb = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *run(void *arg)
{
    libusb_context *context = arg;
    while (!atomic_load_explicit(&usb.stop, memory_order_acquire)) {
        struct timeval wait = {.tv_usec = 100000};
        (void)libusb_handle_events_timeout_completed(context, &wait, NULL);
    }
    return NULL;
}

static int begin(struct kl_fault *fault)
{
    int error = libusb_init(&usb.context);
    if (error != 0) {
        return kl_fault(fault, KL_ERR_IO, "USB cannot be used: %s", libusb_strerror(error));
    }
    atomic_store_explicit(&usb.stop, false, memory_order_relaxed);
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    error = pthread_create(&usb.thread, NULL, run, usb.context);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        libusb_exit(usb.context);
        return kl_fault(fault, KL_ERR_IO, "the system gave no thread for USB: %s", strerror(error));
    }
    return KL_OK;
}

int kl_usb_thread_join(struct libusb_context **out, struct kl_fault *fault)
{
    (void)pthread_mutex_lock(&usb.lock);
    int status = usb.shares == 0 ? begin(fault) : KL_OK;
    if (status == KL_OK) {
        usb.shares++;
        *out = usb.context;
    }
    (void)pthread_mutex_unlock(&usb.lock);
    return status;
}

void kl_usb_thread_leave(void)
{
    (void)pthread_mutex_lock(&usb.lock);
    if (--usb.shares == 0) {
        atomic_store_explicit(&usb.stop, true, memory_order_release);
        libusb_interrupt_event_handler(usb.context);
        (void)pthread_join(usb.thread, NULL);
        libusb_exit(usb.context);
        usb.context = NULL;
    }
    (void)pthread_mutex_unlock(&usb.lock);
}
