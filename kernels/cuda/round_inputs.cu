// A product's inputs rounded to 8-bit floats (E4M3), where a file prescribes it: weights in 8-bit floats beside a static scale of their inputs.
//
//   x  [rows][stride] bfloat16, in place: round(x / scale) as bfloat16, which has all of these numbers, for linear.cu, prefill.cu and wide.cu; or as bytes
//      at each row's beginning, for wide.cu's product of bytes. The scale is part of the weights' (matrix.rs).
//
// CPU reference: round_to_e4m3 by search over all numbers (tests/rounding.rs), exact; engine/backend/reference.rs.
#include "format.cuh"

struct RoundArgs {
    u16 *x;
    u32 stride, bytes;
    float inverse;
    u32 _padding;
};

// A row a block, 8 columns a thread at a time.
extern "C" __global__ void __launch_bounds__(256) round_inputs(RoundArgs args) {
    u16 *row = args.x + size_t(blockIdx.x) * args.stride;
    for (u32 start = 0; start < args.stride; start += 8 * blockDim.x) {
        const u32 at = start + 8 * threadIdx.x;
        const bool mine = at < args.stride;
        uint4 v = {0, 0, 0, 0};
        if (mine) v = load16(row + at);
        // Bytes go where this round's threads have read, and earlier ones'.
        if (args.bytes) __syncthreads();
        if (!mine) continue;
        u32 out[4], packed[2] = {0, 0};
        UNROLL
        for (int i = 0; i < 4; ++i) {
            const u32 word = i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w;
            const float low = round_to_e4m3(bf16_to_float(u16(word)) * args.inverse), high = round_to_e4m3(bf16_to_float(u16(word >> 16)) * args.inverse);
            out[i] = pair(float_to_bf16(low), float_to_bf16(high));
            packed[i / 2] |= (u32(e4m3_byte(low)) | u32(e4m3_byte(high)) << 8) << 16 * (i % 2);
        }
        if (args.bytes)
            *reinterpret_cast<uint2 *>(reinterpret_cast<u8 *>(row) + at) = {packed[0], packed[1]};
        else
            *reinterpret_cast<uint4 *>(row + at) = {out[0], out[1], out[2], out[3]};
    }
}
