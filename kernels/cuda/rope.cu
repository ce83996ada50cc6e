// Turns queries and keys and stores keys and values: between a layer's first product and its attention. A head of a token a block.
//
//   q  [rows][heads][d] f32 -> [rows][heads][d] f16: (norm), turn, temperature
//   k  [rows][kv_heads][d] f32 -> the cache: (norm), turn               v  [rows][kv_heads][d] f32 -> the cache
//
// The cache of a layer: keys [page][kv_head][64 positions][d], values [page][kv_head][d][64 positions], f16. Frequencies come scaled (YaRN and
// its kin), `magnitude` scales cosines and sines (YaRN's attention factor), the temperature is 1 + beta ln(1 + floor(position / original)).
// CPU reference: cpu/rope.rs, config::Temperature; within 2^-11 (f16), and 1e-3 rad at angles of 1e5 (sinf of an angle rounded to f32).
// Rows past the step's are padding: nothing is stored for them.
#include "step.cuh"

struct RopeArgs {
    const u32 *step;
    const float *q, *k, *v, *q_norm, *k_norm, *frequencies;
    u16 *out, *keys, *values;
    u32 heads, kv_heads, d, pairs, adjacent;
    float magnitude, eps, beta;
    u32 original;
};

extern "C" __global__ void __launch_bounds__(128) rope(RopeArgs args) {
    SHARED_MEMORY(memory);
    float *scratch = reinterpret_cast<float *>(memory), *head = scratch + 8;
    const u32 row = blockIdx.x, d = args.d;
    if (row >= step_rows(args.step)) return;
    const u32 position = step_position(args.step, row);
    const u32 page = step_page(args.step, row, position / PAGE), slot = position % PAGE;
    u32 h = blockIdx.y;
    if (h >= args.heads + args.kv_heads) {
        h -= args.heads + args.kv_heads;
        const float *v = args.v + (size_t(row) * args.kv_heads + h) * d;
        u16 *to = args.values + (size_t(page) * args.kv_heads + h) * d * PAGE + slot;
        for (u32 i = threadIdx.x; i < d; i += blockDim.x) to[size_t(i) * PAGE] = float_to_f16(v[i]);
        return;
    }
    const bool query = h < args.heads;
    if (!query) h -= args.heads;
    const float *x = query ? args.q + (size_t(row) * args.heads + h) * d : args.k + (size_t(row) * args.kv_heads + h) * d;
    const float *weight = query ? args.q_norm : args.k_norm;
    float factor = 1.0f;
    if (weight) {
        float squares = 0.0f;
        for (u32 i = threadIdx.x; i < d; i += blockDim.x) squares = fmaf(x[i], x[i], squares);
        factor = 1.0f / sqrtf(block_sum(squares, scratch) / float(d) + args.eps);
    }
    for (u32 i = threadIdx.x; i < d; i += blockDim.x) head[i] = weight ? x[i] * factor * weight[i] : x[i];
    __syncthreads();
    float temperature = 1.0f;
    if (query && args.original > 0) temperature = fmaf(args.beta, logf(float(1 + position / args.original)), 1.0f);
    u16 *to = query ? args.out + (size_t(row) * args.heads + h) * d : args.keys + ((size_t(page) * args.kv_heads + h) * PAGE + slot) * d;
    for (u32 i = threadIdx.x; i < d; i += blockDim.x) {
        float y = head[i];
        if (i < 2 * args.pairs) {
            const u32 pair = args.adjacent ? i / 2 : i % args.pairs;
            const bool second = args.adjacent ? i % 2 == 1 : i >= args.pairs;
            const float a = head[args.adjacent ? 2 * pair : pair], b = head[args.adjacent ? 2 * pair + 1 : pair + args.pairs];
            const float angle = float(position) * args.frequencies[pair];
            const float c = cosf(angle) * args.magnitude, s = sinf(angle) * args.magnitude;
            y = second ? fmaf(a, s, b * c) : fmaf(a, c, -(b * s));
        }
        to[i] = float_to_f16(y * temperature);
    }
}
