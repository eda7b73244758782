//! What a request would find on the newest snapshot, in a moment.

use super::{BuildError, build_segment::BuildContext};
use crate::{
    audience::Cube,
    features::Snapshot,
    segment::{Conditions, Estimate},
};

/// Sums the newest snapshot's small table; reads neither the snapshot nor a model.
pub async fn estimate(ctx: BuildContext<'_>, conditions: &Conditions) -> Result<Estimate, BuildError> {
    let snapshot = Snapshot::newest(ctx.store, ctx.catalog).await?;
    let cube = Cube::read(&snapshot.local_cube().await?, ctx.catalog)?;
    Ok(cube.estimate(ctx.catalog, conditions)?)
}
