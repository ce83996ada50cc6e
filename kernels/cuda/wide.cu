// linear.cu's products for many tokens, by Hopper's asynchronous products: weights in bfloat16 and in 8-bit floats. Compiled for sm_90a alone.
//
// A block has 128 outputs (gated: 64 of each matrix) and 256 tokens; each of its two warpgroups 64 of the outputs. Weights go from device memory to
// registers, where they are widened in the order in which they lie (format.cuh): a warp's tile is its 16 rows of the first operand. Inputs go through
// two stages of shared memory. A lane owns four neighbouring columns where the product of bfloat16 wants pairs eight apart: of each 16 columns the pairs
// 0 2 4 6 1 3 5 7 follow each other in shared memory, so that both sides agree. Inputs rounded to 8-bit floats (round_inputs.cu) are multiplied as bytes
// with weights of 8-bit floats: half the products, half the bytes, and a lane's columns are what the product wants.
// Chunks come in linear.cu's order; after each of its runs the sums go to the total, which lies in shared memory, each thread's own part.
// What is not linear.cu's is the order within 16 columns: that is the hardware's, here and there. The engine therefore compares both when it starts
// and goes without this file where they differ (engine/backend/cuda.rs, `prove`).
// Shapes and reference as in linear.cu.
#include "format.cuh"
#include "linear_args.cuh"
#include "wgmma.cuh"

constexpr u32 WIDE_STAGES = 2;

// How inputs come: bytes of a row's 64 columns, units of 16 bytes of a quarter of these, products of a chunk.
struct WideBf16 {
    static constexpr u32 ROW = 128, UNITS = 2, PRODUCTS = 4;
    static __device__ __forceinline__ void put(u8 *row, u32 number, u32 quarter, const uint4 (&v)[UNITS]) {
        *reinterpret_cast<uint4 *>(row + ((2 * quarter ^ number % 8) << 4)) = {v[0].x, v[0].z, v[1].x, v[1].z};
        *reinterpret_cast<uint4 *>(row + (((2 * quarter + 1) ^ number % 8) << 4)) = {v[0].y, v[0].w, v[1].y, v[1].w};
    }
    template <class F>
    static __device__ __forceinline__ void fragment(const Raw &raw, int j, u32 (&a)[4]) { F::fragment(raw, j, a); }
    static __device__ __forceinline__ void multiply(float (&c)[128], const u32 (&a)[4], u64 b, bool add) { wide_product(c, a, b, add); }
};
struct WideBytes {
    static constexpr u32 ROW = 64, UNITS = 1, PRODUCTS = 2;
    static __device__ __forceinline__ void put(u8 *row, u32 number, u32 quarter, const uint4 (&v)[UNITS]) {
        *reinterpret_cast<uint4 *>(row + ((quarter ^ number / 2 % 4) << 4)) = v[0];
    }
    // The words as they lie: of rows g and g + 8, 16 columns and the next 16.
    template <class F>
    static __device__ __forceinline__ void fragment(const Raw &raw, int j, u32 (&a)[4]) {
        UNROLL
        for (int i = 0; i < 4; ++i) a[i] = word_of(raw.words[i % 2], 2 * j + i / 2);
    }
    static __device__ __forceinline__ void multiply(float (&c)[128], const u32 (&a)[4], u64 b, bool add) { wide_product_of_bytes(c, a, b, add); }
};

