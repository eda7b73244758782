//! A segment's numbers in words, for the terminal.

use crate::{
    segment::{Conditions, Direction, Estimate, Grade, Missed, Quality, Replayed, Rule, RuleTest, Summary, Waterfall},
    texts::grouped,
};

/// What `segment create` prints.
pub(super) fn summary(summary: &Summary, conditions: &Conditions) -> Vec<String> {
    let mut lines = vec![
        format!("{conditions}"),
        format!("{} people, from the snapshot of {}", grouped(summary.waterfall.delivered), summary.as_of),
        waterfall(&summary.waterfall),
    ];
    lines.extend(quality(&summary.quality));
    lines.push(format!("Model {}{}", summary.model_id, if summary.model_reused { " (reused)" } else { "" }));
    lines.extend(summary.factors.iter().map(|factor| {
        let direction = match factor.direction {
            Direction::Higher => "higher",
            Direction::Lower => "lower",
            Direction::Mixed => "mixed",
        };
        format!("  {:>3.0} %  {} ({direction})", factor.share * 100.0, factor.feature.en)
    }));
    if !summary.rules.is_empty() {
        lines.push(format!("In words (agrees with the segment for {:.0} %):", summary.rules_fidelity * 100.0));
        lines.extend(summary.rules.iter().map(rule));
    }
    let spent: u64 = summary.stages_ms.iter().map(|(_, milliseconds)| milliseconds).sum();
    let stages: Vec<String> = summary.stages_ms.iter().map(|(stage, ms)| format!("{stage} {ms} ms")).collect();
    lines.push(format!("Took {spent} ms: {}", stages.join(", ")));
    lines
}

/// What a request would find.
pub(super) fn estimate(estimate: &Estimate, conditions: &Conditions) -> Vec<String> {
    let Estimate { matching, opted_out, converted, conversions, .. } = *estimate;
    let left = match (converted, estimate.eligible()) {
        (Some(converted), Some(eligible)) => {
            let size = conditions.size.of(eligible);
            format!("− {} converted → {} eligible → {} asked for", grouped(converted), grouped(eligible), grouped(size))
        }
        _ => format!("how many converted is known for 30, 90 and 180 days, not for {}", conditions.exclude_converted),
    };
    let counts = [
        format!("{} match → − {} opted out → {left}", grouped(matching), grouped(opted_out)),
        format!("{} conversions to learn from", grouped(conversions)),
    ];
    counts.into_iter().chain(age_unknown(estimate)).collect()
}

/// Whom asking for an age leaves out because nobody knows theirs.
pub(super) fn age_unknown(estimate: &Estimate) -> Option<String> {
    let people = grouped(estimate.age_unknown);
    (estimate.age_unknown > 0)
        .then(|| format!("{people} people of unknown age meet the other conditions; --age leaves them out"))
}

fn waterfall(waterfall: &Waterfall) -> String {
    format!(
        "{} in all → {} match → − {} opted out − {} suppressed − {} converted − {} in earlier segments → {} eligible → \
         − {} control group → {} delivered",
        grouped(waterfall.people),
        grouped(waterfall.matching),
        grouped(waterfall.opted_out),
        grouped(waterfall.suppressed),
        grouped(waterfall.converted),
        grouped(waterfall.in_earlier),
        grouped(waterfall.eligible),
        grouped(waterfall.control),
        grouped(waterfall.delivered),
    )
}

fn quality(quality: &Quality) -> Vec<String> {
    let grade = quality.grade.map_or("", |grade| match grade {
        Grade::Strong => "Strong: ",
        Grade::Useful => "Useful: ",
        Grade::Weak => "Weak: ",
        Grade::NoBetterThanChance => "No better than a random pick: ",
    });
    let mut lines = vec![format!(
        "{grade}AUC {:.3} ({:.3}–{:.3}) among people who met the conditions and whom the model did not learn from; {} conversions learned \
         from{}",
        quality.auc,
        quality.auc_low,
        quality.auc_high,
        grouped(quality.positives),
        quality.positives_meeting.map_or_else(String::new, |met| {
            format!("; {} in one horizon among those who met the conditions", grouped(met))
        }),
    )];
    if let Some(Replayed { day, picked, came, random, lift }) = quality.replay {
        lines.push(format!(
            "Had you asked on {day} with the same words, {} of {} would have converted; {random:.0} at random{}",
            grouped(came),
            grouped(picked),
            lift.map_or_else(String::new, |(low, high)| format!(" (surely {low:.1} to {high:.1} times as many)"))
        ));
    }
    if let Some(Missed { missed, of }) = quality.missed {
        lines.push(format!(
            "Take the expectation with care: {missed} of the last {of} promises for this product lay outside their interval, \
             more than chance explains"
        ));
    }
    if quality.without_events > 0 {
        lines.push(format!(
            "Not learned from: {} people without any event up to the day that was learned at, who may have joined later; \
             people without any event come last",
            grouped(quality.without_events)
        ));
    }
    lines.push(format!(
        "Expect {:.0} conversions ({} to {} in nine of ten cases); {:.0} among as many picked at random ({:.1} ×)",
        quality.expected,
        grouped(quality.expected_low),
        grouped(quality.expected_high),
        quality.expected_random,
        quality.lift,
    ));
    lines
}

fn rule(rule: &Rule) -> String {
    let part = |part: &crate::segment::RulePart| match part.test {
        RuleTest::AtMost(value) => format!("{} ≤ {value}", part.feature.en),
        RuleTest::Above(value) => format!("{} > {value}", part.feature.en),
    };
    let parts: Vec<String> = rule.parts.iter().map(part).collect();
    format!("  {:>3.0} %  {}", rule.share_of_segment * 100.0, parts.join(" and "))
}
