// Copies the first positions of a page to another, in every layer: a sequence that leaves another in the middle of a page. Keys lie by position,
// values by element (rope.cu). CPU reference: cpu/kv.rs, `copy`; exact.
#include "step.cuh"

struct CopyArgs {
    u16 *cache;
    // Elements between layers' keys, and from a layer's keys to its values.
    u64 layer, values;
    u32 from, to, length, kv_heads, d;
};

// Grid: layers, kv_heads.
extern "C" __global__ void __launch_bounds__(256) kv_copy(CopyArgs args) {
    u16 *keys = args.cache + size_t(blockIdx.x) * args.layer, *values = keys + args.values;
    const size_t page = size_t(PAGE) * args.d;
    const size_t from = (size_t(args.from) * args.kv_heads + blockIdx.y) * page, to = (size_t(args.to) * args.kv_heads + blockIdx.y) * page;
    for (u32 i = threadIdx.x; i < PAGE * args.d; i += blockDim.x) {
        if (i / args.d < args.length) keys[to + i] = keys[from + i];
        if (i % PAGE < args.length) values[to + i] = values[from + i];
    }
}
