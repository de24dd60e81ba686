// A disk quota, and a record of syncs. Preloaded, it lets writes to files fail with EDQUOT as long as the file named by
// QUOTA_FILE exists; if it is named, only in the folder QUOTA_FOLDER. A number in the file is how many bytes at the beginning
// of each file still have room. It adds the path of each file and folder that is synced to the file named by SYNC_FILE.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

static int is_elsewhere(int descriptor) {
    const char *folder = getenv("QUOTA_FOLDER");
    char link[64], path[PATH_MAX];
    if (folder == NULL) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX);
    size_t expected = strlen(folder);
    return length <= (ssize_t)expected || memcmp(path, folder, expected) != 0 || path[expected] != '/';
}

// The number in the file; none is 0.
static off64_t room_in(int quota) {
    char text[24];
    ssize_t length = read(quota, text, sizeof text - 1);
    text[length < 0 ? 0 : length] = '\0';
    return atoll(text);
}

static int is_used_up(int descriptor, off64_t end) {
    const char *name = getenv("QUOTA_FILE");
    struct stat status;
    int quota = name == NULL ? -1 : open(name, O_RDONLY | O_CLOEXEC);
    if (quota < 0) return 0;
    off64_t room = room_in(quota);
    close(quota);
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
    // What is written there has its place already: the output of the process.
    if (descriptor <= 2) return 0;
    if (is_elsewhere(descriptor) || end <= room) return 0;
    errno = EDQUOT;
    return 1;
}

static void note_sync(int descriptor) {
    const char *name = getenv("SYNC_FILE");
    char link[64], line[PATH_MAX + 1];
    if (name == NULL) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, line, PATH_MAX);
    int file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (length > 0 && file >= 0) {
        line[length] = '\n';
        (void)!REAL(ssize_t, "write", int, const void *, size_t)(file, line, (size_t)length + 1);
    }
    if (file >= 0) close(file);
}

ssize_t write(int file, const void *bytes, size_t count) {
    off64_t end = lseek64(file, 0, SEEK_CUR) + (off64_t)count;
    return is_used_up(file, end) ? -1 : REAL(ssize_t, "write", int, const void *, size_t)(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
    return is_used_up(file, offset + (off_t)count)
               ? -1
               : REAL(ssize_t, "pwrite", int, const void *, size_t, off_t)(file, bytes, count, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    return is_used_up(file, offset + (off64_t)count)
               ? -1
               : REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t)(file, bytes, count, offset);
}

int fsync(int file) {
    note_sync(file);
    return REAL(int, "fsync", int)(file);
}

int fdatasync(int file) {
    note_sync(file);
    return REAL(int, "fdatasync", int)(file);
}
