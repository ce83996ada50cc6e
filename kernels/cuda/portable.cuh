// What the kernels use of the machine, once for the GPU and once for the host emulator (emulator/shim.h): 16-bit floats as bits, the warp's
// collectives, the tensor cores' product, copies into shared memory. Sums of products are written as fmaf everywhere and the compiler may not
// contract others (-fmad=false), so that what one kernel computes another can compute again, bit for bit.
#pragma once
#ifdef __CUDACC__
#include <cstdint>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
extern __shared__ uint4 shared_words[];
#define SHARED_MEMORY(name) unsigned char *name = reinterpret_cast<unsigned char *>(shared_words)
#define ON_DEVICE 1
#else
#include "emulator/shim.h"
#define SHARED_MEMORY(name) unsigned char *name = emulator::shared()
#define ON_DEVICE 0
#endif

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define UNROLL _Pragma("unroll")
#if !ON_DEVICE
#undef UNROLL
#define UNROLL
#endif

__device__ __forceinline__ float bits_to_float(u32 bits) {
#if ON_DEVICE
    return __uint_as_float(bits);
#else
    float x;
    std::memcpy(&x, &bits, 4);
    return x;
#endif
}
__device__ __forceinline__ u32 float_to_bits(float x) {
#if ON_DEVICE
    return __float_as_uint(x);
#else
    u32 bits;
    std::memcpy(&bits, &x, 4);
    return bits;
#endif
}

// bfloat16 is the upper half of a float.
__device__ __forceinline__ float bf16_to_float(u16 x) { return bits_to_float(u32(x) << 16); }
__device__ __forceinline__ u16 float_to_bf16(float x) {
#if ON_DEVICE
    return __bfloat16_as_ushort(__float2bfloat16_rn(x));
#else
    u32 bits = float_to_bits(x);
    if (x != x) return 0x7fff;
    return u16((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
#endif
}

__device__ __forceinline__ float f16_to_float(u16 x) {
#if ON_DEVICE
    return __half2float(__ushort_as_half(x));
#else
    _Float16 h;
    std::memcpy(&h, &x, 2);
    return float(h);
#endif
}
// To the nearest, and never to infinity: what is stored may be multiplied with a probability of 0.
__device__ __forceinline__ u16 float_to_f16(float x) {
    x = x > 65504.0f ? 65504.0f : (x < -65504.0f ? -65504.0f : x);
#if ON_DEVICE
    return __half_as_ushort(__float2half_rn(x));
#else
    _Float16 h = _Float16(x);
    u16 bits;
    std::memcpy(&bits, &h, 2);
    return bits;
#endif
}
__device__ __forceinline__ u32 pair(u16 low, u16 high) { return u32(low) | u32(high) << 16; }

// Two bfloat16 in a word. Exact where the result is a bfloat16, which is where it is used.
__device__ __forceinline__ u32 bf16_sub2(u32 a, u32 b) {
#if ON_DEVICE
    u32 d;
    // a - b as b * -1 + a: sm_80 has the fused form only.
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(b), "r"(0xbf80bf80u), "r"(a));
    return d;
#else
    return pair(float_to_bf16(bf16_to_float(u16(a)) - bf16_to_float(u16(b))), float_to_bf16(bf16_to_float(u16(a >> 16)) - bf16_to_float(u16(b >> 16))));
#endif
}
__device__ __forceinline__ u32 bf16_mul2(u32 a, u32 b) {
#if ON_DEVICE
    u32 d;
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(0x80008000u));
    return d;
#else
    return pair(float_to_bf16(bf16_to_float(u16(a)) * bf16_to_float(u16(b))), float_to_bf16(bf16_to_float(u16(a >> 16)) * bf16_to_float(u16(b >> 16))));
#endif
}

// Bytes 2i and 2i+1 of a word, each in the low half of a 16-bit lane.
__device__ __forceinline__ u32 spread(u32 word, int upper) {
#if ON_DEVICE
    return __byte_perm(word, 0, upper ? 0x4342 : 0x4140);
#else
    word = upper ? word >> 16 : word;
    return (word & 0xff) | (word & 0xff00) << 8;
#endif
}

