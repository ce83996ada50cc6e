//! What the daemon tells a person about itself.

/// The state to show in an editor's status bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The model is loading; completions wait for it.
    Loading {
        /// Its name.
        model: String,
    },
    /// Ready, and idle.
    Ready {
        /// Its name.
        model: String,
    },
    /// Working for somebody.
    Busy {
        /// Its name.
        model: String,
    },
    /// Ready or working with less than was set: the server does not serve, and the built-in model answers.
    Degraded {
        /// The name of the model that answers.
        model: String,
        /// What failed and what still works, in words.
        message: String,
    },
    /// Not working; what failed and what still works.
    Failed {
        /// In words.
        message: String,
    },
}
