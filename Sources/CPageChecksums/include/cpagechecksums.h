#ifndef CPAGECHECKSUMS_H
#define CPAGECHECKSUMS_H

#include <stddef.h>
#include <stdint.h>

/// Bytes at the end of each page for its checksum; a file has to reserve them.
#define CPAGECHECKSUMS_BYTES 8

/// Turns on checksums for every file that this process opens with SQLite from here on, if the file reserves
/// ``CPAGECHECKSUMS_BYTES`` of each page: a page gets its checksum when it is written, and a page with a wrong checksum
/// is an error when it is read (`SQLITE_CORRUPT`). Files with user version 0 are written with checksums, and read without
/// a check: another program may have written their pages.
/// - Returns: a code of SQLite's, 0 for success. Call it once.
int cpagechecksums_register(void);

/// Writes the checksum into the last bytes of a page.
/// - Parameter number: of the page, from 1.
void cpagechecksums_put(unsigned char *page, size_t size, uint32_t number);

/// Whether the page has the right checksum. A page of zeros was never written, and counts as whole.
int cpagechecksums_is_whole(const unsigned char *page, size_t size, uint32_t number);

/// The page of the last failed read of this thread; 0 when there was none since the last call.
uint32_t cpagechecksums_take_damaged_page(void);

/// Makes a new file reserve the bytes. Does nothing to a file that has pages.
/// - Parameter connection: a `sqlite3 *`.
void cpagechecksums_reserve(void *connection);

/// Whether the log stays as it is when this connection, the last one, is closed; otherwise it is copied and removed.
/// - Parameter connection: a `sqlite3 *`.
void cpagechecksums_keep_log(void *connection, int is_kept);

#endif
