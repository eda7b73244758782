//! What a build is doing: written into the request's row by the worker, and put into words by the thread.

/// The stages of a build, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Assembling,
    Training,
    Scoring,
    Writing,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Assembling, Self::Training, Self::Scoring, Self::Writing];

    /// As it stands in the row.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assembling => "assembling",
            Self::Training => "training",
            Self::Scoring => "scoring",
            Self::Writing => "writing",
        }
    }

    /// The stage of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }
}
