// The sums of a tile of 16 outputs for up to 64 tokens, by a block of 8 warps: linear.cu's and experts.cu's. See linear.cu for the order.
#pragma once
#include "format.cuh"
#include "linear_args.cuh"

// Which row of the inputs a block's row is: its own, or as a table says.
struct Neighbours {
    __device__ __forceinline__ u32 operator()(u32 row) const { return row; }
};
struct Listed {
    const u32 *rows;
    u32 divisor;
    __device__ __forceinline__ u32 operator()(u32 row) const { return rows[row] / divisor; }
};

// The inputs of products 2 h and 2 h + 1 of a chunk; rows that are not there are zeros.
template <int NT, class Rows>
__device__ __forceinline__ void load_inputs(Inputs<NT> &in, const u16 *x, Rows at, u32 stride, u32 rows, u32 chunk, int h, u32 lane) {
    UNROLL
    for (int j = 0; j < 2; ++j)
        UNROLL
        for (int n = 0; n < NT; ++n) {
            u32 row = 8 * n + lane / 4;
            uint2 v = {0, 0};
            if (row < rows) v = load8(x + size_t(at(row)) * stride + 64 * chunk + 32 * h + 16 * j + 4 * (lane % 4));
            in.b[j][n][0] = v.x;
            in.b[j][n][1] = v.y;
        }
}

template <class F, int NT, class Rows>
__device__ __forceinline__ void tile_sums(float (&sums)[NT][4], const u8 *tile, const u16 *x, Rows at, u32 stride, u32 rows, u32 chunks) {
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    UNROLL
    for (int n = 0; n < NT; ++n)
        UNROLL
        for (int i = 0; i < 4; ++i) sums[n][i] = 0.0f;
    // Chunks on their way while one is multiplied: enough bytes in flight to fill the memory's latency.
    constexpr u32 AHEAD = F::CHUNK > 1500 || NT == 8 ? 2 : 4;
    Raw raw[AHEAD];
    UNROLL
    for (u32 i = 0; i < AHEAD; ++i) {
        u32 chunk = warp + LINEAR_WARPS * i;
        if (chunk < chunks) F::template load<FromDevice>(raw[i], tile + size_t(chunk / F::CHUNKS) * F::UNIT, chunk % F::CHUNKS, lane);
    }
    for (u32 start = warp; start < chunks; start += LINEAR_WARPS * AHEAD) {
        UNROLL
        for (u32 i = 0; i < AHEAD; ++i) {
            u32 chunk = start + LINEAR_WARPS * i;
            if (chunk < chunks) {
                UNROLL
                for (int h = 0; h < 2; ++h) {
                    Inputs<NT> in;
                    load_inputs<NT>(in, x, at, stride, rows, chunk, h, lane);
                    add_half<F, NT>(sums, raw[i], h, in);
                }
                u32 next = chunk + LINEAR_WARPS * AHEAD;
                if (next < chunks) F::template load<FromDevice>(raw[i], tile + size_t(next / F::CHUNKS) * F::UNIT, next % F::CHUNKS, lane);
            }
        }
    }
}

// Leaves each warp's sums in shared memory: [warp][n][i][lane].
template <int NT>
__device__ __forceinline__ void leave(float *shared, const float (&sums)[NT][4]) {
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    UNROLL
    for (int n = 0; n < NT; ++n)
        UNROLL
        for (int i = 0; i < 4; ++i) shared[((warp * NT + n) * 4 + i) * 32 + lane] = sums[n][i];
}

// The whole sum of one output.
template <int NT>
__device__ __forceinline__ float whole(const float *shared, u32 element) {
    float sum = shared[element];
    for (u32 w = 1; w < LINEAR_WARPS; ++w) sum += shared[w * NT * 128 + element];
    return sum;
}

// Which output and token an element of [n][i][lane] is.
__device__ __forceinline__ u32 element_output(u32 element) { return element % 32 / 4 + 8 * (element / 64 % 2); }
__device__ __forceinline__ u32 element_token(u32 element) { return element / 128 * 8 + 2 * (element % 4) + element / 32 % 2; }
