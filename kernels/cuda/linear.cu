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
#include "format.cuh"
#include "activation.cuh"
#include "linear_args.cuh"

// The inputs of products 2 h and 2 h + 1 of a chunk; rows that are not there are zeros.
template <int NT>
__device__ __forceinline__ void load_inputs(Inputs<NT> &in, const u16 *x, u32 stride, u32 rows, u32 chunk, int h, u32 lane) {
    UNROLL
    for (int j = 0; j < 2; ++j)
        UNROLL
        for (int n = 0; n < NT; ++n) {
            u32 row = 8 * n + lane / 4;
            uint2 v = {0, 0};
            if (row < rows) v = load8(x + size_t(row) * stride + 64 * chunk + 32 * h + 16 * j + 4 * (lane % 4));
            in.b[j][n][0] = v.x;
            in.b[j][n][1] = v.y;
        }
}

template <class F, int NT>
__device__ __forceinline__ void tile_sums(float (&sums)[NT][4], const u8 *tile, const u16 *x, u32 stride, u32 rows, u32 chunks) {
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
                    load_inputs<NT>(in, x, stride, rows, chunk, h, lane);
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
    WITH_FORMAT(part.format, F, tile_sums<F, NT>(sums, part.weights + tile * tile_bytes<F>(args.chunks), x, args.x_stride, rows, args.chunks));
    leave<NT>(shared, sums);
    __syncthreads();
    for (u32 e = threadIdx.x; e < NT * 128; e += blockDim.x) {
        u32 output = 16 * tile + element_output(e), token = element_token(e);
        if (output >= part.outputs || token >= rows) continue;
        float y = part.scale * whole<NT>(shared, e);
        if (part.bias) y += part.bias[output];
        float *out = reinterpret_cast<float *>(part.out) + size_t(first + token) * part.stride + output;
        *out = part.add ? y + *out : y;
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
        WITH_FORMAT(part.format, F, tile_sums<F, NT>(sums, part.weights + tile * tile_bytes<F>(args.chunks), x, args.x_stride, rows, args.chunks));
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
