//! A request as far as it is filled in; travels in buttons and, without the draft, in the form's private metadata.

use serde::{Deserialize, Serialize};

use crate::{
    queue::{DeliverTo, Request},
    segment::{Conditions, Draft},
    slack::limits,
};

/// Where the form was asked for; travels with it as private metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Origin {
    /// Empty when it was asked for outside any channel.
    #[serde(rename = "c", skip_serializing_if = "String::is_empty")]
    pub(crate) channel: String,
    /// The thread it was asked for in.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    pub(crate) thread_ts: Option<String>,
    /// Regions that were filled in beforehand; they hold where a client does not show the input for them.
    #[serde(rename = "r", skip_serializing_if = "Vec::is_empty")]
    pub(crate) regions: Vec<String>,
    /// Earlier segments that were filled in beforehand; they hold as the regions do.
    #[serde(rename = "w", skip_serializing_if = "Vec::is_empty")]
    pub(crate) without: Vec<String>,
    /// Whether a direct message is what the person chose last time.
    #[serde(rename = "m", skip_serializing_if = "std::ops::Not::not")]
    pub(crate) dm: bool,
}

impl Origin {
    /// Somewhere the result could go besides a direct message: a channel, but no conversation between people.
    pub(crate) fn has_channel(&self) -> bool {
        !self.channel.is_empty() && !self.channel.starts_with('D')
    }

    /// Where the result goes unless the person says otherwise.
    pub(crate) fn usual_delivery(&self) -> DeliverTo {
        if self.has_channel() && !self.dm { DeliverTo::Thread } else { DeliverTo::Dm }
    }
}

/// What is asked so far, as far as that is known: what a form starts with, and what it holds when it comes back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RequestDraft {
    #[serde(rename = "o")]
    pub(crate) origin: Origin,
    #[serde(rename = "d", skip_serializing_if = "is_blank")]
    pub(crate) draft: Draft,
}

fn is_blank(draft: &Draft) -> bool {
    *draft == Draft::default()
}

impl RequestDraft {
    /// As the value of a button; what was typed is dropped when it does not fit.
    pub(crate) fn to_value(&self) -> String {
        let text = |draft: &Self| serde_json::to_string(draft).unwrap_or_default();
        Some(text(self))
            .filter(|value| value.chars().count() <= limits::BUTTON_VALUE)
            .unwrap_or_else(|| text(&Self { origin: self.origin.clone(), draft: Draft::default() }))
    }

    /// What asks for the same again.
    pub(crate) fn again(request: &Request) -> Self {
        let origin = Origin {
            channel: request.channel.clone(),
            thread_ts: request.thread_ts.clone(),
            dm: request.deliver_to == DeliverTo::Dm,
            ..Origin::default()
        };
        Self { origin, draft: draft_of(&request.conditions) }
    }

    /// Where the result goes.
    pub(crate) fn deliver_to(&self) -> DeliverTo {
        self.origin.usual_delivery()
    }

    /// A value that is no draft opens an empty form.
    pub(crate) fn from_value(value: &str) -> Self {
        serde_json::from_str(value).unwrap_or_default()
    }
}

/// A draft that is to become a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Submission {
    #[serde(rename = "s")]
    pub(crate) asked: RequestDraft,
    /// The id of the click that asked: however often it arrives, and whichever button follows it, it makes one request.
    #[serde(rename = "k")]
    pub(crate) source_key: String,
}

impl Submission {
    /// As the value of a button; `None` when it does not fit.
    pub(crate) fn to_value(&self) -> Option<String> {
        serde_json::to_string(self).ok().filter(|value| value.chars().count() <= limits::BUTTON_VALUE)
    }
}

fn draft_of(conditions: &Conditions) -> Draft {
    let text = |value: &dyn ToString| value.to_string();
    Draft {
        name: conditions.name.clone(),
        product: Some(text(&conditions.product)),
        genders: conditions.genders.iter().map(|gender| text(gender)).collect(),
        age_from: conditions.age.map(|age| text(&age.from)),
        age_to: conditions.age.map(|age| text(&age.to)),
        regions: conditions.regions.iter().map(|region| text(region)).collect(),
        attributes: conditions
            .attributes
            .iter()
            .map(|(id, choices)| (id.clone(), choices.iter().cloned().collect()))
            .collect(),
        size: Some(text(&conditions.size)),
        converted: Some(text(&conditions.exclude_converted)),
        without: conditions.exclude_segments.iter().map(|segment| text(segment)).collect(),
        control: Some(format!("{}%", conditions.control_percent)),
    }
}
