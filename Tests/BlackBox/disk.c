// A disk that misbehaves, for the store's files of a server that this is preloaded into. What is asked of it stands in
// the file DISK_CONTROL, as five numbers of four bytes: whether it is full, whether a sync of the log fails, whether one of
// the store fails, whether a sync says that it is done and does nothing, and how many milliseconds each sync takes.
//
// The folder DISK_SHADOW gets what would be there after a power cut: a write reaches it with the next sync of its file, and
// never where that sync fails, as with the page cache of Linux. DISK_JOURNAL gets a line for each write and sync, so that
// a power cut can also let a part of the unsynced data reach the disk.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FULL, FAIL_LOG, FAIL_STORE, LIE, SYNC_MS, NUMBERS };
enum { FILES = 8, DESCRIPTORS = 65536, RANGES = 1 << 20 };

typedef struct {
    char name[256];
    struct { off_t start, end; } *ranges;
    size_t count;
} Tracked;

static Tracked tracked[FILES];
static signed char owner[DESCRIPTORS];
static volatile int32_t *control;
static int journal = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (real == NULL) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int raw_open(const char *path, int flags, mode_t mode) {
    REAL(int, "open", const char *, int, ...);
    return real(path, flags, mode);
}
static ssize_t raw_pwrite(int file, const void *bytes, size_t count, off_t offset) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    return real(file, bytes, count, offset);
}
static ssize_t raw_write(int file, const void *bytes, size_t count) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return real(file, bytes, count);
}
static int raw_ftruncate(int file, off_t size) {
    REAL(int, "ftruncate", int, off_t);
    return real(file, size);
}
static int raw_close(int file) {
    REAL(int, "close", int);
    return real(file);
}

static int asked(int what) { return control == NULL ? 0 : control[what]; }

