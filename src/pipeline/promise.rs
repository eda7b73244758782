//! What a segment is expected to bring, judged on those who met the same conditions one horizon ago.

use crate::{
    audience::Selection,
    model::{Asked, Expected, Promise, Replays, missed},
    segment::{Evidence, Grade, Promised, Quality, Replayed},
};

use super::{BuildError, build_segment::Prepared};

/// How good the ranking is for this request and what to expect of it, by the replays that it names or those of its day.
#[expect(clippy::cast_precision_loss, reason = "people are fewer than 2^53")]
pub(super) async fn promise(prepared: &Prepared<'_>, selection: &Selection) -> Result<(Quality, Promised), BuildError> {
    let Prepared { ctx, ask, snapshot, model, .. } = prepared;
    let (catalog, conditions) = (ctx.catalog, &ask.conditions);
    let past = Replays { store: ctx.store };
    let replays = match &ask.replays {
        Some(keys) => keys.clone(),
        None => past.choose(snapshot.as_of()).await?,
    };
    let waterfall = &selection.waterfall;
    let picked = (waterfall.delivered + waterfall.control) as f64;
    let share = picked / waterfall.eligible.max(1) as f64;
    let past = past.read(&replays).await?;
    let (own, others): (Vec<_>, Vec<_>) = past.iter().partition(|replay| replay.product == conditions.product.as_str());
    let excluded = conditions.exclude_converted;
    let learned = |share| Promise::learned(&past, excluded, share);
    let promise = learned(share);
    let Expected { conversions, low, high } = promise.expected(selection.expected, selection.expected_variance);
    let expected_random = learned(1.0).factor * selection.eligible_mean * waterfall.delivered as f64;
    let asked = model.replay.ask(catalog, conditions, share)?;
    let holdout = &model.report.holdout;
    let (auc, auc_low, auc_high) =
        asked.and_then(|asked| asked.auc).unwrap_or((holdout.auc, holdout.auc_low, holdout.auc_high));
    let of = model.replay.of;
    let replay = asked.filter(|_| of.is_past).map(|Asked { picked, came, random, lift, .. }| Replayed {
        day: of.day,
        picked,
        came,
        random,
        lift,
    });
    let grade = Grade::of(Evidence { lift: asked.and_then(|asked| asked.lift), share, auc_low });
    let quality = Quality {
        auc,
        auc_low,
        auc_high,
        grade,
        replay,
        positives: model.report.positives,
        positives_meeting: asked.filter(|_| of.is_past).map(|asked| asked.converted),
        base_rate: holdout.base_rate,
        expected: conversions,
        expected_low: low,
        expected_high: high,
        expected_random,
        lift: if expected_random > 0.0 { conversions / expected_random } else { 1.0 },
        missed: missed(own, others, excluded, share),
        without_events: model.report.without_events,
    };
    let promised = Promised {
        expected: conversions,
        expected_low: low,
        expected_high: high,
        factor: promise.factor,
        spread: promise.spread,
        replays,
        replay,
    };
    Ok((quality, promised))
}