__device__ __forceinline__ uint4 load16(const void *p) {
#if !ON_DEVICE
    emulator::check_aligned(p, 16);
#endif
    return *reinterpret_cast<const uint4 *>(p);
}
// Weights: read once, not worth a place in the first-level cache.
__device__ __forceinline__ uint4 load16_once(const void *p) {
#if ON_DEVICE
    uint4 v;
    asm("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(p));
    return v;
#else
    return load16(p);
#endif
}
__device__ __forceinline__ uint2 load8(const void *p) {
#if !ON_DEVICE
    emulator::check_aligned(p, 8);
#endif
    return *reinterpret_cast<const uint2 *>(p);
}
__device__ __forceinline__ u32 load4(const void *p) {
#if !ON_DEVICE
    emulator::check_aligned(p, 4);
#endif
    return *reinterpret_cast<const u32 *>(p);
}

__device__ __forceinline__ float shuffle_xor(float x, int mask) {
#if ON_DEVICE
    return __shfl_xor_sync(0xffffffffu, x, mask);
#else
    const unsigned char *slots = emulator::gather(&x, 4);
    float y;
    std::memcpy(&y, slots + 64 * ((threadIdx.x % 32) ^ unsigned(mask)), 4);
    return y;
#endif
}

__device__ __forceinline__ u32 shuffle_from(u32 x, u32 lane) {
#if ON_DEVICE
    return __shfl_sync(0xffffffffu, x, lane);
#else
    const unsigned char *slots = emulator::gather(&x, 4);
    u32 y;
    std::memcpy(&y, slots + 64 * lane, 4);
    return y;
#endif
}

// Whole numbers in shared memory, by many threads at once.
template <class N>
__device__ __forceinline__ void add_shared(N *sum, N x) {
#if ON_DEVICE
    atomicAdd(sum, x);
#else
    *sum += x;
#endif
}
__device__ __forceinline__ void add_shared(u64 *sum, u32 x) { add_shared(sum, u64(x)); }
// The upper half of a product.
__device__ __forceinline__ u64 high_product(u64 a, u64 b) {
#if ON_DEVICE
    return __umul64hi(a, b);
#else
    return u64((static_cast<unsigned __int128>(a) * b) >> 64);
#endif
}

// 16 bytes from device memory to shared memory, later: commit_copies closes a group, wait_copies<N> waits for all but the last N groups.
__device__ __forceinline__ void copy16(void *shared, const void *global) {
#if ON_DEVICE
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(u32(__cvta_generic_to_shared(shared))), "l"(global) : "memory");
#else
    emulator::check_aligned(shared, 16);
    emulator::check_aligned(global, 16);
    emulator::copy_later(shared, global);
#endif
}
__device__ __forceinline__ void commit_copies() {
#if ON_DEVICE
    asm volatile("cp.async.commit_group;" ::: "memory");
#else
    emulator::commit();
#endif
}
template <int LEFT>
__device__ __forceinline__ void wait_copies() {
#if ON_DEVICE
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
#else
    emulator::wait(LEFT);
#endif
}

// One product of the tensor cores: c (16 x 8, f32) += a (16 x 16) * b (16 x 8), by the 32 lanes of a warp together.
// With lane = 4 g + t: a holds rows g (a[0], a[2]) and g + 8 (a[1], a[3]); b holds column g; c holds (g, 2t), (g, 2t+1), (g+8, 2t), (g+8, 2t+1).
// Along k the lane holds two neighbouring elements in each of two words: which k they are is the caller's choice, as a sum knows no order,
// as long as a and b agree. PTX ISA, "Matrix fragments for mma.m16n8k16".
template <bool F16>
__device__ __forceinline__ void tensor_product(float (&c)[4], const u32 (&a)[4], const u32 (&b)[2]) {
#if ON_DEVICE
    if (F16)
        asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
            : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    else
        asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
            : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    const u32 mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
    const unsigned char *slots = emulator::gather(mine, sizeof mine);
    auto word = [&](unsigned lane, unsigned i) { u32 w; std::memcpy(&w, slots + 64 * lane + 4 * i, 4); return w; };
    auto value = [](u16 bits) { return double(F16 ? f16_to_float(bits) : bf16_to_float(bits)); };
    const unsigned lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    for (unsigned i = 0; i < 4; ++i) {
        const unsigned row = g + 8 * (i / 2), column = 2 * t + i % 2;
        double sum = c[i];
        for (unsigned k = 0; k < 16; ++k) {
            // k = 2t', 2t'+1 lie in the first word of lane t', k = 8 + 2t' and the next in the second.
            const unsigned from = k % 8 / 2, upper = k / 8, half = k % 2;
            const u32 x = word(4 * (row % 8) + from, (row / 8) + 2 * upper), w = word(4 * column + from, 4 + upper);
            sum += value(u16(x >> 16 * half)) * value(u16(w >> 16 * half));
        }
        c[i] = float(sum);
    }
#endif
}

// Sums over a block of whole warps, in one order whatever runs when. `scratch`: a float for each warp and one more.
__device__ __forceinline__ float block_sum(float x, float *scratch) {
    UNROLL
    for (int mask = 16; mask > 0; mask /= 2) x += shuffle_xor(x, mask);
    const u32 warps = blockDim.x / 32;
    if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = x;
    __syncthreads();
    if (threadIdx.x == 0) {
        float sum = 0.0f;
        for (u32 w = 0; w < warps; ++w) sum += scratch[w];
        scratch[warps] = sum;
    }
    __syncthreads();
    x = scratch[warps];
    __syncthreads();
    return x;
}

// The greatest of a block by value, then by the lower id. `shared`: 32 floats and 32 ids.
__device__ __forceinline__ void block_greatest(float &value, u32 &id, float *shared) {
    u32 *ids = reinterpret_cast<u32 *>(shared + 32);
    UNROLL
    for (int mask = 16; mask > 0; mask /= 2) {
        float other = shuffle_xor(value, mask);
        u32 other_id = float_to_bits(shuffle_xor(bits_to_float(id), mask));
        if (other > value || (other == value && other_id < id)) {
            value = other;
            id = other_id;
        }
    }
    if (threadIdx.x % 32 == 0) {
        shared[threadIdx.x / 32] = value;
        ids[threadIdx.x / 32] = id;
    }
    __syncthreads();
    value = shared[0];
    id = ids[0];
    for (u32 w = 1; w < blockDim.x / 32; ++w)
        if (shared[w] > value || (shared[w] == value && ids[w] < id)) {
            value = shared[w];
            id = ids[w];
        }
    __syncthreads();
}
