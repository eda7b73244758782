//! Names that Slack hands back to us, and that `manifest.yml` repeats (a test compares them).

/// The slash command.
pub const COMMAND: &str = "/segment";
/// The global shortcut "Build a segment".
pub const SHORTCUT_GLOBAL: &str = "build_segment";
/// The message shortcut "Build a segment here".
pub const SHORTCUT_MESSAGE: &str = "build_segment_here";
/// The form.
pub const CALLBACK_FORM: &str = "segment_form";
/// What the form turns into once it is submitted.
pub(super) const CALLBACK_CONFIRMATION: &str = "segment_confirmation";
/// Opens the form; the value is a seed.
pub const ACTION_OPEN_FORM: &str = "open_form";
/// Cancels; the value is the request's id, as for the next two.
pub const ACTION_CANCEL: &str = "cancel_request";
/// Puts a failed request back.
pub const ACTION_RETRY: &str = "retry_request";
/// The question whether a segment that exists is enough.
pub(super) const CALLBACK_OFFER: &str = "segment_offer";
/// Takes the segment that exists; the value is what was asked, as for the next.
pub(super) const ACTION_USE_SAME: &str = "use_same";
/// Builds it anyway.
pub(super) const ACTION_BUILD_ANYWAY: &str = "build_anyway";
/// Counts people again for what a form says now.
pub(super) const ACTION_COUNT: &str = "count_people";
/// Opens the form, filled in as before.
pub const ACTION_RERUN: &str = "rerun_request";
