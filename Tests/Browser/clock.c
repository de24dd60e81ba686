// The time of day as the pictures of the README need it: the server lives through an hour in seconds. Preloaded, it
// adds as many seconds as the file named by CLOCK_FILE says. Everything else of the clock stays as it is.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t id, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, time);
    const char *name = getenv("CLOCK_FILE");
    if (result != 0 || id != CLOCK_REALTIME || name == NULL) return result;
    FILE *file = fopen(name, "r");
    long seconds = 0;
    if (file != NULL && fscanf(file, "%ld", &seconds) == 1) time->tv_sec += seconds;
    if (file != NULL) fclose(file);
    return result;
}
