#ifndef CMALLOC_H
#define CMALLOC_H

#include <stddef.h>

/// From how many bytes on an allocation is memory of its own, which goes back to the system as soon as it is freed; and
/// how much may lie free at the end of the rest. Does nothing where the C library is not glibc.
void cmalloc_give_back(size_t own_memory_bytes, size_t free_bytes_max);

#endif
