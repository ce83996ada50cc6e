// What a product's launch says, and the order of its sums; shared by linear.cu, prefill.cu and wide.cu.
#pragma once
#include "portable.cuh"

struct Product {
    const u8 *weights;
    const float *bias;
    void *out;
    u32 format, outputs, stride, tiles;
    float scale;
    u32 add;
};

struct LinearArgs {
    Product parts[3];
    const u16 *x;
    u32 x_stride, chunks, rows, activation;
};

// Runs of chunks that are summed by themselves: linear.cu's warps.
constexpr u32 LINEAR_WARPS = 8;

// Walks the chunks in linear.cu's order.
struct ChunkWalk {
    u32 run, chunk;
    __device__ __forceinline__ void settle(u32 chunks) {
        while (chunk >= chunks && run < LINEAR_WARPS) chunk = ++run;
    }
    __device__ __forceinline__ void next(u32 chunks) {
        chunk += LINEAR_WARPS;
        settle(chunks);
    }
    __device__ __forceinline__ bool done() const { return run >= LINEAR_WARPS; }
};
