//! People who are left out by name, read from where they are stored.

use crate::{
    audience::LeftOut,
    contracts::keys,
    digest::sha256_hex,
    export::{self, SEGMENT_FILE},
    lake::{LakeError, Store},
    segment::{Conditions, EarlierSegment, LeftOutList},
    suppression,
};

use super::BuildError;

/// Which suppression list counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Suppress {
    /// The one in force.
    #[default]
    Current,
    /// The one that a segment was built with; `None` when it was built with none.
    Recorded(Option<LeftOutList>),
}

/// The people, and the files that they come from: earlier segments first, the suppression list last.
pub(super) async fn find(
    store: &Store,
    conditions: &Conditions,
    suppress: &Suppress,
) -> Result<(LeftOut, Vec<LeftOutList>), BuildError> {
    let (mut left_out, mut lists) = (LeftOut::default(), Vec::new());
    for segment in &conditions.exclude_segments {
        let key = keys::segment_file(&segment.folder, SEGMENT_FILE);
        let path = store.local(&key).await.map_err(|error| gone(segment, error))?;
        let text = std::fs::read(&path).map_err(BuildError::Scratch)?;
        left_out.earlier.extend(export::read_ids(&path, &text)?);
        lists.push(LeftOutList { key, sha256: sha256_hex(text) });
    }
    let list = match suppress {
        Suppress::Current => suppression::current(store).await?.map(|(list, _)| list),
        Suppress::Recorded(list) => list.clone(),
    };
    if let Some(list) = list {
        left_out.suppressed = suppression::ids(store, &list).await?;
        lists.push(list);
    }
    Ok((left_out, lists))
}

fn gone(segment: &EarlierSegment, error: LakeError) -> BuildError {
    match error {
        LakeError::Missing { .. } => BuildError::EarlierSegmentGone { segment: segment.to_string() },
        error => error.into(),
    }
}
