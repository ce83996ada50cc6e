// What a product's launch says, and the order of its sums; shared by linear.cu, prefill.cu and wide.cu.
#pragma once
#include "activation.cuh"

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

// Leaves what a product gives for an output and a token.
__device__ __forceinline__ void put_product(const Product &part, u32 output, u32 token, float sum) {
    float y = part.scale * sum;
    if (part.bias) y += part.bias[output];
    float *out = reinterpret_cast<float *>(part.out) + size_t(token) * part.stride + output;
    *out = part.add ? y + *out : y;
}
// Of the inner half of an MLP: act(gate) * up.
__device__ __forceinline__ void put_gated(const LinearArgs &args, u32 output, u32 token, float gate, float up) {
    const Product &g = args.parts[0], &u = args.parts[1];
    gate *= g.scale;
    up *= u.scale;
    if (g.bias) gate += g.bias[output];
    if (u.bias) up += u.bias[output];
    reinterpret_cast<u16 *>(g.out)[size_t(token) * g.stride + output] = float_to_bf16(activate(args.activation, gate) * up);
}
