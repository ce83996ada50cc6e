// What a step is about, in device memory, so that a captured graph serves every position: written before each step by one copy.
//   [0] tokens of the pass   [1] position of the first   [2] words from one page table to the next: 0 where the tokens are neighbours in one sequence,
//   else each is a sequence's own   [3] the first row of logits whose choice is wanted   [4] how many   [5] how many of these have masks (choose.cu)
//   [STEP_HEAD ..] PASS ids   ABREAST positions, where each token has its own   page tables
#pragma once
#include "portable.cuh"

constexpr u32 PAGE = 64, PASS = 512, ABREAST = 16, STEP_HEAD = 6;

__device__ __forceinline__ u32 step_rows(const u32 *step) { return step[0]; }
__device__ __forceinline__ u32 step_position(const u32 *step, u32 row) { return step[2] == 0 ? step[1] + row : step[STEP_HEAD + PASS + row]; }
__device__ __forceinline__ u32 step_token(const u32 *step, u32 row) { return step[STEP_HEAD + row]; }
__device__ __forceinline__ u32 step_page(const u32 *step, u32 row, u32 page) { return step[STEP_HEAD + PASS + ABREAST + step[2] * row + page]; }
