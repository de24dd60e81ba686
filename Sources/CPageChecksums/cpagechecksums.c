#include "cpagechecksums.h"

#include <sqlite3.h>
#include <string.h>

// A layer between SQLite and the file system of SQLite's own (a "VFS shim"). Only the database itself goes through it:
// the log has checksums of SQLite's, and temporary files end with the process.

typedef struct {
    sqlite3_file base;
    // 0: the file reserves no bytes for checksums.
    uint32_t page_size;
    int is_checked;
    // The file of the layer below follows.
} File;

static sqlite3_vfs *below;
static sqlite3_vfs layer;
static sqlite3_io_methods methods;
static _Thread_local uint32_t damaged_page;

static sqlite3_file *real(sqlite3_file *file) { return (sqlite3_file *)((File *)file + 1); }

// MARK: - Checksums

// So that a file can move to a machine with another order of bytes.
static uint64_t little_endian(uint64_t value) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static uint64_t word(const unsigned char *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return little_endian(value);
}

// Each step is a bijection of the lane for a given word, so one word that is wrong always shows. Four lanes, since a
// multiplication takes longer than the wait for the next word.
static const uint64_t factor = 0x9FB21C651E98DF25u;

static uint64_t step(uint64_t lane, uint64_t value) {
    lane = (lane ^ value) * factor;
    return lane ^ (lane >> 32);
}

// The number is part of it: a page in another one's place is wrong too.
static uint64_t checksum(const unsigned char *page, size_t size, uint32_t number) {
    const size_t end = size - CPAGECHECKSUMS_BYTES;
    uint64_t lanes[4] = {number, ~(uint64_t)number, 0x6A09E667F3BCC908u, 0xBB67AE8584CAA73Bu};
    size_t at = 0;
    for (; at + 32 <= end; at += 32) {
        for (int lane = 0; lane < 4; lane++) lanes[lane] = step(lanes[lane], word(page + at + 8 * lane));
    }
    for (; at + 8 <= end; at += 8) lanes[0] = step(lanes[0], word(page + at));
    uint64_t sum = lanes[0];
    for (int lane = 1; lane < 4; lane++) sum = step(sum, lanes[lane]);
    return sum;
}

static int is_blank(const unsigned char *page, size_t size) {
    return page[0] == 0 && memcmp(page, page + 1, size - 1) == 0;
}

void cpagechecksums_put(unsigned char *page, size_t size, uint32_t number) {
    uint64_t sum = little_endian(checksum(page, size, number));
    memcpy(page + size - CPAGECHECKSUMS_BYTES, &sum, sizeof sum);
}

int cpagechecksums_is_whole(const unsigned char *page, size_t size, uint32_t number) {
    return word(page + size - CPAGECHECKSUMS_BYTES) == checksum(page, size, number) || is_blank(page, size);
}

uint32_t cpagechecksums_take_damaged_page(void) {
    uint32_t page = damaged_page;
    damaged_page = 0;
    return page;
}

// MARK: - The layer

// What the beginning of the file says of its pages: https://sqlite.org/fileformat2.html#the_database_header
static void learn(File *file, const unsigned char *header) {
    if (memcmp(header, "SQLite format 3", 16) != 0 || header[20] != CPAGECHECKSUMS_BYTES) {
        file->page_size = 0;
        file->is_checked = 0;
        return;
    }
    uint32_t size = (uint32_t)header[16] << 8 | header[17];
    file->page_size = size == 1 ? 65536 : size;
    file->is_checked = (header[60] | header[61] | header[62] | header[63]) != 0;
}

static int is_page(const File *file, int amount, sqlite3_int64 offset) {
    return file->page_size >= 512 && (uint32_t)amount == file->page_size && offset % amount == 0;
}

static int layer_read(sqlite3_file *base, void *bytes, int amount, sqlite3_int64 offset) {
    File *file = (File *)base;
    int code = real(base)->pMethods->xRead(real(base), bytes, amount, offset);
    if (code != SQLITE_OK) return code;
    // What is known of the file counts first: the byte that turns the check off may be the one that is wrong.
    int is_checked = file->is_checked && is_page(file, amount, offset);
    if (!is_checked) {
        if (offset == 0 && amount >= 100) learn(file, bytes);
        if (!file->is_checked || !is_page(file, amount, offset)) return SQLITE_OK;
    }
    uint32_t number = (uint32_t)(offset / amount) + 1;
    if (cpagechecksums_is_whole(bytes, (size_t)amount, number)) {
        if (offset == 0) learn(file, bytes);
        return SQLITE_OK;
    }
    damaged_page = number;
    sqlite3_log(SQLITE_CORRUPT, "the checksum of page %u is wrong", number);
    return SQLITE_CORRUPT;
}

