// llama.cpp's side of tests/bench/vs_llama_cpp: loads a model once and times the steps that standard input asks for.
//
//   steps MODEL.gguf THREADS CONTEXT STATES
//   <- FLASH TOKENS DEPTH MILLISECONDS      FLASH 0 or 1, a step of TOKENS at DEPTH, run for so long, at least once; before it once untimed if it is small
//   -> median and least milliseconds, runs
//
// As llama-bench measures: the public API, the default batch sizes, a thread pool attached, logits of the last token alone, no sampling. Deep caches are
// computed once and kept in the folder STATES.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "ggml-cpu.h"
#include "llama.h"

struct Sequence {
    llama_context *context = nullptr;
    int depth = 0;
};

static void fail(const std::string &what) {
    fprintf(stderr, "steps: %s\n", what.c_str());
    exit(1);
}

static std::vector<llama_token> tokens(int count, int vocab) {
    std::vector<llama_token> ids(count);
    for (int i = 0; i < count; i++) ids[i] = i * 97 % vocab;
    return ids;
}

static void decode(llama_context *context, std::vector<llama_token> &ids) {
    const size_t batch = llama_n_batch(context);
    for (size_t at = 0; at < ids.size(); at += batch) {
        const int count = (int) std::min(batch, ids.size() - at);
        if (llama_decode(context, llama_batch_get_one(ids.data() + at, count)) != 0) fail("llama_decode");
    }
    llama_synchronize(context);
}

int main(int argc, char **argv) {
    if (argc != 5) fail("usage: steps MODEL.gguf THREADS CONTEXT STATES");
    const std::string model_path = argv[1], states = argv[4];
    const int threads = atoi(argv[2]), context_length = atoi(argv[3]);
    llama_log_set([](ggml_log_level level, const char *text, void *) { if (level >= GGML_LOG_LEVEL_ERROR) fputs(text, stderr); }, nullptr);
    llama_backend_init();
    llama_model *model = llama_model_load_from_file(model_path.c_str(), llama_model_default_params());
    if (!model) fail("cannot load " + model_path);
    const int vocab = llama_vocab_n_tokens(llama_model_get_vocab(model));
    ggml_threadpool_params pool_params = ggml_threadpool_params_default(threads);
    ggml_threadpool *pool = ggml_threadpool_new(&pool_params);

    Sequence sequences[2];
    for (int flash = 0; flash < 2; flash++) {
        llama_context_params params = llama_context_default_params();
        params.n_ctx = context_length;
        params.n_threads = params.n_threads_batch = threads;
        params.flash_attn_type = flash ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
        sequences[flash].context = llama_init_from_model(model, params);
        if (!sequences[flash].context) fail("no context");
        llama_attach_threadpool(sequences[flash].context, pool, pool);
    }
    printf("ready\n");
    fflush(stdout);

    int flash, count, depth, milliseconds;
    while (scanf("%d %d %d %d", &flash, &count, &depth, &milliseconds) == 4) {
        Sequence &sequence = sequences[flash ? 1 : 0];
        llama_context *context = sequence.context;
        llama_memory_t memory = llama_get_memory(context);
        if (sequence.depth != depth) {
            llama_memory_clear(memory, true);
            const std::string file = states + "/" + std::to_string(depth) + (flash ? "-flash" : "") + ".state";
            std::vector<llama_token> ids = tokens(depth, vocab), read(depth + 1);
            size_t known = 0;
            FILE *there = depth ? fopen(file.c_str(), "rb") : nullptr;
            if (there) fclose(there);
            if (there && llama_state_load_file(context, file.c_str(), read.data(), read.size(), &known) && (int) known == depth) {
            } else if (depth) {
                llama_memory_clear(memory, true);
                decode(context, ids);
                llama_state_save_file(context, file.c_str(), ids.data(), ids.size());
            }
            sequence.depth = depth;
        }
        std::vector<llama_token> ids = tokens(count, vocab);
        std::vector<double> all;
        auto step = [&] {
            llama_memory_seq_rm(memory, 0, depth, -1);
            const auto start = std::chrono::steady_clock::now();
            decode(context, ids);
            return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
        };
        if (count < 64) step();
        const auto start = std::chrono::steady_clock::now();
        while (all.empty() || (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(milliseconds) && all.size() < 2000)) all.push_back(step());
        std::sort(all.begin(), all.end());
        printf("%.6f %.6f %zu\n", all[all.size() / 2], all[0], all.size());
        fflush(stdout);
    }
    return 0;
}
