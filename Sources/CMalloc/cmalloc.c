#include "cmalloc.h"

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

void cmalloc_give_back(size_t own_memory_bytes, size_t free_bytes_max) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, (int)own_memory_bytes);
    mallopt(M_TRIM_THRESHOLD, (int)free_bytes_max);
#else
    (void)own_memory_bytes;
    (void)free_bytes_max;
#endif
}