static void begin(void) {
    const char *name = getenv("DISK_CONTROL");
    if (control != NULL || name == NULL) return;
    int file = raw_open(name, O_RDWR | O_CLOEXEC, 0);
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    raw_close(file);
    if (at == MAP_FAILED) abort();
    journal = raw_open(getenv("DISK_JOURNAL"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    memset(owner, -1, sizeof owner);
    control = at;
}

static void note(char what, const Tracked *file, off_t start, off_t end) {
    char line[400];
    int count = snprintf(line, sizeof line, "%c %s %lld %lld\n", what, file->name, (long long)start, (long long)end);
    if (journal >= 0) (void)!raw_write(journal, line, (size_t)count);
}

static Tracked *of(int file) {
    if (control == NULL || file < 0 || file >= DESCRIPTORS || owner[file] < 0) return NULL;
    return &tracked[(int)owner[file]];
}

// The store, its log, and what stands beside it; not the lock, and not the memory that SQLite shares by a file.
static void opened(int file, const char *path) {
    begin();
    if (control == NULL || file < 0 || file >= DESCRIPTORS) return;
    const char *name = strrchr(path, '/');
    name = name == NULL ? path : name + 1;
    size_t length = strlen(name);
    if (strncmp(name, "ovation.sqlite", 14) != 0 || (length > 4 && strcmp(name + length - 4, "-shm") == 0) ||
        (length > 5 && strcmp(name + length - 5, ".lock") == 0)) return;
    pthread_mutex_lock(&lock);
    for (int at = 0; at < FILES; at++) {
        if (tracked[at].name[0] == 0) {
            strncpy(tracked[at].name, name, sizeof tracked[at].name - 1);
            tracked[at].ranges = malloc(RANGES * sizeof *tracked[at].ranges);
        }
        if (strcmp(tracked[at].name, name) == 0) {
            owner[file] = (signed char)at;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}

static void written(Tracked *file, off_t start, off_t end) {
    pthread_mutex_lock(&lock);
    if (file->count == RANGES) abort();
    // Whole pages of the system's: it writes no less.
    start &= ~(off_t)4095;
    end = (end + 4095) & ~(off_t)4095;
    file->ranges[file->count].start = start;
    file->ranges[file->count].end = end;
    file->count++;
    note('W', file, start, end);
    pthread_mutex_unlock(&lock);
}

static void reach_the_disk(int from, Tracked *file) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("DISK_SHADOW"), file->name);
    int to = raw_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat status;
    fstat(from, &status);
    // Of the descriptor, which may be one that only writes.
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", from);
    int source = raw_open(self, O_RDONLY | O_CLOEXEC, 0);
    static char bytes[1 << 20];
    for (size_t at = 0; at < file->count; at++) {
        off_t start = file->ranges[at].start, end = file->ranges[at].end;
        if (end > status.st_size) end = status.st_size;
        while (start < end) {
            size_t part = end - start < (off_t)sizeof bytes ? (size_t)(end - start) : sizeof bytes;
            ssize_t got = pread(source, bytes, part, start);
            if (got <= 0) break;
            raw_pwrite(to, bytes, (size_t)got, start);
            start += got;
        }
    }
    raw_ftruncate(to, status.st_size);
    raw_close(source);
    raw_close(to);
    file->count = 0;
}

static int synced(int descriptor, int (*real)(int)) {
    Tracked *file = of(descriptor);
    if (file == NULL) return real(descriptor);
    int wait = asked(SYNC_MS);
    if (wait > 0) nanosleep(&(struct timespec){wait / 1000, wait % 1000 * 1000000L}, NULL);
    size_t length = strlen(file->name);
    int is_log = length > 4 && strcmp(file->name + length - 4, "-wal") == 0;
    int is_store = strcmp(file->name, "ovation.sqlite") == 0;
    int result = 0;
    pthread_mutex_lock(&lock);
    if ((is_log && asked(FAIL_LOG)) || (is_store && asked(FAIL_STORE))) {
        note('F', file, 0, 0);
        // The system says it once, and takes what it could not write for written from then on.
        file->count = 0;
        errno = EIO;
        result = -1;
    } else if (!asked(LIE)) {
        reach_the_disk(descriptor, file);
        note('S', file, 0, 0);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static int is_too_much(int descriptor, off_t end) {
    struct stat status;
    return asked(FULL) && fstat(descriptor, &status) == 0 && end > status.st_size;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        int file = raw_open(path, flags, mode); \
        opened(file, path); \
        return file; \
    }
OPEN(open)
OPEN(open64)

int close(int descriptor) {
    if (of(descriptor) != NULL) owner[descriptor] = -1;
    return raw_close(descriptor);
}

static ssize_t put(int descriptor, const void *bytes, size_t count, off_t offset) {
    Tracked *file = of(descriptor);
    if (file != NULL && is_too_much(descriptor, offset + (off_t)count)) {
        errno = ENOSPC;
        return -1;
    }
    ssize_t done = raw_pwrite(descriptor, bytes, count, offset);
    if (file != NULL && done > 0) written(file, offset, offset + done);
    return done;
}
ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    return put(descriptor, bytes, count, offset);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off_t offset) {
    return put(descriptor, bytes, count, offset);
}
ssize_t write(int descriptor, const void *bytes, size_t count) {
    if (of(descriptor) == NULL) return raw_write(descriptor, bytes, count);
    off_t offset = lseek(descriptor, 0, SEEK_CUR);
    ssize_t done = put(descriptor, bytes, count, offset);
    if (done > 0) lseek(descriptor, offset + done, SEEK_SET);
    return done;
}

static int cut(int descriptor, off_t size) {
    if (of(descriptor) != NULL && is_too_much(descriptor, size)) {
        errno = ENOSPC;
        return -1;
    }
    return raw_ftruncate(descriptor, size);
}
int ftruncate(int descriptor, off_t size) { return cut(descriptor, size); }
int ftruncate64(int descriptor, off_t size) { return cut(descriptor, size); }

int fsync(int descriptor) {
    REAL(int, "fsync", int);
    return synced(descriptor, real);
}
int fdatasync(int descriptor) {
    REAL(int, "fdatasync", int);
    return synced(descriptor, real);
}
