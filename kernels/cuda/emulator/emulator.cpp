// The host machine under shim.h, and the C interface that Rust loads: `emulate(name, ...)`. See shim.h.
#include "shim.h"

#include <memory>
#include <vector>

#ifdef __x86_64__
// swapcontext without its system calls: callee-saved registers and the stack. `Context` is the stack pointer.
typedef void *Context;
extern "C" void emulator_switch(Context *from, Context *to);
asm(R"(
.text
.globl emulator_switch
.hidden emulator_switch
emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq (%rsi), %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");
static void start(Context &context, unsigned char *stack, size_t size, void (*entry)()) {
    // The entry's return address, on a stack aligned as after a call, and six registers.
    void **top = reinterpret_cast<void **>((reinterpret_cast<uintptr_t>(stack) + size) & ~uintptr_t(15)) - 1;
    *--top = reinterpret_cast<void *>(entry);
    top -= 6;
    context = top;
}
#else
#include <ucontext.h>
typedef ucontext_t Context;
static void emulator_switch(Context *from, Context *to) { swapcontext(from, to); }
static void start(Context &context, unsigned char *stack, size_t size, void (*entry)()) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = size;
    context.uc_link = nullptr;
    makecontext(&context, entry, 0);
}
#endif

namespace emulator {
namespace {
struct Warp {
    alignas(64) unsigned char slots[2][32][64];
    unsigned arrived = 0, lanes = 32;
    uint64_t passed = 0;
};
struct Copy { void *to; const void *from; };
// A lane's part: rows g and g + 8 of the first operand, 16 numbers each, or 32 of bytes.
struct Later { float *c; float a[2][32]; uint64_t b; bool add, bytes; };
struct Fiber {
    Context context;
    std::unique_ptr<unsigned char[]> stack;
    Place place;
    unsigned lane, warp;
    bool done = false;
    uint64_t warp_passed = 0, block_passed = 0;
    std::vector<std::vector<Copy>> groups{1};
    std::vector<Later> products;
    bool published = false;
};
struct Block {
    std::vector<Fiber> fibers;
    std::vector<Warp> warps;
    std::vector<unsigned char> shared;
    unsigned arrived = 0;
    uint64_t passed = 0;
    Context scheduler;
    void (*body)(void **) = nullptr;
    void **arguments = nullptr;
    const char *fault = nullptr;
    bool moved = false;
    // Whether all threads that have come to the barrier had published; and those that came to the last one.
    bool publishing = true, readable = false;
};
thread_local Block *block;
thread_local Fiber *fiber;
thread_local unsigned order;
constexpr size_t STACK = 128 << 10;

void yield() { emulator_switch(&fiber->context, &block->scheduler); }

void fail(const char *why) {
    if (!block->fault) block->fault = why;
    // Never goes on: the scheduler ends the launch.
    for (;;) yield();
}

void enter() {
    block->body(block->arguments);
    if (fiber->groups.size() > 1 || !fiber->groups.front().empty()) fail("a thread ended with copies that nobody waited for");
    if (!fiber->products.empty()) fail("a thread ended with products that nobody waited for");
    fiber->done = true;
    block->moved = true;
    yield();
}
}  // namespace

const Place &place() { return fiber->place; }
unsigned char *shared() { return block->shared.data() + (1024 - reinterpret_cast<uintptr_t>(block->shared.data()) % 1024) % 1024; }

void barrier_block() {
    block->moved = true;
    block->publishing &= fiber->published;
    fiber->published = false;
    if (++block->arrived == block->fibers.size()) {
        block->readable = block->publishing;
        block->publishing = true;
        block->arrived = 0;
        ++block->passed;
    }
    ++fiber->block_passed;
    while (block->passed < fiber->block_passed) yield();
}

const unsigned char *gather(const void *mine, size_t size) {
    Warp &warp = block->warps[fiber->warp];
    auto &slots = warp.slots[fiber->warp_passed % 2];
    if (size > 64) fail("a lane's word is too wide");
    std::memcpy(slots[fiber->lane], mine, size);
    block->moved = true;
    if (++warp.arrived == warp.lanes) {
        warp.arrived = 0;
        ++warp.passed;
    }
    ++fiber->warp_passed;
    while (warp.passed < fiber->warp_passed) yield();
    return slots[0];
}

void copy_later(void *to, const void *from) { fiber->groups.back().push_back({to, from}); }
void commit() { fiber->groups.emplace_back(); }
void wait(int left) {
    // The last group is the open one.
    while (fiber->groups.size() > static_cast<size_t>(left) + 1) {
        for (const Copy &copy : fiber->groups.front()) std::memcpy(copy.to, copy.from, 16);
        fiber->groups.erase(fiber->groups.begin());
    }
}
void check_aligned(const void *p, size_t to) {
    if (reinterpret_cast<uintptr_t>(p) % to != 0) fail("an access that is not aligned");
}

void publish() { fiber->published = true; }

static float of_bf16(const unsigned char *p) {
    uint16_t bits;
    std::memcpy(&bits, p, 2);
    const uint32_t wide = uint32_t(bits) << 16;
    float x;
    std::memcpy(&x, &wide, 4);
    return x;
}
// By the letter of the format (OCP E4M3).
static float of_e4m3(unsigned char byte) {
    const int exponent = byte >> 3 & 15, mantissa = byte & 7;
    if ((byte & 0x7f) == 0x7f) return NAN;
    const float magnitude = exponent == 0 ? std::ldexp(float(mantissa), -9) : std::ldexp(float(8 + mantissa), exponent - 10);
    return byte & 0x80 ? -magnitude : magnitude;
}

void multiply_later(float *c, const unsigned *a, uint64_t b, bool add, bool bytes) {
    if (!block->readable) fail("a product reads shared memory that not every thread had published before the barrier");
    const unsigned char *slots = gather(a, 16);
    Later later = {c, {}, b, add, bytes};
    const unsigned g = fiber->lane / 4;
    for (unsigned row = 0; row < 2; ++row)
        for (unsigned k = 0; k < (bytes ? 32 : 16); ++k)
            later.a[row][k] = bytes ? of_e4m3(slots[64 * (4 * g + k % 16 / 4) + 4 * (row + 2 * (k / 16)) + k % 4])
                                    : of_bf16(slots + 64 * (4 * g + k % 8 / 2) + 4 * (row + 2 * (k / 8)) + 2 * (k % 2));
    fiber->products.push_back(later);
}

// A product of bytes is summed as two of 16 numbers: what hardware does within one nobody promises.
void wait_products() {
    for (const Later &p : fiber->products) {
        const size_t start = (p.b & 0x3fff) << 4, eight = (p.b >> 32 & 0x3fff) << 4;
        const unsigned swizzle = p.b >> 62, column_bytes = swizzle == 1 ? 128 : 64, units = swizzle == 1 ? 7 : 3;
        if (swizzle != 1 && swizzle != 2) fail("a descriptor of another swizzle than that of 128 or 64 bytes");
        if (eight != 8 * column_bytes) fail("a descriptor whose groups of 8 columns do not follow each other");
        for (unsigned n = 0; n < 32; ++n)
            for (unsigned half = 0; half < 2; ++half) {
                const unsigned column = 8 * n + 2 * (fiber->lane % 4) + half;
                float so_far[2] = {p.add ? p.c[4 * n + half] : 0.0f, p.add ? p.c[4 * n + 2 + half] : 0.0f};
                for (unsigned first = 0; first < (p.bytes ? 32 : 16); first += 16) {
                    double sum[2] = {so_far[0], so_far[1]};
                    for (unsigned k = first; k < first + 16; ++k) {
                        size_t at = start + column / 8 * eight + column % 8 * column_bytes + (p.bytes ? k : 2 * k);
                        at ^= (at >> 7 & units) << 4;
                        const double b = p.bytes ? of_e4m3(shared()[at]) : of_bf16(shared() + at);
                        for (unsigned row = 0; row < 2; ++row) sum[row] += double(p.a[row][k]) * b;
                    }
                    so_far[0] = float(sum[0]);
                    so_far[1] = float(sum[1]);
                }
                p.c[4 * n + half] = so_far[0];
                p.c[4 * n + 2 + half] = so_far[1];
            }
    }
    fiber->products.clear();
}

struct Kernel { const char *name; void (*body)(void **); const size_t *sizes; size_t count; };
extern const Kernel KERNELS[];
extern const size_t KERNEL_COUNT;

namespace {
const char *run_block(Block &b, dim3 at, dim3 blocks, dim3 threads, size_t shared_bytes) {
    const unsigned count = b.fibers.size();
    b.warps.assign(count / 32, Warp{});
    b.shared.assign(shared_bytes + 2048, 0xff);
    b.publishing = true;
    b.readable = false;
    b.arrived = 0;
    b.passed = 0;
    for (unsigned i = 0; i < count; ++i) {
        Fiber &f = b.fibers[i];
        f.lane = i % 32;
        f.warp = i / 32;
        f.done = false;
        f.warp_passed = f.block_passed = 0;
        f.groups.assign(1, {});
        f.products.clear();
        f.published = false;
        f.place = {{i, 0, 0}, at, threads, blocks};
        start(f.context, f.stack.get(), STACK, enter);
    }
    unsigned left = count, state = order * 2654435761u + 1;
    while (left > 0) {
        b.moved = false;
        // 0: upwards, 1: downwards, else from a place that changes.
        state = state * 1664525u + 1013904223u;
        const unsigned start = order < 2 ? 0 : (state >> 8) % count;
        for (unsigned i = 0; i < count && !b.fault; ++i) {
            Fiber &f = b.fibers[order == 1 ? count - 1 - i : (start + i) % count];
            if (f.done) continue;
            fiber = &f;
            emulator_switch(&b.scheduler, &f.context);
            if (f.done) --left;
        }
        if (b.fault) return b.fault;
        if (!b.moved && left > 0) return "lanes wait at a barrier that others do not reach";
    }
    for (unsigned char *p = shared() + shared_bytes; p < b.shared.data() + b.shared.size(); ++p)
        if (*p != 0xff) return "a write past the shared memory asked for";
    return nullptr;
}
}  // namespace

const char *run(void (*body)(void **), dim3 blocks, dim3 threads, size_t shared_bytes, void **arguments) {
    const unsigned count = threads.x * threads.y * threads.z;
    if (count == 0 || count > 1024 || count % 32 != 0) return "a block of other than 1 to 32 whole warps";
    if (shared_bytes > (227u << 10)) return "more shared memory than a block can have";
    Block b;
    block = &b;
    b.body = body;
    b.arguments = arguments;
    b.fibers.resize(count);
    for (Fiber &f : b.fibers) f.stack.reset(new unsigned char[STACK]);
    for (unsigned z = 0; z < blocks.z; ++z)
        for (unsigned y = 0; y < blocks.y; ++y)
            for (unsigned x = 0; x < blocks.x; ++x)
                if (const char *fault = run_block(b, {x, y, z}, blocks, threads, shared_bytes)) return fault;
    return nullptr;
}
}  // namespace emulator

// Runs a kernel; null, or what went wrong. `sizes`: the arguments' bytes as the caller has them. `order` chooses in which order a block's threads run.
extern "C" const char *emulate(const char *name, const unsigned *blocks, const unsigned *threads, size_t shared, void **arguments, const size_t *sizes, size_t count, unsigned order) {
    for (size_t i = 0; i < emulator::KERNEL_COUNT; ++i) {
        const emulator::Kernel &kernel = emulator::KERNELS[i];
        if (std::strcmp(kernel.name, name) != 0) continue;
        if (count != kernel.count || !std::equal(sizes, sizes + count, kernel.sizes)) return "arguments of other sizes than the kernel's";
        emulator::order = order;
        return emulator::run(kernel.body, {blocks[0], blocks[1], blocks[2]}, {threads[0], threads[1], threads[2]}, shared, arguments);
    }
    return "no kernel of this name";
}
