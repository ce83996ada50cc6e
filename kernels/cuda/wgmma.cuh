// Hopper's product of a warpgroup (4 warps): c (64 x 256, f32) += a (64 x 16, registers) * b (16 x 256, shared memory), in bfloat16, or of 64 x 32 and
// 32 x 256 in 8-bit floats (E4M3), which runs on while its threads do other things. Only for sm_90a. PTX ISA, "Asynchronous Warpgroup Level Matrix Multiply-Accumulate Instructions".
//
// Each warp has 16 of the 64 rows, in a and in c as for mma.m16n8k16 (portable.cuh; of bytes the lane 4 g + t has k = 4 t .. 4 t + 3 of row g, of row g + 8,
// and the same 16 further on), c by groups of 8 columns. b lies by column: a product's k are 32 bytes; 64 k of a column 128 bytes (of bytes 64); 8 columns
// 1024 bytes (512), from a multiple of 1024 on. The 16-byte units of a column are swapped by its number: unit u of column n lies at u ^ (n % 8) (the 128-byte
// swizzle), or at u ^ (n / 2 % 4) (that of 64 bytes).
//
//   wide_fence     before the first product after c or a were written by ordinary means
//   wide_product   starts one; c, a and b may not be touched until it is waited for
//   wide_commit    closes a group; wide_wait waits for all groups
//   wide_publish   by each thread, after it has written b and before the barrier behind which products read it
#pragma once
#include "portable.cuh"

constexpr u32 WIDE_COLUMNS = 256;

__device__ __forceinline__ u32 wide_address(const u8 *p) {
#if ON_DEVICE
    return u32(__cvta_generic_to_shared(p));
#else
    return u32(p - emulator::shared());
#endif
}
// The matrix descriptor: where b begins, bytes from 8 columns to the next 8, the swizzle of columns of 128 or 64 bytes.
template <u32 COLUMN>
__device__ __forceinline__ u64 wide_operand(u32 address) {
    return u64(address >> 4 & 0x3fff) | u64(1) << 16 | u64(8 * COLUMN >> 4) << 32 | u64(COLUMN == 128 ? 1 : 2) << 62;
}

__device__ __forceinline__ void wide_publish() {
#if ON_DEVICE
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#else
    emulator::publish();
#endif
}
__device__ __forceinline__ void wide_fence() {
#if ON_DEVICE
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}
__device__ __forceinline__ void wide_commit() {
#if ON_DEVICE
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}
__device__ __forceinline__ void wide_wait(float (&c)[128]) {
#if ON_DEVICE
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
    UNROLL
    for (int i = 0; i < 128; ++i) asm volatile("" : "+f"(c[i])::"memory");
#else
    (void)c;
    emulator::wait_products();
#endif
}
#if ON_DEVICE
#define WIDE_PRODUCT(TYPES, REST) \
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %133, 0; " \
            "wgmma.mma_async.sync.aligned." TYPES " {" \
            "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
            "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
            "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
            "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, " \
            "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, " \
            "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, " \
            "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
            "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127}, " \
            "{%128, %129, %130, %131}, %132, p, 1, 1" REST "; }" \
            : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]), "+f"(c[4]), "+f"(c[5]), "+f"(c[6]), "+f"(c[7]), \
              "+f"(c[8]), "+f"(c[9]), "+f"(c[10]), "+f"(c[11]), "+f"(c[12]), "+f"(c[13]), "+f"(c[14]), "+f"(c[15]), \
              "+f"(c[16]), "+f"(c[17]), "+f"(c[18]), "+f"(c[19]), "+f"(c[20]), "+f"(c[21]), "+f"(c[22]), "+f"(c[23]), \
              "+f"(c[24]), "+f"(c[25]), "+f"(c[26]), "+f"(c[27]), "+f"(c[28]), "+f"(c[29]), "+f"(c[30]), "+f"(c[31]), \
              "+f"(c[32]), "+f"(c[33]), "+f"(c[34]), "+f"(c[35]), "+f"(c[36]), "+f"(c[37]), "+f"(c[38]), "+f"(c[39]), \
              "+f"(c[40]), "+f"(c[41]), "+f"(c[42]), "+f"(c[43]), "+f"(c[44]), "+f"(c[45]), "+f"(c[46]), "+f"(c[47]), \
              "+f"(c[48]), "+f"(c[49]), "+f"(c[50]), "+f"(c[51]), "+f"(c[52]), "+f"(c[53]), "+f"(c[54]), "+f"(c[55]), \
              "+f"(c[56]), "+f"(c[57]), "+f"(c[58]), "+f"(c[59]), "+f"(c[60]), "+f"(c[61]), "+f"(c[62]), "+f"(c[63]), \
              "+f"(c[64]), "+f"(c[65]), "+f"(c[66]), "+f"(c[67]), "+f"(c[68]), "+f"(c[69]), "+f"(c[70]), "+f"(c[71]), \
              "+f"(c[72]), "+f"(c[73]), "+f"(c[74]), "+f"(c[75]), "+f"(c[76]), "+f"(c[77]), "+f"(c[78]), "+f"(c[79]), \
              "+f"(c[80]), "+f"(c[81]), "+f"(c[82]), "+f"(c[83]), "+f"(c[84]), "+f"(c[85]), "+f"(c[86]), "+f"(c[87]), \
              "+f"(c[88]), "+f"(c[89]), "+f"(c[90]), "+f"(c[91]), "+f"(c[92]), "+f"(c[93]), "+f"(c[94]), "+f"(c[95]), \
              "+f"(c[96]), "+f"(c[97]), "+f"(c[98]), "+f"(c[99]), "+f"(c[100]), "+f"(c[101]), "+f"(c[102]), "+f"(c[103]), \
              "+f"(c[104]), "+f"(c[105]), "+f"(c[106]), "+f"(c[107]), "+f"(c[108]), "+f"(c[109]), "+f"(c[110]), "+f"(c[111]), \
              "+f"(c[112]), "+f"(c[113]), "+f"(c[114]), "+f"(c[115]), "+f"(c[116]), "+f"(c[117]), "+f"(c[118]), "+f"(c[119]), \
              "+f"(c[120]), "+f"(c[121]), "+f"(c[122]), "+f"(c[123]), "+f"(c[124]), "+f"(c[125]), "+f"(c[126]), "+f"(c[127]) \
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(u32(add)))
#endif
// Without `add` c is what the product gives.
__device__ __forceinline__ void wide_product(float (&c)[128], const u32 (&a)[4], u64 b, bool add) {
#if ON_DEVICE
    WIDE_PRODUCT("m64n256k16.f32.bf16.bf16", ", 0");
#else
    emulator::multiply_later(c, a, b, add, false);
#endif
}
__device__ __forceinline__ void wide_product_of_bytes(float (&c)[128], const u32 (&a)[4], u64 b, bool add) {
#if ON_DEVICE
    WIDE_PRODUCT("m64n256k32.f32.e4m3.e4m3", "");
#else
    emulator::multiply_later(c, a, b, add, true);
#endif
}
