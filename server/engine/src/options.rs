//! This room's settings.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{EngineError, ModelSource, Priority, RemoteOptions, backend::PAGE};

const MIB: u64 = 1 << 20;
const MOST_THREADS: usize = 1024;
const LONGEST: usize = u32::MAX as usize;
const MOST_KV_MIB: usize = 1 << 24;
const MOST_SNAPSHOT_MIB: usize = 1 << 20;
const LARGEST_CHUNK: usize = 1 << 20;

/// How the model is run.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct EngineOptions {
    /// The model: `ember` for the built-in one, a name of `pilotlight models`, the path of a `.gguf` file, or a folder with `config.json`, `tokenizer.json` and
    /// `*.safetensors`.
    pub model: String,
    /// How it is computed.
    pub backend: BackendChoice,
    /// Threads for the model; 0 for one a physical core.
    #[schemars(range(max = MOST_THREADS))]
    pub threads: usize,
    /// The longest sequence in tokens, where the model allows it: memory for the KV cache grows with what is used of it.
    #[schemars(range(min = 1, max = LONGEST))]
    pub context_length: usize,
    /// Memory for the KV cache in MiB, so that many states of many documents stay warm; 0 for an eighth of the machine's, 128 to 8192. It is taken from the system only as
    /// it is used. One sequence of `context-length` is always given room. On a GPU 0 is for half of what the weights leave of its memory; what is asked for beyond all of that lies in
    /// the machine's.
    #[schemars(range(max = MOST_KV_MIB))]
    pub kv_memory_mib: usize,
    /// Whether products with weights of 8-bit floats are computed as their file prescribes where it gives a static scale for their inputs (Devstral as released): these are rounded to 8-bit
    /// floats too. On an NVIDIA GPU of the Hopper kind long prompts then take half the products; a token may differ in its last bits with the number of tokens that are computed with it, and answers
    /// are a little further from the model before it was quantised. The processor rounds in its own way whatever is said here.
    pub fp8_inputs: bool,
    /// How the processor stores keys and values. A GPU has its own way.
    pub kv_dtype: KvChoice,
    /// Tokens of a prompt that are computed between two looks at whether something more urgent has come.
    #[schemars(range(min = 1, max = LARGEST_CHUNK))]
    pub prefill_chunk: usize,
    /// Whether tokens that are likely to come are computed on trial together with the next one. It changes how fast an answer comes, never what it says.
    pub speculation: bool,
    /// The most MiB of the KV cache that are kept on disk while the daemon does not run, so that its first completions are as fast as its last ones were; 0 for none.
    /// They are the user's alone to read, in the user's cache folder. What they hold was computed from the text of files that were open.
    #[schemars(range(max = MOST_SNAPSHOT_MIB))]
    pub snapshot_mib: usize,
    /// The folder of these; none for no snapshot.
    #[serde(skip)]
    pub snapshot_folder: Option<PathBuf>,
    /// How long a request may take, its wait included, before it ends with what it has.
    pub time_limits: TimeLimits,
    /// A server in the model's place.
    pub remote: RemoteOptions,
}

/// Seconds that a request of each priority may take; 0 for as long as it likes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct TimeLimits {
    /// Completions while typing.
    pub typing: u64,
    /// Next edits.
    pub next_edit: u64,
    /// Code actions.
    pub action: u64,
    /// Refactors.
    pub refactor: u64,
    /// What is computed ahead.
    pub warming: u64,
    /// What is computed about files that nobody looks at.
    pub indexing: u64,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { typing: 30, next_edit: 60, action: 300, refactor: 1800, warming: 120, indexing: 1800 }
    }
}

impl TimeLimits {
    /// Of one priority.
    pub(crate) fn of(&self, priority: Priority) -> Option<Duration> {
        let seconds = match priority {
            Priority::Typing => self.typing,
            Priority::NextEdit => self.next_edit,
            Priority::Action => self.action,
            Priority::Refactor => self.refactor,
            Priority::Warming => self.warming,
            Priority::Indexing => self.indexing,
        };
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }
}

/// How the model is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BackendChoice {
    /// The fastest that this machine and this model can use.
    #[default]
    Auto,
    /// Own SIMD kernels on quantised weights, for the instruction set found.
    Cpu,
    /// Own kernels on an NVIDIA GPU, through its driver. Compiled and tested on a host emulator; it has not run on a GPU yet.
    Cuda,
    /// The readable one that the others are tested against: f32, slow, four bytes of memory a weight.
    Reference,
}

