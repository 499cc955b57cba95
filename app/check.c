/* kneelab check LAB.yaml: is this lab file right, what would it stream, and is it all there? */
#include "app/arguments.h"
#include "app/lab.h"
#include "app/verbs.h"

#include <stdio.h>
#include <stdlib.h>

static int print_streams(const struct kl_lab_device *device, struct kl_fault *fault)
{
    void *state = calloc(1, device->driver->state_size > 0 ? device->driver->state_size : 1);
    struct kl_stream *stream = calloc(KL_STREAMS_MAX, sizeof(*stream));
    int count = KL_ERR_MEM;
    if (state != NULL && stream != NULL) {
        count = device->driver->configure(state, kl_lab_device_config(device), stream,
                                          KL_STREAMS_MAX, fault);
    }
    for (int i = 0; i < count; i++) {
        (void)printf("  %-20s %-10s %zu channels at %g Hz\n", stream[i].name,
                     kl_kind_text(stream[i].kind), stream[i].channel_count, stream[i].rate_hz);
    }
    if (count >= 0 && device->driver->release != NULL) {
        device->driver->release(state);
    }
    free(state);
    free(stream);
    return count < 0 ? count : KL_OK;
}

/* Is it plugged in, may it be opened, is it what the lab file says? */
static int look_for(const struct kl_lab_device *device, struct kl_fault *fault)
{
    struct kl_link_found found = {.where = ""};
    struct kl_link *link = NULL;
    char identity[160] = "";
    if (device->driver->generate != NULL) {
        return KL_OK;
    }
    int status = kl_link_open(device->name, device->driver, &device->choice, &found, &link, fault);
    if (status == KL_OK && device->driver->identify != NULL) {
        status =
            kl_link_identify(link, device->driver, device->choice.baud, identity, sizeof(identity));
        if (status < 0) {
            (void)kl_fault(
                fault, status,
                "device %s: what is at %s does not answer as a %s: %s; another cable, or "
                "another speed (`baud`)?",
                device->name, found.where, device->driver->label, kl_status_text(status));
        }
    }
    kl_link_close(link);
    if (status >= 0) {
        (void)printf("  found at %s%s%s\n", found.where, identity[0] != '\0' ? ": " : "", identity);
    }
    return status < 0 ? status : KL_OK;
}

/* Devices one by one, then together: no two of them may give the same stream. */
static int check_devices(const struct kl_lab *lab, size_t *absent, struct kl_fault *fault)
{
    int status = KL_OK;
    for (size_t i = 0; status == KL_OK && i < lab->device_count; i++) {
        (void)printf("%s (%s)\n", lab->device[i].name, lab->device[i].driver->label);
        status = print_streams(&lab->device[i], fault);
        if (status == KL_OK && look_for(&lab->device[i], fault) != KL_OK) {
            (void)fflush(stdout);
            kl_complain("check", "%s", fault->text);
            (*absent)++;
        }
    }
    if (status != KL_OK) {
        return status;
    }
    struct kl_hub *hub = kl_hub_create();
    status = hub != NULL ? kl_lab_plug(lab, hub, fault) : KL_ERR_MEM;
    kl_hub_destroy(hub);
    return status;
}

int kl_verb_check(int argc, char **argv)
{
    const struct kl_arguments arguments = {
        .verb = "check",
        .operands = "LAB.yaml",
        .summary =
            "Reads a lab file and the flag table it names, says what is wrong with line and\n"
            "cure, what the devices would stream, and whether they are plugged in.",
        .operand_min = 1,
        .operand_max = 1,
    };
    int answer = kl_arguments_read(&arguments, argc, argv);
    if (answer < 0) {
        return kl_arguments_exit(answer);
    }
    struct kl_fault fault = {{0}};
    struct kl_lab *lab = calloc(1, sizeof(*lab));
    if (lab == NULL) {
        return KL_EXIT_SHORT;
    }
    size_t absent = 0;
    int status = kl_lab_load(argv[0], lab, &fault);
    if (status == KL_OK) {
        status = check_devices(lab, &absent, &fault);
    }
    struct kl_hub *hub = kl_hub_create();
    if (status == KL_OK) { /* do the devices get along? */
        status = hub != NULL ? kl_lab_plug(lab, hub, &fault) : KL_ERR_MEM;
    }
    kl_hub_destroy(hub);
    if (status == KL_OK) {
        (void)printf("flags: %zu rules from %s%s\n%s is right%s\n", lab->flags.count,
                     lab->flags_path, lab->flags.timing.demo ? " (demo timing)" : "", argv[0],
                     absent > 0 ? ", but not everything is there" : "");
    } else {
        kl_complain("check", "%s", fault.text);
    }
    kl_lab_free(lab);
    free(lab);
    return status == KL_OK && absent == 0 ? KL_EXIT_OK : KL_EXIT_SHORT;
}
