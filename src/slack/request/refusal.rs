//! Why a request is not accepted, and what the person hears.

use crate::{
    segment::Problem,
    slack::{
        app::{SlackApp, Who},
        deadline::Away,
    },
};

/// Why a request was not accepted. Nothing was stored then, or the same click finds it again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    Problems(Vec<Problem>),
    /// The catalog keeps this product to other channels.
    ProductNotHere,
    Channel(ChannelRefusal),
    /// Too little happened for a model to learn from.
    TooFew {
        found: u64,
        needed: u64,
    },
    /// The database did not do it.
    Unavailable(Away),
}

/// Why a result cannot go there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelRefusal {
    /// Private, and the bot was not invited.
    NotMember,
    /// People of another organisation read it.
    Shared,
    Archived,
    /// Slack did not say in time.
    Unsure,
}

impl Refusal {
    /// In words, apart from mistakes in the conditions, which have words of their own.
    pub(crate) fn words(&self, app: &SlackApp, who: &Who) -> String {
        let say = app.say(who.locale);
        match self {
            Self::Problems(_) => say.text("problem-intro"),
            Self::ProductNotHere => say.text("refusal-product"),
            Self::TooFew { found, needed } => {
                say.with("refusal-too-few", &[("found", (*found).into()), ("needed", (*needed).into())])
            }
            Self::Channel(ChannelRefusal::NotMember) => say.text("refusal-not-member"),
            Self::Channel(ChannelRefusal::Shared) => say.text("refusal-shared"),
            Self::Channel(ChannelRefusal::Archived) => say.text("refusal-archived"),
            Self::Channel(ChannelRefusal::Unsure) => say.text("refusal-unsure"),
            Self::Unavailable(away) => app.away_words(*away, who),
        }
    }
}
