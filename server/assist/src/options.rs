//! This room's settings: declared once, with their documentation; the manual and the editors' settings are generated from here.

mod folder_file;
mod overlay;

pub use folder_file::FOLDER_FILE;
pub use overlay::overlay;

/// What a person can set about suggestions.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// Inline completion (ghost text).
    pub completion: CompletionOptions,
    /// Code actions by a model.
    pub actions: ActionOptions,
}

/// Code actions by a model: writing what is still to be written, and with a model that chats rewriting, documenting, testing, fixing.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ActionOptions {
    /// Whether they are offered at all.
    pub enabled: bool,
    /// The most tokens that one answer may take to decode; for a rewrite of many lines as many as those need.
    #[schemars(range(min = 1, max = 1 << 20))]
    pub max_tokens: usize,
    /// About the most tokens that the model is shown for one.
    #[schemars(range(min = 64, max = 1 << 20))]
    pub context_tokens: usize,
    /// How the loaded model is asked for the next edit; `auto` goes by its file, or its name. Changed definitions are carried without a model, whatever stands here.
    pub next_edit_form: NextEditForm,
}

/// How a model is asked for the next edit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NextEditForm {
    /// As the model's file or its name says.
    #[default]
    Auto,
    /// Not at all.
    Off,
    /// As sweep-next-edit.
    Sweep,
    /// As Zeta 1.
    #[serde(rename = "zeta-1")]
    Zeta1,
    /// As Zeta 2.
    #[serde(rename = "zeta-2")]
    Zeta2,
    /// As Zeta 2.1.
    #[serde(rename = "zeta-2.1")]
    Zeta21,
    /// As ember, of weights that were trained on it.
    Ember,
}

impl NextEditForm {
    /// As `pilotlight_context::next_edit` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Off => "off",
            Self::Sweep => "sweep",
            Self::Zeta1 => "zeta-1",
            Self::Zeta2 => "zeta-2",
            Self::Zeta21 => "zeta-2.1",
            Self::Ember => "ember",
        }
    }
}

impl Default for ActionOptions {
    fn default() -> Self {
        Self { enabled: true, max_tokens: 1024, context_tokens: 4096, next_edit_form: NextEditForm::Auto }
    }
}

/// Inline completion (ghost text).
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct CompletionOptions {
    /// Whether completions are offered at all.
    pub enabled: bool,
    /// Languages (LSP's `languageId`) in which none are offered.
    pub disabled_languages: Vec<String>,
    /// The most tokens that one completion may take to decode.
    #[schemars(range(min = 1, max = 1 << 16))]
    pub max_tokens: usize,
    /// The most tokens of the file that the model is shown: four fifths before the cursor, one fifth after it.
    #[schemars(range(min = 64, max = 1 << 20))]
    pub context_tokens: usize,
    /// Of these, the most that show other files of the workspace (half of them at most); 0 shows the open file alone. Where nothing is said, the model's family decides: none for ember,
    /// a third for families trained on repositories.
    pub repository_tokens: Option<usize>,
    /// Whether a line from a place like the cursor's, in the open file or another of the workspace, is offered where it is surer than what the model writes. Where nothing is said: with ember,
    /// which knows little by itself.
    pub recall: Option<bool>,
    /// Whether there are completions in files that `.gitignore` or `.ignore` exclude. (There are none in files that `.pilotlightignore`, `.aiexclude`, `.cursorignore` or
    /// `.copilotignore` exclude, and none of all these ever stands in another file's prompt.)
    pub in_git_ignored_files: bool,
    /// While typing, a completion is shown only if the geometric mean of its tokens' probabilities is at least this (0 shows all; asking by key always does).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_confidence: f32,
    /// Whether the completion that would follow is computed while the person reads the one that is shown, and the prompt for where the cursor comes to rest. Less and less where that
    /// is not used, and not on battery or on a busy machine.
    pub look_ahead: bool,
    /// Whether it is on battery and on a busy machine too.
    pub look_ahead_always: bool,
    /// Where most of a prompt was computed for another place (a line was put in above it, say): answer at once from that, approximately, and compute it properly afterwards. Worth a
    /// thought where prompts take seconds. What is shown may differ from what the model would have said; "why this suggestion" tells where it was so.
    pub answer_now: bool,
}

impl Default for CompletionOptions {
    fn default() -> Self {
        Self {
            enabled: true,
            disabled_languages: Vec::new(),
            max_tokens: 64,
            context_tokens: 1024,
            repository_tokens: None,
            recall: None,
            in_git_ignored_files: false,
            min_confidence: 0.25,
            look_ahead: true,
            look_ahead_always: false,
            answer_now: false,
        }
    }
}
