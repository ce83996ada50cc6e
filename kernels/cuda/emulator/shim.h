// The kernels' view of the machine when they are compiled as host C++: threads of a block are fibers, warps and barriers are kept to the
// letter, blocks run one after another. What CUDA leaves open is made unkind: fibers run in a chosen order, shared memory starts as NaN, a
// copy that is not waited for has not happened. A lane that misses a collective is reported, not waited for.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__ __restrict

struct dim3 { unsigned x = 1, y = 1, z = 1; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };

namespace emulator {
struct Place { dim3 thread, block, threads, blocks; };
const Place &place();
unsigned char *shared();
void barrier_block();
// Puts `size` bytes of this lane before all lanes of its warp; returns 32 slots of 64 bytes. Valid until this lane's next collective.
const unsigned char *gather(const void *mine, size_t size);
void copy_later(void *to, const void *from);
void commit();
void wait(int left);
void check_aligned(const void *p, size_t to);
// A warpgroup's product (wgmma.cuh), computed when it is waited for: until then c holds what it held, and b is read as it is then. `publish`: what this
// thread has written to shared memory may be read by products behind the next barrier; a product after a barrier that some thread came to without is a fault.
void publish();
void multiply_later(float *c, const unsigned *a, uint64_t b, bool add, bool bytes);
void wait_products();
}  // namespace emulator

#define threadIdx (emulator::place().thread)
#define blockIdx (emulator::place().block)
#define blockDim (emulator::place().threads)
#define gridDim (emulator::place().blocks)
inline void __syncthreads() { emulator::barrier_block(); }