static int layer_write(sqlite3_file *base, const void *bytes, int amount, sqlite3_int64 offset) {
    File *file = (File *)base;
    if (offset == 0 && amount >= 100) learn(file, bytes);
    // Into SQLite's own bytes: SQLite ignores the reserved ones, and a copy of each page would cost more than its checksum.
    if (is_page(file, amount, offset)) {
        cpagechecksums_put((unsigned char *)bytes, (size_t)amount, (uint32_t)(offset / amount) + 1);
    }
    return real(base)->pMethods->xWrite(real(base), bytes, amount, offset);
}

static int layer_close(sqlite3_file *file) { return real(file)->pMethods->xClose(real(file)); }
static int layer_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return real(file)->pMethods->xTruncate(real(file), size);
}
static int layer_sync(sqlite3_file *file, int flags) { return real(file)->pMethods->xSync(real(file), flags); }
static int layer_size(sqlite3_file *file, sqlite3_int64 *size) {
    return real(file)->pMethods->xFileSize(real(file), size);
}
static int layer_lock(sqlite3_file *file, int lock) { return real(file)->pMethods->xLock(real(file), lock); }
static int layer_unlock(sqlite3_file *file, int lock) { return real(file)->pMethods->xUnlock(real(file), lock); }
static int layer_check_lock(sqlite3_file *file, int *result) {
    return real(file)->pMethods->xCheckReservedLock(real(file), result);
}
static int layer_control(sqlite3_file *file, int verb, void *argument) {
    return real(file)->pMethods->xFileControl(real(file), verb, argument);
}
static int layer_sector_size(sqlite3_file *file) { return real(file)->pMethods->xSectorSize(real(file)); }
static int layer_traits(sqlite3_file *file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }
static int layer_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **at) {
    return real(file)->pMethods->xShmMap(real(file), region, size, extend, at);
}
static int layer_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
static void layer_shm_barrier(sqlite3_file *file) { real(file)->pMethods->xShmBarrier(real(file)); }
static int layer_shm_unmap(sqlite3_file *file, int remove) {
    return real(file)->pMethods->xShmUnmap(real(file), remove);
}

static int layer_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out_flags) {
    (void)vfs;
    if ((flags & SQLITE_OPEN_MAIN_DB) == 0) return below->xOpen(below, name, base, flags, out_flags);
    File *file = (File *)base;
    memset(file, 0, sizeof *file);
    int code = below->xOpen(below, name, real(base), flags, out_flags);
    // SQLite closes what has methods, even after a failure.
    if (real(base)->pMethods != NULL) base->pMethods = &methods;
    return code;
}

int cpagechecksums_register(void) {
    below = sqlite3_vfs_find(NULL);
    if (below == NULL) return SQLITE_ERROR;
    layer = *below;
    layer.pNext = NULL;
    layer.zName = "ovation";
    layer.szOsFile = (int)sizeof(File) + below->szOsFile;
    layer.xOpen = layer_open;
    methods = (sqlite3_io_methods){
        // 2 is shared memory, which the log needs; 3 would be pages mapped from the file, which this layer could not check.
        .iVersion = 2,
        .xClose = layer_close,
        .xRead = layer_read,
        .xWrite = layer_write,
        .xTruncate = layer_truncate,
        .xSync = layer_sync,
        .xFileSize = layer_size,
        .xLock = layer_lock,
        .xUnlock = layer_unlock,
        .xCheckReservedLock = layer_check_lock,
        .xFileControl = layer_control,
        .xSectorSize = layer_sector_size,
        .xDeviceCharacteristics = layer_traits,
        .xShmMap = layer_shm_map,
        .xShmLock = layer_shm_lock,
        .xShmBarrier = layer_shm_barrier,
        .xShmUnmap = layer_shm_unmap,
    };
    return sqlite3_vfs_register(&layer, 1);
}

void cpagechecksums_reserve(void *connection) {
    int bytes = CPAGECHECKSUMS_BYTES;
    sqlite3_file_control(connection, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes);
}

void cpagechecksums_keep_log(void *connection, int is_kept) {
    sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, is_kept, NULL);
}
