// y = (x - mean) / sqrt(mean((x - mean)^2) + eps) * w + b, a row a block; without a bias the mean is not taken off (RMSNorm).
//
//   x  [rows][columns] f32: the residual stream          y  [rows][stride] bfloat16, zeros past the columns
//
// CPU reference: cpu/rms_norm.rs, cpu/layer_norm.rs; within 1e-5 before the rounding to bfloat16 (2^-9 of the value). Reads a row twice or
// three times, from the second-level cache after the first, eight elements of a thread at once: nothing here but waits for memory.
#include "portable.cuh"

struct NormArgs {
    const float *x, *weight, *bias;
    u16 *y;
    u32 columns, stride;
    float eps;
    u32 first;
};

constexpr u32 NORM_THREADS = 1024, NORM_AHEAD = 8;

// A thread's next elements from `first` on, `other` past the columns.
__device__ __forceinline__ void norm_load(float (&v)[NORM_AHEAD], const float *from, u32 first, u32 columns, float other) {
    UNROLL
    for (u32 j = 0; j < NORM_AHEAD; ++j) v[j] = first + NORM_THREADS * j < columns ? from[first + NORM_THREADS * j] : other;
}

extern "C" __global__ void __launch_bounds__(1024) normalise(NormArgs args) {
    SHARED_MEMORY(memory);
    float *scratch = reinterpret_cast<float *>(memory);
    const float *x = args.x + size_t(args.first + blockIdx.x) * args.columns;
    u16 *y = args.y + size_t(blockIdx.x) * args.stride;
    float mean = 0.0f;
    if (args.bias) {
        float sum = 0.0f;
        for (u32 i = threadIdx.x; i < args.columns; i += NORM_AHEAD * NORM_THREADS) {
            float v[NORM_AHEAD];
            norm_load(v, x, i, args.columns, 0.0f);
            UNROLL
            for (u32 j = 0; j < NORM_AHEAD; ++j) sum += v[j];
        }
        mean = block_sum(sum, scratch) / float(args.columns);
    }
    float squares = 0.0f;
    for (u32 i = threadIdx.x; i < args.columns; i += NORM_AHEAD * NORM_THREADS) {
        float v[NORM_AHEAD];
        norm_load(v, x, i, args.columns, mean);
        UNROLL
        for (u32 j = 0; j < NORM_AHEAD; ++j) squares = fmaf(v[j] - mean, v[j] - mean, squares);
    }
    const float factor = 1.0f / sqrtf(block_sum(squares, scratch) / float(args.columns) + args.eps);
    for (u32 i = threadIdx.x; i < args.stride; i += NORM_AHEAD * NORM_THREADS) {
        float v[NORM_AHEAD], weight[NORM_AHEAD], bias[NORM_AHEAD] = {};
        norm_load(v, x, i, args.columns, mean);
        norm_load(weight, args.weight, i, args.columns, 0.0f);
        if (args.bias) norm_load(bias, args.bias, i, args.columns, 0.0f);
        UNROLL
        for (u32 j = 0; j < NORM_AHEAD; ++j)
            if (i + NORM_THREADS * j < args.stride) {
                const float w = (v[j] - mean) * factor * weight[j] + bias[j];
                y[i + NORM_THREADS * j] = float_to_bf16(i + NORM_THREADS * j < args.columns ? w : 0.0f);
            }
    }
}
