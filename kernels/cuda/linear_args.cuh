// What a product's launch says; shared by linear.cu and prefill.cu.
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
