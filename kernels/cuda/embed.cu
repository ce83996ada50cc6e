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

// One weight. `row` and `column` within the tile.
template <class F>
__device__ __forceinline__ float weight_at(const u8 *tile, u32 row, u32 column) {
    const u32 chunk = column / 64, j = column % 64 / 16, lane = 4 * (row % 8) + column % 16 / 4, element = column % 4, upper = row / 8;
    Raw raw;
    F::template load<FromDevice>(raw, tile + size_t(chunk / F::CHUNKS) * F::UNIT, chunk % F::CHUNKS, lane);
    u32 a[4] = {0, 0, 0, 0};
    UNROLL
    for (int i = 0; i < 4; ++i)
        if (u32(i) == j) F::fragment(raw, i, a);
    u32 word = element < 2 ? (upper == 0 ? a[0] : a[1]) : (upper == 0 ? a[2] : a[3]);
    float w = bf16_to_float(u16(word >> (16 * (element % 2))));
    if constexpr (F::SCALED) {
        const u32 h = j / F::TOGETHER;
        float scale = 0.0f, minimum = 0.0f;
        UNROLL
        for (int i = 0; i < 4 / F::TOGETHER; ++i)
            if (u32(i) == h) {
                scale = F::scale(raw, i, upper);
                minimum = F::minimum(raw, i, upper);
            }
        return fmaf(scale, w, -minimum);
    }
    return w;
}

template <class F>
__device__ __forceinline__ float matrix_at(const u8 *tiles, u32 chunks, u32 row, u32 column) {
    return weight_at<F>(tiles + size_t(row / 16) * tile_bytes<F>(chunks), row % 16, column);
}

extern "C" __global__ void __launch_bounds__(256) embed(EmbedArgs args) {
    const u32 row = blockIdx.x;
    if (row >= step_rows(args.step)) return;
    const u32 token = step_token(args.step, row), position = step_position(args.step, row);
    for (u32 i = threadIdx.x; i < args.columns; i += blockDim.x) {
        float v = 0.0f;
        WITH_FORMAT(args.format, F, v = args.scale * matrix_at<F>(args.embedding, args.chunks, token, i));
        if (args.positions) {
            WITH_FORMAT(args.positions_format, F, v += args.positions_scale * matrix_at<F>(args.positions, args.chunks, position, i));
        }
        args.x[size_t(row) * args.columns + i] = v;
    }
}
