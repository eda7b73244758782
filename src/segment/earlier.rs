//! People who are left out by name: earlier segments that a request mentions, and the lists that were left out in the end.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

/// An earlier segment whose people are left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EarlierSegment {
    pub folder: SegmentFolder,
    /// As people call it; `None` for one that was made without Slack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
}

/// The number where there is one, because that is what people type.
impl Display for EarlierSegment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(f, "#{number}"),
            None => self.folder.fmt(f),
        }
    }
}

/// Name of a folder below `segments/`: small letters, digits and hyphens, and not a number alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SegmentFolder(String);

/// Text that names no folder of a segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a segment's folder")]
pub struct NoFolder(String);

impl TryFrom<String> for SegmentFolder {
    type Error = NoFolder;

    fn try_from(text: String) -> Result<Self, NoFolder> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !text.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Self(text)) } else { Err(NoFolder(text)) }
    }
}

impl From<SegmentFolder> for String {
    fn from(folder: SegmentFolder) -> Self {
        folder.0
    }
}

impl Display for SegmentFolder {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A list of people who were left out of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutList {
    /// Its key in the store.
    pub key: String,
    /// Of the file, in lower-case hexadecimal.
    pub sha256: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_plain_name_and_no_number() {
        for good in ["cli-0123456789abcdef", "6e1c0b52-93a4-4c7e-8d1f-0a2b3c4d5e6f", "a"] {
            assert!(SegmentFolder::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "128", "../up", "A", "a/b", "a b"] {
            assert!(SegmentFolder::try_from(bad.to_owned()).is_err(), "{bad}");
            assert!(serde_json::from_value::<SegmentFolder>(bad.into()).is_err(), "{bad}");
        }
    }
}