/// How keys and values are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KvChoice {
    /// Half precision.
    #[default]
    F16,
    /// Half precision with fewer digits and a wider range: for models whose values overflow `f16`.
    Bf16,
    /// Bytes with a scale for every 32: about half the memory again, and with it twice the state that stays warm, for a small error in each step.
    #[serde(rename = "q8_0")]
    Q8_0,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            model: "ember".into(),
            backend: BackendChoice::Auto,
            threads: 0,
            context_length: 16384,
            kv_memory_mib: 0,
            fp8_inputs: false,
            kv_dtype: KvChoice::F16,
            prefill_chunk: 128,
            speculation: true,
            snapshot_mib: 256,
            snapshot_folder: None,
            time_limits: TimeLimits::default(),
            remote: RemoteOptions::default(),
        }
    }
}

impl EngineOptions {
    /// Where the model is. Looks at the disk to tell a folder from a file.
    pub fn source(&self) -> Result<ModelSource, EngineError> {
        let path = PathBuf::from(&self.model);
        if self.model == "ember" {
            Ok(ModelSource::Ember)
        } else if path.is_dir() {
            Ok(ModelSource::SafeTensors(path))
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf")) {
            Ok(ModelSource::Gguf(path))
        } else {
            let expected =
                "`ember`, a name of `pilotlight models`, the path of a .gguf file, or a folder with safetensors".into();
            Err(EngineError::Setting { name: "model", expected, found: format!("`{}`", self.model) })
        }
    }

    /// `threads`, with 0 resolved.
    pub(crate) fn thread_count(&self) -> usize {
        match self.threads {
            0 => pilotlight_kernels::cpu::physical_cores(),
            n => n,
        }
    }

    /// The pages of `page_bytes` that the KV cache may have; enough for one sequence in any case.
    pub(crate) fn pages(&self, page_bytes: usize, context_length: usize) -> usize {
        let mib = match self.kv_memory_mib {
            0 => (machine_memory() / 8 / MIB).clamp(128, 8192),
            mib => mib as u64,
        };
        let pages = mib * MIB / (page_bytes as u64).max(1);
        // One to write to and one to copy from besides.
        let least = context_length.div_ceil(PAGE) + 2;
        usize::try_from(pages).unwrap_or(usize::MAX).clamp(least, u32::MAX as usize)
    }

    /// The folder of snapshots, and their most bytes; `None` for no snapshots.
    pub(crate) fn snapshot_place(&self) -> Option<(&Path, u64)> {
        let folder = self.snapshot_folder.as_deref()?;
        (self.snapshot_mib > 0).then_some((folder, self.snapshot_mib as u64 * MIB))
    }

    /// Refuses what cannot work.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        for (name, value, least, most) in [
            ("threads", self.threads, 0, MOST_THREADS),
            ("context-length", self.context_length, 1, LONGEST),
            ("kv-memory-mib", self.kv_memory_mib, 0, MOST_KV_MIB),
            ("snapshot-mib", self.snapshot_mib, 0, MOST_SNAPSHOT_MIB),
            ("prefill-chunk", self.prefill_chunk, 1, LARGEST_CHUNK),
        ] {
            if !(least..=most).contains(&value) {
                let expected = format!("{least} to {most}");
                return Err(EngineError::Setting { name, expected, found: value.to_string() });
            }
        }
        Ok(())
    }
}

/// Bytes of memory that this process may use: the machine's, or its control group's where that is less.
pub fn machine_memory() -> u64 {
    let refresh = sysinfo::RefreshKind::nothing().with_memory(sysinfo::MemoryRefreshKind::everything());
    // Where it cannot be told the least is taken.
    let Ok(mut system) = sysinfo::System::new_with_specifics(refresh) else { return 0 };
    let total = system.total_memory();
    group_limits(&mut system).map(|limits| limits.total_memory).fold(total, u64::min)
}

/// What control groups leave this process: the system's own limits are those of the group at the root, which is ours in a container only.
pub(crate) fn group_limits(system: &mut sysinfo::System) -> impl Iterator<Item = sysinfo::CGroupLimits> + use<> {
    let own = |system: &mut sysinfo::System| {
        let pid = sysinfo::get_current_pid().ok()?;
        let nothing = sysinfo::ProcessRefreshKind::nothing();
        system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::Some(&[pid]), false, nothing);
        system.process(pid)?.cgroup_limits()
    };
    [system.cgroup_limits(), own(system)].into_iter().flatten()
}
