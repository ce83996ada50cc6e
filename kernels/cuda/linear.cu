// y[m][n] = scale * sum over k of x[m][k] * w[n][k] (+ bias[n]) (+ what is there): up to three matrices of one input in one launch (Q, K and V),
// for 1 to 64 tokens a block; and the inner half of an MLP, act(gate x) * (up x), with both sums in registers.
//
//   x    [rows][x_stride] bfloat16, columns padded with zeros to whole chunks
//   w    tiles (format.cuh)
//   out  [rows][stride] f32, or bfloat16 where another product follows
//
// One block of 8 warps has one tile of 16 outputs; warp w takes the chunks w, w + 8, ..., and the eight sums are added in that order. This does
// not depend on the number of tokens, and prefill.cu computes the same sums: the same bits at 1 token and at 512.
// Reads every weight once for each 64 tokens. CPU reference: cpu/linear.rs, cpu/gated.rs over the same inputs rounded to bfloat16; the tests
// hold it to f64 sums of exactly these inputs, within 1e-5 of the sum of magnitudes (2e-3 where the output is rounded to bfloat16).
#include "tile_sums.cuh"

template <int NT>
__device__ __forceinline__ void linear(const LinearArgs &args) {
    SHARED_MEMORY(memory);
    float *shared = reinterpret_cast<float *>(memory);
    u32 tile = blockIdx.y, p = 0;
    while (tile >= args.parts[p].tiles) tile -= args.parts[p++].tiles;
    const Product &part = args.parts[p];
    const u32 first = blockIdx.x * 8 * NT, rows = args.rows - first < 8 * NT ? args.rows - first : 8 * NT;
    const u16 *x = args.x + size_t(first) * args.x_stride;
    float sums[NT][4];
    WITH_FORMAT(part.format, F, tile_sums<F, NT>(sums, part.weights + tile * tile_bytes<F>(args.chunks), x, Neighbours{}, args.x_stride, rows, args.chunks));
    leave<NT>(shared, sums);
    __syncthreads();
    for (u32 e = threadIdx.x; e < NT * 128; e += blockDim.x) {
        u32 output = 16 * tile + element_output(e), token = element_token(e);
        if (output >= part.outputs || token >= rows) continue;
        put_product(part, output, first + token, whole<NT>(shared, e));
    }
}

// parts[0]: gate, parts[1]: up; without weights in parts[1], act(gate x) alone.
template <int NT>
__device__ __forceinline__ void gated(const LinearArgs &args) {
    SHARED_MEMORY(memory);
    float *shared = reinterpret_cast<float *>(memory);
    const u32 tile = blockIdx.y;
    const u32 first = blockIdx.x * 8 * NT, rows = args.rows - first < 8 * NT ? args.rows - first : 8 * NT;
    const u16 *x = args.x + size_t(first) * args.x_stride;
    const bool two = args.parts[1].weights != nullptr;
    // Thread by thread: at most NT * 128 / 256 outputs, kept while the other matrix is multiplied.
    float gate[(NT + 1) / 2] = {};
    for (u32 p = 0; p < (two ? 2 : 1); ++p) {
        const Product &part = args.parts[p];
        float sums[NT][4];
        WITH_FORMAT(part.format, F, tile_sums<F, NT>(sums, part.weights + tile * tile_bytes<F>(args.chunks), x, Neighbours{}, args.x_stride, rows, args.chunks));
        __syncthreads();
        leave<NT>(shared, sums);
        __syncthreads();
        UNROLL
        for (u32 s = 0; s < (NT + 1) / 2; ++s) {
            u32 e = threadIdx.x + 256 * s;
            if (e >= NT * 128) continue;
            u32 output = 16 * tile + element_output(e), token = element_token(e);
            if (output >= part.outputs || token >= rows) continue;
            float y = part.scale * whole<NT>(shared, e);
            if (part.bias) y += part.bias[output];
            y = p == 0 ? activate(args.activation, y) : gate[s] * y;
            gate[s] = y;
            if (p + 1 == (two ? 2 : 1)) reinterpret_cast<u16 *>(args.parts[0].out)[size_t(first + token) * args.parts[0].stride + output] = float_to_bf16(y);
        }
    }
}

#define LINEAR(NT)                                                                                                    \
    extern "C" __global__ void __launch_bounds__(256) linear_##NT(LinearArgs args) { linear<NT>(args); }              \
    extern "C" __global__ void __launch_bounds__(256) gated_##NT(LinearArgs args) { gated<NT>(args); }
LINEAR(1)
LINEAR(2)
LINEAR(4)
LINEAR(8)
