//! Why a request came to nothing, in plain words: what happened, what to do, whom to ask. Never the text of an internal error.

use crate::{catalog::Catalog, queue::Request, segment::Failure, slack::wording::blocks::escape, texts::Say};

/// Reasons of [`Failure::SlackRefused`] that are ours.
pub(crate) const NOW_SHARED: &str = "channel_is_shared";
pub(crate) const OUTSIDER: &str = "requester_is_outside";
pub(crate) const PRODUCT_NOT_HERE: &str = "product_not_here";

/// What happened and what to do, as two paragraphs and a reference.
pub(crate) fn words(catalog: &Catalog, say: Say<'_>, request: &Request, failure: &Failure) -> String {
    let whom = [("owner", escape(&catalog.owner).into()), ("reference", request.reference.as_str().into())];
    let ask = if failure.is_the_requests() { "failure-ask" } else { "failure-ask-owner" };
    format!("{}\n{}\n{}", what(say, failure), what_to_do(say, failure), say.with(ask, &whom))
}

fn what(say: Say<'_>, failure: &Failure) -> String {
    match failure {
        Failure::EmptyAudience { matching, opted_out, converted, listed } => {
            let counts = [
                ("matching", (*matching).into()),
                ("opted_out", (*opted_out).into()),
                ("converted", (*converted).into()),
                ("listed", (*listed).into()),
            ];
            say.with(if *listed > 0 { "failure-empty-listed" } else { "failure-empty" }, &counts)
        }
        Failure::EarlierSegmentGone { segment } => {
            say.with("failure-earlier-gone", &[("segment", escape(segment).into())])
        }
        Failure::TooSmall { people, smallest } => {
            say.with("failure-too-small", &[("people", (*people).into()), ("smallest", (*smallest).into())])
        }
        Failure::NoBetterThanChance { day, picked, came, random } => {
            let args = [
                ("day", day.map(|day| day.to_string()).unwrap_or_default().into()),
                ("picked", (*picked).into()),
                ("came", (*came).into()),
                ("random", (*random).into()),
            ];
            say.with(if day.is_some() { "failure-chance-replayed" } else { "failure-chance" }, &args)
        }
        Failure::TooFewConversions { found, needed } => {
            say.with("failure-too-few", &[("found", (*found).into()), ("needed", (*needed).into())])
        }
        Failure::NoSnapshot { newest: Some(newest), .. } => {
            say.with("failure-old-snapshot", &[("newest", newest.to_string().into())])
        }
        Failure::NoSnapshot { newest: None, .. } => say.text("failure-no-snapshot"),
        Failure::DataUnreadable => say.text("failure-data"),
        Failure::CatalogChanged => say.text("failure-catalog"),
        Failure::StorageUnreachable => say.text("failure-storage"),
        Failure::WorkerLost => say.text("failure-worker"),
        Failure::TookTooLong => say.text("failure-too-long"),
        Failure::SlackRefused { reason } => refused(say, reason),
        Failure::SlackUnreachable => say.text("failure-slack-away"),
        Failure::DeliveryUnconfirmed => say.text("failure-unconfirmed"),
        Failure::SuppressionLost => say.text("failure-suppression"),
        Failure::Internal => say.text("failure-internal"),
    }
}

/// Slack's reasons, as far as a person can do something about them.
fn refused(say: Say<'_>, reason: &str) -> String {
    match reason {
        "not_in_channel" | "channel_not_found" | "user_not_in_channel" => say.text("refused-not-in-channel"),
        "is_archived" => say.text("refused-archived"),
        "file_uploads_disabled" | "file_uploads_except_images_disabled" | "file_type_not_allowed" => {
            say.text("refused-uploads-disabled")
        }
        "file_upload_size_restricted" => say.text("refused-too-large"),
        "storage_limit_reached" => say.text("refused-storage-full"),
        "slack_connect_file_upload_sharing_blocked" | NOW_SHARED => say.text("refused-shared"),
        OUTSIDER => say.text("refused-outsider"),
        PRODUCT_NOT_HERE => say.text("refused-product"),
        reason if reason.starts_with("restricted_action") || reason == "posting_to_channel_denied" => {
            say.text("refused-restricted")
        }
        "missing_scope" | "no_permission" => say.text("refused-scope"),
        reason => say.with("refused-other", &[("reason", reason.into())]),
    }
}

fn what_to_do(say: Say<'_>, failure: &Failure) -> String {
    match failure {
        Failure::EmptyAudience { .. } | Failure::TooSmall { .. } => say.text("todo-relax"),
        Failure::TooFewConversions { .. } => say.text("todo-other-product"),
        Failure::NoBetterThanChance { .. } => say.text("todo-chance"),
        Failure::CatalogChanged | Failure::EarlierSegmentGone { .. } => say.text("todo-change"),
        Failure::SlackRefused { .. } => say.text("todo-refused"),
        Failure::DeliveryUnconfirmed => say.text("todo-unconfirmed"),
        Failure::DataUnreadable | Failure::SuppressionLost => say.text("todo-operator"),
        Failure::NoSnapshot { .. }
        | Failure::StorageUnreachable
        | Failure::WorkerLost
        | Failure::TookTooLong
        | Failure::SlackUnreachable
        | Failure::Internal => say.text("todo-retry"),
    }
}
