// What a step is about, in device memory, so that a captured graph serves every position: written before each step by one copy.
//   [0] position of the first token   [1] tokens of the pass   [2..2 + PASS] their ids   [2 + PASS..] the sequence's pages
#pragma once
#include "portable.cuh"

constexpr u32 PAGE = 64, PASS = 512;

__device__ __forceinline__ u32 step_position(const u32 *step) { return step[0]; }
__device__ __forceinline__ u32 step_rows(const u32 *step) { return step[1]; }
__device__ __forceinline__ u32 step_token(const u32 *step, u32 row) { return step[2 + row]; }
__device__ __forceinline__ u32 step_page(const u32 *step, u32 page) { return step[2 + PASS + page]; }
