#ifndef CPAGECHECKSUMS_H
#define CPAGECHECKSUMS_H

#include <stddef.h>
#include <stdint.h>

/// Bytes at the end of each page that hold its checksum: what a file has to reserve.
#define CPAGECHECKSUMS_BYTES 8

/// Makes every file that this process opens with SQLite from here on one whose pages are checked, where the file
/// reserves ``CPAGECHECKSUMS_BYTES`` of each: a page gets its checksum when it is written, and a page whose checksum is
/// wrong is an error when it is read (`SQLITE_CORRUPT`). Files of a user version of 0 are written so, and read without a
/// check: their pages may not have been written through here.
/// - Returns: a code of SQLite's, 0 for success. Call it once.
int cpagechecksums_register(void);

/// Writes the checksum into the last bytes of a page.
/// - Parameter number: of the page, from 1.
void cpagechecksums_put(unsigned char *page, size_t size, uint32_t number);

/// Whether the checksum is that of the page. A page of zeros was never written, and is whole.
int cpagechecksums_is_whole(const unsigned char *page, size_t size, uint32_t number);

/// The page that the last failed read of this thread was about; 0 when there was none since the last call.
uint32_t cpagechecksums_take_damaged_page(void);

/// What SQLite asks for so that a new file reserves the bytes. Does nothing to a file that has pages.
/// - Parameter connection: a `sqlite3 *`.
void cpagechecksums_reserve(void *connection);

/// Whether the log stays as it is when this connection, the last one, is closed; otherwise it is copied and removed.
/// - Parameter connection: a `sqlite3 *`.
void cpagechecksums_keep_log(void *connection, int is_kept);

#endif
