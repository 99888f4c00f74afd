#define _GNU_SOURCE
#include "InferenceKernels.h"
#include <sys/mman.h>

void *ik_allocate(size_t bytes) {
    if (bytes == 0) return NULL;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
    // Fewer translations while weights stream; a refusal costs nothing.
    if (bytes >= (size_t)4 << 20) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

void ik_release(void *memory, size_t bytes) {
    if (memory) munmap(memory, bytes);
}
