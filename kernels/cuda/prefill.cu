// linear.cu's products for many tokens: the same sums, term by term, from tiles in shared memory.
//
// A block has 128 outputs (gated: 64 of each matrix) and 128 tokens, a warp 2 tiles of 16 outputs and 64 tokens. Chunks come through three stages
// of shared memory, in linear.cu's order: those of its warp 0 first, then those of warp 1, ...; after each such run the sums go to the total.
// An input's row of 64 columns is 128 bytes of shared memory; its pairs of 16 bytes are swapped by the row, so that a half-warp's loads of 8 bytes
// fall on different banks.
// Shapes, reference and tolerance as in linear.cu; the tests hold the results to linear.cu's, bit for bit.
#include "format.cuh"
#include "linear_args.cuh"

constexpr u32 PREFILL_STAGES = 3, PREFILL_TILES = 8, PREFILL_TOKENS = 128;

template <class F, bool GATED>
__device__ __forceinline__ void prefill(const LinearArgs &args) {
    SHARED_MEMORY(memory);
    constexpr u32 SLOT = F::HEAD + F::CHUNK, STAGE = PREFILL_TILES * SLOT + PREFILL_TOKENS * 128, A_UNITS = PREFILL_TILES * SLOT / 16;
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
    const u32 by_row = warp % 4, by_token = warp / 4;
    const u32 first = blockIdx.x * PREFILL_TOKENS, rows = args.rows - first < PREFILL_TOKENS ? args.rows - first : PREFILL_TOKENS;
    const u32 tiles = args.parts[0].tiles;
    // The tiles of slot s: 2 w and 2 w + 1 belong to warp w; gated, these are the same tile of the two matrices.
    const u32 first_tile = blockIdx.y * (GATED ? PREFILL_TILES / 2 : PREFILL_TILES);

    auto bring = [&](u32 stage, u32 chunk) {
        u8 *to = memory + stage * STAGE;
        for (u32 i = threadIdx.x; i < A_UNITS; i += 256) {
            const u32 slot = i / (SLOT / 16), byte = 16 * (i % (SLOT / 16));
            u32 tile = first_tile + (GATED ? slot / 2 : slot);
            tile = tile < tiles ? tile : tiles - 1;
            const u8 *unit = args.parts[GATED ? slot % 2 : 0].weights + tile * tile_bytes<F>(args.chunks) + size_t(chunk / F::CHUNKS) * F::UNIT;
            const u8 *from = unit + byte + (byte + 1 > F::HEAD ? (chunk % F::CHUNKS) * F::CHUNK : 0);
            copy16(to + slot * SLOT + byte, from);
        }
        to += PREFILL_TILES * SLOT;
        for (u32 i = threadIdx.x; i < PREFILL_TOKENS * 8; i += 256) {
            const u32 row = i / 8, unit = i % 8, from = row < rows ? row : rows - 1;
            copy16(to + row * 128 + ((unit ^ (row % 4) << 1) << 4), args.x + size_t(first + from) * args.x_stride + 64 * chunk + 8 * unit);
        }
    };

    float total[2][8][4], sums[2][8][4];
    UNROLL
    for (int m = 0; m < 2; ++m)
        UNROLL
        for (int n = 0; n < 8; ++n)
            UNROLL
            for (int i = 0; i < 4; ++i) total[m][n][i] = sums[m][n][i] = 0.0f;

    ChunkWalk ahead = {0, 0}, at = {0, 0};
    for (u32 stage = 0; stage < PREFILL_STAGES - 1; ++stage) {
        if (!ahead.done()) {
            bring(stage, ahead.chunk);
            ahead.next(args.chunks);
        }
        commit_copies();
    }
    u32 stage = 0;
    while (!at.done()) {
        wait_copies<PREFILL_STAGES - 2>();
        __syncthreads();
        if (!ahead.done()) {
            bring((stage + PREFILL_STAGES - 1) % PREFILL_STAGES, ahead.chunk);
            ahead.next(args.chunks);
        }
        commit_copies();
        const u8 *weights = memory + stage * STAGE, *x = weights + PREFILL_TILES * SLOT;
        Raw raw[2];
        UNROLL
        for (int m = 0; m < 2; ++m) F::template load<FromShared>(raw[m], weights + (2 * by_row + m) * SLOT, 0, lane);
        UNROLL
        for (int h = 0; h < 2; ++h) {
            Inputs<8> in;
            UNROLL
            for (int j = 0; j < 2; ++j)
                UNROLL
                for (int n = 0; n < 8; ++n) {
                    const u32 row = 64 * by_token + 8 * n + g, unit = 4 * h + 2 * j + t / 2;
                    uint2 v = load8(x + row * 128 + ((unit ^ (row % 4) << 1) << 4) + 8 * (t % 2));
                    in.b[j][n][0] = v.x;
                    in.b[j][n][1] = v.y;
                }
            UNROLL
            for (int m = 0; m < 2; ++m) add_half<F, 8>(sums[m], raw[m], h, in);
        }
        stage = (stage + 1) % PREFILL_STAGES;
        const u32 run = at.run;
        at.next(args.chunks);
        if (at.run != run) {
            UNROLL
            for (int m = 0; m < 2; ++m)
                UNROLL
                for (int n = 0; n < 8; ++n)
                    UNROLL
                    for (int i = 0; i < 4; ++i) {
                        total[m][n][i] += sums[m][n][i];
                        sums[m][n][i] = 0.0f;
                    }
        }
    }
    wait_copies<0>();

    UNROLL
    for (int m = 0; m < (GATED ? 1 : 2); ++m)
        UNROLL
        for (int n = 0; n < 8; ++n)
            UNROLL
            for (int i = 0; i < 4; ++i) {
                const u32 tile = first_tile + (GATED ? by_row : 2 * by_row + m), output = 16 * tile + g + 8 * (i / 2);
                const u32 token = 64 * by_token + 8 * n + 2 * t + i % 2;
                if (tile >= tiles || output >= args.parts[0].outputs || token >= rows) continue;
                if (GATED)
                    put_gated(args, output, first + token, total[0][n][i], total[1][n][i]);
                else
                    put_product(args.parts[0], output, first + token, total[m][n][i]);
            }
}

#define PREFILL(NAME, F)                                                                                                            \
    extern "C" __global__ void __launch_bounds__(256, 1) prefill_##NAME(LinearArgs args) { prefill<F, false>(args); }                \
    extern "C" __global__ void __launch_bounds__(256, 1) prefill_gated_##NAME(LinearArgs args) { prefill<F, true>(args); }
PREFILL(bf16, FormatBf16)
PREFILL(f8, FormatF8)
PREFILL(q8_0, FormatQ8_0)
PREFILL(q4_k, FormatQ4K)
PREFILL(q6_k, FormatQ6K)