template <class In, class F, bool GATED>
__device__ __forceinline__ void wide(const LinearArgs &args) {
    SHARED_MEMORY(memory);
    // To a multiple of 1024.
    u8 *stages = memory + (1024 - wide_address(memory) % 1024) % 1024;
    constexpr u32 STAGE = WIDE_COLUMNS * In::ROW;
    float *totals = reinterpret_cast<float *>(stages + WIDE_STAGES * STAGE);
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
    const u32 first = blockIdx.x * WIDE_COLUMNS, rows = args.rows - first < WIDE_COLUMNS ? args.rows - first : WIDE_COLUMNS;
    const u32 tiles = args.parts[0].tiles, tile = GATED ? 4 * blockIdx.y + warp % 4 : 8 * blockIdx.y + warp;
    const u8 *weights = args.parts[GATED ? warp / 4 : 0].weights + (tile < tiles ? tile : tiles - 1) * tile_bytes<F>(args.chunks);

    // Four times 16 columns of a row, which are one row's at four lanes. A row of bytes is at the beginning of one of bfloat16.
    uint4 inputs[4][In::UNITS];
    auto fetch = [&](u32 chunk) {
        UNROLL
        for (u32 k = 0; k < 4; ++k) {
            const u32 row = threadIdx.x / 4 + 64 * k, from = row < rows ? row : rows - 1;
            const u8 *x = reinterpret_cast<const u8 *>(args.x + size_t(first + from) * args.x_stride) + In::ROW * chunk + 16 * In::UNITS * (threadIdx.x % 4);
            UNROLL
            for (u32 i = 0; i < In::UNITS; ++i) inputs[k][i] = load16(x + 16 * i);
        }
    };
    auto put = [&](u32 stage) {
        UNROLL
        for (u32 k = 0; k < 4; ++k) {
            const u32 row = threadIdx.x / 4 + 64 * k;
            In::put(stages + stage * STAGE + row * In::ROW, row, threadIdx.x % 4, inputs[k]);
        }
    };
    Raw raw;
    auto bring = [&](u32 chunk) { F::template load<FromDevice>(raw, weights + size_t(chunk / F::CHUNKS) * F::UNIT, chunk % F::CHUNKS, lane); };
    auto fragments = [&](u32 (&a)[In::PRODUCTS][4]) {
        UNROLL
        for (int j = 0; j < int(In::PRODUCTS); ++j) In::template fragment<F>(raw, j, a[j]);
    };

    UNROLL
    for (u32 i = 0; i < 128; ++i) totals[256 * i + threadIdx.x] = 0.0f;
    float sums[128];
    UNROLL
    for (int i = 0; i < 128; ++i) sums[i] = 0.0f;
    // The chunk at hand, the one whose inputs are on their way, the one whose weights are.
    ChunkWalk at = {0, 0}, next = {0, 0};
    fetch(at.chunk);
    bring(at.chunk);
    put(0);
    u32 a[In::PRODUCTS][4];
    fragments(a);
    next.next(args.chunks);
    if (!next.done()) {
        fetch(next.chunk);
        bring(next.chunk);
    }
    u32 stage = 0;
    bool add = false;
    // `mine` is the chunk at hand; the next one's fragments go to `other` meanwhile.
    auto multiply = [&](const u32 (&mine)[In::PRODUCTS][4], u32 (&other)[In::PRODUCTS][4]) {
        // The stage at hand is whole, and nobody reads the other any more.
        wide_publish();
        __syncthreads();
        const u32 operand = wide_address(stages) + stage * STAGE;
        wide_fence();
        UNROLL
        for (int j = 0; j < int(In::PRODUCTS); ++j) In::multiply(sums, mine[j], wide_operand<In::ROW>(operand + 32 * j), j > 0 || add);
        wide_commit();
        if (!next.done()) {
            put(1 - stage);
            fragments(other);
            ChunkWalk after = next;
            after.next(args.chunks);
            if (!after.done()) {
                fetch(after.chunk);
                bring(after.chunk);
            }
        }
        wide_wait(sums);
        add = next.run == at.run;
        if (!add) {
            UNROLL
            for (u32 i = 0; i < 128; ++i) totals[256 * i + threadIdx.x] += sums[i];
        }
        at = next;
        next.next(args.chunks);
        stage = 1 - stage;
    };
    u32 b[In::PRODUCTS][4] = {};
    while (!at.done()) {
        multiply(a, b);
        if (!at.done()) multiply(b, a);
    }
    // What a thread of the second warpgroup has of `up` is for the same output and token that one of the first has `gate` of.
    if (GATED) __syncthreads();
    if (tile >= tiles || (GATED && warp >= 4)) return;
    for (u32 i = 0; i < 128; ++i) {
        const u32 output = 16 * tile + g + 8 * (i / 2 % 2), token = 8 * (i / 4) + 2 * t + i % 2;
        if (output >= args.parts[0].outputs || token >= rows) continue;
        const float sum = totals[256 * i + threadIdx.x];
        if (GATED)
            put_gated(args, output, first + token, sum, totals[256 * i + threadIdx.x + 128]);
        else
            put_product(args.parts[0], output, first + token, sum);
    }
}

#define WIDE(NAME, IN, F, GATED)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256, 1) wide_##NAME(LinearArgs args) { wide<IN, F, GATED>(args); }
WIDE(bf16, WideBf16, FormatBf16, false)
WIDE(f8, WideBf16, FormatF8, false)
WIDE(bytes_f8, WideBytes, FormatF8, false)
WIDE(gated_bf16, WideBf16, FormatBf16, true)
WIDE(gated_f8, WideBf16, FormatF8, true)
WIDE(bytes_gated_f8, WideBytes, FormatF8, true)
