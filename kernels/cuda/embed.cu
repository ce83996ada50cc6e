// x[m] = scale * embedding[token m] (+ positions[position m]): rows of tiles as f32, a row a block; what the tokens of padding would read is not
// read. CPU reference: cpu/matrix.rs, `row`; exact but for the format's own products (1e-6).
#include "format.cuh"
#include "step.cuh"

struct EmbedArgs {
    const u32 *step;
    const u8 *embedding, *positions;
    float *x;
    u32 format, positions_format, chunks, columns;
    float scale, positions_scale;
};

// Four weights side by side, which one load of a lane brings. `row` within the tile, `column` a multiple of four.
template <class F>
__device__ __forceinline__ void weights_at(float (&w)[4], const u8 *tile, u32 row, u32 column) {
    const u32 chunk = column / 64, j = column % 64 / 16, lane = 4 * (row % 8) + column % 16 / 4, upper = row / 8;
    Raw raw;
    F::template load<FromDevice>(raw, tile + size_t(chunk / F::CHUNKS) * F::UNIT, chunk % F::CHUNKS, lane);
    u32 a[4] = {0, 0, 0, 0};
    UNROLL
    for (int i = 0; i < 4; ++i)
        if (u32(i) == j) F::fragment(raw, i, a);
    const u32 words[2] = {upper == 0 ? a[0] : a[1], upper == 0 ? a[2] : a[3]};
    UNROLL
    for (int e = 0; e < 4; ++e) w[e] = bf16_to_float(u16(words[e / 2] >> (16 * (e % 2))));
    if constexpr (F::SCALED) {
        const u32 h = j / F::TOGETHER;
        float scale = 0.0f, minimum = 0.0f;
        UNROLL
        for (int i = 0; i < 4 / F::TOGETHER; ++i)
            if (u32(i) == h) {
                scale = F::scale(raw, i, upper);
                minimum = F::minimum(raw, i, upper);
            }
        UNROLL
        for (int e = 0; e < 4; ++e) w[e] = fmaf(scale, w[e], -minimum);
    }
}

template <class F>
__device__ __forceinline__ void matrix_at(float (&w)[4], const u8 *tiles, u32 chunks, u32 row, u32 column) {
    weights_at<F>(w, tiles + size_t(row / 16) * tile_bytes<F>(chunks), row % 16, column);
}

extern "C" __global__ void __launch_bounds__(256) embed(EmbedArgs args) {
    const u32 row = blockIdx.x;
    if (row >= step_rows(args.step)) return;
    const u32 token = step_token(args.step, row), position = step_position(args.step, row);
    for (u32 i = 4 * threadIdx.x; i < args.columns; i += 4 * blockDim.x) {
        float v[4] = {}, at[4] = {};
        WITH_FORMAT(args.format, F, matrix_at<F>(v, args.embedding, args.chunks, token, i));
        if (args.positions) WITH_FORMAT(args.positions_format, F, matrix_at<F>(at, args.positions, args.chunks, position, i));
        UNROLL
        for (u32 e = 0; e < 4; ++e)
            if (i + e < args.columns) args.x[size_t(row) * args.columns + i + e] = args.scale * v[e] + args.positions_scale * at[e];
    }
}
