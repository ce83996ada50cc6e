// y = (x - mean) / sqrt(mean((x - mean)^2) + eps) * w + b, a row a block; without a bias the mean is not taken off (RMSNorm).
//
//   x  [rows][columns] f32: the residual stream          y  [rows][stride] bfloat16, zeros past the columns
//
// CPU reference: cpu/rms_norm.rs, cpu/layer_norm.rs; within 1e-5 before the rounding to bfloat16 (2^-9 of the value). Reads a row twice or
// three times, from the second-level cache after the first.
#include "portable.cuh"

struct NormArgs {
    const float *x, *weight, *bias;
    u16 *y;
    u32 columns, stride;
    float eps;
    u32 first;
};

extern "C" __global__ void __launch_bounds__(256) normalise(NormArgs args) {
    SHARED_MEMORY(memory);
    float *scratch = reinterpret_cast<float *>(memory);
    const float *x = args.x + size_t(args.first + blockIdx.x) * args.columns;
    u16 *y = args.y + size_t(blockIdx.x) * args.stride;
    float mean = 0.0f;
    if (args.bias) {
        float sum = 0.0f;
        for (u32 i = threadIdx.x; i < args.columns; i += blockDim.x) sum += x[i];
        mean = block_sum(sum, scratch) / float(args.columns);
    }
    float squares = 0.0f;
    for (u32 i = threadIdx.x; i < args.columns; i += blockDim.x) squares = fmaf(x[i] - mean, x[i] - mean, squares);
    const float factor = 1.0f / sqrtf(block_sum(squares, scratch) / float(args.columns) + args.eps);
    for (u32 i = threadIdx.x; i < args.stride; i += blockDim.x) {
        float v = 0.0f;
        if (i < args.columns) {
            v = (x[i] - mean) * factor * args.weight[i];
            if (args.bias) v += args.bias[i];
        }
        y[i] = float_to_bf16(v);
    }
}
