// Copies positions of one page of the cache to another place of a sequence, in every layer, and turns the keys by as many positions as they are
// moved: what answers at once from text that was computed elsewhere (engine/cache/moved.rs). Approximate by nature, and never shared.
//
//   cache as rope.cu writes it; a position, a key head, a layer a block. The places read and the places written must be others.
//
// Frequencies come scaled; YaRN's factor and the head norms are in the keys already. CPU reference: engine's cpu.rs `shift` over cpu/rope.rs
// `prepare_turn`; within f16's rounding of what was turned twice.
#include "step.cuh"

struct RotateArgs {
    u16 *cache;
    const float *frequencies;
    // Elements from a layer to the next, and from keys to values.
    u64 layer, values;
    u32 from, offset;
    // The page of the first position and the next one.
    u32 to[2];
    // Of the first position, in its page.
    u32 slot, length, kv_heads, d, pairs, adjacent;
    // Positions, as a float.
    float by;
};

extern "C" __global__ void __launch_bounds__(128) kv_rotate(RotateArgs args) {
    const u32 i = blockIdx.x, h = blockIdx.y, d = args.d, slot = args.slot + i;
    u16 *keys = args.cache + size_t(blockIdx.z) * args.layer, *values = keys + args.values;
    const size_t from = (size_t(args.from) * args.kv_heads + h) * PAGE * d, to = (size_t(args.to[slot / PAGE]) * args.kv_heads + h) * PAGE * d;
    const u32 source = args.offset + i, target = slot % PAGE;
    const u16 *key = keys + from + source * d;
    for (u32 e = threadIdx.x; e < d; e += blockDim.x) {
        values[to + e * PAGE + target] = values[from + e * PAGE + source];
        float y = f16_to_float(key[e]);
        if (e < 2 * args.pairs) {
            const u32 pair = args.adjacent ? e / 2 : e % args.pairs;
            const bool second = args.adjacent ? e % 2 == 1 : e >= args.pairs;
            const float a = f16_to_float(key[args.adjacent ? 2 * pair : pair]), b = f16_to_float(key[args.adjacent ? 2 * pair + 1 : pair + args.pairs]);
            const float angle = args.by * args.frequencies[pair], c = cosf(angle), s = sinf(angle);
            y = second ? fmaf(a, s, b * c) : fmaf(a, c, -(b * s));
        }
        keys[to + target * d + e] = float_to_f16(y);
    }
}
